//! The one layout of a mapping text: `lienthong fmt`.
//!
//! Four blanks a level; the `:` of the head, the `=` of lines that stand together, and the comments behind them in columns; one empty line
//! at most. Always: the layout changes blanks and nothing else: what comes out parses to the same mapping (it is compared), and laying out
//! twice changes nothing. Comments keep their words and their place. Not here: the order of lines, which is the order on the wire.

use super::grammar::{Line, MapText, What};
use super::parser::{parse, without_comment};
use super::source::{Faults, Source, SourceFault};
use std::collections::BTreeMap;

/// A left cell wider than this stands out of its column instead of widening it.
const WIDEST: usize = 36;

/// A physical line.
enum Row<'t> {
    Blank,
    Comment(&'t str),
    /// `key: value` of the head.
    Head {
        key: String,
        value: String,
        comment: &'t str,
    },
    /// A line of the body: its level, the left cell of a rule, the rest.
    Body {
        level: usize,
        left: Option<&'t str>,
        rest: String,
        comment: &'t str,
    },
}

/// Lays out a mapping text. The error holds its faults of grammar: a text that cannot be read is not touched.
pub fn tidy(file: &str, text: &str) -> Result<String, Vec<SourceFault>> {
    let before = parsed(file, text)?;
    let laid = print(&rows(text, &before));
    let after = parsed(file, &laid)?;
    if bare(&before) == bare(&after) {
        return Ok(laid);
    }
    let mut faults = Faults::default();
    faults.add(&before.first, "laid out, this text would say something else; please report it with the file");
    Err(faults.finish(&Source::new("").with(file, text)))
}

fn parsed(file: &str, text: &str) -> Result<MapText, Vec<SourceFault>> {
    let mut faults = Faults::default();
    let map = parse(file, text, &mut faults);
    if faults.mark() == 0 { Ok(map) } else { Err(faults.finish(&Source::new("").with(file, text))) }
}

/// Everything a parsed text says, without where it says it.
fn bare(map: &MapText) -> String {
    let told = format!("{:?} {:?}", map.head, map.lines);
    let mut pieces = told.split("Span {");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |said, piece| said + piece.split_once('}').map_or("", |(_, rest)| rest))
}

// === rows ===

fn rows<'t>(text: &'t str, map: &MapText) -> Vec<Row<'t>> {
    let mut body = BTreeMap::new();
    gather(&map.lines, 0, &mut body);
    let head: BTreeMap<usize, (&str, &str)> =
        map.head.iter().flatten().map(|h| (h.key_at.start, (h.key.as_str(), h.value.as_str()))).collect();
    let (mut rows, mut start) = (Vec::new(), 0);
    for raw in text.split_inclusive('\n') {
        let line = raw.trim_end_matches(['\n', '\r']);
        let kept = without_comment(line);
        let at = start + kept.len() - kept.trim_start().len();
        let comment = line.get(kept.len()..).unwrap_or("").trim_end();
        rows.push(match (head.get(&start), body.get(&at)) {
            (Some((key, value)), _) => Row::Head { key: (*key).to_owned(), value: (*value).to_owned(), comment },
            (None, Some((level, what))) => row(text, *level, what, kept, comment),
            _ if line.trim().is_empty() => Row::Blank,
            _ => Row::Comment(line.trim()),
        });
        start += raw.len();
    }
    rows
}

fn gather<'m>(lines: &'m [Line], level: usize, body: &mut BTreeMap<usize, (usize, &'m What)>) {
    for line in lines {
        body.insert(line.at.start, (level, &line.what));
        gather(&line.below, level + 1, body);
    }
}

fn row<'t>(text: &'t str, level: usize, what: &What, kept: &'t str, comment: &'t str) -> Row<'t> {
    let What::Rule { wire_at, right_at, .. } = what else {
        return Row::Body { level, left: None, rest: spaced(kept.trim()), comment };
    };
    let left = text.get(wire_at.start..wire_at.start + wire_at.len).map(str::trim);
    let right = text.get(right_at.start..right_at.start + right_at.len).unwrap_or("");
    Row::Body { level, left, rest: spaced(right.trim()), comment }
}

/// Runs of blanks become one, outside quotes, backticks and parentheses.
fn spaced(cell: &str) -> String {
    let (mut quote, mut tick, mut escaped, mut depth) = (false, false, false, 0_usize);
    let mut out = String::with_capacity(cell.len());
    for c in cell.trim().chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote => escaped = true,
            '\'' if !tick => quote = !quote,
            '`' if !quote => tick = !tick,
            '(' if !quote && !tick => depth += 1,
            ')' if !quote && !tick => depth = depth.saturating_sub(1),
            _ => {}
        }
        let plain = !quote && !tick && depth == 0;
        if !(plain && c.is_whitespace() && out.ends_with(char::is_whitespace)) {
            out.push(if plain && c.is_whitespace() { ' ' } else { c });
        }
    }
    out
}

// === printing ===

fn print(rows: &[Row<'_>]) -> String {
    let key_width = rows.iter().filter_map(|r| if let Row::Head { key, .. } = r { Some(wide(key)) } else { None }).max();
    let mut out: Vec<String> = Vec::new();
    for (n, row) in rows.iter().enumerate() {
        let line = match row {
            Row::Blank if out.last().is_none_or(String::is_empty) => continue,
            Row::Blank => String::new(),
            Row::Comment(text) => format!("{}{text}", indent(level_after(rows, n))),
            Row::Head { key, value, comment } => {
                let pad = key_width.unwrap_or(0).saturating_sub(wide(key));
                with_comment(format!("{key}:{} {value}", " ".repeat(pad)).trim_end(), 0, comment)
            }
            Row::Body { level, left, rest, comment } => {
                let group = together(rows, n);
                let column = if comment.is_empty() { 0 } else { comment_column(&group) };
                with_comment(&code(*level, *left, rest, left_column(&group)), column, comment)
            }
        };
        out.push(line);
    }
    while out.last().is_some_and(String::is_empty) {
        out.pop();
    }
    out.iter().map(|line| format!("{line}\n")).collect()
}

/// The rows of one parent that stand with row `n`: no empty line, comment or shallower line between them.
fn together<'r, 't>(rows: &'r [Row<'t>], n: usize) -> Vec<&'r Row<'t>> {
    let Some(Row::Body { level: own, .. }) = rows.get(n) else { return Vec::new() };
    let stands = |row: &&Row<'_>| matches!(row, Row::Body { level, .. } if level >= own);
    let before = rows.get(..n).unwrap_or_default().iter().rev().take_while(stands);
    let after = rows.get(n..).unwrap_or_default().iter().take_while(stands);
    before.chain(after).filter(|row| matches!(row, Row::Body { level, .. } if level == own)).collect()
}

/// How wide the left column of a group is; `.` stays short, and so does what is too wide.
fn left_column(group: &[&Row<'_>]) -> usize {
    let lefts = group.iter().filter_map(|row| if let Row::Body { left, .. } = row { *left } else { None });
    lefts.filter(|left| *left != ".").map(wide).filter(|width| *width <= WIDEST).max().unwrap_or(0)
}

fn comment_column(group: &[&Row<'_>]) -> usize {
    let column = left_column(group);
    let commented = group.iter().filter_map(|row| match row {
        Row::Body { level, left, rest, comment } if !comment.is_empty() => Some(wide(&code(*level, *left, rest, column))),
        _ => None,
    });
    commented.max().unwrap_or(0)
}

fn code(level: usize, left: Option<&str>, rest: &str, column: usize) -> String {
    match left {
        None => format!("{}{rest}", indent(level)),
        Some(".") => format!("{}. = {rest}", indent(level)),
        Some(left) => format!("{}{left}{} = {rest}", indent(level), " ".repeat(column.saturating_sub(wide(left)))),
    }
}

fn with_comment(code: &str, column: usize, comment: &str) -> String {
    if comment.is_empty() {
        return code.to_owned();
    }
    format!("{code}{}  {comment}", " ".repeat(column.saturating_sub(wide(code))))
}

/// The level of the next line of the body; after the last one, none.
fn level_after(rows: &[Row<'_>], n: usize) -> usize {
    let next = rows
        .get(n..)
        .unwrap_or_default()
        .iter()
        .find_map(|row| if let Row::Body { level, .. } = row { Some(*level) } else { None });
    let in_head = rows.get(n..).unwrap_or_default().iter().any(|row| matches!(row, Row::Head { .. }));
    if in_head { 0 } else { next.unwrap_or(0) }
}

fn indent(level: usize) -> String {
    "    ".repeat(level)
}

fn wide(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
#[path = "tidy_tests.rs"]
mod tests;
