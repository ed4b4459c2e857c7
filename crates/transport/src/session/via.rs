//! What a scheme's own calls go out through.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Response;

use super::machine::{Machine, Session};
use crate::call::{Call, Transport};
use crate::clock::{Clock, Deadline};
use crate::error::CallError;

/// Keeps all calls of one login, keep-alive or log-out within one deadline together.
pub(super) struct Via {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    deadline: Deadline,
    /// Where the calls are those of a live session: an answer may bring its next token.
    session: Option<(Arc<Machine>, Session)>,
}

impl Via {
    pub(super) fn new(inner: &Arc<dyn Transport>, clock: &Arc<dyn Clock>, limit: Duration) -> Self {
        Self {
            inner: Arc::clone(inner),
            clock: Arc::clone(clock),
            deadline: Deadline::after(&**clock, limit),
            session: None,
        }
    }

    /// For the calls that keep `session` alive.
    pub(super) fn within(machine: &Arc<Machine>, session: &Session, limit: Duration) -> Self {
        Self {
            session: Some((Arc::clone(machine), session.clone())),
            ..Self::new(&machine.inner, &machine.clock, limit)
        }
    }
}

impl fmt::Debug for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.inner, f)
    }
}

#[async_trait]
impl Transport for Via {
    async fn send(&self, mut call: Call) -> Result<Response<Bytes>, CallError> {
        call.deadline = Some(call.time_limit().min(self.deadline.left(&*self.clock)));
        let outcome = self.inner.send(call).await;
        if let Some((machine, session)) = &self.session {
            machine.renew(session, &outcome);
        }
        outcome
    }
}
