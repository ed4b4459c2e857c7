//! Every generated type against the checked-in schema and against the wire fixtures.

#[path = "../generated/types.rs"]
mod types;

mod document;
mod golden;
mod make;
mod schema;
mod suite;

suite::tests!(types::TYPES, &[], "vi-json", "");
