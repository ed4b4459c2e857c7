//! An error with the exit code that it amounts to, and what to do about it.

use farside_failover::driver::DriveError;
use farside_failover::plan::{PlanError, ResolveError};
use farside_failover::report::exit;
use farside_failover::runs::RunError;
use farside_journal::JournalError;

use crate::place;

/// Why the command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) error: anyhow::Error,
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// Bad input, or a refusal: nothing was touched.
    pub(crate) fn refused(error: anyhow::Error) -> Self {
        Self {
            code: exit::REFUSED,
            error,
            hint: None,
        }
    }

    /// With what to do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        Self::refused(error.into())
    }
}

impl From<ResolveError> for Failure {
    fn from(error: ResolveError) -> Self {
        Self::refused(error.into())
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self::refused(error.into()).with_way_out()
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Self::refused(error.into()).with_way_out()
    }
}

impl Failure {
    /// With what can be typed about the error of a journal that it is or comes from.
    fn with_way_out(self) -> Self {
        let mut causes = self.error.chain();
        let hint = causes.find_map(|cause| place::way_out(cause.downcast_ref()?));
        Self { hint, ..self }
    }

    /// A run that stopped before its end; `resume` is the command that takes it up.
    pub(crate) fn stopped(error: DriveError, resume: &str) -> Self {
        let is_journal = matches!(error, DriveError::Journal { .. } | DriveError::Replay { .. });
        let failure = Self {
            code: exit::INTERRUPTED,
            error: error.into(),
            hint: None,
        };
        if is_journal {
            failure.hint(format!("mend the journal, then: {resume}"))
        } else {
            failure
        }
    }
}
