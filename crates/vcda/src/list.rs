//! Lists: filters, pages, and going through all pages.

use std::collections::BTreeSet;

use farside_models_vcda::QueryResult;
use farside_transport::CallError;
use farside_wire::{DecodeError, EpochMillis, Query, RawJson, Read};

use crate::id::{TaskId, VmReplicationId};

/// Which stretch of a list; what is not set is up to the service (VCDA wire rules 8: from the start, 100 items).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// Items to pass over.
    pub offset: Option<u64>,
    /// Items wanted; the service gives 100 at most, without a word.
    pub limit: Option<u32>,
}

/// Which replications; what is not set matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplicationFilter {
    /// A part of the VM's name; the service finds it anywhere in the name.
    pub vm_name: Option<String>,
    /// Short name of the source site.
    pub source_site: Option<String>,
    /// These replications.
    pub ids: Vec<VmReplicationId>,
}

/// Which tasks; what is not set matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskFilter {
    /// Id of the replication (or other resource) that the task works on.
    pub resource_id: Option<String>,
    /// `type` of the workflow.
    pub workflow: Option<String>,
    /// Started later than this, by the server's clock.
    pub started_after: Option<EpochMillis>,
    /// Fields to sort by, with commas between them and a trailing `-` for descending: `startTime-`.
    pub sort: Option<String>,
    /// These tasks.
    pub ids: Vec<TaskId>,
}

impl ReplicationFilter {
    /// Replications whose VM's name has this in it.
    #[must_use]
    pub fn vm_name(mut self, part: impl Into<String>) -> Self {
        self.vm_name = Some(part.into());
        self
    }

    /// Replications from this site.
    #[must_use]
    pub fn source_site(mut self, site: impl Into<String>) -> Self {
        self.source_site = Some(site.into());
        self
    }

    /// These replications.
    #[must_use]
    pub fn ids(mut self, ids: Vec<VmReplicationId>) -> Self {
        self.ids = ids;
        self
    }

    pub(crate) fn put_into(&self, query: Query) -> Query {
        query
            .with_some("vmName", self.vm_name.as_ref())
            .with_some("sourceSite", self.source_site.as_ref())
            .with_some("ids", joined(self.ids.iter().map(VmReplicationId::as_str)))
    }
}

impl TaskFilter {
    /// Tasks that work on this replication.
    #[must_use]
    pub fn on(replication: &VmReplicationId) -> Self {
        Self {
            resource_id: Some(replication.to_string()),
            ..Self::default()
        }
    }

    /// Tasks of this type of workflow.
    #[must_use]
    pub fn workflow(mut self, workflow: impl Into<String>) -> Self {
        self.workflow = Some(workflow.into());
        self
    }

    /// Tasks that were started later than this, by the server's clock.
    #[must_use]
    pub fn started_after(mut self, time: EpochMillis) -> Self {
        self.started_after = Some(time);
        self
    }

    /// In this order; see [`TaskFilter::sort`](Self#structfield.sort).
    #[must_use]
    pub fn sorted_by(mut self, fields: impl Into<String>) -> Self {
        self.sort = Some(fields.into());
        self
    }

    /// These tasks.
    #[must_use]
    pub fn ids(mut self, ids: Vec<TaskId>) -> Self {
        self.ids = ids;
        self
    }

    pub(crate) fn put_into(&self, query: Query) -> Query {
        query
            .with_some("resourceId", self.resource_id.as_ref())
            .with_some("type", self.workflow.as_ref())
            .with_some("startTimeAfter", self.started_after.map(|time| time.0))
            .with_some("ids", joined(self.ids.iter().map(TaskId::as_str)))
            .with_some("sort", self.sort.as_ref())
    }
}

fn joined<'a>(ids: impl Iterator<Item = &'a str>) -> Option<String> {
    let ids: Vec<&str> = ids.collect();
    (!ids.is_empty()).then(|| ids.join(","))
}

impl PageRequest {
    pub(crate) fn put_into(self, query: Query) -> Query {
        query
            .with_some("offset", self.offset)
            .with_some("limit", self.limit)
    }
}

/// An item of a list that these models cannot read. The others of its page are not lost with it.
#[derive(Debug, thiserror::Error)]
#[error("{} in the list cannot be read", .id.as_deref().unwrap_or("an item without an id"))]
pub struct Undecodable {
    /// Its id, if that can be read.
    pub id: Option<String>,
    source: DecodeError,
}

/// A stretch of a list.
#[derive(Debug)]
#[non_exhaustive]
pub struct Page<T> {
    /// The items, in the order of the service.
    pub items: Vec<Result<T, Undecodable>>,
    /// How many items the whole list has, if the service says so.
    pub total: Option<u64>,
    ids: Vec<String>,
}

impl<T: Read> Page<T> {
    pub(crate) fn of(result: &QueryResult<RawJson>) -> Self {
        let mut page = Self {
            items: Vec::with_capacity(result.items.len()),
            total: result.total.and_then(|total| u64::try_from(total).ok()),
            ids: Vec::with_capacity(result.items.len()),
        };
        for raw in &result.items {
            let id: Option<String> = raw.member("id").and_then(|id| id.decode().ok());
            page.ids.extend(id.clone());
            page.items
                .push(raw.decode().map_err(|source| Undecodable { id, source }));
        }
        page
    }
}

/// Goes through all pages. The list lives: an item that comes or goes meanwhile can be missed or met twice.
///
/// It ends at an empty page, at the total, and at a page with nothing but items that were there before: a service
/// that passes over `offset` would otherwise be asked for ever.
pub(crate) async fn collect<T, F, Fetched>(fetch: F) -> Result<Vec<Result<T, Undecodable>>, CallError>
where
    F: Fn(PageRequest) -> Fetched,
    Fetched: Future<Output = Result<Page<T>, CallError>>,
{
    let mut items = Vec::new();
    let mut seen = BTreeSet::new();
    let mut offset = 0;
    loop {
        let page = fetch(PageRequest {
            offset: Some(offset),
            limit: None,
        })
        .await?;
        let known = !page.ids.is_empty() && page.ids.iter().all(|id| seen.contains(id));
        if page.items.is_empty() || known {
            return Ok(items);
        }
        seen.extend(page.ids);
        offset += page.items.len() as u64;
        items.extend(page.items);
        if page.total.is_some_and(|total| offset >= total) {
            return Ok(items);
        }
    }
}
