//! From a raw HTTP answer to success or error: one reading for every transport, real or simulated.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use farside_wire::{Read, ServiceError, Timestamp};
use http::header::{CONTENT_TYPE, DATE, HeaderName, RETRY_AFTER};
use http::{HeaderMap, Response};
use serde::de::{DeserializeOwned, Error as _};

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

    /// Reads the JSON body of an accepted answer. What is kept of it as JSON is a slice of the body.
    ///
    /// # Errors
    /// [`CallErrorKind::Decode`]; the server has done what was asked. The message names members and types and quotes
    /// no value.
    pub fn read<T: Read>(&self, answer: &Response<Bytes>) -> Result<T, CallError> {
        farside_wire::decode(answer.body().clone()).map_err(|error| {
            let text = format!("{error}: {}", error.reason());
            self.error(CallErrorKind::Decode(serde_json::Error::custom(text)))
        })
    }

    fn refusal(&self, answer: &Response<Bytes>) -> StatusError {
        let status = answer.status();
        let headers = answer.headers();
        let content_type = content_type(headers);
        let error = ServiceError::decode(
            self.operation.service,
            status.as_u16(),
            content_type.as_deref(),
            answer.body(),
        );
        let refusal = StatusError::new(status, None, error);
        match retry_after(headers) {
            Some(RetryAfter::Delay(delay)) => StatusError {
                retry_after: Some(delay),
                ..refusal
            },
            Some(RetryAfter::At(at)) => StatusError {
                retry_at: Some(at),
                ..refusal
            },
            None => refusal,
        }
    }
}

fn content_type(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    headers
        .get(CONTENT_TYPE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
}

/// By its suffix, since VCDA's media types are of the form `application/vnd.vmware.h4-v4.5+json`.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let suffix = essence
        .len()
        .checked_sub("/json".len())
        .and_then(|start| essence.get(start..));
    suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case("/json") || suffix.eq_ignore_ascii_case("+json"))
}

/// When the server wants to be asked again.
#[derive(Debug, PartialEq)]
enum RetryAfter {
    Delay(Duration),
    /// A point in time that nothing in the answer relates to the present.
    At(Timestamp),
}

/// Reads `Retry-After` (RFC 9110, 10.2.3): seconds, or a date. A date is taken relative to that of the answer, where
/// it has one, so that it does not matter how far the server's clock is off.
fn retry_after(headers: &HeaderMap) -> Option<RetryAfter> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a very long time.
        let seconds = text.parse().unwrap_or(u64::MAX);
        return Some(RetryAfter::Delay(Duration::from_secs(seconds)));
    }
    let at = http_date(text)?;
    Some(match date_of(headers, DATE) {
        Some(sent) => RetryAfter::Delay(at.since(&sent)),
        None => RetryAfter::At(at),
    })
}

fn date_of(headers: &HeaderMap, name: HeaderName) -> Option<Timestamp> {
    http_date(headers.get(name)?.to_str().ok()?.trim())
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Reads the preferred form of a date in HTTP, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7). The two obsolete
/// forms are left unread: nothing has sent them for decades.
fn http_date(text: &str) -> Option<Timestamp> {
    let (_day_name, rest) = text.strip_suffix(" GMT")?.split_once(", ")?;
    let mut parts = rest.split(' ');
    let (day, month, year, time) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    if parts.next().is_some() || time.len() != 8 {
        return None;
    }
    Timestamp::parse(&format!("{year}-{month:02}-{day}T{time}Z")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::operations::{READ, call};

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().expect("a header value")))
            .collect()
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        const AT: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        let delay = |seconds| Some(RetryAfter::Delay(Duration::from_secs(seconds)));
        let table = [
            (headers(&[(RETRY_AFTER, "120")]), delay(120)),
            (headers(&[(RETRY_AFTER, " 0 ")]), delay(0)),
            (headers(&[(RETRY_AFTER, "99999999999999999999")]), delay(u64::MAX)),
            (headers(&[(RETRY_AFTER, "-1")]), None),
            (headers(&[(RETRY_AFTER, "+1")]), None),
            (headers(&[(RETRY_AFTER, "")]), None),
            (headers(&[(RETRY_AFTER, "soon")]), None),
            (
                headers(&[(RETRY_AFTER, AT), (DATE, "Sun, 06 Nov 1994 08:49:07 GMT")]),
                delay(30),
            ),
            (
                headers(&[(RETRY_AFTER, AT), (DATE, "Mon, 07 Nov 1994 00:00:00 GMT")]),
                delay(0),
            ),
            (
                headers(&[(RETRY_AFTER, AT)]),
                Some(RetryAfter::At(
                    Timestamp::parse("1994-11-06T08:49:37Z").expect("a time"),
                )),
            ),
            (headers(&[(RETRY_AFTER, "Sun, 31 Feb 1994 08:49:37 GMT")]), None),
            (headers(&[(RETRY_AFTER, "Sun, 06 Nov 1994 08:49:37 CET")]), None),
            (headers(&[(RETRY_AFTER, "Sun, 06 Nov 1994 25:49:37 GMT")]), None),
        ];
        for (headers, expected) in table {
            assert_eq!(retry_after(&headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_body_that_cannot_be_read_is_not_quoted() {
        let context = call(&READ).context();
        let answer = Response::new(Bytes::from_static(br#""hunter2""#));
        assert_eq!(context.read::<String>(&answer).expect("a string"), "hunter2");
        let error = context.read::<i32>(&answer).expect_err("not a number");
        let CallErrorKind::Decode(reason) = error.kind() else {
            panic!("{error:?}")
        };
        assert!(!format!("{reason} {reason:?}").contains("hunter2"), "{reason}");
        assert!(
            reason.to_string().contains("expected a 32-bit integer"),
            "{reason}"
        );
    }
}
