//! One run, led by hand: each input is given by the test, and what the run wants next is read as words.

use farside_engine::{
    ActionState, Call, CallId, Command, Finding, Input, ItemId, ItemResult, MemberEnd, MemberResult, Record,
    Rejected, ResolvedPlan, Run, RunId, Submitted, Timestamp, Waited,
};
use serde_json::{Value, json};

use crate::support::plan::action_of;

/// A run, its journal and the time.
pub(crate) struct Bench {
    pub(crate) run: Run,
    pub(crate) journal: Vec<Record>,
    pub(crate) now: Timestamp,
}

impl Bench {
    pub(crate) fn start(plan: ResolvedPlan) -> Self {
        let now = Timestamp(1_000_000);
        let journal = vec![Run::start(now, RunId::new("run-1"), plan).unwrap()];
        let run = Run::replay(&journal).unwrap();
        let mut bench = Self { run, journal, now };
        bench.give(Input::Tick);
        bench
    }

    /// Gives one input that fits, and says what was recorded.
    pub(crate) fn give(&mut self, input: Input) -> Vec<Record> {
        let (records, rejected) = self.run.advance(self.now, vec![input]).unwrap();
        assert_eq!(rejected, []);
        self.journal.extend(records.iter().cloned());
        assert_eq!(Run::replay(&self.journal).unwrap(), self.run);
        records
    }

    /// Gives one input that does not fit: it changes nothing.
    pub(crate) fn give_in_vain(&mut self, input: Input) -> Rejected {
        let before = self.run.clone();
        let (records, mut rejected) = self.run.advance(self.now, vec![input]).unwrap();
        assert_eq!((records, &self.run), (Vec::new(), &before));
        rejected.pop().unwrap()
    }

    pub(crate) fn after(&mut self, millis: u64) -> Vec<Record> {
        self.now = self.now.plus(millis);
        self.give(Input::Tick)
    }

    /// Waits until the run wants to be woken.
    pub(crate) fn wake(&mut self) -> Vec<Record> {
        let at = self.run.wake_at(self.now).unwrap();
        self.after(at.since(self.now))
    }

    /// Answers the look that the run wants for an item.
    pub(crate) fn look(&mut self, item: &str, finding: Finding) -> Vec<Record> {
        let wanted = self
            .run
            .pending(self.now)
            .into_iter()
            .find_map(|command| match command {
                Command::Look { action, after } if action.item.as_str() == item => Some((action, after)),
                Command::Look { .. } | Command::Submit { .. } | Command::Wait { .. } => None,
            });
        let (action, after) = wanted.unwrap_or_else(|| panic!("no look is wanted for {item}"));
        self.give(Input::Looked {
            action,
            after,
            finding,
        })
    }

    /// Finds each of these items ready to be sent.
    pub(crate) fn all_ready(&mut self, items: &[&str]) {
        for item in items {
            self.look(item, ready());
        }
    }

    pub(crate) fn answer(&mut self, call: u64, result: Submitted) -> Vec<Record> {
        self.give(Input::Submitted {
            call: CallId(call),
            result,
        })
    }

    pub(crate) fn waited(&mut self, call: u64, result: Waited) -> Vec<Record> {
        self.give(Input::Waited {
            call: CallId(call),
            result,
        })
    }

    /// Goes round, one wake-up after the other, until the item is over; says how many rounds that took.
    pub(crate) fn until_over(&mut self, item: &str, mut round: impl FnMut(&mut Self, u64)) -> u64 {
        for number in 1..1_000 {
            round(self, number);
            if self.result(item).is_some() {
                return number;
            }
            self.wake();
        }
        panic!("{item} does not end");
    }

    /// The process dies and another one takes the run up.
    pub(crate) fn reopen(&mut self) {
        self.run = Run::replay(&self.journal).unwrap();
        let opened = self.run.open(self.now).unwrap();
        self.run.apply(&opened).unwrap();
        self.journal.push(opened);
        self.give(Input::Tick);
    }

    /// What the run wants: "look a", "look a after 1", "submit 1: a b", "wait 1".
    pub(crate) fn wants(&self) -> Vec<String> {
        let commands = self.run.pending(self.now).into_iter();
        commands
            .map(|command| match command {
                Command::Look { action, after: None } => format!("look {}", action.item),
                Command::Look {
                    action,
                    after: Some(call),
                } => format!("look {} after {}", action.item, call.0),
                Command::Submit { call } => format!("submit {}: {}", call.0, self.carried_by(call)),
                Command::Wait { call } => format!("wait {}", call.0),
            })
            .collect()
    }

    fn carried_by(&self, call: CallId) -> String {
        let members = self.call(call.0).members.iter();
        members
            .map(|member| member.item.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }

    pub(crate) fn call(&self, call: u64) -> &Call {
        self.run.call(CallId(call)).unwrap()
    }

    pub(crate) fn state(&self, item: &str) -> &ActionState {
        let (_, progress) = self.run.item(&ItemId::new(item)).unwrap();
        let current = progress.current().unwrap_or(progress.actions.len() - 1);
        &progress.actions[current].state
    }

    pub(crate) fn result(&self, item: &str) -> Option<ItemResult> {
        self.run.item(&ItemId::new(item)).unwrap().1.result()
    }

    /// What is said about the item's end: why it was skipped, or the note of its last ended action.
    pub(crate) fn note(&self, item: &str) -> String {
        let (_, progress) = self.run.item(&ItemId::new(item)).unwrap();
        let mut notes = progress.actions.iter().filter_map(|action| match &action.state {
            ActionState::Ended(outcome) => outcome.note.clone(),
            ActionState::Waiting
            | ActionState::Looking { .. }
            | ActionState::Ready { .. }
            | ActionState::Called { .. }
            | ActionState::Verifying(_) => None,
        });
        progress.skipped.clone().or(notes.next_back()).unwrap_or_default()
    }
}

pub(crate) fn ready() -> Finding {
    Finding::Ready {
        intent: json!({ "to": "west" }),
        limit: None,
    }
}

pub(crate) fn found_done() -> Finding {
    Finding::Done {
        note: None,
        data: Value::Null,
    }
}

pub(crate) fn cannot_tell(seen: &str) -> Finding {
    Finding::CannotTell {
        reason: format!("the state is {seen}"),
        seen: seen.to_owned(),
    }
}

pub(crate) fn not_yet() -> Finding {
    Finding::NotYet {
        reason: "it is being synchronised".to_owned(),
    }
}

pub(crate) fn look_failed() -> Finding {
    Finding::Failed {
        reason: "no route to host".to_owned(),
    }
}

pub(crate) fn found_running() -> Finding {
    Finding::Running {
        operation: json!("task-7"),
    }
}

pub(crate) fn accepted() -> Submitted {
    Submitted::Accepted {
        operation: json!("task-1"),
    }
}

pub(crate) fn answer_lost() -> Submitted {
    Submitted::Lost {
        reason: "the connection was cut".to_owned(),
    }
}

/// Each of these items' first actions with its end.
pub(crate) fn ends(of: &[(&str, MemberEnd)]) -> Vec<MemberResult> {
    of.iter()
        .map(|(item, end)| MemberResult {
            action: action_of(item, 0),
            end: end.clone(),
        })
        .collect()
}

pub(crate) fn done() -> MemberEnd {
    MemberEnd::Done {
        note: None,
        data: Value::Null,
    }
}

pub(crate) fn failed() -> MemberEnd {
    MemberEnd::Failed {
        reason: "the array refused".to_owned(),
    }
}

pub(crate) fn busy() -> MemberEnd {
    MemberEnd::Again {
        reason: "busy".to_owned(),
        smaller: None,
    }
}

pub(crate) fn too_many(limit: Option<u32>) -> MemberEnd {
    MemberEnd::Again {
        reason: "too many groups".to_owned(),
        smaller: Some(limit),
    }
}
