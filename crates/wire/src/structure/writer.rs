//! Writing the members of one object.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::SerializeMap;

use crate::structure::Structure;

/// Writes the members of one JSON object.
pub struct MemberWriter<M> {
    pub(crate) map: M,
}

impl<M: SerializeMap> MemberWriter<M> {
    pub(crate) fn new(map: M) -> Self {
        Self { map }
    }

    pub(crate) fn end(self) -> Result<M::Ok, M::Error> {
        self.map.end()
    }

    /// Writes a member.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn required<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), M::Error> {
        self.map.serialize_entry(name, value)
    }

    /// Writes a member that may be unset: an unset one is left out, never null.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn optional<T: Serialize>(&mut self, name: &str, value: &Option<T>) -> Result<(), M::Error> {
        match value {
            Some(value) => self.required(name, value),
            None => Ok(()),
        }
    }

    /// Writes an optional array: an empty one is left out.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn array<T: Serialize>(&mut self, name: &str, values: &[T]) -> Result<(), M::Error> {
        if values.is_empty() {
            Ok(())
        } else {
            self.required(name, values)
        }
    }

    /// Writes an optional map: an empty one is left out.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn map<T: Serialize>(&mut self, name: &str, values: &BTreeMap<String, T>) -> Result<(), M::Error> {
        if values.is_empty() {
            Ok(())
        } else {
            self.required(name, values)
        }
    }

    /// Writes all members of a structure into this object: the known ones, then the unknown ones. No `_typeName`.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn structure<T: Structure>(&mut self, value: &T) -> Result<(), M::Error> {
        value.write_members(self)?;
        value.extra().write(&mut self.map)
    }
}
