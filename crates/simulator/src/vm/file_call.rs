//! Calls about files: registering a machine, deleting it, and rewriting the files of recovered ones.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::file::{Place, plain};
use super::machine::{Guest, Machine};
use super::place::Datastore;
use super::spec::{MachineTrouble, WhileRewriting};
use super::task::{self, Taken};
use super::{Job, Vms, Work, call, power};
use crate::exchange::Answer;
use crate::inventory::Inventory;
use crate::service::Incoming;
use crate::sms::CorrectsFiles;
use crate::vi_json::fault::Fault;
use crate::vi_json::request::Path;
use crate::vi_json::value::reference;
use crate::world::World;

/// How long work on files takes, in milliseconds.
const REGISTER_MS: std::ops::Range<i64> = 400..2_000;
const DESTROY_MS: std::ops::Range<i64> = 400..2_000;
const REWRITE_MS: std::ops::Range<i64> = 800..4_000;

/// What a machine is registered as.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Registration {
    vcenter: String,
    place: Place,
    name: Option<String>,
    folder: String,
    pool: Option<String>,
    host: Option<String>,
    template: bool,
}

/// `RegisterVM_Task`.
pub(super) fn register(
    world: &mut World,
    incoming: &Incoming<'_>,
    path: &Path,
    body: &Value,
) -> Result<Answer, Fault> {
    let id = |name: &str| body[name]["value"].as_str().map(str::to_owned);
    let (pool, host) = (id("pool"), id("host"));
    let template = body["asTemplate"] == true;
    call::vm_folder(world, incoming.endpoint, &path.mo_id)?;
    call::known(world, incoming.endpoint, "ResourcePool", pool.as_deref())?;
    call::known(world, incoming.endpoint, "HostSystem", host.as_deref())?;
    match (template, &pool, &host) {
        (false, None, _) => return Err(Fault::invalid_argument(Some("pool"), "A machine needs a pool.")),
        (true, Some(_), _) => return Err(Fault::invalid_argument(Some("pool"), "A template has no pool.")),
        (true, None, None) => return Err(Fault::invalid_argument(Some("host"), "A template needs a host.")),
        (false, Some(_), _) | (true, None, Some(_)) => {}
    }
    let file = body["path"].as_str().unwrap_or_default();
    let place = find(&world.vms, incoming.endpoint, file)?;
    may_be_used(world, incoming.endpoint, &path.mo_id, &place.datastore)?;
    let name = body["name"].as_str().map(str::to_owned);
    let registration = Registration {
        vcenter: incoming.endpoint.to_owned(),
        place,
        name,
        folder: path.mo_id.clone(),
        pool,
        host,
        template,
    };
    may_register(world, &registration)?;
    let taken = Taken {
        method: "RegisterVM",
        type_name: "Folder",
        about: path.mo_id.clone(),
        alone: false,
        work: Work::Register(Box::new(registration)),
        range_ms: REGISTER_MS,
    };
    Ok(task::begin(world, incoming, taken))
}

/// Where the file of this path is, in datastore form: `[vvol-west-1] rfc4122.../app-001.vmx`.
fn find(vms: &Vms, vcenter: &str, path: &str) -> Result<Place, Fault> {
    let invalid =
        || Fault::new("InvalidDatastorePath", "The path is none in a datastore.").with("datastorePath", path);
    let (name, file) = Datastore::split(path).ok_or_else(invalid)?;
    let mut datastores = vms.datastores.values();
    let datastore = datastores.find(|datastore| datastore.vcenter == vcenter && datastore.name == name);
    let datastore = datastore.ok_or_else(invalid)?;
    if !datastore.accessible {
        return Err(inaccessible(datastore));
    }
    let (directory, file) = file.split_once('/').ok_or_else(invalid)?;
    let place = Place {
        datastore: datastore.id.clone(),
        directory: directory.to_owned(),
    };
    if vms.homes.get(&place).is_none_or(|home| home.file != file) {
        return Err(if vms.spec.missing_file_is_not_found {
            Fault::new("NotFound", "There is no such file.")
        } else {
            Fault::new("FileNotFound", "There is no such file.").with("file", path)
        });
    }
    Ok(place)
}

/// Refuses a folder of another datacenter than that of the datastore, and a datastore that is left alone.
fn may_be_used(world: &World, vcenter: &str, folder: &str, datastore: &str) -> Result<(), Fault> {
    let World { vms, inventory, .. } = world;
    let [here, there] = [folder, datastore].map(|id| inventory.datacenter_of(vcenter, id));
    if here != there && !vms.spec.registers_across_datacenters {
        return Err(Fault::new(
            "NotSupported",
            "The folder is not of the datacenter of the datastore.",
        ));
    }
    let datastore = vms.datastores.get(datastore);
    let busy = datastore.and_then(|datastore| datastore.busy.as_ref());
    match vms.spec.while_rewriting {
        WhileRewriting::RefusesRegistrations => power::idle(busy),
        WhileRewriting::RefusesUpdates | WhileRewriting::RefusesNothing => Ok(()),
    }
}

fn inaccessible(datastore: &Datastore) -> Fault {
    Fault::new("InaccessibleDatastore", "The datastore is not accessible.")
        .with("datastore", reference("Datastore", &datastore.id))
        .with("name", datastore.name.clone())
}

fn may_register(world: &World, registration: &Registration) -> Result<(), Fault> {
    let vms = &world.vms;
    let mut machines = vms.machines.values();
    if let Some(machine) = machines.find(|machine| machine.place == registration.place) {
        return Err(Fault::new("AlreadyExists", "It is registered already.").with("name", machine.id.clone()));
    }
    let home = vms.homes.get(&registration.place);
    let own = home.map_or("", |home| &home.config.name);
    let name = registration.name.as_deref().unwrap_or(own);
    call::check_new_name(
        &world.inventory,
        &registration.vcenter,
        &registration.folder,
        name,
    )
}

/// The machine is in the inventory.
pub(super) fn registered(world: &mut World, registration: &Registration) -> Result<Option<Value>, Fault> {
    may_register(world, registration)?;
    let pool = registration.pool.as_deref().unwrap_or_default();
    let World {
        core, vms, inventory, ..
    } = world;
    vms.has_room(core, &registration.place, ".vmx")?;
    let hosts = hosts_of(inventory, &registration.vcenter, pool);
    let known = |volume: &String| {
        let key = (registration.vcenter.clone(), volume.clone());
        vms.volumes.contains_key(&key)
    };
    let Some(home) = vms.homes.get(&registration.place) else {
        return Err(Fault::new("NotFound", "The file is gone."));
    };
    if !home.config.volume.as_ref().is_none_or(known) {
        return Err(Fault::new(
            "InvalidFormat",
            "The file names volumes that are not here.",
        ));
    }
    let file = home.file.clone();
    let name = registration
        .name
        .clone()
        .unwrap_or_else(|| home.config.name.clone());
    if let Some(home) = vms.homes.get_mut(&registration.place) {
        home.config.template = registration.template;
    }
    let id = vms.next_machine(&registration.vcenter);
    let machine = Machine {
        id: id.clone(),
        vcenter: registration.vcenter.clone(),
        name,
        folder: registration.folder.clone(),
        pool: registration.pool.clone(),
        host: registration
            .host
            .clone()
            .or_else(|| hosts.first().cloned())
            .unwrap_or_default(),
        place: registration.place.clone(),
        file,
        on: false,
        guest: Guest::NotRunning,
        clean_power_off: None,
        booted_ms: None,
        boots: 0,
        question: None,
        busy: None,
    };
    vms.enlist(inventory, machine);
    Ok(Some(reference("VirtualMachine", &id)))
}

/// The hosts of the cluster that a pool belongs to.
fn hosts_of(inventory: &Inventory, vcenter: &str, pool: &str) -> Vec<String> {
    let owner = inventory.entity(vcenter, pool).map(|pool| pool.ids("owner"));
    let owner = owner.and_then(|owner| owner.first().cloned()).unwrap_or_default();
    let owner = inventory.entity(vcenter, &owner);
    owner.map(|owner| owner.ids("host")).unwrap_or_default()
}

/// `UnregisterVM`: done when it is answered, files left.
pub(super) fn unregister(world: &mut World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    let machine = power::machine(world, incoming.endpoint, &path.mo_id)?;
    power::idle(machine.busy.as_ref())?;
    if machine.on {
        return Err(power::wrong_power(machine, Some("poweredOff")));
    }
    world.vms.machines.remove(&path.mo_id);
    world.inventory.remove(incoming.endpoint, &path.mo_id);
    world.core.calls.effect(incoming.ticket, world.core.now_ms);
    Ok(Answer::empty(204))
}

/// `Destroy_Task` of a machine.
pub(super) fn destroy(world: &mut World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    let machine = power::machine(world, incoming.endpoint, &path.mo_id)?;
    power::idle(machine.busy.as_ref())?;
    if machine.on {
        return Err(power::wrong_power(machine, Some("poweredOff")));
    }
    let taken = Taken {
        method: "Destroy",
        type_name: "VirtualMachine",
        about: path.mo_id.clone(),
        alone: true,
        work: Work::Destroy,
        range_ms: DESTROY_MS,
    };
    Ok(task::begin(world, incoming, taken))
}

/// The machine and its files are gone, its volumes too.
pub(super) fn destroyed(world: &mut World, job: &Job) -> Result<Option<Value>, Fault> {
    let World { vms, inventory, .. } = world;
    let Some(machine) = vms.machines.remove(&job.about) else {
        return Ok(None);
    };
    inventory.remove(&machine.vcenter, &machine.id);
    if let Some(home) = vms.homes.remove(&machine.place) {
        for volume in home.config.volumes() {
            vms.volumes.remove(&(machine.vcenter.clone(), volume.to_owned()));
        }
    }
    Ok(None)
}

/// Which volume stands for which, in one container: those of the source by their plain ids.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Pair {
    volumes: BTreeMap<String, String>,
}

/// `UpdateVVolVirtualMachineFiles_Task`.
pub(super) fn rewrite(
    world: &mut World,
    incoming: &Incoming<'_>,
    path: &Path,
    body: &Value,
) -> Result<Answer, Fault> {
    let vms = &world.vms;
    let datastore = vms.datastores.get(&path.mo_id);
    let datastore = datastore.filter(|datastore| datastore.vcenter == incoming.endpoint);
    let datastore = datastore.ok_or_else(|| Fault::no_such_object("Datastore", &path.mo_id))?;
    let Some(container) = &datastore.container else {
        return Err(Fault::new(
            "NotSupported",
            "The datastore has no virtual volumes.",
        ));
    };
    if !datastore.accessible {
        return Err(inaccessible(datastore));
    }
    if vms.spec.while_rewriting != WhileRewriting::RefusesNothing {
        power::idle(datastore.busy.as_ref())?;
    }
    let mut own_volumes = BTreeMap::new();
    for (vcenter, volume) in vms.volumes.keys() {
        if vcenter == incoming.endpoint {
            own_volumes.insert(plain(volume), volume);
        }
    }
    let mut pairs = Vec::new();
    for pair in body["failoverPair"].as_array().map_or(&[][..], Vec::as_slice) {
        if pair["tgtContainer"] != container.as_str() {
            return Err(Fault::invalid_argument(
                Some("failoverPair.tgtContainer"),
                "The container is not the one of this datastore.",
            ));
        }
        let mut volumes = BTreeMap::new();
        for entry in pair["vvolMapping"].as_array().map_or(&[][..], Vec::as_slice) {
            let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            let (theirs, own) = (text("key"), text("value"));
            let known = own_volumes.get(&plain(&own)).copied();
            let key = known.map(|known| (incoming.endpoint.to_owned(), known.clone()));
            match (known, key.and_then(|key| vms.volumes.get(&key))) {
                (Some(known), Some(found)) if *found == datastore.id => {
                    volumes.insert(plain(&theirs), known.clone());
                }
                _ => {
                    return Err(Fault::new("PlatformConfigFault", "A volume could not be mapped.")
                        .with("text", format!("No volume {own}.")));
                }
            }
        }
        pairs.push(Pair { volumes });
    }
    let taken = Taken {
        method: "UpdateVVolVirtualMachineFiles",
        type_name: "Datastore",
        about: path.mo_id.clone(),
        alone: true,
        work: Work::Rewrite(pairs),
        range_ms: REWRITE_MS,
    };
    Ok(task::begin(world, incoming, taken))
}

/// Files name this side's volumes, each one or not.
pub(super) fn rewritten(world: &mut World, job: &Job, pairs: &[Pair]) -> Result<Option<Value>, Fault> {
    let World { core, vms, .. } = world;
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    let name = vms
        .datastores
        .get(&job.about)
        .map_or_else(String::new, |datastore| datastore.name.clone());
    for Pair { volumes } in pairs {
        let named = |directory: &String| volumes.values().any(|own| own == directory);
        let here = vms.homes.iter().filter(|(place, _)| place.datastore == job.about);
        let places: Vec<Place> = here
            .filter(|(place, home)| {
                let volume = home.config.volume.as_ref();
                let foreign = volume.is_some_and(|volume| !vms.reaches(home, volume));
                if volumes.is_empty() {
                    foreign
                } else {
                    named(&place.directory)
                }
            })
            .map(|(place, _)| place.clone())
            .collect();
        for place in places {
            let path = vms.path(&place);
            let room = vms.has_room(core, &place, ".vmx");
            let Some(home) = vms.homes.get_mut(&place) else {
                continue;
            };
            let bad = home.troubles.contains(&MachineTrouble::BadFiles);
            let corrected = if bad { CorrectsFiles::No } else { home.corrected };
            if corrected == CorrectsFiles::Unlisted {
                continue;
            }
            let nothing = (corrected == CorrectsFiles::Failed)
                .then(|| Fault::new("NotFound", "The file names none of the volumes."));
            if !bad && room.is_ok() && nothing.is_none() {
                home.config.rewrite(volumes, &place, &name);
            }
            let invalid = || Fault::new("InvalidFormat", "The file could not be rewritten.");
            let whole = !bad && home.config.volume.as_ref() == Some(&place.directory);
            let fault = nothing.or(room.err()).or_else(|| (!whole).then(invalid));
            if let Some(fault) = fault {
                failed.push(json!({
                    "_typeName": "VVolVmConfigFileUpdateResultFailedVmConfigFileInfo",
                    "targetConfigVVolId": place.directory,
                    "dsPath": path,
                    "fault": fault.to_json(),
                }));
            } else {
                done.push(json!({"_typeName": "KeyValue", "key": place.directory, "value": path}));
            }
        }
    }
    let mut result = json!({"_typeName": "VVolVmConfigFileUpdateResult"});
    if !done.is_empty() {
        result["succeededVmConfigFile"] = json!(done);
    }
    if !failed.is_empty() {
        result["failedVmConfigFile"] = json!(failed);
    }
    Ok(Some(result))
}
