//! Every adapter compiles, and every sample says the same in both directions.
//!
//! Walks adapters/ and schemas/ by itself: a new partner, message or sample needs no line here. The convention of the samples is in
//! adapters/README.md. The seals of samples are checked with the keys of the public test vectors.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use lienthong::body::Value;
use lienthong::mapping::{Book, Context, Editions, Format, Mapping, MemoryContents, RawFields, Reading, Sealer, Shapes};
use lienthong::mapping::{Source, render};
use lienthong::seal::{Digest, Encoding, Secret, hmac_text};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

struct Partner {
    name: String,
    folder: PathBuf,
    source: Source,
    routes: toml::Table,
}

struct Sample {
    title: String,
    wire: Vec<u8>,
    canonical: Value,
    context: Context,
    /// Another spelling: only read.
    also: bool,
}

struct TestSealer<'p> {
    partner: &'p Partner,
    map: &'p str,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn json<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    let text = fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut list = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() { list.extend(files(&path)) } else { list.push(path) }
    }
    list.sort();
    list
}

/// A body as the validator of the schema sees it that knows nothing of ours.
fn theirs(body: &Value) -> serde_json::Value {
    body.into()
}

fn schemas() -> BTreeMap<String, serde_json::Value> {
    let folder = root().join("schemas/canonical");
    let json_files = files(&folder).into_iter().filter(|p| p.extension().is_some_and(|e| e == "json"));
    json_files.map(|p| (p.strip_prefix(&folder).unwrap().with_extension("").to_str().unwrap().to_owned(), json(&p))).collect()
}

fn shapes() -> Arc<Shapes> {
    let editions = fs::read_to_string(root().join("schemas/canonical/forms/editions.toml")).unwrap();
    Arc::new(Shapes::new(schemas(), Editions::parse(&editions).unwrap()).unwrap())
}

fn partners() -> Vec<Partner> {
    let folders = fs::read_dir(root().join("adapters")).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir());
    let mut list: Vec<Partner> = folders
        .map(|folder| {
            let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
            let mut source = Source::new(name.clone());
            for path in files(&folder) {
                let inner = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
                if !inner.starts_with("samples/") && (inner.ends_with(".map") || inner == "codes.toml") {
                    source = source.with(inner, fs::read_to_string(&path).unwrap());
                }
            }
            let routes = toml::from_str(&fs::read_to_string(folder.join("partner.toml")).unwrap()).unwrap();
            Partner { name, folder, source, routes }
        })
        .collect();
    list.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(list.len() >= 3, "portal, ministry and payment are there");
    list
}

fn book(partner: &Partner, shapes: &Arc<Shapes>) -> Book {
    Book::compile(&partner.source, shapes).unwrap_or_else(|faults| panic!("\n{}", render(&faults, &partner.source, false)))
}

fn samples(partner: &Partner) -> BTreeMap<String, Vec<Sample>> {
    let mut all: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
    for path in files(&partner.folder.join("samples")) {
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".canonical.json") || name.ends_with(".context.json") {
            continue;
        }
        let map = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
        let stem = name.rsplit_once('.').unwrap().0;
        let beside = |ending: &str| path.with_file_name(format!("{stem}.{ending}.json"));
        let mut context = Context::new();
        if beside("context").exists() {
            for (key, value) in json::<Value>(&beside("context")).as_object().unwrap() {
                context.set(key.clone(), value.clone());
            }
        }
        all.entry(map.to_owned()).or_default().push(Sample {
            title: format!("{}/{map}/{name}", partner.name),
            wire: fs::read(&path).unwrap(),
            canonical: json(&beside("canonical")),
            context,
            also: name.starts_with("also-"),
        });
    }
    all
}

/// A key of a mapping's head.
fn head<'p>(partner: &'p Partner, map: &str, key: &str) -> Option<&'p str> {
    let text = partner.source.files.get(&format!("{map}.map")).unwrap_or_else(|| panic!("{}: no {map}.map", partner.name));
    text.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(':')).map(str::trim)
}

/// What a mapping's head says is not carried.
fn without<'p>(partner: &'p Partner, map: &str) -> Vec<&'p str> {
    head(partner, map, "without").unwrap_or("").split(',').map(str::trim).filter(|p| !p.is_empty()).collect()
}

impl TestSealer<'_> {
    /// The seal that partner.toml names for this mapping, in whichever route it stands.
    fn seal_of(&self) -> Option<&toml::Table> {
        let routes = |side: &str| self.partner.routes.get(side).and_then(toml::Value::as_table).into_iter().flatten();
        let named = routes("out").chain(routes("in")).find_map(|(_, route)| {
            let is = |key: &str| route.get(key).and_then(toml::Value::as_str) == Some(self.map);
            let key = if is("map") {
                "seal"
            } else if is("content") {
                "content-seal"
            } else {
                return None;
            };
            route.get(key)?.as_array()?.first()?.as_str()
        })?;
        self.partner.routes.get("seal")?.get(named)?.as_table()
    }
}

impl Sealer for TestSealer<'_> {
    fn seal(&self, raw: &RawFields) -> Result<String, String> {
        let own = self.seal_of().ok_or("no seal is named for this mapping")?;
        let text = |key: &str| own.get(key).and_then(toml::Value::as_str);
        let base = match text("like") {
            Some(like) => self.partner.routes.get("seal").and_then(|s| s.get(like)).and_then(toml::Value::as_table),
            None => Some(own),
        };
        let over = own.get("over").or_else(|| base?.get("over")).and_then(toml::Value::as_array).ok_or("no fields")?;
        let mut names: Vec<&str> = over.iter().filter_map(toml::Value::as_str).collect();
        if names == ["*"] {
            names = raw.fields.iter().map(|(name, _)| name.as_str()).collect();
            names.sort_unstable();
        }
        let value = |name: &&str| raw.fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).ok_or(format!("no {name}"));
        let values = names.iter().map(value).collect::<Result<Vec<_>, _>>()?;
        let between = base.and_then(|b| b.get("between")).and_then(toml::Value::as_str).unwrap_or("");
        let key = match text("key").or_else(|| base?.get("key")?.as_str()) {
            Some("key-1") => "khoa-mot-thu-nghiem",
            Some("key-2") => "khoa-hai-thu-nghiem",
            other => return Err(format!("no test key for {other:?}")),
        };
        Ok(hmac_text(Digest::Sha256, Encoding::Hex, &Secret::new(key), values.join(between).as_bytes()))
    }
}

fn bodies(readings: &[Reading], single: bool) -> Value {
    match readings {
        [one] if single => one.body.clone(),
        many => Value::Array(many.iter().map(|r| r.body.clone()).collect()),
    }
}

fn same_xml(a: roxmltree::Node<'_, '_>, b: roxmltree::Node<'_, '_>) -> Result<(), String> {
    let name = |n: roxmltree::Node<'_, '_>| format!("{{{}}}{}", n.tag_name().namespace().unwrap_or(""), n.tag_name().name());
    let attributes = |n: roxmltree::Node<'_, '_>| {
        n.attributes().map(|a| (a.name().to_owned(), a.value().to_owned())).collect::<BTreeMap<_, _>>()
    };
    let inner = |n: roxmltree::Node<'_, '_>| n.children().filter(roxmltree::Node::is_element).collect::<Vec<_>>().len();
    if name(a) != name(b) || attributes(a) != attributes(b) || inner(a) != inner(b) {
        return Err(format!("{} {:?} is not {} {:?}", name(a), attributes(a), name(b), attributes(b)));
    }
    if inner(a) == 0 && a.text().unwrap_or("") != b.text().unwrap_or("") {
        return Err(format!("{}: {:?} is not {:?}", name(a), a.text(), b.text()));
    }
    let mut pairs = a.children().filter(roxmltree::Node::is_element).zip(b.children().filter(roxmltree::Node::is_element));
    pairs.try_for_each(|(a, b)| same_xml(a, b))
}

/// JSON without the white space between its tokens: order of members and spelling of numbers still count.
fn compact(json: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    json.chars()
        .filter(|c| {
            let keep = quoted || !c.is_ascii_whitespace();
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => quoted = !quoted,
                _ => {}
            }
            keep
        })
        .collect()
}

fn same_tree(map: &Mapping, written: &[u8], sample: &[u8]) -> Result<(), String> {
    let (written, sample) = (std::str::from_utf8(written).unwrap(), std::str::from_utf8(sample).unwrap());
    match map.format() {
        Format::Json => {
            let (a, b) = (compact(written), compact(sample));
            if a == b { Ok(()) } else { Err(format!("wrote {a}\nnot   {b}")) }
        }
        Format::Xml => {
            let (a, b) = (roxmltree::Document::parse(written).unwrap(), roxmltree::Document::parse(sample).unwrap());
            same_xml(a.root_element(), b.root_element())
        }
        Format::Form => {
            if written == sample {
                Ok(())
            } else {
                Err(format!("wrote {written}\nnot   {sample}"))
            }
        }
    }
}

/// Reads, compares, writes, reads again; every complaint of one sample.
fn run(partner: &Partner, map: &Mapping, sample: &Sample, written: &mut Vec<Vec<u8>>) -> Result<(), String> {
    let mut contents = MemoryContents::default();
    let read = map.read(&sample.wire, &sample.context, &mut contents).map_err(|f| format!("does not read: {f:#?}"))?;
    let single = !sample.canonical.is_array();
    let body = bodies(&read, single);
    if body != sample.canonical {
        return Err(format!("read\n{body:#}\nnot\n{:#}", sample.canonical));
    }
    let sealer = TestSealer { partner, map: map.name() };
    let reading = read.first().ok_or("nothing was read")?;
    if let Some(seal) = &reading.raw.seal {
        let want = sealer.seal(&reading.raw)?;
        if *seal != want {
            return Err(format!("the seal is {seal}, not {want}"));
        }
    }
    let list: Vec<&Value> = match &sample.canonical {
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    };
    let write = || map.write_batch(&list, &sample.context, &contents, Some(&sealer));
    let bytes = write().map_err(|f| format!("does not write: {f:?}"))?;
    assert_eq!(bytes, write().unwrap(), "{}: written twice, two texts", sample.title);
    let again = map.read(&bytes, &sample.context, &mut MemoryContents::default());
    let again = again.map_err(|f| format!("does not read what it wrote: {f:#?}\n{}", String::from_utf8_lossy(&bytes)))?;
    if bodies(&again, single) != sample.canonical {
        return Err(format!("read again\n{:#}\nnot\n{:#}", bodies(&again, single), sample.canonical));
    }
    if !sample.also {
        same_tree(map, &bytes, &sample.wire)?;
    }
    written.push(bytes);
    Ok(())
}

#[test]
fn every_adapter_compiles_without_a_fault() {
    let shapes = shapes();
    for partner in partners() {
        let book = book(&partner, &shapes);
        assert!(book.names().count() > 0, "{} has mappings", partner.name);
        for (side, route) in ["in", "out"].into_iter().flat_map(|s| partner.routes.get(s)?.as_table().map(|t| (s, t))) {
            for (name, keys) in route {
                let reply = keys.get("reply").and_then(toml::Value::as_table);
                let named = reply.into_iter().flat_map(toml::Table::values).chain(keys.get("map")).chain(keys.get("content"));
                for map in named.filter_map(toml::Value::as_str).filter(|m| *m != "soap-fault") {
                    assert!(book.map(map).is_some(), "{}: {side}.{name} names {map}, which is not there", partner.name);
                }
            }
        }
    }
}

#[test]
fn every_sample_says_the_same_in_both_directions() {
    let (shapes, mut complaints, mut ran) = (shapes(), Vec::new(), 0);
    for partner in partners() {
        let book = book(&partner, &shapes);
        for (name, list) in samples(&partner) {
            let map = book.map(&name).unwrap_or_else(|| panic!("{} has samples of {name}, which is no mapping", partner.name));
            for sample in &list {
                ran += 1;
                if let Err(why) = run(&partner, map, sample, &mut Vec::new()) {
                    complaints.push(format!("{}: {why}", sample.title));
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{} of {ran} samples fail\n{}", complaints.len(), complaints.join("\n\n"));
    assert!(ran > 150, "the samples were found");
}

#[test]
fn every_message_has_at_least_four_samples() {
    let shapes = shapes();
    for partner in partners() {
        let (book, samples) = (book(&partner, &shapes), samples(&partner));
        for name in book.names() {
            let list = samples.get(name).map_or(&[][..], Vec::as_slice);
            // A wire of constants has only one face.
            let constant =
                list.iter().all(|s| s.canonical.as_object().is_some_and(|o| o.values().all(|v| *v == Value::Array(vec![]))));
            assert!(list.len() >= 4 || (constant && !list.is_empty()), "{}/{name}: {} samples", partner.name, list.len());
        }
    }
}

#[test]
fn every_canonical_sample_is_valid_by_its_schema_and_its_form() {
    let schemas = schemas();
    let validators: BTreeMap<&String, jsonschema::Validator> = schemas
        .iter()
        .map(|(name, schema)| {
            assert!(jsonschema::meta::is_valid(schema), "{name} is a schema");
            (name, jsonschema::options().should_validate_formats(true).build(schema).unwrap())
        })
        .collect();
    let mut complaints = Vec::new();
    for partner in partners() {
        for (name, list) in samples(&partner) {
            let message_name = head(&partner, &name, "message").expect("a message").to_owned();
            let left_out = without(&partner, &name);
            for sample in &list {
                let messages = sample.canonical.as_array().cloned().unwrap_or_else(|| vec![sample.canonical.clone()]);
                for message in &messages {
                    let validator = validators.get(&message_name).expect("a schema of the message");
                    for fault in validator.iter_errors(&theirs(message)) {
                        let missing = match fault.kind() {
                            jsonschema::error::ValidationErrorKind::Required { property } => property.as_str(),
                            _ => None,
                        };
                        // What this wire does not carry cannot be there.
                        if !missing.is_some_and(|m| left_out.contains(&m)) {
                            complaints.push(format!("{}: {} {fault}", sample.title, fault.instance_path()));
                        }
                    }
                    if let Some(form) = message.get("form") {
                        let fits =
                            |n: &str| n.starts_with("forms/") && validators.get(&n.to_owned()).unwrap().is_valid(&theirs(form));
                        if !schemas.keys().any(|n| fits(n)) {
                            complaints.push(format!("{}: the form fits no edition", sample.title));
                        }
                    }
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// The element in a SOAP body, or the whole where there is no envelope, as a document of its own.
fn payload(envelope: &uppsala::Document<'_>) -> uppsala::Document<'static> {
    let soap = "http://schemas.xmlsoap.org/soap/envelope/";
    let top = envelope.document_element().unwrap();
    let is_element = |id: &uppsala::NodeId| matches!(envelope.node_kind(*id), Some(uppsala::NodeKind::Element(_)));
    let body = envelope.first_child_element_by_name_ns(top, soap, "Body");
    let part = body.map_or(Some(top), |body| envelope.children_iter(body).find(is_element));
    let mut doc = uppsala::Document::new();
    let part = doc.import_subtree(envelope, part.expect("an element in the body")).unwrap();
    let top = doc.root();
    doc.append_child(top, part);
    doc
}

#[test]
fn every_xml_that_is_written_is_valid_by_its_xsd() {
    let (shapes, mut complaints, mut checked) = (shapes(), Vec::new(), 0);
    for partner in partners() {
        let book = book(&partner, &shapes);
        for (name, list) in samples(&partner) {
            let Some(schema) = head(&partner, &name, "schema") else { continue };
            let text = fs::read_to_string(root().join("schemas").join(schema)).unwrap();
            let schema = uppsala::parse(&text).unwrap();
            let xsd = uppsala::XsdValidator::from_schema(&schema).unwrap();
            for sample in &list {
                let mut written = if sample.also { Vec::new() } else { vec![sample.wire.clone()] };
                // Whether it reads and writes at all is told by the test of the samples.
                let _ = book.map(&name).map(|map| run(&partner, map, sample, &mut written));
                for bytes in &written {
                    checked += 1;
                    for fault in xsd.validate(&payload(&uppsala::parse_bytes(bytes).unwrap())) {
                        complaints.push(format!("{}: {}", sample.title, fault.message));
                    }
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(checked > 50, "{checked} documents checked");
}

#[test]
fn the_wsdl_files_hold_the_text_of_the_xsd() {
    let folder = root().join("schemas/moet");
    let xsd = fs::read_to_string(folder.join("lien-thong.xsd")).unwrap();
    let schema = xsd.get(xsd.find("<xs:schema").unwrap()..).unwrap().trim_end();
    for name in ["bo-gddt.wsdl", "lien-thong.wsdl"] {
        let wsdl = fs::read_to_string(folder.join(name)).unwrap();
        assert!(wsdl.contains(schema), "{name}: copy the schema of lien-thong.xsd into <wsdl:types>");
        assert!(!wsdl.contains("schemaLocation"), "{name} needs no other file");
    }
}

#[test]
fn every_edition_has_its_schema_and_a_map_in_each_adapter_with_forms() {
    let text = fs::read_to_string(root().join("schemas/canonical/forms/editions.toml")).unwrap();
    let (editions, schemas) = (Editions::parse(&text).unwrap(), schemas());
    for (procedure, _, name) in editions.iter() {
        let form = format!("{procedure}@{name}");
        assert!(schemas.contains_key(&format!("forms/{form}")), "{form} has a schema");
        for partner in partners().iter().filter(|p| p.source.files.keys().any(|f| f.starts_with("form/"))) {
            assert!(partner.source.files.contains_key(&format!("form/{form}.map")), "{} has a map of {form}", partner.name);
        }
    }
}

#[test]
fn a_canonical_body_out_of_its_bounds_is_refused() {
    let schemas = schemas();
    let cases: &[(&str, &str, &str, Value)] = &[
        ("keypay/notice/paid.json", "payment.notice", "/amount", (-1).into()),
        ("keypay/notice/paid.json", "payment.notice", "/amount", 150_000.5.into()),
        ("keypay/notice/paid.json", "payment.notice", "/transaction", "123456789012345678901".into()),
        ("hanoi/submit/pupil-2025.json", "dossier.submit", "/code", "H26.15-20250421-117".into()),
        ("hanoi/submit/pupil-2025.json", "dossier.submit", "/submitted_at", "2025-02-30T08:00:00+07:00".into()),
        ("hanoi/submit/pupil-2025.json", "dossier.submit", "/submitted_at", "2025-02-20T08:00:00Z".into()),
        ("hanoi/submit/pupil-2025.json", "dossier.submit", "/applicant/birth_date", "2007-02-29".into()),
        ("hanoi/submit/pupil-2025.json", "dossier.submit", "/applicant/name", "".into()),
        ("hanoi/submit/pupil-2025.json", "dossier.submit", "/applicant/name", "x".repeat(501).into()),
        ("hanoi/submit/pupil-2025.json", "dossier.submit", "/papers/0/copies", 0.into()),
        ("hanoi/submit/pupil-2025.json", "forms/1.005142@2025", "/form/subjects/0", "civics".into()),
        ("hanoi/submit/pupil-2025.json", "forms/1.005142@2025", "/form/identity/number", "123456789".into()),
        ("hanoi/submit/pupil-2025.json", "forms/1.005142@2025", "/form/grade12/class", "TDO".into()),
        ("hanoi/submit/pupil-cmnd-2019.json", "forms/1.005142@2019", "/form/subjects/0", "informatics".into()),
        ("moet/status/fee.xml", "status.change", "/status", "lost".into()),
    ];
    for (path, schema, pointer, value) in cases {
        let (folder, stem) = path.rsplit_once('/').unwrap();
        let (who, map) = folder.split_once('/').unwrap();
        let stem = stem.rsplit_once('.').unwrap().0;
        let mut body: Value = json(&root().join(format!("adapters/{who}/samples/{map}/{stem}.canonical.json")));
        let validator = jsonschema::options().should_validate_formats(true).build(&schemas[*schema]).unwrap();
        let part = |body: &Value| if schema.starts_with("forms/") { body["form"].clone() } else { body.clone() };
        assert!(validator.is_valid(&theirs(&part(&body))), "{path} is valid before");
        *body.pointer_mut(pointer).unwrap() = value.clone();
        assert!(!validator.is_valid(&theirs(&part(&body))), "{path}: {pointer} = {value} is refused");
    }
}

/// A sample with one text replaced by another; the text must be there.
fn spoilt(wire: &str, from: &str, to: &str) -> Vec<u8> {
    assert!(wire.contains(from), "the sample holds {from}");
    wire.replacen(from, to, 1).into_bytes()
}

#[test]
fn a_spoilt_wire_is_refused_at_its_place_in_both_languages() {
    let shapes = shapes();
    let partners = partners();
    let cases: &[(&str, &str, &str, &str, &str)] = &[
        // sample, what stands there, what is put there, where the fault is told, a word of its English sentence
        ("hanoi/submit/pupil-2025.json", "\"2025-04-21 08:15:30\"", "\"2025-02-30 08:15:30\"", "/NgayNop", "yyyy-MM-dd HH:mm:ss"),
        ("hanoi/submit/pupil-2025.json", "\"20070308000000\"", "\"20070229000000\"", "NgaySinh", "yyyyMMdd"),
        ("hanoi/submit/pupil-2025.json", "\"LoaiDoiTuong\": 0", "\"LoaiDoiTuong\": 7", "/LoaiDoiTuong", "one of"),
        ("hanoi/submit/pupil-2025.json", "\"LoaiDoiTuong\": 0", "\"LoaiDoiTuong\": \"0\"", "/LoaiDoiTuong", ""),
        ("hanoi/submit/pupil-2025.json", "\"MaHoSo\"", "\"MaHoSo2\"", "/MaHoSo", ""),
        ("hanoi/submit/pupil-2025.json", "\"MaTTHC\"", "\"MaHoSo\"", "/MaHoSo", "once"),
        ("hanoi/submit/pupil-2025.json", "\"KT\"", "\"GD\"", "monThi", "one of"),
        ("hanoi/submit/pupil-2025.json", "\"CCCD\"", "\"CMND\"", "loaiGiayTo", "one of"),
        ("hanoi/submit/pupil-2025.json", "\"1.005142\"", "\"9.999999\"", "/ToKhai", "form"),
        ("hanoi/submit/pupil-2025.json", "\"TenChuHs\": \"Trần", "\"TenChuHs\": \"Tràn", "TenChuHs", "same"),
        ("hanoi/withdraw/short.json", "\"LyDo\"", "\"LyDo\": null, \"x\"", "/LyDo", ""),
        ("hanoi/withdraw/short.json", "}", "", "", ""),
        ("moet/status/fee.xml", "urn:lienthong:bo-gddt:1", "urn:lienthong:bo-gddt:2", "", "urn:lienthong:bo-gddt:1"),
        ("moet/status/fee.xml", "<soap:Envelope", "<!DOCTYPE x><soap:Envelope", "", ""),
        ("moet/status/fee.xml", "</SoTien>", "</SoTienX>", "", ""),
        ("moet/status/fee.xml", "<TrangThai>6<", "<TrangThai>11<", "TrangThai", "one of"),
        ("moet/status/fee.xml", "2025-04-22T09:00:00+07:00", "2025-04-31T09:00:00+07:00", "ThoiDiem", ""),
        ("moet/status/fee.xml", "<MaHoSo>H26.15-20250421-0000117</MaHoSo>", "", "MaHoSo", ""),
        ("moet/status/fee.xml", "<MaHoSo>", "<MaHoSo>X</MaHoSo><MaHoSo>", "MaHoSo", "once"),
        ("moet/status/fee.xml", "<TenPhi>", "<La>1</La><TenPhi>", "La", "agreed"),
        ("moet/result/one-document.xml", "<NoiDung>", "<NoiDung>*", "NoiDung", "base64"),
        ("keypay/notice/paid.json", "\"client_id\": \"HN-GDDT\"", "\"client_id\": \"HN-KHAC\"", "/client_id", ""),
        ("keypay/notice/paid.json", "\"trans_amount\": 150000", "\"trans_amount\": 1.5e5", "/trans_amount", "number"),
    ];
    let mut complaints = Vec::new();
    for (path, from, to, place, word) in cases {
        let mut steps = path.split('/');
        let (who, name) = (steps.next().unwrap(), steps.next().unwrap());
        let partner = partners.iter().find(|p| p.name == who).unwrap();
        let book = book(partner, &shapes);
        let list = samples(partner);
        let sample = list[name].iter().find(|s| s.title == *path).expect("the sample is there");
        let wire = spoilt(std::str::from_utf8(&sample.wire).unwrap(), from, to);
        match book.map(name).unwrap().read(&wire, &sample.context, &mut MemoryContents::default()) {
            Ok(read) => complaints.push(format!("{path}: {to} is read as {:#}", bodies(&read, true))),
            Err(faults) => {
                let fits = |f: &lienthong::mapping::WireFault| f.pointer().contains(place) && f.text_en().contains(word);
                if !faults.iter().any(fits) {
                    let told: Vec<String> = faults.iter().map(|f| format!("{} {}", f.pointer(), f.text_en())).collect();
                    complaints.push(format!("{path}: {to} tells {told:?}"));
                }
                assert!(faults.iter().all(|f| !f.text_vi().is_empty()), "{path}: told in Vietnamese too");
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Takes away what a dotted path names, in every row on the way.
fn drop_path(value: &mut Value, path: &str) {
    if let Value::Array(rows) = value {
        return rows.iter_mut().for_each(|row| drop_path(row, path));
    }
    match path.split_once('.') {
        Some((first, rest)) => value.get_mut(first).into_iter().for_each(|inner| drop_path(inner, rest)),
        None => drop(value.as_object_mut().map(|map| map.remove(path))),
    }
}

#[test]
fn invented_dossiers_of_all_services_and_editions_go_from_the_portal_to_the_ministry_and_back() {
    use lienthong::simulator::{Application, Edition, Service, Stored};
    const APRIL_2026: i64 = 1_776_643_200_000;
    let (shapes, schemas, partners) = (shapes(), schemas(), partners());
    let find = |name: &str| partners.iter().find(|p| p.name == name).unwrap();
    let (portal, ministry) = (book(find("hanoi"), &shapes), book(find("moet"), &shapes));
    let (read, write) = (portal.map("submit").unwrap(), ministry.map("submit").unwrap());
    let left_out = without(find("moet"), "submit");
    let validator = |name: &str| jsonschema::options().should_validate_formats(true).build(&schemas[name]).unwrap();
    let dossier = validator("dossier.submit");
    let text = fs::read_to_string(root().join("schemas/moet/lien-thong.xsd")).unwrap();
    let schema = uppsala::parse(&text).unwrap();
    let xsd = uppsala::XsdValidator::from_schema(&schema).unwrap();
    let context = Context::new().with("message.id", "019a0b7c-5e2f-7c3a-9d41-000000000001");
    for (service, (edition, year)) in
        Service::ALL.into_iter().flat_map(|s| [(Edition::Of2019, "2019"), (Edition::Of2025, "2025")].map(|e| (s, e)))
    {
        let form = validator(&format!("forms/{}@{year}", service.procedure()));
        for number in 0..40 {
            let title = format!("{}@{year} number {number}", service.procedure());
            let application = Application::invent(7, number, service, edition, APRIL_2026);
            let mut contents = MemoryContents::default();
            let stored: Vec<Vec<Stored>> = application
                .papers
                .iter()
                .enumerate()
                .map(|(p, paper)| {
                    let file = |(n, (name, bytes)): (usize, &(String, Vec<u8>))| {
                        let digest = lienthong::seal::sha256_hex(bytes);
                        contents.kept.insert(format!("sha256:{digest}"), bytes.clone());
                        Stored { id: format!("tep-{p}-{n}"), digest, name: name.clone() }
                    };
                    paper.files.iter().enumerate().map(file).collect()
                })
                .collect();
            let wire = application.body("H26.15-20260420-0000117", "H26.15", &stored).to_string();
            let none = &mut MemoryContents::default();
            let mut body =
                read.read(wire.as_bytes(), &Context::new(), none).unwrap_or_else(|f| panic!("{title}: {f:#?}"))[0].body.clone();
            // What the gateway adds: names from the catalogue, contents from its files.
            body["agency"]["name"] = "Sở Giáo dục và Đào tạo Hà Nội".into();
            for file in body["papers"].as_array_mut().unwrap().iter_mut().flat_map(|p| p["files"].as_array_mut().unwrap()) {
                let blob = format!("sha256:{}", file["digest"].as_str().unwrap());
                file["content"] = lienthong::body::json!({ "size": contents.kept[&blob].len(), "blob": blob });
            }
            let seen = theirs(&body);
            let faults = dossier.iter_errors(&seen).chain(form.iter_errors(&seen["form"]));
            let faults: Vec<String> = faults.map(|f| format!("{} {f}", f.instance_path())).collect();
            assert!(faults.is_empty(), "{title}: {faults:?}");
            let xml = write.write(&body, &context, &contents, None).unwrap_or_else(|f| panic!("{title}: {f:#?}"));
            let faults = xsd.validate(&payload(&uppsala::parse_bytes(&xml).unwrap()));
            assert!(faults.is_empty(), "{title}: {}", faults[0].message);
            let back = write.read(&xml, &context, &mut MemoryContents::default()).unwrap_or_else(|f| panic!("{title}: {f:#?}"));
            let mut got = back[0].body.clone();
            left_out.iter().for_each(|path| [&mut body, &mut got].into_iter().for_each(|of| drop_path(of, path)));
            assert_eq!(got, body, "{title}");
        }
    }
}
