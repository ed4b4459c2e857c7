//! The suite that every kind of wait must pass, for vim tasks.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use farside_simulator::vcha::VchaSpec;
use farside_simulator::vi_json::{CancelEnd, ViJsonSpec};
use farside_simulator::{FaultAction, FaultRule, WorldSpec};
use farside_transport::testing::wait_suite::{self, End, Hit, WaitBench, Work};
use farside_transport::{Clock, Effect, OperationId, PollPolicy, RemoteOperation, TaskSource, WaitErrorKind};
use farside_vim::{Task, VIM_TASK, VimClient, VimTasks};
use farside_wire::{Any, RawJson};
use serde_json::json;

use crate::support::{EAST, Site};

struct TaskBench {
    site: Site,
    client: VimClient,
}

impl TaskBench {
    fn new() -> Self {
        let site = Site::of(&WorldSpec::pair(5).groups(2).replications(0));
        let client = site.client();
        Self { site, client }
    }
}

#[async_trait]
impl WaitBench for TaskBench {
    fn source(&self) -> Arc<dyn TaskSource> {
        Arc::new(VimTasks::new(self.client.clone()))
    }

    fn other_process(&self) -> Arc<dyn TaskSource> {
        Arc::new(VimTasks::new(self.site.client()))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.site.clock.clone()
    }

    async fn start(&self, work: Work) -> OperationId {
        let outcome = match work {
            Work::Succeeds => Ok(Some(json!({"_typeName": "string", "_value": "done"}))),
            Work::Fails => Err(json!({"_typeName": "NoCompatibleHost"})),
        };
        let task = self.site.simulator.world().run_task(EAST, 20_000, outcome);
        OperationId::new(VIM_TASK, EAST, task)
    }

    fn is_result(&self, result: Option<&RawJson>) -> bool {
        let result = result.cloned().map(Any::from);
        result.is_some_and(|result| result.as_str().as_deref() == Some("done"))
    }

    fn failure(&self) -> &str {
        "NoCompatibleHost"
    }

    fn cancelled(&self) -> Option<&str> {
        Some("RequestCanceled")
    }

    async fn hit(&self, hit: Hit) {
        let mut world = self.site.simulator.world();
        match hit {
            Hit::SessionsEnd => world.end_sessions(EAST),
            Hit::NobodyListens(time) => {
                world.stop_listening(EAST, u32::try_from(time.as_millis()).unwrap());
            }
            Hit::Switch => assert!(world.lose_active_node(EAST)),
            Hit::Forget => {
                let task = "task-1";
                world.forget_task(EAST, task);
            }
        }
    }

    /// A switch takes the tasks along: the other node does not know them.
    fn end(&self, hit: Hit) -> End {
        match hit {
            Hit::SessionsEnd | Hit::NobodyListens(_) => End::Result,
            Hit::Switch | Hit::Forget => End::Gone,
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

/// How a cancelled task ends is inferred. Whoever waits for it learns how it did, and does not take it for done if it was not.
#[tokio::test(start_paused = true)]
async fn a_cancelled_task_ends_the_wait_in_each_reading() {
    for cancel_end in [
        CancelEnd::RequestCanceled,
        CancelEnd::OtherFault,
        CancelEnd::NoFault,
        CancelEnd::GoesOn,
    ] {
        let mut form = ViJsonSpec::default();
        form.cancel_end = cancel_end;
        let site = Site::of(&WorldSpec::pair(5).groups(2).replications(0).vi_json(form));
        let client = site.client();
        let bench = TaskBench { site, client };
        let id = bench.start(Work::Succeeds).await;
        bench.source().cancel(&id).await.unwrap();
        let work = bench.client.attach(id, farside_vim::no_result).unwrap();
        let ended = work
            .until_done(Duration::from_secs(60), &*bench.clock(), PollPolicy::default())
            .await;
        let code = ended.map_err(|error| match error.into_kind() {
            WaitErrorKind::Failed(failure) => failure.code().to_owned(),
            other => panic!("{other:?}"),
        });
        let wanted = match cancel_end {
            CancelEnd::RequestCanceled => Err("RequestCanceled"),
            CancelEnd::OtherFault => Err("SystemError"),
            CancelEnd::NoFault => Err("MethodFault"),
            CancelEnd::GoesOn => Ok(()),
        };
        assert_eq!(code, wanted.map_err(str::to_owned));
    }
}

/// The node that takes over has no task of the other one: a look at it meets the fault of an object that is not there.
#[tokio::test(start_paused = true)]
async fn the_node_that_takes_over_does_not_know_the_task() {
    let bench = TaskBench::new();
    let id = bench.start(Work::Succeeds).await;
    bench.hit(Hit::Switch).await;
    bench.clock().sleep(Duration::from_secs(300)).await;
    let error = bench.client.object::<Task>(&id.id).info().await.unwrap_err();
    assert_eq!(error.fault().unwrap().type_name(), "ManagedObjectNotFound");
}

#[tokio::test(start_paused = true)]
async fn a_source_does_not_look_at_the_task_of_another_vcenter() {
    let bench = TaskBench::new();
    let own = bench.start(Work::Succeeds).await;
    let (source, clock) = (bench.source(), bench.clock());
    for (kind, endpoint) in [(VIM_TASK, "vc-west"), ("sms-task", EAST)] {
        let foreign = OperationId::new(kind, endpoint, own.id.as_str());
        let polled = source.poll(&foreign).await.unwrap_err();
        let cancelled = source.cancel(&foreign).await.unwrap_err();
        let work = RemoteOperation::<()>::new(foreign, bench.source(), farside_vim::no_result);
        let waited = work.until_done(Duration::from_secs(60), &*clock, PollPolicy::default());
        let WaitErrorKind::Call(waited) = waited.await.unwrap_err().into_kind() else {
            panic!("it is not looked at")
        };
        for error in [polled, cancelled, waited] {
            assert_eq!(error.effect(), Effect::NotSent, "{error}");
        }
    }
    assert_eq!(bench.site.attempts("Task_CancelTask"), 0);
    assert_eq!(bench.site.attempts("Task_getInfo"), 0);
    assert_eq!(bench.site.attempts("PropertyCollector_WaitForUpdatesEx"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_dropped_leaves_its_place_to_the_next_one() {
    let bench = TaskBench::new();
    let (one, two) = (
        bench.start(Work::Succeeds).await,
        bench.start(Work::Succeeds).await,
    );
    let clock = bench.clock();
    let policy = farside_transport::PollPolicy::default();
    let limit = Duration::from_secs(600);
    let first = bench
        .client
        .attach(one, farside_vim::result_of::<String>)
        .unwrap();
    let second = bench
        .client
        .attach(two, farside_vim::result_of::<String>)
        .unwrap();
    {
        // The first one asks the server; then nobody is interested in it any more.
        let asked = first.until_done(Duration::from_secs(2), &*clock, policy).await;
        assert!(asked.is_err());
    }
    let (dropped, done) = tokio::join!(
        tokio::time::timeout(Duration::from_secs(1), first.until_done(limit, &*clock, policy)),
        second.until_done(limit, &*clock, policy),
    );
    assert!(dropped.is_err());
    assert_eq!(done.unwrap(), "done");
}

#[tokio::test(start_paused = true)]
async fn a_restart_while_nobody_listens_ends_in_gone() {
    let bench = TaskBench::new();
    let id = bench.start(Work::Succeeds).await;
    let clock = bench.clock();
    let work = bench.client.attach(id, farside_vim::no_result).unwrap();
    let hit = async {
        clock.sleep(Duration::from_secs(2)).await;
        bench.site.simulator.world().restart_vcenter(EAST, 60_000);
    };
    let (outcome, ()) = tokio::join!(
        work.until_done(
            Duration::from_secs(1_800),
            &*clock,
            farside_transport::PollPolicy::default()
        ),
        hit
    );
    let error = outcome.unwrap_err();
    assert!(
        matches!(error.kind(), farside_transport::WaitErrorKind::Gone),
        "{error:?}"
    );
}

/// What a switch looks like whose former node is gone without a word: nobody closes the connection of the call that waits.
#[tokio::test(start_paused = true)]
async fn a_call_that_waits_and_falls_silent_holds_the_waits_up_for_a_minute() {
    let bench = TaskBench::new();
    let id = bench.start(Work::Succeeds).await;
    let silence = FaultAction::Silence { acted: false };
    let rule = FaultRule::new("PropertyCollector_WaitForUpdatesEx", silence).from_nth(2);
    bench.site.simulator.world().faults_mut().add(rule);
    let clock = bench.clock();
    let began = clock.elapsed();
    let work = bench.client.attach(id, farside_vim::result_of::<String>).unwrap();
    let limit = Duration::from_secs(600);
    let policy = farside_transport::PollPolicy::default();
    assert_eq!(work.until_done(limit, &*clock, policy).await.unwrap(), "done");
    // The server is to wait half a minute, and gets as much for its answer.
    let took = clock.elapsed() - began;
    assert!(took < Duration::from_secs(65), "{took:?}");
}

fn refuse(operation: &str, status: u16, body: serde_json::Value) -> FaultRule {
    let body = Some(body);
    let retry_after = None;
    let refuse = FaultAction::Refuse {
        status,
        body,
        retry_after,
    };
    FaultRule::new(operation, refuse)
}

#[tokio::test(start_paused = true)]
async fn all_waits_outlive_what_a_starting_server_and_its_proxy_answer() {
    let page = || json!("<html>Starting</html>");
    let starting = || json!({"_typeName": "SystemError", "reason": "starting"});
    for (status, body) in [(404, page()), (200, page()), (500, starting())] {
        for operation in ["PropertyCollector_WaitForUpdatesEx", "SessionManager_Login"] {
            let bench = TaskBench::new();
            let rule = refuse(operation, status, body.clone()).times(Some(3));
            bench.site.simulator.world().faults_mut().add(rule);
            let (one, two) = (
                bench.start(Work::Succeeds).await,
                bench.start(Work::Succeeds).await,
            );
            let clock = bench.clock();
            let policy = farside_transport::PollPolicy::default();
            let limit = Duration::from_secs(600);
            let first = bench.client.task(&task(&one), farside_vim::result_of::<String>);
            let second = bench.client.task(&task(&two), farside_vim::result_of::<String>);
            let (first, second) = tokio::join!(
                first.until_done(limit, &*clock, policy),
                second.until_done(limit, &*clock, policy),
            );
            for done in [first, second] {
                assert_eq!(done.unwrap(), "done", "{operation}: {status}");
            }
        }
    }
}

fn task(id: &OperationId) -> farside_wire::ManagedObjectReference {
    crate::support::of("Task", &id.id)
}

#[tokio::test(start_paused = true)]
async fn a_real_refusal_ends_a_wait_at_once() {
    for (operation, fault) in [
        ("PropertyCollector_WaitForUpdatesEx", "NoPermission"),
        ("SessionManager_Login", "InvalidLogin"),
    ] {
        let bench = TaskBench::new();
        let rule = refuse(operation, 500, json!({"_typeName": fault})).times(None);
        bench.site.simulator.world().faults_mut().add(rule);
        let id = bench.start(Work::Succeeds).await;
        let work = bench.client.task(&task(&id), farside_vim::no_result);
        let policy = farside_transport::PollPolicy::default();
        let outcome = work
            .until_done(Duration::from_secs(600), &*bench.clock(), policy)
            .await;
        let error = outcome.unwrap_err();
        assert!(
            matches!(error.kind(), farside_transport::WaitErrorKind::Call(_)),
            "{error:?}"
        );
        assert_eq!(bench.site.attempts(operation), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_wait_could_not_make_whole_is_not_left_at_the_server() {
    for (operation, views) in [
        ("PropertyCollector_CreateFilter", 3),
        ("ViewManager_CreateListView", 0),
    ] {
        let bench = TaskBench::new();
        let rule = refuse(operation, 503, json!("<html>")).times(Some(3));
        bench.site.simulator.world().faults_mut().add(rule);
        let id = bench.start(Work::Succeeds).await;
        let work = bench.client.task(&task(&id), farside_vim::result_of::<String>);
        let policy = farside_transport::PollPolicy::default();
        let done = work
            .until_done(Duration::from_secs(600), &*bench.clock(), policy)
            .await;
        assert_eq!(done.unwrap(), "done");
        let site = &bench.site;
        assert_eq!(site.attempts("PropertyCollector_CreatePropertyCollector"), 4);
        assert_eq!(site.attempts("PropertyCollector_DestroyPropertyCollector"), 3);
        assert_eq!(
            site.attempts("View_DestroyView") + site.attempts("ListView_DestroyView"),
            views
        );
    }
}

#[test]
fn an_id_of_another_kind_or_of_another_vcenter_is_none_to_wait_for() {
    let client = Site::new().client();
    let attach = |kind: &str, endpoint: &str| {
        let id = OperationId::new(kind, endpoint, "task-1");
        client.attach(id, farside_vim::no_result)
    };
    assert!(attach(VIM_TASK, EAST).is_ok());
    for (kind, endpoint) in [(VIM_TASK, "vc-west"), ("sms-task", EAST)] {
        let error = attach(kind, endpoint).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{kind} task-1 at {endpoint} is no {VIM_TASK} of {EAST}")
        );
    }
}

/// Whether sessions outlive a switch is inferred. What they own does not: the views and filters that all waits share.
#[tokio::test(start_paused = true)]
async fn waits_go_on_after_a_switch_in_a_session_that_has_lost_its_views() {
    let mut vcha = VchaSpec::default();
    vcha.keeps_sessions = true;
    let site = Site::of(&WorldSpec::pair(5).groups(2).replications(0).vcha(vcha));
    let client = site.client();
    let bench = TaskBench { site, client };
    let limit = Duration::from_secs(120);
    let wait = async |id: OperationId| {
        let work = bench.client.attach(id, farside_vim::no_result).unwrap();
        let clock = bench.clock();
        work.until_done(limit, &*clock, PollPolicy::default()).await
    };
    wait(bench.start(Work::Succeeds).await).await.unwrap();
    let lost = bench.start(Work::Succeeds).await;
    let (gone, ()) = tokio::join!(wait(lost), async {
        bench.clock().sleep(Duration::from_secs(5)).await;
        bench.hit(Hit::Switch).await;
    });
    assert!(
        matches!(gone.unwrap_err().kind(), WaitErrorKind::Gone),
        "the other node does not know it"
    );
    wait(bench.start(Work::Succeeds).await).await.unwrap();
    assert_eq!(
        bench.site.attempts("SessionManager_Login"),
        1,
        "in the same session"
    );
}
