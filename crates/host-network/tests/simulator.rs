//! The client against the simulator: both were written from the wire rules alone.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::sync::Arc;
use std::time::Duration;

use farside_host_network::{DpuId, Host, HostNetwork, HostNetworkError, SwitchDpus, obstacles, switch_named};
use farside_simulator::dpu::HostTrouble;
use farside_simulator::{FaultAction, FaultRule, Simulator, WorldSpec};
use farside_transport::{CallError, Clock, Effect, SystemClock};
use farside_vim::VimClient;
use farside_wire::Secret;

const START: &str = "HostNetworkSystem_startDpuFailover";

struct Site {
    simulator: Simulator,
    clock: Arc<SystemClock>,
    network: HostNetwork,
    vim: VimClient,
}

impl Site {
    fn new() -> Self {
        let clock = Arc::new(SystemClock::new());
        let world = WorldSpec::pair(7).groups(0).replications(0).build();
        let simulator = Simulator::new(world, clock.clone());
        let (user, password) = {
            let world = simulator.world();
            let endpoint = world.endpoint("vc-west").unwrap();
            (endpoint.user.clone(), Secret::new(endpoint.password.clone()))
        };
        let transport = Arc::new(simulator.transport("vc-west"));
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

    async fn host(&self) -> Host {
        self.network.host("host-21").await.unwrap()
    }

    async fn active(&self) -> DpuId {
        dpus(&self.host().await).active().unwrap()
    }

    fn trouble(&self, trouble: HostTrouble) {
        assert!(
            self.simulator
                .world()
                .hosts_mut()
                .set_trouble("host-21", trouble, true)
        );
    }

    fn calls(&self) -> (u64, u64, u64) {
        let entries = self.simulator.world().calls().entries();
        let entry = entries
            .into_iter()
            .find(|calls| calls.operation == START)
            .unwrap()
            .entry;
        (entry.attempts, entry.accepted, entry.effects)
    }

    async fn refusal(&self, switch: &str, alias: Option<&str>) -> CallError {
        let host = self.host().await;
        match self.network.start_dpu_failover(&host, switch, alias).await {
            Err(HostNetworkError::Call { source, .. }) => source,
            other => panic!("not refused: {other:?}"),
        }
    }
}

fn dpus(host: &Host) -> SwitchDpus {
    SwitchDpus::of(switch_named(host, "dvs-west").unwrap(), &host.nics)
}

#[tokio::test(start_paused = true)]
async fn a_host_is_read_with_its_switch_and_its_dpus() {
    let site = Site::new();
    let host = site.host().await;
    assert_eq!(
        (host.id.as_str(), host.network_system.value.as_str()),
        ("host-21", "networkSystem-21")
    );
    assert_eq!(
        (host.name.as_deref(), host.connection.as_deref()),
        (Some("esx-21.west.sim.invalid"), Some("connected"))
    );
    let dpus = dpus(&host);
    assert!(dpus.offloaded);
    assert_eq!(obstacles(&host, &dpus, None), []);
    let known = site
        .simulator
        .world()
        .hosts()
        .host("host-21")
        .unwrap()
        .dpus
        .clone();
    assert_eq!(dpus.active().unwrap().as_str(), known[0].id);
    assert_eq!(dpus.standby().first().unwrap().as_str(), known[1].id);
    assert!(switch_named(&host, "dvs-east").is_none());
}

#[tokio::test(start_paused = true)]
async fn the_uplinks_move_after_the_answer() {
    for alias in [None, Some("vmdpu1")] {
        let site = Site::new();
        let before = site.active().await;
        let host = site.host().await;
        site.network
            .start_dpu_failover(&host, "dvs-west", alias)
            .await
            .unwrap();
        assert_eq!(
            site.active().await,
            before,
            "the answer says that the call was taken, not that the switch moved"
        );
        site.clock.sleep(Duration::from_secs(5)).await;
        site.network.refresh(&host).await.unwrap();
        let after = dpus(&site.host().await);
        assert_ne!(after.active().unwrap(), before);
        assert!(after.standby().contains(&before));
        assert_eq!(site.calls(), (1, 1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn what_keeps_a_failover_from_being_asked_for_is_seen_before() {
    for (trouble, what) in [
        (
            HostTrouble::NotOffloaded,
            "network offload of the switch on this host",
        ),
        (HostTrouble::StandbyDown, "link of the standby DPU"),
        (HostTrouble::PartialMaintenance, "partial maintenance mode"),
        (HostTrouble::Disconnected, "connection of the host"),
    ] {
        let site = Site::new();
        site.trouble(trouble);
        let host = site.host().await;
        let found: Vec<&str> = obstacles(&host, &dpus(&host), None)
            .iter()
            .map(|obstacle| obstacle.what)
            .collect();
        assert!(found.contains(&what), "{trouble:?}: {found:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_that_nothing_was_done() {
    for (trouble, fault) in [
        (HostTrouble::NotOffloaded, "InvalidArgument"),
        (HostTrouble::StandbyDown, "InvalidArgument"),
        (HostTrouble::PartialMaintenance, "MethodDisabled"),
    ] {
        let site = Site::new();
        site.trouble(trouble);
        let error = site.refusal("dvs-west", None).await;
        assert_eq!(error.fault().unwrap().type_name(), fault, "{trouble:?}");
        assert_eq!(error.effect(), Effect::Refused, "{trouble:?}");
        assert_eq!(site.calls(), (1, 0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_switch_and_a_wrong_alias_are_refused() {
    let site = Site::new();
    for (switch, alias) in [
        ("dvs-east", None),
        ("dvs-west", Some("vmdpu0")),
        ("dvs-west", Some("vmdpu7")),
    ] {
        let error = site.refusal(switch, alias).await;
        assert_eq!(error.fault().unwrap().type_name(), "InvalidArgument");
        assert_eq!(error.effect(), Effect::Refused);
    }
    assert_eq!(site.calls().2, 0);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_exist_is_told() {
    let site = Site::new();
    let error = site.network.host("host-99").await.unwrap_err();
    let fault = error.call().unwrap().fault().unwrap().type_name().to_owned();
    assert_eq!(fault, "ManagedObjectNotFound");
    assert!(error.to_string().contains("host-99"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_unknown_and_nothing_is_sent_again() {
    for action in [FaultAction::DropAnswer, FaultAction::Cut] {
        let site = Site::new();
        let host = site.host().await;
        site.simulator
            .world()
            .faults_mut()
            .add(FaultRule::new(START, action));
        let error = site
            .network
            .start_dpu_failover(&host, "dvs-west", None)
            .await
            .unwrap_err();
        assert_eq!(error.call().unwrap().effect(), Effect::Unknown);
        site.clock.sleep(Duration::from_secs(60)).await;
        assert_eq!(site.calls().0, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn reads_outlive_their_session() {
    let site = Site::new();
    let before = site.active().await;
    // The collector answers 200 with nothing but NotAuthenticated in it.
    let rule = FaultRule::new("PropertyCollector_RetrievePropertiesEx", FaultAction::EndSessions);
    site.simulator.world().faults_mut().add(rule);
    assert_eq!(site.active().await, before);
    site.vim.close().await.unwrap();
}
