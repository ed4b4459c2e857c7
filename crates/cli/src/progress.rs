//! Progress of a run: a bar at a terminal, lines elsewhere, JSON lines with `--json`.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::time::Duration;

use farside_engine::{ActionRef, ActionState, ItemId, OutcomeResult, Record, Run};
use farside_failover::driver::Observer;
use farside_failover::report::{first_names, together};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::output;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// For people, on stderr.
    Human,
    /// JSON lines, on stdout.
    Json,
}

/// Shows what becomes durable.
pub(crate) struct Progress {
    style: Style,
    bar: Option<ProgressBar>,
    ended: usize,
    /// Reasons for waiting that were told already: many items wait for the same thing.
    told: BTreeSet<String>,
}

/// A line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    schema: &'static str,
    run: &'a str,
    at_ms: u64,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<&'a ItemId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<OutcomeResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

impl Progress {
    pub(crate) fn new(style: Style, items: usize) -> Self {
        let bar = (style == Style::Human && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(u64::try_from(items).unwrap_or(u64::MAX));
            // The template is a constant; the default style would only look plainer.
            if let Ok(template) =
                ProgressStyle::with_template("[{elapsed_precise}] {bar:24} {pos}/{len} {wide_msg}")
            {
                bar.set_style(template.progress_chars("=> "));
            }
            bar.enable_steady_tick(Duration::from_secs(1));
            bar
        });
        Self {
            style,
            bar,
            ended: 0,
            told: BTreeSet::new(),
        }
    }

    fn lines(run: &Run, records: &[Record]) {
        for record in records {
            let (event, item, action, result, note) = match record {
                Record::RunStarted { .. } => ("run_started", None, None, None, None),
                Record::RunOpened { .. } => ("run_opened", None, None, None, None),
                Record::RunStopped { .. } => ("run_stopped", None, None, None, None),
                Record::AbortRequested { .. } => ("abort_requested", None, None, None, None),
                Record::RunEnded { .. } => ("run_ended", None, None, None, None),
                Record::ActionEnded { action, outcome, .. } => {
                    let name = run.action(action).map(|(_, step, _)| step.name.as_str());
                    (
                        "action_ended",
                        Some(&action.item),
                        name,
                        Some(outcome.result),
                        outcome.note.as_deref(),
                    )
                }
                Record::LookDeferred { action, reason, .. }
                | Record::ActionPutBack { action, reason, .. } => {
                    ("waiting", Some(&action.item), None, None, Some(reason.as_str()))
                }
                Record::CallLost { reason, .. } => ("answer_lost", None, None, None, Some(reason.as_str())),
                Record::ItemSkipped { item, reason, .. } => {
                    ("item_skipped", Some(item), None, None, Some(reason.as_str()))
                }
                Record::SettleCut { .. }
                | Record::ActionStarted { .. }
                | Record::ActionReady { .. }
                | Record::LimitLearned { .. }
                | Record::CallIntended { .. }
                | Record::CallAccepted { .. }
                | Record::CallAdopted { .. }
                | Record::ActionUnsettled { .. } => continue,
            };
            output::json(&Line {
                schema: "farside.progress/1",
                run: run.id().as_str(),
                at_ms: record.at().0,
                event,
                item,
                action,
                result,
                note,
            });
        }
    }

    fn tell_once(&mut self, item: &ItemId, reason: &str) {
        if self.told.insert(reason.to_owned()) {
            self.say(&format!("{item}: waiting: {reason}"));
        }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::note(text)),
            None => output::note(text),
        }
    }

    /// Problems are told as they happen; the rest is numbers.
    fn tell(&mut self, run: &Run, records: &[Record]) {
        let mut problems = Problems::default();
        for record in records {
            match record {
                Record::ActionEnded { action, outcome, .. } if outcome.result != OutcomeResult::Done => {
                    let what = match outcome.result {
                        OutcomeResult::Done => "done",
                        OutcomeResult::Failed => "failed",
                        OutcomeResult::Unknown => "outcome unknown",
                    };
                    let why = outcome.note.as_deref().unwrap_or("no reason given");
                    problems.add(&action.item, format!("{}: {what}: {why}", step_name(run, action)));
                }
                Record::ItemSkipped { item, reason, .. } => problems.add(item, format!("skipped: {reason}")),
                Record::LookDeferred { action, reason, .. }
                | Record::ActionPutBack { action, reason, .. } => {
                    self.tell_once(&action.item, reason);
                }
                Record::CallLost { call, reason, .. } => {
                    for member in run.call(*call).iter().flat_map(|call| &call.members) {
                        problems.add(
                            &member.item,
                            format!("{}: looking what became of it: {reason}", step_name(run, member)),
                        );
                    }
                }
                _ => {}
            }
        }
        for line in problems.lines() {
            self.say(&line);
        }
        let ended = run
            .items()
            .filter(|(_, progress)| progress.result().is_some())
            .count();
        match &self.bar {
            Some(bar) => {
                bar.set_position(u64::try_from(ended).unwrap_or(u64::MAX));
                bar.set_message(under_way(run));
                if run.ended().is_some() {
                    bar.finish_and_clear();
                }
            }
            None if ended / 10 > self.ended / 10 || (run.ended().is_some() && ended > self.ended) => {
                let total = run.items().count();
                let open = under_way(run);
                let open = if open.is_empty() {
                    open
                } else {
                    format!(": {open}")
                };
                output::note(&format!("{ended} of {total} items ended{open}"));
            }
            None => {}
        }
        self.ended = ended;
    }
}

impl Observer for Progress {
    fn recorded(&mut self, run: &Run, records: &[Record]) {
        match self.style {
            Style::Json => Self::lines(run, records),
            Style::Human => self.tell(run, records),
        }
    }
}

/// The name of an action, as the plan's kind calls it.
fn step_name<'a>(run: &'a Run, action: &ActionRef) -> &'a str {
    run.action(action).map_or("", |(_, step, _)| step.name.as_str())
}

/// What went wrong at one moment; items of which the same is said share a line, since a cause that they have in common hits many.
#[derive(Default)]
struct Problems<'a>(Vec<(&'a ItemId, String)>);

impl<'a> Problems<'a> {
    fn add(&mut self, item: &'a ItemId, what: String) {
        self.0.push((item, what));
    }

    fn lines(&self) -> impl Iterator<Item = String> {
        let said = self.0.iter().map(|(item, what)| (item.as_str(), what.as_str()));
        let lines = together(said).into_iter();
        lines.map(|(what, items)| format!("{}: {what}", first_names(&items)))
    }
}

/// What is going on, in a few words: the priority group, and how many items are at which step.
fn under_way(run: &Run) -> String {
    let mut steps: Vec<(&str, usize)> = Vec::new();
    let mut group = None;
    for (item, progress) in run.items() {
        let (None, Some(current)) = (progress.result(), progress.current()) else {
            continue;
        };
        if matches!(
            progress.actions.get(current).map(|action| &action.state),
            None | Some(ActionState::Waiting)
        ) {
            continue;
        }
        group.get_or_insert(item.group.as_str());
        let Some(step) = item.actions.get(current) else {
            continue;
        };
        match steps.iter_mut().find(|(name, _)| *name == step.name) {
            Some((_, count)) => *count += 1,
            None => steps.push((&step.name, 1)),
        }
    }
    let steps: Vec<String> = steps
        .into_iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    match group {
        Some(group) => format!("{group}: {}", steps.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // One session that could not be had was told on a line for each of 40 items.
    #[test]
    fn items_that_fail_for_the_same_reason_share_a_line() {
        let items: Vec<ItemId> = ["a", "b", "c", "d", "e"].map(ItemId::new).into();
        let mut problems = Problems::default();
        for (at, item) in items.iter().enumerate() {
            let what = if at == 1 {
                "skipped: b"
            } else {
                "migrate: failed: 401"
            };
            problems.add(item, what.to_owned());
        }
        let lines: Vec<String> = problems.lines().collect();
        assert_eq!(
            lines,
            ["a, c, d and 1 more: migrate: failed: 401", "b: skipped: b"]
        );
    }
}
