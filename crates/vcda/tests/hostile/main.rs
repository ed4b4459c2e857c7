//! Answers that no service should give, and that a hostile one or a proxy before it does. The simulator plays what the
//! pages describe, so these are scripted.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod lists;
mod networks;
mod sessions;
mod support;
mod tasks;
