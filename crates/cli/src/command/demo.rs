//! `farside demo`: the built-in sample plan against an embedded simulator, over real HTTPS.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use farside_engine::{Mode, RunId};
use farside_failover::kind::Verdict;
use farside_failover::plan::Selection;
use farside_failover::report::exit;
use farside_failover::runs;
use farside_simulator::serve::{ServeOptions, Served};
use farside_simulator::{Simulator, WorldSpec};
use farside_transport::{Clock, SystemClock};

use crate::args;
use crate::command::{check, drive, plan, sim};
use crate::failure::Failure;
use crate::progress::Style;
use crate::{output, place};
use farside_cli::sample;

pub(super) async fn run(demo: &args::Demo) -> Result<u8, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let started = drive::now(clock.as_ref());
    let folder = place::state_folder()?
        .join("demo")
        .join(format!("{}-{}", started.0, std::process::id()));
    let world = WorldSpec::pair(demo.seed)
        .groups(demo.groups)
        .replications(demo.replications)
        .build();
    let simulator = Simulator::new(world, clock);
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let served = sim::start(&simulator, ServeOptions::at(listen)).await?;
    let file = write_plan(&folder, &served, &simulator)?;
    output::note(&format!(
        "Simulator: {} vCenters, {} Cloud Director Availability sites, on loopback HTTPS.",
        served.vcenters.len(),
        served.vcda.len()
    ));
    output::note(&format!("Plan: {}", file.display()));
    let code = fail_over(demo, &file).await;
    served.shutdown().await;
    code
}

fn write_plan(folder: &std::path::Path, served: &Served, simulator: &Simulator) -> Result<PathBuf, Failure> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))
        .map_err(Failure::refused)?;
    let file = folder.join("plan.toml");
    sample::write(&file, served, &simulator.world().state()).map_err(Failure::refused)?;
    Ok(file)
}

async fn fail_over(demo: &args::Demo, file: &std::path::Path) -> Result<u8, Failure> {
    let document = plan::read(file)?;
    let journal = file.with_file_name("journal.db");
    let place = place::open(journal.to_str(), Some(&document)).await?;
    let (resolved, preflight, world) = check::ask(
        &document,
        Mode::Planned,
        &Selection::default(),
        Some(&place.journal),
    )
    .await?;
    output::note(check::text(&preflight).trim_end());
    if preflight.verdict == Verdict::NoGo {
        if demo.json {
            output::json(&preflight);
        }
        world.close().await;
        return Ok(exit::INCOMPLETE);
    }
    let now = drive::now(world.clock().as_ref());
    let (run, log) = runs::begin(
        place.journal.as_ref(),
        RunId::new(format!("demo-{}", now.0)),
        resolved,
        now,
    )
    .await?;
    let style = if demo.json { Style::Json } else { Style::Human };
    drive::to_the_end(run, log, world, &place, Vec::new(), style).await
}
