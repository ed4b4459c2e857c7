//! The built command as a process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// The built `farside`, with a state folder of its own.
#[derive(Debug)]
pub struct Farside {
    folder: tempfile::TempDir,
}

/// A command that has ended.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What it printed as its result.
    pub stdout: String,
    /// What it said besides.
    pub stderr: String,
}

impl Finished {
    /// The last line of stdout, as JSON.
    ///
    /// # Panics
    /// There is none, or it is not JSON.
    pub fn last_json(&self) -> Value {
        let line = self
            .stdout
            .lines()
            .last()
            .unwrap_or_else(|| panic!("nothing on stdout; stderr: {}", self.stderr));
        serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("{error} in the last line of stdout: {line}"))
    }
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Default for Farside {
    fn default() -> Self {
        Self::new()
    }
}

impl Farside {
    /// A user with an empty state folder.
    ///
    /// # Panics
    /// No temporary folder can be made.
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    /// The folder; plans and journals go here.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The command with these arguments, not started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .current_dir(self.folder())
            .env("XDG_STATE_HOME", self.folder().join("state"))
            .env_remove("FARSIDE_LOG")
            .stdin(Stdio::null());
        command
    }

    /// Runs the command to its end.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.command(arguments).output().expect("farside starts").into()
    }

    /// Starts the command and leaves it running.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("farside starts")
    }
}

/// Arguments of a run of `plan.toml` in a mode that asks nobody anything.
pub fn unattended<'a>(mode: &'a str, journal: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [
        &["run", "plan.toml", "--mode", mode, "--yes", "--journal", journal],
        more,
    ]
    .concat()
}

/// The binary that cargo built beside this test.
fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    let folder = test
        .parent()
        .and_then(Path::parent)
        .expect("cargo's folder")
        .to_owned();
    let binary = folder.join(format!("farside{}", std::env::consts::EXE_SUFFIX));
    assert!(
        binary.exists(),
        "{} is missing: run `cargo xtask test`, which builds it first",
        binary.display()
    );
    binary
}

/// `farside sim` in a process of its own; ended when dropped.
#[derive(Debug)]
pub struct Sim {
    child: Child,
    /// The line that it printed when it was ready.
    pub ready: Value,
}

impl Sim {
    /// Starts a simulator and waits for its ready line.
    ///
    /// # Panics
    /// It does not start.
    pub fn start(user: &Farside, arguments: &[&str]) -> Self {
        let mut all = vec!["sim"];
        all.extend(arguments);
        let mut command = user.command(&all);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("farside sim starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("the ready line");
        let ready =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in the ready line {line:?}"));
        Self { child, ready }
    }

    /// Asks it to end, with SIGTERM, and waits until it has; its exit code.
    ///
    /// # Panics
    /// It cannot be asked.
    #[cfg(unix)]
    pub fn stop(mut self) -> Option<i32> {
        let asked = Command::new("sh")
            .args(["-c", &format!("kill -TERM {}", self.child.id())])
            .status()
            .expect("a shell");
        assert!(asked.success(), "the signal is not sent");
        self.child.wait().expect("it ends").code()
    }

    /// `GET {admin}/{what}`.
    ///
    /// # Panics
    /// The simulator does not answer with JSON.
    pub fn get(&self, what: &str) -> Value {
        self.ask("GET", what, "")
    }

    /// `POST {admin}/{what}`.
    ///
    /// # Panics
    /// The simulator does not answer with JSON.
    pub fn post(&self, what: &str, body: &Value) -> Value {
        self.ask("POST", what, &body.to_string())
    }

    fn ask(&self, method: &str, what: &str, body: &str) -> Value {
        let admin = self.ready["admin"].as_str().expect("an admin address");
        let (host, path) = admin
            .strip_prefix("http://")
            .and_then(|rest| rest.split_once('/'))
            .expect("http://host/path");
        let mut stream = TcpStream::connect(host).expect("the admin endpoint");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a timeout");
        let request = format!(
            "{method} /{path}/{what} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream
            .write_all(request.as_bytes())
            .expect("the request goes out");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 2"), "{method} {what}: {answer}");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error} in {body}"))
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks every few milliseconds until the answer is yes.
///
/// # Panics
/// It is not within the limit.
pub fn until(what: &str, limit: Duration, mut question: impl FnMut() -> bool) {
    let pause = Duration::from_millis(10);
    let mut left = limit;
    while !question() {
        assert!(!left.is_zero(), "{what}: not within {} s", limit.as_secs());
        wait(pause);
        left = left.saturating_sub(pause);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "another process is awaited; it has no clock of ours"
)]
fn wait(pause: Duration) {
    std::thread::sleep(pause);
}
