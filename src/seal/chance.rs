//! Pseudo-random numbers from a seed: for simulated weather, invented people and documents, never for keys.
//!
//! Always holds: the same seed gives the same numbers on every machine.

/// Pseudo-random numbers from a seed (SplitMix64): for simulated weather, invented people and documents, never for keys.
#[derive(Debug, Clone)]
pub struct Chance(u64);

// === impl Chance ===

impl Chance {
    /// The same numbers for the same seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n` (0 when `n` is 0).
    pub fn below(&mut self, n: u64) -> u64 {
        self.draw().checked_rem(n).unwrap_or(0)
    }

    /// A number in a closed range.
    pub fn between(&mut self, (from, to): (u64, u64)) -> u64 {
        from.saturating_add(self.below(to.saturating_sub(from).saturating_add(1)))
    }

    /// One of these; `None` only of an empty slice.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let n = self.below(u64::try_from(of.len()).unwrap_or(0));
        of.get(usize::try_from(n).unwrap_or(0))
    }

    /// True with this probability.
    pub fn hits(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// A number from 0 to below 1.
    pub fn unit(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
        let n = (self.draw() >> 11) as f64;
        n / 9_007_199_254_740_992.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_their_range_and_every_item_is_picked() {
        let mut chance = Chance::new(1);
        assert!((0..1000).all(|_| (5..=9).contains(&chance.between((5, 9)))));
        assert_eq!(chance.below(0), 0);
        let picked: std::collections::BTreeSet<i32> = (0..100).filter_map(|_| chance.pick(&[1, 2, 3]).copied()).collect();
        assert_eq!(picked.len(), 3);
        assert_eq!(chance.pick::<i32>(&[]), None);
        assert!((0..1000).all(|_| !chance.hits(0.0)) && (0..1000).all(|_| chance.hits(1.0)));
    }
}
