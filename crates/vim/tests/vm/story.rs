//! A group's machine recovered at the other site, by hand and through the client.

use farside_models_vim::{
    AnswerVMRequest, PowerOnVMRequest, RegisterVMRequest, VirtualMachineConnectionState,
    VirtualMachinePowerState,
};
use farside_simulator::sms::Verb;
use farside_simulator::vm::{MachineTrouble, VmSpec};
use farside_vim::{
    ByWhat, CardChange, Connection, Datastore, ManagedObject, MovedOrCopied, Network, NotRegistered,
    Readiness, RecoveredVolume, ShutDown, Started, UpdatedFiles, VirtualMachine, choice,
};

use crate::support::{Bench, LONG, fault};

/// The volumes of a group, as its replicator reports them.
pub(crate) fn volumes(bench: &Bench, group: &str) -> Vec<RecoveredVolume> {
    let world = bench.simulator.world();
    let [source, recovered] = ["vc-east", "vc-west"].map(|vcenter| world.sms().devices(vcenter, group));
    let pairs = source.into_iter().zip(recovered);
    pairs
        .map(|(source, recovered)| RecoveredVolume { source, recovered })
        .collect()
}

/// The datastore in the west that a group replicates to.
pub(crate) fn target(bench: &Bench, group: &str) -> Datastore {
    let number: u32 = group.trim_start_matches("group-").parse().unwrap();
    bench.west.object(if number % 2 == 1 {
        "datastore-21"
    } else {
        "datastore-22"
    })
}

/// Fails a group over and has its files rewritten.
pub(crate) async fn updated(bench: &Bench, group: &str) -> UpdatedFiles {
    bench.act(group, Verb::Failover).await;
    files_of(bench, group).await
}

/// Has the files of a group rewritten that can be reached in the west.
async fn files_of(bench: &Bench, group: &str) -> UpdatedFiles {
    let (datastore, volumes) = (target(bench, group), volumes(bench, group));
    datastore.update_vm_files(None, &volumes, LONG).await.unwrap()
}

/// The machine of a group that was failed over, registered in the west.
pub(crate) async fn recovered(bench: &Bench, group: &str) -> VirtualMachine {
    let files = updated(bench, group).await;
    bench.register(&bench.west, &files.updated[0].path).await.unwrap()
}

#[tokio::test]
async fn a_planned_failover_by_hand() {
    let bench = Bench::new(VmSpec::default());
    let source = bench.vm(&bench.east, "app-001");
    let limits = ShutDown {
        guest: LONG,
        power_off: LONG,
    };
    assert_eq!(source.shut_down(limits).await.unwrap(), ByWhat::Guest);

    // The array moves; the files at the target name the volumes of the source, and cannot be registered yet.
    bench.act("group-001", Verb::Failover).await;
    let datastore = target(&bench, "group-001");
    let ids = volumes(&bench, "group-001");
    let name = datastore.summary().await.unwrap().name;
    let path = format!("[{name}] {}/app-001.vmx", ids[0].recovered);
    let early = bench.register(&bench.west, &path).await.unwrap_err();
    assert_eq!(fault(&early), "InvalidFormat");
    assert_eq!(
        NotRegistered::of(early.fault().unwrap()),
        Some(NotRegistered::Files)
    );

    let files = datastore.update_vm_files(None, &ids, LONG).await.unwrap();
    assert_eq!(
        (files.updated[0].path.as_str(), files.failed.len()),
        (path.as_str(), 0)
    );
    assert_eq!(files.updated[0].volume, ids[0].recovered);
    let vm = bench.register(&bench.west, &path).await.unwrap();
    let runtime = vm.runtime().await.unwrap();
    assert_eq!(runtime.connection_state, VirtualMachineConnectionState::Connected);
    assert_eq!(runtime.power_state, VirtualMachinePowerState::PoweredOff);

    // Its card names a port group of the source site.
    let cards = vm.cards().await.unwrap();
    let west = Network::of(&bench.west, bench.network(&bench.west, "production-west"));
    let backing = west.backing().await.unwrap();
    assert_ne!(cards[0].network, Some(backing.clone()));
    let to = Connection::Network(backing.clone());
    let cards = vm
        .connect(
            &[CardChange {
                key: cards[0].key,
                to,
            }],
            LONG,
        )
        .await
        .unwrap();
    assert_eq!(cards[0].network, Some(backing));

    let started = vm.start(Some(MovedOrCopied::Moved), LONG).await.unwrap();
    assert_eq!(started, Started::On { answered: true });
    let guest = vm.wait_until(Readiness::Address, LONG).await.unwrap();
    assert!(guest.cards[0].connected && guest.cards[0].network.as_deref() == Some("production-west"));
    assert!(vm.cards().await.unwrap()[0].connected);

    // The stale source goes, and its files stay.
    source.unregister().await.unwrap();
    assert!(bench.simulator.world().vms().machine(source.id()).is_none());
    let left = bench
        .simulator
        .world()
        .vms()
        .homes()
        .filter(|(_, home)| home.file == "app-001.vmx")
        .count();
    assert_eq!(left, 2);
}

#[tokio::test]
async fn a_test_copy_is_deleted_with_its_files_before_the_test_stops() {
    let bench = Bench::new(VmSpec::default());
    bench.act("group-002", Verb::TestStart).await;
    let path = files_of(&bench, "group-002").await.updated[0].path.clone();
    let request = RegisterVMRequest::new(&path, false)
        .with_name("copy of app-002")
        .with_pool(bench.pool(&bench.west));
    let copy = bench
        .vm_folder(&bench.west)
        .register(&request, LONG)
        .await
        .unwrap();
    let apart = CardChange {
        key: 4000,
        to: Connection::Disconnected,
    };
    let cards = copy.connect(std::slice::from_ref(&apart), LONG).await.unwrap();
    assert!(!cards[0].start_connected);
    copy.start(Some(MovedOrCopied::Moved), LONG).await.unwrap();
    assert!(!copy.cards().await.unwrap()[0].connected);
    assert!(
        bench.seen(&bench.vm(&bench.east, "app-002")).on,
        "the source runs on"
    );

    let limits = ShutDown {
        guest: LONG,
        power_off: LONG,
    };
    copy.shut_down(limits).await.unwrap();
    bench.done(copy.destroy().await.unwrap()).await.unwrap();
    let world = bench.simulator.world();
    assert!(world.vms().machine(copy.id()).is_none());
    assert!(
        world
            .vms()
            .homes()
            .all(|(_, home)| home.vcenter != "vc-west" || home.file != "app-002.vmx")
    );
}

#[tokio::test]
async fn volumes_that_go_leave_an_inaccessible_machine() {
    let bench = Bench::new(VmSpec::default());
    bench.act("group-001", Verb::TestStart).await;
    let files = files_of(&bench, "group-001").await;
    let copy = bench.register(&bench.west, &files.updated[0].path).await.unwrap();
    bench.act("group-001", Verb::TestStop).await;
    let runtime = copy.runtime().await.unwrap();
    assert_eq!(
        runtime.connection_state,
        VirtualMachineConnectionState::Inaccessible
    );
    assert!(copy.config().await.unwrap().is_none());
    assert_eq!(
        copy.start(None, LONG)
            .await
            .map_err(|error| fault(&error).to_owned()),
        Err("InvalidState".to_owned())
    );
    copy.unregister().await.unwrap();
}

#[tokio::test]
async fn single_calls_do_what_the_conveniences_do() {
    let bench = Bench::new(VmSpec::default());
    bench
        .simulator
        .world()
        .vms_mut()
        .set_trouble("app-003", MachineTrouble::NoTools, true);
    let vm = recovered(&bench, "group-003").await;
    let host = farside_wire::ManagedObjectReference::new("HostSystem", "host-22");
    let task = vm
        .power_on(&PowerOnVMRequest::default().with_host(host))
        .await
        .unwrap();
    let question = loop {
        bench.pass(std::time::Duration::from_secs(1)).await;
        if let Some(question) = vm.runtime().await.unwrap().question {
            break question;
        }
    };
    let key = choice(&question, MovedOrCopied::Moved).unwrap();
    let wrong = vm.answer(&AnswerVMRequest::new("0", &key)).await.unwrap_err();
    assert_eq!(wrong.fault().unwrap().type_name(), "InvalidArgument");
    vm.answer(&AnswerVMRequest::new(&question.id, &key))
        .await
        .unwrap();
    let again = vm
        .answer(&AnswerVMRequest::new(&question.id, &key))
        .await
        .unwrap_err();
    assert_eq!(again.fault().unwrap().type_name(), "ConcurrentAccess");
    bench.done(task).await.unwrap();
    let seen = bench.seen(&vm);
    assert_eq!(
        (seen.on, seen.host.as_str(), seen.question),
        (true, "host-22", None)
    );
}
