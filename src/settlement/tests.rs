//! What must hold of a comparison: each row and movement in one class, sums that add up, the same again opens nothing twice.

use super::compare::compare;
use super::differ;
use super::statement::{Row, read};
use super::*;
use crate::catalogue::Columns;
use crate::clock::Time;
use crate::journal::{Booked, CaseWord};
use crate::model::Vnd;
use jiff::civil::date;
use proptest::prelude::*;

const DAY: &str = "2026-06-09";

fn form() -> StatementForm {
    let some = |name: &str| Some(name.to_owned());
    StatementForm {
        separator: b',',
        columns: Columns {
            transaction: "id".into(),
            amount: "sum".into(),
            status: "state".into(),
            code: some("code"),
            fee: some("fee"),
            paid_at: some("paid"),
            settled_at: some("settled"),
            settlement: some("transfer"),
        },
        paid: vec!["0".into()],
        refunded: vec!["4".into()],
        nothing: vec!["1".into(), "2".into()],
        fee: Vnd::new(0).ok(),
        offset: 7 * 3600,
        cut_off: jiff::civil::time(23, 0, 0, 0),
        most: 1 << 20,
    }
}

fn window() -> Window {
    Window::of(&form(), date(2026, 6, 9)).unwrap()
}

fn at(text: &str) -> Time {
    form().time(text).unwrap()
}

/// The morning after: every window of the day is over.
fn after() -> Time {
    at("2026-06-10 08:00:00")
}

fn booked(movement: u64, transaction: &str, amount: u64, when: &str) -> Booked {
    Booked {
        movement,
        transaction: transaction.into(),
        dossier: format!("D-{transaction}"),
        way: Way::Payment,
        amount: Vnd::new(amount).unwrap(),
        at: at(when),
        code: Some(format!("C-{transaction}")),
        stated: None,
    }
}

fn rows(csv: &str) -> Vec<Row> {
    read(&form(), format!("id,code,sum,fee,paid,settled,transfer,state\n{csv}").as_bytes()).unwrap().rows
}

fn classes(comparison: &Comparison) -> Vec<(&str, &str)> {
    comparison.lines.iter().map(|l| (l.transaction.as_str(), l.class.word())).collect()
}

#[test]
fn each_row_and_each_movement_of_the_day_is_in_its_class() {
    let csv = "A,C-A,100,0,2026-06-09 08:00:00,,,0\n\
               B,C-B,90,0,2026-06-09 08:00:00,,,0\n\
               C,C-X,100,0,2026-06-09 08:00:00,,,0\n\
               D,C-D,100,7,2026-06-09 08:00:00,,,0\n\
               E,C-E,100,0,2026-06-07 08:00:00,,,0\n\
               F,C-F,100,0,2026-06-09 08:00:00,,,2\n\
               G,C-G,100,0,2026-06-09 08:00:00,,,0\n\
               H,C-H,100,0,2026-06-09 08:00:00,,,2\n\
               I,C-I,100,0,2026-06-09 08:00:00,,,0\n\
               A,C-A,100,0,2026-06-09 08:00:00,,,0\n\
               L,C-L,100,0,2026-06-08 23:30:00,,,0\n\
               M,C-M,30,0,2026-06-09 09:00:00,,,4\n";
    let mut ours: Vec<Booked> =
        ["A", "B", "C", "D", "E", "F", "I"].iter().zip(1..).map(|(t, n)| booked(n, t, 100, "2026-06-09 08:00:05")).collect();
    ours[6].stated = Some("2026-06-08".into());
    ours.push(booked(8, "J", 100, "2026-06-09 22:59:00"));
    ours.push(booked(9, "K", 100, "2026-06-09 23:10:00"));
    ours.push(booked(10, "L", 100, "2026-06-08 23:30:09"));
    ours.push(Booked { stated: Some("2026-06-08".into()), ..booked(11, "N", 100, "2026-06-08 23:30:09") });
    ours.push(Booked { way: Way::Refund, ..booked(12, "M", 30, "2026-06-09 09:00:00") });
    let comparison = compare(&form(), &window(), &rows(csv), ours, after()).unwrap();
    let want = [
        ("A", "matched"),
        ("B", "mismatched"),
        ("C", "mismatched"),
        ("D", "mismatched"),
        ("E", "mismatched"),
        ("F", "mismatched"),
        ("G", "missing-ours"),
        ("H", "matched"),
        ("I", "mismatched"),
        ("A", "missing-ours"),
        ("L", "matched"),
        ("M", "matched"),
        ("J", "missing-theirs"),
        ("K", "expected"),
    ];
    assert_eq!(classes(&comparison), want);
    let fields: Vec<_> = comparison.lines.iter().flat_map(|l| &l.more.differences).map(|d| d.field.as_str()).collect();
    assert_eq!(fields, ["amount", "code", "fee", "day", "status", "day"]);
    let sums = comparison.totals[&(Way::Payment, Class::MissingOurs)];
    assert_eq!((sums.rows, sums.theirs.amount(), sums.booked), (2, 200, 0));
    assert_eq!(comparison.lines[9].more.nth, Some(2));
}

#[test]
fn before_the_window_closes_nothing_is_missing_on_their_side() {
    let ours = vec![booked(1, "A", 100, "2026-06-09 08:00:00")];
    for (now, want) in [("2026-06-09 22:59:59", "expected"), ("2026-06-09 23:00:00", "missing-theirs")] {
        let comparison = compare(&form(), &window(), &[], ours.clone(), at(now)).unwrap();
        assert_eq!(classes(&comparison), [("A", want)], "{now}");
    }
}

#[test]
fn many_payments_are_one_bank_transfer() {
    let csv = "A,,100,2,,2026-06-10 09:00:00,FT1,0\nB,,200,2,,2026-06-10 09:00:00,FT1,0\nC,,50,0,,2026-06-10 09:00:00,FT1,4\n\
               D,,70,1,,2026-06-11 09:00:00,,0\nE,,9,0,,2026-06-10 09:00:00,FT1,2\n";
    let comparison = compare(&form(), &window(), &rows(csv), Vec::new(), after()).unwrap();
    let told: Vec<Value> = comparison.transfers.iter().map(|(r, t)| transfer(r, t)).collect();
    assert_eq!(told[0]["transfer"], "2026-06-11T09:00:00+07:00", "without a reference its time stands for it");
    assert_eq!(
        told[1],
        json!({ "transfer": "FT1", "at": "2026-06-10T09:00:00+07:00", "payments": 2, "paid": 300, "refunds": 1, "given_back": 50, "fees": 4, "net": 246 })
    );
}

#[test]
fn what_cannot_be_read_exactly_is_refused_with_its_line() {
    let head = "id,code,sum,fee,paid,settled,transfer,state";
    for (text, line, says) in [
        (format!("{head}\nA,C,150000.0,0,,,,0"), "2:sum", "whole VND"),
        (format!("{head}\nA,C,\"150,000\",0,,,,0"), "2:sum", "whole VND"),
        (format!("{head}\nA,C,1.5e5,0,,,,0"), "2:sum", "whole VND"),
        (format!("{head}\nA,C,-1,0,,,,0"), "2:sum", "whole VND"),
        (format!("{head}\nA,C,,0,,,,0"), "2:sum", "whole VND"),
        (format!("{head}\nA,C,9007199254740992,0,,,,0"), "2:sum", "at most"),
        (format!("{head}\nA,C,1,0,,,,9"), "2:state", "no such status"),
        (format!("{head}\n,C,1,0,,,,0"), "2:id", "missing"),
        (format!("{head}\nA,C,1,0,09/06/2026,,,0"), "2:paid", "a time such as"),
        (format!("{head}\nA,C,1,0,,,,0\nB,C,1,0"), "3", "4 cells"),
        ("id,code,fee,paid,settled,transfer,state\n".to_owned(), "1:sum", "is missing"),
        (format!("{head},id\n"), "1:id", "stands twice"),
        (format!("{head}\n{},C,1,0,,,,0", "x".repeat(201)), "2:1", "too long"),
    ] {
        let faults = read(&form(), text.as_bytes()).unwrap_err();
        assert_eq!(faults[0].pointer, line, "{text}");
        assert!(faults[0].text_en.contains(says), "{text}: {}", faults[0].text_en);
        assert!(!faults[0].text_en.contains("150"), "a value is not shown: {}", faults[0].text_en);
    }
    assert_eq!(
        read(&form(), b"id,code,sum,fee,paid,settled,transfer,state\nA\xFF,C,1,0,,,,0").unwrap_err()[0].text_en,
        "line 2: not UTF-8"
    );
    let many = format!("{head}\n{}", "A,C,x,0,,,,0\n".repeat(100));
    assert_eq!(read(&form(), many.as_bytes()).unwrap_err().len(), 20, "all at once, but bounded");
    let marked = format!("\u{feff}{head},extra\nA,C,1,0,,,,0,y");
    let statement = read(&form(), marked.as_bytes()).unwrap();
    assert_eq!((statement.rows.len(), statement.unread), (1, vec!["extra".to_owned()]));
}

fn new(day: &str) -> NewStatement {
    NewStatement { partner: "bank".into(), day: day.into(), digest: "d".into(), at: after(), who: "lan".into(), data: json!({}) }
}

/// The case that an earlier statement's line became.
fn open(case: u64, of: &crate::journal::NewCase) -> CaseView {
    CaseView {
        case,
        kind: Some(of.kind),
        word: of.kind.word().into(),
        dossier: of.dossier.clone(),
        data: of.data.clone(),
        at: of.at,
        met: 1,
        met_at: of.at,
        closed_at: None,
        decision: None,
        version: 4,
    }
}

#[test]
fn a_difference_is_a_case_and_a_later_statement_that_has_it_says_so() {
    let ours = || vec![booked(1, "A", 100, "2026-06-09 08:00:00"), booked(2, "B", 100, "2026-06-09 08:00:00")];
    let csv = "B,C-B,90,0,2026-06-09 08:00:00,,,0\nG,C-G,7,0,2026-06-09 08:00:00,,,0\n";
    let first = compare(&form(), &window(), &rows(csv), ours(), after()).unwrap();
    let effects = differ::effects(&new(DAY), &first.lines, &[]);
    let kinds: Vec<&str> = effects.cases.iter().map(|c| c.kind.word()).collect();
    assert_eq!(kinds, ["statement-mismatch", "statement-missing-ours", "statement-missing-theirs"]);
    let mismatch = &effects.cases[0].data;
    assert_eq!((&mismatch["field"], &mismatch["theirs"], &mismatch["ours"]), (&json!("amount"), &json!(90), &json!(100)));
    let cases: Vec<CaseView> = effects.cases.iter().zip(1..).map(|(c, n)| open(n, c)).collect();
    let again = differ::effects(&new(DAY), &first.lines, &cases);
    assert!(again.case_steps.is_empty() && again.cases == effects.cases, "the same again asserts the same and resolves nothing");
    // The next day's statement has what was missing; of the other two differences it says nothing.
    let next = Window::of(&form(), date(2026, 6, 10)).unwrap();
    let late = rows("A,C-A,100,0,2026-06-09 23:10:00,,,0\nB,C-B,100,0,2026-06-10 01:00:00,,,0\n");
    let second = compare(&form(), &next, &late, ours(), at("2026-06-11 08:00:00")).unwrap();
    let told = differ::effects(&new("2026-06-10"), &second.lines, &cases);
    assert_eq!(told.case_steps.iter().map(|s| (s.case, s.version)).collect::<Vec<_>>(), [(3, 5)]);
    assert_eq!(told.case_steps[0].what, CaseWord::Decided("resolved".into()));
    assert!(told.case_steps[0].reason.contains("2026-06-10"));
    // A corrected statement of the same day has none of them: neither the row that was too many.
    let corrected = rows("A,C-A,100,0,2026-06-09 08:00:00,,,0\nB,C-B,100,0,2026-06-09 08:00:00,,,0\n");
    let third = compare(&form(), &window(), &corrected, ours(), after()).unwrap();
    let told = differ::effects(&new(DAY), &third.lines, &cases);
    assert_eq!(told.case_steps.iter().map(|s| s.case).collect::<Vec<_>>(), [1, 2, 3]);
    // The same file as another day's says nothing of a row that this day's had too many.
    let told = differ::effects(&new("2026-06-11"), &third.lines, &cases);
    assert!(told.case_steps.iter().all(|s| s.case == 3), "{:?}", told.case_steps);
}

#[test]
fn a_row_of_another_amount_meets_the_movement_that_no_other_row_needs() {
    let ours = vec![booked(1, "A", 100, "2026-06-09 08:00:00"), booked(2, "A", 100, "2026-06-09 08:05:00")];
    let told = rows("A,C-A,90,0,2026-06-09 08:00:00,,,0\nA,C-A,100,0,2026-06-09 08:05:00,,,0\n");
    let lines = compare(&form(), &window(), &told, ours, after()).unwrap().lines;
    assert_eq!(lines.iter().map(|l| l.class).collect::<Vec<_>>(), [Class::Mismatched, Class::Matched]);
}

/// Rows and movements over few transactions and amounts, so that they meet, differ and repeat in every way.
fn sides() -> impl Strategy<Value = (Vec<Row>, Vec<Booked>)> {
    let row = (0..6u8, 0..3u64, 0..3u8, 0..4i64).prop_map(|(t, amount, status, day)| Row {
        line: 2,
        transaction: format!("T{t}"),
        way: if status == 2 { Way::Refund } else { Way::Payment },
        moved: status != 1,
        status: ["0", "1", "4"][usize::from(status)].into(),
        amount: Vnd::new(amount * 1000).unwrap(),
        code: None,
        fee: None,
        at: (day > 0).then(|| at("2026-06-08 12:00:00").plus_ms((day - 1) * 86_400_000)),
        settled_at: None,
        settlement: None,
    });
    let ours = (0..6u8, 1..3u64, any::<bool>(), 0..60i64, any::<bool>()).prop_map(|(t, amount, back, hour, stated)| Booked {
        way: if back { Way::Refund } else { Way::Payment },
        at: at("2026-06-08 12:00:00").plus_ms(hour * 3_600_000),
        stated: stated.then(|| "2026-06-08".to_owned()),
        ..booked(0, &format!("T{t}"), amount * 1000, "2026-06-09 12:00:00")
    });
    let numbered = |all: Vec<Booked>| all.into_iter().zip(1..).map(|(b, n)| Booked { movement: n, ..b }).collect::<Vec<_>>();
    (proptest::collection::vec(row, 0..12), proptest::collection::vec(ours, 0..12).prop_map(numbered))
}

proptest! {
    #[test]
    fn every_row_and_every_movement_of_the_day_is_counted_once((rows, ours) in sides()) {
        let (form, window) = (form(), window());
        let comparison = compare(&form, &window, &rows, ours.clone(), after()).unwrap();
        // Taken from the lines alone, against the two sides alone.
        let with_row = comparison.lines.iter().filter(|l| l.more.line.is_some());
        prop_assert_eq!(with_row.count(), rows.len());
        let mut met: Vec<u64> = comparison.lines.iter().filter_map(|l| l.movement).collect();
        met.sort_unstable();
        prop_assert!(met.windows(2).all(|w| w[0] != w[1]), "a movement met two rows");
        let alone = comparison.lines.iter().filter(|l| l.theirs.is_none()).count();
        let rest: Vec<&Booked> = ours.iter().filter(|b| !met.contains(&b.movement)).collect();
        let of_the_day = rest.iter().filter(|b| b.stated.is_none() && window.opens <= b.at && b.at < window.ends).count();
        prop_assert_eq!(alone, of_the_day);
        let theirs: u64 = comparison.totals.values().map(|s| s.theirs.amount()).sum();
        prop_assert_eq!(theirs, rows.iter().filter(|r| r.moved).map(|r| r.amount.amount()).sum::<u64>());
        for line in &comparison.lines {
            if line.class == Class::Matched {
                prop_assert!(line.ours.is_none_or(|n| line.theirs == Some(n)), "{line:?}");
            }
        }
        // No row is told as missing while a movement of its own transaction, way and amount is told as missing too.
        for l in comparison.lines.iter().filter(|l| l.class == Class::MissingOurs) {
            let twin = comparison.lines.iter().any(|o| o.class == Class::MissingTheirs && (&o.transaction, o.way) == (&l.transaction, l.way));
            prop_assert!(!twin, "{l:?}");
        }
    }
}
