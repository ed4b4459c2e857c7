//! Recovered machines taken up into the inventory: with patience for files that are not seen yet, and with a look at what came
//! of it.

use std::time::Duration;

use farside_models_vim::{RegisterVMRequest, VirtualMachineConnectionState};
use farside_transport::Deadline;
use farside_wire::ManagedObjectReference;

use crate::client::VimClient;
use crate::error::{WorkError, WorkErrorKind};
use crate::folder::{Folder, NotRegistered};
use crate::object::ManagedObject;
use crate::path::PropertyPath;
use crate::vm::{VirtualMachine, goes_on};
use crate::work::{Time, run};

/// The first pause before a file is looked for again, and the longest one.
const PAUSES: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(30)];

/// The configuration file of a machine whose configuration nobody can read.
const FILE_IN_SUMMARY: PropertyPath<VirtualMachine, String> = PropertyPath::new("summary.config.vmPathName");

/// What is read to find the machine of a file.
const FILES: &[&str] = &[VirtualMachine::CONFIG_FILE.as_str(), FILE_IN_SUMMARY.as_str()];

/// What is read to see whether a machine is of use.
const STATE: &[&str] = &[
    VirtualMachine::CONNECTION_STATE.as_str(),
    VirtualMachine::CRYPTO_STATE.as_str(),
];

/// A machine that was taken up into the inventory.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TakenUp {
    /// The machine.
    pub machine: VirtualMachine,
    /// Whether it was found by its file, since it had been registered before, or by a call whose answer was lost. Name, folder
    /// and pool may then be others than were asked for.
    pub was_found: bool,
}

impl Folder {
    /// Takes a recovered machine up into the inventory and sees that it can be used; what stands in the way is dealt with as
    /// far as that is safe (`RegisterVM_Task`; vVol recovery rules 4):
    ///
    /// - the file is not there: tried again for as long as `file_wait`, with growing pauses, since the volumes of a failover may
    ///   take a while to be seen;
    /// - it is registered already, or nobody knows what became of the call: its machine is looked for by its path, and told as
    ///   [found](TakenUp::was_found); nothing is sent a second time after a lost answer;
    /// - anything else is told: [`NotRegistered::of`] says what the fault means.
    ///
    /// # Errors
    /// [`WorkErrorKind::NotConnected`] and [`WorkErrorKind::Locked`], about the machine, which *is* registered: its files cannot
    /// be read, or not without a key. [`WorkErrorKind::Call`], [`WorkErrorKind::Wait`] and [`WorkErrorKind::Late`], with no
    /// machine of that file seen in the inventory.
    ///
    /// # Cancel safety
    /// A dropped future leaves a task that runs as it is; calling again finds what it registered.
    pub async fn take_up(
        &self,
        request: &RegisterVMRequest,
        file_wait: Duration,
        limit: Duration,
    ) -> Result<TakenUp, WorkError> {
        let time = Time::of(self.client(), "registered", limit);
        let taken = self.find_or_register(request, file_wait, time).await;
        let taken = taken.map_err(|kind| kind.about("registering a machine in", self.reference()))?;
        let usable = taken.machine.see_usable(time).await;
        usable.map_err(|kind| kind.about("registering", taken.machine.reference()))?;
        Ok(taken)
    }

    async fn find_or_register(
        &self,
        request: &RegisterVMRequest,
        file_wait: Duration,
        time: Time,
    ) -> Result<TakenUp, WorkErrorKind> {
        let client = self.client();
        let clock = &**client.clock();
        let files = Deadline::after(clock, file_wait.min(time.left(client)));
        let [mut pause, longest] = PAUSES;
        let taken = |reference, was_found| TakenUp {
            machine: VirtualMachine::of(client, reference),
            was_found,
        };
        loop {
            let kind = match run(client, time, || self.register_vm(request)).await {
                Ok(machine) => return Ok(taken(machine, false)),
                Err(kind) => kind,
            };
            match kind.fault().and_then(NotRegistered::of) {
                Some(NotRegistered::NoFile) if !files.left(clock).is_zero() => {
                    clock.sleep(pause.min(files.left(clock))).await;
                    pause = (pause * 2).min(longest);
                    continue;
                }
                Some(NotRegistered::Already) => {
                    let found = time.within(client, find(client, &request.path)).await?;
                    return found.map(|found| taken(found, true)).ok_or(kind);
                }
                Some(_) => return Err(kind),
                None if !goes_on(&kind) => return Err(kind),
                None => {}
            }
            // Nobody knows what became of the call: the machine shows up, or does not.
            while !time.left(client).is_zero() {
                if let Ok(Some(found)) = time.within(client, find(client, &request.path)).await {
                    return Ok(taken(found, true));
                }
                clock.sleep(PAUSES[0].min(time.left(client))).await;
            }
            return Err(kind);
        }
    }
}

/// The machine whose configuration file this is, wherever it lies in the inventory.
async fn find(client: &VimClient, path: &str) -> Result<Option<ManagedObjectReference>, WorkErrorKind> {
    let root = client.content().await?.root_folder.clone();
    let machines = client.below(&root, VirtualMachine::TYPE_NAME, FILES).await?;
    let is = |file: Option<String>| file.is_some_and(|file| file == path);
    let found = machines.iter().find(|seen| {
        let at = |property| seen.at(property).ok().flatten();
        is(at(VirtualMachine::CONFIG_FILE)) || is(at(FILE_IN_SUMMARY))
    });
    Ok(found.map(|seen| seen.object().clone()))
}

impl VimClient {
    /// The machine whose configuration file this is, in datastore form, wherever it lies in the inventory; `None` if no machine
    /// that the session sees has it (`config.files.vmPathName`; of one whose files cannot be read, what its summary has).
    ///
    /// # Errors
    /// [`WorkErrorKind::Call`], about the root folder.
    pub async fn machine_of_file(&self, path: &str) -> Result<Option<VirtualMachine>, WorkError> {
        let found = find(self, path).await;
        let root = || ManagedObjectReference::new(Folder::TYPE_NAME, "root");
        let found = found.map_err(|kind| kind.about("looking for a machine below", &root()))?;
        Ok(found.map(|found| VirtualMachine::of(self, found)))
    }
}

impl VirtualMachine {
    /// Sees that vCenter can read the machine's files, and has their key (`runtime.connectionState`, `runtime.cryptoState`;
    /// vVol recovery rules 4.2, 4.4).
    ///
    /// # Errors
    /// [`WorkErrorKind::NotConnected`], [`WorkErrorKind::Locked`]; [`WorkErrorKind::Call`], [`WorkErrorKind::Absent`],
    /// [`WorkErrorKind::Unreadable`], [`WorkErrorKind::Late`]. Nothing was changed.
    pub async fn check_usable(&self, limit: Duration) -> Result<(), WorkError> {
        let usable = self.see_usable(Time::of(self.client(), "told", limit)).await;
        usable.map_err(|kind| kind.about("looking at", self.reference()))
    }

    async fn see_usable(&self, time: Time) -> Result<(), WorkErrorKind> {
        let seen = self.see(time, STATE).await?;
        let unreadable = |property| move |source| WorkErrorKind::Unreadable { property, source };
        let property = Self::CONNECTION_STATE.as_str();
        let state = seen.at(Self::CONNECTION_STATE).map_err(unreadable(property))?;
        let state = state.ok_or_else(|| WorkErrorKind::Absent {
            property,
            fault: seen.fault(property).cloned(),
        })?;
        if state != VirtualMachineConnectionState::Connected {
            return Err(WorkErrorKind::NotConnected(state));
        }
        let crypto = seen
            .at(Self::CRYPTO_STATE)
            .map_err(unreadable(Self::CRYPTO_STATE.as_str()))?;
        match crypto.as_deref() {
            Some("locked") => Err(WorkErrorKind::Locked),
            _ => Ok(()),
        }
    }
}
