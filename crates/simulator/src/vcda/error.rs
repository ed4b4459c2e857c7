//! Errors in the form of VMware Cloud Director Availability.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::MEDIA_TYPE;
use super::spec::StateRefusal;
use crate::exchange::Answer;
use crate::shape::Misfit;

/// The error object of the API: in error answers, in tasks, and as the last error of a replication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiError {
    /// The code, from an open set.
    #[serde(with = "crate::saved::name")]
    pub code: crate::saved::Text,
    /// A text for people.
    pub msg: String,
    /// What the text is about.
    pub args: Vec<String>,
}

impl ApiError {
    pub(super) fn new(code: &'static str, msg: impl Into<String>, args: &[&str]) -> Self {
        Self {
            code,
            msg: msg.into(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        }
    }

    /// The wire form.
    pub(super) fn to_json(&self) -> Value {
        json!({"code": self.code, "msg": self.msg, "args": self.args, "stacktrace": null})
    }
}

/// A call that is refused: nothing was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) error: ApiError,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &'static str, msg: impl Into<String>, args: &[&str]) -> Self {
        Self {
            status,
            error: ApiError::new(code, msg, args),
        }
    }

    pub(super) fn bad_request(msg: impl Into<String>, args: &[&str]) -> Self {
        Self::new(400, "BadRequest", msg, args)
    }

    pub(super) fn bad_input(msg: impl Into<String>, args: &[&str]) -> Self {
        Self::new(400, "BadUserInput", msg, args)
    }

    /// A recovery state does not allow what is asked.
    pub(super) fn state(as_told: StateRefusal, msg: impl Into<String>, args: &[&str]) -> Self {
        match as_told {
            StateRefusal::BadRequest => Self::bad_request(msg, args),
            StateRefusal::Conflict => Self::new(409, "OperationNotAllowedInRecoveryState", msg, args),
            StateRefusal::ServerFailure => Self::new(500, "GeneralServerFailure", msg, args),
        }
    }

    pub(super) fn not_authenticated() -> Self {
        Self::new(401, "NotAuthenticated", "Authentication is needed.", &[])
    }

    /// The credentials for another site are wrong, or the session is not extended to it.
    pub(super) fn not_extended(site: &str) -> Self {
        let msg = format!("No valid authentication for site {site}.");
        Self::new(401, "RemoteAuthenticationFailure", msg, &[site])
    }

    pub(super) fn no_site(site: &str) -> Self {
        Self::new(404, "SiteNotFound", "No such site.", &[site])
    }

    /// Another site is lost, so that it cannot be asked.
    pub(super) fn unreachable(site: &str) -> Self {
        let msg = format!("Site {site} does not answer.");
        Self::new(500, "GeneralServerFailure", msg, &[site])
    }

    pub(super) fn not_simulated(operation: &str) -> Self {
        let msg = format!("The simulator does not know {operation}; nothing was done.");
        Self::new(501, "NotSimulated", msg, &[operation])
    }

    pub(super) fn into_answer(self) -> Answer {
        Answer::json(self.status, MEDIA_TYPE, &self.error.to_json())
    }
}

impl From<Misfit> for Refusal {
    fn from(misfit: Misfit) -> Self {
        Self::bad_input(misfit.to_string(), &[misfit.path()])
    }
}
