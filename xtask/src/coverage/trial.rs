//! Runs tests by themselves, with the answers to one operation altered.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context as _, Result, bail};

use super::calls::Test;

/// Says to the tests what is to be altered (`farside_transport::testing::recorded`).
const ALTERED: &str = "FARSIDE_ALTERED";

/// Runs tests for so many seconds at most.
pub(super) const LONGEST: u32 = 120;

/// Whether tests pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All of them.
    Pass,
    /// One fails.
    Fail,
    /// They do not end in time, or are killed: nothing is said about the answer.
    Endless,
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
    judge(status).with_context(|| format!("running {}", program.display()))
}

/// What the end of `timeout` says.
fn judge(status: ExitStatus) -> Result<Verdict> {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(Verdict::Pass),
        // The time was over; if that did not end the tests, `timeout` kills them and itself.
        (Some(124), _) | (None, Some(9)) => Ok(Verdict::Endless),
        // What `timeout` says when it cannot do its work.
        (Some(code @ 125..=127), _) => bail!("it cannot be run (exit status {code})"),
        _ => Ok(Verdict::Fail),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// The verdict on a program that takes one second at most and does what a line of a shell does.
    fn verdict(name: &str, line: &str) -> Result<Verdict> {
        let folder = std::env::temp_dir().join(format!("xtask-trial-{name}-{}", std::process::id()));
        super::super::empty(&folder).expect("a folder");
        let program = folder.join("program");
        fs::write(&program, format!("#!/bin/sh\n{line}\n")).expect("a program");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a program");
        let verdict = run(&program, &folder, &[], "values:none", 1);
        fs::remove_dir_all(folder).expect("the folder goes");
        verdict
    }

    #[test]
    fn tests_that_do_not_end_are_told_apart_from_those_that_fail() {
        for (name, line, expected) in [
            ("passes", "exit 0", Verdict::Pass),
            ("fails", "exit 101", Verdict::Fail),
            ("aborts", "kill -ABRT $$", Verdict::Fail),
            ("hangs", "sleep 60", Verdict::Endless),
            ("ignores", "trap '' TERM; sleep 60; sleep 60", Verdict::Endless),
        ] {
            assert_eq!(verdict(name, line).expect(name), expected, "{name}");
        }
        verdict("missing", "exit 127").expect_err("nothing was run");
    }
}
