//! What the property collector brought about one object.

use std::collections::BTreeMap;

use farside_models_vim::ObjectContent;
use farside_wire::{Any, DecodeError, Fault, ManagedObjectReference, Read};

/// Properties of one object, by their paths.
#[derive(Clone, Debug)]
pub struct ObjectProperties {
    object: ManagedObjectReference,
    values: BTreeMap<String, Any>,
    missing: BTreeMap<String, Fault>,
}

impl ObjectProperties {
    /// The object.
    #[must_use]
    pub fn object(&self) -> &ManagedObjectReference {
        &self.object
    }

    /// The value of a property; `None` if it is unset, was not asked for or cannot be read.
    #[must_use]
    pub fn any(&self, path: &str) -> Option<&Any> {
        self.values.get(path).filter(|value| !value.is_null())
    }

    /// The value of a property as a `T`: a data type, a primitive, or a `Vec` of what an array holds.
    ///
    /// # Errors
    /// The value is not a `T`.
    pub fn get<T: Read>(&self, path: &str) -> Result<Option<T>, DecodeError> {
        self.any(path).map(Any::decode_value).transpose()
    }

    /// Why a property could not be read.
    #[must_use]
    pub fn fault(&self, path: &str) -> Option<&Fault> {
        self.missing.get(path)
    }
}

impl From<ObjectContent> for ObjectProperties {
    fn from(content: ObjectContent) -> Self {
        Self {
            object: content.obj,
            values: content
                .prop_set
                .into_iter()
                .map(|property| (property.name, property.val))
                .collect(),
            missing: content
                .missing_set
                .into_iter()
                .map(|missing| (missing.path, missing.fault))
                .collect(),
        }
    }
}
