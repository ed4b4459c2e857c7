//! Providers and queries.

use std::collections::BTreeMap;
use std::sync::Arc;

use farside_models_sms::{
    AlarmFilter, FaultDomainFilter, FaultDomainInfo, GroupOperationResult, QueryActiveAlarmRequest,
    QueryFaultDomainRequest, QueryPointInTimeReplicaRequest, QueryReplicationGroupRequest,
    QueryReplicationPeerRequest, StorageAlarm, VasaProviderInfo,
};
use farside_models_vim::FaultDomainId;
use farside_transport::CallError;
use farside_vim::{ManagedObject as _, VimClient};
use farside_wire::Object;

use crate::batch::{failure, with_ids};
use crate::fault::GroupFault;
use crate::group::{self, Group, GroupView};
use crate::id::{GroupId, ProviderRef};
use crate::pair::{FaultDomain, Peer};
use crate::point::{self, GroupPoints, PointQuery};
use crate::service::{ROOT, SmsServiceInstance, SmsStorageManager, VasaProvider};
use crate::task::SmsTasks;

/// Groups in one query; more of them are asked for one query after the other.
const GROUPS_PER_QUERY: usize = 100;

/// Most pages of alarms that are read: a server that never stops paging must not hold a caller for ever.
const MOST_PAGES: usize = 10_000;

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

    /// The root of the service. Nothing is sent.
    #[must_use]
    pub fn service(&self) -> SmsServiceInstance {
        self.vim.object(ROOT)
    }

    /// The storage manager (`SmsServiceInstance.QueryStorageManager`).
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn storage_manager(&self) -> Result<SmsStorageManager, CallError> {
        let manager = self.service().storage_manager().await?;
        Ok(SmsStorageManager::of(&self.vim, manager))
    }

    /// A provider, for its plain methods. Nothing is sent.
    #[must_use]
    pub fn at(&self, provider: &ProviderRef) -> VasaProvider {
        self.vim.object(provider.as_str())
    }

    /// All VASA providers with what they say about themselves (`SmsStorageManager.QueryProvider`,
    /// `VasaProvider.QueryProviderInfo`). Providers of other kinds are left out.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn providers(&self) -> Result<Vec<Provider>, CallError> {
        let found = self.storage_manager().await?.providers().await?;
        let mut providers = Vec::new();
        for reference in found {
            if reference.type_ == VasaProvider::TYPE_NAME
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
        let info = self.at(id).info().await?;
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
        let all = QueryReplicationGroupRequest::default();
        let entries = self.at(provider).replication_groups(&all).await?;
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
        let found = self.at(provider).replication_peers(&body).await?;
        let id = |domain: &Object<FaultDomainId>| domain.base().ok().map(|domain| domain.id);
        let peers = found.into_iter().filter_map(|peer| {
            Some(Peer {
                source: id(&peer.source_domain)?,
                targets: peer.target_domain.iter().filter_map(id).collect(),
                faults: peer.error,
                warnings: peer.warning,
            })
        });
        Ok(peers.collect())
    }

    /// The fault domains that this vCenter knows, all or those of the provider with this `uid`
    /// (`SmsStorageManager.QueryFaultDomain`).
    ///
    /// # Errors
    /// [`CallError`]; a `NotFound` fault for a provider that is not registered.
    pub async fn fault_domains(&self, provider_uid: Option<&str>) -> Result<Vec<FaultDomain>, CallError> {
        let of_provider = |uid| FaultDomainFilter::default().with_provider_id(uid);
        let request = QueryFaultDomainRequest {
            filter: provider_uid.map(of_provider),
            ..QueryFaultDomainRequest::default()
        };
        let found = self.storage_manager().await?.fault_domains(&request).await?;
        Ok(found.iter().filter_map(read_domain).collect())
    }

    /// The provider to call for the groups of a fault domain; `None` where this vCenter names none. To be asked again after an
    /// `InactiveProvider` fault without a mapping.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn active_provider(&self, fault_domain: &str) -> Result<Option<ProviderRef>, CallError> {
        let mut domains = self.fault_domains(None).await?.into_iter();
        Ok(domains
            .find(|domain| domain.id == fault_domain)
            .and_then(|domain| domain.provider))
    }

    /// All alarms that are active at a provider and fit a filter, page after page (`VasaProvider.QueryActiveAlarm`).
    ///
    /// # Errors
    /// [`CallError`]; nothing is kept of pages that came before.
    pub async fn alarms(
        &self,
        provider: &ProviderRef,
        filter: &AlarmFilter,
    ) -> Result<Vec<StorageAlarm>, CallError> {
        let mut found = Vec::new();
        let mut filter = filter.clone();
        for _ in 0..MOST_PAGES {
            let request = QueryActiveAlarmRequest::default().with_alarm_filter(filter.clone());
            let Some(page) = self.at(provider).active_alarms(&request).await? else {
                break;
            };
            found.extend(page.storage_alarm);
            // A marker that stays the same would lead back to the same page.
            if page.page_marker.is_none() || page.page_marker == filter.page_marker {
                break;
            }
            filter.page_marker = page.page_marker;
        }
        Ok(found)
    }

    /// The points in time of groups, one answer each, in their order (`VasaProvider.QueryPointInTimeReplica`). They live at
    /// the target side.
    ///
    /// More than a provider lists at once is `TooMany` for the group: it is then asked for their numbers alone, and what it
    /// answers to that is the group's answer.
    ///
    /// # Errors
    /// [`CallError`]; what the provider says about single groups is in the answers.
    pub async fn points_in_time(
        &self,
        provider: &ProviderRef,
        groups: &[GroupId],
        wanted: &PointQuery,
    ) -> Result<Vec<GroupPoints>, CallError> {
        let mut entries = self.each(provider, groups, Some(wanted)).await?;
        let over: Vec<GroupId> = entries
            .iter()
            .filter(|(_, entry)| too_many(entry).is_some())
            .map(|(id, _)| id.clone())
            .collect();
        if !over.is_empty() {
            let counted = self.each(provider, &over, Some(&wanted.clone().counts())).await?;
            entries.extend(counted);
        }
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
        points: Option<&PointQuery>,
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
        points: Option<&PointQuery>,
    ) -> Result<Vec<Object<GroupOperationResult>>, CallError> {
        let ids = groups.iter().map(GroupId::to_wire).collect();
        let Some(wanted) = points else {
            let body = QueryReplicationGroupRequest::default().with_group_id(ids);
            return self.at(provider).replication_groups(&body).await;
        };
        let body = QueryPointInTimeReplicaRequest::default()
            .with_group_id(ids)
            .with_query_param(wanted.to_wire());
        self.at(provider).point_in_time_replicas(&body).await
    }
}

/// `None` for a domain whose id cannot be read.
fn read_domain(domain: &Object<FaultDomainId>) -> Option<FaultDomain> {
    let id = domain.base().ok()?.id;
    let info = domain.downcast::<FaultDomainInfo>().and_then(Result::ok);
    let children = info.iter().flat_map(|info| &info.children);
    let children = children.filter_map(|child| child.base().ok().map(|child| child.id));
    Some(FaultDomain {
        id,
        children: children.collect(),
        name: info.as_ref().and_then(|info| info.name.clone()),
        description: info.as_ref().and_then(|info| info.description.clone()),
        array: info.as_ref().and_then(|info| info.storage_array_id.clone()),
        provider: info
            .and_then(|info| info.provider)
            .map(|provider| ProviderRef::new(provider.value)),
    })
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
