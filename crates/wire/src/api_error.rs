//! Errors of VMware Cloud Director Availability.

use std::fmt;

use farside_wire_derive::Structure;

use crate::extra::Extra;
use crate::raw::RawJson;

/// An error of VCDA (`ApiError`, VCDA wire rules 6): the body of an answer, `error` of a task, and more places.
#[derive(Clone, Default, PartialEq, Structure)]
#[wire(name = "ApiError")]
pub struct ApiError {
    /// Kind of the error, an open set, e.g. `VmReplicationNotFound`. Wire name `code`.
    pub code: Option<String>,
    /// What happened, in words. Wire name `msg`.
    pub msg: Option<String>,
    /// Arguments that stand in the message. Wire name `args`.
    pub args: Vec<String>,
    /// Trace of the server; not for people, and neither in `Display` nor in `Debug`. Wire name `stacktrace`.
    pub stacktrace: Option<String>,
    /// Members that these models do not know.
    pub extra: Extra,
}

impl ApiError {
    /// Reads an error. Where a member is not as it should be, what can be read of code and message is still told.
    pub(crate) fn from_raw(raw: &RawJson) -> Self {
        let text = |name| Some(raw.member(name)?.text()?.into_owned());
        raw.decode().unwrap_or_else(|_| Self {
            code: text("code"),
            msg: text("msg"),
            ..Self::default()
        })
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code.as_deref().unwrap_or("error without a code"))?;
        self.msg
            .as_deref()
            .map_or(Ok(()), |msg| write!(formatter, ": {msg}"))
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ApiError")
            .field("code", &self.code)
            .field("msg", &self.msg)
            .field("args", &self.args)
            .field("extra", &self.extra)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for ApiError {}
