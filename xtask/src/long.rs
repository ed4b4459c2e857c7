//! `cargo xtask long [NAME]`: measurements that take minutes and belong in no test run.
//!
//! Their results and dates are in BENCHMARKS.md.

mod build_cost;
mod usage;
mod whole_schema;

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::bench;

/// Arguments of the chore.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// `build-cost` or `whole-schema`; without it, all for which the inputs are given.
    pub name: Option<String>,
    /// Folder with the full API documents, for `whole-schema`.
    #[arg(long, value_name = "DIR")]
    pub from: Option<PathBuf>,
    /// Print one line of JSON for each figure.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of the hidden chore that measures one command.
#[derive(Clone, Debug, clap::Args)]
pub struct MeasureArgs {
    /// The command and its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
}

/// Runs the measurements and prints their figures.
///
/// # Errors
/// If a measurement fails, or a figure does not hold its bound.
pub fn run(args: &Args) -> Result<()> {
    let mut measured = Vec::new();
    match (args.name.as_deref(), &args.from) {
        (None, None) | (Some("build-cost"), _) => measured.extend(build_cost::run()?),
        (None, Some(from)) => {
            measured.extend(build_cost::run()?);
            measured.extend(whole_schema::run(from)?);
        }
        (Some("whole-schema"), Some(from)) => measured.extend(whole_schema::run(from)?),
        (Some("whole-schema"), None) => {
            bail!("whole-schema needs --from DIR, the folder of the full documents")
        }
        (Some(other), _) => bail!("no measurement `{other}`; there are build-cost and whole-schema"),
    }
    bench::report(&measured, args.json)
}

/// Runs a command and prints what it used.
///
/// # Errors
/// If the command cannot be started or fails.
pub fn measure(args: &MeasureArgs) -> Result<()> {
    usage::print(&args.command)
}
