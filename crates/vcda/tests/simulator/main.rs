//! The client against the simulated sites.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod kept;
mod odd;
mod plans;
mod recovery;
mod services;
mod support;
mod vapps;
mod vms;
mod waits;
