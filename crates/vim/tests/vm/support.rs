//! A world with a client of each vCenter.

use std::sync::Arc;
use std::time::Duration;

use farside_models_vim::{CreateFolderRequest, RegisterVMRequest};
use farside_simulator::call_log::Totals;
use farside_simulator::sms::VasaSpec;
use farside_simulator::sms::Verb;
use farside_simulator::vm::VmSpec;
use farside_simulator::{Simulator, WorldSpec};
use farside_transport::testing::{PausedClock, recorded};
use farside_transport::{Clock, PollPolicy, RemoteOperation, WaitError};
use farside_vim::{Folder, ManagedObject, VimClient, VirtualMachine, WorkError};
use farside_wire::{ManagedObjectReference, Secret};

use crate::kept::KEPT;

/// Longer than anything takes that comes to its end.
pub(crate) const LONG: Duration = Duration::from_secs(300);

pub(crate) struct Bench<C = PausedClock> {
    pub(crate) simulator: Simulator,
    pub(crate) clock: Arc<C>,
    pub(crate) east: VimClient,
    pub(crate) west: VimClient,
}

impl Bench {
    pub(crate) fn new(vm: VmSpec) -> Self {
        Self::on(Arc::new(PausedClock::auto_advancing()), vm)
    }
}

/// The world of these tests.
pub(crate) fn world(vm: VmSpec) -> WorldSpec {
    let mut vasa = VasaSpec::default();
    vasa.groups_with_devices = 3;
    WorldSpec::pair(11).groups(4).replications(0).vasa(vasa).vm(vm)
}

impl<C: Clock + 'static> Bench<C> {
    /// On this clock.
    pub(crate) fn on(clock: Arc<C>, vm: VmSpec) -> Self {
        Self::of(clock, world(vm))
    }

    /// Of this world.
    pub(crate) fn of(clock: Arc<C>, world: WorldSpec) -> Self {
        let simulator = Simulator::new(world.odd_if_asked(KEPT).build(), clock.clone());
        let client = |name: &str| {
            let (user, password) = {
                let world = simulator.world();
                let endpoint = world.endpoint(name).unwrap();
                (endpoint.user.clone(), Secret::new(endpoint.password.clone()))
            };
            let transport = recorded(Arc::new(simulator.transport(name)));
            VimClient::builder(transport, user, password, clock.clone())
                .endpoint(name)
                .build()
        };
        let (east, west) = (client("vc-east"), client("vc-west"));
        Self {
            simulator,
            clock,
            east,
            west,
        }
    }

    /// The machine of this name.
    pub(crate) fn vm(&self, client: &VimClient, name: &str) -> VirtualMachine {
        let world = self.simulator.world();
        let id = world.vms().named(client.endpoint(), name).unwrap().id.clone();
        client.object(id)
    }

    /// What the world knows of a machine.
    pub(crate) fn seen(&self, vm: &VirtualMachine) -> farside_simulator::vm::Machine {
        self.simulator.world().vms().machine(vm.id()).unwrap().clone()
    }

    /// What came of all calls of an operation, at both vCenters.
    pub(crate) fn calls(&self, operation: &str) -> Totals {
        self.simulator.world().calls().of(operation)
    }

    pub(crate) fn vm_folder(&self, client: &VimClient) -> Folder {
        client.object(if client.endpoint() == "vc-east" {
            "group-v13"
        } else {
            "group-v23"
        })
    }

    pub(crate) fn pool(&self, client: &VimClient) -> ManagedObjectReference {
        let id = if client.endpoint() == "vc-east" {
            "resgroup-19"
        } else {
            "resgroup-29"
        };
        ManagedObjectReference::new("ResourcePool", id)
    }

    pub(crate) fn network(&self, client: &VimClient, name: &str) -> ManagedObjectReference {
        let world = self.simulator.world();
        let network = world.vms().network(client.endpoint(), name).unwrap();
        let type_name = match network.kind {
            farside_simulator::vm::NetworkKind::Standard => "Network",
            farside_simulator::vm::NetworkKind::Distributed { .. } => "DistributedVirtualPortgroup",
            farside_simulator::vm::NetworkKind::Opaque { .. } => "OpaqueNetwork",
        };
        ManagedObjectReference::new(type_name, &network.id)
    }

    /// Registers a file at a vCenter.
    pub(crate) async fn register(&self, client: &VimClient, path: &str) -> Result<VirtualMachine, WorkError> {
        let request = RegisterVMRequest::new(path, false).with_pool(self.pool(client));
        self.vm_folder(client).register(&request, LONG).await
    }

    pub(crate) async fn subfolder(&self, client: &VimClient, name: &str) -> Folder {
        let folder = self.vm_folder(client);
        let made = folder
            .create_folder(&CreateFolderRequest::new(name))
            .await
            .unwrap();
        Folder::of(client, made)
    }

    /// Waits for the end of a task.
    pub(crate) async fn done<T>(&self, task: RemoteOperation<T>) -> Result<T, WaitError> {
        task.until_done(LONG, &*self.clock, PollPolicy::default()).await
    }

    /// Somebody at the array does something with a group; volumes that it brings have surfaced afterwards.
    pub(crate) async fn act(&self, group: &str, verb: Verb) {
        assert!(self.simulator.world().act_on_group(group, verb));
        self.pass(Duration::from_secs(21)).await;
    }

    pub(crate) fn pass(&self, time: Duration) -> impl Future<Output = ()> + '_ {
        self.clock.sleep(time)
    }
}

/// The type name of the fault that an error is about.
pub(crate) fn fault(error: &WorkError) -> &str {
    error.fault().map_or("", |fault| fault.type_name())
}
