//! The front over the network: an HTTPS listener for each endpoint and an administration endpoint over HTTP.

mod admin;
mod body;
mod certificate;
mod connection;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;

use self::certificate::Authority;
use self::connection::{Front, Host, Line};
use crate::endpoint::{Endpoint, EndpointKind};
use crate::simulator::Simulator;

/// How often the world is brought up to date while nobody calls, so that connections close when they have to.
const TICK: Duration = Duration::from_millis(20);

/// How to serve a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServeOptions {
    /// Where the endpoints listen. With port 0 every listener takes a free port; with another one the administration endpoint
    /// listens at that port, and the endpoints at those that follow it, in the order of their names.
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
    let endpoints: Vec<Endpoint> = simulator.world().endpoints().cloned().collect();
    let admin = SocketAddr::new(options.admin_ip(), options.listen.port());
    let (admin_listener, admin_address) = bind(admin).await?;
    let authority = (!options.plain).then(Authority::make).transpose()?;
    let mut hosts = Vec::new();
    let mut next = options.listen;
    for endpoint in endpoints {
        if options.listen.port() != 0 {
            next.set_port(next.port().saturating_add(1));
        }
        hosts.push((open(&endpoint.name, next, authority.as_ref()).await?, endpoint));
    }

    let (stop, stopped) = watch::channel(false);
    let mut served = Served {
        vcenters: Vec::new(),
        vcda: Vec::new(),
        admin: format!("http://{admin_address}/admin"),
        authority_pem: authority.map(|authority| authority.pem),
        stop,
    };
    let mut lines = Vec::new();
    for (host, endpoint) in hosts {
        served.list(&host, &endpoint);
        let (line, changed) = watch::channel(Line::of(&endpoint));
        lines.push((endpoint.name, line));
        let front = Front {
            simulator: simulator.clone(),
            stopped: stopped.clone(),
            line: changed,
        };
        tokio::spawn(connection::accept(host, front));
    }
    tokio::spawn(connection::tick(simulator.clone(), lines, stopped.clone()));
    tokio::spawn(connection::accept_admin(admin_listener, simulator, stopped));
    Ok(served)
}

impl Served {
    fn list(&mut self, host: &Host, endpoint: &Endpoint) {
        let Endpoint {
            name,
            user: username,
            password,
            ..
        } = endpoint.clone();
        let scheme = if host.certificate.is_some() {
            "https"
        } else {
            "http"
        };
        let url = format!("{scheme}://{}", host.address);
        let thumbprint = host
            .certificate
            .as_ref()
            .map(|certificate| certificate.thumbprint.clone());
        match endpoint.kind {
            EndpointKind::Vcenter => self.vcenters.push(ServedVcenter {
                name,
                url,
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

async fn open(name: &str, listen: SocketAddr, authority: Option<&Authority>) -> Result<Host, ServeError> {
    let (listener, address) = bind(listen).await?;
    let certificate = authority.map(|authority| authority.certify(reachable_at(address.ip())));
    Ok(Host {
        name: name.to_owned(),
        listener,
        address,
        certificate: certificate.transpose()?,
    })
}

/// A listener at every address of the machine is reached at the loopback one, too.
fn reachable_at(ip: IpAddr) -> IpAddr {
    if ip.is_unspecified() {
        IpAddr::from([127, 0, 0, 1])
    } else {
        ip
    }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let failed = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let mut local = listener.local_addr().map_err(failed)?;
    local.set_ip(reachable_at(local.ip()));
    Ok((listener, local))
}
