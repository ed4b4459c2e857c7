//! What the faults of replication mean to a caller.

use std::fmt;

use farside_models_sms::{
    AlreadyDone, InactiveProvider, InvalidFunctionTarget, InvalidReplicationState, NoReplicationTarget,
    NoValidReplica, PeerNotReachable, ProviderBusy, ProviderOutOfResource, ProviderUnavailable,
    QueryExecutionFault, ReplicationState, SyncOngoing, TooMany,
};
use farside_models_vim::{FAULT_ANCESTRY, NotFound};
use farside_wire::{DataType, Fault, OpenEnum as _};

/// A fault of a replication call or of one group in its result, as far as there is something to do about it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum GroupFault {
    /// Too many groups in one call. Nothing was done to those it is about.
    TooMany {
        /// How many the operation takes; `None` where the server names no number or one below one, which is to be read as
        /// one (facts on replication groups, "Batch sizes").
        limit: Option<u32>,
    },
    /// The group is not in a state in which the operation can be done.
    InvalidState {
        /// The state; `None` if the server did not say.
        current: Option<ReplicationState>,
        /// The states in which it could be done.
        desired: Vec<ReplicationState>,
    },
    /// Other work on the group is running.
    SyncOngoing {
        /// Its SMS task; `None` if the server did not say.
        task: Option<String>,
    },
    /// The group already is where the operation would bring it.
    AlreadyDone,
    /// The provider is busy: try again later.
    Busy,
    /// The provider cannot be reached: try again later.
    Unavailable,
    /// The provider lacks resources.
    OutOfResource,
    /// The other array cannot be reached.
    PeerNotReachable,
    /// The other end has to be called.
    WrongEnd,
    /// The target has not got the group yet.
    NoTarget,
    /// There is nothing to recover from.
    NoValidReplica,
    /// The provider does not know the group.
    NotFound,
    /// The query could not be run.
    QueryFailed,
    /// Another provider is active for the fault domain.
    Inactive {
        /// Fault domains and the id of the provider that is active for them.
        mapping: Vec<(String, String)>,
    },
    /// Any other fault.
    Other,
}

impl GroupFault {
    /// What a fault means. A fault whose members are not as the schema says still means what its type says.
    #[must_use]
    pub fn of(fault: &Fault) -> Self {
        // `is_named` rather than the types' own tables, so that a subtype of a later release counts as well.
        let is = |name: &str| fault.is_named(name, &FAULT_ANCESTRY);
        if is(TooMany::TYPE_NAME) {
            let named = read::<TooMany>(fault).and_then(|fault| fault.max_batch_size);
            Self::TooMany {
                limit: named.and_then(limit_of),
            }
        } else if is(InvalidReplicationState::TYPE_NAME) {
            invalid_state(fault)
        } else if is(SyncOngoing::TYPE_NAME) {
            Self::SyncOngoing {
                task: read::<SyncOngoing>(fault).map(|fault| fault.task.value),
            }
        } else if is(InactiveProvider::TYPE_NAME) {
            Self::Inactive {
                mapping: mapping(fault),
            }
        } else {
            let plain = [
                (AlreadyDone::TYPE_NAME, Self::AlreadyDone),
                (ProviderBusy::TYPE_NAME, Self::Busy),
                (ProviderUnavailable::TYPE_NAME, Self::Unavailable),
                (ProviderOutOfResource::TYPE_NAME, Self::OutOfResource),
                (PeerNotReachable::TYPE_NAME, Self::PeerNotReachable),
                (InvalidFunctionTarget::TYPE_NAME, Self::WrongEnd),
                (NoReplicationTarget::TYPE_NAME, Self::NoTarget),
                (NoValidReplica::TYPE_NAME, Self::NoValidReplica),
                (NotFound::TYPE_NAME, Self::NotFound),
                (QueryExecutionFault::TYPE_NAME, Self::QueryFailed),
            ];
            let found = plain.into_iter().find(|(name, _)| is(name));
            found.map_or(Self::Other, |(_, meaning)| meaning)
        }
    }
}

/// A limit on the groups of a call, as `VasaProviderInfo` and `TooMany` say it: zero and less mean that none is named.
pub(crate) fn limit_of(named: i64) -> Option<u32> {
    (named > 0).then(|| u32::try_from(named).unwrap_or(u32::MAX))
}

fn read<T: DataType + farside_wire::Extends<farside_wire::MethodFault>>(fault: &Fault) -> Option<T> {
    fault.downcast::<T>()?.ok()
}

fn invalid_state(fault: &Fault) -> GroupFault {
    let states = read::<InvalidReplicationState>(fault);
    GroupFault::InvalidState {
        current: states
            .as_ref()
            .map(|states| ReplicationState::from_wire(&states.current_state)),
        desired: states
            .iter()
            .flat_map(|states| &states.desired_state)
            .map(|state| ReplicationState::from_wire(state))
            .collect(),
    }
}

fn mapping(fault: &Fault) -> Vec<(String, String)> {
    let mapping = read::<InactiveProvider>(fault)
        .map(|fault| fault.mapping)
        .unwrap_or_default();
    let pairs = mapping.into_iter().flat_map(|entry| {
        let domains = entry
            .fault_domain_id
            .into_iter()
            .filter_map(|domain| Some(domain.base().ok()?.id));
        domains.map(move |domain| (domain, entry.active_provider.value.clone()))
    });
    pairs.collect()
}

impl fmt::Display for GroupFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany { limit: Some(limit) } => {
                write!(f, "too many groups in one call (it takes {limit})")
            }
            Self::TooMany { limit: None } => f.write_str("too many groups in one call"),
            Self::InvalidState { current, desired } => {
                match current {
                    Some(current) => write!(f, "the group is {current}")?,
                    None => f.write_str("the group is in the wrong state")?,
                }
                for (position, state) in desired.iter().enumerate() {
                    write!(
                        f,
                        "{} {state}",
                        if position == 0 {
                            ", where it would have to be"
                        } else {
                            " or"
                        }
                    )?;
                }
                Ok(())
            }
            Self::SyncOngoing { task: Some(task) } => {
                write!(f, "other work on the group is running ({task})")
            }
            Self::SyncOngoing { task: None } => f.write_str("other work on the group is running"),
            Self::AlreadyDone => f.write_str("the group was there already"),
            Self::Busy => f.write_str("the provider is busy"),
            Self::Unavailable => f.write_str("the provider cannot be reached"),
            Self::OutOfResource => f.write_str("the provider lacks resources"),
            Self::PeerNotReachable => f.write_str("the other array cannot be reached"),
            Self::WrongEnd => f.write_str("the other side of the group has to be asked"),
            Self::NoTarget => f.write_str("the target has not got the group yet"),
            Self::NoValidReplica => f.write_str("there is no valid replica to recover from"),
            Self::NotFound => f.write_str("the provider does not know the group"),
            Self::QueryFailed => f.write_str("the provider could not run the query"),
            Self::Inactive { mapping } => {
                f.write_str("another provider is active for the fault domain")?;
                for (domain, provider) in mapping {
                    write!(f, "; for {domain} it is {provider}")?;
                }
                Ok(())
            }
            Self::Other => f.write_str("the provider refused"),
        }
    }
}
