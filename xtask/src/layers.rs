//! Which package may use which: the layers of ARCHITECTURE.md, held against the manifests.
//!
//! Every dependency of one of our packages on another is a line of the allow-list, dev-dependencies included. A new
//! edge is thereby a reviewed line and never an accident, and it can only point to a smaller layer.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use cargo_metadata::{DependencyKind, MetadataCommand, Package};

use self::allow_list::{ALLOWED, Allowed, ENGINE_USES, HTTP_AND_TLS, RESERVED, Reserved};

mod allow_list;

/// A dependency as a manifest states it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    from: String,
    to: String,
    /// Whether it is a dev-dependency.
    dev: bool,
    /// Whether a feature has to ask for it.
    optional: bool,
    /// Whether it names a package of this workspace.
    ours: bool,
}

/// The manifests of the workspace: its packages and all that they depend on.
#[derive(Debug, Default)]
struct Manifests {
    packages: BTreeSet<String>,
    edges: BTreeSet<Edge>,
}

impl Manifests {
    /// Reads the manifests of the workspace at `root`. Nothing is resolved, so nothing is downloaded.
    fn read(root: &Path) -> anyhow::Result<Self> {
        let metadata = MetadataCommand::new()
            .manifest_path(root.join("Cargo.toml"))
            .no_deps()
            .exec()
            .context("cannot read the manifests of the workspace")?;
        let mut manifests = Self::default();
        for package in &metadata.packages {
            manifests.packages.insert(package.name.to_string());
            manifests.edges.extend(edges_of(package));
        }
        Ok(manifests)
    }
}

fn edges_of(package: &Package) -> impl Iterator<Item = Edge> {
    package.dependencies.iter().map(|dependency| Edge {
        from: package.name.to_string(),
        to: dependency.name.clone(),
        dev: dependency.kind == DependencyKind::Development,
        optional: dependency.optional,
        ours: dependency.path.is_some(),
    })
}

/// The folder of the workspace that this chore was built from.
pub fn workspace_root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// Compares the manifests with the allow-lists and writes what differs.
///
/// An allowed edge that no manifest has is a warning: it costs nothing and may be about to come.
///
/// # Errors
///
/// When the manifests cannot be read, or an edge is not on the allow-list.
pub fn run() -> anyhow::Result<()> {
    let mut out = io::stdout();
    let manifests = Manifests::read(&workspace_root())?;
    for line in unused(&manifests, ALLOWED) {
        writeln!(out, "warning: {line}")?;
    }
    let mut findings = violations(&manifests, ALLOWED);
    findings.extend(trespasses(&manifests, RESERVED));
    findings.extend(engine_extras(&manifests));
    findings.extend(always_served(&manifests));
    if !findings.is_empty() {
        bail!("the layers do not hold:\n{}", findings.join("\n"));
    }
    let ours = manifests.edges.iter().filter(|edge| edge.ours).count();
    writeln!(
        out,
        "the layers hold: {} packages, {ours} edges among them",
        manifests.packages.len()
    )?;
    Ok(())
}

/// Edges and packages that the allow-list does not have, and edges that do not point downwards.
fn violations(manifests: &Manifests, allowed: &[Allowed]) -> Vec<String> {
    let list: BTreeMap<&str, &Allowed> = allowed.iter().map(|entry| (entry.package, entry)).collect();
    let mut findings = Vec::new();
    for package in &manifests.packages {
        if !list.contains_key(package.as_str()) {
            findings.push(format!(
                "package {package} has no layer: add `Allowed {{ package: \"{package}\", layer: .. }}` to ALLOWED in \
                 xtask/src/layers/allow_list.rs, and a paragraph to ARCHITECTURE.md"
            ));
        }
    }
    for edge in manifests.edges.iter().filter(|edge| edge.ours) {
        let Edge { from, to, dev, .. } = edge;
        let (Some(source), Some(target)) = (list.get(from.as_str()), list.get(to.as_str())) else {
            continue; // Reported above: one of the two has no layer.
        };
        if target.layer >= source.layer {
            findings.push(format!(
                "{from} (layer {}) depends on {to} (layer {}): a package may use smaller layers only, so this edge has \
                 to go",
                source.layer, target.layer
            ));
        } else if !allows(source, edge) {
            let list = if *dev { "tests_use" } else { "uses" };
            findings.push(format!(
                "{from} depends on {to}, which is not on the allow-list: if it is meant, add \"{to}\" to `{list}` of \
                 {from} in xtask/src/layers/allow_list.rs"
            ));
        }
    }
    findings
}

fn allows(entry: &Allowed, edge: &Edge) -> bool {
    let to = edge.to.as_str();
    entry.uses.contains(&to) || (edge.dev && entry.tests_use.contains(&to))
}

/// Allowed edges of existing packages that no manifest has.
fn unused(manifests: &Manifests, allowed: &[Allowed]) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in allowed
        .iter()
        .filter(|entry| manifests.packages.contains(entry.package))
    {
        for to in entry.uses.iter().chain(entry.tests_use) {
            if !manifests
                .edges
                .iter()
                .any(|edge| edge.from == entry.package && edge.to == *to)
            {
                lines.push(format!(
                    "{} may use {to} but does not: remove it in xtask/src/layers/allow_list.rs if it is not coming",
                    entry.package
                ));
            }
        }
    }
    lines
}

/// Dependencies on third-party crates that are reserved for other packages.
fn trespasses(manifests: &Manifests, reserved: &[Reserved]) -> Vec<String> {
    let mut findings = Vec::new();
    for edge in &manifests.edges {
        for rule in reserved {
            if rule.crates.contains(&edge.to.as_str()) && !rule.by.contains(&edge.from.as_str()) {
                findings.push(format!(
                    "{} depends on {}, which is for {} only: {}",
                    edge.from,
                    edge.to,
                    rule.by.join(", "),
                    rule.because
                ));
            }
        }
    }
    findings
}

/// Third-party crates of the core beyond its short list.
fn engine_extras(manifests: &Manifests) -> Vec<String> {
    let (uses, tests_use) = ENGINE_USES;
    let known = |edge: &Edge| {
        let to = edge.to.as_str();
        uses.contains(&to) || (edge.dev && tests_use.contains(&to))
    };
    let edges = manifests
        .edges
        .iter()
        .filter(|edge| edge.from == "farside-engine" && !edge.ours && !known(edge));
    edges
        .map(|edge| {
            format!(
                "farside-engine depends on {}: the core takes no runtime, clock or I/O; if this is none of them, add it \
                 to ENGINE_USES in xtask/src/layers/allow_list.rs",
                edge.to
            )
        })
        .collect()
}

/// HTTP and TLS crates that the simulator ships with even when it only runs in process.
fn always_served(manifests: &Manifests) -> Vec<String> {
    let always = |edge: &&Edge| {
        edge.from == "farside-simulator"
            && HTTP_AND_TLS.contains(&edge.to.as_str())
            && !edge.dev
            && !edge.optional
    };
    let edges = manifests.edges.iter().filter(always);
    edges
        .map(|edge| {
            format!(
                "farside-simulator depends on {}: make it optional, for feature `serve` only",
                edge.to
            )
        })
        .collect()
}

#[cfg(test)]
mod tests;
