//! Faults from a file, through the whole command and over HTTPS.

use std::fs;

use farside_tests::judge::{Demand, complaints};
use farside_tests::{Farside, Sim, unattended};

#[test]
fn answers_that_are_cut_are_looked_after_and_nothing_is_done_twice() {
    let user = Farside::new();
    let faults = user.folder().join("faults.toml");
    let rules = r#"
[[fault]]
service = "vcda"
operation = "vmReplications.migrate"
count = "all"
do = { cut_answer = { after_bytes = 10 } }

[[fault]]
service = "sms"
operation = "VasaProvider_FailoverReplicationGroup_Task"
do = { cut_answer = { after_bytes = 1 } }
"#;
    fs::write(&faults, rules).expect("a file");
    let plan = user.folder().join("plan.toml");
    let path = |path: &std::path::Path| path.to_str().expect("a plain path").to_owned();
    let sim = Sim::start(
        &user,
        &[
            "--groups",
            "4",
            "--replications",
            "4",
            "--faults",
            &path(&faults),
            "--sample-plan",
            &path(&plan),
        ],
    );
    let text = fs::read_to_string(&plan).expect("the sample plan");
    fs::write(&plan, text.replace("settle = \"20s\"", "settle = \"4s\"")).expect("the plan is writable");

    let ended = user.run(&unattended("planned", "j.db", &[]));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let rules = sim.get("faults");
    assert_eq!(rules["faults"][0]["hits"], 4, "{rules}");
    assert_eq!(rules["faults"][1]["hits"], 1, "{rules}");
    let demands = [
        Demand::once("vmReplications.migrate", "vm-replications/", 4),
        Demand::once("VasaProvider_FailoverReplicationGroup_Task", "groups/", 4),
    ];
    let found = complaints(&sim.get("calls"), &demands);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_file_of_faults_that_makes_no_sense_is_refused_with_its_place() {
    let user = Farside::new();
    let file = user.folder().join("faults.toml");
    for (text, wanted) in [
        (
            "[[fault]]\ndo = \"explode\"\n",
            "faults.toml:2:6: unknown variant `explode`, expected one of `drop_answer`, ",
        ),
        (
            "[[fault]]\ndo = { fill_disk = { site = \"moon\" } }\n",
            "faults.toml:1:1: there is no site \"moon\"; there are: east, west",
        ),
    ] {
        fs::write(&file, text).expect("a file");
        let ended = user.run(&["sim", "--faults", "faults.toml"]);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(wanted), "{}", ended.stderr);
        assert!(ended.stdout.is_empty());
    }
    let ended = user.run(&["sim", "--faults", "nowhere.toml"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("cannot read the faults nowhere.toml"),
        "{}",
        ended.stderr
    );
}
