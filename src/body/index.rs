//! Ways into a value: a name, a place in a list, a JSON pointer; `value["name"]` as `serde_json` has it.

use super::{Map, Text, Value};
use std::borrow::Cow;
use std::ops::{Index, IndexMut};

/// What a value can be asked for: a name of an object, a place in a list.
pub trait Place {
    /// What is there.
    fn within<'v>(&self, value: &'v Value) -> Option<&'v Value>;
    /// The same, to be changed.
    fn within_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value>;
    /// The same, made where it can be: a name of an object, or of nothing.
    fn made<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value>;
}

// === impl Place ===

impl Place for str {
    fn within<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.as_object()?.get(self)
    }

    fn within_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        value.as_object_mut()?.get_mut(self)
    }

    fn made<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        if value.is_null() {
            *value = Value::Object(Map::new());
        }
        Some(value.as_object_mut()?.entry(self).or_insert(Value::Null))
    }
}

/// An owned text is a place as its characters are.
macro_rules! texts {
    ($($text:ty),*) => { $(impl Place for $text {
        fn within<'v>(&self, value: &'v Value) -> Option<&'v Value> {
            self.as_str().within(value)
        }

        fn within_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
            self.as_str().within_mut(value)
        }

        fn made<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
            self.as_str().made(value)
        }
    })* };
}

texts!(String, Text);

impl Place for usize {
    fn within<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.as_array()?.get(*self)
    }

    fn within_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        value.as_array_mut()?.get_mut(*self)
    }

    fn made<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        self.within_mut(value)
    }
}

impl<P: Place + ?Sized> Place for &P {
    fn within<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        (**self).within(value)
    }

    fn within_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        (**self).within_mut(value)
    }

    fn made<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        (**self).made(value)
    }
}

// === impl Index ===

impl<P: Place> Index<P> for Value {
    type Output = Self;

    /// What is there, else null.
    fn index(&self, place: P) -> &Self {
        const NONE: &Value = &Value::Null;
        place.within(self).unwrap_or(NONE)
    }
}

impl<P: Place> IndexMut<P> for Value {
    /// What is there; a name that is not there is made.
    ///
    /// # Panics
    /// Where no such place can be made: a name of a text, a number, a list; a place after a list's end. For tests; else [`Value::get_mut`].
    #[expect(clippy::expect_used, reason = "as serde_json does it; what input can reach uses get_mut")]
    fn index_mut(&mut self, place: P) -> &mut Self {
        place.made(self).expect("an object with that name, or a list that long")
    }
}

/// The steps of a JSON pointer; none: it is not one.
pub(super) fn steps(pointer: &str) -> Option<impl Iterator<Item = &str>> {
    (pointer.is_empty() || pointer.starts_with('/')).then(|| pointer.split('/').skip(1))
}

/// A step as a name.
pub(super) fn unescaped(step: &str) -> Cow<'_, str> {
    if step.contains('~') { Cow::Owned(step.replace("~1", "/").replace("~0", "~")) } else { Cow::Borrowed(step) }
}

/// A step as a place in a list, in its one spelling.
pub(super) fn number(step: &str) -> Option<usize> {
    let one_spelling = step == "0" || !step.starts_with(['+', '0']);
    if one_spelling { step.parse().ok() } else { None }
}
