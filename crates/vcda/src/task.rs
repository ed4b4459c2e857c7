//! Tasks of the service, and the columns in which it tells the state of many.

use std::collections::BTreeMap;

use farside_models_vcda::{C4ApiTask, TaskState, TasksPollResponse};
use farside_transport::TaskStatus;
use farside_wire::{ApiError, EpochMillis, RawJson, Read, ReadError, Reader, ServiceError};
use serde::de::Error as _;

use crate::id::TaskId;

/// Kind of an [`OperationId`](farside_transport::OperationId) of this service.
pub const TASK_KIND: &str = "vcda-task";

/// A task as the service shows it. Its result is kept raw: what it is depends on what started the task.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    id: TaskId,
    shown: C4ApiTask<RawJson>,
}

impl Task {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &TaskId {
        &self.id
    }

    /// All that the service shows.
    #[must_use]
    pub fn shown(&self) -> &C4ApiTask<RawJson> {
        &self.shown
    }

    /// How far it is; none where the service does not say.
    #[must_use]
    pub fn state(&self) -> Option<&TaskState> {
        self.shown.state.as_ref()
    }

    /// `type` of its workflow: "failover".
    #[must_use]
    pub fn workflow(&self) -> Option<&str> {
        self.shown.workflow_info.as_ref()?.type_.as_deref()
    }

    /// Id of the replication (or other resource) that it works on.
    #[must_use]
    pub fn resource_id(&self) -> Option<&str> {
        self.shown.workflow_info.as_ref()?.resource_id.as_deref()
    }

    /// When it was started, by the server's clock.
    #[must_use]
    pub fn started(&self) -> Option<EpochMillis> {
        self.shown.start_time.filter(|time| time.get().is_some())
    }

    /// Why it failed, if it did and the service says why.
    #[must_use]
    pub fn error(&self) -> Option<&ApiError> {
        self.shown.error.as_ref()
    }

    /// What it brought.
    #[must_use]
    pub fn result(&self) -> Option<&RawJson> {
        self.shown.result.as_ref()
    }

    /// Whether it has not ended. A state that these models do not know, or none, is taken for one that goes on: only
    /// the two known ends are ends.
    #[must_use]
    pub fn is_running(&self) -> bool {
        is_running(self.state())
    }

    pub(crate) fn to_status(&self) -> TaskStatus {
        match self.state() {
            Some(TaskState::Succeeded) => TaskStatus::Succeeded {
                result: self.result().cloned(),
            },
            Some(TaskState::Failed) => TaskStatus::Failed {
                error: ServiceError::Api(self.error().cloned().unwrap_or_default()),
            },
            Some(_) | None => TaskStatus::Running {
                progress: percent(self.shown.progress),
            },
        }
    }
}

pub(crate) fn is_running(state: Option<&TaskState>) -> bool {
    !matches!(state, Some(TaskState::Succeeded | TaskState::Failed))
}

fn percent(progress: Option<i32>) -> Option<u8> {
    u8::try_from(progress?).ok().filter(|percent| *percent <= 100)
}

impl Read for Task {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        let shown = C4ApiTask::<RawJson>::read(reader)?;
        let id = shown.id.clone().unwrap_or_default();
        let id = TaskId::parse(id).map_err(|_| reader.refused("a task without a usable id"))?;
        Ok(Self { id, shown })
    }
}

/// What the bulk poll says of one task.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PolledTask {
    /// How far it is; none where the service does not say.
    pub state: Option<TaskState>,
    /// Percent done.
    pub progress: Option<u8>,
}

impl PolledTask {
    /// Whether it has not ended; see [`Task::is_running`].
    #[must_use]
    pub fn is_running(&self) -> bool {
        is_running(self.state.as_ref())
    }
}

/// Reads the columns of a bulk poll: rows by the id in them, never by position, columns by name (VCDA wire rules 7).
///
/// # Errors
/// There is no column of ids or of states, or a row has no id.
pub(crate) fn read_columns(
    answer: &TasksPollResponse,
) -> Result<BTreeMap<TaskId, PolledTask>, serde_json::Error> {
    let column = |name: &str| answer.property_names.iter().position(|column| column == name);
    let missing = |name: &str| serde_json::Error::custom(format!("the answer has no column {name}"));
    let id = column("id").ok_or_else(|| missing("id"))?;
    let state = column("state").ok_or_else(|| missing("state"))?;
    let progress = column("progress");
    let mut tasks = BTreeMap::new();
    for row in &answer.values {
        let id: Option<String> = cell(row, id)?;
        let id = TaskId::parse(id.unwrap_or_default()).map_err(serde_json::Error::custom)?;
        let progress = match progress {
            Some(progress) => cell(row, progress)?,
            None => None,
        };
        let task = PolledTask {
            state: cell(row, state)?,
            progress: percent(progress),
        };
        tasks.insert(id, task);
    }
    Ok(tasks)
}

/// One value of a row; none if it is null or the row is short.
fn cell<T: Read>(row: &[RawJson], column: usize) -> Result<Option<T>, serde_json::Error> {
    let value = row.get(column).map_or(Ok(None), RawJson::decode);
    value.map_err(|error| serde_json::Error::custom(error.reason()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(text: &str) -> Result<BTreeMap<TaskId, PolledTask>, serde_json::Error> {
        read_columns(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn rows_are_told_by_their_id_column_wherever_it_stands() {
        let tasks = columns(
            r#"{"propertyNames": ["state", "error", "id"],
                "values": [["FAILED", {"code": "X"}, "b"], ["INVENTED", null, "a"], [null, null, "c"]]}"#,
        )
        .unwrap();
        let running: Vec<(&str, bool)> = tasks
            .iter()
            .map(|(id, task)| (id.as_str(), task.is_running()))
            .collect();
        assert_eq!(running, [("a", true), ("b", false), ("c", true)]);
    }

    #[test]
    fn an_answer_without_the_columns_that_matter_is_not_read() {
        for text in [
            r#"{"propertyNames": ["state"], "values": [["RUNNING"]]}"#,
            r#"{"propertyNames": ["id"], "values": [["a"]]}"#,
            r#"{"propertyNames": ["id", "state"], "values": [[null, "RUNNING"]]}"#,
            r#"{"propertyNames": ["id", "state"], "values": [[]]}"#,
        ] {
            assert!(columns(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_task_needs_an_id_and_only_the_two_known_ends_are_ends() {
        assert!(farside_wire::decode_str::<Task>(r#"{"state": "RUNNING"}"#).is_err());
        let task = |state: &str| -> Task {
            farside_wire::decode_str(&format!(r#"{{"id": "t", "state": {state}, "progress": 100}}"#)).unwrap()
        };
        assert!(task("\"QUEUED\"").is_running() && task("null").is_running());
        assert!(!task("\"FAILED\"").is_running());
        let status = task("\"FAILED\"").to_status();
        assert!(matches!(status, TaskStatus::Failed { error } if error.code().is_empty()));
        assert!(matches!(
            task("\"RUNNING\"").to_status(),
            TaskStatus::Running { progress: Some(100) }
        ));
    }
}
