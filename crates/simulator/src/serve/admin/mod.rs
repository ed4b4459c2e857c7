//! The endpoint for administration, and the page. The README of this crate shows each answer.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /` | the page |
//! | `GET /admin/overview` | the world at a glance |
//! | `GET /admin/state` | the whole world |
//! | `GET /admin/groups`, `replications`, `tasks` | lists, in parts: `state`, `offset`, `limit` |
//! | `GET /admin/calls` | attempts, refused, accepted, effects by endpoint, operation and object |
//! | `GET /admin/faults`, `GET /admin/faults/{id}` | rules with their counts |
//! | `POST /admin/faults` | takes one rule or an array of them; answers their ids |
//! | `DELETE /admin/faults/{id}` | removes a rule |
//! | `GET /admin/endpoints`, `POST /admin/endpoints` | where endpoints are served; loses one, or brings it back |
//! | `GET /admin/world`, `PUT /admin/world` | the world as a file with which it goes on; goes on with such a file |
//! | `GET /admin/clock`, `POST /admin/clock` | the world's time; lets some of it pass, or sets its speed |
//! | `GET /admin/events` | what happens, as server-sent events |
//!
//! HEAD is answered where GET is, without the body.

mod events;
mod guard;
mod page;
#[cfg(test)]
mod tests;
mod world;

use http::{HeaderMap, Method};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::body::Body;
use super::listener::Addresses;
use crate::core::WORLD_EPOCH_MS;
use crate::endpoint::Endpoint;
use crate::exchange::{Answer, Request};
use crate::fault::{ActiveFault, FaultRule, UnfitRule};
use crate::overview::Part;
use crate::simulator::Simulator;
use crate::spec::file::plainly;
use crate::world::World;

const JSON: &str = "application/json";

/// How many entries of a list are answered when nobody says how many, and at most.
const USUAL_PART: usize = 100;
const LARGEST_PART: usize = 10_000;

/// The paths below `/admin`, with what may be asked of them; HEAD is wherever GET is.
const PATHS: &[(&str, &[&str])] = &[
    ("/admin/overview", &["GET"]),
    ("/admin/state", &["GET"]),
    ("/admin/groups", &["GET"]),
    ("/admin/replications", &["GET"]),
    ("/admin/tasks", &["GET"]),
    ("/admin/calls", &["GET"]),
    ("/admin/faults", &["GET", "POST"]),
    ("/admin/faults/{id}", &["GET", "DELETE"]),
    ("/admin/endpoints", &["GET", "POST"]),
    ("/admin/world", &["GET", "PUT"]),
    ("/admin/prompts", &["POST"]),
    ("/admin/clock", &["GET", "POST"]),
    ("/admin/events", &["GET"]),
];

/// Whether a request may be looked at at all, before its body is read.
pub(super) fn admit(method: &Method, headers: &HeaderMap) -> Result<(), Answer> {
    guard::check(method, headers).map_err(|(status, text)| safe(refused(status, text)))
}

/// The largest body that is read at a path, in bytes; a world can be large.
pub(super) fn most_bytes(path: &str) -> usize {
    if path == "/admin/world" {
        1024 * 1024 * 1024
    } else {
        1024 * 1024
    }
}

/// Refuses a body that is too large.
pub(super) fn too_large(most: usize) -> Answer {
    safe(refused(413, &format!("the body has more than {most} bytes")))
}

/// What the endpoint has at hand.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) simulator: Simulator,
    pub(super) addresses: Addresses,
    pub(super) stopped: watch::Receiver<bool>,
}

/// What answers a request.
pub(super) enum Reaction {
    /// An answer.
    Answer(Answer),
    /// A head, and a stream that follows it.
    Stream(Answer, Body),
}

/// Answers a request to the endpoint. HEAD is answered as GET; whoever sends it leaves the body out.
pub(super) fn react(desk: &Desk, request: &Request) -> Reaction {
    if request.method == Method::HEAD {
        let mut read = request.clone();
        read.method = Method::GET;
        return react(desk, &read);
    }
    let streams = request.method == Method::GET && request.path == "/admin/events";
    if !streams {
        return Reaction::Answer(safe(answer(desk, request)));
    }
    let after = request.query_value("after");
    match events::Start::read(request.header_text("last-event-id"), after.as_deref()) {
        Ok(start) => {
            let head = Answer::empty(200).header("content-type", "text/event-stream");
            Reaction::Stream(
                safe(head),
                events::stream(&desk.simulator, start, desk.stopped.clone()),
            )
        }
        Err(error) => Reaction::Answer(safe(refused(400, &error))),
    }
}

/// What every answer says: nobody keeps it, and nobody takes it for something else.
fn safe(answer: Answer) -> Answer {
    answer
        .header("cache-control", "no-store")
        .header("x-content-type-options", "nosniff")
}

fn answer(desk: &Desk, request: &Request) -> Answer {
    let simulator = &desk.simulator;
    if request.method == Method::GET
        && let Some(file) = page::file(&request.path)
    {
        return file;
    }
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let found = match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["admin", "endpoints"]) => Ok(ok(&endpoints(&simulator.world(), &desk.addresses))),
        ("GET", ["admin", "world"]) => world::save(simulator),
        ("PUT", ["admin", "world"]) => world::load(simulator, &request.body),
        ("GET", ["admin", name]) => read(simulator, name, request),
        ("GET", ["admin", "faults", id]) => fault(&simulator.world(), id).map(|fault| ok(&json!(fault))),
        ("DELETE", ["admin", "faults", id]) => remove(&mut simulator.world(), id),
        ("POST", ["admin", "faults"]) => add_rules(&mut simulator.world(), &request.body),
        ("POST", ["admin", "endpoints"]) => set_reachable(&mut simulator.world(), &request.body),
        ("POST", ["admin", "prompts"]) => approve(&mut simulator.world(), &request.body),
        ("POST", ["admin", "clock"]) => pass(simulator, &request.body),
        _ => Err(no_such(request)),
    };
    found.unwrap_or_else(|refusal| refusal)
}

fn read(simulator: &Simulator, name: &str, request: &Request) -> Result<Answer, Answer> {
    let world = simulator.world();
    let body = match name {
        "overview" => {
            let mut overview = world.overview();
            overview["time"] = json!(time(&world));
            overview["speed"] = json!(simulator.pace());
            overview
        }
        "state" => world.state(),
        "groups" => world.group_list(&part(request)?),
        "replications" => world.replication_list(&part(request)?),
        "tasks" => world.running_tasks(&part(request)?),
        "calls" => json!({"calls": world.calls().entries(), "totals": world.calls().totals()}),
        "faults" => json!({"faults": world.faults().active()}),
        "clock" => clock(simulator, &world),
        _ => return Err(no_such(request)),
    };
    Ok(ok(&body))
}

fn clock(simulator: &Simulator, world: &World) -> Value {
    json!({"now_ms": world.now_ms(), "time": time(world), "speed": simulator.pace()})
}

fn time(world: &World) -> String {
    let time = jiff::Timestamp::from_millisecond(WORLD_EPOCH_MS.saturating_add(world.now_ms()));
    time.unwrap_or(jiff::Timestamp::MAX).to_string()
}

/// Which part of a list is asked for.
fn part(request: &Request) -> Result<Part, Answer> {
    let mut part = Part {
        state: None,
        offset: 0,
        limit: USUAL_PART,
    };
    for (name, value) in request.query_pairs() {
        let number = || {
            let number = value.parse::<usize>();
            number.map_err(|_| refused(400, &format!("{name} has to be a number, not {value:?}")))
        };
        match name.as_str() {
            "offset" => part.offset = number()?,
            "limit" => part.limit = number()?.min(LARGEST_PART),
            "state" => part.state = Some(value),
            _ => {
                let error = format!("there is no parameter {name:?}; there are: state, offset, limit");
                return Err(refused(400, &error));
            }
        }
    }
    Ok(part)
}

fn fault<'a>(world: &'a World, id: &str) -> Result<&'a ActiveFault, Answer> {
    let found = id.parse().ok().and_then(|id| world.faults().get(id));
    found.ok_or_else(|| refused(404, &format!("there is no rule {id:?}; see GET /admin/faults")))
}

fn remove(world: &mut World, id: &str) -> Result<Answer, Answer> {
    let id = fault(world, id)?.id;
    world.remove_fault(id);
    Ok(Answer::empty(204))
}

/// Adds the rules of a body, all of them or none.
fn add_rules(world: &mut World, body: &[u8]) -> Result<Answer, Answer> {
    let given = match parse(body)? {
        Value::Array(rules) => rules,
        one => vec![one],
    };
    let mut rules = Vec::new();
    for (index, given) in given.into_iter().enumerate() {
        let unfit = |error: String| refused(400, &format!("rule {}: {error}", index + 1));
        let rule: FaultRule =
            serde_json::from_value(given).map_err(|error| unfit(plainly(&error.to_string())))?;
        world
            .check_fault(&rule)
            .map_err(|error| unfit(error.to_string()))?;
        rules.push(rule);
    }
    let added = rules.into_iter().map(|rule| world.add_fault(rule));
    let ids: Result<Vec<u32>, UnfitRule> = added.collect();
    let ids = ids.map_err(|error| refused(400, &error.to_string()))?;
    Ok(Answer::json(201, JSON, &json!({"ids": ids})))
}

/// All endpoints, each with the addresses at which it is served and what answers there.
fn endpoints(world: &World, addresses: &Addresses) -> Value {
    let address = |endpoint: &Endpoint| {
        let mut shown = json!(addresses.of(&endpoint.name));
        shown["name"] = json!(endpoint.name);
        shown["state"] = json!(world.state_of(endpoint));
        shown
    };
    let own = world
        .endpoints()
        .filter(|endpoint| world.home_of(&endpoint.name).is_none());
    let shown = own.map(|endpoint| {
        let further = world
            .endpoints()
            .filter(|further| world.home_of(&further.name) == Some(endpoint.name.as_str()));
        let all: Vec<Value> = std::iter::once(endpoint).chain(further).map(address).collect();
        json!({
            "name": endpoint.name,
            "site": endpoint.site(),
            "kind": endpoint.kind,
            "user": endpoint.user,
            "addresses": all,
        })
    });
    json!({"endpoints": shown.collect::<Vec<_>>()})
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reach {
    endpoint: String,
    reachable: bool,
}

fn set_reachable(world: &mut World, body: &[u8]) -> Result<Answer, Answer> {
    let reach: Reach = parse(body)?;
    if world.set_reachable(&reach.endpoint, reach.reachable) {
        return Ok(Answer::empty(204));
    }
    let known: Vec<&str> = world.endpoints().map(|endpoint| endpoint.name.as_str()).collect();
    let known = known.join(", ");
    let error = format!("there is no endpoint {:?}; there are: {known}", reach.endpoint);
    Err(refused(404, &error))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Prompt {
    plan: String,
}

/// Approves the prompt at which a recovery plan of VCDA waits; no call is documented that would.
fn approve(world: &mut World, body: &[u8]) -> Result<Answer, Answer> {
    let prompt: Prompt = parse(body)?;
    if world.approve_prompt(&prompt.plan) {
        return Ok(Answer::empty(204));
    }
    let error = format!(
        "there is no recovery plan {:?} that waits at a prompt",
        prompt.plan
    );
    Err(refused(404, &error))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Passing {
    advance_ms: Option<u32>,
    speed: Option<f64>,
}

/// Lets world time pass at once, or at another speed from then on.
fn pass(simulator: &Simulator, body: &[u8]) -> Result<Answer, Answer> {
    let passing: Passing = parse(body)?;
    if passing.advance_ms.is_none() && passing.speed.is_none() {
        return Err(refused(400, "the body has to have advance_ms, speed, or both"));
    }
    let speeds = Simulator::SPEEDS;
    if passing.speed.is_some_and(|speed| !speeds.contains(&speed)) {
        let error = format!("speed has to be from {} to {}", speeds.start(), speeds.end());
        return Err(refused(400, &error));
    }
    simulator.advance(passing.advance_ms.unwrap_or(0));
    if let Some(speed) = passing.speed {
        simulator.set_speed(speed);
    }
    Ok(ok(&clock(simulator, &simulator.world())))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Answer> {
    serde_json::from_slice(body).map_err(|error| {
        let told = plainly(&error.to_string());
        refused(400, &format!("the body is not what it has to be: {told}"))
    })
}

/// A path that is not there, or not for this method.
fn no_such(request: &Request) -> Answer {
    let known = PATHS.iter().find(|(path, _)| request.fit(path).is_some());
    let file = page::file(&request.path).map(|_| (request.path.as_str(), ["GET"].as_slice()));
    if let Some((path, methods)) = known.map(|(path, methods)| (*path, *methods)).or(file) {
        let read = methods.contains(&"GET").then_some("HEAD");
        let allowed: Vec<&str> = methods.iter().copied().chain(read).collect();
        let allowed = allowed.join(", ");
        let error = format!("{path} takes {allowed}, not {}", request.method);
        return refused(405, &error).header("allow", &allowed);
    }
    let paths: Vec<&str> = PATHS.iter().map(|(path, _)| *path).collect();
    let paths = paths.join(", ");
    refused(
        404,
        &format!("there is no {}; there are: /, {paths}", request.path),
    )
}

fn ok(body: &Value) -> Answer {
    Answer::json(200, JSON, body)
}

fn refused(status: u16, error: &str) -> Answer {
    Answer::json(status, JSON, &json!({"error": error}))
}
