//! The client against the simulated sites: sessions, recoveries, lists, waits.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::sync::Arc;
use std::time::Duration;

use farside_models_vcda::{RecoveryState, SingleVmReplicationInfo};
use farside_simulator::{FaultAction, FaultRule, Simulator, WorldSpec};
use farside_transport::{
    CallErrorKind, Clock, Effect, OperationId, PollPolicy, SystemClock, TaskSource, TaskStatus,
};
use farside_vcda::{
    Cards, FailoverSettings, FailoverTestSettings, MigrateSettings, Networks, Page, PageRequest, Power,
    ReplicationFilter, TASK_KIND, Target, TaskFilter, TaskWaitErrorKind, TestFrom, VcdaClient,
    VmReplicationId,
};
use farside_wire::Secret;
use futures_util::future::join_all;

const HOUR: Duration = Duration::from_secs(3600);

struct Site {
    clock: Arc<SystemClock>,
    simulator: Simulator,
    client: VcdaClient,
}

impl Site {
    fn west(replications: u32) -> Self {
        let clock = Arc::new(SystemClock::new());
        let world = WorldSpec::pair(7).groups(0).replications(replications).build();
        let simulator = Simulator::new(world, clock.clone());
        let client = client(&simulator, clock.clone(), "west", None);
        Self {
            clock,
            simulator,
            client,
        }
    }

    fn ids(&self) -> Vec<VmReplicationId> {
        let world = self.simulator.world();
        let ids = world.vcda().replications();
        ids.map(|replication| VmReplicationId::parse(replication.id.as_str()).unwrap())
            .collect()
    }

    fn fault(&self, rule: FaultRule) {
        self.simulator.world().faults_mut().add(rule);
    }

    fn attempts(&self, operation: &str) -> u64 {
        let entries = self.simulator.world().calls().entries();
        let of = entries.iter().filter(|calls| calls.operation == operation);
        of.map(|calls| calls.entry.attempts).sum()
    }

    async fn state(&self, id: &VmReplicationId) -> RecoveryState {
        recovery_state(&self.client.replication(id).await.unwrap())
    }
}

fn client(simulator: &Simulator, clock: Arc<SystemClock>, site: &str, password: Option<&str>) -> VcdaClient {
    let (user, known) = {
        let world = simulator.world();
        let endpoint = world.endpoint(site).unwrap();
        (endpoint.user.clone(), endpoint.password.clone())
    };
    let password = password.map_or(known, str::to_owned);
    VcdaClient::builder(Arc::new(simulator.transport(site)), site, clock)
        .credentials(user, Secret::new(password))
        .build()
        .unwrap()
}

fn recovery_state(replication: &SingleVmReplicationInfo) -> RecoveryState {
    let destination = replication.destination_state.as_ref().unwrap();
    destination
        .recovery_info
        .as_ref()
        .unwrap()
        .recovery_state
        .clone()
        .unwrap()
}

fn failover() -> FailoverSettings {
    FailoverSettings::new(Target::Vcloud, Power::Off, Networks::Preconfigured)
}

fn migrate() -> MigrateSettings {
    MigrateSettings::new(Target::Vcloud, Power::On, Cards::Connected)
}

#[tokio::test(start_paused = true)]
async fn a_test_its_cleanup_a_migration_and_a_reversal_end_in_their_states() {
    let site = Site::west(1);
    let (client, id) = (&site.client, site.ids().remove(0));
    let networks = Networks::Disconnected {
        vm: String::new(),
        cards: 2,
    };
    let test = FailoverTestSettings::new(Target::Vcloud, Power::On, networks, TestFrom::Newest);
    let work = client.start_failover_test(&id, &test).await.unwrap();
    work.until_done(HOUR, &*site.clock, PollPolicy::default())
        .await
        .unwrap();
    assert_eq!(site.state(&id).await, RecoveryState::Test);
    {
        let world = site.simulator.world();
        let copy = world
            .vcda()
            .replication(id.as_str())
            .unwrap()
            .destination_vm
            .clone()
            .unwrap();
        let cards = copy.network_settings.unwrap()["nics"].clone();
        let cards: Vec<bool> = cards
            .as_array()
            .unwrap()
            .iter()
            .map(|card| card["isConnected"] == false)
            .collect();
        assert_eq!(cards, [true, true]);
    }

    let work = client.start_test_cleanup(&id).await.unwrap();
    client.tasks().until_done(work.id(), HOUR).await.unwrap();
    assert_eq!(site.state(&id).await, RecoveryState::NotStarted);

    let work = client.start_migrate(&id, migrate()).await.unwrap();
    let result = work
        .until_done(HOUR, &*site.clock, PollPolicy::default())
        .await
        .unwrap();
    assert_eq!(recovery_state(&result), RecoveryState::Complete);

    let work = client.start_reverse(&id).await.unwrap();
    let task = client.tasks().until_done(work.id(), HOUR).await.unwrap();
    let result: SingleVmReplicationInfo = task.result().unwrap().decode().unwrap();
    assert_eq!(result.destination.unwrap().site.as_deref(), Some("east"));
    client.close().await.unwrap();
    assert!(matches!(
        client.replication(&id).await.unwrap_err().kind(),
        CallErrorKind::Closed
    ));
}

#[tokio::test(start_paused = true)]
async fn forty_waits_share_one_question_at_a_time() {
    let site = Site::west(40);
    let started = join_all(site.ids().iter().map(|id| async {
        site.client
            .start_failover(id, &failover())
            .await
            .unwrap()
            .id()
            .clone()
    }))
    .await;
    let from = site.clock.elapsed();
    let tasks = site.client.tasks();
    let done = join_all(started.iter().map(|id| tasks.until_done(id, HOUR))).await;
    assert!(
        done.iter()
            .all(|task| task.as_ref().is_ok_and(|task| task.result().is_some()))
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
    assert_eq!(site.attempts("tasks.get"), 40);
}

#[tokio::test(start_paused = true)]
async fn a_wait_outlives_cut_connections_ended_sessions_and_a_server_in_trouble() {
    let site = Site::west(1);
    let id = site.ids().remove(0);
    let work = site.client.start_migrate(&id, migrate()).await.unwrap();
    site.fault(FaultRule::new("tasks.poll", FaultAction::Cut).times(Some(6)));
    site.fault(FaultRule::new("tasks.poll", FaultAction::EndSessions).from_nth(7));
    let busy = FaultAction::Refuse {
        status: 500,
        body: None,
        retry_after: None,
    };
    site.fault(FaultRule::new("tasks.get", busy).times(Some(3)));
    let task = site.client.tasks().until_done(work.id(), HOUR).await.unwrap();
    assert!(task.result().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_at_its_deadline_and_tells_the_last_failure() {
    let site = Site::west(1);
    let id = site.ids().remove(0);
    let work = site.client.start_failover(&id, &failover()).await.unwrap();
    site.fault(FaultRule::new("tasks.poll", FaultAction::Cut).times(None));
    let limit = Duration::from_secs(90);
    let from = site.clock.elapsed();
    let error = site
        .client
        .tasks()
        .until_done(work.id(), limit)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error.kind(),
            TaskWaitErrorKind::Deadline {
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
    let work = site.client.start_migrate(&id, migrate()).await.unwrap();
    let error = site.client.tasks().until_done(work.id(), HOUR).await.unwrap_err();
    assert!(
        matches!(error.kind(), TaskWaitErrorKind::Failed(error) if error.msg.as_deref().unwrap().contains("east")),
        "{error:?}"
    );

    let unknown = OperationId::new(TASK_KIND, "west", "00000000-0000-4000-8000-000000000000");
    let tasks = site.client.tasks();
    let error = tasks.until_done(&unknown, HOUR).await.unwrap_err();
    assert!(matches!(error.kind(), TaskWaitErrorKind::Gone), "{error:?}");
    assert!(matches!(tasks.poll(&unknown).await, Ok(TaskStatus::Gone)));
}

#[tokio::test(start_paused = true)]
async fn an_id_that_the_server_cannot_read_does_not_end_the_waits_for_others() {
    let site = Site::west(1);
    let id = site.ids().remove(0);
    let work = site.client.start_failover(&id, &failover()).await.unwrap();
    let broken = OperationId::new(TASK_KIND, "west", "not-a-uuid");
    let tasks = site.client.tasks();
    let (good, bad) = tokio::join!(tasks.until_done(work.id(), HOUR), tasks.until_done(&broken, HOUR));
    assert!(good.is_ok(), "{good:?}");
    assert!(matches!(bad.unwrap_err().kind(), TaskWaitErrorKind::Gone));
    let foreign = OperationId::new("sms-task", "west", "task-1");
    let error = tasks.until_done(&foreign, HOUR).await.unwrap_err();
    assert!(matches!(error.kind(), TaskWaitErrorKind::Foreign { .. }));
}

#[tokio::test(start_paused = true)]
async fn an_action_is_sent_once_whatever_becomes_of_its_answer() {
    let site = Site::west(2);
    let ids = site.ids();
    site.fault(FaultRule::new("vmReplications.failover", FaultAction::DropAnswer));
    let error = site
        .client
        .start_failover(&ids[0], &failover())
        .await
        .unwrap_err();
    assert_eq!(error.effect(), Effect::Unknown);
    assert_eq!(site.attempts("vmReplications.failover"), 1);
    let tasks = site
        .client
        .all_tasks(&TaskFilter::on(&ids[0]).sorted_by("startTime-"))
        .await
        .unwrap();
    let found: Vec<_> = tasks.into_iter().map(Result::unwrap).collect();
    assert_eq!((found.len(), found[0].workflow()), (1, Some("failover")));

    let again = site
        .client
        .start_failover(&ids[0], &failover())
        .await
        .unwrap_err();
    assert_eq!(
        (again.effect(), again.service_error().unwrap().code()),
        (Effect::Refused, "BadRequest")
    );
}

#[tokio::test(start_paused = true)]
async fn a_dead_session_is_replaced_and_the_action_goes_out_once_more() {
    let site = Site::west(1);
    let id = site.ids().remove(0);
    site.client.session().await.unwrap();
    site.fault(FaultRule::new(
        "vmReplications.failover",
        FaultAction::EndSessions,
    ));
    site.client.start_failover(&id, &failover()).await.unwrap();
    assert_eq!(site.attempts("sessions.login"), 2);
    let effects = site.simulator.world().calls().entries();
    let failover = effects
        .iter()
        .find(|calls| calls.operation == "vmReplications.failover")
        .unwrap();
    assert_eq!((failover.entry.refused, failover.entry.accepted), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_tried_once() {
    let site = Site::west(1);
    let client = client(&site.simulator, site.clock.clone(), "west", Some("wrong"));
    for _ in 0..3 {
        let error = client.session().await.unwrap_err();
        assert!(matches!(error.kind(), CallErrorKind::Login(_)), "{error:?}");
        assert_eq!(error.effect(), Effect::NotSent);
    }
    assert_eq!(site.attempts("sessions.login"), 1);
    let shown = format!("{client:?}");
    assert!(!shown.contains("wrong"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn all_pages_of_a_list_are_gone_through() {
    let site = Site::west(230);
    let all = site
        .client
        .all_replications(&ReplicationFilter::default())
        .await
        .unwrap();
    let mut names: Vec<String> = all.into_iter().filter_map(|one| one.unwrap().vm_name).collect();
    names.sort();
    names.dedup();
    assert_eq!((names.len(), site.attempts("vmReplications.list")), (230, 3));

    let page = PageRequest {
        offset: Some(225),
        limit: Some(50),
    };
    let page: Page<_> = site
        .client
        .replications(&ReplicationFilter::default(), page)
        .await
        .unwrap();
    assert_eq!((page.items.len(), page.total), (5, Some(230)));
    let one = site
        .client
        .all_replications(&ReplicationFilter::default().vm_name("vm-007"))
        .await
        .unwrap();
    assert_eq!(one.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn instances_come_with_their_times() {
    let site = Site::west(1);
    let instances = site.client.instances(&site.ids()[0]).await.unwrap();
    assert_eq!(instances.len(), 4);
    assert!(
        instances
            .iter()
            .all(|instance| instance.timestamp.is_some_and(|time| time.get().is_some()))
    );
}
