//! Which crate and file each type and operation goes into, and which feature the file waits for.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Error, Result, bail};

use super::super::model::{Item, Model, Place};
use super::super::names::legal::{self, Use};
use super::super::{names, read};
use super::clashes::{self, at};
use super::items::is_fault;
use super::{Items, Resolver, secrets};
use crate::schemas::overlay::Layout;

/// File of what more than one resource uses. It is always there.
pub(in super::super) const COMMON: &str = "common";
/// What gives a type or an operation another name.
const RENAME: &str = "rename = \"..\"";
/// Faults that so many resources share wait for the feature of one of them; what more share is always there.
const MOST_SHARERS: usize = 3;
/// End of the name of a file of faults.
const FAULTS: &str = "faults";

/// Puts operations and types into the files of the model, operations in the order of the paths and types in that of
/// the schemas.
///
/// What cannot be put anywhere, or has the name of something else, goes to `wrong`.
pub(super) fn put(resolver: &Resolver<'_>, mut items: Items, model: &mut Model, wrong: &mut Vec<Error>) {
    let mut taken = Taken::default();
    for operation in &resolver.document.operations {
        let put = put_operation(resolver, operation, &items, &mut taken, model)
            .with_context(|| format!("operation `{}`", operation.id));
        wrong.extend(put.err().map(|error| at(operation.line, error)));
    }
    let mut taken = Taken::default();
    for path in resolver.overlay.external.values() {
        let name = path.text.rsplit("::").next().unwrap_or_default();
        for krate in 0..model.crates.len() {
            taken.insert((krate, name.to_owned()), path.text.clone());
        }
    }
    for name in order(resolver, &items) {
        if let Some((item, users)) = items.remove(&name) {
            let put = put_item(resolver, &name, item, &users, &mut taken, model);
            wrong.extend(put.err().map(|error| at(resolver.line(&name), error)));
        }
    }
}

/// What has which name in Rust, in which crate.
type Taken = BTreeMap<(usize, String), String>;

fn put_operation(
    resolver: &Resolver<'_>,
    operation: &read::Operation,
    items: &Items,
    taken: &mut Taken,
    model: &mut Model,
) -> Result<()> {
    let krate = resolver.operation_crate(&operation.path)?;
    let place = of_tag(resolver, krate, &operation.tag);
    let mut made = resolver.operation(operation)?;
    made.secrets = secrets::of(&made, items);
    let home = model
        .crates
        .get_mut(krate)
        .context("a crate that does not exist")?;
    if let Some(other) = taken.insert((krate, made.rust.clone()), made.id.clone()) {
        bail!(
            "its name in Rust, `{}`, is that of `{other}` too; {}",
            made.rust,
            clashes::of_operation(&made.id, RENAME)
        );
    }
    home.files.entry(place).or_default().operations.push(made);
    Ok(())
}

fn put_item(
    resolver: &Resolver<'_>,
    key: &str,
    item: Item,
    users: &BTreeSet<String>,
    taken: &mut Taken,
    model: &mut Model,
) -> Result<()> {
    let home = resolver.home(key)?;
    let other = taken.insert((home.krate, home.rust.clone()), key.to_owned());
    let why = match (legal::wrong(&home.rust, Use::Type), other) {
        (Some(why), _) => Some(why.to_owned()),
        (None, Some(other)) => Some(format!("is that of `{other}` too")),
        (None, None) => None,
    };
    if let Some(why) = why {
        // What has no schema is named after its operation.
        let cure = match resolver.operation_of(key) {
            Some(id) => clashes::of_operation(id, RENAME),
            None => clashes::entry(key, RENAME),
        };
        bail!("`{key}`: its name in Rust, `{}`, {why}; {cure}", home.rust);
    }
    let place = of_item(resolver, home.krate, key, &item, users);
    let krate = model.crates.get_mut(home.krate);
    let krate = krate.context("a crate that does not exist")?;
    krate.files.entry(place).or_default().items.push(item);
    model.index.insert(key.to_owned(), home);
    Ok(())
}

/// Keys of the items: query parameters and inline bodies in the order of the paths, then schemas in document order.
fn order(resolver: &Resolver<'_>, items: &Items) -> Vec<String> {
    let operations = resolver.document.operations.iter();
    let made = operations.flat_map(|operation| {
        let query = resolver.query_of(operation).map(str::to_owned);
        query.into_iter().chain([super::items::inline_key(&operation.id)])
    });
    let generics = resolver.generics.iter();
    let first_instance: BTreeMap<&str, &str> = generics.map(|(of, instance)| (*instance, *of)).collect();
    let named = resolver.document.schemas.iter().map(|named| {
        first_instance
            .get(named.name.as_str())
            .map_or_else(|| named.name.clone(), |of| (*of).to_owned())
    });
    let mut seen = BTreeSet::new();
    made.chain(named)
        .filter(|name| items.contains_key(name) && seen.insert(name.clone()))
        .collect()
}

/// The file of a tag. A dotted tag names its service itself.
fn of_tag(resolver: &Resolver<'_>, krate: usize, tag: &str) -> Place {
    Place {
        features: feature(resolver, tag),
        ..always(resolver, krate, tag)
    }
}

/// The feature of a tag, where there are features.
fn feature(resolver: &Resolver<'_>, tag: &str) -> Vec<String> {
    match resolver.overlay.layout {
        Layout::Crates => vec![names::feature(tag)],
        Layout::Module => Vec::new(),
    }
}

/// The file of a name that is no tag, or of a tag without its feature.
fn always(resolver: &Resolver<'_>, krate: usize, name: &str) -> Place {
    let rule = resolver.overlay.crates.get(krate);
    let name = name.strip_prefix("Vcenter.").unwrap_or(name);
    let (service, group) = match name.split_once('.') {
        Some((service, group)) => (names::snake(service), group),
        None => (rule.map_or_else(String::new, |rule| rule.service.clone()), name),
    };
    Place {
        service,
        group: names::snake(group),
        features: Vec::new(),
    }
}

/// A type that one tag alone leads to lies with it; any other one is common, but for faults of a few tags, of which there
/// are whole families. What the overlay calls a group of its own becomes a file of its own on either side.
fn of_item(
    resolver: &Resolver<'_>,
    krate: usize,
    name: &str,
    item: &Item,
    users: &BTreeSet<String>,
) -> Place {
    let rule = resolver.overlay.type_rule(resolver.instance(name));
    let group = rule.and_then(|rule| rule.group.as_deref());
    let only = match Vec::from_iter(users).as_slice() {
        [tag] if is_of_crate(resolver, krate, tag) => Some(tag.as_str()),
        _ => None,
    };
    let mut place = match (only, group) {
        (Some(tag), _) => of_tag(resolver, krate, tag),
        (None, Some(group)) => return common_group(resolver, krate, group),
        (None, None) => shared(resolver, krate, item, users),
    };
    if let Some(group) = group {
        let group = names::snake(group.rsplit('.').next().unwrap_or(group));
        if group != place.group {
            place.group = format!("{}_{group}", place.group);
        }
    } else if matches!(item, Item::Struct(item) if is_fault(item)) {
        place.group = format!("{}_{FAULTS}", place.group);
    }
    place
}

/// The file of what several tags lead to.
fn shared(resolver: &Resolver<'_>, krate: usize, item: &Item, users: &BTreeSet<String>) -> Place {
    let is_fault = matches!(item, Item::Struct(item) if is_fault(item));
    let of_few = is_fault && users.len() <= MOST_SHARERS;
    if !of_few || !users.iter().all(|tag| is_of_crate(resolver, krate, tag)) {
        return always(resolver, krate, COMMON);
    }
    let tags: Vec<Place> = users.iter().map(|tag| of_tag(resolver, krate, tag)).collect();
    let groups: Vec<&str> = tags.iter().map(|place| place.group.as_str()).collect();
    Place {
        group: groups.join("_"),
        features: tags.iter().flat_map(|place| place.features.clone()).collect(),
        ..always(resolver, krate, COMMON)
    }
}

/// The file of a group that is always there; a tag's own file of that name is not.
fn common_group(resolver: &Resolver<'_>, krate: usize, group: &str) -> Place {
    let mut place = always(resolver, krate, group);
    let operations = resolver.document.operations.iter();
    let mut tags = operations.map(|operation| always(resolver, krate, &operation.tag));
    if tags.any(|tag| tag == place) {
        place.group = format!("{COMMON}_{}", place.group);
    }
    place
}

/// Whether the tag's operations are all in that crate; a type of one crate can be in use by a resource of another only.
fn is_of_crate(resolver: &Resolver<'_>, krate: usize, tag: &str) -> bool {
    let all = resolver.document.operations.iter();
    let mut operations = all.filter(|operation| operation.tag == tag).peekable();
    operations.peek().is_some()
        && operations.all(|operation| {
            resolver
                .operation_crate(&operation.path)
                .is_ok_and(|index| index == krate)
        })
}
