//! A world and its troubles, drawn at random.

use std::collections::BTreeMap;

use farside_simulator::sms::{AfterPrepare, EntryFault, ProviderSpec, ResultForm, VasaSpec, Verb};
use farside_simulator::{FaultAction, FaultRule, WorldSpec};
use farside_vasa::{Action, GroupId, ProviderRef};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use serde_json::{Value, json};

use crate::support::Pair;

/// What is done to the groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    Prepare,
    Sync,
    Failover,
    Reverse,
    StartTest,
    StopTest,
    Promote,
}

impl Work {
    const ALL: [Self; 7] = [
        Self::Failover,
        Self::StartTest,
        Self::StopTest,
        Self::Reverse,
        Self::Sync,
        Self::Promote,
        Self::Prepare,
    ];

    pub(super) fn action(self) -> Action {
        match self {
            Self::Prepare => Action::Prepare,
            Self::Sync => Action::Sync {
                point_name: "ours".to_owned(),
            },
            Self::Failover => Action::Failover { planned: false },
            Self::Reverse => Action::Reverse,
            Self::StartTest => Action::StartTest { planned: false },
            Self::StopTest => Action::StopTest { force: true },
            Self::Promote => Action::Promote { planned: false },
        }
    }

    pub(super) fn operation(self) -> &'static str {
        self.action().operation().id
    }

    /// The side that is called: the endpoint, its place, and what the ids of groups begin with there.
    fn side(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Prepare => ("vc-east", "east", "rg"),
            _ => ("vc-west", "west", "rt"),
        }
    }

    pub(super) fn endpoint(self) -> &'static str {
        self.side().0
    }

    /// What has been done to the groups before.
    fn set_up(self) -> Option<Verb> {
        match self {
            Self::Reverse => Some(Verb::Failover),
            Self::StopTest | Self::Promote => Some(Verb::TestStart),
            Self::Prepare | Self::Sync | Self::Failover | Self::StartTest => None,
        }
    }

    /// Whether somebody else's sync can be running meanwhile.
    fn goes_with_a_sync(self) -> bool {
        matches!(self, Self::Sync | Self::Failover | Self::StartTest)
    }
}

/// What a provider takes.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    pub(super) announced: Option<u32>,
    pub(super) call_limit: Option<u32>,
    pub(super) group_limit: Option<u32>,
    /// How many calls it refuses at first.
    pub(super) busy: u32,
    pub(super) promotes: bool,
}

/// What is wrong with a call that changes groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    DropAnswer,
    Cut,
    SessionEnds,
    /// The vCenter starts anew, and does not answer for so long.
    Restart(u32),
}

/// What is wrong with a group, the first time unless said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It fails, always.
    NoReplica,
    /// It fails.
    Full,
    Busy,
    Unavailable {
        /// It is worked on all the same.
        acted: bool,
    },
}

impl Flaw {
    fn fault(self, number: u32, operation: &str) -> EntryFault {
        let (type_name, acted) = match self {
            Self::NoReplica => ("NoValidReplica", false),
            Self::Full => ("ProviderOutOfResource", false),
            Self::Busy => ("ProviderBusy", false),
            Self::Unavailable { acted } => ("ProviderUnavailable", acted),
        };
        EntryFault {
            group: format!("group-{number:03}"),
            operation: Some(operation.to_owned()),
            times: (self != Self::NoReplica).then_some(1),
            fault: json!({"_typeName": type_name}),
            acted,
        }
    }
}

/// A world and its troubles.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) seed: u64,
    pub(super) work: Work,
    pub(super) providers: Vec<Limits>,
    pub(super) groups: u32,
    pub(super) at_once: usize,
    pub(super) checked: bool,
    /// How the vCenter says things: `hides_limit`, `hides_active`, `refuses_in_task`, `inactive_refuses_call`, `already_done`,
    /// `busy_names_task`.
    pub(super) ways: [bool; 6],
    /// What a source shows once it was prepared.
    pub(super) after_prepare: AfterPrepare,
    pub(super) form: ResultForm,
    /// The call that is hit, from 1.
    pub(super) troubles: Vec<(u32, Trouble)>,
    /// The look at a task at which the vCenter starts anew, from 1, and how long it does not answer.
    pub(super) forgets: Option<(u32, u32)>,
    /// By the number of the group.
    pub(super) flaws: BTreeMap<u32, Flaw>,
    /// Groups that somebody else syncs at first, if they have no flaw.
    pub(super) synced: Vec<u32>,
    /// The provider whose groups another one takes over, by its place, and before which call.
    pub(super) moved: Option<(usize, usize)>,
}

pub(super) fn case() -> impl Strategy<Value = Case> {
    let limit = || option::of(1..9_u32);
    let limits = (limit(), limit(), limit(), 0..3_u32, any::<bool>(), any::<bool>()).prop_map(
        |(announced, call_limit, group_limit, busy, one, other)| Limits {
            announced,
            call_limit,
            group_limit,
            busy,
            promotes: one || other,
        },
    );
    let outage = || select(vec![0, 5_000, 60_000_u32]);
    let trouble = prop_oneof![
        Just(Trouble::DropAnswer),
        Just(Trouble::Cut),
        Just(Trouble::SessionEnds),
        outage().prop_map(Trouble::Restart),
    ];
    let flaw = prop_oneof![
        Just(Flaw::NoReplica),
        Just(Flaw::Full),
        Just(Flaw::Busy),
        any::<bool>().prop_map(|acted| Flaw::Unavailable { acted }),
    ];
    let form = select(vec![ResultForm::Declared, ResultForm::Subtype, ResultForm::Bare]);
    let after_prepare = select(vec![
        AfterPrepare::Stays,
        AfterPrepare::RemoteFailedOver,
        AfterPrepare::Target,
    ]);
    let world = (
        any::<u64>(),
        select(Work::ALL.to_vec()),
        vec(limits, 1..4),
        1..25_u32,
        any::<[bool; 6]>(),
        form,
        after_prepare,
    );
    let troubles = (
        vec((1..7_u32, trouble), 0..3),
        option::weighted(0.2, (1..9_u32, outage())),
        btree_map(1..25_u32, flaw, 0..4),
        vec(1..25_u32, 0..2),
        option::weighted(0.3, (0..3_usize, 0..4_usize)),
    );
    (world, 1..4_usize, any::<bool>(), troubles).prop_map(|(world, at_once, checked, troubles)| Case {
        seed: world.0,
        work: world.1,
        providers: world.2,
        groups: world.3,
        ways: world.4,
        form: world.5,
        after_prepare: world.6,
        at_once,
        checked,
        troubles: troubles.0,
        forgets: troubles.1,
        flaws: troubles.2,
        synced: troubles.3,
        moved: troubles.4,
    })
}

impl Case {
    pub(super) fn hides_limit(&self) -> bool {
        self.ways[0]
    }

    pub(super) fn world(&self) -> Pair {
        let providers = self.providers.iter().map(|limits| {
            let mut provider = ProviderSpec::default();
            provider.max_batch_size = limits.announced.map(i64::from);
            provider.call_limit = limits.call_limit.map(i64::from);
            provider.group_limit = limits.group_limit;
            provider.busy_calls = limits.busy;
            provider.promote_capable = limits.promotes;
            provider
        });
        let flaws = self.flaws.range(..=self.groups);
        let faults = flaws.map(|(number, flaw)| flaw.fault(*number, self.work.operation()));
        let mut vasa = VasaSpec::default();
        vasa.providers = providers.collect();
        vasa.entry_faults = faults.collect();
        vasa.result_form = self.form;
        vasa.after_prepare = self.after_prepare;
        [
            vasa.hides_limit,
            vasa.hides_active,
            vasa.refuses_in_task,
            vasa.inactive_refuses_call,
            vasa.already_done,
            vasa.busy_names_task,
        ] = self.ways;
        let pair = Pair::of(&WorldSpec::pair(self.seed).groups(self.groups).vasa(vasa));
        let mut world = pair.simulator.world();
        if let Some(verb) = self.work.set_up() {
            for number in 1..=self.groups {
                assert!(world.act_on_group(&format!("group-{number:03}"), verb));
            }
        }
        drop(world);
        pair
    }

    /// Lets the troubles begin: nobody but the one who is watched makes calls from then on.
    pub(super) fn trouble(&self, pair: &Pair) {
        let mut world = pair.simulator.world();
        for (nth, trouble) in &self.troubles {
            let action = match trouble {
                Trouble::DropAnswer => FaultAction::DropAnswer,
                Trouble::Cut => FaultAction::Cut,
                Trouble::SessionEnds => FaultAction::EndSessions,
                Trouble::Restart(outage_ms) => self.restart(*outage_ms),
            };
            let rule = FaultRule::new(self.work.operation(), action).at(self.work.endpoint());
            world.faults_mut().add(rule.from_nth(*nth));
        }
        if let Some((nth, outage_ms)) = self.forgets {
            let rule = FaultRule::new("SmsTask_QuerySmsTaskInfo", self.restart(outage_ms));
            world.faults_mut().add(rule.from_nth(nth));
        }
    }

    fn restart(&self, outage_ms: u32) -> FaultAction {
        FaultAction::RestartVcenter {
            endpoint: self.work.endpoint().to_owned(),
            outage_ms,
        }
    }

    pub(super) fn provider(&self, index: usize) -> ProviderRef {
        let (_, place, _) = self.work.side();
        ProviderRef::new(format!(
            "vasaProvider-{place}-{}",
            index % self.providers.len() + 1
        ))
    }

    pub(super) fn fault_domain(&self, index: usize) -> String {
        let (_, place, _) = self.work.side();
        format!("fd-{place}-{}", index % self.providers.len() + 1)
    }

    pub(super) fn group(&self, number: u32) -> GroupId {
        let (_, _, prefix) = self.work.side();
        let index = number as usize - 1;
        GroupId::new(self.fault_domain(index), format!("{prefix}-{number:03}"))
    }

    pub(super) fn flaw(&self, number: u32) -> Option<Flaw> {
        self.flaws.get(&number).copied()
    }

    /// The groups that somebody else syncs.
    pub(super) fn synced(&self) -> impl Iterator<Item = u32> {
        let fits = self.work.goes_with_a_sync();
        let asked = self.synced.iter().copied();
        asked.filter(move |number| fits && *number <= self.groups && self.flaw(*number).is_none())
    }

    /// Which groups go to another provider, and before which call; only where there is another one.
    pub(super) fn moved(&self) -> Option<(String, ProviderRef, usize)> {
        let (from, before) = self.moved.filter(|_| self.providers.len() > 1)?;
        Some((self.fault_domain(from), self.provider(from + 1), before))
    }

    /// How many troubles are of a kind.
    pub(super) fn troubles(&self, is_it: impl Fn(Trouble) -> bool) -> usize {
        let troubles = self.troubles.iter();
        troubles.filter(|(_, trouble)| is_it(*trouble)).count()
    }

    /// How often the vCenter can start anew.
    pub(super) fn restarts(&self) -> usize {
        self.troubles(|trouble| matches!(trouble, Trouble::Restart(_))) + usize::from(self.forgets.is_some())
    }

    /// Whether the provider of a group says that it cannot promote a test.
    pub(super) fn cannot_promote(&self) -> bool {
        self.work == Work::Promote && self.providers.iter().any(|provider| !provider.promotes)
    }
}

/// The ids of the groups in the body of a call.
pub(super) fn named(body: &Value) -> Vec<String> {
    match body {
        Value::Object(members) => match members.get("deviceGroupId") {
            Some(id) => vec![id["id"].as_str().unwrap().to_owned()],
            None => members.values().flat_map(named).collect(),
        },
        Value::Array(elements) => elements.iter().flat_map(named).collect(),
        _ => Vec::new(),
    }
}
