//! Faults in the form of VI JSON: the bare fault object, as the body of a 500 or as a member of an answer.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::spec::UnknownMethod;
use super::value::reference;
use crate::exchange::Answer;
use crate::shape::Misfit;

pub(crate) const MEDIA_TYPE: &str = "application/json";

/// A fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fault {
    type_name: String,
    message: String,
    members: Map<String, Value>,
    /// It is that of a method which is not there: another reading may tell that otherwise.
    #[serde(skip)]
    of_method: bool,
}

impl Fault {
    pub(crate) fn new(type_name: &str, message: impl Into<String>) -> Self {
        Self {
            type_name: type_name.to_owned(),
            message: message.into(),
            members: Map::new(),
            of_method: false,
        }
    }

    /// The fault of a method that a release does not have.
    pub(crate) fn no_such_method(type_name: &str, mo_id: &str, method: &str) -> Self {
        let fault = Self::new("MethodNotFound", "This release does not know the method.")
            .with("receiver", reference(type_name, mo_id))
            .with("method", method);
        Self {
            of_method: true,
            ..fault
        }
    }

    /// The answer to a call that this refuses, as a world tells a method that is not there.
    pub(crate) fn into_answer_of(self, unknown_method: UnknownMethod) -> Answer {
        match unknown_method {
            UnknownMethod::InvalidRequest if self.of_method => {
                Self::invalid_request(self.message).into_answer()
            }
            UnknownMethod::NotFound if self.of_method => Answer::empty(404),
            UnknownMethod::MethodNotFound | UnknownMethod::InvalidRequest | UnknownMethod::NotFound => {
                self.into_answer()
            }
        }
    }

    /// Whether this is its type.
    pub(crate) fn is(&self, type_name: &str) -> bool {
        self.type_name == type_name
    }

    /// Sets a member of the fault's own.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Takes a member of the fault's own away.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.members.remove(name);
        self
    }

    /// A fault that is given as JSON, as a fault rule or a world does.
    pub(crate) fn given(value: &Value) -> Self {
        let mut members = value.as_object().cloned().unwrap_or_default();
        let type_name = match members.remove("_typeName") {
            Some(Value::String(name)) => name,
            Some(_) | None => "RuntimeFault".to_owned(),
        };
        Self {
            type_name,
            message: "Refused by the world.".to_owned(),
            members,
            of_method: false,
        }
    }

    /// The name of its type.
    pub(crate) fn type_name(&self) -> &str {
        &self.type_name
    }

    pub(crate) fn invalid_argument(property: Option<&str>, message: impl Into<String>) -> Self {
        let fault = Self::new("InvalidArgument", message);
        match property {
            Some(property) => fault.with("invalidProperty", property),
            None => fault,
        }
    }

    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new("InvalidRequest", message)
    }

    pub(crate) fn not_authenticated(type_name: &str, mo_id: &str, privilege: &str) -> Self {
        Self::new("NotAuthenticated", "No valid session for this request.")
            .with("object", reference(type_name, mo_id))
            .with("privilegeId", privilege)
    }

    pub(crate) fn no_such_object(type_name: &str, mo_id: &str) -> Self {
        Self::new(
            "ManagedObjectNotFound",
            format!("There is no {type_name} {mo_id}."),
        )
        .with("obj", reference(type_name, mo_id))
    }

    pub(crate) fn not_simulated(what: &str) -> Self {
        Self::new(
            "NotImplemented",
            format!("The simulator does not know {what}; nothing was done."),
        )
    }

    /// The fault as a member of an answer.
    pub(crate) fn to_json(&self) -> Value {
        let key = format!("sim.{}", self.type_name);
        let message = json!({"_typeName": "LocalizableMessage", "key": key, "message": self.message});
        let mut fault = Map::new();
        fault.insert("_typeName".to_owned(), json!(self.type_name));
        fault.insert("faultMessage".to_owned(), json!([message]));
        fault.extend(self.members.clone());
        Value::Object(fault)
    }

    /// The fault as an answer; servers add `faultstring` there, which is in no schema.
    pub(crate) fn into_answer(self) -> Answer {
        let mut body = self.to_json();
        if let Some(members) = body.as_object_mut() {
            members.insert("faultstring".to_owned(), json!(self.message));
        }
        Answer::json(500, MEDIA_TYPE, &body)
    }
}

impl From<Misfit> for Fault {
    /// What cannot be read is an invalid request; what can be read and lacks a member has an invalid argument.
    fn from(misfit: Misfit) -> Self {
        match &misfit {
            Misfit::Missing { path } => Self::invalid_argument(Some(path), misfit.to_string()),
            Misfit::Unknown { .. } | Misfit::Type { .. } => Self::invalid_request(misfit.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_the_whole_body_and_its_type_name_comes_first() {
        let answer = Fault::new("TooMany", "Too many.")
            .with("maxBatchSize", 8)
            .into_answer();
        let body = answer.value();
        assert_eq!(answer.status, 500);
        assert_eq!(body["_typeName"], "TooMany");
        assert_eq!(body["maxBatchSize"], 8);
        assert_eq!(body["faultstring"], body["faultMessage"][0]["message"]);
        assert!(answer.body.starts_with(b"{\"_typeName\""));
    }
}
