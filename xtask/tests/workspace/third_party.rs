//! What deny.toml says about third-party crates, from `cargo metadata`, `cargo tree` and the lock file.
//!
//! `cargo deny` reads the same file and knows more, but it is a tool that has to be installed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use cargo_metadata::semver::{Version, VersionReq};
use cargo_metadata::{CargoOpt, MetadataCommand};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use xtask::layers::workspace_root;

use crate::licence;

/// The part of deny.toml that is checked here.
#[derive(Debug, Deserialize)]
struct Rules {
    graph: Graph,
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Debug, Deserialize)]
struct Graph {
    targets: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    skip: Vec<Skip>,
}

#[derive(Debug, Deserialize)]
struct Skip {
    name: String,
    version: VersionReq,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Debug, Deserialize)]
struct Locked {
    name: String,
    /// Absent for the packages of this workspace.
    source: Option<String>,
}

fn read<T: DeserializeOwned>(file: &str) -> T {
    let text =
        fs::read_to_string(workspace_root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    toml::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The crates of which more than one version is built, with these versions. Dev-dependencies are not looked at.
fn doubles(targets: &[String]) -> BTreeMap<String, BTreeSet<Version>> {
    let mut command = Command::new(env!("CARGO"));
    command
        .current_dir(workspace_root())
        .args(["tree", "--workspace", "--all-features", "--locked"]);
    command.args([
        "--duplicates",
        "--edges",
        "no-dev",
        "--prefix",
        "none",
        "--depth",
        "0",
    ]);
    for target in targets {
        command.args(["--target", target]);
    }
    let output = command.output().expect("cargo starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "cargo tree failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut versions: BTreeMap<String, BTreeSet<Version>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        // "winnow v0.7.15 (*)"
        let mut words = line.split(' ');
        let (Some(name), Some(version)) = (words.next(), words.next()) else {
            panic!("cargo tree says {line:?}")
        };
        let version = version
            .trim_start_matches('v')
            .parse()
            .unwrap_or_else(|error| panic!("{line:?}: {error}"));
        versions.entry(name.to_owned()).or_default().insert(version);
    }
    // One version built twice, with different features for build scripts, is listed too.
    versions.retain(|_, versions| versions.len() > 1);
    versions
}

/// Doubles without an exception, and exceptions without a double.
fn judge(doubles: &BTreeMap<String, BTreeSet<Version>>, skips: &[Skip]) -> Vec<String> {
    let mut findings = Vec::new();
    for (name, versions) in doubles {
        let skipped = |version: &Version| {
            skips
                .iter()
                .any(|skip| skip.name == *name && skip.version.matches(version))
        };
        let rest: Vec<_> = versions
            .iter()
            .filter(|version| !skipped(version))
            .map(Version::to_string)
            .collect();
        if rest.len() > 1 {
            findings.push(format!(
                "{name} is built in versions {}: bring them together, or add the one that cannot go to `bans.skip` of \
                 deny.toml with the reason",
                rest.join(" and ")
            ));
        }
    }
    for skip in skips {
        let needed = doubles
            .get(&skip.name)
            .is_some_and(|versions| versions.iter().any(|version| skip.version.matches(version)));
        if !needed {
            findings.push(format!(
                "{} {} is no double: remove it from `bans.skip`",
                skip.name, skip.version
            ));
        }
        if skip.reason.trim().is_empty() {
            findings.push(format!(
                "{} {} is skipped without a reason",
                skip.name, skip.version
            ));
        }
    }
    findings
}

#[test]
fn third_party_crates_have_an_allowed_licence() {
    let rules: Rules = read("deny.toml");
    let mut options = vec!["--locked".to_owned()];
    for target in rules.graph.targets {
        options.extend(["--filter-platform".to_owned(), target]);
    }
    let metadata = MetadataCommand::new()
        .manifest_path(workspace_root().join("Cargo.toml"))
        .features(CargoOpt::AllFeatures)
        .other_options(options)
        .exec()
        .expect("cargo metadata answers");
    let mut findings = Vec::new();
    let mut judged = 0;
    for package in metadata
        .packages
        .iter()
        .filter(|package| package.source.is_some())
    {
        judged += 1;
        let Some(expression) = &package.license else {
            findings.push(format!("{} {} states no licence", package.name, package.version));
            continue;
        };
        match licence::satisfied(expression, &rules.licenses.allow) {
            Ok(true) => {}
            Ok(false) => findings.push(format!(
                "{} {} is under {expression}",
                package.name, package.version
            )),
            Err(error) => findings.push(format!("{} {}: {error}", package.name, package.version)),
        }
    }
    assert!(judged > 0, "no third-party crate was seen");
    assert!(
        findings.is_empty(),
        "not on the list of deny.toml:\n{}",
        findings.join("\n")
    );
}

#[test]
fn third_party_crates_come_from_the_allowed_registry() {
    let rules: Rules = read("deny.toml");
    let lock: Lock = read("Cargo.lock");
    let allowed: BTreeSet<_> = rules
        .sources
        .allow_registry
        .iter()
        .map(|url| format!("registry+{url}"))
        .collect();
    let mut sources = lock
        .package
        .iter()
        .filter_map(|package| Some((&package.name, package.source.as_ref()?)));
    assert!(sources.clone().next().is_some(), "no third-party crate was seen");
    let stray = sources.find(|(_, source)| !allowed.contains(*source));
    assert_eq!(stray, None, "deny.toml allows {allowed:?}");
}

#[test]
fn one_version_of_each_third_party_crate_is_built() {
    let rules: Rules = read("deny.toml");
    let findings = judge(&doubles(&rules.graph.targets), &rules.bans.skip);
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn a_double_needs_an_exception_and_an_exception_a_double() {
    let versions = ["0.7.15", "1.0.5"].map(|version| version.parse().expect("a version"));
    let doubles = BTreeMap::from([("winnow".to_owned(), BTreeSet::from(versions))]);
    let skip = |name: &str| Skip {
        name: name.to_owned(),
        version: "0.7".parse().expect("a requirement"),
        reason: "needed".to_owned(),
    };
    assert_eq!(judge(&doubles, &[skip("winnow")]), Vec::<String>::new());
    assert!(judge(&doubles, &[])[0].contains("winnow is built in versions 0.7.15 and 1.0.5"));
    assert!(judge(&BTreeMap::new(), &[skip("winnow")])[0].contains("is no double"));
}

/// What `cargo tree` says of a package in a build of `farside-transport-http` with these features.
fn in_the_tree_of_transport_http(features: &str, package: &str) -> bool {
    let output = Command::new(env!("CARGO"))
        .current_dir(workspace_root())
        .args([
            "tree",
            "--locked",
            "--package",
            "farside-transport-http",
            "--edges",
            "normal,build",
        ])
        .args([
            "--no-default-features",
            "--features",
            features,
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .output()
        .expect("cargo tree can be started");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let tree = String::from_utf8_lossy(&output.stdout);
    assert!(tree.contains("rustls v"), "{tree}");
    tree.lines().any(|line| line.split(' ').next() == Some(package))
}

#[test]
fn one_cryptography_does_not_bring_the_other_along() {
    for (features, there, absent) in [
        ("aws-lc", "aws-lc-rs", "ring"),
        ("aws-lc,http2", "aws-lc-rs", "ring"),
        ("ring", "ring", "aws-lc-rs"),
    ] {
        assert!(in_the_tree_of_transport_http(features, there), "{features}");
        assert!(!in_the_tree_of_transport_http(features, absent), "{features}");
    }
}
