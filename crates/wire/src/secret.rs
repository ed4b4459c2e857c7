//! Passwords, tickets, tokens.

use std::fmt;

use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::error::ReadError;
use crate::read::Read;
use crate::reader::Reader;

/// A text that must not be seen: a password, a ticket, a token.
///
/// `Debug` and `Display` print `***`; the memory is overwritten on drop. `Serialize` writes the text, since a log-in
/// request carries it: what else holds a secret must not be serialised into a log, a journal or a report.
///
/// What a secret was read from, the body of an answer for instance, is not overwritten.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A secret with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text. The caller takes care that it goes nowhere but into a request.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl Read for Secret {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        reader.string().map(Self::new)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SecretVisitor;

        impl Visitor<'_> for SecretVisitor {
            type Value = Secret;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_str<E>(self, text: &str) -> Result<Secret, E> {
                Ok(Secret::new(text))
            }

            fn visit_string<E>(self, text: String) -> Result<Secret, E> {
                Ok(Secret::new(text))
            }
        }

        // The original error is dropped, since its text quotes the value.
        deserializer
            .deserialize_string(SecretVisitor)
            .map_err(|_| D::Error::custom("a secret is not a string"))
    }
}
