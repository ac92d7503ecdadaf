//! A mapping text into head and lines. Goes on after a fault, so that all faults of a file are told at once.

use super::cells::{Bad, Cursor};
use super::grammar::{HEAD_KEYS, HeadLine, Line, MapText, Path, What};
use super::source::{Faults, Span};
use std::sync::Arc;

const INDENT: usize = 4;

/// One physical line without its comment and trailing blanks.
struct Raw<'t> {
    text: &'t str,
    start: usize,
}

/// Parses a file; faults go to `faults`, broken lines are left out.
pub(crate) fn parse(file: &str, text: &str, faults: &mut Faults) -> MapText {
    let file: Arc<str> = Arc::from(file);
    let raws = split(text);
    let mut rest = raws.as_slice();
    let first = raws.iter().find(|r| !r.text.is_empty());
    let first_span = first.map_or_else(
        || Span { file: Arc::clone(&file), start: 0, len: 0 },
        |r| Span { file: Arc::clone(&file), start: r.start, len: r.text.len() },
    );
    let head = if first.is_some_and(|r| is_head(r.text)) {
        let from = raws.iter().position(|r| !r.text.is_empty()).unwrap_or(0);
        let ends = |r: &Raw<'_>| r.text.is_empty() || is_of_the_body(r.text);
        let upto = raws.iter().skip(from).position(ends).map_or(raws.len(), |n| from + n);
        if let Some(own) = raws.get(upto).filter(|r| !r.text.is_empty()) {
            let at = Span { file: Arc::clone(&file), start: own.start, len: own.text.len() };
            faults.hint(&at, "an empty line ends the head", "put one before this line");
        }
        rest = raws.get(upto..).unwrap_or(&[]);
        Some(
            raws.get(from..upto)
                .unwrap_or(&[])
                .iter()
                .filter(|r| !is_comment(r.text))
                .filter_map(|r| head_line(r, &file, faults))
                .collect(),
        )
    } else {
        None
    };
    let mut flat = Vec::new();
    for raw in rest.iter().filter(|r| !r.text.is_empty() && !is_comment(r.text)) {
        if let Some(found) = flat_line(raw, &file, faults) {
            flat.push(found);
        }
    }
    let lines = nest(&mut flat.into_iter().peekable(), 0, faults);
    MapText { head, lines, first: first_span }
}

fn split(text: &str) -> Vec<Raw<'_>> {
    let mut raws = Vec::new();
    let mut start = 0;
    // Comment lines before the head do not end it; they are kept out of the way by being skipped.
    for line in text.split_inclusive('\n') {
        let kept = without_comment(line.trim_end_matches(['\n', '\r'])).trim_end();
        if !(is_comment(line.trim_start()) || (kept.is_empty() && !line.trim().is_empty())) {
            raws.push(Raw { text: kept, start });
        }
        start += line.len();
    }
    raws
}

fn is_comment(text: &str) -> bool {
    text.trim_start().starts_with('#')
}

/// The line up to ` # ` outside quotes and backticks.
pub(super) fn without_comment(line: &str) -> &str {
    let (mut quote, mut tick, mut escaped, mut before) = (false, false, false, ' ');
    for (at, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote => escaped = true,
            '\'' if !tick => quote = !quote,
            '`' if !quote => tick = !tick,
            '#' if !quote && !tick && before == ' ' => return line.get(..at).unwrap_or(line),
            _ => {}
        }
        before = c;
    }
    line
}

/// Whether the first line says `key: value` (a part has no head).
fn is_head(text: &str) -> bool {
    let word: String = text.chars().take_while(|c| !c.is_whitespace() && *c != ':').collect();
    let after = text.get(word.len()..).unwrap_or("");
    (after.starts_with(':') || word == "ns") && HEAD_KEYS.contains(&word.as_str())
}

/// Whether a line of the head is one of the body: the empty line between them was forgotten.
fn is_of_the_body(text: &str) -> bool {
    let key = text.split(": ").next().unwrap_or_default();
    text.starts_with("use ") || text.starts_with("when ") || key.contains(" = ")
}

fn head_line(raw: &Raw<'_>, file: &Arc<str>, faults: &mut Faults) -> Option<HeadLine> {
    let span = |from: usize, len: usize| Span { file: Arc::clone(file), start: raw.start + from, len };
    let (key, value) = match raw.text.split_once(": ") {
        Some((key, value)) => (key, value),
        None => match raw.text.strip_suffix(':') {
            Some(key) => (key, ""),
            None => {
                faults.hint(&span(0, raw.text.len()), "expected `key: value`", "an empty line ends the head");
                return None;
            }
        },
    };
    let lead = value.len() - value.trim_start().len();
    let value_from = raw.text.len() - value.len() + lead;
    let value = value.trim();
    Some(HeadLine {
        key: key.trim().to_owned(),
        value: value.to_owned(),
        key_at: span(0, key.len()),
        // An empty value is shown at its key.
        value_at: if value.is_empty() { span(0, raw.text.len()) } else { span(value_from, value.len()) },
    })
}

struct Flat {
    depth: usize,
    what: What,
    at: Span,
}

fn flat_line(raw: &Raw<'_>, file: &Arc<str>, faults: &mut Faults) -> Option<Flat> {
    let body = raw.text.trim_start();
    let indent = raw.text.len() - body.len();
    let at = Span { file: Arc::clone(file), start: raw.start + indent, len: body.len() };
    if raw.text.get(..indent).is_some_and(|lead| lead.contains('\t')) {
        faults.hint(&Span { start: raw.start, len: indent, ..at }, "a tab in the indentation", "four blanks a level");
        return None;
    }
    if !indent.is_multiple_of(INDENT) {
        faults.hint(
            &Span { start: raw.start, len: indent, ..at.clone() },
            format!("indented by {indent} blanks"),
            "four blanks a level",
        );
    }
    match what(&mut Cursor::new(body, raw.start + indent, file)) {
        Ok(what) => Some(Flat { depth: indent / INDENT, what, at }),
        Err(Bad { at, text, hint }) => {
            match hint {
                Some(hint) => faults.hint(&at, text, hint),
                None => faults.add(&at, text),
            }
            None
        }
    }
}

fn what(cursor: &mut Cursor<'_>) -> Result<What, Bad> {
    let from = cursor.at();
    if cursor.eat("use ") {
        return use_line(cursor);
    }
    if cursor.eat("when ") {
        return when_line(cursor);
    }
    let wire = cursor.wire()?;
    let wire_at = cursor.span(from);
    cursor.blanks();
    if !cursor.eat("=") {
        return cursor.hinted(
            "expected ` = ` after the wire name",
            "a line is `wire name = canonical place`; `key: value` stands in the head only",
        );
    }
    cursor.blanks();
    let start = cursor.at();
    let (right, opt) = cursor.right()?;
    Ok(What::Rule { wire, wire_at, right, opt, right_at: cursor.span(start) })
}

fn use_line(cursor: &mut Cursor<'_>) -> Result<What, Bad> {
    cursor.blanks();
    let from = cursor.at();
    let mut stem = String::new();
    let mut select: Option<Path> = None;
    while let Some(c) = cursor.peek() {
        if c == '{' {
            cursor.eat("{");
            select = Some(cursor.path()?);
            if !cursor.eat("}") {
                return cursor.bad("expected `}`");
            }
            break;
        }
        if c.is_whitespace() {
            break;
        }
        stem.push(c);
        cursor.eat(c.encode_utf8(&mut [0; 4]));
    }
    let at = cursor.span(from);
    if stem.is_empty() {
        return cursor.bad("expected the name of a part after `use`");
    }
    cursor.end()?;
    Ok(What::Use { stem, select, at })
}

fn when_line(cursor: &mut Cursor<'_>) -> Result<What, Bad> {
    cursor.blanks();
    let path = cursor.path()?;
    let path_at = path.at.clone();
    cursor.blanks();
    if !cursor.eat("=") {
        return cursor.bad("expected ` = ` and the words of this branch");
    }
    let mut words = Vec::new();
    loop {
        cursor.blanks();
        let from = cursor.at();
        let mut word = String::new();
        while let Some(c) = cursor.peek().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)) {
            word.push(c);
            cursor.eat(c.encode_utf8(&mut [0; 4]));
        }
        if word.is_empty() {
            return cursor.bad("expected a canonical word");
        }
        words.push((word, cursor.span(from)));
        cursor.blanks();
        if !cursor.eat(",") {
            break;
        }
    }
    cursor.end()?;
    Ok(What::When { path, path_at, words })
}

/// Builds the tree by depth.
fn nest(flat: &mut std::iter::Peekable<std::vec::IntoIter<Flat>>, depth: usize, faults: &mut Faults) -> Vec<Line> {
    let mut lines = Vec::new();
    while let Some(next) = flat.peek() {
        if next.depth < depth {
            break;
        }
        if next.depth > depth {
            faults.hint(&next.at, "indented too deep", "one level is four blanks more than the line it belongs to");
        }
        let Some(own) = flat.next() else { break };
        let own_depth = own.depth;
        let below = nest(flat, own_depth + 1, faults);
        lines.push(Line { what: own.what, at: own.at, below });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::grammar::{Last, Lit, Piece, Right};
    use crate::mapping::source::Source;

    fn parsed(text: &str) -> (MapText, Vec<String>) {
        let mut faults = Faults::default();
        let map = parse("a.map", text, &mut faults);
        let source = Source::new("p").with("a.map", text);
        (map, faults.finish(&source).iter().map(|f| format!("{}:{}: {}", f.line, f.column, f.text)).collect())
    }

    #[test]
    fn a_head_ends_at_the_empty_line_and_a_part_has_none() {
        let (map, faults) = parsed("# note\nmessage: alpha\nns p: urn:x  # why\nabsent: omit | ''\n\nA = b\n");
        assert!(faults.is_empty(), "{faults:?}");
        let head: Vec<_> = map.head.unwrap().into_iter().map(|h| (h.key, h.value)).collect();
        assert_eq!(
            head,
            [("message".into(), "alpha".into()), ("ns p".into(), "urn:x".into()), ("absent".into(), "omit | ''".into())]
        );
        assert_eq!(map.lines.len(), 1);
        assert!(parsed("A = b\n").0.head.is_none());
    }

    #[test]
    fn deeper_lines_stand_below_their_scope() {
        let (map, faults) = parsed("A = .\n    B = b\n    C[] = c[]\n        D = d ?\nE = e\n");
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!((map.lines.len(), map.lines[0].below.len(), map.lines[0].below[1].below.len()), (2, 2, 1));
    }

    #[test]
    fn cells_are_read_with_their_types() {
        let text = "`odd name`/p:B[@k=10] = 'a' | 0 | *\nX[y='z'] = ^^c.d : ~code(l) : text | number ? 'none'\nT = 'x {a} {$b.c : time(yyyy'T'MM)}\\''\n@a = *\n[] = .\nN = null_value\nM = [] ? {}\n";
        let (map, faults) = parsed(text);
        assert!(faults.is_empty(), "{faults:?}");
        let rules: Vec<_> = map
            .lines
            .into_iter()
            .map(|l| match l.what {
                What::Rule { wire, right, opt, .. } => (wire, right, opt),
                _ => unreachable!(),
            })
            .collect();
        assert_eq!(rules[0].0.through, ["odd name"]);
        assert_eq!(rules[0].0.last, Last::Keyed { name: "p:B".into(), key: "@k".into(), literal: Lit::Integer("10".into()) });
        assert_eq!(rules[0].1, Right::Literals { list: vec![Lit::Text("a".into()), Lit::Integer("0".into())], any: true });
        let Right::Value { path, chains } = &rules[1].1 else { panic!() };
        assert_eq!((path.up, path.dotted().as_str(), chains.len(), chains[0].links.len()), (2, "^^c.d", 2, 2));
        assert!(chains[0].links[0].lossy && !chains[0].links[1].lossy);
        assert_eq!(rules[1].2.as_ref().unwrap().literal, Some(Lit::Text("none".into())));
        let Right::Template(pieces) = &rules[2].1 else { panic!() };
        assert!(
            matches!(&pieces[..], [Piece::Text(_), Piece::Hole { .. }, Piece::Text(_), Piece::Hole { .. }, Piece::Text(q)] if q == "'")
        );
        assert_eq!(rules[3].1, Right::Dropped);
        assert_eq!(rules[4].0.last, Last::Items);
        assert!(matches!(&rules[5].1, Right::Value { .. }));
        assert_eq!(rules[6].2.as_ref().unwrap().literal, Some(Lit::EmptyObject));
    }

    #[test]
    fn all_faults_of_a_file_are_told_with_line_and_column() {
        let (_, faults) = parsed("A = b\n   B = c\nC d\nD = 'open\nE = 12x\nF[q] = a\n\tG = a\nwhen a = \n");
        assert_eq!(
            faults,
            [
                "2:1: indented by 3 blanks",
                "3:3: expected ` = ` after the wire name",
                "4:10: the text is not closed",
                "5:5: expected a literal",
                "6:4: expected `=` after the key",
                "7:1: a tab in the indentation",
                "8:9: expected a canonical word",
            ]
        );
    }
}
