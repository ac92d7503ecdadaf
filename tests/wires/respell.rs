//! Another spelling of the same wire document, as careful strangers may write it: white space, order, prefixes, references, CDATA.
//!
//! Nothing here knows a mapping: what it changes is what XML, JSON and forms themselves call the same.

use lienthong::body::Value;
use lienthong::mapping::Format;
use lienthong::seal::Chance;
use std::collections::BTreeMap;

/// Spells a document otherwise.
pub(crate) fn respell(text: &str, format: Format, chance: &mut Chance) -> Vec<u8> {
    match format {
        Format::Json => {
            let mut out = String::new();
            json(&serde_json::from_str::<Value>(text).unwrap(), chance, &mut out);
            out.into_bytes()
        }
        Format::Xml => xml(text, chance),
        Format::Form => form(text, chance).into_bytes(),
    }
}

fn shuffled<T>(mut list: Vec<T>, chance: &mut Chance) -> Vec<T> {
    for n in (1..list.len()).rev() {
        list.swap(n, usize::try_from(chance.below(n as u64 + 1)).unwrap());
    }
    list
}

fn blank(chance: &mut Chance) -> &'static str {
    chance.pick(&["", "", " ", "\n", "\t\r\n  "]).copied().unwrap()
}

// ---- JSON

/// Members in another order, other white space, characters as `\u`.
fn json(value: &Value, chance: &mut Chance, out: &mut String) {
    out.push_str(blank(chance));
    match value {
        Value::Object(map) => {
            out.push('{');
            for (n, (name, inner)) in shuffled(map.iter().collect(), chance).into_iter().enumerate() {
                out.push_str(if n > 0 { "," } else { "" });
                out.push_str(blank(chance));
                json_text(name, chance, out);
                out.push_str(blank(chance));
                out.push(':');
                json(inner, chance, out);
            }
            out.push('}');
        }
        Value::Array(rows) => {
            out.push('[');
            for (n, row) in rows.iter().enumerate() {
                out.push_str(if n > 0 { "," } else { "" });
                json(row, chance, out);
            }
            out.push_str(blank(chance));
            out.push(']');
        }
        Value::String(text) => json_text(text, chance, out),
        other => out.push_str(&other.to_string()),
    }
    out.push_str(blank(chance));
}

fn json_text(text: &str, chance: &mut Chance, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '/' if chance.hits(0.5) => out.push_str("\\/"),
            c if c < ' ' || "\"\\".contains(c) || chance.hits(0.1) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&if chance.hits(0.5) { format!("\\u{unit:04x}") } else { format!("\\u{unit:04X}") });
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

// ---- forms

fn form(text: &str, chance: &mut Chance) -> String {
    let pairs = text.split('&').filter(|f| !f.is_empty()).map(|field| field.split_once('=').unwrap());
    form_of(pairs.map(|(name, value)| (plain(name), plain(value))).collect(), chance)
}

/// Fields as a form, in any of the spellings that forms have: another order, `+` or `%20`, upper and lower case, escapes that none needs.
pub(crate) fn form_of(fields: Vec<(String, String)>, chance: &mut Chance) -> String {
    // Some writers escape whatever they can, some nothing that they need not.
    let needless = *chance.pick(&[0.0, 0.1, 1.0]).unwrap();
    let fields = shuffled(fields, chance).into_iter();
    let fields =
        fields.map(|(name, value)| format!("{}={}", escaped(&name, needless, chance), escaped(&value, needless, chance)));
    fields.collect::<Vec<_>>().join("&")
}

/// What `+` and `%..` stand for.
fn plain(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    String::from_utf8(bytes).unwrap()
}

fn escaped(text: &str, needless: f64, chance: &mut Chance) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        // What some leave as it is and others escape.
        let may = byte.is_ascii_alphanumeric() || b"-._*~!'()$,:;/@?".contains(&byte);
        match byte {
            b' ' if chance.hits(0.5) => out.push('+'),
            byte if may && !chance.hits(needless) => out.push(byte.into()),
            byte => {
                for digit in [byte >> 4, byte & 15] {
                    let digit = char::from_digit(digit.into(), 16).unwrap();
                    out.push(if chance.hits(0.5) { digit.to_ascii_uppercase() } else { digit });
                }
                out.insert(out.len() - 2, '%');
            }
        }
    }
    out
}

// ---- XML

/// Other prefixes, quotes, order of attributes and of children with different names; references, CDATA, comments; UTF-16 at times.
fn xml(text: &str, chance: &mut Chance) -> Vec<u8> {
    let document = roxmltree::Document::parse(text).unwrap();
    let mut names = BTreeMap::new();
    let mut out = String::new();
    for _ in 0..chance.below(2) {
        out.push_str(noise(chance));
    }
    element(document.root_element(), true, &mut names, chance, &mut out);
    out.push_str(noise(chance));
    let out = format!("<?xml version='1.0'?>{out}");
    if chance.hits(0.8) {
        return out.into_bytes();
    }
    let mut wide = vec![0xff, 0xfe];
    wide.extend(out.encode_utf16().flat_map(u16::to_le_bytes));
    wide
}

fn noise(chance: &mut Chance) -> &'static str {
    chance.pick(&["", "\n", "  ", "<!-- x -->", "<?y z?>", "\r\n<!---->\t"]).copied().unwrap()
}

fn element<'d>(
    node: roxmltree::Node<'d, 'd>,
    top: bool,
    names: &mut BTreeMap<&'d str, String>,
    chance: &mut Chance,
    out: &mut String,
) {
    // All namespaces are bound at the root, each to a prefix of ours.
    let mut declared = String::new();
    if top {
        let mut uris: Vec<&str> = node.descendants().filter_map(|n| n.tag_name().namespace()).collect();
        uris.extend(node.descendants().flat_map(|n| n.attributes()).filter_map(|a| a.namespace()));
        for uri in uris {
            if !names.contains_key(uri) && uri != "http://www.w3.org/XML/1998/namespace" {
                let prefix = format!("n{}", names.len());
                declared.push_str(&format!(" xmlns:{prefix}='{uri}'"));
                names.insert(uri, prefix);
            }
        }
    }
    let named =
        |ns: Option<&str>, local: &str| ns.and_then(|ns| names.get(ns)).map_or(local.to_owned(), |p| format!("{p}:{local}"));
    let name = named(node.tag_name().namespace(), node.tag_name().name());
    out.push_str(&format!("<{name}{declared}"));
    for attribute in shuffled(node.attributes().collect(), chance) {
        let quote = if chance.hits(0.5) { '"' } else { '\'' };
        out.push_str(&format!("\n{} = {quote}", named(attribute.namespace(), attribute.name())));
        characters(attribute.value(), true, chance, out);
        out.push(quote);
    }
    let (inner, text): (Vec<_>, String) =
        (node.children().filter(roxmltree::Node::is_element).collect(), node.children().filter_map(|n| n.text()).collect());
    if inner.is_empty() && text.is_empty() && chance.hits(0.5) {
        out.push_str(" />");
        return;
    }
    out.push('>');
    if inner.is_empty() {
        characters(&text, false, chance, out);
    }
    for child in in_other_order(inner, chance) {
        out.push_str(noise(chance));
        element(child, false, names, chance, out);
    }
    out.push_str(&format!("</{name} >"));
}

/// Children of different names change places; those of one name keep their order.
fn in_other_order<'d>(nodes: Vec<roxmltree::Node<'d, 'd>>, chance: &mut Chance) -> Vec<roxmltree::Node<'d, 'd>> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for node in &nodes {
        groups.entry((node.tag_name().namespace(), node.tag_name().name())).or_default().push(*node);
    }
    // Groups are dealt out like cards, so that repeats need not stand together.
    let mut piles: Vec<_> = groups.into_values().map(|pile| pile.into_iter().rev().collect::<Vec<_>>()).collect();
    let mut out = Vec::new();
    while !piles.is_empty() {
        let n = usize::try_from(chance.below(piles.len() as u64)).unwrap();
        out.extend(piles[n].pop());
        piles.retain(|pile| !pile.is_empty());
    }
    out
}

fn characters(text: &str, attribute: bool, chance: &mut Chance, out: &mut String) {
    if !attribute && !text.is_empty() && !text.contains(['\r', ']']) && chance.hits(0.2) {
        out.push_str(&format!("<![CDATA[{text}]]>"));
        return;
    }
    for c in text.chars() {
        let must = "<&>'\"\r".contains(c) || (attribute && "\t\n".contains(c));
        if must || chance.hits(0.05) {
            out.push_str(&if chance.hits(0.5) { format!("&#{};", u32::from(c)) } else { format!("&#x{:x};", u32::from(c)) });
        } else {
            if !attribute && chance.hits(0.02) {
                out.push_str("<!-- in between -->");
            }
            out.push(c);
        }
    }
}
