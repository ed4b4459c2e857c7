//! The client: builder, calls, properties.

use std::sync::Arc;

use bytes::Bytes;
use farside_models_vim::operation::{
    PROPERTY_COLLECTOR_CONTINUE_RETRIEVE_PROPERTIES_EX, PROPERTY_COLLECTOR_RETRIEVE_PROPERTIES_EX,
    SERVICE_INSTANCE_GET_CONTENT,
};
use farside_models_vim::{
    ContinueRetrievePropertiesExRequest, ObjectSpec, PropertyFilterSpec, PropertySpec, RetrieveOptions,
    RetrievePropertiesExRequest, RetrieveResult, ServiceContent,
};
use farside_transport::{
    CallContext, CallError, CallErrorKind, Clock, DEFAULT_CALL_LIMIT, Deadline, Stack, StackBuilder,
    StackSettings, Transport, Turns,
};
use farside_wire::{ManagedObjectReference, Read, Secret};
use http::Response;
use serde::de::Error as _;

use crate::collector::PropertyCollector;
use crate::invocation::Invocation;
use crate::object::ManagedObject;
use crate::properties::ObjectProperties;
use crate::release::{Account, Based, ReleaseChoice};
use crate::service::SessionManager;
use crate::session::{Content, VimSession};
use crate::task::{Board, VimTasks};
use crate::view::ViewManager;
#[cfg(feature = "vm")]
use crate::vm::Looks;

/// Most pages that one read of properties takes: a server that never stops paging must not hold a caller for ever.
const MOST_PAGES: usize = 10_000;

/// A client of one vCenter's VI JSON.
///
/// Cloning is cheap; clones share session, limit and release.
#[derive(Clone, Debug)]
pub struct VimClient {
    stack: Arc<Stack>,
    content: Arc<Content>,
    clock: Arc<dyn Clock>,
    endpoint: Arc<str>,
    based: Arc<Based>,
    waits: Arc<Waits>,
}

/// What all waits of a client share.
#[derive(Debug, Default)]
struct Waits {
    tasks: Board,
    #[cfg(feature = "vm")]
    machines: Looks,
}

/// Builds a [`VimClient`].
#[derive(Debug)]
#[must_use]
pub struct VimClientBuilder {
    transport: Arc<dyn Transport>,
    username: String,
    password: Secret,
    clock: Arc<dyn Clock>,
    endpoint: String,
    release: ReleaseChoice,
    settings: StackSettings,
}

impl VimClientBuilder {
    /// Names the vCenter in traces and in the ids of its tasks.
    pub fn endpoint(mut self, name: impl Into<String>) -> Self {
        self.endpoint = name.into();
        self
    }

    /// Sets how the release is settled; negotiated among the known ones unless said.
    pub fn release(mut self, release: ReleaseChoice) -> Self {
        self.release = release;
        self
    }

    /// Settles limits, repeats, time, what is traced and what is counted.
    pub fn settings(mut self, settings: StackSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Builds the client. Nothing is sent yet.
    #[must_use]
    pub fn build(self) -> VimClient {
        let content = Arc::new(Content::default());
        let account = Account {
            username: self.username.clone(),
            password: self.password.clone(),
            hold_off: self.settings.login_hold_off,
        };
        let clock = Arc::clone(&self.clock);
        let based = Arc::new(Based::new(self.transport, clock, self.release, account));
        let session = VimSession::new(self.username, self.password, Arc::clone(&content));
        let below: Arc<dyn Transport> = Arc::clone(&based) as _;
        let stack = StackBuilder::new(below, Arc::clone(&self.clock))
            .endpoint(&self.endpoint)
            .session(Arc::new(session))
            .settings(self.settings)
            .build();
        VimClient {
            stack,
            content,
            clock: self.clock,
            endpoint: self.endpoint.into(),
            based,
            waits: Arc::default(),
        }
    }
}

impl VimClient {
    /// Starts with a transport that sends single calls to the vCenter (no retry or session of its own).
    pub fn builder(
        transport: Arc<dyn Transport>,
        username: impl Into<String>,
        password: Secret,
        clock: Arc<dyn Clock>,
    ) -> VimClientBuilder {
        VimClientBuilder {
            transport,
            username: username.into(),
            password,
            clock,
            endpoint: "vcenter".to_owned(),
            release: ReleaseChoice::default(),
            settings: StackSettings::default(),
        }
    }

    /// The vCenter's name, as the builder was given it.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Time, as this client sees it.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Looks at the tasks of this vCenter.
    pub(crate) fn tasks(&self) -> Arc<VimTasks> {
        Arc::new(VimTasks::new(self.clone()))
    }

    /// What all waits for tasks share.
    pub(crate) fn board(&self) -> &Board {
        &self.waits.tasks
    }

    /// What all waits for properties of machines share.
    #[cfg(feature = "vm")]
    pub(crate) fn looks(&self) -> &Looks {
        &self.waits.machines
    }

    /// Turns for looks at remote work that this vCenter is asked about piece by piece, for a
    /// [`TaskSource`](farside_transport::TaskSource) of such work. Vim tasks need none: they share their looks.
    #[must_use]
    pub fn turns(&self) -> &Turns {
        self.stack.turns()
    }

    /// The session's default property collector.
    ///
    /// # Errors
    /// As [`VimClient::content`]. So with the managers below, and also [`CallErrorKind::Request`] if the server has none.
    pub async fn property_collector(&self) -> Result<PropertyCollector, CallError> {
        let content = self.content().await?;
        Ok(PropertyCollector::of(self, content.property_collector.clone()))
    }

    /// Where sessions are listed and closed.
    ///
    /// # Errors
    /// As [`VimClient::property_collector`].
    pub async fn session_manager(&self) -> Result<SessionManager, CallError> {
        self.manager(|content| content.session_manager.as_ref()).await
    }

    /// Where views are made.
    ///
    /// # Errors
    /// As [`VimClient::property_collector`].
    pub async fn view_manager(&self) -> Result<ViewManager, CallError> {
        self.manager(|content| content.view_manager.as_ref()).await
    }

    pub(crate) async fn manager<M: ManagedObject>(
        &self,
        of: impl Fn(&ServiceContent) -> Option<&ManagedObjectReference>,
    ) -> Result<M, CallError> {
        match of(self.content().await?) {
            Some(reference) => Ok(M::of(self, reference.clone())),
            None => Err(Invocation::new(&SERVICE_INSTANCE_GET_CONTENT, "ServiceInstance")
                .target(M::TYPE_NAME)
                .into_call()
                .context()
                .error(CallErrorKind::Request("the server has no such manager"))),
        }
    }

    /// What the service says about itself, with the ids of its managers. Needs no session, but for a server that tells its releases
    /// within one of vCenter REST only; read once
    /// (`GET /ServiceInstance/ServiceInstance/content`).
    ///
    /// # Errors
    /// Whatever the calls met; a server and a client without a common release are a [`CallErrorKind::Login`].
    pub async fn content(&self) -> Result<&ServiceContent, CallError> {
        self.content.read(&*self.stack).await
    }

    /// The release of VI JSON that calls go out in, such as `8.0.3.0`: the fixed one, or the one that was agreed on (`hello`;
    /// asked once). What came with a later release is not in the answers, whatever the server can do.
    ///
    /// # Errors
    /// As [`VimClient::content`].
    pub async fn release(&self) -> Result<&str, CallError> {
        if !self.based.is_fixed() {
            // Through all layers, so that a first question that fails is repeated as any read is.
            self.content().await?;
        }
        let deadline = Deadline::after(&*self.clock, DEFAULT_CALL_LIMIT);
        self.based.release(deadline).await
    }

    /// Sends a call whose answer may be no value: `None` for null, for an empty body and for 204.
    ///
    /// # Errors
    /// [`CallError`]; its effect says what the server can have done.
    ///
    /// # Cancel safety
    /// A dropped future leaves the outcome of a call that changes something unknown.
    pub async fn optional<T: Read>(&self, invocation: Invocation) -> Result<Option<T>, CallError> {
        let (answer, context) = self.send(invocation).await?;
        optional(&context, &answer)
    }

    /// Sends a call whose answer is a value.
    ///
    /// # Errors
    /// As [`VimClient::optional`]; also [`CallErrorKind::Decode`] when there is no value.
    ///
    /// # Cancel safety
    /// As [`VimClient::optional`].
    pub async fn value<T: Read>(&self, invocation: Invocation) -> Result<T, CallError> {
        let (answer, context) = self.send(invocation).await?;
        let missing = || serde_json::Error::custom("the answer has no value");
        optional(&context, &answer)?.ok_or_else(|| context.error(CallErrorKind::Decode(missing())))
    }

    /// Sends a call whose answer is a list; no value is an empty one.
    ///
    /// # Errors
    /// As [`VimClient::optional`].
    ///
    /// # Cancel safety
    /// As [`VimClient::optional`].
    pub async fn list<T: Read>(&self, invocation: Invocation) -> Result<Vec<T>, CallError> {
        self.optional(invocation).await.map(Option::unwrap_or_default)
    }

    /// Sends a call that answers nothing; whatever it answers is left unread.
    ///
    /// # Errors
    /// As [`VimClient::optional`].
    ///
    /// # Cancel safety
    /// As [`VimClient::optional`].
    pub async fn nothing(&self, invocation: Invocation) -> Result<(), CallError> {
        self.send(invocation).await.map(|_| ())
    }

    async fn send(&self, invocation: Invocation) -> Result<(Response<Bytes>, CallContext), CallError> {
        let call = invocation.into_call();
        let context = call.context();
        let answer = self.stack.send(call).await?;
        Ok((answer, context))
    }

    /// Reads properties of objects of one type, all pages (`PropertyCollector.RetrievePropertiesEx`).
    ///
    /// The answer holds what the server sent, in its order: an object can be missing from it, and a property that cannot be
    /// read is told by [`ObjectProperties::fault`].
    ///
    /// # Errors
    /// [`CallError`]; a `ManagedObjectNotFound` fault when one of the objects does not exist.
    pub async fn properties(
        &self,
        objects: &[ManagedObjectReference],
        type_name: &str,
        paths: &[&str],
    ) -> Result<Vec<ObjectProperties>, CallError> {
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        let target = match objects {
            [one] => one.to_string(),
            [first, ..] => format!("{first} and {} more", objects.len() - 1),
            [] => String::new(),
        };
        self.select(vec![filter(objects, type_name, paths)], target).await
    }

    /// Reads what filters select, all pages; `target` names it in errors.
    pub(crate) async fn select(
        &self,
        filters: Vec<PropertyFilterSpec>,
        target: String,
    ) -> Result<Vec<ObjectProperties>, CallError> {
        let deadline = Deadline::after(&*self.clock, DEFAULT_CALL_LIMIT);
        let collector = &self.content().await?.property_collector.value;
        let request = RetrievePropertiesExRequest::new(filters, RetrieveOptions::default());
        let first = Invocation::new(&PROPERTY_COLLECTOR_RETRIEVE_PROPERTIES_EX, collector).body(&request);
        // The collector answers without a session too, with nothing but refusals in it.
        let mut page = first.with_session();
        let mut found = Vec::new();
        for _ in 0..MOST_PAGES {
            let sent = page.target(target.as_str()).deadline(deadline.left(&*self.clock));
            let Some(result) = self.optional::<RetrieveResult>(sent).await? else {
                return Ok(found);
            };
            found.extend(result.objects.into_iter().map(ObjectProperties::from));
            let Some(token) = result.token else {
                return Ok(found);
            };
            page = Invocation::new(&PROPERTY_COLLECTOR_CONTINUE_RETRIEVE_PROPERTIES_EX, collector)
                .body(&ContinueRetrievePropertiesExRequest::new(token));
        }
        let endless = CallErrorKind::TooLarge {
            part: "number of pages",
            limit: MOST_PAGES as u64,
        };
        Err(page.target(target).into_call().context().error(endless))
    }

    /// Gives up the session, if there is one, without a word to the server; the next call logs in. For when it is known
    /// that the server has lost its sessions: after a switch of a vCenter HA cluster, for instance.
    pub fn invalidate_session(&self) {
        self.stack.invalidate_session();
    }

    /// Logs out, if there is a session, and refuses all further calls that need one.
    ///
    /// # Errors
    /// Whatever the log-out met; the server then ends the session by its idle time.
    pub async fn close(&self) -> Result<(), CallError> {
        self.stack.close().await
    }
}

/// Selects properties of these objects.
pub(crate) fn filter(
    objects: &[ManagedObjectReference],
    type_name: &str,
    paths: &[&str],
) -> PropertyFilterSpec {
    let paths = paths.iter().map(|&path| path.to_owned()).collect();
    let wanted = PropertySpec::new(type_name).with_path_set(paths);
    let from = objects.iter().cloned().map(ObjectSpec::new).collect();
    PropertyFilterSpec::new(vec![wanted], from)
}

/// The value in an answer's body; `None` for null and for an empty body (VI JSON wire rules 4).
fn optional<T: Read>(context: &CallContext, answer: &Response<Bytes>) -> Result<Option<T>, CallError> {
    if answer.body().trim_ascii().is_empty() {
        return Ok(None);
    }
    context.read(answer)
}
