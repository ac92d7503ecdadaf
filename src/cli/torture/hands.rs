//! The load: the portal's backend that hands in dossiers at a steady rate, and the citizens behind them.
//!
//! Always: what is not answered, or put off, is asked again until it is (a portal does what a portal does), under the same code; what was
//! answered is written in the ledger and nowhere else. Nothing here looks at the gateway's own books.

use super::ledger::{Entry, Ledger};
use super::plan::{Course, Part, Place, Plan};
use super::stage::{RETURN_URL, Stage};
use crate::clock::{Clock as _, Wall};
use crate::simulator::{Application, Chance, Failure, Reply, Stored};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Courses under way at the same time; more wait.
const AT_ONCE: usize = 300;

/// The waits between two tries of one call.
const AGAIN: (u64, u64) = (100, 700);

/// The wait between two looks at a partner's book.
const LOOK: Duration = Duration::from_millis(500);

/// What every course works with.
pub(super) struct Hands {
    pub(super) stage: Arc<Stage>,
    pub(super) plan: Arc<Plan>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) clock: Arc<Wall>,
    /// Dossiers a second.
    pub(super) rate: u32,
}

/// Why a course ended before its end: refused for good.
struct Refused;

// === impl Hands ===

impl Hands {
    /// Hands in dossiers until told to stop, then lets the courses under way come to their end.
    pub(super) async fn work(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut tick = tokio::time::interval(Duration::from_secs(1) / self.rate.max(1));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut courses = JoinSet::new();
        for number in 0.. {
            tokio::select! {
                _ = stopped.wait_for(|s| *s) => break,
                _ = tick.tick() => {}
            }
            // The semaphore is never closed.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
            let hands = Arc::clone(&self);
            courses.spawn(async move {
                let part = hands.plan.part(number);
                hands.ledger.open(Entry::new(number, part));
                // A refusal stands in the ledger; the books are compared with it.
                let _ = hands.course(number, part).await;
                hands.ledger.note(number, |e| e.over = true);
                drop(place);
            });
            while courses.try_join_next().is_some() {}
        }
        while courses.join_next().await.is_some() {}
    }

    /// One dossier from the first click to what its citizen does last.
    async fn course(&self, number: u64, part: Part) -> Result<(), Refused> {
        let code = self.code(number, part).await?;
        self.hand_in(number, part, &code).await?;
        match part.course {
            Course::Plain | Course::Refused => Ok(()),
            Course::Fee => self.pay(number, &code).await,
            Course::Supplement => {
                self.at_portal(&code, |d| d.get("status") == Some(&json!(5))).await;
                self.ask(number, || self.stage.hand.supplement(&code)).await?;
                self.ledger.note(number, |e| e.supplemented = true);
                Ok(())
            }
            Course::Withdrawn => {
                self.at_portal(&code, |d| d.get("status") == Some(&json!(2))).await;
                self.withdraw(number, &code).await
            }
            Course::Regretted => self.withdraw(number, &code).await,
            Course::Shuffled => {
                self.push_in_any_order(number, &code).await;
                Ok(())
            }
        }
    }

    /// A code of the gateway's, and the script of what becomes of it at the Ministry.
    async fn code(&self, number: u64, part: Part) -> Result<String, Refused> {
        let code = self.got(number, || self.stage.hand.next_code()).await?;
        self.ledger.note(number, |e| e.code = Some(code.clone()));
        let script = match part.course {
            Course::Plain | Course::Regretted => "normal",
            Course::Fee => "auto",
            Course::Supplement => "supplement",
            Course::Refused => "refuse",
            Course::Withdrawn => "withdraw",
            Course::Shuffled => "silent",
        };
        let _ = self.stage.tell(Place::Ministry, &format!("/_script/{code}/{script}"), &Value::Null).await;
        Ok(code)
    }

    async fn hand_in(&self, number: u64, part: Part, code: &str) -> Result<(), Refused> {
        let hand = &self.stage.hand;
        let application = Application::invent(self.plan.seed, number, part.service, part.edition, self.clock.now().0);
        let stored = if part.files { self.got(number, || hand.upload_all(&application.papers)).await? } else { Vec::new() };
        if part.twin {
            let once = || self.submit(number, code, &application, &stored);
            let (first, second) = tokio::join!(once(), once());
            first.and(second)
        } else {
            self.submit(number, code, &application, &stored).await
        }
    }

    async fn submit(&self, number: u64, code: &str, what: &Application, files: &[Vec<Stored>]) -> Result<(), Refused> {
        let hand = &self.stage.hand;
        self.ask(number, || hand.submit(code, what, files)).await?;
        let receipt = hand.dossier(code).and_then(|d| d.reference);
        self.ledger.note(number, |e| {
            e.acknowledged = true;
            e.receipts.extend(receipt);
        });
        Ok(())
    }

    async fn withdraw(&self, number: u64, code: &str) -> Result<(), Refused> {
        self.ask(number, || self.stage.hand.withdraw(code, "Tôi đã nộp nhầm thủ tục")).await?;
        self.ledger.note(number, |e| e.withdrawn = true);
        Ok(())
    }

    /// The citizen clicks until there is a link, half of them again and again, and pays whatever they are given a link for.
    async fn pay(&self, number: u64, code: &str) -> Result<(), Refused> {
        self.at_portal(code, |d| d.get("fee").is_some_and(Value::is_object)).await;
        let mut links = BTreeSet::from([self.link(number, code).await?]);
        for _ in 0..if number.is_multiple_of(2) { 2 } else { 0 } {
            tokio::time::sleep(LOOK).await;
            links.insert(self.link(number, code).await?);
        }
        for transaction in links {
            while self.stage.tell(Place::Payment, &format!("/_pay/{transaction}"), &json!({})).await.is_none() {
                tokio::time::sleep(LOOK).await;
            }
            self.ledger.note(number, |e| e.paid.extend([transaction]));
        }
        Ok(())
    }

    async fn link(&self, number: u64, code: &str) -> Result<String, Refused> {
        loop {
            let link = self.got(number, || self.stage.hand.pay(code, RETURN_URL)).await?;
            if let (Some(_), Some(transaction)) = (link.url, link.transaction) {
                return Ok(transaction);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The Ministry tells 2, 4, 9 and 10, each at its own time, in any order, each twice at once.
    async fn push_in_any_order(&self, number: u64, code: &str) {
        let path = format!("/_dossier/{code}");
        let at = loop {
            let known = self.stage.shown(Place::Ministry, &path).await;
            if let Some(at) = known.and_then(|d| d.get("status_at_ms").and_then(Value::as_i64)) {
                break at;
            }
            tokio::time::sleep(LOOK).await;
        };
        let mut chance = Chance::new(self.plan.seed ^ number.wrapping_mul(0x5851_F42D));
        let mut row: Vec<(i64, u8)> = (1..).zip([2, 4, 9, 10]).collect();
        let mut pushes = JoinSet::new();
        while !row.is_empty() {
            let one = usize::try_from(chance.below(row.len() as u64)).unwrap_or(0);
            let (place, status) = row.remove(one);
            let mut push = json!({
                "dossier": code, "status": status, "id": format!("{code}-{status}"), "at_ms": at + 1_000 * place, "until_heard": true,
            });
            if let (10, Some(map)) = (status, push.as_object_mut()) {
                let paper = json!([{ "id": format!("kq-{code}"), "name": "ket-qua.pdf", "content": "JVBERi0xLjQK" }]);
                map.extend([("result".to_owned(), true.into()), ("documents".to_owned(), paper)]);
            }
            for _ in 0..2 {
                let (stage, push) = (Arc::clone(&self.stage), push.clone());
                pushes.spawn(async move { while stage.tell(Place::Ministry, "/_push", &push).await.is_none() {} });
            }
            tokio::time::sleep(Duration::from_millis(chance.below(300))).await;
        }
        while pushes.join_next().await.is_some() {}
    }

    /// Waits until the portal has been told something of a dossier.
    async fn at_portal(&self, code: &str, fits: impl Fn(&Value) -> bool) {
        let path = format!("/_dossier/{code}");
        while !self.stage.shown(Place::Portal, &path).await.as_ref().is_some_and(&fits) {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// A call whose answer is only a yes.
    async fn ask<F>(&self, number: u64, call: impl Fn() -> F) -> Result<(), Refused>
    where
        F: Future<Output = Result<Reply, Failure>>,
    {
        let heard = || {
            let asked = call();
            async {
                let reply = asked.await?;
                if reply.ok() { Ok(()) } else { Err(Failure::Answer { status: reply.status, body: reply.body.to_string() }) }
            }
        };
        self.got(number, heard).await
    }

    /// A call, made again until it is answered for good.
    async fn got<T, F>(&self, number: u64, call: impl Fn() -> F) -> Result<T, Refused>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut chance = Chance::new(self.plan.seed.wrapping_add(number));
        loop {
            let answer = call().await;
            let status = match &answer {
                Ok(_) => Some(200),
                Err(Failure::Answer { status, .. }) => Some(*status),
                Err(_) => None,
            };
            self.ledger.called(status, self.clock.since_start());
            match answer {
                Ok(got) => return Ok(got),
                Err(Failure::Answer { status, body }) if !matches!(status, 408 | 429 | 500..=599) => {
                    self.ledger.note(number, |e| e.refused.push(format!("{status} {body}")));
                    return Err(Refused);
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(chance.between(AGAIN))).await,
            }
        }
    }
}
