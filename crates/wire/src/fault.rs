//! Faults of VI JSON: errors as objects of an open set of types.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ancestry::Ancestry;
use crate::error::DecodeError;
use crate::method_fault::MethodFault;
use crate::object::{DataType, Extends, Object};
use crate::raw::RawJson;

/// A fault: any type that derives from `MethodFault`, known to these models or not.
///
/// Where a server wraps it in a `LocalizedMethodFault`, this is the fault inside; writing gives the wrapper back too
/// (VI JSON wire rules 9.3). Cloning is cheap.
#[derive(Clone, PartialEq)]
pub struct Fault {
    object: Object<MethodFault>,
    wrapper: Option<RawJson>,
    message: Option<Arc<str>>,
}

impl Fault {
    /// A fault that holds `value`.
    ///
    /// # Panics
    /// If `value` cannot be written as a JSON object. Generated types can.
    pub fn new<T: DataType + Extends<MethodFault>>(value: &T) -> Self {
        Self::plain(Object::new(value))
    }

    /// The fault with this text; `None` if the text is not an object.
    pub fn from_raw(raw: RawJson) -> Option<Self> {
        let outer = Object::<MethodFault>::from_raw(raw)?;
        let mut fault = outer.clone();
        let mut localized = None;
        while fault.type_name() == WRAPPER {
            localized = fault
                .raw_json()
                .member("localizedMessage")
                .and_then(text_in)
                .or(localized);
            match fault.raw_json().member("fault").and_then(Object::from_raw) {
                Some(inner) => fault = inner,
                None => break,
            }
        }
        let wrapper = (outer.type_name() == WRAPPER).then(|| outer.raw_json().clone());
        let mut fault = Self {
            wrapper,
            ..Self::plain(fault)
        };
        fault.message = fault.message.or(localized);
        Some(fault)
    }

    fn plain(object: Object<MethodFault>) -> Self {
        let message = message_of(object.raw_json());
        Self {
            object,
            wrapper: None,
            message,
        }
    }

    /// Name of the fault's type; `MethodFault` if it was not sent.
    pub fn type_name(&self) -> &str {
        self.object.type_name()
    }

    /// What the server says in words: the first `faultMessage` that has a text, else `faultstring`, else the
    /// text of the wrapper.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Whether the fault is a `T` or a type that is known to derive from it.
    pub fn is_a<T: DataType>(&self) -> bool {
        self.object.is_a::<T>()
    }

    /// Whether the fault is of the type called `name` or derives from it by `ancestry`.
    pub fn is_named(&self, name: &str, ancestry: &Ancestry) -> bool {
        name == MethodFault::TYPE_NAME || ancestry.is_a(self.type_name(), name)
    }

    /// Reads the fault as a `T`, if it [is one](Self::is_a).
    pub fn downcast<T: DataType + Extends<MethodFault>>(&self) -> Option<Result<T, DecodeError>> {
        self.object.downcast()
    }

    /// The fault that caused this one.
    pub fn cause(&self) -> Option<Fault> {
        self.object
            .raw_json()
            .member("faultCause")
            .and_then(Self::from_raw)
    }

    /// The fault as an object.
    pub fn object(&self) -> &Object<MethodFault> {
        &self.object
    }

    /// The fault's JSON text as it came, without wrapper.
    pub fn raw(&self) -> &str {
        self.object.raw()
    }
}

const WRAPPER: &str = "LocalizedMethodFault";

/// The words in a fault, however odd the rest of it is.
fn message_of(fault: &RawJson) -> Option<Arc<str>> {
    let messages = fault
        .member("faultMessage")
        .and_then(|raw| raw.elements())
        .unwrap_or_default();
    messages
        .iter()
        .find_map(|message| message.member("message").and_then(text_in))
        .or_else(|| fault.member("faultstring").and_then(text_in))
}

fn text_in(raw: RawJson) -> Option<Arc<str>> {
    raw.text()
        .filter(|text| !text.is_empty())
        .map(|text| text.as_ref().into())
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.type_name())?;
        match self.message() {
            Some(message) => write!(formatter, ": {message}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Fault({self})")
    }
}

impl std::error::Error for Fault {}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.wrapper {
            Some(wrapper) => wrapper.serialize(serializer),
            None => self.object.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawJson::deserialize(deserializer)?;
        Self::from_raw(raw).ok_or_else(|| serde::de::Error::custom("expected a fault, which is an object"))
    }
}
