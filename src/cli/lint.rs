//! `lienthong lint`: are these documents well-formed as the gateway reads them? No adapter, no gateway.

use super::wire::shown;
use super::{Failed, screen};
use crate::mapping::{Format, WireFault, lint};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub(super) const ABOUT: &str = "\
Tells whether documents are well-formed as the gateway reads them: the same strict readers as at the door, without a mapping.

XML: namespace-well-formed XML 1.0 (5th edition) without DOCTYPE, in UTF-8 or in UTF-16 by its mark. JSON: RFC 8259 without repeated \
names, at most 64 levels. Form: every name once, everything else escaped. Names and types are not looked at: `lienthong read` does that.";

const EXAMPLES: &str = "\
Examples:
  lienthong lint message.xml other.json    by the file's ending, else by its first character
  curl -s … | lienthong lint - --as xml    from stdin
  lienthong lint *.xml --json              one object a file, for programs

Exit code 0 when all are well-formed, 1 when one is not or cannot be read.";

/// Arguments of `lint`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The documents; `-` is stdin.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What all of them are; left out: by the file's ending, else by its first character.
    #[arg(long = "as", value_enum, value_name = "FORMAT")]
    format: Option<As>,
}

/// The formats by their words on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum As {
    /// XML.
    Xml,
    /// JSON.
    Json,
    /// application/x-www-form-urlencoded.
    Form,
}

/// One document and what was found.
struct Looked {
    file: String,
    format: As,
    text: String,
    fault: Option<WireFault>,
}

/// Runs it.
pub(super) fn run(a: &Arguments, json: bool) -> Result<(), Failed> {
    let looked = a.files.iter().map(|path| look(path, a.format)).collect::<Result<Vec<_>, _>>()?;
    let refused = looked.iter().filter(|l| l.fault.is_some()).count();
    if json {
        screen::json(&json!({ "files": looked.iter().map(Looked::json).collect::<Vec<_>>(), "refused": refused }));
    } else {
        looked.iter().for_each(Looked::show);
    }
    match (refused, looked.len()) {
        (0, _) => Ok(()),
        (_, 1) => Err(Failed::because("the document is not well-formed as the gateway reads it")),
        (n, all) => Err(Failed::because(format!("{n} of {all} documents are not well-formed as the gateway reads them"))),
    }
}

// === impl As ===

impl As {
    /// By the file's ending; else by the first character that is no blank; nothing at all is JSON's fault to tell.
    fn guess(path: &Path, bytes: &[u8]) -> Self {
        match path.extension().map(|e| e.to_ascii_lowercase()).as_deref().and_then(std::ffi::OsStr::to_str) {
            Some("xml" | "wsdl" | "xsd" | "soap") => return Self::Xml,
            Some("json") => return Self::Json,
            Some("form") => return Self::Form,
            _ => {}
        }
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match text.iter().find(|b| !b.is_ascii_whitespace()) {
            Some(b'<' | 0xff | 0xfe | 0) => Self::Xml,
            Some(b) if b.is_ascii_alphabetic() && text.contains(&b'=') => Self::Form,
            _ => Self::Json,
        }
    }

    fn format(self) -> Format {
        match self {
            Self::Xml => Format::Xml,
            Self::Json => Format::Json,
            Self::Form => Format::Form,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Xml => "xml",
            Self::Json => "json",
            Self::Form => "form",
        }
    }
}

// === impl Looked ===

impl Looked {
    fn show(&self) {
        match &self.fault {
            None => screen::line(format!("{}: well-formed ({})", self.file, self.format.word())),
            Some(fault) => screen::note(format!("{} = {}\n", shown(fault, &self.file, &self.text), fault.text_vi())),
        }
    }

    fn json(&self) -> Value {
        let faults: Vec<Value> = self.fault.iter().map(told).collect();
        json!({ "file": self.file, "as": self.format.word(), "well_formed": faults.is_empty(), "faults": faults })
    }
}

// === functions ===

fn look(path: &Path, format: Option<As>) -> Result<Looked, Failed> {
    let (bytes, file) = super::wire::input(Some(path))?;
    let format = format.unwrap_or_else(|| As::guess(path, &bytes));
    let fault = lint(&bytes, format.format()).err();
    Ok(Looked { file, format, text: in_utf8(&bytes), fault })
}

/// The document as text, for showing a line of it; places count in UTF-8.
fn in_utf8(bytes: &[u8]) -> String {
    let wide = |rest: &[u8], join: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.chunks_exact(2).filter_map(|pair| pair.try_into().ok().map(join)).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// A refusal for programs: place, kind, expectation and find in both languages.
fn told(fault: &WireFault) -> Value {
    let place = &fault.place;
    json!({
        "kind": fault.kind.word(),
        "line": place.line,
        "column": place.column,
        "offset": place.offset,
        "pointer": place.pointer,
        "expected": { "vi": fault.expected.vi, "en": fault.expected.en },
        "found": { "vi": fault.found.vi(), "en": fault.found.en() },
        "text": { "vi": fault.text_vi(), "en": fault.text_en() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_known_by_ending_then_by_the_first_character() {
        let cases: &[(&str, &[u8], As)] = &[
            ("a.xml", b"{}", As::Xml),
            ("a.JSON", b"<a/>", As::Json),
            ("a.txt", b"\n <a/>", As::Xml),
            ("a", b"\xff\xfe<\0", As::Xml),
            ("a", b"\xef\xbb\xbf{}", As::Json),
            ("-", b"[1]", As::Json),
            ("-", b"a=1&b=2", As::Form),
            ("-", b"true", As::Json),
            ("-", b"", As::Json),
        ];
        for (path, bytes, format) in cases {
            assert_eq!(As::guess(Path::new(path), bytes), *format, "{path}");
        }
    }

    #[test]
    fn all_faults_of_all_files_are_told_and_the_exit_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (good, bad) = (file("a.xml", "<a/>"), file("b.json", "{\"a\":1,\"a\":2}"));
        let ask = |files: Vec<PathBuf>| run(&Arguments { files, format: None }, true);
        assert!(ask(vec![good.clone()]).is_ok());
        assert!(ask(vec![good, bad.clone()]).unwrap_err().text.starts_with("1 of 2"));
        assert!(ask(vec![folder.path().join("none.xml")]).unwrap_err().text.contains("cannot read"));
        let looked = look(&bad, None).unwrap().json();
        assert_eq!(looked["faults"][0]["offset"], 7);
        assert_eq!(looked["faults"][0]["pointer"], "/a");
    }
}
