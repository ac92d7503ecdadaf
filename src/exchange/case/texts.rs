//! What a case says to a person: its title, what happened, what to do, and the decisions it takes; in Vietnamese and English.
//!
//! A text is a list of sentences with `{names}` of the case's facts; a sentence that names a fact the case has not is left out. Only
//! public facts stand in a case, so any of them may be shown.

use super::table;
use crate::body::Value;
use crate::journal::CaseView;
use crate::model::{CaseKind, Status};

/// A decision that a kind of case takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its word, as given to `decide`.
    pub word: &'static str,
    /// What it causes, Vietnamese.
    pub text: &'static str,
    /// The same in English.
    pub text_en: &'static str,
}

/// A case in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What kind of matter it is.
    pub title: &'static str,
    /// The same in English.
    pub title_en: &'static str,
    /// What happened, with the case's facts.
    pub what: String,
    /// The same in English.
    pub what_en: String,
    /// What to do.
    pub help: String,
    /// The same in English.
    pub help_en: String,
    /// The decisions it takes.
    pub decisions: &'static [Choice],
}

/// A kind's texts: each a list of sentences, Vietnamese and English.
pub(super) struct Texts {
    pub(super) title: (&'static str, &'static str),
    pub(super) what: (&'static [&'static str], &'static [&'static str]),
    pub(super) help: (&'static [&'static str], &'static [&'static str]),
    pub(super) decisions: &'static [Choice],
}

/// A case in words; one of an unknown kind says only its word.
#[must_use]
pub fn told(case: &CaseView) -> Told {
    let Some(kind) = case.kind else { return strange() };
    let texts = of(kind);
    Told {
        title: texts.title.0,
        title_en: texts.title.1,
        what: fill(texts.what.0, &case.data, VIETNAMESE),
        what_en: fill(texts.what.1, &case.data, ENGLISH),
        help: fill(texts.help.0, &case.data, VIETNAMESE),
        help_en: fill(texts.help.1, &case.data, ENGLISH),
        decisions: texts.decisions,
    }
}

/// The decisions of a kind.
pub(super) fn decisions(kind: CaseKind) -> &'static [Choice] {
    of(kind).decisions
}

fn of(kind: CaseKind) -> &'static Texts {
    match kind {
        CaseKind::Overpayment => &table::OVERPAYMENT,
        CaseKind::FeeDiffers => &table::FEE_DIFFERS,
        CaseKind::FeeChoice => &table::FEE_CHOICE,
        CaseKind::AmountDiffers => &table::AMOUNT_DIFFERS,
        CaseKind::NoticeUnknown => &table::NOTICE_UNKNOWN,
        CaseKind::NoticeDiffers => &table::NOTICE_DIFFERS,
        CaseKind::NoticeUnconfirmed => &table::NOTICE_UNCONFIRMED,
        CaseKind::PaymentUnanswered => &table::PAYMENT_UNANSWERED,
        CaseKind::Refund => &table::REFUND,
        CaseKind::RefundRefused => &table::REFUND_REFUSED,
        CaseKind::RefundUnanswered => &table::REFUND_UNANSWERED,
        CaseKind::LinkLost => &table::LINK_LOST,
        CaseKind::EarlyWaits => &table::EARLY_WAITS,
        CaseKind::NoRoute => &table::NO_ROUTE,
        CaseKind::StatementMissingOurs => &table::MISSING_OURS,
        CaseKind::StatementMissingTheirs => &table::MISSING_THEIRS,
        CaseKind::StatementMismatch => &table::MISMATCH,
    }
}

/// How a fact is said in a language: a word of ours, and a sum.
#[derive(Clone, Copy)]
struct Say {
    word: fn(&str, &str) -> String,
    sum: fn(&str) -> String,
}

const VIETNAMESE: Say = Say { word: vietnamese, sum: |digits| format!("{} đồng", grouped(digits, '.')) };
const ENGLISH: Say = Say { word: english, sum: |digits| format!("{} VND", grouped(digits, ',')) };

/// The sentences whose names are all there, filled in.
fn fill(sentences: &[&str], data: &Value, say: Say) -> String {
    let filled: Vec<String> = sentences.iter().filter_map(|s| sentence(s, data, say)).collect();
    filled.join(" ")
}

fn sentence(text: &str, data: &Value, say: Say) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}')?;
        out.push_str(before);
        out.push_str(&fact(name, data.get(name)?, say)?);
        rest = behind;
    }
    out.push_str(rest);
    Some(out)
}

/// A fact as people read it: numbers are amounts (`250.000 đồng`, `250,000 VND`), except counts, which are named so.
fn fact(name: &str, value: &Value, say: Say) -> Option<String> {
    match value {
        Value::String(text) => Some((say.word)(name, text)),
        Value::Number(n) if matches!(name, "open" | "nth" | "line" | "delivery") => Some(n.to_string()),
        Value::Number(n) => Some((say.sum)(&n.to_string())),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Our own words in Vietnamese; everything else as it is.
fn vietnamese(name: &str, word: &str) -> String {
    let said = match (name, word) {
        ("movement", "payment") => "khoản nộp",
        ("movement", "refund") => "khoản hoàn trả",
        ("field", "amount") => "số tiền",
        ("field", "status") => "trạng thái",
        ("field", "code") => "mã giao dịch của nền tảng",
        ("field", "fee") => "phí của nền tảng",
        ("field", "day") => "ngày",
        ("state", "requested") => "đang chờ nộp",
        ("state", "paid") => "đã nộp",
        ("state", "failed") => "không thành công",
        ("state", "expired") => "đã hết hạn",
        ("why", "late") => "nộp sau khi giao dịch hết hạn",
        ("why", "twice") => "phí đã được nộp bằng giao dịch khác",
        ("why", "not-owed") => "hồ sơ không còn phải nộp",
        ("why", "another-sum") => "số tiền khác với số phải nộp",
        ("why", "takes-too-long") => "nền tảng nhận đã lâu mà chưa chi trả",
        ("why", "no-inquiry") => "nền tảng không có kênh để hỏi kết quả",
        ("why", "not-known") => "nền tảng trả lời không biết khoản hoàn trả này",
        ("why", "closed-by-operator") => "người vận hành đã đóng lượt chuyển khi chưa rõ kết quả",
        ("why", "amount-differs") => "số tiền khác",
        ("why", "extra-fee-differs") => "có phụ phí không được yêu cầu",
        ("status" | "stands", _) => Status::of_word(word).map_or(word, |s| s.vietnamese()),
        _ => word,
    };
    said.to_owned()
}

/// Our own words in plain English, where the word alone does not say it.
fn english(name: &str, word: &str) -> String {
    let said = match (name, word) {
        ("why", "late") => "paid after the transaction's time was over",
        ("why", "twice") => "the fee was paid by another transaction",
        ("why", "not-owed") => "nothing is owed any more",
        ("why", "another-sum") => "not the sum that is owed",
        ("why", "takes-too-long") => "the platform took it long ago and has not paid it out",
        ("why", "no-inquiry") => "the platform has no route to ask by",
        ("why", "not-known") => "the platform says that it does not know this refund",
        ("why", "closed-by-operator") => "an operator closed the delivery before the outcome was known",
        ("why", "amount-differs") => "another sum",
        ("why", "extra-fee-differs") => "an additional fee that was not asked for",
        _ => word,
    };
    said.to_owned()
}

/// `1250000` → `1.250.000`, with this mark between.
fn grouped(digits: &str, mark: char) -> String {
    let long = digits.len();
    digits.chars().enumerate().fold(String::new(), |mut out, (n, c)| {
        if n > 0 && (long - n).is_multiple_of(3) {
            out.push(mark);
        }
        out.push(c);
        out
    })
}

fn strange() -> Told {
    Told {
        title: "Việc cần xử lý",
        title_en: "A matter for a person",
        what: "Phiên bản phần mềm này không biết loại việc này; xem dữ kiện đi kèm.".to_owned(),
        what_en: "This version of the program does not know this kind of case; see its facts.".to_owned(),
        help: "Xử lý theo dữ kiện rồi đóng với lý do.".to_owned(),
        help_en: "Act on its facts, then close it with a reason.".to_owned(),
        decisions: &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::json;
    use crate::clock::Time;

    fn case(kind: &str, data: Value) -> CaseView {
        CaseView {
            case: 1,
            kind: CaseKind::of_word(kind),
            word: kind.to_owned(),
            dossier: None,
            data,
            at: Time(0),
            met: 1,
            met_at: Time(0),
            closed_at: None,
            decision: None,
            version: 1,
        }
    }

    #[test]
    fn a_case_says_its_figures_and_leaves_out_what_it_does_not_know() {
        let told = told(&case("fee-differs", json!({ "ministry": 1_250_000, "catalogue": 250_000 })));
        assert_eq!(
            told.what,
            "Cơ quan giải quyết yêu cầu thu 1.250.000 đồng. Theo danh mục, mức còn phải thu là 250.000 đồng. Công dân chưa được yêu cầu nộp theo mức mới."
        );
        assert_eq!(
            told.what_en,
            "The authority asks for 1,250,000 VND. By the catalogue's rule 250,000 VND is still owed. Nothing was requested by the new figure."
        );
    }

    #[test]
    fn every_kind_says_in_both_languages_what_to_do_without_any_fact() {
        for (kind, word) in CaseKind::ALL {
            let texts = of(kind);
            let told = told(&case(word, Value::Null));
            assert!(told.help.len() > 20 && told.help_en.len() > 20, "{word}: {told:?}");
            assert!(texts.what.0.len() == texts.what.1.len() && texts.help.0.len() == texts.help.1.len(), "{word}");
            for sentence in [texts.what.0, texts.what.1, texts.help.0, texts.help.1].into_iter().flatten() {
                assert_eq!(sentence.matches('{').count(), sentence.matches('}').count(), "{word}: {sentence}");
                // A sentence begins as one: with a capital, or with a name that is shown as it is.
                let head = sentence.chars().next();
                assert!(head.is_some_and(char::is_uppercase) || sentence.starts_with("{partner}"), "{word}: {sentence}");
            }
        }
        assert!(super::told(&case("of-a-newer-program", Value::Null)).decisions.is_empty());
    }
}
