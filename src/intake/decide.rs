//! Message → effects: gathers all that `exchange` looks at (snapshot, files, service, guide) and asks it.
//!
//! Reads the journal, writes nothing. Asked again with a new snapshot whenever the journal says that the first one has become stale.

use super::read::No;
use super::reply::broken_adapter;
use super::{Call, Intake};
use crate::body::Value;
use crate::clock::Time;
use crate::exchange::{self, Fault, Files, Guide, Known, Refusal, Scene, Service, Start};
use crate::journal::{Effects, Snapshot};
use crate::mapping::{Unmet, Wants};
use crate::model::{Dossier, Kind, Message, Mint, Payment};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The most files one message may name.
const MOST_FILES: usize = 500;

/// What `exchange` says of a message.
pub(super) enum Decision {
    /// To be accepted; the message was completed with names and contents.
    Take { effects: Box<Effects>, dossier: Option<String>, transaction: Option<String> },
    /// A transaction is open already: nothing to write.
    Open(Box<Payment>),
}

/// Everything a decision looks at, once.
pub(super) struct Sight {
    pub(super) known: Arc<Known>,
    pub(super) now: Time,
    pub(super) snapshot: Snapshot,
    pub(super) service: Option<Service>,
    pub(super) files: Files,
}

// === impl Intake ===

impl Intake {
    /// Gathers what a decision about this message looks at; `blind`: without a look at the dossier, as if there were none.
    pub(super) async fn sight(&self, known: &Arc<Known>, message: &Message, blind: bool) -> Result<Sight, No> {
        let now = self.clock.now();
        let payment = match message.kind {
            Kind::PaymentNotice => self.journal.payment(message.text("transaction").unwrap_or_default()).await?,
            _ => None,
        };
        let code = message.text("code").or_else(|| message.text("dossier")).map(str::to_owned);
        let code = code.or_else(|| payment.map(|p| p.dossier));
        let snapshot = match &code {
            Some(code) if !blind => self.journal.snapshot(code).await?,
            _ => Snapshot::default(),
        };
        let service = service(known, message, snapshot.dossier.as_ref())?;
        let files = self.files(message).await?;
        Ok(Sight { known: Arc::clone(known), now, snapshot, service, files })
    }

    /// The files a message names.
    async fn files(&self, message: &Message) -> Result<Files, No> {
        let named: BTreeSet<&str> = message
            .list("papers")
            .iter()
            .filter_map(|p| p.get("files").and_then(Value::as_array))
            .flatten()
            .filter_map(|f| f.get("id").and_then(Value::as_str))
            .collect();
        if named.len() > MOST_FILES {
            return Err(Refusal::new(
                "files-too-many",
                422,
                format!("Một hồ sơ có tối đa {MOST_FILES} tệp tin."),
                format!("A dossier has at most {MOST_FILES} files."),
            )
            .at("/papers")
            .into());
        }
        let mut files = Files::new();
        for id in named {
            // One whose content was removed by retention is as if it had not been uploaded: the caller uploads it again.
            if let Some(row) = self.journal.file(id).await?
                && self.journal.content_gone(&row.digest).await?.is_none()
            {
                files.insert(id.to_owned(), row);
            }
        }
        Ok(files)
    }

    /// Runs `act` with the scene of this call.
    pub(super) fn scene<T>(&self, call: &Call, sight: &Sight, act: impl FnOnce(&Scene<'_>) -> T) -> T {
        let mint = Mint::new(self.random.as_ref(), sight.now);
        let none = Guide::default();
        act(&Scene {
            now: sight.now,
            mint: &mint,
            origin: &call.origin,
            guide: sight.known.guide_of(&call.partner.name).unwrap_or(&none),
            service: sight.service.as_ref(),
            files: &sight.files,
        })
    }

    /// What the message causes; completes it, which may be done again: what is there already is left. `id` is our own id of it.
    pub(super) fn decide(&self, call: &Call, id: &str, message: &mut Message, sight: &Sight) -> Result<Decision, Refusal> {
        let snapshot = &sight.snapshot;
        let effects = self.scene(call, sight, |scene| match message.kind {
            Kind::DossierSubmit => exchange::submit(scene, message, snapshot).map(Some),
            Kind::DossierSupplement => exchange::supplement(scene, message, snapshot).map(Some),
            Kind::DossierWithdraw => exchange::withdraw(scene, message, snapshot).map(Some),
            Kind::StatusChange | Kind::ResultIssue => exchange::pushed(scene, id, message, snapshot).map(Some),
            Kind::PaymentNotice => {
                let decides = call.in_route().is_some_and(|r| r.decides);
                exchange::noticed(scene, message, snapshot, decides).map(Some)
            }
            Kind::PaymentStart => Ok(None),
            _ => Err(broken_adapter()),
        })?;
        let Some(effects) = effects else { return self.start(call, message, sight) };
        goes_on(sight, message, &effects)?;
        let dossier = sight.snapshot.dossier.as_ref().map(|d| d.code.clone());
        let dossier = dossier.or_else(|| effects.dossier.as_ref().map(|d| d.code.clone()));
        Ok(Decision::Take { effects: Box::new(effects), dossier, transaction: None })
    }

    /// A correction of a submission that never left us.
    pub(super) fn correct(&self, call: &Call, message: &mut Message, sight: &Sight) -> Result<Decision, Refusal> {
        let effects = self.scene(call, sight, |scene| exchange::correct(scene, message, &sight.snapshot))?;
        goes_on(sight, message, &effects)?;
        let dossier = effects.dossier.as_ref().map(|d| d.code.clone());
        Ok(Decision::Take { effects: Box::new(effects), dossier, transaction: None })
    }

    fn start(&self, call: &Call, message: &Message, sight: &Sight) -> Result<Decision, Refusal> {
        if !self.gateway.return_allowed(message.text("return_url").unwrap_or_default()) {
            return Err(Refusal::new(
                "return-address",
                422,
                "Địa chỉ quay lại sau khi thanh toán không có trong danh sách được phép.",
                "The address to come back to after paying is not on the allowed list.",
            )
            .at("/return_url"));
        }
        let started = self.scene(call, sight, |scene| exchange::start(scene, message, &sight.snapshot))?;
        Ok(match started {
            Start::Open(payment) => Decision::Open(payment),
            Start::New(effects, transaction) => {
                let dossier = message.text("code").map(str::to_owned);
                Decision::Take { effects, dossier, transaction: Some(transaction) }
            }
        })
    }
}

/// What the catalogue says of the message's procedure.
fn service(known: &Known, message: &Message, dossier: Option<&Dossier>) -> Result<Option<Service>, Refusal> {
    if message.kind == Kind::DossierSubmit {
        return Service::of_submission(&known.catalogue, message).map(Some);
    }
    Ok(dossier.and_then(|d| match message.kind {
        Kind::DossierSupplement => Service::of_supplement(&known.catalogue, message, d),
        _ => Service::of_dossier(&known.catalogue, d),
    }))
}

/// What a message must hold so that it can be written to where it goes on as it is (V11): refused here, it does not get stuck there.
fn goes_on(sight: &Sight, message: &Message, effects: &Effects) -> Result<(), Refusal> {
    let dossier = effects.dossier.as_ref().or(sight.snapshot.dossier.as_ref());
    let form = dossier.and_then(|d| Some((d.procedure.as_str(), d.edition.as_deref()?)));
    for delivery in effects.deliveries.iter().filter(|d| d.body.is_none()) {
        let partner = sight.known.catalogue.partners.get(&delivery.partner);
        let map = partner.and_then(|p| p.map(&p.outs.get(&delivery.route)?.map));
        let unmet = map.map(|m| m.unmet(&message.body, form)).unwrap_or_default();
        if unmet.iter().any(|u| u.pointer == "/agency/name") {
            // The name is the catalogue's to give; what the sender can mend is the code.
            let text = "Danh mục không có cơ quan nào với mã đơn vị này; hãy kiểm tra lại mã.";
            let text_en = "No agency with this code is in the catalogue; check the code.";
            return Err(Refusal::new("agency-unknown", 422, text, text_en).at("/agency/code"));
        }
        if !unmet.is_empty() {
            return Err(not_carried(&unmet));
        }
    }
    Ok(())
}

fn not_carried(unmet: &[Unmet]) -> Refusal {
    let mut refusal = Refusal::new(
        "message-not-carried",
        422,
        "Hồ sơ thiếu thông tin mà cơ quan tiếp nhận bắt buộc phải có, nên không thể chuyển tiếp.",
        "The message lacks what the receiving agency demands, so it could not be handed on.",
    );
    let told = |u: &Unmet| {
        let (text, text_en) = match &u.wants {
            Wants::Value => ("bắt buộc phải có".to_owned(), "must be there".to_owned()),
            Wants::FileName => (
                "phải là tên tệp không có thư mục, dài tối đa 255 byte".to_owned(),
                "must be a plain file name, 255 bytes at most".to_owned(),
            ),
            Wants::OwnKey => ("phải khác với các phần tử còn lại".to_owned(), "must differ from the others'".to_owned()),
            Wants::Words(words) => {
                (format!("phải là một trong: {}", words.join(", ")), format!("must be one of: {}", words.join(", ")))
            }
        };
        Fault { pointer: u.pointer.clone(), text: format!("{}: {text}", u.pointer), text_en: format!("{}: {text_en}", u.pointer) }
    };
    refusal.faults = unmet.iter().map(told).collect();
    refusal
}
