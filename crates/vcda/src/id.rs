//! Identifiers of the service: opaque texts that cannot be swapped.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that does not name what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not the id of a {wanted}: {reason}")]
pub struct IdError {
    text: String,
    wanted: &'static str,
    reason: &'static str,
}

const EMPTY: &str = "it is empty";
const VSPHERE: &str = "it belongs to the vSphere flavour of the service, whose operations are others; use the C4- id \
                       that the Cloud Director flavour shows";
const VAPP: &str = "it names a vApp replication; name the VM replications in it";
const VM: &str = "it names a VM replication; name the vApp replication that it is part of";
const CLOUD: &str = "it belongs to the Cloud Director flavour of the service";

/// Which kind of replication a text names, by its prefix (VCDA wire rules 1).
fn foreign(text: &str, wanted: Flavour) -> Option<&'static str> {
    let found = if text.starts_with("H4-") {
        Flavour::Vsphere
    } else if text.starts_with("C4VAPP-") {
        Flavour::CloudVapp
    } else if text.starts_with("C4-") {
        Flavour::CloudVm
    } else {
        return None;
    };
    match (found, wanted) {
        (found, wanted) if found == wanted => None,
        (Flavour::Vsphere, _) => Some(VSPHERE),
        (_, Flavour::Vsphere) => Some(CLOUD),
        (Flavour::CloudVapp, _) => Some(VAPP),
        (Flavour::CloudVm, _) => Some(VM),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flavour {
    CloudVm,
    CloudVapp,
    Vsphere,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $wanted:literal, $flavour:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is, unless it is empty or names something that the operations of this id do not
            /// know.
            ///
            /// # Errors
            /// [`IdError`], with what the text names instead.
            pub fn parse(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                let flavour: Option<Flavour> = $flavour;
                let reason = if text.is_empty() {
                    Some(EMPTY)
                } else {
                    flavour.and_then(|flavour| foreign(&text, flavour))
                };
                match reason {
                    Some(reason) => Err(IdError { text, wanted: $wanted, reason }),
                    None => Ok(Self(text)),
                }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

text_id!(
    /// A VM replication of the Cloud Director flavour, `C4-` and a UUID (VCDA wire rules 1). It stays the same when the
    /// direction of the replication changes.
    VmReplicationId,
    "VM replication",
    Some(Flavour::CloudVm)
);
text_id!(
    /// A vApp replication of the Cloud Director flavour, `C4VAPP-` and a UUID (VCDA wire rules 1).
    VappReplicationId,
    "vApp replication",
    Some(Flavour::CloudVapp)
);
text_id!(
    /// A replication of the vSphere flavour, `H4-` and a UUID. No operation of this client takes one: that flavour has
    /// operations and bodies of its own (VCDA wire rules 1).
    VsphereReplicationId,
    "replication of the vSphere flavour",
    Some(Flavour::Vsphere)
);
text_id!(
    /// A task of one site.
    TaskId,
    "task",
    None
);
text_id!(
    /// A recovery plan of the service, a UUID.
    RecoveryPlanId,
    "recovery plan",
    None
);
text_id!(
    /// A step of a recovery plan, a UUID.
    RecoveryStepId,
    "step of a recovery plan",
    None
);

/// A replication of whichever flavour and kind, told by the prefix of its id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ReplicationId {
    /// `C4-`: of a VM, Cloud Director flavour.
    Vm(VmReplicationId),
    /// `C4VAPP-`: of a vApp, Cloud Director flavour.
    Vapp(VappReplicationId),
    /// `H4-`: vSphere flavour.
    Vsphere(VsphereReplicationId),
}

impl ReplicationId {
    /// What the text names; `None` without one of the three prefixes.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        if text.starts_with("C4VAPP-") {
            VappReplicationId::parse(text).ok().map(Self::Vapp)
        } else if text.starts_with("C4-") {
            VmReplicationId::parse(text).ok().map(Self::Vm)
        } else if text.starts_with("H4-") {
            VsphereReplicationId::parse(text).ok().map(Self::Vsphere)
        } else {
            None
        }
    }
}

/// Names one action of a user in the logs of all services that take part in it: the request header `operationID`
/// (VCDA wire rules 4). No page says that a service tells a repeated request by it, and none says that it does not: a second action
/// under the tag of an earlier one may be answered with the earlier one's task. So give each action a tag of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationTag(String);

/// A longer tag is cut: it ends up in every line of the services' logs.
const LONGEST_TAG: usize = 128;

impl OperationTag {
    /// A tag with this text; what cannot stand in a header becomes `-`, what is beyond 128 characters is cut.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let plain = |c: char| if c.is_ascii_graphic() { c } else { '-' };
        Self(text.chars().take(LONGEST_TAG).map(plain).collect())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_the_other_flavour_and_of_vapps_are_refused_with_the_reason() {
        let other = VmReplicationId::parse("H4-0b0b0b0b").unwrap_err().to_string();
        assert!(other.contains("vSphere flavour"), "{other}");
        let vapp = VmReplicationId::parse("C4VAPP-0d0d").unwrap_err().to_string();
        assert!(vapp.contains("vApp"), "{vapp}");
        let vm = VappReplicationId::parse("C4-0d0d").unwrap_err().to_string();
        assert!(vm.contains("names a VM replication"), "{vm}");
        for cloud in ["C4-1", "C4VAPP-1"] {
            assert!(VsphereReplicationId::parse(cloud).is_err(), "{cloud}");
        }
        assert!(VmReplicationId::parse("").is_err());
        assert_eq!(VmReplicationId::parse("C4-1").unwrap().as_str(), "C4-1");
        assert!(serde_json::from_str::<VmReplicationId>(r#""H4-1""#).is_err());
        assert!(TaskId::parse("").is_err());
        assert!(RecoveryPlanId::parse("").is_err() && RecoveryStepId::parse("").is_err());
    }

    #[test]
    fn a_prefix_tells_what_an_id_names() {
        assert!(matches!(ReplicationId::of("C4-1"), Some(ReplicationId::Vm(id)) if id.as_str() == "C4-1"));
        assert!(matches!(
            ReplicationId::of("C4VAPP-1"),
            Some(ReplicationId::Vapp(_))
        ));
        assert!(matches!(
            ReplicationId::of("H4-1"),
            Some(ReplicationId::Vsphere(_))
        ));
        assert_eq!(ReplicationId::of("site-1"), None);
    }

    #[test]
    fn a_tag_is_always_a_legal_header() {
        let tag = OperationTag::new(&format!("run 1\r\nX: é{}", "x".repeat(200)));
        assert!(tag.as_str().starts_with("run-1--X:--xxx"), "{tag:?}");
        assert_eq!(tag.as_str().len(), LONGEST_TAG);
        assert!(http::HeaderValue::from_str(tag.as_str()).is_ok());
    }
}
