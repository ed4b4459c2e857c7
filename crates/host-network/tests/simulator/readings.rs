//! What the DPU rules leave open, in each of its readings: at most one request, and nothing called done that is not.

use std::time::Duration;

use farside_host_network::{
    DpuFailover, DpuFailoverError, DpuId, DpuStart, DpuVerdict, HostNetworkError, SwitchDpus, switch_named,
};
use farside_simulator::dpu::{DpuSpec, HostTrouble, LostHost, Refresh, VcenterView};
use farside_simulator::vi_json::{UnknownMethod, ViJsonSpec};
use farside_simulator::{FaultAction, FaultRule, WorldSpec};
use farside_transport::{Clock as _, Effect, PollPolicy, WaitErrorKind};

use crate::support::Site;

const START: &str = "HostNetworkSystem_startDpuFailover";
const HOST: &str = "host-21";
const SWITCH: &str = "dvs-west";

impl Site {
    fn reading(change: impl FnOnce(&mut DpuSpec)) -> Self {
        let mut spec = DpuSpec::default();
        change(&mut spec);
        Self::with(spec)
    }

    async fn plan_to(&self, wanted: Option<&DpuId>) -> DpuFailover {
        let host = self.network.fresh_host(HOST).await.unwrap();
        let switch = self.network.switch(&host, SWITCH).await.unwrap();
        DpuFailover::plan(&host, &switch, wanted).unwrap()
    }

    async fn move_to(&self, failover: &DpuFailover) -> Result<DpuStart, DpuFailoverError> {
        let limit = Duration::from_secs(120);
        self.network
            .fail_over(failover, None, limit, PollPolicy::default())
            .await
    }

    /// Which DPU the world has, and how often the switch has moved.
    fn truth(&self) -> (usize, u32) {
        let world = self.simulator.world();
        let host = world.hosts().host(HOST).unwrap();
        (host.active, host.moved)
    }

    fn requests(&self) -> u64 {
        self.simulator.world().calls().of(START).attempts
    }

    async fn seen(&self) -> DpuId {
        let host = self.network.host(HOST).await.unwrap();
        let found = switch_named(&host, SWITCH).unwrap();
        SwitchDpus::of(found, &host.nics).active().unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_move_is_seen_whether_a_refresh_is_needed_for_it_or_helps_nothing() {
    for refresh in [Refresh::VcenterLearns, Refresh::Nothing, Refresh::HostLooks] {
        for lost in [None, Some(FaultAction::DropAnswer)] {
            let site = Site::reading(|spec| spec.refresh = refresh);
            let failover = site.plan_to(None).await;
            if let Some(action) = lost {
                site.simulator
                    .world()
                    .faults_mut()
                    .add(FaultRule::new(START, action));
            }
            assert_eq!(
                site.move_to(&failover).await.unwrap(),
                DpuStart::Asked,
                "{refresh:?}"
            );
            assert_eq!(site.network.verify(&failover).await.unwrap(), DpuVerdict::Moved);
            assert_eq!(site.move_to(&failover).await.unwrap(), DpuStart::AlreadyActive);
            assert_eq!((site.truth(), site.requests()), ((1, 1), 1), "{refresh:?}");
        }
    }
}

/// The switch has moved by itself, and the host shows the uplinks as they were: a request would move it back.
#[tokio::test(start_paused = true)]
async fn a_move_that_the_host_does_not_show_by_itself_is_not_undone() {
    let site = Site::reading(|spec| spec.refresh = Refresh::HostLooks);
    let failover = site.plan_to(None).await;
    for card in ["vmnic4", "vmnic5"] {
        let flap = FaultAction::FlapLink {
            host: HOST.to_owned(),
            card: card.to_owned(),
            down_ms: 60_000,
            up_ms: 0,
        };
        site.simulator.world().add_fault(FaultRule::any(flap)).unwrap();
    }
    site.clock.sleep(Duration::from_secs(10)).await;
    assert_eq!(site.truth(), (1, 1));
    assert_eq!(
        Some(&site.seen().await),
        failover.from(),
        "the host does not show it"
    );
    assert_eq!(site.move_to(&failover).await.unwrap(), DpuStart::AlreadyActive);
    assert_eq!((site.truth(), site.requests()), ((1, 1), 0));
}

/// The move is not seen for want of a refresh, so that is what the end of the wait tells.
#[tokio::test(start_paused = true)]
async fn a_wait_that_cannot_have_the_host_look_says_so() {
    let site = Site::reading(|spec| spec.refresh = Refresh::HostLooks);
    let failover = site.plan_to(None).await;
    assert_eq!(
        site.network.start(&failover, None).await.unwrap(),
        DpuStart::Asked
    );
    let refuse = FaultAction::Refuse {
        status: 500,
        body: None,
        retry_after: None,
    };
    let rule = FaultRule::new("HostNetworkSystem_RefreshNetworkSystem", refuse);
    site.simulator.world().faults_mut().add(rule.times(None));
    let work = site.network.operation(&failover);
    let limit = Duration::from_secs(30);
    let waited = work.until_done(limit, site.clock.as_ref(), PollPolicy::default());
    let error = waited.await.unwrap_err();
    assert!(
        matches!(error.source.kind(), WaitErrorKind::Deadline { .. }),
        "{error:?}"
    );
    let refused = error.unread.as_ref().and_then(|unread| unread.call()).unwrap();
    assert_eq!(refused.operation().id, "HostNetworkSystem_RefreshNetworkSystem");
    assert_eq!(site.truth(), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_vcenter_itself_knows_of_the_uplinks_is_no_word_on_a_move() {
    for vcenter_view in [VcenterView::Soon, VcenterView::Late, VcenterView::Never] {
        let site = Site::reading(|spec| {
            spec.vcenter_view = vcenter_view;
            spec.refresh = Refresh::Nothing;
        });
        let first = site.seen().await;
        let there = site.plan_to(None).await;
        assert_eq!(
            site.move_to(&there).await.unwrap(),
            DpuStart::Asked,
            "{vcenter_view:?}"
        );
        assert_eq!(site.truth(), (1, 1), "{vcenter_view:?}");
        assert_eq!(site.seen().await, *there.to(), "{vcenter_view:?}");
        assert_ne!(site.seen().await, first);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_meets_a_lost_host_is_unknown_and_names_the_fault() {
    for (lost_host, fault) in [
        (LostHost::NotConnected, "HostNotConnected"),
        (LostHost::Communication, "HostCommunication"),
        (LostHost::SystemError, "SystemError"),
    ] {
        let site = Site::reading(|spec| spec.lost_host = lost_host);
        let failover = site.plan_to(None).await;
        let host = site.network.host(HOST).await.unwrap();
        {
            let mut world = site.simulator.world();
            world
                .hosts_mut()
                .set_trouble(HOST, HostTrouble::Disconnected, true);
        }
        let sent = site.network.start_dpu_failover(&host, SWITCH, None).await;
        let error = sent.unwrap_err();
        let call = error.call().unwrap();
        assert_eq!(call.fault().unwrap().type_name(), fault);
        assert_eq!(call.effect(), Effect::Unknown, "it may have reached the host");
        // A look finds out before the next one, and nothing is sent to a host that cannot be looked at.
        match site.move_to(&failover).await.unwrap_err() {
            DpuFailoverError::Start(HostNetworkError::Call { source, .. }) => {
                assert_eq!(source.fault().unwrap().type_name(), fault);
                assert_eq!(source.operation().id, "HostNetworkSystem_RefreshNetworkSystem");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!((site.truth(), site.requests()), ((0, 0), 1));
    }
}

/// The look before the request is no request: nobody has to wait for a move that nobody asked for.
#[tokio::test(start_paused = true)]
async fn a_look_that_is_lost_is_not_taken_for_a_request_that_is() {
    let site = Site::reading(|_| {});
    let failover = site.plan_to(None).await;
    let silence = FaultAction::Silence { acted: false };
    let rule = FaultRule::new("HostNetworkSystem_RefreshNetworkSystem", silence);
    site.simulator.world().faults_mut().add(rule);
    match site.move_to(&failover).await.unwrap_err() {
        DpuFailoverError::Start(error) => assert_eq!(error.call().unwrap().effect(), Effect::Unknown),
        other => panic!("{other:?}"),
    }
    assert_eq!((site.truth(), site.requests()), ((0, 0), 0));
}

#[tokio::test(start_paused = true)]
async fn a_release_without_the_method_is_named_however_it_says_so() {
    for (unknown_method, status) in [
        (UnknownMethod::MethodNotFound, 500),
        (UnknownMethod::InvalidRequest, 500),
        (UnknownMethod::NotFound, 404),
    ] {
        let mut form = ViJsonSpec::default();
        form.unknown_method = unknown_method;
        let world = WorldSpec::pair(7)
            .groups(0)
            .replications(0)
            .releases(&["8.0.2.0"])
            .vi_json(form);
        let site = Site::of(world, DpuSpec::default());
        let host = site.network.host(HOST).await.unwrap();
        let error = site.network.start_dpu_failover(&host, SWITCH, None).await;
        let error = error.unwrap_err();
        assert!(error.to_string().contains("release 8.0.3"), "{error}");
        let call = error.call().unwrap();
        assert_eq!(
            (call.status().unwrap().as_u16(), call.effect()),
            (status, Effect::Refused)
        );
        assert_eq!(site.truth(), (0, 0));
    }
}
