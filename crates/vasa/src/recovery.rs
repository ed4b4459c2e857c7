//! A recovery by hand: which call of which client does what, from the groups to guests that answer. There is no code here.
//!
//! What moves storage is in this crate, what is done with machines in `farside-vim`. Each step is one function, which can be called
//! alone, has a limit, and can be done again; none of them needs a recovery plan. Rules are those of the vVol recovery rules.
//!
//! # An example: from what a failover answered to a machine that runs
//!
//! ```
//! # use std::sync::Arc;
//! use std::time::Duration;
//!
//! use farside_models_vim::RegisterVMRequest;
//! # use farside_simulator::{Simulator, WorldSpec, sms::VasaSpec};
//! # use farside_transport::{Clock, SystemClock};
//! use farside_vasa::{Action, GroupEnd, GroupSuccess, VasaClient};
//! use farside_vim::{CardChange, Connection, Folder, MovedOrCopied, Network, Readiness, VimClient};
//! use farside_wire::{ManagedObjectReference, Secret};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mut vasa = VasaSpec::default();
//! # vasa.groups_with_devices = 1;
//! # let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
//! # let simulator = Simulator::new(WorldSpec::pair(7).groups(1).vasa(vasa).build(), clock.clone());
//! # let endpoint = simulator.world().endpoint("vc-west").cloned().ok_or("no vc-west")?;
//! # let transport = Arc::new(simulator.transport("vc-west"));
//! # let vim = VimClient::builder(transport, endpoint.user, Secret::new(endpoint.password), clock).build();
//! let limit = Duration::from_secs(600);
//! let west = VasaClient::new(vim.clone());
//! let provider = west.providers().await?.remove(0).id;
//! let group = west.all_groups(&provider).await?.remove(0).id;
//!
//! // Storage: here of a source that is gone.
//! let act = west.act(&provider, Action::Failover { planned: false }, [group.clone()]);
//! let ended = act.within(limit).send().await?.remove(0);
//! let GroupEnd::Succeeded { success: GroupSuccess::Recovered { devices, .. }, .. } = ended.end else {
//!     return Err("the group was not failed over".into());
//! };
//!
//! // Files: they name this side's volumes from here on. Four levels can fail; each is looked at.
//! let files = west.machine_files(&provider, &[group], &devices, limit).await?;
//! assert!(files.lost.is_empty() && files.failed.is_empty() && !files.paths.is_empty());
//!
//! let folder: Folder = vim.object("group-v23");
//! let pool = ManagedObjectReference::new("ResourcePool", "resgroup-29");
//! for path in &files.paths {
//!     let request = RegisterVMRequest::new(path, false).with_pool(pool.clone());
//!     let machine = folder.take_up(&request, Duration::from_secs(120), limit).await?.machine;
//!
//!     // Disks that nobody replicates keep it from starting; that they may go is for somebody to say.
//!     let missing = machine.disks(limit).await?.into_iter().filter(|disk| disk.is_missing());
//!     let missing: Vec<i32> = missing.map(|disk| disk.key).collect();
//!     machine.remove_disks(&missing, limit).await?;
//!
//!     // Its card still names a network of the other site.
//!     let network = vim.at_path(&["west", "network", "production-west"]).await?.ok_or("no network")?;
//!     let network = farside_vim::ManagedObject::of(&vim, network);
//!     let to = Connection::Network(Network::backing(&network).await?);
//!     let cards = machine.cards().await?;
//!     let changes: Vec<_> = cards.iter().map(|card| CardChange { key: card.key, to: to.clone() }).collect();
//!     machine.connect(&changes, limit).await?;
//!
//!     machine.declare(Some(MovedOrCopied::Moved), limit).await?;
//!     machine.start(Some(MovedOrCopied::Moved), limit).await?;
//!     machine.wait_until(Readiness::Address, limit).await?;
//!     machine.declare(None, limit).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What belongs together
//!
//! | rule | to know | ask |
//! | --- | --- | --- |
//! | 2.1 | the groups of a machine, part by part; all of them have to be failed over together | [`VasaClient::groups_of_vms`], [`VmGroups::groups`] |
//! | 2.1.3 | policies of entities, and what is in them | [`PbmProfileManager::profiles_of_entities`], [`PbmProfileManager::profile_contents`] |
//! | 2.2.1, 2.3.1 | a group, its state and its devices at one side | [`VasaClient::groups`], [`VasaClient::all_groups`] |
//! | 2.2.2 | which groups are a pair, and whether both sides say so | [`pair()`] |
//! | 2.2.3 | whom to ask about a group | [`VasaClient::active_provider`] |
//! | 2.2.4, 2.2.5 | what an id of a device names | [`Device`] |
//! | 2.2.6 | the machine, and the part of it, that a device is; files of replicators on the hosts too | [`owners`], [`VmVolumes::part_of`], [`VmVolumes::disk_of`] |
//! | 2.3.3 | from which hosts the target datastore can be reached | [`Datastore::reach`] |
//! | 2.3.4 | points in time, or how many there are | [`VasaClient::points_in_time`] |
//!
//! # A failover
//!
//! | rule | to do | use |
//! | --- | --- | --- |
//! | 3.1.1 | shut the source's machines down, or switch them off after a deadline | [`VirtualMachine::shut_down`] |
//! | 3.1.4 | before a machine is unregistered, keep what is lost with it: name, folder, pool, networks, notes, attributes, permissions. Tags are not among it: note them by other means | [`VirtualMachine::record`], [`InventoryRecord`] |
//! | 3.1.4 | take the stale machines out of the inventory of the source | [`VirtualMachine::unregister`] |
//! | 3.2 | check, sync, prepare, fail over; any number of groups | [`VasaClient::act`] with an [`Action`] |
//! | 3.3.1 to 3.3.4 | read the result group by group, and each device in it | [`regroup`], [`GroupSuccess::Recovered`], [`GroupDevice::of_result`] |
//! | 3.3.5 | go on after a lost answer: what the group at the target shows is as good | [`Recovered::of`] without results |
//! | 3.4.1, 3.4.7 | file paths of a replicator on the hosts | [`Recovered::files`], [`VimClient::path_to_register`], [`registration_path`] |
//! | 3.4.2, 3.4.3 | have the files name this side's volumes | [`Datastore::update_vm_files`], [`Datastore::container`] |
//! | 3.4.4 | the mapping, with snapshots, from result and look; a [`Contradiction`] stops it | [`Recovered::of`] |
//! | 3.4.5 | files that were rewritten, and files that were not | [`UpdatedFiles`] |
//! | 3.4 | all of this in one | [`VasaClient::machine_files`] |
//! | 3.4.2 | go on with a machine of whose file nothing is told, as where the array corrects files itself; see that it names no volume of the source | [`MachineFiles::of_machine`], [`MachineFiles::source_volumes`] |
//!
//! # Machines
//!
//! | rule | to do | use |
//! | --- | --- | --- |
//! | 4.1 | register; what a fault means | [`Folder::register`], [`NotRegistered`] |
//! | 4, table | register with patience for files, and go on with a machine that is there already | [`Folder::take_up`], [`VimClient::machine_of_file`] |
//! | 4.2, 4.4 | see that its files can be read, and are not locked; part of [`Folder::take_up`] | [`VirtualMachine::check_usable`] |
//! | 4.5 | find disks whose files are not there, and take them away | [`VirtualMachine::disks`], [`VirtualMachine::remove_disks`] |
//! | 5 | put cards on networks or disconnect them, and read that back | [`Network::backing`], [`VirtualMachine::connect`] |
//! | 6.1 to 6.4 | answer whether it was moved or copied; be shown any other question | [`VirtualMachine::start`], [`choice`], [`VirtualMachine::answer`] |
//! | 6.5 | say that beforehand, and take it back | [`VirtualMachine::declare`] |
//! | 7.1, 7.3 | power on one | [`VirtualMachine::start`] |
//! | 7.2 | power on many, with an outcome for each; apply what DRS recommends | [`Datacenter::start_all`], [`VirtualMachine::start_as_recommended`] |
//! | 7.4 | wait for a guest | [`VirtualMachine::wait_until`] |
//!
//! # A test, and its end
//!
//! | rule | to do | use |
//! | --- | --- | --- |
//! | 8.1, 8.2 | start it; its task may have no result | [`Action::StartTest`], then [`VasaClient::machine_files`] without results |
//! | 8.3 | note what each copy is known by, when it is registered | [`TestCopy::at`] |
//! | 8.5 | first every copy: proven, switched off, deleted with its files | [`VirtualMachine::discard`] |
//! | 8.6 | then stop the test; `force` on somebody's word only | [`Action::StopTest`] |
//! | 8.7 | look that the group is `TARGET`, and that no machine is left on the datastore | [`VasaClient::groups`], [`Datastore::machines`] |
//! | promote | make the test real | [`Action::Promote`] |
//!
//! # The other way
//!
//! | rule | to do | use |
//! | --- | --- | --- |
//! | 9.1 | reverse, unless the failover's new state is `SOURCE` already | [`Action::Reverse`] |
//! | 9.2 | discover anew: all ids may be others | [`VasaClient::all_groups`], [`pair()`] |
//! | 9.3 | give home and each disk the policy and the group of the new source, and see that they have it | [`VasaClient::assign`], [`policy`] |
//! | 9.4 | wait for a point in time that is newer than the reverse | [`VasaClient::points_in_time`] |

#[cfg(doc)]
use farside_vim::{
    Datacenter, Datastore, Folder, InventoryRecord, Network, NotRegistered, TestCopy, UpdatedFiles,
    VimClient, VirtualMachine, choice, registration_path,
};

#[cfg(doc)]
use crate::{
    Action, Contradiction, Device, GroupDevice, GroupSuccess, MachineFiles, PbmProfileManager, Recovered,
    VasaClient, VmGroups, VmVolumes, owners, pair, policy, regroup,
};
