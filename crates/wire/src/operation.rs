//! One description per remote operation, written by the code generator.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Which service an operation belongs to. It settles the base of the path, the media type, and the form of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// VI JSON of vCenter: vim, SMS and PBM below one base with the release in it. Errors are faults.
    ViJson,
    /// vCenter REST below `/api`. Errors are std errors.
    VcenterRest,
    /// VMware Cloud Director Availability, Cloud Director flavour. Errors are [`ApiError`](crate::ApiError)s.
    Vcda,
}

/// Method of the HTTP request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

impl Method {
    /// The method as HTTP spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Whether a call may be sent again without having looked at the world first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Repeat {
    /// A read: sending it twice changes nothing.
    Harmless,
    /// Only if the server cannot have acted on it.
    OnlyIfNeverSent,
}

/// What the schema and the overlay say about one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// `operationId` of the schema, e.g. `HostNetworkSystem_startDpuFailover`.
    pub id: &'static str,
    /// The service it belongs to.
    pub service: Service,
    /// Method of the HTTP request.
    pub method: Method,
    /// Path below the base of the service; `{name}` stands for a parameter, e.g.
    /// `/HostNetworkSystem/{moId}/startDpuFailover`.
    pub path: &'static str,
    /// Fixed part of the query, e.g. `action=failover&vmw-task=true`, or empty.
    pub query: &'static str,
    /// Whether it may be sent again.
    pub repeat: Repeat,
    /// Release it appeared in, as the schema writes it.
    pub since: Option<&'static str>,
    /// Privileges the schema names.
    pub privileges: &'static [&'static str],
    /// Names of the declared faults.
    pub faults: &'static [&'static str],
    /// [Codes](crate::ServiceError::code) of errors that mean that the server refused and has done nothing,
    /// whatever the status says.
    pub refused_before_acting: &'static [&'static str],
    /// Whether it can be called without a session.
    pub anonymous: bool,
    /// Wire names of the members of its request and answer, at any depth, that the schema marks as secret: struck out
    /// wherever a body is shown.
    pub secrets: &'static [&'static str],
}

impl Operation {
    /// The path with each parameter percent-encoded as one path segment, and the fixed query.
    ///
    /// `:` stays bare, since a vCenter task id holds it and no source says that a server takes it encoded (vCenter REST
    /// wire rules 5).
    ///
    /// # Panics
    /// If a parameter of the path is not among `params`: the caller's code does not fit the operation.
    pub fn path_with(&self, params: &[(&str, &str)]) -> String {
        self.path_and_query(params, &Query::new())
    }

    /// As [`path_with`](Self::path_with), with `query` after the fixed query.
    ///
    /// # Panics
    /// If a parameter of the path is not among `params`.
    pub fn path_and_query(&self, params: &[(&str, &str)], query: &Query) -> String {
        let mut target = String::with_capacity(self.path.len() + self.query.len() + query.0.len() + 32);
        let mut rest = self.path;
        while let Some((before, (name, after))) = rest
            .split_once('{')
            .and_then(|(before, tail)| Some((before, tail.split_once('}')?)))
        {
            target.push_str(before);
            let value = params
                .iter()
                .find(|(param, _)| *param == name)
                .map(|(_, value)| *value);
            let value = value.unwrap_or_else(|| panic!("{} needs the path parameter {name}", self.id));
            push_segment(&mut target, value);
            rest = after;
        }
        target.push_str(rest);
        for (part, separator) in [self.query, &query.0]
            .into_iter()
            .filter(|part| !part.is_empty())
            .zip(['?', '&'])
        {
            target.push(separator);
            target.push_str(part);
        }
        target
    }
}

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const SEGMENT: &AsciiSet = &RESERVED.remove(b':');

fn push_segment(target: &mut String, value: &str) {
    match value {
        // Bare, these two would be taken for steps in the path.
        "." => target.push_str("%2E"),
        ".." => target.push_str("%2E%2E"),
        _ => target.extend(utf8_percent_encode(value, SEGMENT)),
    }
}

/// The variable part of a query: names and values, percent-encoded, in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(String);

impl Query {
    /// No parameters.
    pub const fn new() -> Self {
        Self(String::new())
    }

    /// With one more parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.extend(utf8_percent_encode(name, RESERVED));
        self.0.push('=');
        self.0.extend(utf8_percent_encode(&value.to_string(), RESERVED));
        self
    }

    /// With one more parameter, if it has a value.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With one more parameter for each of `values`, all of the same name.
    #[must_use]
    pub fn with_each(self, name: &str, values: impl IntoIterator<Item = impl fmt::Display>) -> Self {
        values
            .into_iter()
            .fold(self, |query, value| query.with(name, value))
    }

    /// With one more parameter that holds all of `values`, each percent-encoded, between bare commas. Without any, there
    /// is no parameter.
    #[must_use]
    pub fn with_list(mut self, name: &str, values: impl IntoIterator<Item = impl fmt::Display>) -> Self {
        let mut values = values.into_iter();
        let Some(first) = values.next() else { return self };
        self = self.with(name, first);
        for value in values {
            self.0.push(',');
            self.0.extend(utf8_percent_encode(&value.to_string(), RESERVED));
        }
        self
    }

    /// The encoded text, without a leading `?`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
