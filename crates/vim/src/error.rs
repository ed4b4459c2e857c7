//! Work on an object that takes more than one call, and did not come to its end.

use std::time::Duration;

use farside_models_vim::{
    ClusterRecommendation, TaskInProgress, VirtualMachineConnectionState, VirtualMachineQuestionInfo,
};
use farside_transport::{CallError, WaitError, WaitErrorKind};
use farside_wire::{
    DataType, DecodeError, Extends, Fault, ManagedObjectReference, MethodFault, OpenEnum as _,
};

use crate::copy::TestCopy;
use crate::vm::{Card, Guest};

/// Work that did not come to its end: which work, on which object, and why.
#[derive(Debug, thiserror::Error)]
#[error("{work} {object} failed")]
pub struct WorkError {
    work: &'static str,
    object: ManagedObjectReference,
    #[source]
    kind: WorkErrorKind,
}

/// Why work did not come to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkErrorKind {
    /// A call failed; its effect says what the server can have done.
    #[error(transparent)]
    Call(CallError),
    /// A task failed, or was not seen to its end.
    #[error(transparent)]
    Wait(Box<WaitError>),
    /// A property is not what the schema promises.
    #[error("{property} cannot be read")]
    Unreadable {
        /// The path of the property.
        property: &'static str,
        /// Why.
        #[source]
        source: DecodeError,
    },
    /// A property that has to be there is not, or the session may not see it.
    #[error("{property} is not there{}", Why(.fault.as_ref()))]
    Absent {
        /// The path of the property.
        property: &'static str,
        /// Why, if the server said so.
        fault: Option<Fault>,
    },
    /// The machine asks something that is not answered for anybody. It waits for an answer; so does its task.
    #[error("it asks: {}", .0.text)]
    Question(Box<VirtualMachineQuestionInfo>),
    /// The time was up. What was asked for may still happen.
    #[error("after {} s it was not {wanted}", .limit.as_secs())]
    Late {
        /// What it was to be.
        wanted: &'static str,
        /// The time that it was given.
        limit: Duration,
    },
    /// The time was up before the guest was as wanted.
    #[error("after {} s its guest was not {wanted}; it is {}", .limit.as_secs(), .seen)]
    NotReady {
        /// What the guest was to be.
        wanted: crate::vm::Readiness,
        /// The time that it was given.
        limit: Duration,
        /// How it was at the end.
        seen: Box<Guest>,
    },
    /// A card was reconfigured and reads back otherwise.
    #[error("card {key} was to be {wanted} and is {found}", key = .found.key, found = .found.describe())]
    ReadBack {
        /// What it was to be, in words.
        wanted: String,
        /// How it reads.
        found: Box<Card>,
    },
    /// There is no card of this key.
    #[error("it has no network card {0}")]
    NoCard(i32),
    /// Of machines powered on together, this one was not attempted.
    #[error("it was not attempted{}", Why(Some(.0)))]
    NotAttempted(Fault),
    /// Of machines powered on together, this one waits for somebody to apply a recommendation.
    #[error("it stays off until a recommendation is applied")]
    Recommended(Vec<ClusterRecommendation>),
    /// Of machines powered on together, this one is not in the result, and not on.
    #[error("the result does not mention it, and it is not on")]
    NotMentioned,
    /// The machine is registered, and vCenter cannot read its files (`inaccessible`, `invalid`), or does not reach its host.
    #[error("it is registered, and it is {}", .0.as_wire())]
    NotConnected(VirtualMachineConnectionState),
    /// The machine is registered, and its files are encrypted with a key that is not here.
    #[error("it is registered, and it is locked: its key is not here")]
    Locked,
    /// The machine is not proven to be the test copy that was registered: it is left alone.
    #[error("it is not proven to be the copy of {}: {}", .wanted.path, FoundFile(.found.as_deref()))]
    NotTheCopy {
        /// The copy.
        wanted: Box<TestCopy>,
        /// The file that the machine has, at this vCenter; `None` if it cannot be read.
        found: Option<String>,
    },
    /// It was changed, and reads otherwise; it was to be so.
    #[error("it was to be {0}, and is not")]
    Unchanged(&'static str),
    /// There is no disk of this key.
    #[error("it has no disk {0}")]
    NoDisk(i32),
    /// No datastore of this vCenter has this URL.
    #[error("no datastore is at {url}")]
    NoDatastore {
        /// The URL.
        url: String,
    },
    /// None of the recommendations is about the machine.
    #[error("no recommendation is about it")]
    NoRecommendation,
    /// The datastore has no storage container: it is none of virtual volumes.
    #[error("it holds no virtual volumes")]
    NoContainer,
}

/// The file that a machine was found to have.
struct FoundFile<'a>(Option<&'a str>);

impl std::fmt::Display for FoundFile<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(file) => write!(f, "its file is {file}, at the vCenter that was asked"),
            None => f.write_str("its file cannot be read"),
        }
    }
}

/// The end of a message: why, in the server's words.
struct Why<'a>(Option<&'a Fault>);

impl std::fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(fault) = self.0 else { return Ok(()) };
        write!(f, ": {}", fault.type_name())?;
        match fault.message() {
            Some(message) => write!(f, ", {message}"),
            None => Ok(()),
        }
    }
}

impl WorkErrorKind {
    /// The fault that a call was refused with or a task ended with, or that a result holds.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Call(error) => error.fault(),
            Self::Wait(error) => match error.kind() {
                WaitErrorKind::Failed(error) => error.as_fault(),
                _ => None,
            },
            Self::NotAttempted(fault) => Some(fault),
            Self::Absent { fault, .. } => fault.as_ref(),
            _ => None,
        }
    }

    /// The fault, if it is a `T`.
    pub(crate) fn as_fault<T: DataType + Extends<MethodFault>>(&self) -> Option<T> {
        self.fault()?.downcast::<T>()?.ok()
    }

    /// The task that stands in the way, where that is why.
    pub(crate) fn other_task(&self) -> Option<ManagedObjectReference> {
        self.as_fault::<TaskInProgress>().map(|fault| fault.task)
    }

    /// The error about this work on this object.
    pub(crate) fn about(self, work: &'static str, object: &ManagedObjectReference) -> WorkError {
        WorkError {
            work,
            object: object.clone(),
            kind: self,
        }
    }
}

impl From<CallError> for WorkErrorKind {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<WaitError> for WorkErrorKind {
    fn from(error: WaitError) -> Self {
        Self::Wait(Box::new(error))
    }
}

impl WorkError {
    /// The object.
    #[must_use]
    pub fn object(&self) -> &ManagedObjectReference {
        &self.object
    }

    /// Why.
    #[must_use]
    pub fn kind(&self) -> &WorkErrorKind {
        &self.kind
    }

    /// Why, by value.
    #[must_use]
    pub fn into_kind(self) -> WorkErrorKind {
        self.kind
    }

    /// The fault that a call was refused with or a task ended with, or that a result holds.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        self.kind.fault()
    }
}
