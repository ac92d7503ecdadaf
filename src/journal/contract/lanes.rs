//! What must hold of lanes, claims and settlements.

use super::*;
use crate::delivery::{Feed, Limit, Quota, Saved, Terms};
use tokio::task::JoinSet;

pub(super) async fn a_lane_has_one_delivery_in_flight_and_keeps_its_order(store: &dyn Store) {
    let j = store.open();
    new(&*j, submit("D1")).await;
    for id in ["m-2", "m-3"] {
        new(&*j, more("D1", id)).await;
    }
    new(&*j, submit("D2")).await;
    for (n, id) in ["m-D1", "m-2", "m-3"].into_iter().enumerate() {
        let claims = claim_all(&*j, at(5)).await;
        let first = claims.iter().find(|c| c.lane == "D1").unwrap();
        assert_eq!((claims.len(), first.id.as_str()), (if n == 0 { 2 } else { 1 }, id));
        assert!(claim_all(&*j, at(5)).await.is_empty(), "nothing more while a call is under way");
        settle(&*j, first, Next::Done).await;
    }
    assert!(claim_all(&*j, at(5)).await.is_empty());
}

pub(super) async fn a_parked_head_holds_its_own_lane_only(store: &dyn Store) {
    let j = store.open();
    for code in ["D1", "D2"] {
        new(&*j, submit(code)).await;
        new(&*j, more(code, &format!("{code}-2"))).await;
    }
    let claims = claim_all(&*j, at(0)).await;
    settle(&*j, &claims[0], Next::Park { reason: "content: 17".into() }).await;
    settle(&*j, &claims[1], Next::Done).await;
    let next = claim_all(&*j, at(1_000_000)).await;
    assert_eq!(next.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["D2-2"]);
    let parked = j.delivery(claims[0].delivery).await.unwrap().unwrap().view;
    assert_eq!((parked.state, parked.reason.as_deref(), parked.ready_at), (DeliveryState::Parked, Some("content: 17"), None));
}

pub(super) async fn heads_come_by_their_deadline_and_not_before_their_time(store: &dyn Store) {
    let j = store.open();
    let heads = [("later", Some(50), None), ("none", None, None), ("soon", None, Some(10)), ("sooner", None, Some(5))];
    for (code, not_before, deadline) in heads {
        let mut a = more(code, code);
        a.effects.deliveries[0].not_before = not_before.map(at);
        a.effects.deliveries[0].deadline = deadline.map(at);
        new(&*j, a).await;
    }
    let mut other = more("D9", "m-9");
    other.effects.deliveries[0].partner = "bank".into();
    new(&*j, other).await;
    let taken = j.claim(take("office", 2, at(0), "set")).await.unwrap();
    assert_eq!((keys(&taken.claims), taken.left), (vec!["sooner", "soon"], true));
    let taken = j.claim(take("office", 9, at(49), "set")).await.unwrap();
    assert_eq!((keys(&taken.claims), taken.left, taken.next), (vec!["none"], false, Some(at(50))));
    assert_eq!(keys(&claim_all(&*j, at(50)).await), ["later"]);
    assert_eq!(keys(&claim(&*j, "bank", 9, at(0)).await), ["D9"]);
}

/// Payments and citizens have 40 of 95 each, bulk 5, the pushes of the ministry 15 that nobody uses here.
pub(super) async fn classes_and_callers_share_a_partner_whatever_each_of_them_queues(store: &dyn Store) {
    let j = store.open();
    let queues = [("bulk", "x", 200), ("citizen", "y", 100), ("citizen", "z", 20), ("payment", "p", 20)];
    for (class, caller, n) in queues {
        let mut a = more(&format!("{class}-{caller}"), &format!("{class}-{caller}"));
        a.effects.deliveries = (0..n)
            .map(|n| NewDelivery {
                class: class.into(),
                caller: caller.into(),
                ..delivery(&format!("{caller}{n}"), &format!("m-{caller}{n}"))
            })
            .collect();
        new(&*j, a).await;
    }
    let mut taken: Vec<Claim> = Vec::new();
    let mut ask = take("office", 4, at(0), "set");
    while taken.len() < 40 {
        let more = j.claim(ask.clone()).await.unwrap();
        taken.extend(more.claims);
        ask.feed = more.feed;
    }
    let count = |caller: &str| taken.iter().filter(|c| c.caller == caller).count();
    for (caller, want) in [("p", 19_usize), ("y", 9), ("z", 9), ("x", 2)] {
        assert!(count(caller).abs_diff(want) <= 1, "{caller}: {}", count(caller));
    }
}

pub(super) async fn a_probe_asks_before_it_sends(store: &dyn Store) {
    let j = store.open();
    for code in ["D1", "D2"] {
        new(&*j, submit(code)).await;
    }
    let claim = claim(&*j, "office", 1, at(0)).await.remove(0);
    settle(&*j, &claim, Next::Ask { at: at(500), called_at: at(0), why: "timeout".into(), asked: 0, used: false }).await;
    let probe = Take { probe: true, ..take("office", 1, at(5), "set") };
    let probed = j.claim(probe.clone()).await.unwrap().claims.remove(0);
    assert_eq!((probed.lane.as_str(), probed.doubt.is_some()), ("D1", true), "a pending inquiry, due or not");
    assert_eq!(keys(&j.claim(probe).await.unwrap().claims), ["D2"], "none pending: what is due");
}

pub(super) async fn nothing_is_claimed_twice_in_a_run(store: &dyn Store) {
    let j = store.open();
    for n in 0..60 {
        new(&*j, submit(&format!("D{n}"))).await;
    }
    let mut tasks = JoinSet::new();
    for _ in 0..12 {
        let j = j.clone();
        tasks.spawn(async move { claim(&*j, "office", 9, at(0)).await });
    }
    let mut taken: Vec<u64> = tasks.join_all().await.into_iter().flatten().map(|c| c.delivery).collect();
    taken.sort_unstable();
    assert_eq!(taken, (1..=60).collect::<Vec<_>>());
}

pub(super) async fn every_next_leaves_what_it_says(store: &dyn Store) {
    let j = store.open();
    new(&*j, submit("D1")).await;
    let ask = |asked| Next::Ask { at: at(10), called_at: at(1), why: "timeout".into(), asked, used: false };
    let doubt = |asked| Some(Doubt { called_at: at(1), why: "timeout".into(), asked });
    let (waiting, unknown) = (DeliveryState::Waiting, DeliveryState::Unknown);
    let steps = [
        // next, state, attempts, sent, the next claim's doubt
        (Next::Retry { at: at(10) }, waiting, 1, false, None),
        (Next::Later { at: at(10) }, waiting, 1, false, None),
        (ask(0), unknown, 1, true, doubt(0)),
        (Next::Later { at: at(10) }, unknown, 1, true, doubt(0)),
        (ask(1), unknown, 1, true, doubt(1)),
        (Next::Clear { at: at(10) }, waiting, 1, false, None),
        (Next::Retry { at: at(10) }, waiting, 2, false, None),
    ];
    let mut claim = claim_all(&*j, at(10)).await.remove(0);
    for (n, (next, state, attempts, sent, doubt)) in steps.into_iter().enumerate() {
        let told = format!("step {n}: {next:?}");
        settle(&*j, &claim, next).await;
        let detail = j.delivery(1).await.unwrap().unwrap();
        let v = detail.view;
        assert_eq!((v.state, v.attempts, v.sent, v.ready_at), (state, attempts, sent, Some(at(10))), "{told}");
        assert_eq!(detail.attempts.len(), n + 1, "{told}");
        assert!(claim_all(&*j, at(9)).await.is_empty(), "{told}: not before its time");
        claim = claim_all(&*j, at(10)).await.remove(0);
        assert_eq!((claim.attempts, &claim.doubt), (attempts, &doubt), "{told}");
    }
}

pub(super) async fn further_attempts_keep_the_adapter_set_of_the_first(store: &dyn Store) {
    let j = store.open();
    new(&*j, submit("D1")).await;
    for (n, set) in ["set-1", "set-2", "set-3"].into_iter().enumerate() {
        let claims = j.claim(take("office", 100, at(10), set)).await.unwrap().claims;
        assert_eq!(claims[0].adapters.as_deref(), (n > 0).then_some("set-1"));
        let mut s = settlement(&claims[0], Next::Retry { at: at(1) });
        s.attempt.adapters = set.into();
        assert_eq!(j.settle(s).await.unwrap(), Settled::Written);
    }
    let claims = claim_all(&*j, at(10)).await;
    settle(&*j, &claims[0], Next::Park { reason: "unwritable".into() }).await;
    let release = Act::Release { delivery: 1, verdict: Verdict::SendAgain, reason: "adapter mended".into() };
    assert_eq!(j.act(release, "an", at(11)).await.unwrap(), Acted::Written);
    let claims = claim_all(&*j, at(11)).await;
    assert_eq!((claims[0].adapters.as_deref(), claims[0].attempts), (None, 0), "never received: the newest set may be used");
}

pub(super) async fn a_settlement_of_another_run_or_of_no_claim_is_gone(store: &dyn Store) {
    let j = store.open();
    new(&*j, submit("D1")).await;
    let mut never = claim_all(&*j, at(0)).await.remove(0);
    settle(&*j, &never, Next::Retry { at: at(5) }).await;
    assert_eq!(j.settle(settlement(&never, Next::Done)).await.unwrap(), Settled::Gone, "settled already");
    let claim = claim_all(&*j, at(5)).await.remove(0);
    drop(j);
    let j = store.open();
    assert_eq!(j.settle(settlement(&claim, Next::Done)).await.unwrap(), Settled::Gone, "of an earlier run");
    let again = claim_all(&*j, at(6)).await.remove(0);
    let forged = Claim { run: claim.run, ..again.clone() };
    assert_eq!(j.settle(settlement(&forged, Next::Done)).await.unwrap(), Settled::Gone);
    never.delivery = 99;
    assert_eq!(j.settle(settlement(&never, Next::Done)).await.unwrap(), Settled::Gone, "there is none");
    settle(&*j, &again, Next::Done).await;
    assert_eq!(j.settle(settlement(&again, Next::Done)).await.unwrap(), Settled::Gone, "it has ended");
}

pub(super) async fn a_stale_settlement_leaves_the_claim_as_it_was(store: &dyn Store) {
    let j = store.open();
    new(&*j, submit("D1")).await;
    let claim = claim_all(&*j, at(0)).await.remove(0);
    let mut s = settlement(&claim, Next::Done);
    s.effects.dossier = Some(dossier("D1", 3));
    assert_eq!(j.settle(s.clone()).await.unwrap(), Settled::Stale);
    let detail = j.delivery(claim.delivery).await.unwrap().unwrap();
    assert_eq!((detail.view.state, detail.attempts.len()), (DeliveryState::Claimed, 0));
    s.effects.dossier = Some(dossier("D1", 2));
    assert_eq!(j.settle(s).await.unwrap(), Settled::Written);
}

pub(super) async fn a_claim_that_a_crash_left_is_in_doubt(store: &dyn Store) {
    let j = store.open();
    for code in ["D1", "D2", "D3"] {
        new(&*j, submit(code)).await;
    }
    let claims = claim(&*j, "office", 2, at(7)).await;
    settle(&*j, &claims[1], Next::Done).await;
    let run = j.run();
    drop(j);
    let j = store.open();
    assert_eq!(j.run(), run + 1);
    let view = j.delivery(claims[0].delivery).await.unwrap().unwrap().view;
    assert_eq!((view.state, view.sent, view.reason.as_deref()), (DeliveryState::Unknown, true, Some("crash")));
    let again = claim_all(&*j, at(8)).await;
    assert_eq!(keys(&again), ["D1", "D3"], "the question first");
    assert_eq!(again[1].doubt, None, "what was never called is not in doubt");
    assert_eq!(again[0].doubt, Some(Doubt { called_at: at(7), why: "crash".into(), asked: 0 }));
    settle(&*j, &again[1], Next::Clear { at: at(9) }).await;
    assert_eq!(claim_all(&*j, at(9)).await[0].doubt, None);
}

pub(super) async fn what_waits_behind_a_rejected_head_is_closed_with_it(store: &dyn Store) {
    let j = store.open();
    new(&*j, submit("D1")).await;
    new(&*j, more("D1", "m-2")).await;
    new(&*j, more("D1", "m-3")).await;
    let claim = claim_all(&*j, at(0)).await.remove(0);
    let behind = j.snapshot("D1").await.unwrap().open.into_iter().skip(1);
    let mut s = settlement(&claim, Next::Reject { reason: "refused: 4".into() });
    s.effects.closes = behind
        .map(|d| Close { delivery: d.delivery, seen: d.state, reason: "submission-refused".into(), proven: false })
        .collect();
    assert_eq!(s.effects.closes.len(), 2);
    assert_eq!(j.settle(s).await.unwrap(), Settled::Written);
    let mut ends = Vec::new();
    for n in 1..=3 {
        let view = j.delivery(n).await.unwrap().unwrap().view;
        ends.push((view.state, view.reason.unwrap()));
    }
    let closed = (DeliveryState::Closed, "submission-refused".to_owned());
    assert_eq!(ends, [(DeliveryState::Rejected, "refused: 4".to_owned()), closed.clone(), closed]);
    new(&*j, more("D1", "m-4")).await;
    assert_eq!(claim_all(&*j, at(0)).await[0].id, "m-4", "a lane that ended begins anew");
}

pub(super) async fn a_close_of_another_state_than_seen_is_stale(store: &dyn Store) {
    let j = store.open();
    new(&*j, submit("D1")).await;
    new(&*j, more("D1", "m-2")).await;
    let close = |delivery, seen, proven| Effects {
        closes: vec![Close { delivery, seen, reason: "withdrawn".into(), proven }],
        ..Effects::default()
    };
    let claim = claim_all(&*j, at(0)).await.remove(0);
    for (delivery, seen, fresh) in [
        (1, DeliveryState::Waiting, false),
        (1, DeliveryState::Parked, false),
        (2, DeliveryState::Unknown, false),
        (9, DeliveryState::Waiting, false),
        (2, DeliveryState::Waiting, true),
        (2, DeliveryState::Waiting, false),
    ] {
        assert_eq!(j.apply(close(delivery, seen, false)).await.unwrap(), fresh, "{delivery} {seen:?}");
    }
    assert!(j.apply(close(1, DeliveryState::Claimed, false)).await.is_err(), "a call under way is never closed");
    settle(&*j, &claim, Next::Ask { at: at(5), called_at: T0, why: "cut".into(), asked: 0, used: false }).await;
    assert!(j.apply(close(1, DeliveryState::Unknown, true)).await.unwrap());
    let view = j.delivery(1).await.unwrap().unwrap().view;
    assert_eq!((view.state, view.sent), (DeliveryState::Done, true), "proven: it ends as done");
}

pub(super) async fn what_became_due_wakes_and_what_was_settled_is_told(store: &dyn Store) {
    let j = store.open();
    let (mut wake, mut notices) = (j.wake("office"), j.notices());
    let other = j.wake("bank");
    wake.mark_unchanged();
    new(&*j, submit("D1")).await;
    wake.changed().await.unwrap();
    assert_eq!(notices.recv().await.unwrap(), Notice { dossier: Some("D1".into()), delivery: None });
    let claim = claim_all(&*j, at(0)).await.remove(0);
    assert!(!wake.has_changed().unwrap(), "a claim makes nothing due");
    settle(&*j, &claim, Next::Retry { at: at(3) }).await;
    wake.changed().await.unwrap();
    assert_eq!(notices.recv().await.unwrap(), Notice { dossier: Some("D1".into()), delivery: Some(1) });
    j.act(Act::Resume { partner: "office".into() }, "an", at(0)).await.unwrap();
    wake.changed().await.unwrap();
    assert!(!other.has_changed().unwrap(), "nothing became due at the other partner");
}

pub(super) async fn pace_and_pause_outlive_a_crash(store: &dyn Store) {
    let j = store.open();
    new(&*j, submit("D1")).await;
    assert_eq!(j.limits("office").await.unwrap(), None);
    let mut ask = take("office", 1, at(0), "set");
    let limit = Limit { rate: Quota::parse("5/s"), ..Limit::default() };
    ask.feed = Feed::start(&Terms { whole: limit, ..Terms::default() }, &Saved::default(), at(-9));
    let taken = j.claim(ask).await.unwrap();
    settle(&*j, &taken.claims[0], Next::Later { at: at(1) }).await;
    let pause = Act::Pause { partner: "office".into(), reason: "maintenance".into() };
    assert_eq!(j.act(pause, "an", at(0)).await.unwrap(), Acted::Written);
    drop(j);
    let j = store.open();
    assert_eq!(j.limits("office").await.unwrap(), Some(taken.feed.saved().text()));
    assert!(claim_all(&*j, at(100)).await.is_empty());
    let idle = j.claim(take("office", 9, at(100), "set")).await.unwrap();
    assert_eq!((idle.next, idle.left), (None, false), "paused: nothing to wait for but a wake");
    assert_eq!(j.queues().await.unwrap()[0].paused.as_deref(), Some("maintenance"));
    assert_eq!(j.act(Act::Resume { partner: "office".into() }, "an", at(0)).await.unwrap(), Acted::Written);
    assert_eq!(claim_all(&*j, at(100)).await.len(), 1);
}

pub(super) async fn a_queues_numbers_are_those_of_its_deliveries(store: &dyn Store) {
    let j = store.open();
    for n in 0..6 {
        new(&*j, submit(&format!("D{n}"))).await;
    }
    new(&*j, more("D5", "behind")).await;
    let claims = claim(&*j, "office", 5, at(0)).await;
    settle(&*j, &claims[0], Next::Done).await;
    settle(&*j, &claims[1], Next::Park { reason: "x".into() }).await;
    settle(&*j, &claims[2], Next::Ask { at: at(9), called_at: T0, why: "cut".into(), asked: 0, used: false }).await;
    settle(&*j, &claims[3], Next::Reject { reason: "x".into() }).await;
    let queue = |claimed, unknown| QueueView {
        partner: "office".into(),
        waiting: 2,
        claimed,
        unknown,
        parked: 1,
        oldest: Some(T0),
        paused: None,
    };
    assert_eq!(j.queues().await.unwrap(), [queue(1, 1)]);
    drop(j);
    let j = store.open();
    assert_eq!(j.queues().await.unwrap(), [queue(0, 2)], "after a crash: the claimed one is unknown");
}

pub(super) async fn a_queues_shape_is_told_without_what_is_held(store: &dyn Store) {
    let j = store.open();
    let due = Time::parse("2026-06-09T23:59:59+07:00").unwrap();
    for (code, caller, deadline) in [("D1", "a", Some(due)), ("D2", "a", Some(due)), ("D3", "b", None), ("D4", "b", None)] {
        let mut a = more(code, code);
        a.effects.deliveries[0].caller = caller.into();
        a.effects.deliveries[0].deadline = deadline;
        new(&*j, a).await;
    }
    new(&*j, more("D4", "behind")).await;
    let of = |caller: &str, due: Option<Time>, count| crate::delivery::Waiting {
        class: "citizen".into(),
        caller: caller.into(),
        route: "submit".into(),
        due: due.map(Time::day),
        count,
    };
    let all = vec![of("a", Some(due), 2), of("b", None, 2), of("portal-a", None, 1)];
    assert_eq!(j.backlog("office").await.unwrap(), Backlog { waiting: all, held: 0 });
    assert_eq!(j.backlog("bank").await.unwrap(), Backlog::default());
    for claim in claim_all(&*j, at(0)).await {
        let next = match claim.lane.as_str() {
            "D1" => Next::Done,
            "D4" => Next::Park { reason: "x".into() },
            _ => Next::Later { at: at(5) },
        };
        settle(&*j, &claim, next).await;
    }
    let left = vec![of("a", Some(due), 1), of("b", None, 1)];
    assert_eq!(j.backlog("office").await.unwrap(), Backlog { waiting: left, held: 2 }, "D4 is parked, and one waits behind it");
}
