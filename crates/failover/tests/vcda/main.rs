//! VM replications through plan, driver and journal, against the simulated sites.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod extensions;
mod networks;
mod refusals;
mod runs;
mod site;
#[path = "../support/mod.rs"]
mod support;
