//! `lienthong check` is a proof: the shipped adapters have no fault, and each planted one is told by its check, at its place.
//!
//! The faults of the mapping language itself are planted in `mapping::compile::tests`, those of schemas in `mapping::xsd::tests`; here
//! stand those that need whole partners: their XSD, seals, flows, samples.
#![expect(clippy::panic, reason = "a test fails by panicking")]

use lienthong::catalogue::{Catalogue, Files, LoadFaults, Settings};
use lienthong::config::Placeholders;
use lienthong::mapping::{Book, SourceFault};

/// One change of a file: path, what stands there, what is put there.
type Change<'c> = (&'c str, &'c str, &'c str);

fn changed(changes: &[Change<'_>]) -> Files {
    changes.iter().fold(Files::embedded(), |files, (path, from, to)| {
        let text = files.text(path).unwrap_or_else(|| panic!("{path} is there")).to_owned();
        assert!(text.contains(from), "{path} holds {from}");
        files.with(*path, text.replacen(from, to, 1))
    })
}

fn told(faults: &LoadFaults) -> Vec<String> {
    let one = |(folder, f): (&str, &lienthong::catalogue::FileFault)| {
        format!("{} {folder}/{}:{}:{}: {}", f.check.code(), f.file, f.line, f.column, f.text)
    };
    faults.iter().map(one).collect()
}

fn faults(changes: &[Change<'_>]) -> Vec<String> {
    let files = changed(changes);
    // Documents are looked at only where the rest has nothing to tell: they take a second.
    let quick = Catalogue::load(&files, &Settings::new(), &Placeholders).map(|_| ());
    quick.and_then(|()| Catalogue::prove(&files, &Settings::new(), &Placeholders)).map_or_else(|f| told(&f), |_| Vec::new())
}

#[test]
fn the_shipped_adapters_are_proven() {
    let catalogue = Catalogue::prove(&Files::embedded(), &Settings::new(), &Placeholders).unwrap_or_else(|f| panic!("{f}"));
    assert!(catalogue.notes().all(|(folder, _)| folder != "schemas"), "no schema is ambiguous");
    let at_the_door = catalogue.preconditions();
    assert_eq!(at_the_door.len(), 2, "{at_the_door:?}");
    assert!(at_the_door[0].starts_with("moet/submit.map: `agency.name` must be there"), "{at_the_door:?}");
}

#[test]
fn each_planted_fault_is_told_by_its_check_at_its_place() {
    let withdraw = "adapters/moet/withdraw.map";
    let (hanoi, keypay, moet) = ("adapters/hanoi/partner.toml", "adapters/keypay/partner.toml", "adapters/moet/partner.toml");
    let cases: &[(&[Change<'_>], &str)] = &[
        // V1, V2: against the partner's XSD
        (
            &[(withdraw, "LyDo        = reason", "LyDoRut     = reason")],
            "V1 adapters/moet/withdraw.map:12:1: `RutHoSo` has no `{urn:lienthong:bo-gddt:1}LyDoRut`",
        ),
        (
            &[("adapters/hanoi/withdraw.map", "LyDo   = reason", "LyDoRut = reason")],
            "V1 adapters/hanoi/withdraw.map:9:1: `RutHoSo` has no `LyDoRut` in the schema",
        ),
        (
            &[("adapters/hanoi/codes.toml", "female = 1", "female = 2")],
            "V4 adapters/hanoi/form/1.001942@2019.map:2:18: `female` of the list `sex`, written 2, is no value of the schema",
        ),
        (
            &[("schemas/canonical/fee.paid.json", "\"maximum\": 999999999999", "\"maximum\": 9999999999999")],
            "V3 adapters/moet/fee-paid.map:12:15: the schema wants at most 999999999999 here; the canonical place has at most 9999999999999",
        ),
        (
            &[(withdraw, "LyDo        = reason\n", ""), (withdraw, "unknown:   refuse", "unknown:   refuse\nwithout:   reason")],
            "V2 adapters/moet/withdraw.map:6:12: `RutHoSo` is written without `LyDo`",
        ),
        (
            &[(withdraw, "MaHoSo      = code\nLyDo        = reason\n", "LyDo        = reason\nMaHoSo      = code\n")],
            "V2 adapters/moet/withdraw.map:12:1: `MaHoSo` stands too late: the schema wants it before `LyDo`",
        ),
        (
            &[(withdraw, "= reason", "= reason ?")],
            "V2 adapters/moet/withdraw.map:12:1: `LyDo` must stand in `RutHoSo` by the schema, and it may be left out here",
        ),
        (
            &[("adapters/moet/form/1.005142@2025.map", "    KhuVuc            = region\n", "    KhuVuc            = region ?\n")],
            "V2 adapters/moet/form/1.005142@2025.map:45:5: `KhuVuc` must stand in `DuThi2025` by the schema, and it may be left out here",
        ),
        (
            &[(
                "adapters/moet/form/1.005142@2025.map",
                "    when identity.kind = passport\n        HoChieu = identity.number\n",
                "    when identity.kind = passport\n        HoChieu = identity.number ?\n",
            )],
            "V6 adapters/moet/form/1.005142@2025.map:11:5: whether this branch holds could not be seen",
        ),
        (
            &[("adapters/moet/paper-head.map", "@ma      = code\n", "@ma      = code ?\n")],
            "V2 adapters/moet/paper-head.map:2:1: the attribute `ma` may be left out here, but the schema demands it",
        ),
        (
            &[
                ("adapters/moet/status.map", "HanTra = due_at : time(yyyy-MM-dd'T'HH:mm:ssXXX) ?\n", ""),
                ("adapters/moet/status.map", "documents, sequence", "documents, due_at, sequence"),
            ],
            "V1 adapters/moet/status.map:6:12: the schema lets `ThongBaoTrangThai` hold HanTra, which would be refused as unknown",
        ),
        // V3, V4: values of the schema
        (
            &[("adapters/moet/head.map", "@phienBan     = '1.0'", "@phienBan     = '1.1'")],
            "V3 adapters/moet/head.map:2:17: '1.1' is no value of the schema",
        ),
        (
            &[("adapters/moet/codes.toml", "female = \"1\"", "female = \"2\"")],
            "V4 adapters/moet/form/1.001942@2025.map:3:22: `female` of the list `sex`, written '2', is no value of the schema",
        ),
        // V10: seals
        (
            &[("adapters/keypay/create.map", "extra_fee : number | text", "extra_fee : number | text ?")],
            "V10 adapters/keypay/partner.toml:62:16: the seal `create` covers `addition_fee`, which may be missing by `create.map`",
        ),
        (
            &[("adapters/keypay/create.map", "check_sum      = $seal", "check_sum      = 'x'")],
            "V10 adapters/keypay/partner.toml:62:16: `create.map` has no hole for the seal `create`",
        ),
        (
            &[(keypay, "\"addition_fee\", \"client_id\"", "\"additional_fee\", \"client_id\"")],
            "V10 adapters/keypay/partner.toml:62:16: the seal `create` covers `additional_fee`, which is no field of the root level in `create.map`",
        ),
        // V11: what one route needs and nobody gives
        (
            &[
                ("adapters/moet/file.map", "Kieu    = type ?", "Kieu    = url"),
                ("schemas/canonical/dossier.submit.json", "\"maxLength\": 2000", "\"maxLength\": 500"),
                ("schemas/canonical/dossier.supplement.json", "\"maxLength\": 2000", "\"maxLength\": 500"),
                ("adapters/moet/dossier-file.map", "papers.files.url", "papers.files.type"),
                ("adapters/moet/letter.map", ", papers.files.url", ""),
                ("adapters/moet/submit.map", "papers.files.url", "papers.files.type"),
                ("adapters/moet/supplement.map", "papers.files.url", "papers.files.type"),
            ],
            "V11 adapters/moet/file.map:5:11: `papers.files.url` is needed by moet/supplement.map, and neither hanoi/supplement.map carries it",
        ),
        (
            &[("adapters/hanoi/fee.map", "= transaction ?", "= transaction")],
            "V11 adapters/hanoi/fee.map:13:22: `transaction` is needed here, and a fee.change of the gateway's own making does not always have it",
        ),
        (
            &[
                // By its schema the text could be nothing else.
                ("adapters/keypay/notice-accepted.map", "schema:  keypay/nen-tang-thanh-toan.json\nroot:    DaNhan\n", ""),
                ("adapters/keypay/notice-accepted.map", "'success'", "url"),
                ("adapters/keypay/notice-accepted.map", ", transaction, url", ", transaction"),
            ],
            "V11 adapters/keypay/notice-accepted.map:7:15: `url` is needed here, and a receipt of the gateway's own making does not always have it",
        ),
        (
            &[("adapters/keypay/codes.toml", "unknown = -1\n", "")],
            "V11 adapters/keypay/bill-answer.map:8:14: `outcome` of a bill.answer of the gateway's own making may be unknown",
        ),
        (
            &[("adapters/hanoi/codes.toml", "withdrawn  = 7\n", "")],
            "V11 adapters/hanoi/status.map:14:17: `status` of a status.change of the gateway's own making may be withdrawn, for which the list has no wire value",
        ),
        (
            &[(hanoi, "answer = \"code-issued\"", "answer = \"files-stored\"")],
            "routes adapters/hanoi/partner.toml:42:20: `files-stored.map` carries file.stored, which is not told here",
        ),
        // V3: a mark that the wire refuses
        (
            &[("schemas/canonical/forms/1.005142@2025.json", "^(9999|", "^(9999(\\\\.5)?|")],
            "V3 adapters/moet/form/1.005142@2025.map:44:27: the canonical place may hold 9999.5, which is no value of the schema",
        ),
        // V12: samples and invented documents
        (
            &[("adapters/moet/samples/withdraw/short.canonical.json", "\"reason\": \"", "\"reason\": \"x")],
            "V12 adapters/moet/samples/withdraw/short.xml:1:1: it is not read as short.canonical.json says, at /reason",
        ),
        (
            &[(
                "schemas/moet/lien-thong.xsd",
                "<xs:simpleType name=\"MaTinh\"><xs:restriction base=\"xs:string\"><xs:pattern value=\"[0-9]{2}\"/>",
                "<xs:simpleType name=\"MaTinh\"><xs:restriction base=\"xs:string\"><xs:pattern value=\"[0-9]{3}\"/>",
            )],
            "V12 adapters/moet/submit.map:1:1: not valid by moet/lien-thong.xsd",
        ),
        // schemas, routes
        (
            &[("schemas/moet/lien-thong.xsd", "name=\"LyDo\" type=\"VanBan\"", "name=\"LyDo\" type=\"VanBann\"")],
            "schemas schemas/moet/lien-thong.xsd:82:5: there is no type `VanBann`",
        ),
        (
            &[(withdraw, "moet/lien-thong.xsd", "moet/lien-thong-2.xsd")],
            "V1 schemas/moet/lien-thong-2.xsd:1:1: there is no such file",
        ),
        (
            &[(hanoi, "max_body = \"1MB\"\n", "max_body = \"1MB\"\nvalidate = \"xsd\"\n")],
            "routes adapters/hanoi/partner.toml:57:12: `submit.map` names no XSD: hanoi/cong-dich-vu.json",
        ),
        (
            &[(moet, "[in.status]\n", "[in.status]\nvalidate = \"dtd\"\n")],
            "routes adapters/moet/partner.toml:126:12: `validate` must be",
        ),
    ];
    let mut untold = Vec::new();
    for (changes, want) in cases {
        let got = faults(changes);
        if !got.iter().any(|f| f.starts_with(want)) {
            untold.push(format!("{changes:?}\n want {want}\n got  {got:#?}"));
        }
    }
    assert!(untold.is_empty(), "{}", untold.join("\n"));
}

#[test]
fn all_faults_of_all_adapters_are_told_at_once() {
    let got = faults(&[
        ("adapters/hanoi/withdraw.map", "= reason", "= raeson"),
        ("adapters/moet/inquiry.map", "MaHoSo         = code\n", ""),
        ("adapters/keypay/query.map", "check_sum      = $seal", ""),
    ]);
    for part in ["adapters/hanoi/withdraw.map", "adapters/moet/inquiry.map", "adapters/keypay/partner.toml"] {
        assert!(got.iter().any(|f| f.contains(part)), "{part}: {got:#?}");
    }
}

#[test]
fn a_set_of_before_is_read_back_though_it_would_not_be_proven_today() {
    let files = changed(&[("adapters/moet/withdraw.map", "= reason", "= reason ?")]);
    assert!(Catalogue::load(&files, &Settings::new(), &Placeholders).is_err());
    assert!(Catalogue::revive(&files, &Settings::new(), &Placeholders).is_ok());
}

#[test]
fn a_set_of_a_time_before_there_was_a_message_is_read_back_without_its_schema() {
    let shipped = Files::embedded();
    let of_before =
        |path: &&(&str, &str)| path.0 != "schemas/canonical/dossier.sync.json" && !path.0.starts_with("adapters/dvcqg/");
    let all: Vec<(&str, &str)> = shipped.iter().collect();
    let files = all.iter().filter(of_before).fold(Files::default(), |files, (path, text)| files.with(*path, *text));
    assert!(Catalogue::load(&files, &Settings::new(), &Placeholders).is_err());
    let set = Catalogue::revive(&files, &Settings::new(), &Placeholders).unwrap_or_else(|f| panic!("{f}"));
    assert!(set.partners.len() >= 3);
}

/// Lines of every mapping (each third) with their canonical name misspelt, one after the other: one mistake is one fault, at that line.
#[test]
fn a_misspelt_canonical_name_is_one_fault_wherever_it_stands() {
    let catalogue = Catalogue::load(&Files::embedded(), &Settings::new(), &Placeholders).unwrap_or_else(|f| panic!("{f}"));
    let (mut tried, mut wrong) = (0, Vec::new());
    for partner in catalogue.partners.keys() {
        let source = Files::embedded().source(partner);
        for (file, text) in source.files.iter().filter(|(file, _)| file.ends_with(".map")) {
            let heads = text.lines().take_while(|l| !l.is_empty()).count();
            let body = if text.contains("\nmessage:") || text.starts_with("message:") { heads } else { 0 };
            for (n, line) in text.lines().enumerate().skip(body).step_by(3) {
                let Some(misspelt) = misspell(line) else { continue };
                tried += 1;
                let changed: Vec<&str> =
                    text.lines().enumerate().map(|(m, l)| if m == n { misspelt.as_str() } else { l }).collect();
                let (_, faults) = Book::draft(&source.clone().with(file.as_str(), changed.join("\n")), &catalogue.shapes);
                let here = |f: &SourceFault| f.file == *file && f.line == n + 1;
                if faults.len() != 1 || !faults.iter().all(here) {
                    wrong.push(format!("{partner}/{file}:{}: {misspelt}\n  {faults:?}", n + 1));
                }
            }
        }
    }
    assert!(tried > 120, "{tried}");
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
}

/// The line with one letter more in the last word of its canonical path; none: it has no path.
fn misspell(line: &str) -> Option<String> {
    let line = line.split(" #").next().filter(|l| !l.starts_with('#'))?;
    let (start, right) = match line.trim_start().strip_prefix("when ") {
        Some(rest) => (line.len() - rest.len(), rest),
        None => line.split_once(" = ").map(|(left, right)| (left.len() + 3, right))?,
    };
    let path = right.len() - right.trim_start_matches('^').len();
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.' | '[' | ']');
    let end = right[path..].find(|c| !word(c)).map_or(right.len(), |n| path + n);
    let own = right[..end].trim_end_matches("[]");
    let named = own[path..].starts_with(|c: char| c.is_ascii_lowercase()) && !own.ends_with('.');
    let literal = ["true", "false", "null"].contains(&&own[path..]);
    (named && !literal).then(|| format!("{}{own}q{}", &line[..start], &line[start + own.len()..]))
}

/// A new form is asked of those whose dossiers may have it: the portal, and not a ministry whose routes are for other procedures.
#[test]
fn a_new_form_is_missed_where_it_can_come_and_nowhere_else() {
    let schema = r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "card", "type": "object", "additionalProperties": false,
        "required": ["lending"], "properties": {"lending": {"type": "boolean"}}}"#;
    let editions = "schemas/canonical/forms/editions.toml";
    let row = "\n[[edition]]\nprocedure = \"1.004889\"\nname = \"2026\"\nfrom = \"2026-01-01\"\n";
    let files = Files::embedded();
    let files = files.clone().with(editions, files.text(editions).unwrap_or_default().to_owned() + row);
    let files = files.with("schemas/canonical/forms/1.004889@2026.json", schema);
    let found = Catalogue::prove(&files, &Settings::new(), &Placeholders).map_or_else(|f| told(&f), |_| Vec::new());
    let want = |map: &str| {
        format!(
            "V12 adapters/hanoi/{map}.map:1:1: it has no form/1.004889@2026.map (or schemas/canonical/forms/editions.toml no row of \
             1.004889@2026): a dossier with this form cannot pass"
        )
    };
    assert_eq!(found, [want("submit"), want("supplement")]);
}
