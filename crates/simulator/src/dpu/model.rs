//! The DPUs of a host against a model of them: random calls, legal and illegal, links that go and come, switches that are
//! reconfigured, hosts in trouble, and time.

use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::{Config, TestCaseError};
use proptest::{prop_assert, prop_assert_eq};
use serde_json::{Value, json};

use super::{DpuSpec, HostTrouble, link};
use crate::spec::WorldSpec;
use crate::testbench::Bench;

const EAST: &str = "vc-east";
const HOST: &str = "host-11";
const SYSTEM: &str = "/HostNetworkSystem/networkSystem-11";
/// The cards of the two DPUs, and their uplinks.
const CARDS: [[&str; 2]; 2] = [["vmnic4", "vmnic5"], ["vmnic6", "vmnic7"]];
const UPLINKS: [[&str; 2]; 2] = [["uplink1", "uplink2"], ["uplink3", "uplink4"]];
const ALIASES: [&str; 2] = ["vmdpu0", "vmdpu1"];
/// All that was begun has ended by then: four calls in a row take ten seconds.
const SETTLED_MS: i64 = 30_000;

/// Where a call should lead: nowhere in particular, to a DPU, or to one that is not there.
#[derive(Debug, Clone, Copy)]
enum To {
    Either,
    Dpu(usize),
    Stranger,
}

/// What a switch is told about its uplinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    /// Those of this DPU are active, those of the other one on standby.
    Active(usize),
    /// None is on standby.
    NoStandby,
    /// Active ones behind both DPUs.
    Torn,
    /// An uplink that the switch does not have.
    Stranger,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Start {
        to: To,
        known_switch: bool,
        old_release: bool,
    },
    /// One card, or both.
    Link {
        dpu: usize,
        card: usize,
        up: bool,
    },
    Trouble {
        trouble: HostTrouble,
        on: bool,
    },
    Reconfigure(Policy),
    Refresh,
}

fn step() -> impl Strategy<Value = Step> {
    let to = prop_oneof![
        4 => Just(To::Either),
        2 => (0..2_usize).prop_map(To::Dpu),
        1 => Just(To::Stranger),
    ];
    let start = (to, 0..10_u8, 0..10_u8).prop_map(|(to, switch, release)| Step::Start {
        to,
        known_switch: switch > 0,
        old_release: release == 0,
    });
    let link =
        (0..2_usize, 0..4_usize, any::<bool>()).prop_map(|(dpu, card, up)| Step::Link { dpu, card, up });
    let trouble = prop_oneof![
        Just(HostTrouble::NotOffloaded),
        Just(HostTrouble::StandbyDown),
        Just(HostTrouble::PartialMaintenance),
        Just(HostTrouble::Disconnected),
    ];
    let trouble = (trouble, 0..3_u8).prop_map(|(trouble, on)| Step::Trouble { trouble, on: on == 0 });
    let policy = prop_oneof![
        4 => (0..2_usize).prop_map(Policy::Active),
        1 => Just(Policy::NoStandby),
        1 => Just(Policy::Torn),
        1 => Just(Policy::Stranger),
    ];
    prop_oneof![
        5 => start,
        3 => link,
        2 => trouble,
        1 => policy.prop_map(Step::Reconfigure),
        1 => Just(Step::Refresh),
    ]
}

/// All that the model knows.
#[derive(Debug, Clone)]
struct Model {
    active: usize,
    linked: [[bool; 2]; 2],
    troubles: Vec<HostTrouble>,
    /// The DPU whose uplinks are configured as standby.
    standby: Option<usize>,
    toggles: bool,
}

impl Model {
    fn has(&self, trouble: HostTrouble) -> bool {
        self.troubles.contains(&trouble)
    }

    fn usable(&self, dpu: usize) -> bool {
        let down = dpu != self.active && self.has(HostTrouble::StandbyDown);
        self.linked[dpu].contains(&true) && !down
    }

    /// Whether the switch is at a DPU without a link, and may leave it.
    fn is_stranded(&self) -> bool {
        let may_move = self.standby.is_some() && !self.has(HostTrouble::NotOffloaded);
        may_move && !self.usable(self.active) && self.usable(1 - self.active)
    }

    /// The fault that a call is refused with, if it is.
    fn refuses(&self, to: To, known_switch: bool, old_release: bool) -> Option<&'static str> {
        let standby = 1 - self.active;
        if old_release {
            return Some("MethodNotFound");
        }
        if self.has(HostTrouble::Disconnected) {
            return Some("HostNotConnected");
        }
        if self.has(HostTrouble::PartialMaintenance) {
            return Some("MethodDisabled");
        }
        let offloaded = !self.has(HostTrouble::NotOffloaded);
        let led = match to {
            To::Either => true,
            To::Dpu(dpu) => dpu == standby,
            To::Stranger => false,
        };
        let configured = self.toggles || self.standby == Some(standby);
        let taken =
            known_switch && offloaded && self.standby.is_some() && self.usable(standby) && configured && led;
        (!taken).then_some("InvalidArgument")
    }
}

/// The DPU whose uplinks the host shows as active; `None` if it shows none at all. They are never torn.
fn shown(bench: &mut Bench) -> Result<Option<usize>, TestCaseError> {
    let info = bench.get(EAST, &format!("{SYSTEM}/networkInfo")).value();
    let states = &info["proxySwitch"][0]["hostUplinkState"];
    if states.is_null() {
        return Ok(None);
    }
    let of = |wanted: &str| -> Vec<&str> {
        let states = states.as_array().into_iter().flatten();
        let states = states.filter(|state| state["state"] == wanted);
        states.filter_map(|state| state["uplinkName"].as_str()).collect()
    };
    let active = (0..2).find(|dpu| of("active") == UPLINKS[*dpu]);
    prop_assert!(active.is_some(), "{states}");
    prop_assert_eq!(of("standby"), UPLINKS[1 - active.unwrap_or_default()]);
    Ok(active)
}

fn fault(answer: &crate::exchange::Answer) -> Option<String> {
    let value = answer.value();
    value["_typeName"]
        .as_str()
        .filter(|_| answer.status == 500)
        .map(str::to_owned)
}

fn start(bench: &mut Bench, to: To, known_switch: bool, old_release: bool) -> Option<String> {
    let mut body = json!({"dvsName": if known_switch { "dvs-east" } else { "dvs-west" }});
    match to {
        To::Either => {}
        To::Dpu(dpu) => body["targetDpuAlias"] = json!(ALIASES[dpu]),
        To::Stranger => body["targetDpuAlias"] = json!("vmdpu7"),
    }
    let release = if old_release { "8.0.2.0" } else { "8.0.3.0" };
    let path = format!("/sdk/vim25/{release}{SYSTEM}/startDpuFailover");
    let request = crate::exchange::Request::new(http::Method::POST, &path).json(&body);
    let request = bench.with_session(EAST, request);
    let answer = bench.send(EAST, &request);
    assert!(answer.status == 204 || answer.status == 500, "{}", answer.value());
    fault(&answer)
}

fn policy_of(policy: Policy) -> Value {
    let (active, standby): (Vec<&str>, Vec<&str>) = match policy {
        Policy::Active(dpu) => (UPLINKS[dpu].to_vec(), UPLINKS[1 - dpu].to_vec()),
        Policy::NoStandby => (UPLINKS[0].to_vec(), Vec::new()),
        Policy::Torn => (vec!["uplink1", "uplink3"], vec!["uplink2"]),
        Policy::Stranger => (vec!["uplink1"], vec!["uplink9"]),
    };
    json!({"spec": {
        "_typeName": "VMwareDVSConfigSpec",
        "networkOffloadConfig": {
            "_typeName": "VmwareDistributedVirtualSwitchNetworkOffloadConfig",
            "dpuFailoverPolicy": {
                "_typeName": "VmwareDistributedVirtualSwitchDpuFailoverPolicy",
                "activeUplink": active,
                "standbyUplink": standby,
            },
        },
    }})
}

/// What a step may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leads {
    Nowhere,
    /// A call was taken: to the other DPU.
    Over,
    /// The host looks at its links: away from a DPU that has none.
    Away,
}

/// Takes a step in the world and in the model, and compares the answers.
fn take(bench: &mut Bench, model: &mut Model, step: Step) -> Result<Leads, TestCaseError> {
    match step {
        Step::Start {
            to,
            known_switch,
            old_release,
        } => {
            let refused = start(bench, to, known_switch, old_release);
            let expected = model.refuses(to, known_switch, old_release);
            prop_assert_eq!(refused.as_deref(), expected, "{:?} at {:?}", step, model);
            if refused.is_none() {
                return Ok(Leads::Over);
            }
        }
        Step::Link { dpu, card, up } => {
            let cards = if card < 2 { card..card + 1 } else { 0..2 };
            let had = model.linked;
            for card in cards {
                link::set_link(&mut bench.world, HOST, CARDS[dpu][card], up);
                model.linked[dpu][card] = up;
            }
            if had != model.linked {
                return Ok(Leads::Away);
            }
        }
        Step::Trouble { trouble, on } => {
            bench.world.hosts_mut().set_trouble(HOST, trouble, on);
            model.troubles.retain(|own| *own != trouble);
            model.troubles.extend(on.then_some(trouble));
        }
        Step::Reconfigure(policy) => {
            let path = "/DistributedVirtualSwitch/dvs-11/ReconfigureDvs_Task";
            let answer = bench.post(EAST, path, &policy_of(policy));
            let bad = matches!(policy, Policy::Torn | Policy::Stranger);
            let expected = bad.then_some("InvalidArgument");
            let refused = fault(&answer);
            prop_assert_eq!(refused.as_deref(), expected, "{:?}", policy);
            match policy {
                Policy::Active(dpu) => model.standby = Some(1 - dpu),
                Policy::NoStandby => model.standby = None,
                Policy::Torn | Policy::Stranger => return Ok(Leads::Nowhere),
            }
            return Ok(Leads::Away);
        }
        Step::Refresh => {
            let answer = bench.post(EAST, &format!("{SYSTEM}/RefreshNetworkSystem"), &Value::Null);
            let lost = model.has(HostTrouble::Disconnected);
            let refused = fault(&answer);
            prop_assert_eq!(refused.as_deref(), lost.then_some("HostNotConnected"));
        }
    }
    Ok(Leads::Nowhere)
}

fn moved(bench: &Bench) -> u32 {
    bench.world.hosts().host(HOST).map_or(0, |host| host.moved)
}

/// How many calls have changed something.
fn effects(bench: &Bench) -> u64 {
    let object = format!("dpu/{HOST}/dvs-east");
    bench.calls("HostNetworkSystem_startDpuFailover", &object).effects
}

/// What holds of the host when nothing goes on any more.
fn settled(bench: &mut Bench, model: &mut Model) -> Result<(), TestCaseError> {
    bench.pass(SETTLED_MS);
    let host = bench.world.hosts().host(HOST).unwrap();
    prop_assert_eq!(host.moving, 0);
    prop_assert_eq!(host.known_active, host.active, "vCenter knows by now");
    model.active = host.active;
    let shown = shown(bench)?;
    let offloaded = !model.has(HostTrouble::NotOffloaded);
    prop_assert_eq!(shown, offloaded.then_some(model.active));
    Ok(())
}

fn bench(toggles: bool) -> (Bench, Model) {
    let dpu = DpuSpec {
        toggles,
        ..DpuSpec::default()
    };
    let model = Model {
        active: 0,
        linked: [[true; 2]; 2],
        troubles: Vec::new(),
        standby: Some(1),
        toggles,
    };
    (
        Bench::new(&WorldSpec::pair(4).groups(0).replications(0).dpu(dpu)),
        model,
    )
}

proptest! {
    #![proptest_config(Config { cases: 96, ..Config::default() })]

    /// Each step has settled before the next one: the model says where the switch is.
    #[test]
    fn one_after_the_other_steps_lead_where_the_model_says(
        steps in proptest::collection::vec(step(), 1..30),
        toggles in any::<bool>(),
    ) {
        let (mut bench, mut model) = bench(toggles);
        for step in steps {
            let (before, acted) = (model.active, effects(&bench));
            let leads = take(&mut bench, &mut model, step)?;
            let moves = leads == Leads::Over || leads == Leads::Away && model.is_stranded();
            settled(&mut bench, &mut model)?;
            let expected = if moves { 1 - before } else { before };
            prop_assert_eq!(model.active, expected, "{:?} at {:?}", step, model);
            prop_assert_eq!(effects(&bench), acted + u64::from(leads == Leads::Over), "{:?}", step);
        }
    }

    /// Steps crowd: nothing that is shown is torn, nothing moves more often than it was told to, and a switch does not stay
    /// at a DPU without a link that it may leave.
    #[test]
    fn all_at_once_no_state_is_illegal(
        crowds in proptest::collection::vec(proptest::collection::vec((step(), 0..900_i64), 1..5), 1..8),
        toggles in any::<bool>(),
        calm in any::<bool>(),
    ) {
        let (mut bench, mut model) = bench(toggles);
        // A host does not notice that it was set right.
        let mut troubled = false;
        for crowd in crowds {
            let (was, had_moved, acted) = (model.active, moved(&bench), effects(&bench));
            let mut told = 0;
            for (step, pause_ms) in crowd {
                if matches!(step, Step::Trouble { .. }) {
                    if calm {
                        continue;
                    }
                    troubled = true;
                }
                // Where it is by now the world says, and the model whether the call is right for that.
                model.active = bench.world.hosts().host(HOST).unwrap().active;
                told += u32::from(take(&mut bench, &mut model, step)? != Leads::Nowhere);
                // A policy is in force when its task has ended.
                bench.pass(if matches!(step, Step::Reconfigure(_)) { SETTLED_MS } else { pause_ms });
                let none = shown(&mut bench)?.is_none();
                prop_assert_eq!(none, model.has(HostTrouble::NotOffloaded));
            }
            settled(&mut bench, &mut model)?;
            let moves = moved(&bench) - had_moved;
            prop_assert!(moves <= told, "{} moves of {}", moves, told);
            prop_assert!(effects(&bench) - acted <= u64::from(moves));
            prop_assert_eq!((was + usize::try_from(moves).unwrap()) % 2, model.active);
            prop_assert!(troubled || !model.is_stranded(), "{:?}", model);
        }
    }
}
