//! The states of a session and what moves them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use http::Response;

use super::keeper::Keeper;
use super::via::Via;
use super::{SessionParts, SessionScheme, SessionToken};
use crate::call::{DEFAULT_CALL_LIMIT, Transport};
use crate::clock::{Clock, within};
use crate::error::{CallError, CallErrorKind, Phase, Sent};
use crate::metrics::{Observer, SessionEvent};

/// Time for a login, with all calls that it takes.
const LOGIN_LIMIT: Duration = DEFAULT_CALL_LIMIT;
/// A login is given up as a whole a little later than its calls are, so that the error is theirs, which says more.
const LOGIN_GRACE: Duration = Duration::from_secs(2);
/// Time for a log-out: nobody should wait long for a courtesy.
const LOG_OUT_LIMIT: Duration = Duration::from_secs(10);
/// No call goes out in the last part of a session's lifetime: it could arrive after it.
const MARGIN: Duration = Duration::from_secs(60);

pub(super) struct Machine {
    pub(super) inner: Arc<dyn Transport>,
    pub(super) scheme: Arc<dyn SessionScheme>,
    pub(super) clock: Arc<dyn Clock>,
    observer: Observer,
    hold_off: Duration,
    keep_alive_every: Option<Duration>,
    status: Mutex<Status>,
}

struct Status {
    state: State,
    /// Number of logins started; names a session, so that what watches over it cannot touch its successor.
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

/// A session as one call sees it. Its token is told from others by its place in memory.
#[derive(Clone)]
pub(super) struct Session {
    login: u64,
    opened: Duration,
    pub(super) token: Arc<SessionToken>,
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
                limit: LOGIN_LIMIT,
                sent: Sent::Nothing,
            },
            Self::Interrupted => CallErrorKind::Closed,
        }
    }
}

/// What a caller has to do for a session.
enum Next {
    Go(Session),
    Await(Login),
    Fail(CallErrorKind),
}

impl Machine {
    pub(super) fn new(
        inner: Arc<dyn Transport>,
        scheme: Arc<dyn SessionScheme>,
        parts: SessionParts,
    ) -> Self {
        let status = Status {
            state: State::LoggedOut,
            logins: 0,
            last_use: Duration::ZERO,
        };
        let keep_alive_every = scheme.keep_alive_every();
        Self {
            inner,
            scheme,
            clock: parts.clock,
            observer: parts.observer,
            hold_off: parts.hold_off,
            // A scheme without keep-alive has no call that would do it.
            keep_alive_every: keep_alive_every.map(|every| parts.keep_alive_every.unwrap_or(every)),
            status: Mutex::new(status),
        }
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session, for a caller that has `limit` left.
    pub(super) async fn session(self: &Arc<Self>, limit: Duration) -> Result<Session, CallErrorKind> {
        match self.next() {
            Next::Go(session) => Ok(session),
            Next::Fail(kind) => Err(kind),
            // In a box, as it would make the futures of all calls large.
            Next::Await(login) => Box::pin(self.wait(login, limit)).await,
        }
    }

    async fn wait(&self, login: Login, limit: Duration) -> Result<Session, CallErrorKind> {
        match within(&*self.clock, limit, login).await {
            Ok(outcome) => outcome.map_err(LoginFailure::into_kind),
            Err(_elapsed) => Err(CallErrorKind::Timeout {
                phase: Phase::Session,
                limit,
                sent: Sent::Nothing,
            }),
        }
    }

    fn next(self: &Arc<Self>) -> Next {
        let at = self.clock.elapsed();
        let mut status = self.status();
        status.last_use = at;
        let expired = match &status.state {
            State::Live { session, .. } if !self.is_over(session, at) => return Next::Go(session.clone()),
            State::LoggingIn(login) => return Next::Await(login.clone()),
            State::Refused { error, until } if at < *until => {
                return Next::Fail(CallErrorKind::Login(Arc::clone(error)));
            }
            State::Closed => return Next::Fail(CallErrorKind::Closed),
            State::Live { .. } => true,
            State::LoggedOut | State::Refused { .. } => false,
        };
        status.logins += 1;
        let login = self.start_login(status.logins);
        status.state = State::LoggingIn(login.clone());
        drop(status);
        if expired {
            self.observer.session(SessionEvent::Expired);
        }
        Next::Await(login)
    }

    /// Whether the server is about to end the session, however much it is used.
    fn is_over(&self, session: &Session, at: Duration) -> bool {
        self.scheme.lifetime().is_some_and(|lifetime| {
            let margin = MARGIN.min(lifetime / 10);
            at.saturating_sub(session.opened) >= lifetime.saturating_sub(margin)
        })
    }

    fn start_login(self: &Arc<Self>, login: u64) -> Login {
        let machine = Arc::clone(self);
        let task = tokio::spawn(async move {
            let opened = machine.clock.elapsed();
            let via = Via::new(&machine.inner, &machine.clock, LOGIN_LIMIT);
            let attempt = machine.scheme.log_in(&via);
            let limit = LOGIN_LIMIT.saturating_add(LOGIN_GRACE);
            let outcome = match within(&*machine.clock, limit, attempt).await {
                Ok(outcome) => outcome.map_err(|error| LoginFailure::Call(Arc::new(error))),
                Err(_elapsed) => Err(LoginFailure::TooSlow),
            };
            machine.settle(login, opened, outcome)
        });
        let machine = Arc::downgrade(self);
        let outcome = async move {
            match task.await {
                Ok(outcome) => outcome,
                Err(_join) => {
                    if let Some(machine) = machine.upgrade() {
                        machine.forget_login(login);
                    }
                    Err(LoginFailure::Interrupted)
                }
            }
        };
        outcome.boxed().shared()
    }

    /// Leaves `LoggingIn` after a login that ended without an outcome.
    fn forget_login(&self, login: u64) {
        let mut status = self.status();
        if status.logins == login && matches!(status.state, State::LoggingIn(_)) {
            status.state = State::LoggedOut;
        }
    }

    /// Moves on from `LoggingIn`.
    fn settle(
        self: &Arc<Self>,
        login: u64,
        opened: Duration,
        outcome: Result<SessionToken, LoginFailure>,
    ) -> Result<Session, LoginFailure> {
        let (state, event, outcome) = match outcome {
            Ok(token) => {
                let session = Session {
                    login,
                    opened,
                    token: Arc::new(token),
                };
                let state = State::Live {
                    session: session.clone(),
                    _keeper: Keeper::start(self, login),
                };
                (state, SessionEvent::LoggedIn, Ok(session))
            }
            Err(LoginFailure::Call(error)) if self.scheme.is_final(&error) => {
                let hold_off_seconds = self.hold_off.as_secs();
                tracing::warn!(
                    peer.service = self.observer.endpoint(),
                    hold_off_seconds,
                    "login refused, not tried again for a while"
                );
                let state = State::Refused {
                    error: Arc::clone(&error),
                    until: self.clock.elapsed().saturating_add(self.hold_off),
                };
                (state, SessionEvent::Refused, Err(LoginFailure::Call(error)))
            }
            Err(failure) => (State::LoggedOut, SessionEvent::LoginFailed, Err(failure)),
        };
        self.status().state = state;
        self.observer.session(event);
        outcome
    }

    /// Forgets a session that has died, unless another one, or another token, has taken its place.
    pub(super) fn discard(&self, dead: &Session) {
        let mut status = self.status();
        if matches!(&status.state, State::Live { session, .. } if Arc::ptr_eq(&session.token, &dead.token)) {
            status.state = State::LoggedOut;
            drop(status);
            self.observer.session(SessionEvent::Died);
        }
    }

    /// Takes the token that an answer brings, unless the answer is that of an earlier token.
    pub(super) fn renew(&self, used: &Session, outcome: &Result<Response<Bytes>, CallError>) {
        let Ok(answer) = outcome else { return };
        let Some(token) = self.scheme.renewed_token(answer) else {
            return;
        };
        let mut status = self.status();
        let State::Live { session, .. } = &mut status.state else {
            return;
        };
        if Arc::ptr_eq(&session.token, &used.token) && *session.token != token {
            session.token = Arc::new(token);
            drop(status);
            self.observer.session(SessionEvent::Renewed);
        }
    }

    /// Forgets the session, if there is one. A login under way is not stopped: where it went wrong, the first call
    /// in its session finds that out.
    pub(super) fn invalidate(&self) {
        let mut status = self.status();
        if matches!(status.state, State::Live { .. }) {
            status.state = State::LoggedOut;
            drop(status);
            self.observer.session(SessionEvent::Invalidated);
        }
    }

    pub(super) fn lift_hold_off(&self) {
        let mut status = self.status();
        if matches!(status.state, State::Refused { .. }) {
            status.state = State::LoggedOut;
        }
    }

    /// The session of this login with the token it has got by this moment, if it lives, and when it was last used.
    pub(super) fn live(&self, login: u64) -> Option<(Session, Duration)> {
        let status = self.status();
        match &status.state {
            State::Live { session, .. } if session.login == login => Some((session.clone(), status.last_use)),
            State::LoggedOut
            | State::LoggingIn(_)
            | State::Live { .. }
            | State::Refused { .. }
            | State::Closed => None,
        }
    }

    /// The time without calls after which a session is used to keep it alive.
    pub(super) fn keep_alive_every(&self) -> Option<Duration> {
        self.keep_alive_every
    }

    /// Makes one call that counts as use.
    pub(super) async fn keep_alive(self: &Arc<Self>, session: &Session) {
        let via = Via::within(self, session, LOGIN_LIMIT);
        let call = self.scheme.keep_alive(&via, &session.token);
        match within(&*self.clock, LOGIN_LIMIT, call).await {
            Ok(Ok(())) => self.observer.session(SessionEvent::KeptAlive),
            Ok(Err(error)) => {
                tracing::debug!(error.type = error.kind().name(), "keep-alive failed");
                if self.scheme.is_dead(&Err(error)) {
                    self.discard(session);
                }
            }
            Err(_elapsed) => tracing::debug!(error.type = "timeout", "keep-alive failed"),
        }
    }

    /// Ends the machine; the last session, if there is one.
    pub(super) async fn end(&self) -> Option<Session> {
        loop {
            let login = {
                let mut status = self.status();
                match std::mem::replace(&mut status.state, State::Closed) {
                    State::LoggingIn(login) => {
                        status.state = State::LoggingIn(login.clone());
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

    pub(super) async fn log_out(&self, session: &Session) -> Result<(), CallError> {
        let via = Via::new(&self.inner, &self.clock, LOG_OUT_LIMIT);
        let outcome = self.scheme.log_out(&via, &session.token).await;
        self.observer.session(SessionEvent::LoggedOut);
        match outcome {
            Err(error) => {
                let outcome = Err(error);
                if self.scheme.is_dead(&outcome) {
                    return Ok(());
                }
                outcome.map(drop)
            }
            Ok(()) => Ok(()),
        }
    }
}

/// The last client is gone without [`Machine::end`]: says goodbye from a task of its own, where there is a runtime
/// to run it. Nobody hears of a failure; the server then ends the session by its idle time.
impl Drop for Machine {
    fn drop(&mut self) {
        let status = self.status.get_mut().unwrap_or_else(PoisonError::into_inner);
        let State::Live { session, .. } = std::mem::replace(&mut status.state, State::Closed) else {
            return;
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let via = Via::new(&self.inner, &self.clock, LOG_OUT_LIMIT);
        let (scheme, clock, observer) = (
            Arc::clone(&self.scheme),
            Arc::clone(&self.clock),
            self.observer.clone(),
        );
        runtime.spawn(async move {
            let goodbye = scheme.log_out(&via, &session.token);
            let _ = within(&*clock, LOG_OUT_LIMIT, goodbye).await;
            observer.session(SessionEvent::LoggedOut);
        });
    }
}
