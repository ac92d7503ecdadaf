//! Whether a document is well-formed as the gateway reads it: the strict readers alone, without a mapping.
//!
//! Always: a refusal has the same place, expectation and words as at the door. What only a mapping can know is left out: which texts are
//! contents (a text may be of any length here; fields are bounded by 64 KiB at the door), names, types, order.

use super::api::Format;
use super::fault::WireFault;
use super::form;
use super::json::{Json, Keys, Kind};
use super::slip::{Lexed, lossy_fault, utf8};
use super::xml::{self, Event, Xml};
use std::borrow::Cow;

/// Names on the way from the root to where reading stands.
#[derive(Default)]
struct Way {
    steps: Vec<Box<str>>,
}

/// Reads a whole document, keeping nothing. The first refusal ends it: what follows a broken place cannot be judged.
pub fn lint(bytes: &[u8], format: Format) -> Result<(), WireFault> {
    let text = if format == Format::Xml { xml::decode(bytes) } else { utf8(bytes).map(Cow::Borrowed) };
    let text = text.map_err(|slip| lossy_fault(slip, bytes))?;
    let mut way = Way::default();
    let read = match format {
        Format::Xml => elements(&text, &mut way),
        Format::Json => values(&text, &mut way),
        Format::Form => form::decode(&text).map(|_| ()),
    };
    read.map_err(|slip| slip.under(|| way.pointer(format)).into_fault(&text))
}

// === impl Way ===

impl Way {
    /// As a mapping names the place: `Root/Child` for XML, `/a/0/b` for JSON.
    fn pointer(&self, format: Format) -> String {
        match format {
            Format::Xml => self.steps.join("/"),
            _ => self.steps.iter().map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1"))).collect(),
        }
    }
}

// === functions ===

fn elements(text: &str, way: &mut Way) -> Lexed<()> {
    let mut xml = Xml::new(text);
    xml.long_text = true;
    loop {
        match xml.next()? {
            Event::Start(name) => way.steps.push(name.local.into()),
            Event::End => drop(way.steps.pop()),
            Event::Text(_) => {}
            Event::Eof => return Ok(()),
        }
    }
}

fn values(text: &str, way: &mut Way) -> Lexed<()> {
    let mut json = Json::new(text);
    value(&mut json, way)?;
    json.end()
}

/// A refusal leaves the way as it stood; a good value leaves it as it was.
fn value(json: &mut Json<'_>, way: &mut Way) -> Lexed<()> {
    match json.kind()? {
        Kind::Array => {
            json.open()?;
            let mut index = 0_usize;
            while json.item(index == 0)? {
                way.steps.push(index.to_string().into());
                value(json, way)?;
                way.steps.pop();
                index += 1;
            }
            Ok(())
        }
        Kind::Object => {
            json.open()?;
            let mut keys = Keys::default();
            let mut first = true;
            while let Some((key, at)) = json.key(first)? {
                first = false;
                way.steps.push(key.as_ref().into());
                keys.add(key, at)?;
                value(json, way)?;
                way.steps.pop();
            }
            Ok(())
        }
        _ => json.skip(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::FaultKind;

    /// A document and where its refusal stands: pointer, line and column, offset, kind.
    type Case = (Format, &'static [u8], &'static str, (u32, u32), usize, FaultKind);

    #[test]
    fn a_refusal_names_its_place_in_every_format() {
        let cases: &[Case] = &[
            (Format::Json, b"{\"a\": [1,\n {\"b/c\": 1, \"b/c\": 2}]}", "/a/1/b~1c", (2, 13), 22, FaultKind::Duplicate),
            (Format::Json, b"{\"a\": [1, 02]}", "/a/1", (1, 11), 10, FaultKind::Syntax),
            (Format::Json, b"[]x", "", (1, 3), 2, FaultKind::Syntax),
            (Format::Json, b"{\"a\": \"\xff\"}", "", (1, 8), 7, FaultKind::Encoding),
            (Format::Xml, b"<a>\n <p:b xmlns:p='u'>&no;</p:b></a>", "a/b", (2, 19), 22, FaultKind::Syntax),
            (Format::Xml, b"<!DOCTYPE a><a/>", "", (1, 1), 0, FaultKind::Dtd),
            (Format::Form, b"a=1&a=2", "", (1, 5), 4, FaultKind::Duplicate),
        ];
        for (format, bytes, pointer, place, offset, kind) in cases {
            let fault = lint(bytes, *format).unwrap_err();
            let shown = String::from_utf8_lossy(bytes);
            assert_eq!((fault.pointer(), fault.kind), (*pointer, *kind), "{shown}");
            assert_eq!((fault.place.line, fault.place.column, fault.place.offset), (place.0, place.1, *offset), "{shown}");
            assert!(!fault.expected.vi.is_empty() && !fault.expected.en.is_empty(), "{shown}");
        }
    }

    #[test]
    fn what_is_well_formed_passes_at_any_length() {
        let long = "x".repeat(200_000);
        assert_eq!(lint(format!("{{\"a\":[\"{long}\"]}}").as_bytes(), Format::Json), Ok(()));
        assert_eq!(lint(format!("<a>{long}</a>").as_bytes(), Format::Xml), Ok(()));
        assert_eq!(lint(b"", Format::Form), Ok(()));
    }
}
