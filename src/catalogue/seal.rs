//! Seals of partner.toml: a digest over named wire fields, taken raw, or a signature over the whole body (Standard Webhooks).
//!
//! Always: fields are taken as they stand in the bytes, so `150000` and `"150000"` give the same sum; comparison takes the same time
//! wherever the difference stands; a field that is named and not there makes no seal and verifies none.

use crate::mapping::{RawFields, Sealer};
use crate::seal::{Digest, Encoding, Secret, hmac_text, same, webhook_signature};

/// A seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seal {
    /// HMAC over fields.
    Hmac {
        /// What is sealed, in this order.
        over: Vec<Over>,
        /// What stands between two of them.
        between: String,
        /// The digest.
        digest: Digest,
        /// How it is written.
        encoding: Encoding,
        /// The key.
        key: Secret,
    },
    /// Standard Webhooks: id, time and body, in three headers.
    Webhook {
        /// The key, base64, with or without `whsec_`.
        key: Secret,
    },
}

/// A piece of what is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// This field's raw text.
    Field(String),
    /// All fields there, in alphabetical order of their names.
    All,
    /// A credential, not a field.
    Credential(Secret),
}

// === impl Seal ===

impl Seal {
    /// The text of an HMAC seal; the error names the field that is not there. A webhook seals no fields.
    pub fn text(&self, raw: &RawFields) -> Result<String, String> {
        let Self::Hmac { over, between, digest, encoding, key } = self else {
            return Err("a standard-webhooks seal stands in headers, not over fields".to_owned());
        };
        let mut pieces: Vec<&str> = Vec::new();
        for piece in over {
            match piece {
                Over::Credential(secret) => pieces.push(secret.expose()),
                Over::Field(name) => {
                    let found = raw.fields.iter().find(|(n, _)| n == name);
                    pieces.push(found.map(|(_, v)| v.as_str()).ok_or_else(|| format!("the sealed field `{name}` is not there"))?);
                }
                Over::All => {
                    let mut all: Vec<&(String, String)> = raw.fields.iter().collect();
                    all.sort();
                    pieces.extend(all.into_iter().map(|(_, v)| v.as_str()));
                }
            }
        }
        Ok(hmac_text(*digest, *encoding, key, pieces.join(between).as_bytes()))
    }

    /// Whether the seal that stood in the wire is right.
    #[must_use]
    pub fn verify(&self, raw: &RawFields) -> bool {
        match (&raw.seal, self.text(raw)) {
            (Some(given), Ok(text)) => same(given.as_bytes(), text.as_bytes()),
            _ => false,
        }
    }

    /// The three headers of a Standard Webhooks seal for a body; `seconds` since the epoch. None for an HMAC, or a key that is not base64.
    #[must_use]
    pub fn headers(&self, id: &str, seconds: i64, body: &[u8]) -> Option<[(&'static str, String); 3]> {
        let Self::Webhook { key } = self else { return None };
        let signature = webhook_signature(key, id, seconds, body)?;
        Some([("webhook-id", id.to_owned()), ("webhook-timestamp", seconds.to_string()), ("webhook-signature", signature)])
    }
}

impl Sealer for Seal {
    fn seal(&self, raw: &RawFields) -> Result<String, String> {
        self.text(raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(fields: &[(&str, &str)], seal: Option<&str>) -> RawFields {
        let fields = fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        RawFields { fields, seal: seal.map(str::to_owned) }
    }

    fn hmac(over: Vec<Over>, between: &str) -> Seal {
        let key = Secret::new("khoa-mot-thu-nghiem");
        Seal::Hmac { over, between: between.into(), digest: Digest::Sha256, encoding: Encoding::Hex, key }
    }

    fn field(name: &str) -> Over {
        Over::Field(name.into())
    }

    #[test]
    fn a_published_vector_holds_whatever_the_order_of_the_fields_on_the_wire() {
        let sum = "df864c687691d33edf80aef8dc23cc273c0f6af8dac300a603187ed33175855a";
        let wire = raw(&[("c", "000.00.15.H26-190"), ("b", "PAY"), ("a", "HN-GDDT")], Some(sum));
        for seal in [hmac(vec![field("a"), field("b"), field("c")], "|"), hmac(vec![Over::All], "|")] {
            assert_eq!(seal.text(&wire).as_deref(), Ok(sum));
            assert!(seal.verify(&wire));
        }
    }

    #[test]
    fn a_wrong_or_missing_seal_or_field_verifies_nothing() {
        let seal = hmac(vec![field("a")], "|");
        let right = seal.text(&raw(&[("a", "1")], None)).unwrap();
        assert!(seal.verify(&raw(&[("a", "1")], Some(&right))));
        for wrong in [
            raw(&[("a", "2")], Some(&right)),
            raw(&[("a", "1")], Some("")),
            raw(&[("a", "1")], Some(&right.to_uppercase())),
            raw(&[("a", "1")], None),
            raw(&[("b", "1")], Some(&right)),
        ] {
            assert!(!seal.verify(&wrong), "{wrong:?}");
        }
    }

    #[test]
    fn a_credential_can_be_sealed_among_the_fields() {
        let with = hmac(vec![Over::Credential(Secret::new("x")), field("a")], "");
        let plain = hmac(vec![field("c"), field("a")], "");
        assert_eq!(with.text(&raw(&[("a", "1")], None)), plain.text(&raw(&[("a", "1"), ("c", "x")], None)));
    }

    #[test]
    fn a_webhook_signs_id_time_and_body() {
        let seal = Seal::Webhook { key: Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw") };
        let body = br#"{"test": 2432232314}"#;
        let headers = seal.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body).unwrap();
        assert_eq!(headers[2].1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(seal.text(&raw(&[], None)).is_err());
    }
}
