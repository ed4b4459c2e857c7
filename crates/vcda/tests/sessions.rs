//! Sessions of VCDA against the simulator: their birth, their life, their end in every disguise, and further sites.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::sync::Arc;
use std::time::Duration;

use farside_models_vcda::VmReplicationsListQuery;
use farside_simulator::spec::odd_tests::{Kept, check};
use farside_simulator::vcda::VcdaSpec;
use farside_simulator::{FaultAction, FaultRule, Simulator, WorldSpec};
use farside_transport::{CallError, CallErrorKind, Clock, Effect, StackSettings, SystemClock};
use farside_vcda::{
    Extension, FailoverSettings, Networks, Power, Target, VcdaClient, VcdaClientBuilder, VmReplicationId,
};
use farside_wire::Secret;
use futures_util::future::join_all;

const HOUR: Duration = Duration::from_secs(3600);
const LOGIN: &str = "sessions.login";
const EXTEND: &str = "sessions.extend";
const READ: &str = "vmReplications.list";
const FAILOVER: &str = "vmReplications.failover";

/// What the tests keep as usual where their worlds are odd.
const KEPT: &[Kept] = &[];

#[test]
fn what_is_kept_is_a_switch_of_a_test() {
    check(KEPT);
}

struct Site {
    clock: Arc<SystemClock>,
    simulator: Simulator,
    client: VcdaClient,
}

impl Site {
    /// A client of the service at `here`.
    fn new(here: &str, build: impl FnOnce(VcdaClientBuilder, &Simulator) -> VcdaClientBuilder) -> Self {
        Self::of(VcdaSpec::default(), here, build)
    }

    fn of(
        spec: VcdaSpec,
        here: &str,
        build: impl FnOnce(VcdaClientBuilder, &Simulator) -> VcdaClientBuilder,
    ) -> Self {
        let clock = Arc::new(SystemClock::new());
        let world = WorldSpec::pair(7).groups(0).replications(2).vcda(spec);
        let simulator = Simulator::new(world.odd_if_asked(KEPT).build(), clock.clone());
        let (user, password) = credentials(&simulator, here);
        let transport = Arc::new(simulator.transport(here));
        let builder = VcdaClient::builder(transport, here, clock.clone()).credentials(user, password);
        let client = build(builder, &simulator).build().unwrap();
        Self {
            clock,
            simulator,
            client,
        }
    }

    fn plain() -> Self {
        Self::new("west", |builder, _| builder)
    }

    /// A client of the service in the west that asks about the east.
    fn of_the_east(spec: VcdaSpec) -> Self {
        Self::of(spec, "west", |builder, simulator| {
            let (user, password) = credentials(simulator, "east");
            builder
                .site("east")
                .extend("east", Extension::Vcd { user, password })
        })
    }

    async fn read(&self) -> Result<(), CallError> {
        let all = VmReplicationsListQuery::default();
        let found = self.client.list_vm_replications(&all).await?;
        assert_eq!(found.items.len(), 2);
        Ok(())
    }

    fn attempts(&self, operation: &str) -> u64 {
        self.simulator.world().calls().of(operation).attempts
    }

    fn fault(&self, rule: FaultRule) {
        self.simulator.world().faults_mut().add(rule);
    }

    fn replication(&self) -> VmReplicationId {
        let world = self.simulator.world();
        let id = world.vcda().replications().next().unwrap().id.clone();
        VmReplicationId::parse(id).unwrap()
    }
}

fn credentials(simulator: &Simulator, site: &str) -> (String, Secret) {
    let world = simulator.world();
    let endpoint = world.endpoint(site).unwrap();
    (endpoint.user.clone(), Secret::new(endpoint.password.clone()))
}

/// Sessions that a site holds.
fn open(simulator: &Simulator, site: &str) -> usize {
    simulator.world().sessions(site)
}

fn failover() -> FailoverSettings {
    FailoverSettings::new(Target::Vcloud, Power::Off, Networks::Preconfigured)
}

#[tokio::test(start_paused = true)]
async fn a_session_dies_under_a_thousand_callers_and_is_replaced_once() {
    let site = Site::plain();
    site.fault(FaultRule::new(READ, FaultAction::EndSessions).from_nth(400));
    let outcomes = join_all((0..1000).map(|_| site.read())).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!((site.attempts(LOGIN), open(&site.simulator, "west")), (2, 1));
}

/// That a failed login has no token is inferred.
#[tokio::test(start_paused = true)]
async fn a_token_that_comes_with_a_refused_login_is_not_used() {
    for has_token in [false, true] {
        let mut spec = VcdaSpec::default();
        spec.failed_login_has_token = has_token;
        let site = Site::of(spec, "west", |builder, _| {
            builder.credentials("dr-admin@tenant-a", Secret::new("wrong"))
        });
        let error = site.read().await.unwrap_err();
        match error.kind() {
            CallErrorKind::Login(login) => {
                assert_eq!(login.status().unwrap().as_u16(), 401);
                assert_eq!(login.service_error().unwrap().code(), "NotAuthenticated");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!((site.attempts(LOGIN), site.attempts(READ)), (1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_callers_with_a_wrong_password_try_it_once() {
    let site = Site::new("west", |builder, _| {
        builder.credentials("dr-admin@tenant-a", Secret::new("wrong"))
    });
    let outcomes = join_all((0..1000).map(|_| site.read())).await;
    let refused = |outcome: &Result<(), CallError>| match outcome {
        Err(error) => matches!(error.kind(), CallErrorKind::Login(_)),
        Ok(()) => false,
    };
    assert!(outcomes.iter().all(refused));
    assert_eq!(site.attempts(LOGIN), 1);
}

/// The service ends a session a day after its log-in however much it is used: no call meets that.
#[tokio::test(start_paused = true)]
async fn an_idle_session_is_kept_alive_and_replaced_before_its_day_is_over() {
    let site = Site::plain();
    site.read().await.unwrap();
    site.clock.sleep(23 * HOUR).await;
    site.read().await.unwrap();
    assert_eq!(site.attempts(LOGIN), 1);
    assert!(site.attempts("sessions.get") > 100);
    site.clock.sleep(HOUR - Duration::from_secs(30)).await;
    site.read().await.unwrap();
    assert_eq!((site.attempts(LOGIN), site.attempts(READ)), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_shorter_day_than_the_usual_one_costs_a_refused_call() {
    let site = Site::plain();
    site.read().await.unwrap();
    site.fault(FaultRule::new(READ, FaultAction::EndSessions));
    site.read().await.unwrap();
    assert_eq!((site.attempts(LOGIN), site.attempts(READ)), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_session_is_logged_out_on_close_and_on_drop() {
    let site = Site::plain();
    site.read().await.unwrap();
    assert_eq!(open(&site.simulator, "west"), 1);
    site.client.close().await.unwrap();
    assert_eq!(open(&site.simulator, "west"), 0);

    let Site {
        clock,
        simulator,
        client,
    } = Site::plain();
    client.session().await.unwrap();
    drop(client);
    clock.sleep(Duration::from_secs(1)).await;
    assert_eq!(open(&simulator, "west"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_given_up_is_replaced_unasked() {
    let site = Site::plain();
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
    let site = Site::new("west", |builder, _| builder.settings(settings));
    assert!(format!("{:?}", site.client).contains("session > limit(3)"));
    site.read().await.unwrap();
    site.fault(FaultRule::new(READ, FaultAction::Silence { acted: false }).times(None));
    let before = site.clock.elapsed();
    assert!(site.read().await.is_err());
    assert_eq!((site.clock.elapsed() - before).as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_calls_about_another_site_share_one_extension() {
    let site = Site::of_the_east(VcdaSpec::default());
    let outcomes = join_all((0..1000).map(|_| site.read())).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!((site.attempts(LOGIN), site.attempts(EXTEND)), (1, 1));
    let sites = site.client.session().await.unwrap().authenticated_sites;
    let names: Vec<_> = sites.iter().filter_map(|site| site.site.as_deref()).collect();
    assert_eq!(names, ["west", "east"]);
    assert_eq!(open(&site.simulator, "east"), 0, "nobody logged in there");
    site.client.close().await.unwrap();
    assert_eq!(open(&site.simulator, "west"), 0);
}

#[tokio::test(start_paused = true)]
async fn calls_about_the_own_site_need_no_extension() {
    let site = Site::new("west", |builder, simulator| {
        let (user, password) = credentials(simulator, "east");
        builder.extend("east", Extension::Vcd { user, password })
    });
    site.read().await.unwrap();
    assert_eq!((site.attempts(LOGIN), site.attempts(EXTEND)), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_extension_that_is_lost_is_made_again_and_the_action_happens_once() {
    for other_reading in [false, true] {
        for lost in [FaultAction::EndExtensions, FaultAction::EndSessions] {
            let mut spec = VcdaSpec::default();
            spec.missing_extension_is_not_authenticated = other_reading;
            let site = Site::of_the_east(spec);
            site.read().await.unwrap();
            // The east asks the west for a failover of what is recovered there.
            let (user, password) = credentials(&site.simulator, "west");
            let transport = Arc::new(site.simulator.transport("east"));
            let (other, secret) = credentials(&site.simulator, "east");
            let client = VcdaClient::builder(transport, "east", site.clock.clone())
                .credentials(other, secret)
                .site("west")
                .extend("west", Extension::Vcd { user, password })
                .build()
                .unwrap();
            let before = site.attempts(EXTEND);
            let vm = client.vm_replication(&site.replication());
            vm.get().await.unwrap();
            site.fault(FaultRule::new(FAILOVER, lost.clone()));
            vm.start_failover(&failover()).await.unwrap();
            let entries = site.simulator.world().calls().entries();
            let failover = entries.iter().find(|calls| calls.operation == FAILOVER).unwrap();
            assert_eq!(failover.entry.accepted, 1, "{lost:?}, {other_reading}");
            assert_eq!(site.attempts(EXTEND) - before, 2, "{lost:?}, {other_reading}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_for_the_other_site_is_tried_once_and_leaves_the_own_site_alone() {
    let site = Site::new("west", |builder, simulator| {
        let (user, _) = credentials(simulator, "east");
        let password = Secret::new("wrong");
        builder
            .site("east")
            .extend("east", Extension::Vcd { user, password })
    });
    for _ in 0..3 {
        let error = site.read().await.unwrap_err();
        let CallErrorKind::Login(extension) = error.kind() else {
            panic!("{error:?}")
        };
        assert_eq!(extension.operation().id, EXTEND);
        assert_eq!(error.effect(), Effect::NotSent);
        assert!(!format!("{error:?} {:?}", site.client).contains("wrong"));
    }
    site.client.session().await.unwrap();
    assert_eq!((site.attempts(LOGIN), site.attempts(EXTEND)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_extension_to_a_lost_site_fails_for_now_and_is_tried_again_later() {
    let site = Site::of_the_east(VcdaSpec::default());
    site.simulator.world().set_reachable("east", false);
    let error = site.read().await.unwrap_err();
    assert_eq!(error.effect(), Effect::NotSent);
    site.client.session().await.unwrap();
    site.simulator.world().set_reachable("east", true);
    site.read().await.unwrap();
}
