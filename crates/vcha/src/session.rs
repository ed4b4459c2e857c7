//! Sessions of vCenter REST.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use farside_models_vcenter::operation::{CIS_SESSION_CREATE, CIS_SESSION_DELETE, CIS_SESSION_GET};
use farside_transport::{Call, CallError, CallErrorKind, SessionScheme, SessionToken, Transport};
use farside_wire::{Operation, Secret};
use http::header::{AUTHORIZATION, HeaderValue};
use http::{HeaderName, Request, Response};
use serde::de::Error as _;

use crate::client::request;

/// Header that carries the session (vCenter REST wire rules, section 4).
const SESSION_HEADER: HeaderName = HeaderName::from_static("vmware-api-session-id");

/// A third of the idle limit that one author gives, 30 minutes; it can be configured (vCenter REST wire rules 4).
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(600);

/// Opens sessions with a user name and a password (HTTP Basic, `Cis.Session_create`).
///
/// A session ends idle, at an absolute end that the server fixes at the log-in and does not tell, and with a switch of
/// the cluster; all of that shows as 401 (vCenter REST wire rules 4 and 9).
pub struct VcenterSession {
    username: String,
    password: Secret,
}

impl VcenterSession {
    /// Sessions of this user.
    pub fn new(username: impl Into<String>, password: Secret) -> Self {
        Self {
            username: username.into(),
            password,
        }
    }

    /// A call about the session itself.
    async fn send(
        &self,
        via: &dyn Transport,
        operation: &'static Operation,
        token: &SessionToken,
    ) -> Result<(), CallError> {
        let mut request = request(operation, operation.path_with(&[]), Bytes::new());
        self.authorize(token, &mut request);
        let target = format!("the session of {}", self.username);
        via.send(Call::new(operation, target, request)).await.map(drop)
    }
}

impl fmt::Debug for VcenterSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VcenterSession")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl SessionScheme for VcenterSession {
    async fn log_in(&self, via: &dyn Transport) -> Result<SessionToken, CallError> {
        let mut request = request(
            &CIS_SESSION_CREATE,
            CIS_SESSION_CREATE.path_with(&[]),
            Bytes::new(),
        );
        let credentials = SessionToken::basic(&self.username, &self.password);
        let fits = credentials.is_some();
        if let Some(credentials) = credentials {
            request.headers_mut().insert(AUTHORIZATION, credentials);
        }
        let call = Call::new(&CIS_SESSION_CREATE, self.username.as_str(), request);
        let context = call.context();
        if !fits {
            return Err(context.error(CallErrorKind::Request("a user name with a colon cannot log in")));
        }
        let answer = via.send(call).await?;
        // Sent back without its JSON quotes.
        let token: Secret = context.read(&answer)?;
        if token.expose().is_empty() || HeaderValue::from_str(token.expose()).is_err() {
            let reason = serde_json::Error::custom("the session id is empty, or no text for a header");
            return Err(context.error(CallErrorKind::Decode(reason)));
        }
        Ok(SessionToken::new(token))
    }

    fn authorize(&self, token: &SessionToken, request: &mut Request<Bytes>) {
        token.put_into_header(request, SESSION_HEADER);
    }

    fn is_dead(&self, outcome: &Result<Response<Bytes>, CallError>) -> bool {
        outcome
            .as_ref()
            .is_err_and(|error| error.status().is_some_and(|status| status.as_u16() == 401))
    }

    /// Only a refusal of the credentials is final: while a node takes over, the service answers 500 and 503.
    fn is_final(&self, error: &CallError) -> bool {
        error
            .status()
            .is_some_and(|status| matches!(status.as_u16(), 401 | 403))
    }

    fn keep_alive_every(&self) -> Option<Duration> {
        Some(KEEP_ALIVE_EVERY)
    }

    async fn keep_alive(&self, via: &dyn Transport, token: &SessionToken) -> Result<(), CallError> {
        self.send(via, &CIS_SESSION_GET, token).await
    }

    async fn log_out(&self, via: &dyn Transport, token: &SessionToken) -> Result<(), CallError> {
        self.send(via, &CIS_SESSION_DELETE, token).await
    }
}
