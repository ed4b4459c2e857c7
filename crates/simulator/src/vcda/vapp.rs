//! vApp replications: the replications of VMs that are recovered together.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::Refusal;
use super::query::{self, Query, SortKey};
use super::replication::Replication;
use super::task::{Outcome, Resource, Task};
use super::{MEDIA_TYPE, Vcda, VcdaEvent, body, view, work};
use crate::core::Core;
use crate::endpoint::Session;
use crate::event::Event;
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::world::World;

/// A vApp replication. What it does is done by those of its VMs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VappReplication {
    /// `C4VAPP-<uuid>`; stays the same when the direction changes.
    pub id: String,
    /// Name of the vApp.
    pub name: String,
    /// The replications of its VMs, by id.
    pub members: Vec<String>,
    /// The last choice of disks, as the caller gave it; it is kept and not played.
    pub disks: Option<Value>,
}

impl Vcda {
    /// The replications of a vApp, by id.
    pub fn members<'a>(&'a self, vapp: &'a str) -> impl Iterator<Item = &'a Replication> {
        let ids = self.vapps.get(vapp).into_iter().flat_map(|vapp| &vapp.members);
        ids.filter_map(|id| self.replications.get(id))
    }

    fn is_at(&self, vapp: &VappReplication, site: &str) -> bool {
        self.members(&vapp.id).any(|member| member.is_at(site))
    }
}

/// The vApp replication of a request, if one of its ends is at the endpoint.
pub(super) fn find<'a>(world: &'a World, incoming: &Incoming<'_>) -> Result<&'a VappReplication, Refusal> {
    let id = incoming.param(0);
    let found = world.vcda.vapps.get(id);
    found
        .filter(|found| world.vcda.is_at(found, incoming.endpoint))
        .ok_or_else(|| Refusal::new(404, "VappReplicationNotFound", "No such replication.", &[id]))
}

/// The wire form of a vApp replication, as one of its sites shows it.
pub(super) fn shown(core: &Core, vcda: &Vcda, site: &str, vapp: &VappReplication) -> Value {
    let members: Vec<&Replication> = vcda.members(&vapp.id).collect();
    let Some(first) = members.first() else {
        return Value::Null;
    };
    let source_vapp = first.source_vm.as_ref().map(|vm| vm.vapp_id.as_str());
    let updated_ms = members.iter().map(|member| member.updated_ms).max();
    let (source, destination) = (&first.source, &first.destination);
    let vms = members
        .iter()
        .map(|member| view::of_vapp(core, &vcda.spec, site, member));
    json!({
        "id": vapp.id,
        "owner": first.owner,
        "isMigration": first.is_migration,
        "lastUpdated": core.server_ms(site, updated_ms.unwrap_or_default()),
        "overallHealth": worst_health(core, &members),
        "descriptor": {
            "name": vapp.name,
            "description": "",
            "metadata": {},
            "isGolden": false,
            "enabledTemplateCustomization": false,
            "networks": [{"name": "net-a", "fenceMode": "bridged", "firewallService": {"isEnabled": false}}],
        },
        "source": {
            "site": source.site,
            "org": source.org,
            "vappId": source_vapp,
            "vdcId": source.vdc_id,
            "vdcName": source.vdc_name,
        },
        "destination": {
            "site": destination.site,
            "org": destination.org,
            "vdcId": destination.vdc_id,
            "vdcName": destination.vdc_name,
            "recoveredVappId": view::recovered_vapp(&vcda.spec, first),
        },
        "vmReplications": vms.collect::<Vec<_>>(),
    })
}

fn worst_health(core: &Core, members: &[&Replication]) -> &'static str {
    let all: Vec<&str> = members.iter().map(|member| view::health(core, member)).collect();
    ["RED", "YELLOW"]
        .into_iter()
        .find(|health| all.contains(health))
        .unwrap_or("GREEN")
}

/// `GET /vapp-replications/{replicationId}`.
pub(super) fn get(world: &World, incoming: &Incoming<'_>) -> Result<Answer, Refusal> {
    let found = find(world, incoming)?;
    let body = shown(&world.core, &world.vcda, incoming.endpoint, found);
    Ok(Answer::json(200, MEDIA_TYPE, &body))
}

/// `GET /vapp-replications/summary`. Its members are our assumption.
pub(super) fn summary(world: &World, incoming: &Incoming<'_>) -> Answer {
    let here = world.vcda.vapps.values();
    let here = here.filter(|vapp| world.vcda.is_at(vapp, incoming.endpoint));
    Answer::json(200, MEDIA_TYPE, &json!({"total": here.count()}))
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
    "vappId",
    "vappName",
    "offset",
    "limit",
    "sort",
];
const SORT_FIELDS: &[&str] = &["id", "name", "owner", "lastUpdated", "overallHealth"];

/// `GET /vapp-replications`.
pub(super) fn list(world: &World, incoming: &Incoming<'_>) -> Result<Answer, Refusal> {
    let (core, vcda) = (&world.core, &world.vcda);
    let query = Query::read(incoming.request, FILTERS)?;
    let page = query.page()?;
    let fields = query.sort(SORT_FIELDS)?;
    query.one_of("sourceSiteType", &["vcenter", "vcloud"])?;
    query.one_of("destinationSiteType", &["vcenter", "vcloud"])?;
    let here = vcda.vapps.values();
    let here = here.filter(|vapp| vcda.is_at(vapp, incoming.endpoint));
    let mut found: Vec<&VappReplication> = here.filter(|vapp| passes(vcda, &query, vapp)).collect();
    query::sort(&mut found, &fields, |vapp, field| {
        sort_key(core, vcda, vapp, field)
    });
    let items = found.iter().skip(page.offset).take(page.limit);
    let items = items.map(|vapp| shown(core, vcda, incoming.endpoint, vapp));
    Ok(page.answer(&vcda.spec, items.collect(), found.len()))
}

fn passes(vcda: &Vcda, query: &Query, vapp: &VappReplication) -> bool {
    let Some(first) = vcda.members(&vapp.id).next() else {
        return false;
    };
    let is = |name: &str, value: &str| query.text(name).is_none_or(|wanted| wanted == value);
    let source_vapp = first.source_vm.as_ref().map_or("", |vm| vm.vapp_id.as_str());
    is("owner", &first.owner)
        && is("sourceVdcId", &first.source.vdc_id)
        && is("sourceVdcName", &first.source.vdc_name)
        && is("sourceSite", &first.source.site)
        && is("sourceSiteType", "vcloud")
        && is("sourceOrg", &first.source.org)
        && is("destinationOrg", &first.destination.org)
        && is("destinationVdcId", &first.destination.vdc_id)
        && is("destinationVdcName", &first.destination.vdc_name)
        && is("destinationSiteType", first.target.as_str())
        && is("vappId", source_vapp)
        && query
            .list("ids")
            .is_none_or(|wanted| wanted.contains(&vapp.id.as_str()))
        && query
            .text("vappName")
            .is_none_or(|wanted| vapp.name.contains(wanted))
}

fn sort_key(core: &Core, vcda: &Vcda, vapp: &VappReplication, field: &str) -> SortKey {
    let members: Vec<&Replication> = vcda.members(&vapp.id).collect();
    let owner = members.first().map_or("", |first| first.owner.as_str());
    match field {
        "name" => SortKey::Text(vapp.name.clone()),
        "owner" => SortKey::Text(owner.to_owned()),
        "lastUpdated" => {
            let last = members.iter().map(|member| member.updated_ms).max();
            SortKey::Number(last.unwrap_or_default())
        }
        "overallHealth" => SortKey::Text(worst_health(core, &members).to_owned()),
        _ => SortKey::Text(vapp.id.clone()),
    }
}

/// `PATCH /vapp-replications/{replicationId}/disks`: what the body holds is not documented, so it is kept as it is.
pub(super) fn disks(
    world: &mut World,
    incoming: &Incoming<'_>,
    session: &Session,
) -> Result<Answer, Refusal> {
    let found = find(world, incoming)?;
    let resource = Resource {
        kind: "vappReplication",
        id: Some(found.id.clone()),
        name: Some(found.name.clone()),
    };
    let body = body::read(incoming.request)?;
    if !body.is_object() {
        return Err(Refusal::bad_input("The body has to be an object.", &[]));
    }
    let World { core, vcda, .. } = world;
    let mut task = Task::begin(core, incoming, session, "reconfigureDisks", resource);
    task.ends_in(core.work_ms("reconfigureDisks", incoming.param(0), 100..600));
    core.schedule_in(
        task.ends_ms - core.now_ms(),
        Event::Vcda(VcdaEvent::ChoosesDisks(task.id.clone(), body)),
    );
    Ok(task.accepted(core, vcda, incoming))
}

/// The choice of disks is made.
pub(super) fn disks_chosen(world: &mut World, id: &str, disks: Value) {
    let World { core, vcda, .. } = world;
    let Some((vapp, site)) = vcda
        .tasks
        .get(id)
        .map(|task| (task.resource.id.clone().unwrap_or_default(), task.site.clone()))
    else {
        return;
    };
    let Some(found) = vcda.vapps.get_mut(&vapp) else {
        let gone = super::ApiError::new("VappReplicationNotFound", "No such replication.", &[&vapp]);
        return work::conclude(core, vcda, id, Outcome::Failed(gone));
    };
    found.disks = Some(disks);
    let result = vcda
        .vapps
        .get(&vapp)
        .map_or(Value::Null, |found| shown(core, vcda, &site, found));
    work::conclude(core, vcda, id, Outcome::Succeeded(result));
}

/// `GET /vm-replications/{replicationId}/network-settings` and its counterpart for vApps: the same for every replication,
/// our assumption but for the members.
pub(super) fn network_settings(
    world: &World,
    incoming: &Incoming<'_>,
    level: work::Level,
) -> Result<Answer, Refusal> {
    let (failover, test, vapp) = match level {
        work::Level::Vm => {
            let found = view::find(world, incoming)?;
            (cards(found), test_cards(), json!({"vAppNetworkSettings": null}))
        }
        work::Level::Vapp => {
            let found = find(world, incoming)?;
            let members = world.vcda.members(&found.id);
            let vms = members.filter_map(|member| Some((member.source_vm.as_ref()?.id.clone(), member)));
            let vms: Vec<(String, &Replication)> = vms.collect();
            let failover = vms.iter().map(|(vm, member)| (vm.clone(), cards(member)));
            let failover = Value::Object(failover.collect());
            (failover, json!({}), json!({}))
        }
    };
    let mut test_half = vapp;
    test_half["vmNetworkSettings"] = test;
    let failover_half = json!({
        "vAppNetworkSettings": {
            "networkMappings": [{
                "sourceNetworkName": "net-a",
                "sourceOrgVdcNetwork": {"id": "net-source-1", "name": "org-net-source"},
                "destinationOrgVdcNetwork": {"id": "net-destination-1", "name": "org-net-destination"},
            }],
            "copySourceNetworks": false,
            "bridgeOrgVdcNetworks": [{"id": "net-destination-1", "name": "org-net-destination"}],
            "bulkConnectVmNics": true,
            "resolutionType": "EXPLICIT",
        },
        "vmNetworkSettings": failover,
    });
    let body = json!({"failoverSettings": failover_half, "failoverTestSettings": test_half});
    Ok(Answer::json(200, MEDIA_TYPE, &body))
}

/// The network settings that are set up for tests of a VM.
pub(super) fn test_cards() -> Value {
    json!({
        "copySourceNicSettings": false,
        "nics": [{
            "nicIndex": 0,
            "network": "org-net-test",
            "isConnected": false,
            "ipAddressAllocationMode": "NONE",
            "networkAdapterType": null,
            "needsCustomization": null,
        }],
    })
}

/// The network settings that are set up for recoveries of a VM.
pub(super) fn cards(replication: &Replication) -> Value {
    json!({
        "primaryNicIndex": 0,
        "nics": [{
            "nicIndex": 0,
            "network": "org-net-destination",
            "isConnected": true,
            "ipAddressAllocationMode": "DHCP",
            "ipAddress": null,
            "externalIpAddress": null,
            "macAddress": null,
            "resetMacAddress": true,
            "networkAdapterType": "VMXNET3",
            "needsCustomization": true,
            "resolutionType": "EXPLICIT",
        }],
        "copySourceNicSettings": false,
        "computerName": replication.vm_name,
        "enableGuestCustomization": true,
        "resolutionType": "EXPLICIT",
    })
}
