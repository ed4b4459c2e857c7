//! Waiting until properties of a machine are as wanted: remote work as any other, whose look is a read of properties.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use farside_transport::{
    CallError, Deadline, Duty, NextLook, OperationId, PollPolicy, RemoteOperation, TaskSource, TaskStatus,
    WaitErrorKind,
};
use farside_wire::{DecodeError, RawJson};

use super::VirtualMachine;
use crate::error::WorkErrorKind;
use crate::object::ManagedObject;
use crate::path::PropertyPath;
use crate::properties::ObjectProperties;
use crate::task::is_unknown_object;

/// What is waited for: `Some` with the result once it is there.
type Condition = dyn Fn(&ObjectProperties) -> Option<Option<RawJson>> + Send + Sync;

/// Looks at properties of one machine.
struct Watch {
    vm: VirtualMachine,
    paths: &'static [&'static str],
    condition: Box<Condition>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("vm", &self.vm.reference())
            .field("paths", &self.paths)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl TaskSource for Watch {
    /// A machine that is not in the inventory is [`TaskStatus::Gone`].
    async fn poll(&self, _id: &OperationId) -> Result<TaskStatus, CallError> {
        match self.vm.look(self.paths).await {
            Ok(seen) => Ok(self.status(seen.as_ref())),
            Err(error) if error.fault().is_some_and(is_unknown_object) => Ok(TaskStatus::Gone),
            Err(error) => Err(error),
        }
    }

    /// Looks together with all other waits of this client for properties of machines.
    async fn next(&self, _id: &OperationId, look: NextLook<'_>) -> Result<TaskStatus, CallError> {
        let client = self.vm.client();
        let seen = client.looks().look(client, self.vm.reference(), self.paths, look);
        Ok(self.status(seen.await?.as_ref()))
    }

    fn comes_again_after(&self) -> Option<Duration> {
        Some(Duty::LONGEST_SILENCE)
    }
}

impl Watch {
    fn status(&self, seen: Option<&ObjectProperties>) -> TaskStatus {
        match seen.map(|seen| (self.condition)(seen)) {
            None => TaskStatus::Gone,
            Some(Some(result)) => TaskStatus::Succeeded { result },
            Some(None) => TaskStatus::Running { progress: None },
        }
    }
}

impl VirtualMachine {
    /// Reads properties of the machine; `None` if the server leaves it out.
    pub(crate) async fn look(&self, paths: &[&str]) -> Result<Option<ObjectProperties>, CallError> {
        let object = std::slice::from_ref(self.reference());
        let seen = self.client().properties(object, Self::TYPE_NAME, paths).await?;
        Ok(seen.into_iter().next())
    }

    /// Reads one property, which has to be there.
    pub(crate) async fn property<T: farside_wire::Read>(
        &self,
        path: PropertyPath<Self, T>,
    ) -> Result<T, WorkErrorKind> {
        let seen = self.look(&[path.as_str()]).await?;
        let property = path.as_str();
        let value = seen.as_ref().map(|seen| seen.at(path)).transpose();
        let value = value.map_err(|source| WorkErrorKind::Unreadable { property, source })?;
        value.flatten().ok_or_else(|| WorkErrorKind::Absent {
            property,
            fault: seen.and_then(|seen| seen.fault(property).cloned()),
        })
    }

    /// The wait until properties are as wanted.
    pub(crate) fn watch<T>(
        &self,
        paths: &'static [&'static str],
        condition: impl Fn(&ObjectProperties) -> Option<Option<RawJson>> + Send + Sync + 'static,
        decode: impl Fn(Option<RawJson>) -> Result<T, DecodeError> + Send + Sync + 'static,
    ) -> RemoteOperation<T> {
        let watch = Watch {
            vm: self.clone(),
            paths,
            condition: Box::new(condition),
        };
        let id = OperationId::new("vim-properties", self.client().endpoint(), self.id());
        RemoteOperation::new(id, Arc::new(watch), decode)
    }

    /// Waits until properties are as wanted; `None` if the time was up before.
    pub(crate) async fn wait_for<T>(
        &self,
        deadline: Deadline,
        wanted: &RemoteOperation<T>,
    ) -> Result<Option<T>, WorkErrorKind> {
        let clock = &**self.client().clock();
        let outcome = wanted
            .until_done(deadline.left(clock), clock, PollPolicy::default())
            .await;
        match outcome {
            Ok(result) => Ok(Some(result)),
            Err(error) if matches!(error.kind(), WaitErrorKind::Deadline { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
