//! The operations of vim that the simulator does not know. Each is routed under its own name and answered with
//! `NotImplemented`.

/// These operations; each needs a session.
pub(super) static GUARDED: &[&str] = &[
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
