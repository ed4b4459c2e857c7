//! DPU failovers.

use std::time::Duration;

use farside_host_network::{
    Certainty, DistributedSwitch, DpuFailover, DpuFailoverError, DpuId, DpuStart, DpuVerdict, Host,
    HostNetworkError, Obstacle, SwitchDpus, Told, obstacles, switch_named,
};
use farside_simulator::dpu::{DpuSpec, HostTrouble, SwitchTrouble};
use farside_simulator::{FaultAction, FaultRule, WorldSpec};
use farside_transport::{CallError, Clock as _, Effect, OperationId, PollPolicy, TaskStatus, WaitErrorKind};

use crate::support::Site;

const START: &str = "HostNetworkSystem_startDpuFailover";

impl Site {
    async fn host(&self) -> Host {
        self.network.host("host-21").await.unwrap()
    }

    async fn active(&self) -> DpuId {
        dpus(&self.host().await).active().unwrap()
    }

    async fn switch(&self, host: &Host) -> DistributedSwitch {
        self.network.switch(host, "dvs-west").await.unwrap()
    }

    /// What speaks against a failover, for certain and as far as it is not known.
    async fn against(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        let host = self.host().await;
        let found = obstacles(&host, &dpus(&host), &self.switch(&host).await, None);
        let of = |certainty| {
            let found = found
                .iter()
                .filter(move |obstacle| obstacle.certainty == certainty);
            found.map(|obstacle: &Obstacle| obstacle.what).collect()
        };
        (of(Certainty::Certain), of(Certainty::Unknown))
    }

    fn switch_trouble(&self, trouble: SwitchTrouble) {
        let mut world = self.simulator.world();
        assert!(world.hosts_mut().set_switch_trouble("dvs-21", trouble, true));
    }

    fn trouble(&self, trouble: HostTrouble) {
        assert!(
            self.simulator
                .world()
                .hosts_mut()
                .set_trouble("host-21", trouble, true)
        );
    }

    fn calls(&self) -> (u64, u64, u64) {
        let counts = self.simulator.world().calls().of(START);
        (counts.attempts, counts.accepted, counts.effects)
    }

    async fn refusal(&self, switch: &str, alias: Option<&str>) -> CallError {
        let host = self.host().await;
        match self.network.start_dpu_failover(&host, switch, alias).await {
            Err(HostNetworkError::Call { source, .. }) => source,
            other => panic!("not refused: {other:?}"),
        }
    }
}

fn dpus(host: &Host) -> SwitchDpus {
    SwitchDpus::of(switch_named(host, "dvs-west").unwrap(), &host.nics)
}

#[tokio::test(start_paused = true)]
async fn a_host_is_read_with_its_switch_and_its_dpus() {
    let site = Site::new();
    let host = site.host().await;
    assert_eq!(
        (host.id.as_str(), host.network_system.value.as_str()),
        ("host-21", "networkSystem-21")
    );
    assert_eq!(
        (host.name.as_deref(), host.connection.value().map(String::as_str)),
        (Some("esx-21.west.sim.invalid"), Some("connected"))
    );
    assert_eq!(host.release, "8.0.3.0");
    let dpus = dpus(&host);
    assert!(dpus.offloaded);
    let switch = site.switch(&host).await;
    assert_eq!(obstacles(&host, &dpus, &switch, None), []);
    let known = site
        .simulator
        .world()
        .hosts()
        .host("host-21")
        .unwrap()
        .dpus
        .clone();
    assert_eq!(dpus.active().unwrap().as_str(), known[0].id);
    assert_eq!(dpus.standby().first().unwrap().as_str(), known[1].id);
    assert!(switch_named(&host, "dvs-east").is_none());
}

#[tokio::test(start_paused = true)]
async fn the_uplinks_move_after_the_answer() {
    for alias in [None, Some("vmdpu1")] {
        let site = Site::new();
        let before = site.active().await;
        let host = site.host().await;
        site.network
            .start_dpu_failover(&host, "dvs-west", alias)
            .await
            .unwrap();
        assert_eq!(
            site.active().await,
            before,
            "the answer says that the call was taken, not that the switch moved"
        );
        site.clock.sleep(Duration::from_secs(5)).await;
        site.network.refresh(&host).await.unwrap();
        let after = dpus(&site.host().await);
        assert_ne!(after.active().unwrap(), before);
        assert!(after.standby().contains(&before));
        assert_eq!(site.calls(), (1, 1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn what_keeps_a_failover_from_being_asked_for_is_seen_before() {
    for (trouble, what) in [
        (
            HostTrouble::NotOffloaded,
            "network offload of the switch on this host",
        ),
        (HostTrouble::StandbyDown, "link of the standby DPU"),
        (HostTrouble::PartialMaintenance, "partial maintenance mode"),
        (HostTrouble::Disconnected, "connection of the host"),
    ] {
        let site = Site::new();
        site.trouble(trouble);
        let found = site.against().await;
        assert!(found.0.contains(&what), "{trouble:?}: {found:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_switch_is_read_with_what_it_can_do_and_how_it_is_set_up() {
    let site = Site::new();
    let host = site.host().await;
    let switch = site.switch(&host).await;
    let reference = switch.object.as_ref().unwrap();
    assert_eq!(
        (
            reference.type_.as_str(),
            reference.value.as_str(),
            switch.name.as_str()
        ),
        ("VmwareDistributedVirtualSwitch", "dvs-21", "dvs-west")
    );
    let capability = switch.capability.value().unwrap();
    assert_eq!(
        (
            capability.network_offload_supported,
            capability.active_standby_mode_supported
        ),
        (Some(true), Some(true))
    );
    assert_eq!(switch.offload_spec, Told::Value("sim-dpu-offload-1".to_owned()));
    let policy = switch.policy.value().unwrap();
    assert_eq!(policy.active_uplink, ["uplink1", "uplink2"]);
    assert_eq!(policy.standby_uplink, ["uplink3", "uplink4"]);
}

#[tokio::test(start_paused = true)]
async fn each_trouble_of_a_switch_is_told_alone_and_the_call_refused() {
    for (trouble, what) in [
        (
            SwitchTrouble::KnowsNoDpus,
            "what the version of the switch can do",
        ),
        (
            SwitchTrouble::NoStandbyMode,
            "what the version of the switch can do",
        ),
        (SwitchTrouble::NoStandbyUplink, "failover policy of the switch"),
        (SwitchTrouble::NoPolicy, "failover policy of the switch"),
    ] {
        let site = Site::new();
        site.switch_trouble(trouble);
        assert_eq!(site.against().await, (vec![what], vec![]), "{trouble:?}");
        assert_eq!(site.refusal("dvs-west", None).await.effect(), Effect::Refused);
    }
    for trouble in [SwitchTrouble::OffloadUnset, SwitchTrouble::OffloadNone] {
        let site = Site::new();
        site.switch_trouble(trouble);
        // Without an offload there is no policy either.
        let both = vec!["network offload of the switch", "failover policy of the switch"];
        assert_eq!(site.against().await, (both, vec![]), "{trouble:?}");
        assert_eq!(site.refusal("dvs-west", None).await.effect(), Effect::Refused);
    }
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_may_not_be_read_is_unknown_and_keeps_nothing_from_being_planned() {
    let all = vec![
        "what the version of the switch can do",
        "network offload of the switch",
        "failover policy of the switch",
    ];
    for trouble in [SwitchTrouble::Hidden, SwitchTrouble::Invisible] {
        let site = Site::new();
        site.switch_trouble(trouble);
        assert_eq!(site.against().await, (vec![], all.clone()), "{trouble:?}");
        let host = site.host().await;
        let failover = DpuFailover::plan(&host, &site.switch(&host).await, None).unwrap();
        assert_eq!(fail_over(&site, &failover).await.unwrap(), DpuStart::Asked);
    }
    let site = Site::new();
    let refused = FaultAction::Refuse {
        status: 403,
        body: None,
        retry_after: None,
    };
    let rule = FaultRule::new("ViewManager_CreateContainerView", refused);
    site.simulator.world().faults_mut().add(rule);
    assert_eq!(site.against().await, (vec![], all));
}

#[tokio::test(start_paused = true)]
async fn a_switch_of_which_vcenter_says_nothing_because_it_is_away_is_an_error() {
    let site = Site::new();
    let host = site.host().await;
    site.simulator.world().set_reachable("vc-west", false);
    let error = site.network.switch(&host, "dvs-west").await.unwrap_err();
    assert!(error.call().unwrap().fault().is_none(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn an_earlier_release_has_no_failover_and_its_host_is_read_all_the_same() {
    let world = WorldSpec::pair(7)
        .groups(0)
        .replications(0)
        .releases(&["8.0.2.0"]);
    let site = Site::of(world, DpuSpec::default());
    let host = site.host().await;
    assert_eq!(host.release, "8.0.2.0");
    let unseen = vec!["states of the uplinks"];
    assert_eq!(site.against().await, (vec!["release of VI JSON"], unseen));
    let (dpus, switch) = (dpus(&host), site.switch(&host).await);
    assert!(dpus.offloaded && dpus.uplinks.is_empty());
    assert!(matches!(switch.policy, Told::Unset), "{switch:?}");
    assert!(matches!(host.partial_maintenance, Told::Unset), "{host:?}");
    let found = obstacles(&host, &dpus, &switch, None);
    let seen: Vec<&str> = found.iter().map(|obstacle| obstacle.seen.as_str()).collect();
    assert_eq!(seen, ["8.0.2.0", "unknown: release 8.0.2.0 does not show them"]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_that_nothing_was_done() {
    for (trouble, fault) in [
        (HostTrouble::NotOffloaded, "InvalidArgument"),
        (HostTrouble::StandbyDown, "InvalidArgument"),
        (HostTrouble::PartialMaintenance, "MethodDisabled"),
    ] {
        let site = Site::new();
        site.trouble(trouble);
        let error = site.refusal("dvs-west", None).await;
        assert_eq!(error.fault().unwrap().type_name(), fault, "{trouble:?}");
        assert_eq!(error.effect(), Effect::Refused, "{trouble:?}");
        assert_eq!(site.calls(), (1, 0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_switch_and_a_wrong_alias_are_refused() {
    let site = Site::new();
    for (switch, alias) in [
        ("dvs-east", None),
        ("dvs-west", Some("vmdpu0")),
        ("dvs-west", Some("vmdpu7")),
    ] {
        let error = site.refusal(switch, alias).await;
        assert_eq!(error.fault().unwrap().type_name(), "InvalidArgument");
        assert_eq!(error.effect(), Effect::Refused);
    }
    assert_eq!(site.calls().2, 0);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_exist_is_told() {
    let site = Site::new();
    let error = site.network.host("host-99").await.unwrap_err();
    let fault = error.call().unwrap().fault().unwrap().type_name().to_owned();
    assert_eq!(fault, "ManagedObjectNotFound");
    assert!(error.to_string().contains("host-99"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_unknown_and_nothing_is_sent_again() {
    for action in [FaultAction::DropAnswer, FaultAction::Cut] {
        let site = Site::new();
        let host = site.host().await;
        site.simulator
            .world()
            .faults_mut()
            .add(FaultRule::new(START, action));
        let error = site
            .network
            .start_dpu_failover(&host, "dvs-west", None)
            .await
            .unwrap_err();
        assert_eq!(error.call().unwrap().effect(), Effect::Unknown);
        site.clock.sleep(Duration::from_secs(60)).await;
        assert_eq!(site.calls().0, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn reads_outlive_their_session() {
    let site = Site::new();
    let before = site.active().await;
    // The collector answers 200 with nothing but NotAuthenticated in it.
    let rule = FaultRule::new("PropertyCollector_RetrievePropertiesEx", FaultAction::EndSessions);
    site.simulator.world().faults_mut().add(rule);
    assert_eq!(site.active().await, before);
    site.vim.close().await.unwrap();
}

/// A switch that has moved by itself meanwhile would be moved back.
#[tokio::test(start_paused = true)]
async fn a_request_that_met_a_dead_session_is_sent_again_after_another_look() {
    let site = Site::new();
    let failover = site.planned().await;
    let looks = || {
        let world = site.simulator.world();
        world
            .calls()
            .of("PropertyCollector_RetrievePropertiesEx")
            .attempts
    };
    let before = looks();
    let rule = FaultRule::new("HostNetworkSystem_startDpuFailover", FaultAction::EndSessions);
    site.simulator.world().faults_mut().add(rule);
    assert_eq!(
        site.network.start(&failover, None).await.unwrap(),
        DpuStart::Asked
    );
    // Each look reads the host, lets it look at itself, and reads it again.
    assert_eq!((site.calls().0, looks() - before), (2, 4));
    site.vim.close().await.unwrap();
}

impl Site {
    async fn planned(&self) -> DpuFailover {
        let host = self.host().await;
        DpuFailover::plan(&host, &self.switch(&host).await, None).unwrap()
    }
}

async fn fail_over(site: &Site, failover: &DpuFailover) -> Result<DpuStart, DpuFailoverError> {
    let limit = Duration::from_secs(120);
    let policy = PollPolicy::default();
    site.network
        .fail_over(failover, Some("vmdpu1"), limit, policy)
        .await
}

#[tokio::test(start_paused = true)]
async fn a_failover_is_asked_for_once_and_seen_in_the_uplinks() {
    let site = Site::new();
    let host = site.host().await;
    let failover = site.planned().await;
    assert_eq!(failover.from(), dpus(&host).active().as_ref());
    assert_eq!(
        site.network.verify(&failover).await.unwrap(),
        DpuVerdict::Unchanged
    );
    assert_eq!(fail_over(&site, &failover).await.unwrap(), DpuStart::Asked);
    assert_eq!(site.active().await, *failover.to());
    assert_eq!(site.network.verify(&failover).await.unwrap(), DpuVerdict::Moved);
    assert_eq!(site.calls(), (1, 1, 1));
}

/// Whether a move goes on after the answer or has ended by then is stated nowhere; an answer that is lost tells even less.
#[tokio::test(start_paused = true)]
async fn a_move_that_has_ended_when_it_is_answered_is_seen_and_not_asked_for_again() {
    for loses in [false, true] {
        let mut spec = DpuSpec::default();
        spec.moves_at_once = true;
        let site = Site::with(spec);
        let failover = site.planned().await;
        if loses {
            let lost = FaultRule::new(START, FaultAction::DropAnswer);
            site.simulator.world().faults_mut().add(lost);
        }
        assert_eq!(fail_over(&site, &failover).await.unwrap(), DpuStart::Asked);
        assert_eq!(site.active().await, *failover.to());
        assert_eq!(site.network.verify(&failover).await.unwrap(), DpuVerdict::Moved);
        assert_eq!(site.calls(), (1, 1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_when_the_wanted_dpu_is_active_already() {
    let site = Site::new();
    let host = site.host().await;
    let active = dpus(&host).active().unwrap();
    let failover = DpuFailover::plan(&host, &site.switch(&host).await, Some(&active)).unwrap();
    assert_eq!(
        fail_over(&site, &failover).await.unwrap(),
        DpuStart::AlreadyActive
    );
    let there = site.planned().await;
    assert_eq!(fail_over(&site, &there).await.unwrap(), DpuStart::Asked);
    assert_eq!(fail_over(&site, &there).await.unwrap(), DpuStart::AlreadyActive);
    assert_eq!(site.calls(), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_cuts_its_own_connection_is_seen_to_its_end() {
    for action in [FaultAction::DropAnswer, FaultAction::Silence { acted: true }] {
        let site = Site::new();
        let failover = site.planned().await;
        site.simulator
            .world()
            .faults_mut()
            .add(FaultRule::new(START, action));
        assert_eq!(fail_over(&site, &failover).await.unwrap(), DpuStart::Asked);
        assert_eq!(site.active().await, *failover.to());
        assert_eq!(site.calls(), (1, 1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_unless_the_dpu_of_the_plan_is_seen_to_work() {
    let site = Site::new();
    let host = site.host().await;
    let planned = site.planned().await;
    // Moved by itself meanwhile, to a DPU that is neither of the two.
    let elsewhere: DpuFailover = serde_json::from_value(serde_json::json!({
        "host": host.id, "switch": "dvs-west", "from": "dpu-a", "to": "dpu-b",
    }))
    .unwrap();
    // Planned when it was not seen which one works.
    let blind: DpuFailover = serde_json::from_value(serde_json::json!({
        "host": host.id, "switch": "dvs-west", "from": null, "to": planned.to(),
    }))
    .unwrap();
    let working = planned.from().unwrap().as_str();
    for failover in [&elsewhere, &blind] {
        assert_unclear(&site, failover, working).await;
    }
    // The host tells no states any more.
    site.trouble(HostTrouble::NotOffloaded);
    assert_unclear(&site, &planned, "no uplink states").await;
}

/// A failover is not asked for, and the error says what was seen.
async fn assert_unclear(site: &Site, failover: &DpuFailover, seen: &str) {
    match fail_over(site, failover).await.unwrap_err() {
        DpuFailoverError::Start(error) => {
            assert!(error.call().is_none(), "{error:?}");
            let text = error.to_string();
            assert!(text.contains(seen) && text.contains("nothing was sent"), "{text}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(site.calls().0, 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_failover_is_not_waited_for() {
    let site = Site::new();
    let failover = site.planned().await;
    site.trouble(HostTrouble::PartialMaintenance);
    let began = site.clock.elapsed();
    match fail_over(&site, &failover).await.unwrap_err() {
        DpuFailoverError::Start(error) => assert_eq!(error.call().unwrap().effect(), Effect::Refused),
        other => panic!("{other:?}"),
    }
    assert!(site.clock.elapsed() - began < Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_move_that_does_not_come_ends_at_the_deadline_and_says_what_happened_to_the_request() {
    let site = Site::new();
    let failover = site.planned().await;
    // The request is lost before the host has it, which the caller cannot know.
    let rule = FaultRule::new(START, FaultAction::Cut);
    site.simulator.world().faults_mut().add(rule);
    let error = fail_over(&site, &failover).await.unwrap_err();
    match &error {
        DpuFailoverError::Wait { source, start, .. } => {
            assert!(
                matches!(source.kind(), WaitErrorKind::Deadline { .. }),
                "{source:?}"
            );
            assert!(start.is_some());
        }
        other => panic!("{other:?}"),
    }
    assert!(error.to_string().contains("had no answer"), "{error}");
    assert_eq!(
        site.network.verify(&failover).await.unwrap(),
        DpuVerdict::Unchanged
    );
    assert_eq!(site.calls().2, 0);
}

#[tokio::test(start_paused = true)]
async fn a_stored_failover_is_looked_for_by_another_process() {
    let site = Site::new();
    let failover = site.planned().await;
    assert_eq!(
        site.network.start(&failover, None).await.unwrap(),
        DpuStart::Asked
    );
    let stored = serde_json::to_string(site.network.operation(&failover).id()).unwrap();
    let work = site
        .network
        .attach(serde_json::from_str(&stored).unwrap())
        .unwrap();
    let limit = Duration::from_secs(60);
    work.until_done(limit, site.clock.as_ref(), PollPolicy::default())
        .await
        .unwrap();
    assert_eq!(site.active().await, *failover.to());
}

#[tokio::test(start_paused = true)]
async fn an_id_of_another_vcenter_or_kind_is_not_waited_for() {
    let site = Site::new();
    let own = site.network.operation(&site.planned().await).id().clone();
    for (kind, endpoint) in [(own.kind.as_str(), "vc-east"), ("vim-task", "vc-west")] {
        let id = OperationId::new(kind, endpoint, own.id.as_str());
        let error = site.network.attach(id.clone()).unwrap_err();
        assert_eq!(error.id, id);
        assert!(
            error.to_string().ends_with("is no dpu-failover of vc-west"),
            "{error}"
        );
    }
    let broken = OperationId::new(own.kind.as_str(), own.endpoint.as_str(), "{\"host\":\"host-21\"}");
    let error = site.network.attach(broken).unwrap_err();
    assert!(error.reason.as_deref().unwrap().contains("switch"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_a_move_outlives_half_a_minute_without_a_listener() {
    let site = Site::new();
    let failover = site.planned().await;
    site.network.start(&failover, None).await.map(drop).unwrap();
    site.simulator.world().restart_vcenter("vc-west", 30_000);
    let limit = Duration::from_secs(300);
    let work = site.network.operation(&failover);
    work.until_done(limit, site.clock.as_ref(), PollPolicy::default())
        .await
        .unwrap();
}

/// Answers to a look at a host: vCenter does not reach it, does not know it, or may not show its switches.
fn blind_looks() -> [FaultAction; 3] {
    let answer = |status: u16, body: serde_json::Value| FaultAction::Refuse {
        status,
        body: Some(body),
        retry_after: None,
    };
    let fault = serde_json::json!({"_typeName": "HostCommunication"});
    let host =
        serde_json::json!({"_typeName": "ManagedObjectReference", "type": "HostSystem", "value": "host-21"});
    let system = serde_json::json!({
        "_typeName": "ManagedObjectReference", "type": "HostNetworkSystem", "value": "networkSystem-21",
    });
    let hidden = serde_json::json!({
        "_typeName": "ObjectContent",
        "obj": host,
        "propSet": [{"_typeName": "DynamicProperty", "name": "configManager.networkSystem", "val": system}],
        "missingSet": [{
            "_typeName": "MissingProperty",
            "path": "config.network.proxySwitch",
            "fault": {"_typeName": "LocalizedMethodFault", "fault": fault},
        }],
    });
    let objects = |objects: &[&serde_json::Value]| {
        answer(
            200,
            serde_json::json!({"_typeName": "RetrieveResult", "objects": objects}),
        )
    };
    [answer(500, fault.clone()), objects(&[]), objects(&[&hidden])]
}

#[tokio::test(start_paused = true)]
async fn a_host_that_cannot_be_read_for_a_while_does_not_end_the_wait_for_its_move() {
    for look in blind_looks() {
        let site = Site::new();
        let failover = site.planned().await;
        // The call cuts its own connection, and after it the host is not seen; the first two reads are those before the call.
        let blind = FaultRule::new("PropertyCollector_RetrievePropertiesEx", look)
            .from_nth(3)
            .times(Some(6));
        for rule in [FaultRule::new(START, FaultAction::DropAnswer), blind] {
            site.simulator.world().faults_mut().add(rule);
        }
        let began = site.clock.elapsed();
        assert_eq!(fail_over(&site, &failover).await.unwrap(), DpuStart::Asked);
        assert!(site.clock.elapsed() - began > Duration::from_secs(5));
        assert_eq!(site.calls(), (1, 1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_not_seen_until_the_deadline_is_told_with_the_reason() {
    for (look, words) in blind_looks()
        .into_iter()
        .zip(["failed", "no host of this id", "does not show"])
    {
        let site = Site::new();
        let failover = site.planned().await;
        let blind = FaultRule::new("PropertyCollector_RetrievePropertiesEx", look).from_nth(3);
        site.simulator.world().faults_mut().add(blind.times(None));
        let error = fail_over(&site, &failover).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        let DpuFailoverError::Wait { source, .. } = error else {
            panic!("{error:?}")
        };
        assert!(
            matches!(source.kind(), WaitErrorKind::Deadline { .. }),
            "{source:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_a_stored_failover_tells_why_the_host_is_not_seen() {
    for (look, words) in
        blind_looks()
            .into_iter()
            .zip(["the call failed", "no host of this id", "does not show"])
    {
        let site = Site::new();
        let failover = site.planned().await;
        site.network.start(&failover, None).await.map(drop).unwrap();
        let blind = FaultRule::new("PropertyCollector_RetrievePropertiesEx", look);
        site.simulator.world().faults_mut().add(blind.times(Some(30)));
        let started = site.network.operation(&failover);
        let stored = site.network.attach(started.id().clone()).unwrap();
        for work in [started, stored] {
            assert!(work.unread().is_none(), "nobody has looked");
            let limit = Duration::from_secs(5);
            let waited = work.until_done(limit, site.clock.as_ref(), PollPolicy::default());
            let error = waited.await.unwrap_err();
            assert!(
                matches!(error.source.kind(), WaitErrorKind::Deadline { .. }),
                "{error:?}"
            );
            let unread = error.unread.as_ref().unwrap().to_string();
            assert!(unread.contains(words), "{unread}");
            assert!(error.to_string().contains(&unread), "{error}");
            assert!(matches!(
                work.remote().poll().await,
                Ok(TaskStatus::Running { .. })
            ));
            assert!(work.unread().unwrap().to_string().contains(words));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_keeps_a_failover_from_being_planned_is_named() {
    let site = Site::new();
    let host = site.host().await;
    let north = site.network.switch(&host, "dvs-north").await.unwrap();
    let none = DpuFailover::plan(&host, &north, None).unwrap_err();
    assert_eq!(none[0].what, "switch of this name on the host");
    let strange = DpuId::new("no-such-dpu");
    let none = DpuFailover::plan(&host, &site.switch(&host).await, Some(&strange)).unwrap_err();
    assert_eq!(none[0].what, "wanted DPU");
}
