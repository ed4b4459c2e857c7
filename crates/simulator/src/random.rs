//! A seeded generator whose draws depend on what is drawn for, not on the order of the draws.

/// A splitmix64 stream. Two streams of one seed and one key are equal, whatever else was drawn before, so the order in
/// which concurrent clients call does not change how long anybody's work takes.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// The stream of `seed` for the thing that `key` names.
    pub(crate) fn keyed(seed: u64, key: &[&str]) -> Self {
        // FNV-1a; the separator keeps ["ab", "c"] apart from ["a", "bc"].
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for part in key {
            for byte in part.bytes().chain(std::iter::once(0xff)) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
        let mut random = Self { state: seed ^ hash };
        random.next();
        random
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` (included) to `high` (excluded); `low` if the range is empty.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = u64::try_from(high.saturating_sub(low)).unwrap_or(0);
        if width == 0 {
            return low;
        }
        low.saturating_add(i64::try_from(self.next() % width).unwrap_or(0))
    }

    /// A random UUID, version 4.
    pub(crate) fn uuid(&mut self) -> String {
        let high = (self.next() & 0xffff_ffff_ffff_0fff) | 0x4000;
        let low = (self.next() & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }

    /// Sixteen hexadecimal digits.
    pub(crate) fn hex(&mut self) -> String {
        format!("{:016x}", self.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_the_same_stream_again_and_another_key_gives_another() {
        let draw = |key: &[&str]| Random::keyed(7, key).next();
        assert_eq!(draw(&["task", "a"]), draw(&["task", "a"]));
        assert_ne!(draw(&["task", "a"]), draw(&["task", "b"]));
        assert_ne!(draw(&["ab", "c"]), draw(&["a", "bc"]));
    }

    #[test]
    fn a_uuid_has_version_and_variant() {
        let id = Random::keyed(1, &["x"]).uuid();
        let bytes = id.as_bytes();
        assert_eq!(id.len(), 36);
        assert_eq!(bytes[14], b'4');
        assert!(matches!(bytes[19], b'8' | b'9' | b'a' | b'b'), "{id}");
    }

    #[test]
    fn draws_stay_in_their_range() {
        let mut random = Random::keyed(3, &["range"]);
        for _ in 0..1000 {
            assert!((-5..5).contains(&random.between(-5, 5)));
        }
        assert_eq!(random.between(4, 4), 4);
    }
}
