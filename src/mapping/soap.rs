//! SOAP 1.1 and 1.2: the envelope around a body's single element, faults in and out. No WS-* header is understood.

use super::api::Envelope;
use super::fault::{FaultKind, Found, short};
use super::slip::{Lexed, Slip};
use super::xml::{Event, Name, Ns, Xml};

/// The namespace of SOAP 1.1.
pub(crate) const SOAP11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// The namespace of SOAP 1.2.
pub(crate) const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";

/// Whose mistake a SOAP fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultCode {
    /// The sender's: it will not help to send the same again.
    Client,
    /// Ours: it may be sent again.
    Server,
    /// A header that must be understood is not.
    MustUnderstand,
    /// The envelope is of another SOAP version.
    VersionMismatch,
}

// === impl Envelope ===

impl Envelope {
    /// Its namespace as the reader numbers it.
    pub(crate) fn ns(self) -> Option<Ns> {
        match self {
            Self::None => None,
            Self::Soap11 => Some(Ns::SOAP11),
            Self::Soap12 => Some(Ns::SOAP12),
        }
    }

    pub(crate) fn namespace(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Soap11 => Some(SOAP11),
            Self::Soap12 => Some(SOAP12),
        }
    }
}

/// A SOAP fault as a whole document, `text` told to people.
#[must_use]
pub fn soap_fault(envelope: Envelope, code: FaultCode, text: &str) -> Vec<u8> {
    let mut escaped = Vec::new();
    super::write::escape_text(text, &mut escaped);
    let text = String::from_utf8_lossy(&escaped);
    let word = match (envelope, code) {
        (Envelope::Soap12, FaultCode::Client) => "Sender",
        (Envelope::Soap12, FaultCode::Server) => "Receiver",
        (_, FaultCode::Client) => "Client",
        (_, FaultCode::Server) => "Server",
        (_, FaultCode::MustUnderstand) => "MustUnderstand",
        (_, FaultCode::VersionMismatch) => "VersionMismatch",
    };
    let ns = envelope.namespace().unwrap_or(SOAP11);
    let inside = if envelope == Envelope::Soap12 {
        format!(
            "<soap:Code><soap:Value>soap:{word}</soap:Value></soap:Code><soap:Reason><soap:Text xml:lang=\"vi\">{text}</soap:Text></soap:Reason>"
        )
    } else {
        format!("<faultcode>soap:{word}</faultcode><faultstring xml:lang=\"vi\">{text}</faultstring>")
    };
    format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope xmlns:soap=\"{ns}\"><soap:Body><soap:Fault>{inside}</soap:Fault></soap:Body></soap:Envelope>").into_bytes()
}

/// The next start tag; anything else is a slip.
pub(crate) fn start<'a>(xml: &mut Xml<'a>) -> Lexed<Name<'a>> {
    next_start(xml)?.ok_or_else(|| Slip::found(xml.last(), FaultKind::Missing, "một phần tử", "an element", Found::Nothing))
}

/// The next start tag inside the open element, or its end.
fn next_start<'a>(xml: &mut Xml<'a>) -> Lexed<Option<Name<'a>>> {
    loop {
        match xml.next()? {
            Event::Start(name) => return Ok(Some(name)),
            Event::End | Event::Eof => return Ok(None),
            Event::Text(text) if text.chars().all(super::xml_chars::is_blank) => {}
            Event::Text(_) => return Err(Slip::new(xml.last(), FaultKind::Type, "không có văn bản ở đây", "no text here")),
        }
    }
}

/// Reads up to the inside of the body.
pub(crate) fn enter(xml: &mut Xml<'_>, envelope: Envelope) -> Lexed<()> {
    let Some(ns) = envelope.ns() else { return Ok(()) };
    let name = start(xml)?;
    expect(xml, &name, ns, "Envelope")?;
    let mut name = start(xml)?;
    if name.local == "Header" && name.ns == ns {
        header(xml, ns)?;
        name = start(xml)?;
    }
    expect(xml, &name, ns, "Body")
}

fn expect(xml: &Xml<'_>, name: &Name<'_>, ns: Ns, local: &str) -> Lexed<()> {
    if name.local == local && name.ns == ns {
        return Ok(());
    }
    let kind = if name.local == local { FaultKind::Namespace } else { FaultKind::Unknown };
    let want = xml.clark(&Name { ns, local });
    Err(Slip::found(xml.last(), kind, want.clone(), want, Found::Name(short(&xml.clark(name)))))
}

/// No header is understood; one that must be is a fault of its own.
fn header(xml: &mut Xml<'_>, ns: Ns) -> Lexed<()> {
    while let Some(name) = next_start(xml)? {
        let must = xml
            .attributes()
            .iter()
            .any(|a| a.name.local == "mustUnderstand" && a.name.ns == ns && matches!(&*a.value, "1" | "true"));
        if must {
            let found = Found::Name(short(name.local));
            return Err(Slip::found(
                xml.last(),
                FaultKind::MustUnderstand,
                "không có tiêu đề bắt buộc hiểu",
                "no header that must be understood",
                found,
            ));
        }
        xml.skip()?;
    }
    Ok(())
}

/// Reads from after the body's element to the end of the document.
pub(crate) fn leave(xml: &mut Xml<'_>, envelope: Envelope) -> Lexed<()> {
    if envelope != Envelope::None {
        for _ in 0..2 {
            if let Some(name) = next_start(xml)? {
                return Err(Slip::found(
                    xml.last(),
                    FaultKind::Unknown,
                    "một phần tử trong Body",
                    "a single element in the Body",
                    Found::Name(short(name.local)),
                ));
            }
        }
    }
    match xml.next()? {
        Event::Eof => Ok(()),
        _ => Err(Slip::syntax(xml.last(), "hết văn bản", "the end of the document")),
    }
}
