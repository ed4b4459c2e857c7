//! Unions whose variant is told by a tag member, open to variants of later releases.

use std::borrow::Cow;

use serde::Serializer;
use serde::ser::SerializeMap;

use crate::error::{DecodeError, ReadError};
use crate::extra::Extra;
use crate::raw::RawJson;
use crate::read::Read;
use crate::reader::Reader;
use crate::structure::{Known, MemberReader, MemberWriter, Structure};

/// An enum of structures, told apart by the text of one member (`oneOf` with a discriminator in the schema).
///
/// Implemented by its derive. The variants' structures do not list the tag member themselves. Every such enum has
/// a variant `Unknown(UnknownVariant)`.
pub trait Union: Sized {
    /// Name of the type in its schema.
    const NAME: &'static str;

    /// Name of the member that tells the variant, e.g. `type`.
    const TAG: &'static str;

    /// Reads the variant that `tag` names: `variant.known::<T>()` for a known tag, and `variant.unknown(tag)` for
    /// any other or none.
    ///
    /// # Errors
    /// Those of the variant.
    fn read_variant(tag: Option<&str>, variant: VariantReader<'_, '_>) -> Result<Self, ReadError>;

    /// The text of the tag; `None` if the variant is unknown and came without.
    fn tag(&self) -> Option<&str>;

    /// Writes the variant's members without the tag: `members.structure(variant)`, or
    /// `members.unknown_variant(unknown)`.
    ///
    /// # Errors
    /// Those of the serializer.
    fn write_variant<M: SerializeMap>(&self, members: &mut MemberWriter<M>) -> Result<(), M::Error>;
}

/// `Read::read` of a [`Union`]. One pass if the tag comes first; otherwise the object is passed over up to the tag,
/// and read from its begin after that.
///
/// # Errors
/// The value is not an object, the tag is not a string, or the variant cannot be read.
pub fn read_union<T: Union>(reader: &mut Reader<'_>) -> Result<T, ReadError> {
    reader.open_object(T::NAME)?;
    let start = reader.mark();
    let tag = find_tag(reader, T::NAME, T::TAG)?;
    reader.rewind(start);
    let variant = VariantReader {
        reader,
        unknown: const {
            &Known {
                type_name: T::NAME,
                tagged: false,
                names: &[],
            }
        },
        tag: T::TAG,
    };
    T::read_variant(tag.as_deref(), variant)
}

/// The text of the first member called `tag`, if the object has one and it is not null.
fn find_tag<'b>(
    reader: &mut Reader<'b>,
    union_name: &'static str,
    tag: &'static str,
) -> Result<Option<Cow<'b, str>>, ReadError> {
    let mut first = true;
    while reader.next_member(first)? {
        first = false;
        if reader.name()? != tag {
            reader.skip()?;
        } else if reader.null()? {
            break;
        } else {
            let text = reader.string();
            return text.map(Some).map_err(|error| error.within(union_name, tag));
        }
    }
    Ok(None)
}

/// An object whose tag has been read, and whose members are to be read by what the tag says.
pub struct VariantReader<'r, 'b> {
    reader: &'r mut Reader<'b>,
    /// What is known of a variant that is not.
    unknown: &'static Known,
    tag: &'static str,
}

impl VariantReader<'_, '_> {
    /// Reads the structure of a known variant.
    ///
    /// # Errors
    /// Those of the structure.
    pub fn known<T: Structure>(self) -> Result<T, ReadError> {
        T::read_members(&mut MemberReader::inside(
            self.reader,
            Known::of::<T>(),
            Some(self.tag),
        ))
    }

    /// Keeps a variant that these models do not know.
    ///
    /// # Errors
    /// The rest is not JSON, or nested too deep.
    pub fn unknown(self, tag: Option<&str>) -> Result<UnknownVariant, ReadError> {
        let mut members = MemberReader::inside(self.reader, self.unknown, Some(self.tag));
        while members.next_member().is_some() {}
        Ok(UnknownVariant {
            tag: tag.map(Into::into),
            members: members.end()?,
        })
    }
}

/// `Serialize::serialize` of a [`Union`]: the tag first, then the variant's members.
///
/// # Errors
/// Those of the serializer.
pub fn write_union<T: Union, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let mut members = MemberWriter::new(serializer.serialize_map(None)?);
    if let Some(tag) = value.tag() {
        members.required(T::TAG, tag)?;
    }
    value.write_variant(&mut members)?;
    members.end()
}

/// A variant that these models do not know: its tag, and its members raw.
#[derive(Clone, Debug, PartialEq)]
pub struct UnknownVariant {
    tag: Option<Box<str>>,
    members: Extra,
}

impl UnknownVariant {
    /// The text of the tag; `None` if there was none.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The members beside the tag, in the order in which they came.
    pub fn members(&self) -> &Extra {
        &self.members
    }

    /// Reads the member called `name`; `None` if there is none.
    ///
    /// # Errors
    /// The member is not a `T`.
    pub fn member<T: Read>(&self, name: &str) -> Result<Option<T>, DecodeError> {
        self.members
            .get(name)
            .filter(|raw| !raw.is_null())
            .map(RawJson::decode)
            .transpose()
    }
}

impl<M: SerializeMap> MemberWriter<M> {
    /// Writes the members of a variant that these models do not know.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn unknown_variant(&mut self, variant: &UnknownVariant) -> Result<(), M::Error> {
        variant.members.write(&mut self.map)
    }
}
