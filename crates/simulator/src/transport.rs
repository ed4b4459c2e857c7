//! The front in process: a `Transport` to one endpoint of the world.

use std::io;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use farside_transport::{Call, CallError, CallErrorKind, Clock, Phase, Sent, Transport, within};
use http::Response;

use crate::exchange::{Answer, Handled, Reply, Request};
use crate::simulator::Simulator;

/// Sends calls to one endpoint of a simulated world.
///
/// The world acts when [`Transport::send`] is first polled; what takes time afterwards is the answer. A faulty reply is
/// the error that a connection would give: an endpoint that cannot be reached is `Connect`, a connection that is closed
/// without an answer is `Cut`, silence is a `Timeout` when the call's time is up.
#[derive(Debug, Clone)]
pub struct SimTransport {
    simulator: Simulator,
    endpoint: std::sync::Arc<str>,
}

impl SimTransport {
    pub(crate) fn new(simulator: Simulator, endpoint: &str) -> Self {
        Self {
            simulator,
            endpoint: endpoint.into(),
        }
    }

    async fn wait(&self, limit: Duration, delay_ms: i64) -> Result<(), CallErrorKind> {
        let delay = self.simulator.real(delay_ms);
        let clock: &dyn Clock = self.simulator.clock().as_ref();
        if delay.is_zero() {
            return Ok(());
        }
        clock.sleep(delay.min(limit)).await;
        if delay < limit {
            Ok(())
        } else {
            Err(timeout(limit))
        }
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
            Reply::Cut => Err(CallErrorKind::Cut {
                sent: Sent::Whole,
                source: io::ErrorKind::ConnectionReset.into(),
            }),
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
        let handled = self.simulator.handle(&self.endpoint, &received(call.request));
        let answer = self
            .reply(limit, handled)
            .await
            .map_err(|kind| context.error(kind))?;
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
