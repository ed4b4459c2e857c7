//! Where runs and reports are kept.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::anyhow;
use farside_failover::plan::Document;
use farside_failover::report::{Report, ReportState};
use farside_journal::{Journal, JournalError, JournalErrorKind, SqliteJournal};

use crate::failure::Failure;

/// Name of the default journal, in the state folder.
const JOURNAL: &str = "journal.db";

/// A journal with the folder that its reports go to.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) reports: PathBuf,
    path: PathBuf,
}

impl Place {
    fn of(journal: SqliteJournal, path: PathBuf) -> Self {
        let mut reports = path.clone().into_os_string();
        reports.push(".reports");
        Self {
            journal: Arc::new(journal),
            reports: PathBuf::from(reports),
            path,
        }
    }

    /// The command line that takes up a run of this journal.
    pub(crate) fn resume(&self, run: &str) -> String {
        at_journal(&format!("farside resume {run}"), &self.path)
    }

    /// What is told below the summary of a run that has not ended and that nobody drives.
    pub(crate) fn way_on(&self, report: &Report) -> Option<String> {
        let is_left = report.state == ReportState::Interrupted;
        is_left.then(|| format!("\nGo on with: {}", self.resume(&report.run)))
    }
}

/// What can be typed about an error of a journal.
pub(crate) fn way_out(error: &JournalError) -> Option<String> {
    let typed = |command: &str| at_journal(command, Path::new(error.journal()));
    match error.kind() {
        JournalErrorKind::Held { holder, .. } => Some(format!(
            "finish that run with: {}; or give it up with: {}",
            typed(&format!("farside resume {holder}")),
            typed(&format!("farside abort {holder}"))
        )),
        // It may have ended: `status` tells, and names the way on if there is one.
        JournalErrorKind::RunExists { run } => Some(format!(
            "see what became of that run with: {}",
            typed(&format!("farside status {run}"))
        )),
        JournalErrorKind::Unusable { run } => Some(format!(
            "take that run up with: {}",
            typed(&format!("farside resume {run}"))
        )),
        JournalErrorKind::RunEnded { run } => Some(format!(
            "look at it with: {}",
            typed(&format!("farside report {run}"))
        )),
        JournalErrorKind::UnknownRun { .. } => {
            Some(format!("list its runs with: {}", typed("farside status")))
        }
        _ => None,
    }
}

/// The command line for a journal, which is named unless it is the default one.
fn at_journal(command: &str, journal: &Path) -> String {
    let default = state_folder().map(|folder| folder.join(JOURNAL));
    match default {
        Ok(default) if default == journal => command.to_owned(),
        _ => format!("{command} --journal {}", quoted(journal)),
    }
}

/// As a shell takes it for one word.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:,@%".contains(c);
    if text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Opens the journal that is asked for, else the plan's, else the default one; a missing one is made.
pub(crate) async fn open(asked: Option<&str>, plan: Option<&Document>) -> Result<Place, Failure> {
    at(path(asked, plan)?).await
}

/// Opens a journal whose runs are gone on with; a missing one is not made.
pub(crate) async fn open_existing(asked: Option<&str>) -> Result<Place, Failure> {
    at(existing(asked)?).await
}

/// Opens a journal to read from, also where nothing can be written; a missing one is not made.
pub(crate) async fn open_to_read(asked: Option<&str>) -> Result<Place, Failure> {
    read_at(existing(asked)?).await
}

fn existing(asked: Option<&str>) -> Result<PathBuf, Failure> {
    let path = path(asked, None)?;
    if !path.exists() {
        return Err(
            Failure::refused(anyhow!("there is no journal at {}", path.display()))
                .hint("name the journal of the run with --journal FILE"),
        );
    }
    Ok(path)
}

/// Opens the journal if it is there: for commands that change nothing.
pub(crate) async fn open_if_there(
    asked: Option<&str>,
    plan: Option<&Document>,
) -> Result<Option<Place>, Failure> {
    let path = path(asked, plan)?;
    if path.exists() {
        read_at(path).await.map(Some)
    } else {
        Ok(None)
    }
}

async fn at(path: PathBuf) -> Result<Place, Failure> {
    Ok(Place::of(SqliteJournal::open(&path).await?, path))
}

async fn read_at(path: PathBuf) -> Result<Place, Failure> {
    Ok(Place::of(SqliteJournal::open_to_read(&path).await?, path))
}

fn path(asked: Option<&str>, plan: Option<&Document>) -> Result<PathBuf, Failure> {
    let of_plan = plan.and_then(|plan| plan.journal.as_deref().map(|name| (plan, name)));
    match (asked, of_plan) {
        (Some(asked), _) => file(asked),
        (None, Some((plan, name))) => Ok(plan.path.parent().unwrap_or(Path::new(".")).join(file(name)?)),
        (None, None) => Ok(state_folder()?.join(JOURNAL)),
    }
}

fn file(name: &str) -> Result<PathBuf, Failure> {
    match name.split_once("://") {
        None => Ok(PathBuf::from(name)),
        Some((scheme, _)) => Err(Failure::refused(anyhow!(
            "journal {name}: journals at a {scheme} address are not part of this build"
        ))
        .hint("give the path of a file on a local disk")),
    }
}

/// `$XDG_STATE_HOME/farside`, or `~/.local/state/farside`.
pub(crate) fn state_folder() -> Result<PathBuf, Failure> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|state| state.join("farside"))
        .ok_or_else(|| {
            Failure::refused(anyhow!(
                "there is no place for a journal: neither XDG_STATE_HOME nor HOME is set"
            ))
            .hint("give one with --journal FILE")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        for (path, word) in [
            ("/var/lib/j.db", "/var/lib/j.db"),
            ("my runs/j.db", "'my runs/j.db'"),
            ("it's", r"'it'\''s'"),
        ] {
            assert_eq!(quoted(Path::new(path)), word);
        }
    }
}
