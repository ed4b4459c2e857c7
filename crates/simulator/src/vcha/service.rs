//! The requests of the REST services: routing, the session, and who answers.

use serde_json::{Value, json};

use super::cluster;
use super::error::{RestError, answer};
use super::session;
use crate::call_log::Purpose;
use crate::endpoint::EndpointKind;
use crate::exchange::{Answer, Request};
use crate::service::{Incoming, Route, Service};
use crate::shape::{Shape, optional, required};
use crate::vi_json::UNKNOWN;
use crate::world::World;

const FAILOVER: &str = "Vcenter.Vcha.Cluster_failover$Task";

/// Method, path, fixed query, operation id, whether the simulator knows it.
static OPERATIONS: &[(&str, &str, &str, &str, bool)] = &[
    ("POST", "/api/session", "", "Cis.Session_create", true),
    ("GET", "/api/session", "", "Cis.Session_get", true),
    ("DELETE", "/api/session", "", "Cis.Session_delete", true),
    (
        "POST",
        "/api/vcenter/system",
        "action=hello",
        "Vcenter.System_hello",
        true,
    ),
    ("GET", "/api/cis/tasks/{task}", "", "Cis.Tasks_get", true),
    (
        "POST",
        "/api/cis/tasks/{task}",
        "action=cancel",
        "Cis.Tasks_cancel",
        false,
    ),
    ("POST", "/api/cis/tasks", "action=list", "Cis.Tasks_list", false),
    (
        "POST",
        "/api/vcenter/vcha/cluster",
        "action=get",
        "Vcenter.Vcha.Cluster_get",
        true,
    ),
    (
        "POST",
        "/api/vcenter/vcha/cluster",
        "action=failover&vmw-task=true",
        FAILOVER,
        true,
    ),
    (
        "POST",
        "/api/vcenter/vcha/cluster",
        "action=deploy&vmw-task=true",
        "Vcenter.Vcha.Cluster_deploy$Task",
        false,
    ),
    (
        "POST",
        "/api/vcenter/vcha/cluster",
        "action=undeploy&vmw-task=true",
        "Vcenter.Vcha.Cluster_undeploy$Task",
        false,
    ),
    (
        "POST",
        "/api/vcenter/vcha/cluster/active",
        "action=get",
        "Vcenter.Vcha.Cluster.Active_get",
        false,
    ),
    (
        "POST",
        "/api/vcenter/vcha/cluster/passive",
        "action=check",
        "Vcenter.Vcha.Cluster.Passive_check",
        false,
    ),
    (
        "POST",
        "/api/vcenter/vcha/cluster/passive",
        "action=redeploy&vmw-task=true",
        "Vcenter.Vcha.Cluster.Passive_redeploy$Task",
        false,
    ),
    (
        "POST",
        "/api/vcenter/vcha/cluster/witness",
        "action=check",
        "Vcenter.Vcha.Cluster.Witness_check",
        false,
    ),
    (
        "POST",
        "/api/vcenter/vcha/cluster/witness",
        "action=redeploy&vmw-task=true",
        "Vcenter.Vcha.Cluster.Witness_redeploy$Task",
        false,
    ),
    (
        "GET",
        "/api/vcenter/vcha/cluster/mode",
        "",
        "Vcenter.Vcha.Cluster.Mode_get",
        true,
    ),
    (
        "PUT",
        "/api/vcenter/vcha/cluster/mode",
        "vmw-task=true",
        "Vcenter.Vcha.Cluster.Mode_set$Task",
        false,
    ),
    (
        "GET",
        "/api/vcenter/vcha/cluster/deployment-type",
        "",
        "Vcenter.Vcha.Cluster.DeploymentType_get",
        false,
    ),
    (
        "GET",
        "/api/vcenter/vcha/operations",
        "",
        "Vcenter.Vcha.Operations_get",
        true,
    ),
];

static FAILOVER_BODY: Shape = Shape::Object(&[required("planned", Shape::Flag)]);
static GET_BODY: Shape = Shape::Object(&[
    optional("vc_spec", Shape::Anything),
    optional("partial", Shape::Flag),
]);

/// The service; the last of its endpoints, so it answers every path.
#[derive(Debug)]
pub(crate) struct RestService;

impl Service for RestService {
    fn kind(&self) -> EndpointKind {
        EndpointKind::Vcenter
    }

    fn route(&self, _world: &World, endpoint: &str, request: &Request) -> Option<Route> {
        let found = OPERATIONS.iter().find_map(|(method, path, query, operation, _)| {
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
        let purpose = if operation == FAILOVER {
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
        handle(world, incoming).unwrap_or_else(RestError::into_answer)
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
        RestError::new(status, error_type, "sim.refused", "Refused by a fault rule.").into_answer()
    }

    fn state(&self, world: &World) -> (&'static str, Value) {
        ("vcha", world.vcha.state())
    }
}

/// The operations that the simulator does not know.
#[cfg(test)]
pub(super) fn not_simulated() -> Vec<&'static str> {
    let unknown = OPERATIONS.iter().filter(|(.., simulated)| !simulated);
    unknown.map(|(_, _, _, operation, _)| *operation).collect()
}

/// Whether a request has exactly the fixed query of an operation; without `action` it may have others.
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

/// The body of a request, checked; no body at all stands for an empty one.
pub(super) fn body(request: &Request, shape: &Shape) -> Result<Value, RestError> {
    let body = if request.body.is_empty() {
        json!({})
    } else {
        serde_json::from_slice(&request.body)
            .map_err(|_| RestError::invalid_argument("The body is not JSON."))?
    };
    shape.check(&body)?;
    Ok(body)
}

fn handle(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, RestError> {
    match incoming.operation {
        "Cis.Session_create" => return session::create(world, incoming),
        "Vcenter.System_hello" => return session::hello(world, incoming),
        _ => {}
    }
    let session = session::of(world, incoming)?;
    let known = OPERATIONS
        .iter()
        .find(|(_, _, _, operation, _)| *operation == incoming.operation);
    match known {
        None => {
            let text = "No such operation.";
            return Err(RestError::new(
                404,
                "OPERATION_NOT_FOUND",
                "sim.no.operation",
                text,
            ));
        }
        Some((.., false)) => return Err(RestError::not_simulated(incoming.operation)),
        Some((.., true)) => {}
    }
    let vcenter = incoming.endpoint;
    match incoming.operation {
        "Cis.Session_get" => Ok(session::get(world, &session)),
        "Cis.Session_delete" => Ok(session::delete(world, incoming)),
        "Cis.Tasks_get" => {
            let id = incoming.param(0);
            let task = world.vcha.tasks.get(&(vcenter.to_owned(), id.to_owned()));
            let missing = || RestError::new(404, "NOT_FOUND", "sim.task.unknown", "The task is not known.");
            Ok(answer(200, &task.ok_or_else(missing)?.info(&world.core)))
        }
        "Vcenter.Vcha.Cluster_get" => {
            body(incoming.request, &GET_BODY)?;
            let info = world
                .vcha
                .cluster(vcenter)
                .map(|cluster| cluster.info(&world.vcha.spec));
            Ok(answer(
                200,
                &info.unwrap_or_else(|| json!({"config_state": "NOTCONFIGURED"})),
            ))
        }
        "Vcenter.Vcha.Cluster.Mode_get" => match world.vcha.cluster(vcenter) {
            Some(cluster) => Ok(answer(200, &json!({"mode": cluster.mode}))),
            None => Err(RestError::new(
                400,
                "NOT_ALLOWED_IN_CURRENT_STATE",
                "sim.vcha.none",
                "No cluster is configured.",
            )),
        },
        "Vcenter.Vcha.Operations_get" => Ok(answer(200, &operations(world, vcenter))),
        FAILOVER => {
            let body = body(incoming.request, &FAILOVER_BODY)?;
            let planned = body["planned"].as_bool().unwrap_or(true);
            let task = cluster::begin(world, vcenter, &session.user, planned, incoming.ticket)?;
            Ok(answer(202, &json!(task)))
        }
        other => Err(RestError::not_simulated(other)),
    }
}

/// `Operations.Info`: what may not be begun, and what is running.
fn operations(world: &World, vcenter: &str) -> Value {
    let name = |operation: &str| format!("com.vmware.vcenter.vcha.cluster.{operation}");
    let Some(cluster) = world.vcha.cluster(vcenter) else {
        return json!({"disabled": [name("failover"), name("undeploy"), name("mode.set")], "active": []});
    };
    let mut disabled = vec![name("deploy")];
    if cluster.refusal().is_some() {
        disabled.push(name("failover"));
    }
    if cluster.running.is_some() {
        disabled.push(name("undeploy"));
    }
    let active: Vec<String> = cluster.running.iter().map(|_| name("failover")).collect();
    json!({"disabled": disabled, "active": active})
}
