//! Which crate and file each type and operation goes into.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};

use super::super::model::{Item, Model, Place};
use super::super::names;
use super::items::is_fault;
use super::{Items, Resolver};

/// File of what more than one resource uses.
pub(super) const COMMON: &str = "common";
/// File of the faults.
const FAULTS: &str = "faults";

/// Puts operations and types into the files of the model, operations in the order of the paths and types in that of
/// the schemas.
pub(super) fn put(resolver: &Resolver<'_>, mut items: Items, model: &mut Model) -> Result<()> {
    for operation in &resolver.document.operations {
        let krate = resolver.operation_crate(&operation.path)?;
        let place = place(resolver, krate, &operation.tag);
        let made = resolver
            .operation(operation)
            .with_context(|| format!("operation `{}`", operation.id))?;
        let home = model
            .crates
            .get_mut(krate)
            .context("a crate that does not exist")?;
        home.files.entry(place).or_default().operations.push(made);
    }
    let mut taken: BTreeMap<(usize, String), String> = BTreeMap::new();
    for name in order(resolver, &items) {
        let Some((item, users)) = items.remove(&name) else {
            continue;
        };
        let home = resolver.home(&name)?;
        if let Some(other) = taken.insert((home.krate, home.rust.clone()), name.clone()) {
            bail!(
                "`{other}` and `{name}` are both called `{}` in Rust; give one a `rename`",
                home.rust
            );
        }
        let place = item_place(resolver, home.krate, &name, &item, &users)?;
        let krate = model
            .crates
            .get_mut(home.krate)
            .context("a crate that does not exist")?;
        krate.files.entry(place).or_default().items.push(item);
        model.index.insert(name, home);
    }
    Ok(())
}

/// Keys of the items: inline bodies in the order of the paths, then schemas in document order.
fn order(resolver: &Resolver<'_>, items: &Items) -> Vec<String> {
    let inline = resolver
        .document
        .operations
        .iter()
        .map(|operation| super::items::inline_key(&operation.id));
    let first_instance: BTreeMap<&str, &str> = resolver
        .generics
        .iter()
        .map(|(of, instance)| (*instance, *of))
        .collect();
    let named = resolver.document.schemas.iter().map(|named| {
        first_instance
            .get(named.name.as_str())
            .map_or_else(|| named.name.clone(), |of| (*of).to_owned())
    });
    let mut seen = BTreeSet::new();
    inline
        .chain(named)
        .filter(|name| items.contains_key(name) && seen.insert(name.clone()))
        .collect()
}

/// The file of a tag. A dotted tag names its service itself.
fn place(resolver: &Resolver<'_>, krate: usize, tag: &str) -> Place {
    let service = resolver
        .overlay
        .crates
        .get(krate)
        .map_or_else(String::new, |rule| rule.service.clone());
    let tag = tag.strip_prefix("Vcenter.").unwrap_or(tag);
    match tag.split_once('.') {
        Some((service, group)) => Place {
            service: names::snake(service),
            group: names::snake(group),
        },
        None => Place {
            service,
            group: names::snake(tag),
        },
    }
}

fn item_place(
    resolver: &Resolver<'_>,
    krate: usize,
    name: &str,
    item: &Item,
    users: &BTreeSet<String>,
) -> Result<Place> {
    let told = resolver
        .overlay
        .type_rule(resolver.instance(name))
        .and_then(|rule| rule.group.as_deref());
    if let Some(group) = told {
        return Ok(place(resolver, krate, group));
    }
    if matches!(item, Item::Struct(item) if is_fault(item)) {
        return Ok(place(resolver, krate, FAULTS));
    }
    // A type of one crate can be in use by a resource of another only.
    let here = |tag: &&String| {
        let mut operations = resolver
            .document
            .operations
            .iter()
            .filter(|operation| operation.tag == **tag);
        operations.all(|operation| {
            resolver
                .operation_crate(&operation.path)
                .is_ok_and(|index| index == krate)
        })
    };
    let places: BTreeSet<Option<Place>> = users
        .iter()
        .map(|user| Some(user).filter(here).map(|user| place(resolver, krate, user)))
        .collect();
    match places.into_iter().collect::<Vec<_>>().as_slice() {
        [Some(one)] => Ok(one.clone()),
        [] => bail!("a type that nothing uses"),
        _ => Ok(place(resolver, krate, COMMON)),
    }
}
