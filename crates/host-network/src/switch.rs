//! What vCenter shows of a distributed switch: whether it can and may be offloaded, and what stands by.

use farside_models_vim::{
    DVSConfigInfo, DVSFeatureCapability, VMwareDVSConfigInfo, VMwareDVSFeatureCapability,
    VMwareDvsDpuCapability, VmwareDistributedVirtualSwitchDpuFailoverPolicy,
};
use farside_transport::CallError;
use farside_vim::{DistributedVirtualSwitch, ManagedObject as _, ObjectProperties, PropertyPath};
use farside_wire::{DataType, Extends, ManagedObjectReference, Object};

use crate::client::{Host, HostNetwork};
use crate::dpu::switch_named;
use crate::error::HostNetworkError;
use crate::told::Told;

const UUID: PropertyPath<DistributedVirtualSwitch, String> = PropertyPath::new("uuid");
// Members of subtypes: whether a path may step into them is not known, so the declared objects are read whole (DPU rules 5.2).
const CONFIG: PropertyPath<DistributedVirtualSwitch, Object<DVSConfigInfo>> = PropertyPath::new("config");
const FEATURES: PropertyPath<DistributedVirtualSwitch, Object<DVSFeatureCapability>> =
    PropertyPath::new("capability.featuresSupported");

/// What vCenter shows of a distributed switch of a host (DPU rules, section 5.2). It says what the switch can do and how it is
/// set up, not whether this host has it offloaded: that is [`SwitchDpus`](crate::SwitchDpus).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DistributedSwitch {
    /// Its name, as the host knows it and a failover names it.
    pub name: String,
    /// The switch in the inventory, where vCenter shows one with the uuid that the host knows.
    pub object: Option<ManagedObjectReference>,
    /// What its version can do with DPUs (`capability.featuresSupported.dpuCapability`); unset means nothing.
    pub capability: Told<VMwareDvsDpuCapability>,
    /// How it is offloaded (`config.networkOffloadSpecId`); unset and `None` mean not at all.
    pub offload_spec: Told<String>,
    /// Which uplinks work and which stand by, as it is set up
    /// (`config.networkOffloadConfig.dpuFailoverPolicy`); unset means that all of them work.
    pub policy: Told<VmwareDistributedVirtualSwitchDpuFailoverPolicy>,
}

impl DistributedSwitch {
    /// A switch of which nothing can be read, and why.
    #[must_use]
    pub fn hidden(name: impl Into<String>, why: impl Into<String>) -> Self {
        let why = why.into();
        Self {
            name: name.into(),
            object: None,
            capability: Told::Hidden(why.clone()),
            offload_spec: Told::Hidden(why.clone()),
            policy: Told::Hidden(why),
        }
    }

    pub(crate) fn read(name: &str, properties: &ObjectProperties) -> Self {
        let config: Told<VMwareDVSConfigInfo> = subtype(Told::at(properties, CONFIG));
        let features: Told<VMwareDVSFeatureCapability> = subtype(Told::at(properties, FEATURES));
        Self {
            name: name.to_owned(),
            object: Some(properties.object().clone()),
            capability: features.part(|features| features.dpu_capability.clone()),
            offload_spec: config.part(|config| config.network_offload_spec_id.clone()),
            policy: config.part(|config| config.network_offload_config.clone()?.dpu_failover_policy),
        }
    }
}

/// The subtype that has the members about DPUs. A switch always has a configuration and capabilities: none, or of another type,
/// says nothing.
fn subtype<B: DataType, T: DataType + Extends<B>>(told: Told<Object<B>>) -> Told<T> {
    match told {
        Told::Value(object) => match object.downcast::<T>() {
            Some(Ok(value)) => Told::Value(value),
            Some(Err(error)) => Told::Hidden(error.to_string()),
            None => Told::Hidden(format!("it is a {}", object.type_name())),
        },
        Told::Unset => Told::Hidden("vCenter does not show it".to_owned()),
        Told::Hidden(why) => Told::Hidden(why),
    }
}

impl HostNetwork {
    /// Reads what vCenter shows of a switch of a host, named as the host knows it. Its uuid is looked for among all distributed
    /// switches (a container view, made for it and destroyed again), and its configuration read
    /// (`PropertyCollector.RetrievePropertiesEx`): four calls,
    /// which need no more than the right to read it.
    ///
    /// What cannot be read is [`Told::Hidden`]: no switch of this uuid is shown, or vCenter refuses.
    ///
    /// # Errors
    /// [`HostNetworkError::Call`] where vCenter did not answer; nothing changed.
    ///
    /// # Cancel safety
    /// A dropped future can leave a view at the server until the session ends.
    pub async fn switch(&self, host: &Host, name: &str) -> Result<DistributedSwitch, HostNetworkError> {
        let hidden = |why: String| Ok(DistributedSwitch::hidden(name, why));
        let Some(part) = switch_named(host, name) else {
            return hidden("the host has no switch of this name".to_owned());
        };
        match self.read_switch(&part.dvs_uuid).await {
            Ok(Some(properties)) => Ok(DistributedSwitch::read(name, &properties)),
            Ok(None) => hidden(format!("vCenter shows no switch of uuid {}", part.dvs_uuid)),
            Err(source) => match source.fault() {
                Some(fault) => hidden(fault.to_string()),
                None => Err(HostNetworkError::of_call(host, source)),
            },
        }
    }

    async fn read_switch(&self, uuid: &str) -> Result<Option<ObjectProperties>, CallError> {
        let root = self.vim().content().await?.root_folder.clone();
        let type_name = DistributedVirtualSwitch::TYPE_NAME;
        let all = self.vim().below(&root, type_name, &[UUID.as_str()]).await?;
        let is_it = |properties: &&ObjectProperties| {
            let own = properties.at(UUID).ok().flatten();
            own.is_some_and(|own| own.eq_ignore_ascii_case(uuid))
        };
        let Some(found) = all.iter().find(is_it) else {
            return Ok(None);
        };
        let (of, paths) = ([found.object().clone()], [CONFIG.as_str(), FEATURES.as_str()]);
        let read = self.vim().properties(&of, type_name, &paths).await?;
        Ok(read.into_iter().next())
    }
}
