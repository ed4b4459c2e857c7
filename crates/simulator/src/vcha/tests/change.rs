//! Changes of mode, deployment, removal, and nodes made anew.

use http::Method;
use serde_json::{Value, json};

use super::{
    CLUSTER, WEST, bench, call, cluster, deployment, failover, finished, ip, is_refused, placement, refusal,
    without_cluster,
};
use crate::testbench::Bench;
use crate::vcha::{Deployment, Mode, VchaSpec};

fn set_mode(bench: &mut Bench, mode: &str) -> crate::exchange::Answer {
    call(bench, Method::PUT, "/mode?vmw-task=true", &json!({"mode": mode}))
}

fn mode(bench: &mut Bench) -> Value {
    call(bench, Method::GET, "/mode", &Value::Null).value()["mode"].clone()
}

#[test]
fn the_mode_changes_on_the_ways_that_there_are() {
    let modes = [
        (Mode::Enabled, "ENABLED"),
        (Mode::Disabled, "DISABLED"),
        (Mode::Maintenance, "MAINTENANCE"),
    ];
    for (from, from_text) in modes {
        for (to, to_text) in modes {
            for (healthy, same_version) in [(true, true), (false, true), (true, false)] {
                let mut bench = bench(VchaSpec::default());
                let vcha = bench.world.vcha_mut();
                vcha.set_mode(WEST, from);
                vcha.set_witness(WEST, healthy);
                vcha.set_versions_differ(WEST, !same_version);
                let legal = match (from, to) {
                    (Mode::Enabled, Mode::Disabled) => true,
                    (Mode::Enabled, Mode::Maintenance) | (Mode::Disabled, Mode::Enabled) => healthy,
                    (Mode::Maintenance, Mode::Enabled | Mode::Disabled) => healthy && same_version,
                    _ => false,
                };
                let answer = set_mode(&mut bench, to_text);
                if legal {
                    assert_eq!(finished(&mut bench, &answer)["status"], "SUCCEEDED");
                    assert_eq!(mode(&mut bench), to_text);
                } else {
                    assert!(is_refused(&answer, 500, "ERROR"), "{from_text} to {to_text}");
                    bench.pass(10_000);
                    assert_eq!(mode(&mut bench), from_text);
                }
            }
        }
    }
}

#[test]
fn a_change_of_mode_that_loses_its_ground_fails_in_its_task() {
    let mut bench = bench(VchaSpec::default());
    let started = set_mode(&mut bench, "MAINTENANCE");
    bench.world.vcha_mut().set_witness(WEST, false);
    assert_eq!(finished(&mut bench, &started)["status"], "FAILED");
    assert_eq!(mode(&mut bench), "ENABLED");
    let calls = bench.calls("Vcenter.Vcha.Cluster.Mode_set$Task", "vcha/vc-west");
    assert_eq!((calls.accepted, calls.effects), (1, 0));
}

#[test]
fn one_piece_of_work_at_a_time() {
    let mut bench = bench(VchaSpec::default());
    assert_eq!(set_mode(&mut bench, "MAINTENANCE").status, 202);
    let operations = bench.rest(WEST, Method::GET, "/api/vcenter/vcha/operations", &Value::Null);
    assert_eq!(
        operations.value()["active"],
        json!(["com.vmware.vcenter.vcha.cluster.mode.set"])
    );
    assert!(is_refused(&failover(&mut bench, true), 500, "ERROR"));
    let undeploy = call(
        &mut bench,
        Method::POST,
        "?action=undeploy&vmw-task=true",
        &json!({}),
    );
    assert!(is_refused(&undeploy, 500, "ERROR"));
}

#[test]
fn a_deployment_makes_a_cluster_and_its_removal_keeps_or_deletes_the_machines() {
    for (body, machines) in [
        (json!({}), 2),
        (json!({"force_delete": true}), 0),
        (json!({"vms": "theirs"}), 0),
    ] {
        let mut bench = bench(without_cluster());
        assert_eq!(cluster(&mut bench), json!({"config_state": "NOTCONFIGURED"}));
        let started = call(
            &mut bench,
            Method::POST,
            "?action=deploy&vmw-task=true",
            &deployment(),
        );
        assert_eq!(finished(&mut bench, &started)["status"], "SUCCEEDED");
        let kind = call(&mut bench, Method::GET, "/deployment-type", &Value::Null);
        assert_eq!(kind.value(), json!({"deployment_type": "AUTO"}));
        let full = call(&mut bench, Method::POST, "?action=get", &json!({})).value();
        assert_eq!(
            (&full["mode"], &full["health_state"]),
            (&json!("ENABLED"), &json!("HEALTHY"))
        );
        let placed = &full["node2"]["runtime"]["placement"];
        assert_eq!(
            (&placed["vm_name"], &placed["host"]),
            (&json!("vc-22"), &json!("host-29"))
        );
        let again = call(
            &mut bench,
            Method::POST,
            "?action=deploy&vmw-task=true",
            &deployment(),
        );
        assert!(is_refused(&again, 500, "ERROR"));
        let mut body = body;
        if body["vms"] == "theirs" {
            let cluster = bench.world.vcha().cluster(WEST).unwrap();
            let vm = |vm: &crate::vcha::Vm| json!({"vm": vm.id, "bios_uuid": vm.bios_uuid});
            body["vms"] = json!({"passive": vm(&cluster.nodes[1].vm), "witness": vm(&cluster.witness.vm)});
        }
        let removed = call(&mut bench, Method::POST, "?action=undeploy&vmw-task=true", &body);
        assert_eq!(finished(&mut bench, &removed)["status"], "SUCCEEDED");
        assert_eq!(bench.world.vcha().machines(WEST).len(), machines, "{body}");
        let kind = call(&mut bench, Method::GET, "/deployment-type", &Value::Null);
        assert_eq!(kind.value(), json!({"deployment_type": "NONE"}));
    }
}

#[test]
fn machines_that_are_named_have_to_be_those_of_the_cluster() {
    let mut bench = bench(VchaSpec::default());
    let cluster = bench.world.vcha().cluster(WEST).unwrap();
    let vm = |vm: &crate::vcha::Vm| json!({"vm": vm.id, "bios_uuid": vm.bios_uuid});
    let vms = json!({"passive": vm(&cluster.nodes[1].vm), "witness": vm(&cluster.witness.vm)});
    let mut undeploy = |name: &str, value: &str| {
        let mut vms = vms.clone();
        vms["witness"][name] = json!(value);
        let path = "?action=undeploy&vmw-task=true";
        refusal(&call(&mut bench, Method::POST, path, &json!({"vms": vms})))
    };
    assert_eq!(undeploy("vm", "vm-99"), (404, "NOT_FOUND".to_owned()));
    assert_eq!(
        undeploy("bios_uuid", "other"),
        (400, "INVALID_ARGUMENT".to_owned())
    );
}

#[test]
fn a_deployment_by_hand_has_no_placement_and_keeps_its_machines() {
    let mut bench = bench(without_cluster());
    let mut body = deployment();
    body["deployment"] = json!("MANUAL");
    let refused = call(&mut bench, Method::POST, "?action=deploy&vmw-task=true", &body);
    assert_eq!(refused.value()["data"]["primary"], "spec.passive.placement");
    for node in ["passive", "witness"] {
        body[node].as_object_mut().unwrap().remove("placement");
    }
    let started = call(&mut bench, Method::POST, "?action=deploy&vmw-task=true", &body);
    assert_eq!(finished(&mut bench, &started)["status"], "SUCCEEDED");
    assert_eq!(
        bench.world.vcha().cluster(WEST).unwrap().deployment,
        Deployment::Manual
    );
    let full = call(&mut bench, Method::POST, "?action=get", &json!({})).value();
    assert!(full["node2"]["runtime"]["placement"].is_null());
    let body = json!({"force_delete": true});
    let removed = call(&mut bench, Method::POST, "?action=undeploy&vmw-task=true", &body);
    assert_eq!(finished(&mut bench, &removed)["status"], "SUCCEEDED");
    assert_eq!(bench.world.vcha().machines(WEST).len(), 2);
}

#[test]
fn what_a_deployment_cannot_make_is_refused_with_its_place() {
    type Change = (&'static str, fn(&mut Value));
    let mut bench = bench(without_cluster());
    let changes: [Change; 6] = [
        ("spec.passive.placement", |body| {
            body["passive"]["placement"] = Value::Null
        }),
        ("spec.active.ha_network", |body| {
            body["active"]["ha_network"] = json!("network-1")
        }),
        ("spec.witness.placement.management_network", |body| {
            body["witness"]["placement"]["management_network_type"] = json!("STANDARD_PORTGROUP");
        }),
        ("spec.witness.ha_ip", |body| {
            body["witness"]["ha_ip"] = ip("10.9.2.2")
        }),
        ("spec.passive.failover_ip.ipv4", |body| {
            body["passive"]["failover_ip"] = json!({"ip_family": "IPV4"});
        }),
        ("spec.passive.placement.name", |body| {
            body["passive"]["placement"]["name"] = json!("")
        }),
    ];
    for (place, change) in changes {
        let mut body = deployment();
        change(&mut body);
        let refused = call(&mut bench, Method::POST, "?action=deploy&vmw-task=true", &body);
        assert!(is_refused(&refused, 400, "INVALID_ARGUMENT"), "{place}");
        assert_eq!(refused.value()["data"]["primary"], place);
    }
}

#[test]
fn a_lost_node_is_made_anew_and_a_present_one_is_not() {
    for (node, lose) in [
        (
            "passive",
            crate::vcha::Vcha::set_passive as fn(&mut _, &str, bool) -> bool,
        ),
        ("witness", crate::vcha::Vcha::set_witness),
    ] {
        let mut bench = bench(VchaSpec::default());
        let body = json!({"placement": placement("vc-29")});
        let check = format!("/{node}?action=check");
        let redeploy = format!("/{node}?action=redeploy&vmw-task=true");
        let refused = call(&mut bench, Method::POST, &check, &body);
        assert!(is_refused(&refused, 400, "NOT_ALLOWED_IN_CURRENT_STATE"));
        assert!(is_refused(
            &call(&mut bench, Method::POST, &redeploy, &body),
            500,
            "ERROR"
        ));
        lose(bench.world.vcha_mut(), WEST, false);
        let checked = call(&mut bench, Method::POST, &check, &body);
        assert_eq!(checked.value(), json!({"warnings": [], "errors": []}));
        let started = call(&mut bench, Method::POST, &redeploy, &body);
        assert_eq!(finished(&mut bench, &started)["status"], "SUCCEEDED");
        bench.pass(15_000);
        assert!(bench.world.vcha().cluster(WEST).unwrap().is_healthy());
        assert_eq!(
            bench.world.vcha().machines(WEST).len(),
            3,
            "the lost one is not removed"
        );
        assert_eq!(failover(&mut bench, true).status, 202);
    }
}

#[test]
fn before_a_deployment_both_nodes_can_be_checked() {
    let mut bench = bench(without_cluster());
    let mut body = json!({"placement": placement("vc-22")});
    body["placement"]["host"] = json!("host-21");
    for node in ["passive", "witness"] {
        let path = format!("{CLUSTER}/{node}?action=check");
        let checked = bench.rest(WEST, Method::POST, &path, &body).value();
        assert_eq!(checked["warnings"].as_array().map(Vec::len), Some(1), "{checked}");
    }
}
