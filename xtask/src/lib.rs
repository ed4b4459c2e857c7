//! Chores of the workspace.

pub mod bench;
pub mod codegen;
pub mod coverage;
mod document;
pub mod features;
mod json;
pub mod layers;
pub mod long;
pub mod odd;
pub mod schemas;
pub mod test_all;
pub mod validate;
