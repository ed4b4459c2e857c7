//! Failovers.

use std::io;
use std::time::Duration;

use farside_models_vcenter::operation::{
    CIS_TASKS_GET, VCHA_CLUSTER_FAILOVER_TASK, VCHA_CLUSTER_GET, VCHA_OPERATIONS_GET,
};
use farside_transport::testing::Answer;
use farside_transport::{CallErrorKind, CertificateError, CertificateProblem, Effect, OperationId, Pin};
use farside_vcha::{CIS_TASK, Failover, FailoverErrorKind, FailoverIntent, HaAddress, Outcome};
use serde_json::json;

use crate::support::{
    FIRST, LIMIT, SECOND, client, cluster, cut, no_json, no_operations, node, ok, std_error,
};

/// A certificate that is not accepted: this does not pass.
fn not_accepted() -> Answer {
    let pin = Pin::new([0xab; 32]);
    let source = io::Error::other("unknown issuer");
    let problem = CertificateProblem::UnknownIssuer;
    let error = CertificateError::new("vc:443".into(), problem, pin, source);
    Answer::fail(CallErrorKind::Certificate(Box::new(error)))
}

fn intent() -> FailoverIntent {
    FailoverIntent {
        from: HaAddress::new(FIRST),
        to: HaAddress::new(SECOND),
        planned: true,
    }
}

fn task() -> OperationId {
    OperationId::new(CIS_TASK, "vc-west", "task-1")
}

#[tokio::test(start_paused = true)]
async fn an_address_that_can_never_be_used_does_not_end_a_wait_while_the_other_is_silent() {
    for first_is_silent in [true, false] {
        let coming = node(|id, nth| match id {
            id if id == VCHA_CLUSTER_GET.id && nth < 40 => cut(),
            id if id == VCHA_CLUSTER_GET.id => ok(&cluster(SECOND)),
            _ => no_operations(),
        });
        let useless = node(|_, _| not_accepted());
        let addresses = if first_is_silent {
            [&coming, &useless]
        } else {
            [&useless, &coming]
        };
        let failover = Failover::new(client(&addresses));
        let outcome = failover.until_switched(&intent(), None, LIMIT).await;
        outcome.unwrap_or_else(|error| panic!("{first_is_silent}: {error:?}"));
    }
    // Where neither can be used, nothing is waited for.
    let (one, two) = (node(|_, _| not_accepted()), node(|_, _| not_accepted()));
    let failover = Failover::new(client(&[&one, &two]));
    let error = failover.until_switched(&intent(), None, LIMIT).await.unwrap_err();
    assert!(matches!(error.kind(), FailoverErrorKind::Call(_)), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_cannot_be_read_does_not_keep_the_roles_from_settling() {
    for answer in [|| std_error(403, "UNAUTHORIZED"), || std_error(500, "ERROR"), cut] {
        let serving = node(move |id, _| match id {
            id if id == VCHA_CLUSTER_GET.id => ok(&cluster(FIRST)),
            id if id == VCHA_OPERATIONS_GET.id => no_operations(),
            id if id == CIS_TASKS_GET.id => answer(),
            _ => no_json(500),
        });
        let client = client(&[&serving]);
        let began = client.clock().elapsed();
        let failover = Failover::new(client.clone());
        let error = failover
            .until_switched(&intent(), Some(&task()), LIMIT)
            .await
            .unwrap_err();
        assert!(
            matches!(error.kind(), FailoverErrorKind::DidNotHappen { reason: None, .. }),
            "{error:?}"
        );
        let took = (client.clock().elapsed() - began).as_secs();
        assert!((60..160).contains(&took), "{took}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failover_that_meets_a_dead_session_is_not_sent_again_without_a_look() {
    // The cluster has switched by itself since it was looked at: the session is lost, and a failover would switch back.
    let switched = || {
        node(|id, nth| match id {
            id if id == VCHA_CLUSTER_GET.id && nth == 0 => ok(&cluster(FIRST)),
            id if id == VCHA_CLUSTER_GET.id => ok(&cluster(SECOND)),
            id if id == VCHA_OPERATIONS_GET.id => no_operations(),
            id if id == VCHA_CLUSTER_FAILOVER_TASK.id && nth == 0 => std_error(401, "UNAUTHENTICATED"),
            _ => Answer::json(202, "\"task-1\""),
        })
    };
    let vcenter = switched();
    let failover = Failover::new(client(&[&vcenter]));
    let outcome = failover.run(Some(&HaAddress::new(SECOND)), true, LIMIT).await;
    assert_eq!(outcome.unwrap(), Outcome::AlreadyActive);
    assert_eq!(vcenter.count(&VCHA_CLUSTER_FAILOVER_TASK), 1);

    let vcenter = switched();
    let error = client(&[&vcenter]).start_failover(true).await.unwrap_err();
    assert_eq!(error.effect(), Effect::Refused);
    assert_eq!(vcenter.count(&VCHA_CLUSTER_FAILOVER_TASK), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failover_that_meets_a_session_that_idled_out_is_sent_after_one_more_look() {
    let vcenter = node(|id, nth| match id {
        id if id == VCHA_CLUSTER_GET.id && nth < 2 => ok(&cluster(FIRST)),
        id if id == VCHA_CLUSTER_GET.id => ok(&cluster(SECOND)),
        id if id == VCHA_OPERATIONS_GET.id => no_operations(),
        id if id == VCHA_CLUSTER_FAILOVER_TASK.id && nth == 0 => std_error(401, "UNAUTHENTICATED"),
        _ => Answer::json(202, "\"task-1\""),
    });
    let failover = Failover::new(client(&[&vcenter]));
    let outcome = failover.run(Some(&HaAddress::new(SECOND)), true, LIMIT).await;
    assert_eq!(outcome.unwrap(), Outcome::Switched(intent()));
    assert_eq!(vcenter.count(&VCHA_CLUSTER_FAILOVER_TASK), 2);
}

#[tokio::test(start_paused = true)]
async fn a_run_tells_whether_the_request_went_out() {
    let refused = |id: &str, _| match id {
        id if id == VCHA_CLUSTER_GET.id => ok(&cluster(FIRST)),
        id if id == VCHA_OPERATIONS_GET.id => no_operations(),
        _ => std_error(403, "UNAUTHORIZED"),
    };
    for vcenter in [node(|_, _| no_json(403)), node(refused)] {
        let error = Failover::new(client(&[&vcenter]))
            .run(None, true, LIMIT)
            .await
            .unwrap_err();
        assert!(
            matches!(error.kind(), FailoverErrorKind::NotAsked(_)),
            "{error:?}"
        );
        assert!(error.to_string().contains("nothing was asked for"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_in_its_time_however_slow_the_looks_and_the_request_are() {
    let slow = Duration::from_secs(25);
    let vcenter = node(move |id, _| {
        let answer = match id {
            id if id == VCHA_CLUSTER_GET.id => ok(&cluster(FIRST)),
            id if id == VCHA_OPERATIONS_GET.id => no_operations(),
            id if id == VCHA_CLUSTER_FAILOVER_TASK.id => Answer::json(202, "\"task-1\""),
            _ => ok(
                &json!({"status": "RUNNING", "description": {"id": "x", "default_message": "", "args": []},
                "service": "s", "operation": "o", "cancelable": false}),
            ),
        };
        answer.delayed(slow)
    });
    for (limit, sent) in [(30, 0), (90, 1)] {
        let client = client(&[&vcenter]);
        let before = vcenter.count(&VCHA_CLUSTER_FAILOVER_TASK);
        let began = client.clock().elapsed();
        let limit = Duration::from_secs(limit);
        let error = Failover::new(client.clone())
            .run(None, true, limit)
            .await
            .unwrap_err();
        let took = client.clock().elapsed() - began;
        assert!(took <= limit, "{took:?} of {limit:?}");
        assert_eq!(vcenter.count(&VCHA_CLUSTER_FAILOVER_TASK) - before, sent);
        match error.kind() {
            FailoverErrorKind::NoTime { .. } => assert_eq!(sent, 0),
            FailoverErrorKind::Deadline { .. } => assert_eq!(sent, 1),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_answer_that_refused_a_failover_is_in_the_message() {
    let vcenter = node(|id, _| match id {
        id if id == VCHA_CLUSTER_GET.id => ok(&cluster(FIRST)),
        id if id == VCHA_OPERATIONS_GET.id => no_operations(),
        _ => {
            let message = json!({"id": "x", "default_message": "the witness is down", "args": []});
            Answer::json(
                500,
                json!({"error_type": "ERROR", "messages": [message]}).to_string(),
            )
        }
    });
    let error = Failover::new(client(&[&vcenter]))
        .run(None, true, LIMIT)
        .await
        .unwrap_err();
    assert!(
        matches!(error.kind(), FailoverErrorKind::DidNotHappen { .. }),
        "{error:?}"
    );
    let told = error.kind().to_string();
    assert!(told.contains("the witness is down"), "{told}");
}
