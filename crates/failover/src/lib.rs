//! Recovery plans: the document, preflight, the driver around the engine, the kinds of protection, and reports.
//!
//! A program that runs plans of its own takes this crate: it reads a [`plan::Document`], resolves it for a mode
//! ([`plan::resolve`]), asks the servers ([`preflight::Preflight`]), begins a run in a journal ([`runs::begin`]) and drives it
//! ([`driver::Driver`]). The command `farside` is no more than that with arguments and printing.
//!
//! What this crate is not: the rules of what may happen next are in `farside-engine`, what a server understands is in
//! the client crates.
//!
//! # Map
//! - [`plan`]: the TOML document with positions, and its resolution for a mode
//! - [`kind`]: the trait of a kind of protection, and the four that come with the crate
//! - [`connection`]: endpoints, passwords, clients; forbidden endpoints are refused there
//! - [`preflight`], [`driver`], [`runs`], [`report`]: before, during and after a run
//!
//! # Invariants
//! - Nothing is dispatched before the record that it follows from is durable ([`driver`]).
//! - A disaster run cannot reach an endpoint of the protected site ([`connection`]).
//! - Driver, preflight and reports know kinds by their trait only; a test greps for their names.

pub mod connection;
pub mod driver;
pub mod kind;
pub mod plan;
pub mod preflight;
pub mod report;
pub mod runs;
