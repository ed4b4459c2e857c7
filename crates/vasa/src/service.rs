//! The managed objects of the storage monitoring service, with their plain methods: one call each, as the API names it.

use farside_models_sms::operation::{
    SMS_PROVIDER_QUERY_PROVIDER_INFO, SMS_SERVICE_INSTANCE_QUERY_ABOUT_INFO,
    SMS_SERVICE_INSTANCE_QUERY_SESSION_MANAGER, SMS_SERVICE_INSTANCE_QUERY_STORAGE_MANAGER,
    SMS_STORAGE_MANAGER_QUERY_ARRAY, SMS_STORAGE_MANAGER_QUERY_ARRAY_ASSOCIATED_WITH_LUN,
    SMS_STORAGE_MANAGER_QUERY_ASSOCIATED_BACKING_STORAGE_POOL,
    SMS_STORAGE_MANAGER_QUERY_DATASTORE_BACKING_POOL_MAPPING, SMS_STORAGE_MANAGER_QUERY_DATASTORE_CAPABILITY,
    SMS_STORAGE_MANAGER_QUERY_DRS_MIGRATION_CAPABILITY_FOR_PERFORMANCE,
    SMS_STORAGE_MANAGER_QUERY_DRS_MIGRATION_CAPABILITY_FOR_PERFORMANCE_EX,
    SMS_STORAGE_MANAGER_QUERY_FAULT_DOMAIN, SMS_STORAGE_MANAGER_QUERY_FILE_SYSTEM_ASSOCIATED_WITH_ARRAY,
    SMS_STORAGE_MANAGER_QUERY_HOST_ASSOCIATED_WITH_LUN, SMS_STORAGE_MANAGER_QUERY_LUN_ASSOCIATED_WITH_ARRAY,
    SMS_STORAGE_MANAGER_QUERY_LUN_ASSOCIATED_WITH_PORT,
    SMS_STORAGE_MANAGER_QUERY_NFS_DATASTORE_ASSOCIATED_WITH_FILE_SYSTEM,
    SMS_STORAGE_MANAGER_QUERY_PORT_ASSOCIATED_WITH_ARRAY, SMS_STORAGE_MANAGER_QUERY_PORT_ASSOCIATED_WITH_LUN,
    SMS_STORAGE_MANAGER_QUERY_PORT_ASSOCIATED_WITH_PROCESSOR,
    SMS_STORAGE_MANAGER_QUERY_PROCESSOR_ASSOCIATED_WITH_ARRAY, SMS_STORAGE_MANAGER_QUERY_PROVIDER,
    SMS_STORAGE_MANAGER_QUERY_REPLICATION_GROUP_INFO, SMS_STORAGE_MANAGER_QUERY_STORAGE_CONTAINER,
    SMS_STORAGE_MANAGER_QUERY_VMFS_DATASTORE_ASSOCIATED_WITH_LUN, SMS_STORAGE_MANAGER_REGISTER_PROVIDER_TASK,
    SMS_STORAGE_MANAGER_SMS_REFRESH_CA_CERTIFICATES_AND_CR_LS_TASK,
    SMS_STORAGE_MANAGER_UNREGISTER_PROVIDER_TASK, SMS_STORAGE_MANAGER_UPGRADE_VASA_PROVIDER_TASK,
    VASA_PROVIDER_QUERY_ACTIVE_ALARM, VASA_PROVIDER_QUERY_POINT_IN_TIME_REPLICA,
    VASA_PROVIDER_QUERY_PROVIDER_INFO, VASA_PROVIDER_QUERY_REPLICATION_GROUP,
    VASA_PROVIDER_QUERY_REPLICATION_PEER, VASA_PROVIDER_VASA_PROVIDER_RECONNECT_TASK,
    VASA_PROVIDER_VASA_PROVIDER_REFRESH_CERTIFICATE_TASK,
    VASA_PROVIDER_VASA_PROVIDER_REVOKE_CERTIFICATE_TASK, VASA_PROVIDER_VASA_PROVIDER_SYNC_TASK,
};
use farside_models_sms::{
    AlarmResult, BackingStoragePool, DatastoreBackingPoolMapping, DrsMigrationCapabilityResult,
    GroupOperationResult, QueryActiveAlarmRequest, QueryArrayAssociatedWithLunRequest, QueryArrayRequest,
    QueryAssociatedBackingStoragePoolRequest, QueryDatastoreBackingPoolMappingRequest,
    QueryDatastoreCapabilityRequest, QueryDrsMigrationCapabilityForPerformanceExRequest,
    QueryDrsMigrationCapabilityForPerformanceRequest, QueryFaultDomainRequest,
    QueryFileSystemAssociatedWithArrayRequest, QueryHostAssociatedWithLunRequest,
    QueryLunAssociatedWithArrayRequest, QueryLunAssociatedWithPortRequest,
    QueryNfsDatastoreAssociatedWithFileSystemRequest, QueryPointInTimeReplicaRequest,
    QueryPortAssociatedWithArrayRequest, QueryPortAssociatedWithLunRequest,
    QueryPortAssociatedWithProcessorRequest, QueryProcessorAssociatedWithArrayRequest,
    QueryReplicationGroupInfoRequest, QueryReplicationGroupRequest, QueryReplicationPeerRequest,
    QueryReplicationPeerResult, QueryStorageContainerRequest, QueryVmfsDatastoreAssociatedWithLunRequest,
    RegisterProviderRequest, SmsAboutInfo, SmsProviderInfo, SmsRefreshCACertificatesAndCRLsRequest,
    StorageArray, StorageCapability, StorageContainerResult, StorageFileSystem, StorageLun, StoragePort,
    StorageProcessor, UnregisterProviderRequest, UpgradeVASAProviderRequest, VasaProviderSyncRequest,
};
use farside_models_vim::FaultDomainId;
use farside_vim::{no_result, result_of};
use farside_wire::{ManagedObjectReference, Object};

use crate::task::tasks;

/// The well-known id of the roots of SMS and of PBM (VI JSON wire rules 11.1, vVol recovery rules 2.1.3).
pub(crate) const ROOT: &str = "ServiceInstance";

farside_vim::managed_object! {
    /// The root of the storage monitoring service of a vCenter.
    pub struct SmsServiceInstance = "SmsServiceInstance";
    /// The storage manager of a vCenter: registered providers, and what they report about their arrays.
    ///
    /// It answers from what vCenter knows of the arrays. Ids of providers in requests are their `uid`s.
    pub struct SmsStorageManager = "SmsStorageManager";
    /// A provider of any kind.
    pub struct SmsProvider = "SmsProvider";
    /// A VASA provider. What changes groups is [`VasaClient::start`](crate::VasaClient::start).
    pub struct VasaProvider = "VasaProvider";
}

farside_vim::methods! {
    SmsServiceInstance {
        /// Reads name and version of the service.
        read about() -> value SmsAboutInfo = SMS_SERVICE_INSTANCE_QUERY_ABOUT_INFO;
        /// Reads which object is the session manager. It has no operations: the session is that of vCenter. Needs no session.
        read session_manager() -> value ManagedObjectReference = SMS_SERVICE_INSTANCE_QUERY_SESSION_MANAGER;
        /// Reads which object is the storage manager.
        read storage_manager() -> value ManagedObjectReference = SMS_SERVICE_INSTANCE_QUERY_STORAGE_MANAGER;
    }
}

farside_vim::methods! {
    SmsStorageManager {
        /// Reads which providers are registered. Those of the type `VasaProvider` take replication calls.
        read providers() -> list ManagedObjectReference = SMS_STORAGE_MANAGER_QUERY_PROVIDER;
        /// Reads the arrays that providers report, all or those of the providers named.
        read arrays(request: &QueryArrayRequest) -> list StorageArray = SMS_STORAGE_MANAGER_QUERY_ARRAY;
        /// Reads the fault domains that are known, all or those of one provider; as `FaultDomainInfo` where more than the id is
        /// known.
        read fault_domains(request: &QueryFaultDomainRequest) -> list Object<FaultDomainId> = SMS_STORAGE_MANAGER_QUERY_FAULT_DOMAIN;
        /// Reads groups without naming their provider, as [`VasaProvider::replication_groups`] does.
        read replication_groups(request: &QueryReplicationGroupInfoRequest) -> list Object<GroupOperationResult> = SMS_STORAGE_MANAGER_QUERY_REPLICATION_GROUP_INFO;
        /// Reads the storage containers of virtual volumes, and the providers that report them.
        read storage_containers(request: &QueryStorageContainerRequest) -> optional StorageContainerResult = SMS_STORAGE_MANAGER_QUERY_STORAGE_CONTAINER;
        /// Reads the controllers of an array.
        read processors(request: &QueryProcessorAssociatedWithArrayRequest) -> list StorageProcessor = SMS_STORAGE_MANAGER_QUERY_PROCESSOR_ASSOCIATED_WITH_ARRAY;
        /// Reads the ports of an array, each as the subtype of its kind.
        read ports(request: &QueryPortAssociatedWithArrayRequest) -> list Object<StoragePort> = SMS_STORAGE_MANAGER_QUERY_PORT_ASSOCIATED_WITH_ARRAY;
        /// Reads the ports of a controller.
        read ports_of_processor(request: &QueryPortAssociatedWithProcessorRequest) -> list Object<StoragePort> = SMS_STORAGE_MANAGER_QUERY_PORT_ASSOCIATED_WITH_PROCESSOR;
        /// Reads the port of a LUN.
        read port_of_lun(request: &QueryPortAssociatedWithLunRequest) -> optional Object<StoragePort> = SMS_STORAGE_MANAGER_QUERY_PORT_ASSOCIATED_WITH_LUN;
        /// Reads the LUNs of an array; sizes are in MiB.
        read luns(request: &QueryLunAssociatedWithArrayRequest) -> list StorageLun = SMS_STORAGE_MANAGER_QUERY_LUN_ASSOCIATED_WITH_ARRAY;
        /// Reads the LUNs behind a port; sizes are in MiB.
        read luns_of_port(request: &QueryLunAssociatedWithPortRequest) -> list StorageLun = SMS_STORAGE_MANAGER_QUERY_LUN_ASSOCIATED_WITH_PORT;
        /// Reads the array that a LUN is on, by the name that hosts have for it.
        read array_of_lun(request: &QueryArrayAssociatedWithLunRequest) -> optional StorageArray = SMS_STORAGE_MANAGER_QUERY_ARRAY_ASSOCIATED_WITH_LUN;
        /// Reads the hosts that see a LUN.
        read hosts_of_lun(request: &QueryHostAssociatedWithLunRequest) -> list ManagedObjectReference = SMS_STORAGE_MANAGER_QUERY_HOST_ASSOCIATED_WITH_LUN;
        /// Reads the VMFS datastore on a LUN.
        read datastore_of_lun(request: &QueryVmfsDatastoreAssociatedWithLunRequest) -> optional ManagedObjectReference = SMS_STORAGE_MANAGER_QUERY_VMFS_DATASTORE_ASSOCIATED_WITH_LUN;
        /// Reads the file systems of an array.
        read file_systems(request: &QueryFileSystemAssociatedWithArrayRequest) -> list StorageFileSystem = SMS_STORAGE_MANAGER_QUERY_FILE_SYSTEM_ASSOCIATED_WITH_ARRAY;
        /// Reads the NFS datastore on a file system.
        read datastore_of_file_system(request: &QueryNfsDatastoreAssociatedWithFileSystemRequest) -> optional ManagedObjectReference = SMS_STORAGE_MANAGER_QUERY_NFS_DATASTORE_ASSOCIATED_WITH_FILE_SYSTEM;
        /// Reads the storage pools behind a LUN or a file system, or all of them; sizes are in MiB.
        read backing_pools(request: &QueryAssociatedBackingStoragePoolRequest) -> list BackingStoragePool = SMS_STORAGE_MANAGER_QUERY_ASSOCIATED_BACKING_STORAGE_POOL;
        /// Reads which of the datastores share storage pools.
        read pools_of_datastores(request: &QueryDatastoreBackingPoolMappingRequest) -> list DatastoreBackingPoolMapping = SMS_STORAGE_MANAGER_QUERY_DATASTORE_BACKING_POOL_MAPPING;
        /// Reads the capability of a datastore.
        read capability(request: &QueryDatastoreCapabilityRequest) -> optional StorageCapability = SMS_STORAGE_MANAGER_QUERY_DATASTORE_CAPABILITY;
        /// Reads whether moving virtual machines between two datastores would be of use for their speed.
        read gains_by_move(request: &QueryDrsMigrationCapabilityForPerformanceRequest) -> value bool = SMS_STORAGE_MANAGER_QUERY_DRS_MIGRATION_CAPABILITY_FOR_PERFORMANCE;
        /// Reads the same for each pair of several datastores.
        read gains_by_moves(request: &QueryDrsMigrationCapabilityForPerformanceExRequest) -> value DrsMigrationCapabilityResult = SMS_STORAGE_MANAGER_QUERY_DRS_MIGRATION_CAPABILITY_FOR_PERFORMANCE_EX;
    }
}

tasks! {
    SmsStorageManager {
        /// Registers a provider, as `VasaProviderSpec`; the result is a reference to it.
        ///
        /// `CertificateNotTrusted` holds the provider's certificate. Whoever trusts it sends it along in a second call.
        register_provider(request: &RegisterProviderRequest) -> ManagedObjectReference, result_of, = SMS_STORAGE_MANAGER_REGISTER_PROVIDER_TASK;
        /// Takes a provider out of this vCenter. Its groups stay as they are; they can no longer be asked for here.
        unregister_provider(request: &UnregisterProviderRequest) -> (), no_result, = SMS_STORAGE_MANAGER_UNREGISTER_PROVIDER_TASK;
        /// Upgrades the registration of a provider; the result is a reference to it. Not before release 8.0.1.0.
        upgrade_provider(request: &UpgradeVASAProviderRequest) -> ManagedObjectReference, result_of, = SMS_STORAGE_MANAGER_UPGRADE_VASA_PROVIDER_TASK;
        /// Sends certificates of authorities and revocation lists to the providers named, or to all.
        refresh_authorities(request: &SmsRefreshCACertificatesAndCRLsRequest) -> (), no_result, = SMS_STORAGE_MANAGER_SMS_REFRESH_CA_CERTIFICATES_AND_CR_LS_TASK;
    }
}

farside_vim::methods! {
    SmsProvider {
        /// Reads what the provider says about itself; of a VASA provider that is `VasaProviderInfo`.
        read info() -> value Object<SmsProviderInfo> = SMS_PROVIDER_QUERY_PROVIDER_INFO;
    }
}

farside_vim::methods! {
    VasaProvider {
        /// Reads what the provider says about itself; of a VASA provider that is `VasaProviderInfo`.
        read info() -> value Object<SmsProviderInfo> = VASA_PROVIDER_QUERY_PROVIDER_INFO;
        /// Reads groups, one entry for each that is asked for; all of the provider without ids, and then perhaps ids alone.
        /// [`VasaClient::groups`](crate::VasaClient::groups) reads the entries, and keeps to what the provider takes at once.
        read replication_groups(request: &QueryReplicationGroupRequest) -> list Object<GroupOperationResult> = VASA_PROVIDER_QUERY_REPLICATION_GROUP;
        /// Reads which fault domains replicate to which, of those asked for or of all.
        read replication_peers(request: &QueryReplicationPeerRequest) -> list QueryReplicationPeerResult = VASA_PROVIDER_QUERY_REPLICATION_PEER;
        /// Reads the points in time of groups, one entry for each. Sent to the target side.
        read point_in_time_replicas(request: &QueryPointInTimeReplicaRequest) -> list Object<GroupOperationResult> = VASA_PROVIDER_QUERY_POINT_IN_TIME_REPLICA;
        /// Reads one page of the alarms that are active; [`VasaClient::alarms`](crate::VasaClient::alarms) reads all.
        read active_alarms(request: &QueryActiveAlarmRequest) -> optional AlarmResult = VASA_PROVIDER_QUERY_ACTIVE_ALARM;
    }
}

tasks! {
    VasaProvider {
        /// Lets vCenter read everything anew from the provider, or what belongs to one array. Groups are not synchronised by it.
        sync(request: &VasaProviderSyncRequest) -> (), no_result, = VASA_PROVIDER_VASA_PROVIDER_SYNC_TASK;
        /// Connects to the provider again.
        reconnect() -> (), no_result, = VASA_PROVIDER_VASA_PROVIDER_RECONNECT_TASK;
        /// Renews the certificate that vCenter issued to the provider.
        refresh_certificate() -> (), no_result, = VASA_PROVIDER_VASA_PROVIDER_REFRESH_CERTIFICATE_TASK;
        /// Revokes the certificate that vCenter issued to the provider, which cannot be called with it any more.
        revoke_certificate() -> (), no_result, = VASA_PROVIDER_VASA_PROVIDER_REVOKE_CERTIFICATE_TASK;
    }
}
