//! Cloud Director Availability: a VM replication is tested, migrated, failed over, or turned round.
//!
//! Each replication is a call of its own; the waits for all of them share one question. What an action did is seen from
//! the replication's recovery state and from the tasks that the service lists for it, by the service's own clock.
//! The recovery state refuses a second action of any kind, so one that nobody can tell about may be sent again after the
//! settle time.

mod check;
mod look;
mod network;
mod send;
mod view;

use std::collections::BTreeSet;

use async_trait::async_trait;
use farside_engine::{Action, EndpointId, Finding, LockKey, Mode, Resend, Submitted, Waited};
use farside_vcda::{Power, Target, VmReplicationId};
use futures_util::future::join_all;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::connection::Connections;
use crate::kind::answer::millis;
use crate::kind::vcda::network::{Recovered, SetUp};
use crate::kind::vcda::view::Services;
use crate::kind::{CallRequest, Check, CheckItem, Kind, LookRequest, Protected, Work, WorkRequest};
use crate::plan::{EndpointType, PlanContext, PlanProblem, Table};

/// Version of the payloads below.
const VERSION: u32 = 1;
/// What is said of a journal that another version of this program wrote.
const UNREADABLE: &str = "the journal's payload cannot be read by this version";

/// The kind of protection `vcda`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vcda;

/// The item's payload: its table in the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Replica {
    replication: VmReplicationId,
    /// The service at the protected site.
    source: EndpointId,
    /// The service at the recovery site.
    destination: EndpointId,
    /// Kind of the recovery site.
    target: TargetKind,
    /// Kind of the protected site, at which a failback recovers.
    #[serde(default)]
    home: TargetKind,
    power_on: bool,
    /// The instance that a disaster recovers from; the newest one when it is left out.
    instance: Option<String>,
    consolidate: bool,
    /// Number of the VM's network cards; a test copy gets each of them disconnected.
    nics: u32,
}

/// Kind of a site at which something is recovered; the service refuses what is asked for another kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TargetKind {
    #[default]
    Vcloud,
    Vcenter,
}

/// An action's payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    deed: Deed,
    /// The service that is asked: at the destination, as far as the journal tells.
    at: EndpointId,
    /// Whether the replication has been turned round before.
    turned: bool,
    /// How long the service may work on it.
    deadline_ms: u64,
}

/// What is done to a replication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Deed {
    Test,
    Cleanup,
    Migrate,
    Failover,
    Reverse,
}

/// What a call is to do, and what was there before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Intent {
    /// The service that is asked.
    at: EndpointId,
    /// Id of the source VM.
    vm: Option<String>,
    /// Short name of the site that the replication led to.
    towards: Option<String>,
    /// The newest tasks of the replication.
    known: BTreeSet<String>,
    /// When the newest of them was started, by the service's clock.
    since: Option<i64>,
    /// The networks that a recovery for good is to have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    networks: Option<SetUp>,
}

impl Intent {
    /// The intent of an action's last call. Work that was found running and waited for has none: of its tasks, the
    /// newest is the one.
    fn read(value: &Value, step: &Step) -> Option<Self> {
        if value.is_null() {
            return Some(Self {
                at: step.at.clone(),
                vm: None,
                towards: None,
                known: BTreeSet::new(),
                since: None,
                networks: None,
            });
        }
        parse(value)
    }

    /// What the report says of the networks, if there is a concern.
    fn concern(&self, replica: &Replica) -> Option<String> {
        self.networks
            .as_ref()?
            .concern(Recovered::of(replica, &self.at, self.vm.as_deref()))
    }
}

/// What a reversal leaves behind for later runs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Reversed {
    /// The service at what is the destination from then on.
    destination_endpoint: EndpointId,
}

impl Deed {
    /// A migration and a reversal work on both sites (VCDA wire rules 5).
    fn needs_other_site(self) -> bool {
        match self {
            Self::Migrate | Self::Reverse => true,
            Self::Test | Self::Cleanup | Self::Failover => false,
        }
    }

    /// Whether it makes the VM that is to serve, whose networks are those that the replication was set up with.
    fn recovers_for_good(self) -> bool {
        match self {
            Self::Migrate | Self::Failover => true,
            Self::Test | Self::Cleanup | Self::Reverse => false,
        }
    }

    /// For people; the name of the action.
    fn name(self) -> &'static str {
        match self {
            Self::Test => "test failover",
            Self::Cleanup => "clean up test",
            Self::Migrate => "migrate",
            Self::Failover => "fail over",
            Self::Reverse => "reverse",
        }
    }

    /// `type` of the service's workflow. No source prints all of these texts; the simulator and the wire fixtures share
    /// them as an assumption.
    fn workflow(self) -> &'static str {
        match self {
            Self::Test => "failoverTest",
            Self::Cleanup => "failoverTestCleanup",
            Self::Migrate => "migrate",
            Self::Failover => "failover",
            Self::Reverse => "reverse",
        }
    }

    const ALL: [Self; 5] = [
        Self::Test,
        Self::Cleanup,
        Self::Migrate,
        Self::Failover,
        Self::Reverse,
    ];
}

impl From<TargetKind> for Target {
    fn from(kind: TargetKind) -> Self {
        match kind {
            TargetKind::Vcloud => Self::Vcloud,
            TargetKind::Vcenter => Self::Vcenter,
        }
    }
}

impl Replica {
    /// Kind of the site of a service.
    fn kind_at(&self, service: &EndpointId) -> TargetKind {
        if *service == self.destination {
            self.target
        } else {
            self.home
        }
    }

    fn power(&self) -> Power {
        if self.power_on { Power::On } else { Power::Off }
    }

    fn both(&self) -> Vec<EndpointId> {
        vec![self.source.clone(), self.destination.clone()]
    }

    /// The service at the other side.
    fn opposite(&self, endpoint: &EndpointId) -> &EndpointId {
        if *endpoint == self.source {
            &self.destination
        } else {
            &self.source
        }
    }
}

fn parse<T: DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}

#[async_trait]
impl Kind for Vcda {
    fn name(&self) -> &'static str {
        "vcda"
    }

    fn keys(&self) -> &'static [&'static str] {
        &[
            "replication",
            "source",
            "destination",
            "target",
            "home",
            "power_on",
            "instance",
            "consolidate",
            "nics",
        ]
    }

    fn read(&self, table: &Table<'_>, context: &PlanContext) -> Result<Protected, PlanProblem> {
        let replication = VmReplicationId::parse(table.text("replication")?)
            .map_err(|error| table.problem_at("replication", error.to_string()))?;
        let replica = Replica {
            replication,
            source: table.endpoint("source", EndpointType::Availability, context)?,
            destination: table.endpoint("destination", EndpointType::Availability, context)?,
            target: read_target(table, "target")?,
            home: read_target(table, "home")?,
            power_on: read_power(table)?,
            instance: table.optional_text("instance")?,
            consolidate: table.flag("consolidate", false)?,
            nics: read_nics(table)?,
        };
        let site = |endpoint| context.endpoints.get(endpoint).map(|config| &config.site);
        if site(&replica.source) == site(&replica.destination) {
            return Err(table.problem_at(
                "destination",
                "source and destination stand in the same site; the destination is at the recovery site",
            ));
        }
        Ok(Protected {
            locks: vec![LockKey::new(format!("vcda:{}", replica.replication))],
            payload: json!(replica),
            version: VERSION,
        })
    }

    fn work(&self, request: &WorkRequest<'_>) -> Work {
        let Some(replica) = parse::<Replica>(request.payload) else {
            return Work::skip("its payload is of another version of farside");
        };
        let reversed = request.reprotected.and_then(parse::<Reversed>);
        let current = reversed
            .as_ref()
            .map_or(&replica.destination, |reversed| &reversed.destination_endpoint);
        let home = replica.destination.clone();
        let (deed, at) = match request.mode {
            Mode::Test => (Deed::Test, home),
            Mode::Cleanup => (Deed::Cleanup, home),
            Mode::Planned => (Deed::Migrate, home),
            Mode::Disaster if request.forbidden.contains(&home) => {
                return Work::skip(
                    "its destination stands in the protected site, to which a disaster run sends nothing",
                );
            }
            Mode::Disaster => (Deed::Failover, home),
            Mode::Reprotect => (Deed::Reverse, current.clone()),
            Mode::Failback if reversed.is_none() => {
                return Work::skip("no reprotect of this item in this journal, so there is no way back yet");
            }
            Mode::Failback if *current != replica.source => {
                return Work::skip("the last reprotect protects it from its own site again; it is at home");
            }
            Mode::Failback => (Deed::Migrate, current.clone()),
        };
        let mut endpoints = vec![at.clone()];
        if deed == Deed::Reverse {
            endpoints.push(replica.opposite(&at).clone());
        }
        let deadline_ms = millis(request.timing.deadline);
        let step = Step {
            deed,
            at,
            turned: reversed.is_some(),
            deadline_ms,
        };
        let action = Action {
            name: deed.name().to_owned(),
            endpoints,
            batch: None,
            resend: Resend::Guarded,
            settle_ms: millis(request.timing.settle),
            deadline_ms,
            payload: json!(step),
        };
        Work {
            actions: vec![action],
            ..Work::default()
        }
    }

    async fn check(&self, world: &Connections, mode: Mode, items: &[CheckItem]) -> Vec<Check> {
        let parsed: Vec<Option<(Replica, Step)>> = items
            .iter()
            .map(|item| Some((parse(&item.payload)?, parse(&item.actions.first()?.payload)?)))
            .collect();
        let asked = |(replica, step): &(Replica, Step)| match mode {
            // Nothing may touch the protected site.
            Mode::Disaster | Mode::Test | Mode::Cleanup => vec![step.at.clone()],
            Mode::Planned | Mode::Reprotect | Mode::Failback => replica.both(),
        };
        let services = Services::of(world, parsed.iter().flatten().flat_map(asked).collect()).await;
        let checks = parsed
            .iter()
            .map(|item| check::item(world, &services, mode, item.as_ref()));
        join_all(checks).await
    }

    async fn look(&self, world: &Connections, looks: &[LookRequest]) -> Vec<Finding> {
        let parsed: Vec<Option<(Replica, Step)>> = looks
            .iter()
            .map(|look| Some((parse(&look.item)?, parse(&look.payload)?)))
            .collect();
        let asked = |(replica, step): &(Replica, Step)| match step.deed {
            Deed::Reverse => replica.both(),
            Deed::Test | Deed::Cleanup | Deed::Migrate | Deed::Failover => vec![step.at.clone()],
        };
        let services = Services::of(world, parsed.iter().flatten().flat_map(asked).collect()).await;
        let services = &services;
        let findings = looks.iter().zip(&parsed).map(|(look, parsed)| async move {
            match (parsed, &look.after) {
                (Some((replica, step)), None) => look::before(services, replica, step).await,
                (Some((replica, step)), Some(intent)) => look::after(services, replica, step, intent).await,
                (None, None) => Finding::Refused {
                    reason: UNREADABLE.to_owned(),
                },
                (None, Some(_)) => Finding::Failed {
                    reason: UNREADABLE.to_owned(),
                },
            }
        });
        join_all(findings).await
    }

    async fn submit(&self, world: &Connections, call: &CallRequest) -> Submitted {
        send::submit(world, call).await
    }

    async fn wait(&self, world: &Connections, call: &CallRequest, operation: &Value) -> Waited {
        send::wait(world, call, operation).await
    }
}

fn read_target(table: &Table<'_>, key: &'static str) -> Result<TargetKind, PlanProblem> {
    match table.optional_text(key)?.as_deref() {
        None | Some("vcloud") => Ok(TargetKind::Vcloud),
        Some("vcenter") => Ok(TargetKind::Vcenter),
        Some(other) => {
            Err(table.problem_at(key, format!("unknown target `{other}` (known: vcloud, vcenter)")))
        }
    }
}

/// So many network cards a VM has at most (vSphere configuration maximums). Each is named in a request.
const MOST_NICS: u32 = 10;

/// A test copy must not reach a production network, so the plan says how many cards there are to disconnect.
fn read_nics(table: &Table<'_>) -> Result<u32, PlanProblem> {
    match table.optional_count("nics")? {
        Some(nics) if nics > MOST_NICS => {
            Err(table.problem_at("nics", format!("a VM has at most {MOST_NICS} network cards, not {nics}")))
        }
        Some(nics) => Ok(nics),
        None => Err(table.problem(
            "the item lacks `nics`, the number of the VM's network cards: a test disconnects each of them by number",
        )),
    }
}

/// The service powers a recovered VM on when nobody says otherwise, so the plan has to say.
fn read_power(table: &Table<'_>) -> Result<bool, PlanProblem> {
    if table.has("power_on") {
        table.flag("power_on", false)
    } else {
        Err(table
            .problem("`power_on = true` or `power_on = false` is missing: it is never left to the service"))
    }
}

#[cfg(test)]
mod tests;
