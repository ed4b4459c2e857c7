//! The network of a host, as far as its DPUs (SmartNICs) go: which switches are offloaded, which DPU works, and moving a
//! switch to the standby DPU.
//!
//! [`HostNetwork`] reads a host ([`HostNetwork::host`]) and starts a failover ([`HostNetwork::start_dpu_failover`]). There is no
//! task for it: the answer says that the request was taken, and whether the switch has moved is seen in the states of
//! its uplinks ([`SwitchDpus`]). What keeps a failover from being asked for is a pure function of what was read
//! ([`obstacles`]).
//!
//! What this crate is not: it configures no switch, and it does not wait; deadlines are the caller's.
//!
//! What holds here: one call is one request; a DPU's id is never sent where an alias belongs; a missing uplink state is
//! "not said", not "active".

mod client;
mod dpu;
mod error;

pub use client::{Host, HostNetwork};
pub use dpu::{DpuId, Obstacle, SwitchDpus, Uplink, UplinkState, obstacles, switch_named};
pub use error::HostNetworkError;
