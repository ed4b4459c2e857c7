//! `farside plan`: reads files only.

use std::path::Path;

use anyhow::Context as _;
use farside_failover::kind;
use farside_failover::plan::Document;
use farside_failover::report::exit;
use serde::Serialize;

use crate::args;
use crate::failure::Failure;
use crate::output;

#[derive(Serialize)]
struct Valid<'a> {
    schema: &'static str,
    plan: &'a str,
    hash: &'a str,
    groups: usize,
    endpoints: usize,
    items: usize,
}

pub(super) fn run(command: &args::Plan) -> Result<u8, Failure> {
    let args::Plan::Validate { plan, json } = command;
    let document = read(plan)?;
    let valid = Valid {
        schema: "farside.plan/1",
        plan: &document.name,
        hash: &document.hash,
        groups: document.groups.len(),
        endpoints: document.endpoints.len(),
        items: document.items.len(),
    };
    if *json {
        output::json(&valid);
    } else {
        output::result(&format!(
            "Plan {} is well formed: {} items in {} priority groups, {} endpoints. No server was asked; `farside check` does that.",
            valid.plan, valid.items, valid.groups, valid.endpoints
        ));
    }
    Ok(exit::DONE)
}

/// Reads a plan file and checks all that can be checked without a server.
pub(super) fn read(path: &Path) -> Result<Document, Failure> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the plan {}", path.display()))
        .map_err(Failure::refused)?;
    let kinds = kind::standard();
    let document = Document::parse(path, &text, &kinds)?;
    document.check(&text, &kinds)?;
    Ok(document)
}
