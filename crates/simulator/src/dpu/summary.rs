//! The main facts of a host.

use serde_json::{Value, json};

use super::Host;
use crate::vi_json::value::reference;

/// `HostListSummary`.
pub(super) fn summary(host: &Host, runtime: &Value) -> Value {
    let connected = runtime["connectionState"] == "connected";
    let mut summary = json!({
        "_typeName": "HostListSummary",
        "host": reference("HostSystem", &host.id),
        "hardware": {
            "_typeName": "HostHardwareSummary",
            "vendor": "Simulator",
            "model": if host.dpus.is_empty() { "Simulated host" } else { "Simulated host with two DPUs" },
            "uuid": host.uuid,
            "memorySize": 412_316_860_416_i64,
            "cpuModel": "Simulated CPU",
            "cpuMhz": 2_600,
            "numCpuPkgs": 2,
            "numCpuCores": 16,
            "numCpuThreads": 32,
            "numNics": 5,
            "numHBAs": 2,
        },
        "runtime": runtime,
        "config": {
            "_typeName": "HostConfigSummary",
            "name": host.name,
            "port": 443,
            "vmotionEnabled": true,
            "faultToleranceEnabled": false,
        },
        "quickStats": {
            "_typeName": "HostListSummaryQuickStats",
            "overallCpuUsage": 1_840,
            "overallMemoryUsage": 65_536,
        },
        "overallStatus": if connected { "green" } else { "red" },
        "rebootRequired": false,
    });
    if let Some(product) = product(host) {
        summary["config"]["product"] = product;
    }
    summary
}

/// `AboutInfo` of a host that says which release it has.
pub(super) fn product(host: &Host) -> Option<Value> {
    let release = host.release.as_ref()?;
    Some(json!({
        "_typeName": "AboutInfo",
        "name": "Simulated host",
        "fullName": format!("Simulated host {release} build-1"),
        "vendor": "Simulator",
        "version": release,
        "build": "1",
        "osType": "vmnix-x86",
        "productLineId": "embeddedEsx",
        "apiType": "HostAgent",
        "apiVersion": release,
    }))
}
