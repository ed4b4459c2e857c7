//! Whether the generator scales: everything in a full API document, generated and compiled.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::usage;
use crate::bench::{Bound, Measured, target_folder};
use crate::codegen::by_hand;
use crate::json::Value;
use crate::schemas::dialect;
use crate::schemas::overlay::Overlay;

/// The largest document.
const DOCUMENT: &str = "vi-json.json";

/// Generates every operation and type of the document below `from`, and runs `cargo check` on them.
pub(super) fn run(from: &Path) -> Result<Vec<Measured>> {
    let folder = target_folder()?.join("long/whole-schema");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("emptying {}", folder.display()))?;
    }
    fs::create_dir_all(folder.join("src")).with_context(|| format!("creating {}", folder.display()))?;
    let document = from.join(DOCUMENT);
    let operations = folder.join("operations.toml");
    let asked = everything(&document)?;
    fs::write(&operations, &asked.text).context("writing operations.toml")?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("the workspace has no root")?;
    let wire = root.join("crates/wire");
    let manifest = format!(
        "[package]\nname = \"whole-schema\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         farside-wire = {{ path = {wire:?} }}\nserde = {{ version = \"1\", default-features = false, features = [\"std\"] }}\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest).context("writing the manifest")?;
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).context("copying Cargo.lock")?;
    fs::write(
        folder.join("src/lib.rs"),
        "//! Everything.\n\npub mod generated;\n",
    )
    .context("writing lib.rs")?;

    let generated = folder.join("src/generated");
    let program = std::env::current_exe().context("this program has no path")?;
    let mut codegen = Command::new(program);
    codegen
        .arg("codegen")
        .arg("--from")
        .arg(&document)
        .arg("--operations")
        .arg(&operations)
        .arg("--out")
        .arg(&generated);
    let generation = usage::of(&mut codegen)?;
    let mut check = Command::new(env!("CARGO"));
    check
        .args(["check", "--quiet"])
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", folder.join("target"));
    let checking = usage::of(&mut check)?;

    let (files, lines, longest) = count(&generated)?;
    let (types, operations) = defined(&generated)?;
    let report = |name: &str, value: f64, unit: &str| Bound::Told.measured(name, value, unit);
    Ok(vec![
        // What is asked for is there, and what requests lead to beside it.
        Bound::AtLeast(f64::from(asked.types)).measured("whole-schema-types", f64::from(types), "types"),
        Bound::AtLeast(f64::from(asked.operations)).measured(
            "whole-schema-operations",
            f64::from(operations),
            "operations",
        ),
        report("whole-schema-files", f64::from(files), "files"),
        report("whole-schema-lines", f64::from(lines), "lines"),
        Bound::Below(1001.0).measured("whole-schema-longest-file", f64::from(longest), "lines"),
        report("whole-schema-generation", generation.cpu_seconds, "cpu seconds"),
        report("whole-schema-generation-peak", generation.peak_gb, "GB"),
        report("whole-schema-check", checking.cpu_seconds, "cpu seconds"),
        report("whole-schema-check-peak", checking.peak_gb, "GB"),
    ])
}

/// What is asked for.
struct Asked {
    /// An operations file that lists every operation, and wants every type that no request is.
    text: String,
    operations: u32,
    /// All types, those that are requests included.
    types: u32,
}

/// Everything in the document but what the wire runtime has by hand, and boxes, which only say how a value travels.
fn everything(document: &Path) -> Result<Asked> {
    let text = fs::read(document).with_context(|| format!("reading {}", document.display()))?;
    let json: serde_json::Value =
        serde_json::from_slice(&text).with_context(|| format!("parsing {}", document.display()))?;
    let mut overlay = Overlay {
        service: "ViJson".to_owned(),
        ..Overlay::default()
    };
    dialect::complete(&mut overlay, DOCUMENT, &Value::Null.into())?;
    let mut asked = Asked {
        text: String::from("[operations]\n"),
        operations: 0,
        types: 0,
    };
    let paths = json["paths"].as_object().context("the document has no paths")?;
    for operation in paths
        .values()
        .filter_map(|item| item.as_object())
        .flat_map(|item| item.values())
    {
        let id = operation["operationId"]
            .as_str()
            .context("an operation without an id")?;
        asked.text.push_str(&format!("{id:?} = {{}}\n"));
        asked.operations += 1;
    }
    asked.text.push_str("\n[types]\n");
    let schemas = json["components"]["schemas"]
        .as_object()
        .context("the document has no schemas")?;
    for (name, schema) in schemas {
        let boxed = schema["properties"]
            .as_object()
            .is_some_and(|all| all.len() == 1 && all.contains_key("_value"));
        if boxed || by_hand(&overlay, name).is_some() {
            continue;
        }
        asked.types += 1;
        if !name.ends_with("RequestType") {
            asked.text.push_str(&format!("{name:?} = {{ wanted = true }}\n"));
        }
    }
    Ok(asked)
}

/// Types and operations that the files below `folder` define.
fn defined(folder: &Path) -> Result<(u32, u32)> {
    let (mut types, mut operations) = (0, 0);
    for entry in fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            let below = defined(&path)?;
            (types, operations) = (types + below.0, operations + below.1);
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        for line in text.lines() {
            types += u32::from(line.starts_with("pub struct ") || line.starts_with("pub enum "));
            operations += u32::from(line.starts_with("pub const ") && line.contains(": Operation ="));
        }
    }
    Ok((types, operations))
}

/// Files, lines, and lines of the longest file below `folder`.
fn count(folder: &Path) -> Result<(u32, u32, u32)> {
    let (mut files, mut lines, mut longest) = (0, 0, 0);
    for entry in fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            let below = count(&path)?;
            (files, lines, longest) = (files + below.0, lines + below.1, longest.max(below.2));
        } else {
            let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let here = u32::try_from(text.lines().count()).context("a file beyond all bounds")?;
            (files, lines, longest) = (files + 1, lines + here, longest.max(here));
        }
    }
    ensure!(files > 0, "nothing was generated");
    Ok((files, lines, longest))
}
