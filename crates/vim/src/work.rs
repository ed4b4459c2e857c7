//! Work that takes more than one call: started when nothing else is in the way, and seen to its end.

use std::future::Future;
use std::time::Duration;

use farside_transport::{CallError, Deadline, PollPolicy, RemoteOperation, within};

use crate::client::VimClient;
use crate::error::WorkErrorKind;
use crate::task::no_result;

/// The pause before something is tried again that was refused because of another task.
const PAUSE: Duration = Duration::from_secs(1);

/// The time that work was given, with all its calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    /// What it was to come to.
    wanted: &'static str,
    /// How long it was given.
    limit: Duration,
    /// When that is up.
    pub(crate) deadline: Deadline,
}

impl Time {
    /// So much time from now on, for work after which something is `wanted`.
    pub(crate) fn of(client: &VimClient, wanted: &'static str, limit: Duration) -> Self {
        Self {
            wanted,
            limit,
            deadline: Deadline::after(&**client.clock(), limit),
        }
    }

    /// What is left of it.
    pub(crate) fn left(self, client: &VimClient) -> Duration {
        self.deadline.left(&**client.clock())
    }

    /// That it is up.
    pub(crate) fn late(self) -> WorkErrorKind {
        WorkErrorKind::Late {
            wanted: self.wanted,
            limit: self.limit,
        }
    }

    /// A call, or several, for as long as there is time. A call that is given up may have happened, which is what
    /// [`WorkErrorKind::Late`] says.
    pub(crate) async fn within<T, E>(
        self,
        client: &VimClient,
        calls: impl Future<Output = Result<T, E>>,
    ) -> Result<T, WorkErrorKind>
    where
        WorkErrorKind: From<E>,
    {
        match within(&**client.clock(), self.left(client), calls).await {
            Ok(outcome) => Ok(outcome?),
            Err(_) => Err(self.late()),
        }
    }
}

/// Starts a task and waits for its end. A start that is refused because another task is at work (`TaskInProgress`, which
/// says that nothing was done) is repeated when that one has ended, until the time is up.
pub(crate) async fn run<T, F>(
    client: &VimClient,
    time: Time,
    start: impl Fn() -> F,
) -> Result<T, WorkErrorKind>
where
    F: Future<Output = Result<RemoteOperation<T>, CallError>>,
{
    loop {
        let kind = match time.within(client, start()).await {
            Ok(operation) => match finish(client, time.deadline, &operation).await {
                Ok(result) => return Ok(result),
                Err(kind) => kind,
            },
            Err(kind) => kind,
        };
        if !makes_way(client, time.deadline, &kind).await {
            return Err(kind);
        }
        client.clock().sleep(PAUSE.min(time.left(client))).await;
    }
}

/// Waits for the end of a task.
pub(crate) async fn finish<T>(
    client: &VimClient,
    deadline: Deadline,
    operation: &RemoteOperation<T>,
) -> Result<T, WorkErrorKind> {
    let clock = &**client.clock();
    let left = deadline.left(clock);
    let outcome = operation.until_done(left, clock, PollPolicy::default()).await;
    outcome.map_err(WorkErrorKind::from)
}

/// Waits for the task that a refusal names, whatever becomes of it. `false` if it names none, or if the time is up.
pub(crate) async fn makes_way(client: &VimClient, deadline: Deadline, kind: &WorkErrorKind) -> bool {
    let Some(task) = kind.other_task() else {
        return false;
    };
    // How it ends is its caller's business: what matters here is that it is out of the way, which the next try shows.
    let _ended = finish(client, deadline, &client.task(&task, no_result)).await;
    !deadline.left(&**client.clock()).is_zero()
}
