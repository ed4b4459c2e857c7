//! Policy-based management (PBM): which policies and replication groups virtual machines and their disks have.

use std::collections::{BTreeMap, BTreeSet};

use farside_models_pbm::operation::{
    PBM_PROFILE_PROFILE_MANAGER_PBM_QUERY_ASSOCIATED_ENTITIES,
    PBM_PROFILE_PROFILE_MANAGER_PBM_QUERY_ASSOCIATED_ENTITY,
    PBM_PROFILE_PROFILE_MANAGER_PBM_QUERY_ASSOCIATED_PROFILE,
    PBM_PROFILE_PROFILE_MANAGER_PBM_QUERY_ASSOCIATED_PROFILES, PBM_PROFILE_PROFILE_MANAGER_PBM_QUERY_PROFILE,
    PBM_PROFILE_PROFILE_MANAGER_PBM_RETRIEVE_CONTENT, PBM_REPLICATION_MANAGER_PBM_QUERY_REPLICATION_GROUPS,
    PBM_SERVICE_INSTANCE_GET_CONTENT, PBM_SERVICE_INSTANCE_PBM_RETRIEVE_SERVICE_CONTENT,
};
use farside_models_pbm::{
    PbmProfile, PbmProfileId, PbmQueryAssociatedEntitiesRequest, PbmQueryAssociatedEntityRequest,
    PbmQueryAssociatedProfileRequest, PbmQueryAssociatedProfilesRequest, PbmQueryProfileRequest,
    PbmQueryProfileResult, PbmQueryReplicationGroupResult, PbmQueryReplicationGroupsRequest,
    PbmRetrieveContentRequest, PbmServerObjectRef, PbmServiceInstanceContent,
};
use farside_transport::CallError;
use farside_vim::ManagedObject as _;
use farside_wire::{Fault, ManagedObjectReference, Object};

use crate::client::VasaClient;
use crate::id::GroupId;
use crate::service::ROOT;

/// Machines in one question about groups.
const MACHINES_PER_QUERY: usize = 100;

farside_vim::managed_object! {
    /// The root of policy-based management of a vCenter.
    pub struct PbmServiceInstance = "PbmServiceInstance";
    /// What knows the replication groups of entities. Not before release 6.5.
    pub struct PbmReplicationManager = "PbmReplicationManager";
    /// What knows the storage profiles.
    pub struct PbmProfileManager = "PbmProfileProfileManager";
}

farside_vim::methods! {
    PbmServiceInstance {
        /// Reads which objects are the managers. Needs no session.
        read content() -> value PbmServiceInstanceContent = PBM_SERVICE_INSTANCE_GET_CONTENT;
        /// Reads the same by a method call.
        read retrieve_content() -> value PbmServiceInstanceContent = PBM_SERVICE_INSTANCE_PBM_RETRIEVE_SERVICE_CONTENT;
    }
}

farside_vim::methods! {
    PbmReplicationManager {
        /// Reads the groups of entities; at least one has to be named. [`VasaClient::groups_of_vms`] reads the entries.
        read replication_groups(request: &PbmQueryReplicationGroupsRequest) -> list PbmQueryReplicationGroupResult = PBM_REPLICATION_MANAGER_PBM_QUERY_REPLICATION_GROUPS;
    }
}

farside_vim::methods! {
    PbmProfileManager {
        /// Reads the ids of the profiles of one entity.
        read profiles_of_entity(request: &PbmQueryAssociatedProfileRequest) -> list PbmProfileId = PBM_PROFILE_PROFILE_MANAGER_PBM_QUERY_ASSOCIATED_PROFILE;
        /// Reads the ids of the profiles of entities, one entry for each.
        read profiles_of_entities(request: &PbmQueryAssociatedProfilesRequest) -> list PbmQueryProfileResult = PBM_PROFILE_PROFILE_MANAGER_PBM_QUERY_ASSOCIATED_PROFILES;
        /// Reads which entities have a profile, of one kind or of all.
        read entities_of_profile(request: &PbmQueryAssociatedEntityRequest) -> list PbmServerObjectRef = PBM_PROFILE_PROFILE_MANAGER_PBM_QUERY_ASSOCIATED_ENTITY;
        /// Reads which entities have which of some profiles, or of all.
        read entities_of_profiles(request: &PbmQueryAssociatedEntitiesRequest) -> list PbmQueryProfileResult = PBM_PROFILE_PROFILE_MANAGER_PBM_QUERY_ASSOCIATED_ENTITIES;
        /// Reads the ids of all profiles, of one category or of all.
        read profiles(request: &PbmQueryProfileRequest) -> list PbmProfileId = PBM_PROFILE_PROFILE_MANAGER_PBM_QUERY_PROFILE;
        /// Reads profiles by their ids, on the wire as `PbmCapabilityProfile` or a subtype of it.
        read profile_contents(request: &PbmRetrieveContentRequest) -> list Object<PbmProfile> = PBM_PROFILE_PROFILE_MANAGER_PBM_RETRIEVE_CONTENT;
    }
}

/// A part of a virtual machine that is replicated by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VmPart {
    /// What its configuration is in. Memory and snapshots follow it.
    Home,
    /// The disk with this device key.
    Disk(i32),
}

/// The replication groups of one virtual machine, as its policies name them at the source side.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct VmGroups {
    /// The virtual machine.
    pub vm: ManagedObjectReference,
    /// The group of each part; `None` for one that is not replicated.
    pub parts: BTreeMap<VmPart, Option<GroupId>>,
    /// Why parts cannot be told of.
    pub faults: Vec<Fault>,
}

impl VmGroups {
    /// All groups that hold a part. With more than one, all of them have to be failed over for the machine to work (vVol
    /// recovery rules 2.1.4, inferred).
    #[must_use]
    pub fn groups(&self) -> BTreeSet<&GroupId> {
        self.parts.values().flatten().collect()
    }
}

/// The parts of virtual machines by the group that holds them.
#[must_use]
pub fn parts_by_group(vms: &[VmGroups]) -> BTreeMap<GroupId, Vec<(ManagedObjectReference, VmPart)>> {
    let mut found: BTreeMap<GroupId, Vec<_>> = BTreeMap::new();
    for vm in vms {
        for (part, group) in &vm.parts {
            if let Some(group) = group {
                found
                    .entry(group.clone())
                    .or_default()
                    .push((vm.vm.clone(), *part));
            }
        }
    }
    found
}

impl VasaClient {
    /// The root of policy-based management. Nothing is sent.
    #[must_use]
    pub fn policies(&self) -> PbmServiceInstance {
        self.vim().object(ROOT)
    }

    /// What knows the storage profiles of this vCenter (`PbmServiceInstance.content`).
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn profile_manager(&self) -> Result<PbmProfileManager, CallError> {
        let content = self.policies().content().await?;
        Ok(PbmProfileManager::of(self.vim(), content.profile_manager))
    }

    /// What knows the replication groups of entities; `None` at a vCenter before release 6.5, which has none.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn replication_manager(&self) -> Result<Option<PbmReplicationManager>, CallError> {
        let content = self.policies().content().await?;
        let manager = content.replication_manager;
        Ok(manager.map(|manager| PbmReplicationManager::of(self.vim(), manager)))
    }

    /// The replication groups of virtual machines, part by part, in the order asked (`PbmQueryReplicationGroups`). Asked at
    /// the source side, whose policies name them; machines that an array admin put into a group without a policy are not
    /// found this way (vVol recovery rules 2.1.6). `None` where the vCenter cannot tell, before release 6.5.
    ///
    /// # Errors
    /// [`CallError`]; what PBM says about single machines is in the answers. Needs `StorageProfile.View`.
    pub async fn groups_of_vms(
        &self,
        vms: &[ManagedObjectReference],
    ) -> Result<Option<Vec<VmGroups>>, CallError> {
        let Some(manager) = self.replication_manager().await? else {
            return Ok(None);
        };
        let mut found = Vec::new();
        for part in vms.chunks(MACHINES_PER_QUERY) {
            let entity =
                |vm: &ManagedObjectReference| PbmServerObjectRef::new("virtualMachineAndDisks", &vm.value);
            let request =
                PbmQueryReplicationGroupsRequest::default().with_entities(part.iter().map(entity).collect());
            let entries = manager.replication_groups(&request).await?;
            found.extend(part.iter().map(|vm| read(vm, &entries)));
        }
        Ok(Some(found))
    }
}

/// What entries say about one machine.
fn read(vm: &ManagedObjectReference, entries: &[PbmQueryReplicationGroupResult]) -> VmGroups {
    let mut groups = VmGroups {
        vm: vm.clone(),
        parts: BTreeMap::new(),
        faults: Vec::new(),
    };
    for entry in entries {
        let (id, part) = match entry.object.key.split_once(':') {
            None => (entry.object.key.as_str(), Some(VmPart::Home)),
            Some((id, disk)) => (id, disk.parse().ok().map(VmPart::Disk)),
        };
        if id != vm.value {
            continue;
        }
        groups.faults.extend(entry.fault.clone());
        if let (Some(part), None) = (part, &entry.fault) {
            let group = entry.replication_group_id.as_ref().and_then(GroupId::from_wire);
            groups.parts.insert(part, group);
        }
    }
    groups
}
