//! Preflight of a cluster: reachable, ready, and which node is to become active.

use farside_engine::Mode;
use farside_models_vcenter::VchaClusterInfo;
use farside_vcha::{HaAddress, Judgement, Roles, VchaClient, readiness};

use super::{Cluster, serving};
use crate::connection::Connections;
use crate::kind::answer::explain;
use crate::kind::{Check, CheckItem, Condition};

pub(super) async fn check(world: &Connections, mode: Mode, item: &CheckItem) -> Check {
    let Ok(cluster) = serde_json::from_value::<Cluster>(item.payload.clone()) else {
        let hint = "report this as a defect";
        return only(Condition::no_go("cluster", "its payload cannot be read", hint));
    };
    let client = match world.vcenter(&cluster.endpoint).await {
        Ok(client) => client,
        Err(error) => {
            return only(Condition::no_go(
                "vCenter",
                explain(&error),
                "mend the endpoint in the plan",
            ));
        }
    };
    let info = match client.cluster().await {
        Ok(info) => info,
        Err(error) => {
            let hint = "make the vCenter reachable, and check the user, the password and the pin in the plan";
            return only(Condition::no_go("vCenter", explain(&error), hint));
        }
    };
    let forced = mode == Mode::Disaster && cluster.forced;
    let roles = Roles::of(&info);
    let wanted = wanted(&cluster, mode).filter(|_| forced || mode != Mode::Disaster);
    let stays = wanted.is_some() && roles.active.as_ref() == wanted;
    let fails_over = (matches!(mode, Mode::Planned | Mode::Failback) || forced) && !stays;
    let mut conditions = ready(&client, &info, fails_over).await;
    if let Some(wanted) = wanted {
        conditions.push(node(&roles, wanted));
    }
    if fails_over {
        conditions.push(match serving::read(world, &cluster.endpoint).await {
            Ok(served) => Condition::go("what it serves", served.describe()),
            Err(reason) => {
                let hint = "a run needs to know what to expect after the switch";
                Condition::no_go("what it serves", reason, hint)
            }
        });
    }
    let loss =
        (forced && !stays).then(|| "what the active node has not replicated to the passive one".to_owned());
    Check { conditions, loss }
}

fn wanted(cluster: &Cluster, mode: Mode) -> Option<&HaAddress> {
    let named = match mode {
        Mode::Failback => &cluster.preferred,
        Mode::Planned | Mode::Disaster => &cluster.activate,
        Mode::Test | Mode::Cleanup | Mode::Reprotect => &None,
    };
    named.as_ref()
}

fn node(roles: &Roles, wanted: &HaAddress) -> Condition {
    let name = "node to activate";
    if roles.active.as_ref() == Some(wanted) {
        return Condition::warning(
            name,
            format!("{wanted} is active already"),
            "nothing will be sent",
        );
    }
    if roles.has(wanted) {
        return Condition::go(name, wanted.as_str());
    }
    Condition::no_go(
        name,
        wanted.as_str(),
        "no node of the cluster has this HA address",
    )
}

/// Readiness as conditions.
async fn ready(client: &VchaClient, info: &VchaClusterInfo, fails_over: bool) -> Vec<Condition> {
    let operations = client.operations().await;
    let mut conditions: Vec<Condition> = readiness(info, operations.as_ref().ok())
        .into_iter()
        .map(|condition| match (condition.judgement, fails_over) {
            (Judgement::Ready, _) => Condition::go(condition.name, condition.value),
            (Judgement::NotReady, true) => {
                let hint =
                    "a failover would be refused: bring the cluster to mode ENABLED and health HEALTHY first";
                Condition::no_go(condition.name, condition.value, hint)
            }
            (Judgement::NotReady, false) => {
                let hint = "worth a look; no failover will be asked for";
                Condition::warning(condition.name, condition.value, hint)
            }
            (Judgement::Later, _) => {
                let hint = "the run waits for the operation under way";
                Condition::warning(condition.name, condition.value, hint)
            }
        })
        .collect();
    if let Err(error) = operations {
        let hint = "the user needs the privilege System.Read";
        conditions.push(Condition::no_go("operations", explain(&error), hint));
    }
    conditions
}

fn only(condition: Condition) -> Check {
    Check {
        conditions: vec![condition],
        loss: None,
    }
}
