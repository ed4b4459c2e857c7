//! A long script of random calls to all four services, legal and illegal, with pauses, faults and upheavals.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};

use crate::exchange::{Reply, Request};
use crate::fault::{FaultAction, FaultRule};
use crate::random::Random;
use crate::testbench::{BASE, group_id};
use crate::world::{Resumed, World};

const VCENTERS: [&str; 2] = ["vc-east", "vc-west"];
const SITES: [&str; 2] = ["east", "west"];
const SESSION: &str = "vmware-api-session-id";

/// A client of everything, which throws dice, and what it has seen.
#[derive(Debug, Clone)]
pub(super) struct Script {
    pub(super) world: World,
    /// A line for each step.
    pub(super) trace: Vec<String>,
    random: Random,
    /// The tokens of VI JSON, REST and VCDA, those of the east first.
    tokens: [[String; 2]; 3],
    /// Endpoint and id of the tasks that calls were answered with.
    tasks: Vec<(usize, String)>,
    parked: Vec<u64>,
}

impl Script {
    /// Begins with sessions everywhere.
    pub(super) fn new(world: World, seed: u64) -> Self {
        let mut script = Self {
            world,
            trace: Vec::new(),
            random: Random::keyed(seed, &["script"]),
            tokens: Default::default(),
            tasks: Vec::new(),
            parked: Vec::new(),
        };
        for service in 0..3 {
            for side in 0..2 {
                script.log_in(service, side);
            }
        }
        script
    }

    /// Goes on for so many steps.
    pub(super) fn play(&mut self, steps: u32) {
        for _ in 0..steps {
            match self.below(24) {
                0 => self.log_in_anywhere(),
                1 => self.resume(),
                2 => self.upheaval(),
                3..=8 => self.pass(),
                9..=12 => self.storage(),
                13..=16 => self.availability(),
                17..=18 => self.cluster(),
                19 => self.machine(),
                20 => self.host(),
                _ => self.read(),
            }
        }
    }

    /// Adds rules that do a bit of everything, for ever.
    pub(super) fn add_faults(&mut self) {
        let actions = [
            ("VasaProvider_*", FaultAction::DropAnswer),
            ("vmReplications.*", FaultAction::Cut),
            ("PropertyCollector_*", FaultAction::Delay { ms: 700 }),
            ("tasks.get", FaultAction::EndSessions),
            ("Vcenter.*", FaultAction::Silence { acted: true }),
        ];
        for (nth, (operation, action)) in (2..).zip(actions) {
            let rule = FaultRule::new(operation, action).from_nth(nth).times(Some(9));
            self.world.faults_mut().add(rule);
        }
    }

    fn below(&mut self, bound: u64) -> usize {
        usize::try_from(self.random.next() % bound).unwrap()
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64)].clone()
    }

    fn send(&mut self, endpoint: &str, request: &Request) -> Value {
        let handled = self.world.handle(endpoint, request);
        let line = format!(
            "{} {endpoint} {} {}?{} {:?} -> {handled:?}",
            self.world.now_ms(),
            request.method,
            request.path,
            request.query,
            request.body
        );
        self.trace.push(line);
        match handled.reply {
            Reply::Answer(answer) => answer.value(),
            Reply::Parked(request) => {
                self.parked.push(request);
                Value::Null
            }
            _ => Value::Null,
        }
    }

    fn log_in(&mut self, service: usize, side: usize) {
        let name = if service == 2 { SITES[side] } else { VCENTERS[side] };
        let endpoint = self.world.endpoint(name).unwrap();
        let (user, password) = (endpoint.user.clone(), endpoint.password.clone());
        let request = match service {
            0 => Request::new(
                Method::POST,
                &format!("{BASE}/SessionManager/SessionManager/Login"),
            )
            .json(&json!({"userName": user, "password": password})),
            1 => Request::new(Method::POST, "/api/session").header(
                "authorization",
                &format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))),
            ),
            _ => Request::new(Method::POST, "/sessions")
                .json(&json!({"type": "vcdCredentials", "vcdUser": user, "vcdPassword": password})),
        };
        let handled = self.world.handle(name, &request);
        self.trace
            .push(format!("{} {name} logs in -> {handled:?}", self.world.now_ms()));
        if let Reply::Answer(answer) = handled.reply {
            let header = answer.header_text(if service == 2 { "x-vcav-auth" } else { SESSION });
            let token = match (service, header) {
                (1, _) => answer.value().as_str().map(str::to_owned),
                (_, header) => header.map(str::to_owned),
            };
            self.tokens[service][side] = token.unwrap_or_default();
        }
    }

    fn log_in_anywhere(&mut self) {
        let (service, side) = (self.below(3), self.below(2));
        self.log_in(service, side);
    }

    /// A call with the session of its service; what it answers with may be a task.
    fn call(&mut self, service: usize, side: usize, method: Method, target: &str, body: &Value) -> Value {
        let (name, header) = if service == 2 {
            (SITES[side], "x-vcav-auth")
        } else {
            (VCENTERS[side], SESSION)
        };
        let base = if service == 0 { BASE } else { "" };
        let request =
            Request::new(method, &format!("{base}{target}")).header(header, &self.tokens[service][side]);
        let request = if body.is_null() {
            request
        } else {
            request.json(body)
        };
        let value = self.send(name, &request);
        let task = [&value["value"], &value["id"], &value]
            .into_iter()
            .find_map(Value::as_str);
        if let Some(task) = task {
            self.tasks.push((service * 2 + side, task.to_owned()));
        }
        value
    }

    fn pass(&mut self) {
        let longest = self.one(&[50, 3_000, 60_000, 1_200_000]);
        let ms = self.random.between(0, longest);
        self.world.advance_to(self.world.now_ms() + ms);
    }

    fn resume(&mut self) {
        if self.parked.is_empty() {
            return;
        }
        let index = self.below(self.parked.len() as u64);
        let resumed = self.world.resume(self.parked[index]);
        self.trace
            .push(format!("{} resumes -> {resumed:?}", self.world.now_ms()));
        if matches!(resumed, Resumed::Reply(_)) {
            self.parked.remove(index);
        }
    }

    fn upheaval(&mut self) {
        let side = self.below(2);
        match self.below(6) {
            0 => self.world.restart_vcenter(VCENTERS[side], 2_000),
            1 => drop(self.world.lose_active_node(VCENTERS[side])),
            2 => drop(self.world.set_reachable(SITES[side], false)),
            3 => self.world.end_sessions(VCENTERS[side]),
            _ => {
                for name in SITES {
                    self.world.set_reachable(name, true);
                }
            }
        }
    }

    fn storage(&mut self) {
        let side = self.below(2);
        let mut groups = Vec::new();
        let provider = 1 + self.below(2);
        for _ in 0..=self.below(3) {
            let number = self.below(6) * 2 + provider;
            let (place, prefix) = [("east", "rg"), ("west", "rt")][side];
            groups.push(group_id(
                &format!("fd-{place}-{provider}"),
                &format!("{prefix}-{number:03}"),
            ));
        }
        let planned = self.below(2) == 0;
        let datas: Vec<Value> = groups
            .iter()
            .map(|id| json!({"_typeName": "ReplicationGroupData", "groupId": id}))
            .collect();
        let param = |type_name: &str| json!({"_typeName": type_name, "isPlanned": planned, "checkOnly": false, "replicationGroupsToFailover": datas});
        let (method, body) = match self.below(8) {
            0 | 1 => (
                "FailoverReplicationGroup_Task",
                json!({"failoverParam": param("FailoverParam")}),
            ),
            2 => (
                "TestFailoverReplicationGroupStart_Task",
                json!({"testFailoverParam": param("TestFailoverParam")}),
            ),
            3 => (
                "TestFailoverReplicationGroupStop_Task",
                json!({"groupId": groups, "force": planned}),
            ),
            4 => (
                "SyncReplicationGroup_Task",
                json!({"groupId": groups, "pitName": "p"}),
            ),
            5 => ("ReverseReplicateGroup_Task", json!({"groupId": groups})),
            6 => ("PrepareFailoverReplicationGroup_Task", json!({"groupId": groups})),
            _ => ("QueryReplicationGroup", json!({"groupId": groups})),
        };
        let target = format!(
            "/sms/VasaProvider/vasaProvider-{}-{provider}/{method}",
            SITES[side]
        );
        self.call(0, side, Method::POST, &target, &body);
    }

    fn availability(&mut self) {
        let side = self.below(2);
        let ids: Vec<String> = self
            .world
            .vcda()
            .replications()
            .map(|one| one.id.clone())
            .collect();
        let id = if ids.is_empty() {
            "C4-none".to_owned()
        } else {
            self.one(&ids)
        };
        let one = format!("/vm-replications/{id}");
        let (method, target, body) = match self.below(10) {
            0 => (
                Method::POST,
                format!("{one}/failover"),
                json!({"type": "vcloud", "powerOn": true}),
            ),
            1 => (
                Method::POST,
                format!("{one}/failover-test"),
                json!({"type": "vcloud", "sync": false}),
            ),
            2 => (Method::DELETE, format!("{one}/failover-test"), Value::Null),
            3 => (Method::POST, format!("{one}/migrate"), json!({"type": "vcloud"})),
            4 => (Method::POST, format!("{one}/reverse"), Value::Null),
            5 => (Method::GET, format!("{one}/instances"), Value::Null),
            6 => (
                Method::POST,
                format!("{one}/failover"),
                json!({"type": "vcloud", "colour": 1}),
            ),
            7 => (
                Method::GET,
                "/vm-replications?limit=3&sort=vmName-".to_owned(),
                Value::Null,
            ),
            8 => (Method::GET, "/tasks?limit=5".to_owned(), Value::Null),
            _ => (Method::GET, one, Value::Null),
        };
        self.call(2, side, method, &target, &body);
    }

    fn cluster(&mut self) {
        let side = self.below(2);
        let cluster = "/api/vcenter/vcha/cluster";
        let planned = self.below(2) == 0;
        let mode = self.one(&["ENABLED", "DISABLED", "MAINTENANCE"]);
        let (method, target, body) = match self.below(5) {
            0 | 1 => (
                Method::POST,
                format!("{cluster}?action=failover&vmw-task=true"),
                json!({"planned": planned}),
            ),
            2 => (
                Method::PUT,
                format!("{cluster}/mode?vmw-task=true"),
                json!({"mode": mode}),
            ),
            3 => (
                Method::POST,
                format!("{cluster}?action=get"),
                json!({"partial": true}),
            ),
            _ => (
                Method::GET,
                "/api/vcenter/vcha/operations".to_owned(),
                Value::Null,
            ),
        };
        self.call(1, side, method, &target, &body);
    }

    fn machine(&mut self) {
        let machines = self.world.vms().machines();
        let all: Vec<(String, String)> = machines
            .map(|one| (one.vcenter.clone(), one.id.clone()))
            .collect();
        if all.is_empty() {
            return;
        }
        let (vcenter, id) = self.one(&all);
        let side = usize::from(vcenter == VCENTERS[1]);
        let (method, body) = match self.below(4) {
            0 => ("PowerOnVM_Task", json!({})),
            1 => ("PowerOffVM_Task", Value::Null),
            2 => ("ShutdownGuest", Value::Null),
            _ => (
                "Rename_Task",
                json!({"newName": format!("name-{}", self.below(4))}),
            ),
        };
        self.call(
            0,
            side,
            Method::POST,
            &format!("/VirtualMachine/{id}/{method}"),
            &body,
        );
    }

    fn host(&mut self) {
        let side = self.below(2);
        let body = json!({"dvsName": format!("dvs-{}", SITES[side])});
        let method = self.one(&["startDpuFailover", "startDpuFailover", "RefreshNetworkSystem"]);
        let body = if method == "startDpuFailover" {
            body
        } else {
            Value::Null
        };
        let target = format!("/HostNetworkSystem/networkSystem-{}1/{method}", side + 1);
        self.call(0, side, Method::POST, &target, &body);
    }

    fn read(&mut self) {
        let side = self.below(2);
        let collector = "/PropertyCollector/propertyCollector";
        let view = json!({"_typeName": "ManagedObjectReference", "type": "HostSystem", "value": format!("host-{}1", side + 1)});
        let filter = json!({
            "_typeName": "PropertyFilterSpec",
            "propSet": [{"_typeName": "PropertySpec", "type": "HostSystem", "pathSet": ["name", "runtime"]}],
            "objectSet": [{"_typeName": "ObjectSpec", "skip": false, "obj": view}],
        });
        match self.below(6) {
            0 => {
                let body = json!({"partialUpdates": self.below(2) == 0, "spec": filter});
                self.call(0, side, Method::POST, &format!("{collector}/CreateFilter"), &body);
            }
            1 | 2 => {
                let options = json!({"_typeName": "WaitOptions", "maxWaitSeconds": self.below(40)});
                let version = self.one(&["", "1", "2"]);
                let body = json!({"version": version, "options": options});
                self.call(
                    0,
                    side,
                    Method::POST,
                    &format!("{collector}/WaitForUpdatesEx"),
                    &body,
                );
            }
            3 => {
                let body = json!({"specSet": [filter], "options": {"_typeName": "RetrieveOptions"}});
                self.call(
                    0,
                    side,
                    Method::POST,
                    &format!("{collector}/RetrievePropertiesEx"),
                    &body,
                );
            }
            _ => self.task(),
        }
    }

    /// Looks at a task, at whichever service it is.
    fn task(&mut self) {
        if self.tasks.is_empty() {
            return;
        }
        let tasks = self.tasks.clone();
        let (place, id) = self.one(&tasks);
        let (service, side) = (place / 2, place % 2);
        match service {
            0 if self.below(2) == 0 => {
                let target = format!("/sms/SmsTask/{id}/QuerySmsTaskInfo");
                self.call(0, side, Method::POST, &target, &Value::Null);
            }
            0 => drop(self.call(0, side, Method::GET, &format!("/Task/{id}/info"), &Value::Null)),
            1 => drop(self.call(
                1,
                side,
                Method::GET,
                &format!("/api/cis/tasks/{id}"),
                &Value::Null,
            )),
            _ => drop(self.call(2, side, Method::GET, &format!("/tasks/{id}"), &Value::Null)),
        }
        self.tasks.truncate(200);
    }

    /// All that there is to see: each step, and what the world says of itself in the end.
    pub(super) fn whole(&self) -> String {
        let world = &self.world;
        let calls = serde_json::to_string(&world.calls().entries()).unwrap();
        let faults = serde_json::to_string(&world.faults().active()).unwrap();
        format!("{}\n{}\n{calls}\n{faults}", self.trace.join("\n"), world.state())
    }
}
