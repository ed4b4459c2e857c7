//! What can go wrong with a host.

use farside_transport::CallError;
use farside_wire::{DecodeError, Fault};

use crate::client::Host;

/// A host that could not be read, or a failover that could not be asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostNetworkError {
    /// The call failed; its effect says what the server can have done.
    #[error("host {host}: the call failed")]
    Call {
        /// Managed object id of the host.
        host: String,
        /// Why.
        #[source]
        source: CallError,
    },
    /// A failover is no method of the host or of the release. Nothing was done.
    #[error(
        "host {host}: it takes no failover of DPUs: the host, and its vCenter, need release 8.0.3 or later"
    )]
    TooOld {
        /// Managed object id of the host.
        host: String,
        /// The refusal.
        #[source]
        source: CallError,
    },
    /// A property is not what its schema says. Nothing changed.
    #[error("host {host}: {path} cannot be read")]
    Property {
        /// Managed object id of the host.
        host: String,
        /// The property.
        path: &'static str,
        /// Why.
        #[source]
        source: DecodeError,
    },
    /// vCenter does not show a property: no right to it, or the host is not to be reached. Nothing changed.
    #[error("host {host}: vCenter does not show {path}: {fault}")]
    Refused {
        /// Managed object id of the host.
        host: String,
        /// The property.
        path: &'static str,
        /// Why.
        fault: Box<Fault>,
    },
    /// The answer does not mention the host, or has no network system for it. Nothing changed.
    #[error("host {host}: vCenter shows no {what}")]
    Missing {
        /// Managed object id of the host.
        host: String,
        /// What is missing.
        what: &'static str,
    },
    /// A failover was not asked for, since the DPU that worked when it was planned was not seen to work. Plan it anew.
    #[error("host {host}: {switch} is not seen on the DPU that it is to leave ({seen}); nothing was sent")]
    Unclear {
        /// Managed object id of the host.
        host: String,
        /// Name of the switch.
        switch: String,
        /// What was seen of its uplinks.
        seen: String,
    },
}

impl HostNetworkError {
    pub(crate) fn of_call(host: &Host, source: CallError) -> Self {
        Self::Call {
            host: host.id.clone(),
            source,
        }
    }

    /// The failed call, if that is what it was.
    pub fn call(&self) -> Option<&CallError> {
        match self {
            Self::Call { source, .. } | Self::TooOld { source, .. } => Some(source),
            Self::Property { .. } | Self::Refused { .. } | Self::Missing { .. } | Self::Unclear { .. } => {
                None
            }
        }
    }
}
