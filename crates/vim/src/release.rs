//! The layer below the session: puts base path and release in front of each call, after having agreed on the release.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use farside_models_vcenter::operation::{CIS_SESSION_CREATE, CIS_SESSION_DELETE, SYSTEM_HELLO};
use farside_models_vcenter::{SystemHelloResult, SystemHelloSpec};
use farside_transport::{
    Call, CallError, CallErrorKind, Clock, Deadline, Phase, Sent, SessionToken, Transport, within,
};
use farside_wire::{Operation, Secret, Service};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, Uri};
use tokio::sync::OnceCell;

use crate::session::SESSION_HEADER;

/// Releases that this client can work with, newest first (VI JSON document 9.1.1.0, `servers`; DPU and replication calls
/// look the same in all of them).
pub const KNOWN_RELEASES: &[&str] = &[
    "9.1.1.0", "9.1.0.0", "9.0.0.0", "8.0.3.1", "8.0.3.0", "8.0.2.0", "8.0.1.0",
];

/// How the release in the path of each call is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReleaseChoice {
    /// By `hello`: the first of these that the server knows too. Servers have it since 8.0.2.0.
    Negotiated(Vec<String>),
    /// This one, unasked.
    Fixed(String),
}

/// Who asks for the release, where a server tells it within a session only.
pub(crate) struct Account {
    pub(crate) username: String,
    pub(crate) password: Secret,
    /// How long a refused login is not tried again.
    pub(crate) hold_off: Duration,
}

impl Default for ReleaseChoice {
    /// Negotiated among [`KNOWN_RELEASES`].
    fn default() -> Self {
        Self::Negotiated(KNOWN_RELEASES.iter().map(|&release| release.to_owned()).collect())
    }
}

/// Sends calls whose paths are relative to their service's base.
pub(crate) struct Based {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    choice: ReleaseChoice,
    account: Account,
    agreed: OnceCell<String>,
    /// A login that was refused, and until when none is tried again.
    refused: Mutex<Option<(CallError, Duration)>>,
}

impl Based {
    pub(crate) fn new(
        inner: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        choice: ReleaseChoice,
        account: Account,
    ) -> Self {
        Self {
            inner,
            clock,
            choice,
            account,
            agreed: OnceCell::new(),
            refused: Mutex::new(None),
        }
    }

    /// Whether nobody has to be asked for the release.
    pub(crate) fn is_fixed(&self) -> bool {
        matches!(self.choice, ReleaseChoice::Fixed(_))
    }

    /// The release, agreed on once for all callers. A call that ends while it asks leaves the question to the next one.
    pub(crate) async fn release(&self, deadline: Deadline) -> Result<&str, CallError> {
        let offered = match &self.choice {
            ReleaseChoice::Fixed(release) => return Ok(release),
            ReleaseChoice::Negotiated(offered) => offered,
        };
        self.agreed
            .get_or_try_init(|| self.agree(offered, deadline))
            .await
            .map(String::as_str)
    }

    /// Asks without a session, as all known servers allow, and only where that is answered with 401 within one of REST: a session
    /// of VI JSON cannot be opened before the release is known. Whether `hello` needs one is not documented (vCenter REST wire
    /// rules 8).
    async fn agree(&self, offered: &[String], deadline: Deadline) -> Result<String, CallError> {
        if let Some(error) = self.held_off() {
            return Err(error);
        }
        match self.hello(offered, None, deadline).await {
            Err(error) if error.lacked_session() => {}
            answered => return answered,
        }
        let token = self.log_in(deadline).await?;
        let answered = self.hello(offered, Some(&token), deadline).await;
        // A courtesy: a session that nobody ends dies idle.
        let farewell = self.rest(&CIS_SESSION_DELETE, Bytes::new(), Some(&token));
        let _ = self.send_rest(farewell, deadline).await;
        answered
    }

    /// The refusal of a login that is not tried again yet: accounts are locked after a few wrong passwords.
    fn held_off(&self) -> Option<CallError> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let (error, until) = refused.as_ref()?;
        (self.clock.elapsed() < *until).then(|| error.clone())
    }

    async fn log_in(&self, deadline: Deadline) -> Result<SessionToken, CallError> {
        let mut call = self.rest(&CIS_SESSION_CREATE, Bytes::new(), None);
        let context = call.context();
        let Account {
            username, password, ..
        } = &self.account;
        let Some(credentials) = SessionToken::basic(username, password) else {
            return Err(context.error(CallErrorKind::Request("a user name with a colon cannot log in")));
        };
        call.request.headers_mut().insert(AUTHORIZATION, credentials);
        let answered = self.send_rest(call, deadline).await;
        if let Err(error) = &answered
            && is_refused(error)
        {
            let until = self.clock.elapsed().saturating_add(self.account.hold_off);
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            *refused = Some((error.clone(), until));
        }
        context.read(&answered?).map(SessionToken::new)
    }

    /// A call of REST, within a session or without one.
    fn rest(&self, operation: &'static Operation, body: Bytes, session: Option<&SessionToken>) -> Call {
        let mut request = Request::new(body);
        *request.method_mut() = match operation.method {
            farside_wire::Method::Delete => http::Method::DELETE,
            _ => http::Method::POST,
        };
        if !request.body().is_empty() {
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(CONTENT_TYPE, json);
        }
        if let Some(token) = session {
            token.put_into_header(&mut request, SESSION_HEADER);
        }
        let target = if operation.id == SYSTEM_HELLO.id {
            "release of the API".to_owned()
        } else {
            format!("user {}, for the release of the API", self.account.username)
        };
        Call::new(operation, target, request)
    }

    async fn send_rest(&self, call: Call, deadline: Deadline) -> Result<Response<Bytes>, CallError> {
        let path = format!("/api{}", call.operation.path_with(&[]));
        let call = located(call, &path)?.with_deadline(deadline.left(&*self.clock));
        self.inner.send(call).await
    }

    async fn hello(
        &self,
        offered: &[String],
        session: Option<&SessionToken>,
        deadline: Deadline,
    ) -> Result<String, CallError> {
        let spec = SystemHelloSpec::new(offered.to_vec());
        let body = serde_json::to_vec(&spec).unwrap_or_default();
        let call = self.rest(&SYSTEM_HELLO, body.into(), session);
        let context = call.context();
        let answer = self.send_rest(call, deadline).await?;
        let result: SystemHelloResult = context.read(&answer)?;
        // An empty answer is a success in HTTP's eyes (VI JSON wire rules 1.2).
        if result.api_release.is_empty() {
            return Err(context.error(CallErrorKind::Request(
                "the server and this client have no release of VI JSON in common; vCenter 8.0.1 or later is needed",
            )));
        }
        Ok(result.api_release)
    }

    async fn locate(&self, call: Call, deadline: Deadline) -> Result<Call, CallError> {
        let path = call
            .request
            .uri()
            .path_and_query()
            .map_or(String::new(), ToString::to_string);
        let base = match call.operation.service {
            Service::VcenterRest => "/api".to_owned(),
            Service::ViJson => {
                let left = deadline.left(&*self.clock);
                match within(&*self.clock, left, self.release(deadline)).await {
                    Ok(Ok(release)) => format!("/sdk/vim25/{release}"),
                    // The call itself has not gone out, whatever became of the question.
                    Ok(Err(error)) => {
                        return Err(call.context().error(CallErrorKind::Login(Arc::new(error))));
                    }
                    Err(_elapsed) => {
                        return Err(call.context().error(CallErrorKind::Timeout {
                            phase: Phase::Session,
                            limit: left,
                            sent: Sent::Nothing,
                        }));
                    }
                }
            }
            Service::Vcda => {
                let kind = CallErrorKind::Request("vCenter has no operations of VCDA");
                return Err(call.context().error(kind));
            }
        };
        located(call, &format!("{base}{path}"))
    }
}

/// Whether a login of REST, which is needed to learn the release, was refused as such.
pub(crate) fn is_refused(error: &CallError) -> bool {
    let status = error.status().map(|status| status.as_u16());
    error.operation().id == CIS_SESSION_CREATE.id && matches!(status, Some(401 | 403))
}

fn located(mut call: Call, path: &str) -> Result<Call, CallError> {
    match path.parse::<Uri>() {
        Ok(uri) => {
            *call.request.uri_mut() = uri;
            Ok(call)
        }
        Err(_) => Err(call
            .context()
            .error(CallErrorKind::Request("the release makes no valid path"))),
    }
}

impl fmt::Debug for Based {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "release > {:?}", self.inner)
    }
}

#[async_trait]
impl Transport for Based {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        let deadline = Deadline::after(&*self.clock, call.time_limit());
        let call = self.locate(call, deadline).await?;
        let left = deadline.left(&*self.clock);
        self.inner.send(call.with_deadline(left)).await
    }
}
