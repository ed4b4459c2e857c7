//! An action about which something is decided, and the records that a decision about it can be.

use serde_json::Value;

use crate::action::{ActionProgress, Outcome, OutcomeResult};
use crate::call::Call;
use crate::id::{ActionRef, Timestamp};
use crate::plan::{Action, Item};
use crate::record::Record;

/// Pause before the second try, doubled up to [`LONGEST_PAUSE_MS`].
const FIRST_PAUSE_MS: u64 = 1_000;
const LONGEST_PAUSE_MS: u64 = 30_000;
/// An action whose outcome came into doubt this often is not sent again.
const MOST_DOUBTS: u32 = 5;

/// An action about which something is decided.
pub(crate) struct Subject<'a> {
    pub(crate) now: Timestamp,
    pub(crate) opened: Timestamp,
    pub(crate) action: &'a ActionRef,
    pub(crate) item: &'a Item,
    pub(crate) step: &'a Action,
    pub(crate) progress: &'a ActionProgress,
}

impl Subject<'_> {
    pub(crate) fn ended(&self, result: OutcomeResult, note: Option<String>, data: Value) -> Record {
        Record::ActionEnded {
            at: self.now,
            action: self.action.clone(),
            outcome: Outcome { result, note, data },
        }
    }
    pub(crate) fn done(&self, note: Option<String>, data: Value) -> Record {
        self.ended(OutcomeResult::Done, note, data)
    }
    pub(crate) fn failed(&self, reason: String) -> Record {
        self.ended(OutcomeResult::Failed, Some(reason), Value::Null)
    }
    pub(crate) fn unknown(&self, reason: String) -> Record {
        self.ended(OutcomeResult::Unknown, Some(reason), Value::Null)
    }
    /// The failure of an action. When an earlier call of it was sent again without proof that it had not happened,
    /// the failure of the later one says nothing about the earlier.
    pub(crate) fn given_up(&self, reason: String) -> Record {
        if self.progress.in_doubt {
            self.unknown(format!("{reason}; an earlier call of it may have happened"))
        } else {
            self.failed(reason)
        }
    }
    /// Back to before its call, at once; with `otherwise` it ends when that has happened too often.
    pub(crate) fn resend(&self, reason: String, otherwise: OutcomeResult) -> Record {
        if self.progress.doubts < MOST_DOUBTS {
            return self.put_back(reason, 0);
        }
        let note = format!("{reason}; that was so {MOST_DOUBTS} times");
        self.ended(otherwise, Some(note), Value::Null)
    }
    pub(crate) fn unsettled(&self, call: &Call, reason: String) -> Vec<Record> {
        let later = self.later_if_it_goes_round(call, &reason);
        let unsettled = Record::ActionUnsettled {
            at: self.now,
            action: self.action.clone(),
            reason,
        };
        std::iter::once(unsettled).chain(later).collect()
    }
    /// A look finds work, the work is lost, a look finds it again: each round has a longer pause.
    pub(crate) fn later_if_it_goes_round(&self, call: &Call, reason: &str) -> Option<Record> {
        (call.is_accepted() && self.progress.tries > 0)
            .then(|| self.deferred(reason.to_owned(), None, self.pause()))
    }
    pub(crate) fn put_back(&self, reason: String, pause: u64) -> Record {
        Record::ActionPutBack {
            at: self.now,
            action: self.action.clone(),
            reason,
            not_before: self.now.plus(pause),
        }
    }
    pub(crate) fn deferred(&self, reason: String, seen: Option<String>, pause: u64) -> Record {
        Record::LookDeferred {
            at: self.now,
            action: self.action.clone(),
            again_at: self.now.plus(pause.max(1)),
            reason,
            seen,
        }
    }
    pub(crate) fn pause(&self) -> u64 {
        FIRST_PAUSE_MS
            .saturating_mul(1 << self.progress.tries.min(10))
            .min(LONGEST_PAUSE_MS)
    }
    pub(crate) fn is_overdue(&self) -> bool {
        let from = self.progress.counts_from.max(self.opened);
        self.now >= from.plus(self.step.deadline_ms)
    }
}
