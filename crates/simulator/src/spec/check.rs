//! What a description of a world cannot mean.

use super::WorldSpec;
use crate::sms::VCENTERS;

/// How many groups, or replications, a world may hold.
const MOST: u32 = 100_000;

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

fn vcenter(place: &[&str], name: &str) -> Result<(), SpecProblem> {
    if VCENTERS.contains(&name) {
        return Ok(());
    }
    let known = VCENTERS.join(" and ");
    Err(problem(
        place,
        format!("`{name}` is no vCenter of the world, which has {known}"),
    ))
}

impl WorldSpec {
    /// Whether the world can be built as it is meant: numbers in their range, and names that it has.
    ///
    /// # Errors
    /// [`SpecProblem`] for the first thing that is wrong.
    pub fn check(&self) -> Result<(), SpecProblem> {
        for (name, count) in [("groups", self.groups), ("replications", self.replications)] {
            if count > MOST {
                return Err(problem(&[name], format!("at most {MOST}, not {count}")));
            }
        }
        if self.releases.is_empty() {
            return Err(problem(
                &["releases"],
                "a vCenter knows one release at least, such as \"8.0.3.0\"",
            ));
        }
        if !(1..=10_000).contains(&self.timing.work_percent) {
            let message = format!("from 1 to 10000, not {}", self.timing.work_percent);
            return Err(problem(&["timing", "work_percent"], message));
        }
        self.check_storage()?;
        self.check_names()
    }

    fn check_storage(&self) -> Result<(), SpecProblem> {
        if self.groups > 0 && self.vasa.providers.is_empty() {
            return Err(problem(
                &["vasa", "providers"],
                "groups need a provider: add one, or set `groups = 0`",
            ));
        }
        for (index, provider) in self.vasa.providers.iter().enumerate() {
            let index = index.to_string();
            for (member, names) in [
                ("offline_at", &provider.offline_at),
                ("unregistered_at", &provider.unregistered_at),
            ] {
                for name in names {
                    vcenter(&["vasa", "providers", &index, member], name)?;
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
        for name in self.vcha.clusters.keys() {
            vcenter(&["vcha", "clusters", name], name)?;
        }
        for (index, machine) in self.pbm.machines.iter().enumerate() {
            vcenter(
                &["pbm", "machines", &index.to_string(), "vcenter"],
                &machine.vcenter,
            )?;
        }
        let hosts = self.dpu.hosts_per_vcenter;
        let is_host =
            |id: &str| (1..=2).any(|site| (1..=hosts).any(|number| id == format!("host-{site}{number}")));
        for (index, troubled) in self.dpu.troubles.iter().enumerate() {
            if !is_host(&troubled.host) {
                let message = format!(
                    "there is no host `{}`; with `hosts_per_vcenter = {hosts}` they are `host-11` to `host-1{hosts}` and \
                     `host-21` to `host-2{hosts}`",
                    troubled.host
                );
                return Err(problem(&["dpu", "troubles", &index.to_string(), "host"], message));
            }
        }
        Ok(())
    }
}
