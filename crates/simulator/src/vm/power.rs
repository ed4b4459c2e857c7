//! Power of machines, and what their guests do.

use std::ops::Range;

use serde_json::{Value, json};

use super::machine::{CANCEL, COPIED, Guest, Machine};
use super::spec::MachineTrouble;
use super::task::{self, Taken};
use super::{Job, VmEvent, Vms, Work, call, question, view};
use crate::core::Core;
use crate::event::Event;
use crate::exchange::Answer;
use crate::service::Incoming;
use crate::vi_json::fault::Fault;
use crate::vi_json::request::Path;
use crate::vi_json::value::reference;
use crate::world::World;

/// How long switching takes, in milliseconds.
const POWER_ON_MS: Range<i64> = 500..2_500;
const POWER_OFF_MS: Range<i64> = 200..1_200;

/// How long a guest takes until its Tools run, until it has an address after that, and to shut itself down.
const BOOT_MS: Range<i64> = 8_000..40_000;
const ADDRESS_MS: Range<i64> = 1_000..6_000;
const SHUTDOWN_MS: Range<i64> = 3_000..15_000;

/// The machine that a call is about.
pub(super) fn machine<'a>(world: &'a World, endpoint: &str, mo_id: &str) -> Result<&'a Machine, Fault> {
    let machine = world.vms.machines.get(mo_id);
    let machine = machine.filter(|machine| machine.vcenter == endpoint);
    machine.ok_or_else(|| Fault::no_such_object("VirtualMachine", mo_id))
}

/// Refuses what cannot be done while something else is.
pub(super) fn idle(busy: Option<&String>) -> Result<(), Fault> {
    match busy {
        None => Ok(()),
        Some(task) => {
            Err(Fault::new("TaskInProgress", "Another task is at work.")
                .with("task", reference("Task", task)))
        }
    }
}

/// `InvalidPowerState`.
pub(super) fn wrong_power(machine: &Machine, wanted: Option<&str>) -> Fault {
    let state = if machine.on { "poweredOn" } else { "poweredOff" };
    let fault = Fault::new(
        "InvalidPowerState",
        "The machine is not in the power state for it.",
    );
    let fault = fault.with("existingState", state);
    match wanted {
        Some(wanted) => fault.with("requestedState", wanted),
        None => fault,
    }
}

/// Refuses a machine that is not in a power state.
pub(crate) fn check_power(machine: &Machine, wanted: &str) -> Result<(), Fault> {
    let state = if machine.on { "poweredOn" } else { "poweredOff" };
    if state == wanted {
        Ok(())
    } else {
        Err(wrong_power(machine, Some(wanted)))
    }
}

/// Whether a machine may be switched on.
pub(super) fn may_power_on(vms: &Vms, machine: &Machine) -> Result<(), Fault> {
    idle(machine.busy.as_ref())?;
    if machine.on {
        return Err(wrong_power(machine, Some("poweredOn")));
    }
    let Some((_, home)) = vms.with_files(&machine.id) else {
        return Err(Fault::new(
            "InvalidState",
            "The files of the machine are not accessible.",
        ));
    };
    if home.config.template {
        return Err(Fault::new("InvalidState", "A template cannot be switched on."));
    }
    Ok(())
}

/// The work of switching a machine on.
pub(super) fn switching_on(machine: &str) -> Taken {
    Taken {
        method: "PowerOnVM",
        type_name: "VirtualMachine",
        about: machine.to_owned(),
        alone: true,
        work: Work::PowerOn { asked: false },
        range_ms: POWER_ON_MS,
    }
}

/// `PowerOnVM_Task`.
pub(super) fn power_on(
    world: &mut World,
    incoming: &Incoming<'_>,
    path: &Path,
    body: &Value,
) -> Result<Answer, Fault> {
    let found = machine(world, incoming.endpoint, &path.mo_id)?;
    let host = body["host"]["value"].as_str();
    call::known(world, incoming.endpoint, "HostSystem", host)?;
    may_power_on(&world.vms, found)?;
    if let Some(host) = host {
        move_to(world, &path.mo_id, host);
    }
    Ok(task::begin(world, incoming, switching_on(&path.mo_id)))
}

/// A machine that is off is listed at another host.
fn move_to(world: &mut World, id: &str, host: &str) {
    let World { vms, inventory, .. } = world;
    if let Some(machine) = vms.machines.get_mut(id) {
        inventory.detach(&machine.vcenter, &machine.host, "vm", id);
        inventory.attach(&machine.vcenter, host, "vm", reference("VirtualMachine", id));
        host.clone_into(&mut machine.host);
    }
}

/// Switching on comes to the point where the machine asks, fails, or starts.
pub(super) fn comes_to_switch(
    world: &mut World,
    job: &Job,
    asked: bool,
) -> Option<Result<Option<Value>, Fault>> {
    if let Err(fault) = can_start(&world.core, &world.vms, &job.about) {
        return Some(Err(fault));
    }
    if question::ask(world, job, asked) {
        return None;
    }
    switches_on(world, job, None)
}

fn can_start(core: &Core, vms: &Vms, id: &str) -> Result<(), Fault> {
    let Some((machine, home)) = vms.with_files(id) else {
        return Err(Fault::new(
            "InvalidState",
            "The files of the machine are not accessible.",
        ));
    };
    if home.troubles.contains(&MachineTrouble::TooLarge) {
        let fault = Fault::new(
            "InsufficientMemoryResourcesFault",
            "The host has too little memory.",
        );
        return Err(fault
            .with("unreserved", 1_073_741_824_i64)
            .with("requested", home.config.memory_mb * 1_048_576));
    }
    if home.troubles.contains(&MachineTrouble::Locked) {
        return Err(Fault::new(
            "InvalidState",
            "The machine is locked: its key is not there.",
        ));
    }
    if !vms.is_whole(home) {
        let lost =
            home.config.devices.values().find(|device| {
                super::file::disk_volume(device).is_some_and(|volume| !vms.reaches(home, volume))
            });
        let file = lost.and_then(|disk| disk["backing"]["fileName"].as_str());
        return Err(Fault::new("FileNotFound", "A file of the machine is not there.")
            .with("file", file.unwrap_or_default()));
    }
    // The swap file is made when the machine starts.
    vms.has_room(core, &machine.place, ".vswp")?;
    if vms.spec.refuses_foreign_networks {
        let mut wanted = home
            .config
            .cards()
            .filter(|(_, card)| card["connectable"]["startConnected"] == true);
        let foreign = wanted.find(|(_, card)| vms.network_behind(&machine.vcenter, card).is_none());
        if let Some((_, card)) = foreign {
            let fault = Fault::new("CannotAccessNetwork", "The network of a card is not there.");
            return Err(fault
                .with("device", card["deviceInfo"]["label"].clone())
                .with("backing", card["deviceInfo"]["summary"].clone())
                .with("connected", true));
        }
    }
    Ok(())
}

/// The machine starts, unless the answer to its question is not to.
pub(super) fn switches_on(
    world: &mut World,
    job: &Job,
    answer: Option<&str>,
) -> Option<Result<Option<Value>, Fault>> {
    if answer == Some(CANCEL) {
        let fault = Fault::new(
            "GenericVmConfigFault",
            "The answer to the question was not to start.",
        );
        return Some(Err(fault.with("reason", "msg.uuid.altered")));
    }
    let World { core, vms, .. } = world;
    let place = vms
        .machines
        .get(&job.about)
        .map(|machine| machine.place.clone())?;
    let home = vms.homes.get(&place);
    let creates = home.is_some_and(|home| vms.uuid_action(home) == "create");
    let Some(home) = vms.homes.get_mut(&place) else {
        return Some(Err(Fault::new(
            "InvalidState",
            "The files of the machine are not accessible.",
        )));
    };
    let copied = match answer {
        Some(answer) => answer == COPIED,
        None => creates,
    };
    let here = (home.vcenter.clone(), place);
    if copied && home.config.ran_at.as_ref() != Some(&here) {
        renew(core, &mut home.config, &job.about);
    }
    home.config.ran_at = Some(here);
    let machine = vms.machines.get_mut(&job.about)?;
    machine.on = true;
    machine.guest = Guest::Boots;
    machine.booted_ms = Some(core.now_ms());
    machine.clean_power_off = None;
    machine.boots += 1;
    let boots = machine.boots;
    vms.connect_cards(core, &job.about);
    guest_in(core, &job.about, boots, Guest::Runs, BOOT_MS);
    Some(Ok(None))
}

/// A copy gets ids and addresses of its own.
fn renew(core: &mut Core, config: &mut super::file::Config, machine: &str) {
    let mut random = core.random("copied", machine);
    config.uuid = random.uuid();
    config.instance_uuid = random.uuid();
    config.version += 1;
    for device in config
        .devices
        .values_mut()
        .filter(|device| super::file::is_card(device))
    {
        if device["addressType"] != "manual" {
            let random = random.uuid();
            device["macAddress"] = json!(format!(
                "00:50:56:{}:{}:{}",
                &random[0..2],
                &random[2..4],
                &random[4..6]
            ));
        }
    }
}

fn guest_in(core: &mut Core, machine: &str, boots: u32, to: Guest, range_ms: Range<i64>) {
    let ms = core.work_ms("guest", machine, range_ms);
    let machine = machine.to_owned();
    core.schedule_in(ms, Event::Vm(VmEvent::Guest { machine, boots, to }));
}

/// A guest comes to its next state.
pub(super) fn guest_goes_on(world: &mut World, id: &str, boots: u32, to: Guest) {
    let World {
        core, vms, inventory, ..
    } = world;
    let Some(machine) = vms
        .machines
        .get(id)
        .filter(|machine| machine.on && machine.boots == boots)
    else {
        return;
    };
    let vcenter = machine.vcenter.clone();
    let shuts_down = machine.guest == Guest::ShutsDown;
    let home = vms.homes.get(&machine.place);
    let has = |trouble| home.is_some_and(|home| home.troubles.contains(&trouble));
    let online = home.is_some_and(|home| {
        let mut cards = home.config.cards();
        cards.any(|(_, card)| card["connectable"]["connected"] == true)
    });
    match to {
        Guest::NotRunning => {
            off(vms, id, true);
            inventory.touch(&vcenter, id);
            return;
        }
        Guest::Runs if has(MachineTrouble::NoTools) => return,
        Guest::Runs if online && !has(MachineTrouble::NoAddress) => {
            guest_in(core, id, boots, Guest::HasAddress, ADDRESS_MS);
        }
        Guest::Boots | Guest::Runs | Guest::HasAddress | Guest::ShutsDown => {}
    }
    if let Some(machine) = vms.machines.get_mut(id).filter(|_| !shuts_down) {
        machine.guest = to;
        inventory.touch(&vcenter, id);
    }
}

/// `PowerOffVM_Task`.
pub(super) fn power_off(world: &mut World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    let machine = machine(world, incoming.endpoint, &path.mo_id)?;
    idle(machine.busy.as_ref())?;
    if !machine.on {
        return Err(wrong_power(machine, None));
    }
    let taken = Taken {
        method: "PowerOffVM",
        type_name: "VirtualMachine",
        about: path.mo_id.clone(),
        alone: true,
        work: Work::PowerOff,
        range_ms: POWER_OFF_MS,
    };
    Ok(task::begin(world, incoming, taken))
}

/// The machine goes off. That its guest was faster is no failure.
pub(super) fn switches_off(world: &mut World, job: &Job) -> Result<Option<Value>, Fault> {
    let vms = &mut world.vms;
    if vms.machines.get(&job.about).is_some_and(|machine| machine.on) {
        off(vms, &job.about, false);
    }
    Ok(None)
}

fn off(vms: &mut Vms, id: &str, clean: bool) {
    let Some(machine) = vms.machines.get_mut(id) else {
        return;
    };
    machine.on = false;
    machine.guest = Guest::NotRunning;
    machine.clean_power_off = Some(clean);
    if let Some(home) = vms.homes.get_mut(&machine.place) {
        view::disconnect_cards(home);
    }
}

/// `ShutdownGuest`: taken at once; the guest may not do it.
pub(super) fn shut_down(world: &mut World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    let machine = machine(world, incoming.endpoint, &path.mo_id)?;
    idle(machine.busy.as_ref())?;
    if !machine.on {
        return Err(wrong_power(machine, None));
    }
    if !machine.guest.has_tools() {
        return Err(Fault::new("ToolsUnavailable", "The Tools do not run."));
    }
    let (boots, shuts_down) = (machine.boots, machine.guest == Guest::ShutsDown);
    let World {
        core, vms, inventory, ..
    } = world;
    let home = vms
        .machines
        .get(&path.mo_id)
        .and_then(|machine| vms.homes.get(&machine.place));
    let ignores = home.is_some_and(|home| home.troubles.contains(&MachineTrouble::IgnoresShutdown));
    if !ignores && !shuts_down {
        if let Some(machine) = vms.machines.get_mut(&path.mo_id) {
            machine.guest = Guest::ShutsDown;
            inventory.touch(incoming.endpoint, &path.mo_id);
        }
        core.calls.effect(incoming.ticket, core.now_ms);
        guest_in(core, &path.mo_id, boots, Guest::NotRunning, SHUTDOWN_MS);
    }
    Ok(Answer::empty(204))
}
