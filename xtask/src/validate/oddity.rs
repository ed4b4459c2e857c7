//! What differs from the documents on purpose: a list of places with their reasons.

use std::cell::Cell;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::Finding;

/// The list. In a pattern, `*` stands for any text.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Oddities {
    #[serde(default)]
    oddity: Vec<Oddity>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Oddity {
    /// Pattern of the operation.
    #[serde(default = "any")]
    operation: String,
    /// Pattern of the place.
    #[serde(default = "any")]
    place: String,
    /// Pattern of what is found there.
    what: String,
    /// Pattern of the test or the fixture that it comes from.
    #[serde(default = "any")]
    source: String,
    /// The reason.
    why: String,
    /// Why a run of the tests need not meet it, if so.
    #[serde(default)]
    rare: Option<String>,
    #[serde(skip)]
    met: Cell<bool>,
}

fn any() -> String {
    "*".to_owned()
}

impl Oddities {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        let oddities: Self = toml::from_str(text)?;
        for oddity in &oddities.oddity {
            anyhow::ensure!(!oddity.why.trim().is_empty(), "{} has no reason", oddity.what);
            let rare = oddity.rare.as_deref();
            anyhow::ensure!(
                rare.is_none_or(|rare| !rare.trim().is_empty()),
                "{} is rare without a reason",
                oddity.what
            );
        }
        Ok(oddities)
    }

    /// Whether the list has what was found.
    pub(super) fn covers(&self, finding: &Finding, source: &str) -> bool {
        let covering = self.oddity.iter().find(|oddity| {
            fits(&oddity.operation, &finding.operation)
                && fits(&oddity.place, &finding.place)
                && fits(&oddity.what, &finding.what)
                && fits(&oddity.source, source)
        });
        covering.inspect(|oddity| oddity.met.set(true)).is_some()
    }

    pub(super) fn len(&self) -> usize {
        self.oddity.len()
    }

    /// The entries that have covered nothing and are not said to be rare, in words.
    pub(super) fn stale(&self) -> impl Iterator<Item = String> {
        let unmet = self
            .oddity
            .iter()
            .filter(|oddity| !oddity.met.get() && oddity.rare.is_none());
        unmet.map(|oddity| {
            format!(
                "stale oddity, nothing has it: {}: {}: {} ({})",
                oddity.operation, oddity.place, oddity.what, oddity.source
            )
        })
    }

    /// How many entries have covered something.
    pub(super) fn met(&self) -> usize {
        self.oddity.iter().filter(|oddity| oddity.met.get()).count()
    }
}

/// Whether a text fits a pattern.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(first) else {
        return false;
    };
    let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    starts.into_iter().any(|at| fits(rest, &text[at..]))
}
