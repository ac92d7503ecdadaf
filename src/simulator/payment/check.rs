//! What the platform checks of a request to create or query a transaction: pure, all faults at once.
//!
//! Values are sealed raw, as they stand in the message: a number's digits, a text's characters.

use serde_json::{Map, Value};

use super::super::seal;

/// The most characters of a transaction's id.
const ID_LENGTH: usize = 20;

/// Every field `bill_info` must carry; those marked true must not be empty.
const BILL: [(&str, bool); 27] = [
    ("MaDichVu", true),
    ("MaDVC", false),
    ("TenDVC", false),
    ("MaTTHC", true),
    ("TenTTHC", true),
    ("MaDonVi", true),
    ("TenDonVi", true),
    ("MaHoSo", true),
    ("TKThuHuong", true),
    ("MaNHThuHuong", true),
    ("TenTKThuHuong", true),
    ("NoiDungThanhToan", true),
    ("MaLoaiHinhThuPhat", false),
    ("HoTenNguoiNop", true),
    ("SoCMNDNguoiNop", false),
    ("DiaChiNguoiNop", false),
    ("HuyenNguoiNop", false),
    ("TinhNguoiNop", false),
    ("MaCoQuanQD", false),
    ("TenCoQuanQD", false),
    ("KhoBac", false),
    ("NgayQD", false),
    ("SoQD", false),
    ("ThoiGianViPham", false),
    ("DiaDiemViPham", false),
    ("TenNguoiViPham", false),
    ("TaiKhoanThuNSNN", false),
];

/// The order of what a create's and a notice's seal covers.
pub(super) const SEALED: [&str; 6] = ["addition_fee", "client_id", "command", "trans_amount", "transaction_id", "version"];

/// The order of what a query's seal covers.
pub(super) const SEALED_QUERY: [&str; 3] = ["client_id", "command", "transaction_id"];

/// A scalar as it stands in the message; `None` of an array or an object.
pub(super) fn raw(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        Value::Null => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// A field's text; empty when it is absent.
pub(super) fn text(of: &Map<String, Value>, name: &str) -> String {
    of.get(name).and_then(raw).unwrap_or_default()
}

/// Whole VND, sent as a number or as text.
pub(super) fn money(of: &Map<String, Value>, name: &str) -> Option<u64> {
    of.get(name).and_then(raw)?.parse().ok()
}

/// The seal over the named fields' raw values.
pub(super) fn sum(key: &str, of: &Map<String, Value>, names: &[&str]) -> String {
    let values: Vec<String> = names.iter().map(|n| text(of, n)).collect();
    seal::check_sum(key, &values)
}

/// True when `check_sum` is the seal over the named fields.
pub(super) fn sealed(key: &str, of: &Map<String, Value>, names: &[&str]) -> bool {
    text(of, "check_sum") == sum(key, of, names)
}

/// Every fault of a create besides its seal and the id's being new.
pub(super) fn create(client_id: &str, of: &Map<String, Value>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut must = |holds: bool, fault: &str| {
        if !holds {
            faults.push(fault.to_owned());
        }
    };
    let id = text(of, "transaction_id");
    let amount = money(of, "trans_amount");
    let url = text(of, "return_url");
    must(text(of, "client_id") == client_id, "client_id is not ours");
    must(!id.is_empty() && id.chars().count() <= ID_LENGTH, "transaction_id is not 1 to 20 characters");
    must(amount.is_some_and(|a| a > 0), "trans_amount is not a whole amount above zero");
    must(money(of, "addition_fee").is_some(), "addition_fee is not a whole amount");
    for (name, want) in [("command", "PAY"), ("version", "3.0"), ("locale", "vn"), ("currency_code", "VND")] {
        must(text(of, name) == want, &format!("{name} is not {want}"));
    }
    must(of.contains_key("country_code"), "country_code is missing");
    must(!text(of, "description").is_empty(), "description is missing");
    must(matches!(text(of, "environment").as_str(), "1" | "2"), "environment is neither 1 nor 2");
    must(url.starts_with("http://") || url.starts_with("https://"), "return_url is not a URL");
    match of.get("bill_info").and_then(Value::as_object) {
        Some(bill) => faults.extend(bill_faults(bill, amount)),
        None => faults.push("bill_info is missing".to_owned()),
    }
    faults
}

fn bill_faults(bill: &Map<String, Value>, amount: Option<u64>) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, full) in BILL {
        match bill.get(name).map(raw) {
            Some(Some(value)) if !(full && value.is_empty()) => {}
            _ => faults.push(format!("bill_info.{name} is missing or empty")),
        }
    }
    if text(bill, "MaDichVu") != "2" {
        faults.push("bill_info.MaDichVu is not 2".to_owned());
    }
    let fees = rows(bill, "PhiLePhi", &["LoaiPhiLePhi", "MaPhiLePhi", "TenPhiLePhi", "SoTien"], &mut faults);
    if fees.is_some_and(|total| total > 0) && fees != amount {
        faults.push("the fees of PhiLePhi do not add up to trans_amount".to_owned());
    }
    rows(bill, "DSKhoanNop", &["NoiDung", "SoTien"], &mut faults);
    for row in bill.get("DSKhoanNop").and_then(Value::as_array).into_iter().flatten() {
        if !row.get("SoTien").is_some_and(Value::is_string) {
            faults.push("bill_info.DSKhoanNop: SoTien is not text".to_owned());
        }
    }
    faults
}

/// Checks an array's rows and adds their amounts up (0 when it is empty); `None` when they are faulty.
fn rows(bill: &Map<String, Value>, name: &str, fields: &[&str], faults: &mut Vec<String>) -> Option<u64> {
    let Some(rows) = bill.get(name).and_then(Value::as_array) else {
        faults.push(format!("bill_info.{name} is missing"));
        return None;
    };
    let mut total = Some(0_u64);
    for row in rows {
        let row = row.as_object().cloned().unwrap_or_default();
        for field in fields.iter().filter(|f| text(&row, f).is_empty()) {
            faults.push(format!("bill_info.{name}: {field} is missing or empty"));
        }
        total = total.and_then(|t| t.checked_add(money(&row, "SoTien")?));
    }
    if total.is_none() {
        faults.push(format!("bill_info.{name}: SoTien is not a whole amount"));
    }
    total
}
