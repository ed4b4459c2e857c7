//! Recorded exchanges, as a file or as text holds them.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::testing::exchange::Exchange;

/// The version of the form that is written and read here.
const VERSION: u32 = 1;

/// The first line of each recording.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    farside_recording: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    test: Option<RecordedTest>,
}

/// The test that made a recording, so that it can be run again by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RecordedTest {
    /// Its name in its program: `groups::a_group_is_found`.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Where the program was run.
    pub folder: PathBuf,
}

impl RecordedTest {
    /// The test on whose thread this is called. The test harness names each thread after its test, unless it is told to run one
    /// test at a time.
    pub(super) fn current() -> io::Result<Self> {
        let thread = std::thread::current();
        Ok(Self {
            name: thread.name().unwrap_or_default().to_owned(),
            program: std::env::current_exe()?,
            folder: std::env::current_dir()?,
        })
    }
}

/// The first line of a recording, with its line break.
pub(super) fn header(test: Option<RecordedTest>) -> serde_json::Result<String> {
    let header = Header {
        farside_recording: VERSION,
        test,
    };
    Ok(serde_json::to_string(&header)? + "\n")
}

/// Calls and their outcomes, as a [`Recorder`](super::Recorder) has written them down.
///
/// As text: one line of JSON that names the form, then one line for each [`Exchange`].
#[derive(Clone, Debug)]
pub struct Recording {
    name: Arc<str>,
    test: Option<RecordedTest>,
    /// In the order in which the calls were made, each with its line, from 1.
    entries: Vec<(usize, Exchange)>,
}

impl Recording {
    /// Reads a file.
    ///
    /// # Errors
    /// [`RecordingError`] if it cannot be read, or is not a recording of this form to its last line.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, RecordingError> {
        let name = path.as_ref().display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&name, &text),
            Err(error) => Err(RecordingError::new(&name, 0, RecordingErrorKind::Io(error))),
        }
    }

    /// Reads a text, to which errors refer as `name`.
    ///
    /// # Errors
    /// [`RecordingError`] with the first line that does not belong into a recording of this form.
    pub fn parse(name: &str, text: &str) -> Result<Self, RecordingError> {
        let mut lines = text.lines().enumerate();
        let header = lines.next().map_or("", |(_, line)| line);
        let test = match serde_json::from_str::<Header>(header) {
            Ok(header) if header.farside_recording == VERSION => header.test,
            Ok(header) => {
                let kind = RecordingErrorKind::Version(header.farside_recording);
                return Err(RecordingError::new(name, 1, kind));
            }
            Err(error) => return Err(RecordingError::new(name, 1, RecordingErrorKind::Line(error))),
        };
        let mut entries = lines
            .map(|(index, line)| match serde_json::from_str::<Exchange>(line) {
                Ok(exchange) => Ok((index + 1, exchange)),
                Err(error) => Err(RecordingError::new(
                    name,
                    index + 1,
                    RecordingErrorKind::Line(error),
                )),
            })
            .collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(|(_, exchange)| exchange.n);
        Ok(Self {
            name: name.into(),
            test,
            entries,
        })
    }

    /// The test that made it, if it was made by [`recorded`](super::recorded).
    #[must_use]
    pub fn test(&self) -> Option<&RecordedTest> {
        self.test.as_ref()
    }

    /// The exchanges, in the order in which the calls were made.
    pub fn exchanges(&self) -> impl ExactSizeIterator<Item = &Exchange> {
        self.entries.iter().map(|(_, exchange)| exchange)
    }

    pub(super) fn entry(&self, index: usize) -> Option<&Exchange> {
        self.entries.get(index).map(|(_, exchange)| exchange)
    }

    /// Where in the recording an exchange stands, for people: `calls.jsonl:4`.
    pub(super) fn place(&self, index: usize) -> String {
        match self.entries.get(index) {
            Some((line, _)) => format!("{}:{line}", self.name),
            None => format!("{}, its end", self.name),
        }
    }
}

/// A text that is not a recording.
#[derive(Debug, thiserror::Error)]
#[error("{} is not a recording", Place(.name, *.line))]
pub struct RecordingError {
    name: String,
    line: usize,
    #[source]
    kind: RecordingErrorKind,
}

struct Place<'a>(&'a str, usize);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            0 => f.write_str(self.0),
            line => write!(f, "{}:{line}", self.0),
        }
    }
}

impl RecordingError {
    fn new(name: &str, line: usize, kind: RecordingErrorKind) -> Self {
        Self {
            name: name.to_owned(),
            line,
            kind,
        }
    }

    /// The line that does not belong there, from 1; 0 if the file could not be read.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// What is wrong with it.
    #[must_use]
    pub fn kind(&self) -> &RecordingErrorKind {
        &self.kind
    }
}

/// Why a text is not a recording.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingErrorKind {
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Io(#[source] io::Error),
    /// It is of another form.
    #[error("it is of form {0}, and only form {VERSION} is read here")]
    Version(u32),
    /// The line is not what it should be.
    #[error("the line cannot be read")]
    Line(#[source] serde_json::Error),
}
