//! What becomes of a dossier at the Ministry: a script tells status after status, each when the gateway has the one before.
//!
//! Always holds: only allowed moves are told; a withdrawal that was accepted ends every script with status 7. A push the
//! gateway refuses ends the script where it stands, for a person to see.

use std::sync::Arc;

use super::super::{Failure, paper, seal};
use super::push::{Document, Fee, Missing, Push};
use super::soap::Payload;
use super::{Dossier, Ministry};

/// Lệ phí of one wish (procedure 1.001942), whole VND: by the form of 2019 (M), and by today's (V for 2024).
const WISH_2019: u64 = 30_000;
const WISH: u64 = 20_000;

/// The course a dossier takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Script {
    /// A fee per unpaid wish for 1.001942, `Normal` for the rest.
    Auto,
    /// 2, 4, 9, 10.
    Normal,
    /// 2, 6 with this fee, waits until it is paid, 4, 9, 10.
    Fee(u64),
    /// 2, 5 with a missing paper, waits for the supplement, 2, 4, 9, 10.
    Supplement,
    /// 3 with a reason.
    Refuse,
    /// 2, then waits to be withdrawn.
    Withdraw,
    /// Says nothing: a test pushes by hand.
    Silent,
}

// === impl Script ===

impl std::str::FromStr for Script {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        Ok(match text {
            "auto" => Self::Auto,
            "normal" => Self::Normal,
            "supplement" => Self::Supplement,
            "refuse" => Self::Refuse,
            "withdraw" => Self::Withdraw,
            "silent" => Self::Silent,
            _ => match text.strip_prefix("fee:").and_then(|n| n.parse().ok()) {
                Some(amount) if amount > 0 => Self::Fee(amount),
                _ => {
                    return Err(Failure::Role(format!(
                        "`{text}` is no script: auto, normal, fee:AMOUNT, supplement, refuse, withdraw, silent"
                    )));
                }
            },
        })
    }
}

impl std::fmt::Display for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Normal => f.write_str("normal"),
            Self::Fee(amount) => write!(f, "fee:{amount}"),
            Self::Supplement => f.write_str("supplement"),
            Self::Refuse => f.write_str("refuse"),
            Self::Withdraw => f.write_str("withdraw"),
            Self::Silent => f.write_str("silent"),
        }
    }
}

impl Script {
    /// `Auto` decided by what the dossier says.
    pub(super) fn settled(self, payload: &Payload) -> Self {
        if self != Self::Auto {
            return self;
        }
        let unpaid = payload.texts("DaNopPhi").iter().filter(|paid| *paid == "0").count();
        match u64::try_from(unpaid) {
            Ok(n) if n > 0 => {
                let price = if payload.text("XetTuyen2019").is_some() { WISH_2019 } else { WISH };
                Self::Fee(n.saturating_mul(price))
            }
            _ => Self::Normal,
        }
    }

    /// Plays in a task of its own.
    pub(super) fn play(self, ministry: &Arc<Ministry>, code: &str) {
        if self == Self::Silent {
            return;
        }
        let (ministry, code) = (Arc::clone(ministry), code.to_owned());
        tokio::spawn(async move {
            // `None`: a push was refused, or the citizen withdrew.
            let _ = self.act(&ministry, &code).await;
            if ministry.dossier(&code).is_some_and(|d| d.withdrawn) {
                let note = Some("Đã nhận đề nghị rút hồ sơ".to_owned());
                ministry.push(Push { note, until_heard: true, ..Push::status(&code, 7) }).await;
            }
            ministry.with(&code, |d| d.ended = true);
        });
    }

    async fn act(&self, m: &Ministry, code: &str) -> Option<()> {
        match self {
            Self::Auto | Self::Silent => return Some(()),
            Self::Refuse => {
                let note = Some("Hồ sơ nộp ngoài thời hạn đăng ký".to_owned());
                return m.step(Push { note, ..Push::status(code, 3) }).await;
            }
            Self::Normal => m.step(Push::status(code, 2)).await?,
            Self::Withdraw => {
                m.step(Push::status(code, 2)).await?;
                return m.until(code, |_| false).await;
            }
            Self::Fee(amount) => {
                m.step(Push::status(code, 2)).await?;
                let fee = Fee { amount: *amount, code: Some("LP01".to_owned()), name: Some("Lệ phí".to_owned()) };
                m.step(Push { fee: Some(fee), ..Push::status(code, 6) }).await?;
                m.until(code, |d| d.fee_paid.is_some()).await?;
            }
            Self::Supplement => {
                m.step(Push::status(code, 2)).await?;
                let paper = Missing { code: "TP02".to_owned(), name: "Học bạ (bản sao có chứng thực)".to_owned() };
                let note = Some("Bản chụp học bạ mờ, không đọc được điểm".to_owned());
                m.step(Push { missing: vec![paper], note, ..Push::status(code, 5) }).await?;
                m.until(code, |d| d.supplements > 0).await?;
                m.step(Push::status(code, 2)).await?;
            }
        }
        m.step(Push { note: Some("Đang kiểm tra hồ sơ".to_owned()), ..Push::status(code, 4) }).await?;
        m.step(Push::status(code, 9)).await?;
        let name = format!("ket-qua-{code}.pdf");
        let content = paper::pdf(&["BO GIAO DUC VA DAO TAO (thu nghiem)", "Ket qua giai quyet ho so", code], 0);
        let document = Document { id: format!("kq-{code}"), name, content: seal::base64(&content) };
        let signed = crate::clock::Time(m.book.now_ms()).rfc3339().get(..10).map(str::to_owned);
        let decision = Some(format!("{}/QĐ-BGDĐT", m.dossier(code)?.reference));
        m.step(Push { result: true, documents: vec![document], decision, signed_on: signed, ..Push::status(code, 10) }).await
    }
}

// === impl Ministry ===

impl Ministry {
    /// One push of a script, until the gateway has it; `None` ends the script.
    async fn step(&self, push: Push) -> Option<()> {
        tokio::time::sleep(self.pace).await;
        let officer = Some("Lê Văn Mẫu".to_owned());
        let pushed = self.push_unless_withdrawn(Push { officer, until_heard: true, ..push }).await?;
        if pushed.acknowledged() { Some(()) } else { None }
    }

    /// Waits until the dossier fits; `None` when it is withdrawn instead.
    async fn until(&self, code: &str, fits: impl Fn(&Dossier) -> bool) -> Option<()> {
        self.wait_for(code, |d| d.withdrawn || fits(d)).await;
        if self.dossier(code)?.withdrawn { None } else { Some(()) }
    }
}
