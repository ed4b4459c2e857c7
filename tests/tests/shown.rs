//! What the command shows: results that cannot be written, what a run would skip, and commands that can be typed as they stand.

use std::fs::File;
use std::time::Duration;

use farside_tests::{Farside, Sim, until};

/// A served world of two replication groups and two replications, with its plan.
fn scene() -> (Farside, Sim) {
    let user = Farside::new();
    let sim = Sim::start(
        &user,
        &[
            "--groups",
            "2",
            "--replications",
            "2",
            "--sample-plan",
            "plan.toml",
        ],
    );
    (user, sim)
}

#[test]
fn a_result_that_finds_no_room_is_told_and_the_exit_code_stays_that_of_the_command() {
    let (user, _sim) = scene();
    let full = File::options()
        .write(true)
        .open("/dev/full")
        .expect("a full disk");
    let validated = user
        .command(&["plan", "validate", "plan.toml"])
        .stdout(full)
        .output();
    let validated = validated.expect("farside starts");
    let said = String::from_utf8_lossy(&validated.stderr);
    assert!(said.contains("could not be written to stdout"), "{said}");
    assert_eq!(validated.status.code(), Some(0));
}

#[test]
fn a_check_counts_what_a_run_would_skip_and_says_why_once() {
    let (user, _sim) = scene();
    let check = user.run(&["check", "plan.toml", "--for", "failback"]);
    let lines: Vec<&str> = check
        .stdout
        .lines()
        .filter(|line| line.starts_with("skipped"))
        .collect();
    assert_eq!(lines.len(), 2, "{}", check.stdout);
    assert!(
        lines[0].starts_with("skipped  group-001, group-002: "),
        "{lines:?}"
    );
    let counts = "2 ready, 0 with warnings, 0 blocked, 4 skipped.";
    assert!(check.stdout.contains(counts), "{}", check.stdout);
}

// "mend this, or leave the item out with --only" stood below each of 24 groups.
#[test]
fn a_hint_that_complaints_share_is_given_once() {
    let (user, _sim) = scene();
    let test = ["run", "plan.toml", "--mode", "test", "--yes", "--journal", "j.db"];
    assert_eq!(user.run(&test).code, Some(1));
    let check = user.run(&["check", "plan.toml", "--for", "planned"]);
    let blocked = check.stdout.lines().filter(|line| line.starts_with("NO-GO"));
    assert!(blocked.count() > 1, "{}", check.stdout);
    let hint = "leave the item out with --only";
    assert_eq!(check.stdout.matches(hint).count(), 1, "{}", check.stdout);
}

#[test]
fn the_command_that_takes_a_run_up_names_its_journal_unless_it_is_the_default_one() {
    let (user, sim) = scene();
    // Nothing that starts comes to its end before the run is killed.
    let all = serde_json::json!({"service": "vcda", "operation": "vmReplications.migrate", "count": "all",
        "do": {"delay": {"ms": 600_000}}});
    sim.post("faults", &all);
    for (journal, shown) in [
        (None, "interrupted; go on with: farside resume r1\n"),
        (
            Some("my runs.db"),
            "interrupted; go on with: farside resume r1 --journal 'my runs.db'\n",
        ),
    ] {
        let place: Vec<&str> = journal.iter().flat_map(|name| ["--journal", *name]).collect();
        let mut run = vec!["run", "plan.toml", "--mode", "planned", "--yes", "--run-id", "r1"];
        run.extend(["--only", "vm-001"].iter().chain(&place));
        let mut status = vec!["status"];
        status.extend(&place);
        let mut child = user.start(&run);
        until("the run is under way", Duration::from_secs(60), || {
            user.run(&status).stdout.contains("running")
        });
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        let told = user.run(&status).stdout;
        assert!(told.ends_with(shown), "{told}");
    }
}

// What stood in the way of a run was told with commands that looked for it in the default journal.
#[test]
fn the_commands_that_are_told_with_an_error_of_a_journal_name_it() {
    let (user, sim) = scene();
    let all = serde_json::json!({"service": "vcda", "operation": "vmReplications.migrate", "count": "all",
        "do": {"delay": {"ms": 600_000}}});
    sim.post("faults", &all);
    let place = ["--journal", "my runs.db"];
    let run = |id, more: &[&'static str]| {
        let run = [
            "run",
            "plan.toml",
            "--mode",
            "planned",
            "--yes",
            "--run-id",
            id,
            "--only",
            "vm-001",
        ];
        [run.as_slice(), &place, more].concat()
    };
    let status = ["status", place[0], place[1]];
    let mut child = user.start(&run("r1", &[]));
    until("the run is under way", Duration::from_secs(60), || {
        user.run(&status).stdout.contains("running")
    });
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    let journal = user.folder().join("my runs.db");
    let journal = format!("--journal '{}'", journal.display());
    let held = user.run(&run("r2", &[])).stderr;
    let way_out = format!(
        "hint: finish that run with: farside resume r1 {journal}; or give it up with: farside abort r1 {journal}\n"
    );
    assert!(held.ends_with(&way_out), "{held}");
    let there = user.run(&run("r1", &[])).stderr;
    assert!(
        there.ends_with(&format!(
            "hint: see what became of that run with: farside status r1 {journal}\n"
        )),
        "{there}"
    );
    let unknown = user.run(&["report", "r9", place[0], place[1]]).stderr;
    assert!(
        unknown.ends_with(&format!("hint: list its runs with: farside status {journal}\n")),
        "{unknown}"
    );
    let report = user.run(&["report", "r1", place[0], place[1]]).stdout;
    assert!(
        report.ends_with("\n\nGo on with: farside resume r1 --journal 'my runs.db'\n"),
        "{report}"
    );
}
