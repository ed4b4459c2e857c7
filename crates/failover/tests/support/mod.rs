//! A plan driven against a simulated world, in process and in virtual time, as the command would drive it.

#![allow(dead_code, reason = "each test file uses its own part of this")]
#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use farside_engine::{EndpointId, Input, Mode, Run, RunId, RunState};
use farside_failover::connection::{ConnectionErrorKind, Connections, Connector};
use farside_failover::driver::{Driver, Observer, Surroundings, Unobserved, now};
use farside_failover::kind::{Kinds, standard};
use farside_failover::plan::{Document, EndpointConfig, RunSurroundings, Selection, resolve};
use farside_failover::preflight::Preflight;
use farside_failover::report::Report;
use farside_failover::runs::{self, History};
use farside_journal::{CrashPoint, Journal, MemoryJournal};
use farside_simulator::{FaultAction, FaultRule, Simulator, World, WorldSpec};
use farside_transport::{Clock, SystemClock, Transport};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// Connects an endpoint to the simulated one that its address names: `https://west` is endpoint `west`.
#[derive(Debug)]
pub(crate) struct SimConnector(pub(crate) Simulator);

impl Connector for SimConnector {
    fn connect(
        &self,
        _endpoint: &EndpointId,
        _config: &EndpointConfig,
        address: &str,
    ) -> Result<Arc<dyn Transport>, ConnectionErrorKind> {
        let host = address.trim_start_matches("https://");
        Ok(Arc::new(self.0.transport(host)))
    }
}

/// A simulated world with a journal and the passwords of its endpoints.
pub(crate) struct Bench {
    pub(crate) clock: Arc<SystemClock>,
    pub(crate) simulator: Simulator,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) kinds: Kinds,
    folder: TempDir,
    runs: std::cell::Cell<u32>,
}

/// What is left after a run.
pub(crate) struct Outcome {
    pub(crate) run: Run,
    pub(crate) report: Report,
}

impl Outcome {
    /// Done, failed, skipped, unknown.
    pub(crate) fn counts(&self) -> [usize; 4] {
        let items = &self.report.items;
        [items.done, items.failed, items.skipped, items.unknown]
    }

    /// All that the report says of the items.
    pub(crate) fn notes(&self) -> String {
        let mut text = String::new();
        for item in &self.report.details {
            let _ = writeln!(text, "{}: {} {:?}", item.name, item.result, item.notes);
        }
        text
    }

    /// The report says this of an item.
    #[track_caller]
    pub(crate) fn assert_says(&self, words: &str) {
        let notes = self.notes();
        assert!(notes.contains(words), "{words:?} is not in: {notes}");
    }
}

impl Bench {
    /// A world of this description, with a journal in memory.
    pub(crate) fn new(spec: &WorldSpec) -> Self {
        Self::with_journal(spec, Arc::new(MemoryJournal::new()))
    }

    /// A world of this description, with this journal.
    pub(crate) fn with_journal(spec: &WorldSpec, journal: Arc<dyn Journal>) -> Self {
        let clock = Arc::new(SystemClock::new());
        let bench = Self {
            simulator: Simulator::new(spec.build(), clock.clone()),
            clock,
            journal,
            kinds: standard(),
            folder: tempfile::tempdir().unwrap(),
            runs: std::cell::Cell::new(0),
        };
        for endpoint in bench.simulator.world().endpoints() {
            bench.set_password(&endpoint.name, &endpoint.password);
        }
        bench
    }

    /// Writes the password that is used for an endpoint.
    pub(crate) fn set_password(&self, endpoint: &str, password: &str) {
        let path = self.folder.path().join(endpoint);
        std::fs::write(&path, password).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// The world at this moment.
    pub(crate) fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.simulator.world()
    }

    /// Adds a fault rule.
    pub(crate) fn fault(&self, rule: FaultRule) {
        self.world().faults_mut().add(rule);
    }

    /// Drops the answer of the next call of this operation on each object that is named.
    pub(crate) fn drop_answers(&self, operation: &str, objects: &[String]) {
        for object in objects {
            self.fault(FaultRule::new(operation, FaultAction::DropAnswer).on(object));
        }
    }

    /// Fault rules that have not hit anything: a test that relies on them tests nothing.
    pub(crate) fn idle_faults(&self) -> usize {
        let world = self.world();
        world
            .faults()
            .active()
            .iter()
            .filter(|fault| fault.hits == 0)
            .count()
    }

    /// Effects of an operation, object by object, in the order of the objects' names.
    pub(crate) fn effects(&self, operation: &str) -> Vec<u64> {
        let entries = self.world().calls().entries();
        let of = entries.iter().filter(|calls| calls.operation == operation);
        of.map(|calls| calls.entry.effects).collect()
    }

    /// Calls of an operation that arrived, all objects together.
    pub(crate) fn attempts(&self, operation: &str) -> u64 {
        self.world().calls().of(operation).attempts
    }

    /// Actions that arrived while an earlier one on the same object was open.
    pub(crate) fn overlaps(&self) -> u64 {
        let entries = self.world().calls().entries();
        entries
            .iter()
            .map(|calls| calls.entry.attempts_while_unsettled)
            .sum()
    }

    /// Calls of all kinds that arrived at an endpoint, or would have if it could be reached.
    pub(crate) fn heard(&self, endpoint: &str) -> u64 {
        let world = self.world();
        world.calls().at(endpoint).attempts + world.endpoint(endpoint).unwrap().unheard
    }

    /// The head of a plan: both sites, and all endpoints of the world, each with a name of its own.
    pub(crate) fn plan_head(&self) -> String {
        let mut plan =
            "version = 1\nname = \"bench\"\nprotected_site = \"east\"\nrecovery_site = \"west\"\n\n\
                        [timing]\nsettle = \"2m\"\ndeadline = \"30m\"\n\n"
                .to_owned();
        let world = self.world();
        let is_further = |name: &str| name.ends_with("-node2");
        for endpoint in world.endpoints().filter(|endpoint| !is_further(&endpoint.name)) {
            let name = &endpoint.name;
            let (kind, site, id) = match name.strip_prefix("vc-") {
                Some(site) => ("vcenter", site, name.clone()),
                None => ("vcda", name.as_str(), format!("vcda-{name}")),
            };
            let password = self.folder.path().join(name);
            let _ = write!(
                plan,
                "[endpoints.{id}]\ntype = \"{kind}\"\nsite = \"{site}\"\nurl = \"https://{name}\"\n\
                 username = \"{}\"\npassword = {{ file = \"{}\" }}\nmax_calls = 8\n\n",
                endpoint.user,
                password.display()
            );
            let further = format!("{name}-node2");
            if world.endpoint(&further).is_some() {
                plan.truncate(plan.trim_end().len());
                let _ = write!(plan, "\nalso_at = [\"https://{further}\"]\n\n");
            }
        }
        plan + "[[groups]]\nname = \"first\"\n\n[[groups]]\nname = \"second\"\n\n"
    }

    /// Reads a plan.
    pub(crate) fn document(&self, text: &str) -> Document {
        Document::parse(&self.folder.path().join("plan.toml"), text, &self.kinds)
            .unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    /// What is wrong with a plan.
    pub(crate) fn problem(&self, text: &str) -> String {
        let read = Document::parse(&self.folder.path().join("plan.toml"), text, &self.kinds);
        read.unwrap_err().to_string()
    }

    /// The servers of a plan in a mode.
    pub(crate) fn connections(&self, document: &Document, mode: Mode) -> Arc<Connections> {
        let surroundings = RunSurroundings {
            endpoints: document.endpoints.clone(),
            forbidden: document.forbidden(mode),
        };
        let connector = Arc::new(SimConnector(self.simulator.clone()));
        let clock = self.clock.clone();
        Arc::new(Connections::new(
            surroundings.endpoints,
            surroundings.forbidden,
            connector,
            clock,
        ))
    }

    /// Asks the servers whether a mode can be run.
    pub(crate) async fn check(&self, plan: &str, mode: Mode) -> Preflight {
        let document = self.document(plan);
        let history = History::read(&self.journal).await.unwrap();
        let earlier = |locks: &[farside_engine::LockKey]| history.earlier(locks);
        let plan = resolve(&document, &self.kinds, mode, &Selection::default(), &earlier).unwrap();
        let world = self.connections(&document, mode);
        let preflight = Preflight::run(&plan, &self.kinds, &world, &earlier).await;
        world.close().await;
        preflight
    }

    /// Runs a plan in a mode to its end.
    pub(crate) async fn run(&self, plan: &str, mode: Mode) -> Outcome {
        self.run_watched(plan, mode, Box::new(Unobserved)).await
    }

    /// Runs a plan in a mode to its end, before the eyes of an observer.
    pub(crate) async fn run_watched(&self, plan: &str, mode: Mode, observer: Box<dyn Observer>) -> Outcome {
        let (driver, world, _control) = self.driver(plan, mode, observer).await;
        let run = driver.drive().await.unwrap();
        world.close().await;
        self.outcome(run)
    }

    /// A planned run in a world of this description whose journal crashes at a write, taken up and brought to its end; none if the run
    /// ended without that write.
    pub(crate) async fn crashed(
        spec: &WorldSpec,
        plan: fn(&Self) -> String,
        write: u64,
        point: CrashPoint,
    ) -> Option<(Self, Outcome)> {
        let journal = MemoryJournal::new();
        let bench = Self::with_journal(spec, Arc::new(journal.clone()));
        let plan = plan(&bench);
        journal.crash_at_write(write, point);
        let (driver, world, _control) = bench.driver(&plan, Mode::Planned, Box::new(Unobserved)).await;
        let first = driver.drive().await;
        drop(world);
        if first.is_ok() {
            return None;
        }
        journal.restart();
        bench.pass(Duration::from_secs(1)).await;
        let id = RunId::new("run-1-planned");
        let known = runs::read(&journal, &id).await.unwrap();
        let outcome = match known.state() {
            RunState::Ended => bench.outcome(known),
            RunState::Running | RunState::Stopped => bench.resume(&plan, &id).await,
        };
        Some((bench, outcome))
    }

    /// A driver of a fresh run, its servers, and what gives it orders.
    pub(crate) async fn driver(
        &self,
        plan: &str,
        mode: Mode,
        observer: Box<dyn Observer>,
    ) -> (Driver, Arc<Connections>, UnboundedSender<Input>) {
        let document = self.document(plan);
        let history = History::read(&self.journal).await.unwrap();
        let earlier = |locks: &[farside_engine::LockKey]| history.earlier(locks);
        let resolved = resolve(&document, &self.kinds, mode, &Selection::default(), &earlier).unwrap();
        self.runs.set(self.runs.get() + 1);
        let id = RunId::new(format!("run-{}-{mode}", self.runs.get()));
        let at = now(self.clock.as_ref());
        let (run, log) = runs::begin(self.journal.as_ref(), id, resolved, at)
            .await
            .unwrap();
        let world = self.connections(&document, mode);
        let (orders, control) = unbounded_channel();
        let around = self.surroundings(world.clone());
        (Driver::new(run, log, around, control, observer), world, orders)
    }

    /// Takes a run up again and drives it to its end.
    pub(crate) async fn resume(&self, plan: &str, id: &RunId) -> Outcome {
        let document = self.document(plan);
        let at = now(self.clock.as_ref());
        let (run, log) = runs::take_up(self.journal.as_ref(), id, at).await.unwrap();
        let world = self.connections(&document, run.plan().mode);
        let (_orders, control) = unbounded_channel();
        let around = self.surroundings(world.clone());
        let driver = Driver::new(run, log, around, control, Box::new(Unobserved));
        let run = driver.drive().await.unwrap();
        world.close().await;
        self.outcome(run)
    }

    /// What a run has come to.
    pub(crate) fn outcome(&self, run: Run) -> Outcome {
        let report = Report::of(&run, now(self.clock.as_ref()));
        Outcome { run, report }
    }

    /// Lets time pass.
    pub(crate) async fn pass(&self, time: Duration) {
        self.clock.sleep(time).await;
    }

    fn surroundings(&self, world: Arc<Connections>) -> Surroundings {
        Surroundings {
            kinds: self.kinds.clone(),
            world,
            clock: self.clock.clone(),
        }
    }
}

/// A path that tests may write to.
pub(crate) fn journal_path(folder: &Path) -> std::path::PathBuf {
    folder.join("journal.db")
}
