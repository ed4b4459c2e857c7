//! Enums of the server, open to values of later releases.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

use crate::error::ReadError;
use crate::reader::Reader;

/// An enum whose values the server may add to. Every such enum has a variant `Unknown(UnknownValue)`.
///
/// Implemented by its derive, which the [crate's documentation](crate#own-types) shows.
pub trait OpenEnum: Clone + 'static {
    /// Name of the type in its schema.
    const NAME: &'static str;

    /// The known values, in the order of the schema.
    const VALUES: &'static [Self];

    /// The text on the wire.
    fn as_wire(&self) -> &str;

    /// The variant for a text that is not among [`VALUES`](Self::VALUES).
    fn unknown(value: UnknownValue) -> Self;

    /// The value that `text` stands for; letter case counts.
    fn from_wire(text: &str) -> Self {
        let known = Self::VALUES.iter().find(|value| value.as_wire() == text).cloned();
        known.unwrap_or_else(|| Self::unknown(UnknownValue(text.into())))
    }
}

/// The exact text of an enum value that these models do not know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnknownValue(Box<str>);

impl UnknownValue {
    /// The text on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UnknownValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// `Read::read` of an [`OpenEnum`].
///
/// # Errors
/// The value is not a string.
pub fn read_enum<T: OpenEnum>(reader: &mut Reader<'_>) -> Result<T, ReadError> {
    reader.string().map(|text| T::from_wire(&text))
}

/// `Deserialize::deserialize` of an [`OpenEnum`], of any format.
///
/// # Errors
/// The input is not a string.
pub fn read_enum_with_serde<'de, T: OpenEnum, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct EnumVisitor<T>(std::marker::PhantomData<T>);

    impl<T: OpenEnum> Visitor<'_> for EnumVisitor<T> {
        type Value = T;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(formatter, "a value of {}", T::NAME)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            Ok(T::from_wire(text))
        }
    }

    deserializer.deserialize_str(EnumVisitor(std::marker::PhantomData))
}

/// `Serialize::serialize` of an [`OpenEnum`].
///
/// # Errors
/// Those of the serializer.
pub fn write_enum<T: OpenEnum, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.as_wire())
}
