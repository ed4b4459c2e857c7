//! The front over the network: an HTTPS listener for each address of an endpoint and an administration endpoint over HTTP.

mod admin;
mod body;
mod certificate;
mod connection;
mod listener;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::Serialize;
use tokio::sync::watch;

use self::admin::Desk;
use self::certificate::Authority;
use self::listener::{Address, Listeners, bind};
use crate::endpoint::{Endpoint, EndpointKind};
use crate::simulator::Simulator;

/// How to serve a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServeOptions {
    /// Where the endpoints listen. With port 0 every listener takes a free port; with another one the administration endpoint
    /// listens at that port, and the endpoints at those that follow it, in the order of their names; those that come up later
    /// take the next ones.
    pub listen: SocketAddr,
    /// The address at which the administration endpoint listens, which asks nobody who they are; `None`: the loopback one.
    pub admin: Option<IpAddr>,
    /// Endpoints speak HTTP without TLS. Clients of this workspace do not; `curl` does.
    pub plain: bool,
}

impl ServeOptions {
    /// A world behind HTTPS, administered from this machine only.
    pub fn at(listen: SocketAddr) -> Self {
        Self {
            listen,
            admin: None,
            plain: false,
        }
    }

    fn admin_ip(&self) -> IpAddr {
        self.admin.unwrap_or(match self.listen {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        })
    }
}

/// Why a world could not be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address cannot be listened at.
    #[error("cannot listen at {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// No certificate could be made.
    #[error("cannot make a certificate")]
    Certificate(#[source] rcgen::Error),
    /// The TLS library refused its set-up.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
}

/// A vCenter that is served.
#[derive(Clone, Serialize)]
pub struct ServedVcenter {
    /// Its name.
    pub name: String,
    /// Base address, without a slash at the end.
    pub url: String,
    /// Further base addresses, at which it serves while a node with an address of its own is active; with the same certificate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also_at: Vec<String>,
    /// `SHA-256:AB:CD:...` of its certificate; `None` without TLS.
    pub thumbprint: Option<String>,
    /// Who may log in.
    pub username: String,
    /// The password.
    pub password: String,
}

/// A VCDA site that is served.
#[derive(Clone, Serialize)]
pub struct ServedSite {
    /// Its short name.
    pub site: String,
    /// Base address, without a slash at the end.
    pub url: String,
    /// `SHA-256:AB:CD:...` of its certificate; `None` without TLS.
    pub thumbprint: Option<String>,
    /// Who may log in.
    pub username: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for ServedVcenter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServedVcenter")
            .field("name", &self.name)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ServedSite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServedSite")
            .field("site", &self.site)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// A world that is being served until this is dropped. As JSON it is what `farside sim` prints when it is ready.
#[derive(Debug, Serialize)]
pub struct Served {
    /// The vCenters, by name.
    pub vcenters: Vec<ServedVcenter>,
    /// The VCDA sites, by name.
    pub vcda: Vec<ServedSite>,
    /// Base address of the administration endpoint: `GET {admin}/state`.
    pub admin: String,
    /// The authority that has signed all certificates, in PEM, for clients to trust; `None` without TLS.
    #[serde(skip)]
    pub authority_pem: Option<String>,
    #[serde(skip)]
    stop: watch::Sender<bool>,
}

impl Served {
    /// Stops listening, closes all connections, and returns when every listener and connection has ended.
    pub async fn shutdown(self) {
        // Every task of the front holds a receiver and drops it when it ends.
        self.stop.send_replace(true);
        self.stop.closed().await;
    }
}

/// Serves a world. Listeners run on the current tokio runtime.
///
/// # Errors
/// [`ServeError`] if an address cannot be listened at or no certificate can be made; nothing is served then.
pub async fn serve(simulator: Simulator, options: ServeOptions) -> Result<Served, ServeError> {
    let simulator = simulator.in_parts();
    let admin = SocketAddr::new(options.admin_ip(), options.listen.port());
    let (admin_listener, admin_address) = bind(admin).await?;
    let authority = (!options.plain).then(Authority::make).transpose()?;
    let authority_pem = authority.as_ref().map(|authority| authority.pem.clone());
    let mut first = options.listen;
    if first.port() != 0 {
        first.set_port(first.port().saturating_add(1));
    }
    let (stop, stopped) = watch::channel(false);
    let listeners = Listeners::open(&simulator, authority, first, stopped.clone()).await?;
    let addresses = listeners.addresses();
    let mut served = Served {
        vcenters: Vec::new(),
        vcda: Vec::new(),
        admin: format!("http://{admin_address}/admin"),
        authority_pem,
        stop,
    };
    {
        let world = simulator.look();
        for endpoint in world.endpoints() {
            let home = world.home_of(&endpoint.name);
            served.list(endpoint, home, addresses.of(&endpoint.name));
        }
    }
    tokio::spawn(listeners.tend());
    let desk = Desk {
        simulator,
        addresses,
        stopped,
    };
    tokio::spawn(connection::accept_admin(admin_listener, desk));
    Ok(served)
}

impl Served {
    /// Names an endpoint, or a further address of one that has been named.
    fn list(&mut self, endpoint: &Endpoint, home: Option<&str>, address: Address) {
        let Address { url, thumbprint, .. } = address;
        let url = url.unwrap_or_default();
        if let Some(home) = self
            .vcenters
            .iter_mut()
            .find(|known| Some(known.name.as_str()) == home)
        {
            home.also_at.push(url);
            return;
        }
        let Endpoint {
            name,
            user: username,
            password,
            ..
        } = endpoint.clone();
        match endpoint.kind {
            EndpointKind::Vcenter => self.vcenters.push(ServedVcenter {
                name,
                url,
                also_at: Vec::new(),
                thumbprint,
                username,
                password,
            }),
            EndpointKind::Vcda => self.vcda.push(ServedSite {
                site: name,
                url,
                thumbprint,
                username,
                password,
            }),
        }
    }
}
