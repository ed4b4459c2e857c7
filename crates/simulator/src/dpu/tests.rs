mod readings;

use serde_json::{Value, json};

use super::{DpuSpec, HostTrouble, SwitchTrouble, TroubledHost, link, view};
use crate::exchange::Answer;
use crate::fault::{FaultAction, FaultRule};
use crate::spec::WorldSpec;
use crate::testbench::Bench;

const EAST: &str = "vc-east";
const OPERATION: &str = "HostNetworkSystem_startDpuFailover";

fn bench(dpu: DpuSpec) -> Bench {
    Bench::new(&WorldSpec::pair(4).groups(0).replications(0).dpu(dpu))
}

fn start(bench: &mut Bench, body: &Value) -> Answer {
    bench.post(EAST, "/HostNetworkSystem/networkSystem-11/startDpuFailover", body)
}

fn active(bench: &mut Bench) -> Vec<String> {
    let info = bench
        .get(EAST, "/HostNetworkSystem/networkSystem-11/networkInfo")
        .value();
    let states = info["proxySwitch"][0]["hostUplinkState"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let active = states.iter().filter(|state| state["state"] == "active");
    active
        .map(|state| state["uplinkName"].as_str().unwrap().to_owned())
        .collect()
}

fn seen_by_vcenter(bench: &mut Bench) -> String {
    let runtime = bench
        .get(EAST, "/DistributedVirtualSwitch/dvs-11/runtime")
        .value();
    runtime["hostMemberRuntime"][0]["hostUplinkState"][0]["uplinkName"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn fault(answer: &Answer) -> (String, Value) {
    assert_eq!(answer.status, 500, "{}", answer.value());
    (
        answer.value()["_typeName"].as_str().unwrap().to_owned(),
        answer.value()["invalidProperty"].clone(),
    )
}

#[test]
fn a_move_is_taken_at_once_and_happens_later() {
    let mut bench = bench(DpuSpec::default());
    assert_eq!(active(&mut bench), ["uplink1", "uplink2"]);
    let answer = start(&mut bench, &json!({"dvsName": "dvs-east"}));
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(active(&mut bench), ["uplink1", "uplink2"]);
    let calls = bench.calls(OPERATION, "dpu/host-11/dvs-east");
    assert_eq!((calls.accepted, calls.effects), (1, 0));
    bench.pass(2_500);
    assert_eq!(active(&mut bench), ["uplink3", "uplink4"]);
    bench.pass(700);
    assert_eq!(seen_by_vcenter(&mut bench), "uplink3");
    assert_eq!(bench.calls(OPERATION, "dpu/host-11/dvs-east").effects, 1);
}

#[test]
fn vcenter_learns_of_a_move_later_or_when_it_refreshes() {
    let mut bench = bench(DpuSpec::default());
    start(&mut bench, &json!({"dvsName": "dvs-east"}));
    while active(&mut bench) == ["uplink1", "uplink2"] {
        bench.pass(50);
    }
    assert_eq!(seen_by_vcenter(&mut bench), "uplink1");
    let refresh = "/HostNetworkSystem/networkSystem-11/RefreshNetworkSystem";
    assert_eq!(bench.post(EAST, refresh, &Value::Null).status, 204);
    assert_eq!(seen_by_vcenter(&mut bench), "uplink3");
}

/// All uplinks with their states, as the host and as vCenter tell them.
fn told(bench: &mut Bench) -> [Vec<String>; 2] {
    let info = bench.get(EAST, "/HostNetworkSystem/networkSystem-11/networkInfo");
    let runtime = bench.get(EAST, "/DistributedVirtualSwitch/dvs-11/runtime");
    let told = [
        info.value()["proxySwitch"][0]["hostUplinkState"].clone(),
        runtime.value()["hostMemberRuntime"][0]["hostUplinkState"].clone(),
    ];
    told.map(|states| {
        let text = |state: &Value, name: &str| state[name].as_str().unwrap().to_owned();
        let states = states.as_array().unwrap().iter();
        let mut states: Vec<_> = states
            .map(|state| format!("{} {}", text(state, "uplinkName"), text(state, "state")))
            .collect();
        states.sort();
        states
    })
}

#[test]
fn both_places_tell_of_every_uplink_what_it_is_and_each_in_its_time() {
    let first = [
        "uplink1 active",
        "uplink2 active",
        "uplink3 standby",
        "uplink4 standby",
    ];
    let second = [
        "uplink1 standby",
        "uplink2 standby",
        "uplink3 active",
        "uplink4 active",
    ];
    let mut bench = bench(DpuSpec::default());
    assert_eq!(told(&mut bench), [first; 2]);
    start(&mut bench, &json!({"dvsName": "dvs-east"}));
    let mut between = false;
    for _ in 0..80 {
        bench.pass(50);
        let both = told(&mut bench);
        assert!(
            both == [first; 2] || both == [second, first] || both == [second; 2],
            "{both:?}"
        );
        between |= both == [second, first];
    }
    assert!(between && told(&mut bench) == [second; 2]);
}

#[test]
fn a_second_call_without_an_alias_moves_back() {
    let mut bench = bench(DpuSpec::default());
    start(&mut bench, &json!({"dvsName": "dvs-east"}));
    assert_eq!(start(&mut bench, &json!({"dvsName": "dvs-east"})).status, 204);
    bench.pass(10_000);
    assert_eq!(active(&mut bench), ["uplink1", "uplink2"]);
    let calls = bench.calls(OPERATION, "dpu/host-11/dvs-east");
    assert_eq!((calls.effects, calls.attempts_while_unsettled), (2, 1));
}

#[test]
fn a_second_call_with_the_alias_changes_nothing() {
    let mut bench = bench(DpuSpec::default());
    let body = json!({"dvsName": "dvs-east", "targetDpuAlias": "vmdpu1"});
    start(&mut bench, &body);
    start(&mut bench, &body);
    bench.pass(10_000);
    assert_eq!(active(&mut bench), ["uplink3", "uplink4"]);
    assert_eq!(bench.calls(OPERATION, "dpu/host-11/dvs-east").effects, 1);
    assert_eq!(fault(&start(&mut bench, &body)).0, "InvalidArgument");
}

#[test]
fn in_the_other_reading_only_the_configured_move_can_be_started() {
    let mut bench = bench(DpuSpec {
        toggles: false,
        ..DpuSpec::default()
    });
    start(&mut bench, &json!({"dvsName": "dvs-east"}));
    start(&mut bench, &json!({"dvsName": "dvs-east"}));
    bench.pass(10_000);
    assert_eq!(active(&mut bench), ["uplink3", "uplink4"]);
    assert_eq!(
        fault(&start(&mut bench, &json!({"dvsName": "dvs-east"}))).0,
        "InvalidArgument"
    );
    assert_eq!(bench.calls(OPERATION, "dpu/host-11/dvs-east").effects, 1);
}

#[test]
fn in_the_other_reading_a_move_has_ended_when_the_call_is_answered() {
    let mut bench = bench(DpuSpec {
        moves_at_once: true,
        ..DpuSpec::default()
    });
    for uplinks in [["uplink3", "uplink4"], ["uplink1", "uplink2"]] {
        assert_eq!(start(&mut bench, &json!({"dvsName": "dvs-east"})).status, 204);
        assert_eq!(active(&mut bench), uplinks);
    }
    assert_eq!(bench.calls(OPERATION, "dpu/host-11/dvs-east").effects, 2);
}

#[test]
fn each_refusal_has_its_fault_and_nothing_moves() {
    let body = json!({"dvsName": "dvs-east"});
    let troubles = [
        (HostTrouble::NotOffloaded, "InvalidArgument", json!("dvsName")),
        (HostTrouble::StandbyDown, "InvalidArgument", Value::Null),
        (HostTrouble::PartialMaintenance, "MethodDisabled", Value::Null),
        (HostTrouble::Disconnected, "HostNotConnected", Value::Null),
    ];
    for (trouble, expected, property) in troubles {
        let troubled = TroubledHost {
            host: "host-11".to_owned(),
            trouble,
        };
        let mut bench = bench(DpuSpec {
            troubles: vec![troubled],
            ..DpuSpec::default()
        });
        assert_eq!(
            fault(&start(&mut bench, &body)),
            (expected.to_owned(), property),
            "{trouble:?}"
        );
        bench.pass(10_000);
        assert_eq!(
            bench.world.hosts().host("host-11").map(|host| host.moved),
            Some(0)
        );
        assert_eq!(bench.calls(OPERATION, "dpu/host-11/dvs-east").refused, 1);
        assert!(bench.world.hosts_mut().set_trouble("host-11", trouble, false));
        assert_eq!(start(&mut bench, &body).status, 204);
    }
    let mut bench = bench(DpuSpec::default());
    assert_eq!(
        fault(&start(&mut bench, &json!({"dvsName": "dvs-west"}))).0,
        "InvalidArgument"
    );
    // The one that is active, and one that there is not.
    for alias in ["vmdpu0", "vmdpu9"] {
        let body = json!({"dvsName": "dvs-east", "targetDpuAlias": alias});
        let refused = fault(&start(&mut bench, &body));
        let wanted = ("InvalidArgument".to_owned(), json!("targetDpuAlias"));
        assert_eq!(refused, wanted, "{alias}");
    }
    assert_eq!(
        fault(&start(&mut bench, &json!({"dvsName": 1}))).0,
        "InvalidRequest"
    );
    assert_eq!(fault(&start(&mut bench, &json!({}))).0, "InvalidArgument");
}

#[test]
fn an_older_release_does_not_know_the_call() {
    let mut bench = bench(DpuSpec::default());
    let path = "/sdk/vim25/8.0.2.0/HostNetworkSystem/networkSystem-11/startDpuFailover";
    let request =
        crate::exchange::Request::new(http::Method::POST, path).json(&json!({"dvsName": "dvs-east"}));
    let request = bench.with_session(EAST, request);
    let answer = bench.send(EAST, &request);
    assert_eq!(fault(&answer).0, "MethodNotFound");
    assert_eq!(answer.value()["method"], "startDpuFailover");
}

#[test]
fn a_switch_stays_where_it_went_to_or_goes_back_to_the_link_that_is_there_again() {
    for moves_back in [false, true] {
        let spec = DpuSpec {
            moves_back,
            ..DpuSpec::default()
        };
        let mut bench = bench(spec.clone());
        let both = |bench: &mut Bench, up: bool| {
            for card in ["vmnic4", "vmnic5"] {
                link::set_link(&mut bench.world, "host-11", card, up);
            }
            bench.pass(10_000);
        };
        both(&mut bench, false);
        assert_eq!(active(&mut bench), ["uplink3", "uplink4"]);
        both(&mut bench, true);
        let first = ["uplink1", "uplink2"];
        assert_eq!(active(&mut bench) == first, moves_back);

        // Who was sent there does not go back by itself.
        let mut bench = self::bench(spec);
        start(&mut bench, &json!({"dvsName": "dvs-east"}));
        bench.pass(10_000);
        flap(&mut bench, "vmnic4", 1_000, 1_000);
        bench.pass(10_000);
        assert_eq!(active(&mut bench), ["uplink3", "uplink4"]);
    }
}

#[test]
fn an_offload_that_was_turned_off_is_none_or_not_set() {
    for unset in [false, true] {
        let dpu = DpuSpec {
            offload_off_is_unset: unset,
            ..DpuSpec::default()
        };
        let mut world = WorldSpec::pair(4).groups(0).replications(0).dpu(dpu).build();
        let hosts = world.hosts_mut();
        assert!(hosts.set_switch_trouble("dvs-11", SwitchTrouble::OffloadNone, true));
        let config = view::property(&world, EAST, "dvs-11", "config").unwrap();
        let told = (!unset).then_some("None");
        assert_eq!(config.get("networkOffloadSpecId").and_then(Value::as_str), told);
        assert!(config.get("networkOffloadConfig").is_none());
    }
}

#[test]
fn an_older_vcenter_shows_nothing_of_what_came_with_the_failover() {
    let members = [
        "hostUplinkState",
        "networkOffloadConfig",
        "activeStandbyModeSupported",
        "partialMaintenanceMode",
    ];
    let shown = |releases: &[&str]| {
        let world = WorldSpec::pair(4)
            .groups(0)
            .replications(0)
            .releases(releases)
            .build();
        let of = |mo_id, name| view::property(&world, EAST, mo_id, name).unwrap().to_string();
        let told = [
            of("networkSystem-11", "networkInfo"),
            of("host-11", "config") + &of("host-11", "runtime") + &of("host-11", "summary"),
            of("dvs-11", "config"),
            of("dvs-11", "capability"),
            of("dvs-11", "runtime"),
        ];
        assert!(
            told[0].contains(r#""networkOffloadingEnabled":true"#),
            "{}",
            told[0]
        );
        assert!(told[2].contains("sim-dpu-offload-1") && told[3].contains("networkOffloadSupported"));
        members.map(|member| told.iter().any(|told| told.contains(member)))
    };
    assert_eq!(shown(&["8.0.2.0", "8.0.1.0"]), [false; 4]);
    assert_eq!(shown(&["9.1.0.0", "8.0.2.0"]), [true; 4]);
}

#[test]
fn the_active_uplinks_lead_to_one_dpu_and_the_standby_ones_to_the_other() {
    let mut bench = bench(DpuSpec::default());
    let info = bench
        .get(EAST, "/HostNetworkSystem/networkSystem-11/networkInfo")
        .value();
    let proxy = &info["proxySwitch"][0];
    let find = |list: &Value, member: &str, wanted: &Value| {
        list.as_array()
            .unwrap()
            .iter()
            .find(|item| item[member] == *wanted)
            .unwrap()
            .clone()
    };
    let dpu_of = |uplink: &Value| {
        let port = find(&proxy["uplinkPort"], "value", uplink)["key"].clone();
        let card = find(&proxy["spec"]["backing"]["pnicSpec"], "uplinkPortKey", &port)["pnicDevice"].clone();
        find(&info["pnic"], "device", &card)["dpuId"].clone()
    };
    let uplinks = proxy["hostUplinkState"].as_array().unwrap();
    let dpus: Vec<Value> = uplinks.iter().map(|state| dpu_of(&state["uplinkName"])).collect();
    assert_eq!((&dpus[0], &dpus[2]), (&dpus[1], &dpus[3]));
    assert_ne!(dpus[0], dpus[2]);
    assert_eq!(info["pnic"][0].get("dpuId"), None);
}

/// Cards of the host whose links are down, as the host shows them.
fn linkless(bench: &mut Bench) -> Vec<String> {
    let path = "/HostNetworkSystem/networkSystem-11/networkInfo";
    let cards = bench.get(EAST, path).value()["pnic"].clone();
    let cards = cards.as_array().cloned().unwrap_or_default();
    let down = cards.iter().filter(|card| card["linkSpeed"].is_null());
    down.map(|card| card["device"].as_str().unwrap().to_owned())
        .collect()
}

fn flap(bench: &mut Bench, card: &str, down_ms: u32, up_ms: u32) -> u32 {
    let flap = FaultAction::FlapLink {
        host: "host-11".to_owned(),
        card: card.to_owned(),
        down_ms,
        up_ms,
    };
    bench.world.add_fault(FaultRule::any(flap)).unwrap()
}

#[test]
fn a_link_that_flaps_is_down_and_up_in_turn_and_up_in_the_end() {
    let mut bench = bench(DpuSpec::default());
    let rule = flap(&mut bench, "vmnic6", 300, 700);
    for round in 0..3 {
        assert_eq!(linkless(&mut bench), ["vmnic6"], "{round}");
        bench.pass(299);
        assert_eq!(linkless(&mut bench), ["vmnic6"], "{round}");
        bench.pass(1);
        assert_eq!(linkless(&mut bench), Vec::<String>::new(), "{round}");
        bench.pass(700);
    }
    assert_eq!(linkless(&mut bench), ["vmnic6"]);
    bench.world.remove_fault(rule);
    assert_eq!(linkless(&mut bench), Vec::<String>::new());
    bench.pass(10_000);
    assert_eq!(linkless(&mut bench), Vec::<String>::new());
}

#[test]
fn no_move_goes_to_a_dpu_whose_links_are_all_down() {
    let mut bench = bench(DpuSpec::default());
    let body = json!({"dvsName": "dvs-east"});
    flap(&mut bench, "vmnic6", 1_000, 0);
    let second = flap(&mut bench, "vmnic7", 1_000, 1_000);
    let answer = start(&mut bench, &body);
    assert_eq!(fault(&answer).0, "InvalidArgument");
    let message = answer.value()["faultMessage"][0]["message"].clone();
    assert_eq!(message, "The links of the standby DPU are down.");
    // One link is enough.
    bench.pass(1_000);
    assert_eq!(start(&mut bench, &body).status, 204);
    bench.world.remove_fault(second);
}

#[test]
fn a_switch_leaves_a_dpu_that_has_lost_all_its_links_if_the_other_one_has_one() {
    let mut bench = bench(DpuSpec::default());
    flap(&mut bench, "vmnic4", 60_000, 0);
    bench.pass(10_000);
    assert_eq!(active(&mut bench), ["uplink1", "uplink2"]);
    flap(&mut bench, "vmnic5", 60_000, 0);
    bench.pass(2_500);
    assert_eq!(active(&mut bench), ["uplink3", "uplink4"]);
    bench.pass(700);
    assert_eq!(seen_by_vcenter(&mut bench), "uplink3");
}

#[test]
fn a_link_that_is_back_in_time_moves_nothing() {
    let mut bench = bench(DpuSpec::default());
    flap(&mut bench, "vmnic4", 60_000, 0);
    flap(&mut bench, "vmnic5", 500, 60_000);
    bench.pass(10_000);
    assert_eq!(active(&mut bench), ["uplink1", "uplink2"]);
}

#[test]
fn a_path_into_a_member_of_a_subtype_is_refused_or_followed() {
    for walks in [false, true] {
        let mut bench = bench(DpuSpec {
            paths_into_subtypes: walks,
            ..DpuSpec::default()
        });
        let body = json!({
            "specSet": [{
                "_typeName": "PropertyFilterSpec",
                "propSet": [{
                    "_typeName": "PropertySpec",
                    "type": "DistributedVirtualSwitch",
                    "pathSet": ["config.networkOffloadSpecId"],
                }],
                "objectSet": [{
                    "_typeName": "ObjectSpec",
                    "obj": crate::vi_json::value::reference("VmwareDistributedVirtualSwitch", "dvs-11"),
                }],
            }],
            "options": {"_typeName": "RetrieveOptions"},
        });
        let path = "/PropertyCollector/propertyCollector/RetrievePropertiesEx";
        let answer = bench.post(EAST, path, &body);
        if walks {
            let set = &answer.value()["objects"][0]["propSet"][0];
            assert_eq!(set["name"], "config.networkOffloadSpecId");
            assert_eq!(set["val"]["_typeName"], "string");
        } else {
            let value = answer.value();
            assert_eq!(
                (answer.status, &value["_typeName"], &value["name"]),
                (
                    500,
                    &json!("InvalidProperty"),
                    &json!("config.networkOffloadSpecId")
                )
            );
        }
    }
}
