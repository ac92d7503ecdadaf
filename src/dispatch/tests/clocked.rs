//! The partners' loops themselves, in simulated time: the real dispatcher and journal, an invented office that answers by a script, and a
//! clock that stands still while anybody works and jumps when all wait. Nothing sleeps for real, and nothing depends on how fast the machine is.

use super::super::Dispatcher;
use super::simulated::Simulated;
use super::*;
use crate::clock::Clock;
use crate::delivery::forecast;
use crate::partner::After;
use std::sync::atomic::AtomicU32;

/// What the office does with a call: (operation, how many calls came before it, when) → how long it takes, and the answer.
pub(super) type Script = Box<dyn Fn(&str, usize, Time) -> (u64, Result<Reply, SendError>) + Send + Sync>;

/// A call as the office saw it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) at: Time,
    pub(super) operation: String,
    pub(super) code: String,
    pub(super) body: Value,
}

pub(super) struct Office {
    clock: Arc<Simulated>,
    script: Script,
    seen: Mutex<Vec<Seen>>,
    present: AtomicU32,
    most: AtomicU32,
}

impl Transport for Office {
    fn send(&self, call: Call) -> Pin<Box<dyn Future<Output = Result<Reply, SendError>> + Send + '_>> {
        Box::pin(async move {
            let body: Value = serde_json::from_slice(call.body.whole().unwrap()).unwrap_or_default();
            let operation = call.url.rsplit('/').next().unwrap().to_owned();
            let at = self.clock.now();
            let n = {
                let mut seen = self.seen.lock().unwrap();
                let code = body["code"].as_str().unwrap_or_default().to_owned();
                seen.push(Seen { at, operation: operation.clone(), code, body: body.clone() });
                seen.len() - 1
            };
            let present = self.present.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(present, Ordering::SeqCst);
            let (ms, answer) = (self.script)(&operation, n, at);
            tokio::time::sleep(Duration::from_millis(ms)).await;
            self.present.fetch_sub(1, Ordering::SeqCst);
            answer
        })
    }
}

/// A gateway around one journal, and the office.
pub(super) struct Rig {
    pub(super) clock: Arc<Simulated>,
    pub(super) journal: Arc<SqliteJournal>,
    office: Arc<Office>,
    pub(super) shared: Shared,
    next: u32,
    _dir: tempfile::TempDir,
}

impl Rig {
    pub(super) fn new(base: &str, head: &str, script: Script) -> Self {
        let files = if head.contains("# together") { super::parcels::office("", "") } else { catalogue().0 };
        let text = files.text("adapters/office/partner.toml").unwrap().replace("[transport]", &format!("{head}\n[transport]"));
        let signed_in = "sign-in = \"token\"\npost = \"/submit\"";
        let text = if head.contains("[sign-in.token]") { text.replace("post = \"/submit\"", signed_in) } else { text };
        let asks = "repeat = \"ask\"\nask = \"inquiry\"";
        let text = if head.contains("# never") { text.replacen(asks, "repeat = \"never\"\nask = \"inquiry\"", 1) } else { text };
        Self::of(base, files.with("adapters/office/partner.toml", text), script)
    }

    /// Over these adapters.
    pub(super) fn of(base: &str, files: Files, script: Script) -> Self {
        let catalogue = Arc::new(Catalogue::for_tests(&files));
        let shm = Path::new("/dev/shm");
        let dir = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }.unwrap();
        let clock = Arc::new(Simulated::at(Time::parse(&format!("{base}+07:00")).unwrap()));
        let office = Arc::new(Office {
            clock: clock.clone(),
            script,
            seen: Mutex::default(),
            present: AtomicU32::new(0),
            most: AtomicU32::new(0),
        });
        let journal = SqliteJournal::open(dir.path(), Options::default()).unwrap();
        let shelf = Shelf::open(&dir.path().join("adapters"), catalogue.clone(), &files, Box::new(|_| None)).unwrap();
        let parts = Parts {
            current: Current::new(catalogue),
            shelf: Arc::new(shelf),
            journal: journal.clone(),
            blobs: Arc::new(BlobStore::open(&dir.path().join("files")).unwrap()),
            transport: office.clone(),
            clock: clock.clone(),
            random: Arc::new(Dice(Mutex::new(7))),
            breaker: BreakerPolicy::default(),
        };
        let shared = Shared { parts, tokens: Tokens::default(), board: Board::default() };
        Self { clock, journal, office, shared, next: 1, _dir: dir }
    }

    /// Hands in so many dossiers; answers their codes.
    pub(super) async fn register(&mut self, n: usize, class: &str, caller: &str, due: Option<Time>) -> Vec<String> {
        let mut codes = Vec::new();
        for _ in 0..n {
            let code = format!("H26.15-20251108-{:07}", self.next);
            self.next += 1;
            let at = self.clock.now().rfc3339();
            let body = json!({ "code": code, "procedure": "1.005142", "submitted_at": at, "agency": { "code": "H26.15" },
                "owner": { "name": "Người Thử" }, "papers": [] });
            take(&self.shared, "city", &code, Kind::DossierSubmit, &body, |scene, _, m, s| {
                let mut effects = exchange::submit(scene, m, s)?;
                for delivery in &mut effects.deliveries {
                    (delivery.class, delivery.caller, delivery.deadline) = (class.to_owned(), caller.to_owned(), due);
                }
                Ok(effects)
            })
            .await
            .unwrap();
            codes.push(code);
        }
        codes
    }

    pub(super) fn start(&self) -> Dispatcher {
        Dispatcher::start(self.shared.parts.clone())
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.office.seen.lock().unwrap().clone()
    }

    /// What is unfinished at the office.
    pub(super) async fn left(&self) -> u64 {
        let queues = self.journal.queues().await.unwrap();
        queues.iter().find(|q| q.partner == "office").map_or(0, |q| q.waiting + q.claimed + q.unknown + q.parked)
    }

    /// Until nothing is unfinished, for so long at most.
    pub(super) async fn drained(&self, seconds: u64) -> Time {
        let step = if seconds > 1_000 { 10_000 } else { 100 };
        for _ in 0..seconds * 1_000 / step {
            if self.left().await == 0 {
                return self.clock.now();
            }
            tokio::time::sleep(Duration::from_millis(step)).await;
        }
        panic!("{} are left after {seconds} s: {:?}", self.left().await, self.seen().last());
    }
}

pub(super) fn said(body: &str) -> Result<Reply, SendError> {
    Ok(Reply { status: 200, advice: Advice::default(), body: body.to_owned().into() })
}

pub(super) fn ok() -> Result<Reply, SendError> {
    said(r#"{"ok":true}"#)
}

pub(super) fn most_in_a_second(seen: &[Seen]) -> usize {
    (0..seen.len()).map(|i| seen[i..].iter().take_while(|s| s.at.ms_since(seen[i].at) < 1000).count()).max().unwrap_or(0)
}

pub(super) const NOON: &str = "2026-06-09T12:00:00";

#[tokio::test(start_paused = true)]
async fn a_loop_keeps_its_pace_and_uses_all_of_it() {
    let mut rig = Rig::new(NOON, "[limits]\nout = { rate = \"10/s\", at_once = 4 }", Box::new(|_, _, _| (50, ok())));
    rig.register(120, "citizen", "a", None).await;
    let (dispatcher, start) = (rig.start(), rig.clock.now());
    let end = rig.drained(60).await;
    dispatcher.stop().await;
    let seen = rig.seen();
    assert_eq!((seen.len(), most_in_a_second(&seen)), (120, 10));
    assert!((11_900..12_800).contains(&end.ms_since(start)), "{} ms for 120 at 10 a second", end.ms_since(start));
    assert!(seen[0].at.ms_since(start) >= 100, "the first waits one full spacing");
}

/// Found by `torture`: calls that had waited for one slow sign-in left together, beside those whose turn it was.
#[tokio::test(start_paused = true)]
async fn calls_that_wait_for_a_slow_sign_in_do_not_leave_together() {
    let head = "[credentials]\nclient = { id = \"a\", secret = \"secret:k\" }\n[sign-in.token]\nkind = \"oauth2-client\"\n\
                post = \"/token\"\nwith = \"client\"\ntoken = \"/t\"\n[limits]\nout = { rate = \"20/s\", at_once = 19 }";
    let script = |operation: &str, _: usize, _: Time| match operation {
        // Over again and again: who comes meanwhile waits for the new one.
        "token" => (900, said(r#"{"t":"x","expires_in":2}"#)),
        _ => (5, ok()),
    };
    let mut rig = Rig::new(NOON, head, Box::new(script));
    rig.register(100, "citizen", "a", None).await;
    let dispatcher = rig.start();
    rig.drained(60).await;
    dispatcher.stop().await;
    let seen = rig.seen();
    assert!(seen.iter().filter(|s| s.operation == "token").count() >= 2, "signed in again under way");
    assert!(most_in_a_second(&seen) <= 20, "{} in a second", most_in_a_second(&seen));
}

/// A sign-in is a call at the partner: whatever tokens live and calls take, over any second both together stay at or below the cap.
#[tokio::test(start_paused = true)]
async fn sign_ins_and_calls_together_keep_the_cap_and_all_of_it_is_used() {
    let mut signed_in = 0;
    for (rate, life, takes, refused) in
        [(5, 1, 5, false), (5, 1, 300, true), (10, 1, 40, true), (10, 3, 700, false), (3, 2, 5, false), (1, 1, 5, false)]
    {
        let head = format!(
            "[credentials]\nclient = {{ id = \"a\", secret = \"secret:k\" }}\n[sign-in.token]\nkind = \"oauth2-client\"\n\
             post = \"/token\"\nwith = \"client\"\ntoken = \"/t\"\n[limits]\nout = {{ rate = \"{rate}/s\", at_once = 4 }}"
        );
        let script = move |operation: &str, n: usize, _: Time| match operation {
            "token" => (takes, said(&json!({ "t": format!("x{n}"), "expires_in": life }).to_string())),
            // Now and then a token is refused before its time.
            _ if refused && n % 7 == 3 => (takes, Ok(Reply { status: 401, advice: Advice::default(), body: "{}".into() })),
            _ => (takes, ok()),
        };
        let mut rig = Rig::new(NOON, &head, Box::new(script));
        rig.register(30, "citizen", "a", None).await;
        let (dispatcher, start) = (rig.start(), rig.clock.now());
        tokio::time::sleep(Duration::from_secs(30)).await;
        let (seen, left) = (rig.seen(), rig.left().await);
        dispatcher.stop().await;
        let at_office: Vec<Seen> = seen.into_iter().filter(|s| matches!(s.operation.as_str(), "token" | "submit")).collect();
        let most = most_in_a_second(&at_office);
        assert!(most <= rate, "{rate}/s, tokens of {life} s, {takes} ms: {most} in a second");
        signed_in += at_office.iter().filter(|s| s.operation == "token").count();
        if takes < 10 && left > 0 && !refused {
            let whole = usize::try_from(rig.clock.now().ms_since(start) / 1000).unwrap() * rate;
            assert!(at_office.len() * 10 >= whole * 7, "{rate}/s: {} of {whole} turns are used", at_office.len());
        }
    }
    assert!(signed_in > 40, "{signed_in}: tokens ran out again and again");
}

/// The bound of a stop is whoever waits for it (`app`): what hangs is not waited for longer, and its delivery stays under way, to be asked
/// after at the next start (`tests/process/stop.rs`).
#[tokio::test(start_paused = true)]
async fn a_stop_begins_nothing_more_and_what_hangs_stays_under_way() {
    let mut rig = Rig::new(NOON, "[limits]\nout = { rate = \"10/s\", at_once = 2 }", Box::new(|_, _, _| (3_600_000, ok())));
    rig.register(5, "citizen", "a", None).await;
    let dispatcher = rig.start();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(rig.seen().len(), 2, "two at once, and both hang");
    let (bound, began) = (Duration::from_secs(120), rig.clock.now());
    assert!(tokio::time::timeout(bound, dispatcher.stop()).await.is_err());
    assert_eq!(rig.clock.now().ms_since(began), 120_000, "cut at the bound, not at the call's own end");
    assert_eq!(rig.seen().len(), 2, "nothing more was begun");
    let queue = rig.journal.queues().await.unwrap().into_iter().find(|q| q.partner == "office").unwrap();
    assert_eq!((queue.claimed, queue.waiting, queue.parked), (2, 3, 0));
}

#[tokio::test(start_paused = true)]
async fn no_more_are_called_at_once_than_agreed() {
    let mut rig = Rig::new(NOON, "[limits]\nout = { rate = \"100/s\", at_once = 3 }", Box::new(|_, _, _| (1_000, ok())));
    rig.register(30, "citizen", "a", None).await;
    let (dispatcher, start) = (rig.start(), rig.clock.now());
    let end = rig.drained(60).await;
    dispatcher.stop().await;
    assert_eq!((rig.seen().len(), rig.office.most.load(Ordering::SeqCst)), (30, 3));
    assert!((10_000..10_700).contains(&end.ms_since(start)), "{}", end.ms_since(start));
}

#[tokio::test(start_paused = true)]
async fn an_office_that_is_out_is_probed_by_the_pending_inquiry_and_comes_back_slowly() {
    let back = Time::parse("2026-06-09T12:01:00+07:00").unwrap();
    let script = move |operation: &str, n: usize, now: Time| match operation {
        _ if n > 2 && now < back => (5, Err(SendError::NotSent("not-connected"))),
        "submit" if n == 2 => (5, Err(SendError::Lost("cut"))),
        "inquiry" => (200, said(r#"{"ok":true,"known":true}"#)),
        _ => (200, ok()),
    };
    let mut rig = Rig::new(NOON, "[limits]\nout = { rate = \"20/s\", at_once = 4 }", Box::new(script));
    rig.register(100, "citizen", "a", None).await;
    let dispatcher = rig.start();
    rig.drained(200).await;
    dispatcher.stop().await;
    let seen = rig.seen();
    let doubtful = seen[2].code.clone();
    assert_eq!(seen.iter().filter(|s| s.operation == "submit" && s.code == doubtful).count(), 1, "asked after, not sent again");
    let out: Vec<&Seen> = seen.iter().filter(|s| s.at > seen[2].at && s.at < back).collect();
    assert!(out.len() <= 5 + 4 + 7, "an outage is met with a few probes: {}", out.len());
    assert!(out.iter().skip(9).all(|s| s.operation == "inquiry"), "{out:#?}");
    let after: Vec<&Seen> = seen.iter().filter(|s| s.at >= back).collect();
    assert_eq!(after[0].operation, "inquiry", "the probe that finds it well");
    let at = |n: usize| after[n].at.ms_since(after[0].at);
    assert!(at(1) >= 200 && at(2) >= 400, "one at a time first: {} {}", at(1), at(2));
    let unsent = rig.journal.deliveries(DeliveryFilter { limit: 1000, ..DeliveryFilter::default() }).await.unwrap();
    assert!(unsent.iter().all(|d| d.partner != "office"));
}

#[tokio::test(start_paused = true)]
async fn an_outage_longer_than_any_schedule_uses_up_nobodys_attempts() {
    let back = Time::parse("2026-06-09T14:00:00+07:00").unwrap();
    let script = move |_: &str, _: usize, now: Time| {
        let busy = Ok(Reply { status: 503, advice: Advice::default(), body: "".into() });
        if now < back { (5, busy) } else { (5, ok()) }
    };
    let mut rig = Rig::new(NOON, "[limits]\nout = { rate = \"20/s\", at_once = 4 }", Box::new(script));
    rig.register(20, "citizen", "a", None).await;
    let dispatcher = rig.start();
    rig.drained(9_000).await;
    dispatcher.stop().await;
    let before = rig.seen().iter().filter(|s| s.at < back).count();
    assert!((100..200).contains(&before), "one probe a minute and the first few: {before}");
}

#[tokio::test(start_paused = true)]
async fn the_partners_word_to_wait_holds_for_everything_it_is_sent() {
    let script = |_: &str, n: usize, _: Time| {
        let advice = Advice { after: Some(After::Wait(Duration::from_secs(90))), left: None };
        let few = Advice { after: None, left: Some((2, Duration::from_secs(30))) };
        match n {
            4 => (10, Ok(Reply { status: 429, advice, body: "".into() })),
            9 => (10, Ok(Reply { status: 200, advice: few, body: r#"{"ok":true}"#.into() })),
            _ => (10, ok()),
        }
    };
    let mut rig = Rig::new(NOON, "[limits]\nout = { rate = \"20/s\", at_once = 1 }", Box::new(script));
    rig.register(20, "citizen", "a", None).await;
    let dispatcher = rig.start();
    rig.drained(300).await;
    dispatcher.stop().await;
    let seen = rig.seen();
    let gap = |n: usize| seen[n + 1].at.ms_since(seen[n].at);
    assert!((90_000..91_500).contains(&gap(4)), "Retry-After: {}", gap(4));
    assert!(gap(9) < 1_500 && gap(10) < 1_500, "two more, as it said");
    assert!((28_500..31_000).contains(&gap(11)), "then none until its window begins anew: {}", gap(11));
}

#[tokio::test(start_paused = true)]
async fn a_stop_begins_no_new_call_and_waits_for_those_under_way() {
    let mut rig = Rig::new(NOON, "[limits]\nout = { rate = \"20/s\", at_once = 4 }", Box::new(|_, _, _| (3_000, ok())));
    rig.register(20, "citizen", "a", None).await;
    let dispatcher = rig.start();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (before, stopped) = (rig.seen().len(), rig.clock.now());
    dispatcher.stop().await;
    assert_eq!((before, rig.seen().len()), (4, 4));
    assert!((1_500..3_000).contains(&rig.clock.now().ms_since(stopped)));
    let queue = rig.journal.queues().await.unwrap().into_iter().find(|q| q.partner == "office").unwrap();
    assert_eq!((queue.waiting, queue.claimed, queue.unknown), (16, 0, 0), "what was under way is settled");
}

#[tokio::test(start_paused = true)]
async fn a_loop_with_nothing_due_leaves_the_journal_alone() {
    let mut rig = Rig::new(NOON, "", Box::new(|_, _, _| (10, ok())));
    rig.register(1, "citizen", "a", None).await;
    let dispatcher = rig.start();
    rig.drained(10).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let commands = || rig.journal.written().2;
    let before = commands();
    for n in 0..30 {
        rig.journal.next_number("H26.15", &n.to_string()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    // Three loops look once a minute each.
    assert!(commands() - before <= 30 + 3, "{} commands", commands() - before);
    rig.register(1, "citizen", "a", None).await;
    let came = rig.clock.now();
    rig.drained(10).await;
    assert!(rig.seen()[1].at.ms_since(came) < 300, "what comes in wakes its partner's loop");
    dispatcher.stop().await;
}

/// Stated tolerance: the end within 3 % of the time it takes, and a second; those that miss their date within 3 % of all.
#[tokio::test(start_paused = true)]
async fn a_forecast_comes_true() {
    let head = "maintenance = [\"daily 23:59-24:00\"]\n[limits]\nout = { rate = \"10/s\", at_once = 2 }";
    comes_true("2026-06-09T23:57:50", head, 300).await;
}

/// Three messages a call, and calls that take three times as long: as quick as before.
#[tokio::test(start_paused = true)]
async fn a_forecast_of_calls_that_carry_several_comes_true() {
    let head = "# together\nmaintenance = [\"daily 23:59-24:00\"]\n[limits]\nout = { rate = \"10/s\", at_once = 2 }";
    comes_true("2026-06-09T23:57:50", head, 900).await;
}

async fn comes_true(begin: &str, head: &str, call_ms: u64) {
    let mut rig = Rig::new(begin, head, Box::new(move |_, _, _| (call_ms, ok())));
    let today = Time::parse("2026-06-09T23:59:59+07:00").unwrap();
    let urgent = rig.register(450, "citizen", "a", Some(today)).await;
    rig.register(100, "citizen", "b", Some(today.plus_ms(86_400_000))).await;
    rig.register(80, "bulk", "c", None).await;
    let (dispatcher, _) = (rig.start(), rig.clock.now());
    // Long enough to have measured what a call takes.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let now = rig.clock.now();
    let outlook = dispatcher.board().of("office").unwrap().outlook.unwrap();
    let backlog = rig.journal.backlog("office").await.unwrap();
    let told = forecast(&backlog.waiting, &outlook, None, now);
    let end = rig.drained(600).await;
    dispatcher.stop().await;
    let took = end.ms_since(now);
    let off = (told.drained_at.unwrap().0 - end.0).abs();
    assert!(off <= took * 3 / 100 + 1_000, "foretold {:?}, came {end:?}: {off} ms off in {took}", told.drained_at);
    let lasts = i64::try_from(call_ms).unwrap();
    // A call of several carries them as rows.
    let codes = |s: &Seen| -> Vec<String> {
        let rows = s.body["rows"].as_array().map_or(std::slice::from_ref(&s.body), Vec::as_slice);
        rows.iter().filter_map(|row| row["code"].as_str().map(str::to_owned)).collect()
    };
    let after: Vec<String> = rig.seen().iter().filter(|s| s.at.plus_ms(lasts) > today).flat_map(codes).collect();
    let late = after.iter().filter(|code| urgent.contains(code)).count();
    assert!(late > 100, "the test is about some that are late: {late}");
    assert!(told.late.abs_diff(late as u64) <= 18, "foretold {} late, came {late}", told.late);
    let faster = forecast(&backlog.waiting, &outlook, crate::delivery::Quota::parse("40/s"), now);
    let apart = (faster.drained_at.unwrap().0 - told.drained_at.unwrap().0).abs();
    assert!(apart <= 1_000, "calls at once are the limit here: a higher rate changes nothing, {apart} ms");
}
