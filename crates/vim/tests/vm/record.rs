//! What is recorded of machines before they are unregistered.

use farside_models_vim::{ReconfigVMRequest, RegisterVMRequest, VirtualMachineConfigSpec};
use farside_simulator::sms::Verb;
use farside_simulator::vm::VmSpec;
use farside_simulator::{FaultAction, FaultRule, PermissionSpec};
use farside_vim::{
    CardChange, Connection, InventoryRecord, ManagedObject, Network, NetworkBacking, RecordedPlace,
    VirtualMachine,
};
use serde_json::{Value, json};

use crate::story::recovered;
use crate::support::{Bench, LONG};

const READ: &str = "PropertyCollector_RetrievePropertiesEx";

/// A record as somebody keeps it.
async fn kept(machine: &VirtualMachine) -> InventoryRecord {
    let record = machine.record(LONG).await.unwrap();
    let stored = serde_json::to_string(&record).unwrap();
    let read: InventoryRecord = serde_json::from_str(&stored).unwrap();
    assert_eq!(read, record);
    read
}

fn path(place: Option<&RecordedPlace>) -> Vec<&str> {
    let path = place.unwrap().path.as_ref().unwrap();
    path.iter().map(String::as_str).collect()
}

fn permission(principal: &str, group: bool, role: i32, propagate: bool) -> PermissionSpec {
    PermissionSpec {
        principal: principal.to_owned(),
        group,
        role,
        propagate,
    }
}

async fn note(bench: &Bench, machine: &VirtualMachine, text: &str) {
    let spec = VirtualMachineConfigSpec::default().with_annotation(text);
    let task = machine.reconfigure(&ReconfigVMRequest::new(spec)).await.unwrap();
    bench.done(task).await.unwrap();
}

/// `east-01` registered anew: under another name, in a folder of its own.
async fn moved(bench: &Bench) -> VirtualMachine {
    let machine = bench.vm(&bench.east, "east-01");
    let file = machine
        .config()
        .await
        .unwrap()
        .unwrap()
        .files
        .vm_path_name
        .unwrap();
    machine.unregister().await.unwrap();
    let folder = bench.subfolder(&bench.east, "shop").await;
    let request = RegisterVMRequest::new(file, false)
        .with_name("front%2fend")
        .with_pool(bench.pool(&bench.east));
    folder.register(&request, LONG).await.unwrap()
}

/// Two machines of which much is to be told, and of each something else.
async fn told(bench: &Bench) -> [VirtualMachine; 2] {
    let (machine, other) = (moved(bench).await, bench.vm(&bench.east, "east-02"));
    note(bench, &machine, "cash desk").await;
    let segment = Network::of(&bench.east, bench.network(&bench.east, "segment-east"));
    let to = Connection::Network(segment.backing().await.unwrap());
    machine
        .connect(&[CardChange { key: 4000, to }], LONG)
        .await
        .unwrap();
    {
        let mut world = bench.simulator.world();
        let set = [
            permission("SIM\\operators", true, -1, true),
            permission("SIM\\nobody", false, 4711, false),
        ];
        assert!(world.set_permissions("vc-east", machine.id(), &set));
        assert!(world.set_attribute("vc-east", machine.id(), "owner", "Ada"));
        assert!(world.set_attribute("vc-east", other.id(), "cost centre", "17"));
        assert!(world.set_attribute("vc-east", machine.id(), "cost centre", "18"));
    }
    [machine, other]
}

#[tokio::test]
async fn a_record_holds_what_unregistering_loses() {
    let bench = Bench::new(VmSpec::default());
    let [machine, other] = told(&bench).await;

    let record = kept(&machine).await;
    assert!(record.unread.is_empty(), "{:?}", record.unread);
    let about = &bench.east.content().await.unwrap().about;
    assert_eq!(record.vcenter, about.instance_uuid);
    assert_eq!(record.machine, *machine.reference());
    assert_eq!(record.name.as_deref(), Some("front%2fend"));
    assert_eq!(path(record.folder.as_ref()), ["east", "vm", "shop"]);
    assert_eq!(
        path(record.pool.as_ref()),
        ["east", "host", "cluster-east", "Resources"]
    );
    assert_eq!(record.pool.as_ref().unwrap().object, bench.pool(&bench.east));
    assert_eq!(record.host.as_ref().unwrap().value, bench.seen(&machine).host);
    assert!(record.file.as_ref().unwrap().ends_with("/east-01.vmx"));
    assert_eq!((record.vapp.as_ref(), record.template), (None, Some(false)));
    let config = machine.config().await.unwrap().unwrap();
    assert_eq!(record.uuid, Some(config.uuid));
    assert_eq!(record.instance_uuid, config.instance_uuid);
    assert_eq!(record.notes.as_deref(), Some("cash desk"));
    let [card] = &record.cards.as_ref().unwrap()[..] else {
        panic!("{record:?}")
    };
    assert_eq!((card.key, card.label.as_str()), (4000, "Network adapter 1"));
    assert!(matches!(card.network, Some(NetworkBacking::Opaque { .. })));
    assert_eq!(card.network_name.as_deref(), Some("segment-east"));
    assert!(card.start_connected && card.mac_address.is_some());
    let attributes: Vec<_> = record
        .attributes
        .iter()
        .flatten()
        .map(|attribute| (attribute.name.as_deref(), attribute.value.as_deref()))
        .collect();
    assert_eq!(
        attributes,
        [(Some("owner"), Some("Ada")), (Some("cost centre"), Some("18"))]
    );
    let permissions: Vec<_> = record
        .permissions
        .iter()
        .flatten()
        .map(|one| {
            (
                one.principal.as_str(),
                one.group,
                one.role_id,
                one.role.as_deref(),
                one.propagate,
            )
        })
        .collect();
    assert_eq!(
        permissions,
        [
            ("SIM\\operators", true, -1, Some("Admin"), true),
            ("SIM\\nobody", false, 4711, None, false),
        ]
    );

    // Another machine has its own.
    let others = kept(&other).await;
    assert_eq!(others.name.as_deref(), Some("east-02"));
    assert_eq!(path(others.folder.as_ref()), ["east", "vm"]);
    assert_eq!(others.notes.as_deref(), Some(""));
    assert_ne!((&others.uuid, &others.file), (&record.uuid, &record.file));
    let card = &others.cards.as_ref().unwrap()[0];
    assert!(matches!(card.network, Some(NetworkBacking::Distributed { .. })));
    assert_eq!(card.network_name.as_deref(), Some("production-east"));
    assert_eq!(others.permissions, Some(Vec::new()));
    assert_eq!(
        others.attributes.as_ref().unwrap()[0].value.as_deref(),
        Some("17")
    );
}

#[tokio::test]
async fn a_machine_can_be_registered_where_its_record_says() {
    let bench = Bench::new(VmSpec::default());
    let [machine, _] = told(&bench).await;
    let record = kept(&machine).await;
    // With what the record holds it can be registered where it was; what goes with the files is there again, and no more.
    machine.unregister().await.unwrap();
    let names = record.folder.as_ref().unwrap().path.clone().unwrap();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let folder = bench.east.at_path(&names).await.unwrap().unwrap();
    assert_eq!(Some(&folder), record.folder.as_ref().map(|folder| &folder.object));
    let request = RegisterVMRequest::new(record.file.clone().unwrap(), false)
        .with_name(record.name.clone().unwrap())
        .with_pool(record.pool.clone().unwrap().object);
    let folder = farside_vim::Folder::of(&bench.east, folder);
    let again = kept(&folder.register(&request, LONG).await.unwrap()).await;
    assert_eq!(
        (&again.name, &again.folder, &again.notes),
        (&record.name, &record.folder, &record.notes)
    );
    assert_eq!(again.cards, record.cards);
    assert_ne!(again.machine, record.machine);
    assert_eq!(
        (again.permissions, again.attributes),
        (Some(Vec::new()), Some(Vec::new()))
    );
}

#[tokio::test]
async fn one_read_is_enough_for_a_machine_without_permissions_of_its_own() {
    let bench = Bench::new(VmSpec::default());
    let machine = bench.vm(&bench.east, "app-001");
    machine.runtime().await.unwrap();
    let before = bench.calls(READ).attempts;
    let record = machine.record(LONG).await.unwrap();
    assert_eq!(bench.calls(READ).attempts, before + 1);
    assert_eq!(record.permissions, Some(Vec::new()));
}

/// A network of the other site has no name here.
#[tokio::test]
async fn the_network_of_another_site_has_no_name_in_a_record() {
    let bench = Bench::new(VmSpec::default());
    let machine = recovered(&bench, "group-001").await;
    let record = kept(&machine).await;
    let card = &record.cards.as_ref().unwrap()[0];
    assert!(card.network.is_some());
    assert_eq!(card.network_name, None);
}

#[tokio::test]
async fn of_a_machine_whose_files_are_gone_the_inventory_tells_the_rest() {
    let bench = Bench::new(VmSpec::default());
    bench.act("group-001", Verb::TestStart).await;
    let datastore = crate::story::target(&bench, "group-001");
    let volumes = crate::story::volumes(&bench, "group-001");
    let files = datastore.update_vm_files(None, &volumes, LONG).await.unwrap();
    let copy = bench.register(&bench.west, &files.updated[0].path).await.unwrap();
    bench.act("group-001", Verb::TestStop).await;
    let record = kept(&copy).await;
    assert_eq!(record.name.as_deref(), Some("app-001"));
    assert_eq!(record.file, Some(files.updated[0].path.clone()));
    assert_eq!(path(record.folder.as_ref()), ["west", "vm"]);
    // Not "no card" and "no note".
    assert_eq!((record.cards, record.notes, record.uuid), (None, None, None));
}

fn answer(machine: &VirtualMachine, set: Value, missing: Value) -> FaultRule {
    let body = json!({"_typeName": "RetrieveResult", "objects": [{
        "_typeName": "ObjectContent", "obj": machine.reference(), "propSet": set, "missingSet": missing}]});
    let answer = FaultAction::Refuse {
        status: 200,
        body: Some(body),
        retry_after: None,
    };
    FaultRule::new(READ, answer)
}

#[tokio::test]
async fn what_may_not_be_read_is_told_and_is_not_empty() {
    let bench = Bench::new(VmSpec::default());
    let machine = bench.vm(&bench.east, "app-001");
    machine.runtime().await.unwrap();
    let no_permission = |path: &str| json!({"_typeName": "MissingProperty", "path": path, "fault": {"_typeName": "NoPermission"}});
    let text = |value: &str| json!({"_typeName": "string", "_value": value});
    let property =
        |name: &str, value: Value| json!({"_typeName": "DynamicProperty", "name": name, "val": value});
    let folder = json!({"_typeName": "ManagedObjectReference", "type": "Folder", "value": "group-v13"});
    let set = json!([
        property("name", text("app-001")),
        property("parent", folder),
        property("config.uuid", json!({"_typeName": "int", "_value": 7})),
    ]);
    let missing = json!([
        no_permission("permission"),
        no_permission("customValue"),
        no_permission("config.annotation")
    ]);
    bench
        .simulator
        .world()
        .faults_mut()
        .add(answer(&machine, set, missing));
    let record = kept(&machine).await;
    assert_eq!(
        (&record.permissions, &record.attributes, &record.notes),
        (&None, &None, &None)
    );
    let unread: Vec<&str> = record.unread.keys().map(String::as_str).collect();
    assert_eq!(
        unread,
        [
            "config.annotation",
            "config.uuid",
            "customValue",
            "parent",
            "permission",
        ]
    );
    assert_eq!(record.unread["permission"], "NoPermission");
    // It lies in a folder of which no more is known.
    let folder = record.folder.unwrap();
    assert_eq!((folder.object.value.as_str(), folder.path), ("group-v13", None));
}

#[tokio::test]
async fn a_role_whose_name_is_not_told_keeps_its_id() {
    let bench = Bench::new(VmSpec::default());
    let machine = bench.vm(&bench.east, "app-001");
    let set = [permission("SIM\\operators", true, -2, true)];
    assert!(
        bench
            .simulator
            .world()
            .set_permissions("vc-east", machine.id(), &set)
    );
    machine.runtime().await.unwrap();
    let refuse = FaultAction::Refuse {
        status: 500,
        body: Some(json!({"_typeName": "NoPermission"})),
        retry_after: None,
    };
    bench
        .simulator
        .world()
        .faults_mut()
        .add(FaultRule::new(READ, refuse).from_nth(2));
    let record = kept(&machine).await;
    let [permission] = &record.permissions.as_ref().unwrap()[..] else {
        panic!("{record:?}")
    };
    assert_eq!((permission.role_id, permission.role.as_ref()), (-2, None));
    assert!(record.unread.contains_key("roleList"), "{:?}", record.unread);
}

#[tokio::test]
async fn a_machine_that_is_not_there_has_no_record() {
    let bench = Bench::new(VmSpec::default());
    let gone: VirtualMachine = bench.east.object("vm-9999");
    let error = gone.record(LONG).await.unwrap_err();
    assert_eq!(crate::support::fault(&error), "ManagedObjectNotFound");
}
