//! Reconciliation (đối soát): a payment platform's daily statement set against our books.
//!
//! What always holds: every row of the statement and every movement of the day is in exactly one class, and the classes' sums are both
//! sides' sums, checked each time; nothing is adjusted by itself; each difference is a case with a history. The same day again opens no
//! case twice and none that was decided; a difference that is gone closes its own case and says by which statement.
//!
//! | file | what |
//! |---|---|
//! | `statement` | CSV → rows, strictly |
//! | `compare` | rows and movements → lines, sums (pure) |
//! | `differ` | lines → cases, and open cases → what became of them (pure) |
//! | `sheet` | lines → CSV that a spreadsheet cannot run |

mod compare;
mod differ;
mod sheet;
mod statement;
#[cfg(test)]
mod tests;

pub use compare::{Comparison, Sums, Totals, Transfer, Window};
pub use sheet::{Begin, sheet};
pub use statement::Row;

use crate::body::{Value, json};
use crate::catalogue::StatementForm;
use crate::clock::Clock;
use crate::exchange::{Current, Refusal};
use crate::journal::{CaseFilter, CaseView, Journal, JournalError, NewStatement, StatementLine, Told};
use crate::model::{CaseKind, Class, Way};
use crate::seal::sha256_hex;
use bytes::Bytes;
use jiff::civil::Date;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Differences of one statement at most: more of them are another merchant's file, not cases for a person.
const MOST_DIFFERENCES: usize = 10_000;
/// How often cases are computed anew because a person has acted on one meanwhile.
const ROUNDS: usize = 5;
/// Cases read at once.
const PAGE: u32 = 5_000;

/// Reconciles.
pub struct Settlement {
    current: Arc<Current>,
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
}

/// A statement to be compared.
#[derive(Clone, Debug)]
pub struct Order {
    /// The partner whose statement it is.
    pub partner: String,
    /// The day it is of.
    pub day: Date,
    /// The file.
    pub bytes: Bytes,
    /// Who hands it in.
    pub who: String,
    /// Only looked at: nothing is kept, no case is opened.
    pub dry: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Its number; none: it was only looked at.
    pub statement: Option<u64>,
    /// The comparison's sums, transfers, columns passed over, as kept.
    pub data: Value,
    /// The lines that differ.
    pub differences: Vec<StatementLine>,
    /// Open cases of earlier that this statement resolved.
    pub resolved: u64,
}

/// One of the two further lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Paid, and somebody who should be told was not (yet).
    PaidNotTold,
    /// Told as paid, and our books do not know it as paid.
    ToldNotPaid,
}

// === impl Settlement ===

impl Settlement {
    /// Builds it; nothing is opened.
    #[must_use]
    pub fn new(current: Arc<Current>, journal: Arc<dyn Journal>, clock: Arc<dyn Clock>) -> Self {
        Self { current, journal, clock }
    }

    /// Bytes a statement of this partner has at most.
    pub fn most(&self, partner: &str) -> Result<u64, Refusal> {
        Ok(self.form(partner)?.most)
    }

    /// Compares a statement with our books, keeps it, opens and resolves cases. Kept and synced when answered, unless dry.
    pub async fn reconcile(&self, order: Order) -> Result<Outcome, Refusal> {
        let form = self.form(&order.partner)?;
        let now = self.clock.now();
        let window = Window::of(&form, order.day).ok_or_else(no_day)?;
        if now.civil().is_none_or(|c| order.day > c.date()) {
            return Err(no_day());
        }
        if let Some(day) = self.journal.settled(&order.partner, &order.day.to_string()).await.map_err(failed)? {
            return Err(is_settled(&day));
        }
        let digest = sha256_hex(&order.bytes);
        let (reading, bytes) = (form.clone(), order.bytes.clone());
        let read = tokio::task::spawn_blocking(move || statement::read(&reading, &bytes)).await.map_err(|_| broken())?;
        let statement = read.map_err(unreadable)?;
        let named = statement.rows.iter().map(|r| r.transaction.clone()).collect();
        let day = order.day.to_string();
        let mut booked = self.journal.booked(&order.partner, &day, (window.opens, window.ends), named).await.map_err(failed)?;
        // Where the platform's statements know no refunds, they were made elsewhere: nothing of them is missing here.
        booked.retain(|b| b.way == Way::Payment || !form.refunded.is_empty());
        let rows = statement.rows;
        let compared = tokio::task::spawn_blocking(move || compare::compare(&form, &window, &rows, booked, now));
        let mut comparison = compared.await.map_err(|_| broken())?.map_err(|why| {
            tracing::error!(%why, partner = %order.partner, "a statement cannot be compared");
            broken()
        })?;
        let differing = comparison.lines.iter().filter(|l| l.class.differs()).count();
        if differing > MOST_DIFFERENCES {
            return Err(too_many(differing));
        }
        self.standing(&mut comparison.lines).await?;
        let data = told(&comparison, &statement.unread);
        let new = NewStatement { partner: order.partner, day, digest, at: now, who: order.who, data: data.clone() };
        let differences = comparison.lines.iter().filter(|l| l.class.differs()).cloned().collect();
        let (statement, resolved) = if order.dry { (None, 0) } else { self.keep(new, comparison.lines).await? };
        Ok(Outcome { statement, data, differences, resolved })
    }

    /// Fees of the days `from` to `to` that were paid and not told, or told and not paid.
    pub async fn list(&self, list: List, from: Date, to: Date, limit: u32) -> Result<Vec<Told>, Refusal> {
        let begin = |day: Date| midnight(day).ok_or_else(no_day);
        let (from, until) = (begin(from)?, begin(to.tomorrow().map_err(|_| no_day())?)?);
        let found = match list {
            List::PaidNotTold => self.journal.paid_not_told(from, until, limit),
            List::ToldNotPaid => self.journal.told_not_paid(from, until, limit),
        };
        found.await.map_err(failed)
    }

    fn form(&self, partner: &str) -> Result<StatementForm, Refusal> {
        let known = self.current.now();
        let partners = &known.catalogue.partners;
        partners.get(partner).and_then(|p| p.statement.clone()).ok_or_else(|| {
            let names: Vec<&str> = partners.values().filter(|p| p.statement.is_some()).map(|p| p.name.as_str()).collect();
            let names = if names.is_empty() { "–".to_owned() } else { names.join(", ") };
            Refusal::new(
                "statement-partner",
                422,
                format!(
                    "Đối tác này không có, hoặc dữ liệu của đối tác không mô tả sao kê ([statement] trong partner.toml); có sao kê: {names}."
                ),
                format!(
                    "There is no such partner, or its data describe no statement ([statement] in partner.toml); with statements: {names}."
                ),
            )
            .at("/partner")
        })
    }

    /// How the transactions that the statement has and our books have not stand with us.
    async fn standing(&self, lines: &mut [StatementLine]) -> Result<(), Refusal> {
        for line in lines.iter_mut().filter(|l| l.class == Class::MissingOurs) {
            if let Some(payment) = self.journal.payment(&line.transaction).await.map_err(failed)? {
                line.dossier = Some(payment.dossier);
                line.more.state = serde_json::to_value(payment.state).ok().and_then(|s| s.as_str().map(str::to_owned));
            }
        }
        Ok(())
    }

    /// Keeps it with the cases; how many earlier ones it resolved.
    async fn keep(&self, new: NewStatement, lines: Vec<StatementLine>) -> Result<(Option<u64>, u64), Refusal> {
        for _ in 0..ROUNDS {
            let open = self.open_cases(&new.partner).await?;
            let effects = differ::effects(&new, &lines, &open);
            let resolved = effects.case_steps.len() as u64;
            if let Some(number) = self.journal.keep_statement(new.clone(), lines.clone(), effects).await.map_err(failed)? {
                return Ok((Some(number), resolved));
            }
        }
        Err(busy())
    }

    /// The partner's open cases about statements.
    async fn open_cases(&self, partner: &str) -> Result<Vec<CaseView>, Refusal> {
        let mut all = Vec::new();
        for (kind, _) in CaseKind::ALL.iter().filter(|(k, _)| k.stands()) {
            let mut after = 0;
            loop {
                let filter = CaseFilter { kind: Some(*kind), open: Some(true), after, limit: PAGE, ..CaseFilter::default() };
                let page = self.journal.cases(filter).await.map_err(failed)?;
                let Some(last) = page.last() else { break };
                after = last.case;
                all.extend(page.into_iter().filter(|c| c.data.get("partner").and_then(Value::as_str) == Some(partner)));
            }
        }
        Ok(all)
    }
}

impl std::fmt::Debug for Settlement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settlement").finish_non_exhaustive()
    }
}

// === what is told ===

/// Sums by way and class, transfers, columns passed over.
fn told(comparison: &Comparison, unread: &[String]) -> Value {
    let sums = |s: &Sums| json!({ "rows": s.rows, "theirs": s.theirs, "booked": s.booked, "ours": s.ours });
    let mut ways = BTreeMap::new();
    for (way, word) in Way::ALL {
        let mut classes = BTreeMap::new();
        let mut all = Sums::default();
        for (class, class_word) in Class::ALL {
            let s = comparison.totals.get(&(way, class)).copied().unwrap_or_default();
            classes.insert(class_word, sums(&s));
            all = Sums {
                rows: all.rows + s.rows,
                booked: all.booked + s.booked,
                theirs: all.theirs.checked_add(s.theirs).unwrap_or(all.theirs),
                ours: all.ours.checked_add(s.ours).unwrap_or(all.ours),
            };
        }
        classes.insert("all", sums(&all));
        ways.insert(word, classes);
    }
    let transfers: Vec<Value> = comparison.transfers.iter().map(|(reference, t)| transfer(reference, t)).collect();
    let differences = comparison.lines.iter().filter(|l| l.class.differs()).count();
    json!({ "sums": ways, "transfers": transfers, "unread": unread, "differences": differences, "lines": comparison.lines.len() })
}

fn transfer(reference: &str, t: &Transfer) -> Value {
    let net = i128::from(t.paid.amount()) - i128::from(t.given_back.amount()) - i128::from(t.fees.amount());
    json!({
        "transfer": reference,
        "at": t.at.map(crate::clock::Time::rfc3339),
        "payments": t.payments,
        "paid": t.paid,
        "refunds": t.refunds,
        "given_back": t.given_back,
        "fees": t.fees,
        "net": i64::try_from(net).unwrap_or(i64::MAX),
    })
}

fn midnight(day: Date) -> Option<crate::clock::Time> {
    let offset = jiff::tz::Offset::from_seconds(crate::clock::OFFSET_SECONDS).ok()?;
    offset.to_timestamp(day.to_datetime(jiff::civil::Time::midnight())).ok().map(|t| crate::clock::Time(t.as_millisecond()))
}

// === refusals ===

fn unreadable(faults: Vec<crate::exchange::Fault>) -> Refusal {
    let mut refusal = Refusal::new(
        "statement-broken",
        422,
        "Sao kê không đọc được; chưa có gì được ghi nhận.",
        "The statement cannot be read; nothing of it was taken.",
    );
    refusal.faults = faults;
    refusal
}

fn too_many(differing: usize) -> Refusal {
    Refusal::new(
        "statement-differs",
        422,
        format!(
            "Sao kê lệch {differing} dòng so với sổ: hãy kiểm tra có đúng đối tác, đúng ngày không. Chưa có gì được ghi nhận."
        ),
        format!("The statement differs in {differing} lines: is it this partner's, of this day? Nothing of it was taken."),
    )
}

fn no_day() -> Refusal {
    Refusal::new(
        "statement-day",
        422,
        "Ngày đối soát phải có dạng 2026-06-09 và không nằm trong tương lai.",
        "The day has the form 2026-06-09 and does not lie in the future.",
    )
    .at("/day")
}

fn is_settled(day: &str) -> Refusal {
    Refusal::new(
        "statement-settled",
        409,
        format!(
            "Ngày {day} đã đối soát xong và các dòng sao kê đã được xóa theo thời hạn lưu giữ: ngày này và ngày liền kề không đối soát lại được."
        ),
        format!(
            "The day {day} is settled and its lines were removed by retention: it and the days beside it are not reconciled again."
        ),
    )
    .at("/day")
}

fn broken() -> Refusal {
    Refusal::new(
        "internal",
        500,
        "Hệ thống gặp lỗi khi đối soát; chưa có gì được ghi nhận.",
        "The reconciliation failed; nothing of it was taken.",
    )
}

fn busy() -> Refusal {
    Refusal::new(
        "temporary-reduced-capacity",
        503,
        "Hệ thống đang bận; xin thử lại sau ít giây. Chưa có gì được ghi nhận.",
        "The gateway is busy; try again in a few seconds. Nothing of it was taken.",
    )
}

fn failed(error: JournalError) -> Refusal {
    tracing::error!(%error, "the journal fails a reconciliation");
    busy()
}
