//! Storage policies given to recovered machines, and read back.

use std::time::Duration;

use farside_models_pbm::{PbmQueryAssociatedProfilesRequest, PbmServerObjectRef};
use farside_transport::{CallError, Deadline, within};
use farside_vim::{ManagedObject as _, Policies, Policy, VirtualMachine};

use crate::client::VasaClient;
use crate::id::GroupId;
use crate::policy::VmPart;
use crate::recovery_error::RecoveryError;

/// The pause before policies are read again.
const PAUSE: Duration = Duration::from_secs(2);

/// The policy with this profile, replicated by this group of the new source side, or by none.
#[must_use]
pub fn policy(profile: &str, group: Option<&GroupId>) -> Policy {
    Policy {
        profile: profile.to_owned(),
        group: group.map(GroupId::to_wire),
    }
}

/// The parts that policies are for, with these.
fn parts(policies: &Policies) -> impl Iterator<Item = (VmPart, &Policy)> {
    let home = policies.home.iter().map(|policy| (VmPart::Home, policy));
    home.chain(
        policies
            .disks
            .iter()
            .map(|(key, policy)| (VmPart::Disk(*key), policy)),
    )
}

impl VasaClient {
    /// Gives the home of a machine and its disks storage policies ([`VirtualMachine::assign`]), and reads back that they have them:
    /// profile and replication group of each part. To be done after a reverse, at the new source side, with its group: a machine
    /// that was recovered has the default policies, counts as not compliant, and is not found by
    /// [`VasaClient::groups_of_vms`]. (`ReconfigVM_Task`, `PbmQueryAssociatedProfiles`, `PbmQueryReplicationGroups`; vVol recovery
    /// rules 9.3.)
    ///
    /// # Errors
    /// [`RecoveryError::NotAssigned`] with the parts that read otherwise when the time is up; [`RecoveryError::Work`] and
    /// [`RecoveryError::Call`]. It can be done again.
    ///
    /// # Cancel safety
    /// A dropped future leaves a task that runs as it is.
    pub async fn assign(
        &self,
        vm: &VirtualMachine,
        policies: &Policies,
        limit: Duration,
    ) -> Result<(), RecoveryError> {
        let clock = &**self.vim().clock();
        let deadline = Deadline::after(clock, limit);
        vm.assign(policies, limit).await?;
        loop {
            let lacking = within(clock, deadline.left(clock), self.lacking(vm, policies)).await;
            let parts = match lacking {
                Ok(parts) => parts?,
                Err(_) => return Err(RecoveryError::Late { limit }),
            };
            if parts.is_empty() {
                return Ok(());
            }
            if deadline.left(clock).is_zero() {
                return Err(RecoveryError::NotAssigned { parts, limit });
            }
            // Policies may take a moment to be told of.
            clock.sleep(PAUSE.min(deadline.left(clock))).await;
        }
    }

    /// The parts that have other policies than wanted.
    async fn lacking(&self, vm: &VirtualMachine, policies: &Policies) -> Result<Vec<VmPart>, CallError> {
        let manager = self.profile_manager().await?;
        let entity = |part: VmPart| match part {
            VmPart::Home => PbmServerObjectRef::new("virtualMachine", vm.id()),
            VmPart::Disk(key) => PbmServerObjectRef::new("virtualDiskId", format!("{}:{key}", vm.id())),
        };
        let asked: Vec<_> = parts(policies).map(|(part, _)| entity(part)).collect();
        let told = manager
            .profiles_of_entities(&PbmQueryAssociatedProfilesRequest::new(asked))
            .await?;
        let reference = [vm.reference().clone()];
        let groups = self.groups_of_vms(&reference).await?;
        let groups = groups.and_then(|mut groups| groups.pop());
        let has_profile = |part, policy: &Policy| {
            let key = entity(part).key;
            let mut told = told.iter().filter(|told| told.object.key == key);
            told.any(|told| told.profile_id.iter().any(|id| id.unique_id == policy.profile))
        };
        // A vCenter that cannot tell of groups says nothing against one.
        let has_group = |part, policy: &Policy| match &groups {
            None => true,
            Some(groups) => {
                let told = groups.parts.get(&part).cloned().flatten();
                told == policy.group.as_ref().and_then(GroupId::from_wire)
            }
        };
        let lacking =
            parts(policies).filter(|(part, policy)| !has_profile(*part, policy) || !has_group(*part, policy));
        Ok(lacking.map(|(part, _)| part).collect())
    }
}
