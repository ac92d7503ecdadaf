//! A message's place in what waits for us: held until it is written, not while its sender waits for an outcome.

use std::sync::{Arc, Mutex, PoisonError};

/// Whatever the door counts a message by; given up once.
#[derive(Clone, Default)]
pub struct Place(Arc<Mutex<Option<Box<dyn Send>>>>);

// === impl Place ===

impl Place {
    /// A place that ends when `held` is dropped.
    #[must_use]
    pub fn new(held: impl Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::new(held)))))
    }

    /// Gives it up.
    pub fn leave(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Place")
    }
}
