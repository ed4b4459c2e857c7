//! `cargo xtask test`: the tests of the workspace, as CI runs them.

use std::env;
use std::io::{self, Write};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::layers::workspace_root;

/// Arguments of the chore.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Args {
    /// Fail instead of bringing Cargo.lock up to date.
    #[arg(long)]
    pub locked: bool,
}

/// One cargo command of a test run.
struct Step {
    name: &'static str,
    arguments: &'static [&'static str],
    /// Whether the steps after it are pointless once it has failed.
    needed: bool,
}

const STEPS: &[Step] = &[
    // All in one go: some end-to-end tests start the command itself, and `cargo test` would not build it.
    Step {
        name: "build",
        arguments: &[
            "build",
            "--lib",
            "--bins",
            "--tests",
            "--examples",
            "--profile",
            "test",
        ],
        needed: true,
    },
    Step {
        name: "tests",
        arguments: &["test", "--tests", "--no-fail-fast"],
        needed: false,
    },
    Step {
        name: "doc tests",
        arguments: &["test", "--doc", "--no-fail-fast"],
        needed: false,
    },
];

/// Builds and runs every test of the workspace with all features, documentation examples included, and writes how
/// long each step took.
///
/// # Errors
///
/// When cargo cannot be started, or a step failed. The tests are run to the end even if one of them fails.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let mut out = io::stdout();
    let mut times = Vec::new();
    let mut failed = Vec::new();
    for step in STEPS {
        let (passed, time) = run_step(step, args, &mut out)?;
        times.push((step.name, time));
        if !passed {
            failed.push(step.name);
            if step.needed {
                break;
            }
        }
    }
    writeln!(out)?;
    for (name, time) in times {
        let verdict = if failed.contains(&name) {
            "FAILED"
        } else {
            "passed"
        };
        writeln!(out, "{name:<10} {:>7.1} s  {verdict}", time.as_secs_f64())?;
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn run_step(step: &Step, args: &Args, out: &mut dyn Write) -> anyhow::Result<(bool, Duration)> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(workspace_root())
        .args(step.arguments)
        .args(["--workspace", "--all-features"]);
    if args.locked {
        command.arg("--locked");
    }
    name_tests(&mut command);
    writeln!(out, "--> {}", step.name)?;
    out.flush()?;
    let began = wall_clock();
    let status = command
        .status()
        .with_context(|| format!("cannot start cargo to {}", step.name))?;
    Ok((status.success(), began.elapsed()))
}

/// Has recordings say which tests have made them: a test knows its name by its thread, and the test harness starts one for each
/// test only where it runs more than one at a time.
pub(crate) fn name_tests(cargo: &mut Command) {
    const THREADS: &str = "RUST_TEST_THREADS";
    let one = thread::available_parallelism().is_ok_and(|threads| threads.get() == 1);
    if one && env::var_os(THREADS).is_none() {
        cargo.env(THREADS, "2");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a chore tells its user how long it really took"
)]
fn wall_clock() -> Instant {
    Instant::now()
}
