//! The core of the client against the simulator: every operation with every parameter, waits, watches.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod kept;
mod load;
mod objects;
mod service;
mod support;
mod updates;
mod waits;
