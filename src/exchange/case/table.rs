//! The texts of each kind of case, Vietnamese and English: what happened, what to do, and the decisions it takes.
//!
//! Sentences with `{names}` of the case's facts; how they are filled stands in `texts`.

use super::texts::{Choice, Texts};

pub(super) const OVERPAYMENT: Texts = Texts {
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

pub(super) const FEE_DIFFERS: Texts = Texts {
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

pub(super) const FEE_CHOICE: Texts = Texts {
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

pub(super) const NOTICE_DIFFERS: Texts = Texts {
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

pub(super) const PAYMENT_UNANSWERED: Texts = Texts {
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

pub(super) const REFUND: Texts = Texts {
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

pub(super) const REFUND_REFUSED: Texts = Texts {
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

pub(super) const REFUND_UNANSWERED: Texts = Texts {
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

pub(super) const AMOUNT_DIFFERS: Texts = Texts {
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

pub(super) const NOTICE_UNKNOWN: Texts = Texts {
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

pub(super) const NOTICE_UNCONFIRMED: Texts = Texts {
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

pub(super) const LINK_LOST: Texts = Texts {
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

pub(super) const EARLY_WAITS: Texts = Texts {
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

pub(super) const NO_ROUTE: Texts = Texts {
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

pub(super) const MISSING_OURS: Texts = Texts {
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

pub(super) const MISSING_THEIRS: Texts = Texts {
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

pub(super) const MISMATCH: Texts = Texts {
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
