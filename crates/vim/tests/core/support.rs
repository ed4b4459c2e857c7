//! A world on virtual time, and a client of one of its vCenters.

use std::sync::Arc;

use farside_simulator::{Simulator, WorldSpec};
use farside_transport::SystemClock;
use farside_transport::testing::recorded;
use farside_vim::{ReleaseChoice, VimClient};
use farside_wire::{Fault, ManagedObjectReference, Secret};

use crate::kept::KEPT;

pub(crate) const EAST: &str = "vc-east";

pub(crate) struct Site {
    pub(crate) simulator: Simulator,
    pub(crate) clock: Arc<SystemClock>,
}

impl Site {
    /// A world that knows old and new releases.
    pub(crate) fn new() -> Self {
        let releases = ["9.1.0.0", "9.0.0.0", "8.0.3.0", "8.0.2.0"];
        Self::of(&WorldSpec::pair(11).groups(2).replications(0).releases(&releases))
    }

    pub(crate) fn of(spec: &WorldSpec) -> Self {
        let clock = Arc::new(SystemClock::new());
        Self {
            simulator: Simulator::new(spec.clone().odd_if_asked(KEPT).build(), clock.clone()),
            clock,
        }
    }

    pub(crate) fn password(&self) -> Secret {
        Secret::new(self.simulator.world().endpoint(EAST).unwrap().password.clone())
    }

    pub(crate) fn user(&self) -> String {
        self.simulator.world().endpoint(EAST).unwrap().user.clone()
    }

    /// A client of its own session.
    pub(crate) fn client(&self) -> VimClient {
        let transport = recorded(Arc::new(self.simulator.transport(EAST)));
        VimClient::builder(transport, self.user(), self.password(), self.clock.clone())
            .endpoint(EAST)
            .build()
    }

    /// A client that uses this release unasked.
    pub(crate) fn client_at(&self, release: &str) -> VimClient {
        let transport = recorded(Arc::new(self.simulator.transport(EAST)));
        VimClient::builder(transport, self.user(), self.password(), self.clock.clone())
            .release(ReleaseChoice::Fixed(release.to_owned()))
            .build()
    }

    /// Attempts of one operation, whatever the object.
    pub(crate) fn attempts(&self, operation: &str) -> u64 {
        self.simulator.world().calls().of(operation).attempts
    }
}

pub(crate) fn of(type_name: &str, id: &str) -> ManagedObjectReference {
    ManagedObjectReference::new(type_name, id)
}

pub(crate) fn fault(error: &farside_transport::CallError) -> String {
    error
        .fault()
        .map(Fault::type_name)
        .map(|name| name.to_string())
        .unwrap_or_default()
}
