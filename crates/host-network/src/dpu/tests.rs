use std::path::Path;

use farside_models_vim::{PhysicalNic, RetrieveResult};
use farside_vim::ObjectProperties;
use farside_wire::ManagedObjectReference;
use serde_json::{Value, json};

use super::*;

const A: &str = "d0000000-1111-4222-8333-00000000a001";
const B: &str = "d0000000-1111-4222-8333-00000000b002";

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../models-vim/tests/fixtures/property-collector")
        .join(format!("{name}.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn properties(fixture: &Value) -> ObjectProperties {
    let body = fixture["response"]["body"].to_string();
    let result: RetrieveResult = serde_json::from_str(&body).unwrap();
    result.objects.into_iter().next().unwrap().into()
}

/// The host of a fixture; one that shows no network cards has those of the first.
fn host(name: &str) -> Host {
    changed(name, |_| {})
}

fn changed(name: &str, change: impl FnOnce(&mut Value)) -> Host {
    let mut fixture = fixture(name);
    change(&mut fixture["response"]["body"]);
    let properties = properties(&fixture);
    let nics: Option<Vec<PhysicalNic>> = properties.get("config.network.pnic").unwrap();
    let usual = || {
        let ready = self::properties(&self::fixture("host-dpu-ready"));
        ready.get("config.network.pnic").unwrap().unwrap()
    };
    Host {
        id: "host-21".to_owned(),
        name: None,
        network_system: ManagedObjectReference::new("HostNetworkSystem", "networkSystem-21"),
        connection: properties.get("runtime.connectionState").unwrap(),
        power: Some("poweredOn".to_owned()),
        in_maintenance: Some(false),
        interfaces: Vec::new(),
        dpu_health: Vec::new(),
        partial_maintenance: properties
            .get("runtime.partialMaintenanceMode")
            .unwrap()
            .unwrap_or_default(),
        switches: properties.get("config.network.proxySwitch").unwrap().unwrap(),
        nics: nics.unwrap_or_else(usual),
    }
}

/// Sets the states of the uplinks of the first switch.
fn uplinks(body: &mut Value, states: &[(&str, &str)]) {
    let set = body["objects"][0]["propSet"].as_array_mut().unwrap();
    let switches = set
        .iter_mut()
        .find(|one| one["name"] == "config.network.proxySwitch")
        .unwrap();
    let states = states.iter().map(|(name, state)| {
        json!({"_typeName": "DistributedVirtualSwitchHostMemberHostUplinkState", "uplinkName": name, "state": state})
    });
    switches["val"]["_value"][0]["hostUplinkState"] = states.collect();
}

fn dpus(host: &Host) -> SwitchDpus {
    SwitchDpus::of(switch_named(host, "dvs-east").unwrap(), &host.nics)
}

fn of(name: &str) -> (Option<String>, Vec<String>) {
    let dpus = dpus(&host(name));
    let text = |dpu: DpuId| dpu.as_str().to_owned();
    (
        dpus.active().map(text),
        dpus.standby().into_iter().map(text).collect(),
    )
}

fn against(host: &Host, wanted: Option<&str>) -> Vec<&'static str> {
    let wanted = wanted.map(DpuId::new);
    let found = obstacles(host, &dpus(host), wanted.as_ref());
    found.into_iter().map(|obstacle| obstacle.what).collect()
}

#[test]
fn the_dpu_behind_the_active_uplinks_works_and_the_other_stands_by() {
    assert_eq!(of("host-dpu-ready"), (Some(A.to_owned()), vec![B.to_owned()]));
    assert_eq!(
        of("host-dpu-after-failover"),
        (Some(B.to_owned()), vec![A.to_owned()])
    );
}

#[test]
fn each_uplink_leads_to_its_card() {
    let dpus = dpus(&host("host-dpu-ready"));
    let cards: Vec<_> = dpus
        .uplinks
        .iter()
        .map(|uplink| (uplink.name.as_str(), uplink.nic.as_deref()))
        .collect();
    let expected = [
        ("uplink1", Some("vmnic4")),
        ("uplink2", Some("vmnic5")),
        ("uplink3", Some("vmnic6")),
        ("uplink4", Some("vmnic7")),
    ];
    assert_eq!(cards, expected);
    assert!(dpus.offloaded && dpus.uplinks.iter().all(|uplink| uplink.link_up));
}

#[test]
fn missing_uplink_states_do_not_mean_active() {
    let host = host("host-dpu-offload-off");
    let dpus = dpus(&host);
    assert_eq!(
        (dpus.active(), dpus.standby().len(), dpus.offloaded),
        (None, 0, false)
    );
    assert_eq!(
        against(&host, None),
        ["network offload of the switch on this host"]
    );
    let silent = changed("host-dpu-ready", |body| uplinks(body, &[]));
    assert_eq!(against(&silent, None), ["states of the uplinks"]);
}

#[test]
fn nothing_is_in_the_way_of_a_ready_host() {
    let host = host("host-dpu-ready");
    assert_eq!(against(&host, None), Vec::<&str>::new());
    assert_eq!(against(&host, Some(B)), Vec::<&str>::new());
}

#[test]
fn a_dpu_that_does_not_stand_by_cannot_be_wanted() {
    let host = host("host-dpu-ready");
    assert_eq!(against(&host, Some(A)), ["wanted DPU"]);
    assert_eq!(
        against(&host, Some("vmdpu1")),
        ["wanted DPU"],
        "an alias is not an id"
    );
}

#[test]
fn maintenance_and_a_missing_link_are_both_told() {
    let found = against(&host("host-dpu-not-ready"), None);
    assert_eq!(found, ["partial maintenance mode", "link of the standby DPU"]);
}

#[test]
fn a_host_that_vcenter_has_lost_is_told() {
    let mut host = host("host-dpu-ready");
    host.connection = Some("notResponding".to_owned());
    assert_eq!(against(&host, None), ["connection of the host"]);
}

#[test]
fn active_uplinks_on_two_dpus_are_a_broken_policy() {
    let host = changed("host-dpu-ready", |body| {
        uplinks(
            body,
            &[
                ("uplink1", "active"),
                ("uplink3", "active"),
                ("uplink4", "standby"),
            ],
        );
    });
    assert_eq!(dpus(&host).active(), None);
    assert_eq!(against(&host, None), ["active DPU"]);
}

#[test]
fn without_standby_uplinks_there_is_nothing_to_move_to() {
    let host = changed("host-dpu-ready", |body| {
        uplinks(body, &[("uplink1", "active"), ("uplink2", "active")])
    });
    assert_eq!(against(&host, None), ["standby DPU"]);
}

#[test]
fn an_unknown_state_and_an_unknown_uplink_are_neither_active_nor_standby() {
    let host = changed("host-dpu-ready", |body| {
        uplinks(
            body,
            &[
                ("uplink1", "active"),
                ("uplink3", "inventedState"),
                ("uplink9", "standby"),
            ],
        );
    });
    let dpus = dpus(&host);
    assert_eq!((dpus.active(), dpus.standby().len()), (Some(DpuId::new(A)), 0));
    assert_eq!(
        dpus.uplinks[1].state,
        UplinkState::Other("inventedState".to_owned())
    );
    assert_eq!(
        (dpus.uplinks[2].nic.as_deref(), dpus.uplinks[2].dpu.as_ref()),
        (None, None)
    );
    assert!(
        dpus.describe().contains("uplink9 standby on no DPU"),
        "{}",
        dpus.describe()
    );
}

#[test]
fn the_uplinks_are_described_by_state_and_dpu() {
    let words = format!("uplink1 and uplink2 active on DPU {A}, uplink3 and uplink4 standby on DPU {B}");
    assert_eq!(dpus(&host("host-dpu-ready")).describe(), words);
    assert_eq!(
        dpus(&host("host-dpu-offload-off")).describe(),
        "the host tells no uplink states"
    );
}

#[test]
fn a_standby_dpu_that_is_red_is_told_and_one_of_which_nothing_is_said_is_not() {
    let health = |key: &str| {
        let text = format!(
            r#"{{"_typeName": "DpuStatusInfo", "name": "DPU 1", "dpuId": "{B}", "status": {{
                "_typeName": "ElementDescription", "label": "DPU", "summary": "DPU", "key": "{key}"}}}}"#
        );
        vec![farside_wire::decode_str::<farside_models_vim::DpuStatusInfo>(&text).unwrap()]
    };
    let mut host = host("host-dpu-ready");
    for (key, expected) in [
        ("Red", vec!["health of the standby DPU"]),
        ("Green", vec![]),
        ("Unknown", vec![]),
    ] {
        host.dpu_health = health(key);
        assert_eq!(against(&host, None), expected, "{key}");
    }
}
