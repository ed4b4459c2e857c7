//! `cargo xtask`: the chores of the workspace.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::{bench, codegen, coverage, features, layers, long, odd, schemas, test_all, validate};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Chores of the workspace")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Write the model crates from the checked-in schemas, or a module from any API document.
    Codegen(codegen::Args),
    /// Cut the full API documents down to the checked-in schemas.
    Schemas(schemas::Args),
    /// Build and run every test of the workspace, as CI does.
    Test(test_all::Args),
    /// Run the tests of the clients once more, in odd worlds.
    Odd(odd::Args),
    /// Lint each crate that is taken in parts, with no feature and with each one alone.
    Features(features::Args),
    /// Say which operations of the schemas no client's test calls with all their parameters.
    Coverage(coverage::Args),
    /// Hold what the simulator answered in the tests against the schemas.
    Validate(validate::Args),
    /// Run the benchmarks and compare their figures with their bounds.
    Bench(bench::Args),
    /// Measure what takes minutes: the cost of builds, the whole schema.
    Long(long::Args),
    /// Run a command and print what it used.
    #[command(hide = true)]
    Measure(long::MeasureArgs),
    /// Compare the dependencies of each package with the allow-list of the layers.
    Layers,
}

#[expect(
    clippy::print_stderr,
    reason = "the command's error goes to the person who ran it"
)]
fn main() -> ExitCode {
    let result = match Cli::parse().chore {
        Chore::Codegen(args) => codegen::run(&args),
        Chore::Schemas(args) => schemas::run(&args),
        Chore::Test(args) => test_all::run(&args),
        Chore::Odd(args) => odd::run(&args),
        Chore::Features(args) => features::run(&args),
        Chore::Coverage(args) => coverage::run(&args),
        Chore::Validate(args) => validate::run(&args),
        Chore::Bench(args) => bench::run(&args),
        Chore::Long(args) => long::run(&args),
        Chore::Measure(args) => long::measure(&args),
        Chore::Layers => layers::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
