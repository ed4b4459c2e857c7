//! The generated types against the wire fixtures.

#[path = "../../../models-vim/tests/golden/harness.rs"]
mod harness;
#[path = "../../../models-vim/tests/golden/typed.rs"]
mod typed;

use farside_models_sms as sms;
use farside_models_vim as vim;
use farside_wire::{Any, Fault, LocalizableMessage, ManagedObjectReference, Object};
use harness::{Fixture, fixtures, round_trip};
use typed::{Checks, Met};

/// Types that occur in the fixtures and are left to `Object`, `Any` and `extra`.
const NOT_GENERATED: [&str; 3] = [
    "RelatedStorageArray",
    "SupportedVendorModelMapping",
    "VirtualMachineUUID",
];

/// Members in the fixtures that are left to `extra`: the type is cut, or no schema has them.
const UNKNOWN_MEMBERS: [&str; 6] = [
    "ProviderUnavailable.faultstring",
    "TooMany.faultstring",
    "VasaProviderInfo.certificateExpiryDate",
    "VasaProviderInfo.certificateStatus",
    "VasaProviderInfo.relatedStorageArray",
    "VasaProviderInfo.supportedVendorModelMapping",
];

fn check_request(fixture: &Fixture) {
    let body = &fixture.request;
    match fixture.operation.as_str() {
        "VasaProvider_FailoverReplicationGroup_Task" => {
            round_trip::<sms::FailoverReplicationGroupRequest>(fixture, body);
        }
        "VasaProvider_PrepareFailoverReplicationGroup_Task" => {
            round_trip::<sms::PrepareFailoverReplicationGroupRequest>(fixture, body);
        }
        "VasaProvider_ReverseReplicateGroup_Task" => {
            round_trip::<sms::ReverseReplicateGroupRequest>(fixture, body)
        }
        "VasaProvider_SyncReplicationGroup_Task" => {
            round_trip::<sms::SyncReplicationGroupRequest>(fixture, body)
        }
        "VasaProvider_TestFailoverReplicationGroupStart_Task" => {
            round_trip::<sms::TestFailoverReplicationGroupStartRequest>(fixture, body);
        }
        "VasaProvider_TestFailoverReplicationGroupStop_Task" => {
            round_trip::<sms::TestFailoverReplicationGroupStopRequest>(fixture, body);
        }
        "VasaProvider_QueryReplicationGroup" => {
            round_trip::<sms::QueryReplicationGroupRequest>(fixture, body)
        }
        "VasaProvider_QueryReplicationPeer" => round_trip::<sms::QueryReplicationPeerRequest>(fixture, body),
        "VasaProvider_QueryPointInTimeReplica" => {
            round_trip::<sms::QueryPointInTimeReplicaRequest>(fixture, body)
        }
        other => panic!("{}: no type for the body of {other}", fixture.path.display()),
    }
}

fn check_answer(fixture: &Fixture) {
    let body = &fixture.answer;
    match fixture.result.as_str() {
        "MethodFault" => round_trip::<Fault>(fixture, body),
        "ManagedObjectReference" => round_trip::<ManagedObjectReference>(fixture, body),
        "ArrayOf:ManagedObjectReference" => round_trip::<Vec<ManagedObjectReference>>(fixture, body),
        "SmsProviderInfo" => round_trip::<Object<sms::SmsProviderInfo>>(fixture, body),
        "SmsTaskInfo" => round_trip::<sms::SmsTaskInfo>(fixture, body),
        "Any" => round_trip::<Any>(fixture, body),
        "ArrayOf:GroupOperationResult" => round_trip::<Vec<Object<sms::GroupOperationResult>>>(fixture, body),
        "ArrayOf:QueryReplicationPeerResult" => {
            round_trip::<Vec<sms::QueryReplicationPeerResult>>(fixture, body)
        }
        other => panic!("{}: no type for the answer {other}", fixture.path.display()),
    }
}

fn checks() -> Checks {
    Checks::default()
        .of::<LocalizableMessage>()
        .of::<ManagedObjectReference>()
        .of::<vim::ReplicationGroupId>()
        .of::<sms::AlreadyDone>()
        .of::<vim::DeviceGroupId>()
        .of::<sms::FailoverParam>()
        .of::<sms::FailoverSuccessResult>()
        .of::<vim::FaultDomainId>()
        .of::<sms::FaultDomainInfo>()
        .of::<sms::FaultDomainProviderMapping>()
        .of::<sms::GroupErrorResult>()
        .of::<sms::GroupOperationResult>()
        .of::<sms::InactiveProvider>()
        .of::<vim::InvalidArgument>()
        .of::<sms::InvalidFunctionTarget>()
        .of::<sms::InvalidReplicationState>()
        .of::<sms::NoValidReplica>()
        .of::<vim::NotAuthenticated>()
        .of::<vim::NotFound>()
        .of::<sms::NotSupportedByProvider>()
        .of::<sms::PeerNotReachable>()
        .of::<sms::PointInTimeReplicaId>()
        .of::<sms::PointInTimeReplicaInfo>()
        .of::<sms::PolicyAssociation>()
        .of::<sms::ProviderBusy>()
        .of::<sms::ProviderOutOfResource>()
        .of::<sms::ProviderUnavailable>()
        .of::<sms::QueryExecutionFault>()
        .of::<sms::QueryPointInTimeReplicaParam>()
        .of::<sms::QueryPointInTimeReplicaSuccessResult>()
        .of::<sms::QueryPointInTimeReplicaSummaryResult>()
        .of::<sms::QueryReplicationGroupSuccessResult>()
        .of::<sms::QueryReplicationPeerResult>()
        .of::<sms::RecoveredDevice>()
        .of::<sms::RecoveredDiskInfo>()
        .of::<sms::RecoveredTargetGroupMemberInfo>()
        .of::<sms::ReplicaId>()
        .of::<sms::ReplicaIntervalQueryResult>()
        .of::<sms::ReplicaQueryIntervalParam>()
        .of::<sms::ReplicationGroupData>()
        .of::<sms::ReplicationTargetInfo>()
        .of::<sms::ReverseReplicationSuccessResult>()
        .of::<sms::SmsProviderInfo>()
        .of::<sms::SmsTaskInfo>()
        .of::<sms::SourceGroupInfo>()
        .of::<sms::SourceGroupMemberInfo>()
        .of::<sms::SyncOngoing>()
        .of::<sms::SyncReplicationGroupSuccessResult>()
        .of::<sms::TargetDeviceId>()
        .of::<sms::TargetGroupInfo>()
        .of::<sms::TargetGroupMemberInfo>()
        .of::<sms::TargetToSourceInfo>()
        .of::<sms::TestFailoverParam>()
        .of::<sms::TooMany>()
        .of::<sms::VVolId>()
        .of::<sms::VasaProviderInfo>()
        .of::<sms::VirtualMachineFilePath>()
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
fn objects_in_open_places_are_written_as_they_were_read() {
    let (checks, mut met) = (checks(), Met::default());
    for fixture in fixtures(env!("CARGO_MANIFEST_DIR")) {
        checks.walk(&fixture, &fixture.answer, &mut met);
        checks.walk(&fixture, &fixture.request, &mut met);
    }
    assert_eq!(
        checks.unchecked(&met),
        NOT_GENERATED,
        "a type in the fixtures that no check is listed for"
    );
    assert_eq!(checks.unmet(&met), [""; 0], "a check without a fixture");
    assert!(
        met.unknown.iter().eq(UNKNOWN_MEMBERS),
        "members that the types do not know: {:#?}",
        met.unknown
    );
}
