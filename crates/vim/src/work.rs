//! Work that takes more than one call: started when nothing else is in the way, and seen to its end.

use std::future::Future;
use std::time::Duration;

use farside_transport::{CallError, Deadline, PollPolicy, RemoteOperation};

use crate::client::VimClient;
use crate::error::WorkErrorKind;
use crate::task::no_result;

/// The pause before something is tried again that was refused because of another task.
const PAUSE: Duration = Duration::from_secs(1);

/// Starts a task and waits for its end. A start that is refused because another task is at work (`TaskInProgress`, which
/// says that nothing was done) is repeated when that one has ended, until the deadline.
pub(crate) async fn run<T, F>(
    client: &VimClient,
    deadline: Deadline,
    start: impl Fn() -> F,
) -> Result<T, WorkErrorKind>
where
    F: Future<Output = Result<RemoteOperation<T>, CallError>>,
{
    let clock = &**client.clock();
    loop {
        let kind = match start().await {
            Ok(operation) => match finish(client, deadline, &operation).await {
                Ok(result) => return Ok(result),
                Err(kind) => kind,
            },
            Err(error) => WorkErrorKind::Call(error),
        };
        if !makes_way(client, deadline, &kind).await {
            return Err(kind);
        }
        clock.sleep(PAUSE.min(deadline.left(clock))).await;
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
