//! What the cards of recovered VMs are connected to.

use farside_engine::Mode;
use farside_failover::kind::Verdict;
use farside_simulator::vcda::VcdaSpec;
use farside_simulator::{FaultAction, FaultRule};

use crate::site::{LIFE, all, assert_done, objects, plan_with, spec};
use crate::support::Bench;

#[tokio::test(start_paused = true)]
async fn a_test_copy_has_no_connected_card_and_the_plan_s_power() {
    let bench = Bench::new(&spec(1));
    let plan = plan_with(&bench, "")
        .replace("nics = 1", "nics = 2")
        .replace("power_on = true", "power_on = false");
    assert_done(&bench.run(&plan, Mode::Test).await, 1);
    let world = bench.world();
    let copy = world
        .vcda()
        .replications()
        .next()
        .unwrap()
        .destination_vm
        .clone()
        .unwrap();
    assert!(!copy.powered_on);
    let settings = copy.network_settings.unwrap();
    assert_eq!(settings["copySourceNicSettings"], false);
    let cards: Vec<bool> = settings["nics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|nic| nic["isConnected"] == false)
        .collect();
    assert_eq!(cards, [true, true]);
}

/// The networks that the cards of the recovered VMs are connected to.
fn networks(bench: &Bench) -> Vec<Option<String>> {
    let world = bench.world();
    let replications = world.vcda().replications();
    replications
        .map(|one| one.destination_vm.as_ref().unwrap().network.clone())
        .collect()
}

/// A site that takes silence about networks in one or the other way, with VMs that lead to Cloud Director or to vCenter, and a
/// plan of them.
fn silent(disconnects: bool, vcenter: bool) -> (Bench, String) {
    let mut vcda = VcdaSpec::default();
    vcda.null_networks_disconnect = disconnects;
    vcda.vcenter_destinations = if vcenter { 2 } else { 0 };
    let bench = Bench::new(&spec(2).vcda(vcda));
    let target = if vcenter { "target = \"vcenter\"" } else { "" };
    let plan = plan_with(&bench, target);
    (bench, plan)
}

// The way home was asked for in the terms of the recovery site, which its own kind of site refuses.
#[tokio::test(start_paused = true)]
async fn a_way_home_is_asked_for_in_the_terms_of_the_site_at_home() {
    let (bench, plan) = silent(false, true);
    for (mode, _, state, towards) in LIFE {
        assert_done(&bench.run(&plan, mode).await, 2);
        all(&bench, state, towards);
    }
    let named = plan.replace("target = \"vcenter\"", "target = \"vcenter\"\nhome = \"vcenter\"");
    for mode in [Mode::Planned, Mode::Reprotect] {
        assert_done(&bench.run(&named, mode).await, 2);
    }
    let refused = bench.run(&named, Mode::Failback).await;
    assert_eq!(refused.counts(), [0, 2, 0, 0], "{}", refused.notes());
    refused.assert_says("not a vcenter site");
}

// Where silence about networks means that no card is connected, a VM was recovered without any, and the run said nothing of it.
#[tokio::test(start_paused = true)]
async fn a_recovered_vm_is_on_the_network_that_is_set_up_whatever_silence_means() {
    for (disconnects, vcenter) in [(false, false), (true, false), (false, true), (true, true)] {
        for mode in [Mode::Planned, Mode::Disaster] {
            let (bench, plan) = silent(disconnects, vcenter);
            let check = bench.check(&plan, mode).await;
            let seen = check.items[0]
                .check
                .conditions
                .iter()
                .find(|seen| seen.name == "networks after recovery");
            assert_eq!(seen.unwrap().value, "card 0: org-net-destination");
            assert_eq!(seen.unwrap().verdict, Verdict::Go);
            let outcome = bench.run(&plan, mode).await;
            assert_done(&outcome, 2);
            assert_eq!(
                outcome.notes().matches("left to the service").count(),
                0,
                "{}",
                outcome.notes()
            );
            let wanted = Some("org-net-destination".to_owned());
            assert_eq!(
                networks(&bench),
                [wanted.clone(), wanted],
                "{mode}: {disconnects} {vcenter}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn networks_that_cannot_be_read_are_told_and_keep_nobody_from_recovering() {
    for (disconnects, wanted) in [(false, Some("org-net-destination".to_owned())), (true, None)] {
        let (bench, plan) = silent(disconnects, false);
        let unknown = FaultAction::Refuse {
            status: 404,
            body: Some(serde_json::json!({"code": "NotFound", "msg": "No such path."})),
            retry_after: None,
        };
        bench.fault(FaultRule::new("vmReplications.networkSettings.get", unknown).times(None));
        bench.drop_answers("vmReplications.failover", &objects(&bench)[..1]);
        let check = bench.check(&plan, Mode::Disaster).await;
        assert_eq!(check.verdict, Verdict::Warning, "{check:#?}");
        let told = check
            .complaints()
            .filter(|(_, seen)| seen.name == "networks after recovery");
        assert_eq!(told.count(), 2, "{check:#?}");
        let outcome = bench.run(&plan, Mode::Disaster).await;
        assert_done(&outcome, 2);
        let notes = outcome.notes();
        assert_eq!(notes.matches("No such path.").count(), 2, "{notes}");
        assert_eq!(notes.matches("is left to the service").count(), 2, "{notes}");
        assert_eq!(networks(&bench), [wanted.clone(), wanted]);
    }
}
