//! API documents as files: JSON or YAML, each value with its line, and what is found wrong in them.

mod findings;
mod read;
#[cfg(test)]
pub(crate) mod tests;
mod yaml;

pub(crate) use findings::Findings;
#[cfg(test)]
pub(crate) use read::parse;
pub(crate) use read::{File, open};
