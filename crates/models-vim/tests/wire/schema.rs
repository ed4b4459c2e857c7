//! A generated type, told by the name of its schema.

use std::fmt::Debug;

use farside_wire::Read;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A generated type.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    /// Name of the schema; for a body without one, the operation's id.
    pub(crate) schema: &'static str,
    reprint: fn(&str) -> Result<String, String>,
}

impl Entry {
    /// Reads `text` as the type and prints it.
    pub(crate) fn reprint(&self, text: &str) -> Result<String, String> {
        (self.reprint)(text)
    }
}

/// The entry of `T`.
pub(crate) const fn entry<T: Read + Serialize + DeserializeOwned + Clone + Debug + PartialEq>(
    schema: &'static str,
) -> Entry {
    Entry {
        schema,
        reprint: reprint::<T>,
    }
}

fn reprint<T: Read + Serialize + DeserializeOwned + Clone + Debug + PartialEq>(
    text: &str,
) -> Result<String, String> {
    let value: T = farside_wire::decode_str(text).map_err(|error| told(&error))?;
    let through_serde: T = serde_json::from_str(text)
        .unwrap_or_else(|error| panic!("serde refuses what the reader takes: {error}\n{text}"));
    assert_eq!(value, through_serde, "read in two ways: {text}");
    assert_eq!(value.clone(), value);
    // What is printed for a person must not fail either.
    assert!(!format!("{value:?}").is_empty());
    Ok(serde_json::to_string(&value).expect("a value that was read can be written"))
}

/// An error with what caused it.
fn told(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", told(source)),
        None => error.to_string(),
    }
}
