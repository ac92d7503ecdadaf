//! The status of a dossier (hồ sơ): national codes 1 to 10, the moves allowed between them, and the one judgement of a move.
//!
//! Source of the codes: the national public service portal's lists; of the moves: NĐ 61/2018 and TT 01/2018/TT-VPCP as read
//! in docs/rules.md. The rule of judgement is [`Status::judge`]; nobody else decides whether a status may change.

use crate::clock::Time;

/// Where a dossier stands. The number is the national code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// 1 Mới đăng ký: registered, not yet received.
    New = 1,
    /// 2 Được tiếp nhận: received.
    Received = 2,
    /// 3 Không được tiếp nhận: not received. Final.
    Refused = 3,
    /// 4 Đang xử lý: being processed.
    Processing = 4,
    /// 5 Yêu cầu bổ sung giấy tờ: papers asked for.
    Supplement = 5,
    /// 6 Yêu cầu thực hiện nghĩa vụ tài chính: a fee is owed.
    Payment = 6,
    /// 7 Công dân yêu cầu rút hồ sơ: withdrawn. Final.
    Withdrawn = 7,
    /// 8 Dừng xử lý: stopped.
    Stopped = 8,
    /// 9 Đã xử lý xong: processed.
    Finished = 9,
    /// 10 Đã trả kết quả: result returned. Final.
    Returned = 10,
}

/// What a status told by a partner means for the dossier; the first that fits, in this order.
/// (A duplicate, the same dedupe key again, is recognised before and never judged.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Older than the present state by the partner's time: timeline only.
    Late,
    /// The present status again: timeline only.
    Note,
    /// The dossier moves.
    Applied,
    /// Not reachable in one move but reachable later: kept and tried again after each applied move.
    Early,
    /// Newer than a final state, or unreachable: refused.
    Impossible,
}

// === impl Status ===

impl Status {
    /// All ten, in order of their code.
    pub const ALL: [Self; 10] = [
        Self::New,
        Self::Received,
        Self::Refused,
        Self::Processing,
        Self::Supplement,
        Self::Payment,
        Self::Withdrawn,
        Self::Stopped,
        Self::Finished,
        Self::Returned,
    ];

    /// The national code, 1 to 10.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The status of a national code.
    #[must_use]
    pub fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.code() == code)
    }

    /// The canonical word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Received => "received",
            Self::Refused => "refused",
            Self::Processing => "processing",
            Self::Supplement => "supplement",
            Self::Payment => "payment",
            Self::Withdrawn => "withdrawn",
            Self::Stopped => "stopped",
            Self::Finished => "finished",
            Self::Returned => "returned",
        }
    }

    /// The status of a canonical word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == word)
    }

    /// What citizens and operators read.
    #[must_use]
    pub fn vietnamese(self) -> &'static str {
        match self {
            Self::New => "Mới đăng ký",
            Self::Received => "Được tiếp nhận",
            Self::Refused => "Không được tiếp nhận",
            Self::Processing => "Đang xử lý",
            Self::Supplement => "Yêu cầu bổ sung giấy tờ",
            Self::Payment => "Yêu cầu thực hiện nghĩa vụ tài chính",
            Self::Withdrawn => "Công dân yêu cầu rút hồ sơ",
            Self::Stopped => "Dừng xử lý",
            Self::Finished => "Đã xử lý xong",
            Self::Returned => "Đã trả kết quả",
        }
    }

    /// The statuses one move away.
    #[must_use]
    pub fn next(self) -> &'static [Self] {
        use Status::{Finished, New, Payment, Processing, Received, Refused, Returned, Stopped, Supplement, Withdrawn};
        match self {
            New => &[Received, Refused, Supplement, Withdrawn],
            Received => &[Processing, Supplement, Payment, Withdrawn, Stopped],
            Processing => &[Supplement, Payment, Withdrawn, Stopped, Finished],
            Supplement => &[New, Received, Refused, Processing, Withdrawn, Stopped],
            Payment => &[Received, Processing, Withdrawn, Stopped, Finished],
            Stopped => &[Processing, Withdrawn, Finished],
            Finished => &[Returned],
            Refused | Withdrawn | Returned => &[],
        }
    }

    /// 3, 7 and 10: nothing follows.
    #[must_use]
    pub fn is_final(self) -> bool {
        self.next().is_empty()
    }

    /// Whether `to` can be reached in any number of moves.
    #[must_use]
    pub fn leads_to(self, to: Self) -> bool {
        let mut seen = vec![self];
        let mut at = 0;
        while let Some(&from) = seen.get(at) {
            for &next in from.next() {
                if next == to {
                    return true;
                }
                if !seen.contains(&next) {
                    seen.push(next);
                }
            }
            at += 1;
        }
        false
    }

    /// Judges a status told at the partner's time `at`, when the dossier stands in `self` since the partner's time
    /// `since` (`None` while no partner's status was applied yet: nothing is late then).
    #[must_use]
    pub fn judge(self, since: Option<Time>, told: Self, at: Time) -> Judgement {
        if since.is_some_and(|since| at < since) {
            Judgement::Late
        } else if told == self {
            Judgement::Note
        } else if self.next().contains(&told) {
            Judgement::Applied
        } else if self.leads_to(told) {
            Judgement::Early
        } else {
            Judgement::Impossible
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_seven_and_ten_are_final() {
        let finals: Vec<u8> = Status::ALL.into_iter().filter(|s| s.is_final()).map(Status::code).collect();
        assert_eq!(finals, [3, 7, 10]);
    }

    #[test]
    fn words_and_codes_come_back() {
        for s in Status::ALL {
            assert_eq!(Status::of_code(s.code()), Some(s));
            assert_eq!(Status::of_word(s.word()), Some(s));
        }
        assert_eq!(Status::of_code(11), None);
    }

    #[test]
    fn the_first_judgement_that_fits_counts() {
        use Judgement::{Applied, Early, Impossible, Late, Note};
        use Status::{Finished, New, Processing, Received, Refused, Returned, Withdrawn};
        let t = Time(1_000);
        for (state, since, told, at, want) in [
            (New, None, Received, 0, Applied),
            (New, None, Finished, 0, Early),
            (Processing, Some(t), Received, 999, Late),
            (Processing, Some(t), Processing, 1_000, Note),
            (Processing, Some(t), Processing, 999, Late),
            (Returned, Some(t), Processing, 999, Late),
            (Returned, Some(t), Processing, 1_001, Impossible),
            (Returned, Some(t), Returned, 1_001, Note),
            (Refused, Some(t), Received, 1_001, Impossible),
            (Withdrawn, None, Received, 1, Impossible),
            (Received, Some(t), New, 1_001, Early),
            (Received, Some(t), Refused, 1_001, Early),
        ] {
            assert_eq!(state.judge(since, told, Time(at)), want, "{state:?} {told:?} {at}");
        }
    }
}
