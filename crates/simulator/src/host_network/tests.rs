use serde_json::{Value, json};

use crate::dpu::{DpuSpec, HostTrouble};
use crate::exchange::Answer;
use crate::spec::WorldSpec;
use crate::testbench::Bench;

const EAST: &str = "vc-east";

/// A world as a fixture tells of it.
pub(crate) fn like(fixture: &str) -> Bench {
    let dpu = DpuSpec {
        service_consoles: vec!["host-11".to_owned()],
        ..DpuSpec::default()
    };
    let of_console =
        fixture.contains("console") && !fixture.contains("not-supported") && !fixture.contains("null");
    let dpu = if of_console { dpu } else { DpuSpec::default() };
    let mut bench = Bench::new(&WorldSpec::pair(4).groups(0).replications(0).dpu(dpu));
    let adds = |what: &str| fixture.starts_with(what);
    let switch = |name: &str, card: &str| {
        json!({
            "vswitchName": name,
            "spec": {"_typeName": "HostVirtualSwitchSpec", "numPorts": 128,
                     "bridge": {"_typeName": "HostVirtualSwitchBondBridge", "nicDevice": [card]}},
        })
    };
    if fixture == "add-virtual-switch-resource-in-use.json" {
        done(&mut bench, 11, "AddVirtualSwitch", &switch("vSwitch9", "vmnic2"));
    }
    if adds("add-virtual-switch") {
        return bench;
    }
    done(&mut bench, 11, "AddVirtualSwitch", &switch("vSwitch1", "vmnic2"));
    done(
        &mut bench,
        11,
        "AddVirtualSwitch",
        &json!({"vswitchName": "vSwitch2"}),
    );
    if fixture == "remove-port-group.json" {
        let group = port_group("replication-east", "vSwitch1");
        done(&mut bench, 11, "AddPortGroup", &json!({"portgrp": group}));
    }
    if fixture != "add-port-group.json" && fixture != "update-network-config.json" {
        let group = port_group("replication", "vSwitch1");
        done(&mut bench, 11, "AddPortGroup", &json!({"portgrp": group}));
        for address in ["198.51.100.21", "198.51.100.22", "198.51.100.23"] {
            let nic = json!({"portgroup": "replication", "nic": interface(address)});
            done(&mut bench, 11, "AddVirtualNic", &nic);
        }
    }
    if of_console && !adds("add-") {
        let nic = json!({"portgroup": "service-console", "nic": interface("192.0.2.32")});
        done(&mut bench, 11, "AddServiceConsoleVirtualNic", &nic);
    }
    let route = json!({"_typeName": "HostIpRouteEntry", "network": "198.51.100.0", "prefixLength": 24,
                       "gateway": "192.0.2.3"});
    let route = json!({"_typeName": "HostIpRouteOp", "changeOperation": "add", "route": route});
    let table = json!({"config": {"_typeName": "HostIpRouteTableConfig", "ipRoute": [route]}});
    done(&mut bench, 11, "UpdateIpRouteTableConfig", &table);
    if fixture == "get-value.json" {
        let value = json!({"key": "recovery-plan", "value": "plan-7"});
        done(&mut bench, 11, "setCustomValue", &value);
    }
    bench
}

fn bench() -> Bench {
    let dpu = DpuSpec {
        service_consoles: vec!["host-12".to_owned()],
        ..DpuSpec::default()
    };
    Bench::new(&WorldSpec::pair(4).groups(0).replications(0).dpu(dpu))
}

fn call(bench: &mut Bench, host: u32, method: &str, body: &Value) -> Answer {
    let path = format!("/HostNetworkSystem/networkSystem-{host}/{method}");
    bench.post(EAST, &path, body)
}

fn done(bench: &mut Bench, host: u32, method: &str, body: &Value) -> Value {
    let answer = call(bench, host, method, body);
    assert!(
        (200..300).contains(&answer.status),
        "{method}: {}",
        answer.value()
    );
    answer.value()
}

fn fault(bench: &mut Bench, host: u32, method: &str, body: &Value) -> String {
    let before = get(bench, host, "networkInfo");
    let answer = call(bench, host, method, body);
    assert_eq!(answer.status, 500, "{method}: {}", answer.value());
    assert_eq!(
        get(bench, host, "networkInfo"),
        before,
        "a refusal changes nothing"
    );
    answer.value()["_typeName"].as_str().unwrap().to_owned()
}

fn get(bench: &mut Bench, host: u32, property: &str) -> Value {
    let path = format!("/HostNetworkSystem/networkSystem-{host}/{property}");
    bench.get(EAST, &path).value()
}

fn names(list: &Value, name: &str) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items
        .map(|item| {
            item[name]
                .as_str()
                .or_else(|| item["spec"][name].as_str())
                .unwrap()
                .to_owned()
        })
        .collect()
}

fn port_group(name: &str, switch: &str) -> Value {
    json!({
        "_typeName": "HostPortGroupSpec", "name": name, "vlanId": 20, "vswitchName": switch,
        "policy": {"_typeName": "HostNetworkPolicy"},
    })
}

fn interface(address: &str) -> Value {
    json!({
        "_typeName": "HostVirtualNicSpec",
        "ip": {"_typeName": "HostIpConfig", "dhcp": false, "ipAddress": address, "subnetMask": "255.255.255.0"},
    })
}

#[test]
fn a_switch_with_a_port_group_and_an_interface_comes_and_goes() {
    let mut bench = bench();
    done(
        &mut bench,
        11,
        "AddVirtualSwitch",
        &json!({"vswitchName": "vSwitch1"}),
    );
    done(
        &mut bench,
        11,
        "AddPortGroup",
        &json!({"portgrp": port_group("backup", "vSwitch1")}),
    );
    let device = done(
        &mut bench,
        11,
        "AddVirtualNic",
        &json!({"portgroup": "backup", "nic": interface("10.8.77.9")}),
    );
    assert_eq!(device, json!("vmk1"));
    let info = get(&mut bench, 11, "networkInfo");
    assert_eq!(names(&info["vswitch"], "name"), ["vSwitch0", "vSwitch1"]);
    assert_eq!(
        names(&info["portgroup"], "name"),
        ["Management Network", "backup"]
    );
    assert_eq!(info["vnic"][1]["spec"]["ip"]["ipAddress"], "10.8.77.9");
    assert_eq!(
        fault(
            &mut bench,
            11,
            "RemoveVirtualSwitch",
            &json!({"vswitchName": "vSwitch1"})
        ),
        "ResourceInUse"
    );
    assert_eq!(
        fault(&mut bench, 11, "RemovePortGroup", &json!({"pgName": "backup"})),
        "ResourceInUse"
    );
    done(&mut bench, 11, "RemoveVirtualNic", &json!({"device": "vmk1"}));
    done(
        &mut bench,
        11,
        "RemoveVirtualSwitch",
        &json!({"vswitchName": "vSwitch1"}),
    );
    let info = get(&mut bench, 11, "networkInfo");
    assert_eq!(names(&info["portgroup"], "name"), ["Management Network"]);
}

#[test]
fn what_does_not_fit_the_network_is_refused_and_changes_nothing() {
    let mut bench = bench();
    let with_card = |card: &str| {
        json!({
            "vswitchName": "vSwitch1",
            "spec": {"_typeName": "HostVirtualSwitchSpec", "numPorts": 8,
                     "bridge": {"_typeName": "HostVirtualSwitchBondBridge", "nicDevice": [card]}},
        })
    };
    let mut vlan = port_group("backup", "vSwitch0");
    vlan["vlanId"] = json!(4096);
    let mut nowhere = interface("10.8.77.9");
    nowhere["ip"]["ipAddress"] = Value::Null;
    for (method, body, expected) in [
        (
            "AddVirtualSwitch",
            json!({"vswitchName": "vSwitch0"}),
            "AlreadyExists",
        ),
        ("AddVirtualSwitch", with_card("vmnic0"), "ResourceInUse"),
        ("AddVirtualSwitch", with_card("vmnic4"), "HostConfigFault"),
        (
            "AddPortGroup",
            json!({"portgrp": port_group("backup", "vSwitch9")}),
            "NotFound",
        ),
        (
            "AddPortGroup",
            json!({"portgrp": port_group("Management Network", "vSwitch0")}),
            "AlreadyExists",
        ),
        ("AddPortGroup", json!({"portgrp": vlan}), "InvalidArgument"),
        (
            "UpdatePortGroup",
            json!({"pgName": "x", "portgrp": port_group("y", "vSwitch0")}),
            "NotFound",
        ),
        (
            "AddVirtualNic",
            json!({"portgroup": "none", "nic": interface("10.8.77.9")}),
            "InvalidArgument",
        ),
        (
            "AddVirtualNic",
            json!({"portgroup": "Management Network", "nic": nowhere}),
            "InvalidArgument",
        ),
        (
            "UpdateVirtualNic",
            json!({"device": "vmk9", "nic": interface("10.8.77.9")}),
            "NotFound",
        ),
        ("RemoveVirtualNic", json!({"device": "vmk9"}), "NotFound"),
        (
            "AddServiceConsoleVirtualNic",
            json!({"portgroup": "Management Network", "nic": interface("10.8.77.9")}),
            "NotSupported",
        ),
        (
            "UpdatePhysicalNicLinkSpeed",
            json!({"device": "vmnic77"}),
            "NotFound",
        ),
        ("QueryNetworkHint", json!({"device": ["vmnic77"]}), "NotFound"),
        (
            "setCustomValue",
            json!({"key": "7", "value": "x"}),
            "InvalidArgument",
        ),
        (
            "RemoveVirtualNic",
            json!({"device": "vmk0", "x": 1}),
            "InvalidRequest",
        ),
    ] {
        assert_eq!(fault(&mut bench, 11, method, &body), expected, "{method} {body}");
    }
}

#[test]
fn cards_lead_to_one_standard_switch_at_a_time() {
    let mut bench = bench();
    let spec = |cards: &[&str]| {
        json!({"_typeName": "HostVirtualSwitchSpec", "numPorts": 64, "mtu": 9000,
               "bridge": {"_typeName": "HostVirtualSwitchBondBridge", "nicDevice": cards}})
    };
    let cards = |bench: &mut Bench| -> Vec<(String, Value)> {
        let info = get(bench, 11, "networkInfo");
        let switches = info["vswitch"].as_array().unwrap().iter();
        let told = switches.map(|switch| {
            (
                switch["name"].as_str().unwrap().to_owned(),
                switch["pnic"].clone(),
            )
        });
        told.collect()
    };
    let own = |name: &str, cards: &[&str]| {
        let keys = cards.iter().map(|card| json!(format!("pnic-key-{card}")));
        (name.to_owned(), keys.collect::<Value>())
    };
    let first = own("vSwitch0", &["vmnic0", "vmnic1"]);
    let body = |cards: &[&str]| json!({"vswitchName": "vSwitch1", "spec": spec(cards)});
    done(&mut bench, 11, "AddVirtualSwitch", &body(&["vmnic2"]));
    assert_eq!(cards(&mut bench), [first.clone(), own("vSwitch1", &["vmnic2"])]);
    done(
        &mut bench,
        11,
        "UpdateVirtualSwitch",
        &body(&["vmnic3", "vmnic2"]),
    );
    assert_eq!(
        cards(&mut bench),
        [first.clone(), own("vSwitch1", &["vmnic3", "vmnic2"])]
    );
    assert_eq!(
        fault(&mut bench, 11, "UpdateVirtualSwitch", &body(&["vmnic0"])),
        "ResourceInUse"
    );
    done(&mut bench, 11, "UpdateVirtualSwitch", &body(&["vmnic3"]));
    let other = json!({"vswitchName": "vSwitch2", "spec": spec(&["vmnic2"])});
    done(&mut bench, 11, "AddVirtualSwitch", &other);
    assert_eq!(
        cards(&mut bench),
        [
            first.clone(),
            own("vSwitch1", &["vmnic3"]),
            own("vSwitch2", &["vmnic2"])
        ]
    );
    done(
        &mut bench,
        11,
        "RemoveVirtualSwitch",
        &json!({"vswitchName": "vSwitch2"}),
    );
    assert_eq!(cards(&mut bench), [first, own("vSwitch1", &["vmnic3"])]);
    let info = get(&mut bench, 11, "networkInfo");
    let second = &info["vswitch"][1];
    assert_eq!((&second["mtu"], &second["numPorts"]), (&json!(9000), &json!(64)));
}

#[test]
fn what_is_updated_is_what_is_read() {
    let mut bench = bench();
    let group = json!({"pgName": "Management Network", "portgrp": port_group("management", "vSwitch0")});
    done(&mut bench, 11, "UpdatePortGroup", &group);
    let nic = json!({"device": "vmk0", "nic": interface("10.8.77.9")});
    done(&mut bench, 11, "UpdateVirtualNic", &nic);
    let info = get(&mut bench, 11, "networkInfo");
    assert_eq!(names(&info["portgroup"], "name"), ["management"]);
    assert_eq!(info["portgroup"][0]["spec"]["vlanId"], 20);
    assert_eq!(info["vnic"][0]["portgroup"], "management");
    assert_eq!(info["vnic"][0]["spec"]["ip"]["ipAddress"], "10.8.77.9");
    assert_eq!(info["vnic"][0]["spec"]["mtu"], 1500, "what is left out stays");

    let dns = json!({"_typeName": "HostDnsConfig", "dhcp": false, "hostName": "esx-99",
                     "domainName": "x.invalid", "address": ["192.0.2.53"]});
    done(&mut bench, 11, "UpdateDnsConfig", &json!({"config": dns}));
    let routes = json!({"_typeName": "HostIpRouteConfig", "defaultGateway": "192.0.2.1"});
    done(&mut bench, 11, "UpdateIpRouteConfig", &json!({"config": routes}));
    let info = get(&mut bench, 11, "networkInfo");
    for (name, wanted) in [("dnsConfig", &dns), ("ipRouteConfig", &routes)] {
        assert_eq!(get(&mut bench, 11, name), *wanted);
        assert_eq!(info[name], *wanted);
        assert_eq!(get(&mut bench, 11, "networkConfig")[name], *wanted);
    }

    let route = json!({"_typeName": "HostIpRouteEntry", "network": "203.0.113.0", "prefixLength": 24,
                       "gateway": "192.0.2.2"});
    let table = |operation: &str| {
        let change = json!({"_typeName": "HostIpRouteOp", "changeOperation": operation, "route": route});
        json!({"config": {"_typeName": "HostIpRouteTableConfig", "ipRoute": [change]}})
    };
    done(&mut bench, 11, "UpdateIpRouteTableConfig", &table("add"));
    let told = |bench: &mut Bench| get(bench, 11, "networkInfo")["routeTableInfo"]["ipRoute"].clone();
    assert_eq!(told(&mut bench), json!([route]));
    assert_eq!(
        fault(&mut bench, 11, "UpdateIpRouteTableConfig", &table("add")),
        "HostConfigFault"
    );
    done(&mut bench, 11, "UpdateIpRouteTableConfig", &table("remove"));
    assert_eq!(told(&mut bench), json!([]));

    let speed = json!({"_typeName": "PhysicalNicLinkInfo", "speedMb": 1000, "duplex": false});
    let card = |bench: &mut Bench| {
        let info = get(bench, 11, "networkInfo");
        let cards = info["pnic"].as_array().unwrap();
        cards
            .iter()
            .find(|card| card["device"] == "vmnic2")
            .unwrap()
            .clone()
    };
    let negotiated = card(&mut bench);
    let fixed = json!({"device": "vmnic2", "linkSpeed": speed});
    done(&mut bench, 11, "UpdatePhysicalNicLinkSpeed", &fixed);
    assert_eq!(card(&mut bench)["linkSpeed"], speed);
    done(
        &mut bench,
        11,
        "UpdatePhysicalNicLinkSpeed",
        &json!({"device": "vmnic2"}),
    );
    assert_eq!(card(&mut bench), negotiated);

    let value = json!({"key": "recovery-plan", "value": "plan-7"});
    done(&mut bench, 11, "setCustomValue", &value);
    assert_eq!(get(&mut bench, 11, "value")[0]["value"], "plan-7");
    // The other host has none of it.
    assert_eq!(get(&mut bench, 12, "value"), Value::Null);
    assert_ne!(get(&mut bench, 12, "dnsConfig"), dns);
}

#[test]
fn many_changes_are_made_together_or_not_at_all() {
    let mut bench = bench();
    let config = |vlan: i64| {
        let mut group = port_group("backup", "vSwitch1");
        group["vlanId"] = json!(vlan);
        json!({
            "changeMode": "modify",
            "config": {
                "_typeName": "HostNetworkConfig",
                "vswitch": [{"_typeName": "HostVirtualSwitchConfig", "changeOperation": "add", "name": "vSwitch1"}],
                "portgroup": [{"_typeName": "HostPortGroupConfig", "changeOperation": "add", "spec": group}],
                "vnic": [{"_typeName": "HostVirtualNicConfig", "changeOperation": "add", "portgroup": "backup",
                          "spec": interface("10.8.77.9")}],
            },
        })
    };
    assert_eq!(
        fault(&mut bench, 11, "UpdateNetworkConfig", &config(5000)),
        "InvalidArgument"
    );
    let added = done(&mut bench, 11, "UpdateNetworkConfig", &config(50));
    assert_eq!(
        added,
        json!({"_typeName": "HostNetworkConfigResult", "vnicDevice": ["vmk1"]})
    );
    let mut replaced = config(50);
    replaced["changeMode"] = json!("replace");
    assert_eq!(
        fault(&mut bench, 11, "UpdateNetworkConfig", &replaced),
        "NotImplemented"
    );
}

#[test]
fn only_a_host_with_a_service_console_has_interfaces_there() {
    let mut bench = bench();
    assert_eq!(get(&mut bench, 11, "consoleIpRouteConfig"), Value::Null);
    assert_eq!(get(&mut bench, 12, "capabilities")["usesServiceConsoleNic"], true);
    let nic = json!({"portgroup": "service-console", "nic": interface("10.8.12.13")});
    assert_eq!(
        done(&mut bench, 12, "AddServiceConsoleVirtualNic", &nic),
        json!("vswif1")
    );
    let moved = json!({"device": "vswif1", "nic": interface("10.8.12.14")});
    done(&mut bench, 12, "UpdateServiceConsoleVirtualNic", &moved);
    let routes = json!({"_typeName": "HostIpRouteConfig", "defaultGateway": "10.8.12.1"});
    done(
        &mut bench,
        12,
        "UpdateConsoleIpRouteConfig",
        &json!({"config": routes}),
    );
    let info = get(&mut bench, 12, "networkInfo");
    assert_eq!(info["consoleVnic"][1]["spec"]["ip"]["ipAddress"], "10.8.12.14");
    assert_eq!(info["consoleIpRouteConfig"], routes);
    assert_eq!(get(&mut bench, 12, "consoleIpRouteConfig"), routes);
    done(
        &mut bench,
        12,
        "RestartServiceConsoleVirtualNic",
        &json!({"device": "vswif1"}),
    );
    done(
        &mut bench,
        12,
        "RemoveServiceConsoleVirtualNic",
        &json!({"device": "vswif1"}),
    );
    assert_eq!(
        fault(
            &mut bench,
            12,
            "RestartServiceConsoleVirtualNic",
            &json!({"device": "vswif1"})
        ),
        "NotFound"
    );
}

#[test]
fn a_host_that_vcenter_has_lost_changes_nothing() {
    let mut bench = bench();
    bench
        .world
        .hosts_mut()
        .set_trouble("host-11", HostTrouble::Disconnected, true);
    assert_eq!(
        fault(
            &mut bench,
            11,
            "AddVirtualSwitch",
            &json!({"vswitchName": "vSwitch1"})
        ),
        "HostNotConnected"
    );
}
