//! Client of the storage monitoring service (SMS) of vCenter: VASA providers, the replication groups of their arrays, and
//! the operations that move these groups between two sites.
//!
//! Each operation that changes groups is one method of [`VasaClient`], makes exactly one call, and answers with the id of an
//! SMS task. A task that succeeds can hold groups that failed, so its result is taken apart with [`regroup`], which has an
//! outcome for each group that was asked for.
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
//! | module | what it holds |
//! | --- | --- |
//! | `client` | [`VasaClient`]: providers and queries |
//! | `start` | its operations that change groups |
//! | `task` | [`SmsTasks`]: looks at SMS tasks |
//! | `batch` | [`split`], [`batch_limit`], [`regroup`] |
//! | `group` `point` | what the queries answer: [`Group`], [`GroupPoints`] |
//! | `fault` | [`GroupFault`]: what the faults mean that a caller acts upon |
//! | `id` | [`GroupId`], [`ProviderRef`], [`PointId`] |
//!
//! What holds here: a source id is never made from a target id; no operation is repeated; a limit that no provider named is
//! not assumed; what a server sends beyond the schema is kept, and what falls short of it is "missing", never a success.

mod batch;
mod client;
mod fault;
mod group;
mod id;
mod point;
mod start;
mod task;

pub use batch::{GroupOutcome, GroupSuccess, batch_limit, regroup, split};
pub use client::{Peer, Provider, VasaClient};
pub use fault::GroupFault;
pub use group::{Group, GroupSide, GroupView};
pub use id::{GroupId, PointId, ProviderRef};
pub use point::{GroupPoints, PointInTime};
pub use start::Recovery;
pub use task::{SMS_TASK, SmsTasks};

/// State of a replication group as the side asked sees it.
pub use farside_models_sms::ReplicationState;
