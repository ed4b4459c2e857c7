//! Answers larger than anybody wants: each ends early, with a clear error, and in little memory.

use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use farside_transport::{CallErrorKind, Effect, Transport as _};

use crate::calls::{READ, WRITE, call};
use crate::server::{Conduct, Server};

const MIB: u64 = 1024 * 1024;

/// What a server gets rid of after the client has stopped reading: what the sockets of both sides hold.
const SOCKETS: u64 = 16 * MIB;

struct Giant {
    cause: &'static str,
    conduct: Conduct,
    /// Limit of the body; `None` stands for that of a transport without special settings.
    limit: Option<u64>,
    part: &'static str,
    /// Bytes that the server may have sent, beside those that wait in sockets.
    read: u64,
}

impl Giant {
    fn head(cause: &'static str, conduct: Conduct) -> Self {
        Self {
            cause,
            conduct,
            limit: None,
            part: "header (100 fields at most)",
            read: 0,
        }
    }

    fn body(cause: &'static str, conduct: Conduct, limit: Option<u64>, read: u64) -> Self {
        Self {
            cause,
            conduct,
            limit,
            part: "body",
            read,
        }
    }

    async fn check(self) {
        let cause = self.cause;
        let server = Server::start(self.conduct).await;
        let mut builder = server.trusting();
        if let Some(limit) = self.limit {
            builder = builder.max_answer(limit);
        }
        let http = builder.build().expect("a transport");
        let error = http.send(call(&WRITE, 10)).await.expect_err(cause);
        let CallErrorKind::TooLarge { part, limit } = error.kind() else {
            panic!("{cause}: {error:?}")
        };
        assert_eq!((*part, error.effect()), (self.part, Effect::Unknown), "{cause}");
        let text = error.kind().to_string();
        assert!(text.contains(&limit.to_string()), "{cause}: {text}");
        let answered = server.answered();
        assert!(answered <= self.read + SOCKETS, "{cause}: {} MiB", answered / MIB);
    }
}

fn giants() -> [Giant; 6] {
    let start = "HTTP/1.1 200 OK\r\n";
    let fields = Bytes::from("a: b\r\n".repeat(1000));
    let chunks = Bytes::from("1\r\na\r\n".repeat(2000));
    [
        Giant::head(
            "a field without an end",
            Conduct::endless("HTTP/1.1 200 OK\r\nx-long: "),
        ),
        Giant::head(
            "fields without an end",
            Conduct::Endless(start, fields, Duration::ZERO),
        ),
        Giant::head(
            "101 fields",
            Conduct::answer(format!("{start}{}\r\n", "a: b\r\n".repeat(101))),
        ),
        Giant::body(
            "a length above the limit",
            Conduct::endless("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n"),
            None,
            0,
        ),
        Giant::body(
            "a body without an end",
            Conduct::endless("HTTP/1.1 200 OK\r\n\r\n"),
            None,
            64 * MIB,
        ),
        // Six bytes on the wire for each of the body.
        Giant::body(
            "small chunks without an end",
            Conduct::Endless(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
                chunks,
                Duration::ZERO,
            ),
            Some(MIB),
            6 * MIB,
        ),
    ]
}

#[tokio::test]
#[ignore = "started by the test below, in a process of its own"]
#[cfg(target_os = "linux")]
async fn peak_memory_of_giants() {
    for giant in giants() {
        giant.check().await;
    }
    crate::effects::ten_thousand_nested_arrays().await;
    let drip = Server::start(Conduct::drip("HTTP/1.1 200 OK\r\nx-long: ")).await;
    let slow = call(&WRITE, 10).with_deadline(Duration::from_millis(300));
    let error = drip.send(slow).await.expect_err("it takes for ever");
    assert!(matches!(error.kind(), CallErrorKind::Timeout { .. }), "{error:?}");
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let peak_kib: u64 = status
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmHWM:")?
                .trim()
                .strip_suffix(" kB")?
                .parse()
                .ok()
        })
        .expect("a peak");
    assert!(
        peak_kib < 100 * 1024,
        "{peak_kib} KiB, the server's part included"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn giants_are_given_up_in_less_than_100_mib() {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "giants::peak_memory_of_giants",
            "--ignored",
            "--nocapture",
        ])
        .output()
        .expect("started");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
async fn a_limit_is_inclusive() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n";
    let server = Server::start(Conduct::answer(format!(
        "{head}{}\r\n{{}}",
        "a: b\r\n".repeat(99)
    )))
    .await;
    assert!(server.send(call(&READ, 0)).await.is_ok(), "100 fields");
    for (limit, fits) in [(10, true), (9, false)] {
        let server = Server::start(Conduct::answer(
            "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789",
        ))
        .await;
        let http = server.trusting().max_answer(limit).build().expect("a transport");
        let outcome = http.send(call(&READ, 0)).await;
        assert_eq!(outcome.is_ok(), fits, "{limit}: {outcome:?}");
    }
}
