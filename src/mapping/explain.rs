//! For one message: which wire field came from which canonical field, by which line of which file, both sides' values beside it.
//!
//! The walk of the writer over the compiled lines, writing nothing. Always: a line that puts something on the wire is told once for each
//! place it puts it; what is told of the wire is what this mapping writes (its normal spelling), whichever of its spellings was read.
//! Values are told to whoever calls: what is not public ([`Explained::public`]) belongs on the user's own terminal only.

use super::api::Context;
use super::convert::Chain;
use super::fidelity::{Keeping, cell, keeping};
use super::plan::{Act, CPath, Compiled, Node, Piece, Plan, Rule, To};
use super::read::form_key_of;
use super::source::Source;
use super::write::get;
use crate::body::{Text, Value};

/// One field of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Its place on the wire: a JSON pointer, an XML path, a form field.
    pub wire: String,
    /// The text there, as this mapping writes it; `None` for contents and seals, which are not shown.
    pub wire_value: Option<String>,
    /// Its canonical place: a JSON pointer, `$name` of the context, empty for a constant.
    pub canonical: String,
    /// The value there.
    pub canonical_value: Option<Value>,
    /// Whether the canonical schema calls the value public. Constants are.
    pub public: bool,
    /// How the wire keeps it.
    pub how: Keeping,
    /// The line's right side as it is written.
    pub text: String,
    /// The file under the partner's folder.
    pub file: String,
    /// Its line.
    pub line: usize,
}

/// A walk over one message.
struct Walk<'w> {
    map: &'w Compiled,
    ctx: &'w Context,
    source: &'w Source,
    told: Vec<Explained>,
}

/// Where the walk stands: the frames' objects, innermost last, their canonical pointers, and the frame's place on the wire.
#[derive(Clone)]
struct At<'w> {
    frames: Vec<(&'w Value, String)>,
    wire: String,
    /// The schema that tells what is public (a form has its own), and where in a pointer it begins.
    schema: String,
    base: usize,
}

/// Explains the messages of one wire document; `source` holds the texts the mapping was compiled from.
pub(super) fn explain(map: &Compiled, bodies: &[&Value], ctx: &Context, source: &Source) -> Vec<Explained> {
    let mut walk = Walk { map, ctx, source, told: Vec::new() };
    let first = bodies.first().copied().unwrap_or(&Value::Null);
    let at = At { frames: vec![(first, String::new())], wire: String::new(), schema: map.message.clone(), base: 0 };
    walk.rules(&map.root, &map.root.rules, &at, bodies);
    walk.told
}

// === impl Walk ===

impl<'w> Walk<'w> {
    fn rules(&mut self, plan: &'w Plan, rules: &'w [Rule], at: &At<'w>, bodies: &[&'w Value]) {
        for rule in rules {
            let node = rule.node.and_then(|id| plan.node(id));
            match &rule.what {
                Act::Scope { at: object, rules, .. } => {
                    if object.as_ref().is_none_or(|path| get(at.body(), path).is_some()) {
                        self.rules(plan, rules, at, bodies);
                    }
                }
                Act::When { on, branches, .. } => {
                    let word = get(at.body(), on).and_then(Value::as_str);
                    let holds = branches.iter().find(|b| word.is_some_and(|w| b.words.iter().any(|own| own == w)));
                    holds.into_iter().for_each(|branch| self.rules(plan, &branch.rules, at, bodies));
                }
                Act::Fork(index) => self.form(plan, *index, at, bodies),
                Act::Value { alts, .. } if alts.iter().any(|c| c.document().is_some()) => self.document(alts, node, at),
                Act::Value { to, alts } => {
                    let Some((value, canonical, public)) = self.known(to, at) else { continue };
                    let chain = alts.first().filter(|chain| !chain.is_content());
                    let written = chain.and_then(|c| c.out(value)).map(|lex| lex.text.into_owned());
                    self.tell(rule, node, at, (written, canonical, Some(value.clone()), public, keeping(to, alts)));
                }
                Act::Const { lits, any } => {
                    let how = if *any || lits.len() > 1 { Keeping::Spellings } else { Keeping::Constant };
                    let Some(lit) = lits.first() else { continue };
                    self.tell(rule, node, at, (Some(lit.text().to_owned()), String::new(), None, true, how));
                }
                Act::Template { pieces } => self.template(rule, node, pieces, at),
                Act::Seal => self.tell(rule, node, at, (None, "$seal".to_owned(), None, false, Keeping::Context)),
                Act::List { to } => {
                    let rows = get(at.body(), to).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                    let list = format!("{}/{}", at.pointer(), to.join("/"));
                    if let Some(inner) = node.and_then(|n| n.rows.as_ref()).and_then(|plan| plan.flat.as_ref()) {
                        self.flat(node, (rows, &list), inner, at, bodies);
                        continue;
                    }
                    let join = node.and_then(|n| n.rows.as_ref()).and_then(|plan| plan.join.as_ref());
                    let written = rows.iter().enumerate().filter(|(_, row)| join.is_none_or(|join| join.takes(row)));
                    for (count, (index, row)) in written.enumerate() {
                        let mut frames = at.frames.clone();
                        frames.push((row, format!("{list}/{index}")));
                        self.row(node, count, At { frames, ..at.clone() }, bodies);
                    }
                }
                Act::Batch => {
                    for (index, body) in bodies.iter().enumerate() {
                        let pointer = if bodies.len() > 1 { format!("/{index}") } else { String::new() };
                        let base = pointer.len();
                        self.row(node, index, At { frames: vec![(body, pointer)], base, ..at.clone() }, bodies);
                    }
                }
                Act::Dropped => {}
            }
        }
    }

    fn row(&mut self, node: Option<&'w Node>, index: usize, mut at: At<'w>, bodies: &[&'w Value]) {
        let Some((node, rows)) = node.and_then(|n| n.rows.as_ref().map(|rows| (n, rows))) else { return };
        let list = format!("{}{}", at.wire, node.path);
        at.wire = if self.map.is_xml() { format!("{list}[{}]", index + 1) } else { format!("{list}/{index}") };
        self.rules(rows, &rows.rules, &at, bodies);
    }

    /// The rows of a flattened list, counted through all elements.
    fn flat(&mut self, node: Option<&'w Node>, list: (&'w [Value], &str), inner: &CPath, at: &At<'w>, bodies: &[&'w Value]) {
        let mut count = 0;
        let join = node.and_then(|n| n.rows.as_ref()).and_then(|plan| plan.join.as_ref());
        for (n, element) in list.0.iter().enumerate() {
            let here = format!("{}/{n}", list.1);
            let rows = get(element, inner).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            for (index, row) in rows.iter().enumerate().filter(|(_, row)| join.is_none_or(|join| join.takes(row))) {
                let mut frames = at.frames.clone();
                frames.push((element, here.clone()));
                frames.push((row, format!("{here}/{}/{index}", inner.join("/"))));
                self.row(node, count, At { frames, ..at.clone() }, bodies);
                count += 1;
            }
        }
    }

    fn form(&mut self, plan: &'w Plan, index: usize, at: &At<'w>, bodies: &[&'w Value]) {
        let Some(fork) = plan.forks.get(index) else { return };
        let Ok(key) = form_key_of(self.map, self.ctx, at.body(), fork) else { return };
        let Some(variant) = fork.variants.get(&key).filter(|_| get(at.body(), &fork.at).is_some()) else { return };
        // The lines of a form start at the message's object and its open element; the form's own schema tells what is public.
        let base = at.pointer().len() + fork.at.iter().map(|word| word.len() + 1).sum::<usize>();
        let inside = At { schema: format!("forms/{key}"), base, ..at.clone() };
        self.rules(&variant.plan, &variant.plan.rules, &inside, bodies);
    }

    /// A document inside: its own lines, at their places in it.
    fn document(&mut self, alts: &[Chain], node: Option<&Node>, at: &At<'w>) {
        let Some(map) = alts.first().and_then(Chain::document) else { return };
        let here = format!("{}{}", at.wire, node.map_or("", |node| &node.path));
        let here = if self.map.format == super::api::Format::Json { &here } else { here.trim_start_matches('/') };
        let inside = explain(map, &[at.body()], self.ctx, self.source).into_iter();
        self.told.extend(inside.map(|told| Explained { wire: format!("{here} » {}", told.wire), ..told }));
    }

    fn template(&mut self, rule: &Rule, node: Option<&Node>, pieces: &[Piece], at: &At<'w>) {
        let mut whole = String::new();
        let mut filled = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => whole.push_str(text),
                Piece::Hole { to, chain, .. } => {
                    // A hole without its value: the line is not there.
                    let Some((value, place, public)) = self.known(to, at) else { return };
                    let Some(lex) = chain.out(value) else { return };
                    whole.push_str(&lex.text);
                    filled.push((place, value.clone(), public, keeping(to, std::slice::from_ref(chain))));
                }
            }
        }
        for (place, value, public, how) in filled {
            self.tell(rule, node, at, (Some(whole.clone()), place, Some(value), public, how));
        }
    }

    /// A canonical value with its place, and whether it is public.
    fn known(&self, to: &To, at: &At<'w>) -> Option<(&'w Value, String, bool)> {
        let place =
            |path: &[Text], base: &str| if path.is_empty() { base.to_owned() } else { format!("{base}/{}", path.join("/")) };
        let (value, pointer) = match to {
            To::Own(path) => (get(at.body(), path)?, place(path, at.pointer())),
            To::Outer(out, path) => {
                let (body, base) = at.frames.iter().rev().nth(*out)?;
                (get(body, path)?, place(path, base))
            }
            To::Context(name) => return Some((self.ctx.get(name)?, format!("${name}"), false)),
        };
        let own = pointer.get(at.base..).unwrap_or("");
        let public = self.map.shapes.is_public(&at.schema, own);
        Some((value, pointer, public))
    }

    fn tell(
        &mut self,
        rule: &Rule,
        node: Option<&Node>,
        at: &At<'_>,
        (wire_value, canonical, canonical_value, public, how): Told,
    ) {
        let path = node.map_or("", |node| &node.path);
        let (text, file, line) = cell(self.source, &rule.at);
        let wire = format!("{}{path}", at.wire);
        let wire = if self.map.format == super::api::Format::Json { wire } else { wire.trim_start_matches('/').to_owned() };
        self.told.push(Explained { wire, wire_value, canonical, canonical_value, public, how, text, file, line });
    }
}

/// What a line put there: wire text, canonical place and value, public, how it is kept.
type Told = (Option<String>, String, Option<Value>, bool, Keeping);

// === impl At ===

impl<'w> At<'w> {
    fn body(&self) -> &'w Value {
        const NONE: &Value = &Value::Null;
        self.frames.last().map_or(NONE, |(body, _)| body)
    }

    fn pointer(&self) -> &str {
        self.frames.last().map_or("", |(_, pointer)| pointer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::json;
    use crate::mapping::laws::{book_source, shapes};
    use crate::mapping::{Book, MemoryContents};

    fn body() -> Value {
        json!({ "code": "C-1", "procedure": "1.1", "submitted_at": "2025-02-03T04:05:06+07:00", "kind": "two", "count": 7,
            "person": { "name": "Đỗ Văn A" }, "paper": { "kind": "blue", "number": "9" }, "tags": ["x", "y"],
            "rows": [{ "id": "r1", "tags": [] }, { "id": "r2", "tags": ["t"] }], "form": { "right": "r", "list": ["l"] } })
    }

    #[test]
    fn every_value_that_is_carried_is_told_with_its_line_and_the_wire_holds_it_there() {
        let (source, context) = (book_source(""), Context::new().with("partner.client", "HN"));
        let book = Book::compile(&source, &shapes()).unwrap_or_else(|f| panic!("{f:?}"));
        let (map, body) = (book.map("json").unwrap(), body());
        let told = map.explain(&[&body], &context);
        let bytes = map.write(&body, &context, &MemoryContents::default(), Some(&crate::mapping::laws::Fixed)).unwrap();
        let wire: Value = serde_json::from_slice(&bytes).unwrap();
        for field in &told {
            let there = wire.pointer(&field.wire).unwrap_or_else(|| panic!("{field:?} is not in {wire}"));
            if let Some(text) = &field.wire_value {
                let plain = there.as_str().map_or_else(|| there.to_string(), str::to_owned);
                assert_eq!(&plain, text, "{field:?}");
            }
            if let Some(value) = &field.canonical_value
                && field.canonical.starts_with('/')
            {
                assert_eq!(body.pointer(&field.canonical), Some(value), "{field:?}");
            }
            let line = source.files[&field.file].lines().nth(field.line - 1).unwrap();
            assert!(line.contains(&field.text), "{line} holds {field:?}");
        }
        let places: Vec<&str> = told.iter().map(|f| f.canonical.as_str()).collect();
        for place in [
            "/code",
            "/person/name",
            "/paper/number",
            "/rows/1/id",
            "/rows/1/tags/0",
            "/tags",
            "/form/right",
            "$partner.client",
            "$seal",
        ] {
            assert!(places.contains(&place), "{place} is not told: {places:?}");
        }
        let public: Vec<&str> =
            told.iter().filter(|f| f.public && !f.canonical.is_empty()).map(|f| f.canonical.as_str()).collect();
        assert!(public.iter().all(|p| *p == "/code") && !public.is_empty(), "{public:?}");
    }

    #[test]
    fn refusals_and_explanations_name_the_same_places() {
        let (source, context) = (book_source(""), Context::new().with("partner.client", "HN"));
        let book = Book::compile(&source, &shapes()).unwrap_or_else(|f| panic!("{f:?}"));
        for name in ["json", "xml"] {
            let map = book.map(name).unwrap();
            let told = map.explain(&[&body()], &context);
            let mut told_once = std::collections::BTreeSet::new();
            let fields: Vec<_> = told.iter().filter(|f| f.canonical.starts_with('/') && told_once.insert(&f.canonical)).collect();
            assert!(fields.iter().any(|f| f.canonical == "/form/right"));
            // Of several branches a refusal names the first.
            for field in fields.into_iter().filter(|f| f.canonical != "/paper/number") {
                assert_eq!(
                    map.wire_place(&field.canonical, Some(("1.1", "new")), 0).as_ref(),
                    Some(&field.wire),
                    "{name}: {field:?}"
                );
            }
        }
    }
}
