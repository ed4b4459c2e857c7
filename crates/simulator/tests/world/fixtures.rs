//! The wire fixtures of VMware Cloud Director Availability: each request is routed to its operation, and the answer has
//! the members of the fixture's answer. The fixtures were written from the wire rules alone.

use std::fs;
use std::path::{Path, PathBuf};

use farside_simulator::exchange::{Answer, Request};
use farside_simulator::{FaultAction, FaultRule};
use http::Method;
use serde_json::{Value, json};

use crate::support::{Action, Pair, answer, extend_as_known, text};

/// Names of the fixtures' own world, and what they are called in ours.
const REPLICATION: &str = "C4-0b0b0b0b-1111-4222-8333-444455556666";
const INSTANCE: &str = "replica-0a0b0c0d-1111-4222-8333-444455556666";
const TASK: &str = "6f0c7a52-90e1-4f3e-9a39-1f2d3c4b5a69";
const TOKEN: &str = "example-vcav-token-77";
const USER: &str = "dr-admin@tenant-a";
const PASSWORD: &str = "not-a-real-password";
/// Who is known at the other site.
const REMOTE_USER: &str = "dr-admin@tenant-b";

/// Operations that the simulator does not know. It says so, and none of them answers anything else.
const NOT_SIMULATED: &[&str] = &[
    "sites.list",
    "sites.pair",
    "sites.vcenterSites",
    "vmReplications.start",
    "vmReplications.reconfigure",
    "vmReplications.stop",
    "vmReplications.pause",
    "vmReplications.resume",
    "vmReplications.sync",
    "vmReplications.applyStorageProfile",
    "vmReplications.networkSettings.get",
    "vappReplications.list",
    "vappReplications.start",
    "vappReplications.summary",
    "vappReplications.get",
    "vappReplications.reconfigure",
    "vappReplications.stop",
    "vappReplications.reconfigureDisks",
    "vappReplications.failover",
    "vappReplications.failoverTest",
    "vappReplications.failoverTestCleanup",
    "vappReplications.migrate",
    "vappReplications.pause",
    "vappReplications.resume",
    "vappReplications.sync",
    "vappReplications.reverse",
    "vappReplications.networkSettings.get",
    "recoveryPlans.list",
    "recoveryPlans.create",
    "recoveryPlans.get",
    "recoveryPlans.delete",
    "recoveryPlans.clone",
    "recoveryPlans.steps.add",
    "recoveryPlans.steps.move",
    "recoveryPlans.failover",
    "recoveryPlans.migrate",
    "recoveryPlans.test",
    "recoveryPlans.testCleanup",
    "diagnostics.health",
    "diagnostics.about",
];

/// Fixtures of operations that the simulator knows, with a form of the request that it does not know and says so.
const FORMS_NOT_SIMULATED: &[&str] = &[
    "sessions/extend-cookie",
    "sessions/extend-multisite",
    "sessions/extend-vcd-access-token",
    "sessions/login-sso-credentials",
    "sessions/login-sso-token",
    "sessions/login-vcd-access-token",
    "sessions/login-vcd-cookie",
];

/// Fixtures that show what a client has to survive and the world does not play, with the reason.
const NOT_PLAYED: &[(&str, &str)] = &[
    ("errors/", "forms of the error object that any operation may take"),
    ("sessions/login-header-missing", "a log-in without a token"),
    (
        "tasks/get-remote-authentication-failure",
        "the local site needs no extension here",
    ),
    ("tasks/get-running-hundred-percent", "odd progress"),
    ("tasks/get-running-last-updated-unset", "absent members"),
    (
        "tasks/get-succeeded-health",
        "the operation of this task is not simulated",
    ),
    (
        "tasks/get-succeeded-vapp",
        "the operation of this task is not simulated",
    ),
    ("tasks/get-succeeded-with-warning", "warnings"),
    (
        "vm-replications/failover-remote-authentication-failure",
        "the local site needs no extension here",
    ),
    (
        "vm-replications/failover-vcenter",
        "no destination is a vCenter site",
    ),
    ("vm-replications/failover-vcloud-4-7", "form of version 4.7"),
    (
        "vm-replications/failover-test-vcenter",
        "no destination is a vCenter site",
    ),
    (
        "vm-replications/get-all-members",
        "members that are absent from this world",
    ),
    (
        "vm-replications/get-complete-state-only-4-1",
        "form of version 4.1",
    ),
    ("vm-replications/get-complete-untagged-3-5", "form of version 3.5"),
    (
        "vm-replications/get-complete-vc.",
        "no destination is a vCenter site",
    ),
    ("vm-replications/get-last-error", "absent members"),
    ("vm-replications/get-not-started-sparse", "absent members"),
    ("vm-replications/get-unknown-values", "unknown members"),
    ("vm-replications/instances-encoded-site", "a site of another name"),
    (
        "vm-replications/instances-empty",
        "every replication has instances",
    ),
    ("vm-replications/list-last-page", "offset and limit echoed"),
    (
        "vm-replications/migrate-remote-authentication-failure",
        "a migrate needs no extension here",
    ),
    (
        "vm-replications/reverse-remote-authentication-failure",
        "a reverse needs no extension here",
    ),
];

struct Fixture {
    name: String,
    exchange: Value,
}

fn fixtures() -> Vec<Fixture> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models-vcda/tests/fixtures");
    let mut found = Vec::new();
    for folder in [
        "diagnostics",
        "errors",
        "recovery-plans",
        "sessions",
        "sites",
        "tasks",
        "vapp-replications",
        "vm-replications",
    ] {
        let files = fs::read_dir(root.join(folder)).expect("the fixtures are there");
        let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
        files.sort();
        for file in files {
            let name = format!("{folder}/{}", file.file_name().expect("a name").to_string_lossy());
            let exchange = serde_json::from_str(&fs::read_to_string(file).expect("text")).expect("JSON");
            found.push(Fixture { name, exchange });
        }
    }
    found
}

impl Fixture {
    fn operation(&self) -> &str {
        self.exchange["operation"].as_str().expect("an operation")
    }

    fn is_simulated(&self) -> bool {
        !NOT_SIMULATED.contains(&self.operation())
    }

    fn has_unknown_form(&self) -> bool {
        FORMS_NOT_SIMULATED.iter().any(|name| self.name.starts_with(name))
    }

    fn is_played(&self) -> bool {
        NOT_PLAYED.iter().all(|(name, _)| !self.name.starts_with(name))
    }

    /// A refusal that has no cause in the world: a rule makes it.
    fn refusal(&self) -> Option<FaultRule> {
        let told = ["-general-server-failure", "-forbidden"];
        let refused = self.is_simulated() && told.iter().any(|part| self.name.contains(part));
        let status = self.exchange["response"]["status"].as_u64()?;
        let action = FaultAction::Refuse {
            status: u16::try_from(status).ok()?,
            body: None,
            retry_after: None,
        };
        refused.then(|| FaultRule::new(self.operation(), action))
    }

    /// What has to have happened before the request.
    fn story(&self) -> (&'static [Action], i64) {
        let name = self.name.split_once('/').map_or("", |(_, name)| name);
        match name.trim_end_matches(".json") {
            "failover-test-cleanup" | "get-test" => (&[Action::Test], 10_000),
            "reverse" | "get-complete-vcd" => (&[Action::Failover], 10_000),
            "get-in-progress" | "get-running" | "list-lost-answer-lookup" => (&[Action::Failover], 100),
            "get-succeeded" | "list-sorted-page" | "poll" | "poll-dropped-id" => {
                (&[Action::Failover], 10_000)
            }
            "get-succeeded-test-cleanup" => (&[Action::Test, Action::Cleanup], 10_000),
            "get-failed" => (&[Action::Migrate], 10_000),
            _ => (&[], 0),
        }
    }

    /// Plays the exchange in a world where the story has happened.
    fn play(&self) -> Answer {
        let mut pair = Pair::new(1, 3);
        let id = pair.id(1);
        let (actions, pause_ms) = self.story();
        let mut task = TASK.to_owned();
        if actions == [Action::Migrate] {
            pair.world.set_reachable("east", false);
        }
        for action in actions {
            task = text(&pair.act("west", &id, *action).value()["id"]);
            pair.pass(pause_ms);
        }
        if let Some(rule) = self.refusal() {
            pair.world.faults_mut().add(rule);
        }
        if self.name.starts_with("sessions/get-extended") {
            assert_eq!(extend_as_known(&mut pair, "east").status, 200);
        }
        let world = &pair.world;
        let endpoint = |site| world.endpoint(site).expect("the site").clone();
        let (west, east) = (endpoint("west"), endpoint("east"));
        let extends = self.operation() == "sessions.extend";
        let password = if !extends {
            west.password.as_str()
        } else if self.name.contains("-remote-authentication-failure") {
            PASSWORD
        } else {
            east.password.as_str()
        };
        let instance = world
            .vcda()
            .replication(&id)
            .and_then(|found| found.latest_instance())
            .expect("one");
        let instance = instance.key.clone();
        // What keeps its name is not there.
        let gone = self.name.ends_with("-not-found.json");
        let stranger = self.is_simulated() && self.name.ends_with("-not-authenticated.json");
        let names = [
            (REPLICATION, if gone { REPLICATION } else { &id }),
            (INSTANCE, instance.as_str()),
            (TASK, task.as_str()),
            (TOKEN, if stranger { TOKEN } else { pair.token("west") }),
            (USER, west.user.as_str()),
            (REMOTE_USER, east.user.as_str()),
            (PASSWORD, password),
        ];
        let request = self.request(&names);
        answer(pair.world.handle("west", &request))
    }

    fn request(&self, names: &[(&str, &str)]) -> Request {
        let ours = |theirs: &str| {
            names
                .iter()
                .fold(theirs.to_owned(), |text, (from, to)| text.replace(from, to))
        };
        let wanted = &self.exchange["request"];
        let method: Method = text(&wanted["method"]).parse().expect("a method");
        // Times of the fixtures lie before the world's.
        let mut request = Request::new(method, &ours(&text(&wanted["path"])));
        for (name, value) in wanted["headers"].as_object().expect("headers") {
            request = request.header(name, &ours(&text(value)));
        }
        if !wanted["body"].is_null() {
            request.body = ours(&wanted["body"].to_string()).into();
        }
        request
    }
}

/// Whether two values have the same members of the same types; null and absence of elements say nothing.
fn differ(path: &str, theirs: &Value, ours: &Value) -> Option<String> {
    match (theirs, ours) {
        (Value::Null, _) | (_, Value::Null) | (Value::Bool(_), Value::Bool(_)) => None,
        (Value::Number(_), Value::Number(_)) | (Value::String(_), Value::String(_)) => None,
        (Value::Array(theirs), Value::Array(ours)) => match (theirs.first(), ours.first()) {
            (Some(theirs), Some(ours)) => differ(&format!("{path}[0]"), theirs, ours),
            _ => None,
        },
        (Value::Object(theirs), Value::Object(ours)) => {
            let (their_names, our_names): (Vec<_>, Vec<_>) = (theirs.keys().collect(), ours.keys().collect());
            if their_names != our_names {
                return Some(format!("{path}: {their_names:?} is not {our_names:?}"));
            }
            theirs
                .iter()
                .find_map(|(name, theirs)| differ(&format!("{path}.{name}"), theirs, &ours[name]))
        }
        _ => Some(format!("{path}: {theirs} is not {ours}")),
    }
}

/// What an answer lacks of the fixture's: its status, its members, its error code, whether there is a body.
fn lacks(fixture: &Fixture, answer: &Answer) -> Option<String> {
    // The columns of a bulk poll are a server's own choice.
    let columns = json!({"propertyNames": ["id"], "values": []});
    let wanted = &fixture.exchange["response"];
    let body = answer.value();
    if wanted["status"] != answer.status {
        return Some(format!("{} {body}", answer.status));
    }
    if wanted["body"]["code"] != body["code"] {
        return Some(format!("code {}", body["code"]));
    }
    if wanted["body"].is_null() != answer.body.is_empty() {
        return Some(format!("body {body}"));
    }
    let chooses_columns = fixture.name.starts_with("tasks/poll") && answer.is_success();
    differ(
        "",
        if chooses_columns {
            &columns
        } else {
            &wanted["body"]
        },
        &body,
    )
}

#[test]
fn every_fixture_is_answered_with_its_status_and_its_members() {
    let mut wrong = Vec::new();
    let known =
        |fixture: &Fixture| fixture.is_simulated() && !fixture.has_unknown_form() && fixture.is_played();
    for fixture in fixtures().into_iter().filter(known) {
        let lacking = lacks(&fixture, &fixture.play());
        wrong.extend(lacking.map(|lacking| format!("{}: {lacking}", fixture.name)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_not_simulated_says_so() {
    let unknown = |fixture: &Fixture| !fixture.is_simulated() || fixture.has_unknown_form();
    for fixture in fixtures().into_iter().filter(unknown) {
        let answer = fixture.play();
        let error = answer.value();
        assert_eq!(
            (answer.status, &error["code"]),
            (501, &json!("NotSimulated")),
            "{}: {error}",
            fixture.name
        );
        let named = text(&error["args"][0]);
        let form = named.starts_with("log-in by ") || named.starts_with("extension by ");
        assert!(
            named == fixture.operation() || form && fixture.has_unknown_form(),
            "{error}"
        );
    }
}

#[test]
fn every_entry_of_the_lists_is_about_a_fixture() {
    let fixtures = fixtures();
    assert!(fixtures.len() > 150);
    for id in NOT_SIMULATED {
        assert!(fixtures.iter().any(|fixture| fixture.operation() == *id), "{id}");
    }
    let names = NOT_PLAYED.iter().map(|(name, _)| name).chain(FORMS_NOT_SIMULATED);
    for name in names {
        assert!(
            fixtures.iter().any(|fixture| fixture.name.starts_with(name)),
            "{name}"
        );
    }
}

#[test]
fn every_fixture_is_routed_to_its_operation() {
    for fixture in fixtures() {
        let mut pair = Pair::new(1, 1);
        let request = fixture.request(&[]);
        answer(pair.world.handle("west", &request));
        let calls = pair.world.calls().entries();
        let operation = fixture.operation();
        assert!(
            calls.iter().any(|calls| calls.operation == operation),
            "{}: {operation}",
            fixture.name
        );
    }
}

#[test]
fn a_missing_member_and_a_wrong_type_are_differences() {
    let differs = |theirs: &str, ours: &str| {
        let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        differ("", &parse(theirs), &parse(ours)).is_some()
    };
    assert!(differs(r#"{"a": 1}"#, r#"{"b": 1}"#));
    assert!(differs(r#"{"a": [{"b": 1}]}"#, r#"{"a": [{"b": "1"}]}"#));
    assert!(!differs(r#"{"a": null, "b": []}"#, r#"{"a": {}, "b": [1]}"#));
}
