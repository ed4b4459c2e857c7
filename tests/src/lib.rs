//! What the end-to-end tests share: the built command, a served simulator in a process of its own, a simulated estate in
//! this process, and the judge that reads the simulator's log of calls.

pub mod estate;
pub mod judge;
mod process;

pub use process::{Farside, Finished, Sim, until};
