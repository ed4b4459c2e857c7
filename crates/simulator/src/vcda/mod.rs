//! VMware Cloud Director Availability, Cloud Director flavour, version 4.6: sessions, sites, replications of VMs and vApps,
//! tasks, recovery plans, diagnostics.
//!
//! Sources: the wire rules of the API and its OpenAPI document; COVERAGE.md has a row for each behaviour.

mod body;
mod check;
mod error;
mod operation;
mod pair;
mod plan;
mod query;
mod replication;
mod session;
mod site;
mod spec;
mod start;
mod task;
mod vapp;
mod view;
mod work;

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use self::error::ApiError;
pub(crate) use self::operation::routed;
pub use self::plan::{PlanOperation, PlanState, RecoveryPlan, Step};
pub use self::replication::{Copying, Instance, Place, RecoveryState, Replication, TargetKind, Vm, WorkKind};
pub use self::site::{PairedSite, Site};
pub use self::spec::{StateRefusal, VcdaSpec};
pub use self::start::FreeVm;
pub use self::task::{Outcome, Resource, Task};
pub use self::vapp::VappReplication;

pub(crate) use self::plan::approve;
pub(crate) use self::replication::way_text;

use self::error::Refusal;
use self::operation::Operation;
use self::query::Query;
use self::work::Level;
use crate::call_log::Purpose;
use crate::endpoint::Session;
use crate::exchange::{Answer, Request};
use crate::service::{Incoming, Route, Service, ServiceName};
use crate::world::World;

const MEDIA_TYPE: &str = "application/vnd.vmware.h4-v4.6+json;charset=UTF-8";
const TOKEN_HEADER: &str = "X-VCAV-Auth";

/// The state of all sites.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Vcda {
    pub(crate) spec: VcdaSpec,
    pub(crate) sites: BTreeMap<String, Site>,
    pub(crate) paired: Vec<PairedSite>,
    pub(crate) replications: BTreeMap<String, Replication>,
    pub(crate) vapps: BTreeMap<String, VappReplication>,
    pub(crate) free: BTreeMap<String, FreeVm>,
    pub(crate) plans: BTreeMap<String, RecoveryPlan>,
    pub(crate) tasks: BTreeMap<String, Task>,
    /// The ids of the tasks about each resource, so that they are found without a look at all others.
    pub(crate) tasks_about: BTreeMap<String, BTreeSet<String>>,
}

/// What happens by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum VcdaEvent {
    /// The work of a task ends.
    Ends(work::Work),
    /// The interval of a replication has passed.
    Copies(String),
    /// A task ends with this error, and nothing was done.
    Fails(String, ApiError),
    /// A site forgets a task.
    Forgets(String),
    /// Replications are set up.
    SetsUp(Box<start::Setup>),
    /// The choice of disks of a task is made.
    ChoosesDisks(String, Value),
    /// The pairing of a task ends.
    Pairs(String, PairedSite),
    /// The health check of a task ends.
    Checks(String),
    /// The run of a plan goes on.
    PlanGoesOn(String),
}

/// Lets an event happen.
pub(crate) fn happen(world: &mut World, event: VcdaEvent) {
    match event {
        VcdaEvent::Ends(work) => work::end(world, work),
        VcdaEvent::Copies(id) => work::copy(world, id),
        VcdaEvent::Fails(task, error) => {
            let World { core, vcda, .. } = world;
            work::conclude(core, vcda, &task, Outcome::Failed(error));
        }
        VcdaEvent::Forgets(task) => {
            if let Some(task) = world.vcda.tasks.get_mut(&task) {
                task.forgotten = true;
            }
        }
        VcdaEvent::SetsUp(setup) => start::set_up(world, *setup),
        VcdaEvent::ChoosesDisks(task, disks) => vapp::disks_chosen(world, &task, disks),
        VcdaEvent::Pairs(task, site) => site::paired(world, &task, site),
        VcdaEvent::Checks(task) => site::checked(world, &task),
        VcdaEvent::PlanGoesOn(plan) => plan::go_on(world, &plan),
    }
}

impl Vcda {
    /// How the service behaves.
    pub fn spec(&self) -> &VcdaSpec {
        &self.spec
    }

    /// All replications, by id.
    pub fn replications(&self) -> impl Iterator<Item = &Replication> {
        self.replications.values()
    }

    /// The replication of this id.
    pub fn replication(&self, id: &str) -> Option<&Replication> {
        self.replications.get(id)
    }

    /// The sites forget all tasks that they know at this moment; the work goes on.
    pub fn forget_tasks(&mut self) {
        for task in self.tasks.values_mut() {
            task.forgotten = true;
        }
    }

    /// All vApp replications, by id.
    pub fn vapps(&self) -> impl Iterator<Item = &VappReplication> {
        self.vapps.values()
    }

    /// The sites that services were paired with, beyond those of the world.
    pub fn paired_sites(&self) -> &[PairedSite] {
        &self.paired
    }

    /// Notes which resource a task is about.
    pub(crate) fn task_is_about(&mut self, task: &str, resource: &str) {
        let about = self.tasks_about.entry(resource.to_owned()).or_default();
        about.insert(task.to_owned());
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
    fn name(&self) -> ServiceName {
        ServiceName::Vcda
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
        let acts =
            request.method != Method::GET && !matches!(collection, "sessions" | "tasks" | "diagnostics");
        let purpose = if acts { Purpose::Action } else { Purpose::Read };
        Some(Route {
            operation: operation.id,
            purpose,
            objects: vec![object],
            params,
        })
    }

    fn handle(&self, world: &mut World, incoming: &Incoming<'_>) -> Answer {
        let answer = handle(world, incoming).unwrap_or_else(Refusal::into_answer);
        labelled(&world.vcda.spec, answer)
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

/// The answer with the label of the version that the services speak.
fn labelled(spec: &VcdaSpec, mut answer: Answer) -> Answer {
    let plain = spec.plain_media_type && answer.is_success();
    for (name, value) in &mut answer.headers {
        if name == "content-type" && value == MEDIA_TYPE {
            *value = if plain {
                "application/json;charset=UTF-8".to_owned()
            } else {
                MEDIA_TYPE.replace("4.6", &spec.api_version)
            };
        }
    }
    answer
}

fn handle(world: &mut World, incoming: &Incoming<'_>) -> Result<Answer, Refusal> {
    if incoming.operation == "sessions.login" {
        Query::read(incoming.request, &[])?;
        return session::log_in(world, incoming);
    }
    let session = session::of(world, incoming)?;
    if incoming.operation == UNKNOWN || !fits_version(&world.vcda.spec, incoming) {
        let path = &incoming.request.path;
        return Err(Refusal::new(404, "NotFound", "No such path.", &[path]));
    }
    let site = site_of(world, incoming, &session)?;
    // Lists and moves read the other parameters themselves.
    let parameters: Option<&[&str]> = match incoming.operation {
        "vmReplications.list" | "vappReplications.list" | "tasks.list" | "recoveryPlans.steps.move" => None,
        "vappReplications.summary" => Some(&[]),
        operation => match operation.split('.').next() {
            Some("sessions" | "sites" | "recoveryPlans" | "diagnostics") => Some(&[]),
            _ => Some(&["site"]),
        },
    };
    if let Some(parameters) = parameters {
        Query::read(incoming.request, parameters)?;
    }
    let relayed = Incoming {
        endpoint: &site,
        ..incoming.clone()
    };
    act(world, &relayed, &session)
}

/// A health check is a GET up to 4.5 and a POST since; which one 4.6 takes was not read.
fn fits_version(spec: &VcdaSpec, incoming: &Incoming<'_>) -> bool {
    let posts = incoming.request.method == Method::POST;
    incoming.operation != "diagnostics.health" || posts == spec.speaks(4, 6)
}

fn act(world: &mut World, incoming: &Incoming<'_>, session: &Session) -> Result<Answer, Refusal> {
    if let Some((level, kind)) = replication_work(incoming.operation) {
        return work::begin(world, incoming, session, kind, level);
    }
    match incoming.operation {
        "sessions.get" => Ok(session::get(world, session)),
        "sessions.logout" => Ok(session::log_out(world, incoming)),
        "sessions.extend" => session::extend(world, incoming, session),
        "sites.list" => Ok(site::list(world, incoming)),
        "sites.pair" => site::pair(world, incoming, session),
        "sites.vcenterSites" => Ok(site::vcenter_sites()),
        "vmReplications.list" => view::list(world, incoming),
        "vmReplications.start" => start::begin(world, incoming, session, Level::Vm),
        "vmReplications.get" => view::get(world, incoming),
        "vmReplications.instances" => view::instances(world, incoming),
        "vmReplications.networkSettings.get" => vapp::network_settings(world, incoming, Level::Vm),
        "vappReplications.list" => vapp::list(world, incoming),
        "vappReplications.start" => start::begin(world, incoming, session, Level::Vapp),
        "vappReplications.summary" => Ok(vapp::summary(world, incoming)),
        "vappReplications.get" => vapp::get(world, incoming),
        "vappReplications.reconfigureDisks" => vapp::disks(world, incoming, session),
        "vappReplications.networkSettings.get" => vapp::network_settings(world, incoming, Level::Vapp),
        "tasks.list" => task::list(world, incoming),
        "tasks.get" => task::get(world, incoming),
        "tasks.poll" => task::poll(world, incoming),
        "recoveryPlans.failover" => plan::run(world, incoming, session, PlanOperation::Failover),
        "recoveryPlans.migrate" => plan::run(world, incoming, session, PlanOperation::Migrate),
        "recoveryPlans.test" => plan::run(world, incoming, session, PlanOperation::Test),
        "recoveryPlans.testCleanup" => plan::run(world, incoming, session, PlanOperation::Cleanup),
        "diagnostics.health" => site::health(world, incoming, session),
        "diagnostics.about" => Ok(site::about(world)),
        _ => plan::at_once(world, incoming),
    }
}

/// The work on replications that an operation begins.
fn replication_work(operation: &str) -> Option<(Level, WorkKind)> {
    let (group, name) = operation.split_once('.')?;
    let level = match group {
        "vmReplications" => Level::Vm,
        "vappReplications" => Level::Vapp,
        _ => return None,
    };
    let kind = match name {
        "failover" => WorkKind::Failover,
        "failoverTest" => WorkKind::FailoverTest,
        "failoverTestCleanup" => WorkKind::FailoverTestCleanup,
        "migrate" => WorkKind::Migrate,
        "reverse" => WorkKind::Reverse,
        "pause" => WorkKind::Pause,
        "resume" => WorkKind::Resume,
        "sync" => WorkKind::Sync,
        "applyStorageProfile" => WorkKind::StorageProfile,
        "reconfigure" => WorkKind::Reconfigure,
        "stop" => WorkKind::Stop,
        _ => return None,
    };
    Some((level, kind))
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
