//! Sends calls over HTTPS: hyper for HTTP/1.1, rustls for TLS.
//!
//! One [`HttpTransport`] is one endpoint with its own connections, trust and limits. It sends each call once;
//! sessions, repeats and limits on calls in flight are layers of `farside-transport`.
//!
//! ```
//! use std::time::Duration;
//! use farside_transport_http::{HttpTransport, Pin};
//!
//! let pin: Pin = "6f".repeat(32).parse()?;
//! let http = HttpTransport::builder("https://vc-east.example")
//!     .pin(pin)
//!     .connect_timeout(Duration::from_secs(5))
//!     .build()?;
//! assert_eq!(format!("{http:?}"), "HttpTransport(https://vc-east.example)");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | what it holds |
//! | --- | --- |
//! | `builder` | [`HttpTransportBuilder`] and [`BuildError`] |
//! | `endpoint` | the base URL, taken apart |
//! | `trust` | whose certificate is accepted: authorities, a pin, anyone |
//! | `connect` | name, TCP, TLS |
//! | `progress` | how much of a request has left |
//! | `pool` | connections between calls |
//! | `exchange` | [`HttpTransport`]: one request, one answer |
//!
//! What holds here: no plain HTTP; no certificate is accepted without a check unless the caller has said so by
//! name; every step has a time limit and every answer a size limit; an error says `NotSent` only if the bytes
//! that left cannot have been the whole request.

mod builder;
mod connect;
mod endpoint;
mod exchange;
mod pool;
mod progress;
mod trust;

pub use builder::{BuildError, HttpTransportBuilder};
pub use exchange::HttpTransport;
pub use farside_transport::{ParsePinError, Pin};
pub use trust::Roots;
