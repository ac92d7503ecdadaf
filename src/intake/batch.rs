//! Several messages in one request: each is judged, keyed, taken or refused for itself, and told of in its own row of the answer.
//!
//! What always holds: as many rows as messages, in their order, each with the dossier it is about; a message that is refused, or cannot be
//! read while the others can, takes nothing from its company; the same batch again gets the first receipts. The answer says 200 when any
//! message was taken, else 422. When our own strength ends midway the rest are refused with that reason, and the sender sends the batch
//! again: what was taken is known by its key. Where the route asks for the wire's XSD, an item that breaks it is refused in its row. A document
//! that is not well-formed has no messages to be told apart, and one that breaks its XSD outside its items, or only by their company, no
//! item that could be judged alone: it is refused whole.

use super::read::{No, Unfit, named_by_wire, overloaded, unavailable};
use super::reply::told;
use super::stage::Stages;
use super::take::{Carried, ROUNDS};
use super::{Call, Intake, Reply};
use crate::body::{Value, json};
use crate::catalogue::{InRoute, MOST_OF_A_BATCH};
use crate::exchange::Refusal;
use crate::mapping::Reading;
use crate::model::{DossierCode, Kind};

/// Whether a row says that its message was taken.
fn taken_in(row: &Value) -> bool {
    row.get("outcome").and_then(Value::as_str) != Some("refused")
}

/// The row that refuses a message.
fn refusing(refusal: &Refusal, dossier: Option<String>) -> Value {
    let (note, note_en) = (told(refusal, false), told(refusal, true));
    let mut row = json!({ "outcome": "refused", "reason": refusal.code, "note": note, "note_en": note_en });
    if let (Some(map), Some(code)) = (row.as_object_mut(), dossier) {
        map.insert("dossier", code.into());
    }
    row
}

impl Intake {
    /// Takes the messages of one request, item by item.
    pub(super) async fn batch(
        &self,
        call: &Call,
        route: &InRoute,
        kind: Kind,
        (readings, contents): (Vec<(Reading, Option<Unfit>)>, Option<Stages>),
        known: (Option<&str>, Option<&str>),
    ) -> Result<Reply, No> {
        let most = usize::try_from(MOST_OF_A_BATCH).unwrap_or(usize::MAX);
        if readings.is_empty() || readings.len() > most {
            return Err(Refusal::new(
                "batch-size",
                422,
                format!("Mỗi lần gửi từ 1 đến {most} mục."),
                format!("A batch holds 1 to {most} items."),
            )
            .into());
        }
        let mut carried = Carried { contents, raw: call.body.received() };
        let (mut receipts, mut refused, mut spent) = (Vec::new(), None, None);
        for (row, (reading, unfit)) in readings.into_iter().enumerate() {
            let body = &reading.body;
            let dossier = body.get("code").and_then(Value::as_str).filter(|c| DossierCode::parse(c).is_some()).map(str::to_owned);
            let form = self.form_of(call, body, known);
            let taken = match (spent.take(), unfit) {
                (Some(no), _) => Err(no),
                (None, Some(why)) => Err(self.unfit(call, route, row, &why)),
                (None, None) => {
                    let taken = self.item(call, route, kind, reading, known, &mut carried).await;
                    taken.map_err(|no| named_by_wire(call, route, form.as_ref(), row, no))
                }
            };
            let no = match taken {
                Ok(receipt) => {
                    receipts.push(receipt);
                    continue;
                }
                Err(no) => no,
            };
            // Nothing was taken yet: the whole request is told to come again.
            if no.refusal.status >= 500 && !receipts.iter().any(taken_in) {
                return Err(no);
            }
            receipts.push(refusing(&no.refusal, dossier));
            refused = Some(no.refusal.code);
            spent = (no.refusal.status >= 500).then_some(no);
        }
        let any = receipts.iter().any(taken_in);
        let status = if any { 200 } else { 422 };
        let rows: Vec<&Value> = receipts.iter().collect();
        let reply = self.answer(&call.partner, (route, "accepted"), &rows, status)?;
        Ok(Reply { refused: refused.filter(|_| !any), ..reply })
    }

    /// One message of a batch; what its refusal leaves is written before it is told.
    async fn item(
        &self,
        call: &Call,
        route: &InRoute,
        kind: Kind,
        reading: Reading,
        known: (Option<&str>, Option<&str>),
        carried: &mut Carried,
    ) -> Result<Value, No> {
        let message = self.checked(call, kind, reading, known)?;
        for _ in 0..ROUNDS {
            let mut no = match self.one(call, route, message.clone(), carried).await {
                Ok(taken) => return Ok(taken.receipt),
                Err(no) => no,
            };
            let Some(left) = no.refusal.left.take() else { return Err(no) };
            match self.journal.apply(*left).await {
                Ok(true) => return Err(no),
                // What it was judged from has changed: judged anew.
                Ok(false) => {}
                Err(error) => return Err(unavailable(&error).into()),
            }
        }
        Err(overloaded().into())
    }
}
