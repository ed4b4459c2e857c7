//! A headless Chromium that is driven over a pipe, by its DevTools protocol.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a test may drive it.
const LIMIT: Duration = Duration::from_secs(50);

/// Names under which it is installed.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Keeps it from talking to anybody but the page.
const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,1600",
    "--remote-debugging-pipe",
];

/// A browser with one page. It ends with this value, or when its time is up.
pub(crate) struct Browser {
    child: Arc<Mutex<Child>>,
    commands: ChildStdin,
    messages: BufReader<ChildStdout>,
    sent: u64,
    page: Option<String>,
    /// What went wrong in the page: exceptions, refused files, policies that were not kept.
    pub(crate) complaints: Vec<String>,
    /// Its end stops the guard.
    _running: Sender<()>,
    _profile: TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        kill(&self.child);
    }
}

fn kill(child: &Mutex<Child>) {
    let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = child.kill();
    let _ = child.wait();
}

impl Browser {
    /// Starts the browser of this machine; `None` if there is none.
    pub(crate) fn start() -> Option<Self> {
        let program = NAMES.into_iter().find(|name| {
            let version = Command::new(name).arg("--version").output();
            version.is_ok_and(|version| version.status.success())
        })?;
        let profile = TempDir::new().expect("a folder for its profile");
        // It reads commands from descriptor 3 and writes to 4.
        let mut child = Command::new("sh")
            .args([
                "-c",
                "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>/dev/null",
                program,
            ])
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let commands = child.stdin.take().expect("a pipe");
        let messages = BufReader::new(child.stdout.take().expect("a pipe"));
        let child = Arc::new(Mutex::new(child));
        let (running, ended) = mpsc::channel();
        let guarded = Arc::clone(&child);
        std::thread::spawn(move || {
            if ended.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
                kill(&guarded);
            }
        });
        let mut browser = Self {
            child,
            commands,
            messages,
            sent: 0,
            page: None,
            complaints: Vec::new(),
            _running: running,
            _profile: profile,
        };
        let target = browser.tell("Target.createTarget", &json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.tell("Target.attachToTarget", &attach);
        browser.page = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            browser.tell(domain, &json!({}));
        }
        Some(browser)
    }

    /// A command of the protocol, and its result.
    pub(crate) fn tell(&mut self, method: &str, params: &Value) -> Value {
        self.sent += 1;
        let mut command = json!({"id": self.sent, "method": method, "params": params});
        if let Some(page) = &self.page {
            command["sessionId"] = json!(page);
        }
        let line = format!("{command}\0");
        self.commands
            .write_all(line.as_bytes())
            .expect("the browser listens");
        loop {
            let mut message = Vec::new();
            let read = self.messages.read_until(0, &mut message);
            assert!(
                read.is_ok_and(|read| read > 0),
                "the browser has ended, or its time was up"
            );
            message.pop();
            let message: Value = serde_json::from_slice(&message).expect("JSON");
            self.listen(&message);
            if message["id"] == self.sent {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    fn listen(&mut self, message: &Value) {
        let params = &message["params"];
        let complaint = match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => Some(&params["exceptionDetails"]),
            Some("Log.entryAdded") if params["entry"]["level"] == "error" => Some(&params["entry"]),
            _ => None,
        };
        self.complaints.extend(complaint.map(Value::to_string));
    }

    /// Goes to a page.
    pub(crate) fn open(&mut self, url: &str) {
        self.tell("Page.navigate", &json!({"url": url}));
    }

    /// The value of an expression in the page.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let result = self.tell("Runtime.evaluate", &params);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression in the page is true.
    pub(crate) fn until(&mut self, expression: &str) {
        let promise = format!(
            "new Promise((done) => {{\n\
               const end = performance.now() + 15000;\n\
               const look = () => {{\n\
                 let seen = false;\n\
                 try {{ seen = {expression}; }} catch (error) {{ seen = false; }}\n\
                 if (seen) done('');\n\
                 else if (performance.now() > end) done(document.body.innerText);\n\
                 else setTimeout(look, 50);\n\
               }};\n\
               look();\n\
             }})"
        );
        let text = self.value(&promise);
        assert_eq!(text, "", "it never was: {expression}");
    }
}
