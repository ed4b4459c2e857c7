//! `cargo xtask features`: each crate whose parts can be taken alone, with no feature and with each one alone.
//!
//! A feature that only compiles beside another one would surprise the user who takes a single managed object, or a client
//! without what a small program has no use for.

use std::process::Command;

use anyhow::{Context, Result, bail};
use cargo_metadata::{MetadataCommand, Package};

/// Crates whose features are checked one by one.
fn is_taken_in_parts(package: &&Package) -> bool {
    let clients = ["farside-vim", "farside-vasa", "farside-vcha"];
    package.name.starts_with("farside-models-") || clients.contains(&package.name.as_str())
}

/// Arguments of the chore.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Args {
    /// Fail instead of bringing Cargo.lock up to date.
    #[arg(long)]
    pub locked: bool,
}

/// Lints every crate that is taken in parts with no and each feature.
///
/// Crates that do not use each other are linted in one run, each with one feature of its own: it takes less time, and the
/// features that cargo unites for a crate are still no more than that one.
///
/// # Errors
/// If cargo cannot be started, or a crate does not compile without a warning.
#[expect(clippy::print_stdout, reason = "a chore reports to the person who ran it")]
pub fn run(args: &Args) -> Result<()> {
    let metadata = MetadataCommand::new()
        .no_deps()
        .exec()
        .context("asking cargo about the workspace")?;
    let parts: Vec<&Package> = metadata.packages.iter().filter(is_taken_in_parts).collect();
    if parts.is_empty() {
        bail!("no package has parts that can be taken alone");
    }
    for group in apart(&parts) {
        let features: Vec<Vec<&str>> = group.iter().map(|package| features(package)).collect();
        let rounds = features.iter().map(Vec::len).max().unwrap_or_default();
        lint(&group, &[], args)?;
        for round in 0..rounds {
            let chosen: Vec<String> = group
                .iter()
                .zip(&features)
                .filter_map(|(package, features)| Some(format!("{}/{}", package.name, features.get(round)?)))
                .collect();
            lint(&group, &chosen, args)?;
        }
        for (package, features) in group.iter().zip(&features) {
            println!("{}: {} features", package.name, features.len());
        }
    }
    Ok(())
}

fn features(package: &Package) -> Vec<&str> {
    let names = package.features.keys().map(String::as_str);
    names.filter(|feature| *feature != "default").collect()
}

/// The packages in groups, none of which holds a package and one that it uses.
fn apart<'a>(packages: &[&'a Package]) -> Vec<Vec<&'a Package>> {
    let uses = |one: &Package, other: &Package| uses(packages, one, other);
    // What two packages of a group use in common would have the features of both.
    let in_common = |one: &Package, other: &Package| {
        packages
            .iter()
            .any(|package| uses(one, package) && uses(other, package))
    };
    let mut groups: Vec<Vec<&Package>> = Vec::new();
    for package in packages {
        let fits = |group: &&mut Vec<&Package>| {
            group
                .iter()
                .all(|other| !uses(package, other) && !uses(other, package) && !in_common(package, other))
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(package),
            None => groups.push(vec![package]),
        }
    }
    groups
}

/// Whether one package is built with the other one, directly or by way of a third.
fn uses(packages: &[&Package], one: &Package, other: &Package) -> bool {
    one.dependencies.iter().any(|dependency| {
        let used = packages.iter().find(|package| *package.name == dependency.name);
        used.is_some_and(|used| used.name == other.name || uses(packages, used, other))
    })
}

fn lint(packages: &[&Package], features: &[String], args: &Args) -> Result<()> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["clippy", "--quiet", "--lib", "--no-default-features"]);
    for package in packages {
        command.args(["--package", &package.name]);
    }
    if !features.is_empty() {
        command.args(["--features", &features.join(",")]);
    }
    if args.locked {
        command.arg("--locked");
    }
    command.args(["--", "-D", "warnings"]);
    let status = command.status().context("starting cargo clippy")?;
    if !status.success() {
        let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
        bail!(
            "{} do not all compile without a warning with {features:?}",
            names.join(", ")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_model_crate_is_linted_beside_one_that_it_shares_features_with() {
        let metadata = MetadataCommand::new().no_deps().exec().expect("the workspace");
        let models: Vec<&Package> = metadata.packages.iter().filter(is_taken_in_parts).collect();
        let groups = apart(&models);
        let group_of = |name: &str| {
            let of_name = |package: &&Package| package.name.as_str() == name;
            groups.iter().position(|group| group.iter().any(&of_name))
        };
        let [vim, sms, pbm] = ["vim", "sms", "pbm"].map(|name| group_of(&format!("farside-models-{name}")));
        assert!(
            vim.is_some() && vim != sms && vim != pbm && sms != pbm,
            "{groups:?}"
        );
        assert_eq!(groups.iter().map(Vec::len).sum::<usize>(), models.len());
    }
}
