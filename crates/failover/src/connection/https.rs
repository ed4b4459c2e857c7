//! The connector of life: HTTPS, trusting what the plan says.

use std::sync::Arc;

use farside_engine::EndpointId;
use farside_transport::Transport;
use farside_transport_http::{HttpTransport, KnownHosts, Roots, UnlistedHost};

use crate::connection::{ConnectionErrorKind, Connector};
use crate::plan::{EndpointConfig, TlsConfig};

/// Connects over HTTPS, through the proxy that the environment names (`HTTPS_PROXY`, `NO_PROXY` and their like), if it names
/// one.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpsConnector;

impl Connector for HttpsConnector {
    fn connect(
        &self,
        _endpoint: &EndpointId,
        config: &EndpointConfig,
        address: &str,
    ) -> Result<Arc<dyn Transport>, ConnectionErrorKind> {
        let builder = HttpTransport::builder(address).proxy_from_environment();
        let builder = match &config.tls {
            TlsConfig::System => builder.roots(Roots::System),
            TlsConfig::CaFile(path) => builder.roots(Roots::CaFile(path.clone())),
            TlsConfig::KnownHosts(path) => {
                let hosts = KnownHosts::read(path).map_err(unusable)?;
                builder.known_hosts(hosts, UnlistedHost::Refused)
            }
            TlsConfig::Pin(pin) => builder.pin(*pin),
            TlsConfig::DangerAcceptAnyCertificate => builder.danger_accept_any_certificate(),
        };
        Ok(Arc::new(builder.build().map_err(unusable)?))
    }
}

fn unusable(error: impl std::error::Error + Send + Sync + 'static) -> ConnectionErrorKind {
    ConnectionErrorKind::Transport(Box::new(error))
}
