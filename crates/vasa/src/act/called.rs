//! What became of a call as a whole: pure.

use std::sync::Arc;

use farside_transport::{CallError, CallErrorKind, Effect, Retry, WaitError, WaitErrorKind};
use farside_wire::{Fault, Repeat};

use super::end::Doubt;
use crate::action::Action;
use crate::batch::GroupOutcome;
use crate::fault::GroupFault;

/// What became of a call as a whole.
#[derive(Debug)]
pub(crate) enum Called {
    /// Its task ended, with an outcome for each group.
    Ended(Vec<GroupOutcome>),
    /// The provider refused it before acting, with a fault.
    Refused(Fault),
    /// It did not go out, or was refused without a fault.
    NotStarted(CallError),
    /// The provider became unavailable over it: it may have begun with any of its groups.
    Unavailable(Fault),
    /// Nobody knows.
    InDoubt(Doubt),
}

impl Called {
    pub(super) fn of_error(error: CallError, groups: usize) -> Self {
        match error.effect() {
            Effect::NotSent => Self::NotStarted(error),
            Effect::Refused => match error.fault() {
                Some(fault) => Self::Refused(fault.clone()),
                None => Self::NotStarted(error),
            },
            Effect::Unknown => match error.fault() {
                Some(fault) if names_other_work(fault, groups) => Self::Refused(fault.clone()),
                Some(fault) if is_unavailable(fault) => Self::Unavailable(fault.clone()),
                _ => Self::InDoubt(Doubt::Call(error)),
            },
        }
    }

    pub(super) fn of_wait(action: &Action, error: WaitError, groups: usize) -> Self {
        if let WaitErrorKind::Failed(failure) = error.kind() {
            let refused = action.operation().refused_before_acting.contains(&failure.code());
            match failure.as_fault() {
                Some(fault) if refused || names_other_work(fault, groups) => {
                    return Self::Refused(fault.clone());
                }
                Some(fault) if is_unavailable(fault) => return Self::Unavailable(fault.clone()),
                _ => {}
            }
        }
        Self::InDoubt(Doubt::Wait(Arc::new(error)))
    }
}

/// Whether a fault says that it is other work which is running on the one group of a call. Of several groups it does not say
/// which is meant, so that the others may have begun.
fn names_other_work(fault: &Fault, groups: usize) -> bool {
    groups == 1 && matches!(GroupFault::of(fault), GroupFault::SyncOngoing { task: Some(_) })
}

fn is_unavailable(fault: &Fault) -> bool {
    GroupFault::of(fault) == GroupFault::Unavailable
}

/// Whether a call with this repeat rule may go out again later: nobody listened, not a login or a certificate that is refused.
pub(super) fn can_pass(error: &CallError, repeat: Repeat) -> bool {
    match error.retry(repeat) {
        Retry::Now | Retry::After(_) => true,
        Retry::CheckFirst | Retry::Never => false,
    }
}

/// Whether what keeps a call from happening is about one provider alone: vCenter answered, and not for want of a session.
pub(super) fn is_of_provider(error: &CallError) -> bool {
    const UNAUTHORIZED: u16 = 401;
    match error.kind() {
        CallErrorKind::Status(_) => error
            .status()
            .is_some_and(|status| status.as_u16() != UNAUTHORIZED),
        _ => false,
    }
}
