//! Client of VMware Cloud Director Availability, Cloud Director flavour: sessions, VM replications, tasks.
//!
//! [`VcdaClient`] sends each call within a session that it opens when it is first needed, repeats reads, and never
//! sends an action twice. An action answers with a [`RemoteOperation`](farside_transport::RemoteOperation), which is
//! waited for alone, or, with any number of others, through [`VcdaTasks`], which asks the service once for all of them.
//!
//! What this crate is not: it decides nothing about failovers, and opens no connection. The transport below it does
//! that: `farside-transport-http`, or a simulator.
//!
//! ```
//! # use std::sync::Arc;
//! # use std::time::Duration;
//! # use farside_simulator::{Simulator, WorldSpec};
//! # use farside_transport::SystemClock;
//! # use farside_vcda::{FailoverSettings, Networks, Power, Target, VcdaClient, VmReplicationId};
//! # use farside_wire::Secret;
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clock = Arc::new(SystemClock::new());
//! let simulator = Simulator::new(WorldSpec::pair(7).replications(1).build(), clock.clone());
//! # let user = simulator.world().endpoint("west").map(|west| (west.user.clone(), west.password.clone())).unwrap();
//! # let replication = simulator.world().vcda().replications().next().map(|one| one.id.clone()).unwrap();
//! let client = VcdaClient::builder(Arc::new(simulator.transport("west")), "west", clock)
//!     .credentials(user.0, Secret::new(user.1))
//!     .build()?;
//! let id = VmReplicationId::parse(replication)?;
//! let settings = FailoverSettings::new(Target::Vcloud, Power::Off, Networks::Preconfigured);
//! let work = client.start_failover(&id, &settings).await?;
//! let task = client.tasks().until_done(work.id(), Duration::from_secs(3600)).await?;
//! assert_eq!(task.resource_id(), Some(id.as_str()));
//! client.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! | module | what it holds |
//! | --- | --- |
//! | `client` | [`VcdaClient`]: one method per operation |
//! | `request` | the requests, made without I/O |
//! | `session` | log-in, header, log-out; further sites |
//! | `settings` | what an action is asked to do |
//! | `list` | filters and pages |
//! | `task` `wait` | tasks, and waiting for many of them |
//! | `id` | identifiers |
//!
//! What holds here: power, networks and synchronising are never left to the service's defaults; an answer is matched by
//! its id column, never by position; an unknown task state is a task that has not ended; every wait has a deadline.

mod client;
mod id;
mod list;
mod request;
mod session;
mod settings;
mod task;
mod wait;

pub use client::{BuildError, DEFAULT_API_VERSION, VcdaClient, VcdaClientBuilder};
pub use id::{IdError, OperationTag, TaskId, VmReplicationId};
pub use list::{Page, PageRequest, ReplicationFilter, TaskFilter, Undecodable};
pub use session::{Extension, Login};
pub use settings::{
    Cards, ExplicitNetworks, FailoverSettings, FailoverTestSettings, MigrateSettings, Networks, Power,
    Target, TestFrom,
};
pub use task::{PolledTask, TASK_KIND, Task};
pub use wait::{TaskWaitError, TaskWaitErrorKind, VcdaTasks};
