//! A run driven against a [`World`] in virtual time, through crashes and orders, with every rule checked on the way.

use std::collections::{BTreeMap, BTreeSet};

use farside_engine::{
    ActionRef, ActionState, CallState, Command, Input, OutcomeResult, Record, Resend, ResolvedPlan, Run,
    RunId, RunState, Timestamp, Waited,
};
use serde_json::Value;

use crate::support::audit::Audit;
use crate::support::world::World;

/// A run takes no more steps than this, whatever the world does.
const MOST_STEPS: usize = 2_000;

/// What comes from outside.
#[derive(Clone, Debug)]
pub(crate) enum Disturbance {
    /// The process dies at this append, of whose records only the first `kept` become durable.
    Crash {
        append: usize,
        kept: usize,
        /// Whether the commands that follow were started before it died; only when all records became durable.
        is_late: bool,
    },
    /// A person says something at this step.
    Order { step: usize, input: Input },
}

#[derive(Clone, Debug)]
enum News {
    Told(Input),
    Work { operation: Value, is_lost: bool },
}

/// A run, its journal, its world, and what is on its way between them.
#[derive(Debug)]
pub(crate) struct Simulation {
    pub(crate) run: Run,
    pub(crate) journal: Vec<Record>,
    pub(crate) world: World,
    pub(crate) appends: usize,
    pub(crate) steps: usize,
    now: Timestamp,
    shadow: Run,
    audit: Audit,
    in_flight: BTreeMap<Command, (Timestamp, News)>,
    disturbances: Vec<Disturbance>,
    past: Vec<Input>,
}

impl Simulation {
    /// Drives a run of the plan to its end.
    pub(crate) fn of(plan: &ResolvedPlan, world: World, disturbances: Vec<Disturbance>) -> Self {
        let now = Timestamp(1_700_000_000_000);
        let journal = vec![Run::start(now, RunId::new("run-1"), plan.clone()).unwrap()];
        let run = Run::replay(&journal).unwrap();
        let mut simulation = Self {
            shadow: run.clone(),
            run,
            journal,
            world,
            appends: 0,
            steps: 0,
            now,
            audit: Audit::of(plan),
            in_flight: BTreeMap::new(),
            disturbances,
            past: Vec::new(),
        };
        simulation.advance(Vec::new());
        simulation.drive();
        simulation.check_the_end();
        simulation
    }

    fn drive(&mut self) {
        while self.run.state() != RunState::Ended {
            self.steps += 1;
            assert!(self.steps < MOST_STEPS, "the run does not end:{}", self.told());
            if self.run.state() == RunState::Stopped {
                self.drain();
                if self.run.state() == RunState::Stopped {
                    self.reopen();
                }
                continue;
            }
            self.dispatch();
            let inputs = self.next_inputs();
            self.advance(inputs);
        }
    }

    /// Starts each command once.
    fn dispatch(&mut self) {
        let commands = self.run.pending(self.now);
        let unique: BTreeSet<&Command> = commands.iter().collect();
        assert_eq!(
            unique.len(),
            commands.len(),
            "a command is wanted twice: {commands:?}"
        );
        for command in commands {
            if self.in_flight.contains_key(&command) {
                continue;
            }
            self.world.catch_up(self.now);
            let delay = [1, 40, 2_000, 45_000][self.world.choices.below(4)];
            let (at, news) = match &command {
                Command::Look { action, after } => {
                    let finding = self.world.look(action, *after);
                    let looked = Input::Looked {
                        action: action.clone(),
                        after: *after,
                        finding,
                    };
                    (self.now.plus(delay), News::Told(looked))
                }
                Command::Submit { call } => {
                    assert!(
                        self.audit.has_intended(*call),
                        "{call} is sent before it is durable"
                    );
                    let members = self.run.call(*call).unwrap().members.clone();
                    let result = self.world.submit(self.now, *call, &members);
                    (
                        self.now.plus(delay),
                        News::Told(Input::Submitted { call: *call, result }),
                    )
                }
                Command::Wait { call } => {
                    let CallState::Accepted { operation } = &self.run.call(*call).unwrap().state else {
                        panic!("{call} is waited for and was not accepted");
                    };
                    let operation = operation.clone();
                    let (at, is_lost) = self.world.wait(self.now, &operation);
                    (at, News::Work { operation, is_lost })
                }
            };
            self.in_flight.insert(command, (at, news));
        }
    }

    /// Lets time pass until something happens, and takes all that has happened by then.
    fn next_inputs(&mut self) -> Vec<Input> {
        let step = self.steps;
        let orders = self
            .disturbances
            .iter()
            .filter_map(|disturbance| match disturbance {
                Disturbance::Order { step: at, input } if *at == step => Some(input.clone()),
                Disturbance::Order { .. } | Disturbance::Crash { .. } => None,
            });
        let mut inputs: Vec<Input> = orders.collect();
        if inputs.is_empty() {
            let news = self.in_flight.values().map(|(at, _)| *at).min();
            let next = news.into_iter().chain(self.run.wake_at(self.now)).min();
            let next = next.unwrap_or_else(|| panic!("the run waits for nothing:{}", self.told()));
            self.now = self.now.max(next);
        }
        inputs.extend(self.landed(|_| true));
        inputs.push(Input::Tick);
        inputs
    }

    /// What has arrived by now.
    fn landed(&mut self, wanted: impl Fn(&Command) -> bool) -> Vec<Input> {
        self.world.catch_up(self.now);
        let due: Vec<Command> = self
            .in_flight
            .iter()
            .filter(|(command, (at, _))| *at <= self.now && wanted(command))
            .map(|(command, _)| command.clone())
            .collect();
        let mut inputs = Vec::new();
        for command in due {
            let Some((_, news)) = self.in_flight.remove(&command) else {
                continue;
            };
            inputs.push(match (news, command) {
                (News::Told(input), _) => input,
                (News::Work { is_lost: true, .. }, Command::Wait { call }) => Input::Waited {
                    call,
                    result: Waited::Lost {
                        reason: "the server does not know it".to_owned(),
                    },
                },
                (News::Work { operation, .. }, Command::Wait { call }) => Input::Waited {
                    call,
                    result: self.world.end_of(&operation),
                },
                (News::Work { .. }, command) => panic!("{command:?} is not a wait"),
            });
        }
        if self.world.choices.below(2) == 1 {
            inputs.reverse();
        }
        inputs
    }

    /// Decides, appends, and dies if it is time to.
    fn advance(&mut self, inputs: Vec<Input>) {
        self.check_late_inputs();
        self.past.extend(inputs.iter().cloned());
        let mut repeated = self.run.clone();
        let doubled = inputs
            .iter()
            .flat_map(|input| [input.clone(), input.clone()])
            .collect();
        let (records, _) = self.run.advance(self.now, inputs).unwrap();
        let (same, _) = repeated.advance(self.now, doubled).unwrap();
        assert_eq!(records, same, "an input that is repeated changes something");
        if records.is_empty() {
            return;
        }
        let append = self.appends;
        self.appends += 1;
        let crash = self
            .disturbances
            .iter()
            .find_map(|disturbance| match disturbance {
                Disturbance::Crash {
                    append: at,
                    kept,
                    is_late,
                } if *at == append => Some((*kept, *is_late)),
                Disturbance::Crash { .. } | Disturbance::Order { .. } => None,
            });
        let durable = crash.map_or(records.len(), |(kept, _)| kept.min(records.len()));
        self.append(&records[..durable]);
        let Some((_, is_late)) = crash else {
            assert_eq!(self.shadow, self.run, "the state is not the fold of the records");
            return;
        };
        if durable == records.len() && is_late {
            self.dispatch();
        }
        if self.shadow.state() == RunState::Ended {
            self.run = self.shadow.clone();
        } else {
            self.reopen();
        }
    }

    fn append(&mut self, records: &[Record]) {
        for record in records {
            let text = serde_json::to_string(record).unwrap();
            assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), *record);
            self.audit.check(record);
            self.shadow.apply(record).unwrap();
            self.journal.push(record.clone());
        }
    }

    /// Another process takes the run up, from the journal alone; the world has gone on meanwhile.
    fn reopen(&mut self) {
        self.in_flight.clear();
        self.past.clear();
        self.world.orchestrator_died();
        self.now = self.now.plus([0, 3_000, 700_000][self.world.choices.below(3)]);
        self.run = Run::replay(&self.journal).unwrap();
        assert_eq!(self.run, self.shadow);
        let opened = self.run.open(self.now).unwrap();
        self.run.apply(&opened).unwrap();
        self.append(&[opened]);
        self.advance(Vec::new());
    }

    /// After a stop: nothing begins, and calls that were on their way are still answered.
    fn drain(&mut self) {
        assert_eq!(self.run.pending(self.now), []);
        let is_submit = |command: &Command| matches!(command, Command::Submit { .. });
        let answers = self.in_flight.iter().filter(|(command, _)| is_submit(command));
        self.now = answers
            .map(|(_, (at, _))| *at)
            .max()
            .unwrap_or(self.now)
            .max(self.now);
        let inputs = self.landed(is_submit);
        if !inputs.is_empty() {
            self.advance(inputs);
        }
    }

    /// Whatever was said about a call is said once; hearing it again later changes nothing.
    fn check_late_inputs(&self) {
        for input in self.past.iter().rev().take(8) {
            match input {
                Input::Submitted { .. } | Input::Waited { .. } => {
                    assert!(
                        self.run.decide(self.now, input.clone()).is_err(),
                        "{input:?} counts twice"
                    );
                }
                Input::Tick | Input::Looked { .. } | Input::Abort | Input::Stop | Input::CutSettle => {}
            }
        }
    }

    fn told(&self) -> String {
        let lines = self
            .journal
            .iter()
            .map(|record| serde_json::to_string(record).unwrap());
        lines.fold(String::new(), |text, line| text + "\n" + &line)
    }

    /// What is said of each action is true, and nothing happened twice.
    fn check_the_end(&mut self) {
        self.world.catch_up(self.now);
        assert_eq!(Run::replay(&self.journal).unwrap(), self.run);
        let journal = self.told();
        for (item, progress) in self.run.items() {
            for (position, (step, action)) in item.actions.iter().zip(&progress.actions).enumerate() {
                if step.resend == Resend::Harmless {
                    continue;
                }
                let name = ActionRef {
                    item: item.id.clone(),
                    action: position,
                };
                let thing = &self.world.things[&name];
                assert!(
                    thing.effects <= 1,
                    "{name} happened {} times:{journal}",
                    thing.effects
                );
                let result = match &action.state {
                    ActionState::Ended(outcome) => outcome.result,
                    ActionState::Waiting | ActionState::Looking { .. } | ActionState::Ready { .. } => {
                        OutcomeResult::Failed
                    }
                    ActionState::Called { .. } | ActionState::Verifying(_) => {
                        panic!("{name} is open at the end")
                    }
                };
                match result {
                    OutcomeResult::Done => {
                        assert!(thing.is_applied, "{name} is said to be done:{journal}")
                    }
                    OutcomeResult::Failed => assert!(
                        !thing.is_applied && thing.task.is_none(),
                        "{name} is said not to have happened:{journal}"
                    ),
                    OutcomeResult::Unknown => {}
                }
            }
        }
    }
}
