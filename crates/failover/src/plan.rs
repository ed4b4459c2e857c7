//! The plan document: a TOML file, read with positions, so that every complaint names file, line and column.
//!
//! [`Document::parse`] reads the file alone; [`resolve`] makes of it what the engine runs.

mod document;
mod endpoint;
mod resolve;
mod table;
#[cfg(test)]
mod tests;

pub use document::{Document, ItemDeclaration, PLAIN_NAME, PriorityGroup, Timing, is_plain_name};
pub use endpoint::{EndpointConfig, EndpointType, ExtensionConfig, TlsConfig};
pub use resolve::{ResolveError, RunSurroundings, Selection, resolve};
pub use table::{PlanContext, PlanError, PlanProblem, Table};
