//! Everything that can be read of an object, held against the schema: no value lacks what its type requires.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{EAST, ask, bench, retrieve};
use crate::dpu::HostTrouble;
use crate::testbench::Schema;
use crate::vi_json::types;

/// How deep paths go; the deepest property of use has four steps.
const DEPTH: usize = 5;

/// All paths into a type that the simulator knows, without those that are not answered whole.
fn paths(type_name: &str, prefix: &str, depth: usize, found: &mut BTreeSet<String>) {
    for (name, declared, array) in types::members(type_name) {
        let path = format!("{prefix}{name}");
        if depth > 1 && !array {
            paths(declared, &format!("{path}."), depth - 1, found);
        }
        if !types::is_partial(declared) {
            found.insert(path);
        }
    }
}

#[test]
fn every_property_that_is_answered_is_whole() {
    let schema = Schema::read("vi-json/vi-json.json");
    let objects = [
        ("HostSystem", "host-11"),
        ("HostNetworkSystem", "networkSystem-11"),
        ("VmwareDistributedVirtualSwitch", "dvs-11"),
    ];
    let troubles = [
        None,
        Some(HostTrouble::NotOffloaded),
        Some(HostTrouble::StandbyDown),
        Some(HostTrouble::PartialMaintenance),
        Some(HostTrouble::Disconnected),
    ];
    for trouble in troubles {
        let mut bench = bench();
        if let Some(trouble) = trouble {
            bench.world.hosts_mut().set_trouble("host-11", trouble, true);
        }
        for (type_name, mo_id) in objects {
            let mut found = BTreeSet::new();
            paths(type_name, "", DEPTH, &mut found);
            let paths: Vec<&str> = found.iter().map(String::as_str).collect();
            let answer = ask(
                &mut bench,
                &retrieve(type_name, &[(type_name, mo_id)], &paths, json!({})),
            );
            assert_eq!(answer.status, 200, "{}", answer.value());
            schema.check("", &answer.value());
            let set = answer.value()["objects"][0]["propSet"].clone();
            let names: Vec<Value> = set
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["name"].clone())
                .collect();
            assert!(names.len() > paths.len() / 2, "{type_name}: {names:?}");
            for path in paths.iter().filter(|path| !path.contains('.')) {
                let got = bench.get(EAST, &format!("/{type_name}/{mo_id}/{path}"));
                assert_eq!(got.status, 200, "{path}: {}", got.value());
                schema.check("", &got.value());
            }
        }
    }
}

#[test]
fn the_content_and_the_session_are_whole() {
    let schema = Schema::read("vi-json/vi-json.json");
    let mut bench = bench();
    let content = bench
        .get(EAST, "/ServiceInstance/ServiceInstance/content")
        .value();
    assert_eq!(content["_typeName"], "ServiceContent");
    schema.check("", &content);
    let (user, password) = bench.credentials(EAST);
    let session = super::login(&mut bench, &user, &password).value();
    assert_eq!(session["_typeName"], "UserSession");
    schema.check("", &session);
}
