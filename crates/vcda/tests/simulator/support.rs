//! A simulated pair of sites, and a client of the western one.

use std::sync::Arc;
use std::time::Duration;

use farside_models_vcda::{RecoveryState, SingleVmReplicationInfo};
use farside_simulator::{FaultRule, Simulator, WorldSpec};
use farside_transport::testing::recorded;
use farside_transport::{Clock, RemoteOperation, SystemClock, WaitError};
use farside_vcda::{
    Cards, Extension, FailoverSettings, Finished, MigrateSettings, Networks, OperationTag, Power, Target,
    VcdaClient, VcdaClientBuilder, VmReplicationId, poll_policy,
};
use farside_wire::Secret;

use crate::kept::KEPT;

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

pub(crate) struct Site {
    pub(crate) clock: Arc<SystemClock>,
    pub(crate) simulator: Simulator,
    pub(crate) client: VcdaClient,
}

impl Site {
    pub(crate) fn west(replications: u32) -> Self {
        Self::of(&WorldSpec::pair(7).groups(0).replications(replications))
    }

    pub(crate) fn of(spec: &WorldSpec) -> Self {
        Self::built(spec, |builder| builder)
    }

    /// The same world, asked with the name of its own site in each call that takes one.
    pub(crate) fn naming_its_site(spec: &WorldSpec) -> Self {
        Self::built(spec, |builder| builder.site("west"))
    }

    fn built(spec: &WorldSpec, build: impl FnOnce(VcdaClientBuilder) -> VcdaClientBuilder) -> Self {
        let clock = Arc::new(SystemClock::new());
        let played = spec.clone().odd_if_asked(KEPT);
        let simulator = Simulator::new(played.build(), clock.clone());
        let builder = build(builder(&simulator, clock.clone(), "west"));
        // An odd world may need what the test does not know of.
        let client = if played.vcda.needs_extension && !spec.vcda.needs_extension {
            let (user, password) = credentials(&simulator, "east");
            let extended = builder.extend("east", Extension::Vcd { user, password });
            extended.build().unwrap().needing("east")
        } else {
            builder.build().unwrap()
        };
        Self {
            clock,
            simulator,
            client,
        }
    }

    pub(crate) fn ids(&self) -> Vec<VmReplicationId> {
        let world = self.simulator.world();
        let ids = world.vcda().replications();
        ids.map(|replication| VmReplicationId::parse(replication.id.as_str()).unwrap())
            .collect()
    }

    pub(crate) fn fault(&self, rule: FaultRule) {
        self.simulator.world().faults_mut().add(rule);
    }

    pub(crate) fn attempts(&self, operation: &str) -> u64 {
        self.simulator.world().calls().of(operation).attempts
    }

    pub(crate) async fn state(&self, id: &VmReplicationId) -> RecoveryState {
        recovery_state(&self.client.vm_replication(id).get().await.unwrap())
    }

    /// Waits for the end of work.
    pub(crate) async fn done<T>(
        &self,
        work: &RemoteOperation<Finished<T>>,
    ) -> Result<Finished<T>, WaitError> {
        work.until_done(HOUR, self.client.clock(), poll_policy()).await
    }
}

pub(crate) fn credentials(simulator: &Simulator, site: &str) -> (String, Secret) {
    let world = simulator.world();
    let endpoint = world.endpoint(site).unwrap();
    (endpoint.user.clone(), Secret::new(endpoint.password.clone()))
}

pub(crate) fn builder(simulator: &Simulator, clock: Arc<dyn Clock>, site: &str) -> VcdaClientBuilder {
    let (user, password) = credentials(simulator, site);
    let builder = VcdaClient::builder(recorded(Arc::new(simulator.transport(site))), site, clock);
    let builder = builder.credentials(user, password);
    // One tag for all would make a second action the first one there.
    if simulator.world().vcda().spec().deduplicates {
        builder
    } else {
        builder.tag(OperationTag::new("farside-tests"))
    }
}

pub(crate) fn client(
    simulator: &Simulator,
    clock: Arc<dyn Clock>,
    site: &str,
    password: Option<&str>,
) -> VcdaClient {
    let builder = builder(simulator, clock, site);
    let builder = match password {
        Some(password) => builder.credentials(credentials(simulator, site).0, Secret::new(password)),
        None => builder,
    };
    builder.build().unwrap()
}

pub(crate) fn recovery_state(replication: &SingleVmReplicationInfo) -> RecoveryState {
    let destination = replication.destination_state.as_ref().unwrap();
    let info = destination.recovery_info.as_ref().unwrap();
    info.recovery_state.clone().unwrap()
}

pub(crate) fn failover() -> FailoverSettings {
    FailoverSettings::new(Target::Vcloud, Power::Off, Networks::Preconfigured)
}

pub(crate) fn migrate() -> MigrateSettings {
    MigrateSettings::new(Target::Vcloud, Power::On, Cards::Connected)
}
