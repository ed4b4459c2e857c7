//! References to managed objects.

use std::fmt;
use std::hash::{Hash, Hasher};

use farside_wire_derive::Structure;

use crate::extra::Extra;

/// A reference to a managed object of one vCenter: its type and its id there (VI JSON wire rules 6).
///
/// Two references are equal when type and id are. `Display` is `HostSystem:host-12`.
#[derive(Clone, Structure)]
#[wire(name = "ManagedObjectReference", bases = ["Any"])]
pub struct ManagedObjectReference {
    /// Name of the managed type, an open set, e.g. `HostSystem`. Wire name `type`.
    pub type_: String,
    /// The id, opaque; what the API calls `moId`. Wire name `value`.
    pub value: String,
    /// Members that these models do not know.
    pub extra: Extra,
}

impl ManagedObjectReference {
    /// A reference to the object `value` of type `type_`.
    pub fn new(type_: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            type_: type_.into(),
            value: value.into(),
            extra: Extra::new(),
        }
    }

    fn key(&self) -> (&str, &str) {
        (&self.type_, &self.value)
    }
}

impl PartialEq for ManagedObjectReference {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for ManagedObjectReference {}

impl PartialOrd for ManagedObjectReference {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ManagedObjectReference {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl Hash for ManagedObjectReference {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for ManagedObjectReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.type_, self.value)
    }
}

impl fmt::Debug for ManagedObjectReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ManagedObjectReference({self})")
    }
}
