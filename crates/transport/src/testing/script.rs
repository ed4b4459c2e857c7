//! Transports that answer by a script, or never.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use farside_wire::Operation;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use crate::call::{Call, Transport};
use crate::clock::{Clock, SystemClock};
use crate::error::{CallError, CallErrorKind};
use crate::testing::lock;

/// What a scripted transport does with one call.
#[derive(Debug)]
pub struct Answer {
    delay: Duration,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Response(Response<Bytes>),
    Fail(CallErrorKind),
    Never,
}

impl Answer {
    /// This raw answer; a status other than 2xx becomes the error that a real transport makes of it.
    #[must_use]
    pub fn response(response: Response<Bytes>) -> Self {
        Self {
            delay: Duration::ZERO,
            outcome: Outcome::Response(response),
        }
    }

    /// A JSON body with a status.
    ///
    /// # Panics
    /// If `status` is no HTTP status.
    #[must_use]
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        let response = Response::builder()
            .status(status)
            .header(CONTENT_TYPE, "application/json")
            .body(body.into())
            .expect("the test's status is a valid one");
        Self::response(response)
    }

    /// No body, as with 204.
    ///
    /// # Panics
    /// If `status` is no HTTP status.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        let response = Response::builder()
            .status(status)
            .body(Bytes::new())
            .expect("the test's status is a valid one");
        Self::response(response)
    }

    /// A failure below HTTP.
    #[must_use]
    pub fn fail(kind: CallErrorKind) -> Self {
        Self {
            delay: Duration::ZERO,
            outcome: Outcome::Fail(kind),
        }
    }

    /// No answer, ever.
    #[must_use]
    pub fn never() -> Self {
        Self {
            delay: Duration::ZERO,
            outcome: Outcome::Never,
        }
    }

    /// With one more header.
    ///
    /// # Panics
    /// If the value is no header value.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        if let Outcome::Response(response) = &mut self.outcome {
            let value = HeaderValue::from_str(value).expect("the test's header is a valid one");
            response
                .headers_mut()
                .append(HeaderName::from_static(name), value);
        }
        self
    }

    /// After a pause, on the transport's clock.
    #[must_use]
    pub fn delayed(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// Decides the answer to a call, given how many calls of the same operation came before it.
type Handler = dyn Fn(&Call, usize) -> Answer + Send + Sync;

/// Answers by a script or a function, and records all calls.
///
/// ```
/// # use farside_transport::testing::{Answer, ScriptedTransport};
/// # use farside_wire::Operation;
/// # const GET_THING: Operation = Operation { id: "getThing", ..farside_transport::testing::BLANK_OPERATION };
/// let server = ScriptedTransport::new()
///     .answer(&GET_THING, Answer::json(503, ""))
///     .answer(&GET_THING, Answer::json(200, r#"{"id":"thing"}"#));
/// assert_eq!(server.left(), 2);
/// ```
pub struct ScriptedTransport {
    script: Mutex<BTreeMap<&'static str, VecDeque<Answer>>>,
    handler: Option<Box<Handler>>,
    calls: Mutex<Vec<Call>>,
    clock: Arc<dyn Clock>,
}

impl ScriptedTransport {
    /// A transport with an empty script: each call fails.
    #[must_use]
    pub fn new() -> Self {
        Self {
            script: Mutex::default(),
            handler: None,
            calls: Mutex::default(),
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// A transport that asks `handler` for each call the script has no answer to. The number is that of the
    /// earlier calls of the same operation.
    #[must_use]
    pub fn with(handler: impl Fn(&Call, usize) -> Answer + Send + Sync + 'static) -> Self {
        Self {
            handler: Some(Box::new(handler)),
            ..Self::new()
        }
    }

    /// Lets the pauses of delayed answers pass on `clock`; without it, on tokio's.
    #[must_use]
    pub fn on_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Adds an answer to the end of the operation's script.
    #[must_use]
    pub fn answer(self, operation: &'static Operation, answer: Answer) -> Self {
        lock(&self.script)
            .entry(operation.id)
            .or_default()
            .push_back(answer);
        self
    }

    /// All calls so far, in the order in which they came.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.calls).clone()
    }

    /// The number of calls of one operation so far.
    #[must_use]
    pub fn count(&self, operation: &Operation) -> usize {
        lock(&self.calls)
            .iter()
            .filter(|call| call.operation.id == operation.id)
            .count()
    }

    /// The number of scripted answers that nobody has asked for.
    #[must_use]
    pub fn left(&self) -> usize {
        lock(&self.script).values().map(VecDeque::len).sum()
    }

    fn next(&self, call: &Call) -> Answer {
        let nth = self.count(call.operation);
        lock(&self.calls).push(call.clone());
        let scripted = lock(&self.script)
            .get_mut(call.operation.id)
            .and_then(VecDeque::pop_front);
        match (scripted, &self.handler) {
            (Some(answer), _) => answer,
            (None, Some(handler)) => handler(call, nth),
            (None, None) => {
                let missing = format!("no answer is scripted for call {nth} of {}", call.operation.id);
                Answer::fail(CallErrorKind::Other(io::Error::other(missing)))
            }
        }
    }
}

impl Default for ScriptedTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ScriptedTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScriptedTransport")
    }
}

#[async_trait]
impl Transport for ScriptedTransport {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        let answer = self.next(&call);
        if !answer.delay.is_zero() {
            self.clock.sleep(answer.delay).await;
        }
        let context = call.context();
        match answer.outcome {
            Outcome::Response(response) => context.accept(response),
            Outcome::Fail(kind) => Err(context.error(kind)),
            Outcome::Never => std::future::pending().await,
        }
    }
}

/// Takes every call and answers none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NeverAnswers;

#[async_trait]
impl Transport for NeverAnswers {
    async fn send(&self, _call: Call) -> Result<Response<Bytes>, CallError> {
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PausedClock;
    use crate::testing::operations::{READ, call};

    #[tokio::test]
    async fn a_delayed_answer_takes_its_time_on_the_clock_it_was_given() {
        let clock = Arc::new(PausedClock::auto_advancing());
        let late = Answer::empty(204).delayed(Duration::from_secs(3600));
        let server = ScriptedTransport::new()
            .answer(&READ, late)
            .on_clock(clock.clone());
        server.send(call(&READ)).await.expect("an answer");
        assert_eq!(clock.elapsed(), Duration::from_secs(3600));
    }
}
