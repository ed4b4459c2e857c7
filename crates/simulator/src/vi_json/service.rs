//! The requests of VI JSON: routing, the session, and who answers.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::fault::Fault;
use super::request::{self, NO_PARAMETERS, Path};
use super::value::answer;
use super::{UNKNOWN, call, collector, manager, refused_by_rule, session, types};
use crate::call_log::Purpose;
use crate::exchange::{Answer, Request};
use crate::host_network;
use crate::service::{Incoming, Route, Service, ServiceName};
use crate::vcha;
use crate::world::World;
use crate::{dpu, vm};

/// Type, method, operation id, of the calls on hosts.
static METHODS: &[(&str, &str, &str)] = &[
    ("HostNetworkSystem", "startDpuFailover", START_DPU_FAILOVER),
    (
        "HostNetworkSystem",
        "RefreshNetworkSystem",
        "HostNetworkSystem_RefreshNetworkSystem",
    ),
];

/// The operations that are routed.
pub(crate) fn routed() -> impl Iterator<Item = &'static str> {
    let of_host = host_network::OPERATIONS.iter().map(|(_, id, _)| *id);
    METHODS
        .iter()
        .map(|(.., id)| *id)
        .chain(of_host)
        .chain(call::routed())
}

/// Properties that can be read without a session.
static OPEN_PROPERTIES: &[&str] = &[
    "ServiceInstance_getContent",
    "SessionManager_getCurrentSession",
    "SessionManager_getDefaultLocale",
    "SessionManager_getMessageLocaleList",
    "SessionManager_getSupportedLocaleList",
];

/// The operation ids of all properties that there are, by type and property.
static PROPERTIES: LazyLock<BTreeMap<&'static str, BTreeMap<&'static str, String>>> = LazyLock::new(|| {
    let of_type = |type_name: &'static str| {
        let readers = types::members(type_name).map(|member| {
            let (first, rest) = member.name.split_at(1);
            (
                member.name,
                format!("{type_name}_get{}{rest}", first.to_ascii_uppercase()),
            )
        });
        (type_name, readers.collect())
    };
    types::managed().map(of_type).collect()
});

/// The operation ids of all properties that there are.
pub(crate) fn properties() -> impl Iterator<Item = &'static str> {
    let of_types = PROPERTIES.values().flat_map(BTreeMap::values);
    of_types.map(String::as_str)
}

pub(crate) const START_DPU_FAILOVER: &str = "HostNetworkSystem_startDpuFailover";

/// The service.
#[derive(Debug)]
pub(crate) struct ViJsonService;

impl Service for ViJsonService {
    fn name(&self) -> ServiceName {
        ServiceName::Vim
    }

    fn route(&self, world: &World, endpoint: &str, request: &Request) -> Option<Route> {
        if !request.path.starts_with("/sdk/") {
            return None;
        }
        let unknown = Route {
            operation: UNKNOWN,
            purpose: Purpose::Read,
            objects: vec![request.path.clone()],
            params: Vec::new(),
        };
        let Some(path) = Path::vim(request) else {
            return Some(unknown);
        };
        if let Some((operation, _)) = vm::operation(&path, request) {
            return Some(Route {
                operation,
                purpose: Purpose::Action,
                objects: vm::objects(operation, &path, request),
                params: vec![path.mo_id],
            });
        }
        let of_cluster = || vcha::vi_json::operation(request, &path);
        let known = || of_cluster().or_else(|| operation_of(request, &path));
        let Some(operation) = known() else {
            return Some(unknown);
        };
        let (purpose, object) = if operation == START_DPU_FAILOVER {
            (
                Purpose::Action,
                dpu::object_name(world, endpoint, &path.mo_id, request),
            )
        } else if vcha::vi_json::starts_work(operation) {
            (Purpose::Action, format!("vcha/{endpoint}"))
        } else {
            let changes = host_network::changes(operation);
            let purpose = if changes { Purpose::Action } else { Purpose::Read };
            (purpose, format!("{}/{}", path.type_name, path.mo_id))
        };
        Some(Route {
            operation,
            purpose,
            objects: vec![object],
            params: vec![path.mo_id],
        })
    }

    fn handle(&self, world: &mut World, incoming: &Incoming<'_>) -> Answer {
        answered(world, incoming, Path::vim(incoming.request), handle)
    }

    fn formed(&self, world: &World, answer: Answer) -> Answer {
        world.vi_json.formed(answer)
    }

    fn refusal(&self, status: u16) -> Answer {
        refused_by_rule(status)
    }

    fn state(&self, world: &World) -> (&'static str, Value) {
        ("hosts", world.hosts.state())
    }
}

/// The answer to a call below one of the prefixes of VI JSON: what its service makes of it, if its path is one and its vCenter
/// knows the release.
pub(crate) fn answered(
    world: &mut World,
    incoming: &Incoming<'_>,
    path: Option<Path>,
    handle: fn(&mut World, &Incoming<'_>, &Path) -> Result<Answer, Fault>,
) -> Answer {
    let Some(path) = path else {
        return Answer::empty(404);
    };
    if !world.vi_json.knows(incoming.endpoint, &path.release) {
        return world.vi_json.no_release(&path);
    }
    handle(world, incoming, &path)
        .unwrap_or_else(|fault| fault.into_answer_of(world.vi_json.unknown_method()))
}

/// The operation of a path: a property is read with GET, a method called with POST.
fn operation_of(request: &Request, path: &Path) -> Option<&'static str> {
    if request::fits_method(request, true) {
        let of_type = PROPERTIES.get(path.type_name.as_str())?;
        return of_type.get(path.member.as_str()).map(String::as_str);
    }
    if let Some(call) = call::of(request, path) {
        return Some(call.id);
    }
    let of_host = host_network::OPERATIONS
        .iter()
        .map(|(method, id, _)| ("HostNetworkSystem", *method, *id));
    let mut methods = METHODS.iter().copied().chain(of_host);
    methods
        .find(|(type_name, member, _)| *type_name == path.type_name && *member == path.member)
        .filter(|_| request::fits_method(request, false))
        .map(|(_, _, id)| id)
}

fn handle(world: &mut World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    if OPEN_PROPERTIES.contains(&incoming.operation) {
        return read(world, incoming, path);
    }
    let call = call::of(incoming.request, path);
    if let Some(call) = call.filter(|call| call.open) {
        return call.handle(world, incoming, path);
    }
    let action = vm::operation(path, incoming.request);
    let of_network = path.type_name == "HostNetworkSystem"
        && (incoming.operation == START_DPU_FAILOVER || host_network::changes(incoming.operation));
    let privilege = match action {
        Some((_, privilege)) => privilege,
        None if of_network => "Host.Config.Network",
        None if vcha::vi_json::starts_work(incoming.operation) => "Global.VCServer",
        None => call.map_or("System.View", |call| call.privilege),
    };
    session::require(world, incoming, &path.type_name, &path.mo_id, privilege)?;
    if let Some(answer) = vcha::vi_json::handle(world, incoming, path) {
        return answer;
    }
    if let Some(call) = call {
        return call.handle(world, incoming, path);
    }
    if action.is_some() {
        return vm::handle(world, incoming, path);
    }
    match incoming.operation {
        START_DPU_FAILOVER => dpu::start(world, incoming, path),
        "HostNetworkSystem_RefreshNetworkSystem" => {
            request::body(incoming.request, &NO_PARAMETERS)?;
            dpu::refresh(world, incoming.endpoint, &path.mo_id)
        }
        _ if request::fits_method(incoming.request, true) => read(world, incoming, path),
        _ if path.type_name == "HostNetworkSystem" => {
            host_network::handle(world, incoming, &path.member, &path.mo_id)
        }
        _ => Err(not_simulated(path)),
    }
}

/// A property, that of the caller's own session first.
fn read(world: &mut World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    let own = manager::own_property(world, incoming, path);
    own.map(|value| answer(&value)).map_or_else(
        || {
            collector::get(
                world,
                incoming.endpoint,
                &path.type_name,
                &path.mo_id,
                &path.member,
            )
        },
        Ok,
    )
}

fn not_simulated(path: &Path) -> Fault {
    Fault::not_simulated(&format!("{}/{}", path.type_name, path.member))
}
