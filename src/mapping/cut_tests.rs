//! However a body comes, nothing of it is lost, and reading what was cut is reading the whole: contents, faults and their places.

use super::cut::{Cutter, Gap, Spool, Wire};
use super::refusals::compiled;
use super::{Book, Context, Envelope, Format, MemoryContents, Source, peek};
use proptest::prelude::*;
use std::io;

/// The whole body, where a test puts it.
struct Kept(Vec<u8>);

impl Spool for Kept {
    fn read(&self, from: u64, into: &mut [u8]) -> io::Result<()> {
        let from = usize::try_from(from).unwrap();
        into.copy_from_slice(&self.0[from..from + into.len()]);
        Ok(())
    }
}

struct Cut {
    text: Vec<u8>,
    gaps: Vec<Gap>,
    kept: Kept,
}

/// Cuts a body that comes in frames of these lengths, again and again.
fn cut(json: bool, body: &[u8], frames: &[usize]) -> Cut {
    let (mut cutter, mut kept, mut rest) = (Cutter::new(json), Vec::new(), body);
    for len in frames.iter().cycle() {
        let (piece, more) = rest.split_at((*len).min(rest.len()));
        cutter.push(piece);
        if let Some(spill) = cutter.spill() {
            kept.append(spill);
        }
        rest = more;
        if rest.is_empty() {
            break;
        }
    }
    let (text, gaps) = cutter.end();
    assert!(gaps.is_empty() == kept.is_empty());
    if !gaps.is_empty() {
        assert!(kept == body, "what is put away is the body");
    }
    Cut { text, gaps, kept: Kept(kept) }
}

impl Cut {
    fn wire(&self) -> Wire<'_> {
        Wire { text: &self.text, gaps: &self.gaps, spool: &self.kept }
    }
}

/// Base64 of so many bytes, in lines of so many characters (0: one line).
fn base64(bytes: usize, line: usize) -> String {
    let raw: Vec<u8> = (0..bytes).map(|n| u8::try_from(n.wrapping_mul(2_654_435_761) >> 7 & 0xff).unwrap()).collect();
    let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, raw);
    if line == 0 {
        return text;
    }
    text.as_bytes().chunks(line).map(|l| std::str::from_utf8(l).unwrap()).collect::<Vec<_>>().join("\r\n")
}

/// With something in the middle.
fn spoilt(mut text: String, with: &str) -> String {
    let half = text.len() / 2;
    text.insert_str(half, with);
    text
}

const WITHOUT: &str =
    "without: count, day, done, form, grade_a, grade_b, home, kind, mark, paper, person, procedure, submitted_at, tags";

fn book(head: &str, lines: &str) -> Book {
    compiled(Source::new("p").with("m.map", format!("message: note\n{head}{WITHOUT}\n\n{lines}")))
}

fn books(json: bool) -> Vec<Book> {
    if json {
        let lines =
            "code = code\ntitle = title ?\nrows[] = rows[] ?\n    id = id\n    body = file : base64 ?\n    tags[] = tags[] ?\n";
        let head = "format: json\n";
        return vec![
            book(head, lines),
            book(&format!("{head}unknown: report\n"), lines),
            book(head, &format!("{lines}seal = $seal\nfree = *\n")),
            book(head, &format!("items[] = .\n    {}\n", lines.trim_end().replace('\n', "\n    "))),
        ];
    }
    let lines =
        "Code = code\nTitle = title ?\nRow[] = rows[] ?\n    @id = id\n    Body = file : base64 ?\n    Tag[] = tags[] ?\n";
    let head = "format: xml\nenvelope: soap11\nnamespace: urn:a\nroot: Note\n";
    vec![
        book(head, lines),
        book(&format!("{head}unknown: report\n"), lines),
        book(head, &format!("{lines}Seal = $seal\nFree = *\n")),
        book(head, &format!("Item[] = .\n    {}\n", lines.trim_end().replace('\n', "\n    "))),
    ]
}

/// A document with these texts at its places; the last two stand in its markup and behind its end.
fn document(json: bool, batch: bool, at: &[String; 7]) -> String {
    let [code, title, id, body, unknown, markup, end] = at;
    if json {
        let item = format!(
            "{{\"code\":\"{code}\",\n \"title\":\"{title}\", \"rows\":{markup}[{{\"id\":\"{id}\",\"body\":\"{body}\",\"tags\":[\"a\"]}},\n{{\"id\":\"ế\",\"tags\":[]}}]{unknown}}}"
        );
        return if batch { format!("{{\"items\":[{item},\n{item}, 5]}}{end}") } else { format!("{item}{end}") };
    }
    let item = format!(
        "<Code>{code}</Code>\n<Title>{title}</Title>{markup}<Row id='{id}'><Body>{body}</Body><Tag>a</Tag></Row>\n<Row id='ế'/>{unknown}"
    );
    let inside = if batch { format!("<Item>{item}</Item>\n<Item>{item}</Item><Item/>") } else { item };
    format!(
        "<?xml version='1.0'?>\n<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body><Note xmlns='urn:a'>{inside}</Note></s:Body></s:Envelope>{end}"
    )
}

/// The same document, read whole and read cut; how much was left out.
fn agree(book: &Book, json: bool, body: &[u8], frames: &[usize], what: &str) -> usize {
    let cut = cut(json, body, frames);
    let (map, ctx) = (book.map("m").unwrap(), Context::new());
    let (mut one, mut other) = (MemoryContents::default(), MemoryContents::default());
    let whole = map.read_each(body, &ctx, &mut one);
    let read = map.read_cut(&cut.wire(), &ctx, &mut other);
    assert!(read == whole, "{what}: {:?} is not {:?}", read.as_ref().err(), whole.as_ref().err());
    assert!(one.kept == other.kept, "{what}: other contents");
    body.len() - cut.text.len()
}

/// What may stand at a place, good or not.
fn texts(json: bool) -> Vec<String> {
    // Behind what is cut of it, or with something in the middle of each half that is cut.
    let (long, longer) = (base64(80_000, 0), base64(150_000, 0));
    let mut all = vec![
        long.clone(),
        spoilt(longer.clone(), "*"),
        spoilt(longer.clone(), "===="),
        spoilt(long.clone(), &" ".repeat(70_000)),
        long[..long.len() - 1].to_owned(),
        format!("{long}=ế"),
        "A".repeat(100_000),
        " ".repeat(120_000),
        format!("{}x{}", " ".repeat(80_000), " ".repeat(80_000)),
    ];
    if json {
        all.extend([format!("\\u0041BC{long}"), format!("{long}\\"), spoilt(longer.clone(), "\\/"), spoilt(longer, "\n")]);
    } else {
        all.extend([
            format!("<![CDATA[{long}]]>"),
            format!("<!--{long}-->{long}"),
            format!("&#10;{long}&#x41;AAA"),
            format!("{}\n", base64(80_001, 76)),
            spoilt(longer.clone(), "<b>1</b>"),
            spoilt(longer.clone(), "]]>"),
            format!("<?p >{long}?>"),
            spoilt(longer, "&nope;"),
        ]);
    }
    all
}

/// What may stand in the markup.
fn markup(json: bool) -> Vec<String> {
    let long = base64(80_000, 0);
    if json {
        return vec![
            " \t".repeat(80_000),
            format!("{}1{}", " ".repeat(80_000), " ".repeat(80_000)),
            "1".repeat(120_000),
            format!("[\"{long}\"],\"{long}\":"),
            format!("\"x\" {long}"),
            format!("\"x\"{}{long}", " ".repeat(80_000)),
        ];
    }
    vec![
        " \n".repeat(80_000),
        format!("{}x{}", " ".repeat(80_000), " ".repeat(80_000)),
        format!("<X a='>{long}'/>"),
        format!("<X{}{long}{} b='1'/>", " ".repeat(80_000), " x".repeat(40_000)),
        format!("<X{long}></X{long}>"),
        format!("<!--{long}--><?p >{long}?><!-- >{} -- {long}-->", long),
        format!("<{long}/>"),
    ]
}

#[test]
fn whatever_is_long_wherever_it_stands_reads_as_if_it_were_not_cut() {
    let mut left_out = 0;
    for json in [true, false] {
        let small: [String; 7] = ["C-1", "một", "1", "QUI=", "", "", "\n"].map(str::to_owned);
        let (texts, markup) = (texts(json), markup(json));
        let mut cases: Vec<[String; 7]> = Vec::new();
        for place in 0..7 {
            for text in texts.iter().chain(markup.iter().filter(|_| place > 3)).cloned() {
                let mut at = small.clone();
                at[place] = match (json, place) {
                    (true, 4) => format!(",\"more\":{{\"a\":[1,\"{text}\"]}},\"free\":\"{text}\""),
                    (false, 4) => format!("<More><a>1</a><b>{text}</b></More>"),
                    _ => text,
                };
                cases.push(at);
            }
        }
        // A fault behind contents, on a line that began before one.
        let mut at = small.clone();
        (at[3], at[4]) =
            (if json { base64(150_000, 0) } else { base64(150_000, 100) }, if json { ",\"ế\":1".into() } else { "<La/>".into() });
        cases.push(at);
        for (n, book) in books(json).iter().enumerate() {
            for (m, at) in cases.iter().enumerate().filter(|(m, _)| (n + m) % 2 == 0) {
                let body = document(json, n == 3, at);
                left_out += agree(
                    book,
                    json,
                    body.as_bytes(),
                    &[[1 << 20, 65_536, 999][(n + m) % 3]],
                    &format!("json {json}, book {n}, case {m}"),
                );
            }
        }
    }
    assert!(left_out > 10_000_000, "{left_out}");
}

#[test]
fn a_document_with_a_mark_or_in_another_encoding_reads_as_if_it_were_not_cut() {
    let at = ["C-1", "một", "1", &base64(150_000, 76), "<La/>", "", ""].map(str::to_owned);
    let text = document(false, false, &at);
    let book = &books(false)[0];
    let marked = [&[0xef, 0xbb, 0xbf], text.as_bytes()].concat();
    assert!(agree(book, false, &marked, &[4096], "a mark") > 60_000);
    let wide: Vec<u8> =
        std::iter::once(0xfeff).chain(text.replace("utf-8", "utf-16").encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(agree(book, false, &wide, &[4096], "UTF-16"), 0);
    // Two letters of ASCII are one of these characters: nothing says that this is no base64 but the mark.
    let odd: Vec<u8> = [&[0xff, 0xfe, b'>', 0], "A".repeat(200_000).as_bytes()].concat();
    assert_eq!(agree(book, false, &odd, &[1], "UTF-16, letters"), 0);
    let mut broken = text.into_bytes();
    let end = broken.len() - 40;
    broken[end] = 0xff;
    assert!(agree(book, false, &broken, &[4096], "no UTF-8") > 60_000);
}

#[test]
fn a_form_that_is_held_back_counts_with_what_was_left_out() {
    let head = "message: note\nformat: json\nunknown: report\nabsent: omit\nwithout: count, day, done, grade_a, grade_b, home, kind, mark, paper, person, rows, tags, title\n\n";
    let lines =
        "code = code\nproc = procedure\nsent = submitted_at : time(yyyyMMddHHmmss)\nform = form ?\n    use form/{procedure}\n";
    let source = Source::new("p")
        .with("m.map", format!("{head}{lines}"))
        .with("form/1.1@old.map", "l = left ?\nlist[] = list[] ?\n")
        .with("form/1.1@new.map", "r = right ?\nlist[] = list[] ?\n");
    let book = compiled(source);
    for (len, taken) in [(120_000, true), (200_000, false)] {
        let rest = "\"code\":\"C-1\",\"proc\":\"1.1\",\"sent\":\"20260403093000\"";
        let body = format!("{{\"form\":{{\"r\":\"x\",\"more\":\"{}\"}},{rest}}}", base64(len, 0));
        assert!(agree(&book, true, body.as_bytes(), &[4096], "held") > 60_000);
        let read = book.map("m").unwrap().read(body.as_bytes(), &Context::new(), &mut MemoryContents::default());
        assert_eq!(read.is_ok(), taken, "{len} {:?}", read.err());
    }
}

#[test]
fn a_value_is_seen_ahead_and_a_fault_told_at_its_place() {
    for (json, end, place) in [(true, "", "/code"), (true, "}", "/code"), (false, "", "Note/Code"), (false, "<x/>", "Note/Code")]
    {
        let at = ["C-1", "một", "1", &base64(150_000, if json { 0 } else { 60 }), "", "", end].map(str::to_owned);
        let body = document(json, false, &at);
        let cut = cut(json, body.as_bytes(), &[70_000]);
        assert!(!cut.gaps.is_empty());
        let (format, envelope) = if json { (Format::Json, Envelope::None) } else { (Format::Xml, Envelope::Soap11) };
        let seen = |bytes: &[u8]| peek(format, envelope, bytes, &[place]);
        let told = seen(&cut.text).map_err(|mut fault| {
            cut.wire().mend(&mut fault);
            fault
        });
        assert_eq!(told, seen(body.as_bytes()), "{json} {end}");
        assert_eq!(told.is_err(), !end.is_empty());
    }
}

/// Pieces of a body.
fn pieces() -> impl Strategy<Value = Vec<String>> {
    let piece = prop_oneof![
        (0..130_000_usize, prop_oneof![Just(0), Just(76), 1..200_usize]).prop_map(|(len, line)| base64(len, line)),
        (60_000..70_000_usize).prop_map(|len| "A".repeat(len)),
        "[<>\"\\[\\]a-c =/+\\n&é*]{0,12}",
        Just(" ".repeat(40_000)),
        Just("\\/".to_owned()),
    ];
    prop::collection::vec(piece, 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// However it comes, what stays and what was left out are the body.
    #[test]
    fn what_stays_and_what_is_left_out_are_the_body(pieces in pieces(), json: bool, frames in prop::collection::vec(1..90_000_usize, 1..4)) {
        let body = pieces.concat();
        let cut = cut(json, body.as_bytes(), &frames);
        let (mut whole, mut done) = (Vec::new(), 0);
        for (at, from, len) in cut.gaps.iter().map(Gap::place) {
            whole.extend_from_slice(&cut.text[done..at]);
            prop_assert!(whole.len() as u64 == from, "where it stands in the body");
            whole.extend_from_slice(&body.as_bytes()[whole.len()..whole.len() + len]);
            done = at;
        }
        whole.extend_from_slice(&cut.text[done..]);
        prop_assert!(whole == body.as_bytes());
    }

    /// Any text of any shape, at any place.
    #[test]
    fn whatever_it_holds_reads_as_if_it_were_not_cut(
        pieces in pieces(),
        (json, book, place) in (any::<bool>(), 0..4_usize, 0..7_usize),
        frames in prop::collection::vec(1..90_000_usize, 1..4),
    ) {
        let mut at: [String; 7] = ["C-1", "một", "1", "QUI=", "", "", "\n"].map(str::to_owned);
        at[place] = pieces.concat();
        let body = document(json, book == 3, &at);
        agree(&books(json)[book], json, body.as_bytes(), &frames, "invented");
    }
}
