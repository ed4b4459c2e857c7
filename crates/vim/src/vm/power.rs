//! Off: by the guest, and by the plug if the guest does not.

use std::time::Duration;

use farside_models_vim::{
    HostCommunication, InvalidPowerState, InvalidState, SystemError, Timedout, ToolsUnavailable,
    VirtualMachinePowerState,
};
use farside_transport::{CallError, Deadline, Effect};
use farside_wire::Fault;

use super::VirtualMachine;
use crate::error::{WorkError, WorkErrorKind};
use crate::object::ManagedObject;
use crate::task::no_result;
use crate::work::{Time, makes_way, run};

/// What is read to see whether a machine is off.
const POWER: &[&str] = &[VirtualMachine::POWER_STATE.as_str()];

/// How long a machine gets to go off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutDown {
    /// For its guest, to shut itself down. Zero: the guest is not asked.
    pub guest: Duration,
    /// For being switched off, when the guest did not do it.
    pub power_off: Duration,
}

/// What a machine went off by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByWhat {
    /// It was off before.
    WasOff,
    /// Its guest shut itself down.
    Guest,
    /// It was switched off.
    PowerOff,
}

impl VirtualMachine {
    /// Whether it is off.
    ///
    /// # Errors
    /// [`WorkErrorKind::Call`], [`WorkErrorKind::Absent`], [`WorkErrorKind::Unreadable`]. Nothing was changed.
    pub async fn is_off(&self) -> Result<bool, WorkError> {
        let state = self.property(Self::POWER_STATE).await;
        let state = state.map_err(|kind| kind.about("looking at the power of", self.reference()))?;
        Ok(state == VirtualMachinePowerState::PoweredOff)
    }

    /// Shuts its guest down; if that cannot be asked for, or is not done in time, switches it off. Off is what the power
    /// state says at the end, whatever became of the calls: a call whose answer was lost is not repeated, but its effect
    /// waited for. (`ShutdownGuest`, `PowerOffVM_Task`; vVol recovery rules 3.1.)
    ///
    /// # Errors
    /// [`WorkErrorKind::Late`] if it was not off in time; it may go off later. [`WorkErrorKind::Call`] and
    /// [`WorkErrorKind::Wait`] for what a call or the task ended with.
    ///
    /// # Cancel safety
    /// A dropped future leaves the machine as far as it is; a guest that was asked goes on shutting down.
    pub async fn shut_down(&self, limits: ShutDown) -> Result<ByWhat, WorkError> {
        let gone = self.go_off(limits).await;
        gone.map_err(|kind| kind.about("shutting down", self.reference()))
    }

    pub(crate) async fn go_off(&self, limits: ShutDown) -> Result<ByWhat, WorkErrorKind> {
        let whole = Time::of(
            self.client(),
            "off",
            limits.guest.saturating_add(limits.power_off),
        );
        if self.power_within(whole).await? == VirtualMachinePowerState::PoweredOff {
            return Ok(ByWhat::WasOff);
        }
        if !limits.guest.is_zero() && self.by_guest(limits.guest).await? {
            return Ok(ByWhat::Guest);
        }
        self.by_plug(limits.power_off).await?;
        Ok(ByWhat::PowerOff)
    }

    /// Its power state, if it is told in time.
    pub(crate) async fn power_within(&self, time: Time) -> Result<VirtualMachinePowerState, WorkErrorKind> {
        time.within(self.client(), self.property(Self::POWER_STATE)).await
    }

    /// Whether the guest did it in time.
    async fn by_guest(&self, limit: Duration) -> Result<bool, WorkErrorKind> {
        let time = Time::of(self.client(), "off", limit);
        loop {
            let Err(kind) = time.within(self.client(), self.shutdown_guest()).await else {
                break;
            };
            if makes_way(self.client(), time.deadline, &kind).await {
                continue;
            }
            if goes_on(&kind) || matches!(kind, WorkErrorKind::Late { .. }) {
                break;
            }
            // No Tools, or not in a state for it: the guest will not do it.
            let hopeless =
                kind.as_fault::<ToolsUnavailable>().is_some() || kind.as_fault::<InvalidState>().is_some();
            if hopeless || kind.other_task().is_some() {
                return Ok(false);
            }
            // Whatever else it may be: the guest may go off, and is switched off if it does not.
            match &kind {
                WorkErrorKind::Call(error) if error.effect() == Effect::Unknown => break,
                _ => return Err(kind),
            }
        }
        self.wait_off(time.deadline).await
    }

    async fn by_plug(&self, limit: Duration) -> Result<(), WorkErrorKind> {
        let time = Time::of(self.client(), "off", limit);
        let refused = match run(self.client(), time, || self.power_off()).await {
            Ok(()) => None,
            Err(kind) if goes_on(&kind) => Some(kind),
            // It may be off all the same. If the look fails too, the first failure says more.
            Err(kind) => match self.power_within(time).await {
                Ok(VirtualMachinePowerState::PoweredOff) => return Ok(()),
                _ => return Err(kind),
            },
        };
        if self.wait_off(time.deadline).await? {
            return Ok(());
        }
        let refused = refused.filter(|kind| kind.fault().is_some());
        Err(refused.unwrap_or_else(|| time.late()))
    }

    async fn wait_off(&self, deadline: Deadline) -> Result<bool, WorkErrorKind> {
        let off = self.watch(
            POWER,
            |seen| {
                let state = seen.at(Self::POWER_STATE).ok().flatten();
                (state == Some(VirtualMachinePowerState::PoweredOff)).then_some(None)
            },
            no_result,
        );
        Ok(self.wait_for(deadline, &off).await?.is_some())
    }
}

/// Whether a fault leaves open what was done: the server or the host behind it broke off amid it.
fn is_in_doubt(fault: &Fault) -> bool {
    fault.is_a::<SystemError>() || fault.is_a::<HostCommunication>() || fault.is_a::<Timedout>()
}

/// Whether what was asked for may have happened all the same, so that the state tells: the machine says that it is in
/// another power state than the call needs, or nobody knows what became of the call or its task.
pub(crate) fn goes_on(kind: &WorkErrorKind) -> bool {
    let lost = |error: &CallError| error.effect() == Effect::Unknown && error.fault().is_none_or(is_in_doubt);
    match kind {
        _ if kind.as_fault::<InvalidPowerState>().is_some() => true,
        WorkErrorKind::Call(error) => lost(error),
        WorkErrorKind::Wait(error) => !matches!(error.kind(), farside_transport::WaitErrorKind::Failed(_)),
        _ => false,
    }
}
