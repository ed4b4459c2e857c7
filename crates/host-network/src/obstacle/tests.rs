use serde_json::{Value, json};

use super::*;
use crate::fixtures::{A, B, changed, dpus, health, hide, host, set, switch, uplinks, value};

const DPU_HEALTH: &str = "runtime.healthSystemRuntime.hardwareStatusInfo.dpuStatusInfo";
const FEATURES: &str = "capability.featuresSupported";

fn ready() -> DistributedSwitch {
    switch("dvs-config-offload", |_| {})
}

/// What is in the way for certain, of the two that are told.
fn sorted(found: Vec<Obstacle>) -> (Vec<&'static str>, Vec<&'static str>) {
    let of = |certainty| {
        let found = found
            .iter()
            .filter(move |obstacle| obstacle.certainty == certainty);
        found.map(|obstacle| obstacle.what).collect()
    };
    (of(Certainty::Certain), of(Certainty::Unknown))
}

fn told(host: &Host, switch: &DistributedSwitch) -> (Vec<&'static str>, Vec<&'static str>) {
    sorted(obstacles(host, &dpus(host), switch, None))
}

fn against(host: &Host, wanted: Option<&str>) -> Vec<&'static str> {
    let wanted = wanted.map(DpuId::new);
    let (certain, unknown) = sorted(obstacles(host, &dpus(host), &ready(), wanted.as_ref()));
    assert_eq!(unknown, Vec::<&str>::new());
    certain
}

fn against_switch(name: &str, change: impl FnOnce(&mut Value)) -> Vec<&'static str> {
    let (certain, unknown) = told(&host("host-dpu-ready"), &switch(name, change));
    assert_eq!(unknown, Vec::<&str>::new());
    certain
}

fn unknown(host: &Host, switch: &DistributedSwitch) -> Vec<&'static str> {
    let (certain, unknown) = told(host, switch);
    assert_eq!(certain, Vec::<&str>::new());
    unknown
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
    host.connection = Told::Value("notResponding".to_owned());
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
fn nothing_is_planned_where_no_active_dpu_is_seen() {
    let host = changed("host-dpu-ready", |body| uplinks(body, &[("uplink3", "standby")]));
    assert_eq!(dpus(&host).active(), None);
    assert_eq!(unknown(&host, &ready()), ["active DPU"]);
    let found = crate::failover::DpuFailover::plan(&host, &ready(), None).unwrap_err();
    assert_eq!(sorted(found).1, ["active DPU"]);
}

#[test]
fn without_standby_uplinks_there_is_nothing_to_move_to() {
    let host = changed("host-dpu-ready", |body| {
        uplinks(body, &[("uplink1", "active"), ("uplink2", "active")])
    });
    assert_eq!(against(&host, None), ["standby DPU"]);
}

#[test]
fn a_standby_dpu_that_is_red_is_in_the_way_and_one_of_which_nothing_is_said_may_be() {
    let with = |states: &[(&str, &str)]| {
        changed("host-dpu-ready", |body| {
            set(body, DPU_HEALTH, Some(health(states)))
        })
    };
    let what = "health of the standby DPU";
    assert_eq!(against(&with(&[(B, "Red")]), None), [what]);
    assert_eq!(
        against(&with(&[(A, "Red"), (B, "green")]), None),
        Vec::<&str>::new()
    );
    for states in [&[(B, "Unknown")][..], &[(B, "Yellow")], &[(A, "Green")]] {
        assert_eq!(unknown(&with(states), &ready()), [what], "{states:?}");
    }
    let silent = changed("host-dpu-ready", |body| set(body, DPU_HEALTH, None));
    assert_eq!(unknown(&silent, &ready()), [what]);
}

#[test]
fn what_may_not_be_read_of_a_host_is_unknown() {
    for (path, what) in [
        ("runtime.connectionState", "connection of the host"),
        ("runtime.powerState", "power of the host"),
        ("runtime.partialMaintenanceMode", "partial maintenance mode"),
        (DPU_HEALTH, "health of the standby DPU"),
    ] {
        let host = changed("host-dpu-ready", |body| hide(body, path));
        let found = obstacles(&host, &dpus(&host), &ready(), None);
        assert_eq!(unknown(&host, &ready()), [what], "{path}");
        assert!(found[0].seen.contains("NoPermission"), "{found:?}");
    }
    for path in ["runtime.connectionState", "runtime.powerState"] {
        let host = changed("host-dpu-ready", |body| set(body, path, None));
        assert_eq!(unknown(&host, &ready()).len(), 1, "{path}");
    }
}

#[test]
fn an_earlier_release_is_told_and_its_switch_is_not_judged() {
    let mut host = host("host-dpu-ready");
    host.release = "8.0.2.0".to_owned();
    let hidden = DistributedSwitch::hidden("dvs-east", "for a test");
    assert_eq!(told(&host, &hidden), (vec!["release of VI JSON"], vec![]));
    host.release = "unreleased".to_owned();
    assert_eq!(unknown(&host, &ready()), ["release of VI JSON"]);
}

#[test]
fn what_the_version_of_the_switch_cannot_do_is_told() {
    let what = "what the version of the switch can do";
    let with = |capability: Value| {
        against_switch("dvs-config-offload", |body| {
            value(body, FEATURES)["dpuCapability"] = capability;
        })
    };
    let capability = |more: Value| {
        let mut capability = json!({"_typeName": "VMwareDvsDpuCapability"});
        capability
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        capability
    };
    assert_eq!(with(capability(json!({}))), [what]);
    assert_eq!(with(capability(json!({"networkOffloadSupported": true}))), [what]);
    assert_eq!(
        with(capability(json!({"activeStandbyModeSupported": true}))),
        [what]
    );
    assert_eq!(
        with(capability(
            json!({"networkOffloadSupported": true, "activeStandbyModeSupported": false})
        )),
        [what]
    );
    let without = against_switch("dvs-config-offload", |body| {
        value(body, FEATURES)
            .as_object_mut()
            .unwrap()
            .remove("dpuCapability");
    });
    assert_eq!(without, [what]);
}

#[test]
fn since_9_1_the_version_of_the_switch_alone_says_neither_yes_nor_no() {
    let what = "what the version of the switch can do";
    let mut host = host("host-dpu-ready");
    host.release = "9.1.0.0".to_owned();
    assert_eq!(unknown(&host, &ready()), [what]);
    let unable = switch("dvs-config-offload", |body| {
        value(body, FEATURES)["dpuCapability"]["networkOffloadSupported"] = json!(false);
    });
    assert_eq!(unknown(&host, &unable), [what]);
}

#[test]
fn a_switch_that_is_not_offloaded_is_told_whether_unset_or_none() {
    let what = "network offload of the switch";
    let none = |body: &mut Value| value(body, "config")["networkOffloadSpecId"] = json!("None");
    assert_eq!(against_switch("dvs-config-offload", none), [what]);
    let unset = |body: &mut Value| {
        let config = value(body, "config").as_object_mut().unwrap();
        config.remove("networkOffloadSpecId");
    };
    assert_eq!(against_switch("dvs-config-offload", unset), [what]);
}

#[test]
fn a_failover_policy_without_standby_uplinks_is_told_and_none_at_all_too() {
    let what = "failover policy of the switch";
    let offload = "networkOffloadConfig";
    let empty = |body: &mut Value| {
        value(body, "config")[offload]["dpuFailoverPolicy"]["standbyUplink"] = json!([]);
    };
    assert_eq!(against_switch("dvs-config-offload", empty), [what]);
    let none = |body: &mut Value| {
        let config = value(body, "config")[offload].as_object_mut().unwrap();
        config.remove("dpuFailoverPolicy");
    };
    assert_eq!(against_switch("dvs-config-offload", none), [what]);
    let bare = |body: &mut Value| {
        value(body, "config").as_object_mut().unwrap().remove(offload);
    };
    assert_eq!(against_switch("dvs-config-offload", bare), [what]);
}

#[test]
fn what_may_not_be_read_of_a_switch_is_unknown() {
    let host = host("host-dpu-ready");
    let of_config = ["network offload of the switch", "failover policy of the switch"];
    let of_version = ["what the version of the switch can do"];
    let all = [of_version[0], of_config[0], of_config[1]];
    let with = |change: &dyn Fn(&mut Value)| unknown(&host, &switch("dvs-config-offload", change));
    assert_eq!(with(&|body| hide(body, "config")), of_config);
    assert_eq!(with(&|body| hide(body, FEATURES)), of_version);
    assert_eq!(with(&|body| set(body, "config", None)), of_config);
    let plain = |body: &mut Value| {
        *value(body, "config") = json!({"_typeName": "DVSConfigInfo"});
        *value(body, FEATURES) = json!({"_typeName": "DVSFeatureCapability"});
    };
    assert_eq!(with(&plain), all, "another type does not have the members");
    let broken = |body: &mut Value| value(body, "config")["networkOffloadSpecId"] = json!({"x": 1});
    assert_eq!(with(&broken), of_config);
    assert_eq!(unknown(&host, &DistributedSwitch::hidden("dvs-east", "x")), all);
}

#[test]
fn each_obstacle_says_where_it_was_read_and_why_it_matters() {
    let host = host("host-dpu-not-ready");
    let hidden = DistributedSwitch::hidden("dvs-east", "no right to it");
    let found = obstacles(&host, &dpus(&host), &hidden, None);
    assert!(found.len() >= 4);
    for obstacle in found {
        assert!(!obstacle.source.read.is_empty() && !obstacle.source.document.is_empty());
        assert!(!obstacle.advice.is_empty());
    }
}
