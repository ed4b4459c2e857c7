//! The handle of distributed switches with its plain methods.

use farside_models_vim::operation::{
    DISTRIBUTED_VIRTUAL_SWITCH_GET_CONFIG, DISTRIBUTED_VIRTUAL_SWITCH_GET_RUNTIME,
    DISTRIBUTED_VIRTUAL_SWITCH_RECONFIGURE_DVS_TASK,
};
use farside_models_vim::{DVSConfigInfo, DVSRuntimeInfo, ReconfigureDvsRequest};
use farside_wire::Object;

use crate::path::PropertyPath;

crate::managed_object! {
    /// A distributed switch.
    pub struct DistributedVirtualSwitch = "DistributedVirtualSwitch";
}

impl DistributedVirtualSwitch {
    /// Its uuid, by which cards name it.
    pub const UUID: PropertyPath<DistributedVirtualSwitch, String> = PropertyPath::new("uuid");
}

crate::methods! {
    DistributedVirtualSwitch {
        /// Changes the switch on all its hosts. Send the `configVersion` that was read. Of hosts that did not take the change
        /// while others did, the task's fault is `DvsOperationBulkFault`.
        act reconfigure(request: &ReconfigureDvsRequest) -> task = DISTRIBUTED_VIRTUAL_SWITCH_RECONFIGURE_DVS_TASK;
        /// Reads its configuration; `VMwareDVSConfigInfo` where it uses DPUs.
        read config() -> value Object<DVSConfigInfo> = DISTRIBUTED_VIRTUAL_SWITCH_GET_CONFIG;
        /// Reads what vCenter knows of its hosts, which lags behind what they know themselves; `None` while nothing is known.
        read runtime() -> optional DVSRuntimeInfo = DISTRIBUTED_VIRTUAL_SWITCH_GET_RUNTIME;
    }
}
