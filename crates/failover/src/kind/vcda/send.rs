//! One call, sent once; and the wait for its task.

use std::sync::Arc;
use std::time::Duration;

use farside_engine::{Again, EndpointId, MemberEnd, MemberResult, Submitted, Waited};
use farside_models_vcda::SingleVmReplicationInfo;
use farside_transport::{CallError, OperationId, RemoteOperation, WaitErrorKind};
use farside_vcda::{
    Cards, FailoverSettings, FailoverTestSettings, Finished, MigrateSettings, Networks, OperationTag, Target,
    Task, TestFrom, VcdaClient, poll_policy,
};
use farside_wire::RawJson;
use serde_json::{Value, json};

use super::look::{Stage, stage_after, together};
use super::network::Recovered;
use super::view::{View, data};
use super::{Deed, Intent, Replica, Step, UNREADABLE, parse};
use crate::connection::Connections;
use crate::kind::answer::{explain, submitted};
use crate::kind::{CallMember, CallRequest};

/// The one member of a call, read.
struct Share<'a> {
    member: &'a CallMember,
    replica: Replica,
    step: Step,
    intent: Intent,
}

impl<'a> Share<'a> {
    fn of(call: &'a CallRequest) -> Option<Self> {
        let [member] = call.members.as_slice() else {
            return None;
        };
        let step: Step = parse(&member.payload)?;
        Some(Self {
            member,
            replica: parse(&member.item)?,
            intent: Intent::read(&member.intent, &step)?,
            step,
        })
    }
}

pub(super) async fn submit(world: &Connections, call: &CallRequest) -> Submitted {
    let refused = |reason: String, again| Submitted::Refused { reason, again };
    let Some(share) = Share::of(call) else {
        return refused(UNREADABLE.to_owned(), Again::Never);
    };
    let client = match world.availability(&share.intent.at).await {
        Ok(client) => client,
        Err(error) => return refused(explain(&error), Again::Never),
    };
    let tag = OperationTag::new(&format!("farside-{}-{}", call.run, call.call.0));
    let mut client = client.tagged(&tag);
    let other = share.replica.opposite(&share.intent.at);
    let named = world.extended_site(&share.intent.at, other);
    if let Some(site) = named.filter(|_| share.step.deed.needs_other_site()) {
        client = client.needing(site);
    }
    let mut started = start(&client, &share).await;
    // What the plan says of the other site goes before what can be found out.
    if named.is_none()
        && started.as_ref().is_err_and(lacks_the_other_site)
        && let Some(extended) = extended(world, &client, &share).await
    {
        started = start(&extended.tagged(&tag), &share).await;
    }
    match started {
        Ok(work) => Submitted::Accepted {
            operation: json!(work.id()),
        },
        Err(error) => outcome(&error),
    }
}

/// Whether a call was refused, before anything was done, because its session may not be good for the site at the other end
/// (VCDA wire rules 5; which of the two codes says so is inferred).
fn lacks_the_other_site(error: &CallError) -> bool {
    let code = error.service_error().map(farside_wire::ServiceError::code);
    matches!(submitted(error), Submitted::Refused { .. })
        && matches!(code, Some("RemoteAuthenticationFailure" | "NotAuthenticated"))
}

/// A client whose session is good for both ends of a replication; `None` where the site at the other end cannot be asked,
/// as in a disaster, or does not take the credentials of the plan.
async fn extended(world: &Connections, client: &VcdaClient, share: &Share<'_>) -> Option<Arc<VcdaClient>> {
    let at = &share.intent.at;
    let id = &share.replica.replication;
    let shown = client.vm_replication(id).get().await.ok()?;
    let [source, destination] = [shown.source?.site?, shown.destination?.site?];
    // Work on a replication is asked for at its destination.
    let site = if share.intent.towards.as_ref() == Some(&source) {
        destination
    } else {
        source
    };
    let other = share.replica.opposite(at);
    let extended = world.availability_extended(at, other, &site).await.ok()?;
    extended.asking(&site).vm_replication(id).get().await.ok()?;
    Some(extended)
}

async fn start(
    client: &VcdaClient,
    share: &Share<'_>,
) -> Result<RemoteOperation<Finished<SingleVmReplicationInfo>>, CallError> {
    let Share {
        replica,
        step,
        intent,
        ..
    } = share;
    let replication = client.vm_replication(&replica.replication);
    let kind = Target::from(replica.kind_at(&intent.at));
    match step.deed {
        Deed::Test => {
            let networks = Networks::Disconnected {
                vm: intent.vm.clone().unwrap_or_default(),
                cards: replica.nics,
            };
            let settings = FailoverTestSettings::new(kind, replica.power(), networks, TestFrom::Newest);
            replication.start_failover_test(&settings).await
        }
        Deed::Cleanup => replication.start_test_cleanup().await,
        Deed::Migrate => {
            let settings = MigrateSettings::new(kind, replica.power(), Cards::Connected);
            let settings = if replica.consolidate {
                settings.consolidate()
            } else {
                settings
            };
            let settings = match networks(share) {
                Networks::Explicit(networks) => settings.networks(*networks),
                Networks::Preconfigured | Networks::Disconnected { .. } => settings,
            };
            replication.start_migrate(&settings).await
        }
        Deed::Failover => {
            let settings = failover(replica, kind, networks(share));
            replication.start_failover(&settings).await
        }
        Deed::Reverse => replication.start_reverse().await,
    }
}

/// The networks of a VM that is recovered for good. What the look found is in the journal, so a call that is sent again asks for the same.
fn networks(share: &Share<'_>) -> Networks {
    let known = share.intent.networks.as_ref();
    known.map_or(Networks::Preconfigured, |known| {
        known.networks(Recovered::of(
            &share.replica,
            &share.intent.at,
            share.intent.vm.as_deref(),
        ))
    })
}

fn failover(replica: &Replica, kind: Target, networks: Networks) -> FailoverSettings {
    let mut settings = FailoverSettings::new(kind, replica.power(), networks);
    if let Some(key) = &replica.instance {
        settings = settings.instance(key);
    }
    if replica.consolidate {
        settings = settings.consolidate();
    }
    settings
}

/// A session that dies twice in a row is worth another try; nothing was done in it. Codes are an open set, and one may be missing: a
/// 401 is about the session unless it is about another site (VCDA wire rules 5 and 6).
fn outcome(error: &CallError) -> Submitted {
    let code = error.service_error().map(farside_wire::ServiceError::code);
    let unauthorized = error.status().is_some_and(|status| status.as_u16() == 401);
    let dead = unauthorized && code != Some("RemoteAuthenticationFailure");
    match submitted(error) {
        Submitted::Refused { reason, .. } if dead => Submitted::Refused {
            reason,
            again: Again::Later,
        },
        other => other,
    }
}

pub(super) async fn wait(world: &Connections, call: &CallRequest, operation: &Value) -> Waited {
    let lost = |reason: String| Waited::Lost { reason };
    let (Some(mut share), Some(id)) = (Share::of(call), parse::<OperationId>(operation)) else {
        return lost(UNREADABLE.to_owned());
    };
    // Where the work is: an adopted task has no intent of its own.
    share.intent.at = EndpointId::new(id.endpoint.as_str());
    let client = match world.availability(&share.intent.at).await {
        Ok(client) => client,
        Err(error) => return lost(explain(&error)),
    };
    let limit = Duration::from_millis(share.step.deadline_ms);
    let work = match client.attach::<RawJson>(id) {
        Ok(work) => work,
        Err(error) => return lost(explain(&error)),
    };
    let end = match work.until_done(limit, client.clock(), poll_policy()).await {
        Ok(done) => succeeded(&client, &share, &done.task).await,
        Err(error) => match error.kind() {
            WaitErrorKind::Failed(reason) => MemberEnd::Failed {
                reason: format!("the service failed: {reason}"),
            },
            _ => return lost(explain(&error)),
        },
    };
    Waited::Settled(vec![MemberResult {
        action: share.member.action.clone(),
        end,
    }])
}

/// A task that succeeded is believed when the replication is as it should be.
async fn succeeded(client: &VcdaClient, share: &Share<'_>, task: &Task) -> MemberEnd {
    let shown = match task.result().and_then(|result| result.decode().ok()) {
        Some(shown) => shown,
        None => match client.vm_replication(&share.replica.replication).get().await {
            Ok(shown) => shown,
            Err(error) => {
                return MemberEnd::Unknown {
                    reason: format!(
                        "the task succeeded, but the replication cannot be read: {}",
                        explain(&error)
                    ),
                };
            }
        },
    };
    let view = View {
        at: share.intent.at.clone(),
        site: None,
        shown,
        tasks: Vec::new(),
    };
    let deed = share.step.deed;
    match stage_after(&view, deed, &share.intent) {
        Stage::End => MemberEnd::Done {
            note: together([warnings(task), share.intent.concern(&share.replica)]),
            data: data(deed, &share.replica, &share.intent.at, &view.shown),
        },
        Stage::Begin | Stage::Busy | Stage::Elsewhere => MemberEnd::Unknown {
            reason: format!(
                "the task succeeded, but the recovery state is {}",
                view.state_text()
            ),
        },
    }
}

fn warnings(task: &Task) -> Option<String> {
    let warnings: Vec<String> = task
        .shown()
        .warnings
        .iter()
        .filter_map(|warning| warning.error.as_ref().or(warning.cause.as_ref()))
        .map(ToString::to_string)
        .collect();
    (!warnings.is_empty()).then(|| format!("the service warns: {}", warnings.join("; ")))
}
