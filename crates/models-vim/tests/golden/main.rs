//! The generated types against the wire fixtures.

mod harness;
mod typed;

use farside_models_vim as vim;
use farside_wire::{Fault, LocalizableMessage, ManagedObjectReference};
use harness::{Fixture, fixtures, round_trip};
use typed::{Checks, Met};

/// Types that occur in the fixtures and are left to `Object`, `Any` and `extra`.
const NOT_GENERATED: [&str; 7] = [
    "AlreadyExists",
    "DVSContactInfo",
    "DistributedVirtualSwitchProductSpec",
    "PhysicalNicSpec",
    "RequestCanceled",
    "TaskReasonUser",
    "VMwareDVSPortSetting",
];

/// Members in the fixtures that are left to `extra`: the type is cut, or no schema has them.
const UNKNOWN_MEMBERS: [&str; 28] = [
    "DistributedVirtualSwitchHostMember.productInfo",
    "DistributedVirtualSwitchHostMember.uplinkPortKey",
    "DistributedVirtualSwitchHostMemberConfigInfo.maxProxySwitchPorts",
    "HostProxySwitch.configNumPorts",
    "HostProxySwitch.mtu",
    "HostProxySwitch.numPorts",
    "HostProxySwitch.numPortsAvailable",
    "InvalidArgument.faultstring",
    "InvalidLogin.faultstring",
    "PhysicalNic.spec",
    "PhysicalNic.wakeOnLanSupported",
    "ServiceContent.authorizationManager",
    "ServiceContent.inventedFutureManager",
    "ServiceContent.setting",
    "VMwareDVSConfigInfo.contact",
    "VMwareDVSConfigInfo.createTime",
    "VMwareDVSConfigInfo.defaultPortConfig",
    "VMwareDVSConfigInfo.lacpApiVersion",
    "VMwareDVSConfigInfo.maxMtu",
    "VMwareDVSConfigInfo.maxPorts",
    "VMwareDVSConfigInfo.multicastFilteringMode",
    "VMwareDVSConfigInfo.networkResourceManagementEnabled",
    "VMwareDVSConfigInfo.numPorts",
    "VMwareDVSConfigInfo.numStandalonePorts",
    "VMwareDVSConfigInfo.productInfo",
    "VMwareDVSConfigInfo.uplinkPortgroup",
    "VMwareDVSFeatureCapability.lldpSupported",
    "VMwareDVSFeatureCapability.networkResourceManagementSupported",
];

fn check_request(fixture: &Fixture) {
    let body = &fixture.request;
    match fixture.operation.as_str() {
        "HostNetworkSystem_startDpuFailover" => round_trip::<vim::StartDpuFailoverRequest>(fixture, body),
        "PropertyCollector_RetrievePropertiesEx" => {
            round_trip::<vim::RetrievePropertiesExRequest>(fixture, body)
        }
        "PropertyCollector_ContinueRetrievePropertiesEx" => {
            round_trip::<vim::ContinueRetrievePropertiesExRequest>(fixture, body);
        }
        "SessionManager_Login" => round_trip::<vim::LoginRequest>(fixture, body),
        other => panic!("{}: no type for the body of {other}", fixture.path.display()),
    }
}

fn check_answer(fixture: &Fixture) {
    let body = &fixture.answer;
    match fixture.result.as_str() {
        "MethodFault" => round_trip::<Fault>(fixture, body),
        "ServiceContent" => round_trip::<vim::ServiceContent>(fixture, body),
        "UserSession" => round_trip::<vim::UserSession>(fixture, body),
        "RetrieveResult" => round_trip::<vim::RetrieveResult>(fixture, body),
        "TaskInfo" => round_trip::<vim::TaskInfo>(fixture, body),
        other => panic!("{}: no type for the answer {other}", fixture.path.display()),
    }
}

fn checks() -> Checks {
    Checks::default()
        .of::<vim::AboutInfo>()
        .of::<vim::DVSNameArrayUplinkPortPolicy>()
        .of::<vim::DistributedVirtualSwitchHostMember>()
        .of::<vim::DistributedVirtualSwitchHostMemberConfigInfo>()
        .of::<vim::DistributedVirtualSwitchHostMemberHostUplinkState>()
        .of::<vim::DistributedVirtualSwitchHostMemberPnicBacking>()
        .of::<vim::DistributedVirtualSwitchHostMemberPnicSpec>()
        .of::<vim::DpuStatusInfo>()
        .of::<vim::DpuStatusInfoOperationalInfo>()
        .of::<vim::DynamicProperty>()
        .of::<vim::ElementDescription>()
        .of::<vim::HostMemberRuntimeInfo>()
        .of::<vim::HostPartialMaintenanceModeRuntimeInfo>()
        .of::<vim::HostProxySwitch>()
        .of::<vim::HostProxySwitchSpec>()
        .of::<vim::InvalidArgument>()
        .of::<vim::InvalidLogin>()
        .of::<vim::InvalidProperty>()
        .of::<vim::KeyValue>()
        .of::<vim::MethodDisabled>()
        .of::<vim::MissingProperty>()
        .of::<vim::NoPermission>()
        .of::<vim::NotAuthenticated>()
        .of::<vim::ObjectContent>()
        .of::<vim::ObjectSpec>()
        .of::<vim::PhysicalNic>()
        .of::<vim::PhysicalNicLinkInfo>()
        .of::<vim::PropertyFilterSpec>()
        .of::<vim::PropertySpec>()
        .of::<vim::RetrieveOptions>()
        .of::<vim::RetrieveResult>()
        .of::<vim::ServiceContent>()
        .of::<vim::TaskInfo>()
        .of::<vim::UserSession>()
        .of::<vim::VMwareDVSConfigInfo>()
        .of::<vim::VMwareDVSFeatureCapability>()
        .of::<vim::VMwareDvsDpuCapability>()
        .of::<vim::VmwareDistributedVirtualSwitchDpuFailoverPolicy>()
        .of::<vim::VmwareDistributedVirtualSwitchNetworkOffloadConfig>()
        .of::<LocalizableMessage>()
        .of::<ManagedObjectReference>()
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
