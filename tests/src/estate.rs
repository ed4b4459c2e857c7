//! A simulated estate in this process, under virtual time: world, plan, journal and driver, with crashes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use farside_cli::sample::{self, Server};
use farside_engine::{EndpointId, LockKey, Mode, Run, RunId, RunState};
use farside_failover::connection::{ConnectionErrorKind, Connections, Connector};
use farside_failover::driver::{self, DriveError, Driver, Surroundings, Unobserved};
use farside_failover::kind::Kinds;
use farside_failover::plan::{Document, EndpointConfig, Selection, resolve};
use farside_failover::preflight::Preflight;
use farside_failover::runs;
use farside_journal::{Journal, MemoryJournal};
use farside_simulator::{Simulator, WorldSpec};
use farside_transport::{Clock, StackSettings, SystemClock, Transport};
use serde_json::{Value, json};

/// A world with a plan for all of it.
pub struct Estate {
    /// The world on its clock.
    pub simulator: Simulator,
    /// The journal; it can be told to crash.
    pub journal: MemoryJournal,
    clock: Arc<dyn Clock>,
    document: Document,
    kinds: Kinds,
    /// Seed of the pauses between repeats of a call, so that a run can be repeated.
    seed: u64,
    _secrets: tempfile::TempDir,
}

/// A small generator, so that a failing seed can be repeated.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, smaller than `bound`, which is more than zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Talks to the simulated world without a network.
#[derive(Debug)]
struct InProcess(Simulator);

impl Connector for InProcess {
    fn connect(
        &self,
        endpoint: &EndpointId,
        _config: &EndpointConfig,
        _address: &str,
    ) -> Result<Arc<dyn Transport>, ConnectionErrorKind> {
        let name = endpoint.as_str();
        Ok(Arc::new(
            self.0.transport(name.strip_prefix("vcda-").unwrap_or(name)),
        ))
    }
}

impl Estate {
    /// A world of this description, driven with these kinds of protection. Needs a tokio runtime; its time is the world's.
    ///
    /// # Panics
    /// The sample plan is not a plan.
    pub fn new(world: &WorldSpec, kinds: Kinds) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let simulator = Simulator::new(world.build(), Arc::clone(&clock));
        let secrets = tempfile::tempdir().expect("a temporary folder");
        let text = {
            let world = simulator.world();
            let servers: Vec<Server> = world
                .endpoints()
                .filter(|endpoint| world.home_of(&endpoint.name).is_none())
                .map(|endpoint| {
                    let endpoint_type = if endpoint.name.starts_with("vc-") {
                        "vcenter"
                    } else {
                        "vcda"
                    };
                    let name = sample::endpoint_name(&endpoint.name, endpoint_type);
                    Server {
                        name: endpoint.name.clone(),
                        endpoint_type,
                        url: format!("https://{}.sim.invalid", endpoint.name),
                        also_at: Vec::new(),
                        pin: None,
                        username: endpoint.user.clone(),
                        password_file: sample::write_secret(secrets.path(), &name, &endpoint.password)
                            .expect("a password file"),
                    }
                })
                .collect();
            sample::plan(&servers, &world.state()).expect("two sites")
        };
        let document = Document::parse(Path::new("plan.toml"), &text, &kinds).expect("the sample plan");
        Self {
            simulator,
            journal: MemoryJournal::new(),
            clock,
            document,
            kinds,
            seed: world.seed,
            _secrets: secrets,
        }
    }

    /// Runs the plan in `mode` to its end, taking it up again after every crash of the journal.
    ///
    /// # Panics
    /// The run cannot be begun or taken up, or it crashes without end.
    pub async fn run(&mut self, mode: Mode) -> Run {
        let id = RunId::new(format!("{mode}-{}", self.journal.writes()));
        let history = self.history().await;
        let earlier = |locks: &[LockKey]| history.earlier(locks);
        let plan = resolve(&self.document, &self.kinds, mode, &Selection::default(), &earlier)
            .expect("a runnable plan");
        let begun = runs::begin(&self.journal, id.clone(), plan, driver::now(self.clock.as_ref())).await;
        let mut driven = match begun {
            Ok((run, log)) => Some(self.drive(run, log, mode).await),
            Err(_) if self.journal.has_crashed() => None,
            Err(error) => panic!("the run cannot begin: {error:?}"),
        };
        for _ in 0..100 {
            match driven {
                Some(Ok(run)) => return run,
                Some(Err(DriveError::Journal { .. })) | None if self.journal.has_crashed() => {}
                Some(Err(error)) => panic!("the run stopped: {error:?}"),
                None => panic!("the run did not begin"),
            }
            self.journal.restart();
            // The crash may have hit the very last write: then there is nothing left to drive.
            if let Ok(run) = runs::read(&self.journal, &id).await
                && run.state() == RunState::Ended
            {
                return run;
            }
            let taken = runs::take_up(&self.journal, &id, driver::now(self.clock.as_ref())).await;
            driven = match taken {
                Ok((run, log)) => Some(self.drive(run, log, mode).await),
                Err(_) if self.journal.has_crashed() => None,
                Err(error) => panic!("the run cannot be taken up: {error:?}"),
            };
        }
        panic!("the run crashed a hundred times")
    }

    /// Lets time pass.
    pub async fn pass(&self, time: Duration) {
        self.clock.sleep(time).await;
    }

    /// Asks what a run in `mode` would be told before it.
    ///
    /// # Panics
    /// The plan cannot be run in this mode.
    pub async fn check(&self, mode: Mode) -> Preflight {
        let history = self.history().await;
        let earlier = |locks: &[LockKey]| history.earlier(locks);
        let plan = resolve(&self.document, &self.kinds, mode, &Selection::default(), &earlier)
            .expect("a runnable plan");
        let world = self.connections(mode);
        let check = Preflight::run(&plan, &self.kinds, &world, &earlier).await;
        world.close().await;
        check
    }

    async fn history(&self) -> runs::History {
        let journal: Arc<dyn Journal> = Arc::new(self.journal.clone());
        runs::History::read(&journal).await.expect("a readable journal")
    }

    async fn drive(
        &self,
        run: Run,
        log: Box<dyn farside_journal::RunLog>,
        mode: Mode,
    ) -> Result<Run, DriveError> {
        let around = Surroundings {
            kinds: self.kinds.clone(),
            world: Arc::new(self.connections(mode)),
            clock: Arc::clone(&self.clock),
        };
        let (_keep, control) = tokio::sync::mpsc::unbounded_channel();
        Driver::new(run, log, around, control, Box::new(Unobserved))
            .drive()
            .await
    }

    fn connections(&self, mode: Mode) -> Connections {
        let connector = Arc::new(InProcess(self.simulator.clone()));
        let mut settings = StackSettings::default();
        settings.retry_seed = self.seed;
        let world = Connections::new(
            self.document.endpoints.clone(),
            self.document.forbidden(mode),
            connector,
            Arc::clone(&self.clock),
        );
        world.with_settings(settings)
    }

    /// The world's log of calls, as the admin endpoint shows it.
    pub fn calls(&self) -> Value {
        json!({"calls": self.simulator.world().calls().entries()})
    }
}
