//! The task of a failover (`Cis.Tasks_get`). It is a hint, not the truth: it dies with the node that ran it.

use std::sync::Arc;

use async_trait::async_trait;
use farside_models_vcenter::{CisTaskInfo, CisTaskStatus};
use farside_transport::{CallError, OperationId, TaskSource, TaskStatus};
use farside_wire::{Service, ServiceError, StdError};
use http::StatusCode;

use crate::client::VchaClient;

/// Kind of an [`OperationId`] that names a cis task.
pub const CIS_TASK: &str = "cis-task";

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
}

#[async_trait]
impl TaskSource for CisTasks {
    async fn poll(&self, id: &OperationId) -> Result<TaskStatus, CallError> {
        match self.client.task(&id.id).await {
            Ok(info) => Ok(status(info)),
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(TaskStatus::Gone),
            Err(error) => Err(error),
        }
    }
}

/// `BLOCKED` is not final, and a status that these models do not know is not taken for an end (wire rules, section 5).
fn status(info: CisTaskInfo) -> TaskStatus {
    match info.status {
        CisTaskStatus::Succeeded => TaskStatus::Succeeded { result: info.result },
        CisTaskStatus::Failed => TaskStatus::Failed {
            error: failure(&info),
        },
        _ => {
            let percent = info.progress.as_ref().and_then(|progress| {
                (progress.total > 0).then(|| progress.completed.saturating_mul(100) / progress.total)
            });
            TaskStatus::Running {
                progress: percent.and_then(|percent| u8::try_from(percent.clamp(0, 100)).ok()),
            }
        }
    }
}

/// The reason is in `error`, else in `result`.
fn failure(info: &CisTaskInfo) -> ServiceError {
    let told = info.error.as_ref().or(info.result.as_ref()).and_then(|raw| {
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
        status(answer(&format!("tasks/{fixture}")))
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
