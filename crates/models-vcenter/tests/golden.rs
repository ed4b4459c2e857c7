//! The generated types against the wire fixtures.

#[path = "../../models-vim/tests/golden/harness.rs"]
mod harness;

use farside_models_vcenter as vcenter;
use farside_wire::{Secret, Service, ServiceError};
use harness::{Fixture, fixtures, round_trip};

fn check_request(fixture: &Fixture) {
    let body = &fixture.request;
    match fixture.operation.as_str() {
        "Vcenter.System_hello" => round_trip::<vcenter::SystemHelloSpec>(fixture, body),
        "Vcenter.Vcha.Cluster_get" => round_trip::<vcenter::VchaClusterGetRequest>(fixture, body),
        "Vcenter.Vcha.Cluster_failover$Task" => {
            round_trip::<vcenter::VchaClusterFailoverRequest>(fixture, body)
        }
        other => panic!("{}: no type for the body of {other}", fixture.path.display()),
    }
}

fn check_answer(fixture: &Fixture) {
    let body = &fixture.answer;
    match fixture.result.as_str() {
        // The error model is the runtime's; here only that these bodies are errors at all.
        "Vapi.Std.Errors.Error" => {
            let decoded = ServiceError::decode(Service::VcenterRest, 500, None, body.to_string().as_bytes());
            assert!(
                decoded.is_some() || !body.is_object(),
                "{}: not read as an error",
                fixture.path.display()
            );
        }
        "Vcenter.System.HelloResult" => round_trip::<vcenter::SystemHelloResult>(fixture, body),
        "Cis.Session.Info" => round_trip::<vcenter::CisSessionInfo>(fixture, body),
        "Cis.Task.Info" => round_trip::<vcenter::CisTaskInfo>(fixture, body),
        "Vcenter.Vcha.Cluster.Info" => round_trip::<vcenter::VchaClusterInfo>(fixture, body),
        "Vcenter.Vcha.Operations.Info" => round_trip::<vcenter::VchaOperationsInfo>(fixture, body),
        "string" if fixture.operation == "Cis.Session_create" => round_trip::<Secret>(fixture, body),
        "string" => round_trip::<String>(fixture, body),
        other => panic!("{}: no type for the answer {other}", fixture.path.display()),
    }
}

#[test]
fn requests_are_written_as_they_were_read() {
    fixtures(env!("CARGO_MANIFEST_DIR"))
        .iter()
        .filter(|fixture| !fixture.request.is_null())
        .for_each(check_request);
}

#[test]
fn answers_are_written_as_they_were_read() {
    fixtures(env!("CARGO_MANIFEST_DIR"))
        .iter()
        .filter(|fixture| !fixture.answer.is_null())
        .for_each(check_answer);
}
