//! What the simulator's front is compared with: hyper behind TLS, one answer for everything.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A bare server; it serves until the runtime ends.
pub(crate) struct Bare {
    pub(crate) url: String,
    pub(crate) certificate_pem: String,
}

/// Serves one body.
pub(crate) async fn serve(body: Vec<u8>) -> Bare {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a certificate of its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}", listener.local_addr().expect("an address"));
    let body = Bytes::from(body);
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.expect("a connection");
            let (acceptor, body) = (acceptor.clone(), body.clone());
            tokio::spawn(async move {
                tcp.set_nodelay(true).expect("an option");
                let tls = acceptor.accept(tcp).await.expect("a handshake");
                let service = service_fn(move |_request| {
                    let body = body.clone();
                    async move {
                        let answer = http::Response::builder()
                            .header("content-type", "application/json")
                            .body(Full::new(body));
                        Ok::<_, Infallible>(answer.expect("a legal answer"))
                    }
                });
                // A client that goes away is no failure.
                let _ended = http1::Builder::new()
                    .serve_connection(TokioIo::new(tls), service)
                    .await;
            });
        }
    });
    Bare {
        url,
        certificate_pem: made.cert.pem(),
    }
}
