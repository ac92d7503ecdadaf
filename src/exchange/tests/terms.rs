//! Statutory deadlines: what a dossier is promised for, and that what waits for the ministry is ordered by it.

use super::*;
use crate::catalogue::{Catalogue, Files as Shipped, Term};

fn at(text: &str) -> Time {
    Time::parse(&format!("{text}+07:00")).unwrap()
}

fn shipped() -> Catalogue {
    Catalogue::for_tests(&Shipped::embedded())
}

fn submission(procedure: &str, channel: Option<&str>, came: &str) -> Message {
    let mut body = json!({ "code": CODE, "procedure": procedure, "agency": { "code": "H26.15" }, "owner": { "name": "Người Thử" },
        "papers": [], "submitted_at": format!("{came}+07:00") });
    if let Some(channel) = channel {
        body["channel"] = channel.into();
    }
    Message { kind: Kind::DossierSubmit, body }
}

#[test]
fn the_catalogues_term_and_the_calendar_give_the_deadline() {
    let catalogue = shipped();
    for (procedure, channel, came, due) in [
        // 15 calendar days; 20 working days.
        ("1.005095", None, "2026-06-01T20:00:00", Some("2026-06-16T23:59:59")),
        ("1.004889", Some("online"), "2026-06-05T23:00:00", Some("2026-07-03T23:59:59")),
        ("1.004889", Some("counter"), "2026-06-05T14:00:00", Some("2026-07-03T23:59:59")),
        ("1.004889", Some("counter"), "2026-06-05T15:00:00", Some("2026-07-06T23:59:59")),
        ("1.004889", Some("post"), "2026-06-06T09:00:00", Some("2026-07-06T23:59:59")),
        // Its term is not known, and none was known in 2019.
        ("1.005142", None, "2026-06-01T20:00:00", None),
        ("1.005095", None, "2019-06-03T20:00:00", None),
    ] {
        let service = Service::of_submission(&catalogue, &submission(procedure, channel, came)).unwrap();
        assert_eq!(service.due_at, due.map(at), "{procedure} {channel:?} {came}");
    }
}

#[test]
fn what_goes_to_the_ministry_is_ordered_by_the_deadline_and_a_supplement_starts_the_clock_anew() {
    let mut world = World::registered();
    let holidays = shipped().holidays.clone();
    world.service.term = Some((Term { days: 3, working: true }, holidays));
    world.now = at("2026-06-04T09:00:00");
    let dossier = world.snapshot.dossier.as_mut().unwrap();
    (dossier.status, dossier.due_at) = (Status::Supplement, Some(at("2026-06-02T23:59:59")));
    let mut message = Message { kind: Kind::DossierSupplement, body: json!({ "code": CODE, "round": 1, "papers": [] }) };
    let effects = world.scene(|scene, snapshot| supplement(scene, &mut message, snapshot)).unwrap();
    let anew = Some(at("2026-06-09T23:59:59"));
    assert_eq!(effects.dossier.as_ref().unwrap().due_at, anew, "Friday, Monday, Tuesday");
    assert_eq!(effects.deliveries[0].deadline, anew);
    world.keep(effects, None);
    let message = Message { kind: Kind::DossierWithdraw, body: json!({ "code": CODE, "reason": "thử" }) };
    world.snapshot.open.clear();
    let effects = world.scene(|scene, snapshot| withdraw(scene, &message, snapshot)).unwrap();
    assert_eq!((effects.deliveries[0].partner.as_str(), effects.deliveries[0].deadline), ("ministry", anew));
}

#[test]
fn a_term_that_is_not_known_leaves_the_date_the_ministry_told() {
    let mut world = World::registered();
    let told = Some(at("2026-06-20T17:00:00"));
    let dossier = world.snapshot.dossier.as_mut().unwrap();
    (dossier.status, dossier.due_at) = (Status::Supplement, told);
    let mut message = Message { kind: Kind::DossierSupplement, body: json!({ "code": CODE, "round": 1, "papers": [] }) };
    let effects = world.scene(|scene, snapshot| supplement(scene, &mut message, snapshot)).unwrap();
    assert_eq!((effects.dossier.unwrap().due_at, effects.deliveries[0].deadline), (told, told));
}

#[test]
fn a_callers_own_class_goes_before_its_partners() {
    let world = World::registered();
    let class = |class: Option<&str>| {
        world.scene(|scene, _| {
            let origin = Origin { class: class.map(str::to_owned), ..scene.origin.clone() };
            let scene = Scene { origin: &origin, ..*scene };
            scene.delivery("ministry", Kind::DossierSubmit, CODE, CODE, None).unwrap().class
        })
    };
    assert_eq!((class(None).as_str(), class(Some("bulk")).as_str()), ("citizen", "bulk"));
}
