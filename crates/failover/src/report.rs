//! What a run did, for people and for programs. Derived from the run's records alone.

mod text;

pub use text::{first_names, together};

use std::collections::BTreeMap;

use farside_engine::{
    ActionState, Item, ItemProgress, ItemResult, Mode, OutcomeResult, Run, RunState, Timestamp,
};
use serde::Serialize;

/// Name and version of the report's JSON form.
pub const SCHEMA: &str = "farside.report/1";

/// A run's report.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Name of the run.
    pub run: String,
    /// Name of the plan.
    pub plan: String,
    /// SHA-256 of the plan file that the run was started from.
    pub plan_hash: String,
    /// What the run was for.
    pub mode: Mode,
    /// Whether it has ended.
    pub state: ReportState,
    /// When it started, milliseconds since the Unix epoch.
    pub started_ms: u64,
    /// When it ended, milliseconds since the Unix epoch.
    pub ended_ms: Option<u64>,
    /// How long it took, or has taken, seconds.
    pub seconds: f64,
    /// Items by result.
    pub items: Counts,
    /// Remote calls that were made.
    pub calls: usize,
    /// Tests of this run that nobody has cleaned up as far as this run knows.
    pub tests_to_clean_up: Vec<String>,
    /// Each item.
    pub details: Vec<ItemReport>,
}

/// Whether a run has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportState {
    /// Every item has ended.
    Completed,
    /// Every item has ended, after somebody asked for the end.
    Aborted,
    /// Stopped before the end; it can be resumed.
    Interrupted,
    /// A process drives it at this moment.
    Running,
}

/// Numbers of items by result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// As asked.
    pub done: usize,
    /// Not as asked.
    pub failed: usize,
    /// Not worked on, or not to the end.
    pub skipped: usize,
    /// A person must look.
    pub unknown: usize,
    /// Not ended yet.
    #[serde(skip_serializing_if = "is_zero")]
    pub open: usize,
}

// serde hands the field over by reference.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// One item of a report.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ItemReport {
    /// Its name.
    pub name: String,
    /// Its kind of protection.
    pub kind: String,
    /// Its priority group.
    pub group: String,
    /// `done`, `failed`, `skipped`, `unknown` or `open`.
    pub result: &'static str,
    /// Why, or what else there is to say.
    pub notes: Vec<String>,
    /// How long it took, seconds; none when it never began.
    pub seconds: Option<f64>,
    /// Its steps.
    pub actions: Vec<ActionReport>,
}

/// One step of an item.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ActionReport {
    /// What it does.
    pub name: String,
    /// `done`, `failed`, `unknown`, `open` or `not begun`.
    pub result: &'static str,
    /// Calls that carried it.
    pub attempts: u32,
    /// How long it took, seconds; none when it has not ended.
    pub seconds: Option<f64>,
    /// What its kind left behind: new identifiers, points in time.
    #[serde(skip_serializing_if = "serde_json::Value::is_null")]
    pub data: serde_json::Value,
}

impl Report {
    /// The report of a run at `now`.
    pub fn of(run: &Run, now: Timestamp) -> Self {
        let mut items = Counts::default();
        let mut details = Vec::new();
        let mut tests_to_clean_up = Vec::new();
        for (item, progress) in run.items() {
            match progress.result() {
                Some(ItemResult::Done) => items.done += 1,
                Some(ItemResult::Failed) => items.failed += 1,
                Some(ItemResult::Skipped) => items.skipped += 1,
                Some(ItemResult::Unknown) => items.unknown += 1,
                None => items.open += 1,
            }
            if run.plan().mode == Mode::Test && leaves_a_test(progress) {
                tests_to_clean_up.push(item.id.to_string());
            }
            details.push(item_report(item, progress, now));
        }
        let state = match run.state() {
            RunState::Ended if run.is_aborting() => ReportState::Aborted,
            RunState::Ended => ReportState::Completed,
            RunState::Running | RunState::Stopped => ReportState::Interrupted,
        };
        Self {
            schema: SCHEMA,
            run: run.id().to_string(),
            plan: run.plan().name.clone(),
            plan_hash: run.plan().hash.clone(),
            mode: run.plan().mode,
            state,
            started_ms: run.started().0,
            ended_ms: run.ended().map(|at| at.0),
            seconds: seconds(run.ended().unwrap_or(now).since(run.started())),
            items,
            calls: run.calls().count(),
            tests_to_clean_up,
            details,
        }
    }

    /// The exit code that the report amounts to: the highest of 4 (unknown), 3 (not ended), 1 (failed or skipped), or 0.
    pub fn exit_code(&self) -> u8 {
        if self.items.unknown > 0 {
            exit::UNKNOWN
        } else if matches!(self.state, ReportState::Interrupted | ReportState::Running) {
            exit::INTERRUPTED
        } else if self.items.failed + self.items.skipped > 0 {
            exit::INCOMPLETE
        } else {
            exit::DONE
        }
    }

    /// Items by priority group and kind, in the order of the plan.
    fn by_group(&self) -> Vec<(&str, &str, Counts)> {
        let mut order: Vec<(&str, &str)> = Vec::new();
        let mut counts: BTreeMap<(&str, &str), Counts> = BTreeMap::new();
        for item in &self.details {
            let key = (item.group.as_str(), item.kind.as_str());
            if !counts.contains_key(&key) {
                order.push(key);
            }
            let counts = counts.entry(key).or_default();
            match item.result {
                "done" => counts.done += 1,
                "failed" => counts.failed += 1,
                "skipped" => counts.skipped += 1,
                "unknown" => counts.unknown += 1,
                _ => counts.open += 1,
            }
        }
        order
            .into_iter()
            .filter_map(|key| counts.get(&key).map(|counts| (key.0, key.1, *counts)))
            .collect()
    }
}

/// Exit codes of the command, for programs that call it.
pub mod exit {
    /// Done as asked, nothing open.
    pub const DONE: u8 = 0;
    /// Finished, but items failed or were skipped, or preflight says no.
    pub const INCOMPLETE: u8 = 1;
    /// Bad input or refused; nothing was touched.
    pub const REFUSED: u8 = 2;
    /// Stopped before the end; can be resumed.
    pub const INTERRUPTED: u8 = 3;
    /// The outcome of some item is unknown; a person must look.
    pub const UNKNOWN: u8 = 4;
}

/// Whether a test may be running for the item: something of it was called and nothing says that it failed cleanly.
pub(crate) fn leaves_a_test(progress: &ItemProgress) -> bool {
    progress.has_open_call()
        || progress.actions.iter().any(|action| action.in_doubt)
        || progress.actions.iter().any(|action| match &action.state {
            ActionState::Ended(outcome) => match outcome.result {
                OutcomeResult::Done | OutcomeResult::Unknown => true,
                OutcomeResult::Failed => false,
            },
            ActionState::Waiting
            | ActionState::Looking { .. }
            | ActionState::Ready { .. }
            | ActionState::Called { .. }
            | ActionState::Verifying(_) => false,
        })
}

fn item_report(item: &Item, progress: &ItemProgress, now: Timestamp) -> ItemReport {
    let mut notes: Vec<String> = item.note.iter().cloned().collect();
    notes.extend(progress.skipped.iter().cloned());
    let mut actions = Vec::new();
    for (step, action) in item.actions.iter().zip(&progress.actions) {
        let (result, data) = match &action.state {
            ActionState::Ended(outcome) => {
                notes.extend(outcome.note.iter().map(|note| format!("{}: {note}", step.name)));
                let result = match outcome.result {
                    OutcomeResult::Done => "done",
                    OutcomeResult::Failed => "failed",
                    OutcomeResult::Unknown => "unknown",
                };
                (result, outcome.data.clone())
            }
            ActionState::Waiting => ("not begun", serde_json::Value::Null),
            ActionState::Looking { .. }
            | ActionState::Ready { .. }
            | ActionState::Called { .. }
            | ActionState::Verifying(_) => {
                notes.extend(
                    action
                        .waiting_for
                        .iter()
                        .map(|reason| format!("{}: {reason}", step.name)),
                );
                ("open", serde_json::Value::Null)
            }
        };
        let took = action
            .started
            .zip(action.ended)
            .map(|(from, to)| seconds(to.since(from)));
        actions.push(ActionReport {
            name: step.name.clone(),
            result,
            attempts: action.attempts,
            seconds: took,
            data,
        });
    }
    if progress.result() == Some(ItemResult::Skipped) {
        notes.extend(done_before(&actions));
    }
    let started = progress.actions.iter().find_map(|action| action.started);
    let ended = progress
        .result()
        .and_then(|_| progress.actions.iter().rev().find_map(|action| action.ended));
    ItemReport {
        name: item.id.to_string(),
        kind: item.kind.clone(),
        group: item.group.clone(),
        result: match progress.result() {
            Some(ItemResult::Done) => "done",
            Some(ItemResult::Failed) => "failed",
            Some(ItemResult::Skipped) => "skipped",
            Some(ItemResult::Unknown) => "unknown",
            None => "open",
        },
        notes,
        seconds: started.map(|from| seconds(ended.unwrap_or(now).since(from))),
        actions,
    }
}

/// What the world keeps of an item that is given up half way.
fn done_before(actions: &[ActionReport]) -> Option<String> {
    let done = actions.iter().filter(|action| action.result == "done");
    let names: Vec<&str> = done.map(|action| action.name.as_str()).collect();
    (!names.is_empty()).then(|| format!("done before that: {}", names.join(", ")))
}

/// Milliseconds as seconds with three decimals.
#[expect(clippy::cast_precision_loss, reason = "a run is shorter than 285,000 years")]
fn seconds(millis: u64) -> f64 {
    millis as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    // A server had failed over when the run was aborted, and the summary said "skipped" and nothing else.
    #[test]
    fn what_was_done_to_an_item_that_is_given_up_is_told() {
        let action = |name: &str, result| ActionReport {
            name: name.to_owned(),
            result,
            attempts: 1,
            seconds: None,
            data: serde_json::Value::Null,
        };
        let mut actions = vec![
            action("prepare", "done"),
            action("fail over", "done"),
            action("wait", "not begun"),
        ];
        assert_eq!(
            done_before(&actions).as_deref(),
            Some("done before that: prepare, fail over")
        );
        actions.drain(..2);
        assert_eq!(done_before(&actions), None);
    }
}
