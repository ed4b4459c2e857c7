//! Lists that repeat themselves, do not end, or have odd items.

use farside_models_vcda::VmReplicationsListQuery;
use farside_models_vcda::operation::{RECOVERY_PLANS_LIST, VM_REPLICATIONS_INSTANCES, VM_REPLICATIONS_LIST};
use farside_vcda::ListError;
use futures_util::StreamExt as _;

use crate::support::{page, service, vm};

#[tokio::test(start_paused = true)]
async fn a_service_that_passes_over_the_offset_is_told_of_when_its_total_says_that_items_are_missing() {
    let (client, script) = service(
        |_, _| page(r#"{"items": [{"id": "C4-1"}, {"id": "C4-2"}], "total": 250}"#),
        |builder| builder,
    );
    let seen: Vec<_> = client
        .stream_vm_replications(VmReplicationsListQuery::default())
        .take(20)
        .collect()
        .await;
    assert_eq!(seen.len(), 3);
    let Err(error @ ListError::Repeated { read: 2, total: 250 }) = &seen[2] else {
        panic!("{:?}", seen[2])
    };
    assert!(error.to_string().contains("2 of 250"), "{error}");
    assert_eq!(script.count(&VM_REPLICATIONS_LIST), 2);
}

#[tokio::test(start_paused = true)]
async fn a_list_without_a_total_ends_where_it_repeats_itself_with_ids_or_without() {
    for items in [
        r#"{"items": [{"id": "C4-1"}, {"id": "C4-2"}]}"#,
        r#"{"items": [{"vmName": "a"}, null, 7], "total": -1}"#,
        r#"{"items": [null]}"#,
    ] {
        let (client, script) = service(move |_, _| page(items), |builder| builder);
        let count = client
            .stream_vm_replications(VmReplicationsListQuery::default())
            .take(500)
            .count()
            .await;
        assert!(count <= 3, "{count} of {items}");
        assert_eq!(script.count(&VM_REPLICATIONS_LIST), 2, "{items}");
    }
}

#[tokio::test(start_paused = true)]
async fn plans_that_did_not_come_with_the_page_are_told_of_by_its_total() {
    let plans = r#"{"items": [{"id": "1"}, 7], "total": 120}"#;
    for (body, total) in [(plans, Some(120)), (r#"[{"id": "1"}, 7]"#, None)] {
        let (client, script) = service(move |_, _| page(body), |builder| builder);
        let page = client.recovery_plans().await.unwrap();
        assert_eq!((page.items.len(), page.total), (2, total));
        assert!(page.items[0].is_ok() && page.items[1].is_err());
        assert_eq!(script.count(&RECOVERY_PLANS_LIST), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_cannot_be_read_costs_no_other_one() {
    let (client, script) = service(
        |_, _| page(r#"[{"key": "replica-1"}, {"key": "replica-2", "timestamp": {}}, 7]"#),
        |builder| builder,
    );
    let instances = vm(&client).instances().await.unwrap();
    assert_eq!(instances.len(), 3);
    assert_eq!(instances[0].as_ref().unwrap().key.as_deref(), Some("replica-1"));
    assert_eq!(
        instances[1].as_ref().unwrap_err().id.as_deref(),
        Some("replica-2")
    );
    assert_eq!(script.count(&VM_REPLICATIONS_INSTANCES), 1);
}
