//! Changes of the configuration of a machine: decided from a look, made, and read back.

use std::time::Duration;

use farside_models_vim::{ConcurrentAccess, ReconfigVMRequest, VirtualMachineConfigSpec};
use farside_transport::{Deadline, RemoteOperation};

use super::VirtualMachine;
use super::power::goes_on;
use crate::error::WorkErrorKind;
use crate::object::ManagedObject;
use crate::properties::ObjectProperties;
use crate::task::no_result;
use crate::work::{Time, run};

/// How often a change is decided anew because somebody else changed the machine in between.
const MOST_CHANGES: u32 = 5;

/// How long a machine gets to show what a task has changed: a running one may take a moment to connect a card.
const SETTLE: Duration = Duration::from_secs(10);

/// How a machine reads after a change.
pub(super) struct Changed {
    /// What was read last.
    pub(super) seen: ObjectProperties,
    /// Whether that is as wanted.
    pub(super) is_so: bool,
}

impl VirtualMachine {
    /// Changes the configuration until it is as wanted. `lacks` says what is still to be changed, from a look at `paths`, which
    /// hold the change version; `None` when nothing is. If somebody else changes the machine in between, it is read again and
    /// decided anew. A call that may have happened is not repeated: its effect is waited for.
    pub(super) async fn bring_about<L>(
        &self,
        time: Time,
        paths: &'static [&'static str],
        lacks: L,
    ) -> Result<Changed, WorkErrorKind>
    where
        L: Fn(&ObjectProperties) -> Result<Option<VirtualMachineConfigSpec>, WorkErrorKind>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        for _ in 0..MOST_CHANGES {
            let seen = self.see(time, paths).await?;
            let Some(mut spec) = lacks(&seen)? else {
                return Ok(Changed { seen, is_so: true });
            };
            let property = Self::CHANGE_VERSION.as_str();
            let version = seen.at(Self::CHANGE_VERSION);
            spec.change_version = version.map_err(|source| WorkErrorKind::Unreadable { property, source })?;
            let request = ReconfigVMRequest::new(spec);
            let Err(kind) = run(self.client(), time, || self.reconfigure(&request)).await else {
                break;
            };
            if kind.as_fault::<ConcurrentAccess>().is_some() {
                continue;
            }
            if !goes_on(&kind) {
                return Err(kind);
            }
            self.wait_for(time.deadline, &self.until(paths, lacks.clone()))
                .await?;
            break;
        }
        let seen = self.see(time, paths).await?;
        if lacks(&seen)?.is_none() {
            return Ok(Changed { seen, is_so: true });
        }
        let settled = Deadline::after(&**self.client().clock(), SETTLE.min(time.left(self.client())));
        let is_so = self.wait_for(settled, &self.until(paths, lacks)).await?.is_some();
        let seen = if is_so { self.see(time, paths).await? } else { seen };
        Ok(Changed { seen, is_so })
    }

    /// Reads properties of the machine, which has to be there, if they come in time.
    pub(crate) async fn see(
        &self,
        time: Time,
        paths: &[&'static str],
    ) -> Result<ObjectProperties, WorkErrorKind> {
        let seen = time.within(self.client(), self.look(paths)).await?;
        seen.ok_or(WorkErrorKind::Absent {
            property: paths.first().copied().unwrap_or_default(),
            fault: None,
        })
    }

    /// Until nothing is lacking.
    fn until<L>(&self, paths: &'static [&'static str], lacks: L) -> RemoteOperation<()>
    where
        L: Fn(&ObjectProperties) -> Result<Option<VirtualMachineConfigSpec>, WorkErrorKind>
            + Send
            + Sync
            + 'static,
    {
        self.watch(
            paths,
            move |seen| lacks(seen).ok()?.is_none().then_some(None),
            no_result,
        )
    }
}
