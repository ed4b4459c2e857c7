//! Groups are moved between two sites, one call at a time.

use std::time::Duration;

use farside_simulator::sms::{GroupState, ProviderSpec, VasaSpec};
use farside_simulator::{FaultAction, FaultRule};
use farside_transport::{Clock, Effect, PollPolicy, WaitErrorKind};
use farside_vasa::{
    GroupFault, GroupOutcome, GroupSuccess, PointQuery, Recovery, ReplicationState, batch_limit, split,
};

use crate::support::{Pair, all_succeeded, ids};

#[tokio::test(start_paused = true)]
async fn a_planned_failover_there_and_a_reverse() {
    let pair = Pair::new(VasaSpec::default());
    let (east, west) = (pair.site("vc-east").await, pair.site("vc-west").await);
    let limits: Vec<Option<u32>> = {
        let providers = west.client.providers().await.unwrap();
        providers
            .iter()
            .map(|provider| batch_limit(&provider.info))
            .collect()
    };
    assert_eq!(limits, [Some(8), None]);
    let targets = ids(&west.all(0).await);
    let sources = ids(&east.all(0).await);
    assert_eq!((targets.len(), sources.len()), (6, 6));
    let started = west
        .client
        .start_sync(&west.providers[0], &targets, "before-the-move")
        .await
        .unwrap();
    assert!(all_succeeded(&pair.done(started).await));
    let points = west
        .client
        .points_in_time(
            &west.providers[0],
            &targets,
            &PointQuery::named("before-the-move"),
        )
        .await
        .unwrap();
    assert!(
        points.iter().all(|points| points.newest().is_some()),
        "{points:?}"
    );
    let started = east
        .client
        .start_prepare(&east.providers[0], &sources)
        .await
        .unwrap();
    assert!(all_succeeded(&pair.done(started).await));
    let recoveries: Vec<Recovery> = targets.iter().cloned().map(Recovery::newest).collect();
    let started = west
        .client
        .start_failover_check(&west.providers[0], &recoveries, true)
        .await
        .unwrap();
    assert!(all_succeeded(&pair.done(started).await));
    assert_eq!(
        west.states(0, &targets).await,
        ["TARGET"; 6],
        "a check changes nothing"
    );
    let started = west
        .client
        .start_failover(&west.providers[0], &recoveries, true)
        .await
        .unwrap();
    let outcomes = pair.done(started).await;
    assert!(outcomes.iter().all(|outcome| matches!(
        outcome,
        GroupOutcome::Succeeded {
            success: GroupSuccess::Recovered {
                state: ReplicationState::Failedover,
                ..
            },
            ..
        }
    )));
    assert_eq!(east.states(0, &sources).await, ["REMOTE_FAILEDOVER"; 6]);
    let started = west
        .client
        .start_reverse(&west.providers[0], &targets)
        .await
        .unwrap();
    assert!(all_succeeded(&pair.done(started).await));
    assert_eq!(west.states(0, &targets).await, ["SOURCE"; 6]);
    assert_eq!(east.states(0, &sources).await, ["TARGET"; 6]);
    let peers = east.client.peers(&east.providers[0], &[]).await.unwrap();
    assert_eq!(peers[0].targets, ["fd-west-1"]);
}

/// Provider 2 lists ids alone, so that its groups are asked for one by one.
#[tokio::test(start_paused = true)]
async fn a_test_failover_and_its_end() {
    let pair = Pair::new(VasaSpec::default());
    let west = pair.site("vc-west").await;
    let groups = ids(&west.all(1).await);
    assert_eq!(groups.len(), 6);
    let recoveries: Vec<Recovery> = groups.iter().cloned().map(Recovery::newest).collect();
    let started = west
        .client
        .start_test(&west.providers[1], &recoveries)
        .await
        .unwrap();
    let outcomes = pair.done(started).await;
    assert!(
        outcomes.iter().all(|outcome| *outcome == GroupOutcome::Missing),
        "no result: {outcomes:?}"
    );
    assert_eq!(west.states(1, &groups).await, ["INTEST"; 6]);
    let started = west
        .client
        .stop_test(&west.providers[1], &groups, false)
        .await
        .unwrap();
    pair.done(started).await;
    assert_eq!(west.states(1, &groups).await, ["TARGET"; 6]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_over_the_limit_is_refused_and_its_parts_are_not() {
    let mut limited = ProviderSpec::default();
    limited.call_limit = Some(4);
    let mut spec = VasaSpec::default();
    spec.providers = vec![limited];
    spec.limits_queries = true;
    let pair = Pair::new(spec);
    let (west, groups) = pair.west().await;
    assert_eq!(
        west.states(0, &groups).await,
        ["TARGET"; 12],
        "queries go on in smaller parts"
    );
    let error = west
        .client
        .start_sync(&west.providers[0], &groups, "all")
        .await
        .unwrap_err();
    assert_eq!(error.effect(), Effect::Refused);
    let GroupFault::TooMany { limit } = GroupFault::of(error.fault().unwrap()) else {
        panic!("{error:?}")
    };
    assert_eq!(limit, Some(4));
    for part in split(&groups, limit) {
        let started = west
            .client
            .start_sync(&west.providers[0], part, "part")
            .await
            .unwrap();
        assert!(all_succeeded(&pair.done(started).await));
    }
}

#[tokio::test(start_paused = true)]
async fn groups_in_the_wrong_state_and_at_the_wrong_end_fail_alone() {
    let pair = Pair::new(VasaSpec::default());
    let (east, west) = (pair.site("vc-east").await, pair.site("vc-west").await);
    let target = west.all(0).await.remove(0);
    let source = east.all(0).await.remove(0);
    let batch = [target.id.clone(), source.id.clone()];
    let started = west
        .client
        .stop_test(&west.providers[0], &batch, false)
        .await
        .unwrap();
    let outcomes = pair.done(started).await;
    let faults: Vec<GroupFault> = outcomes
        .iter()
        .map(|outcome| match outcome {
            GroupOutcome::Failed { faults } => GroupFault::of(&faults[0]),
            other => panic!("{other:?}"),
        })
        .collect();
    let desired = vec![ReplicationState::Intest];
    assert_eq!(
        faults[0],
        GroupFault::InvalidState {
            current: Some(ReplicationState::Target),
            desired
        }
    );
    assert_eq!(faults[1], GroupFault::WrongEnd);
}

#[tokio::test(start_paused = true)]
async fn a_wait_outlives_the_session_and_broken_connections() {
    let pair = Pair::new(VasaSpec::default());
    let (west, groups) = pair.west().await;
    let recoveries: Vec<Recovery> = groups.iter().cloned().map(Recovery::newest).collect();
    let started = west
        .client
        .start_failover(&west.providers[0], &recoveries, false)
        .await
        .unwrap();
    for (nth, action) in [
        (1, FaultAction::EndSessions),
        (2, FaultAction::Cut),
        (3, FaultAction::DropAnswer),
    ] {
        let rule = FaultRule::new("SmsTask_QuerySmsTaskInfo", action).from_nth(nth);
        pair.simulator.world().faults_mut().add(rule);
    }
    assert!(all_succeeded(&pair.done(started).await));
    let states = pair
        .simulator
        .world()
        .sms()
        .groups()
        .filter(|group| group.state == GroupState::FailedOver)
        .count();
    assert_eq!(states, 6);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_of_its_vcenter_a_task_is_gone_and_the_groups_show_what_became_of_it() {
    let pair = Pair::new(VasaSpec::default());
    let (west, groups) = pair.west().await;
    let recoveries: Vec<Recovery> = groups.iter().cloned().map(Recovery::newest).collect();
    let started = west
        .client
        .start_failover(&west.providers[0], &recoveries, false)
        .await
        .unwrap();
    pair.simulator.world().restart_vcenter("vc-west", 20_000);
    let operation = started;
    let limit = Duration::from_secs(600);
    let error = operation
        .until_done(limit, pair.clock.as_ref(), PollPolicy::default())
        .await
        .unwrap_err();
    assert!(matches!(error.kind(), WaitErrorKind::Gone), "{error:?}");
    assert_eq!(west.states(0, &groups).await, ["FAILEDOVER"; 6]);
}

#[tokio::test(start_paused = true)]
async fn an_offline_provider_is_shown_and_answers_nothing() {
    let pair = Pair::new(VasaSpec::default());
    let (west, groups) = pair.west().await;
    pair.simulator
        .world()
        .sms_mut()
        .set_provider_online("vasaProvider-west-1", false);
    let provider = west.client.provider(&west.providers[0]).await.unwrap().unwrap();
    assert!(!provider.is_online());
    let error = west.client.groups(&west.providers[0], &groups).await.unwrap_err();
    assert_eq!(GroupFault::of(error.fault().unwrap()), GroupFault::Unavailable);
    let before = pair.clock.elapsed();
    assert!(
        before < Duration::from_secs(60),
        "a fault is an answer, not something to wait for"
    );
}
