//! What is generated from: a document with what is said about it.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::format::Formatter;
use super::model::Model;
use super::read::{self, Document};
use super::{Files, documented, emit, named, resolve, workspace};
use crate::document::{self, File};
use crate::json::Json;
use crate::schemas::errors::ErrorNames;
use crate::schemas::overlay::{Layout, Overlay};
use crate::schemas::{self, cut, dialect, prose};

/// A document, cut to what is generated, and its overlay.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) document: Document,
    pub(super) overlay: Overlay,
    /// The document as it was read, if it is kept.
    pub(super) full: Option<Json>,
}

impl Source {
    /// One of our products.
    ///
    /// # Errors
    /// If its document or its overlay cannot be read, or the texts do not fit the document.
    pub(super) fn checked_in(product: &Path) -> Result<Self> {
        let overlay = Overlay::read(product)?;
        let mut source = Self {
            document: read::read(product)?,
            overlay,
            full: None,
        };
        source.fits()?;
        Ok(source)
    }

    /// One of our products, without what is said about it.
    ///
    /// # Errors
    /// If its document or its `operations.toml` cannot be read.
    pub(super) fn without_texts(product: &Path) -> Result<Self> {
        let file = document::open(&product.join(schemas::document_name(product)?))?;
        Ok(Self {
            document: read::read(product)?,
            overlay: Overlay::read_rules(product)?,
            full: Some(file.json),
        })
    }

    /// Any document, cut to what `operations` lists; with its descriptions as documentation if `prose` says so.
    ///
    /// # Errors
    /// As [`Source::checked_in`], and if the overlay names what the document does not have.
    pub(super) fn foreign(from: &Path, operations: &Path, prose: bool) -> Result<Self> {
        let File { json, digest } = document::open(from)?;
        let overlay = Overlay::read_file(operations)?;
        if json.get("openapi").is_none() || schemas::cut::schemas(&json).is_none() {
            bail!(
                "{} is no API document: it lacks `openapi` or `components.schemas`",
                from.display()
            );
        }
        if overlay.operations.is_empty() && !overlay.types.values().any(|rule| rule.wanted) {
            bail!(
                "{} asks for nothing: it has no operation under [operations] and no `wanted` type under [types]",
                operations.display()
            );
        }
        let name = from.file_name().context("a document without a name")?;
        Self::of(&name.to_string_lossy(), &digest, json, overlay, prose)
    }

    /// As [`Source::foreign`], of what was read.
    ///
    /// # Errors
    /// As [`Source::foreign`].
    pub(super) fn of(
        name: &str,
        digest: &str,
        full: Json,
        mut overlay: Overlay,
        prose: bool,
    ) -> Result<Self> {
        dialect::complete(&mut overlay, name, &full)?;
        let cut = cut::cut(name, &full, &overlay)?;
        let mut document = read::document(name, digest, &cut)?;
        document.errors = ErrorNames::of(&full);
        let mut source = Self {
            document,
            overlay,
            full: None,
        };
        source.fits()?;
        if prose {
            prose::fill(&mut source.overlay.docs, &full, &cut);
        }
        source.full = Some(full);
        Ok(source)
    }

    /// Checks that the overlay fits the document.
    ///
    /// # Errors
    /// If it names what the document does not have, or what cannot be done; all of these, each with its line.
    fn fits(&mut self) -> Result<()> {
        let mut notes = named::fits(&self.document, &self.overlay);
        notes
            .wrong
            .extend(documented::fits(&self.document, &self.overlay));
        if !notes.wrong.is_empty() {
            bail!(notes.wrong.join("\n"));
        }
        self.document.warnings.extend(notes.warnings);
        Ok(())
    }

    /// What is generated.
    ///
    /// # Errors
    /// If the overlay does not fit the document, or a schema cannot be generated.
    pub(super) fn model(&self) -> Result<Model> {
        resolve::resolve(&self.document, &self.overlay)
    }

    /// The text of every file.
    ///
    /// # Errors
    /// As [`Source::model`], if a text is missing that the overlay demands, and if rustfmt fails.
    #[expect(clippy::print_stderr, reason = "warnings go to the person who ran the chore")]
    pub(super) fn render(&self) -> Result<Files> {
        for warning in &self.document.warnings {
            eprintln!("warning: {warning}");
        }
        let name = || format!("in {}", self.document.name);
        let model = self.model()?;
        documented::complete(&self.document, &self.overlay, &model).with_context(name)?;
        emit::files(&model, &Formatter::new(&workspace())).with_context(name)
    }

    /// Whether the result is part of the model crates.
    pub(super) fn is_ours(&self) -> bool {
        self.overlay.layout == Layout::Crates
    }
}

#[cfg(test)]
mod tests;
