//! Preflight: the same looks and tables as in a run, the age of what could be recovered, and the provider's own check.

use std::collections::BTreeMap;
use std::time::Duration;

use farside_engine::{Finding, Mode};
use farside_transport::PollPolicy;
use farside_vasa::{
    GroupFault, GroupId, GroupOutcome, GroupPoints, PointQuery, Recovery, ReplicationState, batch_limit,
    split,
};
use farside_wire::{Fault, Timestamp};

use super::judge::describe;
use super::look::{Job, Scene, View, Wanted};
use super::outcome::machines;
use super::payload::{Side, Step, Verb};
use crate::connection::Connections;
use crate::kind::answer::explain;
use crate::kind::{Check, CheckItem, Condition};

/// Name of the condition that a provider's own check is.
const OWN_CHECK: &str = "the provider's own check";

/// How long the provider's own check of a failover may take.
const CHECK_LIMIT: Duration = Duration::from_secs(60);

pub(super) async fn check(world: &Connections, mode: Mode, items: &[CheckItem]) -> Vec<Check> {
    let items: Vec<Option<Vec<Step>>> = items.iter().map(steps).collect();
    let mut wanted = Wanted::default();
    for step in items.iter().flatten().flatten() {
        for side in Job::first(step.clone()).sides() {
            wanted.add(side, None);
        }
    }
    let scene = Scene::of(world, wanted).await;
    let facts = Facts {
        points: points(&scene, &items).await,
        verdicts: own_checks(&scene, &items).await,
        now: world.clock().now(),
    };
    let mut checks = Vec::with_capacity(items.len());
    for steps in &items {
        checks.push(match steps {
            Some(steps) => check_item(world, mode, &scene, &facts, steps).await,
            None => Check {
                conditions: vec![Condition::no_go(
                    "replication group",
                    "its payload cannot be read by this version",
                    "run it with the version that made it",
                )],
                loss: None,
            },
        });
    }
    checks
}

fn steps(item: &CheckItem) -> Option<Vec<Step>> {
    let steps = item
        .actions
        .iter()
        .map(|action| serde_json::from_value(action.payload.clone()).ok());
    steps.collect()
}

/// What was asked beyond the states.
struct Facts {
    points: BTreeMap<Side, GroupPoints>,
    /// What the provider says about a planned failover of a group.
    verdicts: BTreeMap<Side, Condition>,
    now: Timestamp,
}

async fn check_item(world: &Connections, mode: Mode, scene: &Scene, facts: &Facts, steps: &[Step]) -> Check {
    let mut check = Check::default();
    for step in steps {
        let finding = scene
            .finding(world.clock().as_ref(), &Job::first(step.clone()))
            .await;
        let ready = matches!(finding, Finding::Ready { .. });
        // The sync before it looks at the same group in the same state.
        if step.verb == (Verb::FailOver { planned: true }) {
            check.conditions.extend(facts.verdicts.get(&step.here).cloned());
            continue;
        }
        check.conditions.push(state(scene, step, &finding));
        if !ready {
            continue;
        }
        check.conditions.extend(recovery(facts, step));
        if let (Ok(group), Mode::Test | Mode::Disaster) = (scene.group(&step.here), mode)
            && !group.devices.is_empty()
        {
            let value = machines(step.verb, group.devices.len()).unwrap_or_default();
            check.conditions.push(Condition::warning(
                "virtual machines",
                value,
                "register them by hand",
            ));
        }
        check.loss = loss(facts, step);
    }
    check
}

fn state(scene: &Scene, step: &Step, finding: &Finding) -> Condition {
    let name = format!("{} at {}", step.verb.name(), step.here.endpoint);
    match (finding, scene.view(&step.here), scene.group(&step.here)) {
        (Finding::Ready { .. }, Ok(view), Ok(group)) => Condition::go(
            name,
            format!(
                "group {} is {}, provider {} online",
                group.id, group.state, view.provider.info.name
            ),
        ),
        _ => Check::from_finding(&name, finding),
    }
}

/// What there is to recover from.
fn recovery(facts: &Facts, step: &Step) -> Option<Condition> {
    let needed = match step.verb {
        Verb::TestStart | Verb::FailOver { .. } => true,
        Verb::Sync => false,
        Verb::TestStop | Verb::Prepare | Verb::Reverse { .. } => return None,
    };
    let name = "newest point in time";
    let points = facts.points.get(&step.here)?;
    if let (Some(wanted), GroupPoints::Points(listed)) = (&step.point, points) {
        let found = listed.iter().find(|point| point.id == *wanted);
        return Some(match found {
            Some(point) => Condition::go("point in time", aged(point.time, facts.now)),
            None => Condition::no_go(
                "point in time",
                format!("there is no {wanted}"),
                "name one that exists, or leave `point_in_time` out for the newest",
            ),
        });
    }
    Some(match (points.newest(), points) {
        (Some(time), _) => Condition::go(name, aged(time, facts.now)),
        (None, GroupPoints::Failed { faults }) => {
            Condition::warning(name, describe(faults), "ask the array for its replicas")
        }
        (None, _) if needed => Condition::no_go(
            name,
            "none",
            "there is nothing to recover from: wait for the first replica",
        ),
        (None, _) => Condition::warning(name, "none", "the sync makes one"),
    })
}

fn aged(time: Timestamp, now: Timestamp) -> String {
    crate::kind::answer::aged(&time, &now)
}

fn loss(facts: &Facts, step: &Step) -> Option<String> {
    match step.verb {
        Verb::FailOver { planned: false } => {
            let points = facts.points.get(&step.here);
            let chosen = match (points, &step.point) {
                (Some(GroupPoints::Points(listed)), Some(wanted)) => listed
                    .iter()
                    .find(|point| point.id == *wanted)
                    .map(|point| point.time),
                (Some(points), _) => points.newest(),
                (None, _) => None,
            };
            Some(match chosen {
                Some(time) => format!("everything written after {}", aged(time, facts.now)),
                None => "everything written since the last replica, whose time is not known".to_owned(),
            })
        }
        Verb::Reverse { .. } => Some(format!(
            "whatever {} holds that is not at {}: it is overwritten",
            step.there, step.here
        )),
        Verb::TestStart | Verb::TestStop | Verb::Sync | Verb::Prepare | Verb::FailOver { planned: true } => {
            None
        }
    }
}

/// The points in time of all groups that are to be recovered, provider by provider.
async fn points(scene: &Scene, items: &[Option<Vec<Step>>]) -> BTreeMap<Side, GroupPoints> {
    let mut found = BTreeMap::new();
    let recovers = |step: &&Step| matches!(step.verb, Verb::TestStart | Verb::FailOver { .. } | Verb::Sync);
    for (view, steps) in targets(scene, items, recovers) {
        let ids: Vec<GroupId> = steps.iter().map(|step| step.here.id()).collect();
        if let Ok(points) = view
            .client
            .points_in_time(&view.provider.id, &ids, &PointQuery::all())
            .await
        {
            found.extend(steps.into_iter().map(|step| step.here.clone()).zip(points));
        }
    }
    found
}

/// Steps at groups that are targets, by their providers.
fn targets<'a>(
    scene: &'a Scene,
    items: &'a [Option<Vec<Step>>],
    wanted: impl Fn(&&Step) -> bool,
) -> Vec<(&'a View, Vec<&'a Step>)> {
    let mut places: BTreeMap<(&str, &str), (&View, Vec<&Step>)> = BTreeMap::new();
    for step in items.iter().flatten().flatten().filter(|step| wanted(step)) {
        let (Ok(view), Ok(group)) = (scene.view(&step.here), scene.group(&step.here)) else {
            continue;
        };
        if group.state == ReplicationState::Target {
            let place = (step.here.endpoint.as_str(), step.here.provider.as_str());
            places
                .entry(place)
                .or_insert_with(|| (view, Vec::new()))
                .1
                .push(step);
        }
    }
    places.into_values().collect()
}

/// Asks the providers whether the planned failovers would go, in batches; changes nothing (`checkOnly`).
async fn own_checks(scene: &Scene, items: &[Option<Vec<Step>>]) -> BTreeMap<Side, Condition> {
    let mut verdicts = BTreeMap::new();
    let planned = |step: &&Step| step.verb == Verb::FailOver { planned: true };
    for (view, steps) in targets(scene, items, planned) {
        let mut limit = batch_limit(&view.provider.info);
        let mut left = steps.as_slice();
        while let Some(batch) = split(left, limit).next() {
            match own_check(view, batch).await {
                Answer::Conditions(conditions) => {
                    verdicts.extend(batch.iter().map(|step| step.here.clone()).zip(conditions));
                    left = left.get(batch.len()..).unwrap_or_default();
                }
                Answer::TooMany { limit: smaller } => limit = Some(smaller),
            }
        }
    }
    verdicts
}

/// What a check of a batch came to.
enum Answer {
    /// One for each group.
    Conditions(Vec<Condition>),
    /// The provider takes fewer at once: so many, which are fewer than were asked about.
    TooMany { limit: u32 },
}

async fn own_check(view: &View, batch: &[&Step]) -> Answer {
    let groups: Vec<GroupId> = batch.iter().map(|step| step.here.id()).collect();
    let recoveries: Vec<Recovery> = groups.iter().cloned().map(Recovery::newest).collect();
    let unavailable = |reason: String| {
        let hint = "a run may go all the same; look at the provider";
        Answer::Conditions(vec![Condition::warning(OWN_CHECK, reason, hint); batch.len()])
    };
    let started = view
        .client
        .start_failover_check(&view.provider.id, &recoveries, true)
        .await;
    let operation = match started {
        Ok(operation) => operation,
        Err(error) => {
            let smaller = error.fault().and_then(|fault| smaller(fault, batch.len()));
            return smaller.unwrap_or_else(|| unavailable(explain(&error)));
        }
    };
    let clock = view.client.vim().clock().clone();
    match operation
        .until_done(CHECK_LIMIT, clock.as_ref(), PollPolicy::default())
        .await
    {
        Ok(outcomes) => Answer::Conditions(outcomes.into_iter().map(judge).collect()),
        Err(error) => unavailable(explain(&error)),
    }
}

/// The batch to ask about in place of one of which the provider says that it is too large.
fn smaller(fault: &Fault, asked: usize) -> Option<Answer> {
    let GroupFault::TooMany { limit } = GroupFault::of(fault) else {
        return None;
    };
    let most = u32::try_from(asked).unwrap_or(u32::MAX).checked_sub(1)?;
    let limit = limit.unwrap_or(1).min(most);
    (limit > 0).then_some(Answer::TooMany { limit })
}

fn judge(outcome: GroupOutcome) -> Condition {
    match outcome {
        GroupOutcome::Succeeded { warnings, .. } if warnings.is_empty() => {
            Condition::go(OWN_CHECK, "it would fail over")
        }
        GroupOutcome::Succeeded { warnings, .. } => Condition::warning(
            OWN_CHECK,
            describe(&warnings),
            "a failover would go on in spite of it",
        ),
        GroupOutcome::Failed { faults } => match mended_by_the_run(&faults) {
            Some(hint) => Condition::warning(OWN_CHECK, describe(&faults), hint),
            None => Condition::no_go(
                OWN_CHECK,
                describe(&faults),
                "mend this at the array, or leave the item out with --only",
            ),
        },
        GroupOutcome::Missing => Condition::go(OWN_CHECK, "it names nothing against it"),
    }
}

/// What is said of faults of a check that need not be in a run's way, since it is made before the run's sync and prepare;
/// `None` if they are.
///
/// Only a missing replica is known to be made good by the run: by its sync. That a group is not prepared has no fault of
/// its own among the subtypes of `SmsReplicationFault` (`sms.json`), so a provider that wants this can only say it by the
/// base type and in its own words, which are not for a program to read. A fault of exactly that type may as well be about
/// something that will make the provider refuse the failover, after the source has been prepared. To block it would
/// make each planned run at such a provider impossible; so the provider's words are shown, and a person decides by them.
/// A check as an unplanned failover, to which no prepare belongs, could tell the two apart and is not asked for: a provider
/// that passed over `checkOnly` would lose data. All other faults block, those of unknown subtypes among them.
fn mended_by_the_run(faults: &[Fault]) -> Option<&'static str> {
    let lacks_replica = |fault| GroupFault::of(fault) == GroupFault::NoValidReplica;
    let is_plain = |fault: &Fault| fault.type_name() == "SmsReplicationFault";
    if faults.is_empty() {
        None
    } else if faults.iter().all(lacks_replica) {
        // After a reprotect none has come to the new target yet.
        Some("the sync makes one")
    } else if faults.iter().all(|fault| lacks_replica(fault) || is_plain(fault)) {
        Some(
            "decide by the provider's words, as no type says what they are about: a run prepares the group before the \
             failover, so a prepare that is asked for is no obstacle; anything else makes the failover fail after the \
             prepare: then mend it at the array, or leave the item out with --only",
        )
    } else {
        None
    }
}
