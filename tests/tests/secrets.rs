//! No secret comes out: a run with everything on that writes something, and then a search for each secret that was in it.

use std::any::Any;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::panic;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use farside_cli::sample;
use farside_engine::{EndpointId, Mode, RunId, RunState};
use farside_failover::connection::{ConnectionErrorKind, Connections, Connector, HttpsConnector};
use farside_failover::driver::{self, Driver, Surroundings, Unobserved};
use farside_failover::kind;
use farside_failover::plan::{Document, EndpointConfig, Selection, resolve};
use farside_failover::preflight::Preflight;
use farside_failover::report::Report;
use farside_failover::runs;
use farside_failover::runs::Earlier;
use farside_journal::SqliteJournal;
use farside_models_vcenter::VchaClusterGetRequest;
use farside_models_vcenter::operation::VCHA_CLUSTER_GET;
use farside_simulator::serve::{ServeOptions, Served, serve};
use farside_simulator::{Simulator, WorldSpec};
use farside_tests::leak::Secrets;
use farside_tests::{Farside, Sim};
use farside_transport::testing::Recorder;
use farside_transport::{
    BodyTrace, Call, CallError, Clock, StackBuilder, StackSettings, SystemClock, Transport,
};
use http::{Request, Response};
use serde_json::json;
use tokio::sync::mpsc;

/// Headers whose values are secrets.
const SECRET_HEADERS: [&str; 3] = ["authorization", "vmware-api-session-id", "x-vcav-auth"];
/// Of the vCenter that manages the nodes of a cluster.
const PLACEMENT_PASSWORD: &str = "placement-hunter2-of-the-management-vcenter";

/// What is written while the test runs.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// All events and spans of this process, of every level.
fn log() -> Buffer {
    static LOG: OnceLock<Buffer> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Buffer::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(move || writer.clone());
        subscriber.init();
        log
    })
    .clone()
}

/// Sees the secrets that go over the wire.
struct Spy {
    inner: Arc<dyn Transport>,
    seen: Arc<Mutex<Secrets>>,
}

impl std::fmt::Debug for Spy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "spy > {:?}", self.inner)
    }
}

impl Spy {
    fn note(&self, headers: &http::HeaderMap) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for name in SECRET_HEADERS {
            for value in headers.get_all(name) {
                let value = value.to_str().expect("a text");
                let bare = value.strip_prefix("Basic ").unwrap_or(value);
                seen.add(&format!("a value of the header {name}"), bare);
            }
        }
    }
}

#[async_trait]
impl Transport for Spy {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        self.note(call.request.headers());
        let outcome = self.inner.send(call).await;
        if let Ok(answer) = &outcome {
            self.note(answer.headers());
        }
        outcome
    }
}

/// HTTPS, with a recorder around it and a spy below that.
#[derive(Clone, Debug, Default)]
struct Observed {
    seen: Arc<Mutex<Secrets>>,
    recorders: Arc<Mutex<BTreeMap<String, Arc<Recorder>>>>,
}

impl Connector for Observed {
    fn connect(
        &self,
        endpoint: &EndpointId,
        config: &EndpointConfig,
        address: &str,
    ) -> Result<Arc<dyn Transport>, ConnectionErrorKind> {
        let inner = HttpsConnector.connect(endpoint, config, address)?;
        let seen = Arc::clone(&self.seen);
        let recorder = Arc::new(Recorder::in_memory(Arc::new(Spy { inner, seen })));
        let mut recorders = self.recorders.lock().unwrap_or_else(PoisonError::into_inner);
        let name = format!("{endpoint}, connection {}", recorders.len());
        recorders.insert(name, Arc::clone(&recorder));
        Ok(recorder)
    }
}

/// Outputs by the name of the place where they stand.
type Outputs = BTreeMap<String, Vec<u8>>;

fn search(secrets: &Secrets, outputs: &Outputs) -> Vec<String> {
    secrets.found_in(
        outputs
            .iter()
            .map(|(place, bytes)| (place.as_str(), bytes.as_slice())),
    )
}

/// All files of the journals in a folder, those that say who owns a run included.
fn journal_files(folder: &Path) -> Outputs {
    let mut found = Outputs::new();
    for entry in fs::read_dir(folder).expect("the folder of the journal") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let is_of_a_journal =
            folder.to_string_lossy().contains("journal.db") || name.starts_with("journal.db");
        if path.is_dir() && is_of_a_journal {
            found.extend(journal_files(&path));
        } else if is_of_a_journal {
            found.insert(format!("the file {name}"), fs::read(&path).expect("its bytes"));
        }
    }
    found
}

fn settings() -> StackSettings {
    let mut settings = StackSettings::default();
    settings.bodies = Some(BodyTrace::default().with_limit(usize::MAX));
    settings
}

/// A call that carries credentials of another vCenter; what comes of it.
async fn ask_with_placement_credentials(
    connector: &Observed,
    document: &Document,
    clock: &Arc<dyn Clock>,
) -> CallError {
    let (endpoint, config) = document
        .endpoints
        .iter()
        .find(|(endpoint, _)| endpoint.as_str() == "vc-west")
        .expect("a vCenter");
    let transport = connector
        .connect(endpoint, config, &config.url)
        .expect("a transport");
    let spec: VchaClusterGetRequest = serde_json::from_value(json!({"vc_spec": {"active_location": {
        "hostname": "vc-management.example",
        "username": "operator",
        "password": PLACEMENT_PASSWORD,
        "ssl_thumbprint": "00",
    }}}))
    .expect("a request");
    let body = serde_json::to_vec(&spec).expect("JSON");
    assert!(String::from_utf8_lossy(&body).contains(PLACEMENT_PASSWORD));
    let request = Request::post("/api/vcenter/vcha/cluster?action=get")
        .header("content-type", "application/json")
        .body(Bytes::from(body))
        .expect("a request");
    let mut call = Call::new(&VCHA_CLUSTER_GET, "the cluster", request);
    call.anonymous = true;
    let stack = StackBuilder::new(transport, Arc::clone(clock))
        .settings(settings())
        .build();
    stack.send(call).await.expect_err("nobody has logged in")
}

/// What a panic says that shows all these.
fn panic_text(shown: &[&dyn std::fmt::Debug]) -> String {
    let caught: Box<dyn Any + Send> =
        panic::catch_unwind(panic::AssertUnwindSafe(|| panic!("{shown:#?}"))).expect_err("it panics");
    caught.downcast_ref::<String>().expect("its message").clone()
}

/// A loopback estate of all kinds of protection, and the plan for it.
async fn estate(folder: &Path, clock: &Arc<dyn Clock>) -> (Served, Document) {
    let world = WorldSpec::pair(7).groups(2).replications(2).build();
    let simulator = Simulator::new(world, Arc::clone(clock)).speed(20.0);
    let listen = "127.0.0.1:0".parse().expect("an address");
    let options = ServeOptions::at(listen);
    let served = serve(simulator.clone(), options).await.expect("a front");
    let path = folder.join("plan.toml");
    sample::write(&path, &served, &simulator.world().state()).expect("the sample plan");
    let text = fs::read_to_string(&path).expect("the sample plan");
    let text = text.replace("settle = \"20s\"", "settle = \"2s\"");
    let document = Document::parse(&path, &text, &kind::standard()).expect("a plan");
    (served, document)
}

/// Runs the plan with everything on; all that was put out, and all that must not stand in it.
async fn planned_run(folder: &Path) -> (Outputs, Secrets) {
    let log = log();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let (served, document) = estate(folder, &clock).await;
    let connector = Observed::default();
    let connections = Connections::new(
        document.endpoints.clone(),
        document.forbidden(Mode::Planned),
        Arc::new(connector.clone()),
        Arc::clone(&clock),
    );
    let world = Arc::new(connections.with_settings(settings()));
    let kinds = kind::standard();
    let plan = resolve(&document, &kinds, Mode::Planned, &Selection::default(), &|_| {
        Earlier::default()
    })
    .expect("a plan");
    let preflight = Preflight::run(&plan, &kinds, &world, &|_| Earlier::default()).await;

    let journal = SqliteJournal::open(folder.join("journal.db"))
        .await
        .expect("a journal");
    let begun = runs::begin(&journal, RunId::new("night"), plan, driver::now(clock.as_ref())).await;
    let (run, records) = begun.expect("a run");
    let around = Surroundings {
        kinds,
        world: Arc::clone(&world),
        clock: Arc::clone(&clock),
    };
    let (_keep, control) = mpsc::unbounded_channel();
    let run = Driver::new(run, records, around, control, Box::new(Unobserved))
        .drive()
        .await
        .expect("the run goes to its end");
    assert_eq!(run.state(), RunState::Ended);
    let error = ask_with_placement_credentials(&connector, &document, &clock).await;
    world.close().await;

    let report = Report::of(&run, driver::now(clock.as_ref()));
    assert_eq!(report.exit_code(), 0, "{}", report.full(100));
    let mut outputs = journal_files(folder);
    let mut put = |place: &str, text: String| outputs.insert(place.to_owned(), text.into_bytes());
    put(
        "the report as JSON",
        serde_json::to_string(&report).expect("JSON"),
    );
    put("the report as text", report.full(100));
    put("its summary", report.summary(100));
    put("the preflight", format!("{preflight:?}"));
    put(
        "a panic",
        panic_text(&[&world, &document, &connector, &served, &error, &run, &journal]),
    );
    let mut recorded = 0;
    for (endpoint, recorder) in connector.recorders.lock().expect("recorders").iter() {
        let text = recorder.text();
        recorded += text.lines().count();
        put(&format!("the recording of {endpoint}"), text);
    }
    assert!(recorded > 50, "{recorded} lines were recorded");
    served.shutdown().await;
    outputs.insert("the log".to_owned(), log.bytes());

    let mut secrets = connector.seen.lock().expect("what the spy saw").clone();
    for endpoint in document.endpoints.values() {
        let password = endpoint
            .password
            .read(clock.as_ref(), Duration::from_secs(10))
            .await
            .expect("a password");
        let what = format!("the password for {}", endpoint.url);
        secrets.add_credentials(&what, &endpoint.username, password.expose());
    }
    secrets.add("the password for the placement", PLACEMENT_PASSWORD);
    (outputs, secrets)
}

#[tokio::test]
async fn a_run_with_everything_on_puts_no_secret_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut outputs, secrets) = planned_run(folder.path()).await;
    // Four passwords, that of the placement, and the three headers: Basic, and the tokens of all dialects.
    assert_eq!(secrets.count(), 8);
    let log = String::from_utf8_lossy(&outputs["the log"]).into_owned();
    for written in ["request body", "response body", "***", "farside.target", "TRACE"] {
        assert!(log.contains(written), "the log has no {written}");
    }
    assert!(outputs.keys().any(|place| place.contains("journal.db")));
    let found = search(&secrets, &outputs);
    assert!(found.is_empty(), "{}", found.join("\n"));

    // The search can fail: whichever secret is put wherever is found there.
    let planted = PLACEMENT_PASSWORD.as_bytes();
    for (place, output) in &mut outputs {
        let middle = output.len() / 2;
        output.splice(middle..middle, planted.iter().copied());
        let expected = format!("the password for the placement stands in {place}");
        assert_eq!(
            secrets.found_in([(place.as_str(), output.as_slice())]),
            [expected]
        );
    }
    assert_eq!(search(&secrets, &outputs).len(), outputs.len());
}

/// The arguments of a running process.
fn arguments_of(process: u32) -> Vec<u8> {
    fs::read(format!("/proc/{process}/cmdline")).expect("the process runs")
}

#[test]
fn the_command_puts_no_password_out() {
    let user = Farside::new();
    let path = user.folder().join("plan.toml");
    let plan = path.to_str().expect("a plain path");
    let sim = Sim::start(
        &user,
        &["--groups", "1", "--replications", "1", "--sample-plan", plan],
    );
    let mut secrets = Secrets::default();
    for kind in ["vcenters", "vcda"] {
        for server in sim.ready[kind].as_array().expect("servers") {
            let text = |name: &str| server[name].as_str().expect("a text");
            let what = format!("the password for {}", text("url"));
            secrets.add_credentials(&what, text("username"), text("password"));
        }
    }
    assert_eq!(secrets.count(), 4);

    let mut outputs = Outputs::new();
    let commands: [&[&str]; 6] = [
        &[
            "check",
            "plan.toml",
            "--for",
            "planned",
            "--journal",
            "journal.db",
        ],
        &["check", "plan.toml", "--json", "--journal", "journal.db"],
        &[
            "run",
            "plan.toml",
            "--mode",
            "planned",
            "--yes",
            "--json",
            "--run-id",
            "night",
            "--journal",
            "journal.db",
        ],
        &["report", "night", "--journal", "journal.db"],
        &["report", "night", "--format", "json", "--journal", "journal.db"],
        &["status", "--json", "--journal", "journal.db"],
    ];
    for arguments in commands {
        let name = arguments.join(" ");
        let child = user
            .command(arguments)
            .env("FARSIDE_LOG", "trace")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("farside starts");
        outputs.insert(format!("the arguments of {name}"), arguments_of(child.id()));
        let ended = child.wait_with_output().expect("farside ends");
        assert_eq!(ended.status.code(), Some(0), "{name}");
        outputs.insert(format!("stdout of {name}"), ended.stdout);
        outputs.insert(format!("stderr of {name}"), ended.stderr);
    }
    let log = String::from_utf8_lossy(&outputs[&format!("stderr of {}", commands[2].join(" "))]).into_owned();
    assert!(
        log.contains("TRACE") || log.contains("DEBUG"),
        "nothing was traced"
    );
    outputs.extend(journal_files(user.folder()));
    let found = search(&secrets, &outputs);
    assert!(found.is_empty(), "{}", found.join("\n"));
}
