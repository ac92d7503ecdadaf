//! What is next for a delivery, from the outcome of one attempt. Pure: tables in, decisions out; nothing waits here.
//!
//! The rule (design, section 5): an outage uses up no attempts and parks nothing; only what the partner said about this message, or
//! what the adapter cannot do with it, parks. An unknown outcome is never repeated blind unless the route says a repeat is safe.

use crate::catalogue::Repeat;
use crate::clock::Time;
use crate::delivery::{Outcome, RetryPolicy};
use crate::exchange::Evidence;
use crate::journal::{Doubt, Next};
use std::time::Duration;

/// What the decision looks at besides the outcome.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing<'a> {
    /// Attempts used up before this one.
    pub(super) attempts: u32,
    /// What a repeat does.
    pub(super) repeat: Repeat,
    /// The route's schedule.
    pub(super) policy: RetryPolicy,
    /// How long a "not known" does not count, since the doubtful call.
    pub(super) quiet: Duration,
    /// When to ask: the waits one after the other; the last one repeats never.
    pub(super) schedule: &'a [Duration],
    /// The partner answered in its senses before this attempt: a retry is about this message.
    pub(super) healthy: bool,
    /// When this call began.
    pub(super) began: Time,
    /// Now.
    pub(super) now: Time,
    /// 0 to 1, for the jitter.
    pub(super) chance: f64,
}

/// After the message itself was sent (or not).
pub(super) fn after_call(outcome: &Outcome, s: &Standing<'_>) -> Next {
    match outcome {
        Outcome::Done { .. } => Next::Done,
        Outcome::NotSent { .. } | Outcome::SignIn { .. } => Next::Later { at: s.now.plus(s.policy.wait(1, s.chance)) },
        Outcome::Retry { why, not_before } => again(why, *not_before, s),
        Outcome::Unknown { why } => match s.repeat {
            Repeat::Safe => again(why, None, s),
            // What a partner in its senses leaves open is about this message; what an outage leaves open is not.
            Repeat::Ask => ask(s, s.began, why, (0, s.healthy)),
            Repeat::Never => Next::Park { reason: format!("outcome-unknown: {why}") },
        },
        Outcome::Reject { why } => Next::Reject { reason: why.clone() },
        Outcome::Park { why } => Next::Park { reason: why.clone() },
    }
}

/// After the other side was asked about a doubtful call. `evidence` is what a readable answer says; none: there was no such answer.
pub(super) fn after_inquiry(outcome: &Outcome, evidence: Option<Evidence>, doubt: &Doubt, s: &Standing<'_>) -> Next {
    let quiet_over = doubt.called_at.plus(s.quiet);
    match (outcome, evidence) {
        (Outcome::Done { .. }, Some(Evidence::Received)) => Next::Done,
        (Outcome::Done { .. }, Some(Evidence::NotReceived)) if s.now < quiet_over => {
            Next::Ask { at: quiet_over, called_at: doubt.called_at, why: doubt.why.clone(), asked: doubt.asked, used: false }
        }
        // Again and again left open and then not known: no repeat will help.
        (Outcome::Done { .. }, Some(Evidence::NotReceived)) if s.attempts >= s.policy.attempts => {
            Next::Park { reason: format!("attempts-used-up: {}; asked, they do not know it", doubt.why) }
        }
        (Outcome::Done { .. }, Some(Evidence::NotReceived)) => Next::Clear { at: s.now },
        (Outcome::NotSent { .. } | Outcome::SignIn { .. } | Outcome::Retry { .. } | Outcome::Unknown { .. }, _) => {
            ask(s, doubt.called_at, &doubt.why, (doubt.asked, false))
        }
        _ if usize::try_from(doubt.asked).unwrap_or(usize::MAX) + 1 >= s.schedule.len() => {
            Next::Park { reason: format!("outcome-unknown: {}; the inquiry gave no clear answer", doubt.why) }
        }
        _ => ask(s, doubt.called_at, &doubt.why, (doubt.asked + 1, false)),
    }
}

fn again(why: &str, not_before: Option<Duration>, s: &Standing<'_>) -> Next {
    if !s.healthy {
        return Next::Later { at: s.now.plus(s.policy.wait(1, s.chance).max(not_before.unwrap_or_default())) };
    }
    match s.policy.next(s.attempts + 1, s.now, s.chance, not_before) {
        Some(at) => Next::Retry { at },
        None => Next::Park { reason: format!("attempts-used-up: {why}") },
    }
}

fn ask(s: &Standing<'_>, called_at: Time, why: &str, (asked, used): (u32, bool)) -> Next {
    let step = s.schedule.get(usize::try_from(asked).unwrap_or(usize::MAX)).or(s.schedule.last());
    let at = s.now.plus(step.copied().unwrap_or(Duration::from_secs(5)));
    Next::Ask { at, called_at, why: why.to_owned(), asked, used }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: [Duration; 3] = [Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(120)];

    fn standing(repeat: Repeat, attempts: u32, healthy: bool) -> Standing<'static> {
        Standing {
            attempts,
            repeat,
            policy: RetryPolicy { first: Duration::from_secs(2), factor: 2.0, max: Duration::from_secs(60), attempts: 3 },
            quiet: Duration::from_secs(120),
            schedule: &SCHEDULE,
            healthy,
            began: Time(1_000),
            now: Time(2_000),
            chance: 1.0,
        }
    }

    fn doubt(called_at: i64, asked: u32) -> Doubt {
        Doubt { called_at: Time(called_at), why: "cut".into(), asked }
    }

    #[test]
    fn an_unknown_outcome_is_repeated_only_where_a_repeat_is_safe() {
        let unknown = Outcome::Unknown { why: "timeout".into() };
        assert!(matches!(after_call(&unknown, &standing(Repeat::Safe, 0, true)), Next::Retry { .. }));
        let Next::Ask { called_at, asked, .. } = after_call(&unknown, &standing(Repeat::Ask, 0, true)) else { panic!("asked") };
        assert_eq!((called_at, asked), (Time(1_000), 0));
        assert!(matches!(after_call(&unknown, &standing(Repeat::Never, 0, true)), Next::Park { .. }));
    }

    #[test]
    fn an_outage_uses_up_no_attempts_and_parks_nothing() {
        for attempts in [0, 2, 50] {
            for outcome in [
                Outcome::NotSent { why: "x".into() },
                Outcome::SignIn { why: "x".into() },
                Outcome::Retry { why: "x".into(), not_before: None },
            ] {
                let next = after_call(&outcome, &standing(Repeat::Ask, attempts, false));
                assert!(matches!(next, Next::Later { .. }), "{outcome:?} {next:?}");
            }
        }
    }

    #[test]
    fn what_a_healthy_partner_says_about_a_message_uses_up_its_attempts() {
        let retry = Outcome::Retry { why: "busy".into(), not_before: None };
        assert_eq!(after_call(&retry, &standing(Repeat::Ask, 0, true)), Next::Retry { at: Time(4_000) });
        assert!(
            matches!(after_call(&retry, &standing(Repeat::Ask, 2, true)), Next::Park { reason } if reason.starts_with("attempts-used-up"))
        );
    }

    #[test]
    fn not_known_counts_only_after_the_quiet_time() {
        let done = Outcome::Done { find: Vec::new() };
        let early = after_inquiry(&done, Some(Evidence::NotReceived), &doubt(1_000, 0), &standing(Repeat::Ask, 0, true));
        assert!(matches!(early, Next::Ask { at: Time(121_000), asked: 0, .. }));
        let late = after_inquiry(&done, Some(Evidence::NotReceived), &doubt(-200_000, 0), &standing(Repeat::Ask, 0, true));
        assert_eq!(late, Next::Clear { at: Time(2_000) });
        assert_eq!(after_inquiry(&done, Some(Evidence::Received), &doubt(1_000, 0), &standing(Repeat::Ask, 0, true)), Next::Done);
    }

    #[test]
    fn what_is_left_open_and_then_not_known_again_and_again_ends_with_a_person() {
        let open = Outcome::Unknown { why: "HTTP 500".into() };
        for healthy in [true, false] {
            let next = after_call(&open, &standing(Repeat::Ask, 0, healthy));
            assert!(matches!(next, Next::Ask { used, .. } if used == healthy), "an outage uses up nothing: {next:?}");
        }
        let done = Outcome::Done { find: Vec::new() };
        let not_known = |attempts| {
            let standing = standing(Repeat::Ask, attempts, true);
            after_inquiry(&done, Some(Evidence::NotReceived), &doubt(-200_000, 0), &standing)
        };
        assert_eq!(not_known(2), Next::Clear { at: Time(2_000) });
        assert!(matches!(not_known(3), Next::Park { reason } if reason.starts_with("attempts-used-up")));
    }

    #[test]
    fn an_inquiry_that_fails_is_repeated_and_one_that_stays_unclear_ends_with_a_person() {
        let failed = Outcome::NotSent { why: "x".into() };
        let next = after_inquiry(&failed, None, &doubt(0, 2), &standing(Repeat::Ask, 0, false));
        assert!(matches!(next, Next::Ask { asked: 2, .. }), "{next:?}");
        let done = Outcome::Done { find: Vec::new() };
        for (asked, parked) in [(0, false), (1, false), (2, true)] {
            let next = after_inquiry(&done, Some(Evidence::Unclear), &doubt(0, asked), &standing(Repeat::Ask, 0, true));
            assert_eq!(matches!(next, Next::Park { .. }), parked, "{asked}");
        }
    }
}
