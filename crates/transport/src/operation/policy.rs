//! When a wait looks, and what it makes of looks that fail.

use std::fmt;
use std::time::Duration;

use farside_wire::{Operation, Repeat, ServiceError, StdErrorType};

use crate::error::{CallError, CallErrorKind, Retry, StatusError};

/// How a wait looks at a piece of work.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct PollPolicy {
    /// When it looks.
    pub pauses: PollPauses,
    /// What it makes of looks that fail.
    pub errors: PollErrors,
}

impl PollPolicy {
    /// The default policy with other pauses between looks.
    #[must_use]
    pub fn between(first_pause: Duration, longest_pause: Duration) -> Self {
        let pauses = PollPauses {
            first: first_pause,
            longest: longest_pause,
            ..PollPauses::default()
        };
        Self::default().with_pauses(pauses)
    }

    /// With these pauses between looks.
    #[must_use]
    pub fn with_pauses(mut self, pauses: PollPauses) -> Self {
        self.pauses = pauses;
        self
    }

    /// With this treatment of looks that fail.
    #[must_use]
    pub fn with_errors(mut self, errors: PollErrors) -> Self {
        self.errors = errors;
        self
    }
}

/// The pauses between looks: short at first, since much work is short, then longer and longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PollPauses {
    /// The pause after the first look.
    pub first: Duration,
    /// Each further pause in percent of the one before; at least 100.
    pub growth_percent: u32,
    /// No pause is longer.
    pub longest: Duration,
}

impl Default for PollPauses {
    /// From a quarter of a second to 5 s, each half as long again as the one before.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(250),
            growth_percent: 150,
            longest: Duration::from_secs(5),
        }
    }
}

impl PollPauses {
    /// With another growth, in percent of the pause before.
    #[must_use]
    pub fn with_growth_percent(mut self, percent: u32) -> Self {
        self.growth_percent = percent;
        self
    }
}

/// Which failed looks a wait bears, how many, and at which pace it goes on looking. A look that failed says nothing
/// about the work.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct PollErrors {
    /// The pause after a look that failed; it doubles with each failure in a row.
    pub first_pause: Duration,
    /// No pause after a failed look is longer.
    pub longest_pause: Duration,
    /// Failures in a row that are borne; one more ends the wait. `None` sets no bound but the deadline.
    pub in_a_row: Option<u32>,
    /// The time for which nothing but failures is borne. `None` sets no bound but the deadline.
    pub for_at_most: Option<Duration>,
    /// Which errors end the wait at once.
    pub fatal: fn(&CallError) -> bool,
}

impl Default for PollErrors {
    /// All failures that may pass, until the deadline, with pauses from 1 s to 15 s.
    fn default() -> Self {
        Self {
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(15),
            in_a_row: None,
            for_at_most: None,
            fatal: Self::lasting,
        }
    }
}

impl PollErrors {
    /// With a bound on the failures in a row.
    #[must_use]
    pub fn with_in_a_row(mut self, failures: u32) -> Self {
        self.in_a_row = Some(failures);
        self
    }

    /// With a bound on the time for which nothing but failures is borne.
    #[must_use]
    pub fn with_for_at_most(mut self, time: Duration) -> Self {
        self.for_at_most = Some(time);
        self
    }

    /// With another choice of the errors that end the wait at once.
    #[must_use]
    pub fn with_fatal(mut self, fatal: fn(&CallError) -> bool) -> Self {
        self.fatal = fatal;
        self
    }

    /// Whether the same look would fail again: a certificate that is not accepted, a right that is missing, a login
    /// that is refused, an object that is gone. This is the default choice of what ends a wait.
    ///
    /// A server that is starting, and the proxy before it, answer almost anything meanwhile: pages that are no JSON, with
    /// 404 or 200, and 500 with errors of all kinds, to a look as well as to the login before it. A look changes nothing, so
    /// all of that passes, and so does a resource of vCenter REST that is busy or out of reach, with whatever status. What ends a
    /// wait is 400 (but for an error of vCenter REST that names no type, as of an old server), 401 and 403; another 4xx that carries an error of the service; and
    /// any status whose error the operation lists as refused before acting, or says that the object is not there
    /// (`ManagedObjectNotFound`), the right (`NoPermission`) or the password (`InvalidLogin`).
    #[must_use]
    pub fn lasting(error: &CallError) -> bool {
        match error.kind() {
            CallErrorKind::Login(login) => Self::lasting(login),
            CallErrorKind::Garbled(_) | CallErrorKind::ContentType { .. } | CallErrorKind::Decode(_) => false,
            CallErrorKind::Status(answer) => is_refusal(answer, error.operation()),
            _ => match error.retry(Repeat::Harmless) {
                Retry::Now | Retry::After(_) => false,
                Retry::CheckFirst | Retry::Never => true,
            },
        }
    }
}

/// Codes by which a service refuses a look for good, whatever the operation lists.
const FINAL: [&str; 3] = ["InvalidLogin", "ManagedObjectNotFound", "NoPermission"];

/// Whether it is the service that answers, and will answer the same again.
fn is_refusal(answer: &StatusError, operation: &Operation) -> bool {
    if answer.retry_after.is_some() || answer.retry_at.is_some() {
        return false;
    }
    let of_service = answer.error.as_ref();
    match answer.weight() {
        400 => !of_service.is_some_and(names_no_type),
        401 | 403 => true,
        429 => false,
        402..=499 => of_service.is_some(),
        _ => of_service.is_some_and(|error| {
            let code = error.code();
            FINAL.contains(&code) || operation.refused_before_acting.contains(&code)
        }),
    }
}

/// Whether an error of vCenter REST leaves its type to the status: no error of type `ERROR` comes with 400 (vCenter REST wire
/// rules 7).
fn names_no_type(error: &ServiceError) -> bool {
    matches!(error, ServiceError::Std(error) if error.error_type == Some(StdErrorType::Error))
}

// By hand, since the address of a function helps nobody.
impl fmt::Debug for PollErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollErrors")
            .field("first_pause", &self.first_pause)
            .field("longest_pause", &self.longest_pause)
            .field("in_a_row", &self.in_a_row)
            .field("for_at_most", &self.for_at_most)
            .finish_non_exhaustive()
    }
}

/// The shortest pause: a wait must not turn into a busy loop, whatever the policy says.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// The pauses of one wait.
pub(super) struct Pauses {
    look: Duration,
    error: Duration,
}

impl Pauses {
    pub(super) fn new(policy: &PollPolicy) -> Self {
        Self {
            look: policy.pauses.first,
            error: policy.errors.first_pause,
        }
    }

    pub(super) fn after_look(&mut self, policy: &PollPolicy) -> Duration {
        self.error = policy.errors.first_pause;
        let pause = self.look.min(policy.pauses.longest).max(SHORTEST_PAUSE);
        let growth = policy.pauses.growth_percent.max(100);
        self.look = pause.saturating_mul(growth) / 100;
        pause
    }

    pub(super) fn after_error(&mut self, policy: &PollPolicy) -> Duration {
        let pause = self.error.min(policy.errors.longest_pause).max(SHORTEST_PAUSE);
        self.error = pause.saturating_mul(2);
        pause
    }
}
