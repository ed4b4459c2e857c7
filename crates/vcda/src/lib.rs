//! Client of VMware Cloud Director Availability, Cloud Director flavour: sessions, sites, replications of VMs and vApps,
//! tasks, recovery plans, diagnostics.
//!
//! [`VcdaClient`] sends each call within a session that it opens when it is first needed, repeats reads, and never
//! sends an action twice. An action answers with a [`RemoteOperation`](farside_transport::RemoteOperation); however many of
//! them are waited for, the service is asked once for all of them.
//!
//! What this crate is not: it decides nothing about failovers, and opens no connection. The transport below it does
//! that: `farside-transport-http`, or a simulator.
//!
//! ```
//! # use std::sync::Arc;
//! # use std::time::Duration;
//! # use farside_simulator::{Simulator, WorldSpec};
//! # use farside_transport::SystemClock;
//! # use farside_vcda::{FailoverSettings, Networks, Power, ReplicationId, Target, VcdaClient, VmReplicationId, poll_policy};
//! # use farside_wire::Secret;
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clock = Arc::new(SystemClock::new());
//! let simulator = Simulator::new(WorldSpec::pair(7).replications(1).build(), clock.clone());
//! # let user = simulator.world().endpoint("west").map(|west| (west.user.clone(), west.password.clone())).unwrap();
//! # let replication = simulator.world().vcda().replications().next().map(|one| one.id.clone()).unwrap();
//! let client = VcdaClient::builder(Arc::new(simulator.transport("west")), "west", clock.clone())
//!     .credentials(user.0, Secret::new(user.1))
//!     .build()?;
//! let id = VmReplicationId::parse(replication)?;
//! let settings = FailoverSettings::new(Target::Vcloud, Power::Off, Networks::Preconfigured);
//! let work = client.vm_replication(&id).start_failover(&settings).await?;
//! let done = work.until_done(Duration::from_secs(3600), &*clock, poll_policy()).await?;
//! assert_eq!(done.task.replication(), Some(ReplicationId::Vm(id)));
//! client.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! | module | what it holds |
//! | --- | --- |
//! | `client` | [`VcdaClient`]: built, and what all calls have in common |
//! | `replication` | [`VmReplication`], [`VappReplication`], their lists |
//! | `plan` | [`RecoveryPlan`] |
//! | `site` | sites, product, health |
//! | `task` `wait` | tasks, and waiting for any number of them |
//! | `session` `version` | log-in, header, log-out, further sites; the version that is spoken |
//! | `settings` | what an action is asked to do |
//! | `list` `request` `id` | pages and streams; requests, made without I/O; identifiers |
//!
//! What holds here: power, networks and synchronising are never left to the service's defaults; an answer is matched by
//! its id column, never by position; an unknown task state is a task that has not ended; every wait has a deadline; an item
//! of a list that cannot be read costs no other one.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod client;
mod id;
mod list;
mod plan;
mod replication;
mod request;
mod session;
mod settings;
mod site;
mod task;
mod version;
mod wait;

pub use client::{BuildError, DEFAULT_API_VERSION, VcdaClient, VcdaClientBuilder};
pub use id::{
    IdError, OperationTag, RecoveryPlanId, RecoveryStepId, ReplicationId, TaskId, VappReplicationId,
    VmReplicationId, VsphereReplicationId,
};
pub use list::{ListError, Page, Undecodable, joined};
pub use plan::RecoveryPlan;
pub use replication::{VappReplication, VmReplication};
pub use session::{Extension, Login, SsoToken};
pub use settings::{
    Cards, CloudOptions, Destination, ExplicitNetworks, FailoverSettings, FailoverTestSettings,
    MigrateSettings, Networks, Power, Target, TestDestination, TestFrom, VappFailover, VappFailoverTest,
    VappNetworks, VappTestFrom, VcenterOptions,
};
pub use task::{Finished, PolledTask, Task};
pub use version::ApiVersion;
pub use wait::{TASK_KIND, VcdaTasks, poll_policy};
