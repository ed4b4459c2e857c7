//! The addresses of the world and the sessions opened there.

use std::collections::BTreeMap;

use crate::fault::Loss;
use crate::random::Random;
use serde::{Deserialize, Serialize};

/// Which services an endpoint offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndpointKind {
    /// A vCenter: VI JSON, SMS, and the REST services.
    Vcenter,
    /// A cloud site of VMware Cloud Director Availability.
    Vcda,
}

/// One address.
#[derive(Clone, Serialize, Deserialize)]
pub struct Endpoint {
    /// The name, such as `vc-east`.
    pub name: String,
    /// What it offers.
    pub kind: EndpointKind,
    /// The user that may log in.
    pub user: String,
    /// The password of that user.
    #[serde(skip)]
    pub password: String,
    /// How far the server's clock is ahead of the world's, in milliseconds; never zero, so that nobody takes one for
    /// the other.
    pub skew_ms: i64,
    /// Whether packets get there: it is lost neither by hand nor with its site.
    pub reachable: bool,
    /// Whether somebody has lost it by hand.
    pub lost_by_hand: bool,
    /// How its site is lost, if it is.
    pub lost_with_site: Option<Loss>,
    /// While packets do not get there: whether they are dropped, so that nothing ever comes back. Otherwise connections are
    /// refused.
    pub drops_packets: bool,
    /// World time at which `reachable` last changed, in milliseconds.
    pub reachable_changed_ms: i64,
    /// World time until which the server does not listen although it can be reached, in milliseconds.
    pub down_until_ms: i64,
    /// Grows each time the server closes all its connections.
    pub connection_epoch: u64,
    /// Calls and connections tried while the endpoint could not be reached.
    pub unheard: u64,
    /// Connections opened.
    pub connections: u64,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("user", &self.user)
            .field("reachable", &self.reachable)
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// An endpoint that can be reached; password and clock skew come from the seed.
    pub fn new(seed: u64, kind: EndpointKind, name: &str, user: &str) -> Self {
        let mut random = Random::keyed(seed, &["endpoint", name]);
        let ahead = random.between(2_000, 180_000);
        let skew_ms = if random.next().is_multiple_of(2) {
            ahead
        } else {
            -ahead
        };
        Self {
            name: name.to_owned(),
            kind,
            user: user.to_owned(),
            password: format!("sim-{}", random.hex()),
            skew_ms,
            reachable: true,
            lost_by_hand: false,
            lost_with_site: None,
            drops_packets: false,
            reachable_changed_ms: 0,
            down_until_ms: 0,
            connection_epoch: 0,
            unheard: 0,
            connections: 0,
        }
    }

    /// The site it stands at: that of the same name, for VMware Cloud Director Availability.
    pub fn site(&self) -> &str {
        site_of(&self.name)
    }

    /// It can be reached or not, as it is lost or not. Connections are closed, but not where packets are dropped: nobody is told
    /// there, and what was sent meanwhile is lost when packets arrive again.
    pub(crate) fn settle_reach(&mut self, now_ms: i64) {
        let reachable = !self.lost_by_hand && self.lost_with_site.is_none();
        let drops_packets = self.lost_with_site == Some(Loss::Dropped);
        if (reachable, drops_packets) == (self.reachable, self.drops_packets) {
            return;
        }
        if reachable != self.reachable {
            self.reachable_changed_ms = now_ms;
        }
        self.reachable = reachable;
        self.drops_packets = drops_packets;
        if !drops_packets {
            self.connection_epoch += 1;
        }
    }

    /// Whether it cannot be reached, and nothing ever comes back.
    pub fn is_silent(&self) -> bool {
        !self.reachable && self.drops_packets
    }

    /// Whether a call made at this world time arrives.
    pub fn listens(&self, now_ms: i64) -> bool {
        self.reachable && now_ms >= self.down_until_ms
    }
}

/// The site of an endpoint by its name: `west` of `west`, `vc-west` and `vc-west-node2`.
pub(crate) fn site_of(endpoint: &str) -> &str {
    let name = endpoint.strip_prefix("vc-").unwrap_or(endpoint);
    name.strip_suffix("-node2").unwrap_or(name)
}

/// How long a session lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionLimits {
    /// Milliseconds without a call after which it ends.
    pub idle_ms: i64,
    /// Milliseconds after log-in at which it ends in any case.
    pub absolute_ms: i64,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The endpoint it was opened at, the only one where it is good.
    pub endpoint: String,
    /// Who logged in.
    pub user: String,
    /// World time of the log-in, in milliseconds.
    pub opened_ms: i64,
    /// World time of the last call, in milliseconds.
    pub used_ms: i64,
    /// How long it lives.
    pub limits: SessionLimits,
    /// Further sites that it is good for, in the order in which they were added; VCDA only.
    pub extended_to: Vec<String>,
}

/// All sessions, by token.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Sessions {
    by_token: BTreeMap<String, Session>,
    opened: u64,
}

impl std::fmt::Debug for Sessions {
    /// Tokens are credentials and are left out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions")
            .field("open", &self.by_token.len())
            .field("opened", &self.opened)
            .finish()
    }
}

impl Sessions {
    /// Opens a session and gives its token.
    pub(crate) fn open(
        &mut self,
        seed: u64,
        now_ms: i64,
        endpoint: &str,
        user: &str,
        limits: SessionLimits,
    ) -> String {
        self.opened += 1;
        let token = Random::keyed(seed, &["session", endpoint, &self.opened.to_string()]).uuid();
        let session = Session {
            endpoint: endpoint.to_owned(),
            user: user.to_owned(),
            opened_ms: now_ms,
            used_ms: now_ms,
            limits,
            extended_to: Vec::new(),
        };
        self.by_token.insert(token.clone(), session);
        token
    }

    /// The live session of a token at an endpoint; using it keeps it from dying idle.
    pub(crate) fn touch(&mut self, now_ms: i64, endpoint: &str, token: &str) -> Option<Session> {
        let session = self
            .by_token
            .get_mut(token)
            .filter(|session| session.endpoint == endpoint)?;
        let dead = now_ms - session.used_ms > session.limits.idle_ms
            || now_ms - session.opened_ms > session.limits.absolute_ms;
        if dead {
            self.by_token.remove(token);
            return None;
        }
        session.used_ms = now_ms;
        Some(session.clone())
    }

    /// Makes a session good for one more site; all its further sites.
    pub(crate) fn extend(&mut self, token: &str, site: &str) -> Vec<String> {
        let Some(session) = self.by_token.get_mut(token) else {
            return Vec::new();
        };
        if session.endpoint != site && !session.extended_to.iter().any(|extended| extended == site) {
            session.extended_to.push(site.to_owned());
        }
        session.extended_to.clone()
    }

    /// Makes all sessions of an endpoint good for their own site only.
    pub fn end_extensions(&mut self, endpoint: &str) {
        let sessions = self.by_token.values_mut();
        for session in sessions.filter(|session| session.endpoint == endpoint) {
            session.extended_to.clear();
        }
    }

    /// A session as it is, without using it.
    pub(crate) fn peek(&self, endpoint: &str, token: &str) -> Option<&Session> {
        self.by_token
            .get(token)
            .filter(|session| session.endpoint == endpoint)
    }

    /// Whether a session is alive, without using it.
    pub(crate) fn is_live(&self, now_ms: i64, endpoint: &str, token: &str) -> bool {
        self.peek(endpoint, token).is_some_and(|session| {
            now_ms - session.used_ms <= session.limits.idle_ms
                && now_ms - session.opened_ms <= session.limits.absolute_ms
        })
    }

    /// Ends one session.
    pub(crate) fn close(&mut self, token: &str) {
        self.by_token.remove(token);
    }

    /// Ends all sessions of an endpoint.
    pub fn end_all(&mut self, endpoint: &str) {
        self.by_token.retain(|_, session| session.endpoint != endpoint);
    }

    /// How many sessions an endpoint holds, dead ones that nobody has used since included.
    pub fn count(&self, endpoint: &str) -> usize {
        self.by_token
            .values()
            .filter(|session| session.endpoint == endpoint)
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: SessionLimits = SessionLimits {
        idle_ms: 10,
        absolute_ms: 25,
    };

    #[test]
    fn a_session_dies_idle_and_dies_of_age() {
        let mut sessions = Sessions::default();
        let idle = sessions.open(1, 0, "west", "op", LIMITS);
        assert!(sessions.touch(10, "west", &idle).is_some());
        assert!(sessions.touch(21, "west", &idle).is_none());
        let old = sessions.open(1, 0, "west", "op", LIMITS);
        assert!(
            [10, 20, 25]
                .into_iter()
                .all(|now| sessions.touch(now, "west", &old).is_some())
        );
        assert!(sessions.touch(26, "west", &old).is_none());
    }

    #[test]
    fn a_session_is_good_at_its_own_endpoint_only() {
        let mut sessions = Sessions::default();
        let token = sessions.open(1, 0, "west", "op", LIMITS);
        assert!(sessions.touch(1, "east", &token).is_none());
        assert!(sessions.touch(1, "west", &token).is_some());
        sessions.end_all("west");
        assert!(sessions.touch(1, "west", &token).is_none());
    }

    #[test]
    fn debug_shows_no_password_and_no_token() {
        let endpoint = Endpoint::new(1, EndpointKind::Vcda, "west", "op");
        assert!(!format!("{endpoint:?}").contains(&endpoint.password));
        assert!(
            !serde_json::to_string(&endpoint)
                .unwrap()
                .contains(&endpoint.password)
        );
        let mut sessions = Sessions::default();
        let token = sessions.open(1, 0, "west", "op", LIMITS);
        assert!(!format!("{sessions:?}").contains(&token));
        assert_ne!(endpoint.skew_ms, 0);
    }
}
