//! A small TLS server that misbehaves as told, and certificates for it.

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use farside_transport::{Call, CallError, Pin, Transport};
use farside_transport_http::{HttpTransport, HttpTransportBuilder, Roots};
use farside_wire::{Method, Operation, Repeat, Service};
use http::{Request, Response};
use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A read of VCDA.
pub(crate) const READ: Operation = Operation {
    id: "readThing",
    service: Service::Vcda,
    method: Method::Get,
    path: "/things/1",
    query: "",
    repeat: Repeat::Harmless,
    since: None,
    privileges: &[],
    faults: &[],
    refused_before_acting: &[],
    anonymous: false,
};

/// An action of VCDA.
pub(crate) const WRITE: Operation = Operation {
    id: "startThing",
    method: Method::Post,
    repeat: Repeat::OnlyIfNeverSent,
    ..READ
};

/// A call with a body of this size.
pub(crate) fn call(operation: &'static Operation, body_bytes: usize) -> Call {
    let request = Request::builder()
        .method(operation.method.as_str())
        .uri("/things/1?depth=2")
        .body(Bytes::from(vec![b' '; body_bytes]))
        .expect("a valid request");
    Call::new(operation, "thing 1", request)
}

/// What the server does with each connection, or with each request on it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Conduct {
    /// Closes the TCP connection at once.
    CloseInHandshake,
    /// Says nothing at all, not even in the handshake.
    Mute,
    /// Answers each request with these bytes, and keeps the connection.
    Answer(&'static str),
    /// Answers one request with these bytes, and closes the connection.
    AnswerAndClose(&'static str),
    /// Reads a request to its end, and closes the connection.
    Close,
    /// Reads some bytes of a request, and resets the connection.
    ResetAfter(usize),
    /// Reads some bytes of a request, and neither reads nor writes any more.
    StallAfter(usize),
    /// Reads a request and never answers.
    Stall,
    /// Answers with these bytes, and then the same letter for ever.
    Endless(&'static str),
}

/// An authority, and a certificate that it issued.
pub(crate) struct Identity {
    pub(crate) authority: CertifiedIssuer<'static, KeyPair>,
    pub(crate) leaf: Certificate,
    key: KeyPair,
}

impl Identity {
    /// For this name, changed as told.
    pub(crate) fn new(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        Self::issued_by("Test authority", name, change)
    }

    /// For this name, from an authority of that name.
    pub(crate) fn issued_by(issuer: &str, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut authority = CertificateParams::new(Vec::<String>::new()).expect("parameters");
        authority.distinguished_name.push(DnType::CommonName, issuer);
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().expect("a key");
        let authority = CertifiedIssuer::self_signed(authority, authority_key).expect("an authority");
        let key = KeyPair::generate().expect("a key");
        let mut leaf = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        change(&mut leaf);
        let leaf = leaf.signed_by(&key, &authority).expect("a certificate");
        Self { authority, leaf, key }
    }

    pub(crate) fn localhost() -> Self {
        Self::new("localhost", |_| {})
    }

    pub(crate) fn pin(&self) -> Pin {
        Pin::new(Sha256::digest(self.leaf.der()).into())
    }

    /// The authority's certificate, in a file.
    pub(crate) fn ca_file(&self) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), self.authority.pem()).expect("written");
        file
    }

    fn acceptor(&self) -> TlsAcceptor {
        let chain: Vec<CertificateDer<'static>> = vec![self.leaf.der().clone()];
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a certificate for the key");
        TlsAcceptor::from(Arc::new(config))
    }
}

/// The server, until it is dropped with its runtime.
pub(crate) struct Server {
    pub(crate) identity: Identity,
    pub(crate) port: u16,
    ca_file: tempfile::NamedTempFile,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) async fn start(conduct: Conduct) -> Self {
        Self::start_as(Identity::localhost(), conduct).await
    }

    pub(crate) async fn start_as(identity: Identity, conduct: Conduct) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (connections, requests) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::<Mutex<Vec<String>>>::default(),
        );
        let acceptor = identity.acceptor();
        let (counter, log) = (Arc::clone(&connections), Arc::clone(&requests));
        tokio::spawn(async move {
            while let Ok((tcp, _peer)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                // A client that goes away is no failure of a test.
                let serving = serve(tcp, acceptor.clone(), conduct, Arc::clone(&log));
                tokio::spawn(async move { serving.await.ok() });
            }
        });
        let ca_file = identity.ca_file();
        Self {
            identity,
            port,
            ca_file,
            connections,
            requests,
        }
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Heads of the requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("requests").clone()
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Settings of a client that trusts the server's authority.
    pub(crate) fn trusting(&self) -> HttpTransportBuilder {
        HttpTransport::builder(&self.url()).roots(Roots::CaFile(self.ca_file.path().into()))
    }

    /// One call of a client that trusts the server's authority.
    pub(crate) async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        self.trusting().build().expect("a transport").send(call).await
    }
}

async fn serve(
    tcp: TcpStream,
    acceptor: TlsAcceptor,
    conduct: Conduct,
    log: Arc<Mutex<Vec<String>>>,
) -> io::Result<()> {
    match conduct {
        Conduct::CloseInHandshake => return Ok(()),
        Conduct::Mute => {
            let _open = tcp;
            return std::future::pending().await;
        }
        _ => {}
    }
    let mut tls = acceptor.accept(tcp).await?;
    if let Conduct::ResetAfter(bytes) | Conduct::StallAfter(bytes) = conduct {
        tls.read_exact(&mut vec![0; bytes]).await?;
        if matches!(conduct, Conduct::StallAfter(_)) {
            std::future::pending::<()>().await;
        }
        // What lies unread in the socket turns the close into a reset.
        return Ok(());
    }
    while let Some(head) = read_request(&mut tls).await? {
        log.lock().expect("requests").push(head);
        match conduct {
            Conduct::Answer(answer) => tls.write_all(answer.as_bytes()).await?,
            Conduct::AnswerAndClose(answer) => {
                tls.write_all(answer.as_bytes()).await?;
                return tls.shutdown().await;
            }
            Conduct::Endless(start) => {
                tls.write_all(start.as_bytes()).await?;
                loop {
                    tls.write_all(&[b'a'; 4096]).await?;
                }
            }
            Conduct::Stall => return std::future::pending().await,
            Conduct::Close
            | Conduct::ResetAfter(_)
            | Conduct::StallAfter(_)
            | Conduct::CloseInHandshake
            | Conduct::Mute => {
                return Ok(());
            }
        }
        tls.flush().await?;
    }
    Ok(())
}

/// Reads one request to the end of its body; its head, or `None` at the end of the connection.
async fn read_request(tls: &mut TlsStream<TcpStream>) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match tls.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
        .unwrap_or(0);
    tls.read_exact(&mut vec![0; length]).await?;
    Ok(Some(head))
}
