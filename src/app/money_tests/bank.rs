//! An invented payment platform that keeps the truth, with weather between us; and a ministry and a portal that always answer.

use crate::body::{Value, json};
use crate::clock::{Clock as _, Manual, Time};
use crate::dispatch::Shared;
use crate::dispatch::tests::{Dice, Platform, Side, take};
use crate::exchange::{self, Scene};
use crate::journal::{Effects, Snapshot};
use crate::model::{Kind, Message};
use crate::partner::{Call, Reply, SendError, Transport};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// What every fee is.
pub(super) const FEE: u64 = 50_000;

/// How a transaction stands at the platform, in truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Pending,
    Failed,
    Paid(Time),
}

/// What became of a refund that the platform pays out, in truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// Taken, not paid out yet.
    Taken,
    Done,
    Refused,
}

/// A notice on its way to us; what it says of the state need not be true (its seal does not cover it).
#[derive(Clone, Debug)]
struct Notice {
    transaction: String,
    says: &'static str,
    amount: u64,
    sealed: bool,
}

/// The platform's books, and what the others heard.
#[derive(Default)]
pub(super) struct Truth {
    pub(super) transactions: BTreeMap<String, State>,
    /// Known by a look-up, not by a request.
    looked_up: BTreeSet<String>,
    /// What went back: transaction, VND, when.
    refunds: Vec<(String, u64, Time)>,
    /// Refunds handed to the platform: transaction, VND, what became of it.
    pub(super) given_back: BTreeMap<String, (String, u64, Fate)>,
    /// Refunds that a person took back before they were known here.
    pub(super) taken_back: BTreeSet<String>,
    notices: Vec<Notice>,
    late: Vec<(Time, String, Value)>,
    /// Dossier → ids of messages that told the portal "paid".
    pub(super) portal_told: BTreeMap<String, BTreeSet<String>>,
    /// Dossier → ids of messages that told the ministry "paid".
    pub(super) ministry_told: BTreeMap<String, BTreeSet<String>>,
    pub(super) calls: usize,
    pub(super) violations: Vec<String>,
}

/// The other sides.
pub(super) struct Bank {
    clock: Arc<Manual>,
    dice: Arc<Dice>,
    platform: Platform,
    pub(super) truth: Mutex<Truth>,
    pub(super) calm: AtomicBool,
    /// The next call ends in a crash of ours.
    pub(super) crash: AtomicBool,
    hangs: Notify,
    door: Mutex<Option<Arc<Shared>>>,
}

// === impl Bank ===

impl Bank {
    pub(super) fn new(clock: Arc<Manual>, dice: Arc<Dice>, platform: Platform) -> Self {
        let (calm, crash) = (AtomicBool::new(true), AtomicBool::new(false));
        Self { clock, dice, platform, truth: Mutex::default(), calm, crash, hangs: Notify::new(), door: Mutex::default() }
    }

    /// A new sequence: what went before is over, and the weather is fine.
    pub(super) fn forget(&self) {
        *self.truth.lock().unwrap() = Truth::default();
        self.calm.store(true, Ordering::SeqCst);
        self.crash.store(false, Ordering::SeqCst);
    }

    /// A citizen follows a link: pays, or fails to and perhaps tries again later. The platform will tell.
    pub(super) fn pay(&self) -> &'static str {
        let truth = &mut *self.truth.lock().unwrap();
        let n = self.dice.below(truth.transactions.len());
        let pays = self.dice.percent(70);
        let Some((transaction, state)) = truth.transactions.iter_mut().nth(n) else { return "pay nothing" };
        let says = match (*state, pays) {
            (State::Paid(_), _) => return "pay again, refused by the platform",
            (State::Failed, _) if !self.dice.percent(30) => return "look at a failed link",
            (_, true) => {
                *state = State::Paid(Time(self.clock.now().0 / 1000 * 1000));
                "paid"
            }
            (_, false) => {
                *state = State::Failed;
                "failed"
            }
        };
        let notice = Notice { transaction: transaction.clone(), says, amount: FEE, sealed: true };
        // A failure is not always told.
        if says == "paid" || self.dice.percent(50) {
            truth.notices.push(notice);
        }
        if says == "paid" { "pay" } else { "fail to pay" }
    }

    /// The platform gave money back, by our operator's word.
    pub(super) fn gave_back(&self, transaction: &str, amount: u64) {
        self.truth.lock().unwrap().refunds.push((transaction.to_owned(), amount, self.clock.now()));
    }

    /// What became of a refund; an error while its call may still arrive.
    pub(super) fn fate(&self, refund: &str) -> Result<Option<Fate>, ()> {
        let truth = self.truth.lock().unwrap();
        if truth.late.iter().any(|(_, operation, body)| operation == "refund" && body["refund"] == refund) {
            return Err(());
        }
        Ok(truth.given_back.get(refund).map(|(.., fate)| *fate))
    }

    /// Somebody sends a notice that is not true, or not sealed, or of another sum.
    pub(super) fn forge(&self) {
        let truth = &mut *self.truth.lock().unwrap();
        let n = self.dice.below(truth.transactions.len());
        let Some(transaction) = truth.transactions.keys().nth(n).cloned() else { return };
        let says = ["paid", "failed", "pending"][self.dice.below(3)];
        let (amount, sealed) = match self.dice.below(3) {
            // Where notices decide, their seal covers what they say.
            0 => (FEE, self.platform != Platform::Silent),
            1 => (FEE - 1000, true),
            _ => (FEE, false),
        };
        let transaction = if self.dice.percent(20) { "0000000000000STRANGE".to_owned() } else { transaction };
        truth.notices.push(Notice { transaction, says, amount, sealed });
    }

    /// One notice comes to our door, in any order; now and then it stays on its way and comes again. `false`: there is none.
    pub(super) async fn knock(&self) -> bool {
        let Some(shared) = self.door.lock().unwrap().clone() else { return false };
        let notice = {
            let truth = &mut *self.truth.lock().unwrap();
            if truth.notices.is_empty() {
                return false;
            }
            let n = self.dice.below(truth.notices.len());
            let again = !self.calm.load(Ordering::SeqCst) && self.dice.percent(30);
            if again { truth.notices[n].clone() } else { truth.notices.remove(n) }
        };
        self.notify(&shared, &notice).await;
        true
    }

    async fn notify(&self, shared: &Arc<Shared>, notice: &Notice) {
        let transaction = &notice.transaction;
        let journal = shared.journal();
        let payment = journal.payment(transaction).await.unwrap();
        if !notice.sealed {
            let Some(payment) = payment else { return };
            let doubt =
                crate::dispatch::tests::with_scene(shared, "bank", None, |scene| exchange::notice_in_doubt(scene, &payment));
            if let Some(effects) = doubt {
                journal.apply(effects).await.unwrap();
            }
            return;
        }
        let body = json!({ "transaction": transaction, "amount": notice.amount, "state": notice.says });
        let code = payment.as_ref().map(|p| p.dossier.clone()).unwrap_or_default();
        let decides = self.platform == Platform::Silent;
        let decide = |scene: &Scene<'_>, _: &str, m: &mut Message, s: &Snapshot| exchange::noticed(scene, m, s, decides);
        let taken = take(shared, "bank", &code, Kind::PaymentNotice, &body, decide).await;
        if notice.amount == FEE && taken.is_err() {
            self.violation(format!("a sealed notice of the right sum was refused: {transaction} {taken:?}"));
        }
        if notice.amount != FEE && payment.is_some() && taken.is_ok() {
            self.violation(format!("a notice of another sum was taken: {transaction}"));
        }
    }

    /// The platform's branch asks what a dossier owes, and shows it to the citizen under the id it is told.
    pub(super) async fn look_up(&self, code: &str) {
        let Some(shared) = self.door.lock().unwrap().clone() else { return };
        let journal = shared.journal();
        let snapshot = journal.snapshot(code).await.unwrap();
        let service = exchange::Service::of_dossier(&shared.catalogue(), snapshot.dossier.as_ref().unwrap());
        let (answer, effects): (Value, Option<Box<Effects>>) =
            crate::dispatch::tests::with_scene(&shared, "bank", service.as_ref(), |scene| exchange::bill(scene, &snapshot));
        if let Some(effects) = effects
            && !journal.apply(*effects).await.unwrap()
        {
            return;
        }
        if answer["outcome"] == "owed" {
            let transaction = answer["transaction"].as_str().unwrap().to_owned();
            let truth = &mut *self.truth.lock().unwrap();
            if !truth.transactions.contains_key(&transaction) {
                truth.looked_up.insert(transaction.clone());
                truth.transactions.insert(transaction, State::Pending);
            }
        }
    }

    pub(super) fn violation(&self, what: String) {
        self.truth.lock().unwrap().violations.push(what);
    }

    /// Calls that were cut and are processed all the same, some time after.
    pub(super) fn catch_up(&self) {
        let now = self.clock.now();
        let due: Vec<(Time, String, Value)> = {
            let truth = &mut *self.truth.lock().unwrap();
            let (due, left) = truth.late.drain(..).partition(|(at, ..)| *at <= now);
            truth.late = left;
            due
        };
        for (_, operation, body) in due {
            self.process(&operation, &body);
        }
    }

    fn process(&self, operation: &str, body: &Value) -> Value {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let (transaction, code, id) = (text("transaction"), text("code"), text("id"));
        let truth = &mut *self.truth.lock().unwrap();
        match operation {
            "create" => {
                if body["amount"] != FEE {
                    truth.violations.push(format!("another sum was asked for: {body}"));
                }
                if truth.looked_up.contains(&transaction) {
                    // Known from the look-up: one platform gives its link, another refuses the id.
                    return if self.dice.percent(50) {
                        json!({ "ok": true, "url": "https://bank.example/x" })
                    } else {
                        json!({ "ok": false })
                    };
                }
                if truth.transactions.insert(transaction.clone(), State::Pending).is_some() {
                    truth.violations.push(format!("transaction {transaction} was created twice"));
                }
                if self.dice.percent(5) && !self.calm.load(Ordering::SeqCst) {
                    truth.transactions.remove(&transaction);
                    return json!({ "ok": false });
                }
                json!({ "ok": true, "url": format!("https://bank.example/{transaction}") })
            }
            "query" => {
                let slow = !self.calm.load(Ordering::SeqCst) && self.dice.percent(20);
                let state = match truth.transactions.get(&transaction) {
                    None => "missing",
                    Some(State::Paid(_)) if !slow => "paid",
                    Some(State::Failed) if !slow => "failed",
                    Some(_) => "pending",
                };
                json!({ "ok": true, "transaction": transaction, "amount": FEE, "state": state })
            }
            "refund" => {
                let (refund, amount) = (text("refund"), body["amount"].as_u64().unwrap());
                let all: u64 =
                    truth.given_back.values().filter(|g| g.0 == transaction && g.2 != Fate::Refused).map(|g| g.1).sum();
                let paid = matches!(truth.transactions.get(&transaction), Some(State::Paid(_)));
                if truth.given_back.contains_key(&refund) || truth.taken_back.contains(&refund) || !paid || all + amount > FEE {
                    truth
                        .violations
                        .push(format!("refund {refund} of {transaction}: again, taken back, or too much: {all} + {amount}"));
                }
                let fate = [Fate::Done, Fate::Done, Fate::Taken, Fate::Refused][self.dice.below(4)];
                self.give(truth, &refund, (&transaction, amount, fate))
            }
            "refund-query" => {
                let refund = text("refund");
                match truth.given_back.get(&refund).cloned() {
                    None => json!({ "ok": true, "refund": refund, "state": "missing" }),
                    Some((transaction, amount, Fate::Taken)) => {
                        let fate = [Fate::Done, Fate::Taken, Fate::Refused][self.dice.below(3)];
                        self.give(truth, &refund, (&transaction, amount, fate))
                    }
                    Some((.., fate)) => refund_state(&refund, fate),
                }
            }
            "fee" if body["paid"] == true => {
                truth.portal_told.entry(code).or_default().insert(id);
                json!({ "ok": true })
            }
            "paid" => {
                truth.ministry_told.entry(code).or_default().insert(id);
                json!({ "ok": true })
            }
            "inquiry" => {
                let known = truth.ministry_told.values().any(|ids| ids.contains(&text("message")));
                json!({ "ok": true, "known": known })
            }
            _ => json!({ "ok": true }),
        }
    }

    /// A refund that was taken is paid out.
    pub(super) fn pay_out(&self, refund: &str) {
        let truth = &mut *self.truth.lock().unwrap();
        if let Some((transaction, amount, Fate::Taken)) = truth.given_back.get(refund).cloned() {
            self.give(truth, refund, (&transaction, amount, Fate::Done));
        }
    }

    /// A refund's fate, noted and said.
    fn give(&self, truth: &mut Truth, refund: &str, (transaction, amount, fate): (&str, u64, Fate)) -> Value {
        if fate == Fate::Done {
            truth.refunds.push((transaction.to_owned(), amount, self.clock.now()));
        }
        truth.given_back.insert(refund.to_owned(), (transaction.to_owned(), amount, fate));
        refund_state(refund, fate)
    }

    async fn answer(&self, call: Call) -> Result<Reply, SendError> {
        let body: Value = serde_json::from_slice(call.body.whole().unwrap()).unwrap();
        let operation = call.url.rsplit('/').next().unwrap().to_owned();
        self.truth.lock().unwrap().calls += 1;
        self.catch_up();
        let calm = self.calm.load(Ordering::SeqCst);
        let reply = |status: u16, body: &str| {
            Ok(Reply { status, advice: crate::partner::Advice::default(), body: body.to_owned().into() })
        };
        let weather = if calm { 99 } else { self.dice.below(100) };
        match weather {
            0..6 => return Err(SendError::NotSent("not-connected")),
            6..12 => return reply(503, ""),
            12..16 => return Err(SendError::Lost("cut")),
            16..20 => return reply(502, ""),
            // Processed all the same, within the route's quiet time.
            20..26 if operation == "create" || operation == "refund" => {
                let due = self.clock.now().plus_ms(i64::try_from(self.dice.below(100_000)).unwrap());
                self.truth.lock().unwrap().late.push((due, operation, body));
                return Err(SendError::Lost("timeout"));
            }
            _ => {}
        }
        if self.dice.percent(50) && self.crash.swap(false, Ordering::SeqCst) {
            self.hang().await;
        }
        let said = self.process(&operation, &body);
        while !calm && self.dice.percent(30) {
            self.pay();
            self.knock().await;
        }
        if self.crash.swap(false, Ordering::SeqCst) {
            self.hang().await;
        }
        match weather {
            26..32 => Err(SendError::Lost("cut")),
            32..36 => reply(502, ""),
            36..40 => reply(200, "{\"ok\":"),
            _ => reply(200, &said.to_string()),
        }
    }

    async fn hang(&self) {
        self.hangs.notify_one();
        std::future::pending::<()>().await;
    }

    /// The statement of a day, as the platform writes it: what was paid since 23:00 of the day before until 23:00.
    pub(super) fn statement(&self, closes: Time) -> String {
        let truth = self.truth.lock().unwrap();
        let paid = truth.transactions.iter().filter_map(|(id, state)| match state {
            State::Paid(at) => Some((id, FEE, *at, "0")),
            State::Pending | State::Failed => None,
        });
        let back = truth.refunds.iter().map(|(id, amount, at)| (id, *amount, *at, "4"));
        let within = |at: Time| (0..86_400_000).contains(&(at.0 - closes.0 + 86_400_000));
        let rows = paid.chain(back).filter(|(.., at, _)| within(*at));
        let rows: String = rows.map(|(id, amount, at, status)| format!("{id},{amount},{},{status}\n", at.rfc3339())).collect();
        format!("id,amount,at,status\n{rows}")
    }
}

/// How a refund stands, as the platform says it.
fn refund_state(refund: &str, fate: Fate) -> Value {
    let state = match fate {
        Fate::Taken => "sent",
        Fate::Done => "done",
        Fate::Refused => "refused",
    };
    json!({ "ok": true, "refund": refund, "state": state, "reference": "FT-1" })
}

impl Side for Bank {
    fn hangs(&self) -> &Notify {
        &self.hangs
    }

    fn met(&self, door: Option<Arc<Shared>>) {
        *self.door.lock().unwrap() = door;
    }
}

impl Transport for Bank {
    fn send(&self, call: Call) -> Pin<Box<dyn Future<Output = Result<Reply, SendError>> + Send + '_>> {
        Box::pin(self.answer(call))
    }
}
