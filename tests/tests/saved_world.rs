//! `farside sim --save`: a world that goes on in another process.

#![cfg(unix)]

use std::fs;

use farside_tests::{Farside, Sim};
use serde_json::{Value, json};

#[test]
fn a_world_goes_on_in_another_process_and_at_another_speed() {
    let user = Farside::new();
    let small = [
        "--world",
        "odd",
        "--seed",
        "3",
        "--groups",
        "2",
        "--replications",
        "2",
    ];
    let first = Sim::start(&user, &[&small[..], &["--save", "world.saved"]].concat());
    let added = first.post("faults", &json!({"operation": "tasks.get", "do": "cut"}));
    first.post("clock", &json!({"advance_ms": 900_000}));
    let (before, faults, password) = seen(&first);
    assert_eq!(first.stop(), Some(0));
    assert!(before >= 900_000 && added != Value::Null);

    let second = Sim::start(&user, &["--world", "world.saved", "--speed", "1000"]);
    let (after, same_faults, same_password) = seen(&second);
    assert!(after >= before, "time goes on: {before}, {after}");
    assert_eq!((same_faults, same_password), (faults, password));

    let refused = user.run(&["sim", "--world", "world.saved", "--seed", "4"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("leave out --seed"), "{}", refused.stderr);
    fs::write(user.folder().join("world.saved"), "{\"farside_world\": 99}").expect("a file");
    let refused = user.run(&["sim", "--world", "world.saved"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("version 99"), "{}", refused.stderr);
}

/// `farside sim` is ended as soon as it says that it is ready, and the world is there all the same.
#[test]
fn a_world_that_is_ended_at_once_is_saved() {
    let user = Farside::new();
    let arguments = ["--groups", "0", "--replications", "0", "--save", "world.saved"];
    for _ in 0..10 {
        let sim = Sim::start(&user, &arguments);
        assert_eq!(sim.stop(), Some(0));
        let saved = user.folder().join("world.saved");
        fs::remove_file(saved).expect("the saved world");
    }
    for (place, why) in [("nowhere/world.saved", "No such file"), (".", "it is a folder")] {
        let refused = user.run(&["sim", "--save", place]);
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);
        let told = format!("cannot save the world to {place}");
        assert!(
            refused.stderr.contains(&told) && refused.stderr.contains(why),
            "{}",
            refused.stderr
        );
    }
}

/// The world's time, its fault rules, and the password of its first vCenter.
fn seen(sim: &Sim) -> (i64, Value, Value) {
    let now_ms = sim.get("clock")["now_ms"].as_i64().expect("a time");
    let rules = sim.get("faults")["faults"].clone();
    (now_ms, rules, sim.ready["vcenters"][0]["password"].clone())
}
