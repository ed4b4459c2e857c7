//! What is written down of one call and its outcome.

use bytes::Bytes;
use farside_wire::ServiceError;
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::testing::failure::RecordedError;

/// One call and what became of it, without its secrets: a line of a [`Recording`](super::Recording).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Exchange {
    /// Its place among the calls of the recording, by the time at which they were made, from 1. Lines are in the order
    /// of the outcomes.
    pub n: u64,
    /// Operation id of the schema.
    pub operation: String,
    /// The object it was about, in words.
    pub target: String,
    /// What was sent.
    pub request: RecordedRequest,
    /// What became of it.
    pub outcome: RecordedOutcome,
}

/// The request of an [`Exchange`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The headers that matter, names in lower case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(default, skip_serializing_if = "RecordedBody::is_empty")]
    pub body: RecordedBody,
}

/// How a call ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecordedOutcome {
    /// With an answer whose status is 2xx.
    Answer(RecordedAnswer),
    /// With an error.
    Error(RecordedError),
    /// Its caller did not wait for the end.
    Dropped,
}

/// The answer of an [`Exchange`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RecordedAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The headers that matter, names in lower case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(default, skip_serializing_if = "RecordedBody::is_empty")]
    pub body: RecordedBody,
}

/// A body, of a request or of an answer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecordedBody {
    /// There was none.
    #[default]
    Empty,
    /// JSON, in its own order and with its own numbers.
    Json(Box<RawValue>),
    /// Text that is not JSON, kept on request.
    Text(String),
    /// Something that is not JSON, so that nobody can tell where it holds secrets: its length in bytes alone.
    Omitted(u64),
}

impl RecordedBody {
    /// Whether there was no body.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// The bytes, as they are to be sent; `None` for a body that was not kept.
    pub(super) fn to_bytes(&self) -> Option<Bytes> {
        match self {
            Self::Empty => Some(Bytes::new()),
            Self::Json(json) => Some(Bytes::copy_from_slice(json.get().as_bytes())),
            Self::Text(text) => Some(Bytes::copy_from_slice(text.as_bytes())),
            Self::Omitted(_) => None,
        }
    }

    /// Whether both say the same: JSON by its meaning, a body that was not kept by its length.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Json(one), Self::Json(other)) => {
                let parse = |json: &RawValue| serde_json::from_str::<serde_json::Value>(json.get()).ok();
                one.get() == other.get()
                    || matches!((parse(one), parse(other)), (Some(one), Some(other)) if one == other)
            }
            (Self::Empty, Self::Empty) => true,
            (Self::Text(one), Self::Text(other)) => one == other,
            (Self::Omitted(one), Self::Omitted(other)) => one == other,
            (Self::Empty | Self::Json(_) | Self::Text(_) | Self::Omitted(_), _) => false,
        }
    }

    /// For people: what a message shows of it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Empty => "no body".to_owned(),
            Self::Json(json) => json.get().to_owned(),
            Self::Text(text) => text.clone(),
            Self::Omitted(length) => format!("{length} bytes that are not JSON"),
        }
    }
}

/// The JSON text of an error body; empty if it cannot be written.
pub(super) fn error_body(error: &ServiceError) -> Bytes {
    let text = match error {
        ServiceError::Fault(fault) => serde_json::to_vec(fault),
        ServiceError::Std(error) => serde_json::to_vec(error),
        ServiceError::Api(error) => serde_json::to_vec(error),
        _ => return Bytes::new(),
    };
    text.map(Bytes::from).unwrap_or_default()
}

impl RecordedAnswer {
    /// The answer as HTTP; `None` if its body was not kept, or if the file holds what HTTP does not know.
    pub(super) fn to_response(&self) -> Option<Response<Bytes>> {
        let mut response = Response::builder().status(StatusCode::from_u16(self.status).ok()?);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        response.body(self.body.to_bytes()?).ok()
    }
}
