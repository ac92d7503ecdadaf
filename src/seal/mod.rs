//! HMAC, digests, constant-time comparison, randomness, secrets. Thin words over `ring`; no algorithm of our own.
//!
//! A [`Secret`] never shows itself: neither `Debug` nor `Display` prints its value.

mod chance;

pub use chance::Chance;

use base64::Engine as _;
use ring::rand::SecureRandom as _;
use std::cell::RefCell;
use std::fmt;

/// A value that must not be printed. Read it with [`Secret::expose`], at the one place that uses it.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

/// The digest under an HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Digest {
    /// HMAC-SHA256.
    Sha256,
    /// HMAC-SHA1, only for older partner contracts.
    Sha1,
}

/// How a digest stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Lower-case hexadecimal.
    Hex,
    /// Standard base64 with padding.
    Base64,
}

/// Where random bytes come from: the machine in the running gateway, a seed in tests.
pub trait Random: Send + Sync + 'static {
    /// Fills `to` with random bytes.
    fn fill(&self, to: &mut [u8]);
}

/// The machine's own randomness. Each thread asks for some ahead: an id needs ten or sixteen bytes, and every asking is a call into the
/// system. No byte is handed out twice, none is kept once it is.
#[derive(Debug, Default)]
pub struct SystemRandom;

/// Bytes a thread has of the machine and has not handed out: the last `left`.
struct Ahead {
    bytes: [u8; 512],
    left: usize,
}

/// An incremental SHA-256.
pub struct Sha256(ring::digest::Context);

// === impl Secret ===

impl Secret {
    /// Wraps a value.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

// === impl Random ===

impl Random for SystemRandom {
    fn fill(&self, to: &mut [u8]) {
        thread_local!(static AHEAD: RefCell<Ahead> = const { RefCell::new(Ahead { bytes: [0; 512], left: 0 }) });
        // A thread that is ending has no store any more.
        if to.len() > 64 || AHEAD.try_with(|ahead| ahead.borrow_mut().hand_out(to)).is_err() {
            ask(to);
        }
    }
}

fn ask(to: &mut [u8]) {
    // ring's system source fails only where the kernel has no randomness at all; nothing can be signed then.
    if ring::rand::SystemRandom::new().fill(to).is_err() {
        std::process::abort();
    }
}

// === impl Ahead ===

impl Ahead {
    /// Fills `to`, which is no longer than all it can hold.
    fn hand_out(&mut self, to: &mut [u8]) {
        if self.left < to.len() {
            ask(&mut self.bytes);
            self.left = self.bytes.len();
        }
        let from = self.bytes.len() - self.left;
        for (to, own) in to.iter_mut().zip(self.bytes.iter_mut().skip(from)) {
            *to = std::mem::take(own);
        }
        self.left -= to.len();
    }
}

// === impl Sha256 ===

impl Sha256 {
    /// An empty digest.
    #[must_use]
    pub fn new() -> Self {
        Self(ring::digest::Context::new(&ring::digest::SHA256))
    }

    /// Takes in the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest, lower-case hex.
    #[must_use]
    pub fn hex(self) -> String {
        hex(self.0.finish().as_ref())
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sha256")
    }
}

// === functions ===

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    })
}

/// SHA-256 of `bytes`, lower-case hex.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
}

/// HMAC-SHA256 of `message` under `key`.
#[must_use]
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let tag = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key), message);
    let mut out = [0; 32];
    out.copy_from_slice(tag.as_ref());
    out
}

/// An HMAC in the form a wire wants.
#[must_use]
pub fn hmac_text(digest: Digest, encoding: Encoding, key: &Secret, message: &[u8]) -> String {
    let algorithm = match digest {
        Digest::Sha256 => ring::hmac::HMAC_SHA256,
        Digest::Sha1 => ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
    };
    let tag = ring::hmac::sign(&ring::hmac::Key::new(algorithm, key.expose().as_bytes()), message);
    match encoding {
        Encoding::Hex => hex(tag.as_ref()),
        Encoding::Base64 => base64::engine::general_purpose::STANDARD.encode(tag.as_ref()),
    }
}

/// Equal, in time that depends only on the lengths.
#[must_use]
#[expect(deprecated, reason = "ring names no replacement for comparing two public-length byte strings")]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    ring::constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// Standard Webhooks: the value of `webhook-signature` for one message.
///
/// `secret` is the shared key as `whsec_<base64>` or bare base64. The signed text is `id.timestamp.body`, timestamp in
/// whole seconds since the epoch. `None` when the secret is not base64.
#[must_use]
pub fn webhook_signature(secret: &Secret, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
    let engine = base64::engine::general_purpose::STANDARD;
    let key = engine.decode(secret.expose().trim_start_matches("whsec_")).ok()?;
    let mut signed = format!("{id}.{timestamp}.").into_bytes();
    signed.extend_from_slice(body);
    Some(format!("v1,{}", engine.encode(hmac_sha256(&key, &signed))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_payment_vectors_hold() {
        let one = Secret::new("khoa-mot-thu-nghiem");
        let two = Secret::new("khoa-hai-thu-nghiem");
        let create = b"0|HN-GDDT|PAY|150000|000.00.15.H26-190|3.0";
        for (key, over, sum) in [
            (&one, &create[..], "eac64fed07d720d96f00fdeab6b06a651ac461220357ebc8a18b4f035e78a245"),
            (&two, &create[..], "aa08bc8fe3f786db7dd5e5df912211a91ba941016f65ff672c51564e37074309"),
            (&one, &b"HN-GDDT|PAY|000.00.15.H26-190"[..], "df864c687691d33edf80aef8dc23cc273c0f6af8dac300a603187ed33175855a"),
        ] {
            assert_eq!(hmac_text(Digest::Sha256, Encoding::Hex, key, over), sum);
        }
    }

    #[test]
    fn no_random_byte_is_handed_out_twice_or_kept() {
        let mut ahead = Ahead { bytes: [0; 512], left: 0 };
        let mut seen = std::collections::BTreeSet::new();
        for n in 0..1_000 {
            let mut id = vec![0; [10, 16, 8, 64][n % 4]];
            ahead.hand_out(&mut id);
            assert!(seen.insert(id), "the {n}th id came before");
            assert!(ahead.bytes[..512 - ahead.left].iter().all(|b| *b == 0));
        }
        // Eight bytes are enough that neither zeros nor a pair of equal ids come by chance.
        assert!(seen.iter().all(|id| id.iter().any(|b| *b != 0)));
    }

    #[test]
    fn a_secret_never_shows_itself() {
        assert_eq!(format!("{:?}", Secret::new("khoa")), "Secret(…)");
    }
}
