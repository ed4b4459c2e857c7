//! The report as text, for a terminal of a given width.

use std::fmt::Write as _;

use crate::report::{Report, ReportState};

/// Notes are shortened to fit; a terminal narrower than this gets lines that wrap.
const NARROWEST: usize = 60;

impl Report {
    /// One line per priority group and kind, then every item that is not done, with the reason.
    pub fn summary(&self, width: usize) -> String {
        let mut text = self.heading();
        text.push_str(&self.group_table());
        let open: Vec<_> = self.details.iter().filter(|item| item.result != "done").collect();
        if !open.is_empty() {
            text.push('\n');
        }
        for item in open {
            let _ = writeln!(
                text,
                "{}",
                fit(
                    &format!("{:<8} {}: {}", item.result, item.name, item.notes.join("; ")),
                    width
                )
            );
        }
        text.push_str(&self.left_over());
        text
    }

    /// Everything: one line per item, and its notes below it.
    pub fn full(&self, width: usize) -> String {
        let mut text = self.heading();
        let name = self
            .details
            .iter()
            .map(|item| item.name.chars().count())
            .max()
            .unwrap_or(4)
            .max(4);
        let group = self
            .details
            .iter()
            .map(|item| item.group.chars().count())
            .max()
            .unwrap_or(5)
            .max(5);
        let _ = writeln!(
            text,
            "{:<name$}  {:<group$}  {:<5}  {:<8}  {:>8}  steps",
            "item", "group", "kind", "result", "seconds"
        );
        for item in &self.details {
            let took = item
                .seconds
                .map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.1}"));
            let steps: Vec<String> = item
                .actions
                .iter()
                .map(|action| match action.attempts {
                    0 | 1 => format!("{} {}", action.name, action.result),
                    attempts => format!("{} {} ({attempts} calls)", action.name, action.result),
                })
                .collect();
            let line = format!(
                "{:<name$}  {:<group$}  {:<5}  {:<8}  {took:>8}  {}",
                item.name,
                item.group,
                item.kind,
                item.result,
                steps.join(", ")
            );
            let _ = writeln!(text, "{}", fit(&line, width));
            for note in &item.notes {
                let _ = writeln!(text, "    {note}");
            }
        }
        text.push_str(&self.left_over());
        text
    }

    fn heading(&self) -> String {
        let state = match self.state {
            ReportState::Completed => "ended",
            ReportState::Aborted => "was aborted",
            ReportState::Interrupted => "was interrupted",
            ReportState::Running => "is running,",
        };
        let mut text = format!(
            "Run {} of plan {}, mode {}, {state} after {:.1} s:\n",
            self.run, self.plan, self.mode, self.seconds
        );
        let mut counts = vec![format!("{} done", self.items.done)];
        for (count, word) in [
            (self.items.failed, "failed"),
            (self.items.skipped, "skipped"),
            (self.items.unknown, "unknown"),
            (self.items.open, "open"),
        ] {
            if count > 0 {
                counts.push(format!("{count} {word}"));
            }
        }
        text.push_str(&counts.join(", "));
        text.push_str(".\n\n");
        text
    }

    fn group_table(&self) -> String {
        let rows = self.by_group();
        let wide = rows
            .iter()
            .map(|(group, _, _)| group.chars().count())
            .max()
            .unwrap_or(5)
            .max(5);
        let kinds = rows
            .iter()
            .map(|(_, kind, _)| kind.chars().count())
            .max()
            .unwrap_or(4)
            .max(4);
        let mut text = String::new();
        let _ = writeln!(
            text,
            "{:<wide$}  {:<kinds$}  {:>5}  {:>6}  {:>7}  {:>7}",
            "group", "kind", "done", "failed", "skipped", "unknown"
        );
        for (group, kind, counts) in rows {
            let _ = writeln!(
                text,
                "{group:<wide$}  {kind:<kinds$}  {:>5}  {:>6}  {:>7}  {:>7}",
                counts.done, counts.failed, counts.skipped, counts.unknown
            );
        }
        text
    }

    fn left_over(&self) -> String {
        let mut text = String::new();
        if !self.tests_to_clean_up.is_empty() {
            let _ = writeln!(
                text,
                "\nTests that this run started and did not clean up: {} (farside cleanup ends them).",
                self.tests_to_clean_up.len()
            );
        }
        if self.state == ReportState::Interrupted {
            let _ = writeln!(
                text,
                "\nGo on with: farside resume {} (and the --journal that this run was started with)",
                self.run
            );
        }
        text
    }
}

/// The line, cut to the width with a mark where something is missing.
fn fit(line: &str, width: usize) -> String {
    let width = width.max(NARROWEST);
    if line.chars().count() <= width {
        return line.trim_end().to_owned();
    }
    let mut cut: String = line.chars().take(width - 1).collect();
    cut.push('…');
    cut
}
