//! The data folder's disk is really full: a small file system of its own, in a namespace that needs no root. What finds no room is refused and
//! not acknowledged, reads go on, and once space is freed everything goes on by itself. A quota from outside
//! (RLIMIT_FSIZE, as `ulimit -f` and `LimitFSIZE=` set it) says the same, in the same words but for its remedy; it ends no process.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use super::dossiers::{code, exam};
use super::world::{OPERATOR, Process, Setup, World, until};

/// Of the small disk, what is taken by something else; what is left is for a new journal and some dozens of dossiers.
const DISK_MB: u32 = 16;
const FILLER_MB: u32 = 10;
/// No file of the gateway may be larger, where a quota stands for the disk.
const QUOTA: u32 = 4 << 20;
/// Dossiers handed in at most until it is full.
const MOST: u32 = 900;

/// What makes the data folder full.
enum Ground {
    /// A file system of its own; its namespace lives as long as this process.
    Disk(Process),
    /// A quota on files.
    Quota,
    /// The same, and the log is as large already: it is full for it, too.
    QuotaOnLog,
}

/// Says it on the terminal, past the test's captured output.
fn loudly(text: &str) {
    let _ = writeln!(std::io::stderr(), "tests/process/full.rs: {text}");
}

// === impl Ground ===

impl Ground {
    /// Lays the data folder on a small disk; where this machine forbids it, a quota stands for it, and that is said.
    async fn disk(world: &World) -> Self {
        let data = world.path().join("data");
        fs::create_dir_all(&data).unwrap();
        let data = data.display();
        let script = format!(
            "mount -t tmpfs -o size={DISK_MB}m tmpfs {data} && head -c {FILLER_MB}m /dev/zero > {data}/filler && echo ready && exec sleep 600"
        );
        let mut holder = Process::start(world.path(), "disk", "unshare", &["-rm", "sh", "-c", &script].map(str::to_owned));
        let ready = until(Duration::from_secs(20), "the small disk", async || {
            let said = holder.said();
            let ended = holder.ended(Duration::from_millis(1)).await.is_some();
            if said.contains("ready") { Some(true) } else { ended.then_some(false) }
        })
        .await;
        if ready {
            return Self::Disk(holder);
        }
        loudly(&format!("NO SMALL DISK HERE ({}): only a quota is tried", holder.said().trim()));
        Self::Quota
    }

    /// What runs a program on that disk.
    fn before(&self, world: &World) -> Vec<String> {
        match self {
            Self::Disk(holder) => {
                let (id, at) = (holder.id().to_string(), world.path().display().to_string());
                let enter = ["nsenter", "-t", &id, "-U", "-m", "--preserve-credentials"];
                [&enter[..], &["sh", "-c", "cd \"$0\" && exec \"$@\"", &at]].concat().iter().map(|w| (*w).to_owned()).collect()
            }
            Self::Quota | Self::QuotaOnLog => Vec::new(),
        }
    }

    /// From now on there is little room.
    fn fill(&self, world: &World) {
        if matches!(self, Self::Quota | Self::QuotaOnLog) {
            quota(world, &QUOTA.to_string());
        }
    }

    /// From now on there is room again.
    fn free(&self, world: &World) {
        match self {
            Self::Disk(_) => {
                let words = [self.before(world), ["rm", "data/filler"].map(str::to_owned).to_vec()].concat();
                assert!(Command::new(&words[0]).args(&words[1..]).status().unwrap().success());
            }
            Self::Quota | Self::QuotaOnLog => quota(world, "unlimited"),
        }
    }
}

fn quota(world: &World, bytes: &str) {
    let id = world.gateway.as_ref().unwrap().id().to_string();
    let done = Command::new("prlimit").args(["--pid", &id, &format!("--fsize={bytes}:unlimited")]).status().unwrap();
    assert!(done.success(), "prlimit (util-linux) is needed");
}

async fn hand_in(world: &World, token: &str, number: u32) -> u16 {
    let answer = world.post(&format!("{}/hanoi/ho-so", world.public), Some(token), &exam(number)).await;
    let answer = answer.expect("an answer, whatever it says");
    let text = &answer.text;
    assert!(answer.status == 200 || answer.status == 503 && text.contains("temporary-reduced-capacity"), "{number}: {text}");
    answer.status
}

async fn known(world: &World, number: u32) -> u16 {
    let url = format!("{}/v1/dossiers/{}", world.admin, code(number));
    world.get(&url, Some(OPERATOR)).await.expect("reads go on").status
}

async fn laid() -> World {
    let quiet = "paused = true";
    let moet = "paused = true\nrate = \"200/s\"\nat_once = 20";
    let world = World::without_gateway(Setup { moet, hanoi: quiet, keypay: quiet, ..Setup::default() }).await;
    // Nothing is kept free: the disk itself must say no.
    let path = world.path().join("gateway.toml");
    let text = fs::read_to_string(&path).unwrap().replace("[limits]\n", "[limits]\ndisk_reserve = \"0MB\"\n");
    fs::write(path, text).unwrap();
    world
}

/// The whole way, on that ground.
async fn full_and_roomy_again(mut world: World, ground: Ground) {
    world.start_gateway(&ground.before(&world), &[]).await;
    ground.fill(&world);
    let token = world.token().await;
    let (mut taken, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for number in 1..=MOST {
        if hand_in(&world, &token, number).await == 200 {
            taken.insert(number)
        } else {
            refused.insert(number)
        };
        if refused.len() >= 10 {
            break;
        }
    }
    assert!(taken.len() > 10 && refused.len() >= 10, "{} taken, {} refused: it was never full", taken.len(), refused.len());
    let part = "--ranh-gioi\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.pdf\"\r\n\r\n";
    // More than there is room for, and on the small disk, which says no at its first piece, no more than a socket holds: a client that is
    // still sending does not read the answer.
    let most = if matches!(ground, Ground::Disk(_)) { 300_000 } else { QUOTA as usize + 1_000 };
    let body = format!("{part}{}\r\n--ranh-gioi--\r\n", "x".repeat(most));
    let request = world.http.post(format!("{}/hanoi/tep-tin", world.public)).bearer_auth(&token);
    let upload = request.header("content-type", "multipart/form-data; boundary=ranh-gioi").body(body).send().await.unwrap();
    assert_eq!(upload.status().as_u16(), 503, "{:?}", upload.text().await);
    for number in [taken.first(), taken.last()].into_iter().flatten() {
        assert_eq!(known(&world, *number).await, 200);
    }
    for number in &refused {
        assert_eq!(known(&world, *number).await, 404, "dossier {number} was refused");
    }
    let queues = world.operator("/v1/partners").await;
    let moet = queues["partners"].as_array().unwrap().iter().find(|p| p["partner"] == "moet").unwrap().clone();
    assert_eq!(moet["waiting"], taken.len(), "{moet}");
    // An operator reads the same of both: a full disk, as a warning, and of a quota its remedy.
    let said = world.gateway_said();
    let lines = |word: &str| said.lines().filter(|line| line.contains(word)).count();
    if !matches!(ground, Ground::QuotaOnLog) {
        assert!(lines("the journal's disk is full") > 0 && lines("the file was not kept") > 0, "{said}");
        assert_eq!(lines("LimitFSIZE=") > 0, matches!(ground, Ground::Quota), "{said}");
    }
    assert_eq!(lines("ERROR"), 0, "{said}");

    ground.free(&world);
    for number in refused {
        until(Duration::from_secs(20), "what was refused is taken", async || {
            (hand_in(&world, &token, number).await == 200).then_some(())
        })
        .await;
        taken.insert(number);
    }
    drop(world.kill_gateway());
    world.start_gateway(&ground.before(&world), &[]).await;
    for number in &taken {
        assert_eq!(known(&world, *number).await, 200, "dossier {number} was acknowledged");
    }
    let resume = world.post(&format!("{}/v1/partners/moet/resume", world.admin), Some(OPERATOR), &json!({})).await.unwrap();
    assert_eq!(resume.status, 200, "{}", resume.text);
    until(Duration::from_secs(60), "everything at the Ministry", async || {
        let book = world.shown(&world.ministry, "/_book/summary").await;
        (book["summary"]["processed"] == taken.len() || book["processed"] == taken.len()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_refuses_cleanly_loses_nothing_and_goes_on_when_space_is_freed() {
    let world = laid().await;
    let ground = Ground::disk(&world).await;
    full_and_roomy_again(world, ground).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_is_told_as_a_full_disk_with_its_own_remedy() {
    full_and_roomy_again(laid().await, Ground::Quota).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_that_the_log_has_met_too_ends_nothing_and_loses_nothing() {
    let world = laid().await;
    fs::write(world.path().join("gateway.err"), "\n".repeat(QUOTA as usize)).unwrap();
    full_and_roomy_again(world, Ground::QuotaOnLog).await;
}
