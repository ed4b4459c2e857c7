//! A vCenter whose nodes have addresses of their own: over HTTPS, for `farside` and for `curl`; and worlds with sites of any name.

#![cfg(unix)]

use std::fs;
use std::process::Command;

use farside_tests::{Farside, Sim, unattended};
use serde_json::Value;

const WORLD: &str = r#"
groups = 2
replications = 2

[[sites]]
name = "lyon"

[[sites]]
name = "graz"

[[sites]]
name = "oslo"

[vcha]
outage_ms = 1000

[vcha.clusters.vc-graz]
failover_ips = ["198.51.100.20", "203.0.113.20"]
"#;

/// What curl is answered when it greets a vCenter; nothing where nobody answers.
fn greeted(user: &Farside, url: &str) -> String {
    let output = Command::new("curl")
        .args(["--silent", "--max-time", "10", "--cacert", "ca.pem"])
        .args(["--header", "Content-Type: application/json"])
        .args(["--data", r#"{"api_releases": ["8.0.3.0"]}"#])
        .arg(format!("{url}/api/vcenter/system?action=hello"))
        .current_dir(user.folder())
        .output()
        .expect("curl starts");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_run_with_both_addresses_survives_the_switch_and_curl_finds_the_vcenter_at_the_second() {
    let user = Farside::new();
    fs::write(user.folder().join("world.toml"), WORLD).expect("a world file");
    let sim = Sim::start(
        &user,
        &[
            "--world",
            "world.toml",
            "--sample-plan",
            "plan.toml",
            "--ca-file",
            "ca.pem",
        ],
    );
    let names: Vec<&Value> = (0..3)
        .map(|index| &sim.ready["vcenters"][index]["name"])
        .collect();
    assert_eq!(names, ["vc-graz", "vc-lyon", "vc-oslo"]);
    let graz = &sim.ready["vcenters"][0];
    let first = graz["url"].as_str().expect("an address");
    let second = graz["also_at"][0].as_str().expect("a further address");
    assert_eq!(greeted(&user, first), r#"{"api_release":"8.0.3.0"}"#);
    assert_eq!(greeted(&user, second), "");

    let plan = user.folder().join("plan.toml");
    let text = fs::read_to_string(&plan).expect("the sample plan");
    assert!(
        text.contains("protected_site = \"lyon\"\nrecovery_site = \"graz\"\n"),
        "{text}"
    );
    assert!(text.contains(&format!("also_at = [\"{second}\"]")), "{text}");
    assert!(!text.contains("oslo"), "{text}");
    fs::write(&plan, text.replace("settle = \"20s\"", "settle = \"4s\"")).expect("the plan is writable");
    let ended = user.run(&unattended("planned", "j.db", &[]));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);

    assert_eq!(greeted(&user, first), "");
    assert_eq!(greeted(&user, second), r#"{"api_release":"8.0.3.0"}"#);
    let endpoints = sim.get("endpoints");
    let addresses = &endpoints["endpoints"][3]["addresses"];
    assert_eq!(addresses[0]["state"], "idle", "{endpoints}");
    assert_eq!(addresses[1]["state"], "listening", "{endpoints}");
    assert_eq!(addresses[1]["url"], *second, "{endpoints}");
    let cluster = &sim.get("overview")["clusters"][0];
    assert_eq!(
        (&cluster["active"], &cluster["switches"]),
        (&Value::from(2), &Value::from(1))
    );
}

#[test]
fn a_world_with_one_site_has_no_sample_plan_and_says_so() {
    let user = Farside::new();
    let world = "groups = 0\nreplications = 0\n[[sites]]\nname = \"solo\"\n";
    fs::write(user.folder().join("world.toml"), world).expect("a world file");
    let sim = Sim::start(&user, &["--world", "world.toml"]);
    assert_eq!(sim.ready["vcda"][0]["site"], "solo");
    let refused = user.run(&["sim", "--world", "world.toml", "--sample-plan", "plan.toml"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("a world with two sites"),
        "{}",
        refused.stderr
    );
    assert!(refused.stdout.is_empty());
}
