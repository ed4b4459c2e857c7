//! A client that only asks: hyper over TLS, one kept connection for each of those who ask.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use farside_simulator::exchange::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A server and what it is asked for.
pub(crate) struct Target {
    address: String,
    connector: TlsConnector,
    request: http::Request<Empty<Bytes>>,
}

impl Target {
    pub(crate) fn new(url: &str, trusted_pem: &str, request: &Request) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        let trusted = CertificateDer::from_pem_slice(trusted_pem.as_bytes()).expect("PEM");
        roots.add(trusted).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut asked = http::Request::builder()
            .method(request.method.clone())
            .uri(request.path.as_str())
            .header("host", "localhost");
        for (name, value) in &request.headers {
            asked = asked.header(name, value);
        }
        Self {
            address: url.strip_prefix("https://").expect("HTTPS").to_owned(),
            connector: TlsConnector::from(Arc::new(config)),
            request: asked.body(Empty::new()).expect("a request"),
        }
    }

    async fn connect(&self) -> SendRequest<Empty<Bytes>> {
        let tcp = TcpStream::connect(&self.address).await.expect("a connection");
        tcp.set_nodelay(true).expect("an option");
        let name = ServerName::try_from("localhost").expect("a name");
        let tls = self.connector.connect(name, tcp).await.expect("a handshake");
        let (sender, connection) = handshake(TokioIo::new(tls)).await.expect("HTTP");
        tokio::spawn(connection);
        sender
    }
}

/// The time in which so many connections, opened before, make `each` calls.
#[expect(clippy::disallowed_methods, reason = "this measures time")]
pub(crate) async fn round(target: &Target, connections: usize, each: usize) -> Duration {
    let mut senders = Vec::new();
    for _ in 0..connections {
        senders.push(target.connect().await);
    }
    let start = Instant::now();
    let tasks: Vec<_> = senders
        .into_iter()
        .map(|mut sender| {
            let request = target.request.clone();
            tokio::spawn(async move {
                for _ in 0..each {
                    sender.ready().await.expect("an open connection");
                    let answer = sender.send_request(request.clone()).await.expect("an answer");
                    assert_eq!(answer.status(), 200);
                    let body = answer.into_body().collect().await.expect("a body").to_bytes();
                    assert!(body.len() > 100);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("all calls were answered");
    }
    start.elapsed()
}
