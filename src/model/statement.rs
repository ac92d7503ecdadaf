//! Words of reconciliation (đối soát): which way money went, and how a row of a platform's statement stands to our books.

/// Which way money went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// From the citizen.
    Payment,
    /// Back to the citizen.
    Refund,
}

/// How a row of the statement and a movement of our books stand to each other. Every row and every movement of the day is in exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Both have it and agree.
    Matched,
    /// Both have it and a field differs.
    Mismatched,
    /// The statement has it, our books have not.
    MissingOurs,
    /// Our books have it, the statement has not.
    MissingTheirs,
    /// Our books have it, and the statement's window was not closed yet: it is expected in a later one.
    Expected,
}

// === impl Way ===

impl Way {
    /// Both, with their words.
    pub const ALL: [(Self, &'static str); 2] = [(Self::Payment, "payment"), (Self::Refund, "refund")];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(w, _)| *w == self).map_or("", |(_, word)| word)
    }

    /// The way of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, w)| *w == word).map(|(w, _)| *w)
    }
}

// === impl Class ===

impl Class {
    /// All, with their words.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Matched, "matched"),
        (Self::Mismatched, "mismatched"),
        (Self::MissingOurs, "missing-ours"),
        (Self::MissingTheirs, "missing-theirs"),
        (Self::Expected, "expected"),
    ];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(c, _)| *c == self).map_or("", |(_, word)| word)
    }

    /// The class of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, w)| *w == word).map(|(c, _)| *c)
    }

    /// The same for people, in Vietnamese.
    #[must_use]
    pub fn vietnamese(self) -> &'static str {
        match self {
            Self::Matched => "Khớp",
            Self::Mismatched => "Lệch",
            Self::MissingOurs => "Sổ của ta thiếu",
            Self::MissingTheirs => "Sao kê thiếu",
            Self::Expected => "Chờ sao kê sau",
        }
    }

    /// Whether a person has to look at it.
    #[must_use]
    pub fn differs(self) -> bool {
        matches!(self, Self::Mismatched | Self::MissingOurs | Self::MissingTheirs)
    }
}
