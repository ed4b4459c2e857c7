//! The test kit: what a test puts in the place of a server, of a bad network, and of time.
//!
//! | to | use |
//! | --- | --- |
//! | answer by a script or a function | [`ScriptedTransport`] |
//! | never answer | [`NeverAnswers`] |
//! | lose answers, cut connections, refuse calls, end sessions | [`FaultyTransport`] with [`FaultRule`]s |
//! | write down what was called and answered, without secrets | [`Recorder`]; [`recorded`] if the environment says so |
//! | answer from what was written down | [`Replayer`] |
//! | give false answers, to see whether a test notices | [`AlteringTransport`]; [`recorded`] if the environment says so |
//! | hold a wait for remote work against all that must not end it | [`wait_suite`] |
//! | let time pass when the test says so | [`PausedClock`] |
//!
//! All but the clock are [`Transport`](crate::Transport)s, so they go wherever one goes: below a
//! [`StackBuilder`](crate::StackBuilder), around a real transport, or around each other.
//!
//! ```
//! use std::sync::Arc;
//! use farside_transport::testing::{
//!     Answer, FaultAction, FaultRule, Faults, FaultyTransport, PausedClock, ScriptedTransport,
//! };
//! use farside_transport::{Call, StackBuilder, Transport};
//! # use farside_wire::{Method, Operation, Repeat};
//! # const GET_THING: Operation = Operation {
//! #     id: "getThing", method: Method::Get, repeat: Repeat::Harmless,
//! #     ..farside_transport::testing::BLANK_OPERATION
//! # };
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clock = Arc::new(PausedClock::auto_advancing());
//! let server = Arc::new(ScriptedTransport::with(|_, _| Answer::json(200, r#"{"id":"thing"}"#)));
//! let faults = Faults::new();
//! let network = FaultyTransport::new(server.clone(), clock.clone(), faults.clone());
//! let stack = StackBuilder::new(Arc::new(network), clock).build();
//!
//! let lost = faults.add(FaultRule::new("getThing", FaultAction::DropAnswer));
//! let request = http::Request::get("/things/1").body(bytes::Bytes::new())?;
//! stack.send(Call::new(&GET_THING, "thing 1", request)).await?;
//! assert_eq!((lost.counts().hits, server.count(&GET_THING)), (1, 2), "a read is sent again");
//! # Ok(())
//! # }
//! ```

use std::sync::{Mutex, MutexGuard, PoisonError};

use farside_wire::{Method, Operation, Repeat, Service};

mod altered;
mod clock;
mod exchange;
mod failure;
mod fault;
mod faulty;
mod json;
mod recorder;
mod recording;
mod replayer;
mod script;
mod strike_out;
pub mod wait_suite;

pub use altered::{ALTERED, Alteration, AlteringTransport};
pub use clock::PausedClock;
pub use exchange::{Exchange, RecordedAnswer, RecordedBody, RecordedOutcome, RecordedRequest};
pub use failure::{RecordedError, RecordedFailure, SourceKind};
pub use fault::{FaultAction, FaultCount, FaultPlan, FaultRule, Pattern, Probability};
pub use faulty::{FaultCounts, FaultGuard, Faults, FaultyTransport};
pub use recorder::{RECORDINGS, Recorder, recorded};
pub use recording::{RecordedTest, Recording, RecordingError, RecordingErrorKind};
pub use replayer::{ReplayError, ReplayErrorKind, Replayer};
pub use script::{Answer, NeverAnswers, ScriptedTransport};
pub use strike_out::StrikeOut;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An operation that no service has, to make others of: a `POST` that may be sent again only if it was never sent.
///
/// ```
/// use farside_transport::testing::BLANK_OPERATION;
/// use farside_wire::{Method, Operation, Repeat};
///
/// const GET_THING: Operation = Operation {
///     id: "getThing",
///     method: Method::Get,
///     repeat: Repeat::Harmless,
///     ..BLANK_OPERATION
/// };
/// # let _ = GET_THING;
/// ```
pub const BLANK_OPERATION: Operation = Operation {
    id: "",
    service: Service::Vcda,
    method: Method::Post,
    path: "",
    query: "",
    repeat: Repeat::OnlyIfNeverSent,
    since: None,
    privileges: &[],
    faults: &[],
    refused_before_acting: &[],
    anonymous: false,
    secrets: &[],
};

/// Operations of no real service, for the tests of this crate.
#[cfg(test)]
pub(crate) mod operations {
    use bytes::Bytes;
    use farside_wire::{Method, Operation, Repeat};
    use http::Request;

    use super::BLANK_OPERATION;
    use crate::call::Call;

    /// A read.
    pub(crate) const READ: Operation = Operation {
        id: "readThing",
        method: Method::Get,
        path: "/things/{id}",
        repeat: Repeat::Harmless,
        refused_before_acting: &["ThingIsBusy"],
        ..BLANK_OPERATION
    };

    /// An action.
    pub(crate) const WRITE: Operation = Operation {
        id: "startThing",
        method: Method::Post,
        repeat: Repeat::OnlyIfNeverSent,
        ..READ
    };

    /// The login.
    pub(crate) const LOG_IN: Operation = Operation {
        id: "logIn",
        anonymous: true,
        secrets: &[],
        ..WRITE
    };

    /// What widens a session.
    pub(crate) const EXTEND: Operation = Operation { id: "extend", ..READ };

    /// The log-out.
    pub(crate) const LOG_OUT: Operation = Operation {
        id: "logOut",
        ..WRITE
    };

    /// A call of one of them.
    pub(crate) fn call(operation: &'static Operation) -> Call {
        let request = Request::builder()
            .method(operation.method.as_str())
            .uri("/things/1")
            .body(Bytes::new())
            .expect("a valid request");
        Call::new(operation, "thing 1", request)
    }
}
