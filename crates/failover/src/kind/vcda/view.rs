//! What a service shows of a replication: read once per look, judged elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use farside_engine::EndpointId;
use farside_models_vcda::{RecoveryState, ReplicaInstance, SingleVmReplicationInfo, TasksListQuery};
use farside_transport::{CallError, CallErrorKind};
use farside_vcda::{Task, VcdaClient, VmReplicationId};
use farside_wire::EpochMillis;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Deed, Intent, Replica};
use crate::connection::{ConnectionErrorKind, Connections};
use crate::kind::answer::explain;

/// Tasks of a replication that are read and remembered: the newest ones.
const TASKS: i64 = 20;

/// What went wrong with a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) reason: String,
    /// Whether the service says no for good: a wrong password, a replication that it does not have.
    pub(super) refused: bool,
}

impl Trouble {
    fn of(error: &CallError) -> Self {
        Self {
            reason: explain(error),
            refused: is_refused(error),
        }
    }
}

/// By the service's own word: what a proxy says while the service starts does not count.
fn is_refused(error: &CallError) -> bool {
    match error.kind() {
        CallErrorKind::Login(login) => is_refused(login),
        CallErrorKind::Status(answer) => {
            answer.error.is_some() && matches!(answer.status.as_u16(), 400 | 401 | 403 | 404)
        }
        _ => false,
    }
}

/// The services that some looks ask, each with a session.
#[derive(Debug)]
pub(super) struct Services(BTreeMap<EndpointId, Result<Service, Trouble>>);

/// A service.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) endpoint: EndpointId,
    pub(super) client: Arc<VcdaClient>,
    /// Who is logged in.
    pub(super) user: Option<String>,
    /// Short name of its site. A session names its own site, and those that it is extended to; that of the appliance's
    /// user may name none.
    pub(super) site: Option<String>,
}

impl Services {
    pub(super) async fn of(world: &Connections, endpoints: BTreeSet<EndpointId>) -> Self {
        let services = endpoints.into_iter().map(|endpoint| async move {
            let service = Service::open(world, &endpoint).await;
            (endpoint, service)
        });
        Self(join_all(services).await.into_iter().collect())
    }

    pub(super) fn get(&self, endpoint: &EndpointId) -> Result<&Service, Trouble> {
        match self.0.get(endpoint) {
            Some(Ok(service)) => Ok(service),
            Some(Err(trouble)) => Err(trouble.clone()),
            None => Err(Trouble {
                reason: format!("{endpoint} was not asked"),
                refused: false,
            }),
        }
    }
}

impl Service {
    async fn open(world: &Connections, endpoint: &EndpointId) -> Result<Self, Trouble> {
        let client = world.availability(endpoint).await.map_err(|error| Trouble {
            reason: explain(&error),
            refused: matches!(
                error.kind(),
                ConnectionErrorKind::Forbidden | ConnectionErrorKind::Unknown
            ),
        })?;
        let session = client.session().await.map_err(|error| Trouble::of(&error))?;
        let extended: Vec<&str> = world.extended_sites(endpoint).collect();
        let is_own = |site: &&String| !extended.contains(&site.as_str());
        let sites = session.authenticated_sites.iter();
        let mut own = sites.filter_map(|known| known.site.as_ref()).filter(is_own);
        let site = own.next().filter(|_| own.next().is_none()).cloned();
        Ok(Self {
            endpoint: endpoint.clone(),
            client,
            user: session.user,
            site,
        })
    }

    /// The replication as this service shows it, with its newest tasks.
    pub(super) async fn view(&self, id: &VmReplicationId) -> Result<View, Trouble> {
        let newest = TasksListQuery::default()
            .with_resource_id(id.as_str())
            .with_sort("startTime-")
            .with_limit(TASKS);
        // The state first: a task that is found afterwards can explain it, never the other way round.
        let shown = self.client.vm_replication(id).get().await;
        let shown = shown.map_err(|error| Trouble::of(&error))?;
        let tasks = self.client.list_tasks(&newest).await;
        let tasks = tasks.map_err(|error| Trouble::of(&error))?;
        Ok(View {
            at: self.endpoint.clone(),
            site: self.site.clone(),
            shown,
            tasks: tasks.items.into_iter().filter_map(Result::ok).collect(),
        })
    }
}

/// A replication as one service shows it.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// The service.
    pub(super) at: EndpointId,
    /// Short name of the service's site, if it is known.
    pub(super) site: Option<String>,
    pub(super) shown: SingleVmReplicationInfo,
    /// Its newest tasks.
    pub(super) tasks: Vec<Task>,
}

impl View {
    pub(super) fn state(&self) -> Option<&RecoveryState> {
        recovery_state(&self.shown)
    }

    /// The state in the service's words.
    pub(super) fn state_text(&self) -> String {
        self.state().map_or_else(|| "none".to_owned(), word)
    }

    /// Short name of the site that the replication leads to.
    pub(super) fn towards(&self) -> Option<&str> {
        self.shown.destination.as_ref()?.site.as_deref()
    }

    /// Short name of the site that it leads away from.
    pub(super) fn from(&self) -> Option<&str> {
        self.shown.source.as_ref()?.site.as_deref()
    }

    /// Whether it is known to lead to another site than the service's.
    pub(super) fn leads_elsewhere(&self) -> bool {
        matches!((self.towards(), &self.site), (Some(towards), Some(site)) if towards != site)
    }

    /// "vm-001, east to west".
    pub(super) fn describe(&self) -> String {
        let site = |site: Option<&str>| site.unwrap_or("an unnamed site").to_owned();
        format!(
            "{}, {} to {}",
            self.vm_name(),
            site(self.from()),
            site(self.towards())
        )
    }

    pub(super) fn vm_name(&self) -> &str {
        self.shown.vm_name.as_deref().unwrap_or("the VM")
    }

    pub(super) fn newest_instance(&self) -> Option<&ReplicaInstance> {
        self.shown.destination_state.as_ref()?.latest_instance.as_ref()
    }

    pub(super) fn is_moving(&self) -> bool {
        let state = self.shown.destination_state.as_ref();
        state.and_then(|state| state.is_moving_replica).unwrap_or(false)
    }

    /// What a call that is sent now is to be judged by later.
    pub(super) fn intent(&self) -> Intent {
        Intent {
            at: self.at.clone(),
            vm: self.shown.vm_id.clone(),
            towards: self.towards().map(str::to_owned),
            known: self.tasks.iter().map(|task| task.id().to_string()).collect(),
            since: self
                .tasks
                .iter()
                .filter_map(Task::started)
                .map(|time| time.0)
                .max(),
            networks: None,
        }
    }

    /// The task that a call with this intent has started, as far as the list shows one: the newest of its type that was
    /// not there before. Times are compared by the service's clock.
    pub(super) fn task_after(&self, deed: Deed, intent: &Intent) -> Option<&Task> {
        let fresh = self.tasks.iter().filter(|task| {
            let later = task.started().map(|time| time.0) >= intent.since;
            task.workflow() == Some(deed.workflow()) && !intent.known.contains(task.id().as_str()) && later
        });
        fresh.max_by_key(|task| task.started().map(|time| time.0))
    }

    /// A task of this kind that is at work.
    pub(super) fn running(&self, deed: Deed) -> Option<&Task> {
        let mut tasks = self.tasks.iter();
        tasks.find(|task| task.is_running() && task.workflow() == Some(deed.workflow()))
    }
}

pub(super) fn recovery_state(shown: &SingleVmReplicationInfo) -> Option<&RecoveryState> {
    let destination = shown.destination_state.as_ref()?;
    destination.recovery_info.as_ref()?.recovery_state.as_ref()
}

fn word(state: &RecoveryState) -> String {
    use farside_wire::OpenEnum as _;
    state.as_wire().to_owned()
}

/// What is left of a replication that is as wanted: for reports and for later runs.
pub(super) fn data(deed: Deed, replica: &Replica, at: &EndpointId, shown: &SingleVmReplicationInfo) -> Value {
    let recovery = shown
        .destination_state
        .as_ref()
        .and_then(|state| state.recovery_info.as_ref());
    let destination = shown.destination.as_ref();
    let instance = shown
        .destination_state
        .as_ref()
        .and_then(|state| state.latest_instance.as_ref());
    // The text has been seen in place of nothing (VCDA wire rules 11).
    let vapp = recovery
        .and_then(|recovery| recovery.vapp_id.as_deref())
        .or_else(|| destination.and_then(|destination| destination.recovered_vapp_id.as_deref()))
        .filter(|vapp| *vapp != "null");
    let mut data = json!({
        "replication": replica.replication,
        "vm": shown.vm_name,
        "site": destination.and_then(|destination| destination.site.as_deref()),
        "recovery_state": recovery_state(shown).map(word),
        "recovered_vapp": vapp,
        "recovered_vm": recovery.and_then(|recovery| recovery.vcd_vm_id.as_deref().or(recovery.vm_id.as_deref())),
        "newest_instance": instance.and_then(|instance| instance.key.as_deref()),
        "newest_instance_at": instance.and_then(taken).map(|time| time.to_string()),
    });
    if let (Deed::Reverse, Some(members)) = (deed, data.as_object_mut()) {
        members.insert("destination_endpoint".to_owned(), json!(replica.opposite(at)));
    }
    data
}

/// When an instance was taken, by the service's clock.
pub(super) fn taken(instance: &ReplicaInstance) -> Option<farside_wire::Timestamp> {
    instance.timestamp.and_then(EpochMillis::get)
}
