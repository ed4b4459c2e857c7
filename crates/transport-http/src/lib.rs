//! Sends calls over HTTPS: hyper for HTTP, rustls for TLS.
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
//! | `builder` | [`HttpTransportBuilder`] |
//! | `error` | [`BuildError`], [`LookError`] |
//! | `endpoint` | the base URL, taken apart |
//! | `trust` | whose certificate is accepted: authorities, pins, anyone |
//! | `known_hosts` | [`KnownHosts`]: a file of pins |
//! | `proxy` | which proxy, for which hosts, and the tunnel through it |
//! | `connect` | name, TCP, TLS |
//! | `protocol` `http1` `http2` | a connection, and what a failure on it means |
//! | `progress` | how much of a request has left |
//! | `pool` | connections between calls |
//! | `exchange` | [`HttpTransport`]: one request, one answer |
//!
//! Features: `ring` (default) and `aws-lc` choose the cryptography of TLS; at least one is needed, and with both on it
//! is ring, so `aws-lc` alone takes `default-features = false`. `http2` offers HTTP/2 to servers.
//!
//! What holds here: no plain HTTP; no certificate is accepted without a check unless the caller has said so by
//! name; no certificate is trusted because it was seen before; every step has a time limit and every answer a size
//! limit; an error says `NotSent` only if the bytes that left cannot have been the whole request, or the server said
//! by its protocol that it took nothing of it.

#[cfg(not(any(feature = "ring", feature = "aws-lc")))]
compile_error!("TLS needs cryptography: enable feature `ring` or `aws-lc` of farside-transport-http");

mod builder;
mod connect;
mod endpoint;
mod error;
mod exchange;
mod http1;
#[cfg(feature = "http2")]
mod http2;
mod known_hosts;
mod pool;
mod progress;
mod protocol;
mod proxy;
mod trust;

pub use builder::HttpTransportBuilder;
pub use error::{BuildError, LookError};
pub use exchange::HttpTransport;
pub use farside_transport::{ParsePinError, Pin};
pub use known_hosts::{KnownHostError, KnownHosts, KnownHostsError, UnlistedHost};
pub use trust::Roots;
