//! The nouns of a mapping text: head, lines, cells. What the parser gives and the compiler takes; no meaning is judged here.

use super::source::Span;

/// The keys of a head; `ns` stands before a prefix.
pub(crate) const HEAD_KEYS: [&str; 11] =
    ["message", "format", "root", "namespace", "ns", "envelope", "schema", "absent", "scalars", "unknown", "without"];

/// The conversions, each as it is written.
pub(crate) const CONVERSIONS: [(&str, &str); 12] = [
    ("text", "text"),
    ("number", "number"),
    ("time", "time(yyyy-MM-dd HH:mm:ss)"),
    ("date", "date(dd/MM/yyyy)"),
    ("code", "code(name of a list in codes.toml)"),
    ("flag", "flag(yes,no)"),
    ("join", "join(',')"),
    ("base64", "base64"),
    ("zip", "zip(name)"),
    ("doc", "doc(mapping)"),
    ("upper", "~upper"),
    ("cut", "~cut(20)"),
];

/// A parsed `.map` file.
#[derive(Debug)]
pub(crate) struct MapText {
    /// The head; `None` for a part.
    pub(crate) head: Option<Vec<HeadLine>>,
    pub(crate) lines: Vec<Line>,
    /// The whole first line, for faults of the file as such.
    pub(crate) first: Span,
}

/// `key: value` of a head.
#[derive(Debug)]
pub(crate) struct HeadLine {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) key_at: Span,
    pub(crate) value_at: Span,
}

/// A line with what is indented below it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) what: What,
    pub(crate) at: Span,
    pub(crate) below: Vec<Line>,
}

/// The three kinds of lines.
#[derive(Debug)]
pub(crate) enum What {
    /// `wire = right`
    Rule { wire: Wire, wire_at: Span, right: Right, opt: Option<Opt>, right_at: Span },
    /// `use part`, `use form/{path}`
    Use { stem: String, select: Option<Path>, at: Span },
    /// `when path = word, word`
    When { path: Path, path_at: Span, words: Vec<(String, Span)> },
}

/// `?` or `? literal`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Opt {
    pub(crate) literal: Option<Lit>,
}

/// The left cell: steps from the scope's wire object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wire {
    /// Names of objects or elements before the last step.
    pub(crate) through: Vec<String>,
    pub(crate) last: Last,
}

/// The last step of a left cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Last {
    /// `.`
    Here,
    /// `name`
    Name(String),
    /// `@name`
    Attribute(String),
    /// `name[]`
    List(String),
    /// `[]`
    Items,
    /// `name[key=literal]`; the key may be `@attribute`
    Keyed { name: String, key: String, literal: Lit },
}

/// The right cell without its `?`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Right {
    /// A canonical place or context value, with alternatives of chains (none = in its own form).
    Value { path: Path, chains: Vec<Chain> },
    /// `'a' | 'b' | *`
    Literals { list: Vec<Lit>, any: bool },
    /// `'text {value} text'`
    Template(Vec<Piece>),
    /// `*`
    Dropped,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    Text(String),
    Hole { path: Path, chain: Chain, at: Span },
}

/// A canonical path or context name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Path {
    /// How many canonical objects out (`^`).
    pub(crate) up: usize,
    /// From the message's root (`$name` sets `context` instead).
    pub(crate) steps: Vec<Step>,
    /// `$name`: the dotted context name.
    pub(crate) context: Option<String>,
    pub(crate) at: Span,
}

/// One word of a path, `word[]` when it goes into a list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) word: String,
    pub(crate) list: bool,
}

/// Conversions, canonical side first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Chain {
    pub(crate) links: Vec<Link>,
}

/// `~name(arguments)`
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) arguments: Option<String>,
    pub(crate) lossy: bool,
    pub(crate) at: Span,
}

/// A literal with its JSON type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Lit {
    Text(String),
    Integer(String),
    True,
    False,
    Null,
    EmptyList,
    EmptyObject,
}

// === impl Lit ===

impl Lit {
    /// The literal as text, as XML and forms carry it.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(t) | Self::Integer(t) => t,
            Self::True => "true",
            Self::False => "false",
            Self::Null | Self::EmptyList | Self::EmptyObject => "",
        }
    }
}

impl std::fmt::Display for Lit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(t) => write!(f, "'{t}'"),
            Self::Null => f.write_str("null"),
            Self::EmptyList => f.write_str("[]"),
            Self::EmptyObject => f.write_str("{}"),
            Self::Integer(_) | Self::True | Self::False => f.write_str(self.text()),
        }
    }
}

// === impl Path ===

impl Path {
    /// The words with dots.
    pub(crate) fn dotted(&self) -> String {
        let words: Vec<String> =
            self.steps.iter().map(|s| if s.list { format!("{}[]", s.word) } else { s.word.clone() }).collect();
        let body = match &self.context {
            Some(name) => format!("${name}"),
            None if words.is_empty() => ".".to_owned(),
            None => words.join("."),
        };
        format!("{}{body}", "^".repeat(self.up))
    }
}
