//! Whose certificate is accepted.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use farside_transport::{CallErrorKind, CertificateError, CertificateProblem, Pin, PinMismatch};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
#[cfg(all(feature = "aws-lc", not(feature = "ring")))]
use rustls::crypto::aws_lc_rs as cryptography;
#[cfg(feature = "ring")]
use rustls::crypto::ring as cryptography;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError as TlsCertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
};
use sha2::{Digest as _, Sha256};

use crate::error::BuildError;

/// Which authorities are trusted to issue certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Roots {
    /// Those of this system.
    System,
    /// Those in a PEM file, and no others.
    CaFile(PathBuf),
}

/// The rule by which a host's certificate is accepted.
#[derive(Debug)]
pub(crate) enum Trust {
    /// Issued by one of these, for the host's name, and in its time.
    Authorities(Arc<WebPkiServerVerifier>),
    /// One of these certificates, whoever issued it, for whatever name.
    Pins(PinSet),
    /// Any.
    Anyone,
}

/// The pins of one host.
#[derive(Debug)]
pub(crate) struct PinSet {
    /// The one that errors name.
    first: Pin,
    others: Vec<Pin>,
}

impl PinSet {
    fn contains(&self, seen: Pin) -> bool {
        self.first == seen || self.others.contains(&seen)
    }
}

fn provider() -> Arc<CryptoProvider> {
    // Passed along explicitly: the process-wide default belongs to the program, not to a library.
    Arc::new(cryptography::default_provider())
}

impl Trust {
    /// This one.
    pub(crate) fn pin(first: Pin) -> Self {
        let others = Vec::new();
        Self::Pins(PinSet { first, others })
    }

    /// One of these; `None` if there is none.
    pub(crate) fn pins(pins: &[Pin]) -> Option<Self> {
        let (&first, others) = pins.split_first()?;
        let others = others.to_vec();
        Some(Self::Pins(PinSet { first, others }))
    }

    pub(crate) fn authorities(roots: &Roots) -> Result<Self, BuildError> {
        let store = match roots {
            Roots::System => system_roots()?,
            Roots::CaFile(path) => file_roots(path).map_err(|source| BuildError::CaFile {
                path: path.clone(),
                source,
            })?,
        };
        WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider())
            .build()
            .map(Self::Authorities)
            .map_err(|source| BuildError::Tls(rustls::Error::General(source.to_string())))
    }

    /// TLS settings of a client that follows this rule, and offers these versions of HTTP, the best first.
    pub(crate) fn into_config(self, versions: &[&[u8]]) -> Result<ClientConfig, BuildError> {
        let provider = provider();
        let verifier = Verifier {
            trust: self,
            provider: Arc::clone(&provider),
        };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(BuildError::Tls)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = versions.iter().map(|version| version.to_vec()).collect();
        Ok(config)
    }
}

fn system_roots() -> Result<RootCertStore, BuildError> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    // A system's store may hold certificates that this library cannot read; the others still count.
    let (added, _ignored) = store.add_parsable_certificates(found.certs);
    if added == 0 {
        let first = found.errors.into_iter().next();
        return Err(BuildError::NoSystemRoots(first.map(io::Error::other)));
    }
    Ok(store)
}

fn file_roots(path: &Path) -> io::Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&std::fs::read(path)?) {
        let certificate = certificate.map_err(io::Error::other)?;
        store.add(certificate).map_err(io::Error::other)?;
    }
    if store.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it holds no certificate in PEM form",
        ));
    }
    Ok(store)
}

/// Applies a rule during the handshake. The handshake's signatures are verified under every rule.
#[derive(Debug)]
struct Verifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        at: UnixTime,
    ) -> Result<(), Rejection> {
        let seen = thumbprint(leaf);
        match &self.trust {
            Trust::Authorities(verifier) => verifier
                .verify_server_cert(leaf, intermediates, name, ocsp, at)
                .map(|_verified| ())
                .map_err(|error| Rejection::Certificate { seen, error }),
            Trust::Pins(wanted) if wanted.contains(seen) => Ok(()),
            Trust::Pins(wanted) => Err(Rejection::Pin {
                wanted: wanted.first,
                seen,
            }),
            Trust::Anyone => Ok(()),
        }
    }
}

/// SHA-256 of a certificate.
pub(crate) fn thumbprint(certificate: &CertificateDer<'_>) -> Pin {
    Pin::new(Sha256::digest(certificate).into())
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.judge(end_entity, intermediates, server_name, ocsp_response, now)
            .map(|()| ServerCertVerified::assertion())
            .map_err(|rejection| TlsCertificateError::Other(OtherError(Arc::new(rejection))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Why a rule refused a certificate; travels through the TLS library inside its error.
#[derive(Debug)]
enum Rejection {
    Certificate { seen: Pin, error: rustls::Error },
    Pin { wanted: Pin, seen: Pin },
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate { error, .. } => error.fmt(f),
            Self::Pin { .. } => f.write_str("not the pinned certificate"),
        }
    }
}

impl std::error::Error for Rejection {}

/// What a handshake's failure means: a refused certificate, or any other trouble.
pub(crate) fn handshake_failure(endpoint: Arc<str>, error: io::Error) -> CallErrorKind {
    match rejection(&error) {
        Some(Rejection::Pin { wanted, seen }) => {
            CallErrorKind::Pin(Box::new(PinMismatch::new(endpoint, *wanted, *seen)))
        }
        Some(Rejection::Certificate { seen, error }) => {
            let source = io::Error::other(error.clone());
            let refused = CertificateError::new(endpoint, problem(error), *seen, source);
            CallErrorKind::Certificate(Box::new(refused))
        }
        None => CallErrorKind::Tls {
            endpoint,
            source: error,
        },
    }
}

fn rejection(error: &io::Error) -> Option<&Rejection> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(TlsCertificateError::Other(OtherError(other))) => {
            other.downcast_ref()
        }
        _ => None,
    }
}

fn problem(error: &rustls::Error) -> CertificateProblem {
    let rustls::Error::InvalidCertificate(error) = error else {
        return CertificateProblem::Invalid;
    };
    match error {
        TlsCertificateError::Expired | TlsCertificateError::ExpiredContext { .. } => {
            CertificateProblem::Expired
        }
        TlsCertificateError::NotValidYet | TlsCertificateError::NotValidYetContext { .. } => {
            CertificateProblem::NotYetValid
        }
        TlsCertificateError::NotValidForName | TlsCertificateError::NotValidForNameContext { .. } => {
            CertificateProblem::WrongName
        }
        // A bad signature is what an issuer of the same name but another key looks like, and the authorities of all
        // vCenters have names alike.
        TlsCertificateError::UnknownIssuer | TlsCertificateError::BadSignature => {
            CertificateProblem::UnknownIssuer
        }
        _ => CertificateProblem::Invalid,
    }
}
