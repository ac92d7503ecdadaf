//! A comparison as CSV for accountants: UTF-8, with a byte order mark on request (Excel wants one), and no cell that a spreadsheet would run.

use crate::journal::StatementLine;
use crate::model::Way;

const HEAD: [&str; 15] = [
    "Kết quả",
    "Mã kết quả",
    "Loại",
    "Mã giao dịch",
    "Mã giao dịch nền tảng",
    "Mã hồ sơ",
    "Số tiền theo sao kê (đồng)",
    "Số tiền theo sổ (đồng)",
    "Phí của nền tảng (đồng)",
    "Thời điểm",
    "Chuyển khoản quyết toán",
    "Trạng thái trên sao kê",
    "Trạng thái trong sổ",
    "Khác biệt",
    "Dòng sao kê",
];

/// Where a sheet begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// With the head; with a byte order mark before it, or without.
    Head {
        /// The mark.
        bom: bool,
    },
    /// It goes on: lines only.
    Amid,
}

/// Lines as CSV: a whole sheet, or a piece of one.
pub fn sheet<'l>(begin: Begin, lines: impl Iterator<Item = &'l StatementLine>) -> Result<Vec<u8>, csv::Error> {
    let mut bytes = Vec::new();
    if begin == (Begin::Head { bom: true }) {
        bytes.extend_from_slice(b"\xEF\xBB\xBF");
    }
    let mut writer = csv::Writer::from_writer(&mut bytes);
    if begin != Begin::Amid {
        writer.write_record(HEAD)?;
    }
    for line in lines {
        writer.write_record(cells(line).map(safe))?;
    }
    writer.flush()?;
    drop(writer);
    Ok(bytes)
}

fn cells(l: &StatementLine) -> [String; 15] {
    let way = match l.way {
        Way::Payment => "Nộp",
        Way::Refund => "Hoàn trả",
    };
    let amount = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
    let own = |text: &Option<String>| text.clone().unwrap_or_default();
    let differences: Vec<String> =
        l.more.differences.iter().map(|d| format!("{}: {} ≠ {}", d.field, plain(&d.theirs), plain(&d.ours))).collect();
    [
        l.class.vietnamese().to_owned(),
        l.class.word().to_owned(),
        way.to_owned(),
        l.transaction.clone(),
        own(&l.more.code),
        own(&l.dossier),
        amount(l.theirs),
        amount(l.ours),
        amount(l.more.fee),
        l.more.at.map(crate::clock::Time::rfc3339).unwrap_or_default(),
        own(&l.more.settlement),
        own(&l.more.status),
        own(&l.more.state),
        differences.join("; "),
        amount(l.more.line),
    ]
}

/// A cell that a spreadsheet takes as text: what begins like a formula gets an apostrophe before it.
fn safe(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) { format!("'{cell}") } else { cell }
}

fn plain(value: &crate::body::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_like_a_formula() {
        for (cell, want) in [
            ("=1+1", "'=1+1"),
            ("+84", "'+84"),
            ("-1", "'-1"),
            ("@x", "'@x"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("＝x", "'＝x"),
            ("250000", "250000"),
            ("Khớp", "Khớp"),
            ("", ""),
        ] {
            assert_eq!(safe(cell.to_owned()), want);
        }
    }
}
