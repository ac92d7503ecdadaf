//! The token route: client id and secret → a signed bearer token (RFC 6749, client credentials; form, JSON or Basic).
//!
//! Nothing is stored: a restart signs nobody out. The wire is a public standard's, its errors included.

use super::Door;
use super::caller::{authorization, user_password};
use super::problem::Code;
use super::v1::Asked;
use crate::catalogue::Partner;
use axum::body::Body;
use axum::extract::Query;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header};
use serde_json::{Value, json};

/// What is sent to sign in.
#[derive(Debug, Default, serde::Deserialize)]
struct Asking {
    client_id: Option<String>,
    client_secret: Option<crate::seal::Secret>,
    grant_type: Option<String>,
}

// === impl Door ===

impl Door {
    /// Signs a client of this partner in.
    pub(super) async fn token(&self, partner: &Partner, asked: Asked) -> Response<Body> {
        let taken = match self.bodies.read(&asked.headers, asked.body, 16 << 10).await {
            Ok(taken) => taken,
            Err(problem) => return problem.response(),
        };
        let Some(asking) = read(&asked.headers, &taken.bytes) else {
            return refuse(400, "invalid_request", "Cần client_id và client_secret, dạng form hoặc JSON.");
        };
        if asking.grant_type.as_deref().is_some_and(|g| g != "client_credentials") {
            return refuse(400, "unsupported_grant_type", "Chỉ nhận grant_type là client_credentials.");
        }
        let (Some(id), Some(secret)) = (asking.client_id, asking.client_secret) else {
            return refuse(400, "invalid_request", "Cần client_id và client_secret, dạng form hoặc JSON.");
        };
        let found = self.sign_in.callers().by_client(&id, secret.expose()).cloned();
        let Some(caller) = found.filter(|c| c.partner.as_deref() == Some(partner.name.as_str())) else {
            return refuse(401, "invalid_client", "client_id hoặc client_secret không đúng.");
        };
        if let Some(who) = asked.extensions.get::<super::trace::Who>() {
            who.is(&caller.name);
        }
        if let Err(problem) = self.limits.charge(&caller.name, "token", None, self.clock.since_start()) {
            return problem.response();
        }
        let (token, seconds) = self.sign_in.sign(&caller, self.clock.now());
        answer(200, &json!({ "access_token": token, "token_type": "Bearer", "expires_in": seconds }))
    }
}

fn read(headers: &HeaderMap, body: &[u8]) -> Option<Asking> {
    let json = headers.get(header::CONTENT_TYPE).is_some_and(|t| t.as_bytes().starts_with(b"application/json"));
    let mut asking: Asking = if json {
        serde_json::from_slice(body).ok()?
    } else {
        // A form's body is a query string.
        let text = std::str::from_utf8(body).ok()?.trim();
        let uri: Uri = format!("/?{text}").parse().ok()?;
        Query::try_from_uri(&uri).ok()?.0
    };
    if let Some(("Basic", value)) = authorization(headers)
        && let Some((id, secret)) = user_password(value)
    {
        asking.client_id = Some(id);
        asking.client_secret = Some(crate::seal::Secret::new(secret));
    }
    Some(asking)
}

fn refuse(status: u16, error: &'static str, text: &str) -> Response<Body> {
    let mut response = answer(status, &json!({ "error": error, "error_description": text }));
    response.extensions_mut().insert(Code(error));
    if status == 401 {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"lienthong\""));
    }
    response
}

fn answer(status: u16, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
