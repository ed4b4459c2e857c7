use std::collections::BTreeMap;

use super::{EAST, WEST, info, with_provider};
use crate::sms::VasaSpec;
use crate::spec::WorldSpec;
use crate::testbench::{Bench, Schema, fixtures, shapes};

/// The ids of the fixtures as those of the world.
fn translated(text: &str) -> String {
    let mut text = text.to_owned();
    for (from, to) in [
        ("fd-east", "fd-east-1"),
        ("fd-west", "fd-west-1"),
        ("rg-101", "rg-001"),
        ("rg-201", "rt-001"),
        ("rg-202", "rt-003"),
        ("rg-203", "rt-005"),
        ("pit-7001", "pit-001-1"),
    ] {
        text = text.replace(&format!("\"{from}\""), &format!("\"{to}\""));
    }
    text
}

#[test]
fn every_fixture_is_routed_and_answered_in_its_shape() {
    let schema = Schema::read("vi-json/vi-json.json");
    let mut wanted = BTreeMap::new();
    let mut given = BTreeMap::new();
    let fixtures = fixtures("models-sms");
    assert!(fixtures.len() > 60);
    for fixture in &fixtures {
        shapes(&fixture.response["body"], &mut wanted);
        let mut bench = Bench::new(&WorldSpec::pair(3).groups(6).vasa(VasaSpec {
            groups_with_devices: 6,
            ..with_provider(|provider| provider.promote_capable = true)
        }));
        let mut request = fixture.request();
        request.body = translated(std::str::from_utf8(&request.body).unwrap()).into();
        let vcenter = if request.path.contains("-east-") {
            EAST
        } else {
            WEST
        };
        let operation = fixture.operation.as_str();
        let routed =
            crate::service::Service::route(&crate::sms::SmsService, &bench.world, vcenter, &request).unwrap();
        assert_eq!(
            routed.operation.split('?').next(),
            Some(operation),
            "{}",
            fixture.name
        );
        let request = bench.with_session(vcenter, request);
        let answer = bench.send(vcenter, &request);
        let value = answer.value();
        assert_ne!(value["_typeName"], "InvalidRequest", "{}: {value}", fixture.name);
        assert_ne!(value["_typeName"], "NotImplemented", "{}: {value}", fixture.name);
        schema.check("", &value);
        shapes(&value, &mut given);
        if fixture.response["status"] == 200 && operation.ends_with("_Task") {
            bench.pass(10_000);
            let info = info(&mut bench, vcenter, &answer);
            assert_eq!(info["state"], "success");
            schema.check("", &info);
            shapes(&info, &mut given);
        }
    }
    let differing: Vec<_> = given
        .iter()
        .filter(|(name, kind)| wanted.get(*name).is_some_and(|wanted| wanted != *kind))
        .collect();
    assert_eq!(differing, []);
    for type_name in [
        "SmsTaskInfo.result",
        "TargetGroupInfo.devices",
        "FailoverSuccessResult.recoveredDeviceInfo",
    ] {
        assert!(given.contains_key(type_name), "{type_name}");
    }
}
