//! The one judge: what a partner's answer means, by the route's rules as data; the first rule that fits counts, none means unknown.
//!
//! Retry, breaker, metrics and operators read this one decision. The places the rules look at are read from the answer beforehand
//! (by `mapping`), so the judge sees plain facts.

use std::ops::RangeInclusive;
use std::time::Duration;

/// A value as it stands in an answer; a number 0 and a text "0" are two things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Text (in XML and forms every value is one).
    Text(String),
    /// A number's literal token.
    Number(String),
    /// A boolean.
    Bool(bool),
    /// null.
    Null,
    /// An object or array.
    Node,
}

/// The rules of one kind of answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Judge {
    /// Place of the partner's own reason or code.
    pub why: Option<String>,
    /// The first that fits counts.
    pub rules: Vec<Rule>,
}

/// One rule: every condition that is set must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The HTTP status is one of these.
    pub http: Option<Codes>,
    /// The value at this place is one of these (any value, when the list is empty).
    pub at: Option<(String, Vec<Fact>)>,
    /// There is something at this place.
    pub has: Option<String>,
    /// The answer is a SOAP fault of this code (`Client`, `Server`).
    pub fault: Option<String>,
    /// What it means.
    pub then: Then,
    /// Findings of an inquiry, put into `$asked`.
    pub find: Vec<(String, serde_json::Value)>,
}

/// HTTP statuses: single ones and ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codes(Vec<RangeInclusive<u16>>);

/// What a rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// Taken.
    Done,
    /// This message is refused for good.
    Reject,
    /// Answered before processing: again later.
    Retry,
    /// A person must look.
    Park,
    /// The sign-in is stale: once anew, then as a retry.
    SignIn,
}

/// What the judge looks at.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// HTTP status.
    pub http: u16,
    /// The values at the places the rules name; none: nothing there.
    pub values: Vec<(String, Option<Fact>)>,
    /// The SOAP fault's code.
    pub fault: Option<String>,
    /// The answer could not be read as what it should be (a cut body, not well-formed).
    pub unreadable: bool,
    /// The partner's Retry-After.
    pub retry_after: Option<Duration>,
}

/// Whether the partner as a whole seems in trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It answered in its senses.
    None,
    /// It is overloaded, broken or not reachable.
    Partner,
}

/// The end of one attempt. Decided once.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Taken by the other side.
    Done {
        /// Findings of an inquiry.
        find: Vec<(String, serde_json::Value)>,
    },
    /// Known not to have been processed; `sent`: bytes left us.
    Retry {
        /// Our code word and the partner's code.
        why: String,
        /// The partner's own word when.
        not_before: Option<Duration>,
    },
    /// Nothing left us: free to try again.
    NotSent {
        /// Our code word.
        why: String,
    },
    /// The sign-in was refused.
    SignIn {
        /// Our code word.
        why: String,
    },
    /// Sent, and no readable answer.
    Unknown {
        /// Our code word.
        why: String,
    },
    /// Refused for good.
    Reject {
        /// Our code word and the partner's code.
        why: String,
    },
    /// A person must look.
    Park {
        /// Our code word and the partner's code.
        why: String,
    },
}

// === impl Codes ===

impl Codes {
    /// Reads `200`, `200-299,304`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let one = |t: &str| t.trim().parse::<u16>().ok().filter(|n| (100..=599).contains(n));
        text.split(',')
            .map(|part| match part.split_once('-') {
                Some((a, b)) => Some(one(a)?..=one(b)?),
                None => one(part).map(|n| n..=n),
            })
            .collect::<Option<Vec<_>>>()
            .filter(|v| !v.is_empty())
            .map(Self)
    }

    /// Whether a status is among them.
    #[must_use]
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|r| r.contains(&status))
    }
}

// === impl Judge ===

impl Judge {
    /// Of a receipt that came in an answer: accepted is done, refused is refused, with its reason's code.
    #[must_use]
    pub fn of_receipts() -> Self {
        let rule = |place: &str, word: Option<&str>, then| Rule {
            http: None,
            at: Some((place.to_owned(), word.map(|w| Fact::Text(w.to_owned())).into_iter().collect())),
            has: (place != "/outcome").then(|| "/outcome".to_owned()),
            fault: None,
            then,
            find: Vec::new(),
        };
        let done = rule("/outcome", Some("accepted"), Then::Done);
        Self {
            why: None,
            rules: vec![done, rule("/reason", None, Then::Reject), rule("/outcome", Some("refused"), Then::Reject)],
        }
    }

    /// Every place the rules look at, for whoever reads the answer.
    #[must_use]
    pub fn places(&self) -> Vec<&str> {
        let mut places: Vec<&str> = self.why.iter().map(String::as_str).collect();
        for rule in &self.rules {
            places.extend(rule.at.iter().map(|(p, _)| p.as_str()));
            places.extend(rule.has.iter().map(String::as_str));
        }
        places.sort_unstable();
        places.dedup();
        places
    }

    /// What the answer means.
    #[must_use]
    pub fn decide(&self, facts: &Facts) -> Outcome {
        let Some(rule) = self.rules.iter().find(|r| r.fits(facts)) else {
            let word = if facts.unreadable { "answer-unreadable" } else { "answer-unclear" };
            return Outcome::Unknown { why: format!("{word}: HTTP {}{}", facts.http, facts.fault_word()) };
        };
        let why = format!("{}: HTTP {}{}{}", rule.then.word(), facts.http, facts.fault_word(), self.partner_code(facts, rule));
        match rule.then {
            Then::Done => Outcome::Done { find: rule.find.clone() },
            Then::Reject => Outcome::Reject { why },
            Then::Retry => Outcome::Retry { why, not_before: facts.retry_after },
            Then::Park => Outcome::Park { why },
            Then::SignIn => Outcome::SignIn { why },
        }
    }

    /// The partner's code: the value the rule looked at when it is short and plain (a partner's free text stays with the body).
    fn partner_code(&self, facts: &Facts, rule: &Rule) -> String {
        let place = rule.at.as_ref().map(|(p, _)| p.as_str()).or(rule.has.as_deref());
        match place.and_then(|p| facts.at(p)) {
            Some(Fact::Text(t) | Fact::Number(t)) if is_code(t) => format!(", code {t}"),
            _ => String::new(),
        }
    }
}

impl Rule {
    fn fits(&self, facts: &Facts) -> bool {
        self.http.as_ref().is_none_or(|codes| codes.contains(facts.http))
            && self.fault.as_ref().is_none_or(|f| facts.fault.as_ref() == Some(f))
            && self.has.as_ref().is_none_or(|p| facts.at(p).is_some_and(|f| *f != Fact::Null))
            && self.at.as_ref().is_none_or(|(p, wanted)| facts.at(p).is_some_and(|f| wanted.is_empty() || wanted.contains(f)))
    }
}

impl Then {
    fn word(self) -> &'static str {
        match self {
            Self::Done => "taken",
            Self::Reject => "refused-by-partner",
            Self::Retry => "not-processed",
            Self::Park => "needs-a-person",
            Self::SignIn => "sign-in-refused",
        }
    }
}

impl Facts {
    fn at(&self, place: &str) -> Option<&Fact> {
        self.values.iter().find(|(p, _)| p == place).and_then(|(_, f)| f.as_ref())
    }

    fn fault_word(&self) -> String {
        match &self.fault {
            Some(code) if is_code(code) => format!(", fault {code}"),
            Some(_) => ", fault".to_owned(),
            None => String::new(),
        }
    }
}

impl Outcome {
    /// The word kept with the attempt.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Done { .. } => "done",
            Self::Retry { .. } => "retry",
            Self::NotSent { .. } => "not-sent",
            Self::SignIn { .. } => "sign-in",
            Self::Unknown { .. } => "unknown",
            Self::Reject { .. } => "reject",
            Self::Park { .. } => "park",
        }
    }

    /// The reason kept with it.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Done { .. } => None,
            Self::Retry { why, .. }
            | Self::NotSent { why }
            | Self::SignIn { why }
            | Self::Unknown { why }
            | Self::Reject { why }
            | Self::Park { why } => Some(why),
        }
    }

    /// Whether this says that the partner as a whole is in trouble.
    #[must_use]
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::Done { .. } | Self::Reject { .. } | Self::Park { .. } => Trouble::None,
            Self::Retry { .. } | Self::NotSent { .. } | Self::SignIn { .. } | Self::Unknown { .. } => Trouble::Partner,
        }
    }
}

/// Short, and letters, digits, `-`, `_`, `.` only: a code, not somebody's sentence.
fn is_code(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(http: Option<&str>, at: Option<(&str, &[Fact])>, fault: Option<&str>, then: Then) -> Rule {
        Rule {
            http: http.and_then(Codes::parse),
            at: at.map(|(p, v)| (p.to_owned(), v.to_vec())),
            has: None,
            fault: fault.map(str::to_owned),
            then,
            find: Vec::new(),
        }
    }

    fn judge() -> Judge {
        let zero = [Fact::Number("0".into()), Fact::Text("0".into())];
        Judge {
            why: None,
            rules: vec![
                rule(Some("200"), Some(("/error", &zero)), None, Then::Done),
                rule(Some("200"), Some(("/error", &[])), None, Then::Reject),
                rule(None, None, Some("Client"), Then::Reject),
                rule(Some("429,503"), None, None, Then::Retry),
                rule(Some("401"), None, None, Then::SignIn),
            ],
        }
    }

    fn facts(http: u16, error: Option<Fact>, fault: Option<&str>) -> Facts {
        Facts { http, values: vec![("/error".into(), error)], fault: fault.map(str::to_owned), ..Facts::default() }
    }

    #[test]
    fn the_first_rule_that_fits_decides_and_none_is_unknown() {
        for (facts, word) in [
            (facts(200, Some(Fact::Number("0".into())), None), "done"),
            (facts(200, Some(Fact::Text("0".into())), None), "done"),
            (facts(200, Some(Fact::Text("7".into())), None), "reject"),
            (facts(500, None, Some("Client")), "reject"),
            (facts(500, None, Some("Server")), "unknown"),
            (facts(503, None, None), "retry"),
            (facts(502, None, None), "unknown"),
            (facts(504, None, None), "unknown"),
            (facts(401, None, None), "sign-in"),
            (facts(200, None, None), "unknown"),
        ] {
            assert_eq!(judge().decide(&facts).word(), word, "{facts:?}");
        }
    }

    #[test]
    fn a_reason_names_the_partners_code_and_never_its_free_text() {
        let why = |v: &str| judge().decide(&facts(200, Some(Fact::Text(v.into())), None)).why().map(str::to_owned);
        assert_eq!(why("E42").as_deref(), Some("refused-by-partner: HTTP 200, code E42"));
        assert_eq!(why("Nguyễn Văn A đã nộp").as_deref(), Some("refused-by-partner: HTTP 200"));
    }

    #[test]
    fn statuses_are_single_ones_and_ranges() {
        let codes = Codes::parse("200-299,304").unwrap();
        assert!(codes.contains(204) && codes.contains(304) && !codes.contains(300));
        for bad in ["", "abc", "200-", "99", "600"] {
            assert!(Codes::parse(bad).is_none(), "{bad}");
        }
    }
}
