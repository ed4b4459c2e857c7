//! What proxies, networks and servers in the midst of a switch answer at one address and at another. The simulator plays one
//! cluster that keeps the rules, so these are scripted.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod answers;
mod failover;
mod support;
