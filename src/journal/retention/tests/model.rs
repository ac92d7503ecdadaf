//! Random histories of dossiers, and retention at random times, cut at random places, against a model that knows of each dossier only what
//! happened to it. After every run: what was due is gone with its digest and nothing else; what is open can be delivered, byte for byte;
//! audit, timeline and money are as they were; and the same run again removes nothing.

use super::*;
use std::collections::{BTreeMap, BTreeSet};

/// Histories, and steps of each.
const HISTORIES: u64 = 12;
const STEPS: usize = 120;
const CLASSES: [&str; 4] = ["bodies", "received", "attempts", "files"];

/// A die: the same seed, the same history.
struct Die(u64);

impl Die {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % n as u64).unwrap()
    }
}

/// A message: body, received bytes, and the content as which they stand in the store, where they do.
type Message = (Vec<u8>, Vec<u8>, Option<usize>);

/// A dossier as the model knows it.
#[derive(Default)]
struct Known {
    version: u64,
    ended: bool,
    last: i64,
    /// Its messages by number.
    messages: BTreeMap<u64, Message>,
    /// Its deliveries: number → body, and the tries in `attempt`.
    deliveries: BTreeMap<u64, (Vec<u8>, u64)>,
    open: BTreeSet<u64>,
    case: Option<u64>,
    contents: BTreeSet<usize>,
    /// Its contents were due, and nothing came about it since: it holds none of them for another one.
    dealt: bool,
    /// What was removed: class → the messages, deliveries it was removed of.
    gone: BTreeSet<(&'static str, u64)>,
}

struct History {
    place: Place,
    die: Die,
    day: i64,
    dossiers: BTreeMap<String, Known>,
    contents: Vec<String>,
    content_gone: BTreeSet<usize>,
    cases: u64,
}

impl Known {
    fn due(&self, cutoff: i64) -> bool {
        self.ended && self.open.is_empty() && self.case.is_none() && self.last < cutoff
    }
}

impl History {
    fn new(seed: u64) -> Self {
        let place = Place::new();
        let contents = (0..24).map(|n| place.keep(format!("content {n}").as_bytes())).collect();
        Self { place, die: Die(seed), day: 0, dossiers: BTreeMap::new(), contents, content_gone: BTreeSet::new(), cases: 0 }
    }

    fn now(&self) -> Time {
        days(self.day)
    }

    /// A dossier of those there are, or a new one.
    fn some(&mut self) -> (String, bool) {
        let n = self.die.below(8);
        let code = format!("D{n}");
        let fresh = !self.dossiers.contains_key(&code);
        (code, fresh)
    }

    async fn message(&mut self) {
        let (code, fresh) = self.some();
        let id = format!("m-{}-{}", self.day, self.die.below(1 << 30));
        let ends = self.die.below(3) == 0;
        let content = self.die.below(self.contents.len() + 12);
        let own_body = self.die.below(2) == 0;
        let now = self.now();
        let known = self.dossiers.entry(code.clone()).or_default();
        known.version += 1;
        known.ended |= ends;
        known.last = now.0;
        known.dealt = false;
        let mut a = more(&code, &id);
        let mut body = serde_json::json!({ "message": id });
        if let Some(digest) = self.contents.get(content) {
            // What was removed comes again with the message.
            if self.content_gone.remove(&content) {
                assert_eq!(self.place.keep(format!("content {content}").as_bytes()), *digest);
            }
            body["content"] = serde_json::json!({ "blob": format!("sha256:{digest}"), "size": 9 });
            known.contents.insert(content);
        }
        a.message.body = body.to_string().into_bytes();
        let raw = self.die.below(self.contents.len() * 3);
        let mut kept = (a.message.body.clone(), format!("<raw>{id}</raw>").into_bytes(), None);
        a.message.raw = kept.1.clone().into();
        if raw < self.contents.len() {
            // A large one stands in the store, and may be what another came as, or a content too.
            self.content_gone.remove(&raw);
            kept.1 = format!("content {raw}").into_bytes();
            let digest = self.place.keep(&kept.1);
            a.message.raw = Raw::Stored(Blob { digest, size: kept.1.len() as u64 });
            kept.2 = Some(raw);
        }
        a.message.received_at = now;
        let status = if known.ended { Status::Returned } else { Status::New };
        a.effects.dossier = Some(Dossier { status, ..dossier(&code, known.version) });
        a.effects.events = vec![NewEvent { at: now, ..event(&code, if fresh { "accepted" } else { "note" }) }];
        let told = json!({ "told": id });
        let sent = if own_body { told.to_string().into_bytes() } else { a.message.body.clone() };
        a.effects.deliveries = vec![NewDelivery { at: now, body: own_body.then_some(told), ..delivery(&code, &id) }];
        let number = new(&*self.place.journal, a).await;
        let delivery = self.place.one::<i64>("SELECT max(seq) FROM delivery");
        let known = self.dossiers.get_mut(&code).unwrap();
        known.messages.insert(number, kept);
        let delivery = u64::try_from(delivery).unwrap();
        known.deliveries.insert(delivery, (sent, 0));
        known.open.insert(delivery);
    }

    /// What is due is sent: its body must be what was kept.
    async fn dispatch(&mut self) {
        let now = self.now();
        let n = u32::try_from(1 + self.die.below(4)).unwrap();
        for c in claim(&*self.place.journal, "office", n, now).await {
            let next = match self.die.below(6) {
                0 => Next::Retry { at: now.plus_ms(DAY_MS) },
                1 => Next::Park { reason: "content".into() },
                2 => Next::Ask { at: now.plus_ms(DAY_MS), called_at: now, why: "cut".into(), asked: 0, used: true },
                3 => Next::Reject { reason: "content".into() },
                _ => Next::Done,
            };
            let ends = matches!(next, Next::Done | Next::Reject { .. });
            let known = self.dossiers.get_mut(&c.lane).unwrap();
            assert_eq!(c.body, known.deliveries[&c.delivery].0, "what is sent is what was kept");
            let s = Settlement { at: now, ..super::super::super::contract::settlement(&c, next) };
            assert_eq!(self.place.journal.settle(s).await.unwrap(), Settled::Written);
            if ends {
                known.open.remove(&c.delivery);
                known.last = known.last.max(now.0);
            } else {
                known.deliveries.get_mut(&c.delivery).unwrap().1 += 1;
            }
        }
    }

    /// An operator ends or releases what is held.
    async fn operate(&mut self) {
        let now = self.now();
        let held = DeliveryFilter { state: Some(DeliveryState::Parked), limit: 9, ..DeliveryFilter::default() };
        let Some(view) = self.place.journal.deliveries(held).await.unwrap().into_iter().next() else { return };
        let known = self.dossiers.get_mut(&view.lane).unwrap();
        let act = if self.die.below(2) == 0 {
            known.open.remove(&view.delivery);
            Act::Close { delivery: view.delivery, reason: "by letter".into() }
        } else {
            Act::Release { delivery: view.delivery, verdict: Verdict::SendAgain, reason: "again".into() }
        };
        known.last = now.0;
        assert_eq!(self.place.journal.act(act, "an", now).await.unwrap(), Acted::Written);
    }

    async fn case(&mut self) {
        let now = self.now();
        let (code, fresh) = self.some();
        if fresh {
            return;
        }
        let known = self.dossiers.get_mut(&code).unwrap();
        let effects = match known.case.take() {
            None => {
                self.cases += 1;
                known.case = Some(self.cases);
                let case = NewCase { kind: CaseKind::LinkLost, dossier: Some(code), data: json!({ "nth": self.cases }), at: now };
                Effects { cases: vec![case], ..Effects::default() }
            }
            Some(case) => {
                known.last = now.0;
                let (what, who, reason) = (CaseWord::Closed, "an".to_owned(), "done".to_owned());
                let step = CaseStep { case, version: 2, what, who, at: now, reason, data: json!({}) };
                Effects { case_steps: vec![step], ..Effects::default() }
            }
        };
        assert!(self.place.journal.apply(effects).await.unwrap());
    }

    /// What must never change: how many rows there are of it, and what they say.
    fn untouched(&self) -> Vec<String> {
        [
            "SELECT group_concat(seq || who || what || about || data) FROM (SELECT * FROM audit WHERE what <> 'retention' ORDER BY seq)",
            "SELECT group_concat(seq || dossier || at || kind || data) FROM (SELECT * FROM event ORDER BY seq)",
            "SELECT group_concat(hex(key) || scope || message) FROM (SELECT * FROM idempotency ORDER BY key)",
            "SELECT group_concat(seq || id || receipt || hex(fingerprint)) FROM (SELECT * FROM message ORDER BY seq)",
            "SELECT group_concat(seq || id || state || coalesce(reason, '')) FROM (SELECT * FROM delivery ORDER BY seq)",
            "SELECT group_concat(seq || kind || data || coalesce(closed_at, 0)) FROM (SELECT * FROM matter ORDER BY seq)",
            "SELECT group_concat(code || version || data) FROM (SELECT * FROM dossier ORDER BY code)",
            "SELECT group_concat(partner || key || head || state || coalesce(step, 9)) FROM (SELECT * FROM lane ORDER BY key)",
        ]
        .map(|sql| self.place.one::<Option<String>>(sql).unwrap_or_default())
        .to_vec()
    }

    async fn retention(&mut self) {
        let mut words: Vec<(&'static str, u32)> = Vec::new();
        for class in CLASSES {
            if self.die.below(4) > 0 {
                words.push((class, [1, 3, 10, 40][self.die.below(4)]));
            }
        }
        let (terms, now) = (terms(&words), self.now());
        let before = self.untouched();
        let audited = |p: &Place| p.one::<i64>("SELECT count(*) FROM audit WHERE what = 'retention'");
        let runs = audited(&self.place);
        self.place.journal.begin_retention("gateway", None, now).await.unwrap();
        // Cut at random places.
        for _ in 0..self.die.below(3) {
            for _ in 0..self.die.below(20) {
                self.place.step(&terms, now).await;
            }
            self.place.reopen().await;
        }
        while self.place.step(&terms, now).await == RetentionStep::More {}
        self.expect(&words, now);
        self.check().await;
        assert_eq!(self.untouched(), before);
        assert_eq!(audited(&self.place), runs + 1, "one entry a run, whatever cut it");
        let last = self.place.journal.retention(&terms, now).await.unwrap().last.unwrap();
        assert!(last.ended.is_some() && last.began == now);
        assert_eq!(self.place.run(&terms, now).await, [], "the same again removes nothing");
        self.check().await;
    }

    /// What the model says is gone after a run by these terms.
    fn expect(&mut self, words: &[(&'static str, u32)], now: Time) {
        for (class, n) in words {
            let cutoff = now.plus_ms(-i64::from(*n) * DAY_MS).0;
            if *class == "files" {
                self.dossiers.values_mut().filter(|k| k.due(cutoff)).for_each(|k| k.dealt = true);
                // One that no message has named yet is a stray.
                (0..self.contents.len()).for_each(|content| self.forget(content));
                continue;
            }
            let before = self.came_as();
            for known in self.dossiers.values_mut().filter(|k| k.due(cutoff)) {
                if *class != "attempts" {
                    known.gone.extend(known.messages.keys().map(|n| (*class, *n)));
                }
                if *class == "bodies" {
                    known.gone.extend(known.deliveries.keys().map(|n| ("outgoing", *n)));
                }
                if *class == "attempts" {
                    known.deliveries.values_mut().for_each(|d| d.1 = 0);
                }
            }
            let after = self.came_as();
            before.difference(&after).for_each(|content| self.forget(*content));
        }
    }

    /// The contents as which messages came whose received bytes are not gone.
    fn came_as(&self) -> BTreeSet<usize> {
        let kept = self.dossiers.values().flat_map(|k| k.messages.iter().filter(|(n, _)| !k.gone.contains(&("received", **n))));
        kept.filter_map(|(_, (_, _, raw))| *raw).collect()
    }

    /// A content goes, unless a dossier whose files were not dealt with holds it, or a message came as it.
    fn forget(&mut self, content: usize) {
        let held = self.dossiers.values().any(|k| k.contents.contains(&content) && !k.dealt);
        if held || self.came_as().contains(&content) {
            return;
        }
        self.content_gone.insert(content);
        for known in self.dossiers.values_mut() {
            known.contents.remove(&content);
        }
    }

    /// The journal is as the model says.
    async fn check(&self) {
        let sql = self.place.sql();
        for (code, known) in &self.dossiers {
            for (n, (body, raw, stored)) in &known.messages {
                let own = if stored.is_none() { raw.clone() } else { Vec::new() };
                for (class, column, whole, here) in [("bodies", "body", body, body), ("received", "raw", raw, &own)] {
                    let read =
                        format!("SELECT {column}, {column}_gone, {column}_digest, {column}_size FROM message WHERE seq = ?1");
                    type Row = (Option<Vec<u8>>, Option<i64>, Option<String>, Option<i64>);
                    let row: Row = sql
                        .query_row(&read, [i64::try_from(*n).unwrap()], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))
                        .unwrap();
                    if known.gone.contains(&(class, *n)) {
                        let left = (row.0, row.1.is_some(), row.2, row.3);
                        assert_eq!(
                            left,
                            (None, true, Some(sha256_hex(whole)), Some(i64::try_from(whole.len()).unwrap())),
                            "{code} {class} of {n}"
                        );
                    } else {
                        assert_eq!(row, (Some(here.clone()), None, None, None), "{code} {class} of {n}");
                    }
                }
            }
            for (n, (body, tries)) in &known.deliveries {
                let detail = self.place.journal.delivery(*n).await.unwrap().unwrap();
                let gone = known.gone.contains(&("outgoing", *n));
                let told = detail.gone.map(|g| (g.digest, g.size));
                assert_eq!(told, gone.then(|| (sha256_hex(body), body.len() as u64)), "{code} {n}");
                if !gone {
                    assert_eq!(detail.body, serde_json::from_slice::<Value>(body).unwrap());
                }
                assert!(!(gone && known.open.contains(n)), "nothing open is gone");
                let count = format!("SELECT count(*) FROM attempt WHERE delivery = {n}");
                assert_eq!(u64::try_from(self.place.one::<i64>(&count)).unwrap(), *tries, "{code} {n}");
            }
        }
        for (n, digest) in self.contents.iter().enumerate() {
            let held = self.dossiers.values().any(|k| k.contents.contains(&n));
            assert_eq!(self.place.has(digest), !self.content_gone.contains(&n), "content {n}");
            assert!(!held || self.place.has(digest));
        }
    }
}

#[tokio::test]
async fn whatever_happens_what_is_open_is_kept_and_what_goes_is_what_was_due() {
    let mut removed = BTreeMap::<String, i64>::new();
    for seed in 0..HISTORIES {
        let mut history = History::new(seed);
        for _ in 0..STEPS {
            match history.die.below(12) {
                0..=3 => history.message().await,
                4..=6 => history.dispatch().await,
                7 => history.operate().await,
                8 => history.case().await,
                9 | 10 => history.day += i64::try_from(history.die.below(30)).unwrap(),
                _ => history.retention().await,
            }
        }
        history.check().await;
        let sql = history.place.sql();
        let mut read = sql.prepare("SELECT class, sum(rows) FROM retention_tally GROUP BY class").unwrap();
        for row in read.query_map([], |r| Ok((r.get::<_, String>(0)?, r.get::<_, i64>(1)?))).unwrap() {
            let (class, n) = row.unwrap();
            *removed.entry(class).or_default() += n;
        }
    }
    // The test has seen something of each class.
    for class in CLASSES {
        assert!(removed.get(class).is_some_and(|n| *n >= 3), "{removed:?}");
    }
}
