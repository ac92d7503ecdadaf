//! Whole VND in a checked type (promise 9). There is no fraction of a đồng, no negative amount, no wrap-around.

use std::fmt;

/// An amount of money in whole VND, 0 to 9 007 199 254 740 991 (what every JSON reader keeps exactly).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize)]
#[serde(transparent)]
pub struct Vnd(u64);

/// Why a text or number is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VndError {
    /// A sign, separator, blank, fraction, exponent or nothing at all.
    #[error("an amount is whole VND, digits only (no sign, separator, blank, fraction or exponent)")]
    Form,
    /// More than the largest amount.
    #[error("an amount is at most 9007199254740991 VND")]
    TooLarge,
}

// === impl Vnd ===

impl Vnd {
    /// The largest amount.
    pub const MAX: u64 = 9_007_199_254_740_991;
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount; refused above [`Vnd::MAX`].
    pub fn new(amount: u64) -> Result<Self, VndError> {
        if amount > Self::MAX { Err(VndError::TooLarge) } else { Ok(Self(amount)) }
    }

    /// Reads digits only; leading zeros are refused except for `0` itself, so that one amount has one spelling.
    pub fn parse(text: &str) -> Result<Self, VndError> {
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
        if !plain {
            return Err(VndError::Form);
        }
        text.parse().map_err(|_| VndError::TooLarge).and_then(Self::new)
    }

    /// The number of đồng.
    #[must_use]
    pub fn amount(self) -> u64 {
        self.0
    }

    /// The sum, unless it is too large.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(|n| Self::new(n).ok())
    }

    /// `times` times this, unless it is too large.
    #[must_use]
    pub fn checked_mul(self, times: u64) -> Option<Self> {
        self.0.checked_mul(times).and_then(|n| Self::new(n).ok())
    }

    /// The difference, unless it would be negative.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
}

impl fmt::Display for Vnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Vnd {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::new(u64::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_one_spelling() {
        for (text, want) in [
            ("150000", Ok(150_000)),
            ("0", Ok(0)),
            ("9007199254740991", Ok(Vnd::MAX)),
            ("9007199254740992", Err(VndError::TooLarge)),
            ("99999999999999999999999", Err(VndError::TooLarge)),
            ("", Err(VndError::Form)),
            ("-1", Err(VndError::Form)),
            ("+1", Err(VndError::Form)),
            ("150,000", Err(VndError::Form)),
            ("150.000", Err(VndError::Form)),
            ("150000.0", Err(VndError::Form)),
            ("1.5e5", Err(VndError::Form)),
            (" 150000", Err(VndError::Form)),
            ("0150000", Err(VndError::Form)),
            ("١٥", Err(VndError::Form)),
        ] {
            assert_eq!(Vnd::parse(text).map(Vnd::amount), want, "{text:?}");
        }
    }

    #[test]
    fn sums_never_wrap() {
        let max = Vnd::new(Vnd::MAX).unwrap();
        assert_eq!(max.checked_add(Vnd::new(1).unwrap()), None);
        assert_eq!(max.checked_mul(2), None);
        assert_eq!(Vnd::ZERO.checked_sub(Vnd::new(1).unwrap()), None);
    }
}
