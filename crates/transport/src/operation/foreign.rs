//! Ids of work that somebody else does.

use std::fmt;

use farside_wire::Operation;
use http::Request;

use super::OperationId;
use crate::call::Call;
use crate::error::{CallError, CallErrorKind};

/// Why an id cannot be looked for here: it is of another kind, of another endpoint, or no id of this kind at all. Asked all the
/// same, the endpoint might answer of other work that happens to have the same id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{id} is no {kind} of {endpoint}{}", Reason(.reason.as_deref()))]
#[non_exhaustive]
pub struct ForeignOperation {
    /// What was asked for.
    pub id: OperationId,
    /// [`OperationId::kind`] of what can be looked for.
    pub kind: &'static str,
    /// The endpoint that was to be asked.
    pub endpoint: Box<str>,
    /// Why it is no id of this kind, where kind and endpoint are right.
    pub reason: Option<Box<str>>,
}

struct Reason<'a>(Option<&'a str>);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}

impl OperationId {
    /// Makes sure that this is work of that kind at that endpoint.
    ///
    /// # Errors
    /// [`ForeignOperation`] if it is not.
    pub fn expect(&self, kind: &'static str, endpoint: &str) -> Result<(), ForeignOperation> {
        if self.kind == kind && self.endpoint == endpoint {
            return Ok(());
        }
        Err(ForeignOperation {
            id: self.clone(),
            kind,
            endpoint: endpoint.into(),
            reason: None,
        })
    }

    /// Says why this is no id of its kind, though it claims to be.
    #[must_use]
    pub fn malformed(&self, kind: &'static str, reason: impl fmt::Display) -> ForeignOperation {
        ForeignOperation {
            id: self.clone(),
            kind,
            endpoint: self.endpoint.as_str().into(),
            reason: Some(reason.to_string().into()),
        }
    }
}

impl ForeignOperation {
    /// The error of a call about this id, which was not sent: for a [`TaskSource`](super::TaskSource) that is given one.
    #[must_use]
    pub fn not_sent(&self, operation: &'static Operation) -> CallError {
        let call = Call::new(operation, self.id.to_string(), Request::default());
        let kind = CallErrorKind::Request("the id is of another kind or of another endpoint, or is none");
        call.context().error(kind)
    }
}

#[cfg(test)]
mod tests {
    use farside_wire::Repeat;

    use super::*;
    use crate::error::{Effect, Retry};
    use crate::operation::PollErrors;
    use crate::testing::operations::WRITE;

    fn id() -> OperationId {
        OperationId::new("thing-task", "vc-east", "task-7")
    }

    #[test]
    fn an_id_is_only_of_its_own_kind_and_endpoint() {
        assert_eq!(id().expect("thing-task", "vc-east"), Ok(()));
        for (kind, endpoint) in [
            ("other-task", "vc-east"),
            ("thing-task", "vc-west"),
            ("thing-task", ""),
        ] {
            let error = id().expect(kind, endpoint).expect_err("foreign");
            let expected = format!("thing-task task-7 at vc-east is no {kind} of {endpoint}");
            assert_eq!(error.to_string(), expected);
            assert_eq!((&error.id, error.kind, &*error.endpoint), (&id(), kind, endpoint));
        }
        assert_eq!(
            id().malformed("thing-task", "no number").to_string(),
            "thing-task task-7 at vc-east is no thing-task of vc-east: no number"
        );
    }

    #[test]
    fn a_call_about_it_was_not_sent_and_ends_a_wait() {
        let error = id().malformed("thing-task", "no number").not_sent(&WRITE);
        assert_eq!(error.effect(), Effect::NotSent);
        assert!(matches!(error.retry(Repeat::Harmless), Retry::Never), "{error:?}");
        assert!(PollErrors::lasting(&error));
        assert_eq!(error.target(), "thing-task task-7 at vc-east");
    }
}
