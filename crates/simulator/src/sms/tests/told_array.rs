//! What the wire fixtures about arrays, providers and alarms tell of: names, and what was done before the exchange.

use serde_json::{Value, json};

use super::{WEST, call, failover, test_start};
use crate::sms::AlarmSpec;
use crate::testbench::{Bench, Fixture};

/// Names of things on an array, and what they are called in the world.
const NAMES: &[(&str, &str)] = &[
    ("array-west-01", "array-west-1"),
    ("lun-west-1", "lun-west-1-1"),
    ("lun-west-2", "lun-west-1-2"),
    ("port-west-1", "port-west-1-1"),
    ("sp-west-a", "sp-west-1-1"),
    ("fs-west-1", "fs-west-1-1"),
    ("datastore-71", "datastore-21-vmfs"),
    ("datastore-72", "datastore-21-nfs"),
    ("datastore-73", "datastore-21"),
    ("datastore-99", "datastore-22"),
    (
        "vvol:0000000000000001-0000000000000002",
        "vvol:0000000077657374-0000000000000001",
    ),
    (
        "naa.60000000000000000000000000000001",
        "naa.60000000000001c30000000100000001",
    ),
    (
        "https://array-west.example:8443/vasa/version.xml",
        "https://array-west-1.sim.invalid:8443/vasa/version.xml",
    ),
    ("dr-service@west.example", "vasa@array-west-1"),
    ("page-2", "alarms-1"),
];

/// The names that a fixture needs in its world.
pub(super) fn names(bench: &Bench, fixture: &Fixture) -> Vec<(String, String)> {
    let quoted = |text: &str| format!("\"{text}\"");
    let mut names: Vec<(String, String)> = Vec::new();
    if fixture
        .name
        .ends_with("query-drs-migration-capability-for-performance.json")
    {
        // Those of the fixture stand on different pools.
        names.push((quoted("datastore-72"), quoted("datastore-21")));
    }
    names.extend(NAMES.iter().map(|(from, to)| (quoted(from), quoted(to))));
    let told_wrong = fixture.name.contains("sms-fault");
    if let Some((_, password)) = bench.world.sms().provider_login("vasaProvider-west-1")
        && !told_wrong
    {
        names.push((quoted("not-a-real-password"), quoted(password)));
    }
    names
}

/// The alarms of a fixture's world.
pub(super) fn alarms(fixture: &Fixture) -> Vec<AlarmSpec> {
    if !fixture.name.contains("active-alarm-last-page") {
        return Vec::new();
    }
    let alarm = AlarmSpec {
        alarm_type: "ObjectAlarm".to_owned(),
        status: "Green".to_owned(),
        entity_type: "StorageLunEntity".to_owned(),
        entity_id: "lun-west-1-1".to_owned(),
        message_id: "sim.alarm.lun".to_owned(),
    };
    vec![alarm.clone(), alarm]
}

fn chore(bench: &mut Bench, method: &str) {
    let started = call(bench, WEST, 1, method, &Value::Null);
    assert_eq!(started.status, 200, "{method}: {}", started.value());
}

/// What was done before an exchange about a provider or an alarm.
pub(super) fn before(bench: &mut Bench, name: &str) {
    let offline = |bench: &mut Bench| {
        for provider in ["vasaProvider-west-1", "vasaProvider-west-2"] {
            assert!(bench.world.sms_mut().set_provider_online(provider, false));
        }
    };
    match name {
        "reconnect-provider-connection-failed"
        | "refresh-certificate-failed"
        | "refresh-ca-certificates-and-crls-failed"
        | "sync-provider-failed" => offline(bench),
        "reconnect-invalid-certificate" | "revoke-certificate-failed" => {
            chore(bench, "VasaProviderRevokeCertificate_Task");
            bench.pass(10_000);
        }
        "sync-provider-in-progress" => chore(bench, "VasaProviderSync_Task"),
        "query-active-alarm" => {
            bench.world.set_reachable("vc-east", false);
            bench.pass(3 * 3_600_000);
            bench.log_in(WEST);
        }
        _ => {}
    }
}

/// Starts the task that a fixture asks for, where it is about a provider.
pub(super) fn task(bench: &mut Bench, name: &str) -> Option<String> {
    let (user, password) = bench.world.sms().provider_login("vasaProvider-west-1")?;
    let (user, password) = (user.to_owned(), password.to_owned());
    let (path, body) = match name {
        "info-register-provider-success" => (
            "/sms/SmsStorageManager/storageManager/RegisterProvider_Task",
            json!({"providerSpec": {
                "_typeName": "VasaProviderSpec",
                "name": "west-array-provider",
                "username": user,
                "password": password,
                "url": "https://array-west-1.sim.invalid:8443/vasa/version.xml",
            }}),
        ),
        "info-register-provider-error" => (
            "/sms/SmsStorageManager/storageManager/RegisterProvider_Task",
            json!({"providerSpec": {
                "_typeName": "VasaProviderSpec",
                "name": "west-array-provider",
                "username": user,
                "password": "wrong",
                "url": "https://array-west-1.sim.invalid:8443/vasa/version.xml",
            }}),
        ),
        "info-upgrade-success" => (
            "/sms/SmsStorageManager/storageManager/UpgradeVASAProvider_Task",
            json!({"upgradeSpec": {
                "_typeName": "VASAProviderUpgradeSpec",
                "providerUid": "uid-west-1",
                "username": user,
                "password": password,
            }}),
        ),
        "info-sync-provider-error" => (
            "/sms/VasaProvider/vasaProvider-west-1/VasaProviderSync_Task",
            json!({"arrayId": "array-west-1"}),
        ),
        "info-error" => (
            "/sms/VasaProvider/vasaProvider-west-1/FailoverReplicationGroup_Task",
            failover(WEST, &[1], true, false),
        ),
        "info-error-too-many" => (
            "/sms/VasaProvider/vasaProvider-west-1/TestFailoverReplicationGroupStart_Task",
            test_start(WEST, &[1, 3, 5]),
        ),
        _ => return None,
    };
    let offline = matches!(name, "info-sync-provider-error" | "info-error");
    if offline {
        assert!(
            bench
                .world
                .sms_mut()
                .set_provider_online("vasaProvider-west-1", false)
        );
    }
    let started = bench.post(WEST, path, &body);
    assert_eq!(started.status, 200, "{name}: {}", started.value());
    bench.pass(10_000);
    Some(started.value()["value"].as_str().unwrap().to_owned())
}
