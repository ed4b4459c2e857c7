//! What the rules leave open of errors, of the greeting, of sessions and of a second call, in each reading.

use http::Method;
use serde_json::{Value, json};

use super::{FAILOVER, WEST, bench, call, failover, is_refused, switches, task};
use crate::exchange::{Answer, Request};
use crate::testbench::Bench;
use crate::vcha::VchaSpec;

fn session(bench: &mut Bench) -> u16 {
    bench.rest(WEST, Method::GET, "/api/session", &Value::Null).status
}

#[test]
fn what_is_busy_or_away_comes_with_the_status_of_the_runtime_or_as_documented() {
    for runtime_statuses in [false, true] {
        let mut bench = bench(VchaSpec {
            runtime_statuses,
            keeps_sessions: true,
            ..VchaSpec::default()
        });
        let id = failover(&mut bench, true).value();
        let busy = failover(&mut bench, true);
        let mode = json!({"mode": "MAINTENANCE"});
        let other = call(&mut bench, Method::PUT, "/mode?vmw-task=true", &mode);
        for refused in [busy, other] {
            if runtime_statuses {
                assert!(is_refused(&refused, 400, "RESOURCE_BUSY"), "{}", refused.value());
            } else {
                assert!(is_refused(&refused, 500, "ERROR"), "{}", refused.value());
            }
        }
        bench.world.vcha_mut().set_witness(WEST, false);
        assert!(
            task(&mut bench, &id).status == 200,
            "only an outage takes the tasks away"
        );
        bench.world.vcha_mut().set_witness(WEST, true);
        bench.pass(2_500 + 3_000 + 100);
        assert_eq!(switches(&bench), 1);
        let early = task(&mut bench, &id);
        assert_eq!(
            is_refused(&early, 400, "RESOURCE_INACCESSIBLE"),
            runtime_statuses,
            "{}",
            early.value()
        );
        bench.pass(2_000);
        assert!(is_refused(&task(&mut bench, &id), 404, "NOT_FOUND"));
    }
}

#[test]
fn errors_name_their_type_or_leave_it_to_the_status() {
    for omits_error_types in [false, true] {
        let mut bench = bench(VchaSpec {
            omits_error_types,
            refuses_in_task: true,
            ..VchaSpec::default()
        });
        let named = |error: &Value| error.get("error_type").is_some() && error["messages"][0].is_object();
        let missing = task(&mut bench, &json!("none"));
        assert_eq!(missing.status, 404);
        assert_eq!(named(&missing.value()), !omits_error_types);
        bench.world.vcha_mut().set_witness(WEST, false);
        let id = failover(&mut bench, true).value();
        bench.pass(5_000);
        let failed = task(&mut bench, &id).value();
        assert_eq!(failed["status"], "FAILED");
        assert_eq!(named(&failed["error"]), !omits_error_types);
    }
}

#[test]
fn a_greeting_needs_a_session_or_none() {
    for hello_needs_session in [false, true] {
        let mut bench = bench(VchaSpec {
            hello_needs_session,
            ..VchaSpec::default()
        });
        let path = "/api/vcenter/system?action=hello";
        let body = json!({"api_releases": ["8.0.3.0"]});
        let bare = Request::new(Method::POST, path).json(&body);
        let bare = bench.send(WEST, &bare);
        assert_eq!(is_refused(&bare, 401, "UNAUTHENTICATED"), hello_needs_session);
        let within = bench.rest(WEST, Method::POST, path, &body);
        assert_eq!(within.value()["api_release"], "8.0.3.0");
    }
}

#[test]
fn sessions_end_with_a_switch_or_live_on_without_what_they_own() {
    for keeps_sessions in [false, true] {
        let mut bench = bench(VchaSpec {
            keeps_sessions,
            ..VchaSpec::default()
        });
        let made = bench.post(
            WEST,
            "/PropertyCollector/propertyCollector/CreatePropertyCollector",
            &Value::Null,
        );
        let collector = made.value()["value"].as_str().unwrap().to_owned();
        failover(&mut bench, false);
        bench.pass(10_000);
        assert_eq!(session(&mut bench), if keeps_sessions { 200 } else { 401 });
        let mut fault = |path: &str| -> Answer { bench.post(WEST, path, &Value::Null) };
        let gone = fault(&format!("/PropertyCollector/{collector}/CreatePropertyCollector"));
        let expected = if keeps_sessions {
            "ManagedObjectNotFound"
        } else {
            "NotAuthenticated"
        };
        assert_eq!(gone.value()["_typeName"], expected);
        // A vCenter that starts anew forgets them in any case.
        bench.world.restart_vcenter(WEST, 1_000);
        bench.pass(2_000);
        assert_eq!(session(&mut bench), 401);
    }
}

#[test]
fn a_second_failover_is_refused_or_joins_the_first_one() {
    for joins_failover in [false, true] {
        let mut bench = bench(VchaSpec {
            joins_failover,
            ..VchaSpec::default()
        });
        let first = failover(&mut bench, true);
        let second = failover(&mut bench, true);
        if joins_failover {
            assert_eq!((second.status, second.value()), (202, first.value()));
        } else {
            assert!(is_refused(&second, 500, "ERROR"));
        }
        // Other work is refused, and so is the other API.
        let mode = json!({"mode": "MAINTENANCE"});
        let other = call(&mut bench, Method::PUT, "/mode?vmw-task=true", &mode);
        assert!(is_refused(&other, 500, "ERROR"));
        let path = "/FailoverClusterManager/failoverClusterManager/initiateFailover_Task";
        let other = bench.post(WEST, path, &json!({"planned": true}));
        assert_eq!(other.value()["_typeName"], "MethodDisabled");
        bench.pass(30_000);
        assert_eq!(switches(&bench), 1);
        assert_eq!(bench.calls(FAILOVER, "vcha/vc-west").effects, 1);
        bench.log_in(WEST);
        assert_eq!(failover(&mut bench, true).status, 202);
        bench.pass(10_000);
        assert_eq!(
            switches(&bench),
            2,
            "one that is asked for afterwards switches back"
        );
    }
}
