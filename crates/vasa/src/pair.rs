//! Pairs of groups and of fault domains, which two vCenters tell each half of.

use farside_wire::Fault;

use crate::group::{Group, GroupSide};
use crate::id::{GroupId, ProviderRef};

/// The fault domains that one fault domain replicates to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Peer {
    /// The fault domain.
    pub source: String,
    /// Those it replicates to.
    pub targets: Vec<String>,
    /// Why the provider cannot tell, where it cannot.
    pub faults: Vec<Fault>,
    /// What else it says.
    pub warnings: Vec<Fault>,
}

/// A fault domain, as far as vCenter knows it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FaultDomain {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The id of the array that it is of.
    pub array: Option<String>,
    /// The fault domains that it consists of.
    pub children: Vec<String>,
    /// The provider to call for its groups; not told of the other site's domains.
    pub provider: Option<ProviderRef>,
}

/// Which sides say that two groups belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// Both.
    Both,
    /// The source alone: the target does not show the group, or names another source.
    SourceOnly,
    /// The target alone: the source does not show the group, or names other targets.
    TargetOnly,
}

/// A group at the source and at a target.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplicationPair {
    /// Its id at the source.
    pub source: GroupId,
    /// Its id at the target.
    pub target: GroupId,
    /// Who says so.
    pub agreement: Agreement,
}

/// Joins groups that the source side showed with those that the target side showed. A pair that only one side knows of is in the
/// result as well: it is not to be relied on (vVol recovery rules 2.2.2, inferred).
///
/// Void after a reverse, which can change the ids of both sides.
#[must_use]
pub fn pair(at_source: &[Group], at_target: &[Group]) -> Vec<ReplicationPair> {
    let mut pairs: Vec<ReplicationPair> = Vec::new();
    for group in at_source {
        let GroupSide::Source { targets } = &group.side else {
            continue;
        };
        pairs.extend(targets.iter().map(|target| ReplicationPair {
            source: group.id.clone(),
            target: target.clone(),
            agreement: Agreement::SourceOnly,
        }));
    }
    for group in at_target {
        let GroupSide::Target { source: Some(source) } = &group.side else {
            continue;
        };
        let known = pairs
            .iter_mut()
            .find(|pair| pair.source == *source && pair.target == group.id);
        match known {
            Some(pair) => pair.agreement = Agreement::Both,
            None => pairs.push(ReplicationPair {
                source: source.clone(),
                target: group.id.clone(),
                agreement: Agreement::TargetOnly,
            }),
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use farside_models_sms::ReplicationState;

    use super::*;

    fn id(domain: &str, number: u32) -> GroupId {
        GroupId::new(domain, format!("g-{number}"))
    }

    fn source(number: u32, targets: &[u32]) -> Group {
        let targets = targets.iter().map(|target| id("west", *target)).collect();
        let side = GroupSide::Source { targets };
        Group::new(id("east", number), ReplicationState::Source, side, Vec::new())
    }

    fn target(number: u32, source: u32) -> Group {
        let side = GroupSide::Target {
            source: Some(id("east", source)),
        };
        Group::new(id("west", number), ReplicationState::Target, side, Vec::new())
    }

    #[test]
    fn a_pair_that_one_side_does_not_know_of_is_shown_as_such() {
        let found = pair(
            &[source(1, &[1, 2]), source(3, &[3])],
            &[target(1, 1), target(3, 9)],
        );
        let told: Vec<_> = found
            .iter()
            .map(|pair| (pair.source.clone(), pair.target.clone(), pair.agreement))
            .collect();
        assert_eq!(
            told,
            [
                (id("east", 1), id("west", 1), Agreement::Both),
                (id("east", 1), id("west", 2), Agreement::SourceOnly),
                (id("east", 3), id("west", 3), Agreement::SourceOnly),
                (id("east", 9), id("west", 3), Agreement::TargetOnly),
            ]
        );
    }
}
