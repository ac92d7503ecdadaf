//! What canonical bodies are made of: JSON values whose short texts and names lie in place, and whose objects are sorted vectors.
//!
//! Always: an object's names are unique and in the order of their bytes, so that a body has one serialisation, byte for byte that of
//! `serde_json` with its sorted map: fingerprints and kept bodies do not depend on which of the two wrote them. A text of up to 23 bytes
//! and a name of that length allocate nothing; a longer one is shared by its clones. Methods are called as `serde_json::Value`'s are.
//!
//! Not here: what a body may say (the schemas), and reading wires (`mapping`): [`Value`]'s `Deserialize` keeps the last of equal names, as
//! `serde_json` does, and is for bodies of our own. Nesting is bounded by whoever reads (64 levels on a wire, 128 in `serde_json`).

mod from;
mod index;
mod map;
mod serde;
#[cfg(test)]
mod tests;
mod write;

pub use index::Place;
pub(crate) use map::is_same;
pub use map::{Entry, IntoIter, Iter, Map, OccupiedEntry, VacantEntry};
/// A number as JSON has it.
pub use serde_json::Number;
/// A text or name: up to 23 bytes in place, longer ones shared by their clones.
pub use smol_str::SmolStr as Text;

#[doc(hidden)]
pub use serde_json::json as serde_json_json;

/// A [`Value`] written down as JSON; expressions stand where values do.
#[macro_export]
#[doc(hidden)]
macro_rules! canonical_json {
    ($($json:tt)+) => { $crate::body::Value::from($crate::body::serde_json_json!($($json)+)) };
}

pub use canonical_json as json;

/// A canonical value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Value {
    /// `null`: nothing is there.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    String(Text),
    /// A list.
    Array(Vec<Value>),
    /// An object.
    Object(Map),
}

// === impl Value ===

impl Value {
    /// A text.
    #[must_use]
    pub fn text(text: impl Into<Text>) -> Self {
        Self::String(text.into())
    }

    /// The text, of a text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The fields, of an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&Map> {
        if let Self::Object(map) = self { Some(map) } else { None }
    }

    /// The fields, of an object.
    pub fn as_object_mut(&mut self) -> Option<&mut Map> {
        if let Self::Object(map) = self { Some(map) } else { None }
    }

    /// The items, of a list.
    #[must_use]
    pub fn as_array(&self) -> Option<&Vec<Self>> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// The items, of a list.
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Self>> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// The number, of a number.
    #[must_use]
    pub fn as_number(&self) -> Option<&Number> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    /// A whole number, if it fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    /// A whole number that is not negative, if it fits.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number()?.as_u64()
    }

    /// A number, as near as a double comes.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number()?.as_f64()
    }

    /// `true` or `false`.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(b) = self { Some(*b) } else { None }
    }

    /// Whether nothing is there.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether it is a text.
    #[must_use]
    pub fn is_string(&self) -> bool {
        matches!(self, Self::String(_))
    }

    /// Whether it is a number.
    #[must_use]
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }

    /// Whether it is `true` or `false`.
    #[must_use]
    pub fn is_boolean(&self) -> bool {
        matches!(self, Self::Bool(_))
    }

    /// Whether it is a list.
    #[must_use]
    pub fn is_array(&self) -> bool {
        matches!(self, Self::Array(_))
    }

    /// Whether it is an object.
    #[must_use]
    pub fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// Takes the value away; null is left.
    pub fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// The field of that name, or the item at that place.
    pub fn get(&self, place: impl Place) -> Option<&Self> {
        place.within(self)
    }

    /// The field of that name, or the item at that place.
    pub fn get_mut(&mut self, place: impl Place) -> Option<&mut Self> {
        place.within_mut(self)
    }

    /// The value at a JSON pointer (RFC 6901).
    #[must_use]
    pub fn pointer(&self, pointer: &str) -> Option<&Self> {
        index::steps(pointer)?.try_fold(self, |at, step| match at {
            Self::Object(map) => map.get(&index::unescaped(step)),
            Self::Array(items) => items.get(index::number(step)?),
            _ => None,
        })
    }

    /// The value at a JSON pointer (RFC 6901).
    pub fn pointer_mut(&mut self, pointer: &str) -> Option<&mut Self> {
        index::steps(pointer)?.try_fold(self, |at, step| match at {
            Self::Object(map) => map.get_mut(&index::unescaped(step)),
            Self::Array(items) => items.get_mut(index::number(step)?),
            _ => None,
        })
    }
}
