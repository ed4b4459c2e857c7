//! What the arrays of a world are like, with a switch for each reading that the sources leave open.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::group::GroupState;

/// The storage of a world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct VasaSpec {
    /// The providers of each vCenter: number 1 is `vasaProvider-east-1` and `vasaProvider-west-1`, and so on. Groups are
    /// dealt out to them in turn.
    pub providers: Vec<ProviderSpec>,
    /// How many of the groups, from the first one, hold two devices; the others are empty.
    pub groups_with_devices: u32,
    /// A group that already is where an operation would bring it answers with success and the warning `AlreadyDone`,
    /// instead of `InvalidReplicationState`.
    pub already_done: bool,
    /// A group with any work running answers `SyncOngoing` with the task of that work; otherwise only a running sync
    /// does, and other work is `ProviderBusy`.
    pub busy_names_task: bool,
    /// Queries with more groups than a provider's batch size answer `TooMany` for the ones beyond it.
    pub limits_queries: bool,
    /// After an unplanned failover the old source reports `SOURCE` until it is reversed; otherwise it reports
    /// `REMOTE_FAILEDOVER` as soon as it can be reached.
    pub source_stays: bool,
    /// After a planned failover, or a planned promotion, the old source reports `SOURCE` until it is reversed; otherwise it reports
    /// `REMOTE_FAILEDOVER` at once.
    pub planned_source_stays: bool,
    /// The state that a source shows once it was prepared.
    pub after_prepare: AfterPrepare,
    /// A reverse succeeds although the other array cannot be reached.
    pub reverses_alone: bool,
    /// Which replicas the target has right after a reverse.
    pub after_reverse: AfterReverse,
    /// How replicators on the hosts write the paths of the files that they made.
    pub file_paths: FilePaths,
    /// How long the providers of a vCenter that started anew are not to be reached after it answers again, in
    /// milliseconds.
    pub late_ms: u32,
    /// How long after the work on a group its recovered volumes surface, in milliseconds: until then the vCenter does not know them,
    /// and the group does not tell which they are.
    pub surfaces_ms: u32,
    /// How ids of volumes are written, as against the properties of virtual machines.
    pub volume_ids: VolumeIds,
    /// Groups that fail.
    pub entry_faults: Vec<EntryFault>,
    /// What refuses a call as a whole does so as the error of its task, and the call itself is taken.
    pub refuses_in_task: bool,
    /// A call with a group of a fault domain for which another provider is active is refused as a whole with
    /// `InactiveProvider`; otherwise only that group is.
    pub inactive_refuses_call: bool,
    /// What a provider says of a group that is not its own.
    pub other_provider: OtherProvider,
    /// `InactiveProvider` does not say which provider is active.
    pub hides_active: bool,
    /// `TooMany` does not say how many groups a call may hold.
    pub hides_limit: bool,
    /// How the result of a task comes.
    pub result_form: ResultForm,
    /// A provider is registered only with its certificate in the request: otherwise `CertificateNotTrusted` holds it.
    pub untrusted_certificates: bool,
    /// No replicas are made of a group whose test runs.
    pub pauses_in_test: bool,
    /// Volumes of a test that are in use fail the task of a test failover stop without `force`; otherwise they are the
    /// error of their group's entry.
    pub leftovers_fail_task: bool,
    /// How many alarms an answer holds at most.
    pub alarms_per_page: u32,
}

/// What a provider says of a group that is not its own, since another one is active for its fault domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtherProvider {
    /// `InactiveProvider`.
    #[default]
    Inactive,
    /// `InvalidFunctionTarget`, as of a group of the other site.
    FunctionTarget,
    /// Nothing in a query, whose answer leaves the group out; `InvalidFunctionTarget` in a task.
    Silent,
}

/// How a provider writes the ids of volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VolumeIds {
    /// As virtual machines have them: `rfc4122.3f2504e0-4f89-41d3-9a0c-0305e82c3301`.
    #[default]
    AsFiles,
    /// In capital letters.
    Capitals,
    /// Without dashes.
    NoDashes,
}

impl VolumeIds {
    pub(crate) fn write(self, id: &str) -> String {
        match self {
            Self::AsFiles => id.to_owned(),
            Self::Capitals => id.to_ascii_uppercase(),
            Self::NoDashes => id.replace('-', ""),
        }
    }
}

/// The state that a source shows once it was prepared, until it is failed over. A second prepare is refused where it moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterPrepare {
    /// `SOURCE`, as before.
    #[default]
    Stays,
    /// `REMOTE_FAILEDOVER`, before there was a failover.
    RemoteFailedOver,
    /// `TARGET`: no side is the source.
    Target,
}

impl AfterPrepare {
    pub(super) fn state(self) -> GroupState {
        match self {
            Self::Stays => GroupState::Source,
            Self::RemoteFailedOver => GroupState::RemoteFailedOver,
            Self::Target => GroupState::Target,
        }
    }
}

/// Which replicas the target has right after a reverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterReverse {
    /// None, until the first copy back.
    #[default]
    Nothing,
    /// Those of before, which are older than what it held as the source.
    OldReplicas,
    /// One of the moment of the reverse.
    NewReplica,
}

/// How a replicator on the hosts writes the path of a file from the URL of its datastore on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilePaths {
    /// With a slash in front: `/app-001/app-001.vmx`.
    #[default]
    FromUrl,
    /// Without one, and the URL without one at its end.
    Bare,
    /// From the root of the host on: `/vmfs/volumes/...`.
    FromHost,
    /// In datastore form, by the name that the datastore has from the start: `[datastore-west-1] app-001/app-001.vmx`.
    DatastoreForm,
}

/// Whether an array makes the files that it recovers name the volumes of their own side, and what an update of such files says of
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CorrectsFiles {
    /// It does not: they name those of the source until they are rewritten.
    #[default]
    No,
    /// It does, and they are in neither list of the result.
    Unlisted,
    /// It does, and they are among the files that were updated.
    Listed,
    /// It does, and they are among the files that failed, since they name none of the volumes.
    Failed,
}

/// How an array of results comes in a place that takes any value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultForm {
    /// In a box named after the declared type.
    #[default]
    Declared,
    /// In a box named after the type of the first element.
    Subtype,
    /// Without a box; a single element without its array.
    Bare,
}

impl VasaSpec {
    /// The switch that makes results other than the documents show, for recordings; empty if it is off.
    pub(super) fn form(&self) -> &'static str {
        match self.result_form {
            ResultForm::Declared => "",
            ResultForm::Subtype | ResultForm::Bare => "result_form",
        }
    }
}

impl Default for VasaSpec {
    fn default() -> Self {
        let limited = ProviderSpec {
            max_batch_size: Some(8),
            ..ProviderSpec::default()
        };
        let unlimited = ProviderSpec {
            lists_ids_only: true,
            ..ProviderSpec::default()
        };
        Self {
            providers: vec![limited, unlimited],
            groups_with_devices: 0,
            already_done: false,
            busy_names_task: false,
            limits_queries: false,
            source_stays: false,
            planned_source_stays: false,
            after_prepare: AfterPrepare::Stays,
            reverses_alone: false,
            after_reverse: AfterReverse::Nothing,
            file_paths: FilePaths::FromUrl,
            late_ms: 0,
            surfaces_ms: 0,
            volume_ids: VolumeIds::AsFiles,
            entry_faults: Vec::new(),
            refuses_in_task: false,
            inactive_refuses_call: false,
            other_provider: OtherProvider::Inactive,
            hides_active: false,
            hides_limit: false,
            result_form: ResultForm::Declared,
            untrusted_certificates: false,
            pauses_in_test: false,
            leftovers_fail_task: false,
            alarms_per_page: 50,
        }
    }
}

/// One provider, the same at both vCenters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ProviderSpec {
    /// `VasaProviderInfo.maxBatchSize`; absent: not said.
    pub max_batch_size: Option<i64>,
    /// How many groups one call may really hold; absent: as many as `max_batch_size` says.
    pub call_limit: Option<i64>,
    /// How many groups of one call are worked on; the others get `TooMany` in their entries. Absent: all.
    pub group_limit: Option<u32>,
    /// How many replicas of a group are listed in one answer; more are `TooMany` in the group's entry. Absent: all.
    pub replica_limit: Option<u32>,
    /// How long work takes, in percent of the usual time.
    pub slow_percent: u32,
    /// How many calls that change groups are refused with `ProviderBusy` before the first one is taken.
    pub busy_calls: u32,
    /// How many tasks of the provider run at most; a further call is refused with `ProviderBusy`. Absent: any number.
    pub tasks_at_once: Option<u32>,
    /// A planned failover is refused unless the group was prepared since it last changed its state.
    pub needs_prepare: bool,
    /// Devices are virtual machines and disks of a replicator on the hosts, not virtual volumes.
    pub host_based: bool,
    /// The files on recovered volumes name the volumes of their own side.
    pub corrects_files: CorrectsFiles,
    /// The last device of each group has no valid replica: it is not recovered although its group is.
    pub loses_device: bool,
    /// Each virtual machine has a snapshot, whose volume only a query tells of, and only where the group is recovered.
    pub holds_snapshots: bool,
    /// The alarms that are active from the start.
    pub alarms: Vec<AlarmSpec>,
    /// The query for all groups answers ids only.
    pub lists_ids_only: bool,
    /// A failover also reverses, and its new state is `SOURCE`.
    pub self_reversing: bool,
    /// A reverse that is asked for gives the group other ids on both sides.
    pub renames_on_reverse: bool,
    /// Test failover start and stop have results; otherwise only when a group failed.
    pub test_results: bool,
    /// `force` of test failover stop is known; otherwise it is `NotSupportedByProvider`.
    pub supports_force: bool,
    /// Test failover stop without `force` finds volumes in use and refuses.
    pub test_leftovers: bool,
    /// Replicas are answered as counts by interval unless details are asked for.
    pub continuous: bool,
    /// `TargetGroupInfo.isPromoteCapable`.
    pub promote_capable: bool,
    /// The vCenters at which the provider is offline from the start.
    pub offline_at: Vec<String>,
    /// The vCenters at which the provider is not registered at the start.
    pub unregistered_at: Vec<String>,
}

/// An active alarm of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlarmSpec {
    /// What kind of alarm: `AlarmType`.
    pub alarm_type: String,
    /// How bad it is: `SmsAlarmStatus`.
    pub status: String,
    /// The type of what it is about: `SmsEntityType`.
    pub entity_type: String,
    /// The id of what it is about.
    pub entity_id: String,
    /// The id of its text.
    pub message_id: String,
}

impl Default for ProviderSpec {
    fn default() -> Self {
        Self {
            max_batch_size: None,
            call_limit: None,
            group_limit: None,
            replica_limit: None,
            slow_percent: 100,
            busy_calls: 0,
            tasks_at_once: None,
            needs_prepare: false,
            host_based: false,
            corrects_files: CorrectsFiles::No,
            loses_device: false,
            holds_snapshots: false,
            alarms: Vec::new(),
            lists_ids_only: false,
            self_reversing: false,
            renames_on_reverse: false,
            test_results: false,
            supports_force: true,
            test_leftovers: false,
            continuous: false,
            promote_capable: false,
            offline_at: Vec::new(),
            unregistered_at: Vec::new(),
        }
    }
}

impl ProviderSpec {
    /// The number of groups that one call may hold.
    pub(super) fn limit(&self) -> Option<usize> {
        let limit = self.call_limit.or(self.max_batch_size)?;
        usize::try_from(limit).ok().filter(|limit| *limit > 0)
    }
}

/// A group that fails inside a batch whose call is answered with success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryFault {
    /// The name of the group, such as `group-007`.
    pub group: String,
    /// The operation id; left out, every one that changes groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// How often; left out, for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// The fault of the group's entry, with its `_typeName`.
    pub fault: Value,
    /// The work on the group is done all the same, and its task does not wait for it: the provider lost sight of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub acted: bool,
}
