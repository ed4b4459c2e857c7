//! The property collector: reads of objects that are named directly. Traversal is not simulated.

use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::property;
use super::request::{self, ROOT_TYPE};
use super::value::answer;
use super::{session, types};
use crate::dpu;
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::shape::{Shape, optional, required};
use crate::world::World;

pub(super) const MO_ID: &str = "propertyCollector";

/// How many objects one page holds unless the caller wants fewer.
const PAGE: usize = 100;

const REFERENCE: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["ManagedObjectReference"])),
    required("type", Shape::Text),
    required("value", Shape::Text),
]);
static PROPERTY_SPEC: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["PropertySpec"])),
    required("type", Shape::Text),
    optional("all", Shape::Flag),
    optional("pathSet", Shape::List(&Shape::Text)),
]);
static OBJECT_SPEC: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["ObjectSpec"])),
    required("obj", REFERENCE),
    optional("skip", Shape::Flag),
    optional("selectSet", Shape::List(&Shape::Anything)),
]);
static FILTER: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["PropertyFilterSpec"])),
    required("propSet", Shape::List(&PROPERTY_SPEC)),
    required("objectSet", Shape::List(&OBJECT_SPEC)),
    optional("reportMissingObjectsInResults", Shape::Flag),
]);
static RETRIEVE: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("specSet", Shape::List(&FILTER)),
    required(
        "options",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["RetrieveOptions"])),
            optional("maxObjects", Shape::Integer),
        ]),
    ),
]);
static CONTINUE: Shape = Shape::Object(&[ROOT_TYPE, required("token", Shape::Text)]);

/// `RetrievePropertiesEx`. It needs no session: without one, every property is missing for want of it.
pub(super) fn retrieve(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, Fault> {
    let body = request::body(incoming.request, &RETRIEVE)?;
    let authenticated = session::of(world, incoming).is_some();
    let mut objects = Vec::new();
    for filter in list(&body, "specSet") {
        for object in list(filter, "objectSet") {
            if !list(object, "selectSet").is_empty() {
                return Err(Fault::not_simulated("ObjectSpec.selectSet (traversal)"));
            }
            if object["skip"] == json!(true) {
                continue;
            }
            let tolerant = filter["reportMissingObjectsInResults"] == json!(true);
            match content(world, incoming.endpoint, filter, &object["obj"], authenticated) {
                Ok(content) => objects.extend(content),
                Err(Missing::Object(_)) if tolerant => {}
                Err(Missing::Object(fault) | Missing::Property(fault)) => return Err(fault),
            }
        }
    }
    let wanted = body["options"]["maxObjects"]
        .as_i64()
        .and_then(|wanted| usize::try_from(wanted).ok());
    let size = wanted.filter(|wanted| *wanted > 0).unwrap_or(PAGE).min(PAGE);
    Ok(page(world, incoming.endpoint, objects, size))
}

/// `ContinueRetrievePropertiesEx`: the page size is that of the world.
pub(super) fn go_on(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, Fault> {
    let body = request::body(incoming.request, &CONTINUE)?;
    let token = body["token"].as_str().unwrap_or_default();
    let rest = world.vi_json.take_page(incoming.endpoint, token);
    let rest =
        rest.ok_or_else(|| Fault::new("InvalidProperty", "The token is not known.").with("name", "token"))?;
    Ok(page(world, incoming.endpoint, rest, PAGE))
}

fn page(world: &mut World, endpoint: &str, mut objects: Vec<Value>, size: usize) -> Answer {
    if objects.is_empty() {
        return answer(&Value::Null);
    }
    let rest = objects.split_off(objects.len().min(size));
    let mut result = json!({"_typeName": "RetrieveResult", "objects": objects});
    if !rest.is_empty()
        && let Some(token) = world.vi_json.keep_page(endpoint, rest)
    {
        result["token"] = json!(token);
    }
    answer(&result)
}

enum Missing {
    Object(Fault),
    Property(Fault),
}

/// `ObjectContent` of one object; `None` if no property spec is about its type.
fn content(
    world: &World,
    endpoint: &str,
    filter: &Value,
    reference: &Value,
    authenticated: bool,
) -> Result<Option<Value>, Missing> {
    let text = |name: &str| reference[name].as_str().unwrap_or_default();
    let (type_name, mo_id) = (text("type"), text("value"));
    let no_such = || Missing::Object(Fault::no_such_object(type_name, mo_id));
    let (own_type, object) = dpu::object(world, endpoint, mo_id).ok_or_else(no_such)?;
    if !types::is_a(own_type, type_name) {
        return Err(no_such());
    }
    let specs = list(filter, "propSet").iter();
    let specs: Vec<&Value> = specs
        .filter(|spec| types::is_a(own_type, spec["type"].as_str().unwrap_or_default()))
        .collect();
    if specs.is_empty() {
        return Ok(None);
    }
    let mut found = Map::new();
    let mut missing = Map::new();
    for spec in specs {
        if spec["all"] == json!(true) {
            return Err(Missing::Property(Fault::not_simulated("PropertySpec.all")));
        }
        for path in list(spec, "pathSet").iter().filter_map(Value::as_str) {
            let value = property::walk(own_type, &object, path, world.hosts.walks_into_subtypes())
                .map_err(Missing::Property)?;
            if !authenticated {
                let fault = Fault::not_authenticated(type_name, mo_id, "System.View").to_json();
                missing.insert(path.to_owned(), fault);
            } else if let Some(value) = value {
                found.insert(path.to_owned(), value.any());
            }
        }
    }
    let mut content = json!({"_typeName": "ObjectContent", "obj": reference});
    if !found.is_empty() {
        let set = found.iter();
        content["propSet"] = set
            .map(|(name, val)| json!({"_typeName": "DynamicProperty", "name": name, "val": val}))
            .collect();
    }
    if !missing.is_empty() {
        let set = missing.iter();
        content["missingSet"] = set
            .map(|(path, fault)| json!({"_typeName": "MissingProperty", "path": path, "fault": fault}))
            .collect();
    }
    Ok(Some(content))
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// A property read with GET: the bare value, `null` if it is not set.
pub(super) fn get(
    world: &World,
    endpoint: &str,
    type_name: &str,
    mo_id: &str,
    name: &str,
) -> Result<Answer, Fault> {
    let no_such = || Fault::no_such_object(type_name, mo_id);
    let (own_type, object) = dpu::object(world, endpoint, mo_id).ok_or_else(no_such)?;
    if !types::is_a(own_type, type_name) {
        return Err(no_such());
    }
    let found = property::walk(own_type, &object, name, false)?;
    Ok(answer(&found.map_or(Value::Null, property::Found::bare)))
}
