//! Identifiers of the service: opaque texts that cannot be swapped.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that does not name what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not the id of a {wanted}: {reason}")]
pub struct IdError {
    text: String,
    wanted: &'static str,
    reason: &'static str,
}

/// A VM replication of the Cloud Director flavour, `C4-` and a UUID (VCDA wire rules 1). It stays the same when the
/// direction of the replication changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VmReplicationId(String);

impl VmReplicationId {
    /// Takes the text as it is, unless it names something that these operations do not know.
    ///
    /// # Errors
    /// An empty text, an id of the vSphere flavour (`H4-`), an id of a vApp replication (`C4VAPP-`).
    pub fn parse(text: impl Into<String>) -> Result<Self, IdError> {
        let text = text.into();
        let reason = if text.is_empty() {
            "it is empty"
        } else if text.starts_with("H4-") {
            "it belongs to the vSphere flavour of the service, whose operations are others; use the C4- id that the \
             Cloud Director flavour shows"
        } else if text.starts_with("C4VAPP-") {
            "it names a vApp replication; name the VM replications in it"
        } else {
            return Ok(Self(text));
        };
        Err(IdError {
            text,
            wanted: "VM replication",
            reason,
        })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A task of one site.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaskId(String);

impl TaskId {
    /// Takes the text as it is.
    ///
    /// # Errors
    /// An empty text.
    pub fn parse(text: impl Into<String>) -> Result<Self, IdError> {
        let text = text.into();
        if text.is_empty() {
            return Err(IdError {
                text,
                wanted: "task",
                reason: "it is empty",
            });
        }
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_id {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

text_id!(VmReplicationId);
text_id!(TaskId);

/// Names one action of a user in the logs of all services that take part in it: the request header `operationID`
/// (VCDA wire rules 4). It is for people only; the service does not tell a repeated request by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationTag(String);

/// A longer tag is cut: it ends up in every line of the services' logs.
const LONGEST_TAG: usize = 128;

impl OperationTag {
    /// A tag with this text; what cannot stand in a header becomes `-`, what is beyond 128 characters is cut.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let plain = |c: char| if c.is_ascii_graphic() { c } else { '-' };
        Self(text.chars().take(LONGEST_TAG).map(plain).collect())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_the_other_flavour_and_of_vapps_are_refused_with_the_reason() {
        let other = VmReplicationId::parse("H4-0b0b0b0b").unwrap_err().to_string();
        assert!(other.contains("vSphere flavour"), "{other}");
        let vapp = VmReplicationId::parse("C4VAPP-0d0d").unwrap_err().to_string();
        assert!(vapp.contains("vApp"), "{vapp}");
        assert!(VmReplicationId::parse("").is_err());
        assert_eq!(VmReplicationId::parse("C4-1").unwrap().as_str(), "C4-1");
        assert!(serde_json::from_str::<VmReplicationId>(r#""H4-1""#).is_err());
        assert!(TaskId::parse("").is_err());
    }

    #[test]
    fn a_tag_is_always_a_legal_header() {
        let tag = OperationTag::new(&format!("run 1\r\nX: é{}", "x".repeat(200)));
        assert!(tag.as_str().starts_with("run-1--X:--xxx"), "{tag:?}");
        assert_eq!(tag.as_str().len(), LONGEST_TAG);
        assert!(http::HeaderValue::from_str(tag.as_str()).is_ok());
    }
}
