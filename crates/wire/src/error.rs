//! Why JSON could not be read or written.

use std::borrow::Cow;
use std::fmt;

/// A value could not be read.
///
/// The text names the members on the way to the place, each with its type, what was expected there, and the place in
/// bytes from the begin of the text that was read: `TaskInfo.progress: expected a 32-bit integer, found a string, at
/// byte 52`. It never quotes a value, which may be secret.
#[derive(Debug)]
pub struct ReadError(Box<Details>);

#[derive(Debug)]
struct Details {
    reason: Reason,
    offset: usize,
    /// Types and members on the way to the place, innermost first.
    path: Vec<(&'static str, &'static str)>,
}

#[derive(Debug)]
pub(crate) enum Reason {
    /// The text is not JSON.
    Syntax(&'static str),
    /// A value of another kind.
    Expected {
        what: &'static str,
        found: &'static str,
    },
    /// A value that is not an object.
    Object(&'static str),
    /// A required member is absent.
    Missing,
    TooDeep,
    /// What a type says of its own value.
    Refused(Cow<'static, str>),
}

impl ReadError {
    #[cold]
    pub(crate) fn new(reason: Reason, offset: usize) -> Self {
        Self(Box::new(Details {
            reason,
            offset,
            path: Vec::new(),
        }))
    }

    /// The error, one member further out.
    #[cold]
    pub(crate) fn within(mut self, type_name: &'static str, member: &'static str) -> Self {
        self.0.path.push((type_name, member));
        self
    }

    /// The place, in bytes from the begin of the text that was read: a document, or a text that was kept of one.
    pub fn offset(&self) -> usize {
        self.0.offset
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Details { reason, offset, path } = &*self.0;
        let mut separator = "";
        for (type_name, member) in path.iter().rev() {
            write!(formatter, "{separator}{type_name}.{member}")?;
            separator = ": ";
        }
        formatter.write_str(match reason {
            Reason::Missing => " ",
            _ => separator,
        })?;
        match reason {
            Reason::Syntax(what) => write!(formatter, "not JSON: {what}"),
            Reason::Expected { what, found } => write!(formatter, "expected {what}, found {found}"),
            Reason::Object(name) => write!(formatter, "expected an object of type {name}"),
            Reason::Missing => formatter.write_str("is missing"),
            Reason::TooDeep => write!(
                formatter,
                "nested deeper than {} levels",
                crate::reader::MAX_DEPTH
            ),
            Reason::Refused(why) => formatter.write_str(why),
        }?;
        write!(formatter, ", at byte {offset}")
    }
}

impl std::error::Error for ReadError {}

/// A JSON text could not be read as the type asked for.
///
/// Where the text was kept raw, nothing is lost by it: the text is still there, and still written back.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the JSON as {type_name}")]
pub struct DecodeError {
    type_name: &'static str,
    #[source]
    source: ReadError,
}

impl DecodeError {
    pub(crate) fn new(type_name: &'static str, source: ReadError) -> Self {
        Self { type_name, source }
    }

    /// Name of the type that was asked for.
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// Which member was not as it should be, and where.
    pub fn reason(&self) -> &ReadError {
        &self.source
    }
}

/// A value could not be written as JSON: a map whose keys are not strings, for instance, or text that is nested too
/// deep. Generated types can always be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the value as JSON")]
pub struct EncodeError(#[source] pub(crate) Box<dyn std::error::Error + Send + Sync>);
