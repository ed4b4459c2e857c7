//! Worlds with sites of their own.

use std::path::Path;

use serde_json::{Value, json};

use super::{NetworkSpecKind, SiteSpec, WorldSpec};
use crate::fault::{FaultAction, FaultRule, Loss};
use crate::testbench::Bench;

/// The world that the README shows below `Sites`.
fn shown() -> WorldSpec {
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once("### Sites").expect("the section");
    let (_, text) = section.split_once("```toml\n").expect("an example");
    let (text, _) = text.split_once("```").expect("its end");
    WorldSpec::from_toml(Path::new("readme.toml"), text, Some(3)).expect("a world")
}

fn names(bench: &mut Bench, vcenter: &str, folder: &str) -> Vec<String> {
    let answer = bench.get(vcenter, &format!("/Folder/{folder}/childEntity"));
    assert_eq!(answer.status, 200, "{}", answer.value());
    let list = answer.value();
    let list = list["_value"].as_array().or(list.as_array()).cloned();
    let ids = list.expect("a list").into_iter().map(|child| {
        let id = child["value"].as_str().expect("an id").to_owned();
        let type_name = child["type"].as_str().expect("a type").to_owned();
        (type_name, id)
    });
    let ids: Vec<(String, String)> = ids.collect();
    ids.into_iter()
        .map(|(type_name, id)| {
            let name = bench.get(vcenter, &format!("/{type_name}/{id}/name")).value();
            let name = name["_value"].as_str().or(name.as_str()).map(str::to_owned);
            name.expect("a name")
        })
        .collect()
}

#[test]
fn the_world_of_the_readme_has_the_sites_hosts_datastores_and_networks_that_it_names() {
    let mut bench = Bench::new(&shown());
    let endpoints: Vec<&str> = bench.world.endpoints().map(|one| one.name.as_str()).collect();
    assert_eq!(
        endpoints,
        [
            "edge",
            "north",
            "south",
            "vc-edge",
            "vc-north",
            "vc-south",
            "vc-south-node2"
        ]
    );
    let hosts: Vec<(String, usize)> = bench
        .world
        .hosts()
        .hosts()
        .map(|host| (host.id.clone(), host.dpus.len()))
        .collect();
    let wanted = [
        ("host-11", 2),
        ("host-12", 2),
        ("host-13", 2),
        ("host-14", 0),
        ("host-15", 0),
    ];
    let rest = [("host-21", 2), ("host-22", 2), ("host-31", 2), ("host-32", 2)];
    let wanted: Vec<(String, usize)> = wanted
        .iter()
        .chain(&rest)
        .map(|(id, dpus)| ((*id).to_owned(), *dpus))
        .collect();
    assert_eq!(hosts, wanted);
    assert_eq!(
        names(&mut bench, "vc-north", "group-h14"),
        ["north-dpu", "north-old"]
    );
    assert_eq!(names(&mut bench, "vc-edge", "group-h34"), ["cluster-edge"]);
    assert_eq!(
        names(&mut bench, "vc-north", "group-s15"),
        ["datastore-north-1", "datastore-north-2", "local-north", "gold"]
    );
    assert_eq!(
        names(&mut bench, "vc-north", crate::inventory::ROOT_FOLDER),
        ["north", "annex"]
    );
    let networks = names(&mut bench, "vc-north", "group-n16");
    for wanted in [
        "dvs-north",
        "dvs-north-plain",
        "plain-north",
        "backup",
        "dmz",
        "segment-north",
    ] {
        assert!(
            networks.iter().any(|name| name == wanted),
            "{wanted}: {networks:?}"
        );
    }
    assert_eq!(bench.world.vcha().machines("vc-edge").len(), 0);
    assert!(bench.world.vcha().cluster("vc-south").is_some());
}

#[test]
fn groups_and_replications_lead_from_the_site_that_is_recovered_to_the_other() {
    let bench = Bench::new(&shown());
    let sides: Vec<String> = bench.world.sms().groups().map(|side| side.vcenter).collect();
    assert_eq!(sides.len(), 12);
    assert!(sides.chunks(2).all(|sides| sides == ["vc-north", "vc-south"]));
    assert_eq!(bench.world.vcda().replications().count(), 4);
    for replication in bench.world.vcda().replications() {
        assert_eq!(
            (
                replication.source.site.as_str(),
                replication.destination.site.as_str()
            ),
            ("north", "south")
        );
    }
}

#[test]
fn two_pairs_take_turns_and_providers_know_the_peers_of_their_own() {
    let site = |name: &str, other: Option<&str>| {
        let mut site = SiteSpec::new(name);
        site.recovers_at = other.map(str::to_owned);
        site
    };
    let sites = vec![
        site("a", Some("c")),
        site("b", Some("d")),
        site("c", None),
        site("d", None),
    ];
    let mut spec = WorldSpec::pair(1).sites(sites).groups(4).replications(4);
    spec.vcha.clusters.clear();
    spec.vcda.vms_per_vapp = 2;
    spec.vasa.groups_with_devices = 4;
    assert_eq!(spec.check(), Ok(()));
    let mut bench = Bench::new(&spec);
    let sources: Vec<String> = bench.world.sms().groups().map(|side| side.vcenter).collect();
    let wanted = ["vc-a", "vc-c", "vc-b", "vc-d", "vc-a", "vc-c", "vc-b", "vc-d"];
    assert_eq!(sources, wanted);
    for (vcenter, place, other) in [("vc-a", "a", "c"), ("vc-d", "d", "b")] {
        let path = format!("/sms/VasaProvider/vasaProvider-{place}-1/QueryReplicationPeer");
        let peers = bench.post(vcenter, &path, &json!({})).value();
        let peers = peers["_value"].as_array().or(peers.as_array()).cloned();
        let target = peers.expect("peers")[0]["targetDomain"][0]["id"].clone();
        assert_eq!(target, json!(format!("fd-{other}-1")));
    }
    let replications: Vec<_> = bench.world.vcda().replications().cloned().collect();
    for one in &replications {
        let same: Vec<_> = replications
            .iter()
            .filter(|other| other.vapp == one.vapp)
            .collect();
        assert_eq!(same.len(), 2, "a vApp of two");
        assert!(same.iter().all(|other| other.source.site == one.source.site));
    }
    // The machines of groups are those that their devices name.
    for number in 1..=4 {
        let name = format!("app-{number:03}");
        let site = if number % 2 == 1 { 1 } else { 2 };
        let id = format!("vm-{site}00{}", (number + 1) / 2);
        let machine = bench.world.vms().machines().find(|machine| machine.name == name);
        assert_eq!(machine.expect("the machine").id, id);
    }
}

#[test]
fn a_site_alone_has_a_vcenter_and_nothing_that_is_recovered() {
    let spec = WorldSpec::pair(1)
        .sites(vec![SiteSpec::new("solo")])
        .groups(0)
        .replications(0);
    let mut spec = spec.vcha(crate::vcha::VchaSpec::default());
    spec.vcha.clusters.clear();
    assert_eq!(spec.check(), Ok(()));
    let mut bench = Bench::new(&spec);
    assert_eq!(bench.world.sms().groups().count(), 0);
    let path = "/sms/VasaProvider/vasaProvider-solo-1/QueryReplicationPeer";
    let peers = bench.post("vc-solo", path, &json!({}));
    assert!(
        peers.value().to_string().contains("NotFound"),
        "{}",
        peers.value()
    );
    bench.pass(3_600_000);
}

/// Ids of the first nine sites are as they have always been; from the tenth on a dash keeps them apart.
#[test]
fn ids_of_many_sites_do_not_meet() {
    let sites: Vec<SiteSpec> = (1..=25)
        .map(|number| SiteSpec::new(&format!("s{number}")))
        .collect();
    let mut spec = WorldSpec::pair(1).sites(sites).groups(2).replications(2);
    spec.vcha.clusters = crate::vcha::clusters_of(&spec.sites);
    spec.dpu.hosts_per_vcenter = 12;
    assert_eq!(spec.check(), Ok(()));
    let mut bench = Bench::new(&spec);
    assert_eq!(bench.world.hosts().hosts().count(), 25 * 12);
    assert_eq!(bench.world.vms().machines().count(), 25 * spec.vm.plain as usize);
    for (vcenter, host) in [
        ("vc-s1", "host-112"),
        ("vc-s11", "host-11-2"),
        ("vc-s25", "host-25-12"),
    ] {
        let name = bench.get(vcenter, &format!("/HostSystem/{host}/name"));
        assert_eq!(name.status, 200, "{host}");
    }
    let addresses: std::collections::BTreeSet<String> = bench.world.state()["vcha"]["clusters"]
        .as_object()
        .expect("clusters")
        .values()
        .map(|cluster| cluster["nodes"][0]["ha_ip"].to_string())
        .collect();
    assert_eq!(addresses.len(), 25);
}

fn fail_over(bench: &mut Bench, host: &str, dvs: &str) -> (u16, Value) {
    let path = format!("/HostNetworkSystem/networkSystem-{host}/startDpuFailover");
    let answer = bench.post("vc-north", &path, &json!({"dvsName": dvs}));
    (answer.status, answer.value())
}

#[test]
fn hosts_without_dpus_and_of_older_releases_move_nothing_and_say_why() {
    let mut bench = Bench::new(&shown());
    assert_eq!(fail_over(&mut bench, "11", "dvs-north").0, 204);
    let (status, fault) = fail_over(&mut bench, "14", "dvs-north-plain");
    assert_eq!((status, &fault["_typeName"]), (500, &json!("MethodNotFound")));
    let mut spec = shown();
    spec.sites[0].clusters[1].hosts[0].release = None;
    let mut bench = Bench::new(&spec);
    let (status, fault) = fail_over(&mut bench, "14", "dvs-north-plain");
    assert_eq!((status, &fault["_typeName"]), (500, &json!("InvalidArgument")));
    let silent = bench.get("vc-north", "/HostSystem/host-14/summary").value();
    assert!(silent["config"]["product"].is_null(), "{silent}");
    let told = bench.get("vc-north", "/HostSystem/host-11/summary").value();
    assert_eq!(told["config"]["product"]["version"], "8.0.3", "{told}");
    let runtime = bench.get("vc-north", "/HostSystem/host-14/runtime").value();
    assert!(runtime["healthSystemRuntime"].is_null(), "{runtime}");
    let network = bench
        .get("vc-north", "/HostNetworkSystem/networkSystem-14/networkInfo")
        .value();
    assert!(!network.to_string().contains("dpuId"), "{network}");
}

#[test]
fn conditions_and_releases_are_those_of_their_site() {
    let mut spec = shown();
    spec.sites[1].networks.push(super::NetworkSpec {
        name: "nsx".to_owned(),
        kind: NetworkSpecKind::Opaque,
    });
    let mut bench = Bench::new(&spec);
    let hello = |bench: &mut Bench, vcenter: &str| {
        let body = json!({"api_releases": ["8.0.1.0"]});
        let answer = bench.rest(
            vcenter,
            http::Method::POST,
            "/api/vcenter/system?action=hello",
            &body,
        );
        answer.value()["api_release"].clone()
    };
    assert_eq!(hello(&mut bench, "vc-north"), json!("8.0.1.0"));
    assert_eq!(hello(&mut bench, "vc-south"), json!(""));
    let lose = FaultAction::LoseSite {
        site: "north".to_owned(),
        how: Loss::Refused,
    };
    bench.world.add_fault(FaultRule::any(lose)).expect("a site");
    let lost: Vec<&str> = bench
        .world
        .endpoints()
        .filter(|endpoint| !endpoint.reachable)
        .map(|endpoint| endpoint.name.as_str())
        .collect();
    assert_eq!(lost, ["north", "vc-north"]);
    let error = FaultRule::any(FaultAction::FillDisk {
        site: "east".to_owned(),
    });
    let error = bench
        .world
        .add_fault(error)
        .expect_err("no such site")
        .to_string();
    assert_eq!(error, "there is no site \"east\"; there are: edge, north, south");
}
