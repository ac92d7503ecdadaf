//! Retention against the real journal and file store: single sentences, and random histories against a model that knows of each dossier
//! only what happened to it, with runs cut at random places.

mod model;

use super::super::contract::{claim, delivery, dossier, ended, event, more, new, payment, settle, submit};
use super::super::*;
use crate::body::{Value, json};
use crate::clock::DAY_MS;
use crate::model::{CaseKind, Dossier, Kind, PaymentState, Status};
use crate::seal::sha256_hex;
use rusqlite::Connection;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

/// A time at which every file of the test's disk is old.
const LATE: Time = Time(4_000_000_000_000);

struct Place {
    dir: tempfile::TempDir,
    journal: Arc<SqliteJournal>,
    blobs: BlobStore,
}

impl Place {
    fn new() -> Self {
        let shm = Path::new("/dev/shm");
        let dir = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }.unwrap();
        let journal = SqliteJournal::open(dir.path(), Options::default()).unwrap();
        let blobs = BlobStore::open(&dir.path().join("files")).unwrap();
        Self { dir, journal, blobs }
    }

    /// As after a kill: what was not committed is lost, and so is whatever stood in memory.
    async fn reopen(&mut self) {
        self.journal.close().await.unwrap();
        self.journal = SqliteJournal::open(self.dir.path(), Options::default()).unwrap();
        self.blobs = BlobStore::open(&self.dir.path().join("files")).unwrap();
    }

    fn sql(&self) -> Connection {
        Connection::open(self.dir.path().join("journal.db")).unwrap()
    }

    fn one<T: rusqlite::types::FromSql>(&self, sql: &str) -> T {
        self.sql().query_row(sql, [], |r| r.get(0)).unwrap()
    }

    fn keep(&self, text: &[u8]) -> String {
        let mut stage = self.blobs.stage(1 << 20).unwrap();
        stage.write_all(text).unwrap();
        stage.finish().unwrap().digest
    }

    fn has(&self, digest: &str) -> bool {
        self.blobs.open_blob(digest).unwrap().is_some()
    }

    /// One piece.
    async fn step(&self, terms: &RetentionTerms, now: Time) -> RetentionStep {
        self.journal.retain(&self.blobs, terms, now).await.unwrap()
    }

    /// A whole run; what it removed.
    async fn run(&self, terms: &RetentionTerms, now: Time) -> Vec<RetentionTally> {
        self.journal.begin_retention("an", Some("a test"), now).await.unwrap();
        let mut steps = 0;
        while self.step(terms, now).await == RetentionStep::More {
            steps += 1;
            assert!(steps < 10_000, "a run comes to its end");
        }
        let last = self.journal.retention(terms, now).await.unwrap().last.unwrap();
        assert!(last.ended.is_some());
        last.removed
    }
}

fn terms(days: &[(&str, u32)]) -> RetentionTerms {
    RetentionTerms::of(|class| days.iter().find(|(c, _)| *c == class).map(|(_, d)| *d))
}

fn days(n: i64) -> Time {
    LATE.plus_ms(n * DAY_MS)
}

/// A refused dossier whose submission names these contents.
fn with_contents(code: &str, when: Time, digests: &[&str]) -> Acceptance {
    let mut a = ended(code, when);
    a.effects.deliveries.clear();
    let files: Vec<_> = digests.iter().map(|d| json!({ "content": { "blob": format!("sha256:{d}"), "size": 1 } })).collect();
    a.message.body = json!({ "code": code, "files": files }).to_string().into_bytes();
    a
}

fn words(removed: &[RetentionTally]) -> Vec<(&str, u64)> {
    removed.iter().map(|t| (t.class.as_str(), t.rows)).collect()
}

/// What others keep a copy of was told from the dossier's own row: it goes with the bodies, and a state seen before cannot bring it back.
#[tokio::test]
async fn with_the_bodies_goes_what_copies_were_told() {
    let p = Place::new();
    let mut refused = ended("D1", LATE);
    refused.effects.deliveries.clear();
    refused.effects.dossier.as_mut().unwrap().copy = Some(json!({ "owner": { "name": "Người Thử" } }));
    new(&*p.journal, refused).await;
    let seen = p.journal.snapshot("D1").await.unwrap().dossier.unwrap();
    p.run(&terms(&[("bodies", 1)]), days(9_000)).await;
    let kept = p.journal.snapshot("D1").await.unwrap().dossier.unwrap();
    assert_eq!(kept, Dossier { copy: None, version: seen.version + 1, ..seen.clone() });
    let late = Effects { dossier: Some(Dossier { version: seen.version + 1, ..seen }), ..Effects::default() };
    assert!(!p.journal.apply(late).await.unwrap(), "stale");
    assert!(!p.one::<String>("SELECT data FROM dossier").contains("Người Thử"));
}

#[tokio::test]
async fn without_a_term_nothing_goes_and_without_an_end_nothing_of_a_dossier() {
    let p = Place::new();
    new(&*p.journal, ended("D1", LATE)).await;
    new(&*p.journal, submit("D2")).await;
    for c in claim(&*p.journal, "office", 9, LATE).await {
        settle(&*p.journal, &c, Next::Done).await;
    }
    assert_eq!(p.run(&terms(&[]), days(9_000)).await, []);
    let removed = p.run(&terms(&[("bodies", 1)]), days(9_000)).await;
    assert_eq!(words(&removed), [("bodies", 1)], "the refused one's; the other is new and stays");
    let gone = p.journal.delivery(1).await.unwrap().unwrap();
    let left = gone.gone.unwrap();
    assert_eq!(gone.body, Value::Null);
    assert_eq!((left.at, left.digest.as_str()), (days(9_000), sha256_hex(&ended("D1", LATE).message.body).as_str()));
    assert_eq!(p.journal.delivery(2).await.unwrap().unwrap().gone, None);
    let told = p.journal.removed("D1").await.unwrap();
    assert_eq!((told.bodies, told.received, told.at), (1, 0, Some(days(9_000))));
    assert_eq!(p.journal.removed("D2").await.unwrap(), Removed::default());
}

#[tokio::test]
async fn a_key_is_known_with_its_receipt_after_its_body_is_gone() {
    let p = Place::new();
    let first = ended("D1", LATE);
    let again = first.clone();
    new(&*p.journal, first).await;
    let claimed = claim(&*p.journal, "office", 1, LATE).await.remove(0);
    settle(&*p.journal, &claimed, Next::Done).await;
    p.run(&terms(&[("bodies", 1), ("received", 1)]), days(30)).await;
    assert_eq!(p.one::<i64>("SELECT count(*) FROM message WHERE body IS NULL AND raw IS NULL"), 1);
    match p.journal.accept(again).await.unwrap() {
        Accepted::Known(known) => assert_eq!((known.message, known.receipt), (1, json!({ "outcome": "accepted" }))),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn whatever_is_open_of_a_dossier_keeps_all_of_it() {
    type Open = fn() -> (Effects, Effects);
    let opens: [(&str, Open); 3] = [
        ("a payment", || {
            let open = payment("T1", "D1", 1);
            let done = crate::model::Payment { state: PaymentState::Expired, version: 2, ..open.clone() };
            (Effects { payments: vec![open], ..Effects::default() }, Effects { payments: vec![done], ..Effects::default() })
        }),
        ("a case", || {
            let case = NewCase { kind: CaseKind::LinkLost, dossier: Some("D1".into()), data: json!({}), at: LATE };
            let step = CaseStep {
                case: 1,
                version: 2,
                what: CaseWord::Closed,
                who: "an".into(),
                at: LATE,
                reason: "done".into(),
                data: json!({}),
            };
            (Effects { cases: vec![case], ..Effects::default() }, Effects { case_steps: vec![step], ..Effects::default() })
        }),
        ("an early status", || {
            let early = Early {
                dossier: "D1".into(),
                message: "e".into(),
                at: LATE,
                kept_at: LATE,
                body: json!({}),
                kind: Kind::StatusChange,
            };
            (Effects { early: vec![early], ..Effects::default() }, Effects { early_done: vec!["e".into()], ..Effects::default() })
        }),
    ];
    for (what, effects) in opens {
        let p = Place::new();
        let mut a = ended("D1", LATE);
        a.effects.deliveries.clear();
        new(&*p.journal, a).await;
        let (open, done) = effects();
        assert!(p.journal.apply(open).await.unwrap());
        let all = terms(&[("bodies", 1), ("received", 1), ("files", 1), ("attempts", 1)]);
        assert_eq!(p.run(&all, days(500)).await, [], "{what}");
        assert!(p.journal.apply(done).await.unwrap());
        assert_eq!(words(&p.run(&all, days(501)).await), [("bodies", 1), ("received", 1)], "{what}");
    }
}

#[tokio::test]
async fn the_pages_of_a_removed_body_are_overwritten_and_used_again() {
    const MARK: &str = "Nguyen Van Khong Con Day 001234567890";
    let mut p = Place::new();
    for n in 0..40 {
        let mut a = ended(&format!("D{n}"), LATE);
        a.effects.deliveries.clear();
        // So long that its end stands on a page of its own. What stands in a row may leave traces in its page's gaps (docs/retention.md).
        let body = format!("{{\"rest\":\"{}\",\"owner\":\"{MARK}\"}}", "x".repeat(30_000));
        a.message.raw = body.clone().into_bytes().into();
        a.message.body = body.into_bytes();
        new(&*p.journal, a).await;
    }
    let held = |p: &Place| {
        let file = std::fs::read(p.dir.path().join("journal.db")).unwrap();
        file.windows(MARK.len()).filter(|w| *w == MARK.as_bytes()).count()
    };
    p.reopen().await;
    assert!(held(&p) >= 80, "the search can find");
    p.run(&terms(&[("bodies", 1), ("received", 1)]), days(2)).await;
    p.reopen().await;
    assert_eq!(held(&p), 0);
    let free: i64 = p.one("SELECT freelist_count FROM pragma_freelist_count");
    assert!(free > 50, "and the pages are there to be used again: {free}");
}

#[tokio::test]
async fn a_content_stays_until_the_last_dossier_that_holds_it_is_due() {
    let p = Place::new();
    let (shared, own) = (p.keep(b"shared"), p.keep(b"own"));
    new(&*p.journal, with_contents("D1", days(0), &[&shared, &own])).await;
    new(&*p.journal, with_contents("D2", days(40), &[&shared])).await;
    let terms = terms(&[("files", 30)]);
    assert_eq!(words(&p.run(&terms, days(29)).await), []);
    let would = p.journal.retention_due(&p.blobs, &terms, days(31)).await.unwrap();
    assert_eq!((words(&would), would[0].bytes), (vec![("files", 1)], 3));
    assert_eq!(words(&p.run(&terms, days(31)).await), [("files", 1)]);
    assert_eq!((p.has(&shared), p.has(&own)), (true, false));
    let left = p.journal.content_gone(&own).await.unwrap().unwrap();
    assert_eq!((left.at, left.size), (days(31), 3));
    assert_eq!(words(&p.run(&terms, days(71)).await), [("files", 1)]);
    assert!(!p.has(&shared));
    assert_eq!(words(&p.run(&terms, days(72)).await), []);
}

#[tokio::test]
async fn a_crash_between_the_decision_and_the_file_leaves_an_orphan_that_the_next_start_removes() {
    let mut p = Place::new();
    let digest = p.keep(b"once");
    new(&*p.journal, with_contents("D1", days(0), &[&digest])).await;
    let terms = terms(&[("files", 1)]);
    p.journal.begin_retention("gateway", None, days(9)).await.unwrap();
    while p.one::<i64>("SELECT count(*) FROM retention_gone") == 0 {
        assert_eq!(p.step(&terms, days(9)).await, RetentionStep::More);
    }
    p.reopen().await;
    assert!(p.has(&digest), "decided, and still there");
    p.step(&RetentionTerms::default(), days(9)).await;
    assert!(!p.has(&digest));
    while p.step(&terms, days(9)).await == RetentionStep::More {}
    assert_eq!(p.one::<i64>("SELECT count(*) FROM audit WHERE what = 'retention'"), 1, "the run went on and has one entry");
}

#[tokio::test]
async fn a_content_that_comes_again_or_is_named_by_what_the_walk_has_not_passed_stays() {
    let p = Place::new();
    let digest = p.keep(b"comes again");
    new(&*p.journal, with_contents("D1", days(0), &[&digest])).await;
    let (terms, now) = (terms(&[("files", 1)]), crate::clock::Clock::now(&crate::clock::Wall::new()));
    p.journal.begin_retention("gateway", None, days(9)).await.unwrap();
    while p.one::<i64>("SELECT phase FROM retention_run") < 5 {
        p.step(&terms, days(9)).await;
    }
    // The walk is over; a message names the content now.
    new(&*p.journal, with_contents("D2", days(9), &[&digest])).await;
    while p.step(&terms, days(9)).await == RetentionStep::More {}
    assert!(p.has(&digest) && p.journal.content_gone(&digest).await.unwrap().is_none());
    // Both are due; decided, and before the file is removed the same content comes again.
    p.journal.begin_retention("gateway", None, days(99)).await.unwrap();
    while p.one::<i64>("SELECT count(*) FROM retention_gone") == 0 {
        assert_eq!(p.step(&terms, days(99)).await, RetentionStep::More);
    }
    assert_eq!(p.keep(b"comes again"), digest);
    p.step(&terms, now).await;
    assert!(p.has(&digest) && p.journal.content_gone(&digest).await.unwrap().is_none(), "it is here again, and said to be");
}

#[tokio::test]
async fn uploads_that_no_dossier_used_go_and_a_message_that_names_a_removed_one_is_stale() {
    let p = Place::new();
    let file = |id: &str, digest: &str, day: i64| FileRow {
        id: id.into(),
        caller: "portal-a".into(),
        reader: None,
        dossier: None,
        digest: digest.into(),
        size: 1,
        name: "don.pdf".into(),
        media: None,
        at: days(day),
    };
    let (old, young, used) = (p.keep(b"old"), p.keep(b"young"), p.keep(b"used"));
    p.journal.add_files(vec![file("a", &old, 0), file("b", &young, 20), file("c", &used, 0)]).await.unwrap();
    let mut open = more("D1", "m-1");
    open.effects.dossier = Some(dossier("D1", 1));
    open.effects.files = vec![FileRow { dossier: Some("D1".into()), ..file("c", &used, 0) }];
    open.message.body = json!({ "content": { "blob": format!("sha256:{used}") } }).to_string().into_bytes();
    new(&*p.journal, open).await;
    let terms = terms(&[("files", 10)]);
    assert_eq!(words(&p.journal.retention_due(&p.blobs, &terms, days(21)).await.unwrap()), [("files", 1)]);
    assert_eq!(words(&p.run(&terms, days(21)).await), [("files", 1)]);
    assert_eq!((p.has(&old), p.has(&young), p.has(&used)), (false, true, true));
    let mut late = more("D1", "m-2");
    late.effects.files = vec![FileRow { dossier: Some("D1".into()), ..file("a", &old, 0) }];
    assert_eq!(p.journal.accept(late.clone()).await.unwrap(), Accepted::Stale);
    // Uploaded again under another id it is here.
    assert_eq!(p.keep(b"old"), old);
    p.journal.add_files(vec![file("d", &old, 21)]).await.unwrap();
    assert!(p.journal.content_gone(&old).await.unwrap().is_none());
    assert!(matches!(p.journal.accept(late).await.unwrap(), Accepted::New { .. }));
}

#[tokio::test]
async fn a_content_that_no_message_names_goes_after_a_week_and_never_one_that_something_names() {
    let mut p = Place::new();
    let wall = crate::clock::Clock::now(&crate::clock::Wall::new());
    let (stray, waiting, late) = (p.keep(b"refused after all"), p.keep(b"waits for its call"), p.keep(b"named behind the walk"));
    let upload = p.keep(b"uploaded");
    let mut open = more("D1", "m-1");
    open.effects.dossier = Some(dossier("D1", 1));
    open.message.body = json!({ "content": { "blob": format!("sha256:{waiting}") } }).to_string().into_bytes();
    new(&*p.journal, open).await;
    let file = FileRow {
        id: "u".into(),
        caller: "portal-a".into(),
        reader: None,
        dossier: Some("D1".into()),
        digest: upload.clone(),
        size: 8,
        name: "don.pdf".into(),
        media: None,
        at: LATE,
    };
    p.journal.add_files(vec![file]).await.unwrap();
    let (none, files) = (terms(&[("bodies", 9_999)]), terms(&[("files", 9_999)]));
    assert_eq!(p.run(&none, days(30)).await, [], "no term says that files go");
    assert_eq!(p.run(&files, wall.plus_ms(6 * DAY_MS)).await, [], "they are young");
    let would = p.journal.retention_due(&p.blobs, &files, days(30)).await.unwrap();
    assert_eq!((words(&would), would[0].bytes), (vec![("files", 2)], 38), "whom nobody names");
    // Between the walk and the sweep a message names one of them; a crash cuts the run right behind the decision.
    p.journal.begin_retention("gateway", None, days(30)).await.unwrap();
    while p.one::<i64>("SELECT phase FROM retention_run WHERE ended IS NULL") < 7 {
        p.step(&files, days(30)).await;
    }
    new(&*p.journal, with_contents("D2", days(30), &[&late])).await;
    while p.one::<i64>("SELECT count(*) FROM retention_gone") == 0 {
        assert_eq!(p.step(&files, days(30)).await, RetentionStep::More);
    }
    p.reopen().await;
    assert!(p.has(&stray), "decided, and still there");
    while p.step(&files, days(30)).await == RetentionStep::More {}
    let here = [&stray, &waiting, &late, &upload].map(|digest| p.has(digest));
    assert_eq!(here, [false, true, true, true]);
    let last = p.journal.retention(&files, days(30)).await.unwrap().last.unwrap();
    assert_eq!(words(&last.removed), [("files", 1)]);
    assert_eq!(p.run(&files, days(31)).await, []);
    // It comes again, with a message that is taken this time.
    assert_eq!(p.keep(b"refused after all"), stray);
    new(&*p.journal, with_contents("D3", days(31), &[&stray])).await;
    assert_eq!(p.run(&files, days(32)).await, []);
    assert!(p.has(&stray) && p.journal.content_gone(&stray).await.unwrap().is_none());
}

#[tokio::test]
async fn what_goes_out_about_a_dossier_after_it_was_dealt_with_is_dealt_with_too() {
    let p = Place::new();
    let mut a = ended("D1", days(0));
    a.effects.deliveries.clear();
    new(&*p.journal, a).await;
    let terms = terms(&[("bodies", 10), ("attempts", 10)]);
    assert_eq!(words(&p.run(&terms, days(20)).await), [("bodies", 1)]);
    // An operator's act, without a message.
    let told = NewDelivery { body: Some(json!({ "told": "later" })), at: days(21), ..delivery("D1", "m-late") };
    assert!(p.journal.apply(Effects { deliveries: vec![told], ..Effects::default() }).await.unwrap());
    assert_eq!(words(&p.run(&terms, days(90)).await), [], "it is not delivered yet");
    let c = claim(&*p.journal, "office", 1, days(90)).await.remove(0);
    assert_eq!(c.body, br#"{"told":"later"}"#);
    let retry = Settlement { at: days(90), ..super::super::contract::settlement(&c, Next::Retry { at: days(90) }) };
    assert_eq!(p.journal.settle(retry).await.unwrap(), Settled::Written);
    let c = claim(&*p.journal, "office", 1, days(90)).await.remove(0);
    let done = Settlement { at: days(90), ..super::super::contract::settlement(&c, Next::Done) };
    assert_eq!(p.journal.settle(done).await.unwrap(), Settled::Written);
    assert_eq!(words(&p.run(&terms, days(99)).await), [], "nine days after its end");
    assert_eq!(words(&p.run(&terms, days(101)).await), [("attempts", 1), ("bodies", 1)]);
    assert_eq!(p.journal.delivery(c.delivery).await.unwrap().unwrap().attempts.len(), 1, "the try that ended it stays");
}

#[tokio::test]
async fn what_was_told_of_a_paid_fee_stays_for_reconciliation() {
    let p = Place::new();
    let mut a = ended("D1", days(0));
    let body = json!({ "code": "D1", "amount": 5, "transaction": "T1", "at": "x" });
    a.effects.deliveries =
        vec![NewDelivery { kind: Kind::FeePaid, body: Some(body.clone()), at: days(0), ..delivery("D1", "f") }];
    new(&*p.journal, a).await;
    let c = claim(&*p.journal, "office", 1, days(0)).await.remove(0);
    settle(&*p.journal, &c, Next::Done).await;
    let before = p.journal.told_not_paid(days(-1), days(1), 9).await.unwrap();
    assert_eq!(before.len(), 1);
    assert_eq!(words(&p.run(&terms(&[("bodies", 1)]), days(9)).await), [("bodies", 1)], "the submission's own");
    assert_eq!(p.journal.told_not_paid(days(-1), days(1), 9).await.unwrap(), before);
    assert_eq!(p.journal.delivery(c.delivery).await.unwrap().unwrap().body, body);
}

#[tokio::test]
async fn events_are_paged_from_the_floor_and_stay_in_their_timelines() {
    let p = Place::new();
    for n in 0..5 {
        new(&*p.journal, ended(&format!("D{n}"), days(n * 10))).await;
    }
    let terms = terms(&[("events", 15)]);
    assert_eq!(p.journal.events_floor().await.unwrap(), 0);
    let would = p.journal.retention_due(&p.blobs, &terms, days(40)).await.unwrap();
    assert_eq!(words(&would), [("events", 3)]);
    let removed = p.run(&terms, days(40)).await;
    assert_eq!((words(&removed), removed[0].oldest, removed[0].newest), (vec![("events", 3)], Some(days(0)), Some(days(20))));
    assert_eq!(p.journal.events_floor().await.unwrap(), 3);
    assert_eq!(p.journal.timeline("D0").await.unwrap().len(), 1);
    assert_eq!(words(&p.run(&terms, days(40)).await), []);
}

#[tokio::test]
async fn the_lines_of_a_statement_go_when_its_day_is_settled_on_both_sides() {
    let line = |transaction: &str| StatementLine {
        class: crate::model::Class::Matched,
        way: crate::model::Way::Payment,
        transaction: transaction.to_owned(),
        dossier: None,
        theirs: Some(5),
        ours: Some(5),
        movement: None,
        more: LineFacts::default(),
    };
    let p = Place::new();
    let put = async |day: &str, differs: bool| {
        let told = NewStatement {
            partner: "bank".into(),
            day: day.into(),
            digest: "ab".into(),
            at: LATE,
            who: "an".into(),
            data: json!({ "lines": 2 }),
        };
        let data = json!({ "partner": "bank", "day": day, "transaction": "T9" });
        let case = NewCase { kind: CaseKind::StatementMissingOurs, dossier: None, data, at: LATE };
        let cases = if differs { vec![case] } else { Vec::new() };
        let effects = Effects { cases, ..Effects::default() };
        p.journal.keep_statement(told, vec![line("T1"), line("T2")], effects).await.unwrap().unwrap()
    };
    let first = put("2026-06-01", false).await;
    let second = put("2026-06-02", false).await;
    let terms = terms(&[("statements", 30)]);
    assert_eq!(words(&p.run(&terms, days(0)).await), [("statements", 2)], "the second one's next day is not reconciled");
    assert!(p.journal.statement(first).await.unwrap().unwrap().lines_gone.is_some());
    assert_eq!(p.journal.statement_lines(first, None, 0, 9).await.unwrap(), []);
    let third = put("2026-06-03", true).await;
    assert_eq!(words(&p.run(&terms, days(0)).await), [], "a case of the day after is open");
    let step =
        CaseStep { case: 1, version: 2, what: CaseWord::Closed, who: "an".into(), at: LATE, reason: "x".into(), data: json!({}) };
    assert!(p.journal.apply(Effects { case_steps: vec![step], ..Effects::default() }).await.unwrap());
    assert_eq!(words(&p.run(&terms, days(0)).await), [("statements", 2)]);
    assert!(p.journal.statement(second).await.unwrap().unwrap().lines_gone.is_some());
    let kept = p.journal.statement(third).await.unwrap().unwrap();
    assert_eq!((kept.lines_gone, kept.told.data), (None, json!({ "lines": 2 })));
    for (day, settled) in [
        ("2026-05-30", None),
        ("2026-05-31", Some("2026-06-01")),
        ("2026-06-02", Some("2026-06-02")),
        ("2026-06-03", Some("2026-06-02")),
        ("2026-06-04", None),
    ] {
        assert_eq!(p.journal.settled("bank", day).await.unwrap().as_deref(), settled, "{day}");
        assert_eq!(p.journal.settled("other", day).await.unwrap(), None);
    }
}
