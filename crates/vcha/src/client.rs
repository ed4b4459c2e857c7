//! The calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use farside_models_vcenter::operation::{
    CIS_TASKS_GET, VCHA_CLUSTER_FAILOVER_TASK, VCHA_CLUSTER_GET, VCHA_OPERATIONS_GET,
};
use farside_models_vcenter::{
    CisTaskInfo, VchaClusterFailoverRequest, VchaClusterGetRequest, VchaClusterInfo, VchaOperationsInfo,
};
use farside_transport::{
    Call, CallError, CallErrorKind, Clock, OperationId, Stack, StackBuilder, StackSettings, SystemClock,
    Transport,
};
use farside_wire::{Operation, Read, Secret};
use http::Request;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use serde::Serialize;

use crate::node::Roles;
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
        VchaClient {
            endpoint,
            stacks,
            current: AtomicUsize::new(0),
        }
    }
}

/// A vCenter, seen through its REST API.
///
/// Reads go to the address that answered last, and to the others when that one cannot be reached. All methods log in
/// as needed. Dropping a future of a read changes nothing; for [`VchaClient::start_failover`] see there.
#[derive(Debug)]
pub struct VchaClient {
    endpoint: String,
    stacks: Vec<Arc<Stack>>,
    current: AtomicUsize,
}

impl VchaClient {
    /// Builds a client of the vCenter called `endpoint`, which `transport` reaches.
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

    /// Reads the cluster (`Vcenter.Vcha.Cluster_get`): first the partial form, which needs `System.Read` only, and the
    /// full one (privilege `Global.VCServer`) when the partial one leaves out mode or roles. Since 6.7.1.
    ///
    /// # Errors
    /// [`CallError`]; nothing changed.
    pub async fn cluster(&self) -> Result<VchaClusterInfo, CallError> {
        let partial: VchaClusterInfo = self
            .read(
                &VCHA_CLUSTER_GET,
                "cluster",
                body(&VchaClusterGetRequest::default().with_partial(true)),
                &[],
            )
            .await?;
        if partial.mode.is_some() && Roles::of(&partial).active.is_some() {
            return Ok(partial);
        }
        self.read(
            &VCHA_CLUSTER_GET,
            "cluster",
            body(&VchaClusterGetRequest::default()),
            &[],
        )
        .await
    }

    /// Reads which operations are barred and which are under way (`Vcenter.Vcha.Operations_get`, `System.Read`).
    ///
    /// # Errors
    /// [`CallError`]; nothing changed.
    pub async fn operations(&self) -> Result<VchaOperationsInfo, CallError> {
        self.read(&VCHA_OPERATIONS_GET, "operations", Bytes::new(), &[])
            .await
    }

    /// Starts a failover to the passive node (`Vcenter.Vcha.Cluster_failover$Task`, privilege `Global.VCServer`): with
    /// `planned`, the active node hands its state over first and nothing is lost; without, what was not replicated is.
    ///
    /// Exactly one request goes out, whatever becomes of it. A second failover would switch back: after
    /// [`farside_transport::Effect::Unknown`] read the roles before anything else.
    ///
    /// # Errors
    /// [`CallError`]. A refusal because of the cluster's state is 500 `ERROR` here or in the task (vCenter REST wire
    /// rules, section 10), so its effect is `Unknown` too.
    ///
    /// # Cancel safety
    /// A dropped future leaves the outcome unknown.
    pub async fn start_failover(&self, planned: bool) -> Result<OperationId, CallError> {
        let operation = &VCHA_CLUSTER_FAILOVER_TASK;
        let body = body(&VchaClusterFailoverRequest::new(planned));
        let call = self.call(operation, "cluster", body, &[]);
        let context = call.context();
        let Some(stack) = self.stacks.get(self.current.load(Ordering::Relaxed)) else {
            return Err(context.error(CallErrorKind::Request("the client has no address")));
        };
        let task: String = context.read(&stack.send(call).await?)?;
        Ok(OperationId::new(CIS_TASK, self.endpoint.clone(), task))
    }

    /// Reads a task (`Cis.Tasks_get`).
    ///
    /// # Errors
    /// [`CallError`]; 404 when the server does not know it (any more), which is usual after a switch.
    pub async fn task(&self, id: &str) -> Result<CisTaskInfo, CallError> {
        self.read(
            &CIS_TASKS_GET,
            &format!("task {id}"),
            Bytes::new(),
            &[("task", id)],
        )
        .await
    }

    /// Gives up all sessions without a word to the server; the next call logs in. For when it is known that the server has
    /// lost them.
    pub fn invalidate_session(&self) {
        for stack in &self.stacks {
            stack.invalidate_session();
        }
    }

    /// Logs out at every address. Best effort; the first error is returned.
    ///
    /// # Errors
    /// Whatever a log-out met; the session then ends by its idle time.
    pub async fn close(&self) -> Result<(), CallError> {
        let mut outcome = Ok(());
        for stack in &self.stacks {
            outcome = outcome.and(stack.close().await);
        }
        outcome
    }

    fn call(
        &self,
        operation: &'static Operation,
        target: &str,
        body: Bytes,
        params: &[(&str, &str)],
    ) -> Call {
        let request = request(operation, operation.path_with(params), body);
        Call::new(operation, format!("{target} of {}", self.endpoint), request)
    }

    /// Goes to this address first from here on. Where that is another one than before, the cluster has switched, and its
    /// sessions are lost (vCenter REST wire rules 9).
    fn answered_at(&self, number: usize) {
        let before = self.current.swap(number, Ordering::Relaxed);
        if before != number
            && let Some(stack) = self.stacks.get(before)
        {
            stack.invalidate_session();
        }
    }

    /// A read, at the address that answered last and then at the others.
    async fn read<T: Read>(
        &self,
        operation: &'static Operation,
        target: &str,
        body: Bytes,
        params: &[(&str, &str)],
    ) -> Result<T, CallError> {
        let first = self.current.load(Ordering::Relaxed);
        let mut failure = None;
        for position in 0..self.stacks.len().max(1) {
            let number = (first + position) % self.stacks.len().max(1);
            let call = self.call(operation, target, body.clone(), params);
            let context = call.context();
            let Some(stack) = self.stacks.get(number) else {
                return Err(context.error(CallErrorKind::Request("the client has no address")));
            };
            match stack.send(call).await {
                Ok(answer) => {
                    self.answered_at(number);
                    return context.read(&answer);
                }
                // A server that answers is the one; only silence sends us on.
                Err(error) if has_answered(&error) => return Err(error),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        match failure {
            Some(error) => Err(error),
            None => Err(self
                .call(operation, target, body, params)
                .context()
                .error(CallErrorKind::Closed)),
        }
    }
}

/// Whether a server said no, to the call or to the login before it. A refused password is not tried at one address after
/// the other: accounts are locked after a few.
fn has_answered(error: &CallError) -> bool {
    match error.kind() {
        CallErrorKind::Login(login) => has_answered(login),
        _ => error.status().is_some(),
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
    // Paths are percent-encoded constants; one that is not a URI is refused by every transport as a bad request.
    if let Ok(uri) = format!("/api{path}").parse() {
        *request.uri_mut() = uri;
    }
    let json = HeaderValue::from_static("application/json");
    if has_body {
        request.headers_mut().insert(CONTENT_TYPE, json.clone());
    }
    request.headers_mut().insert(ACCEPT, json);
    request
}

fn body(value: &impl Serialize) -> Bytes {
    // Structures of text, numbers and booleans: there is nothing that JSON cannot hold.
    serde_json::to_vec(value).map(Bytes::from).unwrap_or_default()
}
