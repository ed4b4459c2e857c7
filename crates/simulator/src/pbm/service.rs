//! The requests of PBM: routing, the session, and what is answered.

use serde_json::{Value, json};

use super::body;
use super::entity::{self, Part};
use super::profile::{self, KINDS, Kind};
use crate::call_log::Purpose;
use crate::exchange::{Answer, Request};
use crate::service::{Incoming, Route, Service, ServiceName};
use crate::vi_json::fault::Fault;
use crate::vi_json::request::{self, Path};
use crate::vi_json::value::{answer, reference};
use crate::vi_json::{self, UNKNOWN};
use crate::world::World;

const ROOT: &str = "ServiceInstance";
const PROFILE_MANAGER: &str = "ProfileManager";
const REPLICATION_MANAGER: &str = "ReplicationManager";

/// The operations that need no session.
static OPEN: &[&str] = &[
    "PbmServiceInstance_PbmRetrieveServiceContent",
    "PbmServiceInstance_getContent",
];

/// The operations that need one.
static GUARDED: &[&str] = &[
    "PbmReplicationManager_PbmQueryReplicationGroups",
    "PbmProfileProfileManager_PbmQueryAssociatedProfile",
    "PbmProfileProfileManager_PbmQueryAssociatedProfiles",
    "PbmProfileProfileManager_PbmQueryAssociatedEntity",
    "PbmProfileProfileManager_PbmQueryAssociatedEntities",
    "PbmProfileProfileManager_PbmQueryProfile",
    "PbmProfileProfileManager_PbmRetrieveContent",
];

/// The operations that are routed.
pub(crate) fn routed() -> impl Iterator<Item = &'static str> {
    OPEN.iter().chain(GUARDED).copied()
}

/// The service.
#[derive(Debug)]
pub(crate) struct PbmService;

impl Service for PbmService {
    fn name(&self) -> ServiceName {
        ServiceName::Pbm
    }

    fn route(&self, _world: &World, _endpoint: &str, request: &Request) -> Option<Route> {
        let path = Path::pbm(request)?;
        let found = path.named(request, OPEN).or_else(|| path.named(request, GUARDED));
        Some(Route {
            operation: found.unwrap_or(UNKNOWN),
            purpose: Purpose::Read,
            objects: vec![format!("{}/{}", path.type_name, path.mo_id)],
            params: vec![path.mo_id],
        })
    }

    fn handle(&self, world: &mut World, incoming: &Incoming<'_>) -> Answer {
        vi_json::service::answered(world, incoming, Path::pbm(incoming.request), handle)
    }

    fn formed(&self, world: &World, answer: Answer) -> Answer {
        world.vi_json.formed(answer)
    }

    fn refusal(&self, status: u16) -> Answer {
        vi_json::refused_by_rule(status)
    }

    fn state(&self, world: &World) -> (&'static str, Value) {
        ("pbm", world.pbm.state())
    }
}

fn handle(world: &mut World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    if !OPEN.contains(&incoming.operation) {
        let privilege = "StorageProfile.View";
        vi_json::session::require(world, incoming, &path.type_name, &path.mo_id, privilege)?;
    }
    if incoming.operation == UNKNOWN {
        return Err(Fault::not_simulated(&format!(
            "/pbm/{}/{}",
            path.type_name, path.member
        )));
    }
    let own = match path.type_name.as_str() {
        "PbmServiceInstance" => ROOT,
        "PbmReplicationManager" => REPLICATION_MANAGER,
        _ => PROFILE_MANAGER,
    };
    let absent = own == REPLICATION_MANAGER && world.pbm.spec.no_replication_manager;
    if path.mo_id != own || absent {
        return Err(Fault::no_such_object(&path.type_name, &path.mo_id));
    }
    let body = request::body(incoming.request, body::shape(&path.member))?;
    let asked = Asked {
        world,
        vcenter: incoming.endpoint,
        body: &body,
        parts: entity::all(world, incoming.endpoint),
    };
    let found = match path.member.as_str() {
        "content" | "PbmRetrieveServiceContent" => Ok(asked.service_content()),
        "PbmQueryReplicationGroups" => asked.groups(),
        "PbmQueryAssociatedProfile" => asked.profiles_of(&body["entity"]).map(list),
        "PbmQueryAssociatedProfiles" => Ok(asked.profiles_of_each()),
        "PbmQueryAssociatedEntity" => asked.entities_of(&body["profile"], &body["entityType"]),
        "PbmQueryAssociatedEntities" => Ok(asked.entities_of_all()),
        "PbmQueryProfile" => asked.query(),
        _ => asked.contents(),
    };
    Ok(answer(&found?))
}

/// An array of results; null where there are none.
fn list(items: Vec<Value>) -> Value {
    if items.is_empty() {
        Value::Null
    } else {
        json!(items)
    }
}

struct Asked<'a> {
    world: &'a World,
    vcenter: &'a str,
    body: &'a Value,
    parts: Vec<Part>,
}

impl Asked<'_> {
    fn service_content(&self) -> Value {
        let mut content = json!({
            "_typeName": "PbmServiceInstanceContent",
            "aboutInfo": {
                "_typeName": "PbmAboutInfo",
                "name": "Simulated policy service",
                "version": "2.0",
                "instanceUuid": self.world.vi_json.instance_uuid(self.vcenter),
            },
            "sessionManager": reference("PbmSessionManager", "SessionManager"),
            "capabilityMetadataManager": reference("PbmCapabilityMetadataManager", "CapabilityMetadataManager"),
            "profileManager": reference("PbmProfileProfileManager", PROFILE_MANAGER),
            "complianceManager": reference("PbmComplianceManager", "ComplianceManager"),
            "placementSolver": reference("PbmPlacementSolver", "PlacementSolver"),
        });
        if !self.world.pbm.spec.no_replication_manager {
            content["replicationManager"] = reference("PbmReplicationManager", REPLICATION_MANAGER);
        }
        content
    }

    fn id_of(&self, kind: Kind) -> Value {
        let index = KINDS.iter().position(|known| *known == kind).unwrap_or(0);
        let ids = self.world.pbm.profiles(self.vcenter);
        profile::id(ids.get(index).map_or("", String::as_str))
    }

    /// The profile of a `PbmProfileId`.
    fn kind_of(&self, id: &Value) -> Option<(Kind, String)> {
        let wanted = id["uniqueId"].as_str()?;
        let ids = self.world.pbm.profiles(self.vcenter);
        let index = ids.iter().position(|known| known == wanted)?;
        Some((KINDS[index], wanted.to_owned()))
    }

    fn groups(&self) -> Result<Value, Fault> {
        let entities = self.body.get("entities").and_then(Value::as_array);
        let entities = entities.filter(|entities| !entities.is_empty());
        let Some(entities) = entities else {
            return Err(Fault::invalid_argument(
                Some("entities"),
                "No entities were named.",
            ));
        };
        let result = |object: Value| json!({"_typeName": "PbmQueryReplicationGroupResult", "object": object});
        let mut entries = Vec::new();
        for entity in entities {
            match entity::named(&self.parts, entity) {
                Ok(parts) => entries.extend(parts.iter().map(|part| {
                    let mut entry = result(part.to_json(entity.get("serverUuid")));
                    if let Some(group) = &part.group {
                        entry["replicationGroupId"] = group.clone();
                    }
                    entry
                })),
                Err(fault) => {
                    let mut entry = result(entity.clone());
                    entry["fault"] = fault.to_json();
                    entries.push(entry);
                }
            }
        }
        let tells = |entry: &Value| entry.get("replicationGroupId").is_some() || entry.get("fault").is_some();
        if self.world.pbm.spec.omits_unreplicated {
            entries.retain(tells);
        }
        Ok(if entries.iter().any(tells) {
            json!(entries)
        } else {
            Value::Null
        })
    }

    fn profiles_of(&self, entity: &Value) -> Result<Vec<Value>, Fault> {
        let parts = entity::named(&self.parts, entity)?;
        let mut ids: Vec<Value> = Vec::new();
        for kind in parts.iter().filter_map(|part| part.profile) {
            let id = self.id_of(kind);
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    fn profiles_of_each(&self) -> Value {
        let entities = self.body["entities"].as_array().into_iter().flatten();
        let entries = entities.map(|entity| {
            let mut entry = json!({"_typeName": "PbmQueryProfileResult", "object": entity});
            match self.profiles_of(entity) {
                Ok(ids) if ids.is_empty() => {}
                Ok(ids) => entry["profileId"] = json!(ids),
                Err(fault) => entry["fault"] = fault.to_json(),
            }
            entry
        });
        list(entries.collect())
    }

    fn entities_of(&self, profile: &Value, entity_type: &Value) -> Result<Value, Fault> {
        let (kind, _) = self
            .kind_of(profile)
            .ok_or_else(|| Fault::new("PbmFaultNotFound", "There is no such profile."))?;
        let of_type = |part: &&Part| entity_type.as_str().is_none_or(|wanted| part.is_a(wanted));
        let parts = self.parts.iter().filter(|part| part.profile == Some(kind));
        let found = parts.filter(of_type).map(|part| part.to_json(None));
        Ok(list(found.collect()))
    }

    fn entities_of_all(&self) -> Value {
        let named = self.body.get("profiles").and_then(Value::as_array);
        let wanted: Vec<Kind> = match named {
            None => KINDS.to_vec(),
            Some(ids) => ids
                .iter()
                .filter_map(|id| self.kind_of(id))
                .map(|(kind, _)| kind)
                .collect(),
        };
        let parts = self
            .parts
            .iter()
            .filter_map(|part| Some((part, part.profile.filter(|kind| wanted.contains(kind))?)));
        let entries = parts.map(|(part, kind)| {
            json!({
                "_typeName": "PbmQueryProfileResult",
                "object": part.to_json(None),
                "profileId": [self.id_of(kind)],
            })
        });
        list(entries.collect())
    }

    fn query(&self) -> Result<Value, Fault> {
        if self.body["resourceType"]["resourceType"] != "STORAGE" {
            return Err(Fault::invalid_argument(
                Some("resourceType"),
                "There is no such type of resource.",
            ));
        }
        let category = self.body.get("profileCategory").and_then(Value::as_str);
        let fitting = KINDS
            .into_iter()
            .filter(|kind| category.is_none_or(|wanted| wanted == kind.category()));
        Ok(list(fitting.map(|kind| self.id_of(kind)).collect()))
    }

    fn contents(&self) -> Result<Value, Fault> {
        let ids = self.body["profileIds"].as_array().into_iter().flatten();
        let contents = ids.map(|id| {
            let (kind, unique_id) = self
                .kind_of(id)
                .ok_or_else(|| Fault::invalid_argument(Some("profileIds"), "There is no such profile."))?;
            Ok(profile::content(&self.world.core, self.vcenter, kind, &unique_id))
        });
        contents.collect::<Result<Vec<_>, Fault>>().map(list)
    }
}
