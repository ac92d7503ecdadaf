//! Inbound limits: one before sign-in for all, then per authenticated caller and operation. GCRA by governor.
//!
//! The keys are callers of the configuration and operations of the table, so their number is bounded whatever arrives. A refusal
//! comes before anything of the request is taken and says when to come again.

use super::problem::Problem;
use crate::delivery::Quota;
use crate::exchange::Refusal;
use axum::http::{HeaderName, header};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, RateLimiter};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// All inbound limits.
#[derive(Debug)]
pub(super) struct Limits {
    global: Option<DefaultDirectRateLimiter>,
    /// What holds for a caller without a partner's own limits.
    default: Vec<Quota>,
    keyed: Mutex<BTreeMap<(String, String), Arc<Windows>>>,
}

/// The windows of one caller and operation, the shortest first: what a short one refuses is not charged to a long one.
#[derive(Debug)]
struct Windows {
    given: Vec<Quota>,
    list: Vec<(Quota, DefaultDirectRateLimiter)>,
}

// === impl Limits ===

impl Limits {
    /// `global` for all requests together, before anybody signs in; `default` per caller and operation.
    #[must_use]
    pub(super) fn new(global: Option<Quota>, default: Vec<Quota>) -> Self {
        Self { global: global.map(limiter), default, keyed: Mutex::default() }
    }

    /// Whether one more request can be looked at at all.
    pub(super) fn enter(&self) -> Result<(), Problem> {
        match self.global.as_ref().map(|g| g.check()) {
            Some(Err(_)) => Err(Problem::overloaded()),
            _ => Ok(()),
        }
    }

    /// Charges one request of `caller` for `operation`. `own` are the partner's limits, none: the default.
    pub(super) fn charge(&self, caller: &str, operation: &str, own: Option<&[Quota]>) -> Result<(), Problem> {
        let windows = {
            let mut keyed = self.keyed.lock().unwrap_or_else(PoisonError::into_inner);
            let key = (caller.to_owned(), operation.to_owned());
            let quotas = own.unwrap_or(&self.default);
            let windows = keyed.entry(key).or_insert_with(|| Arc::new(Windows::new(quotas)));
            // A new set of adapters may have other limits.
            if windows.given != quotas {
                *windows = Arc::new(Windows::new(quotas));
            }
            Arc::clone(windows)
        };
        for (quota, window) in &windows.list {
            if let Err(not_until) = window.check() {
                let wait = not_until.wait_time_from(DefaultClock::default().now());
                return Err(exceeded(*quota, wait));
            }
        }
        Ok(())
    }
}

// === impl Windows ===

impl Windows {
    fn new(quotas: &[Quota]) -> Self {
        let given = quotas.to_vec();
        let mut quotas = given.clone();
        quotas.sort_by_key(|q| q.interval);
        Self { given, list: quotas.into_iter().map(|q| (q, limiter(q))).collect() }
    }
}

fn limiter(quota: Quota) -> DefaultDirectRateLimiter {
    let spacing = quota.interval / quota.calls.max(1);
    let burst = NonZeroU32::new(quota.burst).unwrap_or(NonZeroU32::MIN);
    let one = governor::Quota::with_period(spacing.max(Duration::from_nanos(1)));
    RateLimiter::direct(one.unwrap_or(governor::Quota::per_second(NonZeroU32::MIN)).allow_burst(burst))
}

fn exceeded(quota: Quota, wait: Duration) -> Problem {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let seconds = seconds.max(1);
    let window = quota.interval.as_secs().max(1);
    Problem::from(Refusal::new(
        "quota-exceeded",
        429,
        format!("Đã vượt giới hạn số yêu cầu của đơn vị gọi; xin gửi lại sau {seconds} giây. Yêu cầu này chưa được ghi nhận."),
        format!("This caller's limit is exceeded; try again in {seconds} s. Nothing of this request was taken."),
    ))
    .with(header::RETRY_AFTER, seconds.to_string())
    .with(POLICY, format!("\"caller\";q={};w={window}", quota.calls))
    .with(LIMIT, format!("\"caller\";r=0;t={seconds}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(text: &str, burst: u32) -> Quota {
        Quota { burst, ..Quota::parse(text).unwrap() }
    }

    #[test]
    fn what_exceeds_a_callers_limit_is_told_when_to_come_again() {
        let limits = Limits::new(None, vec![quota("3/h", 2)]);
        assert!(limits.charge("a", "submit", None).is_ok());
        assert!(limits.charge("a", "submit", None).is_ok());
        let problem = limits.charge("a", "submit", None).unwrap_err();
        assert_eq!((problem.refusal.status, problem.refusal.code), (429, "quota-exceeded"));
        let response = problem.response();
        let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1190..=1200).contains(&wait), "{wait}");
        assert_eq!(response.headers()["ratelimit-policy"], "\"caller\";q=3;w=3600");
        assert!(response.headers()["ratelimit"].to_str().unwrap().starts_with("\"caller\";r=0;t="));
    }

    #[test]
    fn no_caller_takes_anothers_share() {
        let limits = Limits::new(None, vec![quota("1/h", 1)]);
        assert!(limits.charge("a", "submit", None).is_ok());
        assert!(limits.charge("a", "submit", None).is_err());
        assert!(limits.charge("b", "submit", None).is_ok());
        assert!(limits.charge("a", "withdraw", None).is_ok());
    }

    #[test]
    fn every_window_holds_and_a_partners_own_limits_win() {
        let limits = Limits::new(None, Vec::new());
        let own = [quota("2/h", 2), quota("100/s", 100)];
        assert!(limits.charge("a", "x", Some(&own)).is_ok());
        assert!(limits.charge("a", "x", Some(&own)).is_ok());
        assert!(limits.charge("a", "x", Some(&own)).is_err());
    }

    #[test]
    fn before_sign_in_all_share_one_limit() {
        let limits = Limits::new(Some(quota("1/h", 1)), Vec::new());
        assert!(limits.enter().is_ok());
        assert_eq!(limits.enter().unwrap_err().refusal.status, 503);
    }
}
