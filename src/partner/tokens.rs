//! Tokens of partners that want a sign-in, kept until they are refused or over. One sign-in at a time per partner: who comes
//! meanwhile waits for it.

use super::SendError;
use crate::clock::Time;
use crate::seal::Secret;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::Mutex;

/// A token's place: (partner, sign-in).
type Key = (String, String);

/// Tokens by partner and sign-in.
#[derive(Debug, Default)]
pub struct Tokens {
    slots: Mutex<BTreeMap<Key, Arc<Mutex<Option<Held>>>>>,
}

#[derive(Debug)]
struct Held {
    token: Secret,
    until: Time,
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// The call failed; no message was sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// It answered, but gave no token.
    #[error("sign-in refused: HTTP {0}")]
    Refused(u16),
}

// === impl Tokens ===

impl Tokens {
    /// The held token, or a new one from `sign_in`, which gives the token and its life in milliseconds.
    pub async fn get<F>(&self, partner: &str, name: &str, now: Time, sign_in: impl FnOnce() -> F) -> Result<Secret, SignInError>
    where
        F: Future<Output = Result<(Secret, i64), SignInError>>,
    {
        let slot = self.slot(partner, name).await;
        let mut held = slot.lock().await;
        if let Some(held) = held.as_ref().filter(|h| now < h.until) {
            return Ok(held.token.clone());
        }
        let (token, life_ms) = sign_in().await?;
        // Renewed a little early, so that no call leaves with a token that is over on arrival.
        *held = Some(Held { token: token.clone(), until: now.plus_ms(life_ms - life_ms / 10) });
        Ok(token)
    }

    /// The token was refused: the next call signs in anew.
    pub async fn forget(&self, partner: &str, name: &str) {
        *self.slot(partner, name).await.lock().await = None;
    }

    /// Every call signs in anew.
    pub async fn clear(&self) {
        self.slots.lock().await.clear();
    }

    async fn slot(&self, partner: &str, name: &str) -> Arc<Mutex<Option<Held>>> {
        self.slots.lock().await.entry((partner.to_owned(), name.to_owned())).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn a_token_is_asked_for_once_until_it_is_refused_or_over() {
        let tokens = Tokens::default();
        let asked = AtomicU32::new(0);
        let sign_in = || async {
            let n = asked.fetch_add(1, Ordering::SeqCst);
            Ok((Secret::new(format!("t{n}")), 1000))
        };
        assert_eq!(tokens.get("p", "s", Time(0), sign_in).await.unwrap().expose(), "t0");
        assert_eq!(tokens.get("p", "s", Time(899), sign_in).await.unwrap().expose(), "t0");
        assert_eq!(tokens.get("p", "s", Time(900), sign_in).await.unwrap().expose(), "t1");
        tokens.forget("p", "s").await;
        assert_eq!(tokens.get("p", "s", Time(901), sign_in).await.unwrap().expose(), "t2");
        assert_eq!(tokens.get("q", "s", Time(901), sign_in).await.unwrap().expose(), "t3");
    }
}
