//! Files come in: multipart, streamed into the blob store part by part, never whole in memory.
//!
//! Answered only when every content, its name and its row are on disk. An id is random and the caller's own; what is refused leaves
//! nothing behind. A part without a file name is not a file and is passed over.

use super::Door;
use super::body::{plain, said_length};
use super::problem::Problem;
use super::v1::Asked;
use crate::exchange::Refusal;
use crate::journal::{BlobError, FileRow, Stage};
use crate::model::Mint;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request};
use bytes::Bytes;
use std::io::Write as _;
use tokio::sync::mpsc;

/// Most files of one request.
const MOST_FILES: usize = 20;
/// Memory one upload holds at most: pieces between socket and disk.
const PIECES: u64 = 1 << 20;

/// A file that has come in and is not kept yet.
struct Came {
    stage: Stage,
    name: String,
    media: Option<String>,
}

/// Takes the files of a request of at most `max` bytes; once this answers they are on disk.
pub(super) async fn take(door: &Door, caller: &str, asked: Asked, max: u64) -> Result<Vec<FileRow>, Problem> {
    plain(&asked.headers)?;
    if said_length(&asked.headers).is_some_and(|n| n > max) {
        super::body::linger(asked.body).await;
        return Err(Problem::too_large(max));
    }
    let _share = door.bodies.share(PIECES)?;
    let mut request = Request::new(asked.body);
    *request.headers_mut() = asked.headers;
    DefaultBodyLimit::max(usize::try_from(max).unwrap_or(usize::MAX)).apply(&mut request);
    let mut parts = Multipart::from_request(request, &()).await.map_err(|_| no_multipart())?;
    let mut came = Vec::new();
    while let Some(part) = timed(door, parts.next_field()).await?.map_err(|e| broken(&e, max))? {
        let Some(name) = part.file_name().map(clean) else { continue };
        if came.len() >= MOST_FILES {
            return Err(too_many());
        }
        let media = part.content_type().filter(|t| t.len() <= 100 && t.is_ascii()).map(str::to_owned);
        let stage = receive(door, part, max).await?;
        came.push(Came { stage, name, media });
    }
    if came.is_empty() {
        return Err(no_file());
    }
    keep(door, caller, came).await
}

/// One part into its stage, piece by piece, on a blocking thread.
async fn receive(door: &Door, mut part: Field<'_>, max: u64) -> Result<Stage, Problem> {
    let (pieces, mut written) = mpsc::channel::<Bytes>(8);
    let (blobs, limit) = (door.blobs.clone(), door.max_file.min(max));
    let writing = tokio::task::spawn_blocking(move || {
        let mut stage = blobs.stage(limit)?;
        while let Some(piece) = written.blocking_recv() {
            stage.write_all(&piece).map_err(BlobError::from)?;
        }
        Ok::<_, BlobError>(stage)
    });
    let mut arrived = Ok(());
    loop {
        match timed(door, part.chunk()).await {
            Ok(Ok(Some(piece))) => {
                if pieces.send(piece).await.is_err() {
                    break;
                }
            }
            Ok(Ok(None)) => break,
            Ok(Err(error)) => arrived = Err(broken(&error, max)),
            Err(problem) => arrived = Err(problem),
        }
        if arrived.is_err() {
            break;
        }
    }
    drop(pieces);
    let stage = writing.await.map_err(|_| Problem::overloaded())?;
    arrived?;
    stage.map_err(|e| unkept(&e))
}

/// Contents first, then their rows.
async fn keep(door: &Door, caller: &str, came: Vec<Came>) -> Result<Vec<FileRow>, Problem> {
    let now = door.clock.now();
    let blobs = tokio::task::spawn_blocking(move || {
        came.into_iter().map(|c| Ok((c.stage.finish()?, c.name, c.media))).collect::<Result<Vec<_>, BlobError>>()
    });
    let blobs = blobs.await.map_err(|_| Problem::overloaded())?.map_err(|e| unkept(&e))?;
    let mint = Mint::new(door.random.as_ref(), now);
    let rows: Vec<FileRow> = blobs
        .into_iter()
        .map(|(blob, name, media)| FileRow {
            id: mint.opaque(),
            caller: caller.to_owned(),
            reader: None,
            dossier: None,
            digest: blob.digest,
            size: blob.size,
            name,
            media,
            at: now,
        })
        .collect();
    door.journal.add_files(rows.clone()).await?;
    Ok(rows)
}

async fn timed<T>(door: &Door, next: impl Future<Output = T>) -> Result<T, Problem> {
    tokio::time::timeout(door.bodies.time(), next).await.map_err(|_| Problem::body_broken())
}

/// A file's own name: no folders, no control characters, at most 200 characters.
fn clean(name: &str) -> String {
    let own = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let own: String = own.chars().filter(|c| !c.is_control()).take(200).collect();
    if own.trim().is_empty() { "tep-tin".to_owned() } else { own }
}

fn broken(error: &MultipartError, max: u64) -> Problem {
    if error.status().as_u16() == 413 { Problem::too_large(max) } else { no_multipart() }
}

fn unkept(error: &BlobError) -> Problem {
    match error {
        BlobError::TooLarge { limit } => Problem::too_large(*limit),
        BlobError::Full => {
            tracing::warn!(%error, "a file cannot be kept");
            Problem::overloaded()
        }
        _ => {
            tracing::error!(%error, "a file cannot be kept");
            Problem::overloaded()
        }
    }
}

fn no_multipart() -> Problem {
    Refusal::new(
        "multipart-broken",
        400,
        "Nội dung gửi lên không phải multipart/form-data hợp lệ.",
        "The body is not valid multipart/form-data.",
    )
    .into()
}

fn no_file() -> Problem {
    Refusal::new("file-missing", 400, "Không có tệp tin nào trong yêu cầu.", "There is no file in the request.").into()
}

fn too_many() -> Problem {
    Refusal::new(
        "files-too-many",
        422,
        format!("Mỗi lần tải lên tối đa {MOST_FILES} tệp tin."),
        format!("At most {MOST_FILES} files are taken at once."),
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_keeps_its_own_name_only() {
        for (told, kept) in [
            ("đơn xin.pdf", "đơn xin.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\a\\b.doc", "b.doc"),
            ("a\r\nb", "ab"),
            ("", "tep-tin"),
            ("x/", "tep-tin"),
        ] {
            assert_eq!(clean(told), kept, "{told:?}");
        }
    }
}
