//! Disasters, preflight, and what a plan or a run refuses.

use farside_engine::Mode;
use farside_failover::kind::Verdict;
use farside_simulator::vcda::RecoveryState;

use crate::site::{all, assert_done, ids, plan, plan_with, spec};
use crate::support::Bench;

#[tokio::test(start_paused = true)]
async fn a_disaster_sends_nothing_to_the_protected_site() {
    let bench = Bench::new(&spec(5));
    bench.world().set_reachable("east", false);
    let plan = plan(&bench);
    let check = bench.check(&plan, Mode::Disaster).await;
    assert_eq!(check.verdict, Verdict::Warning, "{check:#?}");
    let losses: Vec<&str> = check.losses().map(|(_, loss)| loss).collect();
    assert_eq!(losses.len(), 5);
    assert!(losses[0].starts_with("everything written to vm-"), "{losses:?}");
    assert_done(&bench.run(&plan, Mode::Disaster).await, 5);
    assert_eq!(bench.heard("east"), 0);
    all(&bench, RecoveryState::Complete, "west");
}

#[tokio::test(start_paused = true)]
async fn a_disaster_recovers_from_the_instance_that_the_plan_names() {
    let bench = Bench::new(&spec(1));
    let oldest = bench.world().vcda().replications().next().unwrap().instances[0]
        .key
        .clone();
    let chosen = plan_with(&bench, &format!("instance = \"{oldest}\""));
    let check = bench.check(&chosen, Mode::Disaster).await;
    assert_ne!(check.verdict, Verdict::NoGo, "{check:#?}");
    assert_done(&bench.run(&chosen, Mode::Disaster).await, 1);
    let from = bench
        .world()
        .vcda()
        .replications()
        .next()
        .unwrap()
        .destination_vm
        .clone()
        .unwrap()
        .instance;
    assert_eq!(from, Some(oldest));

    let bench = Bench::new(&spec(1));
    let unknown = plan_with(&bench, "instance = \"replica-unknown\"");
    let check = bench.check(&unknown, Mode::Disaster).await;
    assert!(
        check
            .complaints()
            .any(|(_, condition)| condition.name == "chosen instance"),
        "{check:#?}"
    );
    let outcome = bench.run(&unknown, Mode::Disaster).await;
    assert_eq!(outcome.counts(), [0, 1, 0, 0], "{}", outcome.notes());
    outcome.assert_says("The instance is not known.");
}

#[tokio::test(start_paused = true)]
async fn a_failback_needs_a_reprotect_and_a_reprotect_a_failover() {
    let bench = Bench::new(&spec(1));
    let plan = plan(&bench);
    let outcome = bench.run(&plan, Mode::Failback).await;
    assert_eq!(outcome.counts(), [0, 0, 1, 0], "{}", outcome.notes());
    assert!(
        outcome
            .notes()
            .contains("no reprotect of this item in this journal"),
        "{}",
        outcome.notes()
    );
    let outcome = bench.run(&plan, Mode::Reprotect).await;
    assert_eq!(outcome.counts(), [0, 1, 0, 0], "{}", outcome.notes());
    outcome.assert_says("nothing has been failed over");
    assert_eq!(bench.attempts("vmReplications.reverse"), 0);

    // Away from home, the plan's own direction cannot be run.
    for mode in [Mode::Planned, Mode::Reprotect] {
        assert_done(&bench.run(&plan, mode).await, 1);
    }
    let outcome = bench.run(&plan, Mode::Planned).await;
    assert_eq!(outcome.counts(), [0, 1, 0, 0], "{}", outcome.notes());
    outcome.assert_says("does not lead to vcda-west");
    for mode in [Mode::Failback, Mode::Reprotect] {
        assert_done(&bench.run(&plan, mode).await, 1);
    }
    let outcome = bench.run(&plan, Mode::Failback).await;
    outcome.assert_says("it is at home");
}

#[tokio::test(start_paused = true)]
async fn a_reprotect_says_what_it_removes() {
    let bench = Bench::new(&spec(1));
    let plan = plan(&bench);
    bench.run(&plan, Mode::Planned).await;
    let check = bench.check(&plan, Mode::Reprotect).await;
    let losses: Vec<&str> = check.losses().map(|(_, loss)| loss).collect();
    assert_eq!(losses, ["the original VM vm-001 at east is removed"]);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_a_no_go_that_says_where_to_look_and_nothing_is_touched() {
    let bench = Bench::new(&spec(3));
    bench.set_password("west", "wrong");
    let plan = plan(&bench);
    let check = bench.check(&plan, Mode::Planned).await;
    assert_eq!(check.verdict, Verdict::NoGo);
    let (_, condition) = check.complaints().next().unwrap();
    assert_eq!(condition.name, "session at vcda-west");
    let hint = condition.hint.as_deref().unwrap();
    assert!(hint.contains("[endpoints.vcda-west]"), "{hint}");
    assert_eq!(bench.attempts("sessions.login"), 2, "one at each site");

    let outcome = bench.run(&plan, Mode::Planned).await;
    assert_eq!(outcome.counts(), [0, 3, 0, 0], "{}", outcome.notes());
    assert_eq!(bench.attempts("sessions.login"), 3);
    assert_eq!(bench.attempts("vmReplications.migrate"), 0);
    assert!(!outcome.notes().contains("wrong\""), "{}", outcome.notes());
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_host_and_an_unknown_replication_are_no_go() {
    let bench = Bench::new(&spec(1));
    let plan = plan(&bench);
    bench.world().set_reachable("west", false);
    let check = bench.check(&plan, Mode::Test).await;
    assert_eq!(check.verdict, Verdict::NoGo);
    bench.world().set_reachable("west", true);
    let unknown = plan.replace(&ids(&bench)[0], "C4-00000000-1111-4222-8333-444455556666");
    let check = bench.check(&unknown, Mode::Test).await;
    let names: Vec<&str> = check
        .complaints()
        .map(|(_, condition)| condition.name.as_str())
        .collect();
    assert_eq!(names, ["replication"], "{check:#?}");
}

#[test]
fn the_plan_is_held_to_what_the_kind_needs() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let bench = Bench::new(&spec(1));
        let good = plan(&bench);
        let wrong = |text: &str| {
            let path = std::path::Path::new("plan.toml");
            let error = farside_failover::plan::Document::parse(path, text, &bench.kinds).unwrap_err();
            error.to_string()
        };
        let without_power = good.replace("power_on = true\n", "");
        assert!(wrong(&without_power).contains("never left to the service"));
        let other_flavour = good.replace("\"C4-", "\"H4-");
        assert!(wrong(&other_flavour).contains("vSphere flavour"));
        let same_side = good.replace("source = \"vcda-east\"", "source = \"vcda-west\"");
        assert!(wrong(&same_side).contains("same site"));
        let no_service = good.replace("source = \"vcda-east\"", "source = \"vc-east\"");
        assert!(wrong(&no_service).contains("type vcenter, not vcda"));
        let unknown_key = good.replace("power_on = true", "power_on = true\npower = 1");
        assert!(wrong(&unknown_key).contains("unknown key `power`"));
        let target = good.replace("power_on = true", "power_on = true\ntarget = \"cloud\"");
        assert!(wrong(&target).contains("known: vcloud, vcenter"));
    });
}

#[test]
fn what_cannot_be_of_an_item_or_an_address_is_told_in_its_own_words() {
    let bench = Bench::new(&spec(1));
    let plan = plan(&bench);
    let told = |from: &str, to: &str| {
        assert!(plan.contains(from), "{plan}");
        bench.problem(&plan.replacen(from, to, 1))
    };
    // A test would name each of them in its request.
    let cards = told("nics = 1", "nics = 4000000000");
    assert!(
        cards.contains("a VM has at most 10 network cards, not 4000000000"),
        "{cards}"
    );
    // It was taken for a wrong port.
    let user = told("https://vc-east", "https://user:hunter2@vc-east");
    assert!(
        user.contains("without a path or a user") && !user.contains("hunter2"),
        "{user}"
    );
    let groups = told(
        "[[groups]]\nname = \"first\"\n\n[[groups]]\nname = \"second\"\n",
        "",
    );
    assert!(groups.contains("in the plan (there are none)"), "{groups}");
}
