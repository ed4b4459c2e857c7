//! The calls: sessions and requests made beforehand, so that only the world is measured.

use farside_simulator::World;
use farside_simulator::exchange::{Answer, Reply, Request};
use http::Method;
use serde_json::{Value, json};

/// How many objects of a kind are asked for in turn.
const OBJECTS: usize = 64;

/// Requests that take turns.
pub(crate) struct Mix {
    replications: Vec<Request>,
    tasks: Vec<Request>,
    groups: Vec<Request>,
    session: Request,
}

fn call(world: &mut World, endpoint: &str, request: &Request) -> Answer {
    match world.handle(endpoint, request).reply {
        Reply::Answer(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn token(world: &mut World, endpoint: &str, path: &str, header: &str, who: [&str; 2], more: Value) -> String {
    let mut body = more;
    let found = world.endpoint(endpoint).expect("an endpoint");
    body[who[0]] = found.user.clone().into();
    body[who[1]] = found.password.clone().into();
    let answer = call(world, endpoint, &Request::new(Method::POST, path).json(&body));
    answer.header_text(header).expect("a token").to_owned()
}

impl Mix {
    /// Logs in, starts some tasks, and writes the requests.
    pub(crate) fn prepare(world: &mut World) -> Self {
        let vcda = token(
            world,
            "west",
            "/sessions",
            "x-vcav-auth",
            ["vcdUser", "vcdPassword"],
            json!({"type": "vcdCredentials"}),
        );
        let vim = token(
            world,
            "vc-west",
            "/sdk/vim25/8.0.3.0/SessionManager/SessionManager/Login",
            "vmware-api-session-id",
            ["userName", "password"],
            json!({}),
        );
        let every: Vec<String> = world.vcda().replications().map(|one| one.id.clone()).collect();
        let step = (every.len() / OBJECTS).max(1);
        let ids: Vec<&String> = every.iter().step_by(step).take(OBJECTS).collect();
        let get = |path: String| Request::new(Method::GET, &path).header("x-vcav-auth", &vcda);
        let replications = ids
            .iter()
            .map(|id| get(format!("/vm-replications/{id}")))
            .collect();
        let mut tasks = Vec::new();
        for id in &ids {
            let start = Request::new(Method::POST, &format!("/vm-replications/{id}/failover"))
                .header("x-vcav-auth", &vcda)
                .json(&json!({"type": "vcloud", "powerOn": false}));
            let answer = call(world, "west", &start);
            assert_eq!(answer.status, 202, "{}", answer.value());
            let task = answer.value()["id"].as_str().expect("an id").to_owned();
            tasks.push(get(format!("/tasks/{task}")));
        }
        let group = |number: usize| {
            let id = json!({
                "_typeName": "ReplicationGroupId",
                "faultDomainId": {"_typeName": "FaultDomainId", "id": "fd-west-1"},
                "deviceGroupId": {"_typeName": "DeviceGroupId", "id": format!("rt-{:03}", number * 2 + 1)},
            });
            Request::new(
                Method::POST,
                "/sdk/vim25/8.0.3.0/sms/VasaProvider/vasaProvider-west-1/QueryReplicationGroup",
            )
            .header("vmware-api-session-id", &vim)
            .json(&json!({"groupId": [id]}))
        };
        let session = Request::new(
            Method::GET,
            "/sdk/vim25/8.0.3.0/SessionManager/SessionManager/currentSession",
        )
        .header("vmware-api-session-id", &vim);
        let mix = Self {
            replications,
            tasks,
            groups: (0..OBJECTS.min(every.len() / 4)).map(group).collect(),
            session,
        };
        for number in 0..4 * OBJECTS {
            mix.ask(world, number);
        }
        mix
    }

    /// Makes one of the calls; it is answered as it should be.
    pub(crate) fn ask(&self, world: &mut World, number: usize) {
        let at = number / 4;
        let (endpoint, request) = match number % 4 {
            0 => ("west", &self.replications[at % self.replications.len()]),
            1 => ("west", &self.tasks[at % self.tasks.len()]),
            2 => ("vc-west", &self.groups[at % self.groups.len()]),
            _ => ("vc-west", &self.session),
        };
        let answer = call(world, endpoint, request);
        assert_eq!(answer.status, 200, "{}", answer.value());
    }

    /// The request for one replication.
    pub(crate) fn replication(&self, number: usize) -> Request {
        self.replications[number].clone()
    }

    /// What the world answers to it.
    pub(crate) fn answer(&self, world: &mut World, number: usize) -> Vec<u8> {
        call(world, "west", &self.replications[number]).body.to_vec()
    }
}
