//! Handles of the inventory with their plain methods: what a recovery reads and changes beside virtual machines.

use farside_models_vim::operation::{
    HOST_SYSTEM_GET_RUNTIME, HOST_SYSTEM_GET_SUMMARY, MANAGED_ENTITY_RENAME_TASK, NETWORK_GET_SUMMARY,
};
use farside_models_vim::{HostListSummary, HostRuntimeInfo, NetworkSummary, RenameRequest};
use farside_wire::{ManagedObjectReference, Object};

use crate::object::ManagedObject;
use crate::path::PropertyPath;

crate::managed_object! {
    /// Anything that has a name and a place in the inventory.
    pub struct ManagedEntity = "ManagedEntity";
    /// A network of any kind. A handle that is made of a reference keeps its type, which may be
    /// `DistributedVirtualPortgroup` or `OpaqueNetwork`.
    pub struct Network = "Network";
    /// A host.
    pub struct HostSystem = "HostSystem";
}

impl ManagedEntity {
    /// Its name, with `/`, `\` and `%` written `%2f`, `%5c` and `%25`.
    pub const NAME: PropertyPath<ManagedEntity, String> = PropertyPath::new("name");
    /// What it lies in.
    pub const PARENT: PropertyPath<ManagedEntity, ManagedObjectReference> = PropertyPath::new("parent");

    /// The entity that another handle is of. Nothing is sent.
    #[must_use]
    pub fn of_object(object: &impl ManagedObject) -> Self {
        object.client().object(object.id())
    }
}

crate::methods! {
    ManagedEntity {
        /// Gives the object another name and nothing else; the files of a machine keep theirs. The task that it starts has
        /// no result.
        act rename(request: &RenameRequest) -> task = MANAGED_ENTITY_RENAME_TASK;
    }
}

crate::methods! {
    Network {
        /// Reads its main facts; `OpaqueNetworkSummary` for a network that somebody else manages.
        read summary() -> value Object<NetworkSummary> = NETWORK_GET_SUMMARY;
    }
}

crate::methods! {
    HostSystem {
        /// Reads its state: connection, power, maintenance. Of a host that is not connected it is the last that was known.
        read runtime() -> value HostRuntimeInfo = HOST_SYSTEM_GET_RUNTIME;
        /// Reads its main facts in one: state, hardware, product, load.
        read summary() -> value HostListSummary = HOST_SYSTEM_GET_SUMMARY;
    }
}
