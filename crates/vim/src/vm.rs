//! Virtual machines: the handle with its plain methods, and what a recovery does with one in more than one call.

use farside_models_vim::operation::{
    VIRTUAL_MACHINE_ANSWER_VM, VIRTUAL_MACHINE_DESTROY_TASK, VIRTUAL_MACHINE_GET_CONFIG,
    VIRTUAL_MACHINE_GET_GUEST, VIRTUAL_MACHINE_GET_RUNTIME, VIRTUAL_MACHINE_GET_SUMMARY,
    VIRTUAL_MACHINE_POWER_OFF_VM_TASK, VIRTUAL_MACHINE_POWER_ON_VM_TASK, VIRTUAL_MACHINE_RECONFIG_VM_TASK,
    VIRTUAL_MACHINE_REFRESH_STORAGE_INFO, VIRTUAL_MACHINE_SHUTDOWN_GUEST, VIRTUAL_MACHINE_UNREGISTER_VM,
};
use farside_models_vim::{
    AnswerVMRequest, GuestInfo, GuestNicInfo, ManagedEntityStatus, PowerOnVMRequest, ReconfigVMRequest,
    VirtualDevice, VirtualMachineConfigInfo, VirtualMachineConnectionState, VirtualMachinePowerState,
    VirtualMachineQuestionInfo, VirtualMachineRuntimeInfo, VirtualMachineSummary,
};
use farside_wire::Object;

use crate::path::PropertyPath;

mod card;
mod change;
mod device;
mod disk;
mod guest;
mod looks;
mod network;
mod option;
mod power;
mod profile;
mod question;
mod record;
mod start;
mod watch;

pub use card::{Card, CardChange, Connection, card_spec};
pub use disk::{Disk, Presence, removal_spec};
pub use guest::{Guest, Readiness};
pub(crate) use looks::Looks;
pub use network::NetworkBacking;
pub(crate) use power::goes_on;
pub use power::{ByWhat, ShutDown};
pub use profile::{Policies, Policy, policy_spec};
pub use question::{MovedOrCopied, choice};
pub use record::{InventoryRecord, RecordedAttribute, RecordedCard, RecordedPermission, RecordedPlace};
pub(crate) use start::Look;
pub use start::Started;

crate::managed_object! {
    /// A virtual machine.
    pub struct VirtualMachine = "VirtualMachine";
}

impl VirtualMachine {
    /// Its name in the inventory.
    pub const NAME: PropertyPath<VirtualMachine, String> = PropertyPath::new("name");
    /// Whether it runs.
    pub const POWER_STATE: PropertyPath<VirtualMachine, VirtualMachinePowerState> =
        PropertyPath::new("runtime.powerState");
    /// Whether vCenter can read it: `inaccessible` and `invalid` mean that its files cannot be.
    pub const CONNECTION_STATE: PropertyPath<VirtualMachine, VirtualMachineConnectionState> =
        PropertyPath::new("runtime.connectionState");
    /// `locked` if its files are encrypted and the key is not here; unset before release 6.7.
    pub const CRYPTO_STATE: PropertyPath<VirtualMachine, String> = PropertyPath::new("runtime.cryptoState");
    /// What it asks, if it does.
    pub const QUESTION: PropertyPath<VirtualMachine, VirtualMachineQuestionInfo> =
        PropertyPath::new("runtime.question");
    /// Its configuration file, in datastore form.
    pub const CONFIG_FILE: PropertyPath<VirtualMachine, String> =
        PropertyPath::new("config.files.vmPathName");
    /// What tells one configuration from the next.
    pub const CHANGE_VERSION: PropertyPath<VirtualMachine, String> =
        PropertyPath::new("config.changeVersion");
    /// Its devices.
    pub const DEVICES: PropertyPath<VirtualMachine, Vec<Object<VirtualDevice>>> =
        PropertyPath::new("config.hardware.device");
    /// What the guest does: `running`, `shuttingDown`, `notRunning` and others; compare without case.
    pub const GUEST_STATE: PropertyPath<VirtualMachine, String> = PropertyPath::new("guest.guestState");
    /// Whether the Tools run: `guestToolsRunning`.
    pub const TOOLS: PropertyPath<VirtualMachine, String> = PropertyPath::new("guest.toolsRunningStatus");
    /// How its guest is: `gray` without Tools.
    pub const HEARTBEAT: PropertyPath<VirtualMachine, ManagedEntityStatus> =
        PropertyPath::new("guestHeartbeatStatus");
    /// The address that the guest names first.
    pub const IP_ADDRESS: PropertyPath<VirtualMachine, String> = PropertyPath::new("guest.ipAddress");
    /// What the guest sees of its cards.
    pub const GUEST_NET: PropertyPath<VirtualMachine, Vec<GuestNicInfo>> = PropertyPath::new("guest.net");
}

crate::methods! {
    VirtualMachine {
        /// Powers it on, or resumes it. The task does not end while a question stands; that it succeeds means power, not that
        /// the guest is up. See also [`VirtualMachine::start`].
        act power_on(request: &PowerOnVMRequest) -> task = VIRTUAL_MACHINE_POWER_ON_VM_TASK;
        /// Switches it off at once: what the guest had not written is lost. See also [`VirtualMachine::shut_down`].
        act power_off() -> task = VIRTUAL_MACHINE_POWER_OFF_VM_TASK;
        /// Asks the guest to shut itself down, and does not wait; the guest may not do it. See also
        /// [`VirtualMachine::shut_down`].
        act shutdown_guest() -> nothing = VIRTUAL_MACHINE_SHUTDOWN_GUEST;
        /// Takes it out of the inventory and leaves its files. It is done when the call answers; what only vCenter knew is lost:
        /// [record it](VirtualMachine::record) before.
        act unregister() -> nothing = VIRTUAL_MACHINE_UNREGISTER_VM;
        /// Changes its configuration: what is set in the specification, all of it or nothing.
        act reconfigure(request: &ReconfigVMRequest) -> task = VIRTUAL_MACHINE_RECONFIG_VM_TASK;
        /// Answers its question with the key of a choice. See also [`VirtualMachine::start`].
        act answer(request: &AnswerVMRequest) -> nothing = VIRTUAL_MACHINE_ANSWER_VM;
        /// Deletes it with its files, for good. Never for what is not proven to be a test copy: see also
        /// [`VirtualMachine::discard`].
        act destroy() -> task = VIRTUAL_MACHINE_DESTROY_TASK;
        /// Has vCenter look anew at its files, which `layoutEx` and `storage` tell of. See also [`VirtualMachine::disks`].
        read refresh_storage_info() -> nothing = VIRTUAL_MACHINE_REFRESH_STORAGE_INFO;
        /// Reads its state: power, host, connection, question.
        read runtime() -> value VirtualMachineRuntimeInfo = VIRTUAL_MACHINE_GET_RUNTIME;
        /// Reads what the Tools report; `None` where nothing is known.
        read guest_info() -> optional GuestInfo = VIRTUAL_MACHINE_GET_GUEST;
        /// Reads its main facts in one.
        read summary() -> value VirtualMachineSummary = VIRTUAL_MACHINE_GET_SUMMARY;
        /// Reads its whole configuration, which is large; `None` where its files cannot be read.
        read config() -> optional VirtualMachineConfigInfo = VIRTUAL_MACHINE_GET_CONFIG;
    }
}
