//! Structures: JSON objects with members known at build time, read and written in one pass.
//!
//! `#[derive(Structure)]` implements all of it. `serde`'s own derive was weighed: `#[serde(flatten)]` buffers every
//! object in a tree, and it cannot write `_typeName` first, nor keep the unknown members in order.

mod reader;
mod writer;

use serde::Serializer;
use serde::ser::SerializeMap;

use crate::error::ReadError;
use crate::extra::Extra;
use crate::raw::TYPE_NAME;
use crate::reader::Reader;

pub(crate) use reader::Known;
pub use reader::MemberReader;
pub use writer::MemberWriter;

/// A JSON object with members known at build time, and an [`Extra`] for those that are not.
///
/// Implemented by its derive, which the [crate's documentation](crate#own-types) shows.
pub trait Structure: Sized {
    /// Name of the type in its schema. Error texts call it this, and `_typeName` is written with it.
    const NAME: &'static str;

    /// Whether the type derives from `Any`, so that `_typeName` is its first member on the wire. Request types of VI
    /// JSON, and all types of the other two services, do not (VI JSON wire rules 3.5 and 5.1).
    const TAGGED: bool;

    /// Names of the known members in wire order, none with a character that JSON escapes.
    const MEMBERS: &'static [&'static str];

    /// Reads all members.
    ///
    /// # Errors
    /// A member is not of its type, or a required one is missing.
    fn read_members(members: &mut MemberReader<'_, '_>) -> Result<Self, ReadError>;

    /// Writes the known members in wire order; neither `_typeName` nor the unknown ones.
    ///
    /// # Errors
    /// Those of the serializer.
    fn write_members<M: SerializeMap>(&self, members: &mut MemberWriter<M>) -> Result<(), M::Error>;

    /// The unknown members.
    fn extra(&self) -> &Extra;
}

/// `Read::read` of a [`Structure`].
///
/// # Errors
/// The value is not an object, a member is not of its type, or a required member is missing.
pub fn read_structure<T: Structure>(reader: &mut Reader<'_>) -> Result<T, ReadError> {
    T::read_members(&mut MemberReader::open(reader, Known::of::<T>()))
}

/// `Serialize::serialize` of a [`Structure`]: `_typeName` if the type is tagged, the known members, the unknown ones.
///
/// # Errors
/// Those of the serializer.
pub fn write_structure<T: Structure, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let mut members = MemberWriter::new(serializer.serialize_map(None)?);
    if T::TAGGED {
        members.required(TYPE_NAME, value.extra().type_name().unwrap_or(T::NAME))?;
    }
    members.structure(value)?;
    members.end()
}
