//! Over random limits, faults and lost answers: each group is acted on once or its end is unknown, with at most one call more
//! than it takes.
//!
//! A call that the vCenter turns away for its dead session never comes to the provider. It is counted by itself: nobody can know of
//! a session's end before one is turned away, so each call under way then can be, once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use farside_simulator::sms::{EntryFault, ProviderSpec, ResultForm, VasaSpec};
use farside_simulator::{FaultAction, FaultRule, WorldSpec};
use farside_transport::{Call, CallError, Clock as _, Transport};
use farside_vasa::{Action, GroupEnd, GroupId, ProviderRef};
use http::Response;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::{Config, TestCaseError};
use proptest::{option, prop_assert};
use serde_json::json;

use crate::support::Pair;

const OPERATION: &str = "VasaProvider_FailoverReplicationGroup_Task";

/// Calls that change groups, as they went out.
#[derive(Debug, Default)]
struct Calls {
    /// Those that came to the provider, or may have.
    judged: AtomicUsize,
    /// Those that were turned away for want of a session.
    turned_away: AtomicUsize,
}

/// Counts the calls that change groups.
#[derive(Debug)]
struct Counting {
    inner: Arc<dyn Transport>,
    calls: Arc<Calls>,
}

#[async_trait]
impl Transport for Counting {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        let counts = call.operation.id == OPERATION;
        let answer = self.inner.send(call).await;
        if counts {
            let count = if is_without_session(&answer) {
                &self.calls.turned_away
            } else {
                &self.calls.judged
            };
            count.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }
}

fn is_without_session(answer: &Result<Response<Bytes>, CallError>) -> bool {
    let error = answer.as_ref().err();
    let fault = error.and_then(CallError::fault);
    fault.is_some_and(|fault| fault.type_name() == "NotAuthenticated")
}

/// What is wrong with a call.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    DropAnswer,
    Cut,
    SessionEnds,
}

/// A world and its troubles.
#[derive(Debug, Clone)]
struct Case {
    seed: u64,
    groups: u32,
    announced: Option<u32>,
    call_limit: Option<u32>,
    group_limit: Option<u32>,
    hides_limit: bool,
    refuses_in_task: bool,
    form: ResultForm,
    busy: u32,
    at_once: usize,
    /// The call that is hit, from 1.
    troubles: Vec<(u32, Trouble)>,
    /// Groups that fail for good, by number.
    refused: Vec<u32>,
}

fn case() -> impl Strategy<Value = Case> {
    let limit = || option::of(1..9_u32);
    let trouble = prop_oneof![
        Just(Trouble::DropAnswer),
        Just(Trouble::Cut),
        Just(Trouble::SessionEnds)
    ];
    let form = prop_oneof![
        Just(ResultForm::Declared),
        Just(ResultForm::Subtype),
        Just(ResultForm::Bare)
    ];
    let limits = (limit(), limit(), limit(), any::<bool>(), any::<bool>());
    let troubles = proptest::collection::vec((1..7_u32, trouble), 0..3);
    let refused = proptest::collection::vec(1..25_u32, 0..3);
    (
        any::<u64>(),
        1..25_u32,
        limits,
        form,
        0..3_u32,
        1..4_usize,
        troubles,
        refused,
    )
        .prop_map(
            |(seed, groups, limits, form, busy, at_once, troubles, refused)| Case {
                seed,
                groups,
                announced: limits.0,
                call_limit: limits.1,
                group_limit: limits.2,
                hides_limit: limits.3,
                refuses_in_task: limits.4,
                form,
                busy,
                at_once,
                troubles,
                refused,
            },
        )
}

impl Case {
    fn world(&self) -> Pair {
        let mut provider = ProviderSpec::default();
        provider.max_batch_size = self.announced.map(i64::from);
        provider.call_limit = self.call_limit.map(i64::from);
        provider.group_limit = self.group_limit;
        provider.busy_calls = self.busy;
        let refused = |number: &u32| EntryFault {
            group: format!("group-{number:03}"),
            operation: None,
            times: None,
            fault: json!({"_typeName": "NoValidReplica"}),
            acted: false,
        };
        let mut vasa = VasaSpec::default();
        vasa.providers = vec![provider];
        vasa.hides_limit = self.hides_limit;
        vasa.refuses_in_task = self.refuses_in_task;
        vasa.result_form = self.form;
        vasa.entry_faults = self.refused.iter().map(refused).collect();
        let pair = Pair::of(&WorldSpec::pair(self.seed).groups(self.groups).vasa(vasa));
        for (nth, trouble) in &self.troubles {
            let action = match trouble {
                Trouble::DropAnswer => FaultAction::DropAnswer,
                Trouble::Cut => FaultAction::Cut,
                Trouble::SessionEnds => FaultAction::EndSessions,
            };
            let rule = FaultRule::new(OPERATION, action).from_nth(*nth);
            pair.simulator.world().faults_mut().add(rule);
        }
        pair
    }

    /// How many groups go through in one call, by what the provider tells: one where it refuses and names no number.
    fn useful_size(&self) -> usize {
        let groups = self.groups as usize;
        let first = self
            .announced
            .map_or(groups, |announced| (announced as usize).min(groups));
        let really = [self.call_limit, self.group_limit].into_iter().flatten().min();
        let really = really.map_or(groups, |limit| limit as usize);
        match first.cmp(&really) {
            std::cmp::Ordering::Greater if self.hides_limit => 1,
            std::cmp::Ordering::Greater => really,
            std::cmp::Ordering::Less | std::cmp::Ordering::Equal => first,
        }
    }

    /// How many troubles are of a kind.
    fn troubles(&self, is_it: impl Fn(Trouble) -> bool) -> usize {
        self.troubles
            .iter()
            .filter(|(_, trouble)| is_it(*trouble))
            .count()
    }

    /// The fewest calls that any client could make: those that it takes, and those that a busy provider refuses first.
    fn fewest(&self) -> usize {
        (self.groups as usize).div_ceil(self.useful_size()) + self.busy as usize
    }
}

fn group(number: u32) -> GroupId {
    GroupId::new("fd-west-1", format!("rt-{number:03}"))
}

async fn play(case: Case) -> Result<(), TestCaseError> {
    let pair = case.world();
    let calls = Arc::new(Calls::default());
    let counted = Arc::clone(&calls);
    let client = pair.client("vc-west", |inner| {
        Arc::new(Counting {
            inner,
            calls: counted,
        })
    });
    let asked: Vec<GroupId> = (1..=case.groups).map(group).collect();
    let provider = ProviderRef::new("vasaProvider-west-1");
    let act = client.act(
        &provider,
        Action::Failover { planned: false },
        asked.iter().cloned(),
    );
    let act = act.within(Duration::from_secs(3_000)).calls_at_once(case.at_once);
    let ends = act
        .send()
        .await
        .map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
    // What nobody waits for any more comes to its end.
    pair.clock.sleep(Duration::from_secs(60)).await;

    prop_assert!(ends.iter().map(|ended| &ended.group).eq(asked.iter()));
    let world = pair.simulator.world();
    let log: BTreeMap<String, _> = world
        .calls()
        .entries()
        .into_iter()
        .filter(|calls| calls.operation == OPERATION)
        .map(|calls| (calls.object.clone(), calls.entry))
        .collect();
    for ended in &ends {
        let object = format!("groups/{}/{}", ended.group.fault_domain, ended.group.device_group);
        let (effects, taken) = log
            .get(&object)
            .map_or((0, 0), |entry| (entry.effects, entry.accepted));
        match &ended.end {
            GroupEnd::Succeeded { .. } => prop_assert!(
                effects == 1 && taken == 1,
                "{object}: {ended:?} {effects} {taken}"
            ),
            GroupEnd::Unknown { .. } => {
                let lost = case.troubles(|trouble| !matches!(trouble, Trouble::SessionEnds));
                prop_assert!(lost > 0, "unknown, though every answer came: {object}: {ended:?}");
                prop_assert!(effects <= 1 && taken <= 1, "{object}: {ended:?}");
            }
            GroupEnd::Failed { .. } => {
                let refuses = |number: &u32| group(*number) == ended.group;
                prop_assert!(case.refused.iter().any(refuses), "{object}: {ended:?}");
                prop_assert!(effects == 0, "{object}: {ended:?}");
            }
            GroupEnd::NotStarted { .. } => prop_assert!(false, "{object}: {ended:?}"),
        }
    }
    let (fewest, judged) = (case.fewest(), calls.judged.load(Ordering::Relaxed));
    prop_assert!(
        judged <= fewest + 1,
        "{judged} calls where {fewest} would do: {ends:?}"
    );
    let sessions = case.troubles(|trouble| matches!(trouble, Trouble::SessionEnds));
    let turned_away = calls.turned_away.load(Ordering::Relaxed);
    prop_assert!(
        turned_away <= sessions * case.at_once,
        "{turned_away} calls turned away by {sessions} ends of sessions"
    );
    Ok(())
}

/// A hundred worlds, or as many as the environment asks for (`PROPTEST_CASES`).
fn config() -> Config {
    let asked = Config::default();
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => asked,
        None => Config { cases: 100, ..asked },
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn each_group_is_acted_on_once_or_its_end_is_unknown(case in case()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(play(case))?;
    }
}
