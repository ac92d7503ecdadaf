//! The running gateway's own API, as an operator's commands use it. Thin: it asks, and turns refusals into sentences that help.

use super::Failed;
use crate::config::{Env as _, ProcessEnv};
use serde_json::{Value, json};
use std::time::Duration;

/// How long a file may take.
const LONG: Duration = Duration::from_secs(300);

const DEFAULT: &str = "http://127.0.0.1:8081";

/// Where the gateway is and who asks; the same for every command that speaks to it, before and after its own subcommand.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Reach {
    /// The gateway's operators' address (`admin` in gateway.toml) [default: LIENTHONG_ADMIN, else http://127.0.0.1:8081].
    #[arg(long, global = true, value_name = "URL")]
    admin: Option<String>,
    /// An operator's token [default: LIENTHONG_TOKEN].
    #[arg(long, global = true, value_name = "TOKEN")]
    token: Option<String>,
}

/// The gateway, to be asked.
#[derive(Clone)]
pub(super) struct Remote {
    base: String,
    token: String,
    client: reqwest::Client,
}

// === impl Remote ===

impl Remote {
    /// Makes ready to ask; nothing is sent yet.
    pub(super) fn new(arguments: &Reach) -> Result<Self, Failed> {
        let given = |own: &Option<String>, name: &str| own.clone().or_else(|| ProcessEnv.get(name));
        let base = given(&arguments.admin, "LIENTHONG_ADMIN").unwrap_or_else(|| DEFAULT.to_owned());
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(Failed::because(format!("`{base}` is no address of a gateway: it must be a URL such as {DEFAULT}")));
        }
        let token = given(&arguments.token, "LIENTHONG_TOKEN").ok_or_else(|| {
            Failed::because(
                "no token: give an operator's with --token or in LIENTHONG_TOKEN\n  (the word behind token_sha256 of a caller with the role `operator` in callers.toml)",
            )
        })?;
        Self::at(base.trim_end_matches('/').to_owned(), token)
    }

    /// A gateway whose address and operator's token are known.
    pub(super) fn at(base: String, token: String) -> Result<Self, Failed> {
        // The client wants a TLS provider even for plain HTTP.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(30))
            .build()
            .map_err(|e| Failed::because(format!("no HTTP client can be made: {e}")))?;
        Ok(Self { base, token, client })
    }

    /// Asks.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Failed> {
        self.answer(self.client.get(format!("{}{path}", self.base))).await
    }

    /// Tells to do something.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, Failed> {
        let request = self.client.post(format!("{}{path}", self.base));
        self.answer(request.header("content-type", "application/json").body(body.to_string())).await
    }

    /// Hands a file in; a long one is worked on for a while.
    pub(super) async fn send(&self, path: &str, media: &str, bytes: Vec<u8>) -> Result<Value, Failed> {
        let request = self.client.post(format!("{}{path}", self.base)).timeout(LONG);
        self.answer(request.header("content-type", media).body(bytes)).await
    }

    /// Fetches a file.
    pub(super) async fn fetch(&self, path: &str) -> Result<Vec<u8>, Failed> {
        self.bytes(self.client.get(format!("{}{path}", self.base)).timeout(LONG)).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value, Failed> {
        Ok(serde_json::from_slice(&self.bytes(request).await?).unwrap_or(Value::Null))
    }

    async fn bytes(&self, request: reqwest::RequestBuilder) -> Result<Vec<u8>, Failed> {
        let sent = request.bearer_auth(&self.token).send().await;
        let answer = sent.map_err(|e| self.unreachable(&e))?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(|e| self.unreachable(&e))?;
        if status.is_success() {
            return Ok(body.to_vec());
        }
        Err(self.refused(status.as_u16(), &serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failed {
        let base = &self.base;
        Failed::because(if error.is_connect() {
            format!(
                "no gateway answers at {base}\n  start one with `lienthong serve`, or name its operators' address with --admin URL or LIENTHONG_ADMIN"
            )
        } else if error.is_timeout() {
            format!("the gateway at {base} did not answer in time; look at its log")
        } else {
            format!("the call to {base} failed: {error}")
        })
    }

    fn refused(&self, status: u16, problem: &Value) -> Failed {
        let text = |name: &str| problem.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
        // In both languages: who reads it is an operator, who may send it on to a developer.
        let said = [text("detail").or_else(|| text("title")), text("detail_en").or_else(|| text("title_en"))];
        let said: Vec<&str> = said.into_iter().flatten().collect();
        let said = if said.is_empty() { format!("HTTP {status}") } else { format!("{} (HTTP {status})", said.join("\n  ")) };
        let help = match status {
            401 => "\n  the token is not known there: give an operator's with --token or LIENTHONG_TOKEN",
            403 => "\n  this token's caller may not do that: its roles stand in callers.toml",
            404 => "\n  is the number or code right, and is --admin the operators' address?",
            429 | 503 => "\n  try again shortly",
            _ => "",
        };
        // Places that are wrong, one a line: of a file they are its lines.
        let errors = problem.get("errors").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let place = |e: &Value, name: &str| {
            e.get(name)
                .and_then(Value::as_str)
                .filter(|t| Some(*t) != text(name))
                .map_or_else(String::new, |t| format!("\n  {t}"))
        };
        let places: String = errors.iter().map(|e| place(e, "detail") + &place(e, "detail_en")).collect();
        let report = text("report").map_or_else(String::new, |r| format!("\n\n{}", r.trim_end()));
        Failed::because(format!("the gateway refused: {said}{places}{help}{report}"))
    }
}

// === functions ===

/// The list under a name, or the answer itself when it is one.
pub(super) fn list<'v>(answer: &'v Value, name: &str) -> &'v [Value] {
    answer.get(name).unwrap_or(answer).as_array().map_or(&[], Vec::as_slice)
}

/// A value's text: texts as they are, nothing for null, else its JSON.
pub(super) fn text(of: &Value, name: &str) -> String {
    match of.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A value as a number.
pub(super) fn number(of: &Value, name: &str) -> u64 {
    of.get(name).and_then(Value::as_u64).unwrap_or(0)
}

/// A time: milliseconds since the epoch or RFC 3339.
pub(super) fn time(of: &Value, name: &str) -> Option<crate::clock::Time> {
    match of.get(name)? {
        Value::Number(ms) => ms.as_i64().map(crate::clock::Time),
        Value::String(text) => crate::clock::Time::parse(text),
        _ => None,
    }
}

/// A path segment: everything but plain characters escaped.
pub(super) fn segment(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, b| {
        if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
        out
    })
}

/// What another set would write otherwise, asked until all deliveries have been compared: the gateway answers so many at once.
pub(super) async fn compared(remote: &Remote, mut asked: Value) -> Result<Value, Failed> {
    let (mut rows, mut compared, mut instead, mut gone) = (Vec::new(), 0, 0, 0);
    loop {
        let answer = remote.post("/v1/adapters/compare", &asked).await?;
        compared += number(&answer, "compared");
        instead += number(&answer, "instead");
        gone += number(&answer, "gone");
        rows.extend(list(&answer, "deliveries").iter().cloned());
        let Some((next, body)) = answer.get("next").and_then(Value::as_u64).zip(asked.as_object_mut()) else { break };
        body.insert("after".to_owned(), next.into());
    }
    Ok(json!({ "compared": compared, "differ": rows.len(), "instead": instead, "gone": gone, "deliveries": rows }))
}
