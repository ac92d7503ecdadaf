//! A partner that speaks in batches, as data alone: it takes submissions by twos with an answer a row, and pushes statuses as an array. At
//! the door each item is judged, keyed and answered for itself.

use crate::rig::{Answer, CODE, Gate, basic};
use lienthong::catalogue::{Catalogue, Files, RowBy};
use lienthong::config::Placeholders;
use lienthong::journal::Journal as _;
use lienthong::seal::sha256_hex;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const PARTNER: &str = r#"
name  = "vu"
role  = "ministry"
title = "Phần mềm theo lô thử nghiệm"
class = "ministry"

[transport]
base = "https://vu.vidu.example"

[out.submit]
message = "dossier.submit"
map     = "submit"
post    = "/ho-so"
judge   = "plain"
repeat  = "ask"
ask     = "inquiry"
batch   = 2
items   = { map = "results", by = "reference", judge = "row" }

[out.inquiry]
message = "dossier.query"
map     = "inquiry"
post    = "/tra-cuu"
judge   = "plain"
content = "state"
repeat  = "safe"

[in.status]
post     = "/trang-thai"
map      = "status"
auth     = "basic"
dedupe   = ["id"]
max_body = "1MB"
reply    = { accepted = "taken", refused = "refused", broken = "refused" }

[judge.plain]
rules = [{ http = "200", at = "/ok", in = [true], then = "done" }, { http = "429,503", then = "retry" }]

[judge.row]
rules = [
  { http = "200", at = "/outcome", in = ["accepted"], then = "done" },
  { http = "200", at = "/reason", in = ["busy"], then = "retry" },
  { http = "200", at = "/outcome", in = ["refused"], then = "reject" },
]
"#;

const STATUS: &str = "\
message: status.change
format:  json
unknown: refuse
without: documents, due_at, fee_due, missing, note, officer, sequence

[] = .
    id     = id
    hoSo   = code
    luc    = at
    trang  = status
";

const TAKEN: &str = "\
message: receipt
format:  json
without: at, transaction, url

[] = .
    ketQua = outcome
    hoSo   = dossier ?
    ma     = reference ?
    lyDo   = reason ?
    chu    = note ?
    en     = note_en ?
";

const RESULTS: &str = "\
message: receipt
format:  json
without: at, dossier, note, note_en, transaction, url

ok = *
muc[] = .
    ma     = reference
    ketQua = outcome
    lyDo   = reason ?
";

/// The same statuses as XML, judged by a schema of its own before they are read.
const STATUS_XML: &str = "\
message: status.change
format:  xml
schema:  vu/trang-thai.xsd
namespace: urn:vu:1
root:    CapNhat
unknown: refuse
without: documents, due_at, fee_due, missing, note, officer, sequence

Ngay = *
Muc[] = .
    Ma    = id
    HoSo  = code
    Luc   = at
    Trang = status
";

const STATUS_XSD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:vu:1" elementFormDefault="qualified">
  <xs:element name="CapNhat"><xs:complexType><xs:sequence>
    <xs:element name="Ngay" type="xs:date" minOccurs="0"/>
    <xs:element name="Muc" maxOccurs="3"><xs:complexType><xs:sequence>
      <xs:element name="Ma"><xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="v-[0-9]+"/></xs:restriction></xs:simpleType></xs:element>
      <xs:element name="HoSo" type="xs:string"/>
      <xs:element name="Luc" type="xs:dateTime"/>
      <xs:element name="Trang" type="xs:string"/>
    </xs:sequence></xs:complexType></xs:element>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>
"#;

/// The shipped adapters with this partner in the place of their ministry.
fn files() -> Files {
    let embedded = Files::embedded();
    let mut files = Files::default();
    for folder in ["schemas/", "adapters/hanoi/", "adapters/keypay/"] {
        for (path, text) in embedded.under(folder) {
            files = files.with(format!("{folder}{path}"), text);
        }
    }
    let schema: Value = serde_json::from_str(embedded.text("schemas/canonical/dossier.submit.json").unwrap()).unwrap();
    let left: Vec<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).filter(|k| *k != "code").collect();
    let submit = format!(
        "message: dossier.submit\nformat:  json\nwithout: {}\n\n[] = .\n    ma   = $message.id\n    hoSo = code\n",
        left.join(", ")
    );
    let refused = "message: refusal\nformat: json\nwithout: faults, status, text_en\n\nlyDo = reason\nchu = text\n";
    let state = "message: dossier.state\nformat: json\nwithout: {left}\n\nok = *\nco = known\n";
    let schema: Value = serde_json::from_str(embedded.text("schemas/canonical/dossier.state.json").unwrap()).unwrap();
    let left: Vec<&str> =
        schema["properties"].as_object().unwrap().keys().map(String::as_str).filter(|k| *k != "known").collect();
    let state = state.replace("{left}", &left.join(", "));
    [
        ("partner.toml", PARTNER),
        ("submit.map", submit.as_str()),
        ("results.map", RESULTS),
        ("status.map", STATUS),
        ("taken.map", TAKEN),
        ("refused.map", refused),
        ("state.map", state.as_str()),
        ("inquiry.map", "message: dossier.query\nformat: json\n\nhoSo = code\nma = message ?\n"),
    ]
    .into_iter()
    .fold(files, |files, (name, text)| files.with(format!("adapters/vu/{name}"), text))
}

/// The partner as it is, but for its statuses: in XML, on a route that asks for validation.
fn valid_files() -> Files {
    let partner = PARTNER.replace("[in.status]\n", "[in.status]\nvalidate = \"xsd\"\n");
    files()
        .with("adapters/vu/partner.toml", partner)
        .with("adapters/vu/status.map", STATUS_XML)
        .with("schemas/vu/trang-thai.xsd", STATUS_XSD)
}

async fn gate() -> Gate {
    gate_of(&files()).await
}

async fn gate_of(files: &Files) -> Gate {
    let digest = sha256_hex(b"chu-vu");
    let caller =
        format!("[[caller]]\nname='vu'\npartner='vu'\nroles=['ministry']\nbasic={{user='vu',password_sha256='{digest}'}}\n");
    Gate::with(files, &caller).await
}

const OTHER: &str = "H26.15-20260720-0000118";
const STRANGE: &str = "H26.15-20260720-0000999";

fn item(id: &str, code: &str, status: &str, at: &str) -> Value {
    json!({ "id": id, "hoSo": code, "trang": status, "luc": format!("2026-07-21T{at}:00+07:00") })
}

async fn push(gate: &Gate, items: &[Value]) -> Answer {
    push_text(gate, json!(items).to_string()).await
}

async fn push_text(gate: &Gate, body: String) -> Answer {
    let auth = basic("vu", "chu-vu");
    let media = if body.starts_with('<') { "application/xml" } else { "application/json" };
    gate.send("/vu/trang-thai", &[("authorization", &auth), ("content-type", media)], body).await
}

async fn hand_in(gate: &Gate) {
    let mut body = gate.submit().await;
    body["MaHoSo"] = OTHER.into();
    let answer = gate.portal("/hanoi/ho-so", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

async fn status(gate: &Gate, code: &str) -> String {
    gate.journal.snapshot(code).await.unwrap().dossier.unwrap().status.word().to_owned()
}

#[test]
fn a_partner_that_speaks_in_batches_is_data_alone() {
    let catalogue = Catalogue::load(&files(), &BTreeMap::new(), &Placeholders).unwrap_or_else(|faults| panic!("{faults}"));
    let submit = &catalogue.partners["vu"].outs["submit"];
    assert_eq!((submit.batch, submit.items.as_ref().map(|i| i.by)), (2, Some(RowBy::Reference)));
    let one_answer = files().with("adapters/vu/taken.map", TAKEN.replace("[] = .\n", "").replace("\n    ", "\n"));
    let told = Catalogue::load(&one_answer, &BTreeMap::new(), &Placeholders).unwrap_err().to_string();
    assert!(told.contains("`taken.map` carries one message, not rows of them"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_item_of_a_batch_is_taken_or_refused_for_itself_and_told_in_its_place() {
    let gate = gate().await;
    hand_in(&gate).await;
    let items = [
        item("v-1", CODE, "received", "08:00"),
        item("v-2", STRANGE, "received", "08:00"),
        item("v-3", OTHER, "received", "08:01"),
    ];
    let answer = push(&gate, &items).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let rows = answer.json();
    let words: Vec<_> = rows.as_array().unwrap().iter().map(|r| (r["hoSo"].clone(), r["ketQua"].clone())).collect();
    assert_eq!(
        words,
        [(json!(CODE), json!("accepted")), (json!(STRANGE), json!("refused")), (json!(OTHER), json!("accepted"))],
        "{}",
        answer.text
    );
    assert!(rows[1]["lyDo"].is_string() && rows[1]["chu"].is_string(), "{}", answer.text);
    assert_eq!((status(&gate, CODE).await, status(&gate, OTHER).await), ("received".into(), "received".into()));
    // The same again: the first receipts, nothing written for what was taken.
    let again = push(&gate, &[items[0].clone(), items[2].clone()]).await;
    assert_eq!((again.json()[0].clone(), again.json()[1].clone()), (rows[0].clone(), rows[2].clone()));
    let written = gate.rows();
    push(&gate, &[items[0].clone(), items[2].clone()]).await;
    assert_eq!(gate.rows(), written, "a repeat writes nothing");
    // One key in another meaning is refused beside a new one that is taken; one item is answered in a row as many are.
    let mixed = push(&gate, &[item("v-1", CODE, "processing", "08:30"), item("v-4", OTHER, "processing", "08:31")]).await;
    let said: Vec<Value> = mixed.json().as_array().unwrap().iter().map(|r| r["ketQua"].clone()).collect();
    assert_eq!((mixed.status, said), (200, vec![json!("refused"), json!("accepted")]), "{}", mixed.text);
    assert_eq!((status(&gate, CODE).await, status(&gate, OTHER).await), ("received".into(), "processing".into()));
    let single = push(&gate, &[item("v-5", CODE, "processing", "08:32")]).await;
    assert_eq!((single.status, single.json()[0]["ketQua"].clone()), (200, json!("accepted")), "{}", single.text);
    // One message twice in a batch is one message.
    let twice = push(&gate, &[item("v-5", CODE, "processing", "08:32"), item("v-5", CODE, "processing", "08:32")]).await;
    assert_eq!(twice.json()[0], twice.json()[1], "{}", twice.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_cannot_be_read_is_told_at_its_place_in_both_languages_and_the_others_are_taken() {
    let good = |id: &str, code: &str| item(id, code, "received", "08:00").to_string();
    let mut word = item("b-1", OTHER, "received", "08:02");
    word["trang"] = json!("no such status");
    let twice = format!("{{\"id\":\"b-1\",\"id\":\"b-2\",{}", good("x", OTHER).trim_start_matches("{"));
    let mut late = item("b-1", OTHER, "received", "08:02");
    late["id"] = "x".repeat(100).into();
    for (what, bad, reason, place, dossier) in [
        ("a field is missing", json!({ "hoSo": OTHER }).to_string(), "message-unreadable", "/1/id", Some(OTHER)),
        ("a word nobody knows", word.to_string(), "message-unreadable", "/1/trang", Some(OTHER)),
        ("no object", "7".to_owned(), "message-unreadable", "/1", None),
        ("a name twice", twice, "message-unreadable", "/1/id", None),
        ("a value too long for the schema", late.to_string(), "message-invalid", "/1/id", Some(OTHER)),
        ("a text too long to be read", good(&"y".repeat(70_000), OTHER), "message-unreadable", "/1/id", None),
    ] {
        let gate = gate().await;
        hand_in(&gate).await;
        let body = format!("[{},\n {bad},{}]", good("a-1", CODE), good("a-2", OTHER));
        let answer = push_text(&gate, body.clone()).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text);
        let rows = answer.json();
        let words: Vec<&Value> = rows.as_array().unwrap().iter().map(|r| &r["ketQua"]).collect();
        assert_eq!(words, ["accepted", "refused", "accepted"], "{what}: {}", answer.text);
        assert_eq!((rows[1]["lyDo"].as_str(), rows[1]["hoSo"].as_str()), (Some(reason), dossier), "{what}: {}", answer.text);
        for text in ["chu", "en"] {
            let told = rows[1][text].as_str().unwrap();
            assert!(told.contains(&format!("{place}:")), "{what}: {told}");
        }
        assert_ne!(rows[1]["chu"], rows[1]["en"], "{what}");
        assert_eq!((status(&gate, CODE).await, status(&gate, OTHER).await), ("received".into(), "received".into()), "{what}");
        // The same batch again: the same answer, and nothing more is written.
        let written = gate.rows();
        let again = push_text(&gate, body).await;
        assert_eq!((again.status, again.text), (answer.status, answer.text), "{what}");
        assert_eq!(gate.rows(), written, "{what}");
        // Mended, under the key it would have had: taken, beside the first receipts.
        let mended = push_text(&gate, format!("[{},{}]", good("a-1", CODE), item("b-1", OTHER, "processing", "08:09"))).await;
        assert_eq!((&mended.json()[0], mended.json()[1]["ketQua"].as_str()), (&rows[0], Some("accepted")), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_which_nothing_is_taken_says_why_of_each_and_one_that_is_no_batch_is_refused_whole() {
    let gate = gate().await;
    hand_in(&gate).await;
    let strange = push(&gate, &[item("v-1", STRANGE, "received", "08:00"), item("v-2", STRANGE, "received", "08:01")]).await;
    assert_eq!((strange.status, strange.json().as_array().unwrap().len()), (422, 2), "{}", strange.text);
    let rows = gate.rows();
    let unreadable = push(&gate, &[json!({ "id": "v-3" }), json!(7)]).await;
    let reasons: Vec<Value> = unreadable.json().as_array().unwrap().iter().map(|r| r["lyDo"].clone()).collect();
    assert_eq!((unreadable.status, reasons), (422, vec![json!("message-unreadable"); 2]), "{}", unreadable.text);
    assert_eq!(gate.rows(), rows, "what cannot be read writes nothing");
    let good = item("v-4", OTHER, "received", "08:02").to_string();
    for (what, body, reason) in [
        ("none", "[]".to_owned(), "batch-size"),
        ("too many", format!("[{}]", vec![good.as_str(); 201].join(",")), "batch-size"),
        ("no end of the array", format!("[{good},"), "message-unreadable"),
        ("an item that does not end", format!("[{good},{{\"id\":\"v-5]"), "message-unreadable"),
        ("something behind it", format!("[{good}] {good}"), "message-unreadable"),
        ("no array", good.clone(), "message-unreadable"),
    ] {
        let answer = push_text(&gate, body).await;
        assert_eq!(answer.json()["lyDo"], reason, "{what}: {}", answer.text);
        assert_eq!(gate.rows(), rows, "{what} writes nothing");
    }
    assert_eq!((status(&gate, CODE).await, status(&gate, OTHER).await), ("new".into(), "new".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_breaks_the_wires_schema_is_refused_in_its_row_and_its_company_is_taken() {
    let gate = gate_of(&valid_files()).await;
    hand_in(&gate).await;
    let muc = |id: &str, code: &str, at: &str| {
        format!("<Muc><Ma>{id}</Ma><HoSo>{code}</HoSo><Luc>2026-07-21T{at}:00+07:00</Luc><Trang>received</Trang></Muc>")
    };
    let document =
        |day: &str, rows: &[String]| format!("<CapNhat xmlns='urn:vu:1'><Ngay>{day}</Ngay>{}</CapNhat>", rows.concat());
    let bare = format!("<Muc><Ma>v-2</Ma><HoSo>{OTHER}</HoSo><Trang>received</Trang></Muc>");
    let body = document("2026-07-21", &[muc("v-1", CODE, "08:00"), muc("x-2", OTHER, "08:00"), bare]);
    let answer = push_text(&gate, body.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let rows = answer.json();
    let words: Vec<_> = (0..3).map(|n| (rows[n]["ketQua"].as_str().unwrap(), rows[n]["lyDo"].as_str())).collect();
    let refused = ("refused", Some("message-not-valid"));
    assert_eq!(words, [("accepted", None), refused, refused], "{}", answer.text);
    for (row, place) in [(1, "CapNhat/Muc[2]/Ma:"), (2, "CapNhat/Muc[3]")] {
        for text in ["chu", "en"] {
            let told = rows[row][text].as_str().unwrap();
            assert!(told.contains(place) && !told.contains("x-2"), "{told}");
        }
        assert_eq!(rows[row]["hoSo"], OTHER, "{}", answer.text);
    }
    assert_eq!((status(&gate, CODE).await, status(&gate, OTHER).await), ("received".into(), "new".into()));
    let written = gate.rows();
    assert_eq!(push_text(&gate, body).await.text, answer.text, "the same batch: the same answer");
    assert_eq!(gate.rows(), written, "and nothing more is written");
    // Where the fault is not an item's own nothing can be taken, and that is said.
    let four: Vec<String> = (5..9).map(|n| muc(&format!("v-{n}"), OTHER, "09:00")).collect();
    for (what, body) in [
        ("a fault outside the items", document("21/07", &[muc("v-3", OTHER, "08:00")])),
        ("more items than the schema allows", document("2026-07-21", &four)),
    ] {
        let whole = push_text(&gate, body).await;
        assert_eq!(whole.json()["lyDo"], "message-not-valid", "{what}: {}", whole.text);
        assert!(whole.json()["chu"].as_str().unwrap().contains("Cả lô không hợp lệ"), "{what}: {}", whole.text);
        assert_eq!(gate.rows(), written, "{what} writes nothing");
    }
}
