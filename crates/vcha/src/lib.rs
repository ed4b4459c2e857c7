#![doc = include_str!("../README.md")]
//! # Modules
//!
//! - `client`: addresses, log-in, session, hello; `cluster`: the operations on a cluster; `task`: cis tasks
//! - `address`, `deploy`, `trust`: what goes into requests, with the rules between members as types
//! - `view`, `node`, `readiness`: a cluster as either API shows it, roles, conditions
//! - `ha`, `failover`: one trait for both APIs, and the failover on top of it; `vi_json`: the older API (feature `vi-json`)

mod address;
mod client;
mod cluster;
mod deploy;
mod failover;
#[cfg(test)]
mod fixtures;
mod ha;
mod node;
mod readiness;
mod session;
mod task;
mod trust;
#[cfg(feature = "vi-json")]
mod vi_json;
mod view;

pub use address::{Network, NodeAddress};
pub use client::{VchaClient, VchaClientBuilder};
pub use deploy::{Deployment, Machine, Placement, PortGroup, Removal};
pub use failover::{
    Failover, FailoverError, FailoverErrorKind, FailoverIntent, FailoverPace, Outcome, Plan, Sent,
};
pub use ha::HaCluster;
pub use node::{HaAddress, Roles};
pub use readiness::{
    Condition, FAILOVER_OPERATION, Judgement, Source, failover_is_active, is_ready, readiness,
};
pub use session::VcenterSession;
pub use task::{CIS_TASK, CancelRefusal, CisTasks, lasts_through_a_switch};
pub use trust::{ManagementVcenter, PeerCertificate, Trust};
#[cfg(feature = "vi-json")]
pub use vi_json::{FailoverClusterConfigurator, FailoverClusterManager, ViJsonCluster};
pub use view::{ClusterView, Config, Form, Health, Mode, NodeView, Role};
