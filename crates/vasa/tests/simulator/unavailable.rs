//! Groups over which their provider became unavailable: what the world shows of them decides.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use farside_models_sms::ReplicationState;
use farside_simulator::sms::{AfterPrepare, EntryFault, Verb};
use farside_simulator::{FaultAction, FaultRule};
use farside_transport::{Call, CallError, Clock as _, Transport};
use farside_vasa::{Action, GroupEnd, GroupEnded, GroupSuccess};
use http::Response;
use serde_json::json;

use crate::again::{failing, log, pauses_ms, world};
use crate::support::{Pair, ids};

const FAILOVER: &str = "VasaProvider_FailoverReplicationGroup_Task";
const SYNC: &str = "VasaProvider_SyncReplicationGroup_Task";
const PREPARE: &str = "VasaProvider_PrepareFailoverReplicationGroup_Task";
const REVERSE: &str = "VasaProvider_ReverseReplicateGroup_Task";
const UNPLANNED: Action = Action::Failover { planned: false };
/// The time to settle, unless said otherwise.
const SETTLE_MS: i64 = 15 * 60 * 1_000;

/// The provider may have begun with the group, and its state is all that can tell.
#[tokio::test(start_paused = true)]
async fn a_group_over_which_the_provider_became_unavailable_is_looked_at_before_it_is_sent_again() {
    for acted in [true, false] {
        let pair = failing("ProviderUnavailable", acted);
        let (west, groups) = pair.west().await;
        let act = west.act(UNPLANNED, &groups[..3]);
        let ends = act.send().await.unwrap();
        assert!(
            ends.iter().all(|ended| ended.end.is_success()),
            "{acted}: {ends:?}"
        );
        let entry = log(&pair, FAILOVER, &groups[0]);
        assert_eq!(entry.effects, 1);
        if acted {
            assert_eq!(entry.attempts, 1, "what is done is not sent again");
            assert!(matches!(
                &ends[0].end,
                GroupEnd::Succeeded { success: GroupSuccess::Seen(group), warnings }
                    if group.state == ReplicationState::Failedover && !warnings.is_empty()
            ));
        } else {
            let pauses = pauses_ms(&entry);
            assert!(
                matches!(&pauses[..], [pause] if *pause >= SETTLE_MS),
                "not before it can have settled: {pauses:?}"
            );
        }
    }
}

/// Answers the first call of an operation with `ProviderUnavailable`, whether or not it goes out as well.
#[derive(Debug)]
struct Breaking {
    inner: Arc<dyn Transport>,
    operation: &'static str,
    goes_out: bool,
    broken: AtomicBool,
}

#[async_trait]
impl Transport for Breaking {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        if call.operation.id != self.operation || self.broken.swap(true, Ordering::Relaxed) {
            return self.inner.send(call).await;
        }
        let context = call.context();
        if self.goes_out {
            self.inner.send(call).await?;
        }
        let fault = Bytes::from_static(br#"{"_typeName": "ProviderUnavailable"}"#);
        let answer = Response::builder()
            .status(500)
            .header("content-type", "application/json");
        context.accept(answer.body(fault).unwrap())
    }
}

/// The fault says nothing about single groups; their states do.
#[tokio::test(start_paused = true)]
async fn groups_of_a_call_that_ends_with_an_unavailable_provider_are_looked_at_before_they_are_sent_again() {
    for goes_out in [true, false] {
        let pair = world(|_| {}, |_| {});
        let (west, groups) = pair.west().await;
        let client = pair.client("vc-west", |inner| {
            Arc::new(Breaking {
                inner,
                operation: FAILOVER,
                goes_out,
                broken: AtomicBool::new(false),
            })
        });
        let before = pair.clock.elapsed();
        let act = client.act(&west.providers[0], UNPLANNED, groups[..3].to_vec());
        let ends = act.send().await.unwrap();
        assert!(
            ends.iter().all(|ended| ended.end.is_success()),
            "{goes_out}: {ends:?}"
        );
        for group in &groups[..3] {
            let entry = log(&pair, FAILOVER, group);
            assert_eq!((entry.effects, entry.attempts), (1, 1));
        }
        let settled = pair.clock.elapsed() - before >= Duration::from_secs(15 * 60);
        assert_eq!(
            settled, !goes_out,
            "sent again, and not before it can have settled"
        );
    }
}

/// The same where the call is fine and its task is not.
#[tokio::test(start_paused = true)]
async fn groups_of_a_task_that_ends_with_an_unavailable_provider_are_looked_at_before_they_are_sent_again() {
    let pair = world(|_| {}, |_| {});
    let (west, groups) = pair.west().await;
    let info = json!({
        "_typeName": "SmsTaskInfo",
        "key": "task",
        "task": {"_typeName": "ManagedObjectReference", "type": "SmsTask", "value": "task"},
        "object": {"_typeName": "ManagedObjectReference", "type": "VasaProvider", "value": "p"},
        "state": "error",
        "error": {"_typeName": "ProviderUnavailable"},
    });
    let failed = FaultAction::Refuse {
        status: 200,
        body: Some(info),
        retry_after: None,
    };
    let rule = FaultRule::new("SmsTask_QuerySmsTaskInfo", failed);
    pair.simulator.world().faults_mut().add(rule);
    let ends = west.act(UNPLANNED, &groups[..2]).send().await.unwrap();
    let seen = |ended: &GroupEnded| matches!(&ended.end, GroupEnd::Succeeded { success: GroupSuccess::Seen(_), warnings } if !warnings.is_empty());
    assert!(ends.iter().all(seen), "{ends:?}");
    assert_eq!(log(&pair, FAILOVER, &groups[0]).attempts, 1);
}

/// What leaves no trace harms nothing; where it leaves one, the second call is refused for that.
#[tokio::test(start_paused = true)]
async fn a_preparation_is_sent_again_after_a_call_that_ends_with_an_unavailable_provider() {
    for after_prepare in [
        AfterPrepare::Stays,
        AfterPrepare::RemoteFailedOver,
        AfterPrepare::Target,
    ] {
        let pair = world(|_| {}, |vasa| vasa.after_prepare = after_prepare);
        let east = pair.site("vc-east").await;
        let groups = ids(&east.all(0).await);
        let client = pair.client("vc-east", |inner| {
            Arc::new(Breaking {
                inner,
                operation: PREPARE,
                goes_out: true,
                broken: AtomicBool::new(false),
            })
        });
        let act = client.act(&east.providers[0], Action::Prepare, groups[..2].to_vec());
        let ends = act.within(Duration::from_secs(60)).send().await.unwrap();
        assert!(
            ends.iter().all(|ended| ended.end.is_success()),
            "{after_prepare:?}: {ends:?}"
        );
        let log = log(&pair, PREPARE, &groups[0]);
        assert_eq!((log.attempts, log.effects), (2, 1));
    }
}

/// A world in which a reverse gives groups other ids, as its first group is reversed and the provider becomes unavailable.
fn renaming(devices: u32, groups: &[&str]) -> Pair {
    let fault = EntryFault {
        group: "group-001".to_owned(),
        operation: Some(REVERSE.to_owned()),
        times: Some(1),
        fault: json!({"_typeName": "ProviderUnavailable"}),
        acted: true,
    };
    let pair = world(
        |provider| provider.renames_on_reverse = true,
        |spec| {
            spec.groups_with_devices = devices;
            spec.entry_faults = vec![fault];
        },
    );
    for group in groups {
        assert!(pair.simulator.world().act_on_group(group, Verb::Failover));
    }
    pair
}

#[tokio::test(start_paused = true)]
async fn a_group_that_a_reverse_has_renamed_is_found_by_its_devices() {
    let pair = renaming(4, &["group-001", "group-003"]);
    let (west, groups) = pair.west().await;
    let ends = west.act(Action::Reverse, &groups[..2]).send().await.unwrap();
    let renamed = |ended: &GroupEnded| match &ended.end {
        GroupEnd::Succeeded {
            success: GroupSuccess::Reversed { group },
            warnings,
        } => (group.clone(), warnings.len()),
        other => panic!("{other:?}"),
    };
    let now = ids(&west.all(0).await);
    assert_ne!(now[..2], groups[..2], "they have other ids");
    assert_eq!(renamed(&ends[0]), (now[0].clone(), 1));
    assert_eq!(renamed(&ends[1]), (now[1].clone(), 0));
    assert_eq!(log(&pair, REVERSE, &groups[0]).attempts, 1);
}

/// Without devices nothing says which of the groups it is, and without a look before nobody knows its devices.
#[tokio::test(start_paused = true)]
async fn a_group_that_a_reverse_has_renamed_is_unknown_where_nothing_tells_it_from_others() {
    for (devices, checked) in [(0, true), (4, false)] {
        let pair = renaming(devices, &["group-001"]);
        let (west, groups) = pair.west().await;
        let act = west.act(Action::Reverse, &groups[..1]);
        let act = if checked { act } else { act.unchecked() };
        let ends = act.send().await.unwrap();
        assert!(
            matches!(ends[0].end, GroupEnd::Unknown { .. }),
            "{devices}: {ends:?}"
        );
        assert_eq!(log(&pair, REVERSE, &groups[0]).attempts, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_has_not_settled_in_time_is_unknown() {
    let pair = failing("ProviderUnavailable", false);
    let (west, groups) = pair.west().await;
    let act = west.act(UNPLANNED, &groups[..2]);
    let ends = act.within(Duration::from_secs(300)).send().await.unwrap();
    assert!(matches!(ends[0].end, GroupEnd::Unknown { .. }), "{ends:?}");
    assert!(ends[1].end.is_success());
    assert_eq!(log(&pair, FAILOVER, &groups[0]).attempts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_sync_is_found_by_the_name_of_its_point_in_time() {
    for acted in [true, false] {
        let pair = failing("ProviderUnavailable", acted);
        let (west, groups) = pair.west().await;
        let sync = Action::Sync {
            point_name: "before".to_owned(),
        };
        let act = west.act(sync, &groups[..2]);
        let ends = act.send().await.unwrap();
        let named = |ended: &GroupEnded| {
            matches!(
                &ended.end,
                GroupEnd::Succeeded { success: GroupSuccess::Synced { point: Some(_), name: Some(name), .. }, .. } if name == "before"
            )
        };
        assert!(ends.iter().all(named), "{acted}: {ends:?}");
        assert_eq!(log(&pair, SYNC, &groups[0]).effects, 1);
    }
}

/// It leaves no trace to look for, and harms nothing.
#[tokio::test(start_paused = true)]
async fn a_preparation_is_sent_again_as_soon_as_the_provider_is_back() {
    let pair = failing("ProviderUnavailable", false);
    let east = pair.site("vc-east").await;
    let groups = ids(&east.all(0).await);
    let act = east
        .client
        .act(&east.providers[0], Action::Prepare, groups[..2].to_vec());
    let ends = act.within(Duration::from_secs(60)).send().await.unwrap();
    assert!(ends.iter().all(|ended| ended.end.is_success()), "{ends:?}");
    assert_eq!(log(&pair, PREPARE, &groups[0]).attempts, 2);
}
