//! The servers of a run: one client per endpoint and service, made on first use, shared by all kinds.
//!
//! Endpoints that the run's mode forbids are refused here, before anything is resolved, connected or logged in.

mod addresses;
mod https;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use farside_engine::EndpointId;
use farside_host_network::HostNetwork;
use farside_transport::{Clock, EndpointQuota, SecretError, SecretSource, StackSettings, Transport, within};
use farside_vcda::{Extension, VcdaClient};
use farside_vcha::VchaClient;
use farside_vim::VimClient;
use farside_wire::Secret;
use tokio::sync::OnceCell;

use crate::plan::{EndpointConfig, ExtensionConfig};

pub use https::HttpsConnector;

use addresses::AnyAddress;

/// How long a password command or file may take.
const SECRET_LIMIT: Duration = Duration::from_secs(30);

/// Why an endpoint cannot be talked to. Nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("endpoint {endpoint} cannot be used")]
pub struct ConnectionError {
    endpoint: EndpointId,
    #[source]
    kind: ConnectionErrorKind,
}

impl ConnectionError {
    /// A failure of one endpoint.
    pub fn new(endpoint: EndpointId, kind: ConnectionErrorKind) -> Self {
        Self { endpoint, kind }
    }
    /// Why.
    pub fn kind(&self) -> &ConnectionErrorKind {
        &self.kind
    }
}

/// Why an endpoint cannot be talked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionErrorKind {
    /// A disaster run sends nothing to the protected site.
    #[error("it stands in the protected site, and a disaster run sends nothing there")]
    Forbidden,
    /// The plan does not have it.
    #[error("the plan has no endpoint of this name")]
    Unknown,
    /// The password could not be had.
    #[error("its password could not be read")]
    Secret(#[source] SecretError),
    /// The transport cannot be made: no roots, an unreadable CA file.
    #[error("no transport can be made for it")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Makes the lowest layer of a client: HTTPS in life, a simulated world in tests.
pub trait Connector: fmt::Debug + Send + Sync {
    /// A transport that sends single calls to the endpoint, at the base address given (the endpoint's own or one
    /// of its further ones). Nothing is connected yet.
    ///
    /// # Errors
    /// The configuration cannot be used.
    fn connect(
        &self,
        endpoint: &EndpointId,
        config: &EndpointConfig,
        address: &str,
    ) -> Result<Arc<dyn Transport>, ConnectionErrorKind>;
}

/// What a client is built from.
#[derive(Clone, Debug)]
pub struct Access {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// One transport for the endpoint's address and one for each further address, in the plan's order.
    pub transports: Vec<Arc<dyn Transport>>,
    /// Who logs in.
    pub username: String,
    /// The password.
    pub password: Secret,
    /// What the layers of each client are told: they share the endpoint's calls under way and its repeats.
    pub settings: StackSettings,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

impl Access {
    /// The transport for the endpoint's own address.
    fn first(&self, endpoint: &EndpointId) -> Result<Arc<dyn Transport>, ConnectionError> {
        let first = self.transports.first().cloned();
        first.ok_or_else(|| ConnectionError::new(endpoint.clone(), ConnectionErrorKind::Unknown))
    }

    /// A transport to whichever of the endpoint's addresses answers.
    fn any(&self, endpoint: &EndpointId) -> Result<Arc<dyn Transport>, ConnectionError> {
        let first = self.first(endpoint)?;
        let others = self.transports.iter().skip(1).cloned();
        Ok(match self.transports.len() {
            ..=1 => first,
            _ => Arc::new(AnyAddress::new(first, others, Arc::clone(&self.clock))),
        })
    }
}

/// The servers of a run.
#[derive(Debug)]
pub struct Connections {
    endpoints: BTreeMap<EndpointId, EndpointConfig>,
    forbidden: BTreeSet<EndpointId>,
    connector: Arc<dyn Connector>,
    clock: Arc<dyn Clock>,
    settings: StackSettings,
    slots: Mutex<BTreeMap<EndpointId, Arc<Slot>>>,
}

/// A look makes three calls one after the other; a service that is silent, as a vCenter that is switching is, must not
/// use up the time of the looks that go together with it.
const LOOK_CALL_LIMIT: Duration = Duration::from_secs(30);
/// How long all log-outs at one endpoint may take together.
const LOG_OUT_LIMIT: Duration = Duration::from_secs(10);

/// The clients of one endpoint, each made when it is first wanted.
#[derive(Debug, Default)]
struct Slot {
    quota: OnceLock<Arc<EndpointQuota>>,
    vcenter: OnceCell<Arc<VchaClient>>,
    vim: OnceCell<VimClient>,
    host_network: OnceCell<Arc<HostNetwork>>,
    availability: OnceCell<Arc<VcdaClient>>,
    /// Clients whose sessions are good for a further site, by the endpoint there.
    extended: tokio::sync::Mutex<BTreeMap<EndpointId, Arc<VcdaClient>>>,
}

impl Slot {
    /// Logs out wherever a client was made; what does not answer in time keeps its session.
    async fn close(&self, clock: &dyn Clock) {
        let log_outs = async {
            if let Some(client) = self.vcenter.get() {
                let _ = client.close().await;
            }
            if let Some(client) = self.vim.get() {
                let _ = client.close().await;
            }
            if let Some(client) = self.availability.get() {
                let _ = client.close().await;
            }
            for client in self.extended.lock().await.values() {
                let _ = client.close().await;
            }
        };
        let _ = within(clock, LOG_OUT_LIMIT, log_outs).await;
    }
}

impl Connections {
    /// Connections to these endpoints, but for the forbidden ones.
    pub fn new(
        endpoints: BTreeMap<EndpointId, EndpointConfig>,
        forbidden: impl IntoIterator<Item = EndpointId>,
        connector: Arc<dyn Connector>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let forbidden = forbidden.into_iter().collect();
        Self {
            endpoints,
            forbidden,
            connector,
            clock,
            settings: StackSettings::default(),
            slots: Mutex::new(BTreeMap::new()),
        }
    }

    /// Builds the clients with these settings: metrics, what is traced, when reads are sent again. The calls in flight are
    /// the plan's `max_calls`, and the time for a call is this crate's own.
    #[must_use]
    pub fn with_settings(mut self, settings: StackSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Time, as all clients see it.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// VI JSON of a vCenter.
    ///
    /// # Errors
    /// The endpoint cannot be used; nothing was sent.
    pub async fn vim(&self, endpoint: &EndpointId) -> Result<VimClient, ConnectionError> {
        let slot = self.slot(endpoint);
        let client = slot.vim.get_or_try_init(|| async {
            let access = self.access(endpoint).await?;
            let transport = access.any(endpoint)?;
            let builder = VimClient::builder(transport, access.username, access.password, access.clock);
            Ok(builder
                .endpoint(endpoint.as_str())
                .settings(access.settings)
                .build())
        });
        client.await.cloned()
    }

    /// Tells the client of VI JSON, if there is one, that the vCenter has lost its sessions, as one has that has switched: the
    /// next call logs in instead of being refused. Nothing is sent.
    pub fn lost_sessions(&self, endpoint: &EndpointId) {
        if let Some(vim) = self.slot(endpoint).vim.get() {
            vim.invalidate_session();
        }
    }

    /// The host networks of a vCenter.
    ///
    /// # Errors
    /// The endpoint cannot be used; nothing was sent.
    pub async fn host_network(&self, endpoint: &EndpointId) -> Result<Arc<HostNetwork>, ConnectionError> {
        let slot = self.slot(endpoint);
        let client = slot
            .host_network
            .get_or_try_init(|| async { Ok(Arc::new(HostNetwork::new(self.vim(endpoint).await?))) });
        client.await.cloned()
    }

    /// The REST API of a vCenter.
    ///
    /// # Errors
    /// The endpoint cannot be used; nothing was sent.
    pub async fn vcenter(&self, endpoint: &EndpointId) -> Result<Arc<VchaClient>, ConnectionError> {
        let slot = self.slot(endpoint);
        let client = slot.vcenter.get_or_try_init(|| async {
            let mut access = self.access(endpoint).await?;
            access.settings.call_timeout = LOOK_CALL_LIMIT;
            let first = access.first(endpoint)?;
            let transports = access.transports.into_iter().skip(1);
            let mut builder = VchaClient::builder(endpoint.as_str(), first, access.username, access.password)
                .clock(access.clock)
                .settings(access.settings);
            for transport in transports {
                builder = builder.also_at(transport);
            }
            Ok(Arc::new(builder.build()))
        });
        Ok(Arc::clone(client.await?))
    }

    /// A Cloud Director Availability service.
    ///
    /// # Errors
    /// The endpoint cannot be used; nothing was sent.
    pub async fn availability(&self, endpoint: &EndpointId) -> Result<Arc<VcdaClient>, ConnectionError> {
        let slot = self.slot(endpoint);
        let client = slot
            .availability
            .get_or_try_init(|| self.availability_client(endpoint, None));
        Ok(Arc::clone(client.await?))
    }

    /// A Cloud Director Availability service, with a session that is good for `site`, too: the site of the endpoint `other`,
    /// whose credentials prove it. The session is extended by the first call that asks that site
    /// ([`VcdaClient::asking`]).
    ///
    /// # Errors
    /// One of the two endpoints cannot be used; nothing was sent.
    pub async fn availability_extended(
        &self,
        endpoint: &EndpointId,
        other: &EndpointId,
        site: &str,
    ) -> Result<Arc<VcdaClient>, ConnectionError> {
        let slot = self.slot(endpoint);
        let mut extended = slot.extended.lock().await;
        if let Some(client) = extended.get(other) {
            return Ok(Arc::clone(client));
        }
        let access = self.access(other).await?;
        let proof = Extension::Vcd {
            user: access.username,
            password: access.password,
        };
        let client = self.availability_client(endpoint, Some((site, proof))).await?;
        extended.insert(other.clone(), Arc::clone(&client));
        Ok(client)
    }

    async fn availability_client(
        &self,
        endpoint: &EndpointId,
        extension: Option<(&str, Extension)>,
    ) -> Result<Arc<VcdaClient>, ConnectionError> {
        let mut access = self.access(endpoint).await?;
        access.settings.call_timeout = LOOK_CALL_LIMIT;
        let transport = access.first(endpoint)?;
        let mut builder = VcdaClient::builder(transport, endpoint.as_str(), access.clock)
            .credentials(access.username, access.password)
            .settings(access.settings);
        for (_, extension) in self.extensions(endpoint) {
            let password = self.secret(endpoint, &extension.password).await?;
            let user = extension.username.clone();
            builder = builder.extend(&extension.site, Extension::Vcd { user, password });
        }
        if let Some((site, extension)) = extension {
            builder = builder.extend(site, extension);
        }
        let client = builder.build().map_err(|error| {
            ConnectionError::new(endpoint.clone(), ConnectionErrorKind::Transport(Box::new(error)))
        })?;
        Ok(Arc::new(client))
    }

    /// The extensions of an endpoint that the run may use: none to an endpoint that it may not talk to, since that one is
    /// reached by an extension too.
    fn extensions(&self, endpoint: &EndpointId) -> impl Iterator<Item = (&EndpointId, &ExtensionConfig)> {
        let config = self.endpoints.get(endpoint).into_iter();
        let all = config.flat_map(|config| &config.extensions);
        all.filter(|(to, _)| !self.forbidden.contains(to))
    }

    /// The short name of the site of `other`, if sessions at `endpoint` are extended to it.
    pub fn extended_site(&self, endpoint: &EndpointId, other: &EndpointId) -> Option<&str> {
        let mut extensions = self.extensions(endpoint);
        let found = extensions.find(|(to, _)| *to == other);
        found.map(|(_, extension)| extension.site.as_str())
    }

    /// The short names of all sites that sessions at an endpoint are extended to.
    pub fn extended_sites(&self, endpoint: &EndpointId) -> impl Iterator<Item = &str> {
        self.extensions(endpoint)
            .map(|(_, extension)| extension.site.as_str())
    }

    async fn secret(&self, endpoint: &EndpointId, source: &SecretSource) -> Result<Secret, ConnectionError> {
        let read = source.read(self.clock.as_ref(), SECRET_LIMIT).await;
        read.map_err(|error| ConnectionError::new(endpoint.clone(), ConnectionErrorKind::Secret(error)))
    }

    /// What a client of this endpoint is built from.
    async fn access(&self, endpoint: &EndpointId) -> Result<Access, ConnectionError> {
        self.try_access(endpoint)
            .await
            .map_err(|kind| ConnectionError::new(endpoint.clone(), kind))
    }

    async fn try_access(&self, endpoint: &EndpointId) -> Result<Access, ConnectionErrorKind> {
        if self.forbidden.contains(endpoint) {
            return Err(ConnectionErrorKind::Forbidden);
        }
        let config = self.endpoints.get(endpoint).ok_or(ConnectionErrorKind::Unknown)?;
        let mut transports = Vec::new();
        for address in std::iter::once(&config.url).chain(&config.also_at) {
            transports.push(self.connector.connect(endpoint, config, address)?);
        }
        let password = config
            .password
            .read(self.clock.as_ref(), SECRET_LIMIT)
            .await
            .map_err(ConnectionErrorKind::Secret)?;
        let slot = self.slot(endpoint);
        let quota = slot.quota.get_or_init(|| {
            let calls = usize::try_from(config.max_calls).unwrap_or(usize::MAX);
            let quota = EndpointQuota::new(calls, self.settings.retry_budget, Arc::clone(&self.clock));
            Arc::new(quota)
        });
        let mut settings = self.settings.clone();
        settings.quota = Some(Arc::clone(quota));
        Ok(Access {
            endpoint: endpoint.clone(),
            transports,
            username: config.username.clone(),
            password,
            settings,
            clock: Arc::clone(&self.clock),
        })
    }

    /// Logs out wherever a client has logged in. Best effort: a server that does not answer keeps its session until
    /// it ends by itself.
    pub async fn close(&self) {
        let slots = std::mem::take(&mut *self.slots.lock().unwrap_or_else(PoisonError::into_inner));
        for slot in slots.into_values() {
            slot.close(self.clock.as_ref()).await;
        }
    }

    fn slot(&self, endpoint: &EndpointId) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(endpoint.clone()).or_default())
    }
}
