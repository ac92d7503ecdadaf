//! Faults planted on purpose, so that a check can be seen to fail. They exist in test builds only (feature `test-faults`); in every other
//! build [`planted`] is `false` and what it guards is compiled away.
//!
//! One fault at most is planted in a process, once, at its start (`serve --fault NAME`). Each names what goes wrong; where it goes wrong
//! is the one place that asks for it.

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// Some messages are acknowledged and not written.
    DropAccept,
    /// An unknown outcome is repeated without asking.
    BlindRepeat,
    /// A lane goes on with its newest message.
    NewestFirst,
    /// Calls to partners are not paced.
    NoPace,
    /// What the platform answers about a payment is not taken in.
    DropPayment,
    /// A click makes a new transaction although one is open.
    SecondTransaction,
    /// A start with a journal that was used before never comes to its end.
    Deaf,
}

impl Plant {
    /// All of them with their names.
    pub const ALL: [(&'static str, Self); 7] = [
        ("drop-accept", Self::DropAccept),
        ("blind-repeat", Self::BlindRepeat),
        ("newest-first", Self::NewestFirst),
        ("no-pace", Self::NoPace),
        ("drop-payment", Self::DropPayment),
        ("second-transaction", Self::SecondTransaction),
        ("deaf", Self::Deaf),
    ];

    /// The fault of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(n, _)| *n == name).map(|(_, plant)| *plant)
    }
}

#[cfg(feature = "test-faults")]
static PLANTED: std::sync::OnceLock<Plant> = std::sync::OnceLock::new();

/// Plants a fault in this process, for its life.
#[cfg(feature = "test-faults")]
pub fn plant(fault: Plant) {
    let _ = PLANTED.set(fault);
}

/// Whether this fault is planted.
#[cfg(feature = "test-faults")]
#[must_use]
pub fn planted(fault: Plant) -> bool {
    PLANTED.get() == Some(&fault)
}

/// Whether this fault is planted: never in this build.
#[cfg(not(feature = "test-faults"))]
#[must_use]
pub const fn planted(_: Plant) -> bool {
    false
}
