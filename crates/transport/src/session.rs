//! The session machine: logs in when a session is needed, shares it among all callers, and replaces it when it
//! dies.
//!
//! | state | a call comes | login ends well | login fails | session dies | invalidate | close |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | logged out | starts a login, waits | | | | | closed |
//! | logging in | waits | live | refused by the server: refused; otherwise: logged out | | | waits, then closed |
//! | live | goes out with the token | | | logged out | logged out | logs out, closed |
//! | live, its lifetime nearly over | as logged out | | | logged out | logged out | logs out, closed |
//! | refused | gets the same error, until the hold-off ends or is lifted | | | | | closed |
//! | closed | gets an error | | | | | |
//!
//! A session dies by an outcome that [`SessionScheme::is_dead`] recognises. Only the session that the call went out
//! with is given up: a late answer of an earlier one, or one with an earlier token, ends nothing. A call that meets
//! a dead session is sent once more, in another one, if its repeat rule and the outcome's effect allow that, unless it is
//! one that is sent [once](crate::Call::once). If that
//! one is refused too, its error is returned and the session is kept: what was opened a moment ago is not dead, so
//! the refusal is about the call. Hence an operation that is always answered with 401 does not keep logging in.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use farside_wire::{Repeat, Secret};
use http::{HeaderName, HeaderValue, Request, Response};

use crate::call::{Call, Transport};
use crate::clock::{Clock, Deadline};
use crate::error::{CallError, Effect};
use crate::metrics::Observer;

mod keeper;
mod machine;
mod via;

use machine::{Machine, Session};

/// How long a refused login is not tried again unless the stack is told otherwise: accounts are locked after a few
/// wrong passwords.
pub const LOGIN_HOLD_OFF: Duration = Duration::from_secs(300);

/// What a session is known by: sent with each call, never printed.
#[derive(Debug, PartialEq, Eq)]
pub struct SessionToken(Secret);

impl SessionToken {
    /// A token as the server gave it.
    #[must_use]
    pub fn new(token: Secret) -> Self {
        Self(token)
    }

    /// The value of `authorization` that proves who somebody is by HTTP Basic; none for a name with a colon: the server would take
    /// the rest of it for a part of the password, of another account.
    #[must_use]
    pub fn basic(username: &str, password: &Secret) -> Option<HeaderValue> {
        if username.contains(':') {
            return None;
        }
        let pair = Secret::new(format!("{username}:{}", password.expose()));
        let encoded = Secret::new(format!("Basic {}", STANDARD.encode(pair.expose())));
        let mut value = HeaderValue::from_str(encoded.expose()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The token that an answer brings in a header; none where the header is missing, empty or no text.
    #[must_use]
    pub fn from_header(answer: &Response<Bytes>, name: &HeaderName) -> Option<Self> {
        let token = answer.headers().get(name)?.to_str().ok()?;
        (!token.is_empty()).then(|| Self(Secret::new(token)))
    }

    /// Puts the token into a header of a request, marked as sensitive. One that cannot stand in a header, which no token
    /// that came in one is, is left out.
    pub fn put_into_header(&self, request: &mut Request<Bytes>, name: HeaderName) {
        if let Ok(mut value) = HeaderValue::from_str(self.expose()) {
            value.set_sensitive(true);
            request.headers_mut().insert(name, value);
        }
    }

    /// The token's value.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// What sessions of one service are like: the calls and headers that the session machine does not know.
#[async_trait]
pub trait SessionScheme: fmt::Debug + Send + Sync {
    /// Opens a session, with calls that go out through `via` without one.
    ///
    /// # Errors
    /// Whatever kept the session from being opened.
    async fn log_in(&self, via: &dyn Transport) -> Result<SessionToken, CallError>;

    /// Whether a call goes out within a session of this scheme: all that are not anonymous, unless the scheme says
    /// otherwise. What it leaves out goes through as it is.
    fn covers(&self, call: &Call) -> bool {
        !call.anonymous
    }

    /// Puts the token into a request, as a header. The machine marks every header that holds it as sensitive.
    fn authorize(&self, token: &SessionToken, request: &mut Request<Bytes>);

    /// Whether this outcome of a call says that its session has ended. Services say so in several disguises, also
    /// in the body of a 200.
    fn is_dead(&self, outcome: &Result<Response<Bytes>, CallError>) -> bool;

    /// The token that an answer brings in place of the one its call was sent with; most services never do that.
    fn renewed_token(&self, answer: &Response<Bytes>) -> Option<SessionToken> {
        let _ = answer;
        None
    }

    /// Whether a failed login would fail again with the same credentials, and count against the account.
    fn is_final(&self, error: &CallError) -> bool {
        let Some(status) = error.status().map(|status| status.as_u16()) else {
            return false;
        };
        // VI JSON says InvalidLogin with status 500 and a fault.
        (400..500).contains(&status) && status != 429 || status == 500 && error.service_error().is_some()
    }

    /// The age at which the server ends a session however much it is used; `None` if it does not. No call goes out
    /// in the last minute of it (or the last tenth, where that is less): another session is opened for it.
    fn lifetime(&self) -> Option<Duration> {
        None
    }

    /// The time without calls after which the session is to be kept alive, below the server's idle limit; `None`
    /// lets it end.
    fn keep_alive_every(&self) -> Option<Duration> {
        None
    }

    /// Makes a call that counts as use of the session.
    ///
    /// # Errors
    /// Whatever the call met; an error that [`SessionScheme::is_dead`] recognises ends the session.
    async fn keep_alive(&self, via: &dyn Transport, token: &SessionToken) -> Result<(), CallError> {
        let _ = (via, token);
        Ok(())
    }

    /// Closes the session.
    ///
    /// # Errors
    /// Whatever the call met; the session then ends by its idle time. An error that [`SessionScheme::is_dead`]
    /// recognises counts as success: the session was over already.
    async fn log_out(&self, via: &dyn Transport, token: &SessionToken) -> Result<(), CallError>;
}

/// Whether the calls of a scheme open a session, or widen the one that a layer below has opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Session,
    Extension,
}

/// What the session layers of one stack are built with.
#[derive(Clone)]
pub(crate) struct SessionParts {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Observer,
    /// How long a refused login is not tried again.
    pub(crate) hold_off: Duration,
    /// In place of what the scheme says.
    pub(crate) keep_alive_every: Option<Duration>,
}

/// Sends calls within a session. Calls that its scheme does not cover go out as they are.
pub(crate) struct Authenticated {
    machine: Arc<Machine>,
    standing: Standing,
}

impl Authenticated {
    pub(crate) fn new(
        inner: Arc<dyn Transport>,
        standing: Standing,
        scheme: Arc<dyn SessionScheme>,
        parts: SessionParts,
    ) -> Self {
        Self {
            machine: Arc::new(Machine::new(inner, scheme, parts)),
            standing,
        }
    }

    /// Ends the session, if there is one, and refuses all further calls.
    pub(crate) async fn close(&self) -> Result<(), CallError> {
        match self.machine.end().await {
            Some(session) => self.machine.log_out(&session).await,
            None => Ok(()),
        }
    }

    /// Gives up the session without a word to the server; the next call logs in.
    pub(crate) fn invalidate(&self) {
        self.machine.invalidate();
    }

    /// Lets a refused login be tried again before its hold-off ends.
    pub(crate) fn lift_hold_off(&self) {
        self.machine.lift_hold_off();
    }

    async fn send_in(&self, mut call: Call, session: &Session) -> Result<Response<Bytes>, CallError> {
        self.machine.scheme.authorize(&session.token, &mut call.request);
        mark_sensitive(&session.token, &mut call.request);
        self.machine.inner.send(call).await
    }
}

/// Whatever prints headers must not print the session.
fn mark_sensitive(token: &SessionToken, request: &mut Request<Bytes>) {
    let token = token.expose().as_bytes();
    if token.is_empty() {
        return;
    }
    let unmarked = request
        .headers_mut()
        .values_mut()
        .filter(|value| !value.is_sensitive());
    for value in unmarked {
        if value.as_bytes().windows(token.len()).any(|part| part == token) {
            value.set_sensitive(true);
        }
    }
}

/// Whether a call that met a dead session may be sent again in another one.
fn may_repeat(repeat: Repeat, answer: &Result<Response<Bytes>, CallError>) -> bool {
    match (repeat, answer) {
        (Repeat::Harmless, _) => true,
        (Repeat::OnlyIfNeverSent, Ok(_)) => false,
        (Repeat::OnlyIfNeverSent, Err(error)) => match error.effect() {
            Effect::NotSent | Effect::Refused => true,
            Effect::Unknown => false,
        },
    }
}

impl fmt::Debug for Authenticated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.standing {
            Standing::Session => "session",
            Standing::Extension => "extension",
        };
        write!(f, "{name} > {:?}", self.machine.inner)
    }
}

#[async_trait]
impl Transport for Authenticated {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        let machine = &self.machine;
        if !machine.scheme.covers(&call) {
            return machine.inner.send(call).await;
        }
        let context = call.context();
        let deadline = Deadline::after(&*machine.clock, call.time_limit());
        let mut again = true;
        loop {
            let left = deadline.left(&*machine.clock);
            let session = machine.session(left).await.map_err(|kind| context.error(kind))?;
            let mut attempt = call.clone();
            attempt.deadline = Some(deadline.left(&*machine.clock));
            let outcome = self.send_in(attempt, &session).await;
            if !machine.scheme.is_dead(&outcome) {
                machine.renew(&session, &outcome);
                return outcome;
            }
            if again {
                machine.discard(&session);
            }
            if !again || call.once || !may_repeat(call.repeat, &outcome) {
                return outcome;
            }
            again = false;
        }
    }
}

#[cfg(test)]
mod tests;
