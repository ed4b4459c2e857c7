//! The front over the network: a raw TLS client, the administration endpoint, cuts and the end.

use std::sync::Arc;
use std::time::Duration;

use farside_simulator::serve::{ServeOptions, Served, ServedSite, serve};
use farside_simulator::{Simulator, WorldSpec};
use farside_transport::{Clock, SystemClock};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long anything here may take.
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) struct Answer {
    head: String,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .expect("a status line")
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }
}

/// One exchange on an open connection; `None` if it was closed without an answer.
pub(crate) async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    method: &str,
    path: &str,
    token: &str,
    body: &Value,
) -> Option<Answer> {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nx-vcav-auth: {token}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut read = Vec::new();
    loop {
        let mut chunk = [0_u8; 4096];
        let count = stream.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        read.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&read);
        let Some((head, rest)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let answer = Answer {
            head: head.to_owned(),
            body: serde_json::from_str(rest).unwrap_or(Value::Null),
        };
        let length: usize = answer
            .header("content-length")
            .and_then(|value| value.parse().ok())
            .unwrap_or(0);
        if rest.len() >= length {
            return Some(answer);
        }
    }
}

/// A connection to a site that trusts the authority and offers these protocols.
pub(crate) async fn connect_with(
    authority: Option<&str>,
    site: &ServedSite,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let pem = authority.expect("an authority");
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM"))
        .expect("a root");
    let mut config =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
    config.alpn_protocols = protocols
        .iter()
        .map(|protocol| protocol.as_bytes().to_vec())
        .collect();
    let address = site.url.strip_prefix("https://").expect("HTTPS");
    let name = ServerName::try_from(address.split(':').next().expect("a host").to_owned()).expect("a name");
    TlsConnector::from(Arc::new(config))
        .connect(name, TcpStream::connect(address).await?)
        .await
}

pub(crate) async fn connect(
    authority: Option<&str>,
    site: &ServedSite,
) -> std::io::Result<TlsStream<TcpStream>> {
    connect_with(authority, site, &[]).await
}

pub(crate) async fn log_in(stream: &mut TlsStream<TcpStream>, site: &ServedSite) -> String {
    let body = json!({"type": "vcdCredentials", "vcdUser": site.username, "vcdPassword": site.password});
    let answer = exchange(stream, "POST", "/sessions", "", &body)
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.header("x-vcav-auth").expect("a token").to_owned()
}

pub(crate) async fn admin(served: &Served, method: &str, path: &str, body: &Value) -> Answer {
    let base = served.admin.strip_prefix("http://").expect("HTTP");
    let (address, prefix) = base.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(address)
        .await
        .expect("the administration endpoint");
    exchange(&mut stream, method, &format!("/{prefix}{path}"), "", body)
        .await
        .expect("an answer")
}

pub(crate) async fn start() -> (Simulator, Served) {
    let world = WorldSpec::pair(1).replications(4).build();
    let simulator = Simulator::new(world, Arc::new(SystemClock::new())).speed(50.0);
    let options = ServeOptions::at(([127, 0, 0, 1], 0).into());
    let served = serve(simulator.clone(), options).await.expect("a served world");
    (simulator, served)
}

pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    let clock = SystemClock::new();
    tokio::select! {
        done = work => done,
        () = clock.sleep(LIMIT) => panic!("it took too long"),
    }
}

#[tokio::test]
async fn a_failover_runs_over_https_and_shows_in_the_administration_endpoint() {
    within(async {
        let (_, served) = start().await;
        let west = served
            .vcda
            .iter()
            .find(|site| site.site == "west")
            .expect("the site");
        let mut stream = connect(served.authority_pem.as_deref(), west).await.expect("TLS");
        let token = log_in(&mut stream, west).await;
        let list = exchange(&mut stream, "GET", "/vm-replications", &token, &Value::Null)
            .await
            .expect("a list");
        let id = list.body["items"][0]["id"].as_str().expect("an id").to_owned();
        let path = format!("/vm-replications/{id}/failover");
        let started = exchange(&mut stream, "POST", &path, &token, &json!({"type": "vcloud"})).await;
        let started = started.expect("an answer");
        assert_eq!(started.status(), 202);
        let media_type = "application/vnd.vmware.h4-v4.6+json;charset=UTF-8";
        assert_eq!(started.header("content-type"), Some(media_type));
        assert_eq!(started.head.to_ascii_lowercase().matches("\r\ndate:").count(), 1);

        let task = format!("/tasks/{}", started.body["id"].as_str().expect("an id"));
        loop {
            let polled = exchange(&mut stream, "GET", &task, &token, &Value::Null)
                .await
                .expect("a task");
            if polled.body["state"] == json!("SUCCEEDED") {
                break;
            }
            SystemClock::new().sleep(Duration::from_millis(5)).await;
        }
        let calls = admin(&served, "GET", "/calls", &Value::Null).await.body;
        let calls = calls["calls"].as_array().expect("calls").clone();
        let failover = calls
            .iter()
            .find(|calls| calls["operation"] == json!("vmReplications.failover"));
        let failover = failover.expect("the failover is in the log");
        assert_eq!(failover["object"], json!(format!("vm-replications/{id}")));
        for (count, wanted) in [
            ("attempts", 1),
            ("accepted", 1),
            ("effects", 1),
            ("attempts_while_unsettled", 0),
        ] {
            assert_eq!(failover[count], json!(wanted), "{count}");
        }
        let state = admin(&served, "GET", "/state", &Value::Null).await.body;
        assert_eq!(state["vcda"]["replications"][&id]["recovery"], json!("COMPLETE"));
        served.shutdown().await;
    })
    .await;
}

#[tokio::test]
async fn a_dropped_answer_closes_the_connection() {
    within(async {
        let (simulator, served) = start().await;
        let rule = json!({"operation": "sessions.get", "do": "drop_answer"});
        assert_eq!(admin(&served, "POST", "/faults", &rule).await.status(), 201);
        let west = served
            .vcda
            .iter()
            .find(|site| site.site == "west")
            .expect("the site");
        let mut stream = connect(served.authority_pem.as_deref(), west).await.expect("TLS");
        let token = log_in(&mut stream, west).await;
        assert!(
            exchange(&mut stream, "GET", "/sessions", &token, &Value::Null)
                .await
                .is_none()
        );
        let mut stream = connect(served.authority_pem.as_deref(), west).await.expect("TLS");
        assert!(
            exchange(&mut stream, "GET", "/sessions", &token, &Value::Null)
                .await
                .is_some()
        );
        assert_eq!(simulator.world().faults().active()[0].hits, 1);
        served.shutdown().await;
    })
    .await;
}

#[tokio::test]
async fn a_lost_site_closes_its_connections_and_takes_no_others() {
    within(async {
        let (_, served) = start().await;
        let east = served
            .vcda
            .iter()
            .find(|site| site.site == "east")
            .expect("the site");
        let mut stream = connect(served.authority_pem.as_deref(), east).await.expect("TLS");
        log_in(&mut stream, east).await;
        let lost = json!({"endpoint": "east", "reachable": false});
        assert_eq!(admin(&served, "POST", "/endpoints", &lost).await.status(), 204);
        let mut byte = [0_u8; 1];
        assert!(!matches!(stream.read(&mut byte).await, Ok(count) if count > 0));
        assert!(connect(served.authority_pem.as_deref(), east).await.is_err());
        let back = json!({"endpoint": "east", "reachable": true});
        assert_eq!(admin(&served, "POST", "/endpoints", &back).await.status(), 204);
        assert!(connect(served.authority_pem.as_deref(), east).await.is_ok());
        served.shutdown().await;
    })
    .await;
}

/// Reads until the connection ends or nothing has come for a while; what came, and whether it ended.
pub(crate) async fn drained(stream: &mut (impl AsyncRead + Unpin)) -> (Vec<u8>, bool) {
    let mut read = Vec::new();
    let clock = SystemClock::new();
    loop {
        let mut chunk = [0_u8; 4096];
        let quiet = Duration::from_millis(300);
        tokio::select! {
            count = stream.read(&mut chunk) => match count {
                Ok(count) if count > 0 => read.extend_from_slice(&chunk[..count]),
                Ok(_) | Err(_) => return (read, true),
            },
            () = clock.sleep(quiet) => return (read, false),
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_says_its_length_and_ends_after_so_many_bytes() {
    within(async {
        let (simulator, served) = start().await;
        let rule = json!({"operation": "vmReplications.list", "do": {"cut_answer": {"after_bytes": 40}}});
        assert_eq!(admin(&served, "POST", "/faults", &rule).await.status(), 201);
        let west = served.vcda[1].clone();
        let mut stream = connect(served.authority_pem.as_deref(), &west)
            .await
            .expect("TLS");
        let token = log_in(&mut stream, &west).await;
        let request = format!("GET /vm-replications HTTP/1.1\r\nhost: sim\r\nx-vcav-auth: {token}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("a request");
        let (read, ended) = drained(&mut stream).await;
        let text = String::from_utf8_lossy(&read);
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let length = head.to_ascii_lowercase();
        let length = length
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.expect("a length").parse().expect("a number");
        assert!(ended && head.starts_with("HTTP/1.1 200") && length > 40, "{text}");
        assert_eq!(body.len(), 40);
        assert_eq!(simulator.world().faults().active()[0].hits, 1);
        served.shutdown().await;
    })
    .await;
}

#[tokio::test]
async fn a_site_that_drops_packets_keeps_connections_open_and_says_nothing() {
    within(async {
        let (_, served) = start().await;
        let west = served.vcda[1].clone();
        let mut open = connect(served.authority_pem.as_deref(), &west).await.expect("TLS");
        let token = log_in(&mut open, &west).await;
        let rule = json!({"do": {"lose_site": {"site": "west"}}});
        let added = admin(&served, "POST", "/faults", &rule).await;
        assert_eq!(added.body, json!({"ids": [1]}));
        let request = format!("GET /sessions HTTP/1.1\r\nhost: sim\r\nx-vcav-auth: {token}\r\n\r\n");
        open.write_all(request.as_bytes())
            .await
            .expect("the system takes it");
        assert_eq!(drained(&mut open).await, (Vec::new(), false));
        // The handshake of another connection never ends.
        let clock = SystemClock::new();
        tokio::select! {
            connected = connect(served.authority_pem.as_deref(), &west) => panic!("{:?}", connected.map(|_| ())),
            () = clock.sleep(Duration::from_millis(300)) => {}
        }
        let vcenter = served.vcenters[1].url.strip_prefix("https://").expect("HTTPS");
        let mut silent = TcpStream::connect(vcenter).await.expect("the system connects");
        assert_eq!(drained(&mut silent).await, (Vec::new(), false));

        assert_eq!(
            admin(&served, "DELETE", "/faults/1", &Value::Null).await.status(),
            204
        );
        // What was sent meanwhile is lost.
        assert_eq!(drained(&mut open).await, (Vec::new(), true));
        assert_eq!(drained(&mut silent).await, (Vec::new(), true));
        let mut fresh = connect(served.authority_pem.as_deref(), &west).await.expect("TLS");
        assert!(
            exchange(&mut fresh, "GET", "/sessions", &token, &Value::Null)
                .await
                .is_some()
        );
        served.shutdown().await;
    })
    .await;
}

#[tokio::test]
async fn a_site_may_be_lost_so_that_connections_are_refused() {
    within(async {
        let (_, served) = start().await;
        let west = served.vcda[1].clone();
        let mut open = connect(served.authority_pem.as_deref(), &west)
            .await
            .expect("TLS");
        log_in(&mut open, &west).await;
        let rule = json!({"do": {"lose_site": {"site": "west", "how": "refused"}}});
        assert_eq!(admin(&served, "POST", "/faults", &rule).await.status(), 201);
        assert_eq!(drained(&mut open).await, (Vec::new(), true));
        assert!(connect(served.authority_pem.as_deref(), &west).await.is_err());
        served.shutdown().await;
    })
    .await;
}

/// The socket of the endpoint for administration.
async fn admin_socket(served: &Served) -> TcpStream {
    let base = served.admin.strip_prefix("http://").expect("HTTP");
    let (address, _) = base.split_once('/').expect("a path");
    TcpStream::connect(address).await.expect("the endpoint")
}

/// What comes over a connection after this was sent, until it is quiet.
async fn asked(served: &Served, request: &str) -> String {
    let mut stream = admin_socket(served).await;
    stream.write_all(request.as_bytes()).await.expect("a request");
    String::from_utf8(drained(&mut stream).await.0).expect("text")
}

#[tokio::test]
async fn a_name_that_was_led_here_and_a_page_from_elsewhere_are_refused() {
    within(async {
        let (simulator, served) = start().await;
        let text = asked(
            &served,
            "GET /admin/state HTTP/1.1\r\nhost: rebound.example\r\n\r\n",
        )
        .await;
        assert!(
            text.starts_with("HTTP/1.1 421") && !text.contains("endpoints"),
            "{text}"
        );
        let body = json!({"do": "cut"}).to_string();
        let head = "POST /admin/faults HTTP/1.1\r\nhost: 127.0.0.1\r\norigin: http://elsewhere.example\r\n";
        let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
        let text = asked(&served, &request).await;
        assert!(text.starts_with("HTTP/1.1 403"), "{text}");
        assert!(simulator.world().faults().active().is_empty());
        served.shutdown().await;
    })
    .await;
}

#[tokio::test]
async fn head_has_the_head_of_get_and_no_body() {
    within(async {
        let (_, served) = start().await;
        for (path, told) in [
            ("/admin/faults", "content-length: 13\r\n"),
            ("/admin/events", "text/event-stream\r\n"),
        ] {
            let text = asked(
                &served,
                &format!("HEAD {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"),
            )
            .await;
            let fine = text.starts_with("HTTP/1.1 200 ") && text.contains(told);
            assert!(fine && text.ends_with("\r\n\r\n"), "{path}: {text}");
        }
        served.shutdown().await;
    })
    .await;
}

/// The server read as much as it takes, and the client waited for a word.
#[tokio::test]
async fn a_body_that_is_said_to_be_too_large_is_refused_before_it_comes() {
    within(async {
        let (_, served) = start().await;
        let west = served.vcda[1].clone();
        let mut stream = connect(served.authority_pem.as_deref(), &west)
            .await
            .expect("TLS");
        let head = "POST /sessions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999999\r\n\r\n";
        stream.write_all(head.as_bytes()).await.expect("it is written");
        let (read, ended) = drained(&mut stream).await;
        let text = String::from_utf8_lossy(&read);
        assert!(text.starts_with("HTTP/1.1 413 "), "{text}");
        assert!(ended && text.contains("connection: close\r\n"), "{text}");
        // By the clock of the world, not of this machine.
        assert!(
            ["31 Dec 2025 ", "01 Jan 2026 "]
                .iter()
                .any(|day| text.contains(day)),
            "{text}"
        );
        served.shutdown().await;
    })
    .await;
}

#[tokio::test]
async fn administration_is_for_this_machine_unless_it_is_given_an_address() {
    within(async {
        // All of 127.0.0.0/8 leads to this machine; who listens at every address takes connections at each of them.
        let elsewhere = |url: &str| {
            let port = url.rsplit(':').next().and_then(|rest| rest.split('/').next());
            format!("127.0.0.2:{}", port.expect("a port"))
        };
        for (admin, open) in [(None, false), (Some([0, 0, 0, 0].into()), true)] {
            let world = WorldSpec::pair(1).groups(0).replications(0).build();
            let simulator = Simulator::new(world, Arc::new(SystemClock::new()));
            let listen = ([0, 0, 0, 0], 0).into();
            let options = ServeOptions {
                admin,
                ..ServeOptions::at(listen)
            };
            let served = serve(simulator, options).await.expect("a served world");
            assert!(TcpStream::connect(elsewhere(&served.vcda[0].url)).await.is_ok());
            assert_eq!(TcpStream::connect(elsewhere(&served.admin)).await.is_ok(), open);
            served.shutdown().await;
        }
    })
    .await;
}

#[tokio::test]
async fn events_are_streamed_and_resumed_after_the_last_one_seen() {
    within(async {
        let (simulator, served) = start().await;
        let mut stream = admin_socket(&served).await;
        stream
            .write_all(b"GET /admin/events HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await
            .expect("a request");
        let (read, ended) = drained(&mut stream).await;
        let head = String::from_utf8(read).expect("text");
        assert!(
            !ended && head.contains("content-type: text/event-stream"),
            "{head}"
        );
        let rule = json!({"do": {"fill_disk": {"site": "west"}}});
        admin(&served, "POST", "/faults", &rule).await;
        simulator
            .world()
            .act_on_group("group-001", farside_simulator::sms::Verb::Failover);
        let (read, _) = drained(&mut stream).await;
        let text = String::from_utf8(read).expect("text");
        for wanted in [
            "id: 1\nevent: fault\ndata: {\"id\":1,",
            "\"kind\":\"fault\",\"fault\":1,\"state\":\"added\"}\n\n",
            "id: 2\nevent: fault\n",
            "id: 3\nevent: group\n",
            "\"states\":[[\"vc-east\",\"REMOTE_FAILEDOVER\"],[\"vc-west\",\"FAILEDOVER\"]]}",
        ] {
            assert!(text.contains(wanted), "{wanted} is not in {text}");
        }
        let resumed = asked(
            &served,
            "GET /admin/events HTTP/1.1\r\nhost: localhost\r\nlast-event-id: 2\r\n\r\n",
        )
        .await;
        assert!(
            resumed.contains("id: 3\n") && !resumed.contains("id: 2\n"),
            "{resumed}"
        );
        served.shutdown().await;
        let (_, ended) = drained(&mut stream).await;
        assert!(ended);
    })
    .await;
}

#[tokio::test]
async fn the_ready_line_has_the_members_of_the_contract_and_the_end_closes_everything() {
    within(async {
        let (_, served) = start().await;
        let line = serde_json::to_value(&served).expect("JSON");
        let names = |value: &Value| {
            value
                .as_object()
                .expect("an object")
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&line), ["admin", "vcda", "vcenters"]);
        assert_eq!(
            names(&line["vcenters"][0]),
            ["name", "password", "thumbprint", "url", "username"]
        );
        assert_eq!(
            names(&line["vcda"][1]),
            ["password", "site", "thumbprint", "url", "username"]
        );
        assert!(!format!("{served:?}").contains(line["vcda"][0]["password"].as_str().expect("a password")));
        let west = served.vcda[1].clone();
        let authority = served.authority_pem.clone();
        let mut open = connect(authority.as_deref(), &west).await.expect("TLS");
        served.shutdown().await;
        assert!(
            exchange(&mut open, "GET", "/sessions", "", &Value::Null)
                .await
                .is_none()
        );
        assert!(connect(authority.as_deref(), &west).await.is_err());
    })
    .await;
}
