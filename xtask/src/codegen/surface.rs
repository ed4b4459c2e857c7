//! What the services offer: each operation with the parameters that a caller can set.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use super::model::{Item, Model, Operation, Type};
use super::source::Source;
use crate::schemas;

/// An operation of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Its id in the document.
    pub(crate) id: String,
    /// The name of its constant in the model crate.
    pub(crate) constant: String,
    /// Wire names of what it takes in the query, and of its headers in lower case.
    pub(crate) query: BTreeSet<String>,
    pub(crate) headers: BTreeSet<String>,
    /// Wire names of the members of its body.
    pub(crate) body: BTreeSet<String>,
}

/// Every operation of the checked-in documents, in their order.
///
/// # Errors
/// If a document cannot be read.
pub(crate) fn offers() -> Result<Vec<Offer>> {
    let mut offers = Vec::new();
    for product in schemas::products()? {
        let source = Source::without_texts(&product)?;
        offers.extend(of(&source.model()?)?);
    }
    Ok(offers)
}

fn of(model: &Model) -> Result<Vec<Offer>> {
    let files = || model.crates.iter().flat_map(|krate| krate.files.values());
    let items: Vec<&Item> = files().flat_map(|file| &file.items).collect();
    files()
        .flat_map(|file| &file.operations)
        .map(|operation| offer(operation, &items, model))
        .collect()
}

fn offer(operation: &Operation, items: &[&Item], model: &Model) -> Result<Offer> {
    let query = items.iter().find_map(|item| match item {
        Item::Query(query) if query.operations.contains(&operation.id) => Some(&query.fields),
        _ => None,
    });
    let names = |fields: &[super::model::Field]| fields.iter().map(|field| field.wire.clone()).collect();
    Ok(Offer {
        id: operation.id.clone(),
        constant: operation.rust.clone(),
        query: query.map(|fields| names(fields)).unwrap_or_default(),
        headers: operation
            .headers
            .iter()
            .map(|(name, _)| name.to_ascii_lowercase())
            .collect(),
        body: match &operation.body {
            Some(Type::Named(schema)) => {
                let rust = &model.index.get(schema).context("a body without a type")?.rust;
                items
                    .iter()
                    .find_map(|item| match item {
                        Item::Struct(body) if body.rust == *rust => Some(names(&body.fields)),
                        _ => None,
                    })
                    .unwrap_or_default()
            }
            _ => BTreeSet::new(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer_of(id: &str) -> Offer {
        let offers = offers().expect("the documents");
        let found = offers.into_iter().find(|offer| offer.id == id);
        found.unwrap_or_else(|| panic!("no {id}"))
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn an_operation_is_offered_with_the_members_of_its_body() {
        let offer = offer_of("HostNetworkSystem_startDpuFailover");
        assert_eq!(offer.constant, "HOST_NETWORK_SYSTEM_START_DPU_FAILOVER");
        assert_eq!(offer.body, set(&["dvsName", "targetDpuAlias"]));
        assert!(offer.query.is_empty() && offer.headers.is_empty());
    }

    #[test]
    fn an_operation_is_offered_with_its_query_and_its_headers() {
        let list = offer_of("vmReplications.list");
        assert!(list.query.contains("vmName"), "{list:?}");
        let start = offer_of("vappReplications.start");
        assert_eq!(start.headers, set(&["on-prem-auth", "operationid"]));
    }
}
