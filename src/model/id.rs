//! Identifiers: dossier, procedure and agency codes of the national lists, and the ids we make ourselves.
//!
//! Sources: QCVN 102:2016/BTTTT and QĐ 20/2020/QĐ-TTg (agency codes), NĐ 61/2018 and TT 01/2018/TT-VPCP (dossier code).

use crate::clock::Time;
use crate::seal::Random;
use std::fmt;

macro_rules! code {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Reads a code; `None` when it has not the form.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                $check(text).then(|| Self(text.to_owned()))
            }

            /// The code as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

code!(
    /// A dossier code (mã hồ sơ), old form `000.00.15.H26-190315-0001` or newer form `G09.20-20260609-0092637`.
    DossierCode,
    is_dossier
);
code!(
    /// A procedure code (mã thủ tục hành chính), `N.NNNNNN`, with or without the province's ending.
    ProcedureCode,
    is_procedure
);
code!(
    /// An agency code (mã định danh cơ quan), `000.00.15.H26` or the newer `H26.15`.
    AgencyCode,
    is_agency
);

/// Makes ids from given time and randomness.
pub struct Mint<'r> {
    random: &'r dyn Random,
    now: Time,
}

// === impl DossierCode ===

impl DossierCode {
    /// A code of the newer form. `day` is `yyyyMMdd`, `number` the day's sequence (seven digits).
    #[must_use]
    pub fn newer(agency: &AgencyCode, day: &str, number: u64) -> Option<Self> {
        Self::parse(&format!("{}-{day}-{number:07}", agency.newer_form()))
    }

    /// The agency part.
    #[must_use]
    pub fn agency(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }

    /// Its day (high half, as `yyyyMMdd`, or `yyMMdd` of an older code) and its number on that day (low half): codes that are given out one
    /// after the other lie one after the other.
    #[must_use]
    pub fn place(&self) -> u64 {
        let mut parts = self.0.split('-').skip(1).map(|digits| digits.parse::<u32>().unwrap_or(u32::MAX));
        u64::from(parts.next().unwrap_or(0)) << 32 | u64::from(parts.next().unwrap_or(0))
    }
}

// === impl ProcedureCode ===

impl ProcedureCode {
    /// The bare national code: `3.000181` of `3.000181.000.00.00.H22`.
    #[must_use]
    pub fn national(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }
}

// === impl AgencyCode ===

impl AgencyCode {
    /// The form of QĐ 20/2020: `H26.15` of `000.00.15.H26`; a newer code as it is. Zero units are left out.
    #[must_use]
    pub fn newer_form(&self) -> String {
        let parts: Vec<&str> = self.0.split('.').collect();
        match parts.as_slice() {
            [a, b, c, root] if digits(a, 3) && digits(b, 2) && digits(c, 2) => {
                let units = [*c, *b, *a].into_iter().filter(|u| u.bytes().any(|x| x != b'0'));
                std::iter::once(*root).chain(units).collect::<Vec<_>>().join(".")
            }
            _ => self.0.clone(),
        }
    }
}

// === impl Mint ===

impl<'r> Mint<'r> {
    /// A mint at `now`.
    #[must_use]
    pub fn new(random: &'r dyn Random, now: Time) -> Self {
        Self { random, now }
    }

    /// A time-ordered message id (UUID version 7).
    #[must_use]
    pub fn message_id(&self) -> String {
        let mut random = [0; 10];
        self.random.fill(&mut random);
        let ms = u64::try_from(self.now.0).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid().to_string()
    }

    /// A payment transaction id: 20 characters of Crockford base32; 10 carry the time (so that ids sort), 10 are random.
    /// Never cut from the dossier code, whose first 20 characters are one id for a whole day.
    #[must_use]
    pub fn payment_id(&self) -> String {
        let mut random = [0; 10];
        self.random.fill(&mut random);
        let ms = u64::try_from(self.now.0).unwrap_or(0);
        let head = (0..10).rev().map(|i| letter(ms >> (5 * i)));
        let tail = random.iter().map(|b| letter(u64::from(*b)));
        head.chain(tail).collect()
    }

    /// A refund's id: `R` and nine characters of Crockford base32, short enough for the telephone; 45 random bits, and the journal refuses
    /// one that is taken.
    #[must_use]
    pub fn refund_id(&self) -> String {
        let mut random = [0; 9];
        self.random.fill(&mut random);
        std::iter::once('R').chain(random.iter().map(|b| letter(u64::from(*b)))).collect()
    }

    /// 128 random bits as lower-case hex: a file id, a callback nonce.
    #[must_use]
    pub fn opaque(&self) -> String {
        let mut random = [0; 16];
        self.random.fill(&mut random);
        crate::seal::hex(&random)
    }
}

impl fmt::Debug for Mint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mint({})", self.now)
    }
}

// === forms ===

/// A letter of Crockford base32.
fn letter(n: u64) -> char {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    usize::try_from(n & 31).ok().and_then(|n| ALPHABET.get(n)).map_or('0', |b| char::from(*b))
}

fn digits(text: &str, n: usize) -> bool {
    text.len() == n && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_root(text: &str) -> bool {
    text.len() == 3 && text.starts_with(|c: char| c.is_ascii_uppercase()) && text.get(1..).is_some_and(|d| digits(d, 2))
}

fn is_dossier(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [agency, day, number] = parts.as_slice() else { return false };
    is_agency(agency) && ((digits(day, 6) && digits(number, 4)) || (digits(day, 8) && digits(number, 7)))
}

fn is_procedure(text: &str) -> bool {
    let (head, rest) = text.split_at_checked(8).unwrap_or((text, ""));
    let national = head.split_once('.').is_some_and(|(a, b)| digits(a, 1) && digits(b, 6));
    national && (rest.is_empty() || rest.strip_prefix('.').is_some_and(is_agency))
}

fn is_agency(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    match parts.as_slice() {
        [a, b, c, root] if digits(a, 3) => digits(b, 2) && digits(c, 2) && is_root(root),
        [root, units @ ..] => is_root(root) && units.len() <= 4 && units.iter().all(|u| digits(u, 2) || digits(u, 3)),
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zeros;
    impl Random for Zeros {
        fn fill(&self, to: &mut [u8]) {
            to.fill(0);
        }
    }

    #[test]
    fn both_forms_of_a_dossier_code_are_read() {
        for (text, good) in [
            ("000.00.15.H26-190315-0001", true),
            ("G09.20-20260609-0092637", true),
            ("H26.15-20260609-0092637", true),
            ("H26-20260609-0092637", true),
            ("000.00.15.H26-190315-001", false),
            ("000.00.15.h26-190315-0001", false),
            ("000.00.15.H26-190315-0001 ", false),
            ("000.00.15.H26_190315_0001", false),
            ("", false),
            ("đ00.00.15.H26-190315-0001", false),
            ("H26.15-20260609-0092637-1", false),
        ] {
            assert_eq!(DossierCode::parse(text).is_some(), good, "{text}");
        }
    }

    #[test]
    fn codes_given_out_one_after_the_other_lie_so() {
        let codes = [
            "000.00.15.H26-190315-0001",
            "000.00.15.H26-190315-0002",
            "H26.15-20260609-0092637",
            "H26.22-20260609-0092638",
            "H26.15-20260610-0000001",
        ];
        let places = codes.map(|code| DossierCode::parse(code).unwrap().place());
        assert!(places.is_sorted_by(|a, b| a < b), "{places:x?}");
        assert_eq!(places[2], 20_260_609 << 32 | 92_637);
    }

    #[test]
    fn a_procedure_code_yields_its_national_part() {
        assert_eq!(ProcedureCode::parse("3.000181.000.00.00.H22").unwrap().national(), "3.000181");
        assert_eq!(ProcedureCode::parse("1.005142").unwrap().national(), "1.005142");
        assert!(ProcedureCode::parse("1.00514").is_none());
        assert!(ProcedureCode::parse("1.005142.H26x").is_none());
    }

    #[test]
    fn an_agency_has_a_newer_form() {
        for (old, newer) in
            [("000.00.15.H26", "H26.15"), ("000.00.00.G03", "G03"), ("H26.15", "H26.15"), ("001.02.15.H26", "H26.15.02.001")]
        {
            assert_eq!(AgencyCode::parse(old).unwrap().newer_form(), newer);
        }
    }

    #[test]
    fn a_payment_id_has_twenty_characters_and_sorts_by_time() {
        let a = Mint::new(&Zeros, Time(1_000)).payment_id();
        let b = Mint::new(&Zeros, Time(2_000_000)).payment_id();
        assert_eq!(a.len(), 20);
        assert!(a < b);
    }
}
