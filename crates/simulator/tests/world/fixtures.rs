//! The wire fixtures of VMware Cloud Director Availability: each request is routed to its operation, and the answer has
//! the members of the fixture's answer. The fixtures were written from the wire rules alone.

use std::fs;
use std::path::{Path, PathBuf};

use farside_simulator::exchange::{Answer, Request};
use farside_simulator::vcda::VcdaSpec;
use farside_simulator::{FaultAction, FaultRule, WorldSpec};
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

/// More names of the fixtures' world.
const VAPP: &str = "C4VAPP-0d0d0d0d-1111-4222-8333-444455556666";
const VM: &str = "00000000-aaaa-4bbb-8ccc-000000000077";
const PLAN: &str = "1d2c3b4a-5566-4777-8888-99aabbccddee";
const STEP: &str = "aabbccdd-1122-4333-8444-556677889900";
const SSO_USER: &str = "administrator@example.local";
/// What proves who is asking where it is no password.
const PROOFS: [&str; 3] = ["PGV4YW1wbGUvPg==", "example-cookie-12", "example.jwt.12"];

/// Fixtures of operations that the simulator knows, with a form of the request that it does not know and says so.
const FORMS_NOT_SIMULATED: &[&str] = &["vm-replications/start-to-vcenter"];

/// Fixtures that show what a client has to survive and the world does not play, with the reason.
const NOT_PLAYED: &[(&str, &str)] = &[
    ("errors/", "forms of the error object that any operation may take"),
    (
        "recovery-plans/test-succeeded-at-once",
        "the run of a plan takes time here",
    ),
    ("sessions/login-header-missing", "a log-in without a token"),
    ("sites/vcenter-sites", "members that are not documented"),
    (
        "tasks/get-remote-authentication-failure",
        "the local site needs no extension here",
    ),
    ("tasks/get-running-hundred-percent", "odd progress"),
    ("tasks/get-running-last-updated-unset", "absent members"),
    ("tasks/get-succeeded-with-warning", "warnings"),
    (
        "vapp-replications/failover-remote-authentication-failure",
        "the local site needs no extension here",
    ),
    ("vapp-replications/get-4-1", "form of version 4.1"),
    ("vapp-replications/summary", "members that are not documented"),
    (
        "vm-replications/failover-remote-authentication-failure",
        "the local site needs no extension here",
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
    ("vm-replications/get-last-error", "absent members"),
    ("vm-replications/get-not-started-sparse", "absent members"),
    ("vm-replications/get-unknown-values", "unknown members"),
    (
        "vm-replications/list-last-page",
        "recovered replications on the last page",
    ),
    ("vm-replications/instances-encoded-site", "a site of another name"),
    (
        "vm-replications/instances-empty",
        "every replication has instances",
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

    fn has_unknown_form(&self) -> bool {
        FORMS_NOT_SIMULATED.iter().any(|name| self.name.starts_with(name))
    }

    fn is_played(&self) -> bool {
        NOT_PLAYED.iter().all(|(name, _)| !self.name.starts_with(name))
    }

    /// A refusal that has no cause in the world: a rule makes it.
    fn refusal(&self) -> Option<FaultRule> {
        let told = ["-general-server-failure", "-forbidden"];
        let refused = told.iter().any(|part| self.name.contains(part));
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
        if self.name == "recovery-plans/get-last-error.json" {
            return (&[Action::Failover], 10_000);
        }
        match name.trim_end_matches(".json") {
            "failover-test-cleanup" | "get-test" => (&[Action::Test], 10_000),
            "get-complete" | "reverse-remote-authentication-failure" => (&[Action::Failover], 10_000),
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

    /// The world that the fixture tells of.
    fn spec(&self) -> WorldSpec {
        let tells = |part: &str| self.name.contains(part);
        let mut spec = VcdaSpec::default();
        if tells("-4-7") || tells("recovery-plans/migrate.") {
            "4.7".clone_into(&mut spec.api_version);
        }
        let to_vcenter = ["failover-vcenter", "failover-test-vcenter", "get-complete-vc."];
        spec.vcenter_destinations = u32::from(to_vcenter.into_iter().any(tells));
        let needs_both = ["migrate", "reverse"];
        let needs_both = needs_both
            .into_iter()
            .any(|action| tells(&format!("{action}-remote")));
        spec.needs_extension = needs_both;
        spec.echoes_pages = tells("vapp-replications/list-empty");
        spec.plans_as_page = tells("recovery-plans/list-page");
        spec.health_at_once = tells("health-at-once");
        WorldSpec::pair(1).groups(0).replications(3).vcda(spec)
    }

    /// The world in which the story has happened, with the names of its task, plan and step.
    fn world(&self) -> (Pair, [String; 3]) {
        let mut pair = Pair::of(&self.spec());
        let id = pair.id(1);
        let (actions, pause_ms) = self.story();
        let mut task = TASK.to_owned();
        if actions == [Action::Migrate] || self.name.contains("source-lost") {
            pair.world.set_reachable("east", false);
        }
        for action in actions {
            let begun = pair.act("west", &id, *action);
            assert_eq!(begun.status, 202, "{}: {}", self.name, begun.value());
            task = text(&begun.value()["id"]);
            pair.pass(pause_ms);
        }
        if self.name.contains("get-complete-vc.") {
            let path = format!("/vm-replications/{id}/failover");
            pair.post(&path, Some(&json!({"type": "vcenter"})));
            pair.pass(10_000);
        }
        if self.name.starts_with("tasks/get-succeeded-health") {
            task = text(&pair.post("/diagnostics/health", None)["id"]);
        }
        if self.name.starts_with("tasks/get-succeeded-vapp") {
            let path = format!("/vapp-replications/{}/failover", pair.vapp(1));
            task = text(&pair.post(&path, Some(&json!({"type": "vcloud"})))["id"]);
        }
        if self.name.starts_with("sessions/get-extended") {
            assert_eq!(extend_as_known(&mut pair, "east").status, 200);
        }
        let [plan, step] = self.plan(&mut pair);
        pair.pass(10_000 * i64::from(task != TASK && actions.is_empty()));
        (pair, [task, plan, step])
    }

    /// A plan with two steps, run as the fixture tells; and its first step.
    fn plan(&self, pair: &mut Pair) -> [String; 2] {
        if !self.operation().starts_with("recoveryPlans.") || self.operation() == "recoveryPlans.create" {
            return [PLAN, STEP].map(str::to_owned);
        }
        let tells = |part: &str| self.name.contains(part);
        let body = json!({"displayName": "tier-1", "isMigration": tells("/migrate.")});
        let plan = text(&pair.post("/recovery-plans", Some(&body))["id"]);
        let prompt = tells("suspended").then_some("Are the databases up?");
        let steps = format!("/recovery-plans/{plan}/steps");
        let [first, second] = [1, 2].map(|number| {
            let step = json!({
                "name": format!("step {number}"), "prompt": prompt, "replications": [{"inventedReplicationId": pair.id(number)}],
            });
            text(&pair.post(&steps, Some(&step))["id"])
        });
        assert_ne!(first, second);
        let run = match self.name.as_str() {
            "recovery-plans/test-cleanup.json" => Some("test"),
            "recovery-plans/get-suspended.json" | "recovery-plans/get-last-error.json" => Some("failover"),
            _ => None,
        };
        if let Some(run) = run {
            pair.post(&format!("/recovery-plans/{plan}/{run}"), None);
            pair.pass(30_000);
        }
        [plan, first]
    }

    /// Plays the exchange; gives the answer, and what the fixture's names are in our world.
    fn play(&self) -> (Answer, Vec<(&'static str, String)>) {
        let (mut pair, [task, plan, step]) = self.world();
        let id = pair.id(1);
        if let Some(rule) = self.refusal() {
            pair.world.faults_mut().add(rule);
        }
        let endpoint = |site| pair.world.endpoint(site).expect("the site").clone();
        let (west, east) = (endpoint("west"), endpoint("east"));
        let extends = self.operation() == "sessions.extend";
        let password = if !extends {
            west.password.clone()
        } else if self.name.contains("-remote-authentication-failure") {
            PASSWORD.to_owned()
        } else {
            east.password.clone()
        };
        let replication = pair.world.vcda().replication(&id).expect("the replication");
        let instance = replication.latest_instance().expect("one").key.clone();
        let vm = replication.source_vm.as_ref().expect("a source").id.clone();
        let free = pair.world.vcda().free_vms().next().expect("a free VM").vm.clone();
        // What keeps its name is not there.
        let gone = self.name.ends_with("-not-found.json");
        let stranger = self.name.ends_with("-not-authenticated.json");
        let keep = |known: bool, name: &'static str, ours: String| {
            (name, if known { ours } else { name.to_owned() })
        };
        let mut names = vec![
            (VAPP, pair.vapp(1)),
            keep(!gone, REPLICATION, id),
            ("h4replica-0a0b0c0d-1111-4222-8333-444455556666", instance.clone()),
            (INSTANCE, instance),
            (VM, vm),
            ("vm-src-1", free.id),
            (TASK, task),
            (PLAN, plan),
            (STEP, step),
            keep(!stranger, TOKEN, pair.token("west").to_owned()),
            (SSO_USER, west.user.clone()),
            (USER, west.user),
            (REMOTE_USER, east.user),
            (PASSWORD, password.clone()),
        ];
        names.extend(PROOFS.map(|proof| (proof, password.clone())));
        if self.operation() == "vappReplications.start" {
            names.push(("vapp-src-1", free.vapp_id));
        }
        if extends {
            names.push(("tenant-b", "tenant-a".to_owned()));
        }
        let request = self.request(&names);
        (answer(pair.world.handle("west", &request)), names)
    }

    fn request(&self, names: &[(&str, String)]) -> Request {
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
fn lacks(fixture: &Fixture, answer: &Answer, names: &[(&str, String)]) -> Option<String> {
    // The columns of a bulk poll are a server's own choice.
    let columns = json!({"propertyNames": ["id"], "values": []});
    // The ids of VMs are names of members in some answers.
    let told = fixture.exchange["response"].to_string();
    let vm = names.iter().find(|(name, _)| *name == VM);
    let told = vm.map_or(told.clone(), |(name, ours)| told.replace(name, ours));
    let wanted: Value = serde_json::from_str(&told).expect("JSON");
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
    let known = |fixture: &Fixture| !fixture.has_unknown_form() && fixture.is_played();
    for fixture in fixtures().into_iter().filter(known) {
        let (answer, names) = fixture.play();
        let lacking = lacks(&fixture, &answer, &names);
        wrong.extend(lacking.map(|lacking| format!("{}: {lacking}", fixture.name)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_not_simulated_says_so() {
    let unknown = |fixture: &Fixture| fixture.has_unknown_form();
    for fixture in fixtures().into_iter().filter(unknown) {
        let (answer, _) = fixture.play();
        let error = answer.value();
        assert_eq!(
            (answer.status, &error["code"]),
            (501, &json!("NotSimulated")),
            "{}: {error}",
            fixture.name
        );
        assert!(text(&error["args"][0]).contains(" of type "), "{error}");
    }
}

#[test]
fn every_entry_of_the_lists_is_about_a_fixture() {
    let fixtures = fixtures();
    assert!(fixtures.len() > 150);
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

/// The exchange of a fixture with one thing wrong at the root of its request: a member that nobody knows, or a member with a
/// value of a type that none has.
fn spoiled(fixture: &Fixture) -> Vec<Fixture> {
    let Some(members) = fixture.exchange["request"]["body"].as_object() else {
        return Vec::new();
    };
    let strange = [("nobodyKnowsThis", json!(1))].into_iter();
    let wrong = members.keys().map(|name| (name.as_str(), json!([[]])));
    let with = |(member, value): (&str, Value)| {
        let mut exchange = fixture.exchange.clone();
        exchange["request"]["body"][member] = value;
        let name = fixture.name.clone();
        Fixture { name, exchange }
    };
    strange.chain(wrong).map(with).collect()
}

#[test]
fn what_cannot_be_read_is_refused_in_every_operation() {
    let (mut wrong, mut tried) = (Vec::new(), 0);
    let taken = |fixture: &Fixture| {
        let status = fixture.exchange["response"]["status"].as_u64();
        // Of the settings of disks no member is documented.
        let is_open = fixture.name == "vapp-replications/disks.json";
        fixture.is_played()
            && !fixture.has_unknown_form()
            && !is_open
            && status.is_some_and(|status| status < 300)
    };
    for fixture in fixtures()
        .iter()
        .filter(|fixture| taken(fixture))
        .flat_map(spoiled)
    {
        tried += 1;
        let (answer, _) = fixture.play();
        if (answer.status, &answer.value()["code"]) != (400, &json!("BadUserInput")) {
            let body = &fixture.exchange["request"]["body"];
            wrong.push(format!(
                "{}: {body}: {} {}",
                fixture.name,
                answer.status,
                answer.value()
            ));
        }
    }
    assert!(tried > 100, "{tried}");
    assert!(
        wrong.is_empty(),
        "{} of {tried}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
