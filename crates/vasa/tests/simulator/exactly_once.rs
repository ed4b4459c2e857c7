//! Over random work, providers, limits, faults and lost answers: each group is acted on once or its end is unknown, with at most one
//! call more at each provider than it takes.
//!
//! What was acted upon is read from the world, not from the answers. The fewest calls that any client could make at a provider are
//! counted from what became of its groups:
//! - the groups that it was the last one to get, in calls of as many as it takes by what it tells: one where it refuses and names no
//!   number;
//! - one call for each group that was put off, since each is due at its own time;
//! - the calls that it refuses because it is busy.
//!
//! The one more is what it costs to learn its limit. Counted apart are calls that nobody can know to be in vain: those that the vCenter
//! turns away for a dead session, each call under way once; those that do not go out while nobody listens; and where groups have gone
//! to another provider, or nobody looked where they are, those that show it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use farside_simulator::call_log::Entry;
use farside_simulator::sms::{AfterPrepare, ResultForm};
use farside_transport::{Call, CallError, Effect, Transport};
use farside_vasa::{GroupEnd, GroupEnded, GroupId, ProviderRef};
use http::Response;
use proptest::prelude::proptest;
use proptest::test_runner::{Config, TestCaseError};
use proptest::{prop_assert, prop_assert_eq};

use crate::support::Pair;

mod case;

use case::{Case, Flaw, Limits, Trouble, Work, case, named};

const SYNC: &str = "VasaProvider_SyncReplicationGroup_Task";

/// How a call that changes groups fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It came to the provider, or may have.
    Judged,
    /// The same, and its answer was lost.
    Lost,
    /// It was turned away for want of a session.
    TurnedAway,
    NotSent,
}

/// A call that changes groups.
#[derive(Debug)]
struct Sent {
    provider: ProviderRef,
    groups: Vec<String>,
    fate: Fate,
}

/// Keeps the calls that change groups, and moves groups to another provider before one of them.
#[derive(Debug)]
struct Watching {
    inner: Arc<dyn Transport>,
    operation: &'static str,
    calls: Arc<Mutex<Vec<Sent>>>,
    before_call: Arc<Before>,
}

/// What happens before a call.
struct Before(Box<dyn Fn(usize) + Send + Sync>);

impl std::fmt::Debug for Before {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Before")
    }
}

#[async_trait]
impl Transport for Watching {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        if call.operation.id != self.operation {
            return self.inner.send(call).await;
        }
        let provider = call.request.uri().path().rsplit('/').nth(1).unwrap();
        let provider = ProviderRef::new(provider);
        let groups = named(&serde_json::from_slice(call.request.body()).unwrap());
        let so_far = self.calls.lock().unwrap().len();
        (self.before_call.0)(so_far);
        let answer = self.inner.send(call).await;
        let fate = fate(&answer);
        let sent = Sent {
            provider,
            groups,
            fate,
        };
        self.calls.lock().unwrap().push(sent);
        answer
    }
}

fn fate(answer: &Result<Response<Bytes>, CallError>) -> Fate {
    let Err(error) = answer else {
        return Fate::Judged;
    };
    match (error.effect(), error.fault()) {
        (_, Some(fault)) if fault.type_name() == "NotAuthenticated" => Fate::TurnedAway,
        (Effect::NotSent, _) => Fate::NotSent,
        (Effect::Unknown, None) => Fate::Lost,
        (Effect::Unknown, Some(_)) | (Effect::Refused, _) => Fate::Judged,
    }
}

/// What became of a case.
struct Played {
    case: Case,
    pair: Pair,
    calls: Vec<Sent>,
    ends: Vec<GroupEnded>,
    /// Groups that somebody else's sync ran on.
    synced: BTreeSet<u32>,
}

async fn play(case: Case) -> Result<Played, TestCaseError> {
    let pair = case.world();
    let synced = sync_by_others(&case, &pair).await;
    case.trouble(&pair);
    let calls = Arc::new(Mutex::new(Vec::new()));
    let (moved, simulator) = (case.moved(), pair.simulator.clone());
    let before_call = move |so_far| {
        if let Some((domain, to, before)) = &moved
            && *before == so_far
        {
            simulator.world().sms_mut().activate(domain, to.as_str());
        }
    };
    let (kept, before_call) = (Arc::clone(&calls), Arc::new(Before(Box::new(before_call))));
    let client = pair.client(case.work.endpoint(), |inner| {
        Arc::new(Watching {
            inner,
            operation: case.work.operation(),
            calls: kept,
            before_call,
        })
    });
    let asked: Vec<GroupId> = (1..=case.groups).map(|number| case.group(number)).collect();
    let first = case.provider(0);
    let act = client.act(&first, case.work.action(), asked.iter().cloned());
    let act = act.within(Duration::from_secs(3_000)).calls_at_once(case.at_once);
    let act = if case.checked { act } else { act.unchecked() };
    let ends = act.send().await;
    let ends = ends.map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
    // What nobody waits for any more comes to its end.
    pair.simulator.advance(60_000);
    prop_assert!(ends.iter().map(|ended| &ended.group).eq(asked.iter()));
    let calls = std::mem::take(&mut *calls.lock().unwrap());
    Ok(Played {
        case,
        pair,
        calls,
        ends,
        synced,
    })
}

/// Starts syncs of somebody else; gives the groups that have one.
async fn sync_by_others(case: &Case, pair: &Pair) -> BTreeSet<u32> {
    let theirs = pair.client(case.work.endpoint(), |inner| inner);
    let mut synced = BTreeSet::new();
    for number in case.synced() {
        let (provider, groups) = (case.provider(number as usize - 1), [case.group(number)]);
        let started = theirs.start_sync(&provider, &groups, "theirs").await;
        if started.is_ok() && entry(pair, SYNC, &groups[0]).refused == 0 {
            synced.insert(number);
        }
    }
    synced
}

/// What the world knows of an operation on a group.
fn entry(pair: &Pair, operation: &str, group: &GroupId) -> Entry {
    let object = format!("groups/{}/{}", group.fault_domain, group.device_group);
    let world = pair.simulator.world();
    let entries = world.calls().entries().into_iter();
    let mut own = entries.filter(|calls| calls.operation == operation && calls.object == object);
    own.next().map(|calls| calls.entry).unwrap_or_default()
}

impl Played {
    fn check_ends(&self) -> Result<(), TestCaseError> {
        for (number, ended) in (1..).zip(&self.ends) {
            let entry = entry(&self.pair, self.case.work.operation(), &ended.group);
            let theirs = u64::from(self.case.work == Work::Sync && self.synced.contains(&number));
            let effects = entry.effects - theirs;
            prop_assert!(effects <= 1, "{effects} times: {ended:?}");
            if self.case.synced.is_empty() && self.case.work != Work::Prepare {
                prop_assert_eq!(
                    entry.attempts_while_unsettled,
                    0,
                    "sent while it was open: {:?}",
                    ended
                );
            }
            match &ended.end {
                GroupEnd::Succeeded { .. } => prop_assert_eq!(effects, 1, "{:?}", ended),
                GroupEnd::Unknown { .. } => {
                    prop_assert!(self.can_be_unknown(&ended.group), "every answer came: {ended:?}");
                }
                GroupEnd::Failed { .. } => {
                    let fails = matches!(self.case.flaw(number), Some(Flaw::NoReplica | Flaw::Full));
                    prop_assert!(fails || self.case.cannot_promote(), "{ended:?}");
                    prop_assert_eq!(effects, 0, "{:?}", ended);
                }
                GroupEnd::NotStarted { .. } => {
                    prop_assert!(self.case.cannot_promote(), "{ended:?}");
                    prop_assert_eq!(effects, 0, "{:?}", ended);
                }
            }
        }
        Ok(())
    }

    /// Whether the answer of a call with the group was lost, or its task may have been forgotten.
    fn can_be_unknown(&self, group: &GroupId) -> bool {
        let mut lost = self.calls.iter().filter(|sent| sent.fate == Fate::Lost);
        self.case.restarts() > 0 || lost.any(|sent| sent.groups.contains(&group.device_group))
    }

    fn check_calls(&self) -> Result<(), TestCaseError> {
        for index in 0..self.case.providers.len() {
            let provider = self.case.provider(index);
            let judged = self.judged().filter(|sent| sent.provider == provider).count();
            let (fewest, in_vain) = (self.fewest(index), self.in_vain());
            prop_assert!(
                judged <= fewest + in_vain + 1,
                "{judged} calls at {provider} where {fewest} would do, and {in_vain} in vain: {:?}",
                self.calls
            );
        }
        let sessions = self.case.troubles(|trouble| trouble == Trouble::SessionEnds);
        let turned_away = self.calls.iter().filter(|sent| sent.fate == Fate::TurnedAway);
        let turned_away = turned_away.count();
        prop_assert!(
            turned_away <= (sessions + self.case.restarts()) * self.case.at_once,
            "{turned_away} calls turned away by {sessions} ends of sessions"
        );
        Ok(())
    }

    fn judged(&self) -> impl Iterator<Item = &Sent> {
        let is_judged = |sent: &&Sent| matches!(sent.fate, Fate::Judged | Fate::Lost);
        self.calls.iter().filter(is_judged)
    }

    /// The fewest calls that any client could make at a provider.
    fn fewest(&self, index: usize) -> usize {
        let provider = self.case.provider(index);
        let mut last = BTreeMap::new();
        let mut all = BTreeSet::new();
        for sent in self.judged() {
            for group in &sent.groups {
                last.insert(group.as_str(), &sent.provider);
                if sent.provider == provider {
                    all.insert(group.as_str());
                }
            }
        }
        let numbers = (1..=self.case.groups)
            .filter(|number| last.get(self.case.group(*number).device_group.as_str()) == Some(&&provider));
        let numbers: Vec<u32> = numbers.collect();
        let put_off = numbers.iter().filter(|number| self.is_put_off(**number)).count();
        let limits = &self.case.providers[index];
        let size = self.useful_size(limits, all.len().max(1));
        numbers.len().div_ceil(size) + put_off + limits.busy as usize
    }

    /// How many groups go through in one call, by what the provider tells: one where it refuses and names no number.
    fn useful_size(&self, limits: &Limits, groups: usize) -> usize {
        let at_most = |limit: Option<u32>| limit.map_or(groups, |limit| (limit as usize).min(groups));
        let really = at_most(limits.call_limit.or(limits.announced)).min(at_most(limits.group_limit));
        let useful = |first: usize| match (first > really, self.case.hides_limit()) {
            (true, true) => 1,
            (true, false) => really,
            (false, _) => first,
        };
        let size = useful(at_most(limits.announced));
        // While nobody answers, what it announces is not known.
        if self.case.restarts() > 0 {
            size.min(useful(groups))
        } else {
            size
        }
    }

    fn is_put_off(&self, number: u32) -> bool {
        match self.case.flaw(number) {
            Some(Flaw::Busy | Flaw::Unavailable { acted: false }) => true,
            Some(Flaw::Unavailable { acted: true }) => self.case.work == Work::Prepare,
            Some(Flaw::NoReplica | Flaw::Full) => false,
            None => self.synced.contains(&number),
        }
    }

    /// How many calls show where groups are: one for each other provider, or those under way when groups go to another one.
    fn in_vain(&self) -> usize {
        let others = self.case.providers.len() - 1;
        let blind = if self.case.checked || others == 0 {
            0
        } else {
            others + self.case.at_once
        };
        blind + self.case.moved().map_or(0, |_| self.case.at_once + 1)
    }
}

fn check(case: Case) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let played = runtime.block_on(play(case))?;
    played.check_ends()?;
    played.check_calls()
}

/// Some hundred worlds, or as many as the environment asks for (`PROPTEST_CASES`).
fn config() -> Config {
    let asked = Config::default();
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => asked,
        None => Config { cases: 300, ..asked },
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn each_group_is_acted_on_once_or_its_end_is_unknown(case in case()) {
        check(case)?;
    }
}

/// Worlds in which it was otherwise once.
#[test]
fn what_went_wrong_once_stays_right() {
    let limits = |call_limit, group_limit, busy| Limits {
        announced: None,
        call_limit,
        group_limit,
        busy,
        promotes: true,
    };
    let case = |groups, at_once, limits, troubles| Case {
        seed: 0,
        work: Work::Failover,
        providers: vec![limits],
        groups,
        at_once,
        checked: true,
        ways: [false; 6],
        form: ResultForm::Declared,
        after_prepare: AfterPrepare::Stays,
        troubles,
        forgets: None,
        flaws: BTreeMap::new(),
        synced: Vec::new(),
        moved: None,
    };
    for case in [
        case(9, 2, limits(Some(8), Some(5), 0), Vec::new()),
        case(4, 3, limits(Some(1), None, 1), vec![(4, Trouble::SessionEnds); 2]),
        case(1, 1, limits(None, None, 0), vec![(1, Trouble::SessionEnds); 2]),
    ] {
        check(case.clone()).unwrap_or_else(|error| panic!("{error}: {case:?}"));
    }
}
