//! Chains of conversions: names known, types meet, losses said (V3, V4).

use super::Compiler;
use super::paths::nearest;
use crate::mapping::cells::bare_literal;
use crate::mapping::convert::{Chain, Conv};
use crate::mapping::grammar::{self, CONVERSIONS, Link, Lit};
use crate::mapping::pattern::Pattern;
use crate::mapping::shapes::{Leaf, LeafKind};
use crate::mapping::source::{Check, Span};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Compiler<'_> {
    /// The alternatives of a value; none = its own form.
    pub(super) fn chains(&mut self, chains: &[grammar::Chain], leaf: &Leaf, at: &Span) -> Vec<Chain> {
        if chains.is_empty() {
            if leaf.kind == LeafKind::Content {
                self.hint(at, "a content has no form of its own on a wire", "`: base64`");
            }
            return vec![self.chain(&grammar::Chain::default(), leaf)];
        }
        let alts: Vec<Chain> = chains.iter().map(|c| self.chain(c, leaf)).collect();
        if leaf.kind == LeafKind::Content && !alts.iter().all(Chain::is_content) {
            self.hint(at, "the bytes of a content need a form on the wire", "`: base64`, `: zip(name) : base64`");
        }
        if alts.len() > 1 && alts.iter().any(Chain::is_content) {
            self.proving(Check::Types, |c| c.check_contents(&alts, at));
        }
        alts
    }

    /// One chain.
    pub(super) fn chain(&mut self, chain: &grammar::Chain, leaf: &Leaf) -> Chain {
        let mut links = Vec::new();
        let mut lossy = false;
        let count = chain.links.len();
        for (n, link) in chain.links.iter().enumerate() {
            lossy |= link.lossy;
            let Some(conv) = self.proving(Check::Types, |c| c.link(link, leaf, n == 0, n + 1 == count)) else { continue };
            let losses = if matches!(conv, Conv::Code(_)) { Check::Codes } else { Check::Losses };
            self.proving(losses, |c| c.check_loss(link, &conv, leaf));
            self.proving(Check::Types, |c| c.check_type(link, &conv, leaf, n == 0));
            links.push(conv);
        }
        Chain { links, leaf: leaf.clone(), lossy, typing: self.head.typing }
    }

    fn link(&mut self, link: &Link, leaf: &Leaf, first: bool, last: bool) -> Option<Conv> {
        let argument = link.arguments.as_deref().map(str::trim);
        let conv = match (link.name.as_str(), argument) {
            ("text", None) => Conv::Text,
            ("number", None) => Conv::Number,
            ("upper", None) => Conv::Upper,
            ("base64", None) => Conv::Base64,
            ("time", Some(pattern)) => Conv::Time(self.pattern(pattern, link)?, link.lossy),
            ("date", Some(pattern)) => Conv::Date(self.pattern(pattern, link)?),
            ("code", Some(list)) => return self.code(list, link, leaf, first),
            ("flag", Some(words)) => return self.flag(words, link),
            ("cut", Some(n)) => match n.parse() {
                Ok(n) if n > 0 => Conv::Cut(n),
                _ => {
                    self.hint(&link.at, "not a length", "cut(20)");
                    return None;
                }
            },
            ("join", Some(separator)) => return self.join(separator, link, last),
            ("zip", Some(name)) => return self.zip(name, link),
            ("zip", None) => {
                self.hint(
                    &link.at,
                    "`zip` needs the name of its entry",
                    "zip(name), a canonical field beside the content, or zip('x.xml')",
                );
                return None;
            }
            ("doc", _) => {
                self.hint(&link.at, "a document stands for the whole message", "`W = . : doc(mapping) : zip('x.xml') : base64`");
                return None;
            }
            (known @ ("text" | "number" | "upper" | "base64"), Some(_)) => {
                self.fault(&link.at, format!("`{known}` takes no argument"));
                return None;
            }
            (known @ ("time" | "date" | "code" | "flag" | "cut" | "join"), None) => {
                let shown = CONVERSIONS.iter().find(|(name, _)| *name == known).map_or("", |(_, shown)| shown);
                self.hint(&link.at, format!("`{known}` needs its argument"), shown);
                return None;
            }
            (other, _) => {
                let all = || CONVERSIONS.map(|(_, shown)| shown).join(", ");
                let hint = nearest(other, CONVERSIONS.iter().map(|(name, _)| *name)).unwrap_or_else(all);
                self.hint_by(Check::Names, &link.at, format!("`{other}` is not a conversion"), hint);
                return None;
            }
        };
        Some(conv)
    }

    fn pattern(&mut self, text: &str, link: &Link) -> Option<Pattern> {
        match Pattern::parse(text) {
            Ok(pattern) if link.name == "date" && !pattern.has_date() => self.told(&link.at, "a date needs yyyy, MM and dd"),
            Ok(pattern) if link.name == "time" && pattern.finest().is_none() => {
                let hint =
                    "of a wire with a day only: ~date(…); with minutes or hours only: ~time(…), as in ~time(dd/MM/yyyy HH:mm)";
                self.hint(&link.at, "a time needs yyyy, MM, dd, HH, mm and ss", hint);
                None
            }
            Ok(pattern) => Some(pattern),
            Err(text) => {
                self.hint(&link.at, text, "yyyy MM dd HH mm ss SSS XXX; letters in quotes, as in yyyyMMdd'T'HHmmss");
                None
            }
        }
    }

    fn told<T>(&mut self, at: &Span, text: &str) -> Option<T> {
        self.fault(at, text);
        None
    }

    fn code(&mut self, name: &str, link: &Link, leaf: &Leaf, first: bool) -> Option<Conv> {
        let texts = self.texts;
        self.note_words(name, leaf.words.as_deref().filter(|_| first));
        let Some(list) = texts.codes.get(name) else {
            // A list that could not be read is told at its own place.
            if texts.codes_unread {
                return None;
            }
            let known: Vec<&str> = texts.codes.keys().map(String::as_str).collect();
            let bare = name.trim_matches(['\'', '"']);
            let near = known.iter().copied().find(|k| *k == bare).map(|k| format!("without quotes: code({k})"));
            let near = near.or_else(|| nearest(name, known.iter().copied()));
            self.hint_by(
                Check::Names,
                &link.at,
                format!("codes.toml has no list `{name}`"),
                near.unwrap_or_else(|| format!("there are: {}", known.join(", "))),
            );
            return None;
        };
        let Some(words) = leaf.words.as_ref().filter(|_| first) else { return Some(Conv::Code(Arc::clone(list))) };
        let uncovered: Vec<&str> = words.iter().filter(|w| list.write(w).is_none()).map(String::as_str).collect();
        if !uncovered.is_empty() {
            // A precondition, not a fault: such a value is refused when it is to be written.
            self.notes.add(&link.at, format!("the list `{name}` has no wire value for: {}", uncovered.join(", ")));
        }
        let only = list.only(words);
        if only.entries.is_empty() {
            self.hint_by(
                Check::Codes,
                &link.at,
                format!("no word of the list `{name}` is a canonical word here"),
                format!("the schema allows: {}", words.join(", ")),
            );
        }
        Some(Conv::Code(Arc::new(only)))
    }

    /// Notes which words a list is used for; none: any.
    fn note_words(&self, list: &str, words: Option<&[String]>) {
        let mut used = self.texts.words.borrow_mut();
        let of = used.entry(list.to_owned()).or_insert_with(|| Some(BTreeSet::new()));
        *of = of.take().zip(words).map(|(of, words)| of.into_iter().chain(words.iter().cloned()).collect());
    }

    fn flag(&mut self, words: &str, link: &Link) -> Option<Conv> {
        let literal = |word: &str| match word.trim().strip_prefix('\'').and_then(|w| w.strip_suffix('\'')) {
            Some(text) => Lit::Text(text.to_owned()),
            None => bare_literal(word.trim()),
        };
        match words.split_once(',') {
            Some((yes, no)) if literal(yes) != literal(no) => Some(Conv::Flag(literal(yes), literal(no))),
            _ => {
                self.hint(
                    &link.at,
                    "a flag needs two different words",
                    "flag(1,0) as numbers, flag('1','0') as texts, flag(True,False)",
                );
                None
            }
        }
    }

    fn join(&mut self, separator: &str, link: &Link, last: bool) -> Option<Conv> {
        let separator = separator.trim_matches('\'');
        if separator.is_empty() || !last {
            self.hint(&link.at, "join needs a separator and stands last", "join(',')");
            return None;
        }
        Some(Conv::Join(separator.to_owned()))
    }

    fn check_loss(&mut self, link: &Link, conv: &Conv, leaf: &Leaf) {
        let loses = match conv {
            Conv::Upper | Conv::Cut(_) => true,
            Conv::Code(list) => list.loses(),
            Conv::Date(_) => leaf.kind == LeafKind::Time,
            Conv::Time(pattern, _) if pattern.has_time() => return,
            Conv::Time(..) => true,
            _ => false,
        };
        let unknown_side = leaf.kind == LeafKind::Any && matches!(conv, Conv::Date(_));
        if loses && !link.lossy {
            let what = if matches!(conv, Conv::Time(..)) { "; read back, what the pattern lacks is zero" } else { "" };
            let hint = format!("say that you know: `~{}`{what}", link.name);
            self.hint(&link.at, format!("`{}` loses something here", link.name), hint);
        }
        if !loses && link.lossy && !unknown_side {
            self.hint(&link.at, format!("`~`, but `{}` loses nothing here", link.name), "take the `~` away");
        }
    }

    fn check_type(&mut self, link: &Link, conv: &Conv, leaf: &Leaf, first: bool) {
        use LeafKind::{Any, Boolean, Content, Date, Decimal, Integer, Text, Time};
        let fits = match conv {
            _ if leaf.kind == Any => !matches!(conv, Conv::Base64 | Conv::Zip(_)),
            Conv::Base64 => leaf.kind == Content,
            _ if !first => !matches!(conv, Conv::Flag(..) | Conv::Zip(_)),
            Conv::Text => leaf.kind != Content,
            Conv::Number => matches!(leaf.kind, Integer | Decimal),
            Conv::Time(..) => leaf.kind == Time,
            Conv::Date(_) => matches!(leaf.kind, Date | Time),
            Conv::Code(_) => matches!(leaf.kind, Text | Integer | Boolean),
            Conv::Flag(..) => leaf.kind == Boolean,
            Conv::Upper | Conv::Cut(_) | Conv::Join(_) => matches!(leaf.kind, Text),
            Conv::Zip(_) => leaf.kind == Content,
            Conv::Doc(_) => false,
        };
        if !fits {
            let kind = format!("{:?}", leaf.kind).to_lowercase();
            self.fault(&link.at, format!("`{}` does not fit: the canonical place is of kind {kind}", link.name));
        }
    }
}
