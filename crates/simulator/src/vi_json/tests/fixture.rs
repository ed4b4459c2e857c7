//! The wire fixtures of vim, against what the simulator answers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{EAST, ask, bench, retrieve};
use crate::dpu::HostTrouble;
use crate::exchange::{Answer, Request};
use crate::host_network::tests::like;
use crate::service::Service;
use crate::testbench::{BASE, Bench, Fixture, Schema, Told, fixtures, idle, lists, shapes};
use crate::vi_json::service;

const TOLD: Told = Told {
    states: &["connectionState"],
    present: &[
        "dpuCapability",
        "hostUplinkState",
        "networkOffloadConfig",
        "token",
    ],
    types: &[],
};

/// Fixtures of operations that the simulator knows, in states that its world cannot be in, with the reason.
const NOT_PLAYED: &[(&str, &str)] = &[
    (
        "container-view/destroy-view.json",
        "its object has another id in each session",
    ),
    (
        "container-view/get-container.json",
        "its object has another id in each session",
    ),
    (
        "container-view/get-recursive.json",
        "its object has another id in each session",
    ),
    (
        "container-view/get-type-null.json",
        "its object has another id in each session",
    ),
    (
        "container-view/get-type.json",
        "its object has another id in each session",
    ),
    (
        "container-view/get-view-null.json",
        "its object has another id in each session",
    ),
    (
        "container-view/get-view.json",
        "its object has another id in each session",
    ),
    (
        "list-view/destroy-view.json",
        "its object has another id in each session",
    ),
    (
        "list-view/get-view.json",
        "its object has another id in each session",
    ),
    (
        "list-view/modify-list-view-null.json",
        "its object has another id in each session",
    ),
    (
        "list-view/modify-list-view.json",
        "its object has another id in each session",
    ),
    (
        "list-view/reset-list-view-empty.json",
        "its object has another id in each session",
    ),
    (
        "list-view/reset-list-view-from-view.json",
        "its object has another id in each session",
    ),
    (
        "list-view/reset-list-view.json",
        "its object has another id in each session",
    ),
    (
        "property-collector/cancel-wait-for-updates.json",
        "its filter and its version are not there",
    ),
    (
        "property-collector/check-for-updates-null.json",
        "its filter and its version are not there",
    ),
    (
        "property-collector/check-for-updates.json",
        "its filter and its version are not there",
    ),
    (
        "property-collector/create-filter-task.json",
        "its objects are not there",
    ),
    (
        "property-collector/destroy-property-collector.json",
        "its objects are not there",
    ),
    ("property-collector/get-filter.json", "its objects are not there"),
    (
        "property-collector/wait-for-updates-empty-body.json",
        "its filter and its version are not there",
    ),
    (
        "property-collector/wait-for-updates-ex-enter-leave.json",
        "its filter and its version are not there",
    ),
    (
        "property-collector/wait-for-updates-ex-error.json",
        "its filter and its version are not there",
    ),
    (
        "property-collector/wait-for-updates-ex-first-no-version.json",
        "its filter and its version are not there",
    ),
    (
        "property-collector/wait-for-updates-ex-first.json",
        "its filter and its version are not there",
    ),
    (
        "property-collector/wait-for-updates-ex-missing.json",
        "its filter and its version are not there",
    ),
    (
        "property-collector/wait-for-updates-ex-no-filter-set.json",
        "its filter and its version are not there",
    ),
    (
        "property-collector/wait-for-updates-ex-null.json",
        "its filter and its version are not there",
    ),
    (
        "property-collector/wait-for-updates-ex-poll.json",
        "its filter and its version are not there",
    ),
    (
        "property-collector/wait-for-updates-ex-progress.json",
        "its filter and its version are not there",
    ),
    (
        "property-collector/wait-for-updates-ex-request-canceled.json",
        "its filter and its version are not there",
    ),
    (
        "property-collector/wait-for-updates-ex-success.json",
        "its filter and its version are not there",
    ),
    (
        "property-collector/wait-for-updates-ex-truncated-rest.json",
        "its filter and its version are not there",
    ),
    (
        "property-collector/wait-for-updates-ex-truncated.json",
        "its filter and its version are not there",
    ),
    (
        "property-collector/wait-for-updates.json",
        "its filter and its version are not there",
    ),
    (
        "property-filter/destroy-property-filter.json",
        "its object has another id in each session",
    ),
    (
        "property-filter/get-partial-updates.json",
        "its object has another id in each session",
    ),
    (
        "property-filter/get-spec.json",
        "its object has another id in each session",
    ),
    (
        "search-index/find-all-by-dns-name.json",
        "its objects are not there",
    ),
    ("search-index/find-all-by-ip.json", "its objects are not there"),
    (
        "search-index/find-all-by-uuid-empty.json",
        "its objects are not there",
    ),
    ("search-index/find-all-by-uuid.json", "its objects are not there"),
    (
        "search-index/find-by-datastore-path-null.json",
        "its objects are not there",
    ),
    (
        "search-index/find-by-datastore-path.json",
        "its objects are not there",
    ),
    ("search-index/find-by-dns-name.json", "its objects are not there"),
    (
        "search-index/find-by-inventory-path.json",
        "its objects are not there",
    ),
    ("search-index/find-by-ip.json", "its objects are not there"),
    ("search-index/find-by-uuid-host.json", "its objects are not there"),
    (
        "search-index/find-by-uuid-instance.json",
        "its objects are not there",
    ),
    ("search-index/find-by-uuid.json", "its objects are not there"),
    ("search-index/find-child-null.json", "its objects are not there"),
    ("search-index/find-child.json", "its objects are not there"),
    (
        "search-index/query-invalid-argument.json",
        "it is of a newer release than the world",
    ),
    (
        "search-index/query-next.json",
        "it is of a newer release than the world",
    ),
    (
        "search-index/query.json",
        "it is of a newer release than the world",
    ),
    (
        "service-instance/query-vmotion-compatibility.json",
        "its objects are not there",
    ),
    (
        "service-instance/retrieve-product-components-null.json",
        "the world has it otherwise",
    ),
    (
        "service-instance/validate-migration-events.json",
        "its objects are not there",
    ),
    (
        "service-instance/validate-migration-invalid-power-state.json",
        "its objects are not there",
    ),
    (
        "service-instance/validate-migration-null.json",
        "its objects are not there",
    ),
    (
        "session-manager/acquire-local-ticket.json",
        "its user, ticket or token is another one",
    ),
    (
        "session-manager/clone-session.json",
        "its user, ticket or token is another one",
    ),
    (
        "session-manager/get-current-session-null.json",
        "the world has it otherwise",
    ),
    ("session-manager/get-message.json", "the world has it otherwise"),
    (
        "session-manager/get-session-list-no-permission.json",
        "everybody may do everything",
    ),
    (
        "session-manager/get-supported-locale-list-null.json",
        "the world has it otherwise",
    ),
    (
        "session-manager/impersonate-user.json",
        "its user, ticket or token is another one",
    ),
    (
        "session-manager/login-by-sspi-challenge.json",
        "its user, ticket or token is another one",
    ),
    (
        "session-manager/login-by-sspi.json",
        "its user, ticket or token is another one",
    ),
    (
        "session-manager/login-by-token-empty-body.json",
        "its user, ticket or token is another one",
    ),
    (
        "session-manager/login-by-token.json",
        "its user, ticket or token is another one",
    ),
    (
        "session-manager/login-extension-by-certificate-no-certificate.json",
        "its user, ticket or token is another one",
    ),
    (
        "session-manager/login-extension-by-certificate.json",
        "its user, ticket or token is another one",
    ),
    (
        "session-manager/login-extension-by-subject-name.json",
        "its user, ticket or token is another one",
    ),
    (
        "session-manager/session-is-active-no-permission.json",
        "everybody may do everything",
    ),
    (
        "session-manager/terminate-session.json",
        "its user, ticket or token is another one",
    ),
    (
        "task-manager/create-collector-for-tasks-invalid-state.json",
        "it takes 32 collectors",
    ),
    (
        "task-manager/create-task-required-only.json",
        "its objects are not there",
    ),
    ("task-manager/create-task.json", "its objects are not there"),
    ("task-manager/get-recent-task.json", "its objects are not there"),
    (
        "task-manager/read-next-tasks-by-view-spec-null.json",
        "it is of a newer release than the world",
    ),
    (
        "task-manager/read-next-tasks-by-view-spec.json",
        "it is of a newer release than the world",
    ),
    (
        "view-manager/create-container-view-all-types.json",
        "its objects are not there",
    ),
    (
        "view-manager/create-list-view-from-view.json",
        "its objects are not there",
    ),
    ("view-manager/create-list-view.json", "its objects are not there"),
    ("view-manager/get-view-list.json", "its objects are not there"),
    ("task/cancel-", "its task is not there"),
    ("task/set-", "its task is not there"),
    ("task/update-", "its task is not there"),
    ("task/get-value", "its task is not there"),
    ("task/get-available", "its task is not there"),
    ("task/get-info-cancelled", "its task is not there"),
    ("task/get-info-error", "its task is not there"),
    ("task/get-info-progress", "its task is not there"),
    ("task/get-info-queued", "its task is not there"),
    ("task/get-info-reason", "its task is not there"),
    ("task/get-info-required", "its task is not there"),
    ("task/get-info-running", "its task is not there"),
    ("task/get-info-success", "its task is not there"),
    (
        "property-collector/cancel-retrieve-properties-ex.json",
        "its pages are not there",
    ),
    (
        "property-collector/retrieve-properties",
        "there are no virtual machines",
    ),
    (
        "distributed-virtual-switch/get-config-offload-none",
        "every switch is offloaded",
    ),
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
    ("property-collector/all-properties", "there are no filters"),
    (
        "property-collector/container-view-traversal",
        "its view is not made",
    ),
    (
        "property-collector/parents-of-a-vm",
        "there are no virtual machines",
    ),
    (
        "property-collector/continue-middle-page",
        "what is left fits one page",
    ),
    (
        "property-collector/dvs-config-no-offload-members",
        "every switch is offloaded",
    ),
    (
        "property-collector/dvs-config-offload-none",
        "every switch is offloaded",
    ),
    (
        "property-collector/missing-set-partial",
        "everybody may read everything",
    ),
    (
        "property-collector/report-missing-objects",
        "there are no virtual machines",
    ),
    (
        "property-collector/vm-properties-of-every-kind",
        "there are no virtual machines",
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

fn request(bench: &Bench, fixture: &Fixture) -> Request {
    let mut request = fixture.request();
    request.path = translated(bench, &fixture.name, &request.path);
    let body = std::str::from_utf8(&request.body).unwrap();
    request.body = translated(bench, &fixture.name, body).into();
    if fixture.name.contains("not-authenticated") {
        request
    } else {
        bench.with_session(EAST, request)
    }
}

/// Plays the exchange in a world that is as the fixture tells.
fn play(fixture: &Fixture) -> Answer {
    let mut bench = match fixture.name.strip_prefix("host-network-system/") {
        Some(name) => like(name),
        None => bench(),
    };
    for trouble in troubles(&fixture.name) {
        bench.world.hosts_mut().set_trouble("host-11", *trouble, true);
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
    let request = request(&bench, fixture);
    bench.send(EAST, &request)
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
        let request = request(&bench, &fixture);
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
        let difference = TOLD.differs(fixture, &answer);
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
    let differing: Vec<_> = given
        .iter()
        .filter(|(name, kind)| wanted.get(*name).is_some_and(|wanted| wanted != *kind))
        .collect();
    assert_eq!(differing, []);
    for member in [
        "HostProxySwitch.hostUplinkState",
        "DpuStatusInfo.status",
        "VMwareDVSConfigInfo.networkOffloadConfig",
    ] {
        assert!(given.contains_key(member), "{member}");
    }
}
