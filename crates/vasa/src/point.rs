//! Point-in-time replicas: what is asked, and what is answered.

use farside_models_sms::{
    GroupOperationResult, QueryPointInTimeReplicaParam, QueryPointInTimeReplicaSuccessResult,
    QueryPointInTimeReplicaSummaryResult, ReplicaQueryIntervalParam,
};
use farside_wire::{Fault, Object, Timestamp};

use crate::id::PointId;

/// A point in time that a group can be recovered to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PointInTime {
    /// Its id.
    pub id: PointId,
    /// Its name; not unique over groups.
    pub name: String,
    /// The moment, by the provider's clock.
    pub time: Timestamp,
    /// What the array has marked it with.
    pub tags: Vec<String>,
}

/// How many points in time lie in an interval.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PointInterval {
    /// Its begin, inclusive.
    pub from: Timestamp,
    /// Its end, exclusive.
    pub to: Timestamp,
    /// How many there are.
    pub number: u64,
}

/// The points in time of one group.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupPoints {
    /// Each of them, in the server's order.
    Points(Vec<PointInTime>),
    /// Their numbers alone: a replicator with continuous history, or more points than the provider lists at once.
    Summary {
        /// The numbers, interval by interval.
        intervals: Vec<PointInterval>,
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
    /// The newest moment that can be recovered to; of a summary, the end of the latest interval that has points.
    #[must_use]
    pub fn newest(&self) -> Option<Timestamp> {
        match self {
            Self::Points(points) => points.iter().map(|point| point.time).max(),
            Self::Summary { intervals } => {
                let filled = intervals.iter().filter(|interval| interval.number > 0);
                filled.map(|interval| interval.to).max()
            }
            Self::Failed { .. } | Self::Missing => None,
        }
    }

    /// How many there are; `None` where that is not known.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::Points(points) => u64::try_from(points.len()).ok(),
            Self::Summary { intervals } => Some(intervals.iter().map(|interval| interval.number).sum()),
            Self::Failed { .. } | Self::Missing => None,
        }
    }
}

/// Which points in time are asked for; all of them unless narrowed.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct PointQuery {
    name: Option<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    number: Option<i32>,
    tags: Vec<String>,
    counts: bool,
}

impl PointQuery {
    /// All of them.
    pub fn all() -> Self {
        Self::default()
    }

    /// Those of one name.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..Self::default()
        }
    }

    /// Not before this moment.
    pub fn from(mut self, time: Timestamp) -> Self {
        self.from = Some(time);
        self
    }

    /// Before this moment.
    pub fn to(mut self, time: Timestamp) -> Self {
        self.to = Some(time);
        self
    }

    /// At most so many.
    pub fn at_most(mut self, number: u32) -> Self {
        self.number = Some(i32::try_from(number).unwrap_or(i32::MAX));
        self
    }

    /// Those that the array has marked with these.
    pub fn tagged(mut self, tags: impl IntoIterator<Item = String>) -> Self {
        self.tags = tags.into_iter().collect();
        self
    }

    /// Numbers by interval are enough. Replicators that keep no such history list the points all the same.
    pub fn counts(mut self) -> Self {
        self.counts = true;
        self
    }

    pub(crate) fn to_wire(&self) -> QueryPointInTimeReplicaParam {
        let interval = ReplicaQueryIntervalParam {
            from_date: self.from,
            to_date: self.to,
            number: self.number,
            ..ReplicaQueryIntervalParam::default()
        };
        let mut wanted = QueryPointInTimeReplicaParam::default().with_prefer_details(!self.counts);
        if interval != ReplicaQueryIntervalParam::default() {
            wanted.replica_time_query_param = Some(interval);
        }
        wanted.pit_name.clone_from(&self.name);
        wanted.tags.clone_from(&self.tags);
        wanted
    }
}

pub(crate) fn read(entry: &Object<GroupOperationResult>) -> Option<GroupPoints> {
    if let Some(Ok(found)) = entry.downcast::<QueryPointInTimeReplicaSuccessResult>() {
        let points = found.replica_info.into_iter().map(|point| PointInTime {
            id: PointId::new(point.id.id),
            name: point.pit_name,
            time: point.time_stamp,
            tags: point.tags,
        });
        return Some(GroupPoints::Points(points.collect()));
    }
    let found = entry.downcast::<QueryPointInTimeReplicaSummaryResult>()?.ok()?;
    let intervals = found.interval_results.into_iter().map(|interval| PointInterval {
        from: interval.from_date,
        to: interval.to_date,
        number: u64::try_from(interval.number).unwrap_or(0),
    });
    Some(GroupPoints::Summary {
        intervals: intervals.collect(),
    })
}
