//! The head of a mapping file.

use super::paths::nearest;
use crate::mapping::api::{Envelope, Format};
use crate::mapping::convert::Typing;
use crate::mapping::grammar::{HEAD_KEYS, HeadLine, MapText};
use crate::mapping::plan::AbsentForm;
use crate::mapping::source::{Faults, Span};

/// A head, understood.
pub(super) struct Head {
    pub(super) message: (String, Span),
    pub(super) format: Format,
    pub(super) envelope: Envelope,
    pub(super) typing: Typing,
    pub(super) root: Option<(String, Span)>,
    pub(super) schema: Option<(String, Span)>,
    pub(super) namespace: String,
    pub(super) prefixes: Vec<(String, String)>,
    pub(super) absent: Vec<AbsentForm>,
    pub(super) report_unknown: bool,
    pub(super) without: Vec<String>,
    pub(super) without_at: Option<Span>,
    pub(super) first: Span,
}

// === impl Head ===

impl Head {
    /// Reads a head; `None` (with faults) when message or format are not known.
    pub(super) fn read(text: &MapText, faults: &mut Faults) -> Option<Self> {
        let lines = text.head.as_deref().unwrap_or(&[]);
        check_keys(lines, faults);
        let get = |key: &str| lines.iter().find(|l| l.key == key);
        let Some(message) = get("message") else {
            faults.add(&text.first, "the head has no `message`");
            return None;
        };
        let format = choice(get("format"), faults, &[("json", Format::Json), ("xml", Format::Xml), ("form", Format::Form)]);
        let Some(format) = format else {
            if get("format").is_none() {
                faults.hint(&text.first, "the head has no `format`", "xml, json or form");
            }
            return None;
        };
        let envelope =
            choice(get("envelope"), faults, &[("soap11", Envelope::Soap11), ("soap12", Envelope::Soap12)]).unwrap_or_default();
        let text_scalars = choice(get("scalars"), faults, &[("text", true)]).unwrap_or(false);
        let typing = match format {
            Format::Xml => Typing::Xml,
            Format::Form => Typing::Form,
            Format::Json if text_scalars => Typing::JsonText,
            Format::Json => Typing::Json,
        };
        if format != Format::Xml {
            let names_definition = get("schema").is_some();
            let xml = |l: &&HeadLine| ["namespace", "envelope"].contains(&l.key.as_str()) || l.key.starts_with("ns ");
            for line in lines.iter().filter(|l| xml(l) || (l.key == "root" && !names_definition)) {
                faults.add(&line.key_at, format!("`{}` belongs to xml only", line.key));
            }
        }
        if let (true, Some(line)) = (format != Format::Json, get("scalars")) {
            faults.hint(&line.key_at, "`scalars` belongs to json only", "in xml and in a form every value is text already");
        }
        Some(Self {
            message: (message.value.clone(), message.value_at.clone()),
            format,
            envelope,
            typing,
            root: get("root").map(|l| (l.value.clone(), l.value_at.clone())),
            schema: get("schema").map(|l| (l.value.clone(), l.value_at.clone())),
            namespace: get("namespace").map_or_else(String::new, |l| l.value.clone()),
            prefixes: lines
                .iter()
                .filter_map(|l| l.key.strip_prefix("ns ").map(|p| (p.trim().to_owned(), l.value.clone())))
                .collect(),
            absent: absent(get("absent"), format, faults),
            report_unknown: choice(get("unknown"), faults, &[("refuse", false), ("report", true)]).unwrap_or(false),
            without: get("without").map_or_else(Vec::new, |l| words(&l.value)),
            without_at: get("without").map(|l| l.value_at.clone()),
            first: text.first.clone(),
        })
    }
}

fn check_keys(lines: &[HeadLine], faults: &mut Faults) {
    let known = || HEAD_KEYS.into_iter().filter(|key| *key != "ns");
    for (n, line) in lines.iter().enumerate() {
        if !known().any(|key| key == line.key) && !line.key.starts_with("ns ") {
            let text = format!("`{}` is not a key of a head", line.key);
            faults.hint(&line.key_at, text, nearest(&line.key, known()).unwrap_or_else(|| HEAD_KEYS.join(", ")));
        }
        if lines.iter().take(n).any(|other| other.key == line.key) {
            faults.add(&line.key_at, format!("`{}` stands twice in the head", line.key));
        }
    }
}

fn choice<T: Copy>(line: Option<&HeadLine>, faults: &mut Faults, choices: &[(&str, T)]) -> Option<T> {
    let line = line?;
    let found = choices.iter().find(|(word, _)| *word == line.value).map(|(_, value)| *value);
    if found.is_none() {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        faults.hint(&line.value_at, format!("`{}` is not a value of `{}`", line.value, line.key), words.join(" or "));
    }
    found
}

fn absent(line: Option<&HeadLine>, format: Format, faults: &mut Faults) -> Vec<AbsentForm> {
    let Some(line) = line else { return vec![AbsentForm::Omit] };
    let mut forms = Vec::new();
    for word in line.value.split('|').map(str::trim) {
        match word {
            "omit" => forms.push(AbsentForm::Omit),
            "''" => forms.push(AbsentForm::Empty),
            "null" if format == Format::Form && forms.is_empty() => {
                faults.hint(&line.value_at, "a form has no null to write for none", "omit or '' first; the first is written");
            }
            "null" => forms.push(AbsentForm::Null),
            _ => faults.hint(
                &line.value_at,
                format!("`{word}` is not an absent form"),
                "omit, '' or null, joined by |; the first is written",
            ),
        }
    }
    if forms.is_empty() { vec![AbsentForm::Omit] } else { forms }
}

fn words(value: &str) -> Vec<String> {
    value.split(',').map(str::trim).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}
