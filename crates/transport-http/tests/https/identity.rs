//! Certificates for the server.

use std::sync::Arc;

use farside_transport::Pin;
use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
#[cfg(not(feature = "ring"))]
use rustls::crypto::aws_lc_rs as cryptography;
#[cfg(feature = "ring")]
use rustls::crypto::ring as cryptography;
use rustls::pki_types::PrivateKeyDer;
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;

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

    /// Its time has passed.
    pub(crate) fn expired() -> Self {
        Self::new("localhost", |leaf| {
            leaf.not_after = rcgen::date_time_ymd(2001, 1, 1);
        })
    }

    /// Its time has not begun.
    pub(crate) fn future() -> Self {
        Self::new("localhost", |leaf| {
            leaf.not_before = rcgen::date_time_ymd(4000, 1, 1);
        })
    }

    /// For another name.
    pub(crate) fn misnamed() -> Self {
        Self::new("other.example", |_| {})
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

    /// The server's side of a handshake, which offers these protocols.
    pub(crate) fn acceptor(&self, protocols: &[&[u8]]) -> TlsAcceptor {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).expect("a key");
        let mut config = ServerConfig::builder_with_provider(Arc::new(cryptography::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![self.leaf.der().clone()], key)
            .expect("a certificate for the key");
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}
