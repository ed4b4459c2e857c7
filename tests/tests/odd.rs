//! The world `odd` plays other readings of the wire rules, by its seed: plans go through all modes there as in any other, and what a run
//! calls done is so.

use std::collections::BTreeMap;
use std::time::Duration;

use farside_engine::{ItemResult, Mode, Run};
use farside_failover::kind;
use farside_failover::kind::Verdict;
use farside_failover::preflight::Preflight;
use farside_simulator::{FaultAction, FaultRule, WorldSpec};
use farside_tests::estate::{Dice, Estate};
use farside_tests::judge::overlaps;
use farside_tests::truth::{complaints, serving};

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

/// The same where the groups hold machines, which a planned run would have to shut down: it is refused.
const LIFE_WITH_MACHINES: [Mode; 4] = [Mode::Test, Mode::Cleanup, Mode::Disaster, Mode::Reprotect];

/// After a reverse the first copy in the other direction takes a while.
const AFTER_A_REVERSE: Duration = Duration::from_secs(300);

/// How many worlds are played; a wide sweep asks for more (`FARSIDE_ODD_SEEDS`), and for others than the first ones
/// (`FARSIDE_ODD_FIRST`).
fn seeds(usual: u64) -> std::ops::Range<u64> {
    let asked = |name| std::env::var(name).ok().and_then(|number| number.parse().ok());
    let first = asked("FARSIDE_ODD_FIRST").unwrap_or(0);
    first..first + asked("FARSIDE_ODD_SEEDS").unwrap_or(usual)
}

/// The items of a run that did not end as they should where nothing is in the way.
fn astray(run: &Run, mode: Mode) -> Vec<String> {
    let items = run.items().filter(|(item, progress)| {
        let skipped = mode == Mode::Test && matches!(item.kind.as_str(), "dpu" | "vcha");
        let wanted = if skipped {
            ItemResult::Skipped
        } else {
            ItemResult::Done
        };
        progress.result() != Some(wanted)
    });
    let told = items.map(|(item, progress)| {
        format!(
            "{mode}: {}: {:?}: {}",
            item.id,
            progress.result(),
            notes(run, item.id.as_str())
        )
    });
    told.collect()
}

/// What a run says of an item.
fn notes(run: &Run, name: &str) -> String {
    let progress = run.items().find(|(item, _)| item.id.as_str() == name);
    let actions = progress
        .map(|(_, progress)| progress.actions.as_slice())
        .unwrap_or_default();
    let notes = actions.iter().filter_map(|action| match &action.state {
        farside_engine::ActionState::Ended(outcome) => outcome.note.clone(),
        _ => None,
    });
    notes.collect::<Vec<_>>().join("; ")
}

/// Runs the plan in a mode, and what is not so although the run says it.
async fn lived(estate: &mut Estate, mode: Mode) -> (Run, Vec<String>) {
    let before = serving(&estate.simulator.world());
    let run = estate.run(mode).await;
    let found = complaints(&estate.simulator.world(), &run, mode, &before);
    (run, found)
}

/// What preflight calls blocked.
fn blocked(check: &Preflight) -> Vec<String> {
    let items = check.items.iter().filter(|item| item.verdict == Verdict::NoGo);
    items.map(|item| format!("preflight: {item:#?}")).collect()
}

/// Takes a plan through a life in the worlds of some seeds.
async fn live(seeds: std::ops::Range<u64>, life: &[Mode], machines: u32) {
    let count = seeds.end - seeds.start;
    let mut failed = Vec::new();
    for seed in seeds {
        let mut estate = Estate::new(&world(seed, true, machines), kind::standard());
        for &mode in life {
            estate.pass(AFTER_A_REVERSE).await;
            let mut found = blocked(&estate.check(mode).await);
            let (run, told) = lived(&mut estate, mode).await;
            found.extend(told);
            found.extend(astray(&run, mode));
            if !found.is_empty() {
                failed.push(format!("seed {seed}: {}", found.join("\n")));
                break;
            }
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {count} worlds:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

/// A world of a seed, in the usual or in other readings. What is there is the same in both.
fn world(seed: u64, odd: bool, machines: u32) -> WorldSpec {
    let spec = if odd {
        WorldSpec::odd(seed)
    } else {
        WorldSpec::pair(seed)
    };
    let mut spec = spec.groups(6).replications(4);
    spec.vasa.groups_with_devices = machines;
    let mut dice = Dice::new(seed);
    spec.vcda.vcenter_destinations = u32::try_from(dice.below(5)).unwrap_or(0);
    spec.vcda.vms_per_vapp = u32::try_from(1 + dice.below(2)).unwrap_or(1);
    spec
}

#[tokio::test(start_paused = true)]
async fn plans_go_through_all_modes_in_odd_worlds() {
    live(seeds(12), &LIFE, 0).await;
}

#[tokio::test(start_paused = true)]
async fn groups_with_machines_go_through_rehearsal_and_disaster_in_odd_worlds() {
    live(seeds(6), &LIFE_WITH_MACHINES, 4).await;
}

/// Calls that something can befall: those that act, and reads that all looks and waits go by.
const BEFALLEN: [&str; 20] = [
    "vmReplications.failoverTest",
    "vmReplications.failoverTestCleanup",
    "vmReplications.migrate",
    "vmReplications.failover",
    "vmReplications.reverse",
    "vmReplications.get",
    "vmReplications.networkSettings.get",
    "tasks.list",
    "tasks.poll",
    "VasaProvider_TestFailoverReplicationGroupStart_Task",
    "VasaProvider_TestFailoverReplicationGroupStop_Task",
    "VasaProvider_SyncReplicationGroup_Task",
    "VasaProvider_PrepareFailoverReplicationGroup_Task",
    "VasaProvider_FailoverReplicationGroup_Task",
    "VasaProvider_ReverseReplicateGroup_Task",
    "VasaProvider_QueryReplicationGroup",
    "SmsTask_QuerySmsTaskInfo",
    "Vcenter.Vcha.Cluster_failover$Task",
    "Vcenter.Vcha.Cluster.Active_get",
    "HostNetworkSystem_startDpuFailover",
];

/// All servers of the two sites.
const ENDPOINTS: [&str; 4] = ["vc-east", "vc-west", "east", "west"];

/// Trouble of one mode of a life.
fn trouble(dice: &mut Dice) -> Vec<FaultRule> {
    let mut number = |bound| u32::try_from(dice.below(bound)).unwrap_or_default();
    let count = number(4);
    let mut rules = Vec::new();
    for _ in 0..count {
        let operation = BEFALLEN[number(20) as usize];
        let refused = |status, retry_after| FaultAction::Refuse {
            status,
            body: None,
            retry_after,
        };
        let action = match number(11) {
            0 => FaultAction::DropAnswer,
            1 => FaultAction::Cut,
            2 => FaultAction::CutAnswer {
                after_bytes: 1 + number(40),
            },
            3 => FaultAction::Silence {
                acted: number(2) == 0,
            },
            4 => FaultAction::EndSessions,
            5 => refused(503, Some(1 + number(3))),
            6 => refused(500, None),
            7 => refused(403, None),
            8 => FaultAction::FillDisk {
                site: ["east", "west"][number(2) as usize].to_owned(),
            },
            9 => FaultAction::RestartVcenter {
                endpoint: "vc-west".to_owned(),
                outage_ms: 1_000 * number(120),
            },
            _ => FaultAction::SetReachable {
                endpoint: ENDPOINTS[number(4) as usize].to_owned(),
                reachable: false,
            },
        };
        let times = [Some(1), Some(3), Some(20), None][number(4) as usize];
        rules.push(
            FaultRule::new(operation, action)
                .from_nth(1 + number(3))
                .times(times),
        );
    }
    rules
}

/// How the items of a life ended, by mode and item.
type Ends = BTreeMap<(usize, String), (Option<ItemResult>, String)>;

/// A life in which much goes wrong, and how it ended. The same goes wrong in both readings.
async fn troubled(seed: u64, odd: bool) -> (Ends, Vec<String>) {
    let mut estate = Estate::new(&world(seed, odd, 0), kind::standard());
    let mut dice = Dice::new(seed);
    let (mut ends, mut found) = (Ends::new(), Vec::new());
    for (nth, mode) in LIFE.into_iter().enumerate() {
        let rules = trouble(&mut dice).into_iter();
        let rules: Vec<u32> = rules
            .map(|rule| estate.simulator.world().faults_mut().add(rule))
            .collect();
        estate.pass(AFTER_A_REVERSE).await;
        estate.check(mode).await;
        let (run, told) = lived(&mut estate, mode).await;
        found.extend(told);
        let overlaps = overlaps(&estate.calls());
        if overlaps > 0 {
            found.push(format!(
                "{mode}: {overlaps} attempts while an earlier one was open"
            ));
        }
        ends.extend(run.items().map(|(item, progress)| {
            let name = item.id.to_string();
            let notes = notes(&run, &name);
            ((nth, name), (progress.result(), notes))
        }));
        for rule in rules {
            estate.simulator.world().faults_mut().remove(rule);
        }
        for endpoint in ENDPOINTS {
            estate.simulator.world().set_reachable(endpoint, true);
        }
    }
    (ends, found)
}

// What goes wrong may keep an item from its end, in either reading; then the run says which one and why, and what it calls done is so.
#[tokio::test(start_paused = true)]
async fn in_trouble_too_what_an_odd_world_is_said_to_be_is_so() {
    let mut failed = Vec::new();
    let (mut same, mut other) = (0_u32, 0_u32);
    for seed in seeds(8) {
        let (usual, found) = troubled(seed, false).await;
        failed.extend(
            found
                .into_iter()
                .map(|told| format!("seed {seed}, usual: {told}")),
        );
        let (odd, found) = troubled(seed, true).await;
        failed.extend(found.into_iter().map(|told| format!("seed {seed}, odd: {told}")));
        for (at, (result, notes)) in &odd {
            if usual.get(at).is_some_and(|(usual, _)| usual == result) {
                same += 1;
            } else {
                other += 1;
                println!(
                    "seed {seed}: {} {}: {result:?}: {notes}; usual: {:?}",
                    LIFE[at.0],
                    at.1,
                    usual.get(at)
                );
            }
        }
    }
    println!("{same} ends as in the usual world, {other} others");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(
        same > other,
        "{same} ends as in the usual world, {other} others: the trouble hides all else"
    );
}
