//! Releases of VI JSON, by their numbers.

/// A release by its numbers.
pub(crate) type Release = [u32; 4];

/// The release that brought the failover of DPUs, and what is told about it (DPU rules, section 8).
pub(crate) const FAILOVER: Release = [8, 0, 3, 0];
/// The release since which the offload spec of a switch can overrule what its version can do (DPU rules, section 8).
pub(crate) const SPEC_DECIDES: Release = [9, 1, 0, 0];

/// Whether a release came before another one; `None` for one that is not written in numbers.
pub(crate) fn is_before(release: &str, other: Release) -> Option<bool> {
    let mut numbers = Release::default();
    let parts: Vec<&str> = release.split('.').collect();
    if parts.len() > numbers.len() {
        return None;
    }
    for (number, part) in numbers.iter_mut().zip(parts) {
        *number = part.parse().ok()?;
    }
    Some(numbers < other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_by_their_numbers() {
        for (release, before) in [
            ("8.0.2.0", Some(true)),
            ("8.0.3", Some(false)),
            ("8.0.3.0", Some(false)),
            ("8.0.10.0", Some(false)),
            ("10.0.0.0", Some(false)),
            ("7.0", Some(true)),
            ("", None),
            ("8.0.u3", None),
            ("8.0.3.0.1", None),
        ] {
            assert_eq!(is_before(release, FAILOVER), before, "{release}");
        }
    }
}
