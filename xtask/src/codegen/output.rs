//! The folder of a module that is made of a document: what a former run wrote there, and what may be written now.
//!
//! A folder can hold other things too: files by hand, or modules of other runs below this one. What a former run of the
//! same document wrote are the modules that its `mod.rs` names, and those that they name; nothing else is ever
//! overwritten or removed. `mod.rs` is written first and names all files, so that an interrupted run can be done again.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::{Files, MARK};

/// The root of a module.
const ROOT: &str = "mod.rs";
/// What only the root of a module declares.
const IN_ROOT: &str = "pub mod operation;";
/// So many files are named in an error.
const SHOWN: usize = 10;

/// How the folder of a module differs from what is generated.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// Files that are not there or have another text, `mod.rs` of a folder before what it names.
    pub(super) stale: Vec<String>,
    /// Files of a former run that nothing generates any more.
    pub(super) left: Vec<String>,
}

/// Compares the folder with the `files` that are made of `document`.
///
/// # Errors
/// If the folder is none, a file is in the way that no former run wrote, or one cannot be read.
pub(super) fn compare(folder: &Path, document: &str, files: &Files) -> Result<Difference> {
    if folder.exists() && !folder.is_dir() {
        bail!("`--out {}` is a file; it must be a folder", folder.display());
    }
    let former = former(folder, document)?;
    let mut in_the_way = Vec::new();
    let mut difference = Difference::default();
    for (path, text) in files {
        let target = folder.join(path);
        match fs::read(&target) {
            Ok(old) if former.contains(path) => {
                if old != text.as_bytes() {
                    difference.stale.push(path.clone());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => difference.stale.push(path.clone()),
            Ok(_) => in_the_way.push(target.display().to_string()),
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                in_the_way.push(target.display().to_string());
            }
            Err(error) => {
                return Err(error).with_context(|| format!("reading {}", target.display()));
            }
        }
    }
    if !in_the_way.is_empty() {
        let more = in_the_way.len().saturating_sub(SHOWN);
        in_the_way.truncate(SHOWN);
        if more > 0 {
            in_the_way.push(format!("and {more} more"));
        }
        bail!(
            "no former run on {document} wrote what is in the way; take it away, or choose another `--out`:\n{}",
            in_the_way.join("\n")
        );
    }
    // A module that names others comes before them.
    difference
        .stale
        .sort_by_key(|path| (path.matches('/').count(), !path.ends_with(ROOT), path.clone()));
    difference.left = former
        .into_iter()
        .filter(|path| !files.contains_key(path))
        .collect();
    Ok(difference)
}

/// Removes what is left of a former run, with folders that are empty then.
///
/// # Errors
/// If a file cannot be removed.
pub(super) fn remove(folder: &Path, left: &[String]) -> Result<()> {
    for path in left {
        let target = folder.join(path);
        fs::remove_file(&target).with_context(|| format!("removing {}", target.display()))?;
        let above = Path::new(path).ancestors().skip(1);
        for above in above.filter(|above| !above.as_os_str().is_empty()) {
            // It fails for a folder that holds something, which is what should stay.
            if fs::remove_dir(folder.join(above)).is_err() {
                break;
            }
        }
    }
    Ok(())
}

/// The files that a former run on the document wrote.
fn former(folder: &Path, document: &str) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    match made_of(&folder.join(ROOT), document)? {
        Some(text) if is_root(&text) => {}
        _ => return Ok(found),
    }
    let mut todo = vec![PathBuf::from(ROOT)];
    while let Some(path) = todo.pop() {
        let Some(text) = made_of(&folder.join(&path), document)? else {
            continue;
        };
        // The root of another run below this one.
        if path != Path::new(ROOT) && is_root(&text) {
            continue;
        }
        let below = if path.ends_with(ROOT) {
            path.parent().map(Path::to_owned).unwrap_or_default()
        } else {
            path.with_extension("")
        };
        for name in text.lines().filter_map(declared) {
            todo.push(below.join(format!("{name}.rs")));
            todo.push(below.join(name).join(ROOT));
        }
        found.insert(path.to_string_lossy().replace('\\', "/"));
    }
    Ok(found)
}

fn is_root(text: &str) -> bool {
    text.lines().any(|line| line == IN_ROOT)
}

/// The module that a line declares.
fn declared(line: &str) -> Option<&str> {
    let name = line.strip_suffix(';')?;
    let visible = ["pub(super) mod ", "pub mod ", "mod "];
    visible.iter().find_map(|start| name.strip_prefix(start))
}

/// The text of a file that says that it was generated from the document.
fn made_of(path: &Path, document: &str) -> Result<Option<String>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    let text = String::from_utf8(bytes).ok();
    let schema = format!("//! Schema: {document} ");
    Ok(text.filter(|text| {
        text.as_bytes().starts_with(MARK) && text.lines().take(3).any(|line| line.starts_with(&schema))
    }))
}

#[cfg(test)]
mod tests;
