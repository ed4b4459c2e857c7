//! Failovers that are followed to their end, whatever happens on the way.

use std::sync::Arc;
use std::time::Duration;

use farside_simulator::vcha::{AfterSwitch, Mode, VchaSpec};
use farside_simulator::{FaultAction, FaultRule};
use farside_transport::{Clock, Effect, OperationId};
use farside_vcha::{
    Failover, FailoverErrorKind, FailoverIntent, FailoverPace, HaAddress, Outcome, Plan, Sent,
};

use crate::support::{FAILOVER, Site, WEST, builder};

const LIMIT: Duration = Duration::from_secs(300);
const FIRST: &str = "10.9.2.1";
const SECOND: &str = "10.9.2.2";

fn failover(site: &Site) -> Failover {
    Failover::new(site.client.clone())
}

fn second() -> HaAddress {
    HaAddress::new(SECOND)
}

fn intent(outcome: Outcome) -> FailoverIntent {
    match outcome {
        Outcome::Switched(intent) => intent,
        Outcome::AlreadyActive => panic!("nothing was sent"),
    }
}

/// One failover of a world, to the second node.
async fn run(site: &Site, planned: bool) -> Result<Outcome, farside_vcha::FailoverError> {
    failover(site).run(Some(&second()), planned, LIMIT).await
}

#[tokio::test(start_paused = true)]
async fn a_failover_is_seen_switched_and_then_healthy_again() {
    let readings: [fn(&mut VchaSpec); 14] = [
        |_| {},
        |spec| spec.nodes_swap = true,
        |spec| spec.partial_is_bare = true,
        |spec| spec.omits_allowed = true,
        |spec| spec.tells_little = true,
        |spec| spec.old_node_answers_ms = 5_000,
        |spec| spec.after_switch = AfterSwitch::Failed,
        |spec| spec.after_switch = AfterSwitch::Succeeded,
        |spec| spec.outage_ms = 30_000,
        |spec| spec.runtime_statuses = true,
        |spec| spec.omits_error_types = true,
        |spec| spec.hello_needs_session = true,
        |spec| spec.keeps_sessions = true,
        |spec| spec.joins_failover = true,
    ];
    for change in readings {
        for planned in [true, false] {
            let site = Site::new(change);
            let intent = intent(run(&site, planned).await.unwrap());
            assert_eq!((intent.from.as_str(), intent.to.as_str()), (FIRST, SECOND));
            assert_eq!(site.active(), SECOND);
            failover(&site).until_healthy(&intent, LIMIT).await.unwrap();
            assert!(site.simulator.world().vcha().cluster(WEST).unwrap().is_healthy());
            assert_eq!(site.calls(FAILOVER), (1, 1, 1));
            assert_eq!(site.switches(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_when_the_node_is_active_already() {
    let site = Site::new(|_| {});
    let outcome = failover(&site)
        .run(Some(&HaAddress::new(FIRST)), true, LIMIT)
        .await;
    assert_eq!(outcome.unwrap(), Outcome::AlreadyActive);
    assert_eq!(site.calls(FAILOVER).0, 0);
    run(&site, true).await.unwrap();
    assert_eq!(run(&site, true).await.unwrap(), Outcome::AlreadyActive);
    assert_eq!((site.calls(FAILOVER).0, site.switches()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn without_a_name_the_passive_node_is_meant() {
    let site = Site::new(|_| {});
    let outcome = failover(&site).run(None, true, LIMIT).await.unwrap();
    assert_eq!(intent(outcome).to, second());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_to_a_cluster_that_is_not_ready() {
    let site = Site::new(|spec| spec.clusters.get_mut(WEST).unwrap().mode = Mode::Disabled);
    let error = run(&site, false).await.unwrap_err();
    let FailoverErrorKind::NotReady(conditions) = error.kind() else {
        panic!("{error:?}")
    };
    assert!(conditions.iter().any(|condition| condition.name == "mode"));
    assert!(error.to_string().contains("mode: DISABLED"), "{error}");
    let stranger = HaAddress::new("10.9.2.9");
    let healthy = Site::new(|_| {});
    let plan = failover(&healthy).plan(Some(&stranger), true).await.unwrap();
    let Plan::NotReady(conditions) = plan else {
        panic!("{plan:?}")
    };
    assert_eq!((conditions.len(), conditions[0].name), (1, "roles"));
    assert_eq!((site.calls(FAILOVER).0, healthy.calls(FAILOVER).0), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_leads_to_looks_and_never_to_a_second_request() {
    for (action, happens) in [
        (FaultAction::DropAnswer, true),
        (FaultAction::Silence { acted: true }, true),
        (FaultAction::Cut, false),
        (FaultAction::Silence { acted: false }, false),
    ] {
        let site = Site::new(|_| {});
        site.simulator
            .world()
            .faults_mut()
            .add(FaultRule::new(FAILOVER, action));
        let outcome = run(&site, true).await;
        if happens {
            assert_eq!(intent(outcome.unwrap()).to, second());
        } else {
            let error = outcome.unwrap_err();
            let FailoverErrorKind::DidNotHappen { answer, .. } = error.kind() else {
                panic!("{error:?}")
            };
            assert_eq!(answer.as_ref().unwrap().effect(), Effect::Unknown);
        }
        assert_eq!((site.calls(FAILOVER).0, site.switches()), (1, u32::from(happens)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_from_the_call_or_from_the_task() {
    for refuses_in_task in [false, true] {
        let site = Site::new(|spec| spec.refuses_in_task = refuses_in_task);
        let failover = failover(&site);
        let Plan::Ready(intent) = failover.plan(None, true).await.unwrap() else {
            panic!("it is ready")
        };
        site.simulator.world().vcha_mut().set_witness(WEST, false);
        let sent = failover.send(&intent).await.unwrap();
        let began = site.clock.elapsed();
        let task = match &sent {
            Sent::Taken(task) => Some(task),
            Sent::Unknown(error) => {
                assert!(
                    error
                        .service_error()
                        .unwrap()
                        .message()
                        .unwrap()
                        .contains("not ready")
                );
                None
            }
        };
        assert_eq!(task.is_some(), refuses_in_task);
        let error = failover.until_switched(&intent, task, LIMIT).await.unwrap_err();
        let FailoverErrorKind::DidNotHappen { reason, .. } = error.kind() else {
            panic!("{error:?}")
        };
        assert_eq!(reason.is_some(), refuses_in_task);
        let took = site.clock.elapsed() - began;
        assert!(took < Duration::from_secs(70), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_did_nothing_is_an_error_and_not_waited_for() {
    let site = Site::new(|_| {});
    let refuse = FaultAction::Refuse {
        status: 403,
        body: None,
        retry_after: None,
    };
    site.simulator
        .world()
        .faults_mut()
        .add(FaultRule::new(FAILOVER, refuse));
    let error = run(&site, true).await.unwrap_err();
    assert!(matches!(error.kind(), FailoverErrorKind::NotAsked(error) if error.effect() == Effect::Refused));
    assert_eq!(site.switches(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_fails_midway_is_told_once_it_has_settled() {
    for after_switch in [AfterSwitch::Gone, AfterSwitch::Failed] {
        let site = Site::new(|spec| spec.after_switch = after_switch);
        assert!(site.simulator.world().vcha_mut().fail_next_switch(WEST));
        let error = run(&site, true).await.unwrap_err();
        let FailoverErrorKind::DidNotHappen { from, reason, .. } = error.kind() else {
            panic!("{error:?}")
        };
        assert_eq!(
            (from.as_str(), reason.is_some()),
            (FIRST, after_switch == AfterSwitch::Failed)
        );
        assert_eq!((site.calls(FAILOVER).0, site.active().as_str()), (1, FIRST));
    }
}

#[tokio::test(start_paused = true)]
async fn a_failover_outlives_dead_sessions_and_half_a_minute_without_a_listener() {
    for hit in 0..3 {
        let site = Site::new(|_| {});
        let failover = failover(&site);
        let Plan::Ready(intent) = failover.plan(None, true).await.unwrap() else {
            panic!("it is ready")
        };
        let Sent::Taken(task) = failover.send(&intent).await.unwrap() else {
            panic!("it was taken")
        };
        let blow = async {
            site.clock.sleep(Duration::from_millis(300)).await;
            let rule = FaultRule::new("Vcenter.Vcha.Cluster_get", FaultAction::EndSessions).times(Some(5));
            match hit {
                0 => {
                    site.simulator.world().faults_mut().add(rule);
                }
                1 => {
                    site.simulator.world().set_reachable(WEST, false);
                    site.sleep(30).await;
                    site.simulator.world().set_reachable(WEST, true);
                }
                // A page of a proxy, as it comes while a server starts.
                _ => {
                    let page = FaultAction::Refuse {
                        status: 404,
                        body: None,
                        retry_after: None,
                    };
                    let rule = FaultRule::new("Vcenter.Vcha.Operations_get", page).times(Some(4));
                    site.simulator.world().faults_mut().add(rule);
                }
            }
        };
        let wait = failover.until_switched(&intent, Some(&task), LIMIT);
        let (outcome, ()) = futures_util::future::join(wait, blow).await;
        outcome.unwrap();
        assert_eq!((site.active().as_str(), site.calls(FAILOVER).0), (SECOND, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn another_process_goes_on_waiting_with_what_was_stored() {
    for knows_task in [true, false] {
        let site = Site::new(|_| {});
        let first = failover(&site);
        let Plan::Ready(intent) = first.plan(Some(&second()), true).await.unwrap() else {
            panic!("it is ready")
        };
        let stored = serde_json::to_string(&intent).unwrap();
        let Sent::Taken(task) = first.send(&intent).await.unwrap() else {
            panic!("it was taken")
        };
        let task = knows_task.then(|| serde_json::to_string(&task).unwrap());
        drop(first);
        let other = Failover::new(site.other_client());
        let intent: FailoverIntent = serde_json::from_str(&stored).unwrap();
        let task: Option<OperationId> = task.map(|task| serde_json::from_str(&task).unwrap());
        other.until_switched(&intent, task.as_ref(), LIMIT).await.unwrap();
        other.until_healthy(&intent, LIMIT).await.unwrap();
        assert_eq!(site.calls(FAILOVER).0, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn each_wait_ends_with_its_deadline_and_the_switch_goes_on() {
    let site = Site::new(|spec| spec.outage_ms = 120_000);
    let failover = failover(&site);
    let Plan::Ready(intent) = failover.plan(None, true).await.unwrap() else {
        panic!("it is ready")
    };
    let Sent::Taken(task) = failover.send(&intent).await.unwrap() else {
        panic!("it was taken")
    };
    let began = site.clock.elapsed();
    let limit = Duration::from_secs(20);
    let error = failover
        .until_switched(&intent, Some(&task), limit)
        .await
        .unwrap_err();
    let FailoverErrorKind::Deadline { last_error, .. } = error.kind() else {
        panic!("{error:?}")
    };
    assert!(last_error.is_some());
    let error = failover.until_healthy(&intent, limit).await.unwrap_err();
    assert!(
        matches!(error.kind(), FailoverErrorKind::Deadline { .. }),
        "{error:?}"
    );
    let took = (site.clock.elapsed() - began).as_secs();
    assert!((40..46).contains(&took), "{took}");
    failover
        .until_switched(&intent, Some(&task), LIMIT)
        .await
        .unwrap();
    assert_eq!(site.calls(FAILOVER).0, 1);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_switches_back_is_not_waited_for() {
    let site = Site::new(|_| {});
    let failover = failover(&site).pace(FailoverPace::default().with_pause(Duration::from_secs(1)));
    let intent = intent(failover.run(None, false, LIMIT).await.unwrap());
    failover.until_healthy(&intent, LIMIT).await.unwrap();
    assert!(site.simulator.world().lose_active_node(WEST));
    site.sleep(10).await;
    let error = failover.until_healthy(&intent, LIMIT).await.unwrap_err();
    assert!(matches!(error.kind(), FailoverErrorKind::Another { active } if active.as_str() == FIRST));
}

/// A cluster whose nodes have addresses of their own, with a client that knows both.
fn two_addresses(change: impl FnOnce(&mut VchaSpec)) -> (Site, Arc<farside_vcha::VchaClient>) {
    let site = Site::new(|spec| {
        let cluster = spec.clusters.get_mut(WEST).unwrap();
        cluster.failover_ips = Some(["198.51.100.20".to_owned(), "203.0.113.20".to_owned()]);
        change(spec);
    });
    let other = Arc::new(site.simulator.transport("vc-west-node2"));
    let client = Arc::new(builder(&site.simulator, &site.clock, WEST).also_at(other).build());
    (site, client)
}

#[tokio::test(start_paused = true)]
async fn nodes_with_addresses_of_their_own_are_followed_from_one_to_the_other() {
    for stale_ms in [0, 8_000] {
        let (site, client) = two_addresses(|spec| spec.old_node_answers_ms = stale_ms);
        let failover = Failover::new(client);
        let intent = intent(failover.run(None, true, LIMIT).await.unwrap());
        failover.until_healthy(&intent, LIMIT).await.unwrap();
        assert_eq!(site.active(), SECOND);
        // And back again, from where it is.
        let back = failover.run(Some(&intent.from), true, LIMIT).await.unwrap();
        assert!(matches!(back, Outcome::Switched(_)));
        assert_eq!((site.active().as_str(), site.calls(FAILOVER).0), (FIRST, 2));
        // Who knows one address only does not find it at the other.
        assert!(run(&site, true).await.is_err() || site.active() == SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_failed_at_the_new_node_is_no_word_against_the_switch() {
    for unread in [0, 3] {
        let (site, client) = two_addresses(|spec| {
            spec.old_node_answers_ms = 5_000;
            spec.outage_ms = 0;
            spec.after_switch = AfterSwitch::Failed;
        });
        {
            let mut world = site.simulator.world();
            // The former node shows its roles and is gone before it says how the task is, which the new one then does.
            let gone = FaultAction::Silence { acted: false };
            world.faults_mut().add(FaultRule::new("Cis.Tasks_get", gone));
            let cut = FaultRule::new("Vcenter.Vcha.Cluster_get", FaultAction::Cut);
            if unread > 0 {
                let gone_ms = 8_000;
                world
                    .faults_mut()
                    .add(cut.between(gone_ms, None).times(Some(unread)));
            }
        }
        let outcome = Failover::new(client).run(Some(&second()), true, LIMIT).await;
        assert_eq!(intent(outcome.unwrap()).to, second());
        assert_eq!((site.active().as_str(), site.calls(FAILOVER).0), (SECOND, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_of_the_former_node_does_not_end_the_wait_for_health() {
    let (site, client) = two_addresses(|spec| spec.old_node_answers_ms = 8_000);
    let failover = Failover::new(client);
    let Plan::Ready(intent) = failover.plan(None, true).await.unwrap() else {
        panic!("it is ready")
    };
    assert!(matches!(failover.send(&intent).await.unwrap(), Sent::Taken(_)));
    while site.active() != SECOND {
        site.clock.sleep(Duration::from_millis(100)).await;
    }
    failover.until_healthy(&intent, LIMIT).await.unwrap();
    assert!(site.simulator.world().vcha().cluster(WEST).unwrap().is_healthy());
    assert_eq!(site.calls(FAILOVER).0, 1);
}

#[tokio::test(start_paused = true)]
async fn a_mode_is_changed_through_the_trait_that_both_apis_share() {
    use farside_vcha::HaCluster as _;
    let site = Site::new(|_| {});
    let cluster = site.client.clone();
    let task = cluster
        .start_mode_change(&farside_vcha::Mode::Maintenance)
        .await
        .unwrap();
    site.done(task).await;
    let view = cluster.view().await.unwrap();
    assert_eq!(view.mode, Some(farside_vcha::Mode::Maintenance));
    assert_eq!(view.witness.unwrap().ha_address.unwrap().as_str(), "10.9.2.3");
}
