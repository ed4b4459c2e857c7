//! A scripted service, and a client of it.

use std::sync::Arc;

use farside_models_vcda::operation::SESSIONS_LOGIN;
use farside_transport::SystemClock;
use farside_transport::testing::{Answer, ScriptedTransport};
use farside_vcda::{VcdaClient, VcdaClientBuilder, VmReplicationId};
use farside_wire::Secret;

pub(crate) fn page(items: &str) -> Answer {
    Answer::json(200, items.to_owned())
}

/// What a proxy shows while nothing stands behind it.
pub(crate) fn no_json(status: u16) -> Answer {
    let response = http::Response::builder()
        .status(status)
        .header("content-type", "text/html")
        .body("<html>not here</html>".into());
    Answer::response(response.unwrap())
}

pub(crate) fn logged_in() -> Answer {
    Answer::json(200, r#"{"user": "u", "authenticatedSites": []}"#).with_header("x-vcav-auth", "token")
}

/// A service that takes every log-in and answers the rest as `answer` says.
pub(crate) fn service(
    answer: impl Fn(&str, usize) -> Answer + Send + Sync + 'static,
    build: impl FnOnce(VcdaClientBuilder) -> VcdaClientBuilder,
) -> (VcdaClient, Arc<ScriptedTransport>) {
    let script = ScriptedTransport::with(move |call, nth| match call.operation.id {
        id if id == SESSIONS_LOGIN.id => logged_in(),
        id => answer(id, nth),
    });
    over(script, build)
}

pub(crate) fn over(
    script: ScriptedTransport,
    build: impl FnOnce(VcdaClientBuilder) -> VcdaClientBuilder,
) -> (VcdaClient, Arc<ScriptedTransport>) {
    let script = Arc::new(script);
    let builder = VcdaClient::builder(script.clone(), "west", Arc::new(SystemClock::new()))
        .credentials("dr@tenant", Secret::new("hunter2"));
    (build(builder).build().unwrap(), script)
}

pub(crate) fn vm(client: &VcdaClient) -> farside_vcda::VmReplication {
    client.vm_replication(&VmReplicationId::parse("C4-1").unwrap())
}
