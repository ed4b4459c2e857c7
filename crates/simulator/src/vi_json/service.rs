//! The requests of VI JSON: routing, the session, and who answers.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::fault::Fault;
use super::request::{self, NO_PARAMETERS, Path};
use super::value::{answer, date_time};
use super::{UNKNOWN, collector, refused_by_rule, session, task_call, types, unsimulated};
use crate::call_log::Purpose;
use crate::dpu;
use crate::endpoint::EndpointKind;
use crate::exchange::{Answer, Request};
use crate::host_network;
use crate::service::{Incoming, Route, Service};
use crate::world::World;

const ROOT: &str = "ServiceInstance";

/// Type, method, operation id.
static METHODS: &[(&str, &str, &str)] = &[
    (
        "ServiceInstance",
        "RetrieveServiceContent",
        "ServiceInstance_RetrieveServiceContent",
    ),
    ("ServiceInstance", "CurrentTime", "ServiceInstance_CurrentTime"),
    ("SessionManager", "Login", "SessionManager_Login"),
    ("SessionManager", "Logout", "SessionManager_Logout"),
    (
        "PropertyCollector",
        "RetrievePropertiesEx",
        "PropertyCollector_RetrievePropertiesEx",
    ),
    (
        "PropertyCollector",
        "ContinueRetrievePropertiesEx",
        "PropertyCollector_ContinueRetrievePropertiesEx",
    ),
    (
        "PropertyCollector",
        "CancelRetrievePropertiesEx",
        "PropertyCollector_CancelRetrievePropertiesEx",
    ),
    (
        "PropertyCollector",
        "RetrieveProperties",
        "PropertyCollector_RetrieveProperties",
    ),
    ("Task", "CancelTask", "Task_CancelTask"),
    ("Task", "UpdateProgress", "Task_UpdateProgress"),
    ("Task", "SetTaskDescription", "Task_SetTaskDescription"),
    ("Task", "SetTaskState", "Task_SetTaskState"),
    ("Task", "setCustomValue", "Task_setCustomValue"),
    ("HostNetworkSystem", "startDpuFailover", START_DPU_FAILOVER),
    (
        "HostNetworkSystem",
        "RefreshNetworkSystem",
        "HostNetworkSystem_RefreshNetworkSystem",
    ),
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

pub(crate) const START_DPU_FAILOVER: &str = "HostNetworkSystem_startDpuFailover";

/// The service.
#[derive(Debug)]
pub(crate) struct ViJsonService;

impl Service for ViJsonService {
    fn kind(&self) -> EndpointKind {
        EndpointKind::Vcenter
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
        let Some(path) = path_of(request) else {
            return Some(unknown);
        };
        let unsimulated = || {
            let open = path.named(request, unsimulated::OPEN);
            open.or_else(|| path.named(request, unsimulated::GUARDED))
        };
        let Some(operation) = unsimulated().or_else(|| operation_of(request, &path)) else {
            return Some(unknown);
        };
        let (purpose, object) = if operation == START_DPU_FAILOVER {
            (
                Purpose::Action,
                dpu::object_name(world, endpoint, &path.mo_id, request),
            )
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
        let Some(path) = path_of(incoming.request) else {
            return Answer::empty(404);
        };
        if !world.vi_json.knows(incoming.endpoint, &path.release) {
            return Answer::empty(404);
        }
        handle(world, incoming, &path).unwrap_or_else(Fault::into_answer)
    }

    fn refusal(&self, status: u16) -> Answer {
        refused_by_rule(status)
    }

    fn state(&self, world: &World) -> (&'static str, Value) {
        ("hosts", world.hosts.state())
    }
}

/// The operation of a path: a property is read with GET, a method called with POST.
fn operation_of(request: &Request, path: &Path) -> Option<&'static str> {
    if request::fits_method(request, true) {
        let of_type = PROPERTIES.get(path.type_name.as_str())?;
        return of_type.get(path.member.as_str()).map(String::as_str);
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

/// The path of a request to vim or PBM; the types of PBM are below `/pbm`, and no others.
fn path_of(request: &Request) -> Option<Path> {
    let of_pbm = |path: &Path| path.type_name.starts_with("Pbm");
    let vim = Path::vim(request).filter(|path| !of_pbm(path));
    vim.or_else(|| Path::pbm(request).filter(of_pbm))
}

fn handle(world: &mut World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    let of_object = |mo_id: &str| {
        let fits = path.mo_id == mo_id;
        if fits {
            Ok(())
        } else {
            Err(Fault::no_such_object(&path.type_name, &path.mo_id))
        }
    };
    match incoming.operation {
        "ServiceInstance_getContent" | "ServiceInstance_RetrieveServiceContent" => {
            of_object(ROOT)?;
            return Ok(answer(&world.vi_json.content(incoming.endpoint)));
        }
        "SessionManager_Login" => {
            of_object(session::MO_ID)?;
            return session::log_in(world, incoming);
        }
        "PropertyCollector_RetrievePropertiesEx" => {
            of_object(collector::MO_ID)?;
            return collector::retrieve(world, incoming);
        }
        "PropertyCollector_RetrieveProperties" => {
            of_object(collector::MO_ID)?;
            return collector::retrieve_all(world, incoming);
        }
        operation if unsimulated::OPEN.contains(&operation) => return Err(not_simulated(path)),
        _ => {}
    }
    let privilege = match path.type_name.as_str() {
        "HostNetworkSystem"
            if incoming.operation == START_DPU_FAILOVER || host_network::changes(incoming.operation) =>
        {
            "Host.Config.Network"
        }
        _ => "System.View",
    };
    session::require(world, incoming, &path.type_name, &path.mo_id, privilege)?;
    match incoming.operation {
        "SessionManager_Logout" => {
            of_object(session::MO_ID)?;
            session::log_out(world, incoming)
        }
        "ServiceInstance_CurrentTime" => {
            of_object(ROOT)?;
            request::body(incoming.request, &NO_PARAMETERS)?;
            let core = &world.core;
            Ok(answer(&json!(date_time(core, incoming.endpoint, core.now_ms()))))
        }
        "PropertyCollector_ContinueRetrievePropertiesEx" => {
            of_object(collector::MO_ID)?;
            collector::go_on(world, incoming)
        }
        "PropertyCollector_CancelRetrievePropertiesEx" => {
            of_object(collector::MO_ID)?;
            collector::give_up(world, incoming)
        }
        START_DPU_FAILOVER => dpu::start(world, incoming, path),
        "HostNetworkSystem_RefreshNetworkSystem" => {
            request::body(incoming.request, &NO_PARAMETERS)?;
            dpu::refresh(world, incoming.endpoint, &path.mo_id)
        }
        operation if unsimulated::GUARDED.contains(&operation) => Err(not_simulated(path)),
        _ if request::fits_method(incoming.request, true) => collector::get(
            world,
            incoming.endpoint,
            &path.type_name,
            &path.mo_id,
            &path.member,
        ),
        _ if path.type_name == "HostNetworkSystem" => {
            host_network::handle(world, incoming, &path.member, &path.mo_id)
        }
        _ if path.type_name == "Task" => task_call::handle(world, incoming, path),
        _ => Err(not_simulated(path)),
    }
}

fn not_simulated(path: &Path) -> Fault {
    Fault::not_simulated(&format!("{}/{}", path.type_name, path.member))
}
