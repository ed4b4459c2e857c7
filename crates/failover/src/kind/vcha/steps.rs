//! Looking at a cluster for each step, and following a failover until the roles tell how it ended.

use std::sync::Arc;
use std::time::Duration;

use farside_engine::{Finding, MemberEnd};
use farside_models_vcenter::{VchaClusterInfo, VchaClusterState};
use farside_transport::{OperationId, TaskSource as _, TaskStatus};
use farside_vcha::{CisTasks, HaAddress, Judgement, Roles, VchaClient, failover_is_active, readiness};
use serde_json::{Value, json};

use super::serving::Served;
use super::{Cluster, Intent, Step, serving};
use crate::connection::Connections;
use crate::kind::LookRequest;
use crate::kind::answer::explain;

/// Pause between two looks at a cluster that is switching.
const PAUSE: Duration = Duration::from_secs(2);

pub(super) async fn look(world: &Connections, look: &LookRequest) -> Finding {
    let parsed = (
        serde_json::from_value::<Cluster>(look.item.clone()),
        serde_json::from_value::<Step>(look.payload.clone()),
    );
    let (Ok(cluster), Ok(step)) = parsed else {
        return Finding::Refused {
            reason: "the journal's payload cannot be read by this version".to_owned(),
        };
    };
    let client = match world.vcenter(&cluster.endpoint).await {
        Ok(client) => client,
        Err(error) => {
            return Finding::Failed {
                reason: explain(&error),
            };
        }
    };
    let info = match client.cluster().await {
        Ok(info) => info,
        // While no node serves, there is nothing else to see.
        Err(error) => {
            return Finding::Failed {
                reason: explain(&error),
            };
        }
    };
    let roles = Roles::of(&info);
    match (step, &look.after) {
        (Step::FailOver { activate, .. }, None) => match look.called.as_ref().map(parse) {
            None => before(world, &cluster, &client, &info, &roles, activate).await,
            Some(Some(intent)) if roles.active.as_ref() == Some(&intent.to) => {
                world.lost_sessions(&cluster.endpoint);
                Finding::Done {
                    note: Some("an earlier call took effect late; the node is active".to_owned()),
                    data: switched(&intent),
                }
            }
            Some(Some(intent)) => before(world, &cluster, &client, &info, &roles, Some(intent.to)).await,
            Some(None) => unreadable(),
        },
        (Step::FailOver { .. }, Some(intent)) => match parse(intent) {
            Some(intent) => {
                let finding = after(&client, &roles, &intent).await;
                if matches!(finding, Finding::Done { .. }) {
                    world.lost_sessions(&cluster.endpoint);
                }
                finding
            }
            None => unreadable(),
        },
        (Step::Settle, _) => settled(world, &cluster, &info, &roles, look.earlier.first()).await,
        (Step::Accept, _) => match (
            &roles.active,
            serving::state(world, &cluster.endpoint, None).await,
        ) {
            (Some(active), Ok(())) => done(&info, active, None),
            (None, _) => Finding::NotYet {
                reason: "no node is active yet".to_owned(),
            },
            (Some(_), Err(reason)) => Finding::NotYet { reason },
        },
        (Step::Healthy, _) => match (&info.health_state, &roles.active) {
            (Some(VchaClusterState::Healthy), Some(active)) => done(&info, active, None),
            _ => Finding::NotYet {
                reason: format!("health: {}", health(&info)),
            },
        },
    }
}

fn parse(intent: &Value) -> Option<Intent> {
    serde_json::from_value(intent.clone()).ok()
}

fn unreadable() -> Finding {
    Finding::Failed {
        reason: "the journal's intent cannot be read by this version; look at the cluster by hand".to_owned(),
    }
}

async fn before(
    world: &Connections,
    cluster: &Cluster,
    client: &VchaClient,
    info: &VchaClusterInfo,
    roles: &Roles,
    activate: Option<HaAddress>,
) -> Finding {
    if let (Some(wanted), Some(active)) = (&activate, &roles.active)
        && wanted == active
    {
        return done(
            info,
            active,
            Some("the node was active already; nothing was sent".to_owned()),
        );
    }
    let operations = match client.operations().await {
        Ok(operations) => operations,
        Err(error) => {
            return Finding::Failed {
                reason: explain(&error),
            };
        }
    };
    let conditions = readiness(info, Some(&operations));
    let of = |wanted: Judgement| -> Vec<String> {
        let matching = conditions
            .iter()
            .filter(|condition| condition.judgement == wanted);
        matching
            .map(|condition| format!("{}: {}", condition.name, condition.value))
            .collect()
    };
    let under_way = of(Judgement::Later);
    if !under_way.is_empty() {
        return Finding::NotYet {
            reason: format!("the cluster is busy ({})", under_way.join("; ")),
        };
    }
    let against = of(Judgement::NotReady);
    if !against.is_empty() {
        return Finding::Refused {
            reason: format!(
                "the cluster cannot fail over ({}); bring it to mode ENABLED and health HEALTHY first",
                against.join("; ")
            ),
        };
    }
    let (Some(from), Some(to)) = (roles.active.clone(), activate.or_else(|| roles.passive.clone())) else {
        return Finding::Refused {
            reason: "the cluster does not say which node is active and which passive".to_owned(),
        };
    };
    if !roles.has(&to) {
        return Finding::Refused {
            reason: format!("no node of the cluster has the HA address {to}"),
        };
    }
    match serving::read(world, &cluster.endpoint).await {
        Ok(served) => Finding::Ready {
            intent: json!(Intent { from, to, served }),
            limit: None,
        },
        Err(reason) => Finding::Failed { reason },
    }
}

/// After a lost answer. Only the wanted role proves anything: a planned failover may still be handing its state over.
async fn after(client: &VchaClient, roles: &Roles, intent: &Intent) -> Finding {
    match &roles.active {
        Some(active) if *active == intent.to => Finding::Done {
            note: Some("the answer was lost; the node is active".to_owned()),
            data: switched(intent),
        },
        active => match client.operations().await {
            Ok(operations) if failover_is_active(&operations) => Finding::NotYet {
                reason: "a failover is under way".to_owned(),
            },
            // Only this, unchanged for the settle time, proves that the call did not come to anything.
            Ok(_) if active.as_ref() == Some(&intent.from) => Finding::CannotTell {
                reason: format!("{} is still active and no failover is under way", intent.from),
                seen: format!("active: {}", intent.from),
            },
            Ok(_) => Finding::NotYet {
                reason: format!("{} is not active yet", intent.to),
            },
            Err(error) => Finding::Failed {
                reason: explain(&error),
            },
        },
    }
}

async fn settled(
    world: &Connections,
    cluster: &Cluster,
    info: &VchaClusterInfo,
    roles: &Roles,
    failover: Option<&Value>,
) -> Finding {
    let wanted = failover
        .and_then(|data| data.get("active"))
        .and_then(Value::as_str);
    let served: Option<Served> = failover
        .and_then(|data| data.get("served"))
        .and_then(|served| serde_json::from_value(served.clone()).ok());
    let Some(active) = &roles.active else {
        return Finding::NotYet {
            reason: "no node is active yet".to_owned(),
        };
    };
    if wanted.is_some_and(|wanted| wanted != active.as_str()) {
        return Finding::NotYet {
            reason: format!("{active} is active, which is not the node that was asked for"),
        };
    }
    match serving::state(world, &cluster.endpoint, served.as_ref()).await {
        Ok(()) => done(info, active, None),
        Err(reason) => Finding::NotYet { reason },
    }
}

fn done(info: &VchaClusterInfo, active: &HaAddress, note: Option<String>) -> Finding {
    let degraded = info.health_state != Some(VchaClusterState::Healthy);
    let health = degraded.then(|| {
        format!(
            "the cluster is {}: the other node has not come back yet",
            health(info)
        )
    });
    let notes: Vec<String> = note.into_iter().chain(health).collect();
    Finding::Done {
        note: (!notes.is_empty()).then(|| notes.join("; ")),
        data: json!({"active": active}),
    }
}

fn health(info: &VchaClusterInfo) -> String {
    use farside_wire::OpenEnum as _;
    info.health_state
        .as_ref()
        .map_or_else(|| "not said".to_owned(), |state| state.as_wire().to_owned())
}

fn switched(intent: &Intent) -> Value {
    json!({"active": intent.to, "was_active": intent.from, "served": intent.served})
}

/// Follows a failover that the server took. Silence, 401 and 503 are what a switch looks like; the roles decide.
pub(super) async fn follow(
    world: &Connections,
    cluster: &Cluster,
    intent: &Intent,
    task: &OperationId,
) -> MemberEnd {
    let clock = world.clock();
    loop {
        if let Ok(client) = world.vcenter(&cluster.endpoint).await
            && let Some(end) = judge(&client, intent, task).await
        {
            if matches!(end, MemberEnd::Done { .. }) {
                world.lost_sessions(&cluster.endpoint);
            }
            return end;
        }
        // The engine's deadline ends this: the wait is dropped then.
        clock.sleep(PAUSE).await;
    }
}

async fn judge(client: &Arc<VchaClient>, intent: &Intent, task: &OperationId) -> Option<MemberEnd> {
    let status = CisTasks::new(Arc::clone(client)).poll(task).await;
    if matches!(status, Ok(TaskStatus::Running { .. })) {
        return None;
    }
    let roles = Roles::of(&client.cluster().await.ok()?);
    if roles.active.as_ref() == Some(&intent.to) {
        return Some(MemberEnd::Done {
            note: None,
            data: switched(intent),
        });
    }
    // A task may read FAILED on the new node although the switch worked, so this is looked at last.
    let operations = client.operations().await.ok()?;
    if roles.active.as_ref() != Some(&intent.from) || failover_is_active(&operations) {
        return None;
    }
    match status {
        Ok(TaskStatus::Failed { error }) => Some(MemberEnd::Failed {
            reason: format!("the failover failed and {} stayed active: {error}", intent.from),
        }),
        Ok(TaskStatus::Gone) => Some(MemberEnd::Unknown {
            reason: format!(
                "the vCenter no longer knows the failover's task, and {} is active",
                intent.from
            ),
        }),
        Ok(TaskStatus::Running { .. } | TaskStatus::Succeeded { .. }) | Err(_) => None,
    }
}
