//! The operations of SMS, and what kind of work each is.

use super::chore::Errand;
use super::group::Verb;
use crate::exchange::Request;
use crate::vi_json::request::{self, Path};

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// It reads, and needs no session.
    Open,
    /// It reads.
    Reads,
    /// It changes groups.
    Changes(Verb),
    /// It changes what vCenter knows of a provider.
    Manages(Errand),
}

/// All operations.
static OPERATIONS: &[(&str, Known)] = &[
    ("SmsServiceInstance_QueryAboutInfo", Known::Reads),
    ("SmsServiceInstance_QuerySessionManager", Known::Open),
    ("SmsServiceInstance_QueryStorageManager", Known::Reads),
    ("SmsStorageManager_QueryArray", Known::Reads),
    ("SmsStorageManager_QueryArrayAssociatedWithLun", Known::Reads),
    (
        "SmsStorageManager_QueryAssociatedBackingStoragePool",
        Known::Reads,
    ),
    ("SmsStorageManager_QueryDatastoreBackingPoolMapping", Known::Reads),
    ("SmsStorageManager_QueryDatastoreCapability", Known::Reads),
    (
        "SmsStorageManager_QueryDrsMigrationCapabilityForPerformance",
        Known::Reads,
    ),
    (
        "SmsStorageManager_QueryDrsMigrationCapabilityForPerformanceEx",
        Known::Reads,
    ),
    ("SmsStorageManager_QueryFaultDomain", Known::Reads),
    (
        "SmsStorageManager_QueryFileSystemAssociatedWithArray",
        Known::Reads,
    ),
    ("SmsStorageManager_QueryHostAssociatedWithLun", Known::Reads),
    ("SmsStorageManager_QueryLunAssociatedWithArray", Known::Reads),
    ("SmsStorageManager_QueryLunAssociatedWithPort", Known::Reads),
    (
        "SmsStorageManager_QueryNfsDatastoreAssociatedWithFileSystem",
        Known::Reads,
    ),
    ("SmsStorageManager_QueryPortAssociatedWithArray", Known::Reads),
    ("SmsStorageManager_QueryPortAssociatedWithLun", Known::Reads),
    ("SmsStorageManager_QueryPortAssociatedWithProcessor", Known::Reads),
    (
        "SmsStorageManager_QueryProcessorAssociatedWithArray",
        Known::Reads,
    ),
    ("SmsStorageManager_QueryProvider", Known::Reads),
    ("SmsStorageManager_QueryReplicationGroupInfo", Known::Reads),
    ("SmsStorageManager_QueryStorageContainer", Known::Reads),
    (
        "SmsStorageManager_QueryVmfsDatastoreAssociatedWithLun",
        Known::Reads,
    ),
    (
        "SmsStorageManager_RegisterProvider_Task",
        Known::Manages(Errand::Register),
    ),
    (
        "SmsStorageManager_SmsRefreshCACertificatesAndCRLs_Task",
        Known::Manages(Errand::RefreshAuthorities),
    ),
    (
        "SmsStorageManager_UnregisterProvider_Task",
        Known::Manages(Errand::Unregister),
    ),
    (
        "SmsStorageManager_UpgradeVASAProvider_Task",
        Known::Manages(Errand::Upgrade),
    ),
    ("SmsProvider_QueryProviderInfo", Known::Reads),
    (
        "VasaProvider_FailoverReplicationGroup_Task",
        Known::Changes(Verb::Failover),
    ),
    (
        "VasaProvider_PrepareFailoverReplicationGroup_Task",
        Known::Changes(Verb::Prepare),
    ),
    (
        "VasaProvider_PromoteReplicationGroup_Task",
        Known::Changes(Verb::Promote),
    ),
    ("VasaProvider_QueryActiveAlarm", Known::Reads),
    ("VasaProvider_QueryPointInTimeReplica", Known::Reads),
    ("VasaProvider_QueryProviderInfo", Known::Reads),
    ("VasaProvider_QueryReplicationGroup", Known::Reads),
    ("VasaProvider_QueryReplicationPeer", Known::Reads),
    (
        "VasaProvider_ReverseReplicateGroup_Task",
        Known::Changes(Verb::Reverse),
    ),
    (
        "VasaProvider_SyncReplicationGroup_Task",
        Known::Changes(Verb::Sync),
    ),
    (
        "VasaProvider_TestFailoverReplicationGroupStart_Task",
        Known::Changes(Verb::TestStart),
    ),
    (
        "VasaProvider_TestFailoverReplicationGroupStop_Task",
        Known::Changes(Verb::TestStop),
    ),
    (
        "VasaProvider_VasaProviderReconnect_Task",
        Known::Manages(Errand::Reconnect),
    ),
    (
        "VasaProvider_VasaProviderRefreshCertificate_Task",
        Known::Manages(Errand::RefreshCertificate),
    ),
    (
        "VasaProvider_VasaProviderRevokeCertificate_Task",
        Known::Manages(Errand::RevokeCertificate),
    ),
    ("VasaProvider_VasaProviderSync_Task", Known::Manages(Errand::Sync)),
    ("SmsTask_QuerySmsTaskInfo", Known::Reads),
    ("SmsTask_QuerySmsTaskResult", Known::Reads),
];

/// The operations that are routed.
pub(crate) fn routed() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|(operation, _)| *operation)
}

/// The operation that a request calls, by its id.
pub(super) fn of(path: &Path, request: &Request) -> Option<(&'static str, Known)> {
    let fits = |id: &str| request::fits_method(request, false) && path.calls(request, id);
    OPERATIONS.iter().find(|(id, _)| fits(id)).copied()
}

/// The privilege that an operation needs.
pub(super) fn privilege(known: Option<Known>) -> &'static str {
    match known {
        Some(Known::Changes(_) | Known::Manages(_)) => "StorageViews.ConfigureService",
        Some(Known::Reads | Known::Open) | None => "StorageViews.View",
    }
}
