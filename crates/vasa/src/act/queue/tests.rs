use farside_models_sms::ReplicationState;
use farside_wire::{Fault, OpenEnum as _, decode_str};

use super::super::end::Doubt;
use super::*;
use crate::batch::GroupSuccess;
use crate::group::{Group, GroupSide};

/// How long a group that may have been acted upon is left alone here.
const SETTLE: Duration = Duration::from_secs(900);

fn id(number: usize) -> GroupId {
    GroupId::new("fd", format!("g-{number}"))
}

fn provider() -> ProviderRef {
    ProviderRef::new("p-1")
}

fn queue(groups: usize, limit: Option<u32>) -> Queue {
    let members = (0..groups).map(|number| Recovery::newest(id(number))).collect();
    let mut queue = Queue::new(Action::Failover { planned: false }, members, &provider(), SETTLE);
    queue.set_limit(provider(), limit);
    queue
}

fn done() -> GroupOutcome {
    GroupOutcome::Succeeded {
        success: GroupSuccess::Plain,
        warnings: Vec::new(),
    }
}

fn failed(fault: Fault) -> GroupOutcome {
    GroupOutcome::Failed { faults: vec![fault] }
}

/// A fault with these members.
fn fault(type_name: &str, members: &str) -> Fault {
    decode_str(&format!(r#"{{"_typeName": "{type_name}"{members}}}"#)).expect("a fault")
}

fn too_many(limit: Option<i64>) -> Fault {
    let member = limit.map(|limit| format!(r#", "maxBatchSize": {limit}"#));
    fault("TooMany", &member.unwrap_or_default())
}

/// Takes calls and answers them until none is due; gives their sizes.
fn run(queue: &mut Queue, mut answer: impl FnMut(&[GroupId]) -> Called) -> Vec<usize> {
    let mut sizes = Vec::new();
    let mut now = Duration::ZERO;
    loop {
        while let Some((provider, items)) = queue.next_call(now, 1) {
            assert!(sizes.len() < 100, "it never ends: {sizes:?}");
            let groups: Vec<GroupId> = items.iter().map(|item| item.recovery.group.clone()).collect();
            sizes.push(groups.len());
            let called = answer(&groups);
            queue.called(&provider, items, called, now);
        }
        if queue
            .open
            .iter()
            .all(|item| !item.is_for_turn() && queue.pause(now, 1) == Some(Duration::ZERO))
        {
            return sizes;
        }
        for task in queue.new_tasks() {
            queue.task_ended(&task);
        }
        now += queue.pause(now, 1).expect("a group that is due some time");
    }
}

fn all_succeeded(queue: Queue) -> bool {
    queue.into_ends().iter().all(|ended| ended.end.is_success())
}

#[test]
fn a_known_limit_is_kept_and_no_limit_is_one_call() {
    let mut limited = queue(10, Some(4));
    assert_eq!(
        run(&mut limited, |groups| Called::Ended(vec![done(); groups.len()])),
        [4, 4, 2]
    );
    let mut unlimited = queue(10, None);
    assert_eq!(
        run(&mut unlimited, |groups| Called::Ended(vec![done(); groups.len()])),
        [10]
    );
    assert!(all_succeeded(limited) && all_succeeded(unlimited));
}

#[test]
fn a_call_with_too_many_groups_is_split_by_what_the_refusal_names() {
    let refusing = |named: Option<i64>| {
        let mut queue = queue(7, None);
        let sizes = run(&mut queue, |groups| match groups.len() {
            7 => Called::Refused(too_many(named)),
            size => Called::Ended(vec![done(); size]),
        });
        assert!(all_succeeded(queue));
        sizes
    };
    assert_eq!(refusing(Some(3)), [7, 3, 3, 1]);
    assert_eq!(refusing(None), [7, 1, 1, 1, 1, 1, 1, 1]);
    assert_eq!(refusing(Some(0)), [7, 1, 1, 1, 1, 1, 1, 1]);
    assert_eq!(
        refusing(Some(100)),
        [7, 3, 3, 1],
        "a limit above what was refused is not believed"
    );
}

#[test]
fn groups_beyond_the_limit_inside_a_call_are_sent_again_and_the_others_are_not() {
    let mut queue = queue(5, Some(5));
    let mut sent: BTreeMap<GroupId, usize> = BTreeMap::new();
    let sizes = run(&mut queue, |groups| {
        let outcomes = groups.iter().enumerate().map(|(index, group)| {
            if index < 2 {
                *sent.entry(group.clone()).or_default() += 1;
                done()
            } else {
                failed(too_many(Some(2)))
            }
        });
        Called::Ended(outcomes.collect())
    });
    assert_eq!(sizes, [5, 2, 1]);
    assert!(sent.values().all(|times| *times == 1) && sent.len() == 5);
}

#[test]
fn a_group_waits_for_the_task_that_the_provider_names_and_no_longer_than_a_few_times() {
    let task = r#", "task": {"_typeName": "ManagedObjectReference", "type": "SmsTask", "value": "t-1"}"#;
    let ongoing = fault("SyncOngoing", task);
    let mut once = queue(2, None);
    let mut first = true;
    let sizes = run(&mut once, |groups| {
        let outcome = if std::mem::take(&mut first) {
            failed(ongoing.clone())
        } else {
            done()
        };
        let rest = groups.len() - 1;
        Called::Ended(std::iter::once(outcome).chain(vec![done(); rest]).collect())
    });
    assert_eq!(sizes, [2, 1]);
    assert!(all_succeeded(once));
    let mut always = queue(1, None);
    let sizes = run(&mut always, |_| Called::Ended(vec![failed(ongoing.clone())]));
    assert_eq!(sizes.len(), 6);
    assert!(matches!(always.into_ends()[0].end, GroupEnd::Failed { .. }));
}

#[test]
fn a_busy_provider_is_asked_again_after_longer_and_longer_pauses() {
    let mut queue = queue(3, None);
    let mut times = 0;
    let sizes = run(&mut queue, |groups| {
        times += 1;
        if times <= 3 {
            Called::Refused(fault("ProviderBusy", ""))
        } else {
            Called::Ended(vec![done(); groups.len()])
        }
    });
    assert_eq!(sizes, [3, 3, 3, 3]);
    assert!(all_succeeded(queue));
}

#[test]
fn a_refusal_that_is_about_one_group_is_found_out_in_smaller_calls() {
    let mut queue = queue(4, None);
    let bad = id(2);
    let sizes = run(&mut queue, |groups| {
        if groups.contains(&bad) {
            Called::Refused(fault("InvalidReplicationState", r#", "currentState": "SOURCE""#))
        } else {
            Called::Ended(vec![done(); groups.len()])
        }
    });
    assert_eq!(sizes, [4, 2, 2, 1, 1]);
    let failed: Vec<bool> = queue
        .into_ends()
        .iter()
        .map(|ended| ended.end.is_success())
        .collect();
    assert_eq!(failed, [true, true, false, true]);
}

#[test]
fn a_call_whose_outcome_nobody_knows_is_the_last_one_for_its_groups() {
    let mut queue = queue(4, Some(2));
    let sizes = run(&mut queue, |groups| {
        if groups.contains(&id(0)) {
            Called::InDoubt(Doubt::NotMentioned { state: None })
        } else {
            Called::Ended(vec![done(); groups.len()])
        }
    });
    assert_eq!(sizes, [2, 2]);
    let ends = queue.into_ends();
    assert!(matches!(ends[1].end, GroupEnd::Unknown { .. }) && ends[3].end.is_success());
}

#[test]
fn a_group_that_is_there_already_has_succeeded_if_its_state_says_so() {
    for (state, good) in [("FAILEDOVER", true), ("TARGET", false)] {
        let mut queue = queue(1, None);
        run(&mut queue, |_| {
            Called::Ended(vec![failed(fault("AlreadyDone", ""))])
        });
        let (_, items) = queue.next_look(Duration::ZERO).expect("a group to look at");
        let side = GroupSide::Target { source: None };
        let group = Group::new(id(0), ReplicationState::from_wire(state), side, Vec::new());
        let seen = Seen::of_view(&queue.action, GroupView::Known(group));
        queue.looked(items, vec![seen], Duration::ZERO);
        let end = &queue.into_ends()[0].end;
        assert_eq!(
            (end.is_success(), end.was_there_already()),
            (good, good),
            "{state}"
        );
    }
}

#[test]
fn a_group_that_is_asked_for_twice_is_sent_once() {
    let members = vec![Recovery::newest(id(0)), Recovery::newest(id(0))];
    let mut queue = Queue::new(Action::Reverse, members, &provider(), SETTLE);
    let sizes = run(&mut queue, |groups| Called::Ended(vec![done(); groups.len()]));
    assert_eq!(sizes, [1]);
    let ends = queue.into_ends();
    assert!(ends[0].end.is_success());
    assert!(matches!(
        ends[1].end,
        GroupEnd::NotStarted {
            reason: NotStarted::Unfit(Unfit::Duplicate)
        }
    ));
}

#[test]
fn a_call_without_a_session_goes_out_again_some_times_and_its_groups_stay_together() {
    let no_session = || Called::Refused(fault("NotAuthenticated", ""));
    let mut queue = self::queue(3, None);
    let mut times = 0;
    let sizes = run(&mut queue, |groups| {
        times += 1;
        if times <= 2 {
            no_session()
        } else {
            Called::Ended(groups.iter().map(|_| done()).collect())
        }
    });
    assert_eq!(sizes, [3, 3, 3]);
    let ends = queue.into_ends();
    assert!(ends.iter().all(|ended| ended.end.is_success()));

    let mut hopeless = self::queue(2, None);
    assert_eq!(run(&mut hopeless, |_| no_session()).len(), 6);
    let ends = hopeless.into_ends();
    assert!(
        ends.iter()
            .all(|ended| matches!(ended.end, GroupEnd::Failed { .. }))
    );
}

fn inactive(domain: &str, provider: &str) -> Fault {
    let reference = r#"{"_typeName": "ManagedObjectReference", "type": "VasaProvider", "value": "#;
    let mapping = format!(
        r#", "mapping": [{{"_typeName": "FaultDomainProviderMapping", "activeProvider": {reference}"{provider}"}},
            "faultDomainId": [{{"_typeName": "FaultDomainId", "id": "{domain}"}}]}}]"#
    );
    fault("InactiveProvider", &mapping)
}

/// The fault of a whole call names one fault domain, and the groups of the others have done nothing wrong.
#[test]
fn a_call_that_is_refused_for_the_groups_of_another_provider_is_made_again_for_the_others() {
    let other = GroupId::new("fd-2", "g-9");
    let members = [id(0), other.clone(), id(1)].map(Recovery::newest).to_vec();
    let mut queue = Queue::new(Action::Reverse, members, &provider(), SETTLE);
    queue.set_limit(provider(), None);
    queue.set_limit(ProviderRef::new("p-2"), None);
    let (at, items) = queue.next_call(Duration::ZERO, 1).expect("a call");
    queue.called(
        &at,
        items,
        Called::Refused(inactive("fd-2", "p-2")),
        Duration::ZERO,
    );
    assert!(queue.asks_for_providers() && !queue.asks_for_providers());
    queue.placed(
        &[
            ("fd".to_owned(), "p-1".to_owned()),
            ("fd-2".to_owned(), "p-2".to_owned()),
        ],
        Duration::ZERO,
    );
    let mut sent = Vec::new();
    while let Some((at, items)) = queue.next_call(Duration::ZERO, 2) {
        sent.push((at.as_str().to_owned(), groups_of(&items)));
    }
    sent.sort();
    assert_eq!(
        sent,
        [
            ("p-1".to_owned(), vec![id(0), id(1)]),
            ("p-2".to_owned(), vec![other])
        ]
    );
}

#[test]
fn a_task_that_is_named_again_after_its_end_is_not_asked_about_without_a_pause() {
    let task = r#", "task": {"_typeName": "ManagedObjectReference", "type": "SmsTask", "value": "t-1"}"#;
    let ongoing = || Called::Ended(vec![failed(fault("SyncOngoing", task))]);
    let mut queue = queue(1, None);
    for (now, due) in [(0, true), (1, false)] {
        let now = Duration::from_millis(now);
        let (at, items) = queue.next_call(now, 1).expect("the group");
        queue.called(&at, items, ongoing(), now);
        assert_eq!(queue.new_tasks(), ["t-1"]);
        queue.task_ended("t-1");
        assert_eq!(queue.pause(now, 1) == Some(Duration::ZERO), due);
    }
}

/// One look that shows nothing does not undo all that were before it.
#[test]
fn a_group_that_cannot_be_seen_for_a_moment_is_not_given_up() {
    let mut queue = queue(1, None);
    let (at, items) = queue.next_call(Duration::ZERO, 1).expect("the group");
    let unavailable = Called::Ended(vec![failed(fault("ProviderUnavailable", ""))]);
    queue.called(&at, items, unavailable, Duration::ZERO);
    let target = || {
        let side = GroupSide::Target { source: None };
        let group = Group::new(id(0), ReplicationState::Target, side, Vec::new());
        Seen::NotDone(Some(Box::new(group)))
    };
    let mut now = Duration::ZERO;
    while let Some(pause) = queue.pause(now, 1) {
        now += pause;
        if queue.open.iter().any(|item| item.is_due(now)) {
            break;
        }
        let (_, items) = queue.next_look(now).expect("a group to look at");
        let is_at_the_end = now >= SETTLE && now < SETTLE + Duration::from_secs(30);
        let seen = if is_at_the_end { Seen::Nothing } else { target() };
        queue.looked(items, vec![seen], now);
    }
    assert!(now >= SETTLE + Duration::from_secs(30), "{now:?}");
    assert_eq!(queue.next_call(now, 1).map(|(_, items)| items.len()), Some(1));
}

#[test]
fn a_call_without_a_session_is_not_torn_apart_by_what_its_groups_met_before() {
    let mut queue = queue(3, Some(2));
    let mut answers = [fault("ProviderBusy", ""), fault("NotAuthenticated", "")].into_iter();
    let sizes = run(&mut queue, |groups| match answers.next() {
        Some(fault) => Called::Refused(fault),
        None => Called::Ended(vec![done(); groups.len()]),
    });
    assert_eq!(sizes, [2, 2, 2, 1]);
    assert!(all_succeeded(queue));
}
