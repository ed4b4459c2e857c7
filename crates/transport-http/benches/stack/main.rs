//! What the layers of a client cost: a typed read through all of them against the raw client of hyper-util, both over TLS
//! to one server, both collecting the body and decoding it with serde_json. Prints lines of JSON for `cargo xtask bench`.
//!
//! Many short rounds of the two take turns, and a figure is made of the medians over the rounds: what else the machine does
//! hits both.
//! Tracing is compiled in and nobody listens.

mod answer;
mod raw;
mod server;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use farside_transport::{
    Call, CallError, SessionScheme, SessionToken, Stack, StackBuilder, StackSettings, SystemClock, Transport,
};
use farside_transport_http::{HttpTransport, Pin};
use farside_wire::{Method, Operation, Repeat, Secret, Service};
use http::{HeaderName, Request, Response};
use nix::sys::resource::{UsageWho, getrusage};
use sha2::{Digest as _, Sha256};

use answer::Page;
use raw::Raw;
use server::Server;

const PATH: &str = "/tasks?offset=0&limit=8";
const SESSION_HEADER: &str = "x-vcav-auth";
const TOKEN: &str = "0b0b0b0b-1111-4222-8333-444455556666";

const ROUNDS: usize = 101;
const IN_FLIGHT: usize = 64;
/// Calls of each of those in flight in one round.
const CALLS_EACH: usize = 20;
/// Calls of one round, one after the other.
const CALLS_ALONE: usize = 300;
const MANY_CALLS: usize = 1_000_000;

const READ: Operation = Operation {
    id: "tasks.list",
    service: Service::Vcda,
    method: Method::Get,
    path: "/tasks",
    query: "",
    repeat: Repeat::Harmless,
    since: None,
    privileges: &[],
    faults: &[],
    refused_before_acting: &[],
    anonymous: false,
    secrets: &[],
};

/// Sessions whose log-in costs nothing; all else is done as ever.
#[derive(Debug)]
struct Scheme;

#[async_trait]
impl SessionScheme for Scheme {
    async fn log_in(&self, _via: &dyn Transport) -> Result<SessionToken, CallError> {
        Ok(SessionToken::new(Secret::new(TOKEN)))
    }

    fn authorize(&self, token: &SessionToken, request: &mut Request<Bytes>) {
        token.put_into_header(request, HeaderName::from_static(SESSION_HEADER));
    }

    fn is_dead(&self, outcome: &Result<Response<Bytes>, CallError>) -> bool {
        outcome
            .as_ref()
            .is_err_and(|error| error.status().is_some_and(|status| status == 401))
    }

    async fn log_out(&self, _via: &dyn Transport, _token: &SessionToken) -> Result<(), CallError> {
        Ok(())
    }
}

fn stack(server: &Server) -> Arc<Stack> {
    let pin = Pin::new(Sha256::digest(&server.certificate).into());
    let http = HttpTransport::builder(&format!("https://localhost:{}", server.port))
        .pin(pin)
        .build()
        .expect("a transport");
    let mut settings = StackSettings::default();
    settings.calls_in_flight = IN_FLIGHT;
    StackBuilder::new(Arc::new(http), Arc::new(SystemClock::new()))
        .endpoint("west")
        .session(Arc::new(Scheme))
        .settings(settings)
        .build()
}

/// One read through all layers.
async fn read(stack: &Stack) -> Page {
    let request = Request::get(PATH)
        .header("accept", "application/json")
        .body(Bytes::new())
        .expect("a request");
    let call = Call::new(&READ, "the tasks", request);
    let context = call.context();
    let answer = stack.send(call).await.expect("an answer");
    context.decode(&answer).expect("a page")
}

/// Makes `each` calls in each of 64 tasks; the time it took.
async fn crowd<F>(each: usize, call: impl Fn() -> F + Clone + Send + 'static) -> Duration
where
    F: Future<Output = Page> + Send,
{
    let start = now();
    let tasks: Vec<_> = (0..IN_FLIGHT)
        .map(|_| {
            let call = call.clone();
            tokio::spawn(async move {
                for _ in 0..each {
                    assert!(call().await.is_whole());
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("all calls went well");
    }
    now() - start
}

/// Makes calls one after the other; the processor time that each took, in microseconds.
async fn alone<F: Future<Output = Page>>(call: impl Fn() -> F) -> f64 {
    let start = processor_time();
    for _ in 0..CALLS_ALONE {
        assert!(call().await.is_whole());
    }
    (processor_time() - start) * 1e6 / CALLS_ALONE as f64
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}

/// Of this process, all its threads, in seconds.
fn processor_time() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("the kernel tells it");
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    seconds(usage.user_time()) + seconds(usage.system_time())
}

/// Resident memory of this process, in MiB.
fn memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this benchmark needs Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    kibibytes.expect("the kernel tells the size") / 1024.0
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[expect(clippy::print_stdout, reason = "the figure is the result")]
fn figure(name: &str, value: f64, unit: &str) {
    println!(r#"{{"name":"{name}","value":{value:.3},"unit":"{unit}"}}"#);
}

async fn measure() {
    let server = Server::start();
    let (raw, stack) = (Raw::new(&server), stack(&server));
    let through_raw = move || {
        let raw = raw.clone();
        async move { raw.read().await }
    };
    let through_stack = move || {
        let stack = Arc::clone(&stack);
        async move { read(&stack).await }
    };
    crowd(CALLS_EACH, through_raw.clone()).await;
    crowd(CALLS_EACH, through_stack.clone()).await;

    let (mut raw, mut stack) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        raw.push(crowd(CALLS_EACH, through_raw.clone()).await.as_secs_f64());
        stack.push(crowd(CALLS_EACH, through_stack.clone()).await.as_secs_f64());
    }
    figure("stack-throughput", median(raw) / median(stack), "x raw");

    let (mut raw, mut stack) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        raw.push(alone(&through_raw).await);
        stack.push(alone(&through_stack).await);
    }
    let (raw, stack) = (median(raw), median(stack));
    figure("raw-processor-time", raw, "us/call");
    figure("stack-processor-time", stack - raw, "us/call");

    let before = memory();
    crowd(MANY_CALLS / IN_FLIGHT, through_stack).await;
    figure("stack-memory-growth", memory() - before, "MiB");
}

fn main() -> ExitCode {
    if server::is_asked_for() {
        server::run();
    } else if std::env::args().any(|argument| argument == "--bench") {
        // On one thread, so that calls do not wait for threads to wake each other.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(measure());
    }
    ExitCode::SUCCESS
}
