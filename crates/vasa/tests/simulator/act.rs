//! Actions on any number of groups.

use std::time::Duration;

use farside_models_sms::ReplicationState;
use farside_simulator::sms::{
    AfterPrepare, AfterReverse, EntryFault, OtherProvider, ProviderSpec, ResultForm, VasaSpec, Verb,
};
use farside_simulator::{FaultAction, FaultRule};
use farside_transport::Clock as _;
use farside_vasa::{
    Action, Batch, CalledAt, Doubt, GroupEnd, GroupEnded, GroupFault, GroupId, GroupPoints, GroupSuccess,
    GroupView, NotStarted, PointQuery, Recovery, Unfit,
};

use serde_json::json;

use crate::support::{Pair, Site, ids};

const FAILOVER: &str = "VasaProvider_FailoverReplicationGroup_Task";
const UNPLANNED: Action = Action::Failover { planned: false };

fn world(change: impl Fn(&mut ProviderSpec), more: impl FnOnce(&mut VasaSpec)) -> Pair {
    let mut spec = VasaSpec::default();
    spec.providers.iter_mut().for_each(change);
    more(&mut spec);
    Pair::new(spec)
}

async fn act(site: &Site, action: Action, groups: &[GroupId]) -> Vec<GroupEnded> {
    let act = site
        .client
        .act(&site.providers[0], action, groups.iter().cloned());
    act.send().await.unwrap()
}

fn succeeded(ends: &[GroupEnded]) -> bool {
    ends.iter().all(|ended| ended.end.is_success())
}

fn reason(ended: &GroupEnded) -> &NotStarted {
    match &ended.end {
        GroupEnd::NotStarted { reason } => reason,
        other => panic!("{other:?}"),
    }
}

fn effects(pair: &Pair, operation: &str) -> u64 {
    pair.simulator.world().calls().of(operation).effects
}

#[tokio::test(start_paused = true)]
async fn groups_over_the_limit_go_in_as_many_calls_as_it_takes() {
    let pair = world(|provider| provider.call_limit = Some(4), |_| {});
    let (west, groups) = pair.west().await;
    let ends = act(&west, UNPLANNED, &groups).await;
    assert!(succeeded(&ends), "{ends:?}");
    assert_eq!(
        ends.iter().map(|ended| ended.group.clone()).collect::<Vec<_>>(),
        groups
    );
    assert_eq!(effects(&pair, FAILOVER), 6);
    assert_eq!(west.states(0, &groups).await, ["FAILEDOVER"; 6]);
}

#[tokio::test(start_paused = true)]
async fn several_calls_can_be_under_way_at_once() {
    let pair = world(
        |provider| {
            provider.max_batch_size = Some(1);
            provider.slow_percent = 1_000;
        },
        |_| {},
    );
    let (west, groups) = pair.west().await;
    let before = pair.simulator.world().now_ms();
    let act = west
        .client
        .act(&west.providers[0], UNPLANNED, groups.iter().cloned());
    let ends = act.calls_at_once(5).send().await.unwrap();
    assert!(succeeded(&ends), "{ends:?}");
    let took_ms = pair.simulator.world().now_ms() - before;
    assert!(
        took_ms < 75_000,
        "{took_ms} ms: two at least took their time together"
    );
    assert_eq!(effects(&pair, FAILOVER), 6);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_belong_into_the_call_is_left_out_before_it() {
    let pair = Pair::new(VasaSpec::default());
    let (east, west) = (pair.site("vc-east").await, pair.site("vc-west").await);
    let (targets, sources) = (west.all(0).await, east.all(0).await);
    let wrong = Unfit::WrongSide {
        needed: CalledAt::Source,
    };
    let at_target = act(&west, Action::Prepare, &ids(&targets)[..1]).await;
    assert!(matches!(reason(&at_target[0]), NotStarted::Unfit(unfit) if *unfit == wrong));
    let at_source = act(&east, UNPLANNED, &ids(&sources)[..1]).await;
    assert!(matches!(
        reason(&at_source[0]),
        NotStarted::Unfit(Unfit::WrongSide {
            needed: CalledAt::Target
        })
    ));
    let plain = act(&west, Action::Promote { planned: false }, &ids(&targets)[..1]).await;
    assert!(matches!(
        reason(&plain[0]),
        NotStarted::Unfit(Unfit::NotPromotable)
    ));
    let foreign = act(
        &west,
        UNPLANNED,
        &[
            sources[0].id.clone(),
            targets[0].id.clone(),
            targets[0].id.clone(),
        ],
    )
    .await;
    let NotStarted::NotShown { faults } = reason(&foreign[0]) else {
        panic!("{foreign:?}")
    };
    assert_eq!(GroupFault::of(&faults[0]), GroupFault::WrongEnd);
    assert!(foreign[1].end.is_success());
    assert!(matches!(reason(&foreign[2]), NotStarted::Unfit(Unfit::Duplicate)));
    let checked = Batch::checked(Action::Prepare, &targets);
    assert_eq!(checked, Err((targets[0].id.clone(), wrong)));
    assert_eq!(
        Batch::checked(UNPLANNED, &targets).unwrap().groups(),
        ids(&targets)
    );
}

#[tokio::test(start_paused = true)]
async fn groups_of_an_inactive_provider_go_to_the_one_that_is_active() {
    for whole in [false, true] {
        for checked in [false, true] {
            let pair = world(|_| {}, |spec| spec.inactive_refuses_call = whole);
            let (west, groups) = pair.west().await;
            assert!(
                pair.simulator
                    .world()
                    .sms_mut()
                    .activate("fd-west-1", "vasaProvider-west-2")
            );
            let act = west
                .client
                .act(&west.providers[0], UNPLANNED, groups.iter().cloned());
            let act = if checked { act } else { act.unchecked() };
            let ends = act.send().await.unwrap();
            assert!(succeeded(&ends), "{whole} {checked}: {ends:?}");
            assert_eq!(effects(&pair, FAILOVER), 6);
        }
    }
}

/// What a provider says of groups that are another one's is left open: none of it is the end of them.
#[tokio::test(start_paused = true)]
async fn groups_that_their_provider_disowns_are_looked_for_at_the_one_that_is_active() {
    for other_provider in [OtherProvider::FunctionTarget, OtherProvider::Silent] {
        for (whole, checked) in [(false, false), (false, true), (true, false), (true, true)] {
            let pair = world(
                |_| {},
                |spec| {
                    spec.inactive_refuses_call = whole;
                    spec.other_provider = other_provider;
                },
            );
            let west = pair.site("vc-west").await;
            let mut groups = ids(&west.all(0).await);
            let activated = pair
                .simulator
                .world()
                .sms_mut()
                .activate("fd-west-1", "vasaProvider-west-2");
            assert!(activated);
            // One that is at the wrong end is not looked for for ever.
            groups.push(GroupId::new("fd-east-1", "rg-001"));
            let act = west
                .client
                .act(&west.providers[0], UNPLANNED, groups.iter().cloned());
            let act = if checked { act } else { act.unchecked() };
            let ends = act.send().await.unwrap();
            let (foreign, own) = ends.split_last().unwrap();
            let case = format!("{other_provider:?} {whole} {checked}");
            assert!(succeeded(own), "{case}: {ends:?}");
            assert!(!foreign.end.is_success(), "{case}");
            assert_eq!(effects(&pair, FAILOVER), 6, "{case}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_there_already_has_succeeded_and_says_so() {
    let pair = world(|_| {}, |spec| spec.already_done = true);
    let (west, groups) = pair.west().await;
    act(&west, UNPLANNED, &groups[..2]).await;
    let ends = act(&west, UNPLANNED, &groups[..3]).await;
    let already: Vec<bool> = ends.iter().map(|ended| ended.end.was_there_already()).collect();
    assert!(succeeded(&ends));
    assert_eq!(already, [true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn work_that_is_running_on_a_group_is_waited_for() {
    let pair = world(|provider| provider.slow_percent = 500, |_| {});
    let (west, groups) = pair.west().await;
    west.client
        .start_sync(&west.providers[0], &groups[..1], "theirs")
        .await
        .unwrap();
    let ends = act(&west, UNPLANNED, &groups[..2]).await;
    assert!(succeeded(&ends), "{ends:?}");
    assert_eq!(effects(&pair, FAILOVER), 2);
}

/// The whole call can be refused with it, too. Of several groups it leaves open which is meant.
#[tokio::test(start_paused = true)]
async fn a_call_that_names_running_work_is_made_again_for_a_single_group_only() {
    for (count, good) in [(1, true), (2, false)] {
        let pair = Pair::new(VasaSpec::default());
        let (west, groups) = pair.west().await;
        let theirs = west
            .client
            .start_sync(&west.providers[0], &groups[5..], "theirs")
            .await
            .unwrap();
        let task = json!({"_typeName": "ManagedObjectReference", "type": "SmsTask", "value": theirs.id().id});
        let refuse = FaultAction::Refuse {
            status: 500,
            body: Some(json!({"_typeName": "SyncOngoing", "task": task})),
            retry_after: None,
        };
        let rule = FaultRule::new(FAILOVER, refuse);
        pair.simulator.world().faults_mut().add(rule);
        let ends = act(&west, UNPLANNED, &groups[..count]).await;
        assert_eq!(succeeded(&ends), good, "{ends:?}");
        assert_eq!(effects(&pair, FAILOVER), u64::from(good));
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_provider_gets_its_groups_later_or_not_at_all() {
    let pair = world(|provider| provider.busy_calls = 3, |_| {});
    let (west, groups) = pair.west().await;
    assert!(succeeded(&act(&west, UNPLANNED, &groups[..3]).await));
    let pair = world(|provider| provider.busy_calls = 10_000, |_| {});
    let west = pair.site("vc-west").await;
    let late = west
        .client
        .act(&west.providers[0], UNPLANNED, groups[..1].to_vec());
    let ends = late.within(Duration::from_secs(120)).send().await.unwrap();
    let NotStarted::OutOfTime { faults, .. } = reason(&ends[0]) else {
        panic!("{ends:?}")
    };
    assert_eq!(GroupFault::of(&faults[0]), GroupFault::Busy);
}

/// A fault of the first failover of each of these groups.
fn once_each(groups: std::ops::RangeInclusive<u32>, fault: serde_json::Value) -> Vec<EntryFault> {
    let fault_of = |number| EntryFault {
        group: format!("group-{number:03}"),
        operation: Some(FAILOVER.to_owned()),
        times: Some(1),
        fault: fault.clone(),
        acted: false,
    };
    groups.map(fault_of).collect()
}

/// Work of somebody else that takes longer than there is time holds up nobody but its own group.
#[tokio::test(start_paused = true)]
async fn a_group_that_waits_for_a_task_does_not_hold_up_one_that_rests() {
    let busy =
        |spec: &mut VasaSpec| spec.entry_faults = once_each(2..=12, json!({"_typeName": "ProviderBusy"}));
    let pair = world(|provider| provider.slow_percent = 100_000, busy);
    let (west, groups) = pair.west().await;
    let (theirs, resting) = (&groups[..1], &groups[1..2]);
    west.client
        .start_sync(&west.providers[0], theirs, "theirs")
        .await
        .unwrap();
    let act = west
        .client
        .act(&west.providers[0], UNPLANNED, [theirs, resting].concat());
    let ends = act.within(Duration::from_secs(600)).send().await.unwrap();
    assert!(
        matches!(reason(&ends[0]), NotStarted::OutOfTime { .. }),
        "{ends:?}"
    );
    let doubt = |end: &GroupEnd| {
        matches!(
            end,
            GroupEnd::Unknown {
                doubt: Doubt::Wait(_)
            }
        )
    };
    assert!(
        doubt(&ends[1].end),
        "sent, and under way for longer than there is time: {ends:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn groups_whose_call_does_not_go_out_are_sent_again_in_time() {
    for (outage_ms, good) in [(20_000, true), (10_000_000, false)] {
        let pair = world(|provider| provider.max_batch_size = Some(1), |_| {});
        let (west, groups) = pair.west().await;
        let restart = FaultAction::RestartVcenter {
            endpoint: "vc-west".to_owned(),
            outage_ms,
        };
        pair.simulator
            .world()
            .faults_mut()
            .add(FaultRule::new(FAILOVER, restart).from_nth(2));
        let act = west
            .client
            .act(&west.providers[0], UNPLANNED, groups[..3].to_vec());
        let ends = act.within(Duration::from_secs(600)).send().await.unwrap();
        assert!(ends[0].end.is_success(), "{ends:?}");
        assert!(
            matches!(ends[1].end, GroupEnd::Unknown { .. }),
            "its call was cut: {ends:?}"
        );
        if good {
            assert!(ends[2].end.is_success(), "{ends:?}");
        } else {
            let NotStarted::OutOfTime { not_sent, .. } = reason(&ends[2]) else {
                panic!("{ends:?}")
            };
            assert!(not_sent.is_some(), "{ends:?}");
        }
        assert_eq!(effects(&pair, FAILOVER), if good { 2 } else { 1 });
    }
}

#[tokio::test(start_paused = true)]
async fn results_are_read_in_every_form() {
    for form in [ResultForm::Declared, ResultForm::Subtype, ResultForm::Bare] {
        let pair = world(
            |provider| provider.max_batch_size = Some(2),
            |spec| spec.result_form = form,
        );
        let (west, groups) = pair.west().await;
        let ends = act(&west, UNPLANNED, &groups[..3]).await;
        let recovered = |ended: &GroupEnded| {
            matches!(
                &ended.end,
                GroupEnd::Succeeded {
                    success: GroupSuccess::Recovered { .. },
                    ..
                }
            )
        };
        assert!(ends.iter().all(recovered), "{form:?}: {ends:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_within_the_task_is_a_refusal() {
    let pair = world(
        |provider| provider.call_limit = Some(2),
        |spec| spec.refuses_in_task = true,
    );
    let (west, groups) = pair.west().await;
    let ends = act(&west, UNPLANNED, &groups).await;
    assert!(succeeded(&ends), "{ends:?}");
    assert_eq!(effects(&pair, FAILOVER), 6);
}

#[tokio::test(start_paused = true)]
async fn tests_whose_results_are_empty_are_judged_by_the_groups() {
    let pair = world(|provider| provider.test_leftovers = true, |_| {});
    let (west, groups) = pair.west().await;
    let started = act(&west, Action::StartTest { planned: false }, &groups).await;
    assert!(started.iter().all(|ended| matches!(
        &ended.end,
        GroupEnd::Succeeded { success: GroupSuccess::Seen(group), .. } if group.state == ReplicationState::Intest
    )));
    let gentle = act(&west, Action::StopTest { force: false }, &groups[..1]).await;
    assert!(
        matches!(gentle[0].end, GroupEnd::Failed { .. }),
        "volumes are in use: {gentle:?}"
    );
    assert!(succeeded(
        &act(&west, Action::StopTest { force: true }, &groups).await
    ));
    assert_eq!(west.states(0, &groups).await, ["TARGET"; 6]);
}

#[tokio::test(start_paused = true)]
async fn checks_change_nothing() {
    let pair = Pair::new(VasaSpec::default());
    let (west, groups) = pair.west().await;
    for check in [
        Action::CheckFailover { planned: true },
        Action::CheckTest { planned: true },
    ] {
        assert!(succeeded(&act(&west, check, &groups).await));
    }
    assert_eq!(west.states(0, &groups).await, ["TARGET"; 6]);
}

#[tokio::test(start_paused = true)]
async fn the_whole_way_there_and_back_with_a_promotion() {
    for stays in [false, true] {
        let pair = world(
            |provider| provider.promote_capable = true,
            |vasa| vasa.planned_source_stays = stays,
        );
        let (east, west) = (pair.site("vc-east").await, pair.site("vc-west").await);
        let (targets, sources) = (ids(&west.all(0).await), ids(&east.all(0).await));
        let sync = Action::Sync {
            point_name: "before".to_owned(),
        };
        assert!(succeeded(&act(&west, sync, &targets).await));
        assert!(succeeded(&act(&east, Action::Prepare, &sources).await));
        assert!(succeeded(
            &act(&west, Action::StartTest { planned: true }, &targets).await
        ));
        assert!(succeeded(
            &act(&west, Action::Promote { planned: true }, &targets).await
        ));
        assert!(succeeded(&act(&west, Action::Reverse, &targets).await));
        let views = west.client.groups(&west.providers[0], &targets).await.unwrap();
        assert!(
            views
                .iter()
                .all(|view| matches!(view, GroupView::Known(group) if group.is_source()))
        );
        let back = act(&west, Action::Reverse, &targets[..1]).await;
        assert!(
            matches!(reason(&back[0]), NotStarted::Unfit(Unfit::WrongSide { .. })),
            "it is the source by now"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_reverse_without_the_other_array_has_a_typed_end_either_way() {
    for alone in [false, true] {
        let pair = world(|_| {}, |vasa| vasa.reverses_alone = alone);
        let (west, groups) = pair.west().await;
        for group in ["group-001", "group-003"] {
            assert!(pair.simulator.world().act_on_group(group, Verb::Failover));
        }
        pair.simulator.world().set_reachable("vc-east", false);
        let ends = act(&west, Action::Reverse, &groups[..2]).await;
        for ended in &ends {
            match &ended.end {
                GroupEnd::Succeeded { .. } => assert!(alone),
                GroupEnd::Failed { faults } => {
                    assert!(!alone);
                    assert_eq!(GroupFault::of(&faults[0]), GroupFault::PeerNotReachable);
                }
                other => panic!("{alone}: {other:?}"),
            }
        }
        let state = if alone { "SOURCE" } else { "FAILEDOVER" };
        assert_eq!(west.states(0, &groups[..2]).await, [state; 2]);
    }
}

/// A replica that is listed after a reverse need not be of after it: its id and its time say so.
#[tokio::test(start_paused = true)]
async fn the_newest_replica_after_a_reverse_is_told_for_what_it_is() {
    for after_reverse in [
        AfterReverse::Nothing,
        AfterReverse::OldReplicas,
        AfterReverse::NewReplica,
    ] {
        let pair = world(|_| {}, |vasa| vasa.after_reverse = after_reverse);
        let newest = async |vcenter: &str| {
            let site = pair.site(vcenter).await;
            let groups = [ids(&site.all(0).await)[0].clone()];
            let all = PointQuery::all();
            let points = site.client.points_in_time(&site.providers[0], &groups, &all);
            let points = points.await.unwrap().remove(0);
            let GroupPoints::Points(listed) = &points else {
                panic!("{points:?}")
            };
            let newest = listed.iter().max_by_key(|point| point.time).cloned();
            assert_eq!(points.newest(), newest.as_ref().map(|point| point.time));
            newest
        };
        let before = newest("vc-west").await.unwrap();
        assert!(pair.simulator.world().act_on_group("group-001", Verb::Failover));
        assert!(pair.simulator.world().act_on_group("group-001", Verb::Reverse));
        let told = newest("vc-east").await;
        let is_old = told.as_ref().map(|told| told.id == before.id);
        let wanted = match after_reverse {
            AfterReverse::Nothing => None,
            AfterReverse::OldReplicas => Some(true),
            AfterReverse::NewReplica => Some(false),
        };
        assert_eq!(is_old, wanted);
        pair.clock.sleep(Duration::from_secs(120)).await;
        let copied = newest("vc-east").await.unwrap();
        assert!(told.is_none_or(|told| told.time < copied.time), "the first copy");
    }
}

#[tokio::test(start_paused = true)]
async fn a_planned_failover_is_made_and_reversed_once_whatever_its_source_says_of_it() {
    for (stays, after_prepare, prepared) in [
        (false, AfterPrepare::Stays, "SOURCE"),
        (true, AfterPrepare::Stays, "SOURCE"),
        (false, AfterPrepare::RemoteFailedOver, "REMOTE_FAILEDOVER"),
        (true, AfterPrepare::Target, "TARGET"),
    ] {
        let pair = world(
            |_| {},
            |vasa| {
                vasa.planned_source_stays = stays;
                vasa.after_prepare = after_prepare;
            },
        );
        let (east, west) = (pair.site("vc-east").await, pair.site("vc-west").await);
        let (targets, sources) = (ids(&west.all(0).await), ids(&east.all(0).await));
        assert!(succeeded(&act(&east, Action::Prepare, &sources).await));
        assert_eq!(east.states(0, &sources).await, [prepared; 6]);
        let planned = Action::Failover { planned: true };
        assert!(succeeded(&act(&west, planned.clone(), &targets).await));
        let told = if stays { "SOURCE" } else { "REMOTE_FAILEDOVER" };
        assert_eq!(east.states(0, &sources).await, [told; 6]);
        act(&west, planned, &targets).await;
        assert!(succeeded(&act(&west, Action::Reverse, &targets).await));
        assert_eq!(effects(&pair, FAILOVER), 6);
        assert_eq!(east.states(0, &sources).await, ["TARGET"; 6]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_answer_is_lost_is_not_made_again() {
    let pair = world(|provider| provider.max_batch_size = Some(2), |_| {});
    let (west, groups) = pair.west().await;
    let rule = FaultRule::new(FAILOVER, FaultAction::DropAnswer).from_nth(2);
    pair.simulator.world().faults_mut().add(rule);
    let ends = act(&west, UNPLANNED, &groups).await;
    let unknown = |ended: &GroupEnded| {
        matches!(
            &ended.end,
            GroupEnd::Unknown {
                doubt: Doubt::Call(_)
            }
        )
    };
    assert_eq!(
        ends.iter().map(unknown).collect::<Vec<_>>(),
        [false, false, true, true, false, false]
    );
    assert_eq!(
        effects(&pair, FAILOVER),
        6,
        "those of the lost answer as well, and each once"
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_not_seen_to_its_end_leaves_its_groups_in_doubt() {
    let pair = world(|provider| provider.slow_percent = 10_000, |_| {});
    let (west, groups) = pair.west().await;
    let act = west
        .client
        .act(&west.providers[0], UNPLANNED, groups[..1].to_vec());
    let ends = act.within(Duration::from_secs(10)).send().await.unwrap();
    assert!(
        matches!(
            ends[0].end,
            GroupEnd::Unknown {
                doubt: Doubt::Wait(_)
            }
        ),
        "{ends:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_cannot_be_reached_is_an_error_and_nothing_was_done() {
    let pair = Pair::new(VasaSpec::default());
    let (west, groups) = pair.west().await;
    pair.simulator
        .world()
        .sms_mut()
        .set_provider_online("vasaProvider-west-1", false);
    let act = west.client.act(
        &west.providers[0],
        UNPLANNED,
        groups.iter().cloned().map(Recovery::newest),
    );
    let error = act.send().await.unwrap_err();
    assert_eq!(GroupFault::of(error.fault().unwrap()), GroupFault::Unavailable);
    assert_eq!(effects(&pair, FAILOVER), 0);
}
