use serde_json::{Value, json};

use super::{WEST, bench, call, id, ids, refused};
use crate::sms::{AlarmSpec, VasaSpec};
use crate::testbench::Bench;

fn ask(bench: &mut Bench, method: &str, body: &Value) -> Value {
    let path = format!("/sms/SmsStorageManager/storageManager/{method}");
    let answer = bench.post(WEST, &path, body);
    assert_eq!(answer.status, 200, "{method}: {}", answer.value());
    answer.value()
}

fn not_found(bench: &mut Bench, method: &str, body: &Value) {
    let path = format!("/sms/SmsStorageManager/storageManager/{method}");
    assert_eq!(refused(&bench.post(WEST, &path, body)), "NotFound", "{method}");
}

#[test]
fn what_is_on_an_array_is_found_from_it_and_leads_back_to_it() {
    let mut bench = bench(VasaSpec::default());
    let arrays = ask(&mut bench, "QueryArray", &json!({}));
    assert_eq!(arrays.as_array().map(Vec::len), Some(2));
    let array = json!({"arrayId": "array-west-1"});
    let luns = ask(&mut bench, "QueryLunAssociatedWithArray", &array);
    let name = &luns[0]["vSphereLunIdentifier"];
    let found = ask(
        &mut bench,
        "QueryArrayAssociatedWithLun",
        &json!({"canonicalName": name}),
    );
    assert_eq!(found["uuid"], "array-west-1");
    let lun = json!({"scsi3Id": luns[0]["uuid"], "arrayId": "array-west-1"});
    let port = ask(&mut bench, "QueryPortAssociatedWithLun", &lun);
    let on_port = json!({"portId": port["uuid"], "arrayId": "array-west-1"});
    assert_eq!(
        ask(&mut bench, "QueryLunAssociatedWithPort", &on_port)[0],
        luns[0]
    );
    let processors = ask(&mut bench, "QueryProcessorAssociatedWithArray", &array);
    let of_processor = json!({"processorId": processors[0]["uuid"], "arrayId": "array-west-1"});
    assert_eq!(
        ask(&mut bench, "QueryPortAssociatedWithProcessor", &of_processor)[0],
        port
    );
    let hosts = ask(&mut bench, "QueryHostAssociatedWithLun", &lun);
    assert_eq!(hosts[0]["value"], "host-21");
    let other = json!({"scsi3Id": luns[1]["uuid"], "arrayId": "array-west-1"});
    assert_eq!(
        ask(&mut bench, "QueryVmfsDatastoreAssociatedWithLun", &other),
        Value::Null
    );
}

#[test]
fn what_no_array_of_the_vcenter_holds_is_not_found() {
    let mut bench = bench(VasaSpec::default());
    not_found(
        &mut bench,
        "QueryPortAssociatedWithArray",
        &json!({"arrayId": "array-east-1"}),
    );
    not_found(&mut bench, "QueryArray", &json!({"providerId": ["uid-east-1"]}));
    let lun = json!({"scsi3Id": "lun-west-2-1", "arrayId": "array-west-1"});
    not_found(&mut bench, "QueryHostAssociatedWithLun", &lun);
    let filter = json!({"filter": {"_typeName": "FaultDomainFilter", "providerId": "uid-none"}});
    not_found(&mut bench, "QueryFaultDomain", &filter);
    let spec = json!({"containerSpec": {"_typeName": "StorageContainerSpec", "containerId": ["none"]}});
    not_found(&mut bench, "QueryStorageContainer", &spec);
}

#[test]
fn fault_domains_name_the_provider_that_is_active_for_them() {
    let mut bench = bench(VasaSpec::default());
    let filter = json!({"filter": {"_typeName": "FaultDomainFilter", "providerId": "uid-west-1"}});
    let provider =
        |bench: &mut Bench| ask(bench, "QueryFaultDomain", &filter)[0]["provider"]["value"].clone();
    assert_eq!(provider(&mut bench), "vasaProvider-west-1");
    assert!(bench.world.sms_mut().activate("fd-west-1", "vasaProvider-west-2"));
    assert_eq!(provider(&mut bench), "vasaProvider-west-2");
    let info = call(&mut bench, WEST, 1, "QueryProviderInfo", &Value::Null).value();
    assert_eq!(info["relatedStorageArray"][0]["active"], false);
}

#[test]
fn groups_are_told_without_naming_their_provider() {
    let mut bench = bench(VasaSpec::default());
    let wanted =
        json!({"rgFilter": {"_typeName": "ReplicationGroupFilter", "groupId": ids(WEST, &[1, 2, 99])}});
    let found = ask(&mut bench, "QueryReplicationGroupInfo", &wanted);
    let types: Vec<_> = (0..3)
        .map(|index| found[index]["_typeName"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        [
            "QueryReplicationGroupSuccessResult",
            "QueryReplicationGroupSuccessResult",
            "GroupErrorResult"
        ]
    );
    let all = json!({"rgFilter": {"_typeName": "ReplicationGroupFilter"}});
    assert_eq!(
        ask(&mut bench, "QueryReplicationGroupInfo", &all)
            .as_array()
            .map(Vec::len),
        Some(6)
    );
}

#[test]
fn a_group_that_lags_behind_raises_an_alarm_at_its_target() {
    let mut bench = bench(VasaSpec::default());
    let alarms = |bench: &mut Bench, body: &Value| call(bench, WEST, 1, "QueryActiveAlarm", body);
    assert_eq!(alarms(&mut bench, &json!({})).value(), Value::Null);
    bench.world.set_reachable("vc-east", false);
    bench.pass(2 * 3_600_000);
    bench.log_in(WEST);
    let filter = json!({"alarmFilter": {
        "_typeName": "AlarmFilter",
        "alarmStatus": "Red",
        "alarmType": "ReplicationAlarm",
        "entityType": "ReplicationGroupEntity",
        "entityId": [id(WEST, 3)],
    }});
    let found = alarms(&mut bench, &filter).value();
    assert_eq!(found["storageAlarm"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["storageAlarm"][0]["alarmObject"], id(WEST, 3));
    let no_type = json!({"alarmFilter": {"_typeName": "AlarmFilter", "entityId": [id(WEST, 3)]}});
    assert_eq!(refused(&alarms(&mut bench, &no_type)), "InvalidArgument");
}

#[test]
fn alarms_come_in_pages() {
    let spec = VasaSpec {
        alarms_per_page: 2,
        ..VasaSpec::default()
    };
    let mut bench = bench(spec);
    let alarm = AlarmSpec {
        alarm_type: "SpaceCapacityAlarm".to_owned(),
        status: "Yellow".to_owned(),
        entity_type: "BackingStoragePoolEntity".to_owned(),
        entity_id: "pool-west-1-1".to_owned(),
        message_id: "sim.alarm.space".to_owned(),
    };
    for _ in 0..3 {
        let now_ms = bench.world.now_ms();
        let raised = bench
            .world
            .sms_mut()
            .raise_alarm("vasaProvider-west-1", &alarm, now_ms);
        assert!(raised);
    }
    let page = |bench: &mut Bench, marker: Value| {
        let mut filter = json!({"alarmFilter": {"_typeName": "AlarmFilter"}});
        if !marker.is_null() {
            filter["alarmFilter"]["pageMarker"] = marker;
        }
        call(bench, WEST, 1, "QueryActiveAlarm", &filter)
    };
    let first = page(&mut bench, Value::Null).value();
    assert_eq!(first["storageAlarm"].as_array().map(Vec::len), Some(2));
    let second = page(&mut bench, first["pageMarker"].clone()).value();
    assert_eq!(second["storageAlarm"][0]["alarmId"], 3);
    assert_eq!(second["pageMarker"], Value::Null);
    assert_eq!(refused(&page(&mut bench, json!("alarms-9"))), "InvalidArgument");
}
