//! Connections between two calls.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[cfg(feature = "http2")]
use crate::http2::Http2;
use crate::protocol::Protocol;

/// Idle connections that are kept.
const MAX_IDLE: usize = 64;

/// How long a connection is kept idle. Well below what servers and proxies allow, since a request that meets a
/// closing connection leaves its outcome unknown.
const IDLE_LIMIT: Duration = Duration::from_secs(20);

/// A connection and the generation it belongs to.
pub(crate) struct Connection {
    pub(crate) protocol: Protocol,
    generation: u64,
}

/// Keeps idle connections of HTTP/1.1, and one of HTTP/2 that all calls share. A reset starts a generation, and
/// connections of earlier ones are never used again.
#[derive(Default)]
pub(crate) struct Pool(Mutex<Idle>);

#[derive(Default)]
struct Idle {
    generation: u64,
    /// The last one used is the last one here, and the next to be used: it is the least likely to have been
    /// closed.
    connections: Vec<(Connection, Duration)>,
    /// In use or not, with the time of its last use.
    #[cfg(feature = "http2")]
    shared: Option<(Http2, Duration)>,
}

impl Pool {
    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The generation that a connection opened from here on belongs to.
    pub(crate) fn generation(&self) -> u64 {
        self.idle().generation
    }

    /// Takes in a connection of `generation`, which was asked for before it was opened. Others can share it at once, if
    /// its protocol can be shared.
    pub(crate) fn adopt(&self, protocol: Protocol, generation: u64, at: Duration) -> Connection {
        self.idle().share(&protocol, generation, at);
        Connection { protocol, generation }
    }

    /// A connection that can carry a request, if there is one that the host has not closed.
    pub(crate) fn take(&self, at: Duration) -> Option<Connection> {
        let mut idle = self.idle();
        if let Some(shared) = idle.take_shared(at) {
            return Some(shared);
        }
        while let Some((connection, since)) = idle.connections.pop() {
            if at.saturating_sub(since) > IDLE_LIMIT {
                // All others have been idle for longer.
                idle.connections.clear();
                return None;
            }
            if !connection.protocol.is_closed() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps a connection whose last answer was read to its end.
    pub(crate) fn park(&self, connection: Connection, at: Duration) {
        let mut idle = self.idle();
        match &connection.protocol {
            Protocol::Http1(_) => {
                if connection.generation == idle.generation && idle.connections.len() < MAX_IDLE {
                    idle.connections.push((connection, at));
                }
            }
            #[cfg(feature = "http2")]
            Protocol::Http2(_) => idle.share(&connection.protocol, connection.generation, at),
        }
    }

    /// Gives no further call a share in a connection that has failed.
    pub(crate) fn forget(&self, failed: &Connection) {
        match &failed.protocol {
            Protocol::Http1(_) => {}
            #[cfg(feature = "http2")]
            Protocol::Http2(failed) => {
                self.idle().shared.take_if(|(shared, _)| shared.is_same(failed));
            }
        }
    }

    /// Drops all idle connections, and those in use as soon as their calls end.
    pub(crate) fn reset(&self) {
        let mut idle = self.idle();
        *idle = Idle {
            generation: idle.generation + 1,
            ..Idle::default()
        };
    }
}

#[cfg(feature = "http2")]
impl Idle {
    fn share(&mut self, protocol: &Protocol, generation: u64, at: Duration) {
        let Protocol::Http2(http2) = protocol else { return };
        if generation != self.generation {
            return;
        }
        match &mut self.shared {
            Some((shared, since)) if shared.is_same(http2) => *since = at,
            // One is enough: this one ends with its call.
            Some((shared, _)) if !shared.sender.is_closed() => {}
            Some(_) | None => self.shared = Some((http2.clone(), at)),
        }
    }

    fn take_shared(&mut self, at: Duration) -> Option<Connection> {
        self.shared
            .take_if(|(shared, since)| at.saturating_sub(*since) > IDLE_LIMIT || shared.sender.is_closed());
        let (shared, since) = self.shared.as_mut()?;
        *since = at;
        Some(Connection {
            protocol: Protocol::Http2(shared.clone()),
            generation: self.generation,
        })
    }
}

#[cfg(not(feature = "http2"))]
impl Idle {
    fn share(&mut self, _protocol: &Protocol, _generation: u64, _at: Duration) {}

    fn take_shared(&mut self, _at: Duration) -> Option<Connection> {
        None
    }
}
