use std::collections::VecDeque;
use std::io;
use std::sync::Mutex;

use farside_wire::Service;

use super::*;
use crate::clock::SystemClock;
use crate::error::{CallErrorKind, Sent};
use crate::testing::operations::{READ, call};

/// Shows a list of looks, and then the last one for ever.
struct Looks {
    looks: Mutex<VecDeque<Look>>,
    clock: SystemClock,
    times: Mutex<Vec<Duration>>,
}

#[derive(Clone)]
enum Look {
    Is(TaskStatus),
    Cut,
    Forbidden,
    Stalls,
}

impl fmt::Debug for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Looks")
    }
}

#[async_trait]
impl TaskSource for Looks {
    async fn poll(&self, _id: &OperationId) -> Result<TaskStatus, CallError> {
        self.times.lock().expect("times").push(self.clock.elapsed());
        let look = {
            let mut looks = self.looks.lock().expect("looks");
            if looks.len() > 1 {
                looks.pop_front()
            } else {
                looks.front().cloned()
            }
        };
        let context = call(&READ).context();
        match look.expect("at least one look") {
            Look::Is(status) => Ok(status),
            Look::Cut => Err(context.error(CallErrorKind::Cut {
                sent: Sent::Whole,
                source: io::Error::other("cut"),
            })),
            Look::Forbidden => {
                let answer = http::Response::builder()
                    .status(403)
                    .body(bytes::Bytes::new())
                    .expect("403");
                Err(context.accept(answer).expect_err("403"))
            }
            Look::Stalls => std::future::pending().await,
        }
    }
}

fn running() -> Look {
    Look::Is(TaskStatus::Running { progress: None })
}

fn done(result: &str) -> Look {
    Look::Is(TaskStatus::Succeeded {
        result: Some(RawJson::parse(result).expect("JSON")),
    })
}

async fn wait(looks: Vec<Look>, limit: Duration) -> (Result<u32, WaitError>, Vec<Duration>) {
    let clock = SystemClock::new();
    let source = Arc::new(Looks {
        looks: Mutex::new(looks.into()),
        clock,
        times: Mutex::default(),
    });
    let id = OperationId::new("thing-task", "vc-east", "task-7");
    let operation = RemoteOperation::new(id, source.clone(), |result: Option<RawJson>| {
        result
            .map_or_else(|| RawJson::parse("0"), Ok)
            .and_then(|raw| raw.decode::<u32>())
    });
    let outcome = operation.until_done(limit, &clock, PollPolicy::default()).await;
    let times = source.times.lock().expect("times").clone();
    (outcome, times)
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_the_result() {
    let (outcome, _) = wait(vec![running(), running(), done("7")], MINUTE).await;
    assert_eq!(outcome.expect("done"), 7);
}

#[tokio::test(start_paused = true)]
async fn looks_become_rarer_up_to_a_cap() {
    let (outcome, times) = wait(vec![running()], MINUTE).await;
    assert!(matches!(
        outcome.expect_err("never done").kind(),
        WaitErrorKind::Deadline { last_error: None, .. }
    ));
    let pauses: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses.first(), Some(&Duration::from_millis(250)));
    assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(5)));
    assert!(times.len() < 25, "{times:?}");
    assert_eq!(times.last(), Some(&MINUTE), "the last look is at the deadline");
}

#[tokio::test(start_paused = true)]
async fn looks_that_fail_for_a_passing_reason_do_not_end_the_wait() {
    let mut looks = vec![Look::Cut; 5];
    looks.push(done("3"));
    let (outcome, times) = wait(looks, MINUTE).await;
    assert_eq!(outcome.expect("done"), 3);
    let seconds: Vec<_> = times.iter().map(Duration::as_secs).collect();
    assert_eq!(seconds, [0, 1, 3, 7, 15, 30], "their own pauses: 1, 2, 4, 8, 15");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_tells_why_the_last_look_failed() {
    let (outcome, _) = wait(vec![Look::Cut], MINUTE).await;
    let error = outcome.expect_err("never done");
    assert!(matches!(
        error.kind(),
        WaitErrorKind::Deadline {
            last_error: Some(_),
            ..
        }
    ));
    assert!(
        error.to_string().contains("thing-task task-7 at vc-east"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_look_that_stalls_ends_at_the_deadline() {
    let (outcome, times) = wait(vec![running(), Look::Stalls], MINUTE).await;
    assert!(matches!(
        outcome.expect_err("stalled").kind(),
        WaitErrorKind::Deadline { .. }
    ));
    assert_eq!(times.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_will_always_fail_ends_the_wait() {
    let (outcome, times) = wait(vec![Look::Forbidden], MINUTE).await;
    assert!(matches!(
        outcome.expect_err("forbidden").into_kind(),
        WaitErrorKind::Call(_)
    ));
    assert_eq!(times.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn failed_gone_and_unreadable_are_told_apart() {
    let error = ServiceError::decode(Service::Vcda, 409, None, br#"{"code":"ThingBroke","msg":"oh"}"#)
        .expect("an error");
    let (failed, _) = wait(vec![running(), Look::Is(TaskStatus::Failed { error })], MINUTE).await;
    assert!(
        matches!(failed.expect_err("failed").kind(), WaitErrorKind::Failed(error) if error.code() == "ThingBroke")
    );
    let (gone, _) = wait(vec![Look::Is(TaskStatus::Gone)], MINUTE).await;
    assert!(matches!(gone.expect_err("gone").kind(), WaitErrorKind::Gone));
    let (unreadable, _) = wait(vec![done(r#""seven""#)], MINUTE).await;
    assert!(matches!(
        unreadable.expect_err("not a number").kind(),
        WaitErrorKind::Decode(_)
    ));
}

#[test]
fn an_operation_id_round_trips() {
    let id = OperationId::new("sms-task", "vc-west", "SmsTask-12");
    let text = serde_json::to_string(&id).expect("serialises");
    assert_eq!(
        text,
        r#"{"kind":"sms-task","endpoint":"vc-west","id":"SmsTask-12"}"#
    );
    assert_eq!(serde_json::from_str::<OperationId>(&text).expect("parses"), id);
}
