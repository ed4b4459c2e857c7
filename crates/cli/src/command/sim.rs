//! `farside sim`: serves a simulated world until a signal.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use farside_failover::report::exit;
use farside_simulator::serve::{ServeError, ServeOptions, Served, serve};
use farside_simulator::{Simulator, World, WorldSpec, fault};
use farside_transport::SystemClock;

use crate::args;
use crate::command::drive;
use crate::failure::Failure;
use crate::output;
use farside_cli::sample;

pub(super) async fn run(sim: &args::Sim) -> Result<u8, Failure> {
    if let Some(path) = &sim.save {
        can_save(path).map_err(Failure::refused)?;
    }
    let simulator = Simulator::new(world(sim)?, Arc::new(SystemClock::new())).speed(sim.speed);
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
    if let (Some(path), Some(pem)) = (&sim.ca_file, &served.authority_pem) {
        std::fs::write(path, pem)
            .with_context(|| format!("cannot write {}", path.display()))
            .map_err(Failure::refused)?;
    }
    // Heard before anybody is told that it is ready: otherwise an early signal would end it without saving.
    let deaf = || "signals cannot be waited for";
    let signal = drive::next_signal()
        .with_context(deaf)
        .map_err(Failure::refused)?;
    output::json(&served);
    signal.await.with_context(deaf).map_err(Failure::refused)?;
    served.shutdown().await;
    if let Some(path) = &sim.save {
        save(&simulator, path).map_err(Failure::refused)?;
    }
    Ok(exit::DONE)
}

/// Serves the world.
pub(super) async fn start(simulator: &Simulator, options: ServeOptions) -> Result<Served, Failure> {
    serve(simulator.clone(), options).await.map_err(|error| {
        let is_taken = matches!(error, ServeError::Listen { .. }) && options.listen.port() != 0;
        let failure = Failure::refused(anyhow::Error::new(error).context("the simulator cannot be served"));
        if is_taken {
            let most = simulator.world().endpoints().count();
            failure.hint(format!(
                "it listens at the port of --listen and the {most} that follow; with port 0 it takes free ones"
            ))
        } else {
            failure
        }
    })
}

/// Refuses a place where nothing can be saved before there is something that would be lost.
fn can_save(path: &Path) -> anyhow::Result<()> {
    let failed = || format!("cannot save the world to {}", path.display());
    anyhow::ensure!(!path.is_dir(), "{}: it is a folder", failed());
    let part = part_of(path);
    std::fs::write(&part, "")
        .and_then(|()| std::fs::remove_file(&part))
        .with_context(failed)
}

/// The file that is written before it takes the name of `path`.
fn part_of(path: &Path) -> PathBuf {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    part.into()
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

/// Saves the world. A file of that name is whole at any moment: the former one, or this.
fn save(simulator: &Simulator, path: &Path) -> anyhow::Result<()> {
    let failed = || format!("cannot save the world to {}", path.display());
    let bytes = simulator.world().save().with_context(failed)?;
    let part = part_of(path);
    std::fs::write(&part, bytes)
        .and_then(|()| std::fs::rename(&part, path))
        .with_context(failed)
}

/// The world that is asked for: built from its description, or one that was saved.
fn world(sim: &args::Sim) -> Result<World, Failure> {
    let path = Path::new(&sim.world);
    let saved = std::fs::read(path).ok().filter(|bytes| World::is_saved(bytes));
    let Some(saved) = saved.filter(|_| !WorldSpec::NAMES.contains(&sim.world.as_str())) else {
        return Ok(spec(sim)?.build());
    };
    if sim.seed.is_some() || sim.groups.is_some() || sim.replications.is_some() {
        return Err(Failure::refused(anyhow!(
            "{} is a saved world, which is as it is: leave out --seed, --groups and --replications",
            path.display()
        )));
    }
    World::load(&saved)
        .with_context(|| format!("cannot load the world {}", path.display()))
        .map_err(Failure::refused)
}

/// The world that is described: by a name, or by a file.
fn spec(sim: &args::Sim) -> Result<WorldSpec, Failure> {
    let seed = sim.seed;
    let mut spec = match WorldSpec::named(&sim.world, seed.unwrap_or(1)) {
        Some(spec) => spec,
        None => read(Path::new(&sim.world), seed)?,
    };
    if let Some(groups) = sim.groups {
        spec = spec.groups(groups);
    }
    if let Some(replications) = sim.replications {
        spec = spec.replications(replications);
    }
    spec.check()
        .context("these options fit no world")
        .map_err(Failure::refused)?;
    Ok(spec)
}

fn read(path: &Path, seed: Option<u64>) -> Result<WorldSpec, Failure> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the world {}", path.display()))
        .map_err(|error| {
            let names = WorldSpec::NAMES.map(|name| format!("`{name}`")).join(", ");
            Failure::refused(error).hint(format!(
                "worlds with a name are {names}; else give a TOML file, or one that --save has written"
            ))
        })?;
    let read = if text.trim_start().starts_with('{') {
        // The position comes with the message of the JSON reader.
        serde_json::from_str(&text).with_context(|| path.display().to_string())
    } else {
        WorldSpec::from_toml(path, &text, seed).map_err(anyhow::Error::new)
    };
    let mut spec: WorldSpec = read
        .context("the file describes no world")
        .map_err(Failure::refused)?;
    spec.seed = seed.unwrap_or(spec.seed);
    Ok(spec)
}
