//! A vCenter of the simulator with a client.

use std::sync::Arc;

use farside_host_network::HostNetwork;
use farside_simulator::dpu::DpuSpec;
use farside_simulator::{Simulator, WorldSpec};
use farside_transport::SystemClock;
use farside_transport::testing::recorded;
use farside_vim::VimClient;
use farside_wire::Secret;

use crate::kept::KEPT;

pub(crate) struct Site {
    pub(crate) simulator: Simulator,
    pub(crate) clock: Arc<SystemClock>,
    pub(crate) network: HostNetwork,
    pub(crate) vim: VimClient,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(DpuSpec::default())
    }

    pub(crate) fn with(dpu: DpuSpec) -> Self {
        Self::of(WorldSpec::pair(7).groups(0).replications(0), dpu)
    }

    pub(crate) fn of(world: WorldSpec, dpu: DpuSpec) -> Self {
        let clock = Arc::new(SystemClock::new());
        let simulator = Simulator::new(world.dpu(dpu).odd_if_asked(KEPT).build(), clock.clone());
        let (user, password) = {
            let world = simulator.world();
            let endpoint = world.endpoint("vc-west").unwrap();
            (endpoint.user.clone(), Secret::new(endpoint.password.clone()))
        };
        let transport = recorded(Arc::new(simulator.transport("vc-west")));
        let vim = VimClient::builder(transport, user, password, clock.clone())
            .endpoint("vc-west")
            .build();
        Self {
            simulator,
            clock,
            network: HostNetwork::new(vim.clone()),
            vim,
        }
    }
}
