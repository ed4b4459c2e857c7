//! Sessions of VI JSON: `SessionManager.Login`, a header, and the ways in which their death shows.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use farside_models_vim::operation::{
    SERVICE_INSTANCE_CURRENT_TIME, SERVICE_INSTANCE_GET_CONTENT, SESSION_MANAGER_LOGIN,
    SESSION_MANAGER_LOGOUT,
};
use farside_models_vim::{LoginRequest, RetrieveResult, ServiceContent};
use farside_transport::{CallError, CallErrorKind, SessionScheme, SessionToken, Transport};
use farside_wire::Secret;
use http::{HeaderName, Request, Response};
use serde::de::Error as _;
use tokio::sync::OnceCell;

use crate::invocation::Invocation;
use crate::release::is_refused;

/// The well-known id of the root of each service.
const SERVICE_INSTANCE: &str = "ServiceInstance";

/// Carries the session, both ways (VI JSON wire rules 2.2).
pub(crate) const SESSION_HEADER: HeaderName = HeaderName::from_static("vmware-api-session-id");

/// A third of the idle limit that one author gives, 30 minutes; it can be configured (vCenter REST wire rules 4).
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(600);

/// Fault types which say that the session has ended (VI JSON wire rules 9.4). `NoPermission` and `InvalidLogin` do not.
const DEAD: [&str; 3] = ["NotAuthenticated", "SessionNotFound", "InvalidToken"];

/// What the service says about itself: read once, without a session.
#[derive(Debug, Default)]
pub(crate) struct Content(OnceCell<ServiceContent>);

impl Content {
    pub(crate) async fn read(&self, via: &dyn Transport) -> Result<&ServiceContent, CallError> {
        self.0
            .get_or_try_init(|| async {
                let call = Invocation::new(&SERVICE_INSTANCE_GET_CONTENT, SERVICE_INSTANCE)
                    .target("service content")
                    .into_call();
                let context = call.context();
                context.read(&via.send(call).await?)
            })
            .await
    }

    /// The id of the session manager. A service without one, which the schema allows, takes no logins.
    async fn session_manager(&self, via: &dyn Transport) -> Result<&str, CallError> {
        let content = self.read(via).await?;
        match &content.session_manager {
            Some(manager) => Ok(&manager.value),
            None => Err(Invocation::new(&SESSION_MANAGER_LOGIN, "")
                .into_call()
                .context()
                .error(CallErrorKind::Request("the server has no session manager"))),
        }
    }
}

/// Who logs in, and how.
#[derive(Debug)]
pub(crate) struct VimSession {
    username: String,
    password: Secret,
    content: Arc<Content>,
}

impl VimSession {
    pub(crate) fn new(username: String, password: Secret, content: Arc<Content>) -> Self {
        Self {
            username,
            password,
            content,
        }
    }
}

#[async_trait]
impl SessionScheme for VimSession {
    async fn log_in(&self, via: &dyn Transport) -> Result<SessionToken, CallError> {
        let manager = self.content.session_manager(via).await?;
        let call = Invocation::new(&SESSION_MANAGER_LOGIN, manager)
            .target(format!("user {}", self.username))
            .body(&LoginRequest::new(&self.username, self.password.clone()))
            .into_call();
        let context = call.context();
        let answer = via.send(call).await?;
        SessionToken::from_header(&answer, &SESSION_HEADER).ok_or_else(|| {
            let missing = serde_json::Error::custom("the answer carries no session");
            context.error(CallErrorKind::Decode(missing))
        })
    }

    fn authorize(&self, token: &SessionToken, request: &mut Request<Bytes>) {
        token.put_into_header(request, SESSION_HEADER);
    }

    /// Any answer may bring another token (VI JSON wire rules 2.3).
    fn renewed_token(&self, answer: &Response<Bytes>) -> Option<SessionToken> {
        SessionToken::from_header(answer, &SESSION_HEADER)
    }

    fn is_dead(&self, outcome: &Result<Response<Bytes>, CallError>) -> bool {
        match outcome {
            Ok(answer) => refuses_every_property(answer.body()),
            Err(error) => {
                let unauthorized = error.status().is_some_and(|status| status.as_u16() == 401);
                unauthorized
                    || error
                        .service_error()
                        .is_some_and(|error| DEAD.contains(&error.code()))
            }
        }
    }

    /// A server that has just started may answer a login with any other fault or status, so only a refusal counts.
    fn is_final(&self, error: &CallError) -> bool {
        if let CallErrorKind::Login(login) = error.kind() {
            return is_refused(login);
        }
        let refused = |code| error.operation().refused_before_acting.contains(&code);
        let by_status = error
            .status()
            .is_some_and(|status| matches!(status.as_u16(), 400 | 401 | 403));
        by_status || error.service_error().is_some_and(|error| refused(error.code()))
    }

    fn keep_alive_every(&self) -> Option<Duration> {
        Some(KEEP_ALIVE_EVERY)
    }

    async fn keep_alive(&self, via: &dyn Transport, token: &SessionToken) -> Result<(), CallError> {
        let mut call = Invocation::new(&SERVICE_INSTANCE_CURRENT_TIME, SERVICE_INSTANCE)
            .target(format!("the session of {}", self.username))
            .into_call();
        self.authorize(token, &mut call.request);
        via.send(call).await.map(drop)
    }

    async fn log_out(&self, via: &dyn Transport, token: &SessionToken) -> Result<(), CallError> {
        let manager = self.content.session_manager(via).await?;
        let mut call = Invocation::new(&SESSION_MANAGER_LOGOUT, manager)
            .target(format!("user {}", self.username))
            .into_call();
        self.authorize(token, &mut call.request);
        via.send(call).await.map(drop)
    }
}

/// The property collector answers without a session too, and then puts the refusal into the result (VI JSON wire rules 2.4,
/// 9.4).
fn refuses_every_property(body: &Bytes) -> bool {
    let mark = DEAD[0].as_bytes();
    if !body.windows(mark.len()).any(|window| window == mark) {
        return false;
    }
    let Ok(Some(result)) = farside_wire::decode::<Option<RetrieveResult>>(body.clone()) else {
        return false;
    };
    !result.objects.is_empty()
        && result.objects.iter().all(|object| {
            object.prop_set.is_empty()
                && !object.missing_set.is_empty()
                && object
                    .missing_set
                    .iter()
                    .all(|missing| missing.fault.type_name() == DEAD[0])
        })
}
