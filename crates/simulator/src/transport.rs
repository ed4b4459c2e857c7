//! The front in process: a `Transport` to one endpoint of the world.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use farside_transport::{Call, CallError, CallErrorKind, Clock, Phase, Remark, Sent, Transport, within};
use http::Response;

use crate::endpoint::Endpoint;
use crate::exchange::{Answer, Handled, Reply, Request};
use crate::simulator::Simulator;

/// Sends calls to one endpoint of a simulated world.
///
/// The world acts when [`Transport::send`] is first polled; what takes time afterwards is the answer. A faulty reply is
/// the error that a connection would give: an endpoint that cannot be reached is `Connect`, a connection that is closed
/// without an answer, or in the middle of one, is `Cut`, silence is a `Timeout` when the call's time is up. Where packets are
/// dropped, a call after one that was answered is sent over the connection that is open and never answered; those that
/// follow do not get that far, since no connection comes about.
#[derive(Debug, Clone)]
pub struct SimTransport {
    simulator: Simulator,
    endpoint: Arc<str>,
    /// Whether there is a connection, as far as the caller knows; clones share it.
    open: Arc<AtomicBool>,
}

impl SimTransport {
    pub(crate) fn new(simulator: Simulator, endpoint: &str) -> Self {
        Self {
            simulator,
            endpoint: endpoint.into(),
            open: Arc::default(),
        }
    }

    async fn wait(&self, limit: Duration, delay_ms: i64) -> Result<(), CallErrorKind> {
        let delay = self.simulator.real(delay_ms);
        let clock: &dyn Clock = self.simulator.clock().as_ref();
        if delay.is_zero() {
            return Ok(());
        }
        clock.sleep(delay.min(limit)).await;
        if delay >= limit {
            return Err(timeout(limit));
        }
        let silent = self
            .simulator
            .world()
            .endpoint(&self.endpoint)
            .is_some_and(Endpoint::is_silent);
        if silent {
            clock.sleep(limit.saturating_sub(delay)).await;
            return Err(timeout(limit));
        }
        Ok(())
    }

    /// Packets are dropped until the call's time is up.
    async fn nothing(&self, limit: Duration) -> CallErrorKind {
        let (phase, sent) = if self.open.load(Ordering::Relaxed) {
            (Phase::FirstByte, Sent::Whole)
        } else {
            (Phase::Connect, Sent::Nothing)
        };
        self.simulator.clock().sleep(limit).await;
        CallErrorKind::Timeout { phase, limit, sent }
    }

    async fn reply(&self, limit: Duration, handled: Handled) -> Result<Answer, CallErrorKind> {
        let reply = match handled.reply {
            Reply::Parked(request) => {
                let clock: &dyn Clock = self.simulator.clock().as_ref();
                let parked = within(clock, limit, self.simulator.parked(request));
                parked.await.map_err(|_elapsed| timeout(limit))?
            }
            reply => reply,
        };
        match reply {
            Reply::Answer(answer) => {
                self.wait(limit, handled.delay_ms).await?;
                Ok(answer)
            }
            Reply::Cut => Err(cut(io::ErrorKind::ConnectionReset)),
            Reply::Part(..) => {
                self.wait(limit, handled.delay_ms).await?;
                Err(cut(io::ErrorKind::UnexpectedEof))
            }
            Reply::Dropped => Err(self.nothing(limit).await),
            Reply::Silence | Reply::Parked(_) => {
                self.simulator.clock().sleep(limit).await;
                Err(timeout(limit))
            }
            Reply::Unreachable => Err(CallErrorKind::Connect {
                endpoint: self.endpoint.clone(),
                source: io::ErrorKind::HostUnreachable.into(),
            }),
        }
    }
}

fn cut(end: io::ErrorKind) -> CallErrorKind {
    CallErrorKind::Cut {
        sent: Sent::Whole,
        source: end.into(),
    }
}

fn timeout(limit: Duration) -> CallErrorKind {
    CallErrorKind::Timeout {
        phase: Phase::FirstByte,
        limit,
        sent: Sent::Whole,
    }
}

#[async_trait]
impl Transport for SimTransport {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        let context = call.context();
        let limit = call.time_limit();
        let remark = call.request.extensions().get::<Remark>().cloned();
        let handled = self.simulator.handle(&self.endpoint, &received(call.request));
        if let Some(remark) = remark {
            let form = self.simulator.world().form();
            if !form.is_empty() {
                remark.say(form);
            }
        }
        let answer = self.reply(limit, handled).await;
        self.open.store(answer.is_ok(), Ordering::Relaxed);
        let answer = answer.map_err(|kind| context.error(kind))?;
        let answer = response(answer).map_err(|_| {
            context.error(CallErrorKind::Other(io::Error::other(
                "the simulated answer is not legal HTTP",
            )))
        })?;
        context.accept(answer)
    }
}

fn received(request: http::Request<Bytes>) -> Request {
    let (parts, body) = request.into_parts();
    Request {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    }
}

/// An answer as HTTP.
pub(crate) fn response(answer: Answer) -> Result<Response<Bytes>, http::Error> {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    response.body(answer.body)
}
