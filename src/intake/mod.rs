//! The use case of taking a message in: bytes, route and caller → receipt, answer or refusal, in the caller's own format.
//!
//! What always holds: an accepted message, all it causes and its contents are on disk before the answer; a refused one leaves at most an
//! audit entry; the same key and meaning get the first receipt again; a seal is verified before anything else is done with what was
//! read; a request waits for the journal, never for another partner. Deliberately not here: sockets and callers (`http`), what a message
//! means (`exchange`), deliveries (`dispatch`).
//!
//! | file | what |
//! |---|---|
//! | `body` | a request's body: in memory, or cut while it arrives, the whole in the store |
//! | `read` | bytes → message: about, mapping, seal, schema |
//! | `decide` | message → effects: what `exchange` says, with all it looks at |
//! | `take` | the way as a whole: known? decide, accept, again when stale |
//! | `batch` | several messages in one request, each for itself |
//! | `wait` | until a delivery is settled, or a payment link is there |
//! | `reply` | what the caller gets, by the route's own mappings |
//! | `case` `money` | an operator's word on a case or a delivery; on what is owed and what goes back |
//! | `keys` `stage` `place` | idempotency and fingerprint; contents on their way in; what the door counts it by |

mod batch;
mod body;
mod case;
mod decide;
mod keys;
mod money;
mod place;
mod read;
mod reply;
mod stage;
mod take;
mod wait;

pub use body::{Arriving, Body};
pub use place::Place;
pub use reply::{Level, Reply};

use crate::catalogue::{InRoute, Partner};
use crate::clock::Clock;
use crate::config::Gateway;
use crate::exchange::{Current, Known, Origin};
use crate::journal::{BlobStore, Journal};
use crate::mapping::Format;
use crate::seal::Random;
use keys::Keys;
use std::sync::Arc;
use std::time::Duration;

/// What intake is built from.
pub struct Parts {
    /// All the gateway knows, as it is in force.
    pub current: Arc<Current>,
    /// The memory.
    pub journal: Arc<dyn Journal>,
    /// Contents.
    pub blobs: BlobStore,
    /// The wall.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The gateway's own key, the same after a restart.
    pub key: [u8; 32],
    /// Idempotency keys are without a place, as [`crate::journal::SqliteJournal::plain_keys`] says.
    pub plain_keys: bool,
    /// Return addresses, longest wait, sizes.
    pub gateway: Gateway,
}

/// Takes messages in.
pub struct Intake {
    current: Arc<Current>,
    journal: Arc<dyn Journal>,
    blobs: BlobStore,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    keys: Keys,
    gateway: Gateway,
}

/// A message at the door.
#[derive(Clone, Debug)]
pub struct Call {
    /// What the gateway knew when it came: it ends with what it began with.
    pub known: Arc<Known>,
    /// The partner it comes from.
    pub partner: Arc<Partner>,
    /// Its in-route's name.
    pub route: String,
    /// Who speaks.
    pub origin: Origin,
    /// The body as received.
    pub body: Body,
    /// How long the caller is ready to wait for the outcome (`Prefer: wait`); none: the route's own wait.
    pub wait: Option<Duration>,
    /// Its place at the door.
    pub place: Place,
}

// === impl Intake ===

impl Intake {
    /// Builds intake; nothing is opened.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            current: parts.current,
            journal: parts.journal,
            blobs: parts.blobs,
            clock: parts.clock,
            random: parts.random,
            keys: Keys::new(&parts.key, parts.plain_keys),
            gateway: parts.gateway,
        }
    }

    /// Takes in a large body of a route whose contents are to be kept from memory; none: the route's bodies stand in memory whole. A body
    /// that is to be judged by the wire's XSD does: a schema may count its characters.
    #[must_use]
    pub fn arriving(&self, partner: &Partner, route: &InRoute, most: u64) -> Option<Arriving> {
        let map = partner.map(route.map.as_deref()?)?;
        let cut = map.carries_contents() && !route.validate;
        cut.then(|| Arriving::new(self.blobs.clone(), map.format() == Format::Json, most))
    }

    /// All the gateway knows now.
    #[must_use]
    pub fn known(&self) -> Arc<Known> {
        self.current.now()
    }
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intake").field("adapters", &self.known().catalogue.digest).finish_non_exhaustive()
    }
}

// === impl Call ===

impl Call {
    /// The in-route; none when the catalogue has no such route.
    #[must_use]
    pub fn in_route(&self) -> Option<&InRoute> {
        self.partner.ins.get(&self.route)
    }
}
