//! The certificate of an endpoint: self-signed, made at start.

use std::fmt::Write;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;

use super::ServeError;

/// A certificate that is in use.
#[derive(Clone)]
pub(super) struct Certificate {
    pub(super) thumbprint: String,
    pub(super) pem: String,
    pub(super) acceptor: TlsAcceptor,
}

impl Certificate {
    /// Makes a certificate for `localhost` and an address.
    pub(super) fn make(ip: IpAddr) -> Result<Self, ServeError> {
        let names = vec!["localhost".to_owned(), ip.to_string()];
        let made = rcgen::generate_simple_self_signed(names).map_err(ServeError::Certificate)?;
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                config
                    .with_no_client_auth()
                    .with_single_cert(vec![made.cert.der().clone()], key)
            })
            .map_err(ServeError::Tls)?;
        Ok(Self {
            thumbprint: thumbprint(made.cert.der()),
            pem: made.cert.pem(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }
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
        let certificate = Certificate::make(IpAddr::from([127, 0, 0, 1])).unwrap();
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
        assert!(certificate.pem.starts_with("-----BEGIN CERTIFICATE-----"));
    }
}
