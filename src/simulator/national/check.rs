//! What the national portal checks of a call: pure, all faults at once, told by place and rule, never by value.
//!
//! All scalars are texts, nothing is null and nothing left out, none is an empty text; times are `yyyyMMddHHmmss`.

use serde_json::{Map, Value};

/// What may stand in a field.
#[derive(Clone, Copy)]
enum Is {
    /// A text that is not empty.
    Text,
    /// A text, or none.
    May,
    /// A time, or none.
    Time,
    /// A time that must be there.
    At,
    /// Whole VND.
    Money,
    /// One of these.
    Of(&'static [&'static str]),
    /// A list of such rows.
    Rows(&'static [(&'static str, Is)]),
}

const STATUS: Is = Is::Of(&["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]);
const FLAG: Is = Is::Of(&["True", "False"]);

const FEE: &[(&str, Is)] = &[
    ("TenPhiLePhi", Is::Text),
    ("MaPhiLePhi", Is::Text),
    ("HinhThucThu", Is::Of(&["1", "2", "4", ""])),
    ("Gia", Is::Money),
    ("LoaiPhiLePhi", Is::Text),
];

const PAPER: &[(&str, Is)] = &[("TenGiayTo", Is::Text), ("SoLuong", Is::Money), ("LoaiGiayTo", Is::Of(&["0", "1", "2"]))];

const HANDED_IN: &[(&str, Is)] = &[
    ("TepDinhKemId", Is::Text),
    ("TenTepDinhKem", Is::Text),
    ("IsDeleted", FLAG),
    ("MaThanhPhanHoSo", Is::Text),
    ("DuongDanTaiTepTin", Is::May),
];

const SUPPLEMENT: &[(&str, Is)] = &[
    ("HoSoBoSungId", Is::Text),
    ("NguoiYeuCauBoSung", Is::Text),
    ("NoiDungBoSung", Is::Text),
    ("NgayBoSung", Is::At),
    ("NguoiTiepNhanBoSung", Is::May),
    ("ThongTinTiepNhan", Is::May),
    ("NgayTiepNhanBoSung", Is::Time),
    ("TrangThaiBoSung", Is::Text),
    ("DanhSachGiayToBoSung", Is::Rows(PAPER)),
    ("DanhSachLePhiBoSung", Is::Rows(FEE)),
    ("NgayHenTraTruoc", Is::Time),
    ("NgayHenTraMoi", Is::Time),
];

const RESULT: &[(&str, Is)] =
    &[("TenGiayTo", Is::Text), ("MaThanhPhanHoSo", Is::May), ("GiayToId", Is::Text), ("DuongDanTepTinKetQua", Is::May)];

/// A dossier of DongBoHoSoMC.
const DOSSIER: &[(&str, Is)] = &[
    ("MaHoSo", Is::Text),
    ("MaTTHC", Is::Text),
    ("TenTTHC", Is::Text),
    ("MaLinhVuc", Is::May),
    ("TenLinhVuc", Is::Text),
    ("SoBienNhan", Is::May),
    ("ChuHoSo", Is::Text),
    ("LoaiDoiTuong", Is::Of(&["1", "2"])),
    ("MaDoiTuong", Is::May),
    ("ThongTinKhac", Is::May),
    ("Email", Is::May),
    ("Fax", Is::May),
    ("SoDienThoai", Is::May),
    ("TrichYeuHoSo", Is::May),
    ("NgayTiepNhan", Is::Time),
    ("NgayHenTra", Is::Time),
    ("TrangThaiHoSo", STATUS),
    ("NgayTra", Is::Time),
    ("ThongTinTra", Is::May),
    ("HinhThuc", Is::Of(&["0", "1", ""])),
    ("NgayKetThucXuLy", Is::Time),
    ("DonViXuLy", Is::Text),
    ("GhiChu", Is::May),
    ("TaiLieuNop", Is::Rows(HANDED_IN)),
    ("DanhSachLePhi", Is::Rows(FEE)),
    ("DanhSachTepDinhKemKhac", Is::Rows(PAPER)),
    ("DanhSachHoSoBoSung", Is::Rows(SUPPLEMENT)),
    ("DanhSachGiayToKetQua", Is::Rows(RESULT)),
];

/// A step of CapNhatTienDoHoSoMC.
const STEP: &[(&str, Is)] = &[
    ("MaHoSo", Is::Text),
    ("NguoiXuLy", Is::May),
    ("ChucDanh", Is::May),
    ("ThoiDiemXuLy", Is::At),
    ("PhongBanXuLy", Is::May),
    ("NoiDungXuLy", Is::Text),
    ("TrangThai", STATUS),
    ("NgayBatDau", Is::Time),
    ("NgayKetThucTheoQuyDinh", Is::Time),
];

/// Every fault of a dossier.
pub(super) fn dossier(of: &Map<String, Value>) -> Vec<String> {
    let mut faults = Vec::new();
    fields(of, DOSSIER, "", &mut faults);
    faults
}

/// Every fault of a step.
pub(super) fn step(of: &Map<String, Value>) -> Vec<String> {
    let mut faults = Vec::new();
    fields(of, STEP, "", &mut faults);
    faults
}

/// A member's text; empty when it is absent or no text.
pub(super) fn text<'o>(of: &'o Map<String, Value>, name: &str) -> &'o str {
    of.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn fields(of: &Map<String, Value>, rules: &[(&str, Is)], at: &str, faults: &mut Vec<String>) {
    for (name, is) in rules {
        if let Err(why) = of.get(*name).ok_or("is missing").and_then(|value| field(value, *is, &format!("{at}{name}"), faults)) {
            faults.push(format!("{at}{name} {why}"));
        }
    }
    for name in of.keys().filter(|name| !rules.iter().any(|(known, _)| known == name)) {
        faults.push(format!("{at}{name} is not known"));
    }
}

fn field(value: &Value, is: Is, at: &str, faults: &mut Vec<String>) -> Result<(), &'static str> {
    if let Is::Rows(rules) = is {
        for (n, row) in value.as_array().ok_or("is no list")?.iter().enumerate() {
            match row.as_object() {
                Some(row) => fields(row, rules, &format!("{at}[{n}]."), faults),
                None => faults.push(format!("{at}[{n}] is no object")),
            }
        }
        return Ok(());
    }
    let text = value.as_str().ok_or("is no text")?;
    let holds = match is {
        Is::May | Is::Rows(_) => true,
        Is::Text => !text.is_empty(),
        Is::Time => text.is_empty() || is_time(text),
        Is::At => is_time(text),
        Is::Money => !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()),
        Is::Of(words) => words.contains(&text),
    };
    if holds { Ok(()) } else { Err("has no such value") }
}

/// A moment of the calendar, `yyyyMMddHHmmss`.
fn is_time(text: &str) -> bool {
    text.len() == 14 && jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", text).is_ok()
}
