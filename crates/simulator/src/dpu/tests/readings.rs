//! What the rules leave open, in each of its readings.

use serde_json::{Value, json};

use super::{EAST, active, bench, fault, seen_by_vcenter, start};
use crate::dpu::{DpuSpec, HostTrouble, LostHost, Refresh, VcenterView};
use crate::exchange::{Answer, Request};
use crate::spec::WorldSpec;
use crate::testbench::Bench;
use crate::vi_json::{UnknownMethod, ViJsonSpec};

const FIRST: [&str; 2] = ["uplink1", "uplink2"];
const SECOND: [&str; 2] = ["uplink3", "uplink4"];

fn refresh(bench: &mut Bench) -> Answer {
    bench.post(
        EAST,
        "/HostNetworkSystem/networkSystem-11/RefreshNetworkSystem",
        &Value::Null,
    )
}

fn moved(dpu: DpuSpec) -> Bench {
    let mut bench = bench(dpu);
    assert_eq!(start(&mut bench, &json!({"dvsName": "dvs-east"})).status, 204);
    bench.pass(2_500);
    bench
}

#[test]
fn a_method_that_a_release_does_not_have_is_told_in_three_ways_and_a_release_in_its_own() {
    let asked = |unknown_method, release: &str| {
        let vi_json = ViJsonSpec {
            unknown_method,
            ..ViJsonSpec::default()
        };
        let spec = WorldSpec::pair(4).groups(0).replications(0).vi_json(vi_json);
        let mut bench = Bench::new(&spec);
        let path = format!("/sdk/vim25/{release}/HostNetworkSystem/networkSystem-11/startDpuFailover");
        let request = Request::new(http::Method::POST, &path).json(&json!({"dvsName": "dvs-east"}));
        let request = bench.with_session(EAST, request);
        let answer = bench.send(EAST, &request);
        let told = answer.value()["_typeName"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        (answer.status, told)
    };
    for (unknown_method, status, told) in [
        (UnknownMethod::MethodNotFound, 500, "MethodNotFound"),
        (UnknownMethod::InvalidRequest, 500, "InvalidRequest"),
        (UnknownMethod::NotFound, 404, ""),
    ] {
        assert_eq!(asked(unknown_method, "8.0.2.0"), (status, told.to_owned()));
        assert_eq!(asked(unknown_method, "7.0.0.0"), (404, String::new()));
        assert_eq!(asked(unknown_method, "8.0.3.0").0, 204);
    }
}

#[test]
fn a_call_whose_host_is_lost_is_refused_with_one_of_three_faults() {
    for (lost_host, expected) in [
        (LostHost::NotConnected, "HostNotConnected"),
        (LostHost::Communication, "HostCommunication"),
        (LostHost::SystemError, "SystemError"),
    ] {
        let mut bench = bench(DpuSpec {
            lost_host,
            ..DpuSpec::default()
        });
        let hosts = bench.world.hosts_mut();
        hosts.set_trouble("host-11", HostTrouble::Disconnected, true);
        assert_eq!(
            fault(&start(&mut bench, &json!({"dvsName": "dvs-east"}))).0,
            expected
        );
        assert_eq!(fault(&refresh(&mut bench)).0, expected);
    }
}

#[test]
fn the_view_of_vcenter_follows_soon_or_late_or_when_it_is_told_to() {
    for (vcenter_view, at_once, later) in [
        (VcenterView::Soon, "uplink3", "uplink3"),
        (VcenterView::Late, "uplink1", "uplink3"),
        (VcenterView::Never, "uplink1", "uplink1"),
    ] {
        let mut bench = moved(DpuSpec {
            vcenter_view,
            ..DpuSpec::default()
        });
        bench.pass(1_000);
        assert_eq!(active(&mut bench), SECOND);
        assert_eq!(seen_by_vcenter(&mut bench), at_once);
        bench.pass(100_000);
        assert_eq!(seen_by_vcenter(&mut bench), later);
        assert_eq!(refresh(&mut bench).status, 204);
        assert_eq!(seen_by_vcenter(&mut bench), "uplink3");
    }
}

#[test]
fn a_refresh_is_for_vcenter_or_for_nothing_or_for_the_host() {
    for (kind, before, after, known) in [
        (Refresh::VcenterLearns, SECOND, SECOND, "uplink3"),
        (Refresh::Nothing, SECOND, SECOND, "uplink1"),
        (Refresh::HostLooks, FIRST, SECOND, "uplink3"),
    ] {
        let mut bench = moved(DpuSpec {
            refresh: kind,
            vcenter_view: VcenterView::Never,
            ..DpuSpec::default()
        });
        assert_eq!(active(&mut bench), before, "{kind:?}");
        assert_eq!(refresh(&mut bench).status, 204);
        assert_eq!(active(&mut bench), after, "{kind:?}");
        assert_eq!(seen_by_vcenter(&mut bench), known, "{kind:?}");
    }
}

#[test]
fn the_failover_policy_of_a_switch_with_hosts_can_be_changed_or_is_locked() {
    for locks_policy in [false, true] {
        let mut bench = bench(DpuSpec {
            locks_policy,
            ..DpuSpec::default()
        });
        let mut change = |spec: Value| {
            let path = "/DistributedVirtualSwitch/dvs-11/ReconfigureDvs_Task";
            bench.post(EAST, path, &json!({"spec": spec}))
        };
        let policy = change(json!({
            "_typeName": "VMwareDVSConfigSpec",
            "networkOffloadConfig": {
                "_typeName": "VmwareDistributedVirtualSwitchNetworkOffloadConfig",
                "dpuFailoverPolicy": {
                    "_typeName": "VmwareDistributedVirtualSwitchDpuFailoverPolicy",
                    "activeUplink": ["uplink1", "uplink2"],
                },
            },
        }));
        if locks_policy {
            assert_eq!(fault(&policy).0, "DvsFault");
        } else {
            assert_eq!(policy.status, 200, "{}", policy.value());
        }
        let other = change(json!({"_typeName": "VMwareDVSConfigSpec", "maxMtu": 9000}));
        assert_eq!(other.status, 200, "{}", other.value());
    }
}
