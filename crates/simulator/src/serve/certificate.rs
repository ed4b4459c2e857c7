//! The certificates of the endpoints, and the authority that signs them: made at start, forgotten at the end.

use std::fmt::Write;
use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::PrivateKeyDer;
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;

use super::ServeError;

/// What a server may agree on with its client, the better first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Signs the certificates of all endpoints, so that a client needs to trust one thing only.
pub(super) struct Authority {
    /// What clients have to trust, in PEM.
    pub(super) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate that is in use.
#[derive(Clone)]
pub(super) struct Certificate {
    pub(super) thumbprint: String,
    pub(super) acceptor: TlsAcceptor,
}

impl Authority {
    /// Makes an authority.
    pub(super) fn make() -> Result<Self, ServeError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = named("Farside simulator, authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(ServeError::Certificate)?;
        let made = params.self_signed(&key).map_err(ServeError::Certificate)?;
        Ok(Self {
            pem: made.pem(),
            issuer: Issuer::new(params, key),
        })
    }

    /// Makes a certificate for `localhost` and an address.
    pub(super) fn certify(&self, ip: IpAddr) -> Result<Certificate, ServeError> {
        let names = vec!["localhost".to_owned(), ip.to_string()];
        let mut params = CertificateParams::new(names).map_err(ServeError::Certificate)?;
        params.distinguished_name = named("Farside simulator");
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(ServeError::Certificate)?;
        let made = params
            .signed_by(&key, &self.issuer)
            .map_err(ServeError::Certificate)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                config.with_no_client_auth().with_single_cert(
                    vec![made.der().clone()],
                    PrivateKeyDer::Pkcs8(key.serialize_der().into()),
                )
            })
            .map_err(ServeError::Tls)?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(Certificate {
            thumbprint: thumbprint(made.der()),
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }
}

fn named(name: &str) -> rcgen::DistinguishedName {
    let mut names = rcgen::DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

/// `SHA-256:AB:CD:...`.
fn thumbprint(der: &[u8]) -> String {
    let mut text = String::from("SHA-256");
    for byte in Sha256::digest(der) {
        // Writing to a string cannot fail.
        let _ = write!(text, ":{byte:02X}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbprint_is_written_in_pairs_of_digits() {
        let authority = Authority::make().unwrap();
        let certificate = authority.certify(IpAddr::from([127, 0, 0, 1])).unwrap();
        assert!(certificate.thumbprint.starts_with("SHA-256:"));
        assert_eq!(
            certificate
                .thumbprint
                .split(':')
                .skip(1)
                .filter(|pair| pair.len() == 2)
                .count(),
            32
        );
        assert!(authority.pem.starts_with("-----BEGIN CERTIFICATE-----"));
    }
}
