//! A VM replication and its state machine.
//!
//! | recovery state | accepts | becomes, when the work succeeds |
//! | --- | --- | --- |
//! | `NOT_STARTED` | failover, migrate | `COMPLETE` |
//! | `NOT_STARTED` | test | `TEST` |
//! | `NOT_STARTED`, `TEST` | sync, storage profile | the same |
//! | `NOT_STARTED`, `TEST` | pause, resume, reconfigure | the same |
//! | `TEST` | test clean-up | `NOT_STARTED` |
//! | `COMPLETE` | reverse | `NOT_STARTED`, the other way round |
//! | `NOT_STARTED`, `COMPLETE` | stop | it is gone |
//! | `IN_PROGRESS` | nothing | |
//!
//! While the work of a recovery runs the state is `IN_PROGRESS`, but for a reverse, which stays `COMPLETE`. Work that fails
//! leads back to where it began.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::ApiError;

/// Where a recovery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RecoveryState {
    /// The source is protected.
    NotStarted,
    /// Work is running.
    InProgress,
    /// A test copy exists at the destination.
    Test,
    /// The VM has been recovered at the destination.
    Complete,
}

impl RecoveryState {
    /// The wire name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "NOT_STARTED",
            Self::InProgress => "IN_PROGRESS",
            Self::Test => "TEST",
            Self::Complete => "COMPLETE",
        }
    }
}

/// A kind of work on a replication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WorkKind {
    /// Recover from a stored instance.
    Failover,
    /// Make a test copy.
    FailoverTest,
    /// Remove the test copy.
    FailoverTestCleanup,
    /// Power the source off, sync, and recover.
    Migrate,
    /// Protect the recovered VM, with the site it came from as destination.
    Reverse,
    /// Copy nothing until it is resumed.
    Pause,
    /// Copy again.
    Resume,
    /// Copy once more than the interval asks for.
    Sync,
    /// Move the replica to other storage.
    StorageProfile,
    /// Change how it is copied.
    Reconfigure,
    /// Remove the replication.
    Stop,
}

impl WorkKind {
    /// The `type` of the workflow.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failover => "failover",
            Self::FailoverTest => "failoverTest",
            Self::FailoverTestCleanup => "failoverTestCleanup",
            Self::Migrate => "migrate",
            Self::Reverse => "reverse",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Sync => "sync",
            Self::StorageProfile => "storageProfile",
            Self::Reconfigure => "reconfigure",
            Self::Stop => "stop",
        }
    }

    /// The recovery states that allow this work.
    pub fn begins_in(self) -> &'static [RecoveryState] {
        use RecoveryState::{Complete, NotStarted, Test};
        match self {
            Self::Failover | Self::FailoverTest | Self::Migrate => &[NotStarted],
            Self::FailoverTestCleanup => &[Test],
            Self::Reverse => &[Complete],
            Self::Pause | Self::Resume | Self::Sync | Self::StorageProfile | Self::Reconfigure => {
                &[NotStarted, Test]
            }
            Self::Stop => &[NotStarted, Complete],
        }
    }

    /// The recovery state while the work runs that began in `state`.
    pub(super) fn runs_in(self, state: RecoveryState, reverse_in_progress: bool) -> RecoveryState {
        match self {
            Self::Failover | Self::FailoverTest | Self::FailoverTestCleanup | Self::Migrate => {
                RecoveryState::InProgress
            }
            Self::Reverse if reverse_in_progress => RecoveryState::InProgress,
            Self::Reverse
            | Self::Pause
            | Self::Resume
            | Self::Sync
            | Self::StorageProfile
            | Self::Reconfigure
            | Self::Stop => state,
        }
    }

    /// The recovery state when the work has succeeded that began in `state`.
    pub(super) fn ends_in(self, state: RecoveryState) -> RecoveryState {
        match self {
            Self::Failover | Self::Migrate => RecoveryState::Complete,
            Self::FailoverTest => RecoveryState::Test,
            Self::FailoverTestCleanup | Self::Reverse => RecoveryState::NotStarted,
            Self::Pause
            | Self::Resume
            | Self::Sync
            | Self::StorageProfile
            | Self::Reconfigure
            | Self::Stop => state,
        }
    }

    /// How long the work takes, in milliseconds.
    pub(super) fn range_ms(self) -> Range<i64> {
        match self {
            Self::Failover => 800..2_500,
            Self::FailoverTest => 600..2_000,
            Self::FailoverTestCleanup => 300..1_200,
            Self::Migrate => 1_500..4_000,
            Self::Reverse => 1_000..3_000,
            Self::Pause | Self::Resume | Self::Reconfigure => 100..600,
            Self::Sync => 800..3_000,
            Self::StorageProfile => 1_000..5_000,
            Self::Stop => 200..900,
        }
    }
}

/// Kind of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetKind {
    /// A Cloud Director site.
    Vcloud,
    /// A vCenter site.
    Vcenter,
}

impl TargetKind {
    /// The wire name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vcloud => "vcloud",
            Self::Vcenter => "vcenter",
        }
    }
}

/// How a replication copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copying {
    /// A text of its owner.
    pub description: String,
    /// The longest age of the newest instance that is wanted, in minutes.
    pub rpo_minutes: i32,
    /// Whether the guest is asked to hold still.
    pub quiesced: bool,
    /// `PLAIN`, `ENCRYPTED` or `ENCRYPTED_COMPRESSED`.
    pub data_connection: String,
    /// The rules by which instances are kept, as the caller gave them; they are shown and not played.
    pub retention: Value,
    /// The profile that settles all of that, if any.
    pub sla_profile: Option<String>,
    /// `THIN` and so on.
    pub disk_type: String,
    /// When the first copy was to be made, in milliseconds since 1970 by the site's clock.
    pub initial_sync: Option<i64>,
}

impl Copying {
    /// From one instance to the next, in milliseconds.
    pub(super) fn interval_ms(&self) -> i64 {
        // Time would stand still at an interval of nothing, as a file may have it.
        i64::from(self.rpo_minutes).max(1) * 60_000
    }

    /// What a replication begins with when nobody says otherwise.
    pub(super) fn usual(rpo_minutes: i32) -> Self {
        Self {
            description: String::new(),
            rpo_minutes,
            quiesced: false,
            data_connection: "ENCRYPTED".to_owned(),
            retention: serde_json::json!({"rules": [{"numberOfInstances": 4, "distance": rpo_minutes}]}),
            sla_profile: None,
            disk_type: "THIN".to_owned(),
            initial_sync: None,
        }
    }
}

/// One end of a replication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The site.
    pub site: String,
    /// The organisation there.
    pub org: String,
    /// Id of the virtual data centre.
    pub vdc_id: String,
    /// Name of the virtual data centre.
    pub vdc_name: String,
}

/// A VM at one end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vm {
    /// Its id.
    pub id: String,
    /// The vApp that holds it.
    pub vapp_id: String,
    /// Whether it runs.
    pub powered_on: bool,
    /// The instance it was made from, if it was.
    pub instance: Option<String>,
    /// The network settings it was made with, as the caller gave them.
    pub network_settings: Option<Value>,
    /// The network that its card is connected to, if it is.
    pub network: Option<String>,
}

/// A stored point in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its key, to be given as `instanceId`.
    pub key: String,
    /// Counts the instances of a replication.
    pub sequence: i64,
    /// World time at which it was taken, in milliseconds.
    pub taken_ms: i64,
    /// Bytes it took to transfer.
    pub transfer_bytes: i64,
}

/// A VM replication; both its sites show the same one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replication {
    /// `C4-<uuid>`; stays the same when the direction changes.
    pub id: String,
    /// Name of the VM.
    pub vm_name: String,
    /// Organisation and site that own the replication.
    pub owner: String,
    /// Where the VM is protected.
    pub source: Place,
    /// Where it is recovered.
    pub destination: Place,
    /// Where the recovery stands.
    pub recovery: RecoveryState,
    /// Whether it was reversed since it was made, an odd number of times.
    pub is_reversed: bool,
    /// How it copies.
    pub copying: Copying,
    /// Whether it copies nothing until it is resumed.
    pub is_paused: bool,
    /// Whether it was set up to be migrated.
    pub is_migration: bool,
    /// Whether its replica is being moved to other storage.
    pub is_moving: bool,
    /// Kind of the site it leads to.
    pub target: TargetKind,
    /// Kind of the site it comes from, to which it leads when it is turned round.
    pub origin: TargetKind,
    /// Where the replica is stored.
    pub storage_profile: String,
    /// The vApp replication it is part of.
    pub vapp: String,
    /// The stored instances, oldest first.
    pub instances: Vec<Instance>,
    /// The VM at the source, while there is one.
    pub source_vm: Option<Vm>,
    /// The VM at the destination: a test copy, or the recovered VM.
    pub destination_vm: Option<Vm>,
    /// The task that works on it.
    pub task: Option<String>,
    /// World time at which it was recovered, in milliseconds.
    pub recovered_ms: Option<i64>,
    /// Why its last work failed.
    pub last_error: Option<ApiError>,
    /// World time of its last change, in milliseconds.
    pub updated_ms: i64,
    pub(super) next_sequence: i64,
}

/// A way and where a recovery stands, in one text.
pub(crate) fn way_text(source: &str, destination: &str, state: RecoveryState) -> String {
    format!("{source} to {destination}, {}", state.as_str())
}

/// How many instances a replication keeps.
const KEPT_INSTANCES: usize = 4;

impl Replication {
    /// The newest instance.
    pub fn latest_instance(&self) -> Option<&Instance> {
        self.instances.last()
    }

    /// The instance of this key.
    pub fn instance(&self, key: &str) -> Option<&Instance> {
        self.instances.iter().find(|instance| instance.key == key)
    }

    /// Whether one of its ends is at this site.
    pub fn is_at(&self, site: &str) -> bool {
        self.source.site == site || self.destination.site == site
    }

    /// Minutes by which the newest instance is older than wanted; zero if it is not.
    pub fn rpo_violation_minutes(&self, now_ms: i64) -> i64 {
        let age_ms = self
            .latest_instance()
            .map_or(0, |instance| now_ms - instance.taken_ms);
        (age_ms / 60_000 - i64::from(self.copying.rpo_minutes)).max(0)
    }

    /// Its way and where its recovery stands: `east to west, NOT_STARTED`.
    pub(crate) fn state_and_way(&self) -> String {
        way_text(&self.source.site, &self.destination.site, self.recovery)
    }

    /// Whether the source is copied at intervals: it is while nothing has been recovered for good.
    pub(super) fn is_copying(&self) -> bool {
        self.source_vm.is_some()
            && !self.is_paused
            && matches!(self.recovery, RecoveryState::NotStarted | RecoveryState::Test)
    }

    /// Stores one more instance and drops the oldest one that is too many.
    pub(super) fn store(&mut self, key: String, taken_ms: i64, transfer_bytes: i64) {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        self.instances.push(Instance {
            key,
            sequence,
            taken_ms,
            transfer_bytes,
        });
        let excess = self.instances.len().saturating_sub(KEPT_INSTANCES);
        self.instances.drain(..excess);
    }

    /// Turns the direction round: the recovered VM becomes the source, the original one is gone.
    pub(super) fn turn_round(&mut self) {
        std::mem::swap(&mut self.source, &mut self.destination);
        self.source_vm = self.destination_vm.take();
        self.is_reversed = !self.is_reversed;
        self.recovered_ms = None;
        std::mem::swap(&mut self.target, &mut self.origin);
        self.storage_profile = format!("sp-{}", self.destination.site);
    }
}
