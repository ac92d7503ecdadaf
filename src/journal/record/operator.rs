//! What an operator does to deliveries.

/// An operator's act; one transaction with its audit entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Nothing is sent to the partner until it is resumed.
    Pause {
        /// The partner.
        partner: String,
        /// Why.
        reason: String,
    },
    /// Ends a pause.
    Resume {
        /// The partner.
        partner: String,
    },
    /// A parked delivery is tried again, or an unknown one gets a verdict.
    Release {
        /// The delivery.
        delivery: u64,
        /// What the operator states of an unknown one.
        verdict: Verdict,
        /// Why.
        reason: String,
    },
    /// Parked and unknown deliveries of a partner are released together, oldest first; they go out at the partner's pace.
    ReleaseAll {
        /// Which.
        which: Which,
        /// What the operator states of all of them; none: only those that never left are released.
        verdict: Option<Verdict>,
        /// Why.
        reason: String,
        /// Only told how many it would be: nothing is released, nothing stands in the audit.
        dry: bool,
    },
    /// A parked, waiting or unknown delivery is closed without delivery.
    Close {
        /// The delivery.
        delivery: u64,
        /// Why.
        reason: String,
    },
}

/// Which deliveries are released together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Which {
    /// The receiving partner.
    pub partner: String,
    /// Why they are kept: the whole reason, or its word before a colon. None: whatever it is.
    pub reason: Option<String>,
    /// The message's kind. None: whatever it is.
    pub kind: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// What an operator states when releasing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The other side has it: done. (A parked one that cannot have been received waits again.)
    Received,
    /// The other side has it not: sent (first time for them), by the newest adapter set.
    NotReceived,
    /// Sent again whatever was.
    SendAgain,
}

/// What became of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acted {
    /// Written.
    Written,
    /// There is no such delivery.
    Missing,
    /// It is not in a state in which this can be done (a call is under way, or it has ended).
    Refused,
    /// Several were released; how many fit besides, and how many of these wait for the operator's word because they may have been received.
    Released {
        /// Released now.
        released: u64,
        /// Fit too, and were not.
        left: u64,
        /// Of these, those that may have been received: a verdict is needed.
        doubtful: u64,
    },
}
