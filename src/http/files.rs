//! `/v1/files`: hand in, fetch. A file is seen by who handed it in, by whom it was addressed to, and by operators; else it is not there.

use super::problem::Problem;
use super::roles::Operation;
use super::v1::Asked;
use super::{Door, retention, upload};
use crate::config::{Caller, Role};
use crate::exchange::Refusal;
use crate::journal::FileRow;
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Response, header};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Read as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Bytes read at once.
const PIECE: usize = 64 << 10;

/// A content on its way out, read on a blocking thread no faster than it is taken.
struct Outgoing {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    left: u64,
}

// === handlers ===

pub(super) async fn add(State(door): State<Arc<Door>>, asked: Asked) -> Result<Json<Value>, Problem> {
    let caller = door.admit(&asked.headers, &asked.extensions, Operation::FileAdd)?.name.clone();
    let rows = upload::take(&door, &caller, asked, door.max_file).await?;
    let shown: Vec<Value> =
        rows.iter().map(|r| json!({ "id": r.id, "digest": r.digest, "size": r.size, "name": r.name })).collect();
    Ok(Json(json!({ "files": shown })))
}

pub(super) async fn fetch(
    State(door): State<Arc<Door>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response<Body>, Problem> {
    let caller = door.admit(&headers, &extensions, Operation::FileGet)?;
    let row = door.journal.file(&id).await?.filter(|row| may_fetch(&caller, row)).ok_or_else(no_file)?;
    let (blobs, digest) = (door.blobs.clone(), row.digest.clone());
    let opened = tokio::task::spawn_blocking(move || blobs.open_blob(&digest)).await.map_err(|_| Problem::overloaded())?;
    let file = opened.map_err(|error| {
        tracing::error!(%error, "a content cannot be read");
        Problem::overloaded()
    })?;
    let Some(file) = file else {
        let left = door.journal.content_gone(&row.digest).await?;
        return Err(retention::file_gone(left.as_ref(), &row.digest));
    };
    let mut response = Response::new(Body::new(Outgoing::of(file, row.size)));
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, row.media.as_deref().unwrap_or("application/octet-stream"));
    set(header::CONTENT_DISPOSITION, &disposition(&row.name));
    set(header::ETAG, &format!("\"{}\"", row.digest));
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::CACHE_CONTROL, "private, no-store");
    Ok(response)
}

fn may_fetch(caller: &Caller, row: &FileRow) -> bool {
    let own = row.caller == caller.name || row.reader.as_deref() == Some(caller.name.as_str());
    own || caller.roles.contains(&Role::Operator)
}

fn no_file() -> Problem {
    Refusal::new(
        "file-unknown",
        404,
        "Không tìm thấy tệp tin với mã này trong phạm vi của đơn vị gọi.",
        "There is no file with this id that this caller may see.",
    )
    .into()
}

/// `attachment` with the name by RFC 6266: every byte outside a small set is written as %XX.
fn disposition(name: &str) -> String {
    let coded: String = name
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() || b"-._".contains(&b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    format!("attachment; filename*=UTF-8''{coded}")
}

// === impl Outgoing ===

impl Outgoing {
    fn of(mut file: File, size: u64) -> Self {
        let (send, pieces) = mpsc::channel(4);
        tokio::task::spawn_blocking(move || {
            loop {
                let mut piece = vec![0; PIECE];
                let piece = file.read(&mut piece).map(|n| {
                    piece.truncate(n);
                    Bytes::from(piece)
                });
                let end = !matches!(&piece, Ok(p) if !p.is_empty());
                if matches!(&piece, Ok(p) if p.is_empty()) || send.blocking_send(piece).is_err() || end {
                    return;
                }
            }
        });
        Self { pieces, left: size }
    }
}

impl hyper::body::Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.pieces.poll_recv(cx).map(|piece| {
            piece.map(|piece| {
                piece.map(|p| {
                    self.left = self.left.saturating_sub(u64::try_from(p.len()).unwrap_or(0));
                    Frame::data(p)
                })
            })
        })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_out_with_every_odd_byte_coded() {
        assert_eq!(disposition("a b\"\r\n.pdf"), "attachment; filename*=UTF-8''a%20b%22%0D%0A.pdf");
        assert_eq!(disposition("đ"), "attachment; filename*=UTF-8''%C4%91");
    }
}
