//! A replication group: its two sides, its replicas, and what may be done to it in which state.
//!
//! | state here / there | from | by |
//! | --- | --- | --- |
//! | `TARGET` / `SOURCE` | the start | |
//! | `INTEST` / `SOURCE` | `TARGET` / `SOURCE` | test failover start |
//! | `TARGET` / `SOURCE` | `INTEST` / `SOURCE` | test failover stop |
//! | `FAILEDOVER` / `REMOTE_FAILEDOVER` | `TARGET` / `SOURCE` | failover |
//! | `FAILEDOVER` / `REMOTE_FAILEDOVER` | `INTEST` / `SOURCE` | promote |
//! | `SOURCE` / `TARGET` | `FAILEDOVER` / `REMOTE_FAILEDOVER` | reverse |
//!
//! The states of both sides follow from one phase and from which side is the source, so no other pair can come to be.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::vi_json::fault::Fault;

/// The state of a group as one side reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GroupState {
    /// Replicates from here.
    Source,
    /// Replicates to here.
    Target,
    /// Recovered here, not yet a source.
    #[serde(rename = "FAILEDOVER")]
    FailedOver,
    /// A test failover is running here.
    #[serde(rename = "INTEST")]
    InTest,
    /// The other side was failed over.
    #[serde(rename = "REMOTE_FAILEDOVER")]
    RemoteFailedOver,
}

impl GroupState {
    /// The text on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "SOURCE",
            Self::Target => "TARGET",
            Self::FailedOver => "FAILEDOVER",
            Self::InTest => "INTEST",
            Self::RemoteFailedOver => "REMOTE_FAILEDOVER",
        }
    }
}

/// What is done to groups by a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// `PrepareFailoverReplicationGroup_Task`.
    Prepare,
    /// `FailoverReplicationGroup_Task`.
    Failover,
    /// `ReverseReplicateGroup_Task`.
    Reverse,
    /// `TestFailoverReplicationGroupStart_Task`.
    TestStart,
    /// `TestFailoverReplicationGroupStop_Task`.
    TestStop,
    /// `SyncReplicationGroup_Task`.
    Sync,
    /// `PromoteReplicationGroup_Task`.
    Promote,
}

impl Verb {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Failover => "failover",
            Self::Reverse => "reverse",
            Self::TestStart => "test_start",
            Self::TestStop => "test_stop",
            Self::Sync => "sync",
            Self::Promote => "promote",
        }
    }

    /// How long the work on one group takes, in milliseconds.
    pub(super) fn range_ms(self) -> Range<i64> {
        match self {
            Self::Prepare | Self::TestStop | Self::Promote => 200..900,
            Self::Sync => 300..1_500,
            Self::Failover => 800..3_000,
            Self::TestStart => 600..2_000,
            Self::Reverse => 600..2_500,
        }
    }
}

/// Where a group is between protection and recovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    Replicating,
    InTest,
    FailedOver,
}

/// One side of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Side {
    pub(super) vcenter: String,
    pub(super) provider: String,
    pub(super) fault_domain: String,
    pub(super) id: String,
    pub(super) datastore: String,
}

impl Side {
    pub(super) fn group_id(&self) -> Value {
        group_id(&self.fault_domain, &self.id)
    }

    /// What the group is found by.
    pub(super) fn key(&self) -> (String, String, String) {
        (self.vcenter.clone(), self.fault_domain.clone(), self.id.clone())
    }
}

pub(super) fn group_id(fault_domain: &str, id: &str) -> Value {
    json!({
        "_typeName": "ReplicationGroupId",
        "faultDomainId": fault_domain_id(fault_domain),
        "deviceGroupId": {"_typeName": "DeviceGroupId", "id": id},
    })
}

pub(super) fn fault_domain_id(id: &str) -> Value {
    json!({"_typeName": "FaultDomainId", "id": id})
}

/// A replica of one point in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pit {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) at_ms: i64,
    pub(super) automatic: bool,
}

/// A device of a group: its id and that of its replica on each side, and what it is a part of at the first source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Device {
    pub(super) ids: [String; 2],
    pub(super) replicas: [String; 2],
    /// The virtual machine.
    pub(super) vm: String,
    /// The key of the disk; the home of the virtual machine if `None`.
    pub(super) disk: Option<i32>,
    /// Whether it is what a snapshot of the virtual machine is on, and so none of its parts.
    pub(super) snapshot: bool,
}

/// Work that is going on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Busy {
    pub(super) verb: Verb,
    pub(super) task: String,
}

/// A replication group with both its sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pair {
    pub(super) name: String,
    pub(super) provider: usize,
    pub(super) sides: [Side; 2],
    /// Which side is the source.
    pub(super) source: usize,
    pub(super) phase: Phase,
    /// Whether the source took part in the failover; an unplanned one does not tell it.
    pub(super) source_told: bool,
    /// Whether the source became one by recovery.
    pub(super) recovered: bool,
    pub(super) prepared: bool,
    pub(super) busy: Option<Busy>,
    /// The replicas at the target, oldest first.
    pub(super) pits: Vec<Pit>,
    pub(super) pits_made: u32,
    /// The replica that a test or a failover was made from.
    pub(super) used_pit: Option<String>,
    pub(super) devices: Vec<Device>,
    /// World time at which the volumes that were recovered last surface, in milliseconds.
    pub(super) surfaces_ms: i64,
    /// Grows with each change of sides.
    pub(super) turn: u32,
}

/// How many automatic replicas are kept.
const KEPT: usize = 8;

impl Pair {
    pub(super) fn target(&self) -> usize {
        1 - self.source
    }

    /// The devices that are parts of the virtual machine.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Device> {
        self.devices.iter().filter(|device| !device.snapshot)
    }

    /// The name of the virtual machine, and of its files.
    pub(super) fn machine(&self) -> String {
        format!("app-{}", self.name.trim_start_matches("group-"))
    }

    /// The id of the group at a side from which it is replicated.
    pub(super) fn replicated_from(&self, side: usize) -> Option<Value> {
        (self.state(side) == GroupState::Source).then(|| self.sides[side].group_id())
    }

    /// The state as a side would report it if it knew all.
    pub(super) fn state(&self, side: usize) -> GroupState {
        match (self.phase, side == self.source) {
            (Phase::Replicating | Phase::InTest, true) => GroupState::Source,
            (Phase::Replicating, false) => GroupState::Target,
            (Phase::InTest, false) => GroupState::InTest,
            (Phase::FailedOver, true) => GroupState::RemoteFailedOver,
            (Phase::FailedOver, false) => GroupState::FailedOver,
        }
    }

    /// Whether it was prepared for a failover that it waits for.
    pub(super) fn is_prepared(&self) -> bool {
        self.prepared && self.phase != Phase::FailedOver
    }

    /// On which sides hosts can reach volumes: at the source, and at a target that was recovered.
    pub(super) fn held(&self) -> [bool; 2] {
        let recovered = self.phase != Phase::Replicating;
        [0, 1].map(|side| side == self.source || recovered)
    }

    /// Whether the group allows it, asked at a side. `Ok(false)`: the group already is where it would be brought.
    pub(super) fn allows(&self, side: usize, verb: Verb, already_done: bool) -> Result<bool, Fault> {
        let state = self.state(side);
        let (at_source, needed, reached) = match verb {
            Verb::Prepare => (true, GroupState::Source, None),
            Verb::Failover => (false, GroupState::Target, Some(GroupState::FailedOver)),
            Verb::TestStart => (false, GroupState::Target, Some(GroupState::InTest)),
            Verb::TestStop => (false, GroupState::InTest, Some(GroupState::Target)),
            Verb::Sync => (false, GroupState::Target, None),
            Verb::Reverse => (false, GroupState::FailedOver, Some(GroupState::Source)),
            Verb::Promote => (false, GroupState::InTest, Some(GroupState::FailedOver)),
        };
        // A side that became the source by a recovery is asked in the wrong state, not at the wrong end.
        let came_here = self.recovered && side == self.source && self.phase != Phase::FailedOver;
        if (side == self.source) != at_source && !came_here {
            return Err(Fault::new(
                "InvalidFunctionTarget",
                "The other side of the group has to be asked.",
            ));
        }
        if state == needed && (side == self.source) == at_source {
            return Ok(true);
        }
        let recovered = came_here && verb == Verb::Failover;
        if already_done && (reached == Some(state) || recovered) {
            return Ok(false);
        }
        Err(invalid_state(state, needed))
    }

    /// Changes sides: the target becomes the source, which has no replicas yet.
    pub(super) fn turn_round(&mut self) {
        self.source = self.target();
        self.phase = Phase::Replicating;
        self.source_told = true;
        self.recovered = true;
        self.prepared = false;
        self.pits.clear();
        self.used_pit = None;
        self.turn += 1;
    }

    /// Stores a replica and drops the automatic ones that are too old.
    pub(super) fn store(&mut self, at_ms: i64, name: Option<&str>) -> Pit {
        self.pits_made += 1;
        let number = self.pits_made;
        let short = self.name.trim_start_matches("group-");
        let pit = Pit {
            id: format!("pit-{short}-{number}"),
            name: name.map_or_else(|| format!("auto-{number}"), str::to_owned),
            at_ms,
            automatic: name.is_none(),
        };
        self.pits.push(pit.clone());
        let surplus = self
            .pits
            .iter()
            .filter(|pit| pit.automatic)
            .count()
            .saturating_sub(KEPT);
        let mut dropped = 0;
        self.pits.retain(|pit| {
            let old = pit.automatic && dropped < surplus;
            dropped += usize::from(old);
            !old
        });
        pit
    }

    /// The replica to recover from: the one asked for, or the newest.
    pub(super) fn replica(&self, wanted: Option<&str>) -> Result<&Pit, Fault> {
        let found = match wanted {
            Some(id) => self.pits.iter().find(|pit| pit.id == id),
            None => self.pits.last(),
        };
        found.ok_or_else(|| Fault::new("NoValidReplica", "There is no such replica."))
    }
}

pub(super) fn invalid_state(current: GroupState, desired: GroupState) -> Fault {
    Fault::new("InvalidReplicationState", "The group is not in the wanted state.")
        .with("currentState", current.as_str())
        .with("desiredState", json!([desired.as_str()]))
}
