//! Random calls, legal and illegal, with random pauses: no machine ever comes into a state that there is none of.

use serde_json::{Value, json};

use super::super::{Guest, VmSpec};
use super::{EAST, bench, call};
use crate::random::Random;
use crate::sms::Verb;
use crate::testbench::Bench;

fn check(bench: &Bench, step: &str) {
    let world = &bench.world;
    let vms = world.vms();
    for machine in vms.machines() {
        let about = format!("{step}: {machine:?}");
        assert_eq!(machine.on, machine.guest != Guest::NotRunning, "{about}");
        assert!(machine.question.is_none() || machine.busy.is_some(), "{about}");
        assert!(machine.question.is_none() || !machine.on, "{about}");
        let children = world.inventory.children(&machine.vcenter, &machine.folder);
        assert!(children.contains(&machine.id), "{about}");
        assert_eq!(
            world.inventory.name(&machine.vcenter, &machine.id),
            machine.name,
            "{about}"
        );
        let at_place = vms
            .machines()
            .filter(|other| other.place == machine.place)
            .count();
        assert_eq!(at_place, 1, "{about}");
        if let Some(home) = vms.homes.get(&machine.place) {
            assert_eq!(home.vcenter, machine.vcenter, "{about}");
            for (_, card) in home.config.cards() {
                let connected = card["connectable"]["connected"] == true;
                assert!(machine.on || !connected, "{about}: {card}");
            }
        }
    }
}

fn act(bench: &mut Bench, random: &mut Random) -> String {
    let machines: Vec<_> = bench
        .world
        .vms()
        .machines()
        .filter(|machine| machine.vcenter == EAST)
        .cloned()
        .collect();
    let Some(machine) =
        machines.get(usize::try_from(random.next() % (machines.len().max(1) as u64)).unwrap())
    else {
        return "nothing".to_owned();
    };
    let question = machine.question.as_ref().map_or("none", |question| &question.id);
    let verbs = [Verb::TestStart, Verb::TestStop, Verb::Failover, Verb::Reverse];
    let (method, body) = match random.next() % 10 {
        0 | 1 => ("PowerOnVM_Task", json!({})),
        2 => ("PowerOffVM_Task", Value::Null),
        3 => ("ShutdownGuest", Value::Null),
        4 => ("UnregisterVM", Value::Null),
        5 => ("AnswerVM", json!({"questionId": question, "answerChoice": "1"})),
        6 => (
            "Rename_Task",
            json!({"newName": format!("name-{}", random.next() % 3)}),
        ),
        7 => {
            let spec = json!({"_typeName": "VirtualMachineConfigSpec", "annotation": "x", "memoryMB": 2048});
            ("ReconfigVM_Task", json!({"spec": spec}))
        }
        8 => {
            let all = bench
                .world
                .vms()
                .homes()
                .map(|(place, _)| bench.world.vms().path(place))
                .collect::<Vec<_>>();
            let path = &all[usize::try_from(random.next() % (all.len() as u64)).unwrap()];
            let pool = crate::vi_json::value::reference("ResourcePool", "resgroup-19");
            let body = json!({"path": path, "asTemplate": false, "pool": pool});
            let answer = bench.post(EAST, "/Folder/group-v13/RegisterVM_Task", &body);
            return format!("register {path}: {}", answer.status);
        }
        _ => {
            let verb = verbs[usize::try_from(random.next() % 4).unwrap()];
            return format!("{verb:?}: {}", bench.world.act_on_group("group-001", verb));
        }
    };
    let answer = call(bench, &machine.id, method, &body);
    format!("{method} of {}: {}", machine.id, answer.status)
}

#[test]
fn no_machine_ever_comes_into_a_state_that_there_is_none_of() {
    for seed in 0..30 {
        let mut random = Random::keyed(seed, &["steps"]);
        let spec = VmSpec {
            refuses_in_task: seed % 2 == 1,
            ..VmSpec::default()
        };
        let mut bench = bench(spec);
        for number in 0..120 {
            let step = act(&mut bench, &mut random);
            check(&bench, &format!("seed {seed}, step {number}, {step}"));
            let pause = random.between(0, 6_000);
            bench.pass(pause);
            check(&bench, &format!("seed {seed}, after step {number}, {step}"));
        }
    }
}
