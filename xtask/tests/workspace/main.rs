//! What holds for the workspace as a whole, beside its layers: where third-party crates come from and under which
//! licence, and that the orchestration core does not know what it orchestrates.

mod kind_names;
mod licence;
mod third_party;
