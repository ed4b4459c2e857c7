//! Whether a cluster can fail over: each condition with what was read and what it means (vCenter REST wire rules, section
//! 9, "Readiness"). Absent is not false: an absent `manual_failover_allowed` means that the mode decides.

use farside_models_vcenter::{VchaClusterInfo, VchaOperationsInfo};

use crate::view::{ClusterView, Config, Health, Mode};

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
    /// The operation that told it, and where it is written that the value matters.
    pub source: Source,
}

/// Where a condition comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Id of the operation whose answer has the value.
    pub operation: &'static str,
    /// The document that makes it a condition; "inferred" where none does.
    pub document: &'static str,
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

/// All conditions of a cluster read by REST, in the order in which an operator would look. Without operations, nothing is said
/// about what is barred and under way.
pub fn readiness(cluster: &VchaClusterInfo, operations: Option<&VchaOperationsInfo>) -> Vec<Condition> {
    ClusterView::of_rest(cluster, operations).readiness()
}

/// The documents of the conditions, in the words of the wire rules.
mod document {
    pub(super) const PRECONDITIONS: &str = "vCenter REST, Vcenter.Vcha.Cluster_failover$Task";
    pub(super) const MODES: &str =
        "Edit the vCenter HA Cluster Configuration; Vcenter.Vcha.Cluster_failover$Task";
    pub(super) const DEGRADED: &str = "Troubleshooting a Degraded vCenter HA Cluster";
    pub(super) const INFO: &str = "vCenter REST, type Vcenter.Vcha.Cluster.Info";
    pub(super) const OPERATIONS: &str = "vCenter REST, type Vcenter.Vcha.Operations.Info";
    pub(super) const INFERRED: &str = "inferred";
}

impl ClusterView {
    /// All conditions, in the order in which an operator would look.
    pub fn readiness(&self) -> Vec<Condition> {
        let mut conditions = self.state_conditions();
        if let Some(allowed) = self.manual_failover {
            let value = allowed.map_or_else(|| "not said".to_owned(), |allowed| allowed.to_string());
            conditions.push(self.condition(
                "manual_failover_allowed",
                value,
                ready_if(allowed != Some(false)),
                document::INFO,
            ));
        }
        conditions.extend(self.operation_conditions());
        conditions
    }

    fn condition(
        &self,
        name: &'static str,
        value: String,
        judgement: Judgement,
        document: &'static str,
    ) -> Condition {
        let operation = self.form.told_by(name);
        Condition {
            name,
            value,
            judgement,
            source: Source { operation, document },
        }
    }

    fn state_conditions(&self) -> Vec<Condition> {
        let roles = self.roles();
        let both = roles.active.is_some() && roles.passive.is_some();
        let all_up = if roles.all_up {
            "all up"
        } else {
            "not all known to be up"
        };
        let roles_text = if both {
            "one active, one passive"
        } else {
            "not one active and one passive"
        };
        let mode = matches!(self.mode, Some(Mode::Enabled | Mode::Maintenance));
        let configured = self.config == Some(Config::Configured);
        let healthy = self.health == Some(Health::Healthy);
        vec![
            self.condition(
                "config_state",
                said(self.config.as_ref().map(Config::text)),
                ready_if(configured),
                document::PRECONDITIONS,
            ),
            self.condition(
                "mode",
                said(self.mode.as_ref().map(Mode::text)),
                ready_if(mode),
                document::MODES,
            ),
            self.condition(
                "health_state",
                self.health_text(),
                ready_if(healthy),
                document::DEGRADED,
            ),
            self.condition(
                "nodes",
                all_up.to_owned(),
                ready_if(roles.all_up),
                document::DEGRADED,
            ),
            self.condition("roles", roles_text.to_owned(), ready_if(both), document::INFERRED),
        ]
    }

    fn operation_conditions(&self) -> Vec<Condition> {
        let mut conditions = Vec::new();
        if let Some(barred) = &self.barred {
            let judgement = match (self.bars_failover(), self.form.bars_for_a_while()) {
                (false, _) => Judgement::Ready,
                (true, true) => Judgement::Later,
                (true, false) => Judgement::NotReady,
            };
            conditions.push(self.condition(
                "operations.disabled",
                listed(barred),
                judgement,
                document::OPERATIONS,
            ));
        }
        if let Some(under_way) = &self.under_way {
            let judgement = if under_way.is_empty() {
                Judgement::Ready
            } else {
                Judgement::Later
            };
            conditions.push(self.condition(
                "operations.active",
                listed(under_way),
                judgement,
                document::OPERATIONS,
            ));
        }
        conditions
    }

    /// The health with all that the cluster says about it, each text once.
    fn health_text(&self) -> String {
        let mut texts: Vec<&str> = Vec::new();
        for text in &self.remarks {
            if !texts.contains(&text.as_str()) {
                texts.push(text);
            }
        }
        let state = said(self.health.as_ref().map(Health::text));
        if texts.is_empty() {
            return state;
        }
        format!("{state} ({})", texts.join(" "))
    }
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

/// The operations by the last part of their ids, for people.
fn listed(operations: &[String]) -> String {
    if operations.is_empty() {
        return "none".to_owned();
    }
    let short = |operation: &String| operation.strip_prefix(OPERATIONS).unwrap_or(operation).to_owned();
    operations.iter().map(short).collect::<Vec<_>>().join(", ")
}

fn said(value: Option<&str>) -> String {
    value.unwrap_or("not said").to_owned()
}

#[cfg(test)]
mod tests {
    use farside_models_vcenter::VchaClusterMode;

    use super::*;
    use crate::fixtures::answer;

    #[test]
    fn each_condition_names_who_told_it_and_why_it_matters() {
        let operations = answer("vcha/operations-get");
        for condition in readiness(&answer("vcha/cluster-get-partial"), Some(&operations)) {
            let by_operations = condition.name.starts_with("operations.");
            let told_by = if by_operations {
                "Vcenter.Vcha.Operations_get"
            } else {
                "Vcenter.Vcha.Cluster_get"
            };
            assert_eq!(condition.source.operation, told_by);
            assert!(!condition.source.document.is_empty());
        }
    }

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
