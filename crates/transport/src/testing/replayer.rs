//! A transport that answers from a recording.

use std::fmt;
use std::io;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use farside_wire::Operation;
use http::Response;
use percent_encoding::percent_decode_str;

use crate::call::{Call, CallContext, Transport};
use crate::error::{CallError, CallErrorKind};
use crate::testing::exchange::{Exchange, RecordedOutcome, RecordedRequest};
use crate::testing::lock;
use crate::testing::recording::Recording;
use crate::testing::strike_out::StrikeOut;

/// Answers calls with what a [`Recording`] holds for them, each exchange once.
///
/// A call is the recorded one if operation, method, path with query, and body are the same, secrets aside: those have
/// the same placeholder, whatever their values, so the [`StrikeOut`] must be that of the recorder. White space and the
/// order of members do not count; headers and the target do not either. A call that its caller gave up in the recording
/// is not answered, ever. Time that a call took is not spent again.
///
/// A call that does not match gets an error whose source is a [`ReplayError`], with [`Effect::Unknown`](crate::Effect);
/// the first such one is told by [`finish`](Self::finish) too, should the caller not pass it on.
///
/// [`Recorder`](super::Recorder) has an example.
pub struct Replayer {
    recording: Recording,
    strike_out: StrikeOut,
    in_order: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By the index of the exchange.
    used: Vec<bool>,
    mismatch: Option<ReplayError>,
}

impl Replayer {
    /// Takes the calls in the order in which they were recorded, and in no other.
    #[must_use]
    pub fn in_order(recording: Recording) -> Self {
        Self::new(recording, true)
    }

    /// Takes the calls in any order. Of exchanges with the same request, the first one that is left answers.
    #[must_use]
    pub fn matching(recording: Recording) -> Self {
        Self::new(recording, false)
    }

    fn new(recording: Recording, in_order: bool) -> Self {
        let state = State {
            used: vec![false; recording.exchanges().len()],
            mismatch: None,
        };
        Self {
            recording,
            strike_out: StrikeOut::new(),
            in_order,
            state: Mutex::new(state),
        }
    }

    /// Settles what is a secret: what the recorder was told.
    #[must_use]
    pub fn strike_out(mut self, strike_out: StrikeOut) -> Self {
        self.strike_out = strike_out;
        self
    }

    /// Number of exchanges that nobody has asked for.
    #[must_use]
    pub fn left(&self) -> usize {
        lock(&self.state).used.iter().filter(|used| !**used).count()
    }

    /// Checks that all calls matched, and that all of the recording was used.
    ///
    /// # Errors
    /// The first call that did not match; else the first exchange that nobody asked for.
    pub fn finish(&self) -> Result<(), ReplayError> {
        let state = lock(&self.state);
        if let Some(mismatch) = &state.mismatch {
            return Err(mismatch.clone());
        }
        let Some(unused) = state.used.iter().position(|used| !used) else {
            return Ok(());
        };
        let left = state.used.iter().filter(|used| !**used).count();
        let operation = self.recording.entry(unused).map(|entry| entry.operation.clone());
        Err(ReplayError {
            operation: operation.unwrap_or_default(),
            place: self.recording.place(unused),
            kind: ReplayErrorKind::Unused { left },
        })
    }

    fn request(&self, call: &Call) -> RecordedRequest {
        let mut found = self.strike_out.vault();
        let mut request = self.strike_out.request(call, &mut found);
        // What was found by its place stays out of this: its value is another one than in the recording, and may stand
        // elsewhere by chance.
        let known = self.strike_out.vault();
        known.scrub_path(&mut request.path);
        self.strike_out.scrub_body(&mut request.body, &known);
        request
    }

    /// The exchange that answers the call.
    fn take(&self, call: &Call) -> Result<usize, ReplayError> {
        let request = self.request(call);
        let mut state = lock(&self.state);
        let mut left = (0..state.used.len()).filter(|index| !state.used[*index]);
        let differs = |index: usize| self.difference(index, call.operation, &request);
        let found = if self.in_order {
            let next = left.next();
            next.ok_or(None)
                .and_then(|next| differs(next).map_or(Ok(next), |kind| Err(Some((next, kind)))))
        } else {
            self.find(left, call.operation, &request)
        };
        match found {
            Ok(index) => {
                state.used[index] = true;
                Ok(index)
            }
            Err(nearest) => {
                let error = self.mismatch(call.operation, nearest);
                state.mismatch.get_or_insert_with(|| error.clone());
                Err(error)
            }
        }
    }

    /// The first exchange that matches, or what keeps the first one of the same operation from it.
    fn find(
        &self,
        left: impl Iterator<Item = usize>,
        operation: &Operation,
        request: &RecordedRequest,
    ) -> Result<usize, Option<(usize, ReplayErrorKind)>> {
        let mut nearest = None;
        for index in left {
            match self.difference(index, operation, request) {
                None => return Ok(index),
                Some(ReplayErrorKind::Operation { .. }) => {}
                Some(kind) => {
                    nearest.get_or_insert((index, kind));
                }
            }
        }
        Err(nearest)
    }

    fn mismatch(&self, operation: &Operation, nearest: Option<(usize, ReplayErrorKind)>) -> ReplayError {
        let (index, kind) = nearest.unwrap_or((self.recording.exchanges().len(), ReplayErrorKind::NoneLeft));
        ReplayError {
            operation: operation.id.to_owned(),
            place: self.recording.place(index),
            kind,
        }
    }

    /// What keeps a call from being the recorded one.
    fn difference(
        &self,
        index: usize,
        operation: &Operation,
        came: &RecordedRequest,
    ) -> Option<ReplayErrorKind> {
        let exchange = self.recording.entry(index)?;
        if exchange.operation != operation.id {
            return Some(ReplayErrorKind::Operation {
                expected: exchange.operation.clone(),
            });
        }
        let expected = &exchange.request;
        let line = |request: &RecordedRequest| format!("{} {}", request.method, request.path);
        if expected.method != came.method || decoded(&expected.path) != decoded(&came.path) {
            return Some(ReplayErrorKind::Path {
                expected: line(expected),
                came: line(came),
            });
        }
        if expected.body.same(&came.body) {
            return None;
        }
        let (expected, came) = (expected.body.shown(), came.body.shown());
        let from = agreement(&expected, &came);
        Some(ReplayErrorKind::Body {
            expected: around(&expected, from),
            came: around(&came, from),
        })
    }

    fn outcome(&self, index: usize, context: &CallContext) -> Option<Outcome> {
        let exchange: &Exchange = self.recording.entry(index)?;
        match &exchange.outcome {
            RecordedOutcome::Answer(answer) => Some(Outcome::Answer(answer.to_response()?)),
            RecordedOutcome::Error(error) => Some(Outcome::Error(error.to_error(context)?)),
            RecordedOutcome::Dropped => Some(Outcome::Never),
        }
    }

    fn not_kept(&self, index: usize, operation: &Operation) -> ReplayError {
        let error = ReplayError {
            operation: operation.id.to_owned(),
            place: self.recording.place(index),
            kind: ReplayErrorKind::NotKept,
        };
        lock(&self.state).mismatch.get_or_insert_with(|| error.clone());
        error
    }
}

enum Outcome {
    Answer(Response<Bytes>),
    Error(CallError),
    Never,
}

/// A path by its meaning: some encode more of it than others.
fn decoded(path: &str) -> Vec<(String, Option<char>)> {
    path.split_inclusive(['/', '?', '&', '='])
        .map(|piece| {
            let delimiter = piece
                .chars()
                .last()
                .filter(|c| matches!(c, '/' | '?' | '&' | '='));
            let plain = delimiter.map_or(piece, |delimiter| piece.trim_end_matches(delimiter));
            (
                percent_decode_str(plain).decode_utf8_lossy().into_owned(),
                delimiter,
            )
        })
        .collect()
}

/// The length of what both texts begin with.
fn agreement(one: &str, other: &str) -> usize {
    let same = one
        .char_indices()
        .zip(other.chars())
        .take_while(|((_, a), b)| a == b);
    same.last().map_or(0, |((index, c), _)| index + c.len_utf8())
}

/// The part of a long text where it begins to differ.
fn around(text: &str, from: usize) -> String {
    const BEFORE: usize = 60;
    const SHOWN: usize = 240;
    let start = text.floor_char_boundary(from.saturating_sub(BEFORE));
    let end = text.floor_char_boundary(start + SHOWN);
    let (before, after) = (
        if start > 0 { "..." } else { "" },
        if end < text.len() { "..." } else { "" },
    );
    format!("{before}{}{after}", &text[start..end])
}

impl fmt::Debug for Replayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replayer({} left)", self.left())
    }
}

#[async_trait]
impl Transport for Replayer {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        let context = call.context();
        let failed = |error: ReplayError| Err(context.error(CallErrorKind::Other(io::Error::other(error))));
        let index = match self.take(&call) {
            Ok(index) => index,
            Err(error) => return failed(error),
        };
        match self.outcome(index, &context) {
            Some(Outcome::Answer(answer)) => context.accept(answer),
            Some(Outcome::Error(error)) => Err(error),
            Some(Outcome::Never) => std::future::pending().await,
            None => failed(self.not_kept(index, call.operation)),
        }
    }
}

/// A call that is not the recorded one, or a recording that was not used up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the replay of {operation} does not match {place}")]
pub struct ReplayError {
    operation: String,
    place: String,
    #[source]
    kind: ReplayErrorKind,
}

impl ReplayError {
    /// The operation that was called, or that was not.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// File and line of the exchange in question.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What does not match.
    #[must_use]
    pub fn kind(&self) -> &ReplayErrorKind {
        &self.kind
    }
}

/// What does not match in a replay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayErrorKind {
    /// The recording has another operation at this place.
    #[error("the recording has {expected} there")]
    Operation {
        /// Its id.
        expected: String,
    },
    /// The recording has another method, path or query.
    #[error("expected {expected}, came {came}")]
    Path {
        /// That of the recording.
        expected: String,
        /// That of the call.
        came: String,
    },
    /// The recording has another body. Of long bodies, the part where they begin to differ is shown.
    #[error("expected the body {expected}, came {came}")]
    Body {
        /// That of the recording.
        expected: String,
        /// That of the call, its secrets struck out.
        came: String,
    },
    /// The recording has no call of this operation any more.
    #[error("no call of it is left in the recording")]
    NoneLeft,
    /// The recording does not hold all of the answer: its body was not JSON, or the file was changed by hand.
    #[error("its answer was not kept, or cannot be read; text is kept on request, by `StrikeOut::keep_text`")]
    NotKept,
    /// Nobody asked for the exchange.
    #[error("it was not called; {left} exchanges of the recording are left")]
    Unused {
        /// How many exchanges are left, this one included.
        left: usize,
    },
}

#[cfg(test)]
mod tests;
