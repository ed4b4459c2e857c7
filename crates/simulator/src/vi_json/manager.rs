//! The objects that there is one of at each vCenter, the calls of the service instance, and the session's own objects.

use serde_json::{Value, json};

use super::fault::Fault;
use super::object::Object;
use super::request::{self, NO_PARAMETERS, Path, REFERENCE, ROOT_TYPE};
use super::session;
use super::task_call::recent;
use super::value::{answer, reference};
use super::view::{list, null_if_empty, texts};
use super::{collector, task_manager, view};
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::shape::{Shape, optional, required};
use crate::vm;
use crate::world::World;

/// Id and type.
static SINGLE: [(&str, &str); 7] = [
    ("ServiceInstance", "ServiceInstance"),
    (session::MO_ID, "SessionManager"),
    (collector::MO_ID, "PropertyCollector"),
    ("AuthorizationManager", "AuthorizationManager"),
    ("ViewManager", "ViewManager"),
    ("TaskManager", "TaskManager"),
    ("SearchIndex", "SearchIndex"),
];

static MIGRATION: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("vm", Shape::List(&REFERENCE)),
    optional("state", Shape::OneOf(&["poweredOn", "poweredOff", "suspended"])),
    optional("testType", Shape::List(&Shape::Text)),
    optional("pool", REFERENCE),
    optional("host", REFERENCE),
]);
static VMOTION: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("vm", REFERENCE),
    required("host", Shape::List(&REFERENCE)),
    optional("compatibility", Shape::List(&Shape::Text)),
]);

/// The type of an object that is none of the inventory.
pub(super) fn type_of(world: &World, vcenter: &str, mo_id: &str) -> Option<&'static str> {
    if let Some((_, type_name)) = SINGLE.iter().find(|(id, _)| *id == mo_id) {
        return Some(type_name);
    }
    if !mo_id.starts_with("session[") {
        return None;
    }
    if let Some(view) = view::find(world, vcenter, mo_id) {
        return Some(view.type_name());
    }
    let mut live = world.vi_json.live(&world.core, vcenter).map(|(_, own)| own);
    live.find_map(|own| {
        if own.histories.contains_key(mo_id) {
            return Some("TaskHistoryCollector");
        }
        if own.collectors.contains_key(mo_id) {
            return Some("PropertyCollector");
        }
        let mut collectors = own.collectors.values();
        collectors
            .any(|collector| collector.filters.contains_key(mo_id))
            .then_some("PropertyFilter")
    })
}

/// A property of such an object, as everybody sees it.
pub(super) fn property(world: &World, object: &Object, name: &str) -> Option<Value> {
    let (vcenter, mo_id) = (object.vcenter.as_str(), object.mo_id.as_str());
    if let Some(view) = view::find(world, vcenter, mo_id) {
        return view.property(world, vcenter, name);
    }
    match (object.type_name, name) {
        ("ServiceInstance", "content") => Some(world.vi_json.content(vcenter)),
        ("ServiceInstance", "serverClock") => Some(session::time(world, vcenter)),
        ("ServiceInstance", "capability") => Some(json!({
            "_typeName": "Capability",
            "provisioningSupported": true,
            "multiHostSupported": true,
            "userShellAccessSupported": false,
        })),
        ("AuthorizationManager", "roleList") => Some(crate::inventory::roles()),
        ("SessionManager", _) => {
            session::property(world, vcenter, None, name).filter(|_| name != "currentSession")
        }
        ("TaskManager", "recentTask") => Some(recent(world, vcenter, None)),
        ("TaskManager", "description") => Some(task_manager::description()),
        ("TaskManager", "maxCollector") => Some(json!(task_manager::MOST_COLLECTORS)),
        ("PropertyFilter", _) => {
            let mut live = world.vi_json.live(&world.core, vcenter);
            let filter = live.find_map(|(_, own)| {
                let mut collectors = own.collectors.values();
                collectors.find_map(|collector| collector.filters.get(mo_id))
            })?;
            match name {
                "spec" => Some(filter.raw().clone()),
                "partialUpdates" => Some(json!(filter.is_partial())),
                _ => None,
            }
        }
        ("TaskHistoryCollector", "filter") => {
            let mut live = world.vi_json.live(&world.core, vcenter);
            live.find_map(|(_, own)| own.histories.get(mo_id).cloned())
        }
        _ => None,
    }
}

/// A property of the caller's own session, which is another one for each caller.
pub(super) fn own_property(world: &World, incoming: &Incoming<'_>, path: &Path) -> Option<Value> {
    let token = incoming.request.header_text(session::TOKEN_HEADER);
    if (path.type_name.as_str(), path.member.as_str()) == ("SessionManager", "currentSession") {
        return session::property(world, incoming.endpoint, token, "currentSession");
    }
    let own = world.vi_json.own(incoming.endpoint, token?)?;
    match (path.type_name.as_str(), path.member.as_str()) {
        ("ViewManager", "viewList") => {
            let views = own.views.iter().map(|(id, view)| reference(view.type_name(), id));
            Some(null_if_empty(views.collect()))
        }
        ("PropertyCollector", "filter") => {
            let collector = own.collectors.get(&path.mo_id)?;
            Some(null_if_empty(
                collector
                    .filters
                    .keys()
                    .map(|id| reference("PropertyFilter", id))
                    .collect(),
            ))
        }
        _ => None,
    }
}

/// A call of the service instance that needs a session.
pub(super) fn service(world: &mut World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    let vcenter = incoming.endpoint;
    match path.member.as_str() {
        "CurrentTime" => {
            request::body(incoming.request, &NO_PARAMETERS)?;
            Ok(answer(&session::time(world, vcenter)))
        }
        "QueryVMotionCompatibility" => {
            let body = request::body(incoming.request, &VMOTION)?;
            referred(world, vcenter, "VirtualMachine", &body["vm"])?;
            let asked = texts(&body, "compatibility");
            let asked = if asked.is_empty() {
                vec!["cpu".to_owned(), "software".to_owned()]
            } else {
                asked
            };
            let mut found = Vec::new();
            for host in list(&body, "host") {
                let host = referred(world, vcenter, "HostSystem", host)?;
                found.push(json!({
                    "_typeName": "HostVMotionCompatibility",
                    "host": host.reference(),
                    "compatibility": asked,
                }));
            }
            Ok(answer(&null_if_empty(found)))
        }
        _ => {
            let body = request::body(incoming.request, &MIGRATION)?;
            for (name, type_name) in [("pool", "ResourcePool"), ("host", "HostSystem")] {
                if let Some(given) = body.get(name).filter(|given| !given.is_null()) {
                    referred(world, vcenter, type_name, given)?;
                }
            }
            for given in list(&body, "vm") {
                let vm = referred(world, vcenter, "VirtualMachine", given)?;
                let machine = world.vms.machine(&vm.mo_id);
                if let (Some(machine), Some(wanted)) = (machine, body["state"].as_str()) {
                    vm::check_power(machine, wanted)?;
                }
            }
            // Nothing ever speaks against a move here.
            Ok(answer(&Value::Null))
        }
    }
}

/// The object that a reference names, which has to be of that type.
fn referred(world: &World, vcenter: &str, type_name: &str, given: &Value) -> Result<Object, Fault> {
    let object = Object::referred(world, vcenter, given)?;
    Object::named(world, vcenter, type_name, &object.mo_id)
}

/// `ServiceInstance.RetrieveProductComponents`.
pub(super) fn components(incoming: &Incoming<'_>) -> Result<Answer, Fault> {
    request::body(incoming.request, &NO_PARAMETERS)?;
    Ok(answer(&json!([{
        "_typeName": "ProductComponentInfo",
        "id": "sim",
        "name": "Simulated client",
        "version": "8.0.3",
        "release": 1,
    }])))
}
