//! The operations of SMS that the simulator does not know. Each is routed under its own name and answered with
//! `NotImplemented`.

/// Operations that need no session.
pub(super) static OPEN: &[&str] = &["SmsServiceInstance_QuerySessionManager"];

/// Operations that need a session.
pub(super) static GUARDED: &[&str] = &[
    "SmsStorageManager_QueryArray",
    "SmsStorageManager_QueryArrayAssociatedWithLun",
    "SmsStorageManager_QueryAssociatedBackingStoragePool",
    "SmsStorageManager_QueryDatastoreBackingPoolMapping",
    "SmsStorageManager_QueryDatastoreCapability",
    "SmsStorageManager_QueryDrsMigrationCapabilityForPerformance",
    "SmsStorageManager_QueryDrsMigrationCapabilityForPerformanceEx",
    "SmsStorageManager_QueryFaultDomain",
    "SmsStorageManager_QueryFileSystemAssociatedWithArray",
    "SmsStorageManager_QueryHostAssociatedWithLun",
    "SmsStorageManager_QueryLunAssociatedWithArray",
    "SmsStorageManager_QueryLunAssociatedWithPort",
    "SmsStorageManager_QueryNfsDatastoreAssociatedWithFileSystem",
    "SmsStorageManager_QueryPortAssociatedWithArray",
    "SmsStorageManager_QueryPortAssociatedWithLun",
    "SmsStorageManager_QueryPortAssociatedWithProcessor",
    "SmsStorageManager_QueryProcessorAssociatedWithArray",
    "SmsStorageManager_QueryReplicationGroupInfo",
    "SmsStorageManager_QueryStorageContainer",
    "SmsStorageManager_QueryVmfsDatastoreAssociatedWithLun",
    "SmsStorageManager_RegisterProvider_Task",
    "SmsStorageManager_SmsRefreshCACertificatesAndCRLs_Task",
    "SmsStorageManager_UnregisterProvider_Task",
    "SmsStorageManager_UpgradeVASAProvider_Task",
    "VasaProvider_PromoteReplicationGroup_Task",
    "VasaProvider_QueryActiveAlarm",
    "VasaProvider_VasaProviderReconnect_Task",
    "VasaProvider_VasaProviderRefreshCertificate_Task",
    "VasaProvider_VasaProviderRevokeCertificate_Task",
    "VasaProvider_VasaProviderSync_Task",
];
