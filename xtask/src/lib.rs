//! Chores of the workspace.

pub mod codegen;
mod json;
pub mod layers;
pub mod schemas;
pub mod test_all;
