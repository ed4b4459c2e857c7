//! What is told of one object.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::fault::Fault;
use super::super::object::Object;
use super::super::property::{self, Found};
use super::super::types;
use super::spec::Wanted;
use crate::world::World;

/// The properties of an object that somebody asked for, by path: those that are set, and those that cannot be read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Content {
    pub(super) values: BTreeMap<String, Found>,
    pub(super) missing: BTreeMap<String, Fault>,
    pub(super) unset: BTreeSet<String>,
}

/// Reads an object for a filter: what cannot be read is missing.
pub(super) fn bear(world: &World, object: &Object, wanted: &[Wanted]) -> Option<Content> {
    let about = |wanted: &&Wanted| types::is_a(object.type_name, &wanted.type_name);
    let mut about = wanted.iter().filter(about).peekable();
    about.peek()?;
    let mut content = Content::default();
    let mut reading = property::Reading::new(world, object);
    for wanted in about {
        for path in paths(world, object, wanted) {
            match reading.read(&path) {
                Ok(Some(found)) => {
                    content.values.insert(path, found);
                }
                Ok(None) => {
                    content.unset.insert(path);
                }
                Err(fault) => {
                    content.missing.insert(path, fault);
                }
            }
        }
    }
    Some(content)
}

/// Reads an object; `None` if nobody asked for its type.
pub(super) fn read(
    world: &World,
    object: &Object,
    wanted: &[Wanted],
    authenticated: bool,
) -> Result<Option<Content>, Fault> {
    let about = |wanted: &&Wanted| types::is_a(object.type_name, &wanted.type_name);
    let mut about = wanted.iter().filter(about).peekable();
    if about.peek().is_none() {
        return Ok(None);
    }
    let mut content = Content::default();
    let mut reading = property::Reading::new(world, object);
    for wanted in about {
        for path in paths(world, object, wanted) {
            let found = match reading.read(&path) {
                // Of what may not be read, no more is said than that.
                Err(fault) if fault.is("NoPermission") => {
                    content.missing.insert(path, fault);
                    continue;
                }
                found => found?,
            };
            if !authenticated {
                let fault = Fault::not_authenticated(object.type_name, &object.mo_id, "System.View");
                content.missing.insert(path, fault);
            } else if let Some(found) = found {
                content.values.insert(path, found);
            }
        }
    }
    Ok(Some(content))
}

fn paths(world: &World, object: &Object, wanted: &Wanted) -> Vec<String> {
    if wanted.all {
        every_path(world, object)
    } else {
        wanted.paths.clone()
    }
}

/// All properties of an object that the simulator knows.
fn every_path(world: &World, object: &Object) -> Vec<String> {
    let known = types::members(object.type_name).filter(|member| {
        !types::is_partial(member.type_name) && object.property(world, member.name).is_some()
    });
    known.map(|member| member.name.to_owned()).collect()
}

impl Content {
    /// `ObjectContent`.
    pub(super) fn to_json(&self, object: &Object) -> Value {
        let mut content = Map::new();
        content.insert("_typeName".to_owned(), json!("ObjectContent"));
        content.insert("obj".to_owned(), object.reference());
        let set = self.values.iter().map(
            |(name, found)| json!({"_typeName": "DynamicProperty", "name": name, "val": found.clone().any()}),
        );
        let set: Vec<Value> = set.collect();
        if !set.is_empty() {
            content.insert("propSet".to_owned(), Value::Array(set));
        }
        if !self.missing.is_empty() {
            content.insert("missingSet".to_owned(), self.missing_json());
        }
        Value::Object(content)
    }

    /// A set of `MissingProperty`; `null` if nothing is missing.
    pub(super) fn missing_json(&self) -> Value {
        let set = self.missing.iter().map(
            |(path, fault)| json!({"_typeName": "MissingProperty", "path": path, "fault": fault.to_json()}),
        );
        super::super::view::null_if_empty(set.collect())
    }
}
