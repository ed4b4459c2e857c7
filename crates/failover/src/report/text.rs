//! The report as text, for a terminal of a given width.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::report::{Report, ReportState};

/// So many of the items that have not ended are listed in a summary: a run that is stopped early has nearly all of them.
const MOST_OPEN: usize = 10;
/// Lines are shortened to fit; a terminal narrower than this gets lines that wrap.
const NARROWEST: usize = 60;
/// So many names of items that came to the same end for the same reason are given.
const MOST_NAMES: usize = 3;
/// A reason takes so many lines at most: what went wrong comes last in a chain of errors, and that is often not on the first.
const MOST_LINES: usize = 4;
/// Where the lines after the first begin.
const INDENT: &str = "         ";

impl Report {
    /// One line per priority group and kind, then the items that ended otherwise than done, with the reason; those that ended alike
    /// for the same reason share it, and the first few are named. Of those that have not ended, the first few are listed, those
    /// before others of which something is to be said.
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
        let ended = together(ended.into_iter().enumerate().map(|(at, item)| {
            // Items of which nothing is said stand alone.
            let alone = item.notes.is_empty().then_some(at);
            (item.name.as_str(), (item.result, item.notes.as_slice(), alone))
        }));
        for ((result, notes, _), names) in &ended {
            let _ = writeln!(text, "{}", told(result, &first_names(names), notes, width));
        }
        if ended.iter().any(|(_, names)| names.len() > MOST_NAMES) {
            let _ = writeln!(text, "The report of the run has all names.");
        }
        for item in open.into_iter().take(MOST_OPEN) {
            let _ = writeln!(text, "{}", told(item.result, &item.name, &item.notes, width));
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

/// What is said of names, in the order in which it was first said; names of which the same is said share it.
pub fn together<'a, T: Ord + Copy>(said: impl IntoIterator<Item = (&'a str, T)>) -> Vec<(T, Vec<&'a str>)> {
    let mut together: Vec<(T, Vec<&str>)> = Vec::new();
    let mut places: BTreeMap<T, usize> = BTreeMap::new();
    for (name, what) in said {
        let place = *places.entry(what).or_insert(together.len());
        match together.get_mut(place) {
            Some((_, names)) => names.push(name),
            None => together.push((what, vec![name])),
        }
    }
    together
}

/// The first names of items, and how many more there are.
pub fn first_names(names: &[&str]) -> String {
    let first = names[..names.len().min(MOST_NAMES)].join(", ");
    match names.len().saturating_sub(MOST_NAMES) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// What became of items, with the reason.
fn told(result: &str, names: &str, notes: &[String], width: usize) -> String {
    match notes {
        [] => fit(&format!("{result:<8} {names}"), width),
        notes => wrapped(&format!("{result:<8} {names}: {}", notes.join("; ")), width),
    }
}

/// The text in lines of the width, the last of which is cut if there would be too many.
fn wrapped(text: &str, width: usize) -> String {
    let width = width.max(NARROWEST);
    let mut lines: Vec<String> = Vec::new();
    let mut rest = text.trim_end().to_owned();
    while lines.len() + 1 < MOST_LINES && rest.chars().count() > width {
        let end = rest.char_indices().nth(width).map_or(rest.len(), |(at, _)| at);
        // The first columns are the result, or the indent: a word that is wider than a line is left to be cut.
        let Some(space) = rest.get(INDENT.len()..end).and_then(|words| words.rfind(' ')) else {
            break;
        };
        let next = rest.split_off(INDENT.len() + space);
        lines.push(rest);
        rest = format!("{INDENT}{}", next.trim_start());
    }
    lines.push(fit(&rest, width));
    lines.join("\n")
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

    // One session that could not be had was told of each of 40 replications, on a line that ended before the reason.
    #[test]
    fn items_that_fail_for_the_same_reason_share_it_and_it_is_told_whole() {
        let reason = "migrate: sessions.get on the session failed (request eaf784d0-290): the server answered 401: \
                      NotAuthenticated: Authentication is needed.";
        let mut details: Vec<_> = (1..41)
            .map(|number| item(number, "failed", Some(reason)))
            .collect();
        details.push(item(41, "skipped", Some("left out")));
        details.push(item(42, "failed", Some(reason)));
        details.push(item(43, "failed", Some(&"endless ".repeat(200))));
        let counts = Counts {
            failed: 42,
            skipped: 1,
            ..Counts::default()
        };
        let text = report(counts, details).summary(80);
        let lines: Vec<&str> = text.lines().skip(6).collect();
        assert_eq!(
            lines[..4],
            [
                "failed   vm-001, vm-002, vm-003 and 38 more: migrate: sessions.get on the",
                "         session failed (request eaf784d0-290): the server answered 401:",
                "         NotAuthenticated: Authentication is needed.",
                "skipped  vm-041: left out",
            ],
            "{text}"
        );
        assert_eq!(lines.len(), 5 + MOST_LINES, "{text}");
        assert!(lines[3 + MOST_LINES].ends_with('…'), "{text}");
        assert_eq!(lines[4 + MOST_LINES], "The report of the run has all names.");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
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
