//! The wire fixtures of SMS, against what the simulator answers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::story::{self, Telling};
use super::{EAST, WEST, info};
use crate::exchange::{Answer, Request};
use crate::service::Service;
use crate::sms::SmsService;
use crate::testbench::{
    Bench, Fixture, Schema, Told, assert_alike, assert_played, assert_spoiled_are_refused, fixtures,
    is_invalid_request, shapes,
};

const TOLD: Told = Told {
    states: &[
        "currentState",
        "desiredState",
        "maxBatchSize",
        "newState",
        "state",
        "status",
    ],
    present: &["devices", "mapping", "replicaInfo", "result"],
    types: &[
        "deviceId",
        "devices",
        "recoveredDeviceId",
        "replicaId",
        "rgInfo",
        "sourceId",
        "targetDomain",
    ],
};

/// Fixtures of operations that the simulator knows, in states that its world cannot be in, with the reason.
const NOT_PLAYED: &[(&str, &str)] = &[
    (
        "provider/query-provider-info-base-type",
        "every provider is a VASA provider",
    ),
    ("provider/query-provider-info-encoded-id", "no id needs encoding"),
    (
        "storage-manager/query-provider-query-execution-fault",
        "no query fails inside",
    ),
    (
        "storage-manager/query-replication-group-info-query-execution-fault",
        "no query fails inside",
    ),
    (
        "vasa-provider/promote-invalid-replication-state-no-desired",
        "the states that would do are always named",
    ),
    (
        "vasa-provider/promote-provider-out-of-resource",
        "no array runs out of resources",
    ),
    (
        "vasa-provider/query-active-alarm.",
        "no alarm is answered that does not fit the filter",
    ),
    (
        "vasa-provider/failover-no-valid-replica",
        "no device is named, as a group fails as a whole",
    ),
    (
        "vasa-provider/failover-provider-out-of-resource",
        "no array runs out of resources",
    ),
    (
        "vasa-provider/prepare-failover-no-replication-target",
        "every group has a target",
    ),
    (
        "vasa-provider/prepare-failover-provider-out-of-resource",
        "no array runs out of resources",
    ),
    (
        "vasa-provider/query-point-in-time-replica-provider-busy",
        "queries are answered while work is running",
    ),
    (
        "vasa-provider/query-replication-group-provider-busy",
        "queries are answered while work is running",
    ),
    (
        "vasa-provider/query-replication-group-query-execution-fault",
        "no query fails inside",
    ),
    (
        "vasa-provider/query-replication-peer-all",
        "domains are named by their bare ids",
    ),
    (
        "vasa-provider/query-replication-peer-inactive-provider",
        "a provider does not know the fault domains of another one",
    ),
    (
        "vasa-provider/query-replication-peer-provider-busy",
        "queries are answered while work is running",
    ),
    (
        "vasa-provider/reverse-replicate-provider-out-of-resource",
        "no array runs out of resources",
    ),
    (
        "vasa-provider/sync-provider-out-of-resource",
        "no array runs out of resources",
    ),
    ("vasa-provider/sync-too-many-zero-limit", "a limit is above zero"),
    (
        "vasa-provider/test-failover-start-provider-out-of-resource",
        "no array runs out of resources",
    ),
    (
        "vasa-provider/test-failover-stop-provider-out-of-resource",
        "no array runs out of resources",
    ),
];

fn vcenter(fixture: &Fixture) -> &'static str {
    // The state of a source after a failover is asked for in the east, tasks of the east are those of a prepare.
    let path = fixture.request["path"].as_str().unwrap();
    let prepare = fixture.name.ends_with("task-info-prepare-success.json");
    if path.contains("-east-") || prepare {
        EAST
    } else {
        WEST
    }
}

fn request(bench: &Bench, fixture: &Fixture, telling: &Telling) -> Request {
    let mut request = fixture.request();
    request.path = telling.translated(&request.path);
    request.body = telling
        .translated(std::str::from_utf8(&request.body).unwrap())
        .into();
    if fixture.name.contains("not-authenticated") {
        request
    } else {
        bench.with_session(vcenter(fixture), request)
    }
}

/// What a fixture's exchange comes to in a world that is as it tells: the answer, and the end of a task that it began.
struct Played {
    answer: Answer,
    task: Option<Value>,
}

fn play(fixture: &Fixture) -> Played {
    let (mut bench, telling) = story::tell(fixture);
    let request = request(&bench, fixture, &telling);
    let answer = bench.send(vcenter(fixture), &request);
    let begins = answer.status == 200 && fixture.operation.ends_with("_Task");
    let task = begins.then(|| {
        bench.world.set_reachable(EAST, true);
        bench.world.set_reachable(WEST, true);
        bench.pass(10_000);
        info(&mut bench, vcenter(fixture), &answer)
    });
    Played { answer, task }
}

/// A fault of one group is no refusal of the call here: it is the group's entry in the answer or in the task's result.
fn is_entry_of(fixture: &Fixture, played: &Played) -> bool {
    let (wanted, answer) = (&fixture.response["body"], played.answer.value());
    let result = played.task.as_ref().map(|task| &task["result"]["_value"]);
    let entry = &result.unwrap_or(&answer)[0];
    let said = |fault: &Value| {
        let members = fault.as_object().into_iter().flatten();
        let own = members.filter(|(name, _)| !name.starts_with("fault"));
        let own = own.map(|(name, value)| {
            // Which provider is active and which task is running is of the world.
            let ours = matches!(name.as_str(), "mapping" | "task");
            (name.clone(), if ours { Value::Null } else { value.clone() })
        });
        own.collect::<BTreeMap<_, _>>()
    };
    entry["_typeName"] == "GroupErrorResult" && said(wanted) == said(&entry["error"][0])
}

#[test]
fn every_fixture_is_routed_to_its_operation() {
    for fixture in fixtures("models-sms") {
        let (bench, telling) = story::tell(&fixture);
        let request = request(&bench, &fixture, &telling);
        let routed = SmsService
            .route(&bench.world, vcenter(&fixture), &request)
            .unwrap();
        let operation = routed.operation.split('?').next();
        assert_eq!(operation, Some(fixture.operation.as_str()), "{}", fixture.name);
    }
}

#[test]
fn every_fixture_is_answered_or_named_with_the_reason() {
    assert_played(&fixtures("models-sms"), NOT_PLAYED, |fixture| {
        let played = play(fixture);
        let difference = TOLD.differs(fixture, &played.answer)?;
        let fits = fixture.response["status"] == 500 && is_entry_of(fixture, &played);
        (!fits).then(|| format!("{difference}; {:?}", played.task))
    });
}

#[test]
fn every_answer_has_the_shape_of_the_schema_and_of_the_fixtures() {
    let schema = Schema::read("vi-json/vi-json.json");
    let mut wanted = BTreeMap::new();
    let mut given = BTreeMap::new();
    for fixture in &fixtures("models-sms") {
        shapes(&fixture.response["body"], &mut wanted);
        let played = play(fixture);
        for value in [Some(played.answer.value()), played.task].into_iter().flatten() {
            schema.check("", &value);
            shapes(&value, &mut given);
        }
    }
    assert_alike(
        &given,
        &wanted,
        &[
            "SmsTaskInfo.result",
            "TargetGroupInfo.devices",
            "FailoverSuccessResult.recoveredDeviceInfo",
            "ReverseReplicationSuccessResult.newGroupId",
            "SyncReplicationGroupSuccessResult.pitId",
            "InactiveProvider.mapping",
            "VasaProviderInfo.statusFault",
        ],
    );
}

#[test]
fn an_entry_has_the_type_the_states_and_the_members_of_the_fault() {
    let fault = json!({"_typeName": "InvalidReplicationState", "faultMessage": [], "currentState": "TARGET"});
    let fixture = Fixture {
        name: "f".to_owned(),
        operation: "o".to_owned(),
        request: Value::Null,
        response: json!({"status": 500, "body": fault}),
    };
    let is_entry = |entry: Value| {
        let answer = Answer::json(200, "application/json", &json!([entry]));
        is_entry_of(&fixture, &Played { answer, task: None })
    };
    let with = |state: &str| {
        let error = json!({"_typeName": "InvalidReplicationState", "currentState": state});
        json!({"_typeName": "GroupErrorResult", "error": [error]})
    };
    let bare = json!({"_typeName": "InvalidReplicationState"});
    assert!(is_entry(with("TARGET")));
    assert!(!is_entry(with("SOURCE")));
    assert!(!is_entry(
        json!({"_typeName": "GroupErrorResult", "error": [bare]})
    ));
    assert!(!is_entry(
        json!({"_typeName": "GroupErrorResult", "error": [{"_typeName": "NotFound"}]})
    ));
    assert!(!is_entry(json!({"_typeName": "GroupOperationResult"})));
}

#[test]
fn what_cannot_be_read_is_refused_in_every_operation() {
    let taken = [
        (
            "query-provider-info-base-type.json/nobodyKnowsThis",
            "every provider is a VASA provider",
        ),
        (
            "query-provider-info-encoded-id.json/nobodyKnowsThis",
            "no id needs encoding",
        ),
    ];
    assert_spoiled_are_refused(&fixtures("models-sms"), &taken, is_invalid_request, |fixture| {
        play(fixture).answer
    });
}
