//! The world from outside: as a value, as a transport, and over the network.

#[cfg(feature = "serve")]
mod addresses;
#[cfg(feature = "serve")]
mod browser;
mod conditions;
mod coverage;
mod faults;
mod fixtures;
#[cfg(feature = "serve")]
mod http2;
mod https;
#[cfg(feature = "serve")]
mod loading;
#[cfg(feature = "serve")]
mod page;
mod support;
mod transport;
mod vcda_model;
mod vcda_readings;
mod vcda_recovery;
mod vcda_wire;
