//! Errors of VMware Cloud Director Availability.

use std::fmt;

use serde::de::MapAccess;
use serde::ser::SerializeMap;

use crate::extra::Extra;
use crate::raw::RawJson;
use crate::structure::{MemberReader, MemberWriter, Structure, serde_of_structures};

/// An error of VCDA (`ApiError`, VCDA wire rules 6): the body of an answer, `error` of a task, and more places.
#[derive(Clone, Default, PartialEq)]
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

impl Structure for ApiError {
    const NAME: &'static str = "ApiError";
    const TAGGED: bool = false;

    fn read<'de, A: MapAccess<'de>>(members: &mut MemberReader<'de, A>) -> Result<Self, A::Error> {
        let mut error = Self::default();
        while let Some(name) = members.next_name()? {
            match &*name {
                "code" => error.code = members.value("code")?,
                "msg" => error.msg = members.value("msg")?,
                "args" => error.args = members.value("args")?.unwrap_or_default(),
                "stacktrace" => error.stacktrace = members.value("stacktrace")?,
                _ => members.keep(name)?,
            }
        }
        error.extra = members.extra();
        Ok(error)
    }

    fn write<M: SerializeMap>(&self, members: &mut MemberWriter<M>) -> Result<(), M::Error> {
        members.optional("code", &self.code)?;
        members.optional("msg", &self.msg)?;
        members.array("args", &self.args)?;
        members.optional("stacktrace", &self.stacktrace)
    }

    fn extra(&self) -> &Extra {
        &self.extra
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

serde_of_structures!(ApiError);
