//! `farside status` and `farside report`: what the journal knows.

use std::fmt::Write as _;

use farside_engine::RunId;
use farside_failover::report::{Report, ReportState, exit};
use farside_failover::runs::{self, History};
use farside_transport::SystemClock;
use serde::Serialize;

use crate::args::{self, Format};
use crate::command::drive;
use crate::failure::Failure;
use crate::output;
use crate::place::{self, Place};

#[derive(Serialize)]
struct Runs {
    schema: &'static str,
    runs: Vec<RunLine>,
    tests_to_clean_up: Vec<OpenTests>,
}

#[derive(Serialize)]
struct RunLine {
    run: String,
    plan: String,
    mode: farside_engine::Mode,
    started_ms: u64,
    ended_ms: Option<u64>,
    driven_by: Option<String>,
}

#[derive(Serialize)]
struct OpenTests {
    plan: String,
    items: Vec<String>,
}

pub(super) async fn report(command: &args::Report) -> Result<u8, Failure> {
    let (report, place) = read(&command.run, command.place.journal.as_deref()).await?;
    match command.format {
        Format::Json => output::json(&report),
        Format::Human => tell(&report, &report.full(output::width()), &place),
    }
    Ok(report.exit_code())
}

fn tell(report: &Report, text: &str, place: &Place) {
    output::result(text);
    if let Some(way_on) = place.way_on(report) {
        output::result(&way_on);
    }
}

async fn read(run: &str, journal: Option<&str>) -> Result<(Report, Place), Failure> {
    let place = place::open_to_read(journal).await?;
    let run = runs::read(place.journal.as_ref(), &RunId::new(run)).await?;
    let mut report = Report::of(&run, drive::now(&SystemClock::new()));
    let driven = place
        .journal
        .runs()
        .await?
        .into_iter()
        .any(|known| known.run == *run.id() && known.driven_by.is_some());
    if driven && report.state == ReportState::Interrupted {
        report.state = ReportState::Running;
    }
    Ok((report, place))
}

pub(super) async fn status(command: &args::Status) -> Result<u8, Failure> {
    if let Some(run) = &command.run {
        let (report, place) = read(run, command.place.journal.as_deref()).await?;
        if command.json {
            output::json(&report);
        } else {
            tell(&report, &report.summary(output::width()), &place);
        }
        return Ok(report.exit_code());
    }
    let place = place::open_to_read(command.place.journal.as_deref()).await?;
    let history = History::read(&place.journal).await?;
    let runs = place.journal.runs().await?.into_iter().map(|summary| RunLine {
        run: summary.run.to_string(),
        plan: summary.plan,
        mode: summary.mode,
        started_ms: summary.started.0,
        ended_ms: summary.ended.map(|at| at.0),
        driven_by: summary.driven_by.map(|owner| owner.to_string()),
    });
    let tests = history.open_tests().map(|(plan, items)| OpenTests {
        plan: plan.to_owned(),
        items: items.iter().cloned().collect(),
    });
    let runs = Runs {
        schema: "farside.status/1",
        runs: runs.collect(),
        tests_to_clean_up: tests.collect(),
    };
    if command.json {
        output::json(&runs);
    } else {
        output::result(&text(&runs, &place));
    }
    Ok(exit::DONE)
}

fn text(runs: &Runs, place: &Place) -> String {
    if runs.runs.is_empty() {
        return "No runs.\n".to_owned();
    }
    let wide = runs
        .runs
        .iter()
        .map(|line| line.run.chars().count())
        .max()
        .unwrap_or(3)
        .max(3);
    let mut text = format!("{:<wide$}  {:<9}  state\n", "run", "mode");
    for line in &runs.runs {
        let state = match (line.ended_ms, &line.driven_by) {
            (Some(_), _) => "ended".to_owned(),
            (None, Some(by)) => format!("running, driven by {by}"),
            (None, None) => format!("interrupted; go on with: {}", place.resume(&line.run)),
        };
        let _ = writeln!(text, "{:<wide$}  {:<9}  {state}", line.run, line.mode.as_str());
    }
    for tests in &runs.tests_to_clean_up {
        let _ = writeln!(
            text,
            "\nTests of plan {} that nobody has cleaned up: {}",
            tests.plan,
            tests.items.join(", ")
        );
    }
    text
}
