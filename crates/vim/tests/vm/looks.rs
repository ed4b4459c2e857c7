//! Waits for properties of many machines: one read for all of them.

use std::sync::Arc;
use std::time::Duration;

use farside_models_vim::PowerOnVMRequest;
use farside_simulator::vm::VmSpec;
use farside_simulator::{FaultAction, FaultRule};
use farside_transport::{Clock, SystemClock, WaitErrorKind, within};
use farside_vim::{Readiness, VirtualMachine, WorkErrorKind};
use futures_util::future::{join, join_all};

use crate::support::{Bench, LONG};

const READ: &str = "PropertyCollector_RetrievePropertiesEx";

/// Machines of the one vCenter that are off.
fn off<C: Clock + 'static>(bench: &Bench<C>) -> Vec<VirtualMachine> {
    let names: Vec<String> = {
        let world = bench.simulator.world();
        let machines = world.vms().machines();
        let here = machines.filter(|machine| machine.vcenter == "vc-east" && !machine.on);
        here.map(|machine| machine.name.clone()).collect()
    };
    assert!(names.len() > 1, "{names:?}");
    names.iter().map(|name| bench.vm(&bench.east, name)).collect()
}

#[tokio::test]
async fn waits_for_many_machines_share_their_reads() {
    let bench = Bench::new(VmSpec::default());
    let machines = off(&bench);
    // Several callers for each machine, as a run has that follows starts and waits for guests.
    let waiting = machines.iter().cycle().take(200);
    let waits = waiting.map(|vm| vm.wait_until(Readiness::PoweredOn, LONG));
    let start = async {
        bench.pass(Duration::from_secs(60)).await;
        for vm in &machines {
            vm.power_on(&PowerOnVMRequest::default()).await.unwrap();
        }
    };
    let (waited, ()) = join(join_all(waits), start).await;
    assert!(
        waited
            .iter()
            .all(|guest| guest.as_ref().is_ok_and(|guest| guest.on))
    );
    let shared = bench.calls(READ).attempts;
    assert!(shared < 60, "{shared} reads for 200 waits");
}

#[tokio::test]
async fn a_machine_that_goes_ends_its_own_wait_and_no_other() {
    let bench = Bench::new(VmSpec::default());
    let machines = off(&bench);
    let (gone, stays) = (&machines[0], &machines[1]);
    let change = async {
        bench.pass(Duration::from_secs(5)).await;
        gone.unregister().await.unwrap();
        bench.pass(Duration::from_secs(10)).await;
        stays.power_on(&PowerOnVMRequest::default()).await.unwrap();
    };
    let waits = join(
        gone.wait_until(Readiness::PoweredOn, LONG),
        stays.wait_until(Readiness::PoweredOn, LONG),
    );
    let ((lost, seen), ()) = join(waits, change).await;
    let lost = lost.unwrap_err();
    let is_gone = |kind: &WorkErrorKind| matches!(kind, WorkErrorKind::Wait(error) if matches!(error.kind(), WaitErrorKind::Gone));
    assert!(is_gone(lost.kind()), "{lost:?}");
    assert!(seen.unwrap().on);
}

#[tokio::test]
async fn who_is_dropped_amid_a_read_leaves_it_to_the_others() {
    let bench = Bench::new(VmSpec::default());
    let machines = off(&bench);
    let delay = FaultRule::new(READ, FaultAction::Delay { ms: 20_000 });
    bench.simulator.world().faults_mut().add(delay);
    let vm = &machines[1];
    vm.power_on(&PowerOnVMRequest::default()).await.unwrap();
    let first = machines[0].wait_until(Readiness::PoweredOn, LONG);
    let dropped = within(&*bench.clock, Duration::from_secs(5), first);
    let began = bench.clock.elapsed();
    let (dropped, seen) = join(dropped, vm.wait_until(Readiness::PoweredOn, LONG)).await;
    assert!(dropped.is_err());
    assert!(seen.unwrap().on);
    let took = bench.clock.elapsed() - began;
    assert!(
        took < Duration::from_secs(20),
        "{took:?}: it waited for the lost answer"
    );
}

#[tokio::test]
async fn a_state_of_before_a_wait_never_ends_it() {
    let bench = Bench::new(VmSpec::default());
    let machines = off(&bench);
    let vm = &machines[0];
    for _ in 0..3 {
        vm.start(None, LONG).await.unwrap();
        vm.wait_until(Readiness::PoweredOn, LONG).await.unwrap();
        bench.done(vm.power_off().await.unwrap()).await.unwrap();
        let again = vm.wait_until(Readiness::PoweredOn, Duration::from_secs(3)).await;
        let error = again.unwrap_err();
        assert!(
            matches!(error.kind(), WorkErrorKind::NotReady { .. }),
            "{error:?}"
        );
    }
}

// Whoever read for all, and was kept but not polled, as a stream's items are while their consumer is busy, held up all others.
#[tokio::test(start_paused = true)]
async fn a_wait_for_a_machine_that_is_kept_and_not_polled_holds_nobody_up() {
    // A `PausedClock` waits for each sleeper to be polled.
    let bench = Bench::on(Arc::new(SystemClock::new()), VmSpec::default());
    let machines = off(&bench);
    let (first, vm) = (&machines[0], &machines[1]);
    let long = Duration::from_secs(100_000);
    let mut kept = Vec::new();
    // Before its read, amid it, and after some.
    for (after, delay) in [(0, None), (10, None), (60, Some(20_000)), (2_000, None)] {
        if let Some(ms) = delay {
            let delay = FaultRule::new(READ, FaultAction::Delay { ms });
            bench.simulator.world().faults_mut().add(delay);
        }
        let mut wait = Box::pin(first.wait_until(Readiness::PoweredOn, long));
        let early = within(&*bench.clock, Duration::from_millis(after), wait.as_mut()).await;
        assert!(early.is_err(), "it ended at once");
        kept.push(wait);
        vm.power_on(&PowerOnVMRequest::default()).await.unwrap();
        let waits = (0..3).map(|_| vm.wait_until(Readiness::PoweredOn, LONG));
        for seen in join_all(waits).await {
            assert!(seen.unwrap().on);
        }
        bench.done(vm.power_off().await.unwrap()).await.unwrap();
    }
    first.power_on(&PowerOnVMRequest::default()).await.unwrap();
    for seen in join_all(kept).await {
        assert!(seen.unwrap().on);
    }
}
