//! Lists: pages, and streams over all pages.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;

use farside_models_vcda::QueryResult;
use farside_transport::CallError;
use farside_wire::{DecodeError, RawJson, Read};
use futures_util::{Stream, stream};

/// An item of a list that these models cannot read. The others of its page are not lost with it.
#[derive(Debug, thiserror::Error)]
#[error("{} in the list cannot be read", .id.as_deref().unwrap_or("an item without an id"))]
pub struct Undecodable {
    /// Its id, if that can be read.
    pub id: Option<String>,
    source: DecodeError,
}

/// What stands in a stream over a list in place of an item.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// An item cannot be read; the stream goes on with the next one.
    #[error(transparent)]
    Item(Undecodable),
    /// A page cannot be had; the stream ends.
    #[error(transparent)]
    Page(CallError),
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
        Self {
            total: result.total.and_then(|total| u64::try_from(total).ok()),
            ids: result.items.iter().filter_map(id_of).collect(),
            items: result.items.iter().map(item).collect(),
        }
    }
}

/// An item of a list, or what can be told of it.
pub(crate) fn item<T: Read>(raw: &RawJson) -> Result<T, Undecodable> {
    raw.decode().map_err(|source| Undecodable {
        id: id_of(raw),
        source,
    })
}

fn id_of(raw: &RawJson) -> Option<String> {
    let text = |name| raw.member(name).and_then(|value| value.decode().ok());
    text("id").or_else(|| text("site"))
}

/// The ids as lists take them: between commas.
pub fn joined<T: fmt::Display>(ids: impl IntoIterator<Item = T>) -> String {
    let ids: Vec<String> = ids.into_iter().map(|id| id.to_string()).collect();
    ids.join(",")
}

struct Walk<T> {
    offset: i64,
    seen: BTreeSet<String>,
    page: VecDeque<Result<T, Undecodable>>,
    ended: bool,
}

/// All items, page after page; `fetch` takes the offset of a page.
///
/// The list lives: an item that comes or goes meanwhile can be missed or met twice. The stream ends at an empty page, at
/// the total, and at a page with nothing but items that were there before: a service that passes over `offset` would
/// otherwise be asked for ever (VCDA wire rules 8).
pub(crate) fn all_items<T, F, Fetched>(fetch: F) -> impl Stream<Item = Result<T, ListError>> + Send
where
    T: Send,
    F: Fn(i64) -> Fetched + Send,
    Fetched: Future<Output = Result<Page<T>, CallError>> + Send,
{
    let walk = Walk {
        offset: 0,
        seen: BTreeSet::new(),
        page: VecDeque::new(),
        ended: false,
    };
    stream::unfold((walk, fetch), |(mut walk, fetch)| async move {
        loop {
            if let Some(item) = walk.page.pop_front() {
                return Some((item.map_err(ListError::Item), (walk, fetch)));
            }
            if walk.ended {
                return None;
            }
            match fetch(walk.offset).await {
                Ok(page) => walk.take(page),
                Err(error) => {
                    walk.ended = true;
                    return Some((Err(ListError::Page(error)), (walk, fetch)));
                }
            }
        }
    })
}

impl<T> Walk<T> {
    fn take(&mut self, page: Page<T>) {
        let known = !page.ids.is_empty() && page.ids.iter().all(|id| self.seen.contains(id));
        if page.items.is_empty() || known {
            self.ended = true;
            return;
        }
        self.seen.extend(page.ids);
        self.offset = self
            .offset
            .saturating_add(i64::try_from(page.items.len()).unwrap_or(i64::MAX));
        self.ended = page
            .total
            .is_some_and(|total| u64::try_from(self.offset).is_ok_and(|offset| offset >= total));
        self.page = page.items.into();
    }
}
