//! Whether tests check what they are answered: the answers to each operation are altered, and a test has to fail.
//!
//! An operation whose answers hold values or lists is tried with other values, and with empty lists. One whose answers are
//! empty is tried with calls that do not reach the server: a test has to see that the effect is not there. Tried are the tests
//! that have got such an answer, those with few calls first, until one fails.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Result, bail};

use super::calls::{Call, Calls, Holds, Test};
use super::trial::{self, Verdict};
use crate::codegen::surface::Offer;

/// In what way answers are false, in the words of `farside_transport::testing::Alteration`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alteration {
    Values,
    Lists,
    Effect,
}

impl Alteration {
    fn name(self) -> &'static str {
        match self {
            Self::Values => "values",
            Self::Lists => "lists",
            Self::Effect => "effect",
        }
    }

    fn applies(self, holds: Holds) -> bool {
        match self {
            Self::Values => holds.values,
            Self::Lists => holds.lists,
            Self::Effect => !holds.body,
        }
    }

    /// What is said where no test fails.
    fn gap(self) -> &'static str {
        match self {
            Self::Values => "no test notices an answer with other values",
            Self::Lists => "no test notices an answer whose lists are empty",
            Self::Effect => "no test notices that the call was not made",
        }
    }
}

/// So many tests that do not end are enough.
const ENDLESS: usize = 3;

/// What the tests of a trial have seen.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Sight {
    /// One fails.
    Noticed,
    /// All pass.
    Unnoticed,
    /// None fails, and these do not end: a client that waits for ever tells nobody what is wrong.
    Endless(Vec<String>),
}

/// What no test can notice, with the reason.
const UNSEEN: &[(&str, Alteration, &str)] = &[
    (
        "sessions.login",
        Alteration::Lists,
        "a client takes the token from the header; the session is read with sessions.get",
    ),
    (
        "sessions.extend",
        Alteration::Values,
        "a client takes it for done; the session is read with sessions.get",
    ),
    (
        "sessions.extend",
        Alteration::Lists,
        "a client takes it for done; the session is read with sessions.get",
    ),
];

/// What came of all trials.
#[derive(Debug)]
pub(super) struct Outcome {
    /// A line for each gap.
    pub(super) gaps: Vec<String>,
    /// Alterations that were tried.
    pub(super) tried: usize,
    /// Times that tests were run for it.
    pub(super) runs: usize,
    /// What no test can notice: a line for each, with the reason.
    pub(super) unseen: Vec<String>,
}

/// An alteration of the answers to one operation, and the tests that have got such an answer.
struct Trial<'a> {
    operation: &'a str,
    alteration: Alteration,
    /// Those with few calls first.
    tests: Vec<&'a Test>,
}

/// What is to be tried, and a line for each operation whose answers hold nothing to check.
fn plan<'a>(offers: &'a [Offer], calls: &'a Calls) -> (Vec<Trial<'a>>, Vec<String>) {
    let mut trials = Vec::new();
    let mut gaps = Vec::new();
    for offer in offers {
        // One that no test calls is a gap of its own.
        let Some(call) = calls.operations.get(&offer.id).filter(|call| call.answered) else {
            continue;
        };
        let mut all = Holds::default();
        call.answers.values().for_each(|&holds| all.add(holds));
        let before = trials.len();
        for alteration in [Alteration::Values, Alteration::Lists, Alteration::Effect] {
            if alteration.applies(all) {
                trials.push(Trial {
                    operation: &offer.id,
                    alteration,
                    tests: tests(call, alteration, calls),
                });
            }
        }
        if trials.len() == before {
            gaps.push(format!(
                "{}: no test gets an answer that holds anything",
                offer.id
            ));
        }
    }
    (trials, gaps)
}

fn tests<'a>(call: &'a Call, alteration: Alteration, calls: &Calls) -> Vec<&'a Test> {
    let answered = call
        .answers
        .iter()
        .filter(|(_, holds)| alteration.applies(**holds));
    let mut tests: Vec<&Test> = answered.map(|(test, _)| test).collect();
    tests.sort_by_key(|test| calls.tests.get(test).copied().unwrap_or_default());
    tests
}

/// Alters the answers to each operation, and tells which no test has noticed.
///
/// # Errors
/// If tests cannot be run, or fail though nothing is altered.
pub(super) fn judge(offers: &[Offer], calls: &Calls) -> Result<Outcome> {
    let (trials, mut gaps) = plan(offers, calls);
    let tests = || trials.iter().flat_map(|trial| &trial.tests);
    // A harness that runs one test at a time runs it on its main thread.
    if tests().next().is_none() || tests().any(|test| test.name == "main") {
        bail!("the recordings do not say which tests have made them; run tests with `RUST_TEST_THREADS=2`");
    }
    control(&trials)?;
    let runs = AtomicUsize::new(0);
    let seen = side_by_side(&trials, |trial| look(trial, &runs))?;
    let tried = |excuse: &&(&str, Alteration, &str)| {
        let mut trials = trials.iter();
        trials.any(|trial| (trial.operation, trial.alteration) == (excuse.0, excuse.1))
    };
    let idle = UNSEEN.iter().filter(|excuse| !tried(excuse));
    gaps.extend(idle.map(|(operation, alteration, _)| {
        format!(
            "{operation}: is said to be unseen ({}), and was not tried",
            alteration.name()
        )
    }));
    let mut unseen = Vec::new();
    for (trial, sight) in trials.iter().zip(seen) {
        let mut excuses = UNSEEN.iter();
        let excuse = excuses.find(|excuse| (excuse.0, excuse.1) == (trial.operation, trial.alteration));
        match (sight, excuse) {
            (Sight::Noticed, None) => {}
            (Sight::Endless(tests), _) => gaps.push(endless(trial, &tests)),
            (Sight::Noticed, Some(_)) => gaps.push(format!(
                "{}: a test notices what is said to be unseen ({})",
                trial.operation,
                trial.alteration.name()
            )),
            (Sight::Unnoticed, Some((operation, alteration, reason))) => {
                unseen.push(format!("{operation}: {} unseen: {reason}", alteration.name()));
            }
            (Sight::Unnoticed, None) => gaps.push(format!("{}: {}", trial.operation, trial.alteration.gap())),
        }
    }
    Ok(Outcome {
        gaps,
        tried: trials.len(),
        runs: runs.into_inner(),
        unseen,
    })
}

/// The gap where tests do not end.
fn endless(trial: &Trial<'_>, tests: &[String]) -> String {
    format!(
        "{}: no test fails when its answers are false ({}), and these do not end within {} s: {}",
        trial.operation,
        trial.alteration.name(),
        trial::LONGEST,
        tests.join(", ")
    )
}

/// The tests of a trial by their programs.
fn by_program<'a>(tests: &[&'a Test]) -> BTreeMap<(&'a Path, &'a Path), Vec<&'a Test>> {
    let mut programs: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for &test in tests {
        let program = (test.program.as_path(), test.folder.as_path());
        programs.entry(program).or_default().push(test);
    }
    programs
}

/// Makes sure that the tests pass as they are run here, or their failing would say nothing.
fn control(trials: &[Trial<'_>]) -> Result<()> {
    let mut tests: Vec<&Test> = trials
        .iter()
        .flat_map(|trial| trial.tests.iter().copied())
        .collect();
    tests.sort_unstable();
    tests.dedup();
    for ((program, folder), tests) in by_program(&tests) {
        if trial::run(program, folder, &tests, "values:none", 5 * trial::LONGEST)? != Verdict::Pass {
            bail!(
                "tests of {} fail though nothing is altered, or take minutes",
                program.display()
            );
        }
    }
    Ok(())
}

/// Runs tests of a trial until one fails.
fn look(trial: &Trial<'_>, runs: &AtomicUsize) -> Result<Sight> {
    let altered = format!("{}:{}", trial.alteration.name(), trial.operation);
    sight(&trial.tests, |program, folder, tests| {
        runs.fetch_add(1, Ordering::Relaxed);
        trial::run(program, folder, tests, &altered, trial::LONGEST)
    })
}

/// Runs tests until one fails: first the one with the fewest calls, then more and more at once. Where several do not end,
/// each is run by itself, since one of them may fail.
fn sight(tests: &[&Test], mut run: impl FnMut(&Path, &Path, &[&Test]) -> Result<Verdict>) -> Result<Sight> {
    let mut endless = Vec::new();
    let mut left = tests;
    let mut at_once = 1;
    while !left.is_empty() {
        let (now, later) = left.split_at(at_once.min(left.len()));
        for ((program, folder), tests) in by_program(now) {
            let verdict = run(program, folder, &tests)?;
            let alone = verdict == Verdict::Endless && tests.len() > 1;
            for test in tests {
                let verdict = if alone {
                    run(program, folder, &[test])?
                } else {
                    verdict
                };
                match verdict {
                    Verdict::Fail => return Ok(Sight::Noticed),
                    Verdict::Endless => endless.push(test.name.clone()),
                    Verdict::Pass => {}
                }
                if endless.len() >= ENDLESS {
                    return Ok(Sight::Endless(endless));
                }
            }
        }
        left = later;
        at_once *= 4;
    }
    Ok(if endless.is_empty() {
        Sight::Unnoticed
    } else {
        Sight::Endless(endless)
    })
}

/// Does the same with all, as many at a time as there are processors; what came of it is in their order.
fn side_by_side<T: Sync, R: Send>(all: &[T], work: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZeroUsize::get) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = all.get(index) else { break };
                    let result = work(item);
                    done.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .insert(index, result);
                }
            });
        }
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is seen if the tests end like this, told apart by the letters of their verdicts; all are of one program.
    fn seen(verdicts: &str) -> (Sight, usize) {
        let tests: Vec<Test> = verdicts
            .char_indices()
            .map(|(index, verdict)| Test {
                program: "/p".into(),
                folder: "/f".into(),
                name: format!("{index}{verdict}"),
            })
            .collect();
        let mut runs = 0;
        let sight = sight(&tests.iter().collect::<Vec<_>>(), |_, _, tests| {
            runs += 1;
            let some = |verdict| tests.iter().any(|test| test.name.ends_with(verdict));
            // A program does not end before all of its tests have.
            Ok(if some('e') {
                Verdict::Endless
            } else if some('f') {
                Verdict::Fail
            } else {
                Verdict::Pass
            })
        });
        (sight.expect("nothing fails to run"), runs)
    }

    #[test]
    fn a_test_that_does_not_end_has_noticed_nothing_but_hides_none_that_fails() {
        let endless = |names: &[&str]| Sight::Endless(names.iter().map(|&name| name.to_owned()).collect());
        for (verdicts, expected, runs) in [
            ("f", Sight::Noticed, 1),
            ("pppp", Sight::Unnoticed, 2),
            ("e", endless(&["0e"]), 1),
            ("ef", Sight::Noticed, 2),
            ("pepf", Sight::Noticed, 5),
            ("pepp", endless(&["1e"]), 5),
            ("eeef", endless(&["0e", "1e", "2e"]), 4),
        ] {
            assert_eq!(seen(verdicts), (expected, runs), "{verdicts}");
        }
    }
}
