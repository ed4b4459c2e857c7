//! The wire fixtures of vim, against what the simulator answers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::stage::{self, Names};
use super::{EAST, ask, bench, retrieve};
use crate::dpu::{HostTrouble, SwitchTrouble};
use crate::exchange::{Answer, Request};
use crate::host_network::tests::like;
use crate::service::Service;
use crate::testbench::{
    BASE, Bench, Fixture, Schema, Told, assert_alike, assert_spoiled_are_refused, fixtures, idle,
    is_invalid_request, lists, shapes,
};
use crate::vi_json::service;

const PRESENT: &[&str] = &[
    "dpuCapability",
    "filterSet",
    "hostUplinkState",
    "missingSet",
    "networkOffloadConfig",
    "progressDetails",
    "token",
    "truncated",
];

const TOLD: Told = Told {
    states: &["connectionState", "kind", "op"],
    present: PRESENT,
    types: &[],
};

/// What a task tells.
const TOLD_OF_TASKS: Told = Told {
    states: &["state", "cancelled"],
    present: PRESENT,
    types: &["reason"],
};

fn told(fixture: &Fixture) -> &'static Told {
    if fixture.name.starts_with("task/") || fixture.name.starts_with("task-manager/") {
        &TOLD_OF_TASKS
    } else {
        &TOLD
    }
}

/// Fixtures of operations that the simulator knows, in states that its world cannot be in, with the reason.
const NOT_PLAYED: &[(&str, &str)] = &[
    (
        "distributed-virtual-switch/get-runtime-null",
        "every switch has a runtime",
    ),
    (
        "host-network-system/add-virtual-nic-invalid-state",
        "every host has IPv6",
    ),
    (
        "host-network-system/get-available-field-null",
        "there is a custom field",
    ),
    (
        "host-network-system/query-network-hint-null",
        "every card has seen its network",
    ),
    (
        "host-network-system/update-ip-route-config-host-config-fault",
        "no host rolls a change back",
    ),
    (
        "host-network-system/update-virtual-nic-host-config-fault",
        "no host rolls a change back",
    ),
    (
        "host-network-system/get-network-info-null",
        "every host has a network",
    ),
    (
        "host-network-system/start-dpu-failover-no-permission",
        "everybody may do everything",
    ),
    (
        "distributed-virtual-switch/reconfigure-dvs-not-authorized",
        "no switch belongs to an extension",
    ),
    (
        "distributed-virtual-switch/reconfigure-dvs-operation-bulk-fault",
        "every host takes every change",
    ),
    (
        "property-collector/missing-set-partial.json",
        "everybody may read everything of a host",
    ),
    (
        "property-collector/wait-for-updates-ex-enter-leave.json",
        "one update tells of all that can happen",
    ),
    (
        "property-collector/wait-for-updates-ex-missing.json",
        "everybody may read everything",
    ),
    (
        "property-collector/wait-for-updates-ex-no-filter-set.json",
        "an update tells of a change",
    ),
    (
        "property-collector/wait-for-updates-ex-progress.json",
        "no task has a description that goes away",
    ),
    (
        "property-collector/wait-for-updates-ex-truncated-rest.json",
        "what is whole does not say so",
    ),
    (
        "service-instance/retrieve-product-components-null.json",
        "there is a component",
    ),
    (
        "service-instance/validate-migration-events.json",
        "nothing but its power state speaks against a move",
    ),
    (
        "session-manager/get-session-list-no-permission.json",
        "everybody may do everything",
    ),
    (
        "session-manager/get-supported-locale-list-null.json",
        "there are locales",
    ),
    (
        "session-manager/login-extension-by-certificate-no-certificate.json",
        "an extension needs no certificate",
    ),
    (
        "session-manager/session-is-active-no-permission.json",
        "everybody may do everything",
    ),
    (
        "task/cancel-task-no-permission.json",
        "everybody may do everything",
    ),
    ("task/get-available-field-null.json", "there is a custom field"),
    ("task/get-info-progress-details", "no task tells details"),
    ("task/get-info-reason-alarm.json", "people begin all tasks"),
    ("task/get-info-reason-base-type.json", "people begin all tasks"),
    ("task/get-info-reason-schedule.json", "people begin all tasks"),
    ("task/get-info-reason-system.json", "people begin all tasks"),
    ("task/get-info-required-only.json", "people begin all tasks"),
    ("task/get-info-running-all-members.json", "no task tells details"),
    (
        "task/update-progress-out-of-bounds.json",
        "the nearer bound is taken, as newer servers do",
    ),
];

/// Fixtures of operations that the simulator knows, with a parameter that it does not know and says so.
const NOT_SIMULATED: &[(&str, &str)] = &[
    (
        "host-network-system/update-network-config-nothing-added",
        "config.netStackSpec",
    ),
    (
        "property-collector/missing-set-several-faults",
        "HostSystem.hardware",
    ),
    (
        "distributed-virtual-switch/reconfigure-dvs-join-host",
        "DVSConfigSpec.host",
    ),
    (
        "property-collector/vm-properties-of-every-kind",
        "VirtualMachine.environmentBrowser",
    ),
];

/// What is wrong with the host of a fixture.
fn troubles(name: &str) -> &'static [HostTrouble] {
    if name.contains("offload-off") || name.contains("no-offload") || name.ends_with("invalid-argument.json")
    {
        &[HostTrouble::NotOffloaded]
    } else if name.contains("not-ready") {
        &[HostTrouble::StandbyDown, HostTrouble::PartialMaintenance]
    } else if name.contains("method-disabled") {
        &[HostTrouble::PartialMaintenance]
    } else if name.contains("host-not-connected") || name.contains("not-responding") {
        &[HostTrouble::Disconnected]
    } else {
        &[]
    }
}

/// What is wrong with the switch of a fixture.
fn switch_troubles(name: &str) -> &'static [SwitchTrouble] {
    if name.contains("offload-none") {
        &[SwitchTrouble::OffloadNone]
    } else if name.contains("dvs-config-no-offload-members") {
        &[SwitchTrouble::OffloadUnset, SwitchTrouble::KnowsNoDpus]
    } else {
        &[]
    }
}

/// A text of a fixture with the names of the world.
fn translated(bench: &Bench, name: &str, text: &str) -> String {
    let (user, password) = bench.credentials(EAST);
    let mut text = text
        .replace("dr-operator@example.local", &user)
        .replace("not-a-real-password", &password)
        .replace("page-token-1", "page-1");
    if name.contains("method-not-found") {
        text = text.replace(BASE, "/sdk/vim25/8.0.2.0");
    }
    // In the east there is no host of the west, so what keeps its name is not there.
    if !name.ends_with("get-runtime-not-found.json") {
        for (from, to) in [
            ("networkSystem-21", "networkSystem-11"),
            ("host-21", "host-11"),
            ("host-22", "host-12"),
            ("dvs-31", "dvs-11"),
        ] {
            text = text.replace(from, to);
        }
    }
    text
}

fn request(bench: &Bench, fixture: &Fixture, names: Option<&Names>) -> Request {
    let ours = |text: &str| {
        let text = translated(bench, &fixture.name, text);
        names.map_or(text.clone(), |names| names.translated(&text))
    };
    let mut request = fixture.request();
    request.path = ours(&request.path);
    request.body = ours(std::str::from_utf8(&request.body).unwrap()).into();
    if fixture.name.starts_with("session-manager/login-by-token") && !fixture.name.contains("invalid") {
        let (_, password) = bench.credentials(EAST);
        request = request.header("authorization", &format!("Bearer {password}"));
    }
    let open = fixture.name.starts_with("session-manager/")
        && fixture.request["headers"]["vmware-api-session-id"].is_null();
    if open || fixture.name.contains("not-authenticated") {
        request
    } else {
        bench.with_session(EAST, request)
    }
}

/// Plays the exchange in a world that is as the fixture tells.
fn play(fixture: &Fixture) -> Answer {
    let mut bench = match fixture.name.strip_prefix("host-network-system/") {
        Some(name) => like(name),
        None => stage::bench(fixture),
    };
    for trouble in troubles(&fixture.name) {
        bench.world.hosts_mut().set_trouble("host-11", *trouble, true);
    }
    for trouble in switch_troubles(&fixture.name) {
        bench
            .world
            .hosts_mut()
            .set_switch_trouble("dvs-11", *trouble, true);
    }
    if fixture.name.contains("after-failover") {
        let path = "/HostNetworkSystem/networkSystem-11/startDpuFailover";
        let started = bench.post(EAST, path, &json!({"dvsName": "dvs-east"}));
        assert_eq!(started.status, 204);
        bench.pass(10_000);
    }
    if fixture.name.ends_with("reconfigure-dvs-concurrent-access.json") {
        let spec = json!({"_typeName": "VMwareDVSConfigSpec", "maxMtu": 1500});
        let path = "/DistributedVirtualSwitch/dvs-11/ReconfigureDvs_Task";
        assert_eq!(bench.post(EAST, path, &json!({"spec": spec})).status, 200);
        bench.pass(10_000);
    }
    if fixture.name.ends_with("continue-last-page.json") {
        let hosts = [("HostSystem", "host-11"), ("HostSystem", "host-12")];
        ask(
            &mut bench,
            &retrieve("HostSystem", &hosts, &["name"], json!({"maxObjects": 1})),
        );
    }
    let names = stage::set(&mut bench, fixture);
    let request = request(&bench, fixture, Some(&names));
    stage::send(&mut bench, fixture, &request)
}

fn says_not_simulated(answer: &Answer) -> bool {
    let text = answer.value()["faultstring"].as_str().map(str::to_owned);
    answer.status == 500
        && answer.value()["_typeName"] == "NotImplemented"
        && text.is_some_and(|text| text.starts_with("The simulator does not know "))
}

#[test]
fn every_fixture_is_routed_to_its_operation() {
    let bench = bench();
    for fixture in fixtures("models-vim") {
        let request = request(&bench, &fixture, None);
        let routed = service::ViJsonService.route(&bench.world, EAST, &request);
        assert_eq!(routed.unwrap().operation, fixture.operation, "{}", fixture.name);
    }
}

#[test]
fn every_fixture_is_answered_or_named_with_the_reason() {
    let fixtures = fixtures("models-vim");
    assert!(fixtures.len() > 200);
    assert_eq!(idle(NOT_PLAYED, &fixtures), Vec::<&str>::new());
    assert_eq!(idle(NOT_SIMULATED, &fixtures), Vec::<&str>::new());
    let mut wrong = Vec::new();
    for fixture in &fixtures {
        let operation = fixture.operation.as_str();
        // Those of vCenter HA and of virtual machines are played beside their tests.
        let elsewhere = operation.starts_with("FailoverCluster") || crate::vm::tests::plays(&fixture.name);
        if elsewhere {
            continue;
        }
        let answer = play(fixture);
        let difference = told(fixture).differs(fixture, &answer);
        let (idles, refuses) = (
            lists(NOT_PLAYED, &fixture.name),
            lists(NOT_SIMULATED, &fixture.name),
        );
        if says_not_simulated(&answer) != refuses {
            wrong.push(format!("{}: {}", fixture.name, answer.value()));
        } else if idles && difference.is_none() {
            wrong.push(format!("{} is played after all", fixture.name));
        } else if !idles && !refuses {
            wrong.extend(difference);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_answer_has_the_shape_of_the_schema_and_of_the_fixtures() {
    let schema = Schema::read("vi-json/vi-json.json");
    let mut wanted = BTreeMap::new();
    let mut given = BTreeMap::new();
    for fixture in &fixtures("models-vim") {
        shapes(&fixture.response["body"], &mut wanted);
        let value: Value = play(fixture).value();
        schema.check("", &value);
        shapes(&value, &mut given);
    }
    assert_alike(
        &given,
        &wanted,
        &[
            "HostProxySwitch.hostUplinkState",
            "DpuStatusInfo.status",
            "VMwareDVSConfigInfo.networkOffloadConfig",
        ],
    );
}

#[test]
fn what_cannot_be_read_is_refused_in_every_operation() {
    let mut fixtures = fixtures("models-vim");
    fixtures.retain(|fixture| {
        let elsewhere =
            fixture.operation.starts_with("FailoverCluster") || crate::vm::tests::plays(&fixture.name);
        !elsewhere && !lists(NOT_PLAYED, &fixture.name) && !lists(NOT_SIMULATED, &fixture.name)
    });
    let taken = ["nobodyKnowsThis", "reason"].map(|name| format!("set-task-state-error.json/fault/{name}"));
    let taken = taken
        .each_ref()
        .map(|end| (end.as_str(), "the type tables have no faults"));
    assert_spoiled_are_refused(&fixtures, &taken, is_invalid_request, play);
}
