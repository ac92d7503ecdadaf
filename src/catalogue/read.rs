//! Reading a partner's folder: partner.toml into a [`Partner`], its mappings compiled. Every fault of every file at once.
//!
//! Always: what a name refers to (mapping, judge, seal, sign-in, credential, route) exists; credentials are given by reference only;
//! an unknown key is a fault. The rules about routes are in `read_route`, seals and judges in `read_rule`.

use super::partner::{Partner, Role, SignIn, Wsdl};
use super::read_limits::limits;
use super::read_route;
use super::read_rule::{judge, seals};
use super::seal::Seal;
use crate::config::reader::{Doc, Fault, Faults, Item, Table};
use crate::config::{PartnerSettings, Placeholders, RetrySettings, Secrets, variable};
use crate::delivery::{Judge, Limit, RetryPolicy};
use crate::mapping::{Book, Check, Editions, Shapes, Source, SourceFault, WireSchema, XsdValidator};
use crate::seal::Secret;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What reading a partner needs to know besides its folder.
pub(super) struct Setting<'s> {
    pub(super) shapes: &'s Arc<Shapes>,
    pub(super) schemas: &'s BTreeMap<String, serde_json::Value>,
    pub(super) secrets: &'s dyn Secrets,
    pub(super) settings: Option<&'s PartnerSettings>,
    pub(super) procedures: &'s super::Procedures,
    /// Files outside the folder: WSDL and XSD.
    pub(super) files: &'s super::Files,
    /// The schemas of the wires.
    pub(super) xsds: &'s BTreeMap<String, WireSchema>,
    /// Whether the mappings are held against them: not those of a set read back, which was proven before.
    pub(super) held: bool,
}

/// What the routes refer to.
pub(super) struct Parts<'p> {
    pub(super) texts: &'p BTreeMap<String, String>,
    pub(super) judges: &'p BTreeMap<String, Judge>,
    /// Names, whether or not what they name could be read: one fault is told once.
    pub(super) seals: Vec<&'p str>,
    /// The same.
    pub(super) sign_in: Vec<&'p str>,
    pub(super) editions: &'p Editions,
    pub(super) setting: &'p Setting<'p>,
    /// The mappings without a fault.
    pub(super) book: &'p Book,
    /// The partner's values, the operator's among them.
    pub(super) values: &'p BTreeMap<String, String>,
    /// The sign-ins that could be read.
    pub(super) signing: &'p BTreeMap<String, SignIn>,
    /// The seals that could be read.
    pub(super) sealing: &'p BTreeMap<String, Seal>,
    /// Validators that routes ask for, by mapping.
    pub(super) validators: RefCell<BTreeMap<String, Arc<dyn XsdValidator>>>,
}

/// A credential.
pub(super) enum Credential {
    Plain(Secret),
    Pair { name: String, secret: Secret },
}

/// Reads a partner's folder.
pub(super) fn partner(source: &Source, setting: &Setting<'_>) -> Result<Partner, Vec<SourceFault>> {
    let mut all = Vec::new();
    let (book, found) = Book::draft(source, setting.shapes);
    all.extend(found);
    let Some(text) = source.files.get("partner.toml") else {
        all.push(SourceFault {
            file: "partner.toml".to_owned(),
            start: 0,
            len: 0,
            line: 1,
            column: 1,
            text: "there is no such file: who the partner is, where it is, its routes".to_owned(),
            hint: Some("adapters/README.md, step 5; the mappings beside it are checked without it".to_owned()),
            check: Check::Routes,
        });
        return Err(all);
    };
    let faults = Faults::new("partner.toml", text);
    let doc = Doc::parse(text, &faults);
    let draft = whole(&doc.table(&faults), source, setting, &book);
    all.extend(faults.finish().into_iter().map(told));
    let partner = draft(book);
    if setting.held {
        let doors = partner.ins.values().filter_map(|r| r.map.clone());
        let answers = partner.outs.values().flat_map(|r| r.content.iter().chain(r.items.as_ref().map(|i| &i.map)));
        let reads = doors.chain(answers.cloned()).collect();
        all.extend(partner.book.against(setting.xsds, &reads, source));
    }
    if all.is_empty() { Ok(partner) } else { Err(all) }
}

/// A fault of the TOML reader in the words of the mapping engine's.
pub(super) fn told(f: Fault) -> SourceFault {
    SourceFault {
        file: f.file,
        start: f.start,
        len: f.len,
        line: f.line,
        column: f.column,
        text: f.text,
        hint: f.hint,
        check: if f.tag == SEALS { Check::Seals } else { Check::Routes },
    }
}

/// The tag of faults about seals.
pub(super) const SEALS: &str = "V10";

/// First parts of paths that are our own.
const RESERVED: [&str; 4] = ["v1", "healthz", "readyz", "metrics"];

const KEYS: [&str; 19] = [
    "name",
    "title",
    "role",
    "enabled",
    "class",
    "values",
    "transport",
    "credentials",
    "sign-in",
    "limits",
    "classes",
    "maintenance",
    "retry",
    "out",
    "in",
    "seal",
    "judge",
    "soap",
    "statement",
];

/// Everything but the mappings; the partner is made once they are compiled.
fn whole(root: &Table<'_>, source: &Source, setting: &Setting<'_>, book: &Book) -> Box<dyn FnOnce(Book) -> Partner> {
    root.only(&KEYS);
    let name = root.need_text("name");
    if !name.is_empty() && name != source.name {
        root.fault_at("name", format!("`name` must be the folder's name, `{}`", source.name), None);
    }
    if RESERVED.contains(&name.as_str()) || !plain(&name) {
        let hint = format!("letters, digits, - and _, and none of: {}", RESERVED.join(", "));
        root.fault_at("name", format!("`{name}` cannot be a path at our door"), Some(hint));
    }
    let none = PartnerSettings::default();
    let own = setting.settings.unwrap_or(&none);
    let enabled = own.enabled.unwrap_or_else(|| root.flag("enabled", true));
    // What is off calls nobody, so that it needs no secret.
    let credentials = credentials(root, if enabled { setting.secrets } else { &Placeholders });
    let judges: BTreeMap<String, Judge> = root.named("judge").iter().map(|(n, t)| ((*n).to_owned(), judge(t))).collect();
    let seals = seals(root, &credentials);
    let sign_in: BTreeMap<String, SignIn> =
        root.named("sign-in").iter().filter_map(|(n, t)| Some(((*n).to_owned(), sign_in(t, &credentials, &judges)?))).collect();
    let mut values: BTreeMap<String, String> = root.table("values").map(|t| texts(&t)).unwrap_or_default();
    values.extend(own.values.clone());
    let parts = Parts {
        texts: &source.files,
        judges: &judges,
        seals: root.named("seal").into_iter().map(|(name, _)| name).collect(),
        sign_in: root.named("sign-in").into_iter().map(|(name, _)| name).collect(),
        editions: setting.shapes.editions(),
        setting,
        book,
        values: &values,
        signing: &sign_in,
        sealing: &seals,
        validators: RefCell::default(),
    };
    let (base, headers, timeout) = transport(root, own);
    let retry = overlay(root.table("retry").map(|t| retry(&t)).unwrap_or_default(), own.retry);
    let _ = root.need("role");
    let role = root.parsed("role", "portal, ministry or payment", Role::of_word).unwrap_or(Role::Portal);
    let title = root.need_text("title");
    let class = root.text("class").unwrap_or_else(|| "default".to_owned());
    let mut limits = limits(root, own, setting.held);
    let outs = read_route::outs(root, &parts, own);
    let limited = outs.values().filter(|r| r.limit != Limit::default());
    limits.out.routes = limited.map(|r| (r.name.clone(), r.limit)).collect();
    limits.out.asking_first = outs.values().filter(|r| r.first.is_some()).map(|r| r.name.clone()).collect();
    let ins = read_route::ins(root, &parts);
    let validators = parts.validators.take();
    let wsdl = root.table("soap").and_then(|t| wsdl(&t, setting));
    let statement = root.table("statement").map(|t| super::statement::read(&t));
    let paused = own.paused;
    Box::new(move |book| Partner {
        name,
        title,
        enabled,
        role,
        class,
        values,
        base,
        headers,
        timeout,
        sign_in,
        limits,
        retry,
        paused,
        outs,
        ins,
        judges,
        seals,
        book,
        statement,
        validators,
        wsdl,
    })
}

// === transport, credentials, sign-in ===

fn transport(root: &Table<'_>, own: &PartnerSettings) -> (String, BTreeMap<String, String>, Duration) {
    let thirty = Duration::from_secs(30);
    let mut read = (String::new(), BTreeMap::new(), thirty);
    if let Some(t) = root.need("transport").and_then(|i| i.table()) {
        t.only(&["base", "timeout", "headers"]);
        let url = |u: &str| (u.len() > 8 && u.starts_with("https://")).then(|| u.trim_end_matches('/').to_owned());
        let _ = t.need("base");
        read.0 =
            t.parsed("base", "an https URL (another one, or plain HTTP, is configured in gateway.toml)", url).unwrap_or_default();
        read.1 = t.table("headers").map(|h| texts(&h)).unwrap_or_default();
        read.2 = t.duration("timeout", thirty);
    }
    (own.base.clone().unwrap_or(read.0), read.1, own.timeout.unwrap_or(read.2))
}

fn credentials(root: &Table<'_>, secrets: &dyn Secrets) -> BTreeMap<String, Credential> {
    let Some(t) = root.table("credentials") else { return BTreeMap::new() };
    t.items().filter_map(|item| Some((item.name().to_owned(), credential(&item, secrets)?))).collect()
}

fn credential(item: &Item<'_>, secrets: &dyn Secrets) -> Option<Credential> {
    if item.value().is_str() {
        return Some(Credential::Plain(secret(item, secrets)?));
    }
    let t = item.table()?;
    t.only(&["username", "password", "id", "secret"]);
    let (name, key) = if t.get("id").is_some() { ("id", "secret") } else { ("username", "password") };
    let name = t.need_text(name);
    // The fault is told once, here: who uses the credential goes on with a stand-in, and nothing starts.
    let secret = secret(&t.need(key)?, secrets).or_else(|| Placeholders.get(""))?;
    Some(Credential::Pair { name, secret })
}

fn secret(item: &Item<'_>, secrets: &dyn Secrets) -> Option<Secret> {
    let name = item.parsed("a reference to a secret, \"secret:NAME\"", |t| t.strip_prefix("secret:").map(str::to_owned))?;
    let found = secrets.get(&name);
    if found.is_none() {
        let hint =
            format!("put it into the file {name} of the secrets folder (`secrets` in gateway.toml), or into {}", variable(&name));
        item.fault(format!("there is no secret `{name}`"), Some(hint));
    }
    // The fault is told once, here: who uses the credential goes on with a stand-in, and nothing starts.
    found.or_else(|| Placeholders.get(&name))
}

fn sign_in(t: &Table<'_>, credentials: &BTreeMap<String, Credential>, judges: &BTreeMap<String, Judge>) -> Option<SignIn> {
    t.only(&["kind", "with", "post", "body", "judge", "token"]);
    let pair = || match credentials.get(&t.need_text("with")) {
        Some(Credential::Pair { name, secret }) => Some((name.clone(), secret.clone())),
        _ => {
            t.fault_at("with", "`with` names no credential that is a name and a secret", None);
            None
        }
    };
    match t.need_text("kind").as_str() {
        "basic" => pair().map(|(user, password)| SignIn::Basic { user, password }),
        "oauth2-client" => {
            let token = t.text("token").unwrap_or_else(|| "/access_token".to_owned());
            let post = path(t, "post");
            pair().map(|(id, secret)| SignIn::OAuth2 { post, id, secret, token })
        }
        "post" => {
            let judge = t.text("judge");
            if judge.as_ref().is_some_and(|j| !judges.contains_key(j)) {
                t.fault_at("judge", "no judge of this name", known(judges.keys()));
            }
            let fields = t.need("body").and_then(|i| i.table());
            let body = fields.map(|b| b.items().filter_map(|i| Some((i.name().to_owned(), filled(&i, credentials)?))).collect());
            Some(SignIn::Post { post: path(t, "post"), body: body.unwrap_or_default(), judge, token: t.need_text("token") })
        }
        _ => {
            t.fault_at("kind", "`kind` must be \"basic\", \"oauth2-client\" or \"post\"", None);
            None
        }
    }
}

/// A field of a sign-in body: a text, or `$credential.username`, `$credential.password`, `$credential`.
fn filled(item: &Item<'_>, credentials: &BTreeMap<String, Credential>) -> Option<Secret> {
    let text = item.text()?;
    let Some(reference) = text.strip_prefix('$') else { return Some(Secret::new(text)) };
    let (name, part) = reference.split_once('.').unwrap_or((reference, ""));
    match (credentials.get(name), part) {
        (Some(Credential::Plain(secret)), "") => Some(secret.clone()),
        (Some(Credential::Pair { name, .. }), "username" | "id") => Some(Secret::new(name.clone())),
        (Some(Credential::Pair { secret, .. }), "password" | "secret") => Some(secret.clone()),
        _ => {
            item.fault(format!("`{text}` names no part of a credential"), known(credentials.keys()));
            None
        }
    }
}

// === retry ===

pub(super) fn count(t: &Table<'_>, key: &str) -> Option<u32> {
    t.whole(key, 1).map(|n| u32::try_from(n).unwrap_or(u32::MAX))
}

/// A `retry` table over the defaults.
pub(super) fn retry(t: &Table<'_>) -> RetryPolicy {
    t.only(&["first", "factor", "max", "attempts"]);
    let fresh = RetryPolicy::default();
    let factor = t.get("factor").and_then(|i| i.number()).unwrap_or(fresh.factor);
    if factor < 1.0 {
        t.fault_at("factor", "`factor` must be at least 1", None);
    }
    RetryPolicy {
        first: t.duration("first", fresh.first),
        factor,
        max: t.duration("max", fresh.max),
        attempts: count(t, "attempts").unwrap_or(fresh.attempts),
    }
}

/// An operator's changes over a schedule.
pub(super) fn overlay(policy: RetryPolicy, own: RetrySettings) -> RetryPolicy {
    RetryPolicy {
        first: own.first.unwrap_or(policy.first),
        factor: own.factor.unwrap_or(policy.factor),
        max: own.max.unwrap_or(policy.max),
        attempts: own.attempts.unwrap_or(policy.attempts),
    }
}

// === the rest ===

fn wsdl(t: &Table<'_>, setting: &Setting<'_>) -> Option<Wsdl> {
    t.only(&["wsdl"]);
    let path = t.need_text("wsdl");
    let Some(text) = setting.files.text(&path) else {
        t.fault_at("wsdl", format!("there is no file `{path}`"), None);
        return None;
    };
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let folder = format!("{folder}/");
    let xsds = setting.files.under(&folder).filter(|(name, _)| name.ends_with(".xsd"));
    let xsds = xsds.map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    Some(Wsdl { text: text.to_owned(), xsds })
}

/// The texts of a table, by key.
pub(super) fn texts(t: &Table<'_>) -> BTreeMap<String, String> {
    t.items().filter_map(|i| Some((i.name().to_owned(), i.text()?.to_owned()))).collect()
}

/// A path under a base: it starts with a slash.
pub(super) fn path(t: &Table<'_>, key: &str) -> String {
    let _ = t.need(key);
    let good = |p: &str| {
        let plain = p.starts_with('/') && !p.contains(['?', '#', ' ', '{', '\\']) && !p.contains("..");
        plain.then(|| p.to_owned())
    };
    t.parsed(key, "a path such as \"/name\"", good).unwrap_or_default()
}

/// Whether a path stands at our door as it is written.
pub(super) fn plain(path: &str) -> bool {
    path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b))
}

/// A hint that names what there is.
pub(super) fn known<T: AsRef<str>>(names: impl Iterator<Item = T>) -> Option<String> {
    let names: Vec<String> = names.map(|n| n.as_ref().to_owned()).collect();
    Some(if names.is_empty() { "there is none".to_owned() } else { format!("there is: {}", names.join(", ")) })
}
