//! A run: its state, what is pending, and the loop of decide and apply.

use std::collections::BTreeMap;

use crate::action::{ActionProgress, ActionState, Outcome, OutcomeResult};
use crate::call::{Call, CallState};
use crate::command::Command;
use crate::error::{Rejected, ReplayError};
use crate::id::{ActionRef, BatchKey, CallId, ItemId, RunId, Timestamp};
use crate::input::Input;
use crate::plan::{Action, Item, ResolvedPlan};
use crate::record::Record;

/// A run of a recovery plan: the fold of its records.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub(crate) id: RunId,
    pub(crate) plan: ResolvedPlan,
    pub(crate) state: RunState,
    pub(crate) aborting: bool,
    pub(crate) started: Timestamp,
    /// When it was opened last; time before that is nobody's fault and counts for no deadline.
    pub(crate) opened: Timestamp,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) items: Vec<ItemProgress>,
    pub(crate) index: BTreeMap<ItemId, usize>,
    pub(crate) calls: BTreeMap<CallId, Call>,
    pub(crate) limits: BTreeMap<BatchKey, u32>,
    /// Longest time that accepted work of an action name took, milliseconds, by kind and action name.
    pub(crate) longest: BTreeMap<(String, String), u64>,
}

/// Whether the run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// New work may start.
    Running,
    /// Nothing new starts until the run is opened again.
    Stopped,
    /// All items have ended.
    Ended,
}

/// One item's state.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemProgress {
    /// Its actions, as in the plan.
    pub actions: Vec<ActionProgress>,
    /// Set when it will not be (further) worked on.
    pub skipped: Option<String>,
}

/// How an item ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ItemResult {
    /// All its actions are done.
    Done,
    /// It was not worked on, or not to its end.
    Skipped,
    /// One of its actions failed.
    Failed,
    /// One of its actions may have happened; a person must look.
    Unknown,
}

impl ItemProgress {
    /// How it ended; none while it has not.
    pub fn result(&self) -> Option<ItemResult> {
        let mut all_done = true;
        for action in &self.actions {
            match &action.state {
                ActionState::Ended(Outcome {
                    result: OutcomeResult::Done,
                    ..
                }) => {}
                ActionState::Ended(Outcome {
                    result: OutcomeResult::Failed,
                    ..
                }) => return Some(ItemResult::Failed),
                ActionState::Ended(Outcome {
                    result: OutcomeResult::Unknown,
                    ..
                }) => {
                    return Some(ItemResult::Unknown);
                }
                ActionState::Waiting
                | ActionState::Looking { .. }
                | ActionState::Ready { .. }
                | ActionState::Called { .. }
                | ActionState::Verifying(_) => all_done = false,
            }
        }
        if self.skipped.is_some() {
            Some(ItemResult::Skipped)
        } else {
            all_done.then_some(ItemResult::Done)
        }
    }

    /// The action that the item is at: the first that has not ended.
    pub fn current(&self) -> Option<usize> {
        self.actions
            .iter()
            .position(|action| !matches!(action.state, ActionState::Ended(_)))
    }

    /// Whether its first action's turn has come.
    pub fn has_started(&self) -> bool {
        self.actions
            .first()
            .is_some_and(|action| !matches!(action.state, ActionState::Waiting))
    }

    /// Whether there is something left to skip and no server is at work on it. An item without actions is over at
    /// once, but the plan may still say that it is skipped.
    pub(crate) fn can_be_skipped(&self) -> bool {
        let is_over = !self.actions.is_empty() && self.result().is_some();
        self.skipped.is_none() && !is_over && !self.has_open_call()
    }

    /// Whether the server may be working on it, or have worked on it without our knowing how it ended.
    pub fn has_open_call(&self) -> bool {
        self.actions.iter().any(|action| {
            matches!(
                action.state,
                ActionState::Called { .. } | ActionState::Verifying(_)
            )
        })
    }
}

impl Run {
    /// The first record of a run of `plan`.
    ///
    /// # Errors
    /// The plan cannot be run ([`ResolvedPlan::check`]).
    pub fn start(at: Timestamp, run: RunId, plan: ResolvedPlan) -> Result<Record, crate::PlanError> {
        plan.check()?;
        Ok(Record::RunStarted {
            at,
            run,
            plan: Box::new(plan),
        })
    }

    /// The run that these records are the history of.
    ///
    /// # Errors
    /// The records are not a run's history; nothing can be said about what it did, and no call may be sent.
    pub fn replay<'a>(records: impl IntoIterator<Item = &'a Record>) -> Result<Self, ReplayError> {
        let mut records = records.into_iter();
        let Some(Record::RunStarted { at, run, plan }) = records.next() else {
            return Err(ReplayError::NoStart);
        };
        plan.check()?;
        let mut state = Self::fresh(*at, run.clone(), (**plan).clone());
        for record in records {
            state.apply(record)?;
        }
        Ok(state)
    }

    fn fresh(started: Timestamp, id: RunId, plan: ResolvedPlan) -> Self {
        let items = plan
            .items
            .iter()
            .map(|item| ItemProgress {
                actions: item.actions.iter().map(|_| ActionProgress::new()).collect(),
                skipped: None,
            })
            .collect();
        let index = plan
            .items
            .iter()
            .enumerate()
            .map(|(position, item)| (item.id.clone(), position))
            .collect();
        Self {
            id,
            plan,
            state: RunState::Running,
            aborting: false,
            started,
            opened: started,
            ended: None,
            items,
            index,
            calls: BTreeMap::new(),
            limits: BTreeMap::new(),
            longest: BTreeMap::new(),
        }
    }

    /// Decides each input and lets the schedule go on; the state returned to is that after the records.
    ///
    /// The caller appends the records before it asks for [`Self::pending`]. When the append fails, this run is of
    /// no use any more: drop it and replay the journal.
    ///
    /// # Errors
    /// A decision did not fold: a defect of this crate. The rejected inputs are returned beside the records.
    pub fn advance(
        &mut self,
        now: Timestamp,
        inputs: Vec<Input>,
    ) -> Result<(Vec<Record>, Vec<Rejected>), ReplayError> {
        let mut records = Vec::new();
        let mut rejected = Vec::new();
        for input in inputs {
            match self.decide(now, input) {
                Ok(decided) => self.fold_all(decided, &mut records)?,
                Err(reason) => rejected.push(reason),
            }
        }
        loop {
            let decided = self.decide_tick(now);
            if decided.is_empty() {
                return Ok((records, rejected));
            }
            self.fold_all(decided, &mut records)?;
        }
    }

    fn fold_all(&mut self, decided: Vec<Record>, records: &mut Vec<Record>) -> Result<(), ReplayError> {
        for record in decided {
            self.apply(&record)?;
            records.push(record);
        }
        Ok(())
    }

    /// The record with which a process takes the run up again.
    ///
    /// # Errors
    /// The run has ended.
    pub fn open(&self, at: Timestamp) -> Result<Record, Rejected> {
        match self.state {
            RunState::Running | RunState::Stopped => Ok(Record::RunOpened { at }),
            RunState::Ended => Err(Rejected::RunEnded),
        }
    }

    /// Work that is intended and not settled, at `now`. Derived from the state alone.
    pub fn pending(&self, now: Timestamp) -> Vec<Command> {
        if self.state != RunState::Running {
            return Vec::new();
        }
        let mut commands = Vec::new();
        for (position, progress) in self.items.iter().enumerate() {
            let (None, Some(current)) = (progress.result(), progress.current()) else {
                continue;
            };
            let action = || ActionRef {
                item: self.plan.items[position].id.clone(),
                action: current,
            };
            match &progress.actions[current].state {
                ActionState::Looking { not_before } if *not_before <= now => {
                    commands.push(Command::Look {
                        action: action(),
                        after: None,
                    });
                }
                ActionState::Verifying(verifying) if verifying.not_before <= now => {
                    commands.push(Command::Look {
                        action: action(),
                        after: Some(verifying.call),
                    });
                }
                ActionState::Waiting
                | ActionState::Looking { .. }
                | ActionState::Ready { .. }
                | ActionState::Called { .. }
                | ActionState::Verifying(_)
                | ActionState::Ended(_) => {}
            }
        }
        for call in self.calls.values() {
            match call.state {
                CallState::Intended => commands.push(Command::Submit { call: call.id }),
                CallState::Accepted { .. } => commands.push(Command::Wait { call: call.id }),
                CallState::Lost | CallState::Settled => {}
            }
        }
        commands
    }

    /// The next time at which something becomes due without news from the world.
    pub fn wake_at(&self, now: Timestamp) -> Option<Timestamp> {
        if self.state != RunState::Running {
            return None;
        }
        let looks = self
            .items
            .iter()
            .filter(|item| item.result().is_none())
            .filter_map(
                |item| match item.current().map(|current| &item.actions[current].state) {
                    Some(ActionState::Looking { not_before }) => Some(*not_before),
                    Some(ActionState::Verifying(verifying)) => Some(verifying.not_before),
                    Some(
                        ActionState::Waiting
                        | ActionState::Ready { .. }
                        | ActionState::Called { .. }
                        | ActionState::Ended(_),
                    )
                    | None => None,
                },
            );
        let waits = self.calls.values().filter_map(|call| match call.state {
            CallState::Accepted { .. } => Some(self.call_deadline(call)),
            CallState::Intended | CallState::Lost | CallState::Settled => None,
        });
        looks.chain(waits).filter(|at| *at > now).min()
    }

    /// Name of the run.
    pub fn id(&self) -> &RunId {
        &self.id
    }
    /// What it executes.
    pub fn plan(&self) -> &ResolvedPlan {
        &self.plan
    }
    /// Whether it goes on.
    pub fn state(&self) -> RunState {
        self.state
    }
    /// Whether a person asked for its end.
    pub fn is_aborting(&self) -> bool {
        self.aborting
    }
    /// When it was started.
    pub fn started(&self) -> Timestamp {
        self.started
    }
    /// When it ended.
    pub fn ended(&self) -> Option<Timestamp> {
        self.ended
    }
    /// Its items with their progress, in the order of the plan.
    pub fn items(&self) -> impl Iterator<Item = (&Item, &ItemProgress)> {
        self.plan.items.iter().zip(&self.items)
    }
    /// One of its calls.
    pub fn call(&self, call: CallId) -> Option<&Call> {
        self.calls.get(&call)
    }
    /// All its calls, in the order of their numbers.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.calls.values()
    }
    /// An action with its item and its progress.
    pub fn action(&self, action: &ActionRef) -> Option<(&Item, &Action, &ActionProgress)> {
        let position = *self.index.get(&action.item)?;
        let item = self.plan.items.get(position)?;
        Some((
            item,
            item.actions.get(action.action)?,
            self.items.get(position)?.actions.get(action.action)?,
        ))
    }
    /// An item's progress.
    pub fn item(&self, item: &ItemId) -> Option<(&Item, &ItemProgress)> {
        let position = *self.index.get(item)?;
        Some((self.plan.items.get(position)?, self.items.get(position)?))
    }

    pub(crate) fn next_call(&self) -> CallId {
        CallId(self.calls.last_key_value().map_or(1, |(last, _)| last.0 + 1))
    }

    pub(crate) fn action_mut(&mut self, action: &ActionRef) -> Result<&mut ActionProgress, ReplayError> {
        self.index
            .get(&action.item)
            .and_then(|position| self.items.get_mut(*position))
            .and_then(|item| item.actions.get_mut(action.action))
            .ok_or_else(|| ReplayError::UnknownAction(action.clone()))
    }

    /// The longest deadline among the call's members, counted from the call's start or the run's last opening.
    pub(crate) fn call_deadline(&self, call: &Call) -> Timestamp {
        let longest = call
            .members
            .iter()
            .filter_map(|member| self.action(member))
            .map(|(_, action, _)| action.deadline_ms);
        call.at.max(self.opened).plus(longest.max().unwrap_or(0))
    }
}
