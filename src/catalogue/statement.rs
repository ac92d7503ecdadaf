//! How a payment platform's daily statement is written: columns, words, times, window. Data of partner.toml, `[statement]`.
//!
//! Always: what the reconciliation needs (transaction, amount, status) has a column, and no column is named twice.

use crate::clock::{OFFSET_SECONDS, Time};
use crate::config::reader::Table;
use crate::model::Vnd;
use jiff::civil;

/// The largest statement taken, bytes, unless the partner's data says less.
const MOST: u64 = 64 << 20;

/// How a partner writes its statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementForm {
    /// Between cells.
    pub separator: u8,
    /// The columns, by the partner's names.
    pub columns: Columns,
    /// Status words of a row that took money.
    pub paid: Vec<String>,
    /// Status words of a row that gave money back; none: its statements know no refunds.
    pub refunded: Vec<String>,
    /// Status words of a row that moved nothing.
    pub nothing: Vec<String>,
    /// The platform's fee we expect on each payment; none: any is taken as it is.
    pub fee: Option<Vnd>,
    /// Offset of times written without one, seconds east of UTC.
    pub offset: i32,
    /// The hour at which the window of a day's statement closes; what is booked later belongs to the next one.
    pub cut_off: civil::Time,
    /// Bytes a statement has at most.
    pub most: u64,
}

/// Column names of a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Our transaction id.
    pub transaction: String,
    /// Whole VND.
    pub amount: String,
    /// The row's status word.
    pub status: String,
    /// The platform's own transaction code.
    pub code: Option<String>,
    /// The platform's fee, whole VND.
    pub fee: Option<String>,
    /// When it was paid (or given back).
    pub paid_at: Option<String>,
    /// When the bank transfer that settles it was made.
    pub settled_at: Option<String>,
    /// Reference of that bank transfer.
    pub settlement: Option<String>,
}

// === impl Columns ===

impl Columns {
    /// Every column that has a name.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        let own = [&self.transaction, &self.amount, &self.status].into_iter();
        let others = [&self.code, &self.fee, &self.paid_at, &self.settled_at, &self.settlement];
        own.chain(others.into_iter().flatten()).map(String::as_str)
    }
}

// === impl StatementForm ===

impl StatementForm {
    /// When the window of a day's statement closes.
    #[must_use]
    pub fn closes(&self, day: civil::Date) -> Option<Time> {
        self.at(day.to_datetime(self.cut_off))
    }

    /// A time of the statement: RFC 3339, or a date and time without an offset.
    #[must_use]
    pub fn time(&self, text: &str) -> Option<Time> {
        let text = text.trim();
        // A date alone is no time.
        let civil = text.contains(':').then(|| text.parse::<civil::DateTime>().ok()).flatten();
        Time::parse(text).or_else(|| self.at(civil?))
    }

    fn at(&self, civil: civil::DateTime) -> Option<Time> {
        let offset = jiff::tz::Offset::from_seconds(self.offset).ok()?;
        offset.to_timestamp(civil).ok().map(|t| Time(t.as_millisecond()))
    }
}

/// Reads `[statement]`.
pub(super) fn read(t: &Table<'_>) -> StatementForm {
    t.only(&["separator", "columns", "paid", "refunded", "nothing", "fee", "timezone", "cut-off", "max-size"]);
    let columns = t.need("columns").and_then(|i| i.table()).map(|c| columns(&c)).unwrap_or_default();
    let paid = t.need("paid").map(|i| i.texts()).unwrap_or_default();
    let (refunded, nothing) = (t.texts("refunded"), t.texts("nothing"));
    let words: Vec<&String> = paid.iter().chain(&refunded).chain(&nothing).collect();
    if let Some(twice) = words.iter().enumerate().find_map(|(n, w)| words.iter().take(n).any(|o| o == w).then_some(w)) {
        t.fault_at("paid", format!("the status word `{twice}` stands twice among `paid`, `refunded` and `nothing`"), None);
    }
    let one = |s: &str| s.as_bytes().first().copied().filter(|b| s.len() == 1 && b.is_ascii() && !b"\"\r\n".contains(b));
    StatementForm {
        separator: t.parsed("separator", "one character, such as \",\" or \";\"", one).unwrap_or(b','),
        columns,
        paid,
        refunded,
        nothing,
        fee: t.whole("fee", 0).and_then(|n| Vnd::new(n).ok()),
        offset: t.parsed("timezone", "an offset such as \"+07:00\"", offset).unwrap_or(OFFSET_SECONDS),
        cut_off: t.parsed("cut-off", "an hour such as \"23:00\"", |s| s.parse().ok()).unwrap_or(civil::Time::MAX),
        most: t.size("max-size", MOST).min(MOST),
    }
}

fn columns(t: &Table<'_>) -> Columns {
    t.only(&["transaction", "amount", "status", "code", "fee", "paid-at", "settled-at", "settlement"]);
    let columns = Columns {
        transaction: t.need_text("transaction"),
        amount: t.need_text("amount"),
        status: t.need_text("status"),
        code: t.text("code"),
        fee: t.text("fee"),
        paid_at: t.text("paid-at"),
        settled_at: t.text("settled-at"),
        settlement: t.text("settlement"),
    };
    let names: Vec<&str> = columns.named().collect();
    if let Some(twice) = names.iter().enumerate().find_map(|(n, c)| names.iter().take(n).any(|o| o == c).then_some(c)) {
        t.fault(format!("the column `{twice}` is named twice"));
    }
    columns
}

/// `+07:00` → 25200.
fn offset(text: &str) -> Option<i32> {
    let (sign, rest) = if let Some(rest) = text.strip_prefix('+') { (1, rest) } else { (-1, text.strip_prefix('-')?) };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 14 && (0..60).contains(&minutes)).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::reader::{Doc, Faults};

    fn read_text(text: &str) -> (StatementForm, Vec<String>) {
        let faults = Faults::new("partner.toml", text);
        let doc = Doc::parse(text, &faults);
        let form = read(&doc.table(&faults));
        (form, faults.finish().into_iter().map(|f| f.text).collect())
    }

    const SOUND: &str = "columns = { transaction = 'id', amount = 'sum', status = 's', paid-at = 't' }\npaid = ['0']\n\
        nothing = ['2']\ntimezone = '+07:00'\ncut-off = '23:00'\n";

    #[test]
    fn a_form_knows_its_window_and_its_times() {
        let (form, faults) = read_text(SOUND);
        assert_eq!(faults, Vec::<String>::new());
        let closes = form.closes(civil::date(2026, 6, 9)).unwrap();
        assert_eq!(closes.rfc3339(), "2026-06-09T23:00:00+07:00");
        for text in ["2026-06-09T23:00:00+07:00", "2026-06-09 23:00:00", "2026-06-09T16:00:00Z", " 2026-06-09T23:00:00 "] {
            assert_eq!(form.time(text), Some(closes), "{text}");
        }
        for text in ["", "09/06/2026", "2026-06-09", "2026-13-09 00:00:00"] {
            assert_eq!(form.time(text), None, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_is_a_fault() {
        for (from, to, want) in [
            ("'sum'", "'id'", "named twice"),
            ("nothing = ['2']", "nothing = ['0']", "stands twice"),
            ("paid = ['0']\n", "", "paid"),
            ("'+07:00'", "'Hà Nội'", "an offset"),
            ("'23:00'", "'25:00'", "an hour"),
            ("status = 's'", "state = 's'", "state"),
        ] {
            let (_, faults) = read_text(&SOUND.replace(from, to));
            assert!(faults.iter().any(|f| f.contains(want)), "{to}: {faults:?}");
        }
    }
}
