//! Tasks of the service, and the columns in which it tells the state of many.

use std::collections::BTreeMap;

use farside_models_vcda::{C4ApiTask, TaskState, TasksListQuery, operation};
use farside_transport::{CallContext, CallError, CallErrorKind, TaskStatus};
use farside_wire::{
    ApiError, DecodeError, EpochMillis, Extra, RawJson, Read, ReadError, Reader, ServiceError, Structure,
    decode_str,
};
use futures_util::Stream;
use serde::de::Error as _;
use serde_json::json;

use crate::client::{Ask, VcdaClient};
use crate::id::{ReplicationId, TaskId};
use crate::list::{ListError, Page, all_items};

mod tolerant;

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

    /// The replication that it works on, if it works on one.
    #[must_use]
    pub fn replication(&self) -> Option<ReplicationId> {
        ReplicationId::of(self.resource_id()?)
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

    /// The status of the task that `whole` shows; what it brought is the task itself, as the service wrote it.
    pub(crate) fn status(&self, whole: &RawJson) -> TaskStatus {
        match self.state() {
            Some(TaskState::Succeeded) => TaskStatus::Succeeded {
                result: Some(whole.detached()),
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

/// What a task that has succeeded brought.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Finished<T> {
    /// The task, with its times and warnings.
    pub task: Task,
    /// Its result. That it is the object as of the end of the task is inferred (VCDA wire rules 7), and so is that there
    /// is one: whoever needs to be sure reads the object again.
    pub result: Option<T>,
}

impl<T: Read> Finished<T> {
    /// Reads it from the whole task.
    pub(crate) fn read(whole: Option<RawJson>) -> Result<Self, DecodeError> {
        let task: Task = match whole {
            Some(whole) => whole.decode()?,
            None => decode_str("null")?,
        };
        let result = task.result().map(RawJson::decode).transpose()?;
        Ok(Self { task, result })
    }
}

pub(crate) fn is_running(state: Option<&TaskState>) -> bool {
    !matches!(state, Some(TaskState::Succeeded | TaskState::Failed))
}

fn percent(progress: Option<i32>) -> Option<u8> {
    u8::try_from(progress?).ok().filter(|percent| *percent <= 100)
}

impl Read for Task {
    /// Only id and state are needed: another member that is odd is left out, or, in an error or a warning, told in its message.
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        let raw = RawJson::read(reader)?;
        let shown = tolerant::task(&raw).map_err(|error| reader.refused(error.reason().to_string()))?;
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
    /// Why it failed, if it did and the answer has a column for that.
    pub error: Option<ApiError>,
}

impl PolledTask {
    /// Whether it has not ended; see [`Task::is_running`].
    #[must_use]
    pub fn is_running(&self) -> bool {
        is_running(self.state.as_ref())
    }

    /// The status of a task of which no more is to be had than this: the site has forgotten it since.
    pub(crate) fn status(&self, id: &TaskId) -> TaskStatus {
        match self.state {
            Some(TaskState::Succeeded) => TaskStatus::Succeeded {
                result: RawJson::of(&json!({"id": id.as_str(), "state": "SUCCEEDED"})).ok(),
            },
            Some(TaskState::Failed) => TaskStatus::Failed {
                error: ServiceError::Api(self.error.clone().unwrap_or_default()),
            },
            Some(_) | None => TaskStatus::Running {
                progress: self.progress,
            },
        }
    }
}

/// The answer to a bulk poll, with each row as the service wrote it: one that is odd is not to spoil the others.
#[derive(Clone, Debug, PartialEq, Structure)]
#[wire(name = "TasksPollResponse")]
struct Columns {
    property_names: Vec<String>,
    values: Vec<RawJson>,
    extra: Extra,
}

/// What a bulk poll says, as far as it can be read.
#[derive(Debug, Default)]
pub(crate) struct Polled {
    /// By id; a task whose row cannot be read is missing.
    pub(crate) tasks: BTreeMap<TaskId, PolledTask>,
    /// Why one of the rows cannot be read. Any task that is missing may be the one of that row.
    pub(crate) unread: Option<serde_json::Error>,
}

/// Reads the columns of a bulk poll: rows by the id in them, never by position, columns by name (VCDA wire rules 7).
///
/// # Errors
/// There is no column of ids or of states.
fn read_columns(answer: &Columns) -> Result<Polled, serde_json::Error> {
    let column = |name: &str| answer.property_names.iter().position(|column| column == name);
    let missing = |name: &str| serde_json::Error::custom(format!("the answer has no column {name}"));
    let at = Positions {
        id: column("id").ok_or_else(|| missing("id"))?,
        state: column("state").ok_or_else(|| missing("state"))?,
        progress: column("progress"),
        error: column("error"),
    };
    let mut polled = Polled::default();
    for row in &answer.values {
        match at.read(row) {
            Ok((id, task)) => {
                polled.tasks.insert(id, task);
            }
            Err(error) => polled.unread = Some(error),
        }
    }
    Ok(polled)
}

/// Where the columns stand.
struct Positions {
    id: usize,
    state: usize,
    progress: Option<usize>,
    error: Option<usize>,
}

impl Positions {
    fn read(&self, row: &RawJson) -> Result<(TaskId, PolledTask), serde_json::Error> {
        let row: Vec<RawJson> = row.decode().map_err(unreadable)?;
        let id: Option<String> = cell(&row, self.id)?;
        let id = TaskId::parse(id.unwrap_or_default()).map_err(serde_json::Error::custom)?;
        let task = PolledTask {
            state: cell(&row, self.state)?,
            // Nothing hangs on it, so that one that is no number is none.
            progress: self
                .progress
                .and_then(|progress| percent(whole(cell(&row, progress).ok()?))),
            // A column that nobody promised: what cannot be read of it is read with the whole task.
            error: self.error.and_then(|error| cell(&row, error).ok().flatten()),
        };
        Ok((id, task))
    }
}

/// A percentage without its fraction.
fn whole(progress: Option<f64>) -> Option<i32> {
    let progress = progress?;
    let known = (0.0..=100.0).contains(&progress);
    #[expect(clippy::cast_possible_truncation, reason = "the fraction is what is to go")]
    known.then_some(progress as i32)
}

fn unreadable(error: DecodeError) -> serde_json::Error {
    serde_json::Error::custom(error.reason())
}

/// One value of a row; none if it is null or the row is short.
fn cell<T: Read>(row: &[RawJson], column: usize) -> Result<Option<T>, serde_json::Error> {
    let value = row.get(column).map_or(Ok(None), RawJson::decode);
    value.map_err(unreadable)
}

impl VcdaClient {
    /// One task, as it is. Documented in 3.5, by its name only (operation `tasks.get`); that it takes the client's site is
    /// inferred from the list and the bulk poll (VCDA wire rules 7).
    ///
    /// # Errors
    /// [`CallError`], with status 404 where the site does not know the task, or has forgotten it; nothing has changed.
    pub async fn task(&self, id: &TaskId) -> Result<Task, CallError> {
        self.read(self.ask_task(id)).await
    }

    /// One task, as the service wrote it and as it reads.
    pub(crate) async fn whole_task(&self, id: &TaskId) -> Result<(RawJson, Task), CallError> {
        self.read_task(self.ask_task(id)).await
    }

    fn ask_task(&self, id: &TaskId) -> Ask {
        let params = [("taskId", id.as_str())];
        let target = format!("task {id}");
        self.ask(&operation::TASKS_GET, target, &params, &self.site_query())
    }

    /// A stretch of the tasks of a site, 100 at most. Documented in 3.5 and 4.5 (operation `tasks.list`). The bounds of time are
    /// strict, in milliseconds since 1970 by the service's clock. `user` and `destinationOrg` exclude one
    /// another (VCDA wire rules 7); `site` is that of the client unless the query names one.
    ///
    /// After the answer to an action was lost, the tasks of its replication, type and a later start time show what
    /// became of it.
    ///
    /// # Errors
    /// [`CallError`]; nothing has changed.
    pub async fn list_tasks(&self, query: &TasksListQuery) -> Result<Page<Task>, CallError> {
        let page = self.raw_tasks(query).await?;
        Ok(Page::of(&page.items, page.total))
    }

    pub(crate) async fn raw_tasks(
        &self,
        query: &TasksListQuery,
    ) -> Result<farside_models_vcda::QueryResult<RawJson>, CallError> {
        let query = TasksListQuery {
            site: self.site_or(query.site.as_ref()),
            ..query.clone()
        };
        self.read(self.ask(&operation::TASKS_LIST, "the tasks", &[], &query.to_query()))
            .await
    }

    /// All tasks that the query matches, page after page; its `offset` is where the stream begins. Each page is a call of
    /// [`VcdaClient::list_tasks`]; nothing bounds how many there are but the service, so bound the time.
    pub fn stream_tasks(&self, query: TasksListQuery) -> impl Stream<Item = Result<Task, ListError>> + Send {
        let client = self.clone();
        let first = query.offset.unwrap_or_default();
        all_items(move |offset| {
            let (client, query) = (
                client.clone(),
                query.clone().with_offset(first.saturating_add(offset)),
            );
            async move { client.list_tasks(&query).await }
        })
    }

    /// The states of many tasks in one call; a task that is gone or not ours to see is missing. Documented in 4.5 (operation
    /// `tasks.poll`). Which columns the answer has beside id and state is up to the service.
    ///
    /// # Errors
    /// [`CallError`]; nothing has changed. One id that is no UUID spoils the whole call (`BadUserInput`), and so does a row
    /// that cannot be read ([`CallErrorKind::Decode`]), since its task would look gone. Waits ask for such a task alone.
    pub async fn poll_tasks(&self, ids: &[TaskId]) -> Result<BTreeMap<TaskId, PolledTask>, CallError> {
        let (context, polled) = self.poll_rows(ids).await?;
        match polled.unread {
            None => Ok(polled.tasks),
            Some(source) => Err(context.error(CallErrorKind::Decode(source))),
        }
    }

    /// The states of many tasks, as far as they can be read, and the call that told them.
    pub(crate) async fn poll_rows(&self, ids: &[TaskId]) -> Result<(CallContext, Polled), CallError> {
        let target = format!("{} tasks", ids.len());
        let ask = self.ask_with(&operation::TASKS_POLL, target, &[], &self.site_query(), &ids);
        let (answer, context) = self.answer(ask).await?;
        let columns: Columns = context.read(&answer)?;
        match read_columns(&columns) {
            Ok(polled) => Ok((context, polled)),
            Err(source) => Err(context.error(CallErrorKind::Decode(source))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(text: &str) -> Result<Polled, serde_json::Error> {
        read_columns(&decode_str(text).unwrap())
    }

    #[test]
    fn rows_are_told_by_their_id_column_wherever_it_stands() {
        let tasks = columns(
            r#"{"propertyNames": ["state", "error", "id"],
                "values": [["FAILED", {"code": "X"}, "b"], ["INVENTED", null, "a"], [null, null, "c"]]}"#,
        )
        .unwrap();
        assert!(tasks.unread.is_none());
        let running: Vec<(&str, bool)> = tasks
            .tasks
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
        ] {
            assert!(columns(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_row_that_cannot_be_read_is_told_of_and_leaves_the_others() {
        for row in [
            r#"[null, "RUNNING", 1]"#,
            r#"[7, "RUNNING", 1]"#,
            "[]",
            "null",
            "{}",
            r#"["b", 7, 1]"#,
        ] {
            let text = format!(
                r#"{{"propertyNames": ["id", "state", "progress"], "values": [{row}, ["a", "RUNNING", 1]]}}"#
            );
            let polled = columns(&text).unwrap();
            assert!(polled.unread.is_some(), "{row}");
            let ids: Vec<&str> = polled.tasks.keys().map(TaskId::as_str).collect();
            assert_eq!(ids, ["a"], "{row}");
        }
    }

    #[test]
    fn a_progress_may_have_a_fraction_and_is_none_where_it_is_no_percentage() {
        for (told, read) in [
            ("12.5", Some(12)),
            ("99.9", Some(99)),
            ("100", Some(100)),
            ("-1", None),
            ("101", None),
            ("1e300", None),
            (r#""half""#, None),
            ("null", None),
        ] {
            let text = format!(
                r#"{{"propertyNames": ["id", "state", "progress"], "values": [["a", "RUNNING", {told}]]}}"#
            );
            let polled = columns(&text).unwrap();
            assert!(polled.unread.is_none(), "{told}");
            let progress: Vec<Option<u8>> = polled.tasks.values().map(|task| task.progress).collect();
            assert_eq!(progress, [read], "{told}");
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
        let status = |state: &str| task(state).status(&RawJson::parse("{}").unwrap());
        assert!(matches!(status("\"FAILED\""), TaskStatus::Failed { error } if error.code().is_empty()));
        assert!(matches!(
            status("\"RUNNING\""),
            TaskStatus::Running { progress: Some(100) }
        ));
    }
}
