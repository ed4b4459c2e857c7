//! Operations of no real API, and calls of them.

use bytes::Bytes;
use farside_transport::{Call, CallErrorKind};
use farside_wire::{Method, Operation, Repeat, Service};
use http::Request;

/// A read of VCDA.
pub(crate) const READ: Operation = Operation {
    id: "readThing",
    service: Service::Vcda,
    method: Method::Get,
    path: "/things/1",
    query: "",
    repeat: Repeat::Harmless,
    since: None,
    privileges: &[],
    faults: &[],
    refused_before_acting: &[],
    anonymous: false,
    secrets: &[],
};

/// An action of VCDA.
pub(crate) const WRITE: Operation = Operation {
    id: "startThing",
    method: Method::Post,
    repeat: Repeat::OnlyIfNeverSent,
    ..READ
};

/// An action of VI JSON that refuses with a fault of its own.
pub(crate) const FAULTY: Operation = Operation {
    id: "Thing_Start",
    service: Service::ViJson,
    refused_before_acting: &["InvalidState"],
    ..WRITE
};

/// A call with a body of this size.
pub(crate) fn call(operation: &'static Operation, body_bytes: usize) -> Call {
    let request = Request::builder()
        .method(operation.method.as_str())
        .uri("/things/1?depth=2")
        .body(Bytes::from(vec![b' '; body_bytes]))
        .expect("a valid request");
    Call::new(operation, "thing 1", request)
}

/// A kind in short: its name and what tells it from others of that name.
pub(crate) fn in_short(kind: &CallErrorKind) -> String {
    let name = kind.name();
    match kind {
        CallErrorKind::Certificate(refused) => format!("{name} {:?}", refused.problem),
        CallErrorKind::Cut { sent, .. } => format!("{name} {sent:?}"),
        CallErrorKind::Timeout { phase, sent, .. } => format!("{name} {phase:?} {sent:?}"),
        CallErrorKind::TooLarge { part, .. } => format!("{name} {part}"),
        CallErrorKind::ContentType { seen } => format!("{name} {seen}"),
        CallErrorKind::Status(status) => {
            let code = status.error.as_ref().map_or("", |error| error.code());
            let delay = status
                .retry_after
                .map_or(String::new(), |delay| format!("{delay:?}"));
            format!("{name} {} {code} {delay}", status.status.as_u16())
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        }
        _ => name.to_owned(),
    }
}
