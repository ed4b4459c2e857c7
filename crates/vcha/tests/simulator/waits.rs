//! What every wait must survive, for cis tasks.

use std::sync::Arc;

use async_trait::async_trait;
use farside_models_vcenter::VchaClusterModeClusterMode;
use farside_simulator::vcha::{Mode, VchaSpec};
use farside_simulator::{FaultAction, FaultRule};
use farside_transport::testing::wait_suite::{End, Hit, WaitBench, Work};
use farside_transport::{Clock, OperationId, TaskSource};
use farside_vcha::{CisTasks, Deployment, NodeAddress};
use farside_wire::RawJson;

use crate::support::{Site, WEST};

struct TaskBench(Site);

impl TaskBench {
    fn new() -> Self {
        // Whatever a cluster cannot do is taken, and fails in its task.
        Self(Site::bare(|spec: &mut VchaSpec| spec.refuses_in_task = true))
    }
}

#[async_trait]
impl WaitBench for TaskBench {
    fn source(&self) -> Arc<dyn TaskSource> {
        Arc::new(CisTasks::new(self.0.client.clone()))
    }

    fn other_process(&self) -> Arc<dyn TaskSource> {
        Arc::new(CisTasks::new(self.0.other_client()))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.0.clock.clone()
    }

    async fn start(&self, work: Work) -> OperationId {
        match work {
            Work::Succeeds => {
                let address = |last| NodeAddress::v4([10, 9, 2, last].into(), 24);
                let spec = Deployment::manual(address(1), address(2), address(3)).into();
                self.0.client.start_deploy(&spec).await.unwrap()
            }
            Work::Fails => {
                let mode = VchaClusterModeClusterMode::Maintenance;
                self.0.client.start_mode_set(mode).await.unwrap()
            }
        }
    }

    fn is_result(&self, result: Option<&RawJson>) -> bool {
        result.is_none()
    }

    fn failure(&self) -> &str {
        "ERROR"
    }

    fn cancelled(&self) -> Option<&str> {
        Some("CANCELED")
    }

    async fn hit(&self, hit: Hit) {
        let world = || self.0.simulator.world();
        match hit {
            Hit::SessionsEnd => {
                let rule = FaultRule::new("Cis.Tasks_get", FaultAction::EndSessions);
                world().faults_mut().add(rule);
            }
            Hit::NobodyListens(time) => {
                world().set_reachable(WEST, false);
                self.0.clock.sleep(time).await;
                world().set_reachable(WEST, true);
            }
            // Without a cluster there is no passive node; a vCenter that starts anew loses the same.
            Hit::Switch | Hit::Forget => world().restart_vcenter(WEST, 3_000),
        }
    }

    fn end(&self, hit: Hit) -> End {
        match hit {
            Hit::SessionsEnd | Hit::NobodyListens(_) => End::Result,
            Hit::Switch | Hit::Forget => End::Gone,
        }
    }
}

farside_transport::wait_suite!(TaskBench::new());

/// With a cluster, the other node takes over.
#[tokio::test(start_paused = true)]
async fn a_task_is_gone_after_the_switch_of_its_vcenter() {
    let site = Site::new(|_| {});
    let mode = VchaClusterModeClusterMode::Maintenance;
    let id = site.client.start_mode_set(mode).await.unwrap();
    assert!(site.simulator.world().lose_active_node(WEST));
    site.sleep(10).await;
    let status = CisTasks::new(site.client.clone()).poll(&id).await.unwrap();
    assert!(
        matches!(status, farside_transport::TaskStatus::Gone),
        "{status:?}"
    );
    let world = site.simulator.world();
    assert_eq!(world.vcha().cluster(WEST).unwrap().mode, Mode::Enabled);
}
