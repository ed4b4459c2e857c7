//! The `farside` command: reads arguments, calls the library, prints.
//!
//! stdout is the result (human, or JSON with `--json`); stderr is progress and errors. Exit codes are those of
//! [`farside_failover::report::exit`].

mod args;
mod command;
mod failure;
mod output;
mod place;
mod progress;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    output::start_tracing();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return output::fail(&failure::Failure::refused(
                anyhow::Error::new(error).context("cannot start"),
            ));
        }
    };
    match runtime.block_on(command::run(arguments)) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => output::fail(&failure),
    }
}
