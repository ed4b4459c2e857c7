//! Sites and their pairing, product and build, health.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::Refusal;
use super::task::{Outcome, Resource, Task};
use super::{MEDIA_TYPE, Vcda, VcdaEvent, body, work};
use crate::core::Core;
use crate::endpoint::Session;
use crate::event::Event;
use crate::exchange::Answer;
use crate::random::Random;
use crate::service::Incoming;
use crate::world::World;

const PRODUCT: &str = "Simulated Availability";
/// 2025-06-01T00:00:00Z in milliseconds since 1970.
const BUILT_MS: i64 = 1_748_736_000_000;

/// A cloud site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Its short name, which is that of its endpoint.
    pub name: String,
    /// The organisation of the tenant there.
    pub org: String,
}

/// A site that a service was paired with, beyond those of the world; nobody is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairedSite {
    /// Its short name.
    pub name: String,
    /// The service that was told.
    pub at: String,
    /// What the caller said of it.
    pub description: String,
    /// Where its service is said to be.
    pub api_url: String,
    /// What its certificate is said to be.
    pub api_thumbprint: String,
}

fn build(vcda: &Vcda) -> String {
    format!("{}.0.12345678-abcdef", vcda.spec.api_version)
}

/// `GET /sites`.
pub(super) fn list(world: &World, incoming: &Incoming<'_>) -> Answer {
    let (core, vcda) = (&world.core, &world.vcda);
    let own = vcda.sites.keys().map(|name| {
        let lost = !core.is_reachable(name);
        let error = lost.then(|| {
            json!({
                "code": "GeneralServerFailure",
                "msg": format!("Site {name} cannot be reached."),
                "args": [name],
                "stacktrace": null,
            })
        });
        let thumbprint = Random::keyed(0, &["thumbprint", name]).hex();
        let shown = Shown {
            name,
            description: "",
            api_url: format!("https://vcda-{name}.sim.invalid:8048"),
            thumbprint: format!("SHA-256:{thumbprint}"),
            is_local: name == incoming.endpoint,
            error: error.unwrap_or(Value::Null),
        };
        shown.to_json(vcda)
    });
    let paired = vcda.paired.iter().filter(|paired| paired.at == incoming.endpoint);
    let paired = paired.map(|paired| {
        let shown = Shown {
            name: &paired.name,
            description: &paired.description,
            api_url: paired.api_url.clone(),
            thumbprint: paired.api_thumbprint.clone(),
            is_local: false,
            error: Value::Null,
        };
        shown.to_json(vcda)
    });
    Answer::json(200, MEDIA_TYPE, &Value::Array(own.chain(paired).collect()))
}

struct Shown<'a> {
    name: &'a str,
    description: &'a str,
    api_url: String,
    thumbprint: String,
    is_local: bool,
    error: Value,
}

impl Shown<'_> {
    fn to_json(&self, vcda: &Vcda) -> Value {
        json!({
            "site": self.name,
            "description": self.description,
            "apiUrl": self.api_url,
            "apiPublicUrl": self.api_url,
            "apiThumbprint": self.thumbprint,
            "apiVersion": vcda.spec.api_version,
            "buildVersion": build(vcda),
            "isLocal": self.is_local,
            "state": {"incomingCommError": self.error, "outgoingCommError": self.error},
        })
    }
}

/// `GET /vc-sites`: there is one, and its members are our assumption.
pub(super) fn vcenter_sites() -> Answer {
    let sites = json!([{"site": "onprem-1", "description": ""}]);
    Answer::json(200, MEDIA_TYPE, &sites)
}

/// `POST /sites`.
pub(super) fn pair(world: &mut World, incoming: &Incoming<'_>, session: &Session) -> Result<Answer, Refusal> {
    let body = body::read(incoming.request)?;
    body::PAIR.check(&body)?;
    let text = |name: &str| {
        let given = body.get(name).and_then(Value::as_str);
        given.unwrap_or_default().to_owned()
    };
    let site = PairedSite {
        name: text("site"),
        at: incoming.endpoint.to_owned(),
        description: text("description"),
        api_url: text("apiUrl"),
        api_thumbprint: text("apiThumbprint"),
    };
    let resource = Resource {
        kind: "site",
        id: Some(site.name.clone()),
        name: Some(site.name.clone()),
    };
    let World { core, vcda, .. } = world;
    let mut task = Task::begin(core, incoming, session, "pairSite", resource);
    task.ends_in(core.work_ms("pairSite", &site.name, 500..2_000));
    core.schedule_in(
        task.ends_ms - core.now_ms(),
        Event::Vcda(VcdaEvent::Pairs(task.id.clone(), site)),
    );
    Ok(task.accepted(core, vcda, incoming))
}

/// A pairing ends. One that is known already only changes what is said of it.
pub(super) fn paired(world: &mut World, id: &str, site: PairedSite) {
    let World { core, vcda, .. } = world;
    let result = json!({"site": site.name});
    vcda.paired
        .retain(|known| known.at != site.at || known.name != site.name);
    if !vcda.sites.contains_key(&site.name) {
        vcda.paired.push(site);
    }
    work::conclude(core, vcda, id, Outcome::Succeeded(result));
}

/// `GET /diagnostics/about`.
pub(super) fn about(world: &World) -> Answer {
    let about = json!({
        "serviceType": "CLOUD",
        "productName": PRODUCT,
        "buildVersion": build(&world.vcda),
        "buildDate": BUILT_MS,
    });
    Answer::json(200, MEDIA_TYPE, &about)
}

/// `POST /diagnostics/health`, and a GET up to 4.5.
pub(super) fn health(
    world: &mut World,
    incoming: &Incoming<'_>,
    session: &Session,
) -> Result<Answer, Refusal> {
    body::none(incoming.request)?;
    let resource = Resource {
        kind: "CLOUD",
        id: None,
        name: None,
    };
    let World { core, vcda, .. } = world;
    let mut task = Task::begin(core, incoming, session, "health", resource);
    if vcda.spec.health_at_once {
        task.outcome = Some(Outcome::Succeeded(state(core, vcda, incoming.endpoint)));
    } else {
        task.ends_in(core.work_ms("health", incoming.endpoint, 300..1_500));
        core.schedule_in(
            task.ends_ms - core.now_ms(),
            Event::Vcda(VcdaEvent::Checks(task.id.clone())),
        );
    }
    Ok(task.accepted(core, vcda, incoming))
}

/// A health check ends.
pub(super) fn checked(world: &mut World, id: &str) {
    let World { core, vcda, .. } = world;
    let Some(site) = vcda.tasks.get(id).map(|task| task.site.clone()) else {
        return;
    };
    let state = state(core, vcda, &site);
    work::conclude(core, vcda, id, Outcome::Succeeded(state));
}

fn state(core: &Core, vcda: &Vcda, site: &str) -> Value {
    let lost: Vec<&String> = vcda
        .sites
        .keys()
        .filter(|name| !core.is_reachable(name))
        .collect();
    let tunnel = (!lost.is_empty()).then(|| {
        json!({"code": "GeneralServerFailure", "msg": "The tunnel is down.", "args": lost, "stacktrace": null})
    });
    let id = |kind: &str| Random::keyed(core.seed, &[kind, site]).uuid();
    json!({
        "productName": PRODUCT,
        "buildVersion": build(vcda),
        "buildDate": BUILT_MS,
        "instanceId": id("instance id"),
        "runtimeId": id("runtime id"),
        "currentTime": core.server_ms(site, core.now_ms()),
        "address": format!("vcda-{site}.sim.invalid"),
        "dbError": null,
        "tunnelError": tunnel,
        "vcdError": null,
        "managerError": null,
        "managerHealth": {"offlineReplicators": [], "onlineReplicators": []},
        "tunnelConnectivity": [],
    })
}
