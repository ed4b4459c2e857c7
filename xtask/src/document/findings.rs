//! What a document has that is not understood, each thing with file and line.

use std::fmt::Display;

use anyhow::{Result, bail};

use crate::json::{Json, Refusal};

/// How many refusals are shown at once.
const SHOWN: usize = 50;

/// Refusals and warnings about one document.
pub(crate) struct Findings {
    file: String,
    /// The parts of the document that are being read, outermost first.
    inside: Vec<String>,
    refusals: Vec<(usize, String)>,
    warnings: Vec<(usize, String)>,
}

impl Findings {
    /// None, for the document that messages call `file`.
    pub(crate) fn new(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            inside: Vec::new(),
            refusals: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Does `work` on a part of the document.
    pub(crate) fn inside<T>(&mut self, part: impl Into<String>, work: impl FnOnce(&mut Self) -> T) -> T {
        self.inside.push(part.into());
        let result = work(self);
        self.inside.pop();
        result
    }

    /// Notes something that cannot be read.
    pub(crate) fn refuse(&mut self, value: &Json, text: impl Display) {
        let text = self.message(text);
        self.refusals.push((value.line, text));
    }

    /// Notes something that is passed over.
    pub(crate) fn warn(&mut self, value: &Json, text: impl Display) {
        let text = self.message(text);
        self.warnings.push((value.line, text));
    }

    /// The value, or a note why there is none.
    pub(crate) fn take<T>(&mut self, result: Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                let line = error.downcast_ref::<Refusal>().map_or(0, |refusal| refusal.line);
                let text = self.message(format_args!("{error:#}"));
                self.refusals.push((line, text));
                None
            }
        }
    }

    fn message(&self, text: impl Display) -> String {
        let mut message = String::new();
        for part in &self.inside {
            message.push_str(part);
            message.push_str(": ");
        }
        message + &text.to_string()
    }

    /// The warnings, sorted by line.
    ///
    /// # Errors
    /// If there is a refusal: all of them, sorted by line.
    pub(crate) fn finish(mut self) -> Result<Vec<String>> {
        self.refusals.sort();
        // A keyword that is refused often makes its schema unreadable too, which says the same once more.
        self.refusals.dedup();
        let mut lines = self.lines(&self.refusals);
        if !lines.is_empty() {
            let more = lines.len().saturating_sub(SHOWN);
            lines.truncate(SHOWN);
            if more > 0 {
                lines.push(format!("and {more} more"));
            }
            bail!(lines.join("\n"));
        }
        self.warnings.sort();
        Ok(self.lines(&self.warnings))
    }

    fn lines(&self, notes: &[(usize, String)]) -> Vec<String> {
        let file = &self.file;
        notes
            .iter()
            .map(|(line, text)| match line {
                0 => format!("{file}: {text}"),
                line => format!("{file}:{line}: {text}"),
            })
            .collect()
    }
}
