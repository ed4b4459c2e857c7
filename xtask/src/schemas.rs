//! `cargo xtask schemas --from DIR`: cuts the full API documents down to what is generated.
//!
//! The full documents are not checked in. Each folder of `xtask/schemas` names in its `operations.toml` the
//! operations and types that are wanted; this chore copies their closure into the folder, one path or schema a
//! line and always in the same order, and writes the folder's README with origin, version and digests.

pub(crate) mod cut;
pub(crate) mod dialect;
pub(crate) mod errors;
mod layout;
pub(crate) mod links;
pub(crate) mod nearest;
mod operation;
pub mod overlay;
pub(crate) mod prose;
mod slim;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::document::{self, File};
use crate::json::Json;
use overlay::Overlay;

/// The folder with one sub-folder for each API document.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

/// What messages call a file: below the workspace if it is there.
fn shown(path: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let below = root.and_then(|root| path.strip_prefix(root).ok());
    below.unwrap_or(path).display().to_string()
}

/// Arguments of the chore.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Folder with the full documents, named as each `operations.toml` says.
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
}

/// Cuts every document anew and says how large each one is.
///
/// # Errors
/// If a document cannot be read, lacks something an `operations.toml` names, or a file cannot be written.
#[expect(clippy::print_stdout, reason = "a chore reports to the person who ran it")]
pub fn run(args: &Args) -> Result<()> {
    for product in products()? {
        let (document, readme) = cut_product(&product, &args.from)?;
        let target = product.join(document_name(&product)?);
        fs::write(&target, &document).with_context(|| format!("writing {}", target.display()))?;
        fs::write(product.join("README.md"), &readme).context("writing README.md")?;
        println!("{}: {} bytes", target.display(), document.len());
    }
    Ok(())
}

/// The folders below [`folder`], sorted by name.
///
/// # Errors
/// If the folder cannot be listed.
pub fn products() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder()).with_context(|| format!("listing {}", folder().display()))? {
        let path = entry?.path();
        if path.join("operations.toml").is_file() {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() {
        bail!("no folder below {} has an operations.toml", folder().display());
    }
    Ok(found)
}

/// Name of the document of a product: the folder's name with `.json`.
///
/// # Errors
/// If the folder has no name that is text.
pub fn document_name(product: &Path) -> Result<String> {
    let name = product
        .file_name()
        .and_then(|name| name.to_str())
        .context("a product folder without a name")?;
    Ok(format!("{name}.json"))
}

/// SHA-256 of `bytes` in lower-case hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The cut document of one product and its README.
fn cut_product(product: &Path, from: &Path) -> Result<(String, String)> {
    let name = document_name(product)?;
    let overlay = Overlay::read_rules(product)?;
    let source = from.join(&name);
    let File {
        json: full,
        digest: source,
    } = document::open(&source)?;
    let document = cut::cut(&name, &full, &overlay)?;
    let text = layout::text(&document);
    let readme = readme(
        &name,
        &overlay,
        &full,
        &source,
        &document,
        &digest(text.as_bytes()),
    );
    Ok((text, readme))
}

fn readme(name: &str, overlay: &Overlay, full: &Json, source: &str, cut: &Json, result: &str) -> String {
    let info = |key: &str| {
        full.get("info")
            .and_then(|info| info.text(key))
            .unwrap_or("-")
            .to_owned()
    };
    let paths = cut.get("paths").map_or(0, |paths| paths.members().len());
    let schemas = cut::schemas(cut).map_or(0, |schemas| schemas.members().len());
    format!(
        "# {name}\n\n\
         {}\n\n\
         Written by `cargo xtask schemas --from DIR`; `operations.toml` says what is taken over. Nothing here is edited by hand but that file.\n\n\
         | | |\n| --- | --- |\n\
         | title | {} |\n\
         | version | {} |\n\
         | full document, sha256 | {source} |\n\
         | this document, sha256 | {result} |\n\
         | paths | {paths} |\n\
         | schemas | {schemas} |\n",
        overlay.origin,
        info("title"),
        info("version"),
    )
}

#[cfg(test)]
mod tests;
