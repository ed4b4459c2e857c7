//! The transport against a real TLS server on the loopback device.

mod bad_night;
mod server;
mod trust;
