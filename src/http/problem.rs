//! A refusal of our own API: RFC 9457 problem+json in Vietnamese and English. The one place that renders it.
//!
//! Never a value of the request: the code word, two sentences, the places that are wrong.

use crate::exchange::{Fault, Refusal};
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

/// A refusal on its way out, with the headers that belong to it.
#[derive(Clone, Debug)]
pub struct Problem {
    /// What is said.
    pub refusal: Box<Refusal>,
    /// Retry-After, WWW-Authenticate, Allow, RateLimit, ….
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// A further member of the body (RFC 9457, section 3.2).
    pub more: Option<(&'static str, Value)>,
}

/// The code word of a refusal, left in a response's extensions for the log and the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(pub(super) &'static str);

// === impl Problem ===

impl Problem {
    /// With one more header; a value that is no header value is left out.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.push((name, value));
        }
        self
    }

    /// With a further member in the body.
    #[must_use]
    pub fn and(mut self, name: &'static str, value: Value) -> Self {
        self.more = Some((name, value));
        self
    }

    /// Nobody we know.
    #[must_use]
    pub fn unauthenticated(challenge: &str) -> Self {
        Self::from(Refusal::new(
            "not-signed-in",
            401,
            "Chưa đăng nhập, hoặc thông tin đăng nhập không đúng hay đã hết hạn.",
            "Not signed in, or the credential is wrong or expired.",
        ))
        .with(header::WWW_AUTHENTICATE, challenge)
    }

    /// Known, but not for this.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::from(Refusal::new(
            "not-allowed",
            403,
            "Đơn vị gọi không có quyền thực hiện thao tác này.",
            "This caller may not do this.",
        ))
    }

    /// Nothing here.
    #[must_use]
    pub fn not_found() -> Self {
        Self::from(Refusal::new("not-found", 404, "Địa chỉ này không tồn tại.", "There is nothing at this address."))
    }

    /// Another method.
    #[must_use]
    pub fn method() -> Self {
        Self::from(Refusal::new(
            "method-not-allowed",
            405,
            "Địa chỉ này không nhận phương thức HTTP đó; xem tiêu đề Allow.",
            "This address does not take that HTTP method; see the Allow header.",
        ))
    }

    /// More bytes than the route takes.
    #[must_use]
    pub fn too_large(max: u64) -> Self {
        Self::from(Refusal::new(
            "body-too-large",
            413,
            format!("Nội dung gửi lên vượt quá {max} byte."),
            format!("The body is larger than {max} bytes."),
        ))
    }

    /// The body did not arrive in time, or broke off.
    #[must_use]
    pub fn body_broken() -> Self {
        Self::from(Refusal::new(
            "body-incomplete",
            408,
            "Nội dung gửi lên không đến đủ trong thời gian cho phép.",
            "The body did not arrive completely in time.",
        ))
    }

    /// Our own strength is exceeded, or the journal cannot write.
    #[must_use]
    pub fn overloaded() -> Self {
        Self::from(Refusal::new(
            "temporary-reduced-capacity",
            503,
            "Hệ thống đang quá tải; xin gửi lại sau ít giây. Yêu cầu này chưa được ghi nhận.",
            "The gateway is overloaded; try again in a few seconds. Nothing of this request was taken.",
        ))
        .with(header::RETRY_AFTER, "2")
    }

    /// A query or body of our own API that does not fit.
    #[must_use]
    pub fn request(pointer: &str, text: &str, text_en: &str) -> Self {
        Self::from(Refusal::new("request-invalid", 400, text, text_en).at(pointer))
    }

    /// The status as axum knows it.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The response.
    #[must_use]
    pub fn response(self) -> Response<Body> {
        let mut body = body(&self.refusal, self.status());
        if let (Some((name, value)), Some(map)) = (&self.more, body.as_object_mut()) {
            map.insert((*name).to_owned(), value.clone());
        }
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = self.status();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        self.stamp(&mut response);
        response
    }

    /// Puts the headers and the code word on a response made elsewhere (a partner's own format).
    pub fn stamp(self, response: &mut Response<Body>) {
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response.extensions_mut().insert(Code(self.refusal.code));
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let headers = if refusal.status == 503 { vec![(header::RETRY_AFTER, HeaderValue::from_static("2"))] } else { Vec::new() };
        Self { refusal: Box::new(refusal), headers, more: None }
    }
}

impl axum::response::IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        self.response()
    }
}

// === the body ===

fn body(refusal: &Refusal, status: StatusCode) -> Value {
    let errors: Vec<Value> = refusal.faults.iter().map(place).collect();
    let mut body = json!({
        "type": format!("urn:lienthong:problem:{}", refusal.code),
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": refusal.text,
        "detail_en": refusal.text_en,
        "code": refusal.code,
    });
    if let (false, Some(map)) = (errors.is_empty(), body.as_object_mut()) {
        map.insert("errors".into(), errors.into());
    }
    body
}

fn place(fault: &Fault) -> Value {
    json!({ "pointer": fault.pointer, "detail": fault.text, "detail_en": fault.text_en })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_where_in_both_languages() {
        let refusal = Refusal::new("procedure-unknown", 422, "Không có.", "Not there.").at("/procedure");
        let value = body(&refusal, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(value["type"], "urn:lienthong:problem:procedure-unknown");
        assert_eq!((value["status"].as_u64(), value["code"].as_str()), (Some(422), Some("procedure-unknown")));
        assert_eq!(value["errors"][0]["pointer"], "/procedure");
        assert_eq!((value["detail"].as_str(), value["detail_en"].as_str()), (Some("Không có."), Some("Not there.")));
    }

    #[test]
    fn reduced_capacity_says_when_to_come_again() {
        let response = Problem::overloaded().response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers().get("retry-after").unwrap(), "2");
        assert_eq!(response.headers().get("content-type").unwrap(), "application/problem+json");
    }
}
