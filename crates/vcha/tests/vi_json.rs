//! The form of VI JSON against the simulator: every operation, and the failover through the trait that both forms share.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use farside_models_vim::{
    ConfigureVchaRequest, CreatePassiveNodeRequest, CreateWitnessNodeRequest, DeployVchaRequest,
    InitiateFailoverRequest, PrepareVchaRequest,
};
use farside_simulator::spec::odd_tests::{Kept, check};
use farside_simulator::vcha::{ManagementSpec, VchaSpec};
use farside_simulator::{FaultAction, FaultRule, Simulator, WorldSpec};
use farside_transport::testing::recorded;
use farside_transport::{
    Cancellation, Clock, OperationId, PollPolicy, RemoteOperation, SystemClock, TaskStatus, WaitErrorKind,
};
use farside_vcha::{
    Config, Failover, FailoverErrorKind, FailoverIntent, HaAddress, HaCluster, Health, Judgement, Mode,
    Outcome, ViJsonCluster,
};
use farside_vim::{VIM_TASK, VimClient};
use farside_wire::Secret;
use futures_util::future::join_all;

const WEST: &str = "vc-west";
const FAILOVER: &str = "FailoverClusterManager_initiateFailover_Task";
const LIMIT: Duration = Duration::from_secs(300);

/// What the tests keep as usual where their worlds are odd.
const KEPT: &[Kept] = &[Kept {
    test: "a_task_of_a_cluster_is_cancelled_like_any_other",
    switches: &["vi_json.cancel_end"],
    why: "it names the fault; each end is read in the tests of farside-vim",
}];

#[test]
fn what_is_kept_is_a_switch_of_a_test() {
    check(KEPT);
}

struct Site {
    simulator: Simulator,
    clock: Arc<SystemClock>,
    cluster: Arc<ViJsonCluster>,
}

impl Site {
    fn new(change: impl FnOnce(&mut VchaSpec)) -> Self {
        let mut spec = VchaSpec::default();
        change(&mut spec);
        let clock = Arc::new(SystemClock::new());
        let world = WorldSpec::pair(7).groups(0).replications(0).vcha(spec);
        let simulator = Simulator::new(world.odd_if_asked(KEPT).build(), clock.clone());
        let cluster = ViJsonCluster::new(client(&simulator, &clock, WEST));
        let cluster = Arc::new(cluster.also_at(client(&simulator, &clock, "vc-west-node2")));
        Self {
            simulator,
            clock,
            cluster,
        }
    }

    async fn done(&self, task: RemoteOperation<()>) {
        let limit = Duration::from_secs(900);
        task.until_done(limit, &*self.clock, PollPolicy::default())
            .await
            .unwrap();
    }

    fn active(&self) -> String {
        let world = self.simulator.world();
        world.vcha().cluster(WEST).unwrap().active_ip().to_owned()
    }

    fn attempts(&self) -> u64 {
        self.attempts_of(FAILOVER)
    }

    fn attempts_of(&self, operation: &str) -> u64 {
        self.simulator.world().calls().of(operation).attempts
    }
}

fn client(simulator: &Simulator, clock: &Arc<SystemClock>, address: &str) -> VimClient {
    let (user, password) = {
        let world = simulator.world();
        let endpoint = world.endpoint(WEST).unwrap();
        (endpoint.user.clone(), Secret::new(endpoint.password.clone()))
    };
    let transport = recorded(Arc::new(simulator.transport(address)));
    VimClient::builder(transport, user, password, clock.clone())
        .endpoint(WEST)
        .build()
}

/// The body of a request in a fixture of the models.
fn body<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../models-vim/tests/fixtures/failover-cluster-configurator")
        .join(format!("{name}.json"));
    let mut fixture: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    serde_json::from_str(&fixture["request"]["body"].take().to_string()).unwrap()
}

fn management(spec: &mut VchaSpec) {
    let mut management = ManagementSpec::default();
    management.hostname = "vc-mgmt.east.example".to_owned();
    management.username = "dr-operator@example.local".to_owned();
    management.password = "not-a-real-password".to_owned();
    management.sha1 = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33".to_owned();
    spec.management = management;
}

fn switched(outcome: Outcome) -> FailoverIntent {
    match outcome {
        Outcome::Switched(intent) => intent,
        Outcome::AlreadyActive => panic!("nothing was sent"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_failover_is_seen_switched_and_then_healthy_again() {
    let readings: [fn(&mut VchaSpec); 3] = [
        |_| {},
        |spec| spec.old_node_answers_ms = 5_000,
        |spec| spec.outage_ms = 30_000,
    ];
    for change in readings {
        let site = Site::new(change);
        let failover = Failover::new(site.cluster.clone());
        let wanted = HaAddress::new("10.9.2.2");
        let intent = switched(failover.run(Some(&wanted), true, LIMIT).await.unwrap());
        assert_eq!(site.active(), "10.9.2.2");
        failover.until_healthy(&intent, LIMIT).await.unwrap();
        let again = failover.run(Some(&wanted), true, LIMIT).await.unwrap();
        assert_eq!((again, site.attempts()), (Outcome::AlreadyActive, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_leads_to_looks_and_never_to_a_second_request() {
    for (action, happens) in [(FaultAction::DropAnswer, true), (FaultAction::Cut, false)] {
        let site = Site::new(|_| {});
        site.simulator
            .world()
            .faults_mut()
            .add(FaultRule::new(FAILOVER, action));
        let outcome = Failover::new(site.cluster.clone()).run(None, true, LIMIT).await;
        if happens {
            switched(outcome.unwrap());
        } else {
            let error = outcome.unwrap_err();
            assert!(
                matches!(error.kind(), FailoverErrorKind::DidNotHappen { .. }),
                "{error:?}"
            );
        }
        assert_eq!(site.attempts(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_vcenter_that_changes_its_address_is_found_at_the_other_one() {
    let site = Site::new(|spec| {
        let cluster = spec.clusters.get_mut(WEST).unwrap();
        cluster.failover_ips = Some(["198.51.100.20".to_owned(), "203.0.113.20".to_owned()]);
    });
    let view = site.cluster.view().await.unwrap();
    let addresses = view
        .nodes
        .iter()
        .map(|node| node.failover_address.unwrap().address().to_string());
    assert_eq!(addresses.collect::<Vec<_>>(), ["198.51.100.20", "203.0.113.20"]);
    let failover = Failover::new(site.cluster.clone());
    let intent = switched(failover.run(None, false, LIMIT).await.unwrap());
    failover.until_healthy(&intent, LIMIT).await.unwrap();
    switched(failover.run(Some(&intent.from), true, LIMIT).await.unwrap());
    assert_eq!((site.active().as_str(), site.attempts()), ("10.9.2.1", 2));
}

#[tokio::test(start_paused = true)]
async fn health_and_mode_are_those_of_the_cluster() {
    let site = Site::new(|_| {});
    let manager = site.cluster.manager().await.unwrap();
    assert_eq!(manager.mode().await.unwrap(), "enabled");
    let task = site.cluster.start_mode_change(&Mode::Maintenance).await.unwrap();
    assert_eq!(manager.disabled_methods().await.unwrap().len(), 2);
    let configurator = site.cluster.configurator().await.unwrap();
    let mut disabled = configurator.disabled_methods().await.unwrap();
    disabled.sort();
    let all = [
        "configureVcha_Task",
        "createPassiveNode_Task",
        "createWitnessNode_Task",
        "deployVcha_Task",
        "destroyVcha_Task",
        "prepareVcha_Task",
    ];
    assert_eq!(disabled, all);
    let busy = site.cluster.view().await.unwrap().readiness();
    let later = busy
        .iter()
        .find(|condition| condition.judgement == Judgement::Later)
        .unwrap();
    assert_eq!(
        later.source.operation,
        "FailoverClusterManager_getDisabledClusterMethod"
    );
    let limit = Duration::from_secs(60);
    let work = RemoteOperation::new(task, site.cluster.tasks(), |_nothing| Ok(()));
    work.until_done(limit, &*site.clock, PollPolicy::default())
        .await
        .unwrap();
    let view = site.cluster.view().await.unwrap();
    assert_eq!(
        (view.mode, view.health),
        (Some(Mode::Maintenance), Some(Health::Healthy))
    );
    assert_eq!(manager.health().await.unwrap().runtime_info.node_info.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_plain_call_of_a_failover_answers_with_its_task() {
    let site = Site::new(|_| {});
    let manager = site.cluster.manager().await.unwrap();
    let work = manager
        .initiate_failover(&InitiateFailoverRequest::new(true))
        .await
        .unwrap();
    let status = work.poll().await.unwrap();
    assert!(matches!(status, TaskStatus::Running { .. }), "{status:?}");
    site.clock.sleep(Duration::from_secs(60)).await;
    assert_eq!((site.active().as_str(), site.attempts()), ("10.9.2.2", 1));
    let status = work.poll().await.unwrap();
    assert!(
        matches!(status, TaskStatus::Gone),
        "it died with its node: {status:?}"
    );
}

/// Vim tasks of a cluster are waited for as all others are: with one call that waits for all of them.
#[tokio::test(start_paused = true)]
async fn waits_for_tasks_of_a_cluster_share_their_looks() {
    let site = Site::new(|_| {});
    let waits = (0..200_u32).map(|number| {
        let task = site
            .simulator
            .world()
            .run_task(WEST, 20_000 + number * 50, Ok(None));
        let id = OperationId::new(VIM_TASK, WEST, task);
        RemoteOperation::new(id, site.cluster.tasks(), |_nothing| Ok(()))
    });
    let waits: Vec<_> = waits.collect();
    let ends = waits
        .iter()
        .map(|work| work.until_done(LIMIT, &*site.clock, PollPolicy::default()));
    assert!(join_all(ends).await.iter().all(Result::is_ok));
    assert_eq!(site.attempts_of("Task_getInfo"), 0);
    let looks = site.attempts_of("PropertyCollector_WaitForUpdatesEx");
    assert!((1..100).contains(&looks), "{looks} for 200 tasks");
}

#[tokio::test(start_paused = true)]
async fn a_task_of_a_cluster_is_cancelled_like_any_other() {
    let site = Site::new(|_| {});
    let task = site.simulator.world().run_task(WEST, 60_000, Ok(None));
    let id = OperationId::new(VIM_TASK, WEST, task);
    let work = RemoteOperation::new(id, site.cluster.tasks(), |_nothing| Ok(()));
    assert_eq!(work.cancel().await.unwrap(), Cancellation::Asked);
    let ended = work.until_done(LIMIT, &*site.clock, PollPolicy::default()).await;
    let WaitErrorKind::Failed(error) = ended.unwrap_err().into_kind() else {
        panic!("it did not end with its fault")
    };
    assert_eq!(error.code(), "RequestCanceled");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_is_deployed_mended_destroyed_and_configured_by_hand() {
    let site = Site::new(|spec| {
        spec.clusters.clear();
        management(spec);
    });
    let none = site.cluster.view().await.unwrap();
    assert_eq!((none.config, none.mode), (Some(Config::NotConfigured), None));
    let configurator = site.cluster.configurator().await.unwrap();
    site.done(
        configurator
            .deploy(&body::<DeployVchaRequest>("deploy-vcha"))
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(site.active(), "198.51.100.11");
    let config = configurator.config().await.unwrap();
    assert_eq!(config.state, "configured");
    let address = config.failover_node_info1.unwrap().failover_ip.unwrap();
    assert_eq!(address.gateway, ["198.51.100.1"]);
    site.simulator.world().vcha_mut().set_passive(WEST, false);
    let passive: CreatePassiveNodeRequest = body("create-passive-node");
    site.done(configurator.create_passive_node(&passive).await.unwrap())
        .await;
    site.simulator.world().vcha_mut().set_witness(WEST, false);
    let witness: CreateWitnessNodeRequest = body("create-witness-node");
    site.done(configurator.create_witness_node(&witness).await.unwrap())
        .await;
    site.clock.sleep(Duration::from_secs(20)).await;
    assert!(site.cluster.view().await.unwrap().is_healthy());
    let refused = configurator.destroy().await.unwrap_err();
    assert_eq!(refused.service_error().unwrap().code(), "MethodDisabled");
    site.cluster.start_mode_change(&Mode::Disabled).await.unwrap();
    site.clock.sleep(Duration::from_secs(5)).await;
    site.done(configurator.destroy().await.unwrap()).await;
    assert!(site.simulator.world().vcha().cluster(WEST).is_none());
    site.done(
        configurator
            .prepare(&body::<PrepareVchaRequest>("prepare-vcha"))
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(site.cluster.view().await.unwrap().config, Some(Config::Prepared));
    site.done(
        configurator
            .configure(&body::<ConfigureVchaRequest>("configure-vcha"))
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(
        site.cluster.view().await.unwrap().config,
        Some(Config::Configured)
    );
}
