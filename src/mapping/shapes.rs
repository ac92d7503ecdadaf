//! A thin view of the canonical JSON Schemas: what the engine must know of each place of a message.
//!
//! Understood: `properties`, `required`, `items`, `type`, `enum`, `const`, `format` (`date-time`, `date`, `decimal`), `$ref` to
//! `#/$defs/…`, to `other-message.json#/…` and to `forms/…`, `x-public`, `x-key`. An object whose properties are exactly `blob` and
//! `size` is a content. This is not a validator: JSON Schema itself is checked elsewhere.

use super::editions::Editions;
use crate::body::{Map, Value};
use serde_json::Value as Schema;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The canonical schemas, resolved.
#[derive(Debug, Default)]
pub struct Shapes {
    arena: Vec<Shape>,
    roots: BTreeMap<String, ShapeId>,
    /// The field that tells a list's elements apart (`x-key`).
    keys: BTreeMap<ShapeId, String>,
    editions: Editions,
    /// Bounds of lists: at least, at most.
    rows: HashMap<ShapeId, (u64, Option<u64>)>,
}

/// A place in [`Shapes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ShapeId(usize);

/// What may stand at a canonical place.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// Anything: the schema says no more.
    Any,
    /// An object.
    Object(Fields),
    /// A list and its items.
    List(ShapeId),
    /// A scalar or a content.
    Leaf(Leaf),
    /// The same as another place (`$ref`).
    Same(ShapeId),
}

/// The fields of an object.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    pub(crate) all: BTreeMap<String, ShapeId>,
    pub(crate) required: BTreeSet<String>,
    /// Those that are lists, or have lists somewhere inside.
    with_lists: Vec<(String, ShapeId)>,
}

/// A scalar, or a content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) kind: LeafKind,
    pub(crate) words: Option<Vec<String>>,
    pub(crate) public: bool,
}

/// The kinds of scalars in the canonical form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LeafKind {
    /// NFC text.
    #[default]
    Text,
    /// A whole number.
    Integer,
    /// true or false.
    Boolean,
    /// Decimal digits as text, without trailing zeros.
    Decimal,
    /// RFC 3339, whole seconds, +07:00.
    Time,
    /// yyyy-MM-dd.
    Date,
    /// `{blob, size}`.
    Content,
    /// A scalar of no declared type (context values).
    Any,
}

struct Builder<'s> {
    sources: &'s BTreeMap<String, Schema>,
    arena: Vec<Shape>,
    known: HashMap<(String, String), ShapeId>,
    keys: BTreeMap<ShapeId, String>,
    rows: HashMap<ShapeId, (u64, Option<u64>)>,
}

// === impl Shapes ===

impl Shapes {
    /// Resolves the schemas, named by message (`dossier.submit`) or form (`forms/1.005142@2019`). The error names schema and place.
    pub fn new(schemas: BTreeMap<String, Schema>, editions: Editions) -> Result<Self, String> {
        let mut builder =
            Builder { sources: &schemas, arena: Vec::new(), known: HashMap::new(), keys: BTreeMap::new(), rows: HashMap::new() };
        let mut roots = BTreeMap::new();
        for name in schemas.keys() {
            roots.insert(name.clone(), builder.at(name, "")?);
        }
        let mut shapes = Self { arena: builder.arena, roots, keys: builder.keys, editions, rows: builder.rows };
        shapes.note_lists();
        Ok(shapes)
    }

    /// Notes where lists are, so that filling them looks nowhere else. Shapes may hold themselves: repeated until nothing is new.
    fn note_lists(&mut self) {
        let mut listed = BTreeSet::new();
        loop {
            let has = |id: &ShapeId| listed.contains(id) || matches!(self.get(*id), Shape::List(_));
            let more = self.arena.iter().enumerate().filter(|(_, shape)| match shape {
                Shape::Object(fields) => fields.all.values().any(has),
                Shape::Same(id) => has(id),
                _ => false,
            });
            let more: BTreeSet<ShapeId> = more.map(|(n, _)| ShapeId(n)).collect();
            if more == listed {
                break;
            }
            listed = more;
        }
        let lists: BTreeSet<ShapeId> = (0..self.arena.len())
            .map(ShapeId)
            .filter(|id| listed.contains(id) || matches!(self.get(*id), Shape::List(_)))
            .collect();
        for shape in &mut self.arena {
            if let Shape::Object(fields) = shape {
                let with = fields.all.iter().filter(|(_, id)| lists.contains(id));
                fields.with_lists = with.map(|(name, id)| (name.clone(), *id)).collect();
            }
        }
    }

    /// The editions of the forms.
    #[must_use]
    pub fn editions(&self) -> &Editions {
        &self.editions
    }

    /// The names of all messages and forms.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.roots.keys().map(String::as_str)
    }

    /// Whether the schema marks the place public; indices of lists in the JSON pointer are skipped.
    #[must_use]
    pub fn is_public(&self, message: &str, pointer: &str) -> bool {
        let Some(mut at) = self.root(message) else { return false };
        for step in pointer.split('/').filter(|s| !s.is_empty()) {
            at = match self.get(at) {
                Shape::List(item) if step.bytes().all(|b| b.is_ascii_digit()) => *item,
                Shape::Object(fields) => match fields.all.get(step) {
                    Some(next) => *next,
                    None => return false,
                },
                _ => return false,
            };
        }
        matches!(self.get(at), Shape::Leaf(leaf) if leaf.public)
    }

    /// How many items a list has, by its schema: at least, at most.
    pub(crate) fn rows(&self, list: ShapeId) -> (u64, Option<u64>) {
        let mut at = list;
        while let Some(Shape::Same(next)) = self.arena.get(at.0) {
            at = *next;
        }
        self.rows.get(&at).copied().unwrap_or((0, None))
    }

    pub(crate) fn root(&self, name: &str) -> Option<ShapeId> {
        self.roots.get(name).copied()
    }

    pub(crate) fn get(&self, id: ShapeId) -> &Shape {
        const ANY: Shape = Shape::Any;
        let mut at = id;
        for _ in 0..self.arena.len() {
            match self.arena.get(at.0) {
                Some(Shape::Same(next)) => at = *next,
                Some(shape) => return shape,
                None => break,
            }
        }
        &ANY
    }

    /// The field that tells a list's elements apart (`x-key`).
    pub(crate) fn key(&self, at: ShapeId) -> Option<&str> {
        let mut at = at;
        while let (None, Some(Shape::Same(next))) = (self.keys.get(&at), self.arena.get(at.0)) {
            at = *next;
        }
        self.keys.get(&at).map(String::as_str)
    }

    /// The field of an object.
    pub(crate) fn field(&self, at: ShapeId, name: &str) -> Option<ShapeId> {
        match self.get(at) {
            Shape::Object(fields) => fields.all.get(name).copied(),
            _ => None,
        }
    }

    /// Puts an empty list wherever the schema knows a list and the body has none; objects that are absent stay so.
    pub(crate) fn fill_lists(&self, at: ShapeId, body: &mut Value) {
        match (self.get(at), body) {
            (Shape::Object(fields), Value::Object(map)) => self.fill_object(fields, map),
            (Shape::List(item), Value::Array(rows)) if !self.is_flat(*item) => {
                for row in rows {
                    self.fill_lists(*item, row);
                }
            }
            _ => {}
        }
    }

    /// Whether there is no list anywhere inside.
    fn is_flat(&self, at: ShapeId) -> bool {
        match self.get(at) {
            Shape::Object(fields) => fields.with_lists.is_empty(),
            Shape::List(_) => false,
            Shape::Any | Shape::Leaf(_) | Shape::Same(_) => true,
        }
    }

    fn fill_object(&self, fields: &Fields, map: &mut Map) {
        for (name, id) in &fields.with_lists {
            match (self.get(*id), map.get_mut(name)) {
                (Shape::List(..), None) => {
                    map.insert(name.clone(), Value::Array(Vec::new()));
                }
                (Shape::List(..) | Shape::Object(_), Some(inner)) => self.fill_lists(*id, inner),
                _ => {}
            }
        }
    }
}

// === impl Builder ===

impl Builder<'_> {
    fn at(&mut self, name: &str, pointer: &str) -> Result<ShapeId, String> {
        let key = (name.to_owned(), pointer.to_owned());
        if let Some(id) = self.known.get(&key) {
            return Ok(*id);
        }
        let source = self.sources.get(name).ok_or_else(|| format!("schema `{name}` is not there"))?;
        let schema = source.pointer(pointer).ok_or_else(|| format!("schema `{name}` has nothing at `{pointer}`"))?;
        let id = ShapeId(self.arena.len());
        self.arena.push(Shape::Any);
        self.known.insert(key, id);
        let shape = self.shape(name, pointer, schema)?;
        if let (Shape::List(_), Some(key)) = (&shape, schema.get("x-key").and_then(Schema::as_str)) {
            self.keys.insert(id, key.to_owned());
        }
        if matches!(shape, Shape::List(_)) {
            let bound = |key: &str| schema.get(key).and_then(Schema::as_u64);
            self.rows.insert(id, (bound("minItems").unwrap_or(0), bound("maxItems")));
        }
        if let Some(place) = self.arena.get_mut(id.0) {
            *place = shape;
        }
        Ok(id)
    }

    fn shape(&mut self, name: &str, pointer: &str, schema: &Schema) -> Result<Shape, String> {
        if let Some(reference) = schema.get("$ref").and_then(Schema::as_str) {
            let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
            let file = file.trim_end_matches(".json").trim_start_matches("./");
            let target = self.resolve(name, file)?;
            let id = self.at(&target, fragment)?;
            return Ok(match self.arena.get(id.0) {
                Some(Shape::Leaf(leaf)) => {
                    Shape::Leaf(Leaf { public: leaf.public || is_true(schema, "x-public"), ..leaf.clone() })
                }
                _ => Shape::Same(id),
            });
        }
        if let Some(properties) = schema.get("properties").and_then(Schema::as_object) {
            if properties.len() == 2 && properties.contains_key("blob") && properties.contains_key("size") {
                return Ok(Shape::Leaf(Leaf { kind: LeafKind::Content, words: None, public: false }));
            }
            let mut fields = Fields::default();
            for field in properties.keys() {
                let inner = format!("{pointer}/properties/{}", field.replace('~', "~0").replace('/', "~1"));
                fields.all.insert(field.clone(), self.at(name, &inner)?);
            }
            let required = schema.get("required").and_then(Schema::as_array).into_iter().flatten();
            fields.required = required.filter_map(Schema::as_str).map(str::to_owned).collect();
            return Ok(Shape::Object(fields));
        }
        if schema.get("items").is_some() {
            return Ok(Shape::List(self.at(name, &format!("{pointer}/items"))?));
        }
        Ok(leaf(schema))
    }

    fn resolve(&self, from: &str, file: &str) -> Result<String, String> {
        if file.is_empty() {
            return Ok(from.to_owned());
        }
        let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        let near = if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") };
        let plain = file.trim_start_matches("../").to_owned();
        [near, plain]
            .into_iter()
            .find(|name| self.sources.contains_key(name))
            .ok_or_else(|| format!("schema `{from}` refers to `{file}`, which is not there"))
    }
}

fn leaf(schema: &Schema) -> Shape {
    let text = |key: &str| schema.get(key).and_then(Schema::as_str);
    let words = match (schema.get("enum").and_then(Schema::as_array), text("const")) {
        (Some(list), _) => Some(list.iter().filter_map(Schema::as_str).map(str::to_owned).collect::<Vec<_>>()),
        (None, Some(word)) => Some(vec![word.to_owned()]),
        (None, None) => None,
    };
    let words = words.filter(|w| !w.is_empty());
    let kind = match (text("type"), text("format")) {
        (Some("integer"), _) => LeafKind::Integer,
        (Some("boolean"), _) => LeafKind::Boolean,
        (Some("string"), Some("date-time")) => LeafKind::Time,
        (Some("string"), Some("date")) => LeafKind::Date,
        (Some("string"), Some("decimal")) => LeafKind::Decimal,
        (Some("string"), _) => LeafKind::Text,
        (None, _) if words.is_some() => LeafKind::Text,
        _ => return Shape::Any,
    };
    Shape::Leaf(Leaf { kind, words, public: is_true(schema, "x-public") })
}

fn is_true(schema: &Schema, key: &str) -> bool {
    schema.get(key).and_then(Schema::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::json;

    fn shapes() -> Shapes {
        let alpha = json!({
            "type": "object", "required": ["code"],
            "properties": {
                "code": { "$ref": "common.json#/$defs/code", "x-public": true },
                "name": { "type": "string" },
                "rows": { "type": "array", "x-key": "id", "items": { "$ref": "#/$defs/row" } },
                "inner": { "type": "object", "properties": { "tags": { "type": "array", "items": { "type": "string" } } } },
                "file": { "type": "object", "properties": { "blob": {"type":"string"}, "size": {"type":"integer"} } }
            },
            "$defs": { "row": { "type": "object", "properties": {
                "id": { "type": "string", "x-public": true }, "more": { "type": "array", "items": { "$ref": "#/$defs/row" } } } } }
        });
        let common = json!({ "$defs": { "code": { "type": "string", "enum": ["a", "b"] } } });
        Shapes::new(BTreeMap::from([("alpha".into(), alpha.into()), ("common".into(), common.into())]), Editions::default())
            .unwrap()
    }

    #[test]
    fn references_within_and_between_schemas_are_followed_and_public_is_told() {
        let shapes = shapes();
        for (pointer, public) in
            [("/code", true), ("/name", false), ("/rows/0/id", true), ("/rows/7/more/3/id", true), ("/nope", false)]
        {
            assert_eq!(shapes.is_public("alpha", pointer), public, "{pointer}");
        }
        let root = shapes.root("alpha").unwrap();
        assert!(
            matches!(shapes.get(shapes.field(root, "code").unwrap()), Shape::Leaf(l) if l.words.as_deref().unwrap().len() == 2)
        );
        assert!(matches!(shapes.get(shapes.field(root, "file").unwrap()), Shape::Leaf(l) if l.kind == LeafKind::Content));
    }

    #[test]
    fn missing_lists_become_empty_but_absent_objects_stay_absent() {
        let shapes = shapes();
        let mut body = json!({ "code": "a", "rows": [ { "id": "x" } ] });
        shapes.fill_lists(shapes.root("alpha").unwrap(), &mut body);
        assert_eq!(body, json!({ "code": "a", "rows": [ { "id": "x", "more": [] } ] }));
    }

    #[test]
    fn a_reference_to_nothing_is_an_error_that_names_it() {
        let schemas = BTreeMap::from([("alpha".to_owned(), json!({ "$ref": "beta.json#/x" }).into())]);
        assert!(Shapes::new(schemas, Editions::default()).unwrap_err().contains("`beta`"));
    }
}
