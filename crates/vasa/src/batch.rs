//! Batches: how many groups fit into a call, and what a call came to for each of its groups.

use std::collections::BTreeMap;

use farside_models_sms::{
    FailoverSuccessResult, GroupErrorResult, GroupOperationResult, RecoveredDevice, ReplicationState,
    ReverseReplicationSuccessResult, SyncReplicationGroupSuccessResult, VasaProviderInfo,
};
use farside_wire::{Any, DataType as _, Fault, Object, OpenEnum as _, RawJson, Timestamp};

use crate::fault::{GroupFault, limit_of};
use crate::group::Group;
use crate::id::{GroupId, PointId};

/// The parts of `items` that fit into one call each, in order; one part where no limit is known. A limit of zero counts as
/// one.
pub fn split<T>(items: &[T], limit: Option<u32>) -> impl Iterator<Item = &[T]> {
    let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    items.chunks(limit.clamp(1, items.len().max(1)))
}

/// How many groups a provider takes in one call; `None` where it names no limit (absent, zero, less).
#[must_use]
pub fn batch_limit(info: &VasaProviderInfo) -> Option<u32> {
    info.max_batch_size.and_then(limit_of)
}

/// What a call came to for one of its groups.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupOutcome {
    /// It worked.
    Succeeded {
        /// What it brought.
        success: GroupSuccess,
        /// What went wrong without failing it; `AlreadyDone` says that nothing was to be done.
        warnings: Vec<Fault>,
    },
    /// It failed for this group.
    Failed {
        /// Why; can be empty if the server said so little.
        faults: Vec<Fault>,
    },
    /// The result does not mention the group: only a look can tell.
    Missing,
}

/// What an operation brought for one group.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum GroupSuccess {
    /// A failover or the start of a test.
    Recovered {
        /// The group's state at this side. `SOURCE`: the replicator reversed by itself.
        state: ReplicationState,
        /// The point in time that was recovered.
        point: Option<PointId>,
        /// A point in time that keeps what was at this side before; it may go after a reverse.
        point_before: Option<PointId>,
        /// The moment of the one recovered.
        time: Option<Timestamp>,
        /// Each recovered device; one can carry an error although the group succeeded.
        devices: Vec<RecoveredDevice>,
    },
    /// A reverse.
    Reversed {
        /// The group's id from here on.
        group: GroupId,
    },
    /// A sync.
    Synced {
        /// The point in time that was made.
        point: Option<PointId>,
        /// Its name.
        name: Option<String>,
        /// Its moment.
        time: Timestamp,
    },
    /// Anything else: a prepare, the end of a test, a check.
    Plain,
    /// The result did not mention the group, and its state showed that it worked: this is how it looked.
    Seen(Box<Group>),
}

/// Whether one of the warnings of a success says that nothing was to be done.
#[must_use]
pub fn is_already_done(warnings: &[Fault]) -> bool {
    warnings
        .iter()
        .any(|fault| GroupFault::of(fault) == GroupFault::AlreadyDone)
}

/// What the result of a task says about each group of its batch, in the batch's order.
///
/// The reading goes by the elements, not by the box around them: an array in a box of any name, a bare array and a single
/// object will do (VI JSON wire rules 11.3). No result at all, as test failovers have it, is [`GroupOutcome::Missing`] for
/// each. Of several elements about one group a failure counts first.
#[must_use]
pub fn regroup(batch: &[GroupId], result: Option<&RawJson>) -> Vec<GroupOutcome> {
    let elements = result
        .and_then(|raw| Any::from(raw.clone()).elements())
        .unwrap_or_default();
    let entries = elements.iter().filter_map(Any::as_object::<GroupOperationResult>);
    let mut found: BTreeMap<GroupId, GroupOutcome> = BTreeMap::new();
    for (id, entry) in with_ids(entries.collect()) {
        let outcome = read(&id, &entry);
        let known = found.entry(id).or_insert(GroupOutcome::Missing);
        if !matches!(known, GroupOutcome::Failed { .. }) && outcome != GroupOutcome::Missing {
            *known = outcome;
        }
    }
    let outcome = |id| found.get(id).cloned().unwrap_or(GroupOutcome::Missing);
    batch.iter().map(outcome).collect()
}

/// Entries with the groups that they are about; one whose group cannot be read is about none.
pub(crate) fn with_ids(
    entries: Vec<Object<GroupOperationResult>>,
) -> impl Iterator<Item = (GroupId, Object<GroupOperationResult>)> {
    entries.into_iter().filter_map(|entry| {
        let id = entry.raw_json().member("groupId")?.decode().ok()?;
        Some((GroupId::from_wire(&id)?, entry))
    })
}

/// The faults of an entry that is a failure.
pub(crate) fn failure(entry: &Object<GroupOperationResult>) -> Option<Vec<Fault>> {
    let faults = || entry.raw_json().member("error")?.decode::<Vec<Fault>>().ok();
    if entry.type_name() == GroupErrorResult::TYPE_NAME {
        return Some(faults().unwrap_or_default());
    }
    // A kind of failure of a later release is known by its errors.
    faults().filter(|faults| !faults.is_empty())
}

fn read(id: &GroupId, entry: &Object<GroupOperationResult>) -> GroupOutcome {
    if let Some(faults) = failure(entry) {
        return GroupOutcome::Failed { faults };
    }
    let warnings = entry.base().map(|base| base.warning).unwrap_or_default();
    match success(id, entry) {
        Some(success) => GroupOutcome::Succeeded { success, warnings },
        None => GroupOutcome::Missing,
    }
}

/// `None` for a success whose content is not what the schema says: it may be one, and a look will show it.
fn success(id: &GroupId, entry: &Object<GroupOperationResult>) -> Option<GroupSuccess> {
    if let Some(recovered) = entry.downcast::<FailoverSuccessResult>() {
        let recovered = recovered.ok()?;
        return Some(GroupSuccess::Recovered {
            state: ReplicationState::from_wire(&recovered.new_state),
            point: recovered.pit_id.map(|point| PointId::new(point.id)),
            point_before: recovered
                .pit_id_before_failover
                .map(|point| PointId::new(point.id)),
            time: recovered.time_stamp,
            devices: recovered.recovered_device_info,
        });
    }
    if let Some(reversed) = entry.downcast::<ReverseReplicationSuccessResult>() {
        // The fault domain stays; the device group may get another id (facts on replication groups).
        let group = GroupId::new(&id.fault_domain, reversed.ok()?.new_group_id.id);
        return Some(GroupSuccess::Reversed { group });
    }
    if let Some(synced) = entry.downcast::<SyncReplicationGroupSuccessResult>() {
        let synced = synced.ok()?;
        return Some(GroupSuccess::Synced {
            point: synced.pit_id.map(|point| PointId::new(point.id)),
            name: synced.pit_name,
            time: synced.time_stamp,
        });
    }
    Some(GroupSuccess::Plain)
}
