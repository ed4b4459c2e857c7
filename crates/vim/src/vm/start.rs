//! On: with the question that a machine asks on its way.

use std::pin::pin;
use std::time::Duration;

use farside_models_vim::{
    AnswerVMRequest, ConcurrentAccess, InvalidArgument, InvalidPowerState, PowerOnVMRequest,
    VirtualMachinePowerState, VirtualMachineQuestionInfo,
};
use farside_transport::{RemoteOperation, WaitErrorKind};
use farside_wire::RawJson;
use futures_util::future::{Either, select};

use super::power::goes_on;
use super::{MovedOrCopied, VirtualMachine, choice};
use crate::client::VimClient;
use crate::error::{WorkError, WorkErrorKind};
use crate::object::ManagedObject;
use crate::work::{Time, finish, makes_way};

/// What is read of a machine that starts.
const ON_OR_ASKING: &[&str] = &[
    VirtualMachine::POWER_STATE.as_str(),
    VirtualMachine::QUESTION.as_str(),
];

/// What starting a machine came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// It was on before.
    WasOn,
    /// It is on.
    On {
        /// Whether it asked if it was moved or copied, and was answered.
        answered: bool,
    },
}

/// How a start is looked at until it is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// How the question whether it was moved or copied is answered; `None`: not at all.
    pub(crate) answer: Option<MovedOrCopied>,
    /// The time that it was given.
    pub(crate) time: Time,
}

impl Look {
    /// A look for so long from now on.
    pub(crate) fn of(machines: &VimClient, answer: Option<MovedOrCopied>, limit: Duration) -> Self {
        Self {
            answer,
            time: Time::of(machines, "on", limit),
        }
    }
}

/// What a look at a machine that starts shows.
type Seen = Option<VirtualMachineQuestionInfo>;

impl VirtualMachine {
    /// Powers it on and sees it on. The question whether it was moved or copied is answered as said; any other question, and
    /// that one too if there is no `answer`, is handed to the caller, and stands. On is what the power state says at the end: a
    /// call whose answer was lost is not repeated, but its effect waited for. (`PowerOnVM_Task`, `AnswerVM`; vVol recovery
    /// rules 6 and 7.)
    ///
    /// # Errors
    /// [`WorkErrorKind::Question`]; [`WorkErrorKind::Late`] if it was not on in time, which it may be later;
    /// [`WorkErrorKind::Call`] and [`WorkErrorKind::Wait`] for what a call or the task ended with, the machine then being
    /// off.
    ///
    /// # Cancel safety
    /// A dropped future leaves the task and a standing question as they are.
    pub async fn start(&self, answer: Option<MovedOrCopied>, limit: Duration) -> Result<Started, WorkError> {
        let started = self.switch_on(Look::of(self.client(), answer, limit)).await;
        started.map_err(|kind| kind.about("starting", self.reference()))
    }

    async fn switch_on(&self, look: Look) -> Result<Started, WorkErrorKind> {
        let (client, time) = (self.client(), look.time);
        if self.power_within(time).await? == VirtualMachinePowerState::PoweredOn {
            return Ok(Started::WasOn);
        }
        let request = PowerOnVMRequest::default();
        loop {
            let kind = match time.within(client, self.power_on(&request)).await {
                Ok(task) => match self.comes_on(Some(&task), look).await {
                    Ok(started) => return Ok(started),
                    Err(kind) => kind,
                },
                Err(kind) => kind,
            };
            if let Some(fault) = kind.as_fault::<InvalidPowerState>() {
                return match fault.existing_state {
                    VirtualMachinePowerState::PoweredOn => Ok(Started::WasOn),
                    _ => Err(kind),
                };
            }
            if makes_way(client, time.deadline, &kind).await {
                continue;
            }
            if matches!(kind, WorkErrorKind::Call(_)) && goes_on(&kind) {
                return match self.comes_on(None, look).await {
                    Err(WorkErrorKind::Late { .. }) if kind.fault().is_some() => Err(kind),
                    outcome => outcome,
                };
            }
            return Err(kind);
        }
    }

    /// Looks at a machine that starts until it is on, answers its question on the way, and stops with the task if that
    /// fails.
    pub(crate) async fn comes_on(
        &self,
        task: Option<&RemoteOperation<()>>,
        look: Look,
    ) -> Result<Started, WorkErrorKind> {
        let mut task = task;
        let mut answered = None;
        loop {
            let seen = self.on_or_asking(answered.clone());
            let seen = self.wait_for(look.time.deadline, &seen);
            let seen = match task {
                None => seen.await?,
                Some(running) => {
                    match select(
                        pin!(finish(self.client(), look.time.deadline, running)),
                        pin!(seen),
                    )
                    .await
                    {
                        Either::Left((Ok(()), _)) => {
                            task = None;
                            continue;
                        }
                        Either::Left((Err(kind), _)) => {
                            // A task that nobody knows any more has done what it has done.
                            if !is_gone(&kind) {
                                return Err(late_or(kind, look));
                            }
                            task = None;
                            continue;
                        }
                        Either::Right((seen, _)) => seen?,
                    }
                }
            };
            let Some(seen) = seen else {
                return Err(look.time.late());
            };
            let Some(question) = seen else {
                return Ok(Started::On {
                    answered: answered.is_some(),
                });
            };
            let id = question.id.clone();
            if self.settle(question, look).await? {
                answered = Some(id);
            } else if look.time.left(self.client()).is_zero() {
                return Err(look.time.late());
            }
        }
    }

    /// Until it is on, or asks something else than what was answered.
    fn on_or_asking(&self, answered: Option<String>) -> RemoteOperation<Seen> {
        self.watch(
            ON_OR_ASKING,
            move |seen| {
                let question = seen.at(Self::QUESTION).ok().flatten();
                if let Some(question) = question {
                    let new = answered.as_ref() != Some(&question.id);
                    return new.then(|| {
                        seen.any(Self::QUESTION.as_str())
                            .and_then(|any| RawJson::parse(any.raw()).ok())
                    });
                }
                let state = seen.at(Self::POWER_STATE).ok().flatten();
                (state == Some(VirtualMachinePowerState::PoweredOn)).then_some(None)
            },
            |seen| seen.as_ref().map(RawJson::decode).transpose(),
        )
    }

    /// Answers a question, if it is to be answered. That somebody else was faster is as good. `false`: nobody knows whether
    /// the answer got through; if it did not, the question still stands.
    async fn settle(&self, question: VirtualMachineQuestionInfo, look: Look) -> Result<bool, WorkErrorKind> {
        let Some(key) = look.answer.and_then(|answer| choice(&question, answer)) else {
            return Err(WorkErrorKind::Question(Box::new(question)));
        };
        let answer = AnswerVMRequest::new(question.id, key);
        match look.time.within(self.client(), self.answer(&answer)).await {
            Ok(()) => Ok(true),
            Err(kind) => {
                let settled = kind.as_fault::<InvalidArgument>().is_some()
                    || kind.as_fault::<ConcurrentAccess>().is_some();
                if settled || goes_on(&kind) {
                    Ok(settled)
                } else {
                    Err(kind)
                }
            }
        }
    }
}

fn late_or(kind: WorkErrorKind, look: Look) -> WorkErrorKind {
    match &kind {
        WorkErrorKind::Wait(error) if matches!(error.kind(), WaitErrorKind::Deadline { .. }) => {
            look.time.late()
        }
        _ => kind,
    }
}

fn is_gone(kind: &WorkErrorKind) -> bool {
    matches!(kind, WorkErrorKind::Wait(error) if matches!(error.kind(), WaitErrorKind::Gone))
}
