//! Whether a cluster can fail over: each condition with what was read and what it means (vCenter REST wire rules, section
//! 9, "Readiness"). Absent is not false: an absent `manual_failover_allowed` means that the mode decides.

use farside_models_vcenter::{
    VchaClusterConfigState, VchaClusterInfo, VchaClusterMode, VchaClusterState, VchaOperationsInfo,
};
use farside_wire::{OpenEnum, StdMessage};

use crate::node::Roles;

/// Id of the failover among the operations of a cluster (constant of `Vcha.Operations`).
pub const FAILOVER_OPERATION: &str = "com.vmware.vcenter.vcha.cluster.failover";

/// What the ids of all operations of a cluster begin with.
const OPERATIONS: &str = "com.vmware.vcenter.vcha.cluster.";

/// One thing that speaks for or against a failover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The member that was read.
    pub name: &'static str,
    /// Its value, or "not said".
    pub value: String,
    /// What it means.
    pub judgement: Judgement,
}

/// What a condition means for a failover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// As it should be.
    Ready,
    /// A failover would be refused, or would fail.
    NotReady,
    /// It will pass: something is under way.
    Later,
}

/// All conditions, in the order in which an operator would look.
pub fn readiness(cluster: &VchaClusterInfo, operations: Option<&VchaOperationsInfo>) -> Vec<Condition> {
    let roles = Roles::of(cluster);
    let both = roles.active.is_some() && roles.passive.is_some();
    let mut conditions = vec![
        Condition {
            name: "config_state",
            value: said(cluster.config_state.as_ref()),
            judgement: ready_if(cluster.config_state == Some(VchaClusterConfigState::Configured)),
        },
        Condition {
            name: "mode",
            value: said(cluster.mode.as_ref()),
            judgement: ready_if(matches!(
                cluster.mode,
                Some(VchaClusterMode::Enabled | VchaClusterMode::Maintenance)
            )),
        },
        Condition {
            name: "health_state",
            value: health(cluster),
            judgement: ready_if(cluster.health_state == Some(VchaClusterState::Healthy)),
        },
        Condition {
            name: "nodes",
            value: if roles.all_up {
                "all up"
            } else {
                "not all known to be up"
            }
            .to_owned(),
            judgement: ready_if(roles.all_up),
        },
        Condition {
            name: "roles",
            value: if both {
                "one active, one passive"
            } else {
                "not one active and one passive"
            }
            .to_owned(),
            judgement: ready_if(both),
        },
        Condition {
            name: "manual_failover_allowed",
            value: cluster
                .manual_failover_allowed
                .map_or_else(|| "not said".to_owned(), |allowed| allowed.to_string()),
            judgement: ready_if(cluster.manual_failover_allowed != Some(false)),
        },
    ];
    if let Some(operations) = operations {
        let barred = operations
            .disabled
            .iter()
            .any(|operation| operation == FAILOVER_OPERATION);
        conditions.push(Condition {
            name: "operations.disabled",
            value: listed(&operations.disabled),
            judgement: ready_if(!barred),
        });
        conditions.push(Condition {
            name: "operations.active",
            value: listed(&operations.active),
            judgement: if operations.active.is_empty() {
                Judgement::Ready
            } else {
                Judgement::Later
            },
        });
    }
    conditions
}

/// Whether nothing speaks against a failover.
pub fn is_ready(conditions: &[Condition]) -> bool {
    conditions
        .iter()
        .all(|condition| condition.judgement == Judgement::Ready)
}

/// Whether a failover is under way.
pub fn failover_is_active(operations: &VchaOperationsInfo) -> bool {
    operations
        .active
        .iter()
        .any(|operation| operation == FAILOVER_OPERATION)
}

fn ready_if(good: bool) -> Judgement {
    if good {
        Judgement::Ready
    } else {
        Judgement::NotReady
    }
}

/// The health with all that the cluster says about it.
fn health(cluster: &VchaClusterInfo) -> String {
    let warnings = cluster.health_warnings.iter().map(|warning| &warning.error);
    let mut texts: Vec<&str> = Vec::new();
    for text in warnings
        .chain(&cluster.health_exception)
        .filter_map(StdMessage::text)
    {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    let state = said(cluster.health_state.as_ref());
    if texts.is_empty() {
        return state;
    }
    format!("{state} ({})", texts.join(" "))
}

/// The operations by the last part of their ids, for people.
fn listed(operations: &[String]) -> String {
    if operations.is_empty() {
        return "none".to_owned();
    }
    let short = |operation: &String| operation.strip_prefix(OPERATIONS).unwrap_or(operation).to_owned();
    operations.iter().map(short).collect::<Vec<_>>().join(", ")
}

fn said<E: OpenEnum>(value: Option<&E>) -> String {
    value.map_or_else(|| "not said".to_owned(), |value| value.as_wire().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::answer;

    /// The conditions that are not as they should be.
    fn against(cluster: &VchaClusterInfo, operations: &str) -> Vec<(&'static str, String, Judgement)> {
        let operations = answer(&format!("vcha/{operations}"));
        let conditions = readiness(cluster, Some(&operations));
        assert_eq!(
            is_ready(&conditions),
            conditions.iter().all(|one| one.judgement == Judgement::Ready)
        );
        let bad = conditions
            .into_iter()
            .filter(|one| one.judgement != Judgement::Ready);
        bad.map(|one| (one.name, one.value, one.judgement)).collect()
    }

    fn names(fixture: &str) -> Vec<&'static str> {
        let bad = against(&answer(&format!("vcha/{fixture}")), "operations-get");
        bad.into_iter().map(|(name, ..)| name).collect()
    }

    #[test]
    fn an_absent_permission_is_not_a_refusal() {
        let cluster: VchaClusterInfo = answer("vcha/cluster-get-partial");
        assert_eq!(cluster.manual_failover_allowed, None);
        assert_eq!(against(&cluster, "operations-get"), []);
        let mut barred = cluster;
        barred.manual_failover_allowed = Some(false);
        let expected = ("manual_failover_allowed", "false".to_owned(), Judgement::NotReady);
        assert_eq!(against(&barred, "operations-get"), [expected]);
    }

    #[test]
    fn a_cluster_in_maintenance_fails_over_by_hand() {
        assert_eq!(names("cluster-get-maintenance"), Vec::<&str>::new());
        assert_eq!(names("cluster-get-full"), Vec::<&str>::new());
    }

    #[test]
    fn a_disabled_cluster_does_not_fail_over() {
        let mut cluster: VchaClusterInfo = answer("vcha/cluster-get-partial");
        cluster.mode = Some(VchaClusterMode::Disabled);
        let expected = ("mode", "DISABLED".to_owned(), Judgement::NotReady);
        assert_eq!(against(&cluster, "operations-get"), [expected]);
    }

    #[test]
    fn what_is_absent_otherwise_is_unknown_and_not_ready() {
        let all = ["config_state", "mode", "health_state", "nodes", "roles"];
        assert_eq!(names("cluster-get-not-configured"), all);
        let mut cluster: VchaClusterInfo = answer("vcha/cluster-get-partial");
        cluster.health_state = None;
        let expected = ("health_state", "not said".to_owned(), Judgement::NotReady);
        assert_eq!(against(&cluster, "operations-get"), [expected]);
    }

    #[test]
    fn a_degraded_cluster_says_what_is_wrong_with_it_once() {
        let bad = against(&answer("vcha/cluster-get-degraded"), "operations-get");
        let names: Vec<&str> = bad.iter().map(|(name, ..)| *name).collect();
        assert_eq!(names, ["health_state", "nodes", "manual_failover_allowed"]);
        assert_eq!(bad[0].1, "DEGRADED (Node {0} is down. Replication stopped.)");
    }

    #[test]
    fn an_unknown_state_of_a_node_is_not_up() {
        assert_eq!(names("cluster-get-ipv6-and-different-failover-ip"), ["nodes"]);
    }

    #[test]
    fn a_barred_failover_is_refused_and_one_under_way_will_pass() {
        let cluster = answer("vcha/cluster-get-partial");
        let barred = against(&cluster, "operations-get-failover-disabled");
        assert_eq!(barred.len(), 1, "{barred:?}");
        assert_eq!(
            (barred[0].0, barred[0].2),
            ("operations.disabled", Judgement::NotReady)
        );
        assert_eq!(barred[0].1, "failover, deploy, mode.set");
        let active = against(&cluster, "operations-get-failover-active");
        assert!(
            active.iter().any(|(name, _, judgement)| {
                *name == "operations.active" && *judgement == Judgement::Later
            })
        );
        assert!(failover_is_active(&answer("vcha/operations-get-failover-active")));
        assert!(!failover_is_active(&answer("vcha/operations-get")));
    }
}
