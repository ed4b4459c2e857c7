//! Recovery plans: every method with all that it takes.

use farside_models_vcda::{
    NewRecoveryPlanSettings, RecoveryPlanCloneSettings, RecoveryPlanOperation, RecoveryPlanState,
    RecoveryState, RecoveryStepInfo, RecoveryStepSettings,
};
use farside_simulator::WorldSpec;
use farside_simulator::vcda::VcdaSpec;
use farside_transport::{Effect, WaitErrorKind};
use farside_vcda::{RecoveryPlan, RecoveryPlanId, RecoveryStepId, VmReplicationId};
use farside_wire::{EpochMillis, RawJson};
use serde_json::json;

use crate::support::Site;

fn site(api_version: &str) -> Site {
    let mut vcda = VcdaSpec::default();
    api_version.clone_into(&mut vcda.api_version);
    Site::of(&WorldSpec::pair(7).groups(0).replications(2).vcda(vcda))
}

async fn plan(site: &Site, name: &str, is_migration: bool) -> RecoveryPlan {
    let settings = NewRecoveryPlanSettings::default()
        .with_display_name(name)
        .with_description("databases first")
        .with_is_migration(is_migration)
        .with_scheduled_sync_time(EpochMillis(0));
    let made = site.client.create_recovery_plan(&settings).await.unwrap();
    assert_eq!(made.is_migration, Some(is_migration));
    let id = RecoveryPlanId::parse(made.id.unwrap()).unwrap();
    site.client.recovery_plan(&id)
}

fn step(name: &str, replication: &VmReplicationId, prompt: Option<&str>) -> RecoveryStepSettings {
    let named = RawJson::of(&json!({"replicationId": replication.as_str()})).unwrap();
    let step = RecoveryStepSettings::default()
        .with_name(name)
        .with_delay(1_000)
        .with_replications(vec![named]);
    match prompt {
        Some(prompt) => step.with_prompt(prompt),
        None => step,
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_made_stepped_moved_copied_listed_and_deleted() {
    let site = site("4.6");
    let ids = site.ids();
    let plan = plan(&site, "tier-1", false).await;
    let first = plan.add_step(&step("first", &ids[0], None)).await.unwrap();
    let second = plan
        .add_step(&step("second", &ids[1], Some("ready?")))
        .await
        .unwrap();
    assert_eq!((first.sequence, second.sequence), (Some(1), Some(2)));
    assert_eq!(
        (second.delay, second.prompt.as_deref()),
        (Some(1_000), Some("ready?"))
    );
    let recovered = |step: &RecoveryStepInfo| -> Vec<serde_json::Value> {
        let replications = step.replications.iter();
        replications
            .map(|one| one.decode::<serde_json::Value>().unwrap()["replicationId"].clone())
            .collect()
    };
    assert_eq!(recovered(&first), [ids[0].as_str()]);
    let id = RecoveryStepId::parse(second.id.clone().unwrap()).unwrap();
    let moved = plan.move_step(&id, 1).await.unwrap();
    assert_eq!((moved.sequence, recovered(&moved)), (Some(1), recovered(&second)));

    let settings = RecoveryPlanCloneSettings::default()
        .with_display_name("tier-1 rehearsal")
        .with_keep_replications(true);
    let copy = plan.copy(&settings).await.unwrap();
    assert_eq!(copy.display_name.as_deref(), Some("tier-1 rehearsal"));
    let plans = site.client.recovery_plans().await.unwrap();
    let listed = plans.items.iter().map(|plan| plan.as_ref().unwrap());
    let mut listed: Vec<_> = listed
        .map(|plan| (plan.id.as_deref().unwrap(), plan.display_name.as_deref().unwrap()))
        .collect();
    listed.sort_unstable();
    let mut made = [
        (plan.id().as_str(), "tier-1"),
        (copy.id.as_deref().unwrap(), "tier-1 rehearsal"),
    ];
    made.sort_unstable();
    assert_eq!(listed, made);
    let order: Vec<String> = {
        let world = site.simulator.world();
        let made = world
            .vcda()
            .plans()
            .find(|known| known.id == copy.id.clone().unwrap());
        made.unwrap().steps.iter().map(|step| step.name.clone()).collect()
    };
    assert_eq!(order, ["second", "first"]);
    plan.delete().await.unwrap();
    assert_eq!(site.client.recovery_plans().await.unwrap().items.len(), 1);
    let gone = plan.get().await.unwrap_err();
    assert_eq!(gone.effect(), Effect::Refused);
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_tested_cleaned_up_and_failed_over() {
    for (version, validate) in [("4.6", None), ("4.7", Some(true))] {
        let site = site(version);
        let ids = site.ids();
        let plan = plan(&site, "tier-1", false).await;
        for id in &ids {
            plan.add_step(&step("step", id, None)).await.unwrap();
        }
        let info = async || plan.get().await.unwrap().execution_info.unwrap();
        assert_eq!(info().await.state, Some(RecoveryPlanState::NotStarted));
        let work = plan.start_test(validate).await.unwrap();
        assert_eq!(info().await.state, Some(RecoveryPlanState::Running));
        site.done(&work).await.unwrap();
        assert_eq!(site.state(&ids[1]).await, RecoveryState::Test);
        let work = plan.start_test_cleanup().await.unwrap();
        site.done(&work).await.unwrap();
        assert_eq!(site.state(&ids[1]).await, RecoveryState::NotStarted);
        let work = plan.start_failover(validate).await.unwrap();
        let done = site.done(&work).await.unwrap();
        let shown = done.result.unwrap().execution_info.unwrap();
        assert_eq!(shown.last_operation, Some(RecoveryPlanOperation::Failover));
        for id in &ids {
            assert_eq!(site.state(id).await, RecoveryState::Complete, "{version}");
        }
        let refused = plan.start_migrate(validate).await.unwrap_err();
        assert_eq!(refused.effect(), Effect::Refused, "it is no migration");
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_migrates_waits_at_its_prompt_and_tells_why_it_stops() {
    let site = site("4.7");
    let ids = site.ids();
    let plan = plan(&site, "moving", true).await;
    plan.add_step(&step("first", &ids[0], Some("ready?")))
        .await
        .unwrap();
    plan.add_step(&step("second", &ids[1], None)).await.unwrap();
    let work = plan.start_migrate(Some(false)).await.unwrap();
    let wait = farside_transport::within(
        site.client.clock(),
        std::time::Duration::from_secs(60),
        site.done(&work),
    );
    assert!(wait.await.is_err(), "nobody has approved");
    let info = plan.get().await.unwrap().execution_info.unwrap();
    assert_eq!(info.state, Some(RecoveryPlanState::Suspended));
    assert!(info.prompt_step_id.is_some());
    assert!(site.simulator.world().approve_prompt(plan.id().as_str()));
    site.done(&work).await.unwrap();
    assert_eq!(site.state(&ids[1]).await, RecoveryState::Complete);

    let again = plan.start_migrate(None).await.unwrap();
    let error = site.done(&again).await.unwrap_err();
    assert!(matches!(error.kind(), WaitErrorKind::Failed(_)));
    let info = plan.get().await.unwrap().execution_info.unwrap();
    assert_eq!(info.last_error.unwrap().args, [ids[0].as_str(), "COMPLETE"]);
}
