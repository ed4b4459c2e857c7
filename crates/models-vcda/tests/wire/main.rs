//! Every generated type against the checked-in schema and against the wire fixtures.

#[path = "../../../models-vim/tests/wire/document.rs"]
mod document;
#[path = "../../../models-vim/tests/wire/golden.rs"]
mod golden;
#[path = "../../../models-vim/tests/wire/make.rs"]
mod make;
#[path = "../../../models-vim/tests/wire/schema.rs"]
mod schema;
#[path = "../../../models-vim/tests/wire/suite.rs"]
mod suite;
#[path = "../generated/types.rs"]
mod types;

suite::tests!(types::TYPES, &[], "vcda", "");
