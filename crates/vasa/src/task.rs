//! SMS tasks: known to nobody but the service itself, so they are polled (VI JSON wire rules 11.2).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use farside_models_sms::operation::{SMS_TASK_QUERY_SMS_TASK_INFO, SMS_TASK_QUERY_SMS_TASK_RESULT};
use farside_models_sms::{SmsTaskInfo, SmsTaskState};
use farside_models_vim::ManagedObjectNotFound;
use farside_transport::{
    CallError, ForeignOperation, NextLook, OperationId, RemoteOperation, TaskSource, TaskStatus,
};
use farside_vim::{Invocation, ManagedObject as _, VimClient};
use farside_wire::{
    Any, DataType as _, DecodeError, Fault, ManagedObjectReference, MethodFault, OpenEnum as _, RawJson,
    ServiceError,
};

/// [`OperationId::kind`] of SMS tasks.
pub const SMS_TASK: &str = "sms-task";

/// A look at a task is a read, so a slow one is given up early and made again.
const LOOK_LIMIT: Duration = Duration::from_secs(30);

farside_vim::managed_object! {
    /// A task of the storage monitoring service. It has no properties, and cannot be cancelled.
    pub struct SmsTask = "SmsTask";
}

farside_vim::methods! {
    SmsTask {
        /// Reads how it stands, in one look. To wait for its end, see [`VasaClient::attach`](crate::VasaClient::attach).
        read info() -> value SmsTaskInfo = SMS_TASK_QUERY_SMS_TASK_INFO;
        /// Reads what it brought, in its box; `None` while it runs, and where it brought nothing.
        read result() -> optional Any = SMS_TASK_QUERY_SMS_TASK_RESULT;
    }
}

/// Looks at the SMS tasks of one vCenter. They cannot be cancelled.
///
/// Waits poll by the pauses of their [`PollPolicy`](farside_transport::PollPolicy), which grow and are [spread](NextLook::turn): the service
/// has neither a call that waits nor one for many tasks.
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
        let own = id.expect(SMS_TASK, self.vim.endpoint());
        own.map_err(|foreign| foreign.not_sent(&SMS_TASK_QUERY_SMS_TASK_INFO))?;
        let task = self.vim.object::<SmsTask>(&id.id);
        let look = Invocation::new(&SMS_TASK_QUERY_SMS_TASK_INFO, task.id())
            .target(task.reference().to_string())
            .deadline(LOOK_LIMIT);
        match self.vim.value::<SmsTaskInfo>(look).await {
            Ok(info) => Ok(status(info)),
            Err(error) if error.fault().is_some_and(is_unknown_object) => Ok(TaskStatus::Gone),
            Err(error) => Err(error),
        }
    }

    async fn next(&self, id: &OperationId, look: NextLook<'_>) -> Result<TaskStatus, CallError> {
        let _turn = look.turn(id, self.vim.turns()).await;
        self.poll(id).await
    }
}

/// Sends a call that starts an SMS task, and gives the task.
pub(crate) async fn start<T>(
    vim: &VimClient,
    call: Invocation,
    decode: impl Fn(Option<RawJson>) -> Result<T, DecodeError> + Send + Sync + 'static,
) -> Result<RemoteOperation<T>, CallError> {
    let task: ManagedObjectReference = vim.value(call).await?;
    let id = OperationId::new(SMS_TASK, vim.endpoint(), task.value);
    Ok(attach(vim, id, decode))
}

/// A task by an id that was stored: of this kind, and of this vCenter. Nothing is sent.
pub(crate) fn stored<T>(
    vim: &VimClient,
    id: OperationId,
    decode: impl Fn(Option<RawJson>) -> Result<T, DecodeError> + Send + Sync + 'static,
) -> Result<RemoteOperation<T>, ForeignOperation> {
    id.expect(SMS_TASK, vim.endpoint())?;
    Ok(attach(vim, id, decode))
}

/// A task by an id that was made here. Nothing is sent.
pub(crate) fn attach<T>(
    vim: &VimClient,
    id: OperationId,
    decode: impl Fn(Option<RawJson>) -> Result<T, DecodeError> + Send + Sync + 'static,
) -> RemoteOperation<T> {
    RemoteOperation::new(id, Arc::new(SmsTasks::new(vim.clone())), decode)
}

/// Writes plain methods that start an SMS task.
///
/// `Handle { name(request: &Request) -> T, decode = OPERATION; ... }`: the method gives a
/// [`RemoteOperation`](farside_transport::RemoteOperation) whose result is a `T`.
macro_rules! tasks {
    ($handle:ty { $($(#[$doc:meta])* $name:ident($($request:ident: &$type:ty)?) -> $answer:ty, $decode:expr, = $operation:path;)* }) => {
        impl $handle {$(
            $(#[$doc])*
            ///
            #[doc = concat!("One call of [`", stringify!($operation), "`], whose description has its faults, privilege and release.")]
            /// They come as the error of the call or as that of the task, which is an SMS task.
            ///
            /// # Errors
            /// [`CallError`](farside_transport::CallError); after an unknown effect the task may run. SMS has no list of tasks.
            ///
            /// # Cancel safety
            /// A dropped future leaves unknown whether the task was started.
            pub async fn $name(
                &self
                $(, $request: &$type)?
            ) -> Result<farside_transport::RemoteOperation<$answer>, farside_transport::CallError> {
                let object = <Self as farside_vim::ManagedObject>::reference(self);
                let call = farside_vim::Invocation::new(&$operation, &object.value).target(object.to_string());
                $(let call = call.body($request);)?
                $crate::task::start(<Self as farside_vim::ManagedObject>::client(self), call, $decode).await
            }
        )*}
    };
}
pub(crate) use tasks;

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
