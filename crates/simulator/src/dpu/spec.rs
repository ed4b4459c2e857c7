//! What the hosts of a world are like, with a switch for each reading that the sources leave open.

use serde::{Deserialize, Serialize};

/// The hosts of a world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct DpuSpec {
    /// Hosts at each vCenter.
    pub hosts_per_vcenter: u32,
    /// A call without an alias moves to whichever DPU is on standby, so that a second one moves back. Otherwise only
    /// the move to the configured standby uplinks can be started.
    pub toggles: bool,
    /// A property path may step into a member that only the value's own type has.
    pub paths_into_subtypes: bool,
    /// A move has ended when the call is answered, unless another one goes on; otherwise it goes on after that.
    pub moves_at_once: bool,
    /// `InvalidArgument` does not name the parameter that it is about.
    pub hides_parameter: bool,
    /// A switch that left a DPU by itself, for want of a link, goes back by itself once that DPU has one again.
    pub moves_back: bool,
    /// A switch whose offload was turned off has no `networkOffloadSpecId`, as one that never had any; otherwise it is `None`.
    pub offload_off_is_unset: bool,
    /// How a call is refused whose host vCenter has lost.
    pub lost_host: LostHost,
    /// When vCenter's own view of the uplinks, in `runtime` of the switch, follows a move.
    pub vcenter_view: VcenterView,
    /// What `RefreshNetworkSystem` does.
    pub refresh: Refresh,
    /// The failover policy of a switch that has hosts cannot be changed.
    pub locks_policy: bool,
    /// Ids of hosts that have a service console, as only old ones do.
    pub service_consoles: Vec<String>,
    /// Hosts with troubles.
    pub troubles: Vec<TroubledHost>,
    /// Switches with troubles.
    pub troubled_switches: Vec<TroubledSwitch>,
}

impl Default for DpuSpec {
    fn default() -> Self {
        Self {
            hosts_per_vcenter: 2,
            toggles: true,
            paths_into_subtypes: false,
            moves_at_once: false,
            hides_parameter: false,
            moves_back: false,
            offload_off_is_unset: false,
            lost_host: LostHost::default(),
            vcenter_view: VcenterView::default(),
            refresh: Refresh::default(),
            locks_policy: false,
            service_consoles: Vec::new(),
            troubles: Vec::new(),
            troubled_switches: Vec::new(),
        }
    }
}

/// How a call is refused whose host vCenter has lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LostHost {
    /// `HostNotConnected`: vCenter knew it before.
    #[default]
    NotConnected,
    /// `HostCommunication`: vCenter tried.
    Communication,
    /// `SystemError`, which is no fault of hosts.
    SystemError,
}

/// When vCenter's own view of the uplinks follows a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VcenterView {
    /// 0.7 s after it.
    #[default]
    Soon,
    /// A minute after it.
    Late,
    /// Not at all, unless a refresh makes vCenter look.
    Never,
}

/// What `RefreshNetworkSystem` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refresh {
    /// vCenter learns what the host knows.
    #[default]
    VcenterLearns,
    /// Nothing.
    Nothing,
    /// The host reads its own state; without it, the host shows the uplinks as they were before a move.
    HostLooks,
}

/// A trouble of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TroubledHost {
    /// The id of the host, such as `host-11`.
    pub host: String,
    /// What is wrong with it.
    pub trouble: HostTrouble,
}

/// What can be wrong with a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostTrouble {
    /// The host's part of the switch is not offloaded.
    NotOffloaded,
    /// The standby DPU is red and its cards have no link.
    StandbyDown,
    /// The host is in a partial maintenance mode.
    PartialMaintenance,
    /// vCenter has lost the host.
    Disconnected,
}

/// A trouble of a distributed switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TroubledSwitch {
    /// The id of the switch, such as `dvs-11`.
    pub switch: String,
    /// What is wrong with it.
    pub trouble: SwitchTrouble,
}

/// What can be wrong with a distributed switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SwitchTrouble {
    /// Its version knows no DPUs.
    KnowsNoDpus,
    /// Its version can be offloaded, but no DPU can stand by.
    NoStandbyMode,
    /// Its offload was never set up.
    OffloadUnset,
    /// Its offload was turned off.
    OffloadNone,
    /// It has no failover policy.
    NoPolicy,
    /// Its failover policy names no standby uplink.
    NoStandbyUplink,
    /// The operator may not read its configuration and its capabilities.
    Hidden,
    /// The operator does not see it at all.
    Invisible,
}
