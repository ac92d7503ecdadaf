//! A 2xx means it is on disk, seen from outside: the gateway runs under `strace -f`, and the order of its calls to the system is read.
//!
//! Always: the same check that passes on the sound program fails when one sync is left out, each in its turn (`serve --fault`, which only
//! test builds have). A machine without strace fails this test: not shown is not held.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::dossiers::exam;
use super::world::{Answer, Setup, World, sent, until};

/// One finished call to the system, in the order of their ends.
#[derive(Debug, PartialEq, Eq)]
struct Call {
    name: String,
    /// The file or socket of the first argument (`strace -y`), or the whole arguments when there is none.
    on: String,
    arguments: String,
    /// It did not fail.
    good: bool,
    /// The place of its beginning and of its end in the trace.
    begun: usize,
    ended: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submission_is_answered_only_after_the_journals_log_is_synced() {
    submission_on_disk(&trace(&[], submission).await).unwrap();
    let why = submission_on_disk(&trace(&["--fault", "skip-wal-sync"], submission).await).unwrap_err();
    assert!(why.contains("journal's log"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_is_answered_only_after_file_folder_and_journal_are_synced() {
    upload_on_disk(&trace(&[], upload).await).unwrap();
    for (fault, sync) in [("skip-file-sync", "the file"), ("skip-dir-sync", "its folder"), ("skip-wal-sync", "journal's log")] {
        let why = upload_on_disk(&trace(&["--fault", fault], upload).await).unwrap_err();
        assert!(why.contains(sync), "{fault}: {why}");
    }
}

// ---- what is traced

/// Runs the gateway under strace, makes one request, and returns the calls from the request's arrival to the first byte of its answer.
async fn trace(fault: &[&str], request: impl AsyncFn(&World, &str) -> Answer) -> Vec<Call> {
    assert!(
        std::process::Command::new("strace").arg("--version").output().is_ok_and(|o| o.status.success()),
        "strace is not here: ./scripts/test installs it"
    );
    if !cfg!(feature = "test-faults") {
        panic!("run with --features test-faults, as ./scripts/test does");
    }
    // Paused partners: nothing but the request writes.
    let quiet = "paused = true";
    let mut world = World::without_gateway(Setup { moet: quiet, hanoi: quiet, keypay: quiet, ..Setup::default() }).await;
    let file = world.path().join("trace");
    let calls =
        "trace=read,recvfrom,recvmsg,write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync,?rename,?renameat,renameat2";
    let strace = ["strace", "-f", "-yy", "-s", "64", "-e", calls, "-e", "signal=none", "-o"].map(str::to_owned);
    let before = [&strace[..], &[file.display().to_string()]].concat();
    world.start_gateway(&before, fault).await;
    let token = world.token().await;
    let answer = request(&world, &token).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let all = until(Duration::from_secs(10), "the answer in the trace", async || {
        let text = String::from_utf8_lossy(&fs::read(&file).ok()?).into_owned();
        let all = calls_of(&text);
        let from =
            all.iter().position(|c| c.arguments.contains("POST /hanoi/ho-so") || c.arguments.contains("POST /hanoi/tep-tin"))?;
        let arrived = all[from].ended;
        let answered = all.iter().filter(|c| is_answer(c) && c.begun > arrived).map(|c| c.begun).min()?;
        Some(all.into_iter().filter(|c| c.begun > arrived && c.ended < answered).collect::<Vec<_>>())
    })
    .await;
    assert!(!all.is_empty(), "nothing was written between request and answer");
    all
}

async fn submission(world: &World, token: &str) -> Answer {
    world.post(&format!("{}/hanoi/ho-so", world.public), Some(token), &exam(1)).await.expect("an answer")
}

async fn upload(world: &World, token: &str) -> Answer {
    let body = "--ranh-gioi\r\nContent-Disposition: form-data; name=\"files\"; filename=\"hoc-ba.pdf\"\r\n\
                Content-Type: application/pdf\r\n\r\n%PDF-1.4 thu nghiem\r\n--ranh-gioi--\r\n";
    let request = world.http.post(format!("{}/hanoi/tep-tin", world.public)).bearer_auth(token);
    let request = request.header("content-type", "multipart/form-data; boundary=ranh-gioi").body(body);
    sent(request).await.expect("an answer")
}

// ---- what must hold

/// The journal's log was written, and a sync of it began after its last write and returned before the answer.
fn journal_synced(calls: &[Call]) -> Result<(), String> {
    let log = |c: &&Call| c.on.ends_with("-wal") && c.good;
    let last =
        calls.iter().filter(log).filter(|c| is_write(c)).map(|c| c.ended).max().ok_or("the journal's log was not written")?;
    let synced = calls.iter().filter(log).any(|c| is_sync(c) && c.begun > last);
    if synced { Ok(()) } else { Err("the journal's log was not synced after its last write".to_owned()) }
}

fn submission_on_disk(calls: &[Call]) -> Result<(), String> {
    journal_synced(calls)
}

fn upload_on_disk(calls: &[Call]) -> Result<(), String> {
    let staged = |c: &&Call| Path::new(&c.on).parent().is_some_and(|p| p.ends_with("tmp")) && c.good;
    let last = calls.iter().filter(staged).filter(|c| is_write(c)).max_by_key(|c| c.ended).ok_or("no file was written")?;
    // The name may be given relative to the working folder; `tmp/7` is enough to know it.
    let staged = last.on.rsplit('/').take(2).collect::<Vec<_>>();
    let staged = format!("{}/{}\"", staged[1], staged[0]);
    let renamed = calls
        .iter()
        .filter(|c| c.name.starts_with("rename") && c.good && c.arguments.contains(&staged))
        .max_by_key(|c| c.ended)
        .ok_or("the file got no name")?;
    let file = calls.iter().any(|c| c.on == last.on && is_sync(c) && c.good && c.begun > last.ended && c.ended < renamed.begun);
    if !file {
        return Err("the file was not synced between its last write and its naming".to_owned());
    }
    let name = renamed.arguments.rsplit('"').nth(1).ok_or("the rename has no target")?;
    let folder = Path::new(name).parent().and_then(Path::to_str).ok_or("the name has no folder")?;
    let folder = calls.iter().any(|c| c.on.ends_with(folder) && is_sync(c) && c.good && c.begun > renamed.ended);
    if !folder {
        return Err("its folder was not synced after the naming".to_owned());
    }
    journal_synced(calls)
}

fn is_write(call: &Call) -> bool {
    matches!(call.name.as_str(), "write" | "writev" | "pwrite64" | "pwritev")
}

fn is_sync(call: &Call) -> bool {
    matches!(call.name.as_str(), "fsync" | "fdatasync")
}

fn is_answer(call: &Call) -> bool {
    matches!(call.name.as_str(), "write" | "writev" | "sendto" | "sendmsg")
        && call.on.starts_with("TCP")
        && call.arguments.contains("HTTP/1.1 2")
}

// ---- reading the trace

/// Lines of `strace -f -o`: `pid name(arguments) = result`, or the two halves `… <unfinished ...>` and `<... name resumed>…`.
fn calls_of(text: &str) -> Vec<Call> {
    let mut all = Vec::new();
    let mut halves: std::collections::BTreeMap<&str, (String, usize)> = std::collections::BTreeMap::new();
    for (place, line) in text.lines().enumerate() {
        let Some((pid, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        if let Some(first) = rest.strip_suffix("<unfinished ...>") {
            halves.insert(pid, (first.to_owned(), place));
        } else if let Some(resumed) = rest.strip_prefix("<... ") {
            let Some((_, second)) = resumed.split_once("resumed>") else { continue };
            let Some((first, begun)) = halves.remove(pid) else { continue };
            all.extend(call(&format!("{first}{second}"), begun, place));
        } else {
            all.extend(call(rest, place, place));
        }
    }
    all
}

fn call(text: &str, begun: usize, ended: usize) -> Option<Call> {
    let (name, rest) = text.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    // A file descriptor with what stands behind it: `12</folder/journal-wal>`.
    let digits = arguments.trim_start_matches(|c: char| c.is_ascii_digit());
    let named = if digits.len() < arguments.len() { digits.strip_prefix('<') } else { None };
    let on = named.and_then(|n| n.split_once('>')).map_or("", |(on, _)| on);
    // `<TCP:[127.0.0.1:1->127.0.0.1:2]>` holds a `>` of its own; what it begins with is enough.
    let good = !result.trim_start().starts_with('-') && !result.trim_start().starts_with('?');
    Some(Call { name: name.to_owned(), on: on.to_owned(), arguments: arguments.to_owned(), good, begun, ended })
}

#[test]
fn a_trace_is_read_with_calls_that_overlap() {
    let text = "10 pwrite64(7</d/journal-wal>, \"x\", 1, 0) = 1\n11 fdatasync(7</d/journal-wal> <unfinished ...>\n\
                12 write(9<TCP:[127.0.0.1:1->127.0.0.1:2]>, \"HTTP/1.1 200 OK\"..., 20) = 20\n11 <... fdatasync resumed>) = 0\n\
                10 rename(\"/d/tmp/1\", \"/d/ab/abc\") = 0\n10 fsync(8</d/ab>) = -1 EIO (Input/output error)\n";
    let all = calls_of(text);
    let seen: Vec<(&str, &str, bool, usize, usize)> =
        all.iter().map(|c| (c.name.as_str(), c.on.as_str(), c.good, c.begun, c.ended)).collect();
    assert_eq!(
        seen,
        [
            ("pwrite64", "/d/journal-wal", true, 0, 0),
            ("write", "TCP:[127.0.0.1:1-", true, 2, 2),
            ("fdatasync", "/d/journal-wal", true, 1, 3),
            ("rename", "", true, 4, 4),
            ("fsync", "/d/ab", false, 5, 5),
        ]
    );
    assert!(is_answer(&all[1]));
    // Here the answer left before the sync had returned: what came before it has no sync.
    let before: Vec<Call> = all.into_iter().filter(|c| c.ended < 2).collect();
    assert!(journal_synced(&before).is_err());
}
