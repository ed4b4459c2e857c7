//! The nodes of a cluster. Nothing promises that `node1` and `node2` keep their places over a switch, so a node is known
//! by its HA address (vCenter REST wire rules, section 9, "How to learn the outcome").

use std::fmt;

use farside_models_vcenter::{VchaClusterInfo, VchaClusterIpFamily, VchaClusterIpInfo};
use serde::{Deserialize, Serialize};

use crate::view::ClusterView;

/// Address of a node in the HA network. Texts of one address (`2001:db8::1` and `2001:DB8:0::1`) are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct HaAddress(String);

impl From<String> for HaAddress {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<HaAddress> for String {
    fn from(address: HaAddress) -> Self {
        address.0
    }
}

impl HaAddress {
    /// The address as the cluster shows it; a text that is no address is kept as it is.
    pub fn new(address: impl Into<String>) -> Self {
        let text = address.into();
        match text.trim().parse::<std::net::IpAddr>() {
            Ok(address) => Self(address.to_string()),
            Err(_) => Self(text),
        }
    }

    /// The address that a server tells; none where it tells an empty one, by which no node is known.
    pub(crate) fn told(address: &str) -> Option<Self> {
        (!address.trim().is_empty()).then(|| Self::new(address))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HaAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which node has which role, as far as the cluster says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// The node that serves.
    pub active: Option<HaAddress>,
    /// The node that would take over.
    pub passive: Option<HaAddress>,
    /// Whether node 1, node 2 and the witness are all known to be up.
    pub all_up: bool,
}

impl Roles {
    /// Reads the roles off a cluster. A role that two nodes have is nobody's, and so are the roles of two nodes that have one
    /// address, or none: such an answer proves nothing.
    pub fn of(cluster: &VchaClusterInfo) -> Self {
        ClusterView::of_rest(cluster, None).roles()
    }

    /// Whether the node with this address is a member.
    pub fn has(&self, address: &HaAddress) -> bool {
        self.active.as_ref() == Some(address) || self.passive.as_ref() == Some(address)
    }
}

/// The address of the family that is told, or else of the other.
pub(crate) fn address(ip: &VchaClusterIpInfo) -> Option<HaAddress> {
    let four = ip.ipv4.as_ref().map(|ip| &ip.address);
    let six = ip.ipv6.as_ref().map(|ip| &ip.address);
    let told = match ip.ip_family {
        VchaClusterIpFamily::Ipv6 => six.or(four),
        _ => four.or(six),
    };
    told.and_then(|address| HaAddress::told(address))
}

#[cfg(test)]
mod tests {
    use farside_models_vcenter::VchaClusterNodeRole;

    use super::*;
    use crate::fixtures::answer;

    fn roles(fixture: &str) -> (Option<String>, Option<String>, bool) {
        let roles = Roles::of(&answer(&format!("vcha/{fixture}")));
        let text = |node: Option<HaAddress>| node.map(|node| node.to_string());
        (text(roles.active), text(roles.passive), roles.all_up)
    }

    fn pair(active: &str, passive: &str, all_up: bool) -> (Option<String>, Option<String>, bool) {
        (Some(active.to_owned()), Some(passive.to_owned()), all_up)
    }

    #[test]
    fn a_node_is_known_by_its_ha_address_wherever_it_stands() {
        for (fixture, expected) in [
            ("cluster-get-partial", pair("10.9.0.1", "10.9.0.2", true)),
            ("cluster-get-full", pair("10.9.0.1", "10.9.0.2", true)),
            ("cluster-get-maintenance", pair("10.9.0.1", "10.9.0.2", true)),
            (
                "cluster-get-partial-after-failover",
                pair("10.9.0.2", "10.9.0.1", false),
            ),
            (
                "cluster-get-partial-nodes-swapped",
                pair("10.9.0.2", "10.9.0.1", true),
            ),
        ] {
            assert_eq!(roles(fixture), expected, "{fixture}");
        }
    }

    #[test]
    fn a_node_without_an_ipv4_address_is_known_by_its_ipv6_address() {
        let expected = pair("2001:db8:9::1", "2001:db8:9::2", false);
        assert_eq!(roles("cluster-get-ipv6-and-different-failover-ip"), expected);
    }

    #[test]
    fn texts_of_one_address_are_one_node() {
        assert_eq!(HaAddress::new("2001:DB8:9:0::1"), HaAddress::new("2001:db8:9::1"));
        let stored: HaAddress = serde_json::from_str("\"2001:DB8:9:0::1\"").unwrap();
        assert_eq!(serde_json::to_string(&stored).unwrap(), "\"2001:db8:9::1\"");
        assert_eq!(HaAddress::new("node-a").as_str(), "node-a");
    }

    #[test]
    fn the_family_that_is_told_says_which_of_two_addresses_counts() {
        let mut cluster: VchaClusterInfo = answer("vcha/cluster-get-ipv6-and-different-failover-ip");
        let expected = Roles::of(&cluster);
        for node in [&mut cluster.node1, &mut cluster.node2].into_iter().flatten() {
            let nowhere = r#"{"address": "0.0.0.0", "subnet_mask": "0.0.0.0"}"#;
            node.ha_ip.ipv4 = serde_json::from_str(nowhere).unwrap();
        }
        assert_eq!(Roles::of(&cluster), expected);
        assert!(expected.active.is_some() && expected.passive.is_some());
    }

    #[test]
    fn two_nodes_that_both_say_they_are_active_prove_nothing() {
        let mut cluster: VchaClusterInfo = answer("vcha/cluster-get-partial");
        let runtime = cluster.node2.as_mut().unwrap().runtime.as_mut().unwrap();
        runtime.role = Some(VchaClusterNodeRole::Active);
        assert_eq!(Roles::of(&cluster).active, None);
    }

    #[test]
    fn a_cluster_that_is_not_configured_has_no_roles() {
        let roles = Roles::of(&answer("vcha/cluster-get-not-configured"));
        assert_eq!(roles, Roles::default());
        assert!(!roles.has(&HaAddress::new("10.9.0.1")));
    }

    #[test]
    fn only_the_two_nodes_are_members_and_the_witness_is_none() {
        let roles = Roles::of(&answer("vcha/cluster-get-partial"));
        let has = |address: &str| roles.has(&HaAddress::new(address));
        assert_eq!(
            (has("10.9.0.1"), has("10.9.0.2"), has("10.9.0.3")),
            (true, true, false)
        );
    }
}
