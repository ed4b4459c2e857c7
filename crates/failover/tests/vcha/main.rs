//! vCenter HA through plan, driver and journal, against a simulated vCenter that goes away while it switches.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod faults;
mod observers;
#[path = "../support/mod.rs"]
mod support;

use std::fmt::Write as _;

use farside_engine::Mode;
use farside_failover::kind::Verdict;
use farside_simulator::sms::VasaSpec;
use farside_simulator::vcha::{Mode as ClusterMode, VchaSpec};
use farside_simulator::{FaultAction, FaultRule, WorldSpec};
use observers::{Reasons, Watch};
use serde_json::json;
use support::{Bench, Outcome};

const FAILOVER: &str = "Vcenter.Vcha.Cluster_failover$Task";
const MOVE: &str = "HostNetworkSystem_startDpuFailover";

fn spec() -> WorldSpec {
    WorldSpec::pair(5).groups(6).replications(0)
}

fn plan_with(bench: &Bench, more: &str) -> String {
    bench.plan_head()
        + "[[items]]\nname = \"vcenter\"\ngroup = \"first\"\n[items.vcha]\nendpoint = \"vc-west\"\n"
        + if more.contains("activate") {
            ""
        } else {
            "activate = \"10.9.2.2\"\n"
        }
        + more
        + "\n"
}

fn plan(bench: &Bench) -> String {
    plan_with(bench, "")
}

fn active(bench: &Bench) -> String {
    bench
        .world()
        .vcha()
        .cluster("vc-west")
        .unwrap()
        .active_ip()
        .to_owned()
}

fn switches(bench: &Bench) -> u32 {
    bench.world().vcha().cluster("vc-west").unwrap().switches
}

fn assert_done(outcome: &Outcome, items: usize) {
    assert_eq!(outcome.counts(), [items, 0, 0, 0], "{}", outcome.notes());
}

/// Asserts that the cluster was switched by one call that was sent as often as said.
fn assert_switched_once(bench: &Bench, attempts: u64) {
    assert_eq!((active(bench).as_str(), switches(bench)), ("10.9.2.2", 1));
    assert_eq!(
        (
            bench.effects(FAILOVER),
            bench.attempts(FAILOVER),
            bench.overlaps()
        ),
        (vec![1], attempts, 0)
    );
}

/// The storage service and VI JSON are found at the other address, too: otherwise the vCenter would never be seen to serve.
#[tokio::test(start_paused = true)]
async fn a_vcenter_that_changes_its_address_is_followed_to_it_and_back() {
    let mut vcha = VchaSpec::default();
    let cluster = vcha.clusters.get_mut("vc-west").unwrap();
    cluster.failover_ips = Some(["198.51.100.20".to_owned(), "203.0.113.20".to_owned()]);
    let bench = Bench::new(&spec().vcha(vcha));
    let text = plan_with(&bench, "preferred = \"10.9.2.1\"");
    assert_done(&bench.run(&text, Mode::Planned).await, 1);
    assert_switched_once(&bench, 1);
    assert_done(&bench.run(&text, Mode::Reprotect).await, 1);
    assert_done(&bench.run(&text, Mode::Failback).await, 1);
    assert_eq!((active(&bench).as_str(), switches(&bench)), ("10.9.2.1", 2));
}

/// What the vCenter serves is read before the switch and after it, by one client of VI JSON.
#[tokio::test(start_paused = true)]
async fn no_session_of_before_the_switch_is_used_after_it() {
    let bench = Bench::new(&spec());
    assert_done(&bench.run(&plan(&bench), Mode::Planned).await, 1);
    let entries = bench.world().calls().entries();
    let asked = |operation: &str| {
        let of_it = entries
            .iter()
            .filter(|calls| calls.endpoint == "vc-west" && calls.operation.starts_with(operation));
        of_it.fold((0, 0), |(attempts, refused), calls| {
            (attempts + calls.entry.attempts, refused + calls.entry.refused)
        })
    };
    let (attempts, refused) = asked("Sms");
    assert!(attempts > 1, "{attempts}");
    assert_eq!(refused, 0, "of {attempts}");
    assert_eq!(asked("SessionManager_Login"), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_planned_switch_happens_once_and_is_over_when_the_vcenter_serves_again() {
    for seed in 0..20 {
        let vasa = VasaSpec::default();
        let mut vcha = VchaSpec::default();
        vcha.nodes_swap = seed % 2 == 0;
        vcha.omits_allowed = seed % 3 == 0;
        let world = WorldSpec::pair(seed)
            .groups(6)
            .replications(0)
            .vasa(vasa)
            .vcha(vcha);
        let bench = Bench::new(&world);
        let outcome = bench.run(&plan(&bench), Mode::Planned).await;
        assert_done(&outcome, 1);
        assert_switched_once(&bench, 1);
        let actions = &outcome.report.details[0].actions;
        assert_eq!(actions[0].data["active"], "10.9.2.2", "{actions:?}");
        assert_eq!(actions[0].data["served"]["groups"].as_array().unwrap().len(), 6);
        assert_eq!(actions[1].data["active"], "10.9.2.2");
    }
}

#[tokio::test(start_paused = true)]
async fn the_rest_waits_until_the_providers_are_online_again() {
    let mut vasa = VasaSpec::default();
    vasa.late_ms = 90_000;
    let bench = Bench::new(&spec().vasa(vasa));
    let outcome = bench.run(&plan(&bench), Mode::Planned).await;
    assert_done(&outcome, 1);
    assert!(
        outcome.report.seconds > 90.0,
        "{} seconds",
        outcome.report.seconds
    );
}

#[tokio::test(start_paused = true)]
async fn the_rest_waits_until_the_same_groups_are_visible_again() {
    let bench = Bench::new(&spec());
    // Three queries tell what is there before the switch; the first ones after it find nothing.
    let nothing = FaultAction::Refuse {
        status: 200,
        body: Some(json!([])),
        retry_after: None,
    };
    bench.fault(
        FaultRule::new("VasaProvider_QueryReplicationGroup", nothing)
            .from_nth(4)
            .times(Some(4)),
    );
    let reasons = Reasons::default();
    let outcome = bench
        .run_watched(&plan(&bench), Mode::Planned, Box::new(reasons.clone()))
        .await;
    assert_done(&outcome, 1);
    let reasons = reasons.0.lock().unwrap().join("\n");
    assert!(
        reasons.contains("not visible yet: fd-west-1/") && reasons.contains(" and 3 more"),
        "{reasons}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_was_offline_before_is_not_waited_for() {
    let mut vasa = VasaSpec::default();
    vasa.providers[0].offline_at = vec!["vc-west".to_owned()];
    let bench = Bench::new(&spec().vasa(vasa));
    let outcome = bench.run(&plan(&bench), Mode::Planned).await;
    assert_done(&outcome, 1);
    assert!(
        outcome.report.seconds < 60.0,
        "{} seconds",
        outcome.report.seconds
    );
    assert_eq!(
        outcome.report.details[0].actions[0].data["served"]["groups"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_cannot_fail_over_is_left_untouched() {
    type Break = fn(&Bench);
    let breaks: [(Break, &str); 3] = [
        (
            |bench| {
                assert!(
                    bench
                        .world()
                        .vcha_mut()
                        .set_mode("vc-west", ClusterMode::Disabled)
                )
            },
            "mode: DISABLED",
        ),
        (
            |bench| assert!(bench.world().vcha_mut().set_witness("vc-west", false)),
            "health_state: DEGRADED",
        ),
        (
            |bench| assert!(bench.world().vcha_mut().set_passive("vc-west", false)),
            "10.9.2.2 is down",
        ),
    ];
    for (break_it, words) in breaks {
        let bench = Bench::new(&spec());
        break_it(&bench);
        let check = bench.check(&plan(&bench), Mode::Planned).await;
        assert_eq!(check.verdict, Verdict::NoGo, "{check:#?}");
        let outcome = bench.run(&plan(&bench), Mode::Planned).await;
        assert_eq!(outcome.counts(), [0, 1, 0, 0], "{}", outcome.notes());
        outcome.assert_says(words);
        assert_eq!((bench.attempts(FAILOVER), switches(&bench)), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn maintenance_is_enough_for_a_planned_switch() {
    let bench = Bench::new(&spec());
    bench
        .world()
        .vcha_mut()
        .set_mode("vc-west", ClusterMode::Maintenance);
    assert_done(&bench.run(&plan(&bench), Mode::Planned).await, 1);
    assert_switched_once(&bench, 1);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_active_already_is_left_alone() {
    let bench = Bench::new(&spec());
    let plan = plan_with(&bench, "activate = \"10.9.2.1\"");
    let check = bench.check(&plan, Mode::Planned).await;
    assert_eq!(check.verdict, Verdict::Warning, "{check:#?}");
    let outcome = bench.run(&plan, Mode::Planned).await;
    assert_done(&outcome, 1);
    assert_eq!((bench.attempts(FAILOVER), switches(&bench)), (0, 0));
    outcome.assert_says("active already");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_no_member_is_refused() {
    let bench = Bench::new(&spec());
    let plan = plan_with(&bench, "activate = \"10.9.2.9\"");
    assert_eq!(bench.check(&plan, Mode::Planned).await.verdict, Verdict::NoGo);
    let outcome = bench.run(&plan, Mode::Planned).await;
    assert_eq!(outcome.counts(), [0, 1, 0, 0], "{}", outcome.notes());
    outcome.assert_says("10.9.2.9");
    assert_eq!(bench.attempts(FAILOVER), 0);
}

#[tokio::test(start_paused = true)]
async fn a_switch_there_and_a_failback_to_the_preferred_node() {
    let bench = Bench::new(&spec());
    let plan = plan_with(&bench, "preferred = \"10.9.2.1\"");
    assert_done(&bench.run(&plan, Mode::Planned).await, 1);
    let outcome = bench.run(&plan, Mode::Reprotect).await;
    assert_done(&outcome, 1);
    assert!(
        bench.world().vcha().cluster("vc-west").unwrap().is_healthy(),
        "reprotect waits for health"
    );
    assert_eq!(bench.attempts(FAILOVER), 1);
    assert_done(&bench.run(&plan, Mode::Failback).await, 1);
    assert_eq!((active(&bench).as_str(), switches(&bench)), ("10.9.2.1", 2));
    // Without a preferred node there is nothing to do.
    assert_done(&bench.run(&self::plan(&bench), Mode::Failback).await, 1);
    assert_eq!(bench.attempts(FAILOVER), 2);
}

#[tokio::test(start_paused = true)]
async fn a_disaster_takes_whichever_node_is_active_and_sends_nothing() {
    for dies in [false, true] {
        let bench = Bench::new(&spec());
        if dies {
            assert!(bench.world().lose_active_node("vc-west"));
        }
        let outcome = bench.run(&plan(&bench), Mode::Disaster).await;
        assert_done(&outcome, 1);
        assert_eq!((bench.attempts(FAILOVER), switches(&bench)), (0, u32::from(dies)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_disaster_waits_for_a_vcenter_that_is_away_and_gives_up_at_the_deadline() {
    let bench = Bench::new(&spec());
    bench.world().set_reachable("vc-west", false);
    let outcome = bench.run(&plan(&bench), Mode::Disaster).await;
    assert_eq!(outcome.counts(), [0, 1, 0, 0], "{}", outcome.notes());
    outcome.assert_says("not possible before the deadline");
    assert!(outcome.report.seconds >= 1800.0);
}

#[tokio::test(start_paused = true)]
async fn a_disaster_switches_by_force_only_where_the_item_says_so() {
    let bench = Bench::new(&spec());
    let plan = plan_with(&bench, "forced = true");
    let check = bench.check(&plan, Mode::Disaster).await;
    assert_eq!(check.losses().count(), 1, "{check:#?}");
    let outcome = bench.run(&plan, Mode::Disaster).await;
    assert_done(&outcome, 1);
    assert_switched_once(&bench, 1);
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
    let plan = plan(&bench).replace(
        "\nendpoint = \"vc-west\"",
        "\nendpoint = \"vc-east\"\nforced = true",
    );
    let check = bench.check(&plan, Mode::Disaster).await;
    assert!(
        check.items[0].note.as_ref().unwrap().contains("protected site"),
        "{check:#?}"
    );
    let outcome = bench.run(&plan, Mode::Disaster).await;
    assert_eq!(outcome.counts(), [0, 0, 1, 0], "{}", outcome.notes());
    outcome.assert_says("protected site");
    assert_eq!(bench.heard("vc-east"), 0);
}

/// A DPU item of the first group.
fn dpu(bench: &Bench, name: &str, site: &str, host: &str, more: &str) -> String {
    let standby = bench.world().hosts().host(host).expect("a host").dpus[1]
        .id
        .clone();
    format!(
        "[[items]]\nname = \"{name}\"\ngroup = \"first\"\n{more}\n[items.dpu]\nendpoint = \"vc-{site}\"\n\
         host = \"{host}\"\nswitch = \"dvs-{site}\"\ntarget_dpu = \"{standby}\"\n"
    )
}

#[tokio::test(start_paused = true)]
async fn while_it_switches_the_vcenter_is_the_items_alone() {
    for seed in 0..10 {
        let bench = Bench::new(&WorldSpec::pair(seed).groups(4).replications(0));
        let after = "depends_on = [\"elsewhere\"]";
        let mut plan = bench.plan_head();
        plan += &dpu(&bench, "in-flight", "west", "host-21", "");
        plan += &dpu(&bench, "elsewhere", "east", "host-11", "");
        plan += &dpu(&bench, "later", "west", "host-22", after);
        let _ = write!(
            plan,
            "[[items]]\nname = \"vcenter\"\ngroup = \"first\"\n{after}\n[items.vcha]\nendpoint = \"vc-west\"\nactivate = \"10.9.2.2\"\n"
        );
        // The first one is still under way when the vCenter's turn comes.
        bench.fault(FaultRule::new(MOVE, FaultAction::Delay { ms: 20_000 }).at("vc-west"));
        let watch = Watch::default();
        let outcome = bench
            .run_watched(&plan, Mode::Planned, Box::new(watch.clone()))
            .await;
        assert_done(&outcome, 4);
        assert_switched_once(&bench, 1);
        assert_eq!(bench.effects(MOVE), [1, 1, 1]);
        let (in_flight, vcenter, later) = (
            watch.span("in-flight"),
            watch.span("vcenter"),
            watch.span("later"),
        );
        assert!(
            watch.span("elsewhere").1 < in_flight.1,
            "the fault made no difference"
        );
        assert!(
            in_flight.1 <= vcenter.0,
            "what is in flight is drained: {in_flight:?} {vcenter:?}"
        );
        assert!(
            vcenter.1 <= later.0,
            "nothing begins meanwhile: {vcenter:?} {later:?}"
        );
        assert!(
            vcenter.1 - vcenter.0 >= 3_000,
            "it is the item's until it serves again"
        );
    }
}
