//! Lists: pages, and streams over all pages.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;

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
    /// The service passes over where a page is to begin, and what it has shown is not all; the stream ends. To ask again, with
    /// filters that fewer items match, can help.
    #[error("the service shows the same items again after {read} of {total}")]
    Repeated {
        /// Items that were read.
        read: u64,
        /// Items that the service says there are.
        total: u64,
    },
}

/// A stretch of a list.
#[derive(Debug)]
#[non_exhaustive]
pub struct Page<T> {
    /// The items, in the order of the service.
    pub items: Vec<Result<T, Undecodable>>,
    /// How many items the whole list has, if the service says so.
    pub total: Option<u64>,
    /// What each item is known by.
    marks: Vec<String>,
}

impl<T: Read> Page<T> {
    pub(crate) fn of(items: &[RawJson], total: Option<i64>) -> Self {
        Self {
            total: total.and_then(|total| u64::try_from(total).ok()),
            marks: items.iter().map(mark).collect(),
            items: items.iter().map(item).collect(),
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

/// Its id, the short name of a site, or the key of an instance.
fn id_of(raw: &RawJson) -> Option<String> {
    let text = |name| raw.member(name).and_then(|value| value.decode().ok());
    text("id").or_else(|| text("site")).or_else(|| text("key"))
}

/// What an item is known by when it comes again: its id, or its whole text where it has none.
fn mark(raw: &RawJson) -> String {
    id_of(raw).unwrap_or_else(|| raw.get().to_owned())
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
    /// To be told once the page has been.
    trouble: Option<ListError>,
    ended: bool,
}

/// All items, page after page; `fetch` takes the offset of a page.
///
/// The list lives: an item that comes or goes meanwhile can be missed or met twice. The stream ends at an empty page, at
/// the total, and at a page with nothing but items that were there before: a service that passes over `offset` would
/// otherwise be asked for ever (VCDA wire rules 8). If the total says that there are more, that is an error.
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
        trouble: None,
        ended: false,
    };
    stream::unfold((walk, fetch), |(mut walk, fetch)| async move {
        loop {
            if let Some(item) = walk.page.pop_front() {
                return Some((item.map_err(ListError::Item), (walk, fetch)));
            }
            if let Some(trouble) = walk.trouble.take() {
                return Some((Err(trouble), (walk, fetch)));
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
        if page.marks.iter().all(|mark| self.seen.contains(mark)) {
            self.ended = true;
            let read = u64::try_from(self.offset).unwrap_or_default();
            let missing = page.total.filter(|total| !page.items.is_empty() && read < *total);
            self.trouble = missing.map(|total| ListError::Repeated { read, total });
            return;
        }
        self.seen.extend(page.marks);
        self.offset = self
            .offset
            .saturating_add(i64::try_from(page.items.len()).unwrap_or(i64::MAX));
        self.ended = page
            .total
            .is_some_and(|total| u64::try_from(self.offset).is_ok_and(|offset| offset >= total));
        self.page = page.items.into();
    }
}
