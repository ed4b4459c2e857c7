//! Sessions of VI JSON against the simulator: their birth, their life, their end in every disguise.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::sync::Arc;
use std::time::Duration;

use farside_models_vim::StartDpuFailoverRequest;
use farside_models_vim::operation::{
    HOST_NETWORK_SYSTEM_START_DPU_FAILOVER, PROPERTY_COLLECTOR_RETRIEVE_PROPERTIES_EX,
    SERVICE_INSTANCE_CURRENT_TIME,
};
use farside_simulator::dpu::Host;
use farside_simulator::spec::odd_tests::{Kept, check};
use farside_simulator::vcha::VchaSpec;
use farside_simulator::{FaultAction, FaultRule, Simulator, WorldSpec};
use farside_transport::testing::{Answer, ScriptedTransport};
use farside_transport::{CallError, CallErrorKind, Clock, LOGIN_HOLD_OFF, StackSettings, SystemClock};
use farside_vim::{Invocation, VimClient};
use farside_wire::{ManagedObjectReference, Secret};
use futures_util::future::join_all;

const HOUR: Duration = Duration::from_secs(3600);
const READ: &str = PROPERTY_COLLECTOR_RETRIEVE_PROPERTIES_EX.id;
const SWITCH: &str = HOST_NETWORK_SYSTEM_START_DPU_FAILOVER.id;
const LOGIN: &str = "SessionManager_Login";
const REST_LOGIN: &str = "Cis.Session_create";

/// What the tests keep as usual where their worlds are odd.
const KEPT: &[Kept] = &[Kept {
    test: "a_thousand_callers_with_a_wrong_password_try_it_once",
    switches: &["vcha.hello_needs_session"],
    why: "which of the two logins is refused",
}];

#[test]
fn what_is_kept_is_a_switch_of_a_test() {
    check(KEPT);
}

struct Site {
    clock: Arc<SystemClock>,
    simulator: Simulator,
    client: VimClient,
}

impl Site {
    fn new() -> Self {
        Self::with(None, StackSettings::default())
    }

    fn with(password: Option<&str>, settings: StackSettings) -> Self {
        Self::of(&WorldSpec::pair(7), password, settings)
    }

    fn of(spec: &WorldSpec, password: Option<&str>, settings: StackSettings) -> Self {
        let clock = Arc::new(SystemClock::new());
        let simulator = Simulator::new(spec.clone().odd_if_asked(KEPT).build(), clock.clone());
        let (user, known) = {
            let world = simulator.world();
            let endpoint = world.endpoint("vc-west").unwrap();
            (endpoint.user.clone(), endpoint.password.clone())
        };
        let password = Secret::new(password.unwrap_or(&known));
        let transport = Arc::new(simulator.transport("vc-west"));
        let client = VimClient::builder(transport, user, password, clock.clone())
            .settings(settings)
            .build();
        Self {
            clock,
            simulator,
            client,
        }
    }

    async fn read(&self) -> Result<(), CallError> {
        let host = ManagedObjectReference::new("HostSystem", self.host().id);
        let read = self.client.properties(&[host], "HostSystem", &["name"]).await?;
        assert!(read[0].any("name").is_some());
        Ok(())
    }

    fn host(&self) -> Host {
        let world = self.simulator.world();
        let mut hosts = world.hosts().hosts();
        hosts.find(|host| host.vcenter == "vc-west").unwrap().clone()
    }

    fn attempts(&self, operation: &str) -> u64 {
        self.simulator.world().calls().of(operation).attempts
    }

    /// Sessions that the vCenter holds.
    fn open(&self) -> usize {
        self.simulator.world().sessions("vc-west")
    }

    fn fault(&self, operation: &str, action: FaultAction) {
        let rule = FaultRule::new(operation, action);
        self.simulator.world().faults_mut().add(rule);
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_callers_share_one_login() {
    let site = Site::new();
    let outcomes = join_all((0..1000).map(|_| site.read())).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!((site.attempts(LOGIN), site.open()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_session_dies_under_a_thousand_callers_and_is_replaced_once() {
    let site = Site::new();
    site.simulator
        .world()
        .faults_mut()
        .add(FaultRule::new(READ, FaultAction::EndSessions).from_nth(400));
    let outcomes = join_all((0..1000).map(|_| site.read())).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(site.attempts(LOGIN), 2);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_callers_with_a_wrong_password_try_it_once() {
    let site = Site::with(Some("wrong"), StackSettings::default());
    let outcomes = join_all((0..1000).map(|_| site.read())).await;
    let refused = |outcome: &Result<(), CallError>| match outcome {
        Err(error) => matches!(error.kind(), CallErrorKind::Login(login) if login.fault().is_some()),
        Ok(()) => false,
    };
    assert!(outcomes.iter().all(refused));
    assert_eq!(site.attempts(LOGIN), 1);
}

fn greeting_within_a_session() -> WorldSpec {
    let mut vcha = VchaSpec::default();
    vcha.hello_needs_session = true;
    WorldSpec::pair(7).vcha(vcha)
}

#[tokio::test(start_paused = true)]
async fn a_release_that_is_told_within_a_session_of_rest_only_is_asked_for_in_one() {
    let site = Site::of(&greeting_within_a_session(), None, StackSettings::default());
    let outcomes = join_all((0..100).map(|_| site.read())).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(site.client.release().await.unwrap(), "8.0.3.0");
    let asked = ["Vcenter.System_hello", REST_LOGIN, "Cis.Session_delete", LOGIN];
    assert_eq!(asked.map(|operation| site.attempts(operation)), [2, 1, 1, 1]);
    assert_eq!(site.open(), 1, "the session of the greeting has ended");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_callers_with_a_wrong_password_try_it_once_for_the_release_too() {
    let spec = greeting_within_a_session();
    let site = Site::of(&spec, Some("wrong"), StackSettings::default());
    for round in 1..=2 {
        let outcomes = join_all((0..1000).map(|_| site.read())).await;
        for outcome in outcomes {
            let error = outcome.unwrap_err();
            let mut cause: &dyn std::error::Error = &error;
            while let Some(source) = cause.source() {
                cause = source;
            }
            assert!(cause.to_string().contains("401"), "{error:?}");
        }
        assert_eq!((site.attempts(REST_LOGIN), site.attempts(LOGIN)), (round, 0));
        site.clock.sleep(LOGIN_HOLD_OFF).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_is_kept_alive_for_days() {
    let site = Site::new();
    site.read().await.unwrap();
    site.clock.sleep(50 * HOUR).await;
    site.read().await.unwrap();
    assert_eq!(site.attempts(LOGIN), 1);
    assert!(
        site.attempts(SERVICE_INSTANCE_CURRENT_TIME.id) >= 50,
        "at least once an hour"
    );
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_that_is_not_kept_alive_is_replaced_by_the_next_call() {
    let mut settings = StackSettings::default();
    settings.keep_alive_every = Some(Duration::MAX);
    let site = Site::with(None, settings);
    site.read().await.unwrap();
    site.clock.sleep(HOUR).await;
    site.read().await.unwrap();
    assert_eq!(site.attempts(LOGIN), 2);
    assert_eq!(site.attempts(SERVICE_INSTANCE_CURRENT_TIME.id), 0);
}

#[tokio::test(start_paused = true)]
async fn a_keep_alive_that_finds_the_session_dead_leaves_the_login_to_the_next_call() {
    let site = Site::new();
    site.read().await.unwrap();
    site.fault(SERVICE_INSTANCE_CURRENT_TIME.id, FaultAction::EndSessions);
    site.clock.sleep(HOUR).await;
    assert_eq!(site.attempts(SERVICE_INSTANCE_CURRENT_TIME.id), 1);
    assert_eq!(site.attempts(LOGIN), 1);
    site.read().await.unwrap();
    assert_eq!(site.attempts(LOGIN), 2);
}

#[tokio::test(start_paused = true)]
async fn an_action_that_meets_a_dead_session_happens_once() {
    let site = Site::new();
    site.read().await.unwrap();
    site.fault(SWITCH, FaultAction::EndSessions);
    let network = site.host().network_system;
    let call = Invocation::new(&HOST_NETWORK_SYSTEM_START_DPU_FAILOVER, &network)
        .body(&StartDpuFailoverRequest::new("dvs-west"));
    site.client.nothing(call).await.unwrap();
    let switch = site.simulator.world().calls().of(SWITCH);
    let counts = (switch.attempts, switch.refused, switch.accepted);
    assert_eq!((counts, site.attempts(LOGIN)), ((2, 1, 1), 2));
}

#[tokio::test(start_paused = true)]
async fn a_session_is_logged_out_on_close_and_on_drop() {
    let site = Site::new();
    site.read().await.unwrap();
    assert_eq!(site.open(), 1);
    site.client.close().await.unwrap();
    assert_eq!(site.open(), 0);

    let Site {
        clock,
        simulator,
        client,
    } = Site::new();
    let site = Site {
        clock: clock.clone(),
        simulator: simulator.clone(),
        client: client.clone(),
    };
    site.read().await.unwrap();
    drop(client);
    clock.sleep(Duration::from_secs(1)).await;
    assert_eq!(site.open(), 1, "a clone is left");
    drop(site);
    clock.sleep(Duration::from_secs(1)).await;
    let state = simulator.world().state();
    let left = state["endpoints"].as_array().unwrap().iter();
    assert!(left.into_iter().all(|endpoint| endpoint["sessions"] == 0));
}

#[tokio::test(start_paused = true)]
async fn a_close_after_the_server_lost_its_sessions_is_no_error() {
    let site = Site::new();
    site.read().await.unwrap();
    site.fault("SessionManager_Logout", FaultAction::EndSessions);
    site.client.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_given_up_is_replaced_unasked() {
    let site = Site::new();
    site.read().await.unwrap();
    site.client.invalidate_session();
    site.read().await.unwrap();
    assert_eq!((site.attempts(LOGIN), site.attempts(READ)), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn the_settings_of_the_stack_reach_it() {
    let mut settings = StackSettings::default();
    settings.calls_in_flight = 3;
    settings.call_timeout = Duration::from_secs(7);
    let site = Site::with(None, settings);
    assert!(format!("{:?}", site.client).contains("session > limit(3)"));
    site.simulator.world().faults_mut().add(
        FaultRule::new(
            SERVICE_INSTANCE_CURRENT_TIME.id,
            FaultAction::Silence { acted: false },
        )
        .times(None),
    );
    let before = site.clock.elapsed();
    let call = Invocation::new(&SERVICE_INSTANCE_CURRENT_TIME, "ServiceInstance");
    let error = site.client.nothing(call).await.unwrap_err();
    assert!(matches!(error.kind(), CallErrorKind::Timeout { .. }), "{error:?}");
    assert_eq!((site.clock.elapsed() - before).as_secs(), 7);
}

/// Any answer may bring the next token (VI JSON wire rules 2.3).
#[tokio::test(start_paused = true)]
async fn the_token_of_the_last_answer_is_the_one_that_is_sent() {
    let header = "vmware-api-session-id";
    let time = &SERVICE_INSTANCE_CURRENT_TIME;
    let answer = || Answer::json(200, "\"2026-01-01T00:00:00Z\"");
    let fixture = include_str!("../../models-vim/tests/fixtures/service-instance/get-content.json");
    let fixture: serde_json::Value = serde_json::from_str(fixture).unwrap();
    let content = fixture["response"]["body"].to_string();
    let server = ScriptedTransport::with(move |call, _| match call.operation.id {
        "Vcenter.System_hello" => Answer::json(200, r#"{"api_release": "8.0.3.0"}"#),
        "ServiceInstance_getContent" => Answer::json(200, content.clone()),
        "SessionManager_Login" => Answer::json(200, "{}").with_header("vmware-api-session-id", "first"),
        other => panic!("no answer for {other}"),
    });
    let server = server
        .answer(time, answer().with_header(header, "second"))
        .answer(time, answer())
        .answer(time, answer());
    let server = Arc::new(server);
    let clock = Arc::new(SystemClock::new());
    let client = VimClient::builder(server.clone(), "operator", Secret::new("secret"), clock).build();
    for _ in 0..3 {
        let call = Invocation::new(time, "ServiceInstance");
        client.nothing(call).await.unwrap();
    }
    let calls = server.calls();
    let sent = calls.iter().filter(|call| call.operation.id == time.id);
    let sent: Vec<_> = sent
        .map(|call| call.request.headers()[header].to_str().unwrap())
        .collect();
    assert_eq!(sent, ["first", "second", "second"]);
}
