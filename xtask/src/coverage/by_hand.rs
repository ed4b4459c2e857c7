//! Test programs that record calls which no method of a client has made: a recorded call is to prove that there is a method.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// What makes a call by hand.
const MAKERS: [&str; 2] = ["Invocation::new(", "Call::new("];

/// A line for each test program below `tests`, the folder of one crate, that records and makes calls by hand.
pub(super) fn programs(tests: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for program in entries(tests)? {
        let mut texts = Vec::new();
        read(&program, &mut texts)?;
        let makes = |text: &String| MAKERS.iter().any(|maker| text.contains(maker));
        if texts.iter().any(|text| records(text)) && texts.iter().any(makes) {
            found.push(format!(
                "{}: records calls that it makes by hand: send them from a test program that does not record",
                program.display()
            ));
        }
    }
    Ok(found)
}

fn records(text: &str) -> bool {
    let mut lines = text.lines();
    lines.any(|line| line.contains("farside_transport::testing::") && line.contains("recorded"))
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// Reads a file in Rust, or all of a folder.
fn read(path: &Path, texts: &mut Vec<String>) -> Result<()> {
    if path.is_dir() {
        return entries(path)?.iter().try_for_each(|path| read(path, texts));
    }
    if path.extension().is_some_and(|extension| extension == "rs") {
        texts.push(fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::empty;
    use super::*;

    #[test]
    fn a_program_that_records_and_makes_calls_by_hand_is_told() {
        let tests = std::env::temp_dir().join(format!("xtask-by-hand-{}", std::process::id()));
        empty(&tests).expect("a folder");
        let both = tests.join("both");
        fs::create_dir(&both).expect("a folder");
        let import = "use farside_transport::testing::{recorded, Answer};";
        let makes = "let call = Call::new(&READ, ..);";
        for (path, text) in [
            (both.join("support.rs"), import),
            (both.join("main.rs"), makes),
            (tests.join("records.rs"), import),
            (tests.join("makes.rs"), makes),
            (tests.join("notes.md"), &*format!("{import}\n{makes}")),
        ] {
            fs::write(path, text).expect("a file");
        }
        let told = programs(&tests).expect("a listing");
        fs::remove_dir_all(&tests).expect("the folder goes");
        let expected = format!("{}: records calls", both.display());
        assert!(told.len() == 1 && told[0].starts_with(&expected), "{told:?}");
    }
}
