//! Sending a batch, once, and waiting for its task.

use std::time::Duration;

use farside_engine::{ActionRef, Again, MemberEnd, MemberResult, Submitted, Waited};
use farside_models_sms::operation;
use farside_models_vim::ManagedObjectNotFound;
use farside_transport::{CallError, Effect, OperationId, PollPolicy, WaitErrorKind};
use farside_vasa::{GroupFault, GroupId, GroupView, Recovery, VasaClient, regroup};
use farside_wire::{DataType as _, Operation, RawJson, ServiceError};
use serde_json::{Value, json};

use super::judge::{describe, reversed_pair};
use super::outcome::{End, end, machines, ongoing, task_failed};
use super::payload::{Intent, Step, Verb, Work};
use crate::connection::Connections;
use crate::kind::answer::{explain, submitted_once};
use crate::kind::{CallMember, CallRequest};

/// One stretch of a wait. The engine ends the wait as a whole.
const STRETCH: Duration = Duration::from_secs(3600);
/// Pause after a look at a task that failed for good, a refused login for instance: somebody may mend it.
const PAUSE: Duration = Duration::from_secs(15);
/// Pause between two readings of a pair that was reversed, and how many there are at most.
const PAIR_PAUSE: Duration = Duration::from_secs(5);
const PAIR_READINGS: usize = 12;

struct Member<'a> {
    action: &'a ActionRef,
    step: Step,
    intent: Intent,
}

impl<'a> Member<'a> {
    fn read(member: &'a CallMember) -> Option<Self> {
        Some(Self {
            action: &member.action,
            step: serde_json::from_value(member.payload.clone()).ok()?,
            intent: serde_json::from_value(member.intent.clone()).ok()?,
        })
    }

    fn recovery(&self) -> Recovery {
        Recovery {
            group: self.step.here.id(),
            point: self.step.point.clone(),
        }
    }

    /// Whether both fit into one call: the batch key sees to it, but for what a look finds.
    fn goes_with(&self, other: &Self) -> bool {
        self.step.verb.name() == other.step.verb.name()
            && self.step.here.endpoint == other.step.here.endpoint
            && self.intent.provider == other.intent.provider
            && self.intent.point_name == other.intent.point_name
    }
}

fn refused(reason: impl Into<String>, again: Again) -> Submitted {
    Submitted::Refused {
        reason: reason.into(),
        again,
    }
}

pub(super) async fn submit(world: &Connections, call: &CallRequest) -> Submitted {
    let members: Option<Vec<Member<'_>>> = call.members.iter().map(Member::read).collect();
    let Some(members) = members else {
        return refused(
            "the journal's payload cannot be read by this version",
            Again::Never,
        );
    };
    let Some(first) = members.first() else {
        return refused("a call without groups", Again::Never);
    };
    if members.iter().any(|member| !member.goes_with(first)) {
        let reason = "the provider changed between the looks at the groups";
        return refused(reason, Again::Later);
    }
    let client = match world.vim(&first.step.here.endpoint).await {
        Ok(vim) => VasaClient::new(vim),
        Err(error) => return refused(explain(&error), Again::Never),
    };
    match start(&client, first, &members).await {
        Ok(task) => Submitted::Accepted {
            operation: json!(Work {
                task,
                named_by_server: false
            }),
        },
        Err(error) => not_started(&error, &members),
    }
}

async fn start(
    client: &VasaClient,
    first: &Member<'_>,
    members: &[Member<'_>],
) -> Result<OperationId, CallError> {
    let provider = &first.intent.provider;
    let groups = || -> Vec<GroupId> { members.iter().map(|member| member.step.here.id()).collect() };
    let recoveries = || -> Vec<Recovery> { members.iter().map(Member::recovery).collect() };
    let started = match first.step.verb {
        Verb::TestStart => client.start_test(provider, &recoveries()).await,
        Verb::TestStop => client.stop_test(provider, &groups(), false).await,
        Verb::Sync => {
            let name = first.intent.point_name.as_deref().unwrap_or("farside");
            client.start_sync(provider, &groups(), name).await
        }
        Verb::Prepare => client.start_prepare(provider, &groups()).await,
        Verb::FailOver { planned } => client.start_failover(provider, &recoveries(), planned).await,
        Verb::Reverse { .. } => client.start_reverse(provider, &groups()).await,
    };
    started.map(|work| work.id().clone())
}

fn not_started(error: &CallError, members: &[Member<'_>]) -> Submitted {
    let Some(fault) = error.fault() else {
        return submitted_once(error);
    };
    let reason = || format!("{}: {}", error, describe(std::slice::from_ref(fault)));
    match (GroupFault::of(fault), error.effect()) {
        // Whatever the effect: our call is not what is running.
        (GroupFault::SyncOngoing { task: Some(task) }, _) => {
            let running = members.iter().map(|member| MemberResult {
                action: member.action.clone(),
                end: MemberEnd::Running {
                    operation: ongoing(&member.step, &task),
                },
            });
            Submitted::Settled(running.collect())
        }
        (GroupFault::TooMany { limit }, Effect::Refused) => refused(reason(), Again::Smaller { limit }),
        // Not each group of the batch need be busy or in the wrong state: the next look tells them apart.
        (GroupFault::Busy | GroupFault::InvalidState { .. }, Effect::Refused) => {
            refused(reason(), Again::Later)
        }
        (GroupFault::Inactive { .. }, Effect::Refused) => refused(
            format!("{}; name that provider in the plan", reason()),
            Again::Never,
        ),
        // A vCenter that has started anew can know its providers by other ids; the next look finds them.
        (_, Effect::Refused) if fault.type_name() == ManagedObjectNotFound::TYPE_NAME => {
            refused(reason(), Again::Later)
        }
        _ => submitted_once(error),
    }
}

pub(super) async fn wait(world: &Connections, call: &CallRequest, operation: &Value) -> Waited {
    let lost = |reason: &str| Waited::Lost {
        reason: reason.to_owned(),
    };
    let members: Option<Vec<Member<'_>>> = call.members.iter().map(Member::read).collect();
    let (Some(members), Ok(work)) = (members, serde_json::from_value::<Work>(operation.clone())) else {
        return lost("the journal's payload cannot be read by this version");
    };
    let Some(first) = members.first() else {
        return lost("a call without groups");
    };
    let client = match world.vim(&first.step.here.endpoint).await {
        Ok(vim) => VasaClient::new(vim),
        Err(error) => {
            return Waited::Lost {
                reason: explain(&error),
            };
        }
    };
    match follow(&client, &work).await {
        Followed::Succeeded(result) => Waited::Settled(settled(&client, &members, &work, result).await),
        Followed::Failed(error) => {
            let ends = members.iter().map(|member| MemberResult {
                action: member.action.clone(),
                end: task_failed(sent_as(member.step.verb), &work, &error),
            });
            Waited::Settled(ends.collect())
        }
        Followed::Lost(reason) => Waited::Lost { reason },
    }
}

enum Followed {
    Succeeded(Option<RawJson>),
    Failed(ServiceError),
    Lost(String),
}

/// Follows a task to its end, through whatever happens to the session and the connection.
async fn follow(client: &VasaClient, work: &Work) -> Followed {
    let clock = client.vim().clock().clone();
    let operation = match client.operation(work.task.clone()) {
        Ok(operation) => operation,
        Err(foreign) => return Followed::Lost(foreign.to_string()),
    };
    loop {
        let ended = operation
            .until_done(STRETCH, clock.as_ref(), PollPolicy::default())
            .await;
        match ended.map_err(farside_transport::WaitError::into_kind) {
            Ok(result) => return Followed::Succeeded(result),
            Err(WaitErrorKind::Failed(error)) => return Followed::Failed(error),
            Err(WaitErrorKind::Gone) => {
                return Followed::Lost("the vCenter does not know the task any more".to_owned());
            }
            Err(WaitErrorKind::Deadline { .. }) => {}
            Err(WaitErrorKind::Call(error)) => {
                tracing::debug!(task = %work.task, error = explain(&error), "a look at a task failed");
                clock.sleep(PAUSE).await;
            }
            Err(other) => return Followed::Lost(explain(&other)),
        }
    }
}

async fn settled(
    client: &VasaClient,
    members: &[Member<'_>],
    work: &Work,
    result: Option<RawJson>,
) -> Vec<MemberResult> {
    let batch: Vec<GroupId> = members.iter().map(|member| member.step.here.id()).collect();
    let outcomes = regroup(&batch, result.as_ref());
    let ends: Vec<(&Member<'_>, End)> = members
        .iter()
        .zip(outcomes)
        .map(|(member, outcome)| (member, end(&member.step, &member.intent, work, outcome)))
        .collect();
    let reversed: Vec<(&Member<'_>, GroupId)> = ends
        .iter()
        .filter_map(|(member, end)| match end {
            End::Reversed(group) => Some((*member, group.clone())),
            End::Is(_) | End::Look(_) => None,
        })
        .collect();
    let mut results = pairs(client, &reversed).await;
    results.extend(ends.into_iter().filter_map(|(member, end)| {
        let end = match end {
            End::Is(end) => end,
            End::Look(reason) => MemberEnd::Unknown { reason },
            End::Reversed(_) => return None,
        };
        Some(MemberResult {
            action: member.action.clone(),
            end,
        })
    }));
    results
}

/// Reads the pairs of groups that were reversed. One that does not show its target in time is left to the looks.
async fn pairs(client: &VasaClient, reversed: &[(&Member<'_>, GroupId)]) -> Vec<MemberResult> {
    let mut open: Vec<&(&Member<'_>, GroupId)> = reversed.iter().collect();
    let mut results = Vec::new();
    for reading in 0..PAIR_READINGS {
        let Some((first, _)) = open.first() else { break };
        if reading > 0 {
            client.vim().clock().sleep(PAIR_PAUSE).await;
        }
        let ids: Vec<GroupId> = open.iter().map(|(_, group)| group.clone()).collect();
        let Ok(views) = client.groups(&first.intent.provider, &ids).await else {
            continue;
        };
        let mut later = Vec::new();
        for (entry, view) in open.into_iter().zip(views) {
            let member = entry.0;
            let pair = match &view {
                GroupView::Known(group) => reversed_pair(&member.step.here, &member.step.there, group),
                GroupView::Failed { .. } | GroupView::Missing => None,
            };
            match pair {
                Some(pair) => results.push(MemberResult {
                    action: member.action.clone(),
                    end: MemberEnd::Done {
                        note: machines(member.step.verb, member.intent.devices),
                        data: json!(pair),
                    },
                }),
                None => later.push(entry),
            }
        }
        open = later;
    }
    results
}

fn sent_as(verb: Verb) -> &'static Operation {
    match verb {
        Verb::TestStart => &operation::VASA_PROVIDER_TEST_FAILOVER_REPLICATION_GROUP_START_TASK,
        Verb::TestStop => &operation::VASA_PROVIDER_TEST_FAILOVER_REPLICATION_GROUP_STOP_TASK,
        Verb::Sync => &operation::VASA_PROVIDER_SYNC_REPLICATION_GROUP_TASK,
        Verb::Prepare => &operation::VASA_PROVIDER_PREPARE_FAILOVER_REPLICATION_GROUP_TASK,
        Verb::FailOver { .. } => &operation::VASA_PROVIDER_FAILOVER_REPLICATION_GROUP_TASK,
        Verb::Reverse { .. } => &operation::VASA_PROVIDER_REVERSE_REPLICATE_GROUP_TASK,
    }
}
