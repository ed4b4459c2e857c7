//! Hosts and switches as the fixtures of the wire show them.

use std::path::Path;

use farside_models_vim::{PhysicalNic, RetrieveResult};
use farside_vim::ObjectProperties;
use serde_json::{Value, json};

use crate::client::Host;
use crate::dpu::{SwitchDpus, switch_named};
use crate::switch::DistributedSwitch;

pub(crate) const A: &str = "d0000000-1111-4222-8333-00000000a001";
pub(crate) const B: &str = "d0000000-1111-4222-8333-00000000b002";

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../models-vim/tests/fixtures/property-collector")
        .join(format!("{name}.json"));
    let fixture: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    fixture["response"]["body"].clone()
}

fn properties(body: &Value) -> ObjectProperties {
    let result: RetrieveResult = serde_json::from_str(&body.to_string()).unwrap();
    result.objects.into_iter().next().unwrap().into()
}

/// Sets a property, or takes it away.
pub(crate) fn set(body: &mut Value, path: &str, value: Option<Value>) {
    let all = body["objects"][0]["propSet"].as_array_mut().unwrap();
    all.retain(|property| property["name"] != path);
    all.extend(value.map(|value| json!({"_typeName": "DynamicProperty", "name": path, "val": value})));
}

/// Makes a property one that may not be read.
pub(crate) fn hide(body: &mut Value, path: &str) {
    set(body, path, None);
    let fault = json!({"_typeName": "NoPermission", "privilegeId": "System.Read"});
    let missing = json!({"_typeName": "MissingProperty", "path": path, "fault": fault});
    let object = body["objects"][0].as_object_mut().unwrap();
    let all = object.entry("missingSet").or_insert_with(|| json!([]));
    all.as_array_mut().unwrap().push(missing);
}

/// The host of a fixture.
pub(crate) fn host(name: &str) -> Host {
    changed(name, |_| {})
}

/// The host of a fixture, changed; what the fixture does not show is as it should be.
pub(crate) fn changed(name: &str, change: impl FnOnce(&mut Value)) -> Host {
    let mut body = fixture(name);
    let network = json!({"_typeName": "ManagedObjectReference", "type": "HostNetworkSystem", "value": "networkSystem-21"});
    set(&mut body, "configManager.networkSystem", Some(network));
    set(
        &mut body,
        "runtime.powerState",
        Some(json!({"_typeName": "HostSystemPowerState", "_value": "poweredOn"})),
    );
    let shown = properties(&body);
    if shown.any("runtime.connectionState").is_none() {
        let connected = json!({"_typeName": "HostSystemConnectionState", "_value": "connected"});
        set(&mut body, "runtime.connectionState", Some(connected));
    }
    let path = "runtime.healthSystemRuntime.hardwareStatusInfo.dpuStatusInfo";
    set(&mut body, path, Some(health(&[(A, "Green"), (B, "Green")])));
    change(&mut body);
    let mut host = Host::read("host-21", "8.0.3.0", &properties(&body)).unwrap();
    if host.nics.is_empty() {
        let usual = properties(&fixture("host-dpu-ready"));
        host.nics = usual
            .get::<Vec<PhysicalNic>>("config.network.pnic")
            .unwrap()
            .unwrap();
    }
    host
}

/// What health monitoring says of DPUs.
pub(crate) fn health(states: &[(&str, &str)]) -> Value {
    let state = |(dpu, key): &(&str, &str)| {
        json!({
            "_typeName": "DpuStatusInfo", "name": "DPU", "dpuId": dpu,
            "status": {"_typeName": "ElementDescription", "label": "DPU", "summary": "DPU", "key": key},
        })
    };
    let states: Vec<Value> = states.iter().map(state).collect();
    json!({"_typeName": "ArrayOfDpuStatusInfo", "_value": states})
}

/// Sets the states of the uplinks of the first switch.
pub(crate) fn uplinks(body: &mut Value, states: &[(&str, &str)]) {
    let set = body["objects"][0]["propSet"].as_array_mut().unwrap();
    let switches = set
        .iter_mut()
        .find(|one| one["name"] == "config.network.proxySwitch")
        .unwrap();
    let states = states.iter().map(|(name, state)| {
        json!({"_typeName": "DistributedVirtualSwitchHostMemberHostUplinkState", "uplinkName": name, "state": state})
    });
    switches["val"]["_value"][0]["hostUplinkState"] = states.collect();
}

pub(crate) fn dpus(host: &Host) -> SwitchDpus {
    SwitchDpus::of(switch_named(host, "dvs-east").unwrap(), &host.nics)
}

/// The switch of a fixture, changed.
pub(crate) fn switch(name: &str, change: impl FnOnce(&mut Value)) -> DistributedSwitch {
    let mut body = fixture(name);
    change(&mut body);
    DistributedSwitch::read("dvs-east", &properties(&body))
}

/// A property of an object, to change it.
pub(crate) fn value<'a>(body: &'a mut Value, path: &str) -> &'a mut Value {
    let all = body["objects"][0]["propSet"].as_array_mut().unwrap();
    let property = all.iter_mut().find(|property| property["name"] == path);
    &mut property.unwrap()["val"]
}
