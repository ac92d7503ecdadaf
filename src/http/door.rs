//! The partners' routes, as their partner files declare them: `POST /<partner>/<post>`, and their description at `GET /<partner>/?wsdl`.
//!
//! Sign-in, limits and size are judged here, before a byte is read; what is refused is refused in the partner's own format. The message
//! itself goes to `intake`.

use super::admission::Class;
use super::caller::authorization;
use super::problem::{Code, Problem};
use super::roles::{self, Operation};
use super::serve::Peer;
use super::v1::Asked;
use super::{Door, trace, upload};
use crate::catalogue::{Auth, InKind, InRoute, Partner, Role};
use crate::config::Caller;
use crate::exchange::{Known, Origin};
use crate::intake::{Call, Level, Place, Reply};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::any;
use std::sync::Arc;
use std::time::Duration;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const APPLIED: HeaderName = HeaderName::from_static("preference-applied");

// === the routes ===

/// The partners' routes: looked up in the set in force at each request, so that a new set's doors open and an old one's close by the swap.
pub(super) fn routes(router: Router<Arc<Door>>) -> Router<Arc<Door>> {
    router.route("/{partner}", any(described)).route("/{partner}/", any(described)).route("/{partner}/{*rest}", any(entered))
}

/// `GET /<partner>/?wsdl`.
async fn described(
    State(door): State<Arc<Door>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    method: Method,
) -> Response<Body> {
    let known = door.intake.known();
    let Some(partner) = known.catalogue.partners.get(&name).filter(|p| p.wsdl.is_some()) else {
        return Problem::not_found().response();
    };
    if !matches!(method, Method::GET | Method::HEAD) {
        return at(Problem::method().with(header::ALLOW, "GET,HEAD").response(), format!("/{name}/"));
    }
    at(wsdl(&door, partner, query.as_deref()).into_response(), format!("/{name}/"))
}

/// `POST /<partner>/<post>`.
async fn entered(
    State(door): State<Arc<Door>>,
    Path((name, rest)): Path<(String, String)>,
    method: Method,
    asked: Asked,
) -> Response<Body> {
    let known = door.intake.known();
    let partner = known.catalogue.partners.get(&name);
    let found = partner.and_then(|p| p.ins.values().find(|r| r.post.strip_prefix('/') == Some(rest.as_str())).map(|r| (p, r)));
    let Some((partner, route)) = found else { return Problem::not_found().response() };
    let path = format!("/{name}{}", route.post);
    if method != Method::POST {
        return at(Problem::method().with(header::ALLOW, "POST").response(), path);
    }
    at(door.attend(&known, partner, route, asked).await, path)
}

/// With the route's own path, for the log and the counters.
fn at(mut response: Response<Body>, path: String) -> Response<Body> {
    response.extensions_mut().insert(trace::Route(path));
    response
}

/// The description, its addresses ours; or a schema it names.
fn wsdl(door: &Door, partner: &Partner, query: Option<&str>) -> Result<Response<Body>, Problem> {
    let wsdl = partner.wsdl.as_ref().ok_or_else(Problem::not_found)?;
    let query = query.unwrap_or_default();
    let text = match query.split_once('=') {
        Some((word, name)) if word.eq_ignore_ascii_case("xsd") => wsdl.xsds.get(name).ok_or_else(Problem::not_found)?,
        None if query.eq_ignore_ascii_case("wsdl") => &wsdl.text,
        _ => return Err(Problem::not_found()),
    };
    let text = text.replace("{base}", &door.public_url);
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"))], text).into_response())
}

// === impl Door ===

impl Door {
    /// One request at a partner's route.
    async fn attend(&self, known: &Arc<Known>, partner: &Arc<Partner>, route: &InRoute, asked: Asked) -> Response<Body> {
        let done = match route.kind {
            InKind::Token => return self.token(partner, asked).await,
            InKind::Upload => self.uploaded(partner, route, asked).await,
            _ => self.heard(known, partner, route, asked).await,
        };
        match done {
            Ok(reply) => respond(reply),
            Err(problem) => {
                let reply = self.intake.refuse(partner, route, &problem.refusal, Level::Door);
                let mut response = respond(reply);
                problem.stamp(&mut response);
                response
            }
        }
    }

    async fn heard(&self, known: &Arc<Known>, partner: &Arc<Partner>, route: &InRoute, asked: Asked) -> Result<Reply, Problem> {
        let caller = self.admit_partner(partner, route, &asked.headers, &asked.extensions)?;
        let origin = origin(partner, &caller, asked.extensions.get::<trace::Ids>());
        let wait = prefer_wait(&asked.headers);
        let max = route.max_body.unwrap_or(self.max_body);
        let arriving = || self.intake.arriving(partner, route, max);
        let taken = self.bodies.message(&asked.headers, asked.body, max, arriving).await?;
        let ticket = self.admission.enter(Class::of(partner.role, route.kind))?;
        let seat = Arc::clone(&self.queue).try_acquire_owned().map_err(|_| Problem::overloaded())?;
        let call = Call {
            known: Arc::clone(known),
            partner: Arc::clone(partner),
            route: route.name.clone(),
            origin,
            body: taken.body.clone(),
            wait,
            place: Place::new((ticket, seat)),
        };
        Ok(self.intake.take(&call).await)
    }

    async fn uploaded(&self, partner: &Arc<Partner>, route: &InRoute, asked: Asked) -> Result<Reply, Problem> {
        let caller = self.admit_partner(partner, route, &asked.headers, &asked.extensions)?.name.clone();
        let _ticket = self.admission.enter(Class::of(partner.role, route.kind))?;
        let max = route.max_body.unwrap_or(self.max_file);
        let rows = upload::take(self, &caller, asked, max).await?;
        let stored: Vec<_> = rows.iter().map(|r| crate::body::json!({ "id": r.id, "digest": r.digest })).collect();
        let bodies: Vec<_> = stored.iter().collect();
        Ok(self.intake.answer(partner, (route, "answer"), &bodies, 200)?)
    }

    /// The caller at a partner's route: it speaks for this partner, has its role, and has not come too often.
    fn admit_partner(
        &self,
        partner: &Partner,
        route: &InRoute,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Result<Arc<Caller>, Problem> {
        let caller = self.spoken(partner, route, headers, extensions)?;
        if let Some(who) = extensions.get::<trace::Who>() {
            who.is(&caller.name);
        }
        let operation = match partner.role {
            Role::Portal => Operation::PortalDoor,
            Role::Ministry => Operation::MinistryDoor,
            Role::Payment => Operation::PaymentDoor,
        };
        if caller.partner.as_deref() != Some(partner.name.as_str()) || !roles::allowed(&caller, operation) {
            return Err(Problem::forbidden());
        }
        let own = (!partner.limits.ins.is_empty()).then_some(partner.limits.ins.as_slice());
        self.limits.charge(&caller.name, &route.name, own, self.clock.since_start())?;
        Ok(caller)
    }

    fn spoken(
        &self,
        partner: &Partner,
        route: &InRoute,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Result<Arc<Caller>, Problem> {
        let given = |scheme: &str| authorization(headers).filter(|(s, _)| s.eq_ignore_ascii_case(scheme)).map(|(_, v)| v);
        let callers = self.sign_in.callers();
        match route.auth {
            Some(Auth::Bearer) => given("bearer")
                .and_then(|token| self.sign_in.bearer(token, self.clock.now()))
                .ok_or_else(|| Problem::unauthenticated("Bearer realm=\"lienthong\"")),
            Some(Auth::Basic) => given("basic")
                .and_then(|value| self.sign_in.basic(value))
                .ok_or_else(|| Problem::unauthenticated("Basic realm=\"lienthong\", charset=\"UTF-8\"")),
            // The seal itself is verified when the message is read, before anything else is done with it.
            Some(Auth::Seal) => {
                route.seals.iter().find_map(|s| callers.by_seal(&partner.name, s)).cloned().ok_or_else(Problem::forbidden)
            }
            Some(Auth::Network) => extensions
                .get::<Peer>()
                .and_then(|peer| callers.by_network(&partner.name, peer.0.ip()).cloned())
                .ok_or_else(Problem::forbidden),
            None => Err(Problem::forbidden()),
        }
    }
}

fn origin(partner: &Partner, caller: &Caller, ids: Option<&trace::Ids>) -> Origin {
    Origin {
        partner: partner.name.clone(),
        caller: caller.name.clone(),
        class: caller.class.clone(),
        agencies: caller.agencies.clone(),
        trace: ids.and_then(trace::Ids::trace_id).map(str::to_owned),
    }
}

/// `Prefer: wait=N` (RFC 7240), seconds.
fn prefer_wait(headers: &HeaderMap) -> Option<Duration> {
    let all = headers.get_all(PREFER).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split([',', ';']));
    let seconds = all.filter_map(|p| p.trim().split_once('=')).find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))?.1;
    seconds.trim().trim_matches('"').parse().ok().map(Duration::from_secs)
}

/// A reply of intake as a response.
fn respond(reply: Reply) -> Response<Body> {
    let mut response = Response::new(Body::from(reply.bytes));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(reply.media));
    let mut set = |name: HeaderName, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    };
    if let Some(code) = reply.dossier.filter(|_| reply.refused.is_none()) {
        set(header::LOCATION, format!("/v1/dossiers/{code}"));
    }
    if let Some(seconds) = reply.waited {
        set(APPLIED, format!("wait={seconds}"));
    }
    if reply.status == 503 {
        set(header::RETRY_AFTER, "2".to_owned());
    }
    if let Some(code) = reply.refused {
        response.extensions_mut().insert(Code(code));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preferred_wait_is_read_among_other_preferences() {
        for (value, want) in [
            ("wait=10", Some(10)),
            ("respond-async, wait=5", Some(5)),
            ("respond-async; Wait = \"7\"", Some(7)),
            ("wait=soon", None),
            ("respond-async", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(PREFER, value.parse().unwrap());
            assert_eq!(prefer_wait(&headers).map(|d| d.as_secs()), want, "{value}");
        }
    }
}
