//! What the rules leave open of errors, of the greeting, of sessions and of a second call, in each reading.

use std::time::Duration;

use farside_simulator::vcha::AfterSwitch;
use farside_transport::{Clock as _, Effect, TaskSource as _, TaskStatus};
use farside_vcha::{CisTasks, Failover, FailoverIntent, HaAddress};

use crate::support::{FAILOVER, Site};

const LOGIN: &str = "Cis.Session_create";
const HELLO: &str = "Vcenter.System_hello";

fn intent() -> FailoverIntent {
    FailoverIntent {
        from: HaAddress::new("10.9.2.1"),
        to: HaAddress::new("10.9.2.2"),
        planned: true,
    }
}

#[tokio::test(start_paused = true)]
async fn a_greeting_that_needs_a_session_is_sent_again_within_one() {
    for needs in [false, true] {
        let site = Site::new(|spec| spec.hello_needs_session = needs);
        let hello = site.client.hello(&["9.9.9.9", "8.0.2.0"]).await.unwrap();
        assert_eq!(hello.as_deref(), Some("8.0.2.0"));
        let expected = if needs { (1, 2) } else { (0, 1) };
        assert_eq!((site.calls(LOGIN).0, site.calls(HELLO).0), expected);
    }
}

/// A refusal that names a resource is none: with 400, as the runtime has it, it promises as little as with 500.
#[tokio::test(start_paused = true)]
async fn a_second_request_for_a_busy_cluster_is_unknown_with_either_status() {
    for runtime_statuses in [false, true] {
        let site = Site::new(|spec| spec.runtime_statuses = runtime_statuses);
        site.client.start_failover(true).await.unwrap();
        let error = site.client.start_failover(true).await.unwrap_err();
        let code = error.service_error().unwrap().code();
        assert_eq!(code == "RESOURCE_BUSY", runtime_statuses, "{error}");
        assert_eq!(error.effect(), Effect::Unknown);
        let limit = Duration::from_secs(60);
        Failover::new(site.client.clone())
            .until_switched(&intent(), None, limit)
            .await
            .unwrap();
        assert_eq!(site.switches(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn tasks_that_are_out_of_reach_for_a_while_do_not_end_the_wait_for_one() {
    for omits_error_types in [false, true] {
        let site = Site::new(|spec| {
            spec.runtime_statuses = true;
            spec.omits_error_types = omits_error_types;
            spec.after_switch = AfterSwitch::Succeeded;
        });
        let task = site.client.start_failover(true).await.unwrap();
        let tasks = CisTasks::new(site.client.clone());
        let mut away = 0;
        loop {
            match tasks.poll(&task).await {
                Err(error) if error.status().is_some_and(|status| status == 400) => away += 1,
                Ok(TaskStatus::Succeeded { .. }) => break,
                _ => {}
            }
            site.clock.sleep(Duration::from_millis(200)).await;
        }
        assert!(away > 0, "they were out of reach");
        // The same again, with a wait.
        site.sleep(60).await;
        let back = site.client.start_failover(true).await.unwrap();
        site.done(back).await;
        assert_eq!(site.switches(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_server_does_not_know_is_gone_also_where_the_error_names_no_type() {
    let site = Site::new(|spec| spec.omits_error_types = true);
    let task = site.client.start_failover(true).await.unwrap();
    site.sleep(20).await;
    let polled = CisTasks::new(site.client.clone()).poll(&task).await;
    assert!(matches!(polled, Ok(TaskStatus::Gone)), "{polled:?}");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_outlives_the_switch_is_gone_on_with() {
    for keeps_sessions in [false, true] {
        let site = Site::new(|spec| spec.keeps_sessions = keeps_sessions);
        site.client.start_failover(true).await.unwrap();
        site.sleep(60).await;
        site.client.operations().await.unwrap();
        assert_eq!(site.calls(LOGIN).0, if keeps_sessions { 1 } else { 2 });
    }
}

/// Two who want the same, and ask at the same time: one switch, and both see it.
#[tokio::test(start_paused = true)]
async fn a_second_request_that_joins_the_first_one_switches_nothing_back() {
    let site = Site::new(|spec| spec.joins_failover = true);
    let other = site.other_client();
    let first = site.client.start_failover(true).await.unwrap();
    let second = other.start_failover(true).await.unwrap();
    assert_eq!(first.id, second.id);
    for (client, task) in [(&site.client, first), (&other, second)] {
        let failover = Failover::new(client.clone());
        let limit = Duration::from_secs(120);
        failover
            .until_switched(&intent(), Some(&task), limit)
            .await
            .unwrap();
        failover.until_healthy(&intent(), limit).await.unwrap();
    }
    assert_eq!((site.switches(), site.calls(FAILOVER)), (1, (2, 2, 1)));
}
