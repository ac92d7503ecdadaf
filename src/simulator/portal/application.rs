//! What a citizen files at the portal: an invented dossier of one of the three services, in either edition of its form.
//!
//! Deterministic: the same seed and number give the same dossier. Varied on purpose: free candidates, absent optionals,
//! several wishes, papers with none, one or two files.

use serde_json::{Value, json};

use super::super::paper;
use super::forms;
use super::people::Person;
use crate::seal::Chance;

/// The services that the Ministry hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// 1.005142 Đăng ký dự thi.
    Exam,
    /// 1.005095 Phúc khảo bài thi.
    Review,
    /// 1.001942 Đăng ký xét tuyển.
    Admission,
}

/// The editions of their forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub enum Edition {
    /// In force from 2019.
    #[serde(rename = "2019")]
    Of2019,
    /// In force from 2025.
    #[serde(rename = "2025")]
    Of2025,
}

/// A paper of a dossier with its files' names and contents.
#[derive(Clone, Debug)]
pub struct Paper {
    /// Its code.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// 0 original, 1 copy, 2 electronic.
    pub kind: u8,
    /// Copies.
    pub copies: u8,
    /// Its files.
    pub files: Vec<(String, Vec<u8>)>,
}

/// A file the gateway has taken: id, digest, name.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The gateway's id of it.
    pub id: String,
    /// SHA-256 in lower-case hex.
    pub digest: String,
    /// The file's name.
    pub name: String,
}

/// An invented dossier, not yet filed.
#[derive(Clone, Debug)]
pub struct Application {
    /// The service.
    pub service: Service,
    /// The edition of its form.
    pub edition: Edition,
    /// When it is handed in, `yyyy-MM-dd HH:mm:ss`.
    pub handed_in: String,
    /// Its papers.
    pub papers: Vec<Paper>,
    /// The form's data (ToKhai).
    pub form: Value,
    person: Person,
    spare: bool,
}

// === impl Service ===

impl Service {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Exam, Self::Review, Self::Admission];

    /// The national procedure code.
    #[must_use]
    pub fn procedure(self) -> &'static str {
        match self {
            Self::Exam => "1.005142",
            Self::Review => "1.005095",
            Self::Admission => "1.001942",
        }
    }
}

// === impl Application ===

impl Application {
    /// Invents the `number`-th dossier of a seed. `now_ms` is when it is handed in; the edition of 2019 is handed in in April 2019.
    #[must_use]
    pub fn invent(seed: u64, number: u64, service: Service, edition: Edition, now_ms: i64) -> Self {
        let mut chance = Chance::new(seed.wrapping_mul(1_000_003).wrapping_add(number));
        let old = edition == Edition::Of2019;
        let handed_in = if old {
            format!("2019-04-03 09:{:02}:{:02}", number / 60 % 60, number % 60)
        } else {
            crate::clock::Time(now_ms).rfc3339().get(..19).unwrap_or_default().replace('T', " ")
        };
        let year = handed_in.get(..4).and_then(|y| y.parse().ok()).unwrap_or(2026);
        let person = Person::invent(&mut chance, year, old);
        let priority = chance.hits(0.2).then(|| format!("0{}", chance.between((1, 7))));
        let form = match service {
            Service::Exam => forms::exam(&mut chance, &person, old, year),
            Service::Review => forms::review(&mut chance, &person, old),
            Service::Admission => forms::admission(&mut chance, &person, old),
        };
        let form = forms::with_priority(form, &mut chance, service, priority.as_deref());
        let papers = forms::papers(&mut chance, service, priority.is_some());
        Self { service, edition, handed_in, papers, form, person, spare: chance.hits(0.5) }
    }

    /// The body of the submission, with the files as the gateway stored them, paper by paper.
    #[must_use]
    pub fn body(&self, code: &str, agency: &str, stored: &[Vec<Stored>]) -> Value {
        let p = &self.person;
        let mut detail = json!({
            "TenNguoiNop": p.name, "SoDinhDanh": p.identity.1, "NgaySinh": format!("{}000000", p.born),
            "SoDienThoai": p.phone, "Email": p.email, "MaTinh": "01", "MaXa": p.ward, "DiaChiChiTiet": p.street,
            "TenChuHs": p.name, "SoDinhDanhChuHs": p.identity.1, "MaTinhChuHs": "01", "MaXaChuHs": p.ward,
            "DiaChiChiTietChuHs": p.street,
        });
        let mut put = |name: &str, value: Value| drop(detail.as_object_mut().and_then(|d| d.insert(name.to_owned(), value)));
        if self.edition == Edition::Of2019 {
            put("MaHuyen", p.district.into());
        }
        // Absent, null and empty text all stand for "not there" on this wire.
        if self.spare {
            put("NgayCapDinhDanh", format!("{}000000", p.issued).into());
            put("Fax", "".into());
        }
        let mut body = json!({
            "MaHoSo": code, "MaTTHC": self.service.procedure(), "ChuHoSo": p.name, "LoaiDoiTuong": 0, "MaDonViTiepNhan": agency,
            "NgayNop": self.handed_in, "NgayTiepNhan": null,
            "ThanhPhanHoSo": self.papers.iter().enumerate().map(|(n, paper)| paper.body(stored.get(n))).collect::<Vec<_>>(),
            "ThongTinNguoiNop": { "LoaiDoiTuong": 0, "ThongTinChiTiet": detail },
            "ToKhai": self.form,
        });
        if let (true, Some(all)) = (self.spare, body.as_object_mut()) {
            all.insert("MaDichVuCong".to_owned(), format!("{}.H26", self.service.procedure()).into());
        }
        body
    }

    /// The citizen's name, to look for it where it must not be.
    #[must_use]
    pub fn citizen(&self) -> &str {
        &self.person.name
    }
}

// === impl Paper ===

impl Paper {
    /// The paper a supplement brings.
    #[must_use]
    pub fn supplement(round: u32) -> Self {
        let file = (format!("hoc-ba-bo-sung-{round}.pdf"), paper::pdf(&["Hoc ba, ban chup ro", &round.to_string()], 3000));
        Self { code: "TP02", name: "Học bạ (bản sao có chứng thực)", kind: 1, copies: 1, files: vec![file] }
    }

    pub(super) fn body(&self, stored: Option<&Vec<Stored>>) -> Value {
        let files: Vec<Value> = stored
            .into_iter()
            .flatten()
            .map(|s| json!({ "IdGiayTo": s.id, "MaKetQua": null, "TenGiayTo": s.name, "HashTepTin": s.digest }))
            .collect();
        json!({
            "MaThanhPhanHoSo": self.code, "TenThanhPhanHoSo": self.name, "SoLuong": self.copies, "LoaiBan": self.kind, "GiayToDinhKem": files,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body of the `n`-th dossier, every file stored.
    fn body(n: u64, service: Service, edition: Edition) -> Value {
        let a = Application::invent(1, n, service, edition, 1_781_000_000_000);
        let stored: Vec<Vec<Stored>> = a
            .papers
            .iter()
            .map(|p| {
                p.files
                    .iter()
                    .map(|(name, _)| Stored { id: format!("t-{name}"), digest: "0".repeat(64), name: name.clone() })
                    .collect()
            })
            .collect();
        a.body("H26.15-20260609-0000001", "000.00.15.H26", &stored)
    }

    #[test]
    fn the_same_number_gives_the_same_dossier_and_others_differ() {
        assert_eq!(body(1, Service::Exam, Edition::Of2025), body(1, Service::Exam, Edition::Of2025));
        assert_ne!(body(1, Service::Exam, Edition::Of2025), body(2, Service::Exam, Edition::Of2025));
    }

    #[test]
    fn among_a_hundred_there_is_every_variant_the_gateway_must_carry() {
        let all: Vec<Value> = (0..100).map(|n| body(n, Service::Exam, Edition::Of2025)).collect();
        let some = |f: fn(&Value) -> bool| all.iter().any(f) && !all.iter().all(f);
        assert!(some(|b| b["ToKhai"]["thiSinhTuDo"].is_object()), "free candidates");
        assert!(some(|b| b["ToKhai"]["doiTuongUuTien"].is_string()), "absent optionals");
        assert!(some(|b| b["MaDichVuCong"].is_string()), "absent service code");
        assert!(all.iter().all(|b| b["ThanhPhanHoSo"][1]["GiayToDinhKem"].as_array().unwrap().len() == 2), "two files");
        assert!(all.iter().all(|b| b["ChuHoSo"] == b["ThongTinNguoiNop"]["ThongTinChiTiet"]["TenChuHs"]));
    }

    // The forms are held against the project's own schemas only where names agree: here the number and shape of wishes.
    #[test]
    fn admissions_have_several_wishes_in_rank_order() {
        for n in 0..20 {
            let b = body(n, Service::Admission, if n % 2 == 0 { Edition::Of2019 } else { Edition::Of2025 });
            let ranks: Vec<u64> =
                b["ToKhai"]["nguyenVong"].as_array().unwrap().iter().map(|w| w["thuTu"].as_u64().unwrap()).collect();
            assert!(ranks.len() >= 2 && ranks.iter().copied().eq(1..=ranks.len() as u64), "{ranks:?}");
        }
    }
}
