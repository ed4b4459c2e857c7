//! Many callers at once, through the whole stack.

use std::collections::BTreeMap;

use super::*;
use crate::stack::{Stack, StackBuilder};

const CALLERS: u32 = 1000;

/// What the server has seen and done.
#[derive(Default)]
struct World {
    /// Answers that the first session still gets.
    breath: u32,
    /// How often each action was done, by path.
    done: BTreeMap<String, u32>,
    /// Answers to each action, by path.
    answers: BTreeMap<String, Vec<u16>>,
}

/// A server whose first session dies after `breath` answers, in one of its three disguises for each call that comes
/// after that, some of them late.
fn dying(breath: u32) -> (Arc<ScriptedTransport>, Arc<Mutex<World>>) {
    let world = Arc::new(Mutex::new(World {
        breath,
        ..World::default()
    }));
    let shared = Arc::clone(&world);
    let script = ScriptedTransport::with(move |call, nth| {
        if call.operation.id == LOG_IN.id {
            return Answer::json(200, nth.to_string()).delayed(Duration::from_millis(50));
        }
        let mut world = shared.lock().expect("world");
        let path = call.request.uri().path().to_owned();
        let write = call.operation.id == WRITE.id;
        let alive = token_of(call) == Some("1") || world.breath > 0;
        world.breath = world.breath.saturating_sub(1);
        if alive && write {
            *world.done.entry(path.clone()).or_default() += 1;
        }
        let (status, body) = match (alive, nth % 3, write) {
            (true, _, _) => (200, "{}"),
            (false, 0, _) => (401, ""),
            (false, 1, _) | (false, _, true) => (500, r#"{"code":"NotAuthenticated"}"#),
            (false, _, false) => (200, "\"dead\""),
        };
        world.answers.entry(path).or_default().push(status);
        Answer::json(status, body).delayed(Duration::from_millis(20 + (nth as u64 * 37) % 400))
    });
    (Arc::new(script), world)
}

fn stack(server: &Arc<ScriptedTransport>) -> Arc<Stack> {
    StackBuilder::new(server.clone(), Arc::new(SystemClock::new()))
        .session(Arc::new(Scheme::default()))
        .endpoint("vc-east")
        .limit(64)
        .call_timeout(Duration::from_secs(600))
        .build()
}

fn numbered(operation: &'static farside_wire::Operation, number: u32) -> Call {
    let mut call = call(operation);
    *call.request.uri_mut() = format!("/things/{number}").parse().expect("a path");
    call
}

#[tokio::test(start_paused = true)]
async fn a_session_that_dies_under_a_thousand_callers_costs_one_login_no_call_and_no_action_twice() {
    let (server, world) = dying(CALLERS / 4);
    let stack = stack(&server);
    assert!(stack.send(numbered(&READ, CALLERS)).await.is_ok());
    assert_eq!(server.count(&LOG_IN), 1);

    let operation = |number| if number % 2 == 0 { &READ } else { &WRITE };
    let calls = (0..CALLERS).map(|number| stack.send(numbered(operation(number), number)));
    let answers = join_all(calls).await;

    assert_eq!(server.count(&LOG_IN), 2, "one login for the session that died");
    let world = world.lock().expect("world");
    let mut unknown = 0;
    for (number, answer) in answers.iter().enumerate() {
        let path = format!("/things/{number}");
        let (done, sent) = (world.done.get(&path).copied(), &world.answers[&path]);
        match answer {
            Ok(answer) => assert_eq!(answer.body().as_ref(), b"{}", "{path}"),
            Err(error) => {
                assert_eq!((number % 2, error.effect()), (1, Effect::Unknown), "{path}");
                assert_eq!(sent, &[500], "{path} is not repeated");
                unknown += 1;
            }
        }
        if number % 2 == 1 {
            assert_eq!(done, answer.is_ok().then_some(1), "{path}");
            assert!(matches!(sent[..], [200] | [500] | [401, 200]), "{path}: {sent:?}");
        }
    }
    assert!((1..CALLERS / 2).contains(&unknown), "{unknown}");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_costs_a_thousand_callers_one_attempt_and_all_get_the_same_error() {
    let server = Arc::new(ScriptedTransport::with(|_, _| {
        Answer::json(401, "").delayed(Duration::from_millis(50))
    }));
    let stack = stack(&server);
    let errors: Vec<_> = join_all((0..CALLERS).map(|number| stack.send(numbered(&READ, number))))
        .await
        .into_iter()
        .map(|answer| answer.expect_err("no session"))
        .collect();
    assert_eq!((server.count(&LOG_IN), server.calls().len()), (1, 1));
    let logins: Vec<_> = errors
        .iter()
        .map(|error| match error.kind() {
            CallErrorKind::Login(login) => login,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(logins.windows(2).all(|pair| Arc::ptr_eq(pair[0], pair[1])));
    assert!(errors.iter().all(|error| error.effect() == Effect::NotSent));
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_refused_in_every_session_do_not_keep_logging_in() {
    let server = Arc::new(server(|_| false));
    let stack = stack(&server);
    let answers = join_all((0..CALLERS).map(|number| stack.send(numbered(&WRITE, number)))).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().is_err_and(|error| error.status().is_some()))
    );
    assert_eq!(server.count(&LOG_IN), 2);
    assert_eq!(server.count(&WRITE), 2 * CALLERS as usize);
}
