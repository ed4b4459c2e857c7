//! VMware Cloud Director Availability, Cloud Director flavour, version 4.6: sessions, VM replications, tasks.
//!
//! Sources: the wire rules of the API and its OpenAPI document; COVERAGE.md has a row for each behaviour.

mod body;
mod error;
mod operation;
mod pair;
mod query;
mod replication;
mod session;
mod spec;
mod task;
mod view;
mod work;

use std::collections::BTreeMap;

use http::Method;
use serde::Serialize;
use serde_json::{Value, json};

pub use self::error::ApiError;
pub use self::replication::{Instance, Place, RecoveryState, Replication, Vm, WorkKind};
pub use self::spec::VcdaSpec;
pub use self::task::{Outcome, Task};

use self::error::Refusal;
use self::operation::Operation;
use self::query::Query;
use crate::call_log::Purpose;
use crate::endpoint::{EndpointKind, Session};
use crate::exchange::{Answer, Request};
use crate::service::{Incoming, Route, Service};
use crate::world::World;

const MEDIA_TYPE: &str = "application/vnd.vmware.h4-v4.6+json;charset=UTF-8";
const TOKEN_HEADER: &str = "X-VCAV-Auth";

/// A cloud site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Site {
    /// Its short name, which is that of its endpoint.
    pub name: String,
    /// The organisation of the tenant there.
    pub org: String,
}

/// The state of all sites.
#[derive(Debug, Clone, Serialize)]
pub struct Vcda {
    pub(crate) spec: VcdaSpec,
    pub(crate) sites: BTreeMap<String, Site>,
    pub(crate) replications: BTreeMap<String, Replication>,
    pub(crate) tasks: BTreeMap<String, Task>,
}

/// What happens by itself.
#[derive(Debug, Clone)]
pub(crate) enum VcdaEvent {
    /// The work of a task ends.
    Ends(work::Work),
    /// The interval of a replication has passed.
    Copies(String),
}

/// Lets an event happen.
pub(crate) fn happen(world: &mut World, event: VcdaEvent) {
    match event {
        VcdaEvent::Ends(work) => work::end(world, work),
        VcdaEvent::Copies(id) => work::copy(world, id),
    }
}

impl Vcda {
    /// All replications, by id.
    pub fn replications(&self) -> impl Iterator<Item = &Replication> {
        self.replications.values()
    }

    /// The replication of this id.
    pub fn replication(&self, id: &str) -> Option<&Replication> {
        self.replications.get(id)
    }

    /// All tasks, by id.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.values()
    }
}

/// What a path that is none of the API's is logged under.
const UNKNOWN: &str = "unknown";

/// The service.
#[derive(Debug)]
pub(crate) struct VcdaService;

impl Service for VcdaService {
    fn kind(&self) -> EndpointKind {
        EndpointKind::Vcda
    }

    fn route(&self, _world: &World, _endpoint: &str, request: &Request) -> Option<Route> {
        let Some((operation, params)) = Operation::of(request) else {
            let object = request.path.clone();
            return Some(Route {
                operation: UNKNOWN,
                purpose: Purpose::Read,
                objects: vec![object],
                params: Vec::new(),
            });
        };
        let collection = operation.collection();
        let object = match params.first() {
            Some(id) => format!("{collection}/{id}"),
            None => collection.to_owned(),
        };
        let acts = request.method != Method::GET && !matches!(collection, "sessions" | "tasks");
        let purpose = if acts { Purpose::Action } else { Purpose::Read };
        Some(Route {
            operation: operation.id,
            purpose,
            objects: vec![object],
            params,
        })
    }

    fn handle(&self, world: &mut World, incoming: &Incoming<'_>) -> Answer {
        handle(world, incoming).unwrap_or_else(Refusal::into_answer)
    }

    fn refusal(&self, status: u16) -> Answer {
        let code = match status {
            400 => "BadRequest",
            401 => "NotAuthenticated",
            403 => "Forbidden",
            404 => "VmReplicationNotFound",
            _ => "GeneralServerFailure",
        };
        Refusal::new(status, code, "Refused by a fault rule.", &[]).into_answer()
    }

    fn state(&self, world: &World) -> (&'static str, Value) {
        (
            "vcda",
            serde_json::to_value(&world.vcda).unwrap_or_else(|error| json!(error.to_string())),
        )
    }
}

fn handle(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, Refusal> {
    if incoming.operation == "sessions.login" {
        Query::read(incoming.request, &[])?;
        return session::log_in(world, incoming);
    }
    let session = session::of(world, incoming)?;
    let simulated = Operation::is_simulated(incoming.operation);
    match incoming.operation {
        UNKNOWN => {
            return Err(Refusal::new(
                404,
                "NotFound",
                "No such path.",
                &[&incoming.request.path],
            ));
        }
        operation if !simulated => return Err(Refusal::not_simulated(operation)),
        _ => {}
    }
    let site = site_of(world, incoming, &session)?;
    let lists = matches!(incoming.operation, "vmReplications.list" | "tasks.list");
    let sessions = incoming.operation.starts_with("sessions.");
    if !lists {
        Query::read(incoming.request, if sessions { &[] } else { &["site"] })?;
    }
    let relayed = Incoming {
        endpoint: &site,
        ..incoming.clone()
    };
    act(world, &relayed, &session)
}

fn act(world: &mut World, incoming: &Incoming<'_>, session: &Session) -> Result<Answer, Refusal> {
    match incoming.operation {
        "sessions.get" => Ok(session::get(world, session)),
        "sessions.logout" => Ok(session::log_out(world, incoming)),
        "sessions.extend" => session::extend(world, incoming, session),
        "vmReplications.list" => view::list(world, incoming),
        "vmReplications.get" => view::get(world, incoming),
        "vmReplications.instances" => view::instances(world, incoming),
        "vmReplications.failover" => work::begin(world, incoming, session, WorkKind::Failover),
        "vmReplications.failoverTest" => work::begin(world, incoming, session, WorkKind::FailoverTest),
        "vmReplications.failoverTestCleanup" => {
            work::begin(world, incoming, session, WorkKind::FailoverTestCleanup)
        }
        "vmReplications.migrate" => work::begin(world, incoming, session, WorkKind::Migrate),
        "vmReplications.reverse" => work::begin(world, incoming, session, WorkKind::Reverse),
        "tasks.list" => task::list(world, incoming),
        "tasks.get" => task::get(world, incoming),
        "tasks.poll" => task::poll(world, incoming),
        other => Err(Refusal::not_simulated(other)),
    }
}

/// The site that is asked: by the `site` parameter, or the local one. Another one needs an extension of the session, and
/// has to be there to be asked.
fn site_of(world: &World, incoming: &Incoming<'_>, session: &Session) -> Result<String, Refusal> {
    let Some(site) = incoming.request.query_value("site") else {
        return Ok(incoming.endpoint.to_owned());
    };
    if site == incoming.endpoint {
        return Ok(site);
    }
    if !world.vcda.sites.contains_key(&site) {
        return Err(Refusal::no_site(&site));
    }
    if !session.extended_to.contains(&site) {
        return Err(if world.vcda.spec.missing_extension_is_not_authenticated {
            Refusal::not_authenticated()
        } else {
            Refusal::not_extended(&site)
        });
    }
    let core = &world.core;
    let listens = core
        .endpoints
        .get(&site)
        .is_some_and(|there| there.listens(core.now_ms));
    if listens {
        Ok(site)
    } else {
        Err(Refusal::unreachable(&site))
    }
}
