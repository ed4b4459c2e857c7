//! The requests of VI JSON: routing, the session, and who answers.

use serde_json::Value;

use super::fault::Fault;
use super::request::{self, NO_PARAMETERS, Path};
use super::value::answer;
use super::{UNKNOWN, collector, refused_by_rule, session, unsimulated};
use crate::call_log::Purpose;
use crate::dpu;
use crate::endpoint::EndpointKind;
use crate::exchange::{Answer, Request};
use crate::service::{Incoming, Route, Service};
use crate::world::World;

const ROOT: &str = "ServiceInstance";

/// Type, member, operation id, whether it is a property.
static OPERATIONS: &[(&str, &str, &str, bool)] = &[
    ("ServiceInstance", "content", "ServiceInstance_getContent", true),
    (
        "ServiceInstance",
        "RetrieveServiceContent",
        "ServiceInstance_RetrieveServiceContent",
        false,
    ),
    ("SessionManager", "Login", "SessionManager_Login", false),
    ("SessionManager", "Logout", "SessionManager_Logout", false),
    (
        "PropertyCollector",
        "RetrievePropertiesEx",
        "PropertyCollector_RetrievePropertiesEx",
        false,
    ),
    (
        "PropertyCollector",
        "ContinueRetrievePropertiesEx",
        "PropertyCollector_ContinueRetrievePropertiesEx",
        false,
    ),
    ("HostNetworkSystem", "startDpuFailover", START_DPU_FAILOVER, false),
    (
        "HostNetworkSystem",
        "RefreshNetworkSystem",
        "HostNetworkSystem_RefreshNetworkSystem",
        false,
    ),
    (
        "HostNetworkSystem",
        "networkInfo",
        "HostNetworkSystem_getNetworkInfo",
        true,
    ),
    ("HostSystem", "name", "HostSystem_getName", true),
    ("HostSystem", "runtime", "HostSystem_getRuntime", true),
    ("HostSystem", "config", "HostSystem_getConfig", true),
    ("HostSystem", "configManager", "HostSystem_getConfigManager", true),
    (
        "DistributedVirtualSwitch",
        "name",
        "DistributedVirtualSwitch_getName",
        true,
    ),
    (
        "DistributedVirtualSwitch",
        "uuid",
        "DistributedVirtualSwitch_getUuid",
        true,
    ),
    (
        "DistributedVirtualSwitch",
        "config",
        "DistributedVirtualSwitch_getConfig",
        true,
    ),
    (
        "DistributedVirtualSwitch",
        "capability",
        "DistributedVirtualSwitch_getCapability",
        true,
    ),
    (
        "DistributedVirtualSwitch",
        "runtime",
        "DistributedVirtualSwitch_getRuntime",
        true,
    ),
    (
        "VmwareDistributedVirtualSwitch",
        "name",
        "VmwareDistributedVirtualSwitch_getName",
        true,
    ),
    (
        "VmwareDistributedVirtualSwitch",
        "uuid",
        "VmwareDistributedVirtualSwitch_getUuid",
        true,
    ),
    (
        "VmwareDistributedVirtualSwitch",
        "config",
        "VmwareDistributedVirtualSwitch_getConfig",
        true,
    ),
    (
        "VmwareDistributedVirtualSwitch",
        "capability",
        "VmwareDistributedVirtualSwitch_getCapability",
        true,
    ),
    (
        "VmwareDistributedVirtualSwitch",
        "runtime",
        "VmwareDistributedVirtualSwitch_getRuntime",
        true,
    ),
    ("Task", "info", "Task_getInfo", true),
];

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
        let found = OPERATIONS.iter().find(|(type_name, member, _, property)| {
            *type_name == path.type_name && *member == path.member && request::fits_method(request, *property)
        });
        let found = found.map(|(_, _, operation, _)| *operation);
        let unsimulated = || {
            let open = path.named(request, unsimulated::OPEN);
            open.or_else(|| path.named(request, unsimulated::GUARDED))
        };
        let Some(operation) = found.or_else(unsimulated) else {
            return Some(unknown);
        };
        let (purpose, object) = if operation == START_DPU_FAILOVER {
            (
                Purpose::Action,
                dpu::object_name(world, endpoint, &path.mo_id, request),
            )
        } else {
            (Purpose::Read, format!("{}/{}", path.type_name, path.mo_id))
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
        operation if unsimulated::OPEN.contains(&operation) => return Err(not_simulated(path)),
        _ => {}
    }
    let privilege = match path.type_name.as_str() {
        "HostNetworkSystem" if incoming.operation == START_DPU_FAILOVER => "Host.Config.Network",
        _ => "System.View",
    };
    session::require(world, incoming, &path.type_name, &path.mo_id, privilege)?;
    match incoming.operation {
        "SessionManager_Logout" => {
            of_object(session::MO_ID)?;
            session::log_out(world, incoming)
        }
        "PropertyCollector_ContinueRetrievePropertiesEx" => {
            of_object(collector::MO_ID)?;
            collector::go_on(world, incoming)
        }
        START_DPU_FAILOVER => dpu::start(world, incoming, path),
        "HostNetworkSystem_RefreshNetworkSystem" => {
            request::body(incoming.request, &NO_PARAMETERS)?;
            dpu::refresh(world, incoming.endpoint, &path.mo_id)
        }
        // No operation of the simulator starts a vim task.
        "Task_getInfo" => Err(Fault::no_such_object(&path.type_name, &path.mo_id)),
        operation if is_property(operation) => collector::get(
            world,
            incoming.endpoint,
            &path.type_name,
            &path.mo_id,
            &path.member,
        ),
        _ => Err(not_simulated(path)),
    }
}

fn is_property(operation: &str) -> bool {
    OPERATIONS
        .iter()
        .any(|(_, _, id, property)| *id == operation && *property)
}

fn not_simulated(path: &Path) -> Fault {
    Fault::not_simulated(&format!("{}/{}", path.type_name, path.member))
}
