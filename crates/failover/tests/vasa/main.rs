//! Replication groups through plan, driver and journal, against the simulated arrays.

mod groups;
mod refusals;
mod runs;
#[path = "../support/mod.rs"]
mod support;
