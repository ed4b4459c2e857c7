//! The commands, one module each.

mod check;
mod demo;
mod drive;
mod inspect;
mod plan;
mod run;
mod sim;

use farside_engine::Mode;

use crate::args::{Arguments, Command};
use crate::failure::Failure;

/// Runs the command; the answer is the exit code.
pub(crate) async fn run(arguments: Arguments) -> Result<u8, Failure> {
    match arguments.command {
        Command::Demo(demo) => demo::run(&demo).await,
        Command::Sim(sim) => sim::run(&sim).await,
        Command::Plan(plan) => plan::run(&plan),
        Command::Check(check) => check::run(&check).await,
        Command::Run(run) => run::run(&run::Request::from(run)).await,
        Command::Cleanup(start) => run::run(&run::Request::cleanup(start)).await,
        Command::Resume(resume) => drive::resume(&resume).await,
        Command::Abort(abort) => drive::abort(&abort).await,
        Command::Status(status) => inspect::status(&status).await,
        Command::Report(report) => inspect::report(&report).await,
    }
}

/// What a person calls the mode's effect on data.
pub(crate) fn can_lose_data(mode: Mode) -> bool {
    match mode {
        Mode::Disaster | Mode::Reprotect => true,
        Mode::Test | Mode::Cleanup | Mode::Planned | Mode::Failback => false,
    }
}
