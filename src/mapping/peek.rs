//! Single values out of a wire without a mapping: what reply judges, `about` and sign-in tokens look at.
//!
//! Places: JSON pointer `/a/0/b`; `Root/Child/@attr` by local names under the envelope's body for XML; a field's name for forms.
//! The whole document is checked as the strict readers check it; only the asked values are kept.

use super::api::{Envelope, Format};
use super::fault::WireFault;
use super::json::{Json, Keys, Kind};
use super::slip::{Lexed, Slip, lossy_fault, utf8};
use super::soap;
use super::xml::{Event, Xml};
use super::xml_chars::is_blank;

/// A value as it stands on the wire: the number 0 and the text "0" are kept apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// Text.
    Text(String),
    /// A JSON number, as its literal token.
    Number(String),
    /// true or false.
    Bool(bool),
    /// JSON null.
    Null,
    /// An object, or an element with children.
    Object,
    /// An array.
    Array,
}

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peeked {
    /// The value at each place asked for, in their order; of several at one place (repeated elements) the first.
    pub values: Vec<Option<Scalar>>,
    /// The SOAP fault, when the body is one.
    pub fault: Option<SoapFault>,
}

/// A SOAP fault as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoapFault {
    /// `Client`, `Server`, `MustUnderstand` or `VersionMismatch`, whatever the SOAP version calls it.
    pub code: String,
    /// Their own sentence.
    pub text: String,
}

/// The values at `places`; refused when the document is not well-formed as the strict readers see it.
pub fn peek(format: Format, envelope: Envelope, bytes: &[u8], places: &[&str]) -> Result<Peeked, WireFault> {
    let text = if format == Format::Xml { super::xml::decode(bytes) } else { utf8(bytes).map(std::borrow::Cow::Borrowed) };
    let text = text.map_err(|slip| lossy_fault(slip, bytes))?;
    let mut peeked = Peeked { values: vec![None; places.len()], fault: None };
    let result = match format {
        Format::Json => json(&text, places, &mut peeked),
        Format::Xml => xml(&text, envelope, places, &mut peeked),
        Format::Form => form(&text, places, &mut peeked),
    };
    result.map(|()| peeked).map_err(|slip| slip.into_fault(&text))
}

// === impl Scalar ===

impl Scalar {
    /// The text of a text, number or boolean.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text),
            Self::Bool(true) => Some("true"),
            Self::Bool(false) => Some("false"),
            Self::Null | Self::Object | Self::Array => None,
        }
    }
}

// === impl Peeked ===

impl Peeked {
    /// Keeps a value wherever it is asked for; the first one counts.
    fn keep(&mut self, places: &[&str], at: &str, value: impl Fn() -> Scalar) {
        for (place, kept) in places.iter().zip(&mut self.values) {
            if *place == at && kept.is_none() {
                *kept = Some(value());
            }
        }
    }
}

// --- JSON

fn json(text: &str, places: &[&str], peeked: &mut Peeked) -> Lexed<()> {
    let mut json = Json::new(text);
    let mut at = String::new();
    json_value(&mut json, &mut at, places, peeked)?;
    json.end()
}

fn json_value(json: &mut Json<'_>, at: &mut String, places: &[&str], peeked: &mut Peeked) -> Lexed<()> {
    // Nothing asked for at or below this place: only checked.
    if !places.iter().any(|p| p.strip_prefix(at.as_str()).is_some_and(|r| r.is_empty() || r.starts_with('/'))) {
        return json.skip();
    }
    let kind = json.kind()?;
    let length = at.len();
    match kind {
        Kind::Text if places.contains(&at.as_str()) => {
            let text = json.text()?;
            peeked.keep(places, at, || Scalar::Text(text.to_string()));
        }
        Kind::Number => {
            let number = json.number()?;
            peeked.keep(places, at, || Scalar::Number(number.to_owned()));
        }
        Kind::True | Kind::False => {
            json.word()?;
            peeked.keep(places, at, || Scalar::Bool(kind == Kind::True));
        }
        Kind::Null => {
            json.word()?;
            peeked.keep(places, at, || Scalar::Null);
        }
        Kind::Text => json.skip()?,
        Kind::Object => {
            peeked.keep(places, at, || Scalar::Object);
            json.open()?;
            let mut keys = Keys::default();
            let mut first = true;
            while let Some((key, offset)) = json.key(first)? {
                first = false;
                at.push('/');
                at.push_str(&key.replace('~', "~0").replace('/', "~1"));
                keys.add(key, offset)?;
                json_value(json, at, places, peeked)?;
                at.truncate(length);
            }
        }
        Kind::Array => {
            peeked.keep(places, at, || Scalar::Array);
            json.open()?;
            let mut index = 0;
            while json.item(index == 0)? {
                at.push_str(&format!("/{index}"));
                json_value(json, at, places, peeked)?;
                at.truncate(length);
                index += 1;
            }
        }
    }
    Ok(())
}

// --- XML

fn xml(text: &str, envelope: Envelope, places: &[&str], peeked: &mut Peeked) -> Lexed<()> {
    let mut xml = Xml::new(text);
    xml.long_text = true;
    soap::enter(&mut xml, envelope)?;
    let name = soap::start(&mut xml)?;
    if envelope.ns().is_some_and(|ns| name.ns == ns) && name.local == "Fault" {
        peeked.fault = Some(soap_fault(&mut xml)?);
    } else {
        let mut at = name.local.to_owned();
        element(&mut xml, &mut at, places, peeked)?;
    }
    soap::leave(&mut xml, envelope)
}

fn element(xml: &mut Xml<'_>, at: &mut String, places: &[&str], peeked: &mut Peeked) -> Lexed<()> {
    let length = at.len();
    for attribute in xml.attributes().to_vec() {
        let place = format!("{at}/@{}", attribute.name.local);
        peeked.keep(places, &place, || Scalar::Text(attribute.value.to_string()));
    }
    let wanted = places.contains(&at.as_str());
    let (mut text, mut children) = (String::new(), false);
    loop {
        match xml.next()? {
            Event::Start(name) => {
                children = true;
                at.push('/');
                at.push_str(name.local);
                element(xml, at, places, peeked)?;
                at.truncate(length);
            }
            Event::Text(piece) if wanted && text.len() < super::slip::MAX_TEXT => text.push_str(&piece),
            Event::Text(_) => {}
            Event::End | Event::Eof => break,
        }
    }
    if wanted {
        let is_object = children && text.chars().all(is_blank);
        peeked.keep(places, at, || if is_object { Scalar::Object } else { Scalar::Text(text.clone()) });
    }
    Ok(())
}

/// Code and text of a fault: `faultcode`/`faultstring`, or `Code/Value` and `Reason/Text`.
fn soap_fault(xml: &mut Xml<'_>) -> Lexed<SoapFault> {
    let places = ["Fault/faultcode", "Fault/faultstring", "Fault/Code/Value", "Fault/Reason/Text"];
    let mut peeked = Peeked { values: vec![None; places.len()], fault: None };
    let at = xml.last();
    element(xml, &mut "Fault".to_owned(), &places, &mut peeked)?;
    let text = |n: usize| peeked.values.get(n).and_then(Option::as_ref).and_then(Scalar::text).map(str::to_owned);
    let Some(code) = text(0).or_else(|| text(2)) else {
        return Err(Slip::new(at, super::fault::FaultKind::Missing, "faultcode", "faultcode"));
    };
    let local = code.trim_matches(is_blank).rsplit(':').next().unwrap_or("");
    // `Client.Authentication` is a kind of `Client`.
    let code = match local.split('.').next().unwrap_or("") {
        "Sender" => "Client",
        "Receiver" => "Server",
        other => other,
    };
    Ok(SoapFault { code: code.to_owned(), text: text(1).or_else(|| text(3)).unwrap_or_default() })
}

// --- form

fn form(text: &str, places: &[&str], peeked: &mut Peeked) -> Lexed<()> {
    for field in super::form::decode(text)? {
        peeked.keep(places, &field.name, || Scalar::Text(field.value.to_string()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{FaultCode, FaultKind};

    fn values(format: Format, envelope: Envelope, text: &str, places: &[&str]) -> Vec<Option<Scalar>> {
        peek(format, envelope, text.as_bytes(), places).unwrap().values
    }

    #[test]
    fn json_values_keep_their_type() {
        let text = r#"{"a":0,"b":"0","c":{"d":[true,null,{"x/y":"z"}]},"e":[]}"#;
        let got = values(
            Format::Json,
            Envelope::None,
            text,
            &["/a", "/b", "/c", "/c/d/0", "/c/d/1", "/c/d/2/x~1y", "/c/d/3", "/e", "/e/0", ""],
        );
        let text = |t: &str| Some(Scalar::Text(t.into()));
        assert_eq!(
            got,
            [
                Some(Scalar::Number("0".into())),
                text("0"),
                Some(Scalar::Object),
                Some(Scalar::Bool(true)),
                Some(Scalar::Null),
                text("z"),
                None,
                Some(Scalar::Array),
                None,
                Some(Scalar::Object)
            ]
        );
        assert_eq!(
            peek(Format::Json, Envelope::None, b"{\"a\":1,\"z\":{\"b\":1,\"b\":2}}", &["/a"]).unwrap_err().kind,
            FaultKind::Duplicate
        );
    }

    #[test]
    fn xml_values_are_found_by_local_names_under_the_body() {
        let text = "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Header><x/></s:Header><s:Body><p:R xmlns:p='u' p:k='v'><p:A> 0 </p:A><p:A>1</p:A><B><C/></B></p:R></s:Body></s:Envelope>";
        let got = values(Format::Xml, Envelope::Soap11, text, &["R/A", "R/@k", "R/B", "R/B/C", "R/D"]);
        assert_eq!(
            got,
            [
                Some(Scalar::Text(" 0 ".into())),
                Some(Scalar::Text("v".into())),
                Some(Scalar::Object),
                Some(Scalar::Text(String::new())),
                None
            ]
        );
    }

    #[test]
    fn a_soap_fault_is_read_in_both_versions() {
        for envelope in [Envelope::Soap11, Envelope::Soap12] {
            for (code, word) in [(FaultCode::Client, "Client"), (FaultCode::Server, "Server")] {
                let bytes = crate::mapping::soap_fault(envelope, code, "Sai <dữ liệu>");
                let fault = peek(Format::Xml, envelope, &bytes, &["R/A"]).unwrap().fault.unwrap();
                assert_eq!((fault.code.as_str(), fault.text.as_str()), (word, "Sai <dữ liệu>"));
            }
        }
    }

    #[test]
    fn a_mandatory_header_and_another_version_are_faults_of_their_own() {
        let ns = "http://schemas.xmlsoap.org/soap/envelope/";
        let must = format!(
            "<s:Envelope xmlns:s='{ns}'><s:Header><x s:mustUnderstand='1'/></s:Header><s:Body><a/></s:Body></s:Envelope>"
        );
        assert_eq!(peek(Format::Xml, Envelope::Soap11, must.as_bytes(), &[]).unwrap_err().kind, FaultKind::MustUnderstand);
        let other = format!("<s:Envelope xmlns:s='{ns}'><s:Body><a/></s:Body></s:Envelope>");
        assert_eq!(peek(Format::Xml, Envelope::Soap12, other.as_bytes(), &[]).unwrap_err().kind, FaultKind::Namespace);
        let two = format!("<s:Envelope xmlns:s='{ns}'><s:Body><a/><b/></s:Body></s:Envelope>");
        assert_eq!(peek(Format::Xml, Envelope::Soap11, two.as_bytes(), &[]).unwrap_err().kind, FaultKind::Unknown);
    }

    #[test]
    fn form_values_are_found_by_name() {
        assert_eq!(values(Format::Form, Envelope::None, "a=1&b=x+y", &["b", "c"]), [Some(Scalar::Text("x y".into())), None]);
    }
}
