//! Groups and tasks as somebody sees them who watches the world.

use super::{GroupState, Sms};
use crate::chronicle::Happening;
use crate::overview::RunningTask;
use crate::sms::group::Pair;

/// A group with the states of both its sides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BothSides<'a> {
    pub(crate) name: &'a str,
    /// Vcenter and state, the source of the start first.
    pub(crate) sides: [(&'a str, GroupState); 2],
    pub(crate) busy: bool,
}

impl<'a> BothSides<'a> {
    fn of(pair: &'a Pair) -> Self {
        Self {
            name: &pair.name,
            sides: [0, 1].map(|side| (pair.sides[side].vcenter.as_str(), pair.state(side))),
            busy: pair.busy.is_some(),
        }
    }

    /// Both states in one text.
    pub(crate) fn state(&self) -> String {
        sides_text(self.sides)
    }
}

/// The states of both sides in one text: `vc-east SOURCE, vc-west TARGET`.
pub(crate) fn sides_text(sides: [(&str, GroupState); 2]) -> String {
    let [first, second] = sides.map(|(vcenter, state)| format!("{vcenter} {}", state.as_str()));
    format!("{first}, {second}")
}

/// The states of a group, for the chronicle.
pub(super) fn happening(pair: &Pair) -> Happening {
    let group = BothSides::of(pair);
    Happening::Group {
        name: group.name.to_owned(),
        states: group
            .sides
            .map(|(vcenter, state)| (vcenter.to_owned(), state.as_str())),
    }
}

impl Sms {
    /// All groups, by name.
    pub(crate) fn both_sides(&self) -> impl Iterator<Item = BothSides<'_>> {
        self.pairs.values().map(BothSides::of)
    }

    /// The tasks that have not ended.
    pub(crate) fn running_tasks(&self) -> impl Iterator<Item = RunningTask> {
        self.tasks.running().map(|task| RunningTask {
            endpoint: task.vcenter.clone(),
            id: task.key.clone(),
            work: task.work(),
            since_ms: task.created_ms,
        })
    }
}
