//! A route that must never be repeated (`repeat = "never"`): what each outcome of a call, each word of an operator and a push of the other
//! side lead to. In simulated time, with the real dispatcher and journal.

use super::clocked::{NOON, Rig, ok, said};
use super::*;
use crate::journal::{Act, DeliveryState, Verdict};

const NEVER: &str = "# never";

/// What becomes of the parked delivery.
#[derive(Clone, Copy, Debug)]
enum Word {
    /// Nobody says anything.
    None,
    /// An operator does.
    Operator(Verdict),
    /// The office pushes a status of the dossier.
    Push,
}

/// How often the office was sent the dossier, or asked about it. (The portal is called too.)
fn calls_of(rig: &Rig) -> (usize, usize) {
    let seen = rig.seen();
    let of = |operation: &str| seen.iter().filter(|s| s.operation == operation).count();
    (of("submit"), of("inquiry"))
}

/// The timeline's kinds of one dossier, with the verdict of a release.
async fn timeline(rig: &Rig, code: &str) -> Vec<String> {
    let events = rig.journal.timeline(code).await.unwrap();
    let told = |e: &crate::journal::EventView| match e.data["verdict"].as_str() {
        Some(verdict) => format!("{} {verdict}", e.kind),
        None => e.kind.clone(),
    };
    events.iter().map(told).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_never_repeated_waits_for_a_word_and_does_what_it_says() {
    let operator = Word::Operator;
    for (word, calls, state, more) in [
        (Word::None, 1, DeliveryState::Parked, &[][..]),
        (operator(Verdict::Received), 1, DeliveryState::Done, &["released received"]),
        (operator(Verdict::NotReceived), 2, DeliveryState::Done, &["released not-received", "delivered"]),
        (operator(Verdict::SendAgain), 2, DeliveryState::Done, &["released send-again", "delivered"]),
        (Word::Push, 1, DeliveryState::Done, &["status"]),
    ] {
        // Cut once, after it was sent; whatever else comes is answered.
        let script = |_: &str, n: usize, _: Time| if n == 0 { (5, Err(SendError::Lost("cut"))) } else { (5, ok()) };
        let mut rig = Rig::new(NOON, NEVER, Box::new(script));
        let code = rig.register(1, "citizen", "a", None).await.remove(0);
        let dispatcher = rig.start();
        // Ten times the quiet time, and more than any wait of its schedules.
        tokio::time::sleep(Duration::from_secs(1_200)).await;
        let parked = rig.journal.snapshot(&code).await.unwrap().open.remove(0);
        assert_eq!((parked.state, calls_of(&rig)), (DeliveryState::Parked, (1, 0)), "{word:?}: neither asked nor sent again");
        assert_eq!(parked.reason.as_deref(), Some("outcome-unknown: cut"));
        match word {
            Word::None => {}
            Word::Operator(verdict) => {
                let act = Act::Release { delivery: parked.delivery, verdict, reason: "they said so".into() };
                rig.journal.act(act, "an", rig.clock.now()).await.unwrap();
            }
            Word::Push => {
                let at = rig.clock.now().rfc3339();
                let push = json!({ "code": code, "status": "received", "at": at, "missing": [], "documents": [] });
                let decide = |scene: &Scene<'_>, id: &str, m: &mut Message, s: &Snapshot| exchange::pushed(scene, id, m, s);
                take(&rig.shared, "office", &code, Kind::StatusChange, &push, decide).await.unwrap();
            }
        }
        tokio::time::sleep(Duration::from_secs(300)).await;
        dispatcher.stop().await;
        let view = rig.journal.delivery(parked.delivery).await.unwrap().unwrap().view;
        assert_eq!((calls_of(&rig), view.state), ((calls, 0), state), "{word:?}");
        assert_eq!(timeline(&rig, &code).await, [&["accepted", "parked"], more].concat(), "{word:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_certainly_had_no_effect_is_sent_again_by_itself() {
    let http = |status: u16| Ok(Reply { status, advice: Advice::default(), body: "".into() });
    for (name, first, calls, state) in [
        ("refused connection", Err(SendError::NotSent("not-connected")), 2, DeliveryState::Done),
        ("429, known to come before processing", http(429), 2, DeliveryState::Done),
        ("503, the same", http(503), 2, DeliveryState::Done),
        ("500", http(500), 1, DeliveryState::Parked),
        ("502", http(502), 1, DeliveryState::Parked),
        ("cut", Err(SendError::Lost("cut")), 1, DeliveryState::Parked),
        ("an answer nobody can read", said("<html>"), 1, DeliveryState::Parked),
        ("a refusal", said(r#"{"ok":false}"#), 1, DeliveryState::Rejected),
    ] {
        let script = move |_: &str, n: usize, _: Time| (5, if n == 0 { first.clone() } else { ok() });
        let mut rig = Rig::new(NOON, NEVER, Box::new(script));
        let code = rig.register(1, "citizen", "a", None).await.remove(0);
        let delivery = rig.journal.snapshot(&code).await.unwrap().open[0].delivery;
        let dispatcher = rig.start();
        tokio::time::sleep(Duration::from_secs(600)).await;
        dispatcher.stop().await;
        let view = rig.journal.delivery(delivery).await.unwrap().unwrap().view;
        assert_eq!((calls_of(&rig), view.state), ((calls, 0), state), "{name}");
    }
}
