//! The names of the calls that services route: what a fault rule can name.

use crate::service::ServiceName;
use crate::{pbm, sms, vcda, vcha, vi_json, vm};

/// The operations that a service routes by name.
fn routed(service: ServiceName) -> Box<dyn Iterator<Item = &'static str>> {
    match service {
        ServiceName::Vcda => Box::new(vcda::routed()),
        ServiceName::Vim => Box::new(
            vi_json::routed()
                .chain(vm::routed())
                .chain(vcha::vi_json::routed()),
        ),
        ServiceName::Sms => Box::new(sms::routed()),
        ServiceName::Pbm => Box::new(pbm::routed()),
        ServiceName::Vcha => Box::new(vcha::routed()),
    }
}

/// All names under which calls of a service are logged: operations, those that only check, properties by the type tables, and
/// the name of all that is none of these.
pub(crate) fn names(service: ServiceName) -> impl Iterator<Item = &'static str> {
    let checks = sms::CHECKS
        .into_iter()
        .filter(move |_| service == ServiceName::Sms);
    let properties = (service == ServiceName::Vim).then(vi_json::properties);
    routed(service)
        .chain(checks)
        .chain(properties.into_iter().flatten())
        .chain([vi_json::UNKNOWN])
}

#[cfg(test)]
mod tests {
    //! COVERAGE.md against the routes: each operation that a service routes has its place in the table of operations, and what
    //! stands there is routed.

    use std::collections::{BTreeMap, BTreeSet};

    use super::ServiceName;

    /// What an operation is about, and its name there.
    fn parts(operation: &str) -> Option<(&str, &str)> {
        operation.split_once('_').or_else(|| operation.split_once('.'))
    }

    /// The operations of the table, by what they are about.
    fn told(page: &str) -> BTreeMap<&str, Vec<&str>> {
        let section = page.split("\n## Operations\n").nth(1).unwrap_or_default();
        let section = section.split("\n## ").next().unwrap_or_default();
        let rows = section.lines().filter(|line| line.starts_with("| `"));
        rows.map(|row| {
            let mut cells = row.trim_matches('|').split(" | ");
            let about = cells.next().unwrap_or_default().trim().trim_matches('`');
            let names = cells.next().unwrap_or_default().split(", ");
            (about, names.map(|name| name.trim().trim_matches('`')).collect())
        })
        .collect()
    }

    #[test]
    fn every_operation_that_is_routed_has_its_row_and_every_row_its_route() {
        let told = told(include_str!("../COVERAGE.md"));
        let routed: Vec<_> = ServiceName::ALL.into_iter().flat_map(super::routed).collect();
        let missing: Vec<_> = routed
            .iter()
            .filter(|operation| {
                let of = parts(operation).and_then(|(about, name)| Some((told.get(about)?, name)));
                !of.is_some_and(|(names, name)| names.contains(&name))
            })
            .collect();
        assert!(
            missing.is_empty(),
            "no row in the table of operations: {missing:?}"
        );
        let known: BTreeSet<_> = routed.iter().filter_map(|operation| parts(operation)).collect();
        let told = told
            .iter()
            .flat_map(|(about, names)| names.iter().map(move |name| (*about, *name)));
        let stale: Vec<_> = told.filter(|told| !known.contains(told)).collect();
        assert!(stale.is_empty(), "rows without a route: {stale:?}");
    }
}
