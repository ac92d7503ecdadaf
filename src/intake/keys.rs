//! Idempotency keys and fingerprints: keyed digests, so that the journal's index holds nobody's data in the clear.
//!
//! A key says "the same message" by the route's dedupe fields; a fingerprint says "the same meaning" by the whole canonical body before
//! anything was added to it. Both are constant over restarts because their keys are.
//!
//! Where the dedupe fields begin with a dossier's code, a key begins with that code's place (day and number): what is handed in together lies
//! together in the journal's index, a page of which is then written for many dossiers, not one for each. 192 bits are left to the digest.

use crate::body::Value;
use crate::model::{DossierCode, Message};
use crate::seal::hmac_sha256;

/// Bytes of a key that are its place.
const PLACE: usize = 8;

/// The two keys.
#[derive(Clone)]
pub(super) struct Keys {
    dedupe: [u8; 32],
    print: [u8; 32],
    /// Keys are digests through and through, as the journal's first ones are.
    plain: bool,
}

// === impl Keys ===

impl Keys {
    /// Derived from the gateway's own key. `plain`: no key begins with a place, because the journal holds keys that do not.
    pub(super) fn new(key: &[u8; 32], plain: bool) -> Self {
        Self { dedupe: hmac_sha256(key, b"intake/dedupe"), print: hmac_sha256(key, b"intake/fingerprint"), plain }
    }

    /// The dedupe key of a message; the error is the path of a field that is not there.
    pub(super) fn key(&self, paths: &[String], message: &Message) -> Result<[u8; 32], String> {
        let mut text = message.kind.name().as_bytes().to_vec();
        let mut place = None;
        for (n, path) in paths.iter().enumerate() {
            let value = if path == "*" { Some(&message.body) } else { at(&message.body, path) };
            let value = value.filter(|v| !v.is_null()).ok_or_else(|| format!("/{}", path.replace('.', "/")))?;
            if n == 0 && !self.plain {
                place = value.as_str().and_then(DossierCode::parse).map(|code| code.place());
            }
            text.push(b'\n');
            value.write(&mut text);
        }
        let digest = hmac_sha256(&self.dedupe, &text);
        Ok(place.map_or(digest, |place| placed(&place.to_be_bytes(), digest)))
    }

    /// The fingerprint of a message's meaning.
    pub(super) fn fingerprint(&self, message: &Message) -> [u8; 32] {
        let mut text = Vec::with_capacity(4_096);
        text.extend_from_slice(message.kind.name().as_bytes());
        text.push(b'\n');
        message.body.write(&mut text);
        hmac_sha256(&self.print, &text)
    }

    /// The key under which what follows a message is kept: a correction of it, or the same asked for once more after it came to nothing.
    pub(super) fn after(&self, key: &[u8; 32], id: &str) -> [u8; 32] {
        hmac_sha256(&self.dedupe, &[key.as_slice(), id.as_bytes()].concat())
    }
}

/// A digest whose first bytes give way to a place.
fn placed(place: &[u8; PLACE], mut digest: [u8; 32]) -> [u8; 32] {
    digest.iter_mut().zip(place).for_each(|(byte, place)| *byte = *place);
    digest
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |v, name| v.get(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::json;
    use crate::model::Kind;

    fn message(body: Value) -> Message {
        Message { kind: Kind::PaymentNotice, body }
    }

    #[test]
    fn the_same_fields_are_the_same_key_whatever_else_is_said() {
        let keys = Keys::new(&[1; 32], false);
        let paths = ["a".to_owned(), "b.c".to_owned()];
        let one = keys.key(&paths, &message(json!({ "a": 1, "b": { "c": "x" }, "d": 1 }))).unwrap();
        let two = keys.key(&paths, &message(json!({ "d": 2, "b": { "c": "x" }, "a": 1 }))).unwrap();
        let other = keys.key(&paths, &message(json!({ "a": "1", "b": { "c": "x" } }))).unwrap();
        assert!(one == two && one != other);
        assert_eq!(keys.key(&paths, &message(json!({ "a": 1, "b": {} }))), Err("/b/c".to_owned()));
    }

    #[test]
    fn all_fields_make_the_key_where_the_route_says_so() {
        let keys = Keys::new(&[1; 32], false);
        let all = ["*".to_owned()];
        let key = |body| keys.key(&all, &message(body)).unwrap();
        assert_eq!(key(json!({ "a": 1, "b": 2 })), key(json!({ "b": 2, "a": 1 })));
        assert_ne!(key(json!({ "a": 1, "b": 2 })), key(json!({ "a": 1, "b": 3 })));
    }

    #[test]
    fn another_gateway_has_other_keys() {
        let body = message(json!({ "a": 1 }));
        assert_ne!(Keys::new(&[1; 32], false).fingerprint(&body), Keys::new(&[2; 32], false).fingerprint(&body));
        assert_eq!(Keys::new(&[1; 32], false).fingerprint(&body), Keys::new(&[1; 32], false).fingerprint(&body));
    }

    #[test]
    fn keys_that_begin_with_a_code_lie_as_the_codes_do_and_any_other_is_a_digest() {
        let keys = Keys::new(&[1; 32], false);
        let code = |code: &str, round: u32| message(json!({ "code": code, "round": round }));
        let key = |keys: &Keys, paths: &[&str], message: &Message| {
            keys.key(&paths.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>(), message).unwrap()
        };
        let (first, second) = (code("H26.15-20260609-0000001", 1), code("H26.15-20260609-0000002", 1));
        let (one, two) = (key(&keys, &["code"], &first), key(&keys, &["code"], &second));
        assert_eq!(
            (&one[..4], &one[4..8], &two[4..8]),
            (&20_260_609_u32.to_be_bytes()[..], &[0, 0, 0, 1][..], &[0, 0, 0, 2][..])
        );
        // Everything the route says makes the key, and the gateway's own key too: only the place is the same.
        let others = [
            key(&keys, &["code", "round"], &first),
            key(&keys, &["code", "round"], &code("H26.15-20260609-0000001", 2)),
            key(&keys, &["code"], &code("H26.22-20260609-0000001", 1)),
            key(&Keys::new(&[2; 32], false), &["code"], &first),
        ];
        for other in others {
            assert!(other[..8] == one[..8] && other[8..] != one[8..]);
        }
        // The place stands for nothing else: a key of other data, and a journal's of the first form, are digests.
        let plain = key(&Keys::new(&[1; 32], true), &["code"], &first);
        assert_eq!(plain[8..], one[8..]);
        assert_ne!(plain[..8], one[..8]);
        assert_ne!(key(&keys, &["round", "code"], &first)[..8], one[..8]);
        assert_ne!(key(&keys, &["*"], &first)[..8], one[..8]);
    }
}
