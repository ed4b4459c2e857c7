//! A failover of a switch to its other DPU: asked for once, and seen in the states of the uplinks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use farside_models_vim::operation::{
    HOST_NETWORK_SYSTEM_START_DPU_FAILOVER, PROPERTY_COLLECTOR_RETRIEVE_PROPERTIES_EX,
};
use farside_transport::{
    CallError, CallErrorKind, Clock, Effect, ForeignOperation, OperationId, PollPolicy, RemoteOperation,
    TaskSource, TaskStatus, WaitError,
};
use farside_wire::Fault;
use serde::{Deserialize, Serialize};

use crate::client::{Host, HostNetwork};
use crate::dpu::{DpuId, SwitchDpus, switch_named};
use crate::error::HostNetworkError;
use crate::obstacle::{Certainty, Obstacle, obstacles};
use crate::switch::DistributedSwitch;

/// [`OperationId::kind`] of a move to another DPU. The server has no task for it; the id holds what is to be seen.
pub const DPU_FAILOVER: &str = "dpu-failover";

/// A failover that is wanted: which switch of which host, from which DPU to which. It can be stored, and looked for
/// later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DpuFailover {
    host: String,
    switch: String,
    from: Option<DpuId>,
    to: DpuId,
}

impl DpuFailover {
    /// The failover to `wanted`, or to the one DPU that stands by, as far as the host and its switch
    /// ([`HostNetwork::switch`]) show that it can be asked for. The DPU that is active already is as good as any:
    /// [`HostNetwork::start`] then sends nothing.
    ///
    /// What could not be found out keeps nothing from being planned, but for the DPU that works now; [`obstacles`] tells it.
    ///
    /// # Errors
    /// What keeps it from being asked for, and what may, in the order in which to mend it. Nothing has been sent.
    pub fn plan(
        host: &Host,
        switch: &DistributedSwitch,
        wanted: Option<&DpuId>,
    ) -> Result<Self, Vec<Obstacle>> {
        let name = &switch.name;
        let found = switch_named(host, name).ok_or_else(|| vec![Obstacle::no_switch(name)])?;
        let dpus = SwitchDpus::of(found, &host.nics);
        let from = dpus.active();
        let failover = |to: DpuId| Self {
            host: host.id.clone(),
            switch: name.clone(),
            from: from.clone(),
            to,
        };
        if let Some(wanted) = wanted.filter(|&wanted| from.as_ref() == Some(wanted)) {
            return Ok(failover(wanted.clone()));
        }
        let found = obstacles(host, &dpus, switch, wanted);
        let certain = found
            .iter()
            .any(|obstacle| obstacle.certainty == Certainty::Certain);
        // Without it, nobody could tell whether the switch has moved, and a request might move it back.
        match (
            certain || from.is_none(),
            wanted,
            dpus.standby().into_iter().next(),
        ) {
            (false, Some(wanted), _) => Ok(failover(wanted.clone())),
            (false, None, Some(standby)) => Ok(failover(standby)),
            _ => Err(found),
        }
    }

    /// Managed object id of the host.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Name of the switch.
    #[must_use]
    pub fn switch(&self) -> &str {
        &self.switch
    }

    /// The DPU that worked when the failover was planned, if it was one.
    #[must_use]
    pub fn from(&self) -> Option<&DpuId> {
        self.from.as_ref()
    }

    /// The DPU that is to work.
    #[must_use]
    pub fn to(&self) -> &DpuId {
        &self.to
    }
}

/// What [`HostNetwork::start`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum DpuStart {
    /// Nothing: the wanted DPU is active already.
    AlreadyActive,
    /// The host has taken the request. Whether the switch moves is seen by looking.
    Asked,
}

/// What the uplinks show of a failover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DpuVerdict {
    /// The wanted DPU is active.
    Moved,
    /// The DPU that worked before is active: not moved, not yet moved, or moved back. The states know no "on the way" (DPU
    /// rules 6.2).
    Unchanged,
    /// Neither: another DPU, more than one, or the host does not tell.
    Unclear {
        /// What is seen, for people.
        seen: String,
    },
}

impl HostNetwork {
    /// Asks for a failover, if a [fresh look](HostNetwork::fresh_host) shows the DPU active that worked when it was planned. At most one request is taken
    /// (`HostNetworkSystem.startDpuFailover`, privilege `Host.Config.Network`, since 8.0.3.0): one that met a session that had
    /// ended is sent once more, after another look. `alias` is passed on as it
    /// is; left out, the system chooses the DPU.
    ///
    /// # Errors
    /// [`HostNetworkError`]; `Unclear` where the look shows neither that DPU nor the wanted one: a request might move the
    /// switch back, so none was sent. The effect of its [call](HostNetworkError::call) says whether the switch may move all the
    /// same: the move can cut the connection that was to bring the answer. [`HostNetwork::verify`] tells.
    ///
    /// # Cancel safety
    /// A dropped future leaves the outcome unknown.
    pub async fn start(
        &self,
        failover: &DpuFailover,
        alias: Option<&str>,
    ) -> Result<DpuStart, HostNetworkError> {
        match self.look_and_ask(failover, alias).await {
            // Nothing was done. The next look tells whether the request is still right.
            Err(error) if error.call().is_some_and(CallError::lacked_session) => {
                self.look_and_ask(failover, alias).await
            }
            other => other,
        }
    }

    async fn look_and_ask(
        &self,
        failover: &DpuFailover,
        alias: Option<&str>,
    ) -> Result<DpuStart, HostNetworkError> {
        let host = self.fresh_host(&failover.host).await?;
        match judge(&host, failover) {
            DpuVerdict::Moved => Ok(DpuStart::AlreadyActive),
            DpuVerdict::Unchanged => {
                self.start_dpu_failover(&host, &failover.switch, alias).await?;
                Ok(DpuStart::Asked)
            }
            DpuVerdict::Unclear { seen } => Err(HostNetworkError::Unclear {
                host: host.id,
                switch: failover.switch.clone(),
                seen,
            }),
        }
    }

    /// Looks what became of a failover, by the states of the uplinks (DPU rules 6.1), after the host has
    /// [read them anew](HostNetwork::fresh_host).
    ///
    /// # Errors
    /// [`HostNetworkError`]; nothing changed.
    pub async fn verify(&self, failover: &DpuFailover) -> Result<DpuVerdict, HostNetworkError> {
        let host = self.fresh_host(&failover.host).await?;
        Ok(judge(&host, failover))
    }

    /// Looks as often as a wait does, whether the switch has moved: without a refresh, which is left to the next look where there is
    /// nothing to see yet. One that fails ends no wait, and is told: the next look may show nothing for want of it.
    async fn glance(
        &self,
        failover: &DpuFailover,
    ) -> Result<(bool, Option<HostNetworkError>), HostNetworkError> {
        let host = self.host(&failover.host).await?;
        if judge(&host, failover) == DpuVerdict::Moved {
            return Ok((true, None));
        }
        Ok((false, self.refresh(&host).await.err()))
    }

    /// The failover as remote work to wait for: it has succeeded when the wanted DPU is active. It never fails, since no
    /// state says so; a wait ends at its deadline, also where the host cannot be read until then, and
    /// [`DpuWork::unread`] tells why. Nothing is sent but reads, and [refreshes](HostNetwork::refresh) between them.
    #[must_use]
    pub fn operation(&self, failover: &DpuFailover) -> DpuWork {
        self.work(self.id_of(failover))
    }

    /// The failover that a stored id names. Nothing is sent.
    ///
    /// # Errors
    /// [`ForeignOperation`] for an id of another kind or of another vCenter, or one that names no failover.
    pub fn attach(&self, id: OperationId) -> Result<DpuWork, ForeignOperation> {
        let looks = DpuFailovers::new(self.clone());
        looks.named_by(&id)?;
        Ok(DpuWork::new(id, looks))
    }

    fn work(&self, id: OperationId) -> DpuWork {
        DpuWork::new(id, DpuFailovers::new(self.clone()))
    }

    fn id_of(&self, failover: &DpuFailover) -> OperationId {
        let text = serde_json::to_string(failover).expect("a failover is written as JSON");
        OperationId::new(DPU_FAILOVER, self.vim().endpoint(), text)
    }

    /// Asks for a failover and waits until the wanted DPU is active, also when the call itself cut the connection or its answer
    /// was lost for another reason. Exactly one request goes out, or none if the DPU is active already.
    ///
    /// # Errors
    /// [`DpuFailoverError`]; `Start` means that the switch does not move, `Wait` that nobody knows.
    ///
    /// # Cancel safety
    /// A dropped future leaves the outcome unknown; [`HostNetwork::verify`] tells.
    pub async fn fail_over(
        &self,
        failover: &DpuFailover,
        alias: Option<&str>,
        limit: Duration,
        policy: PollPolicy,
    ) -> Result<DpuStart, DpuFailoverError> {
        let started = match self.start(failover, alias).await {
            Ok(DpuStart::AlreadyActive) => return Ok(DpuStart::AlreadyActive),
            Ok(DpuStart::Asked) => None,
            Err(error) if may_have_asked(&error) => Some(error),
            Err(error) => return Err(DpuFailoverError::Start(error)),
        };
        let clock = Arc::clone(self.vim().clock());
        match self.operation(failover).until_done(limit, &*clock, policy).await {
            Ok(()) => Ok(DpuStart::Asked),
            Err(DpuWaitError { source, unread }) => Err(DpuFailoverError::Wait {
                source,
                start: started,
                unread,
            }),
        }
    }
}

/// Whether the request itself may have been taken. That a look before it was lost says nothing about it.
fn may_have_asked(error: &HostNetworkError) -> bool {
    error.call().is_some_and(|call| {
        let is_request = call.operation().id == HOST_NETWORK_SYSTEM_START_DPU_FAILOVER.id;
        is_request && call.effect() == Effect::Unknown
    })
}

fn judge(host: &Host, failover: &DpuFailover) -> DpuVerdict {
    let Some(switch) = switch_named(host, &failover.switch) else {
        return DpuVerdict::Unclear {
            seen: format!("the host shows no switch {:?}", failover.switch),
        };
    };
    let dpus = SwitchDpus::of(switch, &host.nics);
    match dpus.active() {
        Some(active) if active == failover.to => DpuVerdict::Moved,
        Some(active) if failover.from.as_ref() == Some(&active) => DpuVerdict::Unchanged,
        _ => DpuVerdict::Unclear {
            seen: dpus.describe(),
        },
    }
}

/// A failover that was not seen to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DpuFailoverError {
    /// It could not be asked for, and the switch does not move by it.
    #[error("the failover could not be asked for")]
    Start(#[source] HostNetworkError),
    /// It was asked for, or may have been, and the wanted DPU was not seen active. It may become so yet.
    #[error("the failover was not seen to its end{}{}", Unheard(.start.as_ref()), Unread(.unread.as_deref()))]
    Wait {
        /// Why the wait ended.
        #[source]
        source: WaitError,
        /// Why the answer to the request is not known, if it is not.
        start: Option<HostNetworkError>,
        /// Why the last look at the host showed nothing, if it did not.
        unread: Option<Box<HostNetworkError>>,
    },
}

struct Unheard<'a>(Option<&'a HostNetworkError>);

impl std::fmt::Display for Unheard<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(error) => write!(f, ", whose request had no answer ({error})"),
            None => Ok(()),
        }
    }
}

struct Unread<'a>(Option<&'a HostNetworkError>);

impl std::fmt::Display for Unread<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(error) => write!(f, ", and the last look showed nothing ({error})"),
            None => Ok(()),
        }
    }
}

/// A failover as remote work ([`HostNetwork::operation`], [`HostNetwork::attach`]): a [`RemoteOperation`] that remembers why its last
/// look at the host showed nothing.
#[derive(Clone, Debug)]
pub struct DpuWork {
    work: RemoteOperation<()>,
    looks: Arc<DpuFailovers>,
}

/// A wait that ended before the wanted DPU was seen active. It may become so yet.
#[derive(Debug, thiserror::Error)]
#[error("the failover was not seen to its end{}", Unread(.unread.as_deref()))]
pub struct DpuWaitError {
    /// Why the wait ended.
    #[source]
    pub source: WaitError,
    /// Why the last look at the host showed nothing, if it did not.
    pub unread: Option<Box<HostNetworkError>>,
}

impl DpuWork {
    fn new(id: OperationId, looks: DpuFailovers) -> Self {
        let looks = Arc::new(looks);
        let work = RemoteOperation::new(id, Arc::clone(&looks) as _, |_| Ok(()));
        Self { work, looks }
    }

    /// Finds the work again.
    #[must_use]
    pub fn id(&self) -> &OperationId {
        self.work.id()
    }

    /// The same as work of any kind, whose waits do not tell why a look showed nothing; [`DpuWork::unread`] does.
    #[must_use]
    pub fn remote(&self) -> &RemoteOperation<()> {
        &self.work
    }

    /// Why the last look at the host showed nothing, if it did not; `None` before the first one. Taken by the call.
    #[must_use]
    pub fn unread(&self) -> Option<HostNetworkError> {
        self.looks.unread().take()
    }

    /// Looks again and again until the wanted DPU is active or `limit` has passed.
    ///
    /// # Errors
    /// [`DpuWaitError`]; the switch may move yet.
    ///
    /// # Cancel safety
    /// Dropping the future ends the wait and changes nothing at the server.
    pub async fn until_done(
        &self,
        limit: Duration,
        clock: &dyn Clock,
        policy: PollPolicy,
    ) -> Result<(), DpuWaitError> {
        let outcome = self.work.until_done(limit, clock, policy).await;
        outcome.map_err(|source| DpuWaitError {
            source,
            unread: self.unread().map(Box::new),
        })
    }
}

/// Looks at failovers. A host that is being moved may not be told of for a while: such a look shows no end, and is remembered.
#[derive(Debug)]
struct DpuFailovers {
    network: HostNetwork,
    unread: Mutex<Option<HostNetworkError>>,
}

impl DpuFailovers {
    fn new(network: HostNetwork) -> Self {
        Self {
            network,
            unread: Mutex::new(None),
        }
    }

    /// The failover that an id names.
    fn named_by(&self, id: &OperationId) -> Result<DpuFailover, ForeignOperation> {
        id.expect(DPU_FAILOVER, self.network.vim().endpoint())?;
        serde_json::from_str(&id.id).map_err(|error| id.malformed(DPU_FAILOVER, error))
    }

    /// Why the last look showed nothing.
    fn unread(&self) -> MutexGuard<'_, Option<HostNetworkError>> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TaskSource for DpuFailovers {
    async fn poll(&self, id: &OperationId) -> Result<TaskStatus, CallError> {
        let failover = self.named_by(id);
        let failover =
            failover.map_err(|foreign| foreign.not_sent(&PROPERTY_COLLECTOR_RETRIEVE_PROPERTIES_EX))?;
        let (status, unread) = match self.network.glance(&failover).await {
            Ok((true, unread)) => (TaskStatus::Succeeded { result: None }, unread),
            Ok((false, unread)) => (TaskStatus::Running { progress: None }, unread),
            Err(HostNetworkError::Call { source, .. }) if !is_about_the_host(&source) => return Err(source),
            Err(unread) => (TaskStatus::Running { progress: None }, Some(unread)),
        };
        *self.unread() = unread;
        Ok(status)
    }
}

/// Whether vCenter says that it cannot read the host now (DPU rules, section 2), rather than that nobody may, or that there is
/// none.
fn is_about_the_host(error: &CallError) -> bool {
    let lasts = |fault: &Fault| matches!(fault.type_name(), "NoPermission" | "ManagedObjectNotFound");
    matches!(error.kind(), CallErrorKind::Status(answer) if answer.status.as_u16() == 500)
        && error.fault().is_some_and(|fault| !lasts(fault))
}
