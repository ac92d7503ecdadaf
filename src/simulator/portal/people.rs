//! Invented citizens: names with their diacritics, identity numbers, addresses. Nobody here exists.
//!
//! Deterministic: the same chance gives the same person. Identity numbers follow the public pattern (province, century and
//! sex, year, six digits) so that checks of form pass; telephone numbers and e-mail addresses lead nowhere.

use crate::seal::Chance;

const SURNAMES: [&str; 12] = ["Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Phan", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ", "Dương"];
const WOMEN: [&str; 8] =
    ["Thị Sao Mai", "Thị Ánh Nguyệt", "Ngọc Quỳnh", "Thu Hường", "Thị Mỹ Duyên", "Hà Vy", "Thuỳ Dương", "Thị Tuyết Nhung"];
const MEN: [&str; 8] = ["Văn Đức", "Quang Huy", "Minh Khuê", "Hữu Phước", "Đình Trọng", "Anh Tuấn", "Văn Thắng", "Khắc Dũng"];
const STREETS: [&str; 6] = ["phố Ví Dụ", "đường Thử Nghiệm", "ngõ Hoa Sữa", "phố Mẫu Đơn", "đường Giả Định", "ngách Bằng Lăng"];
const PEOPLES: [&str; 5] = ["Kinh", "Tày", "Mường", "Nùng", "H'Mông"];
const BIRTHPLACES: [&str; 5] = ["Hà Nội", "Hà Nam", "Nghệ An", "Thừa Thiên Huế", "Hà Giang"];
/// District and ward of Hà Nội, as they were numbered until 2025.
const PLACES: [(&str, &str); 5] = [("001", "00004"), ("002", "00037"), ("005", "00167"), ("006", "00178"), ("009", "00343")];

/// One invented citizen.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) woman: bool,
    /// yyyyMMdd.
    pub(super) born: String,
    /// The kind's word on the wire, and the number.
    pub(super) identity: (&'static str, String),
    /// yyyyMMdd.
    pub(super) issued: String,
    pub(super) phone: String,
    pub(super) email: String,
    pub(super) district: &'static str,
    pub(super) ward: &'static str,
    pub(super) street: String,
    pub(super) birthplace: &'static str,
    pub(super) people: &'static str,
}

// === impl Person ===

impl Person {
    /// A person who turns eighteen about the year `year`; `old` allows the identity card of nine digits.
    pub(super) fn invent(chance: &mut Chance, year: u64, old: bool) -> Self {
        let woman = chance.hits(0.5);
        let given = if woman { chance.pick(&WOMEN) } else { chance.pick(&MEN) };
        let born_in = year - 18 - chance.below(2);
        let (month, day) = (chance.between((1, 12)), chance.between((1, 28)));
        let number = chance.below(1_000_000);
        let identity = match chance.below(10) {
            0 if old => ("CMND", format!("013{number:06}")),
            1 => ("HC", format!("C{:07}", 1_000_000 + number)),
            _ => ("CCCD", format!("001{}{:02}{number:06}", if born_in < 2000 { 0 } else { 2 } + u64::from(woman), born_in % 100)),
        };
        let (district, ward) = chance.pick(&PLACES).copied().unwrap_or(("001", "00004"));
        let street = chance.pick(&STREETS).copied().unwrap_or_default();
        Self {
            name: format!("{} {}", chance.pick(&SURNAMES).unwrap_or(&"Nguyễn"), given.unwrap_or(&"Văn Mẫu")),
            woman,
            born: format!("{born_in}{month:02}{day:02}"),
            identity,
            issued: format!("{}{month:02}{day:02}", born_in + 15),
            phone: format!("0900{number:06}"),
            email: format!("thi-sinh-{number:06}@vidu.example"),
            district,
            ward,
            street: format!("Số {} {street}", chance.between((1, 199))),
            birthplace: chance.pick(&BIRTHPLACES).unwrap_or(&"Hà Nội"),
            people: chance.pick(&PEOPLES).unwrap_or(&"Kinh"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_invents_the_same_people_and_others_differ() {
        let names = |seed| {
            let mut chance = Chance::new(seed);
            (0..20).map(|_| Person::invent(&mut chance, 2026, false).identity.1).collect::<Vec<_>>()
        };
        assert_eq!(names(1), names(1));
        assert_ne!(names(1), names(2));
    }

    #[test]
    fn identity_numbers_have_their_kinds_form_and_the_old_card_only_then() {
        let mut chance = Chance::new(3);
        for n in 0..300 {
            let old = n % 2 == 0;
            let (kind, number) = Person::invent(&mut chance, if old { 2019 } else { 2026 }, old).identity;
            let digits = number.chars().all(|c| c.is_ascii_digit());
            match kind {
                "CMND" => assert!(old && digits && number.len() == 9, "{number}"),
                "CCCD" => assert!(digits && number.len() == 12, "{number}"),
                _ => assert!(number.starts_with('C') && number.len() == 8, "{number}"),
            }
        }
    }
}
