//! The same seed and the same calls give the same history, byte for byte.

mod script;

use self::script::Script;
use crate::spec::WorldSpec;
use crate::world::World;

fn spec(seed: u64, odd: bool) -> WorldSpec {
    let spec = if odd {
        WorldSpec::odd(seed)
    } else {
        WorldSpec::pair(seed)
    };
    let mut spec = spec.groups(12).replications(6);
    spec.vasa.groups_with_devices = 4;
    spec
}

fn played(seed: u64, odd: bool, faults: bool, steps: u32) -> Script {
    let mut script = Script::new(spec(seed, odd).build(), seed);
    if faults {
        script.add_faults();
    }
    script.play(steps);
    script
}

#[test]
fn one_seed_and_one_script_give_one_history() {
    for seed in 0..6 {
        for faults in [false, true] {
            let odd = seed % 2 == 1;
            let once = played(seed, odd, faults, 600).whole();
            let again = played(seed, odd, faults, 600).whole();
            assert!(
                once == again,
                "seed {seed}, odd {odd}, faults {faults}: two histories"
            );
        }
    }
}

#[test]
fn the_script_reaches_all_services_and_is_taken_and_refused_by_each() {
    let script = played(4, false, true, 3_000);
    let entries = script.world.calls().entries();
    for operations in [
        "VasaProvider_FailoverReplicationGroup_Task",
        "VasaProvider_ReverseReplicateGroup_Task",
        "vmReplications.failover",
        "vmReplications.reverse",
        "Vcenter.Vcha.Cluster_failover$Task",
        "HostNetworkSystem_startDpuFailover",
        "VirtualMachine_PowerOnVM_Task",
    ] {
        let of = || entries.iter().filter(|calls| calls.operation == operations);
        let count =
            |number: fn(&crate::call_log::Entry) -> u64| of().map(|calls| number(&calls.entry)).sum::<u64>();
        let found = [count(|entry| entry.effects), count(|entry| entry.refused)];
        assert!(found.iter().all(|count| *count > 0), "{operations}: {found:?}");
    }
    let hits: Vec<u32> = script
        .world
        .faults()
        .active()
        .iter()
        .map(|fault| fault.hits)
        .collect();
    assert!(hits.iter().all(|hits| *hits > 0), "{hits:?}");
}

#[test]
fn another_seed_gives_another_history() {
    let mut other = Script::new(spec(2, false).build(), 1);
    other.play(50);
    assert_ne!(played(1, false, false, 50).whole(), other.whole());
}

// The point of saving: nobody can tell a world that was saved and loaded on the way from one that was not.
#[test]
fn a_world_that_is_saved_and_loaded_on_the_way_has_the_same_history() {
    for seed in 0..8 {
        let mut straight = played(seed, seed % 2 == 1, seed % 4 < 2, 300);
        let mut saved = straight.clone();
        for _ in 0..6 {
            straight.play(60);
            let file = saved.world.save().unwrap();
            saved.world = World::load(&file).unwrap();
            assert!(saved.world.save().unwrap() == file, "seed {seed}: another file");
            saved.play(60);
            let (one, other) = (straight.whole(), saved.whole());
            if let Some((one, other)) = one.lines().zip(other.lines()).find(|(one, other)| one != other) {
                panic!("seed {seed}:\n{one}\nand with a loaded world\n{other}");
            }
        }
    }
}
