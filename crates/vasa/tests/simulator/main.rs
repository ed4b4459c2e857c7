//! The client against the simulator: both were written from the wire rules alone.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod act;
mod again;
mod exactly_once;
mod files;
mod inventory;
mod kept;
mod machines;
mod moves;
mod owners;
mod points;
mod registration;
mod support;
mod unavailable;
mod waits;
