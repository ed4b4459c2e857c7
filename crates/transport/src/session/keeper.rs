//! Keeps a session alive while nobody uses it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::task::AbortHandle;

use super::machine::Machine;
use crate::clock::Clock;

/// The task that keeps a session alive; it ends with the session.
pub(super) struct Keeper(AbortHandle);

impl Keeper {
    /// Watches over the session of login number `login`, if its scheme wants that.
    pub(super) fn start(machine: &Arc<Machine>, login: u64) -> Option<Self> {
        let every = machine.keep_alive_every()?;
        let task = keep_alive(Arc::downgrade(machine), Arc::clone(&machine.clock), login, every);
        Some(Self(tokio::spawn(task).abort_handle()))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Holds the machine only while it is looking, so that it does not outlive the last client.
async fn keep_alive(machine: Weak<Machine>, clock: Arc<dyn Clock>, login: u64, every: Duration) {
    let mut pause = every;
    loop {
        clock.sleep(pause).await;
        let Some(machine) = machine.upgrade() else { return };
        let Some((session, last_use)) = machine.live(login) else {
            return;
        };
        let idle = clock.elapsed().saturating_sub(last_use);
        if idle < every {
            pause = every.saturating_sub(idle);
            continue;
        }
        pause = every;
        machine.keep_alive(&session).await;
    }
}
