//! What a command used: processor time and memory, of itself and all its children.
//!
//! The kernel keeps one sum for all children that a process has waited for, so each command is run by a process of its
//! own.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};

/// What a command used.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Usage {
    /// Seconds of processor time, user and system, all processes together.
    pub(super) cpu_seconds: f64,
    /// Largest memory of any one process, in GB (10^9 bytes).
    pub(super) peak_gb: f64,
}

/// Runs `command` by a process of its own and says what it used.
pub(super) fn of(command: &mut Command) -> Result<Usage> {
    let program = std::env::current_exe().context("this program has no path")?;
    let mut outer = Command::new(program);
    outer
        .arg("measure")
        .arg("--")
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        outer.current_dir(folder);
    }
    let output = outer
        .stderr(Stdio::inherit())
        .output()
        .context("starting the measurement")?;
    if !output.status.success() {
        bail!("{command:?} failed");
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().context("the measurement printed nothing")?;
    serde_json::from_str(last).context("reading the measurement")
}

/// Runs the command and prints what it used as one line of JSON.
#[expect(clippy::print_stdout, reason = "the process that asked reads it")]
pub(super) fn print(command: &[String]) -> Result<()> {
    let (program, arguments) = command.split_first().context("no command")?;
    let status = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("starting {program}"))?;
    if !status.success() {
        bail!("{program} failed: {status}");
    }
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).context("asking the kernel")?;
    let seconds = |time: nix::sys::time::TimeVal| {
        let whole = i32::try_from(time.tv_sec()).map_or(f64::MAX, f64::from);
        let parts = i32::try_from(time.tv_usec()).map_or(0.0, f64::from);
        whole + parts / 1e6
    };
    let kibibytes = i32::try_from(used.max_rss()).map_or(f64::MAX, f64::from);
    let usage = Usage {
        cpu_seconds: seconds(used.user_time()) + seconds(used.system_time()),
        peak_gb: kibibytes * 1024.0 / 1e9,
    };
    println!("{}", serde_json::to_string(&usage)?);
    Ok(())
}
