//! What a rule does.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What happens to a call that a rule hits, or what holds while a rule is in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultAction {
    /// The server acts; the connection is closed before the answer.
    DropAnswer,
    /// The server acts; the connection is closed in the middle of the body of the answer. An answer without a body is dropped.
    CutAnswer {
        /// How many bytes of the body arrive; at least the last one never does.
        after_bytes: u32,
    },
    /// The server acts; the answer arrives later.
    Delay {
        /// By how much, in milliseconds of world time.
        ms: u32,
    },
    /// The server does not act and answers with this status.
    Refuse {
        /// The status.
        status: u16,
        /// The body; left out, the service's own form of an error.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Value>,
        /// A `Retry-After` header, in seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
    },
    /// The connection is closed before the server acts.
    Cut,
    /// Nothing ever comes back.
    Silence {
        /// Whether the server acts first.
        #[serde(default)]
        acted: bool,
    },
    /// All sessions of the endpoint end; the call itself then goes its way.
    EndSessions,
    /// All sessions of the endpoint are good for their own site only before the server acts; VCDA.
    EndExtensions,
    /// An endpoint is lost or comes back; the call itself then goes its way, if its own endpoint still is there.
    SetReachable {
        /// The endpoint.
        endpoint: String,
        /// Whether it can be reached.
        reachable: bool,
    },
    /// A vCenter starts anew: its connections are cut, its sessions and tasks are gone. The call itself is cut before the
    /// server acts if it was made there, and goes its way otherwise.
    RestartVcenter {
        /// The endpoint.
        endpoint: String,
        /// How long nobody answers there, in milliseconds of world time.
        outage_ms: u32,
    },
    /// The active node of a vCenter HA cluster dies. A cluster that is enabled and healthy switches over by itself; otherwise the
    /// node comes back. The call itself is cut before the server acts if it was made there, and goes its way otherwise.
    LoseActiveNode {
        /// The vCenter, such as `vc-west`.
        endpoint: String,
    },
    /// A condition: no endpoint of a site is reached, by clients or by the other site, and nothing is replicated.
    LoseSite {
        /// The site, such as `west`.
        site: String,
        /// How a client sees it.
        #[serde(default)]
        how: Loss,
    },
    /// A condition: the storage of a site is full. Work that needs room there fails.
    FillDisk {
        /// The site, such as `west`.
        site: String,
    },
    /// A condition: the link of a network card of a host is down, up, down, and so on; it begins with down and ends with up.
    FlapLink {
        /// The id of the host, such as `host-11`.
        host: String,
        /// The card, such as `vmnic6`.
        card: String,
        /// How long it is down, in milliseconds of world time, at least [`FaultAction::LEAST_FLAP_MS`].
        down_ms: u32,
        /// How long it is up then, in milliseconds of world time, at least [`FaultAction::LEAST_FLAP_MS`]; 0: it stays down.
        up_ms: u32,
    },
}

impl FaultAction {
    /// How long a link that flaps is down, or up, at least, in milliseconds of world time; our assumption, since each turn costs
    /// real time: a day of the shortest ones takes seconds.
    pub const LEAST_FLAP_MS: u32 = 100;

    /// Whether it is a condition, which holds for a while, and nothing that happens to a call.
    pub fn is_condition(&self) -> bool {
        matches!(
            self,
            Self::LoseSite { .. } | Self::FillDisk { .. } | Self::FlapLink { .. }
        )
    }
}

/// How a client sees a site that is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Packets are dropped: connections hang, those that are open stay so and nothing comes.
    #[default]
    Dropped,
    /// Connections are refused, and those that are open are closed.
    Refused,
}
