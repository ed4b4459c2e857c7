//! From a raw HTTP answer to success or error: one reading for every transport, real or simulated.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use farside_wire::ServiceError;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Response};
use serde::de::DeserializeOwned;

use crate::call::CallContext;
use crate::error::{CallError, CallErrorKind, StatusError};

impl CallContext {
    /// Judges a complete answer to this call: a 2xx is the answer, everything else an error with the decoded body.
    ///
    /// # Errors
    /// [`CallErrorKind::Status`] for another status than 2xx; [`CallErrorKind::ContentType`] for a 2xx whose body
    /// says that it is not JSON.
    pub fn accept(&self, answer: Response<Bytes>) -> Result<Response<Bytes>, CallError> {
        if !answer.status().is_success() {
            return Err(self.error(CallErrorKind::Status(Box::new(self.refusal(&answer)))));
        }
        match content_type(answer.headers()) {
            Some(seen) if !answer.body().is_empty() && !is_json(&seen) => {
                Err(self.error(CallErrorKind::ContentType { seen: seen.into() }))
            }
            Some(_) | None => Ok(answer),
        }
    }

    /// Decodes the JSON body of an accepted answer.
    ///
    /// # Errors
    /// [`CallErrorKind::Decode`]; the server has done what was asked. The message can quote a value of the body,
    /// so an answer that is a secret must be read another way.
    pub fn decode<T: DeserializeOwned>(&self, answer: &Response<Bytes>) -> Result<T, CallError> {
        serde_json::from_slice(answer.body()).map_err(|source| self.error(CallErrorKind::Decode(source)))
    }

    fn refusal(&self, answer: &Response<Bytes>) -> StatusError {
        let status = answer.status();
        let content_type = content_type(answer.headers());
        let error = ServiceError::decode(
            self.operation.service,
            status.as_u16(),
            content_type.as_deref(),
            answer.body(),
        );
        StatusError::new(status, retry_after(answer.headers()), error)
    }
}

fn content_type(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    headers
        .get(CONTENT_TYPE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
}

/// By its suffix, since VCDA's media types are of the form `application/vnd.vmware.h4-v4.5+json`.
fn is_json(content_type: &str) -> bool {
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence.ends_with("/json") || essence.ends_with("+json")
}

/// The delay of a `Retry-After` header in seconds; its form with a date is left unread, as our clock is not the
/// server's.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
