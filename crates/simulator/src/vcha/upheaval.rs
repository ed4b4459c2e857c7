//! What shakes a vCenter: the switch of a failover, the death of its active node, isolation, a restart.

use super::error::RestError;
use super::schedule;
use super::site::Site;
use super::spec::{AfterSwitch, Mode};
use super::work::{VchaEvent, Work, die, end_task, set_in_sync_later};
use crate::call_log::Ticket;
use crate::core::Core;
use crate::world::World;

/// How long after a switch the former active node is back, and then how long until it is in sync, in milliseconds.
const BACK_MS: std::ops::Range<i64> = 4_000..8_000;
const SYNC_MS: std::ops::Range<i64> = 1_000..4_000;

/// How long after a vCenter began to answer it does not reach its tasks, where its world says so, in milliseconds.
const TASKS_LATE_MS: i64 = 2_000;

/// The switch of a failover. From here on the truth is that of the node which takes over, if it does.
pub(super) fn switch(world: &mut World, vcenter: &str, task: &str, ticket: Ticket) {
    let World { core, vcha, .. } = world;
    let now_ms = core.now_ms();
    let stale_ms = i64::from(vcha.spec.old_node_answers_ms);
    let outage_ms = i64::from(vcha.spec.outage_ms);
    let Some(site) = vcha.sites.get_mut(vcenter) else {
        return;
    };
    let Some(cluster) = site.cluster_mut() else {
        core.calls.settle(ticket, now_ms);
        return;
    };
    let fails = std::mem::take(&mut cluster.next_switch_fails);
    if fails {
        cluster.fall_back();
    } else {
        cluster.take_over();
        cluster.stale = stale_ms > 0;
        core.calls.effect(ticket, now_ms);
    }
    core.calls.settle(ticket, now_ms);
    let (upheavals, stale) = (cluster.upheavals, cluster.stale);
    set_back_later(core, vcenter, upheavals);
    if let Some(task) = vcha.tasks.get_mut(&(vcenter.to_owned(), task.to_owned())) {
        task.survives = match (vcha.spec.after_switch, fails) {
            (AfterSwitch::Gone, _) => None,
            (AfterSwitch::Failed, _) | (AfterSwitch::Succeeded, true) => Some(AfterSwitch::Failed),
            (AfterSwitch::Succeeded, false) => Some(AfterSwitch::Succeeded),
        };
    }
    if stale {
        let vcenter = vcenter.to_owned();
        schedule(core, stale_ms, VchaEvent::Leaves { vcenter, upheavals });
    } else {
        fall_silent(world, vcenter, outage_ms);
    }
}

/// The former active node stops answering.
pub(super) fn leave(world: &mut World, vcenter: &str, upheavals: u32) {
    let outage_ms = i64::from(world.vcha.spec.outage_ms);
    let cluster = world.vcha.sites.get(vcenter).and_then(Site::cluster);
    if cluster.is_some_and(|cluster| cluster.stale && cluster.upheavals == upheavals) {
        fall_silent(world, vcenter, outage_ms);
    }
}

/// Nobody answers for a while, and then the node that is active does, at its own address.
fn fall_silent(world: &mut World, vcenter: &str, outage_ms: i64) {
    if world.vcha.spec.keeps_sessions {
        start_anew(world, vcenter, outage_ms);
    } else {
        restart(world, vcenter, outage_ms);
    }
    if let Some(site) = world.vcha.sites.get_mut(vcenter) {
        if let Some(cluster) = site.cluster_mut() {
            cluster.stale = false;
        }
        site.settle_address();
    }
}

fn set_back_later(core: &mut Core, vcenter: &str, upheavals: u32) {
    let back_ms = core.work_ms("vcha-back", vcenter, BACK_MS);
    let vcenter = vcenter.to_owned();
    schedule(core, back_ms, VchaEvent::Back { vcenter, upheavals });
}

/// The node that went down is back, as the passive one.
pub(super) fn come_back(world: &mut World, vcenter: &str, upheavals: u32) {
    let World { core, vcha, .. } = world;
    let cluster = vcha.sites.get_mut(vcenter).and_then(Site::cluster_mut);
    let Some(cluster) = cluster.filter(|cluster| cluster.upheavals == upheavals) else {
        return;
    };
    cluster.nodes[1 - cluster.active].up = true;
    set_in_sync_later(core, vcenter, upheavals, SYNC_MS);
}

/// A vCenter starts anew, and its sessions are gone.
pub(crate) fn restart(world: &mut World, vcenter: &str, outage_ms: i64) {
    world.core.sessions.end_all(vcenter);
    start_anew(world, vcenter, outage_ms);
}

/// Connections are cut, nobody answers for a while, tasks are gone, and so is the work of its services but for a failover, and
/// what belongs to sessions. What its arrays and hosts do goes on.
fn start_anew(world: &mut World, vcenter: &str, outage_ms: i64) {
    let World {
        core,
        sms,
        vi_json,
        vcha,
        ..
    } = world;
    let now_ms = core.now_ms();
    let addresses = vcha.addresses.iter().filter(|(_, home)| *home == vcenter);
    for endpoint in addresses.map(|(name, _)| name.as_str()).chain([vcenter]) {
        core.cut_connections(endpoint, outage_ms);
    }
    sms.restart(vcenter, now_ms + outage_ms);
    vi_json.forget_pages(core, vcenter);
    vcha.tasks
        .retain(|(at, _), task| at != vcenter || task.survive(now_ms));
    if let Some(site) = vcha.sites.get_mut(vcenter) {
        site.tasks_from_ms = now_ms + outage_ms + TASKS_LATE_MS;
        let dies = |work: &Work| !matches!(work, Work::FailOver { .. });
        if let Some(running) = site.running.take_if(|running| dies(&running.work)) {
            die(site, &running);
        }
    }
    crate::vi_json::task::forget(world, vcenter, None);
}

/// The active node dies. A cluster that is enabled and healthy switches over by itself, else the same node comes back.
pub(crate) fn lose_active_node(world: &mut World, vcenter: &str) -> bool {
    let World { core, vcha, .. } = world;
    let outage_ms = i64::from(vcha.spec.outage_ms);
    let Some(site) = vcha.sites.get_mut(vcenter) else {
        return false;
    };
    if site.cluster().is_none() {
        return false;
    }
    if let Some(running) = site.running.take() {
        die(site, &running);
    }
    let mut takes_over = false;
    if let Some(cluster) = site.cluster_mut() {
        takes_over = cluster.mode == Mode::Enabled && !cluster.stale && cluster.is_healthy();
        if takes_over {
            cluster.take_over();
            let upheavals = cluster.upheavals;
            set_back_later(core, vcenter, upheavals);
        }
    }
    fall_silent(world, vcenter, outage_ms);
    takes_over
}

/// The nodes stop reaching one another, or reach one another again. In mode `ENABLED` nobody serves or works
/// meanwhile. `false` if
/// there is no cluster.
pub(crate) fn isolate(world: &mut World, vcenter: &str, isolated: bool) -> bool {
    let Some(site) = world.vcha.sites.get_mut(vcenter) else {
        return false;
    };
    let Some(cluster) = site.cluster_mut() else {
        return false;
    };
    if cluster.isolated == isolated {
        return true;
    }
    cluster.isolated = isolated;
    let stops = isolated && cluster.mode == Mode::Enabled;
    if let Some(running) = site.running.take_if(|_| stops) {
        die(site, &running);
        let text = "The node stopped serving.";
        let error = RestError::new(500, "ERROR", "sim.vcha.isolated", text);
        end_task(world, vcenter, running.form, &running.task, Err(error));
    }
    let World { core, vcha, .. } = world;
    let addresses = vcha.addresses.iter().filter(|(_, home)| *home == vcenter);
    for endpoint in addresses.map(|(name, _)| name.as_str()).chain([vcenter]) {
        if stops {
            core.stop_listening(endpoint);
        } else if !isolated {
            core.listen_again(endpoint);
        }
    }
    true
}
