//! The compiled plan: what one mapping does, with all names resolved. Immutable; made by `compile`, walked by `read` and `write`.
//!
//! A [`Plan`] is one *frame*: the message itself, one row of a list, or one form. Its nodes are the wire places of that frame (each
//! has a slot while reading), its rules are the lines in file order, canonical paths are from the frame's canonical object.

use super::api::{Envelope, Format};
use super::convert::{Chain, Lex, Typing};
use super::grammar::Lit;
use super::shapes::{ShapeId, Shapes};
use super::source::Span;
use super::xml::Ns;
use crate::body::{Text, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(crate) type NodeId = usize;
/// Words from the frame's canonical object.
pub(crate) type CPath = Box<[Text]>;

/// One mapping, compiled.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) message: String,
    /// Where the root's name stands in the head, else the message's.
    pub(crate) at: Span,
    /// JSON: the definition of the schema that the message is.
    pub(crate) definition: Option<String>,
    /// The schema the head names, under schemas/.
    pub(crate) schema: Option<(String, Span)>,
    pub(crate) format: Format,
    pub(crate) envelope: Envelope,
    pub(crate) typing: Typing,
    /// The namespace of names without prefix, and those of prefixes.
    pub(crate) namespace: String,
    pub(crate) prefixes: Vec<(String, String)>,
    /// Namespaces that the reader is to number, beyond those it always knows.
    pub(crate) namespaces: Vec<Box<str>>,
    pub(crate) absent: Vec<AbsentForm>,
    pub(crate) report_unknown: bool,
    /// Canonical fields that are not carried.
    pub(crate) without: Vec<String>,
    /// Names of the values from around the message (`$name`) that its lines use.
    pub(crate) around: BTreeSet<String>,
    pub(crate) sealed: bool,
    pub(crate) batch: bool,
    pub(crate) shape: ShapeId,
    pub(crate) shapes: Arc<Shapes>,
    pub(crate) root: Plan,
}

/// What stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AbsentForm {
    Omit,
    Empty,
    Null,
}

/// One frame.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) nodes: Vec<Node>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) forks: Vec<Fork>,
    /// A row that is a scalar itself (`W[] = p[] : …`).
    pub(crate) scalar: bool,
    /// `W[] = p[].q[]`: a row is one of `q` in an element of `p`; here is the way from the element to `q`. Each element of `p` is a
    /// frame of its own around its rows (`^code`); neighbouring rows with the same `^` values are of one element.
    pub(crate) flat: Option<CPath>,
    /// The rows meet elements that another line places.
    pub(crate) join: Option<Join>,
    /// Some list of this frame is a join.
    pub(crate) joined: bool,
}

/// How the rows of a list find the elements of a canonical list that another line places: by the list's key (`x-key`).
#[derive(Debug)]
pub(crate) struct Join {
    pub(crate) by: By,
    pub(crate) key: Box<str>,
    /// The key's value may be told.
    pub(crate) public: bool,
    /// With `?`, an element has a row when one of these places, which only this line carries, has a value; else each has its row.
    pub(crate) only: Option<Box<[CPath]>>,
}

/// Whose key a row tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Its own element's: what the row says is added to it.
    Own,
    /// Its outer element's (`^key`, flattened lists): the row is placed in it.
    Outer,
}

/// One wire place of a frame.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) ns: Box<str>,
    /// The same as the reader numbers it.
    pub(crate) ns_id: Ns,
    pub(crate) local: Box<str>,
    /// As it is written (`p:local`).
    pub(crate) qname: Box<str>,
    pub(crate) attribute: bool,
    pub(crate) parent: NodeId,
    pub(crate) children: Vec<NodeId>,
    pub(crate) attributes: Vec<NodeId>,
    /// `W[k=lit]`: what chooses the element.
    pub(crate) key: Option<Key>,
    /// JSON: which array the item stands in, beside others of it (0: none). Unique in a mapping.
    pub(crate) array: usize,
    /// Values that may not be written here: by them an element is chosen, and this one is of the rest.
    pub(crate) reserved: Vec<Lit>,
    /// Pointer within the frame, each step with a slash before it.
    pub(crate) path: Box<str>,
    /// A scalar may stand here.
    pub(crate) scalar: bool,
    /// An object may stand here.
    pub(crate) object: bool,
    /// A content in base64 stands here.
    pub(crate) content: bool,
    /// What the content says is known only when it has been unpacked or read.
    pub(crate) packed: bool,
    /// An empty content stands for none (else it is a content of no bytes).
    pub(crate) empty_is_none: bool,
    /// Anything may stand here and is dropped.
    pub(crate) any: bool,
    /// `[]` as a literal may stand here.
    pub(crate) empty_list: bool,
    /// The seal's hole.
    pub(crate) seal: bool,
    /// A scalar of the root level counts for seals.
    pub(crate) root_level: bool,
    /// It is not known by its name alone: it is chosen by its key, or one of its name is.
    pub(crate) alike: bool,
    /// Each item is a row.
    pub(crate) rows: Option<Box<Plan>>,
    /// Each row is a message.
    pub(crate) batch: bool,
    /// The content of this object is read by a form.
    pub(crate) fork: Option<usize>,
}

/// What chooses an element among those of its name: the value of an attribute or of a child; in JSON an item of an array, by a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) attribute: bool,
    pub(crate) ns: Box<str>,
    pub(crate) ns_id: Ns,
    pub(crate) local: Box<str>,
    pub(crate) lit: Lit,
    /// JSON: a member of an item of an array.
    pub(crate) item: bool,
}

/// `use form/{…}`
#[derive(Debug)]
pub(crate) struct Fork {
    pub(crate) select: Select,
    /// Where the form stands in the canonical message.
    pub(crate) at: CPath,
    pub(crate) node: NodeId,
    /// By `code@edition`.
    pub(crate) variants: BTreeMap<String, Variant>,
}

/// One form.
#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) plan: Plan,
    pub(crate) shape: ShapeId,
}

/// What chooses the form.
#[derive(Debug)]
pub(crate) struct Select {
    pub(crate) code: SelectBy,
    /// The node and chain that give code and day while the wire is still being read.
    pub(crate) early: Option<(NodeId, Chain, NodeId, Chain)>,
}

/// Where the procedure's code is.
#[derive(Debug)]
pub(crate) enum SelectBy {
    Path(CPath),
    Context(String),
}

/// One line.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) node: Option<NodeId>,
    pub(crate) opt: Opt,
    pub(crate) what: Act,
    /// The line it was made of.
    pub(crate) at: Arc<Site>,
}

/// Where a line stands: its two cells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Site {
    pub(crate) wire: Span,
    pub(crate) right: Span,
}

/// What stands for none at this line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Opt {
    /// It must be there.
    Required,
    /// The file's absent forms.
    Absent,
    /// This literal.
    Literal(Lit),
}

/// What a line does.
#[derive(Debug)]
pub(crate) enum Act {
    /// A value; alternatives of chains. A line whose node is the open element itself is that element's own text.
    Value { to: To, alts: Vec<Chain> },
    /// Constants, `any` after them.
    Const { lits: Vec<Lit>, any: bool },
    /// `*`
    Dropped,
    /// `$seal`
    Seal,
    /// Text and holes.
    Template { pieces: Vec<Piece> },
    /// Deeper lines. `at` is where the canonical object must be (`None` for `.`); `lazy` writes the element only around something.
    Scope { at: Option<CPath>, rules: Vec<Rule>, lazy: bool },
    /// Rows; the plan of a row is in the node.
    List { to: CPath },
    /// Messages; the plan of one is in the node.
    Batch,
    /// Branches.
    When { on: CPath, branches: Vec<Branch>, required: bool },
    /// The lines of a form, by its index in the plan.
    Fork(usize),
}

/// One branch of a `when`.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) words: Vec<String>,
    pub(crate) rules: Vec<Rule>,
    /// Nodes of this branch, and those that no other branch has.
    pub(crate) nodes: Vec<NodeId>,
    pub(crate) own: Vec<NodeId>,
}

/// A piece of a template.
#[derive(Debug)]
pub(crate) enum Piece {
    Text(String),
    Hole { to: To, chain: Chain, from_end: Option<usize> },
}

/// Where a value goes on the canonical side.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum To {
    /// In the frame.
    Own(CPath),
    /// In a frame that many further out.
    Outer(usize, CPath),
    /// To the context.
    Context(String),
}

// === impl Compiled ===

impl Compiled {
    pub(crate) fn takes(&self, form: AbsentForm) -> bool {
        self.absent.contains(&form)
    }

    pub(crate) fn is_xml(&self) -> bool {
        self.format == Format::Xml
    }

    pub(crate) fn is_form(&self) -> bool {
        self.format == Format::Form
    }
}

/// Whether one of the places has a value.
pub(crate) fn takes(only: &[CPath], element: &Value) -> bool {
    only.iter().any(|path| {
        let found = path.iter().try_fold(element, |at, word| at.get(&**word)).filter(|v| !v.is_null());
        found.is_some_and(|v| !v.as_array().is_some_and(Vec::is_empty))
    })
}

// === impl Join ===

impl Join {
    /// Whether an element has a row here.
    pub(crate) fn takes(&self, element: &Value) -> bool {
        self.only.as_ref().is_none_or(|only| takes(only, element))
    }

    /// The key of an element as text; none: it has none.
    pub(crate) fn key_of(&self, element: &Value) -> Option<String> {
        Lex::of(element.get(&*self.key)?).map(|lex| lex.text.into_owned())
    }
}

// === impl Plan ===

impl Plan {
    pub(crate) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id)
    }
}
