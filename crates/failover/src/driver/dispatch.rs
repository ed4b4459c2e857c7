//! From commands to work under way: looks are put together by kind and endpoints, calls go out one by one.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use farside_engine::{
    ActionRef, ActionState, CallId, CallState, Command, EndpointId, Finding, Input, Run, Submitted, Waited,
};
use farside_transport::within;
use futures_util::future::{AbortHandle, Abortable, BoxFuture};
use serde_json::Value;

use crate::driver::Surroundings;
use crate::kind::{CallMember, CallRequest, Kind, LookRequest};

/// Looks that go together; more of them are asked for side by side.
const LOOKS_TOGETHER: usize = 64;
/// A look that takes longer is given up; it is repeated later.
const LOOK_DEADLINE: Duration = Duration::from_secs(120);
/// A call whose answer takes longer counts as lost. Above every deadline of the transports.
const SUBMIT_DEADLINE: Duration = Duration::from_secs(300);

/// Work that was started.
pub(super) struct Flight {
    number: u64,
    work: Abortable<BoxFuture<'static, Vec<Input>>>,
}

/// Work that has ended; an aborted one brings no inputs.
pub(super) struct Finished {
    pub(super) number: u64,
    pub(super) inputs: Vec<Input>,
}

impl Future for Flight {
    type Output = Finished;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Finished> {
        let number = self.number;
        Pin::new(&mut self.work).poll(context).map(|inputs| Finished {
            number,
            inputs: inputs.unwrap_or_default(),
        })
    }
}

pub(super) fn launch(number: u64, work: BoxFuture<'static, Vec<Input>>) -> (Flight, AbortHandle) {
    let (handle, registration) = AbortHandle::new_pair();
    (
        Flight {
            number,
            work: Abortable::new(work, registration),
        },
        handle,
    )
}

/// The pieces of work that these commands are, each with the commands it answers.
pub(super) fn plan(
    run: &Run,
    around: &Surroundings,
    commands: Vec<Command>,
) -> Vec<(Vec<Command>, BoxFuture<'static, Vec<Input>>)> {
    let mut work = Vec::new();
    let mut looks: BTreeMap<(String, Vec<EndpointId>), Vec<Look>> = BTreeMap::new();
    for command in commands {
        match command {
            Command::Look { ref action, after } => {
                if let Some((key, request)) = look_request(run, action, after) {
                    looks.entry(key).or_default().push(Look {
                        command,
                        after,
                        request,
                    });
                }
            }
            Command::Submit { call } => {
                if let Some((kind, request)) = call_request(run, around, call) {
                    work.push((vec![command], submit(around.clone(), kind, request)));
                }
            }
            Command::Wait { call } => {
                if let Some((kind, request)) = call_request(run, around, call)
                    && let Some(CallState::Accepted { operation }) = run.call(call).map(|call| &call.state)
                {
                    work.push((
                        vec![command],
                        wait(around.clone(), kind, request, operation.clone()),
                    ));
                }
            }
        }
    }
    for ((kind, _), looks) in looks {
        let Some(kind) = around.kinds.get(&kind) else {
            continue;
        };
        let mut looks = looks;
        while !looks.is_empty() {
            let rest = looks.split_off(looks.len().min(LOOKS_TOGETHER));
            let commands = looks.iter().map(|look| look.command.clone()).collect();
            work.push((commands, look(around.clone(), kind.clone(), looks)));
            looks = rest;
        }
    }
    work
}

struct Look {
    command: Command,
    after: Option<CallId>,
    request: LookRequest,
}

fn look_request(
    run: &Run,
    action: &ActionRef,
    after: Option<CallId>,
) -> Option<((String, Vec<EndpointId>), LookRequest)> {
    let (item, step, progress) = run.action(action)?;
    let (_, of_item) = run.item(&action.item)?;
    let earlier = of_item
        .actions
        .iter()
        .take(action.action)
        .map(|earlier| match &earlier.state {
            ActionState::Ended(outcome) => outcome.data.clone(),
            ActionState::Waiting
            | ActionState::Looking { .. }
            | ActionState::Ready { .. }
            | ActionState::Called { .. }
            | ActionState::Verifying(_) => Value::Null,
        });
    let request = LookRequest {
        run: run.id().clone(),
        mode: run.plan().mode,
        action: action.clone(),
        item: item.payload.clone(),
        payload: step.payload.clone(),
        after: after.map(|_| progress.intent.clone()),
        called: (!progress.intent.is_null()).then(|| progress.intent.clone()),
        earlier: earlier.collect(),
    };
    Some(((item.kind.clone(), step.endpoints.clone()), request))
}

fn call_request(run: &Run, around: &Surroundings, call: CallId) -> Option<(Arc<dyn Kind>, CallRequest)> {
    let call = run.call(call)?;
    let mut kind = None;
    let mut members = Vec::with_capacity(call.members.len());
    for action in &call.members {
        let (item, step, progress) = run.action(action)?;
        kind = around.kinds.get(&item.kind).cloned();
        members.push(CallMember {
            action: action.clone(),
            item: item.payload.clone(),
            payload: step.payload.clone(),
            intent: progress.intent.clone(),
        });
    }
    let request = CallRequest {
        run: run.id().clone(),
        mode: run.plan().mode,
        call: call.id,
        members,
    };
    Some((kind?, request))
}

fn look(around: Surroundings, kind: Arc<dyn Kind>, looks: Vec<Look>) -> BoxFuture<'static, Vec<Input>> {
    Box::pin(async move {
        let requests: Vec<LookRequest> = looks.iter().map(|look| look.request.clone()).collect();
        let found = within(
            around.clock.as_ref(),
            LOOK_DEADLINE,
            kind.look(&around.world, &requests),
        )
        .await;
        let mut findings = found.unwrap_or_default().into_iter();
        looks
            .into_iter()
            .map(|look| Input::Looked {
                action: look.request.action,
                after: look.after,
                finding: findings.next().unwrap_or_else(|| Finding::Failed {
                    reason: format!("no answer within {} seconds", LOOK_DEADLINE.as_secs()),
                }),
            })
            .collect()
    })
}

fn submit(around: Surroundings, kind: Arc<dyn Kind>, request: CallRequest) -> BoxFuture<'static, Vec<Input>> {
    Box::pin(async move {
        let sent = within(
            around.clock.as_ref(),
            SUBMIT_DEADLINE,
            kind.submit(&around.world, &request),
        )
        .await;
        let result = sent.unwrap_or_else(|_| Submitted::Lost {
            reason: format!("no answer within {} seconds", SUBMIT_DEADLINE.as_secs()),
        });
        vec![Input::Submitted {
            call: request.call,
            result,
        }]
    })
}

fn wait(
    around: Surroundings,
    kind: Arc<dyn Kind>,
    request: CallRequest,
    operation: Value,
) -> BoxFuture<'static, Vec<Input>> {
    Box::pin(async move {
        // The engine's deadline for accepted work ends this wait: its command is dropped then.
        let result: Waited = kind.wait(&around.world, &request, &operation).await;
        vec![Input::Waited {
            call: request.call,
            result,
        }]
    })
}
