//! Network cards, changed and read back.

use farside_models_vim::{ReconfigVMRequest, VirtualMachineConfigSpec};
use farside_simulator::vm::{Ports, VmSpec};
use farside_simulator::{FaultAction, FaultRule};
use farside_vim::{
    CardChange, Connection, ManagedObject, Network, NetworkBacking, VirtualMachine, WorkErrorKind, card_spec,
};
use farside_wire::{Object, RawJson};

use crate::support::{Bench, LONG, fault};

const KEY: i32 = 4000;

fn onto(backing: NetworkBacking) -> CardChange {
    CardChange {
        key: KEY,
        to: Connection::Network(backing),
    }
}

#[tokio::test]
async fn a_card_goes_to_every_kind_of_network_and_is_read_back() {
    let bench = Bench::new(VmSpec::default());
    let vm = bench.vm(&bench.east, "east-01");
    for name in ["VM Network", "test-east", "segment-east"] {
        let network = Network::of(&bench.east, bench.network(&bench.east, name));
        let backing = network.backing().await.unwrap();
        let cards = vm.connect(&[onto(backing.clone())], LONG).await.unwrap();
        assert_eq!(cards[0].network.as_ref(), Some(&backing), "{name}");
        assert!(
            cards[0].start_connected && !cards[0].connected,
            "the machine is off"
        );
        let listed = bench.simulator.world().state()["vms"]["networks"].to_string();
        assert!(listed.contains(name));
    }
    // A handle made of an id does not know the kind of its network; the server does.
    let id = bench.network(&bench.east, "test-east").value;
    let unknown: Network = bench.east.object(id);
    assert!(matches!(
        unknown.backing().await.unwrap(),
        NetworkBacking::Distributed { .. }
    ));
}

/// Devices go back whole, and the port of a distributed switch is the server's choice, whenever it makes it.
#[tokio::test]
async fn edits_are_whole_and_name_no_port_of_another_port_group() {
    for ports in [Ports::AtOnce, Ports::AtOnceUnnamed, Ports::AtStart] {
        let mut spec = VmSpec::default();
        spec.wants_whole_devices = true;
        spec.ports = ports;
        let bench = Bench::new(spec);
        let vm = bench.vm(&bench.east, "east-01");
        let of = async |name: &str| {
            let network = Network::of(&bench.east, bench.network(&bench.east, name));
            network.backing().await.unwrap()
        };
        let (test, production) = (of("test-east").await, of("production-east").await);
        let cut = CardChange {
            key: KEY,
            to: Connection::Disconnected,
        };
        vm.connect(&[onto(test.clone())], LONG).await.unwrap();
        let cards = vm.connect(&[cut], LONG).await.unwrap();
        assert_eq!(cards[0].network, Some(test.clone()), "{ports:?}");
        vm.connect(&[onto(test)], LONG).await.unwrap();
        vm.start(None, LONG).await.unwrap();
        assert!(vm.cards().await.unwrap()[0].connected, "{ports:?}");
        let cards = vm.connect(&[onto(production.clone())], LONG).await.unwrap();
        assert!(cards[0].connected && cards[0].network == Some(production));
    }
}

#[tokio::test]
async fn what_is_as_wanted_is_left_alone() {
    let bench = Bench::new(VmSpec::default());
    let vm = bench.vm(&bench.east, "app-001");
    let before = vm.cards().await.unwrap();
    let keep = onto(before[0].network.clone().unwrap());
    assert_eq!(vm.connect(&[keep], LONG).await.unwrap(), before);
    assert_eq!(bench.calls("VirtualMachine_ReconfigVM_Task").attempts, 0);
    let cut = CardChange {
        key: KEY,
        to: Connection::Disconnected,
    };
    let cards = vm.connect(&[cut], LONG).await.unwrap();
    assert!(
        !cards[0].connected && !cards[0].start_connected,
        "also while it runs"
    );
    assert_eq!(cards[0].mac_address, before[0].mac_address);
    assert_eq!(cards[0].network, before[0].network);
}

#[tokio::test]
async fn a_card_or_a_network_that_is_not_there_is_told() {
    let bench = Bench::new(VmSpec::default());
    let vm = bench.vm(&bench.east, "east-01");
    let other = CardChange {
        key: 4711,
        to: Connection::Disconnected,
    };
    let error = vm.connect(&[other], LONG).await.unwrap_err();
    assert!(matches!(error.kind(), WorkErrorKind::NoCard(4711)));
    let nowhere = NetworkBacking::Standard {
        name: "nowhere".to_owned(),
    };
    let error = vm.connect(&[onto(nowhere)], LONG).await.unwrap_err();
    assert_eq!(fault(&error), "InvalidDeviceBacking");
}

#[tokio::test]
async fn a_change_in_between_is_decided_anew_and_a_lost_answer_looked_at() {
    let bench = Bench::new(VmSpec::default());
    let vm = bench.vm(&bench.east, "east-01");
    let network = Network::of(&bench.east, bench.network(&bench.east, "test-bubble"));
    let backing = network.backing().await.unwrap();
    let stale = VirtualMachineConfigSpec::default().with_change_version("2020-01-01T00:00:00.000000Z");
    let refused = vm.reconfigure(&ReconfigVMRequest::new(stale)).await.unwrap_err();
    assert_eq!(refused.fault().unwrap().type_name(), "ConcurrentAccess");
    let concurrent = serde_json::json!({"_typeName": "ConcurrentAccess"});
    let rule = FaultRule::new(
        "VirtualMachine_ReconfigVM_Task",
        FaultAction::Refuse {
            status: 500,
            body: Some(concurrent),
            retry_after: None,
        },
    );
    bench.simulator.world().faults_mut().add(rule);
    let cards = vm.connect(&[onto(backing.clone())], LONG).await.unwrap();
    assert_eq!(cards[0].network, Some(backing));

    let rule = FaultRule::new("VirtualMachine_ReconfigVM_Task", FaultAction::DropAnswer);
    bench.simulator.world().faults_mut().add(rule);
    let cut = CardChange {
        key: KEY,
        to: Connection::Disconnected,
    };
    let cards = vm.connect(&[cut], LONG).await.unwrap();
    assert!(!cards[0].start_connected);
    assert_eq!(bench.calls("VirtualMachine_ReconfigVM_Task").effects, 2);
}

#[tokio::test]
async fn a_foreign_network_is_no_connection_or_keeps_the_machine_off() {
    for refuses in [false, true] {
        let mut spec = VmSpec::default();
        spec.refuses_foreign_networks = refuses;
        let bench = Bench::new(spec);
        let vm: VirtualMachine = crate::story::recovered(&bench, "group-001").await;
        let started = vm.start(Some(farside_vim::MovedOrCopied::Moved), LONG).await;
        match started {
            Ok(_) => assert!(!refuses && !vm.cards().await.unwrap()[0].connected),
            Err(error) => {
                assert!(refuses);
                assert_eq!(fault(&error), "CannotAccessNetwork");
                assert_eq!(error.object(), vm.reference());
            }
        }
    }
}

#[test]
fn a_card_that_was_shown_with_nulls_and_without_type_names_goes_back_without_and_with_them() {
    let shown = serde_json::json!({
        "_typeName": "VirtualVmxnet3",
        "key": 4000,
        "deviceInfo": {"label": "Network adapter 1", "summary": "dvs-east"},
        "backing": {
            "_typeName": "VirtualEthernetCardDistributedVirtualPortBackingInfo",
            "port": {"switchUuid": "50 3f", "portgroupKey": "dvportgroup-11", "portKey": null},
        },
        "connectable": {"startConnected": true, "allowGuestControl": true, "connected": false, "status": "ok"},
        "numaNode": null,
        "uptCompatibilityEnabled": true,
        "inventedLater": {"kept": 7},
    });
    let device = Object::from_raw(RawJson::of(&shown).unwrap()).unwrap();
    let cut = CardChange {
        key: KEY,
        to: Connection::Disconnected,
    };
    let spec = card_spec(&[device], &[cut], false).unwrap();
    let spec = serde_json::to_value(&spec).unwrap();
    let wanted = serde_json::json!({
        "_typeName": "VirtualVmxnet3",
        "key": 4000,
        "deviceInfo": {"_typeName": "Description", "label": "Network adapter 1", "summary": "dvs-east"},
        "backing": {
            "_typeName": "VirtualEthernetCardDistributedVirtualPortBackingInfo",
            "port": {
                "_typeName": "DistributedVirtualSwitchPortConnection",
                "switchUuid": "50 3f",
                "portgroupKey": "dvportgroup-11",
            },
        },
        "connectable": {
            "_typeName": "VirtualDeviceConnectInfo",
            "startConnected": false,
            "allowGuestControl": true,
            "connected": false,
        },
        "uptCompatibilityEnabled": true,
        "inventedLater": {"kept": 7},
    });
    assert_eq!(spec["deviceChange"][0]["device"], wanted);
}

/// Cuts the card of a running machine off; it stays on its network, and is connected at power-on.
async fn cut_off(bench: &Bench, vm: &VirtualMachine) -> NetworkBacking {
    let network = vm.cards().await.unwrap()[0].network.clone().unwrap();
    let devices = vm.config().await.unwrap().unwrap().hardware.device;
    let spec = card_spec(&devices, &[onto(network.clone())], false).unwrap();
    let task = vm.reconfigure(&ReconfigVMRequest::new(spec)).await.unwrap();
    bench.done(task).await.unwrap();
    let card = &vm.cards().await.unwrap()[0];
    assert!(card.start_connected && !card.connected);
    network
}

#[tokio::test]
async fn a_card_of_a_running_machine_that_was_cut_off_is_connected_now() {
    let bench = Bench::new(VmSpec::default());
    let vm = bench.vm(&bench.east, "app-001");
    let network = cut_off(&bench, &vm).await;
    let cards = vm.connect(&[onto(network)], LONG).await.unwrap();
    assert!(cards[0].connected, "{cards:?}");
    assert_eq!(bench.calls("VirtualMachine_ReconfigVM_Task").effects, 2);
}

#[tokio::test]
async fn a_card_that_does_not_come_to_be_connected_is_told() {
    let bench = Bench::new(VmSpec::default());
    let vm = bench.vm(&bench.east, "app-001");
    let network = cut_off(&bench, &vm).await;
    // The task ends well, and the card stays as it was.
    let task = bench.simulator.world().run_task("vc-east", 0, Ok(None));
    let taken = serde_json::json!({"_typeName": "ManagedObjectReference", "type": "Task", "value": task});
    let rule = FaultRule::new(
        "VirtualMachine_ReconfigVM_Task",
        FaultAction::Refuse {
            status: 200,
            body: Some(taken),
            retry_after: None,
        },
    );
    bench.simulator.world().faults_mut().add(rule);
    let error = vm.connect(&[onto(network)], LONG).await.unwrap_err();
    let WorkErrorKind::ReadBack { found, .. } = error.kind() else {
        panic!("{error:?}");
    };
    assert!(!found.connected);
    assert!(
        error.kind().to_string().contains("not connected now"),
        "{}",
        error.kind()
    );
}
