//! Statement rows against our books: each row and each movement of the day in exactly one class, and sums that add up.
//!
//! Pure. Rows and movements meet by transaction and way; where several are alike, equal amounts meet first. Fields are compared in the order
//! in which they matter: amount, status, code, fee, day.

use super::statement::Row;
use crate::body::{Value, json};
use crate::catalogue::StatementForm;
use crate::clock::Time;
use crate::journal::{Booked, Difference, LineFacts, StatementLine};
use crate::model::{Class, Vnd, VndError, Way};
use jiff::civil::Date;
use std::collections::BTreeMap;

/// A clock of theirs may be so much ahead of ours, around midnight.
const SKEW_MS: i64 = 10 * 60 * 1000;

/// The day a statement is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The civil day.
    pub day: Date,
    /// When the window of the day before closed: what is booked from then on may stand in this one.
    pub opens: Time,
    /// When this one's closes: what is booked later is expected in the next.
    pub closes: Time,
    /// The end of the civil day.
    pub ends: Time,
}

/// What a class holds, by count and VND.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Rows of the statement.
    pub rows: u64,
    /// Their sum.
    pub theirs: Vnd,
    /// Movements of our books.
    pub booked: u64,
    /// Their sum.
    pub ours: Vnd,
}

/// Sums by way and class.
pub type Totals = BTreeMap<(Way, Class), Sums>;

/// What one bank transfer settles: N payments, refunds, the platform's fees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transfer {
    /// Its time.
    pub at: Option<Time>,
    /// Rows of payments.
    pub payments: u64,
    /// Their sum.
    pub paid: Vnd,
    /// Rows of refunds.
    pub refunds: u64,
    /// Their sum.
    pub given_back: Vnd,
    /// The platform's fees.
    pub fees: Vnd,
}

/// A whole comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Every row and movement, rows in the file's order, then our own.
    pub lines: Vec<StatementLine>,
    /// What they add up to.
    pub totals: Totals,
    /// By the bank transfer's reference, or its time where there is none.
    pub transfers: BTreeMap<String, Transfer>,
}

/// Why a comparison could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsound {
    /// A sum is too large.
    #[error("a sum is more than the largest amount")]
    Sum(#[from] VndError),
    /// Classes and sides do not add up: a fault of ours.
    #[error("the classes do not add up to the statement and the books")]
    Unbalanced,
}

// === impl Window ===

impl Window {
    /// The window of a day by a partner's cut-off; none: no such day in the calendar.
    #[must_use]
    pub fn of(form: &StatementForm, day: Date) -> Option<Self> {
        let midnight = StatementForm { cut_off: jiff::civil::Time::midnight(), ..form.clone() };
        let (before, after) = (day.yesterday().ok()?, day.tomorrow().ok()?);
        Some(Self { day, opens: form.closes(before)?, closes: form.closes(day)?, ends: midnight.closes(after)? })
    }

    fn holds(&self, at: Time) -> bool {
        self.opens <= at && at < self.ends
    }
}

// === impl Sums ===

impl Sums {
    fn add(&mut self, theirs: Option<u64>, ours: Option<u64>) -> Result<(), Unsound> {
        if let Some(amount) = theirs {
            self.rows += 1;
            self.theirs = self.theirs.checked_add(Vnd::new(amount)?).ok_or(VndError::TooLarge)?;
        }
        if let Some(amount) = ours {
            self.booked += 1;
            self.ours = self.ours.checked_add(Vnd::new(amount)?).ok_or(VndError::TooLarge)?;
        }
        Ok(())
    }
}

// === comparing ===

/// Compares. `booked` holds all movements of the window and all of the transactions that rows name; `now` says whether the window is over.
pub(super) fn compare(
    form: &StatementForm,
    window: &Window,
    rows: &[Row],
    booked: Vec<Booked>,
    now: Time,
) -> Result<Comparison, Unsound> {
    let ours = Sides::of(&booked);
    let mut books = Books::of(booked, rows);
    let mut lines = Vec::with_capacity(rows.len());
    let mut alike: BTreeMap<(&str, Way), u64> = BTreeMap::new();
    for row in rows {
        let nth = alike.entry((&row.transaction, row.way)).or_default();
        *nth += 1;
        lines.push(line(form, window, row, books.take(row), (*nth > 1).then_some(*nth)));
    }
    let (left, elsewhere) = books.left(window);
    lines.extend(left.into_iter().map(|b| unstated(window, b, now)));
    let mut comparison = Comparison { totals: totals(&lines)?, lines, transfers: transfers(rows)? };
    comparison.lines.shrink_to_fit();
    check(&comparison.totals, rows, &ours, &elsewhere)?;
    Ok(comparison)
}

/// A row, with the movement it meets.
fn line(form: &StatementForm, window: &Window, row: &Row, met: Option<Booked>, nth: Option<u64>) -> StatementLine {
    let differences = met.as_ref().map(|b| differences(form, window, row, b)).unwrap_or_default();
    let class = match &met {
        Some(_) if differences.is_empty() => Class::Matched,
        Some(_) => Class::Mismatched,
        // Neither side says that money moved.
        None if !row.moved => Class::Matched,
        None => Class::MissingOurs,
    };
    StatementLine {
        class,
        way: row.way,
        transaction: row.transaction.clone(),
        dossier: met.as_ref().map(|b| b.dossier.clone()),
        theirs: Some(if row.moved { row.amount.amount() } else { 0 }),
        ours: met.as_ref().map(|b| b.amount.amount()),
        movement: met.as_ref().map(|b| b.movement),
        more: LineFacts {
            line: Some(row.line),
            status: Some(row.status.clone()),
            code: row.code.clone(),
            fee: row.fee.map(Vnd::amount),
            at: row.at,
            settlement: settlement(row),
            nth,
            state: None,
            differences,
        },
    }
}

/// A movement that no row tells of.
fn unstated(window: &Window, b: Booked, now: Time) -> StatementLine {
    let open = b.at >= window.closes || now < window.closes;
    StatementLine {
        class: if open { Class::Expected } else { Class::MissingTheirs },
        way: b.way,
        transaction: b.transaction,
        dossier: Some(b.dossier),
        theirs: None,
        ours: Some(b.amount.amount()),
        movement: None,
        more: LineFacts { code: b.code, at: Some(b.at), ..LineFacts::default() },
    }
}

fn differences(form: &StatementForm, window: &Window, row: &Row, b: &Booked) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut differ = |field: &str, theirs: Value, ours: Value| found.push(Difference { field: field.to_owned(), theirs, ours });
    if row.moved && row.amount != b.amount {
        differ("amount", row.amount.amount().into(), b.amount.amount().into());
    }
    if !row.moved {
        differ("status", row.status.clone().into(), "paid".into());
    }
    if let (Some(theirs), Some(ours)) = (&row.code, &b.code)
        && theirs != ours
    {
        differ("code", theirs.clone().into(), ours.clone().into());
    }
    if let (Some(fee), Some(expected)) = (row.fee, form.fee)
        && fee != expected
        && row.way == Way::Payment
    {
        differ("fee", fee.amount().into(), expected.amount().into());
    }
    let day = |at: Time| at.civil().map(|c| c.date());
    let early = row.at.is_some_and(|at| b.at.plus_ms(SKEW_MS) < at && day(b.at) < day(at));
    if let Some(other) = &b.stated {
        differ("day", window.day.to_string().into(), other.clone().into());
    } else if row.at.is_some_and(|at| !window.holds(at)) || early {
        differ("day", json!(row.at.and_then(day).map(|d| d.to_string())), json!(day(b.at).map(|d| d.to_string())));
    }
    found
}

/// The bank transfer a row belongs to: its reference, or its time.
fn settlement(row: &Row) -> Option<String> {
    row.settlement.clone().or_else(|| row.settled_at.map(Time::rfc3339))
}

// === our books ===

/// The movements that rows may meet.
struct Books {
    by: BTreeMap<(String, Way), Vec<Booked>>,
    named: BTreeMap<(String, Way), Vec<Vnd>>,
}

/// Counts and sums of one side, taken from the side itself and not from the classes.
struct Sides {
    count: BTreeMap<Way, u64>,
    sum: BTreeMap<Way, u128>,
}

impl Sides {
    fn of(booked: &[Booked]) -> Self {
        let mut sides = Self { count: BTreeMap::new(), sum: BTreeMap::new() };
        for b in booked {
            *sides.count.entry(b.way).or_default() += 1;
            *sides.sum.entry(b.way).or_default() += u128::from(b.amount.amount());
        }
        sides
    }
}

impl Books {
    fn of(booked: Vec<Booked>, rows: &[Row]) -> Self {
        let mut books = Self { by: BTreeMap::new(), named: BTreeMap::new() };
        for b in booked {
            books.by.entry((b.transaction.clone(), b.way)).or_default().push(b);
        }
        for row in rows {
            books.named.entry((row.transaction.clone(), row.way)).or_default().push(row.amount);
        }
        books
    }

    /// The movement a row meets: the first of its amount; else the first that no other row's amount fits.
    fn take(&mut self, row: &Row) -> Option<Booked> {
        let key = (row.transaction.clone(), row.way);
        let waiting = self.named.get_mut(&key)?;
        if let Some(n) = waiting.iter().position(|a| *a == row.amount) {
            waiting.remove(n);
        }
        let ours = self.by.get_mut(&key)?;
        let same = ours.iter().position(|b| b.amount == row.amount);
        let count = |all: &mut dyn Iterator<Item = Vnd>, amount: Vnd| all.filter(|a| *a == amount).count();
        // More of this amount than other rows want: one of them is free.
        let spare =
            |b: &Booked| count(&mut ours.iter().map(|o| o.amount), b.amount) > count(&mut waiting.iter().copied(), b.amount);
        let free = || ours.iter().position(spare);
        let n = same.or_else(free)?;
        Some(ours.remove(n))
    }

    /// What no row met: of this window, and (counted only) what another statement has or what lies outside.
    fn left(self, window: &Window) -> (Vec<Booked>, Vec<Booked>) {
        let mut all: Vec<Booked> = self.by.into_values().flatten().collect();
        all.sort_by_key(|b| b.movement);
        all.into_iter().partition(|b| b.stated.is_none() && window.holds(b.at))
    }
}

// === sums ===

fn totals(lines: &[StatementLine]) -> Result<Totals, Unsound> {
    let mut totals = Totals::new();
    for line in lines {
        totals.entry((line.way, line.class)).or_default().add(line.theirs, line.ours)?;
    }
    Ok(totals)
}

fn transfers(rows: &[Row]) -> Result<BTreeMap<String, Transfer>, Unsound> {
    let mut all: BTreeMap<String, Transfer> = BTreeMap::new();
    for row in rows.iter().filter(|r| r.moved) {
        let Some(reference) = settlement(row) else { continue };
        let t = all.entry(reference).or_default();
        t.at = t.at.max(row.settled_at);
        let (count, sum) = match row.way {
            Way::Payment => (&mut t.payments, &mut t.paid),
            Way::Refund => (&mut t.refunds, &mut t.given_back),
        };
        *count += 1;
        *sum = sum.checked_add(row.amount).ok_or(VndError::TooLarge)?;
        t.fees = t.fees.checked_add(row.fee.unwrap_or(Vnd::ZERO)).ok_or(VndError::TooLarge)?;
    }
    Ok(all)
}

/// The classes' sums are both sides' sums, taken anew from rows and books.
fn check(totals: &Totals, rows: &[Row], ours: &Sides, elsewhere: &[Booked]) -> Result<(), Unsound> {
    let elsewhere = Sides::of(elsewhere);
    for (way, _) in Way::ALL {
        let of = totals.iter().filter(|((w, _), _)| *w == way).map(|(_, s)| s);
        let (mut counts, mut theirs, mut sum) = ((0, 0), 0u128, 0u128);
        for s in of {
            counts = (counts.0 + s.rows, counts.1 + s.booked);
            theirs += u128::from(s.theirs.amount());
            sum += u128::from(s.ours.amount());
        }
        let told = rows.iter().filter(|r| r.way == way);
        let stated: u128 = told.clone().filter(|r| r.moved).map(|r| u128::from(r.amount.amount())).sum();
        let count = |sides: &Sides| sides.count.get(&way).copied().unwrap_or(0);
        let total = |sides: &Sides| sides.sum.get(&way).copied().unwrap_or(0);
        let even = counts.0 == told.count() as u64
            && theirs == stated
            && counts.1 + count(&elsewhere) == count(ours)
            && sum + total(&elsewhere) == total(ours);
        if !even {
            return Err(Unsound::Unbalanced);
        }
    }
    Ok(())
}
