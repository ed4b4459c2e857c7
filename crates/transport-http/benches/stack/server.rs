//! The server of both clients, in a process of its own so that its processor time and memory are not counted.

use std::convert::Infallible;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::answer;

/// Set in the process that serves.
const SERVES: &str = "FARSIDE_BENCH_SERVES";

/// A running server; ends when it is dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) port: u16,
    pub(crate) certificate: CertificateDer<'static>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this program has a path"))
            .env(SERVES, "yes")
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be started once more");
        let stdout = process.stdout.take().expect("it is piped");
        let mut lines = BufReader::new(stdout).lines();
        let mut line = || lines.next().expect("a line").expect("text");
        let port = line().parse().expect("a port");
        let hex = line();
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("two digits");
        let certificate: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
        Self {
            process,
            port,
            certificate: certificate.into(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether this process is to serve.
pub(crate) fn is_asked_for() -> bool {
    std::env::var_os(SERVES).is_some()
}

/// Serves until the process is killed.
pub(crate) fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(serve());
}

#[expect(clippy::print_stdout, reason = "the parent process reads it")]
async fn serve() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("the key fits");
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", listener.local_addr().expect("an address").port());
    let hex: String = made.cert.der().iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{hex}");
    let body = answer::text();
    loop {
        let (tcp, _peer) = listener.accept().await.expect("a connection");
        tcp.set_nodelay(true).expect("a socket of TCP");
        let (acceptor, body) = (acceptor.clone(), body.clone());
        tokio::spawn(async move {
            let Ok(tls) = acceptor.accept(tcp).await else {
                return;
            };
            let reply = service_fn(move |_request: Request<Incoming>| {
                let answer = Response::builder()
                    .header(CONTENT_TYPE, "application/json")
                    .body(Full::<Bytes>::new(body.clone()))
                    .expect("an answer");
                async move { Ok::<_, Infallible>(answer) }
            });
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(tls), reply)
                .await;
        });
    }
}
