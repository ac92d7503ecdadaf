//! What becomes of what waits behind a head, and of what is asked for while it stands there: every end of every head with every kind of
//! follower, what happens, and what the timeline says.

use super::races::{claim_of, say};
use super::*;

/// How a submission can stand at the head of its lane when a citizen asks for more.
const HEADS: [(DeliveryState, bool); 6] = [
    (DeliveryState::Waiting, false),
    (DeliveryState::Waiting, true),
    (DeliveryState::Claimed, false),
    (DeliveryState::Unknown, true),
    (DeliveryState::Parked, false),
    (DeliveryState::Parked, true),
];

/// What a citizen may ask for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ask {
    Withdrawal,
    /// The same code with another body.
    Correction,
    Supplement,
}

fn ask(world: &World, what: Ask) -> Result<Effects, &'static str> {
    let whole = json!({ "code": CODE, "procedure": "1.000001", "agency": { "code": "H26.15" }, "owner": { "name": "Người Thử" }, "papers": [] });
    let message = |kind, body| Message { kind, body };
    let asked = world.scene(|scene, snapshot| match what {
        Ask::Withdrawal => {
            let body = json!({ "code": CODE, "reason": "đổi ý" });
            withdraw(scene, &message(Kind::DossierWithdraw, body), snapshot)
        }
        Ask::Correction => correct(scene, &mut message(Kind::DossierSubmit, whole.clone()), snapshot),
        Ask::Supplement => {
            let body = json!({ "code": CODE, "round": 1, "papers": [] });
            supplement(scene, &mut message(Kind::DossierSupplement, body), snapshot)
        }
    });
    asked.map_err(|refusal| refusal.code)
}

fn events(effects: &Effects) -> Vec<&str> {
    effects.events.iter().map(|e| e.kind.as_str()).collect()
}

#[test]
fn what_is_asked_for_while_a_submission_stands_at_the_head() {
    for (state, sent) in HEADS {
        // Nothing of it can have reached the Ministry.
        let here = matches!(state, DeliveryState::Waiting | DeliveryState::Parked) && !sent;
        for what in [Ask::Withdrawal, Ask::Correction, Ask::Supplement] {
            let mut world = World::registered();
            (world.snapshot.open[0].state, world.snapshot.open[0].sent) = (state, sent);
            let told = format!("{what:?} while it is {state:?}, sent {sent}");
            let asked = ask(&world, what);
            let (closes, follows, timeline, stands) = match (what, &asked) {
                (Ask::Withdrawal, Ok(_)) if here => {
                    (vec!["withdrawn-before-delivery"], vec![], vec!["status"], Status::Withdrawn)
                }
                (Ask::Withdrawal, Ok(_)) => (vec![], vec![Kind::DossierWithdraw], vec!["withdrawal-asked"], Status::New),
                (Ask::Correction, Ok(_)) => {
                    assert!(here && state == DeliveryState::Parked, "{told}");
                    (vec!["replaced-by-correction"], vec![Kind::DossierSubmit], vec!["corrected"], Status::New)
                }
                (Ask::Correction, Err(why)) => {
                    assert!(*why == "key-reused" && !(here && state == DeliveryState::Parked), "{told}");
                    continue;
                }
                (Ask::Supplement, Err("supplement-not-asked")) => continue,
                (_, other) => panic!("{told}: {other:?}"),
            };
            let effects = asked.unwrap();
            let office: Vec<Kind> = effects.deliveries.iter().filter(|d| d.partner == "ministry").map(|d| d.kind).collect();
            let closed: Vec<&str> = effects.closes.iter().map(|c| c.reason.as_str()).collect();
            assert_eq!((closed, office), (closes, follows), "{told}");
            assert!(events(&effects).starts_with(&timeline), "{told}: {:?}", events(&effects));
            world.keep(effects, None);
            assert_eq!(world.dossier().status, stands, "{told}");
            if what == Ask::Withdrawal {
                let again = if here { "withdraw-too-late" } else { "withdraw-under-way" };
                assert_eq!(ask(&world, what).unwrap_err(), again, "{told}: asked for twice");
            }
        }
    }
}

/// A dossier with this head under way and these behind it, as they can come to be.
fn queue(head: Kind, behind: &[Kind]) -> World {
    let mut world = World::registered();
    if head != Kind::DossierSubmit {
        world.snapshot.open.clear();
        world.push("a", Status::Received, -50_000).unwrap();
    }
    for kind in std::iter::once(&head).chain(behind) {
        match kind {
            Kind::DossierSupplement => {
                if head == Kind::FeePaid {
                    world.push("b0", Status::Received, -43_000).unwrap();
                }
                world.push("b", Status::Supplement, -40_000).unwrap();
                let effects = ask(&world, Ask::Supplement).unwrap();
                world.keep(effects, None);
            }
            Kind::FeePaid => {
                let at = if head == Kind::DossierSupplement { -30_000 } else { -45_000 };
                if head == Kind::DossierSupplement {
                    world.push("c0", Status::Received, -35_000).unwrap();
                }
                world.push_with("c", Status::Payment, at, json!({ "fee_due": { "amount": 50_000 } })).unwrap();
                let Start::New(_, transaction) = world.click().unwrap() else { panic!("a new transaction") };
                say(&mut world, &transaction, "paid", 50_000);
            }
            Kind::DossierWithdraw => {
                world
                    .snapshot
                    .open
                    .iter_mut()
                    .filter(|d| d.kind == "dossier.submit")
                    .for_each(|d| d.state = DeliveryState::Claimed);
                let effects = ask(&world, Ask::Withdrawal).unwrap();
                world.keep(effects, None);
            }
            _ => {}
        }
    }
    // Only what is for the Ministry is this test's matter.
    world.snapshot.open.retain(|d| d.partner == "ministry");
    world.told.clear();
    world
}

#[test]
fn each_end_of_a_head_with_each_kind_of_follower() {
    use Kind::{DossierSubmit, DossierSupplement, DossierWithdraw, FeePaid};
    let (done, rejected, parked) = (Ended::Done, Ended::Rejected("refused: 4"), Ended::Parked("outcome-unknown: cut"));
    // Head, its end, followers → the timeline, where the dossier stands, statuses told to the portal. None: a refusal is no end of what only
    // informs; it is parked instead.
    type Want = Option<(&'static [&'static str], Status, &'static [&'static str])>;
    let table: [(Kind, Ended<'_>, Kind, Want); 21] = [
        // A refused submission ends the lane: what waits behind it is closed.
        (DossierSubmit, rejected, DossierWithdraw, Some((&["refused"], Status::Refused, &["refused"]))),
        (DossierSubmit, done, DossierWithdraw, Some((&["delivered"], Status::New, &[]))),
        (DossierSubmit, parked, DossierWithdraw, Some((&["parked"], Status::New, &[]))),
        // Papers, or a withdrawal, that are not taken leave the dossier where it stood, and the portal is told so.
        (DossierSupplement, rejected, DossierWithdraw, Some((&["not-taken"], Status::Supplement, &["supplement"]))),
        (DossierSupplement, rejected, FeePaid, Some((&["not-taken"], Status::Payment, &["payment"]))),
        (DossierSupplement, done, DossierWithdraw, Some((&["delivered"], Status::Supplement, &[]))),
        (DossierSupplement, done, FeePaid, Some((&["delivered"], Status::Payment, &[]))),
        (DossierSupplement, parked, DossierWithdraw, Some((&["parked"], Status::Supplement, &[]))),
        (DossierSupplement, parked, FeePaid, Some((&["parked"], Status::Payment, &[]))),
        (DossierWithdraw, rejected, DossierSupplement, Some((&["not-taken"], Status::Supplement, &["supplement"]))),
        (DossierWithdraw, rejected, FeePaid, Some((&["not-taken"], Status::Payment, &["payment"]))),
        (DossierWithdraw, done, DossierSupplement, Some((&["delivered", "status"], Status::Withdrawn, &["withdrawn"]))),
        (DossierWithdraw, done, FeePaid, Some((&["delivered", "status"], Status::Withdrawn, &["withdrawn"]))),
        (DossierWithdraw, parked, DossierSupplement, Some((&["parked"], Status::Supplement, &[]))),
        (DossierWithdraw, parked, FeePaid, Some((&["parked"], Status::Payment, &[]))),
        // That a fee was paid only informs: a refusal is a matter for a person.
        (FeePaid, rejected, DossierWithdraw, None),
        (FeePaid, rejected, DossierSupplement, None),
        (FeePaid, done, DossierWithdraw, Some((&["delivered"], Status::Payment, &[]))),
        (FeePaid, done, DossierSupplement, Some((&["delivered"], Status::Supplement, &[]))),
        (FeePaid, parked, DossierWithdraw, Some((&["parked"], Status::Payment, &[]))),
        (FeePaid, parked, DossierSupplement, Some((&["parked"], Status::Supplement, &[]))),
    ];
    for (head, how, follower, want) in table {
        let name = format!("{head:?} ends {how:?}, {follower:?} behind it");
        let mut world = queue(head, &[follower]);
        assert_eq!((world.open(head).len(), world.open(follower).len()), (1, 1), "{name}");
        let claim = claim_of(&world, head);
        let effects = world.scene_of("ministry", |scene, snapshot| ended(scene, &claim, how, None, snapshot));
        let Some((timeline, status, told)) = want else {
            assert!(effects.is_none(), "{name}");
            continue;
        };
        let effects = effects.unwrap();
        let closed = head == DossierSubmit && how == rejected;
        assert_eq!(
            effects.closes.iter().map(|c| c.reason.as_str()).collect::<Vec<_>>(),
            ["submission-refused"][..usize::from(closed)],
            "{name}"
        );
        assert!(events(&effects).starts_with(timeline), "{name}: {:?}", events(&effects));
        assert_eq!(effects.audit.iter().any(|a| a.what == "delivery.parked"), how == parked, "{name}");
        // A parked head holds its lane: nothing is said of what waits behind it.
        world.keep(effects, (how != parked).then_some(claim.delivery));
        assert_eq!(world.dossier().status, status, "{name}");
        assert_eq!(world.open(follower).len(), usize::from(!closed), "{name}");
        let statuses: Vec<&str> = world.told.iter().filter_map(|(_, body)| body["status"].as_str()).collect();
        assert_eq!(statuses, told, "{name}");
    }
}
