//! One span per call, with the attribute names of OpenTelemetry's HTTP conventions.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::Response;
use tracing::{Instrument, field};

use crate::call::{Call, Transport};
use crate::clock::Clock;
use crate::error::CallError;

/// Traces each call: sizes, durations, statuses and ids; never headers, bodies or query values.
pub(crate) struct Traced {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    endpoint: Arc<str>,
}

impl Traced {
    pub(crate) fn new(inner: Arc<dyn Transport>, clock: Arc<dyn Clock>, endpoint: Arc<str>) -> Self {
        Self {
            inner,
            clock,
            endpoint,
        }
    }

    fn span(&self, call: &Call) -> tracing::Span {
        tracing::debug_span!(
            "call",
            otel.kind = "client",
            otel.name = call.operation.id,
            server.address = &*self.endpoint,
            http.request.method = call.request.method().as_str(),
            url.template = call.operation.path,
            http.request.body.size = call.request.body().len(),
            http.response.status_code = field::Empty,
            http.response.body.size = field::Empty,
            error.type = field::Empty,
            farside.target = &*call.target,
            farside.request_id = call.request_id.as_str(),
            farside.duration_ms = field::Empty,
        )
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
        if span.is_disabled() {
            return self.inner.send(call).await;
        }
        let start = self.clock.elapsed();
        let outcome = self.inner.send(call).instrument(span.clone()).await;
        let duration = self.clock.elapsed().saturating_sub(start);
        span.record("farside.duration_ms", duration.as_secs_f64() * 1000.0);
        record(&span, &outcome);
        outcome
    }
}

/// Writes the outcome into the span, and one event that closes it.
fn record(span: &tracing::Span, outcome: &Result<Response<Bytes>, CallError>) {
    let _entered = span.enter();
    match outcome {
        Ok(answer) => {
            span.record("http.response.status_code", answer.status().as_u16());
            span.record("http.response.body.size", answer.body().len());
            tracing::debug!("answered");
        }
        Err(error) => {
            if let Some(status) = error.status() {
                span.record("http.response.status_code", status.as_u16());
            }
            span.record("error.type", error.kind().name());
            tracing::debug!(effect = ?error.effect(), "failed");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::sync::Mutex;

    use http::Request;
    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;
    use crate::clock::SystemClock;
    use crate::testing::operations::{READ, WRITE};
    use crate::testing::{Answer, ScriptedTransport};

    /// Writes down every name and value that is traced.
    #[derive(Clone, Default)]
    struct Writer(Arc<Mutex<String>>);

    impl Visit for &Writer {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            writeln!(self.0.lock().expect("text"), "{field}={value:?}").expect("a string takes all");
        }
    }

    impl Subscriber for Writer {
        fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, span: &Attributes<'_>) -> Id {
            span.record(&mut &*self);
            Id::from_u64(1)
        }
        fn record(&self, _span: &Id, values: &Record<'_>) {
            values.record(&mut &*self);
        }
        fn record_follows_from(&self, _span: &Id, _follows: &Id) {}
        fn event(&self, event: &Event<'_>) {
            event.record(&mut &*self);
        }
        fn enter(&self, _span: &Id) {}
        fn exit(&self, _span: &Id) {}
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_leaves_sizes_statuses_and_ids_but_no_header_query_or_body() {
        let server = ScriptedTransport::new()
            .answer(
                &READ,
                Answer::json(200, "\"hunter2\"").delayed(std::time::Duration::from_millis(40)),
            )
            .answer(
                &WRITE,
                Answer::json(500, r#"{"code":"ThingBroke","msg":"hunter2"}"#),
            );
        let traced = Traced::new(Arc::new(server), Arc::new(SystemClock::new()), "vc-east".into());
        let writer = Writer::default();
        let _guard = tracing::subscriber::set_default(writer.clone());
        for operation in [&READ, &WRITE] {
            let request = Request::builder()
                .uri("/things/1?ticket=hunter2")
                .header("x-session", "hunter2")
                .body(Bytes::from_static(b"hunter2"))
                .expect("a request");
            let _ = traced.send(Call::new(operation, "thing 1", request)).await;
        }
        let text = writer.0.lock().expect("text").clone();
        for part in [
            "server.address=\"vc-east\"",
            "url.template=\"/things/{id}\"",
            "http.request.body.size=7",
            "http.response.status_code=200",
            "http.response.status_code=500",
            "http.response.body.size=9",
            "farside.duration_ms=40",
            "farside.target=\"thing 1\"",
            "error.type=\"status\"",
            "effect=Unknown",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(!text.contains("hunter2"), "{text}");
    }
}
