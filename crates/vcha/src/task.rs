//! Cis tasks: the operations on them, and waiting for them. The task of a failover is a hint, not the truth: it dies with the
//! node that ran it.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use farside_models_vcenter::operation::{CIS_TASKS_CANCEL, CIS_TASKS_GET, CIS_TASKS_LIST};
use farside_models_vcenter::{
    CisTaskInfo, CisTaskProgress, CisTaskStatus, CisTasksGetQuery, CisTasksListRequest,
};
use farside_transport::{
    CallError, CallErrorKind, ForeignOperation, NextLook, OperationId, PollErrors, RemoteOperation,
    TaskSource, TaskStatus,
};
use farside_wire::{
    DecodeError, Extra, Operation, RawJson, Read, Service, ServiceError, StdError, Structure,
};
use http::StatusCode;

use crate::client::{VchaClient, body};

/// Kind of an [`OperationId`] that names a cis task.
pub const CIS_TASK: &str = "cis-task";

impl VchaClient {
    /// Reads a task (`Cis.Tasks_get`, since 6.7.1; the tasks that one may see need no privilege).
    ///
    /// # Errors
    /// [`CallError`], which says nothing about the work; 404 `NOT_FOUND` when the server does not know it (any more), which is
    /// usual after a switch.
    pub async fn task(&self, id: &str) -> Result<CisTaskInfo, CallError> {
        self.task_with(id, &CisTasksGetQuery::default()).await
    }

    /// As [`VchaClient::task`], with a say in how much is told.
    ///
    /// # Errors
    /// As [`VchaClient::task`].
    pub async fn task_with(&self, id: &str, query: &CisTasksGetQuery) -> Result<CisTaskInfo, CallError> {
        self.task_as(id, query).await
    }

    async fn task_as<T: Read>(&self, id: &str, query: &CisTasksGetQuery) -> Result<T, CallError> {
        let path = CIS_TASKS_GET.path_and_query(&[("task", id)], &query.to_query());
        self.read_path(&CIS_TASKS_GET, &format!("task {id}"), &path, Bytes::new())
            .await
    }

    /// Lists tasks by id: those that meet all conditions of the filter, which has to name tasks or services, and services
    /// where it names operations (`Cis.Tasks_list`, since 6.7.1; the tasks that one may see need no privilege). A task that
    /// cannot be read costs no other one.
    ///
    /// # Errors
    /// [`CallError`]; nothing changed. `INVALID_ARGUMENT` for a filter that names too little, or that more than 1,000 tasks fit.
    pub async fn list_tasks(
        &self,
        request: &CisTasksListRequest,
    ) -> Result<BTreeMap<String, Result<CisTaskInfo, DecodeError>>, CallError> {
        let tasks: BTreeMap<String, RawJson> =
            self.read(&CIS_TASKS_LIST, "tasks", body(request), &[]).await?;
        Ok(tasks.into_iter().map(|(id, task)| (id, task.decode())).collect())
    }

    /// Asks a task to stop (`Cis.Tasks_cancel`, since 6.7.1; which privilege it needs is not documented). Whether it does is
    /// seen by looking at it.
    ///
    /// # Errors
    /// [`CallError`]; [`CancelRefusal::of`] tells the two refusals. After an effect `Unknown` the wish may have been heard.
    ///
    /// # Cancel safety
    /// A dropped future leaves it open whether the wish was heard.
    pub async fn cancel_task(&self, id: &str) -> Result<(), CallError> {
        let path = CIS_TASKS_CANCEL.path_with(&[("task", id)]);
        let call = self.call(&CIS_TASKS_CANCEL, &format!("task {id}"), &path, Bytes::new());
        self.act(call).await.map(drop)
    }

    /// The work of a task, also of one that another process started, to wait for it or to cancel it. Nothing is sent.
    ///
    /// # Errors
    /// [`ForeignOperation`] for an id of another kind or of another vCenter.
    pub fn operation(self: &Arc<Self>, id: OperationId) -> Result<RemoteOperation<()>, ForeignOperation> {
        id.expect(CIS_TASK, self.endpoint())?;
        let source = Arc::new(CisTasks::new(Arc::clone(self)));
        Ok(RemoteOperation::new(id, source, |_nothing| Ok(())))
    }
}

/// Why a task cannot be cancelled; nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelRefusal {
    /// No task of its kind can (`UNSUPPORTED`).
    NotCancelable,
    /// It has ended (`NOT_ALLOWED_IN_CURRENT_STATE`).
    Over,
}

impl CancelRefusal {
    /// The refusal that an error of [`VchaClient::cancel_task`] is, if it is one.
    pub fn of(error: &CallError) -> Option<Self> {
        match error.service_error()?.code() {
            "UNSUPPORTED" => Some(Self::NotCancelable),
            "NOT_ALLOWED_IN_CURRENT_STATE" => Some(Self::Over),
            _ => None,
        }
    }
}

/// Looks at cis tasks.
#[derive(Clone, Debug)]
pub struct CisTasks {
    client: Arc<VchaClient>,
}

impl CisTasks {
    /// The tasks of this vCenter.
    pub fn new(client: Arc<VchaClient>) -> Self {
        Self { client }
    }

    /// Makes sure that a call is about a task of this vCenter.
    fn check(&self, id: &OperationId, call: &'static Operation) -> Result<(), CallError> {
        let own = id.expect(CIS_TASK, self.client.endpoint());
        own.map_err(|foreign| foreign.not_sent(call))
    }
}

#[async_trait]
impl TaskSource for CisTasks {
    /// A page of a proxy, as it comes while a node takes over, is not the word of the server that the task is not known.
    async fn poll(&self, id: &OperationId) -> Result<TaskStatus, CallError> {
        self.check(id, &CIS_TASKS_GET)?;
        match self
            .client
            .task_as::<TaskEnd>(&id.id, &CisTasksGetQuery::default())
            .await
        {
            Ok(task) => Ok(task.status()),
            Err(error) if is_unknown(&error) => Ok(TaskStatus::Gone),
            Err(error) => Err(error),
        }
    }

    async fn next(&self, id: &OperationId, look: NextLook<'_>) -> Result<TaskStatus, CallError> {
        let _turn = look.turn(id, self.client.turns()).await;
        self.poll(id).await
    }

    fn can_cancel(&self) -> bool {
        true
    }

    async fn cancel(&self, id: &OperationId) -> Result<(), CallError> {
        self.check(id, &CIS_TASKS_CANCEL)?;
        self.client.cancel_task(&id.id).await
    }
}

/// Whether the server said that it does not know the task.
fn is_unknown(error: &CallError) -> bool {
    error.status() == Some(StatusCode::NOT_FOUND)
        && error
            .service_error()
            .is_some_and(|error| matches!(error.code(), "NOT_FOUND" | ""))
}

/// Whether looking again cannot mend an error while a vCenter may be switching or starting: a certificate that is not
/// accepted, a log-in or a right that is refused. Everything else passes, answers included that come from something else than
/// vCenter (vCenter REST wire rules 7); a wait for a task or a switch bears it until its deadline
/// ([`PollErrors::with_fatal`](farside_transport::PollErrors::with_fatal)).
pub fn lasts_through_a_switch(error: &CallError) -> bool {
    match error.kind() {
        // What the service of the cluster says of itself changes with the switch.
        CallErrorKind::Status(answer) => {
            let is_of_right = answer
                .error
                .as_ref()
                .is_some_and(|error| error.code() == "NoPermission");
            answer.status == StatusCode::FORBIDDEN || is_of_right
        }
        _ => PollErrors::lasting(error),
    }
}

/// What a wait needs of a task. The rest of it, odd as it may be, does not keep an end from being seen.
#[derive(Clone, Debug, PartialEq, Structure)]
#[wire(name = "Cis.Task.Info")]
struct TaskEnd {
    status: CisTaskStatus,
    progress: Option<RawJson>,
    error: Option<RawJson>,
    result: Option<RawJson>,
    extra: Extra,
}

impl TaskEnd {
    /// `BLOCKED` is not final, and a status that these models do not know is not taken for an end (wire rules, section 5).
    fn status(self) -> TaskStatus {
        match self.status {
            CisTaskStatus::Succeeded => TaskStatus::Succeeded { result: self.result },
            CisTaskStatus::Failed => TaskStatus::Failed {
                error: failure(&self),
            },
            _ => TaskStatus::Running {
                progress: self.progress.as_ref().and_then(percent),
            },
        }
    }
}

/// Progress is counts, and a total of zero none (wire rules, section 5).
fn percent(progress: &RawJson) -> Option<u8> {
    let progress: CisTaskProgress = progress.decode().ok()?;
    let percent = progress
        .completed
        .saturating_mul(100)
        .checked_div(progress.total)?;
    let counts = progress.total > 0;
    u8::try_from(percent.clamp(0, 100)).ok().filter(|_| counts)
}

/// The reason is in `error`, else in `result`.
fn failure(task: &TaskEnd) -> ServiceError {
    let told = task.error.as_ref().or(task.result.as_ref()).and_then(|raw| {
        ServiceError::decode(
            Service::VcenterRest,
            500,
            Some("application/json"),
            raw.get().as_bytes(),
        )
    });
    told.unwrap_or_else(|| ServiceError::Std(StdError::default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::answer;

    fn read(fixture: &str) -> TaskStatus {
        answer::<TaskEnd>(&format!("tasks/{fixture}")).status()
    }

    #[test]
    fn only_success_and_failure_are_ends() {
        assert!(matches!(read("get-succeeded"), TaskStatus::Succeeded { .. }));
        assert!(matches!(
            read("get-succeeded-null-result"),
            TaskStatus::Succeeded { .. }
        ));
        for fixture in [
            "get-pending",
            "get-running",
            "get-blocked",
            "get-running-zero-total",
        ] {
            assert!(matches!(read(fixture), TaskStatus::Running { .. }), "{fixture}");
        }
    }

    #[test]
    fn a_failed_task_has_its_reason_from_the_error_or_from_the_result() {
        for fixture in ["get-failed", "get-failed-result-only"] {
            let TaskStatus::Failed { error } = read(fixture) else {
                panic!("{fixture} has not failed");
            };
            assert!(
                error.message().is_some_and(|text| !text.is_empty()),
                "{fixture}: {error}"
            );
        }
    }

    #[test]
    fn progress_of_nothing_is_not_said() {
        let TaskStatus::Running { progress } = read("get-running-zero-total") else {
            panic!("it runs");
        };
        assert_eq!(progress, None);
    }
}
