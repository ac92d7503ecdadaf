//! A case (việc cần người xử lý): what the gateway will not decide by itself. The words only; what they mean to a person and what a
//! decision causes stands in `exchange::case`.

/// What a case is about. The word is stable: it stands in the journal, in the API and in the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaseKind {
    /// A fee was paid twice, or after its transaction's time was over.
    Overpayment,
    /// The authority's fee is not the one of the catalogue's rule (or not the one already asked for).
    FeeDiffers,
    /// The rule leaves a choice of fees, and only the authority can say which.
    FeeChoice,
    /// What was paid is not what was asked for, or not what is owed now.
    AmountDiffers,
    /// A sealed notice about a transaction that is not ours.
    NoticeUnknown,
    /// A sealed notice tells another sum than was asked for.
    NoticeDiffers,
    /// A notice said paid; the platform's own answer never bore it out.
    NoticeUnconfirmed,
    /// Nobody could find out what became of a payment's request.
    PaymentUnanswered,
    /// Money is to go back, and the platform has no route for it: somebody pays it out by hand.
    Refund,
    /// The platform refused to give money back: the sum is free again.
    RefundRefused,
    /// Nobody could find out whether the platform gave money back: the sum stays reserved.
    RefundUnanswered,
    /// Payment links were lost on their way several times.
    LinkLost,
    /// A status came before its time and waits.
    EarlyWaits,
    /// A partner should be told and has no route for it.
    NoRoute,
    /// The platform's statement has a payment (or refund) that our books have not.
    StatementMissingOurs,
    /// Our books have a payment (or refund) that the platform's statement has not.
    StatementMissingTheirs,
    /// Both have it, and a field differs.
    StatementMismatch,
}

// === impl CaseKind ===

impl CaseKind {
    /// Every kind with its word.
    pub const ALL: [(Self, &'static str); 17] = [
        (Self::Overpayment, "overpayment"),
        (Self::FeeDiffers, "fee-differs"),
        (Self::FeeChoice, "fee-choice"),
        (Self::AmountDiffers, "amount-differs"),
        (Self::NoticeUnknown, "notice-unknown"),
        (Self::NoticeDiffers, "notice-differs"),
        (Self::NoticeUnconfirmed, "notice-unconfirmed"),
        (Self::PaymentUnanswered, "payment-unanswered"),
        (Self::Refund, "refund"),
        (Self::RefundRefused, "refund-refused"),
        (Self::RefundUnanswered, "refund-unanswered"),
        (Self::LinkLost, "link-lost"),
        (Self::EarlyWaits, "early-waits"),
        (Self::NoRoute, "no-route"),
        (Self::StatementMissingOurs, "statement-missing-ours"),
        (Self::StatementMissingTheirs, "statement-missing-theirs"),
        (Self::StatementMismatch, "statement-mismatch"),
    ];

    /// Its word, such as `fee-differs`.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(k, _)| *k == self).map_or("", |(_, w)| w)
    }

    /// The kind of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, w)| *w == word).map(|(k, _)| *k)
    }

    /// Whether a person's decision stands for good: the same matter with the same facts is not opened again after it. (A statement may be
    /// read again any number of times; a fee that differs again is a new matter.)
    #[must_use]
    pub fn stands(self) -> bool {
        matches!(self, Self::StatementMissingOurs | Self::StatementMissingTheirs | Self::StatementMismatch)
    }
}
