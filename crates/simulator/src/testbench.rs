//! A world with an open session at each vCenter, for the tests of the services.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use http::Method;
use serde_json::{Value, json};

use crate::call_log::Entry;
use crate::exchange::{Answer, Reply, Request};
use crate::spec::WorldSpec;
use crate::world::{Resumed, World};

pub(crate) const BASE: &str = "/sdk/vim25/8.0.3.0";
const HEADER: &str = "vmware-api-session-id";

#[derive(Debug, Clone)]
pub(crate) struct Bench {
    pub(crate) world: World,
    tokens: BTreeMap<String, String>,
    rest: BTreeMap<String, String>,
}

impl Bench {
    pub(crate) fn new(spec: &WorldSpec) -> Self {
        let mut bench = Self {
            world: spec.build(),
            tokens: BTreeMap::new(),
            rest: BTreeMap::new(),
        };
        for site in &spec.sites {
            bench.log_in(&site.vcenter());
        }
        bench
    }

    pub(crate) fn credentials(&self, vcenter: &str) -> (String, String) {
        let endpoint = self.world.endpoint(vcenter).unwrap();
        (endpoint.user.clone(), endpoint.password.clone())
    }

    pub(crate) fn log_in(&mut self, vcenter: &str) {
        let (user, password) = self.credentials(vcenter);
        let login = Request::new(
            Method::POST,
            &format!("{BASE}/SessionManager/SessionManager/Login"),
        );
        let answer = self.send(
            vcenter,
            &login.json(&json!({"userName": user, "password": password})),
        );
        let token = answer.header_text(HEADER).unwrap().to_owned();
        self.tokens.insert(vcenter.to_owned(), token);
        let create = Request::new(Method::POST, "/api/session");
        let basic = base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            format!("{user}:{password}"),
        );
        let answer = self.send(
            vcenter,
            &create.header("authorization", &format!("Basic {basic}")),
        );
        self.rest
            .insert(vcenter.to_owned(), answer.value().as_str().unwrap().to_owned());
    }

    pub(crate) fn reply(&mut self, vcenter: &str, request: &Request) -> Reply {
        self.world.handle(vcenter, request).reply
    }

    pub(crate) fn send(&mut self, vcenter: &str, request: &Request) -> Answer {
        match self.reply(vcenter, request) {
            Reply::Answer(answer) => answer,
            Reply::Parked(request) => self.parked(request),
            other => panic!("no answer: {other:?}"),
        }
    }

    /// Lets time pass until a request that was parked is answered; one that waits without an end gets a 504.
    fn parked(&mut self, request: u64) -> Answer {
        for _ in 0..1_000 {
            match self.world.resume(request) {
                Resumed::Reply(Reply::Answer(answer)) => return answer,
                Resumed::Later { at_most_ms: Some(ms) } => self.pass(ms),
                other => panic!("no answer: {other:?}"),
            }
        }
        Answer::empty(504)
    }

    pub(crate) fn with_session(&self, vcenter: &str, request: Request) -> Request {
        let rest = request.path.starts_with("/api/");
        let tokens = if rest { &self.rest } else { &self.tokens };
        request.header(HEADER, &tokens[vcenter])
    }

    /// A method call of VI JSON; `path` begins behind the release.
    pub(crate) fn post(&mut self, vcenter: &str, path: &str, body: &Value) -> Answer {
        let request = Request::new(Method::POST, &format!("{BASE}{path}"));
        let request = if body.is_null() {
            request
        } else {
            request.json(body)
        };
        let request = self.with_session(vcenter, request);
        self.send(vcenter, &request)
    }

    pub(crate) fn get(&mut self, vcenter: &str, path: &str) -> Answer {
        let request = self.with_session(vcenter, Request::new(Method::GET, &format!("{BASE}{path}")));
        self.send(vcenter, &request)
    }

    /// A call of the REST services.
    pub(crate) fn rest(&mut self, vcenter: &str, method: Method, path: &str, body: &Value) -> Answer {
        let request = Request::new(method, path);
        let request = if body.is_null() {
            request
        } else {
            request.json(body)
        };
        let request = self.with_session(vcenter, request);
        self.send(vcenter, &request)
    }

    pub(crate) fn pass(&mut self, ms: i64) {
        let now_ms = self.world.now_ms();
        self.world.advance_to(now_ms + ms);
    }

    /// The log of one operation on one object.
    pub(crate) fn calls(&self, operation: &str, object: &str) -> Entry {
        let entries = self.world.calls().entries().into_iter();
        let mut found = entries.filter(|calls| calls.operation == operation && calls.object == object);
        found.next().map(|calls| calls.entry).unwrap_or_default()
    }
}

/// `ReplicationGroupId`.
pub(crate) fn group_id(fault_domain: &str, id: &str) -> Value {
    json!({
        "_typeName": "ReplicationGroupId",
        "faultDomainId": {"_typeName": "FaultDomainId", "id": fault_domain},
        "deviceGroupId": {"_typeName": "DeviceGroupId", "id": id},
    })
}

/// A wire fixture of a model crate.
pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) operation: String,
    pub(crate) request: Value,
    pub(crate) response: Value,
}

/// All fixtures of a model crate.
pub(crate) fn fixtures(models: &str) -> Vec<Fixture> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(models)
        .join("tests/fixtures");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let fixtures = files.iter().map(|file| {
        let text: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        Fixture {
            name: file.strip_prefix(&root).unwrap().display().to_string(),
            operation: text["operation"].as_str().unwrap().to_owned(),
            request: text["request"].clone(),
            response: text["response"].clone(),
        }
    });
    fixtures.collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
}

impl Fixture {
    /// The request, without its credentials.
    pub(crate) fn request(&self) -> Request {
        let method: Method = self.request["method"].as_str().unwrap().parse().unwrap();
        let request = Request::new(method, self.request["path"].as_str().unwrap());
        if self.request["body"].is_null() {
            request
        } else {
            request.json(&self.request["body"])
        }
    }
}

/// A member that no request has.
const STRANGE: &str = "nobodyKnowsThis";

/// Where the objects of a value are, as JSON pointers. What is in a box says its own type, and is not looked into.
fn objects(at: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(index, item)| objects(&format!("{at}/{index}"), item, found));
        }
        Value::Object(members) if !members.contains_key("_value") => {
            found.push(at.to_owned());
            let members = members.iter();
            members.for_each(|(name, member)| objects(&format!("{at}/{name}"), member, found));
        }
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

impl Fixture {
    /// The exchange with one thing wrong in its request, in each place: a member that nobody knows, and each member with a
    /// value of a type that none has.
    fn spoiled(&self) -> Vec<(String, Self)> {
        let body = match &self.request["body"] {
            Value::Null if self.request["method"] == "POST" => json!({}),
            body => body.clone(),
        };
        let with = |at: &str, name: &str, value: Value| {
            let mut body = body.clone();
            body.pointer_mut(at).unwrap()[name] = value;
            let mut request = self.request.clone();
            request["body"] = body;
            let fixture = Self {
                name: self.name.clone(),
                operation: self.operation.clone(),
                request,
                response: self.response.clone(),
            };
            (format!("{}{at}/{name}", self.name), fixture)
        };
        let mut places = Vec::new();
        objects("", &body, &mut places);
        let mut spoiled = Vec::new();
        for at in &places {
            spoiled.push(with(at, STRANGE, json!(1)));
            let members = body.pointer(at).and_then(Value::as_object).unwrap();
            let names = members.keys().filter(|name| *name != "_typeName");
            spoiled.extend(names.map(|name| with(at, name, json!([[]]))));
        }
        spoiled
    }
}

/// Whatever is wrong in the request of a fixture that is answered well, it is refused; `is_refusal` knows the service's own form.
/// `taken` has the places, as ends of their names, at which anything is taken, with the reason.
pub(crate) fn assert_spoiled_are_refused(
    fixtures: &[Fixture],
    taken: &[(&str, &str)],
    is_refusal: impl Fn(&Answer) -> bool,
    play: impl Fn(&Fixture) -> Answer,
) {
    let (mut wrong, mut tried) = (Vec::new(), 0);
    let well = |fixture: &&Fixture| {
        fixture.response["status"]
            .as_u64()
            .is_some_and(|status| status < 300)
    };
    for (place, spoiled) in fixtures.iter().filter(well).flat_map(Fixture::spoiled) {
        tried += 1;
        let answer = play(&spoiled);
        let expected = !taken.iter().any(|(end, _)| place.ends_with(end));
        if is_refusal(&answer) != expected {
            wrong.push(format!("{place}: {} {}", answer.status, answer.value()));
        }
    }
    assert!(tried > 20, "{tried}");
    assert!(
        wrong.is_empty(),
        "{} of {tried}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Whether an answer of VI JSON says that the request cannot be read.
pub(crate) fn is_invalid_request(answer: &Answer) -> bool {
    answer.status == 500 && answer.value()["_typeName"] == "InvalidRequest"
}

/// Which kind of JSON each member of each object of a type is, over a whole value: `T.member` is a string, and so on.
pub(crate) fn shapes(value: &Value, found: &mut BTreeMap<String, &'static str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| shapes(item, found)),
        Value::Object(members) => {
            let type_name = value.get("_typeName").and_then(Value::as_str).unwrap_or("-");
            for (name, member) in members {
                if name != "_value" && !member.is_null() {
                    found.insert(format!("{type_name}.{name}"), kind(member));
                }
                shapes(member, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Members that stand in the fixtures, too, are of the same kind there; and `present` was told, as `T.member`.
pub(crate) fn assert_alike(
    given: &BTreeMap<String, &'static str>,
    wanted: &BTreeMap<String, &'static str>,
    present: &[&str],
) {
    let differs = |(name, kind): &(&String, &&str)| wanted.get(*name).is_some_and(|wanted| wanted != *kind);
    assert_eq!(given.iter().filter(differs).collect::<Vec<_>>(), []);
    for member in present {
        assert!(given.contains_key(*member), "{member}");
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// What the answers of a service say that makes one state another than the next.
pub(crate) struct Told {
    /// Members whose values name a state.
    pub(crate) states: &'static [&'static str],
    /// Members that are there in some states only.
    pub(crate) present: &'static [&'static str],
    /// Members that hold objects of one type or another, beyond those where the schema allows any.
    pub(crate) types: &'static [&'static str],
}

/// The outermost value, and members whose objects may be of any type.
const OPEN: &[&str] = &["", "_value", "error", "fault", "result", "statusFault", "warning"];

impl Told {
    /// All that a value says, wherever in it, and the members of `present` that it has.
    fn of(&self, value: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
        let mut found = (BTreeSet::new(), BTreeSet::new());
        self.collect("", value, &mut found);
        found
    }

    fn collect(&self, name: &str, value: &Value, found: &mut (BTreeSet<String>, BTreeSet<String>)) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.collect(name, item, found)),
            Value::Object(members) => {
                let type_name = value["_typeName"].as_str();
                if self.types.contains(&name) || OPEN.contains(&name) {
                    found
                        .0
                        .extend(type_name.map(|type_name| format!("{name}: {type_name}")));
                }
                if let (Some(uplink), Some(state)) = (members.get("uplinkName"), members.get("state")) {
                    found.0.insert(format!("{uplink} is {state}"));
                }
                for (name, member) in members {
                    if self.present.contains(&name.as_str()) {
                        found.1.insert(name.clone());
                    }
                    self.collect(name, member, found);
                }
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) if self.states.contains(&name) => {
                found.0.insert(format!("{name} = {value}"));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// How an answer is another one than the fixture's: in its status, in having a body, in what it says.
    pub(crate) fn differs(&self, fixture: &Fixture, answer: &Answer) -> Option<String> {
        let (wanted, given) = (&fixture.response, answer.value());
        let same = wanted["status"] == answer.status && wanted["body"].is_null() == given.is_null();
        let ((said, had), (says, has)) = (self.of(&wanted["body"]), self.of(&given));
        let lacking: Vec<_> = said.difference(&says).collect();
        (!same || !lacking.is_empty() || had != has).then(|| {
            let (name, status) = (&fixture.name, answer.status);
            format!("{name}: {status} without {lacking:?}, {has:?} for {had:?}: {given}")
        })
    }
}

/// Whether one of the entries of a list of fixtures with reasons names a fixture; an entry may be the start of a name.
pub(crate) fn lists(list: &[(&str, &str)], name: &str) -> bool {
    list.iter().any(|(start, _)| name.starts_with(start))
}

/// Each fixture is answered as it says, unless the list has the reason; `differs` tells how an answer is another one.
pub(crate) fn assert_played(
    fixtures: &[Fixture],
    not_played: &[(&str, &str)],
    differs: impl Fn(&Fixture) -> Option<String>,
) {
    assert!(fixtures.len() > 20);
    assert_eq!(idle(not_played, fixtures), Vec::<&str>::new());
    let mut wrong = Vec::new();
    for fixture in fixtures {
        match (lists(not_played, &fixture.name), differs(fixture)) {
            (true, None) => wrong.push(format!("{} is played after all", fixture.name)),
            (false, Some(difference)) => wrong.push(difference),
            (true, Some(_)) | (false, None) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Entries of a list that name no fixture.
pub(crate) fn idle<'a>(list: &[(&'a str, &str)], fixtures: &[Fixture]) -> Vec<&'a str> {
    let names = |start: &&str| fixtures.iter().all(|fixture| !fixture.name.starts_with(*start));
    list.iter().map(|(start, _)| *start).filter(names).collect()
}

/// The schema of an API, as far as it is generated: required members and the kinds of members.
pub(crate) struct Schema(Value);

impl Schema {
    pub(crate) fn read(path: &str) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../xtask/schemas")
            .join(path);
        let text: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        Self(text["components"]["schemas"].clone())
    }

    fn line(&self, type_name: &str) -> Vec<&Value> {
        let Some(schema) = self.0.get(type_name) else {
            return Vec::new();
        };
        let bases = schema["allOf"].as_array().map_or(&[][..], Vec::as_slice);
        let bases = bases
            .iter()
            .filter_map(|base| base["$ref"].as_str()?.rsplit('/').next());
        std::iter::once(schema)
            .chain(bases.flat_map(|base| self.line(base)))
            .collect()
    }

    /// Checks every object of a value whose type the schema knows; `name` is that of the outermost one.
    pub(crate) fn check(&self, name: &str, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.check(name, item)),
            Value::Object(members) => {
                let own = members.get("_typeName").and_then(Value::as_str).unwrap_or(name);
                let line = self.line(own);
                for schema in &line {
                    for required in schema["required"].as_array().map_or(&[][..], Vec::as_slice) {
                        let member = required.as_str().unwrap();
                        let there = members.get(member).is_some_and(|value| !value.is_null());
                        assert!(there, "{own} lacks {member}: {value}");
                    }
                }
                for (member, value) in members {
                    let known = line.iter().find_map(|schema| schema["properties"].get(member));
                    let inner = known.map_or("", |known| self.check_kind(own, member, known, value));
                    self.check(inner, value);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// Checks the kind of a member and gives the name of its type, if it is an object's.
    fn check_kind<'a>(&'a self, own: &str, member: &str, known: &'a Value, value: &Value) -> &'a str {
        let wanted = known["type"].as_str().unwrap_or_default();
        let fits = match (wanted, kind(value)) {
            ("integer", "number") | ("", _) | (_, "null") => true,
            (wanted, kind) => wanted == kind,
        };
        assert!(fits, "{own}.{member} is no {wanted}: {value}");
        let of = known["$ref"].as_str().or_else(|| known["items"]["$ref"].as_str());
        let of = of.or_else(|| known["allOf"][0]["$ref"].as_str());
        let of = of.and_then(|of| of.rsplit('/').next()).unwrap_or_default();
        let of_text = known["x-farside-enum"].as_str().unwrap_or(of);
        if let Some(texts) = self.0.get(of_text).and_then(|schema| schema["enum"].as_array()) {
            let given = value
                .as_array()
                .map_or(std::slice::from_ref(value), Vec::as_slice);
            let strange: Vec<_> = given.iter().filter(|text| !texts.contains(text)).collect();
            assert!(strange.is_empty(), "{own}.{member} is no {of_text}: {strange:?}");
        }
        of
    }
}

#[test]
#[should_panic(expected = "TargetGroupInfo lacks")]
fn the_schema_check_finds_a_missing_member() {
    Schema::read("vi-json/vi-json.json")
        .check("", &json!([{"_typeName": "TargetGroupInfo", "state": "TARGET"}]));
}

#[test]
#[should_panic(expected = "SmsTaskInfo.progress is no integer")]
fn the_schema_check_finds_a_member_of_another_kind() {
    let reference = json!({"_typeName": "ManagedObjectReference", "type": "SmsTask", "value": "1"});
    let info = json!({"_typeName": "SmsTaskInfo", "key": "1", "task": reference, "state": "running", "progress": "4"});
    Schema::read("vi-json/vi-json.json").check("", &info);
}

#[test]
#[should_panic(expected = "HostRuntimeInfo.powerState is no HostSystemPowerState_enum")]
fn the_schema_check_finds_a_text_that_is_no_value_of_an_enum() {
    let runtime = json!({
        "_typeName": "HostRuntimeInfo",
        "connectionState": "connected",
        "powerState": "asleep",
        "inMaintenanceMode": false,
    });
    Schema::read("vi-json/vi-json.json").check("", &runtime);
}

#[test]
fn an_answer_differs_in_status_body_type_state_fault_or_what_is_there() {
    let told = Told {
        states: &["state"],
        present: &["extra"],
        types: &["id"],
    };
    let fixture = |status: u16, body: &Value| Fixture {
        name: "f".to_owned(),
        operation: "o".to_owned(),
        request: Value::Null,
        response: json!({"status": status, "body": body}),
    };
    let differs = |status: u16, wanted: &Value, given: &Value| {
        let answer = Answer::json(200, "application/json", given);
        told.differs(&fixture(status, wanted), &answer).is_some()
    };
    let info = json!([{
        "_typeName": "A",
        "state": "x",
        "n": 1,
        "error": [{"_typeName": "F"}],
        "id": {"_typeName": "I"},
    }]);
    let more = json!([info[0], {"_typeName": "B", "state": "y"}]);
    assert!(!differs(200, &info, &info) && !differs(200, &info, &more));
    assert!(differs(200, &more, &info) && differs(500, &info, &info) && differs(200, &Value::Null, &info));
    for (member, value) in [
        ("_typeName", json!("C")),
        ("state", json!("z")),
        ("error", json!([{"_typeName": "G"}])),
        ("id", json!({"_typeName": "J"})),
        ("extra", json!(1)),
    ] {
        let mut other = info.clone();
        other[0][member] = value;
        assert!(differs(200, &info, &other), "{member}");
    }
    let uplink = |state: &str| json!({"uplinkName": "uplink1", "state": state});
    assert!(differs(200, &uplink("active"), &uplink("standby")));
}
