//! Sessions of the service: one call to open, a header on each request, one call to end; and one more for each further
//! site that a session is to be good for.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use farside_models_vcda::operation::{SESSIONS_EXTEND, SESSIONS_GET, SESSIONS_LOGIN, SESSIONS_LOGOUT};
use farside_models_vcda::{
    AuthRequest, AuthRequestCookie, AuthRequestCredentials, AuthRequestMultisite, AuthRequestVcdAccessToken,
    AuthenticationRequest, AuthenticationRequestLocalUser, AuthenticationRequestSsoCredentials,
    AuthenticationRequestSsoToken, AuthenticationRequestVcdAccessToken, AuthenticationRequestVcdCookie,
    AuthenticationRequestVcdCredentials,
};
use farside_transport::{Call, CallError, CallErrorKind, SessionScheme, SessionToken, Transport};
use farside_wire::{Operation, Query, Secret};
use http::{HeaderName, Request, Response};
use serde::de::Error as _;

use crate::request::{Frame, NeededSite};

/// Carries the token, in the answer to the log-in and in each request (VCDA wire rules 3).
const TOKEN: HeaderName = HeaderName::from_static("x-vcav-auth");
/// The credentials for another site are wrong, or the session is not extended to it (VCDA wire rules 5).
const REMOTE_FAILURE: &str = "RemoteAuthenticationFailure";
/// A third of the idle limit, 30 minutes unless the appliance is configured otherwise (VCDA wire rules 3).
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(600);
/// A session ends a day after its log-in, unless the appliance is configured otherwise (VCDA wire rules 3).
const LIFETIME: Duration = Duration::from_secs(24 * 3600);
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
    /// A user of the single sign-on of vCenter.
    Sso {
        /// Its name.
        user: String,
        /// Its password.
        password: Secret,
        /// Not documented; the pages show it as null.
        principal: Option<String>,
    },
    /// A SAML token of the single sign-on of vCenter, with a proof of possession.
    SsoToken(SsoToken),
    /// The cookie of a session of Cloud Director. It dies with that session, and nothing renews it here.
    Cookie(Secret),
    /// An access token of Cloud Director; seen in 4.5. It dies of age, and nothing renews it here.
    AccessToken {
        /// The token, a JWT.
        token: Secret,
        /// The organisation that the user acts for.
        org: String,
    },
}

/// A SAML token with a proof of possession. What the proof is made of, and how a time is written, is not documented; it is
/// good for once, so that a session that has ended cannot be opened again with it.
#[derive(Clone, Debug)]
pub struct SsoToken {
    /// The token.
    pub saml_token: Secret,
    /// Time of the proof, as text.
    pub timestamp: String,
    /// A value used once.
    pub nonce: String,
    /// Signature of the proof.
    pub signature: Secret,
    /// Not documented; the pages show it as null.
    pub principal: Option<String>,
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
            Self::Vcd { user, .. } | Self::Local { user, .. } | Self::Sso { user, .. } => user,
            Self::SsoToken(_) => "the bearer of a SAML token",
            Self::Cookie(_) => "the owner of a cookie",
            Self::AccessToken { .. } => "the bearer of an access token",
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
            Self::Sso {
                user,
                password,
                principal,
            } => AuthenticationRequestSsoCredentials {
                principal: principal.clone(),
                ..AuthenticationRequestSsoCredentials::new(user.as_str(), password.clone())
            }
            .into(),
            Self::SsoToken(token) => AuthenticationRequestSsoToken {
                principal: token.principal.clone(),
                ..AuthenticationRequestSsoToken::new(
                    token.saml_token.clone(),
                    token.timestamp.as_str(),
                    token.nonce.as_str(),
                    token.signature.clone(),
                )
            }
            .into(),
            Self::Cookie(cookie) => AuthenticationRequestVcdCookie::new(cookie.clone()).into(),
            Self::AccessToken { token, org } => {
                AuthenticationRequestVcdAccessToken::new(token.clone(), org.as_str()).into()
            }
        }
    }
}

/// Sessions of one site.
///
/// They end after half an hour without a call, and a day after the log-in in any case (VCDA wire rules 3); both show as
/// 401 `NotAuthenticated`. They are kept alive, and replaced before the day is over.
#[derive(Debug)]
pub(crate) struct VcdaSession {
    pub(crate) login: Login,
    pub(crate) frame: Frame,
}

impl VcdaSession {
    /// A call about the session itself.
    async fn send(
        &self,
        via: &dyn Transport,
        operation: &'static Operation,
        token: &SessionToken,
    ) -> Result<(), CallError> {
        let target = format!("the session of {}", self.login.user());
        let mut call = Call::new(operation, target, self.frame.bare(operation, &[], &Query::new()));
        self.authorize(token, &mut call.request);
        via.send(call).await.map(drop)
    }
}

#[async_trait]
impl SessionScheme for VcdaSession {
    async fn log_in(&self, via: &dyn Transport) -> Result<SessionToken, CallError> {
        let target = format!("the session of {}", self.login.user());
        let body = self.login.to_body();
        let request = self.frame.with_body(&SESSIONS_LOGIN, &[], &Query::new(), &body);
        let call = Call::new(&SESSIONS_LOGIN, target, request);
        let context = call.context();
        let answer = via.send(call).await?;
        SessionToken::from_header(&answer, &TOKEN).ok_or_else(|| {
            let missing = serde_json::Error::custom("the log-in was answered without the header X-VCAV-Auth");
            context.error(CallErrorKind::Decode(missing))
        })
    }

    fn authorize(&self, token: &SessionToken, request: &mut Request<Bytes>) {
        token.put_into_header(request, TOKEN);
    }

    fn is_dead(&self, outcome: &Result<Response<Bytes>, CallError>) -> bool {
        // `RemoteAuthenticationFailure` is about another site than the session's. Codes are an open set, and one may be
        // missing (VCDA wire rules 6): every other 401 is about the session.
        outcome
            .as_ref()
            .is_err_and(|error| is_unauthorized(error) && !is_remote_failure(error))
    }

    /// A wrong password is; a failure of the server, or a page of a proxy before it, says nothing about the credentials.
    fn is_final(&self, error: &CallError) -> bool {
        match error.status().map(|status| status.as_u16()) {
            Some(401 | 403) => true,
            Some(429) => false,
            Some(400..500) => error.service_error().is_some(),
            _ => false,
        }
    }

    fn lifetime(&self) -> Option<Duration> {
        Some(LIFETIME)
    }

    fn keep_alive_every(&self) -> Option<Duration> {
        Some(KEEP_ALIVE_EVERY)
    }

    async fn keep_alive(&self, via: &dyn Transport, token: &SessionToken) -> Result<(), CallError> {
        self.send(via, &SESSIONS_GET, token).await
    }

    async fn log_out(&self, via: &dyn Transport, token: &SessionToken) -> Result<(), CallError> {
        self.send(via, &SESSIONS_LOGOUT, token).await
    }
}

fn is_unauthorized(error: &CallError) -> bool {
    error.status().is_some_and(|status| status.as_u16() == 401)
}

/// What another site takes for a proof of who is asking. Its members are named otherwise than those of a log-in (VCDA
/// wire rules 5).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Extension {
    /// A user of Cloud Director there, `user@org`. Since 3.5.
    Vcd {
        /// `user@org`.
        user: String,
        /// Its password.
        password: Secret,
    },
    /// The cookie of a session of Cloud Director there. Since 3.5.
    Cookie(Secret),
    /// An access token of Cloud Director there. Since 4.1.
    AccessToken(Secret),
    /// This organisation there, where both Cloud Directors and both organisations are associated. Seen in 4.5.
    Associated {
        /// The organisation's name.
        org: String,
    },
}

impl Extension {
    fn to_body(&self, site: &str) -> AuthRequest {
        match self {
            Self::Vcd { user, password } => {
                AuthRequestCredentials::new(site, user.as_str(), password.clone()).into()
            }
            Self::Cookie(cookie) => AuthRequestCookie::new(site, cookie.clone()).into(),
            Self::AccessToken(token) => AuthRequestVcdAccessToken::new(site, token.clone()).into(),
            Self::Associated { org } => AuthRequestMultisite::new(site, org.as_str()).into(),
        }
    }
}

/// Makes the session good for one more site. The token stays what it was, so that an extension has none of its own; it
/// ends with the session, and nothing ends it earlier (the path of the operation that would is not known).
#[derive(Debug)]
pub(crate) struct SiteExtension {
    site: String,
    extension: Extension,
    frame: Frame,
    /// The query parameter that asks about the site.
    asks: String,
}

impl SiteExtension {
    pub(crate) fn new(site: String, extension: Extension, frame: Frame) -> Self {
        let asks = Query::new().with("site", &site).as_str().to_owned();
        Self {
            site,
            extension,
            frame,
            asks,
        }
    }
}

#[async_trait]
impl SessionScheme for SiteExtension {
    async fn log_in(&self, via: &dyn Transport) -> Result<SessionToken, CallError> {
        let body = self.extension.to_body(&self.site);
        let request = self.frame.with_body(&SESSIONS_EXTEND, &[], &Query::new(), &body);
        let target = format!("the session at site {}", self.site);
        via.send(Call::new(&SESSIONS_EXTEND, target, request)).await?;
        Ok(SessionToken::new(Secret::new("")))
    }

    fn covers(&self, call: &Call) -> bool {
        let query = call.request.uri().query().unwrap_or_default();
        let asks = query.split('&').any(|parameter| parameter == self.asks);
        let needs = call.request.extensions().get::<NeededSite>();
        !call.anonymous && (asks || needs.is_some_and(|needed| needed.0 == self.site))
    }

    fn authorize(&self, _token: &SessionToken, _request: &mut Request<Bytes>) {}

    /// `RemoteAuthenticationFailure` is inferred. `NotAuthenticated` too says that the session lacks this site: the layer
    /// below has replaced a session that had ended, and the fresh one is good for its own site only.
    fn is_dead(&self, outcome: &Result<Response<Bytes>, CallError>) -> bool {
        outcome.as_ref().is_err_and(is_unauthorized)
    }

    /// Neither credentials nor the name of a site become right by being sent again. A page of a proxy speaks of neither.
    fn is_final(&self, error: &CallError) -> bool {
        match error.status().map(|status| status.as_u16()) {
            Some(403) => true,
            Some(400 | 404) => error.service_error().is_some(),
            _ => is_remote_failure(error),
        }
    }

    async fn log_out(&self, _via: &dyn Transport, _token: &SessionToken) -> Result<(), CallError> {
        Ok(())
    }
}

fn is_remote_failure(error: &CallError) -> bool {
    is_unauthorized(error)
        && error
            .service_error()
            .is_some_and(|error| error.code() == REMOTE_FAILURE)
}
