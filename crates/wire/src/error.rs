//! The error of a typed view: which type the text was read as, and why that failed.

/// A JSON text that was kept raw could not be read as the type asked for.
///
/// Nothing is lost by it: the text is still there, and still written back.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the JSON as {type_name}")]
pub struct DecodeError {
    type_name: &'static str,
    #[source]
    source: serde_json::Error,
}

impl DecodeError {
    pub(crate) fn new(type_name: &'static str, source: serde_json::Error) -> Self {
        Self { type_name, source }
    }

    /// Name of the type that was asked for.
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }
}
