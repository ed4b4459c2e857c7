//! A client of a world without any transport: one call, one answer.

use farside_simulator::exchange::{Answer, Handled, Reply, Request};
use farside_simulator::{World, WorldSpec};
use http::Method;
use serde_json::{Value, json};

/// A world and a session at each VCDA site.
pub(crate) struct Pair {
    pub(crate) world: World,
    east: String,
    west: String,
}

impl Pair {
    /// A world with that many replications, and one session at each site.
    pub(crate) fn new(seed: u64, replications: u32) -> Self {
        Self::of(&WorldSpec::pair(seed).groups(0).replications(replications))
    }

    /// This world, and one session at each site.
    pub(crate) fn of(spec: &WorldSpec) -> Self {
        let mut world = spec.build();
        let east = log_in(&mut world, "east");
        let west = log_in(&mut world, "west");
        Self { world, east, west }
    }

    /// Opens fresh sessions, after so much time that the earlier ones are dead.
    pub(crate) fn log_in_again(&mut self) {
        for site in ["east", "west"] {
            if self
                .world
                .endpoint(site)
                .is_some_and(|endpoint| endpoint.reachable)
            {
                let token = log_in(&mut self.world, site);
                *(if site == "east" {
                    &mut self.east
                } else {
                    &mut self.west
                }) = token;
            }
        }
    }

    /// The token of the session at a site.
    pub(crate) fn token(&self, site: &str) -> &str {
        if site == "east" { &self.east } else { &self.west }
    }

    /// The id of a replication, by the name of its VM.
    pub(crate) fn id(&self, number: u32) -> String {
        let name = format!("vm-{number:03}");
        let found = self
            .world
            .vcda()
            .replications()
            .find(|replication| replication.vm_name == name);
        found.expect("the replication is in the world").id.clone()
    }

    /// The id of the vApp replication of a replication.
    pub(crate) fn vapp(&self, number: u32) -> String {
        let found = self.world.vcda().replication(&self.id(number));
        found.expect("the replication is in the world").vapp.clone()
    }

    /// Posts something to the west that is taken.
    pub(crate) fn post(&mut self, target: &str, body: Option<&Value>) -> Value {
        let answer = self.call("west", Method::POST, target, body);
        assert!(
            answer.is_success(),
            "{target}: {} {}",
            answer.status,
            answer.value()
        );
        answer.value()
    }

    /// Sends a call, as is.
    pub(crate) fn send(&mut self, site: &str, method: Method, target: &str, body: Option<&Value>) -> Handled {
        let token = if site == "east" { &self.east } else { &self.west };
        let request = Request::new(method, target).header("X-VCAV-Auth", token);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        self.world.handle(site, &request)
    }

    /// Sends a call that is answered.
    pub(crate) fn call(&mut self, site: &str, method: Method, target: &str, body: Option<&Value>) -> Answer {
        answer(self.send(site, method, target, body))
    }

    /// Reads.
    pub(crate) fn get(&mut self, site: &str, target: &str) -> Value {
        let answer = self.call(site, Method::GET, target, None);
        assert_eq!(answer.status, 200, "{target}: {}", answer.value());
        answer.value()
    }

    /// Starts an action on a replication at a site.
    pub(crate) fn act(&mut self, site: &str, id: &str, action: Action) -> Answer {
        let (method, segment, body) = action.request();
        self.call(
            site,
            method,
            &format!("/vm-replications/{id}/{segment}"),
            body.as_ref(),
        )
    }

    /// Starts an action that is accepted, and waits for its end; gives its task.
    pub(crate) fn finish(&mut self, site: &str, id: &str, action: Action) -> Value {
        let answer = self.act(site, id, action);
        assert_eq!(answer.status, 202, "{action:?}: {}", answer.value());
        let task = text(&answer.value()["id"]);
        self.pass(60_000);
        self.get(site, &format!("/tasks/{task}"))
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, ms: i64) {
        self.world.advance_to(self.world.now_ms() + ms);
    }

    /// The recovery state that a site shows.
    pub(crate) fn recovery_state(&mut self, site: &str, id: &str) -> String {
        let shown = self.get(site, &format!("/vm-replications/{id}"));
        text(&shown["destinationState"]["recoveryInfo"]["recoveryState"])
    }

    /// Attempts, refused, accepted, effects, and attempts while unsettled.
    pub(crate) fn counts(&self, operation: &str, id: &str) -> [u64; 5] {
        let object = format!("vm-replications/{id}");
        let calls = self.world.calls().entries();
        let found = calls
            .into_iter()
            .find(|calls| calls.operation == operation && calls.object == object);
        let entry = found.expect("the operation was tried").entry;
        [
            entry.attempts,
            entry.refused,
            entry.accepted,
            entry.effects,
            entry.attempts_while_unsettled,
        ]
    }
}

/// The actions on a replication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Failover,
    Test,
    Cleanup,
    Migrate,
    Reverse,
}

impl Action {
    pub(crate) const ALL: [Self; 5] = [
        Self::Failover,
        Self::Test,
        Self::Cleanup,
        Self::Migrate,
        Self::Reverse,
    ];

    fn request(self) -> (Method, &'static str, Option<Value>) {
        match self {
            Self::Failover => (
                Method::POST,
                "failover",
                Some(json!({"type": "vcloud", "powerOn": false})),
            ),
            Self::Test => (
                Method::POST,
                "failover-test",
                Some(json!({"type": "vcloud", "sync": false})),
            ),
            Self::Cleanup => (Method::DELETE, "failover-test", None),
            Self::Migrate => (Method::POST, "migrate", Some(json!({"type": "vcloud"}))),
            Self::Reverse => (Method::POST, "reverse", None),
        }
    }
}

/// The answer of a call that is answered.
pub(crate) fn answer(handled: Handled) -> Answer {
    match handled.reply {
        Reply::Answer(answer) => answer,
        other => panic!("no answer: {other:?}"),
    }
}

/// A string that has to be one.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

/// Opens a session; gives its token.
pub(crate) fn log_in(world: &mut World, site: &str) -> String {
    let endpoint = world.endpoint(site).expect("the site exists");
    let body = json!({
        "type": "vcdCredentials",
        "vcdUser": endpoint.user,
        "vcdPassword": endpoint.password,
    });
    let answer = answer(world.handle(site, &Request::new(Method::POST, "/sessions").json(&body)));
    answer.header_text("x-vcav-auth").expect("a token").to_owned()
}

/// Extends the session at `west` to `site`.
pub(crate) fn extend(pair: &mut Pair, site: &str, user: &str, password: &str) -> Answer {
    let body = json!({"type": "credentials", "site": site, "vcdUsername": user, "vcdPassword": password});
    pair.call("west", Method::POST, "/sessions/extend", Some(&body))
}

/// Extends the session at `west` to a site with the credentials that are right there.
pub(crate) fn extend_as_known(pair: &mut Pair, site: &str) -> Answer {
    let there = pair.world.endpoint(site).expect("the site").clone();
    extend(pair, site, &there.user, &there.password)
}
