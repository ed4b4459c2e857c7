//! `cargo xtask bench [NAME] [--json]`: runs the benchmarks of the workspace and prints their figures beside the bounds.
//!
//! Times are measured by criterion; a figure is a ratio of two of them, measured one after the other on the same
//! machine, so that it says something on any machine. What is no time (memory) comes from a benchmark that prints it.

mod figures;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

pub(crate) use figures::Bound;
use figures::{FIGURES, Figure, Source};

/// Arguments of the chore.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Only figures whose name or benchmark contains this.
    pub name: Option<String>,
    /// Print one line of JSON for each figure.
    #[arg(long)]
    pub json: bool,
}

/// A figure that was measured.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: String,
    pub(crate) bound: String,
    pub(crate) holds: bool,
}

/// What a benchmark without criterion prints.
#[derive(Debug, Deserialize)]
struct Printed {
    name: String,
    value: f64,
    unit: String,
}

/// Runs the benchmarks and prints their figures.
///
/// # Errors
/// If a benchmark cannot be run or does not measure what a figure needs, or a figure does not hold its bound.
pub fn run(args: &Args) -> Result<()> {
    let wanted: Vec<&Figure> = FIGURES
        .iter()
        .filter(|figure| {
            let name = args.name.as_deref().unwrap_or_default();
            figure.name.contains(name) || figure.bench.contains(name)
        })
        .collect();
    if wanted.is_empty() {
        let names: Vec<&str> = FIGURES.iter().map(|figure| figure.name).collect();
        bail!("no such figure; there are {}", names.join(", "));
    }
    let mut printed: Vec<Printed> = Vec::new();
    let mut done: Vec<(&str, &str)> = Vec::new();
    for figure in &wanted {
        if !done.contains(&(figure.package, figure.bench)) {
            done.push((figure.package, figure.bench));
            printed.extend(run_bench(figure.package, figure.bench)?);
        }
    }
    let target = target_folder()?;
    let measured: Vec<Measured> = wanted
        .iter()
        .map(|figure| measure(figure, &target, &printed).with_context(|| format!("figure `{}`", figure.name)))
        .collect::<Result<_>>()?;
    report(&measured, args.json)
}

/// Prints figures, as a table or as lines of JSON.
///
/// # Errors
/// If a figure does not hold its bound.
#[expect(clippy::print_stdout, reason = "a chore reports to the person who ran it")]
pub(crate) fn report(measured: &[Measured], json: bool) -> Result<()> {
    if json {
        for figure in measured {
            println!("{}", serde_json::to_string(figure)?);
        }
    } else {
        let width = measured.iter().map(|figure| figure.name.len()).max().unwrap_or(0);
        println!(
            "{:width$}  {:>10}  {:12}  {:10}  holds",
            "figure", "value", "unit", "bound"
        );
        for figure in measured {
            let holds = if figure.holds { "yes" } else { "NO" };
            println!(
                "{:width$}  {:>10.2}  {:12}  {:10}  {holds}",
                figure.name, figure.value, figure.unit, figure.bound
            );
        }
    }
    let broken: Vec<&str> = measured
        .iter()
        .filter(|figure| !figure.holds)
        .map(|figure| figure.name.as_str())
        .collect();
    if !broken.is_empty() {
        bail!("out of bounds: {}", broken.join(", "));
    }
    Ok(())
}

/// Runs one benchmark. What criterion says goes to the standard error; what the benchmark prints as JSON is returned.
fn run_bench(package: &str, bench: &str) -> Result<Vec<Printed>> {
    let output = Command::new(env!("CARGO"))
        .args(["bench", "--package", package, "--all-features", "--bench", bench])
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("starting the benchmark {bench} of {package}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("the benchmark {bench} of {package} failed:\n{stdout}");
    }
    Ok(stdout
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect())
}

fn measure(figure: &Figure, target: &Path, printed: &[Printed]) -> Result<Measured> {
    let (value, unit) = match figure.source {
        Source::Ratio { of, to } => (time(target, of)? / time(target, to)?, "times".to_owned()),
        Source::Printed => {
            let found = printed.iter().find(|line| line.name == figure.name);
            let line = found.context("the benchmark did not print it")?;
            (line.value, line.unit.clone())
        }
    };
    Ok(figure.bound.measured(figure.name, value, &unit))
}

/// Median time of a criterion benchmark, in nanoseconds.
fn time(target: &Path, id: &str) -> Result<f64> {
    #[derive(Deserialize)]
    struct Estimates {
        median: Estimate,
    }
    #[derive(Deserialize)]
    struct Estimate {
        point_estimate: f64,
    }
    let path = target.join("criterion").join(id).join("new/estimates.json");
    let text = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    let estimates: Estimates =
        serde_json::from_slice(&text).with_context(|| format!("reading {}", path.display()))?;
    Ok(estimates.median.point_estimate)
}

/// The folder that cargo builds into.
pub(crate) fn target_folder() -> Result<PathBuf> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .no_deps()
        .exec()
        .context("asking cargo about the workspace")?;
    Ok(metadata.target_directory.into())
}
