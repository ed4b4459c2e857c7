//! Addresses of nodes, as they are asked for and as they are told.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::error::RestError;
use crate::shape::{Shape, optional, required};

/// What an address of a node looks like in a request (`IpSpec`).
pub(super) static IP_SPEC: Shape = Shape::Object(&[
    required("ip_family", Shape::OneOf(&["IPV4", "IPV6"])),
    optional(
        "ipv4",
        Shape::Object(&[
            required("address", Shape::Text),
            optional("subnet_mask", Shape::Text),
            optional("prefix", Shape::Integer),
        ]),
    ),
    optional(
        "ipv6",
        Shape::Object(&[
            required("address", Shape::Text),
            required("prefix", Shape::Integer),
        ]),
    ),
    optional("default_gateway", Shape::Text),
    optional("dns_servers", Shape::List(&Shape::Text)),
]);

/// Bits of the network part where nothing says otherwise.
const V4_BITS: u8 = 24;
const V6_BITS: u8 = 64;

/// An address with its network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Address {
    pub(super) ip: IpAddr,
    pub(super) prefix: u8,
    pub(super) gateway: Option<IpAddr>,
    pub(super) dns_servers: Vec<IpAddr>,
}

impl Address {
    pub(super) fn new(ip: IpAddr) -> Self {
        Self {
            ip,
            prefix: if ip.is_ipv4() { V4_BITS } else { V6_BITS },
            gateway: None,
            dns_servers: Vec::new(),
        }
    }

    /// An address that a world names; a text that is none stands for the address that nobody has.
    pub(super) fn of_text(text: &str) -> Self {
        Self::new(text.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
    }

    pub(super) fn text(&self) -> String {
        self.ip.to_string()
    }

    /// The mask of an IPv4 network.
    pub(super) fn mask(&self) -> Ipv4Addr {
        mask(self.prefix)
    }

    /// Reads an `IpSpec` whose shape has been checked; `path` is its place in the body.
    pub(super) fn of_spec(spec: &Value, path: &str) -> Result<Self, RestError> {
        let (wanted, other) = if spec["ip_family"] == "IPV6" {
            ("ipv6", "ipv4")
        } else {
            ("ipv4", "ipv6")
        };
        let at = |member: &str| format!("{path}.{member}");
        if !spec[other].is_null() {
            return Err(RestError::invalid_at(
                &at(other),
                "It is not of the family named.",
            ));
        }
        let given = &spec[wanted];
        if given.is_null() {
            return Err(RestError::invalid_at(
                &at(wanted),
                "The address of the family named is missing.",
            ));
        }
        let text = given["address"].as_str().unwrap_or_default();
        let place = at(wanted);
        let bad = |member: &str, text: &str| Err(RestError::invalid_at(&format!("{place}.{member}"), text));
        let (ip, prefix) = if wanted == "ipv6" {
            let Ok(ip) = text.parse::<Ipv6Addr>() else {
                return bad("address", "It is no IPv6 address.");
            };
            let Some(prefix) = bits(&given["prefix"], 128) else {
                return bad("prefix", "It is no number of bits.");
            };
            (IpAddr::V6(ip), prefix)
        } else {
            let Ok(ip) = text.parse::<Ipv4Addr>() else {
                return bad("address", "It is no IPv4 address.");
            };
            (IpAddr::V4(ip), v4_bits(given, &place)?)
        };
        let list = spec["dns_servers"].as_array().map_or(&[][..], Vec::as_slice);
        let servers = list.iter().map(|server| parse(server, &at("dns_servers")));
        Ok(Self {
            ip,
            prefix,
            gateway: match &spec["default_gateway"] {
                Value::Null => None,
                gateway => Some(parse(gateway, &at("default_gateway"))?),
            },
            dns_servers: servers.collect::<Result<_, _>>()?,
        })
    }

    /// `Cluster.IpInfo`, the form in which a cluster is told.
    pub(super) fn info(&self, tells_little: bool) -> Value {
        let mut info = self.family(tells_little);
        if let Some(gateway) = self.gateway.filter(|_| !tells_little) {
            info.insert("gateway_ip".to_owned(), json!(gateway.to_string()));
        }
        Value::Object(info)
    }

    /// `IpSpec`, the form in which the active node is told.
    pub(super) fn spec(&self) -> Value {
        let mut spec = self.family(false);
        if let Some(gateway) = self.gateway {
            spec.insert("default_gateway".to_owned(), json!(gateway.to_string()));
        }
        if !self.dns_servers.is_empty() {
            let servers: Vec<String> = self.dns_servers.iter().map(ToString::to_string).collect();
            spec.insert("dns_servers".to_owned(), json!(servers));
        }
        Value::Object(spec)
    }

    fn family(&self, tells_little: bool) -> Map<String, Value> {
        let (name, member, value) = match self.ip {
            IpAddr::V4(ip) => {
                let mut value = json!({"address": ip.to_string(), "subnet_mask": self.mask().to_string()});
                if !tells_little {
                    value["prefix"] = json!(self.prefix);
                }
                ("IPV4", "ipv4", value)
            }
            IpAddr::V6(ip) => {
                let value = json!({"address": ip.to_string(), "prefix": self.prefix});
                ("IPV6", "ipv6", value)
            }
        };
        Map::from_iter([("ip_family".to_owned(), json!(name)), (member.to_owned(), value)])
    }
}

fn mask(prefix: u8) -> Ipv4Addr {
    let host_bits = 32 - u32::from(prefix.min(32));
    Ipv4Addr::from_bits(u32::MAX.checked_shl(host_bits).unwrap_or(0))
}

fn bits(value: &Value, most: u8) -> Option<u8> {
    let bits = u8::try_from(value.as_i64()?).ok()?;
    (bits <= most).then_some(bits)
}

/// One of mask and prefix is needed, and both must agree.
fn v4_bits(given: &Value, place: &str) -> Result<u8, RestError> {
    let bad = |member: &str, text: &str| RestError::invalid_at(&format!("{place}.{member}"), text);
    let by_prefix = match &given["prefix"] {
        Value::Null => None,
        value => Some(bits(value, 32).ok_or_else(|| bad("prefix", "It is no number of bits."))?),
    };
    let by_mask = match given["subnet_mask"].as_str() {
        None => None,
        Some(text) => Some(prefix_of(text).ok_or_else(|| bad("subnet_mask", "It is no mask."))?),
    };
    match (by_prefix, by_mask) {
        (Some(prefix), Some(by_mask)) if prefix != by_mask => {
            Err(bad("prefix", "Mask and prefix do not agree."))
        }
        (Some(prefix), _) | (None, Some(prefix)) => Ok(prefix),
        (None, None) => Err(bad("prefix", "Mask or prefix is needed.")),
    }
}

/// The bits of a mask; none if it is no mask.
pub(super) fn prefix_of(text: &str) -> Option<u8> {
    let bits = text.parse::<Ipv4Addr>().ok()?.to_bits();
    let prefix = u8::try_from(bits.leading_ones()).ok()?;
    (mask(prefix).to_bits() == bits).then_some(prefix)
}

fn parse(value: &Value, path: &str) -> Result<IpAddr, RestError> {
    let text = value.as_str().unwrap_or_default();
    text.parse()
        .map_err(|_| RestError::invalid_at(path, format!("{text} is no address.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(spec: &Value) -> Result<String, String> {
        let address = Address::of_spec(spec, "spec").map_err(|error| {
            let data = error.data.as_ref().map(|data| data["primary"].to_string());
            data.unwrap_or_default()
        })?;
        Ok(format!("{}/{}", address.ip, address.prefix))
    }

    #[test]
    fn mask_and_prefix_agree_or_one_is_enough() {
        let v4 = |members: Value| {
            let mut ipv4 = json!({"address": "10.9.0.1"});
            for (name, value) in members.as_object().unwrap() {
                ipv4[name] = value.clone();
            }
            read(&json!({"ip_family": "IPV4", "ipv4": ipv4}))
        };
        let good = Ok("10.9.0.1/24".to_owned());
        assert_eq!(v4(json!({"prefix": 24})), good);
        assert_eq!(v4(json!({"subnet_mask": "255.255.255.0"})), good);
        assert_eq!(v4(json!({"subnet_mask": "255.255.255.0", "prefix": 24})), good);
        for (bad, place) in [
            (json!({}), "prefix"),
            (json!({"prefix": 33}), "prefix"),
            (json!({"prefix": -1}), "prefix"),
            (json!({"subnet_mask": "255.0.255.0"}), "subnet_mask"),
            (json!({"subnet_mask": "255.255.255.0", "prefix": 16}), "prefix"),
        ] {
            assert_eq!(v4(bad), Err(format!("\"spec.ipv4.{place}\"")));
        }
    }

    #[test]
    fn only_the_member_of_the_family_named_is_taken() {
        let ipv6 = json!({"address": "2001:DB8:9::1", "prefix": 64});
        assert_eq!(
            read(&json!({"ip_family": "IPV6", "ipv6": ipv6})),
            Ok("2001:db8:9::1/64".to_owned())
        );
        let ipv4 = json!({"address": "10.9.0.1", "prefix": 24});
        let both = json!({"ip_family": "IPV6", "ipv6": ipv6, "ipv4": ipv4});
        assert_eq!(read(&both), Err("\"spec.ipv4\"".to_owned()));
        let other = json!({"ip_family": "IPV6", "ipv4": null});
        assert_eq!(read(&other), Err("\"spec.ipv6\"".to_owned()));
    }
}
