//! Patterns: what is written is read again, what is no real time is refused, what a pattern lacks is zero.

use super::*;
use proptest::prelude::*;

#[test]
fn a_canonical_time_is_written_and_read_again() {
    let at = "2019-04-03T09:30:05+07:00";
    for (pattern, wire) in [
        ("yyyyMMddHHmmss", "20190403093005"),
        ("yyyy-MM-dd HH:mm:ss", "2019-04-03 09:30:05"),
        ("yyyy/MM/dd HH:mm:ss", "2019/04/03 09:30:05"),
        ("yyyy-MM-dd'T'HH:mm:ssXXX", "2019-04-03T09:30:05+07:00"),
        ("yyyy-MM-dd'T'HH:mm:ss.SSS", "2019-04-03T09:30:05.000"),
    ] {
        let pattern = Pattern::parse(pattern).unwrap();
        assert_eq!(pattern.write(at).as_deref(), Some(wire));
        assert_eq!(pattern.read_time(wire, false).as_deref(), Some(at));
    }
}

#[test]
fn an_offset_is_turned_into_ours() {
    let pattern = Pattern::parse("yyyy-MM-dd'T'HH:mm:ssXXX").unwrap();
    for wire in ["2019-04-03T02:30:05Z", "2019-04-03T03:30:05+01:00", "2019-04-02T22:00:05-04:30"] {
        assert_eq!(pattern.read_time(wire, false).as_deref(), Some("2019-04-03T09:30:05+07:00"), "{wire}");
    }
}

#[test]
fn what_is_no_real_time_is_refused() {
    let pattern = Pattern::parse("yyyyMMddHHmmss").unwrap();
    for wire in [
        "20190229000000",
        "20191301000000",
        "20190101250000",
        "2019010100000",
        "201901010000000",
        "2019010100000x",
        "",
        "+0190101000000",
    ] {
        assert_eq!(pattern.read_time(wire, false), None, "{wire}");
    }
    let millis = Pattern::parse("HH:mm:ss.SSS yyyy-MM-dd").unwrap();
    assert_eq!(millis.read_time("09:30:05.329 2019-04-03", false), None);
    assert!(millis.read_time("09:30:05.329 2019-04-03", true).is_some());
}

#[test]
fn a_date_may_be_written_as_a_time() {
    let pattern = Pattern::parse("yyyyMMdd'000000'").unwrap();
    assert_eq!(pattern.write("2001-11-20").as_deref(), Some("20011120000000"));
    assert_eq!(pattern.read_date("20011120000000").as_deref(), Some("2001-11-20"));
    assert_eq!(pattern.read_date("20011120000001"), None);
    assert_eq!(pattern.write("2001"), None);
}

#[test]
fn canonical_forms_are_exact() {
    for (text, want) in [
        ("2019-04-03T09:30:05+07:00", Some("2019-04-03T09:30:05+07:00")),
        ("2019-04-03T02:30:05Z", Some("2019-04-03T09:30:05+07:00")),
        ("2019-04-03T02:30:05.000Z", Some("2019-04-03T09:30:05+07:00")),
        ("2019-04-03T02:30:05.5Z", None),
        ("2019-04-03T09:30:05", None),
        ("2019-04-03 09:30:05+07:00", None),
    ] {
        assert_eq!(canonical_time(text).as_deref(), want, "{text}");
    }
    assert!(
        canonical_date("2019-02-29").is_none() && canonical_date("2020-02-29").is_some() && canonical_date("20200229").is_none()
    );
}

#[test]
fn what_a_pattern_of_minutes_or_hours_does_not_tell_is_zero() {
    let at = "2019-04-03T09:30:05+07:00";
    for (pattern, finest, wire, read) in [
        ("dd-MM-yyyy HH:mm", Some(Finest::Minute), "03-04-2019 09:30", "2019-04-03T09:30:00+07:00"),
        ("yyyyMMddHH", Some(Finest::Hour), "2019040309", "2019-04-03T09:00:00+07:00"),
        ("yyyyMMddHHmmss", Some(Finest::Second), "20190403093005", at),
    ] {
        let pattern = Pattern::parse(pattern).unwrap();
        assert_eq!((pattern.finest(), pattern.write(at).as_deref()), (finest, Some(wire)));
        assert_eq!(pattern.read_time(wire, false).as_deref(), Some(read));
    }
    for none in ["yyyyMMdd", "HH:mm:ss", "yyyyMMdd mm", "yyyyMMdd HHss", "yyyyMMdd HHmmSSS"] {
        assert_eq!(Pattern::parse(none).unwrap().finest(), None, "{none}");
    }
}

#[test]
fn a_bad_pattern_is_told() {
    for bad in ["yy", "yyyyT", "yyyy'", "dddd"] {
        assert!(Pattern::parse(bad).is_err(), "{bad}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// The short ways say what the clock would say.
    #[test]
    fn a_time_is_spelt_and_known_as_the_clock_does(
        text in "(0000|0001|2024|1999|9998|9999|20[0-9]{2})-(0[0-9]|1[0-3]|02)-(0[0-9]|[12][0-9]|3[0-2])T([01][0-9]|2[0-5])(:([0-5][0-9]|60)){2}(\\+07:00|Z|\\+00:00)"
    ) {
        let slow = Time::parse(&text).map(Time::rfc3339);
        prop_assert_eq!(canonical_time(&text).map(Cow::into_owned), slow.clone());
        let wire = Pattern::parse("yyyy-MM-dd'T'HH:mm:ssXXX").unwrap();
        // Second 60 is the clock's 59; a pattern refuses it.
        if !text.contains(":60") {
            prop_assert_eq!(wire.read_time(&text, false), slow.clone());
            prop_assert_eq!(wire.read_date(&text), text[..10].parse::<Date>().ok().map(|date| date.to_string()));
        }
        if let Some(slow) = slow {
            prop_assert_eq!(wire.write(&slow), Some(slow.clone()));
        }
    }
}
