//! Idempotency keys and fingerprints: keyed digests, so that the journal's index holds nobody's data in the clear.
//!
//! A key says "the same message" by the route's dedupe fields; a fingerprint says "the same meaning" by the whole canonical body before
//! anything was added to it. Both are constant over restarts because their keys are.

use crate::body::Value;
use crate::model::Message;
use crate::seal::hmac_sha256;

/// The two keys.
#[derive(Clone)]
pub(super) struct Keys {
    dedupe: [u8; 32],
    print: [u8; 32],
}

// === impl Keys ===

impl Keys {
    /// Derived from the gateway's own key.
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self { dedupe: hmac_sha256(key, b"intake/dedupe"), print: hmac_sha256(key, b"intake/fingerprint") }
    }

    /// The dedupe key of a message; the error is the path of a field that is not there.
    pub(super) fn key(&self, paths: &[String], message: &Message) -> Result<[u8; 32], String> {
        let mut text = message.kind.name().as_bytes().to_vec();
        for path in paths {
            let value = if path == "*" { Some(&message.body) } else { at(&message.body, path) };
            let value = value.filter(|v| !v.is_null()).ok_or_else(|| format!("/{}", path.replace('.', "/")))?;
            text.push(b'\n');
            text.extend_from_slice(value.to_string().as_bytes());
        }
        Ok(hmac_sha256(&self.dedupe, &text))
    }

    /// The fingerprint of a message's meaning.
    pub(super) fn fingerprint(&self, message: &Message) -> [u8; 32] {
        let mut text = format!("{}\n", message.kind.name()).into_bytes();
        // Writing a value to memory cannot fail.
        let _ = serde_json::to_writer(&mut text, &message.body);
        hmac_sha256(&self.print, &text)
    }

    /// The key under which what follows a message is kept: a correction of it, or the same asked for once more after it came to nothing.
    pub(super) fn after(&self, key: &[u8; 32], id: &str) -> [u8; 32] {
        hmac_sha256(&self.dedupe, &[key.as_slice(), id.as_bytes()].concat())
    }
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
        let keys = Keys::new(&[1; 32]);
        let paths = ["a".to_owned(), "b.c".to_owned()];
        let one = keys.key(&paths, &message(json!({ "a": 1, "b": { "c": "x" }, "d": 1 }))).unwrap();
        let two = keys.key(&paths, &message(json!({ "d": 2, "b": { "c": "x" }, "a": 1 }))).unwrap();
        let other = keys.key(&paths, &message(json!({ "a": "1", "b": { "c": "x" } }))).unwrap();
        assert!(one == two && one != other);
        assert_eq!(keys.key(&paths, &message(json!({ "a": 1, "b": {} }))), Err("/b/c".to_owned()));
    }

    #[test]
    fn all_fields_make_the_key_where_the_route_says_so() {
        let keys = Keys::new(&[1; 32]);
        let all = ["*".to_owned()];
        let key = |body| keys.key(&all, &message(body)).unwrap();
        assert_eq!(key(json!({ "a": 1, "b": 2 })), key(json!({ "b": 2, "a": 1 })));
        assert_ne!(key(json!({ "a": 1, "b": 2 })), key(json!({ "a": 1, "b": 3 })));
    }

    #[test]
    fn another_gateway_has_other_keys() {
        let body = message(json!({ "a": 1 }));
        assert_ne!(Keys::new(&[1; 32]).fingerprint(&body), Keys::new(&[2; 32]).fingerprint(&body));
        assert_eq!(Keys::new(&[1; 32]).fingerprint(&body), Keys::new(&[1; 32]).fingerprint(&body));
    }
}
