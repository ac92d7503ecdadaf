//! Calls of several messages: each message is settled by its own row of the answer, whatever its company comes to.

use super::*;
use crate::journal::DeliveryState;
use std::collections::VecDeque;

/// What the office does with the next call: from its body, an answer.
type Answer = Box<dyn FnOnce(&Value) -> Result<Value, SendError> + Send>;

/// An office that takes several submissions in a call and answers by a script; without one it takes all and knows all.
struct Depot {
    script: Mutex<VecDeque<Answer>>,
    seen: Mutex<Vec<(String, Value)>>,
    hang: AtomicBool,
    hangs: Notify,
}

impl Transport for Depot {
    fn send(&self, call: Call) -> Pin<Box<dyn Future<Output = Result<Reply, SendError>> + Send + '_>> {
        Box::pin(async move {
            let body: Value = serde_json::from_slice(call.body.whole().unwrap()).unwrap();
            let operation = call.url.rsplit('/').next().unwrap().to_owned();
            self.seen.lock().unwrap().push((operation.clone(), body.clone()));
            if self.hang.swap(false, Ordering::SeqCst) {
                self.hangs.notify_one();
                std::future::pending::<()>().await;
            }
            let next = self.script.lock().unwrap().pop_front();
            let answer = match next {
                Some(next) => next(&body)?,
                None if operation == "inquiry" => json!({ "ok": true, "known": true }),
                None => rows(&body, |_| json!({ "outcome": "accepted" })),
            };
            Ok(Reply { status: 200, advice: Advice::default(), body: answer.to_string().into() })
        })
    }
}

impl Side for Depot {
    fn hangs(&self) -> &Notify {
        &self.hangs
    }

    fn met(&self, _: Option<Arc<Shared>>) {}
}

impl Depot {
    /// What came to an operation, by the codes of each call.
    fn calls(&self, operation: &str) -> Vec<Vec<String>> {
        let seen = self.seen.lock().unwrap();
        let codes = |body: &Value| match &body["rows"] {
            Value::Array(rows) => rows.iter().map(|row| row["code"].as_str().unwrap().to_owned()).collect(),
            _ => vec![body["code"].as_str().unwrap().to_owned()],
        };
        seen.iter().filter(|(name, _)| name == operation).map(|(_, body)| codes(body)).collect()
    }
}

/// An answer with a row a message, told back by its id.
fn rows(body: &Value, of: impl Fn(&str) -> Value) -> Value {
    let row = |sent: &Value| {
        let mut row = of(sent["code"].as_str().unwrap());
        row["id"] = sent["id"].clone();
        row
    };
    let rows: Vec<Value> = body["rows"].as_array().unwrap().iter().map(row).collect();
    json!({ "ok": true, "rows": rows })
}

const ITEMS: &str = r#"items = { map = "taken", by = "reference", judge = "row" }"#;
const ROW: &str = r#"
[judge.row]
rules = [
  { http = "200", at = "/outcome", in = ["accepted"], then = "done" },
  { http = "200", at = "/reason", in = ["busy"], then = "retry" },
  { http = "200", at = "/outcome", in = ["refused"], then = "reject" },
]
"#;
const TAKEN: &str = "message: receipt\nformat: json\nwithout: at, dossier, note, note_en, transaction, url\n\nok = *\nrows[] = .\n    id = reference\n    outcome = outcome\n    reason = reason ?\n";

/// The invented partners, the office with submissions by threes; `need`: a line of the mapping more.
pub(super) fn office(items: &str, need: &str) -> Files {
    let (files, _) = catalogue();
    let head = "[out.submit]\n";
    let toml = files.text("adapters/office/partner.toml").unwrap();
    let toml = toml.replace(head, &format!("{ROW}{head}batch = 3\n{items}\n"));
    let map = files.text("adapters/office/submit.map").unwrap();
    let (top, lines) = map.split_once("\n\n").unwrap();
    let lines: String = lines.lines().map(|l| format!("    {l}\n")).collect();
    let top = if need.is_empty() { top.to_owned() } else { top.replace(", summary", "") };
    let map = format!("{top}\n\nrows[] = .\n{lines}{need}");
    files
        .with("adapters/office/partner.toml", toml)
        .with("adapters/office/submit.map", map)
        .with("adapters/office/taken.map", TAKEN)
}

struct Run {
    world: World<Depot>,
    files: Files,
}

impl Run {
    async fn new(files: Files, dossiers: usize) -> Self {
        let clock = Arc::new(Manual::at(Time(20_400 * 86_400_000)));
        let far = Depot { script: Mutex::default(), seen: Mutex::default(), hang: AtomicBool::new(false), hangs: Notify::new() };
        let catalogue = Arc::new(Catalogue::for_tests(&files));
        let mut world = World::with(Arc::new(far), clock, Arc::new(Dice::new(7)), &files, &catalogue);
        for _ in 0..dossiers {
            world.register().await;
        }
        Self { world, files }
    }

    fn answer(&self, answer: impl FnOnce(&Value) -> Result<Value, SendError> + Send + 'static) {
        self.world.far.script.lock().unwrap().push_back(Box::new(answer));
    }

    /// Dispatches what is due, at most so many calls.
    async fn go(&mut self, calls: u32) {
        self.world.dispatch("office", calls, &self.files).await;
    }

    /// The office's deliveries as they stand, by the last digit of their dossier: state and reason.
    async fn stand(&self) -> BTreeMap<u32, (DeliveryState, String)> {
        let filter = DeliveryFilter { partner: Some("office".into()), limit: 100, ..DeliveryFilter::default() };
        let all = self.world.journal().deliveries(filter).await.unwrap();
        let digit = |code: &str| code.chars().last().unwrap().to_digit(10).unwrap();
        all.into_iter().map(|d| (digit(d.dossier.as_deref().unwrap()), (d.state, d.reason.unwrap_or_default()))).collect()
    }

    fn codes(&self, which: &[usize]) -> Vec<String> {
        which.iter().map(|n| self.world.dossiers[n - 1].clone()).collect()
    }

    async fn status(&self, n: usize) -> Status {
        self.world.snapshot(&self.world.dossiers[n - 1]).await.dossier.unwrap().status
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_of_a_call_is_settled_by_its_own_row() {
    let mut run = Run::new(office(ITEMS, ""), 5).await;
    // The rows come back in another order; of the third nothing is told.
    run.answer(|body| {
        let mut told = rows(body, |code| match code.ends_with('1') {
            true => json!({ "outcome": "refused", "reason": "E7" }),
            false => json!({ "outcome": "accepted" }),
        });
        let all = told["rows"].as_array_mut().unwrap();
        all.truncate(2);
        all.reverse();
        Ok(told)
    });
    // The first of the second call is busy, the other is told twice and differently.
    run.answer(|body| {
        let mut told = rows(body, |code| match code.ends_with('4') {
            true => json!({ "outcome": "refused", "reason": "busy" }),
            false => json!({ "outcome": "accepted" }),
        });
        let id = body["rows"][1]["id"].clone();
        told["rows"].as_array_mut().unwrap().push(json!({ "id": id, "outcome": "refused" }));
        Ok(told)
    });
    run.go(8).await;
    assert_eq!(run.world.far.calls("submit"), vec![run.codes(&[1, 2, 3]), run.codes(&[4, 5])]);
    let stand = run.stand().await;
    assert_eq!(stand.keys().copied().collect::<Vec<_>>(), vec![3, 4, 5], "1 and 2 have ended: {stand:?}");
    assert_eq!(run.status(1).await, Status::Refused, "its lane ended with the refusal");
    assert_eq!(run.status(2).await, Status::New);
    assert_eq!(stand[&3], (DeliveryState::Unknown, "answer-missing".to_owned()));
    assert_eq!(stand[&4].0, DeliveryState::Waiting, "busy: known not to be processed");
    assert_eq!(stand[&5], (DeliveryState::Unknown, "answer-contradicts-itself".to_owned()));
    // What is unknown is asked after, one by one; what was busy goes again, alone.
    run.world.clock.turn(Duration::from_secs(60));
    run.go(8).await;
    assert_eq!(
        run.world.far.calls("inquiry").into_iter().flatten().collect::<BTreeSet<_>>(),
        run.codes(&[3, 5]).into_iter().collect()
    );
    assert_eq!(run.world.far.calls("submit")[2..], [run.codes(&[4])]);
    assert!(run.stand().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_cut_leaves_each_of_its_messages_unknown_and_each_is_asked_after() {
    let mut run = Run::new(office(ITEMS, ""), 3).await;
    run.answer(|_| Err(SendError::Lost("cut")));
    run.go(8).await;
    let stand = run.stand().await;
    assert!(stand.len() == 3 && stand.values().all(|(state, why)| *state == DeliveryState::Unknown && why == "cut"), "{stand:?}");
    run.world.clock.turn(Duration::from_secs(60));
    run.go(8).await;
    assert_eq!(run.world.far.calls("submit").len(), 1, "nothing was repeated blind");
    let asked: Vec<(String, Value)> = run.world.far.seen.lock().unwrap().clone();
    let sent: BTreeSet<&str> = asked[0].1["rows"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap()).collect();
    let after: BTreeSet<&str> = asked[1..].iter().map(|(_, body)| body["message"].as_str().unwrap()).collect();
    assert_eq!(after, sent, "each by the id it was sent under");
    assert!(run.stand().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_during_the_call_is_asked_after_message_by_message() {
    let mut run = Run::new(office(ITEMS, ""), 3).await;
    run.world.far.hang.store(true, Ordering::SeqCst);
    run.go(8).await;
    for _ in 0..3 {
        run.world.clock.turn(Duration::from_secs(600));
        run.go(8).await;
    }
    assert_eq!(run.world.far.calls("submit").len(), 1);
    assert_eq!(run.world.far.calls("inquiry").len(), 3);
    assert!(run.stand().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_word_for_all_that_is_no_sends_each_alone() {
    let mut run = Run::new(office("", ""), 3).await;
    let word = |body: &Value| {
        Ok(json!({ "ok": !body["rows"].as_array().unwrap().iter().any(|r| r["code"].as_str().unwrap().ends_with('2')) }))
    };
    for _ in 0..4 {
        run.answer(word);
    }
    run.go(8).await;
    assert_eq!(run.world.far.calls("submit"), vec![run.codes(&[1, 2, 3])]);
    run.go(8).await;
    let alone = run.world.far.calls("submit")[1..].iter().flatten().cloned().collect::<BTreeSet<_>>();
    assert_eq!((run.world.far.calls("submit").len(), alone), (4, run.codes(&[1, 2, 3]).into_iter().collect()));
    let status = [run.status(1).await, run.status(2).await, run.status(3).await];
    assert_eq!(status, [Status::New, Status::Refused, Status::New], "only the one it was meant for is refused");
    assert!(run.stand().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_written_is_parked_and_its_company_goes() {
    let mut run = Run::new(office(ITEMS, "    about = summary\n"), 0).await;
    for (n, summary) in [(1, "một"), (2, ""), (3, "ba")] {
        let code = format!("H26.15-20251108-{n:07}");
        let mut body = json!({ "code": code, "procedure": "1.005142", "submitted_at": run.world.clock.now().rfc3339(),
            "agency": { "code": "H26.15" }, "owner": { "name": "Người Thử" }, "papers": [] });
        if !summary.is_empty() {
            body["summary"] = json!(summary);
        }
        let submit = |scene: &Scene<'_>, _: &str, m: &mut Message, s: &Snapshot| exchange::submit(scene, m, s);
        take(&run.world.shared(), "city", &code, Kind::DossierSubmit, &body, submit).await.unwrap();
        run.world.dossiers.push(code);
    }
    run.go(8).await;
    assert_eq!(run.world.far.calls("submit"), vec![run.codes(&[1, 3])]);
    let stand = run.stand().await;
    assert_eq!(stand.keys().copied().collect::<Vec<_>>(), vec![2]);
    assert!(stand[&2].0 == DeliveryState::Parked && stand[&2].1.starts_with("not-writable at /summary"), "{stand:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_leaves_batches_as_they_were() {
    let mut run = Run::new(office(ITEMS, ""), 3).await;
    for _ in 0..2 {
        run.answer(|_| Err(SendError::NotSent("refused")));
    }
    for _ in 0..3 {
        run.go(8).await;
        run.world.clock.turn(Duration::from_secs(600));
    }
    assert_eq!(run.world.far.calls("submit"), vec![run.codes(&[1, 2, 3]); 3], "nobody's attempts were used, nobody goes alone");
    assert!(run.stand().await.is_empty());
}
