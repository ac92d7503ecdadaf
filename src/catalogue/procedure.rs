//! A procedure (thủ tục hành chính): what the lists and our own table say of it, and how it is found.
//!
//! Always: an entry is true from a day to a day only; a row without a code is listed and never found by a look-up.

use super::fee::FeeRule;
use crate::body::Value;
use crate::model::{Charge, ProcedureCode};
use jiff::civil::Date;
use std::fmt;

/// One row of the catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct Procedure {
    /// Which list it stands in.
    pub era: String,
    /// Bare national code; none: listed, not addressable.
    pub code: Option<String>,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// Who handles it.
    pub tier: Tier,
    /// How far it is online.
    pub level: Level,
    /// On whose software it runs.
    pub host: Host,
    /// What it costs.
    pub fee_rule: FeeRule,
    /// What the list notes about the fee.
    pub fee_note: String,
    /// Where the money goes.
    pub beneficiary: Beneficiary,
    /// First day it is true.
    pub valid_from: Date,
    /// Last day it is true; none: until further notice.
    pub valid_to: Option<Date>,
    /// Field (lĩnh vực).
    pub field: String,
    /// How sure the list's source is of the row (`verified`, `name-verified`, `unverified`).
    pub confidence: String,
    /// How sure our own table is of what it adds: V, M, G; none: it adds nothing.
    pub added_confidence: Option<String>,
    /// The statutory term.
    pub days: Option<Term>,
}

/// Who handles a procedure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// The city's department.
    Department,
    /// The district (until 2025-06-30).
    District,
    /// The commune.
    Commune,
}

/// How far a procedure is online: 3 and 4 by NĐ 43/2011, partial and full by NĐ 42/2022.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Sent and processed online; fee and result in person.
    Three,
    /// And the fee is paid online.
    Four,
    /// Một phần.
    Partial,
    /// Toàn trình.
    Full,
    /// No source gives it.
    Unknown,
}

/// On whose software a procedure runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// The city's.
    City,
    /// The Ministry's.
    Ministry,
}

/// Where the money goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Beneficiary {
    /// Account number.
    pub account: String,
    /// Bank code.
    pub bank: String,
    /// Name of the account.
    pub name: String,
}

/// A statutory term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// So many days.
    pub days: u32,
    /// Working days; else calendar days.
    pub working: bool,
}

/// Why a procedure cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotFound {
    /// No row has this code.
    Unknown,
    /// There are rows, none of them on that day; the nearest one's days.
    NotValid {
        /// First day.
        from: Date,
        /// Last day; none: until further notice.
        to: Option<Date>,
    },
}

/// Which rows to list; what is not set does not count.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// This list.
    pub era: Option<String>,
    /// Of this tier.
    pub tier: Option<Tier>,
    /// On this software.
    pub host: Option<Host>,
    /// Of this level.
    pub level: Option<Level>,
    /// True on this day.
    pub on: Option<Date>,
    /// Code, either name or field contain this, whatever the case.
    pub text: Option<String>,
}

/// All rows.
#[derive(Clone, Debug, Default)]
pub struct Procedures {
    pub(super) list: Vec<Procedure>,
}

// === words ===

macro_rules! words {
    ($name:ident, $($case:ident = $word:literal),+) => {
        impl $name {
            /// Every case with its word.
            pub const ALL: &[(Self, &'static str)] = &[$((Self::$case, $word)),+];

            /// The case of a word.
            #[must_use]
            pub fn of_word(word: &str) -> Option<Self> {
                Self::ALL.iter().find(|(_, w)| *w == word).map(|(c, _)| *c)
            }

            /// Its word.
            #[must_use]
            pub fn word(self) -> &'static str {
                Self::ALL.iter().find(|(c, _)| *c == self).map_or("", |(_, w)| w)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.word())
            }
        }
    };
}

words!(Tier, Department = "department", District = "district", Commune = "commune");
words!(Level, Three = "3", Four = "4", Partial = "partial", Full = "full", Unknown = "unknown");
words!(Host, City = "city", Ministry = "ministry");

// === impl Term ===

impl Term {
    /// Reads a list's note: `10 ngày làm việc`, `25 working days`, `15 ngày`.
    #[must_use]
    pub fn parse(note: &str) -> Option<Self> {
        let (days, unit) = note.split_once(' ')?;
        let working = match unit {
            "ngày làm việc" | "working days" => true,
            "ngày" | "days" => false,
            _ => return None,
        };
        Some(Self { days: days.parse().ok().filter(|n| *n > 0)?, working })
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.days, if self.working { "working days" } else { "days" })
    }
}

// === impl Procedure ===

impl Procedure {
    /// Whether it can be asked for by a code.
    #[must_use]
    pub fn addressable(&self) -> bool {
        self.code.is_some()
    }

    /// The bare national code; empty when it has none.
    #[must_use]
    pub fn code(&self) -> &str {
        self.code.as_deref().unwrap_or_default()
    }

    /// Whether it is true on that day.
    #[must_use]
    pub fn valid_on(&self, day: Date) -> bool {
        self.valid_from <= day && self.valid_to.is_none_or(|to| day <= to)
    }

    /// What a dossier with this form and these papers costs by the rule.
    #[must_use]
    pub fn charge(&self, form: &Value, papers: &[Value]) -> Charge {
        self.fee_rule.charge(form, papers)
    }
}

// === impl NotFound ===

impl NotFound {
    /// In Vietnamese, for outsiders.
    #[must_use]
    pub fn text_vi(&self) -> String {
        match self {
            Self::Unknown => "Mã thủ tục hành chính này không có trong danh mục.".to_owned(),
            Self::NotValid { from, to: Some(to) } => {
                format!("Thủ tục này chỉ có hiệu lực từ ngày {} đến hết ngày {}.", vi(*from), vi(*to))
            }
            Self::NotValid { from, to: None } => format!("Thủ tục này chỉ có hiệu lực từ ngày {}.", vi(*from)),
        }
    }
}

fn vi(day: Date) -> String {
    day.strftime("%d/%m/%Y").to_string()
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("This procedure is not in the catalogue."),
            Self::NotValid { from, to: Some(to) } => write!(f, "This procedure is valid from {from} to {to} only."),
            Self::NotValid { from, to: None } => write!(f, "This procedure is valid from {from} only."),
        }
    }
}

impl std::error::Error for NotFound {}

// === impl Procedures ===

impl Procedures {
    /// All rows, in the list's order.
    #[must_use]
    pub fn list(&self) -> &[Procedure] {
        &self.list
    }

    /// The procedure of a code (with or without a province's ending) on a day.
    pub fn lookup(&self, code: &str, day: Date) -> Result<&Procedure, NotFound> {
        let code = ProcedureCode::parse(code).ok_or(NotFound::Unknown)?;
        let rows = || self.list.iter().filter(|p| p.code.as_deref() == Some(code.national()));
        if let Some(found) = rows().find(|p| p.valid_on(day)) {
            return Ok(found);
        }
        let gap = |p: &&Procedure| {
            if day < p.valid_from { (p.valid_from - day).get_days() } else { p.valid_to.map_or(0, |to| (day - to).get_days()) }
        };
        rows().min_by_key(gap).map_or(Err(NotFound::Unknown), |p| Err(NotFound::NotValid { from: p.valid_from, to: p.valid_to }))
    }

    /// The rows a filter lets through.
    pub fn filter<'p>(&'p self, filter: &'p Filter) -> impl Iterator<Item = &'p Procedure> {
        self.list.iter().filter(|p| filter.fits(p))
    }
}

impl Filter {
    fn fits(&self, p: &Procedure) -> bool {
        let has = |text: &str| {
            let text = text.to_lowercase();
            [p.code(), &p.name_vi, &p.name_en, &p.field].iter().any(|t| t.to_lowercase().contains(&text))
        };
        self.era.as_ref().is_none_or(|e| *e == p.era)
            && self.tier.is_none_or(|t| t == p.tier)
            && self.host.is_none_or(|h| h == p.host)
            && self.level.is_none_or(|l| l == p.level)
            && self.on.is_none_or(|day| p.valid_on(day))
            && self.text.as_ref().is_none_or(|t| has(t))
    }
}
