//! `cargo xtask`: the chores of the workspace.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::{codegen, layers, schemas, test_all};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Chores of the workspace")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Write the model crates from the checked-in schemas.
    Codegen(codegen::Args),
    /// Cut the full API documents down to the checked-in schemas.
    Schemas(schemas::Args),
    /// Build and run every test of the workspace, as CI does.
    Test(test_all::Args),
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
