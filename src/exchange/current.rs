//! The set in force: a catalogue and the guides made of it, whole. A reload puts another one in its place; whatever began with a set
//! ends with it.

use super::scene::Guide;
use crate::catalogue::Catalogue;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// A catalogue with the guides made of it. Immutable.
#[derive(Debug)]
pub struct Known {
    /// Adapters and procedures.
    pub catalogue: Arc<Catalogue>,
    guide: Guide,
    /// Who takes what, by the name of the partner whose message causes it.
    guides: BTreeMap<String, Guide>,
}

/// The set in force.
#[derive(Debug)]
pub struct Current(RwLock<Arc<Known>>);

// === impl Known ===

impl Known {
    /// Makes the guides of a catalogue.
    #[must_use]
    pub fn of(catalogue: Arc<Catalogue>) -> Self {
        let guide = Guide::of(&catalogue);
        let guides = catalogue.partners.values().map(|p| (p.name.clone(), classed(&guide, &p.class))).collect();
        Self { catalogue, guide, guides }
    }

    /// Which partner takes which message by which route; each lane has its receiving partner's own class.
    #[must_use]
    pub fn guide(&self) -> &Guide {
        &self.guide
    }

    /// The guide for what a message of this partner causes: at the receiving partner's queue its lanes have the sender's class.
    #[must_use]
    pub fn guide_of(&self, partner: &str) -> Option<&Guide> {
        self.guides.get(partner)
    }
}

// === impl Current ===

impl Current {
    /// Begins with a set.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>) -> Arc<Self> {
        Arc::new(Self(RwLock::new(Arc::new(Known::of(catalogue)))))
    }

    /// The set in force now. Taken once by whatever begins, and kept until it ends.
    #[must_use]
    pub fn now(&self) -> Arc<Known> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another set in force, whole; gives the one before.
    pub fn swap(&self, catalogue: Arc<Catalogue>) -> Arc<Known> {
        let fresh = Arc::new(Known::of(catalogue));
        std::mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), fresh)
    }
}

fn classed(guide: &Guide, class: &str) -> Guide {
    let mut own = guide.clone();
    for target in own.targets.values_mut() {
        class.clone_into(&mut target.class);
    }
    own
}
