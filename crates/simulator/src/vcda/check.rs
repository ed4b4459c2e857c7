//! What is asked of replications: which bodies are taken, and what a replication allows.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::Refusal;
use super::replication::{Replication, TargetKind, WorkKind};
use super::spec::StateRefusal;
use super::work::Level;
use super::{Vcda, body};
use crate::endpoint::Session;
use crate::service::Incoming;

/// What a request asks for, beyond its kind, about one replication.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) power_on: bool,
    pub(super) sync: bool,
    pub(super) instance: Option<String>,
    pub(super) network_settings: Option<Value>,
    /// The body, for work that has no more to be read.
    pub(super) body: Value,
}

impl Settings {
    /// What the services do when nobody says otherwise.
    pub(super) fn usual() -> Self {
        Self {
            power_on: true,
            ..Self::default()
        }
    }

    /// What the body says about a replication; `powerOn` is true unless the caller says otherwise.
    pub(super) fn of(body: &Value, kind: WorkKind, level: Level, replication: &Replication) -> Self {
        let vm = replication.source_vm.as_ref().map_or("", |vm| vm.id.as_str());
        let instance = match level {
            Level::Vm => body.get("instanceId"),
            Level::Vapp => body.get("instanceMap").and_then(|map| map.get(&replication.id)),
        };
        let networks = body.get("vmNetworkSettings").filter(|given| !given.is_null());
        let by_vm = level == Level::Vapp || replication.target == TargetKind::Vcenter;
        let networks = match (networks, by_vm && kind != WorkKind::Migrate) {
            (Some(networks), true) => networks.get(vm),
            (networks, _) => networks,
        };
        Self {
            power_on: body::flag(body, "powerOn", true),
            sync: body::flag(body, "sync", false),
            instance: instance.and_then(Value::as_str).map(str::to_owned),
            network_settings: networks.cloned(),
            body: body.clone(),
        }
    }
}

/// The body of an action, checked against its shape; null where the action takes none.
pub(super) fn body(
    vcda: &Vcda,
    ids: &[String],
    kind: WorkKind,
    level: Level,
    incoming: &Incoming<'_>,
) -> Result<Value, Refusal> {
    let request = incoming.request;
    let target = ids
        .first()
        .and_then(|id| vcda.replications.get(id))
        .map_or(TargetKind::Vcloud, |replication| replication.target);
    let newest = vcda.spec.speaks(4, 7);
    let shapes = match (kind, level) {
        (WorkKind::Failover, Level::Vm) if newest => [&body::FAILOVER_4_7, &body::VC_FAILOVER],
        (WorkKind::Failover, Level::Vm) => [&body::FAILOVER, &body::VC_FAILOVER],
        (WorkKind::Failover, Level::Vapp) if newest => [&body::VAPP_FAILOVER_4_7, &body::VC_VAPP_FAILOVER],
        (WorkKind::Failover, Level::Vapp) => [&body::VAPP_FAILOVER, &body::VC_VAPP_FAILOVER],
        (WorkKind::FailoverTest, Level::Vm) if newest => [&body::TEST_4_7, &body::VC_TEST],
        (WorkKind::FailoverTest, Level::Vm) => [&body::TEST, &body::VC_TEST],
        (WorkKind::FailoverTest, Level::Vapp) if newest => [&body::VAPP_TEST_4_7, &body::VC_VAPP_TEST],
        (WorkKind::FailoverTest, Level::Vapp) => [&body::VAPP_TEST, &body::VC_VAPP_TEST],
        (WorkKind::Migrate, Level::Vm) => [&body::MIGRATE, &body::MIGRATE],
        (WorkKind::Migrate, Level::Vapp) => [&body::VAPP_MIGRATE, &body::VAPP_MIGRATE],
        (WorkKind::Reconfigure, _) => {
            let body = body::read(request)?;
            body::RECONFIGURE.check(&body)?;
            return Ok(body);
        }
        (WorkKind::StorageProfile, _) => {
            let body = body::read(request)?;
            body::STORAGE_PROFILE.check(&body)?;
            return Ok(body);
        }
        (
            WorkKind::FailoverTestCleanup
            | WorkKind::Reverse
            | WorkKind::Pause
            | WorkKind::Resume
            | WorkKind::Sync
            | WorkKind::Stop,
            _,
        ) => {
            body::none(request)?;
            return Ok(Value::Null);
        }
    };
    let body = body::settings(request, target, shapes)?;
    let chosen = ["instanceId", "instanceMap"].into_iter().any(|member| {
        body.get(member)
            .is_some_and(|chosen| chosen.is_string() || chosen.as_object().is_some_and(|map| !map.is_empty()))
    });
    if body::flag(&body, "sync", false) && chosen {
        return Err(Refusal::bad_request(
            "sync and the choice of an instance exclude one another.",
            &[],
        ));
    }
    if let Some(map) = body.get("instanceMap").and_then(Value::as_object)
        && let Some(stranger) = map.keys().find(|id| !ids.contains(id))
    {
        return Err(Refusal::bad_request(
            "The replication is not part of the vApp.",
            &[stranger],
        ));
    }
    Ok(body)
}

/// Why a replication does not allow what is asked.
#[derive(Debug)]
pub(super) enum Unfit {
    /// Its recovery state does not.
    State(Refusal),
    /// Anything else.
    Other(Refusal),
}

/// Whether a replication allows the work at a site; the settings, with the instance that it will be made from.
pub(super) fn fit(
    replication: &Replication,
    site: &str,
    kind: WorkKind,
    settings: Settings,
    as_told: StateRefusal,
) -> Result<Settings, Unfit> {
    let id = replication.id.as_str();
    let refused = |msg: String, args: &[&str]| Unfit::Other(Refusal::bad_request(msg, args));
    if replication.destination.site != site {
        return Err(refused(
            format!("Site {site} is not the destination."),
            &[id, site],
        ));
    }
    if replication.task.is_some() {
        return Err(refused(
            "Other work on the replication is running.".to_owned(),
            &[id],
        ));
    }
    if !kind.begins_in().contains(&replication.recovery) {
        let state = replication.recovery.as_str();
        let msg = format!("Recovery state {state} does not allow {}.", kind.as_str());
        return Err(Unfit::State(Refusal::state(as_told, msg, &[id, state])));
    }
    if kind == WorkKind::Sync && replication.is_paused {
        return Err(refused("The replication is paused.".to_owned(), &[id]));
    }
    let chooses = matches!(kind, WorkKind::Failover | WorkKind::FailoverTest);
    if !chooses || settings.sync && settings.instance.is_none() {
        return Ok(Settings {
            instance: None,
            ..settings
        });
    }
    let found = match &settings.instance {
        Some(key) => replication
            .instance(key)
            .ok_or_else(|| refused("The instance is not known.".to_owned(), &[key])),
        None => replication
            .latest_instance()
            .ok_or_else(|| refused("There is no instance to recover from.".to_owned(), &[id])),
    };
    let instance = Some(found?.key.clone());
    Ok(Settings { instance, ..settings })
}

/// Whether work of this kind cannot be done without the source.
pub(super) fn wants_source(kind: WorkKind) -> bool {
    matches!(kind, WorkKind::Migrate | WorkKind::Reverse | WorkKind::Sync)
}

/// Refuses a session that is not good for a site.
pub(super) fn extended(session: &Session, site: &str) -> Result<(), Refusal> {
    if session.endpoint == site || session.extended_to.iter().any(|extended| extended == site) {
        Ok(())
    } else {
        Err(Refusal::not_extended(site))
    }
}

/// Changes how a replication copies; what an SLA profile settled is the replication's own once it is given.
pub(super) fn reconfigure(replication: &mut Replication, body: &Value) {
    let copying = &mut replication.copying;
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    if let Some(description) = text("description") {
        copying.description = description;
    }
    let settled = ["rpo", "quiesced", "dataConnectionType", "retentionPolicy"];
    if settled
        .into_iter()
        .any(|name| body.get(name).is_some_and(|given| !given.is_null()))
    {
        copying.sla_profile = None;
    }
    if let Some(rpo) = body.get("rpo").and_then(Value::as_i64) {
        copying.rpo_minutes = i32::try_from(rpo).unwrap_or(i32::MAX).max(1);
    }
    copying.quiesced = body::flag(body, "quiesced", copying.quiesced);
    if let Some(kind) = text("dataConnectionType") {
        copying.data_connection = kind;
    }
    if let Some(policy) = body.get("retentionPolicy").filter(|policy| !policy.is_null()) {
        copying.retention = policy.clone();
    }
    if let Some(time) = body.get("initialSyncTime").and_then(Value::as_i64) {
        copying.initial_sync = Some(time);
    }
    if let Some(profile) = text("slaProfileId") {
        copying.sla_profile = Some(profile);
    }
}
