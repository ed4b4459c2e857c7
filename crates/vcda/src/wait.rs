//! Waiting for many tasks with one question at a time.
//!
//! All waits of a client stand on one board. While there is one, a single task of the runtime asks the service for the
//! state of all of them together, soon after something has happened and less and less often while nothing does. A wait
//! that learns that its task has ended reads that task whole.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use farside_transport::{
    CallError, CallErrorKind, Clock, Deadline, OperationId, TaskSource, TaskStatus, within,
};
use farside_wire::ApiError;
use tokio::sync::{Notify, watch};

use crate::client::VcdaClient;
use crate::id::{IdError, TaskId};
use crate::task::{PolledTask, Task};

/// The pause after something has happened: a wait has begun, a task has ended.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A wait that ended without the task's success.
#[derive(Debug, thiserror::Error)]
#[error("waiting for task {id} ended without its result")]
pub struct TaskWaitError {
    id: String,
    #[source]
    kind: TaskWaitErrorKind,
}

/// Why a wait ended without the task's success.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskWaitErrorKind {
    /// The deadline passed; the task goes on at the service.
    #[error("it was not done within {} s", .limit.as_secs())]
    Deadline {
        /// The time that the wait was given.
        limit: Duration,
        /// Why the last look failed, if it did.
        #[source]
        last_error: Option<Arc<CallError>>,
    },
    /// The task failed.
    #[error("it failed")]
    Failed(#[source] ApiError),
    /// The service does not know it, or does not show it to this user; its outcome is unknown.
    #[error("the service does not know it")]
    Gone,
    /// A look failed in a way that further looks would not mend; the task may go on.
    #[error("its state cannot be read")]
    Call(#[source] Arc<CallError>),
    /// It is not a task of this service.
    #[error("it is not a task of {endpoint}")]
    Foreign {
        /// The service that was to be asked.
        endpoint: String,
        /// What is wrong with the id, if that is it.
        #[source]
        source: Option<IdError>,
    },
}

impl TaskWaitError {
    /// The task that was waited for.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Why the wait ended.
    #[must_use]
    pub fn kind(&self) -> &TaskWaitErrorKind {
        &self.kind
    }
}

/// The tasks of one service.
#[derive(Clone, Debug)]
pub struct VcdaTasks {
    client: VcdaClient,
}

/// Who waits for what. Shared by all clones of a client.
#[derive(Debug, Default)]
pub(crate) struct Board {
    state: Mutex<BoardState>,
    news: Notify,
}

#[derive(Debug, Default)]
struct BoardState {
    watched: BTreeMap<TaskId, Watched>,
    asking: bool,
}

#[derive(Debug)]
struct Watched {
    waits: usize,
    seen: watch::Sender<Seen>,
}

/// What the board knows of a task.
#[derive(Clone, Debug)]
enum Seen {
    Running { last_error: Option<Arc<CallError>> },
    Ended,
    Gone,
    Hopeless(Arc<CallError>),
}

impl Board {
    fn state(&self) -> MutexGuard<'_, BoardState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a wait on the board; also says whether somebody has to begin asking.
    fn enter(&self, id: &TaskId) -> (watch::Receiver<Seen>, bool) {
        let mut state = self.state();
        let watched = state.watched.entry(id.clone()).or_insert_with(|| Watched {
            waits: 0,
            seen: watch::Sender::new(Seen::Running { last_error: None }),
        });
        watched.waits += 1;
        let seen = watched.seen.subscribe();
        let begin = !std::mem::replace(&mut state.asking, true);
        self.news.notify_one();
        (seen, begin)
    }

    fn leave(&self, id: &TaskId) {
        let mut state = self.state();
        if let Some(watched) = state.watched.get_mut(id) {
            watched.waits -= 1;
            if watched.waits == 0 {
                state.watched.remove(id);
            }
        }
    }

    /// The tasks to ask about; none ends the asking.
    fn asked(&self) -> Option<Vec<TaskId>> {
        let mut state = self.state();
        let running = |watched: &Watched| matches!(*watched.seen.borrow(), Seen::Running { .. });
        let open = state.watched.iter().filter(|(_, watched)| running(watched));
        let ids: Vec<TaskId> = open.map(|(id, _)| id.clone()).collect();
        state.asking = !ids.is_empty();
        state.asking.then_some(ids)
    }

    fn show(&self, id: &TaskId, seen: Seen) {
        if let Some(watched) = self.state().watched.get(id) {
            watched.seen.send_replace(seen);
        }
    }
}

/// A place on the board; dropping it gives it back.
struct Place<'a> {
    board: &'a Board,
    id: &'a TaskId,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.board.leave(self.id);
    }
}

impl VcdaTasks {
    pub(crate) fn new(client: VcdaClient) -> Self {
        Self { client }
    }

    /// Waits until the task has succeeded, and reads it whole.
    ///
    /// The service is asked for all tasks that are waited for at this moment in one call, every half second at first
    /// and every five seconds at most. Failures that can pass (a connection, a timeout, a server in trouble) are borne
    /// until `limit` has passed.
    ///
    /// # Errors
    /// [`TaskWaitError`]; the task has only ended if it says that it failed.
    ///
    /// # Cancel safety
    /// Dropping the future ends the wait and changes nothing at the service.
    pub async fn until_done(&self, id: &OperationId, limit: Duration) -> Result<Task, TaskWaitError> {
        let outcome = match self.task_id(id) {
            Ok(task) => self.wait(&task, limit).await,
            Err(kind) => Err(kind),
        };
        outcome.map_err(|kind| TaskWaitError {
            id: id.to_string(),
            kind,
        })
    }

    fn task_id(&self, id: &OperationId) -> Result<TaskId, TaskWaitErrorKind> {
        let foreign = |source| TaskWaitErrorKind::Foreign {
            endpoint: self.client.endpoint().to_owned(),
            source,
        };
        if id.kind != crate::task::TASK_KIND || id.endpoint != self.client.endpoint() {
            return Err(foreign(None));
        }
        TaskId::parse(id.id.as_str()).map_err(|source| foreign(Some(source)))
    }

    async fn wait(&self, id: &TaskId, limit: Duration) -> Result<Task, TaskWaitErrorKind> {
        let clock = self.client.clock();
        let deadline = Deadline::after(clock, limit);
        let board = self.client.board();
        let (mut seen, begin) = board.enter(id);
        let _place = Place { board, id };
        if begin {
            tokio::spawn(ask(self.client.clone()));
        }
        match settled(clock, deadline, &mut seen).await {
            Seen::Ended => self.read_whole(id, limit, deadline).await,
            Seen::Gone => Err(TaskWaitErrorKind::Gone),
            Seen::Hopeless(error) => Err(TaskWaitErrorKind::Call(error)),
            Seen::Running { last_error } => Err(TaskWaitErrorKind::Deadline { limit, last_error }),
        }
    }

    /// Reads a task that has ended, for its result or error.
    async fn read_whole(
        &self,
        id: &TaskId,
        limit: Duration,
        deadline: Deadline,
    ) -> Result<Task, TaskWaitErrorKind> {
        let clock = self.client.clock();
        let mut pause = SHORTEST_PAUSE;
        let mut last_error = None;
        loop {
            let Ok(read) = within(clock, deadline.left(clock), self.client.task(id)).await else {
                return Err(TaskWaitErrorKind::Deadline { limit, last_error });
            };
            match read.map(|task| (task.to_status(), task)) {
                Ok((TaskStatus::Succeeded { .. }, task)) => return Ok(task),
                Ok((TaskStatus::Failed { .. }, task)) => {
                    return Err(TaskWaitErrorKind::Failed(
                        task.error().cloned().unwrap_or_default(),
                    ));
                }
                Ok((TaskStatus::Gone, _)) => return Err(TaskWaitErrorKind::Gone),
                Ok((TaskStatus::Running { .. }, _)) => {}
                Err(error) if is_not_found(&error) => return Err(TaskWaitErrorKind::Gone),
                Err(error) if is_hopeless(&error) => return Err(TaskWaitErrorKind::Call(Arc::new(error))),
                Err(error) => last_error = Some(Arc::new(error)),
            }
            clock.sleep(pause.min(deadline.left(clock))).await;
            if deadline.left(clock).is_zero() {
                return Err(TaskWaitErrorKind::Deadline { limit, last_error });
            }
            pause = longer(pause);
        }
    }
}

/// What the board shows once it shows an end, or at the deadline.
async fn settled(clock: &dyn Clock, deadline: Deadline, seen: &mut watch::Receiver<Seen>) -> Seen {
    let end = seen.wait_for(|seen| !matches!(seen, Seen::Running { .. }));
    // The sender lives as long as the wait's place, so only the time can run out.
    let _ = within(clock, deadline.left(clock), end).await.map(drop);
    seen.borrow().clone()
}

fn longer(pause: Duration) -> Duration {
    (pause + pause / 2).min(LONGEST_PAUSE)
}

/// Whether asking again cannot help: nobody may log in, or the peer is not the one that is trusted.
fn is_hopeless(error: &CallError) -> bool {
    match error.kind() {
        CallErrorKind::Login(login) => {
            let status = login.status().map(|status| status.as_u16());
            status.is_some_and(|status| (400..500).contains(&status) && status != 429) || is_hopeless(login)
        }
        CallErrorKind::Certificate(_)
        | CallErrorKind::Pin(_)
        | CallErrorKind::Closed
        | CallErrorKind::Request(_) => true,
        CallErrorKind::Status(status) => matches!(status.status.as_u16(), 401 | 403),
        _ => false,
    }
}

fn is_not_found(error: &CallError) -> bool {
    error.status().is_some_and(|status| status.as_u16() == 404)
}

/// Asks for the state of all tasks on the board, until there are none.
async fn ask(client: VcdaClient) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        pause = rest(&client, pause).await;
        let Some(ids) = client.board().asked() else { return };
        let ended = match client.poll_tasks(&ids).await {
            Ok(rows) => spread(&client, &ids, &rows),
            Err(error) if error.status().is_some_and(|status| status.as_u16() == 400) => {
                ask_one_by_one(&client, &ids).await
            }
            Err(error) => {
                tracing::debug!(tasks = ids.len(), error.type = error.kind().name(), "the states of tasks cannot be read");
                tell(&client, &ids, error);
                false
            }
        };
        pause = if ended { SHORTEST_PAUSE } else { longer(pause) };
    }
}

/// Sleeps for `pause`, cut short when a wait begins meanwhile; the pause to grow from.
async fn rest(client: &VcdaClient, pause: Duration) -> Duration {
    let clock = client.clock();
    let wake = clock.elapsed().saturating_add(pause);
    tokio::select! {
        biased;
        () = clock.sleep(pause) => return pause,
        () = client.board().news.notified() => {}
    }
    let soon = clock.elapsed().saturating_add(SHORTEST_PAUSE).min(wake);
    clock.sleep(soon.saturating_sub(clock.elapsed())).await;
    SHORTEST_PAUSE
}

/// Shows each wait what the answer says of its task; whether one has ended.
fn spread(client: &VcdaClient, ids: &[TaskId], rows: &BTreeMap<TaskId, PolledTask>) -> bool {
    let mut ended = false;
    for id in ids {
        let seen = match rows.get(id) {
            None => Seen::Gone,
            Some(task) if task.is_running() => Seen::Running { last_error: None },
            Some(_) => Seen::Ended,
        };
        ended |= !matches!(seen, Seen::Running { .. });
        client.board().show(id, seen);
    }
    ended
}

/// For a question that the service refuses as a whole: one id that it cannot read must not end the waits for others.
async fn ask_one_by_one(client: &VcdaClient, ids: &[TaskId]) -> bool {
    let mut ended = false;
    for id in ids {
        let seen = match client.task(id).await {
            Ok(task) if task.is_running() => Seen::Running { last_error: None },
            Ok(_) => Seen::Ended,
            Err(error) if matches!(error.status().map(|status| status.as_u16()), Some(400 | 404)) => {
                Seen::Gone
            }
            Err(error) => {
                tell(client, std::slice::from_ref(id), error);
                continue;
            }
        };
        ended |= !matches!(seen, Seen::Running { .. });
        client.board().show(id, seen);
    }
    ended
}

fn tell(client: &VcdaClient, ids: &[TaskId], error: CallError) {
    let hopeless = is_hopeless(&error);
    let error = Arc::new(error);
    for id in ids {
        let error = Arc::clone(&error);
        let seen = if hopeless {
            Seen::Hopeless(error)
        } else {
            Seen::Running {
                last_error: Some(error),
            }
        };
        client.board().show(id, seen);
    }
}

#[async_trait]
impl TaskSource for VcdaTasks {
    /// Looks at one task with a call of its own.
    async fn poll(&self, id: &OperationId) -> Result<TaskStatus, CallError> {
        let Ok(task) = self.task_id(id) else {
            return Ok(TaskStatus::Gone);
        };
        match self.client.task(&task).await {
            Ok(task) => Ok(task.to_status()),
            Err(error) if is_not_found(&error) => Ok(TaskStatus::Gone),
            Err(error) => Err(error),
        }
    }
}
