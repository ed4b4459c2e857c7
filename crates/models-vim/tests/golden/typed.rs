//! Every object with a `_typeName`, wherever it stands in an answer, against the type of that name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use farside_wire::DataType;
use serde_json::Value;

use crate::harness::{Fixture, read_back};

/// Checks an object and names the members its type does not know.
type Check = fn(&Fixture, &Value) -> Vec<String>;

/// How to check an object, by type name.
#[derive(Default)]
pub(crate) struct Checks(BTreeMap<&'static str, Check>);

impl Checks {
    /// With one more type.
    pub(crate) fn of<T: DataType + Debug>(mut self) -> Self {
        let twice = self.0.insert(T::TYPE_NAME, unknown_members::<T>);
        assert!(twice.is_none(), "{} is listed twice", T::TYPE_NAME);
        self
    }

    /// Checks `value` and all objects in it; adds what it met to `met`.
    pub(crate) fn walk(&self, fixture: &Fixture, value: &Value, met: &mut Met) {
        match value {
            Value::Array(elements) => elements
                .iter()
                .for_each(|element| self.walk(fixture, element, met)),
            Value::Object(members) => {
                // A box has a `_value` and is no type of its own.
                let name = members
                    .get("_typeName")
                    .filter(|_| !members.contains_key("_value"));
                if let Some(name) = name.and_then(Value::as_str) {
                    met.types.insert(name.to_owned());
                    if let Some(check) = self.0.get(name) {
                        met.unknown.extend(
                            check(fixture, value)
                                .iter()
                                .map(|member| format!("{name}.{member}")),
                        );
                    }
                }
                members
                    .values()
                    .for_each(|member| self.walk(fixture, member, met));
            }
            _ => {}
        }
    }

    /// The types among `met` that have no check.
    pub(crate) fn unchecked<'m>(&self, met: &'m Met) -> Vec<&'m str> {
        met.types
            .iter()
            .map(String::as_str)
            .filter(|name| !self.0.contains_key(name))
            .collect()
    }

    /// The listed types that are not among `met`.
    pub(crate) fn unmet(&self, met: &Met) -> Vec<&'static str> {
        self.0
            .keys()
            .copied()
            .filter(|name| !met.types.contains(*name))
            .collect()
    }
}

/// What the fixtures hold.
#[derive(Default)]
pub(crate) struct Met {
    /// Names of types.
    pub(crate) types: BTreeSet<String>,
    /// Members that a checked type does not know, as `Type.member`.
    pub(crate) unknown: BTreeSet<String>,
}

fn unknown_members<T: DataType + Debug>(fixture: &Fixture, value: &Value) -> Vec<String> {
    let read: T = read_back(fixture, value);
    read.extra().iter().map(|(name, _)| name.to_owned()).collect()
}
