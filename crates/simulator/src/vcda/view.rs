//! How a replication looks to a client of one of its sites, and the list of them.

use serde_json::{Value, json};

use super::error::{ApiError, Refusal};
use super::query::{self, Query, SortKey};
use super::replication::{Instance, Place, RecoveryState, Replication, TargetKind};
use super::{MEDIA_TYPE, VcdaSpec};
use crate::core::Core;
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::world::World;

/// For how long after a recovery a reverse can use what is left of the source, in milliseconds.
const OPTIMIZED_MS: i64 = 7 * 24 * 3_600_000;

/// How often the sites of a pair tell one another their state, in milliseconds.
const EXCHANGE_MS: i64 = 5_000;

/// The wire form of a replication, as one of its sites shows it.
pub(super) fn replication(core: &Core, spec: &VcdaSpec, site: &str, replication: &Replication) -> Value {
    let mut shown = of_vapp(core, spec, site, replication);
    if let Some(members) = shown.as_object_mut() {
        members.insert("source".to_owned(), source_end(replication));
        members.insert("destination".to_owned(), destination_end(spec, replication));
        members.insert("vappReplicationId".to_owned(), json!(replication.vapp));
    }
    shown
}

/// The wire form of a replication within that of its vApp.
pub(super) fn of_vapp(core: &Core, spec: &VcdaSpec, site: &str, replication: &Replication) -> Value {
    let Replication {
        source, destination, ..
    } = replication;
    let source_vm = replication.source_vm.as_ref();
    let mut shown = json!({
        "id": replication.id,
        "vmId": source_vm.map(|vm| vm.id.as_str()),
        "vmName": replication.vm_name,
        "vmDescription": "",
        "computerName": replication.vm_name,
        "owner": replication.owner,
        "isMigration": replication.is_migration,
        "isPaused": replication.is_paused,
        "isReversed": replication.is_reversed,
        "lastUpdated": core.server_ms(site, replication.updated_ms),
        "metadata": {},
        "overallHealth": health(core, replication),
        "dataConnectionState": connection(core, replication),
        "settings": settings(replication),
        "sourceState": {
            "state": source_state(core, replication),
            "stateAge": state_age(core, site, source),
            "progress": null,
        },
        "destinationState": destination_state(core, spec, site, replication),
        "storageProfile": replication.storage_profile,
        "storageProfileName": "gold",
        "vimLocation": vim_location(destination),
    });
    if let (Some(profile), Some(members)) = (&replication.copying.sla_profile, shown.as_object_mut()) {
        members.insert(
            "slaProfile".to_owned(),
            json!({"id": profile, "displayName": profile}),
        );
    }
    shown
}

fn source_state(core: &Core, replication: &Replication) -> &'static str {
    if !core.is_reachable(&replication.source.site) {
        "error"
    } else if replication.is_paused {
        "paused"
    } else {
        "idle"
    }
}

fn settings(replication: &Replication) -> Value {
    let copying = &replication.copying;
    let mut settings = json!({
        "description": copying.description,
        "rpo": copying.rpo_minutes,
        "quiesced": copying.quiesced,
        "dataConnectionType": copying.data_connection,
        "retentionPolicy": copying.retention,
        "excludedDiskKeys": [],
        "targetDiskType": copying.disk_type,
    });
    if let (Some(time), Some(members)) = (copying.initial_sync, settings.as_object_mut()) {
        members.insert("initialSyncTime".to_owned(), json!(time));
    }
    settings
}

fn source_end(replication: &Replication) -> Value {
    let source = &replication.source;
    json!({
        "site": source.site,
        "org": source.org,
        "vappId": replication.source_vm.as_ref().map(|vm| vm.vapp_id.as_str()),
        "vappName": replication.vm_name,
        "vdcId": source.vdc_id,
        "vdcName": source.vdc_name,
    })
}

fn destination_end(spec: &VcdaSpec, replication: &Replication) -> Value {
    let destination = &replication.destination;
    json!({
        "site": destination.site,
        "org": destination.org,
        "vdcId": destination.vdc_id,
        "vdcName": destination.vdc_name,
        "recoveredVappId": recovered_vapp(spec, replication),
    })
}

fn destination_state(core: &Core, spec: &VcdaSpec, site: &str, replication: &Replication) -> Value {
    let error = replication.last_error.as_ref();
    json!({
        "state": "idle",
        "stateAge": state_age(core, site, &replication.destination),
        "currentRpoViolation": rpo_violation(core, replication),
        "isMovingReplica": replication.is_moving,
        "spaceRequirement": 21_474_836_480_i64,
        "latestInstance": replication.latest_instance().map(|latest| instance(core, site, latest)),
        "lastError": error.map(ApiError::to_json),
        "recoveryInfo": recovery_info(core, spec, site, replication),
    })
}

fn vim_location(place: &Place) -> Value {
    json!({
        "datastore": format!("ds-{}-1", place.site),
        "datastoreMoref": "datastore-61",
        "datastoreName": format!("ds-{}-1", place.site),
        "vimServer": format!("vc-{}.example", place.site),
        "vimServerInstanceUuid": vim_server(&place.site),
    })
}

/// Id of the vCenter of a site.
pub(super) fn vim_server(site: &str) -> String {
    crate::random::Random::keyed(0, &["vim", site]).uuid()
}

fn recovery_info(core: &Core, spec: &VcdaSpec, site: &str, replication: &Replication) -> Value {
    let state = replication.recovery.as_str();
    let vm = match (replication.recovery, &replication.destination_vm) {
        (RecoveryState::Test | RecoveryState::Complete, Some(vm)) if !spec.bare_recovery_info => vm,
        _ => return json!({"recoveryState": state}),
    };
    let until = replication
        .recovered_ms
        .map(|at_ms| core.server_ms(site, at_ms + OPTIMIZED_MS));
    let (tag, first, second) = match replication.target {
        TargetKind::Vcloud => ("vcd", ("vAppId", &vm.vapp_id), ("vcdVmId", &vm.id)),
        TargetKind::Vcenter => ("vc", ("vcId", &vm.vapp_id), ("vmId", &vm.id)),
    };
    let tag = if spec.unknown_recovery_tag {
        "unheard-of"
    } else {
        tag
    };
    let mut info = match replication.target {
        TargetKind::Vcloud => json!({"recoveryState": state, "optimizeUntil": until, "type": tag}),
        TargetKind::Vcenter => json!({"recoveryState": state, "type": tag}),
    };
    info[first.0] = json!(first.1);
    info[second.0] = json!(second.1);
    info
}

/// The vApp that was recovered; `null` where there is none, or the text.
pub(super) fn recovered_vapp(spec: &VcdaSpec, replication: &Replication) -> Option<String> {
    let recovered = match replication.recovery {
        RecoveryState::Complete => replication.destination_vm.as_ref(),
        RecoveryState::NotStarted | RecoveryState::InProgress | RecoveryState::Test => None,
    };
    let nothing = spec.null_as_text.then(|| "null".to_owned());
    recovered.map(|vm| vm.vapp_id.clone()).or(nothing)
}

fn instance(core: &Core, site: &str, instance: &Instance) -> Value {
    json!({
        "key": instance.key,
        "sequenceNumber": instance.sequence,
        "timestamp": core.server_ms(site, instance.taken_ms),
        "isPinned": false,
        "quiescedType": "notQuiesced",
        "transferBytes": instance.transfer_bytes,
        "transferSeconds": instance.transfer_bytes / 1_000_000 + 1,
    })
}

/// How old a site's knowledge of one end is: its own end is at hand, the other one is told now and then.
fn state_age(core: &Core, site: &str, place: &Place) -> i64 {
    let now_ms = core.now_ms();
    let told_ms = now_ms.rem_euclid(EXCHANGE_MS);
    match core.endpoints.get(&place.site) {
        _ if place.site == site => 0,
        Some(endpoint) if !endpoint.reachable => now_ms - endpoint.reachable_changed_ms + told_ms,
        Some(_) | None => told_ms,
    }
}

/// After a recovery nothing is copied, and nothing is late.
fn rpo_violation(core: &Core, replication: &Replication) -> i64 {
    match replication.recovery {
        RecoveryState::Complete => 0,
        RecoveryState::NotStarted | RecoveryState::InProgress | RecoveryState::Test => {
            replication.rpo_violation_minutes(core.now_ms())
        }
    }
}

pub(super) fn health(core: &Core, replication: &Replication) -> &'static str {
    let violation = rpo_violation(core, replication);
    if !core.is_reachable(&replication.source.site) || violation >= i64::from(replication.copying.rpo_minutes)
    {
        "RED"
    } else if violation > 0 || replication.last_error.is_some() {
        "YELLOW"
    } else {
        "GREEN"
    }
}

fn connection(core: &Core, replication: &Replication) -> &'static str {
    if !core.is_reachable(&replication.source.site) {
        return "ERROR";
    }
    match (replication.recovery, &replication.source_vm) {
        (RecoveryState::Complete, _) => "FINISHED",
        _ if replication.is_paused => "PAUSED",
        (_, Some(vm)) if !vm.powered_on => "POWERED_OFF",
        _ => "OK",
    }
}

/// The replication of a request, if one of its ends is at the endpoint.
pub(super) fn find<'a>(world: &'a World, incoming: &Incoming<'_>) -> Result<&'a Replication, Refusal> {
    let id = incoming.param(0);
    let found = world
        .vcda
        .replications
        .get(id)
        .filter(|replication| replication.is_at(incoming.endpoint));
    found.ok_or_else(|| not_found(id))
}

pub(super) fn not_found(id: &str) -> Refusal {
    Refusal::new(404, "VmReplicationNotFound", "No such replication.", &[id])
}

/// `GET /vm-replications/{replicationId}`.
pub(super) fn get(world: &World, incoming: &Incoming<'_>) -> Result<Answer, Refusal> {
    let found = find(world, incoming)?;
    Ok(Answer::json(
        200,
        MEDIA_TYPE,
        &replication(&world.core, &world.vcda.spec, incoming.endpoint, found),
    ))
}

/// `GET /vm-replications/{replicationId}/instances`, newest first.
pub(super) fn instances(world: &World, incoming: &Incoming<'_>) -> Result<Answer, Refusal> {
    let found = find(world, incoming)?;
    let shown = found
        .instances
        .iter()
        .rev()
        .map(|taken| instance(&world.core, incoming.endpoint, taken));
    Ok(Answer::json(200, MEDIA_TYPE, &Value::Array(shown.collect())))
}

const FILTERS: &[&str] = &[
    "site",
    "owner",
    "sourceVdcId",
    "sourceVdcName",
    "sourceSite",
    "sourceSiteType",
    "sourceOrg",
    "destinationOrg",
    "destinationVdcId",
    "destinationVdcName",
    "destinationSiteType",
    "ids",
    "vmId",
    "vmName",
    "isMigration",
    "overallHealth",
    "dataConnectionState",
    "sourceVimServerUuid",
    "storageProfile",
    "vimServerInstanceUuid",
    "slaProfileId",
    "offset",
    "limit",
    "sort",
];
const SORT_FIELDS: &[&str] = &[
    "id",
    "vmName",
    "owner",
    "sourceSite",
    "sourceOrg",
    "destinationOrg",
    "lastUpdated",
    "overallHealth",
];

/// `GET /vm-replications`.
pub(super) fn list(world: &World, incoming: &Incoming<'_>) -> Result<Answer, Refusal> {
    let core = &world.core;
    let query = Query::read(incoming.request, FILTERS)?;
    let page = query.page()?;
    let fields = query.sort(SORT_FIELDS)?;
    query.one_of("isMigration", &["true", "false"])?;
    query.one_of("sourceSiteType", &["vcenter", "vcloud"])?;
    query.one_of("destinationSiteType", &["vcenter", "vcloud"])?;
    query.one_of("overallHealth", &["GREEN", "YELLOW", "RED"])?;
    let here = world
        .vcda
        .replications
        .values()
        .filter(|replication| replication.is_at(incoming.endpoint));
    let chooses = query.chooses();
    let mut found: Vec<&Replication> = here
        .filter(|replication| !chooses || passes(core, &query, replication))
        .collect();
    query::sort(&mut found, &fields, |replication, field| {
        sort_key(core, replication, field)
    });
    let items = found.iter().skip(page.offset).take(page.limit);
    let items: Vec<Value> = items
        .map(|found| replication(core, &world.vcda.spec, incoming.endpoint, found))
        .collect();
    Ok(page.answer(&world.vcda.spec, items, found.len()))
}

fn passes(core: &Core, query: &Query, replication: &Replication) -> bool {
    let is = |name: &str, value: &str| query.text(name).is_none_or(|wanted| wanted == value);
    let vm_id = replication.source_vm.as_ref().map_or("", |vm| vm.id.as_str());
    is("owner", &replication.owner)
        && is("sourceVdcId", &replication.source.vdc_id)
        && is("sourceVdcName", &replication.source.vdc_name)
        && is("sourceSite", &replication.source.site)
        && is("sourceSiteType", "vcloud")
        && is("sourceOrg", &replication.source.org)
        && is("destinationOrg", &replication.destination.org)
        && is("destinationVdcId", &replication.destination.vdc_id)
        && is("destinationVdcName", &replication.destination.vdc_name)
        && is("destinationSiteType", replication.target.as_str())
        && query
            .list("ids")
            .is_none_or(|wanted| wanted.contains(&replication.id.as_str()))
        && is("vmId", vm_id)
        && query
            .text("vmName")
            .is_none_or(|wanted| replication.vm_name.contains(wanted))
        && is(
            "isMigration",
            if replication.is_migration { "true" } else { "false" },
        )
        && is("storageProfile", &replication.storage_profile)
        && is("sourceVimServerUuid", &vim_server(&replication.source.site))
        && is(
            "vimServerInstanceUuid",
            &vim_server(&replication.destination.site),
        )
        && is(
            "slaProfileId",
            replication.copying.sla_profile.as_deref().unwrap_or(""),
        )
        && is("overallHealth", health(core, replication))
        && is("dataConnectionState", connection(core, replication))
}

fn sort_key(core: &Core, replication: &Replication, field: &str) -> SortKey {
    match field {
        "vmName" => SortKey::Text(replication.vm_name.clone()),
        "owner" => SortKey::Text(replication.owner.clone()),
        "sourceSite" => SortKey::Text(replication.source.site.clone()),
        "sourceOrg" => SortKey::Text(replication.source.org.clone()),
        "destinationOrg" => SortKey::Text(replication.destination.org.clone()),
        "lastUpdated" => SortKey::Number(replication.updated_ms),
        "overallHealth" => SortKey::Text(health(core, replication).to_owned()),
        _ => SortKey::Text(replication.id.clone()),
    }
}
