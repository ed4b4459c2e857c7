//! The client against the wire fixtures of the models: what it sends, and what it makes of the answers.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use farside_transport::testing::{Answer, ScriptedTransport};
use farside_transport::{CallError, Effect, OperationId, SystemClock, TaskSource as _, TaskStatus};
use farside_vasa::{
    Group, GroupFault, GroupId, GroupOutcome, GroupPoints, GroupSide, GroupSuccess, GroupView, PointId,
    ProviderRef, Recovery, ReplicationState, SMS_TASK, VasaClient, batch_limit, regroup,
};
use farside_vim::{ReleaseChoice, VimClient};
use farside_wire::{RawJson, Secret, ServiceError};
use serde_json::Value;

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../models-sms/tests/fixtures")
        .join(format!("{name}.json"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn vim_fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../models-vim/tests/fixtures")
        .join(name);
    let fixture: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    fixture["response"]["body"].to_string()
}

/// A server that takes logins and answers everything else by this fixture.
struct Server {
    transport: Arc<ScriptedTransport>,
    fixture: Value,
}

impl Server {
    fn new(name: &str) -> Self {
        let fixture = fixture(name);
        let (status, body) = (
            fixture["response"]["status"].as_u64().unwrap(),
            fixture["response"]["body"].to_string(),
        );
        let transport = ScriptedTransport::with(move |call, _| match call.operation.id {
            "ServiceInstance_getContent" => {
                Answer::json(200, vim_fixture("service-instance/get-content.json"))
            }
            "SessionManager_Login" => Answer::json(200, vim_fixture("session-manager/login.json"))
                .with_header("vmware-api-session-id", "token"),
            _ => Answer::json(u16::try_from(status).unwrap(), body.clone()),
        });
        Self {
            transport: Arc::new(transport),
            fixture,
        }
    }

    fn client(&self) -> VasaClient {
        let clock = Arc::new(SystemClock::new());
        let vim = VimClient::builder(self.transport.clone(), "operator", Secret::new("secret"), clock)
            .endpoint("vc-west")
            .release(ReleaseChoice::Fixed("8.0.3.0".to_owned()))
            .build();
        VasaClient::new(vim)
    }

    /// The last call is the fixture's request.
    fn assert_sent(&self) {
        let sent = self.transport.calls().pop().unwrap();
        let wanted = &self.fixture["request"];
        assert_eq!(sent.operation.id, self.fixture["operation"]);
        assert_eq!(sent.request.method().as_str(), wanted["method"]);
        assert_eq!(sent.request.uri().path(), wanted["path"]);
        let body = match sent.request.body() {
            empty if empty.is_empty() => Value::Null,
            body => serde_json::from_slice(body).unwrap(),
        };
        assert_eq!(body, wanted["body"]);
    }
}

fn west(id: &str) -> GroupId {
    GroupId::new("fd-west", id)
}

fn provider(fixture: &Value) -> ProviderRef {
    let path = fixture["request"]["path"].as_str().unwrap();
    ProviderRef::new(path.rsplit('/').nth(1).unwrap())
}

/// The groups of a request, in its order.
fn groups(fixture: &Value) -> Vec<GroupId> {
    let body = &fixture["request"]["body"];
    let recoveries = ["failoverParam", "testFailoverParam"]
        .iter()
        .find_map(|name| body[name]["replicationGroupsToFailover"].as_array());
    let ids = match recoveries {
        Some(recoveries) => recoveries.iter().map(|recovery| &recovery["groupId"]).collect(),
        None => body["groupId"]
            .as_array()
            .map(|ids| ids.iter().collect())
            .unwrap_or_else(Vec::new),
    };
    let text = |value: &Value| value["id"].as_str().unwrap().to_owned();
    ids.into_iter()
        .map(|id| GroupId::new(text(&id["faultDomainId"]), text(&id["deviceGroupId"])))
        .collect()
}

fn recoveries(fixture: &Value) -> Vec<Recovery> {
    groups(fixture).into_iter().map(Recovery::newest).collect()
}

fn assert_task(started: Result<OperationId, CallError>, server: &Server) {
    let task = server.fixture["response"]["body"]["value"].as_str().unwrap();
    assert_eq!(started.unwrap(), OperationId::new(SMS_TASK, "vc-west", task));
    server.assert_sent();
}

#[tokio::test(start_paused = true)]
async fn each_operation_is_sent_as_the_fixtures_say() {
    for name in [
        "failover-planned",
        "failover-planned-batch",
        "failover-check-only",
    ] {
        let server = Server::new(&format!("vasa-provider/{name}"));
        let (client, at, wanted) = (
            server.client(),
            provider(&server.fixture),
            recoveries(&server.fixture),
        );
        let started = match name {
            "failover-check-only" => client.start_failover_check(&at, &wanted, true).await,
            _ => client.start_failover(&at, &wanted, true).await,
        };
        assert_task(started, &server);
    }
    let server = Server::new("vasa-provider/prepare-failover");
    let started = server
        .client()
        .start_prepare(&provider(&server.fixture), &groups(&server.fixture))
        .await;
    assert_task(started, &server);
    let server = Server::new("vasa-provider/reverse-replicate");
    let started = server
        .client()
        .start_reverse(&provider(&server.fixture), &groups(&server.fixture))
        .await;
    assert_task(started, &server);
    let server = Server::new("vasa-provider/sync");
    let name = server.fixture["request"]["body"]["pitName"]
        .as_str()
        .unwrap()
        .to_owned();
    let started = server
        .client()
        .start_sync(&provider(&server.fixture), &groups(&server.fixture), &name)
        .await;
    assert_task(started, &server);
    let server = Server::new("vasa-provider/test-failover-start");
    let started = server
        .client()
        .start_test(&provider(&server.fixture), &recoveries(&server.fixture))
        .await;
    assert_task(started, &server);
    for (name, force) in [("test-failover-stop", false), ("test-failover-stop-force", true)] {
        let server = Server::new(&format!("vasa-provider/{name}"));
        let started = server
            .client()
            .stop_test(&provider(&server.fixture), &groups(&server.fixture), force)
            .await;
        assert_task(started, &server);
    }
}

#[tokio::test(start_paused = true)]
async fn a_point_in_time_goes_out_with_its_group() {
    let server = Server::new("vasa-provider/failover-planned");
    let recovery = Recovery {
        group: west("rg-201"),
        point: Some(PointId::new("pit-7")),
    };
    server
        .client()
        .start_failover(&ProviderRef::new("p"), &[recovery], false)
        .await
        .unwrap();
    let sent = server.transport.calls().pop().unwrap();
    let body: Value = serde_json::from_slice(sent.request.body()).unwrap();
    let sent = &body["failoverParam"];
    assert_eq!(sent["isPlanned"], false);
    assert_eq!(sent["replicationGroupsToFailover"][0]["pitId"]["id"], "pit-7");
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_is_known_as_one_and_says_what_it_means() {
    let cases = [
        (
            "failover-too-many",
            GroupFault::TooMany { limit: Some(2) },
            Effect::Refused,
        ),
        (
            "failover-too-many-no-limit",
            GroupFault::TooMany { limit: None },
            Effect::Refused,
        ),
        ("failover-provider-busy", GroupFault::Busy, Effect::Refused),
        (
            "failover-invalid-replication-state",
            GroupFault::InvalidState {
                current: Some(ReplicationState::Source),
                desired: vec![ReplicationState::Target],
            },
            Effect::Refused,
        ),
        (
            "failover-peer-not-reachable",
            GroupFault::PeerNotReachable,
            Effect::Unknown,
        ),
    ];
    for (name, meaning, effect) in cases {
        let server = Server::new(&format!("vasa-provider/{name}"));
        let at = provider(&server.fixture);
        let error = server
            .client()
            .start_failover(&at, &recoveries(&server.fixture), true)
            .await
            .unwrap_err();
        let found = GroupFault::of(error.fault().unwrap());
        if name == "failover-invalid-replication-state" {
            assert!(
                matches!(found, GroupFault::InvalidState { current: Some(_), .. }),
                "{found:?}"
            );
        } else {
            assert_eq!(found, meaning, "{name}");
        }
        assert_eq!(error.effect(), effect, "{name}");
        server.assert_sent();
    }
    let server = Server::new("vasa-provider/failover-inactive-provider");
    let at = provider(&server.fixture);
    let error = server
        .client()
        .start_failover(&at, &recoveries(&server.fixture), true)
        .await
        .unwrap_err();
    let GroupFault::Inactive { mapping } = GroupFault::of(error.fault().unwrap()) else {
        panic!("{error:?}")
    };
    assert!(
        !mapping.is_empty() && mapping[0].0.starts_with("fd-"),
        "{mapping:?}"
    );
}

async fn view(name: &str) -> (Vec<GroupView>, Server) {
    let server = Server::new(&format!("vasa-provider/{name}"));
    let views = server
        .client()
        .groups(&provider(&server.fixture), &groups(&server.fixture))
        .await
        .unwrap();
    (views, server)
}

async fn known(name: &str) -> Group {
    let (views, server) = view(name).await;
    server.assert_sent();
    match views.into_iter().next() {
        Some(GroupView::Known(group)) => group,
        other => panic!("{name}: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn groups_are_read_from_both_sides() {
    let source = known("query-replication-group-source").await;
    assert_eq!(source.state, ReplicationState::Source);
    assert_eq!(
        source.side,
        GroupSide::Source {
            targets: vec![west("rg-201")]
        }
    );
    assert!(source.devices > 0);
    let target = known("query-replication-group-target").await;
    assert_eq!(
        (&target.state, target.peers()),
        (
            &ReplicationState::Target,
            &[GroupId::new("fd-east", "rg-101")][..]
        )
    );
    assert_eq!(
        known("query-replication-group-target-intest").await.state,
        ReplicationState::Intest
    );
    assert_eq!(
        known("query-replication-group-target-failedover").await.state,
        ReplicationState::Failedover
    );
    let remote = known("query-replication-group-source-remote-failedover").await;
    assert_eq!(remote.state, ReplicationState::RemoteFailedover);
    assert_eq!(known("query-replication-group-target-minimal").await.devices, 0);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_fails_in_a_query_does_not_spoil_the_others() {
    let (views, _) = view("query-replication-group-with-error-entry").await;
    assert!(
        views.iter().any(|view| matches!(view, GroupView::Known(_))),
        "{views:?}"
    );
    let faults: Vec<GroupFault> = views
        .iter()
        .filter_map(|view| match view {
            GroupView::Failed { faults } => faults.first().map(GroupFault::of),
            GroupView::Known(_) | GroupView::Missing => None,
        })
        .collect();
    assert_eq!(faults, [GroupFault::NotFound]);
}

/// The fixture's server refuses for ever, so the client has to stop at parts of one.
#[tokio::test(start_paused = true)]
async fn groups_beyond_a_query_limit_are_asked_for_in_smaller_parts() {
    let (views, server) = view("query-replication-group-too-many-entries").await;
    assert!(views.iter().any(|view| matches!(view, GroupView::Failed { .. })));
    let queries = server
        .transport
        .calls()
        .iter()
        .filter(|call| call.operation.id.contains("QueryReplicationGroup"))
        .count();
    assert!((2..20).contains(&queries), "{queries}");
}

#[tokio::test(start_paused = true)]
async fn all_groups_are_listed_whether_the_provider_shows_them_or_their_ids() {
    let server = Server::new("vasa-provider/query-replication-group-all-full");
    assert!(
        !server
            .client()
            .all_groups(&provider(&server.fixture))
            .await
            .unwrap()
            .is_empty()
    );
    server.assert_sent();
    let server = Server::new("vasa-provider/query-replication-group-null");
    assert!(
        server
            .client()
            .all_groups(&provider(&server.fixture))
            .await
            .unwrap()
            .is_empty()
    );
    let server = Server::new("vasa-provider/query-replication-group-all-ids-only");
    assert!(
        server
            .client()
            .all_groups(&provider(&server.fixture))
            .await
            .unwrap()
            .is_empty()
    );
    let sent = server.transport.calls().pop().unwrap();
    let body: Value = serde_json::from_slice(sent.request.body()).unwrap();
    assert!(
        body["groupId"].as_array().is_some_and(|ids| ids.len() > 1),
        "asked for by id: {body}"
    );
}

#[tokio::test(start_paused = true)]
async fn points_in_time_are_read_in_each_form() {
    let points = async |name: &str| {
        let server = Server::new(&format!("vasa-provider/query-point-in-time-replica-{name}"));
        let found = server
            .client()
            .points_in_time(&provider(&server.fixture), &groups(&server.fixture), None)
            .await;
        found.unwrap()
    };
    let found = points("success").await;
    let GroupPoints::Points(listed) = &found[0] else {
        panic!("{found:?}")
    };
    assert_eq!(found[0].newest(), listed.iter().map(|point| point.time).max());
    assert!(listed.len() > 1);
    let found = points("summary").await;
    assert!(
        matches!(
            found[0],
            GroupPoints::Summary {
                number: 1..,
                newest: Some(_)
            }
        ),
        "{found:?}"
    );
    let found = points("no-replica").await;
    assert_eq!(found[0], GroupPoints::Points(Vec::new()));
    assert_eq!(found[0].newest(), None);
}

#[tokio::test(start_paused = true)]
async fn peers_are_fault_domains_and_subtypes_of_them() {
    for name in ["query-replication-peer", "query-replication-peer-all"] {
        let server = Server::new(&format!("vasa-provider/{name}"));
        let asked: &[String] = if name.ends_with("all") {
            &[]
        } else {
            &["fd-east".to_owned()]
        };
        let peers = server
            .client()
            .peers(&provider(&server.fixture), asked)
            .await
            .unwrap();
        assert_eq!(
            (peers[0].source.as_str(), peers[0].targets[0].as_str()),
            ("fd-east", "fd-west")
        );
        server.assert_sent();
    }
    let server = Server::new("vasa-provider/query-replication-peer-error-entry");
    let peers = server
        .client()
        .peers(&provider(&server.fixture), &["fd-none".to_owned()])
        .await
        .unwrap();
    assert_eq!(GroupFault::of(&peers[0].faults[0]), GroupFault::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_provider_says_whether_it_is_there_and_what_it_takes() {
    let info = async |name: &str| {
        let server = Server::new(&format!("provider/{name}"));
        server
            .client()
            .provider(&provider(&server.fixture))
            .await
            .unwrap()
    };
    let online = info("query-provider-info").await.unwrap();
    assert!(online.is_online() && online.is_called("west-array-provider") && online.is_called("uid-west-1"));
    assert!(!online.is_called("west"));
    assert!(batch_limit(&online.info).is_some());
    assert_eq!(
        batch_limit(&info("query-provider-info-no-batch-size").await.unwrap().info),
        None
    );
    assert!(
        !info("query-provider-info-status-fault")
            .await
            .unwrap()
            .is_online()
    );
    assert_eq!(info("query-provider-info-base-type").await, None);
    let mut none = online.info;
    for named in [0, -1] {
        none.max_batch_size = Some(named);
        assert_eq!(batch_limit(&none), None);
    }
}

async fn poll(name: &str) -> (TaskStatus, Server) {
    let server = Server::new(&format!("sms-task/query-sms-task-info-{name}"));
    let id = provider(&server.fixture).to_string();
    let status = server
        .client()
        .tasks()
        .poll(&OperationId::new(SMS_TASK, "vc-west", id))
        .await
        .unwrap();
    server.assert_sent();
    (status, server)
}

#[tokio::test(start_paused = true)]
async fn a_task_is_running_until_it_has_ended() {
    assert!(matches!(
        poll("queued").await.0,
        TaskStatus::Running { progress: None }
    ));
    assert!(matches!(
        poll("running").await.0,
        TaskStatus::Running { progress: Some(_) }
    ));
    assert!(matches!(
        poll("test-start-void").await.0,
        TaskStatus::Succeeded { result: None }
    ));
    let TaskStatus::Failed {
        error: ServiceError::Fault(fault),
    } = poll("error-too-many").await.0
    else {
        panic!("the task failed")
    };
    assert_eq!(GroupFault::of(&fault), GroupFault::TooMany { limit: Some(2) });
}

#[tokio::test(start_paused = true)]
async fn a_task_that_the_server_does_not_know_is_gone() {
    let transport = ScriptedTransport::with(|call, _| match call.operation.id {
        "ServiceInstance_getContent" => Answer::json(200, vim_fixture("service-instance/get-content.json")),
        "SessionManager_Login" => Answer::json(200, "{}").with_header("vmware-api-session-id", "token"),
        _ => Answer::json(
            500,
            r#"{"_typeName": "ManagedObjectNotFound", "obj": {"type": "SmsTask", "value": "x"}}"#,
        ),
    });
    let clock = Arc::new(SystemClock::new());
    let vim = VimClient::builder(Arc::new(transport), "operator", Secret::new("secret"), clock)
        .release(ReleaseChoice::Fixed("8.0.3.0".to_owned()))
        .build();
    let status = VasaClient::new(vim)
        .tasks()
        .poll(&OperationId::new(SMS_TASK, "vc-west", "x"))
        .await
        .unwrap();
    assert!(matches!(status, TaskStatus::Gone));
}

async fn outcomes(name: &str, batch: &[GroupId]) -> Vec<GroupOutcome> {
    match poll(name).await.0 {
        TaskStatus::Succeeded { result } => regroup(batch, result.as_ref()),
        other => panic!("{name}: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_succeeded_is_taken_apart_group_by_group() {
    let batch = ["rg-205", "rg-202", "rg-999", "rg-203", "rg-204", "rg-201"].map(west);
    let outcomes = outcomes("failover-mixed", &batch).await;
    let fault = |position: usize| match &outcomes[position] {
        GroupOutcome::Failed { faults } => GroupFault::of(&faults[0]),
        other => panic!("{other:?}"),
    };
    assert!(matches!(&outcomes[0], GroupOutcome::Succeeded { warnings, .. }
        if GroupFault::of(&warnings[0]) == GroupFault::AlreadyDone));
    let desired = vec![ReplicationState::Target];
    assert_eq!(
        fault(1),
        GroupFault::InvalidState {
            current: Some(ReplicationState::Source),
            desired
        }
    );
    assert_eq!(outcomes[2], GroupOutcome::Missing);
    assert_eq!(
        fault(3),
        GroupFault::SyncOngoing {
            task: Some("smsTask-80".to_owned())
        }
    );
    assert_eq!(fault(4), GroupFault::TooMany { limit: Some(2) });
    assert!(matches!(&outcomes[5], GroupOutcome::Succeeded {
        success: GroupSuccess::Recovered { state: ReplicationState::Failedover, point: Some(_), time: Some(_), devices },
        ..
    } if devices.len() == 2));
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_success_is_told() {
    let first = async |name: &str| outcomes(name, &[west("rg-201")]).await.remove(0);
    let GroupOutcome::Succeeded {
        success: GroupSuccess::Recovered { state, .. },
        ..
    } = first("failover-already-reversed").await
    else {
        panic!("recovered")
    };
    assert_eq!(state, ReplicationState::Source);
    let boxed_oddly = first("failover-box-named-after-subtype").await;
    assert!(matches!(boxed_oddly, GroupOutcome::Succeeded { .. }));
    let GroupOutcome::Succeeded {
        success: GroupSuccess::Synced { name, .. },
        ..
    } = first("sync-success").await
    else {
        panic!("synced")
    };
    assert!(name.is_some());
    let GroupOutcome::Succeeded {
        success: GroupSuccess::Reversed { group },
        ..
    } = first("reverse-success").await
    else {
        panic!("reversed")
    };
    assert_eq!(group.fault_domain, "fd-west");
    let prepared = outcomes("prepare-success", &[GroupId::new("fd-east", "rg-101")])
        .await
        .remove(0);
    assert!(matches!(
        prepared,
        GroupOutcome::Succeeded {
            success: GroupSuccess::Plain,
            ..
        }
    ));
    assert_eq!(first("test-start-void").await, GroupOutcome::Missing);
    assert!(matches!(
        first("test-stop-not-clean").await,
        GroupOutcome::Failed { .. }
    ));
}

#[test]
fn a_result_is_read_by_its_elements_in_whatever_box() {
    let entry = r#"{"_typeName": "FailoverSuccessResult", "newState": "FAILEDOVER",
        "groupId": {"faultDomainId": {"id": "fd-west"}, "deviceGroupId": {"id": "rg-201"}}}"#;
    let texts = [
        format!(r#"{{"_typeName": "ArrayOfAnyType", "_value": [{entry}]}}"#),
        format!(r#"{{"_typeName": "Whatever", "_value": {entry}}}"#),
        format!("[{entry}]"),
        entry.to_owned(),
    ];
    for text in texts {
        let result = RawJson::parse(&text).unwrap();
        let outcomes = regroup(&[west("rg-201")], Some(&result));
        assert!(matches!(outcomes[..], [GroupOutcome::Succeeded { .. }]), "{text}");
    }
}

#[test]
fn what_cannot_be_read_is_missing_and_a_failure_counts_before_a_success() {
    let group = r#""groupId": {"faultDomainId": {"id": "fd-west"}, "deviceGroupId": {"id": "rg-201"}}"#;
    let outcome = |text: String| {
        let result = RawJson::parse(&text).unwrap();
        regroup(&[west("rg-201")], Some(&result)).remove(0)
    };
    for odd in [
        "7".to_owned(),
        "null".to_owned(),
        "[3, null, {}]".to_owned(),
        r#"[{"groupId": 5}]"#.to_owned(),
    ] {
        assert_eq!(outcome(odd), GroupOutcome::Missing);
    }
    let broken = format!(r#"[{{"_typeName": "FailoverSuccessResult", {group}}}]"#);
    assert_eq!(
        outcome(broken),
        GroupOutcome::Missing,
        "a failover without a new state shows nothing"
    );
    let both = format!(
        r#"[{{"_typeName": "GroupOperationResult", {group}}},
            {{"_typeName": "InventedFailure", {group}, "error": [{{"_typeName": "ProviderBusy"}}]}},
            {{"_typeName": "GroupOperationResult", {group}}}]"#
    );
    let GroupOutcome::Failed { faults } = outcome(both) else {
        panic!("a failure")
    };
    assert_eq!(GroupFault::of(&faults[0]), GroupFault::Busy);
    let silent = format!(r#"[{{"_typeName": "GroupErrorResult", {group}}}]"#);
    assert_eq!(outcome(silent), GroupOutcome::Failed { faults: Vec::new() });
}

#[test]
fn batches_keep_order_and_lose_nothing() {
    let items: Vec<u32> = (0..12).collect();
    for (limit, sizes) in [
        (Some(8), vec![8, 4]),
        (Some(0), vec![1; 12]),
        (Some(1), vec![1; 12]),
        (Some(12), vec![12]),
        (Some(u32::MAX), vec![12]),
        (None, vec![12]),
    ] {
        let parts: Vec<&[u32]> = farside_vasa::split(&items, limit).collect();
        assert_eq!(
            parts.iter().map(|part| part.len()).collect::<Vec<_>>(),
            sizes,
            "{limit:?}"
        );
        assert_eq!(parts.concat(), items);
    }
    assert_eq!(farside_vasa::split::<u32>(&[], None).count(), 0);
}
