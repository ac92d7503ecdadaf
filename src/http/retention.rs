//! `/v1/retention` for operators and auditors: the terms, the last run, what is due; and how a body, a content, a page of events that is
//! gone by retention is told everywhere: when, and with which digest.

use super::Door;
use super::problem::Problem;
use super::roles::Operation;
use super::v1::{self, Asked};
use crate::clock::Time;
use crate::exchange::Refusal;
use crate::journal::{Gone, Removed, RetentionClass, RetentionTally, RetentionView};
use axum::Json;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;

/// Why a run is begun.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Why {
    reason: String,
}

// === handlers ===

pub(super) async fn show(
    State(door): State<Arc<Door>>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    door.admit(&headers, &extensions, Operation::RetentionShow)?;
    let view = door.journal.retention(&door.retention, door.clock.now()).await?;
    Ok(Json(shown(&door, &view)))
}

/// How much would go if a run began now.
pub(super) async fn due(
    State(door): State<Arc<Door>>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    door.admit(&headers, &extensions, Operation::RetentionShow)?;
    let now = door.clock.now();
    let would = door.journal.retention_due(&door.blobs, &door.retention, now).await?;
    let view = door.journal.retention(&door.retention, now).await?;
    let mut shown = shown(&door, &view);
    if let Some(map) = shown.as_object_mut() {
        map.insert("would".into(), would.iter().map(tally).collect());
    }
    Ok(Json(shown))
}

/// Begins a run now; the one under way where there is one.
pub(super) async fn run(State(door): State<Arc<Door>>, asked: Asked) -> Result<(StatusCode, Json<Value>), Problem> {
    let who = door.admit(&asked.headers, &asked.extensions, Operation::RetentionRun)?.name.clone();
    let said: Why = v1::body(&door, &asked.headers, asked.body).await?;
    let reason = super::operate::reason(said.reason)?;
    if !door.retention.any() {
        return Err(Refusal::new(
            "retention-none",
            409,
            "Chưa đặt thời hạn lưu giữ nào ([retention] trong gateway.toml), nên không có gì để xóa.",
            "No term is set ([retention] in gateway.toml): there is nothing to remove.",
        )
        .into());
    }
    let run = door.journal.begin_retention(&who, Some(&reason), door.clock.now()).await?;
    tracing::info!(run, %who, "retention was asked for");
    Ok((StatusCode::ACCEPTED, Json(json!({ "run": run, "reason": reason }))))
}

// === what is shown ===

/// How it stands, for `status` too.
pub(super) fn shown(door: &Door, view: &RetentionView) -> Value {
    let days: serde_json::Map<String, Value> =
        RetentionClass::ALL.iter().map(|c| (c.word().to_owned(), json!(door.retention.days(*c)))).collect();
    let due: serde_json::Map<String, Value> = view.due.iter().map(|(c, n)| (c.word().to_owned(), json!(n))).collect();
    let last = view.last.as_ref().map(|run| {
        json!({
            "run": run.run,
            "began": run.began.rfc3339(),
            "who": run.who,
            "ended": run.ended.map(Time::rfc3339),
            "removed": run.removed.iter().map(tally).collect::<Vec<_>>(),
        })
    });
    json!({ "days": days, "last": last, "due_dossiers": due, "unread": view.unread, "events_floor": view.events_floor })
}

fn tally(t: &RetentionTally) -> Value {
    let time = |t: Option<Time>| t.map(Time::rfc3339);
    json!({ "class": t.class, "rows": t.rows, "bytes": t.bytes, "oldest": time(t.oldest), "newest": time(t.newest) })
}

/// What is left of a body or content.
pub(super) fn gone(gone: &Gone) -> Value {
    json!({ "removed_at": gone.at.rfc3339(), "digest": format!("sha256:{}", gone.digest), "size": gone.size })
}

/// What of a dossier was removed; null: nothing.
pub(super) fn removed(removed: &Removed) -> Value {
    if removed.at.is_none() && removed.files_at.is_none() {
        return Value::Null;
    }
    json!({
        "bodies": removed.bodies,
        "received": removed.received,
        "at": removed.at.map(Time::rfc3339),
        "files_at": removed.files_at.map(Time::rfc3339),
    })
}

/// A body that is asked for and gone.
pub(super) fn body_gone(left: &Gone) -> Problem {
    let (day, digest) = (left.at.rfc3339(), &left.digest);
    Problem::from(Refusal::new(
        "body-gone",
        410,
        format!("Nội dung thông điệp này đã được xóa lúc {day} theo thời hạn lưu giữ; SHA-256 của nó là {digest}."),
        format!("The body of this message was removed at {day} by retention; its SHA-256 is {digest}."),
    ))
    .and("gone", gone(left))
}

/// A content that is asked for and gone; nothing is known of one that nobody removed.
pub(super) fn file_gone(left: Option<&Gone>, digest: &str) -> Problem {
    match left {
        Some(left) => {
            let day = left.at.rfc3339();
            Problem::from(Refusal::new(
                "file-gone",
                410,
                format!("Nội dung tệp tin đã được xóa lúc {day} theo thời hạn lưu giữ; SHA-256 của nó là {digest}."),
                format!("The file's content was removed at {day} by retention; its SHA-256 is {digest}."),
            ))
            .and("gone", gone(left))
        }
        None => {
            Refusal::new("file-gone", 410, "Nội dung tệp tin không còn ở đây.", "The file's content is not here any more.").into()
        }
    }
}

/// A page of events that lies before what is paged.
pub(super) fn events_gone(floor: u64) -> Problem {
    Problem::from(Refusal::new(
        "events-gone",
        410,
        format!(
            "Các sự kiện đến số {floor} đã quá thời hạn tra cứu; hãy bắt đầu lại với after={floor} và tra cứu từng hồ sơ về những gì xảy ra trước đó."
        ),
        format!("Events up to {floor} are past their retention; begin again with after={floor}, and look dossiers up for what was before."),
    ))
    .and("begin", floor.into())
}

/// Lines of a statement that are gone; its sums and digest stay.
pub(super) fn lines_gone(at: Time) -> Problem {
    let day = at.rfc3339();
    Refusal::new(
        "statement-lines-gone",
        410,
        format!(
            "Các dòng của lần đối soát này đã được xóa lúc {day} theo thời hạn lưu giữ; các tổng và mã băm của sao kê vẫn còn."
        ),
        format!("The lines of this statement were removed at {day} by retention; its sums and digest stay."),
    )
    .into()
}
