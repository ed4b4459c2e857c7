//! Ten thousand pieces of remote work of each kind, waited for at once: requests for each that ends, and memory of each
//! wait. Prints a line of JSON for each figure, for `cargo xtask bench`.
//!
//! Time is virtual, the servers are simulated ones in the same process; both figures are counts and no times. Work ends
//! spread over about a quarter of an hour.

use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use async_trait::async_trait;
use farside_simulator::{Simulator, WorldSpec};
use farside_transport::{
    CallError, Clock, OperationId, PollPolicy, RemoteOperation, SystemClock, TaskSource, TaskStatus,
    WaitError,
};
use farside_vasa::VasaClient;
use farside_vcda::{FailoverSettings, Networks, Power, Target, VcdaClient, VmReplicationId, poll_policy};
use farside_vim::VimClient;
use farside_wire::Secret;
use tokio::task::JoinSet;

const WAITS: u32 = 10_000;
const SEED: u64 = 7;
/// Longer than any work takes.
const LIMIT: Duration = Duration::from_secs(7_200);
/// Work ends within this time.
const SPREAD_MS: u32 = 900_000;

#[expect(clippy::print_stdout, reason = "the figures are the result")]
fn main() {
    if !env::args().any(|argument| argument == "--bench") {
        // Run as a test, there is nothing to measure.
        return;
    }
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime")
    };
    for (kind, crowd) in [
        ("vim", runtime().block_on(vim())),
        ("vcda", runtime().block_on(vcda())),
        ("sms", runtime().block_on(sms())),
        ("cis", runtime().block_on(cis())),
    ] {
        let requests = f64::from(u32::try_from(crowd.requests).expect("a count")) / f64::from(WAITS);
        println!(r#"{{"name":"wait-{kind}-requests","value":{requests:.4},"unit":"per task"}}"#);
        let kibibytes = f64::from(u32::try_from(crowd.bytes / 1024).expect("a size")) / f64::from(WAITS);
        println!(r#"{{"name":"wait-{kind}-memory","value":{kibibytes:.3},"unit":"KiB per wait"}}"#);
    }
}

/// What a crowd of waits cost.
struct Crowd {
    requests: u64,
    bytes: u64,
}

/// Waits for all of the work at once, and counts what it costs.
async fn wait_for_all<T: Send + 'static>(
    clock: Arc<SystemClock>,
    policy: PollPolicy,
    work: Vec<RemoteOperation<T>>,
    requests: impl Fn() -> u64,
) -> Crowd {
    let (asked_before, before) = (requests(), resident());
    let mut waits = JoinSet::new();
    for operation in work {
        let clock = Arc::clone(&clock);
        waits.spawn(async move {
            let outcome = operation.until_done(LIMIT, &*clock, policy).await;
            outcome.map(drop)
        });
    }
    // All of them have looked once, and none has ended.
    clock.sleep(Duration::from_secs(5)).await;
    let bytes = resident().saturating_sub(before);
    let outcomes: Vec<Result<(), WaitError>> = waits.join_all().await;
    assert_eq!(outcomes.len(), WAITS as usize);
    for outcome in outcomes {
        if let Err(error) = outcome {
            panic!("{error}: {:?}", error.kind());
        }
    }
    Crowd {
        requests: requests() - asked_before,
        bytes,
    }
}

/// Memory of this process in bytes.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("this benchmark needs Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kibibytes.expect("the resident size is told") * 1024
}

/// A world with its time.
struct Site {
    simulator: Simulator,
    clock: Arc<SystemClock>,
}

impl Site {
    fn new(spec: &WorldSpec) -> Self {
        let clock = Arc::new(SystemClock::new());
        Self {
            simulator: Simulator::new(spec.build(), clock.clone()),
            clock,
        }
    }

    fn credentials(&self, endpoint: &str) -> (String, Secret) {
        let world = self.simulator.world();
        let endpoint = world.endpoint(endpoint).expect("an endpoint");
        (endpoint.user.clone(), Secret::new(endpoint.password.clone()))
    }

    fn vim(&self) -> VimClient {
        let (user, password) = self.credentials("vc-west");
        let transport = Arc::new(self.simulator.transport("vc-west"));
        VimClient::builder(transport, user, password, self.clock.clone()).build()
    }

    /// Requests that have come to the world so far.
    fn requests(&self) -> u64 {
        let entries = self.simulator.world().calls().entries();
        entries.iter().map(|calls| calls.entry.attempts).sum()
    }
}

/// When a piece of work ends, in milliseconds from its start: spread evenly, and none at once.
fn end_ms(number: u32) -> u32 {
    10_000 + number * (SPREAD_MS / WAITS)
}

async fn vim() -> Crowd {
    let site = Site::new(&WorldSpec::pair(SEED).groups(0).replications(0));
    let client = site.vim();
    let attach = |number| {
        let task = site
            .simulator
            .world()
            .run_task("vc-west", end_ms(number), Ok(None));
        let id = OperationId::new(farside_vim::VIM_TASK, client.endpoint(), task);
        client.attach(id, farside_vim::no_result)
    };
    let work = (0..WAITS).map(attach).collect();
    wait_for_all(site.clock.clone(), PollPolicy::default(), work, || {
        site.requests()
    })
    .await
}

async fn vcda() -> Crowd {
    let site = Site::new(&WorldSpec::pair(SEED).groups(0).replications(WAITS));
    let (user, password) = site.credentials("west");
    let transport = Arc::new(site.simulator.transport("west"));
    let client = VcdaClient::builder(transport, "west", site.clock.clone())
        .credentials(user, password)
        .build()
        .expect("a client");
    let ids: Vec<VmReplicationId> = {
        let world = site.simulator.world();
        let replications = world.vcda().replications();
        replications
            .map(|replication| VmReplicationId::parse(replication.id.as_str()).expect("an id"))
            .collect()
    };
    let settings = FailoverSettings::new(Target::Vcloud, Power::Off, Networks::Preconfigured);
    let mut work = Vec::new();
    for id in &ids {
        let replication = client.vm_replication(id);
        work.push(
            replication
                .start_failover(&settings)
                .await
                .expect("a failover that is taken"),
        );
    }
    wait_for_all(site.clock.clone(), poll_policy(), work, || site.requests()).await
}

async fn sms() -> Crowd {
    let site = Site::new(&WorldSpec::pair(SEED).groups(WAITS).replications(0));
    let client = VasaClient::new(site.vim());
    let mut work = Vec::new();
    for provider in client.providers().await.expect("providers") {
        for group in client.all_groups(&provider.id).await.expect("groups") {
            let one = [group.id];
            let started = client.start_sync(&provider.id, &one, "crowd").await;
            work.push(started.expect("a sync that is taken"));
        }
    }
    wait_for_all(site.clock.clone(), PollPolicy::default(), work, || {
        site.requests()
    })
    .await
}

/// A crowd of cis tasks is no simulated vCenter's, which has one cluster: each look is answered here.
#[derive(Debug)]
struct Crowded {
    clock: Arc<SystemClock>,
    looks: Arc<std::sync::atomic::AtomicU64>,
}

#[async_trait]
impl TaskSource for Crowded {
    async fn poll(&self, id: &OperationId) -> Result<TaskStatus, CallError> {
        self.looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let number: u32 = id.id.parse().unwrap_or_default();
        let end = Duration::from_millis(u64::from(end_ms(number)));
        Ok(if self.clock.elapsed() < end {
            TaskStatus::Running { progress: None }
        } else {
            TaskStatus::Succeeded { result: None }
        })
    }
}

async fn cis() -> Crowd {
    let clock = Arc::new(SystemClock::new());
    let looks = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let source: Arc<dyn TaskSource> = Arc::new(Crowded {
        clock: Arc::clone(&clock),
        looks: Arc::clone(&looks),
    });
    let operation = |number: u32| {
        let id = OperationId::new("cis-task", "vcenter", number.to_string());
        RemoteOperation::new(id, Arc::clone(&source), farside_vim::no_result)
    };
    let work = (0..WAITS).map(operation).collect();
    let count = || looks.load(std::sync::atomic::Ordering::Relaxed);
    wait_for_all(clock, PollPolicy::default(), work, count).await
}
