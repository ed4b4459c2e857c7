//! The world `odd` plays other readings of the wire rules, by its seed: plans go through all modes there as in any other.

use std::time::Duration;

use farside_engine::{ItemResult, Mode, Run};
use farside_failover::kind;
use farside_simulator::WorldSpec;
use farside_tests::estate::Estate;

/// The life of a plan from rehearsal to home again.
const LIFE: [Mode; 7] = [
    Mode::Test,
    Mode::Cleanup,
    Mode::Planned,
    Mode::Reprotect,
    Mode::Failback,
    Mode::Reprotect,
    Mode::Disaster,
];

/// The items of a run that did not end as they should.
fn astray(run: &Run, mode: Mode) -> Vec<String> {
    let items = run.items().filter_map(|(item, progress)| {
        let skipped = mode == Mode::Test && matches!(item.kind.as_str(), "dpu" | "vcha");
        let wanted = if skipped {
            ItemResult::Skipped
        } else {
            ItemResult::Done
        };
        let notes = progress.actions.iter().filter_map(|action| {
            let farside_engine::ActionState::Ended(outcome) = &action.state else {
                return None;
            };
            outcome.note.clone()
        });
        let told = || {
            format!(
                "{mode}: {}: {:?}: {}",
                item.id,
                progress.result(),
                notes.collect::<Vec<_>>().join("; ")
            )
        };
        (progress.result() != Some(wanted)).then(told)
    });
    items.collect()
}

/// The same where the groups hold machines, which a planned run would have to shut down: it is refused.
const LIFE_WITH_MACHINES: [Mode; 4] = [Mode::Test, Mode::Cleanup, Mode::Disaster, Mode::Reprotect];

/// How many worlds are played; a wide sweep asks for more (`FARSIDE_ODD_SEEDS`).
fn seeds(usual: u64) -> u64 {
    let asked = std::env::var("FARSIDE_ODD_SEEDS").ok();
    asked.and_then(|seeds| seeds.parse().ok()).unwrap_or(usual)
}

/// Takes a plan through a life in the worlds of some seeds.
async fn live(seeds: u64, life: &[Mode], machines: u32) {
    let mut failed = Vec::new();
    for seed in 0..seeds {
        let mut spec = WorldSpec::odd(seed).groups(6).replications(4);
        spec.vasa.groups_with_devices = machines;
        let mut estate = Estate::new(&spec, kind::standard());
        for &mode in life {
            // After a reverse the first copy in the other direction takes a while.
            estate.pass(Duration::from_secs(300)).await;
            let run = estate.run(mode).await;
            let found = astray(&run, mode);
            if !found.is_empty() {
                failed.push(format!("seed {seed}: {}", found.join("\n")));
                break;
            }
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {seeds} worlds:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

#[tokio::test(start_paused = true)]
async fn plans_go_through_all_modes_in_odd_worlds() {
    live(seeds(12), &LIFE, 0).await;
}

#[tokio::test(start_paused = true)]
async fn groups_with_machines_go_through_rehearsal_and_disaster_in_odd_worlds() {
    live(seeds(6), &LIFE_WITH_MACHINES, 4).await;
}
