//! Printing: results on stdout, everything else on stderr.

use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Once;

use serde::Serialize;
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// Width of a line where nobody says otherwise.
const DEFAULT_WIDTH: usize = 100;

/// Events go to stderr; `FARSIDE_LOG` says which (default: warnings).
pub(crate) fn start_tracing() {
    let filter = EnvFilter::try_from_env("FARSIDE_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

/// Prints the error, its causes and what to do; the exit code is the failure's.
pub(crate) fn fail(failure: &Failure) -> ExitCode {
    note(&format!("error: {}", failure.error));
    let mut said = failure.error.to_string();
    for cause in failure.error.chain().skip(1) {
        let text = cause.to_string();
        if text != said {
            note(&format!("caused by: {text}"));
        }
        said = text;
    }
    if let Some(hint) = &failure.hint {
        note(&format!("hint: {hint}"));
    }
    ExitCode::from(failure.code)
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Without characters that a terminal obeys: servers choose the texts of their errors.
fn plain(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n', "\u{fffd}")
}

/// A result, or a line of one. A reader that has gone away is no error of ours; a disk that is full is told, once. It does not
/// change the exit code, which tells of the run.
pub(crate) fn result(text: &str) {
    static TOLD: Once = Once::new();
    match write(text) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            TOLD.call_once(|| {
                note(&format!(
                    "warning: the result could not be written to stdout: {error}"
                ))
            });
        }
        _ => {}
    }
}

fn write(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(plain(text).as_bytes())?;
    if !text.ends_with('\n') {
        stdout.write_all(b"\n")?;
    }
    stdout.flush()
}

/// A JSON document on a line of its own.
pub(crate) fn json(value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(text) => result(&text),
        Err(error) => note(&format!("error: the result cannot be written as JSON: {error}")),
    }
}

/// Something for the person at the terminal, on stderr.
pub(crate) fn note(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(plain(text).as_bytes());
    let _ = stderr.write_all(b"\n");
}

/// Width of stdout in columns.
pub(crate) fn width() -> usize {
    console::Term::stdout()
        .size_checked()
        .map_or(DEFAULT_WIDTH, |(_, columns)| usize::from(columns))
}

/// Whether a person can be asked.
pub(crate) fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for a line.
pub(crate) fn ask(question: &str) -> std::io::Result<String> {
    let mut stderr = std::io::stderr().lock();
    stderr.write_all(question.as_bytes())?;
    stderr.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}
