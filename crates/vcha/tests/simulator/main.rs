//! The client against the simulator: both were written from the wire rules alone.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod client;
mod failover;
mod kept;
mod model;
mod operations;
mod readings;
mod sessions;
mod support;
mod tasks;
mod waits;
