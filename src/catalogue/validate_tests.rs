//! Canonical bodies against the shipped schemas.

use super::*;
use crate::body::{Value, json};
use crate::mapping::Inventor;
use crate::model::Kind;
use crate::seal::Chance;

fn catalogue() -> Catalogue {
    Catalogue::load(&Files::embedded(), &Settings::new(), &crate::config::Placeholders)
        .unwrap_or_else(|faults| panic!("{faults}"))
}

fn withdraw() -> Value {
    json!({"code": "000.00.15.H26-190315-0001", "reason": "Tôi đã đổi ý"})
}

fn submit() -> Value {
    json!({
        "code": "H26.15-20261123-0000001",
        "procedure": "1.001942",
        "agency": {"code": "H26.15"},
        "submitted_at": "2026-11-23T19:40:00+07:00",
        "applicant": {"kind": "citizen", "name": "Bí Mật Tên", "identity": {"number": "001099000001"}, "address": {"province": "01", "ward": "00001"}},
        "owner": {"kind": "citizen", "name": "Bí Mật Tên"},
        "papers": [],
        "form": {
            "sex": "male",
            "identity": {"kind": "cccd", "number": "001099000001"},
            "region": "KV3",
            "wishes": [{"rank": 1, "school": "BKA", "major": "7480101", "method": "100", "combination": "A00", "paid": false}]
        }
    })
}

#[test]
fn a_right_body_has_no_fault() {
    let catalogue = catalogue();
    assert_eq!(catalogue.validate(Kind::DossierWithdraw, &withdraw(), None), []);
    assert_eq!(catalogue.validate(Kind::DossierSubmit, &submit(), None), []);
}

#[test]
fn the_form_is_checked_against_the_edition_of_its_day() {
    let catalogue = catalogue();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body = submit();
        change(&mut body);
        catalogue.validate(Kind::DossierSubmit, &body, None).into_iter().map(|f| (f.pointer, f.keyword)).collect::<Vec<_>>()
    };
    let one = |pointer: &str, keyword: &str| vec![(pointer.to_owned(), keyword.to_owned())];
    assert_eq!(with(&|b| b["form"]["region"] = json!("KV9")), one("/form/region", "enum"));
    assert_eq!(with(&|b| drop(b.as_object_mut().unwrap().remove("form"))), one("/form", "required"));
    assert_eq!(with(&|b| b["procedure"] = json!("1.004889")), one("/form", "x-form"));
    assert_eq!(with(&|b| b["submitted_at"] = json!("2018-03-15T09:00:00+07:00")), one("/form", "x-form"));
    // A supplement keeps the dossier's edition, whatever the day.
    let body =
        json!({"code": "000.00.15.H26-190315-0001", "round": 1, "procedure": "1.001942", "papers": [], "form": submit()["form"]});
    assert_eq!(catalogue.validate(Kind::DossierSupplement, &body, Some("2019")), []);
    assert_ne!(catalogue.validate(Kind::DossierSupplement, &body, Some("1999")), []);
}

#[test]
fn every_keyword_is_said_in_both_languages_at_its_place() {
    let catalogue = catalogue();
    for (body, pointer, keyword, vi, en) in [
        (
            json!({"code": "000.00.15.H26-190315-0001"}),
            "/reason",
            "required",
            "thiếu trường bắt buộc “reason”",
            "the required field \"reason\" is missing",
        ),
        (
            json!({"code": "x", "reason": "y"}),
            "/code",
            "pattern",
            "không đúng mẫu quy định; nhận được “x”",
            "not of the prescribed form; found \"x\"",
        ),
        (
            json!({"code": "000.00.15.H26-190315-0001", "reason": 5}),
            "/reason",
            "type",
            "sai kiểu giá trị; cần văn bản; nhận được số, 1 chữ số",
            "wrong type of value; expected text; found number, 1 digit",
        ),
        (
            json!({"code": "000.00.15.H26-190315-0001", "reason": ""}),
            "/reason",
            "minLength",
            "quá ngắn, ít nhất 1 ký tự; nhận được văn bản, 0 ký tự",
            "too short, at least 1 characters; found text, 0 characters",
        ),
        (
            json!({"code": "000.00.15.H26-190315-0001", "reason": "y", "extra": 1}),
            "",
            "additionalProperties",
            "trường không có trong đặc tả: “extra”",
            "unknown fields: “extra”",
        ),
    ] {
        let faults = catalogue.validate(Kind::DossierWithdraw, &body, None);
        let fault = faults.iter().find(|f| f.pointer == pointer && f.keyword == keyword);
        let fault = fault.unwrap_or_else(|| panic!("{pointer} {keyword}: {faults:#?}"));
        let without_pattern =
            |t: &str| t.find(" (^").map_or(t.to_owned(), |at| format!("{}{}", &t[..at], t.rfind("; ").map_or("", |e| &t[e..])));
        assert_eq!((without_pattern(&fault.text_vi), without_pattern(&fault.text_en)), (vi.to_owned(), en.to_owned()));
    }
}

#[test]
fn formats_are_asserted() {
    let catalogue = catalogue();
    let body = |at: &str| json!({"code": "000.00.15.H26-190315-0001", "amount": 1, "transaction": "T1", "at": at});
    assert_eq!(catalogue.validate(Kind::FeePaid, &body("2019-02-28T09:00:00+07:00"), None), []);
    let faults = catalogue.validate(Kind::FeePaid, &body("2019-02-30T09:00:00+07:00"), None);
    assert_eq!(faults.iter().map(|f| f.keyword.as_str()).collect::<Vec<_>>(), ["format"]);
}

/// Puts `planted` into every text of a body, one at a time, and into a field's name.
fn plant(body: &Value, planted: &str) -> Vec<Value> {
    fn places(value: &Value, at: &str, to: &mut Vec<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(k, v)| places(v, &format!("{at}/{k}"), to)),
            Value::Array(list) => list.iter().enumerate().for_each(|(n, v)| places(v, &format!("{at}/{n}"), to)),
            _ => to.push(at.to_owned()),
        }
    }
    let mut all = Vec::new();
    places(body, "", &mut all);
    let mut bodies: Vec<Value> = all
        .iter()
        .map(|at| {
            let mut body = body.clone();
            *body.pointer_mut(at).unwrap() = json!([planted, {planted: planted}]);
            body
        })
        .collect();
    bodies.extend(all.iter().map(|at| {
        let mut body = body.clone();
        *body.pointer_mut(at).unwrap() = json!(format!("{planted}\u{1}"));
        body
    }));
    let mut named = body.clone();
    named.as_object_mut().unwrap().insert(planted.to_owned(), json!(1));
    bodies.push(named);
    bodies
}

#[test]
fn no_fault_shows_a_value_that_is_not_public() {
    let catalogue = catalogue();
    let planted = "Nguyễn Thị Cấy Vào 0912345678";
    let public = ["/code", "/procedure", "/agency/code", "/submitted_at", "/form/region"];
    let mut told = 0;
    for body in plant(&submit(), planted) {
        for fault in catalogue.validate(Kind::DossierSubmit, &body, None) {
            told += 1;
            let shown = [&fault.text_vi, &fault.text_en, &fault.pointer].iter().any(|t| t.contains("0912345678"));
            assert!(!shown || public.contains(&fault.pointer.as_str()), "{fault:?}");
        }
    }
    assert!(told > 40, "{told}");
}

#[test]
fn every_canonical_sample_keeps_its_schema() {
    let (catalogue, files) = (catalogue(), Files::embedded());
    let (mut seen, mut wrong) = (0, Vec::new());
    for (path, text) in files.under("adapters/").filter(|(path, _)| path.ends_with(".canonical.json")) {
        let [partner, _, map, _] = path.split('/').collect::<Vec<_>>()[..] else { panic!("{path}") };
        let kind = catalogue
            .any_partner(partner)
            .unwrap()
            .map(map)
            .and_then(|m| Kind::of_name(m.message()))
            .unwrap_or_else(|| panic!("{path}"));
        let context: Value = files
            .text(&format!("adapters/{}", path.replace(".canonical.", ".context.")))
            .map_or(Value::Null, |t| serde_json::from_str(t).unwrap());
        let edition = ["/dossier.edition", "/dossier/edition"].iter().find_map(|p| context.pointer(p)).and_then(Value::as_str);
        // What the wire does not carry is not in the sample: its map says so.
        let source = files.text(&format!("adapters/{partner}/{map}.map")).unwrap();
        let without: Vec<&str> =
            source.lines().find_map(|l| l.strip_prefix("without:")).unwrap_or_default().split(',').map(str::trim).collect();
        let body: Value = serde_json::from_str(text).unwrap();
        let bodies = if let Value::Array(list) = body { list } else { vec![body] };
        for body in bodies {
            seen += 1;
            let excused = |f: &SchemaFault| f.keyword == "required" && without.contains(&f.pointer.trim_start_matches('/'));
            wrong.extend(
                catalogue
                    .validate(kind, &body, edition)
                    .into_iter()
                    .filter(|f| !excused(f))
                    .map(|f| (path.to_owned(), f.pointer, f.text_en)),
            );
        }
    }
    assert!(seen > 100, "{seen}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A body with one value changed, taken away or put beside, somewhere.
fn spoilt(body: &Value, chance: &mut Chance) -> Value {
    fn places(value: &Value, at: &str, to: &mut Vec<String>) {
        to.push(at.to_owned());
        match value {
            Value::Object(map) => map.iter().for_each(|(name, inner)| places(inner, &format!("{at}/{name}"), to)),
            Value::Array(list) => list.iter().enumerate().for_each(|(n, inner)| places(inner, &format!("{at}/{n}"), to)),
            _ => {}
        }
    }
    let mut all = Vec::new();
    places(body, "", &mut all);
    let mut body = body.clone();
    let value = body.pointer_mut(chance.pick(&all).unwrap()).unwrap();
    let odd = [
        json!(null),
        json!(-1),
        json!(1.0),
        json!(1e300),
        json!(true),
        json!(""),
        json!("đ".repeat(24)),
        json!("x".repeat(5000)),
        json!([]),
        json!({}),
    ];
    match value {
        Value::Object(map) if chance.hits(0.4) => drop(map.insert("unknown", json!(1))),
        Value::Object(map) if chance.hits(0.5) => {
            let names: Vec<_> = map.keys().cloned().collect();
            names.first().map(|_| map.remove(chance.pick(&names).unwrap()));
        }
        Value::Array(list) if chance.hits(0.6) => list.extend(list.first().cloned()),
        Value::String(text) if chance.hits(0.6) => *value = format!("{text}\u{1}").into(),
        value => *value = chance.pick(&odd).unwrap().clone(),
    }
    body
}

/// The body as it is, and as `serde_json` has it, through validators that differ in nothing else: bodies invented for every schema, right
/// ones and spoilt ones.
#[test]
fn a_body_is_judged_as_it_would_be_by_serde_json() {
    let files = Files::embedded();
    let schemas: std::collections::BTreeMap<String, serde_json::Value> = files
        .under("schemas/canonical/")
        .filter_map(|(path, text)| Some((path.strip_suffix(".json")?.to_owned(), serde_json::from_str(text).unwrap())))
        .collect();
    let inventor = Inventor::new(&schemas, catalogue().shapes.editions()).unwrap();
    let (mut right, mut wrong) = (0, 0);
    for (name, schema) in &schemas {
        let ours = validate::options::<canonical::Canonical>().build(schema).unwrap();
        let theirs = validate::options::<jsonschema::json::SerdeJson>().build(schema).unwrap();
        let mut chance = Chance::new(11);
        for _ in 0..12 {
            let made = inventor.document(name, None, &mut chance).unwrap().body;
            let mut bodies = vec![made.clone()];
            (0..6).for_each(|_| bodies.push(spoilt(&made, &mut chance)));
            for body in bodies {
                let same = serde_json::Value::from(&body);
                let own: Vec<String> = ours.iter_errors(&body).map(|e| format!("{} {e:?}", e.instance_path())).collect();
                let other: Vec<String> = theirs.iter_errors(&same).map(|e| format!("{} {e:?}", e.instance_path())).collect();
                assert_eq!(own, other, "{name}: {body}");
                assert_eq!((ours.is_valid(&body), theirs.is_valid(&same)), (own.is_empty(), own.is_empty()), "{name}: {body}");
                if own.is_empty() { right += 1 } else { wrong += 1 }
            }
        }
    }
    assert!(right > 200 && wrong > 1000, "{right} right, {wrong} wrong");
}
