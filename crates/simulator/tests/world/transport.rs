//! The front in process: what a client of a `Transport` sees.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use farside_simulator::sms::{ResultForm, VasaSpec};
use farside_simulator::{FaultAction, FaultRule, Simulator, WorldSpec};
use farside_transport::{
    Call, CallError, CallErrorKind, Clock, Effect, Phase, Remark, SystemClock, Transport,
};
use farside_wire::{Method, Operation, Repeat, Service};
use serde_json::{Value, json};

static LOGIN: Operation = operation(
    "sessions.login",
    Method::Post,
    "/sessions",
    Repeat::OnlyIfNeverSent,
);
static LIST: Operation = operation(
    "vmReplications.list",
    Method::Get,
    "/vm-replications",
    Repeat::Harmless,
);
static FAILOVER: Operation = operation(
    "vmReplications.failover",
    Method::Post,
    "/vm-replications/{replicationId}/failover",
    Repeat::OnlyIfNeverSent,
);
static GET_TASK: Operation = operation("tasks.get", Method::Get, "/tasks/{taskId}", Repeat::Harmless);

const fn operation(id: &'static str, method: Method, path: &'static str, repeat: Repeat) -> Operation {
    Operation {
        id,
        service: Service::Vcda,
        method,
        path,
        query: "",
        repeat,
        since: None,
        privileges: &[],
        faults: &[],
        refused_before_acting: &[],
        anonymous: false,
        secrets: &[],
    }
}

struct Client {
    simulator: Simulator,
    clock: Arc<SystemClock>,
    transport: Arc<dyn Transport>,
    token: String,
}

fn call(operation: &'static Operation, path: &str, token: &str, body: &Value) -> Call {
    let request = http::Request::builder()
        .method(operation.method.as_str())
        .uri(path)
        .header("x-vcav-auth", token)
        .header("content-type", "application/json")
        .body(if body.is_null() {
            Bytes::new()
        } else {
            Bytes::from(body.to_string())
        })
        .expect("a legal request");
    Call::new(operation, "west", request).with_deadline(Duration::from_secs(10))
}

impl Client {
    async fn log_in() -> Self {
        let world = WorldSpec::pair(1).replications(2).build();
        let clock = Arc::new(SystemClock::new());
        let simulator = Simulator::new(world, clock.clone());
        let transport: Arc<dyn Transport> = Arc::new(simulator.transport("west"));
        let endpoint = simulator
            .world()
            .endpoint("west")
            .cloned()
            .expect("the site exists");
        let body = json!({
            "type": "vcdCredentials",
            "vcdUser": endpoint.user,
            "vcdPassword": endpoint.password,
        });
        let answer = transport
            .send(call(&LOGIN, "/sessions", "", &body))
            .await
            .expect("a session");
        let token = answer.headers()["x-vcav-auth"]
            .to_str()
            .expect("a token")
            .to_owned();
        Self {
            simulator,
            clock,
            transport,
            token,
        }
    }

    async fn send(&self, operation: &'static Operation, path: &str, body: Value) -> Result<Value, CallError> {
        let sent = self
            .transport
            .send(call(operation, path, &self.token, &body))
            .await;
        sent.map(|answer| serde_json::from_slice(answer.body()).expect("JSON"))
    }

    async fn failover(&self) -> Result<Value, CallError> {
        let id = self
            .simulator
            .world()
            .vcda()
            .replications()
            .next()
            .expect("a replication")
            .id
            .clone();
        self.send(
            &FAILOVER,
            &format!("/vm-replications/{id}/failover"),
            json!({"type": "vcloud"}),
        )
        .await
    }

    fn fault(&self, action: FaultAction) {
        self.simulator
            .world()
            .faults_mut()
            .add(FaultRule::new(FAILOVER.id, action));
    }
}

#[tokio::test(start_paused = true)]
async fn work_goes_on_with_the_clock_and_nothing_else() {
    let client = Client::log_in().await;
    let task = client.failover().await.expect("a task");
    let path = format!("/tasks/{}", crate::support::text(&task["id"]));
    let poll = async || client.send(&GET_TASK, &path, Value::Null).await.expect("a task")["state"].clone();
    assert_eq!(poll().await, json!("RUNNING"));
    client.clock.sleep(Duration::from_secs(3)).await;
    assert_eq!(poll().await, json!("SUCCEEDED"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_has_the_status_and_the_code() {
    let client = Client::log_in().await;
    client.failover().await.expect("a task");
    let error = client.failover().await.expect_err("a refusal");
    assert_eq!(
        (error.effect(), error.status().map(|status| status.as_u16())),
        (Effect::Refused, Some(400))
    );
    assert_eq!(
        error.service_error().map(|error| error.code()),
        Some("BadRequest")
    );
}

#[tokio::test(start_paused = true)]
async fn a_cut_is_unknown_whether_the_server_acted_or_not() {
    for (action, accepted) in [(FaultAction::DropAnswer, 1), (FaultAction::Cut, 0)] {
        let client = Client::log_in().await;
        client.fault(action);
        let error = client.failover().await.expect_err("a cut");
        assert!(matches!(error.kind(), CallErrorKind::Cut { .. }), "{error:?}");
        assert_eq!(error.effect(), Effect::Unknown);
        let failover = client.simulator.world().calls().of(FAILOVER.id);
        assert_eq!((failover.attempts, failover.accepted), (1, accepted));
    }
}

#[tokio::test(start_paused = true)]
async fn silence_ends_at_the_deadline_and_a_delay_is_waited_for() {
    let client = Client::log_in().await;
    client.fault(FaultAction::Silence { acted: true });
    let before = client.clock.elapsed();
    let error = client.failover().await.expect_err("a timeout");
    assert_eq!(error.effect(), Effect::Unknown);
    assert_eq!(client.clock.elapsed() - before, Duration::from_secs(10));

    let client = Client::log_in().await;
    client.fault(FaultAction::Delay { ms: 700 });
    let before = client.clock.elapsed();
    client.failover().await.expect("a task");
    assert_eq!(client.clock.elapsed() - before, Duration::from_millis(700));

    let client = Client::log_in().await;
    client.fault(FaultAction::Delay { ms: 60_000 });
    let error = client.failover().await.expect_err("a timeout");
    assert!(matches!(error.kind(), CallErrorKind::Timeout { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_to_an_endpoint_that_cannot_be_reached() {
    let client = Client::log_in().await;
    client.simulator.world().set_reachable("west", false);
    let error = client.failover().await.expect_err("no connection");
    assert_eq!(error.effect(), Effect::NotSent);
    let nowhere: Arc<dyn Transport> = Arc::new(client.simulator.transport("moon"));
    let error = nowhere
        .send(call(&LIST, "/vm-replications", "", &Value::Null))
        .await
        .expect_err("no endpoint");
    assert_eq!(error.effect(), Effect::NotSent);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_cut_in_its_middle_leaves_the_effect_unknown() {
    let client = Client::log_in().await;
    client.fault(FaultAction::CutAnswer { after_bytes: 20 });
    let error = client.failover().await.expect_err("a cut");
    assert!(matches!(error.kind(), CallErrorKind::Cut { .. }), "{error:?}");
    assert_eq!(error.effect(), Effect::Unknown);
}

#[tokio::test(start_paused = true)]
async fn a_lost_site_swallows_the_call_on_the_open_connection_and_takes_no_other() {
    let client = Client::log_in().await;
    let lost = FaultAction::LoseSite {
        site: "west".to_owned(),
        how: farside_simulator::Loss::Dropped,
    };
    let fault = client.simulator.world().add_fault(FaultRule::any(lost));
    for (effect, wanted) in [
        (Effect::Unknown, Phase::FirstByte),
        (Effect::NotSent, Phase::Connect),
    ] {
        let before = client.clock.elapsed();
        let error = client.failover().await.expect_err("nothing");
        assert_eq!(client.clock.elapsed() - before, Duration::from_secs(10));
        assert_eq!(error.effect(), effect);
        assert!(
            matches!(error.kind(), CallErrorKind::Timeout { phase, .. } if *phase == wanted),
            "{error:?}"
        );
    }
    assert!(client.simulator.world().remove_fault(fault.expect("a rule")));
    client.failover().await.expect("a task");
}

#[tokio::test(start_paused = true)]
async fn an_answer_on_its_way_is_lost_with_its_site() {
    let client = Client::log_in().await;
    client.fault(FaultAction::Delay { ms: 700 });
    let lost = FaultAction::LoseSite {
        site: "west".to_owned(),
        how: farside_simulator::Loss::Dropped,
    };
    let now_ms = client.simulator.world().now_ms();
    let rule = FaultRule::any(lost).between(now_ms + 300, None);
    client.simulator.world().add_fault(rule).expect("a rule");
    let error = client.failover().await.expect_err("nothing");
    assert!(matches!(error.kind(), CallErrorKind::Timeout { .. }), "{error:?}");
    assert_eq!(error.effect(), Effect::Unknown);
}

#[tokio::test(start_paused = true)]
async fn time_can_pass_faster_than_the_clock() {
    let clock = Arc::new(SystemClock::new());
    let simulator = Simulator::new(WorldSpec::pair(1).build(), clock.clone()).speed(10.0);
    clock.sleep(Duration::from_secs(1)).await;
    assert_eq!(simulator.world().now_ms(), 10_000);
}

/// So that a recording of a client tells odd worlds from usual ones.
#[tokio::test(start_paused = true)]
async fn an_answer_and_an_error_of_an_odd_world_say_so_to_who_records_them() {
    const CONTENT: &str = "/sdk/vim25/8.0.3.0/ServiceInstance/ServiceInstance/content";
    static GET_CONTENT: Operation = Operation {
        service: Service::ViJson,
        ..operation(
            "ServiceInstance_getContent",
            Method::Get,
            CONTENT,
            Repeat::Harmless,
        )
    };
    let form = |form, nulls: bool| {
        let mut vasa = VasaSpec::default();
        vasa.result_form = form;
        let mut world = WorldSpec::pair(1).vasa(vasa);
        world.vi_json.nulls = nulls;
        world
    };
    for (world, remark) in [
        (form(ResultForm::Declared, false), None),
        (form(ResultForm::Subtype, false), Some("result_form")),
        (form(ResultForm::Bare, true), Some("nulls+result_form")),
    ] {
        let simulator = Simulator::new(world.build(), Arc::new(SystemClock::new()));
        let transport = simulator.transport("vc-west");
        for (path, succeeds) in [(CONTENT, true), ("/sdk/vim25/8.0.3.0/Task/task-1/info", false)] {
            let mut call = call(&GET_CONTENT, path, "", &Value::Null);
            let said = Remark::default();
            call.request.extensions_mut().insert(said.clone());
            assert_eq!(transport.send(call).await.is_ok(), succeeds);
            assert_eq!(said.said(), remark, "{path}");
        }
    }
}
