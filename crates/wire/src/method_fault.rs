//! What all faults have in common, as a typed view.

use farside_wire_derive::Structure;

use crate::any::Any;
use crate::extra::Extra;
use crate::fault::Fault;

/// The base of all faults.
#[derive(Clone, Debug, Default, PartialEq, Structure)]
#[wire(name = "MethodFault", bases = ["Any"])]
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

/// A message with a key for translation, and its text.
#[derive(Clone, Debug, PartialEq, Structure)]
#[wire(name = "LocalizableMessage", bases = ["DataObject", "Any"])]
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

/// A named value of any type.
#[derive(Clone, Debug, PartialEq, Structure)]
#[wire(name = "KeyAnyValue", bases = ["DataObject", "Any"])]
pub struct KeyAnyValue {
    /// The name. Wire name `key`.
    pub key: String,
    /// The value. Wire name `value`.
    pub value: Any,
    /// Members that these models do not know.
    pub extra: Extra,
}
