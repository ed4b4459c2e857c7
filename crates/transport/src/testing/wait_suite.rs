//! What every wait for remote work must survive, whatever service does the work.
//!
//! A client's tests say in [`WaitBench`] how work of its kind is started and how its world is hit, and
//! [`wait_suite!`](crate::wait_suite) makes a test of each behaviour:
//!
//! ```ignore
//! mod waits {
//!     farside_transport::wait_suite!(crate::support::TaskBench::new());
//! }
//! ```

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use farside_wire::RawJson;
use futures_util::future::{Either, join, join_all, select};

use crate::clock::Clock;
use crate::operation::{
    Cancellation, OperationId, PollErrors, PollPolicy, RemoteOperation, TaskSource, TaskStatus, WaitError,
    WaitErrorKind,
};

/// Which work is to be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// It takes at least a second and succeeds.
    Succeeds,
    /// It ends with the error whose code is [`WaitBench::failure`].
    Fails,
}

/// What happens to the world while somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    /// Every session ends.
    SessionsEnd,
    /// Nobody listens at the endpoint for this time.
    NobodyListens(Duration),
    /// The vCenter moves to its passive node. For work that a vCenter does not do: the one nearest to it.
    Switch,
    /// The server forgets the work.
    Forget,
}

/// How a wait ends after a [`Hit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With the work's result.
    Result,
    /// With the news that the server does not know the work, whose outcome is unknown.
    Gone,
}

/// A world with one kind of remote work, for one test.
#[async_trait]
pub trait WaitBench: Send + Sync {
    /// The source that a client has.
    fn source(&self) -> Arc<dyn TaskSource>;

    /// The source that a client in another process has: nothing is shared with [`WaitBench::source`] but the world.
    fn other_process(&self) -> Arc<dyn TaskSource>;

    /// The time of the world. The suite needs it to pass by itself, as it does in a paused runtime.
    fn clock(&self) -> Arc<dyn Clock>;

    /// Starts work.
    async fn start(&self, work: Work) -> OperationId;

    /// Whether this is what [`Work::Succeeds`] brings.
    fn is_result(&self, result: Option<&RawJson>) -> bool;

    /// Code of the error that [`Work::Fails`] ends with.
    fn failure(&self) -> &str;

    /// Code of the error that cancelled work ends with; `None` if this kind cannot be cancelled.
    fn cancelled(&self) -> Option<&str>;

    /// Hits the world.
    async fn hit(&self, hit: Hit);

    /// What a wait must come to after a hit.
    fn end(&self, hit: Hit) -> End;
}

/// Longer than any work of a bench, and than any outage.
const LIMIT: Duration = Duration::from_secs(1_800);

/// After this time of a wait the world is hit: the first look is over, and the work is not.
const MOMENT: Duration = Duration::from_millis(300);

fn operation(source: Arc<dyn TaskSource>, id: OperationId) -> RemoteOperation<Option<RawJson>> {
    RemoteOperation::new(id, source, Ok)
}

async fn wait(
    bench: &dyn WaitBench,
    source: Arc<dyn TaskSource>,
    id: &OperationId,
    limit: Duration,
    policy: PollPolicy,
) -> Result<Option<RawJson>, WaitError> {
    let clock = bench.clock();
    operation(source, id.clone())
        .until_done(limit, &*clock, policy)
        .await
}

/// The policies that each test of the suite runs with, by name: whatever they are, a wait comes to the same end.
#[must_use]
pub fn policies() -> [(&'static str, PollPolicy); 4] {
    let slow_errors = PollErrors {
        first_pause: Duration::from_secs(20),
        longest_pause: Duration::from_secs(60),
        ..PollErrors::default()
    };
    let bounded = PollErrors::default()
        .with_in_a_row(40)
        .with_for_at_most(Duration::from_secs(240));
    [
        ("default", PollPolicy::default()),
        (
            "fast",
            PollPolicy::between(Duration::from_millis(10), Duration::from_millis(500)),
        ),
        (
            "slow",
            PollPolicy::between(Duration::from_secs(30), Duration::from_secs(120)).with_errors(slow_errors),
        ),
        ("bounded", PollPolicy::default().with_errors(bounded)),
    ]
}

fn assert_result(bench: &dyn WaitBench, outcome: &Result<Option<RawJson>, WaitError>) {
    match outcome {
        Ok(result) => assert!(
            bench.is_result(result.as_ref()),
            "an unexpected result: {result:?}"
        ),
        Err(error) => panic!("{error}: {:?}", error.kind()),
    }
}

fn assert_failed(outcome: &Result<Option<RawJson>, WaitError>, code: &str) {
    match outcome.as_ref().map_err(WaitError::kind) {
        Err(WaitErrorKind::Failed(error)) => assert_eq!(error.code(), code, "{error:?}"),
        other => panic!("expected the error {code}, got {other:?}"),
    }
}

/// Waits, and hits the world meanwhile.
async fn wait_through(bench: &dyn WaitBench, hit: Hit, policy: PollPolicy) {
    let id = bench.start(Work::Succeeds).await;
    let clock = bench.clock();
    let blow = async {
        clock.sleep(MOMENT).await;
        bench.hit(hit).await;
    };
    let (outcome, ()) = join(wait(bench, bench.source(), &id, LIMIT, policy), blow).await;
    match bench.end(hit) {
        End::Result => assert_result(bench, &outcome),
        End::Gone => {
            assert!(
                matches!(
                    outcome.as_ref().map_err(WaitError::kind),
                    Err(WaitErrorKind::Gone)
                ),
                "{outcome:?}"
            );
            // It is the server that answers now which says so, and not that none answered.
            let now = bench.other_process().poll(&id).await;
            assert!(matches!(now, Ok(TaskStatus::Gone)), "{now:?}");
        }
    }
}

/// A wait ends with the result.
///
/// # Panics
/// If it does not.
pub async fn work_that_succeeds_brings_its_result(bench: &dyn WaitBench, policy: PollPolicy) {
    let id = bench.start(Work::Succeeds).await;
    let outcome = wait(bench, bench.source(), &id, LIMIT, policy).await;
    assert_result(bench, &outcome);
    let again = wait(bench, bench.source(), &id, LIMIT, policy).await;
    assert_result(bench, &again);
}

/// A wait ends with the service's error.
///
/// # Panics
/// If it does not.
pub async fn work_that_fails_brings_its_error(bench: &dyn WaitBench, policy: PollPolicy) {
    let id = bench.start(Work::Fails).await;
    let outcome = wait(bench, bench.source(), &id, LIMIT, policy).await;
    assert_failed(&outcome, bench.failure());
}

/// A wait ends in time, and the work goes on.
///
/// # Panics
/// If it does not.
pub async fn a_deadline_ends_the_wait_and_not_the_work(bench: &dyn WaitBench, policy: PollPolicy) {
    let id = bench.start(Work::Succeeds).await;
    let clock = bench.clock();
    let began = clock.elapsed();
    let outcome = wait(bench, bench.source(), &id, MOMENT, policy).await;
    let took = clock.elapsed() - began;
    assert!(
        matches!(
            outcome.as_ref().map_err(WaitError::kind),
            Err(WaitErrorKind::Deadline { .. })
        ),
        "{outcome:?}"
    );
    assert!(took <= MOMENT * 2, "it took {took:?}");
    assert_result(bench, &wait(bench, bench.source(), &id, LIMIT, policy).await);
}

/// Work is cancelled where its kind can be, and nothing is sent where it cannot.
///
/// # Panics
/// If it is not so.
pub async fn cancelled_work_ends_with_an_error(bench: &dyn WaitBench, policy: PollPolicy) {
    let id = bench.start(Work::Succeeds).await;
    let work = operation(bench.source(), id.clone());
    let asked = work.cancel().await.expect("a cancel that is not refused");
    let outcome = wait(bench, bench.source(), &id, LIMIT, policy).await;
    match bench.cancelled() {
        Some(code) => {
            assert_eq!(asked, Cancellation::Asked);
            assert_failed(&outcome, code);
        }
        None => {
            assert_eq!(asked, Cancellation::NotPossible);
            assert_result(bench, &outcome);
        }
    }
}

/// A wait logs in again.
///
/// # Panics
/// If it ends otherwise than the bench says.
pub async fn a_wait_outlives_its_session(bench: &dyn WaitBench, policy: PollPolicy) {
    wait_through(bench, Hit::SessionsEnd, policy).await;
}

/// A wait connects again.
///
/// # Panics
/// If it ends otherwise than the bench says.
pub async fn a_wait_outlives_half_a_minute_without_a_listener(bench: &dyn WaitBench, policy: PollPolicy) {
    wait_through(bench, Hit::NobodyListens(Duration::from_secs(30)), policy).await;
}

/// A wait goes on at the node that takes over.
///
/// # Panics
/// If it ends otherwise than the bench says.
pub async fn a_wait_outlives_the_switch_to_the_passive_node(bench: &dyn WaitBench, policy: PollPolicy) {
    wait_through(bench, Hit::Switch, policy).await;
}

/// Work that the server has forgotten is neither done nor failed.
///
/// # Panics
/// If it ends otherwise than the bench says.
pub async fn forgotten_work_has_an_unknown_outcome(bench: &dyn WaitBench, policy: PollPolicy) {
    wait_through(bench, Hit::Forget, policy).await;
}

/// The id is all that another process needs.
///
/// # Panics
/// If the wait does not end with the result.
pub async fn another_process_waits_by_the_stored_id(bench: &dyn WaitBench, policy: PollPolicy) {
    let id = bench.start(Work::Succeeds).await;
    let stored = serde_json::to_string(&id).expect("an id is written as JSON");
    let id: OperationId = serde_json::from_str(&stored).expect("an id is read from JSON");
    let outcome = wait(bench, bench.other_process(), &id, LIMIT, policy).await;
    assert_result(bench, &outcome);
}

/// Many waits end, each with its own work's outcome.
///
/// # Panics
/// If one does not.
pub async fn waits_side_by_side_do_not_mix_up_their_work(bench: &dyn WaitBench, policy: PollPolicy) {
    let (good, bad) = (bench.start(Work::Succeeds).await, bench.start(Work::Fails).await);
    let (good, bad) = join(
        wait(bench, bench.source(), &good, LIMIT, policy),
        wait(bench, bench.source(), &bad, LIMIT, policy),
    )
    .await;
    assert_result(bench, &good);
    assert_failed(&bad, bench.failure());
}

/// A wait ends when more looks have failed than its policy bears, and says so; the work goes on.
///
/// # Panics
/// If it does not.
pub async fn a_wait_bears_no_more_failed_looks_than_its_policy(bench: &dyn WaitBench, policy: PollPolicy) {
    let id = bench.start(Work::Succeeds).await;
    let clock = bench.clock();
    let outage = Duration::from_secs(30);
    let blow = async {
        clock.sleep(MOMENT).await;
        bench.hit(Hit::NobodyListens(outage)).await;
    };
    let strict = policy.with_errors(PollErrors::default().with_in_a_row(0));
    let (outcome, ()) = join(wait(bench, bench.source(), &id, LIMIT, strict), blow).await;
    match outcome.as_ref().map_err(WaitError::kind) {
        Err(WaitErrorKind::Looks { failures: 1, .. }) => {}
        // A source that asks each task for itself does not look while nobody listens, if its pauses are long.
        Ok(_) if policy.pauses.first >= outage => {}
        other => panic!("{other:?}"),
    }
    assert_result(bench, &wait(bench, bench.source(), &id, LIMIT, policy).await);
}

/// A wait that is kept but not polled any more, at whatever point, holds no other wait up, and goes on when it is polled again. For
/// sources whose waits share their looks; it is no part of [`wait_suite!`](crate::wait_suite), since it needs many pieces of work.
///
/// # Panics
/// If another wait does not end within minutes.
pub async fn a_wait_that_is_kept_and_not_polled_holds_nobody_up(bench: &dyn WaitBench) {
    let (clock, policy) = (bench.clock(), PollPolicy::default());
    let minutes = Duration::from_secs(300);
    let mut kept = Vec::new();
    for after in [0, 10, 60, 300, 1_200].map(Duration::from_millis) {
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(bench.start(Work::Succeeds).await);
        }
        let id = ids.remove(0);
        let source = bench.source();
        let mut lead = Box::pin(async move { wait(bench, source, &id, LIMIT, policy).await });
        // It is polled for so long, at least once, and then no more.
        match select(lead.as_mut(), clock.sleep(after)).await {
            Either::Left((early, _)) => panic!("it ended at once: {early:?}"),
            Either::Right(_) => kept.push(lead),
        }
        let others = ids
            .iter()
            .map(|id| wait(bench, bench.source(), id, minutes, policy));
        for outcome in join_all(others).await {
            assert_result(bench, &outcome);
        }
    }
    for outcome in join_all(kept).await {
        assert_result(bench, &outcome);
    }
}

/// A test for each behaviour of the [suite](crate::testing::wait_suite), each with all [policies](crate::testing::wait_suite::policies)
/// on a bench that the expression makes.
#[macro_export]
macro_rules! wait_suite {
    ($bench:expr) => {
        $crate::wait_suite!(@tests $bench;
            work_that_succeeds_brings_its_result,
            work_that_fails_brings_its_error,
            a_deadline_ends_the_wait_and_not_the_work,
            cancelled_work_ends_with_an_error,
            a_wait_outlives_its_session,
            a_wait_outlives_half_a_minute_without_a_listener,
            a_wait_outlives_the_switch_to_the_passive_node,
            forgotten_work_has_an_unknown_outcome,
            another_process_waits_by_the_stored_id,
            waits_side_by_side_do_not_mix_up_their_work,
            a_wait_bears_no_more_failed_looks_than_its_policy,
        );
    };
    (@tests $bench:expr; $($name:ident,)*) => {
        $(
            #[tokio::test(start_paused = true)]
            async fn $name() {
                for (name, policy) in $crate::testing::wait_suite::policies() {
                    println!("with the policy {name}");
                    let bench = $bench;
                    $crate::testing::wait_suite::$name(&bench, policy).await;
                }
            }
        )*
    };
}

#[cfg(test)]
mod tests;
