//! Point-in-time replicas as a query answers them.

use farside_models_sms::{
    GroupOperationResult, QueryPointInTimeReplicaSuccessResult, QueryPointInTimeReplicaSummaryResult,
};
use farside_wire::{Fault, Object, Timestamp};

use crate::id::PointId;

/// A point in time that a group can be recovered to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PointInTime {
    /// Its id.
    pub id: PointId,
    /// Its name.
    pub name: String,
    /// The moment, by the provider's clock.
    pub time: Timestamp,
}

/// The points in time of one group.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupPoints {
    /// Each of them, in the server's order.
    Points(Vec<PointInTime>),
    /// Their number alone: a replicator with continuous history.
    Summary {
        /// How many there are.
        number: u64,
        /// The end of the latest interval that has some.
        newest: Option<Timestamp>,
    },
    /// The provider has nothing but faults to say about the group.
    Failed {
        /// The faults, as sent.
        faults: Vec<Fault>,
    },
    /// The answer does not mention the group, or not in a form that can be read.
    Missing,
}

impl GroupPoints {
    /// The newest moment that can be recovered to.
    #[must_use]
    pub fn newest(&self) -> Option<Timestamp> {
        match self {
            Self::Points(points) => points.iter().map(|point| point.time).max(),
            Self::Summary { newest, .. } => *newest,
            Self::Failed { .. } | Self::Missing => None,
        }
    }
}

pub(crate) fn read(entry: &Object<GroupOperationResult>) -> Option<GroupPoints> {
    if let Some(Ok(found)) = entry.downcast::<QueryPointInTimeReplicaSuccessResult>() {
        let points = found.replica_info.into_iter().map(|point| PointInTime {
            id: PointId::new(point.id.id),
            name: point.pit_name,
            time: point.time_stamp,
        });
        return Some(GroupPoints::Points(points.collect()));
    }
    let found = entry.downcast::<QueryPointInTimeReplicaSummaryResult>()?.ok()?;
    let filled = found
        .interval_results
        .iter()
        .filter(|interval| interval.number > 0);
    Some(GroupPoints::Summary {
        number: filled
            .clone()
            .map(|interval| u64::try_from(interval.number).unwrap_or(0))
            .sum(),
        newest: filled.map(|interval| interval.to_date).max(),
    })
}
