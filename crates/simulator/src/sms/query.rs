//! The queries of a provider: groups, peers, replicas.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::body::{self, Named};
use super::group::{Pair, fault_domain_id};
use super::provider::Provider;
use super::{Sms, view};
use crate::core::Core;
use crate::vi_json::fault::Fault;
use crate::vi_json::value::date_time;

/// `QueryReplicationGroup`.
pub(super) fn groups(sms: &Sms, core: &Core, provider: &Provider, body: &Value) -> Value {
    let named = body::groups(body);
    if named.is_empty() {
        return all_groups(sms, core, provider);
    }
    each(sms, provider, &named, |pair, side, _| {
        Ok(view::group(sms, core, pair, side))
    })
}

fn all_groups(sms: &Sms, core: &Core, provider: &Provider) -> Value {
    let found: Vec<Value> = sms
        .own(provider)
        .map(|(pair, side)| {
            if provider.spec.lists_ids_only {
                json!({"_typeName": "GroupOperationResult", "groupId": pair.sides[side].group_id()})
            } else {
                view::group(sms, core, pair, side)
            }
        })
        .collect();
    if found.is_empty() {
        Value::Null
    } else {
        json!(found)
    }
}

fn each(
    sms: &Sms,
    provider: &Provider,
    named: &[Named],
    answer: impl Fn(&Pair, usize, &Named) -> Result<Value, Fault>,
) -> Value {
    let limit = provider
        .spec
        .limit()
        .filter(|_| sms.spec.limits_queries)
        .unwrap_or(usize::MAX);
    let mut seen = BTreeSet::new();
    let told = named
        .iter()
        .enumerate()
        .filter(|(_, group)| !sms.leaves_out(provider, group));
    let entries = told.map(|(index, group)| {
        let entry = if index >= limit {
            Err(too_many(sms, limit))
        } else if !seen.insert(group.object()) {
            Err(Fault::new("DuplicateEntry", "The group is named twice."))
        } else {
            let found = sms.look_up(provider, &group.fault_domain, &group.id);
            found.and_then(|(pair, side)| answer(pair, side, group))
        };
        entry.unwrap_or_else(|fault| error_entry(group, &fault))
    });
    let entries: Vec<Value> = entries.collect();
    if entries.is_empty() {
        Value::Null
    } else {
        json!(entries)
    }
}

pub(super) fn too_many(sms: &Sms, limit: usize) -> Fault {
    let fault = Fault::new("TooMany", "Too many groups in one call.");
    if sms.spec.hides_limit {
        fault
    } else {
        fault.with("maxBatchSize", limit)
    }
}

/// `GroupErrorResult`.
pub(super) fn error_entry(group: &Named, fault: &Fault) -> Value {
    json!({"_typeName": "GroupErrorResult", "groupId": group.to_json(), "error": [fault.to_json()]})
}

/// `QueryReplicationPeer`: pairs of fault domains.
pub(super) fn peers(sms: &Sms, provider: &Provider, body: &Value) -> Value {
    let asked = body.get("faultDomainId").and_then(Value::as_array);
    let asked: Vec<String> = asked
        .into_iter()
        .flatten()
        .filter_map(|domain| Some(domain.get("id")?.as_str()?.to_owned()))
        .collect();
    let asked = if asked.is_empty() {
        vec![provider.fault_domain.clone()]
    } else {
        asked
    };
    let entries = asked.iter().map(|domain| {
        let known = *domain == provider.fault_domain;
        match sms.peer(provider).filter(|_| known) {
            Some(peer) => json!({
                "_typeName": "QueryReplicationPeerResult",
                "sourceDomain": fault_domain_id(domain),
                "targetDomain": [fault_domain_id(&peer.fault_domain)],
            }),
            None => json!({
                "_typeName": "QueryReplicationPeerResult",
                "sourceDomain": fault_domain_id(domain),
                "error": [Fault::new("NotFound", "There is no such fault domain.").to_json()],
            }),
        }
    });
    entries.collect()
}

/// Which replicas are asked for.
struct Wanted {
    name: Option<String>,
    tags: bool,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    number: Option<usize>,
    details: bool,
}

impl Wanted {
    fn read(body: &Value) -> Result<Self, Fault> {
        let param = body.get("queryParam");
        let interval = param.and_then(|param| param.get("replicaTimeQueryParam"));
        let date = |name: &str| match interval
            .and_then(|interval| interval.get(name))
            .and_then(Value::as_str)
        {
            None => Ok(None),
            Some(text) => text.parse::<Timestamp>().map(Some).map_err(|_| {
                let path = format!("queryParam.replicaTimeQueryParam.{name}");
                Fault::invalid_argument(Some(&path), "This is no date.")
            }),
        };
        let number = interval
            .and_then(|interval| interval.get("number"))
            .and_then(Value::as_i64);
        let number = number.map(usize::try_from).transpose().map_err(|_| {
            Fault::invalid_argument(Some("queryParam.replicaTimeQueryParam.number"), "Not below zero.")
        })?;
        let tags = param
            .and_then(|param| param.get("tags"))
            .and_then(Value::as_array);
        let details = param
            .and_then(|param| param.get("preferDetails"))
            .and_then(Value::as_bool);
        Ok(Self {
            name: param
                .and_then(|param| param.get("pitName"))
                .and_then(Value::as_str)
                .map(str::to_owned),
            tags: tags.is_some_and(|tags| !tags.is_empty()),
            from: date("fromDate")?,
            to: date("toDate")?,
            number,
            details: details.unwrap_or(false),
        })
    }
}

/// `QueryPointInTimeReplica`: replicas live at the target.
pub(super) fn replicas(sms: &Sms, core: &Core, provider: &Provider, body: &Value) -> Result<Value, Fault> {
    let named = body::groups(body);
    if named.is_empty() {
        return Err(Fault::invalid_argument(
            Some("groupId"),
            "The group list is empty.",
        ));
    }
    let wanted = Wanted::read(body)?;
    Ok(each(sms, provider, &named, |pair, side, _| {
        if side == pair.source {
            return Err(Fault::new(
                "InvalidFunctionTarget",
                "Replicas live at the target.",
            ));
        }
        replicas_of(sms, core, provider, (pair, side), &wanted)
    }))
}

fn replicas_of(
    sms: &Sms,
    core: &Core,
    provider: &Provider,
    (pair, side): (&Pair, usize),
    wanted: &Wanted,
) -> Result<Value, Fault> {
    let vcenter = &pair.sides[side].vcenter;
    let fits = |at_ms: i64| {
        let at = core.server_time(vcenter, at_ms);
        wanted.from.is_none_or(|from| from <= at) && wanted.to.is_none_or(|to| at < to)
    };
    let mut found: Vec<_> = pair
        .pits
        .iter()
        .filter(|pit| wanted.name.as_ref().is_none_or(|name| *name == pit.name))
        .filter(|pit| !wanted.tags && fits(pit.at_ms))
        .collect();
    let surplus = found.len().saturating_sub(wanted.number.unwrap_or(usize::MAX));
    found.drain(..surplus);
    let group_id = pair.sides[side].group_id();
    if let (true, false, None, Some(first), Some(last)) = (
        provider.spec.continuous,
        wanted.details,
        &wanted.name,
        found.first(),
        found.last(),
    ) {
        return Ok(json!({
            "_typeName": "QueryPointInTimeReplicaSummaryResult",
            "groupId": group_id,
            "intervalResults": [{
                "_typeName": "ReplicaIntervalQueryResult",
                "fromDate": date_time(core, vcenter, first.at_ms),
                "toDate": date_time(core, vcenter, last.at_ms + 1),
                "number": found.len(),
            }],
        }));
    }
    let limit = provider.spec.replica_limit.map(|limit| limit as usize);
    if let Some(limit) = limit.filter(|limit| found.len() > *limit) {
        return Err(too_many(sms, limit));
    }
    let mut result = json!({"_typeName": "QueryPointInTimeReplicaSuccessResult", "groupId": group_id});
    if !found.is_empty() {
        let infos = found.iter().map(|pit| {
            json!({
                "_typeName": "PointInTimeReplicaInfo",
                "id": {"_typeName": "PointInTimeReplicaId", "id": pit.id},
                "pitName": pit.name,
                "timeStamp": date_time(core, vcenter, pit.at_ms),
            })
        });
        result["replicaInfo"] = infos.collect();
    }
    Ok(result)
}
