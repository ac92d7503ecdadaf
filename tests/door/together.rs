//! Batches over real connections, in SOAP: an office of our own invention takes several submissions in a call and answers with a row a
//! message, told apart by the dossier or by their order. Read and written on its side by roxmltree and by hand, never by our mapping.

use crate::rig::{CODE, Gate, soap};
use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::routing::post;
use lienthong::catalogue::Files;
use lienthong::config::PartnerSettings;
use lienthong::journal::{DeliveryFilter, DeliveryState, Journal as _};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A row of an answer: the dossier, the outcome's word, the reason.
type Row = (String, &'static str, &'static str);
/// What the office answers to the codes of a call; none: it takes them all.
type Answer = Box<dyn FnOnce(&[String]) -> Vec<Row> + Send>;

#[derive(Default)]
struct Office {
    script: Mutex<VecDeque<Answer>>,
    /// The codes it knows when it is asked.
    known: Mutex<Vec<String>>,
    /// Path and codes of every call.
    seen: Mutex<Vec<(String, Vec<String>)>>,
}

impl Office {
    fn calls(&self, path: &str) -> Vec<Vec<String>> {
        self.seen.lock().unwrap().iter().filter(|(p, _)| p == path).map(|(_, codes)| codes.clone()).collect()
    }

    fn answer(&self, answer: impl FnOnce(&[String]) -> Vec<Row> + Send + 'static) {
        self.script.lock().unwrap().push_back(Box::new(answer));
    }
}

async fn taken(State(office): State<Arc<Office>>, uri: Uri, body: String) -> ([(&'static str, &'static str); 1], String) {
    let doc = roxmltree::Document::parse(&body).unwrap_or_else(|e| panic!("{e}: {body}"));
    let codes: Vec<String> =
        doc.descendants().filter(|n| n.tag_name().name() == "SoHoSo").map(|n| n.text().unwrap().to_owned()).collect();
    let path = uri.path().to_owned();
    office.seen.lock().unwrap().push((path.clone(), codes.clone()));
    let inner = if path == "/tra-cuu" {
        let known = office.known.lock().unwrap().contains(&codes[0]);
        format!("<TrangThai xmlns='urn:vu:1'><Co>{known}</Co></TrangThai>")
    } else {
        let answer = office.script.lock().unwrap().pop_front();
        let rows = answer.map_or_else(|| codes.iter().map(|code| (code.clone(), "nhan", "")).collect(), |answer| answer(&codes));
        let rows: String = rows
            .iter()
            .map(|(code, word, why)| {
                let why = if why.is_empty() { String::new() } else { format!("<v:LyDo>{why}</v:LyDo>") };
                format!("<v:Muc><v:KetQua>{word}</v:KetQua><v:SoHoSo>{code}</v:SoHoSo>{why}</v:Muc>")
            })
            .collect();
        format!("<v:KetQuaLo xmlns:v='urn:vu:1'><v:MaPhanHoi>0</v:MaPhanHoi>{rows}</v:KetQuaLo>")
    };
    ([("content-type", "text/xml; charset=utf-8")], soap(&inner))
}

const PARTNER: &str = r#"
name  = "vu"
role  = "ministry"
title = "Phần mềm theo lô thử nghiệm"
class = "ministry"

[transport]
base = "https://vu.vidu.example"

[limits]
out = { rate = "50/s", at_once = 1 }

[out.submit]
message      = "dossier.submit"
map          = "submit"
post         = "/ho-so"
judge        = "call"
repeat       = "ask"
ask          = "inquiry"
quiet        = "100ms"
ask-schedule = ["50ms", "100ms"]
batch        = 4
items        = { map = "results", by = "BY", judge = "row" }

[out.inquiry]
message = "dossier.query"
map     = "inquiry"
post    = "/tra-cuu"
judge   = "asked"
content = "state"
repeat  = "safe"

[judge.call]
rules = [{ http = "200", at = "KetQuaLo/MaPhanHoi", in = ["0"], then = "done" }, { http = "429,503", then = "retry" }]

[judge.asked]
rules = [{ http = "200", then = "done" }, { http = "429,503", then = "retry" }]

[judge.row]
rules = [
  { http = "200", at = "/outcome", in = ["accepted"], then = "done" },
  { http = "200", at = "/reason", in = ["ban"], then = "retry" },
  { http = "200", at = "/outcome", in = ["refused"], then = "reject" },
]
"#;

const HEAD: &str = "format: xml\nenvelope: soap11\nnamespace: urn:vu:1\n";

/// The shipped adapters with this partner in the place of their ministry.
fn files(by: &str) -> Files {
    let embedded = Files::embedded();
    let mut files = Files::default();
    for folder in ["schemas/", "adapters/hanoi/", "adapters/keypay/"] {
        for (path, text) in embedded.under(folder) {
            files = files.with(format!("{folder}{path}"), text);
        }
    }
    // What this wire does not carry of a message.
    let without = |message: &str, carried: &[&str]| {
        let schema: Value = serde_json::from_str(embedded.text(&format!("schemas/canonical/{message}.json")).unwrap()).unwrap();
        let all = schema["properties"].as_object().unwrap().keys().filter(|k| !carried.contains(&k.as_str()));
        all.cloned().collect::<Vec<_>>().join(", ")
    };
    let head = |message: &str, root: &str, carried: &[&str]| {
        let left = without(message, carried);
        let left = if left.is_empty() { String::new() } else { format!("without: {left}\n") };
        format!("message: {message}\n{HEAD}root: {root}\n{left}\n")
    };
    let dossier = if by == "dossier" { ("SoHoSo = dossier", "dossier") } else { ("SoHoSo = *", "outcome") };
    [
        ("partner.toml", PARTNER.replace("BY", by)),
        (
            "submit.map",
            format!("{}HoSo[] = .\n    @ma = $message.id\n    SoHoSo = code\n", head("dossier.submit", "NopLo", &["code"])),
        ),
        (
            "results.map",
            format!(
                "{}MaPhanHoi = *\nMuc[] = .\n    KetQua = outcome : code(outcome)\n    {}\n    LyDo = reason ?\n",
                head("receipt", "KetQuaLo", &["outcome", "reason", dossier.1]),
                dossier.0
            ),
        ),
        ("inquiry.map", format!("{}SoHoSo = code\nMa = message ?\n", head("dossier.query", "TraCuu", &["code", "message"]))),
        ("state.map", format!("{}Co = known\n", head("dossier.state", "TrangThai", &["known"]))),
        ("codes.toml", "[outcome]\naccepted = \"nhan\"\nrefused = \"khong\"\n".to_owned()),
    ]
    .into_iter()
    .fold(files, |files, (name, text)| files.with(format!("adapters/vu/{name}"), text))
}

/// A gateway with so many dossiers that wait for the office, and the office on a socket.
async fn begun(by: &str, dossiers: usize) -> (Gate, Arc<Office>, Vec<String>) {
    let office = Arc::new(Office::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/ho-so", post(taken)).route("/tra-cuu", post(taken)).with_state(office.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let settings = PartnerSettings { base: Some(base), ..PartnerSettings::default() };
    let gate = Gate::set_up(&files(by), "", &BTreeMap::from([("vu".to_owned(), settings)])).await;
    let mut body = gate.submission().await;
    let mut codes = Vec::new();
    for n in 0..dossiers {
        let code = format!("{}{n}", &CODE[..CODE.len() - 1]);
        body["MaHoSo"] = code.clone().into();
        let answer = gate.portal("/hanoi/ho-so", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        codes.push(code);
    }
    (gate, office, codes)
}

/// The office's unfinished deliveries: by dossier, state and reason.
async fn open(gate: &Gate) -> BTreeMap<String, (DeliveryState, String)> {
    let filter = DeliveryFilter { partner: Some("vu".into()), limit: 100, ..DeliveryFilter::default() };
    let all = gate.journal.deliveries(filter).await.unwrap();
    all.into_iter().map(|d| (d.dossier.unwrap(), (d.state, d.reason.unwrap_or_default()))).collect()
}

async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..1_500 {
        if let Some(found) = ask().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited in vain for {what}");
}

async fn status(gate: &Gate, code: &str) -> String {
    gate.journal.snapshot(code).await.unwrap().dossier.unwrap().status.word().to_owned()
}

/// Why each delivery's call was left open, from its attempts.
async fn attempts(gate: &Gate, number: u64) -> Vec<(String, String, String)> {
    let made = gate.journal.delivery(number).await.unwrap().unwrap().attempts;
    made.into_iter().map(|a| (a.what, a.outcome, a.why.unwrap_or_default())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_told_by_their_dossier_settle_each_its_own_over_soap() {
    let (gate, office, codes) = begun("dossier", 6).await;
    // In another order: one taken, one refused, of the third nothing, the fourth in a word nobody knows.
    office.answer(|codes| {
        vec![(codes[3].clone(), "gi-day", ""), (codes[1].clone(), "khong", "E7"), (codes[0].clone(), "nhan", "")]
    });
    // It has the third, and has not the fourth.
    office.known.lock().unwrap().push(codes[2].clone());
    let dispatcher = gate.dispatch();
    until("everything settled", async || open(&gate).await.is_empty().then_some(())).await;
    dispatcher.stop().await;

    let calls = office.calls("/ho-so");
    assert_eq!((&calls[0], &calls[1]), (&codes[..4].to_vec(), &codes[4..].to_vec()));
    assert_eq!(calls[2..], [vec![codes[3].clone()]], "only what they have not goes again, and alone");
    let mut asked: Vec<String> = office.calls("/tra-cuu").concat();
    asked.sort();
    asked.dedup();
    assert_eq!(asked, codes[2..4], "each of whom nothing clear was told is asked after, and nobody else");
    assert_eq!(status(&gate, &codes[1]).await, "refused");
    for code in [&codes[0], &codes[2], &codes[3], &codes[4], &codes[5]] {
        assert_eq!(status(&gate, code).await, "new", "{code}: handed over, nothing told yet");
    }
    let why = |made: &[(String, String, String)]| made[0].2.clone();
    assert_eq!(why(&attempts(&gate, 3).await), "answer-missing");
    assert_eq!(why(&attempts(&gate, 4).await), "answer-unreadable at KetQuaLo/Muc[1]/KetQua");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_told_by_their_order_count_only_when_there_are_as_many() {
    let (gate, office, codes) = begun("order", 8).await;
    // The codes in the rows are not looked at: their order is agreed.
    let row = |word, why| (CODE.to_owned(), word, why);
    office.answer(move |_| vec![row("nhan", ""), row("khong", "E7"), row("khong", "ban"), row("nhan", "")]);
    // One row too few: nobody can tell whose is missing.
    office.answer(move |_| vec![row("nhan", ""), row("nhan", ""), row("nhan", "")]);
    office.known.lock().unwrap().extend(codes[4..].iter().cloned());
    let dispatcher = gate.dispatch();
    until("everything settled", async || open(&gate).await.is_empty().then_some(())).await;
    dispatcher.stop().await;

    let calls = office.calls("/ho-so");
    assert_eq!((&calls[0], &calls[1]), (&codes[..4].to_vec(), &codes[4..].to_vec()));
    assert_eq!(calls[2..], [vec![codes[2].clone()]], "the busy one goes again, alone");
    let mut asked: Vec<String> = office.calls("/tra-cuu").concat();
    asked.sort();
    assert_eq!(asked, codes[4..], "all of the second call are asked after, once");
    assert_eq!(status(&gate, &codes[1]).await, "refused");
    for n in 5..=8 {
        assert_eq!(attempts(&gate, n).await[0].2, "answer-rows-differ", "delivery {n}");
    }
}
