//! vCenter HA: vCenter itself moves to its passive node.
//!
//! A failover sent twice switches back, so nothing is ever repeated without proof: the intent names the node that is to
//! become active, and whether the call worked is seen from the roles of the nodes, which are known by their HA address. It
//! is sent again only when the former node was seen active, with no failover under way, for the whole settle time.
//! The item has its vCenter to itself until it serves again.

mod check;
mod serving;
mod steps;

use async_trait::async_trait;
use farside_engine::{
    Action, Again, EndpointId, Finding, LockKey, MemberEnd, MemberResult, Mode, Resend, Submitted, Waited,
};
use farside_transport::OperationId;
use farside_vcha::HaAddress;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::connection::Connections;
use crate::kind::answer::{explain, millis, submitted_once};
use crate::kind::{CallRequest, Check, CheckItem, Kind, LookRequest, Protected, Work, WorkRequest};
use crate::plan::{EndpointType, PlanContext, PlanProblem, Table};

use self::serving::Served;

/// Version of the payloads below.
const VERSION: u32 = 1;

/// The kind of protection `vcha`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vcha;

/// The item's payload: its table in the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cluster {
    endpoint: EndpointId,
    /// The node that is to be active.
    activate: Option<HaAddress>,
    /// In a disaster: fail over by force instead of waiting for the automatic failover.
    forced: bool,
    /// The node that a failback makes active again.
    preferred: Option<HaAddress>,
}

/// An action's payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
enum Step {
    /// Fail over to a node.
    FailOver {
        planned: bool,
        activate: Option<HaAddress>,
    },
    /// Wait until the vCenter serves again.
    Settle,
    /// Wait until some node is active and serves.
    Accept,
    /// Wait until the cluster is healthy.
    Healthy,
}

/// What a failover is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Intent {
    from: HaAddress,
    to: HaAddress,
    /// What the vCenter shows; it must be there afterwards.
    served: Served,
}

#[async_trait]
impl Kind for Vcha {
    fn name(&self) -> &'static str {
        "vcha"
    }

    fn keys(&self) -> &'static [&'static str] {
        &["endpoint", "activate", "forced", "preferred"]
    }

    fn read(&self, table: &Table<'_>, context: &PlanContext) -> Result<Protected, PlanProblem> {
        let endpoint = table.endpoint("endpoint", EndpointType::Vcenter, context)?;
        let cluster = Cluster {
            // Named, so that a second run finds it active and does not switch back.
            activate: Some(HaAddress::new(table.text("activate")?)),
            forced: table.flag("forced", false)?,
            preferred: table.optional_text("preferred")?.map(HaAddress::new),
            endpoint,
        };
        let url = context
            .endpoints
            .get(&cluster.endpoint)
            .map_or("", |endpoint| endpoint.url.as_str());
        Ok(Protected {
            locks: vec![LockKey::new(format!("vcha:{url}"))],
            payload: json!(cluster),
            version: VERSION,
        })
    }

    fn work(&self, request: &WorkRequest<'_>) -> Work {
        let Ok(cluster) = serde_json::from_value::<Cluster>(request.payload.clone()) else {
            return Work::skip("its payload is of another version of farside");
        };
        if request.forbidden.contains(&cluster.endpoint) {
            return Work::skip(
                "its vCenter stands in the protected site, to which a disaster run sends nothing",
            );
        }
        let steps = match request.mode {
            Mode::Test => return Work::skip("not testable: vCenter HA has no test failover"),
            Mode::Cleanup => return Work::nothing("vCenter HA has no test failover to clean up"),
            Mode::Planned => fail_over(true, cluster.activate.clone()),
            Mode::Disaster if cluster.forced => fail_over(false, cluster.activate.clone()),
            Mode::Disaster => vec![("wait for the automatic failover", Step::Accept)],
            Mode::Reprotect => vec![("wait for health", Step::Healthy)],
            Mode::Failback => match &cluster.preferred {
                Some(preferred) => fail_over(true, Some(preferred.clone())),
                None => return Work::nothing("whichever node is active stays active"),
            },
        };
        let actions = steps.into_iter().map(|(name, step)| Action {
            name: name.to_owned(),
            endpoints: vec![cluster.endpoint.clone()],
            batch: None,
            resend: Resend::Unchanged,
            settle_ms: millis(request.timing.settle),
            deadline_ms: millis(request.timing.deadline),
            payload: json!(step),
        });
        // Health returns by itself and keeps nobody waiting.
        let exclusive_on = match request.mode {
            Mode::Reprotect => Vec::new(),
            Mode::Planned | Mode::Disaster | Mode::Failback | Mode::Test | Mode::Cleanup => {
                vec![cluster.endpoint.clone()]
            }
        };
        Work {
            actions: actions.collect(),
            exclusive_on,
            skip: None,
            note: None,
        }
    }

    async fn check(&self, world: &Connections, mode: Mode, items: &[CheckItem]) -> Vec<Check> {
        let mut checks = Vec::with_capacity(items.len());
        for item in items {
            checks.push(check::check(world, mode, item).await);
        }
        checks
    }

    async fn look(&self, world: &Connections, looks: &[LookRequest]) -> Vec<Finding> {
        let mut findings = Vec::with_capacity(looks.len());
        for look in looks {
            findings.push(steps::look(world, look).await);
        }
        findings
    }

    async fn submit(&self, world: &Connections, call: &CallRequest) -> Submitted {
        let [member] = call.members.as_slice() else {
            return not_ours("a failover call carries one cluster");
        };
        let (Ok(cluster), Ok(Step::FailOver { planned, .. })) = (
            serde_json::from_value::<Cluster>(member.item.clone()),
            serde_json::from_value(member.payload.clone()),
        ) else {
            return not_ours("the journal's payload cannot be read");
        };
        let client = match world.vcenter(&cluster.endpoint).await {
            Ok(client) => client,
            Err(error) => {
                return Submitted::Refused {
                    reason: explain(&error),
                    again: Again::Never,
                };
            }
        };
        match client.start_failover(planned).await {
            Ok(task) => Submitted::Accepted {
                operation: json!(task),
            },
            Err(error) => submitted_once(&error),
        }
    }

    async fn wait(&self, world: &Connections, call: &CallRequest, operation: &Value) -> Waited {
        let [member] = call.members.as_slice() else {
            return Waited::Lost {
                reason: "a failover call carries one cluster".to_owned(),
            };
        };
        let parsed = (
            serde_json::from_value::<Cluster>(member.item.clone()),
            serde_json::from_value::<Intent>(member.intent.clone()),
            serde_json::from_value::<OperationId>(operation.clone()),
        );
        let (Ok(cluster), Ok(intent), Ok(task)) = parsed else {
            return Waited::Lost {
                reason: "the journal's payload cannot be read".to_owned(),
            };
        };
        let end: MemberEnd = steps::follow(world, &cluster, &intent, &task).await;
        Waited::Settled(vec![MemberResult {
            action: member.action.clone(),
            end,
        }])
    }
}

fn fail_over(planned: bool, activate: Option<HaAddress>) -> Vec<(&'static str, Step)> {
    let name = if planned {
        "fail over"
    } else {
        "fail over by force"
    };
    vec![
        (name, Step::FailOver { planned, activate }),
        ("wait until it serves again", Step::Settle),
    ]
}

fn not_ours(reason: &str) -> Submitted {
    Submitted::Refused {
        reason: reason.to_owned(),
        again: Again::Never,
    }
}
