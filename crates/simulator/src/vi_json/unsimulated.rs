//! The operations of vim and PBM that the simulator does not know. Each is routed under its own name and answered with
//! `NotImplemented`.

/// Operations that need no session.
pub(super) static OPEN: &[&str] = &[
    "PbmServiceInstance_PbmRetrieveServiceContent",
    "PbmServiceInstance_getContent",
];

/// Operations that need a session.
pub(super) static GUARDED: &[&str] = &[
    "FailoverClusterManager_GetVchaClusterHealth",
    "FailoverClusterManager_getClusterMode",
    "FailoverClusterManager_initiateFailover_Task",
    "FailoverClusterManager_setClusterMode_Task",
    "FailoverClusterManager_getDisabledClusterMethod",
    "FailoverClusterConfigurator_configureVcha_Task",
    "FailoverClusterConfigurator_createPassiveNode_Task",
    "FailoverClusterConfigurator_createWitnessNode_Task",
    "FailoverClusterConfigurator_deployVcha_Task",
    "FailoverClusterConfigurator_destroyVcha_Task",
    "FailoverClusterConfigurator_getVchaConfig",
    "FailoverClusterConfigurator_prepareVcha_Task",
    "FailoverClusterConfigurator_getDisabledConfigureMethod",
    "PbmReplicationManager_PbmQueryReplicationGroups",
    "PbmProfileProfileManager_PbmQueryAssociatedProfile",
    "PbmProfileProfileManager_PbmQueryAssociatedProfiles",
    "PbmProfileProfileManager_PbmQueryAssociatedEntity",
    "PbmProfileProfileManager_PbmQueryAssociatedEntities",
    "PbmProfileProfileManager_PbmQueryProfile",
    "PbmProfileProfileManager_PbmRetrieveContent",
    "ManagedEntity_Rename_Task",
    "Folder_RegisterVM_Task",
    "Folder_CreateFolder",
    "Datacenter_PowerOnMultiVM_Task",
    "VirtualMachine_PowerOnVM_Task",
    "VirtualMachine_PowerOffVM_Task",
    "VirtualMachine_ShutdownGuest",
    "VirtualMachine_UnregisterVM",
    "VirtualMachine_ReconfigVM_Task",
    "VirtualMachine_AnswerVM",
    "VirtualMachine_Destroy_Task",
    "VirtualMachine_getRuntime",
    "VirtualMachine_getGuest",
    "VirtualMachine_getSummary",
    "VirtualMachine_getConfig",
    "HostSystem_getSummary",
    "Datastore_UpdateVVolVirtualMachineFiles_Task",
    "Datastore_getSummary",
    "Network_getSummary",
    "DistributedVirtualSwitch_ReconfigureDvs_Task",
];
