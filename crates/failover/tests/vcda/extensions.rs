//! Sessions that are good for both sites.

use std::fmt::Write as _;

use farside_engine::{EndpointId, Mode};
use farside_failover::kind::Verdict;
use farside_failover::plan::EndpointConfig;
use farside_simulator::WorldSpec;
use farside_simulator::vcda::VcdaSpec;

use crate::site::{LIFE, all, assert_done, plan, spec};
use crate::support::Bench;

// Some services want a session that is good for both sites: all calls that move a replication were refused there.
#[tokio::test(start_paused = true)]
async fn a_session_is_extended_to_the_other_site_where_the_service_wants_that() {
    for not_authenticated in [false, true] {
        let mut vcda = VcdaSpec::default();
        vcda.needs_extension = true;
        vcda.missing_extension_is_not_authenticated = not_authenticated;
        let bench = Bench::new(&spec(3).vcda(vcda));
        let plan = plan(&bench);
        for (mode, operation, state, towards) in LIFE {
            let (before, extended) = (bench.effects(operation), bench.attempts("sessions.extend"));
            let before: u64 = before.iter().sum();
            assert_done(&bench.run(&plan, mode).await, 3);
            all(&bench, state, towards);
            let after: u64 = bench.effects(operation).iter().sum();
            assert_eq!(after - before, 3, "{mode}");
            let extended = bench.attempts("sessions.extend") - extended;
            let moves = matches!(operation, "vmReplications.migrate" | "vmReplications.reverse");
            assert_eq!(extended, u64::from(moves), "{mode} extends its session");
        }
        assert_eq!(bench.overlaps(), 0);
        assert_eq!(
            bench.attempts("sessions.logout"),
            bench.attempts("sessions.login")
        );
    }
}

/// A plan whose endpoints extend their sessions to each other's sites.
fn extended(bench: &Bench) -> String {
    let mut plan = plan(bench);
    for (from, to) in [("east", "west"), ("west", "east")] {
        let _ = write!(
            plan,
            "\n[endpoints.vcda-{from}.extensions.vcda-{to}]\nsite = \"{to}\"\n"
        );
    }
    plan
}

/// How often a session at a site was extended.
fn extensions(bench: &Bench, endpoint: &str) -> u64 {
    let world = bench.world();
    let entries = world.calls().entries().into_iter();
    let of_it = entries.filter(|calls| calls.operation == "sessions.extend" && calls.endpoint == endpoint);
    of_it.map(|calls| calls.entry.attempts).sum()
}

fn needs_extension(replications: u32) -> WorldSpec {
    let mut vcda = VcdaSpec::default();
    vcda.needs_extension = true;
    spec(replications).vcda(vcda)
}

#[tokio::test(start_paused = true)]
async fn a_migration_and_a_reversal_that_need_the_other_site_go_by_an_extension() {
    let bench = Bench::new(&needs_extension(3));
    let plan = extended(&bench);
    let check = bench.check(&plan, Mode::Planned).await;
    assert_eq!(check.verdict, Verdict::Go, "{check:#?}");
    for mode in [Mode::Planned, Mode::Reprotect, Mode::Failback] {
        let outcome = bench.run(&plan, mode).await;
        assert_eq!(outcome.counts(), [3, 0, 0, 0], "{mode:?}: {}", outcome.notes());
    }
    // One for each run and the check, however many items they have; the way back is asked for at the other site.
    assert_eq!((extensions(&bench, "west"), extensions(&bench, "east")), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn an_extension_may_have_credentials_of_its_own_and_wrong_ones_are_told_before_the_run() {
    let bench = Bench::new(&needs_extension(1));
    let right = extended(&bench).replace(
        "[endpoints.vcda-west.extensions.vcda-east]\n",
        &format!(
            "[endpoints.vcda-west.extensions.vcda-east]\nusername = \"{}\"\npassword = {{ file = \"east\" }}\n",
            bench.world().endpoint("east").unwrap().user
        ),
    );
    assert_eq!(bench.check(&right, Mode::Planned).await.verdict, Verdict::Go);
    let wrong = right.replace("{ file = \"east\" }", "{ file = \"west\" }");
    let check = bench.check(&wrong, Mode::Planned).await;
    assert_eq!(check.verdict, Verdict::NoGo, "{check:#?}");
    let told = check
        .complaints()
        .find(|(_, complaint)| complaint.name.contains("extended to site east"));
    let hint = told.unwrap().1.hint.as_deref().unwrap();
    assert!(
        hint.contains("[endpoints.vcda-west.extensions.vcda-east]"),
        "{hint}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_disaster_and_a_test_extend_nothing_and_leave_the_protected_site_alone() {
    for mode in [Mode::Disaster, Mode::Test] {
        let bench = Bench::new(&needs_extension(2));
        let outcome = bench.run(&extended(&bench), mode).await;
        assert_eq!(outcome.counts(), [2, 0, 0, 0], "{mode:?}: {}", outcome.notes());
        assert_eq!((extensions(&bench, "west"), extensions(&bench, "east")), (0, 0));
        if mode == Mode::Disaster {
            assert_eq!(bench.heard("east"), 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_an_extension_is_told_with_its_place() {
    let bench = Bench::new(&spec(1));
    let plan = plan(&bench);
    let line = plan.lines().count() + 2;
    let with = |table: &str| bench.problem(&format!("{plan}\n{table}\n"));
    for (table, column, words) in [
        (
            "[endpoints.vcda-west.extensions.vcda-north]\nsite = \"n\"",
            1,
            "no endpoint vcda-north in the plan to extend vcda-west to (there are: vc-east, vc-west, vcda-east, vcda-west)",
        ),
        (
            "[endpoints.vcda-west.extensions.vcda-west]\nsite = \"west\"",
            1,
            "endpoint vcda-west is extended to itself",
        ),
        (
            "[endpoints.vcda-west.extensions.vc-east]\nsite = \"east\"",
            1,
            "endpoint vc-east is of type vcenter, not vcda",
        ),
        (
            "[endpoints.vcda-west.extensions.vcda-east]",
            1,
            "endpoints.vcda-west.extensions.vcda-east lacks `site`",
        ),
        (
            "[endpoints.vcda-west.extensions.vcda-east]\nsite = \"east\"\nusername = \"u\"",
            1,
            "`username` and `password` come together, or neither: then those of [endpoints.vcda-east] are used",
        ),
    ] {
        let problem = with(table);
        let place = format!(":{line}:{column}: {words}");
        assert!(problem.contains(&place), "{problem}\n{place}");
    }
    let unknown = with("[endpoints.vcda-west.extensions.vcda-east]\nsite = \"east\"\nuser = \"u\"");
    assert!(
        unknown.contains(&format!(":{}:1: unknown key `user`", line + 2)),
        "{unknown}"
    );
    let inline = with(
        "[endpoints.vcda-west.extensions.vcda-east]\nsite = \"east\"\nusername = \"u\"\npassword = \"secret\"",
    );
    assert!(
        inline.contains(&format!(":{}:12: `password`", line + 3)),
        "{inline}"
    );
    assert!(!inline.contains("secret"), "{inline}");
    let vcenter = with("[endpoints.vc-west.extensions.vc-east]\nsite = \"east\"");
    assert!(
        vcenter.contains("only an endpoint of type vcda has extensions"),
        "{vcenter}"
    );
    let two = plan.replacen(
        "max_calls = 8\n",
        "max_calls = 8\npin = \"x\"\nknown_hosts = \"hosts\"\n",
        1,
    );
    let two = bench.problem(&two);
    assert!(
        two.contains("use only one of `ca_file`, `known_hosts`, `pin`"),
        "{two}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_journal_names_where_the_password_of_an_extension_comes_from_and_not_the_password() {
    let bench = Bench::new(&needs_extension(1));
    let document = bench.document(&extended(&bench));
    let endpoint = &document.endpoints[&EndpointId::new("vcda-west")];
    let text = serde_json::to_string(endpoint).unwrap();
    assert!(text.contains("extensions") && !text.contains(&bench.world().endpoint("east").unwrap().password));
    assert_eq!(serde_json::from_str::<EndpointConfig>(&text).unwrap(), *endpoint);
    let mut before = serde_json::to_value(endpoint).unwrap();
    before.as_object_mut().unwrap().remove("extensions");
    let read: EndpointConfig = serde_json::from_value(before).unwrap();
    assert!(
        read.extensions.is_empty(),
        "journals of before have no such member"
    );
}
