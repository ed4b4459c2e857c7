//! Waiting for tasks: alone, by the thousand, and through all that can happen meanwhile.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use farside_models_vcda::SingleVmReplicationInfo;
use farside_simulator::vcda::RecoveryState;
use farside_simulator::{FaultAction, FaultRule};
use farside_transport::testing::wait_suite::{self, End, Hit, WaitBench, Work};
use farside_transport::{Clock, Effect, OperationId, RemoteOperation, TaskSource, TaskStatus, WaitErrorKind};
use farside_vcda::{TASK_KIND, Task, VcdaClient, VmReplicationId, poll_policy};
use farside_wire::RawJson;
use futures_util::future::join_all;
use serde_json::json;

use crate::support::{HOUR, Site, client, failover, migrate, recovery_state};

#[tokio::test(start_paused = true)]
async fn forty_waits_share_one_question_at_a_time() {
    let site = Site::west(40);
    let mut started = Vec::new();
    for id in site.ids() {
        let work = site.client.vm_replication(&id).start_failover(&failover()).await;
        started.push(work.unwrap());
    }
    let from = site.clock.elapsed();
    let done = join_all(started.iter().map(|work| site.done(work))).await;
    assert!(
        done.iter()
            .all(|done| done.as_ref().is_ok_and(|done| done.result.is_some()))
    );
    let polls = site.attempts("tasks.poll");
    let elapsed = site.clock.elapsed().saturating_sub(from);
    assert!(
        polls <= elapsed.as_millis() as u64 / 500 + 1,
        "{polls} polls in {elapsed:?}"
    );
    assert!(
        polls < 12,
        "{polls} polls for failovers that take less than three seconds"
    );
    assert_eq!(site.attempts("tasks.get"), 0);
    let reads = site.attempts("tasks.list");
    assert!(reads <= polls, "{reads} reads of tasks that ended");
}

#[tokio::test(start_paused = true)]
async fn a_wait_outlives_cut_connections_ended_sessions_and_a_server_in_trouble() {
    let site = Site::west(1);
    let id = site.ids().remove(0);
    let work = site
        .client
        .vm_replication(&id)
        .start_migrate(&migrate())
        .await
        .unwrap();
    site.fault(FaultRule::new("tasks.poll", FaultAction::Cut).times(Some(6)));
    site.fault(FaultRule::new("tasks.poll", FaultAction::EndSessions).from_nth(7));
    let busy = FaultAction::Refuse {
        status: 500,
        body: None,
        retry_after: None,
    };
    site.fault(FaultRule::new("tasks.list", busy).times(Some(3)));
    let done = site.done(&work).await.unwrap();
    assert!(done.result.is_some());
    assert!(site.attempts("tasks.list") > 3);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_at_its_deadline_and_tells_the_last_failure() {
    let site = Site::west(1);
    let id = site.ids().remove(0);
    let work = site
        .client
        .vm_replication(&id)
        .start_failover(&failover())
        .await
        .unwrap();
    site.fault(FaultRule::new("tasks.poll", FaultAction::Cut).times(None));
    let limit = Duration::from_secs(90);
    let from = site.clock.elapsed();
    let waited = work.until_done(limit, site.client.clock(), poll_policy());
    let error = waited.await.unwrap_err();
    assert!(
        matches!(
            error.kind(),
            WaitErrorKind::Deadline {
                last_error: Some(_),
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(site.clock.elapsed().saturating_sub(from), limit);
}

#[tokio::test(start_paused = true)]
async fn a_failed_task_says_why_and_a_task_that_is_not_there_is_gone() {
    let site = Site::west(1);
    let id = site.ids().remove(0);
    site.simulator.world().set_reachable("east", false);
    let work = site
        .client
        .vm_replication(&id)
        .start_migrate(&migrate())
        .await
        .unwrap();
    let error = site.done(&work).await.unwrap_err();
    assert!(
        matches!(error.kind(), WaitErrorKind::Failed(error) if error.message().unwrap().contains("east")),
        "{error:?}"
    );

    let unknown = OperationId::new(TASK_KIND, "west", "00000000-0000-4000-8000-000000000000");
    let work = site.client.attach::<RawJson>(unknown.clone()).unwrap();
    let error = site.done(&work).await.unwrap_err();
    assert!(matches!(error.kind(), WaitErrorKind::Gone), "{error:?}");
    assert!(matches!(work.poll().await, Ok(TaskStatus::Gone)));
}

#[tokio::test(start_paused = true)]
async fn an_id_that_the_server_cannot_read_does_not_end_the_waits_for_others() {
    let site = Site::west(5);
    let mut good = Vec::new();
    for id in site.ids() {
        let vm = site.client.vm_replication(&id);
        good.push(vm.start_failover(&failover()).await.unwrap());
    }
    let broken = OperationId::new(TASK_KIND, "west", "not-a-uuid");
    let broken = site.client.attach::<RawJson>(broken).unwrap();
    let (good, bad) = tokio::join!(
        join_all(good.iter().map(|work| site.done(work))),
        site.done(&broken)
    );
    assert!(good.iter().all(Result::is_ok), "{good:?}");
    assert!(matches!(bad.unwrap_err().kind(), WaitErrorKind::Gone));
    for (kind, endpoint) in [("sms-task", "west"), (TASK_KIND, "east")] {
        let foreign = OperationId::new(kind, endpoint, "task-1");
        let error = site.client.attach::<RawJson>(foreign.clone()).unwrap_err();
        assert_eq!(error.id, foreign);
    }
}

#[tokio::test(start_paused = true)]
async fn rows_that_cannot_be_read_do_not_end_the_waits_for_others() {
    let site = Site::west(3);
    let mut started = Vec::new();
    for id in site.ids() {
        let vm = site.client.vm_replication(&id);
        started.push(vm.start_failover(&failover()).await.unwrap());
    }
    let id = |index: usize| started[index].id().id.clone();
    let rows = json!([
        [null, "RUNNING", 3],
        {"no": "row"},
        [id(0), {"no": "state"}, 3],
        [id(1), "RUNNING", 12.5],
        [id(2), "RUNNING", {"no": "progress"}],
    ]);
    let answer = FaultAction::Refuse {
        status: 200,
        body: Some(json!({"propertyNames": ["id", "state", "progress"], "values": rows})),
        retry_after: None,
    };
    site.fault(FaultRule::new("tasks.poll", answer).times(Some(2)));
    let done = join_all(started.iter().map(|work| site.done(work))).await;
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    let (alone, polls) = (site.attempts("tasks.get"), site.attempts("tasks.poll"));
    assert_eq!(
        alone, 2,
        "the one whose row cannot be read, with each of two answers"
    );
    assert!(polls > 2);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_leaves_nobody_asking() {
    let site = Site::west(1);
    let vm = site.client.vm_replication(&site.ids()[0]);
    let work = vm.start_failover(&failover()).await.unwrap();
    let waited = farside_transport::within(site.client.clock(), Duration::from_millis(600), site.done(&work));
    assert!(waited.await.is_err());
    let asked = site.attempts("tasks.poll");
    assert!(asked > 0);
    site.clock.sleep(HOUR).await;
    assert_eq!(site.attempts("tasks.poll"), asked);
}

/// A program without a runtime of its own makes one for each wait.
#[test]
fn a_wait_goes_on_though_the_runtime_of_an_earlier_one_is_gone_or_stands_still() {
    let runtime = || {
        let builder = &mut tokio::runtime::Builder::new_current_thread();
        builder.enable_time().start_paused(true).build().unwrap()
    };
    for is_kept in [false, true] {
        let first = runtime();
        let (site, second) = first.block_on(async {
            let site = Site::west(2);
            let mut started = Vec::new();
            for id in site.ids() {
                let vm = site.client.vm_replication(&id);
                started.push(vm.start_failover(&failover()).await.unwrap());
            }
            site.done(&started[0]).await.unwrap();
            (site, started.remove(1))
        });
        let kept = is_kept.then_some(first);
        let done = runtime().block_on(site.done(&second));
        assert!(done.is_ok(), "{is_kept}: {done:?}");
        drop(kept);
    }
}

#[tokio::test(start_paused = true)]
async fn the_wait_that_asks_for_all_may_be_dropped_at_any_time() {
    for millis in [0, 30, 60, 300, 700, 1_500] {
        let site = Site::west(3);
        let mut started = Vec::new();
        for id in site.ids() {
            let vm = site.client.vm_replication(&id);
            started.push(vm.start_migrate(&migrate()).await.unwrap());
        }
        site.fault(FaultRule::new("tasks.poll", FaultAction::Delay { ms: 400 }).times(None));
        let clock = site.client.clock();
        let limit = Duration::from_millis(millis);
        let (first, second, third) = tokio::join!(
            biased;
            farside_transport::within(clock, limit, site.done(&started[0])),
            farside_transport::within(clock, limit, site.done(&started[1])),
            site.done(&started[2]),
        );
        assert!(first.is_err() && second.is_err());
        assert!(third.is_ok(), "{millis}: {third:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_waits_cost_a_fraction_of_a_request_each() {
    const WAITS: u32 = 10_000;
    let site = Site::west(WAITS);
    let mut started = Vec::new();
    for id in site.ids() {
        let vm = site.client.vm_replication(&id);
        started.push(vm.start_failover(&failover()).await.unwrap());
    }
    // Work that ended while the rest was begun has to be waited for all the same.
    let calls = |operation| site.attempts(operation);
    let before = calls("tasks.poll") + calls("tasks.list") + calls("tasks.get");
    let done = join_all(started.iter().map(|work| site.done(work))).await;
    assert!(done.iter().all(Result::is_ok));
    let requests = calls("tasks.poll") + calls("tasks.list") + calls("tasks.get") - before;
    let each = requests as f64 / f64::from(WAITS);
    println!("{requests} requests for {WAITS} finished tasks: {each:.4} each");
    assert!(each < 0.2, "{each}");
}

/// The world of the generic suite.
struct TaskBench {
    site: Site,
    other: VcdaClient,
}

impl TaskBench {
    fn new() -> Self {
        let site = Site::west(16);
        let other = client(&site.simulator, site.clock.clone(), "west", None);
        Self { site, other }
    }

    fn free(&self) -> VmReplicationId {
        let world = self.site.simulator.world();
        let mut idle = world.vcda().replications();
        let idle = idle.find(|one| one.task.is_none() && one.recovery == RecoveryState::NotStarted);
        VmReplicationId::parse(idle.unwrap().id.as_str()).unwrap()
    }
}

#[async_trait]
impl WaitBench for TaskBench {
    fn source(&self) -> Arc<dyn TaskSource> {
        Arc::new(self.site.client.tasks())
    }

    fn other_process(&self) -> Arc<dyn TaskSource> {
        Arc::new(self.other.tasks())
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.site.clock.clone()
    }

    async fn start(&self, work: Work) -> OperationId {
        let vm = self.site.client.vm_replication(&self.free());
        let started = match work {
            Work::Succeeds => vm.start_failover(&failover()).await,
            Work::Fails => {
                self.site.simulator.world().set_reachable("east", false);
                vm.start_migrate(&migrate()).await
            }
        };
        started.unwrap().id().clone()
    }

    fn is_result(&self, result: Option<&RawJson>) -> bool {
        let task: Task = result.unwrap().decode().unwrap();
        let shown: SingleVmReplicationInfo = task.result().unwrap().decode().unwrap();
        recovery_state(&shown) == farside_models_vcda::RecoveryState::Complete
    }

    fn failure(&self) -> &str {
        "GeneralServerFailure"
    }

    fn cancelled(&self) -> Option<&str> {
        None
    }

    async fn hit(&self, hit: Hit) {
        match hit {
            Hit::SessionsEnd => self
                .site
                .fault(FaultRule::new("tasks.poll", FaultAction::EndSessions)),
            Hit::NobodyListens(time) => {
                self.site.simulator.world().set_reachable("west", false);
                self.site.clock.sleep(time).await;
                self.site.simulator.world().set_reachable("west", true);
            }
            Hit::Switch => {
                self.site.simulator.world().restart_vcenter("vc-west", 5_000);
            }
            Hit::Forget => self.site.simulator.world().vcda_mut().forget_tasks(),
        }
    }

    fn end(&self, hit: Hit) -> End {
        match hit {
            Hit::SessionsEnd | Hit::NobodyListens(_) | Hit::Switch => End::Result,
            Hit::Forget => End::Gone,
        }
    }
}

mod suite {
    farside_transport::wait_suite!(super::TaskBench::new());
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_kept_and_not_polled_holds_nobody_up() {
    wait_suite::a_wait_that_is_kept_and_not_polled_holds_nobody_up(&TaskBench::new()).await;
}

#[tokio::test(start_paused = true)]
async fn a_source_does_not_look_at_the_task_of_another_service() {
    let bench = TaskBench::new();
    let own = bench.start(Work::Succeeds).await;
    let clock = bench.clock();
    for (kind, endpoint, id) in [
        (TASK_KIND, "east", own.id.as_str()),
        ("vim-task", "west", own.id.as_str()),
        (TASK_KIND, "west", "@west"),
    ] {
        let foreign = OperationId::new(kind, endpoint, id);
        let polled = bench.source().poll(&foreign).await.unwrap_err();
        let work = RemoteOperation::new(foreign, bench.source(), Ok);
        let waited = work.until_done(Duration::from_secs(60), &*clock, poll_policy());
        let WaitErrorKind::Call(waited) = waited.await.unwrap_err().into_kind() else {
            panic!("it is not looked at")
        };
        for error in [polled, waited] {
            assert_eq!(error.effect(), Effect::NotSent, "{error}");
        }
    }
    assert_eq!(
        bench.site.attempts("tasks.get") + bench.site.attempts("tasks.poll"),
        0
    );
}
