//! Unions whose variant is told by a tag member, open to variants of later releases.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserializer, Serializer};

use crate::error::DecodeError;
use crate::extra::Extra;
use crate::raw::RawJson;
use crate::structure::{MemberReader, MemberWriter};

/// An enum of structures, told apart by the text of one member (`oneOf` with a discriminator in the schema).
///
/// The variants' structures do not list the tag member themselves. Every such enum has a variant
/// `Unknown(UnknownVariant)`.
pub trait Union: Sized {
    /// Name of the type in its schema.
    const NAME: &'static str;

    /// Name of the member that tells the variant, e.g. `type`.
    const TAG: &'static str;

    /// Reads the variant that `tag` names: `members.variant::<T>()` for a known tag, and
    /// `members.unknown_variant(tag)` for any other or none.
    ///
    /// # Errors
    /// Those of the variant.
    fn read<'de, A: MapAccess<'de>>(
        tag: Option<&str>,
        members: &mut MemberReader<'de, A>,
    ) -> Result<Self, A::Error>;

    /// The text of the tag; `None` if the variant is unknown and came without.
    fn tag(&self) -> Option<&str>;

    /// Writes the variant's members without the tag: `members.structure(variant)`, or
    /// `members.unknown_variant(unknown)`.
    ///
    /// # Errors
    /// Those of the serializer.
    fn write<M: SerializeMap>(&self, members: &mut MemberWriter<M>) -> Result<(), M::Error>;
}

/// `Deserialize::deserialize` of a [`Union`]. One pass if the tag comes first; members before it are kept raw
/// until it is found.
///
/// # Errors
/// The input is not an object, the tag is not a string, or the variant cannot be read.
pub fn read_union<'de, T: Union, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct UnionVisitor<T>(PhantomData<T>);

    impl<'de, T: Union> Visitor<'de> for UnionVisitor<T> {
        type Value = T;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(formatter, "an object of type {}", T::NAME)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            let mut members = MemberReader::with(T::NAME, false, map);
            let tag = members.find_tag(T::TAG)?;
            T::read(tag.as_deref(), &mut members)
        }
    }

    deserializer.deserialize_map(UnionVisitor(PhantomData))
}

/// `Serialize::serialize` of a [`Union`]: the tag first, then the variant's members.
///
/// # Errors
/// Those of the serializer.
pub fn write_union<T: Union, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let mut members = MemberWriter {
        map: serializer.serialize_map(None)?,
    };
    if let Some(tag) = value.tag() {
        members.required(T::TAG, tag)?;
    }
    value.write(&mut members)?;
    members.map.end()
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
    pub fn member<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, DecodeError> {
        self.members
            .get(name)
            .filter(|raw| !raw.is_null())
            .map(RawJson::decode)
            .transpose()
    }
}

impl<'de, A: MapAccess<'de>> MemberReader<'de, A> {
    /// Reads the rest of the object as the structure of a known variant.
    ///
    /// # Errors
    /// Those of the structure.
    pub fn variant<T: crate::Structure>(&mut self) -> Result<T, A::Error> {
        self.rename::<T>();
        T::read(self)
    }

    /// Keeps the rest of the object as a variant that these models do not know.
    ///
    /// # Errors
    /// The rest is not JSON, or nested too deep.
    pub fn unknown_variant(&mut self, tag: Option<&str>) -> Result<UnknownVariant, A::Error> {
        while let Some(name) = self.next_name()? {
            self.keep(name)?;
        }
        Ok(UnknownVariant {
            tag: tag.map(Into::into),
            members: self.extra(),
        })
    }

    fn find_tag(&mut self, tag: &str) -> Result<Option<String>, A::Error> {
        while let Some(name) = self.next_fresh()? {
            if name == tag {
                return self.value(tag);
            }
            self.pass_over(name)?;
        }
        Ok(None)
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
