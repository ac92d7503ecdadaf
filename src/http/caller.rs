//! Who speaks: the callers of callers.toml, and the stateless token of those that sign in with id and secret.
//!
//! A signed token carries name and expiry under our key and the caller's present secret digest: a restart signs nobody out, a changed
//! secret signs out at once. Default deny: no credential, no caller. Compares are constant-time (`config`, `seal`).

use super::problem::Problem;
use crate::clock::Time;
use crate::config::{Caller, Callers, Credential};
use crate::seal;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How `/v1` asks for a credential.
pub(super) const CHALLENGE: &str = "Bearer realm=\"lienthong\", Basic realm=\"lienthong\", charset=\"UTF-8\"";

/// All callers as they are in force, with the key of the tokens. Other callers count from the next request on; one that is gone, or whose
/// secret is another, is signed out by that.
#[derive(Debug)]
pub struct SignIn {
    callers: watch::Receiver<Arc<Callers>>,
    key: Key,
    ttl: Duration,
}

/// A key that does not show itself.
struct Key([u8; 32]);

// === impl Key ===

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

// === impl SignIn ===

impl SignIn {
    /// All callers; `key` signs the tokens and must be the same after a restart, `ttl` is how long one lives.
    #[must_use]
    pub fn new(callers: watch::Receiver<Arc<Callers>>, key: [u8; 32], ttl: Duration) -> Self {
        Self { callers, key: Key(key), ttl }
    }

    /// The callers in force now.
    #[must_use]
    pub fn callers(&self) -> Arc<Callers> {
        Arc::clone(&self.callers.borrow())
    }

    /// The caller of our own API: a bearer token or Basic.
    pub fn caller(&self, headers: &HeaderMap, now: Time) -> Result<Arc<Caller>, Problem> {
        let found = match authorization(headers) {
            Some((scheme, value)) if scheme.eq_ignore_ascii_case("bearer") => self.bearer(value, now),
            Some((scheme, value)) if scheme.eq_ignore_ascii_case("basic") => self.basic(value),
            _ => None,
        };
        found.ok_or_else(|| Problem::unauthenticated(CHALLENGE))
    }

    /// The caller of a bearer token: a signed one, or one whose digest is known.
    #[must_use]
    pub fn bearer(&self, token: &str, now: Time) -> Option<Arc<Caller>> {
        let callers = self.callers();
        self.signed(&callers, token, now).or_else(|| callers.by_token(token)).cloned()
    }

    /// The caller of an `Authorization: Basic` value (the part after the word).
    #[must_use]
    pub fn basic(&self, value: &str) -> Option<Arc<Caller>> {
        let (user, password) = user_password(value)?;
        self.callers().by_basic(&user, &password).cloned()
    }

    /// A token for a caller that signed in with id and secret, and how many seconds it lives.
    #[must_use]
    pub fn sign(&self, caller: &Caller, now: Time) -> (String, u64) {
        let payload = format!("{}\n{}", caller.name, now.plus(self.ttl).0);
        let mac = self.mac(&payload, caller);
        (format!("lt1.{}.{}", URL_SAFE_NO_PAD.encode(&payload), URL_SAFE_NO_PAD.encode(mac)), self.ttl.as_secs())
    }

    fn signed<'c>(&self, callers: &'c Callers, token: &str, now: Time) -> Option<&'c Arc<Caller>> {
        let (payload, mac) = token.strip_prefix("lt1.")?.split_once('.')?;
        let payload = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        let (name, expiry) = payload.split_once('\n')?;
        let caller = callers.named(name).filter(|c| matches!(c.credential, Credential::Client { .. }))?;
        let good = seal::same(&self.mac(&payload, caller), &mac);
        (good && expiry.parse::<i64>().is_ok_and(|e| now.0 < e)).then_some(caller)
    }

    fn mac(&self, payload: &str, caller: &Caller) -> [u8; 32] {
        let secret = match &caller.credential {
            Credential::Client { secret_sha256, .. } => secret_sha256.as_str(),
            _ => "",
        };
        seal::hmac_sha256(&self.key.0, format!("token\n{payload}\n{secret}").as_bytes())
    }
}

/// Scheme and value of the `Authorization` header.
#[must_use]
pub(super) fn authorization(headers: &HeaderMap) -> Option<(&str, &str)> {
    let (scheme, value) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    Some((scheme, value.trim()))
}

/// User and password of a Basic value.
#[must_use]
pub(super) fn user_password(value: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    text.split_once(':').map(|(u, p)| (u.to_owned(), p.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign_in(secret: &str) -> SignIn {
        let digest = |word: &str| seal::sha256_hex(word.as_bytes());
        let text = format!(
            "[[caller]]\nname='client'\npartner='north'\nroles=['portal']\nclient={{id='north-id',secret_sha256='{}'}}\n\
             [[caller]]\nname='token'\nroles=['operator']\ntoken_sha256='{}'\n\
             [[caller]]\nname='basic'\npartner='east'\nroles=['ministry']\nbasic={{user='user',password_sha256='{}'}}\n",
            digest(secret),
            digest("a-token"),
            digest("word"),
        );
        let callers = Arc::new(Callers::parse("callers.toml", &text).unwrap());
        SignIn::new(watch::channel(callers).1, [7; 32], Duration::from_secs(3600))
    }

    #[test]
    fn a_signed_token_outlives_a_restart_and_dies_with_its_time_or_its_secret() {
        let now = Time(1_000_000);
        let before = sign_in("one");
        let (token, seconds) = before.sign(before.callers().by_client("north-id", "one").unwrap(), now);
        assert_eq!(seconds, 3600);
        let after = sign_in("one");
        assert_eq!(after.bearer(&token, now.plus_ms(3_599_999)).unwrap().name, "client");
        assert!(after.bearer(&token, now.plus_ms(3_600_000)).is_none(), "expired");
        assert!(sign_in("two").bearer(&token, now).is_none(), "the secret has changed");
        assert!(after.bearer(&token.replacen("lt1.", "lt1.AA", 1), now).is_none(), "forged");
    }

    #[test]
    fn a_wrong_credential_is_nobody() {
        let sign_in = sign_in("one");
        let mut headers = HeaderMap::new();
        for (value, who) in [
            ("Bearer a-token".to_owned(), Some("token")),
            ("bearer a-token".to_owned(), Some("token")),
            ("Bearer a-tokem".to_owned(), None),
            ("Bearer lt1.x.y".to_owned(), None),
            (format!("Basic {}", STANDARD.encode("user:word")), Some("basic")),
            (format!("Basic {}", STANDARD.encode("user:wrong")), None),
            (format!("Basic {}", STANDARD.encode("other:word")), None),
            ("Basic !!".to_owned(), None),
            ("a-token".to_owned(), None),
        ] {
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            assert_eq!(sign_in.caller(&headers, Time(0)).ok().map(|c| c.name.clone()).as_deref(), who, "{value}");
        }
        assert_eq!(sign_in.caller(&HeaderMap::new(), Time(0)).unwrap_err().refusal.status, 401);
    }
}
