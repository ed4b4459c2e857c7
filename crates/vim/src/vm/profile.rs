//! Storage policies of a machine: those of its home and of each disk.

use std::collections::BTreeMap;
use std::time::Duration;

use farside_models_vim::{
    ReconfigVMRequest, ReplicationGroupId, ReplicationSpec, VirtualDevice, VirtualDeviceConfigSpec,
    VirtualDeviceConfigSpecOperation, VirtualDisk, VirtualMachineConfigSpec,
    VirtualMachineDefinedProfileSpec, VirtualMachineProfileSpec,
};
use farside_wire::Object;

use super::VirtualMachine;
use super::device::sendable_disk;
use crate::error::{WorkError, WorkErrorKind};
use crate::object::ManagedObject;
use crate::work::{Time, run};

/// A storage policy, and the group that replicates what has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The id of the profile at this vCenter.
    pub profile: String,
    /// The replication group at this side, which has to be its source; `None` for a policy without replication.
    pub group: Option<ReplicationGroupId>,
}

/// Which policy each part of a machine is to have. Parts that are not named keep theirs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policies {
    /// That of the home; memory and snapshots follow it.
    pub home: Option<Policy>,
    /// Those of disks, by their keys.
    pub disks: BTreeMap<i32, Policy>,
}

impl Policy {
    /// How a specification names it.
    #[must_use]
    pub fn to_wire(&self) -> Object<VirtualMachineProfileSpec> {
        let mut spec = VirtualMachineDefinedProfileSpec::new(&self.profile);
        spec.replication_spec = self.group.clone().map(ReplicationSpec::new);
        Object::new(&spec)
    }
}

/// The specification that gives a machine policies, from its devices as read.
///
/// # Errors
/// The key of a policy that no disk has.
pub fn policy_spec(
    devices: &[Object<VirtualDevice>],
    policies: &Policies,
) -> Result<VirtualMachineConfigSpec, i32> {
    let change = |(key, policy): (&i32, &Policy)| {
        let is_it = |device: &&Object<VirtualDevice>| {
            let disk = device.downcast::<VirtualDisk>().and_then(Result::ok);
            disk.is_some_and(|disk| disk.key == *key)
        };
        let disk = devices.iter().find(is_it).ok_or(*key)?;
        let spec = VirtualDeviceConfigSpec::new(sendable_disk(disk).ok_or(*key)?)
            .with_operation(VirtualDeviceConfigSpecOperation::Edit)
            .with_profile(vec![policy.to_wire()]);
        Ok(Object::new(&spec))
    };
    let changes: Result<Vec<_>, i32> = policies.disks.iter().map(change).collect();
    let home = policies.home.iter().map(Policy::to_wire).collect();
    Ok(VirtualMachineConfigSpec::default()
        .with_vm_profile(home)
        .with_device_change(changes?))
}

impl VirtualMachine {
    /// Gives the home of the machine and its disks storage policies, as after a reverse, when a recovered machine has the
    /// default ones until it is told others. The machine does not show what it was given: policy-based management does, which
    /// `farside-vasa` reads back. (`ReconfigVM_Task`; vVol recovery rules 9.3.)
    ///
    /// # Errors
    /// [`WorkErrorKind::NoDisk`], with nothing changed; [`WorkErrorKind::Call`], [`WorkErrorKind::Wait`] and
    /// [`WorkErrorKind::Late`] for what a call or the task ended with. It can be done again.
    ///
    /// # Cancel safety
    /// A dropped future leaves the task as it is.
    pub async fn assign(&self, policies: &Policies, limit: Duration) -> Result<(), WorkError> {
        let assigned = self
            .assign_policies(policies, Time::of(self.client(), "changed", limit))
            .await;
        assigned.map_err(|kind| kind.about("assigning storage policies to", self.reference()))
    }

    async fn assign_policies(&self, policies: &Policies, time: Time) -> Result<(), WorkErrorKind> {
        let client = self.client();
        let devices = time.within(client, self.property(Self::DEVICES)).await?;
        let spec = policy_spec(&devices, policies).map_err(WorkErrorKind::NoDisk)?;
        let request = ReconfigVMRequest::new(spec);
        run(client, time, || self.reconfigure(&request)).await
    }
}
