//! Which type derives from which, by name.

/// Which fault derives from which, by name. A models crate exposes one over its generated table.
///
/// A look-up takes a few comparisons, whatever the size of the table.
#[derive(Clone, Copy, Debug)]
pub struct Ancestry(&'static [(&'static str, &'static str)]);

impl Ancestry {
    /// The ancestry told by pairs of a type and its base, sorted by type.
    ///
    /// # Panics
    /// If the table is not sorted, or names a type twice. In a constant, that is an error of the compiler.
    pub const fn new(table: &'static [(&'static str, &'static str)]) -> Self {
        let mut at = 1;
        while at < table.len() {
            assert!(
                is_before(table[at - 1].0.as_bytes(), table[at].0.as_bytes()),
                "the table is not sorted by type"
            );
            at += 1;
        }
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
        let place = self.0.binary_search_by(|(type_, _)| (*type_).cmp(name)).ok()?;
        self.0.get(place).map(|(_, base)| *base)
    }
}

/// `left < right`, which is not `const` for slices.
const fn is_before(left: &[u8], right: &[u8]) -> bool {
    let mut at = 0;
    while at < left.len() && at < right.len() {
        if left[at] != right[at] {
            return left[at] < right[at];
        }
        at += 1;
    }
    left.len() < right.len()
}
