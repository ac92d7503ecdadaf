//! The shipped catalogue, row by row.

use super::*;
use crate::body::json;
use crate::model::Vnd;
use jiff::civil::{Date, date};

fn shipped() -> (Procedures, Vec<PlanRow>) {
    let files = Files::embedded();
    let text = |name: &str| files.text(&format!("schemas/catalogue/{name}")).unwrap().to_owned();
    table::read(&text("procedures.csv"), &text("services.toml")).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

const TODAY: Date = date(2026, 11, 23);

#[test]
fn all_243_rows_are_there_and_ten_of_them_are_not_addressable() {
    let (procedures, _) = shipped();
    assert_eq!(procedures.list().len(), 243);
    assert_eq!(procedures.list().iter().filter(|p| p.era == "2019").count(), 103);
    assert_eq!(procedures.list().iter().filter(|p| !p.addressable()).count(), 10);
    assert!(procedures.list().iter().filter(|p| !p.addressable()).all(|p| p.era == "2019" && !p.name_vi.is_empty()));
    assert!(procedures.lookup("", date(2019, 3, 15)).is_err());
}

#[test]
fn the_sources_confidence_is_kept() {
    let (procedures, _) = shipped();
    let count = |word: &str| procedures.list().iter().filter(|p| p.confidence == word).count();
    assert_eq!((count("verified"), count("name-verified"), count("unverified")), (168, 59, 16));
}

#[test]
fn a_procedure_is_found_only_on_its_days() {
    let (procedures, _) = shipped();
    let none = |from: Date, to: Option<Date>| Err(NotFound::NotValid { from, to });
    let first = date(2019, 1, 1);
    let (last, next) = (date(2025, 6, 30), date(2025, 7, 1));
    for (code, day, want) in [
        ("1.005142", date(2019, 3, 15), Ok("2019")),
        ("1.005142", last, Ok("2019")),
        ("1.005142", next, Ok("2026")),
        ("1.005142.000.00.00.H26", TODAY, Ok("2026")),
        ("1.005142", date(2018, 12, 31), none(first, Some(last))),
        ("1.006388", last, Ok("2019")),
        ("1.006388", next, none(first, Some(last))),
        ("3.000181", last, none(next, None)),
        ("3.000181", TODAY, Ok("2026")),
        ("9.999999", TODAY, Err(NotFound::Unknown)),
        ("x", TODAY, Err(NotFound::Unknown)),
    ] {
        assert_eq!(procedures.lookup(code, day).map(|p| p.era.as_str()), want, "{code} on {day}");
    }
}

#[test]
fn the_three_services_are_on_the_ministrys_software_then_and_now() {
    let (procedures, _) = shipped();
    for day in [date(2019, 3, 15), TODAY] {
        for code in ["1.005142", "1.005095", "1.001942"] {
            let p = procedures.lookup(code, day).unwrap();
            assert_eq!((p.host, p.added_confidence.as_deref()), (Host::Ministry, Some("G")), "{code}");
        }
    }
    assert_eq!(procedures.list().iter().filter(|p| p.host == Host::Ministry).count(), 6);
}

#[test]
fn fee_rules_are_those_of_the_sources() {
    let (procedures, _) = shipped();
    let wishes = json!({"wishes": [{"paid": false}, {"paid": true}, {"paid": false}]});
    for (code, day, want) in [
        ("1.001942", date(2019, 3, 15), Some(60_000)),
        ("1.001942", TODAY, Some(40_000)),
        ("1.005095", date(2019, 3, 15), Some(0)),
        ("1.005095", TODAY, None),
        ("1.005142", TODAY, None),
        ("1.004889", TODAY, None),
        ("3.000181", TODAY, None),
        ("1.004492", date(2019, 3, 15), Some(0)),
    ] {
        assert_eq!(procedures.lookup(code, day).unwrap().charge(&wishes, &[]).sum().map(Vnd::amount), want, "{code} on {day}");
    }
    // Where the list says 0 the rule says none; where it is silent the rule is unknown.
    for p in procedures.list().iter().filter(|p| p.addressable()) {
        match p.fee_note.as_str() {
            "0" => assert_eq!(p.fee_rule.by, FeeBy::None, "{}", p.code()),
            "" => assert_eq!(p.fee_rule.by, FeeBy::Unknown, "{}", p.code()),
            _ => {}
        }
    }
}

#[test]
fn terms_are_read_from_the_lists_notes() {
    let (procedures, _) = shipped();
    let term = |code: &str, day| procedures.lookup(code, day).unwrap().days;
    assert_eq!(term("1.006388", date(2019, 3, 15)), Some(Term { days: 25, working: true }));
    assert_eq!(term("1.005095", TODAY), Some(Term { days: 15, working: false }));
    assert_eq!(term("1.005142", TODAY), None);
    assert_eq!(procedures.list().iter().filter(|p| p.days.is_some()).count(), 62);
}

#[test]
fn the_plan_stands_beside_the_catalogue_and_is_not_made_to_match() {
    let (procedures, plan) = shipped();
    let lines = plan::compare(&plan, procedures.list().iter().filter(|p| p.era == "2019"));
    let told: Vec<_> = lines.iter().map(|l| (l.tier, l.column, l.plan, l.catalogue, l.unknown, l.difference)).collect();
    let soft = "on the Ministry's software";
    assert_eq!(
        told,
        [
            ("department", "procedures", Some(65), 65, 0, Some(0)),
            ("department", "level 3", None, 3, 62, None),
            ("department", "level 4", Some(25), 3, 62, Some(-22)),
            ("department", soft, Some(3), 3, 0, Some(0)),
            ("district", "procedures", Some(30), 33, 0, Some(3)),
            ("district", "level 3", Some(30), 0, 33, Some(-30)),
            ("district", "level 4", Some(14), 0, 33, Some(-14)),
            ("district", soft, None, 0, 0, None),
            ("commune", "procedures", Some(5), 5, 0, Some(0)),
            ("commune", "level 3", Some(5), 0, 5, Some(-5)),
            ("commune", "level 4", Some(2), 0, 5, Some(-2)),
            ("commune", soft, None, 0, 0, None),
        ]
    );
    let text = report::plan(&lines);
    assert!(text.contains("at least 25") && text.contains("+3"), "{text}");
    assert_eq!(report::plan_json(&lines).as_array().map(Vec::len), Some(12));
}

#[test]
fn rows_are_filtered_and_shown() {
    let (procedures, _) = shipped();
    let filter = Filter { on: Some(TODAY), host: Some(Host::Ministry), ..Filter::default() };
    let text = report::list(procedures.filter(&filter));
    assert!(text.ends_with("3 rows\n") && text.contains("20000 each of wishes"), "{text}");
    let filter = Filter { text: Some("PHÚC KHẢO".into()), ..Filter::default() };
    assert_eq!(report::list_json(procedures.filter(&filter)).as_array().map(Vec::len), Some(2));
}

#[test]
fn the_citys_department_and_the_ministry_are_known_by_both_codes() {
    let agencies = Agencies::parse(Files::embedded().text("schemas/catalogue/agencies.csv").unwrap()).unwrap();
    assert_eq!(agencies.lookup("000.00.15.H26").unwrap().name_vi, "Sở Giáo dục và Đào tạo Hà Nội");
    assert_eq!(agencies.lookup("G03"), agencies.lookup("000.00.00.G03"));
}

#[test]
fn faults_of_the_tables_are_told_together() {
    let csv = "era,code,name_vi,name_en,tier,field,fee_vnd,time_note,confidence\n2019,1.000001,a,a,city,f,,,v\n2018,1.000002,a,a,commune,f,,,v\n";
    let services = "[[era]]\nname='2019'\nfrom='x'\n[[service]]\nera='2019'\ncode='1.000009'\nlevle='4'\n";
    let told: Vec<String> = table::read(csv, services).unwrap_err().iter().map(ToString::to_string).collect();
    for want in [
        "services.toml:3:6: `from` must be a date",
        "services.toml:7:1: unknown key `levle`",
        "there is no row (2019, 1.000009)",
        "procedures.csv:2:1: unknown tier",
        "procedures.csv:3:1: services.toml has no era `2018`",
    ] {
        assert!(told.iter().any(|t| t.contains(want)), "{want}: {told:#?}");
    }
}

// === the whole catalogue ===

fn whole(files: &Files) -> Result<Catalogue, LoadFaults> {
    Catalogue::load(files, &Settings::new(), &crate::config::Placeholders)
}

#[test]
fn everything_that_is_shipped_can_be_loaded() {
    let catalogue = whole(&Files::embedded()).unwrap_or_else(|faults| panic!("{faults}"));
    for role in [Role::Portal, Role::Ministry, Role::Payment] {
        assert!(catalogue.partner_of_role(role).is_some(), "{role:?}");
    }
    for code in ["1.005142", "1.005095", "1.001942"] {
        let p = catalogue.procedures.lookup(code, TODAY).unwrap();
        assert_eq!(catalogue.ministry_for(p).map(|m| m.role), Some(Role::Ministry), "{code}");
        assert_eq!(catalogue.edition_on(code, date(2019, 3, 15)), Some("2019"));
        assert_eq!(catalogue.edition_on(code, TODAY), Some("2025"));
    }
    let city = catalogue.procedures.lookup("1.004889", TODAY).unwrap();
    assert!(catalogue.ministry_for(city).is_none());
    assert_eq!(catalogue.digest.len(), 64);
    assert_eq!(catalogue.plan().len(), 12);
}
