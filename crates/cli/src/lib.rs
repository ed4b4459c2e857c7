//! What the command brings beside its binary: a recovery plan for everything in a simulated world.

pub mod sample;
