//! A dossier handed in as JSON leaves as a letter on the inter-agency axis (edXML), over real connections: what lxml and zipfile find in it,
//! and what becomes of it by the axis's answer. The axis is played by hand and knows nothing of our mapping.

use crate::rig::{CODE, Gate, soap};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lienthong::catalogue::Files;
use lienthong::config::PartnerSettings;
use lienthong::journal::{DeliveryState, DeliveryView, Journal as _};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The axis: the statuses it answers (200 when there are no more), the letters it got, whose dossier it says it knows.
#[derive(Default)]
struct Axis {
    answers: Mutex<VecDeque<u16>>,
    letters: Mutex<Vec<(HeaderMap, String)>>,
    asked: Mutex<Vec<String>>,
    knows: Mutex<bool>,
}

async fn letter(State(axis): State<Arc<Axis>>, headers: HeaderMap, body: String) -> StatusCode {
    axis.letters.lock().unwrap().push((headers, body));
    StatusCode::from_u16(axis.answers.lock().unwrap().pop_front().unwrap_or(200)).unwrap()
}

async fn asked(State(axis): State<Arc<Axis>>, body: String) -> ([(&'static str, &'static str); 1], String) {
    axis.asked.lock().unwrap().push(body);
    let known = u8::from(*axis.knows.lock().unwrap());
    let answer = format!(
        "<TraCuuKetQua xmlns='urn:lienthong:bo-gddt:1'><MaPhanHoi>0</MaPhanHoi><ThongDiep>Xong</ThongDiep><DaBiet>{known}</DaBiet></TraCuuKetQua>"
    );
    ([("content-type", "text/xml; charset=utf-8")], soap(&answer))
}

/// The shipped adapters, their ministry reached by letters.
fn files() -> Files {
    let embedded = Files::embedded();
    let (path, head) = ("adapters/moet/partner.toml", "[out.letter]");
    let text = embedded.text(path).unwrap();
    let (before, letter) = text.split_once(head).unwrap();
    let switched = letter.replacen("enabled    = false", "enabled    = true", 1);
    assert_ne!(switched, letter);
    let before = before.replacen("[out.submit]", "[out.submit]\nenabled = false", 1);
    let switched = switched.replacen("quiet      = \"2m\"", "quiet      = \"100ms\"\nask-schedule = [\"50ms\", \"100ms\"]", 1);
    embedded.with(path, format!("{before}{head}{switched}"))
}

/// A gateway that sends letters to an axis on a socket, with one dossier handed in.
async fn begun(answers: &[u16]) -> (Gate, Arc<Axis>) {
    let axis = Arc::new(Axis::default());
    axis.answers.lock().unwrap().extend(answers);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router =
        Router::new().route("/truc/edxml", post(letter)).route("/dich-vu/HoSo.asmx", post(asked)).with_state(axis.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let settings = PartnerSettings { base: Some(base), ..PartnerSettings::default() };
    let gate = Gate::set_up(&files(), "", &BTreeMap::from([("moet".to_owned(), settings)])).await;
    gate.submit().await;
    (gate, axis)
}

/// The delivery once it has come to an end.
async fn ended(gate: &Gate) -> DeliveryView {
    let dispatcher = gate.dispatch();
    for _ in 0..1_500 {
        let view = gate.journal.delivery(1).await.unwrap().unwrap().view;
        if !matches!(view.state, DeliveryState::Waiting | DeliveryState::Claimed | DeliveryState::Unknown) {
            dispatcher.stop().await;
            return view;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the letter came to no end");
}

/// What lxml (with both schemas) and zipfile find in a letter: its attachments by their id.
fn unpacked(letter: &str) -> Value {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("venv/bin/python");
    let mut python = Command::new(venv);
    python.args(["tests/wires/strangers.py", "letter"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let mut child = python
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{e}: ./scripts/test makes the venv"));
    let given = json!({ "xml": [letter], "xsd": "schemas/moet/edxml.xsd", "inner": "schemas/moet/lien-thong.xsd" });
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "its fault is above");
    serde_json::from_slice::<Value>(&output.stdout).unwrap()["found"][0].clone()
}

fn element<'d>(document: &'d roxmltree::Document<'_>, name: &str) -> &'d str {
    let found = document.descendants().find(|n| n.tag_name().name() == name);
    found.and_then(|n| n.text()).unwrap_or_else(|| panic!("no {name}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dossier_leaves_as_a_letter_whose_files_are_what_the_citizen_handed_in() {
    let (gate, axis) = begun(&[202]).await;
    let view = ended(&gate).await;
    assert_eq!((view.state, view.route.as_str()), (DeliveryState::Done, "letter"));
    let letters = axis.letters.lock().unwrap().clone();
    let [(headers, text)] = &letters[..] else { panic!("{} letters", letters.len()) };
    assert!(headers["content-type"].to_str().unwrap().contains("xml"), "{headers:?}");
    assert!(headers["authorization"].to_str().unwrap().starts_with("Basic "));
    let document = roxmltree::Document::parse(text).unwrap();
    assert_eq!(element(&document, "Subject"), format!("Hồ sơ {CODE}"));
    assert_eq!((element(&document, "CodeNumber"), element(&document, "BussinessDocType")), (CODE, "MCDT_DT"));
    let found = unpacked(text);
    let taken = |id: &str| STANDARD.decode(found[id].as_str().unwrap_or_else(|| panic!("no {id} in {found}"))).unwrap();
    let dossier = String::from_utf8(taken("ho-so.xml")).unwrap();
    let dossier = roxmltree::Document::parse(&dossier).unwrap();
    assert_eq!(element(&dossier, "HoTen"), "Trần Quỳnh Ngân");
    let file = found.as_object().unwrap().keys().find(|id| *id != "ho-so.xml").unwrap();
    assert_eq!(taken(file), "nội dung đơn".as_bytes());
    assert!(dossier.descendants().any(|n| n.attributes().any(|a| a.value() == file)), "the dossier names the file");
    // Explained like any other: by the letter's own lines.
    let explained = gate.operator("/v1/deliveries/1/explain", None).await;
    assert!(explained.status == 200 && explained.text.contains("adapters/moet/letter.map"), "{}", explained.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_of_which_nobody_knows_is_asked_after_and_sent_again_as_the_same_bytes() {
    let (gate, axis) = begun(&[500]).await;
    assert_eq!(ended(&gate).await.state, DeliveryState::Done);
    let letters = axis.letters.lock().unwrap().clone();
    assert_eq!(letters.len(), 2, "once more, after the axis said that it has it not");
    assert_eq!(letters[0].1, letters[1].1);
    let asked = axis.asked.lock().unwrap().clone();
    let trace = roxmltree::Document::parse(&letters[0].1).unwrap();
    let id = trace.descendants().find(|n| n.tag_name().name() == "TraceHeaderList").unwrap().attribute("id").unwrap();
    assert!(
        !asked.is_empty() && asked.iter().all(|a| a.contains(CODE) && a.contains(id)),
        "asked by code and message id: {asked:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_arrived_after_all_is_not_sent_twice_and_a_refused_one_waits_for_a_person() {
    let (gate, axis) = begun(&[504]).await;
    *axis.knows.lock().unwrap() = true;
    assert_eq!(ended(&gate).await.state, DeliveryState::Done);
    assert_eq!(axis.letters.lock().unwrap().len(), 1);

    let (gate, axis) = begun(&[422]).await;
    let view = ended(&gate).await;
    assert_eq!(view.state, DeliveryState::Parked, "{view:?}");
    assert_eq!((axis.letters.lock().unwrap().len(), axis.asked.lock().unwrap().len()), (1, 0));
    assert_eq!(gate.status().await, "new");
}
