//! A transport that writes down what goes through it.

use std::env::VarError;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use farside_wire::Operation;
use http::Response;

use crate::call::{Call, Transport};
use crate::error::CallError;
use crate::remark::Remark;
use crate::testing::altered::{ALTERED, AlteringTransport};
use crate::testing::exchange::{Exchange, RecordedAnswer, RecordedBody, RecordedOutcome};
use crate::testing::failure::RecordedError;
use crate::testing::lock;
use crate::testing::recording::{RecordedTest, header};
use crate::testing::strike_out::{StrikeOut, Vault};

/// Sends calls through another transport, and writes each down with its outcome, its secrets struck out.
///
/// What is a secret, [`StrikeOut`] says; nothing is kept anywhere, not even for a moment between call and answer, before
/// it has been struck out. Calls are not changed: the transport inside gets, and the caller gets back, what there is.
///
/// Where it stands decides what it sees: around the innermost transport each attempt with its session header, log-ins
/// included; around a whole [`Stack`](crate::Stack) the calls of the client alone.
///
/// ```
/// use std::sync::Arc;
/// use farside_transport::testing::{Answer, Recorder, Recording, Replayer, ScriptedTransport};
/// use farside_transport::{Call, Transport};
/// # use farside_wire::Operation;
/// # const LOG_IN: Operation = Operation { id: "sessions.login", ..farside_transport::testing::BLANK_OPERATION };
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let file = tempfile::NamedTempFile::new()?;
/// # let path = file.path();
/// let server = ScriptedTransport::with(|_, _| Answer::empty(200).with_header("x-vcav-auth", "2nUFKzV0"));
/// let recorder = Recorder::to_file(Arc::new(server), path)?;
/// let log_in = |password: &str| {
///     let body = format!(r#"{{"type":"localUser","localUser":"root","localPassword":"{password}"}}"#);
///     Call::new(&LOG_IN, "the session of root", http::Request::post("/sessions").body(body.into()).unwrap())
/// };
/// recorder.send(log_in("correct horse")).await?;
/// recorder.finish()?;
///
/// let text = std::fs::read_to_string(path)?;
/// assert!(text.contains(r#""localPassword":"~struck-out.localPassword~""#));
/// assert!(!text.contains("correct horse") && !text.contains("2nUFKzV0"));
///
/// let replayer = Replayer::in_order(Recording::read(path)?);
/// let answer = replayer.send(log_in("another password")).await?;
/// assert_eq!(answer.headers()["x-vcav-auth"], "~struck-out.x-vcav-auth~");
/// replayer.finish()?;
/// # Ok(())
/// # }
/// ```
pub struct Recorder {
    inner: Arc<dyn Transport>,
    strike_out: StrikeOut,
    state: Mutex<State>,
}

struct State {
    vault: Vault,
    calls: u64,
    sink: Sink,
    failure: Option<io::Error>,
}

enum Sink {
    Memory(String),
    Writer(Box<dyn Write + Send>),
}

impl Recorder {
    /// Records into memory, to be had by [`text`](Self::text).
    #[must_use]
    pub fn in_memory(inner: Arc<dyn Transport>) -> Self {
        Self::new(inner, Sink::Memory(String::new()), None)
    }

    /// Records into a file that only its owner may read; a file that is there is replaced.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn to_file(inner: Arc<dyn Transport>, path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self::to_writer(inner, create(path.as_ref())?))
    }

    /// Records into a writer, one line at a time, in the turn of the task that makes the call.
    #[must_use]
    pub fn to_writer(inner: Arc<dyn Transport>, writer: impl Write + Send + 'static) -> Self {
        Self::new(inner, Sink::Writer(Box::new(writer)), None)
    }

    fn new(inner: Arc<dyn Transport>, sink: Sink, test: Option<RecordedTest>) -> Self {
        let strike_out = StrikeOut::new();
        let mut state = State {
            vault: strike_out.vault(),
            calls: 0,
            sink,
            failure: None,
        };
        match header(test) {
            Ok(line) => state.write(&line),
            Err(error) => state.failure = Some(error.into()),
        }
        Self {
            inner,
            strike_out,
            state: Mutex::new(state),
        }
    }

    /// Settles what is a secret.
    #[must_use]
    pub fn strike_out(mut self, strike_out: StrikeOut) -> Self {
        lock(&self.state).vault = strike_out.vault();
        self.strike_out = strike_out;
        self
    }

    /// What has been recorded into memory so far, for [`Recording::parse`](super::Recording::parse); empty if it goes
    /// elsewhere.
    #[must_use]
    pub fn text(&self) -> String {
        match &lock(&self.state).sink {
            Sink::Memory(text) => text.clone(),
            Sink::Writer(_) => String::new(),
        }
    }

    /// Makes sure that all of the recording has been written.
    ///
    /// # Errors
    /// The first line that could not be written. No call fails for it, but nothing has been written since.
    pub fn finish(&self) -> io::Result<()> {
        let mut state = lock(&self.state);
        if let Some(failure) = state.failure.take() {
            return Err(failure);
        }
        match &mut state.sink {
            Sink::Memory(_) => Ok(()),
            Sink::Writer(writer) => writer.flush(),
        }
    }

    /// Begins to write down a call.
    fn open(&self, call: &Call) -> Open<'_> {
        let mut state = lock(&self.state);
        state.calls += 1;
        let exchange = Exchange {
            n: state.calls,
            operation: call.operation.id.to_owned(),
            target: call.target.to_string(),
            request: self.strike_out.request(call, &mut state.vault),
            outcome: RecordedOutcome::Dropped,
        };
        Open {
            recorder: self,
            operation: call.operation,
            exchange,
        }
    }

    fn outcome(
        &self,
        operation: &Operation,
        outcome: &Result<Response<Bytes>, CallError>,
        vault: &mut Vault,
    ) -> RecordedOutcome {
        let rules = &self.strike_out;
        match outcome {
            Ok(answer) => RecordedOutcome::Answer(RecordedAnswer {
                status: answer.status().as_u16(),
                headers: rules.headers(answer.headers(), vault),
                body: rules.answer_body(operation, answer.body(), vault),
            }),
            Err(error) => {
                let mut strike = |body: &[u8]| rules.body(operation, body, None, vault);
                RecordedOutcome::Error(RecordedError::of(error, &mut strike))
            }
        }
    }

    /// Strikes out by value, in all that is not ours.
    fn scrub(&self, exchange: &mut Exchange, vault: &Vault) {
        let scrub_body = |body: &mut RecordedBody| self.strike_out.scrub_body(body, vault);
        let scrub_headers = |headers: &mut Vec<(String, String)>| {
            headers.iter_mut().for_each(|(_, value)| vault.scrub(value));
        };
        vault.scrub(&mut exchange.target);
        vault.scrub_path(&mut exchange.request.path);
        scrub_headers(&mut exchange.request.headers);
        scrub_body(&mut exchange.request.body);
        match &mut exchange.outcome {
            RecordedOutcome::Answer(answer) => {
                scrub_headers(&mut answer.headers);
                scrub_body(&mut answer.body);
            }
            RecordedOutcome::Error(error) => {
                let (texts, body) = error.failure.texts();
                texts.into_iter().for_each(|text| vault.scrub(text));
                body.into_iter().for_each(scrub_body);
            }
            RecordedOutcome::Dropped => {}
        }
    }
}

impl State {
    fn write(&mut self, line: &str) {
        let written = match &mut self.sink {
            _ if self.failure.is_some() => return,
            Sink::Memory(text) => {
                text.push_str(line);
                return;
            }
            Sink::Writer(writer) => writer.write_all(line.as_bytes()),
        };
        if let Err(error) = written {
            tracing::warn!(%error, "the recording cannot be written");
            self.failure = Some(error);
        }
    }
}

/// A call that is on its way. Whatever ends it, also that its caller goes away, it is written down.
struct Open<'a> {
    recorder: &'a Recorder,
    operation: &'static Operation,
    exchange: Exchange,
}

impl Open<'_> {
    fn end(&mut self, outcome: &Result<Response<Bytes>, CallError>, remark: &Remark) {
        if let Some(remark) = remark.said() {
            self.exchange.target += &format!(", odd: {remark}");
        }
        let mut state = lock(&self.recorder.state);
        self.exchange.outcome = self.recorder.outcome(self.operation, outcome, &mut state.vault);
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.recorder.state);
        self.recorder.scrub(&mut self.exchange, &state.vault);
        match serde_json::to_string(&self.exchange) {
            Ok(line) => state.write(&(line + "\n")),
            Err(error) => state.failure = Some(error.into()),
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record > {:?}", self.inner)
    }
}

#[async_trait]
impl Transport for Recorder {
    async fn send(&self, mut call: Call) -> Result<Response<Bytes>, CallError> {
        let mut open = self.open(&call);
        let remark = Remark::default();
        call.request.extensions_mut().insert(remark.clone());
        let outcome = self.inner.send(call).await;
        open.end(&outcome, &remark);
        outcome
    }
}

/// A file that only its owner may read; one that is there is replaced.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The folder into which [`recorded`] writes.
pub const RECORDINGS: &str = "FARSIDE_RECORDINGS";

/// `inner`, and around it what the environment asks for: a [`Recorder`] if it names a folder for recordings
/// ([`RECORDINGS`]), one file for each call of this function, which names the test; an [`AlteringTransport`] if it names an
/// operation whose answers are to be false ([`ALTERED`]). What a client's tests have sent can then be compared with what its
/// service offers, and whether they notice a false answer can be tried.
///
/// # Panics
/// If the folder is named and nothing can be written there, or if what is to be altered cannot be read: what is asked for and
/// not done must not go unseen.
#[must_use]
pub fn recorded(inner: Arc<dyn Transport>) -> Arc<dyn Transport> {
    let inner = match std::env::var(ALTERED) {
        Ok(altered) => AlteringTransport::around(inner, &altered),
        Err(VarError::NotPresent) => inner,
        Err(error) => panic!("{ALTERED}: {error}"),
    };
    match std::env::var_os(RECORDINGS) {
        Some(folder) => record_below(inner, Path::new(&folder)),
        None => inner,
    }
}

fn record_below(inner: Arc<dyn Transport>, folder: &Path) -> Arc<dyn Transport> {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!("{}-{number}.jsonl", std::process::id()));
    let recorder = create(&path).and_then(|file| {
        let test = RecordedTest::current()?;
        Ok(Recorder::new(inner, Sink::Writer(Box::new(file)), Some(test)))
    });
    let recorder = recorder
        .unwrap_or_else(|error| panic!("{RECORDINGS}: {} cannot be written: {error}", path.display()));
    Arc::new(recorder)
}

#[cfg(test)]
mod tests;
