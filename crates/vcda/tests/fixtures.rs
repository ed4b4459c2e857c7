//! The client against the wire fixtures: the requests that it makes, and what it makes of the answers.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use farside_models_vcda::{VappNetworkSettings, VmNetworkSettings};
use farside_transport::testing::{Answer, ScriptedTransport};
use farside_transport::{Call, CallError, CallErrorKind, Clock, RetryPolicy, StackSettings, SystemClock};
use farside_vcda::{
    Cards, ExplicitNetworks, Extension, FailoverSettings, FailoverTestSettings, MigrateSettings, Networks,
    OperationTag, PageRequest, Power, ReplicationFilter, Target, TaskFilter, TaskId, TestFrom, VcdaClient,
    VmReplicationId,
};
use farside_wire::{EpochMillis, Secret};
use http::Response;
use serde_json::Value;

struct Fixture {
    name: String,
    operation: String,
    request: Value,
    response: Value,
}

/// Operations that this client has no method for.
const WITHOUT_METHOD: &[&str] = &[
    "diagnostics.about",
    "diagnostics.health",
    "recoveryPlans.clone",
    "recoveryPlans.create",
    "recoveryPlans.delete",
    "recoveryPlans.failover",
    "recoveryPlans.get",
    "recoveryPlans.list",
    "recoveryPlans.migrate",
    "recoveryPlans.steps.add",
    "recoveryPlans.steps.move",
    "recoveryPlans.test",
    "recoveryPlans.testCleanup",
    "sites.list",
    "sites.pair",
    "sites.vcenterSites",
    "vappReplications.failover",
    "vappReplications.failoverTest",
    "vappReplications.failoverTestCleanup",
    "vappReplications.get",
    "vappReplications.list",
    "vappReplications.migrate",
    "vappReplications.networkSettings.get",
    "vappReplications.pause",
    "vappReplications.reconfigure",
    "vappReplications.reconfigureDisks",
    "vappReplications.resume",
    "vappReplications.reverse",
    "vappReplications.start",
    "vappReplications.stop",
    "vappReplications.summary",
    "vappReplications.sync",
    "vmReplications.applyStorageProfile",
    "vmReplications.networkSettings.get",
    "vmReplications.pause",
    "vmReplications.reconfigure",
    "vmReplications.resume",
    "vmReplications.start",
    "vmReplications.stop",
    "vmReplications.sync",
];

/// All fixtures but those whose request this client cannot be made to send: log-ins other than by name and password, a
/// test that synchronises and names an instance, a migration that leaves the network cards to the service, hardware to
/// the caller's taste, members newer than 4.6; and but those of operations without a method.
fn fixtures() -> Vec<Fixture> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models-vcda/tests/fixtures");
    let unspeakable = [
        "failover-test-bad-request.json",
        "migrate-remote-authentication-failure.json",
        "migrate-general-server-failure.json",
        "failover-vcloud-4-7.json",
        "failover-vcenter-custom-hardware.json",
        "login-vcd-cookie.json",
        "login-vcd-access-token.json",
        "login-sso-token.json",
        "login-sso-credentials.json",
    ];
    let mut found = Vec::new();
    for path in files(&root) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut fixture: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let operation = fixture["operation"].as_str().unwrap().to_owned();
        if !unspeakable.contains(&name.as_str()) && !WITHOUT_METHOD.contains(&operation.as_str()) {
            found.push(Fixture {
                name,
                operation,
                request: fixture["request"].take(),
                response: fixture["response"].take(),
            });
        }
    }
    assert!(found.len() > 50, "{} fixtures", found.len());
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Answers the fixture's operation as the fixture says, and opens and closes sessions for the others.
fn transport(fixture: &Fixture) -> Arc<ScriptedTransport> {
    let (operation, response) = (fixture.operation.clone(), fixture.response.clone());
    let token = fixture.request["headers"]["X-VCAV-Auth"]
        .as_str()
        .unwrap_or("token")
        .to_owned();
    Arc::new(ScriptedTransport::with(move |call, _| {
        if call.operation.id == operation {
            Answer::response(recorded(&response))
        } else if call.operation.id == "sessions.login" {
            Answer::json(200, "{}").with_header("x-vcav-auth", &token)
        } else if ["sessions.get", "vmReplications.get"].contains(&call.operation.id) {
            Answer::json(200, "{}")
        } else {
            Answer::empty(204)
        }
    }))
}

fn recorded(response: &Value) -> Response<bytes::Bytes> {
    let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
    let mut builder = Response::builder().status(status);
    for (name, value) in response["headers"].as_object().unwrap() {
        builder = builder.header(name, value.as_str().unwrap());
    }
    let body = match &response["body"] {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    builder.body(body.into()).unwrap()
}

fn client(fixture: &Fixture, transport: &Arc<ScriptedTransport>) -> VcdaClient {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let body = &fixture.request["body"];
    let user = body["localUser"]
        .as_str()
        .or(body["vcdUser"].as_str())
        .unwrap_or("dr-admin@tenant-a");
    let password = body["localPassword"]
        .as_str()
        .or(body["vcdPassword"].as_str())
        .unwrap_or("not-a-real-password");
    let mut settings = StackSettings::default();
    settings.retry = RetryPolicy::never();
    let mut builder = VcdaClient::builder(transport.clone(), "west", clock)
        .credentials(user, Secret::new(password))
        .settings(settings);
    let accept = fixture.request["headers"]["Accept"].as_str().unwrap();
    let version = accept
        .split(['v', '+'])
        .find(|part| part.starts_with(|c: char| c.is_ascii_digit()));
    builder = builder.api_version(version.unwrap());
    if let Some(site) = query(&fixture.request, "site") {
        builder = builder.site(site);
    }
    if let Some(extension) = extension(body) {
        let site = body["site"].as_str().unwrap();
        builder = builder.site(site).extend(site, extension);
    }
    if let Some(tag) = fixture.request["headers"]["operationID"].as_str() {
        builder = builder.tag(OperationTag::new(tag));
    }
    builder.build().unwrap()
}

/// What the body of an extension says, if it is one.
fn extension(body: &Value) -> Option<Extension> {
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    Some(match body["type"].as_str()? {
        "credentials" => Extension::Vcd {
            user: text("vcdUsername"),
            password: Secret::new(text("vcdPassword")),
        },
        "cookie" => Extension::Cookie(Secret::new(text("cookie"))),
        "vcdAccessToken" if body.get("site").is_some() => {
            Extension::AccessToken(Secret::new(text("vcdAccessToken")))
        }
        "multisite" => Extension::Associated { org: text("org") },
        _ => return None,
    })
}

fn query(request: &Value, name: &str) -> Option<String> {
    let (_, query) = request["path"].as_str()?.split_once('?')?;
    let value = query
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(value.replace("%20", " ").replace("%26", "&").replace("%2C", ","))
}

/// Sends what the fixture sends, by the client's own methods.
async fn send(fixture: &Fixture, client: &VcdaClient) -> Result<(), CallError> {
    let request = &fixture.request;
    let path = request["path"].as_str().unwrap();
    let id = path.split(['/', '?']).nth(2).unwrap_or_default();
    let replication = || VmReplicationId::parse(id).unwrap();
    let body = &request["body"];
    match fixture.operation.as_str() {
        "sessions.login" | "sessions.get" => client.session().await.map(drop),
        "sessions.extend" => {
            let id = VmReplicationId::parse("C4-0b0b0b0b-1111-4222-8333-444455556666").unwrap();
            client.replication(&id).await.map(drop)
        }
        "sessions.logout" => {
            client.session().await?;
            client.close().await
        }
        "vmReplications.list" => client
            .replications(&filter(request), page(request))
            .await
            .map(drop),
        "vmReplications.get" => client.replication(&replication()).await.map(drop),
        "vmReplications.instances" => client.instances(&replication()).await.map(drop),
        "vmReplications.failover" => client
            .start_failover(&replication(), &failover(body))
            .await
            .map(drop),
        "vmReplications.failoverTest" => {
            let settings = failover_test(body);
            client
                .start_failover_test(&replication(), &settings)
                .await
                .map(drop)
        }
        "vmReplications.failoverTestCleanup" => client.start_test_cleanup(&replication()).await.map(drop),
        "vmReplications.migrate" => client
            .start_migrate(&replication(), migrate(body))
            .await
            .map(drop),
        "vmReplications.reverse" => client.start_reverse(&replication()).await.map(drop),
        "tasks.get" => client.task(&TaskId::parse(id).unwrap()).await.map(drop),
        "tasks.list" => client
            .list_tasks(&task_filter(request), page(request))
            .await
            .map(drop),
        "tasks.poll" => {
            let ids: Vec<TaskId> = serde_json::from_value(body.clone()).unwrap();
            client.poll_tasks(&ids).await.map(drop)
        }
        other => panic!("{}: no method for {other}", fixture.name),
    }
}

fn page(request: &Value) -> PageRequest {
    PageRequest {
        offset: query(request, "offset").map(|offset| offset.parse().unwrap()),
        limit: query(request, "limit").map(|limit| limit.parse().unwrap()),
    }
}

fn filter(request: &Value) -> ReplicationFilter {
    match query(request, "vmName") {
        Some(name) => ReplicationFilter::default().vm_name(name),
        None => ReplicationFilter::default(),
    }
}

fn task_filter(request: &Value) -> TaskFilter {
    let mut filter = match query(request, "resourceId") {
        Some(id) => TaskFilter::on(&VmReplicationId::parse(id).unwrap()),
        None => TaskFilter::default(),
    };
    if let Some(workflow) = query(request, "type") {
        filter = filter.workflow(workflow);
    }
    if let Some(time) = query(request, "startTimeAfter") {
        filter = filter.started_after(EpochMillis(time.parse().unwrap()));
    }
    match query(request, "sort") {
        Some(sort) => filter.sorted_by(sort),
        None => filter,
    }
}

fn target(body: &Value) -> Target {
    match body["type"].as_str().unwrap() {
        "vcloud" => Target::Vcloud,
        _ => Target::Vcenter,
    }
}

fn power(body: &Value) -> Power {
    if body["powerOn"].as_bool().unwrap() {
        Power::On
    } else {
        Power::Off
    }
}

fn networks(body: &Value) -> Networks {
    let vapp: Option<VappNetworkSettings> =
        serde_json::from_value(body["vAppNetworkSettings"].clone()).unwrap();
    let given = &body["vmNetworkSettings"];
    let (vm, cards) = match given.as_object() {
        None => return Networks::Preconfigured,
        Some(by_vm) if target(body) == Target::Vcenter => {
            let (vm, cards) = by_vm.iter().next().unwrap();
            (vm.clone(), cards.clone())
        }
        Some(_) => (String::new(), given.clone()),
    };
    let cards: VmNetworkSettings = serde_json::from_value(cards).unwrap();
    Networks::Explicit(Box::new(ExplicitNetworks { vm, cards, vapp }))
}

fn failover(body: &Value) -> FailoverSettings {
    let mut settings = FailoverSettings::new(target(body), power(body), networks(body));
    if let Some(key) = body["instanceId"].as_str() {
        settings = settings.instance(key);
    }
    if body["consolidate"] == Value::Bool(true) {
        settings = settings.consolidate();
    }
    settings
}

fn failover_test(body: &Value) -> FailoverTestSettings {
    let from = match (body["sync"].as_bool().unwrap(), body["instanceId"].as_str()) {
        (true, _) => TestFrom::Synchronised,
        (false, Some(key)) => TestFrom::Instance(key.to_owned()),
        (false, None) => TestFrom::Newest,
    };
    FailoverTestSettings::new(target(body), power(body), networks(body), from)
}

fn migrate(body: &Value) -> MigrateSettings {
    let cards = if body["connectVmNics"].as_bool().unwrap() {
        Cards::Connected
    } else {
        Cards::Disconnected
    };
    MigrateSettings::new(target(body), power(body), cards)
}

/// Path and query parameters; the order of the parameters means nothing.
fn target_of(path: &str) -> (String, BTreeSet<String>) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query = query.split('&').filter(|pair| !pair.is_empty());
    (path.to_owned(), query.map(str::to_owned).collect())
}

/// A null member means the same as none.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), without_nulls(value)))
            .collect(),
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

fn assert_same_request(fixture: &Fixture, call: &Call) {
    let (name, wanted, sent) = (&fixture.name, &fixture.request, &call.request);
    assert_eq!(
        sent.method().as_str(),
        wanted["method"].as_str().unwrap(),
        "{name}"
    );
    let uri = sent.uri().to_string();
    assert_eq!(
        target_of(&uri),
        target_of(wanted["path"].as_str().unwrap()),
        "{name}"
    );
    let headers = wanted["headers"].as_object().unwrap();
    for (header, value) in headers {
        let sent = sent
            .headers()
            .get(header.as_str())
            .and_then(|value| value.to_str().ok());
        assert_eq!(sent, value.as_str(), "{name}: {header}");
    }
    assert_eq!(
        sent.headers().len(),
        headers.len(),
        "{name}: {:?}",
        sent.headers().keys()
    );
    let body: Value = serde_json::from_slice(sent.body()).unwrap_or_default();
    assert_eq!(without_nulls(&body), without_nulls(&wanted["body"]), "{name}");
}

#[tokio::test(start_paused = true)]
async fn requests_are_those_of_the_fixtures_and_answers_are_read() {
    for fixture in fixtures() {
        let transport = transport(&fixture);
        let client = client(&fixture, &transport);
        let outcome = send(&fixture, &client).await;
        let calls = transport.calls();
        let call = calls
            .iter()
            .find(|call| call.operation.id == fixture.operation)
            .unwrap_or_else(|| panic!("{}: {outcome:?}", fixture.name));
        assert_same_request(&fixture, call);
        let success = fixture.response["status"].as_u64().unwrap() < 300;
        // What is over already needs no log-out.
        let success = success || fixture.name == "logout-not-authenticated.json";
        let readable = success && fixture.name != "login-header-missing.json";
        assert_eq!(outcome.is_ok(), readable, "{}: {outcome:?}", fixture.name);
        if let (Err(error), false) = (&outcome, success)
            && !fixture.operation.starts_with("sessions.login")
        {
            // An extension is made for a call that needs it.
            let error = match error.kind() {
                CallErrorKind::Login(extension) => extension,
                _ => error,
            };
            let status = error.status().map(|status| u64::from(status.as_u16()));
            assert_eq!(status, fixture.response["status"].as_u64(), "{}", fixture.name);
            let code = error.service_error().map(|error| error.code().to_owned());
            let wanted = fixture.response["body"]["code"].as_str().map(str::to_owned);
            assert_eq!(code, wanted, "{}", fixture.name);
        }
    }
}
