//! The session machine: logs in when a session is needed, shares it among all callers, and replaces it when it
//! dies.
//!
//! | state | a call comes | login ends well | login fails | session dies | close |
//! | --- | --- | --- | --- | --- | --- |
//! | logged out | starts a login, waits | | | | closed |
//! | logging in | waits | live | refused by the server: refused; otherwise: logged out | | waits, then closed |
//! | live | goes out with the token | | | logged out | logs out, closed |
//! | refused | gets the same error, until the hold-off ends | | | | closed |
//! | closed | gets an error | | | | |

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use farside_wire::{Repeat, Secret};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use http::{Request, Response};
use tokio::task::AbortHandle;

use crate::call::{Call, DEFAULT_CALL_LIMIT, Transport};
use crate::clock::{Clock, Deadline, within};
use crate::error::{CallError, CallErrorKind, Effect, Phase, Sent};

/// How long a refused login is not tried again: accounts are locked after a few wrong passwords.
pub const LOGIN_HOLD_OFF: Duration = Duration::from_secs(300);

/// What a session is known by: sent with each call, never printed.
#[derive(Debug)]
pub struct SessionToken(Secret);

impl SessionToken {
    /// A token as the server gave it.
    #[must_use]
    pub fn new(token: Secret) -> Self {
        Self(token)
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

    /// Puts the token into a request, as a header that is marked sensitive.
    fn authorize(&self, token: &SessionToken, request: &mut Request<Bytes>);

    /// Whether this outcome of a call says that its session has ended. Services say so in several disguises.
    fn is_dead(&self, outcome: &Result<Response<Bytes>, CallError>) -> bool;

    /// Whether a failed login would fail again with the same credentials, and count against the account.
    fn is_final(&self, error: &CallError) -> bool {
        let Some(status) = error.status().map(|status| status.as_u16()) else {
            return false;
        };
        // VI JSON says InvalidLogin with status 500 and a fault.
        (400..500).contains(&status) && status != 429 || status == 500 && error.service_error().is_some()
    }

    /// The time without calls after which the session is to be kept alive; `None` lets it end.
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
    /// Whatever the call met; the session then ends by its idle time.
    async fn log_out(&self, via: &dyn Transport, token: &SessionToken) -> Result<(), CallError>;
}

/// Sends calls within a session. Anonymous calls go out as they are.
pub(crate) struct Authenticated {
    core: Arc<Core>,
}

struct Core {
    inner: Arc<dyn Transport>,
    scheme: Arc<dyn SessionScheme>,
    clock: Arc<dyn Clock>,
    machine: Mutex<Machine>,
}

struct Machine {
    state: State,
    /// Number of logins started; names a session, so that an answer of an earlier one cannot end a later one.
    logins: u64,
    last_use: Duration,
}

enum State {
    LoggedOut,
    LoggingIn(Login),
    Live {
        session: Session,
        _keeper: Option<Keeper>,
    },
    Refused {
        error: Arc<CallError>,
        until: Duration,
    },
    Closed,
}

#[derive(Clone)]
struct Session {
    login: u64,
    token: Arc<SessionToken>,
}

/// One login that any number of callers await. It runs as a task of its own, so that a caller that goes away takes
/// nothing with it.
type Login = Shared<BoxFuture<'static, Result<Session, LoginFailure>>>;

#[derive(Clone, Debug)]
enum LoginFailure {
    Call(Arc<CallError>),
    TooSlow,
    /// The runtime ended under the login, or the scheme panicked.
    Interrupted,
}

impl LoginFailure {
    fn into_kind(self) -> CallErrorKind {
        match self {
            Self::Call(error) => CallErrorKind::Login(error),
            Self::TooSlow => CallErrorKind::Timeout {
                phase: Phase::Session,
                limit: DEFAULT_CALL_LIMIT,
                sent: Sent::Nothing,
            },
            Self::Interrupted => CallErrorKind::Closed,
        }
    }
}

/// The task that keeps a session alive; it ends with the session.
struct Keeper(AbortHandle);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a caller has to do for a session.
enum Next {
    Go(Session),
    Await(Login),
    Fail(CallErrorKind),
}

impl Core {
    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(self: &Arc<Self>) -> Next {
        let mut machine = self.machine();
        machine.last_use = self.clock.elapsed();
        match &machine.state {
            State::Live { session, .. } => Next::Go(session.clone()),
            State::LoggingIn(login) => Next::Await(login.clone()),
            State::Refused { error, until } if machine.last_use < *until => {
                Next::Fail(CallErrorKind::Login(Arc::clone(error)))
            }
            State::Closed => Next::Fail(CallErrorKind::Closed),
            State::LoggedOut | State::Refused { .. } => {
                machine.logins += 1;
                let login = self.start_login(machine.logins);
                machine.state = State::LoggingIn(login.clone());
                Next::Await(login)
            }
        }
    }

    fn start_login(self: &Arc<Self>, login: u64) -> Login {
        let core = Arc::clone(self);
        let task = tokio::spawn(async move {
            let attempt = core.scheme.log_in(&*core.inner);
            let outcome = within(&*core.clock, DEFAULT_CALL_LIMIT, attempt).await;
            core.settle(login, outcome.map_err(|_elapsed| LoginFailure::TooSlow))
        });
        let core = Arc::clone(self);
        let outcome = async move {
            match task.await {
                Ok(outcome) => outcome,
                Err(_join) => {
                    core.forget_login(login);
                    Err(LoginFailure::Interrupted)
                }
            }
        };
        outcome.boxed().shared()
    }

    /// Leaves `LoggingIn` after a login that ended without an outcome.
    fn forget_login(&self, login: u64) {
        let mut machine = self.machine();
        if machine.logins == login && matches!(machine.state, State::LoggingIn(_)) {
            machine.state = State::LoggedOut;
        }
    }

    /// Moves on from `LoggingIn`.
    fn settle(
        self: &Arc<Self>,
        login: u64,
        outcome: Result<Result<SessionToken, CallError>, LoginFailure>,
    ) -> Result<Session, LoginFailure> {
        let mut machine = self.machine();
        let error = match outcome {
            Ok(Ok(token)) => {
                let session = Session {
                    login,
                    token: Arc::new(token),
                };
                let keeper = self.start_keeper(&session);
                machine.state = State::Live {
                    session: session.clone(),
                    _keeper: keeper,
                };
                tracing::debug!(scheme = ?self.scheme, "logged in");
                return Ok(session);
            }
            Ok(Err(error)) => Arc::new(error),
            Err(failure) => {
                machine.state = State::LoggedOut;
                return Err(failure);
            }
        };
        machine.state = if self.scheme.is_final(&error) {
            let hold_off_seconds = LOGIN_HOLD_OFF.as_secs();
            tracing::warn!(scheme = ?self.scheme, hold_off_seconds, "login refused, not tried again for a while");
            State::Refused {
                error: Arc::clone(&error),
                until: self.clock.elapsed().saturating_add(LOGIN_HOLD_OFF),
            }
        } else {
            State::LoggedOut
        };
        Err(LoginFailure::Call(error))
    }

    fn start_keeper(self: &Arc<Self>, session: &Session) -> Option<Keeper> {
        let every = self.scheme.keep_alive_every()?;
        let task = keep_alive(
            Arc::downgrade(self),
            Arc::clone(&self.clock),
            session.clone(),
            every,
        );
        Some(Keeper(tokio::spawn(task).abort_handle()))
    }

    /// A session, for a caller that has `limit` left.
    async fn session(self: &Arc<Self>, limit: Duration) -> Result<Session, CallErrorKind> {
        match self.next() {
            Next::Go(session) => Ok(session),
            Next::Fail(kind) => Err(kind),
            Next::Await(login) => match within(&*self.clock, limit, login).await {
                Ok(outcome) => outcome.map_err(LoginFailure::into_kind),
                Err(_elapsed) => Err(CallErrorKind::Timeout {
                    phase: Phase::Session,
                    limit,
                    sent: Sent::Nothing,
                }),
            },
        }
    }

    /// Forgets a session that has died, unless a later one has taken its place.
    fn discard(&self, dead: &Session) {
        let mut machine = self.machine();
        if matches!(&machine.state, State::Live { session, .. } if session.login == dead.login) {
            tracing::debug!(scheme = ?self.scheme, "the session has ended");
            machine.state = State::LoggedOut;
        }
    }

    async fn send_once(&self, mut call: Call, session: &Session) -> Outcome {
        self.scheme.authorize(&session.token, &mut call.request);
        let outcome = self.inner.send(call).await;
        let dead = self.scheme.is_dead(&outcome);
        if dead {
            self.discard(session);
        }
        Outcome {
            answer: outcome,
            dead,
        }
    }

    /// Ends the machine; the last session, if there is one.
    async fn end(&self) -> Option<Session> {
        loop {
            let login = {
                let mut machine = self.machine();
                match std::mem::replace(&mut machine.state, State::Closed) {
                    State::LoggingIn(login) => {
                        machine.state = State::LoggingIn(login.clone());
                        login
                    }
                    State::Live { session, .. } => return Some(session),
                    State::LoggedOut | State::Refused { .. } | State::Closed => return None,
                }
            };
            // Its outcome is in the state, whether it went well or not.
            let _ = login.await;
        }
    }
}

struct Outcome {
    answer: Result<Response<Bytes>, CallError>,
    dead: bool,
}

/// Whether a call that met a dead session may be sent again in a fresh one.
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

async fn keep_alive(core: Weak<Core>, clock: Arc<dyn Clock>, session: Session, every: Duration) {
    let mut pause = every;
    loop {
        clock.sleep(pause).await;
        let Some(core) = core.upgrade() else { return };
        let idle = clock.elapsed().saturating_sub(core.machine().last_use);
        if idle < every {
            pause = every.saturating_sub(idle);
            continue;
        }
        pause = every;
        let call = core.scheme.keep_alive(&*core.inner, &session.token);
        let Ok(Err(error)) = within(&*clock, DEFAULT_CALL_LIMIT, call).await else {
            continue;
        };
        tracing::debug!(error.type = error.kind().name(), "keep-alive failed");
        if core.scheme.is_dead(&Err(error)) {
            core.discard(&session);
            return;
        }
    }
}

impl Authenticated {
    pub(crate) fn new(
        inner: Arc<dyn Transport>,
        scheme: Arc<dyn SessionScheme>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let machine = Machine {
            state: State::LoggedOut,
            logins: 0,
            last_use: Duration::ZERO,
        };
        Self {
            core: Arc::new(Core {
                inner,
                scheme,
                clock,
                machine: Mutex::new(machine),
            }),
        }
    }

    /// Ends the session, if there is one, and refuses all further calls.
    pub(crate) async fn close(&self) -> Result<(), CallError> {
        match self.core.end().await {
            Some(session) => self.core.scheme.log_out(&*self.core.inner, &session.token).await,
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Authenticated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session > {:?}", self.core.inner)
    }
}

#[async_trait]
impl Transport for Authenticated {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        let core = &self.core;
        if call.anonymous {
            return core.inner.send(call).await;
        }
        let context = call.context();
        let deadline = Deadline::after(&*core.clock, call.time_limit());
        let mut again = true;
        loop {
            let left = deadline.left(&*core.clock);
            let session = core.session(left).await.map_err(|kind| context.error(kind))?;
            let mut attempt = call.clone();
            attempt.deadline = Some(deadline.left(&*core.clock));
            let outcome = core.send_once(attempt, &session).await;
            if !(outcome.dead && again && may_repeat(call.repeat, &outcome.answer)) {
                return outcome.answer;
            }
            again = false;
        }
    }
}

#[cfg(test)]
mod tests;
