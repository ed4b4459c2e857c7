//! What a world costs: calls per second in process and over HTTPS, how they slow down as the world grows, memory of a group and
//! of a replication, and the time to build the world `large`. Prints lines of JSON for `cargo xtask bench`.
//!
//! The mix is what a recovery asks most: one replication, one task, one replication group, the session. Over HTTPS it is
//! compared with a bare hyper server behind the same TLS library that answers the same bytes; the two take turns, and a figure
//! is made of medians over the rounds.

mod bare;
mod client;
mod mix;

use std::time::{Duration, Instant};

use farside_simulator::serve::{ServeOptions, serve};
use farside_simulator::{Simulator, World, WorldSpec};
use farside_transport::SystemClock;
use peak_alloc::PeakAlloc;
use std::sync::Arc;

use mix::Mix;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const SEED: u64 = 7;
/// Groups, and as many replications, of the largest world that is measured.
const HUGE: u32 = 100_000;
const SMALL: u32 = 100;
/// Calls of one round in process.
const CALLS: usize = 20_000;
const ROUNDS: usize = 11;
const CONNECTIONS: usize = 16;
/// Calls of each connection in one round.
const CALLS_EACH: usize = 200;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        // Run as a test, there is nothing to measure.
        return;
    }
    memory();
    build();
    growth();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(https());
}

#[expect(clippy::print_stdout, reason = "the figures are the result")]
fn print(name: &str, value: f64, unit: &str) {
    println!(r#"{{"name":"{name}","value":{value:.4},"unit":"{unit}"}}"#);
}

#[expect(clippy::disallowed_methods, reason = "this measures time")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let outcome = work();
    (outcome, start.elapsed())
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

fn spec(groups: u32, replications: u32) -> WorldSpec {
    WorldSpec::pair(SEED).groups(groups).replications(replications)
}

/// Memory of what a world holds, per piece, from the difference of two worlds.
fn memory() {
    let held = |groups, replications| {
        let before = HEAP.current_usage();
        let world = spec(groups, replications).build();
        let bytes = HEAP.current_usage() - before;
        drop(world);
        f64::from(u32::try_from(bytes / 1024).expect("a size"))
    };
    let none = held(0, 0);
    print(
        "simulator-memory-group",
        (held(10_000, 0) - none) / 10_000.0,
        "KiB",
    );
    print(
        "simulator-memory-replication",
        (held(0, 10_000) - none) / 10_000.0,
        "KiB",
    );
}

/// The time to build the world `large`, beside the time to copy it.
fn build() {
    let mut built = Vec::new();
    let mut copied = Vec::new();
    for _ in 0..ROUNDS {
        let (world, time) = timed(|| WorldSpec::large(SEED).build());
        built.push(time);
        let (copy, time) = timed(|| world.clone());
        copied.push(time);
        drop((world, copy));
    }
    let built = median(built);
    print("simulator-build-large", built / median(copied), "copies");
    print("simulator-build-large-time", built * 1_000.0, "ms");
}

/// Seconds for one call of the mix in a world, and the time below which 99 of 100 calls stay.
fn in_process(world: &mut World, mix: &Mix) -> (f64, f64) {
    let rounds = (0..ROUNDS).map(|round| {
        let ((), time) = timed(|| {
            for number in 0..CALLS {
                mix.ask(world, round * CALLS + number);
            }
        });
        time
    });
    let mean = median(rounds.collect()) / f64::from(u32::try_from(CALLS).expect("a count"));
    let mut single: Vec<Duration> = (0..CALLS)
        .map(|number| timed(|| mix.ask(world, number)).1)
        .collect();
    single.sort();
    (mean, single[CALLS * 99 / 100].as_secs_f64())
}

/// How much longer calls take in a world of a thousand times the size.
fn growth() {
    let mut measured = Vec::new();
    for size in [SMALL, HUGE] {
        let mut world = spec(size, size).build();
        let mix = Mix::prepare(&mut world);
        measured.push(in_process(&mut world, &mix));
    }
    let [(small, _), (huge, slowest)] = measured[..] else {
        unreachable!("two worlds are measured");
    };
    print("simulator-calls-in-process", 1.0 / huge, "calls/s");
    print("simulator-slowest-in-process", slowest * 1_000.0, "ms");
    print("simulator-growth", huge / small, "times");
}

/// Calls per second over HTTPS, beside a bare server.
async fn https() {
    let mut world = WorldSpec::large(SEED).build();
    let mix = Mix::prepare(&mut world);
    let read = mix.replication(0);
    let body = mix.answer(&mut world, 0);
    let simulator = Simulator::new(world, Arc::new(SystemClock::new()));
    let served = serve(simulator, ServeOptions::at(([127, 0, 0, 1], 0).into()))
        .await
        .expect("it is served");
    let site = served
        .vcda
        .iter()
        .find(|site| site.site == "west")
        .expect("a site");
    let trust = served.authority_pem.clone().expect("an authority");
    let bare = bare::serve(body).await;
    let ours = client::Target::new(&site.url, &trust, &read);
    let theirs = client::Target::new(&bare.url, &bare.certificate_pem, &read);
    let (mut simulated, mut raw) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        simulated.push(client::round(&ours, CONNECTIONS, CALLS_EACH).await);
        raw.push(client::round(&theirs, CONNECTIONS, CALLS_EACH).await);
    }
    let calls = f64::from(u32::try_from(CONNECTIONS * CALLS_EACH).expect("a count"));
    let (simulated, raw) = (median(simulated), median(raw));
    print("simulator-calls-https", calls / simulated, "calls/s");
    print("simulator-https", raw / simulated, "of a bare server");
    served.shutdown().await;
}
