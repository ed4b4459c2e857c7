//! What the arrays of a world are like, with a switch for each reading that the sources leave open.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// How long the providers of a vCenter that started anew are not to be reached after it answers again, in
    /// milliseconds.
    pub late_ms: u32,
    /// Groups that fail.
    pub entry_faults: Vec<EntryFault>,
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
            late_ms: 0,
            entry_faults: Vec::new(),
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
    /// The query for all groups answers ids only.
    pub lists_ids_only: bool,
    /// A failover also reverses, and its new state is `SOURCE`.
    pub self_reversing: bool,
    /// A reverse gives the group other ids on both sides.
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
}

impl Default for ProviderSpec {
    fn default() -> Self {
        Self {
            max_batch_size: None,
            call_limit: None,
            lists_ids_only: false,
            self_reversing: false,
            renames_on_reverse: false,
            test_results: false,
            supports_force: true,
            test_leftovers: false,
            continuous: false,
            promote_capable: false,
            offline_at: Vec::new(),
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
}
