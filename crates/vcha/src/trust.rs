//! The vCenter that manages the machines of the nodes, where it is another one: how to reach it, and how to trust it.

use farside_models_vcenter::{VchaCertificateInfo, VchaConnectionSpec, VchaCredentialsSpec};
use farside_transport::CallError;
use farside_wire::{Secret, ServiceError, StdErrorType};
use http::StatusCode;

/// How the management vCenter is known. Never both at once (vCenter REST wire rules 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// By its certificate as PEM: from release 9.0 on.
    Certificate(String),
    /// By a thumbprint: before 9.0, and SHA-1 by its description. Whether such a server takes the SHA-256 thumbprint that an
    /// `UNVERIFIED_PEER` error names is unverified.
    Thumbprint(String),
}

/// Where the management vCenter is, and who logs in there; becomes a [`VchaCredentialsSpec`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ManagementVcenter {
    hostname: String,
    port: Option<u16>,
    username: String,
    password: Secret,
    trust: Option<Trust>,
}

impl ManagementVcenter {
    /// A vCenter by name or address, with a user of it.
    pub fn new(hostname: impl Into<String>, username: impl Into<String>, password: Secret) -> Self {
        Self {
            hostname: hostname.into(),
            port: None,
            username: username.into(),
            password,
            trust: None,
        }
    }

    /// At another port than 443.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Known by this. Without it, and unless the certificate is trusted anyhow, calls are refused with `UNVERIFIED_PEER`.
    pub fn trusting(mut self, trust: Trust) -> Self {
        self.trust = Some(trust);
        self
    }
}

impl From<ManagementVcenter> for VchaCredentialsSpec {
    fn from(vcenter: ManagementVcenter) -> Self {
        let mut location = VchaConnectionSpec::new(vcenter.hostname)
            .with_username(vcenter.username)
            .with_password(vcenter.password);
        location.port = vcenter.port.map(i64::from);
        match vcenter.trust {
            Some(Trust::Certificate(pem)) => location.ssl_certificate = Some(pem),
            Some(Trust::Thumbprint(thumbprint)) => location.ssl_thumbprint = Some(thumbprint),
            None => {}
        }
        Self::new(location)
    }
}

/// The certificate that the management vCenter showed, from an `UNVERIFIED_PEER` error. Compare it by another way before it is
/// trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// SHA-256 thumbprint.
    pub thumbprint: String,
    /// The certificate as PEM; servers before 9.0 leave it out.
    pub certificate: Option<String>,
}

impl PeerCertificate {
    /// The certificate that an error carries, if it is an `UNVERIFIED_PEER` with one.
    pub fn of(error: &CallError) -> Option<Self> {
        let status = error.status();
        let Some(ServiceError::Std(error)) = error.service_error() else {
            return None;
        };
        // Old servers name no type; then what the error carries tells it, since no other one carries that (wire rules 7).
        let may_be = match &error.error_type {
            Some(StdErrorType::UnverifiedPeer) => true,
            Some(StdErrorType::Error) => status == Some(StatusCode::BAD_REQUEST),
            _ => false,
        };
        let info: VchaCertificateInfo = error.data.as_ref().filter(|_| may_be)?.decode().ok()?;
        Some(Self {
            thumbprint: info.ssl_thumbprint,
            certificate: info.ssl_certificate,
        })
    }

    /// What to send back: the certificate where the server gave it, else the thumbprint.
    pub fn into_trust(self) -> Trust {
        match self.certificate {
            Some(pem) => Trust::Certificate(pem),
            None => Trust::Thumbprint(self.thumbprint),
        }
    }
}
