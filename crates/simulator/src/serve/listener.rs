//! The listeners of the endpoints: which there are, where, and those that come up while the world is served.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::ServeError;
use super::certificate::{Authority, Certificate};
use super::connection::{self, Front, Host, Line};
use crate::endpoint::Endpoint;
use crate::simulator::Simulator;
use crate::world::World;

/// How often the world is brought up to date while nobody calls, so that connections close when they have to.
const TICK: Duration = Duration::from_millis(20);

/// Where an endpoint is served.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Address {
    /// Base address, without a slash at the end; none where nobody could listen.
    pub(super) url: Option<String>,
    /// `SHA-256:AB:CD:...` of its certificate; none without TLS.
    pub(super) thumbprint: Option<String>,
    /// Why nobody could listen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

/// Where the endpoints are served, by name. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Addresses(Arc<Mutex<BTreeMap<String, Address>>>);

impl Addresses {
    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Address>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where an endpoint is served; the default for one that came up a moment ago.
    pub(super) fn of(&self, endpoint: &str) -> Address {
        self.known().get(endpoint).cloned().unwrap_or_default()
    }
}

/// An endpoint, and the one whose certificate it shows.
struct Named {
    name: String,
    /// Its own name, or that of the vCenter of which it is a further address.
    server: String,
    line: Line,
}

impl Named {
    fn of(world: &World, endpoint: &Endpoint) -> Self {
        let name = endpoint.name.clone();
        Self {
            server: world.home_of(&name).unwrap_or(&name).to_owned(),
            line: Line::of(endpoint),
            name,
        }
    }
}

/// All listeners.
pub(super) struct Listeners {
    simulator: Simulator,
    authority: Option<Authority>,
    /// Of each server: the nodes of a vCenter show the same one.
    certificates: BTreeMap<String, Certificate>,
    next: SocketAddr,
    lines: BTreeMap<String, watch::Sender<Line>>,
    addresses: Addresses,
    stopped: watch::Receiver<bool>,
}

impl Listeners {
    /// Listens at an address for each endpoint that there is, beginning at `next`.
    pub(super) async fn open(
        simulator: &Simulator,
        authority: Option<Authority>,
        next: SocketAddr,
        stopped: watch::Receiver<bool>,
    ) -> Result<Self, ServeError> {
        let mut all = Self {
            simulator: simulator.clone(),
            authority,
            certificates: BTreeMap::new(),
            next,
            lines: BTreeMap::new(),
            addresses: Addresses::default(),
            stopped,
        };
        let mut hosts = Vec::new();
        for named in all.missing() {
            hosts.push((all.listen(&named).await?, named.line));
        }
        for (host, line) in hosts {
            all.attend(host, line);
        }
        Ok(all)
    }

    /// Where the endpoints are served, as long as they are.
    pub(super) fn addresses(&self) -> Addresses {
        self.addresses.clone()
    }

    /// The endpoints for which nobody listens, by name.
    fn missing(&self) -> Vec<Named> {
        let world = self.simulator.look();
        let missing = world
            .endpoints()
            .filter(|endpoint| !self.lines.contains_key(&endpoint.name));
        missing.map(|endpoint| Named::of(&world, endpoint)).collect()
    }

    async fn listen(&mut self, named: &Named) -> Result<Host, ServeError> {
        let at = self.next;
        let (listener, address) = bind(at).await?;
        if at.port() != 0 {
            self.next.set_port(at.port().saturating_add(1));
        }
        Ok(Host {
            name: named.name.clone(),
            listener,
            address,
            certificate: self.certificate(&named.server, address.ip())?,
        })
    }

    fn certificate(&mut self, server: &str, ip: IpAddr) -> Result<Option<Certificate>, ServeError> {
        let Some(authority) = &self.authority else {
            return Ok(None);
        };
        if let Some(known) = self.certificates.get(server) {
            return Ok(Some(known.clone()));
        }
        let made = authority.certify(ip)?;
        self.certificates.insert(server.to_owned(), made.clone());
        Ok(Some(made))
    }

    /// Accepts connections from now on.
    fn attend(&mut self, host: Host, line: Line) {
        let scheme = if host.certificate.is_some() {
            "https"
        } else {
            "http"
        };
        let certificate = host.certificate.as_ref();
        let address = Address {
            url: Some(format!("{scheme}://{}", host.address)),
            thumbprint: certificate.map(|certificate| certificate.thumbprint.clone()),
            error: None,
        };
        self.addresses.known().insert(host.name.clone(), address);
        let (sender, changed) = watch::channel(line);
        self.lines.insert(host.name.clone(), sender);
        let front = Front {
            simulator: self.simulator.clone(),
            stopped: self.stopped.clone(),
            line: changed,
        };
        tokio::spawn(connection::accept(host, front));
    }

    /// Lets time pass while nobody calls, tells connections of cuts, and listens for endpoints that come up, until the front
    /// stops.
    pub(super) async fn tend(mut self) {
        loop {
            tokio::select! {
                () = self.simulator.clock().sleep(TICK) => {}
                _ = self.stopped.wait_for(|stop| *stop) => return,
            }
            self.tell();
            for named in self.missing() {
                match self.listen(&named).await {
                    Ok(host) => self.attend(host, named.line),
                    Err(error) => self.give_up(named, &error),
                }
            }
        }
    }

    /// Tells the connections of each endpoint how it stands.
    fn tell(&self) {
        let world = self.simulator.world();
        for (name, line) in &self.lines {
            let current = world.endpoint(name).map_or(Line::GONE, Line::of);
            line.send_if_modified(|known| std::mem::replace(known, current) != current);
        }
    }

    /// Nobody listens for an endpoint, and the administration endpoint says why. It is not tried again.
    fn give_up(&mut self, named: Named, error: &ServeError) {
        let source = std::error::Error::source(error).map(|source| format!(": {source}"));
        let told = format!("{error}{}", source.unwrap_or_default());
        tracing::warn!(endpoint = named.name, error = told, "nobody listens");
        let address = Address {
            error: Some(told),
            ..Address::default()
        };
        self.addresses.known().insert(named.name.clone(), address);
        self.lines.insert(named.name, watch::channel(named.line).0);
    }
}

/// A listener at every address of the machine is reached at the loopback one, too.
fn reachable_at(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(v4) if v4.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(v6) if v6.is_unspecified() => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
        ip => ip,
    }
}

/// A listener, and the address at which it is reached.
pub(super) async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let failed = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let mut local = listener.local_addr().map_err(failed)?;
    local.set_ip(reachable_at(local.ip()));
    Ok((listener, local))
}
