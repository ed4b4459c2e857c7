//! Waiting for tasks: one question for all that a client waits for.
//!
//! All waits of a client stand on one board. While there are any, one of them at a time asks the service for the states of
//! all together, and reads those that have ended whole, a hundred with each call. It looks often after something has
//! happened and less and less often while nothing does.

mod board;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use farside_models_vcda::operation::TASKS_GET;
use farside_transport::{
    CallError, Duty, ForeignOperation, NextLook, OperationId, PollPolicy, RemoteOperation, TaskSource,
    TaskStatus,
};
use farside_wire::{RawJson, Read};
use std::sync::Arc;

use crate::client::VcdaClient;
use crate::id::{IdError, TaskId};
use crate::task::{Finished, Task};

pub(crate) use board::Board;

/// Kind of an [`OperationId`] of this service.
pub const TASK_KIND: &str = "vcda-task";

/// Stands between a task's id and its site in an [`OperationId`]. Ids are UUIDs; in one that is none, the sign is escaped, so
/// that the first one is it.
const AT: char = '@';
/// Signs of an id that are escaped, and as what; the last one begins an escape.
const ESCAPES: [(&str, &str); 2] = [("@", "%40"), ("%", "%25")];

/// The policy for waits of this kind: [`PollPolicy::default`], which bears a server in trouble (500 `GeneralServerFailure`),
/// since what it says of a look says nothing of the work. The source looks at its own pace.
#[must_use]
pub fn poll_policy() -> PollPolicy {
    PollPolicy::default()
}

/// A task and the site whose it is; none: the local one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TaskAt {
    pub(crate) site: Option<String>,
    pub(crate) task: TaskId,
}

impl TaskAt {
    fn parse(text: &str) -> Result<Self, IdError> {
        let (task, site) = match text.split_once(AT) {
            Some((task, site)) => (task, Some(site.to_owned())),
            None => (text, None),
        };
        let task = ESCAPES
            .iter()
            .fold(task.to_owned(), |task, (sign, escape)| task.replace(escape, sign));
        Ok(Self {
            site,
            task: TaskId::parse(task)?,
        })
    }
}

impl fmt::Display for TaskAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task = self.task.as_str();
        if task.contains([AT, '%']) {
            let escapes = ESCAPES.iter().rev();
            let escaped = escapes.fold(task.to_owned(), |task, (sign, escape)| task.replace(sign, escape));
            f.write_str(&escaped)?;
        } else {
            f.write_str(task)?;
        }
        match &self.site {
            Some(site) => write!(f, "{AT}{site}"),
            None => Ok(()),
        }
    }
}

/// The tasks of one service, as [`RemoteOperation`] looks at them.
///
/// What [`TaskStatus::Succeeded`] brings is the task whole. [`TaskSource::next`] shares its looks with all other waits of
/// the client and of its clones; [`TaskSource::poll`] makes a call of its own. A task cannot be cancelled: no operation
/// for it is known (VCDA wire rules 7).
#[derive(Clone, Debug)]
pub struct VcdaTasks {
    client: VcdaClient,
    /// Work that had ended when it was answered.
    ended: Option<Arc<(OperationId, TaskStatus)>>,
}

impl VcdaTasks {
    pub(crate) fn new(client: VcdaClient) -> Self {
        Self { client, ended: None }
    }

    fn task_at(&self, id: &OperationId) -> Result<TaskAt, ForeignOperation> {
        id.expect(TASK_KIND, self.client.endpoint())?;
        TaskAt::parse(&id.id).map_err(|error| id.malformed(TASK_KIND, error))
    }

    /// [`VcdaTasks::task_at`], for a look.
    fn looked_at(&self, id: &OperationId) -> Result<TaskAt, CallError> {
        self.task_at(id).map_err(|foreign| foreign.not_sent(&TASKS_GET))
    }

    fn known(&self, id: &OperationId) -> Option<TaskStatus> {
        let (ended, status) = self.ended.as_deref()?;
        (ended == id).then(|| status.clone())
    }
}

#[async_trait]
impl TaskSource for VcdaTasks {
    async fn poll(&self, id: &OperationId) -> Result<TaskStatus, CallError> {
        if let Some(status) = self.known(id) {
            return Ok(status);
        }
        let at = self.looked_at(id)?;
        board::look(&self.client.at_site(at.site), &at.task)
            .await
            .map(|status| status.unwrap_or(TaskStatus::Gone))
    }

    async fn next(&self, id: &OperationId, look: NextLook<'_>) -> Result<TaskStatus, CallError> {
        if let Some(status) = self.known(id) {
            return Ok(status);
        }
        self.looked_at(id)?;
        board::news(&self.client, &id.id, look.seen).await
    }

    fn comes_again_after(&self) -> Option<Duration> {
        Some(Duty::LONGEST_SILENCE)
    }
}

impl VcdaClient {
    /// The tasks of the service, for [`RemoteOperation`]s.
    #[must_use]
    pub fn tasks(&self) -> VcdaTasks {
        VcdaTasks::new(self.clone())
    }

    /// Finds stored work again, started by this process or by another one. `T` is what its task brings:
    /// [`SingleVmReplicationInfo`](farside_models_vcda::SingleVmReplicationInfo) for an action on a VM replication, for
    /// instance, or [`RawJson`] where that is not known. Nothing is sent.
    ///
    /// # Errors
    /// [`ForeignOperation`] if the id is of another kind, of another endpoint than this client's, or no task's.
    pub fn attach<T: Read + 'static>(
        &self,
        id: OperationId,
    ) -> Result<RemoteOperation<Finished<T>>, ForeignOperation> {
        let tasks = self.tasks();
        tasks.task_at(&id)?;
        Ok(RemoteOperation::new(id, Arc::new(tasks), Finished::read))
    }

    /// The work of a task that was answered, which may have ended by then.
    pub(crate) fn begun<T: Read + 'static>(
        &self,
        whole: &RawJson,
        task: &Task,
    ) -> RemoteOperation<Finished<T>> {
        let at = TaskAt {
            site: self.frame().site.clone(),
            task: task.id().clone(),
        };
        let id = OperationId::new(TASK_KIND, self.endpoint(), at.to_string());
        let ended = (!task.is_running()).then(|| Arc::new((id.clone(), task.status(whole))));
        let tasks = VcdaTasks {
            client: self.clone(),
            ended,
        };
        RemoteOperation::new(id, Arc::new(tasks), Finished::read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_site_of_a_task_is_stored_with_it() {
        for (text, site) in [
            ("6f0c-1", None),
            ("6f0c-1@west", Some("west")),
            ("6f0c-1@a@b", Some("a@b")),
        ] {
            let at = TaskAt::parse(text).unwrap();
            assert_eq!((at.task.as_str(), at.site.as_deref()), ("6f0c-1", site));
            assert_eq!(at.to_string(), text);
        }
        assert!(TaskAt::parse("@west").is_err());
        for odd in ["a@b", "%40", "%2540@", "100%", "@", "%25"] {
            for site in [None, Some("we@st%40".to_owned())] {
                let task = TaskId::parse(odd).unwrap();
                let at = TaskAt { site, task };
                assert_eq!(TaskAt::parse(&at.to_string()), Ok(at));
            }
        }
    }
}
