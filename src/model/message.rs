//! A canonical message: its kind and its body in the canonical normal form.
//!
//! Normal form: no null, no empty text, no empty object; a list is never absent; text is NFC; times are whole seconds with
//! +07:00; money is an integer; decimals are text without trailing zeros; a content is `{blob, size}`.

use crate::body::Value;

/// What a request to pay and a bill always hold alike, besides what is each one's own.
macro_rules! to_pay {
    ($($own:literal),*) => { &[
        $($own,)* "transaction", "dossier", "procedure", "procedure_name", "agency.code", "agency.name", "fees.code", "fees.name",
        "fees.kind", "fees.amount", "beneficiary.account", "beneficiary.bank", "beneficiary.name", "purpose", "payer.name",
        "items.text", "items.amount",
    ] };
}

pub(crate) use to_pay;

/// What a message says. The name is the canonical schema's file name under schemas/canonical/.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A dossier is handed in.
    DossierSubmit,
    /// The whole dossier as it stands, told to a portal that keeps a copy.
    DossierSync,
    /// Papers that were asked for.
    DossierSupplement,
    /// The citizen takes the dossier back.
    DossierWithdraw,
    /// Do you know this dossier and message? (inquiry)
    DossierQuery,
    /// The inquiry's answer.
    DossierState,
    /// A step of the work on a dossier, told to the portal.
    ProgressNote,
    /// A status, pushed by the ministry or told to the portal.
    StatusChange,
    /// The result with its documents.
    ResultIssue,
    /// The fee was paid, told to the ministry.
    FeePaid,
    /// The fee changed, told to the portal.
    FeeChange,
    /// The citizen clicks "pay" on the portal.
    PaymentStart,
    /// A transaction is asked for at the platform.
    PaymentRequest,
    /// The platform's answer with the payment link.
    PaymentLink,
    /// What became of this transaction?
    PaymentQuery,
    /// The query's answer.
    PaymentState,
    /// The platform tells of a transaction.
    PaymentNotice,
    /// Money is to go back to the citizen, asked of the platform.
    RefundRequest,
    /// What became of this refund?
    RefundQuery,
    /// The platform's answer to both.
    RefundState,
    /// The platform asks what a dossier owes.
    BillQuery,
    /// Our answer to it.
    BillAnswer,
    /// The portal asks for the next dossier code of an agency.
    CodeRequest,
    /// One uploaded file is on disk.
    FileStored,
    /// We, or they, took a message (or refused it for its content).
    Receipt,
    /// A refusal with its faults.
    Refusal,
}

/// A canonical message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// What it says.
    pub kind: Kind,
    /// Its body in the canonical normal form.
    pub body: Value,
}

// === impl Kind ===

impl Kind {
    /// Every kind with its name.
    pub const ALL: [(Self, &'static str); 26] = [
        (Self::DossierSubmit, "dossier.submit"),
        (Self::DossierSync, "dossier.sync"),
        (Self::DossierSupplement, "dossier.supplement"),
        (Self::DossierWithdraw, "dossier.withdraw"),
        (Self::DossierQuery, "dossier.query"),
        (Self::DossierState, "dossier.state"),
        (Self::ProgressNote, "progress.note"),
        (Self::StatusChange, "status.change"),
        (Self::ResultIssue, "result.issue"),
        (Self::FeePaid, "fee.paid"),
        (Self::FeeChange, "fee.change"),
        (Self::PaymentStart, "payment.start"),
        (Self::PaymentRequest, "payment.request"),
        (Self::PaymentLink, "payment.link"),
        (Self::PaymentQuery, "payment.query"),
        (Self::PaymentState, "payment.state"),
        (Self::PaymentNotice, "payment.notice"),
        (Self::RefundRequest, "refund.request"),
        (Self::RefundQuery, "refund.query"),
        (Self::RefundState, "refund.state"),
        (Self::BillQuery, "bill.query"),
        (Self::BillAnswer, "bill.answer"),
        (Self::CodeRequest, "code.request"),
        (Self::FileStored, "file.stored"),
        (Self::Receipt, "receipt"),
        (Self::Refusal, "refusal"),
    ];

    /// The canonical name, such as `dossier.submit`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(k, _)| *k == self).map_or("", |(_, n)| n)
    }

    /// What the gateway always puts into a message of its own making, dotted canonical names; none: it makes no such message, or passes it on
    /// as it came in. `check` proves by it that no mapping needs more (V11); whoever makes such a message asserts [`Kind::is_whole`].
    #[must_use]
    pub fn made_with(self) -> Option<&'static [&'static str]> {
        Some(match self {
            Self::StatusChange => &["code", "sequence", "status", "documents", "missing"],
            Self::ProgressNote => &["code", "sequence", "status", "at", "text", "documents"],
            Self::DossierSync => &[
                "code",
                "procedure",
                "procedure_name",
                "field.name",
                "agency.code",
                "agency.name",
                "status",
                "owner.kind",
                "owner.name",
                "papers.code",
                "papers.files.id",
                "papers.files.name",
                "papers.files.removed",
                "fees.code",
                "fees.name",
                "fees.kind",
                "fees.amount",
                "supplements.id",
                "supplements.asked_by",
                "supplements.text",
                "supplements.asked_at",
                "supplements.state",
                "results.id",
                "results.name",
            ],
            Self::FeeChange => &["code", "sequence", "paid", "amount", "at"],
            Self::FeePaid => &["code", "amount", "transaction", "at"],
            Self::PaymentRequest => to_pay!["amount", "extra_fee", "description", "device", "return_url"],
            Self::PaymentQuery => &["transaction"],
            Self::RefundRequest => &["refund", "transaction", "dossier", "amount", "at"],
            Self::RefundQuery => &["refund", "transaction"],
            Self::DossierQuery => &["code", "message"],
            _ => return None,
        })
    }

    /// Whether a body of our own making has all that [`Kind::made_with`] promises, in each row of a list.
    #[must_use]
    pub fn is_whole(self, body: &Value) -> bool {
        self.made_with().is_none_or(|fields| fields.iter().all(|field| has(body, field)))
    }

    /// The kind of a canonical name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, n)| *n == name).map(|(k, _)| *k)
    }
}

// === impl Message ===

impl Message {
    /// The text at `path` (`a.b.c`), when there is one.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        at(&self.body, path).and_then(Value::as_str)
    }

    /// The whole number at `path`.
    #[must_use]
    pub fn number(&self, path: &str) -> Option<u64> {
        at(&self.body, path).and_then(Value::as_u64)
    }

    /// The list at `path`, empty when there is none.
    #[must_use]
    pub fn list(&self, path: &str) -> &[Value] {
        at(&self.body, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

/// Whether something stands at the dotted path, in each row of a list.
#[must_use]
pub fn has(value: &Value, path: &str) -> bool {
    if let Value::Array(rows) = value {
        return rows.iter().all(|row| has(row, path));
    }
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    value.get(first).is_some_and(|inner| rest.is_none_or(|rest| has(inner, rest)))
}

fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |v, name| v.get(name))
}
