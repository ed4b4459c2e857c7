//! The requests of the REST services: routing, the session, and who answers.

use serde_json::Value;

use super::error::RestError;
use super::spec::VchaSpec;
use super::{operation, session};
use crate::call_log::Purpose;
use crate::exchange::{Answer, Request};
use crate::service::{Incoming, Route, Service, ServiceName};
use crate::vi_json::UNKNOWN;
use crate::world::World;

pub(super) const FAILOVER: &str = "Vcenter.Vcha.Cluster_failover$Task";

const CLUSTER: &str = "/api/vcenter/vcha/cluster";
const ACTIVE: &str = "/api/vcenter/vcha/cluster/active";
const PASSIVE: &str = "/api/vcenter/vcha/cluster/passive";
const WITNESS: &str = "/api/vcenter/vcha/cluster/witness";
const MODE: &str = "/api/vcenter/vcha/cluster/mode";
const DEPLOYMENT: &str = "/api/vcenter/vcha/cluster/deployment-type";
const TASK: &str = "/api/cis/tasks/{task}";

/// Method, path, fixed query, operation id.
#[rustfmt::skip]
static OPERATIONS: &[(&str, &str, &str, &str)] = &[
    ("POST", "/api/session", "", "Cis.Session_create"),
    ("GET", "/api/session", "", "Cis.Session_get"),
    ("DELETE", "/api/session", "", "Cis.Session_delete"),
    ("POST", "/api/vcenter/system", "action=hello", "Vcenter.System_hello"),
    ("GET", TASK, "", "Cis.Tasks_get"),
    ("POST", TASK, "action=cancel", "Cis.Tasks_cancel"),
    ("POST", "/api/cis/tasks", "action=list", "Cis.Tasks_list"),
    ("POST", CLUSTER, "action=get", "Vcenter.Vcha.Cluster_get"),
    ("POST", CLUSTER, "action=failover&vmw-task=true", FAILOVER),
    ("POST", CLUSTER, "action=deploy&vmw-task=true", "Vcenter.Vcha.Cluster_deploy$Task"),
    ("POST", CLUSTER, "action=undeploy&vmw-task=true", "Vcenter.Vcha.Cluster_undeploy$Task"),
    ("POST", ACTIVE, "action=get", "Vcenter.Vcha.Cluster.Active_get"),
    ("POST", PASSIVE, "action=check", "Vcenter.Vcha.Cluster.Passive_check"),
    ("POST", PASSIVE, "action=redeploy&vmw-task=true", "Vcenter.Vcha.Cluster.Passive_redeploy$Task"),
    ("POST", WITNESS, "action=check", "Vcenter.Vcha.Cluster.Witness_check"),
    ("POST", WITNESS, "action=redeploy&vmw-task=true", "Vcenter.Vcha.Cluster.Witness_redeploy$Task"),
    ("GET", MODE, "", "Vcenter.Vcha.Cluster.Mode_get"),
    ("PUT", MODE, "vmw-task=true", "Vcenter.Vcha.Cluster.Mode_set$Task"),
    ("GET", DEPLOYMENT, "", "Vcenter.Vcha.Cluster.DeploymentType_get"),
    ("GET", "/api/vcenter/vcha/operations", "", "Vcenter.Vcha.Operations_get"),
];

/// The operations that are routed.
pub(crate) fn routed() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|(.., operation)| *operation)
}

/// The service; the last of its endpoints, so it answers every path.
#[derive(Debug)]
pub(crate) struct RestService;

impl Service for RestService {
    fn name(&self) -> ServiceName {
        ServiceName::Vcha
    }

    fn route(&self, _world: &World, endpoint: &str, request: &Request) -> Option<Route> {
        let found = OPERATIONS.iter().find_map(|(method, path, query, operation)| {
            let params = request.fit(path)?;
            let fits = *method == request.method.as_str() && has_query(request, query);
            fits.then_some((*operation, params))
        });
        let Some((operation, params)) = found else {
            let objects = vec![request.path.clone()];
            return Some(Route {
                operation: UNKNOWN,
                purpose: Purpose::Read,
                objects,
                params: Vec::new(),
            });
        };
        let object = match (operation, params.first()) {
            (operation, _) if operation.contains("Vcha") => format!("vcha/{endpoint}"),
            (_, Some(task)) => format!("cis-tasks/{task}"),
            (_, None) => endpoint.to_owned(),
        };
        let purpose = if operation.ends_with("$Task") {
            Purpose::Action
        } else {
            Purpose::Read
        };
        Some(Route {
            operation,
            purpose,
            objects: vec![object],
            params,
        })
    }

    fn handle(&self, world: &mut World, incoming: &Incoming<'_>) -> Answer {
        match handle(world, incoming) {
            Ok(answer) => answer,
            Err(error) if error.is("OPERATION_NOT_FOUND") && world.vcha.spec.plain_not_found => {
                Answer::empty(404)
            }
            Err(error) => error.into_answer(&world.vcha.spec),
        }
    }

    fn refusal(&self, status: u16) -> Answer {
        let error_type = match status {
            400 => "INVALID_ARGUMENT",
            401 => "UNAUTHENTICATED",
            403 => "UNAUTHORIZED",
            404 => "NOT_FOUND",
            503 => "SERVICE_UNAVAILABLE",
            _ => "ERROR",
        };
        let refused = RestError::new(status, error_type, "sim.refused", "Refused by a fault rule.");
        refused.into_answer(&VchaSpec::default())
    }

    fn state(&self, world: &World) -> (&'static str, Value) {
        ("vcha", world.vcha.state())
    }
}

/// Whether a request has the fixed query of an operation, whatever else it has.
fn has_query(request: &Request, fixed: &str) -> bool {
    let wanted = fixed.split('&').filter(|pair| !pair.is_empty());
    let mut wanted = wanted.filter_map(|pair| pair.split_once('='));
    let given = request.query_pairs();
    let same_action = fixed.contains("action=") || given.iter().all(|(name, _)| name != "action");
    let same_task = fixed.contains("vmw-task") || given.iter().all(|(name, _)| name != "vmw-task");
    same_action
        && same_task
        && wanted.all(|(name, value)| given.iter().any(|(key, given)| key == name && given == value))
}

/// Refuses a parameter that no operation but that which reads a task has, and one that comes twice.
fn check_query(incoming: &Incoming<'_>) -> Result<(), RestError> {
    if incoming.operation == UNKNOWN {
        return Ok(());
    }
    let pairs = incoming.request.query_pairs();
    for (index, (name, _)) in pairs.iter().enumerate() {
        let fixed = ["action", "vmw-task"].contains(&name.as_str());
        if !fixed && incoming.operation != "Cis.Tasks_get" {
            return Err(RestError::invalid_argument(format!(
                "There is no parameter {name}."
            )));
        }
        if pairs[..index].iter().any(|(before, _)| before == name) {
            return Err(RestError::invalid_argument(format!(
                "Parameter {name} comes twice."
            )));
        }
    }
    Ok(())
}

fn handle(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, RestError> {
    match incoming.operation {
        "Cis.Session_create" => {
            check_query(incoming)?;
            return session::create(world, incoming);
        }
        "Vcenter.System_hello" if !world.vcha.spec.hello_needs_session => {
            check_query(incoming)?;
            return session::hello(world, incoming);
        }
        _ => {}
    }
    let session = session::of(world, incoming)?;
    check_query(incoming)?;
    if incoming.operation == UNKNOWN {
        let text = "No such operation.";
        return Err(RestError::new(
            404,
            "OPERATION_NOT_FOUND",
            "sim.no.operation",
            text,
        ));
    }
    operation::handle(world, incoming, &session)
}
