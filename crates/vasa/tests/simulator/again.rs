//! Groups that are sent again, or are not, and the time that all of it takes.

use std::time::Duration;

use farside_simulator::call_log::{Entry, Outcome};
use farside_simulator::sms::{EntryFault, ProviderSpec, VasaSpec};
use farside_simulator::{FaultAction, FaultRule};
use farside_transport::{CallErrorKind, Clock as _};
use farside_vasa::{Action, GroupEnd, GroupEnded, GroupFault, GroupId, NotStarted};
use serde_json::json;

use crate::support::{Pair, ids};

const FAILOVER: &str = "VasaProvider_FailoverReplicationGroup_Task";
const START_TEST: &str = "VasaProvider_TestFailoverReplicationGroupStart_Task";
const QUERY: &str = "VasaProvider_QueryReplicationGroup";
const UNPLANNED: Action = Action::Failover { planned: false };

pub(crate) fn world(change: impl Fn(&mut ProviderSpec), more: impl FnOnce(&mut VasaSpec)) -> Pair {
    let mut spec = VasaSpec::default();
    spec.providers.iter_mut().for_each(change);
    more(&mut spec);
    Pair::new(spec)
}

/// The first group has this fault in its entry once, whether or not it was worked on.
pub(crate) fn failing(fault: &str, acted: bool) -> Pair {
    failing_after(100, fault, acted)
}

/// The same where the work takes this part of the usual time.
pub(crate) fn failing_after(percent: u32, fault: &str, acted: bool) -> Pair {
    let fault = EntryFault {
        group: "group-001".to_owned(),
        operation: None,
        times: Some(1),
        fault: json!({"_typeName": fault}),
        acted,
    };
    world(
        |provider| provider.slow_percent = percent,
        |spec| spec.entry_faults = vec![fault],
    )
}

pub(crate) fn log(pair: &Pair, operation: &str, group: &GroupId) -> Entry {
    let object = format!("groups/{}/{}", group.fault_domain, group.device_group);
    let world = pair.simulator.world();
    let calls = world.calls().entries().into_iter();
    let mut own = calls.filter(|calls| calls.operation == operation && calls.object == object);
    own.next().map(|calls| calls.entry).unwrap_or_default()
}

/// The pauses between the calls with a group, in milliseconds.
pub(crate) fn pauses_ms(entry: &Entry) -> Vec<i64> {
    let attempts = entry.log.iter().filter(|line| line.what == Outcome::Attempt);
    let moments: Vec<i64> = attempts.map(|line| line.at_ms).collect();
    moments.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

fn out_of_time(ended: &GroupEnded) -> Vec<GroupFault> {
    match &ended.end {
        GroupEnd::NotStarted {
            reason: NotStarted::OutOfTime { faults, .. },
        } => faults.iter().map(GroupFault::of).collect(),
        other => panic!("{other:?}"),
    }
}

/// A provider that fails midway says so, too. Nobody says that waiting helps.
#[tokio::test(start_paused = true)]
async fn a_group_that_the_provider_has_no_resources_for_is_looked_at_and_not_sent_again() {
    for acted in [true, false] {
        let pair = failing_after(1, "ProviderOutOfResource", acted);
        let (west, groups) = pair.west().await;
        let start = Action::StartTest { planned: false };
        let act = west.act(start, &groups[..1]);
        let ends = act.send().await.unwrap();
        assert_eq!(ends[0].end.is_success(), acted, "{ends:?}");
        assert!(
            acted || matches!(ends[0].end, GroupEnd::Failed { .. }),
            "{ends:?}"
        );
        assert_eq!(log(&pair, START_TEST, &groups[0]).attempts, 1);
    }
}

/// Without the name in the fault, vCenter is asked.
#[tokio::test(start_paused = true)]
async fn the_active_provider_is_asked_for_where_no_fault_names_it() {
    for whole in [false, true] {
        for checked in [false, true] {
            let hides = |spec: &mut VasaSpec| {
                spec.hides_active = true;
                spec.inactive_refuses_call = whole;
            };
            let pair = world(|_| {}, hides);
            let (west, groups) = pair.west().await;
            let activated = pair
                .simulator
                .world()
                .sms_mut()
                .activate("fd-west-1", "vasaProvider-west-2");
            assert!(activated);
            let act = west.act(UNPLANNED, &groups);
            let act = if checked { act } else { act.unchecked() };
            let ends = act.send().await.unwrap();
            assert!(
                ends.iter().all(|ended| ended.end.is_success()),
                "{whole} {checked}: {ends:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_active_provider_groups_stay_as_they_are() {
    for checked in [false, true] {
        let pair = world(|_| {}, |spec| spec.hides_active = true);
        let (west, groups) = pair.west().await;
        {
            let mut world = pair.simulator.world();
            assert!(world.sms_mut().activate("fd-west-1", "vasaProvider-west-2"));
            let refuse = FaultAction::Refuse {
                status: 500,
                body: Some(json!({"_typeName": "QueryExecutionFault"})),
                retry_after: None,
            };
            let rule = FaultRule::new("SmsStorageManager_QueryFaultDomain", refuse);
            world.faults_mut().add(rule.times(None));
        }
        let act = west.act(UNPLANNED, &groups[..1]);
        let act = if checked { act } else { act.unchecked() };
        let ends = act.send().await.unwrap();
        let faults = match &ends[0].end {
            GroupEnd::NotStarted {
                reason: NotStarted::NotShown { faults },
            } if checked => faults,
            GroupEnd::Failed { faults } if !checked => faults,
            other => panic!("{other:?}"),
        };
        assert!(matches!(GroupFault::of(&faults[0]), GroupFault::Inactive { .. }));
        assert_eq!(log(&pair, FAILOVER, &groups[0]).effects, 0);
    }
}

/// A page in front of one provider, say. A log-in that is refused is the same for all.
#[tokio::test(start_paused = true)]
async fn what_one_provider_refuses_for_good_does_not_end_the_groups_of_another_one() {
    let pair = Pair::new(VasaSpec::default());
    let west = pair.site("vc-west").await;
    let (first, second) = (ids(&west.all(0).await), ids(&west.all(1).await));
    let refuse = FaultAction::Refuse {
        status: 403,
        body: Some(json!("no")),
        retry_after: None,
    };
    let rule = FaultRule::new(FAILOVER, refuse)
        .on("groups/fd-west-1/*")
        .times(None);
    pair.simulator.world().faults_mut().add(rule);
    let asked = [&first[..2], &second[..2]].concat();
    let act = west.client.act(&west.providers[0], UNPLANNED, asked);
    let ends = act.groups_per_call(1).send().await.unwrap();
    for ended in &ends[..2] {
        assert!(
            matches!(
                ended.end,
                GroupEnd::NotStarted {
                    reason: NotStarted::Call(_)
                }
            ),
            "{ends:?}"
        );
    }
    assert!(ends[2..].iter().all(|ended| ended.end.is_success()), "{ends:?}");
    let attempts: u64 = first[..2]
        .iter()
        .map(|group| log(&pair, FAILOVER, group).attempts)
        .sum();
    assert_eq!(attempts, 1, "the other group of that provider is not sent");
}

#[tokio::test(start_paused = true)]
async fn a_log_in_that_is_refused_ends_the_groups_of_all_providers() {
    let pair = Pair::new(VasaSpec::default());
    let west = pair.site("vc-west").await;
    let (first, second) = (ids(&west.all(0).await), ids(&west.all(1).await));
    let refuse = FaultAction::Refuse {
        status: 500,
        body: Some(json!({"_typeName": "InvalidLogin"})),
        retry_after: None,
    };
    {
        let mut world = pair.simulator.world();
        let mut faults = world.faults_mut();
        faults.add(FaultRule::new(FAILOVER, FaultAction::EndSessions));
        faults.add(FaultRule::new("SessionManager_Login", refuse).times(None));
    }
    let asked = [&first[..2], &second[..2]].concat();
    let act = west.client.act(&west.providers[0], UNPLANNED, asked);
    let before = pair.clock.elapsed();
    let ends = act.send().await.unwrap();
    for ended in &ends {
        let GroupEnd::NotStarted {
            reason: NotStarted::Call(error),
        } = &ended.end
        else {
            panic!("{ends:?}")
        };
        assert!(matches!(error.kind(), CallErrorKind::Login(_)), "{error:?}");
    }
    let took = pair.clock.elapsed() - before;
    assert!(
        took < Duration::from_secs(60),
        "{took:?}: nobody waits for it to pass"
    );
}

/// A group that may have been acted upon is not "not started" because the next call of its provider is refused.
#[tokio::test(start_paused = true)]
async fn a_lasting_refusal_leaves_groups_in_doubt_to_their_looks() {
    let pair = failing("ProviderUnavailable", true);
    let (west, groups) = pair.west().await;
    let refuse = FaultAction::Refuse {
        status: 403,
        body: Some(json!("no")),
        retry_after: None,
    };
    pair.simulator
        .world()
        .faults_mut()
        .add(FaultRule::new(FAILOVER, refuse).from_nth(2).times(None));
    let act = west.act(UNPLANNED, &groups[..2]);
    let ends = act.groups_per_call(1).send().await.unwrap();
    assert!(ends[0].end.is_success(), "{ends:?}");
    assert!(matches!(
        ends[1].end,
        GroupEnd::NotStarted {
            reason: NotStarted::Call(_)
        }
    ));
}

#[tokio::test(start_paused = true)]
async fn why_a_group_was_put_off_is_told_although_its_last_call_did_not_go_out() {
    let pair = world(|provider| provider.busy_calls = 1, |_| {});
    let (west, groups) = pair.west().await;
    let rule = FaultRule::new(
        FAILOVER,
        FaultAction::RestartVcenter {
            endpoint: "vc-west".to_owned(),
            outage_ms: 100_000_000,
        },
    );
    pair.simulator.world().faults_mut().add(rule.from_nth(2));
    let act = west.act(UNPLANNED, &groups[..2]);
    let act = act.groups_per_call(1).within(Duration::from_secs(300));
    let ends = act.send().await.unwrap();
    let told: Vec<_> = ends
        .iter()
        .filter(|ended| matches!(ended.end, GroupEnd::NotStarted { .. }))
        .collect();
    let [told] = told[..] else { panic!("{ends:?}") };
    assert_eq!(out_of_time(told), [GroupFault::Busy]);
}

/// Whichever question stays without an answer.
#[tokio::test(start_paused = true)]
async fn it_takes_no_longer_than_its_time_whatever_stays_without_an_answer() {
    const LIMIT: Duration = Duration::from_secs(20);
    for (silent, nth, action) in [
        (QUERY, 1, UNPLANNED),
        ("VasaProvider_QueryProviderInfo", 1, UNPLANNED),
        ("SmsStorageManager_QueryFaultDomain", 1, UNPLANNED),
        ("SmsServiceInstance_QueryStorageManager", 1, UNPLANNED),
        (FAILOVER, 1, UNPLANNED),
        ("SmsTask_QuerySmsTaskInfo", 1, UNPLANNED),
        (QUERY, 2, Action::StartTest { planned: false }),
        ("SessionManager_Login", 1, UNPLANNED),
    ] {
        for acted in [false, true] {
            let pair = world(|_| {}, |spec| spec.hides_active = true);
            let (west, groups) = pair.west().await;
            if silent.ends_with("QueryFaultDomain") || silent.ends_with("StorageManager") {
                let activated = pair
                    .simulator
                    .world()
                    .sms_mut()
                    .activate("fd-west-1", "vasaProvider-west-2");
                assert!(activated);
            }
            if silent == "SessionManager_Login" {
                west.client.vim().invalidate_session();
            }
            let rule = FaultRule::new(silent, FaultAction::Silence { acted });
            let rule = rule.from_nth(nth).times(None);
            let rule = pair.simulator.world().faults_mut().add(rule);
            let before = pair.clock.elapsed();
            let act = west.act(action.clone(), &groups);
            let ends = act.within(LIMIT).send().await;
            let took = pair.clock.elapsed() - before;
            let hits = pair.simulator.world().faults().get(rule).unwrap().hits;
            assert!(hits > 0, "{silent} {nth} was never asked");
            assert!(
                took <= LIMIT + Duration::from_millis(10),
                "{silent} {nth}: {took:?}"
            );
            let ends = ends.unwrap();
            assert!(
                silent.ends_with("ProviderInfo") || ends.iter().all(|ended| !ended.end.is_success()),
                "{silent}: {ends:?}"
            );
        }
    }
}
