//! Why a failover did not come to its end, and whether anything was asked for.

use std::fmt;
use std::time::Duration;

use farside_transport::CallError;
use farside_wire::ServiceError;

use crate::node::HaAddress;
use crate::readiness::Condition;

/// A failover that did not come to its end, as far as one can see.
#[derive(Debug, thiserror::Error)]
#[error("failover of {endpoint}: {}", Explained(.kind))]
pub struct FailoverError {
    pub(super) endpoint: String,
    #[source]
    pub(super) kind: FailoverErrorKind,
}

impl FailoverError {
    /// Why.
    pub fn kind(&self) -> &FailoverErrorKind {
        &self.kind
    }
}

/// Why a failover did not come to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FailoverErrorKind {
    /// Nothing was asked for: the cluster is not ready.
    #[error("the cluster is not ready")]
    NotReady(Vec<Condition>),
    /// Nothing was asked for: the look before it failed, or the request was refused or could not be sent.
    #[error("the cluster cannot be read, or does not take the request")]
    NotAsked(#[source] CallError),
    /// Nothing was asked for: the look before it took all the time.
    #[error("the cluster was not read within {} s", .limit.as_secs())]
    NoTime {
        /// The time that was given.
        limit: Duration,
    },
    /// A look after the request failed in a way that further looks would not mend. The switch may still happen.
    #[error("the cluster cannot be reached or read")]
    Call(#[source] CallError),
    /// The former node is active, and no failover is under way.
    #[error("{from} is still active{}", Answered(.answer.as_ref()))]
    DidNotHappen {
        /// The node that was to give way.
        from: HaAddress,
        /// Why, from the task.
        #[source]
        reason: Option<ServiceError>,
        /// Why, from the answer to the request, if that was an error. It is part of the message.
        answer: Option<CallError>,
    },
    /// It was not seen to end in time; it may still happen.
    #[error("it was not seen within {} s", .limit.as_secs())]
    Deadline {
        /// The time that was given.
        limit: Duration,
        /// Why the last look failed, if it did.
        #[source]
        last_error: Option<CallError>,
    },
    /// The node that was made active is not active any more.
    #[error("{active} is active now")]
    Another {
        /// The node that is.
        active: HaAddress,
    },
}

/// The kind, with what its own message leaves to others.
struct Explained<'a>(&'a FailoverErrorKind);

impl fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            FailoverErrorKind::NotReady(conditions) => {
                f.write_str("nothing was asked for")?;
                for condition in conditions {
                    write!(f, "; {}: {}", condition.name, condition.value)?;
                }
                Ok(())
            }
            FailoverErrorKind::NotAsked(_) | FailoverErrorKind::NoTime { .. } => {
                f.write_str("nothing was asked for")
            }
            FailoverErrorKind::Call(_)
            | FailoverErrorKind::DidNotHappen { .. }
            | FailoverErrorKind::Deadline { .. }
            | FailoverErrorKind::Another { .. } => f.write_str("not seen to its end"),
        }
    }
}

/// The end of a message: what the request was answered with, with all causes.
struct Answered<'a>(Option<&'a CallError>);

impl fmt::Display for Answered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(error) = self.0 else { return Ok(()) };
        write!(f, "; to the request came: {error}")?;
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
