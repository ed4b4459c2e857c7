//! Bad input and a world that is not ready: the message says what is wrong and what to do, and nothing is touched.

use std::fs;
use std::path::PathBuf;

use farside_tests::{Farside, Finished, Sim, unattended};
use serde_json::{Value, json};

/// A simulator with its sample plan.
struct Scene {
    user: Farside,
    sim: Sim,
    plan: PathBuf,
}

impl Scene {
    fn new(groups: u32, replications: u32) -> Self {
        Self::of(&json!({"seed": 7, "groups": groups, "replications": replications}))
    }

    fn of(world: &Value) -> Self {
        let user = Farside::new();
        let file = user.folder().join("world.json");
        fs::write(&file, world.to_string()).expect("a world file");
        let plan = user.folder().join("plan.toml");
        let sim = Sim::start(
            &user,
            &[
                "--world",
                file.to_str().expect("a plain path"),
                "--sample-plan",
                plan.to_str().expect("a plain path"),
            ],
        );
        Self { user, sim, plan }
    }

    fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(&self.plan).expect("the sample plan");
        assert!(text.contains(from), "the sample plan has no {from}");
        fs::write(&self.plan, text.replacen(from, to, 1)).expect("the plan is writable");
    }

    fn run(&self) -> Finished {
        self.user.run(&unattended("planned", "j.db", &[]))
    }

    /// No action reached any server, and no run came into being.
    fn is_untouched(&self) {
        let calls = self.sim.get("calls");
        let actions: Vec<&Value> = calls["calls"]
            .as_array()
            .expect("a list of calls")
            .iter()
            .filter(|entry| entry["log"].as_array().is_some_and(|log| !log.is_empty()))
            .collect();
        assert!(actions.is_empty(), "{actions:#?}");
        let runs = self.user.run(&["status", "--json", "--journal", "j.db"]);
        if runs.code == Some(0) {
            assert_eq!(runs.last_json()["runs"], json!([]));
        }
    }
}

fn says(finished: &Finished, code: i32, words: &[&str]) {
    let said = format!("{}{}", finished.stdout, finished.stderr);
    assert_eq!(finished.code, Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is missing in: {said}");
    }
}

#[test]
fn an_unknown_key_is_told_with_its_place() {
    let scene = Scene::new(0, 1);
    scene.edit("power_on = true", "power_on = true\npower_of = true");
    let text = fs::read_to_string(&scene.plan).expect("the plan");
    let line = text
        .lines()
        .position(|line| line.starts_with("power_of"))
        .expect("the line")
        + 1;
    let place = format!("plan.toml:{line}:1: unknown key `power_of`");
    says(&scene.user.run(&["plan", "validate", "plan.toml"]), 2, &[&place]);
    says(&scene.run(), 2, &[&place]);
    scene.is_untouched();
}

#[test]
fn an_unknown_group_is_told_with_its_place_and_the_known_ones() {
    let scene = Scene::new(0, 1);
    scene.edit("group = \"applications\"", "group = \"aplications\"");
    let text = fs::read_to_string(&scene.plan).expect("the plan");
    let line = text
        .lines()
        .position(|line| line.contains("aplications"))
        .expect("the line")
        + 1;
    let place = format!("plan.toml:{line}:9");
    says(
        &scene.run(),
        2,
        &[
            &place,
            "no priority group `aplications`",
            "infrastructure, databases, applications",
        ],
    );
    scene.is_untouched();
}

#[test]
fn a_dependency_cycle_is_named() {
    let scene = Scene::new(0, 2);
    scene.edit(
        "name = \"vm-001\"\ngroup = \"applications\"",
        "name = \"vm-001\"\ngroup = \"applications\"\ndepends_on = [\"vm-002\"]",
    );
    scene.edit(
        "name = \"vm-002\"\ngroup = \"applications\"",
        "name = \"vm-002\"\ngroup = \"applications\"\ndepends_on = [\"vm-001\"]",
    );
    says(&scene.run(), 2, &["dependency cycle: vm-00", "plan.toml:"]);
    scene.is_untouched();
}

#[test]
fn an_unreachable_host_is_named() {
    let scene = Scene::new(0, 1);
    let url = scene.sim.ready["vcda"][1]["url"]
        .as_str()
        .expect("an address")
        .to_owned();
    // Port 1 of the loopback interface: nobody listens there.
    scene.edit(&url, "https://127.0.0.1:1");
    says(&scene.run(), 1, &["NO-GO", "127.0.0.1:1", "vm-001"]);
    scene.is_untouched();
}

#[test]
fn a_wrong_password_is_told_and_not_tried_again_and_again() {
    let scene = Scene::new(0, 3);
    let secrets = scene.plan.with_extension("passwords").join("vcda-west");
    fs::write(secrets, "wrong-password").expect("the password file is writable");
    let finished = scene.run();
    says(&finished, 1, &["NO-GO", "vm-001", "login"]);
    assert!(!format!("{}{}", finished.stdout, finished.stderr).contains("wrong-password"));
    let calls = scene.sim.get("calls");
    let entries = calls["calls"].as_array().expect("a list of calls");
    let logins = entries
        .iter()
        .filter(|entry| entry["operation"] == "sessions.login" && entry["endpoint"] == "west");
    let attempts: Vec<Option<u64>> = logins.map(|entry| entry["attempts"].as_u64()).collect();
    assert_eq!(attempts, [Some(1)], "{calls:#}");
    scene.is_untouched();
}

#[test]
fn a_wrong_pin_is_told_with_the_seen_one() {
    let scene = Scene::new(0, 1);
    let pin = scene.sim.ready["vcda"][1]["thumbprint"]
        .as_str()
        .expect("a thumbprint")
        .to_owned();
    let wrong = format!("SHA-256:{}", ["00"; 32].join(":"));
    scene.edit(&pin, &wrong);
    says(&scene.run(), 1, &["NO-GO", &pin, &wrong]);
    scene.is_untouched();
}

impl Scene {
    /// Lets both VCDA endpoints trust the known hosts of a file, and writes it. A simulated site is a host and a port.
    fn trust_known_hosts(&self, lines: impl Fn(&str, &str) -> String) {
        let mut file = String::from("# confirmed by hand\n");
        for server in self.sim.ready["vcda"].as_array().expect("the sites") {
            let [url, pin] = ["url", "thumbprint"].map(|name| server[name].as_str().expect("a text"));
            self.edit(&format!("pin = \"{pin}\""), "known_hosts = \"trust/known-hosts\"");
            file += &lines(url.trim_start_matches("https://"), pin);
        }
        let folder = self.user.folder().join("trust");
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("known-hosts"), file).expect("a file");
    }
}

#[test]
fn known_hosts_are_trusted_by_the_file_that_the_plan_names() {
    let scene = Scene::new(0, 2);
    scene.trust_known_hosts(|host, pin| format!("{host} {pin}\n"));
    says(&scene.run(), 0, &["4 done"]);
}

#[test]
fn a_host_that_the_known_hosts_do_not_list_is_told_and_so_is_a_file_that_cannot_be_used() {
    let scene = Scene::new(0, 1);
    scene.trust_known_hosts(|_, pin| format!("elsewhere.example {pin}\n"));
    says(&scene.run(), 1, &["NO-GO", "known-hosts", "vm-001"]);
    fs::write(scene.user.folder().join("trust/known-hosts"), "127.0.0.1\n").expect("a file");
    says(
        &scene.run(),
        1,
        &["NO-GO", "known-hosts:1", "a host and a thumbprint"],
    );
    scene.is_untouched();
}

#[test]
fn a_sha_1_pin_is_refused_with_the_reason() {
    let scene = Scene::new(0, 1);
    let pin = scene.sim.ready["vcda"][1]["thumbprint"]
        .as_str()
        .expect("a thumbprint")
        .to_owned();
    scene.edit(&pin, &"AB".repeat(20));
    says(&scene.run(), 2, &["plan.toml:", "SHA-1"]);
    scene.is_untouched();
}

#[test]
fn a_provider_that_is_offline_is_told() {
    let scene = Scene::of(&json!({"seed": 7, "groups": 2, "replications": 0,
        "vasa": {"providers": [{"max_batch_size": 8, "offline_at": ["vc-west"]}, {}]}}));
    says(&scene.run(), 1, &["NO-GO", "group-001", "offline"]);
    scene.is_untouched();
}

#[test]
fn a_group_in_the_wrong_state_is_told() {
    let scene = Scene::new(2, 0);
    // A test failover of the plan's first group, by an earlier run.
    let test = scene
        .user
        .run(&unattended("test", "other.db", &["--only", "group-001"]));
    assert_eq!(test.code, Some(0), "{}{}", test.stdout, test.stderr);
    let before = scene.sim.get("calls");
    says(&scene.run(), 1, &["NO-GO", "group-001", "INTEST"]);
    let after = scene.sim.get("calls");
    for operation in [
        "VasaProvider_SyncReplicationGroup_Task",
        "VasaProvider_FailoverReplicationGroup_Task",
    ] {
        assert_eq!(
            farside_tests::judge::attempts(&after, operation),
            farside_tests::judge::attempts(&before, operation)
        );
    }
}

#[test]
fn a_cluster_in_mode_disabled_is_told() {
    let scene = Scene::of(&json!({"seed": 7, "groups": 0, "replications": 0,
        "vcha": {"clusters": {"vc-west": {"mode": "DISABLED"}}}}));
    says(&scene.run(), 1, &["NO-GO", "vc-west", "DISABLED", "ENABLED"]);
    scene.is_untouched();
}

#[test]
fn a_journal_that_cannot_be_written_is_told() {
    let scene = Scene::new(0, 1);
    let finished = scene
        .user
        .run(&unattended("planned", "/proc/nowhere/journal.db", &[]));
    says(&finished, 2, &["/proc/nowhere"]);
    scene.is_untouched();
}

#[test]
fn a_journal_of_a_newer_version_is_left_alone() {
    let scene = Scene::new(0, 1);
    assert_eq!(scene.run().code, Some(0));
    // `user_version` of an SQLite file: four bytes at offset 60 of its header.
    let journal = scene.user.folder().join("j.db");
    let mut bytes = fs::read(&journal).expect("the journal");
    bytes[60..64].copy_from_slice(&9999_u32.to_be_bytes());
    for rest in ["j.db-wal", "j.db-shm"] {
        let _ = fs::remove_file(scene.user.folder().join(rest));
    }
    fs::write(&journal, &bytes).expect("the journal is writable");
    says(&scene.run(), 2, &["j.db", "9999"]);
    assert_eq!(fs::read(&journal).expect("the journal"), bytes);
}

#[test]
fn consent_is_demanded_where_nobody_can_be_asked() {
    let scene = Scene::new(0, 1);
    let run = |arguments: &[&str]| {
        let mut all = vec!["run", "plan.toml", "--journal", "j.db"];
        all.extend(arguments);
        scene.user.run(&all)
    };
    says(&run(&["--mode", "planned"]), 2, &["--yes"]);
    says(&run(&["--mode", "disaster", "--yes"]), 2, &["--accept-data-loss"]);
    says(&run(&["--mode", "disaster", "--accept-data-loss"]), 2, &["--yes"]);
    says(
        &run(&[
            "--mode",
            "disaster",
            "--yes",
            "--accept-data-loss",
            "--confirm",
            "other",
        ]),
        2,
        &["other", "sample"],
    );
    scene.is_untouched();
}

#[test]
fn odd_addresses_and_names_are_told_before_anything_is_asked() {
    let scene = Scene::new(0, 1);
    let url = scene.sim.ready["vcda"][1]["url"]
        .as_str()
        .expect("an address")
        .to_owned();
    let good = fs::read_to_string(&scene.plan).expect("the sample plan");
    for odd in [
        "https://x:99999",
        "https://x:0",
        "https://x:",
        "https://:443",
        "https://[::1",
        "http://x",
        "https://u:pw@x",
    ] {
        fs::write(&scene.plan, good.replace(&url, odd)).expect("the plan is writable");
        let finished = scene.user.run(&["plan", "validate", "plan.toml"]);
        says(&finished, 2, &["plan.toml:"]);
        assert!(!finished.stderr.contains("pw@"), "{}", finished.stderr);
    }
    fs::write(
        &scene.plan,
        good.replace("name = \"sample\"", "name = \"tier/1\""),
    )
    .expect("the plan is writable");
    says(&scene.run(), 2, &["plan.toml:3", "letters"]);
    fs::write(&scene.plan, &good).expect("the plan is writable");
    let outside = unattended("planned", "j.db", &["--run-id", "../outside"]);
    says(&scene.user.run(&outside), 2, &["--run-id", "letters"]);
    scene.is_untouched();
}

#[test]
fn a_world_that_is_described_wrongly_is_told_with_its_place() {
    let user = Farside::new();
    let file = user.folder().join("world.toml");
    let cases = [
        ("seed = 1\ngrops = 3\n", "world.toml:2:1: unknown field `grops`"),
        (
            "[vcda]\nrefuses_in_task = 1\n",
            "world.toml:2:19: invalid type: integer `1`, expected true or false",
        ),
        (
            "[vcha.clusters.moon]\n",
            "world.toml:1:1: `moon` is no vCenter of the world",
        ),
    ];
    for (text, place) in cases {
        fs::write(&file, text).expect("a world file");
        says(&user.run(&["sim", "--world", "world.toml"]), 2, &[place]);
    }
    fs::write(&file, "{\"seed\": true}").expect("a world file");
    says(
        &user.run(&["sim", "--world", "world.toml"]),
        2,
        &["line 1 column 13"],
    );
    says(
        &user.run(&["sim", "--world", "moon"]),
        2,
        &["cannot read the world moon", "`pair`, `odd`, `large`"],
    );
}

#[test]
fn a_speed_out_of_its_range_is_refused() {
    let user = Farside::new();
    for speed in ["0", "0.01", "1001", "NaN", "fast"] {
        says(
            &user.run(&["sim", "--speed", speed]),
            2,
            &["a number from 0.1 to 1000"],
        );
    }
}
