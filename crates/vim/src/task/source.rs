//! Looks at vim tasks.

use std::time::Duration;

use async_trait::async_trait;
use farside_models_vim::operation::{TASK_CANCEL_TASK, TASK_GET_INFO};
use farside_models_vim::{ManagedObjectNotFound, TaskInfo, TaskInfoState};
use farside_transport::{
    CallError, Duty, ForeignOperation, NextLook, OperationId, RemoteOperation, TaskSource, TaskStatus,
};
use farside_wire::{
    Any, DataType as _, DecodeError, Fault, ManagedObjectReference, MethodFault, Operation, RawJson, Read,
    ServiceError,
};

use super::Task;
use crate::client::VimClient;
use crate::invocation::Invocation;

/// [`OperationId::kind`] of vim tasks.
pub const VIM_TASK: &str = "vim-task";

/// Looks at the vim tasks of one vCenter.
#[derive(Clone, Debug)]
pub struct VimTasks {
    vim: VimClient,
}

impl VimTasks {
    /// The tasks of the vCenter behind `vim`.
    #[must_use]
    pub fn new(vim: VimClient) -> Self {
        Self { vim }
    }

    /// Makes sure that a call is about a task of this vCenter.
    fn check(&self, id: &OperationId, call: &'static Operation) -> Result<(), CallError> {
        let own = id.expect(VIM_TASK, self.vim.endpoint());
        own.map_err(|foreign| foreign.not_sent(call))
    }
}

#[async_trait]
impl TaskSource for VimTasks {
    /// A task that the vCenter does not know (any more) is [`TaskStatus::Gone`].
    async fn poll(&self, id: &OperationId) -> Result<TaskStatus, CallError> {
        self.check(id, &TASK_GET_INFO)?;
        let look = Invocation::new(&TASK_GET_INFO, &id.id).target(format!("task {}", id.id));
        match self.vim.value::<TaskInfo>(look).await {
            Ok(info) => Ok(status(info)),
            Err(error) if error.fault().is_some_and(is_unknown_object) => Ok(TaskStatus::Gone),
            Err(error) => Err(error),
        }
    }

    /// Learns of all tasks that this client's callers wait for with one `WaitForUpdatesEx`, at its own pace.
    async fn next(&self, id: &OperationId, look: NextLook<'_>) -> Result<TaskStatus, CallError> {
        self.check(id, &TASK_GET_INFO)?;
        self.vim.board().next(&self.vim, &id.id, look).await
    }

    fn comes_again_after(&self) -> Option<Duration> {
        Some(Duty::LONGEST_SILENCE)
    }

    fn can_cancel(&self) -> bool {
        true
    }

    /// `Task.CancelTask`. A task that has ended, or that cannot be cancelled, refuses with `InvalidState` or `NotSupported`.
    async fn cancel(&self, id: &OperationId) -> Result<(), CallError> {
        self.check(id, &TASK_CANCEL_TASK)?;
        self.vim.object::<Task>(&id.id).cancel().await
    }
}

pub(crate) fn is_unknown_object(fault: &Fault) -> bool {
    fault.type_name() == ManagedObjectNotFound::TYPE_NAME
}

/// What the info of a task says. A state that these models do not know is none of the two ends.
fn status(info: TaskInfo) -> TaskStatus {
    match info.state {
        TaskInfoState::Success => TaskStatus::Succeeded {
            // It was JSON before, so that reading it again cannot fail.
            result: info
                .result
                .filter(|result| !result.is_null())
                .and_then(|result| RawJson::parse(result.raw()).ok()),
        },
        TaskInfoState::Error => TaskStatus::Failed {
            error: ServiceError::Fault(info.error.unwrap_or_else(|| Fault::new(&MethodFault::default()))),
        },
        _ => TaskStatus::Running {
            progress: info
                .progress
                .and_then(|percent| u8::try_from(percent.clamp(0, 100)).ok()),
        },
    }
}

/// Reads the result of a task that has none, whatever is there.
///
/// # Errors
/// None.
pub fn no_result(_result: Option<RawJson>) -> Result<(), DecodeError> {
    Ok(())
}

/// Reads the result of a task, in its box or bare. Absent, it is read as `null`, which an `Option` and a `Vec` take.
///
/// # Errors
/// The result is not a `T`.
pub fn result_of<T: Read>(result: Option<RawJson>) -> Result<T, DecodeError> {
    match result {
        Some(result) => Any::from(result).decode_value(),
        None => farside_wire::decode_str("null"),
    }
}

impl VimClient {
    /// A task of this vCenter as a piece of work to wait for; `decode` reads its result: [`no_result`], [`result_of`].
    /// Nothing is sent.
    #[must_use]
    pub fn task<T>(
        &self,
        task: &ManagedObjectReference,
        decode: impl Fn(Option<RawJson>) -> Result<T, DecodeError> + Send + Sync + 'static,
    ) -> RemoteOperation<T> {
        let id = OperationId::new(VIM_TASK, self.endpoint(), &task.value);
        RemoteOperation::new(id, self.tasks(), decode)
    }

    /// A task by the id that was stored when it was started, by this process or another one. Nothing is sent.
    ///
    /// # Errors
    /// [`ForeignOperation`] for an id of another kind or of another vCenter.
    pub fn attach<T>(
        &self,
        id: OperationId,
        decode: impl Fn(Option<RawJson>) -> Result<T, DecodeError> + Send + Sync + 'static,
    ) -> Result<RemoteOperation<T>, ForeignOperation> {
        id.expect(VIM_TASK, self.endpoint())?;
        Ok(RemoteOperation::new(id, self.tasks(), decode))
    }

    /// Sends a call that starts a task, and gives the task. The plain method of a task operation.
    ///
    /// # Errors
    /// [`CallError`]; after an unknown effect the task may run, and is to be looked for.
    ///
    /// # Cancel safety
    /// A dropped future leaves unknown whether the task was started.
    pub async fn start<T>(
        &self,
        invocation: Invocation,
        decode: impl Fn(Option<RawJson>) -> Result<T, DecodeError> + Send + Sync + 'static,
    ) -> Result<RemoteOperation<T>, CallError> {
        let task: ManagedObjectReference = self.value(invocation).await?;
        Ok(self.task(&task, decode))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Option<RawJson> {
        RawJson::parse(text).ok()
    }

    #[test]
    fn a_result_is_read_out_of_its_box_and_bare() {
        let boxed = r#"{"_typeName": "string", "_value": "vm-1"}"#;
        assert_eq!(result_of::<String>(json(boxed)).ok().as_deref(), Some("vm-1"));
        let bare = r#"{"_typeName": "ManagedObjectReference", "type": "VirtualMachine", "value": "vm-1"}"#;
        let vm = result_of::<ManagedObjectReference>(json(bare)).map(|vm| vm.value);
        assert_eq!(vm.ok().as_deref(), Some("vm-1"));
        assert_eq!(result_of::<Option<String>>(None).ok(), Some(None));
        assert!(
            result_of::<String>(None).is_err(),
            "a result that has to be there"
        );
        assert!(no_result(json(boxed)).is_ok());
    }
}
