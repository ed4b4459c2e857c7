//! Runs tests by themselves, with the answers to one operation altered.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::calls::Test;

/// Says to the tests what is to be altered (`farside_transport::testing::recorded`).
const ALTERED: &str = "FARSIDE_ALTERED";

/// Runs tests for so many seconds at most. Whoever waits for ever has noticed something.
pub(super) const LONGEST: u32 = 120;

/// Whether tests pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All of them.
    Pass,
    /// One fails, or they do not end.
    Fail,
}

/// Runs some tests of one program with `altered`, for so many seconds at most. What they print is dropped.
pub(super) fn run(
    program: &Path,
    folder: &Path,
    tests: &[&Test],
    altered: &str,
    seconds: u32,
) -> Result<Verdict> {
    let status = Command::new("timeout")
        .args(["--kill-after=1", &seconds.to_string()])
        .arg(program)
        .args(["--exact", "--quiet"])
        .args(tests.iter().map(|test| &test.name))
        .current_dir(folder)
        .env(ALTERED, altered)
        // A case that fails because of a false answer is none to keep.
        .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1")
        .env_remove(super::RECORDINGS)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .context("starting `timeout`, of the GNU core utilities")?;
    match status.code() {
        Some(0) => Ok(Verdict::Pass),
        // What `timeout` says when it cannot do its work.
        Some(code @ 125..=127) => bail!("{} cannot be run (exit status {code})", program.display()),
        _ => Ok(Verdict::Fail),
    }
}
