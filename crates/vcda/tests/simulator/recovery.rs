//! Recoveries, lists, sessions, and what becomes of lost answers.

use farside_models_vcda::{RecoveryState, SingleVmReplicationInfo, TasksListQuery, VmReplicationsListQuery};
use farside_simulator::{FaultAction, FaultRule};
use farside_transport::{CallErrorKind, Effect};
use farside_vcda::{FailoverTestSettings, ListError, Networks, Power, Target, Task, TestFrom};
use futures_util::{StreamExt, TryStreamExt};

use crate::support::{Site, client, failover, migrate, recovery_state};

#[tokio::test(start_paused = true)]
async fn a_test_its_cleanup_a_migration_and_a_reversal_end_in_their_states() {
    let site = Site::west(1);
    let (client, id) = (&site.client, site.ids().remove(0));
    let networks = Networks::Disconnected {
        vm: String::new(),
        cards: 2,
    };
    let test = FailoverTestSettings::new(Target::Vcloud, Power::On, networks, TestFrom::Newest);
    let vm = client.vm_replication(&id);
    let work = vm.start_failover_test(&test).await.unwrap();
    site.done(&work).await.unwrap();
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

    let work = vm.start_test_cleanup().await.unwrap();
    site.done(&work).await.unwrap();
    assert_eq!(site.state(&id).await, RecoveryState::NotStarted);

    let work = vm.start_migrate(&migrate()).await.unwrap();
    let done = site.done(&work).await.unwrap();
    assert_eq!(recovery_state(&done.result.unwrap()), RecoveryState::Complete);

    let work = vm.start_reverse().await.unwrap();
    let result = site.done(&work).await.unwrap().result.unwrap();
    assert_eq!(result.destination.unwrap().site.as_deref(), Some("east"));
    client.close().await.unwrap();
    assert!(matches!(
        vm.get().await.unwrap_err().kind(),
        CallErrorKind::Closed
    ));
}

#[tokio::test(start_paused = true)]
async fn an_action_is_sent_once_whatever_becomes_of_its_answer() {
    let site = Site::west(2);
    let ids = site.ids();
    site.fault(FaultRule::new("vmReplications.failover", FaultAction::DropAnswer));
    let vm = site.client.vm_replication(&ids[0]);
    let error = vm.start_failover(&failover()).await.unwrap_err();
    assert_eq!(error.effect(), Effect::Unknown);
    assert_eq!(site.attempts("vmReplications.failover"), 1);
    let newest = TasksListQuery::default()
        .with_resource_id(ids[0].as_str())
        .with_sort("startTime-");
    let found: Vec<Task> = site.client.stream_tasks(newest).try_collect().await.unwrap();
    assert_eq!((found.len(), found[0].workflow()), (1, Some("failover")));

    let again = vm.start_failover(&failover()).await.unwrap_err();
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
    let vm = site.client.vm_replication(&id);
    vm.start_failover(&failover()).await.unwrap();
    assert_eq!(site.attempts("sessions.login"), 2);
    let failover = site.simulator.world().calls().of("vmReplications.failover");
    assert_eq!((failover.refused, failover.accepted), (1, 1));
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
        .stream_vm_replications(VmReplicationsListQuery::default());
    let all: Vec<SingleVmReplicationInfo> = all.try_collect().await.unwrap();
    let mut names: Vec<String> = all.into_iter().filter_map(|one| one.vm_name).collect();
    names.sort();
    names.dedup();
    assert_eq!((names.len(), site.attempts("vmReplications.list")), (230, 3));

    let last = VmReplicationsListQuery::default().with_offset(225).with_limit(50);
    let page = site.client.list_vm_replications(&last).await.unwrap();
    assert_eq!((page.items.len(), page.total), (5, Some(230)));
    let named = VmReplicationsListQuery::default().with_vm_name("vm-007");
    assert_eq!(site.client.stream_vm_replications(named).count().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_cannot_be_had_ends_the_stream_with_its_error() {
    let site = Site::west(230);
    let refuse = FaultAction::Refuse {
        status: 403,
        body: None,
        retry_after: None,
    };
    site.fault(FaultRule::new("vmReplications.list", refuse).from_nth(2));
    let all = site
        .client
        .stream_vm_replications(VmReplicationsListQuery::default());
    let seen: Vec<_> = all.collect().await;
    assert_eq!(seen.len(), 101);
    assert!(matches!(seen.last(), Some(Err(ListError::Page(error))) if error.effect() == Effect::Refused));
}

#[tokio::test(start_paused = true)]
async fn instances_come_with_their_times() {
    let site = Site::west(1);
    let vm = site.client.vm_replication(&site.ids()[0]);
    let instances = vm.instances().await.unwrap();
    assert_eq!(instances.len(), 4);
    assert!(
        instances
            .iter()
            .flatten()
            .all(|instance| instance.timestamp.is_some_and(|time| time.get().is_some()))
    );
}
