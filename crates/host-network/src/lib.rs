//! The network of a host: all of `HostNetworkSystem`, and the failover of an offloaded switch to its standby DPU (SmartNIC).
//!
//! [`HostNetworkSystem`] has one method for each method and property of the managed object. [`HostNetwork`] is about DPUs: it
//! reads a host and its switch ([`HostNetwork::host`], [`HostNetwork::switch`]), says what keeps a failover from being asked for
//! and what could not be found out ([`DpuFailover::plan`], [`obstacles`]), asks for it unless the wanted DPU is active already ([`HostNetwork::start`]), and sees in the states of the
//! uplinks what became of it ([`HostNetwork::verify`], [`HostNetwork::operation`]). [`HostNetwork::fail_over`] does all of that.
//!
//! There is no task for a failover: the answer says that the request was taken, and the call can cut the connection that was
//! to bring it. So the uplinks decide, and nothing is ever sent a second time here.
//!
//! What this crate is not: it configures no failover policy of a switch.
//!
//! What holds here: one call is one request; every wait has a deadline; a DPU's id is never sent where an alias belongs; a
//! missing uplink state is "not said", not "active"; what cannot be read is "unknown", neither "no" nor "fine".

mod client;
mod dpu;
mod error;
mod failover;
#[cfg(test)]
mod fixtures;
mod obstacle;
mod release;
mod switch;
mod system;
mod told;

pub use client::{Host, HostNetwork};
pub use dpu::{DpuId, SwitchDpus, Uplink, UplinkState, switch_named};
pub use error::HostNetworkError;
pub use failover::{
    DPU_FAILOVER, DpuFailover, DpuFailoverError, DpuStart, DpuVerdict, DpuWaitError, DpuWork,
};
pub use obstacle::{Certainty, Obstacle, Source, obstacles};
pub use switch::DistributedSwitch;
pub use system::HostNetworkSystem;
pub use told::Told;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
