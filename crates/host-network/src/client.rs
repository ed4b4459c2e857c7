//! Reading a host and starting a failover.

use farside_models_vim::{
    DpuStatusInfo, HostPartialMaintenanceModeRuntimeInfo, HostProxySwitch, HostVirtualNic, PhysicalNic,
    StartDpuFailoverRequest,
};
use farside_transport::CallError;
use farside_vim::{ManagedObject as _, ObjectProperties, VimClient};
use farside_wire::{ManagedObjectReference, Read};

use crate::error::HostNetworkError;
use crate::release::{FAILOVER, is_before};
use crate::system::HostNetworkSystem;
use crate::told::Told;

const NAME: &str = "name";
const NETWORK_SYSTEM: &str = "configManager.networkSystem";
const CONNECTION: &str = "runtime.connectionState";
const POWER: &str = "runtime.powerState";
const MAINTENANCE: &str = "runtime.inMaintenanceMode";
const DPU_HEALTH: &str = "runtime.healthSystemRuntime.hardwareStatusInfo.dpuStatusInfo";
const PARTIAL_MAINTENANCE: &str = "runtime.partialMaintenanceMode";
const SWITCHES: &str = "config.network.proxySwitch";
const NICS: &str = "config.network.pnic";
const INTERFACES: &str = "config.network.vnic";

/// What was read of a host (paths of `HostSystem`; DPU rules, section 5.1).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Host {
    /// Managed object id, such as `host-12`.
    pub id: String,
    /// The release of VI JSON in which it was read, such as `8.0.3.0`: what came later is not in it.
    pub release: String,
    /// Its name in the inventory.
    pub name: Option<String>,
    /// Its network system, at which a failover is asked for.
    pub network_system: ManagedObjectReference,
    /// `runtime.connectionState`, as the server writes it; `connected` when all is well.
    pub connection: Told<String>,
    /// `runtime.powerState`, as the server writes it; `poweredOn` when all is well.
    pub power: Told<String>,
    /// Whether it is in maintenance mode.
    pub in_maintenance: Option<bool>,
    /// Partial maintenance modes, with whether it is in one or on the way to or from it; unset below 8.0.3.0.
    pub partial_maintenance: Told<Vec<HostPartialMaintenanceModeRuntimeInfo>>,
    /// Its parts of distributed switches.
    pub switches: Vec<HostProxySwitch>,
    /// Its physical network cards.
    pub nics: Vec<PhysicalNic>,
    /// Its own interfaces (vmkernel). What becomes of one that lies on a DPU (`spec.dpuId`) in a failover is not known.
    pub interfaces: Vec<HostVirtualNic>,
    /// What its health monitoring says of its DPUs; unset below 8.0.0.1, and where it says nothing.
    pub dpu_health: Told<Vec<DpuStatusInfo>>,
}

impl Host {
    /// What properties of a host say, which were read in a release.
    pub(crate) fn read(
        id: &str,
        release: &str,
        properties: &ObjectProperties,
    ) -> Result<Self, HostNetworkError> {
        let missing = || HostNetworkError::Missing {
            host: id.to_owned(),
            what: "network system",
        };
        Ok(Self {
            release: release.to_owned(),
            name: optional(id, properties, NAME)?,
            network_system: readable(id, properties, NETWORK_SYSTEM)?.ok_or_else(missing)?,
            connection: Told::of(properties, CONNECTION),
            power: Told::of(properties, POWER),
            in_maintenance: optional(id, properties, MAINTENANCE)?,
            partial_maintenance: Told::of(properties, PARTIAL_MAINTENANCE),
            switches: readable(id, properties, SWITCHES)?.unwrap_or_default(),
            nics: readable(id, properties, NICS)?.unwrap_or_default(),
            interfaces: optional(id, properties, INTERFACES)?.unwrap_or_default(),
            dpu_health: Told::of(properties, DPU_HEALTH),
            id: id.to_owned(),
        })
    }
}

/// The properties to ask a release for: the collector refuses a whole question for one that it does not know.
fn paths(release: &str) -> Vec<&'static str> {
    let mut paths = vec![
        NAME,
        NETWORK_SYSTEM,
        CONNECTION,
        POWER,
        MAINTENANCE,
        SWITCHES,
        NICS,
        INTERFACES,
        DPU_HEALTH,
    ];
    if is_before(release, FAILOVER) != Some(true) {
        paths.push(PARTIAL_MAINTENANCE);
    }
    paths
}

/// The networks of the hosts of one vCenter.
#[derive(Clone, Debug)]
pub struct HostNetwork {
    vim: VimClient,
}

impl HostNetwork {
    /// The hosts that this client's vCenter knows.
    pub fn new(vim: VimClient) -> Self {
        Self { vim }
    }

    pub(crate) fn vim(&self) -> &VimClient {
        &self.vim
    }

    fn system(&self, host: &Host) -> HostNetworkSystem {
        HostNetworkSystem::of(&self.vim, host.network_system.clone())
    }

    /// Reads a host by its managed object id, in one call (`PropertyCollector.RetrievePropertiesEx`). Needs no more than the
    /// right to read it; what came with a later release than that of the session is not asked for.
    ///
    /// # Errors
    /// [`HostNetworkError`]; nothing changed.
    pub async fn host(&self, id: &str) -> Result<Host, HostNetworkError> {
        let failed = |source| HostNetworkError::Call {
            host: id.to_owned(),
            source,
        };
        let release = self.vim.release().await.map_err(failed)?;
        let object = ManagedObjectReference::new("HostSystem", id);
        let read = self
            .vim
            .properties(&[object], "HostSystem", &paths(release))
            .await;
        let read = read.map_err(failed)?;
        let properties = read.into_iter().next().ok_or_else(|| HostNetworkError::Missing {
            host: id.to_owned(),
            what: "host of this id",
        })?;
        Host::read(id, release, &properties)
    }

    /// Reads a host after it has read its own network state anew ([`HostNetwork::refresh`]): whether a host shows a move of its switch
    /// without that is our inference (DPU rules 6.1), and a request for a move that has happened may move the switch back.
    ///
    /// # Errors
    /// [`HostNetworkError`], also where the refresh failed; nothing changed.
    pub async fn fresh_host(&self, id: &str) -> Result<Host, HostNetworkError> {
        let host = self.host(id).await?;
        self.refresh(&host).await?;
        self.host(id).await
    }

    /// Asks for the move of a switch to its standby DPU (`HostNetworkSystem.startDpuFailover`, privilege
    /// `Host.Config.Network`, since 8.0.3.0). `alias` is passed on as it is; left out, the system chooses. It is an alias
    /// of the host's own counting (`vmdpu1`), not a DPU's id, and no VI JSON type shows it, so it cannot be checked.
    ///
    /// Exactly one request goes out. Success means that it was taken, not that the switch has moved. A second one may
    /// move it back: after an unknown effect read the uplinks first.
    ///
    /// # Errors
    /// [`HostNetworkError::Call`]; the faults `InvalidArgument` (not offloaded, no standby DPU, unknown alias) and
    /// `MethodDisabled` mean that nothing was done. So do [`HostNetworkError::TooOld`], and a session that had ended
    /// ([`CallError::lacked_session`](farside_transport::CallError::lacked_session)), and the next call logs in: other methods
    /// send their request once more in a fresh session, but by then a switch can have moved by itself, so read the uplinks.
    ///
    /// # Cancel safety
    /// A dropped future leaves the outcome unknown.
    pub async fn start_dpu_failover(
        &self,
        host: &Host,
        switch: &str,
        alias: Option<&str>,
    ) -> Result<(), HostNetworkError> {
        let mut request = StartDpuFailoverRequest::new(switch);
        if let Some(alias) = alias {
            request = request.with_target_dpu_alias(alias);
        }
        let sent = self.system(host).start_dpu_failover(&request).await;
        sent.map_err(|source| {
            if lacks_the_method(&source) {
                let host = host.id.clone();
                HostNetworkError::TooOld { host, source }
            } else {
                HostNetworkError::of_call(host, source)
            }
        })
    }

    /// Lets the host read its network state anew (`HostNetworkSystem.RefreshNetworkSystem`, privilege
    /// `Host.Config.Network`). That it makes a finished move visible sooner is our inference.
    ///
    /// # Errors
    /// [`HostNetworkError::Call`]; the state is as it was.
    pub async fn refresh(&self, host: &Host) -> Result<(), HostNetworkError> {
        let sent = self.system(host).refresh().await;
        sent.map_err(|source| HostNetworkError::of_call(host, source))
    }
}

/// Whether a release does not have the method: `MethodNotFound`, `InvalidRequest`, or a plain 404 (VI JSON wire rules 9.5, DPU rules
/// 2; inferred).
fn lacks_the_method(error: &CallError) -> bool {
    match error.service_error() {
        Some(error) => matches!(error.code(), "MethodNotFound" | "InvalidRequest"),
        None => error.status().is_some_and(|status| status.as_u16() == 404),
    }
}

/// A property without which nothing can be said: that it cannot be read is not taken for its absence.
fn readable<T: Read>(
    host: &str,
    properties: &ObjectProperties,
    path: &'static str,
) -> Result<Option<T>, HostNetworkError> {
    match properties.fault(path) {
        Some(fault) => Err(HostNetworkError::Refused {
            host: host.to_owned(),
            path,
            fault: Box::new(fault.clone()),
        }),
        None => optional(host, properties, path),
    }
}

fn optional<T: Read>(
    host: &str,
    properties: &ObjectProperties,
    path: &'static str,
) -> Result<Option<T>, HostNetworkError> {
    properties.get(path).map_err(|source| HostNetworkError::Property {
        host: host.to_owned(),
        path,
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_asked_for_what_it_knows() {
        assert!(paths("8.0.3.0").contains(&PARTIAL_MAINTENANCE));
        assert!(!paths("8.0.2.0").contains(&PARTIAL_MAINTENANCE));
    }
}
