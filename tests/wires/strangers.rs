//! Messages from independent hands are read, and ours by them: lxml with its XSD validator, zeep, Python's json, Node, and a spyne
//! service that takes our SOAP calls, 1.1 and 1.2.
//!
//! Python stands in the venv that `scripts/test` makes beside the target folder; without it, or without Node, these tests fail.

use super::rig::schemas;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lienthong::body::{Value, json};
use lienthong::catalogue::{Catalogue, Files, Partner, Settings};
use lienthong::config::{FixedSecrets, Placeholders};
use lienthong::mapping::{Book, Context, Editions, Mapping, MemoryContents, Sealer, Shapes, Source};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

const MINISTRY: &str = "moet";
const PORTAL: &str = "hanoi";
const PLATFORM: &str = "keypay";
const NATIONAL: &str = "dvcqg";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Runs a stranger: one JSON object in, one out.
fn stranger(program: &Path, arguments: &[&str], given: &Value) -> Value {
    let child = Command::new(program).args(arguments).current_dir(root()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|e| panic!("{}: {e}: ./scripts/test installs what the tests need", program.display()));
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}: its fault is above");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn python(work: &str, given: &Value) -> Value {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("venv/bin/python");
    stranger(&venv, &["tests/wires/strangers.py", work], given)
}

fn catalogue() -> Catalogue {
    let files = Files::folder(&root()).unwrap();
    Catalogue::load(&files, &Settings::new(), &Placeholders).unwrap()
}

/// The keys of the published vectors.
const KEYS: [(&str, &str); 2] = [("keypay/hash_key_1", "khoa-mot-thu-nghiem"), ("keypay/hash_key_2", "khoa-hai-thu-nghiem")];

/// The same with keys to seal by.
fn sealing() -> Catalogue {
    let [first, second] = KEYS;
    let others = ["hanoi/client", "moet/password", "dvcqg/password"].map(|name| (name, "bi-mat"));
    let [client, ministry, national] = others;
    let secrets = FixedSecrets::of([first, second, client, ministry, national, ("hanoi/webhook", "YmktbWF0")]);
    Catalogue::load(&Files::folder(&root()).unwrap(), &Settings::new(), &secrets).unwrap()
}

/// The submissions among a partner's samples: canonical form, context, and contents, as the sample's own wire gives them.
fn submissions(map: &Mapping, partner: &str) -> Vec<(Value, Context, MemoryContents)> {
    let folder = root().join("adapters").join(partner).join("samples/submit");
    let mut wires: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    wires.retain(|p| !p.to_str().unwrap().contains(".canonical.") && !p.to_str().unwrap().contains(".context."));
    wires.sort();
    let read = |path: &PathBuf| {
        let mut contents = MemoryContents::default();
        let reading = map.read(&std::fs::read(path).unwrap(), &Context::new(), &mut contents).unwrap().remove(0);
        let context = reading.context.into_iter().fold(Context::new(), |ctx, (name, value)| ctx.with(name, value));
        (reading.body, context, contents)
    };
    wires.iter().map(read).collect()
}

/// Every sample of a mapping: its canonical messages, the context it is read in with what it tells, and what is written of them.
fn samples(partner: &Partner, map: &str) -> Vec<(Vec<Value>, Context, String)> {
    let folder = root().join("adapters").join(&partner.name).join("samples").join(map);
    let map = partner.map(map).unwrap();
    let mut wires: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    wires.retain(|p| !p.to_str().unwrap().contains(".canonical.") && !p.to_str().unwrap().contains(".context."));
    wires.sort();
    let taken = |path: &PathBuf| {
        let given = std::fs::read_to_string(path.with_extension("context.json")).unwrap_or_else(|_| "{}".to_owned());
        let given: Value = serde_json::from_str(&given).unwrap();
        let mut context = given.as_object().unwrap().iter().fold(Context::new(), |ctx, (n, v)| ctx.with(n.as_str(), v.clone()));
        let readings = map.read(&std::fs::read(path).unwrap(), &context, &mut MemoryContents::default()).unwrap();
        readings[0].context.iter().for_each(|(name, value)| context.set(name.clone(), value.clone()));
        let bodies: Vec<Value> = readings.into_iter().map(|r| r.body).collect();
        let sealer = partner.seal_of(map.name()).map(|seal| seal as &dyn Sealer);
        let all: Vec<&Value> = bodies.iter().collect();
        let ours = text(map.write_batch(&all, &context, &MemoryContents::default(), sealer).unwrap());
        (bodies, context, ours)
    };
    wires.iter().map(taken).collect()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// What a stranger made of each of our documents reads as the same message.
fn reads_the_same(map: &Mapping, messages: &[(Value, Context, MemoryContents)], made: &Value) {
    let made = made["made"].as_array().unwrap();
    assert_eq!(made.len(), messages.len());
    for ((body, context, contents), made) in messages.iter().zip(made) {
        let mut sink = MemoryContents::default();
        let wire = made.as_str().unwrap();
        let reading = map.read(wire.as_bytes(), context, &mut sink).unwrap_or_else(|f| panic!("{}\n{wire}", f[0])).remove(0);
        assert_eq!(&reading.body, body, "{wire}");
        assert_eq!(sink.kept, contents.kept);
    }
}

#[test]
fn our_dossiers_are_valid_for_lxml_and_what_lxml_builds_is_read_as_the_same() {
    let catalogue = catalogue();
    let map = catalogue.partners[MINISTRY].map("submit").unwrap();
    let messages = submissions(map, MINISTRY);
    assert!(messages.len() > 5);
    let ours: Vec<String> = messages.iter().map(|(body, ctx, store)| text(map.write(body, ctx, store, None).unwrap())).collect();
    let made = python("lxml", &json!({ "xml": ours, "xsd": "schemas/moet/lien-thong.xsd" }));
    reads_the_same(map, &messages, &made);
}

#[test]
fn a_letter_is_unpacked_by_zipfile_and_one_that_it_packs_is_read_as_the_same() {
    let catalogue = catalogue();
    let partner = &catalogue.partners[MINISTRY];
    let map = partner.map("letter").unwrap();
    let messages: Vec<_> = submissions(partner.map("submit").unwrap(), MINISTRY)
        .into_iter()
        .map(|(body, mut context, contents)| {
            partner.values.iter().for_each(|(name, value)| context.set(format!("partner.{name}"), value.as_str()));
            (body, context.with("message.time", "2025-04-21T23:59:59+07:00"), contents)
        })
        .collect();
    let ours: Vec<String> = messages.iter().map(|(body, ctx, store)| text(map.write(body, ctx, store, None).unwrap())).collect();
    let given = json!({ "xml": ours, "xsd": "schemas/moet/edxml.xsd", "inner": "schemas/moet/lien-thong.xsd" });
    let made = python("letter", &given);
    reads_the_same(map, &messages, &made);
    // What zipfile took out of ours is what was in the store.
    let mut files = 0;
    for ((body, _, contents), found) in messages.iter().zip(made["found"].as_array().unwrap()) {
        for file in body["papers"].as_array().unwrap().iter().flat_map(|p| p["files"].as_array().unwrap()) {
            let Some(blob) = file.pointer("/content/blob").and_then(Value::as_str) else { continue };
            let taken = STANDARD.decode(found[file["id"].as_str().unwrap()].as_str().unwrap()).unwrap();
            assert_eq!(taken, contents.kept[blob]);
            files += 1;
        }
        assert!(found["ho-so.xml"].is_string());
    }
    assert!(files > 10, "{files} files went through zipfile");
}

#[test]
fn our_json_goes_through_python_and_node_and_is_read_as_the_same() {
    let catalogue = catalogue();
    let map = catalogue.partners[PORTAL].map("submit").unwrap();
    let messages = submissions(map, PORTAL);
    let ours: Vec<String> = messages.iter().map(|(body, ctx, store)| text(map.write(body, ctx, store, None).unwrap())).collect();
    let given = json!({ "json": ours });
    for made in [python("json", &given), stranger(Path::new("node"), &["tests/wires/strangers.mjs"], &given)] {
        // What they read is what we wrote, number for number.
        for (own, made) in ours.iter().zip(made["made"].as_array().unwrap()) {
            let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            assert_eq!(parsed(own), parsed(made.as_str().unwrap()));
        }
        reads_the_same(map, &messages, &made);
    }
}

/// What the national portal and the payment platform are told goes through other hands and means the same; the portal's is texts alone.
#[test]
fn our_messages_to_the_national_portal_and_the_platform_go_through_python_and_node() {
    let catalogue = sealing();
    let mut seen = 0;
    for (partner, maps, work) in [
        (NATIONAL, &["sync", "progress", "inquiry"][..], "texts"),
        (PLATFORM, &["create", "query", "bill-answer", "bill-query", "notice", "state", "link"][..], "json"),
    ] {
        let partner = catalogue.any_partner(partner).unwrap();
        for name in maps {
            let (map, samples) = (partner.map(name).unwrap(), samples(partner, name));
            let given = json!({ "json": samples.iter().map(|(.., ours)| ours.as_str()).collect::<Value>() });
            for made in [python(work, &given), stranger(Path::new("node"), &["tests/wires/strangers.mjs"], &given)] {
                for ((bodies, context, _), made) in samples.iter().zip(made["made"].as_array().unwrap()) {
                    let wire = made.as_str().unwrap();
                    let again = map.read(wire.as_bytes(), context, &mut MemoryContents::default());
                    let again = again.unwrap_or_else(|f| panic!("{name}: {}\n{wire}", f[0]));
                    assert_eq!(&again.into_iter().map(|r| r.body).collect::<Vec<_>>(), bodies, "{name}: {wire}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 60, "{seen} documents");
}

/// Seals by Python's own hashlib: ours are right, and a notice and an answer that it makes and seals are read and believed.
#[test]
fn pythons_seals_are_ours_and_what_it_says_as_the_platform_is_read_and_believed() {
    let catalogue = sealing();
    let partner = &catalogue.partners[PLATFORM];
    let written = |name: &str| samples(partner, name).into_iter().map(|(.., ours)| Value::from(ours)).collect::<Value>();
    let given = json!({ "create": written("create"), "query": written("query"), "keys": [KEYS[0].1, KEYS[1].1] });
    let told = python("keypay", &given);
    let context = Context::new().with("partner.client_id", "HN-GDDT");
    for (list, name) in [("notices", "notice"), ("states", "state")] {
        let (map, seal) = (partner.map(name).unwrap(), partner.seal_of(name).unwrap());
        let wires = told[list].as_array().unwrap();
        assert!(wires.len() > 3);
        for wire in wires.iter().map(|w| w.as_str().unwrap()) {
            let read = |wire: &str| map.read(wire.as_bytes(), &context, &mut MemoryContents::default()).unwrap().remove(0);
            let reading = read(wire);
            assert!(seal.verify(&reading.raw), "{wire}");
            assert_eq!(reading.body["state"], "paid");
            assert!(reading.body["amount"].as_u64().is_some_and(|amount| amount > 0), "{wire}");
            // Another transaction under the same seal is not believed.
            let id = reading.body["transaction"].as_str().unwrap();
            let forged = wire.replace(&format!("\"{id}\""), "\"KHAC\"");
            assert!(forged != wire && !seal.verify(&read(&forged).raw), "{forged}");
        }
    }
}

#[test]
fn what_zeep_makes_from_the_wsdl_is_read() {
    let catalogue = catalogue();
    let made = python("zeep", &json!({ "wsdl": "schemas/moet/bo-gddt.wsdl" }));
    let read = |map: &str, operation: &str| {
        let wire = made["made"][operation].as_str().unwrap();
        let map = catalogue.partners[MINISTRY].map(map).unwrap();
        let readings = map.read(wire.as_bytes(), &Context::new(), &mut MemoryContents::default());
        readings.unwrap_or_else(|f| panic!("{}\n{wire}", f[0])).remove(0)
    };
    let paid = read("fee-paid", "DaNopPhi");
    let want = json!({ "code": "H26.15-20250421-0000117", "amount": 150_000, "transaction": "0GK3M7Q2V9X4B8N6C1D5", "at": "2025-04-21T09:30:00+07:00" });
    assert_eq!((&paid.body, &paid.context["message.id"]), (&want, &json!("zeep-0001")));
    let asked = read("inquiry", "TraCuu");
    assert_eq!(asked.body, json!({ "code": "H26.15-20250421-0000117", "message": "019a0b7c" }));
}

/// The fee-paid call and its answer in one SOAP version, from the shipped texts.
fn fee_paid(envelope: &str) -> Book {
    let files = Files::folder(&root()).unwrap();
    let text = |name: &str| {
        let text = files.text(&format!("adapters/{MINISTRY}/{name}")).unwrap();
        text.replace("envelope:  soap11", &format!("envelope:  {envelope}"))
    };
    let mut source = Source::new("stranger");
    for name in ["fee-paid.map", "fee-paid-reply.map", "reply.map"] {
        source = source.with(name, text(name));
    }
    // Only the list that these mappings use.
    let codes = text("codes.toml");
    let reply = codes.split("\n[").find(|list| list.starts_with("reply]")).map(|list| format!("[{list}\n")).unwrap();
    source = source.with("codes.toml", reply);
    let shapes = Shapes::new(schemas(&files), Editions::default()).unwrap();
    Book::compile(&source, &Arc::new(shapes)).unwrap_or_else(|faults| panic!("{faults:?}"))
}

#[test]
fn a_spyne_service_takes_our_calls_in_both_soap_versions_and_we_read_its_answer() {
    let body = json!({ "code": "H26.15-20250421-0000117", "amount": 150_000, "transaction": "0GK3M7Q2V9X4B8N6C1D5", "at": "2025-04-21T09:30:00+07:00" });
    for (soap, envelope) in [(11, "soap11"), (12, "soap12")] {
        let book = fee_paid(envelope);
        let store = MemoryContents::default();
        let context = Context::new().with("message.id", "019a0b7c-5e2f-7c3a-9d41-000000000009");
        let call = text(book.map("fee-paid").unwrap().write(&body, &context, &store, None).unwrap());
        let got = python("spyne", &json!({ "call": call, "soap": soap }));
        assert_eq!(got["status"], "200 OK", "{got}");
        let mut seen = body.clone();
        seen["id"] = "019a0b7c-5e2f-7c3a-9d41-000000000009".into();
        assert_eq!(got["seen"], seen);
        let answer = got["answer"].as_str().unwrap();
        let reply = book.map("fee-paid-reply").unwrap();
        let readings = reply.read(answer.as_bytes(), &Context::new(), &mut MemoryContents::default());
        let reading = readings.unwrap_or_else(|f| panic!("{}\n{answer}", f[0])).remove(0);
        assert_eq!(
            reading.body,
            json!({ "outcome": "accepted", "note": "Đã nhận <phí> & cảm ơn", "reference": "TN-77" }),
            "{answer}"
        );
    }
}
