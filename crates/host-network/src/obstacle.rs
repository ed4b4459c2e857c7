//! What keeps a failover from being asked for, and what may (DPU rules, section 4). Absent is not false, and not fine either: what
//! could not be read is told as unknown.

use farside_models_vim::{DpuStatusInfo, VMwareDvsDpuCapability};

use crate::client::Host;
use crate::dpu::{DpuId, SwitchDpus, Uplink, UplinkState};
use crate::release::{FAILOVER, SPEC_DECIDES, is_before};
use crate::switch::DistributedSwitch;
use crate::told::Told;

/// Something that speaks against asking for a failover: what was looked at, what was seen, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Obstacle {
    /// What was looked at.
    pub what: &'static str,
    /// What was seen, or why nothing was.
    pub seen: String,
    /// How sure it is.
    pub certainty: Certainty,
    /// What to do about it.
    pub advice: &'static str,
    /// Where it was read, and where it is written that it matters.
    pub source: Source,
}

/// How sure an obstacle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// It was read: a failover would be refused, or come to nothing.
    Certain,
    /// It could not be read, or what was read does not tell. It may be in the way.
    Unknown,
}

/// Where an obstacle comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Type and property, or what else was looked at.
    pub read: &'static str,
    /// The document that makes it an obstacle; "inferred" where none does.
    pub document: &'static str,
}

/// What can be in the way.
#[derive(Clone, Copy, Debug)]
struct Item {
    what: &'static str,
    advice: &'static str,
    source: Source,
}

const CALL: &str = "VI JSON, HostNetworkSystem.startDpuFailover";
const NOTES: &str = "VI JSON, notes on types and members";
const INFERRED: &str = "inferred";

const fn item(what: &'static str, read: &'static str, document: &'static str, advice: &'static str) -> Item {
    let source = Source { read, document };
    Item { what, advice, source }
}

const SWITCH: Item = item(
    "switch of this name on the host",
    "HostSystem config.network.proxySwitch",
    CALL,
    "name a distributed switch that the host is on",
);
const RELEASE: Item = item(
    "release of VI JSON",
    "release of the session",
    CALL,
    "the failover of DPUs needs release 8.0.3.0: update vCenter, or let the client agree on a later release",
);
const CONNECTION: Item = item(
    "connection of the host",
    "HostSystem runtime.connectionState",
    INFERRED,
    "reconnect the host",
);
const POWER: Item = item(
    "power of the host",
    "HostSystem runtime.powerState",
    INFERRED,
    "a host that is off moves no switch",
);
const PARTIAL_MAINTENANCE: Item = item(
    "partial maintenance mode",
    "HostSystem runtime.partialMaintenanceMode",
    NOTES,
    "end it: the host may refuse the failover meanwhile",
);
const CAPABILITY: Item = item(
    "what the version of the switch can do",
    "DistributedVirtualSwitch capability.featuresSupported.dpuCapability",
    NOTES,
    "upgrade the switch to a version that can have a DPU stand by for another one",
);
const OFFLOAD_SPEC: Item = item(
    "network offload of the switch",
    "DistributedVirtualSwitch config.networkOffloadSpecId",
    NOTES,
    "use a switch that was made with a network offload: it cannot be changed while hosts are on it",
);
const POLICY: Item = item(
    "failover policy of the switch",
    "DistributedVirtualSwitch config.networkOffloadConfig.dpuFailoverPolicy",
    NOTES,
    "give the switch a failover policy with a standby uplink on the other DPU",
);
const OFFLOADED: Item = item(
    "network offload of the switch on this host",
    "HostSystem config.network.proxySwitch.networkOffloadingEnabled",
    NOTES,
    "set up the offload (NSX) on this host",
);
const UPLINK_STATES: Item = item(
    "states of the uplinks",
    UPLINKS,
    NOTES,
    "it takes release 8.0.3.0 or later and a host that reports",
);
const ACTIVE: Item = item(
    "active DPU",
    UPLINKS,
    NOTES,
    "mend the failover policy of the switch: all active uplinks belong on one DPU",
);
const WANTED: Item = item(
    "wanted DPU",
    UPLINKS,
    CALL,
    "name a DPU that is behind a standby uplink of this switch",
);
const STANDBY: Item = item(
    "standby DPU",
    UPLINKS,
    CALL,
    "give the switch a failover policy with a standby uplink on the other DPU",
);
const LINK: Item = item(
    "link of the standby DPU",
    "HostSystem config.network.pnic.linkSpeed",
    INFERRED,
    "connect or repair the standby DPU",
);
const HEALTH: Item = item(
    "health of the standby DPU",
    "HostSystem runtime.healthSystemRuntime.hardwareStatusInfo.dpuStatusInfo",
    INFERRED,
    "repair the standby DPU before anything is moved to it",
);
const UPLINKS: &str = "HostSystem config.network.proxySwitch.hostUplinkState";

impl Obstacle {
    /// The host has no switch of this name.
    pub(crate) fn no_switch(name: &str) -> Self {
        SWITCH.obstacle(Certainty::Certain, format!("none is called {name:?}"))
    }
}

impl Item {
    fn obstacle(self, certainty: Certainty, seen: impl Into<String>) -> Obstacle {
        Obstacle {
            what: self.what,
            seen: seen.into(),
            certainty,
            advice: self.advice,
            source: self.source,
        }
    }

    fn certain(self, seen: impl Into<String>) -> Option<Obstacle> {
        Some(self.obstacle(Certainty::Certain, seen))
    }

    fn unknown(self, why: impl std::fmt::Display) -> Option<Obstacle> {
        Some(self.obstacle(Certainty::Unknown, format!("unknown: {why}")))
    }
}

/// Why a failover of this switch to the wanted DPU, or to the standby one, would fail, and what could not be found out, in the
/// order in which to mend it (DPU rules, section 4). Of what the host itself shows of the switch, the first thing only: what
/// comes after it cannot be judged.
pub fn obstacles(
    host: &Host,
    dpus: &SwitchDpus,
    switch: &DistributedSwitch,
    wanted: Option<&DpuId>,
) -> Vec<Obstacle> {
    let mut obstacles = Vec::new();
    obstacles.extend(release(host));
    obstacles.extend(state(&host.connection, CONNECTION, "connected"));
    obstacles.extend(state(&host.power, POWER, "poweredOn"));
    obstacles.extend(partial_maintenance(host));
    // An earlier release does not have what they are read from.
    if is_before(&host.release, FAILOVER) != Some(true) {
        obstacles.extend(capability(switch, &host.release));
        obstacles.extend(offload_spec(switch));
        obstacles.extend(policy(switch));
    }
    obstacles.extend(on_the_host(dpus, wanted, host));
    obstacles
}

fn release(host: &Host) -> Option<Obstacle> {
    match is_before(&host.release, FAILOVER) {
        Some(false) => None,
        Some(true) => RELEASE.certain(host.release.as_str()),
        None => RELEASE.unknown(format_args!("{:?} is no release", host.release)),
    }
}

fn state(told: &Told<String>, item: Item, good: &str) -> Option<Obstacle> {
    match told {
        Told::Value(state) if state == good => None,
        Told::Value(state) => item.certain(state.as_str()),
        Told::Unset => item.unknown("vCenter does not say"),
        Told::Hidden(why) => item.unknown(why),
    }
}

fn partial_maintenance(host: &Host) -> Vec<Obstacle> {
    match &host.partial_maintenance {
        Told::Value(modes) => {
            let modes = modes.iter().filter(|mode| mode.host_status != "notInPartialMM");
            modes
                .filter_map(|mode| {
                    PARTIAL_MAINTENANCE.certain(format!("{} is {}", mode.key, mode.host_status))
                })
                .collect()
        }
        Told::Unset => Vec::new(),
        Told::Hidden(why) => PARTIAL_MAINTENANCE.unknown(why).into_iter().collect(),
    }
}

fn capability(switch: &DistributedSwitch, release: &str) -> Option<Obstacle> {
    let able = |capability: &VMwareDvsDpuCapability| {
        let offload = capability.network_offload_supported == Some(true);
        let standby = capability.active_standby_mode_supported == Some(true);
        match (offload, standby) {
            (true, true) => None,
            (false, _) => Some("it cannot be offloaded to DPUs"),
            (true, false) => Some("it can be offloaded, but no DPU can stand by for another one"),
        }
    };
    let lacks = match &switch.capability {
        Told::Hidden(why) => return CAPABILITY.unknown(why),
        Told::Value(capability) => able(capability),
        Told::Unset => Some("it knows no DPUs"),
    };
    if is_before(release, SPEC_DECIDES) == Some(false) {
        let told = lacks.unwrap_or("it can");
        return CAPABILITY.unknown(format_args!(
            "{told}; since 9.1 the offload spec of the switch can overrule that, which is not read"
        ));
    }
    lacks.and_then(|lacks| CAPABILITY.certain(lacks))
}

fn offload_spec(switch: &DistributedSwitch) -> Option<Obstacle> {
    match &switch.offload_spec {
        Told::Value(spec) if spec == "None" => OFFLOAD_SPEC.certain("turned off (`None`)"),
        Told::Value(_) => None,
        Told::Unset => OFFLOAD_SPEC.certain("not set"),
        Told::Hidden(why) => OFFLOAD_SPEC.unknown(why),
    }
}

fn policy(switch: &DistributedSwitch) -> Option<Obstacle> {
    match &switch.policy {
        Told::Value(policy) if policy.standby_uplink.is_empty() => {
            POLICY.certain("it names no standby uplink")
        }
        Told::Value(_) => None,
        Told::Unset => POLICY.certain("none: all uplinks work, and nothing stands by"),
        Told::Hidden(why) => POLICY.unknown(why),
    }
}

/// The first thing that is wrong; what comes after it cannot be judged.
fn on_the_host(dpus: &SwitchDpus, wanted: Option<&DpuId>, host: &Host) -> Option<Obstacle> {
    if !dpus.offloaded {
        return OFFLOADED.certain("off");
    }
    if dpus.uplinks.is_empty() && is_before(&host.release, FAILOVER) == Some(true) {
        let shown = format!("release {} does not show them", host.release);
        return UPLINK_STATES.unknown(shown);
    }
    if dpus.uplinks.is_empty() {
        return UPLINK_STATES.certain(dpus.describe());
    }
    match dpus.dpus(&UplinkState::Active).len() {
        0 => {
            return ACTIVE.unknown(format_args!(
                "no active uplink is seen on a DPU ({})",
                dpus.describe()
            ));
        }
        1 => {}
        _ => return ACTIVE.certain(format!("more than one ({})", dpus.describe())),
    }
    let standby = dpus.standby();
    let target = match wanted {
        Some(wanted) if !standby.contains(wanted) => {
            return WANTED.certain(format!("{wanted} does not stand by ({})", dpus.describe()));
        }
        Some(wanted) => Some(wanted),
        None => standby.first(),
    };
    let Some(target) = target else {
        return STANDBY.certain(format!("none ({})", dpus.describe()));
    };
    let linked = |uplink: &Uplink| uplink.dpu.as_ref() == Some(target) && uplink.link_up;
    if !dpus.uplinks.iter().any(linked) {
        return LINK.certain(format!("no uplink of {target} has a link"));
    }
    health(&host.dpu_health, target)
}

/// What health monitoring says of a DPU: green is well and red is not, in any case of letters (inferred). Anything else does not
/// tell.
fn health(health: &Told<Vec<DpuStatusInfo>>, dpu: &DpuId) -> Option<Obstacle> {
    let all = match health {
        Told::Value(all) => all.as_slice(),
        Told::Unset => &[],
        Told::Hidden(why) => return HEALTH.unknown(why),
    };
    let Some(status) = all.iter().find(|status| status.dpu_id == dpu.as_str()) else {
        return HEALTH.unknown(format_args!("nothing is said of {dpu}"));
    };
    match status.status.base() {
        Ok(status) if status.key.eq_ignore_ascii_case("green") => None,
        Ok(status) if status.key.eq_ignore_ascii_case("red") => {
            HEALTH.certain(format!("{dpu} is {}", status.key))
        }
        Ok(status) => HEALTH.unknown(format_args!("{dpu} is {}", status.key)),
        Err(error) => HEALTH.unknown(error),
    }
}

#[cfg(test)]
mod tests;
