//! Reads, single calls, and what a switch does to a client.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use farside_models_vcenter::{VchaClusterMode, VchaClusterState};
use farside_simulator::vcha::Mode;
use farside_simulator::{FaultAction, FaultRule, SimTransport};
use farside_transport::{
    Call, CallError, CallErrorKind, Clock, Effect, OperationId, TaskSource, TaskStatus, Transport,
};
use farside_vcha::{CisTasks, Judgement, Roles, VchaClient, failover_is_active, is_ready, readiness};
use farside_wire::Secret;
use http::Response;

use crate::support::{FAILOVER, Site};

impl Site {
    async fn roles(&self) -> (String, String) {
        let roles = Roles::of(&self.client.cluster().await.unwrap());
        (
            roles.active.unwrap().to_string(),
            roles.passive.unwrap().to_string(),
        )
    }

    async fn poll(&self, task: &OperationId) -> TaskStatus {
        CisTasks::new(self.client.clone()).poll(task).await.unwrap()
    }

    /// Waits until the server that was told to fail over has gone away, and then until one answers again.
    async fn switched(&self) {
        while self.simulator.world().vcha().cluster("vc-west").unwrap().switches == 0 {
            self.clock.sleep(Duration::from_millis(100)).await;
        }
        assert!(
            self.client.operations().await.is_err(),
            "nobody answers during the switch"
        );
        self.clock.sleep(Duration::from_secs(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_healthy_cluster_is_ready() {
    for omits_allowed in [false, true] {
        let site = Site::new(|spec| spec.omits_allowed = omits_allowed);
        let cluster = site.client.cluster().await.unwrap();
        assert_eq!(cluster.mode, Some(VchaClusterMode::Enabled));
        assert_eq!(cluster.manual_failover_allowed.is_none(), omits_allowed);
        let operations = site.client.operations().await.unwrap();
        let conditions = readiness(&cluster, Some(&operations));
        assert!(is_ready(&conditions), "{conditions:?}");
        assert_eq!(site.roles().await, ("10.9.2.1".to_owned(), "10.9.2.2".to_owned()));
        site.client.close().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_failover_changes_the_roles_and_takes_session_and_task_with_it() {
    for (planned, swap) in [(true, false), (false, false), (true, true)] {
        let site = Site::new(|spec| spec.nodes_swap = swap);
        let task = site.client.start_failover(planned).await.unwrap();
        assert!(matches!(site.poll(&task).await, TaskStatus::Running { .. }));
        assert!(failover_is_active(&site.client.operations().await.unwrap()));
        site.switched().await;
        assert_eq!(site.roles().await, ("10.9.2.2".to_owned(), "10.9.2.1".to_owned()));
        assert!(matches!(site.poll(&task).await, TaskStatus::Gone));
        assert!(!failover_is_active(&site.client.operations().await.unwrap()));
        assert_eq!(site.calls(FAILOVER), (1, 1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn the_cluster_is_degraded_after_a_switch_and_healthy_later() {
    let site = Site::new(|_| {});
    site.client.start_failover(true).await.unwrap();
    while site.simulator.world().vcha().cluster("vc-west").unwrap().switches == 0 {
        site.clock.sleep(Duration::from_millis(100)).await;
    }
    site.clock.sleep(Duration::from_millis(3_100)).await;
    let cluster = site.client.cluster().await.unwrap();
    assert_eq!(cluster.health_state, Some(VchaClusterState::Degraded));
    assert!(!is_ready(&readiness(&cluster, None)));
    site.clock.sleep(Duration::from_secs(20)).await;
    let cluster = site.client.cluster().await.unwrap();
    assert!(is_ready(&readiness(&cluster, None)));
}

#[tokio::test(start_paused = true)]
async fn a_disabled_cluster_says_so_and_refuses() {
    let site = Site::new(|spec| spec.clusters.get_mut("vc-west").unwrap().mode = Mode::Disabled);
    let cluster = site.client.cluster().await.unwrap();
    let operations = site.client.operations().await.unwrap();
    let conditions = readiness(&cluster, Some(&operations));
    let bad: Vec<&str> = conditions
        .iter()
        .filter(|condition| condition.judgement == Judgement::NotReady)
        .map(|condition| condition.name)
        .collect();
    assert_eq!(bad, ["mode", "manual_failover_allowed", "operations.disabled"]);
    let error = site.client.start_failover(true).await.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 500);
    assert_eq!(
        error.effect(),
        Effect::Unknown,
        "500 ERROR is not a promise that nothing was done"
    );
    assert_eq!(site.calls(FAILOVER), (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_inside_the_task_has_its_reason() {
    let site = Site::new(|spec| {
        spec.refuses_in_task = true;
        spec.clusters.get_mut("vc-west").unwrap().witness_up = false;
    });
    let task = site.client.start_failover(true).await.unwrap();
    site.clock.sleep(Duration::from_secs(10)).await;
    let TaskStatus::Failed { error } = site.poll(&task).await else {
        panic!("it failed");
    };
    assert!(error.to_string().contains("not ready"), "{error}");
    assert_eq!(site.calls(FAILOVER), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_unknown_and_nothing_is_sent_again() {
    for action in [
        FaultAction::DropAnswer,
        FaultAction::Cut,
        FaultAction::Silence { acted: true },
    ] {
        let site = Site::new(|_| {});
        site.simulator
            .world()
            .faults_mut()
            .add(FaultRule::new(FAILOVER, action));
        let error = site.client.start_failover(true).await.unwrap_err();
        assert_eq!(error.effect(), Effect::Unknown, "{error:?}");
        site.clock.sleep(Duration::from_secs(60)).await;
        assert_eq!(site.calls(FAILOVER).0, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_session_is_replaced_and_the_failover_is_left_to_the_caller() {
    let site = Site::new(|_| {});
    site.roles().await;
    site.simulator
        .world()
        .faults_mut()
        .add(FaultRule::new(FAILOVER, FaultAction::EndSessions));
    let refused = site.client.start_failover(true).await.unwrap_err();
    assert_eq!(refused.effect(), Effect::Refused);
    assert_eq!(site.calls(FAILOVER), (1, 0, 0), "it was refused with 401");
    site.client.start_failover(true).await.unwrap();
    site.clock.sleep(Duration::from_secs(30)).await;
    assert_eq!(site.calls(FAILOVER), (2, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_told_and_the_account_is_not_locked_by_repeats() {
    let site = Site::new(|_| {});
    let transport = Arc::new(site.simulator.transport("vc-west"));
    let user = "operator@vsphere.local";
    let client = VchaClient::builder("vc-west", transport, user, Secret::new("wrong"))
        .clock(site.clock.clone())
        .build();
    for _ in 0..3 {
        let error = client.cluster().await.unwrap_err();
        assert!(matches!(error.kind(), CallErrorKind::Login(login) if login.status().unwrap() == 401));
    }
    assert_eq!(site.calls("Cis.Session_create").0, 1);
}

/// One of the addresses at which a vCenter may answer.
#[derive(Debug)]
struct Address {
    server: SimTransport,
    answers: AtomicBool,
}

#[async_trait]
impl Transport for Address {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        if self.answers.load(Ordering::Relaxed) {
            return self.server.send(call).await;
        }
        Err(call.context().error(CallErrorKind::Connect {
            endpoint: "address".into(),
            source: std::io::ErrorKind::ConnectionRefused.into(),
        }))
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_switch_the_vcenter_is_found_at_the_other_address() {
    let site = Site::new(|_| {});
    let address = |answers| {
        let server = site.simulator.transport("vc-west");
        let answers = AtomicBool::new(answers);
        Arc::new(Address { server, answers })
    };
    let (first, second) = (address(true), address(false));
    let (user, password) = {
        let world = site.simulator.world();
        let endpoint = world.endpoint("vc-west").unwrap();
        (endpoint.user.clone(), Secret::new(endpoint.password.clone()))
    };
    let client = VchaClient::builder("vc-west", first.clone(), user, password)
        .also_at(second.clone())
        .clock(site.clock.clone())
        .build();
    client.start_failover(true).await.unwrap();
    site.clock.sleep(Duration::from_secs(30)).await;
    first.answers.store(false, Ordering::Relaxed);
    assert!(client.cluster().await.is_err(), "neither of them answers");
    second.answers.store(true, Ordering::Relaxed);
    let roles = Roles::of(&client.cluster().await.unwrap());
    assert_eq!(roles.active.unwrap().as_str(), "10.9.2.2");
    // What answered last is asked first, also for what is sent once.
    client.start_failover(true).await.unwrap();
    assert_eq!(site.calls(FAILOVER).0, 2);
}
