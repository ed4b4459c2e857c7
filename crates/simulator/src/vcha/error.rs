//! Errors of the REST services: the standard error object.

use serde::Serialize;
use serde_json::{Value, json};

use crate::exchange::Answer;
use crate::shape::Misfit;

const MEDIA_TYPE: &str = "application/json";

/// An error; the first message speaks for the call, each next one is the cause of the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct RestError {
    pub(super) status: u16,
    pub(super) error_type: &'static str,
    pub(super) messages: Vec<(&'static str, String)>,
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
            messages: vec![(id, text.into())],
        }
    }

    /// Adds the cause of the last message.
    pub(super) fn because(mut self, id: &'static str, text: impl Into<String>) -> Self {
        self.messages.push((id, text.into()));
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

    pub(super) fn not_simulated(operation: &str) -> Self {
        let text = format!("The simulator does not know {operation}; nothing was done.");
        Self::new(501, "UNSUPPORTED", "sim.not.simulated", text)
    }

    /// The standard error object.
    pub(super) fn to_json(&self) -> Value {
        let messages = self
            .messages
            .iter()
            .map(|(id, text)| json!({"id": id, "default_message": text, "args": []}));
        json!({"error_type": self.error_type, "messages": messages.collect::<Vec<_>>(), "data": null})
    }

    pub(super) fn into_answer(self) -> Answer {
        Answer::json(self.status, MEDIA_TYPE, &self.to_json())
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
