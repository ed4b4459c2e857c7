//! Plain methods against the wire fixtures: each sends the request of the fixture, and reads its answer.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use farside_transport::testing::{Answer, ScriptedTransport};
use farside_transport::{CallError, RemoteOperation, SystemClock};
use farside_vim::{
    ClusterComputeResource, Datacenter, Datastore, DistributedVirtualSwitch, Folder, HostSystem,
    ManagedEntity, Network, ReleaseChoice, VIM_TASK, VimClient, VirtualMachine,
};
use farside_wire::Secret;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The folders of fixtures whose operations are methods of the handles here.
const FOLDERS: [&str; 9] = [
    "cluster-compute-resource",
    "datacenter",
    "datastore",
    "distributed-virtual-switch",
    "folder",
    "host-system",
    "managed-entity",
    "network",
    "virtual-machine",
];

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models-vim/tests/fixtures")
}

fn server(fixture: &Value) -> Arc<ScriptedTransport> {
    let response = fixture["response"].clone();
    Arc::new(ScriptedTransport::with(move |call, _| {
        let known = |name: &str| read(&root().join(name))["response"]["body"].to_string();
        match call.operation.id {
            "ServiceInstance_getContent" => Answer::json(200, known("service-instance/get-content.json")),
            "SessionManager_Login" => Answer::json(200, known("session-manager/login.json"))
                .with_header("vmware-api-session-id", "token"),
            _ => match response["status"].as_u64().unwrap() {
                204 => Answer::empty(204),
                status => Answer::json(u16::try_from(status).unwrap(), response["body"].to_string()),
            },
        }
    }))
}

fn body<T: DeserializeOwned>(fixture: &Value) -> T {
    match &fixture["request"]["body"] {
        Value::Null => serde_json::from_str("{}").unwrap(),
        body => serde_json::from_value(body.clone()).unwrap(),
    }
}

/// An answer as JSON again.
fn value<T: Serialize>(answer: Result<T, CallError>) -> Result<Value, CallError> {
    answer.map(|answer| serde_json::to_value(answer).unwrap())
}

/// The reference that a task was found by.
fn task<T>(answer: Result<RemoteOperation<T>, CallError>) -> Result<Value, CallError> {
    answer.map(|operation| {
        assert_eq!(
            (operation.id().kind.as_str(), operation.id().endpoint.as_str()),
            (VIM_TASK, "vc-east")
        );
        serde_json::json!({"_typeName": "ManagedObjectReference", "type": "Task", "value": operation.id().id})
    })
}

async fn call(client: &VimClient, operation: &str, id: &str, fixture: &Value) -> Result<Value, CallError> {
    let vm: VirtualMachine = client.object(id);
    let folder: Folder = client.object(id);
    let datastore: Datastore = client.object(id);
    let host: HostSystem = client.object(id);
    let switch: DistributedVirtualSwitch = client.object(id);
    match operation {
        "ClusterComputeResource_ApplyRecommendation" => {
            let cluster: ClusterComputeResource = client.object(id);
            value(cluster.apply_recommendation(&body(fixture)).await)
        }
        "VirtualMachine_RefreshStorageInfo" => value(vm.refresh_storage_info().await),
        "Datacenter_PowerOnMultiVM_Task" => {
            let datacenter: Datacenter = client.object(id);
            task(datacenter.power_on_multi_vm(&body(fixture)).await)
        }
        "Datastore_UpdateVVolVirtualMachineFiles_Task" => {
            task(datastore.update_vvol_virtual_machine_files(&body(fixture)).await)
        }
        "Datastore_getSummary" => value(datastore.summary().await),
        "DistributedVirtualSwitch_ReconfigureDvs_Task" => task(switch.reconfigure(&body(fixture)).await),
        "DistributedVirtualSwitch_getConfig" => value(switch.config().await),
        "DistributedVirtualSwitch_getRuntime" => value(switch.runtime().await),
        "Folder_CreateFolder" => value(folder.create_folder(&body(fixture)).await),
        "Folder_RegisterVM_Task" => task(folder.register_vm(&body(fixture)).await),
        "HostSystem_getRuntime" => value(host.runtime().await),
        "HostSystem_getSummary" => value(host.summary().await),
        "ManagedEntity_Rename_Task" => task(client.object::<ManagedEntity>(id).rename(&body(fixture)).await),
        "Network_getSummary" => value(client.object::<Network>(id).summary().await),
        "VirtualMachine_AnswerVM" => value(vm.answer(&body(fixture)).await),
        "VirtualMachine_Destroy_Task" => task(vm.destroy().await),
        "VirtualMachine_PowerOffVM_Task" => task(vm.power_off().await),
        "VirtualMachine_PowerOnVM_Task" => task(vm.power_on(&body(fixture)).await),
        "VirtualMachine_ReconfigVM_Task" => task(vm.reconfigure(&body(fixture)).await),
        "VirtualMachine_ShutdownGuest" => value(vm.shutdown_guest().await),
        "VirtualMachine_UnregisterVM" => value(vm.unregister().await),
        "VirtualMachine_getConfig" => value(vm.config().await),
        "VirtualMachine_getGuest" => value(vm.guest_info().await),
        "VirtualMachine_getRuntime" => value(vm.runtime().await),
        "VirtualMachine_getSummary" => value(vm.summary().await),
        other => panic!("no method for {other}"),
    }
}

#[tokio::test]
async fn each_method_sends_the_request_and_reads_the_answer() {
    let mut played = 0;
    for folder in FOLDERS {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let fixture = read(&path);
            let operation = fixture["operation"].as_str().unwrap();
            let wanted = &fixture["request"];
            let id = wanted["path"]
                .as_str()
                .unwrap()
                .split('/')
                .nth(5)
                .unwrap()
                .to_owned();
            let server = server(&fixture);
            let clock = Arc::new(SystemClock::new());
            let client = VimClient::builder(server.clone(), "operator", Secret::new("secret"), clock)
                .endpoint("vc-east")
                .release(ReleaseChoice::Fixed("8.0.3.0".to_owned()))
                .build();
            let outcome = call(&client, operation, &id, &fixture).await;
            let about = path.display();
            match outcome {
                Ok(answer) => assert_eq!(answer, fixture["response"]["body"], "{about}"),
                Err(error) => {
                    let fault = error.fault().unwrap_or_else(|| panic!("{about}: {error:?}"));
                    assert_eq!(
                        fixture["response"]["body"]["_typeName"],
                        fault.type_name(),
                        "{about}"
                    );
                }
            }
            let sent = server.calls().pop().unwrap();
            assert_eq!(
                (sent.operation.id, sent.request.method().as_str()),
                (operation, wanted["method"].as_str().unwrap())
            );
            assert_eq!(sent.request.uri().path(), wanted["path"], "{about}");
            // A body that may be left out is sent empty.
            let body: Value = serde_json::from_slice(sent.request.body()).unwrap_or(Value::Null);
            let empty = wanted["body"].is_null() && body == serde_json::json!({});
            assert!(empty || body == wanted["body"], "{about}: {body}");
            played += 1;
        }
    }
    assert!(played > 70, "{played}");
}
