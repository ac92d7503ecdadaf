//! Reading seals and judges of a partner.toml.
//!
//! Always: a key is a credential of the same file, by name; a value a rule compares with keeps its type (0 and "0" are two things).

use super::read::{Credential, known};
use super::seal::{Over, Seal};
use crate::config::reader::{Item, Table};
use crate::delivery::{Codes, Fact, Judge, Rule, Then};
use crate::seal::{Digest, Encoding};
use std::collections::BTreeMap;
use toml::de::DeValue;

// === seals ===

/// All seals, by name.
pub(super) fn seals(root: &Table<'_>, credentials: &BTreeMap<String, Credential>) -> BTreeMap<String, Seal> {
    let tables: BTreeMap<&str, Table<'_>> = root.named("seal").into_iter().collect();
    let one = |t: &Table<'_>| {
        t.only(&["kind", "over", "between", "digest", "encoding", "key", "like"]);
        let like = t.text("like");
        let model = like.as_deref().and_then(|l| tables.get(l));
        if like.is_some() && model.is_none_or(|m| m.get("like").is_some()) {
            t.fault_at("like", "`like` must name a seal that is written out", known(tables.keys().copied()));
        }
        seal(t, model.unwrap_or(t), credentials)
    };
    tables.iter().filter_map(|(name, t)| Some(((*name).to_owned(), one(t)?))).collect()
}

/// A seal; what `t` does not say, `model` does.
fn seal(t: &Table<'_>, model: &Table<'_>, credentials: &BTreeMap<String, Credential>) -> Option<Seal> {
    let from = |key: &str| if t.get(key).is_some() { *t } else { *model };
    let key = from("key").need("key").and_then(|i| match credentials.get(i.text()?) {
        Some(Credential::Plain(secret)) => Some(secret.clone()),
        _ => {
            i.fault("`key` names no credential that is a plain secret", known(credentials.keys()));
            None
        }
    });
    match from("kind").need_text("kind").as_str() {
        "standard-webhooks" => Some(Seal::Webhook { key: key? }),
        "hmac" => {
            let digest = |w: &str| match w {
                "sha256" => Some(Digest::Sha256),
                "sha1" => Some(Digest::Sha1),
                _ => None,
            };
            let encoding = |w: &str| match w {
                "hex" => Some(Encoding::Hex),
                "base64" => Some(Encoding::Base64),
                _ => None,
            };
            let over = from("over").need("over").map(|i| i.list()).unwrap_or_default();
            let over = over.iter().filter_map(|i| piece(i, credentials)).collect();
            let between = from("between").need_text("between");
            let digest = from("digest").need("digest").and_then(|i| i.parsed("sha256 or sha1", digest));
            let encoding = from("encoding").need("encoding").and_then(|i| i.parsed("hex or base64", encoding));
            Some(Seal::Hmac { over, between, digest: digest?, encoding: encoding?, key: key? })
        }
        _ => {
            t.fault_at("kind", "`kind` must be \"hmac\" or \"standard-webhooks\"", None);
            None
        }
    }
}

fn piece(item: &Item<'_>, credentials: &BTreeMap<String, Credential>) -> Option<Over> {
    let text = item.text()?;
    match text.strip_prefix('$') {
        None if text == "*" => Some(Over::All),
        None => Some(Over::Field(text.to_owned())),
        Some(name) => match credentials.get(name) {
            Some(Credential::Plain(secret)) => Some(Over::Credential(secret.clone())),
            _ => {
                item.fault(format!("`{text}` names no credential that is a plain secret"), known(credentials.keys()));
                None
            }
        },
    }
}

// === judges ===

/// One judge.
pub(super) fn judge(t: &Table<'_>) -> Judge {
    t.only(&["why", "rules"]);
    let rules = t.need("rules").map(|i| i.list()).unwrap_or_default();
    Judge { why: t.text("why"), rules: rules.iter().filter_map(|i| rule(&i.table()?)).collect() }
}

fn rule(t: &Table<'_>) -> Option<Rule> {
    t.only(&["http", "at", "in", "has", "fault", "then", "find"]);
    let then = |w: &str| match w {
        "done" => Some(Then::Done),
        "reject" => Some(Then::Reject),
        "retry" => Some(Then::Retry),
        "park" => Some(Then::Park),
        "sign-in" => Some(Then::SignIn),
        _ => None,
    };
    let wanted: Vec<Fact> = t.get("in").map(|i| i.list()).unwrap_or_default().iter().filter_map(fact).collect();
    let at = t.text("at").map(|place| (place, wanted));
    if at.is_none() && t.get("in").is_some() {
        t.fault_at("in", "`in` stands beside `at`", None);
    }
    let fault = |w: &str| ["Client", "Server", "MustUnderstand", "VersionMismatch"].contains(&w).then(|| w.to_owned());
    let find = t.table("find").map(|f| f.items().filter_map(|i| Some((i.name().to_owned(), json(&i)?))).collect());
    let _ = t.need("then");
    Some(Rule {
        http: t.parsed("http", "HTTP statuses such as \"200-299,304\"", Codes::parse),
        at,
        has: t.text("has"),
        fault: t.parsed("fault", "Client, Server, MustUnderstand or VersionMismatch", fault),
        then: t.parsed("then", "done, reject, retry, park or sign-in", then)?,
        find: find.unwrap_or_default(),
    })
}

fn fact(item: &Item<'_>) -> Option<Fact> {
    match item.value() {
        DeValue::String(text) => Some(Fact::Text(text.to_string())),
        DeValue::Integer(number) => Some(Fact::Number(number.as_str().to_owned())),
        DeValue::Float(number) => Some(Fact::Number(number.as_str().to_owned())),
        DeValue::Boolean(flag) => Some(Fact::Bool(*flag)),
        _ => {
            item.fault("`in` lists texts, numbers, true or false", None);
            None
        }
    }
}

fn json(item: &Item<'_>) -> Option<serde_json::Value> {
    match item.value() {
        DeValue::String(text) => Some(text.as_ref().into()),
        DeValue::Integer(_) => item.whole(0).map(Into::into),
        DeValue::Boolean(flag) => Some((*flag).into()),
        _ => {
            item.fault("a finding is a text, a whole number, true or false", None);
            None
        }
    }
}
