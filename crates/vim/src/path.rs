//! Property paths with the types of their values.

use std::fmt;
use std::marker::PhantomData;

use farside_wire::DecodeError;

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
