//! The servers: simulated ones behind a border at which memory changes hands, and a vCenter with many cis tasks.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use farside_simulator::SimTransport;
use farside_transport::{Call, CallError, Clock, SystemClock, Transport};
use http::Response;

use crate::heap;

/// How long an answer is on its way while waits are measured: enough for looks to queue where there is one for each wait.
const LATENCY: Duration = Duration::from_millis(50);

/// What has been asked of a server, and how fast it answers.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    clock: Arc<SystemClock>,
    requests: Arc<AtomicU64>,
    latency_ms: Arc<AtomicU64>,
}

impl Meter {
    pub(crate) fn new(clock: Arc<SystemClock>) -> Self {
        Self {
            clock,
            requests: Arc::default(),
            latency_ms: Arc::default(),
        }
    }

    /// Requests so far.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// From here on answers take their time.
    pub(crate) fn take_time(&self) {
        let latency = u64::try_from(LATENCY.as_millis()).expect("a short time");
        self.latency_ms.store(latency, Ordering::Relaxed);
    }

    async fn count(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let latency = self.latency_ms.load(Ordering::Relaxed);
        if latency > 0 {
            self.clock.sleep(Duration::from_millis(latency)).await;
        }
    }
}

/// A simulated endpoint. What the simulator needs is on its account; requests and answers belong to the client.
#[derive(Debug)]
pub(crate) struct Simulated {
    pub(crate) endpoint: SimTransport,
    pub(crate) meter: Meter,
}

#[async_trait]
impl Transport for Simulated {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        self.meter.count().await;
        let theirs = heap::simulator(|| {
            let mut copy = call.clone();
            *copy.request.body_mut() = Bytes::copy_from_slice(call.request.body());
            copy
        });
        drop(call);
        let sending = heap::simulator(|| self.endpoint.send(theirs));
        let answer = Theirs(Some(sending)).await?;
        let (parts, body) = answer.into_parts();
        let mut ours = Response::new(Bytes::copy_from_slice(&body));
        *ours.status_mut() = parts.status;
        *ours.headers_mut() = parts.headers.clone();
        heap::simulator(|| drop((parts, body)));
        Ok(ours)
    }
}

/// A future of the simulator's: whatever it does is on its account.
struct Theirs<F: Future + Unpin>(Option<F>);

impl<F: Future + Unpin> Future for Theirs<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let future = self.0.as_mut().expect("it is there until it is dropped");
        heap::simulator(|| Pin::new(future).poll(context))
    }
}

impl<F: Future + Unpin> Drop for Theirs<F> {
    fn drop(&mut self) {
        heap::simulator(|| self.0 = None);
    }
}

/// A vCenter with any number of cis tasks, which a simulated one has not: it has one cluster.
#[derive(Debug)]
pub(crate) struct ManyTasks {
    pub(crate) meter: Meter,
    /// When a task ends, by its number.
    pub(crate) ends: fn(u32) -> Duration,
}

#[async_trait]
impl Transport for ManyTasks {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        self.meter.count().await;
        let task = call.request.uri().path().rsplit('/').next();
        let body = match task.and_then(|task| task.parse().ok()) {
            Some(number) => {
                let status = if self.meter.clock.elapsed() < (self.ends)(number) {
                    "RUNNING"
                } else {
                    "SUCCEEDED"
                };
                format!(
                    r#"{{"description": {{"id": "crowd", "default_message": "One of many", "args": []}},
                        "service": "crowd", "operation": "crowd", "status": "{status}", "cancelable": false,
                        "start_time": "2026-01-01T00:00:00.000Z"}}"#
                )
            }
            // A log-in.
            None => r#""a-token""#.to_owned(),
        };
        Ok(Response::builder()
            .header("content-type", "application/json")
            .body(Bytes::from(body))
            .expect("a legal answer"))
    }
}
