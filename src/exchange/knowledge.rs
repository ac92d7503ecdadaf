//! From the catalogue to what the decisions look at: which partner takes which message, what is known of a procedure on a day.

use super::refusal::Refusal;
use super::scene::{Guide, Service, Target};
use crate::body::{Value, json};
use crate::catalogue::{Catalogue, Host, NotFound, Procedure, Role};
use crate::clock::Time;
use crate::model::{AgencyCode, Charge, Dossier, Kind, Message};
use jiff::civil::Date;

// === impl Guide ===

impl Guide {
    /// Built once per catalogue.
    #[must_use]
    pub fn of(catalogue: &Catalogue) -> Self {
        let mut guide = Self::default();
        for partner in catalogue.partners.values() {
            if partner.role == Role::Payment && guide.payment.is_none() {
                guide.payment = Some(partner.name.clone());
            }
            for route in partner.outs.values().filter(|r| r.enabled) {
                if route.message == Kind::PaymentRequest && guide.payment.as_ref() == Some(&partner.name) {
                    guide.payment_ms = i64::try_from(route.expires.as_millis()).unwrap_or(i64::MAX);
                }
                if route.message == Kind::DossierSync {
                    guide.copies.push(partner.name.clone());
                }
                let target = Target { route: route.name.clone(), class: partner.class.clone() };
                guide.targets.entry((partner.name.clone(), route.message)).or_insert(target);
            }
        }
        guide
    }
}

// === impl Service ===

impl Service {
    /// What the catalogue says of a new submission: refused when the procedure is not known, or not true on the day it is handed in.
    pub fn of_submission(catalogue: &Catalogue, message: &Message) -> Result<Self, Refusal> {
        let code = message.text("procedure").unwrap_or_default();
        let day = message.text("submitted_at").and_then(Time::parse).and_then(day_of);
        let Some(day) = day else {
            let text = "Thiếu ngày nộp hồ sơ.";
            return Err(Refusal::new("date-missing", 422, text, "The day of submission is missing.").at("/submitted_at"));
        };
        let procedure = catalogue.procedures.lookup(code, day).map_err(not_found)?;
        if procedure.host == Host::Ministry && catalogue.ministry_for(procedure).is_none() {
            let text = "Thủ tục này do phần mềm của Bộ xử lý nhưng chưa có kênh kết nối để chuyển hồ sơ.";
            let text_en = "This procedure runs on the Ministry's software, and no connection takes its dossiers.";
            return Err(Refusal::new("no-route", 422, text, text_en).at("/procedure"));
        }
        // The agency codes of ministries have a root with G (QĐ 20/2020): handed in for the Ministry, but the city works on it.
        let agency = message.text("agency.code").and_then(AgencyCode::parse).map(|a| a.newer_form());
        if procedure.host == Host::City && agency.is_some_and(|a| a.starts_with('G')) {
            let text = "Thủ tục này do thành phố giải quyết, không chạy trên phần mềm của Bộ; hãy nộp cho cơ quan của thành phố.";
            let text_en =
                "This procedure is the city's and does not run on the Ministry's software; hand it in for an agency of the city.";
            return Err(Refusal::new("procedure-not-ministry", 422, text, text_en).at("/agency/code"));
        }
        let form = message.body.get("form").unwrap_or(&Value::Null);
        let mut service = Self::build(catalogue, procedure, day);
        service.charge = Some(procedure.charge(form, message.list("papers")));
        // On paper unless the portal says or is silent: its own dossiers are handed in online.
        let paper = message.text("channel").is_some_and(|c| c != "online");
        service.due_at = message.text("submitted_at").and_then(Time::parse).and_then(|came| service.due_from(came, paper));
        service.agency_name = message.text("agency.code").and_then(|c| catalogue.agencies.lookup(c)).map(|a| a.name_vi.clone());
        Ok(service)
    }

    /// What the catalogue says of a supplement: of the dossier's procedure on its first submission day, and what it costs with the
    /// corrected form, or with the papers added.
    #[must_use]
    pub fn of_supplement(catalogue: &Catalogue, message: &Message, dossier: &Dossier) -> Option<Self> {
        let mut service = Self::of_dossier(catalogue, dossier)?;
        let procedure = catalogue.procedures.lookup(&dossier.procedure, day_of(dossier.submitted_at)?).ok()?;
        let form = message.body.get("form");
        let papers = message.list("papers");
        service.charge = match form {
            Some(form) => Some(procedure.charge(form, papers)),
            // Papers alone add to what is counted by papers, or show an exemption; what is counted by the form stays.
            None if procedure.fee_rule.looks() => added(&procedure.charge(&Value::Null, papers), dossier.charge.as_ref()),
            None => None,
        };
        Some(service)
    }

    /// What the catalogue says of a dossier already there: of its procedure on its first submission day. The form is not looked at
    /// again: what it costs stands in the dossier.
    #[must_use]
    pub fn of_dossier(catalogue: &Catalogue, dossier: &Dossier) -> Option<Self> {
        let day = day_of(dossier.submitted_at)?;
        let procedure = catalogue.procedures.lookup(&dossier.procedure, day).ok()?;
        let mut service = Self::build(catalogue, procedure, day);
        service.edition.clone_from(&dossier.edition);
        service.agency_name = catalogue.agencies.lookup(&dossier.agency).map(|a| a.name_vi.clone());
        Some(service)
    }

    fn build(catalogue: &Catalogue, procedure: &Procedure, day: Date) -> Self {
        let code = procedure.code().to_owned();
        let beneficiary = &procedure.beneficiary;
        Self {
            name: procedure.name_vi.clone(),
            field: procedure.field.clone(),
            ministry: catalogue.ministry_for(procedure).map(|p| p.name.clone()),
            edition: catalogue.edition_on(&code, day).map(str::to_owned),
            charge: None,
            marks: procedure.fee_rule.marks().map(|(list, field)| (list.to_owned(), field.to_owned())),
            beneficiary: Some(json!({ "account": beneficiary.account, "bank": beneficiary.bank, "name": beneficiary.name })),
            agency_name: None,
            due_at: None,
            term: procedure.days.map(|term| (term, catalogue.holidays.clone())),
            code,
        }
    }
}

/// The charge with papers added: an exemption they show, or the ones not counted yet; none: it stays.
fn added(by_papers: &Charge, before: Option<&Charge>) -> Option<Charge> {
    match (by_papers, before) {
        (Charge::Exempt(_), _) => Some(by_papers.clone()),
        (Charge::Items(new), Some(Charge::Items(old))) if !new.is_empty() => {
            let fresh = new.iter().filter(|n| !old.iter().any(|o| o.key == n.key)).cloned();
            Some(Charge::Items(old.iter().cloned().chain(fresh).collect()))
        }
        _ => None,
    }
}

/// The civil day in Viet Nam.
fn day_of(at: Time) -> Option<Date> {
    at.civil().map(|c| c.date())
}

/// Why a procedure cannot be used on a day; none: it can. For a message whose form could not be read because of its procedure.
#[must_use]
pub fn unusable(catalogue: &Catalogue, code: &str, at: Time) -> Option<Refusal> {
    catalogue.procedures.lookup(code, day_of(at)?).err().map(not_found)
}

fn not_found(why: NotFound) -> Refusal {
    let code = match why {
        NotFound::Unknown => "procedure-unknown",
        NotFound::NotValid { .. } => "procedure-not-valid",
    };
    Refusal::new(code, 422, why.text_vi(), why.to_string()).at("/procedure")
}
