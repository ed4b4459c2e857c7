//! Views: lists of objects that a session keeps, given or found below a container.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::fault::Fault;
use super::object::Object;
use super::own::Own;
use super::request::{self, NO_PARAMETERS, Path, REFERENCE, ROOT_TYPE};
use super::session;
use super::types;
use super::value::{answer, reference};
use crate::exchange::Answer;
use crate::inventory::id_of;
use crate::service::Incoming;
use crate::shape::{Shape, optional, required};
use crate::world::World;

/// A view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum View {
    /// The objects of some types below a container.
    Container {
        container: Value,
        types: Vec<String>,
        recursive: bool,
    },
    /// These objects.
    List(Vec<Value>),
    /// The top of the inventory.
    Inventory,
}

static CREATE_CONTAINER: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("container", REFERENCE),
    optional("type", Shape::List(&Shape::Text)),
    required("recursive", Shape::Flag),
]);
static OBJECTS: Shape = Shape::Object(&[ROOT_TYPE, optional("obj", Shape::List(&REFERENCE))]);
static MODIFY: Shape = Shape::Object(&[
    ROOT_TYPE,
    optional("add", Shape::List(&REFERENCE)),
    optional("remove", Shape::List(&REFERENCE)),
]);
static FROM_VIEW: Shape = Shape::Object(&[ROOT_TYPE, required("view", REFERENCE)]);

impl View {
    /// The type of the object.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Container { .. } => "ContainerView",
            Self::List(_) => "ListView",
            Self::Inventory => "InventoryView",
        }
    }

    /// The objects in it.
    pub(crate) fn members(&self, world: &World, vcenter: &str) -> Vec<Value> {
        match self {
            Self::Container {
                container,
                types,
                recursive,
            } => {
                let mut below = Below {
                    world,
                    types,
                    recursive: *recursive,
                    found: Vec::new(),
                    seen: BTreeSet::new(),
                };
                if let Ok(container) = Object::referred(world, vcenter, container) {
                    below.descend(&container, true);
                }
                below.found
            }
            Self::List(objects) => {
                let there = objects
                    .iter()
                    .filter(|object| Object::referred(world, vcenter, object).is_ok());
                there.cloned().collect()
            }
            Self::Inventory => vec![reference("Folder", crate::inventory::ROOT_FOLDER)],
        }
    }

    /// A property of the object.
    pub(crate) fn property(&self, world: &World, vcenter: &str, name: &str) -> Option<Value> {
        match (self, name) {
            (_, "view") => Some(null_if_empty(self.members(world, vcenter))),
            (Self::Container { container, .. }, "container") => Some(container.clone()),
            (Self::Container { types, .. }, "type") => {
                Some(null_if_empty(types.iter().map(|name| json!(name)).collect()))
            }
            (Self::Container { recursive, .. }, "recursive") => Some(json!(recursive)),
            _ => None,
        }
    }
}

pub(crate) fn null_if_empty(items: Vec<Value>) -> Value {
    if items.is_empty() {
        Value::Null
    } else {
        Value::Array(items)
    }
}

struct Below<'a> {
    world: &'a World,
    types: &'a [String],
    recursive: bool,
    found: Vec<Value>,
    seen: BTreeSet<String>,
}

impl Below<'_> {
    fn descend(&mut self, from: &Object, first: bool) {
        for list in contents(from.type_name, first) {
            let members = from.property(self.world, list).unwrap_or_default();
            let members = match members {
                Value::Array(members) => members,
                Value::Null => continue,
                one => vec![one],
            };
            for member in members {
                let Ok(object) = Object::referred(self.world, &from.vcenter, &member) else {
                    continue;
                };
                if !self.world.hosts.shows(&object.mo_id) || !self.seen.insert(object.mo_id.clone()) {
                    continue;
                }
                let wanted = self.types.is_empty()
                    || self
                        .types
                        .iter()
                        .any(|wanted| types::is_a(object.type_name, wanted));
                if wanted {
                    self.found.push(object.reference());
                }
                if self.recursive {
                    self.descend(&object, false);
                }
            }
        }
    }
}

/// The lists by which an object contains others. Machines are reached by their folders, unless a pool or a host is asked
/// for them itself.
fn contents(type_name: &str, first: bool) -> &'static [&'static str] {
    match type_name {
        "Folder" => &["childEntity"],
        "Datacenter" => &["vmFolder", "hostFolder", "datastoreFolder", "networkFolder"],
        "ComputeResource" | "ClusterComputeResource" => &["host", "resourcePool"],
        "ResourcePool" | "VirtualApp" if first => &["resourcePool", "vm"],
        "ResourcePool" | "VirtualApp" => &["resourcePool"],
        "HostSystem" if first => &["datastore", "network", "vm"],
        _ => &[],
    }
}

/// The view of this id, whosever it is.
pub(crate) fn find<'a>(world: &'a World, vcenter: &str, mo_id: &str) -> Option<&'a View> {
    if !mo_id.starts_with("session[") {
        return None;
    }
    let (token, _) = world
        .vi_json
        .live(&world.core, vcenter)
        .find(|(_, own)| own.views.contains_key(mo_id))?;
    world.vi_json.own(vcenter, token)?.views.get(mo_id)
}

/// A method of the view manager.
pub(super) fn create(world: &mut World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    let vcenter = incoming.endpoint;
    let view = match path.member.as_str() {
        "CreateContainerView" => {
            let body = request::body(incoming.request, &CREATE_CONTAINER)?;
            let container = Object::referred(world, vcenter, &body["container"])?;
            if contents(container.type_name, true).is_empty() {
                return Err(Fault::invalid_argument(
                    Some("container"),
                    "The object contains no others.",
                ));
            }
            let types = texts(&body, "type");
            if let Some(strange) = types.iter().find(|name| {
                !types::managed().any(|known| known == name.as_str()) && *name != "ManagedObject"
            }) {
                return Err(Fault::invalid_argument(
                    Some("type"),
                    format!("There is no type {strange}."),
                ));
            }
            View::Container {
                container: container.reference(),
                types,
                recursive: body["recursive"] == json!(true),
            }
        }
        "CreateListView" => {
            let body = request::body(incoming.request, &OBJECTS)?;
            let (known, strange) = sorted(world, vcenter, list(&body, "obj"));
            if let Some(gone) = strange.first() {
                return Err(Fault::no_such_object(
                    "ManagedObject",
                    &id_of(gone).unwrap_or_default(),
                ));
            }
            View::List(known)
        }
        "CreateListViewFromView" => View::List(of_view(world, incoming)?),
        _ => {
            request::body(incoming.request, &NO_PARAMETERS)?;
            View::Inventory
        }
    };
    let type_name = view.type_name();
    let id = session::own(world, incoming, |own: &mut Own| {
        let id = own.new_id();
        own.views.insert(id.clone(), view);
        id
    })?;
    Ok(answer(&reference(type_name, &id)))
}

/// A method of a view, which has to be the session's own.
pub(super) fn handle(world: &mut World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    let (vcenter, mo_id) = (incoming.endpoint, path.mo_id.as_str());
    let no_such = || Fault::no_such_object(&path.type_name, mo_id);
    let view = session::own(world, incoming, |own: &mut Own| own.views.get(mo_id).cloned())?;
    let view = view
        .filter(|view| view.type_name() == path.type_name)
        .ok_or_else(no_such)?;
    let View::List(mut members) = view else {
        request::body(incoming.request, &NO_PARAMETERS)?;
        return destroy(world, incoming, mo_id);
    };
    let mut unresolved = Vec::new();
    match path.member.as_str() {
        "DestroyView" => {
            request::body(incoming.request, &NO_PARAMETERS)?;
            return destroy(world, incoming, mo_id);
        }
        "ModifyListView" => {
            let body = request::body(incoming.request, &MODIFY)?;
            let gone: BTreeSet<_> = list(&body, "remove").iter().filter_map(id_of).collect();
            members.retain(|member| id_of(member).is_none_or(|id| !gone.contains(&id)));
            let (added, strange) = sorted(world, vcenter, list(&body, "add"));
            let there: BTreeSet<_> = members.iter().filter_map(id_of).collect();
            members.extend(
                added
                    .into_iter()
                    .filter(|one| id_of(one).is_none_or(|id| !there.contains(&id))),
            );
            unresolved = strange;
        }
        "ResetListView" => {
            let body = request::body(incoming.request, &OBJECTS)?;
            (members, unresolved) = sorted(world, vcenter, list(&body, "obj"));
        }
        _ => members = of_view(world, incoming)?,
    }
    session::own(world, incoming, |own: &mut Own| {
        own.views.insert(mo_id.to_owned(), View::List(members))
    })?;
    world.inventory.rearrange(vcenter, mo_id);
    if path.member == "ResetListViewFromView" {
        return Ok(Answer::empty(204));
    }
    Ok(answer(&null_if_empty(unresolved)))
}

fn destroy(world: &mut World, incoming: &Incoming<'_>, mo_id: &str) -> Result<Answer, Fault> {
    session::own(world, incoming, |own: &mut Own| own.views.remove(mo_id))?;
    world.inventory.rearrange(incoming.endpoint, mo_id);
    Ok(Answer::empty(204))
}

/// The objects of the view that a request names, which has to be the session's own.
fn of_view(world: &mut World, incoming: &Incoming<'_>) -> Result<Vec<Value>, Fault> {
    let body = request::body(incoming.request, &FROM_VIEW)?;
    let id = id_of(&body["view"]).unwrap_or_default();
    let view = session::own(world, incoming, |own: &mut Own| own.views.get(&id).cloned())?;
    let view = view.ok_or_else(|| Fault::no_such_object("View", &id))?;
    Ok(view.members(world, incoming.endpoint))
}

/// References to objects that are there, each once, and to others.
fn sorted(world: &World, vcenter: &str, given: &[Value]) -> (Vec<Value>, Vec<Value>) {
    let mut known = Vec::new();
    let mut strange = Vec::new();
    let mut seen = BTreeSet::new();
    for object in given {
        match Object::referred(world, vcenter, object) {
            Ok(found) if seen.insert(found.mo_id.clone()) => known.push(found.reference()),
            Ok(_) => {}
            Err(_) => strange.push(object.clone()),
        }
    }
    (known, strange)
}

pub(super) fn list<'a>(body: &'a Value, name: &str) -> &'a [Value] {
    body.get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

pub(super) fn texts(body: &Value, name: &str) -> Vec<String> {
    list(body, name)
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}
