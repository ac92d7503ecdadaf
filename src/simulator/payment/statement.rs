//! The platform's daily statement, as CSV: what was paid in the day's window, settled together the next morning. Differences are planted on
//! demand, so that a reconciliation has something to find.
//!
//! The window of a day closes at 23:00 +07:00: what is paid later stands in the next day's statement.

use super::{Payment, Transaction};
use crate::clock::Time;

/// When the window closes and the next begins, milliseconds after the civil day's start.
const CUT_OFF_MS: i64 = 23 * 3_600_000;
/// When a day's payments are settled: so long after the civil day's start.
const SETTLED_MS: i64 = (24 + 9) * 3_600_000;

/// A difference to plant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// The first row is left out.
    Missing,
    /// A row of a transaction that nobody asked for.
    Extra,
    /// The last row's amount is 1 000 VND less.
    Amount,
    /// The last row bears another transaction code.
    Code,
    /// The last row stands twice.
    Twice,
    /// The last row says "failed".
    Status,
}

// === impl Plant ===

impl Plant {
    /// The plant of a word: `missing`, `extra`, `amount`, `code`, `twice`, `status`.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "missing" => Self::Missing,
            "extra" => Self::Extra,
            "amount" => Self::Amount,
            "code" => Self::Code,
            "twice" => Self::Twice,
            "status" => Self::Status,
            _ => return None,
        })
    }
}

// === impl Payment ===

impl Payment {
    /// A day's statement (none: of all days), with planted differences.
    #[must_use]
    pub fn statement(&self, day: Option<&str>, plants: &[Plant]) -> String {
        let window = day.and_then(|d| Some((d, Time::parse(&format!("{d}T00:00:00+07:00"))?)));
        let within =
            |at: i64| window.is_none_or(|(_, start)| (0..86_400_000).contains(&(at - start.0 - CUT_OFF_MS + 86_400_000)));
        let mut paid: Vec<Transaction> = self.transactions();
        paid.retain(|t| t.state == "paid" && t.paid_at_ms.is_some_and(within));
        paid.sort_by_key(|t| t.paid_at_ms);
        let mut rows: Vec<[String; 7]> = paid.iter().map(|t| row(t, window.map(|(_, start)| start))).collect();
        plants.iter().for_each(|p| plant(*p, &mut rows));
        let head = "transaction_id,transaction_code,trans_amount,payment_fee,paid_at,settled_at,status\n";
        rows.iter().fold(head.to_owned(), |text, row| text + &row.join(",") + "\n")
    }
}

fn row(t: &Transaction, start: Option<Time>) -> [String; 7] {
    let at = Time(t.paid_at_ms.unwrap_or_default());
    let settled = start.map_or(at, |s| s.plus_ms(SETTLED_MS));
    let (id, code) = (t.transaction_id.clone(), t.transaction_code.clone());
    [id, code, t.amount.to_string(), "0".into(), at.rfc3339(), settled.rfc3339(), "0".into()]
}

fn plant(plant: Plant, rows: &mut Vec<[String; 7]>) {
    let last = rows.last().cloned();
    match (plant, rows.last_mut(), last) {
        (Plant::Missing, Some(_), _) => drop(rows.remove(0)),
        (Plant::Extra, _, like) => {
            let mut extra = like.unwrap_or_else(|| ["", "", "", "0", "", "", "0"].map(str::to_owned));
            (extra[0], extra[1], extra[2]) = ("0000000000000STRANGE".into(), "VND9999999999".into(), "77000".into());
            rows.push(extra);
        }
        (Plant::Amount, Some(row), _) => {
            row[2] = row[2].parse::<u64>().map_or_else(|_| row[2].clone(), |n| n.saturating_sub(1000).to_string());
        }
        (Plant::Code, Some(row), _) => row[1] = "VND0000000000".into(),
        (Plant::Twice, Some(_), Some(row)) => rows.push(row),
        (Plant::Status, Some(row), _) => row[6] = "2".into(),
        _ => {}
    }
}
