//! The client against the wire fixtures: the requests that it makes, and what it makes of the answers.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use farside_models_vcda::{
    TasksListQuery, VappNetworkSettings, VappReplicationsListQuery, VmNetworkSettings,
    VmReplicationsListQuery,
};
use farside_transport::testing::{Answer, ScriptedTransport};
use farside_transport::{Call, CallError, CallErrorKind, Clock, RetryPolicy, StackSettings, SystemClock};
use farside_vcda::{
    Cards, CloudOptions, Destination, ExplicitNetworks, Extension, FailoverSettings, FailoverTestSettings,
    Login, MigrateSettings, Networks, OperationTag, Power, RecoveryPlanId, RecoveryStepId, SsoToken, Target,
    TaskId, TestFrom, VappFailover, VappFailoverTest, VappNetworks, VappReplicationId, VappTestFrom,
    VcdaClient, VcenterOptions, VmReplicationId,
};
use farside_wire::Secret;
use http::Response;
use serde_json::{Value, json};

struct Fixture {
    name: String,
    operation: String,
    request: Value,
    response: Value,
}

/// All fixtures but those whose request this client cannot be made to send: a test that synchronises and names an instance, a migration that leaves the network cards to the service, the failover of
/// a vApp that leaves the points in time to it.
fn fixtures() -> Vec<Fixture> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models-vcda/tests/fixtures");
    let unspeakable = [
        "failover-test-bad-request.json",
        "migrate-remote-authentication-failure.json",
        "migrate-general-server-failure.json",
    ];
    let mut found = Vec::new();
    for path in files(&root) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut fixture: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let operation = fixture["operation"].as_str().unwrap().to_owned();
        let in_folder = path.ends_with("vapp-replications/failover-bad-request.json");
        if !unspeakable.contains(&name.as_str()) && !in_folder {
            found.push(Fixture {
                name,
                operation,
                request: fixture["request"].take(),
                response: fixture["response"].take(),
            });
        }
    }
    assert!(found.len() > 150, "{} fixtures", found.len());
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
    let login = log_in(body).unwrap_or_else(|| Login::by_name(user, Secret::new(password)));
    let mut builder = VcdaClient::builder(transport.clone(), "west", clock)
        .login(login)
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

/// What the body of a log-in says, if it is one other than by name and password.
fn log_in(body: &Value) -> Option<Login> {
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    let secret = |name: &str| Secret::new(text(name));
    Some(match body["type"].as_str()? {
        "ssoCredentials" => Login::Sso {
            user: text("username"),
            password: secret("password"),
            principal: None,
        },
        "ssoToken" => Login::SsoToken(SsoToken {
            saml_token: secret("samlToken"),
            timestamp: text("timestamp"),
            nonce: text("nonce"),
            signature: secret("signature"),
            principal: None,
        }),
        "vcdCookie" => Login::Cookie(secret("vcdCookie")),
        "vcdAccessToken" if body.get("site").is_none() => Login::AccessToken {
            token: secret("vcdAccessToken"),
            org: text("context"),
        },
        _ => return None,
    })
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
    let group = fixture.operation.split('.').next().unwrap_or_default();
    match group {
        "sessions" => send_session(fixture, client).await,
        "vmReplications" => send_vm(fixture, client).await,
        "vappReplications" => send_vapp(fixture, client).await,
        "recoveryPlans" => send_plan(fixture, client).await,
        _ => send_other(fixture, client).await,
    }
}

/// The segment of the path at this place.
fn segment(fixture: &Fixture, index: usize) -> &str {
    let path = fixture.request["path"].as_str().unwrap();
    path.split(['/', '?']).nth(index).unwrap_or_default()
}

fn read<T: farside_wire::Read>(value: &Value) -> T {
    farside_wire::decode_str(&value.to_string()).unwrap()
}

async fn send_session(fixture: &Fixture, client: &VcdaClient) -> Result<(), CallError> {
    match fixture.operation.as_str() {
        "sessions.login" | "sessions.get" => client.session().await.map(drop),
        "sessions.extend" => {
            let id = VmReplicationId::parse("C4-0b0b0b0b-1111-4222-8333-444455556666").unwrap();
            client.vm_replication(&id).get().await.map(drop)
        }
        "sessions.logout" => {
            client.session().await?;
            client.close().await
        }
        other => panic!("{}: no method for {other}", fixture.name),
    }
}

async fn send_vm(fixture: &Fixture, client: &VcdaClient) -> Result<(), CallError> {
    let body = &fixture.request["body"];
    let vm = || client.vm_replication(&VmReplicationId::parse(segment(fixture, 2)).unwrap());
    match fixture.operation.as_str() {
        "vmReplications.list" => {
            let filter = VmReplicationsListQuery {
                vm_name: query(&fixture.request, "vmName"),
                ids: query(&fixture.request, "ids"),
                offset: number(&fixture.request, "offset"),
                limit: number(&fixture.request, "limit"),
                ..VmReplicationsListQuery::default()
            };
            client.list_vm_replications(&filter).await.map(drop)
        }
        "vmReplications.start" => client.start_vm_replication(&read(body)).await.map(drop),
        "vmReplications.get" => vm().get().await.map(drop),
        "vmReplications.reconfigure" => vm().start_reconfigure(&read(body)).await.map(drop),
        "vmReplications.stop" => vm().start_delete().await.map(drop),
        "vmReplications.instances" => vm().instances().await.map(drop),
        "vmReplications.failover" => vm().start_failover(&failover(body)).await.map(drop),
        "vmReplications.failoverTest" => vm().start_failover_test(&failover_test(body)).await.map(drop),
        "vmReplications.failoverTestCleanup" => vm().start_test_cleanup().await.map(drop),
        "vmReplications.migrate" => vm().start_migrate(&migrate(body)).await.map(drop),
        "vmReplications.reverse" => vm().start_reverse().await.map(drop),
        "vmReplications.pause" => vm().start_pause().await.map(drop),
        "vmReplications.resume" => vm().start_resume().await.map(drop),
        "vmReplications.sync" => vm().start_sync().await.map(drop),
        "vmReplications.applyStorageProfile" => {
            let profile = body["storageProfileId"].as_str();
            vm().start_storage_profile(profile).await.map(drop)
        }
        "vmReplications.networkSettings.get" => vm().network_settings().await.map(drop),
        other => panic!("{}: no method for {other}", fixture.name),
    }
}

async fn send_vapp(fixture: &Fixture, client: &VcdaClient) -> Result<(), CallError> {
    let body = &fixture.request["body"];
    let vapp = || client.vapp_replication(&VappReplicationId::parse(segment(fixture, 2)).unwrap());
    match fixture.operation.as_str() {
        "vappReplications.list" => {
            let kind = query(&fixture.request, "sourceSiteType");
            let filter = VappReplicationsListQuery {
                source_site: query(&fixture.request, "sourceSite"),
                source_site_type: kind.map(|kind| read(&json!(kind))),
                vapp_name: query(&fixture.request, "vappName"),
                ids: query(&fixture.request, "ids"),
                offset: number(&fixture.request, "offset"),
                limit: number(&fixture.request, "limit"),
                sort: query(&fixture.request, "sort"),
                ..VappReplicationsListQuery::default()
            };
            client.list_vapp_replications(&filter).await.map(drop)
        }
        "vappReplications.start" => {
            let header = fixture.request["headers"]["On-Prem-Auth"]
                .as_str()
                .map(Secret::new);
            let settings = read(body);
            client
                .start_vapp_replication(&settings, header.as_ref())
                .await
                .map(drop)
        }
        "vappReplications.summary" => client.vapp_summary().await.map(drop),
        "vappReplications.get" => vapp().get().await.map(drop),
        "vappReplications.reconfigure" => vapp().start_reconfigure(&read(body)).await.map(drop),
        "vappReplications.stop" => vapp().start_delete().await.map(drop),
        "vappReplications.reconfigureDisks" => vapp().start_reconfigure_disks(&read(body)).await.map(drop),
        "vappReplications.failover" => vapp().start_failover(&vapp_failover(body)).await.map(drop),
        "vappReplications.failoverTest" => vapp().start_failover_test(&vapp_test(body)).await.map(drop),
        "vappReplications.failoverTestCleanup" => vapp().start_test_cleanup().await.map(drop),
        "vappReplications.migrate" => vapp().start_migrate(target(body)).await.map(drop),
        "vappReplications.pause" => vapp().start_pause().await.map(drop),
        "vappReplications.resume" => vapp().start_resume().await.map(drop),
        "vappReplications.sync" => vapp().start_sync().await.map(drop),
        "vappReplications.reverse" => vapp().start_reverse().await.map(drop),
        "vappReplications.networkSettings.get" => vapp().network_settings().await.map(drop),
        other => panic!("{}: no method for {other}", fixture.name),
    }
}

async fn send_plan(fixture: &Fixture, client: &VcdaClient) -> Result<(), CallError> {
    let body = &fixture.request["body"];
    let plan = || client.recovery_plan(&RecoveryPlanId::parse(segment(fixture, 2)).unwrap());
    let validate = body["validate"].as_bool();
    match fixture.operation.as_str() {
        "recoveryPlans.list" => client.recovery_plans().await.map(drop),
        "recoveryPlans.create" => client.create_recovery_plan(&read(body)).await.map(drop),
        "recoveryPlans.get" => plan().get().await.map(drop),
        "recoveryPlans.delete" => plan().delete().await,
        "recoveryPlans.clone" => plan().copy(&read(body)).await.map(drop),
        "recoveryPlans.steps.add" => plan().add_step(&read(body)).await.map(drop),
        "recoveryPlans.steps.move" => {
            let step = RecoveryStepId::parse(segment(fixture, 4)).unwrap();
            let place = number(&fixture.request, "newSequence").unwrap();
            plan().move_step(&step, place).await.map(drop)
        }
        "recoveryPlans.failover" => plan().start_failover(validate).await.map(drop),
        "recoveryPlans.migrate" => plan().start_migrate(validate).await.map(drop),
        "recoveryPlans.test" => plan().start_test(validate).await.map(drop),
        "recoveryPlans.testCleanup" => plan().start_test_cleanup().await.map(drop),
        other => panic!("{}: no method for {other}", fixture.name),
    }
}

async fn send_other(fixture: &Fixture, client: &VcdaClient) -> Result<(), CallError> {
    let request = &fixture.request;
    let body = &request["body"];
    match fixture.operation.as_str() {
        "sites.list" => client.sites().await.map(drop),
        "sites.pair" => client.start_pairing(&read(body)).await.map(drop),
        "sites.vcenterSites" => client.vcenter_sites().await.map(drop),
        "diagnostics.about" => client.about().await.map(drop),
        "diagnostics.health" => client.start_health_check().await.map(drop),
        "tasks.get" => client
            .task(&TaskId::parse(segment(fixture, 2)).unwrap())
            .await
            .map(drop),
        "tasks.list" => {
            let filter = TasksListQuery {
                resource_id: query(request, "resourceId"),
                type_: query(request, "type"),
                ids: query(request, "ids"),
                start_time_after: number(request, "startTimeAfter"),
                offset: number(request, "offset"),
                limit: number(request, "limit"),
                sort: query(request, "sort"),
                ..TasksListQuery::default()
            };
            client.list_tasks(&filter).await.map(drop)
        }
        "tasks.poll" => {
            let ids: Vec<TaskId> = serde_json::from_value(body.clone()).unwrap();
            client.poll_tasks(&ids).await.map(drop)
        }
        other => panic!("{}: no method for {other}", fixture.name),
    }
}

fn number(request: &Value, name: &str) -> Option<i64> {
    query(request, name).map(|number| number.parse().unwrap())
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

fn cloud_options(body: &Value) -> CloudOptions {
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    CloudOptions {
        placement_policy: text("placementPolicy"),
        sizing_policy: text("sizingPolicy"),
        copy_security_tags: body["copySecurityTags"].as_bool(),
    }
}

fn failover(body: &Value) -> FailoverSettings {
    let destination = match target(body) {
        Target::Vcloud => Destination::Vcloud(cloud_options(body)),
        Target::Vcenter => Destination::Vcenter(VcenterOptions {
            expose_points_in_time: body["snapshotOptions"] == "EXPOSE_PITS",
            hardware: body.get("customVirtualHardware").map(read),
        }),
    };
    let mut settings = FailoverSettings::new(destination, power(body), networks(body));
    if let Some(key) = body["instanceId"].as_str() {
        settings = settings.instance(key);
    }
    if body["consolidate"] == Value::Bool(true) || body["snapshotOptions"] == "CONSOLIDATE" {
        settings = settings.consolidate();
    }
    settings
}

fn vapp_networks(body: &Value) -> VappNetworks {
    let cards = &body["vmNetworkSettings"];
    let vapp = &body["vAppNetworkSettings"];
    if cards.is_null() && vapp.is_null() {
        return VappNetworks::Preconfigured;
    }
    let cards = cards.as_object().cloned().unwrap_or_default();
    VappNetworks::Explicit {
        cards: cards
            .iter()
            .map(|(vm, cards)| (vm.clone(), read(cards)))
            .collect(),
        vapp: (!vapp.is_null()).then(|| read(vapp)),
    }
}

fn instances(body: &Value) -> Vec<(VmReplicationId, String)> {
    let map = body["instanceMap"].as_object().cloned().unwrap_or_default();
    map.iter()
        .map(|(id, key)| {
            (
                VmReplicationId::parse(id.as_str()).unwrap(),
                key.as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

fn vapp_failover(body: &Value) -> VappFailover {
    let mut settings = match target(body) {
        Target::Vcloud => VappFailover::to_vcloud(cloud_options(body), power(body), vapp_networks(body)),
        Target::Vcenter => VappFailover::to_vcenter(power(body), vapp_networks(body)),
    };
    for (id, key) in instances(body) {
        settings = settings.instance(id, key);
    }
    if body["consolidate"] == Value::Bool(true) {
        settings = settings.consolidate();
    }
    match &body["snapshotOptions"] {
        Value::Null => settings,
        options => settings.snapshots(read(options)),
    }
}

fn vapp_test(body: &Value) -> VappFailoverTest {
    let from = match (body["sync"].as_bool().unwrap(), instances(body)) {
        (true, _) => VappTestFrom::Synchronised,
        (false, chosen) if chosen.is_empty() => VappTestFrom::Newest,
        (false, chosen) => VappTestFrom::Instances(chosen.into_iter().collect()),
    };
    match target(body) {
        Target::Vcloud => {
            VappFailoverTest::at_vcloud(cloud_options(body), power(body), vapp_networks(body), from)
        }
        Target::Vcenter => VappFailoverTest::at_vcenter(power(body), vapp_networks(body), from),
    }
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
    let settings = MigrateSettings::new(target(body), power(body), cards);
    match networks(body) {
        Networks::Explicit(networks) => settings.networks(*networks),
        Networks::Preconfigured | Networks::Disconnected { .. } => settings,
    }
}

/// Path and query parameters; the order of the parameters means nothing.
fn target_of(path: &str) -> (String, BTreeSet<String>) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query = query.split('&').filter(|pair| !pair.is_empty());
    (path.to_owned(), query.map(str::to_owned).collect())
}

/// A null member means the same as none, and so does a map of no instances.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(name, value)| !(value.is_null() || *name == "instanceMap" && **value == json!({})))
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
