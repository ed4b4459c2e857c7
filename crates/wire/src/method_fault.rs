//! What all faults have in common, as a typed view.

use serde::de::MapAccess;
use serde::ser::SerializeMap;

use crate::any::Any;
use crate::extra::Extra;
use crate::fault::Fault;
use crate::object::DataType;
use crate::structure::{MemberReader, MemberWriter, Structure, serde_of_structures};

/// The base of all faults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MethodFault {
    /// The fault that caused this one. Wire name `faultCause`.
    pub fault_cause: Option<Fault>,
    /// What happened, in words. Wire name `faultMessage`.
    pub fault_message: Vec<LocalizableMessage>,
    /// What happened, in words, once more; servers add it although no schema has it (VI JSON wire rules 9.1).
    pub faultstring: Option<String>,
    /// Members that these models do not know.
    pub extra: Extra,
}

impl Structure for MethodFault {
    const NAME: &'static str = "MethodFault";
    const TAGGED: bool = true;

    fn read<'de, A: MapAccess<'de>>(members: &mut MemberReader<'de, A>) -> Result<Self, A::Error> {
        let mut fault = Self::default();
        while let Some(name) = members.next_name()? {
            match &*name {
                "faultCause" => fault.fault_cause = members.value("faultCause")?,
                "faultMessage" => fault.fault_message = members.value("faultMessage")?.unwrap_or_default(),
                "faultstring" => fault.faultstring = members.value("faultstring")?,
                _ => members.keep(name)?,
            }
        }
        fault.extra = members.extra();
        Ok(fault)
    }

    fn write<M: SerializeMap>(&self, members: &mut MemberWriter<M>) -> Result<(), M::Error> {
        members.optional("faultCause", &self.fault_cause)?;
        members.array("faultMessage", &self.fault_message)?;
        members.optional("faultstring", &self.faultstring)
    }

    fn extra(&self) -> &Extra {
        &self.extra
    }
}

impl DataType for MethodFault {
    fn bases() -> &'static [&'static str] {
        &["Any"]
    }
}

/// A message with a key for translation, and its text.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalizableMessage {
    /// Key of the message. Wire name `key`.
    pub key: String,
    /// Arguments of the message. Wire name `arg`.
    pub arg: Vec<KeyAnyValue>,
    /// The message in the session's language. Wire name `message`.
    pub message: Option<String>,
    /// Members that these models do not know.
    pub extra: Extra,
}

impl Structure for LocalizableMessage {
    const NAME: &'static str = "LocalizableMessage";
    const TAGGED: bool = true;

    fn read<'de, A: MapAccess<'de>>(members: &mut MemberReader<'de, A>) -> Result<Self, A::Error> {
        let mut key = None;
        let mut arg = None;
        let mut message = None;
        while let Some(name) = members.next_name()? {
            match &*name {
                "key" => key = members.value("key")?,
                "arg" => arg = members.value("arg")?,
                "message" => message = members.value("message")?,
                _ => members.keep(name)?,
            }
        }
        Ok(Self {
            key: members.required("key", key)?,
            arg: arg.unwrap_or_default(),
            message,
            extra: members.extra(),
        })
    }

    fn write<M: SerializeMap>(&self, members: &mut MemberWriter<M>) -> Result<(), M::Error> {
        members.required("key", &self.key)?;
        members.array("arg", &self.arg)?;
        members.optional("message", &self.message)
    }

    fn extra(&self) -> &Extra {
        &self.extra
    }
}

impl DataType for LocalizableMessage {
    fn bases() -> &'static [&'static str] {
        &["DataObject", "Any"]
    }
}

/// A named value of any type.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyAnyValue {
    /// The name. Wire name `key`.
    pub key: String,
    /// The value. Wire name `value`.
    pub value: Any,
    /// Members that these models do not know.
    pub extra: Extra,
}

impl Structure for KeyAnyValue {
    const NAME: &'static str = "KeyAnyValue";
    const TAGGED: bool = true;

    fn read<'de, A: MapAccess<'de>>(members: &mut MemberReader<'de, A>) -> Result<Self, A::Error> {
        let mut key = None;
        let mut value = None;
        while let Some(name) = members.next_name()? {
            match &*name {
                "key" => key = members.value("key")?,
                "value" => value = members.value("value")?,
                _ => members.keep(name)?,
            }
        }
        Ok(Self {
            key: members.required("key", key)?,
            value: members.required("value", value)?,
            extra: members.extra(),
        })
    }

    fn write<M: SerializeMap>(&self, members: &mut MemberWriter<M>) -> Result<(), M::Error> {
        members.required("key", &self.key)?;
        members.required("value", &self.value)
    }

    fn extra(&self) -> &Extra {
        &self.extra
    }
}

impl DataType for KeyAnyValue {
    fn bases() -> &'static [&'static str] {
        &["DataObject", "Any"]
    }
}

serde_of_structures!(MethodFault, LocalizableMessage, KeyAnyValue);
