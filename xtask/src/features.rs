//! `cargo xtask features`: each model crate with no feature, with each one alone, and with all of them.
//!
//! A feature that only compiles beside another one would surprise the user who takes a single managed object.

use std::process::Command;

use anyhow::{Context, Result, bail};
use cargo_metadata::MetadataCommand;

/// Crates whose features are checked one by one.
const PREFIX: &str = "farside-models-";

/// Arguments of the chore.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Args {
    /// Fail instead of bringing Cargo.lock up to date.
    #[arg(long)]
    pub locked: bool,
}

/// Lints every model crate with no, each and all features.
///
/// # Errors
/// If cargo cannot be started, or a crate does not compile without a warning.
#[expect(clippy::print_stdout, reason = "a chore reports to the person who ran it")]
pub fn run(args: &Args) -> Result<()> {
    let metadata = MetadataCommand::new()
        .no_deps()
        .exec()
        .context("asking cargo about the workspace")?;
    let mut checked = 0;
    for package in metadata
        .packages
        .iter()
        .filter(|package| package.name.starts_with(PREFIX))
    {
        lint(&package.name, &[], args)?;
        for feature in package.features.keys().filter(|feature| *feature != "default") {
            lint(&package.name, &["--features", feature], args)?;
        }
        checked += 1 + package.features.len();
        println!("{}: {} features", package.name, package.features.len());
    }
    if checked == 0 {
        bail!("no package is called {PREFIX}..");
    }
    Ok(())
}

fn lint(package: &str, features: &[&str], args: &Args) -> Result<()> {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["clippy", "--quiet", "--lib", "--package", package])
        .args(features);
    if args.locked {
        command.arg("--locked");
    }
    command.args(["--", "-D", "warnings"]);
    let status = command.status().context("starting cargo clippy")?;
    if !status.success() {
        bail!("{package} does not compile without a warning with {features:?}");
    }
    Ok(())
}
