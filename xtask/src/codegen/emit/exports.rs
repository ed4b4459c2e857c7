//! Names that generated files define, exported from where users look for them.

use super::cfg;
use super::page::WIDTH;
use super::parts::Module;

/// What a file holds beside its header, with room to spare: lines are counted before they are formatted.
const ROOM: usize = 900;

/// Names that one file defines.
pub(super) struct Export<'a> {
    module: &'a Module,
    names: &'a [String],
}

impl<'a> Export<'a> {
    /// `names` of what `module` defines.
    pub(super) fn new(module: &'a Module, names: &'a [String]) -> Self {
        Self { module, names }
    }

    /// The names.
    pub(super) fn names(&self) -> &'a [String] {
        self.names
    }

    /// The line that leaves it out without its feature.
    pub(super) fn cfg(&self) -> String {
        cfg(&self.module.place.features)
    }

    /// About as many lines as it will have.
    pub(super) fn lines(&self) -> usize {
        let length: usize = self.names.iter().map(|name| name.len() + 2).sum();
        length.div_ceil(WIDTH - 30) + 3
    }

    /// The export; `base` leads to the folders of the services.
    pub(super) fn text(&self, base: &str) -> String {
        let place = &self.module.place;
        let names = self.names.join(", ");
        format!(
            "{}pub use {base}{}::{}::{{{names}}};\n",
            self.cfg(),
            place.service,
            place.group
        )
    }
}

/// Exports in order, as many together as a file holds.
pub(super) fn parts<'e, 'a>(
    exports: &'e [Export<'a>],
    lines: impl Fn(&Export<'a>) -> usize,
) -> Vec<&'e [Export<'a>]> {
    let (mut parts, mut start, mut sum) = (Vec::new(), 0, 0);
    for (index, export) in exports.iter().enumerate() {
        if sum + lines(export) > ROOM && index > start {
            parts.extend(exports.get(start..index));
            (start, sum) = (index, 0);
        }
        sum += lines(export);
    }
    parts.extend(exports.get(start..));
    parts
}
