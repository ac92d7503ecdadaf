//! What the decisions look at besides the snapshot: who speaks, the hour, the ids to be given, what the catalogue says.

use crate::body::Value;
use crate::catalogue::{Holidays, Term};
use crate::clock::Time;
use crate::journal::{FileRow, NewAudit, NewDelivery, NewEvent};
use crate::model::{Charge, Kind, Mint};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Received files by id.
pub type Files = BTreeMap<String, FileRow>;

/// Everything a decision may look at, resolved beforehand.
#[derive(Debug)]
pub struct Scene<'s> {
    /// Our time.
    pub now: Time,
    /// Makes the ids.
    pub mint: &'s Mint<'s>,
    /// Who speaks.
    pub origin: &'s Origin,
    /// Which partner takes which message by which route.
    pub guide: &'s Guide,
    /// What the catalogue says of the dossier's procedure on its day.
    pub service: Option<&'s Service>,
    /// Files the message names.
    pub files: &'s Files,
}

/// Who speaks.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The partner it speaks for.
    pub partner: String,
    /// The authenticated caller.
    pub caller: String,
    /// Class of what it causes, instead of its partner's.
    pub class: Option<String>,
    /// Agency prefixes it may hand in for; empty: any.
    pub agencies: Vec<String>,
    /// Trace id of the request, 32 hex digits.
    pub trace: Option<String>,
}

/// Which partner plays which role, and by which route it takes a message. Built from the catalogue once per load.
#[derive(Clone, Debug, Default)]
pub struct Guide {
    /// (partner, kind) → route and class.
    pub targets: BTreeMap<(String, Kind), Target>,
    /// The payment partner; none: nothing can be paid.
    pub payment: Option<String>,
    /// How long an unpaid transaction is watched, milliseconds.
    pub payment_ms: i64,
    /// Partners that keep a copy of every dossier.
    pub copies: Vec<String>,
}

/// An out-route of a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The route's name.
    pub route: String,
    /// The lanes' class at that partner.
    pub class: String,
}

/// What the catalogue says of a procedure on a day.
#[derive(Clone, Debug, Default)]
pub struct Service {
    /// Bare national code.
    pub code: String,
    /// Vietnamese name.
    pub name: String,
    /// The name of its field (lĩnh vực).
    pub field: String,
    /// The ministry partner that works on it; none: the city does.
    pub ministry: Option<String>,
    /// Edition of its form on the day.
    pub edition: Option<String>,
    /// What it costs by the catalogue's rule; none: the message at hand has no form or papers the rule could look at.
    pub charge: Option<Charge>,
    /// The list of the form that is counted, and the field that says of an item that it is paid.
    pub marks: Option<(String, String)>,
    /// Where the money goes.
    pub beneficiary: Option<Value>,
    /// The agency's name.
    pub agency_name: Option<String>,
    /// When it has to be done, counted from when it was handed in.
    pub due_at: Option<Time>,
    /// The statutory term, where one is known, and the days it is counted in.
    pub term: Option<(Term, Arc<Holidays>)>,
}

// === impl Service ===

impl Service {
    /// The end of the statutory term whose clock starts with what came in at that time; none: no term is known.
    #[must_use]
    pub fn due_from(&self, came: Time, paper: bool) -> Option<Time> {
        let (term, holidays) = self.term.as_ref()?;
        holidays.due(*term, holidays.start(came, paper)?)
    }
}

// === impl Scene ===

impl Scene<'_> {
    /// A delivery of `kind` to `partner`; none when the partner has no route for it.
    pub(super) fn delivery(
        &self,
        partner: &str,
        kind: Kind,
        lane: &str,
        dossier: &str,
        body: Option<Value>,
    ) -> Option<NewDelivery> {
        debug_assert!(body.as_ref().is_none_or(|b| kind.is_whole(b)), "{} as Kind::made_with promises it", kind.name());
        let target = self.guide.targets.get(&(partner.to_owned(), kind))?;
        Some(NewDelivery {
            partner: partner.to_owned(),
            route: target.route.clone(),
            lane: lane.to_owned(),
            dossier: Some(dossier.to_owned()),
            class: self.origin.class.as_ref().unwrap_or(&target.class).clone(),
            caller: self.origin.caller.clone(),
            deadline: None,
            not_before: None,
            id: self.mint.message_id(),
            at: self.now,
            kind,
            body,
            trace: self.origin.trace.clone(),
        })
    }

    /// A line of the timeline.
    pub(super) fn event(&self, dossier: &str, kind: &str, data: Value) -> NewEvent {
        NewEvent { dossier: dossier.to_owned(), at: self.now, kind: kind.to_owned(), data }
    }

    /// An audit entry.
    pub(super) fn audit(&self, what: &str, about: &str, data: Value) -> NewAudit {
        NewAudit { at: self.now, who: self.origin.caller.clone(), what: what.to_owned(), about: about.to_owned(), data }
    }
}
