//! Preflight of a replication.

use farside_engine::{EndpointId, Mode};
use farside_models_vcda::{C4SessionDetails, OverallHealth};
use farside_wire::Timestamp;

use super::look::{find, judge};
use super::network::SetUp;
use super::view::{Services, Trouble, View, taken};
use super::{Deed, Replica, Step, UNREADABLE};
use crate::connection::Connections;
use crate::kind::answer::explain;
use crate::kind::{Check, Condition};

/// All that preflight asks about one item.
pub(super) async fn item(
    world: &Connections,
    services: &Services,
    mode: Mode,
    item: Option<&(Replica, Step)>,
) -> Check {
    let Some((replica, step)) = item else {
        let unreadable = Condition::no_go("payload", UNREADABLE, "use the version that wrote the journal");
        return Check {
            conditions: vec![unreadable],
            loss: None,
        };
    };
    let mut check = Check::default();
    let own = session(services, &step.at, true);
    let usable = own.hint.is_none();
    check.conditions.push(own);
    if needs_both_sites(mode) {
        let opposite = replica.opposite(&step.at);
        check.conditions.push(session(services, opposite, false));
        if usable {
            check
                .conditions
                .extend(extension(world, services, &step.at, opposite).await);
        }
    }
    if !usable {
        return check;
    }
    match find(services, replica, step).await {
        Ok(view) => look_over(world, services, &mut check, mode, (replica, step, &view)).await,
        Err(Trouble { reason, .. }) => check.conditions.push(Condition::no_go(
            "replication",
            reason,
            format!(
                "check `replication` of the item and the rights of the user at {}",
                step.at
            ),
        )),
    }
    check
}

/// A migration and a reversal need the other site alive (VCDA wire rules 5); everything else does without it.
fn needs_both_sites(mode: Mode) -> bool {
    match mode {
        Mode::Planned | Mode::Reprotect | Mode::Failback => true,
        Mode::Test | Mode::Cleanup | Mode::Disaster => false,
    }
}

/// Whether the session is extended to the other site, where the plan says how.
async fn extension(
    world: &Connections,
    services: &Services,
    at: &EndpointId,
    other: &EndpointId,
) -> Option<Condition> {
    let site = world.extended_site(at, other)?;
    let service = services.get(at).ok()?;
    let name = format!("session at {at}, extended to site {site}");
    Some(match service.client.needing(site).session().await {
        Ok(session) if names(&session, site) => Condition::go(name, "extended"),
        Ok(_) => {
            let hint = "a run extends it again where the service says that it lacks the site";
            Condition::warning(name, "the session does not name that site", hint)
        }
        Err(error) => {
            let hint = format!(
                "check site, user name and password of [endpoints.{at}.extensions.{other}], and that {other} is up"
            );
            Condition::no_go(name, explain(&error), hint)
        }
    })
}

fn names(session: &C4SessionDetails, site: &str) -> bool {
    let mut sites = session.authenticated_sites.iter();
    sites.any(|known| known.site.as_deref() == Some(site))
}

/// Whether somebody can log in. At the side that is only needed by the service itself, a wrong password is a warning.
fn session(services: &Services, endpoint: &EndpointId, asked: bool) -> Condition {
    let name = format!("session at {endpoint}");
    match services.get(endpoint) {
        Ok(service) => {
            let user = service.user.as_deref().unwrap_or("logged in");
            let site = service.site.as_ref().map(|site| format!(", site {site}"));
            Condition::go(name, format!("{user}{}", site.unwrap_or_default()))
        }
        Err(Trouble {
            reason,
            refused: true,
        }) => {
            let hint = format!("check the user name and the password of [endpoints.{endpoint}]");
            if asked {
                Condition::no_go(name, reason, hint)
            } else {
                Condition::warning(name, reason, hint)
            }
        }
        Err(Trouble {
            reason,
            refused: false,
        }) => Condition::no_go(
            name,
            reason,
            format!("make {endpoint} reachable and check its url, trust and password"),
        ),
    }
}

async fn look_over(
    world: &Connections,
    services: &Services,
    check: &mut Check,
    mode: Mode,
    (replica, step, view): (&Replica, &Step, &View),
) {
    let now = world.clock().now();
    check
        .conditions
        .push(Condition::go("replication", view.describe()));
    check
        .conditions
        .push(Check::from_finding("recovery state", &judge(view, replica, step)));
    check.conditions.push(health(view, mode));
    check.conditions.extend(rpo(view));
    match step.deed {
        Deed::Test | Deed::Migrate | Deed::Failover => check.conditions.push(newest(view, &now)),
        Deed::Cleanup | Deed::Reverse => {}
    }
    if step.deed == Deed::Failover
        && let Some(key) = &replica.instance
    {
        check
            .conditions
            .push(chosen(services, replica, step, key, &now).await);
    }
    if step.deed.recovers_for_good()
        && let Ok(service) = services.get(&view.at)
    {
        let set_up = SetUp::read(service, replica).await;
        check.conditions.push(set_up.condition(replica, view));
    }
    if step.deed == Deed::Test {
        let cards = format!("{} network cards, all disconnected", replica.nics);
        check
            .conditions
            .push(Condition::go("network of the test copy", cards));
    }
    check.loss = loss(step.deed, replica, view, &now);
}

fn health(view: &View, mode: Mode) -> Condition {
    let name = "health";
    match &view.shown.overall_health {
        Some(OverallHealth::Green) => Condition::go(name, "GREEN"),
        Some(OverallHealth::Red) if mode == Mode::Disaster => {
            Condition::warning(name, "RED", "usual when the protected site is down")
        }
        Some(health) => {
            use farside_wire::OpenEnum as _;
            Condition::warning(name, health.as_wire(), "look at the replication at the service")
        }
        None => Condition::warning(name, "not told", "look at the replication at the service"),
    }
}

/// Set when the newest instance is older than was asked for.
fn rpo(view: &View) -> Option<Condition> {
    let violation = view.shown.destination_state.as_ref()?.current_rpo_violation?;
    (violation > 0).then(|| {
        Condition::warning(
            "RPO",
            format!("exceeded by {violation} minutes"),
            "synchronise before a planned run; a disaster loses what was written since",
        )
    })
}

fn newest(view: &View, now: &Timestamp) -> Condition {
    let name = "newest instance";
    match view.newest_instance() {
        Some(instance) => Condition::go(
            name,
            taken(instance).map_or_else(|| "its time is not told".to_owned(), |time| age(&time, now)),
        ),
        None => Condition::no_go(name, "none", "wait for the first synchronisation"),
    }
}

/// Whether the instance that the plan names is there.
async fn chosen(
    services: &Services,
    replica: &Replica,
    step: &Step,
    key: &str,
    now: &Timestamp,
) -> Condition {
    let name = "chosen instance";
    let hint = "take `instance` out of the item to recover from the newest one, or name one that is there";
    let service = match services.get(&step.at) {
        Ok(service) => service,
        Err(Trouble { reason, .. }) => return Condition::no_go(name, reason, hint),
    };
    let instances = match service
        .client
        .vm_replication(&replica.replication)
        .instances()
        .await
    {
        Ok(instances) => instances,
        Err(error) => return Condition::no_go(name, explain(&error), hint),
    };
    let keyed = instances.iter().filter_map(|instance| match instance {
        Ok(known) => Some((known.key.as_deref()?, Some(known))),
        Err(unreadable) => Some((unreadable.id.as_deref()?, None)),
    });
    match keyed.clone().find(|(found, _)| *found == key) {
        Some((_, instance)) => {
            let time = instance.and_then(taken).map(|time| age(&time, now));
            Condition::go(name, time.unwrap_or_else(|| key.to_owned()))
        }
        None => {
            let known: Vec<&str> = keyed.map(|(key, _)| key).collect();
            Condition::no_go(name, format!("no {key} (there are: {})", known.join(", ")), hint)
        }
    }
}

/// The service's time, and how long ago that was by this machine's clock, which can be another.
fn age(time: &Timestamp, now: &Timestamp) -> String {
    crate::kind::answer::aged(time, now)
}

fn loss(deed: Deed, replica: &Replica, view: &View, now: &Timestamp) -> Option<String> {
    let vm = view.vm_name();
    match deed {
        Deed::Failover => {
            let from = match (&replica.instance, view.newest_instance().and_then(taken)) {
                (Some(key), _) => format!("instance {key}"),
                (None, Some(time)) => age(&time, now),
                (None, None) => "its newest instance, whose time is not told".to_owned(),
            };
            Some(format!("everything written to {vm} after {from}"))
        }
        Deed::Reverse => {
            let site = view.from().unwrap_or("the other site");
            Some(format!("the original VM {vm} at {site} is removed"))
        }
        Deed::Test | Deed::Cleanup | Deed::Migrate => None,
    }
}
