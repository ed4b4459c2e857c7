//! A vCenter of the simulator with a client of it.

use std::sync::Arc;
use std::time::Duration;

use farside_models_vcenter::CisTaskInfo;
use farside_simulator::vcha::VchaSpec;
use farside_simulator::{Simulator, WorldSpec};
use farside_transport::testing::recorded;
use farside_transport::{Clock, OperationId, PollPolicy, SystemClock};
use farside_vcha::{VchaClient, VchaClientBuilder};
use farside_wire::Secret;

use crate::kept::KEPT;

pub(crate) const WEST: &str = "vc-west";
pub(crate) const FAILOVER: &str = "Vcenter.Vcha.Cluster_failover$Task";

pub(crate) struct Site {
    pub(crate) simulator: Simulator,
    pub(crate) clock: Arc<SystemClock>,
    pub(crate) client: Arc<VchaClient>,
}

impl Site {
    pub(crate) fn new(change: impl FnOnce(&mut VchaSpec)) -> Self {
        let mut spec = VchaSpec::default();
        change(&mut spec);
        let clock = Arc::new(SystemClock::new());
        let world = WorldSpec::pair(7).groups(0).replications(0).vcha(spec);
        let simulator = Simulator::new(world.odd_if_asked(KEPT).build(), clock.clone());
        let client = Arc::new(builder(&simulator, &clock, WEST).build());
        Self {
            simulator,
            clock,
            client,
        }
    }

    /// A world without a cluster in the west.
    pub(crate) fn bare(change: impl FnOnce(&mut VchaSpec)) -> Self {
        Self::new(|spec| {
            spec.clusters.clear();
            change(spec);
        })
    }

    /// A client in another process: it shares nothing with the first one but the world.
    pub(crate) fn other_client(&self) -> Arc<VchaClient> {
        Arc::new(builder(&self.simulator, &self.clock, WEST).build())
    }

    pub(crate) async fn sleep(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }

    /// Waits for the end of a task that succeeds.
    pub(crate) async fn done(&self, task: OperationId) -> CisTaskInfo {
        let id = task.id.clone();
        let operation = self.client.operation(task).unwrap();
        let limit = Duration::from_secs(900);
        operation
            .until_done(limit, &*self.clock, PollPolicy::default())
            .await
            .unwrap();
        self.client.task(&id).await.unwrap()
    }

    pub(crate) fn switches(&self) -> u32 {
        self.simulator
            .world()
            .vcha()
            .cluster(WEST)
            .map_or(0, |cluster| cluster.switches)
    }

    pub(crate) fn active(&self) -> String {
        let world = self.simulator.world();
        world.vcha().cluster(WEST).unwrap().active_ip().to_owned()
    }

    /// How often an operation arrived, was taken, and changed something.
    pub(crate) fn calls(&self, operation: &str) -> (u64, u64, u64) {
        let counts = self.simulator.world().calls().of(operation);
        (counts.attempts, counts.accepted, counts.effects)
    }
}

/// A client of one address of the vCenter in the west.
pub(crate) fn builder(simulator: &Simulator, clock: &Arc<SystemClock>, address: &str) -> VchaClientBuilder {
    let (user, password) = {
        let world = simulator.world();
        let endpoint = world.endpoint(WEST).unwrap();
        (endpoint.user.clone(), Secret::new(endpoint.password.clone()))
    };
    let transport = recorded(Arc::new(simulator.transport(address)));
    VchaClient::builder(WEST, transport, user, password).clock(clock.clone())
}
