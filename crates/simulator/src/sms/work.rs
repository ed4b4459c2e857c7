//! Work on groups: which groups of a call are refused, how the others begin, and what they leave.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::body::{self, Named};
use super::group::{Busy, Pair, Phase, Verb};
use super::provider::Provider;
use super::query::{error_entry, too_many};
use super::task::{Outcome, SmsTask};
use super::{AfterReverse, FIRST_COPY_MS, ProviderSpec, Sms, SmsEvent, seen, view};
use crate::call_log::Ticket;
use crate::core::Core;
use crate::event::Event;
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::vi_json::fault::Fault;
use crate::vi_json::value::{answer, date_time, reference};
use crate::vm;
use crate::world::World;

/// How long a task takes that has nothing to do, in milliseconds.
const CHECK_MS: std::ops::Range<i64> = 100..400;

/// The work on one group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    verb: Verb,
    vcenter: String,
    task: String,
    index: usize,
    pair: String,
    side: usize,
    group: Named,
    settings: Settings,
    pit: Option<String>,
    ticket: Option<Ticket>,
    /// Its entry says something else than what comes of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unseen: bool,
}

impl Job {
    /// The same work at a side of its group.
    fn at(&self, side: usize) -> Self {
        Self { side, ..self.clone() }
    }
}

/// What a call asks for, beyond its groups.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Settings {
    planned: bool,
    check_only: bool,
    force: bool,
    pit_name: Option<String>,
}

/// What becomes of a group of a call.
enum Verdict {
    /// Work begins.
    Begins(Box<Job>),
    /// Work begins, and the entry has this fault all the same.
    BeginsUnseen(Box<Job>, Fault),
    /// Nothing is to be done; the entry says so.
    Done(Value),
}

/// A call that changes groups: refused as a whole, or begun and answered with its task.
pub(super) fn begin(
    world: &mut World,
    incoming: &Incoming<'_>,
    verb: Verb,
    body: &Value,
) -> Result<Answer, Fault> {
    let named = body::groups(body);
    let settings = Settings {
        planned: body::flag(body, "isPlanned"),
        check_only: body::flag(body, "checkOnly"),
        force: body.get("force").and_then(Value::as_bool).unwrap_or(false),
        pit_name: body.get("pitName").and_then(Value::as_str).map(str::to_owned),
    };
    let World { core, sms, vms, .. } = world;
    let mo_id = incoming.param(0);
    let provider = sms
        .provider(incoming.endpoint, mo_id)
        .cloned()
        .ok_or_else(|| Fault::no_such_object("VasaProvider", mo_id))?;
    let refusal = match check_call(core, sms, &provider, verb, &named, &settings) {
        Ok(()) if sms.spec.leftovers_fail_task => leftovers_of(vms, sms, &provider, verb, &named, &settings),
        Ok(()) => None,
        Err(fault) if sms.spec.refuses_in_task => Some(fault),
        Err(fault) => return Err(fault),
    };
    let key = sms.next_task(incoming.endpoint);
    let mut ends_ms = core.now_ms() + core.work_ms("check", &key, CHECK_MS);
    let outcome = if let Some(fault) = refusal {
        for (_, ticket) in &incoming.tickets {
            core.calls.refuse(*ticket, core.now_ms);
        }
        Outcome::Failed(fault)
    } else {
        let call = Call {
            incoming,
            verb,
            provider: &provider,
            task: &key,
            settings: &settings,
        };
        let (entries, last_ms) = begin_groups(core, vms, sms, &call, &named);
        ends_ms = ends_ms.max(last_ms);
        let silent = matches!(verb, Verb::TestStart | Verb::TestStop);
        Outcome::Groups {
            entries,
            has_result: settings.check_only || provider.spec.test_results || !silent,
            form: sms.spec.result_form,
        }
    };
    let task = SmsTask {
        key: key.clone(),
        vcenter: incoming.endpoint.to_owned(),
        object: reference("VasaProvider", &provider.id),
        operation: incoming.operation,
        verb: Some(verb),
        check_only: settings.check_only,
        created_ms: core.now_ms(),
        ends_ms,
        ended_ms: None,
        outcome,
    };
    let end = SmsEvent::TaskEnds {
        vcenter: task.vcenter.clone(),
        key: key.clone(),
    };
    // Queued after the work of the groups, so that of one moment the task is the last to end.
    core.schedule_in(ends_ms - core.now_ms(), Event::Sms(end));
    core.note_task(&task.vcenter, &key, task.work(), "running");
    sms.tasks.begin(task);
    Ok(answer(&reference("SmsTask", &key)))
}

/// A call that was taken.
struct Call<'a> {
    incoming: &'a Incoming<'a>,
    verb: Verb,
    provider: &'a Provider,
    task: &'a str,
    settings: &'a Settings,
}

/// Begins the work on the groups of a call: what is known of each by now, and when the last work ends.
fn begin_groups(
    core: &mut Core,
    vms: &vm::Vms,
    sms: &mut Sms,
    call: &Call<'_>,
    named: &[Named],
) -> (Vec<Option<Value>>, i64) {
    let mut entries = Vec::new();
    let mut ends_ms = core.now_ms();
    let mut seen = BTreeSet::new();
    let mut worked = 0;
    for (index, group) in named.iter().enumerate() {
        let ticket = call.incoming.tickets.get(index).map(|(_, ticket)| *ticket);
        let job = Job {
            verb: call.verb,
            vcenter: call.incoming.endpoint.to_owned(),
            task: call.task.to_owned(),
            index,
            pair: String::new(),
            side: 0,
            group: group.clone(),
            settings: call.settings.clone(),
            pit: group.pit.clone(),
            ticket,
            unseen: false,
        };
        let limit = call.provider.spec.group_limit.map(|limit| limit as usize);
        let verdict = if !seen.insert(group.object()) {
            Err(Fault::new("DuplicateEntry", "The group is named twice."))
        } else if let Some(limit) = limit.filter(|limit| worked >= *limit) {
            Err(too_many(sms, limit))
        } else {
            judge(core, vms, sms, call.provider, call.incoming.operation, job)
        };
        match verdict {
            Ok(Verdict::Begins(job)) => {
                worked += 1;
                entries.push(None);
                ends_ms = ends_ms.max(start(core, sms, call.provider, *job));
            }
            Ok(Verdict::BeginsUnseen(job, fault)) => {
                worked += 1;
                entries.push(Some(error_entry(group, &fault)));
                start(core, sms, call.provider, *job);
            }
            Ok(Verdict::Done(entry)) => entries.push(Some(entry)),
            Err(fault) => {
                if let Some(ticket) = ticket {
                    core.calls.refuse(ticket, core.now_ms);
                }
                entries.push(Some(error_entry(group, &fault)));
            }
        }
    }
    (entries, ends_ms)
}

/// Refuses a call as a whole.
fn check_call(
    core: &Core,
    sms: &mut Sms,
    provider: &Provider,
    verb: Verb,
    named: &[Named],
    settings: &Settings,
) -> Result<(), Fault> {
    let limit = call_limit(sms, provider, named);
    if !provider.is_online(core) {
        return Err(view::unavailable());
    }
    if named.is_empty() {
        let member = match verb {
            Verb::Failover => "failoverParam.replicationGroupsToFailover",
            Verb::TestStart => "testFailoverParam.replicationGroupsToFailover",
            Verb::Promote => "promoteParam.replicationGroupsToPromote",
            Verb::Prepare | Verb::Reverse | Verb::TestStop | Verb::Sync => "groupId",
        };
        return Err(Fault::invalid_argument(Some(member), "The group list is empty."));
    }
    limit?;
    if settings.force && !provider.spec.supports_force {
        return Err(Fault::new("NotSupportedByProvider", "Force is not supported."));
    }
    if verb == Verb::Promote && !provider.spec.promote_capable {
        return Err(Fault::new("NotImplemented", "The provider has no promotion."));
    }
    if sms.spec.inactive_refuses_call {
        for group in named {
            if let Err(fault) = sms.look_up(provider, &group.fault_domain, &group.id)
                && sms.is_of_another(provider, group)
            {
                return Err(fault);
            }
        }
    }
    is_free(sms, provider)
}

fn call_limit(sms: &Sms, provider: &Provider, named: &[Named]) -> Result<(), Fault> {
    match provider.spec.limit().filter(|limit| named.len() > *limit) {
        Some(limit) => Err(too_many(sms, limit)),
        None => Ok(()),
    }
}

/// Whether a provider takes further work.
fn is_free(sms: &mut Sms, provider: &Provider) -> Result<(), Fault> {
    let busy = || Err(Fault::new("ProviderBusy", "The provider takes no further work."));
    if let Some(limit) = provider.spec.tasks_at_once
        && sms.tasks.running_at(&provider.vcenter, &provider.id) >= limit as usize
    {
        return busy();
    }
    let known = sms.providers.iter_mut().find(|known| known.id == provider.id);
    match known.filter(|known| known.busy_calls > 0) {
        Some(known) => {
            known.busy_calls -= 1;
            busy()
        }
        None => Ok(()),
    }
}

/// What becomes of one group: its work, nothing to do, or the fault of its entry.
fn judge(
    core: &Core,
    vms: &vm::Vms,
    sms: &mut Sms,
    provider: &Provider,
    operation: &str,
    job: Job,
) -> Result<Verdict, Fault> {
    let (pair, side) = sms.look_up(provider, &job.group.fault_domain, &job.group.id)?;
    let (pair, name) = (pair.clone(), pair.name.clone());
    let told = entry_fault(sms, &name, operation);
    let told = match told {
        Some((fault, acted)) if !acted || job.settings.check_only => return Err(fault),
        told => told.map(|(fault, _)| fault),
    };
    if let Some(busy) = &pair.busy {
        return Err(still(busy, sms.spec.busy_names_task));
    }
    let begins = sms.allows(core, &pair, side, job.verb)?;
    if !begins {
        return Ok(Verdict::Done(success(
            core,
            sms,
            &pair,
            &job.at(side),
            None,
            true,
        )));
    }
    if job.verb == Verb::Failover && job.settings.planned && provider.spec.needs_prepare && !pair.prepared {
        return Err(Fault::new(
            "SmsReplicationFault",
            "The group has not been prepared.",
        ));
    }
    if let Some(fault) = leftovers(vms, provider, &pair, side, job.verb, &job.settings) {
        return Err(fault);
    }
    reaches_peer(core, sms, &pair, side, &job)?;
    has_room(core, &pair, side, job.verb)?;
    let mut job = Job {
        pair: name,
        side,
        ..job
    };
    if matches!(job.verb, Verb::Failover | Verb::TestStart) {
        job.pit = Some(pair.replica(job.pit.as_deref())?.id.clone());
    }
    if job.settings.check_only {
        let entry = json!({"_typeName": "GroupOperationResult", "groupId": job.group.to_json()});
        return Ok(Verdict::Done(entry));
    }
    job.unseen = told.is_some();
    Ok(match told {
        Some(fault) => Verdict::BeginsUnseen(Box::new(job), fault),
        None => Verdict::Begins(Box::new(job)),
    })
}

/// Refuses to stop a test whose volumes are in use.
fn leftovers(
    vms: &vm::Vms,
    provider: &Provider,
    pair: &Pair,
    side: usize,
    verb: Verb,
    settings: &Settings,
) -> Option<Fault> {
    if verb != Verb::TestStop || settings.force {
        return None;
    }
    (provider.spec.test_leftovers || uses(vms, provider, pair, side)).then(|| {
        Fault::new("InvalidReplicationState", "Volumes of the test are still in use.")
            .with("currentState", pair.state(side).as_str())
    })
}

/// The first refusal to stop a test among the groups of a call.
fn leftovers_of(
    vms: &vm::Vms,
    sms: &Sms,
    provider: &Provider,
    verb: Verb,
    named: &[Named],
    settings: &Settings,
) -> Option<Fault> {
    named.iter().find_map(|group| {
        let (pair, side) = sms.look_up(provider, &group.fault_domain, &group.id).ok()?;
        leftovers(vms, provider, pair, side, verb, settings)
    })
}

/// Whether machines in the inventory are on volumes of a side.
fn uses(vms: &vm::Vms, provider: &Provider, pair: &Pair, side: usize) -> bool {
    let group = super::replicated(pair, &provider.spec);
    !vm::in_use(vms, &group.sides[side]).is_empty()
}

/// The fault that a group is told to fail with, and whether the work on it is done all the same.
fn entry_fault(sms: &mut Sms, group: &str, operation: &str) -> Option<(Fault, bool)> {
    let rule = sms.spec.entry_faults.iter_mut().find(|rule| {
        rule.group == group
            && rule.operation.as_deref().is_none_or(|wanted| wanted == operation)
            && rule.times != Some(0)
    })?;
    rule.times = rule.times.map(|times| times - 1);
    Some((Fault::given(&rule.fault), rule.acted))
}

fn still(busy: &Busy, names_task: bool) -> Fault {
    if names_task || busy.verb == Verb::Sync {
        return Fault::new("SyncOngoing", "Other work on the group is running.")
            .with("task", reference("SmsTask", &busy.task));
    }
    Fault::new("ProviderBusy", "Other work on the group is running.")
}

fn reaches_peer(core: &Core, sms: &Sms, pair: &Pair, side: usize, job: &Job) -> Result<(), Fault> {
    let needed = match job.verb {
        Verb::Prepare | Verb::Sync => true,
        Verb::Reverse => !sms.spec.reverses_alone,
        Verb::Failover | Verb::TestStart | Verb::Promote => job.settings.planned,
        Verb::TestStop => false,
    };
    if needed && !core.is_reachable(&pair.sides[1 - side].vcenter) {
        return Err(Fault::new(
            "PeerNotReachable",
            "The other array cannot be reached.",
        ));
    }
    Ok(())
}

/// Whether there is room for what is made: copies for a test or a point in time where it is asked for, and for a reverse,
/// which makes a target of the site that was the source.
fn has_room(core: &Core, pair: &Pair, side: usize, verb: Verb) -> Result<(), Fault> {
    let site = match verb {
        Verb::TestStart | Verb::Sync => side,
        Verb::Reverse => 1 - side,
        Verb::Prepare | Verb::Failover | Verb::Promote | Verb::TestStop => return Ok(()),
    };
    if core.is_full(&pair.sides[site].vcenter) {
        return Err(Fault::new("ProviderOutOfResource", "The array has no room left."));
    }
    Ok(())
}

/// Begins the work on a group and says when it ends.
fn start(core: &mut Core, sms: &mut Sms, provider: &Provider, job: Job) -> i64 {
    let usual_ms = core.work_ms(job.verb.as_str(), &job.pair, job.verb.range_ms());
    let work_ms = usual_ms * i64::from(provider.spec.slow_percent) / 100;
    if let Some(pair) = sms.pairs.get_mut(&job.pair) {
        pair.busy = Some(Busy {
            verb: job.verb,
            task: job.task.clone(),
        });
    }
    if let Some(ticket) = job.ticket {
        core.calls.hold(ticket);
    }
    core.schedule_in(work_ms, Event::Sms(SmsEvent::GroupEnds(job)));
    core.now_ms() + work_ms
}

/// The work on a group ends: the one place where it changes the group. It does so whether or not the vCenter still
/// knows the task.
pub(super) fn group_ends(world: &mut World, job: &Job) {
    let before = world.sms.pairs.get(&job.pair);
    let before = before.map(|pair| (pair.held(), pair.source));
    let World { core, sms, .. } = world;
    let Some(mut pair) = sms.pairs.remove(&job.pair) else {
        return;
    };
    pair.busy = None;
    let (phase, source) = (pair.phase, pair.source);
    let spec = sms.spec_of(&pair);
    let possible = reaches_peer(core, sms, &pair, job.side, job)
        .and_then(|()| has_room(core, &pair, job.side, job.verb));
    let entry = match possible {
        Ok(()) => {
            let (entry, effect) = apply(core, sms, &mut pair, job, &spec);
            if let Some(ticket) = job.ticket.filter(|_| effect) {
                core.calls.effect(ticket, core.now_ms);
            }
            entry
        }
        Err(fault) => error_entry(&job.group, &fault),
    };
    if (phase, source) != (pair.phase, pair.source) {
        core.note(seen::happening(&pair));
    }
    sms.pairs.insert(job.pair.clone(), pair);
    if let Some(ticket) = job.ticket {
        core.calls.settle(ticket, core.now_ms);
    }
    let task = sms.tasks.get_mut(&job.vcenter, &job.task).filter(|_| !job.unseen);
    if let Some(Outcome::Groups { entries, .. }) = task.map(|task| &mut task.outcome)
        && let Some(slot) = entries.get_mut(job.index)
    {
        *slot = Some(entry);
    }
    volumes_change(world, &job.pair, before);
}

/// Tells of the volumes of a group that hosts can reach, or cannot any more, after a change.
fn volumes_change(world: &mut World, pair: &str, before: Option<([bool; 2], usize)>) {
    let spec = world.sms.pairs.get(pair).map(|pair| world.sms.spec_of(pair));
    let World { core, sms, .. } = world;
    let late_ms = sms.spec.surfaces_ms;
    if let (Some((before, source)), Some(spec), Some(pair)) = (before, spec, sms.pairs.get_mut(pair)) {
        let held = vm::Held {
            before,
            after: pair.held(),
            turned: source != pair.source,
        };
        if held.gained().is_some() {
            pair.surfaces_ms = core.now_ms() + i64::from(late_ms);
        }
        let group = super::replicated(pair, &spec);
        vm::volumes_change(world, &group, held, late_ms);
    }
}

/// Somebody at the array does something with a group, at once and without a call; `false` if its state does not allow it.
pub(crate) fn by_hand(world: &mut World, name: &str, verb: Verb) -> bool {
    let World { core, sms, .. } = world;
    let idle = sms.pairs.get(name).filter(|pair| pair.busy.is_none());
    let Some(mut pair) = idle.cloned() else {
        return false;
    };
    let side = if verb == Verb::Prepare {
        pair.source
    } else {
        pair.target()
    };
    if !pair.allows(side, verb, false).is_ok_and(|begins| begins) {
        return false;
    }
    let before = (pair.held(), pair.source);
    let spec = sms.spec_of(&pair);
    match verb {
        Verb::Prepare => pair.prepared = true,
        Verb::Sync => {
            pair.store(core.now_ms(), None);
        }
        Verb::TestStart => pair.phase = Phase::InTest,
        Verb::TestStop => pair.phase = Phase::Replicating,
        Verb::Failover | Verb::Promote => {
            pair.phase = Phase::FailedOver;
            pair.source_told = true;
        }
        Verb::Reverse => turn_round(core, sms, &mut pair, spec.renames_on_reverse),
    }
    core.note(seen::happening(&pair));
    sms.pairs.insert(name.to_owned(), pair);
    volumes_change(world, name, Some(before));
    true
}

/// Changes the group; gives its entry and whether anything changed.
fn apply(core: &mut Core, sms: &mut Sms, pair: &mut Pair, job: &Job, spec: &ProviderSpec) -> (Value, bool) {
    let now_ms = core.now_ms();
    match job.verb {
        Verb::Prepare => {
            let again = std::mem::replace(&mut pair.prepared, true);
            return (success(core, sms, pair, job, None, again), !again);
        }
        Verb::Sync => {
            let pit = pair.store(now_ms, job.settings.pit_name.as_deref());
            let mut entry = success(core, sms, pair, job, None, false);
            entry["_typeName"] = json!("SyncReplicationGroupSuccessResult");
            entry["timeStamp"] = json!(date_time(core, &job.vcenter, pit.at_ms));
            entry["pitId"] = json!({"_typeName": "PointInTimeReplicaId", "id": pit.id});
            entry["pitName"] = json!(pit.name);
            return (entry, true);
        }
        Verb::TestStart => {
            pair.phase = Phase::InTest;
            pair.used_pit = job.pit.clone();
        }
        Verb::TestStop => {
            pair.phase = Phase::Replicating;
            pair.used_pit = None;
        }
        Verb::Failover => {
            pair.phase = Phase::FailedOver;
            pair.source_told = job.settings.planned;
            pair.prepared = false;
            pair.used_pit = job.pit.clone();
            let entry = success(core, sms, pair, job, Some(spec), false);
            if spec.self_reversing {
                // Nothing in the answer of a failover could tell of other ids.
                turn_round(core, sms, pair, false);
            }
            return (entry, true);
        }
        Verb::Promote => {
            pair.phase = Phase::FailedOver;
            pair.source_told = job.settings.planned;
            pair.prepared = false;
        }
        Verb::Reverse => {
            turn_round(core, sms, pair, spec.renames_on_reverse);
            return (success(core, sms, pair, job, None, false), true);
        }
    }
    (success(core, sms, pair, job, None, false), true)
}

fn turn_round(core: &mut Core, sms: &mut Sms, pair: &mut Pair, renames: bool) {
    let old = std::mem::take(&mut pair.pits);
    pair.turn_round();
    match sms.spec.after_reverse {
        AfterReverse::Nothing => {}
        AfterReverse::OldReplicas => pair.pits = old,
        AfterReverse::NewReplica => {
            pair.store(core.now_ms(), None);
        }
    }
    if renames {
        sms.forget(pair);
        let turn = pair.turn;
        for side in &mut pair.sides {
            let plain = side
                .id
                .split_once('.')
                .map_or(side.id.as_str(), |(plain, _)| plain)
                .to_owned();
            side.id = format!("{plain}.{turn}");
        }
        sms.index(pair);
    }
    let first_ms = core.work_ms("first-copy", &pair.name, FIRST_COPY_MS);
    let copies = SmsEvent::Copies {
        pair: pair.name.clone(),
        turn: pair.turn,
    };
    core.schedule_in(first_ms, Event::Sms(copies));
}

/// The entry of a group that succeeded.
fn success(
    core: &Core,
    sms: &Sms,
    pair: &Pair,
    job: &Job,
    spec: Option<&ProviderSpec>,
    already_done: bool,
) -> Value {
    let side = job.side;
    let mut entry = json!({"_typeName": "GroupOperationResult", "groupId": job.group.to_json()});
    if already_done {
        entry["warning"] = json!([Fault::new("AlreadyDone", "The group was there already.").to_json()]);
    }
    match job.verb {
        Verb::Failover | Verb::TestStart | Verb::Promote => {
            let reverses = spec.is_some_and(|spec| spec.self_reversing);
            let state = if reverses {
                super::GroupState::Source
            } else {
                pair.state(side)
            };
            entry["_typeName"] = json!("FailoverSuccessResult");
            entry["newState"] = json!(state);
            let used = pair.used_pit.as_ref();
            if let Some(pit) = pair.pits.iter().find(|pit| Some(&pit.id) == used) {
                entry["pitId"] = json!({"_typeName": "PointInTimeReplicaId", "id": pit.id});
                entry["timeStamp"] = json!(date_time(core, &job.vcenter, pit.at_ms));
            }
            if let Some(devices) = view::recovered_devices(sms, pair, side) {
                entry["recoveredDeviceInfo"] = devices;
            }
        }
        Verb::Reverse => {
            entry["_typeName"] = json!("ReverseReplicationSuccessResult");
            entry["newGroupId"] = json!({"_typeName": "DeviceGroupId", "id": pair.sides[side].id});
        }
        Verb::Prepare | Verb::Sync | Verb::TestStop => {}
    }
    entry
}
