//! What a caller wants to know: filters as requests describe them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::fault::Fault;
use super::super::request::REFERENCE;
use super::super::{property, types};
use crate::shape::{Shape, optional, required};
use crate::world::World;

static PROPERTY_SPEC: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["PropertySpec"])),
    required("type", Shape::Text),
    optional("all", Shape::Flag),
    optional("pathSet", Shape::List(&Shape::Text)),
]);
static SELECTION: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["SelectionSpec"])),
    required("name", Shape::Text),
]);
static TRAVERSAL: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["TraversalSpec"])),
    optional("name", Shape::Text),
    required("type", Shape::Text),
    required("path", Shape::Text),
    optional("skip", Shape::Flag),
    optional("selectSet", Shape::List(&Shape::Anything)),
]);
static OBJECT_SPEC: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["ObjectSpec"])),
    required("obj", REFERENCE),
    optional("skip", Shape::Flag),
    optional("selectSet", Shape::List(&Shape::Anything)),
]);

/// The shape of a `PropertyFilterSpec`.
pub(super) static FILTER: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["PropertyFilterSpec"])),
    required("propSet", Shape::List(&PROPERTY_SPEC)),
    required("objectSet", Shape::List(&OBJECT_SPEC)),
    optional("reportMissingObjectsInResults", Shape::Flag),
]);

/// Deeper nested specs are refused.
const DEEPEST: usize = 32;

/// A `PropertySpec`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Wanted {
    pub(super) type_name: String,
    pub(super) all: bool,
    pub(super) paths: Vec<String>,
}

/// A `SelectionSpec`: one that is described elsewhere, or a `TraversalSpec`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Selection {
    Named(String),
    Traverse(#[serde(with = "crate::saved::shared")] Arc<Traversal>),
}

/// A `TraversalSpec`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Traversal {
    pub(super) type_name: String,
    pub(super) path: String,
    pub(super) skip: bool,
    pub(super) select: Vec<Selection>,
}

/// An `ObjectSpec`, with its named traversals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Start {
    pub(super) object: Value,
    pub(super) skip: bool,
    pub(super) select: Vec<Selection>,
    #[serde(with = "crate::saved::shared_map")]
    pub(super) named: BTreeMap<String, Arc<Traversal>>,
}

/// A `PropertyFilterSpec`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FilterSpec {
    pub(super) wanted: Vec<Wanted>,
    pub(super) starts: Vec<Start>,
    /// Objects that are not there are told of instead of refused.
    pub(super) tolerant: bool,
    /// As it came.
    pub(super) raw: Value,
}

impl FilterSpec {
    /// Reads a filter whose shape has been checked.
    pub(super) fn read(world: &World, raw: &Value) -> Result<Self, Fault> {
        let subtypes = world.hosts.walks_into_subtypes();
        let wanted = list(raw, "propSet").iter().map(wanted).collect::<Vec<_>>();
        for wanted in &wanted {
            let known = types::managed().any(|known| known == wanted.type_name);
            for path in wanted.paths.iter().filter(|_| known) {
                property::check(&wanted.type_name, path, subtypes)?;
            }
        }
        let starts = list(raw, "objectSet")
            .iter()
            .map(start)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            wanted,
            starts,
            tolerant: raw["reportMissingObjectsInResults"] == json!(true),
            raw: raw.clone(),
        })
    }
}

fn wanted(raw: &Value) -> Wanted {
    let paths = list(raw, "pathSet").iter().filter_map(Value::as_str);
    Wanted {
        type_name: text(raw, "type").to_owned(),
        all: raw["all"] == json!(true),
        paths: paths.map(str::to_owned).collect(),
    }
}

fn start(raw: &Value) -> Result<Start, Fault> {
    let mut named = BTreeMap::new();
    let select = selections(raw, &mut named, 0)?;
    for selection in &select {
        resolved(selection, &named)?;
    }
    Ok(Start {
        object: raw["obj"].clone(),
        skip: raw["skip"] == json!(true),
        select,
        named,
    })
}

fn selections(
    raw: &Value,
    named: &mut BTreeMap<String, Arc<Traversal>>,
    depth: usize,
) -> Result<Vec<Selection>, Fault> {
    if depth > DEEPEST {
        return Err(Fault::invalid_argument(
            Some("selectSet"),
            "The specs are nested too deep.",
        ));
    }
    let mut found = Vec::new();
    for one in list(raw, "selectSet") {
        if one["_typeName"] == "SelectionSpec" {
            SELECTION.check(one)?;
            found.push(Selection::Named(text(one, "name").to_owned()));
            continue;
        }
        TRAVERSAL.check(one)?;
        let (type_name, path) = (text(one, "type"), text(one, "path"));
        let known = types::managed().any(|known| known == type_name);
        let end = types::member(type_name, path);
        if known && end.is_none_or(|end| end.type_name != "ManagedObjectReference") {
            return Err(property::invalid(path));
        }
        let traversal = Arc::new(Traversal {
            type_name: type_name.to_owned(),
            path: path.to_owned(),
            skip: one["skip"] == json!(true),
            select: selections(one, named, depth + 1)?,
        });
        if let Some(name) = one["name"].as_str() {
            named.insert(name.to_owned(), Arc::clone(&traversal));
        }
        found.push(Selection::Traverse(traversal));
    }
    Ok(found)
}

/// Every name has to be that of a traversal of the same object spec.
fn resolved(selection: &Selection, named: &BTreeMap<String, Arc<Traversal>>) -> Result<(), Fault> {
    match selection {
        Selection::Named(name) if named.contains_key(name) => Ok(()),
        Selection::Named(name) => {
            let message = format!("No traversal is called {name}.");
            Err(Fault::invalid_argument(Some("selectSet"), message))
        }
        Selection::Traverse(traversal) => {
            let mut inner = traversal.select.iter();
            inner.try_for_each(|selection| resolved(selection, named))
        }
    }
}

pub(super) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
