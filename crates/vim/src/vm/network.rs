//! What the card of a machine names a network by.

use farside_models_vim::{
    DistributedVirtualSwitchPortConnection, NetworkSummary, OpaqueNetworkSummary, VirtualDeviceBackingInfo,
    VirtualEthernetCardDistributedVirtualPortBackingInfo, VirtualEthernetCardNetworkBackingInfo,
    VirtualEthernetCardOpaqueNetworkBackingInfo,
};
use farside_wire::{ManagedObjectReference, Object};
use serde::{Deserialize, Serialize};

use crate::entity::Network;
use crate::error::{WorkError, WorkErrorKind};
use crate::object::ManagedObject;
use crate::switch::DistributedVirtualSwitch;

/// The type of the references to port groups of distributed switches.
const PORT_GROUP: &str = "DistributedVirtualPortgroup";

/// What the card of a machine names a network by. Names and ids are those of one vCenter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum NetworkBacking {
    /// A port group of standard switches, by its name.
    Standard {
        /// The name.
        name: String,
    },
    /// A port group of a distributed switch.
    Distributed {
        /// The key of the port group, which is its id.
        portgroup: String,
        /// The uuid of the switch.
        switch: String,
    },
    /// A network that somebody else manages, as NSX.
    Opaque {
        /// Its id there.
        network: String,
        /// Its type, such as `nsx.LogicalSwitch`.
        network_type: String,
    },
}

impl NetworkBacking {
    /// The backing for a card that is to be on the network. The port of a distributed switch is the server's choice.
    #[must_use]
    pub fn to_wire(&self) -> Object<VirtualDeviceBackingInfo> {
        match self {
            Self::Standard { name } => Object::new(&VirtualEthernetCardNetworkBackingInfo::new(name)),
            Self::Distributed { portgroup, switch } => {
                let port = DistributedVirtualSwitchPortConnection::new(switch).with_portgroup_key(portgroup);
                Object::new(&VirtualEthernetCardDistributedVirtualPortBackingInfo::new(port))
            }
            Self::Opaque {
                network,
                network_type,
            } => Object::new(&VirtualEthernetCardOpaqueNetworkBackingInfo::new(
                network,
                network_type,
            )),
        }
    }

    /// The network that a backing names; `None` for a backing of another kind, or one that cannot be read.
    #[must_use]
    pub fn of(backing: &Object<VirtualDeviceBackingInfo>) -> Option<Self> {
        if let Some(backing) = backing.downcast::<VirtualEthernetCardNetworkBackingInfo>() {
            return Some(Self::Standard {
                name: backing.ok()?.device_name,
            });
        }
        if let Some(backing) = backing.downcast::<VirtualEthernetCardDistributedVirtualPortBackingInfo>() {
            let port = backing.ok()?.port;
            return Some(Self::Distributed {
                portgroup: port.portgroup_key?,
                switch: port.switch_uuid,
            });
        }
        let backing = backing
            .downcast::<VirtualEthernetCardOpaqueNetworkBackingInfo>()?
            .ok()?;
        Some(Self::Opaque {
            network: backing.opaque_network_id,
            network_type: backing.opaque_network_type,
        })
    }

    /// In words, for people.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Standard { name } => format!("network {name}"),
            Self::Distributed { portgroup, switch } => format!("port group {portgroup} of switch {switch}"),
            Self::Opaque {
                network,
                network_type,
            } => format!("network {network} ({network_type})"),
        }
    }
}

impl Network {
    /// What cards name it by: read from its summary, or for a port group from its key and the uuid of its switch.
    ///
    /// # Errors
    /// [`WorkErrorKind::Call`], [`WorkErrorKind::Absent`], [`WorkErrorKind::Unreadable`].
    pub async fn backing(&self) -> Result<NetworkBacking, WorkError> {
        let backing = self.find_backing().await;
        backing.map_err(|kind| kind.about("reading", self.reference()))
    }

    async fn find_backing(&self) -> Result<NetworkBacking, WorkErrorKind> {
        if self.reference().type_ == PORT_GROUP {
            return self.port_group().await;
        }
        let summary = Network::summary(self).await?;
        if let Some(opaque) = summary.downcast::<OpaqueNetworkSummary>() {
            let opaque = opaque.map_err(|source| unreadable("summary", source))?;
            return Ok(NetworkBacking::Opaque {
                network: opaque.opaque_network_id,
                network_type: opaque.opaque_network_type,
            });
        }
        let summary: NetworkSummary = summary.base().map_err(|source| unreadable("summary", source))?;
        // A handle made of an id alone does not know which kind of network it is of.
        match summary.network {
            Some(own) if own.type_ == PORT_GROUP => Network::of(self.client(), own).port_group().await,
            Some(_) | None => Ok(NetworkBacking::Standard { name: summary.name }),
        }
    }

    async fn port_group(&self) -> Result<NetworkBacking, WorkErrorKind> {
        let key: String = property(self, PORT_GROUP, "key").await?;
        let switch: ManagedObjectReference =
            property(self, PORT_GROUP, "config.distributedVirtualSwitch").await?;
        let switch = DistributedVirtualSwitch::of(self.client(), switch);
        let uuid = property(
            &switch,
            DistributedVirtualSwitch::TYPE_NAME,
            DistributedVirtualSwitch::UUID.as_str(),
        );
        Ok(NetworkBacking::Distributed {
            portgroup: key,
            switch: uuid.await?,
        })
    }
}

fn unreadable(property: &'static str, source: farside_wire::DecodeError) -> WorkErrorKind {
    WorkErrorKind::Unreadable { property, source }
}

/// A property of an object, which has to be there.
async fn property<T: farside_wire::Read>(
    object: &impl ManagedObject,
    type_name: &str,
    path: &'static str,
) -> Result<T, WorkErrorKind> {
    let objects = std::slice::from_ref(object.reference());
    let seen = object.client().properties(objects, type_name, &[path]).await?;
    let seen = seen.first();
    let value = seen.map(|seen| seen.get(path)).transpose();
    let value = value.map_err(|source| unreadable(path, source))?;
    value.flatten().ok_or_else(|| WorkErrorKind::Absent {
        property: path,
        fault: seen.and_then(|seen| seen.fault(path).cloned()),
    })
}
