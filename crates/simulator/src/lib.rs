//! The four services as one simulated world: vCenter (VI JSON, storage monitoring service, vCenter HA) and VMware Cloud
//! Director Availability, with a virtual clock, a seed, and faults on demand.
//!
//! It reads and writes raw JSON by the wire rules and shares no model with the clients, so that both cannot be wrong in
//! the same way. It refuses what the real service refuses, in that service's form, and answers "not simulated" where it
//! does not know; COVERAGE.md in this folder has a row for each behaviour, with its source or "our assumption".
//!
//! ```
//! use farside_simulator::exchange::{Reply, Request};
//! use farside_simulator::{FaultAction, FaultRule, WorldSpec};
//!
//! let mut world = WorldSpec::pair(7).build();
//! world.add_fault(FaultRule::new("sessions.login", FaultAction::Cut).at("west")).unwrap();
//! let login = Request::new(http::Method::POST, "/sessions");
//! assert_eq!(world.handle("west", &login).reply, Reply::Cut);
//! assert!(matches!(world.handle("west", &login).reply, Reply::Answer(answer) if answer.status == 400));
//! ```
//!
//! | module | what it holds |
//! | --- | --- |
//! | `spec` | what a world holds: by name, from a TOML file, and the switches of other readings |
//! | `world` | [`World`]: all state, its clock, the one way in; how to add a service |
//! | `exchange` | requests, answers, and what else can become of a request |
//! | `fault` | fault rules as data, from Rust or from a file |
//! | `call_log` | attempts, refusals, acceptances and effects by operation and object |
//! | `chronicle` `overview` | what has happened, and a world at a glance |
//! | `endpoint` | addresses and sessions |
//! | `vcda` | VMware Cloud Director Availability |
//! | `sms` `pbm` | VASA providers with their groups, and the policies of machines |
//! | `vm` | virtual machines, their files, datastores and networks |
//! | `saved` | a world as a file, with which it goes on |
//! | `simulator` `transport` | a world on a [`Clock`](farside_transport::Clock), and the front in process |
//! | `serve` | the front over loopback HTTPS, the administration endpoint and its page (feature `serve`) |
//!
//! What holds here: time passes only in [`World::advance_to`]; the same seed and the same calls give the same answers, and
//! how long work on an object takes does not depend on calls about other objects; no map without an order; no password and
//! no token in `Debug` or in the state; a server's clock is never the world's.

pub mod call_log;
pub mod chronicle;
mod core;
pub mod dpu;
pub mod endpoint;
mod event;
pub mod exchange;
pub mod fault;
#[cfg(test)]
mod history;
mod host_network;
mod inventory;
pub mod overview;
pub mod pbm;
mod random;
mod recording;
mod routes;
mod saved;
#[cfg(feature = "serve")]
pub mod serve;
mod service;
mod shape;
mod simulator;
pub mod sms;
pub mod spec;
#[cfg(test)]
mod testbench;
mod transport;
pub mod vcda;
pub mod vcha;
pub mod vi_json;
pub mod vm;
mod watch;
pub mod world;

pub use crate::core::WORLD_EPOCH_MS;
pub use crate::fault::{FaultAction, FaultRule, Loss, UnfitRule};
pub use crate::inventory::PermissionSpec;
pub use crate::saved::LoadError;
pub use crate::service::ServiceName;
pub use crate::simulator::Simulator;
pub use crate::spec::WorldSpec;
pub use crate::transport::SimTransport;
pub use crate::world::{Resumed, World};
