//! What never happens, whatever the plan, the world and the people do.
//!
//! The rules themselves are in [`crate::support::audit`], [`crate::support::world`] and
//! [`crate::support::simulation`]; each property here is a way to provoke them.

use farside_engine::{Input, ItemResult, Record, RunState};
use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};

use crate::support::audit::Audit;
use crate::support::generate::{a_plan, choices, crash, disturbances, order};
use crate::support::simulation::{Disturbance, Simulation};
use crate::support::world::{Choices, World};

/// As many cases as the environment asks for (`PROPTEST_CASES`), or one in `share` of them.
fn config(share: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: default.cases.div_ceil(share),
        max_shrink_iters: 20_000,
        ..default
    }
}

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn a_friendly_world_gives_all_that_was_asked(plan in a_plan()) {
        let world = World::of(&plan, Choices::once(Vec::new()));
        let simulation = Simulation::of(&plan, world, Vec::new());
        for (item, progress) in simulation.run.items() {
            let expected = if item.skip.is_some() { ItemResult::Skipped } else { ItemResult::Done };
            prop_assert_eq!(progress.result(), Some(expected));
        }
    }

    #[test]
    fn a_hostile_world_breaks_no_rule(plan in a_plan(), choices in choices(), disturbances in disturbances()) {
        let world = World::of(&plan, Choices::once(choices));
        Simulation::of(&plan, world, disturbances);
    }

    #[test]
    fn a_run_ends_though_the_world_never_turns_friendly(
        plan in a_plan(),
        choices in choices(),
        disturbances in disturbances(),
    ) {
        let world = World::of(&plan, Choices::forever(choices));
        Simulation::of(&plan, world, disturbances);
    }

    #[test]
    fn an_abort_lets_nothing_begin(
        plan in a_plan(),
        choices in choices(),
        abort in order(vec![Input::Abort]),
        crash in crash(),
    ) {
        let world = World::of(&plan, Choices::once(choices));
        let simulation = Simulation::of(&plan, world, vec![abort, crash]);
        let after = simulation.journal.iter().skip_while(|record| !matches!(record, Record::AbortRequested { .. }));
        let begun = after.filter(|record| {
            matches!(record, Record::ActionStarted { .. } | Record::CallIntended { .. })
        });
        prop_assert_eq!(begun.count(), 0);
    }

    #[test]
    fn a_run_that_was_stopped_goes_on_where_it_was(plan in a_plan(), stops in proptest::collection::vec(order(vec![Input::Stop]), 1..6)) {
        let world = World::of(&plan, Choices::once(Vec::new()));
        let simulation = Simulation::of(&plan, world, stops);
        for (item, progress) in simulation.run.items() {
            let expected = if item.skip.is_some() { ItemResult::Skipped } else { ItemResult::Done };
            prop_assert_eq!(progress.result(), Some(expected));
        }
    }

    #[test]
    fn each_prefix_of_a_history_is_a_history(plan in a_plan(), choices in choices(), disturbances in disturbances()) {
        let world = World::of(&plan, Choices::once(choices));
        let simulation = Simulation::of(&plan, world, disturbances);
        for end in 1..=simulation.journal.len() {
            let prefix = &simulation.journal[..end];
            Audit::of_history(prefix);
            let run = farside_engine::Run::replay(prefix).unwrap();
            let is_last = end == simulation.journal.len();
            prop_assert_eq!(run.state() == RunState::Ended, is_last);
            prop_assert!(run.open(run.started()).is_ok() != is_last);
        }
    }
}

proptest! {
    #![proptest_config(config(16))]

    #[test]
    fn a_crash_at_any_append_ends_in_a_legal_state(plan in a_plan(), choices in choices()) {
        let drive = |disturbances| {
            let world = World::of(&plan, Choices::once(choices.clone()));
            Simulation::of(&plan, world, disturbances)
        };
        for append in 0..drive(Vec::new()).appends {
            for (kept, is_late) in [(0, false), (1, false), (usize::MAX, false), (usize::MAX, true)] {
                let simulation = drive(vec![Disturbance::Crash { append, kept, is_late }]);
                for (_, progress) in simulation.run.items() {
                    prop_assert!(progress.result().is_some());
                    prop_assert!(!progress.has_open_call());
                }
            }
        }
    }
}
