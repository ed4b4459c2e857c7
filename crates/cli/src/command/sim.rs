//! `farside sim`: serves a simulated world until a signal.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use farside_failover::report::exit;
use farside_simulator::serve::{ServeOptions, Served, serve};
use farside_simulator::{Simulator, WorldSpec, fault};
use farside_transport::SystemClock;

use crate::args;
use crate::command::drive;
use crate::failure::Failure;
use crate::output;
use farside_cli::sample;

pub(super) async fn run(sim: &args::Sim) -> Result<u8, Failure> {
    let simulator = Simulator::new(spec(sim)?.build(), Arc::new(SystemClock::new()));
    if let Some(path) = &sim.faults {
        add_faults(&simulator, path)?;
    }
    let served = start(
        &simulator,
        ServeOptions {
            listen: sim.listen,
            admin: sim.admin,
            plain: sim.plain,
        },
    )
    .await?;
    if let Some(path) = &sim.sample_plan {
        if sim.plain {
            return Err(Failure::refused(anyhow!(
                "a plan talks HTTPS only: leave out --plain or --sample-plan"
            )));
        }
        sample::write(path, &served, &simulator.world().state()).map_err(Failure::refused)?;
    }
    output::json(&served);
    drive::next_signal()
        .await
        .context("signals cannot be waited for")
        .map_err(Failure::refused)?;
    served.shutdown().await;
    Ok(exit::DONE)
}

/// Serves the world.
pub(super) async fn start(simulator: &Simulator, options: ServeOptions) -> Result<Served, Failure> {
    serve(simulator.clone(), options).await.map_err(|error| {
        Failure::refused(anyhow::Error::new(error).context("the simulator cannot be served"))
    })
}

/// Adds the rules of a file, all of them or none.
fn add_faults(simulator: &Simulator, path: &Path) -> Result<(), Failure> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the faults {}", path.display()))
        .map_err(Failure::refused)?;
    let added = fault::file::add(&mut simulator.world(), &text);
    // Place and text are one: FILE:LINE:COLUMN: what is wrong.
    added.map_err(|error| {
        Failure::refused(anyhow!("{}:{error}", path.display()))
            .hint("each rule is a table `[[fault]]` with a member `do`, such as do = \"cut\"")
    })?;
    Ok(())
}

/// The world that is asked for: a name, or a file that describes one.
fn spec(sim: &args::Sim) -> Result<WorldSpec, Failure> {
    let mut spec = if sim.world == "pair" {
        WorldSpec::pair(1)
    } else {
        read(Path::new(&sim.world)).map_err(|error| {
            Failure::refused(error).hint("the one built-in world is `pair`; else give a JSON file")
        })?
    };
    if let Some(seed) = sim.seed {
        spec.seed = seed;
    }
    if let Some(groups) = sim.groups {
        spec = spec.groups(groups);
    }
    if let Some(replications) = sim.replications {
        spec = spec.replications(replications);
    }
    Ok(spec)
}

fn read(path: &Path) -> anyhow::Result<WorldSpec> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read the world {}", path.display()))?;
    // The position comes with the message of the JSON reader.
    serde_json::from_str(&text).with_context(|| format!("{} does not describe a world", path.display()))
}
