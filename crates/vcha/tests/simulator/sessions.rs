//! Sessions of vCenter REST against the simulator: their birth, their life, their end in every disguise.

use std::sync::Arc;
use std::time::Duration;

use farside_simulator::{FaultAction, FaultRule, Simulator, WorldSpec};
use farside_transport::testing::recorded;
use farside_transport::{CallError, CallErrorKind, Clock, StackSettings, SystemClock};
use farside_vcha::VchaClient;
use farside_wire::Secret;
use futures_util::future::join_all;

use crate::kept::KEPT;

const HOUR: Duration = Duration::from_secs(3600);
const LOGIN: &str = "Cis.Session_create";
const READ: &str = "Vcenter.Vcha.Operations_get";
const FAILOVER: &str = "Vcenter.Vcha.Cluster_failover$Task";

struct Site {
    clock: Arc<SystemClock>,
    simulator: Simulator,
    client: VchaClient,
}

impl Site {
    fn new() -> Self {
        Self::with(None, None)
    }

    fn with(password: Option<&str>, settings: Option<StackSettings>) -> Self {
        let clock = Arc::new(SystemClock::new());
        let simulator = Simulator::new(WorldSpec::pair(7).odd_if_asked(KEPT).build(), clock.clone());
        let (user, known) = {
            let world = simulator.world();
            let endpoint = world.endpoint("vc-west").unwrap();
            (endpoint.user.clone(), endpoint.password.clone())
        };
        let password = Secret::new(password.unwrap_or(&known));
        let transport = recorded(Arc::new(simulator.transport("vc-west")));
        let mut builder = VchaClient::builder("vc-west", transport, user, password).clock(clock.clone());
        if let Some(settings) = settings {
            builder = builder.settings(settings);
        }
        Self {
            client: builder.build(),
            clock,
            simulator,
        }
    }

    async fn read(&self) -> Result<(), CallError> {
        self.client.operations().await.map(drop)
    }

    fn attempts(&self, operation: &str) -> u64 {
        self.simulator.world().calls().of(operation).attempts
    }

    fn fault(&self, rule: FaultRule) {
        self.simulator.world().faults_mut().add(rule);
    }
}

/// Sessions that the vCenter holds.
fn open(simulator: &Simulator) -> usize {
    simulator.world().sessions("vc-west")
}

#[tokio::test(start_paused = true)]
async fn a_session_dies_under_a_thousand_callers_and_is_replaced_once() {
    let site = Site::new();
    site.fault(FaultRule::new(READ, FaultAction::EndSessions).from_nth(400));
    let outcomes = join_all((0..1000).map(|_| site.read())).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!((site.attempts(LOGIN), open(&site.simulator)), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_thousand_callers_with_a_wrong_password_try_it_once() {
    let site = Site::with(Some("wrong"), None);
    let outcomes = join_all((0..1000).map(|_| site.read())).await;
    let refused = |outcome: &Result<(), CallError>| match outcome {
        Err(error) => matches!(error.kind(), CallErrorKind::Login(login) if login.status().unwrap() == 401),
        Ok(()) => false,
    };
    assert!(outcomes.iter().all(refused));
    assert_eq!(site.attempts(LOGIN), 1);
}

/// The server ends a session a day after its log-in, and tells nobody when that is.
#[tokio::test(start_paused = true)]
async fn an_idle_session_is_kept_alive_and_replaced_when_its_end_has_come() {
    let site = Site::new();
    site.read().await.unwrap();
    site.clock.sleep(23 * HOUR).await;
    site.read().await.unwrap();
    assert_eq!(site.attempts(LOGIN), 1);
    assert!(site.attempts("Cis.Session_get") > 100);
    site.clock.sleep(2 * HOUR).await;
    site.read().await.unwrap();
    assert_eq!(site.attempts(LOGIN), 2);
}

#[tokio::test(start_paused = true)]
async fn after_a_switch_calls_go_on_in_another_session() {
    let site = Site::new();
    site.client.start_failover(true).await.unwrap();
    site.clock.sleep(Duration::from_secs(60)).await;
    site.read().await.unwrap();
    assert_eq!((site.attempts(LOGIN), site.attempts(FAILOVER)), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_session_is_logged_out_on_close_and_on_drop() {
    let site = Site::new();
    site.read().await.unwrap();
    assert_eq!(open(&site.simulator), 1);
    site.client.close().await.unwrap();
    assert_eq!(open(&site.simulator), 0);

    let site = Site::new();
    site.read().await.unwrap();
    let Site {
        clock,
        simulator,
        client,
    } = site;
    drop(client);
    clock.sleep(Duration::from_secs(1)).await;
    assert_eq!(open(&simulator), 0);
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
async fn the_settings_of_the_stack_reach_it_and_calls_have_half_a_minute_without_them() {
    let mut settings = StackSettings::default();
    settings.calls_in_flight = 3;
    settings.call_timeout = Duration::from_secs(7);
    for (settings, limit) in [(Some(settings), 7), (None, 30)] {
        let three = settings.is_some();
        let site = Site::with(None, settings);
        assert_eq!(format!("{:?}", site.client).contains("session > limit(3)"), three);
        site.read().await.unwrap();
        site.fault(FaultRule::new(READ, FaultAction::Silence { acted: false }).times(None));
        let before = site.clock.elapsed();
        assert!(site.read().await.is_err());
        assert_eq!((site.clock.elapsed() - before).as_secs(), limit);
    }
}
