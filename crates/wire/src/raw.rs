//! JSON text kept as it came.

use std::borrow::Cow;
use std::fmt;

use bytestring::ByteString;
use serde::de::value::{BorrowedStrDeserializer, MapDeserializer};
use serde::de::{IntoDeserializer as _, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer, forward_to_deserialize_any};
use serde_json::value::RawValue;

use crate::error::{DecodeError, EncodeError, ReadError};
use crate::read::{Read, decode_str, decode_text, read_text, read_with_serde};
use crate::reader::Reader;

/// The discriminator of VI JSON (VI JSON wire rules 5.1).
pub(crate) const TYPE_NAME: &str = "_typeName";

/// One JSON value, kept as the text the server sent.
///
/// It is a slice of the document it was read from: nothing is copied, and cloning is cheap. The whole document stays
/// in memory as long as one slice of it does; [`detached`](Self::detached) copies the text out.
///
/// Two values are equal when their parsed contents are, whatever the order of members and the spaces between them.
/// `Debug` prints the length alone, since the text may hold a secret.
///
/// With `serde`, it reads and writes by `serde_json` only.
#[derive(Clone)]
pub struct RawJson(ByteString);

impl RawJson {
    /// The JSON text of `value`.
    ///
    /// # Errors
    /// `value` refuses to be written, for instance a map whose keys are not strings, or is nested deeper than 127
    /// levels.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, EncodeError> {
        let text = serde_json::to_string(value).map_err(|error| EncodeError(error.into()))?;
        let text = ByteString::from(text);
        read_text(&text).map_err(|error| EncodeError(error.into()))
    }

    /// The text `text`, if it is one JSON value nested at most 127 deep.
    ///
    /// # Errors
    /// The text is not JSON, or is nested deeper.
    pub fn parse(text: &str) -> Result<Self, DecodeError> {
        decode_str(text)
    }

    /// The text, without the spaces around it.
    pub fn get(&self) -> &str {
        &self.0
    }

    /// Reads the text as `T`.
    ///
    /// # Errors
    /// The text is not a `T`.
    pub fn decode<T: Read>(&self) -> Result<T, DecodeError> {
        decode_text(&self.0)
    }

    /// The first member called `name`, if the text is an object that has one.
    pub fn member(&self, name: &str) -> Option<RawJson> {
        self.member_reader(name)?.raw().ok()
    }

    /// The same text in memory of its own, so that the document it came with can be freed.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self(self.get().into())
    }

    /// `text` is JSON, and a part of `buffer`.
    pub(crate) fn slice(buffer: &ByteString, text: &str) -> Self {
        Self(buffer.slice_ref(text))
    }

    /// Stands before the text.
    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader::new(&self.0)
    }

    /// Stands before the value of the first member called `name`.
    pub(crate) fn member_reader(&self, name: &str) -> Option<Reader<'_>> {
        let mut reader = self.reader();
        match self.is_object() && reader.seek_member(name) {
            true => Some(reader),
            false => None,
        }
    }

    pub(crate) fn is_object(&self) -> bool {
        self.get().starts_with('{')
    }

    pub(crate) fn is_null(&self) -> bool {
        self.get() == "null"
    }

    /// The text as a string, if it is one.
    pub(crate) fn text(&self) -> Option<Cow<'_, str>> {
        self.reader().string().ok()
    }

    /// As [`text`](Self::text), as a slice of the document where it is written without escapes.
    pub(crate) fn kept_text(&self) -> Option<ByteString> {
        self.text().map(|text| self.keep(text))
    }

    /// The `_typeName` of an object; `None` when it is absent, null, or not a string.
    pub(crate) fn type_name(&self) -> Option<Cow<'_, str>> {
        self.member_reader(TYPE_NAME)?.string().ok()
    }

    /// As [`type_name`](Self::type_name), as a slice of the document where it is written without escapes.
    pub(crate) fn kept_type_name(&self) -> Option<ByteString> {
        self.type_name().map(|name| self.keep(name))
    }

    fn keep(&self, text: Cow<'_, str>) -> ByteString {
        match text {
            Cow::Borrowed(text) => self.0.slice_ref(text),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl Read for RawJson {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        reader.raw()
    }
}

impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        if self.get() == other.get() {
            return true;
        }
        let parse = |raw: &Self| serde_json::from_str::<serde_json::Value>(raw.get()).ok();
        matches!((parse(self), parse(other)), (Some(left), Some(right)) if left == right)
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RawJson({} bytes)", self.get().len())
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The text has been checked, and `RawValue` has no way in without a second check but this one.
        match <&RawValue>::deserialize(Checked(self.get())) {
            Ok(raw) => raw.serialize(serializer),
            Err(error) => Err(S::Error::custom(error)),
        }
    }
}

impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_with_serde(deserializer)
    }
}

/// Hands a text to `RawValue` in the way in which the deserializer of `serde_json` does it: as a map with one member,
/// called as the type that was asked for.
struct Checked<'de>(&'de str);

impl<'de> Deserializer<'de> for Checked<'de> {
    type Error = serde::de::value::Error;

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_map(MapDeserializer::new(std::iter::once((
            name.into_deserializer(),
            BorrowedStrDeserializer::new(self.0),
        ))))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_borrowed_str(self.0)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
