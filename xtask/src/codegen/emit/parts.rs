//! One group of operations and types as one file, or as several where it is long.

use std::collections::BTreeMap;

use anyhow::Result;

use super::super::format::Formatter;
use super::super::model::Place;
use super::page::{self, Page};
use super::{MAX_LINES, Scope, header};

/// What a topic must fill to get a file of its own.
const MIN_LINES: usize = 150;
/// A topic is named with at most so many words.
const MAX_WORDS: usize = 5;

/// A file with what it defines.
pub(super) struct Module {
    pub(super) place: Place,
    pub(super) types: Vec<String>,
    pub(super) operations: Vec<String>,
    pub(super) text: String,
}

/// The files of one group.
///
/// # Errors
/// If rustfmt fails.
pub(super) fn modules(
    scope: Scope<'_>,
    place: &Place,
    pages: &[Page],
    formatter: &Formatter,
) -> Result<Vec<Module>> {
    let mut limit = MAX_LINES;
    loop {
        let mut modules = Vec::new();
        for (group, pages) in groups(&place.group, pages.iter().collect(), limit) {
            let text = header(scope.model) + &page::join(&pages, scope.root());
            let place = Place {
                group,
                ..place.clone()
            };
            modules.push(Module {
                place,
                types: defined(&pages, Page::defined_type),
                operations: defined(&pages, Page::defined_operation),
                text: formatter.format(&text)?,
            });
        }
        let fits = |module: &Module| module.text.lines().count() <= MAX_LINES;
        // The formatted text can be longer than what was counted.
        if modules.iter().all(fits) || modules.len() >= pages.len() {
            return Ok(modules);
        }
        limit = limit.saturating_sub(100).max(1);
    }
}

fn defined(pages: &[&Page], name: fn(&Page) -> Option<&str>) -> Vec<String> {
    pages
        .iter()
        .filter_map(|page| name(page).map(str::to_owned))
        .collect()
}

/// Pages by the name of their file, each below `limit` lines if it can be.
type Groups<'a> = BTreeMap<String, Vec<&'a Page>>;

/// Divides a group that is too long: first operations from types, then the types by the words their names begin with, so
/// that one more type seldom moves another one, and at last by number.
fn groups<'a>(name: &str, pages: Vec<&'a Page>, limit: usize) -> Groups<'a> {
    if lines(&pages) <= limit {
        return Groups::from([(name.to_owned(), pages)]);
    }
    let (operations, types): (Vec<&Page>, Vec<&Page>) = pages
        .into_iter()
        .partition(|page| page.defined_operation().is_some());
    if operations.is_empty() {
        return topics(name, name, types, limit, 1);
    }
    let mut groups = numbered(name, &operations, limit);
    if !types.is_empty() {
        let base = format!("{name}_types");
        groups.extend(topics(&base, &base, types, limit, 1));
    }
    groups
}

/// Types by the first `words` words of their names: a topic that fills a file gets one, called `base` and the topic; what
/// is too small stays together as `name`.
fn topics<'a>(base: &str, name: &str, pages: Vec<&'a Page>, limit: usize, words: usize) -> Groups<'a> {
    if lines(&pages) <= limit {
        return Groups::from([(name.to_owned(), pages)]);
    }
    if words > MAX_WORDS {
        return numbered(name, &pages, limit);
    }
    let mut by_topic: BTreeMap<String, Vec<&Page>> = BTreeMap::new();
    for page in &pages {
        by_topic.entry(page.topic(words)).or_default().push(page);
    }
    by_topic.retain(|_, pages| lines(pages) >= MIN_LINES);
    let rest = pages
        .into_iter()
        .filter(|page| !by_topic.contains_key(&page.topic(words)));
    let rest: Vec<&Page> = rest.collect();
    let mut groups = Groups::new();
    for (topic, pages) in by_topic {
        let name = format!("{base}_{topic}");
        groups.extend(topics(base, &name, pages, limit, words + 1));
    }
    if !rest.is_empty() {
        groups.extend(numbered(name, &rest, limit));
    }
    groups
}

/// Pages in order, in as few files as it takes.
fn numbered<'a>(name: &str, pages: &[&'a Page], limit: usize) -> Groups<'a> {
    let count = lines(pages).div_ceil(limit).max(1);
    let chunks = chunks(pages, count).into_iter().enumerate();
    let named = chunks.map(|(index, chunk)| {
        let name = if index == 0 {
            name.to_owned()
        } else {
            format!("{name}_{}", index + 1)
        };
        (name, chunk.to_vec())
    });
    named.collect()
}

/// `pages` in `count` runs of about the same length, none of them empty.
fn chunks<'p, 'a>(pages: &'p [&'a Page], count: usize) -> Vec<&'p [&'a Page]> {
    let total = lines(pages);
    let mut chunks = Vec::new();
    let (mut start, mut sum) = (0, 0);
    for (index, page) in pages.iter().enumerate() {
        sum += page.lines();
        if sum * count >= total * (chunks.len() + 1) || index + 1 == pages.len() {
            chunks.extend(pages.get(start..=index).filter(|chunk| !chunk.is_empty()));
            start = index + 1;
        }
    }
    chunks
}

fn lines(pages: &[&Page]) -> usize {
    pages.iter().map(|page| page.lines()).sum()
}

#[cfg(test)]
mod tests {
    use super::{Page, chunks, groups};

    fn page(name: &str, lines: usize) -> Page {
        let mut page = Page::of_type(name, super::super::super::names::words(name));
        (1..lines).for_each(|_| page.line("x"));
        page
    }

    fn names(pages: &[&Page]) -> String {
        pages.iter().filter_map(|page| page.defined_type()).collect()
    }

    #[test]
    fn runs_are_even_and_in_order() {
        let pages = [
            page("A", 10),
            page("B", 10),
            page("C", 30),
            page("D", 5),
            page("E", 5),
        ];
        let pages: Vec<&Page> = pages.iter().collect();
        let of = |count| -> Vec<String> { chunks(&pages, count).into_iter().map(names).collect() };
        assert_eq!(of(1), ["ABCDE"]);
        assert_eq!(of(2), ["ABC", "DE"]);
        assert_eq!(of(5).concat(), "ABCDE");
        assert!(of(4).iter().all(|run| !run.is_empty()));
    }

    #[test]
    fn a_long_group_is_divided_by_the_first_words_of_its_types() {
        let pages = [
            page("HostNasSpec", 300),
            page("HostNicSpec", 400),
            page("VirtualDisk", 100),
            page("HostNasRegion", 500),
            page("Tag", 20),
        ];
        let found = groups("common", pages.iter().collect(), 1000);
        let found: Vec<(&str, String)> = found
            .iter()
            .map(|(name, pages)| (name.as_str(), names(pages)))
            .collect();
        assert_eq!(
            found,
            [
                ("common", "VirtualDiskTag".to_owned()),
                ("common_host_nas", "HostNasSpecHostNasRegion".to_owned()),
                ("common_host_nic", "HostNicSpec".to_owned()),
            ]
        );
    }

    #[test]
    fn operations_stay_under_the_name_of_the_group() {
        let mut operation = Page::of_operation("HOST_ACT");
        (0..600).for_each(|_| operation.line("x"));
        let pages = [operation, page("HostSpec", 600)];
        let found = groups("host", pages.iter().collect(), 1000);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["host", "host_types"]);
    }
}
