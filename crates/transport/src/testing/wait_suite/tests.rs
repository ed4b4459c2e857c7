//! The suite on a scripted world, and on sources that break its rules.

use std::collections::BTreeMap;
use std::io;
use std::sync::Mutex;

use farside_wire::{ApiError, ServiceError};

use super::*;
use crate::clock::SystemClock;
use crate::error::{CallError, CallErrorKind, Sent};
use crate::operation::TaskStatus;
use crate::testing::lock;
use crate::testing::operations::{READ, call};

/// How a source gets it wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// What the server has forgotten is taken for done.
    GoneIsDone,
    /// A look that fails is taken for the work's failure.
    ErrorIsFailure,
}

#[derive(Debug)]
struct World {
    clock: SystemClock,
    fault: Fault,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When each piece of work ends, and whether well.
    work: BTreeMap<String, (Duration, bool)>,
    silent_until: Duration,
}

#[derive(Debug)]
struct Source(Arc<World>);

struct Bench(Arc<World>);

impl Bench {
    fn new(fault: Fault) -> Self {
        Self(Arc::new(World {
            clock: SystemClock::new(),
            fault,
            state: Mutex::default(),
        }))
    }
}

fn failed(code: &str) -> TaskStatus {
    TaskStatus::Failed {
        error: ServiceError::Api(ApiError {
            code: Some(code.to_owned()),
            ..ApiError::default()
        }),
    }
}

#[async_trait]
impl TaskSource for Source {
    async fn poll(&self, id: &OperationId) -> Result<TaskStatus, CallError> {
        let now = self.0.clock.elapsed();
        let state = lock(&self.0.state);
        if now < state.silent_until {
            if self.0.fault == Fault::ErrorIsFailure {
                return Ok(failed("Silence"));
            }
            return Err(call(&READ).context().error(CallErrorKind::Cut {
                sent: Sent::Whole,
                source: io::Error::other("nobody listens"),
            }));
        }
        Ok(match state.work.get(&id.id) {
            None if self.0.fault == Fault::GoneIsDone => TaskStatus::Succeeded { result: None },
            None => TaskStatus::Gone,
            Some((at, _)) if now < *at => TaskStatus::Running { progress: None },
            Some((_, true)) => TaskStatus::Succeeded { result: None },
            Some((_, false)) => failed("Broken"),
        })
    }
}

#[async_trait]
impl WaitBench for Bench {
    fn source(&self) -> Arc<dyn TaskSource> {
        Arc::new(Source(Arc::clone(&self.0)))
    }

    fn other_process(&self) -> Arc<dyn TaskSource> {
        self.source()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.0.clock)
    }

    async fn start(&self, work: Work) -> OperationId {
        let end = self.0.clock.elapsed() + Duration::from_secs(5);
        let mut state = lock(&self.0.state);
        let id = format!("task-{}", state.work.len());
        state.work.insert(id.clone(), (end, work == Work::Succeeds));
        OperationId::new("thing-task", "here", id)
    }

    fn is_result(&self, result: Option<&RawJson>) -> bool {
        result.is_none()
    }

    fn failure(&self) -> &str {
        "Broken"
    }

    fn cancelled(&self) -> Option<&str> {
        None
    }

    async fn hit(&self, hit: Hit) {
        let mut state = lock(&self.0.state);
        match hit {
            Hit::SessionsEnd | Hit::Switch => {}
            Hit::NobodyListens(time) => state.silent_until = self.0.clock.elapsed() + time,
            Hit::Forget => state.work.clear(),
        }
    }

    fn end(&self, hit: Hit) -> End {
        match hit {
            Hit::Forget => End::Gone,
            Hit::SessionsEnd | Hit::Switch | Hit::NobodyListens(_) => End::Result,
        }
    }
}

mod right {
    use super::*;

    crate::wait_suite!(Bench::new(Fault::None));
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "Ok(None)")]
async fn a_source_that_takes_forgotten_work_for_done_is_found_out() {
    forgotten_work_has_an_unknown_outcome(&Bench::new(Fault::GoneIsDone), PollPolicy::default()).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "Silence")]
async fn a_source_that_takes_a_failed_look_for_failed_work_is_found_out() {
    let bench = Bench::new(Fault::ErrorIsFailure);
    a_wait_outlives_half_a_minute_without_a_listener(&bench, PollPolicy::default()).await;
}
