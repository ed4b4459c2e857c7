//! What the sources leave open, played the other way: the client survives both readings.

use farside_models_vcda::{
    NewRecoveryPlanSettings, RecoveryState, RecoveryStepSettings, VmReplicationsListQuery,
};
use farside_simulator::vcda::{StateRefusal, VcdaSpec};
use farside_simulator::{FaultAction, FaultRule, WorldSpec};
use farside_transport::{Effect, OperationId, WaitErrorKind};
use farside_vcda::{
    Extension, FailoverTestSettings, Networks, OperationTag, Power, RecoveryPlanId, TASK_KIND, Target,
    TestFrom, VcdaClient, poll_policy,
};
use farside_wire::RawJson;
use futures_util::TryStreamExt;
use serde_json::json;

use crate::support::{HOUR, Site, builder, credentials, failover, migrate};

fn odd(change: impl FnOnce(&mut VcdaSpec)) -> Site {
    let mut vcda = VcdaSpec::odd();
    change(&mut vcda);
    Site::of(&WorldSpec::pair(7).groups(0).replications(120).vcda(vcda))
}

#[tokio::test(start_paused = true)]
async fn an_odd_service_is_failed_over_and_reversed_all_the_same() {
    for bare in [false, true] {
        let site = odd(|vcda| vcda.bare_recovery_info = bare);
        let all = site
            .client
            .stream_vm_replications(VmReplicationsListQuery::default());
        let all: Vec<_> = all.try_collect().await.unwrap();
        assert_eq!(all.len(), 120);
        let vm = site.client.vm_replication(&site.ids()[0]);
        let work = vm.start_failover(&failover()).await.unwrap();
        let done = site.done(&work).await.unwrap();
        assert_eq!(done.result, None);
        assert_eq!(site.state(vm.id()).await, RecoveryState::Complete);
        let work = vm.start_reverse().await.unwrap();
        site.done(&work).await.unwrap();
        let shown = vm.get().await.unwrap();
        assert_eq!(shown.destination.unwrap().site.as_deref(), Some("east"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_may_come_in_the_task() {
    let site = odd(|vcda| vcda.state_refusal = StateRefusal::BadRequest);
    let vm = site.client.vm_replication(&site.ids()[0]);
    let work = vm.start_test_cleanup().await.unwrap();
    let error = site.done(&work).await.unwrap_err();
    assert!(matches!(error.kind(), WaitErrorKind::Failed(error) if error.code() == "BadRequest"));
    assert_eq!(site.state(vm.id()).await, RecoveryState::NotStarted);
}

/// Which code refuses a second test is not documented. One that does not say that nothing was done leaves it to a look.
#[tokio::test(start_paused = true)]
async fn a_second_test_is_refused_with_any_code_and_the_first_one_stays() {
    let test = FailoverTestSettings::new(
        Target::Vcloud,
        Power::Off,
        Networks::Preconfigured,
        TestFrom::Newest,
    );
    for (state_refusal, effect) in [
        (StateRefusal::BadRequest, Effect::Refused),
        (StateRefusal::Conflict, Effect::Refused),
        (StateRefusal::ServerFailure, Effect::Unknown),
    ] {
        let site = odd(|vcda| {
            vcda.refuses_in_task = false;
            vcda.state_refusal = state_refusal;
        });
        let vm = site.client.vm_replication(&site.ids()[0]);
        let work = vm.start_failover_test(&test).await.unwrap();
        site.done(&work).await.unwrap();
        let error = vm.start_failover_test(&test).await.unwrap_err();
        assert_eq!(error.effect(), effect, "{state_refusal:?}: {error}");
        assert!(error.service_error().is_some());
        assert_eq!(site.state(vm.id()).await, RecoveryState::Test);
        assert_eq!(site.attempts("vmReplications.failoverTest"), 2);
        let work = vm.start_test_cleanup().await.unwrap();
        site.done(&work).await.unwrap();
        assert_eq!(site.state(vm.id()).await, RecoveryState::NotStarted);
    }
}

#[tokio::test(start_paused = true)]
async fn work_that_has_ended_when_it_is_answered_is_not_asked_for() {
    let site = odd(|vcda| vcda.no_results = false);
    let check = site.client.start_health_check().await.unwrap();
    let before = site.attempts("tasks.poll");
    assert!(site.done(&check).await.unwrap().result.is_some());
    assert_eq!(site.attempts("tasks.poll"), before);
    let attached = site
        .client
        .attach::<farside_models_vcda::CloudHealthInfo>(check.id().clone())
        .unwrap();
    assert!(site.done(&attached).await.unwrap().result.is_some());
}

#[tokio::test(start_paused = true)]
async fn plans_come_as_a_page_and_a_prompt_may_end_the_task() {
    let site = odd(|_| {});
    let settings = NewRecoveryPlanSettings::default().with_display_name("tier-1");
    let made = site.client.create_recovery_plan(&settings).await.unwrap();
    let plan = site
        .client
        .recovery_plan(&RecoveryPlanId::parse(made.id.unwrap()).unwrap());
    let named = RawJson::of(&json!(site.ids()[0].as_str())).unwrap();
    let step = RecoveryStepSettings::default()
        .with_name("first")
        .with_prompt("ready?")
        .with_replications(vec![named]);
    plan.add_step(&step).await.unwrap();
    assert_eq!(site.client.recovery_plans().await.unwrap().items.len(), 1);
    let work = plan.start_failover(None).await.unwrap();
    site.done(&work).await.unwrap();
    let info = plan.get().await.unwrap().execution_info.unwrap();
    assert!(
        info.prompt_step_id.is_some(),
        "the plan tells what its task does not"
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_forgotten_between_two_looks_keeps_what_is_known_of_it() {
    let mut vcda = VcdaSpec::default();
    vcda.task_retention_ms = Some(60_000);
    let site = Site::of(&WorldSpec::pair(7).groups(0).replications(1).vcda(vcda));
    let vm = site.client.vm_replication(&site.ids()[0]);
    let work = vm.start_failover(&failover()).await.unwrap();
    let stored = serde_json::to_string(work.id()).unwrap();
    site.done(&work).await.unwrap();
    farside_transport::Clock::sleep(site.client.clock(), HOUR).await;
    let id: OperationId = serde_json::from_str(&stored).unwrap();
    assert_eq!(id.kind, TASK_KIND);
    let late = site.client.attach::<RawJson>(id).unwrap();
    let error = late.until_done(HOUR, site.client.clock(), poll_policy()).await;
    assert!(matches!(error.unwrap_err().kind(), WaitErrorKind::Gone));
}

/// A site with one replication, whose migration takes a session that is good for the other site too.
fn needs_extension() -> Site {
    let mut vcda = VcdaSpec::default();
    vcda.needs_extension = true;
    Site::of(&WorldSpec::pair(7).groups(0).replications(1).vcda(vcda))
}

/// Such a site, and a client that knows how to extend its session.
fn extended() -> (Site, VcdaClient) {
    let site = needs_extension();
    let (user, password) = credentials(&site.simulator, "east");
    let west = builder(&site.simulator, site.clock.clone(), "west")
        .extend("east", Extension::Vcd { user, password })
        .build()
        .unwrap();
    (site, west)
}

#[tokio::test(start_paused = true)]
async fn a_migration_that_needs_the_other_site_is_refused_without_an_extension() {
    let site = needs_extension();
    let vm = site.client.vm_replication(&site.ids()[0]);
    let refused = vm.start_migrate(&migrate()).await.unwrap_err();
    assert_eq!(
        refused.service_error().unwrap().code(),
        "RemoteAuthenticationFailure"
    );
    assert_eq!(site.state(vm.id()).await, RecoveryState::NotStarted);

    let (user, password) = credentials(&site.simulator, "east");
    let east = builder(&site.simulator, site.clock.clone(), "west")
        .extend("east", Extension::Vcd { user, password })
        .site("east")
        .build()
        .unwrap();
    let shown = east.vm_replication(vm.id()).get().await.unwrap();
    assert_eq!(shown.source.unwrap().site.as_deref(), Some("east"));
}

#[tokio::test(start_paused = true)]
async fn work_that_needs_the_other_site_extends_the_session_first_and_asks_its_own_site() {
    let (site, west) = extended();
    let id = site.ids()[0].clone();
    let plain = west.vm_replication(&id).start_migrate(&migrate()).await;
    assert_eq!(
        plain.unwrap_err().service_error().unwrap().code(),
        "RemoteAuthenticationFailure",
        "nothing is extended for work that is not said to need it"
    );
    let seen = west.needing("east").session().await.unwrap();
    assert_eq!(seen.authenticated_sites.len(), 2);
    // A session that ends takes its extension along; both are made anew for the call that met it.
    let rule = FaultRule::new("vmReplications.migrate", FaultAction::EndSessions);
    site.simulator.world().faults_mut().add(rule);
    let replication = west.needing("east").vm_replication(&id);
    let work = replication.start_migrate(&migrate()).await.unwrap();
    work.until_done(HOUR, west.clock(), poll_policy()).await.unwrap();
    assert_eq!(site.state(&id).await, RecoveryState::Complete);
    // A site that the builder was told nothing of changes nothing.
    let other = west.needing("north").session().await.unwrap();
    assert_eq!(other.authenticated_sites.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_work_that_needed_the_other_site_does_not_need_it() {
    let (site, west) = extended();
    let replication = west.needing("east").vm_replication(&site.ids()[0]);
    let work = replication.start_migrate(&migrate()).await.unwrap();
    // The session ends while the work goes on, and the other site is gone by then.
    let lost = FaultAction::Refuse {
        status: 500,
        body: None,
        retry_after: None,
    };
    site.fault(FaultRule::new("sessions.extend", lost).times(Some(u32::MAX)));
    west.invalidate_session();
    work.poll().await.unwrap();
    site.done(&work).await.unwrap();
    assert_eq!(site.attempts("sessions.extend"), 1);
}

/// No page says that requests are told apart by their `operationID`. Whoever names each action of a user otherwise need not care;
/// who does not learns from the task that it is an earlier one.
#[tokio::test(start_paused = true)]
async fn actions_with_tags_of_their_own_are_all_done_though_tags_may_tell_requests_apart() {
    let test = FailoverTestSettings::new(
        Target::Vcloud,
        Power::Off,
        Networks::Preconfigured,
        TestFrom::Newest,
    );
    for deduplicates in [false, true] {
        let site = odd(|vcda| {
            vcda.deduplicates = deduplicates;
            vcda.refuses_in_task = false;
        });
        let id = &site.ids()[0];
        let tagged = |tag: &str| site.client.tagged(&OperationTag::new(tag)).vm_replication(id);
        let first = tagged("one").start_failover_test(&test).await.unwrap();
        site.done(&first).await.unwrap();
        // The same action once more: done twice it is refused, or it is answered with its own task.
        let again = tagged("one").start_failover_test(&test).await;
        match again {
            Ok(work) => assert!(deduplicates && work.id() == first.id()),
            Err(error) => assert!(!deduplicates && error.effect() == Effect::Refused, "{error}"),
        }
        assert_eq!(site.state(id).await, RecoveryState::Test);
        let cleanup = tagged("two").start_test_cleanup().await.unwrap();
        site.done(&cleanup).await.unwrap();
        assert_eq!(site.state(id).await, RecoveryState::NotStarted);
        let second = tagged("three").start_failover_test(&test).await.unwrap();
        assert_ne!(second.id(), first.id());
        site.done(&second).await.unwrap();
        assert_eq!(site.state(id).await, RecoveryState::Test);
    }
}
