//! The generated types against the wire fixtures.

#[path = "../../models-vim/tests/golden/harness.rs"]
mod harness;

use farside_models_vcda as vcda;
use farside_wire::{ApiError, RawJson};
use harness::{Fixture, fixtures, round_trip};

fn check_request(fixture: &Fixture) {
    let body = &fixture.request;
    match fixture.operation.as_str() {
        "sessions.login" => round_trip::<vcda::AuthenticationRequest>(fixture, body),
        "vmReplications.failover" => round_trip::<vcda::VmReplicationFailoverSettings>(fixture, body),
        "vmReplications.failoverTest" => round_trip::<vcda::VmReplicationFailoverTestSettings>(fixture, body),
        "vmReplications.migrate" => round_trip::<vcda::VmReplicationMigrateSettings>(fixture, body),
        "tasks.poll" => round_trip::<Vec<String>>(fixture, body),
        other => panic!("{}: no type for the body of {other}", fixture.path.display()),
    }
}

fn check_answer(fixture: &Fixture) {
    let body = &fixture.answer;
    match fixture.result.as_str() {
        "ApiError" => round_trip::<ApiError>(fixture, body),
        "C4SessionDetails" => round_trip::<vcda::C4SessionDetails>(fixture, body),
        "SingleVmReplicationInfo" => round_trip::<vcda::SingleVmReplicationInfo>(fixture, body),
        "ArrayOf:ReplicaInstance" => round_trip::<Vec<vcda::ReplicaInstance>>(fixture, body),
        "QueryResultOfSingleVmReplicationInfo" => {
            round_trip::<vcda::QueryResult<vcda::SingleVmReplicationInfo>>(fixture, body);
        }
        "C4ApiTaskOfSingleVmReplicationInfo" => {
            round_trip::<vcda::C4ApiTask<vcda::SingleVmReplicationInfo>>(fixture, body);
        }
        "C4ApiTaskOfObject" => round_trip::<vcda::C4ApiTask<RawJson>>(fixture, body),
        "QueryResultOfC4ApiTaskOfObject" => {
            round_trip::<vcda::QueryResult<vcda::C4ApiTask<RawJson>>>(fixture, body)
        }
        "TasksPollResponse" => round_trip::<vcda::TasksPollResponse>(fixture, body),
        other => panic!("{}: no type for the answer {other}", fixture.path.display()),
    }
}

#[test]
fn requests_are_written_as_they_were_read() {
    fixtures(env!("CARGO_MANIFEST_DIR"))
        .iter()
        .filter(|fixture| !fixture.request.is_null())
        .for_each(check_request);
}

#[test]
fn answers_are_written_as_they_were_read() {
    fixtures(env!("CARGO_MANIFEST_DIR"))
        .iter()
        .filter(|fixture| !fixture.answer.is_null())
        .for_each(check_answer);
}

#[test]
fn a_known_answer_is_read_into_its_members() {
    let all = fixtures(env!("CARGO_MANIFEST_DIR"));
    let fixture = all
        .iter()
        .find(|fixture| fixture.path.ends_with("vm-replications/get-not-started.json"));
    let body = fixture.expect("the fixture is there").answer.to_string();
    let replication: vcda::SingleVmReplicationInfo = serde_json::from_str(&body).unwrap();
    assert!(
        replication.extra.is_empty(),
        "unknown members: {:?}",
        replication.extra
    );
    let destination = replication
        .destination_state
        .expect("the answer has a destination");
    let recovery = destination
        .recovery_info
        .expect("the destination says how far a recovery is");
    assert_eq!(recovery.recovery_state, Some(vcda::RecoveryState::NotStarted));
}
