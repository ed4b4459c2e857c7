//! The call that moves a switch of a host to the other DPU.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::reconfigure::{self, SwitchChange};
use super::spec::{Refresh, VcenterView};
use super::{Host, HostTrouble, Hosts, Switch, SwitchTrouble};
use crate::call_log::Ticket;
use crate::core::Core;
use crate::event::Event;
use crate::exchange::{Answer, Request};
use crate::service::Incoming;
use crate::shape::{Shape, optional, required};
use crate::vi_json::fault::Fault;
use crate::vi_json::request::{self, Path, ROOT_TYPE};
use crate::world::World;

/// How long a move takes after the answer, in milliseconds.
const MOVE_MS: std::ops::Range<i64> = 600..2_500;

/// How much later vCenter knows of it, in milliseconds.
fn lag_ms(hosts: &Hosts) -> Option<i64> {
    match hosts.spec.vcenter_view {
        VcenterView::Soon => Some(700),
        VcenterView::Late => Some(60_000),
        VcenterView::Never => None,
    }
}

/// vCenter learns which DPU is active, after a while.
fn notice_later(core: &mut Core, hosts: &Hosts, host: String) {
    if let Some(lag_ms) = lag_ms(hosts) {
        core.schedule_in(lag_ms, Event::Dpu(DpuEvent::Noticed { host }));
    }
}

/// The release that brought the call, and what is told about its state.
pub(super) const SINCE: [u32; 4] = [8, 0, 3, 0];

static PARAMETERS: Shape = Shape::Object(&[
    ROOT_TYPE,
    required("dvsName", Shape::Text),
    optional("targetDpuAlias", Shape::Text),
]);

/// What happens by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum DpuEvent {
    /// A move that was taken happens: to a DPU, or to whichever is on standby then.
    Moves {
        host: String,
        to: Option<usize>,
        ticket: Ticket,
    },
    /// A change of a switch that was taken happens.
    SwitchChanges(Box<SwitchChange>),
    /// The switch of a host leaves its DPU, if that still has no link.
    LeavesLinkless { host: String },
    /// The switch of a host goes back to the DPU that it left, if that still has a link.
    GoesBack { host: String },
    /// vCenter learns which DPU is active.
    Noticed { host: String },
}

/// Lets an event happen.
pub(crate) fn happen(world: &mut World, event: DpuEvent) {
    let event = match event {
        DpuEvent::SwitchChanges(change) => return reconfigure::happen(world, *change),
        event => event,
    };
    let World { core, hosts, .. } = world;
    hosts.changes += 1;
    match event {
        DpuEvent::SwitchChanges(_) => {}
        DpuEvent::Moves { host, to, ticket } => {
            let found = hosts.hosts.get(&host);
            // What stood by when the call was taken may be gone.
            let to = found.map(|found| to.unwrap_or(1 - found.active));
            let may = found.zip(to).is_some_and(|(found, to)| hosts.may_move(found, to));
            if let (Some(found), Some(to)) = (hosts.hosts.get_mut(&host), to) {
                found.moving = found.moving.saturating_sub(1);
                if may && to != found.active {
                    found.move_to(to, None);
                    core.calls.effect(ticket, core.now_ms);
                }
            }
            core.calls.settle(ticket, core.now_ms);
            notice_later(core, hosts, host);
        }
        DpuEvent::LeavesLinkless { host } => {
            let moves = hosts
                .hosts
                .get(&host)
                .is_some_and(|found| hosts.has_to_move(found));
            if let Some(found) = hosts.hosts.get_mut(&host).filter(|_| moves) {
                found.move_to(1 - found.active, Some(found.active));
                notice_later(core, hosts, host);
            }
        }
        DpuEvent::GoesBack { host } => {
            let to = hosts.hosts.get(&host).and_then(|found| hosts.may_go_back(found));
            if let Some((found, to)) = hosts.hosts.get_mut(&host).zip(to) {
                found.move_to(to, None);
                notice_later(core, hosts, host);
            }
        }
        DpuEvent::Noticed { host } => {
            if let Some(host) = hosts.hosts.get_mut(&host) {
                host.known_active = host.active;
            }
        }
    }
}

/// The name of the object in the log of calls.
pub(crate) fn object_name(world: &World, endpoint: &str, mo_id: &str, request: &Request) -> String {
    let host = world
        .hosts
        .of_network_system(endpoint, mo_id)
        .map_or(mo_id, |host| &host.id);
    let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
    let dvs = body.get("dvsName").and_then(Value::as_str).unwrap_or("-");
    format!("dpu/{host}/{dvs}")
}

/// `HostNetworkSystem.startDpuFailover`: refused, or taken; the move comes later.
pub(crate) fn start(world: &mut World, incoming: &Incoming<'_>, path: &Path) -> Result<Answer, Fault> {
    request::since(path, SINCE)?;
    let host = world.hosts.of_network_system(incoming.endpoint, &path.mo_id);
    let host = host.ok_or_else(|| Fault::no_such_object(&path.type_name, &path.mo_id))?;
    let release = host.release.as_deref().map(request::release);
    if release.is_some_and(|release| release < SINCE) {
        return Err(request::unknown_method(path));
    }
    let body = request::body(incoming.request, &PARAMETERS)?;
    let dvs = body.get("dvsName").and_then(Value::as_str).unwrap_or_default();
    let alias = body.get("targetDpuAlias").and_then(Value::as_str);
    let hides = world.hosts.spec.hides_parameter;
    let to = check(&world.hosts, host, dvs, alias).map_err(|fault| {
        if hides {
            fault.without("invalidProperty")
        } else {
            fault
        }
    })?;

    let host = host.id.clone();
    let World { core, hosts, .. } = world;
    let move_ms = core.work_ms("dpu-move", &host, MOVE_MS);
    let mut move_ms = move_ms;
    if let Some(host) = hosts.hosts.get_mut(&host) {
        // A move that is asked for while another one goes on happens after it.
        move_ms += i64::from(host.moving) * MOVE_MS.end;
        host.moving += 1;
    }
    core.calls.hold(incoming.ticket);
    let at_once = hosts.spec.moves_at_once && hosts.hosts.get(&host).is_some_and(|host| host.moving == 1);
    let moves = DpuEvent::Moves {
        host,
        to,
        ticket: incoming.ticket,
    };
    if at_once {
        // What is taken comes before what comes of it, in the log of calls too.
        core.calls.accept(incoming.ticket, core.now_ms);
        happen(world, moves);
    } else {
        core.schedule_in(move_ms, Event::Dpu(moves));
    }
    Ok(Answer::empty(204))
}

/// The DPU to move to; `None` for whichever is on standby when the move happens.
fn check(hosts: &Hosts, host: &Host, dvs: &str, alias: Option<&str>) -> Result<Option<usize>, Fault> {
    hosts.reaches(host)?;
    if host.troubles.contains(&HostTrouble::PartialMaintenance) {
        return Err(Fault::new(
            "MethodDisabled",
            "The host is in a partial maintenance mode.",
        ));
    }
    if host.dvs != dvs {
        return Err(Fault::invalid_argument(
            Some("dvsName"),
            "The host is not on such a switch.",
        ));
    }
    if !host.is_offloaded() {
        let message = "The switch is not offloaded on this host.";
        return Err(Fault::invalid_argument(Some("dvsName"), message));
    }
    let switch = hosts.switch_of(host);
    if let Some(message) = switch.and_then(unfit) {
        return Err(Fault::invalid_argument(Some("dvsName"), message));
    }
    let standby = 1 - host.active;
    if !switch.is_some_and(Switch::has_standby) {
        let message = "The switch has no standby uplink.";
        return Err(Fault::invalid_argument(None, message));
    }
    if host.troubles.contains(&HostTrouble::StandbyDown) {
        return Err(Fault::invalid_argument(None, "No standby DPU is available."));
    }
    if !host.is_linked(standby) {
        return Err(Fault::invalid_argument(
            None,
            "The links of the standby DPU are down.",
        ));
    }
    if !hosts.spec.toggles && !switch.is_some_and(|switch| switch.stands_by_at(standby)) {
        return Err(Fault::invalid_argument(
            None,
            "No DPU is on the standby uplinks of the switch.",
        ));
    }
    match alias {
        Some(alias) if host.dpus.get(standby).is_some_and(|dpu| dpu.alias == alias) => Ok(Some(standby)),
        Some(_) => {
            let message = "No DPU of this alias is on a standby uplink.";
            Err(Fault::invalid_argument(Some("targetDpuAlias"), message))
        }
        None if hosts.spec.toggles => Ok(None),
        None => Ok(Some(standby)),
    }
}

/// Why no failover of a switch can be started on any of its hosts.
fn unfit(switch: &Switch) -> Option<&'static str> {
    let has = |trouble| switch.has(trouble);
    if has(SwitchTrouble::KnowsNoDpus) || has(SwitchTrouble::NoStandbyMode) {
        return Some("The version of the switch has no standby DPU.");
    }
    if has(SwitchTrouble::OffloadUnset) || has(SwitchTrouble::OffloadNone) {
        return Some("The switch is not in network offloading mode.");
    }
    None
}

/// `HostNetworkSystem.RefreshNetworkSystem`: vCenter learns what the host knows, or the host what it is, or nobody anything.
pub(crate) fn refresh(world: &mut World, endpoint: &str, mo_id: &str) -> Result<Answer, Fault> {
    let host = world
        .hosts
        .of_network_system(endpoint, mo_id)
        .map(|host| host.id.clone());
    let hosts = &mut world.hosts;
    hosts.changes += 1;
    let refresh = hosts.spec.refresh;
    let found = host.as_ref().and_then(|id| hosts.hosts.get(id));
    hosts.reaches(found.ok_or_else(|| Fault::no_such_object("HostNetworkSystem", mo_id))?)?;
    let host = host.and_then(|id| hosts.hosts.get_mut(&id));
    if let Some(host) = host.filter(|_| refresh != Refresh::Nothing) {
        host.known_active = host.active;
        host.seen_active = host.active;
    }
    Ok(Answer::empty(204))
}
