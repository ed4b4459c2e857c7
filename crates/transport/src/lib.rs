//! Calls to VMware's failover APIs: the [`Transport`] trait, what can go wrong and what that means, and the
//! layers between a client and the wire.
//!
//! This crate opens no connection. `farside-transport-http` sends calls over HTTPS, the simulator answers them
//! in process, and a user can put in a transport of their own.
//!
//! ```
//! use std::sync::Arc;
//! use farside_transport::{StackBuilder, SystemClock, Transport};
//! # use farside_transport::{Call, CallError, CallErrorKind};
//! # #[derive(Debug)]
//! # struct Nowhere;
//! # #[async_trait::async_trait]
//! # impl Transport for Nowhere {
//! #     async fn send(&self, call: Call) -> Result<http::Response<bytes::Bytes>, CallError> {
//! #         Err(call.context().error(CallErrorKind::Closed))
//! #     }
//! # }
//! # let http = Arc::new(Nowhere);
//! let clock = Arc::new(SystemClock::new());
//! let transport: Arc<dyn Transport> = StackBuilder::new(http, clock).endpoint("vc-east").limit(8).build();
//! assert_eq!(format!("{transport:?}"), "trace > retry(4) > limit(8) > Nowhere");
//! ```
//!
//! | module | what it holds |
//! | --- | --- |
//! | `call` | [`Transport`], [`Call`]: request, target, repeat rule, deadline |
//! | `error` | [`CallError`] with its [`Effect`] and [`Retry`] advice |
//! | `answer` | from a raw HTTP answer to success or error |
//! | `stack` | [`StackBuilder`]: trace, retry, session, limit, transport, in this order |
//! | `trace` `retry` `session` `limit` | the layers |
//! | `quota` | [`EndpointQuota`]: what stacks to one endpoint share |
//! | `metrics` `redact` | [`Metrics`], a hook for numbers; [`SecretNames`], which strikes secrets out of JSON |
//! | `remark` | [`Remark`]: what a simulator says of a call, for recordings |
//! | `operation` | [`RemoteOperation`]: remote work that ends later |
//! | `clock` `secret` `pin` | time, passwords, thumbprints |
//! | `testing` | scripted transports (feature `testing`) |
//!
//! What holds here: a call whose effect is unknown is never sent again unless it is harmless to repeat; every
//! wait has a deadline; no header, body or token appears in `Debug`, errors or traces; one login is in flight,
//! however many callers wait.

mod answer;
mod call;
mod clock;
mod error;
mod limit;
mod metrics;
mod operation;
mod pin;
mod quota;
mod random;
mod redact;
mod remark;
mod retry;
mod secret;
mod session;
mod stack;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod trace;

pub use call::{Call, CallContext, DEFAULT_CALL_LIMIT, RequestId, Transport};
pub use clock::{Clock, Deadline, Elapsed, SystemClock, within};
pub use error::{
    CallError, CallErrorKind, CertificateError, CertificateProblem, Effect, Phase, PinMismatch, ProxyError,
    ProxyProblem, Retry, Sent, StatusError,
};
pub use metrics::{CallEnd, CallOutcome, CallRepeat, Metrics, SessionEvent};
pub use operation::{
    Cancellation, Duty, ForeignOperation, NextLook, OperationId, PollErrors, PollPauses, PollPolicy,
    Progress, RemoteOperation, TaskSource, TaskStatus, Term, Turn, Turns, WaitError, WaitErrorKind,
};
pub use pin::{ParsePinError, Pin};
pub use quota::{EndpointQuota, RetryBudget};
pub use redact::SecretNames;
pub use remark::Remark;
pub use retry::RetryPolicy;
pub use secret::{SecretError, SecretErrorKind, SecretSource};
pub use session::{LOGIN_HOLD_OFF, SessionScheme, SessionToken};
pub use stack::{DEFAULT_CALLS_IN_FLIGHT, Stack, StackBuilder, StackSettings};
pub use trace::BodyTrace;
