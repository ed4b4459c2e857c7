//! What a description of a world cannot mean.

mod estate;

use super::WorldSpec;

/// How many groups, or replications, a world may hold.
const MOST: u32 = 100_000;

/// How many providers of replication groups a site may have; the number of one is the last digit of its datastore.
const MOST_PROVIDERS: usize = 8;

/// How many groups may hold devices.
const MOST_WITH_DEVICES: u32 = 999;

/// How many machines that nothing protects a vCenter may have.
const MOST_PLAIN: u32 = 10_000;

/// Why a description describes no world.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", place.join("."))]
pub struct SpecProblem {
    /// The members that lead to what is wrong; positions in lists are numbers from zero.
    pub place: Vec<String>,
    /// What is wrong, and what to do.
    pub message: String,
}

fn problem(place: &[&str], message: impl Into<String>) -> SpecProblem {
    SpecProblem {
        place: place.iter().map(|&step| step.to_owned()).collect(),
        message: message.into(),
    }
}

fn at_most(place: &[&str], count: u32, most: u32) -> Result<(), SpecProblem> {
    if count > most {
        return Err(problem(place, format!("at most {most}, not {count}")));
    }
    Ok(())
}

/// Refuses a name that is not one of those that there are.
fn known(place: &[&str], what: &str, name: &str, known: &[String]) -> Result<(), SpecProblem> {
    if known.iter().any(|known| known == name) {
        return Ok(());
    }
    // Enough to see how they are named.
    let shown = known.get(..8).unwrap_or(known).join(", ");
    let rest = match known.len().saturating_sub(8) {
        0 => String::new(),
        rest => format!(" and {rest} more"),
    };
    let message = if known.is_empty() {
        format!("`{name}` is no {what} of the world, which has none")
    } else {
        format!("`{name}` is no {what} of the world, which has {shown}{rest}")
    };
    Err(problem(place, message))
}

impl WorldSpec {
    /// Whether the world can be built as it is meant: numbers in their range, and names that it has.
    ///
    /// # Errors
    /// [`SpecProblem`] for the first thing that is wrong.
    pub fn check(&self) -> Result<(), SpecProblem> {
        self.check_sites()?;
        self.check_counts()?;
        if self.releases.is_empty() {
            return Err(problem(
                &["releases"],
                "a vCenter knows one release at least, such as \"8.0.3.0\"",
            ));
        }
        for (index, release) in self.releases.iter().enumerate() {
            estate::check_release(&["releases", &index.to_string()], release, 4)?;
        }
        estate::check_release(&["vcda", "api_version"], &self.vcda.api_version, 2)?;
        if !(1..=10_000).contains(&self.timing.work_percent) {
            let message = format!("from 1 to 10000, not {}", self.timing.work_percent);
            return Err(problem(&["timing", "work_percent"], message));
        }
        self.check_storage()?;
        self.check_names()
    }

    fn check_counts(&self) -> Result<(), SpecProblem> {
        for (name, count) in [("groups", self.groups), ("replications", self.replications)] {
            at_most(&[name], count, MOST)?;
            if count > 0 && self.sites.len() == 1 {
                let message = format!(
                    "one site alone recovers nothing: set `groups = 0` and `replications = 0`, or name a second one \
                     (`{name}` is {count})"
                );
                return Err(problem(&[name], message));
            }
        }
        at_most(&["vm", "plain"], self.vm.plain, MOST_PLAIN)?;
        at_most(&["vcda", "unprotected"], self.vcda.unprotected, MOST)?;
        at_most(
            &["vasa", "groups_with_devices"],
            self.vasa.groups_with_devices,
            MOST_WITH_DEVICES,
        )
    }

    fn check_storage(&self) -> Result<(), SpecProblem> {
        let providers = &self.vasa.providers;
        if self.groups > 0 && providers.is_empty() {
            return Err(problem(
                &["vasa", "providers"],
                "groups need a provider: add one, or set `groups = 0`",
            ));
        }
        if providers.len() > MOST_PROVIDERS {
            let message = format!("at most {MOST_PROVIDERS}, not {}", providers.len());
            return Err(problem(&["vasa", "providers"], message));
        }
        let vcenters = self.vcenters();
        for (index, provider) in providers.iter().enumerate() {
            let index = index.to_string();
            for (member, names) in [
                ("offline_at", &provider.offline_at),
                ("unregistered_at", &provider.unregistered_at),
            ] {
                for name in names {
                    known(&["vasa", "providers", &index, member], "vCenter", name, &vcenters)?;
                }
            }
        }
        for (index, rule) in self.vasa.entry_faults.iter().enumerate() {
            let number = rule.group.strip_prefix("group-");
            let number = number.and_then(|number| number.parse::<u32>().ok());
            if !number.is_some_and(|number| (1..=self.groups).contains(&number)) {
                let message = format!(
                    "there is no group `{}`; they are `group-001` and so on",
                    rule.group
                );
                return Err(problem(
                    &["vasa", "entry_faults", &index.to_string(), "group"],
                    message,
                ));
            }
        }
        if self.vasa.alarms_per_page == 0 {
            return Err(problem(&["vasa", "alarms_per_page"], "at least 1"));
        }
        Ok(())
    }

    fn check_names(&self) -> Result<(), SpecProblem> {
        let vcenters = self.vcenters();
        for (name, cluster) in &self.vcha.clusters {
            known(&["vcha", "clusters", name], "vCenter", name, &vcenters)?;
            for (index, address) in cluster.failover_ips.iter().flatten().enumerate() {
                if address.parse::<std::net::IpAddr>().is_err() {
                    let place = ["vcha", "clusters", name, "failover_ips", &index.to_string()];
                    let message = format!("`{address}` is no address, such as \"198.51.100.20\"");
                    return Err(problem(&place, message));
                }
            }
        }
        for (index, machine) in self.pbm.machines.iter().enumerate() {
            let index = index.to_string();
            known(
                &["pbm", "machines", &index, "vcenter"],
                "vCenter",
                &machine.vcenter,
                &vcenters,
            )?;
        }
        let hosts = self.host_ids();
        for (index, host) in self.dpu.service_consoles.iter().enumerate() {
            let index = index.to_string();
            known(&["dpu", "service_consoles", &index], "host", host, &hosts)?;
        }
        for (index, troubled) in self.dpu.troubles.iter().enumerate() {
            let index = index.to_string();
            known(
                &["dpu", "troubles", &index, "host"],
                "host",
                &troubled.host,
                &hosts,
            )?;
        }
        let machines = self.machine_names();
        for (index, troubled) in self.vm.troubles.iter().enumerate() {
            let index = index.to_string();
            known(
                &["vm", "troubles", &index, "machine"],
                "machine",
                &troubled.machine,
                &machines,
            )?;
        }
        let switches = self.switch_ids();
        for (index, troubled) in self.dpu.troubled_switches.iter().enumerate() {
            let index = index.to_string();
            known(
                &["dpu", "troubled_switches", &index, "switch"],
                "distributed switch",
                &troubled.switch,
                &switches,
            )?;
        }
        Ok(())
    }
}
