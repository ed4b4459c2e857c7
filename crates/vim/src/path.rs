//! Property paths with the types of their values.

use std::fmt;
use std::marker::PhantomData;

use farside_models_vim::operation::PROPERTY_COLLECTOR_RETRIEVE_PROPERTIES_EX;
use farside_transport::{CallError, CallErrorKind};
use farside_wire::{DecodeError, Read};
use serde::de::Error as _;

use crate::client::VimClient;
use crate::invocation::Invocation;
use crate::object::ManagedObject;
use crate::properties::ObjectProperties;

/// A property path of the managed type `O`, whose value is a `T`.
///
/// ```
/// use farside_models_vim::TaskInfoState;
/// use farside_vim::{PropertyPath, Task};
///
/// const STATE: PropertyPath<Task, TaskInfoState> = PropertyPath::new("info.state");
/// assert_eq!(STATE.as_str(), "info.state");
/// ```
pub struct PropertyPath<O, T> {
    path: &'static str,
    types: PhantomData<fn() -> (O, T)>,
}

impl<O, T> PropertyPath<O, T> {
    /// A path, in the server's words: `runtime.powerState`. That `O` has it, and that its value is a `T`, is for the caller
    /// to know.
    #[must_use]
    pub const fn new(path: &'static str) -> Self {
        Self {
            path,
            types: PhantomData,
        }
    }

    /// The path as it goes over the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.path
    }
}

impl<O, T> Clone for PropertyPath<O, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O, T> Copy for PropertyPath<O, T> {}

impl<O, T> fmt::Debug for PropertyPath<O, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PropertyPath({:?})", self.path)
    }
}

impl ObjectProperties {
    /// The value of a property by its typed path; `None` as in [`ObjectProperties::any`].
    ///
    /// # Errors
    /// The value is not a `T`.
    pub fn at<O, T: farside_wire::Read>(&self, path: PropertyPath<O, T>) -> Result<Option<T>, DecodeError> {
        self.get(path.as_str())
    }
}

impl VimClient {
    /// Reads one property of an object (`PropertyCollector.RetrievePropertiesEx`); `None` if it is not set.
    ///
    /// # Errors
    /// [`CallError`]; [`CallErrorKind::Decode`] if the value is of another type or may not be read, `ManagedObjectNotFound` if
    /// the object is not there.
    pub async fn read<O: ManagedObject, T: Read>(
        &self,
        object: &O,
        path: PropertyPath<O, T>,
    ) -> Result<Option<T>, CallError> {
        let of = [object.reference().clone()];
        let read = self.properties(&of, O::TYPE_NAME, &[path.as_str()]).await?;
        let Some(properties) = read.first() else {
            return Ok(None);
        };
        let unreadable = |reason: String| {
            let call = Invocation::new(&PROPERTY_COLLECTOR_RETRIEVE_PROPERTIES_EX, "")
                .target(format!("{} of {}", path.as_str(), object.reference()))
                .into_call();
            call.context()
                .error(CallErrorKind::Decode(serde_json::Error::custom(reason)))
        };
        if let Some(fault) = properties.fault(path.as_str()) {
            return Err(unreadable(format!("it cannot be read: {}", fault.type_name())));
        }
        properties.at(path).map_err(|error| unreadable(error.to_string()))
    }
}
