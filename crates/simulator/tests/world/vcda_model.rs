//! A model of the replications, made apart from the simulator: random legal and illegal operations on VMs and vApps lead
//! where the model says, and nothing is ever lost.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::collections::{BTreeMap, BTreeSet};

use farside_simulator::WorldSpec;
use farside_simulator::vcda::{RecoveryState, VcdaSpec};
use http::Method;
use serde_json::{Value, json};

use crate::support::{Pair, text};

/// What can be asked of a replication of a VM or a vApp.
const OPERATIONS: [&str; 10] = [
    "failover",
    "failover-test",
    "cleanup",
    "migrate",
    "reverse",
    "pause",
    "resume",
    "sync",
    "reconfigure",
    "stop",
];

/// A replication as the model has it.
#[derive(Debug, Clone, PartialEq)]
struct Model {
    state: &'static str,
    paused: bool,
    reversed: bool,
    /// The operation that runs on it.
    busy: Option<&'static str>,
}

impl Model {
    fn new() -> Self {
        Self {
            state: "NOT_STARTED",
            paused: false,
            reversed: false,
            busy: None,
        }
    }

    /// The site that it leads to.
    fn destination(&self) -> &'static str {
        if self.reversed { "east" } else { "west" }
    }

    fn allows(&self, operation: &str, site: &str) -> bool {
        let states: &[&str] = match operation {
            "failover" | "failover-test" | "migrate" => &["NOT_STARTED"],
            "cleanup" => &["TEST"],
            "reverse" => &["COMPLETE"],
            "stop" => &["NOT_STARTED", "COMPLETE"],
            _ => &["NOT_STARTED", "TEST"],
        };
        self.busy.is_none()
            && site == self.destination()
            && states.contains(&self.state)
            && !(operation == "sync" && self.paused)
    }

    /// Its operation has ended well; `false` if it is gone.
    fn end(&mut self) -> bool {
        match self.busy.take() {
            Some("failover" | "migrate") => self.state = "COMPLETE",
            Some("failover-test") => self.state = "TEST",
            Some("cleanup") => self.state = "NOT_STARTED",
            Some("reverse") => {
                self.state = "NOT_STARTED";
                self.reversed = !self.reversed;
            }
            Some("pause") => self.paused = true,
            Some("resume") => self.paused = false,
            Some("stop") => return false,
            Some(_) | None => {}
        }
        true
    }
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

fn request(operation: &str) -> (Method, &'static str, Option<Value>) {
    match operation {
        "failover" => (Method::POST, "/failover", Some(json!({"type": "vcloud"}))),
        "failover-test" => (Method::POST, "/failover-test", Some(json!({"type": "vcloud"}))),
        "cleanup" => (Method::DELETE, "/failover-test", None),
        "migrate" => (Method::POST, "/migrate", Some(json!({"type": "vcloud"}))),
        "reverse" => (Method::POST, "/reverse", None),
        "pause" => (Method::POST, "/pause", None),
        "resume" => (Method::POST, "/resume", None),
        "sync" => (Method::POST, "/sync", None),
        "reconfigure" => (Method::PATCH, "", Some(json!({"rpo": 30}))),
        _ => (Method::DELETE, "", None),
    }
}

/// The world and the model of it.
struct Bench {
    pair: Pair,
    models: BTreeMap<String, Model>,
    vapps: BTreeMap<String, Vec<String>>,
    tasks: BTreeMap<String, Vec<String>>,
    vms: BTreeSet<String>,
}

impl Bench {
    fn new(seed: u64) -> Self {
        let mut spec = VcdaSpec::default();
        spec.vms_per_vapp = 2;
        let pair = Pair::of(&WorldSpec::pair(seed).groups(0).replications(6).vcda(spec));
        let mut bench = Self {
            pair,
            models: BTreeMap::new(),
            vapps: BTreeMap::new(),
            tasks: BTreeMap::new(),
            vms: BTreeSet::new(),
        };
        bench.learn();
        bench.vms = bench.all_vms();
        bench
    }

    /// Takes up what the model does not know yet.
    fn learn(&mut self) {
        let vcda = self.pair.world.vcda();
        for replication in vcda.replications() {
            self.models
                .entry(replication.id.clone())
                .or_insert_with(Model::new);
        }
        self.vapps = vcda
            .vapps()
            .map(|vapp| (vapp.id.clone(), vapp.members.clone()))
            .collect();
    }

    /// Sources, and what nothing protects. Copies and what was recovered come and go.
    fn all_vms(&self) -> BTreeSet<String> {
        let vcda = self.pair.world.vcda();
        let sources = vcda.replications().filter_map(|one| one.source_vm.as_ref());
        let free = vcda.free_vms().map(|free| &free.vm);
        sources.chain(free).map(|vm| vm.id.clone()).collect()
    }

    fn try_one(&mut self, dice: &mut Dice) {
        let operation = OPERATIONS[dice.roll(OPERATIONS.len())];
        let site = ["east", "west", "west"][dice.roll(3)];
        let whole = dice.roll(3) == 0;
        let (collection, id, members) = if whole {
            let index = dice.roll(self.vapps.len().max(1));
            let Some((id, members)) = self.vapps.iter().nth(index) else {
                return;
            };
            ("vapp-replications", id.clone(), members.clone())
        } else {
            let index = dice.roll(self.models.len().max(1));
            let Some(id) = self.models.keys().nth(index).cloned() else {
                return;
            };
            ("vm-replications", id.clone(), vec![id])
        };
        let allowed = members.iter().all(|id| self.models[id].allows(operation, site));
        let (method, segment, body) = request(operation);
        let target = format!("/{collection}/{id}{segment}");
        let answer = self.pair.call(site, method, &target, body.as_ref());
        let expected = if allowed { 202 } else { 400 };
        assert_eq!(
            answer.status,
            expected,
            "{operation} of {id} at {site}: {}",
            answer.value()
        );
        if allowed {
            for member in &members {
                self.models.get_mut(member).unwrap().busy = Some(operation);
            }
            self.tasks.insert(text(&answer.value()["id"]), members);
        }
    }

    fn start_one(&mut self, dice: &mut Dice) {
        let free: Vec<_> = self.pair.world.vcda().free_vms().cloned().collect();
        if free.is_empty() {
            return;
        }
        let one = &free[dice.roll(free.len())];
        let to = if one.site == "east" { "west" } else { "east" };
        let body = json!({
            "source": {"type": "vm", "site": one.site, "vmId": one.vm.id},
            "destination": {"type": "vcloud", "site": to, "vdc": format!("vdc-{to}-1")},
        });
        let answer = self
            .pair
            .call("west", Method::POST, "/vm-replications", Some(&body));
        assert_eq!(answer.status, 202, "{}", answer.value());
        self.tasks.insert(text(&answer.value()["id"]), Vec::new());
    }

    /// Lets time pass and moves the model on by the tasks that have ended.
    fn pass(&mut self, ms: i64) {
        self.pair.pass(ms);
        let vcda = self.pair.world.vcda();
        let ended: Vec<String> = vcda
            .tasks()
            .filter(|task| task.outcome.is_some() && self.tasks.contains_key(&task.id))
            .map(|task| task.id.clone())
            .collect();
        for task in ended {
            for member in self.tasks.remove(&task).unwrap() {
                if !self.models.get_mut(&member).unwrap().end() {
                    self.models.remove(&member);
                }
            }
        }
        let known: BTreeSet<String> = self.models.keys().cloned().collect();
        self.learn();
        for (id, model) in &mut self.models {
            // What was begun leads away from where the VM is.
            if !known.contains(id) {
                let found = self.pair.world.vcda().replication(id).unwrap();
                model.reversed = found.destination.site == "east";
            }
        }
    }

    fn check(&self) {
        let vcda = self.pair.world.vcda();
        let world: BTreeSet<&String> = vcda.replications().map(|one| &one.id).collect();
        let model: BTreeSet<&String> = self.models.keys().collect();
        assert_eq!(world, model, "a replication was lost, or came from nowhere");
        for replication in vcda.replications() {
            let model = &self.models[&replication.id];
            let expected = match model.busy {
                Some("failover" | "failover-test" | "cleanup" | "migrate") => "IN_PROGRESS",
                Some(_) | None => model.state,
            };
            let shown = replication.recovery.as_str();
            assert_eq!(shown, expected, "{model:?}");
            assert_eq!(replication.is_paused, model.paused, "{model:?}");
            assert_eq!(replication.destination.site, model.destination(), "{model:?}");
            let copied = replication.destination_vm.is_some();
            let has_copy = matches!(
                replication.recovery,
                RecoveryState::Test | RecoveryState::Complete
            );
            assert!(
                replication.recovery == RecoveryState::InProgress || copied == has_copy,
                "{model:?}"
            );
            assert!(replication.source_vm.is_some(), "{model:?}");
        }
        for vapp in vcda.vapps() {
            assert!(vapp.members.iter().all(|id| world.contains(id)), "{vapp:?}");
        }
    }
}

#[test]
fn random_operations_lead_where_the_model_says_and_lose_nothing() {
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let mut bench = Bench::new(seed);
        for step in 0..200 {
            if dice.roll(12) == 0 {
                bench.start_one(&mut dice);
            } else {
                bench.try_one(&mut dice);
            }
            let pause = i64::try_from(dice.roll(3_000)).unwrap();
            bench.pass(pause);
            bench.check();
            // Only a reversal removes a VM, and it leaves the recovered one in its place.
            if step == 0 {
                assert_eq!(bench.all_vms(), bench.vms, "seed {seed}");
            }
        }
        let reversed = bench.models.values().any(|model| model.reversed);
        let kept = bench.all_vms().intersection(&bench.vms).count();
        assert!(reversed || kept == bench.vms.len(), "seed {seed}: a VM was lost");
    }
}

#[test]
fn a_paused_replication_falls_behind_until_it_is_resumed() {
    let mut pair = Pair::new(1, 1);
    let id = pair.id(1);
    let path = format!("/vm-replications/{id}");
    pair.post(&format!("{path}/pause"), None);
    pair.pass(20 * 60_000);
    let shown = pair.get("west", &path);
    assert_eq!(
        (&shown["isPaused"], &shown["dataConnectionState"]),
        (&json!(true), &json!("PAUSED"))
    );
    pair.pass(40 * 60_000);
    pair.log_in_again();
    let late = pair.get("west", &path)["destinationState"]["currentRpoViolation"].as_i64();
    assert!(late.unwrap() >= 44, "{late:?}");
    let refused = pair.call("west", Method::POST, &format!("{path}/sync"), None);
    assert_eq!(refused.status, 400);
    pair.post(&format!("{path}/resume"), None);
    pair.pass(2_000);
    pair.post(&format!("{path}/sync"), None);
    pair.pass(5_000);
    let shown = pair.get("west", &path);
    assert_eq!(shown["destinationState"]["currentRpoViolation"], json!(0));
    assert_eq!(shown["dataConnectionState"], json!("OK"));
}

#[test]
fn a_task_is_forgotten_after_its_time() {
    let mut spec = VcdaSpec::default();
    spec.task_retention_ms = Some(60_000);
    let mut pair = Pair::of(&WorldSpec::pair(1).groups(0).replications(1).vcda(spec));
    let path = format!("/vm-replications/{}/failover", pair.id(1));
    let task = text(&pair.post(&path, Some(&json!({"type": "vcloud"})))["id"]);
    pair.pass(50_000);
    assert_eq!(
        pair.get("west", &format!("/tasks/{task}"))["state"],
        json!("SUCCEEDED")
    );
    pair.pass(60_000);
    let gone = pair.call("west", Method::GET, &format!("/tasks/{task}"), None);
    assert_eq!(
        (gone.status, &gone.value()["code"]),
        (404, &json!("TaskNotFound"))
    );
    let poll = pair.post("/tasks/poll", Some(&json!([task])));
    assert_eq!(poll["values"], json!([]));
}

#[test]
fn a_plan_goes_step_by_step_waits_at_its_prompt_and_stops_at_an_error() {
    let mut pair = Pair::new(1, 3);
    let plan = text(&pair.post("/recovery-plans", Some(&json!({"displayName": "tier-1"})))["id"]);
    let steps = format!("/recovery-plans/{plan}/steps");
    for (number, prompt, delay) in [(1, Some("ready?"), 0), (2, None, 60_000), (3, None, 0)] {
        let replications = json!([{"replicationId": pair.id(number)}]);
        let step = json!({"name": "step", "prompt": prompt, "delay": delay, "replications": replications});
        pair.post(&steps, Some(&step));
    }
    let run = format!("/recovery-plans/{plan}/failover");
    let task = text(&pair.post(&run, None)["id"]);
    pair.pass(10_000);
    let path = format!("/recovery-plans/{plan}");
    let info = pair.get("west", &path)["executionInfo"].clone();
    assert_eq!(info["state"], json!("SUSPENDED"));
    assert!(info["promptStepId"].is_string());
    assert_eq!(
        pair.get("west", &format!("/tasks/{task}"))["state"],
        json!("RUNNING")
    );
    assert_eq!(pair.recovery_state("west", &pair.id(2)), "NOT_STARTED");
    assert_eq!(pair.call("west", Method::POST, &run, None).status, 400);

    assert!(pair.world.approve_prompt(&plan));
    pair.pass(10_000);
    assert_eq!(pair.recovery_state("west", &pair.id(2)), "COMPLETE");
    assert_eq!(
        pair.recovery_state("west", &pair.id(3)),
        "NOT_STARTED",
        "the delay has not passed"
    );
    pair.pass(60_000);
    let ended = pair.get("west", &format!("/tasks/{task}"));
    assert_eq!(ended["state"], json!("SUCCEEDED"));
    assert_eq!(ended["result"]["executionInfo"]["state"], json!("COMPLETE"));

    let again = text(&pair.post(&run, None)["id"]);
    pair.pass(10_000);
    let failed = pair.get("west", &format!("/tasks/{again}"));
    assert_eq!(
        (&failed["state"], &failed["error"]["code"]),
        (&json!("FAILED"), &json!("BadRequest"))
    );
    assert_eq!(
        pair.get("west", &path)["executionInfo"]["lastError"]["code"],
        json!("BadRequest")
    );
    assert_eq!(pair.call("west", Method::DELETE, &path, None).status, 204);
    assert_eq!(pair.call("west", Method::GET, &path, None).status, 404);
}

#[test]
fn a_plan_is_rehearsed_and_cleaned_up_and_one_that_migrates_keeps_the_order_of_its_steps() {
    let mut pair = Pair::new(1, 2);
    let make = |pair: &mut Pair, name: &str, is_migration: bool| {
        let body = json!({"displayName": name, "isMigration": is_migration});
        let path = format!(
            "/recovery-plans/{}",
            text(&pair.post("/recovery-plans", Some(&body))["id"])
        );
        let steps = [1, 2].map(|number| {
            let replications = json!([{"replicationId": pair.id(number)}]);
            let step = json!({"name": "step", "delay": 600_000, "replications": replications});
            text(&pair.post(&format!("{path}/steps"), Some(&step))["id"])
        });
        (path, steps)
    };
    let states = |pair: &mut Pair| [1, 2].map(|number| pair.recovery_state("west", &pair.id(number)));
    let (rehearsed, _) = make(&mut pair, "rehearsed", false);
    let body = json!({"displayName": "copied", "keepReplications": true});
    let copied = text(&pair.post(&format!("{rehearsed}/clone"), Some(&body))["id"]);
    pair.post(&format!("{rehearsed}/test"), None);
    pair.pass(1_300_000);
    assert_eq!(states(&mut pair), ["TEST", "TEST"]);
    let cleanup = pair.call("west", Method::DELETE, &format!("{rehearsed}/test"), None);
    assert_eq!(cleanup.status, 202);
    pair.pass(1_300_000);
    pair.log_in_again();
    assert_eq!(states(&mut pair), ["NOT_STARTED", "NOT_STARTED"]);

    let (migrated, steps) = make(&mut pair, "migrated", true);
    let moved = pair.post(&format!("{migrated}/steps/{}/move?newSequence=1", steps[1]), None);
    assert_eq!(moved["sequence"], json!(1));
    for (path, run) in [
        (&rehearsed, "migrate"),
        (&migrated, "test"),
        (&migrated, "failover"),
    ] {
        let refused = pair.call("west", Method::POST, &format!("{path}/{run}"), None);
        assert_eq!(refused.status, 400, "{run}");
    }
    pair.post(&format!("{migrated}/migrate"), None);
    pair.pass(60_000);
    assert_eq!(states(&mut pair), ["NOT_STARTED", "COMPLETE"], "by the new order");
    pair.pass(1_300_000);
    assert_eq!(states(&mut pair), ["COMPLETE", "COMPLETE"]);
    for number in [1, 2] {
        let found = pair.world.vcda().replication(&pair.id(number)).unwrap();
        assert!(!found.source_vm.as_ref().unwrap().powered_on);
    }
    // The copy has the same replications, of which no test can be made any more.
    let run = text(&pair.post(&format!("/recovery-plans/{copied}/test"), None)["id"]);
    pair.pass(60_000);
    let ended = pair.get("west", &format!("/tasks/{run}"));
    assert_eq!(ended["state"], json!("FAILED"));
}
