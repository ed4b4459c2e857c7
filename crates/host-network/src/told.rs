//! What vCenter tells of a property, or why it does not.

use farside_vim::{ObjectProperties, PropertyPath};
use farside_wire::Read;

/// What vCenter told of a property. That it told nothing is not a "no".
#[derive(Clone, Debug, PartialEq)]
pub enum Told<T> {
    /// Its value.
    Value(T),
    /// It is not set, or this release does not have it.
    Unset,
    /// It could not be read, and why: no right to it, or not what its schema says.
    Hidden(String),
}

impl<T> Told<T> {
    /// The value, if it was told.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Unset | Self::Hidden(_) => None,
        }
    }

    /// A part of the value, which may be unset.
    pub(crate) fn part<U>(&self, part: impl FnOnce(&T) -> Option<U>) -> Told<U> {
        match self {
            Self::Value(value) => part(value).map_or(Told::Unset, Told::Value),
            Self::Unset => Told::Unset,
            Self::Hidden(why) => Told::Hidden(why.clone()),
        }
    }
}

impl<T: Read> Told<T> {
    pub(crate) fn at<O>(properties: &ObjectProperties, path: PropertyPath<O, T>) -> Self {
        Self::of(properties, path.as_str())
    }

    pub(crate) fn of(properties: &ObjectProperties, path: &str) -> Self {
        if let Some(fault) = properties.fault(path) {
            return Self::Hidden(fault.to_string());
        }
        match properties.get(path) {
            Ok(Some(value)) => Self::Value(value),
            Ok(None) => Self::Unset,
            Err(error) => Self::Hidden(error.to_string()),
        }
    }
}
