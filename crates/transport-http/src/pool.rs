//! Connections between two calls.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::connect::Opened;

/// Idle connections that are kept.
const MAX_IDLE: usize = 64;

/// How long a connection is kept idle. Well below what servers and proxies allow, since a request that meets a
/// closing connection leaves its outcome unknown.
const IDLE_LIMIT: Duration = Duration::from_secs(20);

/// A connection and the generation it belongs to.
pub(crate) struct Connection {
    pub(crate) opened: Opened,
    generation: u64,
}

/// Keeps idle connections. A reset starts a generation, and connections of earlier ones are never used again.
#[derive(Default)]
pub(crate) struct Pool(Mutex<Idle>);

#[derive(Default)]
struct Idle {
    generation: u64,
    /// The last one used is the last one here, and the next to be used: it is the least likely to have been
    /// closed.
    connections: Vec<(Connection, Duration)>,
}

impl Pool {
    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The generation that a connection opened from here on belongs to.
    pub(crate) fn generation(&self) -> u64 {
        self.idle().generation
    }

    /// Names a connection as one of `generation`, which was asked for before it was opened.
    pub(crate) fn adopt(opened: Opened, generation: u64) -> Connection {
        Connection { opened, generation }
    }

    /// An idle connection, if there is one that the host has not closed.
    pub(crate) fn take(&self, at: Duration) -> Option<Connection> {
        let mut idle = self.idle();
        while let Some((connection, since)) = idle.connections.pop() {
            if at.saturating_sub(since) > IDLE_LIMIT {
                // All others have been idle for longer.
                idle.connections.clear();
                return None;
            }
            if !connection.opened.sender.is_closed() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps a connection whose last answer was read to its end.
    pub(crate) fn park(&self, connection: Connection, at: Duration) {
        let mut idle = self.idle();
        if connection.generation == idle.generation && idle.connections.len() < MAX_IDLE {
            idle.connections.push((connection, at));
        }
    }

    /// Drops all idle connections, and those in use as soon as their calls end.
    pub(crate) fn reset(&self) {
        let mut idle = self.idle();
        idle.generation += 1;
        idle.connections.clear();
    }
}
