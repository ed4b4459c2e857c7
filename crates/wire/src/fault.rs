//! Faults of VI JSON: errors as objects of an open set of types.

use std::fmt;
use std::sync::{Arc, OnceLock};

use bytestring::ByteString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ancestry::Ancestry;
use crate::error::{DecodeError, ReadError, Reason};
use crate::method_fault::MethodFault;
use crate::object::{DataType, Extends, Object};
use crate::raw::RawJson;
use crate::read::{Read, read_with_serde};
use crate::reader::Reader;

/// A fault: any type that derives from `MethodFault`, known to these models or not.
///
/// Where a server wraps it in a `LocalizedMethodFault`, this is the fault inside; writing gives the wrapper back too
/// (VI JSON wire rules 9.3). Cloning is cheap.
#[derive(Clone)]
pub struct Fault(Arc<Content>);

struct Content {
    object: Object<MethodFault>,
    wrapper: Option<RawJson>,
    /// Looked for when it is asked for: most faults are told by their types.
    message: OnceLock<Option<ByteString>>,
}

impl Fault {
    /// A fault that holds `value`.
    ///
    /// # Panics
    /// If `value` cannot be written as a JSON object. Generated types can.
    pub fn new<T: DataType + Extends<MethodFault>>(value: &T) -> Self {
        Self::with(Object::new(value), None)
    }

    /// The fault with this text; `None` if the text is not an object.
    pub fn from_raw(raw: RawJson) -> Option<Self> {
        let outer = Object::<MethodFault>::from_raw(raw)?;
        if outer.type_name() != WRAPPER {
            return Some(Self::with(outer, None));
        }
        let wrapper = Some(outer.raw_json().clone());
        let mut fault = outer;
        while fault.type_name() == WRAPPER
            && let Some(inner) = fault.raw_json().member("fault").and_then(Object::from_raw)
        {
            fault = inner;
        }
        Some(Self::with(fault, wrapper))
    }

    fn with(object: Object<MethodFault>, wrapper: Option<RawJson>) -> Self {
        Self(Arc::new(Content {
            object,
            wrapper,
            message: OnceLock::new(),
        }))
    }

    /// Name of the fault's type; `MethodFault` if it was not sent.
    pub fn type_name(&self) -> &str {
        self.0.object.type_name()
    }

    /// What the server says in words: the first `faultMessage` that has a text, else `faultstring`, else the
    /// text of the wrapper.
    pub fn message(&self) -> Option<&str> {
        let message = self.0.message.get_or_init(|| {
            let said = message_of(self.0.object.raw_json());
            said.or_else(|| localized(self.0.wrapper.clone()))
        });
        message.as_deref()
    }

    /// Whether the fault is a `T` or a type that is known to derive from it.
    pub fn is_a<T: DataType>(&self) -> bool {
        self.0.object.is_a::<T>()
    }

    /// Whether the fault is of the type called `name` or derives from it by `ancestry`.
    pub fn is_named(&self, name: &str, ancestry: &Ancestry) -> bool {
        name == MethodFault::TYPE_NAME || ancestry.is_a(self.type_name(), name)
    }

    /// Reads the fault as a `T`, if it [is one](Self::is_a).
    pub fn downcast<T: DataType + Extends<MethodFault>>(&self) -> Option<Result<T, DecodeError>> {
        self.0.object.downcast()
    }

    /// The fault that caused this one.
    pub fn cause(&self) -> Option<Fault> {
        self.0
            .object
            .raw_json()
            .member("faultCause")
            .and_then(Self::from_raw)
    }

    /// The fault as an object.
    pub fn object(&self) -> &Object<MethodFault> {
        &self.0.object
    }

    /// The fault's JSON text as it came, without wrapper.
    pub fn raw(&self) -> &str {
        self.0.object.raw()
    }
}

const WRAPPER: &str = "LocalizedMethodFault";

/// The words in a fault, however odd the rest of it is.
fn message_of(fault: &RawJson) -> Option<ByteString> {
    let messages = fault.member("faultMessage");
    let messages: Option<Vec<RawJson>> = messages.and_then(|raw| raw.decode().ok());
    messages
        .unwrap_or_default()
        .iter()
        .find_map(|message| text_in(message, "message"))
        .or_else(|| text_in(fault, "faultstring"))
}

/// The words in the wrappers around a fault, those of the innermost first.
fn localized(wrapper: Option<RawJson>) -> Option<ByteString> {
    let is_wrapper = |raw: &RawJson| raw.type_name().is_some_and(|name| name == WRAPPER);
    let wrappers = std::iter::successors(wrapper, |outer| outer.member("fault").filter(is_wrapper));
    wrappers
        .filter_map(|wrapper| text_in(&wrapper, "localizedMessage"))
        .last()
}

fn text_in(raw: &RawJson, member: &str) -> Option<ByteString> {
    raw.member(member)?.kept_text().filter(|text| !text.is_empty())
}

impl PartialEq for Fault {
    fn eq(&self, other: &Self) -> bool {
        self.0.object == other.0.object && self.0.wrapper == other.0.wrapper
    }
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
        match &self.0.wrapper {
            Some(wrapper) => wrapper.serialize(serializer),
            None => self.0.object.serialize(serializer),
        }
    }
}

impl Read for Fault {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        match Self::from_raw(reader.raw()?) {
            Some(fault) => Ok(fault),
            None => Err(reader.error(Reason::Object(MethodFault::TYPE_NAME))),
        }
    }
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_with_serde(deserializer)
    }
}
