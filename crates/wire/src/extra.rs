//! What a known type was sent beside its known members.

use std::fmt;
use std::sync::Arc;

use serde::ser::SerializeMap;

use crate::raw::RawJson;

/// Members that a type does not know, raw, in the order in which they came.
///
/// Every generated structure has one as its last field, so that reading, changing and writing an object keeps what a
/// later release put into it. It also keeps the `_typeName` of an object that was sent as a subtype of the
/// declared type, where the declared type has no subtypes that these models know.
///
/// An empty one takes no heap. Cloning is cheap. The values are slices of the document they came with, which they keep in
/// memory; see [`RawJson`]. Equality looks at content, not at order. `Debug` prints names only,
/// since values may be secret.
#[derive(Clone, Default)]
pub struct Extra(Option<Arc<Content>>);

#[derive(Clone, Default)]
struct Content {
    type_name: Option<Box<str>>,
    members: Vec<(Box<str>, RawJson)>,
}

impl Extra {
    /// No unknown members.
    pub const fn new() -> Self {
        Self(None)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The unknown members in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawJson)> {
        let members = self
            .0
            .as_deref()
            .map(|content| content.members.as_slice())
            .unwrap_or_default();
        members.iter().map(|(name, value)| (&**name, value))
    }

    /// The first unknown member called `name`.
    pub fn get(&self, name: &str) -> Option<&RawJson> {
        self.iter()
            .find(|(member, _)| *member == name)
            .map(|(_, value)| value)
    }

    /// The `_typeName` that was sent in place of the declared one.
    pub fn type_name(&self) -> Option<&str> {
        self.0.as_deref()?.type_name.as_deref()
    }

    pub(crate) fn set_type_name(&mut self, name: &str) {
        self.content().type_name = Some(name.into());
    }

    pub(crate) fn push(&mut self, name: &str, value: RawJson) {
        self.content().members.push((name.into(), value));
    }

    pub(crate) fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.iter()
            .try_for_each(|(name, value)| map.serialize_entry(name, value))
    }

    fn content(&mut self) -> &mut Content {
        Arc::make_mut(self.0.get_or_insert_default())
    }

    fn sorted(&self) -> Vec<(&str, &RawJson)> {
        let mut members: Vec<_> = self.iter().collect();
        members.sort_by_key(|(name, _)| *name);
        members
    }
}

impl PartialEq for Extra {
    fn eq(&self, other: &Self) -> bool {
        self.type_name() == other.type_name() && self.sorted() == other.sorted()
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Extra")?;
        formatter
            .debug_set()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}
