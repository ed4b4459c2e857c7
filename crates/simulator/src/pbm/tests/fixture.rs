//! The wire fixtures of PBM, against what the simulator answers.

use std::collections::BTreeMap;

use super::EAST;
use crate::exchange::{Answer, Request};
use crate::pbm::PbmService;
use crate::service::Service;
use crate::testbench::{
    Bench, Fixture, Schema, Told, assert_alike, assert_played, assert_spoiled_are_refused, fixtures,
    is_invalid_request, shapes,
};

const TOLD: Told = Told {
    states: &["isDefault", "profileCategory"],
    present: &["fault", "profileId", "replicationGroupId", "replicationManager"],
    types: &["constraints"],
};

/// Fixtures in states that the world cannot be in, with the reason.
const NOT_PLAYED: &[(&str, &str)] = &[
    (
        "profile-manager/query-associated-entities-null",
        "some machine always has a policy",
    ),
    (
        "profile-manager/retrieve-content-no-permission",
        "everybody may do everything",
    ),
    (
        "replication-manager/query-replication-groups-pbm-fault",
        "no query fails inside",
    ),
];

fn bench(fixture: &Fixture) -> Bench {
    super::bench(0, |spec| {
        spec.no_replication_manager = fixture.name.contains("no-replication-manager");
    })
}

fn request(bench: &Bench, fixture: &Fixture) -> Request {
    let mut request = fixture.request();
    let mut names = vec![
        ("pbmProfileManager".to_owned(), "ProfileManager".to_owned()),
        (
            "pbmReplicationManager".to_owned(),
            "ReplicationManager".to_owned(),
        ),
        ("vm-999".to_owned(), "vm-none".to_owned()),
    ];
    for (number, id) in (1..).zip(bench.world.pbm().profiles(EAST)) {
        names.push((format!("00000000-8888-4000-8000-{number:012}"), id.clone()));
    }
    let translated = |text: &str| {
        let names = names.iter();
        names.fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    };
    request.path = translated(&request.path);
    request.body = translated(std::str::from_utf8(&request.body).unwrap()).into();
    if fixture.name.contains("not-authenticated") {
        request
    } else {
        bench.with_session(EAST, request)
    }
}

fn play(fixture: &Fixture) -> Answer {
    let mut bench = bench(fixture);
    let request = request(&bench, fixture);
    bench.send(EAST, &request)
}

#[test]
fn every_fixture_is_routed_to_its_operation() {
    for fixture in fixtures("models-pbm") {
        let bench = bench(&fixture);
        let routed = PbmService.route(&bench.world, EAST, &request(&bench, &fixture));
        assert_eq!(routed.unwrap().operation, fixture.operation, "{}", fixture.name);
    }
}

#[test]
fn every_fixture_is_answered_or_named_with_the_reason() {
    assert_played(&fixtures("models-pbm"), NOT_PLAYED, |fixture| {
        TOLD.differs(fixture, &play(fixture))
    });
}

#[test]
fn every_answer_has_the_shape_of_the_schema_and_of_the_fixtures() {
    let schema = Schema::read("vi-json/vi-json.json");
    let (mut wanted, mut given) = (BTreeMap::new(), BTreeMap::new());
    for fixture in &fixtures("models-pbm") {
        shapes(&fixture.response["body"], &mut wanted);
        let value = play(fixture).value();
        schema.check("", &value);
        shapes(&value, &mut given);
    }
    assert_alike(
        &given,
        &wanted,
        &[
            "PbmDefaultCapabilityProfile.vvolType",
            "PbmQueryProfileResult.fault",
        ],
    );
}

#[test]
fn what_cannot_be_read_is_refused_in_every_operation() {
    assert_spoiled_are_refused(&fixtures("models-pbm"), &[], is_invalid_request, play);
}
