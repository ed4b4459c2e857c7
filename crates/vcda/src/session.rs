//! Sessions of the service: one call to open, a header on each request, one call to end.

use async_trait::async_trait;
use bytes::Bytes;
use farside_models_vcda::operation::{SESSIONS_LOGIN, SESSIONS_LOGOUT};
use farside_models_vcda::{
    AuthenticationRequest, AuthenticationRequestLocalUser, AuthenticationRequestVcdCredentials,
};
use farside_transport::{Call, CallError, CallErrorKind, SessionScheme, SessionToken, Transport};
use farside_wire::{Query, Secret};
use http::{HeaderValue, Request, Response};
use serde::de::Error as _;

use crate::request::Frame;

/// Carries the token, in the answer to the log-in and in each request (VCDA wire rules 3).
const TOKEN: &str = "x-vcav-auth";
/// The user of the appliance itself.
const ROOT: &str = "root";

/// Who logs in.
#[derive(Clone, Debug)]
pub enum Login {
    /// A user of Cloud Director, `user@org`.
    Vcd {
        /// `user@org`.
        user: String,
        /// Its password.
        password: Secret,
    },
    /// A user of the appliance.
    Local {
        /// Its name, `root` for instance.
        user: String,
        /// Its password.
        password: Secret,
    },
}

impl Login {
    /// The appliance's own user for `root`, a user of Cloud Director for every other name.
    #[must_use]
    pub fn by_name(user: impl Into<String>, password: Secret) -> Self {
        let user = user.into();
        if user == ROOT {
            Self::Local { user, password }
        } else {
            Self::Vcd { user, password }
        }
    }

    fn user(&self) -> &str {
        match self {
            Self::Vcd { user, .. } | Self::Local { user, .. } => user,
        }
    }

    fn to_body(&self) -> AuthenticationRequest {
        match self {
            Self::Vcd { user, password } => {
                AuthenticationRequestVcdCredentials::new(user.as_str(), password.clone()).into()
            }
            Self::Local { user, password } => {
                AuthenticationRequestLocalUser::new(user.as_str(), password.clone()).into()
            }
        }
    }
}

/// Sessions of one site.
///
/// They end after half an hour without a call, and a day after the log-in in any case (VCDA wire rules 3); both show as
/// 401 `NotAuthenticated`. They are not kept alive: the next call opens another one.
#[derive(Debug)]
pub(crate) struct VcdaSession {
    pub(crate) login: Login,
    pub(crate) frame: Frame,
}

impl VcdaSession {
    pub(crate) fn log_in_request(&self) -> Request<Bytes> {
        self.frame
            .with_body(&SESSIONS_LOGIN, &[], &Query::new(), &self.login.to_body())
    }

    pub(crate) fn log_out_request(&self) -> Request<Bytes> {
        self.frame.bare(&SESSIONS_LOGOUT, &[], &Query::new())
    }
}

#[async_trait]
impl SessionScheme for VcdaSession {
    async fn log_in(&self, via: &dyn Transport) -> Result<SessionToken, CallError> {
        let target = format!("the session of {}", self.login.user());
        let call = Call::new(&SESSIONS_LOGIN, target, self.log_in_request());
        let context = call.context();
        let answer = via.send(call).await?;
        let token = answer.headers().get(TOKEN).and_then(|token| token.to_str().ok());
        match token.filter(|token| !token.is_empty()) {
            Some(token) => Ok(SessionToken::new(Secret::new(token))),
            None => {
                let missing =
                    serde_json::Error::custom("the log-in was answered without the header X-VCAV-Auth");
                Err(context.error(CallErrorKind::Decode(missing)))
            }
        }
    }

    fn authorize(&self, token: &SessionToken, request: &mut Request<Bytes>) {
        // It came in a header, so it fits into one.
        if let Ok(mut value) = HeaderValue::from_str(token.expose()) {
            value.set_sensitive(true);
            request.headers_mut().insert(TOKEN, value);
        }
    }

    fn is_dead(&self, outcome: &Result<Response<Bytes>, CallError>) -> bool {
        let Err(error) = outcome else { return false };
        let unauthorized = error.status().is_some_and(|status| status.as_u16() == 401);
        // `RemoteAuthenticationFailure` is about another site than the session's.
        unauthorized
            && error
                .service_error()
                .is_none_or(|error| error.code() == "NotAuthenticated")
    }

    /// A wrong password is; a failure of the server says nothing about the credentials.
    fn is_final(&self, error: &CallError) -> bool {
        let status = error.status().map(|status| status.as_u16());
        status.is_some_and(|status| (400..500).contains(&status) && status != 429)
    }

    async fn log_out(&self, via: &dyn Transport, token: &SessionToken) -> Result<(), CallError> {
        let target = format!("the session of {}", self.login.user());
        let mut call = Call::new(&SESSIONS_LOGOUT, target, self.log_out_request());
        self.authorize(token, &mut call.request);
        via.send(call).await.map(drop)
    }
}
