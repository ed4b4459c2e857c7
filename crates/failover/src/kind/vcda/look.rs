//! What a look means: before a call, and after one whose answer was lost.
//!
//! | action | begins in | ends in |
//! | --- | --- | --- |
//! | test failover | `NOT_STARTED` | `TEST` |
//! | clean up test | `TEST` | `NOT_STARTED` |
//! | migrate, fail over | `NOT_STARTED` | `COMPLETE` |
//! | reverse | `COMPLETE` | `NOT_STARTED`, the other way round |

use farside_engine::Finding;
use farside_models_vcda::{RecoveryState, TaskState};
use farside_transport::OperationId;
use farside_vcda::{TASK_KIND, Task};
use serde_json::{Value, json};

use super::network::SetUp;
use super::view::{Services, Trouble, View, data};
use super::{Deed, Intent, Replica, Step, TargetKind, UNREADABLE};

/// How far a replication is, seen from an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The action can begin.
    Begin,
    /// The action has been done.
    End,
    /// Something is being done to it.
    Busy,
    /// None of these.
    Elsewhere,
}

impl Deed {
    fn begins_in(self) -> RecoveryState {
        match self {
            Self::Test | Self::Migrate | Self::Failover => RecoveryState::NotStarted,
            Self::Cleanup => RecoveryState::Test,
            Self::Reverse => RecoveryState::Complete,
        }
    }

    fn ends_in(self) -> RecoveryState {
        match self {
            Self::Test => RecoveryState::Test,
            Self::Cleanup | Self::Reverse => RecoveryState::NotStarted,
            Self::Migrate | Self::Failover => RecoveryState::Complete,
        }
    }

    /// What a recovery state means for the action. A reversal's end shows in the direction too.
    pub(super) fn stage(self, state: Option<&RecoveryState>) -> Stage {
        match state {
            Some(RecoveryState::InProgress) => Stage::Busy,
            Some(state) if *state == self.begins_in() => Stage::Begin,
            Some(state) if *state == self.ends_in() => Stage::End,
            Some(_) | None => Stage::Elsewhere,
        }
    }

    /// What to do about a state that the action can neither begin nor end in.
    fn advice(self, state: Option<&RecoveryState>) -> &'static str {
        match (self, state) {
            (Self::Migrate | Self::Failover, Some(RecoveryState::Test)) => {
                "a test is running: clean it up first (farside cleanup)"
            }
            (Self::Test, Some(RecoveryState::Complete)) => {
                "the VM has been recovered for good: reprotect it before it can be tested"
            }
            (Self::Cleanup, Some(RecoveryState::Complete)) => {
                "the VM has been recovered for good, so no test of it is left to clean up"
            }
            (Self::Reverse, Some(RecoveryState::Test)) => {
                "a test is running, and nothing has been recovered for good: clean it up, then fail over"
            }
            (_, None) => "the service shows no recovery state: look at the replication there",
            (_, Some(_)) => "look at the replication at the service",
        }
    }
}

/// Looks before the call.
pub(super) async fn before(services: &Services, replica: &Replica, step: &Step) -> Finding {
    match find(services, replica, step).await {
        Ok(view) => with_networks(services, replica, step, &view).await,
        Err(Trouble {
            reason,
            refused: true,
        }) => Finding::Refused { reason },
        Err(Trouble {
            reason,
            refused: false,
        }) => Finding::Failed { reason },
    }
}

/// What a look before the call means; what it is ready for has the networks that are to be asked for.
async fn with_networks(services: &Services, replica: &Replica, step: &Step, view: &View) -> Finding {
    let finding = judge(view, replica, step);
    if !matches!(finding, Finding::Ready { .. }) || !step.deed.recovers_for_good() {
        return finding;
    }
    match services.get(&view.at) {
        Ok(service) => Finding::Ready {
            intent: json!(Intent {
                networks: Some(SetUp::read(service, replica).await),
                ..view.intent()
            }),
            limit: None,
        },
        Err(Trouble { reason, .. }) => Finding::Failed { reason },
    }
}

/// The replication at the service that the action is for. A replication that has been turned round by others than this
/// journal's runs is reversed where it is.
pub(super) async fn find(services: &Services, replica: &Replica, step: &Step) -> Result<View, Trouble> {
    let view = services.get(&step.at)?.view(&replica.replication).await?;
    if step.deed == Deed::Reverse && view.leads_elsewhere() {
        return services
            .get(replica.opposite(&step.at))?
            .view(&replica.replication)
            .await;
    }
    Ok(view)
}

/// What a look before the call means.
pub(super) fn judge(view: &View, replica: &Replica, step: &Step) -> Finding {
    let deed = step.deed;
    if let Some(task) = view.running(deed) {
        return running(view, task);
    }
    let other = Deed::ALL.into_iter().find_map(|other| view.running(other));
    if let Some(task) = other {
        let work = task.workflow().unwrap_or("other work");
        return Finding::NotYet {
            reason: format!("{work} is running on the replication"),
        };
    }
    if view.leads_elsewhere() {
        return Finding::Refused {
            reason: format!(
                "the replication does not lead to {} ({}): reprotect or fail back, or run the plan of the other \
                 direction",
                view.at,
                view.describe()
            ),
        };
    }
    if view.is_moving() {
        return Finding::NotYet {
            reason: "the replica is being moved to other storage".to_owned(),
        };
    }
    match deed.stage(view.state()) {
        Stage::Begin if recovers(deed) && view.newest_instance().is_none() => Finding::Refused {
            reason: "it has no instance to recover from: wait for its first synchronisation".to_owned(),
        },
        Stage::Begin if deed == Deed::Test && replica.kind_at(&view.at) == TargetKind::Vcenter && view.shown.vm_id.is_none() => {
            Finding::Refused {
                reason: "the service does not tell the id of the VM, by which the networks of a test are set: the \
                         copy could get connected"
                    .to_owned(),
            }
        }
        Stage::Begin => Finding::Ready {
            intent: json!(view.intent()),
            limit: None,
        },
        Stage::End if deed == Deed::Reverse && !is_turned(view, replica, step) => Finding::Refused {
            reason: "nothing has been failed over: the recovery state is NOT_STARTED".to_owned(),
        },
        Stage::End => Finding::Done {
            note: Some(format!(
                "it was so already: the recovery state is {}; nothing was sent",
                view.state_text()
            )),
            data: data(deed, replica, replica_end(view, replica, deed), &view.shown),
        },
        Stage::Busy => Finding::NotYet {
            reason: "a recovery is in progress".to_owned(),
        },
        Stage::Elsewhere => Finding::Refused {
            reason: format!(
                "the recovery state is {}: {}",
                view.state_text(),
                deed.advice(view.state())
            ),
        },
    }
}

fn recovers(deed: Deed) -> bool {
    match deed {
        Deed::Test | Deed::Migrate | Deed::Failover => true,
        Deed::Cleanup | Deed::Reverse => false,
    }
}

/// Whether a replication that nothing is recovered from has been turned round: it leads home, or it leads away again
/// and this journal knows of an earlier turn.
fn is_turned(view: &View, replica: &Replica, step: &Step) -> bool {
    view.at == replica.source || step.turned
}

/// The service at which the action was done. A reversal that is over was done at the side that the replication leads
/// away from.
fn replica_end<'a>(view: &'a View, replica: &'a Replica, deed: Deed) -> &'a farside_engine::EndpointId {
    match deed {
        Deed::Reverse => replica.opposite(&view.at),
        Deed::Test | Deed::Cleanup | Deed::Migrate | Deed::Failover => &view.at,
    }
}

fn running(view: &View, task: &Task) -> Finding {
    let id = OperationId::new(TASK_KIND, view.at.as_str(), task.id().as_str());
    Finding::Running { operation: json!(id) }
}

/// Looks for what became of a call whose answer was lost.
pub(super) async fn after(services: &Services, replica: &Replica, step: &Step, intent: &Value) -> Finding {
    let Some(intent) = Intent::read(intent, step) else {
        return Finding::Failed {
            reason: UNREADABLE.to_owned(),
        };
    };
    let service = match services.get(&intent.at) {
        Ok(service) => service,
        Err(Trouble { reason, .. }) => return Finding::Failed { reason },
    };
    match service.view(&replica.replication).await {
        Ok(view) => judge_after(&view, replica, step, &intent),
        Err(Trouble { reason, .. }) => Finding::Failed { reason },
    }
}

/// What a look after a lost answer means.
pub(super) fn judge_after(view: &View, replica: &Replica, step: &Step, intent: &Intent) -> Finding {
    let deed = step.deed;
    let stage = stage_after(view, deed, intent);
    let task = view.task_after(deed, intent);
    if let Some(task) = task.filter(|task| task.is_running()) {
        return running(view, task);
    }
    let done = |note: &str| Finding::Done {
        note: together([Some(note.to_owned()), intent.concern(replica)]),
        data: data(deed, replica, &intent.at, &view.shown),
    };
    match (stage, task.and_then(Task::state)) {
        (Stage::End, Some(TaskState::Succeeded)) => {
            done("the answer was lost; the task list shows that it was done")
        }
        (Stage::End, _) => done("the answer was lost; the recovery state shows that it was done"),
        (Stage::Begin, Some(TaskState::Failed)) => Finding::Refused {
            reason: format!("the service failed: {}", task.map(failure).unwrap_or_default()),
        },
        (Stage::Busy, _) => Finding::NotYet {
            reason: "a recovery is in progress, and no task shows whose".to_owned(),
        },
        (Stage::Begin | Stage::Elsewhere, seen) => {
            let seen = match seen {
                Some(TaskState::Failed) => "a task that failed",
                Some(_) => "a task that ended",
                None => "no task of it",
            };
            let seen = format!("recovery state {}, {seen}", view.state_text());
            Finding::CannotTell {
                reason: format!("the service shows {seen}"),
                seen,
            }
        }
    }
}

/// Notes that there are, as one.
pub(super) fn together(notes: [Option<String>; 2]) -> Option<String> {
    let notes: Vec<String> = notes.into_iter().flatten().collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// The stage with the direction taken into account: a reversal is over when the replication leads to another site than
/// before.
pub(super) fn stage_after(view: &View, deed: Deed, intent: &Intent) -> Stage {
    let stage = deed.stage(view.state());
    let same_way = view.towards() == intent.towards.as_deref();
    match (deed, stage) {
        (Deed::Reverse, Stage::End) if same_way => Stage::Elsewhere,
        (_, stage) => stage,
    }
}

/// Why a task failed.
pub(super) fn failure(task: &Task) -> String {
    task.error()
        .map_or_else(|| "it does not say why".to_owned(), ToString::to_string)
}
