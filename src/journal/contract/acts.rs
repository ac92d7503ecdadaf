//! What must hold of an operator's acts and lists.

use super::*;

/// Brings a new delivery of lane `code` into a state; its number.
async fn brought_to(j: &dyn Journal, code: &str, state: DeliveryState) -> u64 {
    new(j, submit(code)).await;
    let delivery = j.snapshot(code).await.unwrap().open[0].delivery;
    if state == DeliveryState::Waiting {
        return delivery;
    }
    let claim = claim_all(j, at(0)).await.remove(0);
    assert_eq!(claim.delivery, delivery);
    let next = match state {
        DeliveryState::Claimed => return delivery,
        DeliveryState::Unknown => Next::Ask { at: at(1_000), called_at: T0, why: "cut".into(), asked: 2, used: false },
        DeliveryState::Parked => Next::Park { reason: "content".into() },
        DeliveryState::Rejected => Next::Reject { reason: "content".into() },
        _ => Next::Done,
    };
    settle(j, &claim, next).await;
    delivery
}

pub(super) async fn a_release_does_what_the_verdict_says(store: &dyn Store) {
    use DeliveryState::{Claimed, Done, Parked, Unknown, Waiting};
    use Verdict::{NotReceived, Received, SendAgain};
    let j = store.open();
    let cases = [
        (Unknown, Received, Acted::Written, Done),
        (Unknown, NotReceived, Acted::Written, Waiting),
        (Unknown, SendAgain, Acted::Written, Waiting),
        (Parked, Received, Acted::Written, Waiting),
        (Parked, NotReceived, Acted::Written, Waiting),
        (Parked, SendAgain, Acted::Written, Waiting),
        (Claimed, SendAgain, Acted::Refused, Claimed),
        (Done, SendAgain, Acted::Refused, Done),
        (DeliveryState::Rejected, SendAgain, Acted::Refused, DeliveryState::Rejected),
    ];
    for (n, (from, verdict, acted, to)) in cases.into_iter().enumerate() {
        let delivery = brought_to(&*j, &format!("D{n}"), from).await;
        let act = Act::Release { delivery, verdict, reason: "seen in their office".into() };
        assert_eq!(j.act(act, "an", at(0)).await.unwrap(), acted, "{from:?} {verdict:?}");
        let view = j.delivery(delivery).await.unwrap().unwrap().view;
        assert_eq!(view.state, to, "{from:?} {verdict:?}");
        if to == Waiting {
            let again = claim_all(&*j, at(0)).await.remove(0);
            assert_eq!((again.delivery, again.attempts, &again.doubt), (delivery, 0, &None), "due at once, as new");
        }
    }
    let waiting = brought_to(&*j, "W", Waiting).await;
    for (delivery, acted) in [(waiting, Acted::Refused), (999, Acted::Missing)] {
        let act = Act::Release { delivery, verdict: SendAgain, reason: "x".into() };
        assert_eq!(j.act(act, "an", at(0)).await.unwrap(), acted);
    }
}

pub(super) async fn a_close_spares_what_is_under_way_or_has_ended(store: &dyn Store) {
    use DeliveryState::{Claimed, Closed, Done, Parked, Unknown, Waiting};
    let j = store.open();
    let cases = [
        (Parked, Acted::Written, Closed),
        (Unknown, Acted::Written, Closed),
        (Claimed, Acted::Refused, Claimed),
        (Done, Acted::Refused, Done),
        (Waiting, Acted::Written, Closed),
    ];
    for (n, (from, acted, to)) in cases.into_iter().enumerate() {
        let code = format!("D{n}");
        let delivery = brought_to(&*j, &code, from).await;
        new(&*j, more(&code, &format!("{code}-2"))).await;
        let act = |delivery| Act::Close { delivery, reason: "by letter".into() };
        assert_eq!(j.act(act(delivery), "an", at(0)).await.unwrap(), acted, "{from:?}");
        assert_eq!(state_of(&*j, delivery).await, to, "{from:?}");
        let open = j.snapshot(&code).await.unwrap().open;
        assert_eq!(open.last().unwrap().state, Waiting, "what waited behind it waits still");
        assert_eq!(j.act(act(open.last().unwrap().delivery), "an", at(0)).await.unwrap(), Acted::Written);
        assert_eq!(j.act(act(open.last().unwrap().delivery), "an", at(0)).await.unwrap(), Acted::Refused);
    }
    assert!(claim_all(&*j, at(9)).await.is_empty());
    let missing = Act::Close { delivery: 999, reason: "x".into() };
    assert_eq!(j.act(missing, "an", at(0)).await.unwrap(), Acted::Missing);
}

pub(super) async fn deliveries_are_listed_by_what_is_asked_for(store: &dyn Store) {
    use DeliveryState::{Claimed, Done, Parked, Rejected, Unknown, Waiting};
    let j = store.open();
    for (n, state) in [Parked, Unknown, Done, Rejected, Claimed, Waiting].into_iter().enumerate() {
        brought_to(&*j, &format!("D{n}"), state).await;
    }
    let mut other = more("D0", "m-other");
    other.effects.deliveries[0].partner = "bank".into();
    new(&*j, other).await;
    let all = DeliveryFilter { limit: 100, ..DeliveryFilter::default() };
    let of = |state| DeliveryFilter { state: Some(state), ..all.clone() };
    let partner = |name: &str, filter: DeliveryFilter| DeliveryFilter { partner: Some(name.into()), ..filter };
    let about = |code: &str, filter: DeliveryFilter| DeliveryFilter { dossier: Some(code.into()), ..filter };
    for (filter, want) in [
        (all.clone(), vec![1, 2, 5, 6, 7]),
        (of(Parked), vec![1]),
        (of(Unknown), vec![2]),
        (of(Done), vec![3]),
        (of(Rejected), vec![4]),
        (of(Claimed), vec![5]),
        (of(Waiting), vec![6, 7]),
        (partner("office", all.clone()), vec![1, 2, 5, 6]),
        (partner("bank", all.clone()), vec![7]),
        (partner("bank", of(Parked)), vec![]),
        (partner("office", of(Parked)), vec![1]),
        (about("D0", all.clone()), vec![1, 7]),
        (about("D0", of(Parked)), vec![1]),
        (partner("bank", about("D0", all.clone())), vec![7]),
        (about("D2", of(Done)), vec![3]),
        (DeliveryFilter { after: 2, ..all.clone() }, vec![5, 6, 7]),
        (DeliveryFilter { limit: 2, ..all.clone() }, vec![1, 2]),
        (DeliveryFilter { limit: 0, ..all.clone() }, vec![]),
    ] {
        let told = format!("{filter:?}");
        let got: Vec<u64> = j.deliveries(filter).await.unwrap().into_iter().map(|d| d.delivery).collect();
        assert_eq!(got, want, "{told}");
    }
}

pub(super) async fn what_is_parked_but_may_have_been_received_keeps_its_doubt(store: &dyn Store) {
    let j = store.open();
    for (code, blind, verdict, state) in [
        ("D1", false, Verdict::Received, DeliveryState::Done),
        ("D2", false, Verdict::NotReceived, DeliveryState::Waiting),
        ("D3", false, Verdict::SendAgain, DeliveryState::Waiting),
        ("D4", true, Verdict::Received, DeliveryState::Done),
        ("D5", true, Verdict::SendAgain, DeliveryState::Waiting),
    ] {
        new(&*j, submit(code)).await;
        let mut claim = claim_all(&*j, at(0)).await.remove(0);
        let mut park = settlement(&claim, Next::Park { reason: "asked in vain".into() });
        if blind {
            // A route that is never repeated: parked at once.
            park.attempt.outcome = "unknown".into();
        } else {
            settle(&*j, &claim, Next::Ask { at: at(0), called_at: T0, why: "cut".into(), asked: 0, used: false }).await;
            claim = claim_all(&*j, at(0)).await.remove(0);
        }
        assert_eq!(j.settle(park).await.unwrap(), Settled::Written);
        let act = Act::Release { delivery: claim.delivery, verdict, reason: "by telephone".into() };
        assert_eq!(j.act(act, "an", at(0)).await.unwrap(), Acted::Written);
        let view = j.delivery(claim.delivery).await.unwrap().unwrap().view;
        assert_eq!((view.state, view.sent), (state, verdict != Verdict::NotReceived), "{verdict:?}");
        if state == DeliveryState::Waiting {
            let claim = claim_all(&*j, at(0)).await.remove(0);
            assert_eq!((claim.doubt, claim.adapters.is_some()), (None, verdict == Verdict::SendAgain));
        }
    }
}

pub(super) async fn held_deliveries_are_released_together_by_reason_and_only_with_a_word_where_they_may_have_been_received(
    store: &dyn Store,
) {
    let j = store.open();
    let park = |reason: &str| Next::Park { reason: reason.to_owned() };
    for code in ["D1", "D2", "D3", "D4", "D5"] {
        new(&*j, submit(code)).await;
    }
    let claims = claim_all(&*j, at(1)).await;
    settle(&*j, &claims[0], park("attempts-used-up: http-503")).await;
    settle(&*j, &claims[1], park("attempts-used-up: http-429")).await;
    settle(&*j, &claims[2], park("no-such-code")).await;
    settle(&*j, &claims[3], Next::Ask { at: at(90), called_at: at(1), why: "cut".into(), asked: 0, used: false }).await;
    let which = |reason: Option<&str>, limit| Which {
        partner: "office".to_owned(),
        reason: reason.map(str::to_owned),
        kind: None,
        limit,
    };
    let release = async |which: Which, verdict| {
        let act = |dry| Act::ReleaseAll { which: which.clone(), verdict, reason: "they mended it".to_owned(), dry };
        let before = format!("{:?}", j.queues().await.unwrap());
        let told = j.act(act(true), "operator-a", at(2)).await.unwrap();
        assert_eq!(format!("{:?}", j.queues().await.unwrap()), before, "told only");
        let done = j.act(act(false), "operator-a", at(2)).await.unwrap();
        let released = |acted: &Acted| if let Acted::Released { released, .. } = acted { *released } else { u64::MAX };
        assert_eq!(released(&told), released(&done), "what is told beforehand is what is done then");
        done
    };
    let done = release(which(Some("attempts-used-up"), 1), None).await;
    assert_eq!(done, Acted::Released { released: 1, left: 1, doubtful: 0 }, "the oldest, and no more than was said");
    assert_eq!(state_of(&*j, claims[0].delivery).await, DeliveryState::Waiting);
    let done = release(which(None, 100), None).await;
    assert_eq!(done, Acted::Released { released: 2, left: 1, doubtful: 1 }, "the doubtful one is left to a word");
    assert_eq!(state_of(&*j, claims[3].delivery).await, DeliveryState::Unknown);
    let other = Which { partner: "bank".to_owned(), ..which(None, 100) };
    assert_eq!(release(other, None).await, Acted::Released { released: 0, left: 0, doubtful: 0 });
    let done = release(which(Some("cut"), 100), Some(Verdict::Received)).await;
    assert_eq!(done, Acted::Released { released: 1, left: 0, doubtful: 0 });
    assert_eq!(state_of(&*j, claims[3].delivery).await, DeliveryState::Done);
    assert_eq!(state_of(&*j, claims[4].delivery).await, DeliveryState::Claimed, "what is under way is never touched");
}
