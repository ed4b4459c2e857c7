//! Virtual machines, folders, datastores and networks against the simulator: both were written from the rules alone.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod calls;
mod cards;
mod files;
mod fixtures;
mod kept;
mod limits;
mod looks;
mod power;
mod record;
mod recovery;
mod story;
mod support;
mod together;
