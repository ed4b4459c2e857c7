//! `cargo xtask validate`: whether what the simulator answers is what the checked-in API documents say.
//!
//! The tests record what each simulated world is asked and answers (`farside_simulator`, environment variable
//! `FARSIDE_RECORDINGS`), also those that start the command. Each exchange is matched to an operation by method and path;
//! then its status, its media type and its body are held against the document, and so is the request, if it was taken.
//! So are the wire fixtures of the model crates. What differs on purpose is listed in `xtask/schemas/oddities.toml`, with
//! the reason.

mod check;
mod exchange;
mod judge;
mod oddity;
mod operation;
mod property;
mod scalar;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};

use crate::layers::workspace_root;
use crate::schemas;
use exchange::Exchange;
use judge::Judge;
use oddity::Oddities;

/// Arguments of the chore.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// A folder that `FARSIDE_RECORDINGS` named to the tests; may be given more than once.
    #[arg(long, value_name = "DIR", required = true)]
    pub recordings: Vec<PathBuf>,
    /// The recordings are those of all tests, in usual and in odd worlds: an oddity that nothing shows is stale.
    #[arg(long)]
    pub whole: bool,
}

/// Holds the recorded answers of the simulator, and the wire fixtures, against the documents, and prints a line for each
/// finding that is not listed as an oddity: operation, place, what, how often, and where it was found first.
///
/// # Errors
/// If a recording or a document cannot be read, if there is nothing to judge, if there is a finding, or if an oddity is listed
/// that nothing shows in the recordings of all tests.
#[expect(clippy::print_stdout, reason = "a chore reports to the person who ran it")]
pub fn run(args: &Args) -> Result<()> {
    let documents = schema::documents()?;
    let judge = Judge::new(&documents)?;
    let mut report = Report::new(Oddities::read(&schemas::folder().join("oddities.toml"))?);
    for folder in &args.recordings {
        let folder = folder.join("simulator");
        let before = report.exchanges;
        exchange::recorded(&folder, |exchange| report.add(&judge, exchange))?;
        ensure!(
            report.exchanges > before,
            "no exchange is recorded in {}",
            folder.display()
        );
    }
    let recorded = report.exchanges;
    exchange::fixtures(&workspace_root().join("crates"), |exchange| {
        report.add(&judge, exchange)
    })?;
    let stale: Vec<String> = report.oddities.stale().filter(|_| args.whole).collect();
    for line in report.lines().chain(stale.iter().cloned()) {
        println!("{line}");
    }
    println!(
        "{recorded} exchanges and {} fixtures, {} findings, {} of {} oddities met",
        report.exchanges - recorded,
        report.found.len(),
        report.oddities.met(),
        report.oddities.len(),
    );
    if !report.found.is_empty() {
        bail!(
            "the simulator or a fixture says what no document has; mend it, or list it as an oddity with its reason"
        );
    }
    if !stale.is_empty() {
        bail!(
            "oddities.toml lists what no test and no fixture shows; remove it, or say why a run need not meet it (`rare`)"
        );
    }
    Ok(())
}

/// Something that no document has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    /// The operation, or method and path where no document has one.
    operation: String,
    /// Where: `200 items[].id`, `request spec`.
    place: String,
    /// What.
    what: String,
}

/// What was found, how often, and where first.
#[derive(Debug)]
struct Report {
    oddities: Oddities,
    exchanges: usize,
    found: BTreeMap<Finding, (usize, String)>,
}

impl Report {
    fn new(oddities: Oddities) -> Self {
        Self {
            oddities,
            exchanges: 0,
            found: BTreeMap::new(),
        }
    }

    fn add(&mut self, judge: &Judge<'_>, exchange: &Exchange) {
        self.exchanges += 1;
        for finding in judge.findings(exchange) {
            if self.oddities.covers(&finding, &exchange.source) {
                continue;
            }
            let source = || (0, exchange.source.clone());
            self.found.entry(finding).or_insert_with(source).0 += 1;
        }
    }

    fn lines(&self) -> impl Iterator<Item = String> {
        self.found.iter().map(|(finding, (count, first))| {
            let Finding {
                operation,
                place,
                what,
            } = finding;
            format!("{operation}: {place}: {what} ({count}, first {first})")
        })
    }
}
