//! Folders: machines taken up into the inventory, and folders for them.

use std::time::Duration;

use farside_models_vim::operation::{FOLDER_CREATE_FOLDER, FOLDER_REGISTER_VM_TASK};
use farside_models_vim::{
    AlreadyExists, CreateFolderRequest, DuplicateName, FileFault, InvalidDatastore, NotFound, NotSupported,
    RegisterVMRequest, VmConfigFault,
};
use farside_transport::CallError;
use farside_wire::{Fault, ManagedObjectReference};

use crate::error::{WorkError, WorkErrorKind};
use crate::object::ManagedObject;
use crate::vm::VirtualMachine;
use crate::work::{Time, run};

crate::managed_object! {
    /// A folder.
    pub struct Folder = "Folder";
}

crate::methods! {
    Folder {
        /// Creates a folder in this one. It is there when the call answers. See also [`Folder::subfolder`].
        act create_folder(request: &CreateFolderRequest) -> value ManagedObjectReference = FOLDER_CREATE_FOLDER;
        /// Takes a machine up into the inventory from its configuration file (`[datastore] directory/name.vmx`). The task
        /// brings the machine's reference, whose id is another one than before. See also [`Folder::register`].
        act register_vm(request: &RegisterVMRequest) -> task ManagedObjectReference = FOLDER_REGISTER_VM_TASK;
    }
}

/// Why a machine was not taken up into the inventory (vVol recovery rules 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotRegistered {
    /// The file is registered already: find its machine by [`VirtualMachine::CONFIG_FILE`] and go on with it.
    Already,
    /// Another machine of the folder has the name: register under another one.
    NameTaken,
    /// The file is not there: the volume is not seen yet, the datastore is not mounted, or the path is wrong. Worth trying
    /// again for a while after a failover.
    NoFile,
    /// The host cannot reach the datastore: mount it, or choose another host.
    Datastore,
    /// The files cannot be read as a machine, as when they name volumes of the source: rewrite them first
    /// ([`Datastore::update_vm_files`](crate::Datastore::update_vm_files)).
    Files,
    /// The folder holds no machines, or is of another datacenter than the datastore: choose another folder.
    Folder,
}

impl NotRegistered {
    /// What a fault of `RegisterVM_Task` says; `None` for one that has no remedy of its own.
    #[must_use]
    pub fn of(fault: &Fault) -> Option<Self> {
        if fault.is_a::<AlreadyExists>() {
            Some(Self::Already)
        } else if fault.is_a::<DuplicateName>() {
            Some(Self::NameTaken)
        } else if fault.is_a::<NotFound>() || fault.type_name() == "FileNotFound" {
            Some(Self::NoFile)
        } else if fault.is_a::<InvalidDatastore>() {
            Some(Self::Datastore)
        } else if fault.is_a::<VmConfigFault>() || fault.is_a::<FileFault>() {
            Some(Self::Files)
        } else if fault.is_a::<NotSupported>() {
            Some(Self::Folder)
        } else {
            None
        }
    }
}

impl Folder {
    /// Takes a machine up into the inventory and waits for it. (`RegisterVM_Task`)
    ///
    /// # Errors
    /// [`WorkErrorKind::Call`] and [`WorkErrorKind::Wait`]; [`NotRegistered::of`] says what the fault in it means. After any
    /// fault nothing is registered, but that `AlreadyExists` says it was before; after an unknown effect, or
    /// [`WorkErrorKind::Late`], look for the path. [`Folder::take_up`] does all of that.
    ///
    /// # Cancel safety
    /// A dropped future leaves the task running.
    pub async fn register(
        &self,
        request: &RegisterVMRequest,
        limit: Duration,
    ) -> Result<VirtualMachine, WorkError> {
        let time = Time::of(self.client(), "registered", limit);
        let machine = run(self.client(), time, || self.register_vm(request)).await;
        let machine = machine.map_err(|kind| kind.about("registering a machine in", self.reference()))?;
        Ok(VirtualMachine::of(self.client(), machine))
    }

    /// The folder of this name in this one, made if it is not there. (`CreateFolder`)
    ///
    /// # Errors
    /// [`WorkErrorKind::Call`]; with `DuplicateName` if what has the name is no folder.
    ///
    /// # Cancel safety
    /// A dropped future leaves unknown whether the folder was made.
    pub async fn subfolder(&self, name: &str) -> Result<Folder, WorkError> {
        let found = match self.create_folder(&CreateFolderRequest::new(name)).await {
            Ok(folder) => Ok(folder),
            Err(error) => match folder_of_that_name(&error) {
                Some(folder) => Ok(folder),
                None => Err(WorkErrorKind::Call(error).about("making a folder in", self.reference())),
            },
        };
        found.map(|folder| Folder::of(self.client(), folder))
    }
}

fn folder_of_that_name(error: &CallError) -> Option<farside_wire::ManagedObjectReference> {
    let fault = error.fault()?.downcast::<DuplicateName>()?.ok()?;
    (fault.object.type_ == Folder::TYPE_NAME).then_some(fault.object)
}
