//! The data of the three services' forms (ToKhai) and the papers that go with them, invented.
//!
//! Numbers, texts and truth values have the JSON types of the portal's wire: marks are texts, ranks are numbers.

use serde_json::{Value, json};

use super::super::paper;
use super::application::{Paper, Service};
use super::people::Person;
use crate::seal::Chance;

pub(super) fn papers(chance: &mut Chance, service: Service, priority: bool) -> Vec<Paper> {
    let mut file = |name: &str| {
        let size = usize::try_from(chance.between((800, 6000))).unwrap_or(800);
        (name.to_owned(), paper::pdf(&[name, &chance.below(1_000_000_000).to_string()], size))
    };
    let mut papers = match service {
        Service::Exam => vec![
            Paper {
                code: "TP01", name: "Phiếu đăng ký dự thi", kind: 2, copies: 2, files: vec![file("phieu-dang-ky.pdf")]
            },
            Paper {
                code: "TP02",
                name: "Học bạ (bản sao)",
                kind: 1,
                copies: 1,
                files: vec![file("hoc-ba-1.pdf"), file("hoc-ba-2.pdf")],
            },
            Paper { code: "TP03", name: "Ảnh 4x6 nộp tại trường", kind: 0, copies: 2, files: vec![] },
        ],
        Service::Review => vec![Paper {
            code: "TP01",
            name: "Đơn phúc khảo bài thi",
            kind: 2,
            copies: 1,
            files: vec![file("don-phuc-khao.pdf")],
        }],
        Service::Admission => vec![Paper {
            code: "TP01",
            name: "Phiếu đăng ký xét tuyển",
            kind: 2,
            copies: 1,
            files: vec![file("phieu-xet-tuyen.pdf")],
        }],
    };
    if priority {
        papers.push(Paper {
            code: "TP04",
            name: "Giấy xác nhận đối tượng ưu tiên",
            kind: 1,
            copies: 1,
            files: vec![file("uu-tien.pdf")],
        });
    }
    papers
}

pub(super) fn with_priority(mut form: Value, chance: &mut Chance, service: Service, priority: Option<&str>) -> Value {
    if let (Some(all), true) = (form.as_object_mut(), service != Service::Review) {
        let region = chance.pick(&["KV1", "KV2-NT", "KV2", "KV3", "KV3"]).copied().unwrap_or("KV3");
        all.insert("khuVuc".to_owned(), region.into());
        if let Some(group) = priority {
            all.insert("doiTuongUuTien".to_owned(), group.into());
        }
    }
    form
}

fn mark(chance: &mut Chance) -> String {
    let whole = chance.between((3, 9));
    match chance.below(4) {
        0 => whole.to_string(),
        n => format!("{whole}{}", ["", ".25", ".5", ".75"].get(usize::try_from(n).unwrap_or(1)).unwrap_or(&"")),
    }
}

pub(super) fn exam(chance: &mut Chance, p: &Person, old: bool, year: u64) -> Value {
    let free = chance.hits(0.25);
    let school = |chance: &mut Chance| json!({ "maTinh": "01", "maTruong": format!("{:03}", chance.between((1, 99))) });
    let subjects: &[&str] = match (old, chance.below(3)) {
        (true, 0) => &["TO", "VA", "N1", "KHXH"],
        (true, _) => &["TO", "VA", "N1", "KHTN"],
        (false, 0) => &["TO", "VA", "SU", "KT"],
        (false, 1) => &["TO", "VA", "LI", "TI"],
        (false, _) => &["TO", "VA", "N1", "CN"],
    };
    let mut last = school(chance);
    let mut residence = json!({ "maTinh": "01", "maXa": p.ward, "tren18ThangKV1": chance.hits(0.1) });
    if let Some(r) = residence.as_object_mut().filter(|_| old) {
        r.insert("maHuyen".to_owned(), p.district.into());
    }
    if let Some(l) = last.as_object_mut() {
        let class = if free { "TDO".to_owned() } else { format!("12A{}", chance.between((1, 12))) };
        l.insert("tenLop".to_owned(), class.into());
    }
    let mut form = json!({
        "maSo": "01", "soPhieu": format!("{:07}", chance.below(10_000_000)), "gioiTinh": u8::from(p.woman), "noiSinh": p.birthplace,
        "danToc": p.people, "quocTichNuocNgoai": p.identity.0 == "HC", "loaiGiayTo": p.identity.0, "soGiayTo": p.identity.1,
        "thuongTru": residence, "lop10": school(chance), "lop11": school(chance), "lop12": last,
        "lienHe": { "dienThoai": p.phone, "thuDienTu": p.email, "diaChi": format!("{}, Hà Nội", p.street) },
        "mucDich": chance.pick(&["TN", "XT", "TN+XT"]).copied().unwrap_or("TN"), "noiDKDT": format!("01{:03}", chance.between((1, 99))),
        "monThi": subjects,
    });
    if let Some(all) = form.as_object_mut() {
        if free {
            let kept = json!([{ "mon": "TO", "diem": mark(chance) }, { "mon": "VA", "diem": mark(chance) }]);
            let kept = if chance.hits(0.5) { kept } else { json!([]) };
            all.insert("thiSinhTuDo".to_owned(), json!({ "namTotNghiep": year - 1, "diemBaoLuu": kept }));
        }
        if chance.hits(0.2) {
            all.insert("mienThiNgoaiNgu".to_owned(), json!({ "chungChi": "IELTS", "diem": "6.5" }));
        }
    }
    form
}

pub(super) fn review(chance: &mut Chance, p: &Person, old: bool) -> Value {
    let subjects: &[&str] = if old { &["TO", "VA", "SU"] } else { &["TO", "TI", "KT"] };
    let count = usize::try_from(chance.between((1, 3))).unwrap_or(1);
    let rows: Vec<Value> = subjects
        .iter()
        .take(count)
        .map(|mon| {
            let mut row = json!({ "mon": mon, "phongThi": format!("P{:03}", chance.between((1, 400))), "diem": mark(chance) });
            if let Some(row) = row.as_object_mut().filter(|_| chance.hits(0.3)) {
                row.insert("ghiChu".to_owned(), "Đề nghị chấm lại phần tự luận".into());
            }
            row
        })
        .collect();
    json!({
        "hoiDongThi": "HN01", "noiDKDT": format!("01{:03}", chance.between((1, 99))), "soBaoDanh": format!("01{:06}", chance.below(1_000_000)),
        "gioiTinh": u8::from(p.woman), "noiSinh": p.birthplace, "danToc": p.people, "loaiGiayTo": p.identity.0, "soGiayTo": p.identity.1,
        "dienThoai": p.phone, "baiThi": rows,
    })
}

pub(super) fn admission(chance: &mut Chance, p: &Person, old: bool) -> Value {
    let schools = ["BKA", "QHI", "KHA", "NTH", "SPH", "YHB", "VDU"];
    let wishes: Vec<Value> = (1..=chance.between((2, 6)))
        .map(|rank| {
            let school = chance.pick(&schools).copied().unwrap_or("VDU");
            let group = chance.pick(&["A00", "A01", "B00", "C00", "D01"]).copied().unwrap_or("A00");
            let major = format!("7{:06}", chance.below(1_000_000));
            let mut wish = json!({ "thuTu": rank, "maTruong": school, "maNganh": major, "daNopPhi": false });
            if let Some(all) = wish.as_object_mut() {
                if !old {
                    all.insert("maPhuongThuc".to_owned(), chance.pick(&["100", "200", "301"]).copied().unwrap_or("100").into());
                }
                if old || chance.hits(0.7) {
                    all.insert("maToHop".to_owned(), group.into());
                }
            }
            wish
        })
        .collect();
    json!({ "gioiTinh": u8::from(p.woman), "loaiGiayTo": p.identity.0, "soGiayTo": p.identity.1, "nguyenVong": wishes })
}
