//! Crashes and lost answers by the hundred, in process and under virtual time: nothing happens twice, and what the run says
//! is what the world shows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use farside_engine::{ActionRef, Finding, ItemResult, Mode, Run, Submitted, Waited};
use farside_failover::connection::Connections;
use farside_failover::kind::{
    self, CallRequest, Check, CheckItem, Kind, Kinds, LookRequest, Protected, Work, WorkRequest,
};
use farside_failover::plan::{PlanContext, PlanProblem, Table};
use farside_journal::CrashPoint;
use farside_simulator::{FaultAction, FaultRule, WorldSpec};
use farside_tests::estate::{Dice, Estate};
use farside_tests::judge::{Demand, attempts, complaints};
use serde_json::Value;

const GROUPS: usize = 6;
const REPLICATIONS: usize = 4;

/// Acting operations of a planned run, with the number of objects each touches.
const PLANNED: [Demand; 6] = [
    Demand::once("vmReplications.migrate", "vm-replications/", REPLICATIONS),
    Demand::once("VasaProvider_SyncReplicationGroup_Task", "groups/", GROUPS),
    Demand::traceless(
        "VasaProvider_PrepareFailoverReplicationGroup_Task",
        "groups/",
        GROUPS,
    ),
    Demand::once("VasaProvider_FailoverReplicationGroup_Task", "groups/", GROUPS),
    Demand::once("Vcenter.Vcha.Cluster_failover$Task", "vcha/", 1),
    Demand::once("HostNetworkSystem_startDpuFailover", "dpu/", 1),
];

fn world(seed: u64) -> WorldSpec {
    WorldSpec::pair(seed)
        .groups(u32::try_from(GROUPS).expect("a small number"))
        .replications(u32::try_from(REPLICATIONS).expect("a small number"))
}

fn everything_is_done(run: &Run, seed: u64) {
    for (item, progress) in run.items() {
        assert_eq!(
            progress.result(),
            Some(ItemResult::Done),
            "seed {seed}: {}: {:#?}",
            item.id,
            progress
        );
    }
}

fn nothing_happened_twice(estate: &Estate, seed: u64) {
    let found = complaints(&estate.calls(), &PLANNED);
    assert!(found.is_empty(), "seed {seed}:\n{}", found.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn five_hundred_seeds_of_crashes_and_lost_answers() {
    for seed in 0..500 {
        let mut dice = Dice::new(seed);
        let mut estate = Estate::new(&world(seed), kind::standard());
        for demand in PLANNED {
            if dice.below(2) == 0 {
                let nth = u32::try_from(1 + dice.below(2)).expect("a small number");
                let rule = FaultRule::new(demand.operation, FaultAction::DropAnswer).from_nth(nth);
                estate.simulator.world().faults_mut().add(rule);
            }
        }
        for _ in 0..dice.below(3) {
            let write = 2 + dice.below(40);
            let point = if dice.below(2) == 0 {
                CrashPoint::BeforeWrite
            } else {
                CrashPoint::AfterWrite
            };
            estate.journal.crash_at_write(write, point);
        }
        let run = estate.run(Mode::Planned).await;
        everything_is_done(&run, seed);
        nothing_happened_twice(&estate, seed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_every_write_of_the_journal_does_everything_once() {
    let mut calm = Estate::new(&world(1), kind::standard());
    calm.run(Mode::Planned).await;
    let writes = calm.journal.writes();
    assert!(writes > 10, "the run writes its journal");
    // A run whose first record was never written does not exist; a person starts it again.
    for write in 2..=writes {
        for point in [CrashPoint::BeforeWrite, CrashPoint::AfterWrite] {
            let mut estate = Estate::new(&world(1), kind::standard());
            estate.journal.crash_at_write(write, point);
            let run = estate.run(Mode::Planned).await;
            everything_is_done(&run, write);
            nothing_happened_twice(&estate, write);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_life_of_a_plan_from_rehearsal_to_home_again() {
    let mut estate = Estate::new(&world(3), kind::standard());
    let modes = [
        Mode::Test,
        Mode::Cleanup,
        Mode::Planned,
        Mode::Reprotect,
        Mode::Failback,
        Mode::Reprotect,
        Mode::Disaster,
    ];
    for mode in modes {
        // After a reverse the first copy in the other direction takes a while.
        estate.pass(Duration::from_secs(300)).await;
        let run = estate.run(mode).await;
        for (item, progress) in run.items() {
            let skipped = mode == Mode::Test && matches!(item.kind.as_str(), "dpu" | "vcha");
            let wanted = if skipped {
                ItemResult::Skipped
            } else {
                ItemResult::Done
            };
            assert_eq!(
                progress.result(),
                Some(wanted),
                "{mode}: {}: {:#?}",
                item.id,
                progress
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_planned_run_finds_everything_done_and_sends_nothing() {
    let mut estate = Estate::new(&world(2), kind::standard());
    everything_is_done(&estate.run(Mode::Planned).await, 2);
    everything_is_done(&estate.run(Mode::Planned).await, 2);
    nothing_happened_twice(&estate, 2);
    let calls = estate.calls();
    assert_eq!(attempts(&calls, "HostNetworkSystem_startDpuFailover"), 1);
    assert_eq!(attempts(&calls, "Vcenter.Vcha.Cluster_failover$Task"), 1);
}

/// A kind that sends again without a look: the driver that must never be.
#[derive(Debug)]
struct Blind {
    inner: Arc<dyn Kind>,
    intents: Mutex<BTreeMap<ActionRef, Value>>,
}

#[async_trait]
impl Kind for Blind {
    fn name(&self) -> &'static str {
        self.inner.name()
    }
    fn keys(&self) -> &'static [&'static str] {
        self.inner.keys()
    }
    fn read(&self, table: &Table<'_>, context: &PlanContext) -> Result<Protected, PlanProblem> {
        self.inner.read(table, context)
    }
    fn work(&self, request: &WorkRequest<'_>) -> Work {
        self.inner.work(request)
    }
    async fn check(&self, world: &Connections, mode: Mode, items: &[CheckItem]) -> Vec<Check> {
        self.inner.check(world, mode, items).await
    }
    async fn look(&self, world: &Connections, looks: &[LookRequest]) -> Vec<Finding> {
        let mut findings = self.inner.look(world, looks).await;
        for (look, finding) in looks.iter().zip(&mut findings) {
            let mut intents = self.intents.lock().expect("no panic elsewhere");
            match (finding.clone(), intents.get(&look.action)) {
                // Sent before: whatever the world looks like, it is sent again.
                (_, Some(intent)) => {
                    *finding = Finding::Ready {
                        intent: intent.clone(),
                        limit: None,
                    }
                }
                (Finding::Ready { intent, .. }, None) => {
                    intents.insert(look.action.clone(), intent);
                }
                _ => {}
            }
        }
        findings
    }
    async fn submit(&self, world: &Connections, call: &CallRequest) -> Submitted {
        self.inner.submit(world, call).await
    }
    async fn wait(&self, world: &Connections, call: &CallRequest, operation: &Value) -> Waited {
        self.inner.wait(world, call, operation).await
    }
}

#[tokio::test(start_paused = true)]
async fn the_judge_sees_a_driver_that_sends_again_without_a_look() {
    for demand in PLANNED {
        let standard = kind::standard();
        let mut kinds = Kinds::new();
        for name in standard.names() {
            let inner = Arc::clone(standard.get(name).expect("a registered kind"));
            kinds = kinds.with(Blind {
                inner,
                intents: Mutex::default(),
            });
        }
        let mut estate = Estate::new(&world(1), kinds);
        estate
            .simulator
            .world()
            .faults_mut()
            .add(FaultRule::new(demand.operation, FaultAction::DropAnswer));
        estate.run(Mode::Planned).await;
        let found = complaints(&estate.calls(), &PLANNED);
        assert!(
            !found.is_empty(),
            "a blind resend of {} went unnoticed",
            demand.operation
        );
    }
}
