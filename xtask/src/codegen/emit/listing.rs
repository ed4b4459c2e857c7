//! The operations under one roof, and the list of all of them.

use anyhow::{Result, ensure};

use super::Scope;
use super::exports::{self, Export};
use super::parts::Module;
use super::types::WIRE;
use crate::schemas::overlay::Layout;

/// `operation.rs`, and its parts where one file does not hold them; by path.
///
/// # Errors
/// If there are more operations than a crate with features can list.
pub(super) fn files(scope: Scope<'_>, modules: &[Module]) -> Result<Vec<(String, String)>> {
    let exports = modules.iter().filter(|module| !module.operations.is_empty());
    let exports: Vec<Export> = exports
        .map(|module| Export::new(module, &module.operations))
        .collect();
    let parts = exports::parts(&exports, lines);
    if let [all] = parts[..] {
        return Ok(vec![(
            "operation.rs".to_owned(),
            part(scope, all, "super::", "pub"),
        )]);
    }
    ensure!(
        scope.model.layout == Layout::Module,
        "a crate with features lists its operations in one file, and these are too many"
    );
    let mut files = vec![("operation.rs".to_owned(), roof(parts.len()))];
    for (number, exports) in (1..).zip(parts) {
        let text = part(scope, exports, "super::super::", "pub(super)");
        files.push((format!("operation/part_{number}.rs"), text));
    }
    Ok(files)
}

/// Each operation is exported, and stands in the list with its feature.
fn lines(export: &Export<'_>) -> usize {
    export.lines() + export.names().len() * (1 + export.cfg().lines().count())
}

fn part(scope: Scope<'_>, exports: &[Export<'_>], base: &str, visibility: &str) -> String {
    let mut text = format!("use {WIRE}::Operation;\n\n");
    text.extend(exports.iter().map(|export| export.text(base)));
    text.push_str(match scope.model.layout {
        Layout::Crates => "\n/// All operations whose features are on.\n",
        Layout::Module => "\n/// All operations.\n",
    });
    text.push_str(&format!("{visibility} const ALL: &[&Operation] = &[\n"));
    for export in exports {
        let cfg = export.cfg();
        text.extend(export.names().iter().map(|name| format!("{cfg}&{name},\n")));
    }
    text + "];\n"
}

/// The list of all operations, made of the lists of its parts; none of these is empty.
fn roof(parts: usize) -> String {
    let mut text = format!("use {WIRE}::Operation;\n\n");
    for number in 1..=parts {
        text.push_str(&format!("mod part_{number};\n"));
    }
    for number in 1..=parts {
        text.push_str(&format!("pub use part_{number}::*;\n"));
    }
    let lists: Vec<String> = (1..=parts).map(|number| format!("part_{number}::ALL")).collect();
    let lists = lists.join(", ");
    text.push_str(&format!(
        "
const PARTS: [&[&Operation]; {parts}] = [{lists}];
const COUNT: usize = count();

/// All operations.
pub const ALL: &[&Operation] = &joined();

const fn count() -> usize {{
    let (mut count, mut part) = (0, 0);
    while part < PARTS.len() {{
        count += PARTS[part].len();
        part += 1;
    }}
    count
}}

const fn joined() -> [&'static Operation; COUNT] {{
    let mut all = [PARTS[0][0]; COUNT];
    let (mut index, mut part, mut place) = (0, 0, 0);
    while index < COUNT {{
        if place < PARTS[part].len() {{
            all[index] = PARTS[part][place];
            index += 1;
            place += 1;
        }} else {{
            part += 1;
            place = 0;
        }}
    }}
    all
}}
"
    ));
    text
}
