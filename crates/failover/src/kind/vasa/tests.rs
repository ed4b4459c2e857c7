//! The tables: what a mode does, what a state means, what a result comes to.

use std::time::Duration;

use farside_engine::MemberEnd;
use farside_models_sms::operation::VASA_PROVIDER_FAILOVER_REPLICATION_GROUP_TASK;
use farside_transport::OperationId;
use farside_vasa::{
    Device, Group, GroupDevice, GroupId, GroupOutcome, GroupSide, ProviderRef, ReplicationState, SMS_TASK,
    regroup,
};
use farside_wire::{Fault, OpenEnum as _, RawJson, ServiceError};

use super::judge::{After, Before, after, before};
use super::outcome::{End, end, task_failed};
use super::payload::{Intent, Work as Accepted};
use super::*;
use crate::plan::Timing;

fn side(place: &str, group: &str) -> Side {
    Side {
        endpoint: EndpointId::new(format!("vc-{place}")),
        provider: format!("uid-{place}"),
        fault_domain: format!("fd-{place}"),
        group: group.to_owned(),
    }
}

fn pair() -> Pair {
    Pair {
        source: side("east", "rg-1"),
        target: side("west", "rt-1"),
    }
}

fn turned(east: &str, west: &str) -> Pair {
    Pair {
        source: side("west", west),
        target: side("east", east),
    }
}

fn work_of(mode: Mode, reprotected: Option<&Pair>, forbidden: &[EndpointId]) -> Work {
    let payload = json!(Protection {
        pair: pair(),
        point_in_time: Some(PointId::new("pit-1")),
    });
    let reprotected = reprotected.map(|pair| json!(pair));
    Vasa.work(&WorkRequest {
        mode,
        payload: &payload,
        reprotected: reprotected.as_ref(),
        failed_back: false,
        timing: Timing {
            settle: Duration::from_secs(1),
            deadline: Duration::from_secs(2),
        },
        forbidden,
    })
}

/// Name, batch key, endpoints and group of each action.
fn shown(work: &Work) -> Vec<String> {
    let actions = work.actions.iter().map(|action| {
        let step: Step = serde_json::from_value(action.payload.clone()).unwrap();
        let endpoints: Vec<&str> = action.endpoints.iter().map(EndpointId::as_str).collect();
        let batch = action.batch.as_ref().map(BatchKey::as_str).unwrap();
        format!(
            "{} @{} {} {batch}",
            action.name,
            endpoints.join("+"),
            step.here.group
        )
    });
    actions.collect()
}

#[test]
fn each_mode_is_its_actions_at_the_right_side() {
    let moved = |source: &str, target: &str, from: &str, to: &str| {
        vec![
            format!("sync @vc-{to} {target} vasa:vc-{to}:uid-{to}:sync"),
            format!("prepare @vc-{from} {source} vasa:vc-{from}:uid-{from}:prepare"),
            format!("fail over @vc-{to} {target} vasa:vc-{to}:uid-{to}:fail over:planned"),
        ]
    };
    let shown_of = |mode, latest: Option<&Pair>| shown(&work_of(mode, latest, &[]));
    let start = "test failover start @vc-west rt-1 vasa:vc-west:uid-west:test failover start";
    assert_eq!(shown_of(Mode::Test, None), [start]);
    let stop = "test failover stop @vc-west rt-1 vasa:vc-west:uid-west:test failover stop";
    assert_eq!(shown_of(Mode::Cleanup, None), [stop]);
    assert_eq!(
        shown_of(Mode::Planned, None),
        moved("rg-1", "rt-1", "east", "west")
    );
    let disaster = "fail over @vc-west rt-1 vasa:vc-west:uid-west:fail over:unplanned";
    assert_eq!(shown_of(Mode::Disaster, None), [disaster]);
    let reverse = "reverse @vc-west+vc-east rt-1 vasa:vc-west:uid-west:reverse";
    assert_eq!(shown_of(Mode::Reprotect, None), [reverse]);
    assert!(work_of(Mode::Failback, None, &[]).skip.is_some());
}

#[test]
fn what_a_reprotect_left_behind_is_where_later_runs_begin() {
    let there = turned("rg-1.1", "rt-1.1");
    let back = shown(&work_of(Mode::Failback, Some(&there), &[]));
    assert!(
        back[0].starts_with("sync @vc-east rg-1.1 ") && back[1].starts_with("prepare @vc-west rt-1.1 "),
        "{back:?}"
    );
    let reverse = shown(&work_of(Mode::Reprotect, Some(&there), &[]));
    assert!(
        reverse[0].starts_with("reverse @vc-east+vc-west rg-1.1 "),
        "{reverse:?}"
    );
    // The plan's direction, with the ids of the day.
    let planned = shown(&work_of(Mode::Planned, Some(&there), &[]));
    assert!(planned[0].starts_with("sync @vc-west rt-1.1 "), "{planned:?}");
    let home = Pair {
        source: side("east", "rg-1.2"),
        target: side("west", "rt-1.2"),
    };
    let planned = shown(&work_of(Mode::Planned, Some(&home), &[]));
    assert!(planned[1].starts_with("prepare @vc-east rg-1.2 "), "{planned:?}");
    assert!(
        work_of(Mode::Failback, Some(&home), &[])
            .skip
            .unwrap()
            .contains("plan's direction")
    );
}

#[test]
fn a_disaster_skips_an_item_whose_target_is_off_limits() {
    let east = EndpointId::new("vc-east");
    assert!(
        work_of(Mode::Disaster, None, &[east]).skip.is_none(),
        "the source may be"
    );
    let west = EndpointId::new("vc-west");
    assert!(work_of(Mode::Disaster, None, &[west]).skip.is_some());
}

fn step(verb: Verb) -> Step {
    let pair = pair();
    let (here, there) = match verb {
        Verb::Prepare => (pair.source, pair.target),
        Verb::TestStart | Verb::TestStop | Verb::Sync | Verb::FailOver { .. } | Verb::Reverse { .. } => {
            (pair.target, pair.source)
        }
    };
    Step {
        verb,
        here,
        there,
        point: None,
        failed_back: false,
    }
}

/// A group that is paired with one other.
fn seen(at: &Side, peer: &Side, state: &str, devices: usize) -> Group {
    let side = GroupSide::Target {
        source: Some(peer.id()),
    };
    let device = GroupDevice::new(Device::DiskId("disk".to_owned()));
    Group::new(
        at.id(),
        ReplicationState::from_wire(state),
        side,
        vec![device; devices],
    )
}

const STATES: [&str; 6] = [
    "SOURCE",
    "TARGET",
    "FAILEDOVER",
    "INTEST",
    "REMOTE_FAILEDOVER",
    "INVENTED",
];

/// `R` ready, `D` done, `.` refused; in the order of [`STATES`].
#[test]
fn the_table_before_a_call() {
    let planned = Verb::FailOver { planned: true };
    for (verb, wanted) in [
        (Verb::TestStart, ".R.D.."),
        (Verb::TestStop, ".D.R.."),
        (Verb::Sync, "DRD..."),
        (Verb::Prepare, "RD..D."),
        (planned, "DRD..."),
        (Verb::FailOver { planned: false }, "DRD..."),
    ] {
        let step = step(verb);
        let mut row = String::new();
        for state in STATES {
            let group = seen(&step.here, &step.there, state, 0);
            row.push(match before(&step, &group, None) {
                Before::Ready => 'R',
                Before::Done(_) => 'D',
                Before::Reversed => 'V',
                Before::Refused(reason) => {
                    assert!(reason.contains(state), "{reason}");
                    '.'
                }
            });
        }
        assert_eq!(row, wanted, "{verb:?}");
    }
}

/// After a failback a target can call itself the source, which it is not, and nobody else is asked in a disaster.
#[test]
fn a_source_that_was_failed_back_is_not_taken_for_failed_over() {
    let step = Step {
        failed_back: true,
        ..step(Verb::FailOver { planned: false })
    };
    for (state, wanted) in [("SOURCE", "reprotect"), ("REMOTE_FAILEDOVER", "reprotect")] {
        let group = seen(&step.here, &step.there, state, 0);
        let Before::Refused(reason) = before(&step, &group, None) else {
            panic!("{state}")
        };
        assert!(reason.contains(state) && reason.contains(wanted), "{reason}");
    }
    // Somebody has reversed it by hand.
    let group = seen(&step.here, &step.there, "TARGET", 0);
    assert_eq!(before(&step, &group, None), Before::Ready);
}

/// In the order of [`STATES`] of the other side.
#[test]
fn a_prepare_of_a_source_takes_the_other_side_too() {
    let step = step(Verb::Prepare);
    let here = seen(&step.here, &step.there, "SOURCE", 0);
    let judged = STATES.map(|there| {
        let there = seen(&step.there, &step.here, there, 0);
        matches!(before(&step, &here, Some(&there)), Before::Done(_))
    });
    assert_eq!(judged, [false, false, true, false, false, false]);
}

/// A source that is none any more was prepared, or more than that: the other side tells.
#[test]
fn a_source_that_moved_is_told_by_the_other_side() {
    let step = step(Verb::Prepare);
    for state in ["REMOTE_FAILEDOVER", "TARGET"] {
        let here = seen(&step.here, &step.there, state, 0);
        let told = |there: Option<&str>| {
            let there = there.map(|there| seen(&step.there, &step.here, there, 0));
            match before(&step, &here, there.as_ref()) {
                Before::Done(what) => what,
                other => panic!("{state}: {other:?}"),
            }
        };
        assert!(told(Some("TARGET")).contains("prepared already"));
        assert!(told(Some("FAILEDOVER")).contains("failed over already"));
        assert!(told(Some("SOURCE")).contains("the source already"));
        assert!(told(None).contains("prepared or failed over"));
    }
}

/// `V`: the replicator has reversed it. Rows: the state here; columns: the state at the other side.
#[test]
fn the_table_before_a_reverse_takes_both_sides() {
    for (again, rows) in [
        (
            false,
            [".VVVVV", "......", "R...R.", "......", "......", "......"],
        ),
        (true, [".VVVVV", "D.....", "R...R.", "......", "......", "......"]),
    ] {
        let step = step(Verb::Reverse { again });
        for (here, wanted) in STATES.iter().zip(rows) {
            let mut row = String::new();
            for there in STATES {
                let groups = (
                    seen(&step.here, &step.there, here, 3),
                    seen(&step.there, &step.here, there, 3),
                );
                row.push(match before(&step, &groups.0, Some(&groups.1)) {
                    Before::Ready => 'R',
                    Before::Done(_) => 'D',
                    Before::Reversed => 'V',
                    Before::Refused(_) => '.',
                });
            }
            assert_eq!(row, wanted, "here {here}, again {again}");
        }
    }
}

#[test]
fn machines_and_strange_pairs_are_in_the_way() {
    for (verb, refused) in [
        (Verb::Sync, true),
        (Verb::Prepare, true),
        (Verb::FailOver { planned: true }, true),
        (Verb::FailOver { planned: false }, false),
        (Verb::TestStart, false),
    ] {
        let step = step(verb);
        let state = if verb == Verb::Prepare { "SOURCE" } else { "TARGET" };
        let held = seen(&step.here, &step.there, state, 2);
        let judged = before(&step, &held, None);
        assert_eq!(
            matches!(judged, Before::Refused(_)),
            refused,
            "{verb:?}: {judged:?}"
        );
        let strange = seen(&step.here, &side("north", "rg-9"), state, 0);
        let Before::Refused(reason) = before(&step, &strange, None) else {
            panic!("{verb:?}")
        };
        assert!(reason.contains("fd-north/rg-9"), "{reason}");
    }
}

/// `D` done, `V` reversed, `?` cannot tell, `w` wait; in the order of [`STATES`].
#[test]
fn the_table_after_a_lost_answer() {
    let row = |verb, point, age_ms| -> String {
        let states = [
            ReplicationState::Source,
            ReplicationState::Target,
            ReplicationState::Failedover,
            ReplicationState::Intest,
            ReplicationState::RemoteFailedover,
        ];
        let judged = states
            .iter()
            .map(|state| match after(verb, state, point, age_ms) {
                After::Done => 'D',
                After::Reversed => 'V',
                After::CannotTell(_) => '?',
                After::Wait(_) => 'w',
            });
        judged.collect()
    };
    assert_eq!(row(Verb::FailOver { planned: true }, false, 0), "D?D??");
    assert_eq!(row(Verb::FailOver { planned: false }, false, 0), "D?D??");
    assert_eq!(row(Verb::TestStart, false, 0), "???D?");
    assert_eq!(row(Verb::TestStop, false, 0), "?D???");
    assert_eq!(row(Verb::Sync, false, 0), "?????");
    assert_eq!(row(Verb::Sync, true, 0), "DDDDD");
    assert_eq!(row(Verb::Prepare, false, 0), "wDwwD");
    assert_eq!(row(Verb::Prepare, false, 60_000), "?D??D");
    assert_eq!(row(Verb::Reverse { again: false }, false, 0), "V????");
}

fn intent() -> Intent {
    Intent {
        provider: ProviderRef::new("p"),
        point_name: Some("ours".to_owned()),
        group_name: None,
        devices: 0,
        at_ms: 0,
    }
}

fn accepted(named_by_server: bool) -> Accepted {
    Accepted {
        task: OperationId::new(SMS_TASK, "vc-west", "t-1"),
        named_by_server,
    }
}

/// What the entry of a result comes to.
fn judged(verb: Verb, type_name: &str, more: &str, named_by_server: bool) -> End {
    let step = step(verb);
    let text = format!(
        r#"{{"_typeName": "{type_name}", "groupId": {{"faultDomainId": {{"id": "{}"}}, "deviceGroupId": {{"id": "{}"}}}} {more}}}"#,
        step.here.fault_domain, step.here.group
    );
    let result = RawJson::parse(&text).unwrap();
    let outcome = regroup(&[step.here.id()], Some(&result)).remove(0);
    end(&step, &intent(), &accepted(named_by_server), outcome)
}

fn failed(verb: Verb, fault: &str) -> End {
    judged(
        verb,
        "GroupErrorResult",
        &format!(r#", "error": [{fault}]"#),
        false,
    )
}

const FAIL_OVER: Verb = Verb::FailOver { planned: true };

#[test]
fn a_success_counts_when_it_says_where_the_group_is() {
    let recovered = |verb, state: &str| {
        judged(
            verb,
            "FailoverSuccessResult",
            &format!(r#", "newState": "{state}""#),
            false,
        )
    };
    assert!(matches!(
        recovered(FAIL_OVER, "FAILEDOVER"),
        End::Is(MemberEnd::Done { .. })
    ));
    assert!(matches!(
        recovered(FAIL_OVER, "SOURCE"),
        End::Is(MemberEnd::Done { .. })
    ));
    assert!(matches!(recovered(FAIL_OVER, "TARGET"), End::Look(_)));
    assert!(matches!(
        recovered(Verb::TestStart, "INTEST"),
        End::Is(MemberEnd::Done { .. })
    ));
    assert!(matches!(recovered(Verb::TestStart, "FAILEDOVER"), End::Look(_)));
    let plain = |verb, named| judged(verb, "GroupOperationResult", "", named);
    assert!(matches!(
        plain(Verb::Prepare, false),
        End::Is(MemberEnd::Done { .. })
    ));
    assert!(
        matches!(plain(Verb::Prepare, true), End::Look(_)),
        "work that somebody else began"
    );
    assert!(matches!(plain(FAIL_OVER, false), End::Look(_)));
    let reversed = judged(
        Verb::Reverse { again: false },
        "ReverseReplicationSuccessResult",
        r#", "newGroupId": {"id": "rt-1.1"}"#,
        false,
    );
    assert_eq!(reversed, End::Reversed(GroupId::new("fd-west", "rt-1.1")));
    assert!(matches!(
        end(
            &step(FAIL_OVER),
            &intent(),
            &accepted(false),
            GroupOutcome::Missing
        ),
        End::Look(_)
    ));
}

#[test]
fn a_sync_counts_when_it_is_ours() {
    let synced = |verb, name: &str, named| {
        let more = format!(r#", "timeStamp": "2025-03-01T10:00:00Z" {name}"#);
        judged(verb, "SyncReplicationGroupSuccessResult", &more, named)
    };
    let ours = r#", "pitName": "ours""#;
    assert!(matches!(
        synced(Verb::Sync, ours, true),
        End::Is(MemberEnd::Done { .. })
    ));
    assert!(matches!(
        synced(Verb::Sync, "", false),
        End::Is(MemberEnd::Done { .. })
    ));
    assert!(matches!(
        synced(Verb::Sync, r#", "pitName": "theirs""#, true),
        End::Is(MemberEnd::Again { .. })
    ));
    assert!(matches!(
        synced(FAIL_OVER, ours, true),
        End::Is(MemberEnd::Again { .. })
    ));
}

#[test]
fn a_failure_says_what_can_be_done_about_it() {
    let End::Is(MemberEnd::Again { smaller, .. }) =
        failed(FAIL_OVER, r#"{"_typeName": "TooMany", "maxBatchSize": 0}"#)
    else {
        panic!("again")
    };
    assert_eq!(smaller, Some(None));
    for fault in [
        "ProviderBusy",
        "ProviderOutOfResource",
        "PeerNotReachable",
        "SyncOngoing",
    ] {
        let ended = failed(FAIL_OVER, &format!(r#"{{"_typeName": "{fault}"}}"#));
        assert!(
            matches!(ended, End::Is(MemberEnd::Again { smaller: None, .. })),
            "{fault}: {ended:?}"
        );
    }
    let unavailable = r#"{"_typeName": "ProviderUnavailable"}"#;
    assert!(
        matches!(failed(FAIL_OVER, unavailable), End::Is(MemberEnd::Unknown { .. })),
        "it may have been begun"
    );
    assert!(matches!(
        failed(Verb::Prepare, unavailable),
        End::Is(MemberEnd::Again { .. })
    ));
    let End::Is(MemberEnd::Running { operation }) = failed(
        FAIL_OVER,
        r#"{"_typeName": "SyncOngoing", "task": {"type": "SmsTask", "value": "t-9"}}"#,
    ) else {
        panic!("running")
    };
    let work: Accepted = serde_json::from_value(operation).unwrap();
    assert_eq!((work.task.id.as_str(), work.named_by_server), ("t-9", true));
    let state = |current: &str| {
        failed(
            FAIL_OVER,
            &format!(
                r#"{{"_typeName": "InvalidReplicationState", "currentState": "{current}", "desiredState": ["TARGET"]}}"#
            ),
        )
    };
    assert!(
        matches!(state("FAILEDOVER"), End::Look(_)),
        "an earlier call may have done it"
    );
    let End::Is(MemberEnd::Failed { reason }) = state("INTEST") else {
        panic!("failed")
    };
    assert!(reason.contains("INTEST") && reason.contains("TARGET"), "{reason}");
    assert!(matches!(
        failed(FAIL_OVER, r#"{"_typeName": "AlreadyDone"}"#),
        End::Look(_)
    ));
    assert!(matches!(
        failed(Verb::Prepare, r#"{"_typeName": "AlreadyDone"}"#),
        End::Is(MemberEnd::Done { .. })
    ));
    assert!(matches!(
        failed(FAIL_OVER, r#"{"_typeName": "Invented"}"#),
        End::Is(MemberEnd::Failed { .. })
    ));
}

#[test]
fn a_task_that_failed_as_a_whole_is_looked_at_unless_it_was_refused() {
    let judged = |fault: &str, named| {
        let fault = Fault::from_raw(RawJson::parse(fault).unwrap()).unwrap();
        let operation = &VASA_PROVIDER_FAILOVER_REPLICATION_GROUP_TASK;
        task_failed(operation, &accepted(named), &ServiceError::Fault(fault))
    };
    assert!(matches!(
        judged(r#"{"_typeName": "TooMany", "maxBatchSize": 2}"#, false),
        MemberEnd::Again {
            smaller: Some(Some(2)),
            ..
        }
    ));
    assert!(matches!(
        judged(r#"{"_typeName": "ProviderBusy"}"#, false),
        MemberEnd::Again { smaller: None, .. }
    ));
    assert!(matches!(
        judged(r#"{"_typeName": "ProviderUnavailable"}"#, false),
        MemberEnd::Unknown { .. }
    ));
    assert!(matches!(
        judged(r#"{"_typeName": "NotImplemented"}"#, false),
        MemberEnd::Failed { .. }
    ));
    assert!(matches!(
        judged(r#"{"_typeName": "NotImplemented"}"#, true),
        MemberEnd::Again { .. }
    ));
}
