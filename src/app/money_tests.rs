//! Money in any weather: random interleavings of clicks, look-ups, notices (true, false, unsealed, repeated, late), lost and cut calls,
//! crashes, inquiries, expiry, withdrawals, refunds and reconciliations, against the real journal and dispatcher in simulated time, and an
//! invented platform that keeps the truth: one that can be asked, one that also pays refunds out, one that cannot be asked at all.
//!
//! What must hold after every step: no unpaid fee is shown or told as paid, nothing is booked that was not paid, nothing is given back
//! beyond what was paid. And when everything has come to rest: no payment is lost, each is booked once, each fee is paid, owed, or a
//! person's matter, the books add up and agree with the platform's statement. A failure prints its seed and the shortest prefix of
//! its steps that fails.

mod bank;

use crate::body::json;
use crate::catalogue::{Catalogue, Files};
use crate::clock::{Clock as _, Manual, Time};
use crate::dispatch::tests::{Dice, Platform, World, catalogue_with, take, with_scene};
use crate::exchange::{self, Current, RefundStep, Scene, Start};
use crate::journal::{Act, Acted, CaseFilter, CaseView, DeliveryState, Effects, Snapshot, Verdict};
use crate::model::{CaseKind, FeeState, Kind, Message, PaymentState, Refund, RefundState, Status, Vnd};
use crate::settlement::{Order, Settlement};
use bank::{Bank, FEE, Fate, State};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Sequences run: some fifty seconds of one core.
const SEQUENCES: u64 = 2_000;
/// Steps of one sequence.
const STEPS: usize = 36;
const PARTNERS: [&str; 3] = ["bank", "city", "office"];
const DAY_MS: i64 = 86_400_000;

const STATEMENT: &str = r#"
[statement]
columns = { transaction = "id", amount = "amount", paid-at = "at", status = "status" }
paid = ["0"]
refunded = ["4"]
cut-off = "23:00"
"#;

/// Sequences that one journal sees, one after the other.
const SHARED: u64 = 50;

/// A world, and the sequence that runs in it: its dossiers, the names of its steps so far.
struct Run {
    world: World<Bank>,
    files: Arc<Files>,
    own: Vec<String>,
    trace: Vec<String>,
    start: Time,
}

/// Why a sequence fails.
type Broken = String;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_payment_is_lost_none_is_made_up_none_is_given_back_twice_and_a_person_can_always_act() {
    let platforms = [Platform::Asked, Platform::Refunds, Platform::Silent].map(|p| (p, with_statement(p)));
    let (mut calls, mut paid, mut twice) = (0, 0, 0);
    // Of refunds that the platform pays out: how many ended which way.
    let mut fates = BTreeMap::new();
    for (first, n) in (0..SEQUENCES).step_by(usize::try_from(SHARED).unwrap()).zip(0..) {
        let (platform, (files, catalogue)) = &platforms[n % platforms.len()];
        let mut run = Run::new(*platform, files, catalogue);
        for seed in first..first + SHARED {
            run.begin(seed).await;
            if let Err(why) = run.through(STEPS).await {
                panic!("{}", shortest(seed, *platform, files, catalogue, &why).await);
            }
            let truth = run.world.far.truth.lock().unwrap();
            calls += truth.calls;
            let all = truth.transactions.values().filter(|s| matches!(s, State::Paid(_))).count();
            paid += all;
            twice += usize::from(all > run.own.len());
            truth.given_back.values().for_each(|(.., fate)| *fates.entry(*fate).or_insert(0) += 1);
        }
    }
    println!(
        "{SEQUENCES} sequences: {calls} calls, {paid} payments, {twice} sequences with more payments than fees, refunds {fates:?}"
    );
    let enough = u64::try_from(calls).unwrap() > SEQUENCES && u64::try_from(paid).unwrap() > SEQUENCES / 2 && twice > 0;
    assert!(enough, "{calls} calls, {paid} payments, {twice} too many: no test");
    assert!(fates.get(&Fate::Done) > Some(&20) && fates.get(&Fate::Refused) > Some(&5), "{fates:?}: no test of refunds");
}

/// The same seed again, shorter and shorter.
async fn shortest(seed: u64, platform: Platform, files: &Arc<Files>, catalogue: &Arc<Catalogue>, why: &str) -> String {
    for steps in 0..=STEPS {
        let mut run = Run::new(platform, files, catalogue);
        run.begin(seed).await;
        if let Err(why) = run.through(steps).await {
            return format!("seed {seed}, {platform:?}, {steps} steps: {why}\n{}", run.trace.join("\n"));
        }
    }
    format!("seed {seed}: {why}; it does not fail alone: it needs the sequences before it (from {})", seed - seed % SHARED)
}

fn with_statement(platform: Platform) -> (Arc<Files>, Arc<Catalogue>) {
    let (files, _) = catalogue_with(platform);
    let bank = files.text("adapters/bank/partner.toml").unwrap().to_owned() + STATEMENT;
    let files = files.with("adapters/bank/partner.toml", bank);
    let catalogue = Arc::new(Catalogue::for_tests(&files));
    (Arc::new(files), catalogue)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_gets_its_link_whatever_waits_for_the_ministry() {
    let (files, catalogue) = with_statement(Platform::Asked);
    let mut run = Run::new(Platform::Asked, &files, &catalogue);
    run.begin(1).await;
    let pause = Act::Pause { partner: "office".to_owned(), reason: "the evening".to_owned() };
    assert_eq!(run.world.journal().act(pause, "lan", run.world.clock.now()).await.unwrap(), Acted::Written);
    for _ in 0..500 {
        run.world.register().await;
    }
    let calls = run.world.far.truth.lock().unwrap().calls;
    assert_eq!(run.click().await, "click: Ok(())");
    assert!(run.world.dispatch("bank", 1, &files).await, "the click's request is the first that is due at the bank");
    let snapshot = run.world.snapshot(&run.own[0]).await;
    let linked = snapshot.payments.iter().filter(|p| p.link.is_some()).count();
    let other = run.world.snapshot(run.own.last().unwrap()).await.payments.iter().filter(|p| p.link.is_some()).count();
    assert_eq!(linked.max(other), 1);
    assert_eq!(run.world.far.truth.lock().unwrap().calls, calls + 1, "and nothing else was called for it");
    assert!(!run.world.dispatch("office", 10, &files).await, "the Ministry is paused");
    let waits = run.world.unfinished().await;
    assert_eq!(waits.iter().filter(|d| d.partner == "office").count(), 500);
}

// === impl Run ===

impl Run {
    fn new(platform: Platform, files: &Arc<Files>, catalogue: &Arc<Catalogue>) -> Self {
        let start = Time::parse("2025-11-08T22:30:00+07:00").unwrap();
        let (clock, dice) = (Arc::new(Manual::at(start)), Arc::new(Dice::new(0)));
        let far = Arc::new(Bank::new(clock.clone(), dice.clone(), platform));
        let world = World::with(far, clock, dice, files, catalogue);
        Self { world, files: files.clone(), own: Vec::new(), trace: Vec::new(), start }
    }

    /// A sequence begins at half past ten in the evening: one or two dossiers that owe a fee.
    async fn begin(&mut self, seed: u64) {
        self.world.dice.reseed(seed);
        while self.start < self.world.clock.now() {
            self.start = self.start.plus_ms(DAY_MS);
        }
        let until = self.start.ms_since(self.world.clock.now());
        self.world.clock.turn(Duration::from_millis(u64::try_from(until).unwrap()));
        self.world.far.forget();
        self.trace.clear();
        let before = self.world.dossiers.len();
        for _ in 0..1 + self.world.dice.below(2) {
            self.world.register().await;
        }
        self.own = self.world.dossiers[before..].to_vec();
        self.settle_down().await;
        for code in self.own.clone() {
            for status in ["received", "payment"] {
                self.world.clock.turn(Duration::from_secs(2));
                let at = self.world.clock.now().rfc3339();
                let mut body = json!({ "code": code, "status": status, "at": at, "missing": [], "documents": [] });
                if status == "payment" {
                    body["fee_due"] = json!({ "amount": FEE });
                }
                let decide = |scene: &Scene<'_>, id: &str, m: &mut Message, s: &Snapshot| exchange::pushed(scene, id, m, s);
                take(&self.world.shared(), "office", &code, Kind::StatusChange, &body, decide).await.unwrap();
            }
        }
        self.settle_down().await;
    }

    /// So many steps in bad weather, then calm, then all that must hold.
    async fn through(&mut self, steps: usize) -> Result<(), Broken> {
        self.world.far.calm.store(false, Ordering::SeqCst);
        for _ in 0..steps {
            let what = self.step().await;
            self.trace.push(format!("  {} {what}", self.world.clock.now()));
            self.never().await?;
        }
        self.calm().await?;
        self.never().await?;
        self.at_rest().await
    }

    async fn step(&mut self) -> String {
        let world = &mut self.world;
        match world.dice.below(100) {
            0..14 => self.click().await,
            14..20 => {
                let code = self.any_dossier();
                self.world.far.look_up(&code).await;
                "look-up".to_owned()
            }
            20..32 => world.far.pay().to_owned(),
            32..36 => {
                world.far.forge();
                "a false notice".to_owned()
            }
            36..50 => format!("notice: {}", world.far.knock().await),
            50..53 => {
                self.expire().await;
                "expiry".to_owned()
            }
            53..60 => {
                // Seconds, or past a transaction's time.
                let most = if world.dice.percent(20) { 2_000 } else { 90 };
                let seconds = 1 + world.dice.below(most);
                world.clock.turn(Duration::from_secs(u64::try_from(seconds).unwrap()));
                format!("{seconds} s pass")
            }
            60..64 => self.refund().await,
            64..66 => {
                let day = self.day(0);
                format!("reconcile: {:?}", self.reconcile(day, false).await.map(|o| o.differences.len()))
            }
            66 => {
                let code = self.any_dossier();
                let body = json!({ "code": code, "reason": "đổi ý" });
                let withdraw = |scene: &Scene<'_>, _: &str, m: &mut Message, s: &Snapshot| exchange::withdraw(scene, m, s);
                let taken = take(&self.world.shared(), "city", &code, Kind::DossierWithdraw, &body, withdraw).await;
                format!("withdraw: {taken:?}")
            }
            n => {
                let crash = n >= 97;
                self.world.far.crash.store(crash, Ordering::SeqCst);
                let partner = ["bank", "bank", "city", "office"][self.world.dice.below(4)];
                let any = self.world.dispatch(partner, 2, &self.files).await;
                self.world.far.crash.store(false, Ordering::SeqCst);
                self.world.clock.turn(Duration::from_millis(500));
                format!("calls to {partner}: {any}{}", if crash { ", killed on the way" } else { "" })
            }
        }
    }

    /// What the gateway does by the clock: unpaid transactions whose time is over.
    async fn expire(&self) {
        let (shared, current) = (self.world.shared(), Current::new(self.world.catalogue.clone()));
        let (clock, random) = (&*self.world.clock, &*self.world.dice);
        super::expiry::round(shared.journal().as_ref(), current.now().guide(), clock, random).await.unwrap();
    }

    fn any_dossier(&self) -> String {
        self.own[self.world.dice.below(self.own.len())].clone()
    }

    async fn click(&self) -> String {
        let code = self.any_dossier();
        let body = json!({ "code": code, "return_url": "https://city.example/back" });
        let click = |scene: &Scene<'_>, _: &str, m: &mut Message, s: &Snapshot| match exchange::start(scene, m, s)? {
            Start::Open(_) => Ok(Effects::default()),
            Start::New(effects, _) => Ok(*effects),
        };
        let taken = take(&self.world.shared(), "city", &code, Kind::PaymentStart, &body, click).await;
        format!("click: {taken:?}")
    }

    /// An operator asks for a refund (twice at once, sometimes), or tells how one ended.
    async fn refund(&self) -> String {
        let (code, shared) = (self.any_dossier(), self.world.shared());
        let journal = shared.journal();
        let snapshot = journal.snapshot(&code).await.unwrap();
        let cases = self.open_cases().await;
        let dice = &self.world.dice;
        let open: Vec<_> = snapshot.refunds.iter().filter(|r| r.state.is_open()).collect();
        if !open.is_empty() && dice.percent(60) {
            let refund = open[dice.below(open.len())];
            if refund.by_platform {
                return self.speak_of(refund, &snapshot, &cases).await;
            }
            let to = [RefundState::Sent, RefundState::Done, RefundState::Refused, RefundState::Unknown][dice.below(4)];
            let step = RefundStep { to, reference: Some("FT1".to_owned()), reason: Some("thử".to_owned()) };
            let told =
                with_scene(&shared, "bank", None, |scene| exchange::refund_step(scene, &refund.id, &step, &snapshot, &cases));
            let Ok((effects, _)) = told else { return "a refund step, refused".to_owned() };
            // Told twice at once: the second is stale.
            let (first, again) = (journal.apply(effects.clone()).await.unwrap(), journal.apply(effects).await.unwrap());
            if again || !first {
                self.world.far.violation(format!("a refund's step was taken twice, or not at all: {first} {again}"));
            }
            if to == RefundState::Done {
                self.world.far.gave_back(&refund.transaction, refund.amount.amount());
            }
            return format!("refund {}", to.word());
        }
        let Some(payment) = snapshot.payments.get(dice.below(snapshot.payments.len().max(1))) else {
            return "no refund".to_owned();
        };
        let amount = dice.percent(50).then(|| Vnd::new(FEE / 2 + 5_000).unwrap());
        let ask = |scene: &Scene<'_>| exchange::refund(scene, &payment.transaction, amount, "nộp thừa", &snapshot);
        let both: Vec<_> = (0..2).map(|_| with_scene(&shared, "bank", None, ask)).collect();
        let mut kept = 0;
        for (effects, _) in both.into_iter().flatten() {
            kept += usize::from(journal.apply(effects).await.unwrap());
        }
        if kept > 1 {
            self.world.far.violation("two refunds from one look were both written".to_owned());
        }
        format!("{kept} refund asked for")
    }

    /// An operator asks the platform by telephone about a refund that it pays out, and tells what is true. The gateway may not want to hear it.
    async fn speak_of(&self, refund: &Refund, snapshot: &Snapshot, cases: &[CaseView]) -> String {
        let calm = self.world.far.calm.load(Ordering::SeqCst);
        let to = match self.world.far.fate(&refund.id) {
            // Asked by telephone, it is paid out at last.
            Ok(Some(Fate::Taken)) if calm => {
                self.world.far.pay_out(&refund.id);
                RefundState::Done
            }
            Ok(Some(Fate::Done)) => RefundState::Done,
            Ok(Some(Fate::Refused) | None) => RefundState::Refused,
            Ok(Some(Fate::Taken)) | Err(_) => return "nobody can say what became of a refund".to_owned(),
        };
        let step = RefundStep { to, reference: Some("FT1".to_owned()), reason: Some("thử".to_owned()) };
        let shared = self.world.shared();
        let told = with_scene(&shared, "bank", None, |scene| exchange::refund_step(scene, &refund.id, &step, snapshot, cases));
        let Ok((effects, _)) = told else { return "a person's word on a refund, not wanted".to_owned() };
        let kept = shared.journal().apply(effects).await.unwrap();
        if kept && to == RefundState::Refused {
            self.world.far.truth.lock().unwrap().taken_back.insert(refund.id.clone());
        }
        format!("a person says of a refund {}: {kept}", to.word())
    }

    async fn open_cases(&self) -> Vec<CaseView> {
        let open = CaseFilter { open: Some(true), limit: 1_000, ..CaseFilter::default() };
        self.world.journal().cases(open).await.unwrap()
    }

    /// The civil day, so many days after the first.
    fn day(&self, after: i64) -> jiff::civil::Date {
        self.start.plus_ms(after * DAY_MS).civil().unwrap().date()
    }

    async fn reconcile(&self, day: jiff::civil::Date, dry: bool) -> Result<crate::settlement::Outcome, exchange::Refusal> {
        let closes = Time::parse(&format!("{day}T23:00:00+07:00")).unwrap();
        let bytes = self.world.far.statement(closes).into();
        let settlement =
            Settlement::new(Current::new(self.world.catalogue.clone()), self.world.journal(), self.world.clock.clone());
        settlement.reconcile(Order { partner: "bank".into(), day, bytes, who: "lan".into(), dry }).await
    }

    /// Until nothing is due any more.
    async fn settle_down(&mut self) {
        for partner in PARTNERS {
            while self.world.dispatch(partner, 10, &self.files).await {}
        }
    }

    /// The weather is fine again, and time passes until nothing is under way.
    async fn calm(&mut self) -> Result<(), Broken> {
        self.world.far.calm.store(true, Ordering::SeqCst);
        for round in 0..120 {
            self.world.clock.turn(Duration::from_secs(if round < 12 { 150 } else { 1_800 }));
            self.expire().await;
            while self.world.far.knock().await {}
            self.settle_down().await;
            self.operators_word().await;
            let waits = self.world.unfinished().await;
            let watched = self.world.journal().expiring(Time(i64::MAX), 1).await.unwrap();
            if waits.is_empty() && watched.is_empty() {
                return Ok(());
            }
        }
        Err(format!("it does not come to rest: {:#?}", self.world.unfinished().await))
    }

    /// An operator asks about every request that is kept for a person, and says what is true of it.
    async fn operators_word(&self) {
        self.world.far.catch_up();
        for kept in self.world.unfinished().await.into_iter().filter(|d| d.state == DeliveryState::Parked) {
            let known = match Kind::of_name(&kept.kind) {
                Some(Kind::PaymentRequest) => self.world.far.truth.lock().unwrap().transactions.contains_key(&kept.lane),
                Some(Kind::RefundRequest) => matches!(self.world.far.fate(&kept.lane), Ok(Some(_))),
                _ => continue,
            };
            let verdict = if known && kept.sent { Verdict::Received } else { Verdict::NotReceived };
            let act = Act::Release { delivery: kept.delivery, verdict, reason: "đã hỏi nền tảng".to_owned() };
            self.world.journal().act(act, "lan", self.world.clock.now()).await.unwrap();
        }
        for code in &self.own {
            let (snapshot, cases) = (self.world.snapshot(code).await, self.open_cases().await);
            for refund in snapshot.refunds.iter().filter(|r| r.by_platform && r.state == RefundState::Unknown) {
                self.speak_of(refund, &snapshot, &cases).await;
            }
        }
    }

    // === what must hold ===

    /// After every step.
    async fn never(&self) -> Result<(), Broken> {
        if let Some(violation) = self.world.far.truth.lock().unwrap().violations.first() {
            return Err(violation.clone());
        }
        for code in &self.own {
            let snapshot = self.world.snapshot(code).await;
            let mut paid = 0;
            for payment in &snapshot.payments {
                let true_paid = self.truly_paid(&payment.transaction);
                if payment.state == PaymentState::Paid && !true_paid {
                    return Err(format!("{} is shown as paid and is not", payment.transaction));
                }
                let sums = payment.reserved.amount() + payment.refunded.amount();
                if sums > if payment.state == PaymentState::Paid { FEE } else { 0 } {
                    return Err(format!("{} promises or gave back {sums} of {FEE}", payment.transaction));
                }
                paid += usize::from(true_paid);
            }
            for refund in snapshot.refunds.iter().filter(|r| r.by_platform && r.state == RefundState::Done) {
                if !matches!(self.world.far.fate(&refund.id), Ok(Some(Fate::Done))) {
                    return Err(format!("refund {} is shown as paid out and is not", refund.id));
                }
            }
            let shown = snapshot.dossier.unwrap().fee.is_some_and(|f| f.state == FeeState::Paid);
            let truth = self.world.far.truth.lock().unwrap();
            let told = truth.portal_told.get(code).is_some_and(|ids| !ids.is_empty());
            if (shown || told) && paid == 0 {
                return Err(format!("the fee of {code} is shown or told as paid and nobody paid"));
            }
        }
        Ok(())
    }

    fn truly_paid(&self, transaction: &str) -> bool {
        matches!(self.world.far.truth.lock().unwrap().transactions.get(transaction), Some(State::Paid(_)))
    }

    /// When nothing is under way any more.
    async fn at_rest(&self) -> Result<(), Broken> {
        let (journal, cases) = (self.world.journal(), self.open_cases().await);
        let truth: BTreeMap<String, State> = self.world.far.truth.lock().unwrap().transactions.clone();
        let mut known = BTreeMap::new();
        for code in &self.own {
            let snapshot = self.world.snapshot(code).await;
            let dossier = snapshot.dossier.clone().unwrap();
            let (fee, withdrawn) = (dossier.fee.unwrap(), dossier.status == Status::Withdrawn);
            let mut paid = 0;
            for payment in &snapshot.payments {
                known.insert(payment.transaction.clone(), ());
                let true_paid = self.truly_paid(&payment.transaction);
                if true_paid != (payment.state == PaymentState::Paid) {
                    return Err(format!("{} is {:?} and truly {true_paid}", payment.transaction, payment.state));
                }
                if payment.state == PaymentState::Requested {
                    return Err(format!("{} is open for ever", payment.transaction));
                }
                paid += usize::from(true_paid);
                let moved = journal.movements(0, 100, Some(&payment.transaction)).await.unwrap();
                let came = moved.iter().filter(|m| m.debit == "citizen").count();
                if came != usize::from(true_paid) {
                    return Err(format!("{} came in {came} times", payment.transaction));
                }
            }
            self.fee_at_rest(code, fee.state, paid, withdrawn)?;
            self.refunds_at_rest(&snapshot)?;
            // A payment too many is a person's matter until its money went back.
            let over = |c: &&CaseView| c.kind == Some(CaseKind::Overpayment) && c.dossier.as_deref() == Some(code.as_str());
            let back = snapshot.payments.iter().filter(|p| p.refunded == p.amount).count();
            if cases.iter().filter(over).count() + back + usize::from(fee.state == FeeState::Paid) < paid {
                return Err(format!("{code} was paid {paid} times and nobody is told"));
            }
        }
        if let Some(lost) = truth.iter().find(|(t, s)| matches!(s, State::Paid(_)) && !known.contains_key(*t)) {
            return Err(format!("nobody here knows of {}", lost.0));
        }
        let accounts = journal.accounts().await.unwrap();
        if !accounts.faults.is_empty() {
            return Err(format!("the books do not add up: {:?}", accounts.faults));
        }
        self.statements_agree().await
    }

    /// What the platform pays out has ended as it ended there.
    fn refunds_at_rest(&self, snapshot: &Snapshot) -> Result<(), Broken> {
        for refund in snapshot.refunds.iter().filter(|r| r.by_platform) {
            let fate = self.world.far.fate(&refund.id).map_err(|()| format!("{} is still on its way", refund.id))?;
            let agrees = match refund.state {
                RefundState::Done => fate == Some(Fate::Done),
                RefundState::Refused => fate != Some(Fate::Done),
                RefundState::Created | RefundState::Sent | RefundState::Unknown => false,
            };
            if !agrees {
                return Err(format!("refund {} is {:?} and truly {fate:?}", refund.id, refund.state));
            }
        }
        Ok(())
    }

    /// A fee is paid and told once to each side, or owed; what is paid for a withdrawn dossier need not pay it.
    fn fee_at_rest(&self, code: &str, state: FeeState, paid: usize, withdrawn: bool) -> Result<(), Broken> {
        let fits = if withdrawn { state != FeeState::Paid || paid > 0 } else { (state == FeeState::Paid) == (paid > 0) };
        if !fits || state == FeeState::Requested {
            return Err(format!("the fee of {code} is {state:?}, paid {paid} times"));
        }
        let truth = self.world.far.truth.lock().unwrap();
        for (who, told) in [("portal", &truth.portal_told), ("ministry", &truth.ministry_told)] {
            let told = told.get(code).map_or(0, |ids| ids.len());
            if told != usize::from(state == FeeState::Paid) {
                return Err(format!("the {who} was told {told} times that {code} is paid, which it is {paid} times"));
            }
        }
        Ok(())
    }

    /// Every day's statement agrees with the books, and no difference of a bad moment is left open.
    async fn statements_agree(&self) -> Result<(), Broken> {
        self.world.clock.turn(Duration::from_secs(2 * 86_400));
        let days = self.world.clock.now().ms_since(self.start) / DAY_MS;
        for day in (0..=days).map(|n| self.day(n)) {
            // Kept where a payment can stand; the days after are looked at.
            let dry = day > self.day(1);
            let outcome = self.reconcile(day, dry).await.map_err(|r| format!("{day}: {}", r.text_en))?;
            if let Some(line) = outcome.differences.first() {
                return Err(format!("statement of {day}: {line:?}"));
            }
        }
        let open = self.open_cases().await;
        match open.iter().find(|c| c.kind.is_some_and(CaseKind::stands)) {
            Some(left) => Err(format!("a difference is left though all agrees: {left:?}")),
            None => Ok(()),
        }
    }
}
