//! Where something stands in a TOML file.

use std::fmt;
use std::sync::Arc;

use toml::Spanned;

/// A file and a line in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file's path, as the caller gave it.
    pub file: Arc<str>,
    /// Counted from 1.
    pub line: usize,
}

/// A word of a TOML file, and where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// The word.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}

/// A file's text, to find lines in.
pub(super) struct Source<'a> {
    file: Arc<str>,
    text: &'a str,
}

impl<'a> Source<'a> {
    pub(super) fn new(file: &str, text: &'a str) -> Self {
        Self {
            file: file.into(),
            text,
        }
    }

    /// The word with its place.
    pub(super) fn placed(&self, word: Spanned<String>) -> Placed {
        let place = self.place(&word);
        Placed {
            text: word.into_inner(),
            place,
        }
    }

    /// The line in which `value` begins.
    pub(super) fn place<T>(&self, value: &Spanned<T>) -> Place {
        let before = self.text.as_bytes().get(..value.span().start).unwrap_or_default();
        Place {
            file: Arc::clone(&self.file),
            line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
        }
    }
}
