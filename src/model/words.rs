//! A sum of money in Vietnamese words, as receipts (biên lai) say it: `Một trăm năm mươi nghìn đồng`.
//!
//! The spelling of the field: `linh` before a lone unit, `mốt`, `lăm` after a ten, `nghìn`, `triệu`, `tỷ`; a group of three below the first
//! is read in full (`không trăm linh năm`), one of zeros is left out.

use crate::model::Vnd;

const DIGITS: [&str; 10] = ["không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"];
const SCALES: [&str; 3] = ["", "nghìn", "triệu"];
/// What `tỷ` counts.
const BILLION: u64 = 1_000_000_000;

/// The sum in words, with its unit and a capital.
#[must_use]
pub fn vietnamese(sum: Vnd) -> String {
    let mut words = Vec::new();
    whole(sum.amount(), false, &mut words);
    if words.is_empty() {
        words.push("không");
    }
    words.push("đồng");
    let text = words.join(" ");
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `full`: something stands before it, so that zeros in front are read.
fn whole(n: u64, full: bool, words: &mut Vec<&'static str>) {
    if n >= BILLION {
        whole(n / BILLION, full, words);
        words.push("tỷ");
        // Above that no group of zeros in front is read out: `một tỷ năm trăm nghìn`.
        return whole(n % BILLION, true, words);
    }
    let mut full = full;
    for (scale, unit) in [(2, 1_000_000), (1, 1_000), (0, 1)] {
        let group = n / unit % 1_000;
        if group == 0 {
            continue;
        }
        three(group, full, words);
        words.extend(SCALES.get(scale).copied().filter(|s| !s.is_empty()));
        full = true;
    }
}

/// A group of three digits that is not zero.
fn three(n: u64, full: bool, words: &mut Vec<&'static str>) {
    let (hundreds, tens, units) = (n / 100, n / 10 % 10, n % 10);
    if full || hundreds > 0 {
        words.extend([digit(hundreds), "trăm"]);
    }
    match (tens, units) {
        (0, 0) => return,
        (0, _) if full || hundreds > 0 => words.push("linh"),
        (0, _) => {}
        (1, _) => words.push("mười"),
        _ => words.extend([digit(tens), "mươi"]),
    }
    match units {
        0 => {}
        1 if tens > 1 => words.push("mốt"),
        5 if tens > 0 => words.push("lăm"),
        _ => words.push(digit(units)),
    }
}

fn digit(n: u64) -> &'static str {
    usize::try_from(n).ok().and_then(|n| DIGITS.get(n)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(n: u64) -> String {
        vietnamese(Vnd::new(n).unwrap())
    }

    #[test]
    fn sums_are_said_as_receipts_say_them() {
        for (n, want) in [
            (0, "Không đồng"),
            (5, "Năm đồng"),
            (10, "Mười đồng"),
            (15, "Mười lăm đồng"),
            (21, "Hai mươi mốt đồng"),
            (24, "Hai mươi bốn đồng"),
            (55, "Năm mươi lăm đồng"),
            (101, "Một trăm linh một đồng"),
            (111, "Một trăm mười một đồng"),
            (1_000, "Một nghìn đồng"),
            (1_005, "Một nghìn không trăm linh năm đồng"),
            (20_000, "Hai mươi nghìn đồng"),
            (40_000, "Bốn mươi nghìn đồng"),
            (105_000, "Một trăm linh năm nghìn đồng"),
            (150_000, "Một trăm năm mươi nghìn đồng"),
            (250_000, "Hai trăm năm mươi nghìn đồng"),
            (500_000, "Năm trăm nghìn đồng"),
            (1_000_000, "Một triệu đồng"),
            (1_050_000, "Một triệu không trăm năm mươi nghìn đồng"),
            (2_000_001, "Hai triệu không trăm linh một đồng"),
            (21_000_000, "Hai mươi mốt triệu đồng"),
            (1_000_000_000, "Một tỷ đồng"),
            (1_000_500_000, "Một tỷ năm trăm nghìn đồng"),
        ] {
            assert_eq!(said(n), want, "{n}");
        }
    }

    /// Reads what was said, by another way than it was made: digit words add up, scale words multiply.
    fn heard(text: &str) -> u64 {
        let text = text.to_lowercase();
        let (mut total, mut billions, mut group) = (0_u64, 0_u64, 0_u64);
        let mut pending = 0_u64;
        for word in text.split(' ') {
            match word {
                "đồng" => {}
                "linh" => {}
                "trăm" => (group, pending) = (group + pending * 100, 0),
                "mươi" => (group, pending) = (group + pending * 10, 0),
                "mười" => group += 10,
                "nghìn" => (total, group, pending) = (total + (group + pending) * 1_000, 0, 0),
                "triệu" => (total, group, pending) = (total + (group + pending) * 1_000_000, 0, 0),
                "tỷ" => (billions, total, group, pending) = (billions * BILLION + total + group + pending, 0, 0, 0),
                "mốt" => pending = 1,
                "lăm" => pending = 5,
                _ => pending = DIGITS.iter().position(|d| *d == word).unwrap_or_else(|| panic!("{word}")) as u64,
            }
        }
        billions * BILLION + total + group + pending
    }

    proptest! {
        #[test]
        fn what_is_said_is_the_sum(n in prop_oneof![0..=2_000_u64, 0..=Vnd::MAX, (0..=9_000_u64).prop_map(|n| n * 1_000_000)]) {
            prop_assert_eq!(heard(&said(n)), n);
        }
    }
}
