//! Client of the storage monitoring service (SMS) of vCenter: VASA providers, the replication groups of their arrays, and
//! the operations that move these groups between two sites; and of policy-based management (PBM), as far as it tells which
//! virtual machines belong to which group.
//!
//! Everything begins at a [`VasaClient`]. What reads is a method of it; an [`Action`] on groups is either [started](VasaClient::start)
//! as exactly one call, whose task can be waited for, stored and attached again, or [done](VasaClient::act) for any number of
//! groups with as many calls as it takes, and an end for each group. Plain methods, one for each operation of the API, are on the
//! handles of its managed objects: [`SmsServiceInstance`], [`SmsStorageManager`], [`VasaProvider`], [`PbmProfileManager`], ...
//!
//! A task that succeeds can hold groups that failed, so its result is taken apart with [`regroup`], which has an outcome for
//! each group that was asked for.
//!
//! ```
//! use farside_vasa::{GroupId, GroupOutcome, regroup, split};
//! use farside_wire::RawJson;
//!
//! let batch = vec![GroupId::new("fd-b", "rg-1"), GroupId::new("fd-b", "rg-2"), GroupId::new("fd-b", "rg-3")];
//! assert_eq!(split(&batch, Some(2)).map(<[_]>::len).collect::<Vec<_>>(), [2, 1]);
//!
//! let result = RawJson::parse(r#"{"_typeName": "ArrayOfGroupOperationResult", "_value": [
//!     {"_typeName": "FailoverSuccessResult", "newState": "FAILEDOVER",
//!      "groupId": {"faultDomainId": {"id": "fd-b"}, "deviceGroupId": {"id": "rg-1"}}},
//!     {"_typeName": "GroupErrorResult", "error": [{"_typeName": "ProviderBusy"}],
//!      "groupId": {"faultDomainId": {"id": "fd-b"}, "deviceGroupId": {"id": "rg-2"}}}]}"#)?;
//! let outcomes = regroup(&batch, Some(&result));
//! assert!(matches!(outcomes[0], GroupOutcome::Succeeded { .. }));
//! assert!(matches!(outcomes[1], GroupOutcome::Failed { .. }));
//! assert!(matches!(outcomes[2], GroupOutcome::Missing));
//! # Ok::<(), farside_wire::DecodeError>(())
//! ```
//!
//! # By the names of PowerCLI
//!
//! | cmdlet | here |
//! | --- | --- |
//! | `Get-SpbmFaultDomain` | [`VasaClient::fault_domains`], [`VasaClient::active_provider`] |
//! | `Get-SpbmReplicationGroup` | [`VasaClient::groups`], [`VasaClient::all_groups`]; with `-VM` or `-HardDisk` [`VasaClient::groups_of_vms`] |
//! | `Get-SpbmReplicationPair` | [`pair()`], [`VasaClient::peers`] for fault domains |
//! | `Get-SpbmPointInTimeReplica` | [`VasaClient::points_in_time`] with a [`PointQuery`] |
//! | `Get-SpbmStoragePolicy` | [`VasaClient::profile_manager`], [`PbmProfileManager::profiles`], [`PbmProfileManager::profile_contents`] |
//! | `Get-SpbmEntityConfiguration` | [`PbmProfileManager::profiles_of_entities`] |
//! | `Sync-SpbmReplicationGroup` | [`Action::Sync`] |
//! | `Start-SpbmReplicationPrepareFailover` | [`Action::Prepare`] |
//! | `Start-SpbmReplicationFailover` | [`Action::Failover`]; `-CheckOnly` [`Action::CheckFailover`], `-Unplanned` is `planned: false`, `-PointInTimeReplica` is [`Recovery::point`]. It moves storage only: the update of the VM files, which the cmdlet hides (`-SourceVvolIdMap`), is `VasaClient::machine_files` |
//! | `Start-SpbmReplicationTestFailover` | [`Action::StartTest`], `-CheckOnly` [`Action::CheckTest`] |
//! | `Stop-SpbmReplicationTestFailover` | [`Action::StopTest`]; `-Force` is `force: true` |
//! | `Start-SpbmReplicationPromote` | [`Action::Promote`] |
//! | `Start-SpbmReplicationReverse` | [`Action::Reverse`], then [`VasaClient::groups`] for the new pair |
//! | `New-VM -VMFilePath` | `Folder::take_up` of `farside-vim` |
//! | `Get-VMQuestion`, `Set-VMQuestion` | `VirtualMachine::QUESTION`, `VirtualMachine::answer` of `farside-vim`; its `start` answers whether a machine was moved or copied, and shows any other question |
//! | `Set-SpbmEntityConfiguration` | `VasaClient::assign` |
//! | `Get-VasaProvider` | [`VasaClient::providers`], [`VasaClient::provider`] |
//! | `Get-VasaStorageArray` | [`SmsStorageManager::arrays`] |
//! | `New-VasaProvider` | [`SmsStorageManager::register_provider`] |
//! | `Remove-VasaProvider` | [`SmsStorageManager::unregister_provider`] |
//! | `Set-VasaStorageArray`, `Set-VasaProvider` | no operation of SMS; [`SmsStorageManager::upgrade_provider`] upgrades a registration |
//! | `Get-VasaProvider -Refresh` and the actions of the storage providers page | [`VasaProvider::sync`], [`VasaProvider::reconnect`], [`VasaProvider::refresh_certificate`], [`VasaProvider::revoke_certificate`] |
//!
//! (Names and switches: PowerCLI reference; what calls they stand for: vVol recovery rules 12.)
//!
//! # Modules
//!
//! | module | what it holds |
//! | --- | --- |
//! | `client` | [`VasaClient`]: providers and queries |
//! | `service` | the managed objects of SMS with their plain methods |
//! | `action` `start` | [`Action`], [`Batch`], and starting one as one call |
//! | `act` | [`Act`]: an action on any number of groups |
//! | `batch` | [`split`], [`batch_limit`], [`regroup`] |
//! | `group` `point` `pair` `device` | what the queries answer: [`Group`], [`GroupPoints`], [`ReplicationPair`], [`Device`] |
//! | `task` | [`SmsTasks`]: looks at SMS tasks |
//! | `fault` | [`GroupFault`]: what the faults mean that a caller acts upon |
//! | `id` | [`GroupId`], [`ProviderRef`], [`PointId`] |
//! | `policy` `owner` | with feature `vm`, which is on unless said otherwise: the managed objects of PBM, and which machines and disks belong to which group |
//! | `files` `assign` `recovery_error` | with the same feature: [`VasaClient::machine_files`], the files of recovered machines; [`VasaClient::assign`], their policies |
//! | [`recovery`] | with the same feature: a recovery by hand, rule by rule: which function does what, and an example |
//!
//! What holds here: a source id is never made from a target id; no call is repeated, without a look, that a provider may have acted
//! upon; `force` is never set unless the caller does; a limit that no provider named is not assumed; what a server sends beyond the
//! schema is kept, and what falls short of it is "missing", never a success.

mod act;
mod action;
#[cfg(feature = "vm")]
mod assign;
mod batch;
mod client;
mod device;
mod fault;
#[cfg(feature = "vm")]
mod files;
mod group;
mod id;
#[cfg(feature = "vm")]
mod owner;
mod pair;
mod point;
#[cfg(feature = "vm")]
mod policy;
#[cfg(feature = "vm")]
pub mod recovery;
#[cfg(feature = "vm")]
mod recovery_error;
mod service;
mod start;
mod task;

pub use act::{Act, Doubt, GroupEnd, GroupEnded, NotStarted};
pub use action::{Action, Batch, CalledAt, Recovery, Unfit};
#[cfg(feature = "vm")]
pub use assign::policy;
pub use batch::{GroupOutcome, GroupSuccess, batch_limit, is_already_done, regroup, split};
pub use client::{Provider, VasaClient};
pub use device::{Device, DiskFile, GroupDevice, VvolId};
pub use fault::GroupFault;
#[cfg(feature = "vm")]
pub use files::{Contradiction, FileOfMachine, LostDevice, MachineFiles, Recovered, RecoveredFile};
pub use group::{Group, GroupSide, GroupView};
pub use id::{GroupId, PointId, ProviderRef};
#[cfg(feature = "vm")]
pub use owner::{VmVolumes, owners};
pub use pair::{Agreement, FaultDomain, Peer, ReplicationPair, pair};
pub use point::{GroupPoints, PointInTime, PointInterval, PointQuery};
#[cfg(feature = "vm")]
pub use policy::{
    PbmProfileManager, PbmReplicationManager, PbmServiceInstance, VmGroups, VmPart, parts_by_group,
};
#[cfg(feature = "vm")]
pub use recovery_error::RecoveryError;
pub use service::{SmsProvider, SmsServiceInstance, SmsStorageManager, VasaProvider};
pub use start::GroupWork;
pub use task::{SMS_TASK, SmsTask, SmsTasks};

/// The example of the README, compiled and run.
#[cfg(all(doctest, feature = "vm"))]
#[doc = include_str!("../README.md")]
pub struct Readme;

/// State of a replication group as the side asked sees it.
pub use farside_models_sms::ReplicationState;
