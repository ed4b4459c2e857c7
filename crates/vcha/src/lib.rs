//! vCenter HA over the vCenter REST API: the state of a cluster, whether it can fail over, and the failover.
//!
//! [`VchaClient`] logs in by itself and finds the cluster again at another address after a switch. A failover is started
//! with exactly one call ([`VchaClient::start_failover`]); whether it worked is seen from the roles of the nodes
//! ([`Roles`]), which are told apart by their HA address and by nothing else. What speaks for and against a failover is a
//! pure function of what was read ([`readiness`]).
//!
//! What this crate is not: it does not wait for a switch, which is a matter of the caller's deadlines, and it neither
//! deploys nor changes a cluster.
//!
//! - `client`: the calls; `session`: log-in; `task`: the task of a failover
//! - `node`: roles; `readiness`: conditions
//!
//! What holds here: a failover is never sent twice by this crate, whatever happens to the answer; absent is not false.

mod client;
#[cfg(test)]
mod fixtures;
mod node;
mod readiness;
mod session;
mod task;

pub use client::{VchaClient, VchaClientBuilder};
pub use node::{HaAddress, Roles};
pub use readiness::{Condition, FAILOVER_OPERATION, Judgement, failover_is_active, is_ready, readiness};
pub use session::VcenterSession;
pub use task::{CIS_TASK, CisTasks};
