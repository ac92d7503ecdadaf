//! Money in the store: movements, refunds and receipts written with their message; the books, read and added up.
//!
//! What always holds: movements and receipts are append-only (triggers of the store forbid anything else); a refund's row is guarded by its
//! version like every other. [`accounts`] compares what independent rows say about the same money: movements, payments, refunds, receipts,
//! dossiers.

use super::effects::number;
use super::lane::positive;
use super::view::parse;
use super::writer::Fault;
use super::{AccountFault, Accounts, Balance, MovementView, RefundFilter};
use crate::clock::Time;
use crate::model::{Account, Movement, Receipt, Refund};
use rusqlite::{Connection, Params, params};
use std::collections::BTreeMap;

/// Faults shown at most, of each kind.
const SHOWN: usize = 100;
/// Rows a list holds at most.
const MOST: u32 = 10_000;

/// A refund, serialised.
pub(super) struct RefundRow {
    refund: Refund,
    data: String,
}

/// A receipt, serialised.
pub(super) struct ReceiptRow {
    transaction: String,
    dossier: String,
    at: Time,
    amount: u64,
    data: String,
}

/// What the movements of one transaction add up to.
#[derive(Default)]
struct Moved {
    paid_in: i64,
    back: i64,
    reserved: i64,
    platform: i64,
    overpaid: i64,
}

// === impl RefundRow ===

impl RefundRow {
    pub(super) fn new(refund: Refund) -> Result<Self, Fault> {
        let data = serde_json::to_string(&refund).map_err(|_| Fault::Row("refund"))?;
        Ok(Self { refund, data })
    }

    /// Writes it; `false`: stale.
    pub(super) fn write(&self, conn: &Connection) -> Result<bool, Fault> {
        let r = &self.refund;
        let sql = if r.version == 1 {
            "INSERT INTO refund (id, version, payment, dossier, state, at, amount, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (id) DO NOTHING"
        } else {
            "UPDATE refund SET version = ?2, payment = ?3, dossier = ?4, state = ?5, at = ?6, amount = ?7, data = ?8
             WHERE id = ?1 AND version = ?2 - 1"
        };
        let row = params![
            r.id,
            number(r.version),
            r.transaction,
            r.dossier,
            r.state.word(),
            r.at.0,
            number(r.amount.amount()),
            self.data
        ];
        Ok(conn.prepare_cached(sql)?.execute(row)? == 1)
    }
}

// === impl ReceiptRow ===

impl ReceiptRow {
    pub(super) fn new(receipt: &Receipt) -> Result<Self, Fault> {
        Ok(Self {
            transaction: receipt.transaction.clone(),
            dossier: receipt.dossier.clone(),
            at: receipt.at,
            amount: receipt.amount.amount(),
            data: serde_json::to_string(receipt).map_err(|_| Fault::Row("receipt"))?,
        })
    }

    /// Writes it under the next number.
    pub(super) fn write(&self, conn: &Connection) -> Result<(), Fault> {
        conn.prepare_cached("INSERT INTO receipt (payment, dossier, at, amount, data) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![self.transaction, self.dossier, self.at.0, number(self.amount), self.data])?;
        Ok(())
    }
}

// === writing ===

pub(super) fn write_movement(conn: &Connection, m: &Movement) -> Result<(), Fault> {
    conn.prepare_cached(
        "INSERT INTO movement (payment, debit, credit, amount, kind, at, dossier, refund) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        m.transaction,
        m.debit.word(),
        m.credit.word(),
        number(m.amount.amount()),
        m.kind,
        m.at.0,
        m.dossier,
        m.refund
    ])?;
    Ok(())
}

// === reading ===

/// The refunds of a dossier, oldest first.
pub(super) fn refunds_of(conn: &Connection, dossier: &str) -> Result<Vec<Refund>, Fault> {
    refunds_by(conn, "SELECT data FROM refund WHERE dossier = ?1 ORDER BY seq", [dossier])
}

/// A refund by its id.
pub(super) fn refund(conn: &Connection, id: &str) -> Result<Option<Refund>, Fault> {
    Ok(refunds_by(conn, "SELECT data FROM refund WHERE id = ?1", [id])?.pop())
}

/// Refunds, newest first.
pub(super) fn refunds(conn: &Connection, filter: &RefundFilter) -> Result<Vec<Refund>, Fault> {
    let limit = filter.limit.min(MOST);
    let state = filter.state.map(crate::model::RefundState::word);
    match (&filter.dossier, state) {
        (Some(dossier), state) => refunds_by(
            conn,
            "SELECT data FROM refund WHERE dossier = ?1 AND (?2 IS NULL OR state = ?2) ORDER BY seq DESC LIMIT ?3",
            params![dossier, state, limit],
        ),
        (None, Some(state)) => {
            refunds_by(conn, "SELECT data FROM refund WHERE state = ?1 ORDER BY seq DESC LIMIT ?2", params![state, limit])
        }
        (None, None) => refunds_by(conn, "SELECT data FROM refund ORDER BY seq DESC LIMIT ?1", [limit]),
    }
}

fn refunds_by(conn: &Connection, sql: &str, which: impl Params) -> Result<Vec<Refund>, Fault> {
    let mut read = conn.prepare_cached(sql)?;
    let rows = read.query_map(which, |r| r.get::<_, String>(0))?;
    rows.map(|row| parse(&row?, "refund")).collect()
}

/// A dossier's receipts, oldest first.
pub(super) fn receipts(conn: &Connection, dossier: &str) -> Result<Vec<Receipt>, Fault> {
    let mut read = conn.prepare_cached("SELECT number, data FROM receipt WHERE dossier = ?1 ORDER BY number")?;
    let rows = read.query_map([dossier], |r| Ok((positive(r.get(0)?), r.get::<_, String>(1)?)))?;
    rows.map(|row| {
        let (number, data) = row?;
        Ok(Receipt { number, ..parse::<Receipt>(&data, "receipt")? })
    })
    .collect()
}

/// Movements after a number, of one transaction or of all, oldest first.
pub(super) fn movements(conn: &Connection, after: u64, limit: u32, of: Option<&str>) -> Result<Vec<MovementView>, Fault> {
    const COLUMNS: &str = "SELECT seq, payment, dossier, debit, credit, amount, kind, at, refund FROM movement";
    let sql = match of {
        Some(_) => format!("{COLUMNS} WHERE payment = ?3 AND seq > ?1 ORDER BY seq LIMIT ?2"),
        None => format!("{COLUMNS} WHERE seq > ?1 AND ?3 IS NULL ORDER BY seq LIMIT ?2"),
    };
    let mut read = conn.prepare_cached(&sql)?;
    let rows = read.query_map(params![number(after), limit.min(MOST), of], |r| {
        Ok(MovementView {
            movement: positive(r.get(0)?),
            transaction: r.get(1)?,
            dossier: r.get(2)?,
            debit: r.get(3)?,
            credit: r.get(4)?,
            amount: positive(r.get(5)?),
            kind: r.get(6)?,
            at: Time(r.get(7)?),
            refund: r.get(8)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The books: every account's sums, and every place where two rows say different things about the same money.
pub(super) fn accounts(conn: &Connection) -> Result<Accounts, Fault> {
    let mut books = Accounts::default();
    let mut sums: BTreeMap<String, Balance> = BTreeMap::new();
    let mut read = conn.prepare_cached("SELECT debit, credit, count(*), sum(amount) FROM movement GROUP BY debit, credit")?;
    let rows =
        read.query_map([], |r| Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?, positive(r.get(2)?), positive(r.get(3)?))))?;
    for row in rows {
        let (debit, credit, count, amount) = row?;
        books.movements += count;
        sums.entry(debit).or_default().debit += amount;
        sums.entry(credit).or_default().credit += amount;
    }
    for (account, mut balance) in sums {
        let known = Account::of_word(&account);
        match known {
            Some(Account::Citizen) => (books.paid_in, books.refunded) = (balance.debit, balance.credit),
            Some(_) => books.held += i128::from(balance.credit) - i128::from(balance.debit),
            None => books.fault("account-unknown", None, format!("movements name an account `{account}` that is none of ours")),
        }
        balance.account = account;
        books.balances.push(balance);
    }
    if i128::from(books.paid_in) != books.held + i128::from(books.refunded) {
        let text = format!(
            "what came in ({}) is not what is held ({}) and was refunded ({})",
            books.paid_in, books.held, books.refunded
        );
        books.fault("total", None, text);
    }
    let last: i64 = conn.query_row("SELECT coalesce(max(seq), 0) FROM movement", [], |r| r.get(0))?;
    if positive(last) != books.movements {
        books.fault("movement-gone", None, format!("{} movements, and the last one has number {last}", books.movements));
    }
    payments_agree(conn, &mut books)?;
    others_agree(conn, &mut books)?;
    Ok(books)
}

/// Each transaction's movements against its payment's row and its refunds.
fn payments_agree(conn: &Connection, books: &mut Accounts) -> Result<(), Fault> {
    let mut read = conn.prepare_cached(
        "SELECT p.id, json_extract(p.data, '$.state'), json_extract(p.data, '$.amount'), coalesce(json_extract(p.data, '$.reserved'), 0),
           coalesce(json_extract(p.data, '$.refunded'), 0),
           m.paid_in, m.back, m.reserved, m.platform, m.overpaid, coalesce(r.open, 0), coalesce(r.done, 0)
         FROM payment p
         LEFT JOIN (SELECT payment,
             sum(CASE debit WHEN 'citizen' THEN amount ELSE 0 END) paid_in, sum(CASE credit WHEN 'citizen' THEN amount ELSE 0 END) back,
             sum(CASE 'refund-reserved' WHEN credit THEN amount WHEN debit THEN -amount ELSE 0 END) reserved,
             sum(CASE 'platform' WHEN credit THEN amount WHEN debit THEN -amount ELSE 0 END) platform,
             sum(CASE 'overpaid' WHEN credit THEN amount WHEN debit THEN -amount ELSE 0 END) overpaid
           FROM movement GROUP BY payment) m ON m.payment = p.id
         LEFT JOIN (SELECT payment, sum(CASE WHEN state IN ('created', 'sent', 'unknown') THEN amount ELSE 0 END) open,
             sum(CASE state WHEN 'done' THEN amount ELSE 0 END) done FROM refund GROUP BY payment) r ON r.payment = p.id",
    )?;
    let mut rows = read.query([])?;
    while let Some(r) = rows.next()? {
        let transaction: String = r.get(0)?;
        let state: String = r.get(1)?;
        let amount: i64 = r.get(2)?;
        let (reserved, refunded): (i64, i64) = (r.get(3)?, r.get(4)?);
        let sum = |column: usize| r.get::<_, Option<i64>>(column).map(Option::unwrap_or_default);
        let moved = Moved { paid_in: sum(5)?, back: sum(6)?, reserved: sum(7)?, platform: sum(8)?, overpaid: sum(9)? };
        let (open, done): (i64, i64) = (r.get(10)?, r.get(11)?);
        books.payments += 1;
        let should = if state == "paid" { amount } else { 0 };
        for (wrong, what, text) in [
            (
                moved.paid_in != should,
                "payment",
                format!("it is {state} over {amount}, its movements brought in {}", moved.paid_in),
            ),
            (moved.reserved != reserved || reserved != open, "refund-reserved", {
                format!("reserved: movements {}, payment {reserved}, open refunds {open}", moved.reserved)
            }),
            (moved.back != refunded || refunded != done, "refund", {
                format!("refunded: movements {}, payment {refunded}, refunds done {done}", moved.back)
            }),
            (moved.platform < 0 || moved.overpaid < 0 || moved.reserved < 0, "below-zero", {
                format!("more was taken out than came in: {} / {} / {}", moved.platform, moved.overpaid, moved.reserved)
            }),
        ] {
            if wrong {
                books.fault(what, Some(&transaction), text);
            }
        }
    }
    Ok(())
}

/// What other rows say about the same money.
fn others_agree(conn: &Connection, books: &mut Accounts) -> Result<(), Fault> {
    for (what, sql, text) in [
        (
            "payment-missing",
            "SELECT DISTINCT payment FROM movement WHERE payment NOT IN (SELECT id FROM payment)",
            "movements without a payment",
        ),
        (
            "refund-missing",
            "SELECT DISTINCT payment FROM movement WHERE refund IS NOT NULL AND refund NOT IN (SELECT id FROM refund)",
            "movements of a refund that is not there",
        ),
        (
            "receipt",
            "SELECT m.payment FROM movement m LEFT JOIN receipt r ON r.payment = m.payment
             WHERE m.kind = 'payment' AND m.at > 0 AND (r.number IS NULL OR r.amount <> m.amount)",
            "a fee was paid and its receipt is missing or tells another sum",
        ),
        (
            "receipt",
            "SELECT payment FROM receipt WHERE payment NOT IN (SELECT payment FROM movement WHERE kind = 'payment')",
            "a receipt of what was not paid",
        ),
        (
            "fee",
            "SELECT json_extract(d.data, '$.fee.transaction') FROM dossier d WHERE json_extract(d.data, '$.fee.state') = 'paid'
             AND NOT EXISTS (SELECT 1 FROM movement m WHERE m.payment = json_extract(d.data, '$.fee.transaction')
               AND m.dossier = d.code AND m.kind = 'payment' AND m.amount = json_extract(d.data, '$.fee.amount'))",
            "a dossier's fee is told as paid, and no movement paid it",
        ),
    ] {
        let mut read = conn.prepare_cached(sql)?;
        let rows = read.query_map([], |r| r.get::<_, Option<String>>(0))?;
        for row in rows {
            books.fault(what, row?.as_deref(), text.to_owned());
        }
    }
    Ok(())
}

// === impl Accounts ===

impl Accounts {
    fn fault(&mut self, what: &str, transaction: Option<&str>, text: String) {
        self.faults_found += 1;
        if self.faults.iter().filter(|f| f.what == what).count() < SHOWN {
            self.faults.push(AccountFault { what: what.to_owned(), transaction: transaction.map(str::to_owned), text });
        }
    }
}
