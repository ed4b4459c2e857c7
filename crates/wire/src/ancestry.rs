//! Which type derives from which, by name.

/// Which fault derives from which, by name. A models crate exposes one over its generated table.
#[derive(Clone, Copy, Debug)]
pub struct Ancestry(&'static [(&'static str, &'static str)]);

impl Ancestry {
    /// The ancestry told by pairs of a type and its base.
    pub const fn new(table: &'static [(&'static str, &'static str)]) -> Self {
        Self(table)
    }

    /// The types that `name` derives from, nearest first. Empty for a type that the table lacks.
    pub fn bases(&self, name: &str) -> impl Iterator<Item = &'static str> {
        // A table with a circle in it must not make the walk endless.
        std::iter::successors(self.base(name), |name| self.base(name)).take(self.0.len())
    }

    /// Whether `name` is `base` or derives from it.
    pub fn is_a(&self, name: &str, base: &str) -> bool {
        name == base || self.bases(name).any(|ancestor| ancestor == base)
    }

    fn base(&self, name: &str) -> Option<&'static str> {
        self.0
            .iter()
            .find(|(type_, _)| *type_ == name)
            .map(|(_, base)| *base)
    }
}
