use std::collections::BTreeMap;
use std::fs;

use super::{
    ALLOWED, Allowed, Edge, Manifests, RESERVED, always_served, engine_extras, trespasses, unused,
    violations, workspace_root,
};

fn this_workspace() -> Manifests {
    let manifests = Manifests::read(&workspace_root()).expect("the manifests can be read");
    assert!(
        manifests.packages.contains("farside-wire"),
        "read the wrong workspace: {manifests:?}"
    );
    manifests
}

fn manifests(packages: &[&str], edges: impl IntoIterator<Item = Edge>) -> Manifests {
    Manifests {
        packages: packages.iter().map(ToString::to_string).collect(),
        edges: edges.into_iter().collect(),
    }
}

fn ours(from: &str, to: &str) -> Edge {
    Edge {
        from: from.to_owned(),
        to: to.to_owned(),
        dev: false,
        optional: false,
        ours: true,
    }
}

fn third_party(from: &str, to: &str) -> Edge {
    Edge {
        ours: false,
        ..ours(from, to)
    }
}

fn dev(edge: Edge) -> Edge {
    Edge { dev: true, ..edge }
}

fn optional(edge: Edge) -> Edge {
    Edge {
        optional: true,
        ..edge
    }
}

const LOW_AND_HIGH: &[Allowed] = &[
    Allowed {
        package: "low",
        layer: 0,
        uses: &[],
        tests_use: &[],
    },
    Allowed {
        package: "other",
        layer: 0,
        uses: &[],
        tests_use: &[],
    },
    Allowed {
        package: "high",
        layer: 1,
        uses: &["low"],
        tests_use: &["other"],
    },
];

#[track_caller]
fn assert_one(findings: &[String], words: &str) {
    assert!(
        findings.len() == 1 && findings[0].contains(words),
        "expected one with {words:?}: {findings:#?}"
    );
}

#[track_caller]
fn assert_none(findings: &[String]) {
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn dependency_edges_are_on_the_allow_list() {
    assert_none(&violations(&this_workspace(), ALLOWED));
}

#[test]
fn third_party_crates_stay_with_the_packages_they_are_reserved_for() {
    assert_none(&trespasses(&this_workspace(), RESERVED));
}

#[test]
fn the_engine_depends_on_no_runtime_clock_or_io() {
    assert_none(&engine_extras(&this_workspace()));
}

#[test]
fn the_simulator_brings_a_server_behind_a_feature_only() {
    assert_none(&always_served(&this_workspace()));
}

#[test]
fn the_allow_list_has_each_package_once_and_points_downwards() {
    let layers: BTreeMap<_, _> = ALLOWED.iter().map(|entry| (entry.package, entry.layer)).collect();
    assert_eq!(layers.len(), ALLOWED.len(), "a package is listed twice");
    for entry in ALLOWED {
        for to in entry.uses.iter().chain(entry.tests_use) {
            let layer = layers
                .get(to)
                .unwrap_or_else(|| panic!("{} may use {to}, which has no layer", entry.package));
            assert!(
                *layer < entry.layer,
                "{} -> {to} does not point downwards",
                entry.package
            );
        }
    }
}

#[test]
fn every_member_takes_the_lints_of_the_workspace() {
    let root = workspace_root();
    let mut folders: Vec<_> = vec![root.join("xtask"), root.join("tests")];
    for entry in fs::read_dir(root.join("crates")).expect("the folder of the crates") {
        folders.push(entry.expect("an entry of the folder of the crates").path());
    }
    for folder in folders.iter().filter(|folder| folder.join("Cargo.toml").exists()) {
        let text = fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
        let manifest: toml::Table = text.parse().expect("a manifest is TOML");
        let inherits = manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace")?.as_bool());
        assert_eq!(
            inherits,
            Some(true),
            "{}: add `[lints]` with `workspace = true`",
            folder.display()
        );
    }
}

#[test]
fn an_allowed_edge_passes() {
    let edges = [ours("high", "low"), dev(ours("high", "other"))];
    let manifests = manifests(&["low", "other", "high"], edges);
    assert_none(&violations(&manifests, LOW_AND_HIGH));
    assert_none(&unused(&manifests, LOW_AND_HIGH));
}

#[test]
fn an_edge_that_is_not_listed_is_reported_with_the_line_to_add() {
    let manifests = manifests(&["low", "other", "high"], [ours("high", "other")]);
    assert_one(
        &violations(&manifests, LOW_AND_HIGH),
        "add \"other\" to `uses` of high",
    );
}

#[test]
fn an_edge_upwards_is_reported_even_between_tests() {
    let manifests = manifests(&["low", "high"], [dev(ours("low", "high"))]);
    assert_one(&violations(&manifests, LOW_AND_HIGH), "has to go");
}

#[test]
fn an_edge_within_a_layer_is_reported() {
    let manifests = manifests(&["low", "other"], [ours("low", "other")]);
    assert_one(&violations(&manifests, LOW_AND_HIGH), "has to go");
}

#[test]
fn a_package_without_a_layer_is_reported() {
    let manifests = manifests(&["stray", "low"], [ours("stray", "low")]);
    assert_one(
        &violations(&manifests, LOW_AND_HIGH),
        "package stray has no layer",
    );
}

#[test]
fn an_allowed_edge_that_no_manifest_has_is_told() {
    let manifests = manifests(&["low", "other", "high"], [ours("high", "low")]);
    assert_one(
        &unused(&manifests, LOW_AND_HIGH),
        "high may use other but does not",
    );
}

#[test]
fn an_http_library_in_a_client_is_reported_even_for_its_tests() {
    let manifests = manifests(&["farside-vasa"], [dev(third_party("farside-vasa", "hyper"))]);
    assert_one(&trespasses(&manifests, RESERVED), "farside-vasa depends on hyper");
}

#[test]
fn a_runtime_in_the_engine_is_reported() {
    let edges = [
        third_party("farside-engine", "serde"),
        third_party("farside-engine", "tokio"),
    ];
    assert_one(&engine_extras(&manifests(&["farside-engine"], edges)), "tokio");
}

#[test]
fn a_server_that_the_simulator_always_brings_is_reported() {
    let edges = [
        third_party("farside-simulator", "hyper"),
        optional(third_party("farside-simulator", "tokio-rustls")),
    ];
    assert_one(&always_served(&manifests(&["farside-simulator"], edges)), "hyper");
}
