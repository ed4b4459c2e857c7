//! The queries of the storage manager. It answers from what vCenter knows, also while a provider cannot be reached.

use serde_json::{Value, json};

use super::body::{self, Named};
use super::group::fault_domain_id;
use super::provider::Provider;
use super::{Sms, array, query, view};
use crate::exchange::Request;
use crate::shape::{Shape, optional, required};
use crate::vi_json::fault::Fault;
use crate::vi_json::request::{self, NO_PARAMETERS, REFERENCE, ROOT_TYPE};
use crate::vi_json::value::reference;
use crate::world::World;

static PROVIDERS: Shape = Shape::Object(&[ROOT_TYPE, optional("providerId", Shape::List(&Shape::Text))]);
static ARRAY: Shape = Shape::Object(&[ROOT_TYPE, required("arrayId", Shape::Text)]);
static LUN: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("scsi3Id", Shape::Text),
    required("arrayId", Shape::Text),
]);
static PORT: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("portId", Shape::Text),
    required("arrayId", Shape::Text),
]);
static PROCESSOR: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("processorId", Shape::Text),
    required("arrayId", Shape::Text),
]);
static FILE_SYSTEM: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("fileSystemId", Shape::Text),
    required("arrayId", Shape::Text),
]);
static CANONICAL: Shape = Shape::Object(&[ROOT_TYPE, required("canonicalName", Shape::Text)]);
static ENTITY: Shape = Shape::Object(&[
    ROOT_TYPE,
    optional("entityId", Shape::Text),
    optional("entityType", Shape::Text),
]);
static REFERENCES: Shape = REFERENCE;
static DATASTORE: Shape = Shape::Object(&[ROOT_TYPE, required("datastore", REFERENCE)]);
static DATASTORES: Shape = Shape::Object(&[ROOT_TYPE, required("datastore", Shape::List(&REFERENCES))]);
static MOVE: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("srcDatastore", REFERENCE),
    required("dstDatastore", REFERENCE),
]);
static DOMAIN_FILTER: Shape = Shape::Object(&[
    ROOT_TYPE,
    optional(
        "filter",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["FaultDomainFilter"])),
            optional("providerId", Shape::Text),
        ]),
    ),
]);
static CONTAINERS: Shape = Shape::Object(&[
    ROOT_TYPE,
    optional(
        "containerSpec",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["StorageContainerSpec"])),
            optional("containerId", Shape::List(&Shape::Text)),
        ]),
    ),
]);

fn shape(member: &str) -> &'static Shape {
    match member {
        "QueryArray" => &PROVIDERS,
        "QueryProcessorAssociatedWithArray"
        | "QueryPortAssociatedWithArray"
        | "QueryLunAssociatedWithArray"
        | "QueryFileSystemAssociatedWithArray" => &ARRAY,
        "QueryPortAssociatedWithLun"
        | "QueryHostAssociatedWithLun"
        | "QueryVmfsDatastoreAssociatedWithLun" => &LUN,
        "QueryLunAssociatedWithPort" => &PORT,
        "QueryPortAssociatedWithProcessor" => &PROCESSOR,
        "QueryNfsDatastoreAssociatedWithFileSystem" => &FILE_SYSTEM,
        "QueryArrayAssociatedWithLun" => &CANONICAL,
        "QueryAssociatedBackingStoragePool" => &ENTITY,
        "QueryDatastoreCapability" => &DATASTORE,
        "QueryDatastoreBackingPoolMapping" | "QueryDrsMigrationCapabilityForPerformanceEx" => &DATASTORES,
        "QueryDrsMigrationCapabilityForPerformance" => &MOVE,
        "QueryFaultDomain" => &DOMAIN_FILTER,
        "QueryReplicationGroupInfo" => &body::GROUP_FILTER,
        "QueryStorageContainer" => &CONTAINERS,
        _ => &NO_PARAMETERS,
    }
}

/// Answers a query.
pub(super) fn answer(world: &World, vcenter: &str, member: &str, request: &Request) -> Result<Value, Fault> {
    let body = request::body(request, shape(member))?;
    let asked = Asked {
        world,
        vcenter,
        body: &body,
    };
    match member {
        "QueryProvider" => Ok(list(
            asked
                .providers()
                .map(|provider| reference("VasaProvider", &provider.id)),
        )),
        "QueryFaultDomain" => asked.fault_domains(),
        "QueryReplicationGroupInfo" => Ok(asked.groups()),
        "QueryArray" => asked.arrays(),
        "QueryStorageContainer" => asked.containers(),
        "QueryAssociatedBackingStoragePool" => asked.pools(),
        "QueryArrayAssociatedWithLun" => asked.array_of_lun(),
        "QueryDatastoreCapability" => asked.of_datastore("datastore").map(array::capability),
        "QueryDatastoreBackingPoolMapping" => asked.pool_mapping(),
        "QueryDrsMigrationCapabilityForPerformance" => asked.may_move(),
        "QueryDrsMigrationCapabilityForPerformanceEx" => asked.moves(),
        _ => asked.of_array(member),
    }
}

/// An array of results; null where there are none.
fn list(items: impl Iterator<Item = Value>) -> Value {
    let items: Vec<Value> = items.collect();
    if items.is_empty() {
        Value::Null
    } else {
        json!(items)
    }
}

fn not_found(what: &str) -> Fault {
    Fault::new("NotFound", format!("There is no such {what}."))
}

struct Asked<'a> {
    world: &'a World,
    vcenter: &'a str,
    body: &'a Value,
}

impl<'a> Asked<'a> {
    fn sms(&self) -> &'a Sms {
        &self.world.sms
    }

    fn text(&self, name: &str) -> &'a str {
        self.body.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// The providers that are registered here.
    fn providers(&self) -> impl Iterator<Item = &'a Provider> + use<'a> {
        let vcenter = self.vcenter;
        let providers = self.sms().providers.iter();
        providers.filter(move |provider| provider.vcenter == vcenter && provider.registered)
    }

    fn of_uid(&self, uid: &str) -> Result<&'a Provider, Fault> {
        let mut providers = self.providers();
        providers
            .find(|provider| provider.uid() == uid)
            .ok_or_else(|| not_found("provider"))
    }

    fn fault_domains(&self) -> Result<Value, Fault> {
        let filter = self
            .body
            .get("filter")
            .and_then(|filter| filter.get("providerId"));
        let mut own: Vec<&Provider> = self.providers().collect();
        if let Some(uid) = filter.and_then(Value::as_str) {
            own = vec![self.of_uid(uid)?];
        }
        let active = |provider: &Provider| self.sms().active(&provider.fault_domain).to_owned();
        let known = own
            .iter()
            .map(|provider| array::fault_domain(provider, &active(provider)));
        let peers = own.iter().filter_map(|provider| self.sms().peer(provider));
        let peers = peers.map(|peer| fault_domain_id(&peer.fault_domain));
        Ok(list(known.chain(peers)))
    }

    fn groups(&self) -> Value {
        let named = body::groups(self.body);
        let core = &self.world.core;
        let sms = self.sms();
        if named.is_empty() {
            let all = self.providers().flat_map(|provider| sms.own(provider));
            return list(all.map(|(pair, side)| view::group(sms, core, pair, side)));
        }
        let entry = |group: &Named| {
            let found = sms.find(self.vcenter, &group.fault_domain, &group.id);
            match found {
                Some((pair, side)) => view::group(sms, core, pair, side),
                None => query::error_entry(group, &not_found("group")),
            }
        };
        list(named.iter().map(entry))
    }

    fn arrays(&self) -> Result<Value, Fault> {
        let named = self.body.get("providerId").and_then(Value::as_array);
        let named: Vec<&str> = named.into_iter().flatten().filter_map(Value::as_str).collect();
        if named.is_empty() {
            return Ok(list(self.providers().map(array::array)));
        }
        let found: Result<Vec<&Provider>, Fault> = named.iter().map(|uid| self.of_uid(uid)).collect();
        Ok(list(found?.into_iter().map(array::array)))
    }

    fn containers(&self) -> Result<Value, Fault> {
        let named = self
            .body
            .get("containerSpec")
            .and_then(|spec| spec.get("containerId"));
        let named = named.and_then(Value::as_array);
        let named: Vec<&str> = named.into_iter().flatten().filter_map(Value::as_str).collect();
        let of = |provider: &Provider| array::container_id(provider);
        if let Some(unknown) = named
            .iter()
            .find(|id| self.providers().all(|provider| of(provider) != **id))
        {
            return Err(not_found(&format!("container as {unknown}")));
        }
        let fitting = |provider: &&Provider| named.is_empty() || named.contains(&of(provider).as_str());
        let found: Vec<&Provider> = self.providers().filter(fitting).collect();
        if found.is_empty() {
            return Ok(Value::Null);
        }
        let core = &self.world.core;
        Ok(json!({
            "_typeName": "StorageContainerResult",
            "storageContainer": found.iter().map(|provider| array::container(provider)).collect::<Vec<_>>(),
            "providerInfo": found.iter().map(|provider| view::provider(self.sms(), core, provider)).collect::<Vec<_>>(),
        }))
    }

    fn pools(&self) -> Result<Value, Fault> {
        let Some(id) = self.body.get("entityId").and_then(Value::as_str) else {
            return Ok(list(self.providers().flat_map(array::pools)));
        };
        let found = self
            .providers()
            .find_map(|provider| array::pools_of(provider, id));
        found
            .map(|pools| list(pools.into_iter()))
            .ok_or_else(|| not_found("LUN or file system"))
    }

    fn array_of_lun(&self) -> Result<Value, Fault> {
        let name = self.text("canonicalName");
        let holds = |provider: &&Provider| (1..=2).any(|lun| array::canonical_name(provider, lun) == name);
        let found = self.providers().find(holds);
        found.map(array::array).ok_or_else(|| not_found("LUN"))
    }

    /// The provider of a datastore that is named by a member of the body, or by the body itself.
    fn of_datastore(&self, member: &str) -> Result<&'a Provider, Fault> {
        self.serving(&self.body[member])
    }

    fn serving(&self, datastore: &Value) -> Result<&'a Provider, Fault> {
        let id = datastore["value"].as_str().unwrap_or_default();
        let mut providers = self.providers();
        providers
            .find(|provider| array::pool_of(provider, id).is_some())
            .ok_or_else(|| not_found("datastore"))
    }

    /// The datastores named, each with its provider and the number of its pool.
    fn named_datastores(&self) -> Result<Vec<(&'a Value, &'a Provider, usize)>, Fault> {
        let named = self.body["datastore"].as_array().into_iter().flatten();
        let found = named.map(|datastore| {
            let provider = self.serving(datastore)?;
            let pool = array::pool_of(provider, datastore["value"].as_str().unwrap_or_default());
            Ok((datastore, provider, pool.unwrap_or(0)))
        });
        found.collect()
    }

    fn pool_mapping(&self) -> Result<Value, Fault> {
        let mut entries: Vec<(&Provider, usize, Vec<&Value>)> = Vec::new();
        for (datastore, provider, pool) in self.named_datastores()? {
            let same = entries
                .iter_mut()
                .find(|(other, at, _)| other.id == provider.id && *at == pool);
            match same {
                Some((.., datastores)) => datastores.push(datastore),
                None => entries.push((provider, pool, vec![datastore])),
            }
        }
        let entries = entries.iter().map(|(provider, pool, datastores)| {
            json!({
                "_typeName": "DatastoreBackingPoolMapping",
                "datastore": datastores,
                "backingStoragePool": [array::pools(provider)[*pool]],
            })
        });
        Ok(entries.collect())
    }

    fn may_move(&self) -> Result<Value, Fault> {
        let (from, to) = (
            self.of_datastore("srcDatastore")?,
            self.of_datastore("dstDatastore")?,
        );
        if from.id != to.id {
            return Err(no_common_provider());
        }
        let pool = |member: &str| {
            let id = self.body[member]["value"].as_str().unwrap_or_default();
            array::pool_of(from, id)
        };
        Ok(json!(pool("srcDatastore") != pool("dstDatastore")))
    }

    fn moves(&self) -> Result<Value, Fault> {
        let datastores = self.named_datastores()?;
        if datastores
            .iter()
            .any(|(_, provider, _)| provider.id != datastores[0].1.id)
        {
            return Err(no_common_provider());
        }
        let mut result = json!({"_typeName": "DrsMigrationCapabilityResult"});
        for (index, (first, _, one)) in datastores.iter().enumerate() {
            for (second, _, other) in &datastores[index + 1..] {
                let member = if one == other {
                    "nonRecommendedDatastorePair"
                } else {
                    "recommendedDatastorePair"
                };
                let pair = json!({"_typeName": "DatastorePair", "datastore1": first, "datastore2": second});
                match result[member].as_array_mut() {
                    Some(pairs) => pairs.push(pair),
                    None => result[member] = json!([pair]),
                }
            }
        }
        Ok(result)
    }

    /// The queries about one array and what is on it.
    fn of_array(&self, member: &str) -> Result<Value, Fault> {
        let id = self.text("arrayId");
        let provider = self.providers().find(|provider| provider.array() == id);
        let provider = provider.ok_or_else(|| not_found("array"))?;
        let lun = || array::lun(provider, self.text("scsi3Id")).ok_or_else(|| not_found("LUN"));
        let [_, vmfs, nfs] = array::datastores(provider);
        Ok(match member {
            "QueryProcessorAssociatedWithArray" => list(array::processors(provider).into_iter()),
            "QueryPortAssociatedWithArray" => list(array::ports(provider).into_iter()),
            "QueryLunAssociatedWithArray" => list(array::luns(provider).into_iter()),
            "QueryFileSystemAssociatedWithArray" => list(array::file_systems(provider).into_iter()),
            "QueryPortAssociatedWithLun" => array::ports(provider).swap_remove(lun()?),
            "QueryHostAssociatedWithLun" => {
                lun()?;
                let hosts = self.world.hosts.hosts();
                let own = hosts.filter(|host| host.vcenter == self.vcenter);
                list(own.map(|host| reference("HostSystem", &host.id)))
            }
            "QueryVmfsDatastoreAssociatedWithLun" => match lun()? {
                0 => reference("Datastore", &vmfs),
                _ => Value::Null,
            },
            "QueryLunAssociatedWithPort" => {
                let ports = array::ports(provider);
                let port = ports.iter().position(|port| port["uuid"] == self.text("portId"));
                let port = port.ok_or_else(|| not_found("port"))?;
                list(array::luns(provider).into_iter().skip(port).take(1))
            }
            "QueryPortAssociatedWithProcessor" => {
                let found = array::ports_of(provider, self.text("processorId"));
                list(found.ok_or_else(|| not_found("processor"))?.into_iter())
            }
            "QueryNfsDatastoreAssociatedWithFileSystem" => {
                if !array::holds(provider, "StorageFileSystemEntity", self.text("fileSystemId")) {
                    return Err(not_found("file system"));
                }
                reference("Datastore", &nfs)
            }
            other => return Err(Fault::not_simulated(other)),
        })
    }
}

fn no_common_provider() -> Fault {
    Fault::new(
        "NoCommonProviderForAllBackings",
        "No provider knows the storage of all of them.",
    )
}
