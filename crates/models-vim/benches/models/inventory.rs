//! A property collector's answer, as large as a large estate makes it, and what reads it.

use std::fmt::Write as _;

use farside_models_vim::RetrieveResult;
use farside_wire::ManagedObjectReference;
use farside_wire::Timestamp;
use serde::Deserialize;

/// VMs of the answer; about 17 MB.
pub(crate) const VMS: usize = 10_000;

/// The answer to a read of 12 properties of each VM: strings, booleans, ints, longs, an enum, a time, a reference and
/// an array of references.
pub(crate) fn answer() -> String {
    let mut out = String::with_capacity(18 << 20);
    out.push_str(r#"{"_typeName":"RetrieveResult","objects":["#);
    for vm in 0..VMS {
        if vm > 0 {
            out.push(',');
        }
        _ = write!(
            out,
            r#"{{"_typeName":"ObjectContent","obj":{{"_typeName":"ManagedObjectReference","type":"VirtualMachine","value":"vm-{vm}"}},"propSet":["#
        );
        let properties = [
            (
                "config.annotation",
                text(&format!(
                    "Tier {} of the order system; owner: team {}; restored weekly, do not move without a word",
                    vm % 4,
                    vm % 37
                )),
            ),
            ("config.hardware.memoryMB", boxed("int", 1024 * (1 + vm % 64))),
            ("config.hardware.numCPU", boxed("int", 1 + vm % 16)),
            ("config.template", boxed("boolean", vm % 97 == 0)),
            ("guest.hostName", text(&format!("app-{vm:05}.east.example.com"))),
            (
                "guest.ipAddress",
                text(&format!("10.{}.{}.{}", vm % 200, vm % 250, vm % 253)),
            ),
            ("name", text(&format!("app-{vm:05}"))),
            ("network", networks(vm)),
            (
                "runtime.bootTime",
                boxed(
                    "dateTime",
                    format_args!(r#""2026-0{}-1{}T0{}:15:00.120000Z""#, 1 + vm % 9, vm % 9, vm % 9),
                ),
            ),
            (
                "runtime.host",
                format!(
                    r#"{{"_typeName":"ManagedObjectReference","type":"HostSystem","value":"host-{}"}}"#,
                    vm % 640
                ),
            ),
            (
                "runtime.powerState",
                boxed("VirtualMachinePowerState", r#""poweredOn""#),
            ),
            (
                "summary.storage.committed",
                boxed("long", 1_000_000_007 * (vm + 5)),
            ),
        ];
        for (index, (name, value)) in properties.iter().enumerate() {
            let separator = if index > 0 { "," } else { "" };
            _ = write!(
                out,
                r#"{separator}{{"_typeName":"DynamicProperty","name":"{name}","val":{value}}}"#
            );
        }
        out.push_str("]}");
    }
    out.push_str("]}");
    out
}

fn text(value: &str) -> String {
    boxed("string", format_args!("\"{value}\""))
}

fn boxed(type_name: &str, value: impl std::fmt::Display) -> String {
    format!(r#"{{"_typeName":"{type_name}","_value":{value}}}"#)
}

fn networks(vm: usize) -> String {
    let one = |network: usize| {
        format!(
            r#"{{"_typeName":"ManagedObjectReference","type":"DistributedVirtualPortgroup","value":"dvportgroup-{network}"}}"#
        )
    };
    format!(
        r#"{{"_typeName":"ArrayOfManagedObjectReference","_value":[{},{}]}}"#,
        one(vm % 300),
        one(300 + vm % 7)
    )
}

/// Reads all 12 properties of each VM as what they are, and adds up what was read.
pub(crate) fn checksum(answer: &RetrieveResult) -> u64 {
    let mut sum = 0_u64;
    let mut add = |part: u64| sum = sum.wrapping_mul(31).wrapping_add(part);
    let length = |text: &str| u64::try_from(text.len()).expect("a short text");
    for object in &answer.objects {
        for property in &object.prop_set {
            let value = &property.val;
            let part = match property.name.as_str() {
                "config.hardware.memoryMB" | "config.hardware.numCPU" | "summary.storage.committed" => {
                    value.as_i64().map(i64::unsigned_abs)
                }
                "config.template" => value.as_bool().map(u64::from),
                "runtime.bootTime" => value
                    .decode_value::<Timestamp>()
                    .ok()
                    .map(|time| time.unix_millis().unsigned_abs()),
                "runtime.host" => value
                    .decode_value::<ManagedObjectReference>()
                    .ok()
                    .map(|host| length(&host.value)),
                "network" => value
                    .decode_value::<Vec<ManagedObjectReference>>()
                    .ok()
                    .map(|networks| networks.iter().map(|network| length(&network.value)).sum()),
                _ => value.as_str().map(|text| length(&text)),
            };
            add(part.expect("the property is of its type"));
        }
    }
    sum
}

/// What derives would make of the same answer: the value is an untagged enum.
pub(crate) mod derived {
    use super::{Deserialize, Timestamp};

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[expect(dead_code, reason = "read for the time it takes")]
    pub(crate) struct RetrieveResult {
        pub(crate) token: Option<String>,
        pub(crate) objects: Vec<ObjectContent>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[expect(dead_code, reason = "read for the time it takes")]
    pub(crate) struct ObjectContent {
        pub(crate) obj: Reference,
        #[serde(default)]
        pub(crate) prop_set: Vec<DynamicProperty>,
    }

    #[derive(Deserialize)]
    pub(crate) struct DynamicProperty {
        pub(crate) name: String,
        pub(crate) val: Value,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "read for the time it takes")]
    pub(crate) struct Reference {
        #[serde(rename = "type")]
        pub(crate) type_: String,
        pub(crate) value: String,
    }

    #[derive(Deserialize)]
    pub(crate) struct Boxed<T> {
        #[serde(rename = "_value")]
        pub(crate) value: T,
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    pub(crate) enum Value {
        Reference(Reference),
        Bool(Boxed<bool>),
        Long(Boxed<i64>),
        Text(Boxed<String>),
        References(Boxed<Vec<Reference>>),
    }

    /// As [`super::checksum`].
    pub(crate) fn checksum(answer: &RetrieveResult) -> u64 {
        let mut sum = 0_u64;
        let length = |text: &str| u64::try_from(text.len()).expect("a short text");
        for property in answer.objects.iter().flat_map(|object| &object.prop_set) {
            let part = match (&property.val, property.name.as_str()) {
                (Value::Text(text), "runtime.bootTime") => {
                    let time: Timestamp = text.value.parse().expect("a time");
                    time.unix_millis().unsigned_abs()
                }
                (Value::Text(text), _) => length(&text.value),
                (Value::Bool(value), _) => u64::from(value.value),
                (Value::Long(value), _) => value.value.unsigned_abs(),
                (Value::Reference(reference), _) => length(&reference.value),
                (Value::References(all), _) => all.value.iter().map(|one| length(&one.value)).sum(),
            };
            sum = sum.wrapping_mul(31).wrapping_add(part);
        }
        sum
    }
}
