//! Errors of the REST services: the standard error object.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::spec::VchaSpec;
use crate::exchange::Answer;
use crate::saved::Name;
use crate::shape::Misfit;

const MEDIA_TYPE: &str = "application/json";

/// An error; the first message speaks for the call, each next one is the cause of the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RestError {
    pub(super) status: u16,
    #[serde(with = "crate::saved::name")]
    pub(super) error_type: crate::saved::Text,
    pub(super) messages: Vec<(Name, String)>,
    pub(super) data: Option<Value>,
}

impl RestError {
    pub(super) fn new(
        status: u16,
        error_type: &'static str,
        id: &'static str,
        text: impl Into<String>,
    ) -> Self {
        Self {
            status,
            error_type,
            messages: vec![(Name(id), text.into())],
            data: None,
        }
    }

    /// Whether this is its type.
    pub(super) fn is(&self, error_type: &str) -> bool {
        self.error_type == error_type
    }

    /// Adds the cause of the last message.
    pub(super) fn because(mut self, id: &'static str, text: impl Into<String>) -> Self {
        self.messages.push((Name(id), text.into()));
        self
    }

    /// Adds what the operation has to say beyond words.
    pub(super) fn with_data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }

    pub(super) fn unauthenticated() -> Self {
        Self::new(
            401,
            "UNAUTHENTICATED",
            "sim.unauthenticated",
            "Authentication is needed.",
        )
    }

    pub(super) fn invalid_argument(text: impl Into<String>) -> Self {
        Self::new(400, "INVALID_ARGUMENT", "sim.invalid.argument", text)
    }

    /// An argument that can be read and is not accepted, with its place in the body.
    pub(super) fn invalid_at(path: &str, text: impl Into<String>) -> Self {
        Self::invalid_argument(text).with_data(json!({"primary": path, "secondary": []}))
    }

    pub(super) fn not_allowed(id: &'static str, text: impl Into<String>) -> Self {
        Self::new(400, "NOT_ALLOWED_IN_CURRENT_STATE", id, text)
    }

    /// A refusal over the state of a cluster, where no more telling type is declared.
    pub(super) fn refused(text: &'static str, id: &'static str, reason: impl Into<String>) -> Self {
        Self::new(500, "ERROR", "sim.vcha.not.ready", text).because(id, reason)
    }

    /// A refusal over work that is under way, told as `as_told` says.
    pub(super) fn busy(
        as_told: &VchaSpec,
        text: &'static str,
        id: &'static str,
        reason: impl Into<String>,
    ) -> Self {
        let refused = Self::refused(text, id, reason);
        if as_told.runtime_statuses {
            Self {
                status: 400,
                error_type: "RESOURCE_BUSY",
                ..refused
            }
        } else {
            refused
        }
    }

    /// Tasks that cannot be reached yet.
    pub(super) fn tasks_away() -> Self {
        let text = "The tasks cannot be reached yet.";
        Self::new(400, "RESOURCE_INACCESSIBLE", "sim.task.away", text)
    }

    pub(super) fn not_simulated(operation: &str) -> Self {
        let text = format!("The simulator does not know {operation} here; nothing was done.");
        Self::new(501, "UNSUPPORTED", "sim.not.simulated", text)
    }

    /// The standard error object, as the world's vCenters write it.
    pub(super) fn to_json(&self, spec: &VchaSpec) -> Value {
        let messages = self
            .messages
            .iter()
            .map(|(id, text)| json!({"id": id, "default_message": text, "args": []}));
        let messages: Vec<_> = messages.collect();
        if spec.omits_error_types {
            json!({"messages": messages, "data": self.data})
        } else {
            json!({"error_type": self.error_type, "messages": messages, "data": self.data})
        }
    }

    pub(super) fn into_answer(self, spec: &VchaSpec) -> Answer {
        Answer::json(self.status, MEDIA_TYPE, &self.to_json(spec))
    }
}

impl From<Misfit> for RestError {
    fn from(misfit: Misfit) -> Self {
        Self::invalid_argument(misfit.to_string())
    }
}

pub(super) fn answer(status: u16, value: &Value) -> Answer {
    Answer::json(status, MEDIA_TYPE, value)
}
