//! What the caller gets: receipts, answers and refusals through the route's own mappings; a SOAP fault where the route says so; else JSON.
//!
//! The HTTP status of a refusal: what failed at the door (sign-in, limits, size) keeps its own. A refusal of content has its own where the
//! partner's refusal carries a status; where it does not, the wire says no in its own words and HTTP says 200.

use super::Intake;
use crate::body::{Map, Value, json};
use crate::catalogue::{InRoute, Partner, SOAP_FAULT, keeps_its_word};
use crate::exchange::{Fault, Refusal};
use crate::mapping::{Context, Mapping, NoContents};

/// What goes out.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Media type, with its charset.
    pub media: &'static str,
    /// The body.
    pub bytes: Vec<u8>,
    /// The refusal it tells, without places: for the log and the counters.
    pub refused: Option<&'static str>,
    /// The dossier it is about.
    pub dossier: Option<String>,
    /// The wait that was honoured, whole seconds.
    pub waited: Option<u64>,
}

/// How deep a refused message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Not past the door: sign-in, limits, size, our own strength.
    Door,
    /// It could not be read.
    Broken,
    /// It was read and is refused for what it says.
    Refused,
}

// === impl Reply ===

impl Reply {
    fn json(status: u16, body: &Value) -> Self {
        let media = "application/json; charset=utf-8";
        Self { status, media, bytes: body.written(256), refused: None, dossier: None, waited: None }
    }

    fn wire(status: u16, map: &Mapping, bytes: Vec<u8>) -> Self {
        let media = match map.format().media_type(map.envelope()) {
            "application/json" => "application/json; charset=utf-8",
            "text/xml" => "text/xml; charset=utf-8",
            "application/xml" => "application/xml; charset=utf-8",
            "application/soap+xml" => "application/soap+xml; charset=utf-8",
            other => other,
        };
        Self { status, media, bytes, refused: None, dossier: None, waited: None }
    }
}

// === impl Intake ===

impl Intake {
    /// An answer through the mapping that the route names at `key` of its `reply`; canonical JSON where it names none. `Err`: it cannot be
    /// written.
    pub fn answer(
        &self,
        partner: &Partner,
        (route, key): (&InRoute, &str),
        bodies: &[&Value],
        status: u16,
    ) -> Result<Reply, Refusal> {
        let Some(name) = route.replies.of(key) else {
            return Ok(Reply::json(status, bodies.first().copied().unwrap_or(&Value::Null)));
        };
        let map = partner.map(name).ok_or_else(broken_adapter)?;
        debug_assert!(
            bodies.iter().all(|body| keeps_its_word(partner, route, key, map, body)),
            "`{key}` as `catalogue::made` promises it"
        );
        let bytes = map.write_batch(bodies, &context(partner), &NoContents, None).map_err(|fault| {
            tracing::error!(partner = %partner.name, map = name, %fault, "an answer cannot be written");
            broken_adapter()
        })?;
        Ok(Reply::wire(status, map, bytes))
    }

    /// A refusal in the route's own format. Never fails: what cannot be written goes out as JSON.
    #[must_use]
    pub fn refuse(&self, partner: &Partner, route: &InRoute, refusal: &Refusal, level: Level) -> Reply {
        let replies = &route.replies;
        let (first, second) = match level {
            Level::Refused => (&replies.refused, &replies.broken),
            Level::Broken => (&replies.broken, &replies.refused),
            // A fault is the envelope's own word for "not past the door"; otherwise the refusal.
            Level::Door if replies.broken.as_deref() == Some(SOAP_FAULT) => (&replies.broken, &replies.refused),
            Level::Door => (&replies.refused, &replies.broken),
        };
        let chosen = first.as_deref().or(second.as_deref());
        let mut reply = match chosen {
            Some(SOAP_FAULT) => soap_fault(refusal, level),
            Some(name) => mapped(partner, name, refusal, level).unwrap_or_else(|| plain(refusal)),
            None => plain(refusal),
        };
        reply.refused = Some(refusal.code);
        reply
    }
}

/// What a mapping of an answer may know besides the body.
fn context(partner: &Partner) -> Context {
    let mut context = Context::new().with("to.code", partner.name.as_str()).with("to.name", partner.title.as_str());
    for (name, value) in &partner.values {
        context.set(format!("partner.{name}"), value.as_str());
    }
    context
}

fn mapped(partner: &Partner, name: &str, refusal: &Refusal, level: Level) -> Option<Reply> {
    let map = partner.map(name)?;
    let write = |body: &Value| map.write(body, &context(partner), &NoContents, None);
    let bytes = write(&body(refusal, map.message(), refusal.status))
        .map_err(|fault| tracing::error!(partner = %partner.name, map = name, %fault, "a refusal cannot be written"))
        .ok()?;
    // A wire that carries the status reads differently for another one.
    let other = if refusal.status == 400 { 422 } else { 400 };
    let in_band = write(&body(refusal, map.message(), other)).is_ok_and(|b| b == bytes);
    let status = if in_band && level != Level::Door { 200 } else { refusal.status };
    Some(Reply::wire(status, map, bytes))
}

/// The canonical refusal, or the receipt that refuses, as the mapping wants it.
fn body(refusal: &Refusal, message: &str, status: u16) -> Value {
    if message == "receipt" {
        let (note, note_en) = (told(refusal, false), told(refusal, true));
        return json!({ "outcome": "refused", "reason": refusal.code, "note": note, "note_en": note_en });
    }
    let faults: Vec<Value> = refusal.faults.iter().map(fault).collect();
    json!({
        "status": status,
        "reason": refusal.code,
        "text": told(refusal, false),
        "text_en": told(refusal, true),
        "faults": faults,
    })
}

fn fault(fault: &Fault) -> Value {
    let mut map = Map::new();
    if !fault.pointer.is_empty() {
        map.insert("pointer", fault.pointer.clone().into());
    }
    map.insert("text", fault.text.clone().into());
    map.insert("text_en", fault.text_en.clone().into());
    map.into()
}

/// The sentence with its first places: some wires carry nothing else.
pub(super) fn told(refusal: &Refusal, english: bool) -> String {
    let own = if english { &refusal.text_en } else { &refusal.text };
    let places: Vec<&str> = refusal
        .faults
        .iter()
        .map(|f| if english { &f.text_en } else { &f.text })
        .filter(|t| *t != own)
        .map(String::as_str)
        .collect();
    if places.is_empty() {
        return own.clone();
    }
    let shown = places.iter().take(3).copied().collect::<Vec<_>>().join("; ");
    let more = if places.len() > 3 { "; …" } else { "" };
    format!("{}: {shown}{more}", own.trim_end_matches('.')).chars().take(2000).collect()
}

fn plain(refusal: &Refusal) -> Reply {
    Reply::json(refusal.status, &body(refusal, "refusal", refusal.status))
}

/// A SOAP 1.1 fault. HTTP says 500 as SOAP wants it, except for what failed at the door.
fn soap_fault(refusal: &Refusal, level: Level) -> Reply {
    // SOAP 1.1: Client means "do not send this again as it is"; what was only too much may be sent again.
    let side = if refusal.status >= 500 || refusal.status == 429 { "Server" } else { "Client" };
    let places: String = refusal
        .faults
        .iter()
        .map(|f| {
            format!(
                "<fault><pointer>{}</pointer><text>{}</text><text_en>{}</text_en></fault>",
                xml(&f.pointer),
                xml(&f.text),
                xml(&f.text_en)
            )
        })
        .collect();
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body><soap:Fault>\
         <faultcode>soap:{side}</faultcode><faultstring xml:lang=\"vi\">{}</faultstring>\
         <detail><refusal xmlns=\"urn:lienthong:refusal\"><code>{}</code><text_en>{}</text_en>{places}</refusal></detail>\
         </soap:Fault></soap:Body></soap:Envelope>",
        xml(&told(refusal, false)),
        xml(refusal.code),
        xml(&refusal.text_en),
    );
    let status = if level == Level::Door { refusal.status } else { 500 };
    Reply { status, media: "text/xml; charset=utf-8", bytes: text.into_bytes(), refused: None, dossier: None, waited: None }
}

/// Text as XML carries it; what XML cannot carry becomes `?`.
fn xml(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push('?'),
            c => out.push(c),
        }
        out
    })
}

/// Our own data is at fault: the caller is not.
pub(super) fn broken_adapter() -> Refusal {
    Refusal::new(
        "internal",
        500,
        "Hệ thống gặp lỗi khi xử lý; đơn vị vận hành đã được báo.",
        "The gateway failed; its operators are told.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_soap_fault_is_well_formed_whatever_a_name_holds() {
        let refusal = Refusal::new("message-broken", 400, "Sai <&\u{1}>", "Wrong <&>").at("/a<b>");
        let reply = soap_fault(&refusal, Level::Broken);
        assert_eq!(reply.status, 500);
        let text = String::from_utf8(reply.bytes).unwrap();
        let doc = roxmltree::Document::parse(&text).unwrap();
        let find = |name: &str| doc.descendants().find(|n| n.tag_name().name() == name).and_then(|n| n.text()).unwrap();
        assert_eq!(find("faultcode"), "soap:Client");
        assert_eq!((find("code"), find("pointer")), ("message-broken", "/a<b>"));
        assert_eq!(soap_fault(&refusal, Level::Door).status, 400);
    }

    #[test]
    fn the_sentence_names_the_first_places() {
        let mut refusal = Refusal::new("x", 422, "Sai.", "Wrong.");
        for n in 1..=4 {
            let (text, text_en) = (format!("chỗ {n}"), format!("place {n}"));
            refusal.faults.push(Fault { pointer: format!("/{n}"), text, text_en });
        }
        assert_eq!(told(&refusal, true), "Wrong: place 1; place 2; place 3; …");
        assert_eq!(told(&Refusal::new("x", 422, "Sai.", "Wrong.").at("/a"), false), "Sai.");
    }
}
