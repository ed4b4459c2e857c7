//! Servers that do their worst within the rules: a call may happen, be refused, be lost before or after it happened,
//! become work that ends well, badly, member by member or never. Looks tell the truth as far as it can be seen.

use std::collections::{BTreeMap, BTreeSet};

use farside_engine::{
    ActionRef, Again, CallId, Finding, MemberEnd, MemberResult, Resend, ResolvedPlan, Submitted, Timestamp,
    Waited,
};
use serde_json::{Value, json};

/// Where the adversary's choices come from; zero is the friendly one.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    bytes: Vec<u8>,
    next: usize,
    forever: bool,
}

impl Choices {
    /// These choices, then only friendly ones.
    pub(crate) fn once(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            next: 0,
            forever: false,
        }
    }
    /// These choices, over and over.
    pub(crate) fn forever(bytes: Vec<u8>) -> Self {
        Self {
            forever: true,
            ..Self::once(bytes)
        }
    }
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let position = if self.forever && !self.bytes.is_empty() {
            self.next % self.bytes.len()
        } else {
            self.next
        };
        self.next += 1;
        self.bytes
            .get(position)
            .map_or(0, |byte| usize::from(*byte) % limit)
    }
    fn one_in(&mut self, limit: usize) -> bool {
        self.below(limit) == limit - 1
    }
}

/// What one action is about.
#[derive(Clone, Debug)]
pub(crate) struct Thing {
    resend: Resend,
    is_batched: bool,
    /// Whether it is as the action wants it.
    pub(crate) is_applied: bool,
    /// How often a call changed it.
    pub(crate) effects: u32,
    /// Work on it that has not ended.
    pub(crate) task: Option<usize>,
    /// Whether the last look since the last call and the last crash said that it may be sent.
    was_seen_ready: bool,
}

#[derive(Clone, Debug)]
struct Task {
    members: Vec<(ActionRef, Fate)>,
    ends_at: Timestamp,
    is_visible: bool,
    has_ended: bool,
}

/// What work does to one member, and what it says of it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Done,
    Failed,
    NotDone,
    TooMany(Option<u32>),
    Unmentioned { happens: bool },
    Unknown { happens: bool },
    HandedOn { to: Option<usize> },
}

impl Fate {
    fn happens(self) -> bool {
        match self {
            Fate::Done | Fate::Unmentioned { happens: true } | Fate::Unknown { happens: true } => true,
            Fate::Unmentioned { happens: false }
            | Fate::Unknown { happens: false }
            | Fate::Failed
            | Fate::NotDone
            | Fate::TooMany(_)
            | Fate::HandedOn { .. } => false,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) things: BTreeMap<ActionRef, Thing>,
    pub(crate) choices: Choices,
    tasks: Vec<Task>,
    sent: BTreeSet<CallId>,
}

impl World {
    pub(crate) fn of(plan: &ResolvedPlan, choices: Choices) -> Self {
        let things = plan.items.iter().flat_map(|item| {
            item.actions.iter().enumerate().map(|(position, action)| {
                let name = ActionRef {
                    item: item.id.clone(),
                    action: position,
                };
                let thing = Thing {
                    resend: action.resend,
                    is_batched: action.batch.is_some(),
                    is_applied: false,
                    effects: 0,
                    task: None,
                    was_seen_ready: false,
                };
                (name, thing)
            })
        });
        Self {
            things: things.collect(),
            choices,
            tasks: Vec::new(),
            sent: BTreeSet::new(),
        }
    }

    /// The orchestrator has died: what it had seen is forgotten, what it had sent is not.
    pub(crate) fn orchestrator_died(&mut self) {
        for thing in self.things.values_mut() {
            thing.was_seen_ready = false;
        }
    }

    /// Ends the work whose time has come.
    pub(crate) fn catch_up(&mut self, now: Timestamp) {
        for task in 0..self.tasks.len() {
            if self.tasks[task].has_ended || self.tasks[task].ends_at > now {
                continue;
            }
            self.tasks[task].has_ended = true;
            for member in 0..self.tasks[task].members.len() {
                let (action, fate) = self.tasks[task].members[member].clone();
                let thing = self.thing(&action);
                if thing.task == Some(task) {
                    thing.task = None;
                }
                if fate.happens() {
                    self.change(&action);
                }
                if let Fate::HandedOn { .. } = fate {
                    let to = Some(self.begin(now, vec![(action.clone(), Fate::Done)]));
                    self.tasks[task].members[member] = (action, Fate::HandedOn { to });
                }
            }
        }
    }

    /// What a look shows. Work that is not visible shows in nothing but its effect.
    pub(crate) fn look(&mut self, action: &ActionRef, after: Option<CallId>) -> Finding {
        match self.choices.below(10) {
            7 => return failed_look(),
            8 => {
                return Finding::NotYet {
                    reason: "not the time yet".to_owned(),
                };
            }
            9 => return cannot_tell(["a", "b"][self.choices.below(2)]),
            _ => {}
        }
        let limit = [None, None, Some(0), Some(2)][self.choices.below(4)];
        let is_refused = self.choices.one_in(30);
        let thing = self.things[action].clone();
        if let Some(task) = thing.task
            && self.tasks[task].is_visible
        {
            return Finding::Running {
                operation: json!(task),
            };
        }
        if thing.is_applied && thing.resend != Resend::Harmless {
            return Finding::Done {
                note: None,
                data: Value::Null,
            };
        }
        if is_refused && thing.task.is_none() && !thing.is_applied {
            return Finding::Refused {
                reason: "not in this state".to_owned(),
            };
        }
        if after.is_some() && thing.resend != Resend::WhenSeen {
            return cannot_tell("nothing");
        }
        self.thing(action).was_seen_ready = true;
        Finding::Ready {
            intent: json!({ "of": action.item }),
            limit,
        }
    }

    /// Takes a call, once, and answers or does not.
    pub(crate) fn submit(&mut self, now: Timestamp, call: CallId, members: &[ActionRef]) -> Submitted {
        assert!(self.sent.insert(call), "{call} was sent twice");
        for member in members {
            let thing = self.thing(member);
            assert!(thing.was_seen_ready, "{call} sends {member} without a look");
            thing.was_seen_ready = false;
            assert!(
                thing.resend != Resend::WhenSeen || (!thing.is_applied && thing.task.is_none()),
                "{call} sends {member} although it can be seen that it happened"
            );
        }
        match self.choices.below(13) {
            5 => refused(Again::Later),
            6 => refused(Again::Never),
            7 => {
                let limit = [None, Some(0), Some(1), Some(2), Some(50)][self.choices.below(5)];
                refused(Again::Smaller { limit })
            }
            8 => lost(),
            9 => {
                self.do_at_once(members, |_, _| Fate::Done);
                lost()
            }
            10 => {
                self.begin_all(now, members);
                lost()
            }
            11 => Submitted::Settled(self.do_at_once(members, Self::any_fate)),
            1 | 4 | 12 => match self.begin_all(now, members) {
                Some(task) => Submitted::Accepted {
                    operation: json!(task),
                },
                None => Submitted::Settled(self.do_at_once(members, |_, _| Fate::Done)),
            },
            _ => Submitted::Settled(self.do_at_once(members, |_, _| Fate::Done)),
        }
    }

    /// When the work's end can be told, unless it is forgotten before.
    pub(crate) fn wait(&mut self, now: Timestamp, operation: &Value) -> (Timestamp, bool) {
        let ends_at = self.task(operation).ends_at.max(now);
        match self.choices.below(8) {
            6 => (now, true),
            7 => (now.plus(5_000).min(ends_at), true),
            _ => (ends_at, false),
        }
    }

    /// How the work ended.
    pub(crate) fn end_of(&mut self, operation: &Value) -> Waited {
        let task = self.task(operation).clone();
        assert!(task.has_ended, "a wait ends before the work does");
        let results = task
            .members
            .iter()
            .filter_map(|(action, fate)| result_of(action, *fate));
        let mut results: Vec<MemberResult> = results.collect();
        if self.choices.one_in(2) {
            results.reverse();
        }
        Waited::Settled(results)
    }

    fn task(&self, operation: &Value) -> &Task {
        let task = operation.as_u64().and_then(|task| usize::try_from(task).ok());
        &self.tasks[task.unwrap()]
    }

    fn thing(&mut self, action: &ActionRef) -> &mut Thing {
        self.things.get_mut(action).unwrap()
    }

    /// A server refuses to do twice what is guarded; all else it does again.
    fn change(&mut self, action: &ActionRef) {
        let thing = self.thing(action);
        if thing.resend != Resend::Guarded || !thing.is_applied {
            thing.is_applied = true;
            thing.effects += 1;
        }
    }

    fn do_at_once(
        &mut self,
        members: &[ActionRef],
        fate: impl Fn(&mut Self, &ActionRef) -> Fate,
    ) -> Vec<MemberResult> {
        let mut results = Vec::new();
        for member in members {
            let fate = match self.guard(member) {
                Some(fate) => fate,
                None => match fate(self, member) {
                    Fate::HandedOn { .. } => Fate::NotDone,
                    fate => fate,
                },
            };
            if fate.happens() {
                self.change(member);
            }
            results.extend(result_of(member, fate));
        }
        results
    }

    /// The answer of a guarded thing that is done or worked on: what it is, not a failure.
    fn guard(&mut self, action: &ActionRef) -> Option<Fate> {
        let thing = self.thing(action);
        if thing.resend != Resend::Guarded {
            return None;
        }
        match thing.task {
            Some(task) => Some(Fate::HandedOn { to: Some(task) }),
            None => thing.is_applied.then_some(Fate::Done),
        }
    }

    /// Work for those members that nothing keeps from being worked on.
    fn begin_all(&mut self, now: Timestamp, members: &[ActionRef]) -> Option<usize> {
        let mut fates = Vec::new();
        for member in members {
            if self.guard(member).is_none() {
                let fate = match self.choices.below(3) {
                    2 => self.any_fate(member),
                    _ => Fate::Done,
                };
                fates.push((member.clone(), fate));
            }
        }
        (!fates.is_empty()).then(|| self.begin(now, fates))
    }

    fn begin(&mut self, now: Timestamp, members: Vec<(ActionRef, Fate)>) -> usize {
        let task = self.tasks.len();
        let takes = [2_000, 50, 40_000, 300_000, 10_000_000_000][self.choices.below(5)];
        let mut is_visible = self.choices.below(2) == 0;
        for (action, _) in &members {
            let thing = self.thing(action);
            thing.task = Some(task);
            is_visible |= thing.resend == Resend::WhenSeen;
        }
        self.tasks.push(Task {
            members,
            ends_at: now.plus(takes),
            is_visible,
            has_ended: false,
        });
        task
    }

    fn any_fate(&mut self, action: &ActionRef) -> Fate {
        let limit = [None, Some(1), Some(3)][self.choices.below(3)];
        let happens = self.choices.below(2) == 0;
        match self.choices.below(7) {
            1 => Fate::Failed,
            2 => Fate::NotDone,
            3 if self.things[action].is_batched => Fate::TooMany(limit),
            4 => Fate::Unmentioned { happens },
            5 => Fate::Unknown { happens },
            6 => Fate::HandedOn { to: None },
            _ => Fate::Done,
        }
    }
}

fn result_of(action: &ActionRef, fate: Fate) -> Option<MemberResult> {
    let reason = || "the server says so".to_owned();
    let end = match fate {
        Fate::Done => MemberEnd::Done {
            note: None,
            data: Value::Null,
        },
        Fate::Failed => MemberEnd::Failed { reason: reason() },
        Fate::NotDone | Fate::HandedOn { to: None } => MemberEnd::Again {
            reason: reason(),
            smaller: None,
        },
        Fate::TooMany(limit) => MemberEnd::Again {
            reason: reason(),
            smaller: Some(limit),
        },
        Fate::Unmentioned { .. } => return None,
        Fate::Unknown { .. } => MemberEnd::Unknown { reason: reason() },
        Fate::HandedOn { to: Some(task) } => MemberEnd::Running {
            operation: json!(task),
        },
    };
    Some(MemberResult {
        action: action.clone(),
        end,
    })
}

fn refused(again: Again) -> Submitted {
    Submitted::Refused {
        reason: "refused".to_owned(),
        again,
    }
}

fn lost() -> Submitted {
    Submitted::Lost {
        reason: "no answer".to_owned(),
    }
}

fn failed_look() -> Finding {
    Finding::Failed {
        reason: "no route to host".to_owned(),
    }
}

fn cannot_tell(seen: &str) -> Finding {
    Finding::CannotTell {
        reason: "nothing shows it".to_owned(),
        seen: seen.to_owned(),
    }
}
