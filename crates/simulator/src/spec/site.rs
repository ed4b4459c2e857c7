//! The sites of a world: their names, what stands there, and which of them is recovered where.

use serde::{Deserialize, Serialize};

/// A site: a vCenter `vc-NAME` with hosts, datastores and networks, and the site `NAME` of VMware Cloud Director Availability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SiteSpec {
    /// Its name: letters, digits, `-`, `_` and `.`, at most 40 of them, neither `vc-` at the beginning nor `-node2` at the end.
    pub name: String,
    /// The site where the groups and replications of this one are recovered. A site is recovered at one other, and recovers one at
    /// most. If no site of a world says so, the first one is recovered at the second.
    #[serde(default)]
    pub recovers_at: Option<String>,
    /// The releases of VI JSON that its vCenter knows, newest first; empty: those of the world.
    #[serde(default)]
    pub releases: Vec<String>,
    /// The clusters of its hosts; empty: one, with as many hosts as `dpu.hosts_per_vcenter` says, with two DPUs each.
    #[serde(default)]
    pub clusters: Vec<HostClusterSpec>,
    /// Names of further datacenters, beside the one that is named like the site. There is nothing in their folders.
    #[serde(default)]
    pub datacenters: Vec<String>,
    /// Names of further datastores, beside those of the arrays and the local one. They hold no virtual volumes.
    #[serde(default)]
    pub datastores: Vec<String>,
    /// Further networks, beside `VM Network`, `production-NAME`, `test-NAME`, `test-bubble` and `segment-NAME`.
    #[serde(default)]
    pub networks: Vec<NetworkSpec>,
}

impl SiteSpec {
    /// A site of this name with what is usual.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            recovers_at: None,
            releases: Vec::new(),
            clusters: Vec::new(),
            datacenters: Vec::new(),
            datastores: Vec::new(),
            networks: Vec::new(),
        }
    }

    /// The name of its vCenter.
    pub fn vcenter(&self) -> String {
        format!("vc-{}", self.name)
    }

    /// Whether it has hosts of this kind.
    fn has_hosts(&self, dpus: bool) -> bool {
        let hosts = self.clusters.iter().flat_map(|cluster| &cluster.hosts);
        let mut kinds = hosts.filter(|kind| kind.count > 0);
        kinds.any(|kind| kind.dpus == dpus)
    }

    /// Whether hosts without DPUs are on a switch of their own, since there are such with them.
    pub(crate) fn has_plain_switch(&self) -> bool {
        self.has_hosts(true) && self.has_hosts(false)
    }

    /// Whether no host has DPUs.
    pub(crate) fn has_no_dpus(&self) -> bool {
        self.has_hosts(false) && !self.has_hosts(true)
    }

    /// Its clusters of hosts, with the usual one where none is named.
    pub(crate) fn host_clusters(&self, usual_hosts: u32) -> Vec<HostClusterSpec> {
        if !self.clusters.is_empty() {
            return self.clusters.clone();
        }
        vec![HostClusterSpec {
            name: format!("cluster-{}", self.name),
            hosts: vec![HostsSpec {
                count: usual_hosts,
                ..HostsSpec::default()
            }],
        }]
    }
}

/// A cluster of hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostClusterSpec {
    /// Its name.
    pub name: String,
    /// Its hosts, in the order of their ids; those of one site are numbered through all its clusters.
    #[serde(default)]
    pub hosts: Vec<HostsSpec>,
}

/// Some hosts of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HostsSpec {
    /// How many there are.
    pub count: u32,
    /// Whether each of them has two DPUs. Where a site has hosts with and without, those without are on a distributed switch of
    /// their own, which is not offloaded.
    pub dpus: bool,
    /// Their release, such as `8.0.2`; a host of a release before 8.0.3 does not know DPU failovers. Without it, hosts say
    /// nothing of their release.
    pub release: Option<String>,
}

impl Default for HostsSpec {
    fn default() -> Self {
        Self {
            count: 1,
            dpus: true,
            release: None,
        }
    }
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// Its name.
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub kind: NetworkSpecKind,
}

/// What a network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkSpecKind {
    /// A port group of the distributed switch.
    #[default]
    Distributed,
    /// A port group of standard switches.
    Standard,
    /// A network of NSX.
    Opaque,
}

/// The sites of the worlds that have a name: the east is recovered in the west.
pub(crate) fn usual() -> Vec<SiteSpec> {
    ["east", "west"].map(SiteSpec::new).to_vec()
}

/// The sites of which one is recovered at the other, by their places in the list; names that there are not are left out.
pub(crate) fn pairs(sites: &[SiteSpec]) -> Vec<(usize, usize)> {
    let named = sites.iter().enumerate().filter_map(|(index, site)| {
        let other = site.recovers_at.as_ref()?;
        let other = sites.iter().position(|known| known.name == *other)?;
        Some((index, other))
    });
    let named: Vec<(usize, usize)> = named.collect();
    if named.is_empty() && sites.len() > 1 {
        return vec![(0, 1)];
    }
    named
}

/// The number of something at the site of this number, both from 1, as ids end with it: `11` at the first site. From the tenth site on
/// a dash keeps them apart.
pub(crate) fn numbered(site: u32, number: impl std::fmt::Display) -> String {
    if site < 10 {
        format!("{site}{number}")
    } else {
        format!("{site}-{number}")
    }
}
