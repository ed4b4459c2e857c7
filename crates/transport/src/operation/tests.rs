use std::collections::VecDeque;
use std::io;
use std::sync::Mutex;

use farside_wire::Service;
use futures_util::StreamExt as _;

use super::*;
use crate::clock::{SystemClock, within};
use crate::error::{CallErrorKind, Sent, StatusError};
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
    Answer(u16, &'static str, &'static str),
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
            Look::Forbidden => Err(refusal(403, "", "")),
            Look::Answer(status, content_type, body) => Err(refusal(status, content_type, body)),
            Look::Stalls => std::future::pending().await,
        }
    }
}

/// What a look comes to whose answer is this one.
fn refusal(status: u16, content_type: &str, body: &'static str) -> CallError {
    let context = call(&READ).context();
    let mut answer = http::Response::builder().status(status);
    if !content_type.is_empty() {
        answer = answer.header("content-type", content_type);
    }
    let answer = answer.body(bytes::Bytes::from_static(body.as_bytes()));
    let accepted = context.accept(answer.expect("an answer"));
    accepted
        .and_then(|answer| context.decode::<i32>(&answer))
        .expect_err("no number")
}

fn running() -> Look {
    Look::Is(TaskStatus::Running { progress: None })
}

fn percent(progress: u8) -> Look {
    Look::Is(TaskStatus::Running {
        progress: Some(progress),
    })
}

fn done(result: &str) -> Look {
    Look::Is(TaskStatus::Succeeded {
        result: Some(RawJson::parse(result).expect("JSON")),
    })
}

fn operation(looks: Vec<Look>) -> (RemoteOperation<i32>, Arc<Looks>) {
    let source = Arc::new(Looks {
        looks: Mutex::new(looks.into()),
        clock: SystemClock::new(),
        times: Mutex::default(),
    });
    let id = OperationId::new("thing-task", "vc-east", "task-7");
    let operation = RemoteOperation::new(id, source.clone(), |result: Option<RawJson>| {
        result
            .map_or_else(|| RawJson::parse("0"), Ok)
            .and_then(|raw| raw.decode::<i32>())
    });
    (operation, source)
}

async fn wait(looks: Vec<Look>, limit: Duration) -> (Result<i32, WaitError>, Vec<Duration>) {
    wait_with(looks, limit, PollPolicy::default()).await
}

async fn wait_with(
    looks: Vec<Look>,
    limit: Duration,
    policy: PollPolicy,
) -> (Result<i32, WaitError>, Vec<Duration>) {
    let (operation, source) = operation(looks);
    let outcome = operation.until_done(limit, &source.clock, policy).await;
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
    let text = error.to_string();
    assert!(text.contains("thing-task task-7 at vc-east"), "{text}");
    let reason = error.kind().to_string();
    let expected =
        "it was not done within 60 s; the last look at it failed: readThing on thing 1 failed (request ";
    assert!(reason.starts_with(expected), "{reason}");
    assert!(reason.ends_with("(the request had been sent): cut"), "{reason}");
    assert!(
        std::error::Error::source(error.kind()).is_none(),
        "a report would say it twice"
    );
}

#[tokio::test(start_paused = true)]
async fn a_look_that_shows_something_wipes_out_the_failures_before_it() {
    let looks = vec![Look::Cut, running()];
    let (outcome, _) = wait(looks, MINUTE).await;
    let kind = outcome.expect_err("never done").into_kind();
    assert_eq!(kind.to_string(), "it was not done within 60 s");
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

const PAGE: &str = "<html>Starting</html>";

#[tokio::test(start_paused = true)]
async fn a_look_that_a_starting_server_or_its_proxy_answers_does_not_end_the_wait() {
    for (status, content_type, body) in [
        (404, "text/html", PAGE),
        (404, "", ""),
        (200, "text/html", PAGE),
        (200, "application/json", PAGE),
        (302, "text/html", PAGE),
        (500, "application/json", r#"{"code": "GeneralServerFailure"}"#),
        (503, "application/json", r#"{"code": "ServiceUnavailable"}"#),
    ] {
        let look = Look::Answer(status, content_type, body);
        let (outcome, _) = wait(vec![running(), look.clone(), look, done("3")], MINUTE).await;
        assert_eq!(outcome.expect("done"), 3, "{status} {content_type}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_that_the_service_refuses_ends_the_wait() {
    for (status, body) in [
        (401, ""),
        (403, PAGE),
        (404, r#"{"code": "NoSuchThing"}"#),
        (409, r#"{"code": "ThingIsBusy"}"#),
        (500, r#"{"code": "ThingIsBusy"}"#),
        (500, r#"{"code": "ManagedObjectNotFound"}"#),
        (500, r#"{"code": "NoPermission"}"#),
        (500, r#"{"code": "InvalidLogin"}"#),
    ] {
        let look = Look::Answer(status, "application/json", body);
        let (outcome, times) = wait(vec![look, done("3")], MINUTE).await;
        let kind = outcome.expect_err("refused").into_kind();
        assert!(
            matches!(kind, WaitErrorKind::Call(_)),
            "{status} {body}: {kind:?}"
        );
        assert_eq!(times.len(), 1, "{status} {body}");
    }
}

#[test]
fn a_login_within_a_look_passes_as_the_look_itself_would() {
    let within_login = |error| {
        let login = CallErrorKind::Login(Arc::new(error));
        PollErrors::lasting(&call(&READ).context().error(login))
    };
    assert!(!within_login(refusal(404, "text/html", PAGE)));
    assert!(!within_login(refusal(
        500,
        "application/json",
        r#"{"code": "SystemError"}"#
    )));
    assert!(within_login(refusal(401, "application/json", "")));
    assert!(within_login(refusal(
        500,
        "application/json",
        r#"{"code": "InvalidLogin"}"#
    )));
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

#[tokio::test(start_paused = true)]
async fn pauses_grow_as_the_policy_says() {
    let pauses = PollPauses {
        first: Duration::from_secs(1),
        longest: Duration::from_secs(5),
        ..PollPauses::default()
    };
    let policy = PollPolicy::default().with_pauses(pauses.with_growth_percent(200));
    let looks = vec![running(), running(), running(), running(), running(), done("1")];
    let (outcome, times) = wait_with(looks.clone(), MINUTE, policy).await;
    assert_eq!(outcome.expect("done"), 1);
    let seconds: Vec<_> = times.iter().map(Duration::as_secs).collect();
    assert_eq!(seconds, [0, 1, 3, 7, 12, 17]);

    let shrinking = PollPolicy::default().with_pauses(pauses.with_growth_percent(0));
    let (outcome, times) = wait_with(looks, MINUTE, shrinking).await;
    assert_eq!(outcome.expect("done"), 1);
    assert_eq!(times.last(), Some(&Duration::from_secs(5)), "pauses never shrink");
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_are_borne_up_to_their_number() {
    let policy = PollPolicy::default().with_errors(PollErrors::default().with_in_a_row(2));
    let looks = vec![Look::Cut, Look::Cut, running(), Look::Cut, Look::Cut, done("5")];
    let (outcome, _) = wait_with(looks, MINUTE, policy).await;
    assert_eq!(outcome.expect("done"), 5);

    let (outcome, times) = wait_with(vec![running(), Look::Cut], MINUTE, policy).await;
    let error = outcome.expect_err("three failures");
    assert!(
        matches!(error.kind(), WaitErrorKind::Looks { failures: 3, .. }),
        "{error:?}"
    );
    assert_eq!(
        error.kind().to_string(),
        "its state could not be read 3 times in a row, for 3 s"
    );
    assert!(std::error::Error::source(error.kind()).is_some());
    assert_eq!(times.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn failures_are_borne_for_a_time() {
    let bound = PollErrors::default().with_for_at_most(Duration::from_secs(10));
    let policy = PollPolicy::default().with_errors(bound);
    let (outcome, times) = wait_with(vec![Look::Cut], MINUTE, policy).await;
    let kind = outcome.expect_err("too long").into_kind();
    assert!(
        matches!(kind, WaitErrorKind::Looks { during, .. } if during == Duration::from_secs(15)),
        "{kind:?}"
    );
    assert_eq!(times.len(), 5, "at 0, 1, 3, 7 and 15 s");
}

#[tokio::test(start_paused = true)]
async fn the_policy_says_which_errors_are_fatal() {
    let looks = vec![Look::Forbidden, Look::Forbidden, done("2")];
    let patient = PollPolicy::default().with_errors(PollErrors::default().with_fatal(|_| false));
    let (outcome, _) = wait_with(looks, MINUTE, patient).await;
    assert_eq!(outcome.expect("done"), 2);

    let strict = PollPolicy::default().with_errors(PollErrors::default().with_fatal(|_| true));
    let (outcome, times) = wait_with(vec![Look::Cut, done("2")], MINUTE, strict).await;
    assert!(matches!(
        outcome.expect_err("the first error").kind(),
        WaitErrorKind::Call(_)
    ));
    assert_eq!(times.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn progress_shows_each_change_and_ends_with_the_work() {
    let looks = vec![
        percent(0),
        percent(0),
        Look::Cut,
        percent(40),
        percent(40),
        running(),
        done("7"),
    ];
    let (operation, source) = operation(looks);
    let progress = operation.progress(MINUTE, &source.clock, PollPolicy::default());
    let seen: Vec<_> = progress
        .map(|progress| progress.expect("no end but the good one").percent)
        .collect()
        .await;
    assert_eq!(seen, [Some(0), Some(40), None]);
    let result = operation.until_done(MINUTE, &source.clock, PollPolicy::default());
    assert_eq!(result.await.expect("done"), 7);
    assert_eq!(
        source.times.lock().expect("times").len(),
        8,
        "one more look for the result"
    );
}

#[tokio::test(start_paused = true)]
async fn progress_of_work_that_goes_wrong_ends_with_one_error() {
    let (operation, source) = operation(vec![percent(10), Look::Is(TaskStatus::Gone)]);
    let progress = operation.progress(MINUTE, &source.clock, PollPolicy::default());
    let seen: Vec<_> = progress.collect().await;
    assert!(
        matches!(&seen[..], [Ok(first), Err(error)]
            if first.percent == Some(10) && matches!(error.kind(), WaitErrorKind::Gone)),
        "{seen:?}"
    );

    let (operation, source) = self::operation(vec![percent(10)]);
    let progress = operation.progress(MINUTE, &source.clock, PollPolicy::default());
    let seen: Vec<_> = progress.collect().await;
    assert!(
        matches!(&seen[..], [Ok(_), Err(error)] if matches!(error.kind(), WaitErrorKind::Deadline { .. })),
        "{seen:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_for_progress_loses_no_look() {
    let (operation, source) = operation(vec![percent(1), percent(2), percent(3), done("1")]);
    let clock = source.clock;
    let mut progress = operation.progress(MINUTE, &clock, PollPolicy::default());
    let mut seen = Vec::new();
    loop {
        // Far shorter than the pauses, so that nearly every wait is given up.
        match within(&clock, Duration::from_millis(10), progress.next()).await {
            Ok(Some(step)) => seen.push(step.expect("progress").percent),
            Ok(None) => break,
            Err(_elapsed) => {}
        }
    }
    assert_eq!(seen, [Some(1), Some(2), Some(3)]);
    assert_eq!(source.times.lock().expect("times").len(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_cancelled_says_so_and_what_can_is_asked() {
    /// Counts the wishes to cancel.
    #[derive(Debug)]
    struct Stoppable {
        possible: bool,
        asked: std::sync::atomic::AtomicU32,
    }

    #[async_trait]
    impl TaskSource for Stoppable {
        async fn poll(&self, _id: &OperationId) -> Result<TaskStatus, CallError> {
            Ok(TaskStatus::Gone)
        }
        fn can_cancel(&self) -> bool {
            self.possible
        }
        async fn cancel(&self, id: &OperationId) -> Result<(), CallError> {
            assert_eq!(id.id, "task-7");
            self.asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok(())
        }
    }

    for (possible, expected) in [(true, Cancellation::Asked), (false, Cancellation::NotPossible)] {
        let source = Arc::new(Stoppable {
            possible,
            asked: 0.into(),
        });
        let id = OperationId::new("thing-task", "vc-east", "task-7");
        let operation = RemoteOperation::<()>::new(id, source.clone(), |_| Ok(()));
        assert_eq!(operation.cancel().await.expect("asked"), expected);
        assert_eq!(
            source.asked.load(std::sync::atomic::Ordering::Relaxed),
            u32::from(possible)
        );
    }
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

#[tokio::test(start_paused = true)]
async fn waits_that_began_together_do_not_stay_in_step() {
    let clock = SystemClock::new();
    let pause = Duration::from_secs(4);
    let mut due = std::collections::BTreeSet::new();
    for number in 0..20 {
        let id = OperationId::new("thing-task", "vc-east", format!("task-{number}"));
        let look = NextLook {
            pause,
            left: Duration::MAX,
            seen: None,
            clock: &clock,
        };
        let began = clock.elapsed();
        look.spread(&id).await;
        let took = clock.elapsed() - began;
        assert!(
            took >= pause && took <= pause * 5 / 4 + Duration::from_millis(1),
            "{took:?}"
        );
        due.insert(took);
    }
    assert!(due.len() > 10, "{due:?}");
}

#[tokio::test(start_paused = true)]
async fn looks_one_by_one_take_turns_before_they_are_made() {
    let clock = SystemClock::new();
    let turns = Turns::new(2);
    let looking = std::sync::atomic::AtomicUsize::new(0);
    let looks = (0..6).map(|number| {
        let (clock, turns, looking) = (&clock, &turns, &looking);
        async move {
            let id = OperationId::new("thing-task", "vc-east", number.to_string());
            let look = NextLook {
                pause: Duration::ZERO,
                left: Duration::MAX,
                seen: None,
                clock,
            };
            let _turn = look.turn(&id, turns).await;
            let others = looking.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            clock.sleep(Duration::from_secs(1)).await;
            looking.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
            others
        }
    });
    let others = futures_util::future::join_all(looks).await;
    assert_eq!(others.iter().max(), Some(&1), "{others:?}");
    assert_eq!(clock.elapsed(), Duration::from_secs(3));
}

/// There may be thousands of waits at once: each holds its policy once, and what it needs only now and then in a box.
#[test]
fn a_wait_is_small() {
    let (operation, _) = operation(vec![running()]);
    let clock = SystemClock::new();
    let wait = operation.until_done(MINUTE, &clock, PollPolicy::default());
    let size = size_of_val(&wait);
    assert!(size <= 640, "{size}");
    assert!(size_of_val(&operation) <= 104, "{}", size_of_val(&operation));
}

/// Shows work at 40 percent, then says nothing to two visits, and then that it is done.
#[derive(Debug)]
struct Visited {
    clock: SystemClock,
    visits: Mutex<Vec<(u64, Option<Progress>)>>,
}

#[async_trait]
impl TaskSource for Visited {
    async fn poll(&self, _id: &OperationId) -> Result<TaskStatus, CallError> {
        unreachable!("it looks when it wants")
    }

    async fn next(&self, _id: &OperationId, look: NextLook<'_>) -> Result<TaskStatus, CallError> {
        let visit = {
            let mut visits = self.visits.lock().expect("visits");
            visits.push((self.clock.elapsed().as_secs(), look.seen));
            visits.len()
        };
        match visit {
            1 => Ok(TaskStatus::Running { progress: Some(40) }),
            2 | 3 => std::future::pending().await,
            _ => Ok(TaskStatus::Succeeded { result: None }),
        }
    }

    fn comes_again_after(&self) -> Option<Duration> {
        Some(MINUTE)
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_comes_again_in_time_with_what_it_has_seen() {
    let visited = || Visited {
        clock: SystemClock::new(),
        visits: Mutex::default(),
    };
    let id = || OperationId::new("thing-task", "vc-east", "task-7");
    let source = Arc::new(visited());
    let work = RemoteOperation::new(id(), source.clone(), |_| Ok(()));
    let done = work.until_done(MINUTE * 10, &source.clock, PollPolicy::default());
    done.await.expect("done");
    let seen = Some(Progress { percent: Some(40) });
    let visits = source.visits.lock().expect("visits").clone();
    assert_eq!(visits, [(0, None), (0, seen), (60, seen), (120, seen)]);

    // The deadline comes first all the same.
    let source = Arc::new(visited());
    let work = RemoteOperation::<()>::new(id(), source.clone(), |_| Ok(()));
    let limit = Duration::from_secs(90);
    let late = work.until_done(limit, &source.clock, PollPolicy::default());
    let kind = late.await.expect_err("not done").into_kind();
    assert!(matches!(kind, WaitErrorKind::Deadline { .. }), "{kind:?}");
    assert_eq!(source.clock.elapsed(), limit);
}

/// Asks for each piece of work by itself, as sources without news do; the work is done from some time on.
#[derive(Debug)]
struct Asked {
    clock: SystemClock,
    done_at: Duration,
    /// Answers the second look in place of its status.
    refusal: Option<Duration>,
    comes_again: Option<Duration>,
    looks: Mutex<Vec<u64>>,
}

impl Asked {
    fn new(done_at: u64) -> Self {
        Self {
            clock: SystemClock::new(),
            done_at: Duration::from_secs(done_at),
            refusal: None,
            comes_again: None,
            looks: Mutex::default(),
        }
    }

    /// When it was looked at, in seconds.
    fn looks(&self) -> Vec<u64> {
        self.looks.lock().expect("looks").clone()
    }
}

#[async_trait]
impl TaskSource for Asked {
    async fn poll(&self, _id: &OperationId) -> Result<TaskStatus, CallError> {
        let at = self.clock.elapsed();
        let number = {
            let mut looks = self.looks.lock().expect("looks");
            looks.push(at.as_secs());
            looks.len()
        };
        match self.refusal {
            Some(after) if number == 2 => {
                let busy = StatusError::new(http::StatusCode::SERVICE_UNAVAILABLE, Some(after), None);
                Err(call(&READ).context().error(CallErrorKind::Status(Box::new(busy))))
            }
            _ if at >= self.done_at => Ok(TaskStatus::Succeeded { result: None }),
            _ => Ok(TaskStatus::Running { progress: None }),
        }
    }

    async fn next(&self, id: &OperationId, look: NextLook<'_>) -> Result<TaskStatus, CallError> {
        look.spread(id).await;
        self.poll(id).await
    }

    fn comes_again_after(&self) -> Option<Duration> {
        self.comes_again
    }
}

// Spread over up to a quarter more, the pause before the last look went beyond the deadline, and the look was never made.
#[tokio::test(start_paused = true)]
async fn the_last_look_of_spread_ones_is_made_at_the_deadline() {
    let policy = PollPolicy::between(MINUTE, MINUTE);
    for number in 0..20 {
        let source = Arc::new(Asked::new(85));
        let id = OperationId::new("thing-task", "vc-east", format!("task-{number}"));
        let work = RemoteOperation::new(id, source.clone(), |_| Ok(()));
        let limit = Duration::from_secs(90);
        let done = work.until_done(limit, &source.clock, policy).await;
        assert!(done.is_ok(), "{:?}: {done:?}", source.looks());
    }
}

// A wait that comes again began its pause anew each time, so that one longer than that never ended.
#[tokio::test(start_paused = true)]
async fn a_pause_that_the_server_asked_for_is_not_begun_anew_by_coming_again() {
    let source = Arc::new(Asked {
        refusal: Some(MINUTE * 3),
        comes_again: Some(MINUTE * 2),
        ..Asked::new(2)
    });
    let id = OperationId::new("thing-task", "vc-east", "task-7");
    let work = RemoteOperation::new(id, source.clone(), |_| Ok(()));
    let done = work.until_done(MINUTE * 60, &source.clock, PollPolicy::default());
    done.await.expect("done");
    let looks = source.looks();
    assert!(looks.len() == 3 && looks[2] < 5 * 60, "{looks:?}");
}
