//! Providers and queries.

use std::collections::BTreeMap;
use std::sync::Arc;

use farside_models_sms::operation::{
    SMS_SERVICE_INSTANCE_QUERY_STORAGE_MANAGER, SMS_STORAGE_MANAGER_QUERY_PROVIDER,
    VASA_PROVIDER_QUERY_POINT_IN_TIME_REPLICA, VASA_PROVIDER_QUERY_PROVIDER_INFO,
    VASA_PROVIDER_QUERY_REPLICATION_GROUP, VASA_PROVIDER_QUERY_REPLICATION_PEER,
};
use farside_models_sms::{
    GroupOperationResult, QueryPointInTimeReplicaParam, QueryPointInTimeReplicaRequest,
    QueryReplicationGroupRequest, QueryReplicationPeerRequest, QueryReplicationPeerResult, SmsProviderInfo,
    VasaProviderInfo,
};
use farside_models_vim::FaultDomainId;
use farside_transport::{CallError, OperationId, RemoteOperation};
use farside_vim::{Invocation, VimClient};
use farside_wire::{Fault, ManagedObjectReference, Object, RawJson};

use crate::batch::{failure, with_ids};
use crate::fault::GroupFault;
use crate::group::{self, Group, GroupView};
use crate::id::{GroupId, ProviderRef};
use crate::point::{self, GroupPoints};
use crate::task::{SMS_TASK, SmsTasks};

/// Groups in one query; more of them are asked for one query after the other.
const GROUPS_PER_QUERY: usize = 100;

/// The well-known id of the root of SMS (VI JSON wire rules 11.1).
const SERVICE_INSTANCE: &str = "ServiceInstance";

/// Type of the references to providers that take replication calls.
const VASA_PROVIDER: &str = "VasaProvider";

/// A client of the storage monitoring service of one vCenter. Cloning is cheap; clones share the session.
#[derive(Clone, Debug)]
pub struct VasaClient {
    vim: VimClient,
}

/// A VASA provider.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Provider {
    /// Its id at this vCenter.
    pub id: ProviderRef,
    /// What it says about itself.
    pub info: VasaProviderInfo,
}

impl Provider {
    /// Whether vCenter reaches it. A provider that does not say is taken to be there: its calls will tell.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.info
            .status
            .as_deref()
            .is_none_or(|status| status == "online")
    }

    /// Whether `name` is its `uid`, its `providerId` or its `name`.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.info.uid == name || self.info.provider_id.as_deref() == Some(name) || self.info.name == name
    }
}

/// The fault domains that one fault domain replicates to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Peer {
    /// The fault domain.
    pub source: String,
    /// Those it replicates to.
    pub targets: Vec<String>,
    /// Why the provider cannot tell, where it cannot.
    pub faults: Vec<Fault>,
}

impl VasaClient {
    /// A client over the session of `vim`.
    #[must_use]
    pub fn new(vim: VimClient) -> Self {
        Self { vim }
    }

    /// The client of VI JSON below.
    #[must_use]
    pub fn vim(&self) -> &VimClient {
        &self.vim
    }

    /// Looks at SMS tasks of this vCenter.
    #[must_use]
    pub fn tasks(&self) -> Arc<SmsTasks> {
        Arc::new(SmsTasks::new(self.vim.clone()))
    }

    /// A task as a piece of work to wait for; its result goes to [`regroup`](crate::regroup).
    #[must_use]
    pub fn operation(&self, id: OperationId) -> RemoteOperation<Option<RawJson>> {
        RemoteOperation::new(id, self.tasks(), Ok)
    }

    pub(crate) fn operation_id(&self, task: ManagedObjectReference) -> OperationId {
        OperationId::new(SMS_TASK, self.vim.endpoint(), task.value)
    }

    /// The storage manager (`SmsServiceInstance.QueryStorageManager`).
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn storage_manager(&self) -> Result<ManagedObjectReference, CallError> {
        let call = Invocation::new(&SMS_SERVICE_INSTANCE_QUERY_STORAGE_MANAGER, SERVICE_INSTANCE);
        self.vim.value(call.target("storage monitoring service")).await
    }

    /// All VASA providers with what they say about themselves (`SmsStorageManager.QueryProvider`,
    /// `VasaProvider.QueryProviderInfo`). Providers of other kinds are left out.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn providers(&self) -> Result<Vec<Provider>, CallError> {
        let manager = self.storage_manager().await?;
        let call =
            Invocation::new(&SMS_STORAGE_MANAGER_QUERY_PROVIDER, &manager.value).target("storage manager");
        let found = self.vim.optional::<Vec<ManagedObjectReference>>(call).await?;
        let mut providers = Vec::new();
        for reference in found.unwrap_or_default() {
            if reference.type_ == VASA_PROVIDER
                && let Some(provider) = self.provider(&ProviderRef::new(reference.value)).await?
            {
                providers.push(provider);
            }
        }
        Ok(providers)
    }

    /// What one provider says about itself; `None` if that is not a VASA provider's.
    ///
    /// # Errors
    /// [`CallError`]; a `ManagedObjectNotFound` fault for a provider that has gone.
    pub async fn provider(&self, id: &ProviderRef) -> Result<Option<Provider>, CallError> {
        let call =
            Invocation::new(&VASA_PROVIDER_QUERY_PROVIDER_INFO, id.as_str()).target(format!("provider {id}"));
        let info = self.vim.value::<Object<SmsProviderInfo>>(call).await?;
        let info = info.downcast::<VasaProviderInfo>().and_then(Result::ok);
        Ok(info.map(|info| Provider { id: id.clone(), info }))
    }

    /// Groups by their ids, one answer each, in their order (`VasaProvider.QueryReplicationGroup`).
    ///
    /// # Errors
    /// [`CallError`]; what the provider says about single groups is in the answers.
    pub async fn groups(
        &self,
        provider: &ProviderRef,
        groups: &[GroupId],
    ) -> Result<Vec<GroupView>, CallError> {
        let entries = self.each(provider, groups, None).await?;
        let view = |id| match entries.get(id) {
            None => GroupView::Missing,
            Some(entry) => match (failure(entry), group::read(entry)) {
                (Some(faults), _) => GroupView::Failed { faults },
                (None, Some(group)) => GroupView::Known(group),
                (None, None) => GroupView::Missing,
            },
        };
        Ok(groups.iter().map(view).collect())
    }

    /// All groups of a provider, in its order. Where it lists ids alone, they are asked for one by one.
    ///
    /// # Errors
    /// [`CallError`]. A group that the provider cannot show is left out.
    pub async fn all_groups(&self, provider: &ProviderRef) -> Result<Vec<Group>, CallError> {
        let entries = self
            .query_groups(provider, &QueryReplicationGroupRequest::default())
            .await?;
        let found: Vec<Group> = entries.iter().filter_map(group::read).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let ids: Vec<GroupId> = with_ids(entries).map(|(id, _)| id).collect();
        let views = self.groups(provider, &ids).await?;
        let known = views.into_iter().filter_map(|view| match view {
            GroupView::Known(group) => Some(group),
            GroupView::Failed { .. } | GroupView::Missing => None,
        });
        Ok(known.collect())
    }

    async fn query_groups(
        &self,
        provider: &ProviderRef,
        body: &QueryReplicationGroupRequest,
    ) -> Result<Vec<Object<GroupOperationResult>>, CallError> {
        let call = Invocation::new(&VASA_PROVIDER_QUERY_REPLICATION_GROUP, provider.as_str())
            .target(about(provider, body.group_id.len()))
            .body(body);
        Ok(self.vim.optional(call).await?.unwrap_or_default())
    }

    /// The peers of fault domains, or of all that the provider has if none is named (`VasaProvider.QueryReplicationPeer`).
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn peers(
        &self,
        provider: &ProviderRef,
        fault_domains: &[String],
    ) -> Result<Vec<Peer>, CallError> {
        let domains = fault_domains
            .iter()
            .map(|domain| Object::new(&FaultDomainId::new(domain)));
        let body = QueryReplicationPeerRequest::default().with_fault_domain_id(domains.collect());
        let call = Invocation::new(&VASA_PROVIDER_QUERY_REPLICATION_PEER, provider.as_str())
            .target(format!("provider {provider}"))
            .body(&body);
        let found = self.vim.optional::<Vec<QueryReplicationPeerResult>>(call).await?;
        let id = |domain: &Object<FaultDomainId>| domain.base().ok().map(|domain| domain.id);
        let peers = found.unwrap_or_default().into_iter().filter_map(|peer| {
            Some(Peer {
                source: id(&peer.source_domain)?,
                targets: peer.target_domain.iter().filter_map(id).collect(),
                faults: peer.error,
            })
        });
        Ok(peers.collect())
    }

    /// The points in time of groups, one answer each, in their order; only those of one name if it is given
    /// (`VasaProvider.QueryPointInTimeReplica`). They live at the target side.
    ///
    /// # Errors
    /// [`CallError`]; what the provider says about single groups is in the answers.
    pub async fn points_in_time(
        &self,
        provider: &ProviderRef,
        groups: &[GroupId],
        named: Option<&str>,
    ) -> Result<Vec<GroupPoints>, CallError> {
        let mut wanted = QueryPointInTimeReplicaParam::default().with_prefer_details(true);
        if let Some(name) = named {
            wanted = wanted.with_pit_name(name);
        }
        let entries = self.each(provider, groups, Some(&wanted)).await?;
        let points = |id| match entries.get(id) {
            None => GroupPoints::Missing,
            Some(entry) => match failure(entry) {
                Some(faults) => GroupPoints::Failed { faults },
                None => point::read(entry).unwrap_or(GroupPoints::Missing),
            },
        };
        Ok(groups.iter().map(points).collect())
    }

    /// Asks for groups part by part. A provider that has too many in one query says so of those beyond its limit: they are
    /// asked for again in smaller parts, until a part of one.
    async fn each(
        &self,
        provider: &ProviderRef,
        groups: &[GroupId],
        points: Option<&QueryPointInTimeReplicaParam>,
    ) -> Result<BTreeMap<GroupId, Object<GroupOperationResult>>, CallError> {
        let mut wanted: Vec<GroupId> = groups.to_vec();
        wanted.sort();
        wanted.dedup();
        let mut size = GROUPS_PER_QUERY;
        let mut found = BTreeMap::new();
        while !wanted.is_empty() {
            let mut again = Vec::new();
            let mut smaller = size;
            for part in wanted.chunks(size) {
                for (id, entry) in with_ids(self.ask(provider, part, points).await?) {
                    match too_many(&entry) {
                        Some(limit) if part.len() > 1 => {
                            smaller = smaller.min(limit).min(part.len() / 2).max(1);
                            again.push(id.clone());
                        }
                        Some(_) | None => {}
                    }
                    found.insert(id, entry);
                }
            }
            again.retain(|id| groups.contains(id));
            wanted = again;
            size = smaller;
        }
        Ok(found)
    }

    /// One query: for the groups themselves, or for their points in time.
    async fn ask(
        &self,
        provider: &ProviderRef,
        groups: &[GroupId],
        points: Option<&QueryPointInTimeReplicaParam>,
    ) -> Result<Vec<Object<GroupOperationResult>>, CallError> {
        let ids = groups.iter().map(GroupId::to_wire).collect();
        let Some(wanted) = points else {
            let body = QueryReplicationGroupRequest::default().with_group_id(ids);
            return self.query_groups(provider, &body).await;
        };
        let body = QueryPointInTimeReplicaRequest::default()
            .with_group_id(ids)
            .with_query_param(wanted.clone());
        let call = Invocation::new(&VASA_PROVIDER_QUERY_POINT_IN_TIME_REPLICA, provider.as_str())
            .target(about(provider, groups.len()))
            .body(&body);
        Ok(self.vim.optional(call).await?.unwrap_or_default())
    }
}

/// The limit in an entry whose fault is `TooMany`; one where it names none.
fn too_many(entry: &Object<GroupOperationResult>) -> Option<usize> {
    let faults = failure(entry)?;
    faults.iter().find_map(|fault| match GroupFault::of(fault) {
        GroupFault::TooMany { limit } => {
            Some(limit.map_or(1, |limit| usize::try_from(limit).unwrap_or(usize::MAX)))
        }
        _ => None,
    })
}

pub(crate) fn about(provider: &ProviderRef, groups: usize) -> String {
    match groups {
        0 => format!("provider {provider}"),
        1 => format!("1 group at provider {provider}"),
        _ => format!("{groups} groups at provider {provider}"),
    }
}
