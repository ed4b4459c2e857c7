//! The administration endpoint.
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /admin/state` | the whole world |
//! | `GET /admin/calls` | `{"calls": [...]}`: attempts, refused, accepted, effects by endpoint, operation and object |
//! | `GET /admin/faults` | `{"faults": [...]}`: the rules with their counts |
//! | `POST /admin/faults` | takes one rule or an array of them; answers their ids |
//! | `DELETE /admin/faults/{id}` | removes a rule |
//! | `POST /admin/endpoints` | `{"endpoint": "east", "reachable": false}` loses an endpoint, or brings it back |
//! | `GET /admin/clock` | the world's time |

use serde::Deserialize;
use serde_json::{Value, json};

use crate::core::WORLD_EPOCH_MS;
use crate::exchange::{Answer, Request};
use crate::fault::{FaultRule, UnfitRule};
use crate::simulator::Simulator;
use crate::world::World;

const JSON: &str = "application/json";

/// Answers a request to the administration endpoint.
pub(super) fn answer(simulator: &Simulator, request: &Request) -> Answer {
    let mut world = simulator.world();
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["admin", "state"]) => ok(&world.state()),
        ("GET", ["admin", "calls"]) => ok(&json!({"calls": world.calls().entries()})),
        ("GET", ["admin", "faults"]) => ok(&json!({"faults": world.faults().active()})),
        ("POST", ["admin", "faults"]) => match add_rules(&mut world, &request.body) {
            Ok(ids) => Answer::json(201, JSON, &json!({"ids": ids})),
            Err(error) => refused(400, &error),
        },
        ("DELETE", ["admin", "faults", id]) => match id.parse() {
            Ok(id) if world.remove_fault(id) => Answer::empty(204),
            Ok(_) | Err(_) => refused(404, "no such rule"),
        },
        ("POST", ["admin", "endpoints"]) => match serde_json::from_slice::<Reach>(&request.body) {
            Ok(reach) if world.set_reachable(&reach.endpoint, reach.reachable) => Answer::empty(204),
            Ok(reach) => refused(404, &format!("no endpoint {}", reach.endpoint)),
            Err(error) => refused(400, &error.to_string()),
        },
        ("GET", ["admin", "clock"]) => {
            let now_ms = world.now_ms();
            let time = jiff::Timestamp::from_millisecond(WORLD_EPOCH_MS.saturating_add(now_ms));
            let time = time.unwrap_or(jiff::Timestamp::MAX).to_string();
            ok(&json!({"now_ms": now_ms, "time": time, "speed": simulator.pace()}))
        }
        _ => refused(404, "no such path; see state, calls, faults, endpoints, clock"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reach {
    endpoint: String,
    reachable: bool,
}

/// Adds the rules of a body, all of them or none.
fn add_rules(world: &mut World, body: &[u8]) -> Result<Vec<u32>, String> {
    let rules = rules(body).map_err(|error| error.to_string())?;
    for rule in &rules {
        world.check_fault(rule).map_err(|error| error.to_string())?;
    }
    let added = rules.into_iter().map(|rule| world.add_fault(rule));
    let added: Result<Vec<u32>, UnfitRule> = added.collect();
    added.map_err(|error| error.to_string())
}

fn rules(body: &[u8]) -> Result<Vec<FaultRule>, serde_json::Error> {
    let value: Value = serde_json::from_slice(body)?;
    if value.is_array() {
        serde_json::from_value(value)
    } else {
        Ok(vec![serde_json::from_value(value)?])
    }
}

fn ok(body: &Value) -> Answer {
    Answer::json(200, JSON, body)
}

fn refused(status: u16, error: &str) -> Answer {
    Answer::json(status, JSON, &json!({"error": error}))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::Method;

    use super::*;
    use crate::spec::WorldSpec;

    fn simulator() -> Simulator {
        let world = WorldSpec::pair(1).replications(1).build();
        Simulator::new(world, Arc::new(farside_transport::SystemClock::new()))
    }

    fn ask(simulator: &Simulator, method: Method, path: &str, body: &Value) -> Answer {
        answer(simulator, &Request::new(method, path).json(body))
    }

    #[tokio::test(start_paused = true)]
    async fn rules_are_added_listed_and_removed() {
        let simulator = simulator();
        let rules = json!([{"operation": "tasks.get", "do": "cut"}, {"do": {"delay": {"ms": 5}}}]);
        let added = ask(&simulator, Method::POST, "/admin/faults", &rules);
        assert_eq!((added.status, added.value()), (201, json!({"ids": [1, 2]})));
        let one = ask(
            &simulator,
            Method::POST,
            "/admin/faults",
            &json!({"do": "drop_answer"}),
        );
        assert_eq!(one.value(), json!({"ids": [3]}));
        assert_eq!(
            ask(&simulator, Method::DELETE, "/admin/faults/2", &Value::Null).status,
            204
        );
        assert_eq!(
            ask(&simulator, Method::DELETE, "/admin/faults/2", &Value::Null).status,
            404
        );
        let listed = ask(&simulator, Method::GET, "/admin/faults", &Value::Null).value();
        assert_eq!(listed["faults"].as_array().map(Vec::len), Some(2));
        assert_eq!(listed["faults"][0]["rule"]["do"], json!("cut"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_read_is_refused_and_changes_nothing() {
        let simulator = simulator();
        let rules = json!([{"do": "cut"}, {"do": "cut", "colour": "red"}]);
        assert_eq!(ask(&simulator, Method::POST, "/admin/faults", &rules).status, 400);
        assert!(simulator.world().faults().active().is_empty());
        let nowhere = json!({"endpoint": "moon", "reachable": false});
        assert_eq!(
            ask(&simulator, Method::POST, "/admin/endpoints", &nowhere).status,
            404
        );
        assert_eq!(
            ask(&simulator, Method::GET, "/admin/colour", &Value::Null).status,
            404
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_state_holds_no_credentials() {
        let simulator = simulator();
        let password = simulator
            .world()
            .endpoint("west")
            .map(|endpoint| endpoint.password.clone());
        let state = ask(&simulator, Method::GET, "/admin/state", &Value::Null)
            .value()
            .to_string();
        assert!(state.contains("\"west\"") && !state.contains(&password.unwrap_or_default()));
        let clock = ask(&simulator, Method::GET, "/admin/clock", &Value::Null).value();
        assert_eq!(clock["time"], json!("2026-01-01T00:00:00Z"));
    }
}
