//! The state machine of VM replications, as a client of the sites sees it.

use farside_simulator::WorldSpec;
use farside_simulator::vcda::{RecoveryState, Replication, VcdaSpec};
use http::Method;
use serde_json::{Value, json};

use crate::support::{Action, Pair, text};

#[test]
fn a_failover_recovers_the_vm_from_the_newest_instance_and_leaves_the_source_alone() {
    let mut pair = Pair::new(1, 3);
    let id = pair.id(2);
    let newest = text(&pair.get("west", &format!("/vm-replications/{id}/instances"))[0]["key"]);
    let answer = pair.act("west", &id, Action::Failover);
    assert_eq!(answer.status, 202);
    let task = answer.value();
    assert_eq!(
        (&task["state"], &task["endTime"], &task["result"]),
        (&json!("RUNNING"), &json!(-1), &Value::Null)
    );
    assert_eq!(task["workflowInfo"]["type"], json!("failover"));
    assert_eq!(pair.recovery_state("west", &id), "IN_PROGRESS");

    pair.pass(5_000);
    let task = pair.get("west", &format!("/tasks/{}", text(&task["id"])));
    assert_eq!(
        (&task["state"], &task["progress"]),
        (&json!("SUCCEEDED"), &json!(100))
    );
    let recovered = &task["result"]["destinationState"]["recoveryInfo"];
    assert_eq!(
        (&recovered["recoveryState"], &recovered["type"]),
        (&json!("COMPLETE"), &json!("vcd"))
    );
    let shown = pair.get("west", &format!("/vm-replications/{id}"));
    assert_eq!(task["result"]["destinationState"], shown["destinationState"]);
    let replication = pair.world.vcda().replication(&id).unwrap();
    let copy = replication.destination_vm.as_ref().unwrap();
    assert_eq!(
        (copy.instance.as_deref(), copy.powered_on),
        (Some(newest.as_str()), false)
    );
    assert!(replication.source_vm.as_ref().unwrap().powered_on);
    assert_eq!(pair.recovery_state("east", &id), "COMPLETE");
    assert_eq!(pair.counts("vmReplications.failover", &id), [1, 0, 1, 1, 0]);
}

#[test]
fn the_vm_is_powered_on_unless_the_caller_says_otherwise() {
    let mut pair = Pair::new(1, 1);
    let id = pair.id(1);
    let body = json!({"type": "vcloud", "instanceId": null});
    pair.call(
        "west",
        Method::POST,
        &format!("/vm-replications/{id}/failover"),
        Some(&body),
    );
    pair.pass(5_000);
    assert!(
        pair.world
            .vcda()
            .replication(&id)
            .unwrap()
            .destination_vm
            .as_ref()
            .unwrap()
            .powered_on
    );
}

#[test]
fn a_chosen_instance_is_the_one_recovered_and_an_unknown_one_is_refused() {
    let mut pair = Pair::new(2, 1);
    let id = pair.id(1);
    let path = format!("/vm-replications/{id}/failover");
    let wrong = json!({"type": "vcloud", "instanceId": "replica-unknown"});
    let refused = pair.call("west", Method::POST, &path, Some(&wrong));
    assert_eq!(
        (refused.status, &refused.value()["code"]),
        (400, &json!("BadRequest"))
    );
    let oldest = text(&pair.get("west", &format!("/vm-replications/{id}/instances"))[3]["key"]);
    let body = json!({"type": "vcloud", "instanceId": oldest});
    assert_eq!(pair.call("west", Method::POST, &path, Some(&body)).status, 202);
    pair.pass(5_000);
    let replication = pair.world.vcda().replication(&id).unwrap();
    assert_eq!(
        replication.destination_vm.as_ref().unwrap().instance.as_deref(),
        Some(oldest.as_str())
    );
    assert_eq!(pair.counts("vmReplications.failover", &id), [2, 1, 1, 1, 0]);
}

#[test]
fn each_state_allows_its_own_actions_and_refuses_the_others() {
    let before: [(&[Action], &[Action]); 3] = [
        (&[], &[Action::Failover, Action::Test, Action::Migrate]),
        (&[Action::Test], &[Action::Cleanup]),
        (&[Action::Failover], &[Action::Reverse]),
    ];
    for (first, allowed) in before {
        for action in Action::ALL {
            let mut pair = Pair::new(3, 1);
            let id = pair.id(1);
            for step in first {
                pair.finish("west", &id, *step);
            }
            let state = pair.world.vcda().replication(&id).cloned();
            let answer = pair.act("west", &id, action);
            if allowed.contains(&action) {
                assert_eq!(answer.status, 202, "{action:?} after {first:?}");
            } else {
                let code = answer.value()["code"].clone();
                assert_eq!(
                    (answer.status, code),
                    (400, json!("BadRequest")),
                    "{action:?} after {first:?}"
                );
                assert_eq!(
                    pair.world.vcda().replication(&id).cloned(),
                    state,
                    "a refused call changed something"
                );
            }
        }
    }
}

#[test]
fn nothing_is_accepted_while_work_is_running() {
    for running in [Action::Failover, Action::Test, Action::Migrate] {
        for action in Action::ALL {
            let mut pair = Pair::new(4, 1);
            let id = pair.id(1);
            assert_eq!(pair.act("west", &id, running).status, 202);
            assert_eq!(
                pair.act("west", &id, action).status,
                400,
                "{action:?} during {running:?}"
            );
        }
    }
}

#[test]
fn actions_are_for_the_destination_site() {
    let mut pair = Pair::new(5, 1);
    let id = pair.id(1);
    for action in Action::ALL {
        assert_eq!(pair.act("east", &id, action).status, 400, "{action:?}");
    }
    let missing = pair.act(
        "west",
        "C4-0c0c0c0c-1111-4222-8333-444455556666",
        Action::Failover,
    );
    assert_eq!(
        (missing.status, &missing.value()["code"]),
        (404, &json!("VmReplicationNotFound"))
    );
}

#[test]
fn a_test_leaves_a_copy_that_its_clean_up_removes_while_copying_goes_on() {
    let mut pair = Pair::new(6, 1);
    let id = pair.id(1);
    let networks = json!({"nics": [{"nicIndex": 0, "network": "isolated", "isConnected": true}]});
    let body = json!({"type": "vcloud", "powerOn": true, "sync": false, "vmNetworkSettings": networks});
    pair.call(
        "west",
        Method::POST,
        &format!("/vm-replications/{id}/failover-test"),
        Some(&body),
    );
    pair.pass(5_000);
    assert_eq!(pair.recovery_state("west", &id), "TEST");
    let copy = pair
        .world
        .vcda()
        .replication(&id)
        .unwrap()
        .destination_vm
        .clone()
        .unwrap();
    assert_eq!(copy.network_settings, Some(networks));

    let before = pair
        .world
        .vcda()
        .replication(&id)
        .unwrap()
        .latest_instance()
        .cloned();
    pair.pass(16 * 60_000);
    assert_ne!(
        pair.world
            .vcda()
            .replication(&id)
            .unwrap()
            .latest_instance()
            .cloned(),
        before
    );

    let task = pair.finish("west", &id, Action::Cleanup);
    assert_eq!(task["workflowInfo"]["type"], json!("failoverTestCleanup"));
    assert_eq!(pair.recovery_state("west", &id), "NOT_STARTED");
    assert_eq!(pair.world.vcda().replication(&id).unwrap().destination_vm, None);
}

#[test]
fn a_test_with_sync_takes_an_instance_of_its_own_and_names_none() {
    let mut pair = Pair::new(6, 1);
    let id = pair.id(1);
    let path = format!("/vm-replications/{id}/failover-test");
    let known = pair
        .world
        .vcda()
        .replication(&id)
        .unwrap()
        .latest_instance()
        .unwrap()
        .key
        .clone();
    let both = json!({"type": "vcloud", "sync": true, "instanceId": known});
    assert_eq!(pair.call("west", Method::POST, &path, Some(&both)).status, 400);
    let sync = json!({"type": "vcloud", "sync": true});
    assert_eq!(pair.call("west", Method::POST, &path, Some(&sync)).status, 202);
    pair.pass(5_000);
    let replication = pair.world.vcda().replication(&id).unwrap();
    assert_ne!(replication.latest_instance().unwrap().key, known);
}

#[test]
fn a_migrate_powers_the_source_off_and_loses_nothing() {
    let mut pair = Pair::new(7, 1);
    let id = pair.id(1);
    pair.act("west", &id, Action::Migrate);
    assert!(
        !pair
            .world
            .vcda()
            .replication(&id)
            .unwrap()
            .source_vm
            .as_ref()
            .unwrap()
            .powered_on
    );
    pair.pass(5_000);
    let replication = pair.world.vcda().replication(&id).unwrap();
    let latest = replication.latest_instance().unwrap();
    assert_eq!(Some(latest.taken_ms), replication.recovered_ms);
    assert_eq!(
        replication.destination_vm.as_ref().unwrap().instance.as_ref(),
        Some(&latest.key)
    );
}

#[test]
fn what_needs_the_source_fails_in_its_task_when_the_source_is_lost() {
    for (first, action) in [(None, Action::Migrate), (Some(Action::Failover), Action::Reverse)] {
        let mut pair = Pair::new(8, 1);
        let id = pair.id(1);
        if let Some(first) = first {
            pair.finish("west", &id, first);
        }
        let before = pair.recovery_state("west", &id);
        pair.world.set_reachable("east", false);
        let task = pair.finish("west", &id, action);
        assert_eq!(
            (&task["state"], &task["result"]),
            (&json!("FAILED"), &Value::Null),
            "{action:?}"
        );
        assert_eq!(task["error"]["code"], json!("GeneralServerFailure"));
        assert_ne!(task["endTime"], json!(-1));
        assert_eq!(pair.recovery_state("west", &id), before);
        pair.world.set_reachable("east", true);
        assert_eq!(pair.finish("west", &id, action)["state"], json!("SUCCEEDED"));
    }
}

#[test]
fn a_failover_works_without_the_source_and_shows_how_old_the_data_is() {
    let mut pair = Pair::new(9, 1);
    let id = pair.id(1);
    pair.world.set_reachable("east", false);
    pair.pass(60 * 60_000);
    pair.log_in_again();
    let shown = pair.get("west", &format!("/vm-replications/{id}"));
    assert_eq!(shown["overallHealth"], json!("RED"));
    assert!(shown["destinationState"]["currentRpoViolation"].as_i64().unwrap() >= 44);
    assert!(shown["sourceState"]["stateAge"].as_i64().unwrap() >= 60 * 60_000);
    assert_eq!(
        pair.finish("west", &id, Action::Failover)["state"],
        json!("SUCCEEDED")
    );
}

#[test]
fn without_copies_data_grows_older_minute_by_minute_and_with_them_it_does_not() {
    let mut pair = Pair::new(9, 1);
    let path = format!("/vm-replications/{}", pair.id(1));
    let late = |pair: &mut Pair| {
        pair.log_in_again();
        let shown = pair.get("west", &path)["destinationState"]["currentRpoViolation"].as_i64();
        shown.expect("a number of minutes")
    };
    for _ in 0..6 {
        pair.pass(10 * 60_000);
        assert_eq!(late(&mut pair), 0);
    }
    pair.world.set_reachable("east", false);
    pair.pass(15 * 60_000);
    let first = late(&mut pair);
    assert!((0..=15).contains(&first), "{first}");
    for rounds in 1..=6 {
        pair.pass(10 * 60_000);
        assert_eq!(late(&mut pair), first + 10 * rounds);
    }
    pair.world.set_reachable("east", true);
    pair.pass(16 * 60_000);
    assert_eq!(late(&mut pair), 0);
}

#[test]
fn a_reverse_removes_the_original_and_turns_the_sites_round() {
    let mut pair = Pair::new(10, 1);
    let id = pair.id(1);
    pair.finish("west", &id, Action::Failover);
    let copy = pair.world.vcda().replication(&id).unwrap().destination_vm.clone();
    pair.finish("west", &id, Action::Reverse);
    let shown = pair.get("east", &format!("/vm-replications/{id}"));
    assert_eq!(
        (&shown["source"]["site"], &shown["destination"]["site"]),
        (&json!("west"), &json!("east"))
    );
    assert_eq!(shown["isReversed"], json!(true));
    let replication = pair.world.vcda().replication(&id).unwrap();
    assert_eq!(
        (&replication.source_vm, &replication.destination_vm),
        (&copy, &None)
    );
    assert_eq!(pair.act("west", &id, Action::Migrate).status, 400);
    assert_eq!(
        pair.finish("east", &id, Action::Migrate)["state"],
        json!("SUCCEEDED")
    );
    assert_eq!(pair.recovery_state("east", &id), "COMPLETE");
}

fn is_legal(replication: &Replication) -> bool {
    let copied = replication.destination_vm.is_some();
    let working = replication.task.is_some();
    match replication.recovery {
        RecoveryState::NotStarted => !working && !copied && replication.source_vm.is_some(),
        RecoveryState::InProgress => working,
        RecoveryState::Test => !working && copied,
        RecoveryState::Complete => copied && replication.recovered_ms.is_some(),
    }
}

#[test]
fn random_calls_never_lead_to_an_illegal_state() {
    for seed in 0..60 {
        let mut pair = Pair::new(seed, 3);
        let mut dice = seed;
        let mut roll = |sides: u64| {
            dice = dice
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) % sides
        };
        for _ in 0..120 {
            let id = pair.id(u32::try_from(roll(3)).unwrap() + 1);
            let site = if roll(2) == 0 { "east" } else { "west" };
            let action = Action::ALL[usize::try_from(roll(5)).unwrap()];
            if roll(10) == 0 {
                let reachable = roll(2) == 0;
                pair.world.set_reachable("east", reachable);
            }
            if pair.world.endpoint(site).unwrap().reachable {
                let status = pair.act(site, &id, action).status;
                assert!(matches!(status, 202 | 400), "{status}");
            }
            pair.pass(i64::try_from(roll(4_000)).unwrap());
            let broken = pair
                .world
                .vcda()
                .replications()
                .find(|replication| !is_legal(replication));
            assert!(broken.is_none(), "seed {seed}, {site} {action:?}: {broken:?}");
        }
        assert_eq!(pair.world.vcda().replications().count(), 3);
    }
}

#[test]
fn a_replication_that_is_turned_round_twice_leads_to_the_kind_of_site_that_it_led_to() {
    let mut vcda = VcdaSpec::default();
    vcda.vcenter_destinations = 1;
    let mut pair = Pair::of(&WorldSpec::pair(3).groups(0).replications(1).vcda(vcda));
    let id = pair.id(1);
    for (site, kind) in [("west", "vcenter"), ("east", "vcloud"), ("west", "vcenter")] {
        let body = json!({"type": kind});
        let path = format!("/vm-replications/{id}/failover");
        let taken = pair.call(site, Method::POST, &path, Some(&body));
        assert_eq!(taken.status, 202, "{site}: {}", taken.value());
        pair.pass(60_000);
        pair.finish(site, &id, Action::Reverse);
    }
}

/// A time so early made the simulator panic.
#[test]
fn a_first_copy_that_was_to_be_made_long_ago_is_made_at_once() {
    let mut pair = Pair::new(1, 1);
    for time in [i64::MIN, 0] {
        let free = pair.world.vcda().free_vms().next().expect("a free VM").clone();
        let body = json!({
            "source": {"type": "vm", "site": free.site, "vmId": free.vm.id},
            "destination": {"type": "vcloud", "site": "west", "vdc": "vdc-west-1"},
            "initialSyncTime": time,
        });
        let started = pair.call("west", Method::POST, "/vm-replications", Some(&body));
        assert_eq!(started.status, 202, "{}", started.value());
        pair.pass(600_000);
    }
    let copies: Vec<usize> = pair
        .world
        .vcda()
        .replications()
        .map(|replication| replication.instances.len())
        .collect();
    assert!(copies.len() == 3 && !copies.contains(&0), "{copies:?}");
}
