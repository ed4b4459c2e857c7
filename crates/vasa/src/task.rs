//! SMS tasks: known to nobody but the service itself, so they are polled (VI JSON wire rules 11.2).

use std::time::Duration;

use async_trait::async_trait;
use farside_models_sms::operation::SMS_TASK_QUERY_SMS_TASK_INFO;
use farside_models_sms::{SmsTaskInfo, SmsTaskState};
use farside_models_vim::ManagedObjectNotFound;
use farside_transport::{CallError, OperationId, TaskSource, TaskStatus};
use farside_vim::{Invocation, VimClient};
use farside_wire::{DataType as _, Fault, MethodFault, OpenEnum as _, RawJson, ServiceError};

/// [`OperationId::kind`] of SMS tasks.
pub const SMS_TASK: &str = "sms-task";

/// A look at a task is a read, so a slow one is given up early and made again.
const LOOK_LIMIT: Duration = Duration::from_secs(30);

/// Looks at the SMS tasks of one vCenter. They cannot be cancelled.
#[derive(Clone, Debug)]
pub struct SmsTasks {
    vim: VimClient,
}

impl SmsTasks {
    /// The tasks of the vCenter behind `vim`.
    #[must_use]
    pub fn new(vim: VimClient) -> Self {
        Self { vim }
    }
}

#[async_trait]
impl TaskSource for SmsTasks {
    /// A task that the vCenter does not know, after a restart for instance, is [`TaskStatus::Gone`]; what the array does
    /// goes on.
    async fn poll(&self, id: &OperationId) -> Result<TaskStatus, CallError> {
        let look = Invocation::new(&SMS_TASK_QUERY_SMS_TASK_INFO, &id.id)
            .target(format!("task {}", id.id))
            .deadline(LOOK_LIMIT);
        match self.vim.value::<SmsTaskInfo>(look).await {
            Ok(info) => Ok(status(info)),
            Err(error) if error.fault().is_some_and(is_unknown_object) => Ok(TaskStatus::Gone),
            Err(error) => Err(error),
        }
    }
}

fn is_unknown_object(fault: &Fault) -> bool {
    fault.type_name() == ManagedObjectNotFound::TYPE_NAME
}

fn status(info: SmsTaskInfo) -> TaskStatus {
    match SmsTaskState::from_wire(&info.state) {
        SmsTaskState::Success => {
            let result = info.result.filter(|result| !result.is_null());
            // It was JSON before, so that reading it again cannot fail.
            TaskStatus::Succeeded {
                result: result.and_then(|result| RawJson::parse(result.raw()).ok()),
            }
        }
        SmsTaskState::Error => {
            let fault = info.error.unwrap_or_else(|| Fault::new(&MethodFault::default()));
            TaskStatus::Failed {
                error: ServiceError::Fault(fault),
            }
        }
        // A state that these models do not know is none of the two ends.
        _ => TaskStatus::Running {
            progress: info
                .progress
                .and_then(|percent| u8::try_from(percent.clamp(0, 100)).ok()),
        },
    }
}
