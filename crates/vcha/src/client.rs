//! The calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use farside_models_vcenter::operation::{CIS_SESSION_GET, SYSTEM_HELLO};
use farside_models_vcenter::{CisSessionInfo, SystemHelloResult, SystemHelloSpec};
use farside_transport::{
    Call, CallContext, CallError, CallErrorKind, Clock, OperationId, Stack, StackBuilder, StackSettings,
    SystemClock, Transport, Turns,
};
use farside_wire::{Operation, Read, Secret};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Request, Response, Uri};
use serde::Serialize;

use crate::session::VcenterSession;
use crate::task::CIS_TASK;

/// How long one call may take unless the settings say otherwise. A vCenter that is switching accepts connections and stays silent.
const CALL_LIMIT: Duration = Duration::from_secs(30);

/// Builds a [`VchaClient`].
#[derive(Debug)]
#[must_use]
pub struct VchaClientBuilder {
    endpoint: String,
    transports: Vec<Arc<dyn Transport>>,
    username: String,
    password: Secret,
    clock: Arc<dyn Clock>,
    settings: StackSettings,
}

impl VchaClientBuilder {
    /// Adds a further address at which the same vCenter may answer after a switch (`failover_ip` of its nodes).
    pub fn also_at(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transports.push(transport);
        self
    }

    /// Takes time from this clock; by default from a [`SystemClock`].
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Settles limits, repeats, time, what is traced and what is counted. Without a shared quota, each address has its
    /// own. By default those of [`StackSettings`], but for a call limit of 30 s.
    pub fn settings(mut self, settings: StackSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Builds the client; nothing is sent.
    #[must_use]
    pub fn build(self) -> VchaClient {
        let Self {
            endpoint,
            transports,
            username,
            password,
            clock,
            settings,
        } = self;
        let stack = |transport| {
            StackBuilder::new(transport, Arc::clone(&clock))
                .endpoint(&endpoint)
                .session(Arc::new(VcenterSession::new(username.clone(), password.clone())))
                .settings(settings.clone())
                .build()
        };
        let stacks = transports.into_iter().map(stack).collect();
        let quota = settings.quota.as_ref();
        let at_once = quota.map_or(settings.calls_in_flight, |quota| quota.calls_in_flight());
        VchaClient {
            endpoint,
            stacks,
            turns: Turns::new(at_once),
            current: AtomicUsize::new(0),
            clock,
        }
    }
}

/// A vCenter, seen through its REST API.
///
/// Reads go to the address that answered last, and to the others when no vCenter answers there; what starts work goes to
/// the one that answered last, once. All methods log in as needed. Dropping the future of a read changes nothing; for the
/// methods `start_*` see there.
#[derive(Debug)]
pub struct VchaClient {
    endpoint: String,
    stacks: Vec<Arc<Stack>>,
    turns: Turns,
    current: AtomicUsize,
    clock: Arc<dyn Clock>,
}

impl VchaClient {
    /// Builds a client of the vCenter called `endpoint`, which `transport` reaches. A user name with a colon in it cannot log in:
    /// HTTP Basic ends the name there.
    pub fn builder(
        endpoint: impl Into<String>,
        transport: Arc<dyn Transport>,
        username: impl Into<String>,
        password: Secret,
    ) -> VchaClientBuilder {
        let mut settings = StackSettings::default();
        settings.call_timeout = CALL_LIMIT;
        VchaClientBuilder {
            endpoint: endpoint.into(),
            transports: vec![transport],
            username: username.into(),
            password,
            clock: Arc::new(SystemClock::new()),
            settings,
        }
    }

    /// Name of the vCenter in errors and operation ids.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Reads the session that the calls go through, and opens one if there is none (`Cis.Session_get`, no privilege; since when is
    /// not documented). That counts as use.
    ///
    /// # Errors
    /// [`CallError`]; nothing changed.
    pub async fn session(&self) -> Result<CisSessionInfo, CallError> {
        self.read(&CIS_SESSION_GET, "session", Bytes::new(), &[]).await
    }

    /// Asks which release of VI JSON to speak (`Vcenter.System_hello`, no privilege, since 8.0.2.0): the first of `releases` that the server
    /// knows too, `None` if there is none. No operation of this crate needs it. A session is opened for it only where a server
    /// answers 401 without one: whether it needs one is not documented (vCenter REST wire rules 8).
    ///
    /// # Errors
    /// [`CallError`]: `INVALID_ARGUMENT` for no release, more than 128, or one over 64 characters; 404 at servers that lack it.
    /// Nothing changed.
    pub async fn hello(&self, releases: &[&str]) -> Result<Option<String>, CallError> {
        let releases = releases.iter().map(|&release| release.to_owned()).collect();
        let asked = body(&SystemHelloSpec::new(releases));
        let path = SYSTEM_HELLO.path_with(&[]);
        let call = || self.call(&SYSTEM_HELLO, "releases", &path, asked.clone());
        let hello = match self.anywhere(|number| self.send_at(number, call())).await {
            Err(error) if error.lacked_session() => {
                self.anywhere(|number| self.send_at(number, call().with_session()))
                    .await
            }
            answered => answered,
        };
        let hello: SystemHelloResult = hello?;
        Ok(Some(hello.api_release).filter(|release| !release.is_empty()))
    }

    /// Gives up all sessions without a word to the server; the next call logs in. For when it is known that the server has
    /// lost them.
    pub fn invalidate_session(&self) {
        for stack in &self.stacks {
            stack.invalidate_session();
        }
    }

    /// Logs out at every address, one after the other, in 10 s at most for each, and refuses all further calls. Best effort; the
    /// first error is returned.
    ///
    /// # Errors
    /// Whatever a log-out met; the session then ends by its idle time, as it does after a dropped future.
    pub async fn close(&self) -> Result<(), CallError> {
        let mut outcome = Ok(());
        for stack in &self.stacks {
            outcome = outcome.and(stack.close().await);
        }
        outcome
    }

    pub(crate) fn call(&self, operation: &'static Operation, target: &str, path: &str, body: Bytes) -> Call {
        let request = request(operation, path.to_owned(), body);
        Call::new(operation, format!("{target} of {}", self.endpoint), request)
    }

    /// Time, as this client sees it.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Turns for looks at tasks.
    pub(crate) fn turns(&self) -> &Turns {
        &self.turns
    }

    /// How many addresses the vCenter may answer at.
    pub(crate) fn addresses(&self) -> usize {
        self.stacks.len()
    }

    /// The number of the address that answered last.
    pub(crate) fn here(&self) -> usize {
        self.current.load(Ordering::Relaxed)
    }

    /// Starts a task with exactly one request, at the address that answered last.
    pub(crate) async fn start(
        &self,
        operation: &'static Operation,
        target: &str,
        body: Bytes,
    ) -> Result<OperationId, CallError> {
        self.begin(self.call(operation, target, &operation.path_with(&[]), body))
            .await
    }

    /// As [`VchaClient::start`], with a call that is there already.
    pub(crate) async fn begin(&self, call: Call) -> Result<OperationId, CallError> {
        let (answer, context) = self.act(call).await?;
        let task: String = context.read(&answer)?;
        Ok(OperationId::new(CIS_TASK, self.endpoint.clone(), task))
    }

    /// Sends what changes something, once, to the address that answered last.
    pub(crate) async fn act(&self, call: Call) -> Result<(Response<Bytes>, CallContext), CallError> {
        let context = call.context();
        let Some(stack) = self.stacks.get(self.here()) else {
            return Err(context.error(CallErrorKind::Request("the client has no address")));
        };
        Ok((stack.send(call).await?, context))
    }

    /// Goes to this address first from here on. Where that is another one than before, the cluster has switched, and its
    /// sessions are lost (vCenter REST wire rules 9).
    pub(crate) fn answered_at(&self, number: usize) {
        let before = self.current.swap(number, Ordering::Relaxed);
        if before != number
            && let Some(stack) = self.stacks.get(before)
        {
            stack.invalidate_session();
        }
    }

    /// A read, at the address that answered last and then at the others.
    pub(crate) async fn read<T: Read>(
        &self,
        operation: &'static Operation,
        target: &str,
        body: Bytes,
        params: &[(&str, &str)],
    ) -> Result<T, CallError> {
        self.read_path(operation, target, &operation.path_with(params), body)
            .await
    }

    /// As [`VchaClient::read`], of a path with a query.
    pub(crate) async fn read_path<T: Read>(
        &self,
        operation: &'static Operation,
        target: &str,
        path: &str,
        body: Bytes,
    ) -> Result<T, CallError> {
        self.anywhere(|number| self.read_at(number, operation, target, path, body.clone()))
            .await
    }

    /// Reads at the address that answered last and then at the others, until one is read; `read` takes the address's number.
    pub(crate) async fn anywhere<T, Reading>(&self, read: impl Fn(usize) -> Reading) -> Result<T, CallError>
    where
        Reading: Future<Output = Result<T, CallError>>,
    {
        let (first, addresses) = (self.here(), self.stacks.len());
        let mut failure = None;
        for position in 0..addresses {
            let number = (first + position) % addresses;
            match read(number).await {
                Ok(value) => {
                    self.answered_at(number);
                    return Ok(value);
                }
                // A vCenter that answers is the one; only what is none sends us on.
                Err(error) if has_answered(&error) => return Err(error),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        match failure {
            Some(error) => Err(error),
            // There is at least one address, or the read says that there is none.
            None => read(first).await,
        }
    }

    /// A read at one address, whoever answers there.
    pub(crate) async fn read_at<T: Read>(
        &self,
        number: usize,
        operation: &'static Operation,
        target: &str,
        path: &str,
        body: Bytes,
    ) -> Result<T, CallError> {
        self.send_at(number, self.call(operation, target, path, body))
            .await
    }

    async fn send_at<T: Read>(&self, number: usize, call: Call) -> Result<T, CallError> {
        let context = call.context();
        let Some(stack) = self.stacks.get(number) else {
            return Err(context.error(CallErrorKind::Request("the client has no address")));
        };
        context.read(&stack.send(call).await?)
    }
}

/// Whether a vCenter said no, to the call or to the login before it, or said something that cannot be read. A page of a proxy is
/// none, nor is a service that is starting (vCenter REST wire rules 7 and 9): another address may have the node that serves. A
/// refused password is not tried at one address after the other: accounts are locked after a few.
pub(crate) fn has_answered(error: &CallError) -> bool {
    match error.kind() {
        CallErrorKind::Login(login) => has_answered(login),
        CallErrorKind::Decode(_) => true,
        CallErrorKind::Status(answer) => match answer.status.as_u16() {
            401 | 403 => true,
            502..=504 => false,
            _ => answer.error.is_some(),
        },
        _ => false,
    }
}

/// A request of vCenter REST; the path goes below `/api`.
pub(crate) fn request(operation: &Operation, path: String, body: Bytes) -> Request<Bytes> {
    let has_body = !body.is_empty();
    let mut request = Request::new(body);
    *request.method_mut() = match operation.method {
        farside_wire::Method::Get => http::Method::GET,
        farside_wire::Method::Post => http::Method::POST,
        farside_wire::Method::Put => http::Method::PUT,
        farside_wire::Method::Patch => http::Method::PATCH,
        farside_wire::Method::Delete => http::Method::DELETE,
    };
    // Paths are percent-encoded constants and ids. What is too long for a URI gets one without a path, which no transport sends.
    let uri = format!("/api{path}").parse();
    *request.uri_mut() = uri.unwrap_or_else(|_too_long| Uri::from_static("*"));
    let json = HeaderValue::from_static("application/json");
    if has_body {
        request.headers_mut().insert(CONTENT_TYPE, json.clone());
    }
    request.headers_mut().insert(ACCEPT, json);
    request
}

pub(crate) fn body(value: &impl Serialize) -> Bytes {
    // Structures of text, numbers and booleans: there is nothing that JSON cannot hold.
    serde_json::to_vec(value).map(Bytes::from).unwrap_or_default()
}
