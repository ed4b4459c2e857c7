//! DPU failover through plan, driver and journal, against simulated hosts.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod support;

use std::time::Duration;

use farside_engine::{ActionRef, Again, CallId, Finding, ItemId, MemberEnd, Mode, RunId, Submitted};
use farside_failover::kind::dpu::Dpu;
use farside_failover::kind::{CallMember, CallRequest, Kind as _, LookRequest, Verdict};
use farside_failover::plan::Document;
use farside_journal::CrashPoint;
use farside_simulator::dpu::{DpuSpec, HostTrouble, LostHost, Refresh, SwitchTrouble};
use farside_simulator::spec::{HostClusterSpec, HostsSpec};
use farside_simulator::vi_json::{UnknownMethod, ViJsonSpec};
use farside_simulator::{FaultAction, FaultRule, WorldSpec};
use serde_json::json;
use support::{Bench, Outcome};

const MOVE: &str = "HostNetworkSystem_startDpuFailover";

fn spec() -> WorldSpec {
    WorldSpec::pair(5).groups(0).replications(0)
}

fn plan_with(bench: &Bench, more: &str) -> String {
    bench.plan_head()
        + "[[items]]\nname = \"switch\"\ngroup = \"first\"\n[items.dpu]\nendpoint = \"vc-west\"\nhost = \"host-21\"\n\
           switch = \"dvs-west\"\n"
        + &if more.contains("target_dpu") {
            String::new()
        } else {
            format!("target_dpu = \"{}\"\n", dpu(bench, 1))
        }
        + more
        + "\n"
}

fn plan(bench: &Bench) -> String {
    plan_with(bench, "")
}

/// The id of a DPU of the host.
fn dpu(bench: &Bench, number: usize) -> String {
    bench.world().hosts().host("host-21").unwrap().dpus[number]
        .id
        .clone()
}

/// Which DPU is active, and how often the switch has moved.
fn state(bench: &Bench) -> (usize, u32) {
    let world = bench.world();
    let host = world.hosts().host("host-21").unwrap();
    (host.active, host.moved)
}

fn assert_done(outcome: &Outcome) {
    assert_eq!(outcome.counts(), [1, 0, 0, 0], "{}", outcome.notes());
}

fn assert_moved_once(bench: &Bench) {
    assert_eq!(state(bench), (1, 1));
    assert_eq!(
        (bench.effects(MOVE), bench.attempts(MOVE), bench.overlaps()),
        (vec![1], 1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn the_switch_moves_once_in_both_modes_that_move_it() {
    for mode in [Mode::Planned, Mode::Disaster] {
        for seed in 0..10 {
            let bench = Bench::new(&WorldSpec::pair(seed).groups(0).replications(0));
            let plan = plan(&bench);
            assert_eq!(bench.check(&plan, mode).await.verdict, Verdict::Go);
            let outcome = bench.run(&plan, mode).await;
            assert_done(&outcome);
            assert_moved_once(&bench);
            let data = &outcome.report.details[0].actions[0].data;
            assert_eq!(
                (data["from"].as_str(), data["to"].as_str()),
                (Some(&*dpu(&bench, 0)), Some(&*dpu(&bench, 1)))
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_alias_is_passed_on_and_a_wrong_one_is_refused() {
    let bench = Bench::new(&spec());
    let plan = plan_with(&bench, "target_alias = \"vmdpu1\"");
    assert_eq!(
        bench.check(&plan, Mode::Planned).await.verdict,
        Verdict::Warning,
        "it cannot be checked"
    );
    assert_done(&bench.run(&plan, Mode::Planned).await);
    assert_moved_once(&bench);

    let bench = Bench::new(&spec());
    let outcome = bench
        .run(&plan_with(&bench, "target_alias = \"vmdpu7\""), Mode::Planned)
        .await;
    assert_eq!(outcome.counts(), [0, 1, 0, 0], "{}", outcome.notes());
    outcome.assert_says("No DPU of this alias");
    assert_eq!((state(&bench), bench.attempts(MOVE)), ((0, 0), 1));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_found_out_from_the_uplinks() {
    for action in [FaultAction::DropAnswer, FaultAction::Silence { acted: true }] {
        for toggles in [true, false] {
            let mut hosts = DpuSpec::default();
            hosts.toggles = toggles;
            let bench = Bench::new(&spec().dpu(hosts));
            bench.fault(FaultRule::new(MOVE, action.clone()));
            let outcome = bench.run(&plan(&bench), Mode::Planned).await;
            assert_done(&outcome);
            assert_moved_once(&bench);
            outcome.assert_says("the answer was lost");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_cut_before_the_server_acted_goes_out_again_after_the_settle_time() {
    let bench = Bench::new(&spec());
    bench.fault(FaultRule::new(MOVE, FaultAction::Cut));
    let outcome = bench.run(&plan(&bench), Mode::Planned).await;
    assert_done(&outcome);
    assert_eq!(
        (state(&bench), bench.attempts(MOVE), bench.overlaps()),
        ((1, 1), 2, 0)
    );
    assert!(
        outcome.report.seconds > 120.0,
        "{} seconds",
        outcome.report.seconds
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_at_the_call_is_replaced_and_the_call_counts_once() {
    let bench = Bench::new(&spec());
    bench.fault(FaultRule::new(MOVE, FaultAction::EndSessions));
    assert_done(&bench.run(&plan(&bench), Mode::Planned).await);
    assert_eq!((state(&bench), bench.effects(MOVE)), ((1, 1), vec![1]));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_not_ready_is_left_untouched() {
    for (trouble, words) in [
        (
            HostTrouble::NotOffloaded,
            "network offload of the switch on this host: off",
        ),
        (HostTrouble::StandbyDown, "has a link"),
        (
            HostTrouble::PartialMaintenance,
            "quickPatchPartialMM is inPartialMM",
        ),
        (HostTrouble::Disconnected, "notResponding"),
    ] {
        let bench = Bench::new(&spec());
        bench.world().hosts_mut().set_trouble("host-21", trouble, true);
        let plan = plan(&bench);
        let check = bench.check(&plan, Mode::Planned).await;
        assert_eq!(check.verdict, Verdict::NoGo, "{check:#?}");
        let outcome = bench.run(&plan, Mode::Planned).await;
        assert_eq!(outcome.counts(), [0, 1, 0, 0], "{}", outcome.notes());
        outcome.assert_says(words);
        assert_eq!((state(&bench), bench.attempts(MOVE)), ((0, 0), 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_is_not_set_up_for_it_is_left_untouched() {
    for (trouble, words) in [
        (
            SwitchTrouble::KnowsNoDpus,
            "what the version of the switch can do: it knows no DPUs",
        ),
        (
            SwitchTrouble::OffloadNone,
            "network offload of the switch: turned off (`None`)",
        ),
        (
            SwitchTrouble::NoPolicy,
            "failover policy of the switch: none: all uplinks work, and nothing stands by",
        ),
    ] {
        let bench = Bench::new(&spec());
        bench
            .world()
            .hosts_mut()
            .set_switch_trouble("dvs-21", trouble, true);
        let plan = plan(&bench);
        let check = bench.check(&plan, Mode::Planned).await;
        assert_eq!(check.verdict, Verdict::NoGo, "{check:#?}");
        let told = check.complaints().any(|(_, complaint)| {
            words.starts_with(&format!("{}: ", complaint.name))
                && complaint.value.contains("(DistributedVirtualSwitch ")
        });
        assert!(told, "{check:#?}");
        let outcome = bench.run(&plan, Mode::Planned).await;
        assert_eq!(outcome.counts(), [0, 1, 0, 0], "{}", outcome.notes());
        outcome.assert_says(words);
        assert_eq!((state(&bench), bench.attempts(MOVE)), ((0, 0), 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_without_the_failover_is_told_before_anything_is_sent() {
    let bench = Bench::new(&spec().releases(&["8.0.2.0"]));
    let plan = plan(&bench);
    let check = bench.check(&plan, Mode::Planned).await;
    assert_eq!(check.verdict, Verdict::NoGo, "{check:#?}");
    let outcome = bench.run(&plan, Mode::Planned).await;
    outcome.assert_says("release of VI JSON: 8.0.2.0");
    assert_eq!(bench.attempts(MOVE), 0);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_read_of_the_switch_is_a_warning_and_the_switch_moves() {
    for trouble in [SwitchTrouble::Hidden, SwitchTrouble::Invisible] {
        let bench = Bench::new(&spec());
        bench
            .world()
            .hosts_mut()
            .set_switch_trouble("dvs-21", trouble, true);
        let plan = plan(&bench);
        let check = bench.check(&plan, Mode::Planned).await;
        assert_eq!(check.verdict, Verdict::Warning, "{check:#?}");
        let unknown = check
            .complaints()
            .filter(|(_, complaint)| complaint.value.starts_with("unknown: "));
        assert_eq!(unknown.count(), 3, "{check:#?}");
        assert_done(&bench.run(&plan, Mode::Planned).await);
        assert_moved_once(&bench);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_host_or_switch_is_told_before_anything_is_sent() {
    let standby = dpu(&Bench::new(&spec()), 1);
    for (right, wrong, words) in [
        ("dvs-west", "dvs-wset", "it has: dvs-west"),
        ("host-21", "host-99", "host host-99"),
        (standby.as_str(), "vmdpu1", "vmdpu1 does not stand by"),
    ] {
        let bench = Bench::new(&spec());
        let plan = plan(&bench)
            .replace("deadline = \"30m\"", "deadline = \"1m\"")
            .replace(right, wrong);
        assert_eq!(bench.check(&plan, Mode::Planned).await.verdict, Verdict::NoGo);
        let outcome = bench.run(&plan, Mode::Planned).await;
        assert_eq!(outcome.counts(), [0, 1, 0, 0], "{}", outcome.notes());
        outcome.assert_says(words);
        assert_eq!(bench.attempts(MOVE), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_wanted_dpu_that_is_active_already_is_left_alone() {
    let bench = Bench::new(&spec());
    let plan = plan_with(&bench, &format!("target_dpu = \"{}\"", dpu(&bench, 0)));
    assert_eq!(bench.check(&plan, Mode::Planned).await.verdict, Verdict::Warning);
    let outcome = bench.run(&plan, Mode::Planned).await;
    assert_done(&outcome);
    outcome.assert_says("active already");
    assert_eq!(bench.attempts(MOVE), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failback_moves_only_where_the_item_asks() {
    let bench = Bench::new(&spec());
    let plan = plan_with(&bench, &format!("failback_dpu = \"{}\"", dpu(&bench, 0)));
    assert_done(&bench.run(&plan, Mode::Planned).await);
    assert_done(&bench.run(&plan, Mode::Reprotect).await);
    assert_eq!(state(&bench), (1, 1));
    assert_done(&bench.run(&plan, Mode::Failback).await);
    assert_eq!(state(&bench), (0, 2));
    assert_done(&bench.run(&self::plan(&bench), Mode::Failback).await);
    assert_eq!((state(&bench), bench.attempts(MOVE)), ((0, 2), 2));
}

#[tokio::test(start_paused = true)]
async fn a_move_that_cannot_be_started_by_hand_is_refused() {
    let mut hosts = DpuSpec::default();
    hosts.toggles = false;
    let bench = Bench::new(&spec().dpu(hosts));
    let plan = plan_with(&bench, &format!("failback_dpu = \"{}\"", dpu(&bench, 0)));
    assert_done(&bench.run(&plan, Mode::Planned).await);
    let outcome = bench.run(&plan, Mode::Failback).await;
    assert_eq!(outcome.counts(), [0, 1, 0, 0], "{}", outcome.notes());
    outcome.assert_says("InvalidArgument");
    assert_eq!(state(&bench), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_moved_by_itself_since_the_look_is_not_moved_back() {
    let bench = Bench::new(&spec());
    let plan = plan(&bench);
    assert_done(&bench.run(&plan, Mode::Planned).await);
    let document = bench.document(&plan);
    let world = bench.connections(&document, Mode::Planned);
    let call = |from: Option<String>, to: String| CallRequest {
        run: RunId::new("run-2-planned"),
        mode: Mode::Planned,
        call: CallId(1),
        members: vec![CallMember {
            action: ActionRef {
                item: ItemId::new("switch"),
                action: 0,
            },
            item: document.items[0].protected.payload.clone(),
            payload: json!({"to": null, "alias": null}),
            intent: json!({"from": from, "to": to}),
        }],
    };
    let (first, second) = (dpu(&bench, 0), dpu(&bench, 1));
    let Submitted::Settled(ends) = Dpu.submit(&world, &call(Some(first.clone()), second)).await else {
        panic!("the second DPU is active");
    };
    assert!(matches!(&ends[0].end, MemberEnd::Done { note: Some(note), .. } if note.contains("by itself")));
    let refused = |outcome: Submitted, words: &str| {
        let Submitted::Refused {
            again: Again::Later,
            reason,
        } = outcome
        else {
            panic!("{outcome:?}")
        };
        assert!(reason.contains(words), "{reason}");
    };
    let another = call(Some(first), "another".to_owned());
    refused(Dpu.submit(&world, &another).await, "nothing was sent");
    // That nothing was seen before and nothing is seen now is not the same state.
    bench
        .world()
        .hosts_mut()
        .set_trouble("host-21", HostTrouble::NotOffloaded, true);
    let blind = call(None, "another".to_owned());
    refused(Dpu.submit(&world, &blind).await, "no uplink states");
    assert_eq!(bench.attempts(MOVE), 1);
}

/// What a look at the host shows while its network cards are not told, so that nobody knows behind which DPU an uplink is.
fn without_cards() -> FaultAction {
    let reference =
        |kind: &str, id: &str| json!({"_typeName": "ManagedObjectReference", "type": kind, "value": id});
    let property = |name: &str, val: serde_json::Value| json!({"_typeName": "DynamicProperty", "name": name, "val": val});
    let uplink = |name: &str, state: &str| json!({"_typeName": "DistributedVirtualSwitchHostMemberHostUplinkState", "uplinkName": name, "state": state});
    let switch = json!({
        "_typeName": "HostProxySwitch", "dvsUuid": "50 1f", "dvsName": "dvs-west", "key": "proxy-switch", "numPorts": 8,
        "numPortsAvailable": 4, "spec": {"_typeName": "HostProxySwitchSpec"}, "networkOffloadingEnabled": true,
        "hostUplinkState": [uplink("uplink1", "active"), uplink("uplink2", "standby")],
    });
    let host = json!({
        "_typeName": "ObjectContent",
        "obj": reference("HostSystem", "host-21"),
        "propSet": [
            property("configManager.networkSystem", reference("HostNetworkSystem", "networkSystem-21")),
            property("config.network.proxySwitch", json!({"_typeName": "ArrayOfHostProxySwitch", "_value": [switch]})),
        ],
    });
    FaultAction::Refuse {
        status: 200,
        body: Some(json!({"_typeName": "RetrieveResult", "objects": [host]})),
        retry_after: None,
    }
}

/// The first look of a run for the plan's switch.
fn look(run: &str, document: &Document) -> LookRequest {
    LookRequest {
        run: RunId::new(run),
        mode: Mode::Planned,
        action: ActionRef {
            item: ItemId::new("switch"),
            action: 0,
        },
        item: document.items[0].protected.payload.clone(),
        payload: json!({"to": null, "alias": null}),
        after: None,
        called: None,
        earlier: Vec::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_switch_is_not_moved_before_it_is_seen_which_dpu_is_active() {
    const READ: &str = "PropertyCollector_RetrievePropertiesEx";
    let bench = Bench::new(&spec());
    let plan = plan(&bench);
    let document = bench.document(&plan);
    let world = bench.connections(&document, Mode::Planned);
    let look = look("run-1-planned", &document);
    bench.fault(FaultRule::new(READ, without_cards()).times(Some(2)));
    let found = Dpu.look(&world, std::slice::from_ref(&look)).await;
    assert!(
        matches!(&found[0], Finding::NotYet { reason } if reason.contains("not seen which DPU is active")
            && reason.contains("uplink1 active on no DPU")),
        "{found:?}"
    );
    let found = Dpu.look(&world, &[look]).await;
    assert!(matches!(&found[0], Finding::Ready { .. }), "{found:?}");
    assert_eq!(bench.attempts(MOVE), 0);

    // A run looks again until it is seen.
    bench.fault(FaultRule::new(READ, without_cards()));
    let before = bench.attempts(READ);
    assert_done(&bench.run(&plan, Mode::Planned).await);
    assert_moved_once(&bench);
    assert_eq!(bench.idle_faults(), 0);
    assert!(bench.attempts(READ) > before + 2);
}

#[tokio::test(start_paused = true)]
async fn a_test_is_skipped_and_says_why() {
    let bench = Bench::new(&spec());
    let outcome = bench.run(&plan(&bench), Mode::Test).await;
    assert_eq!(outcome.counts(), [0, 0, 1, 0], "{}", outcome.notes());
    outcome.assert_says("not testable");
    assert_eq!(bench.heard("vc-west"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_disaster_sends_nothing_to_the_protected_site() {
    let bench = Bench::new(&spec());
    let plan = plan(&bench)
        .replace("\nendpoint = \"vc-west\"", "\nendpoint = \"vc-east\"")
        .replace("host-21", "host-11")
        .replace("dvs-west", "dvs-east");
    let outcome = bench.run(&plan, Mode::Disaster).await;
    assert_eq!(outcome.counts(), [0, 0, 1, 0], "{}", outcome.notes());
    outcome.assert_says("protected site");
    assert_eq!(bench.heard("vc-east"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_write_leads_to_one_move() {
    let mut resumed = 0;
    for number in 2..=7 {
        for point in [CrashPoint::BeforeWrite, CrashPoint::AfterWrite] {
            let Some((bench, outcome)) = Bench::crashed(&spec(), plan, number, point).await else {
                continue;
            };
            resumed += 1;
            let at = format!("write {number} {point:?}: {}", outcome.notes());
            assert_eq!(outcome.counts(), [1, 0, 0, 0], "{at}");
            assert_eq!((bench.attempts(MOVE), state(&bench)), (1, (1, 1)), "{at}");
        }
    }
    assert!(resumed > 6, "{resumed} crashes");
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_comes_after_the_settle_time_is_not_undone() {
    let bench = Bench::new(&spec());
    let plan = plan(&bench);
    let document = bench.document(&plan);
    let world = bench.connections(&document, Mode::Planned);
    let intent = json!({"from": dpu(&bench, 0), "to": dpu(&bench, 1)});
    assert_done(&bench.run(&plan, Mode::Planned).await);
    let first = look("run-2-planned", &document);
    let look = LookRequest {
        called: Some(intent.clone()),
        ..first.clone()
    };
    let found = Dpu.look(&world, &[look, first]).await;
    assert!(
        matches!(&found[0], Finding::Done { data, .. } if *data == intent),
        "{found:?}"
    );
    // An item that was never called takes whichever stands by.
    assert!(
        matches!(&found[1], Finding::Ready { intent, .. } if intent["to"] == dpu(&bench, 0)),
        "{found:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_and_a_vcenter_that_is_away_are_told_before_the_run() {
    let bench = Bench::new(&spec());
    bench.set_password("vc-west", "of-yesterday");
    let check = bench.check(&plan(&bench), Mode::Planned).await;
    let complaint = check.complaints().next().unwrap().1.clone();
    assert_eq!(check.verdict, Verdict::NoGo);
    assert!(complaint.value.contains("login"), "{complaint:?}");
    assert!(
        !format!("{check:?}").contains("of-yesterday"),
        "no password in a report"
    );

    let bench = Bench::new(&spec());
    bench.world().set_reachable("vc-west", false);
    let check = bench.check(&plan(&bench), Mode::Planned).await;
    let complaint = check.complaints().next().unwrap().1.clone();
    assert!(
        complaint.value.contains("no connection to vc-west"),
        "{complaint:?}"
    );
    assert_eq!(bench.attempts(MOVE), 0);
}

fn with_hosts(change: impl FnOnce(&mut DpuSpec)) -> WorldSpec {
    let mut hosts = DpuSpec::default();
    change(&mut hosts);
    spec().dpu(hosts)
}

/// Whether a host shows a move by itself is inferred. One that does not must not be moved back for it.
#[tokio::test(start_paused = true)]
async fn a_move_that_the_host_shows_only_when_it_is_told_to_look_is_seen_and_not_undone() {
    for refresh in [Refresh::HostLooks, Refresh::Nothing] {
        for action in [None, Some(FaultAction::DropAnswer)] {
            let bench = Bench::new(&with_hosts(|hosts| hosts.refresh = refresh));
            if let Some(action) = action {
                bench.fault(FaultRule::new(MOVE, action));
            }
            let outcome = bench.run(&plan(&bench), Mode::Planned).await;
            assert_done(&outcome);
            assert_moved_once(&bench);
        }
    }
    // It has moved by itself before.
    let bench = Bench::new(&with_hosts(|hosts| hosts.refresh = Refresh::HostLooks));
    for card in ["vmnic4", "vmnic5"] {
        let flap = FaultAction::FlapLink {
            host: "host-21".to_owned(),
            card: card.to_owned(),
            down_ms: 60_000,
            up_ms: 0,
        };
        bench.world().add_fault(FaultRule::any(flap)).unwrap();
    }
    bench.pass(Duration::from_secs(10)).await;
    assert_eq!(state(&bench), (1, 1));
    let outcome = bench.run(&plan(&bench), Mode::Planned).await;
    assert_done(&outcome);
    outcome.assert_says("active already");
    assert_eq!((state(&bench), bench.attempts(MOVE)), ((1, 1), 0));
}

#[tokio::test(start_paused = true)]
async fn a_lost_host_is_left_untouched_whatever_its_calls_are_refused_with() {
    for lost_host in [
        LostHost::NotConnected,
        LostHost::Communication,
        LostHost::SystemError,
    ] {
        let bench = Bench::new(&with_hosts(|hosts| hosts.lost_host = lost_host));
        let trouble = HostTrouble::Disconnected;
        bench.world().hosts_mut().set_trouble("host-21", trouble, true);
        let outcome = bench.run(&plan(&bench), Mode::Planned).await;
        assert_eq!(outcome.counts(), [0, 1, 0, 0], "{}", outcome.notes());
        outcome.assert_says("notResponding");
        assert_eq!((state(&bench), bench.attempts(MOVE)), ((0, 0), 0));
    }
}

/// vCenter has the release, the host has not, and nothing tells so before the call.
#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_have_the_method_ends_the_item_however_it_says_so() {
    for unknown_method in [
        UnknownMethod::MethodNotFound,
        UnknownMethod::InvalidRequest,
        UnknownMethod::NotFound,
    ] {
        let mut form = ViJsonSpec::default();
        form.unknown_method = unknown_method;
        let mut world = spec().vi_json(form);
        let old = HostsSpec {
            release: Some("8.0.2".to_owned()),
            ..HostsSpec::default()
        };
        world.sites[1].clusters = vec![HostClusterSpec {
            name: "old".to_owned(),
            hosts: vec![old],
        }];
        let bench = Bench::new(&world);
        let outcome = bench.run(&plan(&bench), Mode::Planned).await;
        assert_eq!(outcome.counts(), [0, 1, 0, 0], "{}", outcome.notes());
        outcome.assert_says("need release 8.0.3");
        assert_eq!((state(&bench), bench.attempts(MOVE)), ((0, 0), 1));
        assert!(outcome.report.seconds < 60.0, "nobody waits for it");
    }
}
