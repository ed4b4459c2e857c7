//! One span per call, with the attribute names of OpenTelemetry's HTTP conventions, and the counting of calls.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use farside_wire::Operation;
use http::Response;
use tracing::{Instrument, Level, Span, field};

use crate::call::{Call, Transport};
use crate::clock::Clock;
use crate::error::CallError;
use crate::metrics::{CallEnd, CallOutcome, Observer};
use crate::redact::SecretNames;

/// Also writes the bodies of calls into trace events of level TRACE, with their secrets struck out.
///
/// Off unless the stack is given one. A body is written as a whole or not at all: one that is longer than the limit
/// or is not JSON leaves its size only, since nothing else could be struck out of it with certainty. The calls of
/// log-ins and log-outs are never written, nor are headers. An error's body is in the error.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BodyTrace {
    /// Bodies up to this many bytes are written.
    pub limit: usize,
    /// Which members are secret in all bodies.
    pub names: SecretNames,
    /// Which members are secret beside these in the bodies of one operation, as they are named on the wire.
    pub names_of: fn(&'static Operation) -> &'static [&'static str],
}

impl Default for BodyTrace {
    /// Bodies up to 16 KiB; struck out is what the schema marks as secret, and what has a name that speaks for itself.
    fn default() -> Self {
        Self {
            limit: 16 * 1024,
            names: SecretNames::new(),
            names_of: |operation| operation.secrets,
        }
    }
}

impl BodyTrace {
    /// With another limit, in bytes.
    #[must_use]
    pub fn with_limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// With these names of secret members.
    #[must_use]
    pub fn with_names(mut self, names: SecretNames) -> Self {
        self.names = names;
        self
    }

    /// With the names of secret members that belong to single operations.
    #[must_use]
    pub fn with_names_of(mut self, names_of: fn(&'static Operation) -> &'static [&'static str]) -> Self {
        self.names_of = names_of;
        self
    }

    fn shown(&self, operation: &'static Operation, body: &Bytes) -> Option<String> {
        if body.is_empty() || body.len() > self.limit {
            return None;
        }
        self.names.strike_out(body, (self.names_of)(operation))
    }
}

/// The server as OpenTelemetry names it.
#[derive(Clone, Debug)]
pub(crate) struct ServerName {
    pub(crate) address: Arc<str>,
    pub(crate) port: Option<u16>,
}

/// Traces each call: sizes, durations, statuses and ids; never headers or query values, and bodies on request only.
pub(crate) struct Traced {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    observer: Observer,
    server: ServerName,
    bodies: Option<BodyTrace>,
}

impl Traced {
    pub(crate) fn new(
        inner: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        observer: Observer,
        server: ServerName,
        bodies: Option<BodyTrace>,
    ) -> Self {
        Self {
            inner,
            clock,
            observer,
            server,
            bodies,
        }
    }

    fn span(&self, call: &Call) -> Span {
        tracing::debug_span!(
            "call",
            otel.kind = "client",
            otel.name = call.operation.id,
            otel.status_code = field::Empty,
            peer.service = self.observer.endpoint(),
            server.address = &*self.server.address,
            server.port = self.server.port,
            http.request.method = call.request.method().as_str(),
            url.path = call.request.uri().path(),
            url.template = call.operation.path,
            http.request.body.size = call.request.body().len(),
            http.response.status_code = field::Empty,
            http.response.body.size = field::Empty,
            error.type = field::Empty,
            farside.target = &*call.target,
            farside.request_id = %call.request_id,
            farside.duration_ms = field::Empty,
        )
    }

    /// The settings for bodies, if anybody would see these.
    fn bodies(&self) -> Option<&BodyTrace> {
        self.bodies.as_ref().filter(|_| tracing::enabled!(Level::TRACE))
    }
}

impl fmt::Debug for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "trace > {:?}", self.inner)
    }
}

#[async_trait]
impl Transport for Traced {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        let span = self.span(&call);
        let bodies = self.bodies();
        if span.is_disabled() && bodies.is_none() && !self.observer.counts() {
            return self.inner.send(call).await;
        }
        let operation = call.operation;
        let under_way = UnderWay::begin(self, &call, span.clone());
        if let Some(text) = bodies.and_then(|bodies| bodies.shown(operation, call.request.body())) {
            tracing::trace!(parent: &span, farside.request.body = text, "request body");
        }
        let outcome = self.inner.send(call).instrument(span.clone()).await;
        if let (Some(bodies), Ok(answer)) = (bodies, &outcome)
            && let Some(text) = bodies.shown(operation, answer.body())
        {
            tracing::trace!(parent: &span, farside.response.body = text, "response body");
        }
        under_way.end(&outcome);
        outcome
    }
}

/// A call that has begun and must be seen to end, also if its caller drops it.
struct UnderWay<'a> {
    traced: &'a Traced,
    operation: &'static Operation,
    span: Span,
    start: Duration,
    request_bytes: usize,
    ended: bool,
}

impl<'a> UnderWay<'a> {
    fn begin(traced: &'a Traced, call: &Call, span: Span) -> Self {
        traced.observer.started(call.operation);
        Self {
            traced,
            operation: call.operation,
            span,
            start: traced.clock.elapsed(),
            request_bytes: call.request.body().len(),
            ended: false,
        }
    }

    fn end(mut self, outcome: &Result<Response<Bytes>, CallError>) {
        self.finish(match outcome {
            Ok(answer) => CallOutcome::Answered {
                status: answer.status().as_u16(),
                bytes: answer.body().len(),
            },
            Err(error) => CallOutcome::Failed(error),
        });
    }

    fn finish(&mut self, outcome: CallOutcome<'_>) {
        self.ended = true;
        let duration = self.traced.clock.elapsed().saturating_sub(self.start);
        self.span
            .record("farside.duration_ms", duration.as_secs_f64() * 1000.0);
        record(&self.span, outcome);
        let end = CallEnd {
            duration,
            request_bytes: self.request_bytes,
            outcome,
        };
        self.traced.observer.ended(self.operation, &end);
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.finish(CallOutcome::Dropped);
        }
    }
}

/// Writes the outcome into the span, and one event that closes it.
fn record(span: &Span, outcome: CallOutcome<'_>) {
    match outcome {
        CallOutcome::Answered { status, bytes } => {
            span.record("http.response.status_code", status);
            span.record("http.response.body.size", bytes);
            tracing::debug!(parent: span, "answered");
        }
        CallOutcome::Failed(error) => {
            if let Some(status) = error.status() {
                span.record("http.response.status_code", status.as_u16());
            }
            span.record("error.type", &*error.error_type());
            span.record("otel.status_code", "ERROR");
            tracing::debug!(parent: span, effect = ?error.effect(), "failed");
        }
        CallOutcome::Dropped => {
            span.record("error.type", "dropped");
            span.record("otel.status_code", "ERROR");
            tracing::debug!(parent: span, "dropped by its caller");
        }
    }
}

#[cfg(test)]
mod tests;
