//! The strict XML reader against a table of hard documents and against roxmltree.

use super::*;
use proptest::prelude::*;

fn check(bytes: &[u8]) -> Result<(), FaultKind> {
    let run = || -> Lexed<()> {
        let text = decode(bytes)?;
        let mut xml = Xml::new(&text);
        while !matches!(xml.next()?, Event::Eof) {}
        Ok(())
    };
    run().map_err(|slip| slip.0.kind)
}

/// What stays after reading: names, attributes, text.
fn told(text: &str) -> String {
    let decoded = decode(text.as_bytes()).unwrap();
    let mut xml = Xml::new(&decoded);
    let mut out = String::new();
    loop {
        match xml.next().unwrap() {
            Event::Start(name) => {
                out.push_str(&format!("<{}", xml.clark(&name)));
                let mut attributes: Vec<String> =
                    xml.attributes().iter().map(|a| format!(" {}={:?}", xml.clark(&a.name), a.value)).collect();
                attributes.sort();
                out.push_str(&attributes.concat());
                out.push('>');
            }
            Event::End => out.push_str("</>"),
            Event::Text(text) => out.push_str(&text),
            Event::Eof => return out,
        }
    }
}

fn oracle(text: &str) -> String {
    fn walk(node: roxmltree::Node<'_, '_>, out: &mut String) {
        if node.is_text() {
            out.push_str(node.text().unwrap());
        }
        if node.is_element() {
            let ns = |n: Option<&str>| n.unwrap_or("").to_owned();
            out.push_str(&format!("<{{{}}}{}", ns(node.tag_name().namespace()), node.tag_name().name()));
            let mut attributes: Vec<String> =
                node.attributes().map(|a| format!(" {{{}}}{}={:?}", ns(a.namespace()), a.name(), a.value())).collect();
            attributes.sort();
            out.push_str(&attributes.concat());
            out.push('>');
        }
        for child in node.children() {
            walk(child, out);
        }
        if node.is_element() {
            out.push_str("</>");
        }
    }
    let document = roxmltree::Document::parse(text).unwrap();
    let mut out = String::new();
    walk(document.root(), &mut out);
    out
}

#[test]
fn what_is_well_formed_is_read_as_roxmltree_reads_it() {
    for text in [
        "<a/>",
        "<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n<!-- x --><?pi y?><a> b <c d='1'/>\n</a><!-- - -->\n<?q?>",
        "<a xmlns='u' xmlns:p='v'><p:b p:c='1' c='2'/><b xmlns=''><c/></b></a>",
        "<a x='&lt;&#10;&#x41;\n\t&quot;' xml:lang='vi'>&amp;&#xe1;&apos;</a>",
        "<a>x<![CDATA[<b>&amp;]] ]]>y<!-- z -->w]]</a>",
        "<a>một\r\nhai\rba</a>",
        "<đây thuộc-tính='ê'>ế</đây>",
        "<a b = \"1\"\n c='2'  ></a >",
        "<a>]] > ></a>",
        "<x:a xmlns:x='u'><x:b/></x:a>",
        "<?xml version=\"1.1\"?><a/>",
        "<a><!-->--></a>",
        "<a><!--->--></a>",
    ] {
        assert_eq!(check(text.as_bytes()), Ok(()), "{text}");
        if !text.contains("1.1") {
            assert_eq!(told(text), oracle(text), "{text}");
        }
    }
}

#[test]
fn nothing_that_is_not_well_formed_passes() {
    use FaultKind::{Dtd, Duplicate, Encoding, Namespace, Syntax};
    for (text, kind) in [
        ("", Syntax),
        ("  ", Syntax),
        ("<?xml version='1.0'?>", Syntax),
        ("<!-- only -->", Syntax),
        ("text", Syntax),
        ("<a/><b/>", Syntax),
        ("<a/>x", Syntax),
        ("x<a/>", Syntax),
        ("<a/><![CDATA[x]]>", Syntax),
        ("<![CDATA[x]]><a/>", Syntax),
        ("&amp;<a/>", Syntax),
        ("<a/>&#32;", Syntax),
        ("<a>", Syntax),
        ("<a><b></b>", Syntax),
        ("<a></b>", Syntax),
        ("</a>", Syntax),
        ("<a></a></a>", Syntax),
        ("<a></a b='1'>", Syntax),
        ("<a", Syntax),
        ("<a b='1' b='2'/>", Duplicate),
        ("<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>", Duplicate),
        ("<a xmlns='u' xmlns='v'/>", Duplicate),
        ("<a xmlns:p='u' xmlns:p='u'/>", Duplicate),
        ("<a b='1'c='2'/>", Syntax),
        ("<a b=1/>", Syntax),
        ("<a b/>", Syntax),
        ("<a b='<'/>", Syntax),
        ("<a b='&'/>", Syntax),
        ("<a b='&x;'/>", Syntax),
        ("<a b='&#0;'/>", Syntax),
        ("<a b=\"'/>", Syntax),
        ("<a>]]></a>", Syntax),
        ("<a>&</a>", Syntax),
        ("<a>& b</a>", Syntax),
        ("<a>&x;</a>", Syntax),
        ("<a>&nbsp;</a>", Syntax),
        ("<a>&amp</a>", Syntax),
        ("<a>&#0;</a>", Syntax),
        ("<a>&#1;</a>", Syntax),
        ("<a>&#xD800;</a>", Syntax),
        ("<a>&#xFFFE;</a>", Syntax),
        ("<a>&#X41;</a>", Syntax),
        ("<a>&#;</a>", Syntax),
        ("<a>&#x;</a>", Syntax),
        ("<a>&#x110000;</a>", Syntax),
        ("<a>\u{1}</a>", Syntax),
        ("<a>\u{0}</a>", Syntax),
        ("<a>\u{fffe}</a>", Syntax),
        ("<a b='\u{ffff}'/>", Syntax),
        ("<1a/>", Syntax),
        ("<-a/>", Syntax),
        ("< a/>", Syntax),
        ("<a:b:c xmlns:a='u'/>", Syntax),
        ("<:a/>", Syntax),
        ("<a:/>", Syntax),
        ("<a 1b='x'/>", Syntax),
        ("<a b:c:d='x' xmlns:b='u'/>", Syntax),
        ("<p:a/>", Namespace),
        ("<a p:b='1'/>", Namespace),
        ("<a><p:b xmlns:p='u'/><p:c/></a>", Namespace),
        ("<a xmlns:p=''/>", Namespace),
        ("<a xmlns:xml='u'/>", Namespace),
        ("<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>", Namespace),
        ("<a xmlns:xmlns='u'/>", Namespace),
        ("<a xmlns='http://www.w3.org/2000/xmlns/'/>", Namespace),
        ("<xmlns:a/>", Namespace),
        ("<a><?xml version='1.0'?></a>", Syntax),
        (" <?xml version='1.0'?><a/>", Syntax),
        ("<a/><?xml version='1.0'?>", Syntax),
        ("<a><?XmL x?></a>", Syntax),
        ("<a><?1x?></a>", Syntax),
        ("<a><?a:b?></a>", Syntax),
        ("<a><? x?></a>", Syntax),
        ("<?xml?><a/>", Syntax),
        ("<?xml encoding='utf-8'?><a/>", Syntax),
        ("<?xml version='2.0'?><a/>", Syntax),
        ("<?xml version='1.0' standalone='maybe'?><a/>", Syntax),
        ("<?xml version='1.0' standalone='no' encoding='utf-8'?><a/>", Syntax),
        ("<?xml version='1.0'encoding='utf-8'?><a/>", Syntax),
        ("<?xml version='1.0' x='y'?><a/>", Syntax),
        ("<?xml version=1.0?><a/>", Syntax),
        ("<?xml version='1.0' encoding='iso-8859-1'?><a/>", Encoding),
        ("<?xml version='1.0' encoding='utf-16'?><a/>", Encoding),
        ("<!DOCTYPE a><a/>", Dtd),
        ("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", Dtd),
        ("<!doctype a><a/>", Dtd),
        ("<a/><!DOCTYPE a>", Dtd),
        ("<a><!-- -- --></a>", Syntax),
        ("<a><!-- x ---></a>", Syntax),
        ("<a><!ELEMENT b></a>", Syntax),
        ("<a><![cdata[x]]></a>", Syntax),
        ("<a><![CDATA[x</a>", Syntax),
        ("<a><!-- x </a>", Syntax),
        ("<a><?x </a>", Syntax),
    ] {
        assert_eq!(check(text.as_bytes()), Err(kind), "{text}");
    }
    assert_eq!(check(b"<a>\xff</a>"), Err(FaultKind::Encoding));
    assert_eq!(check(b"\xff\xfe<\x00a\x00/\x00>"), Err(FaultKind::Encoding));
}

#[test]
fn limits_hold_for_depth_attributes_and_text_but_not_for_contents() {
    let deep = |n: usize| format!("{}{}", "<a>".repeat(n), "</a>".repeat(n));
    let wide = |n: usize| format!("<a {}/>", (0..n).map(|i| format!("a{i}='' ")).collect::<String>());
    let long = |n: usize| format!("<a>{}&amp;{}</a>", "x".repeat(n / 2), "y".repeat(n - n / 2 - 1));
    for (text, want) in [
        (deep(64), Ok(())),
        (deep(65), Err(FaultKind::Limit)),
        (wide(256), Ok(())),
        (wide(257), Err(FaultKind::Limit)),
        (long(MAX_TEXT), Ok(())),
        (long(MAX_TEXT + 1), Err(FaultKind::Limit)),
        (format!("<a b='{}'/>", "x".repeat(MAX_TEXT + 1)), Err(FaultKind::Limit)),
    ] {
        assert_eq!(check(text.as_bytes()), want, "{}", text.len());
    }
    let text = long(MAX_TEXT * 2);
    let mut xml = Xml::new(&text);
    xml.long_text = true;
    while !matches!(xml.next().unwrap(), Event::Eof) {}
}

#[test]
fn utf_16_is_read_by_its_mark() {
    let text = "<?xml version='1.0' encoding='UTF-16'?><a>Phạm 🙂</a>";
    for little in [true, false] {
        let mut bytes = if little { vec![0xff, 0xfe] } else { vec![0xfe, 0xff] };
        for unit in text.encode_utf16() {
            bytes.extend(if little { unit.to_le_bytes() } else { unit.to_be_bytes() });
        }
        assert_eq!(decode(&bytes).unwrap(), text);
    }
    assert_eq!(check("\u{feff}<?xml version='1.0' encoding='utf-8'?><a/>".as_bytes()), Ok(()));
    assert_eq!(check(b"\xff\xfe<\x00a\x00/\x00>\x00"), Ok(()));
}

#[test]
fn a_fault_stands_at_its_offset() {
    for (text, offset) in
        [("<a>\n<b c='1' c='2'/></a>", 13), ("<a>x]]>y</a>", 4), ("<a b='x<y'/>", 7), ("<a>&bad;</a>", 3), ("<a/><b/>", 4)]
    {
        let mut xml = Xml::new(text);
        let slip = loop {
            match xml.next() {
                Ok(Event::Eof) => panic!("{text}"),
                Ok(_) => {}
                Err(slip) => break slip,
            }
        };
        assert_eq!(slip.0.offset, offset, "{text}");
    }
}

/// Documents of a few names, with and without prefix, attributes, references and blanks where they may stand.
fn documents() -> impl Strategy<Value = String> {
    let texts =
        prop_oneof!["[xy>\r\n ]{0,4}", Just("&amp;".to_owned()), Just("<!--c-->".to_owned()), Just("<![CDATA[<]]>".to_owned())];
    let tree = texts.prop_recursive(4, 24, 4, |inner| {
        let names = prop::sample::select(vec!["a", "b", "ab", "p:a", "p:b", "q:a"]);
        let tags = prop::sample::select(vec!["", "", "", " ", " c='1'", " xmlns='v'", " xmlns:p='w'", "/"]);
        let ends = prop::sample::select(vec!["", "", " "]);
        (names, tags, ends, prop::collection::vec(inner, 0..4)).prop_map(|(name, tag, end, inside)| match tag {
            "/" => format!("<{name}/>"),
            _ => format!("<{name}{tag}>{}</{name}{end}>", inside.concat()),
        })
    });
    let root = prop::sample::select(vec!["a", "p:a"]);
    (root, prop::collection::vec(tree, 0..6))
        .prop_map(|(root, inside)| format!("<{root} xmlns='u' xmlns:p='v' xmlns:q='u'>{}</{root}>", inside.concat()))
}

/// Where a reader stands.
fn stand(xml: &Xml<'_>) -> (usize, usize, usize, usize) {
    (xml.offset(), xml.depth(), xml.attributes().len(), xml.bound().count())
}

/// Reads a document event by event; before each, what the two short ways say must be what the events say. How often each said something (no text is not counted).
fn short_ways_agree(text: &str) -> [usize; 2] {
    let Ok(decoded) = decode(text.as_bytes()) else { return [0, 0] };
    let mut xml = Xml::new(&decoded);
    let mut said = [0, 0];
    loop {
        for (ns, local) in ["", "u", "v", "w"].into_iter().flat_map(|ns| ["a", "b"].map(|local| (ns, local))) {
            let Some(known) = xml.bound().map(|(_, uri)| uri).chain([""]).find(|uri| *uri == ns) else { continue };
            let ns = Ns(xml.uris.iter().position(|uri| *uri == known).unwrap());
            let (mut short, mut long) = (xml.clone(), xml.clone());
            if !short.expected(ns, local, true) {
                continue;
            }
            said[0] += 1;
            let event = match long.next().unwrap() {
                Event::Text(blank) if blank.chars().all(is_blank) => long.next().unwrap(),
                event => event,
            };
            assert!(matches!(event, Event::Start(name) if name == Name { ns, local }), "{text}: {event:?}");
            assert_eq!((stand(&short), short.last()), (stand(&long), long.last()), "{text}");
        }
        let (mut short, mut long) = (xml.clone(), xml.clone());
        if let Some(told) = short.plain_text() {
            said[1] += usize::from(!told.is_empty());
            let mut whole = String::new();
            while let Event::Text(piece) = long.next().unwrap() {
                whole.push_str(&piece);
            }
            assert_eq!((told, stand(&short), short.last()), (&*whole, stand(&long), long.last()), "{text}");
        }
        match xml.next() {
            Ok(Event::Eof) | Err(_) => return said,
            Ok(_) => {}
        }
    }
}

#[test]
fn the_short_ways_are_gone_where_a_document_is_plain() {
    let text = "<p:a xmlns='u' xmlns:p='v'>\n <p:b>x</p:b>\n <p:a><p:b></p:b></p:a></p:a>";
    // Two of the three tags are asked for twice: before the blanks and behind them.
    assert_eq!(short_ways_agree(text), [5, 1]);
    for other in ["<a><b c='1'>x</b></a>", "<a><b >x</b></a>", "<a><b/></a>", "<a xmlns:p='u'><p:b/></a>"] {
        assert_eq!(short_ways_agree(other)[0], 0, "{other}");
    }
    for other in ["<a>x&amp;</a>", "<a>x>y</a>", "<a>x\r</a>", "<a>x<!--c--></a>", "<a>x</a >", "<a>x<b/></a>"] {
        assert_eq!(short_ways_agree(other)[1], 0, "{other}");
    }
    let long = format!("<a>{}</a>", "x".repeat(MAX_TEXT + 1));
    assert_eq!(short_ways_agree(&long)[1], 0, "what is too long is refused by the events");
    let deep = format!("{}{}", "<a>".repeat(64), "<a>");
    assert_eq!(short_ways_agree(&deep)[0], 63, "and so is what is too deep");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Also of a document that one character was taken from.
    #[test]
    fn the_short_ways_say_what_the_events_say_or_nothing(text in documents(), cut in any::<prop::sample::Index>()) {
        short_ways_agree(&text);
        let mut broken: Vec<char> = text.chars().collect();
        broken.remove(cut.index(broken.len()));
        short_ways_agree(&broken.into_iter().collect::<String>());
    }
}
