//! Bytes → message: the dossier it is about, the mapping (a large body's on a blocking thread), the seal, the canonical schema.
//!
//! In this order; a seal that is wrong ends it before the schema is asked. All faults of a step are told at once. Nothing is kept here.

use super::reply::{Level, broken_adapter};
use super::stage::Stages;
use super::{Call, Intake};
use crate::catalogue::{Catalogue, InRoute, SchemaFault};
use crate::clock::Time;
use crate::exchange::{self, Fault, Refusal};
use crate::journal::{BlobError, JournalError, Snapshot};
use crate::mapping::{Context, FaultKind, Found, Judged, Mapping, Reading, Scalar, Unread, WireFault, XsdFault, XsdValidator};
use crate::model::{DossierCode, Kind, Message};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A body up to this many bytes is read where it arrived: that takes well under a millisecond, and less than handing it to another
/// thread and back.
const SMALL: usize = 64 << 10;

/// Why a message is not taken, and how deep it came.
#[derive(Debug)]
pub(super) struct No {
    pub(super) refusal: Refusal,
    pub(super) level: Level,
}

/// Why a message of a batch is not taken, while others are.
pub(super) enum Unfit {
    /// It cannot be read.
    Unread(Vec<WireFault>),
    /// It is not valid by the wire's XSD.
    Invalid(Vec<XsdFault>),
}

/// What was read.
pub(super) struct Read {
    /// One, or the messages of a batch, each as it was read; with why it is not to be taken.
    pub(super) readings: Vec<(Reading, Option<Unfit>)>,
    pub(super) contents: Stages,
    /// The dossier's edition, where it was known before reading.
    pub(super) edition: Option<String>,
    pub(super) procedure: Option<String>,
}

// === impl No ===

impl No {
    pub(super) fn broken(refusal: Refusal) -> Self {
        Self { refusal, level: Level::Broken }
    }
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> Self {
        let level = if refusal.status >= 500 { Level::Door } else { Level::Refused };
        Self { refusal, level }
    }
}

impl From<JournalError> for No {
    fn from(error: JournalError) -> Self {
        unavailable(&error).into()
    }
}

/// What the journal could not do was not done: the caller may try again. The log says why.
pub(super) fn unavailable(error: &JournalError) -> Refusal {
    match error {
        JournalError::Full | JournalError::Busy | JournalError::Closed => tracing::warn!(%error, "the journal refuses"),
        JournalError::Store(_) | JournalError::Row(_) => tracing::error!(%error, "the journal fails"),
    }
    if matches!(error, JournalError::Row(_)) {
        return broken_adapter();
    }
    overloaded()
}

/// A content that could not be kept: the caller may try again, also where the message was read only so far.
pub(super) fn unkept(error: &BlobError) -> Refusal {
    if matches!(error, BlobError::Full) {
        tracing::warn!(%error, "a content cannot be kept");
        return overloaded();
    }
    tracing::error!(%error, "a content cannot be kept");
    broken_adapter()
}

/// Nothing was taken; come again.
pub(super) fn overloaded() -> Refusal {
    Refusal::new(
        "temporary-reduced-capacity",
        503,
        "Hệ thống đang quá tải; xin gửi lại sau ít giây. Yêu cầu này chưa được ghi nhận.",
        "The gateway is overloaded; try again in a few seconds. Nothing of this request was taken.",
    )
}

/// Why a message is not taken that could not be read; `row`: which one of a batch it is.
fn not_read(map: &Mapping, faults: &[WireFault], (catalogue, now): (&Catalogue, Time), row: usize) -> No {
    match no_procedure(faults, catalogue, now) {
        Some(no) => by_wire(map, None, row, no),
        None => No::broken(unreadable(faults)),
    }
}

/// A form that cannot be read because the catalogue does not know its procedure (or no longer) is refused with that reason.
fn no_procedure(faults: &[WireFault], catalogue: &Catalogue, now: Time) -> Option<No> {
    let fault = faults.iter().find(|f| f.kind == FaultKind::Form)?;
    let Found::Value(form) = &fault.found else { return None };
    let code = form.split('@').next().unwrap_or_default();
    exchange::unusable(catalogue, code, now).map(No::from)
}

// === impl Intake ===

impl Intake {
    /// Reads a call by its route's mapping.
    pub(super) async fn read(&self, call: &Call, route: &InRoute) -> Result<Read, No> {
        let name = route.map.clone().ok_or_else(broken_adapter)?;
        let mut context = self.context(call);
        let (mut edition, mut procedure) = (None, None);
        if let Some(dossier) = self.about(call, route, &name).await?.and_then(|s| s.dossier) {
            context.set("dossier.procedure", dossier.procedure.as_str());
            context.set("dossier.edition", dossier.edition.clone().unwrap_or_default());
            (edition, procedure) = (dossier.edition, Some(dossier.procedure));
        }
        let limit = route.max_body.unwrap_or(self.gateway.limits.max_body).max(self.gateway.limits.max_file);
        let mut contents = Stages::new(self.blobs.clone(), limit);
        let (partner, body) = (call.partner.clone(), call.body.clone());
        let validator = partner.validators.get(&name).filter(|_| route.validate).cloned();
        let (known, now) = (Arc::clone(&call.known), self.clock.now());
        let reading = move || {
            let Some(map) = partner.map(&name) else { return Err(No::from(broken_adapter())) };
            let invalid = validator.zip(body.whole()).map(|(validator, bytes)| judged(&*validator, map, bytes));
            let invalid = invalid.transpose()?.unwrap_or_default();
            let read = body.read(map, &context, &mut contents);
            if let Some(error) = contents.failed().or_else(|| body.failed()) {
                return Err(unkept(&error).into());
            }
            match read {
                Ok(readings) => Ok((fit(readings, invalid), contents)),
                Err(faults) => Err(not_read(map, &faults, (&known.catalogue, now), 0)),
            }
        };
        let (readings, contents) = if call.body.len() <= SMALL {
            reading()?
        } else {
            tokio::task::spawn_blocking(reading).await.map_err(|_| broken_adapter())??
        };
        Ok(Read { readings, contents, edition, procedure })
    }

    /// What the mapping may know besides the wire.
    fn context(&self, call: &Call) -> Context {
        let partner = &call.partner;
        let mut context = Context::new().with("from.code", partner.name.as_str()).with("from.name", partner.title.as_str());
        for (name, value) in &partner.values {
            context.set(format!("partner.{name}"), value.as_str());
        }
        context
    }

    /// The dossier a message is about, where its route says which place names it. Another caller's is not there.
    async fn about(&self, call: &Call, route: &InRoute, map: &str) -> Result<Option<Snapshot>, No> {
        let Some(place) = &route.about else { return Ok(None) };
        let map = call.partner.map(map).ok_or_else(broken_adapter)?;
        let told = call.body.value_at(map, place).map_err(|fault| No::broken(unreadable(&[fault])))?;
        let Some(Scalar::Text(code)) = told else { return Ok(None) };
        // What has not the form of a code is told by the mapping or the schema, with its place.
        if DossierCode::parse(&code).is_none() {
            return Ok(None);
        }
        let snapshot = self.journal.snapshot(&code).await?;
        let own = snapshot.dossier.as_ref().is_some_and(|d| d.caller == call.origin.caller);
        let addressed = snapshot.dossier.as_ref().is_some_and(|d| d.ministry.as_deref() == Some(call.partner.name.as_str()));
        if own || addressed { Ok(Some(snapshot)) } else { Err(Refusal::no_dossier().at(place.as_str()).into()) }
    }

    /// Whether every seal the route demands is right over the raw fields. Every seal is looked at.
    pub(super) fn sealed(&self, call: &Call, route: &InRoute, reading: &Reading) -> bool {
        let seals = route.seals.iter().map(|name| call.partner.seals.get(name));
        seals.fold(true, |good, seal| seal.is_some_and(|s| s.verify(&reading.raw)) & good)
    }

    /// The reading as a message that fits its canonical schema.
    pub(super) fn checked(
        &self,
        call: &Call,
        kind: Kind,
        reading: Reading,
        read: (Option<&str>, Option<&str>),
    ) -> Result<Message, Refusal> {
        let (edition, procedure) = read;
        let mut body = reading.body;
        // The wire of a supplement does not carry its procedure: the dossier knows it.
        if let (Kind::DossierSupplement, Some(procedure), Some(map)) = (kind, procedure, body.as_object_mut()) {
            map.entry("procedure").or_insert_with(|| procedure.into());
        }
        let message = Message { kind, body };
        let faults = call.known.catalogue.validate(kind, &message.body, edition);
        if faults.is_empty() { digests(&message).map(|()| message) } else { Err(invalid(&faults)) }
    }
}

impl Intake {
    /// Why a message of a batch is not taken, at its place of the document.
    pub(super) fn unfit(&self, call: &Call, route: &InRoute, row: usize, why: &Unfit) -> No {
        let faults = match why {
            Unfit::Unread(faults) => faults,
            Unfit::Invalid(faults) => return No::broken(not_valid(faults)),
        };
        match route.map.as_deref().and_then(|name| call.partner.map(name)) {
            Some(map) => not_read(map, faults, (&call.known.catalogue, self.clock.now()), row),
            None => broken_adapter().into(),
        }
    }

    /// Procedure and edition of the form that was read.
    pub(super) fn form_of(
        &self,
        call: &Call,
        body: &crate::body::Value,
        known: (Option<&str>, Option<&str>),
    ) -> Option<(String, String)> {
        let text = |name: &str| body.get(name).and_then(crate::body::Value::as_str);
        let procedure = known.1.or_else(|| text("procedure"))?;
        let day = || Some(Time::parse(text("submitted_at")?)?.civil()?.date());
        let edition = known.0.or_else(|| call.known.catalogue.edition_on(procedure, day()?))?;
        Some((procedure.to_owned(), edition.to_owned()))
    }
}

/// A refusal of what a message says names the places of the sender's own wire, not ours.
pub(super) fn named_by_wire(call: &Call, route: &InRoute, form: Option<&(String, String)>, row: usize, no: No) -> No {
    let Some(map) = route.map.as_deref().and_then(|name| call.partner.map(name)) else { return no };
    by_wire(map, form.map(|(procedure, edition)| (procedure.as_str(), edition.as_str())), row, no)
}

fn by_wire(map: &Mapping, form: Option<(&str, &str)>, row: usize, mut no: No) -> No {
    for fault in &mut no.refusal.faults {
        let Some(place) = map.wire_place(&fault.pointer, form, row) else { continue };
        for text in [&mut fault.text, &mut fault.text_en] {
            if let Some(rest) = text.strip_prefix(&format!("{}: ", fault.pointer)) {
                *text = format!("{place}: {rest}");
            }
        }
        fault.pointer = place;
    }
    no
}

/// A content that is told with a digest must have it.
fn digests(message: &Message) -> Result<(), Refusal> {
    let documents = message.list("documents").iter().enumerate().map(|(n, file)| (format!("/documents/{n}"), file));
    let papers = message.list("papers").iter().enumerate().flat_map(|(n, paper)| {
        let files = paper.get("files").and_then(crate::body::Value::as_array).into_iter().flatten().enumerate();
        files.map(move |(m, file)| (format!("/papers/{n}/files/{m}"), file))
    });
    for (place, file) in documents.chain(papers) {
        let text = |pointer: &str| file.pointer(pointer).and_then(crate::body::Value::as_str);
        let (Some(told), Some(blob)) = (text("/digest"), text("/content/blob")) else { continue };
        if blob.strip_prefix("sha256:") != Some(told) {
            return Err(Refusal::new(
                "file-digest",
                422,
                "Mã băm SHA-256 không khớp với nội dung tệp tin.",
                "The SHA-256 digest is not that of the content.",
            )
            .at(format!("{place}/digest")));
        }
    }
    Ok(())
}

/// The messages of a batch that are not valid by the wire's XSD; `Err`: the document is not, and none can be told from its company.
fn judged(validator: &dyn XsdValidator, map: &Mapping, bytes: &[u8]) -> Result<BTreeMap<usize, Vec<XsdFault>>, No> {
    if map.is_batch() {
        return match validator.rows(bytes, map.envelope(), &map.rows_at()) {
            Judged::Rows(faulty) => Ok(faulty),
            Judged::Whole(faults) => Err(No::broken(not_apart(not_valid(&faults)))),
        };
    }
    let faults = validator.faults(bytes, map.envelope());
    if faults.is_empty() { Ok(BTreeMap::new()) } else { Err(No::broken(not_valid(&faults))) }
}

/// The readings with why they are not to be taken; what the schema says of one comes first.
fn fit(readings: Vec<Result<Reading, Unread>>, mut invalid: BTreeMap<usize, Vec<XsdFault>>) -> Vec<(Reading, Option<Unfit>)> {
    let each = |(row, item): (usize, Result<Reading, Unread>)| {
        let (reading, unread) = match item {
            Ok(reading) => (reading, None),
            Err(Unread { faults, read }) => (read, Some(Unfit::Unread(faults))),
        };
        (reading, invalid.remove(&row).map(Unfit::Invalid).or(unread))
    };
    readings.into_iter().enumerate().map(each).collect()
}

/// Why a batch is refused whole by its schema, and not item by item.
fn not_apart(refusal: Refusal) -> Refusal {
    Refusal {
        text: "Cả lô không hợp lệ theo lược đồ XSD: lỗi nằm ngoài các mục, hoặc các mục chỉ sai khi xét chung với nhau.".into(),
        text_en: "The batch is not valid by the agreed XSD as a whole: the fault stands outside its items, or they break a rule together.".into(),
        ..refusal
    }
}

/// All faults by the wire's XSD.
fn not_valid(faults: &[XsdFault]) -> Refusal {
    let mut refusal = Refusal::new(
        "message-not-valid",
        400,
        "Nội dung gửi đến không hợp lệ theo lược đồ XSD đã thống nhất.",
        "The message is not valid by the agreed XSD.",
    );
    let told = |f: &XsdFault| Fault {
        pointer: f.place.clone(),
        text: format!("{}: {}", f.place, f.rule.vi),
        text_en: format!("{}: {}", f.place, f.rule.en),
    };
    refusal.faults = faults.iter().map(told).collect();
    refusal
}

/// All faults of the wire.
fn unreadable(faults: &[WireFault]) -> Refusal {
    let mut refusal = Refusal::new(
        "message-unreadable",
        400,
        "Không đọc được nội dung gửi đến theo đúng mẫu đã thống nhất.",
        "The message cannot be read in the agreed form.",
    );
    refusal.faults = faults.iter().map(|f| Fault { pointer: pointer(f), text: f.text_vi(), text_en: f.text_en() }).collect();
    refusal
}

/// The wire's own place, or line and column where there is none.
fn pointer(fault: &WireFault) -> String {
    if fault.pointer().is_empty() { format!("{}:{}", fault.place.line, fault.place.column) } else { fault.pointer().to_owned() }
}

/// All faults of the canonical body.
fn invalid(faults: &[SchemaFault]) -> Refusal {
    let mut refusal = Refusal::new(
        "message-invalid",
        422,
        "Nội dung đọc được nhưng có giá trị không hợp lệ.",
        "The message was read but holds invalid values.",
    );
    refusal.faults = faults
        .iter()
        .map(|f| {
            let at = if f.pointer.is_empty() { "/" } else { &f.pointer };
            Fault { pointer: at.to_owned(), text: format!("{at}: {}", f.text_vi), text_en: format!("{at}: {}", f.text_en) }
        })
        .collect();
    refusal
}
