//! What the tests stand on.
//!
//! - [`plan`]: short ways to write a plan; [`generate`]: any plan and any disturbance, for properties
//! - [`bench`]: one run, led by hand
//! - [`world`]: servers that do their worst within the rules; [`simulation`]: a run driven against them through crashes
//! - [`audit`]: the rules of a history, checked from the records alone

pub(crate) mod audit;
pub(crate) mod bench;
pub(crate) mod generate;
pub(crate) mod plan;
pub(crate) mod simulation;
pub(crate) mod world;
