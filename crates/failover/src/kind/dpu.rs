//! DPU: an offloaded switch of a host moves to its standby DPU.
//!
//! Whether a second call moves the switch back is not known, so none is ever sent without having seen the state: the
//! intent names the DPU that is active and the one that is to be, and nothing is sent when that one is active already. A
//! call is repeated only when the uplinks were seen as before it for the whole settle time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use farside_engine::{
    Action, Again, EndpointId, Finding, LockKey, MemberEnd, MemberResult, Mode, Resend, Submitted, Waited,
};
use farside_host_network::{
    Certainty, DistributedSwitch, DpuId, Host, HostNetwork, HostNetworkError, Obstacle, SwitchDpus,
    obstacles, switch_named,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::connection::Connections;
use crate::kind::answer::{explain, millis, submitted_once};
use crate::kind::{
    CallRequest, Check, CheckItem, Condition, Kind, LookRequest, Protected, Work, WorkRequest,
};
use crate::plan::{EndpointType, PlanContext, PlanProblem, Table};

/// Version of the payloads below.
const VERSION: u32 = 1;
/// Pause between two looks at a switch that is moving.
const PAUSE: Duration = Duration::from_secs(1);

/// The kind of protection `dpu`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dpu;

/// The item's payload: its table in the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    endpoint: EndpointId,
    /// Managed object id of the host.
    host: String,
    /// Name of the distributed switch.
    switch: String,
    /// The DPU that is to be active.
    target_dpu: Option<DpuId>,
    /// Alias of that DPU on its host, passed on unchanged.
    target_alias: Option<String>,
    /// The DPU that a failback makes active again.
    failback_dpu: Option<DpuId>,
}

/// An action's payload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    to: Option<DpuId>,
    alias: Option<String>,
}

/// What a failover is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Intent {
    from: Option<DpuId>,
    to: DpuId,
}

#[async_trait]
impl Kind for Dpu {
    fn name(&self) -> &'static str {
        "dpu"
    }

    fn keys(&self) -> &'static [&'static str] {
        &[
            "endpoint",
            "host",
            "switch",
            "target_dpu",
            "target_alias",
            "failback_dpu",
        ]
    }

    fn read(&self, table: &Table<'_>, context: &PlanContext) -> Result<Protected, PlanProblem> {
        let switch = Switch {
            endpoint: table.endpoint("endpoint", EndpointType::Vcenter, context)?,
            host: table.text("host")?,
            switch: table.text("switch")?,
            // Named, so that a second run finds it active and does not move the switch back.
            target_dpu: Some(DpuId::new(table.text("target_dpu")?)),
            target_alias: table.optional_text("target_alias")?,
            failback_dpu: table.optional_text("failback_dpu")?.map(DpuId::new),
        };
        let url = context
            .endpoints
            .get(&switch.endpoint)
            .map_or("", |endpoint| endpoint.url.as_str());
        Ok(Protected {
            locks: vec![LockKey::new(format!(
                "dpu:{url}/{}/{}",
                switch.host, switch.switch
            ))],
            payload: json!(switch),
            version: VERSION,
        })
    }

    fn work(&self, request: &WorkRequest<'_>) -> Work {
        let Ok(switch) = serde_json::from_value::<Switch>(request.payload.clone()) else {
            return Work::skip("its payload is of another version of farside");
        };
        if request.forbidden.contains(&switch.endpoint) {
            return Work::skip(
                "its vCenter stands in the protected site, to which a disaster run sends nothing",
            );
        }
        let step = match request.mode {
            Mode::Test => return Work::skip("not testable: a DPU failover has no rehearsal"),
            Mode::Cleanup => return Work::nothing("a DPU failover has no rehearsal to clean up"),
            Mode::Reprotect => return Work::nothing("the DPUs protect each other in both directions"),
            Mode::Planned | Mode::Disaster => Move {
                to: switch.target_dpu,
                alias: switch.target_alias,
            },
            Mode::Failback => match switch.failback_dpu {
                Some(dpu) => Move {
                    to: Some(dpu),
                    alias: None,
                },
                None => return Work::nothing("the switch stays on the DPU that works"),
            },
        };
        let action = Action {
            name: "switch to the standby DPU".to_owned(),
            endpoints: vec![switch.endpoint],
            batch: None,
            resend: Resend::Unchanged,
            settle_ms: millis(request.timing.settle),
            deadline_ms: millis(request.timing.deadline),
            payload: json!(step),
        };
        Work {
            actions: vec![action],
            ..Work::default()
        }
    }

    async fn check(&self, world: &Connections, _mode: Mode, items: &[CheckItem]) -> Vec<Check> {
        let mut checks = Vec::with_capacity(items.len());
        for item in items {
            checks.push(Check {
                conditions: conditions(world, item).await,
                loss: None,
            });
        }
        checks
    }

    async fn look(&self, world: &Connections, looks: &[LookRequest]) -> Vec<Finding> {
        let mut findings = Vec::with_capacity(looks.len());
        for look in looks {
            findings.push(look_at(world, look).await);
        }
        findings
    }

    async fn submit(&self, world: &Connections, call: &CallRequest) -> Submitted {
        let never = |reason: String| Submitted::Refused {
            reason,
            again: Again::Never,
        };
        let [member] = call.members.as_slice() else {
            return never("a DPU call carries one switch".to_owned());
        };
        let (Some(switch), Some(step)) = (parse::<Switch>(&member.item), parse::<Move>(&member.payload))
        else {
            return never("the journal's payload cannot be read by this version".to_owned());
        };
        let (network, host) = match fresh(world, &switch).await {
            Ok(read) => read,
            Err(reason) => {
                return Submitted::Refused {
                    reason,
                    again: Again::Later,
                };
            }
        };
        let Some(intent) = parse::<Intent>(&member.intent) else {
            return never("the journal's payload cannot be read by this version".to_owned());
        };
        // A host moves its switch by itself when a DPU dies; a call after that would move it back.
        let active = active(&host, &switch);
        if active.as_ref() == Some(&intent.to) {
            return Submitted::Settled(vec![MemberResult {
                action: member.action.clone(),
                end: MemberEnd::Done {
                    note: Some(format!("{} became active by itself; nothing was sent", intent.to)),
                    data: json!(intent),
                },
            }]);
        }
        if active.is_none() || active != intent.from {
            let seen =
                dpus(&host, &switch).map_or_else(|| "no such switch".to_owned(), |dpus| dpus.describe());
            return Submitted::Refused {
                reason: format!("the DPU of the look is not seen active any more ({seen}); nothing was sent"),
                again: Again::Later,
            };
        }
        match network
            .start_dpu_failover(&host, &switch.switch, step.alias.as_deref())
            .await
        {
            Ok(()) => Submitted::Accepted {
                operation: json!("uplinks"),
            },
            Err(HostNetworkError::Call { source, .. }) => submitted_once(&source),
            Err(error) => never(explain(&error)),
        }
    }

    async fn wait(&self, world: &Connections, call: &CallRequest, _operation: &Value) -> Waited {
        let lost = |reason: &str| Waited::Lost {
            reason: reason.to_owned(),
        };
        let [member] = call.members.as_slice() else {
            return lost("a DPU call carries one switch");
        };
        let (Some(switch), Some(intent)) = (parse::<Switch>(&member.item), parse::<Intent>(&member.intent))
        else {
            return lost("the journal's payload cannot be read by this version");
        };
        loop {
            // The engine's deadline ends this: the wait is dropped then.
            if let Ok((network, host)) = read(world, &switch).await {
                if active(&host, &switch).as_ref() == Some(&intent.to) {
                    let end = MemberEnd::Done {
                        note: None,
                        data: json!(intent),
                    };
                    return Waited::Settled(vec![MemberResult {
                        action: member.action.clone(),
                        end,
                    }]);
                }
                let _ = network.refresh(&host).await;
            }
            world.clock().sleep(PAUSE).await;
        }
    }
}

fn parse<T: serde::de::DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}

async fn network(world: &Connections, switch: &Switch) -> Result<Arc<HostNetwork>, String> {
    let network = world.host_network(&switch.endpoint).await;
    network.map_err(|error| explain(&error))
}

/// The host, as vCenter shows it.
async fn read(world: &Connections, switch: &Switch) -> Result<(Arc<HostNetwork>, Host), String> {
    let network = network(world, switch).await?;
    let host = network.host(&switch.host).await;
    host.map(|host| (network, host)).map_err(|error| explain(&error))
}

/// The host, after it has read its own state anew: where it does not show a move by itself, a call would move the switch back.
async fn fresh(world: &Connections, switch: &Switch) -> Result<(Arc<HostNetwork>, Host), String> {
    let network = network(world, switch).await?;
    let host = network.fresh_host(&switch.host).await;
    host.map(|host| (network, host)).map_err(|error| explain(&error))
}

fn dpus(host: &Host, switch: &Switch) -> Option<SwitchDpus> {
    switch_named(host, &switch.switch).map(|part| SwitchDpus::of(part, &host.nics))
}

fn active(host: &Host, switch: &Switch) -> Option<DpuId> {
    dpus(host, switch)?.active()
}

async fn look_at(world: &Connections, look: &LookRequest) -> Finding {
    let (Some(switch), Some(step)) = (parse::<Switch>(&look.item), parse::<Move>(&look.payload)) else {
        return Finding::Refused {
            reason: "the journal's payload cannot be read by this version".to_owned(),
        };
    };
    let read = match fresh(world, &switch).await {
        // Before the first call, what is in the way is told from what vCenter shows.
        Err(_) if look.called.is_none() => read(world, &switch).await,
        read => read,
    };
    let (network, host) = match read {
        Ok(read) => read,
        Err(reason) => return Finding::Failed { reason },
    };
    let Some(dpus) = dpus(&host, &switch) else {
        return Finding::Refused {
            reason: format!(
                "host {} has no switch {}; it has: {}",
                switch.host,
                switch.switch,
                names(&host)
            ),
        };
    };
    match (&look.after, look.called.as_ref().map(parse::<Intent>)) {
        (_, Some(None)) => Finding::Failed {
            reason: "the journal's intent cannot be read by this version; look at the host by hand"
                .to_owned(),
        },
        (_, None) => before(&network, &host, &dpus, step.to.as_ref()).await,
        (after, Some(Some(intent))) if dpus.active().as_ref() == Some(&intent.to) => Finding::Done {
            note: Some(match after {
                Some(_) => "the answer was lost; the uplinks show the move".to_owned(),
                None => "an earlier call took effect late; the uplinks show the move".to_owned(),
            }),
            data: json!(intent),
        },
        (None, Some(Some(intent))) => before(&network, &host, &dpus, Some(&intent.to)).await,
        // Only this, unchanged for the settle time, proves that the call did not come to anything.
        (Some(_), Some(Some(intent))) if intent.from.is_some() && dpus.active() == intent.from => {
            Finding::CannotTell {
                reason: format!("the uplinks are as before the call ({})", dpus.describe()),
                seen: dpus.describe(),
            }
        }
        (Some(_), Some(Some(_))) => Finding::NotYet {
            reason: format!("the uplinks are on the move ({})", dpus.describe()),
        },
    }
}

async fn before(network: &HostNetwork, host: &Host, dpus: &SwitchDpus, wanted: Option<&DpuId>) -> Finding {
    let from = dpus.active();
    if let (Some(wanted), Some(active)) = (wanted, &from)
        && wanted == active
    {
        return Finding::Done {
            note: Some(format!("{active} was active already; nothing was sent")),
            data: json!({"to": active}),
        };
    }
    let switch = match network.switch(host, &dpus.switch).await {
        Ok(switch) => switch,
        Err(error) => {
            return Finding::Failed {
                reason: explain(&error),
            };
        }
    };
    // What could not be found out holds nothing up: the host has the last word.
    let mut against = obstacles(host, dpus, &switch, wanted);
    against.retain(|obstacle| obstacle.certainty == Certainty::Certain);
    if !against.is_empty() {
        let reasons: Vec<String> = against
            .iter()
            .map(|obstacle| format!("{}: {} ({})", obstacle.what, obstacle.seen, obstacle.advice))
            .collect();
        return Finding::Refused {
            reason: reasons.join("; "),
        };
    }
    // Without it, nobody could tell whether the switch has moved, and a call might move it back.
    if from.is_none() {
        return Finding::NotYet {
            reason: format!("it is not seen which DPU is active ({})", dpus.describe()),
        };
    }
    let standby = dpus.standby();
    match wanted.or(standby.first()).cloned() {
        Some(to) if standby.len() == 1 || wanted.is_some() => Finding::Ready {
            intent: json!(Intent { from, to }),
            limit: None,
        },
        _ => Finding::Refused {
            reason: format!(
                "there is more than one standby DPU: name one as `target_dpu` ({})",
                dpus.describe()
            ),
        },
    }
}

fn names(host: &Host) -> String {
    let names: Vec<&str> = host
        .switches
        .iter()
        .map(|switch| switch.dvs_name.as_str())
        .collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

fn condition(obstacle: Obstacle) -> Condition {
    let seen = format!("{} ({})", obstacle.seen, obstacle.source.read);
    match obstacle.certainty {
        Certainty::Certain => Condition::no_go(obstacle.what, seen, obstacle.advice),
        Certainty::Unknown => {
            let hint = format!("let the user read this, or look by hand; {}", obstacle.advice);
            Condition::warning(obstacle.what, seen, hint)
        }
    }
}

async fn conditions(world: &Connections, item: &CheckItem) -> Vec<Condition> {
    let (Some(switch), Some(step)) = (
        parse::<Switch>(&item.payload),
        item.actions
            .first()
            .and_then(|action| parse::<Move>(&action.payload)),
    ) else {
        return vec![Condition::no_go(
            "plan",
            "its payload cannot be read",
            "report this as a defect",
        )];
    };
    let (network, host) = match read(world, &switch).await {
        Ok(read) => read,
        Err(reason) => {
            let hint = "make the vCenter reachable, and check user, password, pin and host id in the plan";
            return vec![Condition::no_go("host", reason, hint)];
        }
    };
    let Some(dpus) = dpus(&host, &switch) else {
        let hint = "name one of the host's switches";
        return vec![Condition::no_go(
            "switch",
            format!("not on the host (there are: {})", names(&host)),
            hint,
        )];
    };
    let mut conditions = vec![Condition::go("uplinks", dpus.describe())];
    if step.to.is_some() && step.to == dpus.active() {
        conditions.push(Condition::warning(
            "wanted DPU",
            "active already",
            "nothing will be sent",
        ));
        return conditions;
    }
    let shown = match network.switch(&host, &switch.switch).await {
        Ok(shown) => shown,
        Err(error) => DistributedSwitch::hidden(&switch.switch, explain(&error)),
    };
    let against = obstacles(&host, &dpus, &shown, step.to.as_ref());
    conditions.extend(against.into_iter().map(condition));
    if step.alias.is_some() {
        conditions.push(Condition::warning(
            "alias of the DPU",
            "cannot be checked",
            "no VI JSON type shows aliases: make sure that it is one of this host",
        ));
    }
    conditions
}
