//! The types that read themselves, and the ways in and out.

use std::collections::BTreeMap;

use bytes::Bytes;
use bytestring::ByteString;
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::value::RawValue;

use crate::error::{DecodeError, EncodeError, ReadError, Reason};
use crate::reader::Reader;

/// A type that reads itself from JSON.
///
/// Generated types implement it by `#[derive(Structure)]` and its like; a newtype around a string does so in a line:
///
/// ```
/// use farside_wire::{Read, ReadError, Reader};
///
/// struct GroupId(String);
///
/// impl Read for GroupId {
///     fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
///         let text = String::read(reader)?;
///         if text.is_empty() {
///             return Err(reader.refused("a group id is not empty"));
///         }
///         Ok(Self(text))
///     }
/// }
///
/// assert!(farside_wire::decode_str::<GroupId>(r#""g-1""#).is_ok());
/// assert!(farside_wire::decode_str::<GroupId>(r#""""#).is_err());
/// ```
pub trait Read: Sized {
    /// Reads the value at hand, and leaves the reader behind it.
    ///
    /// # Errors
    /// The value is not one of this type.
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError>;
}

/// Reads a document, such as the body of an answer, in one pass.
///
/// Whatever the value keeps as JSON ([`RawJson`](crate::RawJson) and all that stands on it) is a slice of `document`,
/// and keeps the whole of it in memory.
///
/// # Errors
/// The document is not UTF-8, not JSON, not a `T`, nested deeper than 127 levels, or goes on behind the value.
pub fn decode<T: Read>(document: Bytes) -> Result<T, DecodeError> {
    match ByteString::try_from(document.clone()) {
        Ok(text) => decode_text(&text),
        Err(_) => {
            let valid = std::str::from_utf8(&document)
                .err()
                .map_or(0, |error| error.valid_up_to());
            Err(decode_error::<T>(ReadError::new(
                Reason::Syntax("the text is not UTF-8"),
                valid,
            )))
        }
    }
}

/// As [`decode`], of a text that is copied once.
///
/// # Errors
/// Those of [`decode`].
pub fn decode_str<T: Read>(document: &str) -> Result<T, DecodeError> {
    decode_text(&ByteString::from(document))
}

/// The JSON text of `value`.
///
/// # Errors
/// `value` refuses to be written, for instance a map whose keys are not strings. Generated types do not.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    serde_json::to_vec(value).map_err(|error| EncodeError(error.into()))
}

pub(crate) fn decode_text<T: Read>(text: &ByteString) -> Result<T, DecodeError> {
    read_text(text).map_err(decode_error::<T>)
}

/// Reads the whole of `text`.
pub(crate) fn read_text<T: Read>(text: &ByteString) -> Result<T, ReadError> {
    let mut reader = Reader::new(text);
    let value = T::read(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

pub(crate) fn decode_error<T>(error: ReadError) -> DecodeError {
    DecodeError::new(std::any::type_name::<T>(), error)
}

/// `Deserialize::deserialize` of a type that implements [`Read`]. The text of the value is copied once.
///
/// Works below `serde_json` only, as all that keeps JSON text does.
///
/// # Errors
/// The value is not a `T`.
pub fn read_with_serde<'de, T: Read, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let text = ByteString::from(Box::<str>::from(raw));
    read_text(&text).map_err(D::Error::custom)
}

impl Read for bool {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        reader.boolean()
    }
}

macro_rules! numbers {
    ($($type:ty => $what:literal),* $(,)?) => {
        $(
            impl Read for $type {
                fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
                    reader.number($what)
                }
            }
        )*
    };
}

numbers! {
    i8 => "an 8-bit integer",
    i16 => "a 16-bit integer",
    i32 => "a 32-bit integer",
    i64 => "a 64-bit integer",
}

impl Read for f64 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        let number: f64 = reader.number("a number")?;
        // Rust reads 1e999 as infinity, which JSON cannot write.
        if number.is_finite() {
            Ok(number)
        } else {
            Err(reader.refused("a number beyond the range of 64 bits"))
        }
    }
}

impl Read for String {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        reader.string().map(Into::into)
    }
}

impl<T: Read> Read for Option<T> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        if reader.null()? {
            return Ok(None);
        }
        T::read(reader).map(Some)
    }
}

impl<T: Read> Read for Box<T> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        T::read(reader).map(Self::new)
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        reader.open_array()?;
        let mut values = Self::new();
        while reader.next_element(values.is_empty())? {
            values.push(T::read(reader)?);
        }
        Ok(values)
    }
}

impl<T: Read> Read for BTreeMap<String, T> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        reader.open_object("map")?;
        let mut values = Self::new();
        let mut first = true;
        while reader.next_member(first)? {
            first = false;
            let name = reader.name()?.into_owned();
            values.insert(name, T::read(reader)?);
        }
        Ok(values)
    }
}

/// Any JSON as a tree, for what has no type.
impl Read for serde_json::Value {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        let text = reader.raw_text()?;
        serde_json::from_str(text)
            .map_err(|_| reader.refused("half of a surrogate pair, or a number out of range"))
    }
}
