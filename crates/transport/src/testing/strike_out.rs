//! What is a secret in a call and its answer, and what stands in its place once it is struck out.

use std::collections::BTreeSet;

use farside_wire::{Operation, Secret};
use http::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use percent_encoding::percent_decode_str;

use crate::call::Call;
use crate::redact::SecretNames;
use crate::testing::exchange::{RecordedBody, RecordedRequest};
use crate::testing::json::{Edit, checked, rewrite};

pub(super) use self::vault::Vault;
use self::vault::{Scrub, placeholder};

mod vault;

/// Headers whose values are secrets, beside those whose names speak for themselves.
const HEADERS: [&str; 6] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-vcav-auth",
    "vmware-api-session-id",
];

/// Headers that say something about the exchange. No other ones are written down, secrets excepted.
const KEPT_HEADERS: [&str; 6] = [
    "accept",
    "content-type",
    "etag",
    "location",
    "operationid",
    "retry-after",
];

/// Operations that answer with nothing but a secret (vCenter REST wire rules 4; VI JSON schema, `SessionManager`).
const ANSWERS: [&str; 2] = ["Cis.Session_create", "SessionManager_AcquireCloneTicket"];

/// What is a secret in recorded calls, and gets a placeholder in its place.
///
/// Known without being told: the headers in which the services carry sessions and log-ins, every header value that is
/// marked sensitive; what [`SecretNames`] knows, in JSON bodies at any depth, queries and path
/// parameters; and the answers that are a session id and nothing else. Of other headers only those that matter are
/// written down at all, and of bodies that are not JSON the length.
///
/// A placeholder tells the place and not the value, `~struck-out.vcdPassword~`, so it is the same in each run, whatever
/// the password. A value that was found in one of these places and is at least six bytes long is struck out wherever else
/// it turns up later: in paths, messages, other members. What is a secret by its value alone is to be named with
/// [`value`](Self::value).
///
/// ```
/// use farside_transport::testing::StrikeOut;
/// use farside_wire::Secret;
///
/// let strike_out = StrikeOut::new()
///     .member("recoveryKey")
///     .header("x-api-key")
///     .value(&Secret::new("a value that turns up in places that nobody can name"));
/// # let _ = strike_out;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct StrikeOut {
    headers: BTreeSet<String>,
    kept_headers: BTreeSet<String>,
    names: SecretNames,
    answers: BTreeSet<String>,
    values: Vec<Secret>,
    keep_text: bool,
}

impl StrikeOut {
    /// What is known to be a secret without being told.
    pub fn new() -> Self {
        let set = |names: &[&str]| names.iter().map(|name| name.to_ascii_lowercase()).collect();
        Self {
            headers: set(&HEADERS),
            kept_headers: set(&KEPT_HEADERS),
            names: SecretNames::new(),
            answers: ANSWERS.map(str::to_owned).into(),
            values: Vec::new(),
            keep_text: false,
        }
    }

    /// Strikes out the values of one more header.
    pub fn header(mut self, name: &str) -> Self {
        self.headers.insert(name.to_ascii_lowercase());
        self
    }

    /// Writes down the values of one more header. A header that is a secret stays one.
    pub fn keep_header(mut self, name: &str) -> Self {
        self.kept_headers.insert(name.to_ascii_lowercase());
        self
    }

    /// Strikes out all values of this name, upper and lower case being the same: in JSON bodies at any depth, with all
    /// that they hold, in queries and in path parameters.
    ///
    /// It serves too for what differs from run to run, a time stamp for example, and must not keep a replay from matching.
    pub fn member(mut self, name: &str) -> Self {
        self.names = self.names.with(name);
        self
    }

    /// Strikes out the whole answer of an operation, by its id.
    pub fn answer_of(mut self, operation: &str) -> Self {
        self.answers.insert(operation.to_owned());
        self
    }

    /// Strikes out this value, of whatever length, wherever it stands.
    pub fn value(mut self, value: &Secret) -> Self {
        self.values.push(value.clone());
        self
    }

    /// Writes down bodies that are text and not JSON. They must hold no secret but those that are struck out by their
    /// value.
    pub fn keep_text(mut self) -> Self {
        self.keep_text = true;
        self
    }

    /// What is known by value before the first call.
    pub(super) fn vault(&self) -> Vault {
        Vault::of(&self.values)
    }

    /// What may be written down of a request, but for what the vault knows by value.
    pub(super) fn request(&self, call: &Call, vault: &mut Vault) -> RecordedRequest {
        let request = &call.request;
        RecordedRequest {
            method: request.method().to_string(),
            path: self.path(call.operation, request.uri(), vault),
            headers: self.headers(request.headers(), vault),
            body: self.body(call.operation, request.body(), None, vault),
        }
    }

    /// What may be written down of an answer's body.
    pub(super) fn answer_body(&self, operation: &Operation, body: &[u8], vault: &mut Vault) -> RecordedBody {
        let whole = self.answers.contains(operation.id).then_some("answer");
        self.body(operation, body, whole, vault)
    }

    /// What may be written down of a body of the operation.
    pub(super) fn body(
        &self,
        operation: &Operation,
        body: &[u8],
        whole: Option<&str>,
        vault: &mut Vault,
    ) -> RecordedBody {
        if body.is_empty() {
            return RecordedBody::Empty;
        }
        let mut strike = Strike {
            rules: self,
            secrets: operation.secrets,
            vault,
        };
        let json = checked(body)
            .map(|json| rewrite(json, whole, &mut strike))
            .and_then(|json| serde_json::value::RawValue::from_string(json).ok());
        match (json, std::str::from_utf8(body)) {
            (Some(json), _) => RecordedBody::Json(json),
            (None, Ok(text)) if self.keep_text && whole.is_none() => RecordedBody::Text(text.to_owned()),
            (None, _) => RecordedBody::Omitted(body.len() as u64),
        }
    }

    /// The headers that matter, and the names of those that are secrets.
    pub(super) fn headers(&self, headers: &HeaderMap, vault: &mut Vault) -> Vec<(String, String)> {
        let mut kept = Vec::new();
        for (name, value) in headers {
            let text = String::from_utf8_lossy(value.as_bytes());
            if self.is_secret_header(name, value) {
                vault.learn_header(name, &text);
                kept.push((name.to_string(), placeholder(name.as_str())));
            } else if self.kept_headers.contains(name.as_str()) {
                let text = match text.split_once('?').filter(|_| name == LOCATION) {
                    Some((path, query)) => format!("{path}?{}", self.query(query, vault)),
                    None => text.into_owned(),
                };
                kept.push((name.to_string(), text));
            }
        }
        kept
    }

    fn is_secret_header(&self, name: &HeaderName, value: &HeaderValue) -> bool {
        value.is_sensitive() || self.headers.contains(name.as_str()) || self.names.contains(name.as_str())
    }

    fn path(&self, operation: &Operation, uri: &http::Uri, vault: &mut Vault) -> String {
        // The template is the end of the path: what stands before is the base of the service.
        let templates = operation
            .path
            .rsplit('/')
            .map(Some)
            .chain(std::iter::repeat(None));
        let mut segments: Vec<String> = uri
            .path()
            .rsplit('/')
            .zip(templates)
            .map(|(segment, template)| {
                let name = template.and_then(|template| template.strip_prefix('{')?.strip_suffix('}'));
                match name.filter(|name| self.names.contains(name)) {
                    Some(name) => vault.strike(name, &decoded(segment)),
                    None => segment.to_owned(),
                }
            })
            .collect();
        segments.reverse();
        let path = segments.join("/");
        match uri.query() {
            Some(query) => format!("{path}?{}", self.query(query, vault)),
            None => path,
        }
    }

    fn query(&self, query: &str, vault: &mut Vault) -> String {
        let pairs: Vec<String> = query
            .split('&')
            .map(|pair| match pair.split_once('=') {
                Some((name, value)) if self.names.contains(&decoded(name)) => {
                    format!("{name}={}", vault.strike(&decoded(name), &decoded(value)))
                }
                Some(_) | None => pair.to_owned(),
            })
            .collect();
        pairs.join("&")
    }

    /// Strikes out what the vault knows by value. The names of secrets are none.
    pub(super) fn scrub_body(&self, body: &mut RecordedBody, vault: &Vault) {
        match body {
            RecordedBody::Empty | RecordedBody::Omitted(_) => {}
            RecordedBody::Text(text) => vault.scrub(text),
            RecordedBody::Json(json) => {
                let is_name = |text: &str| self.names.contains(text);
                let text = rewrite(json.get(), None, &mut Scrub::new(vault, &is_name));
                if let Ok(text) = serde_json::value::RawValue::from_string(text) {
                    *json = text;
                }
            }
        }
    }
}

impl Default for StrikeOut {
    fn default() -> Self {
        Self::new()
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Strikes out by name, and learns the values.
struct Strike<'a> {
    rules: &'a StrikeOut,
    /// What the schema marks as secret.
    secrets: &'static [&'static str],
    vault: &'a mut Vault,
}

impl Edit for Strike<'_> {
    fn is_secret(&self, member: &str) -> bool {
        self.rules.names.contains(member) || self.secrets.contains(&member)
    }

    fn secret(&mut self, member: &str, text: &str) -> String {
        self.vault.strike(member, text)
    }

    fn name(&mut self, _name: &str) -> Option<String> {
        None
    }

    fn text(&mut self, _text: &str) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests;
