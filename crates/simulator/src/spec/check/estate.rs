//! What cannot be meant of sites and what stands there.

use std::collections::BTreeSet;

use super::{SpecProblem, problem};
use crate::spec::site::numbered;
use crate::spec::{SiteSpec, WorldSpec};

/// How many sites a world may have.
const MOST_SITES: usize = 25;

/// How many hosts a vCenter may have.
const MOST_HOSTS: u32 = 999;

/// How many clusters, datacenters, datastores and networks a site may name.
const MOST_OF_A_SITE: usize = 99;

/// How many characters the name of a site may have, and any other one.
const LONGEST_SITE: usize = 40;
const LONGEST: usize = 80;

/// What is wrong with the name of a site, if anything is.
fn unfit(name: &str) -> Option<String> {
    let fits = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    let begins_well = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    if !begins_well || !name.chars().all(fits) || name.len() > LONGEST_SITE {
        return Some(format!(
            "`{name}` is no name of a site: letters, digits, `-`, `_` and `.`, the first one a letter or a digit, at most {LONGEST_SITE}"
        ));
    }
    if name.starts_with("vc-") || name.ends_with("-node2") {
        return Some(format!(
            "`{name}` is no name of a site: `vc-` stands before that of its vCenter, `-node2` behind its second address"
        ));
    }
    None
}

/// The names that a site gives its objects, with what is there without being named.
struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    fn new(taken: impl IntoIterator<Item = String>) -> Self {
        Self {
            taken: taken.into_iter().collect(),
        }
    }

    fn take(&mut self, place: &[&str], name: &str) -> Result<(), SpecProblem> {
        let unfit = |character: char| character.is_control() || "[]/\\%".contains(character);
        if name.trim().is_empty() || name.chars().any(unfit) || name.chars().count() > LONGEST {
            let message = format!("a name has 1 to {LONGEST} characters, none of them [ ] / \\ or %");
            return Err(problem(place, message));
        }
        if !self.taken.insert(name.to_owned()) {
            return Err(problem(
                place,
                format!("`{name}` is there already: give it another name"),
            ));
        }
        Ok(())
    }
}

impl WorldSpec {
    /// The numbers of sites with their descriptions.
    fn numbered_sites(&self) -> impl Iterator<Item = (u32, &SiteSpec)> {
        (1..).zip(&self.sites)
    }

    fn host_count(&self, site: &SiteSpec) -> u32 {
        let clusters = site.host_clusters(self.dpu.hosts_per_vcenter);
        let counts = clusters.iter().flat_map(|cluster| &cluster.hosts);
        counts.fold(0, |sum, kind| sum.saturating_add(kind.count))
    }

    /// The ids of all hosts.
    pub(super) fn host_ids(&self) -> Vec<String> {
        let ids = self.numbered_sites().flat_map(|(number, site)| {
            let hosts = 1..=self.host_count(site);
            hosts.map(move |host| format!("host-{}", numbered(number, host)))
        });
        ids.collect()
    }

    /// The names of all machines.
    pub(super) fn machine_names(&self) -> Vec<String> {
        let replicated = 1..=self.groups.min(self.vasa.groups_with_devices);
        let replicated = replicated.map(|number| format!("app-{number:03}"));
        let plain = self.sites.iter().flat_map(|site| {
            let numbers = 1..=self.vm.plain;
            numbers.map(move |number| format!("{}-{number:02}", site.name))
        });
        replicated.chain(plain).collect()
    }

    /// The ids of all distributed switches.
    pub(super) fn switch_ids(&self) -> Vec<String> {
        let ids = self.numbered_sites().flat_map(|(number, site)| {
            let switches = if site.has_plain_switch() { 2 } else { 1 };
            (1..=switches).map(move |switch| format!("dvs-{}", numbered(number, switch)))
        });
        ids.collect()
    }

    pub(super) fn check_sites(&self) -> Result<(), SpecProblem> {
        if !(1..=MOST_SITES).contains(&self.sites.len()) {
            let message = format!("from 1 to {MOST_SITES} sites, not {}", self.sites.len());
            return Err(problem(&["sites"], message));
        }
        let mut names = BTreeSet::new();
        for (index, site) in self.sites.iter().enumerate() {
            let index = index.to_string();
            if let Some(message) = unfit(&site.name) {
                return Err(problem(&["sites", &index, "name"], message));
            }
            // Names of files and servers do not tell capitals.
            if !names.insert(site.name.to_ascii_lowercase()) {
                let message = format!("there is another site `{}`", site.name);
                return Err(problem(&["sites", &index, "name"], message));
            }
            self.check_estate(&index, site)?;
        }
        self.check_recovery()
    }

    /// Each site is recovered at one other, and recovers one at most.
    fn check_recovery(&self) -> Result<(), SpecProblem> {
        let mut used = BTreeSet::new();
        for (index, site) in self.sites.iter().enumerate() {
            let Some(other) = &site.recovers_at else {
                continue;
            };
            let index = index.to_string();
            let place = ["sites", &index, "recovers_at"];
            if *other == site.name {
                return Err(problem(&place, "a site is not recovered at itself"));
            }
            let others = self.sites.iter().filter(|known| known.name != site.name);
            let others: Vec<String> = others.map(|known| known.name.clone()).collect();
            super::known(&place, "other site", other, &others)?;
            for name in [&site.name, other] {
                if !used.insert(name.clone()) {
                    let message = format!(
                        "`{name}` is in another pair of sites; a site is recovered at one or recovers one"
                    );
                    return Err(problem(&place, message));
                }
            }
        }
        Ok(())
    }

    fn check_estate(&self, index: &str, site: &SiteSpec) -> Result<(), SpecProblem> {
        let SiteSpec { name, .. } = site;
        let hosts = self.host_count(site);
        if hosts > MOST_HOSTS {
            let message = format!("at most {MOST_HOSTS} hosts at a vCenter, not {hosts}");
            return Err(if site.clusters.is_empty() {
                problem(&["dpu", "hosts_per_vcenter"], message)
            } else {
                problem(&["sites", index, "clusters"], message)
            });
        }
        for (list, count) in [
            ("clusters", site.clusters.len()),
            ("datacenters", site.datacenters.len()),
            ("datastores", site.datastores.len()),
            ("networks", site.networks.len()),
        ] {
            if count > MOST_OF_A_SITE {
                let message = format!("at most {MOST_OF_A_SITE}, not {count}");
                return Err(problem(&["sites", index, list], message));
            }
        }
        for (number, release) in site.releases.iter().enumerate() {
            check_release(&["sites", index, "releases", &number.to_string()], release, 4)?;
        }
        let mut names = Names::new([]);
        for (number, cluster) in site.clusters.iter().enumerate() {
            let number = number.to_string();
            names.take(&["sites", index, "clusters", &number, "name"], &cluster.name)?;
            for (kind, hosts) in cluster.hosts.iter().enumerate() {
                let Some(release) = &hosts.release else {
                    continue;
                };
                let kind = kind.to_string();
                let place = ["sites", index, "clusters", &number, "hosts", &kind, "release"];
                check_release(&place, release, 3)?;
            }
        }
        let mut names = Names::new([name.clone()]);
        for (number, datacenter) in site.datacenters.iter().enumerate() {
            names.take(&["sites", index, "datacenters", &number.to_string()], datacenter)?;
        }
        let own = (1..=super::MOST_PROVIDERS).map(|number| format!("datastore-{name}-{number}"));
        let mut names = Names::new(own.chain([format!("local-{name}")]));
        for (number, datastore) in site.datastores.iter().enumerate() {
            names.take(&["sites", index, "datastores", &number.to_string()], datastore)?;
        }
        let own = ["VM Network", "test-bubble"].map(str::to_owned);
        let placed = ["production", "test", "plain", "segment", "dvs"].map(|kind| format!("{kind}-{name}"));
        let plain = format!("dvs-{name}-plain");
        let mut names = Names::new(own.into_iter().chain(placed).chain([plain]));
        for (number, network) in site.networks.iter().enumerate() {
            let number = number.to_string();
            names.take(&["sites", index, "networks", &number, "name"], &network.name)?;
        }
        Ok(())
    }
}

/// Refuses a release that is not made of so many numbers at least, and of four at most.
pub(super) fn check_release(place: &[&str], release: &str, least: usize) -> Result<(), SpecProblem> {
    let parts: Vec<&str> = release.split('.').collect();
    let numbers = parts
        .iter()
        .all(|part| part.len() <= 9 && part.parse::<u32>().is_ok());
    if numbers && (least..=4).contains(&parts.len()) {
        return Ok(());
    }
    let example = match least {
        4 => "8.0.3.0",
        3 => "8.0.3",
        _ => "4.6",
    };
    Err(problem(
        place,
        format!("`{release}` is no release: numbers with dots between them, such as \"{example}\""),
    ))
}
