//! The outermost layer: request id and W3C trace context taken in or made, one span, one count and one line a request.
//!
//! A line tells method, route (its pattern, not the path), status, milliseconds, caller and code word; nothing of a body, a query or a
//! header's value but the two ids, whose forms are checked.

use super::Door;
use super::problem::{Code, Problem};
use crate::model::Mint;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response};
use axum::middleware::Next;
use std::sync::{Arc, OnceLock};
use tracing::Instrument as _;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Who the caller turned out to be; filled by sign-in, read by the log.
#[derive(Clone, Debug, Default)]
pub(super) struct Who(Arc<OnceLock<String>>);

/// The path of a route that is looked up in the adapters, left in a response's extensions: their pattern says nothing.
#[derive(Clone, Debug)]
pub(super) struct Route(pub(super) String);

/// The ids of a request, in its extensions: handed on to whatever works for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ids {
    /// The request's id.
    pub request: String,
    /// `traceparent` with our own span.
    pub trace: String,
}

// === impl Who ===

impl Who {
    /// Notes the caller's name.
    pub(super) fn is(&self, caller: &str) {
        let _ = self.0.set(caller.to_owned());
    }

    fn name(&self) -> &str {
        self.0.get().map_or("-", String::as_str)
    }
}

// === impl Ids ===

impl Ids {
    /// The ids a request brought, where they are sane; else new ones.
    #[must_use]
    pub fn of(headers: &HeaderMap, mint: &Mint<'_>) -> Self {
        let text = |name: &HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
        let request = text(&REQUEST_ID).filter(|id| is_request_id(id)).map_or_else(|| mint.opaque(), str::to_owned);
        let span = mint.opaque();
        let span = span.get(..16).unwrap_or("0000000000000001");
        let trace = text(&TRACEPARENT).and_then(trace_of).unwrap_or_else(|| (mint.opaque(), "01".to_owned()));
        Self { request, trace: format!("00-{}-{span}-{}", trace.0, trace.1) }
    }

    /// The trace's id, 32 hex digits.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.trace.split('-').nth(1)
    }
}

fn is_request_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// Trace id and flags of a `traceparent` of version 00.
fn trace_of(header: &str) -> Option<(String, String)> {
    let hex = |text: &str, n: usize| text.len() == n && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let parts: Vec<&str> = header.split('-').collect();
    let ["00", trace, parent, flags] = parts.as_slice() else { return None };
    let sane = hex(trace, 32) && hex(parent, 16) && hex(flags, 2);
    let told = trace.bytes().any(|b| b != b'0') && parent.bytes().any(|b| b != b'0');
    (sane && told).then(|| ((*trace).to_owned(), (*flags).to_owned()))
}

/// The layer itself; it also asks the limit that holds before sign-in.
pub(super) async fn layer(State(door): State<Arc<Door>>, mut request: Request, next: Next) -> Response<Body> {
    let started = door.clock.since_start();
    let ids = Ids::of(request.headers(), &Mint::new(door.random.as_ref(), door.clock.now()));
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).filter(|p| !p.starts_with("/{"));
    let route = route.unwrap_or("unmatched").to_owned();
    let method = request.method().clone();
    let who = Who::default();
    request.extensions_mut().insert(who.clone());
    request.extensions_mut().insert(ids.clone());
    let span = tracing::info_span!("request", id = %ids.request, trace = %ids.trace);
    let mut response = match door.limits.enter(door.clock.since_start()) {
        Ok(()) => next.run(request).instrument(span.clone()).await,
        Err(problem) => problem.response(),
    };
    let route = response.extensions_mut().remove::<Route>().map_or(route, |r| r.0);
    let status = response.status().as_u16();
    let code = response.extensions().get::<Code>().map(|c| c.0);
    door.metrics.answered(&route, status, code);
    let ms = door.clock.since_start().saturating_sub(started).as_millis();
    span.in_scope(|| {
        tracing::debug!(%method, %route, status, ms = u64::try_from(ms).unwrap_or(u64::MAX), caller = who.name(), "answered");
        if let Some(code) = code {
            tracing::info!(code, %route, status, caller = who.name(), "refused");
        }
    });
    for (name, value) in [(REQUEST_ID, &ids.request), (TRACEPARENT, &ids.trace)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Nothing at this address.
pub(super) async fn nothing() -> Problem {
    Problem::not_found()
}

/// Another method than the route's; axum adds `Allow`.
pub(super) async fn method() -> Problem {
    Problem::method()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Time;
    use crate::seal::SystemRandom;

    fn ids(request: &str, trace: &str) -> Ids {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, request.parse().unwrap());
        headers.insert(TRACEPARENT, trace.parse().unwrap());
        Ids::of(&headers, &Mint::new(&SystemRandom, Time(0)))
    }

    #[test]
    fn a_sane_request_id_is_kept_and_another_replaced() {
        assert_eq!(ids("abc-1.2_3", "x").request, "abc-1.2_3");
        for bad in ["", "a b", "<script>", &"a".repeat(65)] {
            let made = ids(bad, "x").request;
            assert_eq!(made.len(), 32, "{bad:?}");
        }
    }

    #[test]
    fn a_trace_goes_on_with_our_own_span() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let ours = ids("a", &format!("00-{trace}-00f067aa0ba902b7-01")).trace;
        assert!(
            ours.starts_with(&format!("00-{trace}-")) && ours.ends_with("-01") && !ours.contains("00f067aa0ba902b7"),
            "{ours}"
        );
        for bad in ["00-00000000000000000000000000000000-00f067aa0ba902b7-01", "01-x", &format!("00-{trace}-1-01"), ""] {
            let made = ids("a", bad).trace;
            assert!(made.len() == 55 && !made.contains(trace), "{bad} {made}");
        }
    }
}
