//! The report as text, for a terminal of a given width.

use std::fmt::Write as _;

use crate::report::{Report, ReportState};

/// So many of the items that have not ended are listed in a summary: a run that is stopped early has nearly all of them.
const MOST_OPEN: usize = 10;
/// Notes are shortened to fit; a terminal narrower than this gets lines that wrap.
const NARROWEST: usize = 60;

impl Report {
    /// One line per priority group and kind, then every item that ended otherwise than done, with the reason. Of those that have not
    /// ended, the first few are listed, those before others of which something is to be said.
    pub fn summary(&self, width: usize) -> String {
        let mut text = self.heading();
        text.push_str(&self.group_table());
        if self.items.done < self.details.len() {
            text.push('\n');
        }
        let (mut open, ended): (Vec<_>, Vec<_>) = self
            .details
            .iter()
            .filter(|item| item.result != "done")
            .partition(|item| item.result == "open");
        open.sort_by_key(|item| item.notes.is_empty());
        for item in ended.into_iter().chain(open.into_iter().take(MOST_OPEN)) {
            let line = match item.notes.as_slice() {
                [] => format!("{:<8} {}", item.result, item.name),
                notes => format!("{:<8} {}: {}", item.result, item.name, notes.join("; ")),
            };
            let _ = writeln!(text, "{}", fit(&line, width));
        }
        if let more @ 1.. = self.items.open.saturating_sub(MOST_OPEN) {
            let _ = writeln!(
                text,
                "open     and {more} more; the report of the run has them all"
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
        let open = |cell: String| match self.items.open {
            0 => String::new(),
            _ => format!("  {cell:>5}"),
        };
        let mut text = String::new();
        let _ = writeln!(
            text,
            "{:<wide$}  {:<kinds$}  {:>5}  {:>6}  {:>7}  {:>7}{}",
            "group",
            "kind",
            "done",
            "failed",
            "skipped",
            "unknown",
            open("open".to_owned())
        );
        for (group, kind, counts) in rows {
            let _ = writeln!(
                text,
                "{group:<wide$}  {kind:<kinds$}  {:>5}  {:>6}  {:>7}  {:>7}{}",
                counts.done,
                counts.failed,
                counts.skipped,
                counts.unknown,
                open(counts.open.to_string())
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

#[cfg(test)]
mod tests {
    use farside_engine::Mode;

    use super::*;
    use crate::report::{Counts, ItemReport, SCHEMA};

    fn item(number: usize, result: &'static str, note: Option<&str>) -> ItemReport {
        ItemReport {
            name: format!("vm-{number:03}"),
            kind: "k".to_owned(),
            group: "first".to_owned(),
            result,
            notes: note.map(ToOwned::to_owned).into_iter().collect(),
            seconds: None,
            actions: Vec::new(),
        }
    }

    fn report(items: Counts, details: Vec<ItemReport>) -> Report {
        Report {
            schema: SCHEMA,
            run: "r".to_owned(),
            plan: "p".to_owned(),
            plan_hash: String::new(),
            mode: Mode::Planned,
            state: ReportState::Completed,
            started_ms: 0,
            ended_ms: None,
            seconds: 1.0,
            items,
            calls: 0,
            tests_to_clean_up: Vec::new(),
            details,
        }
    }

    // A run of 10,000 items that was stopped early was told on 10,000 lines, and the table did not say where they were.
    #[test]
    fn of_many_open_items_the_first_are_listed_and_the_others_counted() {
        let mut details = vec![item(1, "done", None), item(2, "failed", Some("no"))];
        details.extend((3..23).map(|number| item(number, "open", None)));
        details.push(item(23, "open", Some("waits for its turn")));
        let counts = Counts {
            done: 1,
            failed: 1,
            open: 21,
            ..Counts::default()
        };
        let text = report(counts, details).summary(80);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[3], "group  kind   done  failed  skipped  unknown   open",
            "{text}"
        );
        assert_eq!(
            lines[4], "first  k         1       1        0        0     21",
            "{text}"
        );
        assert_eq!(lines[6], "failed   vm-002: no", "{text}");
        assert_eq!(lines[7], "open     vm-023: waits for its turn", "{text}");
        assert_eq!(lines[8], "open     vm-003", "{text}");
        assert_eq!(
            lines[17..],
            ["open     and 11 more; the report of the run has them all"],
            "{text}"
        );
    }

    #[test]
    fn a_run_without_open_items_has_no_column_for_them() {
        let counts = Counts {
            done: 1,
            ..Counts::default()
        };
        let text = report(counts, vec![item(1, "done", None)]).summary(80);
        assert!(
            text.ends_with(
                "group  kind   done  failed  skipped  unknown\nfirst  k         1       0        0        0\n"
            ),
            "{text}"
        );
    }
}
