//! Addresses of nodes, with the family as a type: an IPv4 address cannot be sent as an IPv6 one, nor both at once
//! (vCenter REST wire rules 6).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use farside_models_vcenter::{
    VchaClusterIpFamily, VchaClusterIpInfo, VchaIpFamily, VchaIpSpec, VchaIpv4Spec, VchaIpv6Spec,
};

/// An address with its network, as it is asked for; becomes a [`VchaIpSpec`].
///
/// ```
/// use farside_models_vcenter::VchaIpSpec;
/// use farside_vcha::NodeAddress;
///
/// let address = NodeAddress::v4([10, 9, 0, 2].into(), 24).gateway([10, 9, 0, 254].into());
/// let spec = VchaIpSpec::from(address);
/// assert_eq!(
///     serde_json::to_string(&spec).unwrap(),
///     r#"{"ip_family":"IPV4","ipv4":{"address":"10.9.0.2","prefix":24},"default_gateway":"10.9.0.254"}"#
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct NodeAddress {
    network: Network,
    gateway: Option<IpAddr>,
    dns_servers: Vec<IpAddr>,
}

/// An address and how many bits of it name its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// An IPv4 address.
    V4 {
        /// The address.
        address: Ipv4Addr,
        /// Bits of the network part, 0 to 32; `None` where the cluster has a mask that is none.
        prefix: Option<u8>,
    },
    /// An IPv6 address.
    V6 {
        /// The address.
        address: Ipv6Addr,
        /// Bits of the network part, 0 to 128.
        prefix: u8,
    },
}

impl Network {
    /// The address without its network.
    pub fn address(&self) -> IpAddr {
        match *self {
            Self::V4 { address, .. } => address.into(),
            Self::V6 { address, .. } => address.into(),
        }
    }

    /// Reads an address that a cluster tells; `None` where the member of its family is missing or no address, and for a family
    /// that these models do not know.
    pub fn of(info: &VchaClusterIpInfo) -> Option<Self> {
        match info.ip_family {
            VchaClusterIpFamily::Ipv4 => {
                let ipv4 = info.ipv4.as_ref()?;
                Some(Self::V4 {
                    address: ipv4.address.parse().ok()?,
                    prefix: ipv4.prefix.and_then(|prefix| bits(prefix, Ipv4Addr::BITS)),
                })
            }
            VchaClusterIpFamily::Ipv6 => {
                let ipv6 = info.ipv6.as_ref()?;
                Some(Self::V6 {
                    address: ipv6.address.parse().ok()?,
                    prefix: bits(ipv6.prefix, Ipv6Addr::BITS)?,
                })
            }
            _ => None,
        }
    }
}

/// Bits of a network part, if an address of the family has as many.
pub(crate) fn bits(prefix: impl TryInto<u32>, all: u32) -> Option<u8> {
    let bits = prefix.try_into().ok().filter(|bits| *bits <= all)?;
    u8::try_from(bits).ok()
}

impl NodeAddress {
    /// An IPv4 address; `prefix` is the number of bits of the network part, 0 to 32.
    pub fn v4(address: Ipv4Addr, prefix: u8) -> Self {
        let prefix = Some(prefix);
        Self::new(Network::V4 { address, prefix })
    }

    /// An IPv6 address; `prefix` is the number of bits of the network part, 0 to 128.
    pub fn v6(address: Ipv6Addr, prefix: u8) -> Self {
        Self::new(Network::V6 { address, prefix })
    }

    fn new(network: Network) -> Self {
        Self {
            network,
            gateway: None,
            dns_servers: Vec::new(),
        }
    }

    /// With a gateway.
    pub fn gateway(mut self, gateway: IpAddr) -> Self {
        self.gateway = Some(gateway);
        self
    }

    /// With one more name server.
    pub fn dns_server(mut self, server: IpAddr) -> Self {
        self.dns_servers.push(server);
        self
    }
}

impl From<NodeAddress> for VchaIpSpec {
    fn from(address: NodeAddress) -> Self {
        let spec = match address.network {
            Network::V4 { address, prefix } => {
                let ipv4 = VchaIpv4Spec::new(address.to_string());
                let ipv4 = match prefix {
                    Some(prefix) => ipv4.with_prefix(i64::from(prefix)),
                    None => ipv4,
                };
                Self::new(VchaIpFamily::Ipv4).with_ipv4(ipv4)
            }
            Network::V6 { address, prefix } => {
                let ipv6 = VchaIpv6Spec::new(address.to_string(), i64::from(prefix));
                Self::new(VchaIpFamily::Ipv6).with_ipv6(ipv6)
            }
        };
        let servers = address.dns_servers.iter().map(ToString::to_string).collect();
        let spec = spec.with_dns_servers(servers);
        match address.gateway {
            Some(gateway) => spec.with_default_gateway(gateway.to_string()),
            None => spec,
        }
    }
}

#[cfg(test)]
mod tests {
    use farside_models_vcenter::VchaClusterInfo;

    use super::*;
    use crate::fixtures::answer;

    #[test]
    fn each_family_is_read_as_itself_and_a_mask_that_is_none_has_no_prefix() {
        let cluster: VchaClusterInfo = answer("vcha/cluster-get-ipv6-and-different-failover-ip");
        let second = cluster.node2.unwrap();
        let address = "2001:db8:9::2".parse().unwrap();
        assert_eq!(
            Network::of(&second.ha_ip),
            Some(Network::V6 { address, prefix: 64 })
        );
        let address = [203, 0, 113, 20].into();
        let failover = Network::of(&second.failover_ip.unwrap());
        assert_eq!(
            failover,
            Some(Network::V4 {
                address,
                prefix: None
            })
        );
    }

    #[test]
    fn an_address_without_the_member_of_its_family_is_none() {
        let mut ip = answer::<VchaClusterInfo>("vcha/cluster-get-partial")
            .node1
            .unwrap()
            .ha_ip;
        ip.ip_family = VchaClusterIpFamily::Ipv6;
        assert_eq!(Network::of(&ip), None);
    }

    #[test]
    fn a_prefix_that_no_address_has_is_none() {
        let info = |prefix: i64, all: u32| bits(prefix, all);
        assert_eq!((info(32, 32), info(33, 32), info(-1, 32)), (Some(32), None, None));
        assert_eq!((info(128, 128), info(i64::MAX, 128)), (Some(128), None));
    }

    #[test]
    fn an_ipv6_address_is_sent_as_one() {
        let address =
            NodeAddress::v6("2001:db8:9::2".parse().unwrap(), 64).dns_server([192, 0, 2, 53].into());
        assert_eq!(
            serde_json::to_value(VchaIpSpec::from(address)).unwrap(),
            serde_json::json!({
                "ip_family": "IPV6",
                "ipv6": {"address": "2001:db8:9::2", "prefix": 64},
                "dns_servers": ["192.0.2.53"],
            })
        );
    }
}
