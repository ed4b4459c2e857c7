//! Sessions of vCenter REST.

use std::fmt;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use farside_models_vcenter::operation::{CIS_SESSION_CREATE, CIS_SESSION_DELETE};
use farside_transport::{Call, CallError, CallErrorKind, SessionScheme, SessionToken, Transport};
use farside_wire::Secret;
use http::header::{AUTHORIZATION, HeaderValue};
use http::{Request, Response};

use crate::client::request;

/// Header that carries the session (vCenter REST wire rules, section 4).
const SESSION_HEADER: &str = "vmware-api-session-id";

/// Opens sessions with a user name and a password (HTTP Basic, `Cis.Session_create`).
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

    fn credentials(&self) -> Option<HeaderValue> {
        let pair = Secret::new(format!("{}:{}", self.username, self.password.expose()));
        let encoded = Secret::new(format!("Basic {}", STANDARD.encode(pair.expose())));
        let mut value = HeaderValue::from_str(encoded.expose()).ok()?;
        value.set_sensitive(true);
        Some(value)
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
        if let Some(credentials) = self.credentials() {
            request.headers_mut().insert(AUTHORIZATION, credentials);
        }
        let call = Call::new(&CIS_SESSION_CREATE, self.username.as_str(), request);
        let context = call.context();
        let answer = via.send(call).await?;
        // Sent back without its JSON quotes.
        let token: Secret = context.read(&answer)?;
        if HeaderValue::from_str(token.expose()).is_err() {
            return Err(context.error(CallErrorKind::Request("the session id cannot be a header")));
        }
        Ok(SessionToken::new(token))
    }

    fn authorize(&self, token: &SessionToken, request: &mut Request<Bytes>) {
        if let Ok(mut value) = HeaderValue::from_str(token.expose()) {
            value.set_sensitive(true);
            request.headers_mut().insert(SESSION_HEADER, value);
        }
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

    async fn log_out(&self, via: &dyn Transport, token: &SessionToken) -> Result<(), CallError> {
        let mut request = request(
            &CIS_SESSION_DELETE,
            CIS_SESSION_DELETE.path_with(&[]),
            Bytes::new(),
        );
        self.authorize(token, &mut request);
        via.send(Call::new(&CIS_SESSION_DELETE, self.username.as_str(), request))
            .await
            .map(|_answer| ())
    }
}
