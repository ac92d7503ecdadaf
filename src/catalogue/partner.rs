//! A partner as its partner.toml describes it, compiled: credentials resolved, mappings at hand, nothing left to look up.
//!
//! Nouns only; `read` makes them. Secrets never show themselves.

use super::route::{InRoute, OutRoute};
use super::seal::Seal;
use super::statement::StatementForm;
use crate::delivery::{Judge, Quota, RetryPolicy, Terms};
use crate::mapping::{Book, Context, Explained, Mapping, XsdValidator};
use crate::model::Kind;
use crate::seal::Secret;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A partner.
#[derive(Debug)]
pub struct Partner {
    /// Its folder's name, and its path at our door.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// It is in force; one that is off is only proven and looked at.
    pub enabled: bool,
    /// The part it plays.
    pub role: Role,
    /// The class of what it hands in, at the receiving partner's queue.
    pub class: String,
    /// `$partner.<name>` of its mappings.
    pub values: BTreeMap<String, String>,
    /// Its address, without a slash at the end.
    pub base: String,
    /// Headers of every call.
    pub headers: BTreeMap<String, String>,
    /// One call's time.
    pub timeout: Duration,
    /// Ways to sign in with it.
    pub sign_in: BTreeMap<String, SignIn>,
    /// How fast, both ways.
    pub limits: Limits,
    /// When to try again, unless a route says otherwise.
    pub retry: RetryPolicy,
    /// Paused from the start.
    pub paused: bool,
    /// What we send it.
    pub outs: BTreeMap<String, OutRoute>,
    /// What it sends us.
    pub ins: BTreeMap<String, InRoute>,
    /// What its answers mean.
    pub judges: BTreeMap<String, Judge>,
    /// Seals.
    pub seals: BTreeMap<String, Seal>,
    /// Its mappings.
    pub book: Book,
    /// How its daily statement is written; none: it gives none.
    pub statement: Option<StatementForm>,
    /// Validators of the mappings whose routes ask for it, by mapping.
    pub validators: BTreeMap<String, Arc<dyn XsdValidator>>,
    /// Its description for others' generators, served at `?wsdl`.
    pub wsdl: Option<Wsdl>,
}

/// The part a partner plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Hands in dossiers and is told about them.
    Portal,
    /// Works on dossiers.
    Ministry,
    /// Collects fees.
    Payment,
}

/// How fast, both ways.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Towards it.
    pub out: Terms,
    /// From it: all of these hold at once.
    pub ins: Vec<Quota>,
}

/// How to sign in with a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// HTTP Basic in every call.
    Basic {
        /// User name.
        user: String,
        /// Password.
        password: Secret,
    },
    /// OAuth 2 client credentials; the token goes as Bearer until it is refused or runs out.
    OAuth2 {
        /// Path under the base.
        post: String,
        /// Client id.
        id: String,
        /// Client secret.
        secret: Secret,
        /// Place of the token in the reply.
        token: String,
    },
    /// A JSON call whose reply holds a token, `$session` in the mappings.
    Post {
        /// Path under the base.
        post: String,
        /// The body's fields.
        body: Vec<(String, Secret)>,
        /// What the reply means.
        judge: Option<String>,
        /// Place of the token in the reply.
        token: String,
    },
}

/// A WSDL and the schemas it names, as they are served. `{base}` in the text stands for our public address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wsdl {
    /// The WSDL.
    pub text: String,
    /// Schemas of the same folder, by file name.
    pub xsds: BTreeMap<String, String>,
}

// === impl Partner ===

impl Partner {
    /// Whether a form (`<procedure>@<edition>`) can come here: to a ministry only that of a procedure that one of its routes is for.
    #[must_use]
    pub fn takes(&self, form: Option<&str>) -> bool {
        let Some((procedure, _)) = form.and_then(|f| f.split_once('@')) else { return true };
        let mut for_some = self.outs.values().filter_map(|r| r.procedures.as_ref()).peekable();
        self.role != Role::Ministry || for_some.peek().is_none() || for_some.any(|list| list.iter().any(|p| p == procedure))
    }

    /// The seal over fields that a mapping's message bears, going out, coming in or as an answer.
    #[must_use]
    pub fn seal_of(&self, map: &str) -> Option<&Seal> {
        let called = self.outs.values().filter(|r| r.map == map).flat_map(|r| &r.seals);
        let answered = self.outs.values().filter(|r| r.content.as_deref() == Some(map)).flat_map(|r| &r.content_seals);
        let told = self.ins.values().filter(|r| r.map.as_deref() == Some(map)).flat_map(|r| &r.seals);
        let named = called.chain(answered).chain(told).filter_map(|name| self.seals.get(name));
        named.into_iter().find(|seal| matches!(seal, Seal::Hmac { .. }))
    }

    /// What its mappings know beside a body, as far as it is told without the dispatcher.
    pub(super) fn context(&self, id: &str, form: Option<(&str, &str)>) -> Context {
        let mut context = Context::new().with("message.id", id);
        for (name, value) in &self.values {
            context.set(format!("partner.{name}"), value.as_str());
        }
        if let Some((procedure, edition)) = form {
            context.set("dossier.procedure", procedure);
            context.set("dossier.edition", edition);
        }
        context
    }

    /// For a message of an out-route: which field on the wire comes from which canonical field, by which line of which file, as JSON; a
    /// value stands there only where its schema says it is public. `form`: procedure and edition of the dossier. None: there is no such
    /// route.
    #[must_use]
    pub fn explain(&self, route: &str, id: &str, body: &crate::body::Value, form: Option<(&str, &str)>) -> Option<Vec<Value>> {
        let map = self.book.map(&self.outs.get(route)?.map)?;
        let context = self.context(id, form);
        let field = |f: Explained| {
            let mut shown = json!({
                "wire": f.wire,
                "canonical": f.canonical,
                "public": f.public,
                "how": f.how.word(),
                "rule": f.text,
                "file": format!("adapters/{}/{}", self.name, f.file),
                "line": f.line,
            });
            if let (true, Some(map)) = (f.public, shown.as_object_mut()) {
                map.insert("wire_value".into(), f.wire_value.into());
                map.insert("canonical_value".into(), f.canonical_value.into());
            }
            shown
        };
        Some(map.explain(&[body], &context).into_iter().map(field).collect())
    }
}

// === impl Role ===

impl Role {
    /// Every role with its word.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Portal, "portal"), (Self::Ministry, "ministry"), (Self::Payment, "payment")];

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
}

// === impl Partner ===

impl Partner {
    /// The enabled route by which this partner takes a message of this kind, for this procedure where the route names some.
    #[must_use]
    pub fn out_for(&self, kind: Kind, procedure: Option<&str>) -> Option<&OutRoute> {
        let takes =
            |r: &&OutRoute| r.procedures.as_ref().is_none_or(|list| procedure.is_some_and(|p| list.iter().any(|l| l == p)));
        self.outs.values().filter(|r| r.enabled && r.message == kind).find(takes)
    }

    /// The mapping of a name.
    #[must_use]
    pub fn map(&self, name: &str) -> Option<&Mapping> {
        self.book.map(name)
    }

    /// The retry schedule of a route.
    #[must_use]
    pub fn retry_of(&self, route: &OutRoute) -> RetryPolicy {
        route.retry.unwrap_or(self.retry)
    }
}
