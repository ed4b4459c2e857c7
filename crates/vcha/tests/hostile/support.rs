//! Scripted addresses of a vCenter, and a client of them.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use farside_models_vcenter::operation::{
    CIS_SESSION_CREATE, VCHA_CLUSTER_FAILOVER_TASK, VCHA_CLUSTER_GET, VCHA_OPERATIONS_GET,
};
use farside_transport::testing::{Answer, ScriptedTransport};
use farside_transport::{CallErrorKind, Sent, SystemClock};
use farside_vcha::VchaClient;
use farside_wire::Secret;
use serde_json::{Value, json};

pub(crate) const FIRST: &str = "10.9.0.1";
pub(crate) const SECOND: &str = "10.9.0.2";
pub(crate) const LIMIT: Duration = Duration::from_secs(300);

/// A healthy cluster with this node active.
pub(crate) fn cluster(active: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../models-vcenter/tests/fixtures/vcha/cluster-get-partial.json");
    let fixture: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut cluster = fixture["response"]["body"].clone();
    for node in ["node1", "node2"] {
        let is_active = cluster[node]["ha_ip"]["ipv4"]["address"] == active;
        cluster[node]["runtime"]["role"] = json!(if is_active { "ACTIVE" } else { "PASSIVE" });
    }
    cluster
}

pub(crate) fn ok(body: &Value) -> Answer {
    Answer::json(200, body.to_string())
}

pub(crate) fn no_operations() -> Answer {
    ok(&json!({"active": [], "disabled": []}))
}

pub(crate) fn std_error(status: u16, kind: &str) -> Answer {
    let body = json!({"error_type": kind, "messages": [{"id": "x", "default_message": "no", "args": []}]});
    Answer::json(status, body.to_string())
}

pub(crate) fn cut() -> Answer {
    let source = io::Error::other("cut");
    let sent = Sent::Whole;
    Answer::fail(CallErrorKind::Cut { sent, source })
}

pub(crate) fn no_json(status: u16) -> Answer {
    let response = http::Response::builder()
        .status(status)
        .header("content-type", "text/html");
    Answer::response(response.body("<html>not here</html>".into()).unwrap())
}

/// An address at which every log-in is taken and the rest answered as `answer` says, by operation and count.
pub(crate) fn node(answer: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> Arc<ScriptedTransport> {
    Arc::new(ScriptedTransport::with(move |call, nth| {
        match call.operation.id {
            id if id == CIS_SESSION_CREATE.id => Answer::json(201, "\"token\""),
            id => answer(id, nth),
        }
    }))
}

/// A vCenter at which this node is active.
pub(crate) fn vcenter(active: &'static str) -> Arc<ScriptedTransport> {
    node(move |id, _| match id {
        id if id == VCHA_CLUSTER_GET.id => ok(&cluster(active)),
        id if id == VCHA_OPERATIONS_GET.id => no_operations(),
        id if id == VCHA_CLUSTER_FAILOVER_TASK.id => Answer::json(202, "\"task-1\""),
        _ => std_error(404, "NOT_FOUND"),
    })
}

pub(crate) fn client(addresses: &[&Arc<ScriptedTransport>]) -> Arc<VchaClient> {
    let mut addresses = addresses.iter().map(|&address| address.clone());
    let first = addresses.next().unwrap();
    let password = Secret::new("hunter2");
    let builder =
        VchaClient::builder("vc-west", first, "operator", password).clock(Arc::new(SystemClock::new()));
    Arc::new(
        addresses
            .fold(builder, |builder, next| builder.also_at(next))
            .build(),
    )
}
