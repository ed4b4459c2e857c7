//! VASA: a replication group of a vVol array moves to the array that it is replicated to.
//!
//! The plan's table names the group at both sides. `provider` is the provider's `uid`, `providerId` or `name`, as vCenter
//! shows them:
//!
//! ```toml
//! [items.vasa.source]
//! endpoint = "vc-east"
//! provider = "uid-east-1"
//! fault_domain = "fd-east-1"
//! group = "rg-001"
//!
//! [items.vasa.target]
//! endpoint = "vc-west"
//! provider = "uid-west-1"
//! fault_domain = "fd-west-1"
//! group = "rt-001"
//! ```
//!
//! Whether a call worked is seen from the group's state, so what may have happened is looked at before anything is sent
//! again; a sync leaves a named point in time and is found by it, a prepare leaves nothing. Groups are moved in batches, and
//! a batch's task is taken apart group by group. A reverse can give a group other ids, so it leaves the pair behind as it
//! is afterwards, and later runs begin from there.
//!
//! This kind moves storage. It shuts no virtual machine down and registers none, so it refuses to move a group that holds
//! some while their side is alive.

mod call;
mod check;
mod judge;
mod look;
mod outcome;
mod payload;

use async_trait::async_trait;
use farside_engine::{Action, BatchKey, EndpointId, Finding, LockKey, Mode, Resend, Submitted, Waited};
use farside_vasa::PointId;
use serde_json::{Value, json};

use crate::connection::Connections;
use crate::kind::answer::millis;
use crate::kind::{CallRequest, Check, CheckItem, Kind, LookRequest, Protected, Work, WorkRequest};
use crate::plan::{EndpointType, PlanContext, PlanProblem, Table};

use self::payload::{Pair, Protection, Side, Step, VERSION, Verb};

/// Name of the kind.
const NAME: &str = "vasa";
/// Keys of the tables `source` and `target`.
const SIDE_KEYS: [&str; 4] = ["endpoint", "provider", "fault_domain", "group"];

/// The kind of protection `vasa`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vasa;

#[async_trait]
impl Kind for Vasa {
    fn name(&self) -> &'static str {
        NAME
    }

    fn keys(&self) -> &'static [&'static str] {
        &["source", "target", "point_in_time"]
    }

    fn read(&self, table: &Table<'_>, context: &PlanContext) -> Result<Protected, PlanProblem> {
        let pair = Pair {
            source: read_side(&table.table("source", &SIDE_KEYS)?, context)?,
            target: read_side(&table.table("target", &SIDE_KEYS)?, context)?,
        };
        if pair.source == pair.target {
            return Err(table.problem_at("target", "source and target are the same group"));
        }
        let mut ids = [pair.source.id().to_string(), pair.target.id().to_string()];
        ids.sort();
        let locks = vec![LockKey::new(format!("{NAME}:{}", ids.join("|")))];
        let point_in_time = table.optional_text("point_in_time")?.map(PointId::new);
        Ok(Protected {
            payload: json!(Protection { pair, point_in_time }),
            version: VERSION,
            locks,
        })
    }

    fn work(&self, request: &WorkRequest<'_>) -> Work {
        let Ok(item) = serde_json::from_value::<Protection>(request.payload.clone()) else {
            return Work::skip("its payload is of another version of farside");
        };
        let latest = match request.reprotected.cloned().map(serde_json::from_value::<Pair>) {
            None => None,
            Some(Ok(latest)) => Some(latest),
            Some(Err(_)) => {
                return Work::skip("what the last reprotect left behind is of another version of farside");
            }
        };
        match steps(request.mode, &item, latest) {
            Ok(mut steps) => {
                // In any other mode the other side is looked at.
                if request.mode == Mode::Disaster {
                    steps
                        .iter_mut()
                        .for_each(|step| step.failed_back = request.failed_back);
                }
                work(request, steps)
            }
            Err(reason) => Work::skip(reason),
        }
    }

    async fn check(&self, world: &Connections, mode: Mode, items: &[CheckItem]) -> Vec<Check> {
        check::check(world, mode, items).await
    }

    async fn look(&self, world: &Connections, looks: &[LookRequest]) -> Vec<Finding> {
        look::look(world, looks).await
    }

    async fn submit(&self, world: &Connections, call: &CallRequest) -> Submitted {
        call::submit(world, call).await
    }

    async fn wait(&self, world: &Connections, call: &CallRequest, operation: &Value) -> Waited {
        call::wait(world, call, operation).await
    }
}

fn read_side(table: &Table<'_>, context: &PlanContext) -> Result<Side, PlanProblem> {
    Ok(Side {
        endpoint: table.endpoint("endpoint", EndpointType::Vcenter, context)?,
        provider: table.text("provider")?,
        fault_domain: table.text("fault_domain")?,
        group: table.text("group")?,
    })
}

/// What a mode does to an item, or why it does nothing.
fn steps(mode: Mode, item: &Protection, latest: Option<Pair>) -> Result<Vec<Step>, &'static str> {
    let step = |verb, here: &Side, there: &Side| Step {
        verb,
        here: here.clone(),
        there: there.clone(),
        point: None,
        failed_back: false,
    };
    let moved = |pair: &Pair| {
        vec![
            step(Verb::Sync, &pair.target, &pair.source),
            step(Verb::Prepare, &pair.source, &pair.target),
            step(Verb::FailOver { planned: true }, &pair.target, &pair.source),
        ]
    };
    let recovered = |verb| {
        let pair = item.pair_now(latest.clone());
        let point = item.point_in_time.clone();
        vec![Step {
            point,
            ..step(verb, &pair.target, &pair.source)
        }]
    };
    Ok(match mode {
        Mode::Test => recovered(Verb::TestStart),
        Mode::Disaster => recovered(Verb::FailOver { planned: false }),
        Mode::Cleanup => {
            let pair = item.pair_now(latest);
            vec![step(Verb::TestStop, &pair.target, &pair.source)]
        }
        Mode::Planned => moved(&item.pair_now(latest)),
        // Whatever was failed over since, it was towards the target of the pair as the last reprotect left it.
        Mode::Reprotect => {
            let again = latest.is_some();
            let pair = latest.unwrap_or_else(|| item.pair.clone());
            vec![step(Verb::Reverse { again }, &pair.target, &pair.source)]
        }
        Mode::Failback => match latest {
            None => {
                return Err(
                    "no reprotect of it is in the journal, so there is nothing to move back: reprotect first",
                );
            }
            Some(latest) if !latest.is_reverse_of(&item.pair) => {
                return Err("it is protected in the plan's direction, so there is nothing to move back");
            }
            Some(latest) => moved(&latest),
        },
    })
}

fn work(request: &WorkRequest<'_>, steps: Vec<Step>) -> Work {
    let touched = |step: &Step| match step.verb {
        // It asks the other side before and after.
        Verb::Reverse { .. } => vec![step.here.endpoint.clone(), step.there.endpoint.clone()],
        Verb::TestStart | Verb::TestStop | Verb::Sync | Verb::Prepare | Verb::FailOver { .. } => {
            vec![step.here.endpoint.clone()]
        }
    };
    let is_forbidden = |endpoint: &EndpointId| request.forbidden.contains(endpoint);
    if steps
        .iter()
        .flat_map(touched)
        .any(|endpoint| is_forbidden(&endpoint))
    {
        return Work::skip(
            "its target's vCenter stands in the protected site, to which a disaster run sends nothing",
        );
    }
    let actions = steps.into_iter().map(|step| {
        let mut endpoints = touched(&step);
        endpoints.dedup();
        Action {
            name: step.verb.name().to_owned(),
            endpoints,
            batch: Some(batch_key(&step)),
            resend: resend(step.verb),
            settle_ms: millis(request.timing.settle),
            deadline_ms: millis(request.timing.deadline),
            payload: json!(step),
        }
    });
    Work {
        actions: actions.collect(),
        ..Work::default()
    }
}

/// A second prepare does no harm. A second sync would only make a second point in time, but a call that comes while the
/// first one runs is refused as busy, so it waits for the settle time like those that the group's state guards.
fn resend(verb: Verb) -> Resend {
    match verb {
        Verb::Prepare => Resend::Harmless,
        Verb::TestStart | Verb::TestStop | Verb::Sync | Verb::FailOver { .. } | Verb::Reverse { .. } => {
            Resend::Guarded
        }
    }
}

fn batch_key(step: &Step) -> BatchKey {
    let planned = match step.verb {
        Verb::FailOver { planned: true } => ":planned",
        Verb::FailOver { planned: false } => ":unplanned",
        Verb::TestStart | Verb::TestStop | Verb::Sync | Verb::Prepare | Verb::Reverse { .. } => "",
    };
    let Side {
        endpoint, provider, ..
    } = &step.here;
    BatchKey::new(format!(
        "{NAME}:{endpoint}:{provider}:{}{planned}",
        step.verb.name()
    ))
}

#[cfg(test)]
mod tests;
