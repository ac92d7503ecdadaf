//! The other sides, as they are: their books, what they push, the weather between us. They note what must never happen.

use super::*;

/// A ministry's dossier.
pub(super) struct Case {
    pub(super) status: Status,
    at: Time,
    been: Vec<Status>,
    /// A push of it came to our door.
    told: bool,
    pub(super) took: Vec<(String, String)>,
}

/// A status on its way to us.
#[derive(Clone)]
pub(super) struct Push {
    code: String,
    status: Status,
    at: Time,
    fee: bool,
}

/// The books.
#[derive(Default)]
pub(super) struct Books {
    pub(super) cases: BTreeMap<String, Case>,
    pub(super) pushes: Vec<Push>,
    late: Vec<(Time, String, Value)>,
    /// Transaction → paid.
    pub(super) transactions: BTreeMap<String, bool>,
    notices: Vec<String>,
    /// Dossier → last sequence, ids heard.
    heard: BTreeMap<String, (u64, BTreeSet<String>)>,
    pub(super) paid_told: BTreeMap<String, BTreeSet<String>>,
    pub(super) last_status: BTreeMap<String, String>,
    pub(super) calls: u32,
    pub(super) violations: Vec<String>,
}

/// The transport to all of them.
pub(crate) struct Far {
    clock: Arc<Manual>,
    dice: Arc<Dice>,
    pub(super) books: Mutex<Books>,
    pub(super) calm: AtomicBool,
    /// The next call ends in a crash of ours.
    pub(super) crash: AtomicBool,
    pub(super) hangs: Notify,
    pub(super) door: Mutex<Option<Arc<Shared>>>,
}

// === impl Far ===

impl Far {
    pub(super) fn new(clock: Arc<Manual>, dice: Arc<Dice>) -> Self {
        let (books, calm, crash) = (Mutex::default(), AtomicBool::new(false), AtomicBool::new(false));
        Self { clock, dice, books, calm, crash, hangs: Notify::new(), door: Mutex::default() }
    }

    /// The ministry goes on with one of its dossiers and writes a push; no status twice.
    pub(super) fn work(&self) {
        let now = Time(self.clock.now().0 / 1000 * 1000);
        let books = &mut *self.books.lock().unwrap();
        let n = self.dice.below(books.cases.len());
        let Some((code, case)) = books.cases.iter_mut().nth(n) else { return };
        if now <= case.at || case.status == Status::Supplement && !self.dice.percent(10) {
            return;
        }
        let ways: Vec<Status> = case
            .status
            .next()
            .iter()
            .copied()
            .filter(|s| !matches!(s, Status::New | Status::Withdrawn) && !case.been.contains(s))
            .filter(|s| !matches!(s, Status::Refused | Status::Stopped) || self.dice.percent(20))
            .collect();
        if let Some(status) = ways.get(self.dice.below(ways.len())) {
            let push = case.go(code, *status, now);
            books.pushes.push(push);
        }
    }

    /// A citizen pays one of the transactions; the platform will tell.
    pub(super) fn pay(&self) {
        let books = &mut *self.books.lock().unwrap();
        let n = self.dice.below(books.transactions.len());
        if let Some((transaction, paid)) = books.transactions.iter_mut().nth(n).filter(|(_, paid)| !**paid) {
            *paid = true;
            books.notices.push(transaction.clone());
        }
    }

    /// One push or notice comes to our door, in any order; now and then it comes again. `false`: there is none.
    pub(super) async fn knock(&self) -> bool {
        let Some(shared) = self.door.lock().unwrap().clone() else { return false };
        let (push, notice) = {
            let books = &mut *self.books.lock().unwrap();
            if books.pushes.is_empty() && books.notices.is_empty() {
                return false;
            }
            let again = !self.calm.load(Ordering::SeqCst) && self.dice.percent(20);
            let n = self.dice.below(books.pushes.len() + books.notices.len());
            match books.pushes.get(n).cloned() {
                Some(push) => {
                    if !again {
                        books.pushes.remove(n);
                    }
                    (Some(push), None)
                }
                None => {
                    let n = n - books.pushes.len();
                    let notice = books.notices[n].clone();
                    if !again {
                        books.notices.remove(n);
                    }
                    (None, Some(notice))
                }
            }
        };
        if let Some(push) = push {
            let mut body = json!({ "code": push.code, "status": push.status.word(), "at": push.at.rfc3339(), "missing": [], "documents": [] });
            if push.fee {
                body["fee_due"] = json!({ "amount": 50_000 });
            }
            let decide = |scene: &Scene<'_>, id: &str, m: &mut Message, s: &Snapshot| exchange::pushed(scene, id, m, s);
            let taken = take(&shared, "office", &push.code, Kind::StatusChange, &body, decide).await;
            if let Some(case) = self.books.lock().unwrap().cases.get_mut(&push.code) {
                case.told = true;
            }
            // A withdrawal ends by our clock: a status of the same second, still on its way then, may seem newer than the end.
            let over = self.books.lock().unwrap().cases[&push.code].status == Status::Withdrawn;
            if let Some(code) = taken.err().filter(|_| !over) {
                self.violation(format!("a true status was refused: {code} {:?} of {}", push.status, push.code));
            }
        }
        if let Some(transaction) = notice {
            let body = json!({ "transaction": transaction, "amount": 50_000, "state": "paid" });
            let payment = shared.parts.journal.payment(&transaction).await.unwrap();
            let code = payment.as_ref().map(|p| p.dossier.clone()).unwrap_or_default();
            let decide = |scene: &Scene<'_>, _: &str, m: &mut Message, s: &Snapshot| exchange::noticed(scene, m, s, false);
            if payment.is_none() || take(&shared, "bank", &code, Kind::PaymentNotice, &body, decide).await.is_err() {
                self.violation(format!("a true notice was refused: {transaction}"));
            }
        }
        true
    }

    fn violation(&self, what: String) {
        self.books.lock().unwrap().violations.push(what);
    }

    /// Calls that were cut and are processed all the same, some time after.
    fn catch_up(&self) {
        let now = self.clock.now();
        let due: Vec<(Time, String, Value)> = {
            let books = &mut *self.books.lock().unwrap();
            let (due, left) = books.late.drain(..).partition(|(at, ..)| *at <= now);
            books.late = left;
            due
        };
        for (_, operation, body) in due {
            self.process(&operation, &body);
        }
    }

    fn process(&self, operation: &str, body: &Value) -> Value {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let (code, id) = (text("code"), text("id"));
        let now = Time(self.clock.now().0 / 1000 * 1000);
        let books = &mut *self.books.lock().unwrap();
        match operation {
            "submit" | "supplement" | "withdraw" | "paid" => {
                if books.cases.get(&code).is_some_and(|c| c.took.iter().any(|(_, i)| *i == id)) {
                    books.violations.push(format!("{operation} of {code} came again after it was processed"));
                }
                if operation == "submit" && !books.cases.contains_key(&code) {
                    let case = Case {
                        status: Status::New,
                        at: now,
                        been: vec![Status::New],
                        told: false,
                        took: vec![(operation.into(), id)],
                    };
                    books.cases.insert(code, case);
                    return json!({ "ok": true });
                }
                let Some(case) = books.cases.get_mut(&code).filter(|_| operation != "submit") else {
                    books.violations.push(format!("{operation} of {code} came out of order"));
                    return json!({ "ok": false });
                };
                let after = Time(case.at.0 + 1000).max(now);
                let next = match operation {
                    "supplement" if case.status == Status::Supplement => {
                        [Status::Received, Status::Processing].into_iter().find(|s| !case.been.contains(s))
                    }
                    "withdraw" if case.status.next().contains(&Status::Withdrawn) => Some(Status::Withdrawn),
                    "paid" => None,
                    _ => return json!({ "ok": false }),
                };
                case.took.push((operation.into(), id));
                if let Some(status) = next {
                    let push = case.go(&code, status, after);
                    books.pushes.push(push);
                }
                json!({ "ok": true })
            }
            "inquiry" => {
                let asked = text("message");
                // Its look-up may lag behind: a push that told us of the dossier counts all the same.
                let lags = !self.calm.load(Ordering::SeqCst) && self.dice.percent(50);
                let took = |c: &Case| c.took.iter().enumerate().any(|(n, (_, i))| *i == asked && !(lags && c.told && n == 0));
                json!({ "ok": true, "known": books.cases.get(&code).is_some_and(took) })
            }
            "create" => {
                let transaction = text("transaction");
                if books.transactions.insert(transaction.clone(), false).is_some() {
                    books.violations.push(format!("transaction {transaction} was created twice"));
                }
                json!({ "ok": true, "url": format!("https://bank.example/{transaction}") })
            }
            "query" => {
                let transaction = text("transaction");
                let slow = !self.calm.load(Ordering::SeqCst) && self.dice.percent(20);
                let state = match books.transactions.get(&transaction) {
                    None => "missing",
                    Some(true) if !slow => "paid",
                    Some(_) => "pending",
                };
                json!({ "ok": true, "transaction": transaction, "amount": 50_000, "state": state })
            }
            _ => {
                let sequence = body["sequence"].as_u64().unwrap_or_default();
                let (last, ids) = books.heard.entry(code.clone()).or_default();
                if ids.insert(id.clone()) {
                    if sequence <= *last {
                        books.violations.push(format!("{code}: {sequence} told after {last}"));
                    }
                    *last = sequence;
                    if let Some(status) = body["status"].as_str() {
                        books.last_status.insert(code.clone(), status.to_owned());
                    }
                    if body["paid"] == true {
                        books.paid_told.entry(code).or_default().insert(id);
                    }
                }
                json!({ "ok": true })
            }
        }
    }

    async fn answer(&self, call: Call) -> Result<Reply, SendError> {
        let body: Value = serde_json::from_slice(call.body.whole().unwrap()).unwrap();
        let operation = call.url.rsplit('/').next().unwrap().to_owned();
        self.books.lock().unwrap().calls += 1;
        self.catch_up();
        let calm = self.calm.load(Ordering::SeqCst);
        let reply = |status: u16, body: &str| Ok(Reply { status, advice: Advice::default(), body: body.to_owned().into() });
        let weather = if calm { 99 } else { self.dice.below(100) };
        match weather {
            0..6 => return Err(SendError::NotSent("not-connected")),
            6..12 => return reply(503, ""),
            12..16 => return Err(SendError::Lost("cut")),
            16..20 => return reply(502, ""),
            20..24 if !matches!(operation.as_str(), "inquiry" | "query") => {
                let due = self.clock.now().plus_ms(i64::try_from(self.dice.below(100_000)).unwrap());
                self.books.lock().unwrap().late.push((due, operation, body));
                return Err(SendError::Lost("timeout"));
            }
            _ => {}
        }
        let before = self.dice.percent(50);
        if before && self.crash.swap(false, Ordering::SeqCst) {
            self.hang().await;
        }
        let said = self.process(&operation, &body);
        if !calm {
            // What it causes may be at our door before the reply is.
            while self.dice.percent(40) {
                self.work();
                self.knock().await;
            }
        }
        if self.crash.swap(false, Ordering::SeqCst) {
            self.hang().await;
        }
        match weather {
            24..28 => Err(SendError::Lost("cut")),
            28..32 => reply(502, ""),
            32..36 => reply(200, "{\"ok\":"),
            _ => reply(200, &said.to_string()),
        }
    }

    async fn hang(&self) {
        self.hangs.notify_one();
        std::future::pending::<()>().await;
    }
}

impl Side for Far {
    fn hangs(&self) -> &Notify {
        &self.hangs
    }

    fn met(&self, door: Option<Arc<Shared>>) {
        *self.door.lock().unwrap() = door;
    }
}

impl Transport for Far {
    fn send(&self, call: Call) -> Pin<Box<dyn Future<Output = Result<Reply, SendError>> + Send + '_>> {
        Box::pin(self.answer(call))
    }
}

// === impl Case ===

impl Case {
    fn go(&mut self, code: &str, status: Status, at: Time) -> Push {
        (self.status, self.at) = (status, at);
        self.been.push(status);
        Push { code: code.to_owned(), status, at, fee: status == Status::Payment }
    }
}
