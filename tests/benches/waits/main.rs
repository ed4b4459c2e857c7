//! Ten thousand pieces of remote work of each kind, waited for at once: requests for each that ends, and memory of each
//! wait. Prints a line of JSON for each figure, for `cargo xtask bench`.
//!
//! Time is virtual, the servers are simulated ones in the same process. Memory is what lies on the heap for the client and
//! its waits, to the byte, from the client's making on; what the simulator holds is told apart from it ([`heap`]). It is
//! looked at each second until the last wait has ended, and the most is the figure. Work ends spread over about a quarter of
//! an hour, unless its kind is quicker.

mod heap;
mod server;

use std::env;
use std::sync::Arc;
use std::time::Duration;

use farside_simulator::{Simulator, WorldSpec};
use farside_transport::{Clock, OperationId, PollPolicy, RemoteOperation, SystemClock, WaitError};
use farside_vasa::VasaClient;
use farside_vcda::{FailoverSettings, Networks, Power, Target, VcdaClient, VmReplicationId, poll_policy};
use farside_vcha::{CIS_TASK, VchaClient};
use farside_vim::VimClient;
use farside_wire::Secret;
use tokio::task::JoinSet;

use server::{ManyTasks, Meter, Simulated};

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

/// A place where memory and requests are counted from.
struct Start {
    meter: Meter,
    bytes: i64,
}

impl Start {
    /// From here on, what lies on the heap is a cost of waiting.
    fn now(meter: &Meter) -> Self {
        Self {
            meter: meter.clone(),
            bytes: heap::ours(),
        }
    }

    /// Waits for all of the work at once, and counts what that costs.
    async fn wait_for_all<T: Send + 'static>(
        self,
        clock: Arc<SystemClock>,
        policy: PollPolicy,
        work: Vec<RemoteOperation<T>>,
    ) -> Crowd {
        assert_eq!(work.len(), WAITS as usize);
        self.meter.take_time();
        let asked_before = self.meter.requests();
        let mut waits = JoinSet::new();
        for operation in work {
            let clock = Arc::clone(&clock);
            waits.spawn(async move {
                let outcome = operation.until_done(LIMIT, &*clock, policy).await;
                outcome.map(drop)
            });
        }
        let mut most = 0;
        let mut ended = 0;
        while ended < WAITS {
            clock.sleep(Duration::from_secs(1)).await;
            most = most.max(heap::ours() - self.bytes);
            while let Some(outcome) = waits.try_join_next() {
                ended += 1;
                succeeded(outcome.expect("a wait does not panic"));
            }
        }
        Crowd {
            requests: self.meter.requests() - asked_before,
            bytes: u64::try_from(most).expect("waiting takes memory"),
        }
    }
}

fn succeeded(outcome: Result<(), WaitError>) {
    if let Err(error) = outcome {
        panic!("{error}: {:?}", error.kind());
    }
}

/// A world with its time.
struct Site {
    simulator: Simulator,
    clock: Arc<SystemClock>,
    meter: Meter,
}

impl Site {
    fn new(spec: &WorldSpec) -> Self {
        let clock = Arc::new(SystemClock::new());
        Self {
            simulator: heap::simulator(|| Simulator::new(spec.build(), clock.clone())),
            meter: Meter::new(Arc::clone(&clock)),
            clock,
        }
    }

    fn credentials(&self, endpoint: &str) -> (String, Secret) {
        let world = self.simulator.world();
        let endpoint = world.endpoint(endpoint).expect("an endpoint");
        (endpoint.user.clone(), Secret::new(endpoint.password.clone()))
    }

    fn transport(&self, endpoint: &str) -> Arc<Simulated> {
        Arc::new(Simulated {
            endpoint: self.simulator.transport(endpoint),
            meter: self.meter.clone(),
        })
    }

    fn vim(&self) -> VimClient {
        let (user, password) = self.credentials("vc-west");
        VimClient::builder(self.transport("vc-west"), user, password, self.clock.clone()).build()
    }
}

/// When a piece of work ends, from its start: spread evenly, and none at once.
fn end(number: u32) -> Duration {
    Duration::from_millis(u64::from(end_ms(number)))
}

fn end_ms(number: u32) -> u32 {
    10_000 + number * (SPREAD_MS / WAITS)
}

async fn vim() -> Crowd {
    let site = Site::new(&WorldSpec::pair(SEED).groups(0).replications(0));
    let start = Start::now(&site.meter);
    let client = site.vim();
    let mut work = Vec::new();
    for number in 0..WAITS {
        let task = heap::simulator(|| {
            let mut world = site.simulator.world();
            world.run_task("vc-west", end_ms(number), Ok(None))
        });
        let id = OperationId::new(farside_vim::VIM_TASK, client.endpoint(), task.as_str());
        let wait = client.attach(id, farside_vim::no_result);
        work.push(wait.expect("a task of this vCenter"));
        heap::simulator(|| drop(task));
    }
    start
        .wait_for_all(site.clock.clone(), PollPolicy::default(), work)
        .await
}

async fn vcda() -> Crowd {
    let site = Site::new(&WorldSpec::pair(SEED).groups(0).replications(WAITS));
    let (user, password) = site.credentials("west");
    let ids: Vec<VmReplicationId> = {
        let world = site.simulator.world();
        let replications = world.vcda().replications();
        replications
            .map(|replication| VmReplicationId::parse(replication.id.as_str()).expect("an id"))
            .collect()
    };
    let settings = FailoverSettings::new(Target::Vcloud, Power::Off, Networks::Preconfigured);
    let start = Start::now(&site.meter);
    let client = VcdaClient::builder(site.transport("west"), "west", site.clock.clone())
        .credentials(user, password)
        .build()
        .expect("a client");
    let mut work = Vec::new();
    for id in &ids {
        let replication = client.vm_replication(id);
        let started = replication.start_failover(&settings).await;
        work.push(started.expect("a failover that is taken"));
    }
    start.wait_for_all(site.clock.clone(), poll_policy(), work).await
}

async fn sms() -> Crowd {
    let site = Site::new(&WorldSpec::pair(SEED).groups(WAITS).replications(0));
    let client = VasaClient::new(site.vim());
    let mut groups = Vec::new();
    for provider in client.providers().await.expect("providers") {
        for group in client.all_groups(&provider.id).await.expect("groups") {
            groups.push((provider.id.clone(), group.id));
        }
    }
    let start = Start::now(&site.meter);
    let mut work = Vec::new();
    for (provider, group) in &groups {
        let started = client
            .start_sync(provider, std::slice::from_ref(group), "crowd")
            .await;
        work.push(started.expect("a sync that is taken"));
    }
    start
        .wait_for_all(site.clock.clone(), PollPolicy::default(), work)
        .await
}

async fn cis() -> Crowd {
    let clock = Arc::new(SystemClock::new());
    let meter = Meter::new(Arc::clone(&clock));
    let start = Start::now(&meter);
    let transport = Arc::new(ManyTasks { meter, ends: end });
    let client = VchaClient::builder("vcenter", transport, "user", Secret::new("password"))
        .clock(clock.clone())
        .build();
    let client = Arc::new(client);
    let operation = |number: u32| {
        let id = OperationId::new(CIS_TASK, client.endpoint(), number.to_string());
        client.operation(id).expect("an id of this client")
    };
    let work = (0..WAITS).map(operation).collect();
    start.wait_for_all(clock, PollPolicy::default(), work).await
}
