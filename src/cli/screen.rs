//! What the terminal gets: tables, JSON, sentences. Results go to stdout, everything said about them to stderr.
//!
//! Always: a reader that closes its end early (`| head`) is no error; columns are aligned by characters, counted in the composed
//! form, so that Vietnamese stands straight.

use crate::clock::Time;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use unicode_normalization::UnicodeNormalization as _;

/// Writes to stdout. What cannot be written has no reader any more.
pub(super) fn out(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}

/// Writes a line to stdout.
pub(super) fn line(text: impl AsRef<str>) {
    out(&format!("{}\n", text.as_ref()));
}

/// Writes a line to stderr.
pub(super) fn note(text: impl AsRef<str>) {
    let _ = writeln!(std::io::stderr().lock(), "{}", text.as_ref());
}

/// Writes a value to stdout as JSON, indented.
pub(super) fn json(value: &impl serde::Serialize) {
    line(serde_json::to_string_pretty(value).unwrap_or_default());
}

/// Returns when stdin has come to its end; never when it is not to be watched.
pub(super) async fn leash(watched: bool) {
    let (ended, end) = tokio::sync::oneshot::channel();
    if watched {
        // A thread of its own: a blocked read holds up nobody's end.
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            let _ = ended.send(());
        });
        let _ = end.await;
    } else {
        std::future::pending::<()>().await;
    }
}

/// Whether colours may be used on stderr.
pub(super) fn colour() -> bool {
    std::io::stderr().is_terminal()
}

/// Rows under a head, columns as wide as their widest cell, the last one left as it is.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|h| (*h).to_owned()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&head).chain(rows).collect();
    let widest = |c: usize| all.iter().filter_map(|row| row.get(c)).map(|cell| width(cell)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(widest).collect();
    let mut text = String::new();
    for row in all {
        let mut line = String::new();
        for (cell, wide) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell}{}  ", " ".repeat(wide.saturating_sub(width(cell))));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// How many columns a text takes: its characters in the composed form.
fn width(text: &str) -> usize {
    text.nfc().count()
}

/// A length of time in words: `45 s`, `3 min`, `2 h 10 min`, `4 d`.
pub(super) fn span(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    match seconds {
        0..=89 => format!("{seconds} s"),
        90..=5_399 => format!("{} min", seconds / 60),
        5_400..=172_799 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// The wall clock's date and time in Việt Nam, without the offset.
pub(super) fn when(at: Time) -> String {
    at.rfc3339().get(..19).unwrap_or_default().replace('T', " ")
}

/// Money as people write it: `40.000 ₫`.
pub(super) fn money(amount: u64) -> String {
    let digits = amount.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    format!("{text} ₫")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_straight_under_vietnamese_in_either_form() {
        let rows = [["Đã trả kết quả", "1"], ["Đã xử lý xong", "2"], ["\u{110}a\u{303} xong", "3"]];
        let rows: Vec<Vec<String>> = rows.iter().map(|r| r.map(str::to_owned).to_vec()).collect();
        let text = table(&["status", "n"], &rows);
        let at = |line: &str| line.nfc().collect::<Vec<_>>().iter().rposition(|c| !c.is_whitespace());
        let places: Vec<_> = text.lines().map(at).collect();
        assert!(places.windows(2).all(|w| w[0] == w[1]), "{text}");
    }

    #[test]
    fn money_and_spans_are_read_at_a_glance() {
        assert_eq!([0, 999, 40_000, 1_234_567].map(money), ["0 ₫", "999 ₫", "40.000 ₫", "1.234.567 ₫"]);
        assert_eq!([0, 45_000, 180_000, 7_800_000, 345_600_000].map(span), ["0 s", "45 s", "3 min", "2 h 10 min", "4 d"]);
    }
}
