//! Portal → canonical → Ministry → canonical: nothing is lost that the wire carries. What the Ministry's wire does not carry stands in its
//! mapping's `without`, and nothing else may be missing.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lienthong::body::{Value, json};
use lienthong::catalogue::{Catalogue, Files, Settings};
use lienthong::config::Placeholders;
use lienthong::mapping::{Context, MemoryContents, NoContents};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The portal's own samples of the three services, each in both editions.
fn samples(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .map(|p| (p.file_name().unwrap().to_str().unwrap().to_owned(), p))
        .filter(|(name, _)| name.ends_with(".json") && !name.contains(".canonical.") && !name.contains(".context."))
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect();
    all.sort();
    all
}

/// Takes a dotted path out, through lists.
fn without(value: &mut Value, path: &str) {
    match value {
        Value::Array(rows) => rows.iter_mut().for_each(|row| without(row, path)),
        Value::Object(members) => match path.split_once('.') {
            None => drop(members.remove(path)),
            Some((head, rest)) => {
                if let Some(inner) = members.get_mut(head) {
                    without(inner, rest);
                }
            }
        },
        _ => {}
    }
}

/// What the gateway adds: names from the catalogue, types and contents from its files.
fn completed(mut body: Value, contents: &mut MemoryContents) -> Value {
    body["procedure_name"] = "Tên thủ tục, từ danh mục".into();
    body["agency"]["name"] = "Sở Giáo dục và Đào tạo Hà Nội".into();
    for file in body["papers"].as_array_mut().unwrap().iter_mut().filter_map(|p| p["files"].as_array_mut()).flatten() {
        let blob = format!("sha256:{}", file["digest"].as_str().unwrap());
        let bytes = format!("%PDF-1.4 nội dung của {}", file["id"]).into_bytes();
        file["content"] = json!({ "blob": blob, "size": bytes.len() });
        file["type"] = "application/pdf".into();
        contents.kept.insert(blob, bytes);
    }
    body
}

#[test]
fn a_dossier_of_each_service_comes_back_from_the_ministrys_wire_with_all_it_carries() {
    let catalogue = Catalogue::load(&Files::embedded(), &Settings::new(), &Placeholders).unwrap();
    let (portal, ministry) = (&catalogue.partners["hanoi"], &catalogue.partners["moet"]);
    let (read, write) = (portal.map("submit").unwrap(), ministry.map("submit").unwrap());
    let text = fs::read_to_string(root().join("adapters/moet/submit.map")).unwrap();
    let absent = text.lines().find_map(|l| l.strip_prefix("without:")).unwrap();
    let absent: Vec<&str> = absent.split(',').map(str::trim).collect();
    let hosted = ministry.outs["submit"].procedures.clone().unwrap();
    let mut seen = BTreeSet::new();
    for (name, wire) in samples(&root().join("adapters/hanoi/samples/submit")) {
        let mut readings = read.read(&wire, &Context::new(), &mut NoContents).unwrap_or_else(|f| panic!("{name}: {f:?}"));
        assert_eq!(readings.len(), 1, "{name}");
        let mut contents = MemoryContents::default();
        let body = completed(readings.remove(0).body, &mut contents);
        let procedure = body["procedure"].as_str().unwrap().to_owned();
        if !hosted.contains(&procedure) {
            continue;
        }
        let context = Context::new().with("message.id", "019a0b7c-5e2f-7c3a-9d41-000000000001");
        let xml = write.write(&body, &context, &contents, None).unwrap_or_else(|f| panic!("{name}: {f:?}"));
        let mut back = MemoryContents::default();
        let again = write.read(&xml, &Context::new(), &mut back).unwrap_or_else(|f| panic!("{name}: {f:?}"));
        assert_eq!(again.len(), 1, "{name}");
        // Where a content lies is the store's matter; that it is the same is compared below.
        let (mut sent, mut got) = (body.clone(), again[0].body.clone());
        absent.iter().chain(&["papers.files.content"]).for_each(|path| {
            without(&mut sent, path);
            without(&mut got, path);
        });
        assert_eq!(got, sent, "{name}");
        let bytes = |of: &MemoryContents| of.kept.values().cloned().collect::<BTreeSet<_>>();
        assert_eq!(bytes(&back), bytes(&contents), "{name}: the files' contents");
        assert_eq!(again[0].context.get("message.id"), context.get("message.id"), "{name}");
        let edition = if body["submitted_at"].as_str().unwrap() < "2025" { "2019" } else { "2025" };
        seen.insert((procedure, edition));
    }
    assert_eq!(seen.len(), 2 * hosted.len(), "every service in both editions: {seen:?}");
    assert_eq!(hosted.len(), 3);
}
