//! The worlds that have a name.

use super::{SWITCHES, Switch, WorldSpec};
use crate::random::Random;

impl WorldSpec {
    /// The names that [`Self::named`] knows.
    pub const NAMES: [&str; 3] = ["pair", "odd", "large"];

    /// The world of a name; `None` if there is none of that name.
    pub fn named(name: &str, seed: u64) -> Option<Self> {
        match name {
            "pair" => Some(Self::pair(seed)),
            "odd" => Some(Self::odd(seed)),
            "large" => Some(Self::large(seed)),
            _ => None,
        }
    }

    /// The world `large`: as `pair`, with 10,000 groups and 10,000 replications.
    pub fn large(seed: u64) -> Self {
        Self::pair(seed).groups(10_000).replications(10_000)
    }

    /// The world `odd`: as `pair`, with about half of [`SWITCHES`] turned on. The seed says which ones, each for itself.
    ///
    /// ```
    /// use farside_simulator::WorldSpec;
    ///
    /// assert_eq!(WorldSpec::odd(3), WorldSpec::odd(3));
    /// assert_ne!(WorldSpec::odd(3).vcda, WorldSpec::odd(4).vcda);
    /// ```
    pub fn odd(seed: u64) -> Self {
        let mut spec = Self::pair(seed);
        spec.turn_on_by(seed, |_| true);
        spec
    }

    /// Turns on the switches that are on in the world `odd` of a seed, those that may be and are off.
    pub(super) fn turn_on_by(&mut self, seed: u64, may: impl Fn(&Switch) -> bool) {
        for switch in SWITCHES {
            let mut random = Random::keyed(seed, &["odd", switch.name]);
            if random.next().is_multiple_of(2) && may(switch) && switch.is_off(self) {
                switch.turn_on(self, random.next());
            }
        }
    }
}
