//! Apply: the only function that changes a run. Each record is checked against the transition tables of
//! [`crate::action`] and [`crate::call`]; what does not follow is an error, never a guess.

use serde_json::Value;

use crate::action::{ActionState, Outcome, Verifying};
use crate::call::{Call, CallState};
use crate::error::ReplayError;
use crate::id::{ActionRef, CallId, ItemId, Timestamp};
use crate::plan::Resend;
use crate::record::Record;
use crate::run::{Run, RunState};

impl Run {
    /// Folds one record in.
    ///
    /// # Errors
    /// The record does not follow from the state; the run is unchanged or, inside a call's members, partly changed
    /// and of no further use.
    pub fn apply(&mut self, record: &Record) -> Result<(), ReplayError> {
        if self.state == RunState::Ended {
            return Err(ReplayError::AfterEnd);
        }
        match record {
            Record::RunStarted { .. } => return Err(ReplayError::StartedTwice),
            Record::RunOpened { at } => self.reopened(*at)?,
            Record::RunStopped { .. } => self.state = RunState::Stopped,
            Record::AbortRequested { .. } => self.aborting = true,
            Record::SettleCut { .. } => self.settle_cut(),
            Record::ActionStarted { at, action } => self.started_action(*at, action)?,
            Record::LookDeferred {
                at,
                action,
                again_at,
                reason,
                seen,
            } => {
                self.deferred(*at, action, *again_at, reason, seen.as_ref())?;
            }
            Record::ActionReady { at, action, intent } => {
                let progress = self.action_mut(action)?;
                let ActionState::Looking { .. } = progress.state else {
                    return Err(illegal("action_ready", action));
                };
                progress.state = ActionState::Ready {
                    intent: intent.clone(),
                    since: *at,
                };
                progress.waiting_for = None;
            }
            Record::LimitLearned { batch, limit, .. } => {
                self.limits.insert(batch.clone(), (*limit).max(1));
            }
            Record::CallIntended { at, call, members } => self.intended(*at, *call, members)?,
            Record::CallAccepted { call, operation, .. } => {
                let call = self.calls.get_mut(call).ok_or(ReplayError::UnknownCall(*call))?;
                let CallState::Intended = call.state else {
                    return Err(ReplayError::UnknownCall(call.id));
                };
                call.state = CallState::Accepted {
                    operation: operation.clone(),
                };
            }
            Record::CallAdopted {
                at,
                call,
                action,
                operation,
            } => self.adopted(*at, *call, action, operation)?,
            Record::CallLost { at, call, reason } => self.lost(*at, *call, reason)?,
            Record::ActionPutBack {
                at,
                action,
                reason,
                not_before,
            } => self.put_back(*at, action, reason, *not_before)?,
            Record::ActionUnsettled { at, action, reason } => {
                let ActionState::Called { call } = self.action_mut(action)?.state else {
                    return Err(illegal("action_unsettled", action));
                };
                self.verify(*at, action, call, reason)?;
                self.close_if_followed_by_nobody(call);
            }
            Record::ActionEnded { at, action, outcome } => self.ended_action(*at, action, outcome)?,
            Record::ItemSkipped { item, reason, .. } => self.skipped(item, reason)?,
            Record::RunEnded { at } => {
                if let Some((item, _)) = self.items().find(|(_, progress)| progress.result().is_none()) {
                    return Err(ReplayError::EndedEarly(item.id.clone()));
                }
                self.state = RunState::Ended;
                self.ended = Some(*at);
            }
        }
        Ok(())
    }

    fn reopened(&mut self, at: Timestamp) -> Result<(), ReplayError> {
        self.state = RunState::Running;
        self.opened = at;
        for progress in self.items.iter_mut().flat_map(|item| &mut item.actions) {
            match &mut progress.state {
                ActionState::Ready { .. } | ActionState::Looking { .. } => {
                    progress.state = ActionState::Looking { not_before: at };
                }
                // Nobody looked while the program was down, and its clock may have been another.
                ActionState::Verifying(verifying) => {
                    verifying.not_before = at;
                    verifying.seen = None;
                    verifying.unchanged_since = at;
                }
                ActionState::Waiting | ActionState::Called { .. } | ActionState::Ended(_) => {}
            }
        }
        let in_doubt: Vec<CallId> = self
            .calls
            .values()
            .filter(|call| call.state == CallState::Intended)
            .map(|call| call.id)
            .collect();
        for call in in_doubt {
            self.lost(at, call, "the program ended before the call was answered")?;
        }
        Ok(())
    }

    /// Holds for what is being verified at this moment, and for guarded actions only.
    fn settle_cut(&mut self) {
        for (item, progress) in self.plan.items.iter().zip(&mut self.items) {
            for (step, action) in item.actions.iter().zip(&mut progress.actions) {
                if let ActionState::Verifying(verifying) = &mut action.state {
                    verifying.settle_cut = step.resend == Resend::Guarded;
                }
            }
        }
    }

    fn started_action(&mut self, at: Timestamp, action: &ActionRef) -> Result<(), ReplayError> {
        let is_next = self.item(&action.item).is_some_and(|(_, item)| {
            item.result().is_none() && item.current().is_none_or(|current| current == action.action)
        });
        let progress = self.action_mut(action)?;
        let (ActionState::Waiting, true) = (&progress.state, is_next) else {
            return Err(illegal("action_started", action));
        };
        progress.state = ActionState::Looking { not_before: at };
        progress.started = Some(at);
        progress.counts_from = at;
        Ok(())
    }

    /// What was in doubt and is so no longer has its whole time again.
    fn put_back(
        &mut self,
        at: Timestamp,
        action: &ActionRef,
        reason: &str,
        not_before: Timestamp,
    ) -> Result<(), ReplayError> {
        let was_in_doubt = matches!(self.action_mut(action)?.state, ActionState::Verifying(_));
        let is_guarded = self
            .action(action)
            .is_some_and(|(_, step, _)| matches!(step.resend, Resend::Guarded | Resend::Unchanged));
        if self.leave_call(action, "action_put_back")?.is_none() {
            return Err(illegal("action_put_back", action));
        }
        let progress = self.action_mut(action)?;
        progress.state = ActionState::Looking { not_before };
        progress.tries = progress.tries.saturating_add(1);
        progress.waiting_for = Some(reason.to_owned());
        if was_in_doubt {
            progress.counts_from = at;
            progress.in_doubt |= is_guarded;
        }
        Ok(())
    }

    fn skipped(&mut self, id: &ItemId, reason: &str) -> Result<(), ReplayError> {
        let position = *self
            .index
            .get(id)
            .ok_or_else(|| ReplayError::UnknownItem(id.clone()))?;
        let item = &mut self.items[position];
        if !item.can_be_skipped() {
            return Err(ReplayError::NotSkippable(id.clone()));
        }
        item.skipped = Some(reason.to_owned());
        Ok(())
    }

    fn deferred(
        &mut self,
        at: Timestamp,
        action: &ActionRef,
        again_at: Timestamp,
        reason: &str,
        seen: Option<&String>,
    ) -> Result<(), ReplayError> {
        let progress = self.action_mut(action)?;
        match &mut progress.state {
            ActionState::Looking { not_before } => *not_before = again_at,
            ActionState::Verifying(verifying) => {
                verifying.not_before = again_at;
                // A look that failed saw nothing: what was the same before and after may have changed meanwhile.
                if seen.is_none() || verifying.seen.as_ref() != seen {
                    verifying.seen = seen.cloned();
                    verifying.unchanged_since = at;
                }
            }
            ActionState::Waiting
            | ActionState::Ready { .. }
            | ActionState::Called { .. }
            | ActionState::Ended(_) => {
                return Err(illegal("look_deferred", action));
            }
        }
        progress.tries = progress.tries.saturating_add(1);
        progress.waiting_for = Some(reason.to_owned());
        Ok(())
    }

    fn intended(&mut self, at: Timestamp, call: CallId, members: &[ActionRef]) -> Result<(), ReplayError> {
        for member in members {
            let progress = self.action_mut(member)?;
            let ActionState::Ready { intent, since } = &progress.state else {
                return Err(illegal("call_intended", member));
            };
            progress.intent = intent.clone();
            progress.counts_from = progress.counts_from.plus(at.since(*since));
            progress.attempts = progress.attempts.saturating_add(1);
            progress.state = ActionState::Called { call };
        }
        self.insert_call(at, call, members.to_vec(), CallState::Intended)
    }

    /// The same work under another number has no more time than it had before.
    fn adopted(
        &mut self,
        at: Timestamp,
        call: CallId,
        action: &ActionRef,
        operation: &Value,
    ) -> Result<(), ReplayError> {
        if let ActionState::Ready { .. } = self.action_mut(action)?.state {
            return Err(illegal("call_adopted", action));
        }
        let before = self.leave_call(action, "call_adopted")?;
        let at = before
            .and_then(|before| self.calls.get(&before))
            .map_or(at, |before| before.at);
        let progress = self.action_mut(action)?;
        progress.state = ActionState::Called { call };
        progress.tries = progress.tries.saturating_add(1);
        let state = CallState::Accepted {
            operation: operation.clone(),
        };
        self.insert_call(at, call, vec![action.clone()], state)
    }

    fn insert_call(
        &mut self,
        at: Timestamp,
        id: CallId,
        members: Vec<ActionRef>,
        state: CallState,
    ) -> Result<(), ReplayError> {
        if members.is_empty() || id != self.next_call() {
            return Err(ReplayError::UnknownCall(id));
        }
        let open = members.len();
        self.calls.insert(
            id,
            Call {
                id,
                members,
                state,
                at,
                open,
            },
        );
        Ok(())
    }

    fn lost(&mut self, at: Timestamp, id: CallId, reason: &str) -> Result<(), ReplayError> {
        let call = self.calls.get(&id).ok_or(ReplayError::UnknownCall(id))?;
        match call.state {
            CallState::Intended | CallState::Accepted { .. } => {}
            CallState::Lost | CallState::Settled => return Err(ReplayError::UnknownCall(id)),
        }
        for member in call.members.clone() {
            if self.action_mut(&member)?.state == (ActionState::Called { call: id }) {
                self.verify(at, &member, id, reason)?;
            }
        }
        self.close_if_followed_by_nobody(id);
        Ok(())
    }

    fn verify(
        &mut self,
        at: Timestamp,
        action: &ActionRef,
        call: CallId,
        reason: &str,
    ) -> Result<(), ReplayError> {
        let was_accepted = self.calls.get(&call).is_some_and(|call| call.is_accepted());
        let progress = self.action_mut(action)?;
        if !was_accepted {
            progress.tries = 0;
        }
        progress.doubts = progress.doubts.saturating_add(1);
        progress.waiting_for = Some(reason.to_owned());
        progress.state = ActionState::Verifying(Verifying {
            call,
            since: at,
            not_before: at,
            unchanged_since: at,
            seen: None,
            reason: reason.to_owned(),
            settle_cut: false,
        });
        Ok(())
    }

    fn ended_action(
        &mut self,
        at: Timestamp,
        action: &ActionRef,
        outcome: &Outcome,
    ) -> Result<(), ReplayError> {
        let state = self.action_mut(action)?.state.clone();
        if let ActionState::Called { call } = state
            && let Some(call) = self.calls.get(&call)
            && let CallState::Accepted { .. } = call.state
        {
            let took = at.since(call.at);
            let key = self
                .action(action)
                .map(|(item, action, _)| (item.kind.clone(), action.name.clone()));
            if let Some(key) = key {
                let longest = self.longest.entry(key).or_default();
                *longest = (*longest).max(took);
            }
        }
        self.leave_call(action, "action_ended")?;
        let progress = self.action_mut(action)?;
        progress.state = ActionState::Ended(outcome.clone());
        progress.ended = Some(at);
        progress.waiting_for = None;
        Ok(())
    }

    /// Takes the action out of the call it is in, if it is in one, and says which.
    fn leave_call(&mut self, action: &ActionRef, what: &'static str) -> Result<Option<CallId>, ReplayError> {
        let id = match &self.action_mut(action)?.state {
            ActionState::Called { call } => *call,
            ActionState::Verifying(verifying) => verifying.call,
            ActionState::Looking { .. } | ActionState::Ready { .. } => return Ok(None),
            ActionState::Waiting | ActionState::Ended(_) => return Err(illegal(what, action)),
        };
        let call = self.calls.get_mut(&id).ok_or(ReplayError::UnknownCall(id))?;
        call.open = call.open.checked_sub(1).ok_or(ReplayError::UnknownCall(id))?;
        // The state is left in place by the caller's assignment; a passing mark keeps the action out of the count.
        self.action_mut(action)?.state = ActionState::Waiting;
        self.close_if_followed_by_nobody(id);
        Ok(Some(id))
    }

    fn close_if_followed_by_nobody(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id) else { return };
        let followed = call.members.iter().any(|member| {
            self.action(member)
                .is_some_and(|(_, _, progress)| progress.state == (ActionState::Called { call: id }))
        });
        let open = call.open;
        if let Some(call) = self.calls.get_mut(&id) {
            if open == 0 {
                call.state = CallState::Settled;
            } else if !followed {
                call.state = CallState::Lost;
            }
        }
    }
}

fn illegal(what: &'static str, action: &ActionRef) -> ReplayError {
    ReplayError::Illegal {
        what,
        action: action.clone(),
    }
}
