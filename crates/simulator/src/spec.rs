//! Worlds to build: how many of what, and the seed; by name, or as a file describes them.

mod check;
pub mod file;
mod named;
pub mod odd_tests;
pub(crate) mod site;
mod switch;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::check::SpecProblem;
pub use self::site::{HostClusterSpec, HostsSpec, NetworkSpec, NetworkSpecKind, SiteSpec};
pub use self::switch::{SWITCHES, Switch};

use crate::core::Core;
use crate::dpu::{DpuSpec, Hosts};
use crate::endpoint::EndpointKind;
use crate::inventory;
use crate::pbm::{Pbm, PbmSpec};
use crate::sms::{Sms, VasaSpec};
use crate::vcda::{Vcda, VcdaSpec};
use crate::vcha::{Vcha, VchaSpec};
use crate::vi_json::{RELEASES, ViJson, ViJsonSpec};
use crate::vm::{VmSpec, Vms};
use crate::watch::Watched;
use crate::world::{Waits, World};

/// What a world holds.
///
/// ```
/// use farside_simulator::WorldSpec;
///
/// let world = WorldSpec::pair(7).replications(3).build();
/// assert_eq!(world.vcda().replications().count(), 3);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct WorldSpec {
    /// The seed of everything that is drawn: ids, durations, clock skews.
    pub seed: u64,
    /// The sites, from 1 to 25; the first one is recovered at the second unless a site says where it is.
    pub sites: Vec<SiteSpec>,
    /// VASA replication groups, at most 100,000, dealt out to the sites that are recovered in turn.
    pub groups: u32,
    /// VM replications of VMware Cloud Director Availability, at most 100,000, dealt out in the same way.
    pub replications: u32,
    /// The releases of VI JSON that the vCenters know, newest first.
    pub releases: Vec<String>,
    /// How many sessions of VI JSON each vCenter takes at once.
    pub most_sessions: u32,
    /// How long work takes.
    pub timing: TimingSpec,
    /// The form of what VI JSON, SMS and PBM answer.
    pub vi_json: ViJsonSpec,
    /// The arrays behind the VASA providers.
    pub vasa: VasaSpec,
    /// The sites of VMware Cloud Director Availability.
    pub vcda: VcdaSpec,
    /// The policies of the vCenters.
    pub pbm: PbmSpec,
    /// The vCenter HA clusters.
    pub vcha: VchaSpec,
    /// The hosts and their DPUs.
    pub dpu: DpuSpec,
    /// The virtual machines.
    pub vm: VmSpec,
}

/// How long work takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct TimingSpec {
    /// In percent of the usual times of all work, from 1 to 10,000. Outages, limits of sessions and the intervals of
    /// replicas stay as they are.
    pub work_percent: u32,
}

impl Default for TimingSpec {
    fn default() -> Self {
        Self { work_percent: 100 }
    }
}

impl Default for WorldSpec {
    /// The world `pair` of seed 1.
    fn default() -> Self {
        Self::pair(1)
    }
}

impl WorldSpec {
    /// The world `pair`: vCenters `vc-east` and `vc-west`, VCDA sites `east` and `west`; 24 groups and 40 replications,
    /// protected in the east and recovered in the west; two hosts and a vCenter HA cluster at each vCenter.
    pub fn pair(seed: u64) -> Self {
        Self {
            seed,
            sites: site::usual(),
            groups: 24,
            replications: 40,
            releases: RELEASES.map(str::to_owned).to_vec(),
            most_sessions: 2_000,
            timing: TimingSpec::default(),
            vi_json: ViJsonSpec::default(),
            vasa: VasaSpec::default(),
            vcda: VcdaSpec::default(),
            pbm: PbmSpec::default(),
            vcha: VchaSpec::default(),
            dpu: DpuSpec::default(),
            vm: VmSpec::default(),
        }
    }

    /// Sets the sites. vCenter HA clusters are those that [`Self::vcha`] names, also at other sites.
    #[must_use]
    pub fn sites(mut self, sites: Vec<SiteSpec>) -> Self {
        self.sites = sites;
        self
    }

    /// The names of the vCenters, in the order of their sites.
    pub fn vcenters(&self) -> Vec<String> {
        self.sites.iter().map(SiteSpec::vcenter).collect()
    }

    /// Sets the number of VASA replication groups.
    #[must_use]
    pub fn groups(mut self, groups: u32) -> Self {
        self.groups = groups;
        self
    }

    /// Sets the number of VM replications.
    #[must_use]
    pub fn replications(mut self, replications: u32) -> Self {
        self.replications = replications;
        self
    }

    /// Sets the releases that the vCenters know.
    #[must_use]
    pub fn releases(mut self, releases: &[&str]) -> Self {
        self.releases = releases.iter().map(|&release| release.to_owned()).collect();
        self
    }

    /// Sets how many sessions of VI JSON each vCenter takes at once.
    #[must_use]
    pub fn most_sessions(mut self, most_sessions: u32) -> Self {
        self.most_sessions = most_sessions;
        self
    }

    /// Sets how long work takes, in percent of the usual times.
    #[must_use]
    pub fn work_percent(mut self, work_percent: u32) -> Self {
        self.timing.work_percent = work_percent;
        self
    }

    /// Sets the form of what VI JSON, SMS and PBM answer.
    #[must_use]
    pub fn vi_json(mut self, vi_json: ViJsonSpec) -> Self {
        self.vi_json = vi_json;
        self
    }

    /// Sets the arrays behind the VASA providers.
    #[must_use]
    pub fn vasa(mut self, vasa: VasaSpec) -> Self {
        self.vasa = vasa;
        self
    }

    /// Sets the sites of VMware Cloud Director Availability.
    #[must_use]
    pub fn vcda(mut self, vcda: VcdaSpec) -> Self {
        self.vcda = vcda;
        self
    }

    /// Sets the policies of the vCenters.
    #[must_use]
    pub fn pbm(mut self, pbm: PbmSpec) -> Self {
        self.pbm = pbm;
        self
    }

    /// Sets the vCenter HA clusters.
    #[must_use]
    pub fn vcha(mut self, vcha: VchaSpec) -> Self {
        self.vcha = vcha;
        self
    }

    /// Sets the hosts and their DPUs.
    #[must_use]
    pub fn dpu(mut self, dpu: DpuSpec) -> Self {
        self.dpu = dpu;
        self
    }

    /// Sets the virtual machines.
    #[must_use]
    pub fn vm(mut self, vm: VmSpec) -> Self {
        self.vm = vm;
        self
    }

    /// Builds the world, at time zero. What [`Self::check`] complains about is left out, or is not as it is meant.
    pub fn build(&self) -> World {
        let mut core = Core::new(self.seed);
        core.work_percent = i64::from(self.timing.work_percent);
        for site in &self.sites {
            core.add_endpoint(EndpointKind::Vcenter, &site.vcenter(), "operator@vsphere.local");
            core.add_endpoint(EndpointKind::Vcda, &site.name, "dr-admin@tenant-a");
        }
        let vcenters = self.vcenters();
        let vcda = Vcda::build(&mut core, self);
        let sms = Sms::build(&mut core, self);
        let pbm = Pbm::new(&mut core, &vcenters, &self.pbm);
        let hosts = Hosts::build(&mut core, self);
        let vcha = Vcha::new(&mut core, &vcenters, &self.vcha);
        let vi_json = ViJson::new(&mut core, self);
        let mut inventory = inventory::build(self, &hosts);
        let vms = Vms::build(&mut core, self, &mut inventory, &hosts, &sms);
        let mut world = World {
            core,
            vcda,
            sms,
            pbm,
            hosts,
            vcha,
            vi_json,
            inventory,
            waits: Waits::default(),
            vms,
            watched: Watched::default(),
        };
        world.observe();
        world
    }
}
