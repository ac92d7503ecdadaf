//! A platform's statement, read strictly: every row or a list of faults with their lines; nothing in between.
//!
//! Always: an amount is whole VND, digits only; a status word is one the partner's data knows; what is read is bounded. A column the data
//! does not name is passed over and said.

use crate::catalogue::StatementForm;
use crate::clock::Time;
use crate::exchange::Fault;
use crate::model::{Vnd, Way};
use csv::StringRecord;

/// Rows of a statement at most.
const MOST_ROWS: usize = 1_000_000;
/// Faults told at most.
const MOST_FAULTS: usize = 20;
/// Bytes of a cell at most.
const MOST_CELL: usize = 200;

/// A row of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its line in the file, from 1 (the head).
    pub line: u64,
    /// Our transaction id.
    pub transaction: String,
    /// Which way money went.
    pub way: Way,
    /// Whether money moved at all by this row's status.
    pub moved: bool,
    /// The status word.
    pub status: String,
    /// Whole VND.
    pub amount: Vnd,
    /// The platform's own transaction code.
    pub code: Option<String>,
    /// The platform's fee.
    pub fee: Option<Vnd>,
    /// When it was paid or given back.
    pub at: Option<Time>,
    /// When the bank transfer that settles it was made.
    pub settled_at: Option<Time>,
    /// That transfer's reference.
    pub settlement: Option<String>,
}

/// A statement as read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Statement {
    /// Its rows, in the file's order.
    pub rows: Vec<Row>,
    /// Columns that were passed over.
    pub unread: Vec<String>,
}

/// Where each column stands.
struct Places {
    transaction: usize,
    amount: usize,
    status: usize,
    code: Option<usize>,
    fee: Option<usize>,
    at: Option<usize>,
    settled_at: Option<usize>,
    settlement: Option<usize>,
}

/// Reads a whole statement; on any fault, the first of them all.
pub(super) fn read(form: &StatementForm, bytes: &[u8]) -> Result<Statement, Vec<Fault>> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().delimiter(form.separator).from_reader(bytes);
    let head = reader.headers().map_err(|e| vec![broken(&e)])?.clone();
    let (places, unread) = places(form, &head)?;
    let (mut statement, mut faults) = (Statement { rows: Vec::new(), unread }, Vec::new());
    for record in reader.records() {
        if faults.len() >= MOST_FAULTS {
            break;
        }
        match record {
            Ok(record) => match row(form, &places, &record) {
                Ok(row) if statement.rows.len() < MOST_ROWS => statement.rows.push(row),
                Ok(row) => {
                    faults.push(fault(row.line, "", ("quá nhiều dòng", "too many rows")));
                    break;
                }
                Err(fault) => faults.push(fault),
            },
            Err(error) => {
                faults.push(broken(&error));
                break;
            }
        }
    }
    if faults.is_empty() { Ok(statement) } else { Err(faults) }
}

fn places(form: &StatementForm, head: &StringRecord) -> Result<(Places, Vec<String>), Vec<Fault>> {
    let mut faults = Vec::new();
    let names: Vec<&str> = head.iter().map(str::trim).collect();
    for (n, name) in names.iter().enumerate() {
        if names.iter().take(n).any(|o| o == name) {
            faults.push(fault(1, name, ("cột này có hai lần", "this column stands twice")));
        }
    }
    let mut find = |name: &str| {
        let found = names.iter().position(|n| *n == name);
        if found.is_none() {
            faults.push(fault(1, name, ("thiếu cột này", "this column is missing")));
        }
        found
    };
    let c = &form.columns;
    let needed = (find(&c.transaction), find(&c.amount), find(&c.status));
    let mut other = |name: &Option<String>| name.as_deref().and_then(&mut find);
    let (code, fee, at) = (other(&c.code), other(&c.fee), other(&c.paid_at));
    let (settled_at, settlement) = (other(&c.settled_at), other(&c.settlement));
    let unread = names.iter().filter(|n| c.named().all(|named| named != **n)).map(|n| (*n).to_owned()).collect();
    match needed {
        (Some(transaction), Some(amount), Some(status)) if faults.is_empty() => {
            Ok((Places { transaction, amount, status, code, fee, at, settled_at, settlement }, unread))
        }
        _ => Err(faults),
    }
}

fn row(form: &StatementForm, places: &Places, record: &StringRecord) -> Result<Row, Fault> {
    let line = record.position().map_or(0, csv::Position::line);
    let columns = &form.columns;
    if let Some(n) = record.iter().position(|cell| cell.len() > MOST_CELL) {
        return Err(fault(line, &format!("{}", n + 1), ("ô này quá dài", "this cell is too long")));
    }
    let cell = |place: usize| record.get(place).map_or("", str::trim);
    let some = |place: Option<usize>| place.map(cell).filter(|c| !c.is_empty());
    let money = |name: &str, text: &str| {
        Vnd::parse(text).map_err(|e| {
            fault(
                line,
                name,
                ("số tiền phải là số đồng nguyên, chỉ gồm chữ số (không dấu, không phân cách, không thập phân)", &e.to_string()),
            )
        })
    };
    let time = |name: &Option<String>, text: Option<&str>| match text {
        Some(text) => form.time(text).map(Some).ok_or_else(|| {
            let en = "a time such as 2026-06-09 08:30:00 or 2026-06-09T08:30:00+07:00";
            fault(
                line,
                name.as_deref().unwrap_or_default(),
                ("thời điểm phải có dạng 2026-06-09 08:30:00 hoặc 2026-06-09T08:30:00+07:00", en),
            )
        }),
        None => Ok(None),
    };
    let transaction = cell(places.transaction).to_owned();
    if transaction.is_empty() {
        return Err(fault(line, &columns.transaction, ("thiếu mã giao dịch", "the transaction's id is missing")));
    }
    let status = cell(places.status).to_owned();
    let (way, moved) = way(form, &status).ok_or_else(|| {
        fault(
            line,
            &columns.status,
            ("trạng thái này không có trong dữ liệu của đối tác", "the partner's data knows no such status word"),
        )
    })?;
    Ok(Row {
        line,
        transaction,
        way,
        moved,
        amount: money(&columns.amount, cell(places.amount))?,
        code: some(places.code).map(str::to_owned),
        fee: some(places.fee).map(|text| money(columns.fee.as_deref().unwrap_or_default(), text)).transpose()?,
        at: time(&columns.paid_at, some(places.at))?,
        settled_at: time(&columns.settled_at, some(places.settled_at))?,
        settlement: some(places.settlement).map(str::to_owned),
        status,
    })
}

/// Which way money went by a status word, and whether it moved; none: an unknown word.
fn way(form: &StatementForm, status: &str) -> Option<(Way, bool)> {
    let is = |words: &[String]| words.iter().any(|w| w == status);
    if is(&form.paid) {
        Some((Way::Payment, true))
    } else if is(&form.refunded) {
        Some((Way::Refund, true))
    } else {
        is(&form.nothing).then_some((Way::Payment, false))
    }
}

/// A fault of the CSV itself. The reader's own sentence may quote a value: only its kind is told.
fn broken(error: &csv::Error) -> Fault {
    let line = error.position().map_or(1, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => fault(line, "", ("không phải UTF-8", "not UTF-8")),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let (vi, en) = (
                format!("dòng có {len} ô, tiêu đề có {expected_len}"),
                format!("the row has {len} cells, the head {expected_len}"),
            );
            fault(line, "", (&vi, &en))
        }
        _ => fault(line, "", ("không đọc được CSV", "the CSV cannot be read")),
    }
}

fn fault(line: u64, column: &str, (vi, en): (&str, &str)) -> Fault {
    let at = if column.is_empty() { String::new() } else { format!(", cột {column}") };
    let at_en = if column.is_empty() { String::new() } else { format!(", column {column}") };
    Fault {
        pointer: if column.is_empty() { format!("{line}") } else { format!("{line}:{column}") },
        text: format!("dòng {line}{at}: {vi}"),
        text_en: format!("line {line}{at_en}: {en}"),
    }
}
