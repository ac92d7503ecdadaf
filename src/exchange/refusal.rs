//! A refusal: why a message was not taken, for the people outside. Vietnamese and English, never a personal datum.

use crate::journal::{Effects, NewAudit};

/// Why a message is refused. It changed nothing, but for what it leaves.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Our code word, stable: `procedure-unknown`, `status-impossible`, ….
    pub code: &'static str,
    /// The HTTP status that says the same.
    pub status: u16,
    /// For people, Vietnamese.
    pub text: String,
    /// For people, English.
    pub text_en: String,
    /// Where, when it can be told.
    pub faults: Vec<Fault>,
    /// Written although the message is refused: an audit entry, a case.
    pub left: Option<Box<Effects>>,
}

/// One place that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer, or line:column, or field.
    pub pointer: String,
    /// Vietnamese.
    pub text: String,
    /// English.
    pub text_en: String,
}

// === impl Refusal ===

impl Refusal {
    /// A refusal without places.
    #[must_use]
    pub fn new(code: &'static str, status: u16, text: impl Into<String>, text_en: impl Into<String>) -> Self {
        Self { code, status, text: text.into(), text_en: text_en.into(), faults: Vec::new(), left: None }
    }

    /// The same with a place.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.faults.push(Fault { pointer: pointer.into(), text: self.text.clone(), text_en: self.text_en.clone() });
        self
    }

    /// The same with an audit entry that stays.
    #[must_use]
    pub fn audited(mut self, entry: NewAudit) -> Self {
        self.left = Some(Box::new(Effects { audit: vec![entry], ..Effects::default() }));
        self
    }

    /// The fee is paid: there is nothing to pay.
    #[must_use]
    pub fn fee_paid() -> Self {
        let text = "Phí, lệ phí của hồ sơ này đã được nộp.";
        Self::new("fee-paid", 409, text, "The fee of this dossier is already paid.").at("/code")
    }

    /// There is no such refund.
    #[must_use]
    pub fn no_refund() -> Self {
        Self::new("refund-unknown", 404, "Không có khoản hoàn trả với mã này.", "There is no refund with this id.")
    }

    /// The dossier is not there, or not this caller's: the two are not told apart.
    #[must_use]
    pub fn no_dossier() -> Self {
        Self::new(
            "dossier-unknown",
            404,
            "Không tìm thấy hồ sơ với mã này trong phạm vi của đơn vị gọi.",
            "There is no dossier with this code that this caller may see.",
        )
    }

    /// There is no such case.
    #[must_use]
    pub fn no_case() -> Self {
        Self::new("case-unknown", 404, "Không có việc cần xử lý với số này.", "There is no case with this number.")
    }
}
