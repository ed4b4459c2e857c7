//! Query parameters: typed reading, paging, sorting.

use serde_json::{Value, json};

use super::error::Refusal;
use super::{MEDIA_TYPE, VcdaSpec};
use crate::exchange::{Answer, Request};

/// The largest page, and the one given when none is asked for.
const PAGE_LIMIT: usize = 100;

/// The parameters of a request, all of them known to the operation.
#[derive(Debug)]
pub(super) struct Query {
    pairs: Vec<(String, String)>,
}

/// A stretch of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) offset: usize,
    pub(super) limit: usize,
}

/// One field to sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SortField {
    pub(super) name: String,
    pub(super) descending: bool,
}

/// What a field is compared by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SortKey {
    Number(i64),
    Text(String),
}

impl Page {
    /// The answer with this stretch of a list of `total` items.
    pub(super) fn answer(self, spec: &VcdaSpec, items: Vec<Value>, total: usize) -> Answer {
        let mut page = json!({"items": items, "total": total});
        if spec.echoes_pages
            && let Some(members) = page.as_object_mut()
        {
            members.insert("offset".to_owned(), json!(self.offset));
            members.insert("limit".to_owned(), json!(self.limit));
        }
        Answer::json(200, MEDIA_TYPE, &page)
    }
}

impl Query {
    /// Reads the parameters; one that is not in `known`, or comes twice, is refused.
    pub(super) fn read(request: &Request, known: &[&str]) -> Result<Self, Refusal> {
        let pairs = request.query_pairs();
        for (index, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(Refusal::bad_request(
                    format!("Unknown parameter {name}."),
                    &[name],
                ));
            }
            if pairs[..index].iter().any(|(before, _)| before == name) {
                return Err(Refusal::bad_request(
                    format!("Parameter {name} comes twice."),
                    &[name],
                ));
            }
        }
        Ok(Self { pairs })
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find_map(|(key, value)| (key == name).then_some(value.as_str()))
    }

    /// Whether the parameters choose among the items, beyond the page and its order.
    pub(super) fn chooses(&self) -> bool {
        let arranges = |name: &String| matches!(name.as_str(), "offset" | "limit" | "sort" | "site");
        !self.pairs.iter().all(|(name, _)| arranges(name))
    }

    /// A list of values with commas between them.
    pub(super) fn list(&self, name: &str) -> Option<Vec<&str>> {
        Some(self.text(name)?.split(',').collect())
    }

    pub(super) fn one_of(&self, name: &str, known: &[&str]) -> Result<Option<&str>, Refusal> {
        match self.text(name) {
            Some(value) if !known.contains(&value) => Err(misread(name)),
            other => Ok(other),
        }
    }

    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, Refusal> {
        self.text(name)
            .map(|value| value.parse().map_err(|_| misread(name)))
            .transpose()
    }

    /// The page asked for: a limit above the server's falls back to it without a word.
    pub(super) fn page(&self) -> Result<Page, Refusal> {
        let offset = self.integer("offset")?.unwrap_or(0);
        let limit = self.integer("limit")?.unwrap_or(100);
        let offset = usize::try_from(offset).map_err(|_| misread("offset"))?;
        let limit = usize::try_from(limit)
            .ok()
            .filter(|limit| *limit > 0)
            .ok_or_else(|| misread("limit"))?;
        Ok(Page {
            offset,
            limit: limit.min(PAGE_LIMIT),
        })
    }

    /// The fields to sort by, with a trailing minus for descending.
    pub(super) fn sort(&self, known: &[&str]) -> Result<Vec<SortField>, Refusal> {
        let fields = self.list("sort").unwrap_or_default().into_iter().map(|field| {
            let name = field.strip_suffix('-').unwrap_or(field);
            if known.contains(&name) {
                Ok(SortField {
                    name: name.to_owned(),
                    descending: name.len() < field.len(),
                })
            } else {
                Err(Refusal::bad_request(format!("Cannot sort by {name}."), &[name]))
            }
        });
        fields.collect()
    }
}

/// Sorts items that have an order already; equal ones keep it.
pub(super) fn sort<T>(items: &mut [T], fields: &[SortField], key: impl Fn(&T, &str) -> SortKey) {
    items.sort_by(|left, right| {
        let orders = fields.iter().map(|field| {
            let order = key(left, &field.name).cmp(&key(right, &field.name));
            if field.descending { order.reverse() } else { order }
        });
        orders.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
}

fn misread(name: &str) -> Refusal {
    Refusal::bad_request(format!("Parameter {name} has no legal value."), &[name])
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    fn query(target: &str) -> Result<Query, Refusal> {
        Query::read(
            &Request::new(Method::GET, target),
            &["offset", "limit", "sort", "state"],
        )
    }

    fn page(target: &str) -> Result<Page, Refusal> {
        query(target)?.page()
    }

    #[test]
    fn a_larger_limit_falls_back_to_the_servers() {
        assert_eq!(
            page("/tasks"),
            Ok(Page {
                offset: 0,
                limit: 100
            })
        );
        assert_eq!(
            page("/tasks?limit=500&offset=3"),
            Ok(Page {
                offset: 3,
                limit: 100
            })
        );
        assert_eq!(page("/tasks?limit=2"), Ok(Page { offset: 0, limit: 2 }));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for target in [
            "/tasks?limit=0",
            "/tasks?limit=many",
            "/tasks?offset=-1",
            "/tasks?colour=red",
            "/tasks?limit=1&limit=2",
        ] {
            assert_eq!(
                page(target).map_err(|refusal| refusal.error.code),
                Err("BadRequest"),
                "{target}"
            );
        }
        assert!(
            query("/tasks?state=DONE")
                .unwrap()
                .one_of("state", &["RUNNING"])
                .is_err()
        );
        assert!(query("/tasks?sort=colour").unwrap().sort(&["state"]).is_err());
    }

    #[test]
    fn a_trailing_minus_sorts_downwards() {
        let fields = query("/tasks?sort=state,limit-")
            .unwrap()
            .sort(&["state", "limit"])
            .unwrap();
        let mut items = vec![("b", 1), ("a", 1), ("a", 2)];
        sort(&mut items, &fields, |item, field| match field {
            "state" => SortKey::Text(item.0.to_owned()),
            _ => SortKey::Number(item.1),
        });
        assert_eq!(items, [("a", 2), ("a", 1), ("b", 1)]);
    }
}
