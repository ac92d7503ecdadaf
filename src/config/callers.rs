//! callers.toml: who may call us, how they prove it, and what they may do. Who is not in it may do nothing.
//!
//! Always: a file holds digests of tokens and passwords, never the words themselves; a caller has at least one role; a caller with a
//! partner's role names the partner it speaks for. Digests are SHA-256 in lower-case hex: tokens are random and long, so no slow hash.

use super::reader::{Doc, Fault, Faults, Table};
use crate::seal::{same, sha256_hex};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

/// Everybody who may call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Callers {
    /// In the file's order.
    pub list: Vec<Arc<Caller>>,
}

/// One caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Its name, in audit and logs.
    pub name: String,
    /// The partner it speaks for.
    pub partner: Option<String>,
    /// What it may do.
    pub roles: BTreeSet<Role>,
    /// The class of what it hands in at a receiving partner's queue, instead of its partner's (a mass import is `bulk`).
    pub class: Option<String>,
    /// Agency codes (newer form) it may hand in for, with all below them; empty: any.
    pub agencies: Vec<String>,
    /// How it proves itself.
    pub credential: Credential,
}

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Hands in dossiers.
    Portal,
    /// Works on dossiers.
    Ministry,
    /// Collects payments.
    Payment,
    /// Runs the gateway.
    Operator,
    /// Reads audit and timelines.
    Auditor,
    /// Reads metrics.
    Metrics,
}

/// How a caller proves itself. Digests are SHA-256, lower-case hex.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// A bearer token.
    Token {
        /// Digest of the token.
        sha256: String,
    },
    /// A client id and secret, exchanged for a token at the partner's token route.
    Client {
        /// Client id.
        id: String,
        /// Digest of the secret.
        secret_sha256: String,
    },
    /// HTTP Basic.
    Basic {
        /// User name.
        user: String,
        /// Digest of the password.
        password_sha256: String,
    },
    /// A seal of the partner's partner.toml; its key by secret reference there.
    Seal {
        /// The seal's name.
        seal: String,
    },
    /// The caller's network.
    Networks(Vec<Network>),
}

/// A network in CIDR form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its address.
    pub address: IpAddr,
    /// Length of the prefix, bits.
    pub prefix: u8,
}

// === impl Role ===

impl Role {
    /// Every role with its word.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Portal, "portal"),
        (Self::Ministry, "ministry"),
        (Self::Payment, "payment"),
        (Self::Operator, "operator"),
        (Self::Auditor, "auditor"),
        (Self::Metrics, "metrics"),
    ];

    /// The role of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, w)| *w == word).map(|(r, _)| *r)
    }

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(r, _)| *r == self).map_or("", |(_, w)| w)
    }

    fn speaks_for_a_partner(self) -> bool {
        matches!(self, Self::Portal | Self::Ministry | Self::Payment)
    }
}

// === impl Network ===

impl Network {
    /// Reads `10.20.0.0/24`, `2001:db8::/32`, or a single address. Bits beyond the prefix must be zero.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address.parse().ok()?, Some(prefix.parse::<u8>().ok()?)),
            None => (text.parse().ok()?, None),
        };
        let full = width(address);
        let prefix = prefix.unwrap_or(full);
        let network = Self { address, prefix };
        (prefix <= full && bits(address) & !network.mask() == 0).then_some(network)
    }

    /// Whether an address lies in it; an IPv4 address written as IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        width(address) == width(self.address) && bits(address) & self.mask() == bits(self.address)
    }

    fn mask(&self) -> u128 {
        let full = width(self.address);
        let all = if full == 32 { u128::from(u32::MAX) } else { u128::MAX };
        all.checked_shl(u32::from(full.saturating_sub(self.prefix))).unwrap_or(0) & all
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

// === impl Credential ===

impl Credential {
    /// Whether a word has this digest; takes as long whether it does or not.
    #[must_use]
    pub fn matches(sha256: &str, word: &str) -> bool {
        same(sha256.as_bytes(), sha256_hex(word.as_bytes()).as_bytes())
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Token { .. } => f.write_str("Token(…)"),
            Self::Client { id, .. } => write!(f, "Client({id}, …)"),
            Self::Basic { user, .. } => write!(f, "Basic({user}, …)"),
            Self::Seal { seal } => write!(f, "Seal({seal})"),
            Self::Networks(list) => write!(f, "Networks({list:?})"),
        }
    }
}

// === impl Callers ===

impl Callers {
    /// Reads callers.toml; all faults at once.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Fault>> {
        let faults = Faults::new(file, text);
        let doc = Doc::parse(text, &faults);
        let root = doc.table(&faults);
        root.only(&["caller"]);
        let mut callers = Self::default();
        for t in root.tables("caller") {
            let read = caller(&t);
            if callers.list.iter().any(|c| c.name == read.name) {
                t.fault_at("name", "this name is given twice", None);
            }
            callers.list.push(Arc::new(read));
        }
        if faults.is_empty() { Ok(callers) } else { Err(faults.finish()) }
    }

    /// The names of those that are not the same in both, in order.
    #[must_use]
    pub fn changed(&self, to: &Self) -> Vec<String> {
        let of = |callers: &Self, others: &Self| -> BTreeSet<String> {
            callers.list.iter().filter(|c| others.named(&c.name) != Some(c)).map(|c| c.name.clone()).collect()
        };
        of(self, to).union(&of(to, self)).cloned().collect()
    }

    /// The caller of a name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Arc<Caller>> {
        self.list.iter().find(|c| c.name == name)
    }

    /// The one that fits; all are looked at, whether one was found or not.
    fn only(&self, fits: impl Fn(&&Arc<Caller>) -> bool) -> Option<&Arc<Caller>> {
        self.list.iter().fold(None, |found, c| if fits(&c) { Some(c) } else { found })
    }

    /// The caller with this bearer token. Every candidate is compared, so time tells nothing.
    #[must_use]
    pub fn by_token(&self, token: &str) -> Option<&Arc<Caller>> {
        let fits = |c: &&Arc<Caller>| matches!(&c.credential, Credential::Token { sha256 } if Credential::matches(sha256, token));
        self.only(fits)
    }

    /// The caller with this client id and secret.
    #[must_use]
    pub fn by_client(&self, client: &str, secret: &str) -> Option<&Arc<Caller>> {
        let fits = |c: &&Arc<Caller>| matches!(&c.credential, Credential::Client { id, secret_sha256 } if Credential::matches(secret_sha256, secret) & (id == client));
        self.only(fits)
    }

    /// The caller with this user name and password.
    #[must_use]
    pub fn by_basic(&self, name: &str, password: &str) -> Option<&Arc<Caller>> {
        let fits = |c: &&Arc<Caller>| matches!(&c.credential, Credential::Basic { user, password_sha256 } if Credential::matches(password_sha256, password) & (user == name));
        self.only(fits)
    }

    /// The caller that speaks for a partner from this address.
    #[must_use]
    pub fn by_network(&self, partner: &str, address: IpAddr) -> Option<&Arc<Caller>> {
        let fits =
            |c: &&Arc<Caller>| matches!(&c.credential, Credential::Networks(list) if list.iter().any(|n| n.contains(address)));
        self.list.iter().filter(|c| c.partner.as_deref() == Some(partner)).find(fits)
    }

    /// The caller that speaks for a partner by this seal.
    #[must_use]
    pub fn by_seal(&self, partner: &str, name: &str) -> Option<&Arc<Caller>> {
        let fits = |c: &&Arc<Caller>| matches!(&c.credential, Credential::Seal { seal } if seal == name);
        self.list.iter().filter(|c| c.partner.as_deref() == Some(partner)).find(fits)
    }
}

fn caller(t: &Table<'_>) -> Caller {
    t.only(&["name", "partner", "roles", "class", "agencies", "token_sha256", "client", "basic", "seal", "networks"]);
    let words = Role::ALL.map(|(_, w)| w).join(", ");
    let mut roles = BTreeSet::new();
    for item in t.need("roles").map(|i| i.list()).unwrap_or_default() {
        roles.extend(item.parsed(&format!("a list of {words}"), Role::of_word));
    }
    if t.get("roles").is_some() && roles.is_empty() {
        t.fault_at("roles", "a caller needs at least one role", None);
    }
    let partner = t.text("partner");
    if partner.is_none() && roles.iter().any(|r| r.speaks_for_a_partner()) {
        t.fault_at("roles", "a caller with the role portal, ministry or payment names its `partner`", None);
    }
    Caller {
        name: t.need_text("name"),
        partner,
        roles,
        class: t.text("class"),
        agencies: t.texts("agencies"),
        credential: credential(t),
    }
}

fn credential(t: &Table<'_>) -> Credential {
    let kinds = ["token_sha256", "client", "basic", "seal", "networks"];
    let given: Vec<&str> = kinds.into_iter().filter(|k| t.get(k).is_some()).collect();
    if given.len() != 1 {
        t.fault(format!(
            "a caller has exactly one of {}; here: {}",
            kinds.join(", "),
            if given.is_empty() { "none".into() } else { given.join(", ") }
        ));
    }
    if let Some(c) = t.table("client") {
        c.only(&["id", "secret_sha256"]);
        return Credential::Client { id: c.need_text("id"), secret_sha256: digest(&c, "secret_sha256") };
    }
    if let Some(c) = t.table("basic") {
        c.only(&["user", "password_sha256"]);
        return Credential::Basic { user: c.need_text("user"), password_sha256: digest(&c, "password_sha256") };
    }
    if let Some(item) = t.get("networks") {
        let what = "a list of networks such as \"10.20.0.0/24\"";
        return Credential::Networks(item.list().iter().filter_map(|i| i.parsed(what, Network::parse)).collect());
    }
    if let Some(seal) = t.text("seal") {
        return Credential::Seal { seal };
    }
    // No default that could ever match: a digest is 64 characters.
    let sha256 = t.get("token_sha256").map(|_| digest(t, "token_sha256")).unwrap_or_default();
    Credential::Token { sha256 }
}

fn digest(t: &Table<'_>, key: &str) -> String {
    let hex = |text: &str| {
        let good = text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        good.then(|| text.to_owned())
    };
    let _ = t.need(key);
    t.parsed(key, "a SHA-256 digest, 64 lower-case hex digits (printf %s WORD | sha256sum)", hex).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_known_by_its_credential_only() {
        let text = format!(
            "[[caller]]\nname='a'\nroles=['operator']\ntoken_sha256='{}'\n[[caller]]\nname='b'\npartner='one'\nroles=['payment']\nnetworks=['10.20.0.0/24','::1']\n",
            sha256_hex(b"mo-cua")
        );
        let callers = Callers::parse("callers.toml", &text).unwrap();
        assert_eq!(callers.by_token("mo-cua").map(|c| c.name.as_str()), Some("a"));
        assert!(callers.by_token("mo-cuA").is_none());
        for (address, good) in
            [("10.20.0.7", true), ("10.20.1.7", false), ("::ffff:10.20.0.7", true), ("::1", true), ("::2", false)]
        {
            assert_eq!(callers.by_network("one", address.parse().unwrap()).is_some(), good, "{address}");
        }
        assert!(callers.by_network("two", "10.20.0.7".parse().unwrap()).is_none());
        assert!(!format!("{callers:?}").contains(&sha256_hex(b"mo-cua")));
    }

    #[test]
    fn faults_of_all_callers_are_told_together() {
        let text = "[[caller]]\nname='a'\nroles=['boss']\ntoken_sha256='abc'\n[[caller]]\nname='a'\nroles=['portal']\n";
        let told: Vec<String> = Callers::parse("c", text).unwrap_err().iter().map(ToString::to_string).collect();
        for want in ["roles", "64 lower-case hex", "names its `partner`", "exactly one of", "given twice"] {
            assert!(told.iter().any(|t| t.contains(want)), "{want}: {told:#?}");
        }
    }

    #[test]
    fn a_network_with_stray_bits_is_refused() {
        for (text, good) in [
            ("10.0.0.0/8", true),
            ("10.0.0.1/8", false),
            ("0.0.0.0/0", true),
            ("10.0.0.0/33", false),
            ("x", false),
            ("2001:db8::/32", true),
        ] {
            assert_eq!(Network::parse(text).is_some(), good, "{text}");
        }
    }
}
