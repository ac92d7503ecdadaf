//! The simulators' own signatures and digests, written apart from the gateway's, so that a mistake on one side shows.
//!
//! Thin words over `ring` and `base64`. Knows the two schemes of the contracts: a hexadecimal HMAC over joined values, and
//! Standard Webhooks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac};

/// A Standard Webhooks signature may be this many seconds old or early.
const TOLERANCE: i64 = 300;

/// Why a webhook is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsealed {
    /// A header is absent or not readable.
    #[error("missing or unreadable webhook headers")]
    Headers,
    /// The timestamp is too far from now.
    #[error("webhook timestamp too old or too new")]
    Timestamp,
    /// None of the signatures fits.
    #[error("no webhook signature matches")]
    Signature,
}

/// Lower-case hexadecimal.
#[must_use]
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).filter_map(|n| DIGITS.get(usize::from(n))).collect()
}

/// SHA-256, lower-case hex.
#[must_use]
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// HMAC-SHA256 over values joined by `|`, lower-case hex.
#[must_use]
pub(super) fn check_sum(key: &str, values: &[String]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    hex(hmac::sign(&key, values.join("|").as_bytes()).as_ref())
}

/// Standard base64 with padding.
#[must_use]
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads standard base64; white space inside is passed over.
#[must_use]
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let text: String = text.split_whitespace().collect();
    STANDARD.decode(text).ok()
}

/// The value of an `Authorization` header by HTTP Basic.
#[must_use]
pub(super) fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}

/// Verifies Standard Webhooks headers over `body`; `now` in seconds since the epoch.
pub(super) fn verify_webhook(
    secret: &str,
    id: Option<&str>,
    at: Option<&str>,
    signatures: Option<&str>,
    body: &[u8],
    now: i64,
) -> Result<(), Unsealed> {
    let (Some(id), Some(at), Some(signatures)) = (id, at, signatures) else { return Err(Unsealed::Headers) };
    let seconds: i64 = at.parse().map_err(|_| Unsealed::Headers)?;
    if (now.saturating_sub(seconds)).abs() > TOLERANCE {
        return Err(Unsealed::Timestamp);
    }
    let key = from_base64(secret.strip_prefix("whsec_").unwrap_or(secret)).ok_or(Unsealed::Signature)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let mut signed = Vec::with_capacity(id.len() + at.len() + body.len() + 2);
    for part in [id.as_bytes(), b".", at.as_bytes(), b".", body] {
        signed.extend_from_slice(part);
    }
    let fits = |given: &str| {
        given.strip_prefix("v1,").and_then(from_base64).is_some_and(|tag| hmac::verify(&key, &signed, &tag).is_ok())
    };
    if signatures.split(' ').any(fits) { Ok(()) } else { Err(Unsealed::Signature) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contracts_vectors_hold() {
        let create = ["0", "HN-GDDT", "PAY", "150000", "000.00.15.H26-190", "3.0"].map(str::to_owned);
        let query = ["HN-GDDT", "PAY", "000.00.15.H26-190"].map(str::to_owned);
        for (key, over, sum) in [
            ("khoa-mot-thu-nghiem", &create[..], "eac64fed07d720d96f00fdeab6b06a651ac461220357ebc8a18b4f035e78a245"),
            ("khoa-hai-thu-nghiem", &create[..], "aa08bc8fe3f786db7dd5e5df912211a91ba941016f65ff672c51564e37074309"),
            ("khoa-mot-thu-nghiem", &query[..], "df864c687691d33edf80aef8dc23cc273c0f6af8dac300a603187ed33175855a"),
        ] {
            assert_eq!(check_sum(key, over), sum);
        }
    }

    // The example of the Standard Webhooks specification's reference libraries.
    #[test]
    fn the_published_webhook_vector_is_believed_and_nothing_near_it() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let (id, at, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
        let good = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let now = 1_614_265_400;
        assert_eq!(verify_webhook(secret, Some(id), Some(at), Some(good), body, now), Ok(()));
        let several = format!("v1,AAAA {good}");
        assert_eq!(verify_webhook(secret, Some(id), Some(at), Some(&several), body, now), Ok(()));
        for (id, at, sig, body, now, why) in [
            (Some("msg_other"), Some(at), Some(good), &body[..], now, Unsealed::Signature),
            (Some(id), Some(at), Some(good), &b"{}"[..], now, Unsealed::Signature),
            (Some(id), Some(at), Some(good), &body[..], now + 900, Unsealed::Timestamp),
            (Some(id), Some("yesterday"), Some(good), &body[..], now, Unsealed::Headers),
            (Some(id), Some(at), None, &body[..], now, Unsealed::Headers),
        ] {
            assert_eq!(verify_webhook(secret, id, at, sig, body, now), Err(why));
        }
    }
}
