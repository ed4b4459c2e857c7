//! The suite that every wait has to pass, for SMS tasks.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use farside_simulator::sms::{ProviderSpec, VasaSpec};
use farside_simulator::{FaultAction, FaultRule};
use farside_transport::testing::wait_suite::{End, Hit, WaitBench, Work};
use farside_transport::{Clock, Effect, OperationId, TaskSource};
use farside_vasa::{Action, Batch, GroupId, GroupOutcome, ProviderRef, SmsTask, VasaClient, regroup};
use farside_wire::RawJson;

use crate::support::Pair;

/// A world whose provider takes one group in a call: more of them are refused, within the task.
struct SmsBench {
    pair: Pair,
    client: VasaClient,
}

impl SmsBench {
    fn new() -> Self {
        let mut provider = ProviderSpec::default();
        provider.call_limit = Some(1);
        provider.slow_percent = 400;
        let mut spec = VasaSpec::default();
        spec.providers = vec![provider];
        spec.refuses_in_task = true;
        let pair = Pair::new(spec);
        let client = pair.client("vc-west", |transport| transport);
        Self { pair, client }
    }

    fn group(number: u32) -> GroupId {
        GroupId::new("fd-west-1", format!("rt-{number:03}"))
    }
}

#[async_trait]
impl WaitBench for SmsBench {
    fn source(&self) -> Arc<dyn TaskSource> {
        self.client.tasks()
    }

    fn other_process(&self) -> Arc<dyn TaskSource> {
        self.pair.client("vc-west", |transport| transport).tasks()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.pair.clock.clone()
    }

    async fn start(&self, work: Work) -> OperationId {
        let groups = match work {
            Work::Succeeds => vec![Self::group(1)],
            Work::Fails => vec![Self::group(2), Self::group(3)],
        };
        let batch = Batch::new(Action::Failover { planned: false }, groups);
        let provider = ProviderRef::new("vasaProvider-west-1");
        let started = self.client.start(&provider, &batch).await.unwrap();
        started.id().clone()
    }

    fn is_result(&self, result: Option<&RawJson>) -> bool {
        let outcomes = regroup(&[Self::group(1)], result);
        matches!(outcomes[0], GroupOutcome::Succeeded { .. })
    }

    fn failure(&self) -> &'static str {
        "TooMany"
    }

    fn cancelled(&self) -> Option<&str> {
        None
    }

    async fn hit(&self, hit: Hit) {
        let mut world = self.pair.simulator.world();
        match hit {
            Hit::SessionsEnd => {
                let rule = FaultRule::new("SmsTask_QuerySmsTaskInfo", FaultAction::EndSessions);
                world.faults_mut().add(rule);
            }
            Hit::NobodyListens(time) => {
                drop(world);
                self.pair.simulator.world().set_reachable("vc-west", false);
                let (simulator, clock) = (self.pair.simulator.clone(), self.pair.clock.clone());
                tokio::spawn(async move {
                    clock.sleep(time).await;
                    simulator.world().set_reachable("vc-west", true);
                });
            }
            Hit::Switch => assert!(world.lose_active_node("vc-west"), "the passive node takes over"),
            Hit::Forget => world.restart_vcenter("vc-west", 1_000),
        }
    }

    /// SMS keeps its tasks in memory: a node that takes over does not know them.
    fn end(&self, hit: Hit) -> End {
        match hit {
            Hit::SessionsEnd | Hit::NobodyListens(_) => End::Result,
            Hit::Switch | Hit::Forget => End::Gone,
        }
    }
}

mod suite {
    farside_transport::wait_suite!(super::SmsBench::new());
}

/// The node that takes over has no task of the other one: a look at it meets the fault of an object that is not there.
#[tokio::test(start_paused = true)]
async fn the_node_that_takes_over_does_not_know_the_task() {
    let bench = SmsBench::new();
    let id = bench.start(Work::Succeeds).await;
    bench.hit(Hit::Switch).await;
    bench.clock().sleep(Duration::from_secs(300)).await;
    let task = bench.client.vim().object::<SmsTask>(&id.id);
    for error in [task.info().await.unwrap_err(), task.result().await.unwrap_err()] {
        assert_eq!(error.fault().unwrap().type_name(), "ManagedObjectNotFound");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stored_id_is_attached_with_the_groups_of_its_call() {
    let bench = SmsBench::new();
    let id = bench.start(Work::Succeeds).await;
    let other = bench.pair.client("vc-west", |transport| transport);
    let work = other
        .attach(id, vec![SmsBench::group(1), SmsBench::group(9)])
        .unwrap();
    assert!(!work.can_cancel());
    let outcomes = bench.pair.done(work).await;
    assert!(matches!(outcomes[0], GroupOutcome::Succeeded { .. }));
    assert_eq!(outcomes[1], GroupOutcome::Missing);
    assert!(bench.pair.clock.elapsed() < Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn an_id_of_another_vcenter_or_kind_is_not_attached() {
    let bench = SmsBench::new();
    let id = bench.start(Work::Succeeds).await;
    let elsewhere = bench.pair.client("vc-east", |transport| transport);
    let foreign = elsewhere
        .attach(id.clone(), vec![SmsBench::group(1)])
        .unwrap_err();
    assert_eq!(foreign.id, id);
    assert_eq!(&*foreign.endpoint, elsewhere.vim().endpoint());
    let looked = elsewhere.tasks().poll(&id).await.unwrap_err();
    assert_eq!(looked.effect(), Effect::NotSent, "{looked}");
    assert!(elsewhere.operation(id.clone()).is_err());
    let here = bench.pair.client("vc-west", |transport| transport);
    let other_kind = farside_transport::OperationId::new("vim-task", id.endpoint.clone(), id.id.clone());
    assert!(here.operation(other_kind).is_err());
    assert!(here.operation(id).is_ok());
}
