//! Inbound limits: one before sign-in for all, then several windows per authenticated caller and operation, all checked before any is charged.
//!
//! The number of callers and operations kept is bounded whatever arrives: only what is as good as unused is forgotten, and when all places
//! are in use, newcomers share one. So neither a full table nor a forgotten key gives a fresh burst. A refusal comes before anything of the
//! request is taken, and says when to come again.

use super::problem::Problem;
use crate::delivery::{Exceeded, Quota, Windowed};
use crate::exchange::Refusal;
use axum::http::{HeaderName, header};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Callers and operations kept at most.
const MOST: usize = 4_096;

/// All inbound limits. `now` is a time since the start, of a clock that never goes back.
#[derive(Debug)]
pub(super) struct Limits {
    global: Option<Mutex<Windowed>>,
    /// What holds for a caller without a partner's own limits.
    default: Vec<Quota>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Caller → operation → windows.
    callers: BTreeMap<String, BTreeMap<String, Windowed>>,
    count: usize,
    /// What all share for whom there is no place.
    shared: Option<Windowed>,
}

// === impl Limits ===

impl Limits {
    /// `global` for all requests together, before anybody signs in; `default` per caller and operation.
    #[must_use]
    pub(super) fn new(global: Option<Quota>, default: Vec<Quota>) -> Self {
        Self { global: global.map(|q| Mutex::new(Windowed::new(&[q]))), default, kept: Mutex::default() }
    }

    /// Whether one more request can be looked at at all.
    pub(super) fn enter(&self, now: Duration) -> Result<(), Problem> {
        let Some(global) = &self.global else { return Ok(()) };
        global.lock().unwrap_or_else(PoisonError::into_inner).charge(now).map_err(|_| Problem::overloaded())
    }

    /// Charges one request of `caller` for `operation`. `own` are the partner's limits, none: the default.
    pub(super) fn charge(&self, caller: &str, operation: &str, own: Option<&[Quota]>, now: Duration) -> Result<(), Problem> {
        let quotas = own.unwrap_or(&self.default);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let windows = kept.of(caller, operation, quotas, now);
        windows.change(quotas, now);
        windows.charge(now).map_err(|refused| exceeded(quotas, refused))
    }
}

// === impl Kept ===

impl Kept {
    fn of(&mut self, caller: &str, operation: &str, quotas: &[Quota], now: Duration) -> &mut Windowed {
        let known = self.callers.get(caller).is_some_and(|o| o.contains_key(operation));
        if !known {
            if self.count >= MOST {
                self.forget(now);
            }
            if self.count >= MOST {
                return self.shared.get_or_insert_with(|| Windowed::new(quotas));
            }
            self.count += 1;
            self.callers.entry(caller.to_owned()).or_default().insert(operation.to_owned(), Windowed::new(quotas));
        }
        match self.callers.get_mut(caller).and_then(|o| o.get_mut(operation)) {
            Some(windows) => windows,
            None => self.shared.get_or_insert_with(|| Windowed::new(quotas)),
        }
    }

    /// Forgets what is as good as unused.
    fn forget(&mut self, now: Duration) {
        for operations in self.callers.values_mut() {
            operations.retain(|_, w| !w.is_fresh(now));
        }
        self.callers.retain(|_, o| !o.is_empty());
        self.count = self.callers.values().map(BTreeMap::len).sum();
    }
}

// === the refusal ===

fn exceeded(quotas: &[Quota], refused: Exceeded) -> Problem {
    let seconds = refused.wait.as_secs() + u64::from(refused.wait.subsec_nanos() > 0);
    let seconds = seconds.max(1);
    let policy: Vec<String> = quotas.iter().map(|q| format!("\"{}\";q={};w={}", name(*q), q.calls, window(*q))).collect();
    Problem::from(Refusal::new(
        "quota-exceeded",
        429,
        format!("Đã vượt giới hạn số yêu cầu của đơn vị gọi; xin gửi lại sau {seconds} giây. Yêu cầu này chưa được ghi nhận."),
        format!("This caller's limit is exceeded; try again in {seconds} s. Nothing of this request was taken."),
    ))
    .with(header::RETRY_AFTER, seconds.to_string())
    .with(POLICY, policy.join(", "))
    .with(LIMIT, format!("\"{}\";r=0;t={seconds}", name(refused.quota)))
}

fn window(quota: Quota) -> u64 {
    quota.interval.as_secs().max(1)
}

/// A window's name in the RateLimit headers (draft-ietf-httpapi-ratelimit-headers).
fn name(quota: Quota) -> String {
    match window(quota) {
        1 => "second".to_owned(),
        60 => "minute".to_owned(),
        3_600 => "hour".to_owned(),
        86_400 => "day".to_owned(),
        w => format!("{w}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::ZERO;

    fn quota(text: &str, burst: u32) -> Quota {
        Quota { burst, ..Quota::parse(text).unwrap() }
    }

    #[test]
    fn what_exceeds_a_callers_limit_is_told_when_to_come_again() {
        let limits = Limits::new(None, vec![quota("50/s", 50), quota("3/h", 2)]);
        assert!(limits.charge("a", "submit", None, START).is_ok());
        assert!(limits.charge("a", "submit", None, START).is_ok());
        let problem = limits.charge("a", "submit", None, Duration::from_millis(1)).unwrap_err();
        assert_eq!((problem.refusal.status, problem.refusal.code), (429, "quota-exceeded"));
        let response = problem.response();
        assert_eq!(response.headers()["retry-after"], "1200");
        assert_eq!(response.headers()["ratelimit-policy"], "\"second\";q=50;w=1, \"hour\";q=3;w=3600");
        assert_eq!(response.headers()["ratelimit"], "\"hour\";r=0;t=1200");
    }

    #[test]
    fn no_caller_takes_anothers_share() {
        let limits = Limits::new(None, vec![quota("1/h", 1)]);
        assert!(limits.charge("a", "submit", None, START).is_ok());
        assert!(limits.charge("a", "submit", None, START).is_err());
        assert!(limits.charge("b", "submit", None, START).is_ok());
        assert!(limits.charge("a", "withdraw", None, START).is_ok());
    }

    #[test]
    fn a_partners_own_limits_win_and_a_change_of_them_gives_no_fresh_burst() {
        let limits = Limits::new(None, vec![quota("1/h", 1)]);
        let own = [quota("2/h", 2), quota("100/s", 100)];
        assert!(limits.charge("a", "x", Some(&own), START).is_ok());
        assert!(limits.charge("a", "x", Some(&own), START).is_ok());
        assert!(limits.charge("a", "x", Some(&own), START).is_err());
        assert!(limits.charge("a", "x", Some(&[quota("2/day", 2)]), START).is_ok(), "an hour used up is little of a day");
        assert!(limits.charge("a", "x", Some(&own), START).is_err());
    }

    #[test]
    fn a_full_table_gives_nobody_a_fresh_burst_and_forgets_only_what_is_unused() {
        let limits = Limits::new(None, vec![quota("1/h", 1)]);
        for n in 0..MOST {
            assert!(limits.charge(&format!("c{n}"), "x", None, START).is_ok());
        }
        assert!(limits.charge("new", "x", None, START).is_ok());
        assert!(limits.charge("newer", "x", None, START).is_err(), "newcomers share one place");
        assert!(limits.charge("c0", "x", None, START).is_err(), "the hot ones are still known");
        let later = Duration::from_secs(3_601);
        assert!(limits.charge("newer", "x", None, later).is_ok());
        assert!(limits.charge("c0", "x", None, later).is_ok());
        assert_eq!(limits.kept.lock().unwrap().count, 2);
    }

    #[test]
    fn before_sign_in_all_share_one_limit() {
        let limits = Limits::new(Some(quota("1/h", 1)), Vec::new());
        assert!(limits.enter(START).is_ok());
        assert_eq!(limits.enter(START).unwrap_err().refusal.status, 503);
    }
}
