//! The search index: objects by name, place, address or id.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::fault::Fault;
use super::object::Object;
use super::property;
use super::request::{self, Path, REFERENCE, ROOT_TYPE};
use super::types;
use super::value::answer;
use super::view::{list, texts};
use crate::exchange::Answer;
use crate::inventory::ROOT_FOLDER;
use crate::service::Incoming;
use crate::shape::{Shape, optional, required};
use crate::world::World;

static BY_PATH: Shape = Shape::Object(&[ROOT_TYPE, required("inventoryPath", Shape::Text)]);
static CHILD: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("entity", REFERENCE),
    required("name", Shape::Text),
]);
static BY_FILE: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("datacenter", REFERENCE),
    required("path", Shape::Text),
]);
static BY_UUID: Shape = Shape::Object(&[
    ROOT_TYPE,
    optional("datacenter", REFERENCE),
    required("uuid", Shape::Text),
    required("vmSearch", Shape::Flag),
    optional("instanceUuid", Shape::Flag),
]);
static BY_IP: Shape = Shape::Object(&[
    ROOT_TYPE,
    optional("datacenter", REFERENCE),
    required("ip", Shape::Text),
    required("vmSearch", Shape::Flag),
]);
static BY_DNS_NAME: Shape = Shape::Object(&[
    ROOT_TYPE,
    optional("datacenter", REFERENCE),
    required("dnsName", Shape::Text),
    required("vmSearch", Shape::Flag),
]);
static PREDICATE: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["SearchIndexPredicate"])),
    required("propertyPath", Shape::Text),
    required("operator", Shape::Text),
    optional("arrayOperator", Shape::Text),
    optional("comparableValue", Shape::Boxed),
    optional("comparableList", Shape::List(&Shape::Boxed)),
]);
static FILTER: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["SearchIndexFilter"])),
    optional("predicates", Shape::List(&PREDICATE)),
]);
static QUERY: Shape = Shape::Object(&[
    ROOT_TYPE,
    required(
        "querySpec",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["SearchIndexQuerySpec"])),
            required("properties", Shape::List(&Shape::Text)),
            required("resourceType", Shape::Text),
            optional("filters", Shape::List(&FILTER)),
            optional("returnTotalCount", Shape::Flag),
            optional("limit", Shape::Integer),
        ]),
    ),
]);
static NEXT: Shape = Shape::Object(&[
    ROOT_TYPE,
    required(
        "iterationSpec",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["SearchIndexIterationSpec"])),
            optional("marker", Shape::Text),
            optional("limit", Shape::Integer),
        ]),
    ),
]);

/// How many items a page of a query has unless the caller wants fewer.
const PAGE: usize = 100;

/// What is left of a query: its properties, and the items that were not fetched.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Rest {
    properties: Vec<String>,
    items: Vec<Value>,
}

/// The queries of a vCenter that have more to fetch, by their markers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Queries {
    rests: BTreeMap<String, Rest>,
    made: u32,
}

/// A method of the search index.
pub(super) fn handle(world: &mut World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    let vcenter = incoming.endpoint;
    let text = |body: &Value, name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let member = path.member.as_str();
    match member {
        "FindByInventoryPath" => {
            let body = request::body(incoming.request, &BY_PATH)?;
            Ok(answer(
                &by_path(world, vcenter, &text(&body, "inventoryPath")).unwrap_or_default(),
            ))
        }
        "FindChild" => {
            let body = request::body(incoming.request, &CHILD)?;
            let entity = Object::referred(world, vcenter, &body["entity"])?;
            Ok(answer(
                &child(world, &entity, &text(&body, "name")).map_or(Value::Null, |found| found.reference()),
            ))
        }
        "FindByDatastorePath" => {
            let body = request::body(incoming.request, &BY_FILE)?;
            let wanted = text(&body, "path");
            if !wanted.starts_with('[') || !wanted.contains("] ") {
                let fault = Fault::new("InvalidDatastorePath", "The path is not valid.");
                return Err(fault.with("datastorePath", wanted));
            }
            let among = Among::read(world, vcenter, &body, true)?;
            Ok(answer(&among.first(world, &["config.files.vmPathName"], &wanted)))
        }
        "Query" => {
            request::since(path, [9, 1, 0, 0])?;
            query(world, incoming)
        }
        "QueryNext" => {
            request::since(path, [9, 1, 0, 0])?;
            let body = request::body(incoming.request, &NEXT)?;
            let spec = &body["iterationSpec"];
            let marker = text(spec, "marker");
            let rest = world
                .vi_json
                .queries_mut(vcenter)
                .and_then(|queries| queries.rests.remove(&marker));
            let rest = rest
                .ok_or_else(|| Fault::invalid_argument(Some("iterationSpec.marker"), "It is not known."))?;
            Ok(page(world, vcenter, rest, &spec["limit"], None))
        }
        _ => {
            let (shape, value) = match member {
                "FindByUuid" | "FindAllByUuid" => (&BY_UUID, "uuid"),
                "FindByIp" | "FindAllByIp" => (&BY_IP, "ip"),
                _ => (&BY_DNS_NAME, "dnsName"),
            };
            let body = request::body(incoming.request, shape)?;
            let machines = body["vmSearch"] == json!(true);
            let among = Among::read(world, vcenter, &body, machines)?;
            let paths: &[&str] = match (value, machines) {
                ("uuid", true) if body["instanceUuid"] == json!(true) => &["config.instanceUuid"],
                ("uuid", true) => &["config.uuid"],
                ("uuid", false) => &["summary.hardware.uuid", "hardware.systemInfo.uuid"],
                ("ip", true) => &["guest.ipAddress"],
                ("ip", false) => &["summary.managementServerIp"],
                (_, true) => &["guest.hostName"],
                (_, false) => &["name"],
            };
            let wanted = text(&body, value);
            Ok(answer(&if member.starts_with("FindAll") {
                Value::Array(among.all(world, paths, &wanted))
            } else {
                among.first(world, paths, &wanted)
            }))
        }
    }
}

/// Where is searched: the machines or hosts of a vCenter, or of one datacenter.
struct Among(Vec<Object>);

impl Among {
    fn read(world: &World, vcenter: &str, body: &Value, machines: bool) -> Result<Self, Fault> {
        let datacenter = match &body["datacenter"] {
            Value::Null => None,
            given => Some(Object::referred(world, vcenter, given)?.mo_id),
        };
        let type_name = if machines { "VirtualMachine" } else { "HostSystem" };
        let objects = world
            .inventory
            .entities(vcenter)
            .filter(|(_, entity)| entity.type_name == type_name);
        let objects = objects.filter(|(id, _)| {
            datacenter
                .as_ref()
                .is_none_or(|wanted| is_below(world, vcenter, id, wanted))
        });
        Ok(Self(
            objects
                .filter_map(|(id, _)| Object::find(world, vcenter, id))
                .collect(),
        ))
    }

    fn all(&self, world: &World, paths: &[&str], wanted: &str) -> Vec<Value> {
        let has = |object: &&Object| {
            paths.iter().any(|path| {
                let found = property::read(world, object, path).ok().flatten();
                found.is_some_and(|found| {
                    found
                        .value()
                        .as_str()
                        .is_some_and(|own| own.eq_ignore_ascii_case(wanted))
                })
            })
        };
        self.0.iter().filter(has).map(Object::reference).collect()
    }

    fn first(&self, world: &World, paths: &[&str], wanted: &str) -> Value {
        self.all(world, paths, wanted)
            .into_iter()
            .next()
            .unwrap_or_default()
    }
}

fn is_below(world: &World, vcenter: &str, id: &str, above: &str) -> bool {
    let parent = |id: &str| world.inventory.entity(vcenter, id)?.ids("parent").pop();
    std::iter::successors(parent(id), |id| parent(id))
        .take(64)
        .any(|id| id == above)
}

/// The object at an inventory path: names from below the root folder, separated by slashes.
fn by_path(world: &World, vcenter: &str, path: &str) -> Option<Value> {
    let mut at = Object::find(world, vcenter, ROOT_FOLDER)?;
    for name in path.trim_matches('/').split('/').filter(|name| !name.is_empty()) {
        at = child(world, &at, name)?;
    }
    Some(at.reference())
}

/// The child of this name, of a folder, a datacenter, a cluster. What is escaped in one may be plain in the other.
fn child(world: &World, of: &Object, name: &str) -> Option<Object> {
    let plain = |name: &str| percent_decode_str(name).decode_utf8_lossy().into_owned();
    let wanted = plain(name);
    let mut children = world.inventory.entities(&of.vcenter).filter(|(_, entity)| {
        entity.ids("parent").contains(&of.mo_id)
            && entity.get("name").and_then(Value::as_str).map(plain).as_ref() == Some(&wanted)
    });
    children
        .next()
        .and_then(|(id, _)| Object::find(world, &of.vcenter, id))
}

fn query(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, Fault> {
    let body = request::body(incoming.request, &QUERY)?;
    let (vcenter, spec) = (incoming.endpoint, &body["querySpec"]);
    let resource = spec["resourceType"].as_str().unwrap_or_default();
    let properties = texts(spec, "properties");
    for path in &properties {
        property::check(resource, path, world.hosts.walks_into_subtypes()).map_err(|_| {
            Fault::invalid_argument(Some("querySpec.properties"), format!("There is no {path}."))
        })?;
    }
    let mut items = Vec::new();
    let ids: Vec<String> = world
        .inventory
        .entities(vcenter)
        .map(|(id, _)| id.to_owned())
        .collect();
    for object in ids.iter().filter_map(|id| Object::find(world, vcenter, id)) {
        if !types::is_a(object.type_name, resource) || !fits(world, &object, spec)? {
            continue;
        }
        let values = properties.iter().map(|path| {
            let found = property::read(world, &object, path).ok().flatten();
            let mut value = json!({"_typeName": "SearchIndexOptionalValue"});
            if let Some(found) = found {
                value["value"] = found.any();
            }
            value
        });
        let values: Vec<Value> = values.collect();
        items.push(json!({"_typeName": "SearchIndexResourceItem", "propertyValues": values}));
    }
    let total = (spec["returnTotalCount"] == json!(true)).then_some(items.len());
    Ok(page(
        world,
        vcenter,
        Rest { properties, items },
        &spec["limit"],
        total,
    ))
}

/// Whether an object fits one of the filters, that is all predicates of it.
fn fits(world: &World, object: &Object, spec: &Value) -> Result<bool, Fault> {
    let filters = list(spec, "filters");
    for filter in filters {
        let mut all = true;
        for predicate in list(filter, "predicates") {
            all = all && holds(world, object, predicate)?;
        }
        if all {
            return Ok(true);
        }
    }
    Ok(filters.is_empty())
}

fn holds(world: &World, object: &Object, predicate: &Value) -> Result<bool, Fault> {
    let path = predicate["propertyPath"].as_str().unwrap_or_default();
    let refused = |message: &str| Fault::invalid_argument(Some("querySpec.filters"), message);
    let found = property::read(world, object, path).map_err(|_| refused("A property path is not known."))?;
    let own = found.map_or(Value::Null, property::Found::bare);
    let bare = |value: &Value| value.get("_value").cloned().unwrap_or_else(|| value.clone());
    match predicate["operator"].as_str() {
        Some("Equal") => Ok(own == bare(&predicate["comparableValue"])),
        Some("NotEqual") => Ok(own != bare(&predicate["comparableValue"])),
        Some("In") => Ok(list(predicate, "comparableList")
            .iter()
            .any(|value| bare(value) == own)),
        _ => Err(refused(
            "The simulator knows the operators Equal, NotEqual and In.",
        )),
    }
}

fn page(world: &mut World, vcenter: &str, mut rest: Rest, limit: &Value, total: Option<usize>) -> Answer {
    let limit = limit
        .as_i64()
        .and_then(|limit| usize::try_from(limit).ok())
        .filter(|limit| *limit > 0);
    let size = limit.unwrap_or(PAGE).min(rest.items.len());
    let left = rest.items.split_off(size);
    let mut set = json!({
        "_typeName": "SearchIndexResultSet",
        "properties": rest.properties,
        "items": rest.items,
    });
    if let Some(total) = total {
        set["totalCount"] = json!(total);
    }
    if let Some(queries) = world.vi_json.queries_mut(vcenter).filter(|_| !left.is_empty()) {
        queries.made += 1;
        let marker = format!("marker-{}", queries.made);
        set["marker"] = json!(marker);
        let rest = Rest {
            properties: rest.properties,
            items: left,
        };
        queries.rests.insert(marker, rest);
    }
    answer(&set)
}
