//! Fair order between classes and, inside a class, between callers: start-time fair queueing, a pure value.
//!
//! Each flow has a virtual time at which its next message may start; the flow with the least goes, and its time moves on by one message
//! divided by its share. A flow that had nothing to send starts at the present virtual time: what it did not use is not saved up
//! (work-conserving, no credit). What it guarantees (Goyal, Vin, Cheng, SFQ, 1996), at a partner that takes C messages a second:
//! a class with share r of C that asks for no more than r is served each message at the latest `classes/C` after its turn at r, a caller
//! inside it at the latest `(callers + 1)/r + classes/C` after its turn at r/callers, whatever the others queue.

use std::collections::BTreeMap;

/// The share of a class that no list names.
const OTHER: u32 = 10;

/// One message's way in virtual time, at share 1.
const MESSAGE: u64 = 1_000_000;

/// Reserved shares of a partner's calls, by class; what one class does not use the others have. They need not add up to anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shares(BTreeMap<String, u32>);

/// Whose turn it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fair {
    shares: Shares,
    classes: Flows,
    callers: BTreeMap<String, Flows>,
}

/// Flows that share one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Flows {
    /// The virtual time: where the last message started.
    now: u64,
    /// Where the next message of a flow may start, for flows ahead of `now`.
    ahead: BTreeMap<String, u64>,
}

// === impl Shares ===

impl Shares {
    /// These shares, each at least 1; over the usual ones: payments and citizens before the ministry's pushes, bulk last.
    #[must_use]
    pub fn new(own: impl IntoIterator<Item = (String, u32)>) -> Self {
        let mut shares = Self::default();
        shares.0.extend(own.into_iter().map(|(class, share)| (class, share.max(1))));
        shares
    }

    /// The share of a class.
    #[must_use]
    pub fn of(&self, class: &str) -> u32 {
        self.0.get(class).copied().unwrap_or(OTHER)
    }
}

impl Default for Shares {
    fn default() -> Self {
        let usual = [("payment", 40), ("citizen", 40), ("ministry", 15), ("bulk", 5)];
        Self(usual.into_iter().map(|(class, share)| (class.to_owned(), share)).collect())
    }
}

// === impl Fair ===

impl Fair {
    /// Nobody has had a turn yet.
    #[must_use]
    pub fn new(shares: Shares) -> Self {
        Self { shares, classes: Flows::default(), callers: BTreeMap::new() }
    }

    /// The shares it keeps.
    #[must_use]
    pub fn shares(&self) -> &Shares {
        &self.shares
    }

    /// Whose turn it is among those that have something to send: (class, caller) pairs in any order.
    #[must_use]
    pub fn choose<'w>(&self, waiting: impl Iterator<Item = (&'w str, &'w str)> + Clone) -> Option<(&'w str, &'w str)> {
        let cost = |class: &str| MESSAGE / u64::from(self.shares.of(class));
        let class = waiting.clone().map(|(class, _)| class).min_by_key(|class| {
            let start = self.classes.start(class);
            (start, cost(class), *class)
        })?;
        let none = Flows::default();
        let callers = self.callers.get(class).unwrap_or(&none);
        let of_class = waiting.filter(|(c, _)| *c == class);
        of_class.min_by_key(|(_, caller)| (callers.start(caller), *caller))
    }

    /// One message of this class and caller goes.
    pub fn charge(&mut self, class: &str, caller: &str) {
        let cost = MESSAGE / u64::from(self.shares.of(class));
        self.classes.charge(class, cost);
        if !self.callers.contains_key(class) {
            self.callers.insert(class.to_owned(), Flows::default());
        }
        if let Some(callers) = self.callers.get_mut(class) {
            callers.charge(caller, MESSAGE);
        }
    }
}

// === impl Flows ===

impl Flows {
    fn start(&self, flow: &str) -> u64 {
        self.ahead.get(flow).copied().unwrap_or(0).max(self.now)
    }

    fn charge(&mut self, flow: &str, cost: u64) {
        self.now = self.start(flow);
        let next = self.now + cost;
        match self.ahead.get_mut(flow) {
            Some(ahead) => *ahead = next,
            None => {
                // Flows that have fallen back to `now` are as good as new: memory holds those ahead only.
                self.ahead.retain(|_, at| *at > self.now);
                self.ahead.insert(flow.to_owned(), next);
            }
        }
    }
}

#[cfg(test)]
#[path = "fair_tests.rs"]
mod tests;
