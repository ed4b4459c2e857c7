//! Where a password comes from: the environment, a file or a command; never the command line.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use farside_wire::Secret;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use zeroize::Zeroizing;

use crate::clock::{Clock, within};

/// No password is longer than this, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Names a place to read a secret from; holds no secret itself.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretSource {
    /// An environment variable. The process keeps its environment to its end, so a copy stays in memory.
    Env(String),
    /// A file that only its owner can read. One line break at its end does not count.
    File(PathBuf),
    /// The standard output of a program, given as program and arguments. One line break at its end does not count.
    Command(Vec<String>),
}

impl std::fmt::Display for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Command(argv) => write!(f, "command {}", argv.first().map_or("(empty)", String::as_str)),
        }
    }
}

// By hand, as arguments may be nobody's business.
impl std::fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// A secret that could not be read. Says where it was sought, never what was found.
#[derive(Debug, thiserror::Error)]
#[error("no secret from {place}")]
pub struct SecretError {
    place: SecretSource,
    #[source]
    kind: SecretErrorKind,
}

impl SecretError {
    /// The place that was to be read.
    #[must_use]
    pub fn place(&self) -> &SecretSource {
        &self.place
    }

    /// Why it could not be read.
    #[must_use]
    pub fn kind(&self) -> &SecretErrorKind {
        &self.kind
    }
}

/// Why a secret could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretErrorKind {
    /// There is no such variable.
    #[error("it is not set")]
    NotSet,
    /// The value is not UTF-8.
    #[error("its value is not UTF-8 text")]
    NotText,
    /// The value is empty.
    #[error("its value is empty")]
    Empty,
    /// The value is too long to be a password.
    #[error("its value is longer than {LONGEST} bytes")]
    TooLong,
    /// Not a plain file.
    #[error("it is not a plain file")]
    NotAFile,
    /// Group or others may read the file.
    #[error("others than its owner can read it (mode {mode:03o}); take their rights away with chmod 600")]
    Exposed {
        /// Permission bits of the file.
        mode: u32,
    },
    /// The file cannot be read, or the program not be started.
    #[error("it cannot be read")]
    Io(#[source] io::Error),
    /// The command names no program.
    #[error("it names no program")]
    NoProgram,
    /// The program reported failure.
    #[error("it ended with {0}")]
    Failed(ExitStatus),
    /// The program ran too long and was killed.
    #[error("it did not end within {} s", .0.as_secs())]
    TooSlow(Duration),
}

impl SecretSource {
    /// Reads the secret. A program may take `limit`, and is killed then.
    ///
    /// # Errors
    /// [`SecretError`], which names the source and the reason.
    pub async fn read(&self, clock: &dyn Clock, limit: Duration) -> Result<Secret, SecretError> {
        let text = match self {
            Self::Env(name) => from_env(name),
            Self::File(path) => from_file(path),
            Self::Command(argv) => match within(clock, limit, from_command(argv)).await {
                Ok(outcome) => outcome,
                Err(_elapsed) => Err(SecretErrorKind::TooSlow(limit)),
            },
        };
        text.and_then(to_secret).map_err(|kind| SecretError {
            place: self.clone(),
            kind,
        })
    }
}

/// Room for all that is read, so that it never grows: growing would leave a copy behind that nobody overwrites. The
/// rest is what `read_to_end` wants to see free before it looks for the end.
fn buffer() -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Vec::with_capacity(LONGEST as usize + 64))
}

fn from_env(name: &str) -> Result<Zeroizing<Vec<u8>>, SecretErrorKind> {
    let value = std::env::var_os(name).ok_or(SecretErrorKind::NotSet)?;
    Ok(Zeroizing::new(value.into_encoded_bytes()))
}

fn from_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretErrorKind> {
    let plain = std::fs::metadata(path).map_err(SecretErrorKind::Io)?.is_file();
    if !plain {
        // Asked before opening: opening a pipe waits for a writer, perhaps for ever.
        return Err(SecretErrorKind::NotAFile);
    }
    let mut file = File::open(path).map_err(SecretErrorKind::Io)?;
    check_rights(&file)?;
    let mut bytes = buffer();
    file.by_ref()
        .take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(SecretErrorKind::Io)?;
    Ok(bytes)
}

/// Looks at the open file, not at its name, which may mean another file by then.
#[cfg(unix)]
fn check_rights(file: &File) -> Result<(), SecretErrorKind> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.metadata().map_err(SecretErrorKind::Io)?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(SecretErrorKind::Exposed { mode })
    }
}

#[cfg(not(unix))]
fn check_rights(_file: &File) -> Result<(), SecretErrorKind> {
    Ok(())
}

async fn from_command(argv: &[String]) -> Result<Zeroizing<Vec<u8>>, SecretErrorKind> {
    let (program, arguments) = argv.split_first().ok_or(SecretErrorKind::NoProgram)?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // What it complains about may hold a secret, and is the operator's to see, not ours to keep.
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .map_err(SecretErrorKind::Io)?;
    let mut bytes = buffer();
    if let Some(stdout) = child.stdout.take() {
        stdout
            .take(LONGEST + 1)
            .read_to_end(&mut bytes)
            .await
            .map_err(SecretErrorKind::Io)?;
    }
    let status = child.wait().await.map_err(SecretErrorKind::Io)?;
    if status.success() {
        Ok(bytes)
    } else {
        Err(SecretErrorKind::Failed(status))
    }
}

fn to_secret(bytes: Zeroizing<Vec<u8>>) -> Result<Secret, SecretErrorKind> {
    if bytes.len() as u64 > LONGEST {
        return Err(SecretErrorKind::TooLong);
    }
    let text = std::str::from_utf8(&bytes).map_err(|_position| SecretErrorKind::NotText)?;
    let text = text
        .strip_suffix('\n')
        .map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if text.is_empty() {
        Err(SecretErrorKind::Empty)
    } else {
        Ok(Secret::new(text))
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
