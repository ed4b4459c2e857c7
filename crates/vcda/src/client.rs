//! The client: how it is built, what all calls have in common, the session.

use std::sync::Arc;

use bytes::Bytes;
use farside_models_vcda::{C4SessionDetails, operation};
use farside_transport::{
    Call, CallContext, CallError, CallErrorKind, Clock, RemoteOperation, Stack, StackBuilder, StackSettings,
    Transport,
};
use farside_wire::{Operation, Query, RawJson, Read, Secret};
use http::{HeaderValue, Request, Response};
use serde::Serialize;
use serde::de::Error as _;

use crate::id::OperationTag;
use crate::request::{Frame, NeededSite, is_too_long};
use crate::session::{Extension, Login, SiteExtension, VcdaSession};
use crate::task::{Finished, Task};
use crate::version::ApiVersion;
use crate::wait::Board;

/// The version that answers are asked for in, unless the builder is told otherwise.
pub const DEFAULT_API_VERSION: &str = "4.6";

/// A client that cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Nobody is to log in.
    #[error("a client of Cloud Director Availability needs credentials")]
    NoCredentials,
    /// The version is no part of a media type.
    #[error("{0:?} is not a version of the Cloud Director Availability API; it looks like \"4.6\"")]
    Version(String),
}

/// Builds a [`VcdaClient`].
#[derive(Debug)]
#[must_use]
pub struct VcdaClientBuilder {
    transport: Arc<dyn Transport>,
    endpoint: Arc<str>,
    clock: Arc<dyn Clock>,
    login: Option<Login>,
    version: String,
    site: Option<String>,
    tag: Option<OperationTag>,
    extensions: Vec<(String, Extension)>,
    settings: StackSettings,
}

impl VcdaClientBuilder {
    /// Logs in as this user: the appliance's own for `root`, of Cloud Director (`user@org`) otherwise.
    pub fn credentials(self, user: impl Into<String>, password: Secret) -> Self {
        self.login(Login::by_name(user, password))
    }

    /// Logs in so.
    pub fn login(mut self, login: Login) -> Self {
        self.login = Some(login);
        self
    }

    /// Asks for answers in this version of the API; [`DEFAULT_API_VERSION`] otherwise. A client that is to speak what
    /// the service speaks is had from [`VcdaClient::negotiated`].
    pub fn api_version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Asks about this site, by its short name, instead of the one that answers. A session is good for its own site
    /// only, so another one needs an [extension](Self::extend) of the session.
    pub fn site(mut self, site: impl Into<String>) -> Self {
        self.site = Some(site.into());
        self
    }

    /// Extends the session to this site, by its short name, before the first call that asks about it or
    /// [needs](VcdaClient::needing) it; again once the session, or the extension, is lost. Replaces what was said of that site
    /// before.
    ///
    /// That site must be alive (VCDA wire rules 5). Where it may be lost, log in at the surviving one and ask there.
    pub fn extend(mut self, site: impl Into<String>, extension: Extension) -> Self {
        let site = site.into();
        self.extensions.retain(|(extended, _)| *extended != site);
        self.extensions.push((site, extension));
        self
    }

    /// Names all calls, the log-in included, in the services' logs (header `operationID`). A client that starts more than one piece of
    /// work names each of them by [`VcdaClient::tagged`]: see [`OperationTag`].
    pub fn tag(mut self, tag: OperationTag) -> Self {
        self.tag = Some(tag);
        self
    }

    /// Settles limits, repeats, time, what is traced and what is counted.
    pub fn settings(mut self, settings: StackSettings) -> Self {
        self.settings = settings;
        self
    }

    /// The client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn build(self) -> Result<VcdaClient, BuildError> {
        let login = self.login.ok_or(BuildError::NoCredentials)?;
        let Some(version) = ApiVersion::parse(&self.version) else {
            return Err(BuildError::Version(self.version));
        };
        let frame = Frame {
            version,
            site: self.site,
            tag: self.tag.as_ref().and_then(header),
            needs: None,
        };
        let scheme = VcdaSession {
            login,
            frame: frame.clone(),
        };
        let mut stack = StackBuilder::new(self.transport, Arc::clone(&self.clock))
            .endpoint(&self.endpoint)
            .session(Arc::new(scheme))
            .settings(self.settings);
        for (site, extension) in self.extensions {
            stack = stack.extension(Arc::new(SiteExtension::new(site, extension, frame.clone())));
        }
        Ok(VcdaClient {
            core: Arc::new(Core {
                stack: stack.build(),
                endpoint: self.endpoint,
                clock: self.clock,
                board: Board::default(),
            }),
            frame,
        })
    }
}

/// A tag holds visible ASCII characters only, so it always fits into a header.
fn header(tag: &OperationTag) -> Option<HeaderValue> {
    HeaderValue::from_str(tag.as_str()).ok()
}

/// A client of one service. Clones share the session, the limits and the waits.
///
/// Calls that read are repeated where that can help; actions are sent once. Every method can fail with a
/// [`CallError`], whose effect says what the service can have done. Dropping a future of a reading method changes
/// nothing; after dropping one of a `start_*` method, or of one that makes something, that may have been done.
///
/// Which role of a user a call needs is not documented unless a method says so, and since which release an operation is there
/// neither: each method names the releases whose pages were read.
#[derive(Clone, Debug)]
pub struct VcdaClient {
    core: Arc<Core>,
    frame: Frame,
}

#[derive(Debug)]
struct Core {
    stack: Arc<Stack>,
    endpoint: Arc<str>,
    clock: Arc<dyn Clock>,
    board: Board,
}

impl VcdaClient {
    /// Starts building a client whose calls go out through `transport`, which sends single calls (an HTTP transport,
    /// the simulator). `endpoint` is the service's name in operation ids and traces.
    pub fn builder(
        transport: Arc<dyn Transport>,
        endpoint: impl Into<Arc<str>>,
        clock: Arc<dyn Clock>,
    ) -> VcdaClientBuilder {
        VcdaClientBuilder {
            transport,
            endpoint: endpoint.into(),
            clock,
            login: None,
            version: DEFAULT_API_VERSION.to_owned(),
            site: None,
            tag: None,
            extensions: Vec::new(),
            settings: StackSettings::default(),
        }
    }

    /// The same client, with another name for its calls in the services' logs: one for each action of a user.
    #[must_use]
    pub fn tagged(&self, tag: &OperationTag) -> Self {
        let mut client = self.clone();
        client.frame.tag = header(tag);
        client
    }

    /// The same client and session, asking another site: `site` is the short name in each call's query. The service takes
    /// such calls from a session that [`extend`](VcdaClientBuilder::extend) makes good for the site.
    #[must_use]
    pub fn asking(&self, site: impl Into<String>) -> Self {
        let mut client = self.clone();
        client.frame.site = Some(site.into());
        client
    }

    /// The service's name in operation ids.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.core.endpoint
    }

    /// The version of the API that answers are asked for in.
    #[must_use]
    pub fn api_version(&self) -> ApiVersion {
        self.frame.version
    }

    /// The time that the client waits by.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        self.core.clock.as_ref()
    }

    pub(crate) fn board(&self) -> &Board {
        &self.core.board
    }

    /// Gives up the session and its extensions, if there are any, without a word to the service; the next call logs in.
    pub fn invalidate_session(&self) {
        self.core.stack.invalidate_session();
    }

    pub(crate) fn frame(&self) -> &Frame {
        &self.frame
    }

    /// The same client, asking in another version.
    pub(crate) fn speaking(&self, version: ApiVersion) -> Self {
        let mut client = self.clone();
        client.frame.version = version;
        client
    }

    /// The same client, asking a site about its tasks, whichever sites their work needs: what the site that is asked knows of
    /// them does not hang on an extension to another one, which may be gone by then.
    pub(crate) fn at_site(&self, site: Option<String>) -> Self {
        let mut client = self.clone();
        client.frame.site = site;
        client.frame.needs = None;
        client
    }

    /// The same client for work that needs another site than the one asked, by its short name: its session is extended to that
    /// site before each call, where the builder was told how ([`VcdaClientBuilder::extend`]); otherwise nothing is different.
    ///
    /// A migration and a reversal work on both sites. Whether the service wants an extension for them is not documented: the
    /// pages say that some operations need one that are started from a remote site (VCDA wire rules 5, inferred).
    #[must_use]
    pub fn needing(&self, site: impl Into<String>) -> Self {
        let mut client = self.clone();
        client.frame.needs = Some(NeededSite(site.into()));
        client
    }

    /// Logs out, if there is a session, and refuses all further calls of this client and its clones. Takes 10 s at most, beside
    /// a log-in that is under way.
    ///
    /// # Errors
    /// Whatever the log-out met; the session then ends by its idle time, as it does after a dropped future.
    pub async fn close(&self) -> Result<(), CallError> {
        self.core.stack.close().await
    }

    /// The session: who is logged in, and at which sites. Logs in where there is none. Documented in 3.5, by its name only
    /// (operation `sessions.get`).
    ///
    /// # Errors
    /// [`CallError`]; nothing has changed.
    pub async fn session(&self) -> Result<C4SessionDetails, CallError> {
        let ask = self.ask(&operation::SESSIONS_GET, "the session", &[], &Query::new());
        self.read(ask).await
    }

    /// The query parameter that picks the client's site.
    pub(crate) fn site_query(&self) -> Query {
        self.frame.site_query()
    }

    /// The site that a query names, or that of the client.
    pub(crate) fn site_or(&self, named: Option<&String>) -> Option<String> {
        named.or(self.frame.site.as_ref()).cloned()
    }

    /// A request without a body.
    pub(crate) fn ask(
        &self,
        operation: &'static Operation,
        target: impl Into<Arc<str>>,
        params: &[(&str, &str)],
        query: &Query,
    ) -> Ask {
        Ask {
            operation,
            target: target.into(),
            request: self.frame.bare(operation, params, query),
        }
    }

    /// A request with a body.
    pub(crate) fn ask_with(
        &self,
        operation: &'static Operation,
        target: impl Into<Arc<str>>,
        params: &[(&str, &str)],
        query: &Query,
        body: &impl Serialize,
    ) -> Ask {
        Ask {
            operation,
            target: target.into(),
            request: self.frame.with_body(operation, params, query, body),
        }
    }

    pub(crate) async fn read<T: Read>(&self, ask: Ask) -> Result<T, CallError> {
        let (answer, context) = self.answer(ask).await?;
        context.read(&answer)
    }

    /// Sends a request, unless it is one that cannot be sent.
    pub(crate) async fn answer(&self, ask: Ask) -> Result<(Response<Bytes>, CallContext), CallError> {
        if is_too_long(&ask.request) {
            return Err(self.unsendable(ask, "its ids or filters are too long for a URI; ask for fewer"));
        }
        let call = ask.into_call();
        let context = call.context();
        Ok((self.core.stack.send(call).await?, context))
    }

    /// A request that cannot be sent.
    pub(crate) fn unsendable(&self, ask: Ask, why: &'static str) -> CallError {
        ask.into_call().context().error(CallErrorKind::Request(why))
    }

    /// Sends what is answered without a body.
    pub(crate) async fn send(&self, ask: Ask) -> Result<(), CallError> {
        self.answer(ask).await.map(drop)
    }

    /// A task, as the service wrote it and as it reads.
    pub(crate) async fn read_task(&self, ask: Ask) -> Result<(RawJson, Task), CallError> {
        let (answer, context) = self.answer(ask).await?;
        let whole: RawJson = context.read(&answer)?;
        let task = whole.decode().map_err(|error| undecodable(&context, &error))?;
        Ok((whole, task))
    }

    /// Starts work: sends once, and reads which task it became.
    pub(crate) async fn begin<T: Read + 'static>(
        &self,
        ask: Ask,
    ) -> Result<RemoteOperation<Finished<T>>, CallError> {
        let (whole, task) = self.read_task(ask).await?;
        Ok(self.begun(&whole, &task))
    }
}

fn undecodable(context: &CallContext, error: &farside_wire::DecodeError) -> CallError {
    let text = format!("{error}: {}", error.reason());
    context.error(CallErrorKind::Decode(serde_json::Error::custom(text)))
}

/// A request that is ready to be sent.
pub(crate) struct Ask {
    pub(crate) operation: &'static Operation,
    pub(crate) target: Arc<str>,
    pub(crate) request: Request<Bytes>,
}

impl Ask {
    pub(crate) fn into_call(self) -> Call {
        Call::new(self.operation, self.target, self.request)
    }
}
