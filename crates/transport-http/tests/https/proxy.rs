//! Calls through a proxy, which connects, refuses, or breaks off.

use std::io;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use farside_transport::{CallErrorKind, Effect, ProxyProblem, StackBuilder, SystemClock, Transport as _};
use farside_transport_http::{BuildError, HttpTransport, Roots};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::calls::{READ, WRITE, call, in_short};
use crate::server::{Conduct, OK, Server};

const CONNECTED: &str = "HTTP/1.1 200 Connection established\r\nvia: 1.1 proxy\r\n\r\n";

/// A proxy that gives this answer to each CONNECT, and then connects to the port if the answer is a 200.
struct Proxy {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start(answer: &'static str, target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let log = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((tcp, _peer)) = listener.accept().await {
                let serving = Self::serve(tcp, answer, target, Arc::clone(&log));
                tokio::spawn(async move { serving.await.ok() });
            }
        });
        Self { port, heads }
    }

    async fn serve(
        mut tcp: TcpStream,
        answer: &str,
        target: u16,
        log: Arc<Mutex<Vec<String>>>,
    ) -> io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(tcp.read_u8().await?);
        }
        log.lock()
            .expect("heads")
            .push(String::from_utf8_lossy(&head).into_owned());
        tcp.write_all(answer.as_bytes()).await?;
        match answer {
            CONNECTED => {
                let mut onwards = TcpStream::connect(("127.0.0.1", target)).await?;
                copy_bidirectional(&mut tcp, &mut onwards).await?;
            }
            "" => std::future::pending().await,
            _ => tcp.shutdown().await?,
        }
        Ok(())
    }

    fn url(&self, user: &str) -> String {
        format!("http://{user}127.0.0.1:{}", self.port)
    }
}

type Expected = fn(&ProxyProblem) -> bool;

#[tokio::test]
async fn calls_go_through_one_tunnel_and_the_proxy_resolves_the_name() {
    // Only the proxy knows this name; the certificate is checked against it all the same.
    let identity = crate::identity::Identity::misnamed();
    let server = Server::start_as(identity, Conduct::answer(OK)).await;
    let ca_file = server.identity.ca_file();
    let proxy = Proxy::start(CONNECTED, server.port).await;
    let http = HttpTransport::builder("https://other.example:8443")
        .roots(Roots::CaFile(ca_file.path().into()))
        .proxy(&proxy.url("user:hunter2@"))
        .build()
        .expect("a transport");
    for _ in 0..3 {
        assert!(http.send(call(&WRITE, 10)).await.is_ok());
    }
    assert_eq!((server.connections(), server.requests().len()), (1, 3));
    let heads = proxy.heads.lock().expect("heads").clone();
    assert_eq!(heads.len(), 1);
    assert!(
        heads[0].starts_with("CONNECT other.example:8443 HTTP/1.1\r\n"),
        "{heads:?}"
    );
    assert!(
        heads[0].contains("\r\nProxy-Authorization: Basic dXNlcjpodW50ZXIy\r\n"),
        "{heads:?}"
    );
    assert!(!server.requests()[0].to_ascii_lowercase().contains("proxy-"));
}

#[tokio::test]
async fn a_proxy_that_does_not_connect_is_told_from_the_endpoint_and_nothing_was_sent() {
    let long = Box::leak(format!("HTTP/1.1 200 OK\r\nx: {}", "a".repeat(20_000)).into_boxed_str());
    let table: [(&'static str, Expected); 6] = [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", |error| {
            matches!(error, ProxyProblem::Credentials)
        }),
        (
            "HTTP/1.1 403 Forbidden\r\ncontent-length: 9\r\n\r\nforbidden",
            |error| matches!(error, ProxyProblem::Refused(status) if status.as_u16() == 403),
        ),
        (
            "HTTP/1.0 502 Bad Gateway\r\n\r\n",
            |error| matches!(error, ProxyProblem::Refused(status) if status.as_u16() == 502),
        ),
        ("HTTP/1.1 200", |error| matches!(error, ProxyProblem::Broken(_))),
        ("SSH-2.0-x\r\n\r\n", |error| {
            matches!(error, ProxyProblem::Broken(_))
        }),
        (long, |error| matches!(error, ProxyProblem::Broken(_))),
    ];
    for (answer, is_expected) in table {
        let proxy = Proxy::start(answer, 0).await;
        let http = HttpTransport::builder("https://vc.example")
            .danger_accept_any_certificate()
            .proxy(&proxy.url("user:hunter2@"))
            .build()
            .expect("a transport");
        let error = http.send(call(&WRITE, 10)).await.expect_err("refused");
        assert_eq!(
            (in_short(error.kind()).as_str(), error.effect()),
            ("proxy", Effect::NotSent)
        );
        let CallErrorKind::Proxy(refused) = error.kind() else {
            panic!("{error:?}")
        };
        assert!(is_expected(&refused.problem), "{answer:.40?}: {refused:?}");
        let said = format!("{}: {}", error.kind(), refused.problem);
        assert!(said.contains("vc.example:443"), "{said}");
        assert!(said.contains(&format!("127.0.0.1:{}", proxy.port)), "{said}");
        assert!(!format!("{error:?} {said}").contains("hunter2"));
    }
}

#[tokio::test]
async fn wrong_credentials_are_shown_to_a_proxy_once_and_one_in_trouble_is_asked_again() {
    for (answer, attempts) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", 1),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", 1),
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n", 4),
    ] {
        let proxy = Proxy::start(answer, 0).await;
        let http = HttpTransport::builder("https://vc.example")
            .danger_accept_any_certificate()
            .proxy(&proxy.url("user:hunter2@"))
            .build()
            .expect("a transport");
        let stack = StackBuilder::new(Arc::new(http), Arc::new(SystemClock::new())).build();
        let error = stack.send(call(&READ, 10)).await.expect_err("refused");
        assert_eq!((error.effect(), error.kind().name()), (Effect::NotSent, "proxy"));
        assert_eq!(proxy.heads.lock().expect("heads").len(), attempts, "{answer}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_or_says_nothing_is_not_sent() {
    let free_port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").port()
    };
    let mute = Proxy::start("", 0).await;
    let through = |url: &str| {
        HttpTransport::builder("https://vc.example")
            .danger_accept_any_certificate()
            .proxy(url)
            .connect_timeout(Duration::from_millis(200))
            .build()
            .expect("a transport")
    };
    for (url, kind) in [
        (format!("http://127.0.0.1:{free_port}"), "proxy"),
        ("http://no-such-host.invalid:1".to_owned(), "proxy"),
        (mute.url(""), "timeout Connect Nothing"),
    ] {
        let error = through(&url).send(call(&WRITE, 10)).await.expect_err("no proxy");
        assert_eq!(
            (in_short(error.kind()).as_str(), error.effect()),
            (kind, Effect::NotSent),
            "{url}"
        );
    }
}

#[test]
#[ignore = "started by the test below, with variables of its own"]
fn variables_name_a_proxy() {
    let build = |url: &str| HttpTransport::builder(url).danger_accept_any_certificate();
    let asked = build("https://vc.example").proxy_from_environment().build();
    let Err(BuildError::Proxy { origin, .. }) = asked else {
        panic!("{asked:?}")
    };
    assert_eq!(origin, "HTTPS_PROXY");
    let exempt = build("https://vc.local.example").proxy_from_environment().build();
    assert!(exempt.is_ok(), "{exempt:?}");
    assert!(build("https://vc.example").build().is_ok(), "nobody asked");
}

#[test]
fn the_environment_counts_only_for_a_caller_who_asks() {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "proxy::variables_name_a_proxy", "--ignored"])
        .env("HTTPS_PROXY", "socks5://proxy.example")
        .env("NO_PROXY", "local.example")
        .output()
        .expect("started");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn a_proxy_that_cannot_be_used_is_refused_without_its_password() {
    let error = HttpTransport::builder("https://vc.example")
        .proxy("socks5://user:hunter2@proxy:1080")
        .build()
        .expect_err("refused");
    assert!(matches!(error, BuildError::Proxy { .. }), "{error:?}");
    let builder = HttpTransport::builder("https://vc.example").proxy("http://user:hunter2@proxy");
    let shown = format!("{error} {error:?} {builder:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
}
