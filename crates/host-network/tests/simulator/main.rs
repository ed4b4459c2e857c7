//! The client against the simulator: both were written from the wire rules alone.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod dpu;
mod kept;
mod readings;
mod support;
mod system;
