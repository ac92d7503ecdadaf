//! An object's fields: a vector sorted by name.
//!
//! A canonical object has a handful of fields, rarely more than thirty: a look along a vector is quicker than a tree, and costs one
//! allocation for all of them. Most fields come in the order of their names or nearly so.

use super::{Text, Value};
use std::cmp::Ordering;
use std::slice;
use std::vec;

/// The fields of an object, each name once, in the order of the names' bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    /// Of its name: looks compare it first, and mostly nothing else.
    head: u64,
    name: Text,
    value: Value,
}

/// A name that is looked for.
struct Sought<'n> {
    head: u64,
    name: &'n str,
}

/// A name's place in an object.
#[derive(Debug)]
pub enum Entry<'m> {
    /// The object has no such name.
    Vacant(VacantEntry<'m>),
    /// It has.
    Occupied(OccupiedEntry<'m>),
}

/// Where a name would stand.
#[derive(Debug)]
pub struct VacantEntry<'m> {
    map: &'m mut Map,
    at: usize,
    head: u64,
    name: Text,
}

/// Where a name stands.
#[derive(Debug)]
pub struct OccupiedEntry<'m> {
    map: &'m mut Map,
    at: usize,
}

/// Goes over the fields in the order of their names.
#[derive(Clone, Debug)]
pub struct Iter<'m>(slice::Iter<'m, Field>);

/// Takes the fields in the order of their names.
#[derive(Debug)]
pub struct IntoIter(vec::IntoIter<Field>);

/// Up to how many fields are looked along one by one.
const FEW: usize = 12;

/// A name's first eight bytes as a number, zeros for those it has not: names mostly differ there, and numbers compare quicker than texts.
#[inline]
fn head(name: &str) -> u64 {
    let bytes = name.as_bytes();
    if let Some(eight) = bytes.first_chunk() {
        return u64::from_be_bytes(*eight);
    }
    // Four bytes from the start and four to the end, which may be some of the same.
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let last = u64::from(u32::from_be_bytes(*last)) << (8 * (8 - bytes.len()));
        return u64::from(u32::from_be_bytes(*first)) << 32 | last & 0xffff_ffff;
    }
    bytes.iter().rev().fold(0, |head, byte| head >> 8 | u64::from(*byte) << 56)
}

/// Whether two names are the same. Those of one length mostly differ in their first or last bytes.
#[inline]
pub(crate) fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    match (a.first_chunk::<8>(), b.first_chunk::<8>()) {
        (Some(a8), Some(b8)) => a8 == b8 && if a.len() <= 16 { a.last_chunk::<8>() == b.last_chunk::<8>() } else { a == b },
        _ => a.iter().zip(b).all(|(a, b)| a == b),
    }
}

// === impl Sought ===

impl<'n> Sought<'n> {
    fn new(name: &'n str) -> Self {
        Self { head: head(name), name }
    }

    /// How a field's name stands to it.
    #[inline]
    fn order(&self, own: &Field) -> Ordering {
        own.head.cmp(&self.head).then_with(|| (*own.name).cmp(self.name))
    }
}

// === impl Map ===

impl Map {
    /// No fields.
    #[must_use]
    pub const fn new() -> Self {
        Self { fields: Vec::new() }
    }

    /// No fields, with room for so many.
    #[must_use]
    pub fn with_capacity(fields: usize) -> Self {
        Self { fields: Vec::with_capacity(fields) }
    }

    /// Where a name stands, or would.
    fn find(&self, sought: &Sought<'_>) -> Result<usize, usize> {
        // From the last one on: fields that come in order are put behind it.
        if self.fields.len() > FEW && self.fields.last().is_some_and(|last| sought.order(last).is_ge()) {
            return self.fields.binary_search_by(|own| sought.order(own));
        }
        for (at, own) in self.fields.iter().enumerate().rev() {
            match sought.order(own) {
                Ordering::Less => return Err(at + 1),
                Ordering::Equal => return Ok(at),
                Ordering::Greater => {}
            }
        }
        Err(0)
    }

    /// Where a name stands.
    fn place(&self, name: &str) -> Option<usize> {
        let sought = Sought::new(name);
        if self.fields.len() <= FEW {
            return self.fields.iter().position(|own| own.head == sought.head && is_same(&own.name, name));
        }
        self.fields.binary_search_by(|own| sought.order(own)).ok()
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(self.place(name)?).map(|own| &own.value)
    }

    /// The value of a name.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        let at = self.place(name)?;
        self.fields.get_mut(at).map(|own| &mut own.value)
    }

    /// Whether there is such a name.
    #[must_use]
    pub fn contains_key(&self, name: &str) -> bool {
        self.place(name).is_some()
    }

    /// Puts a value; the one that was there comes back.
    pub fn insert(&mut self, name: impl Into<Text>, value: Value) -> Option<Value> {
        match self.entry(name) {
            Entry::Occupied(slot) => Some(std::mem::replace(slot.into_mut(), value)),
            Entry::Vacant(slot) => {
                slot.insert(value);
                None
            }
        }
    }

    /// Takes a field away.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.place(name).map(|at| self.fields.remove(at).value)
    }

    /// A name's place.
    pub fn entry(&mut self, name: impl Into<Text>) -> Entry<'_> {
        let name = name.into();
        let sought = Sought::new(&name);
        let head = sought.head;
        match self.find(&sought) {
            Err(at) => Entry::Vacant(VacantEntry { map: self, at, head, name }),
            Ok(at) => Entry::Occupied(OccupiedEntry { map: self, at }),
        }
    }

    /// The fields in the order of their names.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.fields.iter())
    }

    /// The same, the values to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&Text, &mut Value)> {
        self.fields.iter_mut().map(|own| (&own.name, &mut own.value))
    }

    /// The names in their order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Text> + ExactSizeIterator + Clone {
        self.fields.iter().map(|own| &own.name)
    }

    /// The values in the order of their names.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Value> + ExactSizeIterator + Clone {
        self.fields.iter().map(|own| &own.value)
    }

    /// The values in the order of their names, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.fields.iter_mut().map(|own| &mut own.value)
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Keeps the fields that fit.
    pub fn retain(&mut self, mut keep: impl FnMut(&Text, &mut Value) -> bool) {
        self.fields.retain_mut(|own| keep(&own.name, &mut own.value));
    }
}

impl<'m> IntoIterator for &'m Map {
    type Item = (&'m Text, &'m Value);
    type IntoIter = Iter<'m>;

    fn into_iter(self) -> Iter<'m> {
        self.iter()
    }
}

impl IntoIterator for Map {
    type Item = (Text, Value);
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        IntoIter(self.fields.into_iter())
    }
}

impl<N: Into<Text>> Extend<(N, Value)> for Map {
    fn extend<I: IntoIterator<Item = (N, Value)>>(&mut self, fields: I) {
        for (name, value) in fields {
            self.insert(name, value);
        }
    }
}

impl<N: Into<Text>> FromIterator<(N, Value)> for Map {
    /// Of equal names the last one stays.
    fn from_iter<I: IntoIterator<Item = (N, Value)>>(fields: I) -> Self {
        let fields = fields.into_iter();
        let mut map = Self::with_capacity(fields.size_hint().0);
        map.extend(fields);
        map
    }
}

// === impl Entry ===

impl<'m> Entry<'m> {
    /// The value there; another one is put when there is none.
    pub fn or_insert(self, value: Value) -> &'m mut Value {
        match self {
            Self::Vacant(slot) => slot.insert(value),
            Self::Occupied(slot) => slot.into_mut(),
        }
    }

    /// The value there; another one is made when there is none.
    pub fn or_insert_with(self, value: impl FnOnce() -> Value) -> &'m mut Value {
        match self {
            Self::Vacant(slot) => slot.insert(value()),
            Self::Occupied(slot) => slot.into_mut(),
        }
    }
}

impl<'m> VacantEntry<'m> {
    /// Puts the value.
    #[expect(clippy::indexing_slicing, reason = "put there right before")]
    pub fn insert(self, value: Value) -> &'m mut Value {
        let Self { map, at, head, name } = self;
        map.fields.insert(at, Field { head, name, value });
        &mut map.fields[at].value
    }
}

impl<'m> OccupiedEntry<'m> {
    /// The value there.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "found there, and the object is held since")]
    pub fn into_mut(self) -> &'m mut Value {
        &mut self.map.fields[self.at].value
    }
}

// === impl Iter ===

impl<'m> Iterator for Iter<'m> {
    type Item = (&'m Text, &'m Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|own| (&own.name, &own.value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|own| (&own.name, &own.value))
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl Iterator for IntoIter {
    type Item = (Text, Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|Field { name, value, .. }| (name, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for IntoIter {}
