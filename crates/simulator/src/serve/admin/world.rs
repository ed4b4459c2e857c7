//! The world as a file: read from a world that runs, and put in its place.

use std::error::Error;

use super::{JSON, clock, ok, refused};
use crate::exchange::Answer;
use crate::saved::LoadError;
use crate::simulator::Simulator;
use crate::world::World;

/// The world as it stands at this moment. Simulated passwords and tokens are in it.
pub(super) fn save(simulator: &Simulator) -> Result<Answer, Answer> {
    // Written from a copy, so that the world goes on meanwhile.
    let world = simulator.world().clone();
    let saved = world
        .save()
        .map_err(|error| refused(500, &format!("the world cannot be saved: {error}")))?;
    let mut answer = Answer::empty(200).header("content-type", JSON);
    answer.body = saved.into();
    Ok(answer)
}

/// Goes on with a world that was saved, in the place of the one that runs.
pub(super) fn load(simulator: &Simulator, body: &[u8]) -> Result<Answer, Answer> {
    let world = World::load(body).map_err(|error| unfit(&error))?;
    simulator.replace(world);
    Ok(ok(&clock(simulator, &simulator.world())))
}

fn unfit(error: &LoadError) -> Answer {
    let source = error.source().map(|source| format!(": {source}"));
    let told = format!(
        "{error}{}; the world that runs is as it was",
        source.unwrap_or_default()
    );
    refused(400, &told)
}
