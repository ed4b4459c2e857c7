//! What goes in and out of the world: a request as it came over the wire, and what becomes of it.

use bytes::Bytes;
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// A request as it arrived, of any service.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path as sent, percent-encoded, without the query.
    pub path: String,
    /// The query as sent, without the question mark; empty if there is none.
    pub query: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl std::fmt::Debug for Request {
    /// Bodies and headers hold passwords and tokens and are left out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Request {
    /// A request without headers and body; `target` is a path with an optional query.
    pub fn new(method: Method, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// Adds a header; one that HTTP does not allow is left out.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (
            http::HeaderName::try_from(name),
            http::HeaderValue::try_from(value),
        ) {
            self.headers.append(name, value);
        }
        self
    }

    /// Adds a JSON body and says so in `Content-Type`.
    #[must_use]
    pub fn json(mut self, body: &Value) -> Self {
        self.body = Bytes::from(body.to_string());
        self.header("content-type", "application/json")
    }

    /// The text of a header; `None` if it is absent or no text.
    pub fn header_text(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The segments of the path, decoded one by one; `/a/b%2Fc` gives `a` and `b/c`.
    pub fn segments(&self) -> Vec<String> {
        let path = self.path.strip_prefix('/').unwrap_or(&self.path);
        path.split('/').map(decode).collect()
    }

    /// Name and value of each query parameter, decoded, in the order sent.
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(&name.replace('+', " ")), decode(&value.replace('+', " ")))
            })
            .collect()
    }

    /// The first query parameter of this name.
    pub fn query_value(&self, name: &str) -> Option<String> {
        self.query_pairs()
            .into_iter()
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The parameters of `template` if the path fits it: `/tasks/{taskId}` fits `/tasks/7` and gives `["7"]`.
    pub fn fit(&self, template: &str) -> Option<Vec<String>> {
        let segments = self.segments();
        let parts: Vec<&str> = template.trim_start_matches('/').split('/').collect();
        if parts.len() != segments.len() {
            return None;
        }
        let mut params = Vec::new();
        for (part, segment) in parts.iter().zip(segments) {
            if part.starts_with('{') {
                params.push(segment);
            } else if *part != segment {
                return None;
            }
        }
        Some(params)
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A complete answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, in the order in which they are sent.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// A JSON answer of this media type.
    pub fn json(status: u16, media_type: &str, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), media_type.to_owned())],
            body: Bytes::from(body.to_string()),
        }
    }

    /// The page of a proxy that cannot reach its server.
    pub(crate) fn page(status: u16) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), "text/html".to_owned())],
            body: Bytes::from_static(
                b"<html><body><h1>No server is available to handle this request</h1></body></html>",
            ),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The first header of this name, whatever its case.
    pub fn header_text(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value.as_str()))
    }

    /// The body as JSON; `Value::Null` if it is empty or no JSON.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// What the caller sees of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// An answer.
    Answer(Answer),
    /// The connection is closed without an answer; whether the server acted is not to be seen.
    Cut,
    /// Nothing ever comes; the connection stays open.
    Silence,
    /// The answer comes when something happens, or when its time is up: [`World::resume`](crate::World::resume) tells.
    Parked(u64),
    /// An answer of which only the first part arrives: its head, and that many bytes of its body.
    Part(Answer, usize),
    /// No connection: nothing was sent.
    Unreachable,
    /// Packets are dropped: no connection comes about, and nothing comes over one that is open. The request did not arrive.
    Dropped,
}

/// A reply, and how long it takes to arrive.
#[derive(Debug, Clone, PartialEq)]
pub struct Handled {
    /// What the caller sees.
    pub reply: Reply,
    /// How much later than the request it arrives, in milliseconds of world time.
    pub delay_ms: i64,
}

impl Handled {
    /// A reply that takes no time.
    pub(crate) fn at_once(reply: Reply) -> Self {
        Self { reply, delay_ms: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_one_by_one() {
        let request = Request::new(Method::GET, "/sms/Task/a%2Fb:1?x=1%202&y=c+d");
        assert_eq!(request.segments(), ["sms", "Task", "a/b:1"]);
        assert_eq!(request.query_value("x").as_deref(), Some("1 2"));
        assert_eq!(request.query_value("y").as_deref(), Some("c d"));
        assert_eq!(request.fit("/sms/Task/{moId}"), Some(vec!["a/b:1".to_owned()]));
        assert_eq!(request.fit("/sms/Task"), None);
        assert_eq!(request.fit("/sms/Other/{moId}"), None);
    }

    #[test]
    fn debug_of_a_request_shows_no_body_and_no_header() {
        let request = Request::new(Method::POST, "/sessions").header("x-vcav-auth", "token-1");
        let request = request.json(&serde_json::json!({"vcdPassword": "hush"}));
        let shown = format!("{request:?}");
        assert!(!shown.contains("token-1") && !shown.contains("hush"), "{shown}");
    }
}
