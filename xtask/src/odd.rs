//! `cargo xtask odd`: the tests of the clients once more, in odd worlds.
//!
//! A program of tests takes part if it says what it keeps as usual there (`farside_simulator::spec::odd_tests`). For each seed
//! all of them are run with `FARSIDE_ODD`; a switch, or several with commas between them, can be asked for instead.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use crate::layers::workspace_root;

const ODD: &str = "FARSIDE_ODD";

/// The test by which a program shows that it takes part.
const MARK: &str = "what_is_kept_is_a_switch_of_a_test";

/// Arguments of the chore.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    pub first: u64,
    /// How many seeds, one after the other; at least one.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: u64,
    /// Turn these switches on instead of those of seeds, each value in a run of its own: `vm.asks_nothing`.
    #[arg(long, value_name = "NAME[,NAME]")]
    pub switches: Vec<String>,
    /// Leave out tests whose name has this in it.
    #[arg(long, value_name = "TEXT")]
    pub skip: Vec<String>,
    /// Fail instead of bringing Cargo.lock up to date.
    #[arg(long)]
    pub locked: bool,
}

/// A program of tests.
#[derive(Debug, PartialEq, Eq)]
struct Program {
    /// Package and name of the program.
    name: String,
    path: PathBuf,
    folder: PathBuf,
}

/// Builds the tests of the workspace, runs those of the clients in odd worlds, and prints what failed with the command that
/// repeats it.
///
/// # Errors
/// If the tests cannot be built, if no program takes part, or if a test fails.
pub fn run(args: &Args) -> Result<()> {
    let mut out = io::stdout();
    let programs = taking_part(build(args.locked)?)?;
    ensure!(!programs.is_empty(), "no program of tests has {MARK}");
    let asked: Vec<String> = if args.switches.is_empty() {
        (args.first..args.first.saturating_add(args.seeds))
            .map(|seed| seed.to_string())
            .collect()
    } else {
        args.switches.clone()
    };
    let mut failed = 0;
    for odd in &asked {
        for program in &programs {
            let found = play(program, odd, &args.skip)?;
            failed += found.len();
            for test in found {
                writeln!(
                    out,
                    "FAILED {}: {ODD}={odd} {} {test}",
                    program.name,
                    program.path.display()
                )?;
            }
        }
    }
    writeln!(
        out,
        "{} programs of tests in {} odd worlds each, {failed} failures",
        programs.len(),
        asked.len(),
    )?;
    if failed > 0 {
        bail!(
            "a client does not survive another reading of the rules; mend it, or keep the switch in its `kept.rs` if the \
               test is about that reading"
        );
    }
    Ok(())
}

#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
    manifest_path: Option<PathBuf>,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    name: String,
}

/// Builds the tests as `cargo xtask test` does, and finds their programs.
fn build(locked: bool) -> Result<Vec<Program>> {
    let mut command = Command::new(cargo());
    command.current_dir(workspace_root()).args([
        "test",
        "--tests",
        "--no-run",
        "--workspace",
        "--all-features",
        "--message-format=json-render-diagnostics",
    ]);
    if locked {
        command.arg("--locked");
    }
    let built = command.stderr(std::process::Stdio::inherit()).output();
    let built = built.context("cannot start cargo to build the tests")?;
    ensure!(built.status.success(), "the tests cannot be built");
    Ok(programs(&String::from_utf8_lossy(&built.stdout)))
}

/// The programs of integration tests among what cargo has built.
fn programs(messages: &str) -> Vec<Program> {
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let program = |message: Message| {
        let target = message
            .target
            .filter(|target| target.kind.iter().any(|kind| kind == "test"))?;
        let folder = message.manifest_path?.parent()?.to_owned();
        let package = folder.file_name().unwrap_or_default().to_string_lossy();
        Some(Program {
            name: format!("{package}/{}", target.name),
            path: message.executable?,
            folder,
        })
    };
    messages.filter_map(program).collect()
}

fn taking_part(programs: Vec<Program>) -> Result<Vec<Program>> {
    let mut found = Vec::new();
    for program in programs {
        let listed = Command::new(&program.path)
            .args(["--list", "--format", "terse"])
            .output();
        let listed = listed.with_context(|| format!("cannot start {}", program.path.display()))?;
        if String::from_utf8_lossy(&listed.stdout).contains(MARK) {
            found.push(program);
        }
    }
    Ok(found)
}

/// Runs a program; gives the tests that failed.
fn play(program: &Program, odd: &str, skip: &[String]) -> Result<Vec<String>> {
    let mut command = Command::new(&program.path);
    command.current_dir(&program.folder).env(ODD, odd);
    for text in skip {
        command.args(["--skip", text]);
    }
    let ran = command
        .output()
        .with_context(|| format!("cannot start {}", program.path.display()))?;
    let told = String::from_utf8_lossy(&ran.stdout).into_owned();
    let failed = failures(&told);
    if ran.status.success() {
        return Ok(failed);
    }
    show(&told, &program.path)?;
    // One that was killed names none.
    Ok(if failed.is_empty() {
        vec![format!("({})", ran.status)]
    } else {
        failed
    })
}

fn failures(told: &str) -> Vec<String> {
    let lines = told
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
    lines.map(str::to_owned).collect()
}

fn show(told: &str, program: &Path) -> Result<()> {
    writeln!(io::stderr(), "--> {}\n{told}", program.display())?;
    Ok(())
}

fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    // It played nothing, and said that nothing had failed.
    #[test]
    fn no_seeds_are_refused() {
        let seeds = |count: &str| Line::try_parse_from(["odd", "--seeds", count]).map(|line| line.args.seeds);
        assert_eq!(seeds("1").ok(), Some(1));
        assert!(seeds("0").is_err());
    }

    #[test]
    fn programs_of_integration_tests_are_found_among_what_is_built() {
        let messages = r#"{"reason":"compiler-artifact","manifest_path":"/w/crates/vim/Cargo.toml","target":{"kind":["test"],"name":"vm"},"executable":"/w/target/vm-1"}
{"reason":"compiler-artifact","manifest_path":"/w/crates/vim/Cargo.toml","target":{"kind":["lib"],"name":"farside_vim"},"executable":"/w/target/lib-1"}
{"reason":"compiler-artifact","manifest_path":"/w/crates/vim/Cargo.toml","target":{"kind":["test"],"name":"core"},"executable":null}
{"reason":"build-finished","success":true}"#;
        let wanted = Program {
            name: "vim/vm".to_owned(),
            path: "/w/target/vm-1".into(),
            folder: "/w/crates/vim".into(),
        };
        assert_eq!(programs(messages), [wanted]);
    }

    #[test]
    fn failures_are_read_from_what_a_program_tells() {
        let told = "test a::b ... ok\ntest a::c ... FAILED\ntest d ... ignored\n\nfailures:\n    a::c\n";
        assert_eq!(failures(told), ["a::c"]);
    }
}
