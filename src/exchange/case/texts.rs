//! What a case says to a person: its title, what happened, what to do, and the decisions it takes; in Vietnamese and English.
//!
//! A text is a list of sentences with `{names}` of the case's facts; a sentence that names a fact the case has not is left out. Only
//! public facts stand in a case, so any of them may be shown.

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
struct Texts {
    title: (&'static str, &'static str),
    what: (&'static [&'static str], &'static [&'static str]),
    help: (&'static [&'static str], &'static [&'static str]),
    decisions: &'static [Choice],
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
        CaseKind::Overpayment => &OVERPAYMENT,
        CaseKind::FeeDiffers => &FEE_DIFFERS,
        CaseKind::FeeChoice => &FEE_CHOICE,
        CaseKind::AmountDiffers => &AMOUNT_DIFFERS,
        CaseKind::NoticeUnknown => &NOTICE_UNKNOWN,
        CaseKind::NoticeDiffers => &NOTICE_DIFFERS,
        CaseKind::NoticeUnconfirmed => &NOTICE_UNCONFIRMED,
        CaseKind::PaymentUnanswered => &PAYMENT_UNANSWERED,
        CaseKind::Refund => &REFUND,
        CaseKind::RefundRefused => &REFUND_REFUSED,
        CaseKind::RefundUnanswered => &REFUND_UNANSWERED,
        CaseKind::LinkLost => &LINK_LOST,
        CaseKind::EarlyWaits => &EARLY_WAITS,
        CaseKind::NoRoute => &NO_ROUTE,
        CaseKind::StatementMissingOurs => &MISSING_OURS,
        CaseKind::StatementMissingTheirs => &MISSING_THEIRS,
        CaseKind::StatementMismatch => &MISMATCH,
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

// === the table ===

const OVERPAYMENT: Texts = Texts {
    title: ("Tiền nộp thừa hoặc nộp muộn", "Paid twice, or paid late"),
    what: (
        &[
            "Giao dịch {transaction} đã thu {amount}, trong khi phí đã được nộp bằng giao dịch khác, không còn phải nộp, hoặc giao dịch này đã hết hạn.",
            "Lý do: {why}.",
            "Số tiền còn phải nộp: {owed}.",
        ],
        &[
            "Transaction {transaction} took {amount}, though the fee was paid by another one, is not owed any more, or its own time was over.",
            "Why: {why}.",
            "Still owed: {owed}.",
        ],
    ),
    help: (
        &[
            "Nếu chỉ nộp muộn: tiền đã được tính vào phí, không phải hoàn, trừ khi công dân đã nộp hai lần.",
            "Nếu nộp thừa: hoàn lại bằng lệnh: lienthong refunds request {transaction} --reason …; việc này tự đóng khi hoàn xong.",
        ],
        &[
            "Only late: the money pays the fee; nothing goes back unless the citizen paid twice.",
            "Too much: give it back with: lienthong refunds request {transaction} --reason …; the case closes itself when all of it went back.",
        ],
    ),
    decisions: &[],
};

const FEE_DIFFERS: Texts = Texts {
    title: ("Mức phí không khớp", "The fee differs"),
    what: (
        &[
            "Cơ quan giải quyết yêu cầu thu {ministry}.",
            "Theo danh mục, mức còn phải thu là {catalogue}.",
            "Danh mục cho chọn một trong các mức: {choices} đồng.",
            "Đang yêu cầu nộp: {asked}.",
            "Đã nộp trước đó: {paid}.",
            "Công dân chưa được yêu cầu nộp theo mức mới.",
        ],
        &[
            "The authority asks for {ministry}.",
            "By the catalogue's rule {catalogue} is still owed.",
            "The rule leaves a choice of {choices} VND.",
            "Being asked for now: {asked}.",
            "Paid before: {paid}.",
            "Nothing was requested by the new figure.",
        ],
    ),
    help: (
        &[
            "Hỏi cơ quan giải quyết mức nào đúng, rồi quyết định mức còn phải nộp; mức khác: lienthong fees decide MÃ-HỒ-SƠ --amount N --reason …; nếu danh mục sai thì sửa danh mục.",
        ],
        &[
            "Ask the authority which figure is right, then decide what is still to be paid; another one: lienthong fees decide CODE --amount N --reason …; mend the catalogue if it is the one that is wrong.",
        ],
    ),
    decisions: FIGURES,
};

/// What a person decides a fee by.
const FIGURES: &[Choice] = &[
    Choice {
        word: "ministry",
        text: "Thu theo mức của cơ quan giải quyết; công dân được thông báo mức này.",
        text_en: "The authority's figure is owed; the portal is told.",
    },
    Choice {
        word: "catalogue",
        text: "Thu theo mức của danh mục; mức kia được nhắc lại thì bỏ qua.",
        text_en: "The catalogue's figure is owed; the other one, told again, changes nothing.",
    },
    Choice { word: "none", text: "Không phải nộp thêm khoản nào.", text_en: "Nothing is owed any more." },
];

const FEE_CHOICE: Texts = Texts {
    title: ("Cần chọn mức phí", "A fee has to be chosen"),
    what: (
        &["Danh mục cho chọn một trong các mức: {choices} đồng. Công dân chưa được yêu cầu nộp."],
        &["The catalogue leaves a choice of {choices} VND. Nothing was requested."],
    ),
    help: (
        &["Xem hồ sơ, rồi: lienthong fees decide MÃ-HỒ-SƠ --amount N --reason …"],
        &["Look at the dossier, then: lienthong fees decide CODE --amount N --reason …"],
    ),
    decisions: &[Choice { word: "none", text: "Không phải nộp.", text_en: "Nothing is owed." }],
};

const NOTICE_DIFFERS: Texts = Texts {
    title: ("Thông báo thanh toán khác với yêu cầu", "A notice differs from what was asked for"),
    what: (
        &[
            "Thông báo có chữ ký đúng về giao dịch {transaction} không khớp ({why}); số tiền đã yêu cầu: {asked}. Thông báo đã bị từ chối.",
        ],
        &["A notice with a right seal about transaction {transaction} does not fit ({why}); asked for: {asked}. It was refused."],
    ),
    help: (
        &[
            "Hỏi đơn vị vận hành nền tảng thanh toán. Phí chỉ được coi là đã nộp khi nền tảng trả lời đúng câu hỏi của cổng kết nối.",
        ],
        &["Ask the platform's operators. The fee counts as paid only when the platform's answer to our own question says so."],
    ),
    decisions: &[],
};

const PAYMENT_UNANSWERED: Texts = Texts {
    title: ("Không rõ kết quả yêu cầu thanh toán", "What became of a payment's request is not known"),
    what: (
        &["Giao dịch {transaction}: {message}, lượt chuyển {delivery}, lý do {why}."],
        &["Transaction {transaction}: {message}, delivery {delivery}, why: {why}."],
    ),
    help: (
        &[
            "Hỏi nền tảng thanh toán về giao dịch này; ghi lại và đóng.",
            "Rồi: lienthong deliveries release {delivery} --verdict received|not-received --reason …",
        ],
        &[
            "Ask the platform about the transaction; note it and close.",
            "Then: lienthong deliveries release {delivery} --verdict received|not-received --reason …",
        ],
    ),
    decisions: &[],
};

const REFUND: Texts = Texts {
    title: ("Hoàn trả tiền cho công dân", "Money to be given back"),
    what: (
        &[
            "Khoản hoàn trả {refund}: {amount} của giao dịch {transaction}. Nền tảng không có kênh hoàn tiền: phải chuyển bằng tay.",
        ],
        &["Refund {refund}: {amount} of transaction {transaction}. The platform has no route for it: it is paid out by hand."],
    ),
    help: (
        &["Gửi ngân hàng; việc này tự đóng khi có kết quả.", "Rồi: lienthong refunds sent|done|refuse {refund} …"],
        &[
            "Hand it to the bank; the case closes itself when it has ended.",
            "Then: lienthong refunds sent|done|refuse {refund} …",
        ],
    ),
    decisions: &[],
};

const REFUND_REFUSED: Texts = Texts {
    title: ("Nền tảng từ chối hoàn trả", "The platform refused a refund"),
    what: (
        &[
            "Nền tảng không hoàn trả {amount} của giao dịch {transaction} (khoản hoàn trả {refund}).",
            "Lý do: {why}.",
            "Số tiền không còn bị giữ lại để hoàn trả.",
        ],
        &[
            "The platform does not give back {amount} of transaction {transaction} (refund {refund}).",
            "Why: {why}.",
            "The sum is not reserved any more.",
        ],
    ),
    help: (
        &[
            "Hỏi nền tảng vì sao, rồi yêu cầu lại hoặc chi trả bằng cách khác; ghi lại và đóng.",
            "Yêu cầu lại: lienthong refunds request {transaction} --reason …",
        ],
        &[
            "Ask the platform why, then ask for it again or pay it out some other way; note it and close.",
            "Again: lienthong refunds request {transaction} --reason …",
        ],
    ),
    decisions: &[],
};

const REFUND_UNANSWERED: Texts = Texts {
    title: ("Không rõ kết quả hoàn trả", "What became of a refund is not known"),
    what: (
        &[
            "Khoản hoàn trả {refund}: {amount} của giao dịch {transaction} đã chuyển cho nền tảng; cổng kết nối không hỏi được kết quả.",
            "Lý do: {why}.",
            "Số tiền vẫn được giữ lại, không được gửi lại.",
        ],
        &[
            "Refund {refund}: {amount} of transaction {transaction} was handed to the platform, and what became of it could not be found out.",
            "Why: {why}.",
            "The sum stays reserved, and nothing is sent again.",
        ],
    ),
    help: (
        &[
            "Hỏi nền tảng đã chi trả khoản này chưa; việc này tự đóng khi có kết quả.",
            "Rồi: lienthong refunds done|refuse {refund} …",
        ],
        &[
            "Ask the platform whether it was paid out; the case closes itself when that is told.",
            "Then: lienthong refunds done|refuse {refund} …",
        ],
    ),
    decisions: &[],
};

const AMOUNT_DIFFERS: Texts = Texts {
    title: ("Số tiền nộp không khớp", "The amount paid differs"),
    what: (
        &[
            "Giao dịch {transaction}: đã thu {paid}.",
            "Số tiền đã yêu cầu là {asked}.",
            "Số tiền phải nộp hiện nay là {owed}.",
            "Hồ sơ chưa được coi là đã nộp phí.",
        ],
        &[
            "Transaction {transaction}: {paid} was paid.",
            "Asked for: {asked}.",
            "Owed now: {owed}.",
            "The fee does not count as paid.",
        ],
    ),
    help: (
        &["Đối chiếu với nền tảng thanh toán, rồi thu thêm hoặc hoàn lại; ghi lại và đóng."],
        &["Compare with the payment platform, then collect the rest or refund; note it and close."],
    ),
    decisions: &[],
};

const NOTICE_UNKNOWN: Texts = Texts {
    title: ("Thông báo về giao dịch lạ", "A notice about a strange transaction"),
    what: (
        &[
            "Nền tảng thanh toán gửi thông báo có chữ ký đúng về giao dịch {transaction}, số tiền {amount}, nhưng giao dịch này không do cổng kết nối tạo ra.",
        ],
        &[
            "The platform sent a notice with a right seal about transaction {transaction} over {amount}, which is not one of ours.",
        ],
    ),
    help: (
        &[
            "Hỏi đơn vị vận hành nền tảng thanh toán: tiền của ai, hồ sơ nào. Nếu có tiền thật thì hoàn lại hoặc ghi nhận thủ công; ghi lại và đóng.",
        ],
        &[
            "Ask the platform whose money it is and for which dossier. If there is money, refund it or record it by hand; note it and close.",
        ],
    ),
    decisions: &[],
};

const NOTICE_UNCONFIRMED: Texts = Texts {
    title: ("Báo đã nộp nhưng nền tảng chưa xác nhận", "Told paid, never confirmed"),
    what: (
        &[
            "Đã có thông báo rằng giao dịch {transaction} ({amount}) được nộp, nhưng qua nhiều lần hỏi, nền tảng vẫn không xác nhận.",
        ],
        &[
            "A notice said that transaction {transaction} ({amount}) is paid; the platform, asked again and again, does not confirm it.",
        ],
    ),
    help: (
        &[
            "Gửi mã giao dịch cho đơn vị vận hành nền tảng để xác minh. Hồ sơ chưa được coi là đã nộp phí cho đến khi có xác nhận.",
        ],
        &["Give the transaction's code to the platform's operators. The fee does not count as paid until they confirm."],
    ),
    decisions: &[],
};

const LINK_LOST: Texts = Texts {
    title: ("Không lấy được đường dẫn thanh toán", "Payment links were lost"),
    what: (
        &["Đã {open} lần yêu cầu thanh toán mà không nhận được đường dẫn; giao dịch gần nhất là {transaction}."],
        &["Asked {open} times for a payment without getting a link; the last transaction is {transaction}."],
    ),
    help: (
        &[
            "Kiểm tra kết nối với nền tảng thanh toán. Hệ thống vẫn tiếp tục xin đường dẫn, mỗi lần cách nhau lâu hơn; công dân bấm thanh toán lại sẽ nhận được khi có.",
        ],
        &[
            "Look at the connection to the platform. The gateway goes on asking for a link, at growing waits; the citizen's next click gets it.",
        ],
    ),
    decisions: &[],
};

const EARLY_WAITS: Texts = Texts {
    title: ("Trạng thái đến sớm, đang chờ", "An early status waits"),
    what: (
        &[
            "Bộ báo trạng thái {status} lúc {told_at} trong khi hồ sơ đang ở {stands}; trạng thái ở giữa chưa đến sau hơn một giờ.",
        ],
        &[
            "The Ministry told {status} of {told_at} while the dossier stands at {stands}; what should come between has not come for over an hour.",
        ],
    ),
    help: (
        &["Đề nghị Bộ gửi lại trạng thái còn thiếu. Trạng thái đang giữ sẽ tự được áp dụng khi đến lượt."],
        &["Ask the Ministry to send what is missing. What is kept is applied by itself when its turn comes."],
    ),
    decisions: &[],
};

const NO_ROUTE: Texts = Texts {
    title: ("Đối tác không có kênh nhận tin", "A partner has no route for a message"),
    what: (
        &["Cần báo cho {partner} bằng thông điệp {message} nhưng đối tác không có kênh nhận loại này; tin chưa được gửi."],
        &["{partner} should be told by {message} and has no route for it; it was not sent."],
    ),
    help: (
        &["Báo cho đối tác bằng cách khác, hoặc bổ sung kênh trong tệp partner.toml của đối tác; ghi lại và đóng."],
        &["Tell them some other way, or add the route to their partner.toml; note it and close."],
    ),
    decisions: &[],
};

const MISSING_OURS: Texts = Texts {
    title: ("Sao kê có, sổ của ta không có", "In the statement, not in our books"),
    what: (
        &[
            "Sao kê ngày {day} của {partner} có {movement} của giao dịch {transaction}, số tiền {amount}, nhưng sổ của cổng kết nối không có.",
        ],
        &["{partner}'s statement of {day} has a {movement} of transaction {transaction} over {amount} that our books have not."],
    ),
    help: (
        &[
            "Trạng thái giao dịch trong sổ của ta: {state}.",
            "Hỏi nền tảng; nếu tiền đã thu thật thì công dân đã nộp mà hồ sơ chưa được ghi nhận. Sổ không tự điều chỉnh: ghi lại việc đã làm rồi đóng.",
        ],
        &[
            "In our books the transaction stands at: {state}.",
            "Ask the platform; if the money was taken, a citizen has paid and the dossier does not know it. Nothing is adjusted by itself: note what was done, then close.",
        ],
    ),
    decisions: &[],
};

const MISSING_THEIRS: Texts = Texts {
    title: ("Sổ của ta có, sao kê không có", "In our books, not in the statement"),
    what: (
        &[
            "Sổ của cổng kết nối ngày {day} có {movement} của giao dịch {transaction}, số tiền {amount}, nhưng sao kê của {partner} không có.",
        ],
        &["Our books of {day} have a {movement} of transaction {transaction} over {amount} that {partner}'s statement has not."],
    ),
    help: (
        &[
            "Có thể giao dịch nằm ở sao kê ngày sau: hệ thống sẽ tự ghi chú khi gặp. Nếu quá hai ngày vẫn thiếu thì yêu cầu nền tảng giải trình.",
        ],
        &[
            "It may stand in the next day's statement: the case will say so. If it is still missing after two days, ask the platform to explain.",
        ],
    ),
    decisions: &[],
};

const MISMATCH: Texts = Texts {
    title: ("Sao kê và sổ không khớp", "Statement and books differ"),
    what: (
        &[
            "Ngày {day}, {movement} của giao dịch {transaction}: {field} theo sao kê của {partner} là {theirs}, theo sổ của ta là {ours}.",
        ],
        &[
            "On {day} the {movement} of transaction {transaction} differs: {field} is {theirs} by {partner}'s statement and {ours} by our books.",
        ],
    ),
    help: (
        &["Đối chiếu chứng từ với nền tảng. Sổ không tự điều chỉnh: ghi lại kết luận rồi đóng."],
        &["Compare vouchers with the platform. Nothing is adjusted by itself: note the conclusion, then close."],
    ),
    decisions: &[],
};

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
