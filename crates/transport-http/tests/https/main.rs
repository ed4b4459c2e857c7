//! The transport against a real TLS server on the loopback device.

mod calls;
mod connections;
mod effects;
mod giants;
#[cfg(feature = "http2")]
mod http2;
mod identity;
mod known_hosts;
mod proxy;
mod server;
mod trust;
