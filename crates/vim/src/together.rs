//! Machines powered on together: a call whose success says nothing about any of them.

use std::time::Duration;

use farside_models_vim::operation::{
    CLUSTER_COMPUTE_RESOURCE_APPLY_RECOMMENDATION, DATACENTER_POWER_ON_MULTI_VM_TASK,
};
use farside_models_vim::{
    ApplyRecommendationRequest, ClusterPowerOnVmResult, ClusterRecommendation, InvalidPowerState,
    OptionValue, PowerOnMultiVMRequest, VirtualMachinePowerState,
};
use farside_wire::{ManagedObjectReference, Object};
use futures_util::future::join_all;

use crate::error::{WorkError, WorkErrorKind};
use crate::object::ManagedObject;
use crate::path::PropertyPath;
use crate::task::no_result;
use crate::vm::{Look, MovedOrCopied, Started, VirtualMachine, goes_on};
use crate::work::{Time, finish};

crate::managed_object! {
    /// A datacenter.
    pub struct Datacenter = "Datacenter";
}

crate::methods! {
    Datacenter {
        /// Powers machines of the datacenter on. That the task succeeds says nothing about any of them; see also
        /// [`Datacenter::start_all`].
        act power_on_multi_vm(request: &PowerOnMultiVMRequest) -> task ClusterPowerOnVmResult = DATACENTER_POWER_ON_MULTI_VM_TASK;
    }
}

crate::managed_object! {
    /// A cluster.
    pub struct ClusterComputeResource = "ClusterComputeResource";
}

crate::methods! {
    ClusterComputeResource {
        /// Applies a recommendation, which can be done once: it is begun when the call answers. See also
        /// [`VirtualMachine::start_as_recommended`].
        act apply_recommendation(request: &ApplyRecommendationRequest) -> nothing = CLUSTER_COMPUTE_RESOURCE_APPLY_RECOMMENDATION;
    }
}

/// What became of one of the machines that were powered on together.
pub type StartedTogether = Result<Started, WorkError>;

impl Datacenter {
    /// Powers machines of the datacenter on and sees each of them on: one outcome for each, in their order.
    ///
    /// One call for all (`PowerOnMultiVM_Task`); then its result is looked into machine by machine. One that was attempted is
    /// followed as [`VirtualMachine::start`] does, its question answered as said; one that was not, and is not on, has the
    /// server's fault ([`WorkErrorKind::NotAttempted`]) or waits for somebody to apply a recommendation
    /// ([`WorkErrorKind::Recommended`]; [`VirtualMachine::start_as_recommended`] does that).
    ///
    /// # Errors
    /// [`WorkErrorKind::Call`] and [`WorkErrorKind::Wait`] when the call or its task as a whole failed. If nobody knows what
    /// became of it, each machine is looked at until it is on, and [`WorkErrorKind::Late`] if it is not in time. What befell
    /// single machines is in their outcomes.
    ///
    /// # Cancel safety
    /// A dropped future leaves the tasks and standing questions as they are.
    pub async fn start_all(
        &self,
        machines: &[VirtualMachine],
        options: &[OptionValue],
        answer: Option<MovedOrCopied>,
        limit: Duration,
    ) -> Result<Vec<StartedTogether>, WorkError> {
        let look = Look::of(self.client(), answer, limit);
        let result = match self.place(machines, options, look.time).await {
            Ok(result) => result,
            // Nobody knows what became of it: it is not repeated, but its effect waited for.
            Err(kind) if goes_on(&kind) || matches!(kind, WorkErrorKind::Late { .. }) => {
                let unheard = machines.iter().map(|machine| look_for(machine, look));
                return Ok(join_all(unheard).await);
            }
            Err(kind) => return Err(kind.about("powering on machines of", self.reference())),
        };
        let followed = machines.iter().map(|machine| follow(machine, &result, look));
        Ok(join_all(followed).await)
    }

    async fn place(
        &self,
        machines: &[VirtualMachine],
        options: &[OptionValue],
        time: Time,
    ) -> Result<ClusterPowerOnVmResult, WorkErrorKind> {
        if machines.is_empty() {
            return Ok(ClusterPowerOnVmResult::default());
        }
        let references = machines
            .iter()
            .map(|machine| machine.reference().clone())
            .collect();
        let options = options.iter().map(Object::new).collect();
        let request = PowerOnMultiVMRequest::new(references).with_option(options);
        let task = time
            .within(self.client(), self.power_on_multi_vm(&request))
            .await?;
        finish(self.client(), time.deadline, &task).await
    }
}

/// What the result says of a machine.
enum Fate<'a> {
    Attempted(Option<&'a ManagedObjectReference>),
    Not(WorkErrorKind),
}

fn fate<'a>(machine: &ManagedObjectReference, result: &'a ClusterPowerOnVmResult) -> Fate<'a> {
    let is = |other: &ManagedObjectReference| other.value == machine.value;
    if let Some(entry) = result.attempted.iter().find(|entry| is(&entry.vm)) {
        return Fate::Attempted(entry.task.as_ref());
    }
    if let Some(entry) = result.not_attempted.iter().find(|entry| is(&entry.vm)) {
        return Fate::Not(WorkErrorKind::NotAttempted(entry.fault.clone()));
    }
    let recommendations = result.recommendations.iter();
    let about: Vec<_> = recommendations
        .filter(|recommendation| is_about(recommendation, machine))
        .cloned()
        .collect();
    if about.is_empty() {
        Fate::Not(WorkErrorKind::NotMentioned)
    } else {
        Fate::Not(WorkErrorKind::Recommended(about))
    }
}

fn is_about(recommendation: &ClusterRecommendation, machine: &ManagedObjectReference) -> bool {
    let actions = recommendation.action.iter();
    let targets = actions.filter_map(|action| action.base().ok()?.target);
    let mut targets = recommendation.target.iter().cloned().chain(targets);
    targets.any(|target| target.value == machine.value)
}

/// The path from a machine to its cluster.
const POOL: PropertyPath<VirtualMachine, ManagedObjectReference> = PropertyPath::new("resourcePool");
const OWNER: &str = "owner";

impl VirtualMachine {
    /// Starts a machine that DRS in manual mode has left off, by applying what it recommends for it, and sees it on as
    /// [`VirtualMachine::start`] does: of the recommendations in [`WorkErrorKind::Recommended`], the one with the best rating that
    /// is about this machine, after those that it needs first. Somebody has to want that: DRS was told not to act by itself.
    /// (`ApplyRecommendation`; vVol recovery rules 7.2.)
    ///
    /// # Errors
    /// [`WorkErrorKind::NoRecommendation`], with nothing applied; [`WorkErrorKind::Call`] if one was refused, as when it was
    /// applied before or is out of date: power on anew for others; [`WorkErrorKind::Late`] and others as
    /// [`VirtualMachine::start`].
    ///
    /// # Cancel safety
    /// A dropped future leaves what was begun, and a standing question, as they are.
    pub async fn start_as_recommended(
        &self,
        recommendations: &[ClusterRecommendation],
        answer: Option<MovedOrCopied>,
        limit: Duration,
    ) -> Result<Started, WorkError> {
        let look = Look::of(self.client(), answer, limit);
        let started = self.follow_recommendation(recommendations, look).await;
        started.map_err(|kind| kind.about("starting", self.reference()))
    }

    async fn follow_recommendation(
        &self,
        recommendations: &[ClusterRecommendation],
        look: Look,
    ) -> Result<Started, WorkErrorKind> {
        let (client, time) = (self.client(), look.time);
        let about = recommendations
            .iter()
            .filter(|recommendation| is_about(recommendation, self.reference()));
        let best = about.max_by_key(|recommendation| recommendation.rating);
        let best = best.ok_or(WorkErrorKind::NoRecommendation)?;
        if self.power_within(time).await? == VirtualMachinePowerState::PoweredOn {
            return Ok(Started::WasOn);
        }
        let cluster = time.within(client, self.cluster()).await?;
        for key in best.prerequisite.iter().chain([&best.key]) {
            let request = ApplyRecommendationRequest::new(key);
            match time.within(client, cluster.apply_recommendation(&request)).await {
                Ok(()) => {}
                // It is not applied again: whether the machine comes on tells.
                Err(kind) if goes_on(&kind) => {}
                Err(kind) => return Err(kind),
            }
        }
        self.comes_on(None, look).await
    }

    /// The cluster that its resource pool belongs to.
    async fn cluster(&self) -> Result<ClusterComputeResource, WorkErrorKind> {
        let pool = self.property(POOL).await?;
        let seen = self
            .client()
            .properties(&[pool], "ResourcePool", &[OWNER])
            .await?;
        let seen = seen.first();
        let owner = seen.map(|seen| seen.get(OWNER)).transpose();
        let owner = owner.map_err(|source| WorkErrorKind::Unreadable {
            property: OWNER,
            source,
        })?;
        let owner = owner.flatten().ok_or_else(|| WorkErrorKind::Absent {
            property: OWNER,
            fault: seen.and_then(|seen| seen.fault(OWNER).cloned()),
        })?;
        Ok(ClusterComputeResource::of(self.client(), owner))
    }
}

async fn follow(machine: &VirtualMachine, result: &ClusterPowerOnVmResult, look: Look) -> StartedTogether {
    let outcome = match fate(machine.reference(), result) {
        Fate::Attempted(task) => {
            let task = task.map(|task| machine.client().task(task, no_result));
            machine.comes_on(task.as_ref(), look).await
        }
        Fate::Not(kind) => Err(kind),
    };
    let outcome = match outcome {
        Err(kind) if says_on(&kind) => Ok(Started::WasOn),
        Err(kind) if is_not_attempted(&kind) => match machine.power_within(look.time).await {
            Ok(VirtualMachinePowerState::PoweredOn) => Ok(Started::WasOn),
            Err(unseen) if matches!(kind, WorkErrorKind::NotMentioned) => Err(unseen),
            _ => Err(kind),
        },
        outcome => outcome,
    };
    outcome.map_err(|kind| kind.about("starting", machine.reference()))
}

/// Looks at a machine of a call whose outcome nobody knows.
async fn look_for(machine: &VirtualMachine, look: Look) -> StartedTogether {
    let outcome = match machine.comes_on(None, look).await {
        // The call itself may have taken all the time.
        Err(late @ WorkErrorKind::Late { .. }) => match machine.power_within(look.time).await {
            Ok(VirtualMachinePowerState::PoweredOn) => Ok(Started::On { answered: false }),
            _ => Err(late),
        },
        outcome => outcome,
    };
    outcome.map_err(|kind| kind.about("starting", machine.reference()))
}

/// Whether the result says that nothing was tried with a machine, or nothing at all, so that its power state tells.
fn is_not_attempted(kind: &WorkErrorKind) -> bool {
    matches!(
        kind,
        WorkErrorKind::NotMentioned | WorkErrorKind::NotAttempted(_) | WorkErrorKind::Recommended(_)
    )
}

/// Whether a fault says that the machine is on already.
fn says_on(kind: &WorkErrorKind) -> bool {
    let fault = kind.as_fault::<InvalidPowerState>();
    fault.is_some_and(|fault| fault.existing_state == VirtualMachinePowerState::PoweredOn)
}
