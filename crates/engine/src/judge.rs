//! Decide: what an input means. Pure; what it returns is appended and folded by the caller.

use serde_json::Value;

use crate::action::{ActionState, OutcomeResult, Verifying};
use crate::call::CallState;
use crate::error::Rejected;
use crate::id::{ActionRef, BatchKey, CallId, Timestamp};
use crate::input::{Again, Finding, Input, MemberEnd, MemberResult, Submitted, Waited};
use crate::plan::{Mode, Resend};
use crate::record::Record;
use crate::run::{Run, RunState};
use crate::subject::Subject;

impl Run {
    /// What should be recorded, given `input` at `now`. Changes nothing.
    ///
    /// # Errors
    /// The input is late, repeated, or about nothing of this run; there is nothing to record.
    pub fn decide(&self, now: Timestamp, input: Input) -> Result<Vec<Record>, Rejected> {
        if self.state == RunState::Ended {
            return Err(Rejected::RunEnded);
        }
        match input {
            Input::Tick => Ok(Vec::new()),
            Input::Looked {
                action,
                after,
                finding,
            } => self.decide_look(now, &action, after, finding),
            Input::Submitted { call, result } => self.decide_submitted(now, call, result),
            Input::Waited { call, result } => {
                let CallState::Accepted { .. } = self.open_call(call)? else {
                    return Err(Rejected::CallNotAwaited(call));
                };
                match result {
                    Waited::Settled(results) => Ok(self.decide_members(now, call, results)),
                    Waited::Lost { reason } => Ok(self.lost_while_waiting(now, call, reason)),
                }
            }
            Input::Abort if self.aborting => Ok(Vec::new()),
            Input::Abort => Ok(vec![Record::AbortRequested { at: now }]),
            Input::Stop if self.state == RunState::Stopped => Ok(Vec::new()),
            Input::Stop => Ok(vec![Record::RunStopped { at: now }]),
            Input::CutSettle if self.plan.mode != Mode::Disaster => Err(Rejected::SettleIsFixed),
            Input::CutSettle if !self.has_settle_to_cut() => Ok(Vec::new()),
            Input::CutSettle => Ok(vec![Record::SettleCut { at: now }]),
        }
    }

    pub(crate) fn subject<'a>(&'a self, now: Timestamp, action: &'a ActionRef) -> Option<Subject<'a>> {
        let (item, step, progress) = self.action(action)?;
        Some(Subject {
            now,
            opened: self.opened,
            action,
            item,
            step,
            progress,
        })
    }

    fn open_call(&self, call: CallId) -> Result<&CallState, Rejected> {
        self.calls
            .get(&call)
            .map(|call| &call.state)
            .ok_or(Rejected::CallNotAwaited(call))
    }

    fn decide_look(
        &self,
        now: Timestamp,
        action: &ActionRef,
        after: Option<CallId>,
        finding: Finding,
    ) -> Result<Vec<Record>, Rejected> {
        let not_awaited = || Rejected::LookNotAwaited(action.clone());
        let subject = self.subject(now, action).ok_or_else(not_awaited)?;
        if self
            .item(&action.item)
            .is_some_and(|(_, item)| item.skipped.is_some())
        {
            return Err(not_awaited());
        }
        match (&subject.progress.state, after) {
            (ActionState::Looking { not_before }, None) if *not_before <= now => {
                Ok(self.before_call(&subject, finding))
            }
            (ActionState::Verifying(verifying), Some(call))
                if verifying.call == call && verifying.not_before <= now =>
            {
                Ok(self.after_call(&subject, verifying, finding))
            }
            _ => Err(not_awaited()),
        }
    }

    fn before_call(&self, subject: &Subject<'_>, finding: Finding) -> Vec<Record> {
        match finding {
            Finding::Done { note, data } => vec![subject.done(note, data)],
            Finding::Ready { intent, limit } => {
                let mut records = Vec::new();
                if let (Some(batch), Some(limit)) = (&subject.step.batch, limit.filter(|limit| *limit > 0)) {
                    self.learn(subject.now, batch, limit, &mut records);
                }
                records.push(Record::ActionReady {
                    at: subject.now,
                    action: subject.action.clone(),
                    intent,
                });
                records
            }
            Finding::Running { operation } => vec![self.adopt(subject, operation)],
            Finding::NotYet { reason } | Finding::CannotTell { reason, .. } | Finding::Failed { reason } => {
                if subject.is_overdue() {
                    vec![subject.given_up(format!("not possible before the deadline: {reason}"))]
                } else {
                    vec![subject.deferred(reason, None, subject.pause())]
                }
            }
            Finding::Refused { reason } => vec![subject.given_up(reason)],
        }
    }

    fn after_call(&self, subject: &Subject<'_>, verifying: &Verifying, finding: Finding) -> Vec<Record> {
        match finding {
            Finding::Done { note, data } => vec![subject.done(note, data)],
            Finding::Ready { .. } => {
                let reason = format!("{}; a look shows that it did not happen", verifying.reason);
                vec![subject.resend(reason, OutcomeResult::Failed)]
            }
            Finding::Running { .. } if self.is_call_overdue(subject.now, verifying.call) => {
                vec![subject.unknown(format!(
                    "{}; it is still running at the deadline",
                    verifying.reason
                ))]
            }
            Finding::Running { operation } => vec![self.adopt(subject, operation)],
            Finding::Refused { reason } => vec![subject.failed(reason)],
            Finding::NotYet { reason } => {
                // It shows something else than what a settle time was counted from.
                let seen = Some(reason.clone());
                vec![self.look_again(subject, verifying, reason, seen, subject.pause())]
            }
            Finding::Failed { reason } => {
                vec![self.look_again(subject, verifying, reason, None, subject.pause())]
            }
            Finding::CannotTell { reason, seen } => self.cannot_tell(subject, verifying, reason, seen),
        }
    }

    /// The next look after an inconclusive one; what cannot be found out for too long stays unknown.
    fn look_again(
        &self,
        subject: &Subject<'_>,
        verifying: &Verifying,
        reason: String,
        seen: Option<String>,
        pause: u64,
    ) -> Record {
        let patience = subject.step.deadline_ms.saturating_add(self.settle(subject));
        if subject.now >= verifying.since.max(self.opened).plus(patience) {
            return subject.unknown(format!("{}; the last look: {reason}", verifying.reason));
        }
        subject.deferred(reason, seen, pause)
    }

    fn is_call_overdue(&self, now: Timestamp, call: CallId) -> bool {
        self.calls
            .get(&call)
            .is_none_or(|call| self.call_deadline(call) <= now)
    }

    /// The settle time has passed without a change: a guarded action may go again, the others stay unknown.
    fn cannot_tell(
        &self,
        subject: &Subject<'_>,
        verifying: &Verifying,
        reason: String,
        seen: String,
    ) -> Vec<Record> {
        if subject.step.resend == Resend::Harmless {
            let reason = format!("{}; {reason}", verifying.reason);
            return vec![subject.resend(reason, OutcomeResult::Unknown)];
        }
        let settle = if verifying.settle_cut {
            0
        } else {
            self.settle(subject)
        };
        let unchanged = if verifying.seen.as_ref() == Some(&seen) {
            subject.now.since(verifying.unchanged_since)
        } else {
            0
        };
        let left = settle.saturating_sub(unchanged);
        if left > 0 {
            let pause = subject.pause().min(left);
            return vec![self.look_again(subject, verifying, reason, Some(seen), pause)];
        }
        let reason = format!("{}; unchanged for the settle time: {reason}", verifying.reason);
        vec![match subject.step.resend {
            Resend::Guarded | Resend::Unchanged => subject.resend(reason, OutcomeResult::Unknown),
            Resend::WhenSeen | Resend::Harmless => subject.unknown(reason),
        }]
    }

    /// How long the world must stay unchanged, milliseconds: the plan's time, or longer when such work took longer.
    fn settle(&self, subject: &Subject<'_>) -> u64 {
        let key = (subject.item.kind.clone(), subject.step.name.clone());
        subject
            .step
            .settle_ms
            .max(self.longest.get(&key).copied().unwrap_or(0))
    }

    fn has_settle_to_cut(&self) -> bool {
        self.items()
            .flat_map(|(item, progress)| item.actions.iter().zip(&progress.actions))
            .any(|(step, progress)| {
                step.resend == Resend::Guarded
                    && matches!(&progress.state, ActionState::Verifying(verifying) if !verifying.settle_cut)
            })
    }

    fn adopt(&self, subject: &Subject<'_>, operation: Value) -> Record {
        Record::CallAdopted {
            at: subject.now,
            call: self.next_call(),
            action: subject.action.clone(),
            operation,
        }
    }

    fn decide_submitted(
        &self,
        now: Timestamp,
        call: CallId,
        result: Submitted,
    ) -> Result<Vec<Record>, Rejected> {
        let CallState::Intended = self.open_call(call)? else {
            return Err(Rejected::CallNotAwaited(call));
        };
        Ok(match result {
            Submitted::Accepted { operation } => vec![Record::CallAccepted {
                at: now,
                call,
                operation,
            }],
            Submitted::Settled(results) => self.decide_members(now, call, results),
            Submitted::Lost { reason } => vec![Record::CallLost {
                at: now,
                call,
                reason,
            }],
            Submitted::Refused { reason, again } => {
                let end = match again {
                    Again::Never => MemberEnd::Failed { reason },
                    Again::Later => MemberEnd::Again {
                        reason,
                        smaller: None,
                    },
                    Again::Smaller { limit } => MemberEnd::Again {
                        reason,
                        smaller: Some(limit),
                    },
                };
                let results = self
                    .calls
                    .get(&call)
                    .map(|call| &call.members)
                    .into_iter()
                    .flatten();
                let results = results
                    .map(|action| MemberResult {
                        action: action.clone(),
                        end: end.clone(),
                    })
                    .collect();
                self.decide_members(now, call, results)
            }
        })
    }

    /// Each member that waits for this call gets its end; one without a result is looked at.
    fn decide_members(&self, now: Timestamp, call: CallId, results: Vec<MemberResult>) -> Vec<Record> {
        let Some(call) = self.calls.get(&call) else {
            return Vec::new();
        };
        let mut records = Vec::new();
        let mut next_call = self.next_call();
        for member in &call.members {
            let Some(subject) = self.subject(now, member) else {
                continue;
            };
            if subject.progress.state != (ActionState::Called { call: call.id }) {
                continue;
            }
            let end = results
                .iter()
                .find(|result| result.action == *member)
                .map(|result| result.end.clone());
            match end {
                Some(MemberEnd::Done { note, data }) => records.push(subject.done(note, data)),
                Some(MemberEnd::Failed { reason }) => records.push(subject.given_up(reason)),
                Some(MemberEnd::Again { reason, smaller }) => {
                    self.try_again(&subject, call.members.len(), reason, smaller, &mut records);
                }
                Some(MemberEnd::Running { .. }) if call.is_accepted() && subject.progress.tries > 0 => {
                    let reason = "one remote work hands it on to the next";
                    records.extend(subject.unsettled(call, reason.to_owned()));
                }
                Some(MemberEnd::Running { operation }) => {
                    records.push(Record::CallAdopted {
                        at: now,
                        call: next_call,
                        action: member.clone(),
                        operation,
                    });
                    next_call = CallId(next_call.0 + 1);
                }
                Some(MemberEnd::Unknown { reason }) => records.extend(subject.unsettled(call, reason)),
                None => {
                    records.extend(subject.unsettled(call, "the answer does not mention it".to_owned()));
                }
            }
        }
        records
    }

    fn try_again(
        &self,
        subject: &Subject<'_>,
        sent: usize,
        reason: String,
        smaller: Option<Option<u32>>,
        records: &mut Vec<Record>,
    ) {
        let Some(limit) = smaller else {
            records.push(if subject.is_overdue() {
                subject.given_up(format!("refused until the deadline: {reason}"))
            } else {
                subject.put_back(reason, subject.pause())
            });
            return;
        };
        if sent <= 1 {
            records.push(subject.given_up(format!("refused although it was alone in the call: {reason}")));
            return;
        }
        if let Some(batch) = &subject.step.batch {
            // A server that names a limit which the call kept is not believed: half of what was sent.
            let half = u32::try_from(sent / 2).unwrap_or(u32::MAX).max(1);
            let limit = limit.unwrap_or(1).max(1);
            let limit = if usize::try_from(limit).is_ok_and(|limit| limit < sent) {
                limit
            } else {
                half
            };
            self.learn(subject.now, batch, limit, records);
        }
        records.push(subject.put_back(reason, 0));
    }

    /// A limit is recorded when it is lower than what is known, by the state or by `records`.
    fn learn(&self, now: Timestamp, batch: &BatchKey, limit: u32, records: &mut Vec<Record>) {
        let learned = records.iter().filter_map(|record| {
            let Record::LimitLearned {
                batch: key, limit, ..
            } = record
            else {
                return None;
            };
            (key == batch).then_some(*limit)
        });
        let known = learned.chain(self.limits.get(batch).copied()).min();
        if known.is_none_or(|known| limit < known) {
            records.push(Record::LimitLearned {
                at: now,
                batch: batch.clone(),
                limit,
            });
        }
    }

    fn lost_while_waiting(&self, now: Timestamp, call: CallId, reason: String) -> Vec<Record> {
        let mut records = vec![Record::CallLost {
            at: now,
            call,
            reason: reason.clone(),
        }];
        let Some(call) = self.calls.get(&call) else {
            return records;
        };
        for action in &call.members {
            let Some(subject) = self.subject(now, action) else {
                continue;
            };
            if subject.progress.state == (ActionState::Called { call: call.id }) {
                records.extend(subject.later_if_it_goes_round(call, &reason));
            }
        }
        records
    }
}
