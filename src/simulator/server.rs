//! The common desk of the simulators: accept loop, weather, book, control routes. An axum router answers what gets through.
//!
//! Always holds: a call is handled to its end even when its caller goes away (a partner does not stop because we died), and
//! it stands in the book before its answer leaves. A cut ends the connection without a status line. Paths that begin with
//! `/_` are the test's hand, not the partner's contract: no weather, no book; they are served on the partner's address
//! and on a control address that stays open while the partner is down.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::book::{Book, Ident, Stall};
use super::weather::{Climate, Down, Effect, Fate, Plan, Weather};
use crate::clock::Time;

/// The largest body a simulator takes.
const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// How often a simulator looks whether it runs.
const TICK: Duration = Duration::from_millis(5);

/// What is longer than this between two looks was a stall.
const STALL_MS: i64 = 20;

/// What a handler says about its call, put into the answer's extensions.
#[derive(Clone, Debug, Default)]
pub(super) struct Noted {
    /// The call took effect.
    pub(super) processed: bool,
    /// What broke the contract.
    pub(super) violations: Vec<String>,
    /// The answer in a word, for the book.
    pub(super) word: String,
}

/// Reads who a call is from, before anything befalls it.
pub(super) type Identify = fn(&Parts, &[u8]) -> Ident;

/// One simulator's desk.
pub(super) struct Desk {
    pub(super) role: &'static str,
    pub(super) book: Arc<Book>,
    pub(super) weather: Arc<Weather>,
    pub(super) identify: Identify,
    /// The contract's routes and the role's own `/_…` routes.
    pub(super) router: axum::Router,
    /// What the role adds to `GET /_book`.
    pub(super) state: Box<dyn Fn() -> serde_json::Value + Send + Sync>,
}

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("connection cut by the weather")]
struct Cut;

/// A body that stops half way although its length was announced.
struct Half(Option<Bytes>);

// === functions ===

/// Serves `desk` on both addresses until `stop` says true (or its sender is gone).
pub(super) fn spawn(desk: Arc<Desk>, main: TcpListener, control: TcpListener, stop: &watch::Receiver<bool>) {
    tokio::spawn(witness(Arc::clone(&desk), stop.clone()));
    tokio::spawn(accept(Arc::clone(&desk), control, stop.clone(), false));
    tokio::spawn(accept(desk, main, stop.clone(), true));
}

/// Notes when this process did not get to run: on a busy machine calls that came apart then seem to come together.
async fn witness(desk: Arc<Desk>, mut stop: watch::Receiver<bool>) {
    let mut last = desk.book.now_ms();
    loop {
        tokio::select! {
            _ = stop.wait_for(|s| *s) => return,
            () = tokio::time::sleep(TICK) => {}
        }
        let now = desk.book.now_ms();
        if now - last > STALL_MS {
            desk.book.stalled(Stall { from_ms: last, ms: now - last });
        }
        last = now;
    }
}

async fn accept(desk: Arc<Desk>, listener: TcpListener, mut stop: watch::Receiver<bool>, partner: bool) {
    let told = stop.clone();
    let mut down = desk.weather.watch_down();
    let Ok(addr) = listener.local_addr() else { return };
    let mut listener = Some(listener);
    loop {
        if partner && *down.borrow_and_update() == Some(Down::Refused) {
            listener = None;
            tokio::select! {
                _ = stop.wait_for(|s| *s) => return,
                _ = down.wait_for(|d| *d != Some(Down::Refused)) => {}
            }
        }
        let Some(open) = rebound(&mut listener, addr).await else { continue };
        tokio::select! {
            _ = stop.wait_for(|s| *s) => return,
            changed = down.changed(), if partner => if changed.is_err() { return },
            taken = open.accept() => if let Ok((stream, _)) = taken {
                tokio::spawn(connection(Arc::clone(&desk), stream, told.clone(), partner));
            },
        }
    }
}

/// The listener, opened anew at the same address when it had been closed.
async fn rebound(listener: &mut Option<TcpListener>, addr: SocketAddr) -> Option<&TcpListener> {
    if listener.is_none() {
        match TcpListener::bind(addr).await {
            Ok(l) => *listener = Some(l),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    listener.as_ref()
}

async fn connection(desk: Arc<Desk>, stream: TcpStream, mut stop: watch::Receiver<bool>, partner: bool) {
    let mut down = desk.weather.watch_down();
    let service = hyper::service::service_fn(move |request| attend(Arc::clone(&desk), request));
    let serving = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // A cut, a caller gone: both are an error here and neither is news.
        _ = serving => {}
        _ = stop.wait_for(|s| *s) => {}
        _ = down.wait_for(|d| partner && *d == Some(Down::Refused)) => {}
    }
}

async fn attend(desk: Arc<Desk>, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    // Before the body: how long that takes is the size's doing.
    let at = Time(desk.book.now_ms());
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, BODY_LIMIT).collect().await.map_err(|_| Cut)?.to_bytes();
    // A task of its own: what has arrived is handled even when its caller is killed meanwhile.
    tokio::spawn(async move {
        if parts.uri.path().starts_with("/_") {
            Ok(control(&desk, parts, body).await)
        } else {
            call(&desk, at, parts, body).await
        }
    })
    .await
    .map_err(|_| Cut)?
}

async fn call(desk: &Desk, at: Time, parts: Parts, body: Bytes) -> Result<Response<Body>, Cut> {
    let ident = (desk.identify)(&parts, &body);
    let Fate { effect, before, after } = desk.weather.decide(&ident.operation, ident.dossier.as_deref());
    let (ticket, _) = desk.book.arrive(ident, at);
    pause(before).await;
    let (answer, noted) = if effect.before_processing() {
        let violations = if effect == Effect::TooMany { vec!["rate exceeded".to_owned()] } else { vec![] };
        (None, Noted { violations, ..Noted::default() })
    } else {
        let mut answer = route(desk, parts, body).await;
        let noted = answer.extensions_mut().remove::<Noted>().unwrap_or_default();
        (Some(answer), noted)
    };
    let left = weathered(effect, answer);
    let word = match &left {
        Ok(answer) if effect == Effect::Calm => format!("{} {}", answer.status().as_u16(), noted.word),
        Ok(answer) => format!("{} {effect:?}", answer.status().as_u16()),
        Err(Cut) => format!("{effect:?}"),
    };
    desk.book.finish(&ticket, noted.processed, word.trim_end().to_owned(), noted.violations);
    pause(after).await;
    desk.book.leave(ticket);
    left
}

/// What the caller gets of an answer in this weather.
fn weathered(effect: Effect, answer: Option<Response<Body>>) -> Result<Response<Body>, Cut> {
    match (effect, answer) {
        (Effect::Calm, Some(answer)) => Ok(answer),
        (Effect::TooMany, _) => Ok(later(StatusCode::TOO_MANY_REQUESTS)),
        (Effect::Busy, _) => Ok(later(StatusCode::SERVICE_UNAVAILABLE)),
        (Effect::Error | Effect::ErrorAfter, _) => Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
        (Effect::BadGateway, _) => Ok(StatusCode::BAD_GATEWAY.into_response()),
        (Effect::Malformed, Some(mut answer)) => {
            *answer.body_mut() = Body::from("<html><p>Hệ thống đang bảo trì &nbsp {\"error\":");
            answer.headers_mut().remove(header::CONTENT_LENGTH);
            Ok(answer)
        }
        (Effect::Truncated, Some(answer)) => Ok(truncated(answer)),
        _ => Err(Cut),
    }
}

fn later(status: StatusCode) -> Response<Body> {
    (status, [(header::RETRY_AFTER, HeaderValue::from_static("1"))]).into_response()
}

/// Announces the whole length, hands over the first bytes, then fails: hyper ends the connection.
fn truncated(mut answer: Response<Body>) -> Response<Body> {
    let text = Bytes::from_static(b"{\"error\": \"0\", \"msg\": \"");
    answer.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("900"));
    *answer.body_mut() = Body::new(Half(Some(text)));
    answer
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

async fn route(desk: &Desk, parts: Parts, body: Bytes) -> Response<Body> {
    let answer: Result<_, Infallible> = desk.router.clone().oneshot(Request::from_parts(parts, Body::from(body))).await;
    answer.unwrap_or_else(|never| match never {})
}

async fn control(desk: &Desk, parts: Parts, body: Bytes) -> Response<Body> {
    match (parts.method.as_str(), parts.uri.path()) {
        ("GET", "/_book") => axum::Json(book(desk, true)).into_response(),
        ("GET", "/_book/open") => axum::Json(desk.book.in_flight()).into_response(),
        ("GET", "/_book/summary") => axum::Json(book(desk, false)).into_response(),
        ("GET", "/_weather") => {
            axum::Json(serde_json::json!({"climate": desk.weather.climate(), "plans": desk.weather.plans()})).into_response()
        }
        ("POST", "/_weather") => match change(&desk.weather, &body) {
            Ok(()) => StatusCode::NO_CONTENT.into_response(),
            Err(why) => (StatusCode::BAD_REQUEST, why.to_string()).into_response(),
        },
        _ => route(desk, parts, body).await,
    }
}

fn book(desk: &Desk, whole: bool) -> serde_json::Value {
    let mut all = serde_json::json!({
        "role": desk.role,
        "summary": desk.book.summary(),
        "peak_per_second": desk.weather.peak(),
        "in_flight": desk.book.in_flight(),
        "stalls": desk.book.stalls(),
        "state": (desk.state)(),
    });
    if let (true, Some(map)) = (whole, all.as_object_mut()) {
        map.insert("calls".to_owned(), serde_json::json!(desk.book.calls()));
    }
    all
}

/// `{"plan": [..], …any key of the climate}`: the keys given replace those that hold now.
fn change(weather: &Weather, body: &[u8]) -> Result<(), serde_json::Error> {
    let mut given: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body)?;
    let plans: Vec<Plan> = given.remove("plan").map_or_else(|| Ok(vec![]), serde_json::from_value)?;
    let mut climate = serde_json::to_value(weather.climate())?;
    if let Some(map) = climate.as_object_mut() {
        map.extend(given);
    }
    let climate: Climate = serde_json::from_value(climate)?;
    weather.change(|c| *c = climate);
    for plan in plans {
        weather.plan(plan);
    }
    Ok(())
}

// === impl Half ===

impl axum::body::HttpBody for Half {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        Poll::Ready(Some(self.0.take().map(Frame::data).ok_or(Cut)))
    }
}
