//! Binary members.

use std::fmt;

use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{DecodeError, Engine as _};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::ReadError;
use crate::read::Read;
use crate::reader::Reader;

/// Bytes that travel as a base64 string (VI JSON wire rules 8: `vmodl.Binary`; a `byte[]` is an array of numbers
/// instead).
///
/// Writes the standard alphabet with padding; reads with or without padding, and past line breaks. `Debug`
/// prints the length alone.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Binary(pub Vec<u8>);

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl fmt::Debug for Binary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Binary({} bytes)", self.0.len())
    }
}

impl Serialize for Binary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&ENGINE.encode(&self.0))
    }
}

impl Binary {
    fn decode(text: &str) -> Result<Self, DecodeError> {
        let spaced = text.contains(|character: char| character.is_ascii_whitespace());
        let bytes = if spaced {
            ENGINE.decode(text.split_ascii_whitespace().collect::<String>())
        } else {
            ENGINE.decode(text)
        };
        bytes.map(Self)
    }
}

impl Read for Binary {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        Self::decode(&reader.string()?).map_err(|_| reader.refused("not base64"))
    }
}

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::decode(&text).map_err(|_| D::Error::custom("not base64"))
    }
}
