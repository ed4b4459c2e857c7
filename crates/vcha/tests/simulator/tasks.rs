//! Waiting for cis tasks, cancelling them, and finding them again.

use std::time::Duration;

use farside_simulator::vcha::TaskIds;
use farside_transport::{Cancellation, Effect, OperationId, PollPolicy, TaskSource as _, WaitErrorKind};
use farside_vcha::{CIS_TASK, CancelRefusal, CisTasks, Deployment, NodeAddress};
use futures_util::future::join_all;

use crate::support::{Site, WEST};

const LIMIT: Duration = Duration::from_secs(900);

fn manual() -> farside_models_vcenter::VchaClusterDeploySpec {
    let address = |last| NodeAddress::v4([10, 9, 2, last].into(), 24);
    Deployment::manual(address(1), address(2), address(3)).into()
}

#[tokio::test(start_paused = true)]
async fn a_deployment_is_cancelled_and_ends_with_that() {
    let site = Site::bare(|_| {});
    let id = site.client.start_deploy(&manual()).await.unwrap();
    let work = site.client.operation(id.clone()).unwrap();
    assert_eq!(work.cancel().await.unwrap(), Cancellation::Asked);
    let ended = work
        .until_done(LIMIT, &*site.clock, PollPolicy::default())
        .await
        .unwrap_err();
    assert!(matches!(ended.kind(), WaitErrorKind::Failed(error) if error.code() == "CANCELED"));
    let refused = site.client.cancel_task(&id.id).await.unwrap_err();
    assert_eq!(CancelRefusal::of(&refused), Some(CancelRefusal::Over));
}

#[tokio::test(start_paused = true)]
async fn a_failover_cannot_be_cancelled_and_a_wish_may_come_to_nothing() {
    let site = Site::new(|_| {});
    let id = site.client.start_failover(true).await.unwrap();
    let refused = site.client.cancel_task(&id.id).await.unwrap_err();
    assert_eq!(CancelRefusal::of(&refused), Some(CancelRefusal::NotCancelable));
    let deaf = Site::bare(|spec| spec.ignores_cancel = true);
    let id = deaf.client.start_deploy(&manual()).await.unwrap();
    deaf.client.cancel_task(&id.id).await.unwrap();
    deaf.done(id).await;
}

#[tokio::test(start_paused = true)]
async fn tasks_of_every_form_are_waited_for() {
    for task_ids in [TaskIds::Uuid, TaskIds::Short, TaskIds::Odd] {
        for other in [false, true] {
            let site = Site::bare(|spec| {
                spec.task_ids = task_ids;
                spec.blocks = other;
                spec.zero_totals = other;
                spec.plain_operations = other;
                spec.tells_little = other;
            });
            let id = site.client.start_deploy(&manual()).await.unwrap();
            site.done(id).await;
            assert!(site.simulator.world().vcha().cluster(WEST).is_some());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_reason_of_a_failure_is_found_in_the_result_too() {
    let site = Site::new(|spec| {
        spec.refuses_in_task = true;
        spec.reasons_in_result = true;
        spec.clusters.get_mut(WEST).unwrap().witness_up = false;
    });
    let id = site.client.start_failover(true).await.unwrap();
    let work = site.client.operation(id).unwrap();
    let ended = work
        .until_done(LIMIT, &*site.clock, PollPolicy::default())
        .await
        .unwrap_err();
    let WaitErrorKind::Failed(error) = ended.kind() else {
        panic!("{ended:?}")
    };
    assert!(error.message().unwrap().contains("not ready"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_id_of_another_vcenter_or_kind_is_not_waited_for() {
    let site = Site::new(|_| {});
    for id in [
        OperationId::new(CIS_TASK, "vc-east", "task-1"),
        OperationId::new("vim-task", WEST, "task-1"),
    ] {
        let error = site.client.operation(id.clone()).unwrap_err();
        assert_eq!((&error.id, error.kind, &*error.endpoint), (&id, CIS_TASK, WEST));
        let source = CisTasks::new(site.client.clone());
        for error in [
            source.poll(&id).await.unwrap_err(),
            source.cancel(&id).await.unwrap_err(),
        ] {
            assert_eq!(error.effect(), Effect::NotSent, "{error}");
        }
    }
}

/// Looks get rarer with time and do not come in step, whoever waits.
#[tokio::test(start_paused = true)]
async fn a_thousand_waits_look_seldom_and_spread_out() {
    let site = Site::bare(|_| {});
    let id = site.client.start_deploy(&manual()).await.unwrap();
    let wait = || async {
        let work = site.client.operation(id.clone()).unwrap();
        work.until_done(LIMIT, &*site.clock, PollPolicy::default())
            .await
            .unwrap();
    };
    join_all((0..20).map(|_| wait())).await;
    let looks = site.calls("Cis.Tasks_get").0;
    // At most 9 min, with a pause of 5 s and more once the first dozen looks are over.
    assert!((20 * 20..20 * 130).contains(&looks), "{looks}");
}
