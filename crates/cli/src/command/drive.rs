//! Driving a run from this process: `run`, `cleanup`, `resume`, `abort` and the demo end here.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use farside_engine::{Input, Mode, Run, RunId, Timestamp};
use farside_failover::connection::{Connections, HttpsConnector};
use farside_failover::driver::{Driver, Surroundings};
use farside_failover::kind;
use farside_failover::plan::RunSurroundings;
use farside_failover::report::{Counts, Report, exit};
use farside_failover::runs;
use farside_journal::RunLog;
use farside_transport::{Clock, SystemClock};
use serde::Serialize;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::args;
use crate::failure::Failure;
use crate::output;
use crate::place::{self, Place};
use crate::progress::{Progress, Style};

/// The last line of `--json`.
#[derive(Serialize)]
struct Summary<'a> {
    schema: &'static str,
    run: &'a str,
    mode: farside_engine::Mode,
    items: Counts,
    seconds: f64,
    report: &'a str,
}

/// Drives the run to its end (or to a stop), writes its report and prints the result; the answer is the exit code.
pub(super) async fn to_the_end(
    run: Run,
    log: Box<dyn RunLog>,
    world: Arc<Connections>,
    place: &Place,
    first: Vec<Input>,
    style: Style,
) -> Result<u8, Failure> {
    let clock = world.clock().clone();
    let id = run.id().clone();
    let (control, orders) = unbounded_channel();
    for input in first {
        let _ = control.send(input);
    }
    let signals = tokio::spawn(obey_signals(control));
    let progress = Progress::new(style, run.items().count());
    let around = Surroundings {
        kinds: kind::standard(),
        world: Arc::clone(&world),
        clock: Arc::clone(&clock),
    };
    let driven = Driver::new(run, log, around, orders, Box::new(progress))
        .drive()
        .await;
    signals.abort();
    world.close().await;
    let driven = driven.map_err(|error| Failure::stopped(error, &place.resume(id.as_str())))?;
    let report = Report::of(&driven, now(clock.as_ref()));
    let file = write_report(&place.reports, &report);
    let shown = match &file {
        Ok(path) => path.clone(),
        Err(error) => {
            output::note(&format!("warning: the report could not be written: {error:#}"));
            String::new()
        }
    };
    match style {
        Style::Human => {
            output::result(&report.summary(output::width()));
            if let Some(way_on) = place.way_on(&report) {
                output::result(&way_on);
            }
            if !shown.is_empty() {
                output::result(&format!("Report: {shown}"));
            }
        }
        Style::Json => output::json(&Summary {
            schema: "farside.run/1",
            run: &report.run,
            mode: report.mode,
            items: report.items,
            seconds: report.seconds,
            report: &shown,
        }),
    }
    Ok(report.exit_code())
}

pub(super) async fn resume(resume: &args::Resume) -> Result<u8, Failure> {
    let first = if resume.cut_settle {
        vec![Input::CutSettle]
    } else {
        Vec::new()
    };
    take_up(&resume.run, &resume.watched, first).await
}

pub(super) async fn abort(abort: &args::Abort) -> Result<u8, Failure> {
    take_up(&abort.run, &abort.watched, vec![Input::Abort]).await
}

async fn take_up(run: &str, watched: &args::Watched, first: Vec<Input>) -> Result<u8, Failure> {
    let place = place::open_existing(watched.place.journal.as_deref()).await?;
    let journal = place.journal.as_ref();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let run = RunId::new(run);
    let known = runs::read(journal, &run).await?;
    if first.contains(&Input::CutSettle) && known.plan().mode != Mode::Disaster {
        return Err(Failure::refused(anyhow!(
            "--cut-settle is for disaster runs; {run} is a {} run",
            known.plan().mode
        )));
    }
    let kinds = kind::standard();
    if let Some(item) = known
        .plan()
        .items
        .iter()
        .find(|item| kinds.get(&item.kind).is_none())
    {
        return Err(Failure::refused(anyhow!(
            "item {} of run {run} is of kind {}, which this build does not have",
            item.id,
            item.kind
        )));
    }
    let (state, log) = runs::take_up(journal, &run, now(clock.as_ref())).await?;
    let around = RunSurroundings::of(state.plan())
        .with_context(|| format!("run {run} does not say which servers it talks to"))
        .map_err(Failure::refused)?;
    let world = Connections::new(
        around.endpoints,
        around.forbidden,
        Arc::new(HttpsConnector),
        clock,
    );
    let style = if watched.json { Style::Json } else { Style::Human };
    to_the_end(state, log, Arc::new(world), &place, first, style).await
}

/// The first SIGINT or SIGTERM stops the run in order; a second one ends the process, as a crash would.
async fn obey_signals(control: UnboundedSender<Input>) {
    let mut asked = false;
    while let Ok(signal) = next_signal() {
        if signal.await.is_err() {
            return;
        }
        if asked {
            std::process::exit(i32::from(exit::INTERRUPTED));
        }
        asked = true;
        output::note("stopping: nothing new is started; once more to end at once");
        if control.send(Input::Stop).is_err() {
            return;
        }
    }
}

/// Listens for SIGINT and SIGTERM from this moment on; what it gives waits for the first one.
pub(super) fn next_signal() -> std::io::Result<impl Future<Output = std::io::Result<()>>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            Ok(())
        })
    }
    #[cfg(not(unix))]
    Ok(tokio::signal::ctrl_c())
}

fn write_report(folder: &Path, report: &Report) -> anyhow::Result<String> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let path = folder.join(format!("{}.json", report.run));
    let text = serde_json::to_vec_pretty(report)?;
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path.display().to_string())
}

/// The engine's time.
pub(super) fn now(clock: &dyn Clock) -> Timestamp {
    farside_failover::driver::now(clock)
}
