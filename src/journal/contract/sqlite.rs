//! SQLite under the contract, and what only it has: its lock, its file's version, its row budget, its query plans.

use super::*;
use crate::delivery::Saved;
use rusqlite::{Connection, StatementStatus};
use std::path::PathBuf;

struct Folder {
    dir: tempfile::TempDir,
}

impl Store for Folder {
    fn open(&self) -> Arc<dyn Journal> {
        SqliteJournal::open(self.dir.path(), Options::default()).unwrap()
    }
}

impl Folder {
    fn file(&self) -> PathBuf {
        self.dir.path().join("journal.db")
    }

    fn journal(&self, options: Options) -> Arc<SqliteJournal> {
        SqliteJournal::open(self.dir.path(), options).unwrap()
    }

    fn refused(&self) -> OpenError {
        match SqliteJournal::open(self.dir.path(), Options::default()) {
            Ok(_) => panic!("opened"),
            Err(e) => e,
        }
    }
}

fn folder() -> Folder {
    Folder { dir: tempfile::tempdir().unwrap() }
}

contract! { folder() }

#[tokio::test]
async fn a_second_open_is_refused_with_the_holders_pid() {
    let f = folder();
    let held = f.journal(Options::default());
    let pid = std::process::id().to_string();
    match f.refused() {
        OpenError::Held { pid: told, .. } => assert_eq!(told, pid),
        other => panic!("{other}"),
    }
    held.close().await.unwrap();
    f.journal(Options::default());
}

#[tokio::test]
async fn a_new_journals_keys_have_places_for_ever() {
    let f = folder();
    let j = f.journal(Options::default());
    assert!(!j.plain_keys());
    new(j.as_ref(), submit("D1")).await;
    j.close().await.unwrap();
    assert!(!f.journal(Options::default()).plain_keys());
}

#[test]
fn a_newer_foreign_or_altered_file_is_refused() {
    type Same = fn(&OpenError) -> bool;
    let cases: [(&str, Same); 3] = [
        ("PRAGMA user_version = 99", |e| matches!(e, OpenError::Newer { found: 99, .. })),
        ("PRAGMA application_id = 7", |e| matches!(e, OpenError::Foreign { id: 7, .. })),
        ("UPDATE migration SET digest = 'x'", |e| matches!(e, OpenError::Altered { version: 1 })),
    ];
    for (sql, same) in cases {
        let f = folder();
        drop(f.journal(Options::default()));
        Connection::open(f.file()).unwrap().execute_batch(sql).unwrap();
        let refused = f.refused();
        assert!(same(&refused), "{sql}: {refused}");
    }
    let f = folder();
    Connection::open(f.file()).unwrap().execute_batch("CREATE TABLE other (x)").unwrap();
    assert!(matches!(f.refused(), OpenError::Foreign { id: 0, .. }));
}

#[tokio::test]
async fn a_journal_of_the_first_version_is_brought_to_this_one_with_what_it_holds() {
    let f = folder();
    let first = include_str!("../migrations/0001_first.sql");
    let conn = Connection::open(f.file()).unwrap();
    conn.execute_batch("CREATE TABLE migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL)").unwrap();
    conn.execute_batch(first).unwrap();
    let digest = crate::seal::sha256_hex(first.as_bytes());
    conn.execute("INSERT INTO migration VALUES (1, 'first', ?1)", [digest]).unwrap();
    conn.execute("INSERT INTO matter (at, kind, dossier, data) VALUES (7, 'link-lost', 'D1', '{\"open\":3}')", []).unwrap();
    conn.pragma_update(None, "application_id", schema::APPLICATION).unwrap();
    conn.pragma_update(None, "user_version", 1).unwrap();
    conn.execute("INSERT INTO idempotency VALUES (x'01', 'portal-a/submit', 1)", []).unwrap();
    drop(conn);
    let j = f.journal(Options::default());
    assert!(j.plain_keys(), "what was made into keys without a place must come to the same keys again");
    let kept = j.case(1).await.unwrap().unwrap();
    assert_eq!((kept.view.word.as_str(), kept.view.met, kept.view.met_at, kept.view.version), ("link-lost", 1, Time(7), 1));
    assert_eq!(kept.history.iter().map(|e| e.what.as_str()).collect::<Vec<_>>(), ["opened"]);
}

/// What a gateway of the first version left: one lane waits for its first attempt, one for a time, one is in doubt, one parked.
#[tokio::test]
async fn a_queue_of_the_first_version_goes_on_where_it_stood() {
    let f = folder();
    let conn = Connection::open(f.file()).unwrap();
    let first = include_str!("../migrations/0001_first.sql");
    let digest = crate::seal::sha256_hex(first.as_bytes());
    conn.execute_batch(&format!(
        "{first} CREATE TABLE migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL);
         INSERT INTO migration VALUES (1, 'first', '{digest}');
         PRAGMA application_id = {}; PRAGMA user_version = 1;
         INSERT INTO partner VALUES ('office', 4, NULL, 1234);",
        super::super::schema::APPLICATION
    ))
    .unwrap();
    let due = Time::parse("2026-06-09T10:00:00+07:00").unwrap().0;
    for (n, state, ready, deadline) in
        [(1, 0, Some(T0.0), i64::MAX), (2, 0, Some(at(50).0), due), (3, 2, Some(at(5).0), i64::MAX), (4, 3, None, i64::MAX)]
    {
        let called = (state == 2).then_some(T0.0);
        conn.execute(
            "INSERT INTO delivery (seq, partner, lane, route, class, caller, deadline, id, at, kind, created_at)
             VALUES (?1, 'office', 'D' || ?1, 'submit', 'citizen', 'a', ?2, 'm' || ?1, 0, 'dossier.submit', 0)",
            (n, deadline),
        )
        .unwrap();
        conn.execute("INSERT INTO outgoing VALUES (?1, x'7b7d')", [n]).unwrap();
        conn.execute(
            "INSERT INTO lane (partner, key, class, caller, deadline, ready_at, head, state, called_at, why)
             VALUES ('office', 'D' || ?1, 'citizen', 'a', ?2, ?3, ?1, ?4, ?5, 'cut')",
            (n, deadline, ready, state, called),
        )
        .unwrap();
    }
    drop(conn);
    let j = f.journal(Options::default());
    assert_eq!(j.queues().await.unwrap()[0].waiting, 2);
    // What the first version kept of its pace is no use to this one, and no harm.
    let limits = j.limits("office").await.unwrap().unwrap();
    assert_eq!((limits.as_str(), Saved::parse(&limits)), ("{\"tat\":1234}", Saved::default()));
    let backlog = j.backlog("office").await.unwrap();
    assert_eq!((backlog.waiting.iter().map(|w| w.count).sum::<u64>(), backlog.held), (3, 1));
    assert!(backlog.waiting.iter().any(|w| w.due == Some(Time(due).day())));
    assert_eq!(keys(&claim_all(&*j, at(10)).await), ["D3", "D1"]);
    assert_eq!(keys(&claim_all(&*j, at(50)).await), ["D2"]);
}

#[tokio::test]
async fn the_file_is_as_designed() {
    let f = folder();
    let j = f.journal(Options::default());
    new(&*j, submit("D1")).await;
    let conn = Connection::open(f.file()).unwrap();
    let pragma = |name: &str| conn.pragma_query_value(None, name, |r| r.get::<_, rusqlite::types::Value>(0)).unwrap();
    assert_eq!(pragma("page_size"), 8192.into());
    assert_eq!(pragma("journal_mode"), "wal".to_owned().into());
}

#[tokio::test]
async fn rows_written_stay_within_the_budget() {
    let f = folder();
    let j = f.journal(Options::default());
    new(&*j, submit("warm")).await;
    let rows = || j.written().0;
    let before = rows();
    new(&*j, submit("D1")).await;
    let accepted = rows() - before;
    let claim = claim(&*j, "office", 1, at(0)).await.remove(0);
    let claimed = rows() - before - accepted;
    let mut s = settlement(&claim, Next::Done);
    let of = claim.dossier.clone().unwrap();
    s.effects.events.push(event(&of, "delivered"));
    s.effects.dossier = Some(dossier(&of, 2));
    assert_eq!(j.settle(s).await.unwrap(), Settled::Written);
    let settled = rows() - before - accepted - claimed;
    assert_eq!((accepted, claimed, settled), (8, 2, 5));
}

#[tokio::test]
async fn many_commands_share_a_commit() {
    let f = folder();
    let j = f.journal(Options::default());
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..500 {
        let j = j.clone();
        tasks.spawn(async move { new(&*j, submit(&format!("D{n}"))).await });
    }
    tasks.join_all().await;
    let (_, commits, commands) = j.written();
    assert_eq!(commands, 500);
    assert!(commits < 250, "{commits} commits for 500 commands");
}

#[tokio::test]
async fn a_full_disk_is_told_and_over_when_there_is_room() {
    let f = folder();
    let j = f.journal(Options { max_pages: Some(100), ..Options::default() });
    assert_eq!(j.next_number("H26.15", "today").await.unwrap(), 1);
    let mut taken = 0;
    let error = loop {
        let mut a = submit(&format!("D{taken}"));
        a.message.raw = vec![b'x'; 8_000].into();
        match j.accept(a).await {
            Ok(Accepted::New { .. }) => taken += 1,
            Ok(other) => panic!("{other:?}"),
            Err(e) => break e,
        }
    };
    assert!(matches!(error, JournalError::Full), "{error}");
    assert!(taken > 5);
    // A batch in which some fit and some do not: each is told its own truth, and what fits is kept.
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let j = j.clone();
        tasks.spawn(async move {
            if n % 2 == 0 {
                let mut a = submit(&format!("E{n}"));
                a.message.raw = vec![b'x'; 80_000].into();
                assert!(matches!(j.accept(a).await, Err(JournalError::Full)));
                return None;
            }
            Some(j.next_number("H26.15", "today").await.unwrap())
        });
    }
    let mut given: Vec<u64> = tasks.join_all().await.into_iter().flatten().collect();
    given.sort_unstable();
    assert_eq!(given, (2..=11).collect::<Vec<_>>());
    let of = j.snapshot(&format!("D{taken}")).await.unwrap();
    assert_eq!((of.dossier, of.open.len()), (None, 0), "nothing of what was refused is there");
    j.limit_pages(10_000).await.unwrap();
    new(&*j, submit(&format!("D{taken}"))).await;
    assert_eq!(j.events(0, 10_000, None).await.unwrap().len(), taken + 1);
    assert_eq!(claim_all(&*j, at(0)).await.len(), (taken + 1).min(100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_write_ahead_log_begins_anew_at_its_cap_under_a_steady_load() {
    let f = folder();
    let j = f.journal(Options { wal_pages: 256, ..Options::default() });
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..4 {
        let j = j.clone();
        tasks.spawn(async move {
            for n in 0..75 {
                let mut a = submit(&format!("D{task}-{n}"));
                a.message.raw = vec![b'x'; 80_000].into();
                new(&*j, a).await;
            }
        });
    }
    tasks.join_all().await;
    let log = std::fs::metadata(f.dir.path().join("journal.db-wal")).unwrap().len();
    let file = std::fs::metadata(f.file()).unwrap().len();
    assert!(log < 2 * 256 * 8192, "the log is {log} bytes long");
    assert!(file > 300 * 80_000 - 256 * 8192, "what left the log stands in the file: {file} bytes");
    assert!(j.health().wal_bytes < 2 * 256 * 8192);
}

#[tokio::test]
async fn below_the_disks_reserve_what_was_taken_goes_on_and_in_its_last_quarter_no_call_is_begun() {
    let f = folder();
    let j = f.journal(Options::default());
    let (disk, free) = (j.disk(), j.disk().free().unwrap());
    new(&*j, submit("D0")).await;
    let begun = claim_all(&*j, at(0)).await;
    new(&*j, submit("D1")).await;
    disk.keep(free.saturating_mul(2));
    assert!(matches!(j.accept(submit("D9")).await, Err(JournalError::Full)));
    assert!(matches!(j.next_number("H26.15", "today").await, Err(JournalError::Full)));
    let notice = |mut a: Acceptance| {
        a.message.kind = Kind::PaymentNotice;
        a
    };
    new(&*j, notice(submit("D2"))).await;
    assert_eq!(claim_all(&*j, at(0)).await.len(), 2, "dispatch goes on, and payments are heard");
    disk.keep(free.saturating_mul(16));
    assert_eq!(j.health().room, Room::Last);
    assert!(matches!(j.accept(notice(submit("D9"))).await, Err(JournalError::Full)));
    settle(&*j, &begun[0], Next::Retry { at: at(0) }).await;
    assert_eq!(claim_all(&*j, at(5)).await.len(), 0, "no call that could not be settled");
    disk.keep(1);
    assert_eq!(claim_all(&*j, at(5)).await.len(), 1);
    new(&*j, submit("D9")).await;
}

/// Steps of SQLite's machine for finding the streams of a partner and ten lanes of the first.
fn steps(f: &Folder) -> i32 {
    steps_for(f, 10)
}

/// The same with so many lanes.
fn steps_for(f: &Folder, most: u32) -> i32 {
    let conn = Connection::open(f.file()).unwrap();
    let mut streams = conn.prepare(super::super::claim::STREAM).unwrap();
    let first = streams.query_row(("office", "", "", "", -1), |r| {
        Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?, r.get::<_, String>(2)?, r.get::<_, i64>(3)?))
    });
    let (class, caller, route, step) = first.unwrap();
    assert!(streams.query_row(("office", &class, &caller, &route, step), |_| Ok(())).is_err(), "one stream");
    let mut lanes = conn.prepare(super::super::claim::LANES).unwrap();
    let rows = lanes.query_map(("office", &class, &caller, &route, step, most), |r| r.get::<_, String>(0)).unwrap();
    assert_eq!(rows.map(Result::unwrap).count(), most as usize);
    streams.get_status(StatementStatus::VmStep) + lanes.get_status(StatementStatus::VmStep)
}

/// Submissions, each of its own dossier, from the `n`th on until so many wait.
async fn wait_until(j: &Arc<SqliteJournal>, n: &mut usize, upto: usize) {
    let mut tasks = tokio::task::JoinSet::new();
    for code in (*n..upto).map(|n| format!("D{n}")) {
        let j = j.clone();
        tasks.spawn(async move { new(&*j, submit(&code)).await });
    }
    tasks.join_all().await;
    *n = upto.max(*n);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finding_what_may_be_claimed_costs_the_same_however_much_waits() {
    let f = folder();
    let j = f.journal(Options::default());
    let (mut n, mut cost) = (0, Vec::new());
    for upto in [20, 2_000] {
        wait_until(&j, &mut n, upto).await;
        cost.push(steps(&f));
    }
    assert!(cost[1] <= cost[0] + 20, "{cost:?} steps with 20 and with 2000 waiting");
}

/// Four calls of fifty: as many lanes are looked up as go, and one more, however many wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finding_what_goes_together_costs_what_goes_and_not_what_waits() {
    let f = folder();
    let j = f.journal(Options::default());
    let (mut n, mut cost, mut taken) = (0, Vec::new(), Vec::new());
    for upto in [300, 2_000] {
        wait_until(&j, &mut n, upto).await;
        cost.push(steps_for(&f, 4 * 50 + 1));
        let take = Take { batches: BTreeMap::from([("submit".to_owned(), 50)]), ..take("office", 4, at(0), "set-1") };
        let claims = j.claim(take).await.unwrap().claims;
        let calls: BTreeSet<u32> = claims.iter().map(|c| c.call).collect();
        taken.push((claims.len(), calls.len()));
    }
    assert_eq!(taken, [(200, 4), (200, 4)]);
    assert!(cost[1] <= cost[0] + 20, "{cost:?} steps with 300 and with 2000 waiting");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_behind_a_stuck_lane_cost_other_claims_nothing() {
    let f = folder();
    let j = f.journal(Options::default());
    new(&*j, submit("stuck")).await;
    let claim = claim_all(&*j, at(0)).await.remove(0);
    settle(&*j, &claim, Next::Park { reason: "x".into() }).await;
    for n in 0..20 {
        new(&*j, submit(&format!("D{n}"))).await;
    }
    let before = steps(&f);
    for part in 0..20 {
        let mut a = more("stuck", &format!("part-{part}"));
        a.effects.deliveries = (0..1_000).map(|n| delivery("stuck", &format!("{part}-{n}"))).collect();
        new(&*j, a).await;
    }
    assert_eq!(j.queues().await.unwrap()[0].waiting, 20_020);
    assert_eq!(steps(&f), before);
    // The way of the stuck lane itself is as short: release, claim, settle, next.
    let act = Act::Release { delivery: claim.delivery, verdict: Verdict::SendAgain, reason: "x".into() };
    assert_eq!(j.act(act, "an", at(0)).await.unwrap(), Acted::Written);
    let claims = claim_all(&*j, at(10)).await;
    settle(&*j, claims.iter().find(|c| c.lane == "stuck").unwrap(), Next::Done).await;
    assert_eq!(keys(&claim_all(&*j, at(10)).await), ["stuck"]);
}

#[test]
fn what_runs_often_or_at_start_uses_its_index() {
    let f = folder();
    drop(f.journal(Options::default()));
    let conn = Connection::open(f.file()).unwrap();
    let held = "state > 0 AND state";
    let list = super::super::view::listing;
    for (sql, index) in [
        (list(None, "d.partner = ?3"), "delivery_open"),
        (list(None, "d.dossier = ?3"), "delivery_dossier"),
        (list(Some(DeliveryState::Waiting), "d.partner = ?3"), "delivery_open"),
        (list(Some(DeliveryState::Closed), "d.partner = ?3"), "delivery_failed"),
        (super::super::claim::STREAM.to_owned(), "lane_turn"),
        (super::super::claim::LANES.to_owned(), "lane_turn"),
        (
            "SELECT seq FROM delivery WHERE partner = 'a' AND lane = 'b' AND state = 0 ORDER BY seq LIMIT 1".into(),
            "delivery_lane",
        ),
        ("SELECT created_at FROM delivery WHERE state = 0 AND partner = 'a' ORDER BY seq LIMIT 1".into(), "delivery_open"),
        (format!("UPDATE lane SET state = 2 WHERE {held} = 1"), "lane_held"),
        (super::super::lane::LATER.to_owned(), "delivery_later"),
        (format!("SELECT count(*) FROM lane WHERE {held} = 3 AND partner = 'a'"), "lane_held"),
        ("SELECT seq FROM event WHERE caller = 'a' AND seq > 5 ORDER BY seq LIMIT 9".into(), "event_caller"),
        ("SELECT data FROM payment WHERE expires_at < 5 ORDER BY expires_at LIMIT 9".into(), "payment_open"),
    ] {
        let sql = sql
            .replace("?1", "5")
            .replace("?2", "9")
            .replace("?3", "'a'")
            .replace("?4", "'b'")
            .replace("?5", "0")
            .replace("?6", "9");
        let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let plan: Vec<String> = explain.query_map([], |r| r.get("detail")).unwrap().map(Result::unwrap).collect();
        assert!(plan.iter().any(|l| l.contains(&format!("INDEX {index} "))), "{sql}\n{plan:#?}");
        // What a subquery limited to one row gives is "scanned" too.
        let walks = |l: &String| l.contains("SCAN") && !l.contains("(subquery") || l.contains("TEMP B-TREE");
        assert!(!plan.iter().any(walks), "{sql}\n{plan:#?}");
    }
}

#[tokio::test]
async fn what_the_writer_cannot_take_is_shed_but_no_settlement() {
    let f = folder();
    let j = f.journal(Options { queue: 1, ..Options::default() });
    new(&*j, submit("D0")).await;
    let claim = claim_all(&*j, at(0)).await.remove(0);
    // Somebody holds the file's write lock: the writer waits with one command, one more waits in its queue.
    let held = Connection::open(f.file()).unwrap();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (a, b, c, settled, ()) = tokio::join!(
        j.accept(submit("D1")),
        j.accept(submit("D2")),
        j.accept(submit("D3")),
        j.settle(settlement(&claim, Next::Done)),
        async {
            held.execute_batch("ROLLBACK").unwrap();
        }
    );
    let all = [a, b, c];
    assert!(all.iter().any(|r| matches!(r, Err(JournalError::Busy))));
    assert!(all.iter().any(|r| matches!(r, Ok(Accepted::New { .. }))));
    assert!(matches!(settled, Ok(Settled::Written)));
}

#[test]
fn a_kept_statement_is_prepared_once() {
    let f = folder();
    drop(f.journal(Options::default()));
    let conn = super::super::schema::reader(&f.file()).unwrap();
    let mut due = conn.prepare(super::super::claim::LANES).unwrap();
    for (partner, step) in [("office", 1), ("bank", 0), ("office", 2)] {
        assert_eq!(due.query_map((partner, "citizen", "a", "submit", step, 9), |_| Ok(())).unwrap().count(), 0);
    }
    assert_eq!(due.get_status(StatementStatus::RePrepare), 0);
}

/// A time of day long before the suite's own.
const EARLIER: Time = Time(T0.0 - 86_400_000);

/// Two lanes at the second start of a journal: one whose call was under way, one that waits for its next try.
async fn two_waits(f: &Folder) {
    let j = f.journal(Options::default());
    for code in ["D1", "D2"] {
        new(&*j, submit(code)).await;
    }
    let claims = claim_all(&*j, at(5)).await;
    settle(&*j, &claims[0], Next::Retry { at: at(60) }).await;
    j.close().await.unwrap();
}

#[tokio::test]
async fn a_wall_set_back_between_two_runs_draws_out_no_wait() {
    let f = folder();
    two_waits(&f).await;
    // A day earlier than everything the journal has seen.
    let j = f.journal(Options { now: Some(EARLIER), ..Options::default() });
    let soon = claim_all(&*j, EARLIER.plus_ms(10_000)).await;
    assert_eq!(keys(&soon), ["D2"], "the question about the call that was under way");
    let doubt = soon[0].doubt.clone().unwrap();
    assert_eq!((doubt.called_at, doubt.why.as_str()), (EARLIER, "crash"));
    assert_eq!(keys(&claim_all(&*j, EARLIER.plus_ms(70_000)).await), ["D1"], "the next try, as long after as before");
}

#[tokio::test]
async fn a_doubt_of_an_earlier_run_counts_from_this_runs_start() {
    let f = folder();
    two_waits(&f).await;
    // Whether an hour passed or the wall was set on by one, nobody knows.
    let later = at(3_600);
    let j = f.journal(Options { now: Some(later), ..Options::default() });
    let claims = claim_all(&*j, later).await;
    let doubt = claims.iter().find_map(|c| c.doubt.clone()).unwrap();
    assert_eq!(doubt.called_at, later);
}

#[tokio::test]
async fn a_wall_set_while_running_moves_what_waits_and_its_doubts() {
    for step in [3_600_000, -3_600_000] {
        let f = folder();
        let j = f.journal(Options::default());
        for code in ["D1", "D2", "D3"] {
            new(&*j, submit(code)).await;
        }
        let claims = claim_all(&*j, at(5)).await;
        settle(&*j, &claims[0], Next::Retry { at: at(60) }).await;
        let ask = Next::Ask { at: at(30), called_at: at(5), why: "cut".into(), asked: 0, used: false };
        settle(&*j, &claims[1], ask).await;
        // Behind a head: it may begin a while after it, and not before its time.
        let mut behind = more("D3", "m-behind");
        behind.effects.deliveries[0].not_before = Some(at(90));
        new(&*j, behind).await;
        j.shift(at(10), step).await.unwrap();
        let moved = |t: Time| t.plus_ms(step);
        assert!(claim_all(&*j, moved(at(29))).await.is_empty(), "nothing comes sooner");
        let asked = claim_all(&*j, moved(at(31))).await;
        assert_eq!((keys(&asked), asked[0].doubt.clone().unwrap().called_at), (vec!["D2"], moved(at(5))));
        assert_eq!(keys(&claim_all(&*j, moved(at(61))).await), ["D1"], "nothing comes later");
        settle(&*j, &claims[2], Next::Done).await;
        assert!(claim_all(&*j, moved(at(89))).await.is_empty(), "what waited behind a head comes no sooner either");
        assert_eq!(keys(&claim_all(&*j, moved(at(91))).await), ["D3"], "nor later");
    }
}
