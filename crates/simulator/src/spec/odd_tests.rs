//! Tests of clients that are played in odd worlds as well.
//!
//! A test makes its world as it needs it and passes it through [`WorldSpec::odd_if_asked`]. Where the environment variable
//! [`ODD`] holds a seed, the switches that [`WorldSpec::odd`] turns on for it are turned on too; where it holds names of
//! switches, separated by commas, these are. What a test sets itself stays. A test whose assertion is one reading of a rule
//! keeps the switch of that rule off: its program lists it as [`Kept`], with the reason.

use std::env;
use std::process::Command;

use serde_json::Value;

use super::{SWITCHES, Switch, WorldSpec};

/// The environment variable that makes the worlds of client tests odd: a seed, or names of switches.
pub const ODD: &str = "FARSIDE_ODD";

/// Switches that stay as they are in some tests.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// The name of a test as its program lists it, or the beginning of some names with a `*` after it.
    pub test: &'static str,
    /// The switches, or the beginning of some names with a `*` after it.
    pub switches: &'static [&'static str],
    /// What the test asserts that they change.
    pub why: &'static str,
}

impl Kept {
    fn is_about(&self, test: &str) -> bool {
        fits(self.test, test)
    }

    fn keeps(&self, switch: &Switch) -> bool {
        self.switches.iter().any(|pattern| fits(pattern, switch.name))
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    }
}

impl WorldSpec {
    /// This world, with the switches turned on that [`ODD`] asks for, without those that `kept` lists for the test that
    /// asks. It is as it was if nothing is asked for.
    ///
    /// # Panics
    /// If [`ODD`] holds neither a seed nor names of switches, or if the thread is none that the test harness named after
    /// its test: then nobody knows what is kept.
    #[must_use]
    pub fn odd_if_asked(self, kept: &[Kept]) -> Self {
        let Ok(asked) = env::var(ODD) else {
            return self;
        };
        let thread = std::thread::current();
        let test = thread.name().filter(|name| *name != "main");
        let test = test
            .unwrap_or_else(|| panic!("{ODD}: this thread has no test's name; use two test threads or more"));
        self.with_asked(&asked, kept, test)
    }

    fn with_asked(mut self, asked: &str, kept: &[Kept], test: &str) -> Self {
        let about: Vec<&Kept> = kept.iter().filter(|kept| kept.is_about(test)).collect();
        let keeps = |switch: &Switch| about.iter().any(|kept| kept.keeps(switch));
        if let Ok(seed) = asked.parse() {
            self.turn_on_by(seed, |switch| !keeps(switch));
            return self;
        }
        for name in asked.split(',') {
            let switch = SWITCHES.iter().find(|switch| switch.name == name);
            let switch = switch.unwrap_or_else(|| panic!("{ODD}: {name:?} is neither a seed nor a switch"));
            if !keeps(switch) && switch.is_off(&self) {
                switch.turn_on(&mut self, 0);
            }
        }
        self
    }
}

impl Switch {
    /// Whether a world has the usual reading.
    pub(super) fn is_off(&self, spec: &WorldSpec) -> bool {
        let member = |spec: &WorldSpec| {
            let whole = serde_json::to_value(spec).unwrap_or_default();
            self.name.split('.').fold(vec![whole], |values, step| {
                let below = values.iter().filter_map(|value| value.get(step));
                below.flat_map(elements).cloned().collect()
            })
        };
        let usual = member(&WorldSpec::pair(0));
        member(spec).iter().all(|value| usual.contains(value))
    }
}

/// The elements of an array, or the value itself.
fn elements(value: &Value) -> &[Value] {
    value
        .as_array()
        .map_or(std::slice::from_ref(value), Vec::as_slice)
}

/// Checks what a program of tests keeps: each entry is about a test of this program and about switches, and has a reason.
///
/// # Panics
/// If it is not so, or if the program cannot be asked for its tests.
pub fn check(kept: &[Kept]) {
    let program = env::current_exe().expect("the program of the tests");
    let listed = Command::new(program)
        .args(["--list", "--format", "terse"])
        .output();
    let listed = listed.expect("a list of the tests").stdout;
    let listed = String::from_utf8_lossy(&listed);
    let tests: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .collect();
    for entry in kept {
        let about = |test: &&str| entry.is_about(test);
        assert!(tests.iter().any(about), "{}: there is no such test", entry.test);
        assert!(!entry.why.is_empty(), "{}: no reason", entry.test);
        for pattern in entry.switches {
            let mut names = SWITCHES.iter().map(|switch| switch.name);
            assert!(
                names.any(|name| fits(pattern, name)),
                "{}: {pattern} is no switch",
                entry.test
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sms::{ResultForm, VasaSpec};

    const KEPT: &[Kept] = &[Kept {
        test: "odd_tests::a*",
        switches: &["vm.asks_nothing"],
        why: "an example",
    }];

    #[test]
    fn a_seed_turns_on_what_it_does_in_the_odd_world() {
        for seed in 0..5 {
            let odd = WorldSpec::pair(seed).with_asked(&seed.to_string(), &[], "a");
            assert_eq!(odd, WorldSpec::odd(seed));
        }
    }

    #[test]
    fn names_turn_on_switches_but_for_those_that_are_kept() {
        let of = |test| WorldSpec::pair(1).with_asked("vm.asks_nothing,vcda.null_as_text", KEPT, test);
        let (kept, other) = (of("odd_tests::a_test"), of("odd_tests::b"));
        assert!(kept.vcda.null_as_text && other.vcda.null_as_text);
        assert!(!kept.vm.asks_nothing && other.vm.asks_nothing);
    }

    #[test]
    fn what_a_test_sets_itself_stays() {
        let vasa = VasaSpec {
            result_form: ResultForm::Bare,
            ..VasaSpec::default()
        };
        let spec = WorldSpec::pair(1).vasa(vasa);
        for asked in 0..40 {
            let odd = spec.clone().with_asked(&asked.to_string(), &[], "a");
            assert_eq!(odd.vasa.result_form, ResultForm::Bare);
        }
        let named = spec.with_asked("vasa.result_form,vasa.providers.self_reversing", &[], "a");
        assert_eq!(named.vasa.result_form, ResultForm::Bare);
        assert!(
            named
                .vasa
                .providers
                .iter()
                .all(|provider| provider.self_reversing)
        );
    }

    #[test]
    #[should_panic(expected = "\"vm.asks\" is neither a seed nor a switch")]
    fn what_is_no_switch_is_named() {
        let _ = WorldSpec::pair(1).with_asked("vm.asks", &[], "a");
    }

    #[test]
    #[should_panic(expected = "odd_tests::a*: there is no such test")]
    fn an_entry_about_no_test_is_found() {
        check(KEPT);
    }
}
