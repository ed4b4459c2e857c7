//! The requests of SMS: routing, the session, and who answers.

use serde_json::{Value, json};

use super::body;
use super::group::Verb;
use super::operation::{self, Known};
use super::{alarm, chore, manager, query, view, work};
use crate::call_log::Purpose;
use crate::exchange::{Answer, Request};
use crate::service::{Incoming, Route, Service, ServiceName};
use crate::vi_json::fault::Fault;
use crate::vi_json::request::{self, NO_PARAMETERS, Path};
use crate::vi_json::value::{answer, reference};
use crate::vi_json::{self, UNKNOWN};
use crate::world::World;

const ROOT: &str = "ServiceInstance";
pub(super) const STORAGE_MANAGER: &str = "storageManager";
const SESSION_MANAGER: &str = "sessionManager";

/// A failover or test start that only checks is logged apart: it changes nothing.
const CHECK_FAILOVER: &str = "VasaProvider_FailoverReplicationGroup_Task?checkOnly";
const CHECK_TEST: &str = "VasaProvider_TestFailoverReplicationGroupStart_Task?checkOnly";

/// The names of calls that only check.
pub(crate) const CHECKS: [&str; 2] = [CHECK_FAILOVER, CHECK_TEST];

/// The service.
#[derive(Debug)]
pub(crate) struct SmsService;

impl Service for SmsService {
    fn name(&self) -> ServiceName {
        ServiceName::Sms
    }

    fn route(&self, _world: &World, _endpoint: &str, request: &Request) -> Option<Route> {
        let path = Path::sms(request)?;
        let Some((operation, known)) = operation::of(&path, request) else {
            let objects = vec![request.path.clone()];
            return Some(Route {
                operation: UNKNOWN,
                purpose: Purpose::Read,
                objects,
                params: Vec::new(),
            });
        };
        let object = match path.type_name.as_str() {
            "SmsServiceInstance" | "SmsStorageManager" => "sms".to_owned(),
            "SmsTask" => format!("sms-tasks/{}", path.mo_id),
            _ => format!("providers/{}", path.mo_id),
        };
        let params = vec![path.mo_id];
        let Known::Changes(verb) = known else {
            let purpose = match known {
                Known::Manages(_) => Purpose::Action,
                Known::Open | Known::Reads | Known::Changes(_) => Purpose::Read,
            };
            return Some(Route {
                operation,
                purpose,
                objects: vec![object],
                params,
            });
        };
        let body = body::peek(request);
        let groups: Vec<String> = body::groups(&body).iter().map(body::Named::object).collect();
        let objects = if groups.is_empty() { vec![object] } else { groups };
        let check_only = body::flag(&body, "checkOnly");
        let (operation, purpose) = match verb {
            Verb::Failover if check_only => (CHECK_FAILOVER, Purpose::Read),
            Verb::TestStart if check_only => (CHECK_TEST, Purpose::Read),
            Verb::Prepare
            | Verb::Failover
            | Verb::Reverse
            | Verb::TestStart
            | Verb::TestStop
            | Verb::Sync
            | Verb::Promote => (operation, Purpose::Action),
        };
        Some(Route {
            operation,
            purpose,
            objects,
            params,
        })
    }

    fn handle(&self, world: &mut World, incoming: &Incoming<'_>) -> Answer {
        vi_json::service::answered(world, incoming, Path::sms(incoming.request), handle)
    }

    fn formed(&self, world: &World, answer: Answer) -> Answer {
        world.vi_json.formed(answer)
    }

    fn refusal(&self, status: u16) -> Answer {
        vi_json::refused_by_rule(status)
    }

    fn state(&self, world: &World) -> (&'static str, Value) {
        ("vasa", world.sms.state(&world.core))
    }
}

fn handle(world: &mut World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    let known = operation::of(path, incoming.request).map(|(_, known)| known);
    if known != Some(Known::Open) {
        let privilege = operation::privilege(known);
        vi_json::session::require(world, incoming, &path.type_name, &path.mo_id, privilege)?;
    }
    match known {
        None => Err(Fault::not_simulated(&format!(
            "/sms/{}/{}",
            path.type_name, path.member
        ))),
        Some(Known::Open | Known::Reads) => read(world, incoming, path),
        Some(Known::Changes(verb)) => {
            is_there(world, incoming, path)?;
            let body = request::body(incoming.request, body::shape(verb))?;
            work::begin(world, incoming, verb, &body)
        }
        Some(Known::Manages(errand)) => {
            is_there(world, incoming, path)?;
            chore::begin(world, incoming, errand)
        }
    }
}

/// Whether the object of a path exists.
fn is_there(world: &World, incoming: &Incoming<'_>, path: &Path) -> Result<(), Fault> {
    let there = match path.type_name.as_str() {
        "SmsStorageManager" => path.mo_id == STORAGE_MANAGER,
        _ => world.sms.provider(incoming.endpoint, &path.mo_id).is_some(),
    };
    if there {
        Ok(())
    } else {
        Err(Fault::no_such_object(&path.type_name, &path.mo_id))
    }
}

fn read(world: &World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    match path.type_name.as_str() {
        "SmsServiceInstance" => root(world, incoming, path),
        "SmsStorageManager" => {
            is_there(world, incoming, path)?;
            let found = manager::answer(world, incoming.endpoint, &path.member, incoming.request)?;
            Ok(answer(&found))
        }
        "SmsTask" => task(world, incoming, path),
        _ => provider(world, incoming, path),
    }
}

fn root(world: &World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    if path.mo_id != ROOT {
        return Err(Fault::no_such_object(&path.type_name, &path.mo_id));
    }
    request::body(incoming.request, &NO_PARAMETERS)?;
    if path.member == "QueryStorageManager" {
        return Ok(answer(&reference("SmsStorageManager", STORAGE_MANAGER)));
    }
    if path.member == "QuerySessionManager" {
        return Ok(answer(&reference("SmsSessionManager", SESSION_MANAGER)));
    }
    Ok(answer(&json!({
        "_typeName": "SmsAboutInfo",
        "name": "Simulated storage monitoring service",
        "fullName": "Simulated storage monitoring service 8.0.3",
        "vendor": "Simulator",
        "apiVersion": "5.0",
        "instanceUuid": world.vi_json.instance_uuid(incoming.endpoint),
        "vasaApiVersion": "3.5",
    })))
}

fn task(world: &World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    let Some(task) = world.sms.tasks.get(incoming.endpoint, &path.mo_id) else {
        return Err(Fault::no_such_object(&path.type_name, &path.mo_id));
    };
    request::body(incoming.request, &NO_PARAMETERS)?;
    if path.member == "QuerySmsTaskInfo" {
        return Ok(answer(&task.info(&world.core)));
    }
    Ok(answer(&task.result().unwrap_or(Value::Null)))
}

fn provider(world: &World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    let World { core, sms, .. } = world;
    let Some(provider) = sms.provider(incoming.endpoint, &path.mo_id) else {
        return Err(Fault::no_such_object(&path.type_name, &path.mo_id));
    };
    if path.member == "QueryProviderInfo" {
        request::body(incoming.request, &NO_PARAMETERS)?;
        return Ok(answer(&view::provider(sms, core, provider)));
    }
    let shape = match path.member.as_str() {
        "QueryReplicationGroup" => &body::GROUPS,
        "QueryReplicationPeer" => &body::DOMAINS,
        "QueryActiveAlarm" => &alarm::FILTER,
        _ => &body::REPLICAS,
    };
    let body = request::body(incoming.request, shape)?;
    if !provider.is_online(core) {
        return Err(view::unavailable());
    }
    match path.member.as_str() {
        "QueryReplicationGroup" => Ok(answer(&query::groups(sms, core, provider, &body))),
        "QueryReplicationPeer" => Ok(answer(&query::peers(sms, provider, &body))),
        "QueryActiveAlarm" => Ok(answer(&alarm::query(sms, core, provider, &body)?)),
        "QueryPointInTimeReplica" => Ok(answer(&query::replicas(sms, core, provider, &body)?)),
        other => Err(Fault::not_simulated(other)),
    }
}
