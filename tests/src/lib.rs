//! What the end-to-end tests share: the built command, a served simulator in a process of its own, a simulated estate in
//! this process, the judge that reads the simulator's log of calls, what the world has to show of what a run calls done, and the
//! search for secrets in what was put out.

pub mod estate;
pub mod judge;
pub mod leak;
mod process;
pub mod truth;

pub use process::{Farside, Finished, Sim, unattended, until};
