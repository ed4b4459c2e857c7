//! What the virtual machines of a world are like, with a switch for each reading that the sources leave open.

use serde::{Deserialize, Serialize};

/// The virtual machines of a world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct VmSpec {
    /// Machines of each vCenter on its datastore that no group replicates, switched off. Those of replication groups come
    /// on top: one for each group that holds devices, switched on.
    pub plain: u32,
    /// Disks of each machine of a replication group that no group replicates.
    pub unreplicated_disks: u32,
    /// What places machines that are powered on together.
    pub placement: Placement,
    /// A refusal for the state of a machine, a name or a file comes as the error of a task, not as that of the call.
    pub refuses_in_task: bool,
    /// A path that leads to no file is `NotFound`; otherwise its subtype for files, `FileNotFound`.
    pub missing_file_is_not_found: bool,
    /// A card that is connected to a network of another vCenter keeps its machine from being powered on; otherwise the
    /// machine runs and the card is not connected.
    pub refuses_foreign_networks: bool,
    /// Machines whose files are at another place than when they last ran do not ask whether they were moved or copied.
    pub asks_nothing: bool,
    /// `uuid.action` among the options of a machine settles nothing: it asks all the same.
    pub ignores_uuid_action: bool,
    /// Machines do not tell which volumes they are on: there is no `backingObjectId` of files and disks, and no
    /// `vmStorageObjectId`. The directory of the configuration file is its volume all the same.
    pub hides_volumes: bool,
    /// What else a datastore refuses while files on it are rewritten.
    pub while_rewriting: WhileRewriting,
    /// A machine is registered in whatever folder for machines; otherwise one of another datacenter than that of its datastore is
    /// `NotSupported`.
    pub registers_across_datacenters: bool,
    /// A machine whose files cannot be read is `invalid`, not `inaccessible`.
    pub unreadable_is_invalid: bool,
    /// Machines on the volumes of a test leave the inventory when it is ended under them; otherwise they stay, and nobody can read
    /// their files.
    pub leaves_with_test: bool,
    /// An edit of a device that leaves out what the device has is refused; otherwise what is left out stays.
    pub wants_whole_devices: bool,
    /// When a card gets a port of its distributed switch.
    pub ports: Ports,
    /// Where the question names its choices otherwise than in texts for people.
    pub choice_names: ChoiceNames,
    /// A machine without a known guest has no `guest`, instead of one that says `notRunning`.
    pub omits_idle_guest: bool,
    /// Machines with troubles.
    pub troubles: Vec<TroubledMachine>,
}

impl Default for VmSpec {
    fn default() -> Self {
        Self {
            plain: 2,
            unreplicated_disks: 0,
            placement: Placement::None,
            refuses_in_task: false,
            missing_file_is_not_found: false,
            refuses_foreign_networks: false,
            asks_nothing: false,
            ignores_uuid_action: false,
            hides_volumes: false,
            while_rewriting: WhileRewriting::RefusesUpdates,
            registers_across_datacenters: false,
            unreadable_is_invalid: false,
            leaves_with_test: false,
            wants_whole_devices: false,
            ports: Ports::AtOnce,
            choice_names: ChoiceNames::InLabel,
            omits_idle_guest: false,
            troubles: Vec::new(),
        }
    }
}

/// What places machines that are powered on together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// Nothing: each machine starts where it is, by a task of its own that the result names.
    None,
    /// DRS, by itself.
    Automatic,
    /// DRS, which only recommends.
    Manual,
}

/// What else a datastore refuses, with `TaskInProgress`, while files on it are rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhileRewriting {
    /// Further rewriting; machines are registered meanwhile.
    RefusesUpdates,
    /// Machines on it are not registered either.
    RefusesRegistrations,
    /// Nothing.
    RefusesNothing,
}

/// When a card that is put on another port group gets a port of its distributed switch. The port is the server's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ports {
    /// At once. A port that is named for another port group is passed over.
    AtOnce,
    /// At once. A port or a cookie that is named for another port group is refused.
    AtOnceUnnamed,
    /// When its machine starts, if it is off.
    AtStart,
}

/// Where the question whether a machine was moved or copied names its choices for programs, as `button.uuid.movedTheVM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChoiceNames {
    /// In the label; the summary is a text for people.
    InLabel,
    /// In the summary; the label is a text for people.
    InSummary,
    /// Nowhere: both are texts for people, in their language.
    Nowhere,
}

/// A trouble of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TroubledMachine {
    /// The name of the machine in its files, such as `app-001`; the trouble goes with the files.
    pub machine: String,
    /// What is wrong with it.
    pub trouble: MachineTrouble,
}

/// What can be wrong with a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MachineTrouble {
    /// The guest runs no Tools.
    NoTools,
    /// The guest does not shut down when it is asked to.
    IgnoresShutdown,
    /// The guest gets no address.
    NoAddress,
    /// At power-on it asks something that has nothing to do with moving or copying.
    StrangeQuestion,
    /// Its files cannot be rewritten.
    BadFiles,
    /// Its host has too little memory for it.
    TooLarge,
    /// Its files are encrypted, and nobody has the key.
    Locked,
}
