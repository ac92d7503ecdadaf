//! Routes of a partner: what we send it and what it sends us. Nouns only; `read_route` makes them.

use crate::delivery::{Limit, RetryPolicy};
use crate::model::Kind;
use std::collections::BTreeMap;
use std::time::Duration;

/// The word in `reply.broken` that stands for a SOAP fault instead of a mapping.
pub const SOAP_FAULT: &str = "soap-fault";

/// A call of ours.
#[derive(Clone, Debug, PartialEq)]
pub struct OutRoute {
    /// Its name.
    pub name: String,
    /// The message it carries.
    pub message: Kind,
    /// Its mapping.
    pub map: String,
    /// Path under the partner's base.
    pub post: String,
    /// Headers of this call, over the partner's.
    pub headers: BTreeMap<String, String>,
    /// How we sign in.
    pub sign_in: Option<String>,
    /// Seals put on it.
    pub seals: Vec<String>,
    /// What the answer means.
    pub judge: String,
    /// The mapping that reads an answer judged done.
    pub content: Option<String>,
    /// Seals an answer must bear before its content is believed.
    pub content_seals: Vec<String>,
    /// The route that asks before each of its messages; what is found is `$asked` in its mapping.
    pub first: Option<String>,
    /// What a repeat does there.
    pub repeat: Repeat,
    /// The route that asks what became of a call.
    pub ask: Option<String>,
    /// How long since the call a "not known" does not count.
    pub quiet: Duration,
    /// The pauses between inquiries; the last one repeats.
    pub ask_schedule: Vec<Duration>,
    /// Only for these procedures.
    pub procedures: Option<Vec<String>>,
    /// Messages in one call at most, each of another lane; 1: no batches.
    pub batch: u32,
    /// How the answer to a batch tells what became of each of its messages; none: it is one word for all of them.
    pub items: Option<Items>,
    /// How fast it may be called, besides the partner's own limits.
    pub limit: Limit,
    /// Its own retry schedule.
    pub retry: Option<RetryPolicy>,
    /// Whether it is in use.
    pub enabled: bool,
    /// How long a transaction it asks for is open while unpaid (payment.request only).
    pub expires: Duration,
    /// What leaves is validated by the wire's XSD; what is not valid is parked.
    pub validate: bool,
}

/// How an answer tells of each message of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Items {
    /// The mapping that reads it: one `receipt` a row.
    pub map: String,
    /// By what a row is known to be a message's.
    pub by: RowBy,
    /// The judge of a row, whose places are the receipt's (`/reason`); none: its outcome says it, accepted or refused.
    pub judge: Option<String>,
}

/// By what a row of an answer is known to be a message's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowBy {
    /// Its place: as many rows as messages, in their order.
    Order,
    /// The dossier's code.
    Dossier,
    /// The message id we sent, told back.
    Reference,
}

/// What a repeat of a call does on the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// No harm.
    Safe,
    /// Harm, unless we ask first.
    Ask,
    /// Harm, and there is nothing to ask: a person decides.
    Never,
}

/// A door for a partner, at `/<partner><post>`.
#[derive(Clone, Debug, PartialEq)]
pub struct InRoute {
    /// Its name.
    pub name: String,
    /// Path under `/<partner>`.
    pub post: String,
    /// What comes in.
    pub kind: InKind,
    /// Its mapping; none: token and upload.
    pub map: Option<String>,
    /// The message its mapping reads.
    pub message: Option<Kind>,
    /// How the caller proves itself; none: the token door itself.
    pub auth: Option<Auth>,
    /// Canonical paths that make the dedupe key; `*`: the whole body.
    pub dedupe: Vec<String>,
    /// Wire place of the dossier's code, read before the mapping.
    pub about: Option<String>,
    /// Seals it must bear.
    pub seals: Vec<String>,
    /// How long the answer waits for the outcome.
    pub wait: Option<Duration>,
    /// The largest body, bytes; none: the gateway's own limit.
    pub max_body: Option<u64>,
    /// A notice of this door is the platform's word: it has no query. From its network only.
    pub decides: bool,
    /// What comes is validated by the wire's XSD before it is read.
    pub validate: bool,
    /// Our answers.
    pub replies: Replies,
}

/// What comes in by a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InKind {
    /// A message: kept and acted on.
    Message,
    /// A question, answered from our own state; nothing is kept.
    Question,
    /// Client credentials for a token.
    Token,
    /// A file.
    Upload,
    /// A dossier code is issued.
    Issue,
}

/// How a caller proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// A bearer token of our own.
    Bearer,
    /// HTTP Basic.
    Basic,
    /// The seal on the message.
    Seal,
    /// Its network.
    Network,
}

/// The mappings of our answers. The keys are those of `reply` in partner.toml.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replies {
    /// Taken.
    pub accepted: Option<String>,
    /// Refused for what it says.
    pub refused: Option<String>,
    /// Refused because it cannot be read; [`SOAP_FAULT`]: a SOAP fault.
    pub broken: Option<String>,
    /// The answer to a question, an upload, a code.
    pub answer: Option<String>,
    /// Taken, and the outcome is not there yet.
    pub waited: Option<String>,
}

// === impl words ===

impl Repeat {
    /// The case of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "safe" => Some(Self::Safe),
            "ask" => Some(Self::Ask),
            "never" => Some(Self::Never),
            _ => None,
        }
    }
}

impl RowBy {
    /// The case of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "order" => Some(Self::Order),
            "dossier" => Some(Self::Dossier),
            "reference" => Some(Self::Reference),
            _ => None,
        }
    }
}

impl InKind {
    /// The case of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "message" => Some(Self::Message),
            "question" => Some(Self::Question),
            "token" => Some(Self::Token),
            "upload" => Some(Self::Upload),
            "issue" => Some(Self::Issue),
            _ => None,
        }
    }
}

impl Auth {
    /// The case of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "bearer" => Some(Self::Bearer),
            "basic" => Some(Self::Basic),
            "seal" => Some(Self::Seal),
            "network" => Some(Self::Network),
            _ => None,
        }
    }
}

impl Replies {
    /// What is named at a key.
    #[must_use]
    pub fn of(&self, key: &str) -> Option<&str> {
        self.named().find(|(own, _)| *own == key).map(|(_, name)| name)
    }

    /// The mappings that are named, with the key they are named under.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("accepted", &self.accepted),
            ("refused", &self.refused),
            ("broken", &self.broken),
            ("answer", &self.answer),
            ("waited", &self.waited),
        ]
        .into_iter()
        .filter_map(|(key, map)| map.as_deref().map(|m| (key, m)))
    }
}
