//! What is told of a plan that cannot be meant.

use std::path::Path;

use super::*;
use crate::kind::standard;

const PLAN: &str = r#"version = 1
name = "p"
protected_site = "east"
recovery_site = "west"
timing = { settle = "2m", deadline = "30m" }

[endpoints.vc-east]
type = "vcenter"
site = "east"
url = "https://vc-east"
username = "u"
password = { env = "P" }

[endpoints.vc-west]
type = "vcenter"
site = "west"
url = "https://vc-west"
username = "u"
password = { env = "P" }

[endpoints.av-east]
type = "vcda"
site = "east"
url = "https://av-east"
username = "u"
password = { env = "P" }
extensions.av-west = { site = "west" }

[endpoints.av-west]
type = "vcda"
site = "west"
url = "https://av-west"
username = "u"
password = { env = "P" }

[[groups]]
name = "first"

[[items]]
name = "switch"
group = "first"
dpu = { endpoint = "vc-east", host = "h", switch = "s", target_dpu = "d" }

[[items]]
name = "cluster"
group = "first"
vcha = { endpoint = "vc-east", activate = "10.0.0.1" }

[[items]]
name = "volumes"
group = "first"
[items.vasa.source]
endpoint = "vc-east"
provider = "p-east"
fault_domain = "f-east"
group = "g-east"
[items.vasa.target]
endpoint = "vc-west"
provider = "p-west"
fault_domain = "f-west"
group = "g-west"

[[items]]
name = "vm"
group = "first"
[items.vcda]
replication = "C4-2a6f5c1e-0000-4000-8000-000000000001"
source = "av-east"
destination = "av-west"
power_on = true
nics = 2
"#;

/// What is told of the plan with `to` in place of the first `from`.
#[track_caller]
fn told(from: &str, to: &str) -> String {
    assert!(PLAN.contains(from), "{from}");
    let text = PLAN.replacen(from, to, 1);
    match Document::parse(Path::new("plan.toml"), &text, &standard()) {
        Ok(_) => panic!("taken: {to}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_plan_of_these_tests_is_one() {
    Document::parse(Path::new("plan.toml"), PLAN, &standard()).expect("a plan");
}

// A mistyped key was told as the lack of the one that was meant, and a reader looked for it in vain.
#[test]
fn a_mistyped_key_is_told_as_such_and_with_the_keys_there_are() {
    for (right, wrong, place, known) in [
        (
            "protected_site",
            "protectd_site",
            "the plan",
            "protected_site, recovery_site",
        ),
        ("settle", "setle", "the plan.timing", "settle, deadline"),
        ("url", "uri", "endpoints.vc-east", "type, site, url"),
        ("env", "evn", "endpoints.vc-east.password", "env, file, command"),
        (
            "{ site = ",
            "{ sit = ",
            "endpoints.av-east.extensions.av-west",
            "site, username, password",
        ),
        (
            "[[groups]]\nname",
            "[[groups]]\nnam",
            "priority group number 1",
            "name",
        ),
        (
            "[[items]]\nname",
            "[[items]]\nnam",
            "item number 1",
            "name, group, depends_on, timing, dpu, vasa",
        ),
        (
            "\ndpu = ",
            "\ndup = ",
            "item switch",
            "name, group, depends_on, timing, dpu, vasa",
        ),
        (
            "target_dpu",
            "target_dup",
            "item switch.dpu",
            "endpoint, host, switch, target_dpu",
        ),
        ("activate", "active", "item cluster.vcha", "endpoint, activate"),
        (
            "vasa.source",
            "vasa.sorce",
            "item volumes.vasa",
            "source, target, point_in_time",
        ),
        (
            "fault_domain",
            "faultdomain",
            "item volumes.vasa.source",
            "provider, fault_domain",
        ),
        ("nics", "nicks", "item vm.vcda", "consolidate, nics"),
        ("power_on", "power", "item vm.vcda", "home, power_on"),
    ] {
        let told = told(right, wrong);
        let key = wrong.trim_matches(['{', '[', ']', '\n', ' ', '=']);
        let key = key.rsplit(['\n', '.']).next().unwrap_or_default();
        assert!(
            told.contains(&format!(": unknown key `{key}` in {place} (known: ")),
            "{told}"
        );
        assert!(told.contains(known), "{told}");
    }
}

#[test]
fn what_a_plan_of_another_version_may_hold_is_not_guessed() {
    let told = told("version = 1", "version = 2\ntimings = []");
    assert_eq!(told, "plan.toml:1:11: plan version 2 is not known (known: 1)");
}

// With a settle time of nothing a call whose answer was lost was sent again at once.
#[test]
fn a_settle_time_of_less_than_two_seconds_is_refused_at_its_place() {
    let least = "`settle` must be at least 2 s";
    for short in ["0s", "0ms", "1999ms"] {
        let plan = told("settle = \"2m\"", &format!("settle = \"{short}\""));
        assert!(plan.starts_with(&format!("plan.toml:5:21: {least}")), "{plan}");
        let item = told(
            "name = \"cluster\"",
            &format!("name = \"cluster\"\ntiming = {{ settle = \"{short}\" }}"),
        );
        assert!(item.starts_with(&format!("plan.toml:46:21: {least}")), "{item}");
    }
    let enough = PLAN.replacen("2m", "2s", 1);
    Document::parse(Path::new("plan.toml"), &enough, &standard()).expect("a plan");
}
