//! The table of features in a crate's manifest.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

/// The line before the table, and the one after it.
const MARKS: [&str; 2] = [
    "# Written by `cargo xtask codegen`: a feature for each managed object or resource, and `all` of them.",
    "# End of what `cargo xtask codegen` writes.",
];

/// The manifest with the table between its marks written anew.
///
/// # Errors
/// If the manifest lacks the marks.
pub(super) fn with_features(manifest: &str, features: &BTreeSet<&str>) -> Result<String> {
    let [begin, end] = MARKS;
    let missing = |mark: &str| format!("no line `{mark}`");
    let (before, rest) = manifest.split_once(begin).with_context(|| missing(begin))?;
    let (_, after) = rest.split_once(end).with_context(|| missing(end))?;
    Ok(format!("{before}{begin}\n{}{end}{after}", table(features)))
}

fn table(features: &BTreeSet<&str>) -> String {
    let mut text = String::from("[features]\ndefault = []\nall = [\n");
    for feature in features {
        text.push_str(&format!("    {feature:?},\n"));
    }
    text.push_str("]\n");
    for feature in features {
        text.push_str(&format!("{feature} = []\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{MARKS, with_features};

    #[test]
    fn the_table_is_replaced_and_the_rest_is_kept() {
        let [begin, end] = MARKS;
        let manifest =
            format!("[package]\nname = \"x\"\n\n{begin}\n[features]\nold = []\n{end}\n\n[lints]\n");
        let features = BTreeSet::from(["task", "host-system"]);
        let written = with_features(&manifest, &features).unwrap();
        assert_eq!(
            written,
            format!(
                "[package]\nname = \"x\"\n\n{begin}\n[features]\ndefault = []\nall = [\n    \"host-system\",\n    \
                 \"task\",\n]\nhost-system = []\ntask = []\n{end}\n\n[lints]\n"
            )
        );
        assert_eq!(with_features(&written, &features).unwrap(), written);
    }

    #[test]
    fn a_manifest_without_marks_is_refused() {
        let error = with_features("[package]\n", &BTreeSet::new()).unwrap_err();
        assert!(error.to_string().starts_with("no line `# Written by"), "{error}");
    }
}
